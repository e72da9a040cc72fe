//! The media of timelines from several folders, named so that no two of them are taken for one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::timeline::{
    Child, Composition, Edit, Item, ItemKind, Located, MediaReference, MissingMedia, MissingReason,
    SequenceReference,
};

/// What references stand for, by the name in them.
#[derive(Default)]
pub(super) struct References {
    known: HashMap<Arc<str>, Vec<(MediaReference, Located)>>,
}

/// The new name of each reference of one timeline.
type Renamed = HashMap<Arc<str>, Vec<(MediaReference, MediaReference)>>;

impl References {
    /// Takes down what `reference` stands for.
    pub(super) fn add(&mut self, reference: &MediaReference, located: &Located) {
        let known = self.known.entry(name_in(reference)).or_default();
        if known.iter().all(|(other, _)| other != reference) {
            known.push((reference.clone(), located.clone()));
        }
    }

    /// What `reference` stands for.
    pub(super) fn located(&self, reference: &MediaReference) -> Located {
        let known = self.known.get(&name_in(reference));
        let found = known
            .into_iter()
            .flatten()
            .find(|(other, _)| other == reference);
        found.map_or_else(
            || {
                Located::Missing(MissingMedia {
                    name: name_in(reference).to_string(),
                    looked_in: Vec::new(),
                    why: MissingReason::NotStated,
                })
            },
            |(_, located)| located.clone(),
        )
    }

    /// The tree of a timeline with references that say where its media were found. They mean the same
    /// in every folder, and are taken down here.
    pub(super) fn rooted(
        &mut self,
        root: &Arc<Item>,
        edit: &Edit,
        located: &[Located],
    ) -> Arc<Item> {
        let mut renamed = Renamed::new();
        for (source, located) in edit.sources().iter().zip(located) {
            let new = found(&source.reference, located);
            self.add(&new, located);
            let old = renamed.entry(name_in(&source.reference)).or_default();
            old.push((MediaReference::clone(&source.reference), new));
        }
        Rewriter {
            renamed,
            done: HashMap::new(),
        }
        .item(root)
    }
}

/// The name by which references are told apart first.
fn name_in(reference: &MediaReference) -> Arc<str> {
    match reference {
        MediaReference::Missing { name, .. } => Arc::clone(name),
        MediaReference::File { target, .. } => Arc::clone(target),
        MediaReference::Sequence(sequence) => Arc::clone(&sequence.prefix),
        MediaReference::Generator { .. } => "".into(),
    }
}

/// `reference` with the place where its medium was found.
fn found(reference: &MediaReference, located: &Located) -> MediaReference {
    match (reference, located) {
        (MediaReference::Sequence(sequence), Located::Sequence(there)) => {
            MediaReference::Sequence(SequenceReference {
                base: text(there.folder()),
                ..sequence.clone()
            })
        }
        (_, Located::File(path)) => MediaReference::File {
            target: text(path),
            available: reference.available().copied(),
        },
        (_, Located::Sequence(there)) => MediaReference::File {
            target: text(&there.folder().join(&*name_in(reference))),
            available: reference.available().copied(),
        },
        (_, Located::Generated(_) | Located::Missing(_)) => reference.clone(),
    }
}

fn text(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// Makes a tree with other references. What is shared stays shared.
struct Rewriter {
    renamed: Renamed,
    done: HashMap<*const Item, Arc<Item>>,
}

impl Rewriter {
    fn item(&mut self, item: &Arc<Item>) -> Arc<Item> {
        if let Some(done) = self.done.get(&Arc::as_ptr(item)) {
            return Arc::clone(done);
        }
        let kind = match &item.kind {
            ItemKind::Gap => ItemKind::Gap,
            ItemKind::Clip(clip) => {
                let mut clip = clip.clone();
                let active = clip.active;
                if let Some(named) = clip.references.get_mut(active) {
                    let names = self.renamed.get(&name_in(&named.reference));
                    let mut names = names.into_iter().flatten();
                    if let Some((_, new)) = names.find(|(old, _)| *old == named.reference) {
                        named.reference = new.clone();
                    }
                }
                ItemKind::Clip(clip)
            }
            ItemKind::Composition(composition) => {
                let children = composition.children.iter().map(|child| match child {
                    Child::Item(item) => Child::Item(self.item(item)),
                    Child::Transition(_) => child.clone(),
                });
                ItemKind::Composition(Composition {
                    kind: composition.kind,
                    children: children.collect(),
                })
            }
        };
        let new = Arc::new(Item {
            kind,
            ..Item::clone(item)
        });
        self.done.insert(Arc::as_ptr(item), Arc::clone(&new));
        new
    }
}
