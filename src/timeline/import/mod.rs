//! Timelines as other programs write them.
//!
//! The format is told by the file's content, not by its name. What a file says that the player
//! does not understand is listed as [`Note`]s, and the rest plays.

pub mod bundle;

mod edl;
mod fcp7;
mod fcpxml;
mod note;
mod numbers;
mod otio;
mod parts;
mod sniff;
mod xml;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use note::{Note, Notes, Place};
pub use otio::{read_otio, read_otio_bytes};
pub use sniff::is_timeline;

use sniff::Sniffed;

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
    /// It is no timeline of a format that is read.
    #[error(
        "{path} is no timeline that can be read: OpenTimelineIO, CMX 3600 EDL, Final Cut Pro 7 XML \
         and FCPXML are",
        path = .path.display()
    )]
    Unrecognized {
        /// The file.
        path: PathBuf,
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

/// Reads a timeline: a file, or a folder where the format is a bundle.
///
/// # Errors
/// See [`ImportError`]. What can be played in spite of what is wrong is played, and listed in
/// [`Imported::notes`].
pub fn load(path: &Path, options: &ImportOptions) -> Result<Imported, ImportError> {
    let sniffed = sniff::sniff(path).map_err(|error| ImportError::Io {
        path: path.to_owned(),
        error,
    })?;
    match sniffed {
        Some(Sniffed::Otio) => read_otio(path, read_text(path, options)?, options),
        Some(Sniffed::OtioZip | Sniffed::OtioFolder) => bundle::read_bundle(path, options),
        Some(Sniffed::Edl) => edl::read_edl(path, &read_text(path, options)?, options),
        Some(Sniffed::Fcp7Xml) => fcp7::read_fcp7(path, &read_text(path, options)?, options),
        Some(Sniffed::FcpXml(document)) => {
            fcpxml::read_fcpxml(&document, &read_text(&document, options)?, options)
        }
        None => Err(ImportError::Unrecognized {
            path: path.to_owned(),
        }),
    }
}

/// The text of a file within the limit.
fn read_text(path: &Path, options: &ImportOptions) -> Result<Arc<str>, ImportError> {
    let io = |error| ImportError::Io {
        path: path.to_owned(),
        error,
    };
    let limit = options.limits.bytes;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(ImportError::TooLarge {
            path: path.to_owned(),
            what: "too many bytes".into(),
            limit,
        });
    }
    Ok(sniff::decode(bytes).into())
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
