//! Which rungs may be taken, and in which order they are preferred.

use super::policy::{Policy, ProxyUse, QualityMode};
use super::signals::{ClipSignals, RungSignals, Signals};
use crate::decode::Rung;
use crate::memory::Pressure;

/// A set of rungs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RungSet([bool; Rung::ALL.len()]);

impl RungSet {
    fn of(holds: impl Fn(Rung) -> bool) -> Self {
        Self(Rung::ALL.map(holds))
    }

    pub(super) fn holds(self, rung: Rung) -> bool {
        self.0[rung as usize]
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Rung> {
        Rung::ALL.into_iter().filter(move |&rung| self.holds(rung))
    }

    fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// Those that `keep` keeps; all, where that would be none. A wish never leaves nothing to show.
    fn narrowed(self, keep: impl Fn(Rung) -> bool) -> Self {
        let kept = Self::of(|rung| self.holds(rung) && keep(rung));
        if kept.is_empty() { self } else { kept }
    }

    /// Those of `rungs` that come first in this set; all, where there is none of them.
    fn first_of(self, rungs: &[Rung]) -> Self {
        let first = rungs.iter().copied().find(|&rung| self.holds(rung));
        self.narrowed(|rung| first.is_none_or(|first| rung == first))
    }
}

fn is_proxy(rung: Rung) -> bool {
    matches!(rung, Rung::Half | Rung::Quarter)
}

fn leaves_out(rung: Rung) -> bool {
    matches!(rung, Rung::Thinned | Rung::Keyframes)
}

/// The rungs of `clip` that may be taken now. Empty only where there is none at all.
pub(super) fn allowed(policy: &Policy, clip: &ClipSignals, signals: &Signals) -> RungSet {
    let there = RungSet::of(|rung| clip.rungs.has(rung));
    match policy.mode {
        QualityMode::Source => there.first_of(&[Rung::Source, Rung::Thinned]),
        QualityMode::Draft => {
            there.first_of(&[Rung::Quarter, Rung::Half, Rung::Thinned, Rung::Source])
        }
        QualityMode::Proxy if there.iter().any(is_proxy) => there.narrowed(is_proxy),
        // Without proxies the wish for them means nothing.
        QualityMode::Proxy | QualityMode::Auto => by_policy(there, policy, clip, signals),
    }
}

fn by_policy(there: RungSet, policy: &Policy, clip: &ClipSignals, signals: &Signals) -> RungSet {
    let lines = |rung| clip.rungs.get(rung).map_or(0, |signals| signals.height);
    let mut set = match policy.use_proxy {
        ProxyUse::Always => there.narrowed(is_proxy),
        ProxyUse::Auto => there,
        ProxyUse::Never => there.narrowed(|rung| !is_proxy(rung)),
    };
    if !policy.auto_reduce {
        return set.first_of(&Rung::ALL);
    }
    // What were left out now would be lacking in the next lap as well. Decoded late, it is there then.
    if !policy.allow_drops || signals.holds_lap {
        set = set.narrowed(|rung| !leaves_out(rung));
    }
    set = set.narrowed(|rung| lines(rung) >= policy.least_height);
    if policy.fits_display {
        set = fitting_display(set, clip, signals.display);
    }
    match signals.memory {
        Pressure::Normal | Pressure::Elevated => set,
        Pressure::High => set.narrowed(is_proxy),
        Pressure::Critical => set.narrowed(is_proxy).narrowed(|rung| rung != Rung::Half),
    }
}

/// Without the rungs that have more pixels than the smallest one that still fills the display.
fn fitting_display(set: RungSet, clip: &ClipSignals, (width, height): (u32, u32)) -> RungSet {
    let of = |rung| clip.rungs.get(rung);
    // A picture fills the display as soon as one of its sides does.
    let fills = |rung: &RungSignals| rung.width >= width || rung.height >= height;
    let enough = set
        .iter()
        .filter(|&rung| !leaves_out(rung))
        .filter_map(of)
        .filter(|rung| width > 0 && height > 0 && fills(rung))
        .map(RungSignals::pixels)
        .min();
    set.narrowed(|rung| {
        let pixels = of(rung).map_or(0, RungSignals::pixels);
        enough.is_none_or(|enough| pixels <= enough)
    })
}

/// Of a thousand frames, how many a rung shows where it can be held.
pub(super) fn shown_per_mille(rung: Rung, signals: &RungSignals) -> u32 {
    if !leaves_out(rung) {
        return 1000;
    }
    let seen = signals.seen.map(|cost| cost.shown_per_mille);
    u32::from(seen.unwrap_or(signals.shown_per_mille)).clamp(1, 1000)
}

/// The place of a rung in the order of preference, the best first: those that show as many frames as the
/// person wants, then the others; each in the order of the ladder.
pub(super) fn rank(rung: Rung, clip: &ClipSignals, policy: &Policy) -> (bool, Rung) {
    let shown = clip
        .rungs
        .get(rung)
        .map_or(0, |signals| shown_per_mille(rung, signals));
    (shown < wanted_per_mille(clip, policy), rung)
}

/// Of a thousand frames of the medium, how many must be shown for the target rate; one in a hundred is no
/// difference.
fn wanted_per_mille(clip: &ClipSignals, policy: &Policy) -> u32 {
    let Some(target) = policy.target_fps_milli else {
        return 990;
    };
    let wanted = u128::from(target) * clip.frame.as_nanos() / 1_000_000_000;
    u32::try_from(wanted).unwrap_or(u32::MAX).min(1000) * 99 / 100
}
