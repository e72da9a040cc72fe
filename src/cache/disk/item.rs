//! Item files.
//!
//! ```text
//!  0  magic and version of the layout      8 bytes
//!  8  kind                                 1
//!  9  encoding: 0 plain, 1 zstd            1
//! 10  length of the label                  2
//! 12  zero                                 4
//! 16  length of the payload as stored      8
//! 24  length of the payload, plain         8
//! 32  name: the hash of the key           32
//! 64  BLAKE3 of bytes 0 to 63, the payload and the label
//! 96  payload, then the label in UTF-8
//! ```
//! Numbers are little-endian. A file tells everything that the database knows of it, so that a lost
//! database can be made again. It tells its own name, too: a file that was moved to another item's
//! place is found out.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use memmap2::Mmap;

use super::bytes::CachedBytes;
use super::key::{ItemName, Key, Kind};

const HEADER_BYTES: usize = 96;
const MAGIC: [u8; 8] = *b"jwitem\0\x01";

/// The largest payload, plain: twice an 8K picture of four 32-bit floats.
pub(super) const MAX_PLAIN_BYTES: u64 = 1 << 30;

/// Up to this size a file is read, for a mapping would cost more than the copy.
const SMALL_BYTES: u64 = 256 << 10;

/// Shorter payloads are not worth the attempt to compress them.
const MIN_COMPRESSED_BYTES: u64 = 512;

/// Fast rather than small: a level that writes several hundred megabytes a second.
const ZSTD_LEVEL: i32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Plain,
    Zstd,
}

/// What stands at the head of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    encoding: Encoding,
    label_bytes: u16,
    stored_bytes: u64,
    pub(super) plain_bytes: u64,
    pub(super) name: ItemName,
    checksum: [u8; 32],
}

impl Header {
    /// The part that the checksum covers.
    fn head(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        let encoding = match self.encoding {
            Encoding::Plain => 0,
            Encoding::Zstd => 1,
        };
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8] = self.kind.code();
        bytes[9] = encoding;
        bytes[10..12].copy_from_slice(&self.label_bytes.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.stored_bytes.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.plain_bytes.to_le_bytes());
        bytes[32..].copy_from_slice(&self.name.0);
        bytes
    }

    fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..64].copy_from_slice(&self.head());
        bytes[64..].copy_from_slice(&self.checksum);
        bytes
    }

    fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let number = |at: usize| -> Option<u64> {
            Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
        };
        let header = Self {
            kind: Kind::from_code(bytes[8])?,
            encoding: match bytes[9] {
                0 => Encoding::Plain,
                1 => Encoding::Zstd,
                _ => return None,
            },
            label_bytes: u16::from_le_bytes([bytes[10], bytes[11]]),
            stored_bytes: number(16)?,
            plain_bytes: number(24)?,
            name: ItemName(bytes[32..64].try_into().ok()?),
            checksum: bytes[64..].try_into().ok()?,
        };
        let lengths_agree =
            header.encoding == Encoding::Zstd || header.stored_bytes == header.plain_bytes;
        let is_sound = bytes[..8] == MAGIC
            && bytes[12..16] == [0; 4]
            && lengths_agree
            && header.stored_bytes <= MAX_PLAIN_BYTES
            && header.plain_bytes <= MAX_PLAIN_BYTES;
        is_sound.then_some(header)
    }

    /// The size that the whole file must have.
    pub(super) fn file_bytes(&self) -> u64 {
        // Both were checked to be small when the header was read or made.
        HEADER_BYTES as u64 + self.stored_bytes + u64::from(self.label_bytes)
    }
}

/// A file's contents, ready to be written.
pub(super) struct Packed<'a> {
    header: [u8; HEADER_BYTES],
    payload: Vec<Cow<'a, [u8]>>,
    label: &'a str,
    /// Bytes of the whole file.
    pub(super) file_bytes: u64,
    /// Bytes of the payload before it was compressed.
    pub(super) plain_bytes: u64,
}

impl<'a> Packed<'a> {
    /// Makes a file of `parts`, which are one payload in pieces. It is compressed where its kind may
    /// be and at least an eighth is gained; less is not worth the time to unpack it. `None` when it is
    /// larger than any file may be.
    pub(super) fn new(key: &'a Key, parts: &[&'a [u8]]) -> Option<Self> {
        let plain_bytes = parts.iter().map(|part| part.len() as u64).sum::<u64>();
        if plain_bytes > MAX_PLAIN_BYTES {
            return None;
        }
        let label_bytes = u16::try_from(key.label().len()).ok()?;
        let compressed = (key.kind().may_be_compressed() && plain_bytes >= MIN_COMPRESSED_BYTES)
            .then(|| compress(parts))
            .flatten()
            .filter(|compressed| compressed.len() as u64 <= plain_bytes / 8 * 7);
        let (encoding, payload) = match compressed {
            Some(compressed) => (Encoding::Zstd, vec![Cow::Owned(compressed)]),
            None => (
                Encoding::Plain,
                parts.iter().copied().map(Cow::Borrowed).collect(),
            ),
        };
        let mut header = Header {
            kind: key.kind(),
            encoding,
            label_bytes,
            stored_bytes: payload.iter().map(|part| part.len() as u64).sum(),
            plain_bytes,
            name: key.name(),
            checksum: [0; 32],
        };
        let mut hash = blake3::Hasher::new();
        hash.update(&header.head());
        for part in &payload {
            hash.update(part);
        }
        hash.update(key.label().as_bytes());
        header.checksum = *hash.finalize().as_bytes();
        Some(Self {
            header: header.to_bytes(),
            payload,
            label: key.label(),
            file_bytes: header.file_bytes(),
            plain_bytes,
        })
    }

    /// What is written, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let payload = self.payload.iter().map(AsRef::as_ref);
        std::iter::once(&self.header[..])
            .chain(payload)
            .chain(std::iter::once(self.label.as_bytes()))
    }
}

fn compress(parts: &[&[u8]]) -> Option<Vec<u8>> {
    match parts {
        [whole] => zstd::bulk::compress(whole, ZSTD_LEVEL).ok(),
        pieces => zstd::bulk::compress(&pieces.concat(), ZSTD_LEVEL).ok(),
    }
}

/// Why an item cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ItemError {
    /// There is none.
    #[error("there is no such item")]
    Absent,
    /// The system refuses to read it.
    #[error("{0}")]
    Unreadable(io::Error),
    /// It is not what was written.
    #[error("{0}")]
    Damaged(&'static str),
}

impl From<io::Error> for ItemError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Absent,
            io::ErrorKind::UnexpectedEof => Self::Damaged("it became shorter while it was read"),
            _ => Self::Unreadable(error),
        }
    }
}

/// One state of an item file: checked once, it need not be checked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) inode: u64,
    pub(super) bytes: u64,
    pub(super) modified_nanos: i128,
}

impl Seen {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified_nanos: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
        }
    }

    /// The last change, which stands for the last use, in milliseconds since 1970.
    pub(super) fn modified_millis(self) -> i64 {
        i64::try_from(self.modified_nanos / 1_000_000).unwrap_or(i64::MAX)
    }
}

/// An item file whose header makes sense.
#[derive(Debug)]
pub(super) struct ItemFile {
    pub(super) file: File,
    pub(super) header: Header,
    pub(super) seen: Seen,
}

impl ItemFile {
    /// Opens the file at `path`, which must be that of the item `name`.
    pub(super) fn open(path: &Path, name: ItemName) -> Result<Self, ItemError> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ItemError::Damaged("it is no file"));
        }
        let seen = Seen::of(&metadata);
        let mut head = [0; HEADER_BYTES];
        file.read_exact(&mut head)?;
        let header =
            Header::from_bytes(&head).ok_or(ItemError::Damaged("its header makes no sense"))?;
        if header.name != name {
            return Err(ItemError::Damaged("it is another item"));
        }
        if header.file_bytes() != seen.bytes {
            return Err(ItemError::Damaged("it has a wrong length"));
        }
        Ok(Self { file, header, seen })
    }

    /// Where it comes from.
    pub(super) fn label(&mut self) -> Result<String, ItemError> {
        let at = HEADER_BYTES as u64 + self.header.stored_bytes;
        self.file.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; usize::from(self.header.label_bytes)];
        self.file.read_exact(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads it through and compares the checksum.
    pub(super) fn check(&mut self) -> Result<(), ItemError> {
        self.file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        let mut hash = blake3::Hasher::new();
        hash.update(&self.header.head());
        let mut left = self.header.file_bytes() - HEADER_BYTES as u64;
        let mut buffer = vec![0; usize::try_from(left.min(SMALL_BYTES)).unwrap_or(0)];
        // Read, not mapped: a disk that fails is an error here, and a signal that kills there.
        while left > 0 {
            let take = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
            self.file.read_exact(&mut buffer[..take])?;
            hash.update(&buffer[..take]);
            left -= take as u64;
        }
        self.compare(&hash)
    }

    fn compare(&self, hash: &blake3::Hasher) -> Result<(), ItemError> {
        if *hash.finalize().as_bytes() == self.header.checksum {
            Ok(())
        } else {
            Err(ItemError::Damaged("its checksum is wrong"))
        }
    }

    /// Its payload, checked first if so asked.
    pub(super) fn load(mut self, is_checked: bool) -> Result<CachedBytes, ItemError> {
        let stored = usize::try_from(self.header.stored_bytes)
            .map_err(|_larger_than_memory| ItemError::Damaged("it is too large"))?;
        let range = HEADER_BYTES..HEADER_BYTES + stored;
        let bytes = if self.header.file_bytes() <= SMALL_BYTES {
            let mut bytes = self.header.to_bytes().to_vec();
            (&self.file)
                .take(self.header.file_bytes() - HEADER_BYTES as u64)
                .read_to_end(&mut bytes)?;
            if bytes.len() as u64 != self.header.file_bytes() {
                return Err(ItemError::Damaged("it became shorter while it was read"));
            }
            if !is_checked {
                let mut hash = blake3::Hasher::new();
                hash.update(&self.header.head());
                hash.update(&bytes[HEADER_BYTES..]);
                self.compare(&hash)?;
            }
            CachedBytes::in_memory(bytes, range)
        } else {
            if !is_checked {
                self.check()?;
            }
            CachedBytes::mapped(self.map()?, range)
        };
        match self.header.encoding {
            Encoding::Plain => Ok(bytes),
            Encoding::Zstd => self.decompress(&bytes),
        }
    }

    #[expect(unsafe_code, reason = "the contents of a mapping depend on its file")]
    fn map(&self) -> Result<Mmap, ItemError> {
        // SAFETY: an item file gets its name when it is complete. From then on the cache only unlinks
        // it or renames another one over it, which leaves the mapped one as it is. Whoever writes into
        // the cache's private folder by other means may as well write into the program's memory.
        let map = unsafe { Mmap::map(&self.file) }?;
        if map.len() as u64 != self.header.file_bytes() {
            return Err(ItemError::Damaged("it has a wrong length"));
        }
        Ok(map)
    }

    fn decompress(&self, stored: &[u8]) -> Result<CachedBytes, ItemError> {
        let damaged = ItemError::Damaged("it cannot be unpacked");
        let Ok(plain_bytes) = usize::try_from(self.header.plain_bytes) else {
            return Err(damaged);
        };
        let mut plain = Vec::new();
        if plain.try_reserve_exact(plain_bytes).is_err() {
            return Err(ItemError::Unreadable(io::ErrorKind::OutOfMemory.into()));
        }
        let unpacked = zstd::bulk::Decompressor::new()
            .and_then(|mut unpacker| unpacker.decompress_to_buffer(stored, &mut plain));
        match unpacked {
            Ok(length) if length == plain_bytes => Ok(CachedBytes::in_memory(plain, 0..length)),
            _ => Err(damaged),
        }
    }
}

#[cfg(test)]
#[path = "item_tests.rs"]
mod tests;
