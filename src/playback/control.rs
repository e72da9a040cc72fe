//! The quality controller, as the engine and the threads of sources share it.
//!
//! The engine tells how playing goes and gets a decision. A source that is made of several clips asks for
//! each of them before its first frame is decoded, and is answered by the same controller from what it was
//! told last: so a choice at a cut and the first decision behind it are the same.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::quality::{
    Activity, ClipKey, ClipSignals, Controller, Decision, Policy, PresentCost, RungSignals, Rungs,
    Signals,
};
use crate::decode::{ClipChooser, ClipLook, ClipUse, Cost, GopIndex, Rung};
use crate::memory::{Pressure, Shedder};
use crate::time::{Moment, Speed};

/// A thinned source shows so much until it was measured: what most encoders make of it.
const THINNED_PER_MILLE: u16 = 500;

/// The least share of frames that a cost is scaled by.
const LEAST_SHOWN_PER_MILLE: u16 = 250;

/// Keyframes further apart are no moving picture: ten seconds.
const MOST_GOP_NANOS: u64 = 10_000_000_000;

/// The controller, and what it was told last.
pub(super) struct QualityControl {
    inner: Mutex<Inner>,
    revision: AtomicU64,
}

struct Inner {
    controller: Controller,
    last: Option<Signals>,
    speed: Speed,
}

impl QualityControl {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            inner: Mutex::new(Inner {
                controller: Controller::new(policy),
                last: None,
                speed: Speed::NORMAL,
            }),
            revision: AtomicU64::new(0),
        }
    }

    pub(super) fn policy(&self) -> Policy {
        *self.inner.lock().controller.policy()
    }

    /// Replaces what the person wants. What was chosen for clips that come is chosen again.
    pub(super) fn set_policy(&self, policy: Policy) {
        self.inner.lock().controller.set_policy(policy);
        self.revision.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the rung has changed while a clip played.
    pub(super) fn switches(&self) -> u64 {
        self.inner.lock().controller.switches()
    }

    /// Notes what the transport does from now on, for the choices that come before the next decision.
    pub(super) fn note(&self, activity: Activity, speed: Speed) {
        let mut inner = self.inner.lock();
        inner.speed = speed;
        if let Some(last) = &mut inner.last {
            last.activity = activity;
        }
    }

    /// What to decode now, and how large to show it.
    pub(super) fn decide(&self, signals: &Signals) -> Decision {
        let mut inner = self.inner.lock();
        inner.last = Some(*signals);
        inner.controller.decide(signals)
    }
}

impl ClipChooser for QualityControl {
    fn choose(&self, clip: &ClipLook, what_for: ClipUse) -> Rung {
        let mut inner = self.inner.lock();
        let signals = clip_signals(clip, frame_at(clip.frame, inner.speed));
        let last = inner.last.unwrap_or_else(|| unmeasured(&signals));
        let activity = match what_for {
            ClipUse::Now => last.activity,
            ClipUse::Coming => Activity::Prerolling,
        };
        let last = Signals {
            activity,
            effects: clip.layers > 1,
            ..last
        };
        inner.controller.choose_for_clip(&signals, &last).rung
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }
}

/// How playing goes before it has begun.
fn unmeasured(clip: &ClipSignals) -> Signals {
    Signals {
        now: Moment::ZERO,
        activity: Activity::Prerolling,
        clip: *clip,
        present: PresentCost::default(),
        ahead: Duration::ZERO,
        ring: Duration::ZERO,
        late_frames: 0,
        memory: Pressure::Normal,
        memory_asks: 0,
        battery_saver: false,
        effects: false,
        holds_lap: false,
        display: (0, 0),
        cores: cores(),
    }
}

/// Cores that decoding may use.
pub(super) fn cores() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(u32::MAX)
}

/// How long a frame is at this speed.
pub(super) fn frame_at(frame: Duration, speed: Speed) -> Duration {
    let quarters = speed.quarters().unsigned_abs().max(1);
    let normal = Speed::NORMAL.quarters().unsigned_abs();
    (frame * normal / quarters).max(Duration::from_nanos(1))
}

/// A clip as the controller knows it, whose frames last `frame` at the present speed.
pub(super) fn clip_signals(look: &ClipLook, frame: Duration) -> ClipSignals {
    let mut rungs = Rungs::default();
    for &(rung, size) in &look.rungs {
        let signals = rung_signals(rung, (size.width(), size.height()), &look.index, frame);
        rungs.set(rung, signals);
    }
    if let Some(present) = rungs.get_mut(look.rung) {
        present.seen = look.cost.map(|cost| of_every_frame(look.rung, cost));
    }
    ClipSignals {
        key: ClipKey(look.key),
        frame,
        rungs,
    }
}

/// What a rung would cost if none of its frames were given up: those that are cost little, which makes what
/// cannot be held look as if it could. What is left out on purpose stays as it is.
fn of_every_frame(rung: Rung, cost: Cost) -> Cost {
    let shown = match rung {
        Rung::Source | Rung::Half | Rung::Quarter => cost.shown_per_mille,
        Rung::Thinned | Rung::Keyframes => 1000,
    };
    // After a jump to a keyframe the share says little.
    let shown = u32::from(shown.clamp(LEAST_SHOWN_PER_MILLE, 1000));
    cost.scaled(|span| span * 1000 / shown)
}

/// Of a thousand frames of the clip, how many are shown of what is decoded.
pub(super) fn shown_per_mille(look: &ClipLook, clip: &ClipSignals) -> u64 {
    match look.rung {
        Rung::Source | Rung::Half | Rung::Quarter => 1000,
        Rung::Thinned | Rung::Keyframes => {
            let shown = clip.rungs.get(look.rung).map(|rung| rung.shown_per_mille);
            let seen = look.cost.map(|cost| cost.shown_per_mille);
            u64::from(seen.or(shown).unwrap_or(1000).max(1))
        }
    }
}

/// What is known of a rung before it is decoded; `None` where it would be no use.
fn rung_signals(
    rung: Rung,
    (width, height): (u32, u32),
    index: &GopIndex,
    frame: Duration,
) -> Option<RungSignals> {
    let keyframes = index.keyframes().len();
    let gop = u32::try_from(index.mean_gop()).unwrap_or(u32::MAX);
    let frame = u64::try_from(frame.as_nanos()).unwrap_or(u64::MAX);
    let shown_per_mille = match rung {
        Rung::Source | Rung::Half | Rung::Quarter => 1000,
        // What is left out is told by the index, and where each frame is a keyframe nothing can be.
        Rung::Thinned | Rung::Keyframes if !index.is_complete() || gop == 1 => return None,
        Rung::Thinned => THINNED_PER_MILLE,
        Rung::Keyframes => {
            if keyframes < 2 || u64::from(gop).saturating_mul(frame) > MOST_GOP_NANOS {
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

/// Counts how often memory has asked for less detail. It has its place on the ladder of
/// [`MemoryManager`](crate::memory::MemoryManager) at [`Step::LowerRung`](crate::memory::Step::LowerRung).
#[derive(Debug, Default)]
pub struct DetailShedder(AtomicU64);

impl DetailShedder {
    /// How often it was asked.
    pub fn asks(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Shedder for DetailShedder {
    /// Nothing is given back at once: smaller pictures take the place of the larger ones as they come.
    fn shed(&self, _wanted_bytes: u64) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed);
        0
    }
}
