//! The two shelves of the cache, what stands on them, and how the limit is divided between them.

use std::sync::Arc;

use super::FrameCacheStats;
use super::reduced::is_worth_it;
use crate::media::{Size, VideoFrame};
use crate::memory::Charge;

/// Where frames are reduced, so much of the limit is for whole ones: the quarter around the playhead.
const WHOLE_PART: u64 = 4;

/// Whole frames, or frames at the size that they are shown at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    Whole,
    Reduced,
}

impl Shelf {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Whole => Self::Reduced,
            Self::Reduced => Self::Whole,
        }
    }
}

/// A kept frame.
pub(super) struct Kept {
    pub(super) picture: Arc<VideoFrame>,
    pub(super) bytes: u64,
    /// Of a frame outside the frame pool.
    pub(super) _charge: Option<Charge>,
}

/// A frame that is kept no longer.
pub(super) struct Gone {
    pub(super) source: u64,
    pub(super) frame: i64,
    pub(super) kept: Kept,
}

/// Bytes of whole frames and of reduced ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) whole: u64,
    pub(super) reduced: u64,
}

/// What the cache may hold of each while frames of so many bytes come from a source.
pub(super) fn limits_of(
    frame_bytes: u64,
    reduced_to: Option<Size>,
    stats: &FrameCacheStats,
) -> Limits {
    let total = stats.limit_bytes;
    let reduces = reduced_to.is_some_and(|size| is_worth_it(frame_bytes, size));
    let whole = if reduces { total / WHOLE_PART } else { total };
    Limits {
        whole,
        reduced: total - whole,
    }
}
