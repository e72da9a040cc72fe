//! The pictures of a source, one after another.

use std::path::Path;
use std::sync::Arc;

use super::error::MakeError;
use super::scale::can_scale;
use super::walker::number_of;
use crate::decode::{GopIndex, Step, VideoReader};
use crate::jobs::{JobContext, JobStop};
use crate::media::{FieldOrder, Size, VideoFrame};
use crate::time::FrameIndex;

/// Whether to go on; waits while the queue is paused.
pub(super) fn check(context: &JobContext) -> Result<(), MakeError> {
    context
        .check()
        .map_err(|_stop: JobStop| MakeError::Cancelled)
}

/// Decodes a source from its beginning.
pub(super) struct Pictures<'a> {
    pub(super) reader: VideoReader,
    pub(super) index: &'a GopIndex,
    pub(super) context: &'a JobContext,
    pub(super) path: &'a Path,
    pub(super) size: Size,
    /// Those of the first picture.
    pub(super) fields: Option<FieldOrder>,
    /// The frame after the last picture that came out.
    pub(super) after: Option<FrameIndex>,
}

impl Pictures<'_> {
    /// The next frame that can be decoded, if its number is at least `least`; `None` at the end.
    pub(super) fn next(
        &mut self,
        least: FrameIndex,
    ) -> Result<Option<(FrameIndex, Arc<VideoFrame>)>, MakeError> {
        loop {
            check(self.context)?;
            let picture = match self.reader.step(&|_| true) {
                Ok(Step::Progress) => continue,
                Ok(Step::Picture(picture)) => picture,
                Ok(Step::End) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let number = number_of(&picture, self.index, self.after);
            self.after = number.map(|number| number.offset(1)).or(self.after);
            // What is no frame of its own is never shown, such as the other field of one.
            let Some(number) = number.filter(|&number| number >= least) else {
                continue;
            };
            match self.reader.frame(picture) {
                Ok(frame) => {
                    self.check_kind(&frame)?;
                    return Ok(Some((number, Arc::new(frame))));
                }
                Err(error) => tracing::debug!("frame {number} is left out: {error}"),
            }
        }
    }

    /// Proxies are of one size, and of one kind of scanning, throughout.
    fn check_kind(&mut self, frame: &VideoFrame) -> Result<(), MakeError> {
        let path = || self.path.to_owned();
        if frame.size != self.size {
            return Err(MakeError::SizeChanges(path(), self.size, frame.size));
        }
        if !can_scale(frame.format, frame.color.matrix) {
            return Err(MakeError::Matrix(path(), frame.color.matrix));
        }
        if frame.fields != *self.fields.get_or_insert(frame.fields) {
            return Err(MakeError::FieldsChange(path()));
        }
        Ok(())
    }
}
