//! A timeline made ready to play.

use std::sync::Arc;

use super::AudioUse;
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{MediaReference, StatedRange, TimeRange, TrackKind};

/// A medium of an [`Edit`]: its place in [`Edit::sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A use of a medium in an [`Edit`]: its place in [`Edit::clips`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClipId(pub u32);

/// A medium. Uses whose references are equal in everything, extent included, share one.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Where it is. [`MediaReference::Missing`] where a clip has no reference in use.
    pub reference: Arc<MediaReference>,
    /// The name of the first clip that uses it, or the reference's own where the file says that it is
    /// missing.
    pub name: Arc<str>,
    /// What its first picture is called in stated source times: the beginning of its stated extent.
    pub zero: Option<MediaTime>,
    /// Its stated extent.
    pub available: Option<StatedRange>,
    /// Whether its pictures are used.
    pub has_video: bool,
    /// Whether its sound is used.
    pub has_audio: bool,
}

/// A use of a medium: a clip, once for every time that it is met. A clip in a composition whose speed
/// changes is met once for each of its speeds.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipUse {
    /// The medium.
    pub source: SourceId,
    /// The clip's name.
    pub name: Arc<str>,
    /// When it is seen or heard, in timeline time, transitions included. For pictures these are whole
    /// frames.
    pub range: TimeRange,
    /// The child of the timeline's root that it stands in: the number of its track.
    pub track: usize,
    /// Whether its pictures or its sound are used.
    pub kind: TrackKind,
    /// The way to it from the timeline's root: places among the children, transitions counted.
    pub path: Box<[u32]>,
}

/// A clip whose pictures will be needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upcoming {
    /// The clip.
    pub clip: ClipId,
    /// The first frame, in the direction of play, that needs it.
    pub at: FrameIndex,
}

/// A marker, in timeline time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedMarker {
    /// What it says.
    pub name: Arc<str>,
    /// The colour's name as the file has it; empty where it has none.
    pub color: Arc<str>,
    /// Longer text.
    pub comment: Arc<str>,
    /// Where it is in the timeline, as far as its item is seen there. Empty for an instant.
    pub range: TimeRange,
    /// The way to the item that carries it, as [`ClipUse::path`].
    pub path: Box<[u32]>,
}
