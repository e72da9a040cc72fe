//! GOP indices, kept.

use std::path::Path;
use std::sync::Arc;

use super::folder::now_millis;
use super::{DiskCache, Key, Kind};
use crate::decode::{FileIdentity, GopIndex, IndexStore, index_from_bytes, index_parameters};
use crate::media::VideoStream;

/// A file that was changed within this time may change again without a new time stamp: file systems
/// count in steps, of two seconds at worst (FAT). What is read from it is not kept.
const SETTLED_MILLIS: i128 = 2_000;

impl IndexStore for DiskCache {
    fn load(&self, file: &FileIdentity, stream: &VideoStream) -> Option<Arc<GopIndex>> {
        // The file's name is no part of the key.
        let key = index_key(Path::new(""), file, stream);
        let bytes = self.get(&key)?;
        match index_from_bytes(&bytes, stream) {
            Ok(index) => Some(Arc::new(index)),
            Err(error) => {
                // Its checksum was right: it was written by a version that counts itself wrongly.
                tracing::warn!("{}: {error}", key.name());
                self.remove(&key);
                None
            }
        }
    }

    fn store(&self, path: &Path, file: &FileIdentity, stream: &VideoStream, index: &GopIndex) {
        let age_millis = i128::from(now_millis()) - file.modified_nanos / 1_000_000;
        if (0..SETTLED_MILLIS).contains(&age_millis) {
            return;
        }
        if let Some(bytes) = index.to_bytes() {
            // Why it was not kept has been counted and told.
            let _declined = self.put(&index_key(path, file, stream), &[&bytes]);
        }
    }
}

fn index_key(path: &Path, file: &FileIdentity, stream: &VideoStream) -> Key {
    Key::new(Kind::Index, path, file, &index_parameters(stream))
}
