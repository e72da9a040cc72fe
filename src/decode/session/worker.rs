//! The session's thread: takes plans, decodes, fills the ring.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, select};

use super::reverse::ReverseFill;
use super::{FAR, SessionOptions, Shared};
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::plan::{CatchUp, PlanCursor, VideoPlan};
use crate::decode::ring::{FrameProducer, Picture, PlannedFrame, RingItem};
use crate::decode::video_reader::{DecodeError, ReadPicture, VideoReader};
use crate::media::FieldOrder;
use crate::time::{FrameIndex, MediaTime, Moment};

/// A frame that was decoded, not yet placed in the plan.
pub(super) struct Decoded {
    pub(super) index: FrameIndex,
    /// Its time stamp in ticks, where the stream has them.
    pub(super) pts: Option<i64>,
    pub(super) picture: Picture,
    pub(super) demux: Duration,
    pub(super) decode: Duration,
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
    pub(super) fill: Option<ReverseFill>,
    pub(super) window: Vec<Decoded>,
}

impl Worker {
    pub(super) fn new(
        reader: VideoReader,
        ring: FrameProducer,
        orders: Receiver<VideoPlan>,
        shared: Arc<Shared>,
        options: SessionOptions,
    ) -> Self {
        Self {
            orders,
            ring,
            shared,
            options,
            reader,
            next_decoded: Some(FrameIndex::ZERO),
            counts_from_start: true,
            lookahead: None,
            decoded_end: None,
            cursor: None,
            pending: VecDeque::new(),
            catch_up: CatchUp::default(),
            last_delivered: Moment::ZERO,
            fill: None,
            window: Vec::new(),
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
                Work::Done => match self.orders.recv() {
                    Ok(plan) => Some(plan),
                    Err(_handle_dropped) => return,
                },
                Work::Wait => select! {
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
            state = self.work().unwrap_or_else(|error| self.fail(&error));
        }
    }

    /// Drops the plan if nobody wants its frames any more. The decoder stays where it is.
    fn heed_abandon(&mut self) {
        let generation = self.cursor.as_ref().map(|cursor| cursor.plan().generation);
        if generation.is_some_and(|generation| self.shared.is_abandoned(generation)) {
            self.cursor = None;
            self.pending.clear();
            self.fill = None;
            self.window.clear();
        }
    }

    fn take(&mut self, plan: VideoPlan) {
        self.pending.clear();
        self.fill = None;
        self.window.clear();
        self.catch_up = CatchUp::default();
        // What lies ahead of the decoder's place belongs to the old plan, unless the new one begins
        // with it: taken for the next frame, it would make all those before it look damaged.
        self.lookahead.take_if(|ahead| ahead.index != plan.start);
        *self.shared.failure.lock() = None;
        // Packets run ahead of pictures: what the old plan left out may be what this one begins with.
        let start = self.shared.index.load().pts_of(plan.start);
        if self
            .reader
            .unwanted_until()
            .is_some_and(|until| start.is_none_or(|start| start <= until))
        {
            self.next_decoded = None;
        }
        self.cursor = Some(PlanCursor::new(plan));
    }

    fn work(&mut self) -> Result<Work, DecodeError> {
        let full = !self.flush_pending();
        let Some(cursor) = &self.cursor else {
            return Ok(if full { Work::Wait } else { Work::Done });
        };
        if cursor.is_reverse() {
            self.work_backwards(full)
        } else if full {
            Ok(Work::Wait)
        } else {
            self.work_forwards()
        }
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
        if let DecodeError::Open(_) = error {
            // It names the file itself.
            tracing::warn!("{error}");
        } else {
            tracing::warn!("{}: {error}", self.reader.input().path().display());
        }
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

    /// Turns a decoder's picture into one for the plan.
    pub(super) fn finish(&mut self, index: FrameIndex, picture: ReadPicture) -> Decoded {
        let (pts, demux, decode) = (picture.pts, picture.demux, picture.decode);
        self.shared
            .damaged
            .store(self.reader.damaged_packets(), Ordering::Relaxed);
        let picture = match self.reader.frame(picture) {
            Ok(frame) => {
                if frame.fields != FieldOrder::Progressive {
                    self.shared.interlaced.store(true, Ordering::Relaxed);
                }
                Picture::Frame(Arc::new(frame))
            }
            Err(error) => Picture::Missing(error.to_string().into()),
        };
        Decoded {
            index,
            pts,
            picture,
            demux,
            decode,
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
        self.deliver(decoded, index);
        let last_known = self.last_known(index);
        if let Some(cursor) = &mut self.cursor {
            let _inside = cursor.advance(last_known);
        }
    }

    /// Places a frame in the plan and hands it over, without moving the cursor.
    pub(super) fn deliver(&mut self, decoded: Decoded, index: &GopIndex) {
        let now = self.options.clock.now();
        self.last_delivered = now;
        let (begin, end) = self.times_of(decoded.index, decoded.pts, index);
        let Some(cursor) = &mut self.cursor else {
            return;
        };
        let (run, run_end) = cursor.run_of(begin, end);
        self.pending.push_back(RingItem::Frame(PlannedFrame {
            generation: cursor.plan().generation,
            index: decoded.index,
            run,
            run_end,
            picture: decoded.picture,
            given_up: self.catch_up.delivered(),
            demux: decoded.demux,
            decode: decoded.decode,
            ready: now,
        }));
    }

    /// Ends the lap at the end of its range and begins the next, or ends the plan.
    pub(super) fn end_lap(&mut self, index: &GopIndex) -> Work {
        // The decoder stands beyond the range; what it brought from there is not a part of it.
        self.lookahead = None;
        let last_known = self.last_known(index).unwrap_or(FrameIndex::ZERO);
        let Some(cursor) = &self.cursor else {
            return Work::Done;
        };
        let last = cursor.last(Some(last_known)).unwrap_or(last_known);
        let first = cursor.plan().first;
        let range = (
            self.times_of(first, None, index).0,
            self.times_of(last, None, index).1,
        );
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
        self.pending.push_back(RingItem::End { generation, run });
        Work::Go
    }

    /// Brings the decoder to a keyframe from which `target` can be reached.
    pub(super) fn seek_for(
        &mut self,
        target: FrameIndex,
        index: &GopIndex,
    ) -> Result<(), DecodeError> {
        self.lookahead = None;
        let Some((number, _)) = index.keyframe_for(target) else {
            self.reader.rewind()?;
            self.next_decoded = Some(FrameIndex::ZERO);
            self.counts_from_start = true;
            return Ok(());
        };
        self.reader.seek(index, number)?;
        self.counts_from_start = index.numbering() == Numbering::ByCount;
        self.next_decoded = index.first_frame_of(number);
        Ok(())
    }
}
