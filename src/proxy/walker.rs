//! Single frames of a file, asked for in ascending order.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::decode::{
    DecodeError, GopIndex, Input, Interrupter, Numbering, ReadPicture, ReaderOptions, Step,
    VideoReader,
};
use crate::media::{VideoFrame, VideoStream};
use crate::memory::{FramePool, MemoryBudget};
use crate::time::{Clock, FrameIndex};

/// Which frame of its complete index a picture is taken for. As in playing, a time stamp that no packet had,
/// which damaged files decode to, stands for the nearest frame, and a picture without one is frame `after`,
/// the one that follows the picture before it. `None` for a lead-in, which is never shown.
pub(super) fn number_of(
    picture: &ReadPicture,
    index: &GopIndex,
    after: Option<FrameIndex>,
) -> Option<FrameIndex> {
    match picture.pts {
        _ if index.numbering() == Numbering::ByCount => picture.frame_in(index),
        Some(pts) => frame_near(index, pts),
        None => after,
    }
}

fn frame_near(index: &GopIndex, pts: i64) -> Option<FrameIndex> {
    let first = index.pts_of(FrameIndex::ZERO)?;
    (pts >= first).then(|| index.nearest_frame(pts)).flatten()
}

/// Decodes what it is asked for.
pub(super) struct Walker {
    reader: VideoReader,
    index: Arc<GopIndex>,
    /// The frame that the decoder gives next; `None` beyond its end.
    next: Option<FrameIndex>,
}

impl Walker {
    /// At the beginning of an open file.
    pub(super) fn new(
        input: Input,
        stream: VideoStream,
        index: Arc<GopIndex>,
        threads: NonZeroUsize,
        clock: Arc<dyn Clock>,
        interrupter: &Interrupter,
    ) -> Result<Self, DecodeError> {
        let options = ReaderOptions {
            threads,
            // There are two of them. What does not fit is decoded into memory of the decoder's own.
            pool: FramePool::new(MemoryBudget::for_this_machine().frame_bytes() / 2),
            clock,
            interrupter: interrupter.clone(),
        };
        Ok(Self {
            reader: VideoReader::new(input, stream, options)?,
            index,
            next: Some(FrameIndex::ZERO),
        })
    }

    /// Frame number `wanted`; `None` where it cannot be decoded.
    pub(super) fn frame(&mut self, wanted: FrameIndex) -> Result<Option<VideoFrame>, DecodeError> {
        let entry = self.index.keyframe_for(wanted);
        let first = entry.and_then(|(number, _)| self.index.first_frame_of(number));
        let goes_on = self
            .next
            .is_some_and(|next| next <= wanted && first.is_none_or(|first| first <= next));
        if !goes_on {
            match entry {
                Some((number, _)) => self.reader.seek(&self.index, number)?,
                None => self.reader.rewind()?,
            }
            self.next = Some(first.unwrap_or(FrameIndex::ZERO));
        }
        loop {
            let picture = match self.reader.step(&|_| true)? {
                Step::Progress => continue,
                Step::Picture(picture) => picture,
                Step::End => {
                    // So that the next question seeks.
                    self.next = None;
                    return Ok(None);
                }
            };
            let Some(number) = number_of(&picture, &self.index, self.next) else {
                continue;
            };
            self.next = Some(number.offset(1));
            if number == wanted {
                return Ok(self.reader.frame(picture).ok());
            }
            if number > wanted {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameRate;

    #[test]
    fn time_stamps_that_no_packet_had_stand_for_the_nearest_frame() {
        let index = GopIndex::constant(FrameRate::new(25, 1).unwrap(), 3);
        let near = |pts| frame_near(&index, pts).map(|frame| frame.0);
        assert_eq!(
            [-1, 0, 1, 2, 9].map(near),
            [None, Some(0), Some(1), Some(2), Some(2)]
        );
        let empty = GopIndex::constant(FrameRate::new(25, 1).unwrap(), 0);
        assert_eq!(frame_near(&empty, 0), None);
    }
}
