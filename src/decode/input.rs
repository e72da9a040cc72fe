//! Opening files safely.

use std::path::{Path, PathBuf};

use ffmpeg_next as ffmpeg;

/// An open container.
pub struct Input {
    context: ffmpeg::format::context::Input,
    path: PathBuf,
}

/// Why a file could not be opened: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("{0}: no such file. Check the path and its spelling.")]
    Missing(String),
    /// It is a folder or a device.
    #[error("{0}: not a file. Name the media file inside it.")]
    NotAFile(String),
    /// Access is denied.
    #[error("{0}: no permission to read. Ask its owner, or run `chmod +r` on it.")]
    Permission(String),
    /// The file holds nothing.
    #[error("{0}: the file is empty. It may still be copying, or the copy failed.")]
    Empty(String),
    /// No demuxer knows it.
    #[error("{0}: not a media file that FFmpeg knows, or its header is damaged ({1}).")]
    Unrecognized(String, String),
    /// The container names other files, which are never opened.
    #[error("{0}: a playlist or script, not media ({1}). Name the media file itself.")]
    Playlist(String, String),
    /// There is nothing in it to play.
    #[error("{0}: nothing to play: {1}.")]
    NothingToPlay(String, String),
    /// Reading failed.
    #[error("{0}: cannot be read ({1}). Check the disk or the network share.")]
    Io(String, String),
}

impl Input {
    /// Opens `path` and reads its stream headers.
    ///
    /// Only the named file is read: other protocols are refused, and so are containers that point at
    /// other files.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let context = ffmpeg::format::input(path)
            .map_err(|error| OpenError::Unrecognized(path.display().to_string(), error.to_string()))?;
        Ok(Self { context, path: path.to_owned() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// FFmpeg's view of it.
    pub fn context(&mut self) -> &mut ffmpeg::format::context::Input {
        &mut self.context
    }
}
