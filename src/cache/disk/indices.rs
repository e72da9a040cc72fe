//! GOP indices, kept.

use std::path::Path;
use std::sync::Arc;

use super::{DiskCache, Key, Kind};
use crate::decode::{FileIdentity, GopIndex, IndexStore, index_from_bytes, index_parameters};
use crate::media::VideoStream;

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
        if let Some(bytes) = index.to_bytes() {
            // Why it was not kept has been counted and told.
            let _declined = self.put(&index_key(path, file, stream), &[&bytes]);
        }
    }
}

fn index_key(path: &Path, file: &FileIdentity, stream: &VideoStream) -> Key {
    Key::new(Kind::Index, path, file, &index_parameters(stream))
}
