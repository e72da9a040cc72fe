//! What lies on the lanes: tracks, clips and markers of a timeline, or a file as one clip.
//!
//! It is reckoned once for a medium. A pass then looks up what is seen of it.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use crate::playback::{MediaState, Snapshot, TimelineState};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{
    Child, ClipId, ClipUse, CompositionKind, Effect, Item, ItemKind, Located, TimeRange, TrackKind,
};
use crate::ui::format::file_name;
use crate::ui::scrub::Extent;

/// What is known of the medium on the screen.
#[derive(Default)]
pub(super) struct Model {
    of: Of,
    path: PathBuf,
    /// Counts how often it was reckoned.
    pub(super) edition: u64,
    /// Tracks from top to bottom: pictures, the topmost first, then sound.
    pub(super) rows: Vec<Row>,
}

/// What it was made of. Weak: what was closed must not be kept, and nothing else must get its address.
#[derive(Default)]
enum Of {
    #[default]
    Nothing,
    Timeline(Weak<TimelineState>),
    File(Weak<MediaState>),
}

/// A track.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) kind: TrackKind,
    /// Its place among the children of the timeline's root.
    pub(super) track: usize,
    /// In order of time and apart from one another; each has a frame at least.
    pub(super) clips: Vec<Clip>,
    /// In order of time.
    pub(super) transitions: Vec<Range<FrameIndex>>,
}

/// A clip, or a composition that stands in its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Clip {
    pub(super) first: FrameIndex,
    /// The first frame after it.
    pub(super) end: FrameIndex,
    pub(super) name: Arc<str>,
    pub(super) state: ClipState,
    /// Its use in the edit; `None` where it is none, and for compositions.
    pub(super) id: Option<ClipId>,
    /// Its place among the children of its track; `None` where it is the track itself, or a file.
    pub(super) child: Option<u32>,
}

/// What is to be told by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClipState {
    Present,
    /// Its medium, or that of a clip in it, was not found.
    Missing,
    /// The player makes its pictures.
    Generated,
    /// It holds so many clips.
    Group(usize),
    /// It is switched off.
    Disabled,
}

impl Model {
    /// Sees to it that this is about the medium that `snapshot` has. Answers whether that is another one than
    /// before: not where a file has become longer, or a timeline was revised.
    pub(super) fn update(&mut self, snapshot: &Snapshot) -> bool {
        let Some(media) = &snapshot.media else {
            let had_any = !matches!(self.of, Of::Nothing);
            *self = Self {
                edition: self.edition + u64::from(had_any),
                ..Self::default()
            };
            return had_any;
        };
        if self.of.is(media) {
            return false;
        }
        let is_other = self.path != media.info.path || matches!(self.of, Of::Nothing);
        let (of, rows) = match &media.timeline {
            Some(timeline) => (
                Of::Timeline(Arc::downgrade(timeline)),
                rows_of_timeline(timeline),
            ),
            None => (
                Of::File(Arc::downgrade(media)),
                rows_of_file(media, snapshot),
            ),
        };
        *self = Self {
            of,
            path: media.info.path.clone(),
            edition: self.edition + 1,
            rows,
        };
        is_other
    }
}

impl Of {
    fn is(&self, media: &Arc<MediaState>) -> bool {
        match (self, &media.timeline) {
            (Self::Timeline(known), Some(timeline)) => {
                std::ptr::eq(known.as_ptr(), Arc::as_ptr(timeline))
            }
            (Self::File(known), None) => std::ptr::eq(known.as_ptr(), Arc::as_ptr(media)),
            _ => false,
        }
    }
}

impl Row {
    /// Places of the clips that are seen in `frames`.
    pub(super) fn visible(&self, frames: &Range<FrameIndex>) -> Range<usize> {
        let first = self.clips.partition_point(|clip| clip.end <= frames.start);
        let end = self.clips.partition_point(|clip| clip.first < frames.end);
        first..end.max(first)
    }

    /// The same of transitions. Each begins and ends after the one before.
    pub(super) fn visible_transitions(&self, frames: &Range<FrameIndex>) -> &[Range<FrameIndex>] {
        let all = &self.transitions;
        let first = all.partition_point(|transition| transition.end <= frames.start);
        let end = all.partition_point(|transition| transition.start < frames.end);
        all.get(first..end).unwrap_or_default()
    }
}

/// A file is a clip of pictures and one of sound, as far as it has them.
fn rows_of_file(media: &MediaState, snapshot: &Snapshot) -> Vec<Row> {
    let frames = Extent::of(snapshot).map_or(1, |extent| extent.frames);
    let name: Arc<str> = file_name(&media.info.path).into();
    let has_sound = !media.info.audio.is_empty();
    [
        (TrackKind::Video, media.info.default_video().is_some()),
        (TrackKind::Audio, has_sound),
    ]
    .into_iter()
    .filter(|(_, has_it)| *has_it)
    .enumerate()
    .map(|(track, (kind, _))| Row {
        name: default_name(kind, 1),
        kind,
        track,
        clips: vec![Clip {
            first: FrameIndex::ZERO,
            end: FrameIndex(frames),
            name: Arc::clone(&name),
            state: ClipState::Present,
            id: None,
            child: None,
        }],
        transitions: Vec::new(),
    })
    .collect()
}

fn default_name(kind: TrackKind, number: usize) -> String {
    match kind {
        TrackKind::Video => format!("V{number}"),
        TrackKind::Audio => format!("A{number}"),
        TrackKind::Other => format!("Track {number}"),
    }
}

/// Uses of media by the child of a track that they stand in, or by the track itself.
type Uses<'a> = HashMap<(usize, Option<u32>), Vec<(ClipId, &'a ClipUse)>>;

/// What the tracks of a timeline are made from.
struct Maker<'a> {
    state: &'a TimelineState,
    uses: Uses<'a>,
    /// Where the timeline begins in the time of its root.
    begins: MediaSpan,
    /// Whether the root plays its tracks at another speed.
    is_retimed: bool,
}

fn rows_of_timeline(state: &TimelineState) -> Vec<Row> {
    let root = &*state.timeline.root;
    let mut uses = Uses::new();
    for (number, clip) in (0..).zip(state.edit.clips()) {
        let place = (clip.track, clip.path.get(1).copied());
        uses.entry(place).or_default().push((ClipId(number), clip));
    }
    let maker = Maker {
        state,
        uses,
        begins: root.trimmed_range().start.since_zero(),
        is_retimed: is_retimed(root),
    };
    let Some(composition) = root.composition() else {
        let kind = TrackKind::Video;
        return vec![maker.lone(root, 0, kind, default_name(kind, 1))];
    };
    let mut counts = [0; 3];
    let mut rows: Vec<Row> = Vec::new();
    for (track, child) in composition.children.iter().enumerate() {
        let Child::Item(item) = child else { continue };
        let kind = match item.composition().map(|composition| composition.kind) {
            Some(CompositionKind::Track(kind)) => kind,
            Some(CompositionKind::Stack) | None => TrackKind::Video,
        };
        let count = &mut counts[place_of(kind)];
        *count += 1;
        let name = match &*item.name {
            "" => default_name(kind, *count),
            name => name.to_owned(),
        };
        let is_track = item
            .composition()
            .is_some_and(|composition| composition.kind != CompositionKind::Stack);
        rows.push(if is_track {
            maker.track(item, track, kind, name)
        } else {
            maker.lone(item, track, kind, name)
        });
    }
    // As in editors: pictures above, the one that covers the others topmost, and sound below them.
    rows.reverse();
    let (mut pictures, mut others): (Vec<Row>, Vec<Row>) = rows
        .into_iter()
        .partition(|row| row.kind == TrackKind::Video);
    others.reverse();
    pictures.append(&mut others);
    pictures
}

const fn place_of(kind: TrackKind) -> usize {
    match kind {
        TrackKind::Video => 0,
        TrackKind::Audio => 1,
        TrackKind::Other => 2,
    }
}

/// Whether it plays what is in it at another speed.
fn is_retimed(item: &Item) -> bool {
    let changes_time =
        |effect: &Effect| matches!(effect, Effect::Speed(_) | Effect::Freeze | Effect::Map(_));
    item.effects.iter().any(changes_time)
}

impl Maker<'_> {
    /// A track with all its children.
    fn track(&self, item: &Item, track: usize, kind: TrackKind, name: String) -> Row {
        let begins = item.trimmed_range().start.since_zero() + self.begins;
        let is_retimed = self.is_retimed || is_retimed(item);
        let mut row = Row {
            name,
            kind,
            track,
            clips: Vec::new(),
            transitions: Vec::new(),
        };
        for (child, placed) in (0..).zip(item.placed_children()) {
            let range = placed.trimmed.map(|range| range.shifted(-begins));
            match placed.child {
                Child::Item(content) if !matches!(content.kind, ItemKind::Gap) => {
                    let uses = self.uses.get(&(track, Some(child)));
                    let uses = uses.map_or(&[][..], Vec::as_slice);
                    // In what is retimed only the edit knows when an item is seen.
                    let range = if is_retimed { hull(uses) } else { range };
                    let clip = range.and_then(|range| self.frames(range)).map(|frames| {
                        let is_on = item.enabled && content.enabled;
                        self.clip(content, frames, (kind, is_on), uses, Some(child))
                    });
                    row.clips.extend(clip);
                }
                Child::Transition(_) if !is_retimed => {
                    row.transitions
                        .extend(range.and_then(|range| self.frames(range)));
                }
                _ => {}
            }
        }
        keep_apart(&mut row.clips);
        row
    }

    /// A child of the root that is no track.
    fn lone(&self, item: &Item, track: usize, kind: TrackKind, name: String) -> Row {
        let of_track = self.uses.iter().filter(|((of, _), _)| *of == track);
        let mut uses: Vec<_> = of_track
            .flat_map(|(_, uses)| uses.iter().copied())
            .collect();
        uses.sort_unstable_by_key(|(id, _)| *id);
        let whole = TimeRange {
            start: MediaTime::ZERO - self.begins,
            duration: item.duration(),
        };
        let range = if self.is_retimed {
            hull(&uses)
        } else {
            Some(whole)
        };
        let clip = range
            .and_then(|range| self.frames(range))
            .map(|frames| self.clip(item, frames, (kind, item.enabled), &uses, None));
        Row {
            name,
            kind,
            track,
            clips: clip.into_iter().collect(),
            transitions: Vec::new(),
        }
    }

    fn clip(
        &self,
        item: &Item,
        frames: Range<FrameIndex>,
        (kind, is_on): (TrackKind, bool),
        uses: &[(ClipId, &ClipUse)],
        child: Option<u32>,
    ) -> Clip {
        let same_kind = uses.iter().find(|(_, used)| used.kind == kind);
        let first = same_kind.or(uses.first());
        let located = |used: &ClipUse| self.state.located.get(used.source.0 as usize);
        let is_missing = |used: &ClipUse| matches!(located(used), Some(Located::Missing(_)));
        let state = if !is_on {
            ClipState::Disabled
        } else if uses.iter().any(|(_, used)| is_missing(used)) {
            ClipState::Missing
        } else if item.composition().is_some() {
            ClipState::Group(item.clip_count())
        } else {
            match first.and_then(|(_, used)| located(used)) {
                Some(Located::Generated(_)) => ClipState::Generated,
                _ => ClipState::Present,
            }
        };
        let medium = || first.and_then(|(_, used)| self.medium_name(used));
        let name = if item.name.is_empty() {
            medium().unwrap_or_else(|| "Clip".into())
        } else {
            Arc::clone(&item.name)
        };
        Clip {
            first: frames.start,
            end: frames.end,
            name,
            state,
            id: first
                .filter(|_| item.composition().is_none())
                .map(|(id, _)| *id),
            child,
        }
    }

    fn medium_name(&self, used: &ClipUse) -> Option<Arc<str>> {
        if let Located::File(path) = self.state.located.get(used.source.0 as usize)? {
            return Some(file_name(path).into());
        }
        let source = self.state.edit.source(used.source)?;
        Some(Arc::clone(&source.name)).filter(|name| !name.is_empty())
    }

    /// The frames of the timeline that show what lies in `range`, if any does.
    fn frames(&self, range: TimeRange) -> Option<Range<FrameIndex>> {
        let rate = self.state.edit.rate();
        let last = FrameIndex(self.state.edit.frames());
        let border = |time| border_of(rate, time).clamp(FrameIndex::ZERO, last);
        let frames = border(range.start)..border(range.end());
        (!frames.is_empty()).then_some(frames)
    }
}

/// From the first to the last instant of several uses.
fn hull(uses: &[(ClipId, &ClipUse)]) -> Option<TimeRange> {
    let ranges = uses.iter().map(|(_, used)| used.range);
    ranges.reduce(|one, other| {
        TimeRange::between(one.start.min(other.start), one.end().max(other.end()))
    })
}

/// The first frame whose middle is not before `time`: a frame shows what is there in its middle.
fn border_of(rate: FrameRate, time: MediaTime) -> FrameIndex {
    let half = MediaSpan::from_flicks(rate.frame_span_nearest().flicks() / 2);
    rate.frame_at_floor(time + half - MediaSpan::from_flicks(1))
}

/// Puts clips in order and cuts off what reaches into the next one: transitions of what is retimed do.
fn keep_apart(clips: &mut Vec<Clip>) {
    clips.sort_by_key(|clip| clip.first);
    let mut reached = FrameIndex::ZERO;
    clips.retain_mut(|clip| {
        clip.first = clip.first.max(reached);
        let has_any = clip.first < clip.end;
        if has_any {
            reached = clip.end;
        }
        has_any
    });
}
