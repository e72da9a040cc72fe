//! Bounded memory: shared slabs and the pool of frames.

/// Names a place in shared memory: which slab, and how many bytes into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotId {
    /// Number of the slab.
    pub slab: u32,
    /// Bytes from its start.
    pub offset: u64,
}
