//! The second axis: how large the picture is made, by what making and showing it costs.

use std::time::Duration;

use super::decision::{OutputScale, ScaleReason};
use super::knowledge::{nanos, per_mille, ratio};
use super::patience::Patience;
use super::policy::Thresholds;
use super::signals::PresentCost;
use crate::time::Moment;

/// Until so long after a change, or after playing began, the measurements are of something else: of the size before, or
/// of what is made once.
const SETTLE: Duration = Duration::from_millis(500);

/// What a size cost is believed for so long.
const BELIEVED: Duration = Duration::from_mins(1);

/// Chooses the output scale.
#[derive(Debug, Clone, Default)]
pub(super) struct ScaleAxis {
    scale: OutputScale,
    reason: Option<ScaleReason>,
    /// When it was changed, or playing began.
    changed: Option<Moment>,
    patience: Patience,
    /// Whether the present scale is a try.
    is_try: bool,
    /// Scales that were tried and given up.
    given_up: [Option<GivenUp>; OutputScale::ALL.len()],
}

/// How much more a scale cost than the one that was gone back to. Not how much: windows and media change.
#[derive(Debug, Clone, Copy)]
struct GivenUp {
    at: Moment,
    /// What converting and drawing cost, in nanoseconds.
    shown: u64,
    /// The scale that was gone back to, and what it cost then, as soon as that was measured.
    back_to: OutputScale,
    then: Option<u64>,
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
        self.changed = None;
    }

    pub(super) fn play(&mut self, signals: &ScaleSignals) {
        let now = signals.now;
        if now.since(*self.changed.get_or_insert(now)) < SETTLE {
            return;
        }
        for given_up in self.given_up.iter_mut().flatten() {
            if given_up.back_to == self.scale {
                given_up
                    .then
                    .get_or_insert(shown_nanos(&signals.present).max(1));
            }
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
                if std::mem::take(&mut self.is_try) {
                    self.given_up[self.scale as usize] = Some(GivenUp {
                        at: now,
                        shown: shown_nanos(&signals.present),
                        back_to: best,
                        then: None,
                    });
                }
                self.change(best, signals);
            }
            return;
        }
        let rise = signals.thresholds.rise_per_mille;
        let better = OutputScale::ALL.into_iter().find(|&scale| {
            let cost = (scale < self.scale).then(|| self.cost_of_more(signals, scale));
            cost.flatten()
                .is_some_and(|cost| per_mille(cost, nanos(signals.budget)) < rise)
        });
        let well = better.is_some() && !signals.late;
        let over = self.patience.is_over(well, now);
        if let Some(better) = better.filter(|_| over) {
            self.patience.tries(now);
            self.change(better, signals);
            self.is_try = true;
        }
    }

    /// What a larger scale should cost: as much more than this one as when it was tried and given up. What was not
    /// tried is forecast by its sides, not by its pixels, and only the next step: a part of the cost is the same at
    /// every size, and how large a part is learned by trying.
    fn cost_of_more(&self, signals: &ScaleSignals, to: OutputScale) -> Option<u64> {
        let upload = nanos(signals.present.upload);
        let here = shown_nanos(&signals.present);
        let known = self.given_up[to as usize]
            .filter(|it| it.back_to == self.scale && signals.now.since(it.at) < BELIEVED)
            .and_then(|it| Some((it.shown, it.then?)));
        let is_next = to as usize + 1 == self.scale as usize;
        let sides = (u64::from(to.percent()), u64::from(self.scale.percent()));
        let by = known.or(is_next.then_some(sides))?;
        Some(upload.saturating_add(ratio(here, by)))
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

/// What goes with the pixels shown.
fn shown_nanos(present: &PresentCost) -> u64 {
    nanos(present.convert).saturating_add(nanos(present.render))
}

/// What presenting would cost at another scale: converting and drawing go with the pixels shown.
fn forecast(present: &PresentCost, from: OutputScale, to: OutputScale) -> u64 {
    let area = |scale: OutputScale| u64::from(scale.percent() * scale.percent());
    let shown = ratio(shown_nanos(present), (area(to), area(from)));
    nanos(present.upload).saturating_add(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLDS: Thresholds = Thresholds {
        fit_per_mille: 850,
        rise_per_mille: 700,
    };

    /// Plays for so many seconds at 30 frames a second, with costs of `cost` milliseconds by scale and second. Answers
    /// the scales, each with the tenth of a second in which it came.
    fn played(seconds: u64, cost: fn(u32, u64) -> u64) -> Vec<(u32, u64)> {
        let mut axis = ScaleAxis::default();
        let mut scales = vec![(100, 0)];
        for tenth in 0..seconds * 10 {
            let percent = axis.scale().percent();
            axis.play(&ScaleSignals {
                now: Moment::from_nanos(tenth * 100_000_000),
                present: PresentCost {
                    convert: Duration::from_millis(cost(percent, tenth / 10)),
                    ..PresentCost::default()
                },
                budget: Duration::from_nanos(33_333_333),
                late: false,
                thresholds: THRESHOLDS,
            });
            if axis.scale().percent() != percent {
                scales.push((axis.scale().percent(), tenth));
            }
        }
        scales
    }

    #[test]
    fn what_is_slow_as_playing_begins_is_waited_for() {
        // Half a second is not judged.
        let cost = |_, second| if second == 0 { 20 } else { 10 };
        assert_eq!(played(10, cost), [(100, 0)]);
    }

    #[test]
    fn a_cost_that_is_the_same_at_every_size_does_not_hold_the_picture_small() {
        let cost = |_, second| if second < 2 { 200 } else { 9 };
        let scales = played(30, cost);
        assert_eq!(scales[1], (25, 5));
        let steps: Vec<u32> = scales[2..].iter().map(|(percent, _)| *percent).collect();
        assert_eq!(steps, [50, 75, 100]);
        assert!(scales[4].1 < 120, "{scales:?}");
    }

    #[test]
    fn a_size_that_was_too_slow_is_not_tried_at_once_again() {
        let by_area = |percent: u32, _| u64::from(percent * percent) * 40 / 10_000;
        let scales = played(50, by_area);
        assert_eq!(scales, [(100, 0), (75, 5)], "22 ms at three quarters");
        // 21 ms by its sides, 43 by its pixels.
        let scales = played(50, |percent, _| match percent {
            100 => 43,
            75 => 16,
            _ => 8,
        });
        assert_eq!(scales[..2], [(100, 0), (75, 5)]);
        let tries = scales.iter().filter(|(percent, _)| *percent == 100).count();
        assert_eq!(tries, 2, "{scales:?}");
    }

    #[test]
    fn in_a_smaller_window_what_was_too_slow_is_not_any_more() {
        let scales = played(20, |percent, second| {
            let whole = if second < 8 { 4 } else { 1 };
            whole * if percent == 100 { 11 } else { 4 }
        });
        let percents: Vec<u32> = scales.iter().map(|(percent, _)| *percent).collect();
        assert_eq!(percents, [100, 75, 100, 75, 100], "{scales:?}");
        assert!((80..=125).contains(&scales[4].1), "{scales:?}");
    }
}
