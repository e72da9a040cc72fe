//! One shared mapping, cut into slots of one size.

use std::io;

use memmap2::{MmapOptions, MmapRaw};

use super::Charge;

/// Names a place in shared memory: which slab, and how many bytes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotId {
    /// Number of the slab, unique in its pool.
    pub slab: u32,
    /// Bytes from its start.
    pub offset: u64,
}

/// A mapping of `slots * slot_bytes` bytes. Pages take memory only once they are written.
pub(super) struct Slab {
    pub(super) number: u32,
    pub(super) slot_bytes: usize,
    pub(super) slots: usize,
    /// Free slots; the last one freed is reused first, for its pages are present and warm.
    pub(super) free: Vec<usize>,
    map: MmapRaw,
    /// What the ledger knows of it, where there is one. Dropped after the mapping.
    _charge: Option<Charge>,
}

impl Slab {
    pub(super) fn new(
        number: u32,
        slot_bytes: usize,
        slots: usize,
        charge: Option<Charge>,
    ) -> io::Result<Self> {
        let bytes = slot_bytes
            .checked_mul(slots)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let map = shared_map(bytes)?;
        Ok(Self {
            number,
            slot_bytes,
            slots,
            free: (0..slots).rev().collect(),
            map,
            _charge: charge,
        })
    }

    pub(super) fn byte_len(&self) -> usize {
        self.slot_bytes * self.slots
    }

    pub(super) fn slot_ptr(&self, slot: usize) -> *mut u8 {
        assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        self.map.as_mut_ptr().wrapping_add(slot * self.slot_bytes)
    }

    /// Whether `address` lies in this slab, and if so how far into it.
    pub(super) fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.map.as_mut_ptr() as usize)?;
        (offset < self.byte_len()).then_some(offset)
    }
}

#[cfg(target_os = "linux")]
fn shared_map(bytes: usize) -> io::Result<MmapRaw> {
    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    let file = memfd_create("jogwheel-frames", MemfdFlags::CLOEXEC)?;
    ftruncate(&file, bytes as u64)?;
    MmapOptions::new()
        .len(bytes)
        .map_raw(&std::fs::File::from(file))
}

#[cfg(not(target_os = "linux"))]
fn shared_map(bytes: usize) -> io::Result<MmapRaw> {
    MmapOptions::new().len(bytes).map_anon().map(MmapRaw::from)
}
