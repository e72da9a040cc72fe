//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod audio_reader;
mod canonical;
mod containers;
mod frame_buffers;
mod index;
mod input;
mod log;
mod picture;
mod plan;
mod probe;
mod ring;
mod session;
mod source_file;
mod video_reader;

pub use audio_reader::{AudioChunk, AudioRead, AudioReadError, AudioReader};
pub use frame_buffers::BufferCounters;
pub use index::{GopIndex, IndexBuilder, Keyframe, Numbering, PacketStamp};
pub use input::{Input, OpenError, ReadError, ReadOutcome};
pub use log::{LOG_TARGET, init};
pub use plan::{CatchUp, Generation, LoopMode, PlanCursor, RunAnchor, RunMap, RunPoint, VideoPlan};
pub use probe::media_info;
pub use ring::{FrameConsumer, FrameProducer, Picture, PlannedFrame, RingItem, frame_ring};
pub use session::{SessionOptions, SharedAnchor, SourceStatus, VideoSession, VideoSource};
pub use source_file::{FileChange, FileIdentity, Interrupter};
pub use video_reader::{DecodeError, ReadPicture, ReaderOptions, Step, VideoReader};
