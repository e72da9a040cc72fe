//! The pool that decoded pictures live in.

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::slab::{Slab, slab_bytes};
use super::{Ledger, MemoryClass, SlotId};

/// Slots begin on page boundaries and are whole pages long, so that two frames never share a page.
const PAGE_BYTES: usize = 4096;

/// A slab holds about this much, and at least one slot: enough that small pictures do not need a
/// mapping each, little enough that slots of a past size that are still held (kept frames, for the
/// most part) do not keep much beside themselves.
const SLAB_BYTES: usize = 8 << 20;

/// Kept frames that are let go at most for one slot. What was let go may still be held by somebody else,
/// as a reference or on its way to the screen, or share its slab with others.
const MOST_RECLAIMS: usize = 64;

/// Why there is no slot.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The limit is reached; a slot comes free when a frame is dropped.
    #[error("the frame pool is full ({limit_bytes} bytes)")]
    Full {
        /// The limit.
        limit_bytes: u64,
    },
    /// The system has no memory left for another slab.
    #[error("no memory for frames: {0}. Close other programs or lower --memory.")]
    System(#[from] io::Error),
}

/// How much of a pool is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolUsage {
    /// Slots held by frames.
    pub used_slots: usize,
    /// Bytes of those slots.
    pub used_bytes: u64,
    /// The most slots that were ever held at once.
    pub peak_slots: usize,
    /// The most bytes that were ever held at once.
    pub peak_bytes: u64,
    /// Bytes mapped, used or not.
    pub mapped_bytes: u64,
    /// No more than this is ever held.
    pub limit_bytes: u64,
}

/// What there is too little of for a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// The pool is at its limit: only frames in its slots make room.
    Slots,
    /// The ledger has nothing left for another slab: whatever was charged there makes room as well.
    Budget,
}

/// Holds frames of a pool that it can do without.
pub trait Reclaim: Send + Sync {
    /// Lets go of about `bytes` of what there is too little of; false when nothing was left to let go of.
    /// Called by whoever wants a slot, a decoder's threads among them, without the pool's lock.
    fn give_back(&self, bytes: u64, shortage: Shortage) -> bool;
}

struct Inner {
    slabs: Vec<Slab>,
    next_number: u32,
    usage: PoolUsage,
    ledger: Option<Ledger>,
    reclaim: Option<Weak<dyn Reclaim>>,
}

/// Hands out slots for decoded pictures, up to a limit in bytes. Clones share one pool.
///
/// Any thread may take or return a slot. The lock is held for a few instructions, except when a slab
/// is mapped or unmapped.
#[derive(Clone)]
pub struct FramePool {
    inner: Arc<Mutex<Inner>>,
}

impl FramePool {
    /// A pool that never maps more than `limit_bytes`.
    pub fn new(limit_bytes: u64) -> Self {
        Self::with_ledger(limit_bytes, None)
    }

    /// The same; each slab is charged to `ledger` before it is mapped.
    pub fn charged(limit_bytes: u64, ledger: Ledger) -> Self {
        Self::with_ledger(limit_bytes, Some(ledger))
    }

    fn with_ledger(limit_bytes: u64, ledger: Option<Ledger>) -> Self {
        let usage = PoolUsage {
            limit_bytes,
            ..PoolUsage::default()
        };
        Self {
            inner: Arc::new(Mutex::new(Inner {
                slabs: Vec::new(),
                next_number: 0,
                usage,
                ledger,
                reclaim: None,
            })),
        }
    }

    /// What its slabs are charged to.
    pub fn ledger(&self) -> Option<Ledger> {
        self.inner.lock().ledger.clone()
    }

    /// Names who is asked for frames when the pool is full.
    pub fn set_reclaim(&self, reclaim: Weak<dyn Reclaim>) {
        self.inner.lock().reclaim = Some(reclaim);
    }

    /// A slot of at least `bytes`, page-aligned. Its contents are whatever was there before. When the pool
    /// is full, whoever keeps frames for later is asked to let go of some.
    pub fn acquire(&self, bytes: usize) -> Result<Slot, PoolError> {
        let slot_bytes = bytes.max(1).next_multiple_of(PAGE_BYTES);
        let mut tries = 0;
        loop {
            let (full, shortage) = match self.try_acquire(slot_bytes) {
                Ok(slot) => return Ok(slot),
                Err((error, None)) => return Err(error),
                Err((full, Some(shortage))) => (full, shortage),
            };
            // Asked without the lock: frames that are let go come back through it.
            let reclaim = self.inner.lock().reclaim.as_ref().and_then(Weak::upgrade);
            let gave_back =
                reclaim.is_some_and(|reclaim| reclaim.give_back(slot_bytes as u64, shortage));
            tries += 1;
            if !gave_back || tries > MOST_RECLAIMS {
                return Err(full);
            }
        }
    }

    /// The same, if there is room without anybody letting go of anything.
    pub fn acquire_spare(&self, bytes: usize) -> Option<Slot> {
        self.try_acquire(bytes.max(1).next_multiple_of(PAGE_BYTES))
            .ok()
    }

    /// A slot, or why there is none and what would help.
    fn try_acquire(&self, slot_bytes: usize) -> Result<Slot, (PoolError, Option<Shortage>)> {
        let mut inner = self.inner.lock();
        let limit_bytes = inner.usage.limit_bytes;
        let full = || (PoolError::Full { limit_bytes }, Some(Shortage::Slots));
        if inner.usage.used_bytes + slot_bytes as u64 > limit_bytes {
            return Err(full());
        }
        let found = inner
            .slabs
            .iter()
            .position(|s| s.slot_bytes == slot_bytes && !s.free.is_empty());
        let slab = match found {
            Some(slab) => slab,
            None => inner.add_slab(slot_bytes)?,
        };
        let (id, ptr) = inner.take(slab).ok_or_else(full)?;
        Ok(Slot {
            id,
            ptr,
            bytes: slot_bytes,
            pool: self.clone(),
        })
    }

    /// How much is in use.
    pub fn usage(&self) -> PoolUsage {
        self.inner.lock().usage
    }

    /// Which slot `address` belongs to, and the bytes of that slot, if it lies in this pool.
    pub fn slot_at(&self, address: *const u8) -> Option<(SlotId, usize)> {
        let inner = self.inner.lock();
        inner.slabs.iter().find_map(|slab| {
            let offset = slab.offset_of(address as usize)?;
            let start = offset - offset % slab.slot_bytes;
            let slot = SlotId {
                slab: slab.number,
                offset: start as u64,
            };
            Some((slot, slab.slot_bytes))
        })
    }

    /// Unmaps slabs that hold no frame. Answers how many bytes that were.
    pub fn trim(&self) -> u64 {
        self.inner.lock().trim(None)
    }

    fn release(&self, id: SlotId) {
        let mut inner = self.inner.lock();
        let Some(slab) = inner.slabs.iter_mut().find(|slab| slab.number == id.slab) else {
            unreachable!("a slab stays mapped while one of its slots is out");
        };
        let slot_bytes = slab.slot_bytes;
        let slot = usize::try_from(id.offset).unwrap_or(usize::MAX) / slot_bytes;
        debug_assert!(!slab.free.contains(&slot), "slot {id:?} was returned twice");
        slab.free.push(slot);
        inner.usage.used_slots -= 1;
        inner.usage.used_bytes -= slot_bytes as u64;
    }
}

impl Inner {
    fn add_slab(&mut self, slot_bytes: usize) -> Result<usize, (PoolError, Option<Shortage>)> {
        let limit_bytes = self.usage.limit_bytes;
        let full = |shortage| (PoolError::Full { limit_bytes }, Some(shortage));
        // Slabs of another size that stand empty belong to a medium that is closed.
        self.trim(Some(slot_bytes));
        let room = limit_bytes.saturating_sub(self.usage.mapped_bytes);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let slots = (SLAB_BYTES / slot_bytes).max(1).min(room / slot_bytes);
        if slots == 0 {
            return Err(full(Shortage::Slots));
        }
        let mapped = slab_bytes(slots * slot_bytes).min(room);
        let bytes = mapped as u64;
        let reserve = |ledger: &Ledger| ledger.reserve(MemoryClass::Frames, bytes);
        let charge = match self.ledger.as_ref().map(reserve).transpose() {
            Ok(charge) => charge,
            Err(_over_budget) => return Err(full(Shortage::Budget)),
        };
        let slab = Slab::new(self.next_number, slot_bytes, slots, mapped, charge)
            .map_err(|error| (error.into(), None))?;
        self.next_number += 1;
        self.usage.mapped_bytes += bytes;
        self.slabs.push(slab);
        Ok(self.slabs.len() - 1)
    }

    fn take(&mut self, slab: usize) -> Option<(SlotId, *mut u8)> {
        let slab = &mut self.slabs[slab];
        let slot = slab.free.pop()?;
        let id = SlotId {
            slab: slab.number,
            offset: (slot * slab.slot_bytes) as u64,
        };
        let (ptr, bytes) = (slab.slot_ptr(slot), slab.slot_bytes as u64);
        self.usage.used_slots += 1;
        self.usage.used_bytes += bytes;
        self.usage.peak_slots = self.usage.peak_slots.max(self.usage.used_slots);
        self.usage.peak_bytes = self.usage.peak_bytes.max(self.usage.used_bytes);
        Some((id, ptr))
    }

    /// Answers how many bytes were unmapped.
    fn trim(&mut self, keep_slot_bytes: Option<usize>) -> u64 {
        let before = self.usage.mapped_bytes;
        self.slabs
            .retain(|s| s.free.len() < s.slots || Some(s.slot_bytes) == keep_slot_bytes);
        self.usage.mapped_bytes = self.slabs.iter().map(|slab| slab.byte_len() as u64).sum();
        before - self.usage.mapped_bytes
    }
}

impl fmt::Debug for FramePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FramePool").field(&self.usage()).finish()
    }
}

/// Exclusive use of a piece of a slab, until it is dropped.
#[derive(Debug)]
pub struct Slot {
    id: SlotId,
    ptr: *mut u8,
    bytes: usize,
    pool: FramePool,
}

#[expect(
    unsafe_code,
    reason = "a slot is the only owner of its bytes, on whatever thread"
)]
// SAFETY: the pointer leads to bytes that no other slot covers, and the pool behind it is shared by
// a lock; nothing in a slot depends on the thread that made it.
unsafe impl Send for Slot {}
#[expect(unsafe_code, reason = "a shared slot tells no more than where it lies")]
// SAFETY: nothing is read or written through a shared reference; whoever uses the address vouches for that.
unsafe impl Sync for Slot {}

impl Slot {
    /// Its name.
    pub fn id(&self) -> SlotId {
        self.id
    }

    /// The first byte; on a page boundary.
    pub fn as_mut_ptr(&self) -> *mut u8 {
        self.ptr
    }

    /// Bytes that may be used.
    pub fn byte_len(&self) -> usize {
        self.bytes
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.release(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dropped_slot_is_reused_first() {
        let pool = FramePool::new(64 << 20);
        let first = pool.acquire(1 << 20).unwrap();
        let (id, ptr) = (first.id(), first.as_mut_ptr());
        assert_eq!(pool.slot_at(ptr.wrapping_add(1000)), Some((id, 1 << 20)));
        drop(first);
        assert_eq!(pool.usage().used_bytes, 0);
        assert_eq!(pool.acquire(1 << 20).unwrap().id(), id);
    }

    #[test]
    fn a_full_pool_says_so_and_recovers() {
        let pool = FramePool::new(3 * 4096);
        let slots: Vec<_> = (0..3).map(|_| pool.acquire(4000).unwrap()).collect();
        assert!(matches!(pool.acquire(1), Err(PoolError::Full { .. })));
        drop(slots);
        assert!(pool.acquire(3 * 4096).is_ok());
        pool.trim();
        assert_eq!(pool.usage().mapped_bytes, 0);
    }

    /// Keeps slots, and lets them go one by one.
    struct Keeper(Mutex<Vec<Slot>>);

    impl Reclaim for Keeper {
        fn give_back(&self, _bytes: u64, _shortage: Shortage) -> bool {
            let slot = self.0.lock().pop();
            slot.is_some()
        }
    }

    #[test]
    fn kept_slots_make_room_for_wanted_ones() {
        let ledger = Ledger::new(16 << 20);
        let pool = FramePool::charged(8 << 20, ledger.clone());
        let kept = (0..8).map(|_| pool.acquire(1 << 20).unwrap()).collect();
        let keeper = Arc::new(Keeper(Mutex::new(kept)));
        assert!(matches!(pool.acquire(1), Err(PoolError::Full { .. })));
        let reclaim: Weak<Keeper> = Arc::downgrade(&keeper);
        pool.set_reclaim(reclaim);
        let same_size = pool.acquire(1 << 20).unwrap();
        assert_eq!(keeper.0.lock().len(), 7, "no more than it takes");
        assert_eq!(ledger.used(MemoryClass::Frames), 8 << 20);
        // Of another size: the slab must be empty to make room, and one of its slots is out.
        assert!(matches!(pool.acquire(4 << 20), Err(PoolError::Full { .. })));
        drop(same_size);
        let other = pool.acquire(4 << 20).unwrap();
        assert_eq!(ledger.used(MemoryClass::Frames), pool.usage().mapped_bytes);
        drop(other);
        pool.trim();
        assert_eq!(ledger.total(), 0);
    }

    proptest! {
        #[test]
        fn never_two_owners_and_never_over_the_limit(
            steps in prop::collection::vec((0usize..200_000, any::<bool>()), 1..200),
        ) {
            let pool = FramePool::new(2 << 20);
            let mut held: Vec<Slot> = Vec::new();
            for (bytes, drop_one) in steps {
                if drop_one && !held.is_empty() {
                    held.swap_remove(bytes % held.len());
                } else if let Ok(slot) = pool.acquire(bytes) {
                    prop_assert!(slot.byte_len() >= bytes);
                    let range = slot.as_mut_ptr() as usize..slot.as_mut_ptr() as usize + slot.byte_len();
                    for other in &held {
                        let start = other.as_mut_ptr() as usize;
                        prop_assert!(range.end <= start || start + other.byte_len() <= range.start);
                    }
                    held.push(slot);
                }
                let used: usize = held.iter().map(Slot::byte_len).sum();
                prop_assert_eq!(pool.usage().used_bytes, used as u64);
                prop_assert!(used as u64 <= pool.usage().mapped_bytes);
                prop_assert!(pool.usage().mapped_bytes <= pool.usage().limit_bytes);
                prop_assert_eq!(pool.usage().used_slots, held.len());
            }
        }
    }
}
