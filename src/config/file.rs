//! The configuration file: read as a whole, changed in single places.
//!
//! It is TOML. What is not understood is told with its line, and the rest applies. A choice that is made in
//! the window is written back to where it stands: comments, order and all else stay as they are, and nobody
//! ever reads half a file.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike};

use super::settings::{QualitySettings, Theme, ThresholdSettings, WindowSettings};
use super::{Action, KeyChord, KeyMap};
use crate::playback::quality::{BatterySaver, Preset, ProxyUse, QualityMode};

/// Its name in the folder of settings.
pub const CONFIG_FILE: &str = "config.toml";

/// Longer files are not settings.
const MOST_BYTES: u64 = 1 << 20;

/// Keys of the table `quality`.
const QUALITY_KEYS: [&str; 12] = [
    "mode",
    "preset",
    "proxies",
    "battery-saver",
    "target-fps",
    "allow-drops",
    "auto-reduce",
    "min-height",
    "scrub-ms",
    "play",
    "scrub",
    "effects",
];

/// The tables that there are.
const TABLES: [&str; 4] = ["quality", "memory", "window", "keys"];

/// Something in the file that does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigNote {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub text: String,
}

impl fmt::Display for ConfigNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path.display(), self.line, self.text)
    }
}

/// What a configuration file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Of quality.
    pub quality: QualitySettings,
    /// Of memory: the budget, in MiB.
    pub memory_mib: Option<u32>,
    /// Of the window.
    pub window: WindowSettings,
    /// Chords that do something else than usual, or nothing.
    pub keys: Vec<(KeyChord, Option<Action>)>,
    /// What is stated, by name, in the words of the file.
    pub stated: BTreeMap<String, String>,
    /// What of it does not apply.
    pub notes: Vec<ConfigNote>,
}

impl Config {
    /// Reads a file. One that is not there says nothing.
    ///
    /// # Errors
    /// When there is one that cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = read_text(path)?;
        Ok(text.map_or_else(Self::default, |text| Self::parse(path, &text)))
    }

    /// What `text`, the content of `path`, says.
    pub fn parse(path: &Path, text: &str) -> Self {
        let mut reader = Reader {
            path,
            text,
            notes: Vec::new(),
        };
        let mut config = Self::default();
        match Document::parse(text) {
            Ok(document) => {
                for (name, item) in document.as_table() {
                    match (name, item.as_table_like()) {
                        ("quality", Some(table)) => config.quality = reader.quality(table),
                        ("memory", Some(table)) => config.memory_mib = reader.memory(table),
                        ("window", Some(table)) => config.window = reader.window(table),
                        ("keys", Some(table)) => config.keys = reader.keys(table),
                        (known, None) if TABLES.contains(&known) => {
                            reader.wrong(item, name, &format!("a table, `[{name}]`"));
                        }
                        _ => reader.unknown(document.as_table(), name, &TABLES),
                    }
                }
                state(document.as_table(), "", &mut config.stated);
            }
            Err(error) => {
                let what = error.message().lines().next().unwrap_or("not TOML");
                let text = format!("{what}; nothing of the file applies.");
                reader.note(error.span(), text);
            }
        }
        config.notes = reader.notes;
        config
    }

    /// What applies for the key of this name, in the words of the file; empty where nothing is set.
    pub fn applies(&self, key: &str) -> String {
        super::catalog::applies(key, &self.quality, self.memory_mib, self.window)
    }

    /// The usual keys with what the file changes of them.
    pub fn key_map(&self) -> KeyMap {
        let mut keys = KeyMap::default();
        for (chord, action) in &self.keys {
            match action {
                Some(action) => keys.bind(*chord, *action),
                None => keys.unbind(*chord),
            };
        }
        keys
    }
}

/// Notes each value in `table` by its full name.
fn state(table: &dyn TableLike, path: &str, stated: &mut BTreeMap<String, String>) {
    for (name, item) in table.iter() {
        let name = format!("{path}{name}");
        match (item.as_table_like(), item.as_value()) {
            (Some(inner), _) => state(inner, &format!("{name}."), stated),
            (None, Some(value)) => {
                let text = value.as_str().map_or_else(
                    || value.clone().decorated("", "").to_string(),
                    str::to_owned,
                );
                stated.insert(name, text);
            }
            _ => {}
        }
    }
}

/// The text of a file; `None` where there is none.
pub(super) fn read_text(path: &Path) -> io::Result<Option<String>> {
    let is_too_long = std::fs::metadata(path).is_ok_and(|data| data.len() > MOST_BYTES);
    if is_too_long {
        let text = "it is too long for a configuration file";
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads values, and notes what it cannot.
struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    notes: Vec<ConfigNote>,
}

impl Reader<'_> {
    fn note(&mut self, span: Option<Range<usize>>, text: String) {
        let start = span.map_or(0, |span| span.start).min(self.text.len());
        let before = self.text.get(..start).unwrap_or_default();
        self.notes.push(ConfigNote {
            path: self.path.to_owned(),
            line: 1 + before.matches('\n').count(),
            text,
        });
    }

    fn unknown(&mut self, table: &dyn TableLike, name: &str, known: &[&str]) {
        let near = known
            .iter()
            .find(|known| distance(known, name) <= 2)
            .map_or_else(
                || format!("known are {}.", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
        let span = table.key(name).and_then(toml_edit::Key::span);
        self.note(span, format!("`{name}` is not known: {near}"));
    }

    fn wrong(&mut self, item: &Item, name: &str, wanted: &str) {
        self.note(item.span(), format!("`{name}` must be {wanted}."));
    }

    /// The value of a key, if there is one that `read` understands; `wanted` says in words what it does.
    fn value<T>(
        &mut self,
        table: &dyn TableLike,
        name: &str,
        wanted: &str,
        read: impl Fn(&Item) -> Option<T>,
    ) -> Option<T> {
        let item = table.get(name)?;
        let value = read(item);
        if value.is_none() {
            self.wrong(item, name, wanted);
        }
        value
    }

    /// One of several names.
    fn choice<T: Copy>(
        &mut self,
        table: &dyn TableLike,
        name: &str,
        all: &[T],
        name_of: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let names: Vec<String> = all
            .iter()
            .map(|one| format!("\"{}\"", name_of(*one)))
            .collect();
        let wanted = format!("one of {}", names.join(", "));
        self.value(table, name, &wanted, |item| {
            let text = item.as_str()?;
            all.iter().copied().find(|one| name_of(*one) == text)
        })
    }

    fn flag(&mut self, table: &dyn TableLike, name: &str) -> Option<bool> {
        self.value(table, name, "true or false", Item::as_bool)
    }

    fn number(&mut self, table: &dyn TableLike, name: &str, range: Range<u32>) -> Option<u32> {
        let wanted = format!("a whole number from {} to {}", range.start, range.end - 1);
        self.value(table, name, &wanted, |item| {
            let number = u32::try_from(item.as_integer()?).ok()?;
            range.contains(&number).then_some(number)
        })
    }

    fn quality(&mut self, table: &dyn TableLike) -> QualitySettings {
        self.know(table, &QUALITY_KEYS);
        QualitySettings {
            mode: self.choice(table, "mode", &QualityMode::ALL, QualityMode::name),
            preset: self.choice(table, "preset", &Preset::ALL, Preset::name),
            proxies: self.choice(table, "proxies", &ProxyUse::ALL, ProxyUse::name),
            saver: self.choice(
                table,
                "battery-saver",
                &BatterySaver::ALL,
                BatterySaver::name,
            ),
            target_fps: self.value(
                table,
                "target-fps",
                "a frame rate, as 24 or \"30000/1001\"",
                |item| {
                    let number = item.as_integer().map(|number| number.to_string());
                    let decimal = || item.as_float().map(|number| number.to_string());
                    let text = number.or_else(decimal);
                    text.as_deref().or(item.as_str())?.parse().ok()
                },
            ),
            allow_drops: self.flag(table, "allow-drops"),
            auto_reduce: self.flag(table, "auto-reduce"),
            least_height: self.number(table, "min-height", 0..32_769),
            scrub_millis: self.number(table, "scrub-ms", 1..10_001),
            play: self.thresholds(table, "play"),
            scrub: self.thresholds(table, "scrub"),
            effects: self.thresholds(table, "effects"),
        }
    }

    /// Tells of each key that is not one of `known`.
    fn know(&mut self, table: &dyn TableLike, known: &[&str]) {
        for (name, _) in table.iter() {
            if !known.contains(&name) {
                self.unknown(table, name, known);
            }
        }
    }

    fn memory(&mut self, table: &dyn TableLike) -> Option<u32> {
        self.know(table, &["limit-mb"]);
        self.number(table, "limit-mb", 256..1_048_577)
    }

    fn window(&mut self, table: &dyn TableLike) -> WindowSettings {
        self.know(table, &["theme", "scale-percent"]);
        WindowSettings {
            theme: self
                .choice(table, "theme", &Theme::ALL, Theme::name)
                .unwrap_or_default(),
            scale_percent: self
                .number(table, "scale-percent", 50..301)
                .unwrap_or(WindowSettings::default().scale_percent),
        }
    }

    fn keys(&mut self, table: &dyn TableLike) -> Vec<(KeyChord, Option<Action>)> {
        let mut keys = Vec::new();
        for (name, item) in table.iter() {
            let Ok(chord) = name.parse::<KeyChord>() else {
                let span = table.key(name).and_then(toml_edit::Key::span);
                let text = format!("`{name}` is no key; write it as \"Ctrl+O\" or \"Space\".");
                self.note(span, text);
                continue;
            };
            match item.as_str() {
                Some("none") => keys.push((chord, None)),
                Some(id) => {
                    if let Some(action) = Action::from_id(id) {
                        keys.push((chord, Some(action)));
                        continue;
                    }
                    let near = Action::ALL
                        .iter()
                        .map(|action| action.id())
                        .min_by_key(|known| distance(known, id));
                    let wanted = format!("an action, perhaps `{}`", near.unwrap_or("none"));
                    self.wrong(item, name, &wanted);
                }
                None => self.wrong(item, name, "an action in quotes, or \"none\""),
            }
        }
        keys
    }

    fn thresholds(&mut self, table: &dyn TableLike, name: &str) -> ThresholdSettings {
        let Some(item) = table.get(name) else {
            return ThresholdSettings::default();
        };
        let Some(own) = item.as_table_like() else {
            self.wrong(item, name, "a table, as { fit = 85, rise = 70 }");
            return ThresholdSettings::default();
        };
        self.know(own, &["fit", "rise"]);
        ThresholdSettings {
            fit_percent: self.number(own, "fit", 1..101),
            rise_percent: self.number(own, "rise", 1..101),
        }
    }
}

/// Letters to change, add or take away, to make one word of another (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (place, letter) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], place + 1);
        for (column, other) in b.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Config {
        Config::parse(Path::new("c.toml"), text)
    }

    #[test]
    fn everything_that_can_be_said_is_understood() {
        let config = parsed(
            r#"
            [quality]
            mode = "proxy"
            preset = "speed"
            proxies = "never"
            battery-saver = "on"
            target-fps = "30000/1001"
            allow-drops = false
            auto-reduce = true
            min-height = 720
            scrub-ms = 25
            play = { fit = 80, rise = 60 }
            [quality.effects]
            fit = 55
            "#,
        );
        assert_eq!(config.notes, []);
        let thresholds = |fit, rise| ThresholdSettings {
            fit_percent: fit,
            rise_percent: rise,
        };
        let quality = QualitySettings {
            mode: Some(QualityMode::Proxy),
            preset: Some(Preset::Speed),
            proxies: Some(ProxyUse::Never),
            saver: Some(BatterySaver::On),
            target_fps: "30000/1001".parse().ok(),
            allow_drops: Some(false),
            auto_reduce: Some(true),
            least_height: Some(720),
            scrub_millis: Some(25),
            play: thresholds(Some(80), Some(60)),
            scrub: thresholds(None, None),
            effects: thresholds(Some(55), None),
        };
        assert_eq!(config.quality, quality);
        assert_eq!(config.stated["quality.mode"], "proxy");
        assert_eq!(config.stated["quality.play.fit"], "80");
        for (rate, fps) in [
            ("24", 24.0),
            ("23.976", 24_000.0 / 1001.0),
            ("\"25\"", 25.0),
        ] {
            let config = parsed(&format!("quality.target-fps = {rate}"));
            let read = config.quality.target_fps.unwrap();
            assert!((read.as_f64() - fps).abs() < 1e-9, "{rate}");
        }
        assert_eq!(parsed(""), Config::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_the_rest_applies() {
        let config = parsed(
            "[quality]\nmode = \"fast\"\nprest = \"speed\"\nmin-height = -3\n\n# why\nallow-drops = \"no\"\n\
             play = 7\nscrub = { fit = 200, rize = 2 }\nproxies = \"always\"\n[sound]\nvolume = 3\n",
        );
        assert_eq!(config.quality.proxies, Some(ProxyUse::Always));
        let others = QualitySettings {
            proxies: None,
            ..config.quality
        };
        assert_eq!(others, QualitySettings::default());
        let mut told: Vec<(usize, &str)> = config
            .notes
            .iter()
            .map(|note| (note.line, note.text.as_str()))
            .collect();
        told.sort_unstable();
        let wanted = [
            (
                2,
                "`mode` must be one of \"auto\", \"source\", \"proxy\", \"draft\".",
            ),
            (3, "`prest` is not known: did you mean `preset`?"),
            (4, "`min-height` must be a whole number from 0 to 32768."),
            (7, "`allow-drops` must be true or false."),
            (8, "`play` must be a table, as { fit = 85, rise = 70 }."),
            (9, "`fit` must be a whole number from 1 to 100."),
            (9, "`rize` is not known: did you mean `rise`?"),
            (
                11,
                "`sound` is not known: known are quality, memory, window, keys.",
            ),
        ];
        assert_eq!(told, wanted.map(|(line, text)| (line, text)));
        assert!(config.notes[0].to_string().starts_with("c.toml:"));
    }

    #[test]
    fn keys_window_and_memory_are_read() {
        let config = parsed(
            "[memory]\nlimit-mb = 4096\n[window]\ntheme = \"light\"\nscale-percent = 150\n\
             [keys]\n\"Ctrl+K\" = \"mark-in\"\nQ = \"none\"\n",
        );
        assert_eq!(config.notes, []);
        assert_eq!(config.memory_mib, Some(4096));
        assert_eq!(
            config.window,
            WindowSettings {
                theme: Theme::Light,
                scale_percent: 150
            }
        );
        let keys = config.key_map();
        let does = |chord: &str| keys.action(chord.parse().unwrap());
        assert_eq!((does("Ctrl+K"), does("Q")), (Some(Action::MarkIn), None));
        assert_eq!(does("Ctrl+Q"), Some(Action::Quit));
        let wrong = parsed("[keys]\n\"Ctrl+K\" = \"mark-inn\"\n\"Hyper+K\" = \"quit\"\n");
        let told: Vec<&str> = wrong.notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(
            told,
            [
                "`Ctrl+K` must be an action, perhaps `mark-in`.",
                "`Hyper+K` is no key; write it as \"Ctrl+O\" or \"Space\".",
            ]
        );
    }

    #[test]
    fn what_is_no_toml_is_told_and_says_nothing() {
        let config = parsed("[quality]\nmode = \"draft\"\nproxies = = 3\n");
        assert_eq!(config.quality, QualitySettings::default());
        assert_eq!(config.notes.len(), 1);
        assert_eq!(config.notes[0].line, 3, "{:?}", config.notes);
        assert!(
            config.notes[0]
                .text
                .ends_with("nothing of the file applies.")
        );
    }
}
