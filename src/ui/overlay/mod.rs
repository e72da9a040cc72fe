//! The overlay as a whole: what it remembers, and one pass.

mod hands;
mod look;
mod names;
mod paint;
mod zoom;

use std::time::Duration;

use egui::{CursorIcon, Event, RawInput};

use crate::config::{Action, Key, WindowSettings};
use crate::gpu::Zoom;
use crate::playback::{Command, PlaybackStatus, SeekTarget};
use crate::time::{FrameIndex, Moment};

use super::bar_layout::BarLayout;
use super::desk::{Desk, Local};
use super::guides::Guides;
use super::help::Help;
use super::hover::Sprites;
use super::lens::Lens;
use super::meters::Meters;
use super::osd::Osd;
use super::panels::Panels;
use super::performance::Performance;
use super::pointer::{Button, Pointer, Zone, Zones};
use super::prompt::Prompt;
use super::timeline_view::TimelineView;
use super::toasts::Toasts;
use super::waveform::Behind;
use super::workspace::{Layout, Panel, Workspace};
use super::{UiEvent, UiInput, UiOutput, compare, focus, keyboard, main_menu, style, waveform};

/// Bar and title hide when the pointer has been still for this long.
const HIDE_AFTER_NANOS: i64 = 3_000_000_000;
/// A button says what it does when the pointer has rested on it for this long.
const TIP_AFTER_NANOS: i64 = 500_000_000;
/// The interface. One for each window, used on the window's thread.
///
/// # Scenarios
/// - The bar and the title hide after three seconds without pointer movement while media play or the
///   window fills the screen, and come back when the pointer moves. They stay while the pointer rests
///   on them, while something is held, and while help, prompt or menu are open.
/// - Esc closes what is open, the topmost first, then leaves full screen.
/// - While the help is open, any key closes it and does nothing else; while the prompt is open, keys
///   are text.
/// - Two clicks on the picture fill the screen or leave it.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; no two exclude each other"
)]
pub struct Overlay {
    styled: bool,
    /// How large the interface is, against what the display asks for.
    magnified: zoom::Magnified,
    pointer: Pointer,
    zones: Zones,
    k_is_down: bool,
    last_sign: Option<Moment>,
    hover_since: Option<(Zone, Moment)>,
    /// The frame that the lane shows while it is dragged.
    dragged: Option<(FrameIndex, SeekTarget)>,
    /// Where it was dragged to in this pass.
    drag_target: Option<SeekTarget>,
    /// Frames that the wheel turned it by in this pass.
    wheel_frames: i64,
    layout: Option<BarLayout>,
    menu_scroll: Option<f32>,
    menu_farthest: f32,
    help: Option<Help>,
    prompt: Option<Prompt>,
    /// Something changed after it was painted.
    unsettled: bool,
    performance: Option<Performance>,
    toasts: Toasts,
    osd: Osd,
    timeline: TimelineView,
    behind: Behind,
    sprites: Sprites,
    /// Size of the window and pixels a point, of the latest pass.
    window: (egui::Vec2, f32),
    look: Option<u64>,
    workspace: Workspace,
    panels: Panels,
    lens: Lens,
    guides: Guides,
    meters: Meters,
    /// Whether the values of the pixel under the pointer are shown.
    inspects: bool,
    is_menu_open: bool,
    /// Whether one of egui's controls had the keyboard after the latest pass.
    had_keyboard: bool,
    had_prompt: bool,
    /// What the latest pass painted, where egui's own controls are on the screen.
    shapes: Vec<egui::epaint::ClippedShape>,
}

impl Overlay {
    /// An overlay with everything closed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens or closes the performance panel.
    pub fn set_performance(&mut self, open: bool) {
        if open != self.performance.is_some() {
            self.performance = open.then(Performance::default);
        }
    }

    /// How large the picture is seen: `fit`, `fill`, or percent of its own size.
    pub fn zoom_words(&self) -> String {
        match self.lens.framing().zoom {
            Zoom::Fit => "fit".to_owned(),
            Zoom::Fill => "fill".to_owned(),
            Zoom::Scale(scale) => format!("{:.0}", scale * 100.0),
        }
    }

    /// Colours panels and menus, and sizes the interface against what the display asks for.
    pub fn set_window(&mut self, ctx: &egui::Context, settings: WindowSettings) {
        if !self.styled {
            style::apply(ctx);
            self.styled = true;
        }
        style::set_theme(ctx, settings.theme);
        self.magnified = zoom::Magnified::by_percent(settings.scale_percent);
        self.look = None;
    }

    /// Opens a panel beside the picture.
    pub fn open(&mut self, panel: Panel) {
        self.workspace.open(panel);
    }

    /// How panels are arranged, to be kept.
    pub fn layout(&self) -> Option<Layout> {
        self.workspace.layout()
    }

    /// Counts changes of the arrangement.
    pub fn layout_edition(&self) -> u64 {
        self.workspace.edition()
    }

    /// Takes an arrangement up again.
    pub fn restore(&mut self, layout: &Layout) {
        self.workspace.restore(layout);
    }

    /// Names of what is open over the picture: `help`, `performance`, `prompt`, `menu`.
    pub fn open_panels(&self) -> impl Iterator<Item = &'static str> + use<> {
        let panels = [
            self.help.is_some().then_some("help"),
            self.performance.is_some().then_some("performance"),
            self.prompt.is_some().then_some("prompt"),
            (self.menu_scroll.is_some() || self.is_menu_open).then_some("menu"),
        ];
        let over = [self.guides.id(), self.inspects.then_some("inspector")];
        let docked = Panel::ALL.map(|panel| self.workspace.shows(panel).then_some(panel.id()));
        panels.into_iter().chain(over).chain(docked).flatten()
    }

    /// Runs one pass: reads the input in `raw`, paints, and answers what was asked for.
    ///
    /// `raw` is what egui-winit gathered since the pass before; its time is replaced by that of
    /// `input`. egui's zoom factor is set here, to keep the interface usable in small windows.
    pub fn run(&mut self, ctx: &egui::Context, mut raw: RawInput, input: &UiInput<'_>) -> UiOutput {
        if !self.styled {
            style::apply(ctx);
            self.styled = true;
        }
        zoom::fit(ctx, &mut raw, self.magnified);
        let seconds = input.now.nanos() as f64 / 1e9;
        raw.time = Some(seconds);
        let mut events = Vec::new();
        let mut full = ctx.run_ui(raw, |ui| self.pass(ui, input, &mut events));
        if self.is_cursor_hidden(input) {
            full.platform_output.cursor_icon = CursorIcon::None;
        } else if self.hovered() == Some(Zone::Wipe) {
            full.platform_output.cursor_icon = CursorIcon::ResizeHorizontal;
        }

        // egui asks for two more passes after every event; only its text field may need them.
        let root = full.viewport_output.get(&egui::ViewportId::ROOT);
        let has_controls = self.has_controls();
        let egui_wants = root
            .filter(|root| {
                (self.prompt.is_some() || has_controls) && root.repaint_delay < Duration::MAX
            })
            .map(|root| input.now + root.repaint_delay);
        // What the pointer is over was found in the zones of the pass before; when that no longer
        // holds, another pass paints it right.
        let settle = self.hovered() != self.hover_since.map(|(zone, _)| zone)
            || std::mem::take(&mut self.unsettled);
        let repaint_at = [
            self.next_change(input),
            egui_wants,
            settle.then_some(input.now),
        ]
        .into_iter()
        .flatten()
        .min();
        self.window = (ctx.viewport_rect().size(), ctx.pixels_per_point());
        let look = self.look_of(input);
        let is_repainted = has_controls && self.shapes != full.shapes;
        self.shapes.clear();
        if has_controls {
            self.shapes.clone_from(&full.shapes);
        }
        let redraw = settle || self.prompt.is_some() || is_repainted || self.look != Some(look);
        self.look = Some(look);
        let room = self
            .workspace
            .has_panels()
            .then(|| self.zones.rect(Zone::Picture))
            .flatten();
        UiOutput {
            egui: full,
            events,
            redraw,
            repaint_at,
            room,
            framing: self.lens.framing(),
            inspects: self.place_under_pointer(input),
        }
    }

    /// The place in the picture under the pointer, while pixels are inspected.
    fn place_under_pointer(&self, input: &UiInput<'_>) -> Option<[f32; 2]> {
        let pos = self.pointer.pos.filter(|_| self.inspects)?;
        let is_over = self.zones.at(pos) == Some(Zone::Picture);
        let picture = self.lens.picture(input).filter(|_| is_over)?;
        Some(((pos - picture.min) / picture.size()).into())
    }

    /// Whether egui's own controls are on the screen, so that its wishes to run again are heeded.
    fn has_controls(&self) -> bool {
        self.workspace.has_panels() || self.is_menu_open
    }

    /// Whether a pass with this input would look different from the last one. Call it when the
    /// snapshot or the statistics changed, instead of running a pass for nothing.
    pub fn is_stale(&self, input: &UiInput<'_>) -> bool {
        self.look != Some(self.look_of(input))
            || self
                .next_change(input)
                .is_some_and(|moment| moment <= input.now)
    }

    /// One pass in `ui`, which is the whole window.
    pub(super) fn pass(
        &mut self,
        ui: &mut egui::Ui,
        input: &UiInput<'_>,
        events: &mut Vec<UiEvent>,
    ) {
        let mut desk = Desk::new(input);
        let raw: Vec<Event> = ui.input(|state| state.events.clone());
        let focus = ui.memory(egui::Memory::focused);
        if focus.is_none() {
            // Tab and the arrows are the player's until a control has the keyboard.
            ui.memory_mut(|memory| memory.move_focus(egui::FocusDirection::None));
        }
        for notice in self.toasts.update(&input.snapshot.notices, input.now) {
            self.panels.note(notice, input);
        }
        if let Some(failure) = input.failure {
            // The placeholder says it, with the first letter raised.
            let rest = failure.reason.char_indices().nth(1).map_or(0, |(at, _)| at);
            self.toasts.dismiss_what_ends_with(&failure.reason[rest..]);
        }
        self.last_sign.get_or_insert(input.now);
        self.read_keys(&raw, &mut desk, ui, input);
        let (gestures, alive) = self.pointer.read(&raw, &self.zones, input.now);
        if alive {
            self.last_sign = Some(input.now);
        }
        for gesture in gestures {
            self.gesture(gesture, &mut desk, ui, input);
        }
        self.move_playhead(&mut desk);
        if let Some(feedback) = desk.feedback.take() {
            self.osd.show(feedback, input.now);
        }
        events.append(&mut desk.events);

        self.track_hover(input.now);
        let (workspace, panels) = (&mut self.workspace, &mut self.panels);
        let viewer = workspace.ui(ui, &mut |ui, panel| panels.show(ui, panel, input, events));
        self.panels.settle(events);
        self.paint(ui, viewer, input);
        self.show_main_menu(ui, viewer, input, events);
        self.name_zones(ui, input, events);
        self.cover(ui, viewer);
        let had_prompt = self.had_prompt || self.prompt.is_some();
        self.answer_prompt(events);
        self.had_prompt = self.prompt.is_some();
        if had_prompt && !self.had_prompt {
            // Its field is gone, and so is what it had the keyboard for.
            let field = ui.memory(egui::Memory::focused);
            ui.memory_mut(|memory| field.map(|field| memory.surrender_focus(field)));
        }
        self.had_keyboard = ui.memory(egui::Memory::focused).is_some();
    }

    fn show_main_menu(
        &mut self,
        ui: &mut egui::Ui,
        viewer: egui::Rect,
        input: &UiInput<'_>,
        events: &mut Vec<UiEvent>,
    ) {
        if !self.is_menu_open {
            return;
        }
        let button = self.zones.rect(Zone::Button(Button::Menu));
        let button = button.unwrap_or_else(|| main_menu::corner(viewer));
        let mut is_open = true;
        let marks = main_menu::Marks {
            shows: &|panel| self.workspace.shows(panel),
            inspects: self.inspects,
            viewer_only: self.workspace.is_viewer_only(),
        };
        let chosen = main_menu::show(ui, button, &mut is_open, &marks, input);
        self.is_menu_open = is_open;
        match chosen {
            Some(main_menu::Choice::Action(Action::MainMenu)) | None => {}
            Some(main_menu::Choice::Errand(errand)) => events.push(UiEvent::Errand(errand)),
            Some(main_menu::Choice::Action(action)) => {
                let mut desk = Desk::new(input);
                self.act(action, &mut desk, ui, input);
                events.append(&mut desk.events);
                self.unsettled = true;
            }
        }
    }

    /// What floats above everything, and the lines between panels, answer to the pointer themselves.
    fn cover(&mut self, ui: &egui::Ui, viewer: egui::Rect) {
        let grip = ui.style().interaction.resize_grab_radius_side;
        for line in Workspace::lines_around(viewer, ui.max_rect(), grip) {
            self.zones.place(Zone::Elsewhere, line);
        }
        ui.memory(|memory| {
            for layer in memory.areas().visible_layer_ids() {
                if layer.order > egui::Order::Background
                    && let Some(rect) = memory.area_rect(layer.id)
                {
                    self.zones.place(Zone::Elsewhere, rect);
                }
            }
        });
    }

    /// Asks for where the playhead was moved to in this pass: of a drag only its end counts.
    fn move_playhead(&mut self, desk: &mut Desk<'_>) {
        if let Some(target) = self.drag_target.take() {
            desk.send(Command::Scrub(target));
        }
        if self.pointer.held.is_none() && self.dragged.take().is_some() {
            desk.send(Command::EndScrub);
        }
        let frames = std::mem::take(&mut self.wheel_frames);
        if frames != 0 {
            desk.step(frames);
        }
    }

    /// Goes on as `other` was, whose place this takes, with what the pointer holds there: the interface is made
    /// anew when the graphics device was lost, in the middle of a drag as well.
    pub fn take_over(&mut self, other: &mut Self) {
        self.workspace = std::mem::take(&mut other.workspace);
        self.panels = std::mem::take(&mut other.panels);
        self.panels.forget_textures();
        self.toasts = std::mem::take(&mut other.toasts);
        self.lens = std::mem::take(&mut other.lens);
        (self.guides, self.inspects) = (other.guides, other.inspects);
        self.pointer = std::mem::take(&mut other.pointer);
        self.zones = std::mem::take(&mut other.zones);
        self.dragged = other.dragged.take();
    }

    /// Reads the prompt once its field has taken the text that came together with Enter: a fast hand,
    /// or a slow frame, brings both in one pass.
    fn answer_prompt(&mut self, events: &mut Vec<UiEvent>) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        if !std::mem::take(&mut prompt.entered) {
            return;
        }
        self.unsettled = true;
        if let Some(command) = prompt.accept() {
            events.push(UiEvent::Command(command));
            self.prompt = None;
        }
    }

    fn read_keys(
        &mut self,
        raw: &[Event],
        desk: &mut Desk<'_>,
        ui: &egui::Ui,
        input: &UiInput<'_>,
    ) {
        let (presses, k_is_down) = keyboard::presses(raw, self.k_is_down);
        self.k_is_down = k_is_down;
        for press in presses {
            if self.help.is_some() {
                if !press.repeat {
                    self.help = None;
                }
                continue;
            }
            if let Some(prompt) = &mut self.prompt {
                match press.chord.key() {
                    Key::Escape => self.prompt = None,
                    Key::Enter => prompt.entered = true,
                    _ => {}
                }
                continue;
            }
            if ui.ctx().text_edit_focused()
                || self.panels.wants_next_key()
                || focus::is_for_controls(ui, press.chord.key())
                // egui has taken the keyboard from a control for it.
                || press.chord.key() == Key::Escape && self.had_keyboard
            {
                continue;
            }
            let Some(action) = input.keys.action(press.chord) else {
                continue;
            };
            if press.repeat && !action.repeats() {
                continue;
            }
            // As in editors: with K held, J and L move by one frame.
            let action = match action {
                Action::ShuttleBackward if press.with_k => Action::StepBackward,
                Action::ShuttleForward if press.with_k => Action::StepForward,
                action => action,
            };
            self.act(action, desk, ui, input);
        }
    }

    fn act(&mut self, action: Action, desk: &mut Desk<'_>, ui: &egui::Ui, input: &UiInput<'_>) {
        match desk.perform(action) {
            Some(Local::ToggleHelp) => {
                self.help = match self.help {
                    Some(_) => None,
                    None => Some(Help::new(input.keys)),
                };
            }
            Some(Local::TogglePerformance) => self.set_performance(self.performance.is_none()),
            Some(Local::AskPosition) => {
                self.prompt.get_or_insert_default();
            }
            Some(Local::Own(action)) => self.own(action, ui, input),
            Some(Local::Dismiss) if std::mem::take(&mut self.is_menu_open) => {}
            Some(Local::Dismiss) if self.menu_scroll.take().is_some() => {}
            Some(Local::Dismiss) if input.fullscreen => {
                desk.perform(Action::ToggleFullscreen);
            }
            Some(Local::Dismiss) | None => {}
        }
    }

    /// The zone under the pointer, or the one that is held.
    fn hovered(&self) -> Option<Zone> {
        self.pointer
            .held
            .or_else(|| self.zones.at(self.pointer.pos?))
    }

    fn track_hover(&mut self, now: Moment) {
        let zone = self.hovered();
        if self.hover_since.map(|(zone, _)| zone) != zone {
            self.hover_since = zone.map(|zone| (zone, now));
        }
    }

    /// Whether the bar and the title are on the screen.
    fn is_chrome_visible(&self, input: &UiInput<'_>) -> bool {
        self.workspace.has_panels() || !(may_hide(input) && self.is_idle(input))
    }

    /// Whether nobody seems to want the controls.
    fn is_idle(&self, input: &UiInput<'_>) -> bool {
        let still = self
            .last_sign
            .is_some_and(|sign| input.now.nanos_since(sign) >= HIDE_AFTER_NANOS);
        let over = self.pointer.pos.and_then(|pos| self.zones.at(pos));
        let resting =
            over.is_some_and(|zone| !matches!(zone, Zone::Picture | Zone::Waveform | Zone::Wipe));
        still && !resting && self.pointer.held.is_none() && !self.is_anything_open()
    }

    fn is_anything_open(&self) -> bool {
        self.help.is_some()
            || self.prompt.is_some()
            || self.menu_scroll.is_some()
            || self.is_menu_open
    }

    fn is_cursor_hidden(&self, input: &UiInput<'_>) -> bool {
        !self.is_chrome_visible(input) && self.pointer.pos.is_some()
    }

    /// The frame under the playhead.
    fn shown_frame(&self, input: &UiInput<'_>) -> FrameIndex {
        self.dragged
            .map_or(input.snapshot.position, |(frame, _)| frame)
    }

    /// The button whose tip is on the screen.
    fn tip(&self, now: Moment) -> Option<Button> {
        match self.hover_since {
            Some((Zone::Button(button), since))
                if now.nanos_since(since) >= TIP_AFTER_NANOS && self.menu_scroll.is_none() =>
            {
                Some(button)
            }
            _ => None,
        }
    }

    /// When the screen changes by itself.
    fn next_change(&self, input: &UiInput<'_>) -> Option<Moment> {
        let now = input.now;
        let hide = self
            .last_sign
            .filter(|_| may_hide(input) && self.is_chrome_visible(input))
            .map(|sign| sign.offset_nanos(HIDE_AFTER_NANOS))
            .filter(|moment| *moment > now);
        let tip = match self.hover_since {
            Some((Zone::Button(_), since)) => Some(since.offset_nanos(TIP_AFTER_NANOS)),
            _ => None,
        };
        let tip = tip.filter(|moment| *moment > now);
        // Figures of media that stand still do not change.
        let playing = input.snapshot.status == PlaybackStatus::Playing;
        let figures = self
            .performance
            .as_ref()
            .filter(|_| playing)
            .map(|panel| panel.next_change(now));
        let panels = self.panels.next_change(&self.workspace, input);
        [
            hide,
            tip,
            figures,
            panels,
            self.toasts.next_change(now),
            self.osd.next_change(now),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// Whether bar and title may hide when nobody needs them.
fn may_hide(input: &UiInput<'_>) -> bool {
    input.fullscreen || input.snapshot.status == PlaybackStatus::Playing
}

#[cfg(test)]
mod tests;
