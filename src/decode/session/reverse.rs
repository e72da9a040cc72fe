//! Reverse play: decode a window forwards, deliver it backwards, and fill the next window meanwhile.
//!
//! Decoding only runs forwards, from a keyframe. A window is the last few frames up to the one that is
//! due, never reaching past the keyframe they need. While one window drains through the ring the next
//! is decoded, so that a machine that decodes twice as fast as it plays shows no gap.

use super::worker::{Decoded, Work, Worker};
use crate::decode::index::GopIndex;
use crate::decode::video_reader::{DecodeError, Step};
use crate::time::FrameIndex;

/// A window that is being decoded.
pub(super) struct ReverseFill {
    /// Its last frame, delivered first.
    high: FrameIndex,
    /// Its first frame, delivered last.
    low: FrameIndex,
    sought: bool,
    done: bool,
    frames: Vec<Decoded>,
}

impl Worker {
    pub(super) fn work_backwards(&mut self, ring_is_full: bool) -> Result<Work, DecodeError> {
        let index = self.shared.index.load_full();
        // A window that is decoded or begun is worth one picture at least.
        if self.window.is_empty() && self.fill.is_none() {
            self.leave_laps_backwards(&index);
        }
        let Some(cursor) = &self.cursor else {
            return Ok(Work::Done);
        };
        if !cursor.is_reverse() {
            return Ok(Work::Go);
        }
        let wanted = cursor.next();
        let inside = cursor.is_inside(self.last_known(&index));
        if !ring_is_full {
            if !inside {
                self.window.clear();
                self.fill = None;
                return Ok(self.end_lap(&index));
            }
            let wanted = self.catch_up_backwards(&index).unwrap_or(wanted);
            if let Some(decoded) = self.take_from_window(wanted) {
                self.emit(decoded, &index);
                return Ok(Work::Go);
            }
        }
        // The window is used up, or there is time to fill the next.
        if wanted.0 >= index.len() && !index.is_complete() {
            return Ok(Work::Wait);
        }
        if self.fill.is_none() {
            let stride = self.stride();
            let next_high = match self.window.first() {
                Some(lowest) => lowest.index.offset(-stride),
                None => self.skip_backwards(&index).unwrap_or(wanted),
            };
            self.fill = self.plan_window(next_high, &index);
        }
        let Some(fill) = &self.fill else {
            return Ok(Work::Wait);
        };
        if !fill.done {
            return self.fill_step(&index);
        }
        if !self.window.is_empty() {
            return Ok(Work::Wait);
        }
        self.window = self.fill.take().map_or_else(Vec::new, |fill| fill.frames);
        Ok(Work::Go)
    }

    fn leave_laps_backwards(&mut self, index: &GopIndex) {
        let generation = self.cursor.as_ref().map(|cursor| cursor.plan().generation);
        if let Some(anchor) = self.options.anchor.load_full()
            && generation == Some(anchor.generation)
        {
            self.leave_laps(anchor.run_at(self.options.clock.now()), index);
        }
    }

    /// Gives up frames of the window that are late, but for its last: each window is worth one picture at
    /// least. Answers the frame that is due then.
    fn catch_up_backwards(&mut self, index: &GopIndex) -> Option<FrameIndex> {
        let lowest = self.window.first()?.index;
        let due = self.due_now(index)?;
        self.give_up_above(due.max(lowest), index)
    }

    /// Gives up frames that will be late before a window with them could be decoded.
    fn skip_backwards(&mut self, index: &GopIndex) -> Option<FrameIndex> {
        let due = self.due_now(index)?;
        let first = self.cursor.as_ref()?.plan().first;
        self.give_up_above(due.max(first), index)
    }

    /// The frame that is due now, if the plan runs and the next frame is later than that.
    fn due_now(&self, index: &GopIndex) -> Option<FrameIndex> {
        let anchor = self.options.anchor.load_full()?;
        let cursor = self.cursor.as_ref()?;
        if anchor.generation != cursor.plan().generation {
            return None;
        }
        let media = cursor.media_at(anchor.run_at(self.options.clock.now()))?;
        index.frame_at(media).filter(|due| *due < cursor.next())
    }

    fn give_up_above(&mut self, target: FrameIndex, index: &GopIndex) -> Option<FrameIndex> {
        let last_known = self.last_known(index);
        let cursor = self.cursor.as_mut()?;
        while cursor.next() > target && cursor.advance(last_known) {
            self.catch_up.give_up_one();
        }
        Some(cursor.next())
    }

    fn stride(&self) -> i64 {
        self.cursor
            .as_ref()
            .map_or(1, |cursor| i64::from(cursor.plan().stride.get()))
    }

    /// The frame that is due, from the top of the window; frames above it are of no more use.
    fn take_from_window(&mut self, wanted: FrameIndex) -> Option<Decoded> {
        while let Some(top) = self.window.pop() {
            if top.index == wanted {
                return Some(top);
            }
            if top.index < wanted {
                self.window.push(top);
                return Some(Self::missing(wanted));
            }
        }
        None
    }

    /// The window that ends at `high`; `None` when there is nothing below.
    fn plan_window(&self, high: FrameIndex, index: &GopIndex) -> Option<ReverseFill> {
        let first = self
            .cursor
            .as_ref()
            .map_or(FrameIndex::ZERO, |cursor| cursor.plan().first);
        if high < first || high.0 < 0 {
            return None;
        }
        let frames = i64::try_from(self.options.reverse_frames / 2)
            .unwrap_or(1)
            .max(1);
        let by_memory = high.offset(-(frames - 1) * self.stride());
        let by_keyframe = index
            .keyframe_for(high)
            .and_then(|(number, _)| index.first_frame_of(number))
            .unwrap_or(FrameIndex::ZERO);
        let low = by_memory.max(by_keyframe).max(first).min(high);
        Some(ReverseFill {
            high,
            low,
            sought: false,
            done: false,
            frames: Vec::new(),
        })
    }

    fn fill_step(&mut self, index: &GopIndex) -> Result<Work, DecodeError> {
        puffin::profile_scope!("decode backwards");
        let stride = self.stride();
        let Some(fill) = &mut self.fill else {
            return Ok(Work::Go);
        };
        let (low, high) = (fill.low, fill.high);
        if !fill.sought {
            fill.sought = true;
            self.seek_for(low, index)?;
            return Ok(Work::Go);
        }
        let belongs =
            |frame: FrameIndex| frame >= low && frame <= high && (high.0 - frame.0) % stride == 0;
        let is_wanted = |pts: i64| index.frame_of_pts(pts).is_none_or(belongs);
        match self.reader.step(&is_wanted)? {
            Step::Progress => {}
            Step::Picture(picture) => {
                let number = self.number_of(&picture, index);
                self.next_decoded = number.map(|number| number.offset(1));
                if let Some(number) = number {
                    let kept = belongs(number).then(|| self.finish(number, picture));
                    if let Some(fill) = &mut self.fill {
                        fill.frames.extend(kept);
                        fill.done = number >= high;
                    }
                }
            }
            Step::End => {
                self.next_decoded = None;
                if let Some(fill) = &mut self.fill {
                    fill.done = true;
                }
            }
        }
        if let Some(fill) = self
            .fill
            .as_mut()
            .filter(|fill| fill.done && fill.frames.is_empty())
        {
            // Without any frame the window would be planned again, for ever.
            fill.frames.push(Self::missing(high));
        }
        Ok(Work::Go)
    }
}
