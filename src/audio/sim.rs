//! A simulated device and medium for tests: time passes when the test says so.

use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;

use super::block::DeviceFormat;
use super::device::{DeviceError, Faults, OpenDevice, OutputBackend};
use super::renderer::Renderer;
use super::source::SampleSource;
use crate::decode::{AudioChunk, AudioRead, AudioReadError};
use crate::media::{AudioFormat, AudioSamples, ChannelLayout};
use crate::time::{Clock, MediaSpan, MediaTime, Moment, SimClock};

/// How a simulated device behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SimTraits {
    /// Stated sample rate.
    pub rate: u32,
    pub channels: usize,
    /// True rate over stated rate: 1.0003 is 300 ppm fast.
    pub speed: f64,
    /// Time from the callback to the ear.
    pub latency_millis: u64,
    /// Reported times are off by up to this, either way.
    pub jitter_millis: u64,
    /// Frames in a callback.
    pub period: usize,
}

impl Default for SimTraits {
    fn default() -> Self {
        Self {
            rate: 48_000,
            channels: 2,
            speed: 1.0,
            latency_millis: 40,
            jitter_millis: 0,
            period: 960,
        }
    }
}

/// A device that a test runs by hand. Clones are the same device.
#[derive(Clone)]
pub(crate) struct SimDevice {
    state: Arc<Mutex<SimState>>,
}

struct SimState {
    clock: SimClock,
    traits: SimTraits,
    present: bool,
    stalled: bool,
    stream: Option<SimStream>,
    faults: Option<Arc<Faults>>,
    random: u64,
    /// Every stream's first channel, with the true moment of its first frame.
    record: Vec<(Moment, Vec<f32>)>,
    opened: u32,
}

struct SimStream {
    renderer: Renderer,
    start: Moment,
    frames: u64,
    /// Time lost in stalls.
    lost_nanos: i64,
}

impl SimState {
    /// A number in -1..1, the same in every run (Marsaglia's xorshift).
    fn noise(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

impl SimDevice {
    pub(crate) fn new(clock: &SimClock, traits: SimTraits) -> Self {
        let state = SimState {
            clock: clock.clone(),
            traits,
            present: true,
            stalled: false,
            stream: None,
            faults: None,
            random: 0x9e37_79b9_7f4a_7c15,
            record: Vec::new(),
            opened: 0,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Pulls the device out, or plugs it in.
    pub(crate) fn set_present(&self, present: bool) {
        let mut state = self.state.lock();
        state.present = present;
        if !present {
            state.stream = None;
            let faults = state.faults.take();
            drop(state);
            if let Some(faults) = faults {
                faults.stream_lost("unplugged".to_owned());
            }
        }
    }

    /// Lets callbacks stop, or go on.
    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.state.lock().stalled = stalled;
    }

    /// Changes the device's speed from now on.
    pub(crate) fn set_speed_from_now(&self, speed: f64) {
        let mut state = self.state.lock();
        let rate = f64::from(state.traits.rate);
        let old = std::mem::replace(&mut state.traits.speed, speed);
        if let Some(stream) = &mut state.stream {
            // The next callback stays due when it was.
            let nominal = stream.frames as f64 / rate * 1e9;
            #[expect(clippy::cast_possible_truncation, reason = "rounded to nanoseconds")]
            let shift = (nominal / old - nominal / speed) as i64;
            stream.lost_nanos += shift;
        }
    }

    /// How often it was opened.
    pub(crate) fn times_opened(&self) -> u32 {
        self.state.lock().opened
    }

    /// Makes the callbacks that are due by now.
    pub(crate) fn run(&self) {
        let mut state = self.state.lock();
        let now = state.clock.now();
        let SimTraits {
            rate,
            channels,
            speed,
            latency_millis,
            jitter_millis,
            period,
        } = state.traits;
        let nanos_of = |frames: u64| frames as f64 / (f64::from(rate) * speed) * 1e9;
        loop {
            let Some(stream) = &state.stream else { return };
            #[expect(clippy::cast_possible_truncation, reason = "rounded to nanoseconds")]
            let due = stream
                .start
                .offset_nanos(stream.lost_nanos + nanos_of(stream.frames).round() as i64);
            if due > now {
                return;
            }
            if state.stalled {
                let lost = now.nanos_since(due);
                if let Some(stream) = &mut state.stream {
                    stream.lost_nanos += lost.max(1_000_000);
                }
                return;
            }
            let heard = due.offset_nanos((latency_millis * 1_000_000).cast_signed());
            #[expect(clippy::cast_possible_truncation, reason = "rounded to nanoseconds")]
            let error = (state.noise() * (jitter_millis * 1_000_000) as f64) as i64;
            let mut out = vec![0.0; period * channels];
            let Some(stream) = &mut state.stream else {
                return;
            };
            stream
                .renderer
                .render(&mut out, now, heard.offset_nanos(error));
            stream.frames += period as u64;
            let samples = out.chunks_exact(channels).map(|frame| frame[0]).collect();
            state.record.push((heard, samples));
        }
    }

    /// What was heard: true moments of buffers, and their first channel.
    pub(crate) fn take_record(&self) -> Vec<(Moment, Vec<f32>)> {
        std::mem::take(&mut self.state.lock().record)
    }
}

impl OutputBackend for SimDevice {
    fn open(
        &mut self,
        name: Option<&str>,
        make_renderer: &mut dyn FnMut(DeviceFormat) -> Renderer,
        faults: &Arc<Faults>,
    ) -> Result<OpenDevice, DeviceError> {
        let mut state = self.state.lock();
        if !state.present {
            return Err(DeviceError::NoDevice);
        }
        if let Some(name) = name.filter(|name| *name != "simulated") {
            return Err(DeviceError::NotFound(name.to_owned()));
        }
        let format = DeviceFormat::new(state.traits.rate, state.traits.channels)
            .ok_or(DeviceError::NoDevice)?;
        let start = state.clock.now();
        let renderer = make_renderer(format);
        state.stream = Some(SimStream {
            renderer,
            start,
            frames: 0,
            lost_nanos: 0,
        });
        state.faults = Some(Arc::clone(faults));
        state.opened += 1;
        Ok(OpenDevice {
            name: "simulated".to_owned(),
            _stream: Box::new(()),
        })
    }
}

/// Bursts of a 1 kHz tone, 20 ms long, at given times.
pub(crate) struct BurstSource {
    format: AudioFormat,
    /// Centres, ascending.
    bursts: Vec<MediaTime>,
    /// End of the medium.
    end: i64,
    next: i64,
}

impl BurstSource {
    pub(crate) fn new(rate: u32, bursts: Vec<MediaTime>, end: MediaTime) -> Self {
        let rate = NonZeroU32::new(rate).unwrap();
        let format = AudioFormat {
            rate,
            layout: ChannelLayout::stereo(),
        };
        let end = end.since_zero().samples_nearest(rate);
        Self {
            format,
            bursts,
            end,
            next: 0,
        }
    }

    fn value(&self, number: i64) -> f32 {
        let time = MediaTime::ZERO + MediaSpan::from_samples_nearest(number, self.format.rate);
        let after = self.bursts.partition_point(|burst| *burst < time);
        let near = [after.checked_sub(1), Some(after)];
        let distance = near
            .into_iter()
            .flatten()
            .filter_map(|n| self.bursts.get(n))
            .map(|burst| (time - *burst).as_secs_f64())
            .min_by(|a, b| a.abs().total_cmp(&b.abs()));
        let Some(distance) = distance.filter(|distance| distance.abs() < 0.01) else {
            return 0.0;
        };
        let window = 0.5 + 0.5 * (distance * 100.0 * std::f64::consts::PI).cos();
        let tone = (distance * 1_000.0 * std::f64::consts::TAU).cos();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "samples are single precision"
        )]
        let value = (tone * window * 0.8) as f32;
        value
    }
}

impl SampleSource for BurstSource {
    fn format(&self) -> AudioFormat {
        self.format.clone()
    }

    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        self.next = to.since_zero().samples_nearest(self.format.rate);
        Ok(())
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        let count = (self.end - self.next).min(1_024);
        if count <= 0 {
            return Ok(AudioRead::End);
        }
        let start = MediaTime::ZERO + MediaSpan::from_samples_nearest(self.next, self.format.rate);
        let numbers = self.next..self.next + count;
        self.next += count;
        let interleaved = numbers.flat_map(|n| [self.value(n); 2]).collect();
        let samples = AudioSamples {
            format: self.format.clone(),
            interleaved,
        };
        Ok(AudioRead::Chunk(AudioChunk { start, samples }))
    }
}

/// An endless sine.
pub(crate) struct ToneSource {
    format: AudioFormat,
    hertz: f64,
    level: f64,
    next: i64,
}

impl ToneSource {
    pub(crate) fn new(rate: u32, hertz: f64, level: f64) -> Self {
        let rate = NonZeroU32::new(rate).unwrap();
        let format = AudioFormat {
            rate,
            layout: ChannelLayout::mono(),
        };
        Self {
            format,
            hertz,
            level,
            next: 0,
        }
    }

    /// Sample `number` of the tone.
    pub(crate) fn value(&self, number: i64) -> f32 {
        let turns = number as f64 * self.hertz / f64::from(self.format.rate.get());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "samples are single precision"
        )]
        let value = ((turns * std::f64::consts::TAU).sin() * self.level) as f32;
        value
    }
}

impl SampleSource for ToneSource {
    fn format(&self) -> AudioFormat {
        self.format.clone()
    }

    fn seek(&mut self, to: MediaTime) -> Result<(), AudioReadError> {
        self.next = to.since_zero().samples_nearest(self.format.rate);
        Ok(())
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        let start = MediaTime::ZERO + MediaSpan::from_samples_nearest(self.next, self.format.rate);
        let interleaved = (self.next..self.next + 1_024)
            .map(|n| self.value(n))
            .collect();
        self.next += 1_024;
        let samples = AudioSamples {
            format: self.format.clone(),
            interleaved,
        };
        Ok(AudioRead::Chunk(AudioChunk { start, samples }))
    }
}
