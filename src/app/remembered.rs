//! What the program remembers of itself from one run to the next: the window, its panels, and which files were
//! open where.
//!
//! It is no configuration: nobody needs to read it, and without it nothing is lost but convenience. A file that is
//! damaged, or of a later version, counts as none.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::playback::Snapshot;
use crate::time::FrameIndex;
use crate::ui::{Layout, RecentFile};

/// Its name in the folder of state.
pub const REMEMBERED_FILE: &str = "window.json";

/// Files that are remembered.
const MOST_RECENT: usize = 50;

/// Longer files are not ours.
const MOST_BYTES: u64 = 1 << 20;

/// Raised when older programs would misread the file.
const VERSION: u32 = 1;

/// The wire form, and what is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) version: u32,
    /// Width and height of the window's inside, in pixels, when it was neither maximised nor full-screen.
    pub(super) size: Option<[u32; 2]>,
    /// Whether it was maximised.
    #[serde(default)]
    pub(super) maximized: bool,
    /// How its panels were arranged.
    #[serde(default)]
    pub(super) layout: Option<Layout>,
    /// Files that were open, the latest first.
    #[serde(default)]
    pub(super) recent: Vec<Recent>,
}

/// A file that was open, as it was left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Recent {
    /// Where it is. What cannot be written in UTF-8 is not remembered.
    pub(super) path: PathBuf,
    /// The frame that was on screen, counted from 0.
    pub(super) frame: i64,
    /// What its place was called.
    #[serde(default)]
    pub(super) place: String,
    /// First and last frame of the marked range.
    #[serde(default)]
    pub(super) mark_in: Option<i64>,
    #[serde(default)]
    pub(super) mark_out: Option<i64>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            version: VERSION,
            size: None,
            maximized: false,
            layout: None,
            recent: Vec::new(),
        }
    }
}

impl Remembered {
    /// What was remembered at `path`; nothing where that cannot be told.
    pub(super) fn read(path: &Path) -> Self {
        let is_small = std::fs::metadata(path).is_ok_and(|data| data.len() <= MOST_BYTES);
        let text = is_small
            .then(|| std::fs::read_to_string(path).ok())
            .flatten();
        let read = text.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        read.filter(|read| read.version == VERSION)
            .unwrap_or_default()
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".window")
            .suffix(".part")
            .tempfile_in(folder)?;
        let text = serde_json::to_string_pretty(self)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Takes note of what is open and where in it one is. Answers whether a file came to the list, or to its top.
    pub(super) fn note(&mut self, snapshot: &Snapshot) -> bool {
        let Some(path) = snapshot.playlist.get(snapshot.playlist_index) else {
            return false;
        };
        let Ok(path) = std::path::absolute(path) else {
            return false;
        };
        if snapshot.media.is_none() || path.to_str().is_none() {
            return false;
        }
        let frame = |frame: FrameIndex| frame.0;
        let place = snapshot.timecode.map_or_else(
            || format!("frame {}", snapshot.position),
            |timecode| timecode.to_string(),
        );
        let recent = Recent {
            frame: snapshot.position.0,
            place,
            mark_in: snapshot.mark_in.map(frame),
            mark_out: snapshot.mark_out.map(frame),
            path,
        };
        let is_first = self
            .recent
            .first()
            .is_some_and(|first| first.path == recent.path);
        self.recent.retain(|known| known.path != recent.path);
        self.recent.insert(0, recent);
        self.recent.truncate(MOST_RECENT);
        !is_first
    }

    /// How a file was left.
    pub(super) fn of(&self, path: &Path) -> Option<&Recent> {
        self.recent.iter().find(|recent| recent.path == path)
    }

    /// The list for the menu.
    pub(super) fn list(&self) -> Vec<RecentFile> {
        let file = |recent: &Recent| RecentFile {
            path: recent.path.clone(),
            words: recent.place.clone(),
        };
        self.recent.iter().map(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::playback::MediaState;

    fn at(path: &str, frame: i64) -> Snapshot {
        let info = crate::media::MediaInfo {
            path: path.into(),
            container: crate::media::ContainerInfo::default(),
            video: Vec::new(),
            audio: Vec::new(),
            other: Vec::new(),
        };
        let media = MediaState {
            info: Arc::new(info),
            frames: 100,
            index_complete: true,
            duration: crate::time::MediaSpan::ZERO,
            index: None,
            rate: crate::time::FrameRate::new(25, 1).unwrap(),
            timeline: None,
        };
        Snapshot {
            playlist: Arc::new(vec![path.into()]),
            media: Some(Arc::new(media)),
            position: FrameIndex(frame),
            mark_in: Some(FrameIndex(3)),
            ..Snapshot::default()
        }
    }

    #[test]
    fn files_are_remembered_as_they_were_left_the_latest_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join(REMEMBERED_FILE);
        let mut state = Remembered::default();
        assert!(state.note(&at("/a.mov", 7)));
        assert!(state.note(&at("/b.mov", 8)));
        assert!(!state.note(&at("/b.mov", 9)), "it is the first already");
        assert!(state.note(&at("/a.mov", 70)));
        state.write(&path).unwrap();
        let read = Remembered::read(&path);
        assert_eq!(read, state);
        let names: Vec<_> = read.list().into_iter().map(|file| file.path).collect();
        assert_eq!(names, [PathBuf::from("/a.mov"), PathBuf::from("/b.mov")]);
        let left = read.of(Path::new("/a.mov")).unwrap();
        assert_eq!(
            (left.frame, left.mark_in, left.mark_out),
            (70, Some(3), None)
        );
        for n in 0..80 {
            state.note(&at(&format!("/{n}.mov"), 0));
        }
        assert_eq!(state.recent.len(), MOST_RECENT);
    }

    #[test]
    fn what_is_damaged_or_from_the_future_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(REMEMBERED_FILE);
        assert_eq!(Remembered::read(&path), Remembered::default());
        for text in ["", "{", "[]", "{\"version\": 99, \"size\": [1, 2]}"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Remembered::read(&path), Remembered::default(), "{text}");
        }
    }
}
