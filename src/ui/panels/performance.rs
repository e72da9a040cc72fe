//! The performance monitor: how the machine and the player do, what is at work, and what would help.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use egui::{RichText, ScrollArea, Ui};

use super::Errand;
use super::advice::{self, Advice};
use super::journal::Journal;
use super::widgets::{
    at_work, bar, confirmed, heading, line, name, note, progress, small_button_of,
};
use super::wizard::Wizard;
use crate::config::Action;
use crate::jobs::kept::KeptState;
use crate::memory::Pressure;
use crate::playback::quality::rung_name;
use crate::playback::{MediaState, PlaybackStatus};
use crate::timeline::Located;
use crate::ui::format::{bytes_words, file_name};
use crate::ui::{UiEvent, UiInput, style};

/// Tasks and warnings that are listed.
const LISTED: usize = 6;

/// The monitor, and what a person has done in it.
#[derive(Default)]
pub(super) struct PerformancePanel {
    dismissed: BTreeSet<&'static str>,
    armed: Option<egui::Id>,
    wizard: Option<Wizard>,
}

impl PerformancePanel {
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        input: &UiInput<'_>,
        journal: &mut Journal,
        events: &mut Vec<UiEvent>,
    ) {
        if let Some(wizard) = &mut self.wizard {
            wizard.turn(input, &self.dismissed, events);
        }
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                self.suggestions(ui, input, events);
                playback(ui, input);
                machine(ui, input);
                memory(ui, input);
                self.buttons(ui, input, events);
                tasks(ui, input, events);
                outcomes(ui, input);
                journal.show(ui, input.now);
            });
    }

    fn suggestions(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let mut all = advice::all(input);
        let has_none = all.is_empty();
        all.retain(|advice| !self.dismissed.contains(advice.id));
        if let Some(wizard) = &mut self.wizard {
            if wizard.show(ui, events) {
                self.wizard = None;
            }
            return;
        }
        heading(ui, "Suggestions");
        if all.is_empty() {
            let words = match (input.snapshot.status, advice::falls_behind(input)) {
                (PlaybackStatus::Empty, _) => {
                    "Open something and play it: it is measured as it plays.".to_owned()
                }
                (_, Some(why)) if !input.stats.background.is_empty() => {
                    format!("{why} Proxies are being made, which will help.")
                }
                (_, Some(why)) if has_none => match advice::what_takes_long(input) {
                    Some(stages) => format!("{why} {stages}"),
                    None => why,
                },
                (_, Some(why)) => why,
                _ => "Nothing needs to be changed, as far as was measured.".to_owned(),
            };
            note(ui, &words);
        }
        for advice in &all {
            self.suggestion(ui, advice, events);
        }
    }

    fn suggestion(&mut self, ui: &mut Ui, advice: &Advice, events: &mut Vec<UiEvent>) {
        egui::Frame::new()
            .fill(style::raised(ui))
            .corner_radius(4.0)
            .inner_margin(8.0)
            .show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.label(RichText::new(advice.what).strong());
                ui.label(&advice.why);
                note(ui, advice.gain);
                ui.horizontal(|ui| {
                    let mut is_pressed = |words: &str| {
                        let button = ui.button(words);
                        name(&button, &format!("{words}: {}", advice.what));
                        button.clicked()
                    };
                    if let Some(apply) = &advice.apply
                        && is_pressed("Apply")
                    {
                        events.push(apply.clone());
                        self.dismissed.insert(advice.id);
                    }
                    if is_pressed("Dismiss") {
                        self.dismissed.insert(advice.id);
                    }
                });
            });
        ui.add_space(4.0);
    }

    fn buttons(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        ui.add_space(8.0);
        ui.horizontal_wrapped(|ui| {
            let plays = input.snapshot.status == PlaybackStatus::Playing;
            let optimize = ui
                .add_enabled(plays && self.wizard.is_none(), egui::Button::new("Optimize now"))
                .on_hover_text(
                    "Measures for five seconds, follows every suggestion that can be followed, measures \
                     again and shows both. Settings that were changed can be set back then; proxies are \
                     called off or deleted in their panel.",
                )
                .on_disabled_hover_text("Play something first: what plays is measured.");
            if optimize.clicked() {
                self.wizard = Some(Wizard::begin(input));
            }
            let has_medium = input.snapshot.media.is_some();
            let proxies = ui
                .add_enabled(has_medium, egui::Button::new("Generate proxies"))
                .on_hover_text(
                    "Makes half and quarter copies of what is open in the background. The originals are not \
                     touched; the Proxies panel deletes them again.",
                );
            if proxies.clicked() {
                events.push(UiEvent::Action(Action::MakeProxies));
            }
            let measure = ui.button("GPU benchmark").on_hover_text(
                "Converts a 4K frame fifty times on a device of its own and tells the median. Takes some seconds; \
                 nothing is changed.",
            );
            if measure.clicked() {
                events.push(UiEvent::Errand(Errand::MeasureGpu));
            }
            let armed = &mut self.armed;
            let clear =
                ui.scope(|ui| confirmed(ui, armed, "Clear cache", "Drop kept frames and pictures"));
            clear.response.on_hover_text(
                "Drops frames and pictures that are kept in memory; they are decoded again when they are wanted. \
                 Nothing on disk is touched: the Caches panel clears that.",
            );
            if clear.inner {
                events.push(UiEvent::Errand(Errand::ClearMemory));
            }
        });
    }
}

fn playback(ui: &mut Ui, input: &UiInput<'_>) {
    let (snapshot, stats) = (input.snapshot, input.stats);
    heading(ui, "Playback");
    let words = format!("{:.2} of {:.2} fps", stats.presented_fps, stats.target_fps);
    line(ui, "Frame rate", &words);
    let video = snapshot
        .media
        .as_ref()
        .and_then(|media| media.info.default_video());
    if let Some(video) = video {
        let (size, codec) = (video.size, &video.codec);
        let source = format!("{} × {} {codec}", size.width(), size.height());
        line(ui, "Source", &source);
    }
    let picture = stats.picture_size.map_or_else(
        || "–".to_owned(),
        |size| format!("{} × {}", size.width(), size.height()),
    );
    line(ui, "On screen", &picture);
    let rung = snapshot.quality.rung.map_or("–", rung_name);
    let state = format!("{rung}, {}", snapshot.quality.mode);
    line(ui, "Preview", &state);
    if !snapshot.quality.words.is_empty() {
        note(ui, &snapshot.quality.words);
    }
    let frames = stats.frames;
    let lost = format!(
        "{} shown, {} late, {} dropped",
        frames.shown,
        frames.late,
        frames.dropped.total()
    );
    line(ui, "Frames", &lost);
    let render = [
        stats.stages.convert,
        stats.stages.upload,
        stats.stages.gpu,
        stats.stages.present,
    ];
    let render_ms: f32 = render.iter().flatten().map(|stage| stage.p95_ms).sum();
    if render_ms > 0.0 {
        let words = format!("{render_ms:.1} ms, {:.0} fps at most", 1000.0 / render_ms);
        line(ui, "Render (p95)", &words);
    }
    if let Some(millis) = stats.scrub_p95_ms {
        line(ui, "Moves answered (p95)", &format!("{millis:.0} ms"));
    }
    if let Some(cache) = stats.cache {
        let looks = cache.hits + cache.misses;
        let words = if looks == 0 {
            "not asked yet".to_owned()
        } else {
            format!(
                "{:.0} % of {looks}",
                cache.hits as f64 * 100.0 / looks as f64
            )
        };
        line(ui, "Cache hits", &words);
    }
    let proxies = &input.panels.proxies;
    if proxies.folder.is_some()
        && let Some(media) = &snapshot.media
    {
        let made = proxies.sources();
        let files = files_of(media);
        let count = files.iter().filter(|path| made.contains(path.as_ref()));
        let words = format!("{} of {} made and verified", count.count(), files.len());
        line(ui, "Proxies", &words);
    }
}

/// The files whose pictures are open, each once.
pub(super) fn files_of(media: &MediaState) -> HashSet<Cow<'_, Path>> {
    let Some(timeline) = &media.timeline else {
        let path = std::path::absolute(&media.info.path);
        let has_video = media.info.default_video().is_some();
        let path = path.into_iter().filter(|_| has_video);
        return path.map(Cow::Owned).collect();
    };
    let sources = timeline.edit.sources().iter().zip(&timeline.located);
    sources
        .filter_map(|(source, located)| match located {
            Located::File(path) if source.has_video => Some(Cow::Borrowed(path.as_path())),
            _ => None,
        })
        .collect()
}

fn machine(ui: &mut Ui, input: &UiInput<'_>) {
    heading(ui, "Machine");
    let Some(readings) = &input.panels.readings else {
        note(ui, "Being read …");
        return;
    };
    let missing = || "not available".to_owned();
    let percent = |share: f32| format!("{:.0} %", share * 100.0);
    let cpu = readings.cpu.map_or_else(missing, |share| {
        let own = readings
            .own_cpu
            .map_or_else(String::new, |own| format!(", {:.0} % own", own * 100.0));
        format!("{}{own}", percent(share))
    });
    bar(ui, "CPU", readings.cpu, &cpu);
    let share = readings
        .memory
        .map(|(used, total)| used as f32 / total.max(1) as f32);
    let memory = readings.memory.map_or_else(missing, |(used, total)| {
        format!("{} / {}", bytes_words(used), bytes_words(total))
    });
    bar(ui, "RAM", share, &memory);
    bar(
        ui,
        "GPU",
        readings.gpu,
        &readings.gpu.map_or_else(missing, percent),
    );
    let disk = readings.disk_rates.map_or_else(missing, |(read, written)| {
        format!("↓ {}/s ↑ {}/s", bytes_words(read), bytes_words(written))
    });
    bar(ui, "Disk", readings.disk_wait, &disk);
    if let Some((mount, left, _)) = &readings.disk_room {
        let words = format!("{} left on {}", bytes_words(*left), mount.display());
        note(ui, &words);
    }
}

fn memory(ui: &mut Ui, input: &UiInput<'_>) {
    let panels = input.panels;
    if panels.memory_limit == 0 {
        return;
    }
    heading(ui, "Memory budget");
    let limit = panels.memory_limit;
    let used: u64 = panels.memory.iter().map(|class| class.bytes).sum();
    let share = |bytes: u64| Some(bytes as f32 / limit.max(1) as f32);
    let all = format!("{} / {}", bytes_words(used), bytes_words(limit));
    bar(ui, "All", share(used), &all);
    for class in panels.memory.iter().filter(|class| class.bytes > 0) {
        let words = bytes_words(class.bytes);
        bar(ui, class.class.name(), share(class.bytes), &words);
    }
    if input.stats.pressure > Pressure::Normal {
        let words = format!("Pressure: {}", input.stats.pressure.name());
        ui.colored_label(style::warn(ui), words);
    }
}

fn tasks(ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
    let jobs = &input.panels.proxies.jobs;
    let open = jobs
        .iter()
        .filter(|job| matches!(job.state, KeptState::Running | KeptState::Waiting));
    heading(ui, "Background tasks");
    at_work(ui, input, events);
    let mut count = 0;
    for job in open {
        count += 1;
        if count > LISTED {
            continue;
        }
        let name = &format!("Proxies of {}", file_name(Path::new(&job.order.key)));
        let done = job.progress;
        let share = (done.total > 0).then(|| done.done as f32 / done.total as f32);
        let words = match (job.state, job.left()) {
            (KeptState::Waiting, _) => "waits".to_owned(),
            (_, Some(left)) => format!("{} s left", left.as_secs()),
            _ => "at work".to_owned(),
        };
        ui.horizontal(|ui| {
            if small_button_of(ui, "Cancel", name).clicked() {
                events.push(UiEvent::Errand(Errand::CancelJob(job.order.key.clone())));
            }
            ui.add(egui::Label::new(name).truncate());
        });
        progress(ui, name, share.or(Some(0.0)), &words);
    }
    let background = &input.stats.background;
    match count {
        0 if !background.is_empty() => note(ui, background),
        0 if input.panels.doing.is_none() => note(ui, "None."),
        _ if count > LISTED => note(ui, &format!("and {} more", count - LISTED)),
        _ => {}
    }
}

fn outcomes(ui: &mut Ui, input: &UiInput<'_>) {
    if input.panels.outcomes.is_empty() {
        return;
    }
    heading(ui, "Done");
    for outcome in input.panels.outcomes.iter().rev().take(LISTED) {
        if outcome.is_done {
            ui.label(&outcome.words);
        } else {
            ui.colored_label(style::bad(ui), &outcome.words);
        }
    }
}
