//! Keeps what was costly to make, so that it need not be made again: decoded frames in memory, thumbnails and
//! waveforms, and items on disk.
//!
//! Thumbnails and waveforms are made by jobs, shown as far as they are made, and kept by a [`ProductStore`]
//! under a key that changes with the file that they were made of.

pub mod disk;
pub mod frames;
mod product;
mod source;
pub mod thumbnails;
pub mod waveform;

pub use frames::{FrameCache, FrameCacheStats, LastingPictures, MissReason};
pub use product::{MemoryStore, ProductKey, ProductKind, ProductStore};
