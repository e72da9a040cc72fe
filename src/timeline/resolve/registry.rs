//! The media and clips of an edit, numbered as they are met.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::mem;
use std::sync::Arc;

use super::{ClipId, ClipUse, Source, SourceId};
use crate::timeline::{Clip, Item, MediaReference, SequenceReference, TimeRange, TrackKind};

/// Numbers media and clips.
#[derive(Debug, Default)]
pub(super) struct Registry<'a> {
    known: HashMap<Key<'a>, SourceId>,
    pub(super) sources: Vec<Source>,
    pub(super) clips: Vec<ClipUse>,
}

impl<'a> Registry<'a> {
    /// Takes down a use of `clip`, which `item` is.
    pub(super) fn clip(
        &mut self,
        item: &'a Item,
        clip: &'a Clip,
        kind: TrackKind,
        range: TimeRange,
        path: &[u32],
    ) -> (ClipId, SourceId) {
        let source = self.source(item, clip);
        if let Some(source) = self.sources.get_mut(source.0 as usize) {
            match kind {
                TrackKind::Video => source.has_video = true,
                TrackKind::Audio => source.has_audio = true,
                TrackKind::Other => {}
            }
        }
        let id = ClipId(id_after(self.clips.len()));
        self.clips.push(ClipUse {
            source,
            name: Arc::clone(&item.name),
            range,
            track: path.first().map_or(0, |&track| track as usize),
            kind,
            path: path.into(),
        });
        (id, source)
    }

    fn source(&mut self, item: &'a Item, clip: &'a Clip) -> SourceId {
        let key = match clip.active_reference() {
            Some(reference) => Key::Reference(reference),
            None => Key::Nothing(&item.name),
        };
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let id = SourceId(id_after(self.sources.len()));
        self.known.insert(key, id);
        self.sources.push(source_of(item, clip.active_reference()));
        id
    }
}

/// Numbers fit: the walk meets far fewer than 2^32 items.
fn id_after(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn source_of(item: &Item, reference: Option<&MediaReference>) -> Source {
    let reference = reference
        .cloned()
        .unwrap_or_else(|| MediaReference::Missing {
            name: Arc::clone(&item.name),
            available: None,
        });
    let name = match &reference {
        MediaReference::Missing { name, .. } if !name.is_empty() => name,
        _ => &item.name,
    };
    let available = reference.available().copied();
    Source {
        name: Arc::clone(name),
        zero: available.map(|stated| stated.range.start),
        available,
        has_video: false,
        has_audio: false,
        reference: Arc::new(reference),
    }
}

/// Which media of two edits are the same.
pub(super) struct SourceMatch {
    old: Vec<u32>,
    new: Vec<u32>,
}

impl SourceMatch {
    pub(super) fn new(old: &[Source], new: &[Source]) -> Self {
        let mut known = HashMap::new();
        let mut number = |source| {
            let next = id_after(known.len());
            *known.entry(Key::Reference(source)).or_insert(next)
        };
        Self {
            old: old.iter().map(|old| number(&*old.reference)).collect(),
            new: new.iter().map(|new| number(&*new.reference)).collect(),
        }
    }

    pub(super) fn same(&self, old: SourceId, new: SourceId) -> bool {
        self.of_old(old) == self.of_new(new)
    }

    /// The number of a medium of the old edit; equal media of both have the same.
    pub(super) fn of_old(&self, source: SourceId) -> u32 {
        self.old.get(source.0 as usize).copied().unwrap_or(u32::MAX)
    }

    /// The number of a medium of the new edit.
    pub(super) fn of_new(&self, source: SourceId) -> u32 {
        self.new.get(source.0 as usize).copied().unwrap_or(u32::MAX)
    }
}

/// A medium as a key of a table: media are the same where their references are equal.
#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Reference(&'a MediaReference),
    /// A clip of this name without a reference.
    Nothing(&'a str),
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Reference(a), Self::Reference(b)) => a == b,
            (Self::Nothing(a), Self::Nothing(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Key<'_> {}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let reference = match self {
            Self::Nothing(name) => return name.hash(state),
            Self::Reference(reference) => reference,
        };
        mem::discriminant(*reference).hash(state);
        reference.available().hash(state);
        match reference {
            MediaReference::Missing { name, .. } => name.hash(state),
            MediaReference::File { target, .. } => target.hash(state),
            MediaReference::Sequence(sequence) => {
                let SequenceReference {
                    base,
                    prefix,
                    start,
                    ..
                } = sequence;
                (base, prefix, start).hash(state);
            }
            // Colours are floats; there are few generators.
            MediaReference::Generator { .. } => {}
        }
    }
}
