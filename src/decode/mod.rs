//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod canonical;
mod containers;
mod input;
mod log;
mod plan;
mod repack;
mod source_file;

pub use canonical::{CanonicalFormat, describe, format_from_raw, format_name};
pub use input::{Input, OpenError, ReadError, ReadOutcome};
pub use log::{LOG_TARGET, init};
pub use plan::{Generation, LoopMode, RunMap, RunPoint};
pub use repack::{RepackError, Repacker};
pub use source_file::{FileChange, FileIdentity, Interrupter};
