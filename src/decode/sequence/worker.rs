//! The session's thread: walks along the plan, hands out pictures to decode, fills the ring in order.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, select};

use super::Shared;
use super::pictures::{Done, Job};
use crate::decode::SessionOptions;
use crate::decode::index::GopIndex;
use crate::decode::plan::{CatchUp, PlanCursor, VideoPlan};
use crate::decode::ring::{FrameProducer, Picture, PlannedFrame, RingItem};
use crate::media::{FieldOrder, Size, VideoFrame};
use crate::time::{FrameIndex, MediaTime};
use crate::timeline::{Generator, LocatedSequence, MissingFrames, generated};

/// What lies between plan and ring, in order.
enum Queued {
    Frame {
        /// Without its picture.
        frame: PlannedFrame,
        source: Source,
    },
    End(RingItem),
}

/// Where a frame's picture comes from.
enum Source {
    /// A job of this number.
    Decoding(u64),
    /// In the frame already.
    Ready,
    /// The one before it in the queue.
    AsBefore,
}

/// Owned by the session's thread.
pub(super) struct Worker {
    // Orders and results.
    pub(super) orders: Receiver<VideoPlan>,
    pub(super) ring: FrameProducer,
    pub(super) shared: Arc<Shared>,
    pub(super) options: SessionOptions,
    // The pictures.
    pub(super) sequence: LocatedSequence,
    pub(super) index: Arc<GopIndex>,
    /// Size of pictures that are made.
    pub(super) size: Size,
    pub(super) jobs: Sender<Job>,
    pub(super) results: Receiver<Done>,
    /// Results that are still to come, those of older plans included.
    pub(super) outstanding: usize,
    pub(super) next_job: u64,
    pub(super) epoch: Arc<AtomicU64>,
    /// Black or checkerboard, once it was needed.
    pub(super) blank: Option<Arc<VideoFrame>>,
    // The plan and what comes of it.
    pub(super) plan: PlanState,
}

/// What a new plan replaces.
#[derive(Default)]
pub(super) struct PlanState {
    cursor: Option<PlanCursor>,
    queue: VecDeque<Queued>,
    /// What the ring had no room for.
    blocked: Option<RingItem>,
    catch_up: CatchUp,
    /// The number of the picture that was handed out last.
    last_number: Option<i64>,
    /// The picture that went to the ring last.
    last_picture: Option<Picture>,
}

impl Worker {
    /// Works until the handle is dropped.
    pub(super) fn run(mut self) {
        loop {
            self.fill_ring();
            self.hand_out();
            // The ring may take what was ready at once.
            if self.plan.blocked.is_none() && self.front_is_ready() {
                continue;
            }
            select! {
                recv(self.orders) -> plan => match plan {
                    Ok(plan) => self.take(plan),
                    Err(_handle_dropped) => return,
                },
                recv(self.ring.space()) -> _ => {}
                recv(self.results) -> done => match done {
                    Ok(done) => self.accept(done),
                    // Only a panic ends those threads before this one.
                    Err(_threads_ended) => return,
                },
            }
        }
    }

    fn take(&mut self, plan: VideoPlan) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.plan = PlanState {
            cursor: Some(PlanCursor::new(plan)),
            ..PlanState::default()
        };
    }

    fn accept(&mut self, done: Done) {
        self.outstanding = self.outstanding.saturating_sub(1);
        if done.outcome.is_ok() {
            self.shared.decoded.fetch_add(1, Ordering::Relaxed);
        }
        let place = self.plan.queue.iter_mut().find_map(|queued| match queued {
            Queued::Frame { frame, source } => {
                matches!(source, Source::Decoding(id) if *id == done.id).then_some((frame, source))
            }
            Queued::End(_) => None,
        });
        let Some((frame, source)) = place else { return };
        *source = Source::Ready;
        (frame.demux, frame.decode) = (done.demux, done.decode);
        frame.picture = match done.outcome {
            Ok(picture) => {
                if picture.fields != FieldOrder::Progressive {
                    self.shared.interlaced.store(true, Ordering::Relaxed);
                }
                Picture::Frame(Arc::new(picture))
            }
            Err(reason) => {
                tracing::debug!("{reason}");
                self.shared.damaged.fetch_add(1, Ordering::Relaxed);
                Picture::Missing(reason.into())
            }
        };
    }

    fn front_is_ready(&self) -> bool {
        match self.plan.queue.front() {
            Some(Queued::Frame { source, .. }) => !matches!(source, Source::Decoding(_)),
            Some(Queued::End(_)) => true,
            None => false,
        }
    }

    /// Moves what is ready into the ring, in order.
    fn fill_ring(&mut self) {
        loop {
            let item = match self.plan.blocked.take() {
                Some(item) => item,
                None if self.front_is_ready() => match self.plan.queue.pop_front() {
                    Some(Queued::Frame { frame, source }) => self.finish(frame, &source),
                    Some(Queued::End(end)) => end,
                    None => return,
                },
                None => return,
            };
            let generation = item.generation();
            match self.ring.push(item) {
                Ok(()) => {
                    self.shared.set_ready(generation);
                    (self.options.notify)();
                }
                Err(item) => {
                    self.plan.blocked = Some(item);
                    return;
                }
            }
        }
    }

    fn finish(&mut self, mut frame: PlannedFrame, source: &Source) -> RingItem {
        if let (Source::AsBefore, Some(before)) = (source, &self.plan.last_picture) {
            frame.picture = before.clone();
        }
        self.plan.last_picture = Some(frame.picture.clone());
        frame.ready = self.options.clock.now();
        RingItem::Frame(frame)
    }

    /// Walks along the plan as far as pictures may be decoded ahead.
    fn hand_out(&mut self) {
        let ahead = self.jobs.capacity().unwrap_or(1);
        while self.plan.queue.len() < ahead && self.outstanding < ahead {
            self.give_up_late_frames();
            let Some(cursor) = &mut self.plan.cursor else {
                return;
            };
            let last = FrameIndex(self.index.len() - 1);
            if !cursor.is_inside(Some(last)) {
                self.end_lap();
                continue;
            }
            let frame = cursor.next();
            let (begin, end) = times_of(&self.index, frame);
            let (run, run_end) = cursor.run_of(begin, end);
            let planned = PlannedFrame {
                generation: cursor.plan().generation,
                index: frame,
                run,
                run_end,
                picture: Picture::Missing("it is being decoded".into()),
                given_up: self.plan.catch_up.delivered(),
                demux: Duration::ZERO,
                decode: Duration::ZERO,
                ready: self.options.clock.now(),
            };
            let _inside = cursor.advance(Some(last));
            self.enqueue(planned);
        }
    }

    /// Finds out where a frame's picture comes from, and begins to decode it.
    fn enqueue(&mut self, mut frame: PlannedFrame) {
        let number = self.sequence.number_of(frame.index);
        let policy = self.sequence.missing();
        let shown = if self.sequence.is_present(number) {
            Some(number)
        } else if policy == MissingFrames::Hold {
            self.sequence.present_up_to(number)
        } else {
            None
        };
        let source = match shown {
            Some(number) if self.plan.last_number == Some(number) => Source::AsBefore,
            Some(number) => self.begin(number),
            None => {
                frame.picture = self.stand_in(policy, number);
                Source::Ready
            }
        };
        self.plan.last_number = shown;
        self.plan.queue.push_back(Queued::Frame { frame, source });
    }

    fn begin(&mut self, number: i64) -> Source {
        let job = Job {
            id: self.next_job,
            epoch: self.epoch.load(Ordering::Acquire),
            path: self.sequence.path_of(number),
        };
        let id = job.id;
        // There is room: no more are outstanding than the channel holds.
        if self.jobs.try_send(job).is_ok() {
            self.outstanding += 1;
            self.next_job += 1;
        }
        Source::Decoding(id)
    }

    /// What is shown where picture `number` is missing, and none before it can be held.
    fn stand_in(&mut self, policy: MissingFrames, number: i64) -> Picture {
        let generator = match policy {
            MissingFrames::Error => {
                let path = self.sequence.path_of(number);
                let reason = format!("{}: no such picture.", path.display());
                return Picture::Missing(reason.into());
            }
            MissingFrames::Hold | MissingFrames::Black => Generator::Solid([0.0, 0.0, 0.0, 1.0]),
            MissingFrames::Checkerboard => Generator::Checkerboard,
        };
        if self.blank.is_none() {
            self.blank = generated(generator, self.size).map(Arc::new);
        }
        match &self.blank {
            Some(blank) => Picture::Frame(Arc::clone(blank)),
            None => Picture::Missing("the picture is missing".into()),
        }
    }

    /// Gives up frames that could only be late. Each frame can be decoded by itself, so that the next one
    /// is the one that is due, in both directions.
    fn give_up_late_frames(&mut self) {
        let Some(anchor) = self.options.anchor.load_full() else {
            return;
        };
        let Some(cursor) = &mut self.plan.cursor else {
            return;
        };
        if anchor.generation != cursor.plan().generation {
            return;
        }
        let now = anchor.run_at(self.options.clock.now());
        let last = FrameIndex(self.index.len() - 1);
        while cursor.is_inside(Some(last)) {
            let next = cursor.next();
            // The last frame of a lap carries the count of those given up before it, and the first one of
            // a plan is shown however late it comes.
            let range_end = if cursor.is_reverse() {
                cursor.plan().first
            } else {
                cursor.last(Some(last)).unwrap_or(last)
            };
            if cursor.is_at_start() || next == range_end {
                return;
            }
            let (begin, end) = times_of(&self.index, next);
            let due = cursor.run_of(begin, end);
            if !self.plan.catch_up.gives_up(due, Some(due.1), now) {
                return;
            }
            cursor.advance(Some(last));
        }
    }

    /// Ends the lap at the end of its range and begins the next, or ends the plan.
    fn end_lap(&mut self) {
        let Some(cursor) = &mut self.plan.cursor else {
            return;
        };
        let medium_end = FrameIndex(self.index.len() - 1);
        let last = cursor.last(Some(medium_end)).unwrap_or(medium_end);
        let range = (
            times_of(&self.index, cursor.plan().first).0,
            times_of(&self.index, last).1,
        );
        let exit = if cursor.is_reverse() {
            range.0
        } else {
            range.1
        };
        let before = cursor.lap_run();
        let goes_on = cursor.turn(exit, last, range);
        let (generation, run) = (cursor.plan().generation, cursor.lap_run());
        // A range without length would turn for ever, and so would one that the next lap cannot enter.
        if goes_on && run > before && cursor.is_inside(Some(medium_end)) {
            return;
        }
        self.plan.cursor = None;
        let end = RingItem::End { generation, run };
        self.plan.queue.push_back(Queued::End(end));
    }
}

/// When a frame begins and ends. Plans may name frames that do not exist; those have no length.
fn times_of(index: &GopIndex, frame: FrameIndex) -> (MediaTime, MediaTime) {
    let beyond = if frame < FrameIndex::ZERO {
        MediaTime::ZERO
    } else {
        index.end()
    };
    (
        index.time_of(frame).unwrap_or(beyond),
        index.end_of(frame).unwrap_or(beyond),
    )
}
