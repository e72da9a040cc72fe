//! What went well and what did not, counted; and what a person is told of it.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

/// A kind of trouble. Each is a miss or an item that is not kept, and no more: playback goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An item is not what was written: its disk decays, or somebody changed it.
    Damaged,
    /// An item cannot be read.
    Unreadable,
    /// The folder cannot be written to.
    Unwritable,
    /// The file system is as good as full.
    NoRoom,
    /// The database is broken, locked, or of another version.
    Database,
}

impl Fault {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Damaged,
        Self::Unreadable,
        Self::Unwritable,
        Self::NoRoom,
        Self::Database,
    ];

    const fn place(self) -> usize {
        match self {
            Self::Damaged => 0,
            Self::Unreadable => 1,
            Self::Unwritable => 2,
            Self::NoRoom => 3,
            Self::Database => 4,
        }
    }

    /// What a person is told.
    fn message(self, folder: &Path, cause: &dyn Display) -> String {
        let folder = folder.display();
        match self {
            Self::Damaged => format!(
                "the disk cache {folder} had a damaged item ({cause}); it is made again. \
                 `jogwheel cache verify` checks all of it."
            ),
            Self::Unreadable => format!(
                "the disk cache {folder} cannot be read ({cause}); playback goes on without it. \
                 Check the disk and the permissions."
            ),
            Self::Unwritable => format!(
                "the disk cache {folder} cannot be written to ({cause}); playback goes on, and \
                 nothing new is kept. Check the permissions, or name another folder with --cache-dir."
            ),
            Self::NoRoom => format!(
                "the disk of the cache {folder} is nearly full ({cause}); playback goes on, and \
                 nothing new is kept. Make room, or name another folder with --cache-dir."
            ),
            Self::Database => format!(
                "the index of the disk cache {folder} cannot be used ({cause}); playback goes on, \
                 and nothing new is kept for now."
            ),
        }
    }
}

/// What this process did with its disk cache so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskCounters {
    /// Items that were found.
    pub hits: u64,
    /// Items that were not.
    pub misses: u64,
    /// Items that were written.
    pub stored: u64,
    /// Items that were not kept: too large, no room, too many at once.
    pub declined: u64,
    /// Items that made room for others.
    pub evicted: u64,
    /// Items that were copied to the fast folder.
    pub promoted: u64,
    /// Times each [`Fault`] was met, in the order of [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
}

impl DiskCounters {
    /// Adds what was counted in the fast folder. An item that is not there is no miss.
    pub(super) fn add_fast(&mut self, fast: &Self) {
        self.hits += fast.hits;
        self.promoted += fast.stored;
        for (all, more) in self.faults.iter_mut().zip(fast.faults) {
            *all += more;
        }
    }

    /// Times this fault was met.
    pub fn faults_of(&self, fault: Fault) -> u64 {
        self.faults[fault.place()]
    }
}

/// The same, while it is counted.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) stored: AtomicU64,
    pub(super) declined: AtomicU64,
    pub(super) evicted: AtomicU64,
    faults: [AtomicU64; Fault::ALL.len()],
    problem: ArcSwapOption<String>,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, number: u64) {
        counter.fetch_add(number, Ordering::Relaxed);
    }

    /// Counts a fault. The first of its kind is told; more of the same would help nobody.
    pub(super) fn fault(&self, fault: Fault, folder: &Path, cause: &dyn Display) {
        let before = self.faults[fault.place()].fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            let message = fault.message(folder, cause);
            tracing::warn!("{message}");
            self.problem.store(Some(Arc::new(message)));
        } else {
            tracing::debug!("disk cache: {fault:?}: {cause}");
        }
    }

    /// The newest message.
    pub(super) fn problem(&self) -> Option<Arc<String>> {
        self.problem.load_full()
    }

    pub(super) fn snapshot(&self) -> DiskCounters {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DiskCounters {
            hits: load(&self.hits),
            misses: load(&self.misses),
            stored: load(&self.stored),
            declined: load(&self.declined),
            evicted: load(&self.evicted),
            promoted: 0,
            faults: self.faults.each_ref().map(load),
        }
    }
}
