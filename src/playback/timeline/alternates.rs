//! Other files that clips name for their media, beside the ones that they use: copies of other sizes, as a rule.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::timeline::{Child, Clip, Edit, Item, ItemKind, Located, MediaReference};

/// Clips with several references that are looked at, at most.
const MOST_CLIPS: usize = 4_096;

/// A file that plays, and one that may stand for it.
pub(crate) type Alternate = (PathBuf, PathBuf);

/// What the clips of `edit`, whose tree is `root`, name beside the files that they use. `locate` finds the medium
/// of a reference of a clip of this name.
pub(super) fn alternates(
    root: &Arc<Item>,
    edit: &Edit,
    located: &[Located],
    locate: &dyn Fn(&MediaReference, &str) -> Located,
) -> Vec<Alternate> {
    let mut walk = Walk {
        edit,
        located,
        locate,
        seen: HashSet::new(),
        asked: HashSet::new(),
        found: Vec::new(),
    };
    walk.item(root);
    walk.found
}

struct Walk<'a> {
    edit: &'a Edit,
    located: &'a [Located],
    locate: &'a dyn Fn(&MediaReference, &str) -> Located,
    /// Items may be shared.
    seen: HashSet<*const Item>,
    /// By the names in the two references.
    asked: HashSet<(Arc<str>, Arc<str>)>,
    found: Vec<Alternate>,
}

impl Walk<'_> {
    fn item(&mut self, item: &Arc<Item>) {
        if !self.seen.insert(Arc::as_ptr(item)) {
            return;
        }
        match &item.kind {
            ItemKind::Gap => {}
            ItemKind::Clip(clip) => self.clip(&item.name, clip),
            ItemKind::Composition(composition) => {
                for child in &*composition.children {
                    if let Child::Item(item) = child {
                        self.item(item);
                    }
                }
            }
        }
    }

    fn clip(&mut self, name: &str, clip: &Clip) {
        let Some(active @ MediaReference::File { target, .. }) = clip.active_reference() else {
            return;
        };
        for (place, other) in clip.references.iter().enumerate() {
            let MediaReference::File { target: there, .. } = &other.reference else {
                continue;
            };
            let is_other = place != clip.active && there != target;
            if !is_other || self.asked.len() >= MOST_CLIPS {
                continue;
            }
            if !self.asked.insert((Arc::clone(target), Arc::clone(there))) {
                continue;
            }
            let Some(source) = self.path_of(active) else {
                return;
            };
            let source = source.to_owned();
            if let Located::File(path) = (self.locate)(&other.reference, name)
                && path != source
            {
                self.found.push((source, path));
            }
        }
    }

    /// Where the file of a reference in use is.
    fn path_of(&self, active: &MediaReference) -> Option<&Path> {
        let mut sources = self.edit.sources().iter().zip(self.located);
        let (_, located) = sources.find(|(source, _)| *source.reference == *active)?;
        match located {
            Located::File(path) => Some(path),
            _ => None,
        }
    }
}
