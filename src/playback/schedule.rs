//! What the engine tells the presenting thread, and what it hears back.

use std::num::NonZeroI64;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::quality::{PresentCost, PresentMeter};
use crate::decode::{FrameConsumer, Generation, RunAnchor, Still};
use crate::metrics::Stage;
use crate::time::{FrameIndex, MediaSpan};

/// Counts media that were opened; each has a ring of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

/// What the screen must show. Immutable; the engine publishes a new one for every change.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The medium whose ring is meant.
    pub epoch: Epoch,
    /// The plan whose frames are meant; frames of older plans are dropped.
    pub generation: Generation,
    /// Whether the plan's frames come in falling order.
    pub reverse: bool,
    /// How.
    pub mode: ScheduleMode,
    /// What is at hand for the frame that is to be held: it is shown without waiting for a session.
    pub at_hand: Option<AtHand>,
}

/// A picture that is at hand for a frame that is to be held.
#[derive(Debug, Clone)]
pub struct AtHand {
    /// The frame that is to be held.
    pub target: FrameIndex,
    /// The picture.
    pub still: Still,
    /// Whether it is the target's own picture. One that is not stands in for it: the ring's replaces it.
    pub exact: bool,
}

/// How frames are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleMode {
    /// Show nothing new.
    Idle,
    /// Leave what is on screen there: a pause holds whichever frame the presenting thread has come to.
    Stay,
    /// Show this frame as soon as it comes, and hold it.
    Hold(FrameIndex),
    /// Show each frame when it is due.
    Run(RunAnchor),
    /// Show each frame as soon as it comes, one after another: for measuring.
    Untimed,
}

/// What a schedule wants on screen. A command that moves the playhead changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScreenAim {
    epoch: Epoch,
    generation: Generation,
    /// The frame that is to be held, if one is.
    pub held: Option<FrameIndex>,
}

impl Schedule {
    /// What it wants on screen.
    pub fn aim(&self) -> ScreenAim {
        ScreenAim {
            epoch: self.epoch,
            generation: self.generation,
            held: match self.mode {
                ScheduleMode::Hold(index) => Some(index),
                _ => None,
            },
        }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            epoch: Epoch::default(),
            generation: Generation::default(),
            reverse: false,
            mode: ScheduleMode::Idle,
            at_hand: None,
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
    /// The first frames after its cuts, in order.
    pub cuts: Arc<[FrameIndex]>,
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
    /// The frame to be held that the plan will not deliver any more: it was given up or dropped.
    pub passed_over: Option<(Epoch, Generation, FrameIndex)>,
}

/// Why a frame of the plan has no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPicture {
    /// The medium.
    pub epoch: Epoch,
    /// The plan.
    pub generation: Generation,
    /// The frame.
    pub index: FrameIndex,
    /// In words.
    pub reason: Arc<str>,
}

/// What the engine hears from the presenting thread. The lock is held for a copy of a few words.
#[derive(Debug, Default)]
pub struct Feedback {
    shown: Mutex<Shown>,
    missing: Mutex<Option<MissingPicture>>,
    /// Length of a refresh in nanoseconds; zero while it is not known.
    period_nanos: AtomicI64,
    /// Frames that were late, or dropped against their will.
    late_frames: AtomicU64,
    present: Mutex<PresentMeter>,
}

impl Feedback {
    /// The frame on screen.
    pub fn shown(&self) -> Shown {
        *self.shown.lock()
    }

    /// The last frame that should have been shown and had no picture.
    pub fn missing(&self) -> Option<MissingPicture> {
        self.missing.lock().clone()
    }

    /// Length of a refresh of the display in nanoseconds, as soon as it is known.
    pub fn period_nanos(&self) -> Option<NonZeroI64> {
        NonZeroI64::new(self.period_nanos.load(Ordering::Relaxed))
    }

    /// Frames that were late, or dropped although the display could have shown them, since the start.
    pub fn late_frames(&self) -> u64 {
        self.late_frames.load(Ordering::Relaxed)
    }

    /// What presenting costs lately.
    pub fn present_cost(&self) -> PresentCost {
        self.present.lock().cost()
    }

    /// Begins to measure presenting anew.
    pub(super) fn forget_present_cost(&self) {
        *self.present.lock() = PresentMeter::default();
    }

    pub(super) fn set_late_frames(&self, frames: u64) {
        self.late_frames.store(frames, Ordering::Relaxed);
    }

    pub(super) fn note_stages(&self, stages: &[(Stage, u64)]) {
        let mut present = self.present.lock();
        for &(stage, nanos) in stages {
            present.add(stage, nanos);
        }
    }

    pub(super) fn set_period_nanos(&self, nanos: i64) {
        self.period_nanos.store(nanos, Ordering::Relaxed);
    }

    pub(super) fn set_missing(&self, missing: MissingPicture) {
        *self.missing.lock() = Some(missing);
    }

    pub(super) fn update(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.lock());
    }
}
