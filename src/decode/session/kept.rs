//! Frames that are kept: taken from the keeper instead of the decoder, and left there for later.
//!
//! Whatever leaves the decoder is offered to the keeper, and before anything is decoded the keeper is
//! asked for it. So the decoder *strays*: what the plan delivers comes from the keeper while the decoder
//! stands elsewhere, and only a frame that is missing brings it back.
//!
//! # Errands
//! When the ring is full the session runs *errands*: it decodes stretches that nobody has asked for yet
//! into the keeper. While a frame is held these are what lies around it, the nearest first, as far as the
//! keeper wants them; what lies in the direction of travel is twice as near. While the playhead is dragged
//! slowly they follow the hand. While the plan runs they are short, and there is
//! only one reason for them: the frames ahead come from the keeper, and the decoder must be in its place
//! when they come to an end. An errand looks for orders between two packets, as all work does, and a new
//! plan or a move of the hand ends it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::{Decoded, Work, Worker};
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::keeper::{Aim, FrameKeeper};
use crate::decode::plan::{LoopMode, VideoPlan};
use crate::decode::ring::Picture;
use crate::decode::source::Hand;
use crate::decode::video_reader::{DecodeError, Step};
use crate::media::{FieldOrder, VideoFrame};
use crate::time::FrameIndex;

/// While the plan runs, errands reach no further than this ahead of it.
const RUNNING_AHEAD_FRAMES: i64 = 90;

/// A plan that has delivered so many frames one after another plays on, as one does that runs.
const PASSING_FRAMES: i64 = 8;

/// So many frames before one that is held are decoded with it, whether others refer to them or not: whoever looks
/// for a frame steps back from it next, and to come back for them means to decode the GOP once more.
const STEPS_BACK: i64 = 12;

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
    /// The frame that it is run for; what comes before it lies on the way.
    wanted: FrameIndex,
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
    /// Where the decoder stands, when what is wanted was left out on the way there.
    left: Option<FrameIndex>,
    /// Frames before it were decoded without their references since the last seek.
    valid_from: FrameIndex,
    heading: Option<Heading>,
    /// The latest frame that was decoded towards, and the first before it that is decoded whether others
    /// refer to it or not.
    whole: Option<(FrameIndex, FrameIndex)>,
    /// The hand that the heading follows.
    hand: Option<Hand>,
    errand: Option<Errand>,
    /// Stretches that were decoded for the present plan.
    done: Vec<(FrameIndex, FrameIndex)>,
}

impl Worker {
    /// Who keeps what is decoded. Frames of proxies are not kept.
    pub(super) fn keeper(&self) -> Option<&Arc<dyn FrameKeeper>> {
        let keeper = self.options.keeper.as_ref();
        keeper.filter(|_| !self.is_on_proxy())
    }

    /// Another decoder takes this one's place.
    pub(super) fn leave_errands(&mut self) {
        self.kept.errand = None;
        self.kept.missed = None;
        self.stray();
    }

    /// The first frame that the decoder has decoded with all its references since its last seek.
    pub(super) fn valid_from_mut(&mut self) -> &mut FrameIndex {
        &mut self.kept.valid_from
    }

    /// Whether the playhead only passes by where it is.
    pub(super) fn passes(&self) -> bool {
        self.kept.heading.is_none_or(|heading| heading.passes)
    }

    /// A new plan begins.
    pub(super) fn begin_kept(&mut self, plan: VideoPlan) {
        let heading = Heading {
            plan,
            reverse: plan.reverse,
            next: plan.start,
            at: plan.start,
            passes: !plan.reverse && self.runs(&plan),
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
        if let Some(keeper) = self.keeper() {
            let gop = self.shared.index.load().gop_of(heading.at);
            keeper.aim(Aim {
                frame: heading.at,
                depth: gop.map_or(0, |(first, _)| heading.at.0 - first.0 + 1),
                reverse: heading.reverse,
                passes: heading.passes,
                lap: self.lap_of(&heading.plan),
            });
            let holds_lap = keeper.holds_lap();
            self.shared.holds_lap.store(holds_lap, Ordering::Relaxed);
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
                && (self.runs(&plan)
                    || (frame.0 - plan.start.0).abs()
                        > PASSING_FRAMES * i64::from(plan.stride.get())),
        };
        self.kept.heading = Some(heading);
        self.aim(heading);
    }

    /// The frame that is due, if it is kept. Each is asked for once.
    pub(super) fn take_kept(&mut self, wanted: FrameIndex) -> Option<Decoded> {
        let keeper = self.keeper()?;
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
            is_first: false,
        })
    }

    /// Whether a frame is kept. Without a keeper none is.
    pub(super) fn is_kept(&self, frame: FrameIndex) -> bool {
        let keeper = self.keeper();
        keeper.is_some_and(|keeper| keeper.has(frame))
    }

    /// What the keeper would like beside what the plan asks for.
    pub(super) fn wishes(&self) -> Wishes {
        // A copy only to keep it would cost more than it is likely to save.
        let keeper = self.keeper();
        Wishes {
            keeper: keeper.filter(|_| !self.reader.repacks()).cloned(),
            valid_from: self.kept.valid_from,
        }
    }

    /// From which frame on nothing is left out on the way to `wanted`. A GOP that is visited for the first time is
    /// gone through as quickly as can be, but for the last frames; one that was visited before is likely to be
    /// again, and all of it that is passed is kept. So is all of a lap that memory can hold, but for the way to
    /// where somebody has jumped.
    pub(super) fn whole_from(&mut self, wanted: FrameIndex, index: &GopIndex) -> FrameIndex {
        if self.holds_lap() && !self.approaches() {
            return FrameIndex::ZERO;
        }
        let Some(keeper) = self.keeper().filter(|_| !self.passes()) else {
            return wanted;
        };
        if let Some((_, from)) = self.kept.whole.filter(|(towards, _)| *towards == wanted) {
            return from;
        }
        let first = index.gop_of(wanted).map_or(wanted, |(first, _)| first);
        let is_seen = (first.0..wanted.0).any(|frame| keeper.has(FrameIndex(frame)));
        let near = wanted.offset(-STEPS_BACK).max(first);
        let from = if is_seen { first } else { near };
        let wishes = self.wishes();
        let is_wished = |frame: &i64| wishes.include(FrameIndex(*frame));
        let mut frames = from.0..wanted.0;
        let from = frames.find(is_wished).map_or(wanted, FrameIndex);
        self.kept.whole = Some((wanted, from));
        from
    }

    /// Whether a frame that comes later in the plan is worth decoding now.
    pub(super) fn is_worth_reading_ahead(&self, frame: FrameIndex) -> bool {
        let keeper = self.keeper();
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
        let Some(keeper) = self.keeper() else {
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
        if self.reader.has_left_out(index.pts_of(wanted)) {
            self.kept.left = self.next_decoded.take();
        }
    }

    /// Where the decoder stands, whether it may go on from there or must be sought.
    pub(super) fn place(&self) -> Option<FrameIndex> {
        self.next_decoded.or(self.kept.left)
    }

    /// The decoder in use is another, or is about to be brought elsewhere.
    pub(super) fn leave_place(&mut self) {
        self.kept.left = None;
    }

    /// Does a packet's worth of an errand, if there is one to run.
    pub(super) fn run_errand(&mut self) -> Work {
        if self.kept.errand.is_none() {
            self.keep_spare();
        }
        let index = self.shared.index.load_full();
        let hand = *self.shared.hand.lock();
        if let Some(hand) = hand.filter(|hand| self.kept.hand != Some(*hand)) {
            self.turn_to(hand, &index);
        }
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

    /// The hand has moved: what lies around it is worth most now.
    fn turn_to(&mut self, hand: Hand, index: &GopIndex) {
        let Some(heading) = self.kept.heading else {
            return;
        };
        let before = self.kept.hand.replace(hand);
        let gop = |hand: Hand| index.gop_of(hand.frame);
        if before.map(gop) != Some(gop(hand)) {
            self.kept.done.clear();
        }
        if let Some(errand) = self.kept.errand.take().filter(|errand| errand.begun)
            && let Some(next) = self.next_decoded.filter(|next| *next > errand.low)
        {
            // What it has passed was kept, or cannot be had.
            self.kept.done.push((errand.low, next.offset(-1)));
        }
        let heading = Heading {
            reverse: hand.reverse,
            next: hand.frame,
            at: hand.frame,
            passes: false,
            ..heading
        };
        self.kept.heading = Some(heading);
        self.aim(heading);
        self.lookahead = None;
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
            self.take_nearest(errand.low, index);
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
                let is_in_vain = errand.away && number >= errand.wanted && !is_wished;
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
            && !self.runs(&heading.plan)
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
    fn runs(&self, plan: &VideoPlan) -> bool {
        let anchor = self.options.anchor.load();
        anchor
            .as_ref()
            .is_some_and(|anchor| anchor.generation == plan.generation)
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
        self.keeper().is_some()
            && self.shared.prefetch.load(Ordering::Relaxed)
            && index.is_complete()
            && !index.is_empty()
            // Others are read from their beginning each time.
            && index.numbering() == Numbering::ByTimeStamp
            && self.lookahead.is_none()
            && (self.cursor.is_some() || self.ended || self.kept.hand.is_some())
    }

    fn next_errand(&self, index: &GopIndex) -> Option<Errand> {
        let heading = self.kept.heading?;
        let runs = self.runs(&heading.plan);
        let end = FrameIndex(index.len() - 1);
        let first = heading.plan.first;
        let last = heading.plan.last.map_or(end, |last| last.min(end));
        let loops = heading.plan.repeat == LoopMode::Loop;
        if runs {
            // In reverse the windows see to it. And a decoder that is in its place stays there.
            if heading.reverse || !self.is_kept(heading.next) {
                return None;
            }
            let ahead = if self.holds_lap() {
                last.0 - first.0
            } else {
                RUNNING_AHEAD_FRAMES
            };
            let horizon = heading.next.offset(ahead);
            let left = heading.next.0 + ahead - last.0;
            let again =
                loops.then(|| self.stretch_up(first, first.offset(left).min(heading.next), index));
            return self
                .stretch_up(heading.next, horizon.min(last), index)
                .or(again.flatten());
        }
        let (from_up, from_down) = if heading.reverse {
            (heading.at.offset(1), heading.next)
        } else {
            (heading.next, heading.at.offset(-1))
        };
        let up = self.stretch_up(from_up, last, index);
        let down = self.stretch_down(from_down, first, index);
        let again = || {
            if heading.reverse {
                self.stretch_down(last, heading.at.offset(1), index)
            } else {
                self.stretch_up(first, heading.at.offset(-1), index)
            }
        };
        let (weight_up, weight_down) = if heading.reverse { (2, 1) } else { (1, 2) };
        let away_up = |errand: &Errand| (errand.wanted.0 - heading.at.0) * weight_up;
        let away_down = |errand: &Errand| (heading.at.0 - errand.high.0) * weight_down;
        match (up, down) {
            (Some(up), Some(down)) if away_down(&down) < away_up(&up) => Some(down),
            (Some(up), _) => Some(up),
            (None, Some(down)) => Some(down),
            (None, None) => loops.then(again).flatten(),
        }
    }

    /// The first stretch from `from` up to `to` that is not kept, within one GOP. What has to be decoded on
    /// the way to it is a part of it.
    fn stretch_up(&self, from: FrameIndex, to: FrameIndex, index: &GopIndex) -> Option<Errand> {
        let keeper = self.keeper()?;
        let frames = from.0.max(0)..=to.0;
        let missing = |frame: &FrameIndex| !self.is_done(*frame) && !keeper.has(*frame);
        let wanted = frames.map(FrameIndex).find(missing)?;
        let (begins, next) = index.gop_of(wanted)?;
        let high = next.map_or(to, |next| next.offset(-1).min(to));
        let on_the_way = self.next_decoded.filter(|next| *next <= wanted);
        let way = begins.max(on_the_way.unwrap_or(begins)).0..wanted.0;
        let low = way.map(FrameIndex).find(missing).unwrap_or(wanted);
        keeper.wants(wanted).then_some(Errand {
            low,
            wanted,
            high: high.max(wanted),
            away: true,
            begun: false,
        })
    }

    /// The last stretch from `from` down to `to` that is not kept, from the beginning of its GOP.
    fn stretch_down(&self, from: FrameIndex, to: FrameIndex, index: &GopIndex) -> Option<Errand> {
        let keeper = self.keeper()?;
        let frames = to.0.max(0)..=from.0.min(index.len() - 1);
        let missing = |frame: &FrameIndex| !self.is_done(*frame) && !keeper.has(*frame);
        let high = frames.rev().map(FrameIndex).find(missing)?;
        let low = index.gop_of(high)?.0.max(to).min(high);
        keeper.wants(high).then_some(Errand {
            low,
            wanted: low,
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
