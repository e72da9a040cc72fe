//! One mapping, cut into slots of one size.
//!
//! It is private, aligned to huge pages, and the system is asked for them: the first touch of a 4K
//! picture's 12.4 MB costs 0.3 ms in huge pages, 4.4 ms in small ones, and 7.3 ms in a shared mapping (`memfd`),
//! which gets no huge pages unless an administrator allows it.

use std::io;

use memmap2::{MmapOptions, MmapRaw};

use super::Charge;

/// Names a place in a pool: which slab, and how many bytes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotId {
    /// Number of the slab, unique in its pool.
    pub slab: u32,
    /// Bytes from its start.
    pub offset: u64,
}

/// What Linux calls a huge page on most machines. Where it is another size, slabs are a little larger than they
/// need to be.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Bytes of a slab for `bytes` of slots: whole huge pages where no more than a sixteenth is lost by it. In the
/// others the last pages are small ones.
pub(super) fn slab_bytes(bytes: usize) -> usize {
    let whole = bytes.next_multiple_of(HUGE_PAGE_BYTES);
    if whole - bytes <= bytes / 16 {
        whole
    } else {
        bytes
    }
}

/// Slots one behind the other. Pages take memory only once they are written.
pub(super) struct Slab {
    pub(super) number: u32,
    pub(super) slot_bytes: usize,
    pub(super) slots: usize,
    /// Free slots; the last one freed is reused first, for its pages are present and warm.
    pub(super) free: Vec<usize>,
    map: MmapRaw,
    /// Where the first slot begins in `map`, in bytes.
    start: usize,
    bytes: usize,
    /// What the ledger knows of it, where there is one. Dropped after the mapping.
    _charge: Option<Charge>,
}

impl Slab {
    pub(super) fn new(
        number: u32,
        slot_bytes: usize,
        slots: usize,
        bytes: usize,
        charge: Option<Charge>,
    ) -> io::Result<Self> {
        debug_assert!(
            slots
                .checked_mul(slot_bytes)
                .is_some_and(|used| used <= bytes)
        );
        let (map, start) = aligned_map(bytes)?;
        Ok(Self {
            number,
            slot_bytes,
            slots,
            free: (0..slots).rev().collect(),
            map,
            start,
            bytes,
            _charge: charge,
        })
    }

    /// What is mapped for it, without what alignment takes of the address space.
    pub(super) fn byte_len(&self) -> usize {
        self.bytes
    }

    pub(super) fn slot_ptr(&self, slot: usize) -> *mut u8 {
        assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        self.map
            .as_mut_ptr()
            .wrapping_add(self.start + slot * self.slot_bytes)
    }

    /// Whether `address` lies in this slab, and if so how far into it.
    pub(super) fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.checked_sub(self.slot_ptr(0) as usize)?;
        (offset < self.slots * self.slot_bytes).then_some(offset)
    }
}

/// A mapping, and where in it `bytes` begin that huge pages can hold.
fn aligned_map(bytes: usize) -> io::Result<(MmapRaw, usize)> {
    if bytes < HUGE_PAGE_BYTES {
        let map = MmapOptions::new().len(bytes).map_anon()?;
        return Ok((map.into(), 0));
    }
    let room = bytes
        .checked_add(HUGE_PAGE_BYTES)
        .ok_or(io::ErrorKind::OutOfMemory)?;
    let map = MmapRaw::from(MmapOptions::new().len(room).map_anon()?);
    let start = (map.as_mut_ptr() as usize).wrapping_neg() % HUGE_PAGE_BYTES;
    // A kernel without huge pages refuses, and small ones do as well.
    #[cfg(target_os = "linux")]
    let _ = map.advise_range(memmap2::Advice::HugePage, start, bytes);
    Ok((map, start))
}
