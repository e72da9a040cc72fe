//! The sound of edits made of real files.

use std::sync::Arc;

use jogwheel::audio::{SampleSource, SoundClip, SoundPlan, SoundZero, TimelineSamples};
use jogwheel::decode::{AudioRead, Input, media_info};
use jogwheel::time::{FrameIndex, FrameRate, MediaTime};
use jogwheel::timeline::{Ratio, TimeMap, TimeRange};

use crate::made::{self, Clip};

/// Samples a second of the mix.
const RATE: u32 = 48_000;

/// A clip of `file`: `frames` frames of `rate` from frame `first` on, put where frame `at` of the edit is.
fn clip(file: &Clip, rate: FrameRate, (at, first, frames): (i64, i64, i64)) -> SoundClip {
    let time = |frame| rate.time_of_frame_nearest(FrameIndex(frame));
    SoundClip {
        path: file.path.clone(),
        stream: None,
        range: TimeRange::between(time(at), time(at + frames)),
        map: TimeMap::linear(time(first).since_zero(), Ratio::ONE),
        zero: SoundZero::First,
        fades: Arc::default(),
        gain: 1.0,
    }
}

/// The left channel of all of `plan`, and the number of notes.
fn heard(plan: &SoundPlan) -> (Vec<f32>, usize) {
    let mut source = TimelineSamples::new(plan);
    let mut samples = Vec::new();
    while let AudioRead::Chunk(chunk) = source.read().unwrap() {
        samples.extend(chunk.samples.interleaved.iter().step_by(2));
    }
    (samples, source.notes().list().len())
}

#[test]
fn bursts_of_cut_clips_stay_with_their_flashes() {
    for file in made::clips(&["sync"]) {
        let info = media_info(&Input::open(&file.path).unwrap());
        let rate = info.default_video().unwrap().rate;
        let every: i64 = file.note("flash_every").unwrap().parse().unwrap();
        // Each flash's frames but the first, shuffled, each 10 frames before its flash.
        let flashes = (file.frames - 11) / every;
        assert!(flashes >= 2, "{}", file.name);
        let order: Vec<i64> = (1..=flashes).rev().collect();
        let clips: Vec<_> = (0..)
            .zip(&order)
            .map(|(n, flash)| clip(&file, rate, (n * 20, flash * every - 10, 20)))
            .collect();
        let end = rate.time_of_frame_nearest(FrameIndex(20 * flashes));
        let plan = SoundPlan {
            clips: clips.into(),
            duration: end.since_zero(),
        };
        let (samples, notes) = heard(&plan);
        assert_eq!(notes, 0, "{}", file.name);
        // As in the whole file: an encoder smears an edge over a part of its block.
        let tolerance = if file.name.contains("aac") { 48 } else { 1 };
        for n in 0..flashes {
            let flash = rate.time_of_frame_nearest(FrameIndex(n * 20 + 10));
            let expected = flash.since_zero().samples_nearest(RATE.try_into().unwrap());
            let from = usize::try_from(expected - 4_000).unwrap();
            let found = samples[from..].iter().position(|value| value.abs() >= 0.25);
            let found = expected - 4_000 + i64::try_from(found.unwrap()).unwrap();
            assert!(
                (found - expected).abs() <= tolerance,
                "{}: burst {n} begins at sample {found}, its flash at {expected}",
                file.name
            );
        }
    }
}

#[test]
fn files_of_sound_alone_play_and_what_has_none_is_noted() {
    let rate = FrameRate::new(25, 1).unwrap();
    let mut at = 0;
    let mut clips = Vec::new();
    let files = made::clips(&["audio"]);
    for file in &files {
        clips.push(clip(file, rate, (at, 10, 25)));
        at += 25;
    }
    let mute = made::clips(&["number"])
        .into_iter()
        .find(|file| {
            media_info(&Input::open(&file.path).unwrap())
                .audio
                .is_empty()
        })
        .unwrap();
    clips.push(clip(&mute, rate, (at, 10, 25)));
    let plan = SoundPlan {
        clips: clips.into(),
        duration: (rate.time_of_frame_nearest(FrameIndex(at + 50)) - MediaTime::ZERO),
    };
    let (samples, notes) = heard(&plan);
    assert_eq!(notes, 1);
    for (file, second) in files.iter().zip(samples.chunks(48_000)) {
        // Its first track has a sine of 200 Hz on the left.
        let part = &second[4_800..43_200];
        let rising = part
            .windows(2)
            .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0);
        let hertz = rising.count() as f64 / 0.8;
        assert!((hertz - 200.0).abs() < 4.0, "{}: {hertz} Hz", file.name);
    }
    assert!(
        samples[files.len() * 48_000 + 240..]
            .iter()
            .all(|value| *value == 0.0)
    );
}
