//! What a person wants of quality, as the configuration file and the command line say it.

use std::time::Duration;

use crate::playback::quality::{BatterySaver, Policy, Preset, ProxyUse, QualityMode, Thresholds};
use crate::time::FrameRate;

/// How full the time for a frame may be, as far as it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ThresholdSettings {
    /// In percent: what is taken on the way down needs no more than this.
    pub fit_percent: Option<u32>,
    /// In percent: what is better is tried if it should need less than this.
    pub rise_percent: Option<u32>,
}

impl ThresholdSettings {
    fn over(self, preset: Thresholds) -> Thresholds {
        let fit_per_mille = self
            .fit_percent
            .map_or(preset.fit_per_mille, |percent| percent * 10);
        let rise = self
            .rise_percent
            .map_or(preset.rise_per_mille, |percent| percent * 10);
        Thresholds {
            fit_per_mille,
            // What is tried must fit, or it would be given up at once.
            rise_per_mille: rise.min(fit_per_mille),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            fit_percent: self.fit_percent.or(other.fit_percent),
            rise_percent: self.rise_percent.or(other.rise_percent),
        }
    }
}

/// What is said of quality; `None` is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QualitySettings {
    /// Who chooses.
    pub mode: Option<QualityMode>,
    /// What is preferred where quality and smoothness are at odds.
    pub preset: Option<Preset>,
    /// When proxies are shown.
    pub proxies: Option<ProxyUse>,
    /// Whether a battery is to last longer.
    pub saver: Option<BatterySaver>,
    /// Frames a second to be held.
    pub target_fps: Option<FrameRate>,
    /// Whether frames may be left out on purpose.
    pub allow_drops: Option<bool>,
    /// Whether the player may go below the source by itself.
    pub auto_reduce: Option<bool>,
    /// Lines that a picture must have.
    pub least_height: Option<u32>,
    /// Longest time for a frame under a hand, in milliseconds.
    pub scrub_millis: Option<u32>,
    /// While playing.
    pub play: ThresholdSettings,
    /// Under a hand.
    pub scrub: ThresholdSettings,
    /// While several layers are composed.
    pub effects: ThresholdSettings,
}

impl QualitySettings {
    /// These, and where they say nothing those of `other`. A preset of their own leaves nothing of the other's
    /// thresholds; a mode or proxies of their own take back what does not go with them.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let thresholds = |own: ThresholdSettings, other| match self.preset {
            Some(_) => own,
            None => own.or(other),
        };
        let mut both = other.policy();
        both = self.mode.map_or(both, |mode| both.with_mode(mode));
        both = self
            .proxies
            .map_or(both, |wanted| both.with_proxies(wanted));
        Self {
            mode: self.mode.or(other.mode).map(|_| both.mode),
            preset: self.preset.or(other.preset),
            proxies: self.proxies.or(other.proxies).map(|_| both.use_proxy),
            saver: self.saver.or(other.saver),
            target_fps: self.target_fps.or(other.target_fps),
            allow_drops: self.allow_drops.or(other.allow_drops),
            auto_reduce: self.auto_reduce.or(other.auto_reduce),
            least_height: self.least_height.or(other.least_height),
            scrub_millis: self.scrub_millis.or(other.scrub_millis),
            play: thresholds(self.play, other.play),
            scrub: thresholds(self.scrub, other.scrub),
            effects: thresholds(self.effects, other.effects),
        }
    }

    /// The same for the player; what is not said is as the preset has it.
    pub fn policy(&self) -> Policy {
        let preset = Policy::preset(self.preset.unwrap_or_default());
        let milli = |rate: FrameRate| {
            let milli = u64::from(rate.num()) * 1000 / u64::from(rate.den());
            u32::try_from(milli).unwrap_or(u32::MAX)
        };
        let scrub_budget = self.scrub_millis.map(u64::from).map(Duration::from_millis);
        Policy {
            mode: self.mode.unwrap_or(preset.mode),
            target_fps_milli: self.target_fps.map(milli),
            allow_drops: self.allow_drops.unwrap_or(preset.allow_drops),
            auto_reduce: self.auto_reduce.unwrap_or(preset.auto_reduce),
            least_height: self.least_height.unwrap_or(preset.least_height),
            use_proxy: self.proxies.unwrap_or(preset.use_proxy),
            saver: self.saver.unwrap_or(preset.saver),
            play: self.play.over(preset.play),
            scrub: self.scrub.over(preset.scrub),
            effects: self.effects.over(preset.effects),
            scrub_budget: scrub_budget.unwrap_or(preset.scrub_budget),
            fits_display: preset.fits_display,
        }
    }
}

/// Colours of panels and menus. The picture's surroundings stay neutral and dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Theme {
    /// Light on dark.
    #[default]
    Dark,
    /// Dark on light.
    Light,
    /// As the system has it.
    System,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 3] = [Self::Dark, Self::Light, Self::System];

    /// Its name in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::System => "system",
        }
    }
}

/// What is said of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSettings {
    /// Colours.
    pub theme: Theme,
    /// How large the interface is, against what the display asks for.
    pub scale_percent: u32,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            scale_percent: 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_as_the_preset_has_it() {
        assert_eq!(QualitySettings::default().policy(), Policy::default());
        let speed = QualitySettings {
            preset: Some(Preset::Speed),
            play: ThresholdSettings {
                fit_percent: Some(50),
                rise_percent: None,
            },
            ..QualitySettings::default()
        };
        let policy = speed.policy();
        assert_eq!(policy.play.fit_per_mille, 500);
        assert_eq!(policy.play.rise_per_mille, 500, "never above what fits");
        assert_eq!(policy.effects, Policy::preset(Preset::Speed).effects);
    }

    #[test]
    fn the_first_wins_and_its_preset_leaves_no_thresholds_of_the_other() {
        let file = QualitySettings {
            mode: Some(QualityMode::Draft),
            proxies: Some(ProxyUse::Never),
            play: ThresholdSettings {
                fit_percent: Some(60),
                rise_percent: Some(40),
            },
            ..QualitySettings::default()
        };
        let line = QualitySettings {
            proxies: Some(ProxyUse::Always),
            ..QualitySettings::default()
        };
        let both = line.or(file);
        assert_eq!((both.mode, both.proxies), (file.mode, line.proxies));
        assert_eq!(both.policy().play.fit_per_mille, 600);
        let line = QualitySettings {
            preset: Some(Preset::Quality),
            ..line
        };
        let source = QualitySettings {
            mode: Some(QualityMode::Source),
            ..QualitySettings::default()
        };
        let always = QualitySettings {
            proxies: Some(ProxyUse::Always),
            ..QualitySettings::default()
        };
        let both = always.or(source);
        assert_eq!(both.mode, Some(QualityMode::Auto), "or they were not shown");
        assert_eq!(both.proxies, Some(ProxyUse::Always));
        let both = source.or(always);
        assert_eq!(both.mode, Some(QualityMode::Source));
        assert_eq!(both.proxies, Some(ProxyUse::Auto));
        let play = line.or(file).policy().play;
        assert_eq!(play, Policy::preset(Preset::Quality).play);
    }
}
