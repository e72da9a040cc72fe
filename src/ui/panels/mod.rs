//! The panels: what they are shown, what they ask for, and one file for each.
//!
//! Panels are made of egui's own controls, which have names for those who do not see them and can be used by
//! keyboard. What they show beside the engine's snapshot is [`PanelData`], which the window's clerk gathers
//! on a thread of its own while a panel is open that wants it. What a person asks for leaves as an
//! [`Errand`]; a panel never does it itself.

mod advice;
mod caches;
mod data;
mod journal;
mod performance;
mod proxies;
mod settings;
pub(super) mod widgets;
mod wizard;

use egui::Ui;

use crate::playback::{Notice, PlaybackStatus};
use crate::time::Moment;

pub use self::data::{
    CacheData, ConfigData, Doing, Errand, MemoryUse, Outcome, PanelData, ProxyData, RecentFile,
    Setting,
};

use super::strip::Strip;
use super::workspace::{Panel, Workspace};
use super::{UiEvent, UiInput};

/// Figures change this often while something plays: those that change with each frame cannot be read.
const REFRESH_NANOS: i64 = 250_000_000;

/// What each panel remembers.
#[derive(Default)]
pub(super) struct Panels {
    performance: performance::PerformancePanel,
    proxies: proxies::ProxiesPanel,
    caches: caches::CachesPanel,
    settings: settings::SettingsPanel,
    journal: journal::Journal,
    strip: Strip,
    profiler: crate::ui::profiler::ProfilerPanel,
    shown_at: Option<Moment>,
}

impl Panels {
    /// Shows `panel` in `ui`.
    pub(super) fn show(
        &mut self,
        ui: &mut Ui,
        panel: Panel,
        input: &UiInput<'_>,
        events: &mut Vec<UiEvent>,
    ) {
        self.shown_at = Some(input.now);
        match panel {
            Panel::Performance => {
                self.performance.show(ui, input, &mut self.journal, events);
            }
            Panel::Proxies => self.proxies.show(ui, input, events),
            Panel::Caches => self.caches.show(ui, input, events),
            Panel::Settings => self.settings.show(ui, input, events),
            Panel::Timeline => self.strip.show(ui, input, events),
            Panel::Profiler => self.profiler.show(ui, input, events),
        }
    }

    /// The engine says this now, and soon not any more.
    pub(super) fn note(&mut self, notice: &Notice, input: &UiInput<'_>) {
        self.journal.note(notice, input);
    }

    /// All panels that are seen have been shown. What one that was closed still holds is let go of.
    pub(super) fn settle(&mut self, events: &mut Vec<UiEvent>) {
        self.strip.settle(events);
        self.settings.settle();
    }

    /// Forgets what another graphics device had.
    pub(super) fn forget_textures(&mut self) {
        self.strip.forget_textures();
    }

    /// Whether the next key that is pressed is meant for a panel.
    pub(super) fn wants_next_key(&self) -> bool {
        self.settings.wants_next_key()
    }

    /// When what they show changes by itself.
    pub(super) fn next_change(&self, workspace: &Workspace, input: &UiInput<'_>) -> Option<Moment> {
        let plays = input.snapshot.status == PlaybackStatus::Playing;
        let changes = plays && workspace.has_panels();
        let shown = self.shown_at.filter(|_| changes)?;
        Some(shown.offset_nanos(REFRESH_NANOS))
    }
}
