//! What is heard of an edit, sample by sample, with media that are computed.

use std::collections::HashMap;
use std::f64::consts::TAU;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::note::SoundNotes;
use super::part::MediaKey;
use super::plan::{SoundClip, SoundPlan, SoundZero};
use super::readers::{OpenMedium, Readers};
use super::samples::TimelineSamples;
use crate::audio::memory::SoundMemory;
use crate::audio::mix::ChannelMix;
use crate::audio::source::SampleSource;
use crate::decode::{AudioChunk, AudioRead, AudioReadError};
use crate::media::{AudioFormat, AudioSamples, ChannelLayout, ChannelRole};
use crate::time::{Clock, MediaSpan, MediaTime, SimClock};
use crate::timeline::{AudioFade, Ratio, TimeMap, TimeMapPiece, TimeRange};

mod cuts;
mod random;
mod speeds;
mod trouble;

const RATE: u32 = 48_000;

/// A medium that is computed: channel `c` of sample `n`.
#[derive(Clone)]
struct Fake {
    rate: u32,
    layout: ChannelLayout,
    value: Arc<dyn Fn(i64, usize) -> f32 + Send + Sync>,
    /// Sample from which on reading fails, until the medium is opened once more.
    breaks_at: i64,
}

impl Fake {
    fn new(rate: u32, value: impl Fn(i64) -> f32 + Send + Sync + 'static) -> Self {
        Self {
            rate,
            layout: ChannelLayout::stereo(),
            value: Arc::new(move |number, _| value(number)),
            breaks_at: i64::MAX,
        }
    }

    /// A sine.
    fn sine(rate: u32, hertz: f64, level: f64) -> Self {
        Self::new(rate, move |number| {
            narrow((number as f64 * hertz / f64::from(rate) * TAU).sin() * level)
        })
    }

    /// Every sample tells its number, to 2^16 of them, exactly.
    fn count() -> Self {
        Self::new(RATE, |number| number.rem_euclid(1 << 16) as f32 / 65_536.0)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "samples are single precision"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// A reader of a fake.
struct FakeReader {
    fake: Fake,
    format: AudioFormat,
    next: i64,
}

impl SampleSource for FakeReader {
    fn format(&self) -> AudioFormat {
        self.format.clone()
    }

    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        self.next = to.since_zero().samples_nearest(self.format.rate);
        Ok(())
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        if self.next >= self.fake.breaks_at {
            return Err(AudioReadError::Read("fake".to_owned(), "broken".to_owned()));
        }
        let numbers = self.next..(self.next + 777).min(self.fake.breaks_at);
        let start = MediaTime::ZERO + MediaSpan::from_samples_nearest(self.next, self.format.rate);
        self.next = numbers.end;
        let channels = self.format.layout.count();
        let value = &self.fake.value;
        let interleaved = numbers
            .flat_map(|number| (0..channels).map(move |channel| value(number, channel)))
            .collect();
        let samples = AudioSamples {
            format: self.format.clone(),
            interleaved,
        };
        Ok(AudioRead::Chunk(AudioChunk { start, samples }))
    }
}

/// Computed media by name, and how often each was opened.
#[derive(Clone, Default)]
struct Fakes {
    media: HashMap<PathBuf, Fake>,
    opened: Arc<Mutex<Vec<PathBuf>>>,
}

impl Fakes {
    fn with(mut self, name: &str, fake: Fake) -> Self {
        self.media.insert(PathBuf::from(name), fake);
        self
    }

    fn opened(&self, name: &str) -> usize {
        let opened = self.opened.lock();
        opened
            .iter()
            .filter(|path| *path == Path::new(name))
            .count()
    }
}

impl OpenMedium for Fakes {
    fn open(&self, key: &MediaKey) -> Result<Box<dyn SampleSource>, String> {
        self.opened.lock().push(key.path.clone());
        let fake = self.media.get(&key.path).ok_or("There is no such file.")?;
        let format = AudioFormat {
            rate: NonZeroU32::new(fake.rate).unwrap(),
            layout: fake.layout.clone(),
        };
        Ok(Box::new(FakeReader {
            fake: fake.clone(),
            format,
            next: 0,
        }))
    }
}

fn rate() -> NonZeroU32 {
    NonZeroU32::new(RATE).unwrap()
}

fn samples(count: i64) -> MediaSpan {
    MediaSpan::from_samples_nearest(count, rate())
}

fn ms(millis: i64) -> MediaSpan {
    MediaSpan::from_millis(millis)
}

/// A clip of `name` at normal speed.
fn clip(name: &str, start: MediaSpan, duration: MediaSpan, source: MediaSpan) -> SoundClip {
    SoundClip {
        path: PathBuf::from(name),
        stream: None,
        range: TimeRange {
            start: MediaTime::ZERO + start,
            duration,
        },
        map: TimeMap::linear(source, Ratio::ONE),
        zero: SoundZero::First,
        fades: Arc::default(),
        gain: 1.0,
    }
}

/// `clip`, which rises for `length` at its beginning or falls for as long at its end.
fn fading(mut clip: SoundClip, rising: bool, duration: MediaSpan) -> SoundClip {
    let start = if rising {
        clip.range.start
    } else {
        clip.range.end() - duration
    };
    let range = TimeRange { start, duration };
    let fades = clip.fades.iter().copied();
    clip.fades = fades.chain([AudioFade { range, rising }]).collect();
    clip
}

fn at_speed(mut clip: SoundClip, num: i64, den: i64) -> SoundClip {
    let source = clip.map.source_at(MediaSpan::ZERO);
    clip.map = TimeMap::linear(source, Ratio::new(num, den).unwrap());
    clip
}

fn plan(clips: Vec<SoundClip>, duration: MediaSpan) -> SoundPlan {
    SoundPlan {
        clips: clips.into(),
        duration,
    }
}

/// Readers of computed media, charged to nobody.
fn readers_of(fakes: &Fakes) -> Readers {
    let (notes, memory) = (SoundNotes::default(), SoundMemory::default());
    let clock = Arc::new(SimClock::new());
    Readers::with_opener(Box::new(fakes.clone()), notes, memory, clock)
}

fn mix(fakes: &Fakes, plan: &SoundPlan) -> TimelineSamples {
    let readers = readers_of(fakes);
    TimelineSamples::in_stereo(plan, Arc::new(readers))
}

/// Up to `count` frames from sample `from` on, interleaved.
fn read_at(source: &mut TimelineSamples, from: i64, count: usize) -> Vec<f32> {
    let at = MediaTime::ZERO + MediaSpan::from_samples_nearest(from, source.format().rate);
    source.seek(at).unwrap();
    let channels = source.format().layout.count();
    let mut all = Vec::new();
    let mut next = at;
    while all.len() < count * channels {
        let AudioRead::Chunk(chunk) = source.read().unwrap() else {
            break;
        };
        assert_eq!(chunk.start, next, "chunks follow one another");
        let frames = i64::try_from(chunk.samples.frame_count()).unwrap();
        all.extend(chunk.samples.interleaved);
        let read = chunk
            .start
            .since_zero()
            .samples_nearest(chunk.samples.format.rate)
            + frames;
        next = MediaTime::ZERO + MediaSpan::from_samples_nearest(read, chunk.samples.format.rate);
    }
    all.truncate(count * channels);
    all
}

/// The left channel of all of `plan`.
fn left(fakes: &Fakes, plan: &SoundPlan) -> Vec<f32> {
    let frames = usize::try_from(plan.duration.samples_nearest(rate())).unwrap();
    let all = read_at(&mut mix(fakes, plan), 0, frames);
    assert_eq!(all.len(), frames * 2, "the source ends with the plan");
    all.into_iter().step_by(2).collect()
}

/// The largest step from one sample to the next.
fn largest_step(samples: &[f32]) -> f32 {
    let steps = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    steps.fold(0.0, f32::max)
}

/// Frequency of a sine by its rising zero crossings, each placed between its samples.
fn frequency(samples: &[f32]) -> f64 {
    let crossings: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0)
        .map(|(n, pair)| n as f64 + f64::from(pair[0] / (pair[0] - pair[1])))
        .collect();
    let (first, last) = (crossings[0], crossings[crossings.len() - 1]);
    (crossings.len() - 1) as f64 / (last - first) * f64::from(RATE)
}

#[test]
fn clips_are_placed_to_the_sample() {
    let fakes = Fakes::default().with("count", Fake::count());
    // 29.97 frames a second: no boundary but the first is on a sample.
    let frame = |n: i64| MediaSpan::from_secs(n).scaled_nearest(1_001, 30_000);
    let plan = plan(
        vec![
            clip("count", frame(7), frame(10), frame(1_000)),
            clip("count", frame(31), frame(3), frame(20)),
        ],
        frame(40),
    );
    let heard = left(&fakes, &plan);
    let sample = |time: MediaSpan| usize::try_from(time.samples_nearest(rate())).unwrap();
    let mut expected = vec![0.0; heard.len()];
    for (start, end, source) in [(7, 17, 1_000), (31, 34, 20)] {
        let (start, end) = (sample(frame(start)), sample(frame(end)));
        for (n, value) in expected[start..end].iter_mut().enumerate() {
            let number = frame(source).samples_nearest(rate()) + i64::try_from(n).unwrap();
            *value = number.rem_euclid(1 << 16) as f32 / 65_536.0;
        }
        // The edges to silence rise and fall within the clip.
        for near in 0..120 {
            expected[start + near] = f32::NAN;
            expected[end - 1 - near] = f32::NAN;
        }
    }
    for (n, (heard, expected)) in heard.iter().zip(&expected).enumerate() {
        let same = heard.to_bits() == expected.to_bits();
        assert!(
            same || expected.is_nan(),
            "sample {n}: {heard}, not {expected}"
        );
    }
}

#[test]
fn tracks_are_summed_with_their_gains() {
    let fakes = Fakes::default()
        .with("dc", Fake::new(RATE, |_| 0.25))
        .with("count", Fake::count());
    let mut quiet = clip("count", ms(100), ms(500), ms(0));
    quiet.gain = 0.5;
    let mut odd = clip("dc", ms(0), ms(1_000), ms(0));
    odd.gain = f32::NAN;
    let plan = plan(
        vec![odd, clip("dc", ms(0), ms(1_000), ms(0)), quiet],
        ms(1_000),
    );
    let heard = left(&fakes, &plan);
    for n in 6_000_i16..20_000 {
        let expected = 0.25 + 0.5 * f32::from(n - 4_800) / 65_536.0;
        assert!(
            (heard[usize::try_from(n).unwrap()] - expected).abs() < 1e-6,
            "{n}"
        );
    }
    assert_eq!(heard[40_000].to_bits(), 0.25_f32.to_bits());
}

#[test]
fn rates_and_channels_are_mixed() {
    use ChannelRole::{FrontCenter, FrontLeft, FrontRight, Lfe, SurroundLeft, SurroundRight};
    let five_one = ChannelLayout::new(vec![
        FrontLeft,
        FrontRight,
        FrontCenter,
        Lfe,
        SurroundLeft,
        SurroundRight,
    ])
    .unwrap();
    let wave = |number: i64, rate: u32| (number as f64 * 441.0 / f64::from(rate) * TAU).sin() * 0.7;
    for (rate, layout) in [
        (44_100, ChannelLayout::stereo()),
        (48_000, five_one),
        (96_000, ChannelLayout::mono()),
        (8_000, ChannelLayout::stereo()),
    ] {
        let fake = Fake {
            rate,
            layout: layout.clone(),
            // Each channel is quieter than the one before.
            value: Arc::new(move |number, channel| {
                narrow(wave(number, rate)) / (channel + 1) as f32
            }),
            breaks_at: i64::MAX,
        };
        let fakes = Fakes::default().with("sine", fake);
        let plan = plan(
            vec![clip("sine", ms(500), ms(2_000), ms(10_000))],
            ms(3_000),
        );
        let readers = readers_of(&fakes);
        let mut source =
            TimelineSamples::with_readers(&plan, super::tests::rate(), 6, Arc::new(readers));
        let wide = read_at(&mut source, 0, 144_000);
        let narrow_mix = read_at(&mut mix(&fakes, &plan), 0, 144_000);
        for (out, channels) in [(&wide, 6), (&narrow_mix, 2)] {
            let frame: Vec<f32> = (1_u8..)
                .take(layout.count())
                .map(|n| 1.0 / f32::from(n))
                .collect();
            let mut weights = Vec::new();
            ChannelMix::new(&layout, channels).mix_into(&frame, &mut weights);
            // Away from the edges, where the filters of conversion have settled.
            for n in 25_000_i32..119_000 {
                let at = 10.0 + f64::from(n - 24_000) / f64::from(RATE);
                let ideal = (at * 441.0 * TAU).sin() * 0.7;
                for (channel, weight) in weights.iter().enumerate() {
                    let heard = out[usize::try_from(n).unwrap() * channels + channel];
                    let off = (f64::from(heard) - ideal * f64::from(*weight)).abs();
                    assert!(
                        off < 0.004,
                        "{rate} Hz to {channels}: channel {channel} of {n} is off by {off}"
                    );
                }
            }
        }
    }
}
