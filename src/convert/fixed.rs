//! Taps and colour matrices as 16-bit integers, for the fast path.
//!
//! Samples travel between passes as `i16` with 15 significant bits: `code << (15 - bits)`, so that
//! `madd` of two of them by two weights stays within 32 bits, and rounding between passes costs less
//! than a hundredth of an 8-bit code.

use std::ops::Range;

use super::kernel::Taps;
use super::matrix::YuvToRgb;
use crate::media::SampleDepth;

/// Weights of rows sum to `1 << ROW_WEIGHT_BITS`.
pub(super) const ROW_WEIGHT_BITS: u32 = 15;

/// Weights of columns sum to `1 << COLUMN_WEIGHT_BITS`.
pub(super) const COLUMN_WEIGHT_BITS: u32 = 14;

/// Bits after the point of [`FixedMatrix`].
pub(super) const MATRIX_BITS: u32 = 20;

/// The rows that each row of the output is mixed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowTaps {
    width: usize,
    first: Vec<u32>,
    weights: Vec<u16>,
}

impl RowTaps {
    pub(super) fn new(taps: &Taps) -> Self {
        let width = taps.width();
        let mut weights = Vec::with_capacity(taps.outputs() * width);
        for output in 0..taps.outputs() {
            let fixed = quantised(taps.weights(output), ROW_WEIGHT_BITS);
            weights.extend(fixed.map(|weight| u16::try_from(weight).unwrap_or(u16::MAX)));
        }
        Self {
            width,
            first: taps.firsts().to_vec(),
            weights,
        }
    }

    /// The first source row of an output row.
    pub(super) fn first(&self, output: usize) -> usize {
        self.first[output] as usize
    }

    /// Source rows that the next output row sees and this one does not.
    pub(super) fn ahead(&self, output: usize) -> Range<usize> {
        let rows = |output: usize| {
            let weights = self.weights(output).iter().rposition(|&weight| weight > 0);
            self.first(output)..self.first(output) + weights.map_or(0, |last| last + 1)
        };
        if output + 1 >= self.first.len() {
            return 0..0;
        }
        let (this, next) = (rows(output), rows(output + 1));
        // Pictures that are shown upside down are read backwards.
        if next.start < this.start {
            next.start..this.start.min(next.end)
        } else {
            this.end.max(next.start)..next.end.max(this.end)
        }
    }

    /// The weights of that row and of those that follow; zeros at the end may stand for rows beyond
    /// the plane.
    pub(super) fn weights(&self, output: usize) -> &[u16] {
        &self.weights[output * self.width..][..self.width]
    }
}

/// Taps of a range of columns. There is a first index and [`Self::width`] weights for each output, and
/// no first index plus the width passes [`Self::padded_samples`]; nor does a load of [`Gather`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnTaps {
    width: usize,
    samples: Range<usize>,
    first: Vec<u32>,
    weights: Vec<i16>,
    is_identity: bool,
    gather: Option<Gather>,
}

impl ColumnTaps {
    /// The taps of some output columns.
    pub(super) fn new(taps: &Taps, outputs: Range<usize>) -> Self {
        let start = outputs.clone().map(|o| taps.first(o)).min().unwrap_or(0);
        let ends = outputs.clone().map(|o| taps.first(o) + taps.width());
        let samples = start..ends.max().unwrap_or(1).min(taps.samples());
        // Four weights fill half a 128-bit register, eight a whole one.
        let width = if taps.width() <= 4 {
            4
        } else {
            taps.width().next_multiple_of(8)
        };
        let mut weights = Vec::with_capacity(outputs.len() * width);
        for (done, output) in outputs.clone().enumerate() {
            let fixed = quantised(taps.weights(output), COLUMN_WEIGHT_BITS);
            weights.extend(fixed.map(|weight| i16::try_from(weight).unwrap_or(i16::MAX)));
            weights.resize((done + 1) * width, 0);
        }
        let first: Vec<u32> = outputs
            .map(|output| u32::try_from(taps.first(output) - start).unwrap_or(u32::MAX))
            .collect();
        let gather = Gather::new(&first, &weights, width, taps.width());
        let is_identity = taps.is_identity();
        let fixed = Self {
            width,
            samples,
            first,
            weights,
            is_identity,
            gather,
        };
        assert_eq!(
            fixed.weights.len(),
            fixed.first.len() * width,
            "a full set for each output"
        );
        let room = fixed.padded_samples();
        assert!(
            fixed
                .first
                .iter()
                .all(|&first| first as usize + width <= room)
        );
        assert!(
            fixed
                .gather
                .as_ref()
                .is_none_or(|gather| gather.end() <= room)
        );
        fixed
    }

    /// Output columns.
    pub(super) fn outputs(&self) -> usize {
        self.first.len()
    }

    /// Weights per output column.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Samples that the taps see, as a range of the plane's.
    pub(super) fn samples(&self) -> Range<usize> {
        self.samples.clone()
    }

    /// Samples that a row must have room for, so that every weight has one; those beyond
    /// [`Self::samples`] may be anything.
    pub(super) fn padded_samples(&self) -> usize {
        self.samples.len() + self.width + Gather::PADDING
    }

    /// For each output column, the sample that its first weight belongs to, counted from the start of
    /// [`Self::samples`].
    pub(super) fn firsts(&self) -> &[u32] {
        &self.first
    }

    /// All weights, output by output. Those that fill up the width are zero, and their samples may lie
    /// beyond the range.
    pub(super) fn all_weights(&self) -> &[i16] {
        &self.weights
    }

    /// Whether output column `i` is simply sample `i` of the range.
    pub(super) fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// A quicker form of the same, where taps lie close together.
    pub(super) fn gather(&self) -> Option<&Gather> {
        self.gather.as_ref()
    }
}

/// Taps arranged for byte shuffles, possible up to a step of two samples: the samples that four
/// neighbouring outputs need for their first two weights then lie within 16 bytes, and so do those
/// for the next two weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gather {
    /// Pairs of weights per output.
    pairs: usize,
    groups: Vec<GatherGroup>,
    /// For each group, for each pair of weights, two weights for each of eight outputs.
    weights: Vec<[i16; 16]>,
}

/// Eight neighbouring outputs. The last group may overlap the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GatherGroup {
    /// Number of the first output.
    pub(super) at: usize,
    /// The first sample of the lower and of the upper four outputs.
    pub(super) base: [u32; 2],
    /// For each output, the four bytes of its two samples.
    pub(super) shuffle: [u8; 32],
}

impl Gather {
    /// Samples in a register of 16 bytes.
    const REACH: usize = 8;
    /// Pairs that are worth it.
    const MAX_PAIRS: usize = 3;
    /// Samples that loads may pass the end by.
    const PADDING: usize = Self::REACH + 2 * Self::MAX_PAIRS;

    /// `None` where taps lie too far apart or there are fewer than eight outputs.
    fn new(first: &[u32], weights: &[i16], stride: usize, width: usize) -> Option<Self> {
        let pairs = width.div_ceil(2);
        if first.len() < 8 || pairs > Self::MAX_PAIRS {
            return None;
        }
        let mut gather = Self {
            pairs,
            groups: Vec::new(),
            weights: Vec::new(),
        };
        for at in (0..first.len())
            .step_by(8)
            .map(|at| at.min(first.len() - 8))
        {
            let mut group = GatherGroup {
                at,
                base: [0; 2],
                shuffle: [0; 32],
            };
            for half in 0..2 {
                let firsts = &first[at + 4 * half..][..4];
                let base = firsts.iter().copied().min()?;
                group.base[half] = base;
                for (bytes, &first) in group.shuffle[16 * half..].chunks_exact_mut(4).zip(firsts) {
                    let start = usize::try_from(first - base).ok()?;
                    if start + 2 > Self::REACH {
                        return None;
                    }
                    for (byte, place) in bytes.iter_mut().zip(2 * start..) {
                        *byte = u8::try_from(place).ok()?;
                    }
                }
            }
            gather.groups.push(group);
            for pair in 0..pairs {
                let mut both = [0; 16];
                for (slot, output) in both.chunks_exact_mut(2).zip(at..) {
                    slot.copy_from_slice(&weights[output * stride + 2 * pair..][..2]);
                }
                gather.weights.push(both);
            }
        }
        Some(gather)
    }

    /// Pairs of weights per output.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// The groups, each with its weights, pair by pair.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&GatherGroup, &[[i16; 16]])> {
        self.groups
            .iter()
            .zip(self.weights.chunks_exact(self.pairs))
    }

    /// End of the last load.
    fn end(&self) -> usize {
        let bases = self.groups.iter().flat_map(|group| group.base);
        bases
            .max()
            .map_or(0, |base| base as usize + 2 * (self.pairs - 1) + Self::REACH)
    }
}

/// Weights that sum to exactly `1 << bits`: it is the running sum that is rounded, so that errors do
/// not add up over hundreds of taps.
#[expect(clippy::cast_possible_truncation, reason = "weights lie within 0..=1")]
fn quantised(weights: &[f64], bits: u32) -> impl Iterator<Item = i32> {
    let one = f64::from(1_u32 << bits);
    let (mut sum, mut given) = (0.0, 0);
    weights.iter().map(move |weight| {
        sum += weight;
        let due = (sum * one).round() as i32;
        let weight = due - given;
        given = due;
        weight
    })
}

/// The matrix from 15-bit samples to R, G, B of 0..255:
/// `(c[r][0]*s0 + c[r][1]*s1 + c[r][2]*s2 + offset[r]) >> MATRIX_BITS`, rounding included in the
/// offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FixedMatrix {
    pub(super) c: [[i16; 3]; 3],
    pub(super) offset: [i32; 3],
    /// Alpha's one coefficient; its offset is rounding alone.
    pub(super) alpha: i16,
}

impl FixedMatrix {
    /// Coefficients up to four times that of full-range luma fit, twice what any matrix of H.273
    /// asks for.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "float casts saturate, and see above"
    )]
    pub(super) fn new(matrix: &YuvToRgb, depth: SampleDepth) -> Self {
        let one = f64::from(1_u32 << MATRIX_BITS);
        let gain = 255.0 * code_per_sample(depth) * one;
        Self {
            c: matrix
                .m
                .map(|[a, b, c, _]| [a, b, c].map(|x| (x * gain).round() as i16)),
            offset: matrix
                .m
                .map(|row| ((row[3] * 255.0 + 0.5) * one).round() as i32),
            alpha: (gain / f64::from(depth.max_code())).round() as i16,
        }
    }
}

/// Code values that a 15-bit sample of 1 stands for.
pub(super) fn code_per_sample(depth: SampleDepth) -> f64 {
    f64::from(1_u32 << depth.bits()) / 32_768.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{ColorInfo, ColorRange, MatrixCoefficients, PixelFormat, Subsampling};

    #[test]
    fn weights_sum_exactly() {
        for (len, out) in [
            (3840, 1280),
            (1280, 1280),
            (8192, 16),
            (7, 1000),
            (65_535, 3),
        ] {
            let taps = Taps::for_axis(len, out, -0.25, 1);
            let columns = ColumnTaps::new(&taps, 0..taps.outputs());
            for weights in columns.all_weights().chunks(columns.width()) {
                let sum: i32 = weights.iter().map(|&w| i32::from(w)).sum();
                assert_eq!(sum, 1 << COLUMN_WEIGHT_BITS, "{len} to {out}");
            }
            let rows = RowTaps::new(&taps);
            for output in 0..taps.outputs() {
                let sum: u32 = rows.weights(output).iter().map(|&w| u32::from(w)).sum();
                assert_eq!(sum, 1 << ROW_WEIGHT_BITS, "{len} to {out} at {output}");
            }
        }
    }

    #[test]
    fn rows_ahead_are_those_that_come_new() {
        let taps = Taps::for_axis(90, 30, 0.0, 0);
        let rows = RowTaps::new(&taps);
        // Output 10 sees rows 29 to 33, output 11 rows 32 to 36.
        assert_eq!(rows.ahead(10), 34..37);
        assert!(rows.ahead(29).is_empty(), "nothing follows");
        let upside_down = RowTaps::new(&taps.reversed());
        assert_eq!(
            upside_down.ahead(10),
            53..56,
            "from rows 56 to 60 to rows 53 to 57"
        );
    }

    #[test]
    fn a_part_of_the_outputs_sees_a_part_of_the_samples() {
        let taps = Taps::for_axis(300, 100, 0.0, 0);
        let part = ColumnTaps::new(&taps, 50..60);
        assert_eq!(part.outputs(), 10);
        assert_eq!(part.samples(), 149..181);
        assert_eq!(part.firsts()[1], 3);
    }

    #[test]
    fn taps_that_lie_close_are_gathered() {
        let gathers = |len, out, log2| {
            let taps = Taps::for_axis(len, out, -0.25, log2);
            ColumnTaps::new(&taps, 0..taps.outputs()).gather().is_some()
        };
        assert!(gathers(1280, 1280, 1));
        assert!(gathers(3840, 1280, 1), "colour of 4K in 720 lines");
        assert!(gathers(1920, 1280, 0));
        assert!(!gathers(3840, 1280, 0));
        assert!(!gathers(7, 7, 0), "too few outputs");
    }

    #[test]
    fn every_matrix_fits() {
        use MatrixCoefficients::{Bt601, Bt709, Bt2020, Fcc, Smpte240m, YCgCo};
        for matrix in [Bt601, Bt709, Bt2020, Fcc, Smpte240m, YCgCo] {
            for range in [ColorRange::Full, ColorRange::Limited] {
                for bits in 8..=16 {
                    let depth = SampleDepth::new(bits).unwrap();
                    let color = ColorInfo {
                        range,
                        matrix,
                        ..ColorInfo::BT709_LIMITED
                    };
                    let format = PixelFormat::planar_yuv(Subsampling::S444, depth);
                    let fixed = FixedMatrix::new(&YuvToRgb::new(&color, format), depth);
                    assert!(
                        fixed.c.iter().flatten().all(|c| c.abs() < 20_000),
                        "{matrix:?}"
                    );
                }
            }
        }
    }
}
