//! What is seen and heard when: the model of an edit.
//!
//! A [`Timeline`] is an immutable tree of [`Item`]s, as OpenTimelineIO has it: a stack of tracks, whose
//! children follow one another in time. Cloning is cheap, for items are shared; an edit makes a new
//! revision that shares everything it does not change.
//!
//! All times are exact, in flicks. Ranges are half-open.

pub mod import;
pub mod resolve;

mod compare;
mod composite;
mod item;
mod locate;
mod metadata;
mod range;
mod ranges;
mod revise;
mod slate;
mod time_map;

pub use compare::CompareSides;
pub use composite::{Composite, CompositeLayer, CompositeOp, Content, Mix};
pub use item::{
    Child, Clip, Composition, CompositionKind, Effect, Fit, Generator, Item, ItemKind, Look,
    Marker, MediaReference, MissingFrames, NamedReference, SequenceReference, Timeline, TrackKind,
    Transition, TransitionKind, UnitRect, WipeEdge,
};
pub use locate::{
    Fingerprint, Located, LocatedSequence, Locator, MissingMedia, MissingReason, sequence_of,
};
pub use metadata::Metadata;
pub use range::{StatedRange, TimeRange};
pub use ranges::{PlacedChild, PlacedChildren};
pub use resolve::{
    AudioFade, AudioPiece, AudioUse, Changes, ClipId, ClipUse, Edit, EditError, Layer,
    PlacedMarker, Source, SourceId, Upcoming, VideoOp,
};
pub use slate::{generated, slate};
pub use time_map::{Ratio, TimeMap, TimeMapPiece};
