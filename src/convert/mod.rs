//! Conversion of decoded planes to RGBA8 at the size shown, on the CPU.
//!
//! This is the way pictures go on machines without a GPU, and for thumbnails and checks. The GPU's
//! compute shader is its twin: both follow the definitions here and are tested against
//! [`reference::convert`].
//!
//! - [`matrix`], [`light`], [`gamut`], [`tone`]: colour mathematics, each formula with its source.
//! - [`pipeline`]: which of them a picture needs ([`pipeline::ColorPath`]).
//! - [`kernel`]: the scaling kernel and its taps.
//! - [`reference`]: all of it in slow, plain 64-bit floats.

pub mod gamut;
pub mod kernel;
pub mod light;
pub mod matrix;
pub mod pipeline;
pub mod reference;
pub mod tone;

use crate::media::{Orientation, Size};

/// What a conversion is to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvertJob {
    /// Size of the result, after the picture has been turned.
    pub out: Size,
    /// How the stored picture is turned.
    pub orientation: Orientation,
}

/// The size of the scaled picture before it is turned.
pub(crate) fn stored_output(job: &ConvertJob) -> Size {
    job.orientation.apply(job.out)
}
