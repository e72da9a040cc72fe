//! What of a waveform is handed to the screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Peak;

/// The peaks of equal parts of a medium, from its beginning to its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Of all that is heard.
    pub all: Vec<Peak>,
    /// Of a timeline, the same of what lies in each track, by the track's place among the children of the root.
    pub tracks: BTreeMap<usize, Arc<Vec<Peak>>>,
}

impl Columns {
    /// Those of a track. A file's only sound is that of its track; what is not known of a timeline's is silent.
    pub fn of_track(&self, track: usize) -> &[Peak] {
        match self.tracks.get(&track) {
            Some(peaks) => peaks,
            None if self.tracks.is_empty() => &self.all,
            None => &[],
        }
    }
}

impl From<Vec<Peak>> for Columns {
    /// Those of a file.
    fn from(all: Vec<Peak>) -> Self {
        Self {
            all,
            tracks: BTreeMap::new(),
        }
    }
}
