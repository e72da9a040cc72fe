//! What lies beside the picture: panels that open by key or menu and are docked around the viewer.
//!
//! While none is open the viewer has the whole window, and its controls come and go over the picture. With
//! a panel the controls stay where they are, and the picture keeps out of their way. The arrangement can be
//! changed by dragging tabs and the lines between panels, and is kept from one run to the next.

mod layout;

use egui_tiles::{SimplificationOptions, TileId, Tiles, Tree, UiResponse};
use serde::{Deserialize, Serialize};

use crate::config::Action;

pub use self::layout::Layout;

use super::style;

/// What can be docked beside the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panel {
    /// Tracks and clips along time.
    Timeline,
    /// How the machine and the player do, and what would help.
    Performance,
    /// Where each frame's time went.
    Profiler,
    /// Smaller copies of sources.
    Proxies,
    /// What is kept, and where.
    Caches,
    /// What a person wants.
    Settings,
}

impl Panel {
    /// Every panel, as the menu lists them.
    pub const ALL: [Self; 6] = [
        Self::Timeline,
        Self::Performance,
        Self::Profiler,
        Self::Proxies,
        Self::Caches,
        Self::Settings,
    ];

    /// Its title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Timeline => "Timeline",
            Self::Performance => "Performance",
            Self::Profiler => "Profiler",
            Self::Proxies => "Proxies",
            Self::Caches => "Caches",
            Self::Settings => "Settings",
        }
    }

    /// Its name in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Timeline => "timeline",
            Self::Performance => "performance-panel",
            Self::Profiler => "profiler",
            Self::Proxies => "proxies",
            Self::Caches => "caches",
            Self::Settings => "settings",
        }
    }

    /// What opens and closes it.
    pub const fn action(self) -> Action {
        match self {
            Self::Timeline => Action::PanelTimeline,
            Self::Performance => Action::PanelPerformance,
            Self::Profiler => Action::PanelProfiler,
            Self::Proxies => Action::PanelProxies,
            Self::Caches => Action::PanelCaches,
            Self::Settings => Action::PanelSettings,
        }
    }

    /// The panel that `action` opens and closes.
    pub fn of_action(action: Action) -> Option<Self> {
        Self::ALL.into_iter().find(|panel| panel.action() == action)
    }

    /// Whether it is wide and low, so that its place is below the viewer.
    const fn is_wide(self) -> bool {
        matches!(self, Self::Timeline | Self::Profiler)
    }
}

/// A place in the arrangement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pane {
    Viewer,
    Panel(Panel),
}

/// The viewer and what is docked around it.
pub(super) struct Workspace {
    tree: Tree<Pane>,
    /// The panels are put aside for a while.
    is_viewer_only: bool,
    /// Where the viewer was in the last pass.
    viewer: egui::Rect,
    /// The room of the window then, in points.
    room: egui::Vec2,
    /// Counts changes of the arrangement.
    edition: u64,
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            tree: layout::only_viewer(),
            is_viewer_only: false,
            viewer: egui::Rect::NOTHING,
            room: egui::Vec2::ZERO,
            edition: 0,
        }
    }
}

impl Workspace {
    /// Whether any panel is on the screen.
    pub(super) fn has_panels(&self) -> bool {
        !self.is_viewer_only && self.panels().next().is_some()
    }

    /// All panels that are docked, whether they are seen now or not.
    fn panels(&self) -> impl Iterator<Item = (TileId, Panel)> + '_ {
        self.tree.tiles.iter().filter_map(|(id, tile)| match tile {
            egui_tiles::Tile::Pane(Pane::Panel(panel)) => Some((*id, *panel)),
            _ => None,
        })
    }

    /// Whether `panel` is seen: docked, in front, and not put aside.
    pub(super) fn shows(&self, panel: Panel) -> bool {
        !self.is_viewer_only
            && self
                .tile_of(panel)
                .is_some_and(|tile| self.tree.active_tiles().contains(&tile))
    }

    fn tile_of(&self, panel: Panel) -> Option<TileId> {
        self.tree.tiles.find_pane(&Pane::Panel(panel))
    }

    /// Opens a panel, brings it to the front if it is behind another, or closes it.
    pub(super) fn toggle(&mut self, panel: Panel) {
        if self.shows(panel) {
            self.close(panel);
        } else {
            self.open(panel);
        }
    }

    /// Opens a panel, or brings it to the front.
    pub(super) fn open(&mut self, panel: Panel) {
        self.edition += 1;
        self.is_viewer_only = false;
        if self.tile_of(panel).is_none() {
            layout::dock(&mut self.tree, panel, self.room);
        }
        let wanted = Pane::Panel(panel);
        self.tree
            .make_active(|_, tile| matches!(tile, egui_tiles::Tile::Pane(pane) if *pane == wanted));
    }

    /// Closes a panel.
    pub(super) fn close(&mut self, panel: Panel) {
        if let Some(tile) = self.tile_of(panel) {
            self.edition += 1;
            self.tree.remove_recursively(tile);
            self.tree.simplify(&SIMPLER);
        }
    }

    /// Puts all panels aside, or brings them back.
    pub(super) fn toggle_viewer_only(&mut self) {
        self.edition += 1;
        self.is_viewer_only = !self.is_viewer_only;
    }

    /// Counts changes of the arrangement.
    pub(super) fn edition(&self) -> u64 {
        self.edition
    }

    /// Whether the panels are put aside.
    pub(super) fn is_viewer_only(&self) -> bool {
        self.is_viewer_only
    }

    /// The strips of this width along the sides of `viewer` where a panel lies beyond: who takes hold there moves the
    /// line between both.
    pub(super) fn lines_around(
        viewer: egui::Rect,
        window: egui::Rect,
        width: f32,
    ) -> impl Iterator<Item = egui::Rect> + use<> {
        let strip = |is_inside: bool, shrink: fn(&mut egui::Rect, f32)| {
            let mut strip = viewer;
            shrink(&mut strip, width);
            is_inside.then_some(strip)
        };
        let strips = [
            strip(viewer.left() > window.left() + 1.0, |rect, width| {
                rect.max.x = rect.min.x + width;
            }),
            strip(viewer.right() < window.right() - 1.0, |rect, width| {
                rect.min.x = rect.max.x - width;
            }),
            strip(viewer.top() > window.top() + 1.0, |rect, width| {
                rect.max.y = rect.min.y + width;
            }),
            strip(viewer.bottom() < window.bottom() - 1.0, |rect, width| {
                rect.min.y = rect.max.y - width;
            }),
        ];
        strips.into_iter().flatten()
    }

    /// Shows all panels, each by `show`, and answers where the viewer is.
    pub(super) fn ui(
        &mut self,
        ui: &mut egui::Ui,
        show: &mut dyn FnMut(&mut egui::Ui, Panel),
    ) -> egui::Rect {
        let whole = ui.max_rect();
        self.viewer = whole;
        self.room = whole.size();
        if self.has_panels() {
            let mut docker = Docker {
                show,
                viewer: whole,
                closed: None,
                is_edited: false,
            };
            self.tree.ui(&mut docker, ui);
            let Docker {
                viewer,
                closed,
                is_edited,
                ..
            } = docker;
            self.viewer = viewer.intersect(whole);
            if is_edited {
                self.edition += 1;
                layout::free_viewer(&mut self.tree);
            }
            if let Some(panel) = closed {
                self.close(panel);
            }
        }
        self.viewer
    }
}

/// Tabs stay tabs where one panel is left: they have its title and the button that closes it.
const SIMPLER: SimplificationOptions = SimplificationOptions {
    prune_empty_tabs: true,
    prune_empty_containers: true,
    prune_single_child_tabs: false,
    prune_single_child_containers: true,
    all_panes_must_have_tabs: false,
    join_nested_linear_containers: true,
    flatten_tabs_in_tabs: true,
};

/// What `egui_tiles` asks for while it lays out.
struct Docker<'a> {
    show: &'a mut dyn FnMut(&mut egui::Ui, Panel),
    viewer: egui::Rect,
    closed: Option<Panel>,
    is_edited: bool,
}

impl egui_tiles::Behavior<Pane> for Docker<'_> {
    fn pane_ui(&mut self, ui: &mut egui::Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        match pane {
            Pane::Viewer => self.viewer = ui.max_rect(),
            Pane::Panel(panel) => {
                let fill = style::surface(ui);
                ui.painter().rect_filled(ui.max_rect(), 0.0, fill);
                egui::Frame::new()
                    .inner_margin(egui::Margin::symmetric(10, 8))
                    .show(ui, |ui| (self.show)(ui, *panel));
            }
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> egui::WidgetText {
        match pane {
            Pane::Viewer => "Viewer".into(),
            Pane::Panel(panel) => panel.title().into(),
        }
    }

    fn is_tab_closable(&self, tiles: &Tiles<Pane>, tile: TileId) -> bool {
        matches!(tiles.get_pane(&tile), Some(Pane::Panel(_)))
    }

    fn on_tab_close(&mut self, tiles: &mut Tiles<Pane>, tile: TileId) -> bool {
        if let Some(Pane::Panel(panel)) = tiles.get_pane(&tile) {
            self.closed = Some(*panel);
        }
        // The workspace does it, when the pass is over.
        false
    }

    fn close_button_outer_size(&self) -> f32 {
        style::SMALL_CONTROL
    }

    fn close_button_inner_margin(&self) -> f32 {
        6.0
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        26.0
    }

    fn tab_bar_color(&self, visuals: &egui::Visuals) -> egui::Color32 {
        visuals.extreme_bg_color
    }

    fn tab_bg_color(
        &self,
        visuals: &egui::Visuals,
        _tiles: &Tiles<Pane>,
        _tile: TileId,
        state: &egui_tiles::TabState,
    ) -> egui::Color32 {
        if state.active {
            style::surface_of(visuals)
        } else {
            egui::Color32::TRANSPARENT
        }
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        2.0
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SIMPLER
    }

    fn on_edit(&mut self, _action: egui_tiles::EditAction) {
        self.is_edited = true;
    }
}

#[cfg(test)]
mod tests;
