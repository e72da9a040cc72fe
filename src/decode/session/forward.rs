//! Forward play: decode on, pass over what the plan leaves out, and catch up when late.

use std::time::Duration;

use super::worker::{Work, Worker};
use crate::decode::index::GopIndex;
use crate::decode::video_reader::{DecodeError, ReadPicture, Step};
use crate::time::{FrameIndex, MediaSpan};

/// A keyframe further ahead than this is sought; up to it, decoding on is quicker than to empty the
/// decoder and fill it again.
const SEEK_AHEAD_FRAMES: i64 = 8;

/// Decoding that is later than this gives frames up. Less is absorbed by the ring.
const LATE: MediaSpan = MediaSpan::from_millis(60);

/// Decoding that is later than this will not come back by leaving out frames that none refers to.
const HOPELESS: MediaSpan = MediaSpan::from_millis(1000);

/// Time that a seek to a keyframe takes.
const SEEK_TIME: MediaSpan = MediaSpan::from_millis(100);

/// While catching up a picture is shown at least this often.
const STILL: Duration = Duration::from_millis(100);

impl Worker {
    pub(super) fn work_forwards(&mut self) -> Result<Work, DecodeError> {
        let index = self.shared.index.load_full();
        self.catch_up(&index);
        let Some(cursor) = &self.cursor else { return Ok(Work::Done) };
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
        if self.lookahead.is_some() {
            self.emit(Self::missing(wanted), &index);
            return Ok(Work::Go);
        }
        if self.must_seek(wanted, &index) {
            // Only a complete index, or one that is past the target, tells where to go.
            if !index.is_complete() && wanted.0 >= index.len() {
                return Ok(Work::Wait);
            }
            self.seek_for(wanted, &index)?;
        }
        self.decode_towards(wanted, &index)
    }

    fn must_seek(&self, wanted: FrameIndex, index: &GopIndex) -> bool {
        let Some(next) = self.next_decoded else { return true };
        if next > wanted {
            return true;
        }
        index
            .keyframe_for(wanted)
            .and_then(|(number, _)| index.first_frame_of(number))
            .is_some_and(|first| first.0 - next.0 > SEEK_AHEAD_FRAMES)
    }

    fn decode_towards(&mut self, wanted: FrameIndex, index: &GopIndex) -> Result<Work, DecodeError> {
        puffin::profile_scope!("decode");
        let stride = self.cursor.as_ref().map_or(1, |cursor| i64::from(cursor.plan().stride.get()));
        // Packets run ahead of pictures, so the frames after the wanted one count as well.
        let is_wanted = |pts: i64| {
            index.frame_of_pts(pts).is_none_or(|frame| {
                frame >= wanted && (frame.0 - wanted.0) % stride == 0
            })
        };
        match self.reader.step(&is_wanted)? {
            Step::Progress => Ok(Work::Go),
            Step::Picture(picture) => {
                let Some(number) = self.number_of(&picture, index) else {
                    // Numbering needs more of the index than there is: give up the place, and come back
                    // when the index has grown.
                    self.next_decoded = None;
                    return Ok(if index.is_complete() { Work::Go } else { Work::Wait });
                };
                self.next_decoded = Some(number.offset(1));
                if number < wanted {
                    self.show_progress(number, picture, index);
                    return Ok(Work::Go);
                }
                let decoded = self.finish(number, picture);
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

    /// While frames are given up a picture on the way is shown now and then, late as it is: a screen that
    /// stands still looks broken.
    fn show_progress(&mut self, number: FrameIndex, picture: ReadPicture, index: &GopIndex) {
        let in_range = self.cursor.as_ref().is_some_and(|cursor| number >= cursor.plan().first);
        let quiet = self.options.clock.now().since(self.last_delivered);
        if self.catching_up && in_range && self.given_up > 0 && quiet >= STILL {
            let decoded = self.finish(number, picture);
            // It was counted as given up.
            self.given_up -= 1;
            self.deliver(decoded, index);
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
        if wanted.0 < index.len() {
            self.emit(Self::missing(wanted), index);
        }
    }

    /// Gives up frames that could only be late. The playhead waits for nobody: the frame to decode next
    /// is the first that can still be in time. One target is kept until it is reached, or until even
    /// that is hopeless: then decoding goes on at a keyframe ahead of the playhead.
    fn catch_up(&mut self, index: &GopIndex) {
        let Some(late) = self.lateness(index) else { return };
        let Some(anchor) = self.options.anchor.load_full() else { return };
        let now = anchor.run_at(self.options.clock.now());
        let in_time = if late > HOPELESS {
            match self.keyframe_ahead(now, index) {
                Some(keyframe) => keyframe,
                // This GOP is the last: all that can be done is to go on.
                None if self.catching_up => return,
                None => self.frame_due_at(now, index),
            }
        } else if self.catching_up {
            return;
        } else {
            let pace = i64::try_from(self.pace.as_nanos()).unwrap_or(0);
            self.frame_due_at(now + MediaSpan::from_nanos_nearest(pace), index)
        };
        self.give_up_before(in_time, index);
    }

    /// How late the next frame of the plan is, beyond what the ring absorbs.
    fn lateness(&mut self, index: &GopIndex) -> Option<MediaSpan> {
        let anchor = self.options.anchor.load_full()?;
        let cursor = self.cursor.as_ref()?;
        let next = cursor.next();
        // The first frame of a plan is shown however late it comes, and nothing is given up that is
        // decoded already, or that the index does not know.
        let is_first = next == cursor.plan().start && cursor.lap_run() == MediaSpan::ZERO;
        let waits = self.lookahead.as_ref().is_some_and(|ahead| ahead.index == next);
        let other_plan = anchor.generation != cursor.plan().generation;
        if other_plan || is_first || waits || next.0 + 1 >= index.len() {
            return None;
        }
        // While catching up the decoder is behind its target.
        let place = self.next_decoded.filter(|_| self.catching_up).unwrap_or(next);
        let (begin, end) = self.times_of(place, None, index);
        let (_, due_end) = self.cursor.as_mut()?.run_of(begin, end);
        let late = anchor.run_at(self.options.clock.now()) - due_end;
        (late > LATE).then_some(late)
    }

    /// The frame of this lap that is due at run time `run`.
    fn frame_due_at(&mut self, run: MediaSpan, index: &GopIndex) -> FrameIndex {
        let media = self.cursor.as_mut().and_then(|cursor| cursor.media_at(run));
        let frame = media.and_then(|media| index.frame_at(media));
        frame.unwrap_or(FrameIndex::ZERO)
    }

    /// The first keyframe that is due after run time `now`, with time to seek to it.
    fn keyframe_ahead(&mut self, now: MediaSpan, index: &GopIndex) -> Option<FrameIndex> {
        let earliest = self.frame_due_at(now + SEEK_TIME, index);
        let (number, _) = index.keyframe_for(earliest)?;
        let next = index.first_frame_of(number + 1)?;
        (next.0 < index.len()).then_some(next)
    }

    fn give_up_before(&mut self, target: FrameIndex, index: &GopIndex) {
        let last_known = self.last_known(index);
        let Some(cursor) = &mut self.cursor else { return };
        while cursor.next() < target && cursor.advance(last_known) {
            self.given_up += 1;
            self.catching_up = true;
        }
    }
}
