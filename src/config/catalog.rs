//! Every key of the configuration file: what it is for, what it may be, what it is when nothing is said.
//!
//! The settings panel is made from this list, and a test reads the file's documentation against it.

use super::{QualitySettings, Theme, Value, WindowSettings};
use crate::playback::quality::{BatterySaver, Preset, ProxyUse, QualityMode};

/// What a key may be set to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SettingKind {
    /// One of these names.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number of this unit, from the first to the last.
    Number {
        /// `%`, `ms`; may be empty.
        unit: &'static str,
        /// The least.
        least: u32,
        /// The greatest.
        most: u32,
    },
    /// A frame rate, as `24` or `30000/1001`.
    Rate,
}

/// A key of the configuration file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SettingSpec {
    /// Its full name, `quality.mode`.
    pub key: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// What it may be.
    pub kind: SettingKind,
    /// Whether it applies at once; otherwise from the next start.
    pub is_live: bool,
}

impl SettingSpec {
    /// The key of this name.
    pub fn of(key: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|spec| spec.key == key)
    }

    /// What applies where nothing is said, in the words of the file; empty where that depends.
    pub fn default(&self) -> String {
        let window = WindowSettings::default();
        applies(self.key, &QualitySettings::default(), None, window)
    }

    /// What the file is to hold for `text`; `None` where this is no value of the key.
    pub fn value(&self, text: &str) -> Option<Value> {
        match self.kind {
            SettingKind::Choice(names) => {
                names.contains(&text).then(|| Value::Text(text.to_owned()))
            }
            SettingKind::Flag => text.parse().ok().map(Value::Flag),
            SettingKind::Number { least, most, .. } => {
                let number: u32 = text.parse().ok()?;
                (least..=most)
                    .contains(&number)
                    .then(|| Value::Whole(number.into()))
            }
            SettingKind::Rate => {
                let rate = text.parse::<crate::time::FrameRate>();
                rate.ok().map(|_| Value::Text(text.to_owned()))
            }
        }
    }
}

/// What applies for the key of this name, in the words of the file; empty where nothing is set.
pub(super) fn applies(
    key: &str,
    quality: &QualitySettings,
    memory_mib: Option<u32>,
    window: WindowSettings,
) -> String {
    let policy = quality.policy();
    let number = |per_mille: u32| (per_mille / 10).to_string();
    match key {
        "quality.mode" => policy.mode.name().to_owned(),
        "quality.preset" => quality.preset.unwrap_or_default().name().to_owned(),
        "quality.proxies" => policy.use_proxy.name().to_owned(),
        "quality.battery-saver" => policy.saver.name().to_owned(),
        "quality.target-fps" => quality
            .target_fps
            .map_or_else(String::new, |rate| rate.to_string()),
        "quality.allow-drops" => policy.allow_drops.to_string(),
        "quality.auto-reduce" => policy.auto_reduce.to_string(),
        "quality.min-height" => policy.least_height.to_string(),
        "quality.scrub-ms" => policy.scrub_budget.as_millis().to_string(),
        "quality.play.fit" => number(policy.play.fit_per_mille),
        "quality.play.rise" => number(policy.play.rise_per_mille),
        "quality.scrub.fit" => number(policy.scrub.fit_per_mille),
        "quality.scrub.rise" => number(policy.scrub.rise_per_mille),
        "quality.effects.fit" => number(policy.effects.fit_per_mille),
        "quality.effects.rise" => number(policy.effects.rise_per_mille),
        "memory.limit-mb" => memory_mib.map_or_else(String::new, |mib| mib.to_string()),
        "window.theme" => window.theme.name().to_owned(),
        "window.scale-percent" => window.scale_percent.to_string(),
        _ => String::new(),
    }
}

impl QualitySettings {
    /// Whether anything is said for the key of this name. Who says what is preferred says all thresholds.
    pub fn states(&self, key: &str) -> bool {
        let has_preset = self.preset.is_some();
        match key {
            "quality.mode" => self.mode.is_some(),
            "quality.preset" => self.preset.is_some(),
            "quality.proxies" => self.proxies.is_some(),
            "quality.battery-saver" => self.saver.is_some(),
            "quality.target-fps" => self.target_fps.is_some(),
            "quality.allow-drops" => self.allow_drops.is_some(),
            "quality.auto-reduce" => self.auto_reduce.is_some(),
            "quality.min-height" => self.least_height.is_some(),
            "quality.scrub-ms" => self.scrub_millis.is_some(),
            "quality.play.fit" => has_preset || self.play.fit_percent.is_some(),
            "quality.play.rise" => has_preset || self.play.rise_percent.is_some(),
            "quality.scrub.fit" => has_preset || self.scrub.fit_percent.is_some(),
            "quality.scrub.rise" => has_preset || self.scrub.rise_percent.is_some(),
            "quality.effects.fit" => has_preset || self.effects.fit_percent.is_some(),
            "quality.effects.rise" => has_preset || self.effects.rise_percent.is_some(),
            _ => false,
        }
    }
}

const PERCENT: SettingKind = SettingKind::Number {
    unit: "%",
    least: 1,
    most: 100,
};

const fn spec(
    key: &'static str,
    label: &'static str,
    kind: SettingKind,
    about: &'static str,
) -> SettingSpec {
    SettingSpec {
        key,
        label,
        about,
        kind,
        is_live: true,
    }
}

/// All keys, in the order in which they are shown.
pub const CATALOGUE: &[SettingSpec] = &[
    spec(
        "quality.mode",
        "Quality",
        SettingKind::Choice(&[
            QualityMode::Auto.name(),
            QualityMode::Source.name(),
            QualityMode::Proxy.name(),
            QualityMode::Draft.name(),
        ]),
        "Who chooses what is decoded: the player, from what it measures, or always the source, a proxy, or the \
         smallest proxy.",
    ),
    spec(
        "quality.preset",
        "Preference",
        SettingKind::Choice(&[
            Preset::Speed.name(),
            Preset::Balanced.name(),
            Preset::Quality.name(),
        ]),
        "What is preferred where a full picture and a steady rate are at odds. The thresholds below follow it \
         unless they are set.",
    ),
    spec(
        "quality.proxies",
        "Proxies",
        SettingKind::Choice(&[
            ProxyUse::Auto.name(),
            ProxyUse::Always.name(),
            ProxyUse::Never.name(),
        ]),
        "Whether verified smaller copies may stand in for their sources: where the source is too much, always, or \
         never. Never applies from the next start.",
    ),
    spec(
        "quality.battery-saver",
        "Battery saver",
        SettingKind::Choice(&[
            BatterySaver::Auto.name(),
            BatterySaver::On.name(),
            BatterySaver::Off.name(),
        ]),
        "Take what costs less while the machine runs on its battery: when it does, always, or never.",
    ),
    spec(
        "quality.target-fps",
        "Frame rate to hold",
        SettingKind::Rate,
        "Frames a second that are enough, as 24 or 30000/1001. The medium's own rate where nothing is set.",
    ),
    spec(
        "quality.allow-drops",
        "Leave frames out",
        SettingKind::Flag,
        "Frames may be left out evenly, on purpose, where neither the source nor a proxy can be held.",
    ),
    spec(
        "quality.auto-reduce",
        "Go below the source",
        SettingKind::Flag,
        "The player may take a proxy, leave frames out or make pictures smaller by itself.",
    ),
    spec(
        "quality.min-height",
        "Fewest lines",
        SettingKind::Number {
            unit: "lines",
            least: 0,
            most: 32_768,
        },
        "Pictures of fewer lines are not taken by the player itself. 0 is no limit.",
    ),
    spec(
        "quality.scrub-ms",
        "Time to answer a drag",
        SettingKind::Number {
            unit: "ms",
            least: 1,
            most: 10_000,
        },
        "How long decoding one picture may take while the playhead is dragged, before something lighter is taken.",
    ),
    spec(
        "quality.play.fit",
        "Playing: fits below",
        PERCENT,
        "What is taken on the way down needs no more than this share of the time of a frame.",
    ),
    spec(
        "quality.play.rise",
        "Playing: tried below",
        PERCENT,
        "Something better is tried when it should need less than this share.",
    ),
    spec(
        "quality.scrub.fit",
        "Dragging: fits below",
        PERCENT,
        "The same while the playhead is dragged.",
    ),
    spec(
        "quality.scrub.rise",
        "Dragging: tried below",
        PERCENT,
        "The same while the playhead is dragged.",
    ),
    spec(
        "quality.effects.fit",
        "Layers: fits below",
        PERCENT,
        "The same while several layers are composed.",
    ),
    spec(
        "quality.effects.rise",
        "Layers: tried below",
        PERCENT,
        "The same while several layers are composed.",
    ),
    SettingSpec {
        key: "memory.limit-mb",
        label: "Memory",
        about: "What frames, pictures, thumbnails and sound may take together, in MiB. Where nothing is set: a \
                quarter of the machine's memory, 2 GiB at most with 8 GiB or less, 8 GiB at most elsewhere.",
        kind: SettingKind::Number {
            unit: "MiB",
            least: 256,
            most: 1_048_576,
        },
        is_live: false,
    },
    spec(
        "window.theme",
        "Colours",
        SettingKind::Choice(&[
            Theme::Dark.name(),
            Theme::Light.name(),
            Theme::System.name(),
        ]),
        "Of panels and menus. What surrounds the picture stays dark and neutral.",
    ),
    spec(
        "window.scale-percent",
        "Size of the interface",
        SettingKind::Number {
            unit: "%",
            least: 50,
            most: 300,
        },
        "Against what the display asks for.",
    ),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    #[test]
    fn every_key_is_read_as_what_applies_for_it() {
        let nothing = Config::default();
        for spec in CATALOGUE {
            let applies = nothing.applies(spec.key);
            let Some(value) = spec.value(&applies) else {
                let may_be_unset = ["quality.target-fps", "memory.limit-mb"];
                assert!(may_be_unset.contains(&spec.key), "{}: {applies}", spec.key);
                continue;
            };
            let text = match value {
                Value::Text(text) => format!("{} = {text:?}", spec.key),
                Value::Whole(number) => format!("{} = {number}", spec.key),
                Value::Flag(flag) => format!("{} = {flag}", spec.key),
            };
            let config = Config::parse(Path::new("c.toml"), &text);
            assert_eq!(config.notes, [], "{text}");
            assert_eq!(config.applies(spec.key), applies, "{text}");
            assert_eq!(config.stated[spec.key], applies);
            assert_eq!(spec.default(), applies);
            let is_of_quality = spec.key.starts_with("quality.");
            assert_eq!(config.quality.states(spec.key), is_of_quality, "{text}");
            assert!(!nothing.quality.states(spec.key), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_is_none() {
        let value = |key, text| SettingSpec::of(key).and_then(|spec| spec.value(text));
        assert_eq!(value("quality.mode", "fast"), None);
        assert_eq!(value("quality.play.fit", "101"), None);
        assert_eq!(value("quality.allow-drops", "yes"), None);
        assert_eq!(value("quality.target-fps", "soon"), None);
        assert_eq!(value("memory.limit-mb", "512"), Some(Value::Whole(512)));
    }
}
