//! The journal: what went wrong since the program began, until a person has read it. Notices pass; it stays.

use std::collections::VecDeque;

use egui::{RichText, Ui};

use super::widgets::{heading, note};
use crate::playback::{Notice, Severity};
use crate::time::Moment;
use crate::ui::{UiInput, format, style};

/// Entries that are kept; the oldest goes first.
const MOST: usize = 200;
/// Entries that are listed. All are copied.
const LISTED: usize = 20;

/// Warnings and errors, the latest last.
#[derive(Debug, Default)]
pub(super) struct Journal {
    entries: VecDeque<Entry>,
}

#[derive(Debug)]
struct Entry {
    notice: Notice,
    /// What was open then.
    of: String,
    /// When it was said last.
    at: Moment,
    times: u32,
}

impl Journal {
    /// Writes down what is bad of what the engine said now.
    pub(super) fn note(&mut self, notice: &Notice, input: &UiInput<'_>) {
        if notice.severity < Severity::Warning {
            return;
        }
        let media = input.snapshot.media.as_ref();
        let of = media.map(|media| format::file_name(&media.info.path));
        let of = of.unwrap_or_default();
        let before = self
            .entries
            .iter()
            .position(|entry| entry.notice == *notice && entry.of == of);
        let before = before.and_then(|number| self.entries.remove(number));
        if self.entries.len() == MOST {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            notice: notice.clone(),
            of,
            at: input.now,
            times: before.map_or(0, |entry| entry.times) + 1,
        });
    }

    /// The section of a panel that tells it, where there is something to tell.
    pub(super) fn show(&mut self, ui: &mut Ui, now: Moment) {
        if self.entries.is_empty() {
            return;
        }
        heading(ui, "Warnings and errors");
        for entry in self.entries.iter().rev().take(LISTED) {
            let color = match entry.notice.severity {
                Severity::Error => style::bad(ui),
                _ => style::warn(ui),
            };
            ui.label(RichText::new(&entry.notice.text).color(color));
            note(ui, &entry.circumstances(now));
        }
        if self.entries.len() > LISTED {
            note(ui, &format!("and {} before", self.entries.len() - LISTED));
        }
        ui.horizontal(|ui| {
            let copy = ui
                .button("Copy them")
                .on_hover_text("All of them as text, for whoever is to look into it.");
            if copy.clicked() {
                ui.ctx().copy_text(self.text(now));
            }
            if ui.button("Forget them").clicked() {
                self.entries.clear();
            }
        });
    }

    fn text(&self, now: Moment) -> String {
        let line = |entry: &Entry| {
            let word = match entry.notice.severity {
                Severity::Error => "error",
                _ => "warning",
            };
            let circumstances = entry.circumstances(now);
            format!("{word}: {} ({circumstances})\n", entry.notice.text)
        };
        self.entries.iter().map(line).collect()
    }
}

impl Entry {
    /// When it was, of what, and how often.
    fn circumstances(&self, now: Moment) -> String {
        let seconds = now.nanos_since(self.at) / 1_000_000_000;
        let mut words = format::age_words(seconds);
        if !self.of.is_empty() {
            words = format!("{}, {words}", self.of);
        }
        if self.times > 1 {
            words = format!("{words}, {} times", self.times);
        }
        words
    }
}
