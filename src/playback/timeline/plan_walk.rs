//! A walk through a plan over frames of constant rate, which counts its laps.

use crate::decode::{PlanCursor, VideoPlan};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};

/// The end of all plans: a loop that runs for centuries ends.
const FAR: MediaSpan = MediaSpan::from_flicks(i64::MAX / 4);

/// Where a plan stands.
#[derive(Debug, Clone)]
pub(super) struct PlanWalk {
    cursor: PlanCursor,
    rate: FrameRate,
    last: FrameIndex,
    lap: u32,
    /// Frames passed since the plan began.
    count: u64,
}

impl PlanWalk {
    /// At the beginning of `plan`, on a timeline of `frames` frames.
    pub(super) fn new(plan: VideoPlan, rate: FrameRate, frames: i64) -> Self {
        Self {
            cursor: PlanCursor::new(plan),
            rate,
            last: FrameIndex((frames - 1).max(0)),
            lap: 0,
            count: 0,
        }
    }

    /// Goes on over a timeline that is now so many frames long.
    pub(super) fn set_frames(&mut self, frames: i64) {
        self.last = FrameIndex((frames - 1).max(0));
    }

    pub(super) fn plan(&self) -> &VideoPlan {
        self.cursor.plan()
    }

    /// The frame that is due.
    pub(super) fn frame(&self) -> FrameIndex {
        self.cursor.next()
    }

    pub(super) fn is_reverse(&self) -> bool {
        self.cursor.is_reverse()
    }

    /// The lap, counted from 0.
    pub(super) fn lap(&self) -> u32 {
        self.lap
    }

    /// Frames passed since the plan began.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether the frame that is due is the plan's first.
    pub(super) fn is_first(&self) -> bool {
        self.count == 0
    }

    /// Whether it is the last of its lap.
    pub(super) fn is_last_of_lap(&self) -> bool {
        let next = self.cursor.after(self.frame());
        next < self.plan().first || next > self.last_of_range()
    }

    /// When the frame that is due begins and ends, in run time.
    pub(super) fn run(&mut self) -> (MediaSpan, MediaSpan) {
        let (begin, end) = self.times_of(self.frame());
        self.cursor.run_of(begin, end)
    }

    /// Run time at which the present lap began.
    pub(super) fn lap_run(&self) -> MediaSpan {
        self.cursor.lap_run()
    }

    /// Moves to the next frame, into the next lap where this one is over. False when the plan is over.
    pub(super) fn advance(&mut self) -> bool {
        self.count += 1;
        self.cursor.advance(Some(self.last)) || self.turn()
    }

    fn turn(&mut self) -> bool {
        let (first, last) = (self.plan().first, self.last_of_range());
        let range = (self.times_of(first).0, self.times_of(last).1);
        let exit = if self.is_reverse() { range.0 } else { range.1 };
        let before = self.cursor.lap_run();
        self.lap = self.lap.wrapping_add(1);
        let goes_on = self.cursor.turn(exit, last, range);
        // A range without length would turn for ever.
        let run = self.cursor.lap_run();
        goes_on && run > before && run < FAR
    }

    fn last_of_range(&self) -> FrameIndex {
        self.cursor.last(Some(self.last)).unwrap_or(self.last)
    }

    fn times_of(&self, frame: FrameIndex) -> (MediaTime, MediaTime) {
        (
            self.rate.time_of_frame_nearest(frame),
            self.rate.time_of_frame_nearest(frame.offset(1)),
        )
    }
}
