//! Laps that memory can hold: each of their frames is decoded once, however slow that is.
//!
//! A decoder that is too slow for a loop would go after the playhead, from keyframe to keyframe, and decode the
//! beginnings of the same groups in each lap. Where the whole lap can be kept it goes on where it stands
//! instead, and the playhead gets what is there already: a little more in each lap, until all is.

use std::sync::atomic::Ordering;

use super::worker::{Work, Worker};
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::plan::PlanCursor;
use crate::decode::video_reader::{DecodeError, Step};
use crate::time::FrameIndex;

impl Worker {
    /// Whether what is shown goes round in a lap that can be kept as a whole.
    pub(super) fn holds_lap(&self) -> bool {
        self.shared.holds_lap.load(Ordering::Relaxed) && self.keeper().is_some()
    }

    /// Whether the decoder comes to a frame of such a lap that is not kept yet, in the group that it is in.
    pub(super) fn fills_lap(&self, index: &GopIndex) -> bool {
        let is_told = index.is_complete() && index.numbering() == Numbering::ByTimeStamp;
        let next = self.next_decoded.filter(|_| is_told && self.holds_lap());
        let Some((next, (_, end))) = next.and_then(|next| Some((next, index.gop_of(next)?))) else {
            return false;
        };
        let Some(plan) = self.cursor.as_ref().map(PlanCursor::plan) else {
            return false;
        };
        let end = end.map_or(index.len(), |end| end.0);
        let end = plan.last.map_or(end, |last| end.min(last.0 + 1));
        (next.max(plan.first).0..end).any(|frame| !self.is_kept(FrameIndex(frame)))
    }

    /// Decodes on where the decoder stands, and keeps what comes. Of what is late for `wanted` something is shown all the
    /// same now and then.
    pub(super) fn fill_lap(
        &mut self,
        wanted: FrameIndex,
        index: &GopIndex,
    ) -> Result<Work, DecodeError> {
        puffin::profile_scope!("fill the lap");
        self.stray();
        match self.read_step(&|_pts| true)? {
            Step::Progress => {}
            Step::Picture(picture) => {
                let number = self.number_of(&picture, index);
                self.next_decoded = number.map(|number| number.offset(1));
                match number {
                    Some(number) if number < wanted => {
                        self.pass_over(number, picture, index, index);
                    }
                    Some(number) => {
                        let _kept = self.finish(number, picture, index);
                    }
                    None => {}
                }
            }
            Step::End => self.next_decoded = None,
        }
        Ok(Work::Go)
    }
}
