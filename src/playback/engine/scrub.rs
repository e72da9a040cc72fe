//! Dragging the playhead, and pictures that are at hand.
//!
//! # The ladder
//! For each target, the first of these that there is:
//! 1. its own picture, kept by the source: shown at once, by a plan that the session is not given yet;
//! 2. its own picture, next in the ring of a plan that runs there already;
//! 3. its own picture, decoded, where that is as quick as a drag needs it (every frame a keyframe, as in a
//!    proxy, or a decoder that has shown how fast it is);
//! 4. the nearest picture within a GOP, which stands in for it: kept, a thumbnail, or a keyframe that a
//!    second decoder makes meanwhile; and its own picture after [`REST`] at rest.
//!
//! While a stand-in is on screen the engine looks again, every time it is woken: a nearer one replaces it.
//! The session's decoder is told at once that its old target is stale, so that it leaves the machine to
//! whoever can answer sooner.
//!
//! The first target of a drag is decoded at once, for most of them are clicks; and so is that of a seek. The
//! session passes the keyframe on its way, as soon as a second decoder could have it, and what it passes
//! stands in.
//!
//! # Following the hand
//! A hand that moves slowly, by less than a GOP at a time, comes to frames near by and comes back to them.
//! The session decodes what lies around it meanwhile, in its direction first. When it moves faster, nothing
//! that nobody has asked for is decoded.

use std::time::Duration;

use super::grain::Grain;
use super::{Engine, Phase};
use crate::decode::{Generation, Gop, Hand, LoopMode, Picture, Still};
use crate::playback::command::SeekTarget;
use crate::playback::schedule::AtHand;
use crate::playback::snapshot::{PlaybackStatus, Severity};
use crate::time::{FrameIndex, Moment};

/// A target at which the playhead rests for this long gets its own picture, whatever it costs.
const REST: Duration = Duration::from_millis(120);

/// A picture that can be decoded in this time is not worth a stand-in, which would only flicker.
const QUICK: Duration = Duration::from_millis(40);

/// Of so many frames on the way to a target the decoder makes one a picture at least: others are not
/// referred to, and are left out.
const LEFT_OUT: i64 = 4;

/// How often the engine looks while a target has not got its own picture.
const LOOK_NANOS: i64 = 20_000_000;

/// A stand-in that the decoder passes on its way to the target is replaced by a nearer one only so often: to
/// show each of them would take as long as to decode it, and the target would come so much later.
const PASSING: Duration = Duration::from_millis(250);

/// How far a stand-in may be from its target where nobody knows of GOPs, as a part of a second: a usual
/// GOP is at least as long.
const FREE_REACH_DIVISOR: i64 = 2;

/// The playhead is being dragged.
#[derive(Debug, Clone, Copy)]
pub(in crate::playback) struct Scrub {
    /// Whether it plays on when it is let go of.
    pub(in crate::playback) resumes: bool,
}

/// A plan whose first frame is waited for.
#[derive(Debug, Clone, Copy)]
struct Awaited {
    generation: Generation,
    since: Moment,
    /// Those on the way to its first frame, from the beginning of the GOP.
    frames: i64,
    /// Pictures that the session had decoded before.
    decoded: u64,
}

/// How long the session takes to decode up to a target.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::playback) struct DecodingPace {
    waiting: Option<Awaited>,
    /// Nanoseconds a frame, once known.
    nanos: Option<i64>,
}

impl DecodingPace {
    fn begin(&mut self, generation: Generation, frames: i64, decoded: u64, now: Moment) {
        self.give_up(now);
        self.waiting = Some(Awaited {
            generation,
            since: now,
            frames: frames.max(1),
            decoded,
        });
    }

    /// A plan that was replaced has taken this long at least.
    fn give_up(&mut self, now: Moment) {
        if let Some(waiting) = self.waiting.take() {
            let least = now.nanos_since(waiting.since) / waiting.frames;
            self.nanos = self.nanos.map(|nanos| nanos.max(least));
        }
    }

    /// The first frames of plans up to `ready` are there, and so many pictures have been decoded in all.
    fn follow(&mut self, ready: Generation, decoded: u64, now: Moment) {
        let arrived = self.waiting.take_if(|waiting| waiting.generation <= ready);
        // One that was kept, or for which the decoder stood in its place, tells nothing.
        let begun_anew = |waiting: &Awaited| {
            let pictures = i64::try_from(decoded.saturating_sub(waiting.decoded)).unwrap_or(0);
            pictures * LEFT_OUT >= waiting.frames
        };
        if let Some(waiting) = arrived.filter(begun_anew) {
            let nanos = now.nanos_since(waiting.since) / waiting.frames;
            self.nanos = Some(
                self.nanos
                    .map_or(nanos, |before| i64::midpoint(before, nanos)),
            );
        }
    }

    /// Whether so many frames are decoded soon enough; `None` while that is not known.
    fn is_quick(&self, frames: i64) -> Option<bool> {
        let limit = i64::try_from(QUICK.as_nanos()).unwrap_or(i64::MAX);
        Some(self.nanos?.saturating_mul(frames.max(1)) <= limit)
    }
}

impl Engine {
    /// The frame that a target means, if there is one; what cannot be understood is told.
    pub(super) fn frame_of(&mut self, target: SeekTarget) -> Option<FrameIndex> {
        let medium = self.medium.as_ref()?;
        let last = medium.last_frame();
        let frame = match target {
            SeekTarget::Frame(frame) => frame,
            SeekTarget::Start => FrameIndex::ZERO,
            SeekTarget::End => last,
            SeekTarget::Millionths(part) => {
                let frames = i128::from(medium.frames());
                let frame = frames * i128::from(part.min(1_000_000)) / 1_000_000;
                FrameIndex(i64::try_from(frame).unwrap_or(i64::MAX))
            }
            SeekTarget::Cut(way) => medium.cut_from(self.position(), way)?,
            SeekTarget::Marker(way) => medium.marker_from(self.position(), way)?,
            SeekTarget::Position(position) => match self.resolve(position) {
                Ok(frame) => frame,
                Err(error) => {
                    let now = Some(self.clock.now());
                    self.notices.push(Severity::Warning, error.to_string(), now);
                    return None;
                }
            },
        };
        Some(frame.clamp(FrameIndex::ZERO, last))
    }

    /// Drags the playhead to `target`. The latest target wins.
    pub(super) fn scrub(&mut self, target: SeekTarget) {
        let Some(frame) = self.frame_of(target) else {
            return;
        };
        let begins = self.scrub.is_none();
        if begins {
            let resumes = self.is_playing();
            self.scrub = Some(Scrub { resumes });
            // The machine is there for the targets.
            self.allow_prefetch(false);
        }
        let is_there = self.phase == Phase::Held && !self.stays && self.held == frame;
        if is_there {
            return;
        }
        self.aim_at(frame, begins);
        self.sound_at(frame);
    }

    /// Lets go of the playhead. What played goes on from here.
    pub(super) fn end_scrub(&mut self) {
        let Some(scrub) = self.scrub.take() else {
            return;
        };
        self.allow_prefetch(true);
        if scrub.resumes {
            self.play();
        } else if self.unanswered.is_some() {
            self.give_plan();
        }
    }

    /// What people are told the transport does: a drag does not end play.
    pub(super) fn told_status(&self) -> PlaybackStatus {
        match (self.status(), self.scrub) {
            (PlaybackStatus::Paused, Some(Scrub { resumes: true })) => PlaybackStatus::Playing,
            (status, _) => status,
        }
    }

    /// Shows `frame`, or what is nearest to it, as soon as can be; `begins` where the hand has not moved yet.
    fn aim_at(&mut self, frame: FrameIndex, begins: bool) {
        if self.is_next_in_ring(frame) {
            self.hold_frame(frame);
            self.at_hand = None;
            self.rest_at = None;
            self.publish_schedule();
            return;
        }
        let (from, unanswered) = (self.position(), self.unanswered);
        if !self.draw_up_plan(frame, false, self.speed.is_reverse()) {
            return;
        }
        if self.audio_run.is_some() {
            self.silence();
        }
        self.phase = Phase::Held;
        if self.source_mut().is_none() {
            // Sound alone has nothing to show.
            self.publish_schedule();
            return;
        }
        self.follow_hand(from);
        if self.take_exact_still() {
            self.give_plan_at_rest();
            self.publish_schedule();
            return;
        }
        // A hand that does not stop is not kept waiting for ever: the target before counts as well.
        self.unanswered = unanswered.or_else(|| Some(self.clock.now()));
        let is_quick = self.is_quick(self.held);
        if is_quick || begins {
            self.give_plan();
        } else {
            self.give_plan_at_rest();
            self.want_keyframe();
        }
        if !is_quick {
            self.take_nearest_still();
        }
        self.publish_schedule();
    }

    /// The hand has moved from frame `from` to the one that is held.
    fn follow_hand(&mut self, from: FrameIndex) {
        let frame = self.held;
        let Some(medium) = &self.medium else { return };
        let is_slow = (frame.0 - from.0).abs() < medium.stand_in_reach(frame);
        let hand = Hand {
            frame,
            reverse: frame < from,
        };
        self.allow_prefetch(is_slow);
        if let Some(source) = self.source_mut().filter(|_| is_slow) {
            source.follow_hand(hand);
        }
    }

    /// What is near is shown until the frame that is held has been decoded, if it takes long. The session
    /// has its plan already: play begins no later for it.
    pub(super) fn stand_in(&mut self) {
        if !self.awaits_frame() || self.at_hand.is_some() || self.source_mut().is_none() {
            return;
        }
        self.unanswered = Some(self.clock.now());
        if !self.is_quick(self.held) && !self.is_on_screen(self.held) {
            self.take_nearest_still();
            self.publish_schedule();
        }
    }

    /// Whether one frame is to be on screen, and stay there for now.
    fn awaits_frame(&self) -> bool {
        matches!(self.phase, Phase::Held | Phase::Prerolling { .. })
    }

    /// Whether `frame` is on screen, shown by whichever plan.
    fn is_on_screen(&self, frame: FrameIndex) -> bool {
        let shown = self.feedback.shown();
        self.approximate.is_none() && (shown.epoch, shown.index) == (self.epoch, frame)
    }

    /// Lets the session work for nobody until the playhead has come to rest.
    pub(super) fn give_plan_at_rest(&mut self) {
        let now = self.clock.now();
        self.rest_at = Some(now + REST);
        self.pace.give_up(now);
        if let Some(source) = self.source_mut() {
            source.abandon();
        }
    }

    fn allow_prefetch(&mut self, allowed: bool) {
        if let Some(source) = self.source_mut() {
            source.allow_prefetch(allowed);
        }
    }

    fn want_keyframe(&mut self) {
        let held = self.held;
        if let Some(source) = self.source_mut() {
            source.want_keyframe(held);
        }
    }

    fn source_mut(&mut self) -> Option<&mut Box<dyn crate::decode::VideoSource>> {
        self.medium.as_mut()?.source.as_mut()
    }

    /// Whether the present plan has `frame` in its ring, ahead of the frame on screen.
    pub(super) fn is_next_in_ring(&self, frame: FrameIndex) -> bool {
        let (Phase::Held, Some(planned), Some(medium)) = (self.phase, &self.planned, &self.medium)
        else {
            return false;
        };
        let (plan, shown) = (&planned.plan, self.feedback.shown());
        let here = (self.epoch, plan.generation);
        let inside = frame >= plan.first && plan.last.is_none_or(|last| frame <= last);
        let follows = planned.given
            && inside
            && plan.stride.get() == 1
            && plan.repeat == LoopMode::Off
            && (shown.epoch, shown.generation) == here
            && shown.ended != Some(here);
        let ahead = (frame.0 - shown.index.0) * if plan.reverse { -1 } else { 1 };
        let waiting = medium
            .source
            .as_ref()
            .map_or(0, |source| source.status().ring_fill.0);
        follows && (1..=i64::try_from(waiting).unwrap_or(0)).contains(&ahead)
    }

    /// Gives the session the plan that was drawn up last, unless it has it.
    pub(super) fn give_plan(&mut self) {
        self.rest_at = None;
        let now = self.clock.now();
        let (Some(planned), Some(medium)) = (&mut self.planned, &mut self.medium) else {
            return;
        };
        if std::mem::replace(&mut planned.given, true) {
            return;
        }
        let plan = planned.plan;
        let frames = medium.frames_up_to(plan.start);
        if let Some(source) = &mut medium.source {
            if let Some(frames) = frames {
                let decoded = source.status().decoded;
                self.pace.begin(plan.generation, frames, decoded, now);
            }
            source.set_plan(plan);
        }
    }

    /// Whether `frame` is decoded in the time of a few refreshes.
    fn is_quick(&self, frame: FrameIndex) -> bool {
        let Some(medium) = &self.medium else {
            return false;
        };
        let Some(frames) = medium.frames_up_to(frame) else {
            return false;
        };
        // A keyframe of a file is there as soon as any stand-in could be, and where nothing can stand in there
        // is nothing to wait for.
        let is_keyframe = frames == 1 && medium.has_keyframes();
        let is_first = !medium.has_keyframes() && !medium.has_thumbnail(frame);
        // A clip whose medium was not opened yet has to be opened first.
        let is_known = medium.has_keyframes() || medium.gop_of(frame).is_some();
        let is_quick = || self.pace.is_quick(frames).unwrap_or(frames == 1);
        is_keyframe || is_first || is_known && is_quick()
    }

    /// The picture of `frame` itself, where it is at hand.
    pub(super) fn exact_still(&self, frame: FrameIndex) -> Option<Still> {
        let source = self.medium.as_ref()?.source.as_ref()?;
        let is_it =
            |still: &Still| still.index == frame && !matches!(still.picture, Picture::Missing(_));
        let by_keyframe = || source.keyframe_near(frame, 0);
        let still = source.still(frame).filter(is_it);
        still.or_else(|| by_keyframe().filter(is_it))
    }

    /// Lets the frame that is held be shown from what is at hand, if its own picture is there.
    pub(super) fn take_exact_still(&mut self) -> bool {
        let target = self.held;
        let Some(still) = self.exact_still(target) else {
            return false;
        };
        self.unanswered = None;
        self.at_hand = Some(AtHand {
            target,
            still,
            exact: true,
        });
        true
    }

    /// Lets the nearest picture within a GOP stand in for the frame that is held, where it is nearer
    /// than what does so already. Answers whether it does.
    fn take_nearest_still(&mut self) -> bool {
        let target = self.held;
        let Some(medium) = &self.medium else {
            return false;
        };
        let Some(source) = &medium.source else {
            return false;
        };
        let reach = medium.stand_in_reach(target);
        let thumbnail = || medium.approximations.as_ref()?.nearest(target, reach);
        let away = |still: &Still| still.away_from(target);
        let candidates = [
            source.nearest_still(target, reach),
            source.keyframe_near(target, reach),
        ];
        let whole = candidates.into_iter().flatten().min_by_key(away);
        let Some(still) = whole.or_else(thumbnail) else {
            return false;
        };
        let present = self.at_hand.as_ref().filter(|at| at.target == target);
        let is_nearer = present.is_none_or(|at| away(&still) < away(&at.still));
        if away(&still) > reach || !is_nearer || matches!(still.picture, Picture::Missing(_)) {
            return false;
        }
        self.approximate = Some(still.index);
        self.stands_since = Some(self.clock.now());
        self.at_hand = Some(AtHand {
            target,
            still,
            exact: false,
        });
        true
    }

    /// Looks what has become of the target: whether it rests, whether its picture is there, whether a
    /// nearer one is.
    pub(super) fn follow_target(&mut self, now: Moment) {
        if let Some(source) = self.medium.as_ref().and_then(|m| m.source.as_ref()) {
            let status = source.status();
            self.pace.follow(status.ready, status.decoded, now);
        }
        if self.rest_at.is_some_and(|at| at <= now) {
            self.give_plan();
        }
        let Some(planned) = &self.planned else { return };
        let shown = self.feedback.shown();
        if (shown.epoch, shown.generation) == (self.epoch, planned.plan.generation) {
            self.unanswered = None;
            if !self.is_missing() {
                self.approximate = None;
            }
        }
        let Some(since) = self.unanswered.filter(|_| self.awaits_frame()) else {
            return;
        };
        if self.take_exact_still() {
            self.publish_schedule();
            return;
        }
        // What is decoded quickly gets its time before anything stands in.
        let is_early = now < since + QUICK && self.is_quick(self.held);
        if is_early || self.is_on_screen(self.held) {
            return;
        }
        // A session that has its plan passes one on its way.
        let is_given = self.planned.is_some_and(|planned| planned.given);
        if !is_given {
            self.want_keyframe();
        }
        let stands_since = self.stands_since.filter(|_| self.at_hand.is_some());
        let is_settled = stands_since.is_none_or(|since| since + PASSING <= now);
        if (!is_given || is_settled) && self.take_nearest_still() {
            self.publish_schedule();
        }
    }

    /// Whether the frame that came for the present plan has no picture: what stands in for it stays.
    fn is_missing(&self) -> bool {
        let here = self.planned.map(|planned| planned.plan.generation);
        self.feedback
            .missing()
            .is_some_and(|missing| missing.epoch == self.epoch && Some(missing.generation) == here)
    }

    /// When a target has to be looked after next.
    pub(super) fn next_look_at_target(&self, now: Moment) -> Option<Moment> {
        let unsettled =
            self.unanswered.is_some() || self.approximate.is_some() && !self.is_missing();
        let look = unsettled.then(|| now.offset_nanos(LOOK_NANOS));
        [self.rest_at, look].into_iter().flatten().min()
    }

    /// The playhead is somewhere else altogether: nothing of this is of use.
    pub(super) fn forget_target(&mut self) {
        self.scrub = None;
        self.at_hand = None;
        self.rest_at = None;
        self.unanswered = None;
        self.approximate = None;
        self.stands_since = None;
        self.pace = DecodingPace::default();
        self.grain = Grain::Silent;
        self.next_grain = None;
    }
}

impl super::Medium {
    /// Frames that must be decoded to show `frame`: those of its GOP up to it; of a proxy, a whole one. `None` where the
    /// index does not reach it.
    fn frames_up_to(&self, frame: FrameIndex) -> Option<i64> {
        let source = self.source.as_ref();
        if let Some(gop) = source.and_then(|source| source.proxy_gop(frame)) {
            return Some(gop);
        }
        if let Some(gop) = self.gop_of(frame) {
            return Some(gop.up_to);
        }
        let (first, _) = self.index()?.gop_of(frame)?;
        Some(frame.0 - first.0 + 1)
    }

    /// The GOP of `frame`, where anybody knows of it.
    fn gop_of(&self, frame: FrameIndex) -> Option<Gop> {
        let index = self.index()?;
        if index.keyframes().is_empty() {
            return self.source.as_ref()?.gop_at(frame);
        }
        let (first, next) = index.gop_of(frame)?;
        Some(Gop {
            up_to: frame.0 - first.0 + 1,
            frames: next.map_or(index.len(), |next| next.0) - first.0,
        })
    }

    /// Whether a thumbnail can stand in for `frame`.
    fn has_thumbnail(&self, frame: FrameIndex) -> bool {
        let reach = self.stand_in_reach(frame);
        let thumbnails = self.approximations.as_ref();
        thumbnails.is_some_and(|thumbnails| thumbnails.nearest(frame, reach).is_some())
    }

    /// Whether the index knows which packets are keyframes.
    fn has_keyframes(&self) -> bool {
        self.index()
            .is_some_and(|index| !index.keyframes().is_empty())
    }

    /// How far from `frame` a picture may lie that stands in for it: the length of its GOP.
    fn stand_in_reach(&self, frame: FrameIndex) -> i64 {
        let free = i64::from(self.rate.num()) / i64::from(self.rate.den()) / FREE_REACH_DIVISOR;
        self.gop_of(frame).map_or(free, |gop| gop.frames).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_learnt_from_what_came_and_from_what_did_not() {
        let at = |millis: u64| Moment::from_nanos(millis * 1_000_000);
        let mut pace = DecodingPace::default();
        assert_eq!(pace.is_quick(1), None);
        pace.begin(Generation(1), 10, 0, at(0));
        pace.follow(Generation(0), 5, at(10));
        assert_eq!(pace.is_quick(1), None, "it has not come yet");
        pace.follow(Generation(1), 5, at(40));
        assert_eq!(
            (pace.is_quick(10), pace.is_quick(11)),
            (Some(true), Some(false))
        );
        // Replaced before it came: it takes longer than was thought.
        pace.begin(Generation(2), 2, 5, at(100));
        pace.begin(Generation(3), 2, 5, at(160));
        assert_eq!(
            (pace.is_quick(1), pace.is_quick(2)),
            (Some(true), Some(false))
        );
        // What was kept comes at once, and tells nothing of the decoder.
        pace.follow(Generation(3), 5, at(161));
        pace.begin(Generation(4), 100, 5, at(200));
        pace.follow(Generation(4), 7, at(202));
        assert_eq!(pace.is_quick(2), Some(false));
    }
}
