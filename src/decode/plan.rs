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
            media: if reverse { self.end - along_span } else { self.first + along_span },
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
        Self { plan, next, reverse, lap_run: MediaSpan::ZERO, lap_entry: None }
    }

    /// The plan walked through.
    pub fn plan(&self) -> &VideoPlan {
        &self.plan
    }

    /// The frame that is due next; whether it exists is for the caller to find out.
    pub fn next(&self) -> FrameIndex {
        self.next
    }

    /// Whether this lap runs backwards.
    pub fn is_reverse(&self) -> bool {
        self.reverse
    }

    /// When a frame that is on screen from `begin` to `end` (media time) is due in this lap, and until
    /// when, in run time.
    pub fn run_of(&mut self, begin: MediaTime, end: MediaTime) -> (MediaSpan, MediaSpan) {
        let (near, far) = if self.reverse { (end, begin) } else { (begin, end) };
        let entry = *self.lap_entry.get_or_insert(near);
        (self.lap_run + (near - entry).abs(), self.lap_run + (far - entry).abs())
    }

    /// The media time that is due at run time `run` in this lap; `None` before its first frame is known.
    pub fn media_at(&self, run: MediaSpan) -> Option<MediaTime> {
        let along = run - self.lap_run;
        let entry = self.lap_entry?;
        Some(if self.reverse { entry - along } else { entry + along })
    }

    /// Moves past the present frame, without leaving the lap. False when the lap is over: the next
    /// frame would lie outside the range.
    pub fn advance(&mut self, last_known: Option<FrameIndex>) -> bool {
        let stride = i64::from(self.plan.stride.get());
        self.next = self.next.offset(if self.reverse { -stride } else { stride });
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
    pub fn turn(&mut self, exit: MediaTime, last: FrameIndex, range: (MediaTime, MediaTime)) -> bool {
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
