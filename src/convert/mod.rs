//! Conversion of decoded planes to RGBA8 at the size shown, on the CPU.
//!
//! This is the way pictures go on machines without a GPU, and the check on those that have one. The GPU's
//! compute shader is its twin: both follow the definitions here and are tested against
//! [`reference::convert`].
//!
//! - [`matrix`], [`light`], [`gamut`], [`tone`]: colour mathematics, each formula with its source.
//! - [`pipeline`]: which of them a picture needs ([`pipeline::ColorPath`]).
//! - [`kernel`]: the scaling kernel and its taps.
//! - [`mod@reference`]: all of it in slow, plain 64-bit floats.
//! - [`CpuConverter`]: the fast way. `plan` is what it works out once for frames and jobs alike,
//!   `fixed` its integers, `simd` its inner loops, `managed` its colours that pass through light.
//! - [`Deinterlacer`]: whole pictures from the first fields of interlaced ones.

mod cpu;
pub mod deinterlace;
mod fixed;
pub mod gamut;
mod inspect;
pub mod kernel;
pub mod light;
mod managed;
pub mod matrix;
pub mod pipeline;
mod plan;
pub mod reference;
mod simd;
#[cfg(test)]
mod tests;
pub mod tone;

pub use cpu::CpuConverter;
pub use deinterlace::Deinterlacer;
pub use inspect::{PixelReading, read_pixel};

use crate::media::{Orientation, PixelFormat, Size};

/// Why a frame was not converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The output has too few bytes, or its rows are too close together.
    #[error(
        "the output has {given_bytes} bytes, but needs {needed_bytes} with rows far enough apart"
    )]
    OutputTooSmall {
        /// Bytes that the result takes with the stride given.
        needed_bytes: usize,
        /// Bytes given.
        given_bytes: usize,
    },
    /// The frame's planes are missing or too small for its format and size.
    #[error("the frame's planes do not fit {format} at {size}")]
    WrongPlanes {
        /// The format that the frame says it has.
        format: PixelFormat,
        /// The size that it says it has.
        size: Size,
    },
    /// No decoder makes such a format, so nothing here converts it.
    #[error("{0} with this arrangement of planes cannot be converted")]
    UnsupportedFormat(PixelFormat),
}

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
