//! The engine: what plays, where the playhead stands, and which frame is due.
//!
//! Commands go in, immutable snapshots come out. The engine has a thread of its own; the thread that
//! presents pulls the due frame from a frame scheduler.

mod command;
mod snapshot;

pub use command::{Command, SeekTarget};
pub use snapshot::{
    AudioState, ClockSource, MediaState, Notice, PlaybackStatus, Severity, Snapshot,
};
