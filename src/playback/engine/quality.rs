//! Asks the quality controller some times a second, and tells the source what it decided.
//!
//! Of a timeline it is told of the clip that is decoded while something plays, for that is what its
//! measurements are of; at rest and under a hand, of the clip that is held. People are told of the clip that
//! is on screen, which is the same but for the few frames around a cut.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Phase};
use crate::decode::{ClipLook, Generation, Rung, SourceStatus};
use crate::memory::PressureGauge;
use crate::playback::control::{
    DetailShedder, QualityControl, clip_signals, cores, frame_at, shown_per_mille,
};
use crate::playback::power::PowerGauge;
use crate::playback::quality::{Activity, Decision, OutputScale, Policy, Signals};
use crate::playback::schedule::Epoch;
use crate::playback::snapshot::{QualityState, RungTimes};
use crate::time::{FrameIndex, Moment};

/// How often the controller is asked while something plays.
const ASK: Duration = Duration::from_millis(100);

/// Frames of clips wait in their session's ring and in the timeline's: after so long, or so many of them, what
/// is shown was decoded later than what was looked at.
const WAITING: Duration = Duration::from_secs(2);
const WAITING_FRAMES: u32 = 32;

/// What decides together with measurements, and is not the engine's.
#[derive(Debug, Clone, Default)]
pub struct QualityGauges {
    /// How short memory is.
    pub memory: PressureGauge,
    /// Counts how often memory has asked for less detail.
    pub detail: Arc<DetailShedder>,
    /// Whether the machine saves its battery.
    pub power: PowerGauge,
}

/// When the controller was asked, and what about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    activity: Activity,
    epoch: Epoch,
    has_proxies: bool,
    memory_asks: u64,
    /// The frame that is held, at rest.
    held: Option<FrameIndex>,
}

/// What was decided for a clip, in words.
#[derive(Debug, Clone, Default)]
struct Said {
    key: u64,
    words: Arc<str>,
}

/// The engine's part in the control of quality.
pub(in crate::playback) struct Quality {
    control: Arc<QualityControl>,
    gauges: QualityGauges,
    cores: u32,
    asked: Option<(Moment, Asked)>,
    /// It was too early to ask again: later it has to be.
    waits: bool,
    decision: Option<Decision>,
    /// What was decided last; and before that, for the clip that is still on screen.
    said: [Said; 2],
    /// What the present source was told.
    told: Option<(Epoch, Rung)>,
    /// The clip on screen and what of it was decoded, where the source is made of several.
    shown: Option<(u64, Rung)>,
    /// The plan that was made to show a frame that is held from this rung.
    anew: Option<(Generation, Rung)>,
    /// When frames of the plan with this number were left out last, and how long those that were decoded then
    /// may wait to be shown.
    left_out: Option<(Generation, Moment, Duration)>,
    /// How long each rung was played.
    times: RungTimes,
    counted: Option<Moment>,
}

impl Quality {
    pub(super) fn new(policy: Policy, gauges: QualityGauges) -> Self {
        Self {
            control: Arc::new(QualityControl::new(policy)),
            gauges,
            cores: cores(),
            asked: None,
            waits: false,
            decision: None,
            said: Default::default(),
            told: None,
            shown: None,
            anew: None,
            left_out: None,
            times: RungTimes::default(),
            counted: None,
        }
    }

    /// Who chooses for the clips of a source.
    pub(super) fn control(&self) -> &Arc<QualityControl> {
        &self.control
    }

    /// What the person wants.
    pub(super) fn policy(&self) -> Policy {
        self.control.policy()
    }

    /// Replaces it; it holds from the next look on, however soon that is.
    pub(super) fn set_policy(&mut self, policy: Policy) {
        self.control.set_policy(policy);
        self.asked = None;
    }

    /// What people are told.
    pub(super) fn state(&self, status: Option<&SourceStatus>) -> QualityState {
        let [last, before] = &self.said;
        let is_before =
            self.shown.is_some_and(|(key, _)| key == before.key) && !before.words.is_empty();
        let is_last = self.shown.is_none_or(|(key, _)| key == last.key);
        let said = if is_before && !is_last { before } else { last };
        let policy = self.policy();
        QualityState {
            mode: policy.mode,
            rung: status.map(|status| self.shown.map_or(status.rung, |(_, rung)| rung)),
            words: Arc::clone(&said.words),
            scale: self.decision.map_or(OutputScale::Full, |it| it.scale),
            switches: self.control.switches(),
            left_out: status.map_or(0, |status| status.left_out),
            times: self.times,
        }
    }

    /// When the controller is to be asked, if nothing happens before.
    pub(super) fn next_look(&self) -> Option<Moment> {
        let (at, _) = self.asked?;
        self.waits.then_some(at + ASK)
    }

    fn say(&mut self, key: u64, decision: &Decision) {
        let said = Said {
            key,
            words: decision.to_string().into(),
        };
        if self.said[0].key == key {
            self.said[0] = said;
        } else {
            let [last, _] = std::mem::take(&mut self.said);
            self.said = [said, last];
        }
    }

    /// There is nothing to choose from: what was decided was of another medium.
    fn fall_silent(&mut self) {
        self.said = Default::default();
        self.decision = None;
    }
}

/// Whether frames are left out on purpose.
fn leaves_out(rung: Rung) -> bool {
    matches!(rung, Rung::Thinned | Rung::Keyframes)
}

impl Engine {
    /// What the transport does, as the controller knows it; `None` where it has no say.
    pub(super) fn activity(&self) -> Option<Activity> {
        Some(match self.phase {
            _ if self.scrub.is_some() => Activity::Scrubbing,
            Phase::Idle | Phase::Held | Phase::Ended => Activity::AtRest,
            Phase::Prerolling { .. } => Activity::Prerolling,
            Phase::Running(_) => Activity::Playing,
            // What is measured is measured whole.
            Phase::Untimed => return None,
        })
    }

    /// Asks the controller, where it is time to and the source has a choice.
    pub(super) fn follow_quality(&mut self, now: Moment) {
        self.quality.waits = false;
        let Some(activity) = self.activity() else {
            return;
        };
        let source = self
            .medium
            .as_ref()
            .and_then(|medium| medium.source.as_ref());
        let Some(status) = source.map(|source| source.status()) else {
            return;
        };
        self.count_time(now, activity, &status);
        let asked = Asked {
            activity,
            epoch: self.epoch,
            has_proxies: status.has_proxies,
            memory_asks: self.quality.gauges.detail.asks(),
            held: (activity == Activity::AtRest).then(|| self.position()),
        };
        let soon = self
            .quality
            .asked
            .is_some_and(|(at, before)| now.since(at) < ASK && before == asked);
        self.quality.waits = soon && activity == Activity::AtRest;
        if soon {
            return;
        }
        self.quality.asked = Some((now, asked));
        if let Some(look) = self.look_at_clip(activity, &status) {
            self.decide(&look, &status, activity, now);
        }
        self.hold_whole(activity);
    }

    /// Asks the controller about a clip, and tells the source what it decided.
    fn decide(&mut self, look: &ClipLook, status: &SourceStatus, activity: Activity, now: Moment) {
        let signals = self.quality_signals(look, status, activity, now);
        let decision = self.quality.control.decide(&signals);
        let is_other =
            self.quality.said[0].key != look.key || self.quality.said[0].words.is_empty();
        if self.quality.decision != Some(decision) || is_other {
            let before = self.quality.decision.map(|before| before.scale);
            if before != Some(decision.scale) {
                // What presenting costs at another size says nothing of this one.
                self.feedback.forget_present_cost();
            }
            tracing::debug!(
                "quality: {decision}; {:?} ahead of {:?}, measured {:?}",
                signals.ahead,
                signals.ring,
                look.cost
            );
            self.quality.say(look.key, &decision);
            self.quality.decision = Some(decision);
        }
        // At rest what is decoded from now on is what was decided.
        if activity != Activity::AtRest || leaves_out(decision.rung) {
            self.note_left_out(look, now);
        }
        self.tell_rung(look, decision.rung, activity);
    }

    /// Among clips what is left out is shown as the frame before it: notes that some of the plan is.
    fn note_left_out(&mut self, look: &ClipLook, now: Moment) {
        let has_clips = self
            .medium
            .as_ref()
            .and_then(|medium| medium.source.as_ref())
            .is_some_and(|source| source.has_clips());
        if has_clips
            && leaves_out(look.rung)
            && let Some(planned) = &self.planned
        {
            let waits = WAITING.max(frame_at(look.frame, self.speed) * WAITING_FRAMES);
            self.quality.left_out = Some((planned.plan.generation, now, waits));
        }
    }

    /// Whether frames of the present plan that are shown now may be those before them.
    pub(super) fn leaves_out_of_plan(&self) -> bool {
        let plan = self.planned.as_ref().map(|planned| planned.plan.generation);
        self.quality
            .left_out
            .is_some_and(|(generation, at, waits)| {
                Some(generation) == plan && self.clock.now().since(at) <= waits
            })
    }

    /// Has a frame that is held shown exactly, where it may be the one before it: what a plan begins with is.
    fn hold_whole(&mut self, activity: Activity) {
        let start = self.planned.as_ref().map(|planned| planned.plan.start);
        let rests = activity == Activity::AtRest && self.phase != Phase::Idle;
        if rests && self.leaves_out_of_plan() && start != Some(self.position()) {
            let phase = self.phase;
            self.replan_towards(self.position(), false, self.speed.is_reverse());
            // At the end the last frame is held, and stays the end.
            self.phase = phase;
        }
    }

    /// Tells the source what to decode. A frame held that was decoded from something else is shown anew.
    fn tell_rung(&mut self, look: &ClipLook, rung: Rung, activity: Activity) {
        let Some(medium) = self.medium.as_mut() else {
            return;
        };
        let Some(source) = medium.source.as_mut() else {
            return;
        };
        // Who asks once more before the source has followed may be shown what it was asked for in between.
        let (is_news, before) = if source.has_clips() {
            // Sessions come and go: what counts is what they were asked for.
            let is_news = look.asked != Some(rung);
            if is_news {
                source.set_clip_rung(look.at, rung);
            }
            (is_news, look.asked)
        } else {
            let told = (self.epoch, rung);
            let before = self.quality.told.replace(told);
            let is_news = before != Some(told);
            if is_news {
                source.set_rung(rung);
            }
            (is_news, before.map(|(_, rung)| rung))
        };
        let is_proxy = |rung| matches!(rung, Rung::Half | Rung::Quarter);
        let differs = |from: Rung| is_proxy(from) != is_proxy(rung);
        let is_another = differs(look.rung) || before.is_some_and(differs) || look.asked.is_none();
        let plan = |engine: &Self| {
            engine
                .planned
                .map(|planned| (planned.plan.generation, rung))
        };
        // Once for a plan: layers that never come to what they are asked for are not waited for.
        let is_anew = self.quality.anew.is_some() && self.quality.anew == plan(self);
        let rests = activity == Activity::AtRest && self.phase == Phase::Held;
        if is_news && is_another && rests && !is_anew {
            let reverse = self.speed.is_reverse();
            self.replan_towards(self.position(), false, reverse);
            self.quality.anew = plan(self);
        }
    }

    fn count_time(&mut self, now: Moment, activity: Activity, status: &SourceStatus) {
        let before = self.quality.counted.replace(now);
        if let (Activity::Playing, Some(before)) = (activity, before) {
            let rung = self.quality.shown.map_or(status.rung, |(_, rung)| rung);
            self.quality.times.add(rung, now.since(before));
        }
    }

    /// The clip that is to be chosen for; `None` where there is nothing to choose from.
    fn look_at_clip(&mut self, activity: Activity, status: &SourceStatus) -> Option<ClipLook> {
        let held = self.position();
        let medium = self.medium.as_ref()?;
        let source = medium.source.as_ref()?;
        if source.has_clips() {
            let shown = source.clip_at(Some(held));
            self.quality.shown = shown.as_ref().map(|look| (look.key, look.rung));
            let look = if activity == Activity::Playing {
                source.clip_at(None)
            } else {
                shown
            };
            if look.is_none() && self.quality.shown.is_none() {
                self.quality.fall_silent();
            }
            return look;
        }
        self.quality.shown = None;
        let rungs = source.rungs();
        if rungs.is_empty() {
            self.quality.fall_silent();
            return None;
        }
        let nanos = medium.rate.frame_span_nearest().nanos_nearest();
        let told = self.quality.told.filter(|(epoch, _)| *epoch == self.epoch);
        Some(ClipLook {
            at: held,
            key: self.file_key(),
            rungs,
            index: source.index(),
            frame: Duration::from_nanos(u64::try_from(nanos).unwrap_or(1).max(1)),
            layers: 1,
            asked: Some(told.map_or(Rung::Source, |(_, rung)| rung)),
            rung: status.rung,
            cost: status.cost,
            waiting: (0, 0),
        })
    }

    /// How playing goes.
    fn quality_signals(
        &self,
        look: &ClipLook,
        status: &SourceStatus,
        activity: Activity,
        now: Moment,
    ) -> Signals {
        let clip = clip_signals(look, frame_at(look.frame, self.speed));
        let stride = self
            .planned
            .as_ref()
            .map_or(1, |planned| planned.plan.stride.get());
        let shown = shown_per_mille(look, &clip);
        let lasts = |frames: usize, frame: Duration, shown: u64| {
            let frames = u64::try_from(frames).unwrap_or(u64::MAX);
            let nanos = u64::try_from(frame.as_nanos()).unwrap_or(u64::MAX);
            let whole = frames
                .saturating_mul(nanos)
                .saturating_mul(u64::from(stride));
            Duration::from_nanos(whole / shown * 1000)
        };
        let of_clips = self.medium.as_ref().filter(|medium| {
            let source = medium.source.as_ref();
            source.is_some_and(|source| source.has_clips())
        });
        // In the ring of what is made of clips every frame lies, what was left out as the one before it. Behind
        // it wait the pictures that are to be composed.
        let in_ring = |frames: usize| match of_clips {
            Some(medium) => {
                let nanos = medium.rate.frame_span_nearest().nanos_nearest();
                let own = Duration::from_nanos(u64::try_from(nanos).unwrap_or(1));
                lasts(frames, frame_at(own, self.speed), 1000)
            }
            // Frames that are left out take their time all the same.
            None => lasts(frames, clip.frame, shown),
        };
        let waits = |frames: usize| lasts(frames, clip.frame, shown);
        let policy = self.quality.policy();
        Signals {
            now,
            activity,
            clip,
            present: self.feedback.present_cost(),
            ahead: in_ring(status.ring_fill.0) + waits(look.waiting.0),
            ring: in_ring(status.ring_fill.1) + waits(look.waiting.1),
            late_frames: self.feedback.late_frames(),
            memory: self.quality.gauges.memory.level(),
            memory_asks: self.quality.gauges.detail.asks(),
            battery_saver: policy.saver.is_on(self.quality.gauges.power.is_saving()),
            effects: look.layers > 1,
            holds_lap: status.holds_lap,
            display: (0, 0),
            cores: self.quality.cores,
        }
    }

    /// A file is one clip, by its name: what it cost is known when it is opened again.
    fn file_key(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        if let Some(medium) = &self.medium {
            medium.info.path.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Changes what is wanted of quality, at once.
    pub(super) fn change_policy(&mut self, change: impl FnOnce(Policy) -> Policy) {
        let policy = change(self.quality.policy());
        self.quality.set_policy(policy);
        self.follow_quality(self.clock.now());
    }
}
