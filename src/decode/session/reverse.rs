//! Reverse play: decode a window forwards, deliver it backwards, and fill the next window meanwhile.
//!
//! Decoding only runs forwards, from a keyframe. A window is the last few frames up to the one that is
//! due, never reaching past the keyframe they need. While one window drains through the ring the next
//! is decoded, so that a machine that decodes twice as fast as it plays shows no gap.
//!
//! Where frames are kept, those that come out on the way to a window are left with the keeper, and the
//! windows after it are made of them: a GOP that fits is decoded once. The next window to fill is then the
//! first that is not kept.

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

/// What reverse play holds beside the ring.
#[derive(Default)]
pub(super) struct Reverse {
    fill: Option<ReverseFill>,
    /// Decoded frames that wait, the highest last.
    window: Vec<Decoded>,
    /// The last frame that the window was made for.
    high: FrameIndex,
}

impl Worker {
    pub(super) fn work_backwards(&mut self, ring_is_full: bool) -> Result<Work, DecodeError> {
        let index = self.shared.index.load_full();
        let places = self.places(&index);
        // A window that is decoded or begun is worth one picture at least.
        if self.reverse.window.is_empty() && self.reverse.fill.is_none() {
            self.leave_laps_backwards(&index);
        }
        let Some(cursor) = &self.cursor else {
            // The end of the plan is still to be handed over.
            return Ok(Work::Go);
        };
        if !cursor.is_reverse() {
            return Ok(Work::Go);
        }
        let mut wanted = cursor.next();
        let inside = cursor.is_inside(self.last_known(&index));
        if !ring_is_full {
            if !inside {
                self.reverse = Reverse::default();
                return Ok(self.end_lap(&index));
            }
            wanted = self.catch_up_backwards(&index).unwrap_or(wanted);
            let here = self.take_from_window(wanted);
            if let Some(decoded) = here.or_else(|| self.take_kept(wanted)) {
                self.emit(decoded, &index);
                return Ok(Work::Go);
            }
        }
        // The window is used up, or there is time to fill the next.
        if wanted.0 >= index.len() && !index.is_complete() {
            return Ok(Work::Wait);
        }
        if !ring_is_full && !self.is_filling(wanted) {
            // What lies in the window comes after what is due.
            self.reverse = Reverse::default();
        }
        if self.reverse.fill.is_none() {
            self.reverse.fill = self
                .next_high(wanted, &index)
                .and_then(|high| self.plan_window(high, &places));
        }
        let Some(fill) = &self.reverse.fill else {
            return Ok(Work::Wait);
        };
        if !fill.done {
            return self.fill_step(&places);
        }
        if !self.reverse.window.is_empty() {
            return Ok(Work::Wait);
        }
        if let Some(fill) = self.reverse.fill.take() {
            self.reverse.window = fill.frames;
            self.reverse.high = fill.high;
        }
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
        let lowest = self.reverse.window.first()?.index;
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

    /// The frame that is due, from the top of the window; frames above it are of no more use. `None`
    /// where the window was not made for it.
    fn take_from_window(&mut self, wanted: FrameIndex) -> Option<Decoded> {
        let window = &mut self.reverse.window;
        if wanted > self.reverse.high {
            return None;
        }
        while let Some(top) = window.pop() {
            if top.index == wanted {
                return Some(top);
            }
            if top.index < wanted {
                window.push(top);
                return Some(Self::missing(wanted));
            }
        }
        None
    }

    /// Whether the window that is being decoded holds `wanted`.
    fn is_filling(&self, wanted: FrameIndex) -> bool {
        let fill = self.reverse.fill.as_ref();
        fill.is_some_and(|fill| fill.low <= wanted && wanted <= fill.high)
    }

    /// The last frame of the window to be decoded next; `None` where there is enough for now.
    fn next_high(&mut self, wanted: FrameIndex, index: &GopIndex) -> Option<FrameIndex> {
        let stride = self.stride();
        let from = match self.reverse.window.first() {
            Some(lowest) => lowest.index.offset(-stride),
            None => self.skip_backwards(index).unwrap_or(wanted),
        };
        let first = self.cursor.as_ref()?.plan().first;
        let mut high = from;
        while high >= first && self.is_kept(high) {
            high = high.offset(-stride);
        }
        // The frames in between last for a while; what lies beyond is worth decoding only if it stays.
        (high == from || self.is_worth_reading_ahead(high)).then_some(high)
    }

    /// The window that ends at `high`; `None` when there is nothing below. `places` is the index of the file
    /// that is decoded.
    fn plan_window(&self, high: FrameIndex, places: &GopIndex) -> Option<ReverseFill> {
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
        let by_keyframe = places
            .keyframe_for(high)
            .and_then(|(number, _)| places.first_frame_of(number))
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

    fn fill_step(&mut self, places: &GopIndex) -> Result<Work, DecodeError> {
        puffin::profile_scope!("decode backwards");
        let stride = self.stride();
        let Some(fill) = &mut self.reverse.fill else {
            return Ok(Work::Go);
        };
        let (low, high) = (fill.low, fill.high);
        if !fill.sought {
            fill.sought = true;
            self.rejoin(low, places);
            self.seek_for(low, places)?;
            return Ok(Work::Go);
        }
        let belongs =
            |frame: FrameIndex| frame >= low && frame <= high && (high.0 - frame.0) % stride == 0;
        // Those that come out on the way serve the windows to come, if they stay.
        let wishes = self.wishes();
        let serves = |frame: FrameIndex| {
            frame < low && (high.0 - frame.0) % stride == 0 && wishes.include(frame)
        };
        let is_wanted = |pts: i64| {
            let frame = places.frame_of_pts(pts);
            frame.is_none_or(|frame| belongs(frame) || serves(frame))
        };
        match self.read_step(&is_wanted)? {
            Step::Progress => {}
            Step::Picture(picture) => {
                let number = self.number_of(&picture, places);
                self.next_decoded = number.map(|number| number.offset(1));
                if let Some(number) = number {
                    let belongs = belongs(number);
                    let finished =
                        (belongs || serves(number)).then(|| self.finish(number, picture, places));
                    if let Some(fill) = &mut self.reverse.fill {
                        fill.frames.extend(finished.filter(|_| belongs));
                        fill.done = number >= high;
                    }
                }
            }
            Step::End => {
                self.next_decoded = None;
                if let Some(fill) = &mut self.reverse.fill {
                    fill.done = true;
                }
            }
        }
        if let Some(fill) = self
            .reverse
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
