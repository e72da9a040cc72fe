//! Pictures of generators: plain colours, colour bars, a checkerboard.

use super::canvas::{Area, Canvas, Rgb, whole};
use crate::media::{Size, VideoFrame};
use crate::timeline::Generator;

/// The two greys of a checkerboard.
const SQUARES: [Rgb; 2] = [[92, 92, 92], [148, 148, 148]];

/// Squares from top to bottom.
const SQUARES_HIGH: u32 = 12;

/// The picture of a generator; `None` where the player does not know what it makes.
pub fn generated(generator: Generator, size: Size) -> Option<VideoFrame> {
    match generator {
        Generator::Solid([red, green, blue, alpha]) => {
            let canvas = Canvas::new(size, [red, green, blue].map(code));
            Some(canvas.into_frame_with_alpha(code(alpha)))
        }
        Generator::Bars => Some(bars(size).into_frame()),
        Generator::Checkerboard => Some(checkerboard(size).into_frame()),
        Generator::Unknown => None,
    }
}

/// The code of a value from 0 to 1.
fn code(value: f32) -> u8 {
    u8::try_from(whole(value.clamp(0.0, 1.0) * 255.0)).unwrap_or(0)
}

fn checkerboard(size: Size) -> Canvas {
    let mut canvas = Canvas::new(size, SQUARES[0]);
    let side = size.height().div_ceil(SQUARES_HIGH);
    let mut is_second_row = true;
    for (y, row) in (0..).zip(0..size.height()) {
        if row.is_multiple_of(side) {
            is_second_row = !is_second_row;
        }
        for (n, squares) in canvas.row_mut(y).chunks_mut(side as usize).enumerate() {
            squares.fill(SQUARES[usize::from((n % 2 == 1) != is_second_row)]);
        }
    }
    canvas
}

const GREY: Rgb = [192, 192, 192];
const YELLOW: Rgb = [192, 192, 0];
const CYAN: Rgb = [0, 192, 192];
const GREEN: Rgb = [0, 192, 0];
const MAGENTA: Rgb = [192, 0, 192];
const RED: Rgb = [192, 0, 0];
const BLUE: Rgb = [0, 0, 192];
const BLACK: Rgb = [19, 19, 19];

/// A row of patches: where it begins and ends, in parts of the height, and the width (in twelfths of a bar)
/// and colour of each.
type BarRow = (f32, f32, Vec<(u16, Rgb)>);

/// SMPTE EG 1-1990 colour bars, as sRGB codes: seven bars of 75 %, the reverse row below them, and at the
/// foot -I, white, +Q and black, with the three steps for setting a monitor's black.
fn bars(size: Size) -> Canvas {
    let mut canvas = Canvas::new(size, BLACK);
    let equal = |colors: [Rgb; 7]| colors.map(|color| (12, color)).to_vec();
    let rows: [BarRow; 3] = [
        (
            0.0,
            2.0 / 3.0,
            equal([GREY, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE]),
        ),
        (
            2.0 / 3.0,
            0.75,
            equal([BLUE, BLACK, MAGENTA, BLACK, CYAN, BLACK, GREY]),
        ),
        (
            0.75,
            1.0,
            vec![
                (15, [0, 33, 76]),
                (15, [255, 255, 255]),
                (15, [50, 0, 106]),
                (15, BLACK),
                (4, [9, 9, 9]),
                (4, BLACK),
                (4, [29, 29, 29]),
                (12, BLACK),
            ],
        ),
    ];
    let (width, height) = (canvas.size().width() as f32, canvas.size().height() as f32);
    for (top, bottom, patches) in rows {
        let mut at = 0;
        for (twelfths, color) in patches {
            let x = |twelfths: u16| width * f32::from(twelfths) / 84.0;
            let patch = Area {
                left: x(at),
                top: height * top,
                right: x(at + twelfths),
                bottom: height * bottom,
            };
            canvas.fill(patch, color);
            at += twelfths;
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(frame: &VideoFrame, x: usize, y: usize) -> Rgb {
        [2, 0, 1].map(|plane| frame.plane(plane).row(y)[x])
    }

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    #[test]
    fn solids_have_their_color_and_alpha() {
        let frame = generated(Generator::Solid([1.0, 0.5, 0.0, 1.0]), size(3, 2)).unwrap();
        assert_eq!(pixel(&frame, 2, 1), [255, 128, 0]);
        assert!(!frame.format.alpha);
        let half = generated(Generator::Solid([0.0, 2.0, f32::NAN, 0.5]), size(3, 2)).unwrap();
        assert_eq!(pixel(&half, 0, 0), [0, 255, 0]);
        assert_eq!(half.plane(3).row(1), [128; 3]);
        assert!(generated(Generator::Unknown, size(3, 2)).is_none());
    }

    #[test]
    fn bars_are_where_the_guideline_puts_them() {
        let frame = generated(Generator::Bars, size(840, 480)).unwrap();
        let columns = [60, 180, 300, 420, 540, 660, 780];
        let row = |y: usize| columns.map(|x| pixel(&frame, x, y));
        assert_eq!(row(10), [GREY, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE]);
        assert_eq!(row(340), [BLUE, BLACK, MAGENTA, BLACK, CYAN, BLACK, GREY]);
        assert_eq!(pixel(&frame, 200, 470), [255; 3]);
        assert_eq!(
            [620, 660, 700].map(|x| pixel(&frame, x, 400)[0]),
            [9, 19, 29]
        );
        assert_eq!(pixel(&frame, 839, 479), BLACK);
    }

    #[test]
    fn a_checkerboard_alternates_both_ways_at_any_size() {
        let frame = generated(Generator::Checkerboard, size(48, 24)).unwrap();
        assert_eq!(pixel(&frame, 0, 0), SQUARES[0]);
        assert_eq!(pixel(&frame, 2, 0), SQUARES[1]);
        assert_eq!(pixel(&frame, 0, 2), SQUARES[1]);
        assert_eq!(pixel(&frame, 2, 2), SQUARES[0]);
        assert!(generated(Generator::Checkerboard, size(1, 1)).is_some());
        assert!(generated(Generator::Bars, size(1, 1)).is_some());
    }
}
