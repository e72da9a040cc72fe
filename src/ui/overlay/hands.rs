//! What a person's hand does to the parts of the overlay.

use super::super::bar;
use super::{Overlay, UiInput};
use crate::config::Action;
use crate::ui::compare;
use crate::ui::desk::Desk;
use crate::ui::menu;
use crate::ui::panels::Errand;
use crate::ui::pointer::{Button, Gesture, Turn, Zone};
use crate::ui::scrub::{self, Extent};
use crate::ui::workspace::Panel;

impl Overlay {
    pub(super) fn gesture(
        &mut self,
        gesture: Gesture,
        desk: &mut Desk<'_>,
        ui: &egui::Ui,
        input: &UiInput<'_>,
    ) {
        match gesture {
            Gesture::Slide(zone @ (Zone::Scrub | Zone::Waveform), pos) => {
                self.menu_scroll = None;
                let lane = self.zones.rect(zone);
                let (Some(lane), Some(extent)) = (lane, Extent::of(input.snapshot)) else {
                    return;
                };
                let fraction = scrub::fraction_at(lane, pos);
                let next = (extent.frame_at(fraction), extent.target(fraction));
                if self.dragged != Some(next) {
                    self.dragged = Some(next);
                    self.drag_target = Some(next.1);
                }
            }
            Gesture::Slide(Zone::Volume, pos) => {
                if let Some(rect) = self.zones.rect(Zone::Volume) {
                    desk.set_volume(scrub::volume_at(rect, pos));
                }
            }
            Gesture::Slide(Zone::Wipe, pos) => {
                if let Some(position) = compare::position_at(self.lens.picture(input), pos) {
                    desk.set_wipe(position);
                }
            }
            Gesture::Drag(Zone::Picture, by) => self.lens.drag(by, input.placement),
            Gesture::Slide(..) | Gesture::Drag(..) => {}
            Gesture::Wheel(zone, turn) => self.wheel(zone, turn, desk, input),
            Gesture::DoubleClick(Zone::Picture) => {
                desk.perform(Action::ToggleFullscreen);
            }
            Gesture::Click(zone) | Gesture::DoubleClick(zone) => self.click(zone, desk, ui, input),
        }
    }

    pub(super) fn click(
        &mut self,
        zone: Zone,
        desk: &mut Desk<'_>,
        ui: &egui::Ui,
        input: &UiInput<'_>,
    ) {
        let menu_was_open = self.menu_scroll.is_some();
        if zone != Zone::Menu {
            self.menu_scroll = None;
        }
        if !matches!(zone, Zone::Prompt | Zone::Button(Button::Timecode)) {
            self.prompt = None;
        }
        match zone {
            Zone::Button(Button::Play) => desk.play_button(false),
            Zone::Button(Button::PlayBack) => desk.play_button(true),
            Zone::Button(Button::Menu) => self.is_menu_open = !self.is_menu_open,
            Zone::Button(Button::Audio) => self.menu_scroll = (!menu_was_open).then_some(0.0),
            Zone::Button(button) => {
                if let Some(action) = bar::button_action(button) {
                    self.act(action, desk, ui, input);
                }
            }
            Zone::Recent(row) => {
                if let Some(file) = input.panels.recent.get(row) {
                    desk.ask(Errand::Reopen(file.path.clone()));
                }
            }
            Zone::Demo => desk.ask(Errand::OpenDemo),
            Zone::MenuRow(index) => menu::choose(desk, input, index),
            Zone::Toast(place) => self.toasts.dismiss(place, input.now),
            Zone::Help => self.help = None,
            _ => {}
        }
    }

    fn wheel(&mut self, zone: Zone, turn: Turn, desk: &mut Desk<'_>, input: &UiInput<'_>) {
        let points = turn.points;
        let along_only = !matches!(zone, Zone::Scrub | Zone::Waveform);
        if along_only && points == 0.0 {
            return;
        }
        let step = if points > 0.0 { 1 } else { -1 };
        match zone {
            Zone::Help => {
                if let Some(help) = &mut self.help {
                    help.turn(points);
                }
            }
            Zone::Menu | Zone::MenuRow(_) => {
                if let Some(scroll) = &mut self.menu_scroll {
                    *scroll = (*scroll - points).clamp(0.0, self.menu_farthest);
                }
            }
            Zone::Volume | Zone::Button(Button::Mute) => {
                desk.perform(if step > 0 {
                    Action::VolumeUp
                } else {
                    Action::VolumeDown
                });
            }
            Zone::Button(Button::Speed) => desk.change_speed(step),
            Zone::Picture => {
                if let Some(pos) = self.pointer.pos {
                    self.lens.turn(points, pos, input);
                }
            }
            Zone::Scrub | Zone::Waveform => {
                let frames = if turn.shift { 10 } else { 1 };
                self.wheel_frames += turn.notches * frames;
            }
            _ => {}
        }
    }

    /// Does what only the interface knows of.
    pub(super) fn own(&mut self, action: Action, ui: &egui::Ui, input: &UiInput<'_>) {
        if let Some(panel) = Panel::of_action(action) {
            self.workspace.toggle(panel);
            return;
        }
        match action {
            Action::ViewerOnly => self.workspace.toggle_viewer_only(),
            Action::MainMenu => self.is_menu_open = !self.is_menu_open,
            // The first control there is gets it, and Tab goes on from there.
            Action::FocusPanels => {
                ui.memory_mut(|memory| memory.move_focus(egui::FocusDirection::Next));
            }
            Action::CycleGuides => self.guides = self.guides.next(),
            Action::ToggleInspector => self.inspects = !self.inspects,
            _ => self.lens.perform(action, input),
        }
    }
}
