//! The profiler panel: where the time of each frame went, on every thread and on the GPU.
//!
//! A strip has a bar for each of the latest frames; the one that is picked, or else the newest, is shown as
//! spans in rows. Frames are gathered outside ([`ProfileLog`]) while the panel is on the screen, and only the
//! frame that is shown is read. What the panel itself costs is in what it shows: it is a part of `interface`.

mod axis;
mod details;
mod flame;
mod intervals;
mod rows;
mod ruler;
mod search;
mod strip;
#[cfg(test)]
pub(super) mod tests;

use egui::{Button, Rect, ScrollArea, TextEdit, Ui, UiBuilder, vec2};

use self::rows::Rows;
use self::search::Found;
use crate::metrics::{FrameCost, FrameLog, ProfileFrame, ProfileLog};
use crate::playback::PlaybackStatus;
use crate::time::Moment;
use crate::ui::panels::Errand;
use crate::ui::panels::widgets::{heading, note};
use crate::ui::{UiEvent, UiInput, style};

/// The newest frame takes the place of the one shown this often: faster cannot be read.
const FOLLOW_NANOS: i64 = 250_000_000;

/// From this width on, figures are beside the spans instead of below them.
const WIDE: f32 = 640.0;
const FIGURES_WIDTH: f32 = 250.0;

/// Height of the spans where everything is in one column.
const LOW_FLAME: f32 = 220.0;

/// What the panel is shown.
#[derive(Debug, Clone, Copy)]
pub struct ProfileInput<'a> {
    /// The latest frames.
    pub log: &'a ProfileLog,
    /// What became of the frames of the medium.
    pub records: &'a FrameLog,
    /// Whether no more frames are gathered.
    pub is_paused: bool,
}

/// A format that a profile is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// Events for `chrome://tracing` and Perfetto.
    Trace,
    /// A line for each span.
    Csv,
    /// Frames, threads and spans.
    Json,
}

impl ExportKind {
    /// Every format, in the order of the buttons.
    pub const ALL: [Self; 3] = [Self::Trace, Self::Csv, Self::Json];

    /// Its name on the button.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "Chrome trace",
            Self::Csv => "CSV",
            Self::Json => "JSON",
        }
    }

    /// What its files end in.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Trace | Self::Json => "json",
        }
    }

    const fn tip(self) -> &'static str {
        match self {
            Self::Trace => {
                "Writes all frames kept as events that chrome://tracing and ui.perfetto.dev open."
            }
            Self::Csv => "Writes a line for each span of all frames kept.",
            Self::Json => "Writes all frames kept with their threads and spans.",
        }
    }
}

/// The panel, and what a person has done in it.
#[derive(Default)]
pub(super) struct ProfilerPanel {
    /// The frame that was picked; the newest is shown where none was.
    picked: Option<u64>,
    shown: Option<Shown>,
    shown_at: Option<Moment>,
    query: String,
    /// What of the frame is in view; all of it where that was not changed.
    window: Option<axis::Window>,
}

/// The frame on the screen, read.
struct Shown {
    cost: FrameCost,
    frame: ProfileFrame,
    rows: Rows,
    query: String,
    found: Found,
}

impl Shown {
    fn search(&mut self, query: &str) {
        if self.query != query {
            query.clone_into(&mut self.query);
            self.found = Found::search(&self.frame, query);
        }
    }
}

impl ProfilerPanel {
    pub(super) fn show(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let Some(profile) = input.profile else {
            note(ui, "Nothing is measured here.");
            return;
        };
        self.follow(profile, input.now);
        self.toolbar(ui, profile, events);
        let budget = strip::budget_nanos(input.stats.target_fps);
        let number = self.shown.as_ref().map(|shown| shown.cost.number);
        if let Some(number) = strip::show(ui, profile.log, number, budget) {
            self.pick(number, profile, input.now);
        }
        if self.shown.is_none() {
            let words = match input.snapshot.status {
                PlaybackStatus::Playing => "The first frames are being measured …",
                _ if profile.is_paused => "Paused before anything was measured.",
                _ => "Play something, or move the pointer: what is drawn is measured.",
            };
            note(ui, words);
        }
        let room = ui.available_rect_before_wrap();
        if room.width() < WIDE {
            ScrollArea::vertical()
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    self.spans(ui, LOW_FLAME);
                    self.figures(ui, input, profile);
                });
            return;
        }
        let (left, right) = room.split_left_right_at_x(room.right() - FIGURES_WIDTH);
        let left = left.with_max_x(left.right() - 8.0);
        within(ui, left, |ui| self.spans(ui, left.height()));
        within(ui, right, |ui| {
            ScrollArea::vertical()
                .id_salt("figures")
                .auto_shrink([false, false])
                .show(ui, |ui| self.figures(ui, input, profile));
        });
    }

    /// Shows the newest frame, unless one was picked, and what has come meanwhile of the one that is shown.
    fn follow(&mut self, profile: ProfileInput<'_>, now: Moment) {
        let is_due = self
            .shown_at
            .is_none_or(|at| now.nanos_since(at) >= FOLLOW_NANOS);
        let newest = || profile.log.costs().next_back().map(|cost| cost.number);
        let shown = self.shown.as_ref().map(|shown| shown.cost);
        let wanted = match (self.picked, shown) {
            (Some(number), _) => Some(number),
            (None, Some(shown)) if !is_due && !profile.is_paused => Some(shown.number),
            (None, _) => newest(),
        };
        let Some(cost) = wanted.and_then(|number| profile.log.cost(number)) else {
            // What has gone from the log stays on the screen.
            return;
        };
        // GPU times come late.
        if shown != Some(cost) {
            self.read(cost, profile, now);
        }
        if let Some(shown) = &mut self.shown {
            shown.search(&self.query);
        }
    }

    fn read(&mut self, cost: FrameCost, profile: ProfileInput<'_>, now: Moment) {
        let Some(frame) = profile.log.frame(cost.number) else {
            return;
        };
        self.shown_at = Some(now);
        self.shown = Some(Shown {
            rows: Rows::of(&frame),
            query: self.query.clone(),
            found: Found::search(&frame, &self.query),
            cost,
            frame,
        });
    }

    /// Shows a frame, and keeps showing it.
    fn pick(&mut self, number: u64, profile: ProfileInput<'_>, now: Moment) {
        self.picked = Some(number);
        self.window = None;
        self.follow(profile, now);
    }

    fn toolbar(&mut self, ui: &mut Ui, profile: ProfileInput<'_>, events: &mut Vec<UiEvent>) {
        ui.horizontal_wrapped(|ui| {
            let words = if profile.is_paused { "Resume" } else { "Pause" };
            let pause = ui.button(words).on_hover_text(
                "Stops gathering frames, or goes on. Nothing is measured while the panel is closed.",
            );
            if pause.clicked() {
                events.push(UiEvent::Errand(Errand::PauseProfiler(!profile.is_paused)));
            }
            let newest = ui
                .add_enabled(self.picked.is_some(), Button::new("Follow newest"))
                .on_hover_text("Shows the newest frame again, four times a second.");
            if newest.clicked() {
                self.picked = None;
                self.shown_at = None;
                self.window = None;
            }
            let fit = ui
                .add_enabled(self.window.is_some(), Button::new("Fit"))
                .on_hover_text("Shows the whole frame.");
            if fit.clicked() {
                self.window = None;
            }
            let label = ui.label("Search");
            let edit = TextEdit::singleline(&mut self.query)
                .hint_text("Name of a span")
                .desired_width(130.0);
            ui.add(edit).labelled_by(label.id);
            if let Some(shown) = &mut self.shown {
                shown.search(&self.query);
                if shown.found.is_search() {
                    ui.label(found_words(&shown.found)).on_hover_text(
                        "Of this frame, all threads together. Spans within one that was found count, but \
                         their time does not count twice.",
                    );
                }
            }
            ui.label("Export");
            for kind in ExportKind::ALL {
                let button = Button::new(kind.name());
                let button = ui.add_enabled(!profile.log.is_empty(), button);
                if button.on_hover_text(kind.tip()).clicked() {
                    events.push(UiEvent::Errand(Errand::ExportProfile(kind)));
                }
            }
        });
    }

    fn spans(&mut self, ui: &mut Ui, height: f32) {
        if let Some(shown) = &self.shown {
            let words = format!(
                "Frame {}, {} spans in {}",
                shown.frame.number,
                shown.frame.span_count(),
                strip::millis_words(shown.frame.duration_nanos)
            );
            heading(ui, &words);
            if !shown.frame.is_whole {
                let words = "Some spans of this frame could not be read.";
                ui.colored_label(style::warn(ui), words);
            }
            let room = (height - (ui.cursor().top() - ui.min_rect().top())).max(60.0);
            let flame = flame::Flame {
                frame: &shown.frame,
                rows: &shown.rows,
                found: &shown.found,
            };
            flame.show(ui, room, &mut self.window);
        }
    }

    fn figures(&mut self, ui: &mut Ui, input: &UiInput<'_>, profile: ProfileInput<'_>) {
        if let Some(shown) = &self.shown {
            details::show_records(ui, profile.records, shown.cost);
        }
        let number = self.shown.as_ref().map(|shown| shown.cost.number);
        if let Some(number) = details::show_slowest(ui, profile.log, number) {
            self.pick(number, profile, input.now);
        }
        intervals::show(ui, input);
    }
}

/// `3 spans, 4.21 ms`.
fn found_words(found: &Found) -> String {
    let plural = if found.count == 1 { "" } else { "s" };
    format!(
        "{} span{plural}, {}",
        found.count,
        strip::millis_words(found.nanos)
    )
}

/// Shows something in a part of the panel.
fn within(ui: &mut Ui, rect: Rect, show: impl FnOnce(&mut Ui)) {
    let rect = Rect::from_min_size(rect.min, rect.size().max(vec2(1.0, 1.0)));
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.set_clip_rect(rect.intersect(ui.clip_rect()));
        show(ui);
    });
}
