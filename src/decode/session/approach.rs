//! What a session passes on its way to a plan's first frame.
//!
//! A plan that begins late in a long GOP is decoded from the keyframe on, and its first frame can be seconds away.
//! What comes out of the decoder until then is true and near: whoever waits can be shown it.

use std::time::Duration;

use parking_lot::Mutex;

use super::worker::{Decoded, Worker};
use crate::decode::plan::PlanCursor;
use crate::decode::ring::Picture;
use crate::decode::source::Still;
use crate::time::{FrameIndex, Moment};

/// A picture that nobody keeps is turned into one to look at only so often: that takes time from the way.
const OFTEN: Duration = Duration::from_millis(200);

/// The latest picture on the way, for the session's handle.
#[derive(Debug, Default)]
pub(super) struct Approach(Mutex<Option<Still>>);

impl Approach {
    /// The picture, if it lies no farther than `reach` from `frame`.
    pub(super) fn near(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let still = self.0.lock().clone();
        still.filter(|still| still.away_from(frame) <= reach)
    }
}

impl Worker {
    /// Whether the plan's first frame is still to come.
    pub(super) fn approaches(&self) -> bool {
        let is_first = |cursor: &PlanCursor| cursor.is_at_start() && !cursor.is_reverse();
        self.cursor.as_ref().is_some_and(is_first)
    }

    /// Whether a picture that nobody would keep is to be shown on the way.
    pub(super) fn shows_approach(&self, now: Moment) -> bool {
        let often = self.approached.is_none_or(|at| now.since(at) >= OFTEN);
        often && self.approaches() && !self.is_on_proxy()
    }

    /// A picture was passed on the way to what is wanted.
    pub(super) fn note_passed(&mut self, passed: &Decoded, now: Moment) {
        if !self.approaches() || matches!(passed.picture, Picture::Missing(_)) {
            return;
        }
        self.approached = Some(now);
        *self.shared.approach.0.lock() = Some(Still {
            index: passed.index,
            picture: passed.picture.clone(),
        });
        (self.shared.notify)();
    }

    /// The plan has arrived at its first frame, or there is another one.
    pub(super) fn end_approach(&mut self) {
        if self.approached.take().is_some() {
            *self.shared.approach.0.lock() = None;
        }
    }
}
