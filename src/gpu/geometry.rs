//! Where the picture lies in the window.

use crate::media::Size;

/// A rectangle in window pixels, right and down from the top left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Pixels left of it.
    pub x: u32,
    /// Pixels above it.
    pub y: u32,
    /// Its size.
    pub size: Size,
}

impl Rect {
    /// Pixels from the window's left side to the right side of the rectangle.
    pub fn right(self) -> u32 {
        self.x + self.size.width()
    }

    /// Pixels from the window's top to the bottom of the rectangle.
    pub fn bottom(self) -> u32 {
        self.y + self.size.height()
    }

    /// A whole window of this size.
    pub fn whole(window: Size) -> Self {
        Self {
            x: 0,
            y: 0,
            size: window,
        }
    }

    /// The part that lies in a window of this size; all of the window where none does.
    #[must_use]
    pub fn within(self, window: Size) -> Self {
        let part = |start: u32, length: u32, all: u32| {
            let start = start.min(all);
            (start, length.min(all - start))
        };
        let (x, width) = part(self.x, self.size.width(), window.width());
        let (y, height) = part(self.y, self.size.height(), window.height());
        Size::new(width, height).map_or(Self::whole(window), |size| Self { x, y, size })
    }
}

/// How large a picture is seen.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Zoom {
    /// All of it, as large as there is room.
    #[default]
    Fit,
    /// As small as it can be and leave no room empty.
    Fill,
    /// Window pixels for each of its own.
    Scale(f32),
}

/// How a picture is put into its room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// How large it is seen.
    pub zoom: Zoom,
    /// The place in it, from 0 to 1 to the right and down, that is seen in the middle. Where there is room for
    /// all of it, it is seen in the middle itself.
    pub centre: [f32; 2],
}

impl Default for Framing {
    fn default() -> Self {
        Self {
            zoom: Zoom::Fit,
            centre: [0.5; 2],
        }
    }
}

/// Where a picture lies in the window, and where of it anything is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Placement {
    /// Window pixels from the left side to the picture's, which may lie outside.
    pub x: i64,
    /// The same from the top.
    pub y: i64,
    /// Its size in window pixels.
    pub size: Size,
    /// The part of the window that shows something of it.
    pub visible: Rect,
}

impl From<Rect> for Placement {
    /// All of the picture is seen, in this rectangle.
    fn from(rect: Rect) -> Self {
        Self {
            x: rect.x.into(),
            y: rect.y.into(),
            size: rect.size,
            visible: rect,
        }
    }
}

/// Pixels of a side, however large a picture is seen.
const LONGEST_SIDE: f64 = 65_535.0;

/// How large a picture of this size may be shown: beyond, it would be no shape of its own.
pub fn largest_scale(display: Size) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "between 1 and 65,535")]
    let scale = (LONGEST_SIDE / f64::from(display.width().max(display.height()))) as f32;
    scale
}

/// Puts a picture of this size, turned and in square pixels, into `room`.
pub fn place(display: Size, room: Rect, framing: Framing) -> Placement {
    let sides = |size: Size| [f64::from(size.width()), f64::from(size.height())];
    let (own, space) = (sides(display), sides(room.size));
    let scale = match framing.zoom {
        Zoom::Fit => {
            let inner = fit(display, room.size);
            return Placement::from(Rect {
                x: room.x + inner.x,
                y: room.y + inner.y,
                size: inner.size,
            });
        }
        Zoom::Fill => (space[0] / own[0]).max(space[1] / own[1]),
        Zoom::Scale(scale) => f64::from(scale.min(largest_scale(display))),
    };
    let start = [room.x, room.y];
    let placed: [(i64, u32, u32, u32); 2] = std::array::from_fn(|axis| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number between 1 and 65,535"
        )]
        let length = (own[axis] * scale).round().clamp(1.0, LONGEST_SIDE) as u32;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the side of a room"
        )]
        let space = space[axis] as u32;
        let hidden = i64::from(length) - i64::from(space);
        let offset = if hidden <= 0 {
            -hidden / 2
        } else {
            let middle = f64::from(framing.centre[axis]) * f64::from(length);
            #[expect(clippy::cast_possible_truncation, reason = "within the picture")]
            let before = (middle - f64::from(space) / 2.0).round() as i64;
            -before.clamp(0, hidden)
        };
        let at = i64::from(start[axis]) + offset;
        let first = start[axis] + u32::try_from(offset).unwrap_or(0);
        (at, length, first, length.min(space))
    });
    let [(x, width, left, seen_width), (y, height, top, seen_height)] = placed;
    Placement {
        x,
        y,
        size: Size::new(width, height).unwrap_or(display),
        visible: Rect {
            x: left,
            y: top,
            size: Size::new(seen_width, seen_height).unwrap_or(room.size),
        },
    }
}

/// The largest centred rectangle in `window` with the shape of `display`, in whole pixels.
///
/// `display` is the picture's size after rotation and with its sample aspect ratio applied. One side
/// always fills the window; the other is rounded to the nearest pixel and is at least one.
pub fn fit(display: Size, window: Size) -> Rect {
    let (dw, dh) = (u64::from(display.width()), u64::from(display.height()));
    let (ww, wh) = (u64::from(window.width()), u64::from(window.height()));
    let (width, height) = if ww * dh <= wh * dw {
        (ww, (ww * dh + dw / 2) / dw)
    } else {
        ((wh * dw + dh / 2) / dh, wh)
    };
    let width = u32::try_from(width)
        .unwrap_or(u32::MAX)
        .clamp(1, window.width());
    let height = u32::try_from(height)
        .unwrap_or(u32::MAX)
        .clamp(1, window.height());
    // Both sides lie within 1..=window, which is a valid size.
    let size = Size::new(width, height).unwrap_or(window);
    Rect {
        x: (window.width() - width) / 2,
        y: (window.height() - height) / 2,
        size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    #[test]
    fn the_same_shape_fills_the_window() {
        let rect = fit(size(3840, 2160), size(1280, 720));
        assert_eq!(
            rect,
            Rect {
                x: 0,
                y: 0,
                size: size(1280, 720)
            }
        );
    }

    #[test]
    fn bars_are_equal_on_both_sides() {
        assert_eq!(
            fit(size(1440, 1080), size(1280, 720)),
            Rect {
                x: 160,
                y: 0,
                size: size(960, 720)
            }
        );
        assert_eq!(
            fit(size(2048, 858), size(1280, 720)),
            Rect {
                x: 0,
                y: 92,
                size: size(1280, 536)
            }
        );
    }

    #[test]
    fn a_line_keeps_one_pixel() {
        assert_eq!(fit(size(65_535, 1), size(100, 100)).size, size(100, 1));
        assert_eq!(fit(size(1, 65_535), size(100, 100)).size, size(1, 100));
    }

    #[test]
    fn a_part_of_a_room_outside_is_the_window() {
        let window = size(100, 50);
        let rect = |x, y, w, h| Rect {
            x,
            y,
            size: size(w, h),
        };
        assert_eq!(rect(10, 5, 20, 20).within(window), rect(10, 5, 20, 20));
        assert_eq!(rect(90, 40, 20, 20).within(window), rect(90, 40, 10, 10));
        assert_eq!(rect(100, 0, 20, 20).within(window), Rect::whole(window));
    }

    #[test]
    fn what_is_larger_than_its_room_is_seen_around_its_centre() {
        let room = Rect {
            x: 100,
            y: 10,
            size: size(200, 100),
        };
        let framing = |zoom, centre| Framing { zoom, centre };
        let all = place(size(400, 400), room, framing(Zoom::Scale(1.0), [0.5, 0.5]));
        assert_eq!((all.x, all.y, all.size), (0, -140, size(400, 400)));
        assert_eq!(all.visible, room);
        // Farther than its corner there is nothing to see.
        let corner = place(size(400, 400), room, framing(Zoom::Scale(1.0), [0.0, 1.0]));
        assert_eq!((corner.x, corner.y), (100, -290));
        let small = place(size(20, 400), room, framing(Zoom::Scale(0.5), [0.9, 0.5]));
        assert_eq!((small.x, small.visible.size), (195, size(10, 100)));
        assert_eq!(small.visible.x, 195);
        let fill = place(size(400, 400), room, framing(Zoom::Fill, [0.5, 0.5]));
        assert_eq!((fill.size, fill.y), (size(200, 200), -40));
        let fitted = place(size(400, 400), room, Framing::default());
        assert_eq!((fitted.x, fitted.y, fitted.size), (150, 10, size(100, 100)));
    }

    proptest! {
        #[test]
        fn what_is_seen_lies_in_the_room_and_in_the_picture(
            dw in 1_u32..=65_535, dh in 1_u32..=65_535, x in 0_u32..4000, y in 0_u32..4000,
            ww in 1_u32..=8_192, wh in 1_u32..=8_192, scale in 0.001_f32..64.0,
            cx in -1.0_f32..2.0, cy in -1.0_f32..2.0,
        ) {
            let room = Rect { x, y, size: size(ww, wh) };
            let framing = Framing { zoom: Zoom::Scale(scale), centre: [cx, cy] };
            let placed = place(size(dw, dh), room, framing);
            let seen = placed.visible;
            prop_assert!(seen.x >= room.x && seen.y >= room.y);
            prop_assert!(seen.right() <= room.right() && seen.bottom() <= room.bottom());
            prop_assert!(placed.x <= i64::from(seen.x) && placed.y <= i64::from(seen.y));
            prop_assert!(i64::from(seen.right()) <= placed.x + i64::from(placed.size.width()));
            prop_assert!(i64::from(seen.bottom()) <= placed.y + i64::from(placed.size.height()));
        }

        #[test]
        fn it_lies_inside_centred_and_touches_two_sides(
            dw in 1_u32..=65_535, dh in 1_u32..=65_535, ww in 1_u32..=65_535, wh in 1_u32..=65_535,
        ) {
            let window = size(ww, wh);
            let rect = fit(size(dw, dh), window);
            prop_assert!(rect.right() <= ww && rect.bottom() <= wh);
            prop_assert!(rect.size.width() == ww || rect.size.height() == wh);
            let (right_bar, bottom_bar) = (ww - rect.right(), wh - rect.bottom());
            prop_assert!(right_bar - rect.x <= 1 && bottom_bar - rect.y <= 1);
        }
    }
}
