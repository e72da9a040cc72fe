//! Tells which of the open media are not where they were: a disk was unplugged, a share went away, a
//! file was written anew.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::snapshot::Severity;
use crate::decode::{FileChange, FileIdentity};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Files that are looked at each time: a look at each of ten thousand on a share takes a second.
const FILES_AT_ONCE: usize = 256;
/// Files that a message names.
const NAMED: usize = 3;

/// A medium that is not what was opened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Displaced {
    /// The file.
    pub path: PathBuf,
    /// Whether it cannot be found; else it was written to, or another one stands in its place.
    pub is_offline: bool,
}

/// Looks at the files of what is open, on a thread of its own: a share that does not answer holds up
/// nothing else. The system's notices of changes are not enough, for none comes of a disk that is
/// unplugged or of another computer's share.
pub struct MediaWatch {
    displaced: Arc<ArcSwap<Vec<Displaced>>>,
    /// Closed to end the thread. It is not waited for.
    _alive: Sender<()>,
}

impl MediaWatch {
    /// Watches `files`, each as it was when it was opened, or else as it is found first; `wake` is called
    /// from another thread when one of them has gone, come back or changed.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        files: Vec<(PathBuf, Option<FileIdentity>)>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let displaced = Arc::new(ArcSwap::default());
        let (alive, ended) = bounded::<()>(0);
        let told = Arc::clone(&displaced);
        let body = move || {
            let mut rounds = Rounds::new(files);
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if rounds.look() {
                    told.store(Arc::new(rounds.displaced()));
                    wake();
                }
            }
        };
        std::thread::Builder::new()
            .name("media watch".to_owned())
            .spawn(body)?;
        Ok(Self {
            displaced,
            _alive: alive,
        })
    }

    /// Those that are not what was opened, in the order of the files.
    pub fn displaced(&self) -> Arc<Vec<Displaced>> {
        self.displaced.load_full()
    }
}

/// What is known of each file, and which is looked at next.
struct Rounds {
    files: Vec<Watched>,
    next: usize,
}

struct Watched {
    path: PathBuf,
    opened: Option<FileIdentity>,
    change: Option<FileChange>,
}

impl Rounds {
    fn new(files: Vec<(PathBuf, Option<FileIdentity>)>) -> Self {
        let files = files.into_iter().map(|(path, opened)| Watched {
            path,
            opened,
            change: None,
        });
        Self {
            files: files.collect(),
            next: 0,
        }
    }

    /// Looks at the next files. Answers whether something is otherwise than before.
    fn look(&mut self) -> bool {
        let mut is_news = false;
        for _ in 0..self.files.len().min(FILES_AT_ONCE) {
            let next = self.next;
            self.next = (next + 1) % self.files.len();
            is_news |= self.files[next].look();
        }
        is_news
    }

    fn displaced(&self) -> Vec<Displaced> {
        let displaced = self.files.iter().filter_map(|file| {
            let is_offline = is_offline(file.change?)?;
            Some(Displaced {
                path: file.path.clone(),
                is_offline,
            })
        });
        displaced.collect()
    }
}

impl Watched {
    fn look(&mut self) -> bool {
        let Some(opened) = self.opened else {
            self.opened = FileIdentity::of_path(&self.path).ok();
            return false;
        };
        let now = FileChange::since(opened, &self.path);
        let before = std::mem::replace(&mut self.change, now);
        let what = |change: Option<FileChange>| change.and_then(is_offline);
        what(before) != what(now)
    }
}

/// Whether a file that changed so cannot be found; `None` where it is still what was opened: a file that is
/// being written has more and more in it.
fn is_offline(change: FileChange) -> Option<bool> {
    match change {
        FileChange::Deleted => Some(true),
        FileChange::Replaced | FileChange::Truncated | FileChange::Modified => Some(false),
        FileChange::Grown => None,
    }
}

/// Sentences on how `now` differs from `before`; those that warn are marked.
pub(super) fn told_of_change(before: &[Displaced], now: &[Displaced]) -> Vec<(Severity, String)> {
    let not_in = |list: &[Displaced], of: &[Displaced], is_offline| -> Vec<String> {
        let new = of
            .iter()
            .filter(|one| one.is_offline == is_offline && !list.contains(one));
        new.map(|one| name_of(&one.path)).collect()
    };
    let mut told = Vec::new();
    if let Some(names) = listed(&not_in(before, now, true)) {
        let words = "no longer where it was. What was not read yet is missing until it is back.";
        told.push((Severity::Warning, format!("Offline: {names}, {words}")));
    }
    if let Some(names) = listed(&not_in(before, now, false)) {
        let words =
            "written anew on disk since it was opened. Open it again to see it as it is now.";
        told.push((Severity::Warning, format!("{names}: {words}")));
    }
    let is_still = |one: &&Displaced| now.iter().any(|other| other.path == one.path);
    let back: Vec<String> = before
        .iter()
        .filter(|one| one.is_offline && !is_still(one))
        .map(|one| name_of(&one.path))
        .collect();
    if let Some(names) = listed(&back) {
        told.push((Severity::Info, format!("Back: {names}")));
    }
    told
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// `one.mov, two.mov and 3 more`; `None` of none.
fn listed(names: &[String]) -> Option<String> {
    let first = names.get(..names.len().min(NAMED))?;
    if first.is_empty() {
        return None;
    }
    let words = first.join(", ");
    Some(match names.len() - first.len() {
        0 => words,
        more => format!("{words} and {more} more"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_goes_away_is_told_and_so_is_its_return() {
        let folder = tempfile::tempdir().unwrap();
        let (here, gone) = (
            folder.path().join("here.mov"),
            folder.path().join("gone.mov"),
        );
        fs::write(&here, "one").unwrap();
        fs::write(&gone, "two").unwrap();
        let opened = FileIdentity::of_path(&gone).ok();
        let mut rounds = Rounds::new(vec![(here.clone(), None), (gone.clone(), opened)]);
        assert!(!rounds.look());
        assert_eq!(rounds.displaced(), []);
        // The folder's name is as good as the disk's: it is found nowhere.
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&gone, &elsewhere).unwrap();
        assert!(rounds.look());
        let offline = |path: &Path| Displaced {
            path: path.to_owned(),
            is_offline: true,
        };
        assert_eq!(rounds.displaced(), [offline(&gone)]);
        assert!(!rounds.look(), "that is no news");
        fs::rename(&elsewhere, &gone).unwrap();
        assert!(rounds.look());
        assert_eq!(rounds.displaced(), []);
        fs::remove_file(&here).unwrap();
        assert!(rounds.look());
        assert_eq!(rounds.displaced(), [offline(&here)]);
    }

    #[test]
    fn another_file_of_that_name_is_told_and_one_that_grows_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mov");
        fs::write(&path, "one").unwrap();
        let mut rounds = Rounds::new(vec![(path.clone(), None)]);
        assert!(!rounds.look());
        fs::write(&path, "one and two").unwrap();
        assert!(!rounds.look());
        let other = folder.path().join("other");
        fs::write(&other, "three").unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(rounds.look());
        let changed = Displaced {
            path,
            is_offline: false,
        };
        assert_eq!(rounds.displaced(), [changed]);
    }

    #[test]
    fn a_person_is_told_of_each_change_once() {
        let one = |name: &str, is_offline| Displaced {
            path: PathBuf::from("/media").join(name),
            is_offline,
        };
        let told = |before: &[Displaced], now: &[Displaced]| -> Vec<String> {
            let told = told_of_change(before, now).into_iter();
            told.map(|(_, words)| words).collect()
        };
        let (a, b) = (one("a.mov", true), one("b.mov", true));
        let words = told(&[], std::slice::from_ref(&a));
        assert!(
            words[0].starts_with("Offline: a.mov, no longer"),
            "{words:?}"
        );
        assert_eq!(
            told(&[a.clone(), b.clone()], std::slice::from_ref(&b)),
            ["Back: a.mov"]
        );
        let words = told(std::slice::from_ref(&a), &[one("a.mov", false)]);
        assert!(words[0].starts_with("a.mov: written anew"), "{words:?}");
        assert_eq!(words.len(), 1, "what came back otherwise is not as it was");
        let many: Vec<Displaced> = (0..5).map(|n| one(&format!("{n}.mov"), true)).collect();
        let words = told(&[], &many);
        assert!(
            words[0].contains("0.mov, 1.mov, 2.mov and 2 more, no"),
            "{words:?}"
        );
        assert_eq!(told(&many, &many), [""; 0]);
    }

    #[test]
    fn of_many_files_each_has_its_turn() {
        let folder = tempfile::tempdir().unwrap();
        let count = FILES_AT_ONCE + 10;
        let paths: Vec<PathBuf> = (0..count)
            .map(|n| folder.path().join(n.to_string()))
            .collect();
        for path in &paths {
            fs::write(path, "x").unwrap();
        }
        let mut rounds = Rounds::new(paths.iter().map(|path| (path.clone(), None)).collect());
        assert!(!rounds.look());
        assert!(!rounds.look());
        fs::remove_file(&paths[FILES_AT_ONCE + 5]).unwrap();
        let found = (0..2).filter(|_| rounds.look()).count();
        assert_eq!(found, 1);
        assert_eq!(rounds.displaced().len(), 1);
    }
}
