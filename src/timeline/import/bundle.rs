//! Bundles: a timeline together with its media, as a ZIP archive (`.otioz`) or a folder (`.otiod`).
//!
//! Both hold `content.otio` and the folder `media`, which the timeline's relative references point
//! into (<https://opentimelineio.readthedocs.io/en/stable/tutorials/otio-filebundles.html>). Media in
//! an archive are taken out before they are played: FFmpeg reads files. They are stored without
//! compression as a rule, so that costs a copy.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::otio::read_otio_bytes;
use super::{Format, ImportError, ImportOptions, Imported};

/// The timeline of a bundle.
const CONTENT: &str = "content.otio";

/// Entries of a folder that are listed; more are left out.
const MAX_LISTED: usize = 100_000;

/// A bundle that is open for reading. Nothing in it is trusted: names that lead out of it are
/// refused, and what is taken out is never longer than its limit.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Archive(ZipArchive<BufReader<File>>),
    Folder,
}

/// A file in a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleEntry {
    /// Its path in the bundle, with `/` between the parts: `media/a.mov`.
    pub name: String,
    /// Its length, unpacked, as the bundle states it.
    pub bytes: u64,
}

/// Why something could not be read from a bundle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bundle, or the place where something of it is to be put, could not be used.
    #[error("{path} cannot be used: {error}", path = .path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The archive is damaged, or packed in a way that is not read.
    #[error("{path} is no valid bundle: {reason}", path = .path.display())]
    Invalid {
        /// The bundle.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It holds no such file.
    #[error("{path} holds no {name}", path = .path.display())]
    NotFound {
        /// The bundle.
        path: PathBuf,
        /// What was looked for.
        name: String,
    },
    /// The name leads out of the bundle, or is none.
    #[error("`{name}` is no path inside a bundle")]
    Outside {
        /// The name.
        name: String,
    },
    /// The file is longer than is allowed.
    #[error("{name} in {path} is longer than the {limit} bytes that are read", path = .path.display())]
    TooLarge {
        /// The bundle.
        path: PathBuf,
        /// The file in it.
        name: String,
        /// The limit.
        limit: u64,
    },
}

impl Bundle {
    /// Opens the archive or folder at `path`.
    ///
    /// # Errors
    /// [`BundleError::Io`] and [`BundleError::Invalid`].
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let io = |error| BundleError::Io {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(io)?;
        let source = if file.metadata().map_err(io)?.is_dir() {
            Source::Folder
        } else {
            let archive = ZipArchive::new(BufReader::new(file));
            Source::Archive(archive.map_err(|error| fault(path, "", error))?)
        };
        let path = path.to_owned();
        Ok(Self { path, source })
    }

    /// The files in it, in order of their names. Names that lead out of it are left out, and so is
    /// what lies behind symbolic links.
    ///
    /// # Errors
    /// [`BundleError::Io`] and [`BundleError::Invalid`].
    pub fn entries(&mut self) -> Result<Vec<BundleEntry>, BundleError> {
        let mut entries = match &mut self.source {
            Source::Archive(archive) => listed(&self.path, archive)?,
            Source::Folder => walked(&self.path)?,
        };
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// The bytes of the file `name`, `limit` at most.
    ///
    /// # Errors
    /// All of [`BundleError`].
    pub fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
        let mut bytes = Vec::new();
        self.copy(name, limit, &mut bytes)?;
        Ok(bytes)
    }

    /// The file `name` as a file of its own, for what cannot read archives: in an archive, a copy below
    /// `folder`; in a folder, the file itself. A copy of the same length that is there already is
    /// used again, so `folder` should be this bundle's, in this revision, alone. Never more than
    /// `limit` bytes are written, and a copy appears at once and whole.
    ///
    /// # Errors
    /// All of [`BundleError`].
    pub fn extract(
        &mut self,
        name: &str,
        folder: &Path,
        limit: u64,
    ) -> Result<PathBuf, BundleError> {
        let inside = path_inside(name)?;
        let Source::Archive(archive) = &mut self.source else {
            return file_inside(&self.path, &inside, name);
        };
        let target = folder.join(&inside);
        let stated = {
            let entry = archive
                .by_name(name)
                .map_err(|error| fault(&self.path, name, error))?;
            entry.size()
        };
        if target
            .symlink_metadata()
            .is_ok_and(|there| there.is_file() && there.len() == stated)
        {
            return Ok(target);
        }
        let io = |error| BundleError::Io {
            path: target.clone(),
            error,
        };
        let parent = target.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(io)?;
        let mut file = tempfile::Builder::new()
            .prefix(".taking-out-")
            .tempfile_in(parent)
            .map_err(io)?;
        self.copy(name, limit, &mut file)?;
        file.flush().map_err(io)?;
        file.persist(&target).map_err(|error| io(error.error))?;
        Ok(target)
    }

    /// Writes the file `name` to `to`.
    fn copy(&mut self, name: &str, limit: u64, to: &mut impl io::Write) -> Result<(), BundleError> {
        let inside = path_inside(name)?;
        let (path, too_large) = (&self.path, || BundleError::TooLarge {
            path: self.path.clone(),
            name: name.to_owned(),
            limit,
        });
        let io = |error| BundleError::Io {
            path: path.join(&inside),
            error,
        };
        // What is stated may be wrong, so it is counted, too.
        let enough = limit.saturating_add(1);
        let copied = match &mut self.source {
            Source::Archive(archive) => {
                let entry = archive
                    .by_name(name)
                    .map_err(|error| fault(path, name, error))?;
                if entry.is_symlink() || !entry.is_file() {
                    return Err(BundleError::Outside {
                        name: name.to_owned(),
                    });
                }
                if entry.size() > limit {
                    return Err(too_large());
                }
                // Damage shows while reading, and so does a disk that is full.
                io::copy(&mut entry.take(enough), to).map_err(io)?
            }
            Source::Folder => {
                let file = file_inside(path, &inside, name)?;
                let file = File::open(file).map_err(io)?;
                io::copy(&mut file.take(enough), to).map_err(io)?
            }
        };
        if copied > limit {
            return Err(too_large());
        }
        Ok(())
    }
}

/// Reads the timeline of the bundle at `path`. Relative references in it count from the bundle itself;
/// [`Bundle::extract`] resolves them.
///
/// # Errors
/// As [`super::read_otio`]; [`ImportError::Io`] when the bundle cannot be read, and
/// [`ImportError::Invalid`] when it is damaged or holds no timeline.
pub fn read_bundle(path: &Path, options: &ImportOptions) -> Result<Imported, ImportError> {
    let import_error = |error| match error {
        BundleError::Io { path, error } => ImportError::Io { path, error },
        BundleError::TooLarge { name, limit, .. } => ImportError::TooLarge {
            path: path.to_owned(),
            what: format!("more than {limit} bytes in {name}"),
            limit,
        },
        other => ImportError::Invalid {
            path: path.to_owned(),
            format: Format::Otio,
            reason: other.to_string(),
        },
    };
    let mut bundle = Bundle::open(path).map_err(import_error)?;
    let bytes = bundle.read(CONTENT, options.limits.bytes);
    let mut imported = read_otio_bytes(path, bytes.map_err(import_error)?, options)?;
    path.clone_into(&mut imported.base);
    Ok(imported)
}

fn fault(path: &Path, name: &str, error: ZipError) -> BundleError {
    let path = path.to_owned();
    match error {
        ZipError::Io(error) => BundleError::Io { path, error },
        ZipError::FileNotFound => BundleError::NotFound {
            path,
            name: name.to_owned(),
        },
        other => BundleError::Invalid {
            path,
            reason: other.to_string(),
        },
    }
}

fn listed(
    path: &Path,
    archive: &mut ZipArchive<BufReader<File>>,
) -> Result<Vec<BundleEntry>, BundleError> {
    let mut entries = Vec::new();
    for index in 0..archive.len().min(MAX_LISTED) {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| fault(path, "", error))?;
        let name = entry.name().map_err(|error| fault(path, "", error))?;
        if entry.is_file() && !entry.is_symlink() && path_inside(&name).is_ok() {
            entries.push(BundleEntry {
                name: name.into_owned(),
                bytes: entry.size(),
            });
        }
    }
    Ok(entries)
}

fn walked(root: &Path) -> Result<Vec<BundleEntry>, BundleError> {
    let mut entries = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let io = |error| BundleError::Io {
            path: path.clone(),
            error,
        };
        for entry in std::fs::read_dir(&path).map_err(io)? {
            let entry = entry.map_err(io)?;
            // What is no text cannot be referred to.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let name = format!("{folder}{name}");
            // Symbolic links are neither.
            let kind = entry.file_type().map_err(io)?;
            if kind.is_dir() {
                folders.push(name + "/");
            } else if kind.is_file() {
                let bytes = entry.metadata().map_err(io)?.len();
                entries.push(BundleEntry { name, bytes });
            }
            if entries.len() + folders.len() > MAX_LISTED {
                return Ok(entries);
            }
        }
    }
    Ok(entries)
}

/// `name` as a path that stays inside the folder it is joined to, on every system: no empty parts,
/// no `..`, no drive, no backslash.
fn path_inside(name: &str) -> Result<PathBuf, BundleError> {
    let is_sound = |part: &str| {
        !part.contains(['\\', ':', '\0'])
            && matches!(
                Path::new(part).components().collect::<Vec<_>>()[..],
                [Component::Normal(_)]
            )
    };
    if name.split('/').all(is_sound) {
        Ok(name.split('/').collect())
    } else {
        Err(BundleError::Outside {
            name: name.to_owned(),
        })
    }
}

/// The file `inside` the folder `root`, unless a symbolic link leads out of it.
fn file_inside(root: &Path, inside: &Path, name: &str) -> Result<PathBuf, BundleError> {
    let canonical = |path: &Path| match path.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(BundleError::NotFound {
            path: root.to_owned(),
            name: name.to_owned(),
        }),
        Err(error) => Err(BundleError::Io {
            path: path.to_owned(),
            error,
        }),
        Ok(path) => Ok(path),
    };
    let file = canonical(&root.join(inside))?;
    if file.starts_with(canonical(root)?) {
        Ok(file)
    } else {
        Err(BundleError::Outside {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    const CUT: &str = r#"{"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": {"OTIO_SCHEMA": "Stack.1",
        "children": []}}"#;

    fn archive(folder: &Path, entries: &[(&str, &[u8])]) -> PathBuf {
        let path = folder.join("cut.otioz");
        let mut writer = ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in entries {
            let stored =
                SimpleFileOptions::default().compression_method(if name.starts_with("media") {
                    zip::CompressionMethod::Stored
                } else {
                    zip::CompressionMethod::Deflated
                });
            writer.start_file(*name, stored).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
        path
    }

    fn unpacked(folder: &Path) -> PathBuf {
        let path = folder.join("cut.otiod");
        std::fs::create_dir_all(path.join("media")).unwrap();
        std::fs::write(path.join(CONTENT), CUT).unwrap();
        std::fs::write(path.join("media/a.mov"), b"picture").unwrap();
        path
    }

    #[test]
    fn archives_and_folders_give_the_timeline_and_its_media() {
        let folder = tempfile::tempdir().unwrap();
        let entries: &[(&str, &[u8])] = &[
            ("version.txt", b"1.0.0"),
            (CONTENT, CUT.as_bytes()),
            ("media/a.mov", b"picture"),
        ];
        let out = folder.path().join("out");
        for path in [archive(folder.path(), entries), unpacked(folder.path())] {
            let imported = read_bundle(&path, &ImportOptions::default()).unwrap();
            assert_eq!(&*imported.timeline.name, "cut");
            assert_eq!(imported.base, path);

            let mut bundle = Bundle::open(&path).unwrap();
            let entries = bundle.entries().unwrap();
            let media = entries.iter().find(|entry| entry.name == "media/a.mov");
            assert_eq!(media.map(|entry| entry.bytes), Some(7));
            for _ in 0..2 {
                let file = bundle.extract("media/a.mov", &out, 7).unwrap();
                assert_eq!(std::fs::read(file).unwrap(), b"picture");
            }
            let missing = bundle.extract("media/b.mov", &out, 7).unwrap_err();
            assert!(matches!(missing, BundleError::NotFound { .. }), "{missing}");
        }
        // The folder's file was not copied, and nothing unfinished remains.
        assert_eq!(std::fs::read_dir(out.join("media")).unwrap().count(), 1);
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let names = [
            "../evil",
            "media/../../evil",
            "/evil",
            "media//evil",
            "",
            ".",
            "media/",
            "C:/evil",
            "media\\..\\evil",
        ];
        let entries: Vec<(&str, &[u8])> = names.iter().map(|name| (*name, &b"x"[..])).collect();
        let path = archive(folder.path(), &entries[..4]);
        for path in [path, unpacked(folder.path())] {
            let mut bundle = Bundle::open(&path).unwrap();
            for name in names {
                let error = bundle.extract(name, &out, 100).unwrap_err();
                assert!(
                    matches!(error, BundleError::Outside { .. }),
                    "{name}: {error}"
                );
            }
            let listed = bundle.entries().unwrap();
            assert!(listed.iter().all(|entry| !entry.name.contains("evil")));
        }
        assert!(!folder.path().join("evil").exists() && !out.exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_out_of_a_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = unpacked(folder.path());
        std::fs::write(folder.path().join("secret"), b"secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), path.join("media/s.mov")).unwrap();
        let mut bundle = Bundle::open(&path).unwrap();
        let error = bundle.read("media/s.mov", 100).unwrap_err();
        assert!(matches!(error, BundleError::Outside { .. }), "{error}");
        assert_eq!(bundle.entries().unwrap().len(), 2);
    }

    #[test]
    fn what_is_longer_than_its_limit_is_not_taken_out() {
        let folder = tempfile::tempdir().unwrap();
        let zeros = vec![b' '; 1 << 20];
        let path = archive(folder.path(), &[(CONTENT, &zeros), ("media/a.mov", &zeros)]);
        let mut options = ImportOptions::default();
        options.limits.bytes = 1000;
        let error = read_bundle(&path, &options).unwrap_err();
        assert!(matches!(error, ImportError::TooLarge { .. }), "{error}");
        let out = folder.path().join("out");
        let mut bundle = Bundle::open(&path).unwrap();
        let error = bundle.extract("media/a.mov", &out, 1000).unwrap_err();
        assert!(matches!(error, BundleError::TooLarge { .. }), "{error}");
        assert_eq!(std::fs::read_dir(out.join("media")).unwrap().count(), 0);
    }

    #[test]
    fn damaged_archives_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let whole = archive(
            folder.path(),
            &[(CONTENT, CUT.as_bytes()), ("media/a", b"abc")],
        );
        let bytes = std::fs::read(&whole).unwrap();
        let path = folder.path().join("damaged.otioz");
        for cut in 0..bytes.len() {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            assert!(
                read_bundle(&path, &ImportOptions::default()).is_err(),
                "{cut}"
            );
        }
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x55;
            std::fs::write(&path, &bytes).unwrap();
            // A flipped bit in the timeline itself fails the checksum.
            if let Ok(imported) = read_bundle(&path, &ImportOptions::default()) {
                assert_eq!(&*imported.timeline.name, "cut", "{at}");
            }
        }
    }
}
