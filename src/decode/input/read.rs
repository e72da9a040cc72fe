//! What reading packets came to.

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
