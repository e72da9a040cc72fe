//! Keeps what was costly to make, so that it need not be made again: decoded frames in memory, and items on
//! disk.

pub mod disk;
pub mod frames;

pub use frames::{FrameCache, FrameCacheStats, MissReason};
