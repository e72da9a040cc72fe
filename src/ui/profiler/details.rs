//! What is said beside the spans: the slowest frames, and what became of the frame that is looked at.

use egui::{RichText, Ui};

use super::strip::millis_words;
use crate::metrics::{FrameCost, FrameFate, FrameLog, FrameRecord, ProfileLog};
use crate::ui::panels::widgets::{heading, line, note};
use crate::ui::style;

/// Frames that are listed.
const LISTED: usize = 8;

/// The frames that cost most, the costliest first.
pub(super) fn slowest(log: &ProfileLog) -> Vec<FrameCost> {
    let mut all: Vec<FrameCost> = log.costs().collect();
    all.sort_by_key(|cost| (std::cmp::Reverse(cost.work_nanos), cost.number));
    all.truncate(LISTED);
    all
}

/// A button for each of the slowest frames. Answers the one that was picked.
pub(super) fn show_slowest(ui: &mut Ui, log: &ProfileLog, shown: Option<u64>) -> Option<u64> {
    heading(ui, "Slowest frames");
    let mut picked = None;
    ui.horizontal_wrapped(|ui| {
        for cost in slowest(log) {
            let words = format!("#{}  {}", cost.number, millis_words(cost.work_nanos));
            let button = egui::Button::selectable(shown == Some(cost.number), words);
            if ui.add(button).clicked() {
                picked = Some(cost.number);
            }
        }
    });
    picked
}

/// The records of what was presented, or should have been seen, in a turn; oldest first.
pub(super) fn records_of(records: &FrameLog, cost: FrameCost) -> Vec<FrameRecord> {
    let recent = records.recent().filter(|record| cost.turn.has(record));
    recent.copied().collect()
}

/// What became of the frames of the medium in this turn.
pub(super) fn show_records(ui: &mut Ui, records: &FrameLog, cost: FrameCost) {
    heading(ui, "In this turn");
    let records = records_of(records, cost);
    if records.is_empty() {
        note(ui, "No new frame of the medium was due.");
    }
    for record in &records {
        let color = match record.fate {
            FrameFate::Shown => style::good(ui),
            FrameFate::Repeated | FrameFate::Late => style::warn(ui),
            FrameFate::Dropped => style::bad(ui),
        };
        ui.label(RichText::new(fate_words(record)).color(color));
        if let Some(late) = record.lateness_nanos() {
            let (words, nanos) = match late {
                ..0 => ("Before it was due", late.unsigned_abs()),
                0.. => ("After it was due", late.unsigned_abs()),
            };
            line(ui, words, &millis_words(nanos));
        }
        for (stage, nanos) in record.stages.iter() {
            line(ui, stage.name(), &millis_words(nanos));
        }
        if record.awaits_gpu {
            note(ui, "Its GPU time is still to come.");
        }
    }
}

/// How a frame ended, and why.
pub(super) fn fate_words(record: &FrameRecord) -> String {
    let stands_in = if record.approximate {
        ", a stand-in"
    } else {
        ""
    };
    let blame = record
        .blame
        .map_or_else(String::new, |stage| format!(", blamed on {stage}"));
    format!("Frame {} {}{stands_in}{blame}", record.frame.0, record.fate)
}
