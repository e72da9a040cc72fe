//! Every instruction set gives the same integers as the portable code.

use proptest::prelude::*;

use super::*;
use crate::convert::fixed::RowTaps;
use crate::convert::kernel::Taps;
use crate::convert::matrix::YuvToRgb;
use crate::media::{ColorInfo, ColorModel, SampleDepth, Subsampling};

/// Numbers that look random and are the same in every run.
fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn samples(count: usize, seed: u64) -> Vec<i16> {
    let bytes = noise(2 * count, seed);
    bytes
        .chunks(2)
        .map(|pair| i16::from_le_bytes([pair[0], pair[1] & 0x7f]))
        .collect()
}

fn format(bits: u8, arrangement: PlaneArrangement) -> PixelFormat {
    let depth = SampleDepth::new(bits).unwrap();
    PixelFormat {
        arrangement,
        ..PixelFormat::planar_yuv(Subsampling::S444, depth)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mixing_is_the_same(
        columns in 1_usize..200, rows in 1_u32..40, out_rows in 1_u32..40, bits in 8_u8..=16,
        high in any::<bool>(), seed in any::<u64>(),
    ) {
        let arrangement =
            if high { PlaneArrangement::SemiPlanar } else { PlaneArrangement::Planar };
        let kind = SampleKind::new(format(bits, arrangement));
        let stride = columns * kind.bytes + 5;
        let bytes = noise(stride * rows as usize, seed);
        let plane = Plane {
            bytes: &bytes, stride, row_bytes: columns * kind.bytes, rows: rows as usize,
        };
        let taps = RowTaps::new(&Taps::for_axis(rows, out_rows, 0.0, 0));
        for output in 0..out_rows as usize {
            let mix = RowMix {
                plane,
                first: taps.first(output),
                weights: taps.weights(output),
                skip_bytes: 0,
                kind,
                ahead: 0..0,
            };
            let (mut expected, mut actual) = (vec![0; columns], vec![0; columns]);
            Simd::Portable.mix_rows(&mix, &mut expected);
            Simd::detect().mix_rows(&mix, &mut actual);
            prop_assert_eq!(expected, actual);
        }
    }

    #[test]
    fn scaling_is_the_same(len in 1_u32..300, out in 1_u32..300, seed in any::<u64>()) {
        let taps = ColumnTaps::new(&Taps::for_axis(len, out, -0.25, 0), 0..out as usize);
        let row = samples(taps.padded_samples(), seed);
        let (mut expected, mut actual) = (vec![0; out as usize], vec![0; out as usize]);
        Simd::Portable.scale_row(&row, &taps, &mut expected);
        Simd::detect().scale_row(&row, &taps, &mut actual);
        prop_assert_eq!(expected, actual);
    }

    #[test]
    fn parting_is_the_same(count in 1_usize..200, seed in any::<u64>()) {
        let pairs = samples(2 * count, seed);
        let (mut a, mut b) = (vec![0; count], vec![0; count]);
        Simd::detect().part_pairs(&pairs, &mut a, &mut b);
        prop_assert!((0..count).all(|i| (a[i], b[i]) == (pairs[2 * i], pairs[2 * i + 1])));
    }

    #[test]
    fn packing_is_the_same(count in 1_usize..200, with_alpha in any::<bool>(), seed in any::<u64>()) {
        let rows: Vec<_> = (0..4).map(|row| samples(count, seed ^ row)).collect();
        let scaled = ScaledRows {
            colours: [&rows[0], &rows[1], &rows[2]],
            alpha: with_alpha.then_some(&rows[3]),
        };
        for model in [ColorModel::Yuv, ColorModel::Rgb] {
            let format = PixelFormat { model, ..format(12, PlaneArrangement::Planar) };
            let map = YuvToRgb::new(&ColorInfo::BT709_LIMITED, format);
            let matrix = FixedMatrix::new(&map, format.depth);
            let (mut expected, mut actual) = (vec![0; 4 * count], vec![0; 4 * count]);
            Simd::Portable.pack_row(&scaled, &matrix, &mut expected);
            Simd::detect().pack_row(&scaled, &matrix, &mut actual);
            prop_assert_eq!(expected, actual);
        }
    }
}
