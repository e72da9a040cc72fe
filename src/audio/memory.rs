//! What sound takes of the memory budget.

use std::sync::{Arc, Weak};

use crate::memory::{Charge, MemoryClass, MemoryManager, OverBudget, Shedder, Step};

/// What a reader takes with its decoder and its file's buffers, in bytes, as measured with AAC in MP4 and
/// rounded up.
pub(super) const READER_BYTES: u64 = 2 << 20;

/// The budget that readers and rings are charged to. Without one they are charged to nobody.
#[derive(Clone, Default)]
pub(crate) struct SoundMemory(Option<Arc<MemoryManager>>);

impl SoundMemory {
    pub(crate) fn new(manager: Option<Arc<MemoryManager>>) -> Self {
        Self(manager)
    }

    /// Charges `bytes`.
    pub(super) fn reserve(&self, bytes: u64) -> Result<SoundCharge, OverBudget> {
        let reserve = |manager: &Arc<MemoryManager>| {
            let ledger = manager.ledger();
            ledger.reserve(MemoryClass::Audio, bytes)
        };
        self.0.as_ref().map(reserve).transpose().map(SoundCharge)
    }

    /// Lets `shedder` close what is idle when memory is short.
    pub(super) fn register(&self, shedder: Weak<dyn Shedder>) {
        if let Some(manager) = &self.0 {
            manager.register(Step::IdleAudio, shedder);
        }
    }
}

/// The right to what was charged, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct SoundCharge(Option<Charge>);

impl SoundCharge {
    /// How many bytes; none where nobody counts.
    pub(super) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, Charge::bytes)
    }
}
