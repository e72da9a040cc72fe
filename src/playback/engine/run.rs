//! Running: the pre-roll, the line of run time, the audio clock, the end.

use std::time::Duration;

use super::grain::Grain;
use super::plan::Planned;
use super::{Engine, Phase};
use crate::decode::{Generation, LoopMode, RunAnchor};
use crate::playback::schedule::ScheduleMode;
use crate::playback::snapshot::{ClockSource, Severity};
use crate::time::{FrameIndex, MediaSpan, Moment, Speed};

/// Sound that is not ready after this long does not hold the picture up.
const LONGEST_WAIT_FOR_SOUND: Duration = Duration::from_millis(700);

/// A first frame that nobody has shown after this long is not waited for: the window may be hidden.
const LONGEST_WAIT_FOR_SCREEN: Duration = Duration::from_millis(500);

/// How often an engine that is about to run looks whether all is ready.
const PREROLL_LOOK_NANOS: i64 = 4_000_000;

/// Between "both are ready" and "run time zero": time for the presenting thread to hear of it.
const LEAD: Duration = Duration::from_millis(8);

/// Sound and picture further apart than this are brought together by sending the sound to where the
/// picture is: a gap in sound that has jumped already is heard less than a jump of the picture is seen.
/// Less is made up for gently, by bending the line.
const APART: MediaSpan = MediaSpan::from_millis(30);

/// Sound that was sent elsewhere has this long to get there before it is sent again.
const SENT_PATIENCE: Duration = Duration::from_secs(1);

/// The line is bent by an error's length in a second, at most by this much, in billionths: 5 frames in
/// 1000 nobody sees.
const MOST_BEND_PPB: i64 = 5_000_000;

/// Part of an error that is taken for drift, per second, as a divisor: with the bend above, the one
/// that comes to rest without overshooting.
const DRIFT_DIVISOR: i64 = 4;

/// A sound card's clock that is off by more than this is not followed, in billionths.
const MOST_DRIFT_PPB: i64 = 50_000_000;

/// Bends that differ by less are the same, in billionths.
const SAME_BEND_PPB: i64 = 20_000;

/// The error is not looked at over a longer time than this.
const LONGEST_LOOK: Duration = Duration::from_millis(100);

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
    /// When it was told to be heard first, or where it was sent to.
    pub(in crate::playback) heard_from: Moment,
    /// When it was sent elsewhere last.
    pub(in crate::playback) sent: Option<Moment>,
    /// When its clock was read last.
    pub(in crate::playback) looked: Moment,
    /// How much faster than the line its clock is found to be, in billionths.
    pub(in crate::playback) drift_ppb: i64,
    /// Whether its clock was ever good enough to follow.
    pub(in crate::playback) followed: bool,
}

impl Engine {
    /// Run time that passes in a second of the clock, in billionths.
    pub(super) fn nominal_rate_ppb(&self) -> i64 {
        i64::from(self.speed.quarters().abs()) * (RunAnchor::NORMAL_PPB / 4)
    }

    /// Whether there is anything to be heard.
    pub(super) fn has_sound(&self) -> bool {
        self.medium.as_ref().is_some_and(|medium| medium.is_heard)
    }

    fn is_audible(&self) -> bool {
        self.has_sound() && self.speed.quarters().abs() <= MOST_AUDIBLE_QUARTERS
    }

    /// Stops the sound and forgets its plan.
    pub(super) fn silence(&mut self) {
        self.sound.hold();
        self.audio_run = None;
        self.grain = Grain::Silent;
        self.next_grain = None;
    }

    /// Makes ready to run from run time `from` of the present plan.
    pub(super) fn preroll(&mut self, from: MediaSpan) {
        if self.start.untimed {
            self.phase = Phase::Untimed;
            return;
        }
        self.phase = Phase::Prerolling {
            from,
            since: self.clock.now(),
        };
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
                sent: None,
                looked: Moment::ZERO,
                drift_ppb: 0,
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
        let waited = now.since(since);
        if !picture_ready || !(self.first_is_shown(generation) || waited > LONGEST_WAIT_FOR_SCREEN)
        {
            return;
        }
        let sound_ready = self.audio_run.is_none_or(|run| {
            self.sound.is_ready(run.generation) || waited > LONGEST_WAIT_FOR_SOUND
        });
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
        self.at_hand = None;
        self.phase = Phase::Running(RunAnchor {
            generation,
            at,
            run: from,
            rate_ppb,
        });
        self.publish_schedule();
    }

    /// Whether the plan's first frame is on screen. The line does not begin without it: a window whose
    /// first picture takes long would otherwise begin with frames that are dropped.
    fn first_is_shown(&self, generation: Generation) -> bool {
        let shown = self.feedback.shown();
        let here = (self.epoch, generation);
        let sound_only = self
            .medium
            .as_ref()
            .is_some_and(|medium| medium.source.is_none());
        sound_only || (shown.epoch, shown.generation) == here || shown.ended == Some(here)
    }

    pub(super) fn keep_running(&mut self, anchor: RunAnchor, now: Moment) {
        self.start_late_sound(anchor, now);
        let anchor = self.follow_sound(anchor, now);
        self.check_ended();
        // Without pictures nothing but the line itself tells where the end is.
        let sound_only = self
            .medium
            .as_ref()
            .is_some_and(|medium| medium.source.is_none());
        let over = self
            .planned
            .is_some_and(|p| p.map.at(anchor.run_at(now)).ended);
        if sound_only && over {
            self.ended();
        }
    }

    /// Sound that was prepared while pictures ran goes in when the line reaches its first sample.
    fn start_late_sound(&mut self, anchor: RunAnchor, now: Moment) {
        let Some(run) = &mut self.audio_run else {
            return;
        };
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
            return self.bend(anchor, 0, now);
        };
        // Before its first sample is heard there is nothing to follow.
        if now < run.heard_from {
            return anchor;
        }
        let heard = self
            .sound
            .position(now)
            .filter(|heard| heard.generation == run.generation);
        let Some(heard) = heard else {
            // A clock that was never good has not failed yet: a device needs a moment to start.
            let overdue = now.since(run.heard_from) > LONGEST_WAIT_FOR_SOUND;
            if run.followed || overdue {
                self.clock_source = ClockSource::Fallback;
            }
            return self.bend(anchor, 0, now);
        };
        let error = run.base + heard.run - anchor.run_at(now);
        if error.abs() > APART {
            self.clock_source = ClockSource::Fallback;
            self.audio_run = Some(self.send_sound(run, anchor, error, now));
            return self.bend(anchor, 0, now);
        }
        run.followed = true;
        self.clock_source = ClockSource::Audio;
        self.sound_ahead = Some(error);
        let error_ppb = error.nanos_nearest();
        let since = now.since(run.looked).min(LONGEST_LOOK).as_millis();
        let since_millis = i64::try_from(since).unwrap_or(0);
        run.drift_ppb += error_ppb / DRIFT_DIVISOR * since_millis / 1000;
        run.drift_ppb = run.drift_ppb.clamp(-MOST_DRIFT_PPB, MOST_DRIFT_PPB);
        run.looked = now;
        self.audio_run = Some(run);
        let bend = run.drift_ppb + error_ppb.clamp(-MOST_BEND_PPB, MOST_BEND_PPB);
        self.bend(anchor, bend, now)
    }

    /// Sends the sound to where the picture is, unless it is on its way.
    fn send_sound(
        &mut self,
        run: AudioRun,
        anchor: RunAnchor,
        error: MediaSpan,
        now: Moment,
    ) -> AudioRun {
        if run.sent.is_some_and(|sent| now.since(sent) < SENT_PATIENCE) {
            return run;
        }
        let at = now + self.sound.latency().max(LEAD);
        tracing::debug!(
            "sound is {:.1} ms ahead and is sent back",
            error.as_secs_f64() * 1e3
        );
        self.sound
            .go_from(run.generation, anchor.run_at(at) - run.base, at);
        AudioRun {
            heard_from: at,
            sent: Some(now),
            looked: at,
            ..run
        }
    }

    /// Lets the line go on from where it is, faster by `bend_ppb` billionths of the speed.
    fn bend(&mut self, anchor: RunAnchor, bend_ppb: i64, now: Moment) -> RunAnchor {
        let nominal = self.nominal_rate_ppb();
        let rate_ppb = nominal + bend_ppb * (nominal / 1_000_000) / 1000;
        let same = if bend_ppb == 0 { 0 } else { SAME_BEND_PPB };
        if (anchor.rate_ppb - rate_ppb).abs() <= same {
            return anchor;
        }
        let anchor = RunAnchor {
            at: now,
            run: anchor.run_at(now),
            rate_ppb,
            ..anchor
        };
        self.phase = Phase::Running(anchor);
        self.publish_line();
        anchor
    }

    /// Plays at another speed in the same direction: the pictures go on, the sound is made anew.
    pub(super) fn change_speed_while_running(&mut self, anchor: RunAnchor, speed: Speed) {
        let now = self.clock.now();
        let run = anchor.run_at(now);
        self.speed = speed;
        let anchor = RunAnchor {
            at: now,
            run,
            rate_ppb: self.nominal_rate_ppb(),
            ..anchor
        };
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
        self.hold_frame(self.position());
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
        let Some(planned) = &self.planned else {
            return FrameIndex::ZERO;
        };
        let Some(medium) = &self.medium else {
            return FrameIndex::ZERO;
        };
        match self.phase {
            Phase::Held if self.stays => self.shown_frame(planned),
            Phase::Idle | Phase::Held | Phase::Prerolling { .. } | Phase::Ended => self.held,
            Phase::Running(anchor) if medium.source.is_none() => {
                let point = planned.map.at(anchor.run_at(self.clock.now()));
                medium.frame_at(point.media)
            }
            Phase::Running(_) | Phase::Untimed => self.shown_frame(planned),
        }
    }

    /// The frame of the present plan that is on screen; before there is one, the first.
    fn shown_frame(&self, planned: &Planned) -> FrameIndex {
        let shown = self.feedback.shown();
        let current = shown.epoch == self.epoch && shown.generation == planned.plan.generation;
        if current { shown.index } else { self.held }
    }

    pub(super) fn next_look(&self, now: Moment) -> Option<Moment> {
        let runs = matches!(
            self.schedule.load().mode,
            ScheduleMode::Run(_) | ScheduleMode::Untimed
        );
        let soon = match self.phase {
            Phase::Prerolling { .. } => Some(now.offset_nanos(PREROLL_LOOK_NANOS)),
            _ if runs || self.opening => Some(now.offset_nanos(LOOK_NANOS)),
            _ => None,
        };
        [
            soon,
            self.notices.next_expiry(),
            self.next_look_at_target(now),
            self.next_look_at_kept(),
            self.next_look_at_grain(now),
            self.quality.next_look(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
