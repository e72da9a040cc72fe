//! The menu: everything that has no button of its own, with its key.

use egui::{Align2, Button, Id, Rect, Ui};

use crate::config::{Action, KeyMap};

use super::UiInput;
use super::panels::Errand;
use super::style;
use super::workspace::Panel;

/// What was chosen.
pub(super) enum Choice {
    /// The same as its key.
    Action(Action),
    /// Something that has no key.
    Errand(Errand),
}

/// Files of the list that are shown.
const RECENT_SHOWN: usize = 12;

/// What the menu shows as switched on.
pub(super) struct Marks<'a> {
    /// Whether a panel is on the screen.
    pub(super) shows: &'a dyn Fn(Panel) -> bool,
    /// Whether pixel values are shown.
    pub(super) inspects: bool,
    /// Whether panels are put aside.
    pub(super) viewer_only: bool,
}

/// Shows the menu below `button`; closes it when something was chosen or elsewhere was clicked.
pub(super) fn show(
    ui: &Ui,
    button: Rect,
    open: &mut bool,
    marks: &Marks<'_>,
    input: &UiInput<'_>,
) -> Option<Choice> {
    let mut chosen = None;
    let place = egui::PopupAnchor::ParentRect(button);
    let popup = egui::Popup::new(
        Id::unique("main menu"),
        ui.ctx().clone(),
        place,
        ui.layer_id(),
    );
    popup
        .kind(egui::PopupKind::Menu)
        .layout(egui::Layout::top_down_justified(egui::Align::Min))
        .align(egui::RectAlign::BOTTOM_START)
        .style(style::menu)
        .gap(4.0)
        .open_bool(open)
        .show(|ui| {
            ui.set_min_width(230.0);
            items(ui, marks, input, &mut chosen);
        });
    if chosen.is_some() {
        *open = false;
    }
    chosen
}

fn items(ui: &mut Ui, marks: &Marks<'_>, input: &UiInput<'_>, chosen: &mut Option<Choice>) {
    let keys = input.keys;
    let has_medium = input.snapshot.media.is_some();
    let mut item = |ui: &mut Ui, action: Action, enabled: bool| {
        if row(ui, keys, action, action.label(), enabled, false) {
            *chosen = Some(Choice::Action(action));
        }
    };
    item(ui, Action::OpenFiles, true);
    let recent = &input.panels.recent;
    let mut opened = None;
    ui.add_enabled_ui(!recent.is_empty(), |ui| {
        ui.menu_button("Open recent", |ui| opened = recent_files(ui, recent));
    });
    if ui.button(super::placeholder::DEMO).clicked() {
        opened = Some(Errand::OpenDemo);
        ui.close();
    }
    ui.separator();
    item(ui, Action::Screenshot, has_medium);
    item(ui, Action::CopyFrame, has_medium);
    item(ui, Action::CopyTimecode, has_medium);
    item(ui, Action::MakeProxies, has_medium);
    ui.separator();
    for panel in Panel::ALL {
        let action = panel.action();
        if row(ui, keys, action, panel.title(), true, (marks.shows)(panel)) {
            *chosen = Some(Choice::Action(action));
        }
    }
    let mut marked = |ui: &mut Ui, action: Action, on: bool| {
        if row(ui, keys, action, action.label(), true, on) {
            *chosen = Some(Choice::Action(action));
        }
    };
    marked(ui, Action::ViewerOnly, marks.viewer_only);
    ui.separator();
    ui.menu_button("View", |ui| {
        for action in [
            Action::ZoomFit,
            Action::ZoomFill,
            Action::ZoomActual,
            Action::ZoomIn,
            Action::ZoomOut,
            Action::CycleGuides,
        ] {
            marked(ui, action, false);
        }
        marked(ui, Action::ToggleInspector, marks.inspects);
        marked(ui, Action::ToggleFullscreen, input.fullscreen);
    });
    ui.separator();
    marked(ui, Action::ToggleHelp, false);
    marked(ui, Action::Quit, false);
    if let Some(errand) = opened {
        *chosen = Some(Choice::Errand(errand));
    }
}

fn recent_files(ui: &mut Ui, recent: &[super::panels::RecentFile]) -> Option<Errand> {
    let mut chosen = None;
    ui.set_min_width(260.0);
    for file in recent.iter().take(RECENT_SHOWN) {
        let name = super::format::file_name(&file.path);
        let button = Button::new(name).shortcut_text(file.words.as_str());
        let place = file.path.display().to_string();
        if ui.add(button.truncate()).on_hover_text(place).clicked() {
            chosen = Some(Errand::Reopen(file.path.clone()));
        }
    }
    ui.separator();
    if ui.button("Clear this list").clicked() {
        chosen = Some(Errand::ForgetRecent);
    }
    if chosen.is_some() {
        ui.close();
    }
    chosen
}

/// A row with its key at the right; answers whether it was chosen.
fn row(ui: &mut Ui, keys: &KeyMap, action: Action, words: &str, enabled: bool, on: bool) -> bool {
    let chord = keys
        .first_chord(action)
        .map(|chord| chord.to_string())
        .unwrap_or_default();
    let button = Button::new(words).shortcut_text(chord).selected(on);
    let is_chosen = ui.add_enabled(enabled, button).clicked();
    if is_chosen {
        ui.close();
    }
    is_chosen
}

/// Where the menu hangs when there is no button: in the viewer's corner.
pub(super) fn corner(viewer: Rect) -> Rect {
    Align2::LEFT_TOP.anchor_size(viewer.min, egui::vec2(1.0, 1.0))
}
