//! Why a proxy cannot be made.

use std::io;
use std::path::{Path, PathBuf};

use super::codec::ProxyCodec;
use crate::decode::{AudioReadError, DecodeError, OpenError, ReadError};
use crate::jobs::JobStop;
use crate::media::{MatrixCoefficients, Size};

/// Why a proxy cannot be made, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// The source cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The source cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The source's sound cannot be decoded.
    #[error(transparent)]
    Sound(#[from] AudioReadError),
    /// The sound changes its rate or its channels.
    #[error("{0}: its sound changes its rate or channels on the way, which a proxy cannot.")]
    SoundChanges(PathBuf),
    /// There are no pictures.
    #[error("{0}: it has no pictures that can be decoded, so there is nothing to make a proxy of.")]
    NoPictures(PathBuf),
    /// It is a still picture.
    #[error("{0}: it is a single picture, which needs no proxy.")]
    Still(PathBuf),
    /// It has transparency.
    #[error("{0}: it has transparency, which no proxy codec here keeps. Play the source.")]
    Alpha(PathBuf),
    /// It is HDR, and the codec has too few codes for it.
    #[error("{0}: it is HDR, for which {1} has too few codes. Use --codec h264-intra.")]
    Hdr(PathBuf, ProxyCodec),
    /// It is interlaced, and the codec knows no fields.
    #[error("{0}: it is interlaced, and {1} cannot tell the fields apart. Use --codec h264-intra.")]
    Fields(PathBuf, ProxyCodec),
    /// Some of its pictures are interlaced and some are not, or in another order.
    #[error("{0}: its pictures are not interlaced alike throughout. Play the source.")]
    FieldsChange(PathBuf),
    /// Its colours are stored in a way that cannot be scaled.
    #[error("{0}: its colours are stored as {1:?}, which cannot be scaled. Play the source.")]
    Matrix(PathBuf, MatrixCoefficients),
    /// Its pictures change their size.
    #[error("{0}: its pictures change from {1} to {2} on the way, which a proxy cannot.")]
    SizeChanges(PathBuf, Size, Size),
    /// The encoder is missing.
    #[error("this FFmpeg has no encoder for {0} (it is called {encoder}). Use another --codec.", encoder = .0.encoder())]
    NoEncoder(ProxyCodec),
    /// The encoder failed.
    #[error("the encoder for {0} failed ({1}). Another size or --codec may work.")]
    Encoder(ProxyCodec, String),
    /// Scaling failed.
    #[error("{0}.")]
    Scale(String),
    /// The disk is full.
    #[error("{0}: the disk is full. Make room, or name a folder on another disk with --proxy-dir.")]
    DiskFull(PathBuf),
    /// Writing failed.
    #[error("{0}: cannot be written ({1}). Check the folder, or name another with --proxy-dir.")]
    Write(PathBuf, io::Error),
    /// The source is another one by now.
    #[error("{0}: it changed while a proxy was made of it. Try again when it is finished.")]
    Changed(PathBuf),
    /// A thread could not be started.
    #[error("no thread could be started ({0}).")]
    Thread(io::Error),
    /// It was called off.
    #[error("making the proxy was called off.")]
    Cancelled,
}

impl MakeError {
    /// Writing `path` failed like this.
    pub(super) fn write(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull(path.to_owned())
            }
            _ => Self::Write(path.to_owned(), error),
        }
    }

    /// Whether the person called it off.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::Open(OpenError::Interrupted(_))
                | Self::Read(ReadError::Interrupted)
                | Self::Decode(
                    DecodeError::Read(ReadError::Interrupted)
                        | DecodeError::Open(OpenError::Interrupted(_))
                )
                | Self::Sound(AudioReadError::Open(OpenError::Interrupted(_)))
        )
    }
}

impl From<&MakeError> for JobStop {
    fn from(error: &MakeError) -> Self {
        if error.is_cancelled() {
            Self::Cancelled
        } else {
            Self::Failed(error.to_string())
        }
    }
}
