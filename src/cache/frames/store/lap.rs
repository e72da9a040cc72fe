//! What a playhead that plays on may fill: next to nothing where it only passes by, and everything where it goes round in a
//! lap that fits.

use super::{Source, Store};
use crate::cache::frames::FrameCacheStats;
use crate::cache::frames::reduced::reduced_bytes;
use crate::cache::frames::shelf::limits_of;
use crate::media::Size;

/// While a playhead only passes by, its source does not make the cache grow beyond so many frames: enough for
/// some steps back.
const PASSED_FRAMES: u64 = 16;

/// So many of them may come at once, the others one a second: memory that was never written to before costs
/// more time than the copy of a picture, for the system fills it first, and a virtual machine's host before it.
const PASSED_AT_ONCE: u64 = 4;

/// How many bytes of whole frames the cache may hold while frames of so many bytes come from `source`.
pub(super) fn limit_for(
    source: &Source,
    frame_bytes: u64,
    reduced_to: Option<Size>,
    stats: &FrameCacheStats,
) -> u64 {
    let limits = limits_of(frame_bytes, reduced_to, stats);
    let holds_lap = holds_lap(source, frame_bytes, reduced_to, stats);
    let Some(since) = source.passes_since.filter(|_| !holds_lap) else {
        return limits.whole;
    };
    let seconds = source.aimed_at.since(since).as_secs();
    let frames = seconds.saturating_add(PASSED_AT_ONCE).min(PASSED_FRAMES);
    let passed = frame_bytes.saturating_mul(frames).max(stats.whole_bytes());
    passed.min(limits.whole)
}

/// Whether `source` goes round in a lap of frames of so many bytes that fits.
pub(super) fn holds_lap(
    source: &Source,
    frame_bytes: u64,
    reduced_to: Option<Size>,
    stats: &FrameCacheStats,
) -> bool {
    let limits = limits_of(frame_bytes, reduced_to, stats);
    let reduced_to = reduced_to.filter(|_| limits.reduced > 0 && !source.is_irreducible);
    let fits = |lap: u64| match reduced_to {
        Some(size) => lap.saturating_mul(reduced_bytes(size)) <= limits.reduced,
        None => lap.saturating_mul(frame_bytes) <= limits.whole,
    };
    frame_bytes > 0 && source.lap.is_some_and(fits)
}

impl Store {
    /// Whether all frames of the lap that the playhead of `source` goes round can be kept.
    pub(in crate::cache::frames) fn holds_lap(&self, source: u64) -> bool {
        let source = self.sources.get(&source);
        source.is_some_and(|source| {
            holds_lap(source, source.frame_bytes, self.reduced_to, &self.stats)
        })
    }

    /// Notes that a frame of `source` could not be reduced.
    pub(in crate::cache::frames) fn cannot_reduce(&mut self, source: u64) {
        if let Some(source) = self.sources.get_mut(&source) {
            source.is_irreducible = true;
        }
    }
}
