//! Chooses the frame that is due.
//!
//! # Which frame
//! A picture that is presented now is seen at the next refresh and stays until the one after. The frame
//! chosen is the one that is due at the middle of that interval: it is on screen longest. Rates that
//! divide the refresh rate then keep an even cadence, and 24 frames on 60 refreshes fall into 3:2.
//! Where a frame begins near the middle, the least jitter would turn an even cadence into 1-3-1-3. So
//! the boundary lies a little to one side of the middle, and changes sides only when a frame has come
//! past it: then that frame is clearly on its new side. [`FrameScheduler::next_due`] counts with the
//! same boundary, so that the thread wakes for the refresh that the frame will be chosen for.
//!
//! # What becomes of a frame
//! Every frame that a plan delivers ends as shown, late (shown a refresh or more after it was due) or
//! dropped (its successor was due as well). A frame that stays because its successor is not there is
//! repeated. Each late, dropped or repeated frame carries the stage that was to blame.
//!
//! # What is at hand
//! The schedule may bring a picture along for the frame that is to be held. It is shown at once, as long
//! as the ring does not have the frame itself. Where it is the frame's own picture, the ring's copy is
//! passed over when it comes; where it stands in for it, the ring's replaces it.

use std::mem::Discriminant;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::Receiver;

use super::records::{Records, Timing};
use super::schedule::{
    AtHand, Epoch, Feedback, MissingPicture, NewSource, Schedule, ScheduleMode, ScreenAim, Shown,
};
use crate::decode::{FrameConsumer, Generation, Picture, PlannedFrame, RingItem, RunAnchor};
use crate::metrics::{FrameLog, Stage};
use crate::time::{FrameIndex, MediaSpan, Moment};

/// How far from the middle of a refresh the boundary lies, as a share of the refresh. Two phases of a
/// cadence must not both be near it: those of 60 frames on 50 refreshes are a sixth apart.
const BOUNDARY_DIVISOR: i64 = 20;

/// Decisions this near to the boundary move it to the other side, as a share of the refresh.
const NEAR_DIVISOR: i64 = 40;

/// Instants are counted in nanoseconds, run time in flicks: what differs by less is the same.
const ROUNDING: MediaSpan = MediaSpan::from_flicks(16);

/// What to do at a refresh.
#[derive(Debug)]
pub enum Pull {
    /// Show this picture.
    New(PlannedFrame),
    /// Leave what is there.
    Keep,
    /// Show nothing: another medium was opened, and its first frame is not here yet.
    Clear,
}

/// Where a picture came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A session made it for the plan.
    Ring,
    /// It was at hand.
    AtHand,
    /// It was at hand, and stands in for another frame.
    StandIn,
}

/// A frame that is being shown.
#[derive(Debug, Clone, Copy)]
struct Current {
    generation: Generation,
    run: MediaSpan,
    run_end: MediaSpan,
    index: FrameIndex,
    repeated: bool,
    /// It was at hand: the ring brings it once more.
    comes_again: bool,
}

/// The presenting thread's view of the engine. See the module.
pub struct FrameScheduler {
    schedule: Arc<ArcSwap<Schedule>>,
    feedback: Arc<Feedback>,
    sources: Receiver<NewSource>,
    epoch: Epoch,
    frames: Option<FrameConsumer>,
    current: Option<Current>,
    /// Whether a frame that begins just after the middle of a refresh is shown in it.
    boundary_is_late: bool,
    /// Length of a refresh, as told last.
    period_nanos: i64,
    /// Medium, plan and way of the schedule that was followed last.
    followed: (Epoch, Generation, Discriminant<ScheduleMode>),
    /// The frame whose picture is on screen in place of another one.
    stand_in: Option<FrameIndex>,
    /// What was last asked for that a picture on screen serves, be it one that stands in.
    served: Option<ScreenAim>,
    /// Where the picture that was answered last came from.
    origin: Origin,
    records: Records,
    /// How long after it was due the last frame chosen is seen.
    last_lateness_nanos: Option<i64>,
}

impl FrameScheduler {
    /// A scheduler that follows `schedule`, takes rings from `sources` and answers through `feedback`.
    pub fn new(
        schedule: Arc<ArcSwap<Schedule>>,
        feedback: Arc<Feedback>,
        sources: Receiver<NewSource>,
        log: FrameLog,
    ) -> Self {
        Self {
            schedule,
            feedback,
            sources,
            epoch: Epoch::default(),
            frames: None,
            current: None,
            boundary_is_late: false,
            period_nanos: 0,
            followed: way_of(&Schedule::default()),
            stand_in: None,
            served: None,
            origin: Origin::Ring,
            records: Records::new(log),
            last_lateness_nanos: None,
        }
    }

    /// The records of what was shown.
    pub fn log(&self) -> &FrameLog {
        self.records.log()
    }

    /// Tells that presenting stood still: the time until the next frame is no interval.
    pub fn interrupt(&mut self) {
        self.records.interrupt();
    }

    /// Frames that wait in the ring.
    pub fn waiting(&self) -> usize {
        self.frames.as_ref().map_or(0, FrameConsumer::len)
    }

    /// The picture to show at the refresh at `refresh`, which lasts `period_nanos`. `now` is the
    /// present instant. A picture that is answered has its record opened here; [`Self::complete`] adds
    /// what the later stages took.
    pub fn pull(&mut self, now: Moment, refresh: Moment, period_nanos: i64) -> Pull {
        self.records.close();
        self.last_lateness_nanos = None;
        self.period_nanos = period_nanos;
        self.feedback.set_period_nanos(period_nanos);
        let schedule = self.schedule.load_full();
        let mut cleared = false;
        while let Ok(source) = self.sources.try_recv() {
            self.epoch = source.epoch;
            self.frames = Some(source.frames);
            self.records.begin_medium();
            self.records.watch_cuts(source.cuts);
            self.current = None;
            self.stand_in = None;
            cleared = true;
        }
        let pulled = if schedule.epoch == self.epoch {
            self.follow(&schedule);
            self.drop_stale(schedule.generation);
            self.origin = Origin::Ring;
            match schedule.mode {
                ScheduleMode::Idle | ScheduleMode::Stay => None,
                ScheduleMode::Hold(index) => self.pull_held(&schedule, index, now),
                ScheduleMode::Run(anchor) => self.pull_due(&anchor, now, refresh),
                ScheduleMode::Untimed => self.pull_next(schedule.generation, now),
            }
        } else {
            None
        };
        if self.serves(&schedule) {
            self.served = Some(schedule.aim());
        }
        match pulled {
            Some(frame) => Pull::New(frame),
            None if cleared => Pull::Clear,
            None => Pull::Keep,
        }
    }

    /// Whether the picture that was taken last is one for this schedule.
    fn serves(&self, schedule: &Schedule) -> bool {
        let of_plan = |c: &Current| c.generation == schedule.generation;
        let current = self.current.filter(of_plan);
        match schedule.mode {
            _ if schedule.epoch != self.epoch => false,
            ScheduleMode::Idle | ScheduleMode::Stay => false,
            ScheduleMode::Run(_) | ScheduleMode::Untimed => current.is_some(),
            ScheduleMode::Hold(index) => {
                let at_hand = schedule.at_hand.as_ref().filter(|at| at.target == index);
                let near = at_hand.map(|at| at.still.index);
                current.is_some_and(|c| c.index == index) || near.is_some() && near == self.stand_in
            }
        }
    }

    /// What is wanted on screen at present.
    pub fn aim(&self) -> ScreenAim {
        self.schedule.load().aim()
    }

    /// What was last wanted that something on screen serves: the frame's own picture or one near by.
    pub fn served(&self) -> Option<ScreenAim> {
        self.served
    }

    /// When the screen may have to change: the refresh whose middle is the first at or after the instant
    /// answered shows the next frame, or finds the present one's time over. `Moment::ZERO` is at once;
    /// `None` is not before something new comes.
    pub fn next_due(&mut self) -> Option<Moment> {
        if !self.sources.is_empty() {
            return Some(Moment::ZERO);
        }
        let schedule = self.schedule.load_full();
        if schedule.epoch != self.epoch {
            return None;
        }
        self.follow(&schedule);
        self.drop_stale(schedule.generation);
        if self.news_at_hand(&schedule).is_some() {
            return Some(Moment::ZERO);
        }
        let current = self
            .current
            .filter(|current| current.generation == schedule.generation);
        let Some(head) = self.frames.as_ref().and_then(FrameConsumer::peek) else {
            // Nothing is there: the present frame may have to be repeated.
            let ScheduleMode::Run(anchor) = schedule.mode else {
                return None;
            };
            let current = current.filter(|current| !current.repeated)?;
            return Some(anchor.moment_of(current.run_end));
        };
        if head.generation() != schedule.generation {
            // The engine has given a newer plan, and is about to say what it is for.
            return None;
        }
        match schedule.mode {
            ScheduleMode::Run(anchor) => {
                let run = run_after(head, current.as_ref());
                Some(anchor.moment_of(run).offset_nanos(-self.boundary_nanos()))
            }
            ScheduleMode::Untimed => Some(Moment::ZERO),
            ScheduleMode::Hold(index) => {
                let holds = current.is_some_and(|current| current.index == index);
                (!holds).then_some(Moment::ZERO)
            }
            ScheduleMode::Idle | ScheduleMode::Stay => None,
        }
    }

    /// Between two ways of showing frames playback stands still, and that is no interval between frames.
    fn follow(&mut self, schedule: &Schedule) {
        let way = way_of(schedule);
        if std::mem::replace(&mut self.followed, way) != way {
            self.records.interrupt();
        }
    }

    /// Drops what older plans left, and the copy of what was at hand.
    fn drop_stale(&mut self, generation: Generation) {
        let Some(frames) = &mut self.frames else {
            return;
        };
        while frames
            .peek()
            .is_some_and(|item| item.generation() < generation)
        {
            frames.pop();
        }
        let current = self.current.as_mut();
        let Some(current) = current.filter(|c| c.comes_again && c.generation == generation) else {
            return;
        };
        if let Some(RingItem::Frame(frame)) = frames.peek()
            && frame.generation == generation
        {
            current.comes_again = false;
            if frame.index == current.index {
                (current.run, current.run_end) = (frame.run, frame.run_end);
                frames.pop();
            }
        }
    }

    /// What is at hand and not on screen yet.
    fn news_at_hand<'a>(&self, schedule: &'a Schedule) -> Option<&'a AtHand> {
        let ScheduleMode::Hold(index) = schedule.mode else {
            return None;
        };
        let at_hand = schedule.at_hand.as_ref();
        let at_hand = at_hand.filter(|at_hand| at_hand.target == index)?;
        let holds = self
            .current
            .is_some_and(|c| (c.generation, c.index) == (schedule.generation, index));
        let stands_in = !at_hand.exact && self.stand_in == Some(at_hand.still.index);
        (!holds && !stands_in).then_some(at_hand)
    }

    fn pull_at_hand(&mut self, schedule: &Schedule, now: Moment) -> Option<PlannedFrame> {
        let at_hand = self.news_at_hand(schedule)?;
        // It begins the plan, which the ring follows up.
        let frame = PlannedFrame {
            generation: schedule.generation,
            index: at_hand.still.index,
            run: MediaSpan::ZERO,
            run_end: MediaSpan::ZERO,
            picture: at_hand.still.picture.clone(),
            given_up: 0,
            demux: Duration::ZERO,
            decode: Duration::ZERO,
            ready: now,
        };
        self.records.open(&frame, Timing::At(now), None, now);
        if at_hand.exact {
            self.origin = Origin::AtHand;
            self.show(&frame);
            self.current = self.current.map(|current| Current {
                comes_again: true,
                ..current
            });
        } else {
            self.origin = Origin::StandIn;
            self.records.is_approximate();
            self.current = None;
            self.stand_in = Some(frame.index);
        }
        Some(frame)
    }

    /// Takes the next frame of `generation`; ends are told to the engine.
    fn take(&mut self, generation: Generation) -> Option<PlannedFrame> {
        let frames = self.frames.as_mut()?;
        if frames.peek()?.generation() != generation {
            return None;
        }
        match frames.pop()? {
            RingItem::Frame(frame) => Some(frame),
            RingItem::End { generation, .. } => {
                let epoch = self.epoch;
                self.feedback
                    .update(|shown| shown.ended = Some((epoch, generation)));
                None
            }
        }
    }

    fn pull_held(
        &mut self,
        schedule: &Schedule,
        index: FrameIndex,
        now: Moment,
    ) -> Option<PlannedFrame> {
        let generation = schedule.generation;
        if self
            .current
            .is_some_and(|c| c.generation == generation && c.index == index)
        {
            return None;
        }
        while let Some(frame) = self.take(generation) {
            if frame.index == index {
                // Nothing that is held can be late, and what was given up on the way was not asked for.
                let frame = PlannedFrame {
                    given_up: 0,
                    ..frame
                };
                self.records.open(&frame, Timing::At(now), None, now);
                self.show(&frame);
                return Some(frame);
            }
            // Steps of ten frames pass over nine; nobody asked to see them.
            let beyond = if schedule.reverse {
                frame.index < index
            } else {
                frame.index > index
            };
            if beyond {
                let over = (self.epoch, generation, index);
                self.feedback.update(|shown| shown.passed_over = Some(over));
                break;
            }
        }
        self.pull_at_hand(schedule, now)
    }

    fn pull_next(&mut self, generation: Generation, now: Moment) -> Option<PlannedFrame> {
        let frame = self.take(generation)?;
        self.records.open(&frame, Timing::At(now), None, now);
        self.show(&frame);
        Some(frame)
    }

    fn pull_due(
        &mut self,
        anchor: &RunAnchor,
        now: Moment,
        refresh: Moment,
    ) -> Option<PlannedFrame> {
        let middle = anchor.run_at(refresh.offset_nanos(self.period_nanos / 2));
        let period = MediaSpan::from_nanos_nearest(self.period_nanos)
            .scaled_nearest(anchor.rate_ppb, RunAnchor::NORMAL_PPB);
        let timing = Timing::Line {
            anchor: *anchor,
            period_nanos: self.period_nanos,
        };
        let mut last = self
            .current
            .filter(|current| current.generation == anchor.generation);
        let mut chosen: Option<PlannedFrame> = None;
        while let Some(item) = self.frames.as_ref().and_then(FrameConsumer::peek) {
            if item.generation() != anchor.generation {
                break;
            }
            let run = run_after(item, last.as_ref());
            if !self.is_due(run, middle, period) {
                break;
            }
            let Some(frame) = self.take(anchor.generation) else {
                break;
            };
            last = Some(current_of(&frame));
            if let Some(passed) = chosen.replace(frame) {
                // Where both became due within one refresh, no machine could have shown both.
                let crowded = passed.run > middle - period;
                let blame = if crowded { Some(Stage::Present) } else { None };
                self.records.dropped(&passed, timing, blame);
            }
        }
        let Some(frame) = chosen else {
            self.note_repeat(anchor, middle - period, now);
            return None;
        };
        self.last_lateness_nanos = Some(refresh.nanos_since(anchor.moment_of(frame.run)));
        self.records.open(&frame, timing, Some(refresh), now);
        self.show(&frame);
        Some(frame)
    }

    /// Whether a frame that is due at `run` is the one to show in a refresh whose middle is at `middle`.
    fn is_due(&mut self, run: MediaSpan, middle: MediaSpan, period: MediaSpan) -> bool {
        let side = MediaSpan::from_flicks(period.flicks() / BOUNDARY_DIVISOR);
        let near = side + MediaSpan::from_flicks(period.flicks() / NEAR_DIVISOR);
        let ahead = run - middle;
        let due = ahead <= ROUNDING + if self.boundary_is_late { side } else { -side };
        if due && ahead > -near {
            self.boundary_is_late = true;
        } else if !due && ahead < near {
            self.boundary_is_late = false;
        }
        due
    }

    /// How far after the middle of a refresh the boundary lies.
    fn boundary_nanos(&self) -> i64 {
        let side = self.period_nanos / BOUNDARY_DIVISOR;
        if self.boundary_is_late { side } else { -side }
    }

    /// The present frame stays although its time is over.
    fn note_repeat(&mut self, anchor: &RunAnchor, seen: MediaSpan, now: Moment) {
        let starving = self.frames.as_ref().is_some_and(FrameConsumer::is_empty);
        let Some(current) = &mut self.current else {
            return;
        };
        let over = current.generation == anchor.generation && current.run_end <= seen;
        if starving && over && !current.repeated {
            current.repeated = true;
            let due = anchor.moment_of(current.run_end);
            self.records
                .repeated(current.generation, current.index, due, now);
        }
    }

    fn show(&mut self, frame: &PlannedFrame) {
        self.current = Some(current_of(frame));
        // A frame without a picture leaves what stood in for it.
        if !matches!(frame.picture, Picture::Missing(_)) {
            self.stand_in = None;
        }
        let epoch = self.epoch;
        let (generation, index, run) = (frame.generation, frame.index, frame.run);
        if let Picture::Missing(reason) = &frame.picture {
            let reason = Arc::clone(reason);
            self.feedback.set_missing(MissingPicture {
                epoch,
                generation,
                index,
                reason,
            });
        }
        self.feedback.update(|shown| {
            *shown = Shown {
                epoch,
                generation,
                index,
                run,
                ..*shown
            }
        });
    }

    /// Completes the record of the picture that [`Self::pull`] answered last: it was handed to the
    /// display at `presented`, and `stages` took that long. With `awaits_gpu` its time on the GPU is
    /// still to come, under the number that [`Self::last_ordinal`] tells.
    pub fn complete(&mut self, presented: Moment, stages: &[(Stage, u64)], awaits_gpu: bool) {
        self.records.complete(presented, stages, awaits_gpu);
        self.feedback.note_stages(stages);
        self.feedback.set_late_frames(self.records.lost());
    }

    /// Brings the GPU time of the frame whose record has number `ordinal`.
    pub fn gpu_time(&mut self, ordinal: u64, nanos: u64) {
        self.records.gpu_time(ordinal, nanos);
        self.feedback.note_stages(&[(Stage::Gpu, nanos)]);
    }

    /// The picture that [`Self::pull`] answered last could not be shown: it counts as dropped.
    pub fn not_presented(&mut self) {
        self.records.not_presented();
    }

    /// How long after it was due the picture that [`Self::pull`] answered last is seen, if it was due
    /// at a time.
    pub fn last_lateness_nanos(&self) -> Option<i64> {
        self.last_lateness_nanos
    }

    /// Where the picture that [`Self::pull`] answered last came from.
    pub fn last_origin(&self) -> Origin {
        self.origin
    }

    /// The frame whose picture is on screen in place of the one asked for, if it is another one.
    pub fn stand_in(&self) -> Option<FrameIndex> {
        self.stand_in
    }

    /// The frame whose own picture was taken for the screen last, unless another's stands in for it.
    pub fn shows(&self) -> Option<FrameIndex> {
        self.current.map(|current| current.index)
    }

    /// Number of the newest record.
    pub fn last_ordinal(&self) -> u64 {
        self.records.last_ordinal()
    }
}

fn way_of(schedule: &Schedule) -> (Epoch, Generation, Discriminant<ScheduleMode>) {
    let way = std::mem::discriminant(&schedule.mode);
    (schedule.epoch, schedule.generation, way)
}

fn current_of(frame: &PlannedFrame) -> Current {
    Current {
        generation: frame.generation,
        run: frame.run,
        run_end: frame.run_end,
        index: frame.index,
        repeated: false,
        comes_again: false,
    }
}

/// Run time at which an item is due that comes after `last`. What is placed before it stands for a
/// failure, and follows when the time of `last` is over.
fn run_after(item: &RingItem, last: Option<&Current>) -> MediaSpan {
    let run = match item {
        RingItem::Frame(frame) => frame.run,
        RingItem::End { run, .. } => *run,
    };
    let last = last.filter(|last| last.generation == item.generation() && run < last.run_end);
    match last {
        Some(last) if run <= last.run || matches!(item, RingItem::End { .. }) => last.run_end,
        _ => run,
    }
}
