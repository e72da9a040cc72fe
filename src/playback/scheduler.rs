//! Chooses the frame that is due.
//!
//! # Which frame
//! A picture that is presented now is seen at the next refresh and stays until the one after. The frame
//! chosen is the one that is due at the middle of that interval: it is on screen longest. Rates that
//! divide the refresh rate then keep an even cadence, and 24 frames on 60 refreshes fall into 3:2.
//! Near a tie (a frame that begins just where the middle is) the last decision is repeated, or
//! the least jitter of a clock would turn an even cadence into 1-3-1-3.
//!
//! # What becomes of a frame
//! Every frame that a plan delivers ends as shown, late (shown a refresh or more after it was due) or
//! dropped (its successor was due as well). A frame that stays because its successor is not there is
//! repeated. Each late, dropped or repeated frame carries the stage that was to blame.

use std::sync::Arc;

use arc_swap::ArcSwap;
use crossbeam_channel::Receiver;

use super::schedule::{Epoch, Feedback, NewSource, Schedule, ScheduleMode, Shown};
use crate::decode::{FrameConsumer, Generation, Picture, PlannedFrame, RingItem, RunAnchor};
use crate::metrics::{FrameFate, FrameLog, FrameRecord, Stage, StageTimes};
use crate::time::{FrameIndex, MediaSpan, Moment};

/// Share of a refresh within which a tie repeats the last decision, as a divisor.
const TIE_DIVISOR: i64 = 6;

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

/// A frame that was taken from the ring and is being shown.
#[derive(Debug, Clone, Copy)]
struct Current {
    generation: Generation,
    run_end: MediaSpan,
    index: FrameIndex,
    repeated: bool,
}

/// The presenting thread's view of the engine. See the module.
pub struct FrameScheduler {
    schedule: Arc<ArcSwap<Schedule>>,
    feedback: Arc<Feedback>,
    sources: Receiver<NewSource>,
    epoch: Epoch,
    frames: Option<FrameConsumer>,
    frame_span: MediaSpan,
    current: Option<Current>,
    /// Whether the last tie was decided for the newer frame.
    tie_was_new: bool,
    ordinal: u64,
    log: FrameLog,
    /// The record of the frame that is being presented: its last stages are still to come.
    open: Option<FrameRecord>,
    /// The stage after decoding that took longest for the last frame presented.
    slowest_after_decode: Stage,
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
            frame_span: MediaSpan::ZERO,
            current: None,
            tie_was_new: false,
            ordinal: 0,
            log,
            open: None,
            slowest_after_decode: Stage::Present,
            last_lateness_nanos: None,
        }
    }

    /// The records of what was shown.
    pub fn log(&self) -> &FrameLog {
        &self.log
    }

    /// Tells that playback stood still: the time until the next frame is no interval.
    pub fn interrupt(&mut self) {
        self.log.interrupt();
    }

    /// Forgets all records.
    pub fn clear_log(&mut self) {
        self.open = None;
        self.log.clear();
    }

    /// Frames that wait in the ring.
    pub fn waiting(&self) -> usize {
        self.frames.as_ref().map_or(0, FrameConsumer::len)
    }

    /// The picture to show at the refresh at `refresh`, which lasts `period_nanos`. `now` is the
    /// present instant. A picture that is answered has its record opened here; [`Self::complete`] adds
    /// what the later stages took.
    pub fn pull(&mut self, now: Moment, refresh: Moment, period_nanos: i64) -> Pull {
        self.close_record();
        self.last_lateness_nanos = None;
        let schedule = *self.schedule.load_full();
        let mut cleared = false;
        while let Ok(source) = self.sources.try_recv() {
            self.epoch = source.epoch;
            self.frames = Some(source.frames);
            self.frame_span = source.frame_span;
            self.current = None;
            cleared = true;
        }
        let pulled = if schedule.epoch == self.epoch {
            self.drop_stale(schedule.generation);
            match schedule.mode {
                ScheduleMode::Idle => None,
                ScheduleMode::Hold(index) => self.pull_held(&schedule, index, now),
                ScheduleMode::Run(anchor) => self.pull_due(&anchor, now, refresh, period_nanos),
                ScheduleMode::Untimed => self.pull_next(now),
            }
        } else {
            None
        };
        match pulled {
            Some(frame) => Pull::New(frame),
            None if cleared => Pull::Clear,
            None => Pull::Keep,
        }
    }

    /// When the screen may have to change: the next frame is due then, or the present one's time is over.
    /// `Moment::ZERO` is at once; `None` is not before something new comes.
    pub fn next_due(&mut self) -> Option<Moment> {
        if !self.sources.is_empty() {
            return Some(Moment::ZERO);
        }
        let schedule = **self.schedule.load();
        if schedule.epoch != self.epoch {
            return None;
        }
        self.drop_stale(schedule.generation);
        let current = self.current.filter(|current| current.generation == schedule.generation);
        let Some(head) = self.frames.as_ref().and_then(FrameConsumer::peek) else {
            // Nothing is there: the present frame may have to be repeated.
            let ScheduleMode::Run(anchor) = schedule.mode else { return None };
            let current = current.filter(|current| !current.repeated)?;
            return Some(anchor.moment_of(current.run_end));
        };
        if head.generation() != schedule.generation {
            return None;
        }
        let run = match head {
            RingItem::Frame(frame) => frame.run,
            RingItem::End { run, .. } => *run,
        };
        match schedule.mode {
            ScheduleMode::Run(anchor) => Some(anchor.moment_of(run)),
            ScheduleMode::Untimed => Some(Moment::ZERO),
            ScheduleMode::Hold(index) => {
                let holds = current.is_some_and(|current| current.index == index);
                (!holds).then_some(Moment::ZERO)
            }
            ScheduleMode::Idle => None,
        }
    }

    fn drop_stale(&mut self, generation: Generation) {
        let Some(frames) = &mut self.frames else { return };
        while frames.peek().is_some_and(|item| item.generation() < generation) {
            frames.pop();
        }
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
                self.feedback.update(|shown| shown.ended = Some((epoch, generation)));
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
        if self.current.is_some_and(|c| c.generation == generation && c.index == index) {
            return None;
        }
        while let Some(frame) = self.take(generation) {
            if frame.index == index {
                self.open_record(&frame, FrameFate::Shown, None, now);
                self.show(&frame);
                return Some(frame);
            }
            // Steps of ten frames pass over nine; nobody asked to see them.
        }
        None
    }

    fn pull_next(&mut self, now: Moment) -> Option<PlannedFrame> {
        let generation = self.frames.as_ref()?.peek()?.generation();
        let frame = self.take(generation)?;
        self.open_record(&frame, FrameFate::Shown, None, now);
        self.show(&frame);
        Some(frame)
    }

    fn pull_due(
        &mut self,
        anchor: &RunAnchor,
        now: Moment,
        refresh: Moment,
        period_nanos: i64,
    ) -> Option<PlannedFrame> {
        let middle = anchor.run_at(refresh.offset_nanos(period_nanos / 2));
        let period = MediaSpan::from_nanos_nearest(period_nanos)
            .scaled_nearest(anchor.rate_ppb, RunAnchor::NORMAL_PPB);
        let tie = MediaSpan::from_flicks(period.flicks() / TIE_DIVISOR);
        let mut chosen: Option<PlannedFrame> = None;
        while let Some(item) = self.frames.as_ref().and_then(FrameConsumer::peek) {
            if item.generation() != anchor.generation {
                break;
            }
            let run = match item {
                RingItem::Frame(frame) => frame.run,
                RingItem::End { run, .. } => *run,
            };
            if !self.is_due(run, middle, tie) {
                break;
            }
            let Some(frame) = self.take(anchor.generation) else { break };
            if let Some(passed) = chosen.replace(frame) {
                let blame = self.blame(&passed, anchor, period_nanos);
                self.open_record(&passed, FrameFate::Dropped, Some(blame), now);
            }
        }
        match chosen {
            Some(frame) => {
                self.show_due(&frame, anchor, now, refresh, period_nanos);
                Some(frame)
            }
            None => {
                self.note_repeat(anchor, middle - period, now);
                None
            }
        }
    }

    /// Whether a frame that is due at `run` is the one to show in a refresh whose middle is at `middle`.
    fn is_due(&mut self, run: MediaSpan, middle: MediaSpan, tie: MediaSpan) -> bool {
        let ahead = run - middle;
        if ahead.abs() > tie {
            return ahead <= MediaSpan::ZERO;
        }
        // Within the tie's width the boundary lies on the side that repeats the last decision.
        let due = if self.tie_was_new { ahead < tie } else { ahead <= -tie };
        self.tie_was_new = due;
        due
    }

    fn show_due(
        &mut self,
        frame: &PlannedFrame,
        anchor: &RunAnchor,
        now: Moment,
        refresh: Moment,
        period_nanos: i64,
    ) {
        // A refresh shows what is due within half a period either way; a tie shifts that by its
        // width. What is later than the next refresh's reach could have been shown a refresh before.
        let due = anchor.moment_of(frame.run);
        let late_by = refresh.nanos_since(due);
        self.last_lateness_nanos = Some(late_by);
        if late_by > period_nanos + period_nanos / 2 {
            let blame = self.blame(frame, anchor, period_nanos);
            self.open_record(frame, FrameFate::Late, Some(blame), now);
        } else {
            self.open_record(frame, FrameFate::Shown, None, now);
        }
        self.show(frame);
    }

    /// The stage that made a frame late: whichever of reading and decoding took longer where it was not
    /// ready in time; presenting where it was.
    fn blame(&self, frame: &PlannedFrame, anchor: &RunAnchor, period_nanos: i64) -> Stage {
        let due = anchor.moment_of(frame.run);
        // It must be in the ring one refresh before it is seen.
        if frame.ready.nanos_since(due) + period_nanos > 0 {
            if frame.demux > frame.decode { Stage::Demux } else { Stage::Decode }
        } else {
            self.slowest_after_decode
        }
    }

    /// The present frame stays although its time is over.
    fn note_repeat(&mut self, anchor: &RunAnchor, seen: MediaSpan, now: Moment) {
        let starving = self.frames.as_ref().is_some_and(FrameConsumer::is_empty);
        let Some(current) = &mut self.current else { return };
        let over = current.generation == anchor.generation && current.run_end <= seen;
        if !(starving && over) || current.repeated {
            return;
        }
        current.repeated = true;
        let record = FrameRecord {
            generation: current.generation.0,
            ordinal: self.ordinal + 1,
            frame: current.index,
            fate: FrameFate::Repeated,
            blame: Some(Stage::Decode),
            due: anchor.moment_of(current.run_end),
            presented: Some(now),
            stages: StageTimes::NONE,
            awaits_gpu: false,
        };
        self.ordinal += 1;
        self.log.record(record);
    }

    fn show(&mut self, frame: &PlannedFrame) {
        self.current = Some(Current {
            generation: frame.generation,
            run_end: frame.run_end,
            index: frame.index,
            repeated: false,
        });
        let epoch = self.epoch;
        let (generation, index, run) = (frame.generation, frame.index, frame.run);
        self.feedback.update(|shown| {
            *shown = Shown { epoch, generation, index, run, ended: shown.ended };
        });
    }

    /// Makes the record of a frame, and of those given up before it. One that will be presented stays
    /// open.
    fn open_record(
        &mut self,
        frame: &PlannedFrame,
        fate: FrameFate,
        blame: Option<Stage>,
        now: Moment,
    ) {
        let due = match self.schedule.load().mode {
            ScheduleMode::Run(anchor) => anchor.moment_of(frame.run),
            _ => now,
        };
        for _ in 0..frame.given_up {
            let record = self.record(frame, FrameFate::Dropped, Some(Stage::Decode), due);
            self.log.record(record);
        }
        if matches!(frame.picture, Picture::Missing(_)) {
            // What could not be decoded leaves its predecessor on screen.
            let record = self.record(frame, FrameFate::Dropped, Some(Stage::Decode), due);
            self.log.record(record);
            return;
        }
        let mut record = self.record(frame, fate, blame, due);
        record.stages.set(Stage::Demux, nanos(frame.demux));
        record.stages.set(Stage::Decode, nanos(frame.decode));
        if fate == FrameFate::Dropped {
            self.log.record(record);
        } else {
            record.presented = Some(now);
            self.open = Some(record);
        }
    }

    fn record(
        &mut self,
        frame: &PlannedFrame,
        fate: FrameFate,
        blame: Option<Stage>,
        due: Moment,
    ) -> FrameRecord {
        self.ordinal += 1;
        FrameRecord {
            generation: frame.generation.0,
            ordinal: self.ordinal,
            frame: frame.index,
            fate,
            blame,
            due,
            presented: None,
            stages: StageTimes::NONE,
            awaits_gpu: false,
        }
    }

    /// Completes the record of the picture that [`Self::pull`] answered last: it was handed to the
    /// display at `presented`, and `stages` took that long. With `awaits_gpu` its time on the GPU is
    /// still to come, under the number that [`Self::last_ordinal`] tells.
    pub fn complete(&mut self, presented: Moment, stages: &[(Stage, u64)], awaits_gpu: bool) {
        let Some(record) = &mut self.open else { return };
        record.presented = Some(presented);
        record.awaits_gpu = awaits_gpu;
        for &(stage, nanos) in stages {
            record.stages.set(stage, nanos);
        }
        if let Some(&(slowest, _)) = stages.iter().max_by_key(|(_, nanos)| *nanos) {
            self.slowest_after_decode = slowest;
        }
        self.close_record();
    }

    fn close_record(&mut self) {
        if let Some(record) = self.open.take() {
            self.log.record(record);
        }
    }

    /// Brings the GPU time of the frame whose record has number `ordinal`.
    pub fn gpu_time(&mut self, ordinal: u64, nanos: u64) {
        let generation = self
            .log
            .recent()
            .rev()
            .find(|record| record.ordinal == ordinal)
            .map(|record| record.generation);
        if let Some(generation) = generation {
            // A record that was closed meanwhile is counted as one without GPU time.
            let _was_open = self.log.gpu_time(generation, ordinal, nanos);
        }
    }

    /// How long after it was due the picture that [`Self::pull`] answered last is seen, if it was due
    /// at a time.
    pub fn last_lateness_nanos(&self) -> Option<i64> {
        self.last_lateness_nanos
    }

    /// Number of the newest record.
    pub fn last_ordinal(&self) -> u64 {
        self.ordinal
    }
}

fn nanos(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
