//! What travels from the decode thread to the device: blocks of samples in the device's format.

use std::num::NonZeroU32;

use crate::decode::Generation;
use crate::time::{MediaSpan, Speed};

/// Values in one block. 256 frames of stereo: short enough to seek quickly, long enough that copying
/// dominates bookkeeping.
pub(crate) const BLOCK_VALUES: usize = 512;

/// Most channels that a device is driven with.
pub(crate) const MAX_DEVICE_CHANNELS: usize = 8;

/// Sound that is kept after it was handed to the device, in milliseconds. What a device still holds
/// when playback pauses was not heard: resuming plays it again. Devices rarely hold more than 200 ms.
pub(crate) const HISTORY_MILLIS: u64 = 400;

/// Sound decoded ahead, in milliseconds: it bridges a slow disk and a seek at a loop's end.
const LOOKAHEAD_MILLIS: u64 = 600;

/// A count of frames as the signed number that positions are made of.
pub(crate) fn count_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Sample rate and channel count that a device runs at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DeviceFormat {
    /// Frames a second.
    pub rate: NonZeroU32,
    /// Interleaved channels, 1 to [`MAX_DEVICE_CHANNELS`].
    pub channels: usize,
}

impl DeviceFormat {
    /// `None` for a rate outside 4 to 768 kHz, no channels or too many.
    pub(crate) fn new(rate: u32, channels: usize) -> Option<Self> {
        let sane =
            (4_000..=768_000).contains(&rate) && (1..=MAX_DEVICE_CHANNELS).contains(&channels);
        NonZeroU32::new(rate)
            .filter(|_| sane)
            .map(|rate| Self { rate, channels })
    }

    /// Frames in one block.
    pub(crate) fn block_frames(self) -> usize {
        BLOCK_VALUES / self.channels
    }

    /// Blocks that a ring holds: history and lookahead. At 48 kHz stereo that is 188 blocks, 400 KB;
    /// at 192 kHz and 8 channels 3,000 blocks, 6.2 MB.
    pub(crate) fn ring_blocks(self) -> usize {
        let frames = u64::from(self.rate.get()) * (HISTORY_MILLIS + LOOKAHEAD_MILLIS) / 1_000;
        usize::try_from(frames)
            .unwrap_or(0)
            .div_ceil(self.block_frames())
    }

    /// Bytes that a ring takes.
    pub(crate) fn ring_bytes(self) -> u64 {
        (self.ring_blocks() * size_of::<AudioBlock>()) as u64
    }

    /// Frames in `millis` milliseconds, rounded down.
    pub(crate) fn frames_from_millis(self, millis: i64) -> i64 {
        millis * i64::from(self.rate.get()) / 1_000
    }

    /// Run time that `frames` device frames cover at `speed`.
    pub(crate) fn run_from_frames(self, frames: i64, speed: Speed) -> MediaSpan {
        let quarters = i64::from(speed.quarters().abs());
        MediaSpan::from_samples_nearest(frames.saturating_mul(quarters), self.quarter_rate())
    }

    /// Device frames that `run` takes at `speed`, rounded to nearest.
    pub(crate) fn frames_from_run(self, run: MediaSpan, speed: Speed) -> i64 {
        let quarters = i64::from(speed.quarters().abs());
        run.scaled_nearest(4, quarters).samples_nearest(self.rate)
    }

    /// Four times the rate: quarters of a frame at normal speed.
    fn quarter_rate(self) -> NonZeroU32 {
        self.rate.saturating_mul(NonZeroU32::MIN.saturating_add(3))
    }
}

/// Consecutive frames in the device's format. Copied into and out of the ring, so that neither side
/// allocates or frees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudioBlock {
    /// The plan that it belongs to.
    pub generation: Generation,
    /// Run time of its first frame.
    pub run: MediaSpan,
    /// Speed at which it was made.
    pub speed: Speed,
    /// Number of its first frame in its generation's stream of device frames.
    pub first: i64,
    /// Frames in it.
    pub frames: usize,
    /// Whether its plan ends with it.
    pub ends: bool,
    /// `frames * channels` values.
    pub samples: [f32; BLOCK_VALUES],
}

impl AudioBlock {
    /// Number of the frame after the last one.
    pub(crate) fn end(&self) -> i64 {
        self.first + count_i64(self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_times_and_frames_convert_back_and_forth() {
        for rate in [8_000, 44_100, 48_000, 96_000, 192_000] {
            let format = DeviceFormat::new(rate, 2).unwrap();
            for quarters in [-8, -4, 1, 2, 3, 4, 5, 6, 7, 8, 32] {
                let speed = Speed::from_quarters(quarters).unwrap();
                for frames in [-77_777, 0, 1, 48_000, 10_000_001] {
                    let run = format.run_from_frames(frames, speed);
                    assert_eq!(
                        format.frames_from_run(run, speed),
                        frames,
                        "{rate} {quarters}"
                    );
                }
            }
        }
    }

    #[test]
    fn odd_formats_are_refused() {
        assert!(DeviceFormat::new(0, 2).is_none());
        assert!(DeviceFormat::new(48_000, 0).is_none());
        assert!(DeviceFormat::new(48_000, 9).is_none());
        assert_eq!(DeviceFormat::new(48_000, 2).unwrap().ring_blocks(), 188);
    }
}
