//! "Optimize now": measures, follows what is suggested, measures again, and shows both.

use std::collections::BTreeSet;

use egui::{Grid, RichText, Ui};

use super::advice::{self, Advice};
use super::widgets::{heading, note};
use crate::playback::PlaybackStatus;
use crate::time::Moment;
use crate::ui::{UiEvent, UiInput};

/// Each measurement takes so long, and what was changed gets so long to take effect.
const MEASURE_NANOS: i64 = 5_000_000_000;
const SETTLE_NANOS: i64 = 2_000_000_000;

/// What was measured over a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measured {
    fps: f32,
    target_fps: f32,
    /// Frames that were late or dropped, in a thousand.
    lost_per_mille: u64,
}

/// The counts that a measurement begins with.
#[derive(Debug, Clone, Copy)]
struct Counts {
    at: Moment,
    shown: u64,
    lost: u64,
}

impl Counts {
    fn of(input: &UiInput<'_>) -> Self {
        let frames = input.stats.frames;
        Self {
            at: input.now,
            shown: frames.shown,
            lost: frames.late + frames.dropped.total(),
        }
    }

    /// What became of frames between these counts and now.
    fn until(self, input: &UiInput<'_>) -> Measured {
        let now = Self::of(input);
        // Counts begin anew with another medium.
        let lost = now.lost.saturating_sub(self.lost);
        let shown = now.shown.saturating_sub(self.shown);
        let seconds = now.at.nanos_since(self.at).max(1) as f64 / 1e9;
        #[expect(clippy::cast_possible_truncation, reason = "for people to read")]
        let fps = (shown as f64 / seconds) as f32;
        Measured {
            fps,
            target_fps: input.stats.target_fps,
            lost_per_mille: lost * 1000 / (shown + lost).max(1),
        }
    }

    fn is_over(self, now: Moment, nanos: i64) -> bool {
        now.nanos_since(self.at) >= nanos
    }
}

enum Phase {
    Before(Counts),
    Settling(Counts, Measured),
    After(Counts, Measured),
    Done(Measured, Measured),
    /// It was paused or closed in between.
    Stopped,
    /// The person stopped it after something was changed.
    Left,
}

/// One run of it.
pub(super) struct Wizard {
    phase: Phase,
    followed: Vec<Advice>,
}

impl Wizard {
    /// Begins to measure.
    pub(super) fn begin(input: &UiInput<'_>) -> Self {
        Self {
            phase: Phase::Before(Counts::of(input)),
            followed: Vec::new(),
        }
    }

    /// Goes on, if the time has come; what is followed leaves by `events`.
    pub(super) fn turn(
        &mut self,
        input: &UiInput<'_>,
        dismissed: &BTreeSet<&'static str>,
        events: &mut Vec<UiEvent>,
    ) {
        let plays = input.snapshot.status == PlaybackStatus::Playing;
        let is_over = self.is_over();
        if is_over {
            return;
        }
        if !plays {
            self.phase = Phase::Stopped;
            return;
        }
        let now = input.now;
        match self.phase {
            Phase::Before(counts) if counts.is_over(now, MEASURE_NANOS) => {
                let before = counts.until(input);
                for advice in advice::all(input) {
                    if dismissed.contains(advice.id) {
                        continue;
                    }
                    if let Some(event) = &advice.apply {
                        events.push(event.clone());
                        self.followed.push(advice);
                    }
                }
                self.phase = Phase::Settling(Counts::of(input), before);
            }
            Phase::Settling(counts, before) if counts.is_over(now, SETTLE_NANOS) => {
                self.phase = Phase::After(Counts::of(input), before);
            }
            Phase::After(counts, before) if counts.is_over(now, MEASURE_NANOS) => {
                self.phase = Phase::Done(before, counts.until(input));
            }
            _ => {}
        }
    }

    /// Shows how far it is. Answers whether the person is done with it.
    pub(super) fn show(&mut self, ui: &mut Ui, events: &mut Vec<UiEvent>) -> bool {
        heading(ui, "Optimize now");
        match &self.phase {
            Phase::Before(_) => note(ui, "Measuring what plays: five seconds …"),
            Phase::Settling(..) => note(ui, "What was suggested takes effect …"),
            Phase::After(..) => note(ui, "Measuring again: five seconds …"),
            Phase::Stopped => note(ui, "Stopped: it measures what plays, and nothing does."),
            Phase::Left => note(ui, "Stopped. What was suggested stays as it was set."),
            Phase::Done(before, after) => self.results(ui, *before, *after),
        }
        let is_over = self.is_over();
        let undo: Vec<UiEvent> = self
            .followed
            .iter()
            .filter_map(|advice| advice.undo.clone())
            .collect();
        let words = if is_over { "Close the results" } else { "Stop" };
        ui.horizontal(|ui| {
            if is_over && !undo.is_empty() {
                let back = ui
                    .button("Undo")
                    .on_hover_text("Sets what was changed as it was before.");
                if back.clicked() {
                    events.extend(undo.iter().cloned());
                    self.followed.retain(|advice| advice.undo.is_none());
                }
            }
            let is_pressed = ui.button(words).clicked();
            if is_pressed && !is_over && !undo.is_empty() {
                // It can still be taken back.
                self.phase = Phase::Left;
                return false;
            }
            is_pressed
        })
        .inner
    }

    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done(..) | Phase::Stopped | Phase::Left)
    }

    fn results(&self, ui: &mut Ui, before: Measured, after: Measured) {
        Grid::new("before and after").num_columns(3).show(ui, |ui| {
            ui.label("");
            ui.label("before");
            ui.label("after");
            ui.end_row();
            ui.label("Frames a second");
            ui.label(format!("{:.1} of {:.1}", before.fps, before.target_fps));
            ui.label(format!("{:.1} of {:.1}", after.fps, after.target_fps));
            ui.end_row();
            ui.label("Late or dropped");
            for measured in [before, after] {
                ui.label(format!("{:.1} %", measured.lost_per_mille as f64 / 10.0));
            }
            ui.end_row();
        });
        if self.followed.is_empty() {
            note(ui, "There was nothing to change.");
        }
        for advice in &self.followed {
            ui.label(RichText::new(advice.what).strong());
            note(ui, &advice.why);
        }
    }
}
