//! Taps and colour matrices as 16-bit integers, for the fast path.
//!
//! Samples travel between passes as `i16` with 15 significant bits: `code << (15 - bits)`, so that
//! `madd` of two of them by two weights stays within 32 bits, and rounding between passes costs less
//! than a hundredth of an 8-bit code.

use std::ops::Range;

use super::kernel::Taps;
use super::matrix::YuvToRgb;
use crate::media::SampleDepth;

/// Weights sum to `1 << WEIGHT_BITS`.
pub(super) const WEIGHT_BITS: u32 = 14;

/// Taps of a range of output pixels as integers.
///
/// Fields are private because unchecked loads rely on what the constructor guarantees: there is a
/// first index and [`Self::width`] weights for each output, and no first index plus the width passes
/// [`Self::padded_samples`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FixedTaps {
    width: usize,
    samples: Range<usize>,
    first: Vec<u32>,
    weights: Vec<i16>,
    is_identity: bool,
}

impl FixedTaps {
    /// For mixing rows: an even number of weights.
    pub(super) fn down(taps: &Taps, outputs: Range<usize>) -> Self {
        Self::new(taps, outputs, |width| width.next_multiple_of(2))
    }

    /// For mixing columns: 4 weights, or a multiple of 8.
    pub(super) fn across(taps: &Taps, outputs: Range<usize>) -> Self {
        Self::new(taps, outputs, |width| {
            if width <= 4 {
                4
            } else {
                width.next_multiple_of(8)
            }
        })
    }

    fn new(taps: &Taps, outputs: Range<usize>, pad: impl Fn(usize) -> usize) -> Self {
        let start = outputs.clone().map(|o| taps.first(o)).min().unwrap_or(0);
        let end = outputs
            .clone()
            .map(|o| taps.first(o) + taps.width())
            .max()
            .unwrap_or(1);
        let width = pad(taps.width());
        let mut weights = Vec::with_capacity(outputs.len() * width);
        for (done, output) in outputs.clone().enumerate() {
            quantise(taps.weights(output), &mut weights);
            weights.resize((done + 1) * width, 0);
        }
        let first: Vec<u32> = outputs
            .map(|output| u32::try_from(taps.first(output) - start).unwrap_or(u32::MAX))
            .collect();
        let samples = start..end.min(taps.samples());
        let fixed = Self { width, samples, first, weights, is_identity: taps.is_identity() };
        assert_eq!(fixed.weights.len(), fixed.first.len() * width, "a full set of weights for each");
        assert!(
            fixed.first.iter().all(|&first| first as usize + width <= fixed.padded_samples()),
            "every weight has a sample or padding"
        );
        fixed
    }

    /// Weights per output pixel.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Samples that the taps see, as a range of the plane's.
    pub(super) fn samples(&self) -> Range<usize> {
        self.samples.clone()
    }

    /// For each output pixel, the sample that its first weight belongs to, counted from the start of
    /// [`Self::samples`].
    pub(super) fn firsts(&self) -> &[u32] {
        &self.first
    }

    /// All weights, output by output. Those that fill up the width are zero, and their samples may lie
    /// beyond the range.
    pub(super) fn all_weights(&self) -> &[i16] {
        &self.weights
    }

    /// Whether output pixel `i` is simply sample `i` of the range.
    pub(super) fn is_identity(&self) -> bool {
        self.is_identity
    }

    /// Output pixels.
    pub(super) fn outputs(&self) -> usize {
        self.first.len()
    }

    /// Samples that a row must have room for, padding included, so that every weight has one.
    pub(super) fn padded_samples(&self) -> usize {
        self.samples.len() + self.width
    }

    /// One output pixel's weights.
    pub(super) fn weights(&self, output: usize) -> &[i16] {
        &self.weights[output * self.width..][..self.width]
    }
}

/// Appends weights that sum to exactly one: it is the running sum that is rounded, so that errors do
/// not add up over hundreds of taps.
#[expect(
    clippy::cast_possible_truncation,
    reason = "weights lie within 0..=1 << WEIGHT_BITS"
)]
fn quantise(weights: &[f64], out: &mut Vec<i16>) {
    let one = f64::from(1_i32 << WEIGHT_BITS);
    let (mut sum, mut given) = (0.0, 0);
    for weight in weights {
        sum += weight;
        let due = (sum * one).round() as i32;
        out.push((due - given) as i16);
        given = due;
    }
}

/// The matrix from 15-bit samples to R, G, B of 0..255:
/// `(c[r][0]*s0 + c[r][1]*s1 + c[r][2]*s2 + offset[r]) >> shift`, rounding included in the offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FixedMatrix {
    pub(super) c: [[i16; 3]; 3],
    pub(super) offset: [i32; 3],
    pub(super) shift: u32,
    /// The same for alpha, which has one coefficient and only rounding for an offset.
    pub(super) alpha: i16,
}

impl FixedMatrix {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shift is chosen so that all fits"
    )]
    pub(super) fn new(matrix: &YuvToRgb, depth: SampleDepth) -> Self {
        let code_per_sample = code_per_sample(depth);
        let alpha = 255.0 * code_per_sample / f64::from(depth.max_code());
        let gain = 255.0 * code_per_sample;
        let largest = matrix
            .m
            .iter()
            .flat_map(|row| &row[..3])
            .fold(alpha, |a, &b| a.max(b.abs() * gain));
        // 20 leaves room for coefficients up to 4 times that of full-range luma, which is more than
        // any matrix of H.273 asks for; the search is for safety only.
        let shift = (0..=20)
            .rev()
            .find(|&shift| largest * f64::from(1_u32 << shift) <= 32_767.0)
            .unwrap_or(0);
        let one = f64::from(1_u32 << shift);
        Self {
            c: matrix
                .m
                .map(|[a, b, c, _]| [a, b, c].map(|x| (x * gain * one).round() as i16)),
            offset: matrix
                .m
                .map(|row| ((row[3] * 255.0 + 0.5) * one).round() as i32),
            shift,
            alpha: (alpha * one).round() as i16,
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
    use crate::media::{
        ColorInfo, ColorRange, MatrixCoefficients, PixelFormat, Subsampling, TransferFunction,
    };

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
            let fixed = FixedTaps::across(&taps, 0..taps.outputs());
            for output in 0..taps.outputs() {
                let sum: i32 = fixed.weights(output).iter().map(|&w| i32::from(w)).sum();
                assert_eq!(sum, 1 << WEIGHT_BITS, "{len} to {out} at {output}");
            }
        }
    }

    #[test]
    fn a_part_of_the_outputs_sees_a_part_of_the_samples() {
        let taps = Taps::for_axis(300, 100, 0.0, 0);
        let part = FixedTaps::across(&taps, 50..60);
        assert_eq!(part.outputs(), 10);
        assert_eq!(part.samples(), 149..181);
        assert_eq!(part.firsts()[1], 3);
    }

    #[test]
    fn every_matrix_keeps_the_full_precision() {
        use MatrixCoefficients::{Bt601, Bt709, Bt2020, Fcc, Smpte240m, YCgCo};
        for matrix in [Bt601, Bt709, Bt2020, Fcc, Smpte240m, YCgCo] {
            for range in [ColorRange::Full, ColorRange::Limited] {
                for bits in 8..=16 {
                    let depth = SampleDepth::new(bits).unwrap();
                    let transfer = TransferFunction::Bt1886;
                    let color = ColorInfo {
                        matrix,
                        range,
                        transfer,
                        ..ColorInfo::BT709_LIMITED
                    };
                    let format = PixelFormat::planar_yuv(Subsampling::S444, depth);
                    let fixed = FixedMatrix::new(&YuvToRgb::new(&color, format), depth);
                    assert_eq!(fixed.shift, 20);
                }
            }
        }
    }
}
