//! Rests between plays: who edits plays a few seconds at a time.
//!
//! What was full before a rest counts on after it. A rest as long as the wait before something better is tried
//! counts like a cut: what was in the machine's way, thumbnails that were made or another program, may be gone,
//! and nothing that was decoded meanwhile tells. So what is better is tried as soon as playing goes on, if by
//! what the present rung costs it could be held. A try that fails makes the next one wait longer, as always.

use std::time::Duration;

use super::{Controller, View};
use crate::memory::Pressure;
use crate::playback::quality::signals::Activity;
use crate::time::Moment;

impl Controller {
    /// Notes that nothing plays; and when playing goes on after a while, tries what is better.
    pub(super) fn heed_rest(&mut self, view: &View<'_>) {
        let signals = view.signals;
        if matches!(signals.activity, Activity::AtRest | Activity::Scrubbing) {
            self.rests_since.get_or_insert(signals.now);
            return;
        }
        let Some((since, playing)) = self.rests_since.take().zip(self.playing) else {
            return;
        };
        let is_long = signals.now.since(since) >= self.patience.wait();
        let may_rise = is_long && signals.memory == Pressure::Normal;
        let higher = self.higher(view, playing.rung, true);
        if let Some((rung, cost)) = higher.filter(|_| may_rise) {
            self.rise_uncounted(view, rung, &cost);
        }
    }

    /// Playing is interrupted: what was held before counts on.
    pub(super) fn rest_steady(&mut self) {
        if let Some((since, last)) = self.steady.take() {
            self.steady_before += last.since(since);
        }
    }

    /// Nothing better is to be tried yet. While the ring fills that says nothing of how long it has been full.
    pub(super) fn is_not_well(&mut self, now: Moment) {
        self.steady = None;
        if self.fills {
            self.patience.rests();
        } else {
            self.steady_before = Duration::ZERO;
            self.patience.is_over(false, now);
        }
    }
}
