//! What textures and buffers may take of the memory budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::memory::{Charge, Ledger, MemoryClass, Shedder};

/// The share of the budget that the graphics device works in. Clones share it; any thread may ask.
///
/// Some things must be there for anything to be seen: the planes of the frame that is being converted,
/// staging buffers, what is drawn to. They are counted, and are not refused. What can be done without,
/// kept pictures, gets what is left of the share after them, and makes room when they grow.
#[derive(Debug, Clone)]
pub struct TextureBudget {
    ledger: Ledger,
    limits: Arc<Limits>,
}

/// All in bytes.
#[derive(Debug)]
struct Limits {
    share: AtomicU64,
    /// What had to be there although the ledger had no room for it.
    beyond: AtomicU64,
    /// What can be done without.
    spare: AtomicU64,
    /// How much of that others want back.
    wanted_back: AtomicU64,
}

impl TextureBudget {
    /// The least share: two pictures of 4K and what it takes to make them.
    pub const MIN_BYTES: u64 = 64 << 20;

    /// Charges to `ledger`, `share_bytes` of it at most where there is a choice.
    pub fn new(ledger: Ledger, share_bytes: u64) -> Self {
        Self {
            ledger,
            limits: Arc::new(Limits {
                share: AtomicU64::new(share_bytes),
                beyond: AtomicU64::new(0),
                spare: AtomicU64::new(0),
                wanted_back: AtomicU64::new(0),
            }),
        }
    }

    /// An eighth of what `ledger` has, no less than [`Self::MIN_BYTES`].
    pub fn of_ledger(ledger: Ledger) -> Self {
        let share_bytes = (ledger.limit() / 8).max(Self::MIN_BYTES);
        Self::new(ledger, share_bytes)
    }

    /// Bytes that may be taken where there is a choice. Nothing is kept where it is zero.
    pub fn share(&self) -> u64 {
        self.limits.share.load(Ordering::Relaxed)
    }

    /// Makes the share smaller from now on. What is kept beyond it is given up at the next turn of whoever
    /// keeps it.
    pub fn lower_share(&self, bytes: u64) {
        self.limits.share.fetch_min(bytes, Ordering::Relaxed);
    }

    /// Asks for `bytes` of what can be done without. Answers how many will be given back: textures belong to
    /// the presenting thread, which does so at its next turn.
    pub fn ask_back(&self, bytes: u64) -> u64 {
        let limits = &self.limits;
        let spare = limits.spare.load(Ordering::Relaxed);
        let asked = limits.wanted_back.load(Ordering::Relaxed);
        let more = bytes.min(spare.saturating_sub(asked));
        limits.wanted_back.fetch_add(more, Ordering::Relaxed);
        more
    }

    /// Bytes that others want back, and that nobody has seen to yet.
    pub(super) fn take_asked_back(&self) -> u64 {
        self.limits.wanted_back.swap(0, Ordering::Relaxed)
    }

    /// Bytes taken.
    pub fn used(&self) -> u64 {
        let beyond = self.limits.beyond.load(Ordering::Relaxed);
        let classes = [MemoryClass::Textures, MemoryClass::Effects];
        classes
            .map(|class| self.ledger.used(class))
            .iter()
            .sum::<u64>()
            + beyond
    }

    /// Room for something that can be done without, if there is any.
    pub(super) fn spare(&self, bytes: u64) -> Option<Lease> {
        if self.used().saturating_add(bytes) > self.share() {
            return None;
        }
        // What was taken beyond the ledger has the first claim to what it has now.
        let beyond = self.limits.beyond.load(Ordering::Relaxed);
        if self.ledger.room(MemoryClass::Textures) < bytes.saturating_add(beyond) {
            return None;
        }
        let charge = self.ledger.reserve(MemoryClass::Textures, bytes).ok()?;
        self.limits.spare.fetch_add(bytes, Ordering::Relaxed);
        Some(self.lease(Some(charge), 0, bytes))
    }

    /// Room for something that must be there.
    pub(super) fn must(&self, bytes: u64) -> Lease {
        self.must_have(MemoryClass::Textures, bytes)
    }

    /// Room for what layers are composed in.
    pub(super) fn effect(&self, bytes: u64) -> Lease {
        self.must_have(MemoryClass::Effects, bytes)
    }

    fn must_have(&self, class: MemoryClass, bytes: u64) -> Lease {
        match self.ledger.reserve(class, bytes) {
            Ok(charge) => self.lease(Some(charge), 0, 0),
            Err(error) => {
                tracing::debug!("{error} It is taken all the same, and what is spare makes room.");
                self.ask_back(bytes);
                self.limits.beyond.fetch_add(bytes, Ordering::Relaxed);
                self.lease(None, bytes, 0)
            }
        }
    }

    fn lease(&self, charge: Option<Charge>, beyond_bytes: u64, spare_bytes: u64) -> Lease {
        Lease {
            _charge: charge,
            beyond_bytes,
            spare_bytes,
            limits: Arc::clone(&self.limits),
        }
    }
}

impl Default for TextureBudget {
    /// No limit, and no share: everything is counted, and nothing is kept.
    fn default() -> Self {
        Self::new(Ledger::new(u64::MAX), 0)
    }
}

impl Shedder for TextureBudget {
    fn shed(&self, wanted_bytes: u64) -> u64 {
        self.ask_back(wanted_bytes)
    }
}

/// The right to some bytes of textures and buffers, until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    _charge: Option<Charge>,
    beyond_bytes: u64,
    spare_bytes: u64,
    limits: Arc<Limits>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Limits { beyond, spare, .. } = &*self.limits;
        beyond.fetch_sub(self.beyond_bytes, Ordering::Relaxed);
        spare.fetch_sub(self.spare_bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn what_must_be_there_comes_before_what_is_spare() {
        let ledger = Ledger::new(100 * MIB);
        let budget = TextureBudget::new(ledger.clone(), 50 * MIB);
        let must = budget.must(40 * MIB);
        assert!(budget.spare(11 * MIB).is_none());
        let spare = budget.spare(10 * MIB);
        assert_eq!((spare.is_some(), budget.used()), (true, 50 * MIB));
        // Beyond the share, and even beyond the budget, the picture goes on.
        let more = budget.must(60 * MIB);
        assert_eq!((budget.used(), ledger.total()), (110 * MIB, 50 * MIB));
        drop((must, spare, more));
        assert_eq!((budget.used(), ledger.total()), (0, 0));
    }

    #[test]
    fn others_may_have_taken_what_the_share_allows() {
        let ledger = Ledger::new(60 * MIB);
        let budget = TextureBudget::new(ledger.clone(), 50 * MIB);
        let frames = ledger.reserve(MemoryClass::Frames, 55 * MIB).unwrap();
        assert!(budget.spare(10 * MIB).is_none());
        drop(frames);
        assert!(budget.spare(10 * MIB).is_some());
    }

    #[test]
    fn no_more_is_asked_back_than_can_be_done_without() {
        let budget = TextureBudget::new(Ledger::new(100 * MIB), 50 * MIB);
        let must = budget.must(20 * MIB);
        let spare = budget.spare(30 * MIB);
        let answers = [10, 15, 100, 1].map(|mib| budget.ask_back(mib * MIB) / MIB);
        assert_eq!(answers, [10, 15, 5, 0]);
        assert_eq!(budget.take_asked_back(), 30 * MIB);
        assert_eq!(budget.take_asked_back(), 0);
        drop((must, spare));
        assert_eq!(budget.ask_back(MIB), 0);
    }

    #[test]
    fn a_share_only_gets_smaller() {
        let budget = TextureBudget::of_ledger(Ledger::new(1024 * MIB));
        assert_eq!(budget.share(), 128 * MIB);
        budget.clone().lower_share(10 * MIB);
        budget.lower_share(20 * MIB);
        assert_eq!(budget.share(), 10 * MIB);
        let little = TextureBudget::of_ledger(Ledger::new(256 * MIB));
        assert_eq!(little.share(), TextureBudget::MIN_BYTES);
        assert_eq!(TextureBudget::default().share(), 0);
    }
}
