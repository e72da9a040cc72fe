//! Adjustments of the view: what a person changes to see better, never the media itself.

/// Which channels of the picture are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ViewChannel {
    /// The colour picture.
    #[default]
    Color,
    /// Red alone, as gray.
    Red,
    /// Green alone, as gray.
    Green,
    /// Blue alone, as gray.
    Blue,
    /// Alpha, as gray.
    Alpha,
    /// Luminance, as gray.
    Luma,
}

/// Adjustments of the view. They never change the media.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ViewSettings {
    /// Stops of exposure, applied to linear light.
    pub exposure_stops: f32,
    /// Display gamma; 1 leaves the picture as it is.
    pub gamma: f32,
    /// Channels shown.
    pub channel: ViewChannel,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            exposure_stops: 0.0,
            gamma: 1.0,
            channel: ViewChannel::Color,
        }
    }
}

/// How the two sides of a comparison, A and B, are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CompareMode {
    /// A on the left of a line, B on its right.
    #[default]
    Wipe,
    /// Both in full, beside one another.
    SideBySide,
    /// The absolute difference of their R'G'B'.
    Difference,
    /// A alone.
    OnlyA,
    /// B alone.
    OnlyB,
}

impl CompareMode {
    /// Its name on the command line and in reports: `side-by-side`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wipe => "wipe",
            Self::SideBySide => "side-by-side",
            Self::Difference => "difference",
            Self::OnlyA => "a",
            Self::OnlyB => "b",
        }
    }
}

/// How a comparison is shown. It never changes the media.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CompareView {
    /// How.
    pub mode: CompareMode,
    /// Where the line of a wipe stands: 0 at the picture's left edge, 1 at its right.
    pub position: f32,
}

impl Default for CompareView {
    fn default() -> Self {
        Self {
            mode: CompareMode::Wipe,
            position: 0.5,
        }
    }
}
