//! What was not understood, and where it stands.

use std::fmt;
use std::sync::Arc;

/// Where in a file something stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line, counted from 1.
    Line(u32),
    /// A path through the tree: `tracks/0/children/3/effects/0`.
    Path(String),
    /// The file as a whole.
    File,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Path(path) => f.write_str(path),
            Self::File => f.write_str("file"),
        }
    }
}

/// Something that a file says and that is not played as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub place: Place,
    /// What, and what is played instead.
    pub text: Arc<str>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// No more than this many are kept: a file may repeat itself a million times.
const KEPT: usize = 200;

/// Collects [`Note`]s.
#[derive(Debug, Default)]
pub struct Notes {
    kept: Vec<Note>,
    more: u64,
}

impl Notes {
    /// Adds one.
    pub fn push(&mut self, place: Place, text: impl Into<Arc<str>>) {
        if self.kept.len() < KEPT {
            let text = text.into();
            self.kept.push(Note { place, text });
        } else {
            self.more += 1;
        }
    }

    /// All that were kept; the last one counts those that were not.
    pub fn finish(mut self) -> Vec<Note> {
        if self.more > 0 {
            self.kept.push(Note {
                place: Place::File,
                text: format!("{} more of this kind", self.more).into(),
            });
        }
        self.kept
    }
}
