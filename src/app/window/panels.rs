//! The window's side of the panels: what they are shown, what they ask for, and what is kept of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{App, Shown};
use crate::app::clerk::{Clerk, Desk};
use crate::app::remembered::{Recent, Remembered};
use crate::config::{Action, CATALOGUE, Change, Config, QualitySettings, SettingSpec};
use crate::playback::{Command, PlaybackStatus, SeekTarget, Severity, Snapshot};
use crate::time::{FrameIndex, Moment};
use crate::ui::{ConfigData, Errand, Panel, PanelData, Setting};

/// How the window is left is written this often, if it changed.
const REMEMBER_NANOS: i64 = 5_000_000_000;

/// What a person has set, and by which way.
#[derive(Debug, Clone, Default)]
pub struct ConfigOptions {
    /// The configuration file, where there can be one.
    pub path: Option<PathBuf>,
    /// What it says.
    pub file: Config,
    /// What the command line says of quality, which wins.
    pub command_line: QualitySettings,
    /// Whether the command line says how much memory may be taken.
    pub states_memory: bool,
}

/// Panels and what belongs to them. Owned by the window's thread.
pub(super) struct PanelDesk {
    clerk: Clerk,
    /// What they show now.
    pub(super) data: Arc<PanelData>,
    config: ConfigOptions,
    remembered: Remembered,
    remembers: bool,
    /// When it was last looked whether there is something to remember, and what was written then.
    looked_at: Option<Moment>,
    written: Remembered,
    /// A setting of quality was changed in the panel and is being written. Choices made by key apply at once and are
    /// only written.
    sets_quality: bool,
    reopens: Option<Reopening>,
    /// Errands whose outcome was told.
    errands_told: u64,
}

/// A file that was asked for as it was left, and is not there yet.
struct Reopening {
    wanted: Recent,
    /// The playlist when it was asked for. Each opening makes another.
    before: Arc<Vec<PathBuf>>,
}

impl PanelDesk {
    /// Starts the clerk. What is remembered at `remembers_at` is taken up again.
    pub(super) fn start(desk: Desk, config: ConfigOptions) -> std::io::Result<Self> {
        let remembers = desk.remembers_at.is_some();
        let remembered = desk
            .remembers_at
            .as_deref()
            .map(Remembered::read)
            .unwrap_or_default();
        let clerk = Clerk::start(desk)?;
        clerk.tell_config(config_data(&config));
        clerk.tell_recent(remembered.list());
        Ok(Self {
            data: clerk.data(),
            clerk,
            config,
            written: remembered.clone(),
            remembered,
            remembers,
            looked_at: None,
            sets_quality: false,
            reopens: None,
            errands_told: 0,
        })
    }

    /// What is remembered of the run before.
    pub(super) fn remembered(&self) -> &Remembered {
        &self.remembered
    }
}

impl App {
    /// Tells the clerk what is looked at, takes its news, and notes from time to time how the window is.
    pub(super) fn follow_panels(&mut self, snapshot: &Snapshot, now: Moment) {
        let panels = self.interface.shown_panels();
        self.profiler.follow(panels.contains(&Panel::Profiler), now);
        // That panel lists them itself.
        let panels_tell = panels.contains(&Panel::Performance);
        let media = snapshot.playlist.get(snapshot.playlist_index);
        self.panels.clerk.follow(panels, media);
        self.panels.data = self.panels.clerk.data();
        self.tell_of_errands(panels_tell);
        let (config, is_all) = self.player.take_settings();
        if let Some(config) = config {
            self.apply_config(config);
        }
        self.panels.sets_quality &= !is_all;
        self.place_reopened(snapshot);
        let is_due = self
            .panels
            .looked_at
            .is_none_or(|at| now.nanos_since(at) >= REMEMBER_NANOS);
        if is_due {
            self.panels.looked_at = Some(now);
            self.remember(snapshot);
        }
    }

    /// Tells what came of errands: what went wrong, and the rest unless a panel lists it.
    fn tell_of_errands(&mut self, panels_tell: bool) {
        let data = Arc::clone(&self.panels.data);
        let new = data.errands_done - self.panels.errands_told;
        self.panels.errands_told = data.errands_done;
        let new = usize::try_from(new).unwrap_or(usize::MAX);
        for outcome in data.outcomes.iter().rev().take(new).rev() {
            let severity = match outcome.is_done {
                true if panels_tell => continue,
                true => Severity::Info,
                false => Severity::Warning,
            };
            self.tell(severity, outcome.words.clone());
        }
    }

    /// Has it written how the window is, if that changed.
    pub(super) fn remember(&mut self, snapshot: &Snapshot) {
        if !self.panels.remembers {
            return;
        }
        // Until it is as it was left, what is open tells nothing.
        let is_new = self.panels.reopens.is_none() && self.panels.remembered.note(snapshot);
        let remembered = &mut self.panels.remembered;
        remembered.layout = self.interface.layout();
        if let Some(Shown { window, .. }) = &self.shown_window {
            remembered.maximized = window.is_maximized();
            if !remembered.maximized && window.fullscreen().is_none() {
                let size = window.inner_size();
                remembered.size = Some([size.width, size.height]);
            }
        }
        if is_new {
            self.panels.clerk.tell_recent(self.panels.remembered.list());
        }
        if self.panels.written != self.panels.remembered {
            self.panels.written = self.panels.remembered.clone();
            self.panels.clerk.remember(self.panels.written.clone());
        }
    }

    /// Does what a panel or the menu asked for.
    pub(super) fn run_errand(&mut self, errand: Errand) {
        match errand {
            Errand::Reopen(path) => self.reopen(&path),
            Errand::OpenDemo => self.open_demo(),
            Errand::ForgetRecent => {
                self.panels.remembered.recent.clear();
                self.panels.clerk.tell_recent(Vec::new());
            }
            Errand::Set { key, value } => self.set(key, value.as_deref()),
            Errand::Bind { chord, action } => self.bind(&chord, action),
            Errand::PauseProfiler(is_paused) => {
                self.profiler.pause(is_paused);
                self.must_draw = true;
            }
            Errand::ExportProfile(kind) => self.export_profile(kind),
            Errand::MakeProxies(preset) => self.player.make_proxies(preset),
            Errand::Stop(number) => self.panels.clerk.stop_errand(number),
            other => self.panels.clerk.ask(other),
        }
    }

    fn reopen(&mut self, path: &Path) {
        let before = Arc::clone(&self.player.engine.snapshot().playlist);
        let wanted = self.panels.remembered.of(path).cloned();
        self.panels.reopens = wanted.map(|wanted| Reopening { wanted, before });
        self.player
            .engine
            .send(Command::Open(vec![path.to_owned()]));
    }

    /// Puts playhead and marks where they were, once the file is open that was asked for.
    fn place_reopened(&mut self, snapshot: &Snapshot) {
        let Some(Reopening { wanted, before }) = &self.panels.reopens else {
            return;
        };
        if Arc::ptr_eq(&snapshot.playlist, before) {
            return;
        }
        let open = snapshot.playlist.get(snapshot.playlist_index);
        if open != Some(&wanted.path) {
            return self.leave_as_opened();
        }
        let is_over = snapshot.status == PlaybackStatus::Empty;
        let Some(media) = snapshot.media.as_ref().filter(|_| !is_over) else {
            if is_over {
                self.leave_as_opened();
            }
            return;
        };
        let last = wanted.mark_out.unwrap_or(0).max(wanted.frame);
        // A frame that the index does not know yet cannot be gone to.
        if media.frames <= last && !media.index_complete {
            return;
        }
        let Some(Reopening { wanted, .. }) = self.panels.reopens.take() else {
            return;
        };
        let frame = |frame: i64| FrameIndex(frame.clamp(0, media.frames.max(1) - 1));
        let commands = [
            Command::SetIn(wanted.mark_in.map(frame)),
            Command::SetOut(wanted.mark_out.map(frame)),
            Command::Seek(SeekTarget::Frame(frame(wanted.frame))),
        ];
        for command in commands {
            self.player.engine.send(command);
        }
    }

    /// Whoever moves the playhead, or opens something else, does not want to be where the file was left.
    pub(super) fn leave_as_opened(&mut self) {
        self.panels.reopens = None;
    }

    /// Writes a setting into the configuration file. It applies when it is written.
    fn set(&mut self, key: &'static str, value: Option<&str>) {
        let meant = value.map(|text| SettingSpec::of(key).and_then(|spec| spec.value(text)));
        if meant == Some(None) {
            let text = format!("`{}` is no value for {key}.", value.unwrap_or_default());
            return self.tell(Severity::Warning, text);
        }
        self.panels.sets_quality |= key.starts_with("quality.");
        self.save(Change::new(key, meant.flatten()));
    }

    fn bind(&mut self, chord: &str, action: Option<&'static str>) {
        // What is bound by default is freed by saying so; anything else by saying nothing.
        let parsed = chord.parse().ok();
        let default = parsed.and_then(|chord| crate::config::KeyMap::default().action(chord));
        let change = match (action, default) {
            (Some(id), Some(usual)) if Action::from_id(id) == Some(usual) => {
                Change::bind(chord, None)
            }
            (Some(id), _) => Change::bind(chord, Some(id)),
            (None, Some(_)) => Change::bind(chord, Some("none")),
            (None, None) => Change::bind(chord, None),
        };
        self.save(change);
    }

    fn save(&mut self, change: Change) {
        if !self.player.save_settings(vec![change]) {
            let text = "There is no configuration file to save this in: no home folder is known.";
            self.tell(Severity::Warning, text.to_owned());
        }
    }

    pub(super) fn tell(&self, severity: Severity, text: String) {
        self.player.engine.send(Command::Tell(severity, text));
    }

    /// Lets what the configuration file says from now on apply.
    fn apply_config(&mut self, file: Config) {
        let sets_quality = self.panels.sets_quality;
        let config = &mut self.panels.config;
        self.keys = file.key_map();
        self.interface.set_window(file.window);
        let policy = config.command_line.or(file.quality).policy();
        if sets_quality {
            let command = Command::SetPolicy(Box::new(policy));
            self.player.engine.send(command);
        }
        config.file = file;
        self.panels
            .clerk
            .tell_config(config_data(&self.panels.config));
        self.must_draw = true;
    }

    /// Which panels are on the screen, by name.
    pub(super) fn open_panels(&self) -> Vec<&'static str> {
        self.interface.open_panels().collect()
    }
}

/// What the settings panel shows of `config`.
fn config_data(config: &ConfigOptions) -> ConfigData {
    let line = Config {
        quality: config.command_line.or(config.file.quality),
        ..config.file.clone()
    };
    let setting = |spec: &SettingSpec| Setting {
        key: spec.key,
        value: line.applies(spec.key),
        is_stated: config.file.stated.contains_key(spec.key),
        // One that is said may change another as well: a preset has thresholds of its own.
        is_overruled: config.command_line.states(spec.key)
            || line.applies(spec.key) != config.file.applies(spec.key)
            || spec.key == "memory.limit-mb" && config.states_memory,
    };
    ConfigData {
        path: config.path.clone(),
        settings: CATALOGUE.iter().map(setting).collect(),
        notes: config.file.notes.iter().map(ToString::to_string).collect(),
    }
}

/// Panels that the clerk looks after.
pub(super) fn docked(open: impl Iterator<Item = &'static str>) -> Vec<Panel> {
    open.filter_map(|id| Panel::ALL.into_iter().find(|panel| panel.id() == id))
        .collect()
}
