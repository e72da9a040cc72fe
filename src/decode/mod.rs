//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod input;
mod plan;

pub use input::{Input, OpenError};
pub use plan::{Generation, LoopMode, RunMap, RunPoint};
