//! A plan's sound as one endless stream of device frames.

use std::num::NonZeroU32;

use super::AudioPlan;
use super::block::{AudioBlock, BLOCK_VALUES, DeviceFormat, count_i64};
use super::resample::Resampler;
use super::stretch::{SpeedMode, TimeStretch, pace_of};
use super::window::MediaWindow;
use crate::decode::{Generation, LoopMode, RunMap};
use crate::time::{FLICKS_PER_SECOND, MediaSpan, Speed};

/// Frames of the medium that are taken in one go.
const PULL_FRAMES: i64 = 1_024;
/// Length of the fade on both sides of a jump.
const FADE_MILLIS: i64 = 5;
/// A range shorter than this is not heard: it would be a buzz.
const SHORTEST_RANGE: MediaSpan = MediaSpan::from_millis(2);

/// Follows a plan through loops, turns and ends.
///
/// The medium's samples are put in the order in which they are heard (reversed where time runs
/// backwards), and then pass as one unbroken stream through rate conversion and time-stretching: neither
/// notices a loop. Frame n of the result is heard at run time `base + n * |speed| / rate`.
pub(crate) struct RunStream {
    generation: Generation,
    speed: Speed,
    format: DeviceFormat,
    mode: SpeedMode,
    legs: Legs,
    resampler: Resampler,
    stretch: Option<TimeStretch>,
    /// Device frames before frame 0 that the stretcher wants to know.
    history: Vec<f32>,
    history_frames: usize,
    /// Run time of frame 0: a whole second, at which all rates have a sample.
    base: MediaSpan,
    /// Frames made and not yet taken.
    made: Vec<f32>,
    /// Number of the first of them.
    next: i64,
    /// Number of the frame at which the plan ends.
    end: Option<i64>,
    finished: bool,
    pulled: Vec<f32>,
    resampled: Vec<f32>,
}

impl RunStream {
    /// The sound of `plan` from run time `from` on, for a medium at `rate`.
    pub(crate) fn new(
        plan: &AudioPlan,
        from: MediaSpan,
        rate: NonZeroU32,
        format: DeviceFormat,
    ) -> Result<Self, ffmpeg_next::Error> {
        let from = from.max(MediaSpan::ZERO);
        let seconds = from.flicks() / FLICKS_PER_SECOND;
        let base = MediaSpan::from_secs(seconds);
        let too_short = plan.map.end - plan.map.first < SHORTEST_RANGE;
        let mode = if too_short {
            SpeedMode::Silent
        } else {
            SpeedMode::of(plan.speed)
        };
        // Stretching starts with the second before, which exists at every rate.
        let stretched = mode == SpeedMode::Stretched;
        let history_frames = if stretched {
            format.rate.get() as usize
        } else {
            0
        };
        let first = (seconds - i64::from(stretched)) * i64::from(rate.get());
        let end = run_length(&plan.map)
            .map(|length| format.frames_from_run(length - base, plan.speed).max(0));
        let mut stream = Self {
            generation: plan.generation,
            speed: plan.speed,
            format,
            mode,
            legs: Legs::new(plan.map, rate, first),
            resampler: Resampler::new(rate, format.rate, format.channels)?,
            stretch: None,
            history: Vec::new(),
            history_frames,
            base,
            made: Vec::new(),
            next: 0,
            end,
            finished: false,
            pulled: Vec::new(),
            resampled: Vec::new(),
        };
        stream.next = -format.frames_from_run(from - base, plan.speed);
        Ok(stream)
    }

    /// The plan it follows.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// The next block; `None` after the plan's end.
    pub(crate) fn next_block(&mut self, window: &mut MediaWindow) -> Option<AudioBlock> {
        if self.finished {
            return None;
        }
        // While `next` is negative, frames before the start that was asked for are still to be skipped.
        let channels = self.format.channels;
        if self.next < 0 {
            let mut skip = usize::try_from(-self.next).unwrap_or(0);
            self.next = -self.next;
            while skip > 0 {
                self.make(window);
                let gone = skip.min(self.made.len() / channels);
                self.made.drain(..gone * channels);
                skip -= gone;
            }
        }
        let wanted = self.format.block_frames();
        while self.made.len() < wanted * channels {
            self.make(window);
        }
        let left = self.end.map_or(i64::MAX, |end| (end - self.next).max(0));
        let frames = usize::try_from(left).unwrap_or(usize::MAX).min(wanted);
        let mut block = AudioBlock {
            generation: self.generation,
            run: self.base + self.format.run_from_frames(self.next, self.speed),
            speed: self.speed,
            first: self.next,
            frames,
            ends: left <= count_i64(wanted),
            samples: [0.0; BLOCK_VALUES],
        };
        block.samples[..frames * channels].copy_from_slice(&self.made[..frames * channels]);
        self.made.drain(..frames * channels);
        self.next = block.end();
        self.finished = block.ends;
        Some(block)
    }

    /// Makes some more frames.
    fn make(&mut self, window: &mut MediaWindow) {
        if self.mode == SpeedMode::Silent {
            self.made.resize(self.made.len() + BLOCK_VALUES, 0.0);
            return;
        }
        self.pulled.clear();
        self.legs
            .pull(window, self.format.channels, &mut self.pulled);
        self.resampled.clear();
        if self
            .resampler
            .push(&self.pulled, &mut self.resampled)
            .is_err()
        {
            // A converter that was made converts; should it not, time must go on all the same.
            self.mode = SpeedMode::Silent;
            return;
        }
        if self.mode == SpeedMode::Direct {
            self.made.append(&mut self.resampled);
            return;
        }
        if let Some(stretch) = &mut self.stretch {
            stretch.push(&self.resampled, &mut self.made);
            return;
        }
        self.history.append(&mut self.resampled);
        let (rate, channels) = (self.format.rate.get(), self.format.channels);
        let origin = self.history_frames * channels;
        if self.history.len() >= origin {
            let start = origin - TimeStretch::history_frames(rate) * channels;
            let before = &self.history[start..origin];
            let mut stretch = TimeStretch::new(pace_of(self.speed), rate, channels, before);
            stretch.push(&self.history[origin..], &mut self.made);
            self.stretch = Some(stretch);
            self.history = Vec::new();
        }
    }
}

/// Run time at which a plan without repetition ends.
fn run_length(map: &RunMap) -> Option<MediaSpan> {
    (map.repeat == LoopMode::Off).then(|| map.at(MediaSpan::ZERO).until_boundary)
}

/// The medium's samples in the order in which they are heard, leg by leg. A leg runs from one jump or
/// turn to the next.
struct Legs {
    map: RunMap,
    rate: NonZeroU32,
    /// Number of the next sample, counted along run time; negative before the start.
    next: i64,
    leg: Option<Leg>,
}

#[derive(Debug, Clone, Copy)]
struct Leg {
    /// Numbers along run time at which it begins and ends.
    begin: i64,
    end: i64,
    /// Number of its first sample in the medium.
    media: i64,
    way: Way,
    fade_in: bool,
    fade_out: bool,
}

/// How a leg goes through the medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Forward,
    Backward,
    /// Past the plan's end.
    Nowhere,
}

impl Legs {
    fn new(map: RunMap, rate: NonZeroU32, first: i64) -> Self {
        Self {
            map,
            rate,
            next: first,
            leg: None,
        }
    }

    /// Puts the next samples into the empty `out`, as many as are on one leg but a thousand at most.
    fn pull(&mut self, window: &mut MediaWindow, channels: usize, out: &mut Vec<f32>) {
        let leg = match self.leg {
            Some(leg) if self.next < leg.end => leg,
            _ => self.leg_at(self.next),
        };
        self.leg = Some(leg);
        let count = PULL_FRAMES.min(leg.end - self.next);
        let along = self.next - leg.begin;
        match leg.way {
            Way::Forward => {
                let from = leg.media + along;
                window.read_forward(from, from + count, out);
            }
            Way::Backward => {
                let to = leg.media - along + 1;
                window.read_backward(to - count, to, out);
            }
            Way::Nowhere => out.resize(usize::try_from(count).unwrap_or(0) * channels, 0.0),
        }
        self.fade(leg, along, channels, out);
        self.next += count;
    }

    /// The leg that holds sample `number`. What lies before the start belongs to the first one.
    fn leg_at(&self, number: i64) -> Leg {
        let begin = number.max(0);
        let mut run = MediaSpan::from_samples_nearest(begin, self.rate);
        loop {
            let point = self.map.at(run);
            if point.ended {
                let end = i64::MAX / 2;
                return Leg {
                    begin,
                    end,
                    media: 0,
                    way: Way::Nowhere,
                    fade_in: false,
                    fade_out: false,
                };
            }
            let boundary = run + point.until_boundary;
            let end = boundary.samples_nearest(self.rate);
            if end > begin {
                let media = point.media.since_zero().samples_nearest(self.rate);
                let jumps = self.map.repeat == LoopMode::Loop;
                return Leg {
                    begin,
                    end,
                    media: if point.reverse { media - 1 } else { media },
                    way: if point.reverse {
                        Way::Backward
                    } else {
                        Way::Forward
                    },
                    fade_in: jumps && number > 0,
                    fade_out: jumps || self.map.repeat == LoopMode::Off,
                };
            }
            // The boundary lies less than half a sample ahead: what comes after it counts.
            run = boundary;
        }
    }

    /// Fades what was just appended, which begins `along` samples into `leg`.
    fn fade(&self, leg: Leg, along: i64, channels: usize, out: &mut [f32]) {
        let length = leg.end - leg.begin;
        let fade = (i64::from(self.rate.get()) * FADE_MILLIS / 1_000)
            .min(length / 2)
            .max(1);
        for (n, frame) in out.chunks_exact_mut(channels).enumerate() {
            let at = along + count_i64(n);
            let from_end = length - 1 - at;
            let near = match (leg.fade_in, leg.fade_out) {
                (true, true) => at.min(from_end),
                (true, false) => at,
                (false, true) => from_end,
                (false, false) => return,
            };
            if near < fade {
                let phase = (near.max(0) as f32 + 0.5) / fade as f32;
                let gain = 0.5 - 0.5 * (phase * std::f32::consts::PI).cos();
                for value in frame {
                    *value *= gain;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::sim::ToneSource;
    use crate::time::MediaTime;

    const RATE: u32 = 48_000;

    fn tone() -> ToneSource {
        ToneSource::new(RATE, 233.0, 0.7)
    }

    fn plan(map: RunMap, quarters: i32) -> AudioPlan {
        let speed = Speed::from_quarters(quarters).unwrap();
        AudioPlan {
            generation: Generation(3),
            map,
            speed,
        }
    }

    fn at(number: i64) -> MediaTime {
        MediaTime::ZERO + MediaSpan::from_samples_nearest(number, NonZeroU32::new(RATE).unwrap())
    }

    /// The left channel of a plan's sound from `from` on, `frames` of it or all, and the first block.
    fn sound(
        plan: &AudioPlan,
        from: MediaSpan,
        rate: u32,
        frames: usize,
    ) -> (Vec<f32>, AudioBlock) {
        let format = DeviceFormat::new(rate, 2).unwrap();
        let mut window = MediaWindow::new(Box::new(tone()), 2);
        let mut stream = RunStream::new(plan, from, window.rate(), format).unwrap();
        let mut all = Vec::new();
        let mut first = None;
        while all.len() < frames {
            let Some(block) = stream.next_block(&mut window) else {
                break;
            };
            let begin = *first.get_or_insert(block);
            assert_eq!(block.first, begin.first + count_i64(all.len()));
            all.extend(
                block.samples[..block.frames * 2]
                    .chunks_exact(2)
                    .map(|frame| frame[0]),
            );
        }
        (all, first.unwrap())
    }

    #[test]
    fn normal_speed_at_the_same_rate_is_bit_exact() {
        let source = tone();
        let repeat = LoopMode::Off;
        let map = RunMap {
            start: at(7_001),
            first: at(100),
            end: at(90_000),
            reverse: false,
            repeat,
        };
        let (all, block) = sound(&plan(map, 4), MediaSpan::ZERO, RATE, usize::MAX);
        assert_eq!(all.len(), 90_000 - 7_001);
        assert_eq!((block.first, block.run), (0, MediaSpan::ZERO));
        let faded = 240;
        for (n, value) in all[..all.len() - faded].iter().enumerate() {
            assert_eq!(
                value.to_bits(),
                source.value(7_001 + count_i64(n)).to_bits(),
                "sample {n}"
            );
        }
        assert!(all[all.len() - 1].abs() < 1e-4, "the end is faded out");

        let back = RunMap {
            start: at(70_000),
            reverse: true,
            ..map
        };
        let (all, _) = sound(&plan(back, -4), MediaSpan::ZERO, RATE, usize::MAX);
        assert_eq!(all.len(), 70_000 - 100);
        for (n, value) in all[..all.len() - faded].iter().enumerate() {
            assert_eq!(
                value.to_bits(),
                source.value(69_999 - count_i64(n)).to_bits(),
                "sample {n}"
            );
        }
    }

    #[test]
    fn joining_in_gives_the_same_frames_at_the_same_run_times() {
        let map = RunMap {
            start: at(10_000),
            first: at(5_000),
            end: at(200_123),
            reverse: false,
            repeat: LoopMode::PingPong,
        };
        for (quarters, rate) in [(4, 48_000), (4, 44_100), (4, 96_000), (8, 48_000)] {
            let plan = plan(map, quarters);
            let whole = sound(&plan, MediaSpan::ZERO, rate, 600_000).0;
            let (part, block) = sound(&plan, MediaSpan::from_millis(5_432), rate, 20_000);
            let format = DeviceFormat::new(rate, 2).unwrap();
            let first = usize::try_from(format.frames_from_run(block.run, plan.speed)).unwrap();
            let late = (block.run - MediaSpan::from_millis(5_432)).as_secs_f64();
            assert!(late.abs() < 1e-4, "joins {late} s late");
            // Stretching depends on where it began; everything else is the same to the last bits.
            let tolerance = if quarters == 4 { 2e-3 } else { 2.0 };
            for (n, value) in part.iter().enumerate().skip(200) {
                let off = (value - whole[first + n]).abs();
                assert!(
                    off < tolerance,
                    "{quarters}/4 at {rate}: frame {n} is off by {off}"
                );
            }
        }
    }

    #[test]
    fn plans_end_at_their_end_at_any_speed_and_rate() {
        for quarters in [1, 2, 3, 4, 7, 8, 20] {
            for rate in [44_100, 48_000] {
                let map = RunMap {
                    start: at(48_000),
                    first: at(0),
                    end: at(96_000),
                    reverse: true,
                    repeat: LoopMode::Off,
                };
                let (all, _) = sound(&plan(map, -quarters), MediaSpan::ZERO, rate, usize::MAX);
                let expected = f64::from(rate) * 4.0 / f64::from(quarters);
                assert!(
                    (all.len() as f64 - expected).abs() <= 1.0,
                    "{quarters}: {}",
                    all.len()
                );
            }
        }
    }

    #[test]
    fn absurdly_short_ranges_are_silent() {
        let end = MediaTime::from_flicks(1);
        let (start, first, reverse) = (MediaTime::ZERO, MediaTime::ZERO, false);
        let map = RunMap {
            start,
            first,
            end,
            reverse,
            repeat: LoopMode::Loop,
        };
        let (all, _) = sound(&plan(map, 4), MediaSpan::ZERO, RATE, 10_000);
        assert!(all.iter().all(|value| *value == 0.0));
    }
}
