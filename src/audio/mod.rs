//! Sound: from a medium's samples to the speakers, and a clock made of what is heard.
//!
//! ```text
//! SampleSource -> window (mix) -> run stream (order, resample, stretch) -> ring -> renderer -> device
//!   audio-decode thread                                                  |  the device's callback
//!                               audio clock <- readings <----------------+
//! ```
//!
//! The decode thread follows a plan and fills a lock-free ring with blocks in the device's own format.
//! Each block says which plan it belongs to and at which run time it is heard. The device callback takes
//! them from there, without locks or allocation, and publishes the line between its frames and the
//! moments at which they are heard. The [`AudioClock`] reads positions off that line; the engine shows
//! the frames that belong to them. A device thread opens devices and opens them again when they are lost.
//!
//! An edit is one such source: its clips are mixed before they come here (`timeline/`).
//!
//! Everything is driven by `step` functions that read no clock but the one they are given, so tests run
//! all of it against a simulated device, without threads.

mod block;
mod clock;
mod device;
mod levels;
mod line;
mod memory;
mod mix;
mod output;
mod player;
mod renderer;
mod resample;
mod retry;
mod run_stream;
mod seqlock;
mod session;
mod shared;
mod source;
mod stretch;
mod timeline;
mod window;
mod worker;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod sync_tests;

pub use clock::{AudioClock, ClockReading, ClockTrust, RunLine};
pub use device::{AudioDevice, DeviceError};
pub use levels::{AudioLevels, ChannelLevel, decibels};
pub use line::{DeviceLine, Line};
pub use mix::ChannelMix;
pub use output::devices;
pub use player::{AudioConfig, AudioOutput, AudioPlayer, AudioPlayerState, AudioPosition};
pub use source::SampleSource;
pub use timeline::{SoundClip, SoundNote, SoundNotes, SoundPlan, SoundZero, TimelineSamples};

use crate::decode::{Generation, RunMap};
use crate::time::Speed;

/// What is to be heard: a way through the medium, at a speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioPlan {
    /// Newer plans have greater numbers.
    pub generation: Generation,
    /// The way.
    pub map: RunMap,
    /// The speed. Its sign does not matter: the map says which way time runs.
    pub speed: Speed,
}
