//! Keeps what was made, so that it need not be made again.

pub mod disk;
