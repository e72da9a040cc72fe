//! Where nothing fits: what is made of the worst, and how it is left again.

use super::*;
use crate::playback::quality::{Controller, Policy};

/// A source that seemed so slow at first that keyframes alone are decoded, and what follows `millis` later.
fn at_keyframes() -> (Controller, Signals) {
    let mut slow = without_proxies(seen(signals(), Rung::Source, ms(400)));
    if let Some(source) = slow.clip.rungs.get_mut(Rung::Source) {
        source.seen = source.seen.map(|cost| Cost { frames: 4, ..cost });
    }
    slow.ahead = ms(0);
    let mut controller = Controller::new(Policy::default());
    controller.decide(&slow);
    slow.late_frames += 5;
    let decision = controller.decide(&later(&slow, 500));
    assert_eq!(decision.rung, Rung::Keyframes);
    let mut now = unseen(later(&slow, 500));
    now.late_frames = slow.late_frames;
    (controller, now)
}

/// The same with what a frame of the source costs where one in fifty is decoded.
fn at_cost(signals: &Signals, decode: Duration) -> Signals {
    let mut signals = seen(*signals, Rung::Keyframes, decode);
    if let Some(keyframes) = signals.clip.rungs.get_mut(Rung::Keyframes) {
        keyframes.seen = keyframes.seen.map(|cost| Cost {
            shown_per_mille: 20,
            ..cost
        });
    }
    signals
}

#[test]
fn keyframes_alone_give_way_to_a_proxy_that_was_made_meanwhile() {
    for (ahead, late) in [(0, 1), (0, 0), (2000, 0)] {
        let (mut controller, mut now) = at_keyframes();
        now = at_cost(&now, ms(16));
        let made = self::signals().clip.rungs.get(Rung::Half).copied();
        now.clip.rungs.set(Rung::Half, made);
        let begun = now.now;
        while controller.decide(&now).rung == Rung::Keyframes {
            now = later(&now, 100);
            now.ahead = ms(ahead);
            now.late_frames += late;
            assert!(now.now.since(begun) < ms(3_000), "{ahead} ms ahead");
        }
        assert_eq!(controller.decide(&now).rung, Rung::Half);
    }
}

#[test]
fn a_source_that_shows_most_of_its_frames_comes_back_from_keyframes_alone() {
    let (mut controller, mut now) = at_keyframes();
    // A keyframe costs what the source would have of each of its frames: nearly all the time that there is.
    now = at_cost(&now, Duration::from_micros(1_150));
    let begun = now.now;
    loop {
        now = later(&now, 100);
        now.ahead = ms(2_000);
        let decision = controller.decide(&now);
        if decision.rung != Rung::Keyframes {
            assert_eq!(decision.rung, Rung::Source);
            break;
        }
        assert!(now.now.since(begun) < ms(12_000));
    }
    // It shows nearly all, so it stays.
    now = seen(unseen(now), Rung::Source, Duration::from_micros(38_500));
    for step in 0..600 {
        now = later(&now, 100);
        now.ahead = ms(if step % 3 == 0 { 40 } else { 120 });
        now.late_frames += u64::from(step % 10 == 0);
        let rung = controller.decide(&now).rung;
        assert_eq!(rung, Rung::Source, "at {step}");
    }
}

#[test]
fn a_lap_that_memory_can_hold_is_decoded_whole() {
    let mut slow = without_proxies(seen(signals(), Rung::Source, ms(90)));
    slow.ahead = ms(0);
    let mut controller = Controller::new(Policy::default());
    let decision = controller.decide(&slow);
    assert_ne!(decision.rung, Rung::Source, "frames are left out");
    slow.holds_lap = true;
    for step in 0..50 {
        let mut now = later(&slow, 500 + step * 100);
        now.late_frames = step;
        let decision = controller.decide(&now);
        let said = decision.to_string();
        assert_eq!(said, "the loop fits in memory, and fills it: source");
    }
    // Where a proxy fits, that is better still.
    let mut with_proxies = seen(signals(), Rung::Source, ms(90));
    with_proxies.holds_lap = true;
    let mut controller = Controller::new(Policy::default());
    assert_eq!(controller.decide(&with_proxies).rung, Rung::Half);
}
