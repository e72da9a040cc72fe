//! How loud each channel is: what level meters show.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::block::{DeviceFormat, MAX_DEVICE_CHANNELS};

/// Decibels that a peak falls a second: 20 dB in 1.7 s, as IEC 60268-10 has it for peak programme meters of
/// type I.
const PEAK_FALL_DB_A_SECOND: f32 = 20.0 / 1.7;
/// Time constant of the mean of squares: what a volume indicator integrates over, by IEC 60268-17.
const RMS_SECONDS: f32 = 0.3;
/// Below this, -100 dB, there is silence.
const SILENCE: f32 = 1e-5;

/// Level of one channel; 1.0 is full scale. More is possible where the medium itself goes beyond.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ChannelLevel {
    /// The highest sample of late: it rises at once and falls 20 dB in 1.7 s.
    pub peak: f32,
    /// Root mean square of the last 0.3 s. A sine of full scale has 0.71, which is -3 dB.
    pub rms: f32,
}

/// Levels of the device's channels, before volume and mute.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AudioLevels {
    channels: [ChannelLevel; MAX_DEVICE_CHANNELS],
    count: usize,
}

impl AudioLevels {
    /// The levels of `channels`; what is more than a device can have is left out.
    pub fn new(channels: &[ChannelLevel]) -> Self {
        let mut levels = Self {
            count: channels.len().min(MAX_DEVICE_CHANNELS),
            ..Self::default()
        };
        for (level, channel) in levels.channels.iter_mut().zip(channels) {
            *level = *channel;
        }
        levels
    }

    /// One for each channel, in the device's order; none where no device is open.
    pub fn channels(&self) -> &[ChannelLevel] {
        &self.channels[..self.count]
    }

    /// What the channels are called, in the order of PulseAudio and WAVE.
    pub fn names(&self) -> &'static [&'static str] {
        let surround = &["L", "R", "C", "LFE", "Ls", "Rs", "Lb", "Rb"][..];
        match self.count {
            1 => &["Mono"],
            4 => &["L", "R", "Ls", "Rs"],
            5 => &["L", "R", "C", "Ls", "Rs"],
            7 => &["L", "R", "C", "LFE", "Ls", "Rs", "Cb"],
            count => &surround[..count],
        }
    }
}

/// A level in decibels relative to full scale; at least -100.
pub fn decibels(level: f32) -> f32 {
    20.0 * level.max(SILENCE).log10()
}

/// Measures what passes. Its ballistics go by samples, so the size of buffers makes no difference.
#[derive(Debug)]
pub(super) struct LevelMeter {
    channels: usize,
    peaks: [f32; MAX_DEVICE_CHANNELS],
    squares: [f32; MAX_DEVICE_CHANNELS],
    /// What is left of a peak after a sample.
    fall: f32,
    /// What a new sample counts among the squares.
    share: f32,
}

impl LevelMeter {
    pub(super) fn new(format: DeviceFormat) -> Self {
        let rate = format.rate.get() as f32;
        Self {
            channels: format.channels,
            peaks: [0.0; MAX_DEVICE_CHANNELS],
            squares: [0.0; MAX_DEVICE_CHANNELS],
            fall: 10.0_f32.powf(-PEAK_FALL_DB_A_SECOND / 20.0 / rate),
            share: 1.0 - (-1.0 / (RMS_SECONDS * rate)).exp(),
        }
    }

    /// Takes in interleaved frames.
    pub(super) fn measure(&mut self, frames: &[f32]) {
        for frame in frames.chunks_exact(self.channels) {
            let levels = self.peaks.iter_mut().zip(&mut self.squares);
            for (value, (peak, square)) in frame.iter().zip(levels) {
                *peak = value.abs().max(*peak * self.fall);
                *square += self.share * (value * value - *square);
            }
        }
        // What fades for ever is silence at some point, and costs nothing any more.
        for (peak, square) in self.peaks.iter_mut().zip(&mut self.squares) {
            if *peak < SILENCE {
                *peak = 0.0;
            }
            if *square < SILENCE * SILENCE {
                *square = 0.0;
            }
        }
    }

    /// Tells what was measured.
    pub(super) fn publish(&self, shared: &SharedLevels) {
        let levels = self.peaks.iter().zip(&self.squares);
        for (word, (peak, square)) in shared.words.iter().zip(levels) {
            let (peak, rms) = (peak.to_bits(), square.sqrt().to_bits());
            word.store(u64::from(peak) << 32 | u64::from(rms), Ordering::Relaxed);
        }
        shared.count.store(self.channels, Ordering::Release);
    }
}

/// The latest levels. Written by the device callback; each channel is true in itself.
#[derive(Debug, Default)]
pub(super) struct SharedLevels {
    /// Peak and RMS of a channel as the bits of two `f32`.
    words: [AtomicU64; MAX_DEVICE_CHANNELS],
    count: AtomicUsize,
}

impl SharedLevels {
    /// What was told last.
    pub(super) fn read(&self) -> AudioLevels {
        let count = self.count.load(Ordering::Acquire);
        let channels = self.words.each_ref().map(|word| {
            let word = word.load(Ordering::Relaxed);
            let half =
                |bits: u64| f32::from_bits(u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0));
            ChannelLevel {
                peak: half(word >> 32),
                rms: half(word),
            }
        });
        AudioLevels { channels, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 48_000;

    /// Whole seconds of 1 kHz on the left, silence on the right.
    fn sine(amplitude: f32, seconds: usize) -> Vec<f32> {
        let frames = (0_u16..).map(f32::from).take_while(|n| *n < 48_000.0);
        let seconds = std::iter::repeat_n((), seconds);
        seconds
            .flat_map(|()| frames.clone())
            .flat_map(|n| {
                let phase = n * 1_000.0 / RATE as f32 * std::f32::consts::TAU;
                [amplitude * phase.sin(), 0.0]
            })
            .collect()
    }

    fn levels_of(samples: &[f32], buffer: usize) -> AudioLevels {
        let format = DeviceFormat::new(RATE, 2).unwrap();
        let (mut meter, shared) = (LevelMeter::new(format), SharedLevels::default());
        for frames in samples.chunks(buffer * 2) {
            meter.measure(frames);
        }
        meter.publish(&shared);
        shared.read()
    }

    #[test]
    fn a_sine_reads_its_peak_and_three_decibels_less_on_one_side_only() {
        let levels = levels_of(&sine(0.5, 3), 480);
        let [left, right] = levels.channels() else {
            panic!("{levels:?}");
        };
        assert!((decibels(left.peak) + 6.02).abs() < 0.05, "{left:?}");
        assert!((decibels(left.rms) + 9.03).abs() < 0.05, "{left:?}");
        assert_eq!(*right, ChannelLevel::default());
        assert_eq!(levels.names(), ["L", "R"]);
    }

    #[test]
    fn a_peak_falls_20_db_in_1700_ms_whatever_the_buffers() {
        let mut samples = sine(1.0, 1);
        samples.extend(std::iter::repeat_n(0.0, 2 * RATE as usize * 17 / 10));
        for buffer in [64, 480, 4_096] {
            let level = levels_of(&samples, buffer).channels()[0];
            assert!(
                (decibels(level.peak) + 20.0).abs() < 0.1,
                "{buffer}: {level:?}"
            );
            // After 5.7 time constants: 3.01 dB of the sine and 4.34 dB of the mean for each.
            let fallen = 3.01 + 4.343 * 1.7 / 0.3;
            assert!(
                (decibels(level.rms) + fallen).abs() < 0.3,
                "{buffer}: {level:?}"
            );
        }
    }

    #[test]
    fn beyond_full_scale_is_told_and_silence_is_reached() {
        let loud = levels_of(&sine(1.5, 1), 480).channels()[0];
        assert!(decibels(loud.peak) > 3.4, "{loud:?}");
        let mut samples = sine(1.5, 1);
        samples.extend(std::iter::repeat_n(0.0, 2 * RATE as usize * 10));
        assert_eq!(
            levels_of(&samples, 480).channels(),
            [ChannelLevel::default(); 2]
        );
        assert!((decibels(0.0) + 100.0).abs() < 1e-3);
    }

    #[test]
    fn every_count_of_channels_has_as_many_names() {
        for count in 0..=MAX_DEVICE_CHANNELS {
            let levels = AudioLevels::new(&vec![ChannelLevel::default(); count]);
            assert_eq!(levels.names().len(), levels.channels().len());
        }
    }
}
