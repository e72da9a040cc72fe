//! What rungs are worth beside each other, and which is taken in the place of another.

use std::time::Duration;

use super::{Controller, Forecast, View};
use crate::decode::Rung;
use crate::playback::quality::RungSignals;
use crate::playback::quality::knowledge::{nanos, per_mille, ratio};
use crate::playback::quality::ladder;

/// Pictures further apart than this are looked at one by one.
const SLIDES: Duration = Duration::from_millis(250);

/// Where nothing fits, another rung is taken if it shows this many thousandths of what the present one does.
const CLEARLY_PER_MILLE: u64 = 1500;

/// A rung above the present one.
struct Above {
    rung: Rung,
    cost: Forecast,
    /// Thousandths of the time for a frame that it would take.
    load: u32,
    /// From which on that is too much.
    most: u32,
}

impl Controller {
    /// The rungs that may be taken, in order of preference.
    pub(super) fn ranked(&self, view: &View<'_>) -> Vec<Rung> {
        let mut rungs: Vec<Rung> = view.allowed.iter().collect();
        rungs.sort_by_key(|&rung| ladder::rank(rung, view.clip, &self.policy));
        rungs
    }

    /// Whether a rung shows fewer frames than the person wants.
    pub(super) fn leaves_out(&self, view: &View<'_>, rung: Rung) -> bool {
        ladder::rank(rung, view.clip, &self.policy).0
    }

    /// The rung to go down to: the best that fits, else the one that shows most; `None` where that is the
    /// present one.
    pub(super) fn lower(&self, view: &View<'_>, from: Rung) -> Option<Rung> {
        let rank = |rung| ladder::rank(rung, view.clip, &self.policy);
        let ranked = self.ranked(view).into_iter();
        let best = ranked
            .skip_while(|&rung| rung != from)
            .skip(1)
            .find(|&rung| self.holds(view, rung));
        best.or_else(|| {
            let least_bad = self.least_bad(view)?;
            (rank(least_bad) > rank(from)).then_some(least_bad)
        })
    }

    /// Whether a rung fits and shows as many frames as the person wants.
    pub(super) fn holds(&self, view: &View<'_>, rung: Rung) -> bool {
        let load = self.load(view, rung);
        !self.leaves_out(view, rung)
            && load.is_none_or(|load| load <= view.thresholds.fit_per_mille)
    }

    /// The best rung above `from` that is forecast to fit easily. Where `from` leaves out frames that are
    /// wanted, to fit is enough: to wait for more would lose what the margin is there to save. Where nothing fits then,
    /// it is the one that shows clearly more. With `doubted` what was measured is worth no more there than a guess.
    pub(super) fn higher(
        &self,
        view: &View<'_>,
        from: Rung,
        doubted: bool,
    ) -> Option<(Rung, Forecast)> {
        let leaves_out = |rung| self.leaves_out(view, rung);
        let above = self.ranked(view).into_iter();
        let above: Vec<Above> = above
            .take_while(|&rung| rung != from)
            .filter_map(|rung| {
                let ends_gaps = leaves_out(from) && !leaves_out(rung);
                self.above(view, rung, from, (ends_gaps, doubted))
            })
            .collect();
        let fitting = above.iter().find(|it| it.load < it.most);
        let clearly_more = || {
            let here = worth(view, from, self.load(view, from))?;
            let here = here.saturating_mul(CLEARLY_PER_MILLE) / 1000;
            let worth_of = |it: &Above| worth(view, it.rung, Some(it.load));
            // The best of equals is the first.
            let best = above.iter().rev().max_by_key(|it| worth_of(it))?;
            (worth_of(best)? > here).then_some(best)
        };
        let more = || clearly_more().filter(|_| leaves_out(from));
        fitting.or_else(more).map(|it| (it.rung, it.cost))
    }

    /// What `rung` would cost where `from` is decoded.
    fn above(
        &self,
        view: &View<'_>,
        rung: Rung,
        from: Rung,
        (ends_gaps, doubted): (bool, bool),
    ) -> Option<Above> {
        let mut cost = self.forecast(view, rung)?;
        let doubted = doubted || self.knowledge.is_first_sight(view.clip.key, rung);
        if ends_gaps && doubted {
            let cores = view.signals.cores;
            let guess = self
                .knowledge
                .guess_beside(view.clip, rung, (from, Forecast::of), cores);
            cost = guess.filter(|it| it.mean() < cost.mean()).unwrap_or(cost);
        }
        let calm = self.calm_again(view, rung, from).filter(|_| ends_gaps);
        let most = match calm {
            // What was held before the load came needs no margin.
            Some(_) => 1000,
            None if ends_gaps => view.thresholds.fit_per_mille,
            None => view.thresholds.rise_per_mille,
        };
        let cost = calm.unwrap_or(cost);
        let load = self.load_of(view, rung, &cost);
        Some(Above {
            rung,
            cost,
            load,
            most,
        })
    }

    /// Where nothing fits: the rung that shows most.
    pub(super) fn least_bad(&self, view: &View<'_>) -> Option<Rung> {
        // The best of equals is the first.
        let ranked = self.ranked(view);
        let worth_of = |rung| worth(view, rung, self.load(view, rung));
        ranked.into_iter().rev().max_by_key(|&rung| worth_of(rung))
    }

    pub(super) fn forecast(&self, view: &View<'_>, rung: Rung) -> Option<Forecast> {
        self.knowledge.forecast(view.clip, rung, view.signals.cores)
    }

    /// Thousandths of the time for a frame that `rung` takes: decoding, or uploading where that is more.
    pub(super) fn load(&self, view: &View<'_>, rung: Rung) -> Option<u32> {
        let cost = self.forecast(view, rung)?;
        Some(self.load_of(view, rung, &cost))
    }

    fn load_of(&self, view: &View<'_>, rung: Rung, cost: &Forecast) -> u32 {
        let decode = cost.load_per_mille(view.clip.frame, view.ring_frames());
        let pixels = |rung| view.clip.rungs.get(rung).map(RungSignals::pixels);
        let here = self.playing.and_then(|playing| pixels(playing.rung));
        let upload = match (pixels(rung), here) {
            (Some(there), Some(here)) => ratio(nanos(view.signals.present.upload), (there, here)),
            _ => 0,
        };
        decode.max(per_mille(upload, nanos(view.clip.frame)))
    }
}

/// How much a rung shows where nothing fits. One that takes `load` times the time there is shows one part of
/// `load` of its frames at best, and those in bursts: each power of it weighs them less. Pictures that are more than
/// [`SLIDES`] apart are no motion any more, and weigh less in proportion.
fn worth(view: &View<'_>, rung: Rung, load: Option<u32>) -> Option<u64> {
    let signals = view.clip.rungs.get(rung)?;
    let per_mille = u64::from(ladder::shown_per_mille(rung, signals));
    let slower = (1000, u64::from(load.unwrap_or(1000)).max(1000));
    let shown = per_mille * 1_000_000;
    let worth = ratio(ratio(ratio(shown, slower), slower), slower);
    let apart = nanos(view.clip.frame).saturating_mul(1000) / per_mille;
    let slides = nanos(SLIDES);
    Some(ratio(worth, (slides, apart.max(slides))))
}
