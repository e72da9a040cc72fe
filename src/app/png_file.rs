//! Writing pictures as PNG.

use std::io::{self, BufWriter, Write};
use std::path::Path;

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
/// The file appears complete or not at all: it is written beside its place and renamed.
pub fn write_png(picture: &RgbaPicture, path: &Path) -> Result<(), PngError> {
    let name = || path.display().to_string();
    let io_error = |error| PngError::Io {
        path: name(),
        error,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::Builder::new()
        .prefix(".jogwheel-")
        .suffix(".png")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(io_error)?;
    let mut out = BufWriter::new(file);
    encode(picture, &mut out).map_err(|error| match error {
        png::EncodingError::IoError(error) => io_error(error),
        error => PngError::Encode {
            path: name(),
            error,
        },
    })?;
    let file = out
        .into_inner()
        .map_err(|error| io_error(error.into_error()))?;
    file.as_file().sync_all().map_err(io_error)?;
    make_readable(file.as_file()).map_err(io_error)?;
    file.persist(path).map_err(|error| io_error(error.error))?;
    Ok(())
}

/// Temporary files are for their owner only; a picture is as open as any other new file.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
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
