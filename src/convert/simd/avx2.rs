//! The operations with AVX2.
//!
//! Rows whose length is no multiple of a block end with a block that overlaps the one before it; rows
//! shorter than a block go to the portable code. Loads and stores check their bounds, which costs 3 % (12 %
//! from 8K) and leaves nothing else unsafe.
//!
//! Helpers are functions with `#[target_feature]`: as closures, they were not inlined, and the horizontal
//! pass took several times as long.

use std::arch::x86_64::{
    __m128i, __m256i, _MM_HINT_T0, _mm_cvtsi32_si128, _mm_loadu_si128, _mm_packs_epi32,
    _mm_prefetch, _mm_storeu_si128, _mm256_add_epi32, _mm256_adds_epi16, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_min_epu16, _mm256_mulhi_epu16, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set_m128i, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sll_epi16,
    _mm256_slli_epi32, _mm256_srai_epi32, _mm256_srli_epi16, _mm256_storeu_si256,
    _mm256_unpackhi_epi8, _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
};

use super::{NARROW_ROWS, ROW_WEIGHT_BITS, RowMix, SampleKind, ScaledRows, portable};
use crate::convert::fixed::{COLUMN_WEIGHT_BITS, ColumnTaps, FixedMatrix, Gather, MATRIX_BITS};

#[inline]
#[target_feature(enable = "avx2")]
fn load_256<T>(slice: &[T], at: usize) -> __m256i {
    let source = &slice[at..at + 32 / size_of::<T>()];
    #[expect(unsafe_code, reason = "an unaligned load")]
    // SAFETY: the slice holds 32 bytes.
    unsafe {
        _mm256_loadu_si256(source.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load_128<T>(slice: &[T], at: usize) -> __m128i {
    let source = &slice[at..at + 16 / size_of::<T>()];
    #[expect(unsafe_code, reason = "an unaligned load")]
    // SAFETY: the slice holds 16 bytes.
    unsafe {
        _mm_loadu_si128(source.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_256<T>(slice: &mut [T], at: usize, value: __m256i) {
    let target = &mut slice[at..at + 32 / size_of::<T>()];
    #[expect(unsafe_code, reason = "an unaligned store")]
    // SAFETY: the slice holds 32 bytes.
    unsafe {
        _mm256_storeu_si256(target.as_mut_ptr().cast(), value);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store_128<T>(slice: &mut [T], at: usize, value: __m128i) {
    let target = &mut slice[at..at + 16 / size_of::<T>()];
    #[expect(unsafe_code, reason = "an unaligned store")]
    // SAFETY: the slice holds 16 bytes.
    unsafe {
        _mm_storeu_si128(target.as_mut_ptr().cast(), value);
    }
}

/// Starts of blocks of `block` that cover `count`; the last may overlap. `count` is at least `block`.
fn blocks(count: usize, block: usize) -> impl Iterator<Item = usize> {
    (0..count)
        .step_by(block)
        .map(move |at| at.min(count - block))
}

/// Two 16-bit factors in each 32-bit lane, for `madd`.
#[inline]
#[target_feature(enable = "avx2")]
fn pair_factors(low: i16, high: i16) -> __m256i {
    _mm256_set1_epi32(i32::from(low) & 0xffff | i32::from(high) << 16)
}

/// Adds two registers' products with pairs of factors to the sums of 16 columns.
#[inline]
#[target_feature(enable = "avx2")]
fn add_pair(sums: [__m256i; 2], first: __m256i, second: __m256i, factors: __m256i) -> [__m256i; 2] {
    let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), factors);
    let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), factors);
    [
        _mm256_add_epi32(sums[0], low),
        _mm256_add_epi32(sums[1], high),
    ]
}

/// Reads 32 samples at a time as 16-bit ones.
#[derive(Clone, Copy)]
struct Reader {
    left_shift: __m128i,
    max_sample: __m256i,
}

impl Reader {
    #[target_feature(enable = "avx2")]
    fn new(kind: SampleKind) -> Self {
        Self {
            left_shift: _mm_cvtsi32_si128(kind.left_shift.cast_signed()),
            max_sample: _mm256_set1_epi16(kind.max_sample.cast_signed()),
        }
    }

    /// Samples `at..at + 32`, in the order that [`store_32`] straightens.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn samples<const BYTES: usize>(self, row: &[u8], at: usize) -> [__m256i; 2] {
        if BYTES == 1 {
            // With a byte of zero below it, each sample is shifted left by 8.
            let (zero, bytes) = (_mm256_setzero_si256(), load_256(row, at));
            [
                _mm256_unpacklo_epi8(zero, bytes),
                _mm256_unpackhi_epi8(zero, bytes),
            ]
        } else {
            [load_256(row, 2 * at), load_256(row, 2 * at + 32)].map(|samples| {
                let clamped = _mm256_min_epu16(samples, self.max_sample);
                _mm256_sll_epi16(clamped, self.left_shift)
            })
        }
    }
}

/// Stores 32 columns that were read by [`Reader::samples`].
#[inline]
#[target_feature(enable = "avx2")]
fn store_32<const BYTES: usize>(out: &mut [i16], at: usize, values: [__m256i; 2]) {
    let [a, b] = values;
    let [a, b] = if BYTES == 1 {
        [
            _mm256_permute2x128_si256::<0x20>(a, b),
            _mm256_permute2x128_si256::<0x31>(a, b),
        ]
    } else {
        [a, b]
    };
    store_256(out, at, a);
    store_256(out, at + 16, b);
}

/// Source rows of the next output row. Unless they are fetched ahead, a quarter of the time for 4K goes by
/// waiting for main memory (half of it for 10 bit): each row begins another page, at which the
/// processor's own prefetching stops.
struct RowsAhead {
    start: *const u8,
    stride: usize,
    rows: usize,
}

impl RowsAhead {
    fn new(mix: &RowMix<'_>) -> Self {
        let stride = mix.plane.stride;
        let start = mix
            .plane
            .bytes
            .as_ptr()
            .wrapping_add(mix.ahead.start * stride + mix.skip_bytes);
        Self {
            start,
            stride,
            rows: mix.ahead.len(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn prefetch(&self, at_bytes: usize) {
        for row in 0..self.rows {
            let address = self.start.wrapping_add(row * self.stride + at_bytes);
            // A hint to the cache; it reads nothing and does not fault, whatever the address.
            _mm_prefetch::<_MM_HINT_T0>(address.cast());
        }
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn mix_rows(mix: &RowMix<'_>, out: &mut [i16]) {
    if out.len() < 32 {
        return portable::mix_rows(mix, out);
    }
    if mix.kind.bytes == 1 {
        mix_rows_of::<1>(mix, out);
    } else {
        mix_rows_of::<2>(mix, out);
    }
}

#[target_feature(enable = "avx2")]
fn mix_rows_of<const BYTES: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    match mix.weights.len() {
        1 => mix_narrow::<BYTES, 1>(mix, out),
        2 => mix_narrow::<BYTES, 2>(mix, out),
        3 => mix_narrow::<BYTES, 3>(mix, out),
        4 => mix_narrow::<BYTES, 4>(mix, out),
        5 => mix_narrow::<BYTES, 5>(mix, out),
        6 => mix_narrow::<BYTES, 6>(mix, out),
        7 => mix_narrow::<BYTES, 7>(mix, out),
        8 => mix_narrow::<BYTES, 8>(mix, out),
        9 => mix_narrow::<BYTES, 9>(mix, out),
        10 => mix_narrow::<BYTES, 10>(mix, out),
        11 => mix_narrow::<BYTES, 11>(mix, out),
        NARROW_ROWS => mix_narrow::<BYTES, NARROW_ROWS>(mix, out),
        _ => mix_wide::<BYTES>(mix, out),
    }
}

/// Mixes a few rows, all at once, in 16 bits. Twice as quick as with `madd` in 32 bits; `maddubs`
/// would be quicker still, but leaves only 7 bits for weights.
#[target_feature(enable = "avx2")]
fn mix_narrow<const BYTES: usize, const ROWS: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    let mut rows: [&[u8]; ROWS] = [&[]; ROWS];
    let mut factors = [_mm256_setzero_si256(); ROWS];
    for (tap, &weight) in mix.weights.iter().enumerate().take(ROWS) {
        rows[tap] = &mix.row(tap)[..out.len() * BYTES];
        factors[tap] = _mm256_set1_epi16(weight.cast_signed());
    }
    let reader = Reader::new(mix.kind);
    let bias = _mm256_set1_epi16(mix.bias());
    let ahead = RowsAhead::new(mix);
    for at in blocks(out.len(), 32) {
        ahead.prefetch(at * BYTES);
        let mut sums = [bias; 2];
        for tap in 0..ROWS {
            let [low, high] = reader.samples::<BYTES>(rows[tap], at);
            sums[0] = _mm256_adds_epi16(sums[0], _mm256_mulhi_epu16(low, factors[tap]));
            sums[1] = _mm256_adds_epi16(sums[1], _mm256_mulhi_epu16(high, factors[tap]));
        }
        store_32::<BYTES>(out, at, sums);
    }
}

/// Mixes many rows, two by two, in 32 bits.
#[target_feature(enable = "avx2")]
fn mix_wide<const BYTES: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    let reader = Reader::new(mix.kind);
    let half = _mm256_set1_epi32(1 << (ROW_WEIGHT_BITS - 1));
    for at in blocks(out.len(), 32) {
        let mut sums = [[half; 2]; 2];
        for (pair, weights) in mix.weights.chunks(2).enumerate() {
            let first = reader.samples::<BYTES>(mix.row(2 * pair), at);
            // After an odd last row, the one beyond counts for nothing.
            let second = reader.samples::<BYTES>(mix.row(2 * pair + 1), at);
            let factor = |weight: u16| weight.min(0x7fff).cast_signed();
            let factors = pair_factors(factor(weights[0]), factor(*weights.get(1).unwrap_or(&0)));
            for part in 0..2 {
                let first = _mm256_srli_epi16::<1>(first[part]);
                let second = _mm256_srli_epi16::<1>(second[part]);
                sums[part] = add_pair(sums[part], first, second, factors);
            }
        }
        let mixed = sums.map(|[low, high]| {
            _mm256_packs_epi32(
                _mm256_srai_epi32::<{ ROW_WEIGHT_BITS.cast_signed() }>(low),
                _mm256_srai_epi32::<{ ROW_WEIGHT_BITS.cast_signed() }>(high),
            )
        });
        store_32::<BYTES>(out, at, mixed);
    }
}

/// Eight outputs' places in a row and their weights.
struct Window<'a> {
    row: &'a [i16],
    first: &'a [u32; 8],
    /// Eight times the width.
    weights: &'a [i16],
    width: usize,
}

impl Window<'_> {
    /// Eight samples of output `o` from tap `tap` on, and of output `o + 4` in the upper half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn samples_8(&self, o: usize, tap: usize) -> __m256i {
        let low = load_128(self.row, self.first[o] as usize + tap);
        let high = load_128(self.row, self.first[o + 4] as usize + tap);
        _mm256_set_m128i(high, low)
    }

    /// Eight weights from `low` on, and from `high` on in the upper half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn factors(&self, low: usize, high: usize) -> __m256i {
        _mm256_set_m128i(load_128(self.weights, high), load_128(self.weights, low))
    }

    /// Eight weighted sums of `WIDTH` samples each, or `self.width` where `WIDTH` is zero. `hadd` leaves
    /// them in order because outputs four apart share a register.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sums_of_8n<const WIDTH: usize>(&self) -> __m256i {
        let width = if WIDTH == 0 { self.width } else { WIDTH };
        let mut sums = [_mm256_setzero_si256(); 4];
        for (o, sum) in sums.iter_mut().enumerate() {
            for tap in (0..width).step_by(8) {
                let factors = self.factors(o * width + tap, (o + 4) * width + tap);
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(self.samples_8(o, tap), factors));
            }
        }
        let [a, b, c, d] = sums;
        _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d))
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn scale_row(row: &[i16], taps: &ColumnTaps, out: &mut [i16]) {
    match (taps.gather(), taps.width()) {
        (Some(gather), _) => match gather.pairs() {
            1 => scale_gathered::<1>(row, gather, out),
            2 => scale_gathered::<2>(row, gather, out),
            _ => scale_gathered::<3>(row, gather, out),
        },
        // Few taps that cannot be gathered do not occur in rows of any length.
        (None, 4) => portable::scale_row(row, taps, out),
        _ if taps.outputs() < 8 => portable::scale_row(row, taps, out),
        (None, 8) => scale_windows::<8>(row, taps, out),
        (None, _) => scale_windows::<0>(row, taps, out),
    }
}

/// Eight sums as 15-bit samples.
#[inline]
#[target_feature(enable = "avx2")]
fn store_8_sums(out: &mut [i16], at: usize, sums: __m256i) {
    let half = _mm256_set1_epi32(1 << (COLUMN_WEIGHT_BITS - 1));
    let rounded = _mm256_add_epi32(sums, half);
    let scaled = _mm256_srai_epi32::<{ COLUMN_WEIGHT_BITS.cast_signed() }>(rounded);
    let low = _mm256_castsi256_si128(scaled);
    let high = _mm256_extracti128_si256::<1>(scaled);
    store_128(out, at, _mm_packs_epi32(low, high));
}

/// [`scale_row`] for taps that lie close together: a shuffle brings two samples into each output's 32
/// bits, and `madd` sums their products in place. A third of the time of [`scale_windows`].
#[target_feature(enable = "avx2")]
fn scale_gathered<const PAIRS: usize>(row: &[i16], gather: &Gather, out: &mut [i16]) {
    for (group, weights) in gather.groups() {
        let shuffle = load_256(&group.shuffle, 0);
        let mut sums = _mm256_setzero_si256();
        for (pair, weights) in weights.iter().enumerate().take(PAIRS) {
            let low = load_128(row, group.base[0] as usize + 2 * pair);
            let high = load_128(row, group.base[1] as usize + 2 * pair);
            let samples = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), shuffle);
            sums = _mm256_add_epi32(sums, _mm256_madd_epi16(samples, load_256(weights, 0)));
        }
        store_8_sums(out, group.at, sums);
    }
}

/// [`scale_row`] for taps of `WIDTH`; zero stands for any multiple of eight.
#[target_feature(enable = "avx2")]
fn scale_windows<const WIDTH: usize>(row: &[i16], taps: &ColumnTaps, out: &mut [i16]) {
    let width = if WIDTH == 0 { taps.width() } else { WIDTH };
    for at in blocks(taps.outputs(), 8) {
        let Some(first) = taps.firsts()[at..].first_chunk() else {
            return;
        };
        let weights = &taps.all_weights()[at * width..(at + 8) * width];
        let window = Window {
            row,
            first,
            weights,
            width,
        };
        store_8_sums(out, at, window.sums_of_8n::<WIDTH>());
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn part_pairs(pairs: &[i16], first: &mut [i16], second: &mut [i16]) {
    let count = first.len();
    if count < 16 {
        return portable::part_pairs(pairs, first, second);
    }
    for at in blocks(count, 16) {
        let (a, b) = (load_256(pairs, 2 * at), load_256(pairs, 2 * at + 16));
        // Sign-extended to 32 bits, samples pack without saturating, though in the order 0 2 1 3.
        let low = |v| _mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(v));
        let firsts = _mm256_packs_epi32(low(a), low(b));
        let seconds = _mm256_packs_epi32(_mm256_srai_epi32::<16>(a), _mm256_srai_epi32::<16>(b));
        store_256(first, at, _mm256_permute4x64_epi64::<0b11_01_10_00>(firsts));
        store_256(
            second,
            at,
            _mm256_permute4x64_epi64::<0b11_01_10_00>(seconds),
        );
    }
}

/// The factors and offsets of [`FixedMatrix`] in registers.
struct PackFactors {
    first_second: [__m256i; 3],
    third: [__m256i; 3],
    offset: [__m256i; 3],
}

/// 16 sums of products with [`FixedMatrix`] as 16-bit integers.
#[inline]
#[target_feature(enable = "avx2")]
fn codes_from_sums([low, high]: [__m256i; 2]) -> __m256i {
    _mm256_packs_epi32(
        _mm256_srai_epi32::<{ MATRIX_BITS.cast_signed() }>(low),
        _mm256_srai_epi32::<{ MATRIX_BITS.cast_signed() }>(high),
    )
}

#[target_feature(enable = "avx2")]
pub(super) fn pack_row(rows: &ScaledRows<'_>, matrix: &FixedMatrix, out: &mut [u8]) {
    let count = out.len() / 4;
    if count < 16 {
        return portable::pack_row(rows, matrix, out);
    }
    let zero = _mm256_setzero_si256();
    let mut factors = PackFactors {
        first_second: [zero; 3],
        third: [zero; 3],
        offset: [zero; 3],
    };
    for channel in 0..3 {
        let [a, b, c] = matrix.c[channel];
        factors.first_second[channel] = pair_factors(a, b);
        factors.third[channel] = pair_factors(c, 0);
        factors.offset[channel] = _mm256_set1_epi32(matrix.offset[channel]);
    }
    let alpha_factor = pair_factors(matrix.alpha, 0);
    let half = _mm256_set1_epi32(1 << (MATRIX_BITS - 1));
    for at in blocks(count, 16) {
        let [first, second, third] = rows.colours.map(|row| load_256(row, at));
        let [r, g, b] = colours_16(first, second, third, &factors);
        let a = match rows.alpha {
            None => _mm256_set1_epi16(255),
            Some(alpha) => {
                codes_from_sums(add_pair([half; 2], load_256(alpha, at), zero, alpha_factor))
            }
        };
        let (low, high) = interleave_rgba(r, g, b, a);
        store_256(out, 4 * at, low);
        store_256(out, 4 * at + 32, high);
    }
}

/// R, G and B of 16 pixels, not yet clamped to 8 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn colours_16(
    first: __m256i,
    second: __m256i,
    third: __m256i,
    factors: &PackFactors,
) -> [__m256i; 3] {
    let zero = _mm256_setzero_si256();
    let mut out = [zero; 3];
    for (channel, out) in out.iter_mut().enumerate() {
        let sums = [factors.offset[channel]; 2];
        let sums = add_pair(sums, first, second, factors.first_second[channel]);
        *out = codes_from_sums(add_pair(sums, third, zero, factors.third[channel]));
    }
    out
}

/// 16 pixels of RGBA8, clamped, in two registers.
#[inline]
#[target_feature(enable = "avx2")]
fn interleave_rgba(r: __m256i, g: __m256i, b: __m256i, a: __m256i) -> (__m256i, __m256i) {
    let (rb, ga) = (_mm256_packus_epi16(r, b), _mm256_packus_epi16(g, a));
    let (rg, ba) = (_mm256_unpacklo_epi8(rb, ga), _mm256_unpackhi_epi8(rb, ga));
    let (even, odd) = (_mm256_unpacklo_epi16(rg, ba), _mm256_unpackhi_epi16(rg, ba));
    (
        _mm256_permute2x128_si256::<0x20>(even, odd),
        _mm256_permute2x128_si256::<0x31>(even, odd),
    )
}
