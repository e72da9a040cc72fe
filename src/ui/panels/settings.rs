//! The settings: everything that the configuration file can say, and the keys.

use egui::{ComboBox, DragValue, RichText, ScrollArea, TextEdit, Ui};

use super::widgets::{cell, heading, name, note, small_button};
use super::{Errand, Setting};
use crate::config::{Action, ActionGroup, CATALOGUE, KeyChord, KeyMap, SettingKind, SettingSpec};
use crate::ui::{UiEvent, UiInput, keyboard, style};

/// Width of the names of settings at most, and what they leave to what is set.
const LABEL: f32 = 240.0;
const CONTROL: f32 = 138.0;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Page {
    #[default]
    Preview,
    Keys,
}

/// The panel, and what is under a person's hand.
#[derive(Default)]
pub(super) struct SettingsPanel {
    page: Page,
    filter: String,
    /// A key and what is being typed or dragged for it.
    draft: Option<(&'static str, String)>,
    /// The action that waits for a chord.
    listens: Option<Action>,
    /// The chord that was bound last, what it is to do, and what it did before.
    taken: Option<(KeyChord, Action, Action)>,
    /// What the keys do where nobody has changed them.
    defaults: KeyMap,
    /// The page with that action was shown in this pass.
    is_heard: bool,
}

impl SettingsPanel {
    pub(super) fn show(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.page, Page::Preview, "Preview & caching");
            let keys = ui.selectable_value(&mut self.page, Page::Keys, "Keys");
            // The transport bar has a button of that name.
            name(&keys, "Keys, page");
        });
        let field = TextEdit::singleline(&mut self.filter)
            .hint_text("Search")
            .desired_width(f32::INFINITY);
        name(&ui.add(field), "Search settings and keys");
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| match self.page {
                Page::Preview => self.preview(ui, input, events),
                Page::Keys => self.keys(ui, input, events),
            });
    }

    fn preview(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let config = &input.panels.config;
        if let Some(path) = &config.path {
            ui.horizontal(|ui| {
                if small_button(ui, "Show the file").clicked() {
                    events.push(UiEvent::Errand(Errand::Reveal(path.clone())));
                }
                ui.add(egui::Label::new(path.display().to_string()).truncate());
            });
        } else {
            note(ui, "No home folder is known: what is set here is not kept.");
        }
        for told in &config.notes {
            ui.colored_label(style::warn(ui), told);
        }
        let mut section = "";
        for spec in CATALOGUE {
            let wanted = self.filter.to_lowercase();
            let text = format!("{} {} {}", spec.key, spec.label, spec.about).to_lowercase();
            let setting = config
                .settings
                .iter()
                .find(|setting| setting.key == spec.key);
            let (true, Some(setting)) = (text.contains(&wanted), setting) else {
                continue;
            };
            let own = section_of(spec.key);
            if own != section {
                heading(ui, own);
                section = own;
            }
            ui.push_id(spec.key, |ui| self.setting(ui, spec, setting, events));
        }
        if section.is_empty() {
            note(ui, "No setting has this in its name.");
        }
    }

    fn setting(
        &mut self,
        ui: &mut Ui,
        spec: &'static SettingSpec,
        setting: &Setting,
        events: &mut Vec<UiEvent>,
    ) {
        let mut set = |value: Option<String>| {
            events.push(UiEvent::Errand(Errand::Set {
                key: spec.key,
                value,
            }));
        };
        ui.horizontal(|ui| {
            let width = (ui.available_width() - CONTROL).clamp(60.0, LABEL);
            let label = cell(ui, width, spec.label).on_hover_text(about(spec));
            ui.add_enabled_ui(!setting.is_overruled, |ui| match spec.kind {
                SettingKind::Choice(names) => {
                    ComboBox::from_id_salt("choice")
                        .selected_text(&setting.value)
                        .show_ui(ui, |ui| {
                            for name in names {
                                let is_it = setting.value == *name;
                                if ui.selectable_label(is_it, *name).clicked() && !is_it {
                                    set(Some((*name).to_owned()));
                                }
                            }
                        })
                        .response
                        .labelled_by(label.id);
                }
                SettingKind::Flag => {
                    let mut on = setting.value == "true";
                    if ui.checkbox(&mut on, "").labelled_by(label.id).changed() {
                        set(Some(on.to_string()));
                    }
                }
                SettingKind::Number { unit, least, most } => {
                    self.number(ui, spec, setting, (unit, least, most), label.id, &mut set);
                }
                SettingKind::Rate => self.rate(ui, spec, setting, label.id, &mut set),
            })
            .response
            .on_hover_text(about(spec));
            if setting.is_stated && !setting.is_overruled {
                let reset = small_button(ui, "↺")
                    .on_hover_text(format!("Back to the default, {}", default_words(spec)));
                name(&reset, &format!("Reset {}", spec.label));
                if reset.clicked() {
                    set(None);
                }
            }
        });
        if setting.is_overruled {
            note(ui, "Set on the command line, which wins.");
        } else if !spec.is_live {
            note(ui, "Applies from the next start.");
        }
    }

    fn number(
        &mut self,
        ui: &mut Ui,
        spec: &'static SettingSpec,
        setting: &Setting,
        (unit, least, most): (&str, u32, u32),
        label: egui::Id,
        set: &mut dyn FnMut(Option<String>),
    ) {
        let draft = self.draft.as_ref().filter(|(key, _)| *key == spec.key);
        let shown = draft.map_or(&setting.value, |(_, text)| text);
        if shown.is_empty() {
            if ui.button("Choose").labelled_by(label).clicked() {
                set(Some("2048".to_owned()));
            }
            return;
        }
        let mut number: u32 = shown.parse().unwrap_or(least);
        let drag = DragValue::new(&mut number)
            .range(least..=most)
            .suffix(if unit.is_empty() {
                String::new()
            } else {
                format!(" {unit}")
            });
        let response = ui.add(drag).labelled_by(label);
        if response.changed() {
            self.draft = Some((spec.key, number.to_string()));
        }
        // Not at each pixel of a drag: the file is written each time.
        let is_let_go = !response.dragged() && !response.has_focus();
        if is_let_go && self.draft.as_ref().is_some_and(|(key, _)| *key == spec.key) {
            set(self.draft.take().map(|(_, text)| text));
        }
    }

    fn rate(
        &mut self,
        ui: &mut Ui,
        spec: &'static SettingSpec,
        setting: &Setting,
        label: egui::Id,
        set: &mut dyn FnMut(Option<String>),
    ) {
        let is_own = self.draft.as_ref().is_some_and(|(key, _)| *key == spec.key);
        let mut text = match &self.draft {
            Some((_, text)) if is_own => text.clone(),
            _ => setting.value.clone(),
        };
        let field = TextEdit::singleline(&mut text)
            .hint_text("as the medium")
            .desired_width(120.0);
        let response = ui.add(field).labelled_by(label);
        if response.changed() {
            self.draft = Some((spec.key, text.clone()));
        }
        if response.lost_focus() && is_own {
            self.draft = None;
            let text = text.trim();
            if text.is_empty() {
                set(None);
            } else if spec.value(text).is_some() {
                set(Some(text.to_owned()));
            }
        } else if is_own && spec.value(text.trim()).is_none() && !text.trim().is_empty() {
            ui.colored_label(style::bad(ui), "24 or 30000/1001");
        }
    }

    fn keys(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        self.is_heard = true;
        self.listen(ui, input, events);
        let taken = self.taken;
        let is_taken =
            |(chord, now, _): &(KeyChord, Action, Action)| input.keys.action(*chord) == Some(*now);
        if let Some((chord, _, before)) = taken.filter(is_taken) {
            note(ui, &format!("{chord} is taken from: {}.", before.label()));
        }
        let wanted = self.filter.to_lowercase();
        for group in ActionGroup::ALL {
            let of_group = |action: &&Action| {
                let chords = input.keys.chords(**action);
                let chords: Vec<String> = chords.iter().map(ToString::to_string).collect();
                let text = format!("{} {}", action.label(), chords.join(" ")).to_lowercase();
                action.group() == group && text.contains(&wanted)
            };
            let actions: Vec<Action> = Action::ALL.iter().filter(of_group).copied().collect();
            if actions.is_empty() {
                continue;
            }
            heading(ui, group.label());
            for action in actions {
                ui.push_id(action.id(), |ui| self.key_row(ui, action, input, events));
            }
        }
    }

    fn key_row(
        &mut self,
        ui: &mut Ui,
        action: Action,
        input: &UiInput<'_>,
        events: &mut Vec<UiEvent>,
    ) {
        ui.horizontal_wrapped(|ui| {
            ui.label(action.label());
            let chords = input.keys.chords(action);
            for chord in &chords {
                let chord = chord.to_string();
                let button =
                    small_button(ui, &chord).on_hover_text("Click to take this key away from it");
                name(&button, &format!("{chord}: {}", action.label()));
                if button.clicked() {
                    events.push(UiEvent::Errand(Errand::Bind {
                        chord,
                        action: None,
                    }));
                }
            }
            if self.listens == Some(action) {
                ui.label(RichText::new("press a key, Esc to leave it").color(style::accent(ui)));
            } else {
                let add = small_button(ui, "+").on_hover_text("Another key for this");
                name(&add, &format!("Add a key: {}", action.label()));
                if add.clicked() {
                    self.listens = Some(action);
                    self.taken = None;
                }
            }
            let usual = self.defaults.chords(action);
            if chords != usual {
                let reset = small_button(ui, "↺").on_hover_text("Back to the default keys");
                name(&reset, &format!("Reset keys: {}", action.label()));
                if reset.clicked() {
                    self.taken = usual.iter().find_map(|chord| {
                        let before = input.keys.action(*chord)?;
                        (before != action).then_some((*chord, action, before))
                    });
                    self.set_back(action, &chords, &usual, events);
                }
            }
        });
    }

    /// Takes the chord that was pressed for the action that waits for one.
    fn listen(&mut self, ui: &Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        let Some(action) = self.listens else { return };
        let pressed = ui.input(|state| {
            let (presses, _k_is_down) = keyboard::presses(&state.events, false);
            presses.into_iter().find(|press| !press.repeat)
        });
        let is_left = ui.input(|state| state.pointer.any_pressed()) || ui.text_edit_focused();
        if is_left || pressed.is_some() {
            self.listens = None;
        }
        let Some(chord) = pressed.filter(|_| !is_left).map(|press| press.chord) else {
            return;
        };
        let is_escape = chord.key() == crate::config::Key::Escape;
        let before = input.keys.action(chord);
        if !is_escape && before != Some(action) {
            self.taken = before.map(|before| (chord, action, before));
            events.push(UiEvent::Errand(Errand::Bind {
                chord: chord.to_string(),
                action: Some(action.id()),
            }));
        }
    }

    /// Brings the keys of an action back from what they are `now` to the `usual` ones.
    fn set_back(
        &self,
        action: Action,
        now: &[KeyChord],
        usual: &[KeyChord],
        events: &mut Vec<UiEvent>,
    ) {
        let bind = |chord: &KeyChord, action: Option<Action>| {
            UiEvent::Errand(Errand::Bind {
                chord: chord.to_string(),
                action: action.map(Action::id),
            })
        };
        let strange = now.iter().filter(|chord| !usual.contains(chord));
        events.extend(strange.map(|chord| bind(chord, self.defaults.action(*chord))));
        let missing = usual.iter().filter(|chord| !now.contains(chord));
        events.extend(missing.map(|chord| bind(chord, Some(action))));
    }

    /// All panels that are seen have been shown: nobody presses a key for a page that is not.
    pub(super) fn settle(&mut self) {
        if !std::mem::take(&mut self.is_heard) {
            self.listens = None;
            self.taken = None;
        }
    }

    /// Whether the next key is not the player's but is to be bound.
    pub(super) fn wants_next_key(&self) -> bool {
        self.listens.is_some()
    }
}

fn about(spec: &SettingSpec) -> String {
    format!(
        "{}\n\nDefault: {}\n{} in the configuration file",
        spec.about,
        default_words(spec),
        spec.key
    )
}

/// What applies where nothing is set.
fn default_words(spec: &SettingSpec) -> String {
    let is_threshold = matches!(spec.key.rsplit('.').next(), Some("fit" | "rise"));
    match (spec.default(), spec.kind) {
        (value, _) if is_threshold => {
            format!("as the preference has it, {value} % where that is balanced")
        }
        (value, SettingKind::Rate) if value.is_empty() => "as the medium".to_owned(),
        (value, _) if value.is_empty() => "as the machine allows".to_owned(),
        (value, SettingKind::Number { unit, .. }) if !unit.is_empty() => format!("{value} {unit}"),
        (value, SettingKind::Flag) if value == "true" => "on".to_owned(),
        (_, SettingKind::Flag) => "off".to_owned(),
        (value, _) => value,
    }
}

fn section_of(key: &str) -> &'static str {
    match key.split('.').next() {
        Some("quality") => "Playback quality",
        Some("memory") => "Memory",
        Some("window") => "Window",
        _ => "Other",
    }
}
