//! Everything that touches FFmpeg to read: opening, probing, the GOP index, decode sessions.

mod audio_layout;
mod canonical;
mod containers;
mod input;
mod log;
mod plan;
mod probe;
mod rates;
mod repack;
mod sniff;
mod source_file;
mod tags;

pub use canonical::{CanonicalFormat, describe, format_from_raw, format_name};
pub use input::{Input, OpenError, ReadError, ReadOutcome};
pub use log::{LOG_TARGET, init};
pub use plan::{Generation, LoopMode, RunMap, RunPoint};
pub use probe::{MAX_PICTURE_SIDE, media_info, probe, rate_estimate, require_playable};
pub use rates::RateEstimate;
pub use repack::{RepackError, Repacker};
pub use source_file::{FileChange, FileIdentity, Interrupter};
pub use tags::{
    ColorContext, ColorTags, color_info, fields_from_order, fields_of_frame, hdr_from_side_data,
    hdr_of_frame, orientation_from_matrix, orientation_of_frame,
};
