//! Timelines as other programs write them.
//!
//! The format is told by the file's content, not by its name. What a file says that the player
//! does not understand is listed as [`Note`]s, and the rest plays.

pub mod bundle;

mod note;
mod otio;

use std::path::PathBuf;

pub use note::{Note, Notes, Place};
pub use otio::{read_otio, read_otio_bytes};

use super::Timeline;
use crate::time::FrameRate;

/// What a reader may take for granted, and what it must not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportOptions {
    /// The rate of a file that states none, an EDL for instance.
    pub rate: Option<FrameRate>,
    /// Limits.
    pub limits: Limits,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            rate: None,
            limits: Limits::DEFAULT,
        }
    }
}

/// What a timeline must not exceed. Files come from anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file, unpacked.
    pub bytes: u64,
    /// Compositions inside one another.
    pub depth: usize,
    /// Items and transitions in all.
    pub items: usize,
}

impl Limits {
    /// Some ten times what the largest projects need.
    pub const DEFAULT: Self = Self {
        bytes: 512 << 20,
        depth: 64,
        items: 1_000_000,
    };
}

/// The formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// OpenTimelineIO's JSON, in a file of its own or in a bundle (`.otioz`, `.otiod`).
    Otio,
    /// CMX 3600 and its dialects.
    Edl,
    /// Final Cut Pro 7's XML (`xmeml`), which Premiere and Resolve write too.
    Fcp7Xml,
    /// Final Cut Pro's XML (`fcpxml`).
    FcpXml,
}

impl Format {
    /// The format's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Otio => "OpenTimelineIO",
            Self::Edl => "CMX 3600 EDL",
            Self::Fcp7Xml => "Final Cut Pro 7 XML",
            Self::FcpXml => "FCPXML",
        }
    }
}

/// A timeline that was read.
#[derive(Debug, Clone)]
pub struct Imported {
    /// It.
    pub timeline: Timeline,
    /// The format it came in.
    pub format: Format,
    /// The folder that relative paths count from; inside a bundle, the bundle.
    pub base: PathBuf,
    /// What was not understood.
    pub notes: Vec<Note>,
}

/// Why a timeline could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file could not be read.
    #[error("{path} cannot be read: {error}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It is damaged, or not what its first bytes promise.
    #[error("{path} is no valid {format}: {reason}", path = .path.display(), format = .format.name())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        format: Format,
        /// What is wrong, with line or path.
        reason: String,
    },
    /// It does not state its rate.
    #[error("{path} does not state its frame rate; give it with --rate, for instance --rate 25", path = .path.display())]
    RateUnknown {
        /// The file.
        path: PathBuf,
    },
    /// It exceeds a limit.
    #[error("{path} has {what}; at most {limit} are read", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What there is too much of, in words.
        what: String,
        /// The limit.
        limit: u64,
    },
}
