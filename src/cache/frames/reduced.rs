//! Frames at the size that they are shown at: what is far from the playhead is kept as the picture that the
//! converter makes of it, which takes a fraction of the memory of a 4K frame.
//!
//! Such a frame is shown as exactly as the whole one, for the converter passes on what it made itself. It is good
//! for one size only; when the window changes, all of them go.

use crate::convert::pipeline::ColorPath;
use crate::convert::{ConvertJob, CpuConverter};
use crate::media::{ColorInfo, FieldOrder, Orientation, PixelFormat, Size, VideoFrame};
use crate::memory::FramePool;

/// How such a frame is stored.
pub(super) const FORMAT: PixelFormat = PixelFormat::RGB_PLANAR8;

/// A reduced frame must be so many times smaller to be worth making.
const LEAST_GAIN: u64 = 2;

/// Bytes that a frame takes at this size: whole pages.
pub(super) fn reduced_bytes(size: Size) -> u64 {
    (FORMAT.packed_bytes(size) as u64).next_multiple_of(4096)
}

/// Whether frames of `frame_bytes` are worth reducing to `size`.
pub(super) fn is_worth_it(frame_bytes: u64, size: Size) -> bool {
    reduced_bytes(size) * LEAST_GAIN <= frame_bytes
}

/// Whether what is shown of `frame` at `size` is all that is seen of it.
pub(super) fn is_reducible(frame: &VideoFrame, size: Size) -> bool {
    frame.fields == FieldOrder::Progressive
        && !frame.format.alpha
        && size.width() <= frame.size.width()
        && size.height() <= frame.size.height()
        // The long way through light would cost more than to decode the frame again.
        && matches!(ColorPath::new(&frame.color, frame.format), ColorPath::Direct(_))
}

/// Makes frames smaller.
#[derive(Debug)]
pub(super) struct Reducer {
    converter: CpuConverter,
    rgba: Vec<u8>,
}

impl Reducer {
    /// A reducer that works on its caller's thread.
    pub(super) fn new() -> Self {
        Self {
            converter: CpuConverter::new(1),
            rgba: Vec::new(),
        }
    }

    /// `frame`, which [`is_reducible`], at `size`, in a slot of `pool`. `None` where that cannot be had.
    pub(super) fn reduce(
        &mut self,
        frame: &VideoFrame,
        size: Size,
        pool: &FramePool,
    ) -> Option<VideoFrame> {
        puffin::profile_scope!("reduce");
        // Whole frames are not let go of for it: their slots are of another size.
        let slot = pool.acquire_spare(FORMAT.packed_bytes(size))?;
        let stride = size.width() as usize * 4;
        self.rgba.resize(stride * size.height() as usize, 0);
        // It is turned when it is shown.
        let job = ConvertJob {
            out: size,
            orientation: Orientation::default(),
        };
        self.converter
            .convert(frame, &job, &mut self.rgba, stride)
            .ok()?;
        let (pixels, _) = self.rgba.as_chunks::<4>();
        let color = ColorInfo::SCREEN_RGB;
        let mut reduced = VideoFrame::in_slot(frame.id, slot, (FORMAT, size), color, |bytes| {
            for (plane, component) in bytes.chunks_exact_mut(pixels.len()).zip([1, 2, 0]) {
                for (sample, pixel) in plane.iter_mut().zip(pixels) {
                    *sample = pixel[component];
                }
            }
        });
        reduced.stands_for = Some(frame.shown_as());
        Some(reduced)
    }
}
