//! The operations in plain Rust.

use super::{RowMix, ScaledRows};
use crate::convert::fixed::{FixedMatrix, FixedTaps, WEIGHT_BITS};

/// Columns that are mixed at a time: their sums stay in registers or in the first-level cache.
const BLOCK: usize = 64;

pub(super) fn mix_rows(mix: &RowMix<'_>, out: &mut [i16]) {
    for (index, block) in out.chunks_mut(BLOCK).enumerate() {
        let mut sums = [1_i32 << (mix.kind.sum_shift - 1); BLOCK];
        for (tap, &weight) in mix.weights.iter().enumerate() {
            if weight == 0 {
                continue;
            }
            let row = &mix.row(tap)[index * BLOCK * mix.kind.bytes..];
            if mix.kind.bytes == 1 {
                for (sum, &sample) in sums.iter_mut().zip(&row[..block.len()]) {
                    *sum += i32::from(weight) * i32::from(sample);
                }
            } else {
                let samples = row[..block.len() * 2].chunks_exact(2);
                for (sum, bytes) in sums.iter_mut().zip(samples) {
                    let sample = u16::from_le_bytes([bytes[0], bytes[1]]) >> mix.kind.pre_shift;
                    *sum += i32::from(weight) * i32::from(sample.min(mix.kind.max_sample));
                }
            }
        }
        for (slot, sum) in block.iter_mut().zip(sums) {
            *slot = saturate_i16(sum >> mix.kind.sum_shift);
        }
    }
}

pub(super) fn scale_row(row: &[i16], taps: &FixedTaps, out: &mut [i16]) {
    let weights = taps.all_weights().chunks_exact(taps.width());
    for ((slot, &first), weights) in out.iter_mut().zip(taps.firsts()).zip(weights) {
        let samples = &row[first as usize..][..taps.width()];
        let products = samples
            .iter()
            .zip(weights)
            .map(|(&s, &w)| i32::from(s) * i32::from(w));
        let sum = products.sum::<i32>() + (1 << (WEIGHT_BITS - 1));
        *slot = saturate_i16(sum >> WEIGHT_BITS);
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
            *slot = saturate_u8((sum + offset) >> matrix.shift);
        }
        pixel[3] = 255;
    }
    if let Some(alpha) = rows.alpha {
        for (pixel, &a) in out.chunks_exact_mut(4).zip(alpha) {
            let sum = i32::from(a) * i32::from(matrix.alpha) + (1 << (matrix.shift - 1));
            pixel[3] = saturate_u8(sum >> matrix.shift);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to the range just before"
)]
fn saturate_i16(value: i32) -> i16 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range just before"
)]
fn saturate_u8(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}
