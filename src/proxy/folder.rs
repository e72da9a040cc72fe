//! The folder that proxies are kept in, and their names.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::codec::ProxyCodec;
use super::part_file;
use super::preset::Preset;
use super::record::ProxyRecord;
use crate::decode::FileIdentity;
use crate::media::StreamId;

/// Counts changes that make proxies of before worthless.
const VERSION: u32 = 1;

/// Letters of the source's name that the proxy's begins with, at most.
const MOST_STEM_BYTES: usize = 120;

/// The ending of every proxy.
const ENDING: &str = "mov";

/// A folder of proxies. Several programs may share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyFolder(PathBuf);

/// What can be said of a proxy without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyState {
    /// It was verified, and neither file has changed since.
    Verified,
    /// It was not verified.
    Unverified,
    /// The source is another one by now.
    SourceChanged,
    /// The source is not where it was.
    SourceMissing,
    /// The proxy is not what was written.
    ProxyChanged,
    /// Nothing tells what it was made of.
    Unknown,
}

impl ProxyState {
    /// The name in lists and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::SourceChanged => "source changed",
            Self::SourceMissing => "source missing",
            Self::ProxyChanged => "damaged",
            Self::Unknown => "unknown",
        }
    }
}

/// A proxy in the folder.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedProxy {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// What is known of it.
    pub record: Option<ProxyRecord>,
    /// Whether it can be used.
    pub state: ProxyState,
}

impl ProxyFolder {
    /// The folder of this name. It is made when something is kept in it.
    pub fn new(path: &Path) -> Self {
        // FFmpeg would take a name with a colon for an address, and a job may run elsewhere.
        Self(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// Its name.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the folder, and removes what programs that died left in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        part_file::sweep(&self.0, &is_part_of_ours);
        Ok(())
    }

    /// What is free on its disk, as far as the system tells.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let system = rustix::fs::statvfs(&self.0).ok()?;
        Some(system.f_bavail.saturating_mul(system.f_frsize))
    }

    /// Makes durable which files there are.
    pub(super) fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    /// Where the proxy of a stream is: `<stem>_<preset>_<hash>.mov`. The hash is that of the source's
    /// state and of everything that decides what the proxy is.
    pub fn place_of(
        &self,
        source: &Path,
        file: FileIdentity,
        stream: StreamId,
        preset: Preset,
        codec: ProxyCodec,
    ) -> PathBuf {
        let hash = hash_of(file, stream, codec);
        self.0
            .join(format!("{}_{preset}_{hash}.{ENDING}", stem_of(source)))
    }

    /// Files that may be proxies of a stream, by name: of the source as it is now, whatever it is called,
    /// and of what it was before.
    ///
    /// # Errors
    /// When the folder cannot be read. One that does not exist is empty.
    pub(super) fn of_source(
        &self,
        source: &Path,
        file: FileIdentity,
        stream: StreamId,
    ) -> io::Result<Vec<PathBuf>> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let hashes: Vec<String> = ProxyCodec::all()
            .map(|codec| hash_of(file, stream, codec))
            .collect();
        let stem = stem_of(source);
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if !is_proxy_name(&path) {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let mut parts = name.rsplitn(3, '_');
            let is_it = parts
                .next()
                .is_some_and(|hash| hashes.iter().any(|known| known == hash));
            let mut was_it = || {
                parts.nth(1) == Some(&*stem)
                    && ProxyRecord::read_beside(&path).is_some_and(|record| record.source == source)
            };
            if is_it || was_it() {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The proxies in it, by name.
    ///
    /// # Errors
    /// When it cannot be read. A folder that does not exist is empty.
    pub fn list(&self) -> io::Result<Vec<ListedProxy>> {
        let entries = match std::fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if is_proxy_name(&path)
                && let Ok(file) = FileIdentity::of_path(&path)
            {
                let record = ProxyRecord::read_beside(&path);
                found.push(ListedProxy {
                    state: state_of(record.as_ref(), file),
                    bytes: file.bytes,
                    record,
                    path,
                });
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes a proxy of this folder and its record. Nothing else is ever removed: a file that merely
    /// has such a name, and no record, may be anything.
    ///
    /// # Errors
    /// When it is none of this folder, has no record, or cannot be removed.
    pub fn delete(&self, proxy: &Path) -> io::Result<()> {
        let is_here = proxy.parent() == Some(self.0.as_path()) && is_proxy_name(proxy);
        if !is_here {
            let text = "it is no proxy of this folder";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if ProxyRecord::read_beside(proxy).is_none() {
            let text = "no record says what it is a proxy of; remove it by hand if it is one";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        std::fs::remove_file(proxy)?;
        // A record without its proxy means nothing.
        let _gone = std::fs::remove_file(ProxyRecord::path_beside(proxy));
        Ok(())
    }
}

/// What tells the state of a source and the codec of a proxy in its name.
fn hash_of(file: FileIdentity, stream: StreamId, codec: ProxyCodec) -> String {
    let mut hash = blake3::Hasher::new_derive_key("jogwheel 2026 proxy name");
    hash.update(&VERSION.to_le_bytes());
    hash.update(&file.bytes.to_le_bytes());
    hash.update(&file.modified_nanos.to_le_bytes());
    hash.update(&file.device.to_le_bytes());
    hash.update(&file.inode.to_le_bytes());
    hash.update(&(stream.0 as u64).to_le_bytes());
    hash.update(codec.name().as_bytes());
    hash.finalize().to_hex()[..8].to_owned()
}

/// What the name of a source's proxies begins with.
fn stem_of(source: &Path) -> String {
    let stem = source.file_stem().unwrap_or(OsStr::new("clip"));
    let mut stem = stem.to_string_lossy().into_owned();
    let mut end = stem.len().min(MOST_STEM_BYTES);
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    stem.truncate(end);
    stem
}

/// Whether a name is one that a proxy or a record has while it is written.
fn is_part_of_ours(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::to_string_lossy);
    let stem = name
        .as_ref()
        .and_then(|name| name.strip_suffix(part_file::PART_ENDING));
    stem.is_some_and(|stem| {
        stem.starts_with(ProxyRecord::PART_BEGINNING) || is_proxy_name(Path::new(stem))
    })
}

/// Whether a name is one that [`ProxyFolder::place_of`] gives.
fn is_proxy_name(path: &Path) -> bool {
    let stem = path.file_stem().map(OsStr::to_string_lossy);
    let is_named = stem.is_some_and(|stem| {
        let mut parts = stem.rsplitn(3, '_');
        let is_hash = parts.next().is_some_and(|hash| {
            hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let is_preset = parts
            .next()
            .is_some_and(|name| Preset::from_name(name).is_some());
        is_hash && is_preset && parts.next().is_some()
    });
    is_named && path.extension() == Some(OsStr::new(ENDING))
}

fn state_of(record: Option<&ProxyRecord>, proxy: FileIdentity) -> ProxyState {
    let Some(record) = record else {
        return ProxyState::Unknown;
    };
    match FileIdentity::of_path(&record.source) {
        _ if record.proxy_file != proxy => ProxyState::ProxyChanged,
        Err(_) => ProxyState::SourceMissing,
        Ok(source) if source != record.source_file => ProxyState::SourceChanged,
        Ok(_) if record.verified.is_some() => ProxyState::Verified,
        Ok(_) => ProxyState::Unverified,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: u64) -> FileIdentity {
        FileIdentity {
            bytes,
            modified_nanos: 2,
            device: 3,
            inode: 4,
        }
    }

    #[test]
    fn names_are_readable_and_change_with_what_decides_the_proxy() {
        let folder = ProxyFolder::new(Path::new("/proxies"));
        let name = |source: &str, bytes, stream, preset, codec| {
            let place = folder.place_of(
                Path::new(source),
                file(bytes),
                StreamId(stream),
                preset,
                codec,
            );
            assert!(is_proxy_name(&place), "{}", place.display());
            place.file_name().unwrap().to_str().unwrap().to_owned()
        };
        let codec = ProxyCodec::H264Intra;
        let base = name("/rushes/A001_b.mov", 1, 0, Preset::Preview, codec);
        assert!(base.starts_with("A001_b_preview_"), "{base}");
        assert_eq!(
            base,
            name("/elsewhere/A001_b.mp4", 1, 0, Preset::Preview, codec)
        );
        for other in [
            name("/rushes/A001_b.mov", 2, 0, Preset::Preview, codec),
            name("/rushes/A001_b.mov", 1, 1, Preset::Preview, codec),
            name("/rushes/A001_b.mov", 1, 0, Preset::Half, codec),
            name(
                "/rushes/A001_b.mov",
                1,
                0,
                Preset::Preview,
                ProxyCodec::Mjpeg,
            ),
        ] {
            assert_ne!(base, other);
        }
        let long = name(&"é".repeat(500), 1, 0, Preset::Draft, codec);
        assert!(long.len() < 160, "{long}");
    }

    #[test]
    fn nothing_but_proxies_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let proxies = ProxyFolder::new(folder.path());
        assert_eq!(ProxyFolder::new(Path::new("/none")).list().unwrap(), []);
        let other = folder.path().join("clip.mov");
        let proxy = folder.path().join("clip_draft_0123abcd.mov");
        // A date has eight digits as well.
        let namesake = folder.path().join("wedding_preview_20240612.mov");
        for path in [&other, &proxy, &namesake] {
            std::fs::write(path, "x").unwrap();
        }
        let beside = ProxyRecord::path_beside(&namesake);
        std::fs::write(&beside, "{}").unwrap();
        let record = ProxyRecord {
            source: other.clone(),
            source_file: file(1),
            proxy_file: file(1),
            preset: Preset::Draft,
            codec: ProxyCodec::H264Intra,
            verified: None,
        };
        record.write_beside(&proxy).unwrap();
        let listed = proxies.list().unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(listed[1].state, ProxyState::Unknown);
        assert!(proxies.delete(&other).is_err());
        assert!(proxies.delete(&namesake).is_err());
        assert!(
            proxies
                .delete(Path::new("/elsewhere/clip_draft_0123abcd.mov"))
                .is_err()
        );
        proxies.delete(&proxy).unwrap();
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 3);
        assert!(other.exists() && namesake.exists() && beside.exists());
    }

    #[test]
    fn records_are_written_while_others_look_for_what_is_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let proxies = ProxyFolder::new(folder.path());
        let is_done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(std::sync::atomic::Ordering::Relaxed) {
                    proxies.prepare().unwrap();
                }
            });
            let place = folder.path().join("record.json");
            let written =
                (0..2000).map(|number| crate::proxy::record::replace_json(&place, &number));
            let failed: Vec<_> = written.filter_map(Result::err).collect();
            is_done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(failed.is_empty(), "{failed:?}");
        });
    }

    #[test]
    fn what_a_dead_program_left_is_swept_and_what_a_living_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let proxies = ProxyFolder::new(folder.path());
        let dead = folder.path().join("dead_draft_0123abcd.mov.part");
        let record = folder.path().join(".jogwheel-x1y2z3.part");
        // What other programs write.
        let download = folder.path().join("clip.mov.part");
        let hidden = folder.path().join(".part");
        for path in [&dead, &record, &download, &hidden] {
            std::fs::write(path, "half").unwrap();
        }
        let place = folder.path().join("alive_draft_0123abcd.mov");
        let alive = part_file::PartFile::create(&place).unwrap();
        proxies.prepare().unwrap();
        assert!(!dead.exists() && !record.exists());
        assert!(download.exists() && hidden.exists());
        assert!(folder.path().join("alive_draft_0123abcd.mov.part").exists());
        assert!(
            part_file::PartFile::create(&place).is_err(),
            "another one makes it"
        );
        drop(alive);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
