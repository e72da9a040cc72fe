//! Making plans: which frames, in which order, over which run time.

use std::num::{NonZeroI64, NonZeroU32};

use super::medium::Medium;
use super::{Engine, Phase};
use crate::audio::AudioPlan;
use crate::decode::{Generation, LoopMode, RunMap, VideoPlan};
use crate::playback::quality::Activity;
use crate::playback::snapshot::Severity;
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime, Position, PositionError, Speed};

/// So many frames a second are delivered on any display. A slower one leaves out single frames, which is
/// smoother than every other one.
const FEWEST_REFRESHES: i64 = 60;

/// Refreshes a second that are believed at most.
const MOST_REFRESHES: i64 = 1000;

/// The end of a medium whose length is not known yet.
const FAR: MediaTime = MediaTime::from_flicks(i64::MAX / 4);

/// A plan that was given to the session, and its time line.
#[derive(Debug, Clone, Copy)]
pub(in crate::playback) struct Planned {
    pub(in crate::playback) plan: VideoPlan,
    pub(in crate::playback) map: RunMap,
    /// Whether the map can no longer change.
    pub(in crate::playback) is_final: bool,
    /// Whether the session has it.
    pub(in crate::playback) given: bool,
}

impl Medium {
    /// The range that plays around `frame`, its end no further than the medium's.
    fn range_around(
        &self,
        frame: FrameIndex,
        mark_in: Option<FrameIndex>,
        mark_out: Option<FrameIndex>,
    ) -> (FrameIndex, Option<FrameIndex>) {
        let (first, last) = range_around(frame, mark_in, mark_out);
        let known = self.index().is_none_or(|index| index.is_complete());
        (
            first,
            last.filter(|&last| !known || last < self.last_frame()),
        )
    }

    /// The time line of a plan, as far as the index is known.
    pub(super) fn map_of(&self, plan: &VideoPlan) -> RunMap {
        let end = match plan.last {
            Some(last) => self.end_of(last),
            None => match self.index() {
                Some(index) if index.is_complete() => index.end(),
                Some(_) => FAR,
                None => MediaTime::ZERO + self.duration(),
            },
        };
        let (start, first) = (plan.start, self.time_of(plan.first));
        RunMap {
            start: if plan.reverse {
                self.end_of(start)
            } else {
                self.time_of(start)
            },
            first,
            end,
            reverse: plan.reverse,
            repeat: plan.repeat,
        }
    }
}

impl Engine {
    /// Turns a position as a person wrote it into a frame of the open medium.
    pub(super) fn resolve(&self, position: Position) -> Result<FrameIndex, PositionError> {
        match &self.medium {
            Some(medium) => medium.state().resolve(position),
            None => Ok(FrameIndex::ZERO),
        }
    }

    /// Shows `frame` by a new plan in the direction of the present speed, and plays on from it if
    /// `play`.
    pub(super) fn replan(&mut self, frame: FrameIndex, play: bool) {
        self.replan_towards(frame, play, self.speed.is_reverse());
    }

    pub(super) fn replan_towards(&mut self, frame: FrameIndex, play: bool, reverse: bool) {
        if !self.draw_up_plan(frame, play, reverse) {
            return;
        }
        if self.take_exact_still() && !play {
            // What is on screen needs no decoder; the frames around it can wait until it stays there.
            self.give_plan_at_rest();
        } else {
            self.give_plan();
        }
        if play || self.audio_run.is_some() {
            self.silence();
        }
        if play {
            self.preroll(MediaSpan::ZERO);
        } else {
            self.phase = Phase::Held;
        }
        self.publish_schedule();
    }

    /// Draws up a plan that begins with `frame`, which is held from now on. The session is not given it
    /// yet. False where there is no medium.
    pub(super) fn draw_up_plan(&mut self, frame: FrameIndex, play: bool, reverse: bool) -> bool {
        let generation = self.next_generation();
        let activity = match &self.scrub {
            Some(_) => Activity::Scrubbing,
            None if play => Activity::Prerolling,
            None => Activity::AtRest,
        };
        // The source may choose for a clip before the controller is asked the next time.
        self.quality.control().note(activity, self.speed);
        let Some(medium) = &self.medium else {
            return false;
        };
        let last_frame = medium.last_frame();
        let frame = frame.clamp(FrameIndex::ZERO, last_frame);
        let (first, last) = medium.range_around(frame, self.mark_in, self.mark_out);
        let plan = VideoPlan {
            generation,
            start: frame,
            first,
            last,
            reverse,
            stride: if play {
                stride(medium.rate, self.speed, self.feedback.period_nanos())
            } else {
                NonZeroU32::MIN
            },
            repeat: self.loop_mode,
        };
        let map = medium.map_of(&plan);
        let is_final = medium.index().is_none_or(|index| index.is_complete());
        self.planned = Some(Planned {
            plan,
            map,
            is_final,
            given: false,
        });
        self.hold_frame(frame);
        self.at_hand = None;
        self.rest_at = None;
        self.unanswered = None;
        true
    }

    /// Whether the present plan can go on from the frame that is held in the direction of the present
    /// speed.
    pub(super) fn plan_goes_on(&self) -> bool {
        let (Some(planned), Some(medium)) = (&self.planned, &self.medium) else {
            return false;
        };
        let plan = &planned.plan;
        plan.reverse == self.speed.is_reverse()
            && plan.stride == stride(medium.rate, self.speed, self.feedback.period_nanos())
            && plan.repeat == self.loop_mode
            && (plan.first, plan.last)
                == medium.range_around(self.held, self.mark_in, self.mark_out)
    }

    /// The display's rate was not known when the plan was made, or the window is on another display: a
    /// plan that leaves out frames that it could show, or the other way round, is made anew.
    pub(super) fn follow_display(&mut self) {
        let (Some(planned), Some(medium)) = (&self.planned, &self.medium) else {
            return;
        };
        let period = self.feedback.period_nanos();
        if self.is_playing() && planned.plan.stride != stride(medium.rate, self.speed, period) {
            self.replan(self.position(), true);
        }
    }

    /// The index has grown: places that were estimated by the rate are known now, and so is the end that
    /// sound turns at. Pictures learn of it from the index themselves.
    pub(super) fn follow_index(&mut self) {
        let (Some(planned), Some(medium)) = (&mut self.planned, &self.medium) else {
            return;
        };
        if planned.is_final {
            return;
        }
        let before = planned.map;
        planned.map = medium.map_of(&planned.plan);
        planned.is_final = medium.index().is_none_or(|index| index.is_complete());
        let turns_elsewhere = before.end != planned.map.end && before.repeat != LoopMode::Off;
        if before.start != planned.map.start || before.first != planned.map.first || turns_elsewhere
        {
            self.restart_sound();
        }
    }

    /// What came of the frame that is to be held: it may have been given up before the pause, or have no
    /// picture.
    pub(super) fn check_held(&mut self) {
        let Some(planned) = &self.planned else { return };
        if matches!(self.phase, Phase::Running(_) | Phase::Untimed | Phase::Idle) {
            return;
        }
        let held = self.position();
        let here = (self.epoch, planned.plan.generation, held);
        if self.feedback.shown().passed_over == Some(here) && planned.plan.start != held {
            let play = self.is_playing();
            self.replan_towards(held, play, planned.plan.reverse);
            return;
        }
        let missing = self.feedback.missing();
        if let Some(missing) = missing.filter(|m| (m.epoch, m.generation, m.index) == here) {
            let text = format!("Frame {held} has no picture: {}.", missing.reason);
            self.notices
                .push(Severity::Warning, text, Some(self.clock.now()));
        }
    }

    /// A frame that the decoder turned out not to have: the last one is shown in its place.
    pub(super) fn check_beyond_end(&mut self) {
        let Some(medium) = &self.medium else { return };
        let known = medium.index().is_some_and(|index| index.is_complete());
        let (held, last) = (self.held, medium.last_frame());
        if known && held > last {
            self.notices.push(
                Severity::Warning,
                format!("The file is shorter than it says: its last frame is {last}."),
                Some(self.clock.now()),
            );
            self.replan(last, false);
        }
    }

    /// The sound's plan from run time `from` of the present plan on.
    pub(super) fn audio_plan(&self, generation: Generation, from: MediaSpan) -> Option<AudioPlan> {
        let planned = self.planned.as_ref()?;
        let point = planned.map.at(from);
        (!point.ended).then_some(AudioPlan {
            generation,
            map: RunMap {
                start: point.media,
                reverse: point.reverse,
                ..planned.map
            },
            speed: self.speed,
        })
    }
}

/// The marked range where it holds `frame`, else the whole medium. A mark that is not set is open.
fn range_around(
    frame: FrameIndex,
    mark_in: Option<FrameIndex>,
    mark_out: Option<FrameIndex>,
) -> (FrameIndex, Option<FrameIndex>) {
    let first = mark_in.unwrap_or(FrameIndex::ZERO);
    if frame >= first && mark_out.is_none_or(|last| frame <= last) {
        (first, mark_out)
    } else {
        (FrameIndex::ZERO, None)
    }
}

/// Every how manyth frame is delivered at `speed`, on a display whose refreshes last `period_nanos`: no
/// display shows more frames than it has refreshes.
fn stride(rate: FrameRate, speed: Speed, period_nanos: Option<NonZeroI64>) -> NonZeroU32 {
    let refreshes = period_nanos
        .and_then(|period| 1_000_000_000_i64.checked_div(period.get()))
        .unwrap_or(FEWEST_REFRESHES)
        .clamp(FEWEST_REFRESHES, MOST_REFRESHES);
    let per_second = i64::from(rate.num()) * i64::from(speed.quarters().abs());
    let most = refreshes * i64::from(rate.den()) * 4;
    // One frame a second more than the display shows is no reason to leave out half of them.
    let stride = (per_second - per_second / 20).div_euclid(most).max(0) + 1;
    let exact = if per_second <= most { 1 } else { stride };
    u32::try_from(exact)
        .ok()
        .and_then(NonZeroU32::new)
        .unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuttle_shows_no_more_than_a_display_can() {
        let rate = |num, den| FrameRate::new(num, den).unwrap();
        let speed = |quarters| Speed::from_quarters(quarters).unwrap();
        let stride = |rate, speed| super::stride(rate, speed, None);
        assert_eq!(stride(rate(30, 1), speed(4)).get(), 1);
        assert_eq!(stride(rate(30, 1), speed(8)).get(), 1);
        assert_eq!(stride(rate(30_000, 1001), speed(-8)).get(), 1);
        assert_eq!(stride(rate(30, 1), speed(16)).get(), 2);
        assert_eq!(stride(rate(30, 1), speed(-32)).get(), 4);
        assert_eq!(stride(rate(60, 1), speed(4)).get(), 1);
        assert_eq!(stride(rate(60, 1), speed(8)).get(), 2);
        assert_eq!(stride(rate(24, 1), speed(32)).get(), 4);
        assert_eq!(stride(rate(120, 1), speed(4)).get(), 2);
    }

    #[test]
    fn a_fast_display_shows_more() {
        let on = |hertz: i64, rate: (u32, u32), quarters| {
            let period = NonZeroI64::new(1_000_000_000 / hertz);
            let rate = FrameRate::new(rate.0, rate.1).unwrap();
            stride(rate, Speed::from_quarters(quarters).unwrap(), period).get()
        };
        assert_eq!(on(120, (120, 1), 4), 1);
        assert_eq!(on(144, (120_000, 1001), 4), 1);
        assert_eq!(on(120, (60, 1), 8), 1);
        assert_eq!(on(120, (30, 1), 32), 2);
        assert_eq!(on(60, (120, 1), 4), 2);
        // A display a little slower than the frames leaves out single ones, and so does a slow one.
        assert_eq!(on(119, (120, 1), 4), 1);
        assert_eq!(on(50, (60, 1), 4), 1);
        assert_eq!(on(30, (60, 1), 4), 1);
    }

    #[test]
    fn marks_hold_only_around_what_plays() {
        let (a, b) = (Some(FrameIndex(10)), Some(FrameIndex(20)));
        assert_eq!(range_around(FrameIndex(15), a, b), (FrameIndex(10), b));
        assert_eq!(range_around(FrameIndex(25), a, b), (FrameIndex(0), None));
        assert_eq!(
            range_around(FrameIndex(25), a, None),
            (FrameIndex(10), None)
        );
    }
}
