//! What a single pixel holds: its codes as they were decoded, and the colour that they mean.

use super::pipeline::ColorPath;
use super::reference::{code_at, component_count};
use crate::media::{ColorModel, Orientation, PixelFormat, VideoFrame};

/// A pixel of a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelReading {
    /// Its column and row in the picture as stored, counted from 0 at the top left.
    pub place: [u32; 2],
    /// Its codes, by the names of their components: `Y 235`, `Cb 128`. Colour differences are those of the sample
    /// that covers the pixel, not interpolated.
    pub codes: Vec<(&'static str, u32)>,
    /// R'G'B' for display, 0 to 1, by the same path as the picture on screen.
    pub rgb: [f64; 3],
    /// Straight alpha, 0 to 1, where there is any.
    pub alpha: Option<f64>,
}

/// Reads the pixel at a place in the picture as shown, from 0 to 1 to the right and down; `None` outside.
///
/// # Panics
/// When the frame's storage does not match its format and size.
pub fn read_pixel(
    frame: &VideoFrame,
    orientation: Orientation,
    shown: [f32; 2],
) -> Option<PixelReading> {
    if !shown.iter().all(|part| (0.0..1.0).contains(part)) {
        return None;
    }
    let map = orientation.stored_from_shown();
    let [x, y] = shown;
    let side = |part: f32, length: u32| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the picture, which is at most 65,535 wide"
        )]
        let at = (part.max(0.0) * length as f32) as u32;
        at.min(length - 1)
    };
    let column = side(map[0] * x + map[1] * y + map[2], frame.size.width());
    let row = side(map[3] * x + map[4] * y + map[5], frame.size.height());
    let format = frame.format;
    let codes: Vec<f64> = (0..component_count(format))
        .map(|component| {
            let is_chroma = format.model == ColorModel::Yuv && (1..=2).contains(&component);
            let (log2_x, log2_y) = if is_chroma {
                (format.subsampling.log2_x, format.subsampling.log2_y)
            } else {
                (0, 0)
            };
            let (x, y) = (column >> log2_x, row >> log2_y);
            code_at(frame, component, x as usize, y as usize)
        })
        .collect();
    let mut colours = [0.0; 3];
    for (colour, code) in colours.iter_mut().zip(&codes) {
        *colour = *code;
    }
    let rgb = ColorPath::new(&frame.color, format).apply(colours);
    let alpha = format.alpha.then(|| codes.last().copied()).flatten();
    Some(PixelReading {
        place: [column, row],
        codes: names(format)
            .zip(codes.iter().map(|code| whole(*code)))
            .collect(),
        rgb,
        alpha: alpha.map(|code| (code / f64::from(format.depth.max_code())).min(1.0)),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a code of 16 bits at most"
)]
fn whole(code: f64) -> u32 {
    code as u32
}

/// Names of the components, in the order of their planes.
fn names(format: PixelFormat) -> impl Iterator<Item = &'static str> {
    let colours: &[&'static str] = match format.model {
        ColorModel::Gray => &["Y"],
        ColorModel::Yuv => &["Y", "Cb", "Cr"],
        // Planes of R'G'B' lie in this order.
        ColorModel::Rgb => &["G", "B", "R"],
    };
    let alpha = format.alpha.then_some("A");
    colours.iter().copied().chain(alpha)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{ColorInfo, Size};

    #[test]
    fn codes_are_those_of_the_pixel_and_of_the_sample_that_covers_it() {
        let size = Size::new(4, 2).unwrap();
        let luma: Vec<u8> = (100..108).collect();
        let planes = [(luma, 4), (vec![110, 120], 2), (vec![140, 150], 2)];
        let frame = VideoFrame::from_planes(
            PixelFormat::YUV420P8,
            size,
            ColorInfo::BT709_LIMITED,
            &planes,
        );
        let read = read_pixel(&frame, Orientation::UPRIGHT, [0.9, 0.6]).unwrap();
        assert_eq!(read.place, [3, 1]);
        assert_eq!(read.codes, [("Y", 107), ("Cb", 120), ("Cr", 150)]);
        assert_eq!(read.alpha, None);
        // Turned by a half, the last pixel is the first one shown.
        let turned = Orientation::new(false, 2);
        let read = read_pixel(&frame, turned, [0.05, 0.1]).unwrap();
        assert_eq!(read.place, [3, 1]);
        assert_eq!(read_pixel(&frame, turned, [1.0, 0.5]), None);
        assert_eq!(read_pixel(&frame, turned, [0.5, -0.1]), None);
    }

    #[test]
    fn black_and_white_of_limited_range_are_black_and_white() {
        let size = Size::new(2, 2).unwrap();
        let planes = [(vec![16, 235, 16, 235], 2), (vec![128], 1), (vec![128], 1)];
        let frame = VideoFrame::from_planes(
            PixelFormat::YUV420P8,
            size,
            ColorInfo::BT709_LIMITED,
            &planes,
        );
        for (x, wanted) in [(0.2, 0.0), (0.7, 1.0)] {
            let read = read_pixel(&frame, Orientation::UPRIGHT, [x, 0.2]).unwrap();
            for part in read.rgb {
                assert!((part - wanted).abs() < 1e-3, "{read:?}");
            }
        }
    }
}
