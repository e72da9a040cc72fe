//! Final Cut Pro's XML (`fcpxml`), versions 1.8 to 1.11.
//!
//! Resources come first: formats, assets (files), media (compound and multicam clips) and effects.
//! A library holds events, and these projects; a project has one sequence, and a sequence one
//! *spine*: its clips follow one another. What is connected to a clip of the spine lies in a *lane*
//! above or below, and moves with it. Times are fractions of a second, in the time of what an
//! element is in: `offset` says where it lies there, `start` what its own first time is called.
//!
//! - [`resources`] reads resources, and times,
//! - [`story`] puts spines and lanes on tracks,
//! - [`clip`] builds their items, [`container`] those that hold a story of their own,
//! - [`retime`] and [`look`] read how they are played and seen.
//!
//! A clip of a spine is seen and heard. Its item is on a video track, with
//! [`Effect::WithSound`](crate::timeline::Effect::WithSound); sound alone is on audio tracks.
//!
//! After Apple's *FCPXML Reference* and the DTDs that Final Cut Pro comes with.

mod clip;
mod container;
mod look;
mod resources;
mod retime;
mod story;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use resources::Resources;
use story::{Context, Reader};

use super::parts::ItemCount;
use super::xml::{self, Node, XmlFile};
use super::{Format, ImportError, ImportOptions, Imported, Notes};
use crate::time::MediaTime;
use crate::timeline::{Child, CompositionKind, Item, ItemKind, Timeline};

/// Reads a document.
///
/// # Errors
/// [`ImportError::Invalid`] where it is no XML or has nothing to play, [`ImportError::TooLarge`].
pub(super) fn read_fcpxml(
    path: &Path,
    text: &Arc<str>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let document = xml::parse(path, Format::FcpXml, text, options)?;
    let file = XmlFile::new(text);
    let mut notes = Notes::default();
    let root = document.root_element();
    let played = played(root, &file, &mut notes);
    let Some(played) = played else {
        return Err(ImportError::Invalid {
            path: path.to_owned(),
            format: Format::FcpXml,
            reason: "it holds no project and no clip".into(),
        });
    };
    let mut reader = Reader {
        path,
        file: &file,
        resources: Resources::find(root),
        limits: options.limits,
        items: ItemCount::new(path, options.limits.items),
        open: Vec::new(),
        depth: 0,
        built: HashMap::new(),
        notes: &mut notes,
    };
    let sequence = match played {
        Played::Project(_, sequence) => Some(sequence),
        Played::Clip(clip) => reader.resources.sequence_of(clip),
    };
    let format = sequence.or(match played {
        Played::Clip(clip) => Some(clip),
        Played::Project(..) => None,
    });
    let format = format.and_then(|node| reader.resources.format_of(node));
    let Some(rate) = format.and_then(|format| format.rate).or(options.rate) else {
        return Err(ImportError::RateUnknown {
            path: path.to_owned(),
        });
    };
    let canvas = format.and_then(|format| format.size);
    let context = Context { rate, canvas };
    let (name, tracks): (_, Vec<Child>) = match played {
        Played::Project(name, sequence) => (name, reader.sequence(sequence, context)?),
        Played::Clip(clip) => {
            let name = clip.attribute("name").unwrap_or_default();
            (name, reader.alone(clip, context)?)
        }
    };
    let start = sequence.and_then(|sequence| resources::time(sequence, "tcStart"));
    let timeline = Timeline {
        name: name.into(),
        rate,
        global_start: start.map(|start| MediaTime::ZERO + start),
        drop_frame: sequence.and_then(|sequence| sequence.attribute("tcFormat")) == Some("DF"),
        canvas,
        root: Arc::new(Item::new(
            "",
            ItemKind::composition(CompositionKind::Stack, tracks),
        )),
        metadata: sequence.map_or(crate::timeline::Metadata::NONE, |node| file.metadata(node)),
    };
    Ok(Imported {
        timeline,
        format: Format::FcpXml,
        base: super::folder_of(path),
        notes: notes.finish(),
    })
}

/// What of a document is played.
#[derive(Clone, Copy)]
enum Played<'a> {
    /// A project, by its name and its sequence.
    Project(&'a str, Node<'a>),
    /// A clip alone.
    Clip(Node<'a>),
}

/// The first project, or else the first clip; the others are noted.
fn played<'a>(root: Node<'a>, file: &XmlFile<'_>, notes: &mut Notes) -> Option<Played<'a>> {
    let mut played = None;
    let mut first_clip = None;
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        let first_new = open.len();
        for child in xml::elements(node) {
            match child.tag_name().name() {
                "library" | "event" => open.push(child),
                "project" => {
                    let name = child.attribute("name").unwrap_or_default();
                    let Some(sequence) = xml::child(child, "sequence") else {
                        notes.push(file.place(child), format!("the project `{name}` is empty"));
                        continue;
                    };
                    if played.is_none() {
                        played = Some(Played::Project(name, sequence));
                    } else {
                        let text = format!("the project `{name}` is another one and is not played");
                        notes.push(file.place(child), text);
                    }
                }
                name if story::is_story(name) && name != "gap" => {
                    first_clip = first_clip.or(Some(child));
                }
                _ => {}
            }
        }
        // The first one is taken next.
        open[first_new..].reverse();
    }
    played.or(first_clip.map(Played::Clip))
}

#[cfg(test)]
mod tests;
