//! What the engine tells the presenting thread, and what it hears back.

use parking_lot::Mutex;

use crate::decode::{FrameConsumer, Generation, RunAnchor};
use crate::time::{FrameIndex, MediaSpan};

/// Counts media that were opened; each has a ring of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// What the screen must show. Immutable; the engine publishes a new one for every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// The medium whose ring is meant.
    pub epoch: Epoch,
    /// The plan whose frames are meant; frames of older plans are dropped.
    pub generation: Generation,
    /// How.
    pub mode: ScheduleMode,
}

/// How frames are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleMode {
    /// Show nothing new.
    Idle,
    /// Show this frame as soon as it comes, and hold it.
    Hold(FrameIndex),
    /// Show each frame when it is due.
    Run(RunAnchor),
    /// Show each frame as soon as it comes, one after another: for measuring.
    Untimed,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            epoch: Epoch::default(),
            generation: Generation::default(),
            mode: ScheduleMode::Idle,
        }
    }
}

/// A ring handed to the presenting thread when a medium is opened.
#[derive(Debug)]
pub struct NewSource {
    /// The medium.
    pub epoch: Epoch,
    /// Its frames.
    pub frames: FrameConsumer,
    /// Length of a frame at the medium's rate.
    pub frame_span: MediaSpan,
}

/// The frame on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shown {
    /// The medium it is from.
    pub epoch: Epoch,
    /// The plan it came with.
    pub generation: Generation,
    /// Which frame.
    pub index: FrameIndex,
    /// Run time at which it was due.
    pub run: MediaSpan,
    /// The plan that has been shown to its end, if any.
    pub ended: Option<(Epoch, Generation)>,
}

/// What the engine hears from the presenting thread. The lock is held for a copy of a few words.
#[derive(Debug, Default)]
pub struct Feedback {
    shown: Mutex<Shown>,
}

impl Feedback {
    /// The frame on screen.
    pub fn shown(&self) -> Shown {
        *self.shown.lock()
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.lock());
    }
}
