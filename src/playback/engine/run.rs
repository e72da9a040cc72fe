//! Running: the pre-roll, the line of run time, the audio clock, the end.

use std::time::Duration;

use super::{Engine, Phase};
use crate::decode::{Generation, LoopMode, RunAnchor};
use crate::playback::schedule::ScheduleMode;
use crate::playback::snapshot::{ClockSource, Severity};
use crate::time::{FrameIndex, MediaSpan, Moment, Speed};

/// Sound that is not ready after this long does not hold the picture up.
const LONGEST_WAIT_FOR_SOUND: Duration = Duration::from_millis(700);

/// Between "both are ready" and "run time zero": time for the presenting thread to hear of it.
const LEAD: Duration = Duration::from_millis(8);

/// Sound and picture further apart than this are joined by a jump; less is made up for gently.
const JUMP: MediaSpan = MediaSpan::from_millis(120);

/// The line is bent so that an error would be made up for in this many seconds.
const MAKE_UP_SECONDS: i64 = 2;

/// The line is bent by at most this much, in billionths: 5 frames in 1000 nobody sees.
const MOST_BEND_PPB: i64 = 5_000_000;

/// Errors below this are noise of the measurement.
const DEAD_BAND: MediaSpan = MediaSpan::from_millis(1);

/// How often a running engine looks at the clocks.
const LOOK_NANOS: i64 = 20_000_000;

/// A change of speed is heard this much later, for its samples must be made first.
const SOUND_CHANGE: Duration = Duration::from_millis(250);

/// Above twice normal speed speech cannot be understood, and sound is muted.
const MOST_AUDIBLE_QUARTERS: i32 = 8;

/// The sound's part in a run.
#[derive(Debug, Clone, Copy)]
pub(in crate::playback) struct AudioRun {
    /// The plan given to the sound.
    pub(in crate::playback) generation: Generation,
    /// The picture's run time at the sound's run time zero.
    pub(in crate::playback) base: MediaSpan,
    /// Whether it was told to go.
    pub(in crate::playback) started: bool,
    /// When it was told to be heard first.
    pub(in crate::playback) heard_from: Moment,
    /// Whether its clock was ever good enough to follow.
    pub(in crate::playback) followed: bool,
}

impl Engine {
    /// Run time that passes in a second of the clock, in billionths.
    pub(super) fn nominal_rate_ppb(&self) -> i64 {
        i64::from(self.speed.quarters().abs()) * (RunAnchor::NORMAL_PPB / 4)
    }

    fn is_audible(&self) -> bool {
        let track = self.medium.as_ref().is_some_and(|medium| medium.track.is_some());
        track && self.speed.quarters().abs() <= MOST_AUDIBLE_QUARTERS
    }

    /// Stops the sound and forgets its plan.
    pub(super) fn silence(&mut self) {
        self.sound.hold();
        self.audio_run = None;
    }

    /// Makes ready to run from run time `from` of the present plan.
    pub(super) fn preroll(&mut self, from: MediaSpan) {
        if self.start.untimed {
            self.phase = Phase::Untimed;
            return;
        }
        self.phase = Phase::Prerolling { from, since: self.clock.now() };
        self.prepare_sound(from);
    }

    fn prepare_sound(&mut self, from: MediaSpan) {
        self.silence();
        if !self.is_audible() {
            return;
        }
        let generation = self.next_generation();
        if let Some(plan) = self.audio_plan(generation, from) {
            self.sound.set_plan(plan);
            self.audio_run = Some(AudioRun {
                generation,
                base: from,
                started: false,
                heard_from: Moment::ZERO,
                followed: false,
            });
        }
    }

    pub(super) fn try_to_start(&mut self, from: MediaSpan, since: Moment, now: Moment) {
        let Some(planned) = &self.planned else { return };
        let generation = planned.plan.generation;
        let picture_ready = self
            .medium
            .as_ref()
            .and_then(|medium| medium.source.as_ref())
            .is_none_or(|source| source.status().ready >= generation);
        if !picture_ready {
            return;
        }
        let waited = now.since(since);
        let sound_ready = self
            .audio_run
            .is_none_or(|run| self.sound.is_ready(run.generation) || waited > LONGEST_WAIT_FOR_SOUND);
        if !sound_ready {
            return;
        }
        let lead = match self.audio_run {
            Some(_) => self.sound.latency().max(LEAD),
            None => LEAD,
        };
        let at = now + lead;
        if let Some(run) = &mut self.audio_run {
            run.started = true;
            run.heard_from = at;
            self.sound.go(run.generation, at);
        }
        let rate_ppb = self.nominal_rate_ppb();
        self.phase = Phase::Running(RunAnchor { generation, at, run: from, rate_ppb });
        self.publish_schedule();
    }

    pub(super) fn keep_running(&mut self, anchor: RunAnchor, now: Moment) {
        self.start_late_sound(anchor, now);
        let anchor = self.follow_sound(anchor, now);
        self.check_ended();
        // Without pictures nothing but the line itself tells where the end is.
        let sound_only = self.medium.as_ref().is_some_and(|medium| medium.source.is_none());
        let over = self.planned.is_some_and(|p| p.map.at(anchor.run_at(now)).ended);
        if sound_only && over {
            self.ended();
        }
    }

    /// Sound that was prepared while pictures ran goes in when the line reaches its first sample.
    fn start_late_sound(&mut self, anchor: RunAnchor, now: Moment) {
        let Some(run) = &mut self.audio_run else { return };
        if run.started || !self.sound.is_ready(run.generation) {
            return;
        }
        let at = anchor.moment_of(run.base);
        if at > now {
            run.started = true;
            run.heard_from = at;
            self.sound.go(run.generation, at);
        } else {
            // It took longer than foreseen: prepare a later place.
            let from = anchor.run_at(now + SOUND_CHANGE * 2);
            self.prepare_sound(from);
        }
    }

    /// Bends the line towards the sound that is heard.
    fn follow_sound(&mut self, anchor: RunAnchor, now: Moment) -> RunAnchor {
        self.sound_ahead = None;
        let Some(mut run) = self.audio_run.filter(|run| run.started) else {
            self.clock_source = ClockSource::Monotonic;
            return anchor;
        };
        let heard = self.sound.position(now).filter(|heard| heard.generation == run.generation);
        let Some(heard) = heard else {
            // A clock that was never good has not failed yet: a device needs a moment to start.
            let overdue = now.since(run.heard_from) > LONGEST_WAIT_FOR_SOUND;
            if run.followed || overdue {
                self.clock_source = ClockSource::Fallback;
            }
            return self.straighten(anchor, now);
        };
        run.followed = true;
        self.audio_run = Some(run);
        self.clock_source = ClockSource::Audio;
        let error = run.base + heard.run - anchor.run_at(now);
        self.sound_ahead = Some(error);
        if error.abs() > JUMP {
            tracing::debug!("the line jumps by {:.1} ms to the sound", error.as_secs_f64() * 1e3);
            return self.set_line(RunAnchor { at: now, run: run.base + heard.run, ..anchor });
        }
        if error.abs() < DEAD_BAND {
            return self.straighten(anchor, now);
        }
        let wanted = error.nanos_nearest() / MAKE_UP_SECONDS;
        let bend = wanted.clamp(-MOST_BEND_PPB, MOST_BEND_PPB);
        let nominal = self.nominal_rate_ppb();
        let rate_ppb = nominal + bend * (nominal / 1_000_000) / 1000;
        self.set_line(RunAnchor { at: now, run: anchor.run_at(now), rate_ppb, ..anchor })
    }

    /// Takes out the bend, for there is nothing to make up for.
    fn straighten(&mut self, anchor: RunAnchor, now: Moment) -> RunAnchor {
        let rate_ppb = self.nominal_rate_ppb();
        if anchor.rate_ppb == rate_ppb {
            return anchor;
        }
        self.set_line(RunAnchor { at: now, run: anchor.run_at(now), rate_ppb, ..anchor })
    }

    fn set_line(&mut self, anchor: RunAnchor) -> RunAnchor {
        self.phase = Phase::Running(anchor);
        self.publish_schedule();
        anchor
    }

    /// Plays at another speed in the same direction: the pictures go on, the sound is made anew.
    pub(super) fn change_speed_while_running(&mut self, anchor: RunAnchor, speed: Speed) {
        let now = self.clock.now();
        let run = anchor.run_at(now);
        self.speed = speed;
        let anchor = RunAnchor { at: now, run, rate_ppb: self.nominal_rate_ppb(), ..anchor };
        self.phase = Phase::Running(anchor);
        self.prepare_sound(anchor.run_at(now + SOUND_CHANGE));
        self.publish_schedule();
    }

    /// Makes the sound anew at the playhead: another track or device.
    pub(super) fn restart_sound(&mut self) {
        match self.phase {
            Phase::Running(anchor) => {
                let from = anchor.run_at(self.clock.now() + SOUND_CHANGE);
                self.prepare_sound(from);
            }
            Phase::Prerolling { from, .. } => self.prepare_sound(from),
            _ => self.silence(),
        }
    }

    /// Whether the presenting thread has shown the plan to its end.
    pub(super) fn check_ended(&mut self) {
        let ended = self.feedback.shown().ended;
        let generation = self.planned.as_ref().map(|planned| planned.plan.generation);
        if generation.is_some_and(|generation| ended == Some((self.epoch, generation))) {
            self.ended();
        }
    }

    fn ended(&mut self) {
        if self.loop_mode == LoopMode::Off && self.playlist_index + 1 < self.playlist.len() {
            self.open_number(self.playlist_index + 1);
            return;
        }
        self.held = self.position();
        self.silence();
        self.phase = Phase::Ended;
        if let Some(failure) = self.source_failure() {
            self.notices.push(Severity::Error, failure, None);
        }
        self.publish_schedule();
    }

    fn source_failure(&self) -> Option<String> {
        let source = self.medium.as_ref()?.source.as_ref()?;
        source.status().failure.map(|failure| failure.to_string())
    }

    /// The frame on screen while it runs; the frame held otherwise.
    pub(super) fn position(&self) -> FrameIndex {
        let Some(planned) = &self.planned else { return FrameIndex::ZERO };
        let Some(medium) = &self.medium else { return FrameIndex::ZERO };
        match self.phase {
            Phase::Idle | Phase::Held | Phase::Prerolling { .. } | Phase::Ended => self.held,
            Phase::Running(anchor) if medium.source.is_none() => {
                let point = planned.map.at(anchor.run_at(self.clock.now()));
                medium.frame_at(point.media)
            }
            Phase::Running(_) | Phase::Untimed => {
                let shown = self.feedback.shown();
                let current =
                    shown.epoch == self.epoch && shown.generation == planned.plan.generation;
                if current { shown.index } else { self.held }
            }
        }
    }

    pub(super) fn next_look(&self, now: Moment) -> Option<Moment> {
        let runs = matches!(self.schedule.load().mode, ScheduleMode::Run(_) | ScheduleMode::Untimed);
        let waits = self.opening || matches!(self.phase, Phase::Prerolling { .. });
        let soon = (runs || waits).then(|| now.offset_nanos(LOOK_NANOS));
        match (soon, self.notices.next_expiry()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }
}
