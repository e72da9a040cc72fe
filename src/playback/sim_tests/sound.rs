//! Sound that is not heard: it keeps the contract of `audio::AudioPlayer` in simulated time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::audio::{
    AudioLevels, AudioOutput, AudioPlan, AudioPlayerState, AudioPosition, SoundPlan,
};
use crate::decode::Generation;
use crate::media::StreamId;
use crate::playback::sound::Sound;
use crate::time::{Clock, MediaSpan, MediaTime, Moment, SimClock};

/// A stall shows only when no callback has come for this long.
const STALL_SHOWS: Duration = Duration::from_millis(250);

/// What is wrong with the device for a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Trouble {
    /// It is not there.
    Vanished,
    /// It asks for no samples.
    Stalled,
    /// Its clock runs this many parts per million too fast, and that is found out after a while.
    Lies(i64),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct SoundTraits {
    /// From the plan to its first samples.
    pub(super) ready: Duration,
    pub(super) latency: Duration,
    pub(super) drift_ppm: i64,
    /// How far off sound joins in again after trouble.
    pub(super) rejoins_off: MediaSpan,
}

impl Default for SoundTraits {
    fn default() -> Self {
        Self {
            ready: Duration::from_millis(30),
            latency: Duration::from_millis(40),
            drift_ppm: 0,
            rejoins_off: MediaSpan::ZERO,
        }
    }
}

/// Where sound stands: on a straight line of its own.
#[derive(Debug, Clone, Copy)]
struct Place {
    run: MediaSpan,
    /// `None` while held.
    at: Option<Moment>,
    ppm: i64,
}

pub(super) struct SoundState {
    clock: SimClock,
    traits: SoundTraits,
    troubles: Vec<(Moment, Moment, Trouble)>,
    in_trouble: Option<(Moment, Moment, Trouble)>,
    open: Option<StreamId>,
    plan: Option<(AudioPlan, Moment)>,
    place: Place,
    /// How often sound was told where to go on.
    pub(super) sent_elsewhere: u32,
    pub(super) plans: Vec<AudioPlan>,
}

/// Shared by engine and rig.
#[derive(Clone)]
pub(super) struct SimSound(pub(super) Arc<Mutex<SoundState>>);

impl SimSound {
    pub(super) fn new(clock: SimClock, traits: SoundTraits) -> Self {
        Self(Arc::new(Mutex::new(SoundState {
            clock,
            place: Place {
                run: MediaSpan::ZERO,
                at: None,
                ppm: traits.drift_ppm,
            },
            traits,
            troubles: Vec::new(),
            in_trouble: None,
            open: None,
            plan: None,
            sent_elsewhere: 0,
            plans: Vec::new(),
        })))
    }

    pub(super) fn trouble(&self, from: Moment, to: Moment, what: Trouble) {
        self.0.lock().troubles.push((from, to, what));
    }

    /// Media time that is heard at `now`, while anything is.
    pub(super) fn heard(&self, now: Moment) -> Option<MediaTime> {
        let mut state = self.0.lock();
        state.follow_troubles(now);
        let silent = state
            .in_trouble
            .is_some_and(|(_, _, what)| !matches!(what, Trouble::Lies(_)));
        let (plan, _) = state.plan?;
        let begun = state.place.at.is_some_and(|at| now >= at);
        (begun && !silent).then(|| plan.map.at(state.run_at(now)).media)
    }

    /// The track that is open.
    pub(super) fn track(&self) -> Option<StreamId> {
        self.0.lock().open
    }
}

impl SoundState {
    fn run_at(&self, now: Moment) -> MediaSpan {
        let Some(at) = self.place.at else {
            return self.place.run;
        };
        let quarters = self
            .plan
            .map_or(4, |(plan, _)| i64::from(plan.speed.quarters().abs()));
        let passed = MediaSpan::from_nanos_nearest(now.nanos_since(at).max(0));
        let device = passed.scaled_nearest(1_000_000 + self.place.ppm, 1_000_000);
        self.place.run + device.scaled_nearest(quarters, 4)
    }

    fn bend(&mut self, at: Moment, ppm: i64, off: MediaSpan) {
        if self.place.at.is_some_and(|from| from <= at) {
            self.place.run = self.run_at(at) + off;
            self.place.at = Some(at);
        }
        self.place.ppm = ppm;
    }

    /// Lets troubles begin and end that did so by now.
    fn follow_troubles(&mut self, now: Moment) {
        if let Some((from, to, what)) = self.in_trouble {
            if let Trouble::Lies(_) = what
                && now >= from + STALL_SHOWS
                && self.place.ppm != 0
            {
                // Found out: the player goes on evenly.
                self.bend(from + STALL_SHOWS, 0, MediaSpan::ZERO);
            }
            if now >= to {
                self.in_trouble = None;
                let off = self.traits.rejoins_off;
                self.bend(to, self.traits.drift_ppm, off);
            }
        }
        if let Some(n) = self.troubles.iter().position(|&(from, _, _)| from <= now) {
            let trouble = self.troubles.remove(n);
            let ppm = if let Trouble::Lies(ppm) = trouble.2 {
                ppm
            } else {
                0
            };
            self.bend(trouble.0, ppm, MediaSpan::ZERO);
            self.in_trouble = Some(trouble);
        }
    }
}

impl Sound for SimSound {
    fn open(&mut self, _path: &Path, stream: StreamId, _zero: MediaTime) {
        let mut state = self.0.lock();
        state.open = Some(stream);
        state.plan = None;
    }

    fn open_timeline(&mut self, _plan: &SoundPlan) {
        let mut state = self.0.lock();
        state.open = Some(StreamId(0));
        state.plan = None;
    }

    fn close(&mut self) {
        let mut state = self.0.lock();
        state.open = None;
        state.plan = None;
    }

    fn set_plan(&mut self, plan: AudioPlan) {
        let mut state = self.0.lock();
        let last = state.plans.last();
        assert!(
            last.is_none_or(|last| last.generation < plan.generation),
            "generations grow"
        );
        let now = state.clock.now();
        state.plan = Some((plan, now));
        state.place.run = MediaSpan::ZERO;
        state.place.at = None;
        state.plans.push(plan);
    }

    fn is_ready(&self, generation: Generation) -> bool {
        let mut state = self.0.lock();
        let now = state.clock.now();
        state.follow_troubles(now);
        let ready = state.traits.ready;
        let done = |(plan, since): (AudioPlan, Moment)| {
            plan.generation == generation && now >= since + ready
        };
        state.open.is_none()
            || state.plan.is_some_and(done)
            || state
                .in_trouble
                .is_some_and(|(_, _, what)| what == Trouble::Vanished)
    }

    fn go(&mut self, generation: Generation, at: Moment) {
        let mut state = self.0.lock();
        if state
            .plan
            .is_some_and(|(plan, _)| plan.generation == generation)
        {
            state.place.run = state.run_at(at);
            state.place.at = Some(at);
        }
    }

    fn go_from(&mut self, generation: Generation, run: MediaSpan, at: Moment) {
        let mut state = self.0.lock();
        if state
            .plan
            .is_some_and(|(plan, _)| plan.generation == generation)
        {
            state.place.run = run;
            state.place.at = Some(at);
            state.sent_elsewhere += 1;
        }
    }

    fn hold(&mut self) {
        let mut state = self.0.lock();
        let now = state.clock.now();
        state.follow_troubles(now);
        state.place.run = state.run_at(now);
        state.place.at = None;
    }

    fn latency(&self) -> Duration {
        self.0.lock().traits.latency
    }

    fn position(&mut self, now: Moment) -> Option<AudioPosition> {
        let mut state = self.0.lock();
        state.follow_troubles(now);
        let (plan, _) = state.plan?;
        let hidden = match state.in_trouble {
            Some((_, _, Trouble::Vanished)) => true,
            Some((from, _, Trouble::Stalled | Trouble::Lies(_))) => now >= from + STALL_SHOWS,
            None => false,
        };
        (!hidden).then(|| AudioPosition {
            generation: plan.generation,
            run: state.run_at(now),
        })
    }

    fn state(&self) -> AudioPlayerState {
        let state = self.0.lock();
        let output = match (state.open, state.in_trouble) {
            (None, _) => AudioOutput::NoTrack,
            (_, Some((_, _, Trouble::Vanished | Trouble::Stalled))) => {
                AudioOutput::Silent("the device is away".to_owned())
            }
            _ => AudioOutput::Device("simulated".to_owned()),
        };
        AudioPlayerState {
            output,
            note: None,
            underruns: 0,
            ring_fill: (0, 0),
            levels: AudioLevels::default(),
            trust: None,
        }
    }

    fn set_volume_percent(&mut self, _percent: u16) {}
    fn set_muted(&mut self, _muted: bool) {}
    fn set_delay_millis(&mut self, _millis: i32) {}
    fn set_device(&mut self, _device: Option<String>) {}
}
