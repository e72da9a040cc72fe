//! The blocks of a stream, level above level, as far as they are made.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::peak::{Block, Peak};
use crate::time::{MediaSpan, MediaTime};

/// Samples of each channel in a block of the lowest level.
pub(super) const BLOCK_SAMPLES: usize = 512;
/// Blocks that make one of the next level.
const FAN: usize = 4;
/// Blocks of the lowest level in a segment: a power of [`FAN`].
pub(super) const SEGMENT_BLOCKS: usize = 4_096;
/// Segments at most: 24 hours at 48 kHz.
pub(super) const MOST_SEGMENTS: usize = 2_048;

/// A stretch of the stream that was read to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// From the finest to the coarsest, which is one block.
    levels: Vec<Vec<Block>>,
}

impl Segment {
    /// Builds the levels above `blocks`.
    pub(super) fn new(blocks: Vec<Block>) -> Self {
        let mut levels = vec![blocks];
        while let Some(finer) = levels.last().filter(|finer| finer.len() > 1) {
            let coarser = finer.chunks(FAN).filter_map(Block::join).collect();
            levels.push(coarser);
        }
        Self { levels }
    }

    pub(super) fn blocks(&self) -> &[Block] {
        self.levels.first().map_or(&[], Vec::as_slice)
    }

    /// Those blocks of `level` that cover the lowest level's `range`.
    fn covering(&self, level: usize, range: Range<usize>) -> &[Block] {
        let level = level.min(self.levels.len().saturating_sub(1));
        let Some(blocks) = self.levels.get(level) else {
            return &[];
        };
        let width = FAN.pow(u32::try_from(level).unwrap_or(0));
        let end = range.end.div_ceil(width).min(blocks.len());
        blocks.get(range.start / width..end).unwrap_or(&[])
    }
}

/// What is made so far.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Samples a second; unknown until the file is open.
    pub(super) rate: Option<NonZeroU32>,
    /// In order; those that are not made yet are `None`.
    pub(super) segments: Vec<Option<Arc<Segment>>>,
}

/// The waveform of one stream in one state of its file. Filled by a job, read from any thread without
/// waiting for it.
#[derive(Debug, Default)]
pub struct Waveform {
    state: ArcSwap<State>,
    edition: AtomicU64,
    aim_flicks: AtomicI64,
}

impl Waveform {
    /// A waveform of which nothing is made.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same of samples at this rate.
    pub(super) fn of_rate(rate: NonZeroU32) -> Self {
        let made = Self::new();
        made.publish(State {
            rate: Some(rate),
            segments: Vec::new(),
        });
        made
    }

    /// The peaks of `count` equal parts of the time from zero to `duration`. What is not made yet is
    /// silent. A part shows every sample in it, and may show some of its neighbours'.
    pub fn columns(&self, duration: MediaSpan, count: usize) -> Vec<Peak> {
        let state = self.state.load();
        let Some(rate) = state.rate else {
            return vec![Peak::default(); count];
        };
        let samples = usize::try_from(duration.samples_nearest(rate)).unwrap_or(0);
        let level = level_for(samples / count.max(1));
        let at = |column: usize| {
            let product = samples as u128 * column as u128 / count.max(1) as u128;
            usize::try_from(product).unwrap_or(usize::MAX)
        };
        let columns = (0..count).map(|column| {
            let first = at(column) / BLOCK_SAMPLES;
            let end = at(column + 1).div_ceil(BLOCK_SAMPLES).max(first + 1);
            state.peak(level, first..end)
        });
        columns.collect()
    }

    /// The peak of what lies between two times. What is not made yet is silent. Every sample there is shown, and
    /// some of its neighbours' may be.
    pub fn peak_in(&self, stretch: Range<MediaTime>) -> Peak {
        let state = self.state.load();
        let Some(rate) = state.rate else {
            return Peak::default();
        };
        let sample =
            |time: MediaTime| usize::try_from(time.since_zero().samples_nearest(rate)).unwrap_or(0);
        let (first, end) = (sample(stretch.start), sample(stretch.end));
        let level = level_for(end.saturating_sub(first));
        let blocks = first / BLOCK_SAMPLES..end.div_ceil(BLOCK_SAMPLES);
        if blocks.is_empty() {
            return Peak::default();
        }
        state.peak(level, blocks)
    }

    /// How much is made, of how much there is as far as that is known, in segments.
    pub fn made(&self) -> (usize, usize) {
        let state = self.state.load();
        let made = state.segments.iter().flatten().count();
        (made, state.segments.len())
    }

    /// Length up to the last block that is made.
    pub fn length(&self) -> MediaSpan {
        let state = self.state.load();
        let last = state.segments.iter().rposition(Option::is_some);
        let blocks = last.map_or(0, |place| {
            let own = state.segments[place]
                .as_ref()
                .map_or(0, |own| own.blocks().len());
            place * SEGMENT_BLOCKS + own
        });
        let samples = i64::try_from(blocks * BLOCK_SAMPLES).unwrap_or(i64::MAX);
        state.rate.map_or(MediaSpan::ZERO, |rate| {
            MediaSpan::from_samples_nearest(samples, rate)
        })
    }

    /// Tells where somebody looks: a job that begins afterwards begins there.
    pub fn aim(&self, time: MediaTime) {
        self.aim_flicks.store(time.flicks(), Ordering::Relaxed);
    }

    /// A number that changes when more is made.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    pub(super) fn aimed_at(&self) -> MediaTime {
        MediaTime::from_flicks(self.aim_flicks.load(Ordering::Relaxed))
    }

    pub(super) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }

    /// Replaces everything. Only the job that fills it calls this.
    pub(super) fn publish(&self, state: State) {
        self.state.store(Arc::new(state));
        self.edition.fetch_add(1, Ordering::Release);
    }
}

impl State {
    /// Puts a segment into its place. False beyond what is drawn at all.
    pub(super) fn put(&mut self, place: usize, segment: Segment) -> bool {
        if place >= MOST_SEGMENTS {
            return false;
        }
        if self.segments.len() <= place {
            self.segments.resize(place + 1, None);
        }
        self.segments[place] = Some(Arc::new(segment));
        true
    }

    /// The peak of a range of blocks of the lowest level.
    fn peak(&self, level: usize, range: Range<usize>) -> Peak {
        let last = range.end.saturating_sub(1) / SEGMENT_BLOCKS;
        let places = range.start / SEGMENT_BLOCKS..(last + 1).min(self.segments.len());
        let blocks = places.flat_map(|place| {
            let first = place * SEGMENT_BLOCKS;
            let inside = range.start.saturating_sub(first)
                ..range.end.saturating_sub(first).min(SEGMENT_BLOCKS);
            let segment = self.segments.get(place).and_then(Option::as_ref);
            segment.map_or(&[][..], |segment| segment.covering(level, inside))
        });
        Block::join(blocks).map_or(Peak::default(), Block::peak)
    }
}

/// The coarsest level whose blocks are a quarter of so many samples at most, so that little of a
/// neighbour's is shown.
fn level_for(samples: usize) -> usize {
    let mut level = 0;
    let mut width = BLOCK_SAMPLES * FAN;
    while width * FAN <= samples && width < SEGMENT_BLOCKS * BLOCK_SAMPLES {
        level += 1;
        width *= FAN;
    }
    level
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate() -> NonZeroU32 {
        NonZeroU32::new(48_000).unwrap()
    }

    fn quiet() -> Block {
        Block {
            low: -100,
            high: 100,
            rms: 50,
        }
    }

    /// A waveform of so many blocks, of which some are loud.
    fn waveform(blocks: usize, loud: &[usize]) -> Waveform {
        let mut all = vec![quiet(); blocks];
        for &place in loud {
            all[place] = Block {
                low: -30_000,
                high: 31_000,
                rms: 20_000,
            };
        }
        let mut state = State {
            rate: Some(rate()),
            segments: Vec::new(),
        };
        for (place, segment) in all.chunks(SEGMENT_BLOCKS).enumerate() {
            assert!(state.put(place, Segment::new(segment.to_vec())));
        }
        let waveform = Waveform::new();
        waveform.publish(state);
        waveform
    }

    fn length(blocks: usize) -> MediaSpan {
        MediaSpan::from_samples_nearest(i64::try_from(blocks * BLOCK_SAMPLES).unwrap(), rate())
    }

    proptest! {
        #[test]
        fn every_column_agrees_with_its_blocks(
            blocks in 1_usize..20_000, loud in any::<prop::sample::Index>(), columns in 1_usize..3_000,
        ) {
            let loud = loud.index(blocks);
            let peaks = waveform(blocks, &[loud]).columns(length(blocks), columns);
            prop_assert_eq!(peaks.len(), columns);
            for (column, peak) in peaks.iter().enumerate() {
                let samples = |column: usize| blocks * BLOCK_SAMPLES * column / columns;
                let first = samples(column) / BLOCK_SAMPLES;
                let end = samples(column + 1).div_ceil(BLOCK_SAMPLES).max(first + 1);
                let is_inside = (first..end).contains(&loud);
                let is_loud = peak.high > 0.5;
                // A column may show its neighbours, by a quarter of its width and a block.
                let slack = (end - first) / 4 + 1;
                let is_near = (first.saturating_sub(slack)..end + slack).contains(&loud);
                prop_assert!(is_loud || !is_inside);
                prop_assert!(is_near || !is_loud);
                prop_assert!(peak.low < 0.0 && peak.rms > 0.0);
            }
        }
    }

    #[test]
    fn what_is_not_made_is_silent() {
        let empty = Waveform::new();
        assert_eq!(empty.columns(length(10), 2), vec![Peak::default(); 2]);
        let half = waveform(SEGMENT_BLOCKS, &[]);
        let peaks = half.columns(length(2 * SEGMENT_BLOCKS), 4);
        assert!(peaks[0].high > 0.0 && peaks[1].high > 0.0);
        assert_eq!(peaks[2..], [Peak::default(); 2]);
        assert!(half.columns(MediaSpan::ZERO, 0).is_empty());
    }

    #[test]
    fn there_is_a_limit() {
        let mut state = State::default();
        assert!(!state.put(MOST_SEGMENTS, Segment::new(vec![quiet()])));
        assert!(state.segments.is_empty());
    }
}
