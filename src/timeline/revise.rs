//! New revisions of a timeline.

use std::sync::Arc;

use super::{Child, Composition, Item, ItemKind, Timeline};

impl Timeline {
    /// A revision in which the item at `path` is what `edit` makes of it. Everything that is not on the
    /// way to it is shared with this revision.
    ///
    /// A path is the places among the children from the root down, transitions counted; the empty one is
    /// the root's. `None` where there is no item at it.
    #[must_use]
    pub fn with_item(&self, path: &[u32], edit: impl FnOnce(&Item) -> Item) -> Option<Self> {
        Some(Self {
            root: Arc::new(revised(&self.root, path, edit)?),
            ..self.clone()
        })
    }

    /// The item at `path`.
    pub fn item_at(&self, path: &[u32]) -> Option<&Arc<Item>> {
        path.iter().try_fold(&self.root, |item, &place| {
            match item.composition()?.children.get(place as usize)? {
                Child::Item(item) => Some(item),
                Child::Transition(_) => None,
            }
        })
    }
}

fn revised(item: &Item, path: &[u32], edit: impl FnOnce(&Item) -> Item) -> Option<Item> {
    // From the root down, the items that change; then up again, each with its new child.
    let mut way = vec![item];
    for &place in path {
        match way.last()?.composition()?.children.get(place as usize)? {
            Child::Item(child) => way.push(child),
            Child::Transition(_) => return None,
        }
    }
    let mut new = edit(way.pop()?);
    for (outer, &place) in way.into_iter().rev().zip(path.iter().rev()) {
        let Composition { kind, children } = outer.composition()?;
        let mut children: Arc<[Child]> = Arc::clone(children);
        *Arc::make_mut(&mut children).get_mut(place as usize)? = Child::Item(Arc::new(new));
        new = Item {
            kind: ItemKind::Composition(Composition {
                kind: *kind,
                children,
            }),
            ..outer.clone()
        };
    }
    Some(new)
}
