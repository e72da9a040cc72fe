//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod index;
mod input;
mod plan;

pub use index::{GopIndex, IndexBuilder, Keyframe, Numbering, PacketStamp};
pub use input::{Input, OpenError};
pub use plan::{Generation, LoopMode, RunMap, RunPoint};
