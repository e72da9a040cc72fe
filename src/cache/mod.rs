//! Keeps what was costly to make: decoded frames in memory.

pub mod frames;

pub use frames::{FrameCache, FrameCacheStats, MissReason};
