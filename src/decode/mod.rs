//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod audio_layout;
mod audio_reader;
mod canonical;
mod clip;
mod containers;
mod cost;
mod frame_buffers;
mod index;
mod index_reader;
mod input;
mod keeper;
mod log;
mod mp4_protection;
mod picture;
mod plan;
mod probe;
mod rates;
mod raw_stream;
mod repack;
mod ring;
mod rung;
mod sequence;
mod session;
mod sniff;
mod source;
mod source_file;
mod tags;
mod video_reader;

pub use audio_reader::{AudioChunk, AudioRead, AudioReadError, AudioReader};
pub use canonical::{CanonicalFormat, describe, format_from_raw, format_name, raw_format};
pub use clip::{ClipChooser, ClipLook, ClipUse};
pub use cost::{Cost, CostMeter};
pub use frame_buffers::BufferCounters;
pub use index::{GopIndex, IndexBuilder, IndexBytesError, Keyframe, Numbering, PacketStamp};
pub use index_reader::{index_from_bytes, index_parameters, kept_or_read_index, read_index};
pub use input::{Input, OpenError, ReadError, ReadOutcome, SameFile};
pub use keeper::{Aim, FrameKeeper, IndexStore, stretches};
pub use log::{LOG_TARGET, init};
pub use plan::{CatchUp, Generation, LoopMode, PlanCursor, RunAnchor, RunMap, RunPoint, VideoPlan};
pub use probe::{
    MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE, media_info, probe, rate_estimate, require_playable,
};
pub use rates::RateEstimate;
pub use repack::{RepackError, Repacker};
pub use ring::{FrameConsumer, FrameProducer, Picture, PlannedFrame, RingItem, frame_ring};
pub use rung::Rung;
pub use sequence::{SequenceSession, media_info_of_sequence};
pub use session::{ProxyFile, ProxySlot, SessionOptions, SharedAnchor, SharedRung, VideoSession};
pub use source::{Approximations, Gop, Hand, SourceStatus, Still, VideoSource};
pub use source_file::{FileChange, FileIdentity, Interrupter};
pub use tags::{
    ColorContext, ColorTags, color_info, fields_from_order, fields_of_frame, hdr_from_side_data,
    hdr_of_frame, orientation_from_matrix, orientation_of_frame,
};
pub use video_reader::{DecodeError, ReadPicture, ReaderOptions, Step, VideoReader};
