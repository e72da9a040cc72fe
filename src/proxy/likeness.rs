//! How alike two pictures are.

use ffmpeg_next as ffmpeg;

/// Side of the blocks that are compared.
const BLOCK: usize = 8;

/// From one block to the next.
const STEP: usize = 4;

/// What comparing two pictures gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    /// Mean structural similarity of luma, 1 when they are the same: Wang et al., "Image quality
    /// assessment: from error visibility to structural similarity", 2004, with blocks of 8 by 8 for windows.
    pub(super) structure: f64,
    /// Mean difference of the blocks' means, in codes of 8 bits, of the plane where it is greatest.
    pub(super) levels: f64,
}

/// Compares two pictures of one size in planar YCbCr 4:2:0 with 8 bits.
pub(super) fn likeness(a: &ffmpeg::frame::Video, b: &ffmpeg::frame::Video) -> Likeness {
    let mut levels = 0.0f64;
    let mut structure = 1.0;
    for plane in 0..3 {
        let of = |frame| PlaneView::new(frame, plane);
        let found = compare(&of(a), &of(b));
        levels = levels.max(found.levels);
        if plane == 0 {
            structure = found.structure;
        }
    }
    Likeness { structure, levels }
}

struct PlaneView<'a> {
    bytes: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a> PlaneView<'a> {
    fn new(frame: &'a ffmpeg::frame::Video, plane: usize) -> Self {
        Self {
            bytes: frame.data(plane),
            stride: frame.stride(plane),
            width: frame.plane_width(plane) as usize,
            height: frame.plane_height(plane) as usize,
        }
    }
}

fn compare(a: &PlaneView<'_>, b: &PlaneView<'_>) -> Likeness {
    // Pictures that are smaller than a block are one block.
    let (wide, high) = (BLOCK.min(a.width), BLOCK.min(a.height));
    let (mut structure, mut levels, mut blocks) = (0.0, 0.0, 0.0f64);
    for y in (0..=a.height - high).step_by(STEP) {
        for x in (0..=a.width - wide).step_by(STEP) {
            let mut sums = Sums::default();
            for row in y..y + high {
                let of = |plane: &PlaneView<'_>| row * plane.stride + x;
                let (from_a, from_b) = (of(a), of(b));
                sums.add(
                    &a.bytes[from_a..from_a + wide],
                    &b.bytes[from_b..from_b + wide],
                );
            }
            let (similarity, difference) =
                sums.compare(f64::from(u32::try_from(wide * high).unwrap_or(1)));
            structure += similarity;
            levels += difference;
            blocks += 1.0;
        }
    }
    let blocks = blocks.max(1.0);
    Likeness {
        structure: structure / blocks,
        levels: levels / blocks,
    }
}

#[derive(Default)]
struct Sums {
    a: u32,
    b: u32,
    aa: u32,
    bb: u32,
    ab: u32,
}

impl Sums {
    fn add(&mut self, a: &[u8], b: &[u8]) {
        for (&a, &b) in a.iter().zip(b) {
            let (a, b) = (u32::from(a), u32::from(b));
            self.a += a;
            self.b += b;
            self.aa += a * a;
            self.bb += b * b;
            self.ab += a * b;
        }
    }

    /// Structural similarity, and the difference of the means.
    fn compare(&self, count: f64) -> (f64, f64) {
        const C1: f64 = 0.01 * 0.01 * 255.0 * 255.0;
        const C2: f64 = 0.03 * 0.03 * 255.0 * 255.0;
        let mean = |sum: u32| f64::from(sum) / count;
        let (a, b) = (mean(self.a), mean(self.b));
        let (var_a, var_b) = (mean(self.aa) - a * a, mean(self.bb) - b * b);
        let covariance = mean(self.ab) - a * b;
        let luminance = (2.0 * a * b + C1) / (a * a + b * b + C1);
        let contrast = (2.0 * covariance + C2) / (var_a + var_b + C2);
        (luminance * contrast, (a - b).abs())
    }
}

#[cfg(test)]
mod tests {
    use ffmpeg_next::format::Pixel;

    use super::*;

    fn picture(size: (u32, u32), code: impl Fn(usize, usize) -> u8) -> ffmpeg::frame::Video {
        let mut frame = ffmpeg::frame::Video::new(Pixel::YUV420P, size.0, size.1);
        for plane in 0..3 {
            let stride = frame.stride(plane);
            let (width, height) = (frame.plane_width(plane), frame.plane_height(plane));
            for y in 0..height as usize {
                for x in 0..width as usize {
                    frame.data_mut(plane)[y * stride + x] = code(x, y);
                }
            }
        }
        frame
    }

    #[test]
    fn the_same_is_alike_and_another_is_not() {
        let stripes = |x: usize, y: usize| u8::from((x / 3 + y / 5).is_multiple_of(2)) * 180 + 20;
        let base = picture((66, 50), stripes);
        let same = likeness(&base, &picture((66, 50), stripes));
        assert!(
            (same.structure - 1.0).abs() < 1e-9 && same.levels < 1e-9,
            "{same:?}"
        );
        let moved = likeness(&base, &picture((66, 50), |x, y| stripes(x + 3, y)));
        assert!(moved.structure < 0.3, "{moved:?}");
        let brighter = likeness(&base, &picture((66, 50), |x, y| stripes(x, y) + 10));
        assert!(brighter.structure > 0.8, "{brighter:?}");
        assert!((brighter.levels - 10.0).abs() < 1e-9, "{brighter:?}");
        // Smaller than a block.
        let tiny = likeness(&picture((2, 2), |_, _| 9), &picture((2, 2), |_, _| 9));
        assert!((tiny.structure - 1.0).abs() < 1e-9, "{tiny:?}");
    }
}
