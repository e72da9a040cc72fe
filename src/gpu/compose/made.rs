//! Pictures that are made, not decoded: one colour, colour bars, a checkerboard.

use std::sync::Arc;

use crate::media::{
    ColorInfo, ColorModel, ColorRange, MatrixCoefficients, PixelFormat, Size, Subsampling,
    VideoFrame,
};

/// Pictures kept: those of one composite, in all likelihood.
const KEPT: usize = 16;
/// Squares of a checkerboard from top to bottom.
const SQUARES: usize = 18;
/// Its grays, those that are seen through a transparent picture.
const DARK: u8 = 102;
const BRIGHT: u8 = 153;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    /// One colour: R, G, B and straight alpha.
    Solid([u8; 4]),
    /// SMPTE EG 1-1990 colour bars, 75 %.
    Bars,
    /// Squares in two grays.
    Checkerboard,
}

impl Pattern {
    /// One colour, from parts of 1; the nearest 8-bit code of each is taken.
    pub(super) fn solid(color: [f32; 4]) -> Self {
        Self::Solid(color.map(code))
    }

    pub(super) fn is_opaque(self) -> bool {
        !matches!(self, Self::Solid([_, _, _, alpha]) if alpha < u8::MAX)
    }

    /// The colour at column `x` and row `y` of a picture of this size.
    fn at(self, x: usize, y: usize, width: usize, height: usize) -> [u8; 4] {
        let [red, green, blue] = match self {
            Self::Solid(color) => return color,
            Self::Bars => bar(x, y, width, height),
            Self::Checkerboard => {
                // Squares, whatever the shape of the picture.
                let square = |at: usize| at * SQUARES / height;
                let is_bright = (square(x) + square(y)).is_multiple_of(2);
                [if is_bright { BRIGHT } else { DARK }; 3]
            }
        };
        [red, green, blue, u8::MAX]
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a code of 0 to 255; 0 where it is no number"
)]
fn code(part: f32) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Three quarters of full signal.
const HIGH: u8 = 191;
/// Gray, yellow, cyan, green, magenta, red, blue: the upper two thirds.
const UPPER: [[u8; 3]; 7] = [
    [HIGH, HIGH, HIGH],
    [HIGH, HIGH, 0],
    [0, HIGH, HIGH],
    [0, HIGH, 0],
    [HIGH, 0, HIGH],
    [HIGH, 0, 0],
    [0, 0, HIGH],
];
/// The same without the others' primaries, from right to left: a twelfth.
const MIDDLE: [[u8; 3]; 7] = [
    [0, 0, HIGH],
    [0, 0, 0],
    [HIGH, 0, HIGH],
    [0, 0, 0],
    [0, HIGH, HIGH],
    [0, 0, 0],
    [HIGH, HIGH, HIGH],
];
/// -I, white, +Q and black, five quarters of a bar each.
const LOWER: [[u8; 3]; 4] = [[0, 33, 76], [255, 255, 255], [50, 0, 106], [0, 0, 0]];
/// Below black (which codes of the full range do not have), black and above black, a third of a bar each.
const PLUGE: [[u8; 3]; 3] = [[0, 0, 0], [0, 0, 0], [10, 10, 10]];

/// SMPTE EG 1-1990.
fn bar(x: usize, y: usize, width: usize, height: usize) -> [u8; 3] {
    // In 84ths of the width: a bar is 12 of them.
    let across = x * 84 / width;
    match y * 12 / height {
        0..8 => UPPER[across / 12],
        8 => MIDDLE[across / 12],
        _ if across < 60 => LOWER[across / 15],
        _ if across < 72 => PLUGE[(across - 60) / 4],
        _ => [0; 3],
    }
}

/// Makes patterns into frames and keeps those made last, so that they go the way of all frames and are
/// converted once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// The one used last at the end.
    made: Vec<(Pattern, Arc<VideoFrame>)>,
}

impl Patterns {
    /// The frame of a pattern.
    pub(super) fn frame(&mut self, pattern: Pattern, size: Size) -> Arc<VideoFrame> {
        let known = self
            .made
            .iter()
            .position(|(made, frame)| *made == pattern && frame.size == size);
        let entry = match known {
            Some(at) => self.made.remove(at),
            None => (pattern, Arc::new(frame_of(pattern, size))),
        };
        let frame = Arc::clone(&entry.1);
        if self.made.len() >= KEPT {
            self.made.remove(0);
        }
        self.made.push(entry);
        frame
    }
}

fn frame_of(pattern: Pattern, size: Size) -> VideoFrame {
    let format = PixelFormat {
        model: ColorModel::Rgb,
        subsampling: Subsampling::S444,
        alpha: !pattern.is_opaque(),
        ..PixelFormat::YUV420P8
    };
    let (width, height) = (size.width() as usize, size.height() as usize);
    // Planes are G, B, R and alpha.
    let planes: Vec<(Vec<u8>, usize)> = [1, 2, 0, 3]
        .into_iter()
        .take(format.plane_count())
        .map(|component| {
            let codes = (0..width * height)
                .map(|index| pattern.at(index % width, index / width, width, height)[component]);
            (codes.collect(), width)
        })
        .collect();
    let color = ColorInfo {
        range: ColorRange::Full,
        matrix: MatrixCoefficients::Identity,
        ..ColorInfo::BT709_LIMITED
    };
    VideoFrame::from_planes(format, size, color, &planes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_where_the_standard_has_them() {
        let at = |x, y| Pattern::Bars.at(x, y, 1920, 1080);
        assert_eq!(at(0, 0), [191, 191, 191, 255]);
        assert_eq!(at(1919, 719), [0, 0, 191, 255]);
        assert_eq!(at(0, 720), [0, 0, 191, 255]);
        assert_eq!(at(1919, 809), [191, 191, 191, 255]);
        assert_eq!(at(342, 900), [0, 33, 76, 255]);
        assert_eq!(at(343, 900), [255, 255, 255, 255]);
        assert_eq!(at(1600, 1079), [10, 10, 10, 255]);
        assert_eq!(at(1919, 1079), [0, 0, 0, 255]);
    }

    #[test]
    fn what_was_made_is_kept_while_it_is_used() {
        let mut patterns = Patterns::default();
        let size = Size::new(16, 9).unwrap();
        let first = patterns.frame(Pattern::Bars, size);
        for number in 0..100 {
            patterns.frame(Pattern::Solid([number, 0, 0, 255]), size);
            assert!(Arc::ptr_eq(&first, &patterns.frame(Pattern::Bars, size)));
            assert!(patterns.made.len() <= KEPT);
        }
    }

    #[test]
    fn colours_are_the_nearest_codes() {
        assert_eq!(
            Pattern::solid([0.5, -1.0, 2.0, f32::NAN]),
            Pattern::Solid([128, 0, 255, 0])
        );
        assert!(Pattern::solid([0.0, 0.0, 0.0, 0.999]).is_opaque());
        assert!(!Pattern::solid([0.0, 0.0, 0.0, 0.99]).is_opaque());
    }
}
