//! A timeline made ready to play.

use std::sync::Arc;

use super::bounds::canvas_of;
use super::compile::{MAX_DEPTH, MAX_STEPS, Walk};
use super::index::Frames;
use super::layout::{Layouts, Placed};
use super::line::{FrameTime, View};
use super::pictures::Pictures;
use super::registry::Registry;
use super::sound::{TimeContext, TimePass};
use super::video::{VideoContext, VideoPass};
use super::{AudioUse, VideoOp};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{MediaReference, StatedRange, TimeRange, Timeline, TrackKind, UnitRect};

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

/// A timeline made ready to play. Immutable; shared between threads as it is.
///
/// **Clock.** Timeline time and frames count from zero at the beginning of what the timeline's root
/// uses of its own time, whatever its timecode begins with.
///
/// **Frames.** A frame shows what is there in its middle, so that a cut which does not fall between two
/// frames, or is a flick beside, goes to the nearest place between two. In what is retimed the instant
/// that stands for a frame follows [`source_instant`](super::source_instant), as if it were rendered at
/// the timeline's rate.
///
/// **Places.** Where files state bounds of media, in OpenTimelineIO's spatial coordinates, the looks of
/// layers have them in them: see [`Edit::bounds`].
///
/// **Sound and pictures.** Pictures are those of clips on whose way from the root there is no track for
/// anything but pictures. Heard is what stands in tracks for sound, and what carries its sound elsewhere,
/// see [`Effect::WithSound`](crate::timeline::Effect::WithSound). So a clip of a track for pictures whose
/// sound the file places nowhere, as those of OTIO files without tracks for sound, is silent.
#[derive(Debug)]
pub struct Edit {
    rate: FrameRate,
    frames: i64,
    duration: MediaSpan,
    bounds: Option<UnitRect>,
    sources: Vec<Source>,
    clips: Vec<ClipUse>,
    pub(super) pictures: Pictures,
    audio: Vec<AudioUse>,
    markers: Vec<PlacedMarker>,
}

impl Edit {
    /// Makes `timeline` ready. Takes some microseconds a clip.
    ///
    /// # Errors
    /// When the timeline is nested too deeply or is too large, see [`EditError`].
    pub fn new(timeline: &Timeline) -> Result<Self, EditError> {
        let (rate, root) = (timeline.rate, &*timeline.root);
        let mut layouts = Layouts::default();
        let trimmed = layouts.trimmed(root, 0)?;
        let placed = Placed::new(root, 0, trimmed, MediaTime::ZERO);
        let frames = frames_in(rate, trimmed.duration);
        let mut registry = Registry::default();
        let bounds = canvas_of(timeline);

        let pass = VideoPass {
            rate,
            canvas: bounds,
            registry: &mut registry,
            pictures: Pictures::default(),
        };
        let mut walk = Walk::new(pass, &mut layouts);
        if let Some(window) = Frames::new(0, frames) {
            walk.root(&placed, window, VideoContext::ROOT)?;
        }
        let mut pictures = walk.pass.pictures;
        pictures.finish(frames);

        let mut walk = Walk::new(TimePass::new(&mut registry), &mut layouts);
        if !placed.used.is_empty() {
            walk.root(&placed, placed.used, TimeContext::ROOT)?;
        }
        let (audio, markers) = walk.pass.finish();
        Ok(Self {
            rate,
            frames,
            duration: trimmed.duration,
            bounds,
            sources: registry.sources,
            clips: registry.clips,
            pictures,
            audio,
            markers,
        })
    }

    /// Frames a second at which it plays.
    pub fn rate(&self) -> FrameRate {
        self.rate
    }

    /// How many frames it has: its duration, to the nearest whole frame.
    pub fn frames(&self) -> i64 {
        self.frames
    }

    /// Its exact length.
    pub fn duration(&self) -> MediaSpan {
        self.duration
    }

    /// What the canvas shows of the plane in which files state bounds of pictures; `None` where none do.
    /// It has the canvas's shape where the timeline states its size, and otherwise the canvas is to have
    /// this one's.
    pub fn bounds(&self) -> Option<UnitRect> {
        self.bounds
    }

    /// The media, by [`SourceId`].
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The uses of media, by [`ClipId`]: first all whose pictures are used, as they are met in the tree,
    /// then all whose sound is.
    pub fn clips(&self) -> &[ClipUse] {
        &self.clips
    }

    /// The medium of this number.
    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.get(id.0 as usize)
    }

    /// The use of this number.
    pub fn clip(&self, id: ClipId) -> Option<&ClipUse> {
        self.clips.get(id.0 as usize)
    }

    /// What is seen in `frame`, lowest first; nothing before the first frame and after the last.
    ///
    /// `out` is emptied first. Once it has room enough nothing is allocated. The time taken grows with
    /// the number of layers seen, and with the logarithm of the number of clips.
    ///
    /// Layers and groups of opacity 0 are left out. A group of one layer is folded into that layer where
    /// this is exact, and one that changes nothing is taken apart.
    ///
    /// While a transition lasts, the outgoing item is drawn as it is, and the incoming one over it with
    /// the weight or the edge that the transition has come to in the frame's middle. Where both cover
    /// the canvas a dissolve is thus a cross-dissolve. Where the incoming one is transparent, the
    /// outgoing one is seen through it until the transition is over.
    pub fn video_at(&self, frame: FrameIndex, out: &mut Vec<VideoOp>) {
        out.clear();
        if (0..self.frames).contains(&frame.0) {
            self.pictures
                .at(frame, FrameTime::of(self.rate, frame), out);
        }
    }

    /// Where the picture is cut: the first frame after each cut, in order, each once. The beginning and
    /// the end of the timeline are none; a transition counts where its two items meet, and a retime where
    /// it leaps in its source.
    pub fn cuts(&self) -> &[FrameIndex] {
        &self.pictures.cuts
    }

    /// The first cut after `frame`.
    pub fn next_cut(&self, frame: FrameIndex) -> Option<FrameIndex> {
        let cuts = self.cuts();
        cuts.get(cuts.partition_point(|cut| *cut <= frame)).copied()
    }

    /// The last cut before `frame`.
    pub fn previous_cut(&self, frame: FrameIndex) -> Option<FrameIndex> {
        let cuts = self.cuts();
        let before = cuts.partition_point(|cut| *cut < frame);
        before.checked_sub(1).and_then(|at| cuts.get(at)).copied()
    }

    /// The markers of the timeline and of all items in it, in order of time. Those of items that are
    /// switched off are among them; those outside of what is used of their item are not.
    pub fn markers(&self) -> &[PlacedMarker] {
        &self.markers
    }

    /// Clips whose pictures begin to be needed at `frame` or later, in the order in which play meets
    /// them. Backwards: at frames before `frame`, latest first. Nothing is allocated.
    pub fn upcoming_video(
        &self,
        frame: FrameIndex,
        reverse: bool,
    ) -> impl Iterator<Item = Upcoming> + '_ {
        let (first, last) = (&self.pictures.by_first, &self.pictures.by_last);
        let ahead = first.partition_point(|&(at, _)| at < frame.0);
        let behind = last.partition_point(|&(at, _)| at < frame.0);
        let forward = first.get(ahead..).filter(|_| !reverse).unwrap_or_default();
        let backward = last.get(..behind).filter(|_| reverse).unwrap_or_default();
        let upcoming = |&(at, clip)| Upcoming {
            clip,
            at: FrameIndex(at),
        };
        forward
            .iter()
            .map(upcoming)
            .chain(backward.iter().rev().map(upcoming))
    }

    /// What is heard, in order of beginning.
    pub fn audio(&self) -> &[AudioUse] {
        &self.audio
    }
}

/// Frames whose middle lies before `duration` is over.
pub(super) fn frames_in(rate: FrameRate, duration: MediaSpan) -> i64 {
    let end = MediaTime::ZERO + duration;
    let last = rate.frame_at_floor(end);
    let middle = View::TIMELINE.sampled(FrameTime::of(rate, last));
    last.0 + i64::from(middle < end)
}

/// Why a timeline cannot be made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Too many compositions, or retimes with several speeds, inside one another.
    #[error("the timeline has more than {MAX_DEPTH} compositions inside one another")]
    TooDeep,
    /// Too many items, counted as often as they are played.
    #[error(
        "the timeline has more than {MAX_STEPS} items, counting those of a composition as often as \
         it is used; play a part of it"
    )]
    TooManyItems,
}
