//! The inner loops of the fast path, by instruction set.
//!
//! Every operation works on whole rows, so choosing at run time costs nothing. All variants compute
//! the same integers, which tests assert; [`portable`] is what they mean.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::fixed::{ColumnTaps, FixedMatrix, ROW_WEIGHT_BITS};
use crate::media::{PixelFormat, Plane, PlaneArrangement};

/// The most rows that are mixed in 16 bits. Each product is cut to 15 bits, so the sum errs by up to
/// half a unit for each row: with 12, a twentieth of an 8-bit code. More rows, which is rare, are
/// mixed in 32 bits.
const NARROW_ROWS: usize = 12;

/// How a plane's samples lie in 8 or 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SampleKind {
    /// 1 or 2.
    pub(super) bytes: usize,
    /// Bits that a two-byte sample is shifted left by, so that it fills 16 bits.
    pub(super) left_shift: u32,
    /// The greatest two-byte sample; damaged files may hold greater ones.
    pub(super) max_sample: u16,
    /// Products with multiples of this weight are whole in their upper 16 bits.
    weight_step: u32,
}

impl SampleKind {
    pub(super) fn new(format: PixelFormat) -> Self {
        let bytes = format.depth.bytes();
        let left_shift = match format.arrangement {
            PlaneArrangement::Planar => 16 - u32::from(format.depth.bits()),
            PlaneArrangement::SemiPlanar => 0,
        };
        Self {
            bytes,
            left_shift,
            max_sample: u16::MAX >> left_shift,
            weight_step: 1 << format.depth.bits(),
        }
    }
}

/// The source rows of one output row: some consecutive rows of a plane and their weights.
#[derive(Debug, Clone)]
pub(super) struct RowMix<'a> {
    /// The plane.
    pub(super) plane: Plane<'a>,
    /// The first row.
    pub(super) first: usize,
    /// A weight for each row. Rows beyond the plane have weight zero.
    pub(super) weights: &'a [u16],
    /// Bytes to skip at the start of each row.
    pub(super) skip_bytes: usize,
    /// How to read samples.
    pub(super) kind: SampleKind,
    /// Rows that the next output row needs besides, to be brought into the cache meanwhile.
    pub(super) ahead: Range<usize>,
}

impl<'a> RowMix<'a> {
    /// Source row `tap`, from the first sample wanted; the last row again beyond the plane.
    fn row(&self, tap: usize) -> &'a [u8] {
        &self.plane.row((self.first + tap).min(self.plane.rows - 1))[self.skip_bytes..]
    }

    /// The same without rows that count for nothing.
    fn trimmed(&self) -> Self {
        let mut mix = self.clone();
        while let [0, rest @ ..] = mix.weights {
            mix.weights = rest;
            mix.first += 1;
        }
        while let [rest @ .., 0] = mix.weights {
            mix.weights = rest;
        }
        mix
    }

    /// What makes up on average for the parts of products that are cut off: half a unit for each
    /// row that loses any. Weights like 1/4 and 3/4, which unscaled 4:2:0 has, lose nothing.
    fn bias(&self) -> i16 {
        let lost = self.kind.weight_step - 1;
        let inexact = self
            .weights
            .iter()
            .filter(|&&weight| u32::from(weight) & lost != 0)
            .count();
        i16::try_from(inexact / 2).unwrap_or(i16::MAX)
    }
}

/// The colour rows of one output row, scaled, as 15-bit samples. Gray repeats its one row.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScaledRows<'a> {
    pub(super) colours: [&'a [i16]; 3],
    pub(super) alpha: Option<&'a [i16]>,
}

/// An instruction set that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Simd {
    /// Plain Rust, which the compiler vectorises for the target's baseline.
    Portable,
    /// 256-bit integers of x86-64-v3.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

/// Proof that the processor has AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Avx2(());

impl Simd {
    /// The best one of this processor.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            return Self::Avx2(Avx2(()));
        }
        Self::Portable
    }

    /// Mixes `out.len()` samples of source rows into 15-bit samples.
    pub(super) fn mix_rows(self, mix: &RowMix<'_>, out: &mut [i16]) {
        let mix = &mix.trimmed();
        match self {
            Self::Portable => portable::mix_rows(mix, out),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calls code for an instruction set")]
            // SAFETY: `Avx2` is built only where the processor has it.
            Self::Avx2(_) => unsafe { avx2::mix_rows(mix, out) },
        }
    }

    /// Scales a row: `out` gets one sample for each output of `taps`. `row` holds
    /// [`ColumnTaps::padded_samples`] or more.
    pub(super) fn scale_row(self, row: &[i16], taps: &ColumnTaps, out: &mut [i16]) {
        match self {
            Self::Portable => portable::scale_row(row, taps, out),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calls code for an instruction set")]
            // SAFETY: `Avx2` is built only where the processor has it.
            Self::Avx2(_) => unsafe { avx2::scale_row(row, taps, out) },
        }
    }

    /// Parts a row of pairs into two rows of `first.len()` samples.
    pub(super) fn part_pairs(self, pairs: &[i16], first: &mut [i16], second: &mut [i16]) {
        match self {
            Self::Portable => portable::part_pairs(pairs, first, second),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calls code for an instruction set")]
            // SAFETY: `Avx2` is built only where the processor has it.
            Self::Avx2(_) => unsafe { avx2::part_pairs(pairs, first, second) },
        }
    }

    /// Turns colour rows into `out.len() / 4` pixels of RGBA8.
    pub(super) fn pack_row(self, rows: &ScaledRows<'_>, matrix: &FixedMatrix, out: &mut [u8]) {
        match self {
            Self::Portable => portable::pack_row(rows, matrix, out),
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "calls code for an instruction set")]
            // SAFETY: `Avx2` is built only where the processor has it.
            Self::Avx2(_) => unsafe { avx2::pack_row(rows, matrix, out) },
        }
    }
}
