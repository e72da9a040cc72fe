//! A second folder, on a faster disk, with copies of what is used most.
//!
//! It holds copies alone: whatever happens to it costs time, never an item. It has a limit, a database
//! and faults of its own, and `jogwheel cache --cache-dir` looks after it like after any other.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::key::ItemName;
use super::store::Store;

/// An item is hot when it is used for the second time, and once more for each of these bytes: the
/// larger it is, the more others have to go for it.
const BYTES_PER_USE: u64 = 4 << 20;

/// Items whose uses are counted. Beyond that counting begins anew.
const MAX_COUNTED: usize = 1 << 16;

pub(super) struct Hot {
    pub(super) store: Arc<Store>,
    /// Uses of items that are not in the fast folder.
    uses: Mutex<HashMap<ItemName, u64>>,
}

impl Hot {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            uses: Mutex::default(),
        }
    }

    /// Counts a use of an item that is in the slow folder. True when it is to be copied now.
    pub(super) fn count_use(&self, name: ItemName, bytes: u64) -> bool {
        let mut uses = self.uses.lock();
        if uses.len() >= MAX_COUNTED {
            uses.clear();
        }
        let count = uses.entry(name).or_default();
        *count += 1;
        let is_hot = *count >= 2 + bytes / BYTES_PER_USE;
        if is_hot {
            // One that does not stay there has to earn it again.
            uses.remove(&name);
        }
        is_hot
    }

    /// Removes the copy of an item that is removed, and leaves its record.
    pub(super) fn unlink(&self, name: ItemName) {
        self.uses.lock().remove(&name);
        self.store.unlink(name);
    }

    /// Removes the copy of an item that has changed.
    pub(super) fn forget(&self, name: ItemName) {
        self.uses.lock().remove(&name);
        if self.store.folder.last_use(name).is_some() {
            self.store.remove(&[name]);
        }
    }
}
