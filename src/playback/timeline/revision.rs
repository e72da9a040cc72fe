//! From one revision of an edit to the next, without letting go of what both have in common.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_channel::Sender;
use parking_lot::Mutex;

use super::Shared;
use super::feed::Use;
use super::media::{ClipMedia, TimelineMedia};
use crate::decode::{FileIdentity, GopIndex};
use crate::timeline::{ClipId, Located, SourceId};

/// Where the next revision of a timeline is left for its thread.
pub(super) type NextRevision = Arc<Mutex<Option<Arc<TimelineMedia>>>>;

/// Gives a timeline that plays its next revision.
pub struct Reviser {
    pub(super) next: NextRevision,
    pub(super) shared: Arc<Shared>,
    pub(super) index: Arc<ArcSwap<GopIndex>>,
    pub(super) wake: Sender<()>,
}

impl Reviser {
    /// Plays `media` from now on: of the same rate, and on the same canvas. The plan goes on, and so do the
    /// sessions of media that the revision uses as well. Frames that wait in the ring already are those of
    /// the revision before, so where they would look otherwise a new plan must follow.
    pub fn revise(&self, media: TimelineMedia) {
        let index = GopIndex::constant(media.edit.rate(), media.edit.frames());
        self.index.store(Arc::new(index));
        let media = Arc::new(media);
        self.shared.at_hand.begin(&media);
        *self.next.lock() = Some(media);
        // A token that already waits says the same.
        let _already_awake = self.wake.try_send(());
    }
}

/// Which media and clips of a revision are which of the next.
pub(super) struct Moved<'a> {
    old: &'a TimelineMedia,
    new: &'a TimelineMedia,
    /// By the number of a medium before.
    sources: Vec<Option<SourceId>>,
}

/// What media are looked up by: files by their path, what is shown as a card by the name on it.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    File(&'a Path),
    Name(&'a str),
}

fn key_of(media: &TimelineMedia, number: usize) -> Option<Key<'_>> {
    Some(match media.located.get(number)? {
        Located::File(path) => Key::File(path),
        _ => Key::Name(&media.edit.sources().get(number)?.name),
    })
}

impl<'a> Moved<'a> {
    pub(super) fn between(old: &'a TimelineMedia, new: &'a TimelineMedia) -> Self {
        let mut by_key: HashMap<Key<'_>, Vec<SourceId>> = HashMap::new();
        for number in 0..new.located.len() {
            if let (Some(key), Ok(id)) = (key_of(new, number), u32::try_from(number)) {
                by_key.entry(key).or_default().push(SourceId(id));
            }
        }
        let of = |number: usize| {
            let source = old.edit.sources().get(number)?;
            let candidates = by_key.get(&key_of(old, number)?)?;
            let stated = |now: SourceId| new.edit.sources().get(now.0 as usize);
            let mut same = candidates.iter().copied().filter(|&now| {
                old.located.get(number) == new.located.get(now.0 as usize)
                    && stated(now).is_some_and(|stated| stated.zero == source.zero)
            });
            // Of the same file there may be several that state another length.
            let alike =
                |now: &SourceId| stated(*now).is_some_and(|it| it.reference == source.reference);
            same.clone().find(alike).or_else(|| same.next())
        };
        let sources = (0..old.located.len()).map(of).collect();
        Self { old, new, sources }
    }

    /// Whether the file of a medium is still the one that was opened.
    pub(super) fn is_unchanged(&self, now: SourceId, known: &ClipMedia) -> bool {
        match self.new.located.get(now.0 as usize) {
            Some(Located::File(path)) => known.is_of(FileIdentity::of_path(path).ok()),
            _ => true,
        }
    }

    /// The number that a medium has now, if it is still used.
    pub(super) fn source(&self, before: SourceId) -> Option<SourceId> {
        self.sources.get(before.0 as usize).copied().flatten()
    }

    /// The number that a clip has now which is seen at the same time, of the same medium.
    pub(super) fn user(&self, before: Use) -> Option<Use> {
        let old = self.old.edit.clips().get(before.clip.0 as usize)?;
        let source = self.source(old.source)?;
        let clips = (0_u32..).zip(self.new.edit.clips());
        let mut same = clips.filter(|(_, clip)| {
            clip.source == source
                && (clip.kind, clip.range, clip.track) == (old.kind, old.range, old.track)
        });
        same.next().map(|(number, _)| Use {
            clip: ClipId(number),
            ..before
        })
    }
}
