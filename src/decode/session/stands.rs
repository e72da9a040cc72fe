//! Decoders of the same stream that stand where the playhead was before.
//!
//! Whoever looks for a frame goes to and fro, and each way back into a long GOP would begin at its
//! keyframe once more. So a decoder that has come some way into a GOP stays there when a plan leads
//! elsewhere, and another one is brought to the new place: the one that nobody has needed for longest, or a new
//! one as long as there may be more. What comes soon after such a place is decoded from there.
//!
//! Each of them holds the pictures that its next ones refer to. How many there may be is an option of the
//! session, and whoever keeps frames says whether memory has room for them; where it has none, one decoder goes
//! everywhere.

use super::worker::Worker;
use crate::decode::index::{GopIndex, Numbering};
use crate::decode::input::Input;
use crate::decode::plan::PlanCursor;
use crate::decode::video_reader::{DecodeError, VideoReader};
use crate::time::FrameIndex;

/// A place so few frames into its GOP is reached as quickly from the keyframe.
const WORTH_FRAMES: i64 = 8;

/// Pictures that a decoder holds beside those that its threads work on: what later ones refer to (in H.264 of level
/// 5.1, five of 4K), and what waits for its turn.
const HELD_PICTURES: u64 = 8;

/// A decoder and the place where it stands.
pub(super) struct Stand {
    reader: VideoReader,
    /// The frame that it delivers next.
    next: FrameIndex,
    valid_from: FrameIndex,
}

impl Worker {
    /// Goes on with the decoder from which `wanted` is reached soonest, if that is not the one in use.
    pub(super) fn take_nearest(&mut self, wanted: FrameIndex, index: &GopIndex) {
        if self.stands.is_empty() || self.is_on_proxy() {
            return;
        }
        let Some((first, _)) = index.gop_of(wanted) else {
            return;
        };
        let pts = index.pts_of(wanted);
        // Packets run ahead of pictures: what it was made to leave out is not there.
        let has = |reader: &VideoReader| !reader.has_left_out(pts);
        let of_use = |stand: &Stand| (first..=wanted).contains(&stand.next) && has(&stand.reader);
        let here = self
            .next_decoded
            .filter(|next| (first..=wanted).contains(next) && has(&self.reader));
        let here = here.unwrap_or(first);
        let places = (0..).zip(&self.stands);
        let nearest = places
            .filter(|(_, stand)| of_use(stand))
            .max_by_key(|(_, stand)| stand.next);
        if let Some((place, stand)) = nearest
            && stand.next.0 - here.0 > WORTH_FRAMES
        {
            tracing::trace!("frame {wanted} is decoded from {} on", stand.next);
            let stand = self.stands.remove(place);
            self.change_stand(stand, index);
        }
    }

    /// Before the decoder is brought to `target`: where it has come a way that is worth it, it stays there, and
    /// another one takes its place.
    pub(super) fn leave_standing(&mut self, target: FrameIndex, index: &GopIndex) {
        if self.is_on_proxy() {
            return;
        }
        let most = self.most_stands();
        while self.stands.len() > most {
            self.stands.remove(0);
        }
        let goes_on = self.passes() || self.cursor.as_ref().is_some_and(PlanCursor::is_reverse);
        if goes_on || !self.is_worth_standing(target, index) {
            return;
        }
        let another = if self.stands.len() < most {
            self.spare.take().or_else(|| self.open_another())
        } else if most > 0 {
            Some(self.stands.remove(0))
        } else {
            None
        };
        if let Some(another) = another {
            self.change_stand(another, index);
        }
    }

    /// While a frame is held: opens the decoder that will be needed when this one is to stay. In the midst of a seek
    /// that would take time.
    pub(super) fn keep_spare(&mut self) {
        let is_held = self.cursor.is_some() && !self.passes() && !self.is_on_proxy();
        let index = self.shared.index.load();
        let keyframes = i64::try_from(index.keyframes().len()).unwrap_or(i64::MAX);
        let is_long = index.is_complete() && keyframes.saturating_mul(WORTH_FRAMES) < index.len();
        if is_held && is_long && self.spare.is_none() && self.stands.len() < self.most_stands() {
            drop(index);
            self.spare = self.open_another();
        }
    }

    /// How many decoders may stand elsewhere.
    fn most_stands(&self) -> usize {
        let stream = self.reader.stream();
        let held = HELD_PICTURES + self.options.threads.get() as u64;
        let bytes = stream.format.packed_bytes(stream.size) as u64 * held;
        let Some(keeper) = self.keeper() else {
            return 0;
        };
        let fits = |count: &usize| keeper.has_room_beside(bytes * *count as u64);
        (1..=self.options.more_decoders)
            .rev()
            .find(fits)
            .unwrap_or(0)
    }

    /// Whether the decoder in use has come far into a GOP that `target` is not in.
    fn is_worth_standing(&self, target: FrameIndex, index: &GopIndex) -> bool {
        // Who counts pictures reads from the start.
        if index.numbering() == Numbering::ByCount || !index.is_complete() {
            return false;
        }
        let Some((next, (first, end))) = self
            .place()
            .and_then(|next| Some((next, index.gop_of(next)?)))
        else {
            return false;
        };
        let is_elsewhere = target < first || end.is_some_and(|end| target >= end);
        is_elsewhere && next.0 - first.0 > WORTH_FRAMES
    }

    /// Another decoder of the same file, or nothing: then one goes everywhere, as where memory is short.
    fn open_another(&mut self) -> Option<Stand> {
        if self.alone {
            return None;
        }
        puffin::profile_scope!("open another decoder");
        let input = self.reader.input();
        let interrupter = input.interrupter();
        let options = self.options.reader(interrupter.clone());
        let stream = self.reader.stream().clone();
        let input = input
            .same_file()
            .and_then(|file| Input::open_same(file, &interrupter));
        let opened = input
            .map_err(DecodeError::from)
            .and_then(|input| VideoReader::new(input, stream, options));
        match opened {
            Ok(reader) => Some(Stand {
                reader,
                next: FrameIndex::ZERO,
                valid_from: FrameIndex::ZERO,
            }),
            Err(error) => {
                tracing::debug!("no other decoder: {error}");
                self.alone = true;
                None
            }
        }
    }

    /// The decoder in use stays where it is, and `next` goes on in its place.
    fn change_stand(&mut self, mut next: Stand, index: &GopIndex) {
        std::mem::swap(&mut next.reader, &mut self.reader);
        std::mem::swap(&mut next.valid_from, self.valid_from_mut());
        let left = self.place();
        self.next_decoded = Some(next.next);
        self.leave_place();
        self.counts_from_start = false;
        self.forget_left_out();
        // One whose place is not known, or that is at its keyframe, is no nearer to anything.
        let begins = |at: FrameIndex| index.gop_of(at).is_none_or(|(first, _)| first == at);
        if let Some(left) = left.filter(|left| !begins(*left)) {
            next.next = left;
            self.stands.push(next);
        }
    }
}
