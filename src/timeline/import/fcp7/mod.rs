//! Final Cut Pro 7's XML interchange format (`xmeml`), which Premiere and Resolve write too.
//!
//! A project holds bins, and these sequences; a sequence holds tracks of video and audio, and a track
//! clip items at stated times. Files and sequences are written out once, and named by their `id`
//! after that. Times are frames: `start` and `end` of the sequence, `in` and `out` of the clip.
//!
//! - [`resources`] finds what is named by an id,
//! - [`sequence`] builds tracks,
//! - [`clip`] builds their items, with [`retime`] and [`filters`],
//! - [`transition`] builds what lies between them.
//!
//! After Apple's *Final Cut Pro XML Interchange Format*, version 5.

mod clip;
mod filters;
mod resources;
mod retime;
mod sequence;
mod transition;

use std::path::Path;
use std::sync::Arc;

use resources::Resources;
use sequence::Reader;

use super::parts::ItemCount;
use super::xml::{self, Node, XmlFile};
use super::{Format, ImportError, ImportOptions, Imported, Notes};
use crate::timeline::{CompositionKind, Item, ItemKind, Timeline};

/// Reads a project.
///
/// # Errors
/// [`ImportError::Invalid`] where it is no XML or has no sequence, [`ImportError::TooLarge`].
pub(super) fn read_fcp7(
    path: &Path,
    text: &Arc<str>,
    options: &ImportOptions,
) -> Result<Imported, ImportError> {
    let document = xml::parse(path, Format::Fcp7Xml, text, options)?;
    let file = XmlFile::new(text);
    let mut notes = Notes::default();
    let sequences = top_level_sequences(document.root_element());
    let holds_clips = |node: &&Node<'_>| {
        let mut inside = node.descendants();
        inside.any(|inside| inside.has_tag_name("clipitem") || inside.has_tag_name("generatoritem"))
    };
    let chosen = sequences.iter().find(holds_clips).or(sequences.first());
    let Some(&chosen) = chosen else {
        return Err(ImportError::Invalid {
            path: path.to_owned(),
            format: Format::Fcp7Xml,
            reason: "it holds no sequence".into(),
        });
    };
    for other in sequences.iter().filter(|other| **other != chosen) {
        let name = xml::child_text(*other, "name").unwrap_or_default();
        let text = format!("the sequence `{name}` is another one and is not played");
        notes.push(file.place(*other), text);
    }
    let Some(rate) = resources::rate(chosen).or(options.rate) else {
        return Err(ImportError::RateUnknown {
            path: path.to_owned(),
        });
    };
    let mut reader = Reader {
        path,
        file: &file,
        resources: Resources::find(&document),
        limits: options.limits,
        items: ItemCount::new(path, options.limits.items),
        open: Vec::new(),
        built: std::collections::HashMap::new(),
        notes: &mut notes,
    };
    let children = reader.tracks(chosen, rate, sequence::Part::Both)?;
    let mut root = Item::new("", ItemKind::composition(CompositionKind::Stack, children));
    root.markers = reader.markers(chosen, rate, crate::time::MediaSpan::ZERO);
    let timecode = resources::timecode(chosen, rate);
    let timeline = Timeline {
        name: xml::child_text(chosen, "name").unwrap_or_default().into(),
        rate,
        global_start: timecode.map(|timecode| timecode.start),
        drop_frame: timecode.is_some_and(|timecode| timecode.drop_frame),
        canvas: resources::canvas(chosen),
        root: Arc::new(root),
        metadata: file.metadata(chosen),
    };
    Ok(Imported {
        timeline,
        format: Format::Fcp7Xml,
        base: super::folder_of(path),
        notes: notes.finish(),
    })
}

/// Sequences that are in no other: those in bins.
fn top_level_sequences(root: Node<'_>) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        if node.has_tag_name("sequence") {
            found.push(node);
            continue;
        }
        let bins = xml::elements(node).filter(|child| {
            let name = child.tag_name().name();
            matches!(name, "project" | "children" | "bin" | "sequence")
        });
        let first_new = open.len();
        open.extend(bins);
        // The last one is taken next.
        open[first_new..].reverse();
    }
    found
}

#[cfg(test)]
mod tests;
