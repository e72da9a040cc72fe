//! What the person wants of quality: plain data with defaults.

use std::fmt;
use std::time::Duration;

use crate::decode::Rung;

/// Who chooses what is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum QualityMode {
    /// The controller, from measurements.
    #[default]
    Auto,
    /// Always the source, whole.
    Source,
    /// A proxy, half where that can be held.
    Proxy,
    /// The smallest proxy, on screen and at rest.
    Draft,
}

impl QualityMode {
    /// Every mode, in the order that a key goes through them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Source, Self::Proxy, Self::Draft];

    /// Its name on the command line and on screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Source => "source",
            Self::Proxy => "proxy",
            Self::Draft => "draft",
        }
    }

    /// The mode of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// The mode after this one; the first after the last.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Auto => Self::Source,
            Self::Source => Self::Proxy,
            Self::Proxy => Self::Draft,
            Self::Draft => Self::Auto,
        }
    }
}

impl fmt::Display for QualityMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// When proxies are shown in the place of their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ProxyUse {
    /// Where the source cannot be played at its rate.
    #[default]
    Auto,
    /// Wherever there is a verified one.
    Always,
    /// Not at all: none are looked for.
    Never,
}

impl ProxyUse {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// Its name on the command line, in the configuration file and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// What the key for it switches to.
    #[must_use]
    pub fn toggled(self) -> Self {
        match self {
            Self::Always => Self::Auto,
            Self::Auto | Self::Never => Self::Always,
        }
    }
}

/// Whether less is decoded so that a battery lasts longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BatterySaver {
    /// While the machine runs from its battery.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl BatterySaver {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::On, Self::Off];

    /// Its name on the command line and in the configuration file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// Whether the battery is saved, where the machine runs from it or not.
    pub fn is_on(self, on_battery: bool) -> bool {
        match self {
            Self::Auto => on_battery,
            Self::On => true,
            Self::Off => false,
        }
    }
}

/// How full the time for a frame may be, in thousandths of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Thresholds {
    /// A rung is taken on the way down if it needs no more than this.
    pub fit_per_mille: u32,
    /// A better rung is tried if it is forecast to need less than this.
    pub rise_per_mille: u32,
}

/// What is preferred where quality and smoothness are at odds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Preset {
    /// Goes down early and comes up late; no more pixels than the display has.
    Speed,
    /// The defaults.
    #[default]
    Balanced,
    /// Goes down late and comes up early.
    Quality,
}

/// Everything that a person can say about quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Who chooses.
    pub mode: QualityMode,
    /// Frames a second to be held, in thousandths; `None` is the medium's own rate. Rungs that show fewer are
    /// taken only where nothing else can be held.
    pub target_fps_milli: Option<u32>,
    /// Whether rungs that leave frames out may be taken.
    pub allow_drops: bool,
    /// Whether [`QualityMode::Auto`] may go below the source by itself.
    pub auto_reduce: bool,
    /// Rungs whose picture has fewer lines than this are taken only where there is nothing else; 0 is no
    /// limit.
    pub least_height: u32,
    /// When [`QualityMode::Auto`] takes proxies.
    pub use_proxy: ProxyUse,
    /// Whether less is decoded so that a battery lasts longer.
    pub saver: BatterySaver,
    /// While playing.
    pub play: Thresholds,
    /// While the playhead is dragged.
    pub scrub: Thresholds,
    /// While playing where several layers or effects share the machine.
    pub effects: Thresholds,
    /// Longest time for an exact frame while the playhead is dragged.
    pub scrub_budget: Duration,
    /// Whether a rung with as many pixels as the display is preferred to one with more.
    pub fits_display: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self::preset(Preset::Balanced)
    }
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Speed, Self::Balanced, Self::Quality];

    /// Its name on the command line and in the configuration file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Balanced => "balanced",
            Self::Quality => "quality",
        }
    }
}

impl Policy {
    /// The same with another mode. The latest word counts: proxies are no longer shown always, whatever else is
    /// wished.
    #[must_use]
    pub fn with_mode(self, mode: QualityMode) -> Self {
        let use_proxy = match self.use_proxy {
            ProxyUse::Always => ProxyUse::Auto,
            other => other,
        };
        Self {
            mode,
            use_proxy,
            ..self
        }
    }

    /// The same with proxies shown like this. The latest word counts: who wants them always does not want the
    /// source whatever it costs.
    #[must_use]
    pub fn with_proxies(self, wanted: ProxyUse) -> Self {
        let mode = match (wanted, self.mode) {
            (ProxyUse::Always, QualityMode::Source) => QualityMode::Auto,
            (_, mode) => mode,
        };
        Self {
            mode,
            use_proxy: wanted,
            ..self
        }
    }

    /// What a medium is decoded from before the controller has said anything, where that is not its source.
    pub(in crate::playback) fn first_rung(&self) -> Option<Rung> {
        match (self.mode, self.use_proxy) {
            (_, ProxyUse::Never)
            | (QualityMode::Source, _)
            | (QualityMode::Auto, ProxyUse::Auto) => None,
            (QualityMode::Draft, _) => Some(Rung::Quarter),
            (QualityMode::Auto | QualityMode::Proxy, _) => Some(Rung::Half),
        }
    }

    /// Whether the picture may be made smaller than it is shown: not for who asks for the source, whole.
    pub(super) fn may_scale(&self) -> bool {
        self.auto_reduce && self.mode != QualityMode::Source
    }

    /// The settings of a preset, in [`QualityMode::Auto`].
    pub const fn preset(preset: Preset) -> Self {
        let (play, effects) = match preset {
            Preset::Speed => (thresholds(700, 550), thresholds(600, 450)),
            Preset::Balanced => (thresholds(850, 700), thresholds(750, 600)),
            Preset::Quality => (thresholds(950, 820), thresholds(850, 700)),
        };
        Self {
            mode: QualityMode::Auto,
            target_fps_milli: None,
            allow_drops: true,
            auto_reduce: true,
            least_height: 0,
            use_proxy: ProxyUse::Auto,
            saver: BatterySaver::Auto,
            play,
            scrub: thresholds(850, 700),
            effects,
            scrub_budget: Duration::from_millis(40),
            fits_display: matches!(preset, Preset::Speed),
        }
    }
}

const fn thresholds(fit_per_mille: u32, rise_per_mille: u32) -> Thresholds {
    Thresholds {
        fit_per_mille,
        rise_per_mille,
    }
}
