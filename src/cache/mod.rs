//! What is made of media in the background and kept: thumbnails and waveforms.
//!
//! Both are made by jobs, shown as far as they are made, and kept by a [`ProductStore`] under a key that
//! changes with the file that they were made of.

mod product;
pub mod thumbnails;
pub mod waveform;

pub use product::{MemoryStore, ProductKey, ProductKind, ProductStore};
