//! From code values to R'G'B': the affine map that every `Y'CbCr`, RGB and gray format needs.

use crate::media::{ColorInfo, ColorModel, ColorRange, MatrixCoefficients};
use crate::media::{PixelFormat, PlaneArrangement, SampleDepth};

/// An affine map from three integer code values to R'G'B', where 0..1 spans black to white.
///
/// Row `r` gives component `r` of (R', G', B') as `m[r][0]*c0 + m[r][1]*c1 + m[r][2]*c2 + m[r][3]`.
/// The codes stand in plane order: Y, Cb, Cr or G, B, R; gray has only the first, and the others
/// count for nothing. Results may leave 0..1 (super-white, colours outside the gamut) and are not
/// clamped here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct YuvToRgb {
    /// The three rows of the map.
    pub m: [[f64; 4]; 3],
}

/// How one component's codes become its value: `value = (code - zero) * gain`.
#[derive(Debug, Clone, Copy)]
struct CodeScale {
    zero: f64,
    gain: f64,
}

impl CodeScale {
    /// Luma and R, G, B: 16..235 at 8 bit where the range is limited, times 2^(n-8) at n bits
    /// (ITU-R BT.709-6 §3.4, BT.2100-2 table 9).
    fn luma(range: ColorRange, depth: SampleDepth) -> Self {
        match range {
            ColorRange::Limited => {
                let unit = f64::from(1_u32 << (depth.bits() - 8));
                Self {
                    zero: 16.0 * unit,
                    gain: 1.0 / (219.0 * unit),
                }
            }
            ColorRange::Full => Self {
                zero: 0.0,
                gain: 1.0 / f64::from(depth.max_code()),
            },
        }
    }

    /// Colour differences, -0.5..0.5: 16..240 around 128 where the range is limited. The full range
    /// is centred on 2^(n-1), so its most positive value falls one code short (H.273 §8.3).
    fn chroma(range: ColorRange, depth: SampleDepth) -> Self {
        let zero = f64::from(1_u32 << (depth.bits() - 1));
        match range {
            ColorRange::Limited => Self {
                zero,
                gain: 1.0 / (224.0 * f64::from(1_u32 << (depth.bits() - 8))),
            },
            ColorRange::Full => Self {
                zero,
                gain: 1.0 / f64::from(depth.max_code()),
            },
        }
    }
}

impl YuvToRgb {
    /// The map that `color` asks for in pictures of `format`.
    ///
    /// RGB and gray ignore the matrix tag. A `Y'CbCr` format tagged `Identity` holds G, B, R.
    pub fn new(color: &ColorInfo, format: PixelFormat) -> Self {
        let luma = CodeScale::luma(color.range, format.depth);
        let chroma = CodeScale::chroma(color.range, format.depth);
        let (rows, scales) = match (format.model, color.matrix) {
            (ColorModel::Gray, _) => (
                [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]],
                [luma; 3],
            ),
            (ColorModel::Rgb, _) | (ColorModel::Yuv, MatrixCoefficients::Identity) => (
                [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
                [luma; 3],
            ),
            (ColorModel::Yuv, matrix) => (rgb_from_ycc(matrix), [luma, chroma, chroma]),
        };
        let m = rows.map(|row| {
            let mut out = [0.0; 4];
            for ((weight, scale), slot) in row.iter().zip(scales).zip(0..3) {
                out[slot] = weight * scale.gain;
                out[3] -= weight * scale.gain * scale.zero;
            }
            out
        });
        Self { m }
    }

    /// R', G', B' of three codes.
    pub fn apply(&self, codes: [f64; 3]) -> [f64; 3] {
        self.m
            .map(|[a, b, c, d]| a * codes[0] + b * codes[1] + c * codes[2] + d)
    }

    /// The map for samples read from normalised textures (`R8Unorm`, `Rg16Unorm` and so on), where a
    /// plane of `format` gives `sample / 255` or `sample / 65535`.
    pub fn rows_for_unorm(&self, format: PixelFormat) -> [[f32; 4]; 3] {
        let scale = code_per_unorm(format);
        self.m
            .map(|[a, b, c, d]| [a * scale, b * scale, c * scale, d].map(f32_from))
    }
}

/// Bits by which samples of `format` lie left of their code value: 6 for P010, 0 for planar formats.
pub fn sample_shift(format: PixelFormat) -> u32 {
    match format.arrangement {
        PlaneArrangement::SemiPlanar if format.depth.bytes() == 2 => {
            16 - u32::from(format.depth.bits())
        }
        _ => 0,
    }
}

/// The code value that a normalised texture's 1.0 stands for.
pub fn code_per_unorm(format: PixelFormat) -> f64 {
    let sample_max = if format.depth.bytes() == 1 {
        255.0
    } else {
        65_535.0
    };
    sample_max / f64::from(1_u32 << sample_shift(format))
}

/// R', G', B' from Y and colour differences of -0.5..0.5 (H.273 §8.3, equations 38 to 46 and 55).
fn rgb_from_ycc(matrix: MatrixCoefficients) -> [[f64; 3]; 3] {
    match matrix.kr_kb() {
        Some((kr, kb)) => {
            let kg = 1.0 - kr - kb;
            let (r_cr, b_cb) = (2.0 * (1.0 - kr), 2.0 * (1.0 - kb));
            [
                [1.0, 0.0, r_cr],
                [1.0, -b_cb * kb / kg, -r_cr * kr / kg],
                [1.0, b_cb, 0.0],
            ]
        }
        // Only YCgCo is left: the caller has dealt with `Identity`.
        None => [[1.0, -1.0, 1.0], [1.0, 1.0, 0.0], [1.0, -1.0, -1.0]],
    }
}

/// The nearest `f32`, for uniforms and SIMD code.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to f32 is the purpose"
)]
pub(crate) fn f32_from(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Subsampling;

    fn near(actual: [f64; 3], expected: [f64; 3]) {
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() < 1e-3, "{actual:?} is not {expected:?}");
        }
    }

    fn yuv(bits: u8) -> PixelFormat {
        PixelFormat::planar_yuv(Subsampling::S444, SampleDepth::new(bits).unwrap())
    }

    #[test]
    fn limited_black_and_white_at_every_depth() {
        for bits in 8..=16 {
            let map = YuvToRgb::new(&ColorInfo::BT709_LIMITED, yuv(bits));
            let unit = f64::from(1_u32 << (bits - 8));
            near(
                map.apply([16.0 * unit, 128.0 * unit, 128.0 * unit]),
                [0.0; 3],
            );
            near(
                map.apply([235.0 * unit, 128.0 * unit, 128.0 * unit]),
                [1.0; 3],
            );
        }
    }

    #[test]
    fn pure_colours_of_bt709() {
        // 75 % bars would do as well; these are the codes of 100 % red and blue in BT.709.
        let map = YuvToRgb::new(&ColorInfo::BT709_LIMITED, yuv(10));
        near(map.apply([250.2, 409.3, 960.0]), [1.0, 0.0, 0.0]);
        near(map.apply([127.2, 960.0, 471.0]), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn identity_holds_green_first() {
        let format = PixelFormat {
            model: ColorModel::Rgb,
            ..yuv(8)
        };
        let color = ColorInfo {
            range: ColorRange::Full,
            ..ColorInfo::BT709_LIMITED
        };
        near(
            YuvToRgb::new(&color, format).apply([255.0, 51.0, 102.0]),
            [0.4, 1.0, 0.2],
        );
    }

    #[test]
    fn ycgco_turns_back() {
        let color = ColorInfo {
            range: ColorRange::Full,
            matrix: MatrixCoefficients::YCgCo,
            ..ColorInfo::BT709_LIMITED
        };
        // R 1, G 0, B 0: Y 0.25, Cg -0.25, Co 0.5.
        let codes = [0.25 * 1023.0, 512.0 - 0.25 * 1023.0, 512.0 + 0.5 * 1023.0];
        near(YuvToRgb::new(&color, yuv(10)).apply(codes), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn textures_give_the_same_as_codes() {
        let p010 = PixelFormat {
            arrangement: PlaneArrangement::SemiPlanar,
            ..yuv(10)
        };
        let map = YuvToRgb::new(&ColorInfo::BT709_LIMITED, p010);
        let rows = map.rows_for_unorm(p010);
        let unorm = |code: f64| code * 64.0 / 65_535.0;
        let row = rows[0].map(f64::from);
        let red = row[0] * unorm(300.0) + row[1] * unorm(400.0) + row[2] * unorm(700.0) + row[3];
        assert!((red - map.apply([300.0, 400.0, 700.0])[0]).abs() < 1e-5);
    }
}
