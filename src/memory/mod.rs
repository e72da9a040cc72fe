//! Bounded memory: the budget and who holds how much of it, slabs, the pool of frames.
//!
//! There is one [`MemoryBudget`]. Its [`Ledger`] is charged for all that is large before it is
//! allocated, and the [`MemoryManager`] sheds what is kept for later when memory gets short.
//!
//! A [`FramePool`] hands out [`Slot`]s for decoded pictures. Slots are cut from slabs, which are mappings in
//! huge pages, and a place in them is named by number, [`SlotId`]. A slot goes back to its pool when it is dropped.

mod budget;
mod heap;
mod ledger;
mod manager;
mod pool;
mod pressure;
mod slab;

pub use budget::MemoryBudget;
pub use heap::keep_heap_small;
pub use ledger::{Charge, Ledger, MemoryClass, OverBudget};
pub use manager::{MemoryManager, MemoryWatch, PressureGauge, Shedder, Step};
pub use pool::{FramePool, PoolError, PoolUsage, Reclaim, Shortage, Slot};
pub use pressure::{MemoryProbe, Pressure, Readings, Share, SystemProbe};
pub use slab::SlotId;
