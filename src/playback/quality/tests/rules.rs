//! Each rule of the controller, by hand-made signals.

use std::time::Duration;

use super::{later, ms, said, seen, signals, unseen, without_proxies};
use crate::decode::{Cost, Rung};
use crate::memory::Pressure;
use crate::playback::quality::{
    Activity, ClipKey, Controller, OutputScale, Policy, PresentCost, Preset, ProxyUse, QualityMode,
    Signals,
};

/// A controller that has played these signals for five seconds.
fn settled(signals: &Signals) -> (Controller, Signals) {
    settled_with(Policy::default(), signals)
}

fn settled_with(policy: Policy, signals: &Signals) -> (Controller, Signals) {
    let mut controller = Controller::new(policy);
    let mut now = *signals;
    for _ in 0..50 {
        now = later(&now, 100);
        controller.decide(&now);
    }
    (controller, now)
}

#[test]
fn a_source_that_fits_is_played() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(12)));
    let decision = controller.decide(&now);
    assert_eq!(
        (decision.rung, decision.scale),
        (Rung::Source, OutputScale::Full)
    );
}

#[test]
fn a_low_ring_leads_straight_to_the_best_rung_that_fits() {
    // By pixels and intra coding, half would take about 41 × 0.06 ms.
    let begun = seen(signals(), Rung::Source, ms(20));
    let (mut controller, now) = settled(&begun);
    let mut heavy = seen(later(&now, 100), Rung::Source, ms(41));
    heavy.ahead = ms(79);
    let decision = controller.decide(&heavy);
    assert_eq!(said(&decision), "decode 41 ms > 40 ms: half proxy");
    assert_eq!(controller.switches(), 1);
}

/// Signals of a clip that has just begun, with an empty ring, of whose source so many frames were decoded at this cost.
fn begun(frames: u32, decode: Duration) -> Signals {
    let mut signals = seen(signals(), Rung::Source, decode);
    if let Some(source) = signals.clip.rungs.get_mut(Rung::Source) {
        let but_slowest = if frames < 3 { ms(0) } else { decode };
        source.seen = source.seen.map(|cost| Cost {
            but_slowest,
            frames,
            ..cost
        });
    }
    signals.ahead = ms(0);
    signals
}

#[test]
fn a_hopeless_source_is_left_for_a_proxy_after_its_first_frames() {
    let after = |signals: &Signals| {
        let mut controller = Controller::new(Policy::default());
        let begin = Signals {
            activity: Activity::Prerolling,
            ..*signals
        };
        controller.decide(&unseen(begin));
        controller.decide(&later(signals, 200)).rung
    };
    assert_eq!(after(&begun(3, ms(61))), Rung::Half);
    // Where it may still turn out to fit, or too little was seen, the ring has its time to fill.
    assert_eq!(after(&begun(3, ms(59))), Rung::Source);
    assert_eq!(after(&begun(2, ms(61))), Rung::Source);
    // Nor is a frame left out for it...
    assert_eq!(after(&without_proxies(begun(3, ms(61)))), Rung::Source);
    // ... not at a cut in mid-play, either.
    let (mut controller, before) = settled(&signals());
    let mut next = without_proxies(begun(3, ms(61)));
    next.clip.key = ClipKey(2);
    next.now = before.now;
    controller.decide(&unseen(later(&next, 100)));
    let rung = controller.decide(&later(&next, 300)).rung;
    assert_eq!(rung, Rung::Source);
    // One stall among the first frames says little.
    let mut stalled = begun(3, ms(70));
    if let Some(source) = stalled.clip.rungs.get_mut(Rung::Source) {
        source.seen = source.seen.map(|cost| Cost {
            but_slowest: ms(30),
            ..cost
        });
    }
    assert_eq!(after(&stalled), Rung::Source);
}

#[test]
fn the_floor_is_a_share_of_a_short_ring() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(20)));
    let mut now = seen(now, Rung::Source, ms(39));
    (now.ring, now.ahead) = (ms(120), ms(60));
    assert_eq!(
        controller.decide(&now).rung,
        Rung::Source,
        "60 ms is half of the ring"
    );
    let mut low = later(&now, 100);
    low.ahead = ms(47);
    assert_eq!(controller.decide(&low).rung, Rung::Half);
}

#[test]
fn a_rung_that_does_not_fit_is_passed_over() {
    let mut heavy = seen(signals(), Rung::Source, ms(90));
    heavy = seen(heavy, Rung::Half, ms(35));
    heavy = seen(heavy, Rung::Quarter, ms(9));
    heavy.ahead = ms(20);
    let mut controller = Controller::new(Policy::default());
    controller.decide(&seen(signals(), Rung::Source, ms(30)));
    let decision = controller.decide(&later(&heavy, 500));
    assert_eq!(said(&decision), "decode 90 ms > 40 ms: quarter proxy");
}

#[test]
fn nothing_goes_down_while_the_first_frames_are_awaited() {
    let mut waiting = seen(signals(), Rung::Source, ms(30));
    (waiting.activity, waiting.ahead) = (Activity::Prerolling, ms(0));
    let (mut controller, now) = settled(&waiting);
    let heavy = seen(later(&now, 100), Rung::Source, ms(90));
    assert_eq!(controller.decide(&heavy).rung, Rung::Source);
}

#[test]
fn two_late_frames_in_half_a_second_are_too_many() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(20)));
    let mut now = seen(now, Rung::Source, ms(36));
    now.ahead = ms(120);
    let mut late = later(&now, 100);
    late.late_frames = 1;
    assert_eq!(controller.decide(&late).rung, Rung::Source);
    let mut late = later(&late, 600);
    late.late_frames = 2;
    assert_eq!(
        controller.decide(&late).rung,
        Rung::Source,
        "the first was long ago"
    );
    let mut late = later(&late, 300);
    late.late_frames = 3;
    let decision = controller.decide(&late);
    assert_eq!(said(&decision), "decode 36 ms of 40 ms: half proxy");
}

#[test]
fn a_ring_that_would_run_dry_within_a_second_is_not_waited_for() {
    let mut heavy = seen(signals(), Rung::Source, ms(30));
    heavy.ahead = ms(200);
    let (mut controller, now) = settled(&heavy);
    // 50 ms for a frame of 40: a second shows 1000 ms and decodes 800.
    let drained = seen(later(&now, 100), Rung::Source, ms(50));
    let mut full = drained;
    full.ahead = ms(210);
    assert_eq!(controller.clone().decide(&full).rung, Rung::Source);
    let mut less = drained;
    less.ahead = ms(190);
    assert_eq!(controller.decide(&less).rung, Rung::Half);
}

#[test]
fn late_frames_with_a_full_ring_are_not_the_decoders_fault() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(12)));
    let mut late = later(&now, 100);
    late.late_frames = 9;
    assert_eq!(controller.decide(&late).rung, Rung::Source);
}

/// A controller that went down to half at `now` because of a load.
fn at_half() -> (Controller, Signals) {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(20)));
    let mut heavy = seen(later(&now, 100), Rung::Source, ms(60));
    heavy.ahead = ms(20);
    assert_eq!(controller.decide(&heavy).rung, Rung::Half);
    heavy.ahead = ms(240);
    (controller, seen(heavy, Rung::Half, ms(9)))
}

#[test]
fn what_was_too_slow_comes_back_when_what_plays_has_become_quicker() {
    let (mut controller, now) = at_half();
    let mut now = later(&now, 500);
    for _ in 0..100 {
        now = later(&now, 100);
        assert_eq!(
            controller.decide(&now).rung,
            Rung::Half,
            "the load is still there"
        );
    }
    // Half takes a third of what it took: so would the source.
    now = seen(now, Rung::Half, ms(3));
    let begun = now.now;
    let decision = loop {
        now = later(&now, 100);
        let decision = controller.decide(&now);
        if decision.rung != Rung::Half || now.now.since(begun) > ms(5000) {
            break decision;
        }
    };
    assert_eq!(said(&decision), "decode 20 ms of 40 ms: source");
}

#[test]
fn a_ring_must_be_full_without_a_break_before_something_better_is_tried() {
    let (mut controller, now) = at_half();
    let mut now = seen(later(&now, 500), Rung::Half, ms(9));
    controller.decide(&now);
    now = seen(now, Rung::Half, ms(3));
    now.ahead = ms(240);
    for step in 0..60 {
        now = later(&now, 100);
        now.ahead = if step % 15 == 0 { ms(150) } else { ms(240) };
        assert_eq!(controller.decide(&now).rung, Rung::Half);
    }
}

#[test]
fn a_rung_that_should_fit_and_does_not_is_left_all_the_same() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(20)));
    let mut now = now;
    let mut rungs = Vec::new();
    for step in 0..12 {
        now = later(&now, 100);
        now.ahead = ms(60 - step);
        rungs.push(controller.decide(&now).rung);
    }
    rungs.dedup();
    assert_eq!(rungs, [Rung::Source, Rung::Half]);
}

#[test]
fn a_ring_that_fills_is_left_alone() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(32)));
    let mut now = now;
    for step in 0..30 {
        now = later(&now, 100);
        now.ahead = ms(10 + step * 2);
        assert_eq!(controller.decide(&now).rung, Rung::Source);
    }
}

#[test]
fn without_proxies_frames_are_left_out_rather_than_late() {
    let mut heavy = without_proxies(seen(signals(), Rung::Source, ms(52)));
    heavy.ahead = ms(20);
    let mut controller = Controller::new(Policy::default());
    controller.decide(&seen(signals(), Rung::Source, ms(30)));
    let decision = controller.decide(&later(&heavy, 500));
    assert_eq!(said(&decision), "decode 52 ms > 40 ms: source, thinned");

    let policy = Policy {
        allow_drops: false,
        ..Policy::default()
    };
    let (mut controller, now) = settled_with(policy, &heavy);
    assert_eq!(
        controller.decide(&now).rung,
        Rung::Source,
        "nothing may be left out"
    );
}

#[test]
fn a_lower_target_rate_prefers_the_source_with_fewer_frames_to_a_proxy() {
    let policy = Policy {
        target_fps_milli: Some(12_000),
        ..Policy::default()
    };
    let mut heavy = seen(seen(signals(), Rung::Source, ms(44)), Rung::Thinned, ms(30));
    if let Some(seen) = heavy.clip.rungs.get_mut(Rung::Thinned) {
        seen.seen = seen.seen.map(|cost| crate::decode::Cost {
            shown_per_mille: 500,
            ..cost
        });
    }
    let (mut controller, now) = settled_with(policy, &heavy);
    assert_eq!(controller.decide(&now).rung, Rung::Thinned);
}

#[test]
fn at_rest_the_source_is_shown_and_playing_goes_on_as_it_was() {
    let (mut controller, now) = at_half();
    let mut rest = later(&now, 100);
    rest.activity = Activity::AtRest;
    assert_eq!(said(&controller.decide(&rest)), "at rest: source");
    let mut again = later(&rest, 60_000);
    again.activity = Activity::Prerolling;
    assert_eq!(controller.decide(&again).rung, Rung::Half);
    again.activity = Activity::Playing;
    assert_eq!(controller.decide(&later(&again, 100)).rung, Rung::Half);
    assert_eq!(controller.switches(), 1);
}

#[test]
fn a_hand_gets_the_best_rung_that_is_quick_at_any_frame() {
    let mut hand = seen(seen(signals(), Rung::Source, ms(20)), Rung::Half, ms(4));
    hand.activity = Activity::Scrubbing;
    let mut controller = Controller::new(Policy::default());
    assert_eq!(
        controller.decide(&hand).rung,
        Rung::Half,
        "25 frames before each one"
    );
    let alone = without_proxies(hand);
    assert_eq!(controller.decide(&alone).rung, Rung::Source);
    // Every frame of the source stands by itself.
    if let Some(source) = hand.clip.rungs.get_mut(Rung::Source) {
        source.gop_frames = 1;
    }
    assert_eq!(controller.decide(&hand).rung, Rung::Source);
}

#[test]
fn what_the_person_asks_for_holds_at_once() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(12)));
    let mut ask = |mode, millis| {
        let policy = Policy {
            mode,
            ..Policy::default()
        };
        controller.set_policy(policy);
        let decision = controller.decide(&later(&now, millis));
        said(&decision)
    };
    assert_eq!(ask(QualityMode::Proxy, 1), "asked for proxy: half proxy");
    assert_eq!(ask(QualityMode::Draft, 2), "asked for draft: quarter proxy");
    assert_eq!(ask(QualityMode::Source, 3), "asked for source: source");
    assert!(ask(QualityMode::Auto, 4).ends_with(": source"));
    assert_eq!(controller.switches(), 0, "wishes are not switches");
}

#[test]
fn a_source_that_was_asked_for_stays_however_slow_it_is() {
    let policy = Policy {
        mode: QualityMode::Source,
        ..Policy::default()
    };
    let mut heavy = seen(signals(), Rung::Source, ms(400));
    (heavy.ahead, heavy.late_frames) = (ms(0), 500);
    let (mut controller, now) = settled_with(policy, &heavy);
    assert_eq!(controller.decide(&now).rung, Rung::Source);
}

#[test]
fn proxies_can_be_preferred_or_refused() {
    let with = |use_proxy| Policy {
        use_proxy,
        ..Policy::default()
    };
    let easy = seen(signals(), Rung::Source, ms(4));
    let mut always = Controller::new(with(ProxyUse::Always));
    assert_eq!(always.decide(&easy).rung, Rung::Half);
    assert_eq!(
        always.decide(&without_proxies(later(&easy, 10))).rung,
        Rung::Source
    );
    let mut heavy = seen(signals(), Rung::Source, ms(60));
    heavy.ahead = ms(0);
    let (mut never, now) = settled_with(with(ProxyUse::Never), &heavy);
    assert_eq!(never.decide(&now).rung, Rung::Thinned);
}

#[test]
fn a_proxy_that_goes_is_replaced_at_once() {
    let (mut controller, now) = at_half();
    let mut gone = later(&now, 100);
    gone.clip.rungs.set(Rung::Half, None);
    assert_eq!(
        said(&controller.decide(&gone)),
        "no half proxy: quarter proxy"
    );
}

#[test]
fn when_memory_is_short_pictures_get_smaller() {
    let (mut controller, now) = settled(&seen(signals(), Rung::Source, ms(4)));
    let mut short = later(&now, 100);
    short.memory = Pressure::High;
    assert_eq!(
        said(&controller.decide(&short)),
        "memory pressure high: half proxy"
    );
    short.memory = Pressure::Critical;
    assert_eq!(
        said(&controller.decide(&later(&short, 100))),
        "memory pressure critical: quarter proxy"
    );
}

#[test]
fn a_saved_battery_and_effects_leave_more_room() {
    let mut tight = seen(signals(), Rung::Source, ms(32));
    tight.ahead = ms(60);
    let low = |signals: &Signals| {
        let (mut controller, now) = settled(&seen(super::signals(), Rung::Source, ms(10)));
        let mut low = *signals;
        low.now = (now.now) + ms(100);
        controller.decide(&low).rung
    };
    assert_eq!(low(&tight), Rung::Source, "80 % of the time for a frame");
    let saver = Signals {
        battery_saver: true,
        ..tight
    };
    assert_eq!(low(&saver), Rung::Half);
    let effects = Signals {
        effects: true,
        ..tight
    };
    assert_eq!(low(&effects), Rung::Half);
}

#[test]
fn the_speed_preset_decodes_no_more_than_is_shown() {
    let easy = seen(signals(), Rung::Source, ms(4));
    let mut controller = Controller::new(Policy::preset(Preset::Speed));
    assert_eq!(
        controller.decide(&easy).rung,
        Rung::Half,
        "the display has its width"
    );
}

#[test]
fn small_proxies_can_be_ruled_out() {
    let policy = Policy {
        least_height: 1000,
        ..Policy::default()
    };
    let mut heavy = seen(signals(), Rung::Source, ms(400));
    heavy = seen(heavy, Rung::Half, ms(100));
    heavy.ahead = ms(0);
    let (mut controller, now) = settled_with(policy, &heavy);
    assert_ne!(controller.decide(&now).rung, Rung::Quarter);
}

#[test]
fn a_clip_is_given_its_rung_before_its_cut() {
    let heavy = seen(signals(), Rung::Source, ms(90));
    let mut low = heavy;
    low.ahead = ms(10);
    let mut light = seen(signals(), Rung::Source, ms(5));
    light.clip.key = ClipKey(2);
    let mut controller = Controller::new(Policy::default());
    controller.decide(&seen(signals(), Rung::Source, ms(30)));
    assert_eq!(controller.decide(&later(&low, 500)).rung, Rung::Half);
    let next = controller.choose_for_clip(&light.clip, &later(&low, 600));
    assert_eq!(next.rung, Rung::Source);
    assert_eq!(controller.decide(&later(&light, 1000)).rung, Rung::Source);
    // Costs of the clip before are remembered when it comes back, without being measured again.
    let mut back = signals().clip;
    back.key = ClipKey(1);
    let again = controller.choose_for_clip(&back, &later(&light, 1500));
    assert_eq!(again.rung, Rung::Half, "{again}");
    assert_eq!(controller.switches(), 1, "choices at cuts are not switches");
}

#[test]
fn the_picture_gets_smaller_when_showing_it_takes_too_long() {
    let mut slow = seen(signals(), Rung::Source, ms(10));
    slow.present = PresentCost {
        upload: ms(5),
        convert: ms(30),
        render: ms(10),
    };
    let mut controller = Controller::new(Policy::default());
    // What the first frames cost is made once.
    assert_eq!(controller.decide(&slow).scale, OutputScale::Full);
    let slow = later(&slow, 600);
    let decision = controller.decide(&slow);
    assert_eq!(decision.scale, OutputScale::ThreeQuarters);
    assert!(
        said(&decision).ends_with("; picture 45 ms > 40 ms: 75 %"),
        "{decision}"
    );
    assert_eq!(decision.rung, Rung::Source);
    // As it is then; it becomes cheaper, and comes back.
    let mut now = later(&slow, 600);
    now.present = PresentCost {
        upload: ms(5),
        convert: ms(9),
        render: ms(3),
    };
    let mut scales = Vec::new();
    for _ in 0..40 {
        now = later(&now, 100);
        scales.push(controller.decide(&now).scale);
    }
    scales.dedup();
    assert_eq!(scales, [OutputScale::ThreeQuarters, OutputScale::Full]);
    now.present.convert = ms(300);
    assert_eq!(
        controller.decide(&later(&now, 600)).scale,
        OutputScale::Quarter
    );
    let mut rest = later(&now, 700);
    rest.activity = Activity::AtRest;
    assert_eq!(controller.decide(&rest).scale, OutputScale::Full);
    controller.set_policy(Policy {
        mode: QualityMode::Source,
        ..Policy::default()
    });
    assert_eq!(
        controller.decide(&later(&now, 1500)).scale,
        OutputScale::Full
    );
}
