//! The proxy manager: what there is, what is being made, and what can be done with either.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use egui::{RichText, ScrollArea, Ui};

use super::Errand;
use super::widgets::{
    LongList, at_work, confirmed, confirmed_of, heading, limit, line, name, note, progress,
    small_button, small_button_of,
};
use crate::config::Action;
use crate::jobs::kept::{KeptJob, KeptState};
use crate::proxy::{ListedProxy, Preset, ProxyState};
use crate::ui::format::{bytes_words, file_name};
use crate::ui::{UiEvent, UiInput, style};

/// By what the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Name,
    Size,
    State,
}

impl Order {
    const ALL: [Self; 3] = [Self::Name, Self::Size, Self::State];

    fn title(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Size => "Size",
            Self::State => "State",
        }
    }

    fn compare(self, a: &ListedProxy, b: &ListedProxy) -> Ordering {
        let by_name = || source_of(a).cmp(source_of(b));
        match self {
            Self::Name => by_name(),
            Self::Size => b.bytes.cmp(&a.bytes).then_with(by_name),
            Self::State => a.state.name().cmp(b.state.name()).then_with(by_name),
        }
    }
}

/// The file that a proxy was made of, as far as it is known.
fn source_of(proxy: &ListedProxy) -> &Path {
    let record = proxy.record.as_ref();
    record.map_or(proxy.path.as_path(), |record| record.source.as_path())
}

/// The manager, and what a person has set in it.
#[derive(Default)]
pub(super) struct ProxiesPanel {
    filter: String,
    order: Order,
    /// What is made on request; `None` is what fits the source.
    preset: Option<Preset>,
    /// The limit under the hand.
    limit_gb: Option<u64>,
    armed: Option<egui::Id>,
    rows: LongList,
}

impl ProxiesPanel {
    pub(super) fn show(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let data = &input.panels.proxies;
        let Some(folder) = &data.folder else {
            note(
                ui,
                "Proxies are not used in this run: it was started with --proxies never or without a cache.",
            );
            return;
        };
        self.head(ui, input, events);
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                if let Some(problem) = &data.problem {
                    ui.colored_label(style::bad(ui), problem);
                }
                at_work(ui, input, events);
                jobs(ui, input, events);
                self.list(ui, input, events);
                ui.add_space(8.0);
                let words = format!("Kept in {}", folder.display());
                ui.add(egui::Label::new(RichText::new(&words).size(11.5)).truncate());
                if small_button(ui, "Show the folder").clicked() {
                    events.push(UiEvent::Errand(Errand::Reveal(folder.clone())));
                }
            });
    }

    fn head(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let data = &input.panels.proxies;
        let bytes: u64 = data.list.iter().map(|proxy| proxy.bytes).sum();
        let sources: u64 = sources(&data.list).map(|(_, bytes)| bytes).sum();
        let count = data.list.len();
        line(ui, "Proxies", &format!("{count}, {}", bytes_words(bytes)));
        if sources > 0 {
            let saved = 100.0 - bytes as f64 * 100.0 / sources as f64;
            let word = if saved < 0.0 { "more than" } else { "saved of" };
            let words = format!("{:.0} % {word} {}", saved.abs(), bytes_words(sources));
            line(ui, "Against their sources", &words);
        }
        let set = limit(ui, &mut self.limit_gb, data.limit_bytes);
        if let Some(bytes) = set {
            events.push(UiEvent::Errand(Errand::LimitProxies(bytes)));
        }
        ui.horizontal_wrapped(|ui| {
            let has_medium = input.snapshot.media.is_some();
            let make = ui
                .add_enabled(has_medium, egui::Button::new("Make of what is open"))
                .on_hover_text(
                    "In the background, of the size beside. The originals are not touched.",
                );
            if make.clicked() {
                events.push(match self.preset {
                    None => UiEvent::Action(Action::MakeProxies),
                    preset => UiEvent::Errand(Errand::MakeProxies(preset)),
                });
            }
            let title = |preset: Option<Preset>| preset.map_or("fitting", Preset::name);
            let sizes = egui::ComboBox::from_id_salt("preset")
                .selected_text(title(self.preset))
                .width(70.0)
                .show_ui(ui, |ui| {
                    for preset in [None].into_iter().chain(Preset::all().map(Some)) {
                        let words = preset.map_or_else(
                            || "fitting: half and quarter for most".to_owned(),
                            |preset| format!("{}: {} lines at most", preset.name(), preset.lines()),
                        );
                        ui.selectable_value(&mut self.preset, preset, words);
                    }
                });
            name(&sizes.response, "Size of proxies");
            let words = if data.is_paused {
                "Go on"
            } else {
                "Pause jobs"
            };
            if ui.button(words).clicked() {
                events.push(UiEvent::Errand(Errand::PauseJobs(!data.is_paused)));
            }
            let all: Vec<PathBuf> = data.list.iter().map(|proxy| proxy.path.clone()).collect();
            let verify = egui::Button::new("Verify all");
            if ui.add_enabled(count > 0, verify).clicked() {
                events.push(UiEvent::Errand(Errand::VerifyProxies(all)));
            }
            let stale = stale(&data.list);
            if !stale.is_empty() {
                let words = format!("Delete {} stale", stale.len());
                if confirmed(ui, &mut self.armed, &words, "Delete them") {
                    events.push(UiEvent::Errand(Errand::DeleteProxies(stale)));
                }
            }
        });
        ui.horizontal(|ui| {
            let field =
                egui::TextEdit::singleline(&mut self.filter).hint_text("Filter by name or state");
            let width = (ui.available_width() - 90.0).max(60.0);
            name(
                &ui.add(field.desired_width(width)),
                "Filter by name or state",
            );
            let order = egui::ComboBox::from_id_salt("order")
                .selected_text(self.order.title())
                .width(70.0)
                .show_ui(ui, |ui| {
                    for order in Order::ALL {
                        ui.selectable_value(&mut self.order, order, order.title());
                    }
                });
            name(&order.response, "Sort by");
        });
    }

    fn list(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        heading(ui, "Files");
        let wanted = self.filter.to_lowercase();
        let is_wanted = |proxy: &&ListedProxy| {
            let name = source_of(proxy).display().to_string().to_lowercase();
            // Not "unverified" for "verified".
            let state = proxy.state.name();
            let mut words = state.match_indices(' ').map(|(at, _)| &state[at + 1..]);
            let is_state = state.starts_with(&wanted) || words.any(|it| it.starts_with(&wanted));
            name.contains(&wanted) || is_state
        };
        let mut list: Vec<&ListedProxy> =
            input.panels.proxies.list.iter().filter(is_wanted).collect();
        list.sort_by(|a, b| self.order.compare(a, b));
        if list.is_empty() {
            let words = if input.panels.proxies.list.is_empty() {
                "There are none yet."
            } else {
                "None has this in its name or state."
            };
            note(ui, words);
        }
        let (rows, armed) = (&mut self.rows, &mut self.armed);
        for proxy in list {
            rows.row(ui, &proxy.path, |ui| row(ui, proxy, armed, events));
        }
    }
}

fn row(ui: &mut Ui, proxy: &ListedProxy, armed: &mut Option<egui::Id>, events: &mut Vec<UiEvent>) {
    let source = source_of(proxy);
    ui.add(egui::Label::new(RichText::new(file_name(source)).strong()).truncate())
        .on_hover_text(source.display().to_string());
    let color = match proxy.state {
        ProxyState::Verified => style::good(ui),
        ProxyState::Unverified | ProxyState::SourceMissing => style::warn(ui),
        _ => style::bad(ui),
    };
    ui.horizontal_wrapped(|ui| {
        ui.colored_label(color, proxy.state.name());
        let mut words = bytes_words(proxy.bytes);
        if let Some(record) = &proxy.record {
            words = format!("{} {}, {words}", record.preset.name(), record.codec.name());
            if let Some(verified) = record.verified {
                words = format!(
                    "{words}; {} frames, SSIM {:.3}",
                    verified.frames, verified.least_likeness
                );
            }
        }
        ui.label(RichText::new(words).color(style::weak(ui)).size(12.0));
    });
    ui.horizontal_wrapped(|ui| {
        let path = || vec![proxy.path.clone()];
        let file = &file_name(&proxy.path);
        if small_button_of(ui, "Verify", file).clicked() {
            events.push(UiEvent::Errand(Errand::VerifyProxies(path())));
        }
        if small_button_of(ui, "Reveal", file).clicked() {
            events.push(UiEvent::Errand(Errand::Reveal(proxy.path.clone())));
        }
        // What nothing tells of may be somebody's only copy of something.
        if proxy.record.is_some() && confirmed_of(ui, armed, "Delete", "Delete it", file) {
            events.push(UiEvent::Errand(Errand::DeleteProxies(path())));
        }
    });
    ui.separator();
}

/// Sources, each once, and their bytes.
fn sources(list: &[ListedProxy]) -> impl Iterator<Item = (&Path, u64)> {
    let mut seen: HashSet<&Path> = HashSet::new();
    list.iter().filter_map(move |proxy| {
        let record = proxy.record.as_ref()?;
        let source = record.source.as_path();
        seen.insert(source)
            .then_some((source, record.source_file.bytes))
    })
}

/// Those that can never be used again.
fn stale(list: &[ListedProxy]) -> Vec<PathBuf> {
    let is_stale = |proxy: &&ListedProxy| {
        let is_other = matches!(
            proxy.state,
            ProxyState::SourceChanged | ProxyState::ProxyChanged
        );
        is_other && proxy.record.is_some()
    };
    let stale = list.iter().filter(is_stale);
    stale.map(|proxy| proxy.path.clone()).collect()
}

fn jobs(ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
    let data = &input.panels.proxies;
    let shown: Vec<&KeptJob> = data
        .jobs
        .iter()
        .filter(|job| job.state != KeptState::Done)
        .collect();
    if shown.is_empty() {
        return;
    }
    heading(
        ui,
        if data.is_paused {
            "Jobs (paused)"
        } else {
            "Jobs"
        },
    );
    for job in shown {
        ui.push_id(job.id, |ui| {
            let name = file_name(Path::new(&job.order.key));
            let (words, button) = match job.state {
                KeptState::Running => {
                    let left = job.left();
                    let words = left.map_or("at work".to_owned(), |left| {
                        format!("{} s left", left.as_secs())
                    });
                    (
                        words,
                        Some(("Cancel", Errand::CancelJob(job.order.key.clone()))),
                    )
                }
                KeptState::Waiting => (
                    "waits".to_owned(),
                    Some(("Cancel", Errand::CancelJob(job.order.key.clone()))),
                ),
                KeptState::Failed => (
                    "failed".to_owned(),
                    Some(("Try again", Errand::RetryJob(job.order.key.clone()))),
                ),
                KeptState::Cancelled => (
                    "cancelled".to_owned(),
                    Some(("Try again", Errand::RetryJob(job.order.key.clone()))),
                ),
                KeptState::Done => ("done".to_owned(), None),
            };
            ui.horizontal(|ui| {
                if let Some((words, errand)) = button
                    && small_button_of(ui, words, &name).clicked()
                {
                    events.push(UiEvent::Errand(errand));
                }
                ui.add(egui::Label::new(&name).truncate())
                    .on_hover_text(&job.order.key);
            });
            let done = job.progress;
            let share = (done.total > 0).then(|| done.done as f32 / done.total as f32);
            progress(ui, &name, share, &words);
            if let Some(reason) = &job.reason {
                note(ui, reason);
            }
        });
    }
    if small_button(ui, "Forget those that are over").clicked() {
        events.push(UiEvent::Errand(Errand::ForgetJobs));
    }
}
