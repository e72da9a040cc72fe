//! The controller's rules, one by one; whole runs in `scenarios`; what always holds in `properties`.

mod properties;
mod rules;
mod scenarios;
mod way_out;

use std::time::Duration;

use super::{Activity, ClipKey, ClipSignals, Decision, PresentCost, RungSignals, Rungs, Signals};
use crate::decode::{Cost, Rung};
use crate::memory::Pressure;
use crate::time::Moment;

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A cost as it would be measured when the rung has run for a while.
pub(super) fn cost(decode: Duration) -> Cost {
    Cost {
        read: Duration::ZERO,
        decode,
        p90: decode,
        least: decode,
        but_slowest: decode,
        frames: 100,
        shown_per_mille: 1000,
    }
}

fn rung(width: u32, gop_frames: u32, shown_per_mille: u16) -> RungSignals {
    RungSignals {
        width,
        height: width / 16 * 9,
        gop_frames,
        shown_per_mille,
        prior: None,
        seen: None,
    }
}

/// A 4K source of 25 frames a second with both proxies, playing with a full ring.
pub(super) fn signals() -> Signals {
    let mut rungs = Rungs::default();
    rungs.set(Rung::Source, Some(rung(3840, 50, 1000)));
    rungs.set(Rung::Thinned, Some(rung(3840, 50, 500)));
    rungs.set(Rung::Half, Some(rung(1920, 1, 1000)));
    rungs.set(Rung::Quarter, Some(rung(960, 1, 1000)));
    rungs.set(Rung::Keyframes, Some(rung(3840, 50, 20)));
    Signals {
        now: Moment::from_nanos(1_000_000_000),
        activity: Activity::Playing,
        clip: ClipSignals {
            key: ClipKey(1),
            frame: ms(40),
            rungs,
        },
        present: PresentCost::default(),
        ahead: ms(240),
        ring: ms(240),
        late_frames: 0,
        memory: Pressure::Normal,
        memory_asks: 0,
        battery_saver: false,
        effects: false,
        holds_lap: false,
        display: (1920, 1080),
        cores: 4,
    }
}

/// The same `millis` later.
pub(super) fn later(signals: &Signals, millis: u64) -> Signals {
    Signals {
        now: signals.now + ms(millis),
        ..*signals
    }
}

/// The same with this cost seen of a rung.
pub(super) fn seen(mut signals: Signals, rung: Rung, decode: Duration) -> Signals {
    if let Some(rung) = signals.clip.rungs.get_mut(rung) {
        rung.seen = Some(cost(decode));
    }
    signals
}

/// The same with nothing measured.
pub(super) fn unseen(mut signals: Signals) -> Signals {
    for rung in Rung::ALL {
        if let Some(rung) = signals.clip.rungs.get_mut(rung) {
            rung.seen = None;
        }
    }
    signals
}

/// The same without the proxies.
pub(super) fn without_proxies(mut signals: Signals) -> Signals {
    signals.clip.rungs.set(Rung::Half, None);
    signals.clip.rungs.set(Rung::Quarter, None);
    signals
}

pub(super) fn said(decision: &Decision) -> String {
    decision.to_string()
}
