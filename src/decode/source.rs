//! What the engine asks of whatever brings its pictures: a session on a file, a sequence of images, a timeline.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::clip::{ClipChooser, ClipLook};
use super::cost::Cost;
use super::index::GopIndex;
use super::plan::{Generation, VideoPlan};
use super::ring::Picture;
use super::rung::Rung;
use crate::media::{PictureTraits, Size};
use crate::time::FrameIndex;

/// How a session is doing. Cheap to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStatus {
    /// The newest generation of which a frame (or the end) is in the ring or was taken from it.
    pub ready: Generation,
    /// Why decoding failed, if it did; a new plan tries again.
    pub failure: Option<Arc<str>>,
    /// Pictures in the ring, and how many fit.
    pub ring_fill: (usize, usize),
    /// Packets passed over for damage.
    pub damaged_packets: u64,
    /// Pictures that could not be decoded into the pool: it was full, or the codec brings its own
    /// memory.
    pub outside_pool: (u64, u64),
    /// Pictures that were copied into another arrangement, for their format is not canonical.
    pub repacked: u64,
    /// Pictures that came out of the decoder, whether they were shown or not.
    pub decoded: u64,
    /// What is decoded.
    pub rung: Rung,
    /// Whether there are verified proxies.
    pub has_proxies: bool,
    /// What a frame of that rung costs, as far as it was measured.
    pub cost: Option<Cost>,
    /// Frames that were left out on purpose, for the rung leaves them out.
    pub left_out: u64,
    /// Whether it goes round in a lap that memory can hold, so that each of its frames is decoded only once.
    pub holds_lap: bool,
}

/// A picture that is at hand without decoding.
#[derive(Debug, Clone)]
pub struct Still {
    /// The frame that it shows.
    pub index: FrameIndex,
    /// What it shows.
    pub picture: Picture,
}

impl Still {
    /// How many frames lie between it and `frame`.
    pub fn away_from(&self, frame: FrameIndex) -> i64 {
        (self.index.0 - frame.0).abs()
    }
}

/// Where the hand is that drags the playhead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hand {
    /// The frame that it points at.
    pub frame: FrameIndex,
    /// Whether it moves towards the beginning.
    pub reverse: bool,
}

/// What it takes to decode a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gop {
    /// Frames that are decoded to show it, from its keyframe on, itself included.
    pub up_to: i64,
    /// How many frames are seen from that keyframe to the next.
    pub frames: i64,
}

/// Finds pictures that can stand in for a frame until it is there: a strip of thumbnails, for example.
pub trait Approximations: Send + Sync {
    /// What is at hand nearest to this frame, no farther away than `reach`. Takes some microseconds.
    fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still>;
}

impl fmt::Debug for dyn Approximations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Approximations")
    }
}

/// Anything that delivers frames by plan: a decode session, or a test's script.
pub trait VideoSource: Send {
    /// Replaces the plan. Returns at once.
    fn set_plan(&mut self, plan: VideoPlan);
    /// Gives the plan up without another in its place: nothing more is decoded for it. Returns at once.
    fn abandon(&mut self) {}
    /// Follows a hand that moves slowly: until the next plan, what may be decoded that nobody has asked for
    /// is what lies around it. Returns at once.
    fn follow_hand(&mut self, _hand: Hand) {}
    /// Asks for this rung of the quality ladder from the next frame on, as far as it is there. Returns at
    /// once; [`SourceStatus::rung`] says what is decoded.
    fn set_rung(&mut self, _rung: Rung) {}
    /// Why files that look like proxies are not used, in sentences that name them.
    fn refusals(&self) -> Option<Arc<Vec<Arc<str>>>> {
        None
    }
    /// The rungs that can be asked for and the size of their pictures, the best first. Empty where there is
    /// no choice.
    fn rungs(&self) -> Vec<(Rung, Size)> {
        Vec::new()
    }
    /// Another number whenever [`Self::rungs`] are others: to ask for it costs nothing.
    fn rungs_revision(&self) -> u64 {
        0
    }
    /// Whether it is made of several clips, each of which has rungs of its own: [`Self::clip_at`] tells of them,
    /// and [`Self::set_clip_rung`] takes the place of [`Self::set_rung`].
    fn has_clips(&self) -> bool {
        false
    }
    /// Has `chooser` say what is decoded of each clip before its first frame is.
    fn set_chooser(&mut self, _chooser: Arc<dyn ClipChooser>) {}
    /// What is seen in this frame; with `None`, in the one that is decoded now. Nothing where there is no
    /// choice, or as long as too little is known. Takes some microseconds.
    fn clip_at(&self, _frame: Option<FrameIndex>) -> Option<ClipLook> {
        None
    }
    /// Asks for this rung of the clips that are seen in `frame`, as [`Self::set_rung`] does. Returns at once.
    fn set_clip_rung(&mut self, _frame: FrameIndex, _rung: Rung) {}
    /// How it is doing.
    fn status(&self) -> SourceStatus;
    /// What is out of the ordinary about the pictures of `frame`, as far as it was seen and its stream does not
    /// say.
    fn traits(&self, _frame: FrameIndex) -> PictureTraits {
        PictureTraits::default()
    }
    /// The frames known so far.
    fn index(&self) -> Arc<GopIndex>;
    /// The GOP of this frame, where [`Self::index`] names no keyframes: a timeline's frames are those of several
    /// files. Takes some microseconds.
    fn gop_at(&self, _frame: FrameIndex) -> Option<Gop> {
        None
    }
    /// Frames from one keyframe to the next of what is decoded in the place of this frame's source, if a proxy is asked
    /// for and is there. Takes some microseconds.
    fn proxy_gop(&self, _frame: FrameIndex) -> Option<i64> {
        None
    }
    /// Whether it may decode what nobody has asked for yet, while a frame is held. It may until it is told
    /// otherwise; then it stops between two packets. Returns at once.
    fn allow_prefetch(&mut self, _allowed: bool) {}
    /// This frame, if it is at hand without decoding. Takes some microseconds.
    fn still(&self, _frame: FrameIndex) -> Option<Still> {
        None
    }
    /// What is at hand nearest to this frame, no farther away than `reach`. Takes some microseconds.
    fn nearest_still(&self, _frame: FrameIndex, _reach: i64) -> Option<Still> {
        None
    }
    /// Which of these frames are at hand without decoding, as stretches in order. Takes up to a microsecond a
    /// frame.
    fn kept(&self, _frames: Range<FrameIndex>) -> Vec<Range<FrameIndex>> {
        Vec::new()
    }
    /// Wishes for the picture of the keyframe nearest to this frame; the latest wish wins. Returns at
    /// once. It comes, with a call of `notify`, as [`Self::keyframe_near`].
    fn want_keyframe(&mut self, _frame: FrameIndex) {}
    /// Of the keyframes that were wished for lately, the one nearest to this frame, no farther away
    /// than `reach`. Takes some microseconds.
    fn keyframe_near(&self, _frame: FrameIndex, _reach: i64) -> Option<Still> {
        None
    }
}
