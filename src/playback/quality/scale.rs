//! The second axis: how large the picture is made, by what making and showing it costs.

use std::time::Duration;

use super::decision::{OutputScale, ScaleReason};
use super::knowledge::{nanos, per_mille, ratio};
use super::patience::Patience;
use super::policy::Thresholds;
use super::signals::PresentCost;
use crate::time::Moment;

/// Until so long after a change the measurements are of the size before.
const SETTLE: Duration = Duration::from_millis(500);

/// Chooses the output scale.
#[derive(Debug, Clone, Default)]
pub(super) struct ScaleAxis {
    scale: OutputScale,
    reason: Option<ScaleReason>,
    changed: Option<Moment>,
    patience: Patience,
}

/// What the axis looks at.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScaleSignals {
    pub(super) now: Moment,
    pub(super) present: PresentCost,
    /// Time from one frame to the next.
    pub(super) budget: Duration,
    /// Whether frames were late although enough was decoded.
    pub(super) late: bool,
    pub(super) thresholds: Thresholds,
}

impl ScaleAxis {
    pub(super) fn scale(&self) -> OutputScale {
        self.scale
    }

    pub(super) fn reason(&self) -> Option<ScaleReason> {
        self.reason.filter(|_| self.scale != OutputScale::Full)
    }

    /// What was measured before an interruption says nothing any more.
    pub(super) fn rests(&mut self) {
        self.patience.rests();
    }

    pub(super) fn play(&mut self, signals: &ScaleSignals) {
        let now = signals.now;
        if self.changed.is_some_and(|at| now.since(at) < SETTLE) {
            return;
        }
        let load = |scale| {
            let cost = forecast(&signals.present, self.scale, scale);
            per_mille(cost, nanos(signals.budget))
        };
        let fit = signals.thresholds.fit_per_mille;
        let here = load(self.scale);
        if here > 1000 || (signals.late && here > fit) {
            let best = OutputScale::ALL
                .into_iter()
                .find(|&scale| load(scale) <= fit);
            let best = best.unwrap_or(OutputScale::Quarter);
            if best > self.scale {
                self.patience.fails(false, now);
                self.change(best, signals);
            }
            return;
        }
        let rise = signals.thresholds.rise_per_mille;
        let better = OutputScale::ALL
            .into_iter()
            .find(|&scale| scale < self.scale && load(scale) < rise);
        let well = better.is_some() && !signals.late;
        let over = self.patience.is_over(well, now);
        if let Some(better) = better.filter(|_| over) {
            self.patience.tries(now);
            self.change(better, signals);
        }
    }

    fn change(&mut self, scale: OutputScale, signals: &ScaleSignals) {
        let present = forecast(&signals.present, self.scale, OutputScale::Full);
        self.scale = scale;
        self.changed = Some(signals.now);
        self.reason = Some(ScaleReason {
            present: Duration::from_nanos(present),
            budget: signals.budget,
        });
    }
}

/// What presenting would cost at another scale: converting and drawing go with the pixels shown.
fn forecast(present: &PresentCost, from: OutputScale, to: OutputScale) -> u64 {
    let area = |scale: OutputScale| u64::from(scale.percent() * scale.percent());
    let shown = nanos(present.convert).saturating_add(nanos(present.render));
    nanos(present.upload).saturating_add(ratio(shown, (area(to), area(from))))
}
