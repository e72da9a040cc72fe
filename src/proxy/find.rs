//! Finding the proxies of a source: in the proxy folder, and beside the source where cameras and editing
//! programs leave theirs.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::ProxyFolder;
use super::record::{ProxyRecord, Verification};
use super::sidecar;
use super::verify::{VerifyError, VerifyOptions, verify_with};
use crate::decode::FileIdentity;
use crate::media::StreamId;

/// Folders beside a source in which editing programs keep proxies under the source's name.
const FOLDERS: [&str; 4] = ["Proxy", "Proxies", "proxy", "proxies"];

/// Endings of the small copies that cameras record beside the large ones.
const CAMERA_ENDINGS: [&str; 4] = ["LRV", "lrv", "LRF", "lrf"];

/// Some cameras tell the two apart by the beginning of the name as well.
const CAMERA_BEGINNINGS: [(&str, &str); 2] = [("GX", "GL"), ("GH", "GL")];

/// What the names of films end in: other files may have the same name.
const FILMS: [&str; 12] = [
    "mov", "mp4", "m4v", "mxf", "mkv", "avi", "webm", "ts", "mts", "m2ts", "lrv", "lrf",
];

/// Files in a folder that are looked at at most.
const MOST_ENTRIES: usize = 20_000;

/// Folders below a folder that are looked into.
const MOST_DEPTH: usize = 8;

/// A file that may be a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// It was made here: a record beside it says of what.
    Made(PathBuf),
    /// It lies where cameras and other programs leave theirs.
    Sidecar(PathBuf),
}

impl Candidate {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Made(path) | Self::Sidecar(path) => path,
        }
    }

    /// Whether it was compared with the source of this identity before, and was found right, and is the same file
    /// still. Neither is read.
    pub fn is_verified(&self, source: FileIdentity, folder: &ProxyFolder) -> bool {
        let Ok(file) = FileIdentity::of_path(self.path()) else {
            return false;
        };
        match self {
            Self::Made(path) => ProxyRecord::read_beside(path)
                .is_some_and(|record| record.is_verified(source, file)),
            Self::Sidecar(_) => sidecar::is_verified(folder, (source, file)),
        }
    }

    /// Compares it with `source`, unless that was done before and neither has changed. What comes of it is
    /// noted in `folder`.
    ///
    /// # Errors
    /// What differs, or why it cannot be told.
    pub fn verify(
        &self,
        source: &Path,
        folder: &ProxyFolder,
        options: &VerifyOptions,
    ) -> Result<Verification, VerifyError> {
        match self {
            Self::Made(path) => verify_with(path, Some(source), options, false),
            Self::Sidecar(path) => sidecar::verify(source, path, folder, options),
        }
    }
}

/// What may be a proxy of a stream of `source`, which is the file of this identity. Folders that cannot be
/// read hold none.
pub fn find(
    source: &Path,
    file: FileIdentity,
    stream: StreamId,
    folder: &ProxyFolder,
) -> Vec<Candidate> {
    let source = std::path::absolute(source).unwrap_or_else(|_| source.to_owned());
    let made = folder.of_source(&source, file, stream);
    let made = made.unwrap_or_else(|error| {
        tracing::warn!("{}: {error}", folder.path().display());
        Vec::new()
    });
    let mut found: Vec<Candidate> = made.into_iter().map(Candidate::Made).collect();
    let sidecars = sidecars(&source).into_iter();
    found.extend(sidecars.map(Candidate::Sidecar));
    found
}

/// The films in a folder and in those below it, by name. Hidden ones are left out, and so is what lies in folders of
/// proxies or is a camera's small copy.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn films_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut films = Vec::new();
    let mut seen = 0;
    let mut folders = vec![(std::fs::read_dir(folder)?, 0)];
    while let Some((entries, depth)) = folders.pop() {
        for entry in entries.flatten() {
            seen += 1;
            if seen > MOST_ENTRIES {
                tracing::warn!(
                    "{}: only {MOST_ENTRIES} files are looked at",
                    folder.display()
                );
                films.sort();
                return Ok(films);
            }
            let (path, name) = (entry.path(), entry.file_name());
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            let is_proxies = FOLDERS.iter().any(|proxies| name == *proxies);
            // A link to a folder may lead back to where it lies.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_hidden {
                continue;
            }
            if is_folder && !is_proxies && depth < MOST_DEPTH {
                folders.extend(std::fs::read_dir(&path).map(|below| (below, depth + 1)));
            } else if !is_folder && is_film(&path) && !is_camera_copy(&path) && path.is_file() {
                films.push(path);
            }
        }
    }
    films.sort();
    Ok(films)
}

fn is_camera_copy(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| CAMERA_ENDINGS.contains(&ending))
}

fn sidecars(source: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (source.parent(), source.file_stem()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut add = |path: PathBuf| {
        let is_file = path.is_file() && path != source;
        // On some file systems several of these names are one.
        let identity = FileIdentity::of_path(&path).ok();
        let is_known = |known: &PathBuf| FileIdentity::of_path(known).ok() == identity;
        if is_file && !found.iter().any(is_known) {
            found.push(path);
        }
    };
    for name in FOLDERS {
        let Ok(entries) = std::fs::read_dir(folder.join(name)) else {
            continue;
        };
        let paths = entries
            .take(MOST_ENTRIES)
            .flatten()
            .map(|entry| entry.path());
        let mut named: Vec<PathBuf> = paths
            .filter(|path| path.file_stem() == Some(stem) && is_film(path))
            .collect();
        named.sort();
        named.into_iter().for_each(&mut add);
    }
    let stem = stem.to_string_lossy();
    let mut stems = vec![stem.to_string()];
    for (large, small) in CAMERA_BEGINNINGS {
        stems.extend(
            stem.strip_prefix(large)
                .map(|rest| format!("{small}{rest}")),
        );
    }
    for stem in stems {
        for ending in CAMERA_ENDINGS {
            add(folder.join(format!("{stem}.{ending}")));
        }
    }
    found
}

fn is_film(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| FILMS.iter().any(|film| film.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::{Preset, ProxyCodec, ProxyRecord};

    #[test]
    fn what_cameras_and_programs_leave_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let touch = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, name).unwrap();
            path
        };
        let source = touch("GX010001.MP4");
        for name in [
            "other.LRV",
            "Proxy/other.mov",
            "Proxy/GX010001.json",
            "GX010001.wav",
        ] {
            touch(name);
        }
        assert!(sidecars(&source).is_empty());
        let wanted = [
            touch("Proxy/GX010001.mov"),
            touch("Proxies/GX010001.mp4"),
            touch("GX010001.LRF"),
            touch("GL010001.LRV"),
        ];
        assert_eq!(sidecars(&source), wanted);
    }

    #[test]
    fn the_films_of_a_folder_are_those_that_a_person_would_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.MOV",
            "a.mp4",
            "a.wav",
            "a.LRV",
            ".hidden.mov",
            "day 2/c.mxf",
            "day 2/Proxy/c.mov",
            "notes.txt",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
        let films = films_in(folder.path()).unwrap();
        let expected = ["a.mp4", "b.MOV", "day 2/c.mxf"].map(|name| folder.path().join(name));
        assert_eq!(films, expected);
        assert!(films_in(&folder.path().join("none")).is_err());
    }

    #[test]
    fn proxies_of_the_source_as_it_is_and_as_it_was_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let proxies = ProxyFolder::new(&folder.path().join("proxies"));
        proxies.prepare().unwrap();
        let source = folder.path().join("clip.mov");
        std::fs::write(&source, "source").unwrap();
        let file = FileIdentity::of_path(&source).unwrap();
        let before = FileIdentity { bytes: 1, ..file };
        let place = |source: &Path, file, preset| {
            let codec = ProxyCodec::H264Intra;
            let proxy = proxies.place_of(source, file, StreamId(0), preset, codec);
            std::fs::write(&proxy, "proxy").unwrap();
            let record = ProxyRecord {
                source: source.to_owned(),
                source_file: file,
                proxy_file: FileIdentity::of_path(&proxy).unwrap(),
                preset,
                codec,
                verified: None,
            };
            record.write_beside(&proxy).unwrap();
            Candidate::Made(proxy)
        };
        let elsewhere = folder.path().join("elsewhere/clip.mov");
        place(&elsewhere, before, Preset::Draft);
        let mut wanted = [
            place(&source, file, Preset::Quarter),
            place(&source, before, Preset::Preview),
            // It had another name when its proxy was made.
            place(&folder.path().join("old.mov"), file, Preset::Half),
        ];
        wanted.sort_by(|a, b| a.path().cmp(b.path()));
        assert_eq!(find(&source, file, StreamId(0), &proxies), wanted);
    }
}
