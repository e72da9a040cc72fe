//! The tree of an edit.

use std::sync::Arc;

use super::{Metadata, Ratio, StatedRange, TimeMap, TimeRange};
use crate::media::Size;
use crate::time::{FrameRate, MediaSpan, MediaTime};

/// An edit. Immutable; a clone shares everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Its name, where stated.
    pub name: Arc<str>,
    /// Frames a second at which it plays.
    pub rate: FrameRate,
    /// The time of its first frame on the clock that its timecode counts, where stated.
    pub global_start: Option<MediaTime>,
    /// Whether its timecode is written with drop-frame numbers.
    pub drop_frame: bool,
    /// Size of its picture in square pixels, where stated.
    pub canvas: Option<Size>,
    /// Its tracks: a composition of the kind [`CompositionKind::Stack`], bottom first.
    pub root: Arc<Item>,
    /// Metadata of the timeline itself.
    pub metadata: Metadata,
}

/// A part of an edit that takes up time: a clip, a gap, or a composition of others.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its name; empty where it has none.
    pub name: Arc<str>,
    /// The part of its own time that is used; all of it where left out.
    pub source_range: Option<StatedRange>,
    /// Whether it is seen and heard. What is disabled keeps its place in time.
    pub enabled: bool,
    /// How its pictures lie over what is below.
    pub look: Look,
    /// Retimes and other effects, in order.
    pub effects: Vec<Effect>,
    /// Markers, in the item's own time.
    pub markers: Vec<Marker>,
    /// What it is.
    pub kind: ItemKind,
    /// As the file has it.
    pub metadata: Metadata,
}

impl Item {
    /// An item with nothing but a name, which may be empty.
    pub fn new(name: &str, kind: ItemKind) -> Self {
        Self {
            name: name.into(),
            source_range: None,
            enabled: true,
            look: Look::default(),
            effects: Vec::new(),
            markers: Vec::new(),
            kind,
            metadata: Metadata::NONE,
        }
    }
}

/// What an [`Item`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// A part of a medium. Boxed: lists of children stay compact.
    Clip(Box<Clip>),
    /// Nothing, for a while.
    Gap,
    /// Others, side by side or one after another.
    Composition(Composition),
}

impl ItemKind {
    /// The key that a clip's only medium is listed under, as in OTIO.
    const ONLY_KEY: &str = "DEFAULT_MEDIA";

    /// A clip of one medium.
    pub fn clip(reference: MediaReference) -> Self {
        Self::Clip(Box::new(Clip {
            references: vec![NamedReference {
                key: Self::ONLY_KEY.into(),
                reference,
                bounds: None,
                metadata: Metadata::NONE,
            }],
            active: 0,
        }))
    }

    /// A composition of `children`.
    pub fn composition(kind: CompositionKind, children: impl Into<Arc<[Child]>>) -> Self {
        Self::Composition(Composition {
            kind,
            children: children.into(),
        })
    }
}

/// A part of a medium.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// The media it may be shown from, by key: full quality, proxies.
    pub references: Vec<NamedReference>,
    /// Which of them is used; out of range where there is none.
    pub active: usize,
}

impl Clip {
    /// The reference in use.
    pub fn active_reference(&self) -> Option<&MediaReference> {
        self.references
            .get(self.active)
            .map(|named| &named.reference)
    }

    /// Where the picture of the reference in use lies, where stated.
    pub fn active_bounds(&self) -> Option<UnitRect> {
        self.references.get(self.active)?.bounds
    }
}

/// A medium and the key that it is listed under.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedReference {
    /// `DEFAULT_MEDIA` in OTIO.
    pub key: Arc<str>,
    /// The medium.
    pub reference: MediaReference,
    /// Where its picture lies on the canvas, where stated, in OTIO's spatial coordinates.
    pub bounds: Option<UnitRect>,
    /// As the file has it.
    pub metadata: Metadata,
}

/// A rectangle in the coordinates of a file: OTIO's spatial coordinates have y pointing up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitRect {
    /// Left and bottom edges.
    pub min: [f64; 2],
    /// Right and top edges.
    pub max: [f64; 2],
}

impl UnitRect {
    /// Its width and height.
    pub fn size(&self) -> [f64; 2] {
        [self.max[0] - self.min[0], self.max[1] - self.min[1]]
    }
}

/// Where a clip's pictures and sound come from.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaReference {
    /// The file does not say where, or says that it is missing.
    Missing {
        /// The name it is known by, a reel for instance.
        name: Arc<str>,
        /// Its extent, where stated.
        available: Option<StatedRange>,
    },
    /// One file.
    File {
        /// URL or path, as the timeline has it.
        target: Arc<str>,
        /// Its extent, where stated. Its start is what the medium's first frame is called in source
        /// ranges.
        available: Option<StatedRange>,
    },
    /// Numbered pictures.
    Sequence(SequenceReference),
    /// Made by the player.
    Generator {
        /// What.
        generator: Generator,
        /// Its extent, where stated.
        available: Option<StatedRange>,
    },
}

impl MediaReference {
    /// Its extent, where stated.
    pub fn available(&self) -> Option<&StatedRange> {
        match self {
            Self::Missing { available, .. }
            | Self::File { available, .. }
            | Self::Generator { available, .. } => available.as_ref(),
            Self::Sequence(sequence) => sequence.available.as_ref(),
        }
    }
}

/// Numbered pictures of one folder: `prefix` + number, filled up with zeros + `suffix`.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceReference {
    /// URL or path of the folder.
    pub base: Arc<str>,
    /// Before the number.
    pub prefix: Arc<str>,
    /// After the number, the extension included.
    pub suffix: Arc<str>,
    /// Number of the first picture.
    pub start: i64,
    /// From one number to the next.
    pub step: i64,
    /// Digits of a number, at least.
    pub digits: u32,
    /// Pictures a second.
    pub rate: FrameRate,
    /// What is shown where a picture is missing.
    pub missing: MissingFrames,
    /// Its extent, where stated.
    pub available: Option<StatedRange>,
}

/// What is shown where a picture of a sequence is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MissingFrames {
    /// A placeholder that says so.
    #[default]
    Error,
    /// The picture before.
    Hold,
    /// Black.
    Black,
    /// A checkerboard.
    Checkerboard,
}

/// Pictures that are made, not read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Generator {
    /// One colour: R'G'B' and alpha, 0 to 1.
    Solid([f32; 4]),
    /// SMPTE colour bars.
    Bars,
    /// A checkerboard.
    Checkerboard,
    /// Something that the player does not know; shown as a placeholder.
    Unknown,
}

/// Items that share time.
#[derive(Debug, Clone, PartialEq)]
pub struct Composition {
    /// How they share it.
    pub kind: CompositionKind,
    /// The items, and the transitions between those of a track. A stack's lowest comes first.
    pub children: Arc<[Child]>,
}

/// How the children of a composition share time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompositionKind {
    /// All begin together.
    Stack,
    /// Each begins where the one before ends.
    Track(TrackKind),
}

/// What a track is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Anything else: kept, not played.
    Other,
}

/// A child of a composition.
#[derive(Debug, Clone, PartialEq)]
pub enum Child {
    /// An item.
    Item(Arc<Item>),
    /// A transition between the items before and after it, which takes up no time of its own.
    Transition(Arc<Transition>),
}

/// From one item to the next: it begins `in_offset` before the cut and ends `out_offset` after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// Its name.
    pub name: Arc<str>,
    /// How it looks. Sound is always cross-faded.
    pub kind: TransitionKind,
    /// Time before the cut; never negative.
    pub in_offset: MediaSpan,
    /// Time after the cut; never negative.
    pub out_offset: MediaSpan,
    /// As the file has it.
    pub metadata: Metadata,
}

/// How a transition looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransitionKind {
    /// Cross dissolve.
    Dissolve,
    /// The next item appears behind an edge that moves across the picture.
    Wipe(WipeEdge),
}

/// The edge of a wipe and its way, by what is uncovered. SMPTE 258M codes in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WipeEdge {
    /// A vertical edge from left to right (001).
    LeftToRight,
    /// A vertical edge from right to left.
    RightToLeft,
    /// A horizontal edge from top to bottom (002).
    TopToBottom,
    /// A horizontal edge from bottom to top.
    BottomToTop,
    /// A corner that grows from the top left (003).
    BoxTopLeft,
    /// From the top right (004).
    BoxTopRight,
    /// From the bottom right (005).
    BoxBottomRight,
    /// From the bottom left (006).
    BoxBottomLeft,
    /// A diagonal edge from the top left.
    DiagonalTopLeft,
    /// A diagonal edge from the top right.
    DiagonalTopRight,
    /// Two vertical edges from the middle outwards: barn doors (021).
    BarnDoorVertical,
    /// Two horizontal edges from the middle outwards (022).
    BarnDoorHorizontal,
    /// A rectangle that grows from the middle (101).
    BoxCenter,
    /// A circle that grows from the middle (119).
    Circle,
    /// A clock's hand from the top, clockwise (201).
    Clock,
}

/// How an item's picture lies over what is below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// 0 is invisible, 1 covers.
    pub opacity: f32,
    /// How the picture is fitted to the canvas before it is moved.
    pub fit: Fit,
    /// Scale about the anchor, horizontal and vertical; 1 changes nothing.
    pub scale: [f32; 2],
    /// Shift in parts of the canvas's width and height, right and down.
    pub position: [f32; 2],
    /// Turn about the anchor, in degrees clockwise.
    pub rotation: f32,
    /// The point that scale and rotation leave in place, in parts of the picture from its middle,
    /// right and down.
    pub anchor: [f32; 2],
    /// What is cut off: left, top, right and bottom, in parts of the picture.
    pub crop: [f32; 4],
}

impl Default for Look {
    fn default() -> Self {
        Self {
            opacity: 1.0,
            fit: Fit::Fit,
            scale: [1.0, 1.0],
            position: [0.0, 0.0],
            rotation: 0.0,
            anchor: [0.0, 0.0],
            crop: [0.0; 4],
        }
    }
}

/// How a picture is fitted to a canvas of another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Fit {
    /// All of it is seen; bars remain.
    #[default]
    Fit,
    /// The canvas is filled; edges are cut off.
    Fill,
    /// Both sides are stretched to the canvas.
    Stretch,
    /// One pixel of the picture is one of the canvas.
    None,
}

/// An effect on an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// One speed throughout. Where it is negative the trimmed range is played from its end.
    Speed(Ratio),
    /// The first instant of the trimmed range stands still.
    Freeze,
    /// Any other retime.
    Map(TimeMap),
    /// On an item of a video track: its sound is heard too, as that of every clip is in Final Cut
    /// Pro's storylines. Of a composition, what is in its audio tracks is heard, and what of its
    /// video tracks has this effect in turn. Items of audio tracks are always heard, others of
    /// video tracks never are. Nothing but an item of a track needs it: the tracks of a stack that is
    /// in no track are looked into as they are.
    WithSound,
    /// A factor for the level of its sound, and of all that is in it; 1 changes nothing.
    Gain(f32),
    /// Something that the player does not know: kept, and listed.
    Unknown {
        /// Its name.
        name: Arc<str>,
        /// As the file has it.
        metadata: Metadata,
    },
}

/// A note at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    /// What it says.
    pub name: Arc<str>,
    /// Where, in the time of the item that carries it.
    pub range: TimeRange,
    /// The colour's name as the file has it: `RED`; empty where it has none.
    pub color: Arc<str>,
    /// Longer text.
    pub comment: Arc<str>,
    /// As the file has it.
    pub metadata: Metadata,
}
