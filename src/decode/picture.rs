//! Makes a frame of what the decoder delivered.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;

use super::canonical::{describe, format_name};
use super::frame_buffers::BufferCounters;
use super::repack::Repacker;
use super::tags::{ColorContext, ColorTags, color_info, fields_of_frame, hdr_of_frame};
use crate::media::{
    FrameStorage, HdrMetadata, PictureId, PixelFormat, PlaneLayout, PlaneOwner, Size, VideoFrame,
    VideoStream,
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

/// Turns FFmpeg's frames into ours. Belongs to one thread.
pub(super) struct PictureMaker {
    pool: FramePool,
    counters: Arc<BufferCounters>,
    codec: ffi::AVCodecID,
    /// What the container and the codec's headers say, for where frames say nothing.
    stream_tags: ColorTags,
    stream_hdr: Option<HdrMetadata>,
    repacker: Option<Repacker>,
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
    pub(super) fn new(
        parameters: &ffmpeg::codec::Parameters,
        stream: &VideoStream,
        pool: FramePool,
        counters: Arc<BufferCounters>,
    ) -> Self {
        Self {
            pool,
            counters,
            codec: parameters.id().into(),
            stream_tags: ColorTags::of_parameters(parameters),
            stream_hdr: stream.color.hdr,
            repacker: None,
        }
    }

    /// Whether pictures are copied on their way, for their format is not canonical.
    pub(super) fn repacks(&self) -> bool {
        self.repacker.is_some()
    }

    /// The frame of a decoded picture, repacked where its format is not canonical. Its name is its own,
    /// until somebody who knows which frame of the file it is gives it that one.
    pub(super) fn make(&mut self, raw: ffmpeg::frame::Video) -> Result<VideoFrame, PictureError> {
        let size = Size::new(raw.width(), raw.height())
            .ok_or(PictureError::Size(raw.width(), raw.height()))?;
        let source: ffi::AVPixelFormat = raw.format().into();
        let unknown = || PictureError::Format(format_name(source).to_owned());
        let canonical = describe(source).ok_or_else(unknown)?;
        let context = ColorContext {
            format: source,
            codec: self.codec,
            size,
        };
        let tags = ColorTags::of_frame(&raw).or(self.stream_tags);
        let color = color_info(tags, context, hdr_of_frame(&raw).or(self.stream_hdr));
        let fields = fields_of_frame(&raw);
        let layouts = match canonical.via {
            None => plane_layouts(&raw, canonical.format, size),
            Some(_) => None,
        };
        let (raw, planes) = if let Some(planes) = layouts {
            (raw, planes)
        } else {
            // Another arrangement of samples, or rows from the bottom up.
            let repacked = self.repack(&raw, source, size)?;
            let planes = plane_layouts(&repacked, canonical.format, size);
            (repacked, planes.ok_or_else(unknown)?)
        };
        let storage = self.storage(raw, planes);
        Ok(VideoFrame {
            id: PictureId::unique(),
            size,
            format: canonical.format,
            color,
            fields,
            stands_for: None,
            storage,
        })
    }

    fn repack(
        &mut self,
        raw: &ffmpeg::frame::Video,
        source: ffi::AVPixelFormat,
        size: Size,
    ) -> Result<ffmpeg::frame::Video, PictureError> {
        puffin::profile_scope!("repack");
        self.repacker.take_if(|repacker| !repacker.fits(raw));
        let repacker = match &mut self.repacker {
            Some(repacker) => repacker,
            none => none.insert(
                Repacker::new(source, size)
                    .ok_or_else(|| PictureError::Format(format_name(source).to_owned()))?,
            ),
        };
        let mut target = ffmpeg::frame::Video::empty();
        repacker
            .repack(raw, &mut target)
            .map_err(|error| PictureError::Repack(error.to_string()))?;
        self.counters.repacked.fetch_add(1, Ordering::Relaxed);
        Ok(target)
    }

    fn storage(&self, raw: ffmpeg::frame::Video, planes: Vec<PlaneLayout>) -> FrameStorage {
        #[expect(unsafe_code, reason = "reads the pointer to the first plane")]
        // SAFETY: the frame is alive.
        let first = unsafe { (*raw.as_ptr()).data[0] };
        let slot = self.pool.slot_at(first);
        let owner = Box::new(FrameOwner { _frame: raw });
        match slot {
            Some((slot, slot_bytes)) => FrameStorage::Pooled {
                slot,
                slot_bytes,
                planes,
                owner,
            },
            None => FrameStorage::Foreign { planes, owner },
        }
    }
}

/// Whether parts of the picture are not what was encoded.
#[expect(unsafe_code, reason = "a field that the wrapper does not reach")]
pub(super) fn is_damaged(raw: &ffmpeg::frame::Video) -> bool {
    // SAFETY: the frame is alive.
    let errors = unsafe { (*raw.as_ptr()).decode_error_flags };
    errors != 0 || raw.is_corrupt()
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
                let (row_bytes, rows) = (
                    format.row_bytes(plane, size),
                    format.plane_size(plane, size).1,
                );
                (row_bytes <= stride)
                    .then(|| PlaneLayout::new(frame.data[plane], stride, rows, row_bytes))
            }
        })
        .collect()
}
