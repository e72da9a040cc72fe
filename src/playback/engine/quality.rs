//! Asks the quality controller some times a second, and tells the source what it decided.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Phase};
use crate::decode::{GopIndex, Rung, SourceStatus, VideoSource};
use crate::memory::PressureGauge;
use crate::playback::proxies::ProxyUse;
use crate::playback::quality::{
    Activity, ClipKey, ClipSignals, Controller, Decision, OutputScale, QualityMode, RungSignals,
    Rungs, Signals,
};
use crate::playback::schedule::Epoch;
use crate::playback::snapshot::{QualityState, RungTimes};
use crate::time::{Moment, Speed};

/// How often the controller is asked while something plays.
const ASK: Duration = Duration::from_millis(100);

/// A thinned source shows so much until it was measured: what most encoders make of it.
const THINNED_PER_MILLE: u16 = 500;

/// Keyframes further apart are no moving picture: ten seconds.
const MOST_GOP_SECONDS: i64 = 10;

/// The engine's part in the control of quality.
pub(in crate::playback) struct Quality {
    controller: Controller,
    memory: PressureGauge,
    /// Cores that decoding may use.
    cores: u32,
    /// When the controller was asked last, and about what.
    asked: Option<(Moment, Activity, Epoch)>,
    decision: Option<Decision>,
    /// The decision in words.
    words: Arc<str>,
    /// What the present source was told.
    told: Option<(Epoch, Rung)>,
    /// How long each rung was played.
    times: RungTimes,
    counted: Option<Moment>,
}

impl Quality {
    pub(super) fn new(controller: Controller, memory: PressureGauge) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            controller,
            memory,
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            asked: None,
            decision: None,
            words: "".into(),
            told: None,
            times: RungTimes::default(),
            counted: None,
        }
    }

    /// The source was told otherwise: it is told again.
    pub(super) fn forget_told(&mut self) {
        self.told = None;
        self.asked = None;
    }

    pub(super) fn set_mode(&mut self, mode: QualityMode) {
        let mut policy = *self.controller.policy();
        policy.mode = mode;
        self.controller.set_policy(policy);
        self.asked = None;
    }

    /// What people are told.
    pub(super) fn state(&self, status: Option<&SourceStatus>) -> QualityState {
        QualityState {
            mode: self.controller.policy().mode,
            rung: status.map(|status| status.rung),
            words: Arc::clone(&self.words),
            scale: self.decision.map_or(OutputScale::Full, |it| it.scale),
            switches: self.controller.switches(),
            left_out: status.map_or(0, |status| status.left_out),
            times: self.times,
        }
    }
}

impl Engine {
    /// Asks the controller, where it is time to and the source has a choice.
    pub(super) fn follow_quality(&mut self, now: Moment) {
        let activity = match self.phase {
            _ if self.scrub.is_some() => Activity::Scrubbing,
            Phase::Idle | Phase::Held | Phase::Ended => Activity::AtRest,
            Phase::Prerolling { .. } => Activity::Prerolling,
            Phase::Running(_) => Activity::Playing,
            // What is measured is measured whole.
            Phase::Untimed => return,
        };
        self.count_time(now, activity);
        let soon = self.quality.asked.is_some_and(|(at, before, epoch)| {
            now.since(at) < ASK && before == activity && epoch == self.epoch
        });
        if soon {
            return;
        }
        let Some(signals) = self.quality_signals(activity, now) else {
            return;
        };
        self.quality.asked = Some((now, activity, self.epoch));
        let decision = self.quality.controller.decide(&signals);
        if self.quality.decision != Some(decision) {
            tracing::debug!("quality: {decision}");
            let before = self.quality.decision.map(|before| before.scale);
            if before != Some(decision.scale) {
                // What presenting costs at another size says nothing of this one.
                self.feedback.forget_present_cost();
            }
            self.quality.words = decision.to_string().into();
            self.quality.decision = Some(decision);
        }
        self.tell_rung(decision.rung, activity);
    }

    /// Tells the source what to decode. A frame held that is not of the source is shown anew.
    fn tell_rung(&mut self, rung: Rung, activity: Activity) {
        let always = self.proxies == ProxyUse::Always;
        let has_proxies = |source: &dyn VideoSource| source.status().has_proxies;
        let medium = self.medium.as_ref();
        let source = medium.and_then(|medium| medium.source.as_deref());
        // Where there are none yet, the source is served until there are.
        let rung = if always && (rung == Rung::Source || source.is_some_and(has_proxies)) {
            self.proxies.rung()
        } else {
            rung
        };
        let told = (self.epoch, rung);
        let before = self.quality.told.replace(told);
        let source = self
            .medium
            .as_mut()
            .and_then(|medium| medium.source.as_mut());
        let Some(source) = source.filter(|_| before != Some(told)) else {
            return;
        };
        let shown = source.status().rung;
        source.set_rung(rung);
        let was_proxy = matches!(shown, Rung::Half | Rung::Quarter);
        if activity == Activity::AtRest && was_proxy && self.phase == Phase::Held {
            let reverse = self.speed.is_reverse();
            self.replan_towards(self.position(), false, reverse);
        }
    }

    fn count_time(&mut self, now: Moment, activity: Activity) {
        let before = self.quality.counted.replace(now);
        let status = self
            .medium
            .as_ref()
            .and_then(|medium| medium.source.as_ref())
            .map(|source| source.status());
        if let (Activity::Playing, Some(before), Some(status)) = (activity, before, status) {
            self.quality.times.add(status.rung, now.since(before));
        }
    }

    /// How playing goes; `None` where there is nothing to choose from.
    fn quality_signals(&self, activity: Activity, now: Moment) -> Option<Signals> {
        let medium = self.medium.as_ref()?;
        let source = medium.source.as_ref()?;
        let sizes = source.rungs();
        if sizes.is_empty() {
            return None;
        }
        let index = source.index();
        let status = source.status();
        let nanos = medium.rate.frame_span_nearest().nanos_nearest();
        let nanos = u64::try_from(nanos).unwrap_or(1).max(1);
        let quarters = u64::from(self.speed.quarters().unsigned_abs().max(1));
        let normal = u64::from(Speed::NORMAL.quarters().unsigned_abs());
        let frame = nanos * normal / quarters;
        let stride = self
            .planned
            .as_ref()
            .map_or(1, |planned| u64::from(planned.plan.stride.get()));
        let mut rungs = Rungs::default();
        for (rung, size) in sizes {
            let signals = rung_signals(rung, (size.width(), size.height()), &index, frame);
            rungs.set(rung, signals);
        }
        if let Some(present) = rungs.get_mut(status.rung) {
            present.seen = status.cost;
        }
        // Frames that are left out take their time all the same.
        let shown = match status.rung {
            Rung::Source | Rung::Half | Rung::Quarter => 1000,
            Rung::Thinned | Rung::Keyframes => {
                let shown = rungs.get(status.rung).map(|rung| rung.shown_per_mille);
                let seen = status.cost.map(|cost| cost.shown_per_mille);
                u64::from(seen.or(shown).unwrap_or(1000).max(1))
            }
        };
        let lasts = |frames: usize| {
            let frames = u64::try_from(frames).unwrap_or(u64::MAX);
            Duration::from_nanos(frames.saturating_mul(frame * stride) / shown * 1000)
        };
        Some(Signals {
            now,
            activity,
            clip: ClipSignals {
                key: self.clip_key(),
                frame: Duration::from_nanos(frame),
                rungs,
            },
            present: self.feedback.present_cost(),
            ahead: lasts(status.ring_fill.0),
            ring: lasts(status.ring_fill.1),
            late_frames: self.feedback.late_frames(),
            memory: self.quality.memory.level(),
            battery_saver: false,
            effects: false,
            display: (0, 0),
            cores: self.quality.cores,
        })
    }

    /// A file is one clip, by its name: what it cost is known when it is opened again.
    fn clip_key(&self) -> ClipKey {
        let mut hasher = DefaultHasher::new();
        if let Some(medium) = &self.medium {
            medium.info.path.hash(&mut hasher);
        }
        ClipKey(hasher.finish())
    }
}

/// What is known of a rung before it is decoded; `None` where it would be no use. `frame` is the time of a
/// frame in nanoseconds.
fn rung_signals(
    rung: Rung,
    (width, height): (u32, u32),
    index: &GopIndex,
    frame: u64,
) -> Option<RungSignals> {
    let keyframes = i64::try_from(index.keyframes().len()).unwrap_or(i64::MAX);
    let gop = index.len() / keyframes.max(1);
    let gop = u32::try_from(gop.max(1)).unwrap_or(u32::MAX);
    let shown_per_mille = match rung {
        Rung::Source | Rung::Half | Rung::Quarter => 1000,
        // What is left out is told by the index, and where each frame is a keyframe nothing can be.
        Rung::Thinned | Rung::Keyframes if !index.is_complete() || gop == 1 => return None,
        Rung::Thinned => THINNED_PER_MILLE,
        Rung::Keyframes => {
            let longest = u64::try_from(MOST_GOP_SECONDS).unwrap_or(0) * 1_000_000_000;
            if keyframes < 2 || u64::from(gop).saturating_mul(frame) > longest {
                return None;
            }
            u16::try_from(1000 / gop).unwrap_or(1000).max(1)
        }
    };
    Some(RungSignals {
        width,
        height,
        gop_frames: match rung {
            Rung::Half | Rung::Quarter => 1,
            Rung::Source | Rung::Thinned | Rung::Keyframes => gop,
        },
        shown_per_mille,
        prior: None,
        seen: None,
    })
}
