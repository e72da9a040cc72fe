//! Bounded memory: shared slabs and the pool of frames.
//!
//! A [`FramePool`] hands out [`Slot`]s for decoded pictures. Slots are cut from slabs, which are shared
//! mappings (a `memfd` on Linux), so that a place in them can be named by number, [`SlotId`], and
//! filled by another process later. A slot goes back to its pool when it is dropped.

mod budget;
mod heap;
mod ledger;
mod pool;
mod slab;

pub use budget::MemoryBudget;
pub use heap::keep_heap_small;
pub use ledger::{Charge, Ledger, MemoryClass, OverBudget};
pub use pool::{FramePool, PoolError, PoolUsage, Slot};
pub use slab::SlotId;
