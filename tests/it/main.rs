//! Integration tests: the library's parts together, on real files.
//!
//! The files are made by `scripts/make-test-media`, whose manifest says what each holds; `scripts/test`
//! names the folder in `JOGWHEEL_TEST_MEDIA_MADE`. A test that needs it fails without it.

#![allow(clippy::unwrap_used, reason = "a step that fails ends its test")]

mod allocations;
mod catalogue;
mod catalogue_oracles;
mod catalogue_play;
mod catalogue_probe;
mod cli;
mod clip_rungs;
mod color_truth;
mod compare;
mod cut_truth;
mod deck;
mod disk_cache;
mod disk_faults;
mod disk_kill;
mod frame_truth;
mod known_proxies;
mod ladder;
mod ladder_play;
mod laps;
mod leaks;
mod made;
mod one_pass;
mod otio;
mod program;
mod proxies;
mod proxy_faults;
mod proxy_queue;
mod proxy_sources;
mod reload;
mod screen;
mod scrub;
mod sequences;
mod settings;
mod sound_truth;
mod thinned;
mod thumbnails;
mod timeline_sound;
mod timeline_strips;
mod timelines;
mod traits;
mod window;
mod window_faults;
mod witness;
mod workplace;
