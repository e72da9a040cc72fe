//! The controller's state, and what it does with each set of signals.

mod calm;
mod cuts;
mod heed;
mod rest;

use std::time::Duration;

use super::decision::{Decision, OutputScale, Reason};
use super::knowledge::{Forecast, Knowledge, nanos, per_mille, ratio};
use super::ladder::{self, RungSet};
use super::lateness::Lateness;
use super::patience::Patience;
use super::policy::{Policy, ProxyUse, QualityMode, Thresholds};
use super::scale::{ScaleAxis, ScaleSignals};
use super::signals::{Activity, ClipKey, ClipSignals, Signals};
use crate::decode::Rung;
use crate::memory::Pressure;
use crate::time::Moment;

/// Less than this decoded ahead, or less than this part of the ring, is too little.
const FLOOR: Duration = Duration::from_millis(80);
const FLOOR_PER_MILLE: u32 = 400;

/// More than this decoded ahead, or more than this part of the ring, is plenty.
const PLENTY: Duration = Duration::from_millis(200);
const PLENTY_PER_MILLE: u32 = 800;

/// Pictures further apart than this are looked at one by one.
const SLIDES: Duration = Duration::from_millis(250);

/// So many frames late within so long are too many.
const LATE_FRAMES: u32 = 2;
const LATE_WITHIN: Duration = Duration::from_millis(500);

/// How far ahead the ring's level is forecast.
const HORIZON: Duration = Duration::from_secs(1);

/// A switch empties the ring before it fills it: for so long after one, only measurements count.
const SETTLE: Duration = Duration::from_millis(400);

/// A rung that should fit by its cost is given up when the ring has not risen for so long all the same.
const DISTRESS: Duration = Duration::from_millis(500);

/// After so many waits without trouble, what a rung cost under a load is doubted.
const DOUBT_WAITS: u32 = 4;

/// Clips that are looked ahead to, at most.
const MOST_CHOSEN: usize = 8;

/// With battery saver on, so much of each threshold.
const SAVER_PER_MILLE: u32 = 600;

/// Chooses rung and output scale.
///
/// One controller belongs to one player. It is asked some times a second, and told the truth: costs of the
/// rung that it decided for last. It keeps the costs of the last 64 clips, for their next visits.
///
/// Scenarios. *A source that is too heavy:* the ring falls below its floor, the source's measured cost
/// does not fit, and the best proxy that does is taken in the same call. *A load that passes:* the proxy
/// becomes cheaper, and with it the forecast for the source; when that fits easily and the ring has been full
/// for two seconds, the source comes back. *A try that fails* is given up at the next call after 400 ms, and
/// the next one waits twice as long. *A pause* shows the source; playing goes on with the rung that played,
/// and after a long one with what is better, if that should fit.
#[derive(Debug, Clone, Default)]
pub struct Controller {
    policy: Policy,
    knowledge: Knowledge,
    /// The clip on screen.
    clip: Option<ClipKey>,
    /// What was chosen for clips that have not begun yet, the latest last.
    chosen: Vec<(ClipKey, Rung, Reason)>,
    /// What plays, or will when playing goes on.
    playing: Option<Playing>,
    /// The person's wishes have changed since the last decision.
    asked: bool,
    patience: Patience,
    late: Lateness,
    /// Since when a rung that should fit is in trouble, and what was decoded ahead then.
    distress: Option<(Moment, Duration)>,
    /// Since when the ring has been full without a break, and when it was last.
    steady: Option<(Moment, Moment)>,
    /// How long it was before, with breaks for rests alone.
    steady_before: Duration,
    /// Playing has begun, and the ring was not full yet.
    fills: bool,
    /// Since when nothing plays.
    rests_since: Option<Moment>,
    /// How long it was at most, since the last switch.
    held: Duration,
    /// What the rung cost that was held last, before a load came.
    calm: Option<(ClipKey, Rung, Forecast)>,
    scale: ScaleAxis,
    switches: u64,
    /// How often memory had asked for less detail by the last decision.
    memory_asks: u64,
    /// Whether the battery was saved then.
    saves: bool,
}

#[derive(Debug, Clone, Copy)]
struct Playing {
    rung: Rung,
    reason: Reason,
    since: Moment,
}

/// What a decision looks at, made of signals once.
struct View<'a> {
    signals: &'a Signals,
    clip: &'a ClipSignals,
    allowed: RungSet,
    thresholds: Thresholds,
}

impl View<'_> {
    fn ring_frames(&self) -> u64 {
        nanos(self.signals.ring) / nanos(self.clip.frame).max(1)
    }

    fn floor(&self) -> Duration {
        FLOOR.min(share(self.signals.ring, FLOOR_PER_MILLE))
    }

    /// A ring that lacks one frame is as full as it can be while it is taken from.
    fn has_plenty(&self) -> bool {
        let most = self.signals.ring.saturating_sub(self.clip.frame);
        let plenty = PLENTY.min(share(self.signals.ring, PLENTY_PER_MILLE));
        self.signals.ahead >= plenty.min(most)
    }
}

impl Controller {
    /// A controller that knows nothing yet.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// What the person wants.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Replaces what the person wants; the next decision heeds it at once.
    pub fn set_policy(&mut self, policy: Policy) {
        self.asked |= policy != self.policy;
        self.policy = policy;
    }

    /// How often the rung has changed while a clip played. Choices at cuts, pauses and wishes do not count.
    pub fn switches(&self) -> u64 {
        self.switches
    }

    /// What to decode now.
    pub fn decide(&mut self, signals: &Signals) -> Decision {
        let view = self.view(&signals.clip, signals);
        self.late.count(signals.late_frames, signals.now);
        let playing = self.enter(&view);
        self.heed_memory(&view, playing);
        self.heed_battery(&view);
        self.heed_rest(&view);
        let playing = self.playing.unwrap_or(playing);
        if signals.activity == Activity::Playing {
            self.play(&view, playing);
        } else {
            self.patience.rests();
            self.rest_steady();
            self.fills = true;
            self.scale.rests();
            self.late.forget();
            self.distress = None;
        }
        let playing = self.playing.unwrap_or(playing);
        match signals.activity {
            Activity::Playing | Activity::Prerolling => {
                self.decision(playing.rung, playing.reason, self.scale.scale())
            }
            Activity::AtRest => {
                let (rung, reason) = self.at_rest(&view, playing);
                self.decision(rung, reason, OutputScale::Full)
            }
            Activity::Scrubbing => {
                let (rung, reason) = self.scrub(&view, playing);
                self.decision(rung, reason, OutputScale::Full)
            }
        }
    }

    fn view<'a>(&self, clip: &'a ClipSignals, signals: &'a Signals) -> View<'a> {
        let thresholds = match signals.activity {
            Activity::Scrubbing => self.policy.scrub,
            _ if signals.effects => self.policy.effects,
            _ => self.policy.play,
        };
        let saved = |per_mille: u32| {
            if signals.battery_saver {
                u32::try_from(u64::from(per_mille) * u64::from(SAVER_PER_MILLE) / 1000)
                    .unwrap_or(per_mille)
            } else {
                per_mille
            }
        };
        View {
            signals,
            clip,
            allowed: ladder::allowed(&self.policy, clip, signals),
            thresholds: Thresholds {
                fit_per_mille: saved(thresholds.fit_per_mille),
                rise_per_mille: saved(thresholds.rise_per_mille),
            },
        }
    }

    fn decision(&self, rung: Rung, reason: Reason, scale: OutputScale) -> Decision {
        Decision {
            rung,
            reason,
            scale,
            scale_reason: self.scale.reason().filter(|_| scale != OutputScale::Full),
        }
    }

    /// Learns, and chooses anew where the clip or the wishes are new or the rung is not there any more.
    fn enter(&mut self, view: &View<'_>) -> Playing {
        let key = view.clip.key;
        let now = view.signals.now;
        let is_new = self.clip != Some(key);
        let asked = std::mem::take(&mut self.asked);
        if is_new && let Some(before) = self.clip.replace(key) {
            self.knowledge.leave(before);
            self.steady_before = Duration::ZERO;
        }
        if !is_new && let Some(playing) = self.playing {
            // At rest and under the hand something else may be decoded than what plays.
            if matches!(
                view.signals.activity,
                Activity::Playing | Activity::Prerolling
            ) {
                self.learn(view, playing.rung);
            }
            if view.allowed.holds(playing.rung) && !asked {
                return playing;
            }
        }
        let place = self.chosen.iter().position(|(chosen, ..)| *chosen == key);
        let chosen = place.map(|place| self.chosen.remove(place));
        let (rung, mut reason) = match chosen {
            Some((_, rung, reason)) if view.allowed.holds(rung) && !asked => (rung, reason),
            _ => self.choose(view),
        };
        if let Some(before) = self.playing.filter(|before| !is_new && before.rung != rung) {
            reason = Self::why_not(view, before.rung, reason);
            self.knowledge.leave(key);
        }
        let playing = Playing {
            rung,
            reason,
            since: now,
        };
        self.playing = Some(playing);
        self.late.forget();
        self.distress = None;
        playing
    }

    fn learn(&mut self, view: &View<'_>, rung: Rung) -> bool {
        self.knowledge.learn(view.clip, rung, view.signals.cores)
    }

    /// Why a rung may not be decoded any more.
    fn why_not(view: &View<'_>, before: Rung, otherwise: Reason) -> Reason {
        if !view.clip.rungs.has(before) {
            Reason::Unavailable(before)
        } else if view.signals.memory >= Pressure::High && !view.allowed.holds(before) {
            Reason::Memory(view.signals.memory)
        } else {
            otherwise
        }
    }

    /// The rung for a clip that nothing plays of yet.
    fn choose(&self, view: &View<'_>) -> (Rung, Reason) {
        let ranked = self.ranked(view);
        let Some(&first) = ranked.first() else {
            return (Rung::Source, Reason::Begin);
        };
        let budget = view.clip.frame;
        let asked = match self.policy.mode {
            QualityMode::Auto => None,
            mode => Some(Reason::Asked(mode)),
        };
        if ranked.len() == 1 {
            return (first, asked.unwrap_or(self.reason_for(view, first)));
        }
        let rung = ranked.into_iter().find(|&rung| self.holds(view, rung));
        let rung = rung.unwrap_or_else(|| self.least_bad(view).unwrap_or(first));
        let too_slow = self.forecast(view, first).filter(|_| rung != first);
        let reason = match too_slow {
            Some(cost) => too_slow_reason(&cost, budget),
            None => self.reason_for(view, rung),
        };
        (rung, asked.unwrap_or(reason))
    }

    fn reason_for(&self, view: &View<'_>, rung: Rung) -> Reason {
        let budget = view.clip.frame;
        self.forecast(view, rung).map_or(Reason::Begin, |cost| {
            let cost = Duration::from_nanos(cost.mean());
            Reason::Fits { cost, budget }
        })
    }

    fn at_rest(&self, view: &View<'_>, playing: Playing) -> (Rung, Reason) {
        let whole = self.policy.mode == QualityMode::Auto
            && self.policy.use_proxy != ProxyUse::Always
            && view.allowed.holds(Rung::Source);
        if whole && playing.rung != Rung::Source {
            (Rung::Source, Reason::AtRest)
        } else {
            (playing.rung, playing.reason)
        }
    }

    /// The best rung of which any frame can be had in time. What leaves frames out has not any frame.
    fn scrub(&self, view: &View<'_>, playing: Playing) -> (Rung, Reason) {
        let budget = self.policy.scrub_budget;
        let whole = |rung: &Rung| !matches!(rung, Rung::Thinned | Rung::Keyframes);
        let quick = |rung: &Rung| {
            let gop = view.clip.rungs.get(*rung).map_or(1, |it| it.gop_frames);
            // On average, half a GOP lies before a frame.
            let run = u64::from(gop).saturating_add(1) / 2;
            self.forecast(view, *rung).is_none_or(|cost| {
                let cost = cost.mean().saturating_mul(run);
                per_mille(cost, nanos(budget)) <= view.thresholds.fit_per_mille
            })
        };
        let rungs: Vec<Rung> = view.allowed.iter().filter(whole).collect();
        let best = rungs.iter().copied().find(quick);
        // Where none is quick enough, the quickest is a proxy; the source has no advantage over itself.
        match best.or(rungs.last().copied()) {
            Some(rung) => (rung, Reason::Scrub { budget }),
            None => (playing.rung, playing.reason),
        }
    }

    fn play(&mut self, view: &View<'_>, playing: Playing) {
        let signals = view.signals;
        let now = signals.now;
        let measured = self.learn(view, playing.rung);
        let load = self.load(view, playing.rung);
        let settling = now.since(playing.since) < SETTLE;
        let late = self.late.within(LATE_WITHIN, now);
        let low = signals.ahead < view.floor();
        if self.policy.may_scale() {
            self.scale.play(&ScaleSignals {
                now,
                present: signals.present,
                budget: view.clip.frame,
                late: late >= LATE_FRAMES && !low,
                thresholds: view.thresholds,
            });
        } else {
            self.scale = ScaleAxis::default();
        }
        let dry = load
            .filter(|_| measured)
            .and_then(|load| runs_dry(signals.ahead, load));
        let trouble = low || late >= LATE_FRAMES || dry.is_some();
        // Right after a switch the ring shows what was before it.
        let proven = measured && load.is_some_and(|load| load > 1000);
        if trouble && (!settling || proven) {
            let fits = load.is_some_and(|load| load <= view.thresholds.fit_per_mille);
            if fits && !self.is_in_distress(view) {
                self.is_not_well(now);
                return;
            }
            let reason = self.why_down(view, playing, late, dry);
            if let Some(rung) = self.lower(view, playing.rung) {
                self.fails(view, playing.rung);
                self.switch(view, rung, reason);
            }
            return;
        }
        if !trouble {
            self.distress = None;
        }
        let may_rise = signals.memory == Pressure::Normal;
        let well = may_rise && !settling && late == 0 && view.has_plenty();
        self.fills &= !view.has_plenty();
        if !well {
            self.is_not_well(now);
            return;
        }
        let (since, _) = *self.steady.get_or_insert((now, now));
        self.steady = Some((since, now));
        self.hold(view, playing.rung);
        // What was measured in a passing load may hold no more, and nothing that is decoded now tells.
        let doubt = self.patience.wait().saturating_mul(DOUBT_WAITS);
        let doubted = now.since(since) + self.steady_before >= doubt;
        let higher = self.higher(view, playing.rung, doubted);
        // A forecast that is low for a moment is noise: it has to stay low as long as the ring is full.
        let over = self.patience.is_over(higher.is_some(), now);
        if let Some((rung, cost)) = higher.filter(|_| over) {
            self.patience.tries(now);
            let reason = Reason::Recovered {
                cost: Duration::from_nanos(cost.mean()),
                budget: view.clip.frame,
            };
            self.switch(view, rung, reason);
        }
    }

    /// Whether a rung that should fit has been in trouble for so long that it does not.
    fn is_in_distress(&mut self, view: &View<'_>) -> bool {
        let (now, ahead) = (view.signals.now, view.signals.ahead);
        // With a full ring it is not decoding that is late.
        if view.has_plenty() {
            self.distress = None;
            return false;
        }
        let (since, then) = *self.distress.get_or_insert((now, ahead));
        if now.since(since) < DISTRESS {
            return false;
        }
        self.distress = Some((now, ahead));
        ahead <= then
    }

    fn why_down(
        &self,
        view: &View<'_>,
        playing: Playing,
        late: u32,
        dry: Option<Duration>,
    ) -> Reason {
        let (signals, budget) = (view.signals, view.clip.frame);
        let cost = self.forecast(view, playing.rung);
        let slow =
            |cost: &Forecast| per_mille(cost.mean(), nanos(budget)) > view.thresholds.fit_per_mille;
        match (cost.filter(slow), dry) {
            (Some(cost), _) => too_slow_reason(&cost, budget),
            (None, Some(within)) => Reason::RunsDry { within },
            (None, None) if late >= LATE_FRAMES => Reason::Late {
                frames: late,
                within: LATE_WITHIN,
            },
            (None, None) => Reason::RingLow {
                ahead: signals.ahead,
                floor: view.floor(),
            },
        }
    }

    fn switch(&mut self, view: &View<'_>, rung: Rung, reason: Reason) {
        self.knowledge.leave(view.clip.key);
        self.switches += 1;
        self.begin_anew(rung, reason, view.signals.now);
    }

    /// Takes another rung, of which nothing is known yet.
    fn begin_anew(&mut self, rung: Rung, reason: Reason, now: Moment) {
        self.steady = None;
        self.steady_before = Duration::ZERO;
        self.held = Duration::ZERO;
        self.late.forget();
        self.distress = None;
        self.playing = Some(Playing {
            rung,
            reason,
            since: now,
        });
    }

    /// The rungs that may be taken, in order of preference.
    fn ranked(&self, view: &View<'_>) -> Vec<Rung> {
        let mut rungs: Vec<Rung> = view.allowed.iter().collect();
        rungs.sort_by_key(|&rung| ladder::rank(rung, view.clip, &self.policy));
        rungs
    }

    /// The rung to go down to: the best that fits, else the one that shows most; `None` where that is the
    /// present one.
    fn lower(&self, view: &View<'_>, from: Rung) -> Option<Rung> {
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
    fn holds(&self, view: &View<'_>, rung: Rung) -> bool {
        let (shows_too_few, _) = ladder::rank(rung, view.clip, &self.policy);
        let load = self.load(view, rung);
        !shows_too_few && load.is_none_or(|load| load <= view.thresholds.fit_per_mille)
    }

    /// The best rung above `from` that is forecast to fit easily. Where `from` leaves out frames that are
    /// wanted, to fit is enough: to wait for more would lose what the margin is there to save. With
    /// `doubted` what was measured is worth no more there than a guess.
    fn higher(&self, view: &View<'_>, from: Rung, doubted: bool) -> Option<(Rung, Forecast)> {
        let leaves_out = |rung| ladder::rank(rung, view.clip, &self.policy).0;
        let ranked = self.ranked(view);
        ranked
            .into_iter()
            .take_while(|&rung| rung != from)
            .find_map(|rung| {
                let ends_gaps = leaves_out(from) && !leaves_out(rung);
                let mut cost = self.forecast(view, rung)?;
                if ends_gaps && doubted {
                    let cores = view.signals.cores;
                    let guess = self.knowledge.guess_beside(view.clip, rung, from, cores);
                    cost = guess.filter(|it| it.mean() < cost.mean()).unwrap_or(cost);
                }
                let calm = self.calm_again(view, rung, from).filter(|_| ends_gaps);
                let load = self.load_of(view, rung, calm.as_ref().unwrap_or(&cost));
                let most = match calm {
                    // What was held before the load came needs no margin.
                    Some(_) => 1000,
                    None if ends_gaps => view.thresholds.fit_per_mille,
                    None => view.thresholds.rise_per_mille,
                };
                let cost = calm.unwrap_or(cost);
                (load < most).then_some((rung, cost))
            })
    }

    /// Where nothing fits: the rung that shows most. A rung that takes `load` times the time there is shows
    /// one part of `load` of its frames at best, and those in bursts: each power of it weighs them less. Pictures
    /// that are more than [`SLIDES`] apart are no motion any more, and weigh less in proportion.
    fn least_bad(&self, view: &View<'_>) -> Option<Rung> {
        let worth = |rung: Rung| {
            let signals = view.clip.rungs.get(rung)?;
            let shown = u64::from(ladder::shown_per_mille(rung, signals)) * 1_000_000;
            let load = u64::from(self.load(view, rung).unwrap_or(1000)).max(1000);
            let slower = (1000, load);
            let worth = ratio(ratio(ratio(shown, slower), slower), slower);
            let per_mille = u64::from(ladder::shown_per_mille(rung, signals));
            let apart = nanos(view.clip.frame).saturating_mul(1000) / per_mille;
            let slides = nanos(SLIDES);
            Some(ratio(worth, (slides, apart.max(slides))))
        };
        // The best of equals is the first.
        let ranked = self.ranked(view);
        ranked.into_iter().rev().max_by_key(|&rung| worth(rung))
    }

    fn forecast(&self, view: &View<'_>, rung: Rung) -> Option<Forecast> {
        self.knowledge.forecast(view.clip, rung, view.signals.cores)
    }

    /// Thousandths of the time for a frame that `rung` takes: decoding, or uploading where that is more.
    fn load(&self, view: &View<'_>, rung: Rung) -> Option<u32> {
        let cost = self.forecast(view, rung)?;
        Some(self.load_of(view, rung, &cost))
    }

    fn load_of(&self, view: &View<'_>, rung: Rung, cost: &Forecast) -> u32 {
        let decode = cost.load_per_mille(view.clip.frame, view.ring_frames());
        let pixels = |rung| view.clip.rungs.get(rung).map(super::RungSignals::pixels);
        let here = self.playing.and_then(|playing| pixels(playing.rung));
        let upload = match (pixels(rung), here) {
            (Some(there), Some(here)) => ratio(nanos(view.signals.present.upload), (there, here)),
            _ => 0,
        };
        decode.max(per_mille(upload, nanos(view.clip.frame)))
    }
}

fn too_slow_reason(cost: &Forecast, budget: Duration) -> Reason {
    Reason::TooSlow {
        cost: Duration::from_nanos(cost.mean()),
        budget,
        reading: cost.read > cost.decode,
    }
}

/// When `ahead` is used up at this load, where that is before the horizon.
fn runs_dry(ahead: Duration, load_per_mille: u32) -> Option<Duration> {
    // In a second so much is decoded as the load lets, and a second is shown.
    let lost = 1000_u64.checked_sub(1_000_000 / u64::from(load_per_mille.max(1)))?;
    let within = ratio(nanos(ahead), (1000, lost));
    (lost > 0 && within < nanos(HORIZON)).then_some(Duration::from_nanos(within))
}

fn share(span: Duration, per_mille: u32) -> Duration {
    Duration::from_nanos(ratio(nanos(span), (u64::from(per_mille), 1000)))
}
