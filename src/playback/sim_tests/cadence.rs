//! Each rate on each display: every frame shown, for as many refreshes as is even.

use std::time::Duration;

use super::media::SimMedia;
use super::rig::{Display, Rig, RigOptions};
use crate::metrics::FrameFate;
use crate::time::FrameRate;

const RATES: [(u32, u32); 8] = [
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
];

const REFRESHES: [(u32, u32); 6] = [
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (75, 1),
    (120, 1),
    (144, 1),
];

fn play(rate: (u32, u32), display: Display, seconds: u64, start_nanos: u64) -> Rig {
    let frames = usize::try_from(u64::from(rate.0) * (seconds + 2) / u64::from(rate.1)).unwrap();
    let mut medium = SimMedia::constant(rate.0, rate.1, frames);
    medium.open += Duration::from_nanos(start_nanos);
    let mut rig = Rig::new(RigOptions::playing(medium, display));
    rig.run_for(Duration::from_secs(seconds));
    rig
}

/// Checks that the counts of refreshes differ by one at most, and that the greater ones come as evenly
/// as they can: any run of frames takes as long as its length says, to a refresh. `slips` is how often
/// the phase may pass a boundary.
fn assert_even(rig: &Rig, rate: (u32, u32), display: (u32, u32), slips: usize) {
    let counts = rig.refreshes();
    let per_frame = FrameRate::new(display.0, display.1).unwrap().as_f64()
        / FrameRate::new(rate.0, rate.1).unwrap().as_f64();
    let (least, most) = (per_frame.floor(), per_frame.ceil());
    let mut odd = 0;
    for &(frame, count) in &counts {
        let count = count as f64;
        if count < least || count > most {
            odd += 1;
            assert!(
                count >= least - 1.0 && count <= most + 1.0,
                "{rate:?} on {display:?}: frame {frame} for {count} refreshes"
            );
        }
    }
    assert!(odd <= slips, "{rate:?} on {display:?}: {odd} odd counts");
    // The pattern is even: no frame begins more than a refresh from its place.
    let mut total = 0.0;
    let (mut low, mut high) = (0.0_f64, 0.0_f64);
    for (n, &(_, count)) in counts.iter().enumerate() {
        total += count as f64;
        let off = total - (n + 1) as f64 * per_frame;
        (low, high) = (low.min(off), high.max(off));
    }
    assert!(
        high - low < 1.3,
        "{rate:?} on {display:?}: wanders by {}",
        high - low
    );
}

/// How often in `seconds` the phase between a rate and a display passes a boundary: their beat.
fn beats(rate: (u32, u32), display: (u32, u32), seconds: f64) -> usize {
    let per_frame = FrameRate::new(display.0, display.1).unwrap().as_f64()
        / FrameRate::new(rate.0, rate.1).unwrap().as_f64();
    let off = (per_frame - per_frame.round()).abs();
    if off == 0.0 || off > 0.01 {
        return 0;
    }
    let frames = seconds * FrameRate::new(rate.0, rate.1).unwrap().as_f64();
    // Truncation only makes the test stricter.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small count"
    )]
    let beats = (off * frames).ceil() as usize + 1;
    beats
}

#[test]
fn every_rate_keeps_an_even_cadence_on_every_display() {
    for rate in RATES {
        for refresh in REFRESHES {
            let fits = u64::from(rate.0) * u64::from(refresh.1)
                <= u64::from(refresh.0) * u64::from(rate.1);
            let rig = play(rate, Display::new(refresh.0, refresh.1), 60, 0);
            let summary = rig.summary();
            let dropped = summary.count(FrameFate::Dropped);
            assert_eq!(summary.count(FrameFate::Late), 0, "{rate:?} on {refresh:?}");
            assert_eq!(
                summary.count(FrameFate::Repeated),
                0,
                "{rate:?} on {refresh:?}"
            );
            if fits {
                assert_eq!(dropped, 0, "{rate:?} on {refresh:?}");
                assert_even(&rig, rate, refresh, beats(rate, refresh, 60.0));
            } else {
                assert_every_drop_is_even(&rig, rate, refresh);
            }
        }
    }
}

/// More frames than refreshes: every refresh shows a new one, and those left out lie evenly.
fn assert_every_drop_is_even(rig: &Rig, rate: (u32, u32), refresh: (u32, u32)) {
    assert!(
        rig.refreshes().iter().all(|&(_, count)| count == 1),
        "{rate:?} on {refresh:?}: a refresh was left out"
    );
    let indices: Vec<i64> = rig.seen.iter().skip(1).map(|seen| seen.index.0).collect();
    let gaps: Vec<i64> = indices.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.iter().all(|&gap| gap == 1 || gap == 2),
        "{rate:?} on {refresh:?}"
    );
    let places: Vec<usize> = gaps
        .iter()
        .enumerate()
        .filter(|(_, gap)| **gap == 2)
        .map(|(n, _)| n)
        .collect();
    let spans: Vec<usize> = places.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (least, most) = (spans.iter().min().unwrap(), spans.iter().max().unwrap());
    assert!(
        most - least <= 1 || most * 100 <= least * 102,
        "{rate:?} on {refresh:?}: {least}..{most}"
    );
    let summary = rig.summary();
    assert_eq!(summary.count(FrameFate::Dropped), places.len() as u64);
}

#[test]
fn film_on_sixty_alternates_two_and_three() {
    for phase in 0..50 {
        let rig = play((24, 1), Display::new(60, 1), 5, phase * 833_333);
        let counts = rig.refreshes();
        for pair in counts.windows(2) {
            assert_eq!(pair[0].1 + pair[1].1, 5, "phase {phase}: {counts:?}");
            assert_ne!(pair[0].1, pair[1].1);
        }
    }
}

#[test]
fn thirty_on_sixty_is_always_two_whatever_the_phase_and_the_jitter() {
    for waits in [false, true] {
        for phase in 0..100 {
            let mut display = Display::new(60, 1).jittering(Duration::from_millis(2));
            display.waits = waits;
            display.wake_jitter = Duration::from_micros(300);
            display.phase_nanos = 5_000_000;
            let mut rig = play((30, 1), display, 10, phase * 333_333);
            // The first two seconds are for the display's grid to be found.
            let settled = rig.seen[60].generation;
            rig.seen.drain(..60);
            assert_eq!(settled, rig.on_screen().generation);
            let counts = rig.refreshes();
            let odd = counts.iter().filter(|(_, count)| *count != 2).count();
            assert_eq!(odd, 0, "waits {waits} phase {phase}: {counts:?}");
            assert_eq!(rig.summary().count(FrameFate::Dropped), 0);
        }
    }
}

#[test]
fn an_interface_that_changes_all_the_time_does_not_bring_frames_forward() {
    for every in [3, 7, 16, 23] {
        let mut display = Display::new(60, 1);
        display.interface = Some(Duration::from_millis(every));
        let rig = play((24, 1), display, 10, 0);
        assert_eq!(rig.summary().count(FrameFate::Dropped), 0);
        let period = rig.pacer.period_nanos();
        for (pair, count) in rig.seen.windows(2).skip(1).zip(rig.refreshes()) {
            assert!((2..=3).contains(&count.1), "every {every} ms: {count:?}");
            // No picture is presented more than a refresh before the one that it is meant for.
            let early = pair[0].refresh.nanos_since(pair[0].presented);
            assert!(early <= period, "every {every} ms: {early}");
        }
    }
}

#[test]
fn a_display_that_is_not_as_stated_is_followed() {
    for (stated, rate) in [
        ((60, 1), (60_000, 1001)),
        ((60_000, 1001), (60, 1)),
        ((50, 1), (50_050, 1000)),
    ] {
        let mut display = Display::new(rate.0, rate.1).waiting();
        display.stated = FrameRate::new(stated.0, stated.1).unwrap();
        display.wake_jitter = Duration::from_micros(200);
        // As many frames as refreshes: presenting waits for each.
        let rig = play(rate, display, 60, 0);
        let summary = rig.summary();
        let dropped = summary.count(FrameFate::Dropped);
        assert!(dropped <= 2, "{stated:?} {rate:?}: {dropped} dropped");
        let odd = rig
            .refreshes()
            .iter()
            .skip(60)
            .filter(|(_, count)| *count != 1)
            .count();
        assert!(odd <= 2, "{stated:?} {rate:?}: {odd} odd");
    }
}

#[test]
fn a_fast_display_shows_every_frame_of_fast_media() {
    for (rate, refresh) in [
        ((120, 1), (120, 1)),
        ((120, 1), (144, 1)),
        ((120_000, 1001), (120, 1)),
        ((100, 1), (144, 1)),
    ] {
        let rig = play(rate, Display::new(refresh.0, refresh.1), 20, 0);
        let summary = rig.summary();
        let plan = *rig.session.plans().last().unwrap();
        assert_eq!(plan.stride.get(), 1, "{rate:?} on {refresh:?}");
        let dropped = summary.count(FrameFate::Dropped);
        assert_eq!(dropped, 0, "{rate:?} on {refresh:?}: {summary:?}");
        assert_even(&rig, rate, refresh, beats(rate, refresh, 20.0));
    }
    // A display that cannot show them all gets every other one, evenly, and nothing counts as dropped.
    let rig = play((120, 1), Display::new(60, 1), 20, 0);
    assert_eq!(rig.session.plans().last().unwrap().stride.get(), 2);
    assert_eq!(rig.summary().count(FrameFate::Dropped), 0);
    assert!(rig.refreshes().iter().all(|&(_, count)| count == 1));
}
