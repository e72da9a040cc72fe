//! The folder: names of files, how they are written, and how much room there is.
//!
//! ```text
//! 64 hexadecimal digits .item   an item
//! new-….tmp                     one that is being written; locked as long as its writer lives
//! index-N.db, -wal, -shm        the database; the greatest N counts
//! index-N.broken                one that was set aside
//! limit                         the size limit, where a person stated one
//! lock                          held while the database is opened, and while temporary files are made
//! CACHEDIR.TAG                  tells programs that make backups to leave the folder out, if it was empty
//! ```
//! Nothing else in the folder is ever touched, for a person may have named one that is not empty.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, Timespec, Timestamps, flock, futimens, statvfs};
use tempfile::NamedTempFile;

use super::item::{Packed, Seen};
use super::key::ItemName;

const ITEM_ENDING: &str = ".item";
const TEMPORARY: (&str, &str) = ("new-", ".tmp");
const DATABASE: &str = "index-";
const LIMIT: &str = "limit";
const LIMIT_END: &str = " bytes\n";
const LOCK: &str = "lock";

/// See <https://bford.info/cachedir/>.
const CACHE_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # This folder holds what Jogwheel can make again. `jogwheel cache clear` empties it.\n";

/// What is newer than this need not be marked as used again.
const USE_MILLIS: i64 = 60_000;

/// Milliseconds since 1970, as file systems count them.
pub(super) fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// What a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) free_bytes: u64,
    pub(super) total_bytes: u64,
}

/// What a file in the folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Item(ItemName),
    Temporary(PathBuf),
    /// A database that was set aside, or one of its parts; also those of older numbers.
    SetAside(PathBuf),
}

#[derive(Debug, Clone)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is there.
    pub(super) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Makes it where it is missing. Only a folder in which nothing is gets the tag: programs that make backups
    /// would leave out everything else in it, too.
    pub(super) fn create(&self) -> io::Result<()> {
        let is_empty = match fs::read_dir(&self.path) {
            Ok(mut files) => files.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.path)?;
                true
            }
            Err(error) => return Err(error),
        };
        if is_empty {
            fs::write(self.path.join("CACHEDIR.TAG"), CACHE_TAG)?;
        }
        Ok(())
    }

    pub(super) fn item_path(&self, name: ItemName) -> PathBuf {
        self.path.join(format!("{name}{ITEM_ENDING}"))
    }

    /// When an item was used last; `None` where it is gone.
    pub(super) fn last_use(&self, name: ItemName) -> Option<i64> {
        let metadata = fs::symlink_metadata(self.item_path(name)).ok()?;
        Some(Seen::of(&metadata).modified_millis())
    }

    /// Bytes of an item's file; `None` where it is gone.
    pub(super) fn bytes_of(&self, name: ItemName) -> Option<u64> {
        let metadata = fs::symlink_metadata(self.item_path(name)).ok()?;
        metadata.is_file().then_some(metadata.len())
    }

    /// Removes an item's file. One that is gone already is no error, nor is a folder in its place,
    /// which was not made here.
    pub(super) fn unlink(&self, name: ItemName) -> io::Result<()> {
        use io::ErrorKind::{IsADirectory, NotFound};
        match fs::remove_file(self.item_path(name)) {
            Err(error) if !matches!(error.kind(), NotFound | IsADirectory) => Err(error),
            _ => Ok(()),
        }
    }

    /// Held until it is dropped; waits for other holders, in this process and in others.
    pub(super) fn lock(&self) -> io::Result<File> {
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path.join(LOCK))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(file)
    }

    /// Writes a temporary file and makes it durable. Dropped, it vanishes.
    pub(super) fn write_temporary(&self, packed: &Packed) -> io::Result<NamedTempFile> {
        let mut temporary = self.begin_temporary()?;
        for piece in packed.pieces() {
            temporary.write_all(piece)?;
        }
        temporary.as_file().sync_data()?;
        Ok(temporary)
    }

    /// A locked temporary file. The folder is locked while it is made, so that nobody takes it for an
    /// abandoned one before it is locked itself.
    fn begin_temporary(&self) -> io::Result<NamedTempFile> {
        let _others_wait = self.lock()?;
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY.0)
            .suffix(TEMPORARY.1)
            .tempfile_in(&self.path)?;
        // A file system without locks keeps its abandoned files until they are removed by hand.
        let _without = flock(&temporary, FlockOperation::NonBlockingLockExclusive);
        Ok(temporary)
    }

    /// Marks an item as used now, like one that is open. One that is gone stays away.
    pub(super) fn touch(&self, name: ItemName) {
        if let Ok(file) = File::open(self.item_path(name))
            && let Ok(metadata) = file.metadata()
        {
            Self::mark_used(&file, Seen::of(&metadata));
        }
    }

    /// Marks an open item as used now, unless it was a moment ago. A folder that cannot be written to
    /// forgets it.
    pub(super) fn mark_used(file: &File, seen: Seen) -> Option<Seen> {
        if now_millis().abs_diff(seen.modified_millis()) < USE_MILLIS.unsigned_abs() {
            return None;
        }
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        futimens(file, &times).ok()?;
        file.metadata().ok().map(|metadata| Seen::of(&metadata))
    }

    /// Everything in the folder that is the cache's, less the database in use.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let current = self.database_number()?.map(database_name);
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let file = file?;
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let item = name.strip_suffix(ITEM_ENDING);
            if let Some(item) = item.and_then(ItemName::from_hex) {
                entries.push(Entry::Item(item));
            } else if name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1) {
                entries.push(Entry::Temporary(file.path()));
            } else if number_of(name).is_some()
                && !current
                    .as_ref()
                    .is_some_and(|current| name.starts_with(current))
            {
                entries.push(Entry::SetAside(file.path()));
            }
        }
        Ok(entries)
    }

    /// Removes temporary files whose writers are gone, and databases that were set aside. Answers how
    /// many.
    pub(super) fn sweep(&self, databases_too: bool) -> io::Result<u64> {
        let _others_wait = self.lock()?;
        let mut removed = 0;
        for entry in self.entries()? {
            let path = match entry {
                Entry::Temporary(path) if is_abandoned(&path) => path,
                Entry::SetAside(path) if databases_too => path,
                _ => continue,
            };
            removed += u64::from(fs::remove_file(path).is_ok());
        }
        Ok(removed)
    }

    /// What the file system has left for this user.
    pub(super) fn room(&self) -> io::Result<Room> {
        let system = statvfs(&self.path)?;
        Ok(Room {
            free_bytes: system.f_bavail.saturating_mul(system.f_frsize),
            total_bytes: system.f_blocks.saturating_mul(system.f_frsize),
        })
    }

    /// The limit that a person stated for this folder, if one did.
    pub(super) fn stated_limit(&self) -> Option<u64> {
        let text = fs::read_to_string(self.path.join(LIMIT)).ok()?;
        // With the word at its end it is whole: half a number would be a number, too.
        let number = text.strip_suffix(LIMIT_END)?;
        number.parse().ok().filter(|&bytes| bytes > 0)
    }

    /// States the limit for every process that uses the folder.
    pub(super) fn state_limit(&self, bytes: u64) -> io::Result<()> {
        let mut temporary = self.begin_temporary()?;
        write!(temporary, "{bytes}{LIMIT_END}")?;
        temporary.as_file().sync_data()?;
        let persisted = temporary.persist(self.path.join(LIMIT));
        persisted.map(drop).map_err(|error| error.error)
    }

    /// Where the database is, or will be. Call it with the folder locked.
    pub(super) fn database_path(&self) -> io::Result<PathBuf> {
        let number = self.database_number()?.unwrap_or(1);
        Ok(self.path.join(database_name(number)))
    }

    /// The greatest number among databases, or the next one where that was set aside.
    fn database_number(&self) -> io::Result<Option<u64>> {
        let mut greatest = None;
        for file in fs::read_dir(&self.path)? {
            let name = file?.file_name();
            if let Some((number, is_broken)) = name.to_str().and_then(number_of) {
                greatest = greatest.max(Some(number + u64::from(is_broken)));
            }
        }
        Ok(greatest)
    }

    /// Sets a broken database aside, so that another one takes its place. That gets another name, for
    /// other processes still hold the old one, and its side files with it. Call it with the folder
    /// locked.
    pub(super) fn set_aside(database: &Path) -> io::Result<()> {
        match fs::rename(database, database.with_extension("broken")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn database_name(number: u64) -> String {
    format!("{DATABASE}{number}.db")
}

/// The number in the name of a database, of a part of it, or of one that was set aside; and whether it
/// was set aside.
fn number_of(name: &str) -> Option<(u64, bool)> {
    let (number, ending) = name.strip_prefix(DATABASE)?.split_once('.')?;
    let is_broken = match ending {
        "db" | "db-wal" | "db-shm" | "db-journal" => false,
        "broken" => true,
        _ => return None,
    };
    // A name that no number of ours could have come to is not ours.
    let number = number.parse().ok().filter(|&number| number < 1 << 32)?;
    Some((number, is_broken))
}

/// Whether the writer of a temporary file is gone: living ones hold its lock.
fn is_abandoned(path: &Path) -> bool {
    File::open(path)
        .is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok())
}
