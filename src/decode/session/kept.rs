//! Frames that are kept: taken from the keeper instead of the decoder, and left there for later.
//!
//! Whatever leaves the decoder is offered to the keeper, and before anything is decoded the keeper is
//! asked for it. So the decoder *strays*: what the plan delivers comes from the keeper while the decoder
//! stands elsewhere, and only a frame that is missing brings it back.
//!
//! # Errands
//! When the ring is full the session runs *errands*: it decodes stretches that nobody has asked for yet
//! into the keeper. While a frame is held these are what comes in the direction of travel, then what was
//! passed, a GOP of it, as far as the keeper wants them. While the plan runs they are short, and there is
//! only one reason for them: the frames ahead come from the keeper, and the decoder must be in its place
//! when they come to an end. An errand looks for orders between two packets, as all work does, and a new
//! plan ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::{Decoded, Work, Worker};
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::keeper::{Aim, FrameKeeper};
use crate::decode::plan::{LoopMode, VideoPlan};
use crate::decode::ring::Picture;
use crate::decode::video_reader::{DecodeError, Step};
use crate::media::{FieldOrder, VideoFrame};
use crate::time::FrameIndex;

/// While the plan runs, errands reach no further than this ahead of it.
const RUNNING_AHEAD_FRAMES: i64 = 90;

/// A plan that has delivered so many frames one after another plays on.
const PASSING_FRAMES: i64 = 24;

/// Errands that are remembered, so that none is run twice where a frame cannot be had.
const MOST_ERRANDS: usize = 256;

/// Where the plan stands, for errands.
#[derive(Debug, Clone, Copy)]
struct Heading {
    plan: VideoPlan,
    reverse: bool,
    /// The frame that goes into the ring next.
    next: FrameIndex,
    /// About where the playhead is.
    at: FrameIndex,
    /// Whether it plays on.
    passes: bool,
}

/// A stretch that is decoded into the keeper.
#[derive(Debug, Clone, Copy)]
struct Errand {
    low: FrameIndex,
    high: FrameIndex,
    /// Whether what comes later in it is worth less.
    away: bool,
    begun: bool,
}

/// What the keeper would like of what comes out of the decoder.
pub(super) struct Wishes {
    keeper: Option<Arc<dyn FrameKeeper>>,
    valid_from: FrameIndex,
}

impl Wishes {
    /// Whether it would like `frame`.
    pub(super) fn include(&self, frame: FrameIndex) -> bool {
        let keeper = self.keeper.as_ref();
        keeper.is_some_and(|keeper| frame >= self.valid_from && keeper.wants(frame))
    }
}

/// What the session knows of the keeper.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The frame that it was asked for last, and did not have.
    missed: Option<FrameIndex>,
    /// Whether the decoder has not followed the plan since it was looked at last.
    strayed: bool,
    /// Frames before it were decoded without their references since the last seek.
    valid_from: FrameIndex,
    heading: Option<Heading>,
    errand: Option<Errand>,
    /// Stretches that were decoded for the present plan.
    done: Vec<(FrameIndex, FrameIndex)>,
}

impl Worker {
    /// A new plan begins.
    pub(super) fn begin_kept(&mut self, plan: VideoPlan) {
        let heading = Heading {
            plan,
            reverse: plan.reverse,
            next: plan.start,
            at: plan.start,
            passes: false,
        };
        self.kept = Kept {
            strayed: true,
            valid_from: self.kept.valid_from,
            heading: Some(heading),
            ..Kept::default()
        };
        self.aim(heading);
    }

    fn aim(&self, heading: Heading) {
        if let Some(keeper) = &self.options.keeper {
            keeper.aim(Aim {
                frame: heading.at,
                reverse: heading.reverse,
                passes: heading.passes,
                lap: self.lap_of(&heading.plan),
            });
        }
    }

    /// Frames that a plan shows before it comes back to the first of them.
    fn lap_of(&self, plan: &VideoPlan) -> Option<u64> {
        let known = self.shared.index.load().len();
        let last = plan.last.map_or(known - 1, |last| last.0);
        let frames = u64::try_from(last + 1 - plan.first.0).ok();
        frames.filter(|_| plan.repeat != LoopMode::Off)
    }

    /// Follows the plan, which delivers `frame`. The playhead is behind it by what fits the ring.
    pub(super) fn follow_plan(&mut self, frame: FrameIndex) {
        self.kept.missed = None;
        let Some(cursor) = &self.cursor else { return };
        let plan = *cursor.plan();
        let ring = i64::try_from(self.ring_capacity()).unwrap_or(0) - 1;
        let ring = ring * i64::from(plan.stride.get());
        let reverse = cursor.is_reverse();
        let at = match reverse {
            // No farther back than the plan began.
            true if frame <= plan.start => frame.offset(ring).min(plan.start),
            false if frame >= plan.start => frame.offset(-ring).max(plan.start),
            _ => frame,
        };
        let heading = Heading {
            plan,
            reverse,
            next: cursor.after(frame),
            at,
            // Backwards, what is decoded forwards is kept until its turn comes.
            passes: !reverse
                && (frame.0 - plan.start.0).abs() > PASSING_FRAMES * i64::from(plan.stride.get()),
        };
        self.kept.heading = Some(heading);
        self.aim(heading);
    }

    /// The frame that is due, if it is kept. Each is asked for once.
    pub(super) fn take_kept(&mut self, wanted: FrameIndex) -> Option<Decoded> {
        let keeper = self.options.keeper.as_ref()?;
        if self.kept.missed == Some(wanted) {
            return None;
        }
        let Some(frame) = keeper.get(wanted) else {
            self.kept.missed = Some(wanted);
            return None;
        };
        self.kept.strayed = true;
        if frame.fields != FieldOrder::Progressive {
            self.shared.interlaced.store(true, Ordering::Relaxed);
        }
        Some(Decoded {
            index: wanted,
            pts: None,
            picture: Picture::Frame(frame),
            demux: Duration::ZERO,
            decode: Duration::ZERO,
        })
    }

    /// Whether a frame is kept. Without a keeper none is.
    pub(super) fn is_kept(&self, frame: FrameIndex) -> bool {
        let keeper = self.options.keeper.as_ref();
        keeper.is_some_and(|keeper| keeper.has(frame))
    }

    /// What the keeper would like beside what the plan asks for.
    pub(super) fn wishes(&self) -> Wishes {
        // A copy only to keep it would cost more than it is likely to save.
        let keeper = self.options.keeper.as_ref();
        Wishes {
            keeper: keeper.filter(|_| !self.reader.repacks()).cloned(),
            valid_from: self.kept.valid_from,
        }
    }

    /// Whether a frame that comes later in the plan is worth decoding now.
    pub(super) fn is_worth_reading_ahead(&self, frame: FrameIndex) -> bool {
        let keeper = self.options.keeper.as_ref();
        self.shared.prefetch.load(Ordering::Relaxed)
            && keeper.is_some_and(|keeper| keeper.wants(frame))
    }

    /// Leaves a decoded picture with the keeper, if its number is beyond doubt.
    pub(super) fn offer(
        &self,
        number: FrameIndex,
        pts: Option<i64>,
        picture: &Arc<VideoFrame>,
        index: &GopIndex,
    ) {
        let Some(keeper) = &self.options.keeper else {
            return;
        };
        let is_exact = match index.numbering() {
            Numbering::ByCount => index.is_complete() && self.counts_from_start,
            // Damaged files decode to time stamps that no packet had, and before the index is there
            // frames are counted.
            Numbering::ByTimeStamp => pts.is_some_and(|pts| {
                index.covers_pts(pts) && index.frame_of_pts(pts) == Some(number)
            }),
        };
        if is_exact && number >= self.kept.valid_from {
            keeper.put(number, picture);
        }
    }

    /// The decoder was brought to a place from which frames before `first` cannot be decoded.
    pub(super) fn sought(&mut self, first: FrameIndex) {
        self.kept.valid_from = first;
    }

    /// The decoder leaves the plan.
    pub(super) fn stray(&mut self) {
        self.kept.strayed = true;
    }

    /// The decoder is needed for `wanted` again.
    pub(super) fn rejoin(&mut self, wanted: FrameIndex, index: &GopIndex) {
        self.kept.errand = None;
        if std::mem::take(&mut self.kept.strayed) {
            self.check_left_out(wanted, index);
        }
    }

    /// Packets run ahead of pictures: what the decoder was made to leave out may be what is wanted now.
    fn check_left_out(&mut self, wanted: FrameIndex, index: &GopIndex) {
        let pts = index.pts_of(wanted);
        let until = self.reader.unwanted_until();
        if until.is_some_and(|until| pts.is_none_or(|pts| pts <= until)) {
            self.next_decoded = None;
        }
    }

    /// Does a packet's worth of an errand, if there is one to run.
    pub(super) fn run_errand(&mut self) -> Work {
        let index = self.shared.index.load_full();
        if !self.may_run_errands(&index) {
            self.kept.errand = None;
            return Work::Wait;
        }
        let known = self.kept.errand;
        let Some(errand) = known.or_else(|| self.next_errand(&index)) else {
            return Work::Wait;
        };
        self.kept.errand = Some(errand);
        if let Err(error) = self.step_errand(errand, &index) {
            // Whoever wants these frames will hear of it; until then nobody does.
            tracing::debug!("reading ahead ends: {error}");
            self.kept.errand = None;
            self.kept.heading = None;
            self.next_decoded = None;
            self.counts_from_start = false;
        }
        Work::Go
    }

    fn step_errand(&mut self, errand: Errand, index: &GopIndex) -> Result<(), DecodeError> {
        puffin::profile_scope!("read ahead");
        self.stray();
        if !errand.begun {
            self.kept.errand = Some(Errand {
                begun: true,
                ..errand
            });
            self.rest();
            self.check_left_out(errand.low, index);
            if self.must_seek(errand.low, index) {
                self.seek_for(errand.low, index)?;
            }
            return Ok(());
        }
        // All that comes after it counts as well, for the plan may go on there.
        let is_wanted = |pts: i64| {
            let frame = index.frame_of_pts(pts);
            frame.is_none_or(|frame| frame >= errand.low)
        };
        match self.read_step(&is_wanted)? {
            Step::Progress => {}
            Step::Picture(picture) => {
                let number = self.number_of(&picture, index);
                self.next_decoded = number.map(|number| number.offset(1));
                let Some(number) = number else {
                    self.end_errand(errand);
                    return Ok(());
                };
                let is_wished = self.wishes().include(number);
                if is_wished {
                    let _kept = self.finish(number, picture, index);
                }
                let is_in_vain = errand.away && number >= errand.low && !is_wished;
                if number >= errand.high || is_in_vain && !self.is_kept(number) {
                    self.end_errand(errand);
                }
            }
            Step::End => {
                self.next_decoded = None;
                self.end_errand(errand);
            }
        }
        Ok(())
    }

    /// Where a frame is held the playhead does not pass by, whatever it did before.
    fn rest(&mut self) {
        if let Some(heading) = self.kept.heading
            && heading.passes
            && !self.runs(&heading)
        {
            let heading = Heading {
                passes: false,
                ..heading
            };
            self.kept.heading = Some(heading);
            self.aim(heading);
        }
    }

    /// Whether the plan runs, or is about to.
    fn runs(&self, heading: &Heading) -> bool {
        let anchor = self.options.anchor.load();
        anchor
            .as_ref()
            .is_some_and(|anchor| anchor.generation == heading.plan.generation)
    }

    fn end_errand(&mut self, errand: Errand) {
        self.kept.errand = None;
        if self.kept.done.len() >= MOST_ERRANDS {
            self.kept.done.clear();
        }
        self.kept.done.push((errand.low, errand.high));
    }

    /// Whether there is anybody to run errands for, and nothing better to do.
    fn may_run_errands(&self, index: &GopIndex) -> bool {
        self.options.keeper.is_some()
            && self.shared.prefetch.load(Ordering::Relaxed)
            && index.is_complete()
            && !index.is_empty()
            // Others are read from their beginning each time.
            && index.numbering() == Numbering::ByTimeStamp
            && self.lookahead.is_none()
            && (self.cursor.is_some() || self.ended)
    }

    fn next_errand(&self, index: &GopIndex) -> Option<Errand> {
        let heading = self.kept.heading?;
        let runs = self.runs(&heading);
        let end = FrameIndex(index.len() - 1);
        let first = heading.plan.first;
        let last = heading.plan.last.map_or(end, |last| last.min(end));
        let loops = heading.plan.repeat == LoopMode::Loop;
        if runs {
            // In reverse the windows see to it. And a decoder that is in its place stays there.
            if heading.reverse || !self.is_kept(heading.next) {
                return None;
            }
            let horizon = heading.next.offset(RUNNING_AHEAD_FRAMES);
            let left = heading.next.0 + RUNNING_AHEAD_FRAMES - last.0;
            let again =
                loops.then(|| self.stretch_up(first, first.offset(left).min(heading.next), index));
            return self
                .stretch_up(heading.next, horizon.min(last), index)
                .or(again.flatten());
        }
        let (before, after) = (heading.at.offset(-1), heading.at.offset(1));
        if heading.reverse {
            return self
                .stretch_down(heading.next, first, index)
                .or_else(|| {
                    loops
                        .then(|| self.stretch_down(last, after, index))
                        .flatten()
                })
                .or_else(|| self.stretch_up(after, one_gop_after(heading.at, last, index), index));
        }
        self.stretch_up(heading.next, last, index)
            .or_else(|| {
                loops
                    .then(|| self.stretch_up(first, before, index))
                    .flatten()
            })
            .or_else(|| self.stretch_down(before, one_gop_before(heading.at, first, index), index))
    }

    /// The first stretch from `from` up to `to` that is not kept, within one GOP.
    fn stretch_up(&self, from: FrameIndex, to: FrameIndex, index: &GopIndex) -> Option<Errand> {
        let keeper = self.options.keeper.as_ref()?;
        let frames = from.0.max(0)..=to.0;
        let missing = |frame: &FrameIndex| !self.is_done(*frame) && !keeper.has(*frame);
        let low = frames.map(FrameIndex).find(missing)?;
        let (number, _) = index.keyframe_for(low)?;
        let next = index.first_frame_of(number + 1);
        let high = next.map_or(to, |next| next.offset(-1).min(to));
        keeper.wants(low).then_some(Errand {
            low,
            high: high.max(low),
            away: true,
            begun: false,
        })
    }

    /// The last stretch from `from` down to `to` that is not kept, from the beginning of its GOP.
    fn stretch_down(&self, from: FrameIndex, to: FrameIndex, index: &GopIndex) -> Option<Errand> {
        let keeper = self.options.keeper.as_ref()?;
        let frames = to.0.max(0)..=from.0.min(index.len() - 1);
        let missing = |frame: &FrameIndex| !self.is_done(*frame) && !keeper.has(*frame);
        let high = frames.rev().map(FrameIndex).find(missing)?;
        let (number, _) = index.keyframe_for(high)?;
        let low = index.first_frame_of(number)?.max(to).min(high);
        keeper.wants(high).then_some(Errand {
            low,
            high,
            away: false,
            begun: false,
        })
    }

    fn is_done(&self, frame: FrameIndex) -> bool {
        let within = |(low, high): &(FrameIndex, FrameIndex)| (*low..=*high).contains(&frame);
        self.kept.done.iter().any(within)
    }
}

/// The first frame of the GOP before the one that `frame` is in.
fn one_gop_before(frame: FrameIndex, first: FrameIndex, index: &GopIndex) -> FrameIndex {
    let number = index.keyframe_for(frame).map_or(0, |(number, _)| number);
    let begins = index.first_frame_of(number.saturating_sub(1));
    begins.map_or(first, |begins| begins.max(first))
}

/// The last frame of the GOP after the one that `frame` is in.
fn one_gop_after(frame: FrameIndex, last: FrameIndex, index: &GopIndex) -> FrameIndex {
    let number = index.keyframe_for(frame).map_or(0, |(number, _)| number);
    let begins = index.first_frame_of(number + 2);
    begins.map_or(last, |begins| begins.offset(-1).min(last))
}
