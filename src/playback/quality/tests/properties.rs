//! What holds for any signals.

use std::time::Duration;

use proptest::prelude::*;

use super::ms;
use crate::decode::{Cost, Rung};
use crate::memory::Pressure;
use crate::playback::quality::{
    Activity, ClipKey, ClipSignals, Controller, Policy, PresentCost, Preset, ProxyUse, QualityMode,
    RungSignals, Rungs, Signals,
};
use crate::time::Moment;

/// Spans of any size, the extremes and everyday ones often.
fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..200_u64).prop_map(ms),
        1 => Just(Duration::ZERO),
        1 => Just(Duration::MAX),
        1 => any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![2 => 0..8192_u32, 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

prop_compose! {
    fn cost()(
        read in span(),
        decode in span(),
        p90 in span(),
        but_slowest in span(),
        frames in number(),
        shown in any::<u16>(),
    ) -> Cost {
        Cost { read, decode, p90, least: read, but_slowest, frames, shown_per_mille: shown }
    }
}

prop_compose! {
    fn rung()(
        width in number(),
        height in number(),
        gop_frames in number(),
        shown_per_mille in any::<u16>(),
        prior in proptest::option::of(span()),
        seen in proptest::option::of(cost()),
    ) -> RungSignals {
        RungSignals { width, height, gop_frames, shown_per_mille, prior, seen }
    }
}

fn clip() -> impl Strategy<Value = ClipSignals> {
    let rungs = prop::collection::vec(proptest::option::of(rung()), Rung::ALL.len());
    (0..3_u64, span(), rungs).prop_map(|(key, frame, list)| {
        let mut rungs = Rungs::default();
        for (rung, signals) in Rung::ALL.into_iter().zip(list) {
            rungs.set(rung, signals);
        }
        ClipSignals {
            key: ClipKey(key),
            frame,
            rungs,
        }
    })
}

fn signals() -> impl Strategy<Value = Signals> {
    let activity = prop_oneof![
        6 => Just(Activity::Playing),
        1 => Just(Activity::AtRest),
        1 => Just(Activity::Scrubbing),
        1 => Just(Activity::Prerolling),
    ];
    let times = (span(), span(), span(), span(), span());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0..4_usize);
    let counts = (any::<u64>(), number(), number(), number());
    (activity, clip(), times, flags, counts).prop_map(
        |(
            activity,
            clip,
            times,
            (saver, effects, holds_lap, memory),
            (late, width, height, cores),
        )| Signals {
            now: Moment::ZERO,
            activity,
            clip,
            present: PresentCost {
                upload: times.0,
                convert: times.1,
                render: times.2,
            },
            ahead: times.3,
            ring: times.4,
            late_frames: late,
            memory: Pressure::ALL[memory],
            memory_asks: late % 2,
            battery_saver: saver,
            effects,
            holds_lap,
            display: (width, height),
            cores,
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let preset = prop_oneof![
        Just(Preset::Speed),
        Just(Preset::Balanced),
        Just(Preset::Quality)
    ];
    let proxy = prop_oneof![
        Just(ProxyUse::Always),
        Just(ProxyUse::Auto),
        Just(ProxyUse::Never)
    ];
    let target = proptest::option::of(number());
    let flags = (any::<bool>(), any::<bool>());
    (preset, 0..4_usize, proxy, target, flags, number()).prop_map(
        |(preset, mode, use_proxy, target_fps_milli, (allow_drops, auto_reduce), least_height)| {
            Policy {
                mode: QualityMode::ALL[mode],
                use_proxy,
                target_fps_milli,
                allow_drops,
                auto_reduce,
                least_height,
                ..Policy::preset(preset)
            }
        },
    )
}

/// Nothing better than the person asked for, where there is something as asked for.
fn is_within(mode: QualityMode, rung: Rung, rungs: &Rungs) -> bool {
    let proxies = rungs.has(Rung::Half) || rungs.has(Rung::Quarter);
    match mode {
        QualityMode::Auto => true,
        QualityMode::Source => rung == Rung::Source || !rungs.has(Rung::Source),
        QualityMode::Proxy => !proxies || matches!(rung, Rung::Half | Rung::Quarter),
        QualityMode::Draft if rungs.has(Rung::Quarter) => rung == Rung::Quarter,
        QualityMode::Draft => !proxies || rung == Rung::Half,
    }
}

proptest! {
    #[test]
    fn only_what_is_there_and_allowed_is_decided_and_always_the_same(
        policies in prop::collection::vec(policy(), 1..3),
        run in prop::collection::vec((signals(), prop_oneof![0..300_u64, any::<u64>()], clip()), 1..40),
    ) {
        let mut controllers = [Controller::new(policies[0]), Controller::new(policies[0])];
        let mut now = Moment::ZERO;
        for (step, (mut signals, millis, next)) in run.into_iter().enumerate() {
            now = now + Duration::from_millis(millis);
            signals.now = now;
            let policy = policies[step * policies.len() / 40];
            let [decision, again] = controllers.each_mut().map(|controller| {
                controller.set_policy(policy);
                let decision = controller.decide(&signals);
                (decision, controller.choose_for_clip(&next, &signals))
            });
            prop_assert_eq!(decision, again);
            for (decision, rungs) in [(decision.0, signals.clip.rungs), (decision.1, next.rungs)] {
                prop_assert!(rungs.has(decision.rung) || rungs.iter().next().is_none());
                prop_assert!(is_within(policy.mode, decision.rung, &rungs));
                prop_assert!(!decision.to_string().is_empty());
            }
        }
    }
}
