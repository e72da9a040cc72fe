//! Frame to layers: a timeline made ready to play.
//!
//! [`Edit::new`] walks the tree of a [`Timeline`](super::Timeline) once and keeps what play asks for:
//! which clips are seen in a frame and which pictures of their sources, what is heard when, where the
//! cuts and markers are, and what comes next. What it answers is defined by [the reference](mod@reference).

pub mod reference;

mod audio;
mod bounds;
mod changes;
mod compile;
mod cull;
mod edit;
mod index;
mod layout;
mod line;
mod op;
mod pictures;
mod registry;
mod sound;
mod video;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

pub use audio::{AudioFade, AudioPiece, AudioUse};
pub use changes::Changes;
pub use cull::cull;
pub use edit::{ClipId, ClipUse, Edit, EditError, PlacedMarker, Source, SourceId, Upcoming};
pub use op::{Layer, VideoOp, source_instant};
