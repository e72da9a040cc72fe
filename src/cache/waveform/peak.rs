//! What is kept of a span of samples.

/// The lowest and highest sample of a span, and how loud it is. All within ±1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak {
    /// The lowest sample.
    pub low: f32,
    /// The highest sample.
    pub high: f32,
    /// The root of the mean of the squares: 0 is silence.
    pub rms: f32,
}

/// Full scale of what is kept.
const SCALE: f32 = 32_767.0;

/// A [`Peak`] in six bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Block {
    pub(super) low: i16,
    pub(super) high: i16,
    pub(super) rms: u16,
}

impl Block {
    fn new(low: f32, high: f32, rms: f32) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within ±32,767, as it is clamped; not a number gives 0"
        )]
        let code = |value: f32| (value.clamp(-1.0, 1.0) * SCALE).round() as i16;
        Self {
            low: code(low),
            high: code(high),
            rms: code(rms).unsigned_abs(),
        }
    }

    /// All blocks of a span as one; `None` where there are none. They count alike: only the last of a
    /// medium may be shorter.
    pub(super) fn join<'a>(blocks: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut blocks = blocks.into_iter();
        let mut joined = *blocks.next()?;
        let mut squares = square(joined.rms);
        let mut count = 1_u64;
        for block in blocks {
            joined.low = joined.low.min(block.low);
            joined.high = joined.high.max(block.high);
            squares += square(block.rms);
            count += 1;
        }
        joined.rms = u16::try_from((squares / count).isqrt()).unwrap_or(u16::MAX);
        Some(joined)
    }

    pub(super) fn peak(self) -> Peak {
        Peak {
            low: f32::from(self.low) / SCALE,
            high: f32::from(self.high) / SCALE,
            rms: f32::from(self.rms) / SCALE,
        }
    }
}

fn square(rms: u16) -> u64 {
    u64::from(rms) * u64::from(rms)
}

/// Samples that are looked at side by side, so that the compiler makes SIMD code of it.
const LANES: usize = 16;

/// Samples of a block that is not complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sum {
    low: f32,
    high: f32,
    squares: f64,
    count: u64,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
            squares: 0.0,
            count: 0,
        }
    }
}

impl Sum {
    /// Adds samples of any channels.
    pub(super) fn add(&mut self, samples: &[f32]) {
        let (rows, rest) = samples.as_chunks::<LANES>();
        let mut low = [self.low; LANES];
        let mut high = [self.high; LANES];
        let mut squares = [0.0_f32; LANES];
        for row in rows {
            for (lane, &sample) in row.iter().enumerate() {
                low[lane] = if sample < low[lane] {
                    sample
                } else {
                    low[lane]
                };
                high[lane] = if sample > high[lane] {
                    sample
                } else {
                    high[lane]
                };
                squares[lane] += sample * sample;
            }
        }
        for (lane, &sample) in rest.iter().enumerate() {
            low[lane] = low[lane].min(sample);
            high[lane] = high[lane].max(sample);
            squares[lane] += sample * sample;
        }
        self.low = low.into_iter().fold(self.low, f32::min);
        self.high = high.into_iter().fold(self.high, f32::max);
        self.squares += squares.into_iter().map(f64::from).sum::<f64>();
        self.count += samples.len() as u64;
    }

    /// The block, and an empty sum for the next; `None` where nothing was added.
    pub(super) fn take(&mut self) -> Option<Block> {
        let done = std::mem::take(self);
        if done.count == 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "kept in 16 bits")]
        let rms = (done.squares / done.count as f64).sqrt() as f32;
        Some(Block::new(done.low, done.high, rms))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_agree_with_the_definition(
            samples in prop::collection::vec(-1.5_f32..1.5, 1..600), cut in any::<prop::sample::Index>(),
        ) {
            let mut sum = Sum::default();
            let (first, second) = samples.split_at(cut.index(samples.len()));
            sum.add(first);
            sum.add(second);
            let peak = sum.take().unwrap().peak();
            let low = samples.iter().copied().fold(f32::INFINITY, f32::min).clamp(-1.0, 1.0);
            let high = samples.iter().copied().fold(f32::NEG_INFINITY, f32::max).clamp(-1.0, 1.0);
            let squares: f64 = samples.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
            let rms = (squares / samples.len() as f64).sqrt().min(1.0);
            let code = 0.51 / f64::from(SCALE);
            prop_assert!(f64::from((peak.low - low).abs()) <= code + 1e-6);
            prop_assert!(f64::from((peak.high - high).abs()) <= code + 1e-6);
            prop_assert!((f64::from(peak.rms) - rms).abs() <= code + 1e-5);
            prop_assert!(sum.take().is_none());
        }

        #[test]
        fn joining_keeps_the_extremes_and_stays_within_the_loudest(
            codes in prop::collection::vec((-32_767_i16..1, 0_i16..32_767, 0_u16..32_767), 1..50),
        ) {
            let blocks: Vec<Block> =
                codes.iter().map(|&(low, high, rms)| Block { low, high, rms }).collect();
            let joined = Block::join(&blocks).unwrap();
            prop_assert_eq!(joined.low, codes.iter().map(|c| c.0).min().unwrap());
            prop_assert_eq!(joined.high, codes.iter().map(|c| c.1).max().unwrap());
            prop_assert!(joined.rms <= codes.iter().map(|c| c.2).max().unwrap());
            prop_assert!(joined.rms >= codes.iter().map(|c| c.2).min().unwrap());
        }
    }

    #[test]
    fn nothing_joins_to_nothing() {
        assert_eq!(Block::join(&[]), None);
    }
}
