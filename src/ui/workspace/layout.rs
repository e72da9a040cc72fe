//! Where panels are put when they open, and how the arrangement is kept.

use egui::Vec2;
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

use super::{Pane, Panel, Workspace};

/// The part of the window that a column of panels gets, and a row of them.
const COLUMN_SHARE: f32 = 0.28;
const ROW_SHARE: f32 = 0.30;
/// The profiler's threads, lists and histogram need more of it.
const PROFILER_SHARE: f32 = 0.45;

/// In a small window they get so many points all the same, or half of it.
const LEAST_COLUMN: f32 = 270.0;
const LEAST_ROW: f32 = 150.0;

/// Names the tree's memory in egui.
const ID: &str = "workspace";

/// An arrangement, as it is kept between runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    tree: serde_json::Value,
    /// Whether the panels are put aside.
    viewer_only: bool,
}

impl Workspace {
    /// The arrangement, to be kept.
    pub(in crate::ui) fn layout(&self) -> Option<Layout> {
        Some(Layout {
            tree: serde_json::to_value(&self.tree).ok()?,
            viewer_only: self.is_viewer_only,
        })
    }

    /// Takes an arrangement up again. One that is damaged, or of another version, leaves the present one.
    pub(in crate::ui) fn restore(&mut self, layout: &Layout) {
        let Ok(tree) = serde_json::from_value::<Tree<Pane>>(layout.tree.clone()) else {
            return;
        };
        if is_whole(&tree) {
            self.tree = tree;
            free_viewer(&mut self.tree);
            self.is_viewer_only = layout.viewer_only;
            self.edition += 1;
        }
    }
}

/// Whether every tile can be reached once, the viewer is among them, and no panel is twice.
fn is_whole(tree: &Tree<Pane>) -> bool {
    let Some(root) = tree.root() else {
        return false;
    };
    let (mut waiting, mut seen) = (vec![root], Vec::new());
    let mut panes = Vec::new();
    while let Some(id) = waiting.pop() {
        if seen.contains(&id) {
            return false;
        }
        seen.push(id);
        match tree.tiles.get(id) {
            None => return false,
            Some(Tile::Pane(pane)) if panes.contains(pane) => return false,
            Some(Tile::Pane(pane)) => panes.push(*pane),
            Some(Tile::Container(container)) => waiting.extend(container.children()),
        }
    }
    panes.contains(&Pane::Viewer) && tree.is_visible(root)
}

/// Nothing but the viewer.
pub(super) fn only_viewer() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let viewer = tiles.insert_pane(Pane::Viewer);
    Tree::new(egui::Id::unique(ID), viewer, tiles)
}

/// Puts `panel`, which is not there yet, where its kind belongs: behind a tab of what is there, or beside the
/// viewer. `room` is the window's, in points; zero where it was never shown.
pub(super) fn dock(tree: &mut Tree<Pane>, panel: Panel, room: Vec2) {
    let pane = tree.tiles.insert_pane(Pane::Panel(panel));
    if let Some(tabs) = tabs_of(tree, panel.is_wide()) {
        if let Some(Tile::Container(Container::Tabs(tabs))) = tree.tiles.get_mut(tabs) {
            tabs.add_child(pane);
            tabs.set_active(pane);
        }
        return;
    }
    let Some(viewer) = tree.tiles.find_pane(&Pane::Viewer) else {
        return;
    };
    let tabs = tree.tiles.insert_tab_tile(vec![pane]);
    // A row lies below the viewer alone, a column beside everything.
    let beside = if panel.is_wide() {
        Some(viewer)
    } else {
        tree.root()
    };
    if let Some(beside) = beside {
        put_in_place(tree, beside, |tree| {
            let share = match panel {
                Panel::Profiler => at_least(PROFILER_SHARE, LEAST_ROW, room.y),
                _ if panel.is_wide() => at_least(ROW_SHARE, LEAST_ROW, room.y),
                _ => at_least(COLUMN_SHARE, LEAST_COLUMN, room.x),
            };
            split(tree, beside, tabs, panel.is_wide(), share)
        });
    }
}

/// `share`, or what makes `least` points of `room`, if that is more; half of it at most.
fn at_least(share: f32, least: f32, room: f32) -> f32 {
    if room > 0.0 {
        share.max((least / room).min(0.5))
    } else {
        share
    }
}

/// The viewer is never behind a panel: what was dropped on the middle of it, or beside it in its tabs, goes
/// below it or to its side.
pub(super) fn free_viewer(tree: &mut Tree<Pane>) {
    while let Some((inner, tabs)) = tree
        .tiles
        .find_pane(&Pane::Viewer)
        .and_then(|viewer| tabs_around(tree, viewer))
    {
        let Some(Tile::Container(container)) = tree.tiles.get_mut(tabs) else {
            return;
        };
        let _place = container.remove_child(inner);
        let left = container.children_vec();
        let is_wide = left.first().is_some_and(
            |tile| matches!(tree.tiles.get_pane(tile), Some(Pane::Panel(panel)) if panel.is_wide()),
        );
        put_in_place(tree, tabs, |tree| {
            if left.is_empty() {
                tree.tiles.remove(tabs);
                inner
            } else {
                let share = if is_wide { ROW_SHARE } else { COLUMN_SHARE };
                split(tree, inner, tabs, is_wide, share)
            }
        });
    }
}

/// The tabs that `tile` lies in, however deep, and what it lies in there.
fn tabs_around(tree: &Tree<Pane>, tile: TileId) -> Option<(TileId, TileId)> {
    let mut inner = tile;
    loop {
        let outer = tree.tiles.parent_of(inner)?;
        if let Some(Container::Tabs(_)) = tree.tiles.get_container(outer) {
            return Some((inner, outer));
        }
        inner = outer;
    }
}

/// Two tiles below or beside each other, the second of which gets `share` of the room.
fn split(tree: &mut Tree<Pane>, first: TileId, second: TileId, is_row: bool, share: f32) -> TileId {
    let dir = if is_row {
        LinearDir::Vertical
    } else {
        LinearDir::Horizontal
    };
    let split = Linear::new_binary(dir, [first, second], 1.0 - share);
    tree.tiles.insert_container(split)
}

/// Puts what `make` makes of `old` where `old` was.
fn put_in_place(tree: &mut Tree<Pane>, old: TileId, make: impl FnOnce(&mut Tree<Pane>) -> TileId) {
    let parent = tree.tiles.parent_of(old);
    let new = make(tree);
    match parent.and_then(|parent| tree.tiles.get_mut(parent)) {
        Some(Tile::Container(container)) => replace(container, old, new),
        _ => tree.root = Some(new),
    }
}

/// Puts `new` in the place of `old`, as large as it was.
fn replace(container: &mut Container, old: TileId, new: TileId) {
    if let Container::Linear(linear) = container {
        let share = linear.shares[old];
        linear.shares.set_share(new, share);
    }
    let _place = container.replace_child(old, new);
}

/// The tabs with panels of the same kind.
fn tabs_of(tree: &Tree<Pane>, is_wide: bool) -> Option<TileId> {
    tree.tiles.iter().find_map(|(id, tile)| match tile {
        Tile::Pane(Pane::Panel(panel)) if panel.is_wide() == is_wide => {
            let parent = tree.tiles.parent_of(*id)?;
            let is_tabs = matches!(tree.tiles.get_container(parent), Some(Container::Tabs(_)));
            is_tabs.then_some(parent)
        }
        _ => None,
    })
}
