//! The cache viewer: what is kept in memory, on the graphics device and on disk.

use std::path::Path;

use egui::{ScrollArea, Ui};

use super::Errand;
use super::widgets::{
    LongList, at_work, bar, confirmed, confirmed_of, heading, limit, line, name, note,
    small_button, small_button_of,
};
use crate::cache::disk::{ItemName, Kind, Listed};
use crate::ui::format::{age_words, bytes_words, file_name};
use crate::ui::{CacheFigures, UiEvent, UiInput, style};

/// Items that are listed: of more, nobody reads the end.
const LISTED: usize = 400;

/// The viewer, and what a person has set in it.
#[derive(Default)]
pub(super) struct CachesPanel {
    kind: Option<Kind>,
    filter: String,
    by_size: bool,
    armed: Option<egui::Id>,
    /// The limit under the hand.
    limit_gb: Option<u64>,
    rows: LongList,
    unfolded: Option<ItemName>,
}

impl CachesPanel {
    pub(super) fn show(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                self.memory(ui, input, events);
                self.disk(ui, input, events);
            });
    }

    fn memory(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        heading(ui, "In memory");
        let stats = input.stats;
        let tier = |ui: &mut Ui, name: &str, figures: Option<CacheFigures>| {
            let Some(figures) = figures else {
                bar(ui, name, None, "not kept");
                return;
            };
            let share = figures.bytes as f32 / figures.limit_bytes.max(1) as f32;
            let words = format!(
                "{} / {}",
                bytes_words(figures.bytes),
                bytes_words(figures.limit_bytes)
            );
            bar(ui, name, Some(share), &words);
            let looks = figures.hits + figures.misses;
            if looks > 0 {
                let percent = figures.hits as f64 * 100.0 / looks as f64;
                note(ui, &format!("{percent:.0} % of {looks} looks found theirs"));
            }
        };
        tier(ui, "Frames", stats.cache);
        tier(ui, "VRAM", stats.textures);
        let sure = "Drop kept frames and pictures";
        if confirmed(ui, &mut self.armed, "Clear memory", sure) {
            events.push(UiEvent::Errand(Errand::ClearMemory));
        }
    }

    fn disk(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        heading(ui, "On disk");
        at_work(ui, input, events);
        let data = &input.panels.caches;
        if let Some(problem) = &data.problem {
            ui.colored_label(style::bad(ui), problem);
        }
        let Some(disk) = &data.disk else {
            note(
                ui,
                "Nothing is kept on disk in this run, or it is still being read.",
            );
            return;
        };
        let share = disk.bytes as f32 / disk.limit_bytes.max(1) as f32;
        let words = format!(
            "{} / {}",
            bytes_words(disk.bytes),
            bytes_words(disk.limit_bytes)
        );
        bar(ui, "All", Some(share), &words);
        for kind in &disk.kinds {
            let words = format!("{}, {}", kind.items, bytes_words(kind.bytes));
            line(ui, kind.kind.name(), &words);
        }
        if let Some(free) = disk.free_bytes {
            line(ui, "Left on the disk", &bytes_words(free));
        }
        let set = limit(ui, &mut self.limit_gb, disk.limit_bytes);
        if let Some(bytes) = set {
            events.push(UiEvent::Errand(Errand::LimitDisk(bytes)));
        }
        ui.horizontal_wrapped(|ui| {
            let check = ui
                .button("Check")
                .on_hover_text("Reads every item and removes those that are damaged.");
            if check.clicked() {
                events.push(UiEvent::Errand(Errand::CheckDisk));
            }
            let reveal = ui.button("Show the folder");
            if reveal.clicked() {
                events.push(UiEvent::Errand(Errand::Reveal(disk.folder.clone())));
            }
            let (words, sure) = match self.kind {
                Some(kind) => (
                    format!("Clear {}", kind.name()),
                    format!("Remove all {}", kind.name()),
                ),
                None => ("Clear disk".to_owned(), "Remove all items".to_owned()),
            };
            if confirmed(ui, &mut self.armed, &words, &sure) {
                events.push(UiEvent::Errand(Errand::ClearDisk(self.kind)));
            }
        });
        self.items(ui, &data.items, events);
    }

    fn items(&mut self, ui: &mut Ui, items: &[Listed], events: &mut Vec<UiEvent>) {
        heading(ui, "Items");
        ui.horizontal_wrapped(|ui| {
            ui.selectable_value(&mut self.kind, None, "all");
            for kind in Kind::ALL {
                ui.selectable_value(&mut self.kind, Some(kind), kind.name());
            }
            ui.toggle_value(&mut self.by_size, "largest first");
        });
        let field = egui::TextEdit::singleline(&mut self.filter)
            .hint_text("Filter by source")
            .desired_width(f32::INFINITY);
        name(&ui.add(field), "Filter by source");
        let wanted = self.filter.to_lowercase();
        let is_wanted = |item: &&Listed| {
            self.kind.is_none_or(|kind| item.kind == kind)
                && item.label.to_lowercase().contains(&wanted)
        };
        let mut list: Vec<&Listed> = items.iter().filter(is_wanted).collect();
        if self.by_size {
            list.sort_by_key(|item| std::cmp::Reverse(item.bytes));
        }
        if list.is_empty() {
            note(ui, "None.");
        }
        let more = list.len().saturating_sub(LISTED);
        let rows = &mut self.rows;
        let (unfolded, armed) = (&mut self.unfolded, &mut self.armed);
        for item in list.into_iter().take(LISTED) {
            rows.row(ui, item.name, |ui| row(ui, item, unfolded, armed, events));
        }
        if more > 0 {
            note(ui, &format!("and {more} more"));
        }
    }
}

/// An item; what can be done with it is folded away. `unfolded` is the one of which it is not.
fn row(
    ui: &mut Ui,
    item: &Listed,
    unfolded: &mut Option<ItemName>,
    armed: &mut Option<egui::Id>,
    events: &mut Vec<UiEvent>,
) {
    let source = Path::new(&item.label);
    let file = file_name(source);
    let words = format!(
        "{}  {}  {}",
        item.kind.name(),
        bytes_words(item.bytes),
        age_words(item.unused_seconds())
    );
    let of = format!("{} of {file}", item.kind.name());
    let is_unfolded = *unfolded == Some(item.name);
    ui.horizontal(|ui| {
        let toggle = small_button(ui, if is_unfolded { "▾" } else { "▸" });
        name(&toggle, &format!("What to do with {of}"));
        ui.ctx()
            .accesskit_node_builder(toggle.id, |node| node.set_expanded(is_unfolded));
        if toggle.clicked() {
            *unfolded = (!is_unfolded).then_some(item.name);
        }
        line(ui, &file, &words).on_hover_text(&item.label);
    });
    if !is_unfolded {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        if small_button_of(ui, "Check", &of).clicked() {
            events.push(UiEvent::Errand(Errand::CheckItem(item.name)));
        }
        // Older ones were noted as they were typed, in whichever folder.
        if source.is_absolute() && small_button_of(ui, "Show source", &of).clicked() {
            events.push(UiEvent::Errand(Errand::Reveal(source.to_owned())));
        }
        if confirmed_of(ui, armed, "Remove", "Remove it", &of) {
            events.push(UiEvent::Errand(Errand::RemoveItem(item.name)));
        }
    });
}
