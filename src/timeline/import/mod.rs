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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENT: &str =
        "001 A V C 00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00\n* FROM CLIP NAME: \u{e4}.mov";

    fn load_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Imported, ImportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.mp4");
        std::fs::write(&path, bytes).unwrap();
        load(&path, options)
    }

    fn options() -> ImportOptions {
        ImportOptions {
            rate: FrameRate::new(25, 1),
            ..ImportOptions::default()
        }
    }

    #[test]
    fn every_encoding_reads_the_same() {
        let latin: Vec<u8> = EVENT.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let mut wide = vec![0xFF, 0xFE];
        wide.extend(EVENT.encode_utf16().flat_map(u16::to_le_bytes));
        let marked = [b"\xEF\xBB\xBF", EVENT.as_bytes()].concat();
        for bytes in [EVENT.as_bytes(), &latin, &wide, &marked] {
            let imported = load_bytes(bytes, &options()).unwrap();
            assert_eq!(imported.format, Format::Edl);
            let text = format!("{:?}", imported.timeline.root);
            assert!(text.contains("\u{e4}.mov"), "{text}");
        }
    }

    #[test]
    fn a_bundle_is_the_folder_of_its_document() {
        let folder = tempfile::tempdir().unwrap();
        let bundle = folder.path().join("cut.fcpxmld");
        std::fs::create_dir(&bundle).unwrap();
        let text = "<fcpxml><resources><format id='f' frameDuration='1/25s'/></resources>\
                    <project><sequence format='f'><spine/></sequence></project></fcpxml>";
        std::fs::write(bundle.join("Info.fcpxml"), text).unwrap();
        let imported = load(&bundle, &ImportOptions::default()).unwrap();
        assert_eq!((imported.format, imported.base), (Format::FcpXml, bundle));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let missing = load(Path::new("/nowhere/cut.edl"), &options());
        assert!(matches!(missing, Err(ImportError::Io { .. })));
        let other = load_bytes(b"a poem", &options()).unwrap_err();
        assert!(matches!(other, ImportError::Unrecognized { .. }));
        let mut small = options();
        small.limits.bytes = 10;
        let large = load_bytes(EVENT.as_bytes(), &small);
        assert!(matches!(
            large,
            Err(ImportError::TooLarge { limit: 10, .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn random_bytes_never_panic(
            head in prop::sample::select(vec!["", "<xmeml>", "<fcpxml>", "001 ", "PK\u{3}\u{4}"]),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = load_bytes(&[head.as_bytes(), &bytes].concat(), &options());
        }
    }
}
