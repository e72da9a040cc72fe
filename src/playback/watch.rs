//! Tells when a file on disk has changed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::decode::FileIdentity;

/// Watches one file. Programs replace a file by renaming another over it, so its folder is watched.
///
/// `notify`'s thread does the waiting; nothing here asks the disk again and again.
pub struct FileWatch {
    path: PathBuf,
    /// As it was when it was read last.
    known: Option<FileIdentity>,
    touched: Arc<AtomicBool>,
    _watcher: RecommendedWatcher,
}

impl FileWatch {
    /// Watches `path`; `wake` is called from another thread when something has happened to it.
    /// `None` where the system cannot tell: the file is not watched then.
    pub fn start(path: &Path, wake: Arc<dyn Fn() + Send + Sync>) -> Option<Self> {
        let name: OsString = path.file_name()?.to_owned();
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let touched = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&touched);
        let on_event = move |event: notify::Result<notify::Event>| {
            // Reading is no change; whatever else it was, one look at the file tells more.
            let concerns = event.is_ok_and(|event| {
                !matches!(event.kind, EventKind::Access(_))
                    && event
                        .paths
                        .iter()
                        .any(|path| path.file_name() == Some(&name))
            });
            if concerns {
                told.store(true, Ordering::Release);
                wake();
            }
        };
        let started = notify::recommended_watcher(on_event).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        let watcher = started
            .inspect_err(|error| tracing::info!("{} is not watched: {error}", path.display()))
            .ok()?;
        Some(Self {
            path: path.to_owned(),
            known: FileIdentity::of_path(path).ok(),
            touched,
            _watcher: watcher,
        })
    }

    /// Whether there is another file, or another state of it, since the last call that said so. A file
    /// that is gone is no change: most often it is about to be replaced.
    pub fn has_changed(&mut self) -> bool {
        if !self.touched.swap(false, Ordering::AcqRel) {
            return false;
        }
        let Ok(now) = FileIdentity::of_path(&self.path) else {
            return false;
        };
        let changed = self.known != Some(now);
        self.known = Some(now);
        changed
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn a_file_that_is_replaced_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.otio");
        std::fs::write(&path, "one").unwrap();
        let (send, woken) = bounded(64);
        let wake = Arc::new(move || {
            let _full = send.try_send(());
        });
        let mut watch = FileWatch::start(&path, wake).unwrap();
        assert!(!watch.has_changed());
        std::fs::write(folder.path().join("other"), "not this one").unwrap();
        let new = folder.path().join("new");
        std::fs::write(&new, "another").unwrap();
        std::fs::rename(&new, &path).unwrap();
        // The system tells in its own time; a minute is only there to end a test that hangs.
        while !watch.has_changed() {
            woken
                .recv_timeout(std::time::Duration::from_mins(1))
                .expect("the change is told");
        }
        assert!(!watch.has_changed());
    }
}
