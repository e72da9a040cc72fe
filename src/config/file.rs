//! The configuration file: read as a whole, changed in single places.
//!
//! It is TOML. What is not understood is told with its line, and the rest applies. A choice that is made in
//! the window is written back to where it stands: comments, order and all else stay as they are, and nobody
//! ever reads half a file.

use std::fmt;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, DocumentMut, Item, TableLike};

use super::settings::{QualitySettings, ThresholdSettings};
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
        let mut quality = QualitySettings::default();
        match Document::parse(text) {
            Ok(document) => {
                for (name, item) in document.as_table() {
                    match (name, item.as_table_like()) {
                        ("quality", Some(table)) => quality = reader.quality(table),
                        ("quality", None) => reader.wrong(item, name, "a table, `[quality]`"),
                        _ => reader.unknown(document.as_table(), name, &["quality"]),
                    }
                }
            }
            Err(error) => {
                let what = error.message().lines().next().unwrap_or("not TOML");
                let text = format!("{what}; nothing of the file applies.");
                reader.note(error.span(), text);
            }
        }
        Self {
            quality,
            notes: reader.notes,
        }
    }
}

/// The text of a file; `None` where there is none.
fn read_text(path: &Path) -> io::Result<Option<String>> {
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
        for (name, _) in table.iter() {
            if !QUALITY_KEYS.contains(&name) {
                self.unknown(table, name, &QUALITY_KEYS);
            }
        }
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

    fn thresholds(&mut self, table: &dyn TableLike, name: &str) -> ThresholdSettings {
        let Some(item) = table.get(name) else {
            return ThresholdSettings::default();
        };
        let Some(own) = item.as_table_like() else {
            self.wrong(item, name, "a table, as { fit = 85, rise = 70 }");
            return ThresholdSettings::default();
        };
        for (key, _) in own.iter() {
            if !["fit", "rise"].contains(&key) {
                self.unknown(own, key, &["fit", "rise"]);
            }
        }
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

/// Sets each of `choices`, a key of the table `quality` and its value, in the file at `path`, which is made if
/// need be. All else in it stays as it is.
///
/// # Errors
/// When it cannot be read or written, may not be, or is not a configuration file: then it is left alone. So is a
/// link to a file that is not there: whoever made it knows best what belongs there.
pub fn save_quality(path: &Path, choices: &[(&str, &str)]) -> io::Result<()> {
    // A link stays a link: what it points at is written.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if path.is_symlink() => return Err(error),
        Err(_not_there_yet) => path.to_owned(),
    };
    let text = read_text(&path)?.unwrap_or_default();
    let wrong = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| wrong(error.message().to_owned()))?;
    let quality = document.entry("quality").or_insert_with(toml_edit::table);
    let Some(table) = quality.as_table_like_mut() else {
        return Err(wrong("`quality` is no table".to_owned()));
    };
    for (name, choice) in choices {
        let mut value = toml_edit::Value::from(*choice);
        if let Some(before) = table.get(name).and_then(Item::as_value) {
            // The comment behind it.
            *value.decor_mut() = before.decor().clone();
        }
        match table.get_mut(name) {
            Some(item) => *item = Item::Value(value),
            None => {
                table.insert(name, Item::Value(value));
            }
        }
    }
    replace(&path, &document.to_string())
}

/// Puts a new file in the place of one, whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let before = std::fs::metadata(path).ok();
    // To put another in its place needs no leave to write, but this is what it was withdrawn for.
    if before
        .as_ref()
        .is_some_and(|it| it.permissions().readonly())
    {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".config")
        .suffix(".part")
        .tempfile_in(folder)?;
    if let Some(before) = before {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
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
            (11, "`sound` is not known: known are quality."),
        ];
        assert_eq!(told, wanted.map(|(line, text)| (line, text)));
        assert!(config.notes[0].to_string().starts_with("c.toml:"));
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

    #[test]
    fn a_choice_is_written_where_it_stands_and_comments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join(CONFIG_FILE);
        save_quality(&path, &[("mode", "draft")]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "[quality]\nmode = \"draft\"\n"
        );
        let before = "# mine\n[quality]\n# who\nmode   = 'draft'  # for now\nmin-height = 540\n\n\
                      [quality.play]\nfit = 80 # percent\n";
        std::fs::write(&path, before).unwrap();
        save_quality(&path, &[("mode", "source"), ("proxies", "auto")]).unwrap();
        let after = std::fs::read_to_string(&path).unwrap();
        let wanted = before.replace("'draft'", "\"source\"").replace(
            "min-height = 540\n",
            "min-height = 540\nproxies = \"auto\"\n",
        );
        assert_eq!(after, wanted);
        assert_eq!(Config::parse(&path, &after).notes, []);
        let others = std::fs::read_dir(path.parent().unwrap()).unwrap();
        assert_eq!(others.count(), 1, "nothing else is left there");
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CONFIG_FILE);
        for text in ["quality = 3\n", "[quality\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(save_quality(&path, &[("mode", "auto")]).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(
            Config::read(&folder.path().join("none")).unwrap(),
            Config::default()
        );
        assert!(Config::read(folder.path()).is_err());
        let long = "# long\n".repeat(200_000);
        std::fs::write(&path, &long).unwrap();
        assert!(save_quality(&path, &[("mode", "auto")]).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), long);
    }

    #[cfg(unix)]
    #[test]
    fn what_may_not_be_written_and_links_to_nothing_are_left_alone() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (
            folder.path().join(CONFIG_FILE),
            folder.path().join("link.toml"),
        );
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
        let error = save_quality(&path, &[("mode", "auto")]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        symlink(folder.path().join("nowhere.toml"), &link).unwrap();
        let error = save_quality(&link, &[("mode", "auto")]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(link.is_symlink() && !folder.path().join("nowhere.toml").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("real.toml"),
            folder.path().join(CONFIG_FILE),
        );
        std::fs::write(&real, "").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();
        save_quality(&link, &[("proxies", "never")]).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(
            Config::read(&real).unwrap().quality.proxies,
            Some(ProxyUse::Never)
        );
        let mode = std::fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
