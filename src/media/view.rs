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
