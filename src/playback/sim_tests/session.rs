//! A decode session in simulated time: the same walk through a plan as `decode::session`, with scripted
//! costs in place of a decoder.

mod handle;
mod rungs;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use super::media::{Cost, SimMedia, tiny_picture};
use crate::decode::{
    CatchUp, FrameProducer, Generation, GopIndex, Numbering, Picture, PlanCursor, PlannedFrame,
    RingItem, Rung, SharedAnchor, SourceStatus, Still, VideoPlan, VideoSource,
};
use crate::media::VideoFrame;
use crate::time::{Clock, FrameIndex, MediaTime, Moment, SimClock};

pub(super) use handle::OpenSession;

/// As in `decode::session::forward`.
const SEEK_AHEAD_FRAMES: i64 = 8;

/// A decode that is under way.
#[derive(Debug, Clone, Copy)]
struct Busy {
    frame: i64,
    cost: Cost,
    until: Moment,
}

/// A frame that was decoded for reverse play.
#[derive(Debug, Clone, Copy)]
struct Done {
    frame: i64,
    cost: Cost,
}

pub(super) struct SimSession {
    medium: SimMedia,
    opened: Moment,
    clock: SimClock,
    anchor: SharedAnchor,
    picture: Arc<VideoFrame>,
    ring: FrameProducer,
    index: Arc<GopIndex>,
    index_changes: Option<Moment>,
    order: Option<VideoPlan>,
    cursor: Option<PlanCursor>,
    pending: VecDeque<RingItem>,
    catch_up: CatchUp,
    next_decoded: Option<i64>,
    busy: Option<Busy>,
    /// Cost of frames that were decoded on the way to the one wanted.
    spent: Cost,
    window: Vec<Done>,
    fill: Option<(i64, i64, Vec<Done>)>,
    ready: Generation,
    /// Something new can be seen.
    noted: bool,
    closed: bool,
    /// Nothing is decoded between these moments.
    stall: Option<(Moment, Moment)>,
    /// Plans that were given, in order.
    plans: Vec<VideoPlan>,
    /// When decoding of a frame began, and for which plan.
    begun: Vec<(Moment, Generation)>,
    /// The second decoder: what it works on until when, what is wished for next, what it has made.
    keyframe_busy: Option<(i64, Moment)>,
    keyframe_wish: Option<i64>,
    keyframes: VecDeque<i64>,
    /// What was decoded last on the way to a plan's first frame.
    passed: Option<i64>,
    /// Whether frames may be decoded that nobody has asked for.
    prefetches: bool,
    rung: rungs::SimRung,
}

impl SimSession {
    /// A session on `medium` that begins now.
    pub(super) fn new(
        medium: SimMedia,
        ring: FrameProducer,
        clock: SimClock,
        anchor: SharedAnchor,
    ) -> Self {
        let (index, next) = medium.index_at(Duration::ZERO);
        let opened = clock.now();
        Self {
            opened,
            clock,
            anchor,
            picture: tiny_picture(),
            ring,
            index: Arc::new(index),
            index_changes: next.map(|next| opened + next),
            order: None,
            cursor: None,
            pending: VecDeque::new(),
            catch_up: CatchUp::default(),
            next_decoded: Some(0),
            busy: None,
            spent: Cost::micros(0, 0),
            window: Vec::new(),
            fill: None,
            ready: Generation::default(),
            noted: false,
            closed: false,
            stall: None,
            plans: Vec::new(),
            begun: Vec::new(),
            keyframe_busy: None,
            keyframe_wish: None,
            keyframes: VecDeque::new(),
            passed: None,
            prefetches: true,
            rung: rungs::SimRung::default(),
            medium,
        }
    }

    fn known(&self) -> Option<FrameIndex> {
        self.index
            .is_complete()
            .then(|| FrameIndex((self.index.len() - 1).max(0)))
    }

    fn times_of(&self, frame: i64) -> (MediaTime, MediaTime) {
        let (frame, rate) = (FrameIndex(frame), self.medium.rate);
        let stamp = usize::try_from(frame.0)
            .ok()
            .and_then(|n| self.medium.stamps.get(n));
        let by_stamp = stamp.filter(|_| !self.medium.by_count);
        let begin = self
            .index
            .time_of(frame)
            .or_else(|| by_stamp.map(|&pts| self.index.time_from_pts(pts)))
            .unwrap_or_else(|| rate.time_of_frame_nearest(frame));
        let settled = self.index.is_complete() || frame.0 + 1 < self.index.len();
        let end = self.index.end_of(frame).filter(|_| settled);
        (begin, end.unwrap_or(begin + rate.frame_span_nearest()))
    }

    /// Does all that can be done by now. Answers when the next piece of work is done.
    pub(super) fn run(&mut self) -> Option<Moment> {
        let now = self.clock.now();
        if self.index_changes.is_some_and(|at| at <= now) {
            let (index, next) = self.medium.index_at(now.since(self.opened));
            self.index = Arc::new(index);
            self.index_changes = next.map(|next| self.opened + next);
            self.noted = true;
        }
        if self.busy.is_some_and(|busy| busy.until <= now)
            && let Some(busy) = self.busy.take()
        {
            self.decoded(busy);
        }
        if self.busy.is_none() {
            if let Some(plan) = self.order.take() {
                self.pending.clear();
                self.window.clear();
                self.fill = None;
                self.catch_up = CatchUp::default();
                self.spent = Cost::micros(0, 0);
                self.cursor = Some(PlanCursor::new(plan));
                self.passed = None;
                self.begin_plan();
            }
            let mut rounds = 0;
            while self.step(now) {
                rounds += 1;
                assert!(rounds < 100_000, "the session turns for ever");
            }
        }
        self.run_keyframes(now);
        [
            self.busy.map(|busy| busy.until),
            self.index_changes,
            self.keyframe_busy.map(|(_, until)| until),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn run_keyframes(&mut self, now: Moment) {
        let done = self.keyframe_busy.take_if(|(_, until)| *until <= now);
        if let Some((frame, _)) = done {
            self.keyframes.truncate(1);
            self.keyframes.push_front(frame);
            self.noted = true;
        }
        let Some(takes) = self
            .medium
            .keyframe
            .filter(|_| self.keyframe_busy.is_none())
        else {
            return;
        };
        let wish = self.keyframe_wish.take();
        if let Some(frame) = wish.filter(|frame| !self.keyframes.contains(frame)) {
            self.keyframe_busy = Some((frame, now + takes));
        }
    }

    fn still(&self, frame: i64) -> Still {
        Still {
            index: FrameIndex(frame),
            picture: Picture::Frame(Arc::clone(&self.picture)),
        }
    }

    fn nearest(&self, frames: impl Iterator<Item = i64>, to: i64, reach: i64) -> Option<Still> {
        let nearest = frames.min_by_key(|frame| (frame - to).abs())?;
        ((nearest - to).abs() <= reach).then(|| self.still(nearest))
    }

    fn flush(&mut self) -> bool {
        while let Some(item) = self.pending.pop_front() {
            let generation = item.generation();
            if let Err(item) = self.ring.push(item) {
                self.pending.push_front(item);
                return false;
            }
            self.ready = self.ready.max(generation);
            self.noted = true;
        }
        true
    }

    /// One round of work; whether there is more to do at once.
    fn step(&mut self, now: Moment) -> bool {
        let room = self.flush();
        let Some(cursor) = &self.cursor else {
            return false;
        };
        if cursor.is_reverse() {
            return self.step_backwards(room, now);
        }
        room && self.step_forwards(now)
    }

    fn step_forwards(&mut self, now: Moment) -> bool {
        self.catch_up(now);
        let Some(cursor) = &self.cursor else {
            return false;
        };
        if cursor.is_reverse() {
            return true;
        }
        let wanted = cursor.next().0;
        if !cursor.is_inside(self.known()) {
            return self.end_lap();
        }
        if wanted >= self.medium.frames() {
            // The decoder is at the end; only a complete index knows that nothing follows.
            return false;
        }
        self.decode_towards(wanted, now)
    }

    /// Begins to decode the next frame on the way to `wanted`.
    fn decode_towards(&mut self, wanted: i64, now: Moment) -> bool {
        let keyframe = self.keyframe(wanted);
        let next = self.next_decoded.filter(|&next| {
            next <= wanted && keyframe.is_none_or(|key| key - next <= SEEK_AHEAD_FRAMES)
        });
        let next = match next {
            Some(next) => next,
            // Only an index that reaches the target tells where to go.
            None if !self.index.is_complete() && wanted >= self.index.len() && wanted > 0 => {
                return false;
            }
            None => keyframe.unwrap_or(0),
        };
        self.begin(next, now);
        false
    }

    fn keyframe(&self, frame: i64) -> Option<i64> {
        if self.is_on_proxy() {
            return Some(frame);
        }
        if self.index.numbering() == Numbering::ByCount {
            return (frame < self.index.len()).then_some(0);
        }
        let (number, _) = self.index.keyframe_for(FrameIndex(frame))?;
        self.index.first_frame_of(number).map(|first| first.0)
    }

    fn begin(&mut self, frame: i64, now: Moment) {
        let generation = self.cursor.as_ref().map(|cursor| cursor.plan().generation);
        self.begun
            .extend(generation.map(|generation| (now, generation)));
        let cost = self.cost_now(frame, now);
        let mut until = now + cost.demux + cost.decode;
        if let Some((from, to)) = self.stall
            && until > from
            && now < to
        {
            until = to + cost.demux + cost.decode;
        }
        self.busy = Some(Busy { frame, cost, until });
    }

    fn decoded(&mut self, busy: Busy) {
        let Busy { frame, cost, .. } = busy;
        self.next_decoded = Some(frame + 1);
        if self.order.is_some() {
            return;
        }
        if let Some((low, high, done)) = &mut self.fill {
            if (*low..=*high).contains(&frame) {
                done.push(Done { frame, cost });
            }
            return;
        }
        let Some(cursor) = &self.cursor else { return };
        let cost = Cost {
            demux: self.spent.demux + cost.demux,
            decode: self.spent.decode + cost.decode,
        };
        if cursor.next().0 == frame && !cursor.is_reverse() {
            self.spent = Cost::micros(0, 0);
            self.passed = None;
            self.emit(frame, cost);
        } else {
            if cursor.is_at_start() && !cursor.is_reverse() {
                self.passed = Some(frame);
                self.noted = true;
            }
            self.spent = cost;
        }
    }

    fn emit(&mut self, frame: i64, cost: Cost) {
        let (begin, end) = self.times_of(frame);
        let known = self.known();
        let damaged = self
            .medium
            .damaged
            .contains(&usize::try_from(frame).unwrap());
        let picture = if damaged {
            Picture::Missing("this frame is damaged in the file".into())
        } else {
            Picture::Frame(Arc::clone(&self.picture))
        };
        let Some(cursor) = &mut self.cursor else {
            return;
        };
        let (run, run_end) = cursor.run_of(begin, end);
        let given_up = self.catch_up.delivered();
        self.pending.push_back(RingItem::Frame(PlannedFrame {
            generation: cursor.plan().generation,
            index: FrameIndex(frame),
            run,
            run_end,
            picture,
            given_up,
            demux: cost.demux,
            decode: cost.decode,
            ready: self.clock.now(),
        }));
        cursor.advance(known);
        self.measure(given_up, cost);
    }

    fn end_lap(&mut self) -> bool {
        let Some((last, range)) = self.range() else {
            return false;
        };
        let Some(cursor) = &mut self.cursor else {
            return false;
        };
        let exit = if cursor.is_reverse() {
            range.0
        } else {
            range.1
        };
        if cursor.turn(exit, last, range) {
            return true;
        }
        let (generation, run) = (cursor.plan().generation, cursor.lap_run());
        self.cursor = None;
        self.pending.push_back(RingItem::End { generation, run });
        true
    }

    fn range(&self) -> Option<(FrameIndex, (MediaTime, MediaTime))> {
        let cursor = self.cursor.as_ref()?;
        let known = self.known().unwrap_or(FrameIndex::ZERO);
        let last = cursor.last(Some(known)).unwrap_or(known);
        let begin = self.times_of(cursor.plan().first.0).0;
        Some((last, (begin, self.times_of(last.0).1)))
    }

    fn leave_laps(&mut self, now: Moment) {
        let (Some(anchor), Some(cursor)) = (self.anchor.load_full(), &self.cursor) else {
            return;
        };
        if anchor.generation != cursor.plan().generation || !self.index.is_complete() {
            return;
        }
        let line = anchor.run_at(now);
        let mut frames = 0;
        while let Some((last, range)) = self.range()
            && let Some(cursor) = &self.cursor
            && let Some(lap_end) = cursor.lap_end(range)
            && self.catch_up.leaves_lap(lap_end, line)
        {
            if cursor.is_at_start() {
                break;
            }
            frames += cursor.left_in_lap(last);
            self.end_lap();
        }
        if frames > 0 {
            self.catch_up.leave_laps(frames);
        }
    }

    fn catch_up(&mut self, now: Moment) {
        self.leave_laps(now);
        let Some(anchor) = self.anchor.load_full() else {
            return;
        };
        let known = self.known();
        let index = Arc::clone(&self.index);
        while let Some(cursor) = self.cursor.as_ref().filter(|cursor| !cursor.is_reverse()) {
            let next = cursor.next();
            let is_last = cursor.last(known) == Some(next);
            if anchor.generation != cursor.plan().generation || is_last || next.0 + 1 >= index.len()
            {
                return;
            }
            let (begin, end) = self.times_of(next.0);
            let line = anchor.run_at(now);
            let keyframe = index
                .keyframe_for(next)
                .and_then(|(number, _)| index.first_frame_of(number + 1))
                .and_then(|frame| index.time_of(frame));
            let Some(cursor) = &mut self.cursor else {
                return;
            };
            let due = cursor.run_of(begin, end);
            let keyframe_run = keyframe.map(|time| due.0 + (time - begin));
            if cursor.is_at_start() || !self.catch_up.gives_up(due, keyframe_run, line) {
                return;
            }
            cursor.advance(known);
        }
    }

    fn step_backwards(&mut self, room: bool, now: Moment) -> bool {
        if self.window.is_empty() && self.fill.is_none() {
            self.leave_laps(now);
        }
        let Some(cursor) = &self.cursor else {
            return false;
        };
        if !cursor.is_reverse() {
            return true;
        }
        let (wanted, inside) = (cursor.next().0, cursor.is_inside(self.known()));
        let (first, stride) = (cursor.plan().first.0, i64::from(cursor.plan().stride.get()));
        if room && !inside {
            self.window.clear();
            self.fill = None;
            return self.end_lap();
        }
        if room {
            while let Some(top) = self.window.pop() {
                if top.frame == wanted {
                    self.emit(top.frame, top.cost);
                    return true;
                }
            }
        }
        if wanted >= self.index.len() && !self.index.is_complete() {
            return false;
        }
        if self.fill.is_none() {
            let high = self
                .window
                .first()
                .map_or(wanted, |lowest| lowest.frame - stride);
            if high >= first.max(0) {
                let half = i64::try_from(self.medium.reverse_frames / 2)
                    .unwrap()
                    .max(1);
                let by_memory = high - (half - 1) * stride;
                let by_keyframe = self.keyframe(high).unwrap_or(0);
                let low = by_memory.max(by_keyframe).max(first).min(high);
                self.next_decoded = None;
                self.fill = Some((low, high, Vec::new()));
            }
        }
        let Some((low, high, done)) = &self.fill else {
            return false;
        };
        let (low, high) = (*low, *high);
        if done.last().is_some_and(|done| done.frame == high) {
            if !self.window.is_empty() {
                return false;
            }
            self.window = self.fill.take().unwrap().2;
            return true;
        }
        let next = self.next_decoded.filter(|&next| next <= high);
        let next = next.unwrap_or_else(|| self.keyframe(low).unwrap_or(0));
        self.begin(next, now);
        false
    }
}
