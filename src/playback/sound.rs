//! What the engine asks of the sound.

use std::path::Path;
use std::time::Duration;

use crate::audio::{AudioPlan, AudioPlayer, AudioPlayerState, AudioPosition, SoundPlan};
use crate::decode::Generation;
use crate::media::StreamId;
use crate::time::{MediaSpan, MediaTime, Moment};

/// The sound of the open medium: [`AudioPlayer`], or a test's stand-in. No method blocks for long.
pub trait Sound: Send {
    /// Opens a track; media time zero is at stream time `zero`.
    fn open(&mut self, path: &Path, stream: StreamId, zero: MediaTime);
    /// Opens the sound of a timeline.
    fn open_timeline(&mut self, plan: &SoundPlan);
    /// Forgets the medium.
    fn close(&mut self);
    /// Prepares a plan; nothing is heard before [`Self::go`].
    fn set_plan(&mut self, plan: AudioPlan);
    /// Whether the plan's first samples wait, or there is nothing to wait for.
    fn is_ready(&self, generation: Generation) -> bool;
    /// Lets the plan's first sample be heard at `at`.
    fn go(&mut self, generation: Generation, at: Moment);
    /// Lets run time `run` of the plan be heard at `at`, whatever was heard before.
    fn go_from(&mut self, generation: Generation, run: MediaSpan, at: Moment);
    /// Falls silent.
    fn hold(&mut self);
    /// How long before a sample is heard it must be given to the device.
    fn latency(&self) -> Duration;
    /// The run time that is heard at `now`, when it can be trusted.
    fn position(&mut self, now: Moment) -> Option<AudioPosition>;
    /// Device, silence and its reason.
    fn state(&self) -> AudioPlayerState;
    /// Volume in percent.
    fn set_volume_percent(&mut self, percent: u16);
    /// Mutes without stopping.
    fn set_muted(&mut self, muted: bool);
    /// Delay in milliseconds.
    fn set_delay_millis(&mut self, millis: i32);
    /// Moves to another device; `None` is the default.
    fn set_device(&mut self, device: Option<String>);
}

impl Sound for AudioPlayer {
    fn open(&mut self, path: &Path, stream: StreamId, zero: MediaTime) {
        Self::open(self, path, stream, zero);
    }
    fn open_timeline(&mut self, plan: &SoundPlan) {
        Self::open_timeline(self, plan.clone());
    }
    fn close(&mut self) {
        Self::close(self);
    }
    fn set_plan(&mut self, plan: AudioPlan) {
        Self::set_plan(self, plan);
    }
    fn is_ready(&self, generation: Generation) -> bool {
        Self::is_ready(self, generation)
    }
    fn go(&mut self, generation: Generation, at: Moment) {
        Self::go(self, generation, at);
    }
    fn go_from(&mut self, generation: Generation, run: MediaSpan, at: Moment) {
        Self::go_from(self, generation, run, at);
    }
    fn hold(&mut self) {
        // Where it was held is known from the engine's own line.
        let _position = Self::hold(self);
    }
    fn latency(&self) -> Duration {
        Self::latency(self)
    }
    fn position(&mut self, now: Moment) -> Option<AudioPosition> {
        Self::position(self, now)
    }
    fn state(&self) -> AudioPlayerState {
        Self::state(self)
    }
    fn set_volume_percent(&mut self, percent: u16) {
        Self::set_volume_percent(self, percent);
    }
    fn set_muted(&mut self, muted: bool) {
        Self::set_muted(self, muted);
    }
    fn set_delay_millis(&mut self, millis: i32) {
        Self::set_delay_millis(self, millis);
    }
    fn set_device(&mut self, device: Option<String>) {
        Self::set_device(self, device);
    }
}
