//! Where products are kept from one opening of a file to the next.

use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::disk::{DiskCache, Key, Kind};
use crate::decode::FileIdentity;

/// What a product is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProductKind {
    /// One level of a strip of thumbnails.
    Thumbnails,
    /// The waveform of one stream.
    Waveform,
    /// A frame at the size that it is shown at, or a list of those that are kept.
    Picture,
}

/// What a product is found by. A file that changes has another identity, so what was made of its former
/// state is not found again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProductKey {
    /// What it is.
    pub kind: ProductKind,
    /// The file that it was made of, for people to read; it does not tell products apart.
    pub path: PathBuf,
    /// The state of that file.
    pub file: FileIdentity,
    /// What it was made with: the stream, sizes, the version of its layout.
    pub parameters: Vec<u8>,
}

impl ProductKey {
    fn names_the_same(&self, other: &Self) -> bool {
        (self.kind, self.file, &self.parameters) == (other.kind, other.file, &other.parameters)
    }
}

/// Keeps products. Both calls may take as long as a disk does, and come from the threads of jobs.
pub trait ProductStore: Send + Sync {
    /// The product, if it is kept. What it holds is checked by whoever asked.
    fn load(&self, key: &ProductKey) -> Option<Arc<[u8]>>;
    /// Keeps a product. It may be declined, and others may make room for it.
    fn store(&self, key: &ProductKey, bytes: &[u8]);
}

impl fmt::Debug for dyn ProductStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProductStore")
    }
}

impl ProductStore for DiskCache {
    fn load(&self, key: &ProductKey) -> Option<Arc<[u8]>> {
        self.get(&disk_key(key)).map(|bytes| Arc::from(&*bytes))
    }

    fn store(&self, key: &ProductKey, bytes: &[u8]) {
        let disk_key = disk_key(key);
        let is_kept = match key.kind {
            // A timeline has many sheets, and the next is made while this one is written.
            ProductKind::Thumbnails | ProductKind::Picture => {
                self.put_later(disk_key, bytes.to_vec())
            }
            ProductKind::Waveform => self.put(&disk_key, &[bytes]).is_ok(),
        };
        if !is_kept {
            // What has gone wrong the cache tells the person itself.
            tracing::debug!("{}: not kept", key.path.display());
        }
    }
}

fn disk_key(key: &ProductKey) -> Key {
    let kind = match key.kind {
        ProductKind::Thumbnails => Kind::Thumbnails,
        ProductKind::Waveform => Kind::Waveform,
        ProductKind::Picture => Kind::Pictures,
    };
    Key::new(kind, &key.path, &key.file, &key.parameters)
}

/// Keeps products in memory while the program runs, up to a limit; the least recently used make room.
#[derive(Debug)]
pub struct MemoryStore {
    limit_bytes: usize,
    /// The most recently used last.
    kept: Mutex<VecDeque<(ProductKey, Arc<[u8]>)>>,
}

impl MemoryStore {
    /// An empty store of at most this many bytes.
    pub fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            kept: Mutex::default(),
        }
    }

    /// Bytes of all products that are kept.
    pub fn used_bytes(&self) -> usize {
        self.kept.lock().iter().map(|(_, bytes)| bytes.len()).sum()
    }
}

impl ProductStore for MemoryStore {
    fn load(&self, key: &ProductKey) -> Option<Arc<[u8]>> {
        let mut kept = self.kept.lock();
        let place = kept
            .iter()
            .position(|(known, _)| known.names_the_same(key))?;
        let entry = kept.remove(place)?;
        let bytes = Arc::clone(&entry.1);
        kept.push_back(entry);
        Some(bytes)
    }

    fn store(&self, key: &ProductKey, bytes: &[u8]) {
        if bytes.len() > self.limit_bytes {
            return;
        }
        let mut kept = self.kept.lock();
        kept.retain(|(known, _)| !known.names_the_same(key));
        let mut used: usize = kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while used + bytes.len() > self.limit_bytes {
            let Some((_, oldest)) = kept.pop_front() else {
                break;
            };
            used -= oldest.len();
        }
        kept.push_back((key.clone(), Arc::from(bytes)));
    }
}

/// What a product begins with: `magic`, which names its layout, and three numbers, little-endian.
pub(super) fn head(magic: [u8; 8], numbers: [u32; 3]) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

/// The three numbers of a [`head`], and what follows it. `None` where it is of another layout.
pub(super) fn split_head(magic: [u8; 8], bytes: &[u8]) -> Option<([u32; 3], &[u8])> {
    let rest = bytes.strip_prefix(&magic)?;
    let (numbers, rest) = rest.split_at_checked(12)?;
    let (numbers, _) = numbers.as_chunks::<4>();
    let numbers: [[u8; 4]; 3] = numbers.try_into().ok()?;
    Some((numbers.map(u32::from_le_bytes), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::disk::DiskLimits;

    fn key(number: u64) -> ProductKey {
        ProductKey {
            kind: ProductKind::Waveform,
            path: PathBuf::from("a.wav"),
            file: FileIdentity {
                bytes: number,
                modified_nanos: 0,
                device: 0,
                inode: 0,
            },
            parameters: Vec::new(),
        }
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let store = MemoryStore::new(10);
        for number in 0..3 {
            store.store(&key(number), &[0; 3]);
        }
        assert!(store.load(&key(0)).is_some());
        store.store(&key(3), &[0; 4]);
        assert!(store.load(&key(1)).is_none(), "it was used the longest ago");
        assert!(store.load(&key(0)).is_some());
        assert_eq!(store.used_bytes(), 10);
        store.store(&key(3), &[0; 1]);
        assert_eq!(store.used_bytes(), 7, "a product replaces itself");
        store.store(&key(4), &[0; 11]);
        assert!(store.load(&key(4)).is_none(), "too large for all of it");
        assert_eq!(store.used_bytes(), 7);
    }

    #[test]
    fn a_disk_cache_keeps_products_from_one_opening_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let open = || DiskCache::open(folder.path().to_owned(), DiskLimits::default()).unwrap();
        open().store(&key(1), b"one");
        let again = open();
        assert_eq!(again.load(&key(1)).as_deref(), Some(&b"one"[..]));
        let strip = ProductKey {
            kind: ProductKind::Thumbnails,
            ..key(1)
        };
        assert!(again.load(&strip).is_none() && again.load(&key(2)).is_none());
        again.store(&strip, b"sheet");
        again.flush();
        assert_eq!(open().load(&strip).as_deref(), Some(&b"sheet"[..]));
    }

    #[test]
    fn another_state_of_the_file_is_another_product_and_another_name_is_not() {
        let store = MemoryStore::new(100);
        store.store(&key(1), b"one");
        assert!(store.load(&key(2)).is_none());
        let renamed = ProductKey {
            path: PathBuf::from("b.wav"),
            ..key(1)
        };
        assert_eq!(store.load(&renamed).as_deref(), Some(&b"one"[..]));
    }
}
