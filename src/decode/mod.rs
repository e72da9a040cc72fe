//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod containers;
mod input;
mod log;
mod plan;
mod source_file;

pub use input::{Input, OpenError, ReadError, ReadOutcome};
pub use log::{LOG_TARGET, init};
pub use plan::{Generation, LoopMode, RunMap, RunPoint};
pub use source_file::{FileChange, FileIdentity, Interrupter};
