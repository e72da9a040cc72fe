//! Rungs of the source itself: every picture, without those that no other refers to, keyframes alone.
//!
//! What is left out is left out on purpose: the frames are counted apart from those that were given up, and
//! the picture before them stays on screen. A change takes effect between two packets, without emptying
//! the decoder: pictures that no other refers to can be missed at any place, and after keyframes alone
//! all come again from the next keyframe on.
//!
//! Only play forwards is thinned, and only behind the plan's first frame: what is sought is shown exactly.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::worker::{Decoded, Work, Worker};
use crate::decode::cost::CostMeter;
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::rung::Rung;
use crate::decode::video_reader::{DecodeError, Step};
use crate::time::{FrameIndex, MediaSpan};

/// Keyframes alone fill a ring with many seconds. More than this would make the way back long.
const FAR_AHEAD: MediaSpan = MediaSpan::from_millis(1000);

/// What the session leaves out.
#[derive(Debug, Default)]
pub(super) struct Thin {
    /// Whether pictures are left out, and which.
    rung: Option<Rung>,
    /// Pictures up to this time stamp may have been left out.
    until: Option<i64>,
    /// Frames left out since the last delivery.
    left_out: u32,
    /// Run time of the frame delivered last.
    pub(super) reached: MediaSpan,
}

impl Worker {
    /// Looks which rung is asked for. Others than the source's own mean all of it.
    pub(super) fn follow_thinning(&mut self) {
        let asked = match self.shared.asked_rung.get() {
            thinned @ (Rung::Thinned | Rung::Keyframes) => Some(thinned),
            Rung::Source | Rung::Half | Rung::Quarter => None,
        };
        if asked != self.thin.rung {
            self.thin.rung = asked;
            self.tell_rung();
        }
    }

    /// Tells what is decoded from now on; nothing is known of what it costs.
    pub(super) fn tell_rung(&self) {
        *self.shared.meter.lock() = CostMeter::default();
        let rung = self.proxy_rung().or(self.thin.rung);
        if self.shared.rung.set(rung.unwrap_or(Rung::Source)) {
            (self.shared.notify)();
        }
    }

    /// A new plan begins: nothing of it has been left out yet.
    pub(super) fn begin_thin(&mut self) {
        self.thin.until = None;
        self.thin.left_out = 0;
        self.thin.reached = MediaSpan::ZERO;
    }

    /// Another decoder is in use: what the one before was made to leave out says nothing of it.
    pub(super) fn forget_left_out(&mut self) {
        self.thin.until = None;
    }

    /// What is left out while `wanted` is decoded towards, if anything.
    pub(super) fn thinning(&self, wanted: FrameIndex, index: &GopIndex) -> Option<Rung> {
        let cursor = self.cursor.as_ref()?;
        let begins = wanted == cursor.plan().start && cursor.lap_run() == MediaSpan::ZERO;
        // Numbers are told by time stamps: who counts pictures must not miss any.
        let told = index.is_complete() && index.numbering() != Numbering::ByCount;
        self.thin
            .rung
            .filter(|_| told && !begins && !cursor.is_reverse())
    }

    /// Takes a picture from the decoder, or gives it a packet, and leaves out what `rung` leaves out.
    pub(super) fn thinned_step(&mut self, rung: Rung) -> Result<Step, DecodeError> {
        self.counts_from_start = false;
        let step = if rung == Rung::Keyframes {
            self.read_keyframe()?
        } else {
            self.read_step(&|_pts| false)?
        };
        self.thin.until = self.thin.until.max(self.reader.unwanted_until());
        Ok(step)
    }

    /// The same, where nothing is left out on purpose any more. After keyframes alone that takes until the next
    /// one, and what comes up to there is left out all the same.
    pub(super) fn whole_step(
        &mut self,
        is_wanted: &dyn Fn(i64) -> bool,
    ) -> Result<Step, DecodeError> {
        let step = self.read_step(is_wanted)?;
        if self.thin.until.is_some() {
            self.thin.until = self.thin.until.max(self.reader.unwanted_until());
        }
        Ok(step)
    }

    /// Whether enough keyframes wait already.
    pub(super) fn is_far_ahead(&self) -> bool {
        let Some(anchor) = self.options.anchor.load_full() else {
            return false;
        };
        let playhead = anchor.run_at(self.options.clock.now());
        let waits = self.shared.fill.load(Ordering::Relaxed) > 0;
        let plan = self.cursor.as_ref().map(|cursor| cursor.plan().generation);
        waits && plan == Some(anchor.generation) && self.thin.reached > playhead + FAR_AHEAD
    }

    /// Whether the frame that is due was left out on purpose.
    pub(super) fn is_left_out(&self, wanted: FrameIndex, index: &GopIndex) -> bool {
        let until = self.thin.until;
        until.is_some_and(|until| index.pts_of(wanted).is_some_and(|pts| pts <= until))
    }

    /// Goes on behind the frame that is due.
    pub(super) fn leave_out(&mut self, index: &GopIndex) -> Work {
        self.thin.left_out = self.thin.left_out.saturating_add(1);
        self.shared.left_out.fetch_add(1, Ordering::Relaxed);
        let last_known = self.last_known(index);
        if let Some(cursor) = &mut self.cursor {
            let _inside = cursor.advance(last_known);
        }
        Work::Go
    }

    /// The decoder has no more pictures: what was left out up to the end of the lap is passed by at once, for
    /// each look back would be a seek.
    pub(super) fn leave_out_the_rest(&mut self, index: &GopIndex) {
        let last_known = self.last_known(index);
        while let Some(cursor) = &self.cursor
            && cursor.is_inside(last_known)
            && self.is_left_out(cursor.next(), index)
        {
            self.leave_out(index);
        }
    }

    /// Measures what a delivered frame cost, before which so many were given up, `span` after the delivery before. What
    /// was kept cost nothing and tells nothing, and what fills a decoder costs several frames' time.
    pub(super) fn measure(&mut self, decoded: &Decoded, given_up: u32, span: Duration) {
        let left_out = std::mem::take(&mut self.thin.left_out);
        if decoded.is_first || decoded.demux.is_zero() && decoded.decode.is_zero() {
            return;
        }
        let frames = given_up.saturating_add(left_out).saturating_add(1);
        let mut meter = self.shared.meter.lock();
        if self.is_on_proxy() {
            // That a proxy has time to spare says nothing of its source.
            meter.add_within(frames, decoded.demux, decoded.decode, span);
        } else {
            meter.add(frames, decoded.demux, decoded.decode);
        }
    }
}
