//! The rows of FFmpeg's frames as slices.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi::{self, AVPixelFormat};

use crate::media::{PixelFormat, Size};

/// The rows of a frame that is read. Line sizes may be negative.
pub(super) struct SourceRows<'a> {
    frame: &'a ffmpeg::frame::Video,
    row_bytes: [usize; 4],
}

impl<'a> SourceRows<'a> {
    /// `frame` was checked to be of `format` and `size`.
    pub(super) fn new(frame: &'a ffmpeg::frame::Video, format: AVPixelFormat, size: Size) -> Self {
        let width = i32::try_from(size.width()).unwrap_or(0);
        let row_bytes = [0, 1, 2, 3].map(|plane| {
            #[expect(unsafe_code, reason = "the wrapper does not offer it")]
            // SAFETY: takes numbers only; an unknown plane answers with an error.
            let bytes = unsafe { ffi::av_image_get_linesize(format, width, plane) };
            usize::try_from(bytes).unwrap_or(0)
        });
        Self { frame, row_bytes }
    }

    #[expect(unsafe_code, reason = "frames are made of raw pointers")]
    pub(super) fn row(&self, plane: usize, y: usize) -> &'a [u8] {
        // SAFETY: FFmpeg promises this many bytes in each row of a frame of that format and width, and
        // `y` is below the plane's height. The frame is borrowed as long as the slice.
        unsafe {
            let frame = self.frame.as_ptr();
            let stride = (*frame).linesize[plane] as isize;
            let start = (*frame).data[plane].offset(stride * y.cast_signed());
            std::slice::from_raw_parts(start, self.row_bytes[plane])
        }
    }

    #[expect(unsafe_code, reason = "frames are made of raw pointers")]
    pub(super) fn palette(&self) -> &'a [u8] {
        // SAFETY: the second plane of a palette format is its table of 256 words.
        unsafe { std::slice::from_raw_parts((*self.frame.as_ptr()).data[1], 1024) }
    }
}

/// The rows of a frame that is written.
pub(super) struct TargetRows<'a> {
    planes: [*mut u8; 4],
    strides: [usize; 4],
    format: PixelFormat,
    size: Size,
    _frame: std::marker::PhantomData<&'a mut ffmpeg::frame::Video>,
}

impl<'a> TargetRows<'a> {
    /// `frame` was checked to be of `format` and `size`, with line sizes that are not negative.
    pub(super) fn new(
        frame: &'a mut ffmpeg::frame::Video,
        format: PixelFormat,
        size: Size,
    ) -> Self {
        #[expect(unsafe_code, reason = "frames are made of raw pointers")]
        // SAFETY: reads fields of a live frame.
        let (planes, strides) = unsafe {
            let frame = frame.as_mut_ptr();
            let planes = [0, 1, 2, 3].map(|plane| (*frame).data[plane]);
            let strides =
                [0, 1, 2, 3].map(|plane| (*frame).linesize[plane].unsigned_abs() as usize);
            (planes, strides)
        };
        Self {
            planes,
            strides,
            format,
            size,
            _frame: std::marker::PhantomData,
        }
    }

    pub(super) fn format(&self) -> PixelFormat {
        self.format
    }

    pub(super) fn rows(&self, plane: usize) -> usize {
        self.format.plane_size(plane, self.size).1
    }

    /// A row to write. The caller holds no other slice of the same row.
    #[expect(unsafe_code, clippy::mut_from_ref, reason = "rows are disjoint")]
    pub(super) fn row(&self, plane: usize, y: usize) -> &mut [u8] {
        let bytes = self.format.row_bytes(plane, self.size);
        assert!(
            y < self.rows(plane) && bytes <= self.strides[plane],
            "the row is in the frame"
        );
        // SAFETY: the frame is borrowed mutably for `'a`, and has this row.
        unsafe {
            std::slice::from_raw_parts_mut(self.planes[plane].add(y * self.strides[plane]), bytes)
        }
    }
}
