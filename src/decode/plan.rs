//! What a session is asked to play, and the time line it plays along.

use std::num::NonZeroU32;

use crate::time::{FrameIndex, MediaSpan, MediaTime, Moment};

/// Counts seeks and other changes of plan. Work of an older generation is dropped wherever it is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What happens at the end of the range that plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LoopMode {
    /// Stop on the last frame, or go on to the next file.
    #[default]
    Off,
    /// Start again from the other end.
    Loop,
    /// Turn round.
    PingPong,
}

/// Maps run time to media time.
///
/// Run time is the length of media played since a generation began, at normal speed, always growing:
/// loops go on counting and reverse play counts up as well. Pictures and sound are both stamped with
/// it, so a clock only needs `anchor + elapsed * |speed|`, whatever the transport does.
///
/// Ping-pong mirrors time at both ends, so the frame at an end is shown twice in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunMap {
    /// Media time at run time zero; within `first..=end`.
    pub start: MediaTime,
    /// Start of the range that plays.
    pub first: MediaTime,
    /// End of the range, exclusive.
    pub end: MediaTime,
    /// Whether time first runs backwards.
    pub reverse: bool,
    /// What happens at the ends.
    pub repeat: LoopMode,
}

/// Where a run time falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunPoint {
    /// Media time.
    pub media: MediaTime,
    /// Whether time runs backwards there.
    pub reverse: bool,
    /// Run time that is left until the next jump, turn or end.
    pub until_boundary: MediaSpan,
    /// Whether the range has been played to its end; `media` is then that end.
    pub ended: bool,
}

impl RunMap {
    /// Where `run` falls. Negative run times count as zero.
    pub fn at(&self, run: MediaSpan) -> RunPoint {
        let length = (self.end - self.first).flicks().max(1);
        let run = run.flicks().max(0);
        // Distance travelled from the end that this direction starts at.
        let travelled = if self.reverse {
            (self.end - self.start).flicks() + run
        } else {
            (self.start - self.first).flicks() + run
        };
        let (lap, along) = (travelled.div_euclid(length), travelled.rem_euclid(length));
        if self.repeat == LoopMode::Off && lap > 0 {
            let media = if self.reverse { self.first } else { self.end };
            return RunPoint {
                media,
                reverse: self.reverse,
                until_boundary: MediaSpan::ZERO,
                ended: true,
            };
        }
        let turned = self.repeat == LoopMode::PingPong && lap % 2 == 1;
        let reverse = self.reverse != turned;
        let along_span = MediaSpan::from_flicks(along);
        RunPoint {
            media: if reverse {
                self.end - along_span
            } else {
                self.first + along_span
            },
            reverse,
            until_boundary: MediaSpan::from_flicks(length - along),
            ended: false,
        }
    }
}

/// Which frames a video session must deliver, in which order.
///
/// Forward play, reverse play, shuttling and looping are all plans. The first frame delivered is
/// `start`; the range is `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoPlan {
    /// Stamped on everything that comes of this plan.
    pub generation: Generation,
    /// The first frame delivered.
    pub start: FrameIndex,
    /// First frame of the range.
    pub first: FrameIndex,
    /// Last frame of the range; `None` is the medium's last, which may not be known yet.
    pub last: Option<FrameIndex>,
    /// Whether frames come in falling order (at first, in ping-pong).
    pub reverse: bool,
    /// Every how manyth frame is delivered.
    pub stride: NonZeroU32,
    /// What happens at the ends.
    pub repeat: LoopMode,
}

/// Walks through a [`VideoPlan`].
///
/// The walk is divided in laps: one pass through the range in one direction. Each lap begins at a run
/// time, which is the sum of the lengths of those before it.
#[derive(Debug, Clone)]
pub struct PlanCursor {
    plan: VideoPlan,
    next: FrameIndex,
    reverse: bool,
    lap_run: MediaSpan,
    /// Media time at the beginning of this lap: where its first frame begins, or ends in reverse.
    lap_entry: Option<MediaTime>,
}

impl PlanCursor {
    /// At the beginning of `plan`.
    pub fn new(plan: VideoPlan) -> Self {
        let (next, reverse) = (plan.start, plan.reverse);
        Self {
            plan,
            next,
            reverse,
            lap_run: MediaSpan::ZERO,
            lap_entry: None,
        }
    }

    /// The plan walked through.
    pub fn plan(&self) -> &VideoPlan {
        &self.plan
    }

    /// The frame that is due next; whether it exists is for the caller to find out.
    pub fn next(&self) -> FrameIndex {
        self.next
    }

    /// Whether nothing of the plan has been walked yet: its first frame is the one that is due.
    pub fn is_at_start(&self) -> bool {
        self.next == self.plan.start && self.lap_run == MediaSpan::ZERO
    }

    /// Whether this lap runs backwards.
    pub fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// When a frame that is on screen from `begin` to `end` (media time) is due in this lap, and until
    /// when, in run time.
    pub fn run_of(&mut self, begin: MediaTime, end: MediaTime) -> (MediaSpan, MediaSpan) {
        let (near, far) = if self.reverse {
            (end, begin)
        } else {
            (begin, end)
        };
        let entry = *self.lap_entry.get_or_insert(near);
        (
            self.lap_run + (near - entry).abs(),
            self.lap_run + (far - entry).abs(),
        )
    }

    /// The media time that is due at run time `run` in this lap; `None` before its first frame is known.
    pub fn media_at(&self, run: MediaSpan) -> Option<MediaTime> {
        let along = run - self.lap_run;
        let entry = self.lap_entry?;
        Some(if self.reverse {
            entry - along
        } else {
            entry + along
        })
    }

    /// The frame of this lap that comes after `frame`.
    pub fn after(&self, frame: FrameIndex) -> FrameIndex {
        let stride = i64::from(self.plan.stride.get());
        frame.offset(if self.reverse { -stride } else { stride })
    }

    /// Moves past the present frame, without leaving the lap. False when the lap is over: the next
    /// frame would lie outside the range.
    pub fn advance(&mut self, last_known: Option<FrameIndex>) -> bool {
        self.next = self.after(self.next);
        self.is_inside(last_known)
    }

    /// Whether the next frame is inside the range, as far as its end is known.
    pub fn is_inside(&self, last_known: Option<FrameIndex>) -> bool {
        let last = self.last(last_known);
        self.next >= self.plan.first && last.is_none_or(|last| self.next <= last)
    }

    /// Last frame of the range: the plan's, or the medium's where it ends earlier or the plan is open.
    pub fn last(&self, last_known: Option<FrameIndex>) -> Option<FrameIndex> {
        match (self.plan.last, last_known) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Ends the lap, which reached media time `exit`, and begins the next. False when the plan is
    /// over. `last` is the last frame of the range, and `range` its media times.
    pub fn turn(
        &mut self,
        exit: MediaTime,
        last: FrameIndex,
        range: (MediaTime, MediaTime),
    ) -> bool {
        if let Some(entry) = self.lap_entry {
            self.lap_run += (exit - entry).abs();
        }
        match self.plan.repeat {
            LoopMode::Off => return false,
            LoopMode::Loop => {}
            LoopMode::PingPong => self.reverse = !self.reverse,
        }
        self.next = if self.reverse { last } else { self.plan.first };
        self.lap_entry = Some(if self.reverse { range.1 } else { range.0 });
        true
    }

    /// Run time at which the present lap began.
    pub fn lap_run(&self) -> MediaSpan {
        self.lap_run
    }

    /// Run time at which the present lap ends and the next begins, where the plan repeats: `range` are
    /// the media times of its range. `None` before the lap's first frame is known.
    pub fn lap_end(&self, range: (MediaTime, MediaTime)) -> Option<MediaSpan> {
        if self.plan.repeat == LoopMode::Off {
            return None;
        }
        let exit = if self.reverse { range.0 } else { range.1 };
        self.lap_entry
            .map(|entry| self.lap_run + (exit - entry).abs())
    }

    /// Frames of the present lap from the next one on, where `last` is the last of the range.
    pub fn left_in_lap(&self, last: FrameIndex) -> u32 {
        let distance = if self.reverse {
            self.next.0 - self.plan.first.0
        } else {
            last.0 - self.next.0
        };
        let stride = i64::from(self.plan.stride.get());
        u32::try_from(distance.div_euclid(stride) + 1).unwrap_or(0)
    }
}

/// Decoding that is later than this gives frames up. Less is absorbed by the ring.
const LATE: MediaSpan = MediaSpan::from_millis(60);

/// Frames given up in a row cover no more than this: a decoder that never comes to where the playhead
/// is would show nothing at all otherwise.
const LONGEST_GAP: MediaSpan = MediaSpan::from_millis(100);

/// Decides which frames a decoder gives up that has fallen behind.
///
/// The playhead waits for nobody: the next frame to decode is the first that can still be in time. But a
/// decoder that is slower than the playhead would follow it for ever, so that after a gap the next frame
/// is delivered however late it is. It comes back to the playhead at the next keyframe that is due
/// already: from there it can go on without what lies before. In a loop the beginning of a lap is such a
/// place as well; the first frame after a lap that was left is delivered however late it comes.
#[derive(Debug, Clone, Default)]
pub struct CatchUp {
    given_up: u32,
    gap_from: Option<MediaSpan>,
    left_lap: bool,
}

impl CatchUp {
    /// Whether the frame is given up that is due from `run` to `run_end` while the line stands at `now`.
    /// `keyframe_run` is when the next keyframe after it is due, as far as that is known.
    pub fn gives_up(
        &mut self,
        (run, run_end): (MediaSpan, MediaSpan),
        keyframe_run: Option<MediaSpan>,
        now: MediaSpan,
    ) -> bool {
        if !self.is_late(run_end, now) {
            return false;
        }
        let from = *self.gap_from.get_or_insert(run);
        let keyframe_is_due = keyframe_run.is_some_and(|keyframe| keyframe <= now);
        if run - from >= LONGEST_GAP && !keyframe_is_due {
            return false;
        }
        self.given_up += 1;
        true
    }

    /// Whether a frame that is due until `run_end` may be given up at all while the line stands at `now`.
    pub fn is_late(&self, run_end: MediaSpan, now: MediaSpan) -> bool {
        let behind = if self.given_up == 0 { now - LATE } else { now };
        !self.left_lap && run_end < behind
    }

    /// Whether the rest of a lap is given up that ends at `lap_end`, while the line stands at `now`.
    pub fn leaves_lap(&self, lap_end: MediaSpan, now: MediaSpan) -> bool {
        !self.left_lap && lap_end + LATE <= now
    }

    /// Laps were left with so many frames in all that are not delivered.
    pub fn leave_laps(&mut self, frames: u32) {
        self.given_up = self.given_up.saturating_add(frames);
        self.left_lap = true;
    }

    /// Gives up one frame more, for a reason of the caller's.
    pub fn give_up_one(&mut self) {
        self.given_up += 1;
    }

    /// Takes one frame back, for it is delivered after all. False when none was given up.
    pub fn take_back(&mut self) -> bool {
        let any = self.given_up > 0;
        self.given_up = self.given_up.saturating_sub(1);
        any
    }

    /// A frame is delivered: how many were given up just before it.
    pub fn delivered(&mut self) -> u32 {
        std::mem::take(self).given_up
    }
}

/// Where the playhead stands and how fast it moves: run time is a straight line over the clock.
///
/// Immutable; the engine publishes a new one whenever the line bends. Integers throughout, so that it
/// stays exact however long it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAnchor {
    /// The plan that plays.
    pub generation: Generation,
    /// An instant.
    pub at: Moment,
    /// The run time at that instant.
    pub run: MediaSpan,
    /// Run time that passes in a second of the clock, in billionths: 1,000,000,000 at normal speed.
    pub rate_ppb: i64,
}

impl RunAnchor {
    /// The rate of normal speed.
    pub const NORMAL_PPB: i64 = 1_000_000_000;

    /// The run time at `moment`; before the anchor's instant it is less than the anchor's.
    pub fn run_at(&self, moment: Moment) -> MediaSpan {
        let elapsed = MediaSpan::from_nanos_nearest(moment.nanos_since(self.at));
        self.run + elapsed.scaled_nearest(self.rate_ppb, Self::NORMAL_PPB)
    }

    /// When run time reaches `run`.
    pub fn moment_of(&self, run: MediaSpan) -> Moment {
        let ahead = (run - self.run).scaled_nearest(Self::NORMAL_PPB, self.rate_ppb.max(1));
        self.at.offset_nanos(ahead.nanos_nearest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: i64) -> MediaSpan {
        MediaSpan::from_millis(millis)
    }

    fn frame(n: i64) -> (MediaSpan, MediaSpan) {
        (ms(n * 40), ms(n * 40 + 40))
    }

    #[test]
    fn what_is_a_little_late_is_delivered_and_what_is_lost_is_not_waited_for() {
        let mut catch_up = CatchUp::default();
        assert!(!catch_up.gives_up(frame(0), None, ms(90)));
        assert_eq!(catch_up.delivered(), 0);
        // Once behind, everything that is over by now goes.
        assert!(catch_up.gives_up(frame(1), None, ms(150)));
        assert!(catch_up.gives_up(frame(2), None, ms(150)));
        assert!(!catch_up.gives_up(frame(3), None, ms(150)));
        assert_eq!(catch_up.delivered(), 2);
    }

    #[test]
    fn gaps_are_short_unless_a_keyframe_ends_them() {
        let mut catch_up = CatchUp::default();
        let given_up = (0..50).take_while(|&n| catch_up.gives_up(frame(n), None, ms(1500)));
        assert_eq!(given_up.count(), 3);
        assert_eq!(catch_up.delivered(), 3);
        let keyframe = |n| (n < 30).then_some(ms(1200));
        let given_up = (4..50).take_while(|&n| catch_up.gives_up(frame(n), keyframe(n), ms(1500)));
        assert_eq!(given_up.count(), 26, "up to frame 30, a keyframe");
        assert_eq!(catch_up.delivered(), 26);
    }

    #[test]
    fn a_line_runs_at_its_rate_and_back() {
        let anchor = RunAnchor {
            generation: Generation(1),
            at: Moment::from_nanos(5_000_000_000),
            run: ms(300),
            rate_ppb: 2 * RunAnchor::NORMAL_PPB,
        };
        assert_eq!(anchor.run_at(Moment::from_nanos(5_500_000_000)), ms(1300));
        assert_eq!(anchor.run_at(Moment::from_nanos(4_900_000_000)), ms(100));
        assert_eq!(
            anchor.moment_of(ms(1300)),
            Moment::from_nanos(5_500_000_000)
        );
        assert_eq!(anchor.moment_of(ms(0)), Moment::from_nanos(4_850_000_000));
    }

    /// The cursor's walk and the map must tell the same: pictures follow one, sound the other.
    #[test]
    fn cursor_and_map_agree_on_every_lap() {
        let time = |frame: i64| MediaTime::ZERO + ms(frame * 40);
        for repeat in [LoopMode::Off, LoopMode::Loop, LoopMode::PingPong] {
            for reverse in [false, true] {
                for start in [10, 14, 19] {
                    let plan = VideoPlan {
                        generation: Generation(1),
                        start: FrameIndex(start),
                        first: FrameIndex(10),
                        last: Some(FrameIndex(19)),
                        reverse,
                        stride: NonZeroU32::MIN,
                        repeat,
                    };
                    let map = RunMap {
                        start: if reverse {
                            time(start + 1)
                        } else {
                            time(start)
                        },
                        first: time(10),
                        end: time(20),
                        reverse,
                        repeat,
                    };
                    let mut cursor = PlanCursor::new(plan);
                    let mut last_end = MediaSpan::ZERO;
                    for _ in 0..60 {
                        if !cursor.is_inside(None) {
                            let exit = if cursor.is_reverse() {
                                time(10)
                            } else {
                                time(20)
                            };
                            if !cursor.turn(exit, FrameIndex(19), (time(10), time(20))) {
                                assert!(map.at(cursor.lap_run()).ended);
                                assert!(!map.at(cursor.lap_run() - ms(1)).ended);
                                break;
                            }
                        }
                        let frame = cursor.next().0;
                        let (run, run_end) = cursor.run_of(time(frame), time(frame + 1));
                        assert_eq!(run, last_end, "run time has no gap");
                        last_end = run_end;
                        let middle = map.at(run + ms(20));
                        assert_eq!(middle.media, time(frame) + ms(20));
                        assert_eq!(middle.reverse, cursor.is_reverse());
                        cursor.advance(None);
                    }
                }
            }
        }
    }
}
