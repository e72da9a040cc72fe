//! The disk tier: one folder, one file for each item, and a database for accounting.
//!
//! # An item
//! An item is looked up by a [`Key`]: what it is ([`Kind`]), the identity of the files that it was made
//! from, the parameters that it was made with. The hash of these is the name of its file, so a changed
//! file never finds what was made from its former state. A file is written under a temporary name, made
//! durable, and renamed: under its own name it is whole. It carries its own checksum, which is compared
//! when a process opens it for the first time.
//!
//! # Reading and writing
//! [`DiskCache::get`] opens one file and asks no database, so it costs some microseconds when the file
//! is in the system's memory, and nothing at start-up. The time of an item's last use is kept as its
//! file's time stamp. Writing goes through the database, which knows what there is and what may go:
//! [`DiskCache::put`] returns when the item is on disk, [`DiskCache::put_later`] leaves it to the thread
//! `cache writer`, whose queue is bounded: what does not fit is not kept.
//!
//! # Bounds
//! What is used least recently goes when 95 percent of the limit are taken, until 85 percent are. Nothing is
//! written to a file system that is nearly full ([`DiskLimits`]).
//!
//! # Two disks
//! A second folder may be on a faster disk ([`DiskCache::open_with_fast`]). An item that is used again, the
//! more often the larger it is, is copied there and read from there.
//!
//! # Trouble
//! Whatever is wrong with the folder is a miss, a count ([`DiskCounters`]) and one message; never an
//! error for whoever plays. A damaged item is removed. A broken database is set aside, and made again
//! from the items.
//!
//! # Several processes
//! They may share a folder. Items appear whole or not at all; changes of the database are transactions;
//! the file `lock` is held where these do not reach. A process that dies at any moment leaves at most a
//! temporary file and a record without an item, which the next one to write clears away.

mod bytes;
mod counters;
mod database;
mod folder;
mod hot;
mod indices;
mod item;
mod key;
mod limits;
mod store;
mod upkeep;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use bytes::CachedBytes;
pub use counters::{DiskCounters, Fault};
pub use key::{ItemName, Key, Kind};
pub use limits::DiskLimits;
pub use store::Declined;
pub use upkeep::{Cleared, DiskStats, KindStats, Listed, UpkeepError, Verified};

use self::counters::Counters;
use self::hot::Hot;
use self::store::{Looked, Store};
use self::writer::Writer;

/// Keeps items in a folder. Shared by all threads; dropped, it ends its own.
///
/// Nothing is touched on disk before the first item is looked for, and the folder is not made before
/// the first one is kept.
pub struct DiskCache {
    store: Arc<Store>,
    hot: Option<Arc<Hot>>,
    writer: Writer,
}

impl DiskCache {
    /// A cache in `folder`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(folder: PathBuf, limits: DiskLimits) -> io::Result<Arc<Self>> {
        Self::open_with_fast(folder, None, limits)
    }

    /// A cache in `folder`, with copies of what is used most in `fast`, each within the limits.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open_with_fast(
        folder: PathBuf,
        fast: Option<PathBuf>,
        limits: DiskLimits,
    ) -> io::Result<Arc<Self>> {
        let hot = fast
            .filter(|fast| *fast != folder)
            .map(|fast| Arc::new(Hot::new(Arc::new(Store::new(fast, limits)))));
        let store = Arc::new(Store::new(folder, limits));
        let writer = Writer::start(Arc::clone(&store), hot.clone())?;
        Ok(Arc::new(Self { store, hot, writer }))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.store.folder.path()
    }

    /// The item, if it is kept and sound; counted as a hit or a miss. Reads the disk, so this is not
    /// for threads that must not wait.
    pub fn get(&self, key: &Key) -> Option<CachedBytes> {
        let name = key.name();
        match self.hot.as_ref().map(|hot| hot.store.get(key)) {
            Some(Looked::Found(found, is_marked)) => {
                // The item itself must not go with age while its copy is used.
                if is_marked {
                    self.writer.touch(name);
                }
                return Some(found);
            }
            Some(Looked::Damaged) => self.writer.forget(name),
            Some(Looked::Missing) | None => {}
        }
        match self.store.get(key) {
            Looked::Found(found, _) => {
                let hot = self.hot.as_ref();
                if hot.is_some_and(|hot| hot.count_use(name, found.len() as u64)) {
                    self.writer.promote(key.clone());
                }
                Some(found)
            }
            Looked::Missing => None,
            Looked::Damaged => {
                self.writer.forget(name);
                None
            }
        }
    }

    /// Whether an item of this name is there. It may still turn out to be damaged.
    pub fn contains(&self, key: &Key) -> bool {
        self.store.folder.last_use(key.name()).is_some()
    }

    /// Keeps an item, given in pieces, and returns when it is on disk. What there was under this key is
    /// replaced.
    ///
    /// # Errors
    /// Why it is not kept. Nothing need be done about it: it has been counted and told.
    pub fn put(&self, key: &Key, parts: &[&[u8]]) -> Result<(), Declined> {
        if let Some(hot) = &self.hot {
            hot.forget(key.name());
        }
        self.store.put(key, parts)
    }

    /// Keeps an item soon, on the writer's thread. Never waits; false when too much waits already, and
    /// then it is not kept.
    pub fn put_later(&self, key: Key, bytes: Vec<u8>) -> bool {
        let is_accepted = self.writer.store(key, bytes);
        if !is_accepted {
            Counters::add(&self.store.counters.declined, 1);
        }
        is_accepted
    }

    /// Removes an item. Its file is gone at once, so that one that is made anew stays; the record follows.
    pub fn remove(&self, key: &Key) {
        let name = key.name();
        if let Some(hot) = &self.hot {
            hot.unlink(name);
        }
        self.store.unlink(name);
        self.writer.forget(name);
    }

    /// Waits until everything that was left to the writer's thread so far is done.
    pub fn flush(&self) {
        self.writer.flush();
    }

    /// What this process did with it so far.
    pub fn counters(&self) -> DiskCounters {
        let mut counters = self.store.counters.snapshot();
        if let Some(hot) = &self.hot {
            counters.add_fast(&hot.store.counters.snapshot());
        }
        counters
    }

    /// The newest message for the person, where something was wrong.
    pub fn problem(&self) -> Option<Arc<String>> {
        let fast = self.hot.as_ref().map(|hot| &hot.store.counters);
        self.store
            .counters
            .problem()
            .or_else(|| fast.and_then(Counters::problem))
    }
}

impl fmt::Debug for DiskCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DiskCache({})", self.folder().display())
    }
}
