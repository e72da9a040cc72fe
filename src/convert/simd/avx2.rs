//! The operations with AVX2.
//!
//! Rows whose length is no multiple of a block end with a block that overlaps the one before it; rows
//! shorter than a block go to the portable code. Loads and stores check their bounds, which costs a
//! few percent and leaves only the two of them unsafe.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_loadl_epi64, _mm_loadu_si128, _mm_packs_epi32,
    _mm_storeu_si128, _mm_unpacklo_epi64, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256,
    _mm256_madd_epi16, _mm256_min_epu16, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute2x128_si256, _mm256_permute4x64_epi64, _mm256_set_m128i, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sll_epi16, _mm256_slli_epi32, _mm256_sra_epi32,
    _mm256_srai_epi32, _mm256_srl_epi16, _mm256_storeu_si256, _mm256_unpackhi_epi8,
    _mm256_unpackhi_epi16, _mm256_unpacklo_epi8, _mm256_unpacklo_epi16,
};

use super::{RowMix, SampleKind, ScaledRows, portable};
use crate::convert::fixed::{FixedMatrix, FixedTaps, WEIGHT_BITS};

/// The most pairs of rows for which code is unrolled and rows stay in registers: enough to shrink to
/// 3/11 and less. More go pair by pair through memory.
const MAX_PAIRS: usize = 4;

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

#[inline]
#[target_feature(enable = "avx2")]
fn shift_count(bits: u32) -> __m128i {
    _mm_cvtsi32_si128(bits.cast_signed())
}

/// [`SampleKind`] in registers.
#[derive(Clone, Copy)]
struct Reader {
    pre_shift: __m128i,
    sum_shift: __m128i,
    max_sample: __m256i,
    half: __m256i,
}

impl Reader {
    #[target_feature(enable = "avx2")]
    fn new(kind: SampleKind) -> Self {
        Self {
            pre_shift: shift_count(kind.pre_shift),
            sum_shift: shift_count(kind.sum_shift),
            max_sample: _mm256_set1_epi16(kind.max_sample.cast_signed()),
            half: _mm256_set1_epi32(1 << (kind.sum_shift - 1)),
        }
    }

    /// Samples `at..at + 16` of a row as 16-bit ones.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn samples<const BYTES: usize>(&self, row: &[u8], at: usize) -> __m256i {
        if BYTES == 1 {
            _mm256_cvtepu8_epi16(load_128(row, at))
        } else {
            let samples = _mm256_srl_epi16(load_256(row, at * 2), self.pre_shift);
            _mm256_min_epu16(samples, self.max_sample)
        }
    }

    /// 16 sums as 15-bit samples.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn samples_from_sums(&self, sums: [__m256i; 2]) -> __m256i {
        let [low, high] = sums;
        _mm256_packs_epi32(
            _mm256_sra_epi32(low, self.sum_shift),
            _mm256_sra_epi32(high, self.sum_shift),
        )
    }
}

#[target_feature(enable = "avx2")]
pub(super) fn mix_rows(mix: &RowMix<'_>, out: &mut [i16]) {
    if out.len() < 16 {
        return portable::mix_rows(mix, out);
    }
    if mix.kind.bytes == 1 {
        mix_rows_of::<1>(mix, out)
    } else {
        mix_rows_of::<2>(mix, out)
    }
}

#[target_feature(enable = "avx2")]
fn mix_rows_of<const BYTES: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    if mix.is_copy() {
        return copy_row::<BYTES>(mix, out);
    }
    match mix.weights.len() / 2 {
        1 => mix_pairs::<BYTES, 1>(mix, out),
        2 => mix_pairs::<BYTES, 2>(mix, out),
        3 => mix_pairs::<BYTES, 3>(mix, out),
        MAX_PAIRS => mix_pairs::<BYTES, MAX_PAIRS>(mix, out),
        _ => mix_many::<BYTES>(mix, out),
    }
}

/// One row with weight one: only its samples' width changes.
#[target_feature(enable = "avx2")]
fn copy_row<const BYTES: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    let row = mix.row(0);
    let reader = Reader::new(mix.kind);
    let left = shift_count(WEIGHT_BITS - mix.kind.sum_shift);
    for at in blocks(out.len(), 16) {
        store_256(
            out,
            at,
            _mm256_sll_epi16(reader.samples::<BYTES>(row, at), left),
        );
    }
}

/// Adds two rows' products to the sums of 16 columns.
#[inline]
#[target_feature(enable = "avx2")]
fn add_pair(sums: [__m256i; 2], upper: __m256i, lower: __m256i, factors: __m256i) -> [__m256i; 2] {
    let low = _mm256_madd_epi16(_mm256_unpacklo_epi16(upper, lower), factors);
    let high = _mm256_madd_epi16(_mm256_unpackhi_epi16(upper, lower), factors);
    [
        _mm256_add_epi32(sums[0], low),
        _mm256_add_epi32(sums[1], high),
    ]
}

#[target_feature(enable = "avx2")]
fn mix_pairs<const BYTES: usize, const PAIRS: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    let bytes = out.len() * BYTES;
    let rows: [[&[u8]; 2]; PAIRS] =
        std::array::from_fn(|pair| [&mix.row(2 * pair)[..bytes], &mix.row(2 * pair + 1)[..bytes]]);
    let mut factors = [_mm256_setzero_si256(); PAIRS];
    for (factor, weights) in factors.iter_mut().zip(mix.weights.chunks_exact(2)) {
        *factor = pair_factors(weights[0], weights[1]);
    }
    let reader = Reader::new(mix.kind);
    for at in blocks(out.len(), 16) {
        let mut sums = [reader.half; 2];
        for pair in 0..PAIRS {
            let upper = reader.samples::<BYTES>(rows[pair][0], at);
            let lower = reader.samples::<BYTES>(rows[pair][1], at);
            sums = add_pair(sums, upper, lower, factors[pair]);
        }
        store_256(out, at, reader.samples_from_sums(sums));
    }
}

#[target_feature(enable = "avx2")]
fn mix_many<const BYTES: usize>(mix: &RowMix<'_>, out: &mut [i16]) {
    let reader = Reader::new(mix.kind);
    for at in blocks(out.len(), 16) {
        let mut sums = [reader.half; 2];
        for (pair, weights) in mix.weights.chunks_exact(2).enumerate() {
            let upper = reader.samples::<BYTES>(mix.row(2 * pair), at);
            let lower = reader.samples::<BYTES>(mix.row(2 * pair + 1), at);
            sums = add_pair(sums, upper, lower, pair_factors(weights[0], weights[1]));
        }
        store_256(out, at, reader.samples_from_sums(sums));
    }
}

/// Eight outputs' places in a row and their weights, checked once for all loads.
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
        #[expect(
            unsafe_code,
            reason = "bounds checks at every tap cost a quarter of the time"
        )]
        // SAFETY: `scale_row` checked that the row holds the padded samples, so `FixedTaps` guarantees
        // that first + width lies within it; callers stay below the width.
        unsafe {
            let row = self.row.as_ptr().add(tap);
            let low = _mm_loadu_si128(row.add(self.first[o] as usize).cast());
            let high = _mm_loadu_si128(row.add(self.first[o + 4] as usize).cast());
            _mm256_set_m128i(high, low)
        }
    }

    /// Four samples of output `o` and of the next, and of the two that follow by four in the upper half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn samples_4(&self, o: usize) -> __m256i {
        #[expect(unsafe_code, reason = "as above")]
        // SAFETY: as above, with a width of four.
        unsafe {
            let row = self.row.as_ptr();
            let at = |o: usize| _mm_loadl_epi64(row.add(self.first[o] as usize).cast());
            let low = _mm_unpacklo_epi64(at(o), at(o + 1));
            let high = _mm_unpacklo_epi64(at(o + 4), at(o + 5));
            _mm256_set_m128i(high, low)
        }
    }

    /// Eight weights from `low` on, and from `high` on in the upper half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn factors(&self, low: usize, high: usize) -> __m256i {
        _mm256_set_m128i(load_128(self.weights, high), load_128(self.weights, low))
    }

    /// Eight weighted sums of four samples each. The order in which outputs share registers is the
    /// one that `hadd` brings back into line.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn sums_of_4(&self) -> __m256i {
        let first = _mm256_madd_epi16(self.samples_4(0), self.factors(0, 16));
        let second = _mm256_madd_epi16(self.samples_4(2), self.factors(8, 24));
        _mm256_hadd_epi32(first, second)
    }

    /// Eight weighted sums of `WIDTH` samples each, or `self.width` where `WIDTH` is zero.
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
pub(super) fn scale_row(row: &[i16], taps: &FixedTaps, out: &mut [i16]) {
    if taps.outputs() < 8 {
        return portable::scale_row(row, taps, out);
    }
    match taps.width() {
        4 => scale_row_of::<4>(row, taps, out),
        8 => scale_row_of::<8>(row, taps, out),
        _ => scale_row_of::<0>(row, taps, out),
    }
}

/// [`scale_row`] for taps of `WIDTH`; zero stands for any multiple of eight.
#[target_feature(enable = "avx2")]
fn scale_row_of<const WIDTH: usize>(row: &[i16], taps: &FixedTaps, out: &mut [i16]) {
    assert!(
        row.len() >= taps.padded_samples(),
        "the row has room for all weights"
    );
    let width = if WIDTH == 0 { taps.width() } else { WIDTH };
    let half = _mm256_set1_epi32(1 << (WEIGHT_BITS - 1));
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
        let sums = if WIDTH == 4 {
            window.sums_of_4()
        } else {
            window.sums_of_8n::<WIDTH>()
        };
        let scaled =
            _mm256_srai_epi32::<{ WEIGHT_BITS.cast_signed() }>(_mm256_add_epi32(sums, half));
        let low = _mm256_castsi256_si128(scaled);
        let high = _mm256_extracti128_si256::<1>(scaled);
        store_128(out, at, _mm_packs_epi32(low, high));
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
    shift: __m128i,
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
        shift: shift_count(matrix.shift),
    };
    for channel in 0..3 {
        let [a, b, c] = matrix.c[channel];
        factors.first_second[channel] = pair_factors(a, b);
        factors.third[channel] = pair_factors(c, 0);
        factors.offset[channel] = _mm256_set1_epi32(matrix.offset[channel]);
    }
    let alpha_factor = pair_factors(matrix.alpha, 0);
    let half = _mm256_set1_epi32(1 << (matrix.shift - 1));
    for at in blocks(count, 16) {
        let [first, second, third] = rows.colours.map(|row| load_256(row, at));
        let [r, g, b] = colours_16(first, second, third, &factors);
        let a = match rows.alpha {
            None => _mm256_set1_epi16(255),
            Some(alpha) => {
                let samples = load_256(alpha, at);
                let sums = add_pair([half; 2], samples, zero, alpha_factor);
                let [low, high] = [
                    _mm256_sra_epi32(sums[0], factors.shift),
                    _mm256_sra_epi32(sums[1], factors.shift),
                ];
                _mm256_packs_epi32(low, high)
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
    let ab = [
        _mm256_unpacklo_epi16(first, second),
        _mm256_unpackhi_epi16(first, second),
    ];
    let c = [
        _mm256_unpacklo_epi16(third, zero),
        _mm256_unpackhi_epi16(third, zero),
    ];
    let mut out = [zero; 3];
    for channel in 0..3 {
        let mut sums = [zero; 2];
        for half in 0..2 {
            let products = _mm256_add_epi32(
                _mm256_madd_epi16(ab[half], factors.first_second[channel]),
                _mm256_madd_epi16(c[half], factors.third[channel]),
            );
            let sum = _mm256_add_epi32(products, factors.offset[channel]);
            sums[half] = _mm256_sra_epi32(sum, factors.shift);
        }
        out[channel] = _mm256_packs_epi32(sums[0], sums[1]);
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
