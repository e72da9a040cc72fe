//! What clips and tracks are called, and what is told of them under the pointer.

use super::boxes::Laid;
use super::model::{Clip, ClipState, Row};
use super::scene::Scene;
use crate::playback::TimelineState;
use crate::playback::quality::rung_name;
use crate::time::{FrameRate, MediaTime, Timecode, TimecodeFormat};
use crate::timeline::{Child, Effect, Item, Located, TrackKind};
use crate::ui::format::{self, file_name};

/// What counts more of them a second counts samples.
const MOST_FRAMES_A_SECOND: u32 = 1_000;

/// What a track is called by those who do not see it.
pub(super) fn track_name(row: &Row) -> String {
    let kind = match row.kind {
        TrackKind::Video => "video track",
        TrackKind::Audio => "audio track",
        TrackKind::Other => "track",
    };
    let clips = match row.clips.len() {
        1 => "1 clip".to_owned(),
        count => format!("{count} clips"),
    };
    format!("{}, {kind}, {clips}", row.name)
}

/// What a clip is called by those who do not see it.
pub(super) fn clip_name(scene: &Scene<'_>, row: &Row, clip: &Clip) -> String {
    let state = match clip.state {
        ClipState::Missing => ", missing",
        ClipState::Disabled => ", off",
        ClipState::Present | ClipState::Generated | ClipState::Group(_) => "",
    };
    let (from, to) = ends(scene, clip);
    format!("{}, {}, {from} to {to}{state}", clip.name, row.name)
}

fn ends(scene: &Scene<'_>, clip: &Clip) -> (String, String) {
    let place = |frame| format::position_words(scene.input.snapshot, frame);
    (place(clip.first), place(clip.end.offset(-1)))
}

/// What is told of a box: a heading, and lines.
pub(super) fn box_words(scene: &Scene<'_>, row: &Row, laid: &Laid) -> (String, Vec<String>) {
    let clips = row.clips.get(laid.clips.clone()).unwrap_or_default();
    let (Some(first), Some(last)) = (clips.first(), clips.last()) else {
        return (row.name.clone(), Vec::new());
    };
    if clips.len() > 1 {
        let (from, to) = (ends(scene, first).0, ends(scene, last).1);
        let missing = clips.iter().filter(|clip| clip.state == ClipState::Missing);
        let mut lines = vec![format!("{from} – {to}")];
        match missing.count() {
            0 => {}
            count => lines.push(format!("Media of {count} of them are missing")),
        }
        lines.push("Zoom in to see them".to_owned());
        return (format!("{} clips on {}", clips.len(), row.name), lines);
    }
    (first.name.to_string(), clip_lines(scene, row, first))
}

fn clip_lines(scene: &Scene<'_>, row: &Row, clip: &Clip) -> Vec<String> {
    let (from, to) = ends(scene, clip);
    let frames = clip.end.0 - clip.first.0;
    let mut lines = vec![format!("{}: {from} – {to}, {frames} frames", row.name)];
    match clip.state {
        ClipState::Disabled => lines.push("Switched off".to_owned()),
        ClipState::Group(count) => lines.push(format!("Made of {count} clips")),
        ClipState::Present | ClipState::Missing | ClipState::Generated => {}
    }
    let media = scene.input.snapshot.media.as_ref();
    match media.and_then(|media| media.timeline.as_ref()) {
        Some(timeline) => timeline_lines(scene, timeline, row, clip, &mut lines),
        None => file_lines(scene, row, &mut lines),
    }
    let is_shown = clip.first <= scene.head && scene.head < clip.end;
    if row.kind == TrackKind::Video && is_shown && clip.state == ClipState::Present {
        let rung = rung_name(scene.input.snapshot.rung);
        lines.push(format!("Shown now: {rung}"));
    }
    lines
}

fn file_lines(scene: &Scene<'_>, row: &Row, lines: &mut Vec<String>) {
    let Some(media) = &scene.input.snapshot.media else {
        return;
    };
    lines.push(format!("Media: {}", media.info.path.display()));
    if row.kind == TrackKind::Audio {
        let track = scene.input.snapshot.audio_track.unwrap_or(0);
        if let Some(stream) = media.info.audio.get(track) {
            lines.push(format!("Track {}", format::track_words(track, stream)));
        }
    } else if let Some(video) = media.info.default_video() {
        let (width, height) = (video.size.width(), video.size.height());
        let rate = video.rate;
        lines.push(format!("{width} × {height}, {}, {rate} fps", video.codec));
    }
}

fn timeline_lines(
    scene: &Scene<'_>,
    timeline: &TimelineState,
    row: &Row,
    clip: &Clip,
    lines: &mut Vec<String>,
) {
    let used = clip.id.and_then(|id| timeline.edit.clip(id));
    let source = used.map(|used| used.source);
    let located = source.and_then(|source| timeline.located.get(source.0 as usize));
    match located {
        Some(Located::File(path)) => lines.push(format!("Media: {}", file_name(path))),
        Some(Located::Sequence(_)) => lines.push("Media: numbered pictures".to_owned()),
        Some(Located::Generated(_)) => lines.push("Made by the player".to_owned()),
        Some(Located::Missing(missing)) => lines.push(missing.reason()),
        None => {}
    }
    let stream = scene
        .input
        .thumbnails
        .zip(source)
        .and_then(|(thumbnails, source)| thumbnails.stream_of(source));
    if let Some((codec, size, rate)) = stream {
        let (width, height) = (size.width(), size.height());
        lines.push(format!("{width} × {height}, {codec}, {rate} fps"));
    }
    let Some(item) = item_of(timeline, row, clip) else {
        return;
    };
    let stated = item.source_range;
    let rate = stated.map_or(timeline.edit.rate(), |stated| stated.rate);
    let range = item.trimmed_range();
    if item.composition().is_none() && !range.is_empty() {
        let (from, to) = (
            source_words(range.start, rate),
            source_words(range.end(), rate),
        );
        lines.push(format!("Source: {from} – {to}"));
    }
    lines.extend(item.effects.iter().filter_map(speed_words));
}

/// A time of a source: its timecode where frames count it, seconds where samples do.
fn source_words(time: MediaTime, rate: FrameRate) -> String {
    match TimecodeFormat::new(rate, false) {
        Ok(format) if rate.nominal() <= MOST_FRAMES_A_SECOND => {
            Timecode::from_frame_number(rate.frame_at_floor(time).0, format).to_string()
        }
        _ => format::span_words(time.since_zero()),
    }
}

fn speed_words(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Speed(speed) => {
            Some(format!("Speed: {:.4} ×", speed.as_f64())).map(|words| words.replace(".0000", ""))
        }
        Effect::Freeze => Some("Speed: it stands still".to_owned()),
        Effect::Map(map) => match map.pieces() {
            [only] => Some(format!("Speed: {:.4} ×", only.speed.as_f64()))
                .map(|words| words.replace(".0000", "")),
            _ => Some("Speed: it changes".to_owned()),
        },
        Effect::WithSound | Effect::Gain(_) | Effect::Unknown { .. } => None,
    }
}

/// The item of a clip in the tree.
fn item_of<'a>(timeline: &'a TimelineState, row: &Row, clip: &Clip) -> Option<&'a Item> {
    let root = &*timeline.timeline.root;
    let Some(composition) = root.composition() else {
        return Some(root);
    };
    let Child::Item(track) = composition.children.get(row.track)? else {
        return None;
    };
    let Some(child) = clip.child else {
        return Some(track);
    };
    match track.composition()?.children.get(child as usize)? {
        Child::Item(item) => Some(item),
        Child::Transition(_) => None,
    }
}
