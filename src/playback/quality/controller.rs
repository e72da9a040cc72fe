//! The controller's state, and what it does with each set of signals.

mod calm;
mod choice;
mod cuts;
mod heed;
mod rest;

use std::time::Duration;

use super::decision::{Decision, OutputScale, Reason};
use super::knowledge::{Forecast, Knowledge, Sight, nanos, per_mille, ratio};
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

/// So many frames late within so long are too many.
const LATE_FRAMES: u32 = 2;
const LATE_WITHIN: Duration = Duration::from_millis(500);

/// How far ahead the ring's level is forecast.
const HORIZON: Duration = Duration::from_secs(1);

/// A switch empties the ring before it fills it: for so long after one, only measurements count.
const SETTLE: Duration = Duration::from_millis(400);

/// The first frames of a clip cost more than those that follow: memory is touched for the first time, and other work
/// begins. Nothing is left out for what they cost alone, in the first second that is played.
const FIRST_SIGHT: Duration = Duration::from_secs(1);

/// What the first frames of a clip cost, one stall apart, is believed at once where it is so many thousandths of the time
/// there is.
const HOPELESS_PER_MILLE: u32 = 1500;

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
    /// Since when something does.
    plays_since: Option<Moment>,
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
        let frame = nanos(self.clip.frame).max(1);
        nanos(self.signals.ring).saturating_add(frame / 2) / frame
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
            self.plays_since.get_or_insert(signals.now);
            self.play(&view, playing);
        } else {
            self.plays_since = None;
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

    fn learn(&mut self, view: &View<'_>, rung: Rung) -> Sight {
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
        if view.signals.holds_lap && !self.holds(view, rung) {
            return Reason::FillsLap;
        }
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
            let cores = view.signals.cores;
            let cost = self.knowledge.rough(view.clip, *rung, cores);
            let all = cost.unwrap_or(0).saturating_mul(run);
            per_mille(all, nanos(budget)) <= view.thresholds.fit_per_mille
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
        let sight = self.learn(view, playing.rung);
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
            .filter(|_| sight == Sight::Fresh)
            .and_then(|load| runs_dry(signals.ahead, load));
        let trouble = low || late >= LATE_FRAMES || dry.is_some();
        // Right after a switch the ring shows what was before it.
        let proven = match sight {
            Sight::None => false,
            Sight::First => self.is_hopeless(view, playing),
            Sight::Fresh => load.is_some_and(|load| load > 1000),
        };
        if trouble && (!settling || proven) {
            let fits = load.is_some_and(|load| load <= view.thresholds.fit_per_mille);
            if fits && !self.is_in_distress(view) {
                self.is_not_well(now);
                return;
            }
            let reason = self.why_down(view, playing, late, dry);
            let lower = self.lower(view, playing.rung);
            if lower.is_some_and(|rung| self.is_hasty(view, playing.rung, rung)) {
                self.is_not_well(now);
            } else if let Some(rung) = lower {
                self.fails(view, playing.rung);
                self.switch(view, rung, reason);
            } else {
                self.find_way_out(view, playing.rung);
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
            self.rise(view, rung, &cost);
        }
    }

    /// Whether the first frames of a clip say beyond doubt that another file must be decoded.
    fn is_hopeless(&self, view: &View<'_>, playing: Playing) -> bool {
        // Those of a try come from a decoder that has just found its place.
        let is_try = matches!(playing.reason, Reason::Recovered { .. });
        let seen = view.clip.rungs.get(playing.rung).and_then(|it| it.seen);
        let is_slow = seen.is_some_and(|seen| {
            per_mille(nanos(seen.but_slowest), nanos(view.clip.frame)) > HOPELESS_PER_MILLE
        });
        let lower = || self.lower(view, playing.rung);
        is_slow && !is_try && lower().is_some_and(|rung| !self.leaves_out(view, rung))
    }

    /// Whether frames would be left out for what the first ones cost.
    fn is_hasty(&self, view: &View<'_>, from: Rung, rung: Rung) -> bool {
        let plays = self.plays_since;
        let begins = plays.is_none_or(|since| view.signals.now.since(since) < FIRST_SIGHT);
        begins && self.leaves_out(view, rung) && self.knowledge.is_first_sight(view.clip.key, from)
    }

    /// Tries what is better.
    fn rise(&mut self, view: &View<'_>, rung: Rung, cost: &Forecast) {
        self.switches += 1;
        self.rise_uncounted(view, rung, cost);
    }

    /// The same where it is no switch in mid-play.
    fn rise_uncounted(&mut self, view: &View<'_>, rung: Rung, cost: &Forecast) {
        self.knowledge.leave(view.clip.key);
        self.patience.tries(view.signals.now);
        let reason = Reason::Recovered {
            cost: Duration::from_nanos(cost.mean()),
            budget: view.clip.frame,
        };
        self.begin_anew(rung, reason, view.signals.now);
    }

    /// What leaves out frames is in trouble, and nothing lower helps: something above it may, a proxy that was made
    /// since or a source that had been slow for another reason.
    fn find_way_out(&mut self, view: &View<'_>, from: Rung) {
        let is_memory_short = view.signals.memory != Pressure::Normal;
        if !self.leaves_out(view, from)
            || is_memory_short
            || !self.patience.may_try(view.signals.now)
        {
            return;
        }
        if let Some((rung, cost)) = self.higher(view, from, false) {
            self.rise(view, rung, &cost);
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
