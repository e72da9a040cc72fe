//! Primaries: from one set of red, green and blue lights to another.

use crate::media::Primaries;

/// A 3x3 matrix, rows first.
pub type Matrix3 = [[f64; 3]; 3];

/// Chromaticities (x, y) of red, green, blue and white.
fn chromaticities(primaries: Primaries) -> [(f64, f64); 4] {
    const D65: (f64, f64) = (0.3127, 0.3290);
    match primaries {
        // ITU-R BT.709-6 §1.
        Primaries::Bt709 => [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65],
        // SMPTE ST 170, ITU-R BT.601-7 525 lines.
        Primaries::Bt601Ntsc => [(0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65],
        // ITU-R BT.601-7 625 lines.
        Primaries::Bt601Pal => [(0.640, 0.330), (0.290, 0.600), (0.150, 0.060), D65],
        // ITU-R BT.2020-2 table 3.
        Primaries::Bt2020 => [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65],
        // SMPTE EG 432-1.
        Primaries::DisplayP3 => [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65],
        // SMPTE RP 431-2.
        Primaries::DciP3 => [
            (0.680, 0.320),
            (0.265, 0.690),
            (0.150, 0.060),
            (0.314, 0.351),
        ],
    }
}

/// X, Y, Z of a chromaticity with Y = 1.
fn xyz_from_xy((x, y): (f64, f64)) -> [f64; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

/// `a * b`.
pub fn multiply(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    a.map(|row| {
        [0, 1, 2]
            .map(|column| row[0] * b[0][column] + row[1] * b[1][column] + row[2] * b[2][column])
    })
}

/// `m * v`.
pub fn apply(m: &Matrix3, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// The inverse by cofactors; the matrices here are far from singular.
fn inverse(m: &Matrix3) -> Matrix3 {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant: f64 = (0..3).map(|c| m[0][c] * cofactor(0, c)).sum();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| cofactor(c, r) / determinant))
}

/// CIE XYZ of linear RGB with these primaries, white at Y = 1 (SMPTE RP 177).
pub fn xyz_from_rgb(primaries: Primaries) -> Matrix3 {
    let [red, green, blue, white] = chromaticities(primaries).map(xyz_from_xy);
    let columns = [0, 1, 2].map(|row| [red[row], green[row], blue[row]]);
    let gains = apply(
        &inverse(&columns),
        xyz_from_xy(chromaticities(primaries)[3]),
    );
    debug_assert!((white[1] - 1.0).abs() < 1e-12);
    columns.map(|row| [row[0] * gains[0], row[1] * gains[1], row[2] * gains[2]])
}

/// Weights of R, G and B in luminance.
pub fn luminance_weights(primaries: Primaries) -> [f64; 3] {
    xyz_from_rgb(primaries)[1]
}

/// Linear RGB of BT.709 from linear RGB of `source`. White stays white: where the white points
/// differ (DCI), they are adapted by Bradford's method.
pub fn bt709_from(source: Primaries) -> Matrix3 {
    /// Cone responses of XYZ (Lam 1985, as in ICC.1 annex E).
    const BRADFORD: Matrix3 = [
        [0.8951, 0.2664, -0.1614],
        [-0.7502, 1.7135, 0.0367],
        [0.0389, -0.0685, 1.0296],
    ];
    let white = |primaries| apply(&BRADFORD, xyz_from_xy(chromaticities(primaries)[3]));
    let (from, to) = (white(source), white(Primaries::Bt709));
    let gains = [0, 1, 2].map(|r| BRADFORD[r].map(|value| value * to[r] / from[r]));
    let adapt = multiply(&inverse(&BRADFORD), &gains);
    let to_rgb = inverse(&xyz_from_rgb(Primaries::Bt709));
    multiply(&to_rgb, &multiply(&adapt, &xyz_from_rgb(source)))
}

/// Brings linear BT.709 light into 0..1 by mixing it with the gray of its own luminance, no more
/// than is needed: hue and luminance stay, saturation gives way. Luminance itself is clamped.
///
/// Clipping each component by itself is cheaper but turns hues: saturated BT.2020 greens become
/// yellow.
pub fn fit_bt709(light: [f64; 3]) -> [f64; 3] {
    let weights = luminance_weights(Primaries::Bt709);
    let y: f64 = light
        .iter()
        .zip(weights)
        .map(|(c, weight)| c * weight)
        .sum();
    let gray = y.clamp(0.0, 1.0);
    // The largest share of colour that keeps every component within 0..1.
    let share = light.iter().fold(1.0_f64, |share, &c| {
        let limit = if c > 1.0 {
            (1.0 - gray) / (c - gray)
        } else {
            f64::INFINITY
        };
        let limit = if c < 0.0 { gray / (gray - c) } else { limit };
        share.min(limit)
    });
    light.map(|c| (gray + (c - gray) * share).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: [f64; 3], b: [f64; 3]) {
        assert!(
            a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12),
            "{a:?} is not {b:?}"
        );
    }

    #[test]
    fn bt2020_to_bt709_is_the_published_matrix() {
        // ITU-R BT.2087-0 annex 2, the inverse.
        let expected = [
            [1.6605, -0.5876, -0.0728],
            [-0.1246, 1.1329, -0.0083],
            [-0.0182, -0.1006, 1.1187],
        ];
        let actual = bt709_from(Primaries::Bt2020);
        for (a, e) in actual.iter().flatten().zip(expected.iter().flatten()) {
            assert!((a - e).abs() < 2e-4, "{actual:?}");
        }
    }

    #[test]
    fn white_stays_white_whatever_the_white_point() {
        use Primaries::{Bt601Ntsc, Bt601Pal, Bt709, Bt2020, DciP3, DisplayP3};
        for primaries in [Bt709, Bt601Ntsc, Bt601Pal, Bt2020, DisplayP3, DciP3] {
            for c in apply(&bt709_from(primaries), [1.0; 3]) {
                assert!((c - 1.0).abs() < 1e-9, "{primaries:?} {c}");
            }
        }
    }

    #[test]
    fn fitting_keeps_luminance_and_inner_colours() {
        near(fit_bt709([0.25, 0.5, 0.75]), [0.25, 0.5, 0.75]);
        let green = apply(&bt709_from(Primaries::Bt2020), [0.1, 0.9, 0.1]);
        assert!(green[0] < 0.0);
        let fitted = fit_bt709(green);
        let luminance = |rgb| apply(&xyz_from_rgb(Primaries::Bt709), rgb)[1];
        assert!((luminance(fitted) - luminance(green)).abs() < 1e-9);
        assert!(fitted.iter().all(|c| (0.0..=1.0).contains(c)));
        near(fit_bt709([-1.0, -1.0, -1.0]), [0.0; 3]);
        near(fit_bt709([3.0, 3.0, 3.0]), [1.0; 3]);
    }
}
