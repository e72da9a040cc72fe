//! A picture to paint on.

use crate::media::{ColorInfo, PixelFormat, Size, VideoFrame};

/// Red, green and blue, as sRGB codes.
pub(super) type Rgb = [u8; 3];

/// A rectangle in pixels; its edges are rounded when it is painted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Area {
    /// Smaller by `by` on every side.
    pub(super) fn shrunk(self, by: f32) -> Self {
        Self {
            left: self.left + by,
            top: self.top + by,
            right: self.right - by,
            bottom: self.bottom - by,
        }
    }
}

/// The whole number nearest to `value`, within the range of pictures.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped just before; no number is taken for zero"
)]
pub(super) fn whole(value: f32) -> i32 {
    value.round().clamp(-100_000.0, 100_000.0) as i32
}

/// One opaque colour at each pixel.
pub(super) struct Canvas {
    size: Size,
    pixels: Vec<Rgb>,
}

impl Canvas {
    /// All of one colour.
    pub(super) fn new(size: Size, color: Rgb) -> Self {
        let count = size.width() as usize * size.height() as usize;
        Self {
            size,
            pixels: vec![color; count],
        }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// The pixels of row `y`; none outside the picture.
    pub(super) fn row_mut(&mut self, y: i32) -> &mut [Rgb] {
        let width = self.size.width() as usize;
        let inside = u32::try_from(y).ok().filter(|&y| y < self.size.height());
        let start = inside.map_or(0, |y| y as usize * width);
        let end = if inside.is_some() { start + width } else { 0 };
        &mut self.pixels[start..end]
    }

    /// Fills a rectangle; what lies outside the picture is cut off.
    pub(super) fn fill(&mut self, area: Area, color: Rgb) {
        let column = |x: f32| usize::try_from(whole(x)).unwrap_or(0);
        for y in whole(area.top)..whole(area.bottom) {
            let row = self.row_mut(y);
            let right = column(area.right).min(row.len());
            if let Some(pixels) = row.get_mut(column(area.left).min(right)..right) {
                pixels.fill(color);
            }
        }
    }

    /// Lays `color` over a pixel, `coverage` of it (0 to 1).
    pub(super) fn blend(&mut self, x: i32, y: i32, color: Rgb, coverage: f32) {
        let row = self.row_mut(y);
        let Some(pixel) = usize::try_from(x).ok().and_then(|x| row.get_mut(x)) else {
            return;
        };
        for (below, above) in pixel.iter_mut().zip(color) {
            let from = f32::from(*below);
            let mixed = whole(from + (f32::from(above) - from) * coverage.clamp(0.0, 1.0));
            *below = u8::try_from(mixed).unwrap_or(*below);
        }
    }

    /// The picture as a frame.
    pub(super) fn into_frame(self) -> VideoFrame {
        self.into_frame_with_alpha(u8::MAX)
    }

    /// The picture as a frame with this alpha all over; 255 needs no plane for it.
    pub(super) fn into_frame_with_alpha(self, alpha: u8) -> VideoFrame {
        let format = PixelFormat {
            alpha: alpha < u8::MAX,
            ..PixelFormat::RGB_PLANAR8
        };
        let stride = self.size.width() as usize;
        let component = |index: usize| self.pixels.iter().map(|pixel| pixel[index]).collect();
        // H.273 numbers the planes of R'G'B' so: G, B, R.
        let mut planes: Vec<(Vec<u8>, usize)> =
            [1, 2, 0].map(|index| (component(index), stride)).into();
        if format.alpha {
            planes.push((vec![alpha; self.pixels.len()], stride));
        }
        VideoFrame::from_planes(format, self.size, ColorInfo::SCREEN_RGB, &planes)
    }
}
