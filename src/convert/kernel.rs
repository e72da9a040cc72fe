//! The scaling kernel, and where its taps fall.
//!
//! The kernel is a triangle whose half-width is one source sample, or one output pixel where that is
//! wider: plain bilinear interpolation when a picture grows, an antialiasing filter when it shrinks,
//! nothing at all at 1:1. Weights are normalised; samples beyond an edge repeat the edge.
//!
//! Every plane is resampled straight from its own grid to the output's. A colour plane's coarser grid
//! and its siting only change where taps fall, so unscaled 4:2:0 gets bilinear colour at the right
//! place, and no picture is ever built at full colour resolution in between.

/// One axis of one plane: how output pixels map to its samples.
///
/// Output pixel `i` is centred on sample position `origin + i * step` (sample `j` is centred on `j`),
/// and sees samples nearer than `radius`, with weight `1 - |distance| / radius`, then normalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    /// Samples of the plane along this axis.
    pub samples: usize,
    /// Output pixels along this axis.
    pub outputs: usize,
    /// Samples from one output pixel to the next.
    pub step: f64,
    /// Sample position of output pixel 0's centre; may lie outside the plane.
    pub origin: f64,
    /// Half-width of the kernel in samples: `max(1, step)`.
    pub radius: f64,
}

impl Axis {
    /// The axis of a plane in a picture of `picture_len` pixels, shown in `out_len` pixels.
    ///
    /// `subsampling_log2` is that of this plane and axis (0 for luma, alpha and RGB);
    /// `siting_offset` is this axis' part of [`crate::media::ChromaSiting::offset`], of no effect
    /// without subsampling. Lengths of zero count as one.
    pub fn new(picture_len: u32, out_len: u32, siting_offset: f64, subsampling_log2: u8) -> Self {
        let (picture_len, out_len) = (picture_len.max(1), out_len.max(1));
        let factor = f64::from(1_u32 << subsampling_log2);
        let step = f64::from(picture_len) / (f64::from(out_len) * factor);
        // An offset of 0.25 stands for "on the first of two luma samples". In general a sample on the
        // first of f luma samples lies (f - 1) / 2 of them before the middle: 0 for one, 0.25 for
        // two, 0.375 for four, in units of colour samples.
        let offset = siting_offset * 2.0 * (1.0 - 1.0 / factor);
        Self {
            samples: picture_len.div_ceil(1 << subsampling_log2) as usize,
            outputs: out_len as usize,
            step,
            origin: 0.5 * step - 0.5 - offset,
            radius: step.max(1.0),
        }
    }

    /// Sample position of an output pixel's centre.
    pub fn centre(&self, output: usize) -> f64 {
        self.origin + self.step * output as f64
    }
}

/// The taps of every output pixel along one axis of one plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Taps {
    width: usize,
    samples: usize,
    first: Vec<u32>,
    weights: Vec<f64>,
}

impl Taps {
    /// The taps of [`Axis::new`] with the same arguments.
    pub fn for_axis(
        picture_len: u32,
        out_len: u32,
        siting_offset: f64,
        subsampling_log2: u8,
    ) -> Self {
        Self::new(&Axis::new(
            picture_len,
            out_len,
            siting_offset,
            subsampling_log2,
        ))
    }

    /// The taps of `axis`, edges folded in: every tap lies within the plane.
    pub fn new(axis: &Axis) -> Self {
        let windows: Vec<(u32, Vec<f64>)> = (0..axis.outputs)
            .map(|output| window(axis, output))
            .collect();
        let width = windows
            .iter()
            .map(|(_, weights)| weights.len())
            .max()
            .unwrap_or(1);
        let mut taps = Self {
            width,
            samples: axis.samples,
            first: Vec::with_capacity(axis.outputs),
            weights: Vec::with_capacity(axis.outputs * width),
        };
        for (first, weights) in windows {
            taps.first.push(first);
            taps.weights.extend_from_slice(&weights);
            taps.weights.resize(taps.first.len() * width, 0.0);
        }
        taps
    }

    /// The same taps with the last output pixel first, for mirrored pictures.
    #[must_use]
    pub fn reversed(&self) -> Self {
        let weights = self
            .weights
            .chunks(self.width)
            .rev()
            .flatten()
            .copied()
            .collect();
        Self {
            first: self.first.iter().rev().copied().collect(),
            weights,
            ..*self
        }
    }

    /// Output pixels.
    pub fn outputs(&self) -> usize {
        self.first.len()
    }

    /// Samples of the plane along this axis.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Weights per output pixel; unused ones at the end are zero, and may stand for samples beyond
    /// the plane.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Index of the sample that an output pixel's first weight belongs to.
    pub fn first(&self, output: usize) -> usize {
        self.first[output] as usize
    }

    /// An output pixel's weights; they sum to 1.
    pub fn weights(&self, output: usize) -> &[f64] {
        &self.weights[output * self.width..][..self.width]
    }

    /// All weights, output by output, for a GPU buffer.
    pub fn weights_f32(&self) -> Vec<f32> {
        self.weights
            .iter()
            .map(|&weight| super::matrix::f32_from(weight))
            .collect()
    }

    /// All first indices, for a GPU buffer.
    pub fn firsts(&self) -> &[u32] {
        &self.first
    }

    /// Whether every output pixel is the sample of the same index.
    pub fn is_identity(&self) -> bool {
        self.width == 1
            && self.samples == self.first.len()
            && self
                .first
                .iter()
                .zip(0..)
                .all(|(&first, index)| first == index)
    }
}

/// First sample and normalised weights of one output pixel.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "positions are clamped to a plane's samples, at most 65,535"
)]
fn window(axis: &Axis, output: usize) -> (u32, Vec<f64>) {
    /// Weights below this come from rounding of positions, not from the kernel.
    const LEAST_WEIGHT: f64 = 1e-9;

    let centre = axis.centre(output);
    let weight = |sample: i64| 1.0 - (sample as f64 - centre).abs() / axis.radius;
    let low = (centre - axis.radius).ceil() as i64;
    let high = (centre + axis.radius).floor() as i64;
    let seen = (low..=high).filter(|&sample| weight(sample) > LEAST_WEIGHT);
    let last_sample = axis.samples as i64 - 1;
    let clamped = |sample: i64| sample.clamp(0, last_sample);
    let total: f64 = seen.clone().map(weight).sum();
    let first = clamped(seen.clone().next().unwrap_or(low));
    let last = clamped(seen.clone().next_back().unwrap_or(low));
    let mut weights = vec![0.0; (last - first + 1) as usize];
    for sample in seen {
        weights[(clamped(sample) - first) as usize] += weight(sample) / total;
    }
    (first as u32, weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_scaling_is_the_identity() {
        for length in [1, 2, 161, 3840] {
            assert!(Taps::for_axis(length, length, -0.25, 0).is_identity());
        }
        assert!(!Taps::for_axis(4, 8, 0.0, 0).is_identity());
        assert!(!Taps::for_axis(8, 4, 0.0, 1).reversed().is_identity());
    }

    #[test]
    fn a_third_is_a_triangle_of_five() {
        let taps = Taps::for_axis(3840, 1280, 0.0, 0);
        assert_eq!((taps.width(), taps.first(10)), (5, 29));
        for (weight, ninths) in taps.weights(10).iter().zip([1.0, 2.0, 3.0, 2.0, 1.0]) {
            assert!((weight - ninths / 9.0).abs() < 1e-12);
        }
        // At the left edge the two samples beyond it count for the first.
        assert!(
            (taps.weights(0)[0] - 3.0 / 9.0).abs() < 1e-12,
            "{:?}",
            taps.weights(0)
        );
    }

    #[test]
    fn left_sited_colour_lies_on_even_pixels() {
        let taps = Taps::for_axis(8, 8, -0.25, 1);
        assert_eq!(taps.samples(), 4);
        assert!((taps.weights(2)[0] - 1.0).abs() < 1e-12 && taps.first(2) == 1);
        assert!((taps.weights(3)[0] - 0.5).abs() < 1e-12 && taps.first(3) == 1);
        // Four luma samples to one: luma sample 4 lies on colour sample 1.
        let taps = Taps::for_axis(8, 8, -0.25, 2);
        assert!((taps.weights(4)[0] - 1.0).abs() < 1e-12 && taps.first(4) == 1);
    }

    #[test]
    fn centred_colour_lies_between_pixels() {
        let taps = Taps::for_axis(8, 8, 0.0, 1);
        assert!((taps.weights(2)[0] - 0.25).abs() < 1e-12 && taps.first(2) == 0);
        assert!((taps.weights(3)[0] - 0.75).abs() < 1e-12 && taps.first(3) == 1);
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_within_the_plane(
            len in 1_u32..400, out in 1_u32..400, quarter in -1_i32..=1, log2 in 0_u8..=2,
        ) {
            let taps = Taps::for_axis(len, out, f64::from(quarter) * 0.25, log2);
            prop_assert_eq!(taps.outputs(), out as usize);
            for output in 0..taps.outputs() {
                let weights = taps.weights(output);
                let total: f64 = weights.iter().sum();
                prop_assert!((total - 1.0).abs() < 1e-9);
                let used = weights.iter().rposition(|&w| w > 0.0).unwrap();
                prop_assert!(taps.first(output) + used < taps.samples());
                prop_assert!(weights.iter().all(|&w| w >= 0.0));
            }
        }
    }
}
