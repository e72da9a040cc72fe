//! A comparison: two media or timelines as the two tracks of a timeline.
//!
//! A's rate leads, the longer of the two says how long it is, and what is heard is A's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::alternates::Alternate;
use super::open::{TimelineSettings, TimelineState, sound_plan};
use super::references::References;
use crate::decode::{probe, require_playable};
use crate::media::{MediaInfo, Size, VideoStream, file_name};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::import::{Format, Note, is_timeline};
use crate::timeline::{
    Child, CompositionKind, Edit, Effect, Item, ItemKind, Located, MediaReference, Metadata, Ratio,
    StatedRange, TimeRange, Timeline, TrackKind,
};

/// Which frames of two media belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MatchBy {
    /// Those of the same number, counted from the first.
    #[default]
    Frame,
    /// Those of the same timecode.
    Timecode,
}

/// What a file is compared with, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The other file.
    pub with: PathBuf,
    /// Which frames belong together.
    pub by: MatchBy,
}

/// What a comparison shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Names of both files.
    pub names: [String; 2],
}

impl TimelineState {
    /// Compares the file at `a` with another. Errors are in plain words.
    pub(super) fn compare(
        a: &Path,
        comparison: &Comparison,
        settings: &TimelineSettings,
    ) -> Result<Self, String> {
        let alone = TimelineSettings {
            compare: None,
            ..settings.clone()
        };
        let b = &comparison.with;
        let mut references = References::default();
        let mut open = |path| Side::open(path, &alone, &mut references);
        let (first, second) = (open(a)?, open(b)?);
        let names = [first.name.clone(), second.name.clone()];
        let canvas = first.canvas;
        let timeline = side_by_side(&first, &second, comparison.by)?;
        let edit = Edit::new(&timeline).map_err(|error| error.to_string())?;
        let located: Vec<Located> = edit
            .sources()
            .iter()
            .map(|source| references.located(&source.reference))
            .collect();
        let (sound, sound_tracks) = sound_plan(&edit, &located);
        let format = first.format.or(second.format).unwrap_or(Format::Otio);
        Ok(Self {
            timeline,
            edit: Arc::new(edit),
            format,
            notes: first.notes.into_iter().chain(second.notes).collect(),
            located,
            canvas,
            sound,
            sound_tracks,
            alternates: [first.alternates, second.alternates].concat(),
            compared: Some(Compared { names }),
            unpacked: first.unpacked.into_iter().chain(second.unpacked).collect(),
        })
    }
}

/// One of the two.
struct Side {
    name: String,
    /// All of it.
    item: Item,
    rate: FrameRate,
    /// Frames of that rate; `None` for a still, which lasts as long as the other.
    frames: Option<i64>,
    /// The time of its first frame by its timecode, and whether that is written with drop-frame
    /// numbers.
    start: Option<(MediaTime, bool)>,
    canvas: Size,
    format: Option<Format>,
    notes: Vec<Note>,
    alternates: Vec<Alternate>,
    unpacked: Vec<TempDir>,
}

impl Side {
    fn open(
        path: &Path,
        settings: &TimelineSettings,
        references: &mut References,
    ) -> Result<Self, String> {
        let name = file_name(path);
        if is_timeline(path) {
            let state = TimelineState::open(path, settings)?;
            return Ok(Self::of_timeline(name, state, references));
        }
        let info = probe(path).map_err(|error| error.to_string())?;
        require_playable(&info).map_err(|error| error.to_string())?;
        let stream = info.default_video();
        let stream = stream.ok_or_else(|| format!("{}: it has no pictures", path.display()))?;
        // The same file is the same medium, however it is called.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Self::of_medium(name, &real, &info, stream, references))
    }

    fn of_timeline(name: String, state: TimelineState, references: &mut References) -> Self {
        let timeline = &state.timeline;
        let root = references.rooted(&timeline.root, &state.edit, &state.located);
        let mut item = Item::clone(&root);
        item.effects.push(Effect::WithSound);
        Self {
            name,
            item,
            rate: timeline.rate,
            frames: Some(state.edit.frames()),
            start: timeline
                .global_start
                .map(|start| (start, timeline.drop_frame)),
            canvas: state.canvas,
            format: Some(state.format),
            notes: state.notes,
            alternates: state.alternates,
            unpacked: state.unpacked,
        }
    }

    fn of_medium(
        name: String,
        path: &Path,
        info: &MediaInfo,
        stream: &VideoStream,
        references: &mut References,
    ) -> Self {
        let rate = stream.rate;
        let frames = (!stream.is_still).then(|| frames_of(info, stream));
        let length = rate.time_of_frame_nearest(FrameIndex(frames.unwrap_or(1)));
        let reference = MediaReference::File {
            target: path.to_string_lossy().into(),
            available: Some(stated(MediaTime::ZERO, length.since_zero(), rate)),
        };
        references.add(&reference, &Located::File(path.to_owned()));
        let mut item = Item::new(&name, ItemKind::clip(reference));
        if !info.audio.is_empty() {
            item.effects.push(Effect::WithSound);
        }
        let drops = stream
            .timecode
            .is_some_and(|timecode| timecode.format().drop_frame());
        Self {
            name,
            item,
            rate,
            frames,
            start: stream.timecode_zero().map(|start| (start, drops)),
            canvas: stream.display_size(),
            format: None,
            notes: Vec::new(),
            alternates: Vec::new(),
            unpacked: Vec::new(),
        }
    }
}

/// How many frames a file has, as far as it says.
fn frames_of(info: &MediaInfo, stream: &VideoStream) -> i64 {
    let counted = stream.frames.and_then(|frames| i64::try_from(frames).ok());
    let half = MediaSpan::from_flicks(stream.rate.frame_span_nearest().flicks() / 2);
    let lasting = |duration| {
        stream
            .rate
            .frame_at_floor(MediaTime::ZERO + duration + half)
            .0
    };
    let frames = stream.duration.map(lasting).or(counted);
    let frames = frames.or_else(|| info.container.duration.map(lasting));
    frames.unwrap_or(1).max(1)
}

/// The timeline of two tracks.
fn side_by_side(a: &Side, b: &Side, by: MatchBy) -> Result<Timeline, String> {
    // A still has no rate of its own.
    let rate = if a.frames.is_none() { b.rate } else { a.rate };
    let longest = a.frames.max(b.frames).unwrap_or(1);
    let span = |frames: Option<i64>| {
        let end = FrameIndex(frames.unwrap_or(longest));
        rate.time_of_frame_nearest(end).since_zero()
    };
    let mut first = a.item.clone();
    if a.frames.is_none() {
        first.source_range = Some(stated(MediaTime::ZERO, span(None), rate));
    }
    let mut second = b.item.clone();
    // Only A is heard.
    second
        .effects
        .retain(|effect| !matches!(effect, Effect::WithSound));
    let begins = second.trimmed_range().start;
    let mut track = Vec::new();
    match by {
        MatchBy::Frame => {
            second.source_range = Some(stated(begins, span(b.frames), rate));
            if b.frames.is_some() && b.rate != rate {
                let speed = Ratio::new(
                    i64::from(rate.num()) * i64::from(b.rate.den()),
                    i64::from(rate.den()) * i64::from(b.rate.num()),
                );
                second
                    .effects
                    .push(Effect::Speed(speed.ok_or("the rates are out of range")?));
            }
        }
        MatchBy::Timecode => {
            let start = |side: &Side| {
                let start = side.start.map(|(start, _)| start);
                start.ok_or_else(|| format!("{} has no timecode; compare it by frame", side.name))
            };
            let later = start(b)? - start(a)?;
            let length = if b.frames.is_some() {
                second.duration()
            } else {
                span(None)
            };
            let (gap, cut) = (later.max(MediaSpan::ZERO), (-later).max(MediaSpan::ZERO));
            if cut >= length || gap >= first.duration() {
                return Err(format!(
                    "the timecodes of {} and {} do not overlap; compare them by frame",
                    a.name, b.name
                ));
            }
            second.source_range = Some(stated(begins + cut, length - cut, rate));
            if gap > MediaSpan::ZERO {
                let mut before = Item::new("", ItemKind::Gap);
                before.source_range = Some(stated(MediaTime::ZERO, gap, rate));
                track.push(before);
            }
        }
    }
    track.push(second);
    let tracks = [vec![first], track].map(|items| {
        let kind = CompositionKind::Track(TrackKind::Video);
        Item::new("", composition(kind, items))
    });
    Ok(Timeline {
        name: format!("{} | {}", a.name, b.name).into(),
        rate,
        global_start: a.start.map(|(start, _)| start),
        drop_frame: a.start.is_some_and(|(_, drops)| drops),
        canvas: Some(a.canvas),
        root: Arc::new(Item::new(
            "",
            composition(CompositionKind::Stack, tracks.into()),
        )),
        metadata: Metadata::NONE,
    })
}

fn composition(kind: CompositionKind, items: Vec<Item>) -> ItemKind {
    let children = items.into_iter().map(|item| Child::Item(Arc::new(item)));
    ItemKind::composition(kind, children.collect::<Vec<_>>())
}

fn stated(start: MediaTime, duration: MediaSpan, rate: FrameRate) -> StatedRange {
    StatedRange {
        range: TimeRange { start, duration },
        rate,
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
