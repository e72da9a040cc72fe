//! What an item holds, as its readers see it.

use std::fmt;
use std::ops::{Deref, Range};

use memmap2::Mmap;

/// The bytes of an item, checked. They stay as they are while this lives, even when the item is
/// evicted or replaced meanwhile: files of the cache are unlinked, never written to again.
pub struct CachedBytes {
    holder: Holder,
    range: Range<usize>,
}

enum Holder {
    /// Small or compressed items.
    Memory(Vec<u8>),
    /// Large ones: pages are read when they are looked at.
    Mapped(Mmap),
}

impl CachedBytes {
    pub(super) fn in_memory(bytes: Vec<u8>, range: Range<usize>) -> Self {
        Self {
            holder: Holder::Memory(bytes),
            range,
        }
    }

    pub(super) fn mapped(map: Mmap, range: Range<usize>) -> Self {
        Self {
            holder: Holder::Mapped(map),
            range,
        }
    }
}

impl Deref for CachedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.holder {
            Holder::Memory(bytes) => bytes,
            Holder::Mapped(map) => map,
        };
        all.get(self.range.clone()).unwrap_or(&[])
    }
}

impl AsRef<[u8]> for CachedBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for CachedBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cached bytes", self.len())
    }
}
