//! What each command does.

use std::sync::Arc;

use super::{Engine, Phase};
use crate::playback::command::{Command, SeekTarget};
use crate::playback::quality::ProxyUse;
use crate::playback::snapshot::{PlaybackStatus, Severity};
use crate::time::{FrameIndex, MediaSpan, Speed};

/// The greatest shuttle speed, in quarters of normal.
const SHUTTLE_MOST_QUARTERS: i32 = 32;

/// Steps that wait for their frames run through the plan for so many frames at most; to seek is quicker
/// for more.
const MOST_STEPS_AHEAD: i64 = 24;

impl Engine {
    /// Does what `command` asks for. What cannot be done is told in a notice.
    pub fn handle(&mut self, command: Command) {
        match command {
            Command::Open(files) => self.open_files(files, true),
            Command::Append(files) => self.open_files(files, false),
            Command::PlaylistStep(step) => self.playlist_step(step),
            // What is asked for while a medium is being opened holds for it.
            Command::Play if self.opening => self.plays_when_open = true,
            Command::Pause if self.opening => self.plays_when_open = false,
            Command::TogglePause if self.opening => self.plays_when_open = !self.plays_when_open,
            // With the playhead in hand they hold for when it is let go of.
            Command::TogglePause if self.told_status() == PlaybackStatus::Playing => self.pause(),
            Command::Play | Command::TogglePause => self.play(),
            Command::Pause => self.pause(),
            Command::Seek(target) => self.seek(target),
            Command::Scrub(target) => self.scrub(target),
            Command::EndScrub => self.end_scrub(),
            Command::SetScrubSound(on) => self.scrub_sound = on,
            Command::Step(frames) => self.step(frames),
            Command::SeekByMillis(millis) => self.seek_by(MediaSpan::from_millis(millis)),
            Command::SetSpeed(speed) => self.set_speed(speed),
            Command::Shuttle(direction) => self.shuttle(direction),
            Command::SetIn(mark) => self.set_marks(mark, self.mark_out),
            Command::SetOut(mark) => self.set_marks(self.mark_in, mark),
            Command::SetLoop(mode) => {
                self.loop_mode = mode;
                self.replan_in_place();
            }
            Command::SetVolume(percent) => {
                self.volume_percent = percent.min(200);
                self.sound.set_volume_percent(self.volume_percent);
            }
            Command::SetMuted(muted) => {
                self.muted = muted;
                self.sound.set_muted(muted);
            }
            Command::SetAudioDelayMillis(millis) => {
                self.audio_delay_millis = millis.clamp(-5000, 5000);
                self.sound.set_delay_millis(self.audio_delay_millis);
            }
            Command::SetAudioTrack(track) => self.set_track(track),
            Command::SetAudioDevice(device) => self.sound.set_device(device),
            Command::SetView(view) => self.view = view,
            Command::SetCompare(compare) => self.compare = compare,
            Command::SetProxies(wanted) => self.set_proxies(wanted),
            Command::SetQuality(mode) => {
                self.change_policy(|policy| policy.with_mode(mode));
            }
            Command::SetPolicy(policy) => self.change_policy(|before| match before.use_proxy {
                // There is nobody to look for them.
                ProxyUse::Never => policy.with_proxies(ProxyUse::Never),
                _ => *policy,
            }),
            Command::Tell(severity, text) => {
                self.notices.push(severity, text, Some(self.clock.now()));
            }
            Command::Quit => self.quit(),
        }
        self.publish_snapshot();
    }

    fn open_files(&mut self, files: Vec<std::path::PathBuf>, replace: bool) {
        if files.is_empty() {
            return;
        }
        let idle = self.medium.is_none() && !self.opening;
        let mut playlist = if replace {
            Vec::new()
        } else {
            self.playlist.to_vec()
        };
        let first_new = playlist.len();
        playlist.extend(files);
        self.playlist = Arc::new(playlist);
        if replace || idle {
            self.open_number(first_new);
        }
    }

    fn playlist_step(&mut self, step: i32) {
        let last = i64::try_from(self.playlist.len()).unwrap_or(0) - 1;
        let here = i64::try_from(self.playlist_index).unwrap_or(0);
        let there = (here + i64::from(step)).clamp(0, last.max(0));
        if there != here {
            self.open_number(usize::try_from(there).unwrap_or(0));
        }
    }

    pub(super) fn play(&mut self) {
        if let Some(scrub) = &mut self.scrub {
            scrub.resumes = true;
            return;
        }
        match self.phase {
            Phase::Held => {
                self.hold_frame(self.position());
                let shown = self.feedback.shown();
                let in_place = self.planned.as_ref().is_some_and(|planned| {
                    (shown.epoch, shown.generation, shown.index)
                        == (self.epoch, planned.plan.generation, self.held)
                });
                if in_place && self.plan_goes_on() {
                    self.give_plan();
                    self.preroll(shown.run);
                    self.publish_schedule();
                } else {
                    self.replan(self.held, true);
                    self.stand_in();
                }
            }
            Phase::Ended => {
                let Some(medium) = &self.medium else { return };
                let start = if self.speed.is_reverse() {
                    self.mark_out.unwrap_or(medium.last_frame())
                } else {
                    self.mark_in.unwrap_or(FrameIndex::ZERO)
                };
                self.replan(start, true);
            }
            Phase::Idle | Phase::Prerolling { .. } | Phase::Running(_) | Phase::Untimed => {}
        }
    }

    pub(super) fn pause(&mut self) {
        if let Some(scrub) = &mut self.scrub {
            scrub.resumes = false;
        }
        if !self.is_playing() {
            return;
        }
        // The presenting thread may show another frame before it hears of this; that one is held then.
        let shows = matches!(self.phase, Phase::Running(_) | Phase::Untimed);
        self.hold_frame(self.position());
        self.stays = shows
            && self
                .medium
                .as_ref()
                .is_some_and(|medium| medium.source.is_some());
        self.silence();
        self.phase = Phase::Held;
        self.publish_schedule();
    }

    fn seek(&mut self, target: SeekTarget) {
        if let Some(frame) = self.frame_of(target) {
            let playing = self.is_playing();
            self.replan(frame, playing);
            self.stand_in();
        }
    }

    fn seek_by(&mut self, span: MediaSpan) {
        let Some(medium) = &self.medium else { return };
        let target = medium.frame_at(medium.time_of(self.position()) + span);
        self.seek(SeekTarget::Frame(target));
    }

    /// Moves by frames. A plan that runs the same way has them next in its ring; else a new plan runs
    /// the way of the step, so that the steps that follow find theirs.
    fn step(&mut self, frames: i64) {
        self.pause();
        self.hold_frame(self.position());
        if self.phase == Phase::Ended {
            self.phase = Phase::Held;
        }
        let Some(medium) = self.medium.as_ref().filter(|_| self.planned.is_some()) else {
            return;
        };
        let target = self
            .held
            .offset(frames)
            .clamp(FrameIndex::ZERO, medium.last_frame());
        if target == self.held {
            self.publish_schedule();
            return;
        }
        self.step_to(target, frames < 0);
        self.sound_at(target);
    }

    fn step_to(&mut self, target: FrameIndex, backwards: bool) {
        let (Some(medium), Some(planned)) = (&self.medium, &self.planned) else {
            return;
        };
        let plan = &planned.plan;
        let same_way = plan.reverse == backwards && plan.stride.get() == 1 && planned.given;
        let here = (self.epoch, plan.generation);
        let shown = self.feedback.shown();
        let reached = if (shown.epoch, shown.generation) == here {
            shown.index
        } else {
            plan.start
        };
        let near = (target.0 - reached.0).abs() <= MOST_STEPS_AHEAD;
        let inside = target >= plan.first && plan.last.is_none_or(|last| target <= last);
        // After a turn in ping-pong the plan runs the other way than it says.
        let one_way = plan.repeat != crate::decode::LoopMode::PingPong;
        let not_over = shown.ended != Some(here);
        // Among frames that were left out the next one may be this one once more.
        let is_whole = !self.leaves_out_of_plan();
        let is_coming = same_way && near && inside && one_way && not_over && is_whole;
        // What is kept is there sooner than what is only next in line.
        let is_sooner = !self.is_next_in_ring(target) && self.exact_still(target).is_some();
        if is_coming && !is_sooner && medium.source.is_some() {
            self.hold_frame(target);
            self.publish_schedule();
        } else {
            self.replan_towards(target, false, backwards);
        }
    }

    fn set_speed(&mut self, speed: Speed) {
        let turned = speed.is_reverse() != self.speed.is_reverse();
        match self.phase {
            Phase::Running(anchor) if !turned => {
                let before = self.speed;
                self.speed = speed;
                let same_frames = self.plan_goes_on_at(self.position());
                self.speed = before;
                if same_frames {
                    self.change_speed_while_running(anchor, speed);
                } else {
                    self.speed = speed;
                    self.replan(self.position(), true);
                }
            }
            Phase::Running(_) | Phase::Prerolling { .. } => {
                self.speed = speed;
                self.replan(self.position(), true);
            }
            Phase::Idle | Phase::Held | Phase::Untimed | Phase::Ended => self.speed = speed,
        }
    }

    fn plan_goes_on_at(&mut self, frame: FrameIndex) -> bool {
        let held = std::mem::replace(&mut self.held, frame);
        let goes_on = self.plan_goes_on();
        self.held = held;
        goes_on
    }

    /// J and L: from a standstill or the other direction to normal speed, then twice as fast each time.
    fn shuttle(&mut self, direction: i32) {
        let sign = if direction < 0 { -1 } else { 1 };
        let now = self.speed.quarters();
        let quarters = if self.is_playing() && now.signum() == sign {
            (now.abs() * 2).clamp(4, SHUTTLE_MOST_QUARTERS) * sign
        } else {
            4 * sign
        };
        let Some(speed) = Speed::from_quarters(quarters) else {
            return;
        };
        self.set_speed(speed);
        self.play();
    }

    fn set_marks(&mut self, mark_in: Option<FrameIndex>, mark_out: Option<FrameIndex>) {
        let crossed = matches!((mark_in, mark_out), (Some(a), Some(b)) if a > b);
        // The mark that was set last wins; the other one goes.
        if crossed && mark_in != self.mark_in {
            (self.mark_in, self.mark_out) = (mark_in, None);
        } else if crossed {
            (self.mark_in, self.mark_out) = (None, mark_out);
        } else {
            (self.mark_in, self.mark_out) = (mark_in, mark_out);
        }
        self.replan_in_place();
    }

    /// Makes a new plan where the playhead is, for its range or its ends have changed. Paused, the next
    /// play does it.
    fn replan_in_place(&mut self) {
        if self.is_playing() {
            self.replan(self.position(), true);
        }
    }

    /// Takes effect with the next frame that is decoded; a frame that is held is decoded again.
    fn set_proxies(&mut self, wanted: ProxyUse) {
        let before = self.quality.policy().use_proxy;
        if before == ProxyUse::Never && wanted != ProxyUse::Never {
            let text = "Proxies are switched off. Start with `--proxies auto` to use them.";
            let now = Some(self.clock.now());
            self.notices.push(Severity::Info, text.to_owned(), now);
            return;
        }
        if before == wanted {
            return;
        }
        self.change_policy(|policy| policy.with_proxies(wanted));
    }

    fn set_track(&mut self, track: Option<usize>) {
        self.audio_enabled = track.is_some();
        self.wanted_track = track.or(self.wanted_track);
        self.silence();
        self.open_track();
        self.restart_sound();
    }

    fn quit(&mut self) {
        self.opener.cancel();
        self.close_medium();
        self.quit = true;
    }
}
