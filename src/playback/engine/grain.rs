//! Sound while the playhead is moved by hand: short grains at each place that it comes to.
//!
//! A grain is a plan of [`GRAIN`] that the player fades in and out. One is heard to its end before the
//! next begins, at wherever the playhead is by then: cut short by every target, none would be heard.

use std::time::Duration;

use super::Engine;
use crate::audio::AudioPlan;
use crate::decode::{Generation, LoopMode, RunMap};
use crate::time::{FrameIndex, MediaSpan, Moment, Speed};

/// Length of a grain: long enough to tell a vowel from a consonant, short enough to follow a drag.
const GRAIN: MediaSpan = MediaSpan::from_millis(50);

/// The same for the clock.
const GRAIN_LASTS: Duration = Duration::from_millis(50);

/// A grain that is not ready after this long is not heard: the playhead is elsewhere.
const PATIENCE: Duration = Duration::from_millis(250);

/// How often the engine looks whether a grain is ready.
const LOOK_NANOS: i64 = 4_000_000;

/// Between "it is ready" and its first sample, at least.
const LEAD: Duration = Duration::from_millis(4);

/// What is heard of the place that the playhead was moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::playback) enum Grain {
    /// Nothing.
    #[default]
    Silent,
    /// Its samples are being made.
    Preparing {
        generation: Generation,
        since: Moment,
    },
    /// It is heard until then.
    Sounding { until: Moment },
}

impl Engine {
    /// Lets the sound at `frame` be heard, when what is heard now is over.
    pub(super) fn sound_at(&mut self, frame: FrameIndex) {
        if self.scrub_sound && self.has_sound() && !self.is_playing() {
            self.next_grain = Some(frame);
            self.follow_grain(self.clock.now());
        }
    }

    /// Begins what is ready, ends what is over.
    pub(super) fn follow_grain(&mut self, now: Moment) {
        match self.grain {
            Grain::Preparing { generation, .. } if self.sound.is_ready(generation) => {
                let at = now + self.sound.latency().max(LEAD);
                self.sound.go(generation, at);
                let until = at + GRAIN_LASTS;
                self.grain = Grain::Sounding { until };
            }
            Grain::Preparing { since, .. } if now.since(since) > PATIENCE => self.end_grain(),
            Grain::Sounding { until } if until <= now => self.end_grain(),
            Grain::Silent | Grain::Preparing { .. } | Grain::Sounding { .. } => {}
        }
        if self.grain == Grain::Silent
            && let Some(frame) = self.next_grain.take()
        {
            self.prepare_grain(frame, now);
        }
    }

    fn end_grain(&mut self) {
        self.sound.hold();
        self.grain = Grain::Silent;
    }

    fn prepare_grain(&mut self, frame: FrameIndex, now: Moment) {
        let generation = self.next_generation();
        let Some(medium) = &self.medium else { return };
        let start = medium.time_of(frame);
        self.sound.set_plan(AudioPlan {
            generation,
            map: RunMap {
                start,
                first: start,
                end: start + GRAIN,
                reverse: false,
                repeat: LoopMode::Off,
            },
            speed: Speed::NORMAL,
        });
        self.grain = Grain::Preparing {
            generation,
            since: now,
        };
    }

    /// When a grain has to be looked after next.
    pub(super) fn next_look_at_grain(&self, now: Moment) -> Option<Moment> {
        match self.grain {
            Grain::Silent => None,
            Grain::Preparing { .. } => Some(now.offset_nanos(LOOK_NANOS)),
            Grain::Sounding { until } => Some(until),
        }
    }
}
