//! Jogwheel: a real-time preview player for 4K and 8K video.
//!
//! The modules are listed in reading order. Each one imports only from those above it; a tidy test
//! enforces that. ARCHITECTURE.md tells how one frame travels through them.

pub mod time;

pub mod metrics;

pub mod memory;

pub mod media;

pub mod timeline;

pub mod jobs;

pub mod decode;

pub mod convert;

pub mod cache;

pub mod proxy;

pub mod gpu;

pub mod audio;

pub mod playback;

pub mod config;

pub mod ui;

pub mod app;

pub mod cli;
