//! The edges of wipes.

use super::place::Area;
use crate::media::Size;
use crate::timeline::WipeEdge;

/// What of an area a wipe uncovers, where that is no rectangle. Points are given from the middle of the
/// picture, right and down, in pixels; all edges are sharp.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mask {
    /// All of it.
    All,
    /// Where `across * x + down * y < limit`.
    HalfPlane { across: f32, down: f32, limit: f32 },
    /// Within a circle.
    Circle { radius_squared: f32 },
    /// Between the hand of a clock that points up and one that points this way; both clockwise.
    Sector {
        hand_x: f32,
        hand_y: f32,
        /// Whether it is more than half of a circle.
        is_wide: bool,
    },
}

impl Mask {
    /// How the shader names its kind.
    pub(super) fn kind(self) -> u32 {
        match self {
            Self::All => 0,
            Self::HalfPlane { .. } => 1,
            Self::Circle { .. } => 2,
            Self::Sector { is_wide: false, .. } => 3,
            Self::Sector { is_wide: true, .. } => 4,
        }
    }

    /// Its numbers, as the shader takes them.
    pub(super) fn numbers(self) -> [f32; 3] {
        match self {
            Self::All => [0.0; 3],
            Self::HalfPlane {
                across,
                down,
                limit,
            } => [across, down, limit],
            Self::Circle { radius_squared } => [radius_squared, 0.0, 0.0],
            Self::Sector { hand_x, hand_y, .. } => [hand_x, hand_y, 0.0],
        }
    }

    /// Whether a point is uncovered.
    pub(super) fn shows(self, x: f32, y: f32) -> bool {
        match self {
            Self::All => true,
            Self::HalfPlane {
                across,
                down,
                limit,
            } => across * x + down * y < limit,
            Self::Circle { radius_squared } => x * x + y * y < radius_squared,
            Self::Sector {
                hand_x,
                hand_y,
                is_wide,
            } => {
                let past_the_top = x >= 0.0;
                let before_the_hand = hand_x * y - hand_y * x < 0.0;
                if is_wide {
                    past_the_top || before_the_hand
                } else {
                    past_the_top && before_the_hand
                }
            }
        }
    }
}

/// What a wipe uncovers of a picture of `size`: a rectangle, and a mask within it. Straight edges along
/// the sides lie at the nearest whole pixel.
pub(super) fn uncovered(edge: WipeEdge, progress: f32, size: Size) -> (Area, Mask) {
    let whole = Area::whole(size);
    // What is no number has not begun.
    let part = f64::from(progress.clamp(0.0, 1.0));
    if part >= 1.0 {
        return (whole, Mask::All);
    }
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    if part.is_nan() || part <= 0.0 {
        return (Area::nearest([0.0; 4]), Mask::All);
    }
    let (across, down) = (width * part, height * part);
    let (rest_x, rest_y) = (width - across, height - down);
    let rectangle =
        |left, top, right, bottom| (Area::nearest([left, top, right, bottom]), Mask::All);
    match edge {
        WipeEdge::LeftToRight => rectangle(0.0, 0.0, across, height),
        WipeEdge::RightToLeft => rectangle(rest_x, 0.0, width, height),
        WipeEdge::TopToBottom => rectangle(0.0, 0.0, width, down),
        WipeEdge::BottomToTop => rectangle(0.0, rest_y, width, height),
        WipeEdge::BoxTopLeft => rectangle(0.0, 0.0, across, down),
        WipeEdge::BoxTopRight => rectangle(rest_x, 0.0, width, down),
        WipeEdge::BoxBottomRight => rectangle(rest_x, rest_y, width, height),
        WipeEdge::BoxBottomLeft => rectangle(0.0, rest_y, across, height),
        WipeEdge::BarnDoorVertical => rectangle(rest_x / 2.0, 0.0, width - rest_x / 2.0, height),
        WipeEdge::BarnDoorHorizontal => rectangle(0.0, rest_y / 2.0, width, height - rest_y / 2.0),
        WipeEdge::BoxCenter => rectangle(
            rest_x / 2.0,
            rest_y / 2.0,
            width - rest_x / 2.0,
            height - rest_y / 2.0,
        ),
        WipeEdge::DiagonalTopLeft => (whole, diagonal(height, width, part)),
        WipeEdge::DiagonalTopRight => (whole, diagonal(-height, width, part)),
        WipeEdge::Circle => {
            let radius = part * width.hypot(height) / 2.0;
            (
                whole,
                Mask::Circle {
                    radius_squared: single(radius * radius),
                },
            )
        }
        WipeEdge::Clock => {
            let (sin, cos) = (part * std::f64::consts::TAU).sin_cos();
            (
                whole,
                Mask::Sector {
                    hand_x: single(sin),
                    hand_y: single(-cos),
                    is_wide: part > 0.5,
                },
            )
        }
    }
}

/// Parallel to the other diagonal, from corner to corner: `x / width + y / height < 2 * part`, counted
/// from the corner and multiplied out.
fn diagonal(across: f64, down: f64, part: f64) -> Mask {
    Mask::HalfPlane {
        across: single(across),
        down: single(down),
        limit: single((2.0 * part - 1.0) * (across * down).abs()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the nearest one is good enough, here and in the shader"
)]
pub(super) fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in super::super) const EDGES: [WipeEdge; 15] = [
        WipeEdge::LeftToRight,
        WipeEdge::RightToLeft,
        WipeEdge::TopToBottom,
        WipeEdge::BottomToTop,
        WipeEdge::BoxTopLeft,
        WipeEdge::BoxTopRight,
        WipeEdge::BoxBottomRight,
        WipeEdge::BoxBottomLeft,
        WipeEdge::DiagonalTopLeft,
        WipeEdge::DiagonalTopRight,
        WipeEdge::BarnDoorVertical,
        WipeEdge::BarnDoorHorizontal,
        WipeEdge::BoxCenter,
        WipeEdge::Circle,
        WipeEdge::Clock,
    ];

    fn shown(edge: WipeEdge, progress: f32, size: Size) -> Vec<bool> {
        let (area, mask) = uncovered(edge, progress, size);
        let (width, height) = (size.width().cast_signed(), size.height().cast_signed());
        (0..width * height)
            .map(|index| {
                let (x, y) = (index % width, index / width);
                let inside =
                    (area.left..area.right).contains(&x) && (area.top..area.bottom).contains(&y);
                let from_middle = |at: i32, side: i32| (2 * at + 1 - side) as f32 / 2.0;
                inside && mask.shows(from_middle(x, width), from_middle(y, height))
            })
            .collect()
    }

    #[test]
    fn every_wipe_grows_from_nothing_to_all() {
        let size = Size::new(33, 18).unwrap();
        for edge in EDGES {
            let mut before = shown(edge, 0.0, size);
            assert!(before.iter().all(|&shows| !shows), "{edge:?}");
            for step in 1..=20 {
                let now = shown(edge, step as f32 / 20.0, size);
                let kept = before
                    .iter()
                    .zip(&now)
                    .all(|(&before, &now)| now || !before);
                assert!(kept, "{edge:?} loses pixels at step {step}");
                before = now;
            }
            assert!(before.iter().all(|&shows| shows), "{edge:?}");
        }
    }

    #[test]
    fn half_of_a_wipe_is_half_of_the_picture_where_it_is_straight() {
        let size = Size::new(32, 18).unwrap();
        for edge in [
            WipeEdge::LeftToRight,
            WipeEdge::RightToLeft,
            WipeEdge::TopToBottom,
            WipeEdge::BottomToTop,
            WipeEdge::BarnDoorVertical,
            WipeEdge::Clock,
        ] {
            let count = shown(edge, 0.5, size).iter().filter(|&&s| s).count();
            assert_eq!(count, 32 * 18 / 2, "{edge:?}");
        }
    }

    #[test]
    fn what_is_no_number_shows_nothing() {
        let size = Size::new(4, 4).unwrap();
        assert!(shown(WipeEdge::Circle, f32::NAN, size).iter().all(|&s| !s));
    }
}
