//! Figures for the performance panel, as the window loop gathers them.

use crate::media::Size;
use crate::memory::Pressure;

/// Time that one stage takes for a frame, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StageTime {
    /// Of the latest frame.
    pub last_ms: f32,
    /// That 95 % of recent frames stay below.
    pub p95_ms: f32,
}

/// Times of all stages, in the order a frame travels; `None` where a stage did not run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StageTimes {
    /// Reading packets.
    pub demux: Option<StageTime>,
    /// Decoding.
    pub decode: Option<StageTime>,
    /// Conversion on the CPU.
    pub convert: Option<StageTime>,
    /// Copying to the GPU.
    pub upload: Option<StageTime>,
    /// Conversion and drawing on the GPU.
    pub gpu: Option<StageTime>,
    /// Handing over to the display.
    pub present: Option<StageTime>,
}

/// Frames that were never seen, by what kept them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DropCounts {
    /// Reading was late.
    pub demux: u64,
    /// Decoding was late.
    pub decode: u64,
    /// Conversion on the CPU was late.
    pub convert: u64,
    /// The copy to the GPU was late.
    pub upload: u64,
    /// The GPU was late.
    pub gpu: u64,
    /// The display took the frame before too late.
    pub present: u64,
    /// The sound ran ahead.
    pub audio: u64,
}

impl DropCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        let Self {
            demux,
            decode,
            convert,
            upload,
            gpu,
            present,
            audio,
        } = *self;
        demux + decode + convert + upload + gpu + present + audio
    }
}

/// How frames ended since the medium was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCounts {
    /// Shown when due.
    pub shown: u64,
    /// Shown again because the next one was not there.
    pub repeated: u64,
    /// Shown, but late.
    pub late: u64,
    /// Never shown.
    pub dropped: DropCounts,
}

/// How a cache is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheFigures {
    /// Bytes that are kept.
    pub bytes: u64,
    /// Bytes that may be kept.
    pub limit_bytes: u64,
    /// What was asked for and there.
    pub hits: u64,
    /// What was asked for and not there.
    pub misses: u64,
}

/// How showing goes: figures of the view, beside what the engine's snapshot says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ViewStats {
    /// New frames seen a second, over the last second or so.
    pub presented_fps: f32,
    /// Frames a second that should be seen: the medium's rate times the speed.
    pub target_fps: f32,
    /// Refreshes of the display a second, where known.
    pub refresh_hz: Option<f32>,
    /// Time stages take.
    pub stages: StageTimes,
    /// How frames ended.
    pub frames: FrameCounts,
    /// Name of the graphics adapter.
    pub adapter: String,
    /// What converts colours: a GPU pass, or CPU code with its instruction set.
    pub converter: String,
    /// Size of the picture on the screen, in pixels.
    pub picture_size: Option<Size>,
    /// How much later the sound is heard than its picture is seen, in milliseconds, where known.
    pub audio_offset_ms: Option<f32>,
    /// That 95 % of recent moves of the playhead were answered within, in milliseconds: from the input to the
    /// changed picture.
    pub scrub_p95_ms: Option<f32>,
    /// Bytes of the frame pool in use, and its limit.
    pub pool_bytes: (u64, u64),
    /// The cache of decoded frames, where there is one.
    pub cache: Option<CacheFigures>,
    /// Textures and buffers on the graphics device, and the pictures that are kept there, where any are.
    pub textures: Option<CacheFigures>,
    /// How short memory is.
    pub pressure: Pressure,
    /// Memory of the process that is in RAM, in bytes.
    pub rss_bytes: u64,
    /// What this overlay costs: layout and tessellation of the latest pass, in microseconds.
    pub overlay_micros: f32,
    /// What is made in the background, in a few words; empty while nothing is.
    pub background: String,
    /// Recent times between frames seen.
    pub intervals: FrameIntervals,
}

/// Times between frames seen, the latest [`FrameIntervals::MAX`] of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FrameIntervals {
    millis: Vec<f32>,
}

impl FrameIntervals {
    /// Intervals that are kept: eight seconds at 30 fps.
    pub const MAX: usize = 240;

    /// Adds the time between two frames seen, in milliseconds; forgets the oldest when full.
    pub fn push_ms(&mut self, interval_ms: f32) {
        if self.millis.len() >= Self::MAX {
            self.millis.remove(0);
        }
        self.millis.push(interval_ms);
    }

    /// The intervals in milliseconds, oldest first.
    pub fn as_millis(&self) -> &[f32] {
        &self.millis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_intervals_are_kept() {
        let mut intervals = FrameIntervals::default();
        for interval in 0..300_u16 {
            intervals.push_ms(f32::from(interval));
        }
        assert_eq!(intervals.as_millis().len(), FrameIntervals::MAX);
        assert_eq!(intervals.as_millis().first(), Some(&60.0));
        assert_eq!(intervals.as_millis().last(), Some(&299.0));
    }

    #[test]
    fn every_cause_counts_towards_the_total() {
        let drops = DropCounts {
            demux: 1,
            decode: 2,
            convert: 4,
            upload: 8,
            gpu: 16,
            present: 32,
            audio: 64,
        };
        assert_eq!(drops.total(), 127);
    }
}
