//! Single frames of a file, asked for in ascending order.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::decode::{DecodeError, GopIndex, Input, Interrupter, ReaderOptions, Step, VideoReader};
use crate::media::{VideoFrame, VideoStream};
use crate::memory::FramePool;
use crate::time::{Clock, FrameIndex};

/// Memory that decoded pictures take in the pool; what does not fit is decoded elsewhere.
const POOL_BYTES: u64 = 1 << 30;

/// Decodes what it is asked for.
pub(super) struct Walker {
    reader: VideoReader,
    index: Arc<GopIndex>,
    /// The frame that the decoder gives next.
    next: FrameIndex,
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
            pool: FramePool::new(POOL_BYTES),
            clock,
            interrupter: interrupter.clone(),
        };
        Ok(Self {
            reader: VideoReader::new(input, stream, options)?,
            index,
            next: FrameIndex::ZERO,
        })
    }

    /// Frame number `wanted`; `None` where it cannot be decoded.
    pub(super) fn frame(&mut self, wanted: FrameIndex) -> Result<Option<VideoFrame>, DecodeError> {
        let entry = self.index.keyframe_for(wanted);
        let first = entry.and_then(|(number, _)| self.index.first_frame_of(number));
        let goes_on = self.next <= wanted && first.is_none_or(|first| first <= self.next);
        if !goes_on {
            match entry {
                Some((number, _)) => self.reader.seek(&self.index, number)?,
                None => self.reader.rewind()?,
            }
        }
        loop {
            let picture = match self.reader.step(&|_| true)? {
                Step::Progress => continue,
                Step::Picture(picture) => picture,
                Step::End => {
                    // Beyond every frame, so that the next question seeks.
                    self.next = FrameIndex(i64::MAX);
                    return Ok(None);
                }
            };
            let Some(number) = picture.frame_in(&self.index) else {
                continue;
            };
            self.next = number.offset(1);
            if number == wanted {
                return Ok(self.reader.frame(picture).ok());
            }
            if number > wanted {
                return Ok(None);
            }
        }
    }
}
