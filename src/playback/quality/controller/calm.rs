//! Loads that pass: what was held before one can be held after it.
//!
//! A source near its limit is given up in a burst of load, and what was measured of it last is what it cost
//! under that load. Nothing that is decoded afterwards corrects this, for the load was gone before it was
//! measured. So what a rung cost while it was held is kept, and holds again as soon as what is decoded now
//! costs as little as it should beside that.

use std::time::Duration;

use super::{Controller, Forecast, View};
use crate::decode::Rung;

/// What has run with a full ring for so long can be held, whatever comes after.
const HELD: Duration = Duration::from_millis(1500);

/// A cost that is held varies no more than this, in thousandths.
const STEADY_PER_MILLE: u64 = 1100;

/// By weight alone a cost is known no better than this, in thousandths.
const ABOUT_PER_MILLE: u64 = 1300;

impl Controller {
    /// Playing goes on: notes how long the ring has been full, and what the rung costs meanwhile.
    pub(super) fn hold(&mut self, view: &View<'_>, rung: Rung) {
        let Some((since, _)) = self.steady else {
            return;
        };
        self.held = self.held.max(view.signals.now.since(since));
        // What leaves frames out is nothing to come back to.
        let is_kept = self.held >= HELD && !matches!(rung, Rung::Thinned | Rung::Keyframes);
        let Some(cost) = self.forecast(view, rung).filter(|_| is_kept) else {
            return;
        };
        let before = self.calm.filter(|it| (it.0, it.1) == (view.clip.key, rung));
        // At its beginning a load shows in the costs sooner than in the ring.
        let rises =
            |before: &Forecast| cost.mean() > before.mean().saturating_mul(STEADY_PER_MILLE) / 1000;
        if !before.is_some_and(|(.., before)| rises(&before)) {
            self.calm = Some((view.clip.key, rung, cost));
        }
    }

    /// The rung is given up. One that was not even held for a while is worth no second try before its time.
    pub(super) fn fails(&mut self, view: &View<'_>, rung: Rung) {
        let held = self.held >= HELD;
        if !held {
            self.calm = self.calm.filter(|(_, calm, _)| *calm != rung);
        }
        self.patience.fails(held, view.signals.now);
    }

    /// What `rung` cost while it was held, if the load that came then seems to be over by what `from` costs.
    pub(super) fn calm_again(&self, view: &View<'_>, rung: Rung, from: Rung) -> Option<Forecast> {
        let (key, calm, cost) = self.calm?;
        let cores = view.signals.cores;
        let beside =
            self.knowledge
                .guess_beside(view.clip, rung, (from, Forecast::least_of), cores)?;
        let is_over = beside.mean() <= cost.mean().saturating_mul(ABOUT_PER_MILLE) / 1000;
        (key == view.clip.key && calm == rung && is_over).then_some(cost)
    }
}
