//! Tells which of the open media are not where they were: a disk was unplugged, a share went away, a
//! file changed.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use super::snapshot::Severity;
use crate::decode::{FileChange, FileIdentity};
use crate::media::file_name;

/// How often it is looked where there are up to so many files; more are looked at as much more seldom: ten
/// thousand on a share take a second.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const FILES: usize = 256;
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
    /// Watches `files`, each as it was when it was opened; one that was not there then as it is found
    /// first. `wake` is called from another thread when one of them has gone, come back or changed.
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
        let rounds = u32::try_from(files.len().div_ceil(FILES)).unwrap_or(u32::MAX);
        let pause = LOOK_EVERY.saturating_mul(rounds.max(1));
        let body = move || {
            let mut watched = Watched::all(files);
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                // All of them before anything is told: of a disk with a thousand files there is one word.
                if look_at(&mut watched) {
                    told.store(Arc::new(displaced_of(&watched)));
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

/// A file, and what has become of it.
struct Watched {
    path: PathBuf,
    opened: Option<FileIdentity>,
    is_offline: Option<bool>,
}

/// Looks at every file. Answers whether something is otherwise than before.
fn look_at(files: &mut [Watched]) -> bool {
    let mut is_news = false;
    for file in files {
        is_news |= file.look();
    }
    is_news
}

/// Those that are not what was opened.
fn displaced_of(files: &[Watched]) -> Vec<Displaced> {
    let displaced = files.iter().filter_map(|file| {
        Some(Displaced {
            path: file.path.clone(),
            is_offline: file.is_offline?,
        })
    });
    displaced.collect()
}

impl Watched {
    fn all(files: Vec<(PathBuf, Option<FileIdentity>)>) -> Vec<Self> {
        let files = files.into_iter().map(|(path, opened)| Self {
            path,
            opened,
            is_offline: None,
        });
        files.collect()
    }

    fn look(&mut self) -> bool {
        let now = FileIdentity::of_path(&self.path).ok();
        // What was not there when it was opened is first seen when it comes.
        self.opened = self.opened.or(now);
        let change = self.opened.map_or(Some(FileChange::Deleted), |opened| {
            FileChange::between(opened, now).filter(|_| !is_alike(opened, now))
        });
        let is_offline = match change {
            None => None,
            Some(FileChange::Deleted) => Some(true),
            // One that is being written has more and more in it; one that was once another stays another.
            Some(FileChange::Grown) => self.is_offline.and(Some(false)),
            Some(FileChange::Replaced | FileChange::Truncated | FileChange::Modified) => {
                Some(false)
            }
        };
        std::mem::replace(&mut self.is_offline, is_offline) != is_offline
    }
}

/// Whether it is what was opened, as far as can be told without reading it. A disk that was unplugged comes
/// back as another device, and some file systems number their files anew.
fn is_alike(opened: FileIdentity, now: Option<FileIdentity>) -> bool {
    let content = |file: FileIdentity| (file.bytes, file.modified_nanos);
    now.is_some_and(|now| content(now) == content(opened))
}

/// Sentences on how `now` differs from `before`; those that warn are marked.
pub(super) fn told_of_change(before: &[Displaced], now: &[Displaced]) -> Vec<(Severity, String)> {
    let not_in = |list: &[Displaced], of: &[Displaced], is_offline| -> Vec<String> {
        let new = of
            .iter()
            .filter(|one| one.is_offline == is_offline && !list.contains(one));
        new.map(|one| file_name(&one.path)).collect()
    };
    let mut told = Vec::new();
    if let Some(names) = listed(&not_in(before, now, true)) {
        let words = "no longer where it was. What cannot be read any more is missing.";
        told.push((Severity::Warning, format!("Offline: {names}, {words}")));
    }
    if let Some(names) = listed(&not_in(before, now, false)) {
        let words = "changed on disk since it was opened. Open it again to see it as it is now.";
        told.push((Severity::Warning, format!("{names}: {words}")));
    }
    let is_still = |one: &&Displaced| now.iter().any(|other| other.path == one.path);
    let back: Vec<String> = before
        .iter()
        .filter(|one| one.is_offline && !is_still(one))
        .map(|one| file_name(&one.path))
        .collect();
    if let Some(names) = listed(&back) {
        let words = "Should pictures be missing still, open it again.";
        told.push((Severity::Info, format!("Back: {names}. {words}")));
    }
    told
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
    use std::path::Path;

    use super::*;

    fn watched(files: &[&Path]) -> Vec<Watched> {
        let identity = |path: &&Path| FileIdentity::of_path(path).ok();
        Watched::all(
            files
                .iter()
                .map(|path| (path.to_path_buf(), identity(path)))
                .collect(),
        )
    }

    fn one(path: &Path, is_offline: bool) -> Displaced {
        Displaced {
            path: path.to_owned(),
            is_offline,
        }
    }

    #[test]
    fn a_file_that_goes_away_is_told_and_so_is_its_return() {
        let folder = tempfile::tempdir().unwrap();
        let (here, gone) = (
            folder.path().join("here.mov"),
            folder.path().join("gone.mov"),
        );
        fs::write(&here, "one").unwrap();
        fs::write(&gone, "two").unwrap();
        let mut files = watched(&[&here, &gone]);
        assert!(!look_at(&mut files));
        assert_eq!(displaced_of(&files), []);
        let elsewhere = folder.path().join("elsewhere");
        fs::rename(&gone, &elsewhere).unwrap();
        assert!(look_at(&mut files));
        assert_eq!(displaced_of(&files), [one(&gone, true)]);
        assert!(!look_at(&mut files), "that is no news");
        fs::rename(&elsewhere, &gone).unwrap();
        assert!(look_at(&mut files));
        assert_eq!(displaced_of(&files), []);
        // The same bytes of the same time on another disk.
        let modified = fs::metadata(&gone).unwrap().modified().unwrap();
        fs::copy(&gone, &elsewhere).unwrap();
        let copy = fs::File::options().write(true).open(&elsewhere).unwrap();
        copy.set_modified(modified).unwrap();
        fs::rename(&elsewhere, &gone).unwrap();
        assert!(!look_at(&mut files));
        fs::remove_file(&here).unwrap();
        fs::remove_file(&gone).unwrap();
        assert!(look_at(&mut files));
        assert_eq!(displaced_of(&files), [one(&here, true), one(&gone, true)]);
    }

    #[test]
    fn one_that_is_not_there_at_first_is_offline_until_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late.mov");
        let mut files = watched(&[&path]);
        assert!(look_at(&mut files));
        assert_eq!(displaced_of(&files), [one(&path, true)]);
        fs::write(&path, "one").unwrap();
        assert!(look_at(&mut files));
        assert_eq!(displaced_of(&files), []);
    }

    #[test]
    fn a_file_that_changes_is_told_and_one_that_grows_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mov");
        fs::write(&path, "one").unwrap();
        let mut files = watched(&[&path]);
        let mut file = fs::File::options().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, b" and two").unwrap();
        assert!(!look_at(&mut files));
        assert_eq!(displaced_of(&files), []);
        // Written anew: first it is shorter, then longer than it was.
        fs::write(&path, "x").unwrap();
        assert!(look_at(&mut files));
        assert_eq!(displaced_of(&files), [one(&path, false)]);
        fs::write(&path, "longer than it ever was").unwrap();
        assert!(!look_at(&mut files));
        assert_eq!(displaced_of(&files), [one(&path, false)]);
        let other = folder.path().join("other");
        fs::write(&other, "three").unwrap();
        let mut replaced = watched(&[&path]);
        fs::rename(&other, &path).unwrap();
        assert!(look_at(&mut replaced));
        assert_eq!(displaced_of(&replaced), [one(&path, false)]);
    }

    #[test]
    fn a_person_is_told_of_each_change_once() {
        let one = |name: &str, is_offline| one(&Path::new("/media").join(name), is_offline);
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
            ["Back: a.mov. Should pictures be missing still, open it again."]
        );
        let words = told(std::slice::from_ref(&a), &[one("a.mov", false)]);
        assert!(words[0].starts_with("a.mov: changed on disk"), "{words:?}");
        assert_eq!(words.len(), 1, "what came back otherwise is not as it was");
        let many: Vec<Displaced> = (0..5).map(|n| one(&format!("{n}.mov"), true)).collect();
        let words = told(&[], &many);
        assert!(
            words[0].contains("0.mov, 1.mov, 2.mov and 2 more, no"),
            "{words:?}"
        );
        assert_eq!(told(&many, &many), [""; 0]);
    }
}
