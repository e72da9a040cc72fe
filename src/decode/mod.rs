//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod audio_reader;
mod input;
mod plan;

pub use audio_reader::{AudioChunk, AudioRead, AudioReadError, AudioReader};
pub use input::{Input, OpenError};
pub use plan::{Generation, LoopMode, RunMap, RunPoint};
