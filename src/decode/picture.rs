//! Makes a frame of what the decoder delivered.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

use super::canonical;
use crate::media::{
    FieldOrder, FrameStorage, PixelFormat, PlaneLayout, PlaneOwner, Size, VideoFrame, VideoStream,
};
use crate::memory::FramePool;

/// Why a decoded picture cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Its pixel format has no meaning here.
    #[error("the pixel format {0} is not known")]
    Format(String),
    /// It is larger than 65,535 on a side, or empty.
    #[error("the picture's size {0}x{1} is out of range")]
    Size(u32, u32),
    /// It could not be repacked.
    #[error("the picture could not be repacked: {0}")]
    Repack(String),
}

/// Turns FFmpeg's frames into ours.
pub(super) struct PictureMaker {
    stream: VideoStream,
    pool: FramePool,
}

/// Holds a reference on FFmpeg's buffers. As long as it lives, the decoder does not draw into them.
struct FrameOwner {
    _frame: ffmpeg::frame::Video,
}

impl PlaneOwner for FrameOwner {}

#[expect(unsafe_code, reason = "FFmpeg's frames are counted atomically")]
// SAFETY: the frame is never touched again but to be freed, and FFmpeg's reference counts are atomic.
unsafe impl Sync for FrameOwner {}

impl PictureMaker {
    pub(super) fn new(stream: &VideoStream, pool: FramePool) -> Self {
        Self { stream: stream.clone(), pool }
    }

    /// The frame of a decoded picture, repacked where its format is not canonical.
    pub(super) fn make(&mut self, raw: ffmpeg::frame::Video) -> Result<VideoFrame, PictureError> {
        let av_format: ffi::AVPixelFormat = raw.format().into();
        let unknown = || PictureError::Format(format!("{:?}", raw.format()));
        let canonical = canonical::describe(av_format).ok_or_else(unknown)?;
        let size = Size::new(raw.width(), raw.height())
            .ok_or(PictureError::Size(raw.width(), raw.height()))?;
        Ok(VideoFrame {
            size,
            format: canonical.format,
            color: self.stream.color,
            fields: fields_of(&raw),
            storage: self.storage(raw, canonical.format, size)?,
        })
    }

    fn storage(
        &self,
        raw: ffmpeg::frame::Video,
        format: PixelFormat,
        size: Size,
    ) -> Result<FrameStorage, PictureError> {
        let planes = plane_layouts(&raw, format, size)
            .ok_or_else(|| PictureError::Repack("its rows run backwards".to_owned()))?;
        #[expect(unsafe_code, reason = "reads the pointer to the first plane")]
        // SAFETY: the frame is alive.
        let first = unsafe { (*raw.as_ptr()).data[0] };
        let slot = self.pool.slot_at(first);
        let owner = Box::new(FrameOwner { _frame: raw });
        Ok(match slot {
            Some(slot) => FrameStorage::Pooled { slot, planes, owner },
            None => FrameStorage::Foreign { planes, owner },
        })
    }
}

/// Where the planes of a canonical picture lie; `None` where rows are stored from the bottom up.
#[expect(unsafe_code, reason = "describes FFmpeg's memory")]
fn plane_layouts(
    raw: &ffmpeg::frame::Video,
    format: PixelFormat,
    size: Size,
) -> Option<Vec<PlaneLayout>> {
    (0..format.plane_count())
        .map(|plane| {
            // SAFETY: a canonical format has this many planes of these sizes in FFmpeg as well, and the
            // frame's reference keeps them alive and unchanged.
            unsafe {
                let frame = &*raw.as_ptr();
                let stride = usize::try_from(frame.linesize[plane]).ok()?;
                let (row_bytes, rows) = (format.row_bytes(plane, size), format.plane_size(plane, size).1);
                (row_bytes <= stride)
                    .then(|| PlaneLayout::new(frame.data[plane], stride, rows, row_bytes))
            }
        })
        .collect()
}

#[expect(unsafe_code, reason = "the wrapper's flags differ between versions of FFmpeg")]
fn fields_of(raw: &ffmpeg::frame::Video) -> FieldOrder {
    // SAFETY: the frame is alive.
    let (interlaced, top_first) =
        unsafe { ((*raw.as_ptr()).interlaced_frame != 0, (*raw.as_ptr()).top_field_first != 0) };
    match (interlaced, top_first) {
        (false, _) => FieldOrder::Progressive,
        (true, true) => FieldOrder::TopFirst,
        (true, false) => FieldOrder::BottomFirst,
    }
}
