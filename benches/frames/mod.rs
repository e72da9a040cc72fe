//! Pictures that benchmarks show.

use jogwheel::media::{ColorInfo, PixelFormat, Size, VideoFrame};

pub(crate) fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).expect("a valid size")
}

/// A frame whose rows start at multiples of 256 bytes, as those of the frame pool do. Another `seed` makes
/// another picture.
pub(crate) fn frame(format: PixelFormat, size: Size, seed: usize) -> VideoFrame {
    let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|plane| {
            let stride = format.row_bytes(plane, size).next_multiple_of(256);
            let rows = format.plane_size(plane, size).1;
            let bytes = (0..stride * rows)
                .map(|i| ((i + seed) * 7 % 220 + 16).to_le_bytes()[0])
                .collect();
            (bytes, stride)
        })
        .collect();
    VideoFrame::from_planes(format, size, ColorInfo::BT709_LIMITED, &planes)
}
