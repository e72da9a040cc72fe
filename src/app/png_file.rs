//! Writing pictures as PNG.

use std::io::{self, Write};
use std::path::Path;

use super::new_file::NewFile;
use crate::gpu::RgbaPicture;

/// Why a picture was not written.
#[derive(Debug, thiserror::Error)]
pub enum PngError {
    /// The folder or the disk refused.
    #[error(
        "{path}: the picture cannot be written ({error}). Check that the folder exists, may be written to, and has room."
    )]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The picture could not be encoded.
    #[error("{path}: the picture cannot be encoded ({error}).")]
    Encode {
        /// The file.
        path: String,
        /// What the encoder said.
        error: png::EncodingError,
    },
}

/// Writes `picture` to `path`, 8 bits a channel, opaque or with straight alpha.
///
/// The file appears complete or not at all; see [`NewFile`].
pub fn write_png(picture: &RgbaPicture, path: &Path) -> Result<(), PngError> {
    let name = || path.display().to_string();
    let io_error = |error| PngError::Io {
        path: name(),
        error,
    };
    let mut out = NewFile::create(path).map_err(io_error)?;
    encode(picture, &mut out).map_err(|error| match error {
        png::EncodingError::IoError(error) => io_error(error),
        error => PngError::Encode {
            path: name(),
            error,
        },
    })?;
    out.finish().map_err(io_error)
}

fn encode(picture: &RgbaPicture, out: &mut impl Write) -> Result<(), png::EncodingError> {
    let (width, height) = (picture.size.width(), picture.size.height());
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.set_compression(png::Compression::Fast);
    encoder.write_header()?.write_image_data(&picture.rgba)
}
