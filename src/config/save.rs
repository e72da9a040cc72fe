//! Writing single places of the configuration file.

use std::io::{self, Write};
use std::path::Path;

use toml_edit::{DocumentMut, Item, TableLike};

use super::KeyChord;
use super::file::read_text;

/// What a key is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// In quotes.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// True or false.
    Flag(bool),
}

/// One place in the file that is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Names of the tables, outermost first.
    tables: Vec<String>,
    key: String,
    /// What it is set to; `None` takes the key out, so that the default applies.
    value: Option<Value>,
}

impl Change {
    /// Sets the key of this name, `quality.play.fit`, or takes it out.
    pub fn new(name: &str, value: Option<Value>) -> Self {
        let mut tables: Vec<String> = name.split('.').map(str::to_owned).collect();
        let key = tables.pop().unwrap_or_default();
        Self { tables, key, value }
    }

    /// Sets a key to a text.
    pub fn text(name: &str, text: &str) -> Self {
        Self::new(name, Some(Value::Text(text.to_owned())))
    }

    /// Binds a chord, as it is written, to the action of this identifier; `None` lets it do what it usually does.
    pub fn bind(chord: &str, id: Option<&str>) -> Self {
        Self {
            tables: vec!["keys".to_owned()],
            key: chord.to_owned(),
            value: id.map(|id| Value::Text(id.to_owned())),
        }
    }

    /// Makes the change in `document`.
    fn apply(&self, document: &mut DocumentMut) -> io::Result<()> {
        let mut table: &mut dyn TableLike = document.as_table_mut();
        for name in &self.tables {
            if self.value.is_none() && !table.contains_key(name) {
                return Ok(());
            }
            let item = table.entry(name).or_insert_with(toml_edit::table);
            let is_table = item.is_table_like();
            match item.as_table_like_mut() {
                Some(inner) if is_table => table = inner,
                _ => return Err(wrong(format!("`{name}` is no table"))),
            }
        }
        if self.tables == ["keys"] {
            self.remove_other_spellings(table);
        }
        let Some(value) = &self.value else {
            table.remove(&self.key);
            return Ok(());
        };
        let mut value = match value {
            Value::Text(text) => toml_edit::Value::from(text.as_str()),
            Value::Whole(number) => toml_edit::Value::from(*number),
            Value::Flag(flag) => toml_edit::Value::from(*flag),
        };
        if let Some(before) = table.get(&self.key).and_then(Item::as_value) {
            // The comment behind it.
            *value.decor_mut() = before.decor().clone();
        }
        match table.get_mut(&self.key) {
            Some(item) => *item = Item::Value(value),
            None => {
                table.insert(&self.key, Item::Value(value));
            }
        }
        Ok(())
    }
}

impl Change {
    /// `ctrl+k` and `Ctrl+K` are one chord: whichever stands last in the file would win.
    fn remove_other_spellings(&self, table: &mut dyn TableLike) {
        let Ok(chord) = self.key.parse::<KeyChord>() else {
            return;
        };
        let is_other = |key: &str| key != self.key && key.parse() == Ok(chord);
        let others: Vec<String> = table
            .iter()
            .map(|(key, _)| key.to_owned())
            .filter(|key| is_other(key))
            .collect();
        for key in others {
            table.remove(&key);
        }
    }
}

fn wrong(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Makes these changes in the file at `path`, which is made if need be. All else in it stays as it is.
///
/// # Errors
/// When it cannot be read or written, may not be, or is not a configuration file: then it is left alone. So is a
/// link to a file that is not there: whoever made it knows best what belongs there.
pub fn save(path: &Path, changes: &[Change]) -> io::Result<()> {
    // A link stays a link: what it points at is written.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if path.is_symlink() => return Err(error),
        Err(_not_there_yet) => path.to_owned(),
    };
    let text = read_text(&path)?.unwrap_or_default();
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| wrong(error.message().to_owned()))?;
    for change in changes {
        change.apply(&mut document)?;
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
    use super::super::{CONFIG_FILE, Config};
    use super::*;
    use crate::playback::quality::ProxyUse;

    #[test]
    fn values_of_all_kinds_are_written_and_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CONFIG_FILE);
        let changes = [
            Change::new("quality.allow-drops", Some(Value::Flag(false))),
            Change::new("quality.play.fit", Some(Value::Whole(70))),
            Change::bind("Ctrl+.", Some("quit")),
        ];
        save(&path, &changes).unwrap();
        let config = Config::read(&path).unwrap();
        assert_eq!(config.notes, []);
        assert_eq!(config.quality.allow_drops, Some(false));
        assert_eq!(config.quality.play.fit_percent, Some(70));
        assert_eq!(config.keys.len(), 1);
        let out = [
            Change::new("quality.play.fit", None),
            Change::new("window.theme", None),
            Change::bind("Ctrl+.", None),
        ];
        save(&path, &out).unwrap();
        let config = Config::read(&path).unwrap();
        assert_eq!(config.quality.play.fit_percent, None);
        assert_eq!((config.keys.len(), config.stated.len()), (0, 1));
    }

    #[test]
    fn a_chord_is_one_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CONFIG_FILE);
        let written =
            "[keys]\n\"ctrl+k\" = \"mark-in\" # mine\n\"CTRL+k\" = \"quit\"\nQ = \"none\"\n";
        for (change, count) in [
            (Change::bind("Ctrl+K", None), 1),
            (Change::bind("Ctrl+K", Some("mark-out")), 2),
        ] {
            std::fs::write(&path, written).unwrap();
            save(&path, &[change]).unwrap();
            assert_eq!(Config::read(&path).unwrap().keys.len(), count);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("\"Ctrl+K\" = \"mark-out\"") && !text.contains("mark-in"),
            "{text}"
        );
    }

    #[test]
    fn a_choice_is_written_where_it_stands_and_comments_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join(CONFIG_FILE);
        save(&path, &[Change::text("quality.mode", "draft")]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "[quality]\nmode = \"draft\"\n"
        );
        let before = "# mine\n[quality]\n# who\nmode   = 'draft'  # for now\nmin-height = 540\n\n\
                      [quality.play]\nfit = 80 # percent\n";
        std::fs::write(&path, before).unwrap();
        save(
            &path,
            &[
                Change::text("quality.mode", "source"),
                Change::text("quality.proxies", "auto"),
            ],
        )
        .unwrap();
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
            assert!(save(&path, &[Change::text("quality.mode", "auto")]).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(
            Config::read(&folder.path().join("none")).unwrap(),
            Config::default()
        );
        assert!(Config::read(folder.path()).is_err());
        let long = "# long\n".repeat(200_000);
        std::fs::write(&path, &long).unwrap();
        assert!(save(&path, &[Change::text("quality.mode", "auto")]).is_err());
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
        let error = save(&path, &[Change::text("quality.mode", "auto")]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
        symlink(folder.path().join("nowhere.toml"), &link).unwrap();
        let error = save(&link, &[Change::text("quality.mode", "auto")]).unwrap_err();
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
        save(&link, &[Change::text("quality.proxies", "never")]).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(
            Config::read(&real).unwrap().quality.proxies,
            Some(ProxyUse::Never)
        );
        let mode = std::fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
