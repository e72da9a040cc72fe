//! What an item is, and the name that follows from it.

use std::fmt;
use std::path::Path;

use crate::decode::FileIdentity;

/// Counts changes that make everything kept before worthless: another layout of item files, another
/// meaning of time or of frame numbers. What concerns one kind alone is in [`Kind::version`].
const ENGINE_VERSION: u32 = 1;

/// The longest note on where an item comes from, in bytes.
const MAX_LABEL_BYTES: usize = 1024;

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The frames of a stream: a GOP index.
    Index,
    /// Small pictures of a medium, many on a sheet.
    Thumbnails,
    /// Least, greatest and mean levels of a medium's sound.
    Waveform,
    /// Frames at the size shown that the playhead stayed at.
    Pictures,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Index,
        Self::Thumbnails,
        Self::Waveform,
        Self::Pictures,
    ];

    /// The name on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Thumbnails => "thumbnails",
            Self::Waveform => "waveform",
            Self::Pictures => "pictures",
        }
    }

    /// The kind's number in files and in the database. Never given to another kind; 4 was one once.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Index => 1,
            Self::Thumbnails => 2,
            Self::Waveform => 3,
            Self::Pictures => 5,
        }
    }

    /// The kind of this number.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// Counts changes to what items of this kind hold. Raised, those kept before are not found any more.
    const fn version(self) -> u32 {
        match self {
            Self::Waveform => 1,
            // Pictures of MPEG streams that share a time stamp are counted since.
            Self::Index | Self::Thumbnails | Self::Pictures => 2,
        }
    }

    /// Whether items are worth an attempt to compress them. Thumbnails are not: they are a PNG picture
    /// already.
    pub(super) const fn may_be_compressed(self) -> bool {
        !matches!(self, Self::Thumbnails)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of an item: a hash of all that decides what it holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName(pub(super) [u8; 32]);

impl ItemName {
    /// Reads 64 hexadecimal digits.
    pub(super) fn from_hex(digits: &str) -> Option<Self> {
        let is_lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if digits.len() != 64 || !digits.bytes().all(is_lower) {
            return None;
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(digits.get(place * 2..place * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What an item is looked up by: its kind, the state of the files that it was made from, and the
/// parameters that it was made with. A file that changes has another [`FileIdentity`], so what was
/// made from its former state is never found again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    kind: Kind,
    name: ItemName,
    label: String,
}

impl Key {
    /// The key of what is made from one file. `path` is only a note for people, which
    /// [`DiskCache::list`](super::DiskCache::list) shows; it does not tell items apart.
    pub fn new(kind: Kind, path: &Path, file: &FileIdentity, parameters: &[u8]) -> Self {
        Self::of_files(kind, path, std::slice::from_ref(file), parameters)
    }

    /// The key of what is made from several files, in this order.
    pub fn of_files(kind: Kind, path: &Path, files: &[FileIdentity], parameters: &[u8]) -> Self {
        let mut hash = blake3::Hasher::new_derive_key("jogwheel 2026 disk cache item name");
        hash.update(&ENGINE_VERSION.to_le_bytes());
        hash.update(&[kind.code()]);
        hash.update(&kind.version().to_le_bytes());
        hash.update(&(files.len() as u64).to_le_bytes());
        for file in files {
            hash.update(&file.bytes.to_le_bytes());
            hash.update(&file.modified_nanos.to_le_bytes());
            hash.update(&file.device.to_le_bytes());
            hash.update(&file.inode.to_le_bytes());
        }
        // What comes last needs no length before it.
        hash.update(parameters);
        // Another run may be in another folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut label = path.to_string_lossy().into_owned();
        let mut end = label.len().min(MAX_LABEL_BYTES);
        while !label.is_char_boundary(end) {
            end -= 1;
        }
        label.truncate(end);
        Self {
            kind,
            name: ItemName(*hash.finalize().as_bytes()),
            label,
        }
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of its file, less the ending.
    pub fn name(&self) -> ItemName {
        self.name
    }

    /// Where it comes from, for people.
    pub fn label(&self) -> &str {
        &self.label
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn identity(bytes: u64, modified_nanos: i128, device: u64, inode: u64) -> FileIdentity {
        FileIdentity {
            bytes,
            modified_nanos,
            device,
            inode,
        }
    }

    #[test]
    fn whatever_decides_the_content_decides_the_name() {
        let path = Path::new("/rushes/a.mov");
        let base = identity(1, 2, 3, 4);
        let mut names = HashSet::new();
        let mut is_new = |key: Key| names.insert(key.name());
        for kind in Kind::ALL {
            assert!(is_new(Key::new(kind, path, &base, b"p")));
        }
        for other in [
            identity(2, 2, 3, 4),
            identity(1, 3, 3, 4),
            identity(1, 2, 4, 4),
            identity(1, 2, 3, 5),
        ] {
            assert!(is_new(Key::new(Kind::Index, path, &other, b"p")));
        }
        assert!(is_new(Key::new(Kind::Index, path, &base, b"q")));
        assert!(is_new(Key::new(Kind::Index, path, &base, b"")));
        let two = [base, identity(9, 9, 9, 9)];
        assert!(is_new(Key::of_files(Kind::Index, path, &two, b"p")));
        // The name of the file is not part of it: a second name of the same file finds the same.
        assert!(!is_new(Key::new(
            Kind::Index,
            Path::new("/other"),
            &base,
            b"p"
        )));
    }

    #[test]
    fn names_are_written_and_read() {
        let key = Key::new(Kind::Index, Path::new("a"), &identity(1, 2, 3, 4), b"");
        let text = key.name().to_string();
        assert_eq!(ItemName::from_hex(&text), Some(key.name()));
        for wrong in [&text[1..], &text.to_uppercase(), &format!("{text}0"), ""] {
            assert_eq!(ItemName::from_hex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn long_labels_are_cut_between_letters() {
        let path = "é".repeat(MAX_LABEL_BYTES);
        let odd = format!("x{path}");
        for path in [path, odd] {
            let key = Key::new(Kind::Index, Path::new(&path), &identity(1, 2, 3, 4), b"");
            let whole = std::path::absolute(&path).unwrap();
            let whole = whole.to_str().unwrap();
            assert!(key.label().len() <= MAX_LABEL_BYTES && whole.starts_with(key.label()));
        }
    }
}
