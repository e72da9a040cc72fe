//! The sound of an edit on its way to the device.

use std::path::{Path, PathBuf};

use super::*;
use crate::audio::source::SampleSource;
use crate::audio::{AudioOutput, SoundClip, SoundPlan, SoundZero};
use crate::decode::AudioRead;
use crate::media::test_support::write_wav;
use crate::timeline::{Ratio, TimeMap, TimeRange};

/// Writes a WAVE file: 16-bit stereo at `rate`, with a burst at every half second.
fn write_wave(path: &Path, rate: u32, seconds: i64) {
    let bursts = (0..seconds * 2)
        .map(|n| MediaTime::ZERO + MediaSpan::from_millis(n * 500))
        .collect();
    let mut source = BurstSource::new(rate, bursts, secs(seconds));
    let mut data = Vec::new();
    while let AudioRead::Chunk(chunk) = source.read().unwrap() {
        for value in chunk.samples.interleaved {
            #[expect(clippy::cast_possible_truncation, reason = "16-bit samples")]
            let value = (value * 32_767.0) as i16;
            data.push(value);
        }
    }
    write_wav(path, rate, 2, data);
}

fn clip(path: PathBuf, start: i64, length: i64, source: i64) -> SoundClip {
    let ms = MediaSpan::from_millis;
    SoundClip {
        path,
        stream: None,
        range: TimeRange {
            start: MediaTime::ZERO + ms(start),
            duration: ms(length),
        },
        map: TimeMap::linear(ms(source), Ratio::ONE),
        zero: SoundZero::First,
        fades: Arc::default(),
        gain: 1.0,
    }
}

fn plan(clips: Vec<SoundClip>) -> SoundPlan {
    SoundPlan {
        clips: clips.into(),
        duration: MediaSpan::from_secs(12),
    }
}

#[test]
fn an_edit_plays_in_sync_on_every_device_and_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
    write_wave(&a, 48_000, 10);
    write_wave(&b, 44_100, 10);
    let gone = folder.path().join("gone.wav");
    for (rate, channels) in [(48_000, 2), (44_100, 6), (96_000, 1)] {
        let traits = SimTraits {
            rate,
            channels,
            ..SimTraits::default()
        };
        let mut bench = Bench::new(traits, Vec::new(), secs(1));
        // Bursts of `a` are heard at 0.35, 0.85, ..; those of `b` at 3.2, 3.7, ..
        let first = plan(vec![
            clip(a.clone(), 100, 3_000, 4_250),
            clip(b.clone(), 3_100, 3_000, 2_400),
            clip(gone.clone(), 6_200, 1_000, 0),
        ]);
        bench.player.open_timeline(first);
        bench.pass(20);
        let generation = bench.play(1, forward(MediaTime::ZERO, secs(12)), 4);
        bench.device.take_record();
        bench.pass(8_000);
        let heard = bench.heard_runs(generation, MILLI * 100);
        let of_a = (0..6).map(|n| 350 + n * 500);
        let expected = runs(of_a.chain((0..6).map(|n| 3_200 + n * 500)));
        // The test's ear counts 48,000 samples a second, so it can time no others.
        if rate == 48_000 {
            assert_in_sync(&heard, &expected, (1.0, 0.002), 0);
        }
        assert!(
            heard.len() >= 12,
            "{} at {rate} Hz, {channels} channels",
            heard.len()
        );
        let notes = bench.player.notes();
        assert_eq!(notes.len(), 1);
        assert_eq!(notes[0].path, gone);
        assert!(matches!(
            bench.player.state().output,
            AudioOutput::Device(_)
        ));
        assert_eq!(bench.player.state().underruns, 0);

        // While it plays, the edit becomes another one.
        bench
            .player
            .open_timeline(plan(vec![clip(b.clone(), 0, 9_000, 250)]));
        let generation = bench.play(2, forward(secs(2), secs(12)), 4);
        bench.device.take_record();
        bench.pass(2_000);
        let heard = bench.heard_runs(generation, MILLI * 100);
        if rate == 48_000 {
            let expected = runs((0..5).map(|n| 250 + n * 500));
            assert_in_sync(&heard, &expected, (1.0, 0.002), 2);
        }
        assert!(heard.len() >= 3, "{} at {rate} Hz", heard.len());
        assert!(bench.player.notes().is_empty());
        bench.assert_monotonic();
    }
}

#[test]
fn an_edit_runs_backwards_loops_and_shuttles() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
    write_wave(&a, 48_000, 10);
    write_wave(&b, 48_000, 10);
    let clips = (0..12).map(|n| {
        let name = if n % 2 == 0 { &a } else { &b };
        clip(name.clone(), n * 1_000, 1_000, n % 5 * 1_000 + 250)
    });
    let clips: Vec<_> = clips.collect();
    let ahead = (0..24).map(|n| 250 + n * 500);
    for (quarters, start, repeat, expected) in [
        (4, 0, LoopMode::Off, runs(ahead.clone())),
        (-4, 12, LoopMode::Off, runs(ahead.clone())),
        (8, 0, LoopMode::Off, runs(ahead.clone())),
        (4, 10, LoopMode::Loop, runs((0..20).map(|n| 250 + n * 500))),
    ] {
        let mut bench = Bench::new(SimTraits::default(), Vec::new(), secs(1));
        bench.player.open_timeline(plan(clips.clone()));
        bench.pass(20);
        let map = RunMap {
            start: secs(start),
            reverse: quarters < 0,
            repeat,
            ..forward(MediaTime::ZERO, secs(12))
        };
        let generation = bench.play(1, map, quarters);
        bench.device.take_record();
        bench.pass(5_000);
        let heard = bench.heard_runs(generation, MILLI * 100);
        let speed = f64::from(quarters.abs()) / 4.0;
        assert_in_sync(&heard, &expected, (speed, 0.005), expected.len());
        assert!(heard.len() >= 9, "{quarters}: {} bursts", heard.len());
        assert_eq!(bench.player.state().underruns, 0);
        bench.assert_monotonic();
    }
}
