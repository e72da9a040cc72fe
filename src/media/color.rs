//! What the numbers in a picture mean: the tags of ITU-T H.273, reduced to what can be shown.

use super::pixel::ColorModel;

/// Whether codes use all values or leave room at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorRange {
    /// 16..235 for luma and 16..240 for colour differences at 8 bit (ITU-R BT.601-7 §2.5.3).
    Limited,
    /// All codes.
    Full,
}

/// How R'G'B' became Y'CbCr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatrixCoefficients {
    /// The planes are G, B, R already.
    Identity,
    /// ITU-R BT.601-7: Kr 0.299, Kb 0.114.
    Bt601,
    /// ITU-R BT.709-6: Kr 0.2126, Kb 0.0722.
    Bt709,
    /// ITU-R BT.2020-2 non-constant luminance: Kr 0.2627, Kb 0.0593.
    Bt2020,
    /// FCC 1953: Kr 0.30, Kb 0.11.
    Fcc,
    /// SMPTE 240M: Kr 0.212, Kb 0.087.
    Smpte240m,
    /// `YCgCo` (H.273 §8.3).
    YCgCo,
}

impl MatrixCoefficients {
    /// Kr and Kb of the luma equation, where the matrix has one.
    pub fn kr_kb(self) -> Option<(f64, f64)> {
        match self {
            Self::Identity | Self::YCgCo => None,
            Self::Bt601 => Some((0.299, 0.114)),
            Self::Bt709 => Some((0.2126, 0.0722)),
            Self::Bt2020 => Some((0.2627, 0.0593)),
            Self::Fcc => Some((0.30, 0.11)),
            Self::Smpte240m => Some((0.212, 0.087)),
        }
    }
}

/// The colours of pure red, green, blue and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primaries {
    /// ITU-R BT.709-6, sRGB.
    Bt709,
    /// ITU-R BT.601-7 525 lines, SMPTE 170M.
    Bt601Ntsc,
    /// ITU-R BT.601-7 625 lines, BT.470 BG.
    Bt601Pal,
    /// ITU-R BT.2020-2.
    Bt2020,
    /// SMPTE EG 432-1, P3 with D65 white.
    DisplayP3,
    /// SMPTE RP 431-2, P3 with the DCI white.
    DciP3,
}

/// How light became code values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferFunction {
    /// ITU-R BT.709-6, BT.601-7 and BT.2020-2, shown with BT.1886.
    Bt1886,
    /// IEC 61966-2-1.
    Srgb,
    /// A power of 2.2 (BT.470 M).
    Gamma22,
    /// A power of 2.8 (BT.470 BG).
    Gamma28,
    /// Proportional to light.
    Linear,
    /// SMPTE ST 2084, absolute up to 10,000 cd/m².
    Pq,
    /// ITU-R BT.2100-2 hybrid log-gamma.
    Hlg,
}

impl TransferFunction {
    /// Whether pictures must be tone-mapped to be seen on an SDR display.
    pub fn is_hdr(self) -> bool {
        matches!(self, Self::Pq | Self::Hlg)
    }
}

/// Where a colour sample lies relative to the luma samples it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChromaSiting {
    /// On the left luma column, midway between rows: MPEG-2, H.264 and HEVC by default.
    Left,
    /// Midway between columns and rows: JPEG, MPEG-1.
    Center,
    /// On the top left luma sample: BT.2020, UHD.
    TopLeft,
    /// Midway between columns, on the top row.
    Top,
    /// On the left column of the bottom row.
    BottomLeft,
    /// Midway between columns, on the bottom row.
    Bottom,
}

impl ChromaSiting {
    /// How far, in colour samples, a colour sample's centre lies right of and below where a centred
    /// one would be, when two luma samples share it: -0.25, 0 or 0.25. An axis without subsampling
    /// has no offset, whatever this says.
    pub fn offset(self) -> (f64, f64) {
        match self {
            Self::Left => (-0.25, 0.0),
            Self::Center => (0.0, 0.0),
            Self::TopLeft => (-0.25, -0.25),
            Self::Top => (0.0, -0.25),
            Self::BottomLeft => (-0.25, 0.25),
            Self::Bottom => (0.0, 0.25),
        }
    }
}

/// Light levels of the mastering display and of the content, in cd/m².
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HdrMetadata {
    /// Peak of the mastering display (SMPTE ST 2086), if stated.
    pub mastering_peak_nits: Option<f32>,
    /// Maximum content light level (CTA-861.3), if stated.
    pub max_content_light_nits: Option<f32>,
}

/// Everything that is needed to turn a picture's numbers into light, guesses already made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColorInfo {
    /// Use of the code values.
    pub range: ColorRange,
    /// Y'CbCr matrix.
    pub matrix: MatrixCoefficients,
    /// Gamut.
    pub primaries: Primaries,
    /// Transfer function.
    pub transfer: TransferFunction,
    /// Place of the colour samples.
    pub siting: ChromaSiting,
    /// Light levels, for HDR.
    pub hdr: Option<HdrMetadata>,
    /// Whether matrix, range, primaries or transfer had to be guessed.
    pub guessed: bool,
}

impl ColorInfo {
    /// sRGB code values that are ready for a screen: a converter passes them on as they are.
    pub const SCREEN_RGB: Self = Self {
        range: ColorRange::Full,
        matrix: MatrixCoefficients::Identity,
        primaries: Primaries::Bt709,
        transfer: TransferFunction::Srgb,
        siting: ChromaSiting::Center,
        hdr: None,
        guessed: false,
    };

    /// BT.709, limited range, left-sited: what untagged HD video is taken for.
    pub const BT709_LIMITED: Self = Self {
        range: ColorRange::Limited,
        matrix: MatrixCoefficients::Bt709,
        primaries: Primaries::Bt709,
        transfer: TransferFunction::Bt1886,
        siting: ChromaSiting::Left,
        hdr: None,
        guessed: false,
    };

    /// What it is, for people to read: `BT.709 matrix, limited range, …`. The matrix and the place of colour
    /// samples mean nothing where `model` has none.
    pub fn words(&self, model: ColorModel) -> String {
        let range = match self.range {
            ColorRange::Limited => "limited range",
            ColorRange::Full => "full range",
        };
        let matrix = match self.matrix {
            MatrixCoefficients::Identity => None,
            MatrixCoefficients::Bt601 => Some("BT.601 matrix"),
            MatrixCoefficients::Bt709 => Some("BT.709 matrix"),
            MatrixCoefficients::Bt2020 => Some("BT.2020 matrix"),
            MatrixCoefficients::Fcc => Some("FCC matrix"),
            MatrixCoefficients::Smpte240m => Some("SMPTE 240M matrix"),
            MatrixCoefficients::YCgCo => Some("YCgCo matrix"),
        };
        let primaries = match self.primaries {
            Primaries::Bt709 => "BT.709 primaries",
            Primaries::Bt601Ntsc => "BT.601 525-line primaries",
            Primaries::Bt601Pal => "BT.601 625-line primaries",
            Primaries::Bt2020 => "BT.2020 primaries",
            Primaries::DisplayP3 => "Display P3 primaries",
            Primaries::DciP3 => "DCI P3 primaries",
        };
        let transfer = match self.transfer {
            TransferFunction::Bt1886 => "BT.1886 transfer",
            TransferFunction::Srgb => "sRGB transfer",
            TransferFunction::Gamma22 => "gamma 2.2",
            TransferFunction::Gamma28 => "gamma 2.8",
            TransferFunction::Linear => "linear light",
            TransferFunction::Pq => "PQ transfer (HDR)",
            TransferFunction::Hlg => "HLG transfer (HDR)",
        };
        let siting = match self.siting {
            ChromaSiting::Left => "chroma left",
            ChromaSiting::Center => "chroma centred",
            ChromaSiting::TopLeft => "chroma top left",
            ChromaSiting::Top => "chroma top",
            ChromaSiting::BottomLeft => "chroma bottom left",
            ChromaSiting::Bottom => "chroma bottom",
        };
        let siting = (model == ColorModel::Yuv).then_some(siting);
        let matrix = if model == ColorModel::Yuv {
            matrix
        } else {
            None
        };
        let parts: Vec<&str> = [matrix, Some(range), Some(primaries), Some(transfer), siting]
            .into_iter()
            .flatten()
            .collect();
        let guessed = if self.guessed {
            " (guessed where tags are missing)"
        } else {
            ""
        };
        format!("{}{guessed}", parts.join(", "))
    }
}
