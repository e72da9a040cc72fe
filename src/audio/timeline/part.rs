//! A stretch of one medium at one speed, in samples of the mix.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use crate::media::StreamId;
use crate::time::MediaSpan;
use crate::timeline::Ratio;

/// What a reader reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MediaKey {
    /// The file.
    pub path: PathBuf,
    /// The stream; `None` for the default one.
    pub stream: Option<StreamId>,
}

/// How gain runs along a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Law {
    /// A quarter of a sine: a rising and a falling ramp have constant power together, which is what two
    /// unlike sounds want.
    ConstantPower,
    /// A straight line: two ramps sum to 1, which is what a sound that goes on wants.
    ConstantGain,
}

/// A rise from silence, or a fall to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ramp {
    /// First sample that it changes.
    pub from: i64,
    /// How many it changes; at least one.
    pub length: i64,
    /// Its shape.
    pub law: Law,
    /// Whether it rises.
    pub rises: bool,
}

impl Ramp {
    /// The first sample after it.
    pub(super) fn to(&self) -> i64 {
        self.from + self.length
    }

    /// The factor for sample `number`.
    pub(super) fn gain(&self, number: i64) -> f32 {
        let along = number - self.from;
        let risen = if along < 0 {
            0.0
        } else if along >= self.length {
            1.0
        } else {
            (along as f32 + 0.5) / self.length as f32
        };
        let along = if self.rises { risen } else { 1.0 - risen };
        match self.law {
            Law::ConstantGain => along,
            // The ends are exact: what lies outside a ramp is not touched.
            Law::ConstantPower if along >= 1.0 => 1.0,
            Law::ConstantPower => (along * std::f32::consts::FRAC_PI_2).sin(),
        }
    }
}

/// A factor from a sample on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    /// The sample.
    pub from: i64,
    /// The factor.
    pub gain: f32,
}

/// A stretch of one medium at one speed. Sample numbers count from the beginning of the edit, at the
/// rate of the mix.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Its medium.
    pub key: Arc<MediaKey>,
    /// First sample.
    pub begin: i64,
    /// The sample after the last one.
    pub end: i64,
    /// A sample whose place in the medium is known exactly.
    pub anchor: i64,
    /// Media time at `anchor`.
    pub media: MediaSpan,
    /// Media time that passes in a unit of time; negative runs backwards, never zero.
    pub speed: Ratio,
    /// Factors, in order; at least one, the first holds before it as well.
    pub levels: Vec<Level>,
    /// Half the samples in which one level becomes the next.
    pub level_reach: i64,
    /// Rises and falls, which multiply.
    pub ramps: Vec<Ramp>,
    /// What is heard: `begin..end`, and a little more where it crosses over to a neighbour.
    pub heard: (i64, i64),
}

impl Part {
    /// Media time at sample `number` of a mix at `rate`.
    pub(super) fn media_at(&self, number: i64, rate: NonZeroU32) -> MediaSpan {
        let along = MediaSpan::from_samples_nearest(number, rate)
            - MediaSpan::from_samples_nearest(self.anchor, rate);
        self.media + self.speed.of(along)
    }

    /// Whether time runs backwards in the medium.
    pub(super) fn is_reverse(&self) -> bool {
        self.speed.num() < 0
    }

    /// Multiplies `frames` by the gains of the samples from `first` on.
    pub(super) fn apply_gain(&self, first: i64, channels: usize, frames: &mut [f32]) {
        let count = i64::try_from(frames.len() / channels).unwrap_or(i64::MAX);
        let touched = self
            .ramps
            .iter()
            .any(|ramp| ramp.from < first + count && first < ramp.to());
        if let (false, Some(gain)) = (touched, self.steady_level(first, first + count)) {
            if gain.to_bits() != 1.0_f32.to_bits() {
                for value in frames {
                    *value *= gain;
                }
            }
            return;
        }
        for (number, frame) in (first..).zip(frames.chunks_exact_mut(channels)) {
            let ramps: f32 = self.ramps.iter().map(|ramp| ramp.gain(number)).product();
            let gain = ramps * self.level(number);
            for value in frame {
                *value *= gain;
            }
        }
    }

    /// The level of all samples in `from..to`, where there is but one.
    fn steady_level(&self, from: i64, to: i64) -> Option<f32> {
        let at = self.level_index(from);
        let next = self.levels.get(at + 1);
        let left = from >= self.levels[at].from + self.level_reach || at == 0;
        let steady = left && next.is_none_or(|next| to <= next.from - self.level_reach);
        steady.then(|| self.levels[at].gain)
    }

    fn level_index(&self, number: i64) -> usize {
        let after = self.levels.partition_point(|level| level.from <= number);
        after.saturating_sub(1)
    }

    fn level(&self, number: i64) -> f32 {
        let at = self.level_index(number);
        let present = self.levels[at];
        let reach = self.level_reach;
        // The change nearest to it: the one behind, or the one ahead.
        let (before, change, after) = if at > 0 && number < present.from + reach {
            (self.levels[at - 1].gain, present.from, present.gain)
        } else {
            match self.levels.get(at + 1) {
                Some(next) if number >= next.from - reach => (present.gain, next.from, next.gain),
                _ => return present.gain,
            }
        };
        let along = ((number - change + reach) as f32 + 0.5) / (2 * reach) as f32;
        before + (after - before) * along
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(levels: Vec<Level>, ramps: Vec<Ramp>) -> Part {
        Part {
            key: Arc::new(MediaKey {
                path: PathBuf::new(),
                stream: None,
            }),
            begin: 0,
            end: 1_000,
            anchor: 0,
            media: MediaSpan::ZERO,
            speed: Ratio::ONE,
            levels,
            level_reach: 50,
            ramps,
            heard: (0, 1_000),
        }
    }

    #[test]
    fn two_ramps_keep_the_power_or_the_gain() {
        for law in [Law::ConstantPower, Law::ConstantGain] {
            let ramp = |rises| Ramp {
                from: 10,
                length: 240,
                law,
                rises,
            };
            assert_eq!((ramp(true).gain(9), ramp(true).gain(250)), (0.0, 1.0));
            assert_eq!((ramp(false).gain(9), ramp(false).gain(250)), (1.0, 0.0));
            for number in 10..250 {
                let (up, down) = (ramp(true).gain(number), ramp(false).gain(number));
                let sum = match law {
                    Law::ConstantPower => up * up + down * down,
                    Law::ConstantGain => up + down,
                };
                assert!((sum - 1.0).abs() < 1e-5, "{law:?} at {number}: {sum}");
            }
        }
    }

    #[test]
    fn levels_change_in_a_straight_line_about_the_cut() {
        let level = |from, gain| Level { from, gain };
        let part = part(
            vec![level(0, 1.0), level(500, 0.0), level(800, 0.5)],
            vec![],
        );
        let mut gains = vec![1.0; 1_000];
        part.apply_gain(0, 1, &mut gains);
        assert_eq!(
            (gains[0], gains[449], gains[550], gains[749]),
            (1.0, 1.0, 0.0, 0.0)
        );
        assert!((gains[500] - 0.5).abs() < 0.01 && (gains[800] - 0.25).abs() < 0.01);
        assert_eq!(gains[850].to_bits(), 0.5_f32.to_bits());
        for pair in gains.windows(2) {
            assert!((pair[1] - pair[0]).abs() < 0.011);
        }
    }

    proptest! {
        #[test]
        fn gains_do_not_depend_on_where_a_block_begins(cuts in proptest::collection::vec(1_usize..300, 1..9)) {
            let level = |from, gain| Level { from, gain };
            let ramps = [(0, 77, true), (900, 100, false)].map(|(from, length, rises)| Ramp {
                from, length, law: Law::ConstantPower, rises,
            });
            let part = part(vec![level(0, 1.0), level(300, 0.3), level(600, 2.0)], ramps.to_vec());
            let mut whole = vec![1.0; 2_000];
            part.apply_gain(0, 2, &mut whole);
            let mut pieces = vec![1.0; 2_000];
            let mut from = 0;
            for frames in cuts {
                let to = (from + frames).min(1_000);
                part.apply_gain(i64::try_from(from).unwrap(), 2, &mut pieces[from * 2..to * 2]);
                from = to;
            }
            prop_assert_eq!(&whole[..from * 2], &pieces[..from * 2]);
        }
    }
}
