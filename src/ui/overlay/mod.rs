//! The overlay as a whole: what it remembers, and one pass.

mod look;
mod zoom;

use std::time::Duration;

use egui::{CursorIcon, Event, RawInput};

use crate::config::{Action, Key};
use crate::playback::{Command, PlaybackStatus, SeekTarget};
use crate::time::{FrameIndex, Moment};

use super::bar_layout::BarLayout;
use super::canvas::Canvas;
use super::desk::{Desk, Local};
use super::help::Help;
use super::hover::Sprites;
use super::osd::Osd;
use super::performance::Performance;
use super::pointer::{Button, Gesture, Pointer, Turn, Zone, Zones};
use super::prompt::Prompt;
use super::scrub::Extent;
use super::timeline_view::TimelineView;
use super::toasts::Toasts;
use super::{
    UiEvent, UiInput, UiOutput, bar, bar_layout, compare, keyboard, menu, placeholder, scrub,
    style, top, waveform,
};

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
pub struct Overlay {
    styled: bool,
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
    sprites: Sprites,
    /// Size of the window and pixels a point, of the latest pass.
    window: (egui::Vec2, f32),
    look: Option<u64>,
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

    /// Names of what is open over the picture: `help`, `performance`, `prompt`, `menu`.
    pub fn open_panels(&self) -> impl Iterator<Item = &'static str> + use<> {
        let panels = [
            self.help.is_some().then_some("help"),
            self.performance.is_some().then_some("performance"),
            self.prompt.is_some().then_some("prompt"),
            self.menu_scroll.is_some().then_some("menu"),
        ];
        panels.into_iter().flatten()
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
        zoom::fit(ctx, &mut raw);
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
        let egui_wants = root
            .filter(|root| self.prompt.is_some() && root.repaint_delay < Duration::MAX)
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
        let redraw = settle || self.prompt.is_some() || self.look != Some(look);
        self.look = Some(look);
        UiOutput {
            egui: full,
            events,
            redraw,
            repaint_at,
        }
    }

    /// Whether a pass with this input would look different from the last one. Call it when the
    /// snapshot or the statistics changed, instead of running a pass for nothing.
    pub fn is_stale(&self, input: &UiInput<'_>) -> bool {
        self.look != Some(self.look_of(input))
            || self
                .next_change(input)
                .is_some_and(|moment| moment <= input.now)
    }

    fn pass(&mut self, ui: &mut egui::Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let mut desk = Desk::new(input);
        let raw: Vec<Event> = ui.input(|state| state.events.clone());
        self.toasts.update(&input.snapshot.notices, input.now);
        if let Some(failure) = input.failure {
            // The placeholder says it, with the first letter raised.
            let rest = failure.reason.char_indices().nth(1).map_or(0, |(at, _)| at);
            self.toasts.dismiss_what_ends_with(&failure.reason[rest..]);
        }
        self.last_sign.get_or_insert(input.now);
        self.read_keys(&raw, &mut desk, input);
        let (gestures, alive) = self.pointer.read(&raw, &self.zones, input.now);
        if alive {
            self.last_sign = Some(input.now);
        }
        for gesture in gestures {
            self.gesture(gesture, &mut desk, input);
        }
        self.move_playhead(&mut desk);
        if let Some(feedback) = desk.feedback.take() {
            self.osd.show(feedback, input.now);
        }
        events.append(&mut desk.events);

        self.track_hover(input.now);
        self.paint(ui, input);
        self.answer_prompt(events);
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

    /// Goes on with what the pointer holds in `other`, whose place this takes: the interface is made
    /// anew when the graphics device was lost, in the middle of a drag as well.
    pub fn take_drag_over(&mut self, other: &mut Self) {
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

    fn read_keys(&mut self, raw: &[Event], desk: &mut Desk<'_>, input: &UiInput<'_>) {
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
            self.act(action, desk, input);
        }
    }

    fn act(&mut self, action: Action, desk: &mut Desk<'_>, input: &UiInput<'_>) {
        match desk.perform(action) {
            Some(Local::ToggleHelp) => {
                self.help = match self.help {
                    Some(_) => None,
                    None => Some(Help::new(input.keys)),
                };
            }
            Some(Local::TogglePerformance) => self.set_performance(self.performance.is_none()),
            Some(Local::AskPosition) => self.prompt = Some(Prompt::default()),
            Some(Local::Dismiss) if self.menu_scroll.take().is_some() => {}
            Some(Local::Dismiss) if input.fullscreen => {
                desk.perform(Action::ToggleFullscreen);
            }
            Some(Local::Dismiss) | None => {}
        }
    }

    fn gesture(&mut self, gesture: Gesture, desk: &mut Desk<'_>, input: &UiInput<'_>) {
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
                if let Some(position) =
                    compare::position_at(self.zones.rect(Zone::Picture), input, pos)
                {
                    desk.set_wipe(position);
                }
            }
            Gesture::Slide(..) => {}
            Gesture::Wheel(zone, turn) => self.wheel(zone, turn, desk),
            Gesture::DoubleClick(Zone::Picture) => {
                desk.perform(Action::ToggleFullscreen);
            }
            Gesture::Click(zone) | Gesture::DoubleClick(zone) => self.click(zone, desk, input),
        }
    }

    fn click(&mut self, zone: Zone, desk: &mut Desk<'_>, input: &UiInput<'_>) {
        let menu_was_open = self.menu_scroll.is_some();
        if zone != Zone::Menu {
            self.menu_scroll = None;
        }
        match zone {
            Zone::Button(Button::Play) => desk.play_button(false),
            Zone::Button(Button::PlayBack) => desk.play_button(true),
            Zone::Button(Button::Audio) => self.menu_scroll = (!menu_was_open).then_some(0.0),
            Zone::Button(button) => {
                if let Some(action) = bar::button_action(button) {
                    self.act(action, desk, input);
                }
            }
            Zone::MenuRow(index) => menu::choose(desk, input, index),
            Zone::Toast(place) => self.toasts.dismiss(place, input.now),
            Zone::Help => self.help = None,
            _ => {}
        }
        if self.prompt.is_some() && zone != Zone::Prompt {
            self.prompt = None;
        }
    }

    fn wheel(&mut self, zone: Zone, turn: Turn, desk: &mut Desk<'_>) {
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
            Zone::Scrub | Zone::Waveform => {
                let frames = if turn.shift { 10 } else { 1 };
                self.wheel_frames += turn.notches * frames;
            }
            _ => {}
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
        !(may_hide(input) && self.is_idle(input))
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
        self.help.is_some() || self.prompt.is_some() || self.menu_scroll.is_some()
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

    fn paint(&mut self, ui: &mut egui::Ui, input: &UiInput<'_>) {
        let window = ui.max_rect();
        let visible = self.is_chrome_visible(input);
        let shown = self.shown_frame(input);
        let tip = self.tip(input.now);
        self.timeline.update(input.snapshot);
        self.zones.clear();
        let mut canvas = Canvas {
            painter: ui.painter().with_clip_rect(window),
            zones: &mut self.zones,
            hovered: self.hover_since.map(|(zone, _)| zone),
            held: self.pointer.held,
        };
        let canvas = &mut canvas;
        canvas.zones.place(Zone::Picture, window);
        let mut between = window;
        if visible {
            between.min.y = (window.top() + top::HEIGHT).min(window.bottom());
            between.max.y = (window.bottom() - bar_layout::HEIGHT).max(between.min.y);
        }
        if !placeholder::paint(canvas, between, input) {
            waveform::paint_large(canvas, between, input, shown);
        }
        compare::paint(canvas, window, between, visible, input);
        if let Some(panel) = &mut self.performance {
            panel.update(input, self.timeline.facts.as_ref());
            panel.paint(canvas, between, input);
        }
        if visible {
            top::paint(canvas, window, input, self.timeline.facts.as_ref());
            let menu_open = self.menu_scroll.is_some();
            let timeline = &mut self.timeline;
            let layout = bar::paint(canvas, window, input, shown, menu_open, timeline);
            self.layout = Some(layout);
        } else {
            self.layout = None;
        }
        self.toasts
            .paint(canvas, window, between.top(), between.bottom(), input.now);
        if let Some(words) = self.osd.words(input.snapshot, visible, input.now) {
            Osd::paint(canvas, window, between.bottom(), &words);
        }
        if let Some(layout) = &self.layout {
            let over_lane = canvas.hovered == Some(Zone::Scrub);
            if let Some(pos) = self.pointer.pos.filter(|_| over_lane) {
                let (lane, sprites) = (layout.scrub, &mut self.sprites);
                scrub::paint_hover(
                    canvas,
                    lane,
                    input,
                    pos,
                    &self.timeline,
                    between.top(),
                    sprites,
                );
            }
            let place =
                |wanted: Button| layout.buttons.iter().find(|(button, _)| *button == wanted);
            if let (Some(scroll), Some((_, button))) = (self.menu_scroll, place(Button::Audio)) {
                self.menu_farthest = menu::paint(canvas, window, *button, input, scroll);
            }
        }
        if let (Some(button), Some(layout)) = (tip, &self.layout)
            && let Some((_, rect)) = layout.buttons.iter().find(|(placed, _)| *placed == button)
        {
            bar::paint_tip(canvas, button, *rect, input);
        }
        if let (Some(Zone::Trouble(trouble)), Some(facts)) = (canvas.hovered, &self.timeline.facts)
        {
            top::paint_trouble(canvas, window, facts, trouble);
        }
        if canvas.hovered == Some(Zone::Approximate) {
            top::paint_approximate(canvas, window, input);
        }
        if canvas.hovered == Some(Zone::Proxies) {
            top::paint_proxies(canvas, window, input);
        }
        if let Some(prompt) = &mut self.prompt {
            prompt.paint(canvas, ui, window);
        }
        if let Some(help) = &mut self.help {
            help.paint(canvas, window);
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
        [
            hide,
            tip,
            figures,
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
