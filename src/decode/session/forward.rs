//! Forward play: decode on, pass over what the plan leaves out, and catch up when late.

use std::time::Duration;

use super::worker::{Decoded, Work, Worker};
use crate::decode::index::GopIndex;
use crate::decode::rung::Rung;
use crate::decode::video_reader::{DecodeError, ReadPicture, Step};
use crate::time::FrameIndex;

/// A keyframe further ahead than this is sought; up to it, decoding on is quicker than to empty the
/// decoder and fill it again.
const SEEK_AHEAD_FRAMES: i64 = 8;

/// A picture is shown at least this often, if there is one at all.
const STILL: Duration = Duration::from_millis(200);

impl Worker {
    pub(super) fn work_forwards(&mut self) -> Result<Work, DecodeError> {
        let index = self.shared.index.load_full();
        let places = self.places(&index);
        self.catch_up(&index, &places);
        let Some(cursor) = &self.cursor else {
            // The plan's end is still to be told.
            return Ok(Work::Go);
        };
        if cursor.is_reverse() {
            return Ok(Work::Go);
        }
        let wanted = cursor.next();
        if !cursor.is_inside(self.last_known(&index)) {
            return Ok(self.end_lap(&index));
        }
        if let Some(ahead) = self.lookahead.take_if(|ahead| ahead.index <= wanted) {
            if ahead.index == wanted {
                self.emit(ahead, &index);
            }
            return Ok(Work::Go);
        }
        if let Some(kept) = self.take_kept(wanted) {
            self.emit(kept, &index);
            return Ok(Work::Go);
        }
        if self.lookahead.is_some() && self.is_left_out(wanted, &index) {
            return Ok(self.leave_out(&index));
        }
        if self.lookahead.is_some() {
            self.emit(Self::missing(wanted), &index);
            return Ok(Work::Go);
        }
        self.take_nearest(wanted, &places);
        // Whoever has jumped waits for the first frame; what is left behind is filled in another lap.
        let may_stay = !self.approaches();
        if may_stay && self.must_seek(wanted, &places) && self.fills_lap(&places) {
            return self.fill_lap(wanted, &places);
        }
        self.rejoin(wanted, &places);
        if self.must_seek(wanted, &places) {
            // Only a complete index, or one that is past the target, tells where to go.
            if !index.is_complete() && wanted.0 >= index.len() {
                return Ok(Work::Wait);
            }
            self.seek_for(wanted, &places)?;
        }
        self.decode_towards(wanted, &index, &places)
    }

    pub(super) fn must_seek(&self, wanted: FrameIndex, index: &GopIndex) -> bool {
        let Some(next) = self.next_decoded else {
            return true;
        };
        if next > wanted {
            return true;
        }
        index
            .keyframe_for(wanted)
            .and_then(|(number, _)| index.first_frame_of(number))
            .is_some_and(|first| first.0 - next.0 > SEEK_AHEAD_FRAMES)
    }

    /// `places` is the index of the file that is decoded.
    fn decode_towards(
        &mut self,
        wanted: FrameIndex,
        index: &GopIndex,
        places: &GopIndex,
    ) -> Result<Work, DecodeError> {
        puffin::profile_scope!("decode");
        let stride = self
            .cursor
            .as_ref()
            .map_or(1, |cursor| i64::from(cursor.plan().stride.get()));
        let whole_from = self.whole_from(wanted, places);
        // Packets run ahead of pictures, so the frames after the wanted one count as well.
        let is_wanted = |pts: i64| {
            places.frame_of_pts(pts).is_none_or(|frame| {
                frame >= whole_from && (frame < wanted || (frame.0 - wanted.0) % stride == 0)
            })
        };
        let thinning = self.thinning(wanted, index);
        if thinning == Some(Rung::Keyframes) && self.is_far_ahead() {
            return Ok(Work::Wait);
        }
        let step = match thinning {
            Some(rung) => self.thinned_step(rung)?,
            None => self.whole_step(&is_wanted)?,
        };
        match step {
            Step::Progress => Ok(Work::Go),
            Step::Picture(picture) => {
                let Some(number) = self.number_of(&picture, places) else {
                    // Numbering needs more of the index than there is: give up the place, and come back
                    // when the index has grown.
                    self.next_decoded = None;
                    return Ok(if index.is_complete() {
                        Work::Go
                    } else {
                        Work::Wait
                    });
                };
                self.next_decoded = Some(number.offset(1));
                if number < wanted {
                    self.pass_over(number, picture, index, places);
                    return Ok(Work::Go);
                }
                let decoded = self.finish(number, picture, places);
                if number == wanted {
                    self.emit(decoded, index);
                } else {
                    self.lookahead = Some(decoded);
                }
                Ok(Work::Go)
            }
            Step::End => {
                self.reached_end(wanted, index);
                Ok(Work::Go)
            }
        }
    }

    /// A picture before the one that is due. A decoder so slow that its target moves on while it works shows
    /// what it has now and then, late as it is: a screen that stands still looks broken.
    pub(super) fn pass_over(
        &mut self,
        number: FrameIndex,
        picture: ReadPicture,
        index: &GopIndex,
        places: &GopIndex,
    ) {
        let in_range = self
            .cursor
            .as_ref()
            .is_some_and(|cursor| number >= cursor.plan().first);
        let now = self.options.clock.now();
        let quiet = now.since(self.last_delivered);
        if in_range && quiet >= STILL && self.catch_up.take_back() {
            let decoded = self.finish(number, picture, places);
            self.deliver(decoded, index);
        } else if self.wishes().include(number) || self.shows_approach(now) {
            let passed = self.finish(number, picture, places);
            self.note_passed(&passed, now);
        }
    }

    /// The decoder has no more pictures, but the plan wants one.
    pub(super) fn reached_end(&mut self, wanted: FrameIndex, index: &GopIndex) {
        let reached = self.next_decoded.unwrap_or(wanted);
        if self.decoded_end.is_none_or(|end| end < reached) {
            self.decoded_end = Some(reached);
        }
        self.next_decoded = None;
        // The index knows of frames here: they are damaged, and leave a gap of their length.
        if self.is_left_out(wanted, index) {
            self.leave_out_the_rest(index);
        } else if wanted.0 < index.len() {
            self.emit(Self::missing(wanted), index);
        }
    }

    /// Gives up frames that could only be late.
    fn catch_up(&mut self, index: &GopIndex, places: &GopIndex) {
        let Some(anchor) = self.options.anchor.load_full() else {
            return;
        };
        let Some(cursor) = &self.cursor else { return };
        if anchor.generation != cursor.plan().generation || cursor.is_reverse() {
            return;
        }
        let now = anchor.run_at(self.options.clock.now());
        self.leave_laps(now, index);
        let last_known = self.last_known(index);
        // The decoder stays where it is meanwhile.
        let mut fills_lap = None;
        loop {
            let Some(cursor) = self.cursor.as_ref().filter(|cursor| !cursor.is_reverse()) else {
                return;
            };
            let next = cursor.next();
            // Nothing is given up that is decoded already, or that the index does not know.
            let waiting = self
                .lookahead
                .as_ref()
                .is_some_and(|ahead: &Decoded| ahead.index == next);
            // The last frame of a lap carries the count of those given up before it.
            let is_last = cursor.last(last_known) == Some(next);
            if waiting || is_last || next.0 + 1 >= index.len() {
                return;
            }
            let (begin, end) = self.times_of(next, None, index);
            let Some(cursor) = &mut self.cursor else {
                return;
            };
            let due = cursor.run_of(begin, end);
            // The first frame of a plan is shown however late it comes. Most others are in time: then nobody need
            // know what lies ahead.
            if cursor.is_at_start() || !self.catch_up.is_late(due.1, now) {
                return;
            }
            // In a lap that is filled it may be kept already.
            let ahead = if *fills_lap.get_or_insert_with(|| self.fills_lap(places)) {
                Some(next.offset(1))
            } else {
                let keyframe = places.keyframe_for(next);
                keyframe.and_then(|(number, _)| places.first_frame_of(number + 1))
            };
            let ahead = ahead.and_then(|frame| index.time_of(frame));
            let ahead_run = ahead.map(|time| due.0 + (time - begin));
            if !self.catch_up.gives_up(due, ahead_run, now) {
                return;
            }
            if let Some(cursor) = &mut self.cursor {
                cursor.advance(last_known);
            }
        }
    }
}
