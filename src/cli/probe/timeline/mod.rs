//! `jogwheel probe` of a timeline: its tracks, its media, and what was not understood.

mod text;
mod wire;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::super::exit::{CliError, Exit};
use crate::playback::{TimelineSettings, TimelineState};
use crate::time::{FrameIndex, Timecode, TimecodeFormat};
use crate::timeline::{
    Child, Composition, CompositionKind, Generator, Item, ItemKind, Located, LocatedSequence,
    MissingMedia, PlacedMarker, TrackKind,
};

/// What is known of a timeline.
struct Outline<'a> {
    path: &'a Path,
    state: &'a TimelineState,
    /// What lies side by side, lowest first.
    tracks: Vec<Track<'a>>,
    /// Each medium once, in the order in which they are met.
    media: Vec<Medium<'a>>,
}

/// A child of the timeline's root.
struct Track<'a> {
    item: &'a Item,
    kind: Option<TrackKind>,
    contents: Contents,
}

/// How much there is in an item, on all levels.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Contents {
    clips: usize,
    gaps: usize,
    transitions: usize,
}

/// Something that clips are shown from. References that lead to one file are one medium.
struct Medium<'a> {
    /// The name of the first clip that uses it.
    name: &'a str,
    /// How often it is used.
    uses: usize,
    place: Place<'a>,
}

/// Where a medium is.
enum Place<'a> {
    File(PathBuf),
    Sequence(PathBuf, &'a LocatedSequence),
    Generated(Generator),
    Missing(&'a MissingMedia),
}

impl Medium<'_> {
    fn is_missing(&self) -> bool {
        matches!(self.place, Place::Missing(_))
    }
}

/// Describes the timeline at `path`, for people or as JSON.
pub(super) fn describe(
    path: &Path,
    settings: &TimelineSettings,
    json: bool,
) -> Result<String, CliError> {
    let state = TimelineState::open(path, settings)
        .map_err(|error| CliError::new(Exit::Input, error).about(path))?;
    let outline = Outline::new(path, &state);
    if json {
        wire::json(&outline)
    } else {
        Ok(text::describe(&outline))
    }
}

impl<'a> Outline<'a> {
    fn new(path: &'a Path, state: &'a TimelineState) -> Self {
        let children = state.timeline.root.composition().into_iter();
        let tracks = children.flat_map(Composition::items).map(Track::of);
        Self {
            path,
            state,
            tracks: tracks.collect(),
            media: media(path, state),
        }
    }

    /// Its length as a timecode; `None` where timecode cannot count that far or at that rate.
    fn duration_timecode(&self) -> Option<Timecode> {
        let edit = &self.state.edit;
        let drop_frame = self.state.timeline.drop_frame;
        let format = TimecodeFormat::new(edit.rate(), drop_frame)
            .or_else(|_| TimecodeFormat::new(edit.rate(), false))
            .ok()
            .filter(|format| edit.frames() < format.frames_per_day())?;
        Some(Timecode::from_frame_number(edit.frames(), format))
    }

    /// The frame that a marker begins at.
    fn marker_frame(&self, marker: &PlacedMarker) -> FrameIndex {
        self.state.edit.rate().frame_at_floor(marker.range.start)
    }

    /// Where a marker begins, on the timeline's own clock.
    fn marker_timecode(&self, marker: &PlacedMarker) -> Option<Timecode> {
        let start = self.state.start_timecode().or_else(|| {
            let format = TimecodeFormat::new(self.state.edit.rate(), false).ok()?;
            Some(Timecode::from_frame_number(0, format))
        })?;
        Some(start.offset(self.marker_frame(marker).0))
    }
}

impl<'a> Track<'a> {
    fn of(item: &'a Item) -> Self {
        let kind = match item.composition().map(|composition| composition.kind) {
            Some(CompositionKind::Track(kind)) => Some(kind),
            Some(CompositionKind::Stack) | None => None,
        };
        Self {
            item,
            kind,
            contents: Contents::of(item),
        }
    }
}

impl Contents {
    fn of(item: &Item) -> Self {
        let mut contents = Self::default();
        contents.add(item);
        contents
    }

    /// Readers limit how deep a timeline is, so this may call itself.
    fn add(&mut self, item: &Item) {
        match &item.kind {
            ItemKind::Clip(_) => self.clips += 1,
            ItemKind::Gap => self.gaps += 1,
            ItemKind::Composition(composition) => {
                for child in &*composition.children {
                    match child {
                        Child::Item(item) => self.add(item),
                        Child::Transition(_) => self.transitions += 1,
                    }
                }
            }
        }
    }
}

fn media<'a>(path: &Path, state: &'a TimelineState) -> Vec<Medium<'a>> {
    let mut uses = vec![0_usize; state.located.len()];
    for clip in state.edit.clips() {
        if let Some(count) = uses.get_mut(clip.source.0 as usize) {
            *count += 1;
        }
    }
    let mut media: Vec<Medium<'a>> = Vec::new();
    let mut known: HashMap<(u8, PathBuf), usize> = HashMap::new();
    let sources = state.edit.sources().iter().zip(&state.located);
    for ((source, located), uses) in sources.zip(uses) {
        let (key, place) = match located {
            Located::File(file) => {
                let file = as_named(path, state, file);
                ((0, file.clone()), Place::File(file))
            }
            Located::Sequence(sequence) => {
                let pattern = as_named(path, state, &sequence.pattern());
                ((1, pattern.clone()), Place::Sequence(pattern, sequence))
            }
            Located::Generated(generator) => {
                let key = (2, format!("{generator:?}").into());
                (key, Place::Generated(*generator))
            }
            Located::Missing(missing) => ((3, missing.to_string().into()), Place::Missing(missing)),
        };
        let at = *known.entry(key).or_insert(media.len());
        match media.get_mut(at) {
            Some(medium) => medium.uses += uses,
            None => media.push(Medium {
                name: &source.name,
                uses,
                place,
            }),
        }
    }
    media
}

/// A file as the person knows it: what was taken out of a bundle is named by its place there.
fn as_named(path: &Path, state: &TimelineState, file: &Path) -> PathBuf {
    let unpacked = state
        .unpacked()
        .and_then(|unpacked| unpacked.canonicalize().ok());
    match unpacked.and_then(|unpacked| file.strip_prefix(unpacked).ok().map(Path::to_owned)) {
        Some(inside) => path.join(inside),
        None => file.to_owned(),
    }
}

fn generator_words(generator: Generator) -> &'static str {
    match generator {
        Generator::Solid(_) => "plain colour",
        Generator::Bars => "colour bars",
        Generator::Checkerboard => "checkerboard",
        Generator::Unknown => "unknown generator, shown as a placeholder",
    }
}

#[cfg(test)]
mod tests;
