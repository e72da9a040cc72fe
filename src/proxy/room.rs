//! How much the proxies in a folder may take, and which of them go first.
//!
//! A person may state a limit for a folder; it lies in the folder, for every program that uses it. What was
//! used least recently goes first, and what a player has open, or a program compares, stays: whoever uses a
//! proxy holds a shared lock on it. When it was used last is the time of its record, for the proxy's own time
//! tells whether it is still what was written.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folder::{ListedProxy, ProxyFolder};
use super::record::ProxyRecord;

/// What proxies may take where nobody stated anything.
const USUAL_LIMIT: u64 = 10 << 30;

/// Of the limit, what is left when it was exceeded, in percent.
const LEFT_PERCENT: u64 = 80;

const LIMIT: &str = "limit";
/// With the word at its end it is whole: half a number would be a number, too.
const LIMIT_END: &str = " bytes\n";

/// What was removed, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trimmed {
    /// The proxies that are gone.
    pub removed: Vec<PathBuf>,
    /// Their bytes.
    pub bytes: u64,
    /// Those that would have gone, and are in use.
    pub in_use: Vec<PathBuf>,
}

/// Keeps a proxy from being removed as long as it lives.
#[derive(Debug)]
pub(super) struct InUse {
    /// Where a file system has no locks, nothing is held.
    _locked: Option<File>,
}

impl InUse {
    /// Of the file at `path`.
    pub(super) fn new(path: &Path) -> Self {
        let file = File::open(path).ok();
        Self {
            _locked: file.filter(|file| file.try_lock_shared().is_ok()),
        }
    }
}

impl ProxyFolder {
    /// What the proxies in it may take, in bytes.
    pub fn limit_bytes(&self) -> u64 {
        self.stated_limit().unwrap_or(USUAL_LIMIT)
    }

    /// The same, if a person stated it for this folder.
    pub fn stated_limit(&self) -> Option<u64> {
        let text = fs::read_to_string(self.path().join(LIMIT)).ok()?;
        let number = text.strip_suffix(LIMIT_END)?;
        number.parse().ok().filter(|&bytes| bytes > 0)
    }

    /// States it for every program that uses the folder. Nothing is removed by that: see [`Self::trim`].
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn state_limit(&self, bytes: u64) -> io::Result<()> {
        self.prepare()?;
        let mut file = tempfile::Builder::new()
            .prefix(ProxyRecord::PART_BEGINNING)
            .suffix(super::part_file::PART_ENDING)
            .tempfile_in(self.path())?;
        // So that nobody takes it for left over. Some network shares know no locks.
        let _locked = file.as_file().try_lock();
        write!(file, "{bytes}{LIMIT_END}")?;
        // Temporary files are for their owner only; several people may share a folder.
        let readable = fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable)?;
        file.as_file().sync_all()?;
        file.persist(self.path().join(LIMIT))
            .map_err(|error| error.error)?;
        Ok(())
    }

    /// Where jobs to make proxies of this folder are kept.
    pub(super) fn jobs_folder(&self) -> PathBuf {
        self.path().join("jobs")
    }

    /// Notes that a proxy was used now. A folder that cannot be written to forgets it.
    pub fn mark_used(&self, proxy: &Path) {
        let record = File::options()
            .write(true)
            .open(ProxyRecord::path_beside(proxy));
        if let Ok(record) = record {
            let _forgotten = record.set_modified(SystemTime::now());
        }
    }

    /// Whether a program uses a proxy.
    pub fn is_in_use(&self, proxy: &Path) -> bool {
        matches!(lock_alone(proxy), Ok(None))
    }

    /// If the proxies take more than the limit, removes those used least recently, until they take no more than
    /// four fifths of it. Those in `keep` stay, and so does what is in use, and what has no record.
    ///
    /// # Errors
    /// When the folder cannot be read, or a proxy cannot be removed.
    pub fn trim(&self, keep: &[PathBuf]) -> io::Result<Trimmed> {
        let limit = self.limit_bytes();
        let mut proxies = self.recorded()?;
        let mut left: u64 = proxies.iter().map(|proxy| proxy.bytes).sum();
        let mut trimmed = Trimmed::default();
        if left <= limit {
            return Ok(trimmed);
        }
        let part = u128::from(limit) * u128::from(LEFT_PERCENT) / 100;
        let floor = u64::try_from(part).unwrap_or(u64::MAX);
        proxies.sort_by_cached_key(|proxy| (last_use(&proxy.path), proxy.path.clone()));
        for proxy in proxies {
            if left <= floor {
                break;
            }
            if !keep.contains(&proxy.path) && self.remove_unused(&proxy, &mut trimmed)? {
                left -= proxy.bytes;
            }
        }
        Ok(trimmed)
    }

    /// Removes all proxies that are not in use, with their records, records of proxies that are gone, and what
    /// was noted of proxies that others made. Sources are never touched, nor is what has no record.
    ///
    /// # Errors
    /// When the folder cannot be read, or a proxy cannot be removed.
    pub fn clear(&self) -> io::Result<Trimmed> {
        let mut trimmed = Trimmed::default();
        if !self.path().exists() {
            return Ok(trimmed);
        }
        for proxy in self.recorded()? {
            self.remove_unused(&proxy, &mut trimmed)?;
        }
        self.remove_notes()?;
        // With what programs that died left in it.
        self.prepare()?;
        Ok(trimmed)
    }

    fn recorded(&self) -> io::Result<Vec<ListedProxy>> {
        let mut proxies = self.list()?;
        proxies.retain(|proxy| proxy.record.is_some());
        Ok(proxies)
    }

    /// Answers whether it is gone.
    fn remove_unused(&self, proxy: &ListedProxy, trimmed: &mut Trimmed) -> io::Result<bool> {
        // Held until it is gone, so that nobody begins to use it meanwhile.
        let _held = match lock_alone(&proxy.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Ok(None) => {
                trimmed.in_use.push(proxy.path.clone());
                return Ok(false);
            }
            held => held?,
        };
        self.delete(&proxy.path)?;
        trimmed.removed.push(proxy.path.clone());
        trimmed.bytes += proxy.bytes;
        Ok(true)
    }

    fn remove_notes(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.path())? {
            let path = entry?.path();
            let is_json = path.extension().is_some_and(|ending| ending == "json");
            let is_orphan = || {
                let proxy = path.with_extension("mov");
                !proxy.exists() && ProxyRecord::read_beside(&proxy).is_some()
            };
            if is_json && (super::sidecar::is_note(&path) || is_orphan()) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

/// Keeps others from using a file; `None` where somebody does, or where that cannot be told. On a file system that
/// knows no locks nobody is found to.
fn lock_alone(path: &Path) -> io::Result<Option<File>> {
    // NFS has such locks for those alone who may write.
    let (file, may_write) = match File::options().read(true).write(true).open(path) {
        Ok(file) => (file, true),
        // A proxy that somebody else made.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            (File::open(path)?, false)
        }
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(_)) => Ok(may_write.then_some(file)),
    }
}

/// When a proxy was used last, as far as is known.
fn last_use(proxy: &Path) -> Option<SystemTime> {
    let record = fs::metadata(ProxyRecord::path_beside(proxy)).ok()?;
    record.modified().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::decode::FileIdentity;
    use crate::proxy::{Preset, ProxyCodec};

    struct Bench {
        _folder: tempfile::TempDir,
        proxies: ProxyFolder,
        source: PathBuf,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let proxies = ProxyFolder::new(&folder.path().join("proxies"));
            proxies.prepare().unwrap();
            let source = folder.path().join("clip.mov");
            fs::write(&source, "source").unwrap();
            Self {
                _folder: folder,
                proxies,
                source,
            }
        }

        /// A proxy of 100 bytes that was used last so many seconds after 1970.
        fn place(&self, name: &str, used: u64) -> PathBuf {
            let proxy = self
                .proxies
                .path()
                .join(format!("{name}_draft_0123abcd.mov"));
            fs::write(&proxy, [0; 100]).unwrap();
            let record = ProxyRecord {
                source: self.source.clone(),
                source_file: FileIdentity::of_path(&self.source).unwrap(),
                proxy_file: FileIdentity::of_path(&proxy).unwrap(),
                preset: Preset::Draft,
                codec: ProxyCodec::H264Intra,
                verified: None,
            };
            record.write_beside(&proxy).unwrap();
            let file = File::options()
                .write(true)
                .open(ProxyRecord::path_beside(&proxy))
                .unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(used))
                .unwrap();
            proxy
        }

        fn left(&self) -> Vec<PathBuf> {
            let listed = self.proxies.list().unwrap();
            listed.into_iter().map(|proxy| proxy.path).collect()
        }
    }

    #[test]
    fn a_limit_is_read_as_it_was_stated_and_half_of_one_is_none() {
        let bench = Bench::new();
        assert_eq!(bench.proxies.limit_bytes(), 10 << 30);
        bench.proxies.state_limit(123).unwrap();
        assert_eq!(bench.proxies.stated_limit(), Some(123));
        for damaged in ["", "12", "0 bytes\n", "x bytes\n"] {
            fs::write(bench.proxies.path().join(LIMIT), damaged).unwrap();
            assert_eq!(bench.proxies.stated_limit(), None, "{damaged:?}");
        }
    }

    #[test]
    fn what_was_used_least_recently_goes_until_four_fifths_are_left() {
        let bench = Bench::new();
        let (old, new) = (bench.place("old", 10), bench.place("new", 40));
        let (middle, used) = (bench.place("middle", 30), bench.place("used", 5));
        bench.proxies.state_limit(400).unwrap();
        assert_eq!(bench.proxies.trim(&[]).unwrap(), Trimmed::default());
        bench.proxies.mark_used(&used);
        bench.proxies.state_limit(399).unwrap();
        let trimmed = bench.proxies.trim(&[]).unwrap();
        assert_eq!((trimmed.removed, trimmed.bytes), (vec![old], 100));
        bench.proxies.state_limit(260).unwrap();
        let trimmed = bench.proxies.trim(std::slice::from_ref(&middle)).unwrap();
        assert_eq!(trimmed.removed, [new]);
        assert_eq!(bench.left(), [middle, used]);
        assert!(bench.source.exists());
    }

    #[test]
    fn what_is_in_use_stays_and_goes_when_it_is_not() {
        let bench = Bench::new();
        let (a, b) = (bench.place("a", 1), bench.place("b", 2));
        bench.proxies.state_limit(100).unwrap();
        let held = InUse::new(&a);
        assert!(bench.proxies.is_in_use(&a) && !bench.proxies.is_in_use(&b));
        let trimmed = bench.proxies.trim(&[]).unwrap();
        assert_eq!(
            (trimmed.removed, trimmed.in_use),
            (vec![b], vec![a.clone()])
        );
        let cleared = bench.proxies.clear().unwrap();
        assert_eq!(cleared.in_use, std::slice::from_ref(&a));
        drop(held);
        assert_eq!(bench.proxies.clear().unwrap().removed, [a]);
        assert!(bench.source.exists());
    }

    #[test]
    fn clearing_leaves_what_is_not_ours() {
        let bench = Bench::new();
        let proxy = bench.place("a", 1);
        let folder = bench.proxies.path();
        let theirs = [
            "wedding_preview_20240612.mov",
            "notes.json",
            "wedding_preview_20240612.json",
        ];
        for name in theirs {
            fs::write(folder.join(name), "{}").unwrap();
        }
        let ours = [
            "sidecar-0123456789abcdef.json",
            "dead_draft_0123abcd.mov.part",
        ];
        for name in ours {
            fs::write(folder.join(name), "{}").unwrap();
        }
        // The record of a proxy that somebody removed.
        let gone = bench.place("gone", 1);
        fs::remove_file(&gone).unwrap();
        bench.proxies.state_limit(5).unwrap();
        assert_eq!(bench.proxies.clear().unwrap().removed, [proxy]);
        let mut left: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected: Vec<_> = theirs.map(str::to_owned).to_vec();
        expected.push(LIMIT.to_owned());
        expected.sort();
        assert_eq!(left, expected);
        let none = ProxyFolder::new(Path::new("/nonexistent/proxies"));
        assert_eq!(none.clear().unwrap(), Trimmed::default());
    }
}
