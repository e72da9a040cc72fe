//! The session's thread: takes plans, decodes, fills the ring.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, select};

use super::kept::Kept;
use super::reverse::Reverse;
use super::rungs::Rungs;
use super::stands::Stand;
use super::thin::Thin;
use super::{FAR, SessionOptions, Shared};
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::input::{OpenError, ReadError};
use crate::decode::plan::{CatchUp, PlanCursor, VideoPlan};
use crate::decode::ring::{FrameProducer, Picture, PlannedFrame, RingItem};
use crate::decode::video_reader::{DecodeError, ReadPicture, Step, VideoReader};
use crate::media::{FieldOrder, PictureId};
use crate::time::{FrameIndex, MediaSpan, MediaTime, Moment};

/// A frame that was decoded, not yet placed in the plan.
pub(super) struct Decoded {
    pub(super) index: FrameIndex,
    /// Its time stamp in ticks, where the stream has them.
    pub(super) pts: Option<i64>,
    pub(super) picture: Picture,
    pub(super) demux: Duration,
    pub(super) decode: Duration,
    /// Whether it is the first since the decoder was emptied: it took as long as filling the decoder did.
    pub(super) is_first: bool,
}

/// What one round of work came to.
pub(super) enum Work {
    /// There is more to do.
    Go,
    /// The ring is full, or the index is not there yet: sleep until somebody wakes us.
    Wait,
    /// The plan is done: sleep until there is another.
    Done,
}

/// Owned by the session's thread.
pub(super) struct Worker {
    // Orders and results.
    orders: Receiver<VideoPlan>,
    ring: FrameProducer,
    pub(super) shared: Arc<Shared>,
    pub(super) options: SessionOptions,
    // The decoder and where it stands.
    pub(super) reader: VideoReader,
    /// What stands for the stream in the names of its pictures.
    pub(super) source: u64,
    /// The frame that the decoder delivers next, if that is known.
    pub(super) next_decoded: Option<FrameIndex>,
    /// Whether the decoder has been at the beginning of the file since its last seek, so that counting
    /// its pictures numbers them.
    pub(super) counts_from_start: bool,
    /// A frame that came out although an earlier one was due.
    pub(super) lookahead: Option<Decoded>,
    /// The end of the file as the decoder saw it: one past its last frame.
    pub(super) decoded_end: Option<FrameIndex>,
    // The plan and what is still to be put in the ring.
    pub(super) cursor: Option<PlanCursor>,
    pub(super) pending: VecDeque<RingItem>,
    pub(super) catch_up: CatchUp,
    /// When a frame was delivered last.
    pub(super) last_delivered: Moment,
    pub(super) reverse: Reverse,
    /// Whether the plan was delivered to its end.
    pub(super) ended: bool,
    pub(super) kept: Kept,
    /// Decoders of proxies and of the source, whichever is not in use.
    pub(super) rungs: Rungs,
    /// Decoders of the source that stand elsewhere, the one that was needed last at the end.
    pub(super) stands: Vec<Stand>,
    /// One that stands nowhere yet.
    pub(super) spare: Option<Stand>,
    /// Whether no other decoder could be opened.
    pub(super) alone: bool,
    pub(super) thin: Thin,
    /// When a picture on the way to the plan's first frame was shown last.
    pub(super) approached: Option<Moment>,
}

impl Worker {
    pub(super) fn new(
        reader: VideoReader,
        ring: FrameProducer,
        orders: Receiver<VideoPlan>,
        shared: Arc<Shared>,
        options: SessionOptions,
    ) -> Self {
        let identity = reader.input().file_identity();
        Self {
            orders,
            ring,
            shared,
            options,
            source: identity.source_of(reader.stream().id),
            reader,
            next_decoded: Some(FrameIndex::ZERO),
            counts_from_start: true,
            lookahead: None,
            decoded_end: None,
            cursor: None,
            pending: VecDeque::new(),
            catch_up: CatchUp::default(),
            last_delivered: Moment::ZERO,
            reverse: Reverse::default(),
            ended: false,
            kept: Kept::default(),
            rungs: Rungs::default(),
            stands: Vec::new(),
            spare: None,
            alone: false,
            thin: Thin::default(),
            approached: None,
        }
    }

    /// Works until the handle is dropped.
    pub(super) fn run(mut self) {
        let mut state = Work::Done;
        loop {
            let order = match state {
                Work::Go => match self.orders.try_recv() {
                    Ok(plan) => Some(plan),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                },
                Work::Wait | Work::Done => select! {
                    recv(self.orders) -> plan => match plan {
                        Ok(plan) => Some(plan),
                        Err(_handle_dropped) => return,
                    },
                    recv(self.ring.space()) -> _ => None,
                },
            };
            if let Some(plan) = order {
                self.take(plan);
            }
            self.heed_abandon();
            self.follow_thinning();
            self.follow_rung();
            let worked = self.work();
            let worked = worked.or_else(|error| self.leave_failed_proxy(error));
            state = worked.unwrap_or_else(|error| self.fail(&error));
        }
    }

    /// Drops the plan if nobody wants its frames any more. The decoder stays where it is.
    fn heed_abandon(&mut self) {
        let generation = self.cursor.as_ref().map(|cursor| cursor.plan().generation);
        if generation.is_some_and(|generation| self.shared.is_abandoned(generation)) {
            self.cursor = None;
            self.pending.clear();
            self.reverse = Reverse::default();
            self.end_approach();
        }
    }

    fn take(&mut self, plan: VideoPlan) {
        self.pending.clear();
        self.reverse = Reverse::default();
        self.ended = false;
        self.catch_up = CatchUp::default();
        // What lies ahead of the decoder's place belongs to the old plan, unless the new one begins
        // with it: taken for the next frame, it would make all those before it look damaged.
        self.lookahead.take_if(|ahead| ahead.index != plan.start);
        *self.shared.failure.lock() = None;
        self.begin_kept(plan);
        self.begin_thin();
        self.end_approach();
        self.cursor = Some(PlanCursor::new(plan));
    }

    fn work(&mut self) -> Result<Work, DecodeError> {
        let full = !self.flush_pending();
        let (work, may_idle) = match &self.cursor {
            None => (Work::Done, true),
            Some(cursor) if cursor.is_reverse() => (self.work_backwards(full)?, full),
            Some(_) if full => (Work::Wait, true),
            Some(_) => (self.work_forwards()?, false),
        };
        match work {
            Work::Wait | Work::Done if may_idle => Ok(self.run_errand()),
            work => Ok(work),
        }
    }

    /// Capacity of the ring.
    pub(super) fn ring_capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// Takes a picture from the decoder, or gives it a packet; see [`VideoReader::step`].
    pub(super) fn read_step(
        &mut self,
        is_wanted: &dyn Fn(i64) -> bool,
    ) -> Result<Step, DecodeError> {
        let step = self.reader.step(is_wanted)?;
        if let Step::Picture(_) = step {
            self.shared.decoded.fetch_add(1, Ordering::Relaxed);
        }
        Ok(step)
    }

    /// Reads on to the next keyframe and decodes it alone; see [`VideoReader::step_keyframe`].
    pub(super) fn read_keyframe(&mut self) -> Result<Step, DecodeError> {
        let step = self.reader.step_keyframe()?;
        if let Step::Picture(_) = step {
            self.shared.decoded.fetch_add(1, Ordering::Relaxed);
        }
        Ok(step)
    }

    /// Moves what is pending into the ring. False when something is left over.
    fn flush_pending(&mut self) -> bool {
        while let Some(item) = self.pending.pop_front() {
            let generation = item.generation();
            match self.ring.push(item) {
                Ok(()) => {
                    self.shared.set_ready(generation);
                    (self.shared.notify)();
                }
                Err(item) => {
                    self.pending.push_front(item);
                    return false;
                }
            }
        }
        true
    }

    fn fail(&mut self, error: &DecodeError) -> Work {
        match error {
            // Whoever called it off knows.
            DecodeError::Read(ReadError::Interrupted)
            | DecodeError::Open(OpenError::Interrupted(_)) => {
                tracing::debug!("decoding was called off");
            }
            // It names the file itself.
            DecodeError::Open(error) => tracing::warn!("{error}"),
            DecodeError::Read(_) | DecodeError::Decoder(..) => {
                tracing::warn!("{}: {error}", self.reader.input().path().display());
            }
        }
        self.end_approach();
        let reason: Arc<str> = error.to_string().into();
        *self.shared.failure.lock() = Some(Arc::clone(&reason));
        if let Some(cursor) = self.cursor.take() {
            let (generation, index) = (cursor.plan().generation, cursor.next());
            let run = cursor.lap_run();
            self.pending.push_back(RingItem::Frame(PlannedFrame {
                generation,
                index,
                run,
                run_end: run,
                picture: Picture::Missing(reason),
                given_up: self.catch_up.delivered(),
                demux: Duration::ZERO,
                decode: Duration::ZERO,
                ready: self.options.clock.now(),
            }));
            self.pending.push_back(RingItem::End { generation, run });
        }
        // The decoder's place is unknown after a failure.
        self.next_decoded = None;
        self.counts_from_start = false;
        self.lookahead = None;
        if self.flush_pending() {
            Work::Done
        } else {
            Work::Wait
        }
    }

    /// The last frame of the medium, as far as it is known.
    pub(super) fn last_known(&self, index: &GopIndex) -> Option<FrameIndex> {
        let by_index = index.is_complete().then(|| index.len());
        let by_decoder = self.decoded_end.map(|end| end.0);
        let end = match (by_index, by_decoder) {
            // A damaged end has packets that never become pictures; they count, as missing ones.
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        // Minus one where there is none at all.
        end.map(|end| FrameIndex(end - 1))
    }

    /// The number of a picture that came out of the decoder, if it can be told.
    pub(super) fn number_of(&self, picture: &ReadPicture, index: &GopIndex) -> Option<FrameIndex> {
        let counted = || {
            let ordinal = i64::try_from(picture.ordinal).unwrap_or(i64::MAX);
            self.counts_from_start.then_some(FrameIndex(ordinal))
        };
        if index.numbering() == Numbering::ByCount && !index.is_empty() {
            return counted();
        }
        match picture.pts {
            Some(pts) if index.covers_pts(pts) && !index.is_empty() => {
                index.frame_of_pts(pts).or_else(|| index.nearest_frame(pts))
            }
            // Packets without a time stamp follow the one before.
            None if !self.counts_from_start => self.next_decoded,
            // Before the index is there, only play from the beginning goes on.
            _ => counted(),
        }
    }

    /// Turns a decoder's picture into one for the plan, and leaves it with the keeper. `frames` is the
    /// index that numbered it.
    pub(super) fn finish(
        &mut self,
        index: FrameIndex,
        picture: ReadPicture,
        frames: &GopIndex,
    ) -> Decoded {
        // The time stamps of a proxy count in units of its own.
        let pts = picture.pts.filter(|_| !self.is_on_proxy());
        let (demux, decode) = (picture.demux, picture.decode);
        let is_first = picture.ordinal == 0;
        let is_spoilt = picture.is_damaged && self.is_on_proxy();
        if !self.is_on_proxy() {
            let damaged = self.reader.damaged_packets();
            self.shared.damaged.store(damaged, Ordering::Relaxed);
        }
        let picture = match self.reader.frame(picture) {
            Ok(_) if is_spoilt => Picture::Missing("it is damaged".into()),
            Ok(mut frame) => {
                frame.id = PictureId::of_frame(self.source, index);
                frame.stands_for = self.stands_for();
                if frame.fields != FieldOrder::Progressive {
                    self.shared.interlaced.store(true, Ordering::Relaxed);
                }
                let frame = Arc::new(frame);
                self.offer(index, pts, &frame, frames);
                Picture::Frame(frame)
            }
            Err(error) => Picture::Missing(error.to_string().into()),
        };
        Decoded {
            index,
            pts,
            picture,
            demux,
            decode,
            is_first,
        }
    }

    /// A stand-in for a frame that the decoder left out.
    pub(super) fn missing(index: FrameIndex) -> Decoded {
        Decoded {
            index,
            pts: None,
            picture: Picture::Missing("this frame is damaged in the file".into()),
            demux: Duration::ZERO,
            decode: Duration::ZERO,
            is_first: false,
        }
    }

    /// When a frame begins and ends, in media time.
    pub(super) fn times_of(
        &self,
        frame: FrameIndex,
        pts: Option<i64>,
        index: &GopIndex,
    ) -> (MediaTime, MediaTime) {
        let stream = self.reader.stream();
        let by_rate = || stream.rate.time_of_frame_nearest(frame);
        let begin = index
            .time_of(frame)
            .or_else(|| pts.map(|pts| index.time_from_pts(pts)))
            .unwrap_or_else(by_rate);
        // The last frame of an incomplete index has no neighbour yet, so its end is not known either.
        let end = index
            .end_of(frame)
            .filter(|_| index.is_complete() || frame.0 + 1 < index.len())
            .unwrap_or(begin + stream.rate.frame_span_nearest());
        (begin, end)
    }

    /// Hands over the frame that is due; the cursor moves on. `index` is the one that numbered it.
    pub(super) fn emit(&mut self, decoded: Decoded, index: &GopIndex) {
        if matches!(decoded.picture, Picture::Missing(_)) && self.lacks_only_in_proxy(decoded.index)
        {
            return;
        }
        self.end_approach();
        self.follow_plan(decoded.index);
        self.deliver(decoded, index);
        let last_known = self.last_known(index);
        if let Some(cursor) = &mut self.cursor {
            let _inside = cursor.advance(last_known);
        }
    }

    /// Places a frame in the plan and hands it over, without moving the cursor.
    pub(super) fn deliver(&mut self, decoded: Decoded, index: &GopIndex) {
        let now = self.options.clock.now();
        let span = now.since(std::mem::replace(&mut self.last_delivered, now));
        let (begin, end) = self.times_of(decoded.index, decoded.pts, index);
        let Some(cursor) = &mut self.cursor else {
            return;
        };
        let (run, run_end) = cursor.run_of(begin, end);
        let generation = cursor.plan().generation;
        let given_up = self.catch_up.delivered();
        self.measure(&decoded, given_up, span);
        self.thin.reached = run;
        self.pending.push_back(RingItem::Frame(PlannedFrame {
            generation,
            index: decoded.index,
            run,
            run_end,
            picture: decoded.picture,
            given_up,
            demux: decoded.demux,
            decode: decoded.decode,
            ready: now,
        }));
    }

    /// Ends the lap at the end of its range and begins the next, or ends the plan.
    pub(super) fn end_lap(&mut self, index: &GopIndex) -> Work {
        // The decoder stands beyond the range; what it brought from there is not a part of it.
        self.lookahead = None;
        self.stray();
        let Some((last, range)) = self.range(index) else {
            return Work::Done;
        };
        let Some(cursor) = &mut self.cursor else {
            return Work::Done;
        };
        let exit = if cursor.is_reverse() {
            range.0
        } else {
            range.1
        };
        let before = cursor.lap_run();
        let goes_on = cursor.turn(exit, last, range);
        let (generation, run) = (cursor.plan().generation, cursor.lap_run());
        // A range without length would turn for ever.
        if goes_on && run > before && run < FAR {
            return Work::Go;
        }
        self.cursor = None;
        self.ended = true;
        self.pending.push_back(RingItem::End { generation, run });
        Work::Go
    }

    /// The last frame of the plan's range, and the media times of the range.
    fn range(&self, index: &GopIndex) -> Option<(FrameIndex, (MediaTime, MediaTime))> {
        let cursor = self.cursor.as_ref()?;
        let last_known = self.last_known(index).unwrap_or(FrameIndex::ZERO);
        let last = cursor.last(Some(last_known)).unwrap_or(last_known);
        let begin = self.times_of(cursor.plan().first, None, index).0;
        Some((last, (begin, self.times_of(last, None, index).1)))
    }

    /// In a loop: gives up laps that are over at run time `now`, for a decoder that is slower than the
    /// playhead would fall ever further behind.
    pub(super) fn leave_laps(&mut self, now: MediaSpan, index: &GopIndex) {
        if !index.is_complete() || self.lookahead.is_some() {
            return;
        }
        let mut frames: u32 = 0;
        while let Some((last, range)) = self.range(index)
            && let Some(cursor) = &self.cursor
            && let Some(lap_end) = cursor.lap_end(range)
            && self.catch_up.leaves_lap(lap_end, now)
        {
            // The first frame of a plan is shown however late it comes.
            if cursor.is_at_start() || lap_end == cursor.lap_run() {
                break;
            }
            frames = frames.saturating_add(cursor.left_in_lap(last));
            self.end_lap(index);
        }
        if frames > 0 {
            self.catch_up.leave_laps(frames);
        }
    }

    /// Brings the decoder to a keyframe from which `target` can be reached.
    pub(super) fn seek_for(
        &mut self,
        target: FrameIndex,
        index: &GopIndex,
    ) -> Result<(), DecodeError> {
        self.lookahead = None;
        self.leave_standing(target, index);
        self.leave_place();
        let Some((number, _)) = index.keyframe_for(target) else {
            self.reader.rewind()?;
            self.next_decoded = Some(FrameIndex::ZERO);
            self.counts_from_start = true;
            self.sought(FrameIndex::ZERO);
            return Ok(());
        };
        self.reader.seek(index, number)?;
        self.counts_from_start = index.numbering() == Numbering::ByCount;
        self.next_decoded = index.first_frame_of(number);
        self.sought(self.next_decoded.unwrap_or(FrameIndex::ZERO));
        Ok(())
    }
}
