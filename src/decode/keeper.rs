//! Where sessions leave what they decode, and look before they decode it again.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::index::GopIndex;
use super::source_file::FileIdentity;
use crate::media::{VideoFrame, VideoStream};
use crate::time::FrameIndex;

/// How the playhead moves over a medium, for whoever keeps its frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim {
    /// Where it is.
    pub frame: FrameIndex,
    /// Whether it moves towards the beginning.
    pub reverse: bool,
    /// Whether it only passes by: it plays on, and what it has passed is not likely to be asked for again.
    pub passes: bool,
    /// Frames that are decoded to show it, from its keyframe on, itself included; 0 where that is not known.
    pub depth: i64,
    /// Frames of a lap, where it goes round: it comes back to what fits.
    pub lap: Option<u64>,
}

/// Those of `frames` that are in something, as stretches.
pub fn stretches(
    frames: Range<FrameIndex>,
    is_in: impl Fn(FrameIndex) -> bool,
) -> Vec<Range<FrameIndex>> {
    let mut stretches: Vec<Range<FrameIndex>> = Vec::new();
    for frame in (frames.start.0..frames.end.0).map(FrameIndex) {
        if !is_in(frame) {
            continue;
        }
        match stretches.last_mut() {
            Some(last) if last.end == frame => last.end = frame.offset(1),
            _ => stretches.push(frame..frame.offset(1)),
        }
    }
    stretches
}

/// Keeps decoded frames of one stream, as far as memory allows. Sessions of the same stream share one.
pub trait FrameKeeper: Send + Sync {
    /// The frame, if it is kept.
    fn get(&self, frame: FrameIndex) -> Option<Arc<VideoFrame>>;
    /// Whether it is kept. Counts neither as a hit nor as a miss.
    fn has(&self, frame: FrameIndex) -> bool;
    /// Offers a frame; it may be declined, and others may make room for it.
    fn put(&self, frame: FrameIndex, picture: &Arc<VideoFrame>);
    /// Whether a frame would be kept if it were offered: what is nobody's wish need not be decoded.
    fn wants(&self, frame: FrameIndex) -> bool;
    /// Whether memory has room for so many bytes beside what is kept. What holds them can't be made to let go of
    /// them at once.
    fn has_room_beside(&self, bytes: u64) -> bool;
    /// Whether the playhead goes round in a lap all of whose frames can be kept at once, as far as their size is
    /// known: what is decoded of it need not be decoded again.
    fn holds_lap(&self) -> bool;
    /// Tells where the playhead is: what lies farthest from it makes room first.
    fn aim(&self, aim: Aim);
    /// The kept frame nearest to `frame`, no farther away than `reach` frames.
    fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<(FrameIndex, Arc<VideoFrame>)>;
}

impl fmt::Debug for dyn FrameKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameKeeper")
    }
}

/// Keeps indices of files that were read before, for the next time that they are opened.
pub trait IndexStore: Send + Sync {
    /// The complete index of `stream` in the file of this identity, if it is kept and sound.
    fn load(&self, file: &FileIdentity, stream: &VideoStream) -> Option<Arc<GopIndex>>;
    /// Keeps a complete index of the file, which is named `path`. Returns when it is kept or declined.
    fn store(&self, path: &Path, file: &FileIdentity, stream: &VideoStream, index: &GopIndex);
}

impl fmt::Debug for dyn IndexStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexStore")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_stretch() {
        let found = stretches(FrameIndex(2)..FrameIndex(12), |frame| {
            [0, 1, 2, 3, 4, 7, 9, 10, 11, 12].contains(&frame.0)
        });
        let range = |first, end| FrameIndex(first)..FrameIndex(end);
        assert_eq!(found, [range(2, 5), range(7, 8), range(9, 12)]);
        assert!(stretches(range(5, 5), |_| true).is_empty());
    }
}
