//! Devices that vanish, stall, die or lie: time goes on, and sound returns in sync.

use std::sync::Arc;

use super::{Bench, MILLI, assert_in_sync, forward, runs, secs};
use crate::audio::sim::{SimTraits, ToneSource};
use crate::audio::{AudioConfig, AudioOutput, AudioPlayer, ClockTrust, decibels};
use crate::decode::Generation;
use crate::time::{Clock, MediaSpan, MediaTime, Moment};

/// Bursts every 250 ms, played for three seconds on a default device.
fn playing() -> (Bench, Generation) {
    let bursts = (1..400)
        .map(|n| MediaTime::ZERO + MediaSpan::from_millis(n * 250))
        .collect();
    let mut bench = Bench::new(SimTraits::default(), bursts, secs(100));
    let generation = bench.play(1, forward(MediaTime::ZERO, secs(100)), 4);
    bench.pass(3_000);
    bench.lost.clear();
    (bench, generation)
}

/// Asserts that the bench plays in sync now, and that its time went on while it could not be trusted.
fn assert_recovered(bench: &mut Bench, generation: Generation, started: (Moment, MediaSpan)) {
    bench.device.take_record();
    bench.lost.clear();
    bench.pass(2_000);
    assert!(
        bench.lost.is_empty(),
        "{} positions are missing",
        bench.lost.len()
    );
    let heard = bench.heard_runs(generation, MILLI * 100);
    assert!(heard.len() >= 7, "{} bursts", heard.len());
    assert_in_sync(&heard, &runs((0..400).map(|n| n * 250)), (1.0, 0.002), 400);
    let (now, _, run) = bench.positions[bench.positions.len() - 1];
    let passed = (run - started.1).as_secs_f64() - now.since(started.0).as_secs_f64();
    assert!(passed.abs() < 0.05, "time went on {passed} s too far");
    bench.assert_monotonic();
    assert_eq!(
        bench.player.state().output,
        AudioOutput::Device("simulated".to_owned())
    );
}

fn last(bench: &Bench) -> (Moment, MediaSpan) {
    let (at, _, run) = bench.positions[bench.positions.len() - 1];
    (at, run)
}

#[test]
fn sound_returns_when_the_device_does() {
    let (mut bench, generation) = playing();
    let before = last(&bench);
    bench.device.set_present(false);
    bench.pass(3_000);
    assert!(matches!(
        bench.player.state().output,
        AudioOutput::Silent(_)
    ));
    // The device thread notices within its 50 ms turn.
    assert!(
        bench.lost.len() > 1_450,
        "{} positions missing",
        bench.lost.len()
    );
    assert!(bench.player.is_ready(generation));
    bench.device.set_present(true);
    bench.pass(2_500);
    assert_eq!(bench.device.times_opened(), 2);
    assert_recovered(&mut bench, generation, before);
}

#[test]
fn a_short_stall_is_caught_up_with() {
    let (mut bench, generation) = playing();
    let before = last(&bench);
    bench.device.set_stalled(true);
    bench.pass(900);
    assert!(bench.lost.len() > 300, "the stall was not noticed");
    assert!(matches!(
        bench.player.state().output,
        AudioOutput::Silent(_)
    ));
    bench.device.set_stalled(false);
    bench.pass(500);
    assert_eq!(bench.device.times_opened(), 1);
    assert_recovered(&mut bench, generation, before);
}

#[test]
fn a_dead_device_is_opened_again() {
    let (mut bench, generation) = playing();
    let before = last(&bench);
    bench.device.set_stalled(true);
    bench.pass(3_200);
    bench.device.set_stalled(false);
    bench.pass(2_500);
    assert_eq!(bench.device.times_opened(), 2);
    assert_recovered(&mut bench, generation, before);
}

#[test]
fn a_lying_clock_is_not_followed() {
    for speed in [0.9, 1.12] {
        let (mut bench, generation) = playing();
        let before = last(&bench);
        bench.device.set_speed_from_now(speed);
        bench.pass(6_000);
        let noticed = bench.lost.first().map(|at| at.since(before.0));
        assert!(
            noticed.is_some_and(|after| after < MILLI * 1_700),
            "{speed}: {noticed:?}"
        );
        let ratio = bench.player.state().trust;
        println!("{speed}: noticed after {noticed:?}, {ratio:?}");
        let Some(ClockTrust::OffRate(ratio)) = ratio else {
            panic!("{ratio:?}")
        };
        assert!((ratio - speed).abs() < 0.02);
        bench.device.set_speed_from_now(1.0);
        bench.pass(3_000);
        // Some hundred milliseconds were played too fast or too slow before that was known.
        bench.lost.clear();
        bench.device.take_record();
        bench.pass(2_000);
        assert!(bench.lost.is_empty());
        let heard = bench.heard_runs(generation, MILLI * 100);
        assert!(heard.len() >= 7);
        assert_in_sync(&heard, &runs((0..400).map(|n| n * 250)), (1.0, 0.003), 400);
    }
}

#[test]
fn without_a_device_or_a_track_nothing_waits() {
    let mut bench = Bench::new(SimTraits::default(), vec![secs(1)], secs(3));
    bench.player.close();
    bench.pass(10);
    assert!(bench.player.is_ready(Generation(5)));
    assert_eq!(bench.player.state().output, AudioOutput::NoTrack);
    assert_eq!(bench.player.position(bench.clock.now()), None);
    let off = AudioConfig {
        device: None,
        enabled: false,
    };
    let player = AudioPlayer::start(Arc::new(bench.clock.clone()), off, None);
    assert_eq!(player.state().output, AudioOutput::Off);
    assert!(player.is_ready(Generation(1)));
    player.shutdown();
}

#[test]
fn a_missing_device_gives_way_to_the_default_one() {
    let (mut bench, _) = playing();
    bench.player.set_device(Some("no such thing".to_owned()));
    bench.pass(400);
    let state = bench.player.state();
    assert_eq!(state.output, AudioOutput::Device("simulated".to_owned()));
    assert!(
        state
            .note
            .is_some_and(|note| note.contains("no such thing"))
    );
}

#[test]
fn levels_tell_what_plays_before_the_volume_and_nothing_of_a_device_that_stands_still() {
    let mut bench = Bench::new(SimTraits::default(), Vec::new(), secs(100));
    assert!(
        bench
            .player
            .state()
            .levels
            .channels()
            .iter()
            .all(|level| level.peak == 0.0)
    );
    let tone = ToneSource::new(48_000, 440.0, 0.25);
    bench.player.open_source(Box::new(tone));
    bench.pass(600);
    bench.player.set_volume_percent(10);
    bench.player.set_muted(true);
    bench.play(1, forward(MediaTime::ZERO, secs(100)), 4);
    bench.pass(3_000);
    let levels = bench.player.state().levels;
    let channels = levels.channels();
    assert_eq!(channels.len(), levels.names().len());
    for level in channels {
        assert!((decibels(level.peak) + 12.04).abs() < 0.2, "{level:?}");
        assert!((decibels(level.rms) + 15.05).abs() < 0.2, "{level:?}");
    }
    bench.device.set_stalled(true);
    bench.pass(3_000);
    assert!(bench.player.state().levels.channels().is_empty());
}
