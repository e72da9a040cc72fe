//! Frame to layers: a timeline made ready to play.
//!
//! [`Edit::new`] walks the tree of a [`Timeline`](super::Timeline) once and keeps what play asks for:
//! which clips are seen in a frame and which pictures of their sources, what is heard when, where the
//! cuts and markers are, and what comes next. What it answers is defined by [`reference`].

mod audio;
mod edit;
mod op;

pub use audio::{AudioFade, AudioPiece, AudioUse};
pub use edit::{ClipId, ClipUse, PlacedMarker, Source, SourceId, Upcoming};
pub use op::{Layer, VideoOp, source_instant};
