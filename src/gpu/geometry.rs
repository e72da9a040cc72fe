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

    proptest! {
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
