//! OpenTimelineIO's JSON (<https://opentimelineio.readthedocs.io>).
//!
//! All schemas of its core are read, in all their versions, and any object of a timeline may be the
//! root of a file. It is read in one pass by keys, without a tree of JSON in between:
//! `json` walks over the text, `reader` knows the way to each value and lists what was not
//! understood, and `node`, `reference`, `effect`, `transition` and `time` read the objects of those
//! kinds. Metadata is not looked into; it stays a passage of the text.

mod effect;
mod json;
mod node;
mod rate;
mod reader;
mod reference;
mod schema;
#[cfg(test)]
mod tests;
mod time;
mod transition;

use std::path::Path;
use std::sync::Arc;

use json::{Fault, Kind, Read, line_after};
use node::{FoundTimeline, Node};
use reader::Reader;

use super::{Format, ImportError, ImportOptions, Imported};
use crate::time::{FrameRate, MediaTime};
use crate::timeline::{Child, CompositionKind, Item, ItemKind, Metadata, Timeline, TrackKind};

/// Reads the text of an `.otio` file. `path` is where it came from: relative references count from
/// its folder.
///
/// The rate at which the timeline plays, which the format does not state, is that of the first
/// enabled clip of a video track (its source range, or else its medium), or else that of the global
/// start, or else of the first item of a video track; only 5 to 240 frames a second count. Where
/// there is none, in a timeline of sound for instance, it is `options.rate` or 25, which is listed.
///
/// # Errors
/// [`ImportError::Invalid`] with the line and the path when the text is no JSON, or nothing in it
/// can be played; [`ImportError::TooLarge`] beyond a limit. What has the wrong type is listed, and
/// left out.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the timeline keeps the text: metadata are passages of it"
)]
pub fn read_otio(
    path: &Path,
    text: Arc<str>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let limit = options.limits.bytes;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > limit {
        return Err(ImportError::TooLarge {
            path: path.to_owned(),
            what: format!("{} bytes", text.len()),
            limit,
        });
    }
    let invalid = |reason: String| ImportError::Invalid {
        path: path.to_owned(),
        format: Format::Otio,
        reason,
    };
    let mut reader = Reader::new(&text, options.limits);
    let root = match read_root(&mut reader) {
        Ok(root) => root,
        Err(Fault::Syntax(what)) => {
            let way = match reader.path() {
                way if way.is_empty() => way,
                way => format!(" ({way})"),
            };
            return Err(invalid(format!("line {}{way}: {what}", reader.json.line())));
        }
        Err(Fault::TooMany(what, limit)) => {
            return Err(ImportError::TooLarge {
                path: path.to_owned(),
                what: format!("more than {limit} {what}"),
                limit,
            });
        }
    };
    let Some(found) = playable(&mut reader, root) else {
        let notes = std::mem::take(&mut reader.notes).finish();
        let why = notes.first().map_or_else(
            || "it holds no timeline, track or clip".to_owned(),
            |note| format!("nothing in it can be played ({note})"),
        );
        return Err(invalid(why));
    };
    let timeline = finish(&mut reader, found, options).ok_or_else(|| ImportError::RateUnknown {
        path: path.to_owned(),
    })?;
    Ok(Imported {
        timeline,
        format: Format::Otio,
        base: path.parent().unwrap_or(Path::new("")).to_owned(),
        notes: std::mem::take(&mut reader.notes).finish(),
    })
}

/// Reads an `.otio` file from its bytes, which must be UTF-8; see [`read_otio`].
///
/// # Errors
/// As [`read_otio`], and [`ImportError::Invalid`] with the line when the bytes are no text.
pub fn read_otio_bytes(
    path: &Path,
    bytes: Vec<u8>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = line_after(before);
        ImportError::Invalid {
            path: path.to_owned(),
            format: Format::Otio,
            reason: format!("line {line}: this is no UTF-8"),
        }
    })?;
    read_otio(path, text.into(), options)
}

fn read_root(reader: &mut Reader<'_>) -> Read<Node> {
    if reader.json.kind()? != Kind::Object {
        return Err(Fault::Syntax("an object was expected"));
    }
    let root = reader.node()?;
    reader.json.end()?;
    Ok(root)
}

/// What of a file is played: its timeline, the first of its timelines, or whatever else it holds.
fn playable(reader: &mut Reader<'_>, root: Node) -> Option<FoundTimeline> {
    let bare = |item: Arc<Item>| FoundTimeline {
        name: Arc::clone(&item.name),
        global_start: None,
        root: Some(item),
        metadata: Metadata::NONE,
    };
    match root {
        Node::Timeline(timeline) => Some(*timeline),
        Node::Child(Child::Item(item)) => Some(bare(item)),
        Node::Child(Child::Transition(_)) | Node::Nothing => None,
        Node::Collection(nodes) => {
            let (mut timelines, mut items) = (Vec::new(), Vec::new());
            gather(nodes, &mut timelines, &mut items);
            let others = if timelines.is_empty() {
                items.len().saturating_sub(1)
            } else {
                items.len() + timelines.len() - 1
            };
            if others > 0 {
                reader.note(format!(
                    "a collection: the first timeline is played, {others} more objects are not"
                ));
            }
            let first = timelines.into_iter().next();
            first.or_else(|| items.into_iter().next().map(bare))
        }
    }
}

/// What a collection holds, collections in it included. They are nested no deeper than was read.
fn gather(nodes: Vec<Node>, timelines: &mut Vec<FoundTimeline>, items: &mut Vec<Arc<Item>>) {
    for node in nodes {
        match node {
            Node::Timeline(timeline) => timelines.push(*timeline),
            Node::Child(Child::Item(item)) => items.push(item),
            Node::Collection(nodes) => gather(nodes, timelines, items),
            Node::Child(Child::Transition(_)) | Node::Nothing => {}
        }
    }
}

fn finish(
    reader: &mut Reader<'_>,
    found: FoundTimeline,
    options: &ImportOptions,
) -> Option<Timeline> {
    let rate = rate::of_timeline(&found).or_else(|| {
        let rate = options.rate.or_else(|| FrameRate::new(25, 1))?;
        reader.note(format!("no frame rate is stated: {rate} is taken"));
        Some(rate)
    })?;
    if found.root.is_none() {
        reader.note("the timeline has no tracks");
    }
    Some(Timeline {
        rate,
        root: stack_of_tracks(found.root),
        global_start: found.global_start.map(|start| MediaTime::ZERO + start.span),
        drop_frame: false,
        canvas: None,
        name: found.name,
        metadata: found.metadata,
    })
}

/// A stack, whatever a file has as its root: a track is put in a stack, a clip in a track of video.
fn stack_of_tracks(root: Option<Arc<Item>>) -> Arc<Item> {
    let around = |kind, child: Option<Arc<Item>>| {
        let children: Vec<Child> = child.map(Child::Item).into_iter().collect();
        Arc::new(Item::new("", ItemKind::composition(kind, children)))
    };
    let Some(root) = root else {
        return around(CompositionKind::Stack, None);
    };
    match root.composition().map(|composition| composition.kind) {
        Some(CompositionKind::Stack) => root,
        Some(CompositionKind::Track(_)) => around(CompositionKind::Stack, Some(root)),
        None => {
            let track = around(CompositionKind::Track(TrackKind::Video), Some(root));
            around(CompositionKind::Stack, Some(track))
        }
    }
}
