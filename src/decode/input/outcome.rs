//! What opening a file and reading its packets came to.

/// Why a file could not be opened: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("{0}: no such file. Check the path and its spelling.")]
    Missing(String),
    /// It is a folder.
    #[error("{0}: not a file. Name the media file inside it.")]
    NotAFile(String),
    /// It is a pipe, a socket or a device: it cannot be searched back and forth.
    #[error("{0}: {1}, not a file. Save what it delivers to a file first.")]
    SpecialFile(String, &'static str),
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
    /// An [`Interrupter`](crate::decode::Interrupter) called it off.
    #[error("{0}: opening was called off.")]
    Interrupted(String),
}

/// What reading brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadOutcome {
    /// A packet.
    Packet,
    /// The end of the file.
    End,
}

/// Why a packet could not be read, or a place not be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The disk or the network share failed.
    #[error("cannot be read ({0}). Check the disk or the network share.")]
    Io(String),
    /// The container makes no sense from here on.
    #[error("the file is damaged here ({0}).")]
    Damaged(String),
    /// The container cannot be searched this way.
    #[error("cannot move to that place in the file ({0}).")]
    Unseekable(String),
    /// An [`Interrupter`](crate::decode::Interrupter) called it off.
    #[error("reading was called off.")]
    Interrupted,
}
