//! What could not be heard.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

/// A medium whose sound is missing from the mix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundNote {
    /// The medium.
    pub path: PathBuf,
    /// What is wrong, and what can be done.
    pub reason: String,
}

/// A list of [`SoundNote`]s, one a medium at most. Clones share it; it may be read from any thread.
#[derive(Debug, Clone, Default)]
pub struct SoundNotes(Arc<Mutex<Vec<SoundNote>>>);

impl SoundNotes {
    /// The notes so far, in the order in which they were met.
    pub fn list(&self) -> Vec<SoundNote> {
        self.0.lock().clone()
    }

    /// Notes that `path` cannot be heard, unless that is known. Each is logged once.
    pub(crate) fn add(&self, path: &Path, reason: String) {
        let mut notes = self.0.lock();
        if notes.iter().all(|note| note.path != path) {
            tracing::warn!(path = %path.display(), reason, "a clip's sound becomes silence");
            notes.push(SoundNote {
                path: path.to_owned(),
                reason,
            });
        }
    }

    /// Forgets all notes.
    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
