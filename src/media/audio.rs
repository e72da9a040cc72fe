//! Sound in memory.

use std::num::NonZeroU32;

/// What a channel carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChannelRole {
    /// Front left.
    FrontLeft,
    /// Front right.
    FrontRight,
    /// Front centre, and mono.
    FrontCenter,
    /// Low-frequency effects.
    Lfe,
    /// Back or side left.
    SurroundLeft,
    /// Back or side right.
    SurroundRight,
    /// Back centre.
    BackCenter,
    /// Anything else: a discrete track, a height channel.
    Other,
}

/// The roles of interleaved channels, in order. At least one, at most 64.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelLayout(Vec<ChannelRole>);

impl ChannelLayout {
    /// `None` when there are no channels or more than 64.
    pub fn new(roles: Vec<ChannelRole>) -> Option<Self> {
        (1..=64).contains(&roles.len()).then_some(Self(roles))
    }

    /// One centre channel.
    pub fn mono() -> Self {
        Self(vec![ChannelRole::FrontCenter])
    }

    /// Left and right.
    pub fn stereo() -> Self {
        Self(vec![ChannelRole::FrontLeft, ChannelRole::FrontRight])
    }

    /// The roles, in order.
    pub fn roles(&self) -> &[ChannelRole] {
        &self.0
    }

    /// Number of channels.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Sample rate and channels of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AudioFormat {
    /// Samples a second in each channel.
    pub rate: NonZeroU32,
    /// The channels.
    pub layout: ChannelLayout,
}

/// Interleaved 32-bit float samples, nominally within ±1.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioSamples {
    /// Rate and channels.
    pub format: AudioFormat,
    /// `frame_count() * format.layout.count()` values.
    pub interleaved: Vec<f32>,
}

impl AudioSamples {
    /// Samples in each channel.
    pub fn frame_count(&self) -> usize {
        self.interleaved.len() / self.format.layout.count()
    }
}
