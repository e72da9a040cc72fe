use std::num::NonZeroU32;

use super::*;

const SECOND: i64 = 1_000_000_000;

fn moment(nanos: i64) -> Moment {
    Moment::ZERO.offset_nanos(nanos)
}

/// A device on which frame n is heard at `n / 48000 + shift`; generation 1 began with frame 0.
fn reading(at: i64, shift: i64, quarters: i32) -> ClockReading {
    let line = Line {
        frame: 0,
        heard: moment(shift),
        skew: 0.0,
        rate: NonZeroU32::new(48_000).unwrap(),
    };
    ClockReading {
        at: moment(at),
        stream: 1,
        line,
        warm: true,
        rate_ratio: Some(1.0),
        running: Some(RunLine {
            generation: Generation(1),
            frame: 0,
            run: MediaSpan::ZERO,
            speed: Speed::from_quarters(quarters).unwrap(),
        }),
    }
}

fn run_nanos(clock: &mut AudioClock, now: i64) -> i64 {
    clock.position(moment(now)).unwrap().1.nanos_nearest()
}

#[test]
fn positions_follow_the_line_and_the_speed() {
    for quarters in [1, 4, -6, 8] {
        let mut clock = AudioClock::new();
        clock.feed(reading(SECOND, SECOND / 10, quarters));
        assert_eq!(run_nanos(&mut clock, SECOND / 20), 0, "before the start");
        let expected = i64::from(quarters.abs()) * (2 * SECOND - SECOND / 10) / 4;
        assert!((run_nanos(&mut clock, 2 * SECOND) - expected).abs() < 2);
    }
}

#[test]
fn small_corrections_are_spread_and_never_step_back() {
    let mut clock = AudioClock::new();
    clock.feed(reading(SECOND, 0, 4));
    assert_eq!(run_nanos(&mut clock, SECOND), SECOND);
    // The device turns out to be 20 ms later than was thought.
    clock.feed(reading(SECOND, SECOND / 50, 4));
    let mut last = SECOND;
    for n in 1..=60 {
        let now = SECOND + n * 16_000_000;
        let run = run_nanos(&mut clock, now);
        let passed = run - last;
        assert!(
            (15_000_000..=16_000_000).contains(&passed),
            "step {n}: {passed}"
        );
        last = run;
    }
    assert_eq!(last, SECOND + 960_000_000 - SECOND / 50);
}

#[test]
fn picture_and_sound_are_not_apart_for_long() {
    for shift in [150_000_000, -150_000_000] {
        let mut clock = AudioClock::new();
        clock.feed(reading(3 * SECOND, SECOND, 4));
        let mut last = run_nanos(&mut clock, 3 * SECOND);
        clock.feed(reading(3 * SECOND, SECOND + shift, 4));
        for n in 1..=30 {
            let run = run_nanos(&mut clock, 3 * SECOND + n * 10_000_000);
            assert!(run > last, "time stands still");
            last = run;
        }
        let off = last - (3 * SECOND + 300_000_000 - SECOND - shift);
        assert!(off.abs() <= 20_000_000, "{off} ns off after 300 ms");
    }
}

#[test]
fn large_corrections_are_made_at_once() {
    let mut clock = AudioClock::new();
    clock.feed(reading(3 * SECOND, SECOND, 4));
    assert_eq!(run_nanos(&mut clock, 3 * SECOND), 2 * SECOND);
    clock.feed(reading(3 * SECOND, 0, 4));
    assert_eq!(
        run_nanos(&mut clock, 3 * SECOND + 1_000_000),
        3 * SECOND + 1_000_000
    );
}

#[test]
fn looking_ahead_does_not_disturb_the_present() {
    let mut clock = AudioClock::new();
    clock.feed(reading(SECOND, 0, 4));
    assert_eq!(run_nanos(&mut clock, SECOND), SECOND);
    assert_eq!(
        run_nanos(&mut clock, SECOND + 30_000_000),
        SECOND + 30_000_000
    );
    assert_eq!(
        run_nanos(&mut clock, SECOND + 10_000_000),
        SECOND + 10_000_000
    );
}

#[test]
fn another_clock_hands_over_smoothly() {
    let mut clock = AudioClock::new();
    clock.feed(reading(SECOND, 0, 4));
    clock.take_over(Generation(1), MediaSpan::from_millis(1_010), moment(SECOND));
    assert_eq!(run_nanos(&mut clock, SECOND), SECOND + 10_000_000);
    let later = run_nanos(&mut clock, 2 * SECOND);
    assert_eq!(later, 2 * SECOND);
}

#[test]
fn trust_depends_on_progress_and_rate() {
    let mut clock = AudioClock::new();
    assert_eq!(clock.trust(moment(0)), None);
    clock.feed(reading(SECOND, 0, 4));
    assert_eq!(
        clock.trust(moment(SECOND + SECOND / 5)),
        Some(ClockTrust::Good)
    );
    assert_eq!(
        clock.trust(moment(SECOND + SECOND / 3)),
        Some(ClockTrust::Stalled)
    );
    let with_ratio = |ratio| ClockReading {
        rate_ratio: Some(ratio),
        ..reading(SECOND, 0, 4)
    };
    clock.feed(with_ratio(1.06));
    assert_eq!(clock.trust(moment(SECOND)), Some(ClockTrust::OffRate(1.06)));
    clock.feed(with_ratio(1.045));
    assert_eq!(
        clock.trust(moment(SECOND)),
        Some(ClockTrust::OffRate(1.045))
    );
    clock.feed(with_ratio(1.03));
    assert_eq!(clock.trust(moment(SECOND)), Some(ClockTrust::Good));
    clock.feed(ClockReading {
        warm: false,
        ..reading(SECOND, 0, 4)
    });
    assert_eq!(clock.trust(moment(SECOND)), Some(ClockTrust::Warming));
    clock.clear();
    assert_eq!(clock.trust(moment(SECOND)), None);
}
