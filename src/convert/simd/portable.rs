//! The operations in plain Rust.

use super::{NARROW_ROWS, ROW_WEIGHT_BITS, RowMix, SampleKind, ScaledRows};
use crate::convert::fixed::{COLUMN_WEIGHT_BITS, ColumnTaps, FixedMatrix, MATRIX_BITS};

/// Columns that are mixed at a time: their sums stay in registers or in the first-level cache.
const BLOCK: usize = 64;

pub(super) fn mix_rows(mix: &RowMix<'_>, out: &mut [i16]) {
    for (index, block) in out.chunks_mut(BLOCK).enumerate() {
        if mix.weights.len() <= NARROW_ROWS {
            mix_narrow(mix, index * BLOCK, block);
        } else {
            mix_wide(mix, index * BLOCK, block);
        }
    }
}

fn mix_narrow(mix: &RowMix<'_>, column: usize, out: &mut [i16]) {
    out.fill(mix.bias());
    for (tap, &weight) in mix.weights.iter().enumerate() {
        let samples = read_block(mix.row(tap), column, out.len(), mix.kind);
        for (sum, sample) in out.iter_mut().zip(samples) {
            let product = (u32::from(weight) * u32::from(sample)) >> 16;
            *sum = sum.saturating_add(half_of_u16(product));
        }
    }
}

fn mix_wide(mix: &RowMix<'_>, column: usize, out: &mut [i16]) {
    let mut sums = [1_i32 << (ROW_WEIGHT_BITS - 1); BLOCK];
    for (tap, &weight) in mix.weights.iter().enumerate() {
        let weight = i32::from(weight.min(0x7fff));
        let samples = read_block(mix.row(tap), column, out.len(), mix.kind);
        for (sum, sample) in sums.iter_mut().zip(samples) {
            *sum += weight * i32::from(sample >> 1);
        }
    }
    for (slot, sum) in out.iter_mut().zip(sums) {
        *slot = saturate_i16(sum >> ROW_WEIGHT_BITS);
    }
}

/// Up to [`BLOCK`] samples of a row as 16-bit ones.
fn read_block(row: &[u8], column: usize, count: usize, kind: SampleKind) -> [u16; BLOCK] {
    let mut samples = [0; BLOCK];
    let bytes = &row[column * kind.bytes..(column + count) * kind.bytes];
    if kind.bytes == 1 {
        for (slot, &byte) in samples.iter_mut().zip(bytes) {
            *slot = u16::from(byte) << 8;
        }
    } else {
        for (slot, pair) in samples.iter_mut().zip(bytes.chunks_exact(2)) {
            let sample = u16::from_le_bytes([pair[0], pair[1]]);
            *slot = sample.min(kind.max_sample) << kind.left_shift;
        }
    }
    samples
}

pub(super) fn scale_row(row: &[i16], taps: &ColumnTaps, out: &mut [i16]) {
    let weights = taps.all_weights().chunks_exact(taps.width());
    for ((slot, &first), weights) in out.iter_mut().zip(taps.firsts()).zip(weights) {
        let samples = &row[first as usize..][..taps.width()];
        let products = samples
            .iter()
            .zip(weights)
            .map(|(&s, &w)| i32::from(s) * i32::from(w));
        let sum = products.sum::<i32>() + (1 << (COLUMN_WEIGHT_BITS - 1));
        *slot = saturate_i16(sum >> COLUMN_WEIGHT_BITS);
    }
}

pub(super) fn part_pairs(pairs: &[i16], first: &mut [i16], second: &mut [i16]) {
    for ((pair, a), b) in pairs.chunks_exact(2).zip(first).zip(second) {
        (*a, *b) = (pair[0], pair[1]);
    }
}

pub(super) fn pack_row(rows: &ScaledRows<'_>, matrix: &FixedMatrix, out: &mut [u8]) {
    let [first, second, third] = rows.colours;
    let count = out.len() / 4;
    let colours = first[..count]
        .iter()
        .zip(&second[..count])
        .zip(&third[..count]);
    for (pixel, ((&a, &b), &c)) in out.chunks_exact_mut(4).zip(colours) {
        for (slot, (row, offset)) in pixel.iter_mut().zip(matrix.c.iter().zip(matrix.offset)) {
            let sum = i32::from(a) * i32::from(row[0])
                + i32::from(b) * i32::from(row[1])
                + i32::from(c) * i32::from(row[2]);
            *slot = saturate_u8((sum + offset) >> MATRIX_BITS);
        }
        pixel[3] = 255;
    }
    if let Some(alpha) = rows.alpha {
        for (pixel, &a) in out.chunks_exact_mut(4).zip(alpha) {
            let sum = i32::from(a) * i32::from(matrix.alpha) + (1 << (MATRIX_BITS - 1));
            pixel[3] = saturate_u8(sum >> MATRIX_BITS);
        }
    }
}

/// A product's upper half, which is below `1 << 15`, because weights are at most that.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a checked conversion is not vectorised"
)]
fn half_of_u16(product: u32) -> i16 {
    (product as u16).cast_signed()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to the range just before"
)]
fn saturate_i16(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[expect(clippy::cast_sign_loss, reason = "clamped to the range just before")]
fn saturate_u8(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}
