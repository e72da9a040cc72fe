//! The JSON of `jogwheel probe --json` of a timeline. Names are stable, as those of a file are.

use serde::Serialize;

use super::super::super::exit::CliError;
use super::super::wire::{Pixels, pixels, seconds, seconds_at, to_json};
use super::{Medium, Outline, Place, Track, generator_words};
use crate::time::Timecode;
use crate::timeline::import::{Format, Note, Place as NotePlace};
use crate::timeline::{MissingReason, PlacedMarker, TrackKind};

#[derive(Serialize)]
struct Document<'a> {
    path: String,
    /// `timeline`; a file has `file`.
    kind: &'static str,
    /// `otio`, `edl`, `fcp7_xml`, `fcpxml`.
    format: &'static str,
    format_long: &'static str,
    name: &'a str,
    duration_s: f64,
    duration_timecode: Option<String>,
    frames: i64,
    rate: String,
    rate_fps: f64,
    canvas: Pixels,
    /// Whether the file states the canvas.
    canvas_stated: bool,
    start_timecode: Option<String>,
    drop_frame: bool,
    /// On all levels.
    clips: usize,
    /// Places where the picture is cut.
    cuts: usize,
    /// Lowest first.
    tracks: Vec<TrackJson<'a>>,
    media: Vec<MediumJson<'a>>,
    media_missing: usize,
    markers: Vec<MarkerJson<'a>>,
    notes: Vec<NoteJson<'a>>,
}

#[derive(Serialize)]
struct TrackJson<'a> {
    /// `video`, `audio`, `other`; `none` for what is no track.
    kind: &'static str,
    name: &'a str,
    enabled: bool,
    clips: usize,
    gaps: usize,
    transitions: usize,
    duration_s: f64,
}

#[derive(Serialize)]
struct MediumJson<'a> {
    /// `file`, `sequence`, `generated`, `missing`.
    state: &'static str,
    /// Of a clip that uses it.
    name: &'a str,
    /// Clips that use it, its pictures and its sound apart.
    uses: usize,
    /// Of a file or a sequence.
    path: Option<String>,
    /// Of a sequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<SequenceJson>,
    /// What is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    generator: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<MissingJson<'a>>,
}

#[derive(Serialize)]
struct SequenceJson {
    frames: i64,
    present: usize,
    rate: String,
}

#[derive(Serialize)]
struct MissingJson<'a> {
    /// The name that it was looked for by.
    name: &'a str,
    /// `not_found`, `not_stated`, `address`, `outside`, `mismatch`, `ambiguous`.
    why: &'static str,
    looked_in: Vec<String>,
    reason: String,
    hint: String,
}

#[derive(Serialize)]
struct MarkerJson<'a> {
    name: &'a str,
    color: &'a str,
    comment: &'a str,
    frame: i64,
    timecode: Option<String>,
    start_s: f64,
    duration_s: f64,
}

#[derive(Serialize)]
struct NoteJson<'a> {
    /// The line, or the path through the tree, or `file`.
    place: String,
    line: Option<u32>,
    text: &'a str,
}

/// The outline as JSON, with a line break at its end.
pub(super) fn json(outline: &Outline<'_>) -> Result<String, CliError> {
    let state = outline.state;
    let (timeline, edit) = (&state.timeline, &state.edit);
    let words = |timecode: Option<Timecode>| timecode.map(|timecode| timecode.to_string());
    let media = &outline.media;
    to_json(&Document {
        path: outline.path.display().to_string(),
        kind: "timeline",
        format: match state.format {
            Format::Otio => "otio",
            Format::Edl => "edl",
            Format::Fcp7Xml => "fcp7_xml",
            Format::FcpXml => "fcpxml",
        },
        format_long: state.format.name(),
        name: &timeline.name,
        duration_s: seconds(edit.duration()),
        duration_timecode: words(outline.duration_timecode()),
        frames: edit.frames(),
        rate: format!("{}/{}", edit.rate().num(), edit.rate().den()),
        rate_fps: edit.rate().as_f64(),
        canvas: pixels(state.canvas),
        canvas_stated: timeline.canvas.is_some(),
        start_timecode: words(state.start_timecode()),
        drop_frame: timeline.drop_frame,
        clips: timeline.clip_count(),
        cuts: edit.cuts().len(),
        tracks: outline.tracks.iter().map(track).collect(),
        media: media.iter().map(medium).collect(),
        media_missing: media.iter().filter(|medium| medium.is_missing()).count(),
        markers: edit
            .markers()
            .iter()
            .map(|marker| marker_json(outline, marker))
            .collect(),
        notes: state.notes.iter().map(note).collect(),
    })
}

fn track<'a>(track: &Track<'a>) -> TrackJson<'a> {
    TrackJson {
        kind: match track.kind {
            Some(TrackKind::Video) => "video",
            Some(TrackKind::Audio) => "audio",
            Some(TrackKind::Other) => "other",
            None => "none",
        },
        name: &track.item.name,
        enabled: track.item.enabled,
        clips: track.contents.clips,
        gaps: track.contents.gaps,
        transitions: track.contents.transitions,
        duration_s: seconds(track.item.duration()),
    }
}

fn medium<'a>(medium: &Medium<'a>) -> MediumJson<'a> {
    let mut json = MediumJson {
        state: "file",
        name: medium.name,
        uses: medium.uses,
        path: None,
        sequence: None,
        generator: None,
        missing: None,
    };
    match &medium.place {
        Place::File(path) => json.path = Some(path.display().to_string()),
        Place::Sequence(pattern, sequence) => {
            json.state = "sequence";
            json.path = Some(pattern.display().to_string());
            json.sequence = Some(SequenceJson {
                frames: sequence.frames(),
                present: sequence.present_frames().count(),
                rate: format!("{}/{}", sequence.rate().num(), sequence.rate().den()),
            });
        }
        Place::Generated(generator) => {
            json.state = "generated";
            json.generator = Some(generator_words(*generator));
        }
        Place::Missing(missing) => {
            json.state = "missing";
            let folders = missing.looked_in.iter();
            json.missing = Some(MissingJson {
                name: &missing.name,
                why: match missing.why {
                    MissingReason::NotFound => "not_found",
                    MissingReason::NotStated => "not_stated",
                    MissingReason::Address(_) => "address",
                    MissingReason::Outside(_) => "outside",
                    MissingReason::Mismatch(_) => "mismatch",
                    MissingReason::Ambiguous(_) => "ambiguous",
                },
                looked_in: folders.map(|folder| folder.display().to_string()).collect(),
                reason: missing.reason(),
                hint: missing.hint(),
            });
        }
    }
    json
}

fn marker_json<'a>(outline: &Outline<'_>, marker: &'a PlacedMarker) -> MarkerJson<'a> {
    let timecode = outline.marker_timecode(marker);
    MarkerJson {
        name: &marker.name,
        color: &marker.color,
        comment: &marker.comment,
        frame: outline.marker_frame(marker).0,
        timecode: timecode.map(|timecode| timecode.to_string()),
        start_s: seconds_at(marker.range.start),
        duration_s: seconds(marker.range.duration),
    }
}

fn note(note: &Note) -> NoteJson<'_> {
    NoteJson {
        place: note.place.to_string(),
        line: match note.place {
            NotePlace::Line(line) => Some(line),
            NotePlace::Path(_) | NotePlace::File => None,
        },
        text: &note.text,
    }
}
