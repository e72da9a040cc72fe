//! What a picture's colours need on their way to the screen.
//!
//! The output is encoded for an SDR display with BT.709 primaries. Scaling acts on code values, before
//! anything here; then:
//!
//! | source | way |
//! |---|---|
//! | SDR; BT.709 or BT.601 primaries; BT.1886, sRGB or gamma 2.2 | the matrix alone: R'G'B' as it is |
//! | SDR, wide gamut | light, BT.709 primaries, fitted, encoded with the same transfer |
//! | linear light or gamma 2.8 | the same, encoded with sRGB |
//! | PQ, HLG | light in cd/m², tone curve, BT.709 primaries, fitted, encoded with sRGB |
//!
//! The first row is what other players do: the differences between those primaries are small, and a
//! file's R'G'B' then reaches the screen unchanged.

use super::gamut::{self, Matrix3};
use super::light;
use super::matrix::YuvToRgb;
use super::tone::{ToneCurve, source_peak_nits};
use crate::media::{ColorInfo, PixelFormat, Primaries, TransferFunction};

/// Which way a picture's colours go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ColorPath {
    /// R'G'B' from the matrix, clamped, is what is shown.
    Direct(YuvToRgb),
    /// Colours pass through linear light.
    Managed(ManagedColor),
}

/// The numbers of the longer way, for [`ManagedColor::apply`] and for uniforms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ManagedColor {
    /// R'G'B' from codes.
    pub matrix: YuvToRgb,
    /// How R'G'B' (clamped to 0..1) becomes light.
    pub source: TransferFunction,
    /// Weights of the source's R, G and B in luminance, for HLG's OOTF.
    pub luminance: [f64; 3],
    /// From cd/m² to relative light; `None` for SDR, whose light is relative already.
    pub tone: Option<ToneCurve>,
    /// Linear BT.709 from the source's linear RGB; afterwards [`gamut::fit_bt709`].
    pub gamut: Matrix3,
    /// How the result is encoded; never PQ or HLG.
    pub output: TransferFunction,
}

impl ColorPath {
    /// The way for pictures of `format` and `color`.
    pub fn new(color: &ColorInfo, format: PixelFormat) -> Self {
        use TransferFunction::{Bt1886, Gamma22, Srgb};
        let matrix = YuvToRgb::new(color, format);
        let wide = matches!(
            color.primaries,
            Primaries::Bt2020 | Primaries::DisplayP3 | Primaries::DciP3
        );
        let usual = matches!(color.transfer, Bt1886 | Srgb | Gamma22);
        if usual && !wide {
            return Self::Direct(matrix);
        }
        let peak = source_peak_nits(color.transfer, color.hdr);
        Self::Managed(ManagedColor {
            matrix,
            source: color.transfer,
            luminance: gamut::luminance_weights(color.primaries),
            tone: color.transfer.is_hdr().then(|| ToneCurve::new(peak)),
            gamut: gamut::bt709_from(color.primaries),
            output: if usual { color.transfer } else { Srgb },
        })
    }

    /// The matrix from codes to R'G'B'.
    pub fn matrix(&self) -> &YuvToRgb {
        match self {
            Self::Direct(matrix) => matrix,
            Self::Managed(managed) => &managed.matrix,
        }
    }

    /// The output's R'G'B', 0..1, of three codes.
    pub fn apply(&self, codes: [f64; 3]) -> [f64; 3] {
        match self {
            Self::Direct(matrix) => matrix.apply(codes).map(|c| c.clamp(0.0, 1.0)),
            Self::Managed(managed) => managed.apply(managed.matrix.apply(codes)),
        }
    }
}

impl ManagedColor {
    /// The output's R'G'B', 0..1, of the source's R'G'B'.
    pub fn apply(&self, rgb: [f64; 3]) -> [f64; 3] {
        let light = rgb.map(|c| light::linearize(self.source, c));
        let light = if self.source == TransferFunction::Hlg {
            light::nits_from_hlg_scene(light, self.luminance)
        } else {
            light
        };
        let relative = self.tone.map_or(light, |tone| tone.map_rgb(light));
        gamut::fit_bt709(gamut::apply(&self.gamut, relative)).map(|c| light::encode(self.output, c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{MatrixCoefficients, SampleDepth, Subsampling};

    fn format() -> PixelFormat {
        PixelFormat::planar_yuv(Subsampling::S420, SampleDepth::new(10).unwrap())
    }

    #[test]
    fn ordinary_video_goes_the_short_way() {
        for primaries in [Primaries::Bt709, Primaries::Bt601Ntsc, Primaries::Bt601Pal] {
            let color = ColorInfo {
                primaries,
                ..ColorInfo::BT709_LIMITED
            };
            assert!(matches!(
                ColorPath::new(&color, format()),
                ColorPath::Direct(_)
            ));
        }
    }

    #[test]
    fn wide_gamut_keeps_grays_and_clips_nothing_inside() {
        let color = ColorInfo {
            primaries: Primaries::Bt2020,
            matrix: MatrixCoefficients::Bt2020,
            ..ColorInfo::BT709_LIMITED
        };
        let path = ColorPath::new(&color, format());
        let gray = path.apply([502.0, 512.0, 512.0]);
        let expected = (502.0 - 64.0) / 876.0;
        assert!(gray.iter().all(|c| (c - expected).abs() < 1e-9), "{gray:?}");
    }

    #[test]
    fn hdr_white_and_peak() {
        for (transfer, white, peak) in [
            (TransferFunction::Pq, 0.580_7, 0.751_83),
            (TransferFunction::Hlg, 0.75, 1.0),
        ] {
            let color = ColorInfo {
                primaries: Primaries::Bt2020,
                matrix: MatrixCoefficients::Bt2020,
                transfer,
                ..ColorInfo::BT709_LIMITED
            };
            let ColorPath::Managed(managed) = ColorPath::new(&color, format()) else {
                panic!("{transfer:?} is managed");
            };
            let shown_white = managed.apply([white; 3])[0];
            assert!(
                (0.85..0.95).contains(&shown_white),
                "{transfer:?} {shown_white}"
            );
            assert!((managed.apply([peak; 3])[0] - 1.0).abs() < 1e-3);
            assert!(managed.apply([0.0; 3])[0].abs() < 1e-6);
        }
    }
}
