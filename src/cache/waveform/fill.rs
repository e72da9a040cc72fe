//! Peaks of samples that come in their order, whoever decodes them.

use std::borrow::Cow;
use std::num::NonZeroU32;

use super::peak::{Block, Sum};
use super::pyramid::{BLOCK_SAMPLES, SEGMENT_BLOCKS, Segment};
use crate::media::AudioSamples;
use crate::time::MediaTime;

/// Samples of each channel in a segment.
pub(super) const SEGMENT_SAMPLES: usize = SEGMENT_BLOCKS * BLOCK_SAMPLES;

/// Takes a segment that is full, and its number.
type Done<'a> = &'a mut dyn FnMut(usize, Segment);

/// Makes blocks of samples, and segments of blocks.
#[derive(Debug)]
pub(super) struct Filler {
    rate: NonZeroU32,
    /// The segment that is being filled.
    segment: usize,
    blocks: Vec<Block>,
    sum: Sum,
    /// Samples in `sum`, of each channel.
    in_sum: usize,
}

impl Filler {
    /// Begins with the first sample of this segment; samples are counted at `rate`.
    pub(super) fn new(rate: NonZeroU32, segment: usize) -> Self {
        Self {
            rate,
            segment,
            blocks: Vec::with_capacity(SEGMENT_BLOCKS),
            sum: Sum::default(),
            in_sum: 0,
        }
    }

    /// The segment that is being filled.
    pub(super) fn segment(&self) -> usize {
        self.segment
    }

    /// Number of the sample that comes next.
    fn next(&self) -> i64 {
        let blocks = self.segment * SEGMENT_BLOCKS + self.blocks.len();
        i64::try_from(blocks * BLOCK_SAMPLES + self.in_sum).unwrap_or(i64::MAX)
    }

    /// Adds samples in their places, the first at media time `start`, as far as segment `end`.
    pub(super) fn add(
        &mut self,
        start: MediaTime,
        samples: &AudioSamples,
        end: usize,
        done: Done<'_>,
    ) {
        let channels = samples.format.layout.count();
        let ahead = start.since_zero().samples_nearest(self.rate) - self.next();
        let samples = at_rate(samples, self.rate);
        let mut samples = &samples[..];
        if let Ok(gap) = usize::try_from(ahead) {
            // Sound that begins after the first picture.
            self.add_silence(gap, channels, end, done);
        } else {
            // What lies before media time zero is not heard.
            let before = usize::try_from(ahead.unsigned_abs()).unwrap_or(usize::MAX);
            let cut = before.saturating_mul(channels).min(samples.len());
            samples = &samples[cut..];
        }
        while !samples.is_empty() && self.segment < end {
            let room = (BLOCK_SAMPLES - self.in_sum) * channels;
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.sum.add(now);
            self.in_sum += now.len() / channels;
            samples = later;
            self.end_block_if_full(done);
        }
    }

    fn add_silence(&mut self, count: usize, channels: usize, end: usize, done: Done<'_>) {
        if count == 0 {
            return;
        }
        let silence = vec![0.0; BLOCK_SAMPLES * channels];
        let mut left = count;
        while left > 0 && self.segment < end {
            let now = left.min(BLOCK_SAMPLES - self.in_sum);
            self.sum.add(&silence[..now * channels]);
            self.in_sum += now;
            left -= now;
            self.end_block_if_full(done);
        }
    }

    /// There are no more samples, or none before segment `end`; answers how many segments there are up to
    /// there.
    pub(super) fn end(&mut self, end: usize, done: Done<'_>) -> usize {
        if self.segment < end {
            self.end_block();
            if !self.blocks.is_empty() {
                self.end_segment(done);
            }
        }
        self.segment
    }

    fn end_block_if_full(&mut self, done: Done<'_>) {
        if self.in_sum >= BLOCK_SAMPLES {
            self.end_block();
            if self.blocks.len() >= SEGMENT_BLOCKS {
                self.end_segment(done);
            }
        }
    }

    fn end_block(&mut self) {
        self.blocks.extend(self.sum.take());
        self.in_sum = 0;
    }

    fn end_segment(&mut self, done: Done<'_>) {
        let blocks = std::mem::replace(&mut self.blocks, Vec::with_capacity(SEGMENT_BLOCKS));
        done(self.segment, Segment::new(blocks));
        self.segment += 1;
    }
}

/// Samples at `rate`. Streams that change their rate are rare, and the nearest sample will do for a picture
/// of them.
fn at_rate(samples: &AudioSamples, rate: NonZeroU32) -> Cow<'_, [f32]> {
    let own = samples.format.rate;
    let all = &samples.interleaved;
    if own == rate {
        return Cow::Borrowed(all);
    }
    let frames = samples.frame_count() as u64;
    let wanted = frames * u64::from(rate.get()) / u64::from(own.get());
    let channels = samples.format.layout.count();
    let frame = |place: u64| {
        let source = place * u64::from(own.get()) / u64::from(rate.get());
        let first = usize::try_from(source)
            .unwrap_or(usize::MAX)
            .saturating_mul(channels);
        all.get(first..first.saturating_add(channels))
            .unwrap_or(&[])
    };
    Cow::Owned((0..wanted).flat_map(frame).copied().collect())
}
