//! What is seen and heard when: the model of an edit.
//!
//! A [`Timeline`] is an immutable tree of [`Item`]s, as OpenTimelineIO has it: a stack of tracks, whose
//! children follow one another in time. Cloning is cheap, for items are shared; an edit makes a new
//! revision that shares everything it does not change.
//!
//! All times are exact, in flicks. Ranges are half-open.

pub mod import;

mod item;
mod metadata;
mod range;
mod ranges;
mod time_map;

pub use item::{
    Child, Clip, Composition, CompositionKind, Effect, Fit, Generator, Item, ItemKind, Look,
    Marker, MediaReference, MissingFrames, NamedReference, SequenceReference, Timeline, TrackKind,
    Transition, TransitionKind, UnitRect, WipeEdge,
};
pub use metadata::Metadata;
pub use range::{StatedRange, TimeRange};
pub use ranges::{PlacedChild, PlacedChildren};
pub use time_map::{Ratio, TimeMap, TimeMapPiece};
