//! Timelines that change on disk while they play.

use std::sync::Arc;

use super::Engine;
use crate::decode::LoopMode;
use crate::playback::media_watch::told_of_change;
use crate::playback::opener::Opened;
use crate::playback::snapshot::Severity;
use crate::playback::watch::FileWatch;
use crate::time::{FrameIndex, MediaTime};
use crate::timeline::TimeRange;

/// What differs no nearer to the playhead than this, in frames, either way, has not been composed yet.
const NEAR_FRAMES: i64 = 64;

/// The same in frames that a shuttle shows: a ring holds six, and two more are under way.
const NEAR_STRIDES: i64 = 10;

impl Engine {
    /// Reads the timeline again when its file has changed. What plays goes on until that is done.
    pub(super) fn check_reload(&mut self) {
        let watch = self
            .medium
            .as_mut()
            .and_then(|medium| medium.watch.as_mut());
        if self.opening || !watch.is_some_and(FileWatch::has_changed) {
            return;
        }
        if let Some(path) = self.playlist.get(self.playlist_index).cloned() {
            self.reloading = true;
            self.opener.begin_revision(&path);
        }
    }

    /// Tells of open media that went away, came back or changed.
    pub(super) fn check_media(&mut self) {
        let Some(medium) = &mut self.medium else {
            return;
        };
        let Some(watch) = &medium.media_watch else {
            return;
        };
        let displaced = watch.displaced();
        if Arc::ptr_eq(&displaced, &medium.displaced) {
            return;
        }
        let before = std::mem::replace(&mut medium.displaced, displaced);
        let now = Some(self.clock.now());
        for (severity, text) in told_of_change(&before, &medium.displaced) {
            self.notices.push(severity, text, now);
        }
    }

    /// Goes on with the changed timeline where the old one stood. One that cannot be read changes
    /// nothing: it may be half written.
    pub(super) fn medium_reloaded(&mut self, opened: Result<Opened, String>) {
        let now = Some(self.clock.now());
        let opened = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                let text = format!("{reason} What was read before plays on.");
                self.notices.push(Severity::Warning, text, now);
                return;
            }
        };
        if opened.video.is_some() {
            self.begin_again(opened);
        } else if opened.timeline.is_none() {
            return;
        } else if !self.revise(opened) {
            // Another rate or another canvas: nothing of what plays can stay.
            if let Some(path) = self.playlist.get(self.playlist_index).cloned() {
                self.reloading = true;
                self.opener.begin(&path);
            }
            return;
        }
        let text = "The timeline has changed on disk and was read again.";
        self.notices.push(Severity::Info, text.to_owned(), now);
    }

    /// Puts a timeline that was opened anew in the place of the one that plays.
    fn begin_again(&mut self, opened: Opened) {
        let (position, playing) = (self.position(), self.is_playing());
        self.silence();
        self.end_source();
        self.forget_target();
        self.begin_medium(opened);
        let Some(medium) = &self.medium else { return };
        let last = medium.last_frame();
        self.keep_marks_within(last);
        self.replan(position.min(last), playing);
    }

    /// Makes what plays the next revision of itself: only what differs is done again. False when it
    /// cannot be.
    fn revise(&mut self, opened: Opened) -> bool {
        let position = self.position();
        let playing = self.is_playing();
        let Some(medium) = &mut self.medium else {
            return false;
        };
        let (Some(before), Some(next)) = (&medium.timeline, opened.timeline) else {
            return false;
        };
        let Some(reviser) = medium
            .reviser
            .as_ref()
            .filter(|_| next.is_revision_of(before))
        else {
            return false;
        };
        let changes = next.edit.changed_since(&before.edit);
        let other_sound = next.sound != before.sound;
        let found_otherwise = next.missing_media() != before.missing_media();
        reviser.revise(next.media());
        medium.stream = opened.info.default_video().cloned();
        medium.info = opened.info;
        medium.timeline = Some(next);
        medium.watch = opened.watch;
        medium.media_watch = opened.media_watch;
        medium.displaced = Arc::default();
        medium.told = None;
        let last = medium.last_frame();
        let stride = self.planned.map_or(1, |planned| planned.plan.stride.get());
        let reach = NEAR_FRAMES.max(i64::from(stride) * NEAR_STRIDES);
        let from = medium.time_of(position.offset(-reach));
        let near = TimeRange::between(from, medium.end_of(position.offset(reach)));
        let is_near = |range: &TimeRange| range.start < near.end() && range.end() > near.start;
        // A plan that turns comes to what is far away as well.
        let turns = self.loop_mode != LoopMode::Off && !changes.picture.is_empty();
        let cut_off = self
            .planned
            .is_some_and(|planned| planned.plan.start > last);
        let again = position > last
            || cut_off
            || turns
            || found_otherwise
            || changes.picture.iter().any(is_near);
        self.keep_marks_within(last);
        if other_sound {
            self.silence();
            self.open_track();
        }
        if again {
            self.replan(position.min(last), playing);
        } else {
            self.follow_length(other_sound);
        }
        true
    }

    fn keep_marks_within(&mut self, last: FrameIndex) {
        let inside = |mark: &FrameIndex| *mark <= last;
        self.mark_in = self.mark_in.filter(inside);
        self.mark_out = self.mark_out.filter(inside);
    }

    /// The present plan goes on over a timeline that may be of another length.
    fn follow_length(&mut self, other_sound: bool) {
        let (Some(planned), Some(medium)) = (&mut self.planned, &self.medium) else {
            return;
        };
        let before: MediaTime = planned.map.end;
        planned.map = medium.map_of(&planned.plan);
        let turns_elsewhere = before != planned.map.end && planned.plan.repeat != LoopMode::Off;
        if other_sound || turns_elsewhere {
            self.restart_sound();
        }
        self.publish_schedule();
    }
}
