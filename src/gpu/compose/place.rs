//! Where a layer lies.

use crate::media::{Orientation, Size};
use crate::timeline::{Fit, Look};

/// Turns within this many degrees of a quarter turn count as one.
const TURN_TOLERANCE: f64 = 1e-3;

/// A rectangle of whole pixels, which may lie outside of the picture. Empty where a right or bottom side
/// is not beyond the left or top one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Area {
    /// A whole picture.
    pub(super) fn whole(size: Size) -> Self {
        Self {
            left: 0,
            top: 0,
            right: size.width().cast_signed(),
            bottom: size.height().cast_signed(),
        }
    }

    /// From sides that lie between pixels. Each goes to the nearest one, from the middle to the left and
    /// up, as [`super::super::fit`] has it.
    pub(super) fn nearest(sides: [f64; 4]) -> Self {
        let [left, top, right, bottom] = sides.map(|side| whole((side - 0.5).ceil()));
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    #[must_use]
    pub(super) fn intersection(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    /// At least one pixel a side.
    fn at_least_a_pixel(self) -> Self {
        Self {
            right: self.right.max(self.left + 1),
            bottom: self.bottom.max(self.top + 1),
            ..self
        }
    }

    /// Pixels from side to side; none where it is empty.
    pub(super) fn width(self) -> u32 {
        u32::try_from(self.right - self.left).unwrap_or(0)
    }

    /// Pixels from top to bottom; none where it is empty.
    pub(super) fn height(self) -> u32 {
        u32::try_from(self.bottom - self.top).unwrap_or(0)
    }
}

/// A whole number, kept far from overflow.
#[expect(
    clippy::cast_possible_truncation,
    reason = "clamped to what fits, and no number where it is not one"
)]
pub(super) fn whole(value: f64) -> i32 {
    const FAR: f64 = (1 << 24) as f64;
    value.clamp(-FAR, FAR) as i32
}

/// A number that depends on a pixel's place (x, y): `[a, b, c]` is `a*x + b*y + c`.
pub(super) type Linear = [f64; 3];

/// The number of a pixel whose middle is (x, y).
pub(super) fn at_pixel(linear: &Linear, x: f64, y: f64) -> f64 {
    linear[0] * x + linear[1] * y + linear[2]
}

/// How a layer's texels are found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sampling {
    /// A texel a pixel; the first one lies at this pixel.
    Exact {
        /// Column of the first texel.
        left: i32,
        /// Row of the first texel.
        top: i32,
    },
    /// In between texels.
    Free {
        /// Texel coordinates, right and down, of the middle of a pixel.
        texel_from_pixel: [Linear; 2],
        /// Where the visible part ends, antialiased: left, top, right and bottom, in texels. `None` where
        /// the clip says it all.
        edges: Option<[f64; 4]>,
    },
}

/// Where a layer lies in a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    /// The size that the layer is converted to, turned by `turned`.
    pub(super) texture: Size,
    /// How it is turned beyond its own orientation.
    pub(super) turned: Orientation,
    /// Where its texels lie.
    pub(super) sampling: Sampling,
    /// What may be seen of it; never empty, and inside the picture.
    pub(super) clip: Area,
}

/// What placing depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    /// The canvas, in square pixels.
    pub(super) canvas: Size,
    /// The picture that the canvas is mapped onto.
    pub(super) picture: Size,
    /// Longest side of a texture.
    pub(super) max_side: u32,
}

impl Stage {
    /// Places a picture of `display` square pixels; `None` where nothing of it is seen.
    ///
    /// With `can_turn` a picture that is mirrored or turned by quarters is to be converted so; otherwise it
    /// is sampled so.
    pub(super) fn place(&self, display: Size, look: &Look, can_turn: bool) -> Option<Placement> {
        let map = Map::new(self, display, look)?;
        let crop = look.crop.map(|part| f64::from(part).clamp(0.0, 1.0));
        let [left, top, right, bottom] = crop;
        if left + right >= 1.0 || top + bottom >= 1.0 {
            return None;
        }
        let seen = [left, top, 1.0 - right, 1.0 - bottom];
        match map.quarter_turns {
            Some(turns) => {
                let [mirrored_x, mirrored_y] = look.scale.map(|scale| scale < 0.0);
                let turned =
                    Orientation::new(mirrored_x != mirrored_y, turns + 2 * u8::from(mirrored_y));
                self.place_aligned(&map, seen, turned, can_turn)
            }
            None => self.place_free(&map, seen),
        }
    }

    fn place_aligned(
        &self,
        map: &Map,
        seen: [f64; 4],
        turned: Orientation,
        can_turn: bool,
    ) -> Option<Placement> {
        let all = Area::nearest(map.bounds([0.0, 0.0, 1.0, 1.0])).at_least_a_pixel();
        // A layer that is less than a pixel high or wide is seen all the same, unless it is cropped.
        let is_whole = seen[0] <= 0.0 && seen[1] <= 0.0 && seen[2] >= 1.0 && seen[3] >= 1.0;
        let clip = if is_whole {
            all
        } else {
            Area::nearest(map.bounds(seen)).intersection(all)
        };
        let clip = clip.intersection(Area::whole(self.picture));
        if clip.is_empty() {
            return None;
        }
        let on_screen = [all.width(), all.height()];
        let size = self.limited(on_screen.map(f64::from));
        let exact = [size.width(), size.height()] == on_screen;
        if exact && (can_turn || turned == Orientation::UPRIGHT) {
            return Some(Placement {
                texture: size,
                turned,
                sampling: Sampling::Exact {
                    left: all.left,
                    top: all.top,
                },
                clip,
            });
        }
        // What is turned when it is converted needs no turning afterwards.
        let (converted, sampled) = if can_turn {
            (turned, Orientation::UPRIGHT)
        } else {
            (Orientation::UPRIGHT, turned)
        };
        let texture = sampled.apply(size);
        Some(Placement {
            texture,
            turned: converted,
            sampling: Sampling::Free {
                texel_from_pixel: texels_of(all, sampled, texture),
                edges: None,
            },
            clip,
        })
    }

    fn place_free(&self, map: &Map, seen: [f64; 4]) -> Option<Placement> {
        let [left, top, right, bottom] = map.bounds(seen);
        let clip = Area {
            left: whole(left.floor()) - 1,
            top: whole(top.floor()) - 1,
            right: whole(right.ceil()) + 1,
            bottom: whole(bottom.ceil()) + 1,
        }
        .intersection(Area::whole(self.picture));
        if clip.is_empty() {
            return None;
        }
        let texture = self.limited(map.lengths());
        let sides = [f64::from(texture.width()), f64::from(texture.height())];
        let inverse = map.inverse()?;
        Some(Placement {
            texture,
            turned: Orientation::UPRIGHT,
            sampling: Sampling::Free {
                texel_from_pixel: [0, 1].map(|axis| inverse[axis].map(|part| part * sides[axis])),
                edges: Some([0, 1, 2, 3].map(|side| seen[side] * sides[side % 2])),
            },
            clip,
        })
    }

    /// The size of a texture for a picture that is this large on screen: the same, unless most of it must
    /// lie outside of the picture. Then it would only cost memory and time, and is made smaller.
    fn limited(&self, on_screen: [f64; 2]) -> Size {
        let [width, height] = on_screen;
        let max_area = (4 * self.picture.area()).max(1 << 16) as f64;
        let max_side = f64::from(self.max_side);
        let area = (max_area / (width * height)).sqrt();
        let factor = area.min(max_side / width).min(max_side / height).min(1.0);
        let side = |length: f64| {
            let length = if factor < 1.0 {
                (length * factor).floor()
            } else {
                length.round()
            };
            u32::try_from(whole(length.max(1.0)))
                .unwrap_or(1)
                .min(self.max_side)
        };
        Size::new(side(width), side(height)).unwrap_or(self.picture)
    }
}

/// Texel coordinates of pixels, where a texture that is turned so covers `area`.
fn texels_of(area: Area, turned: Orientation, texture: Size) -> [Linear; 2] {
    let map = turned.stored_from_shown().map(f64::from);
    let (left, top) = (f64::from(area.left), f64::from(area.top));
    let (across, down) = (f64::from(area.width()), f64::from(area.height()));
    let row = |along_x: f64, along_y: f64, offset: f64, texels: u32| {
        let (along_x, along_y) = (along_x / across, along_y / down);
        let first = offset - along_x * left - along_y * top;
        [along_x, along_y, first].map(|part| part * f64::from(texels))
    };
    [
        row(map[0], map[1], map[2], texture.width()),
        row(map[3], map[4], map[5], texture.height()),
    ]
}

/// From a layer's picture, of which a side is 1 long, to pixels.
#[derive(Debug, Clone, Copy)]
struct Map {
    /// Where its sides lead: pixels right and down along its width, and along its height.
    across: [f64; 2],
    down: [f64; 2],
    /// Its middle.
    middle: [f64; 2],
    /// How far it is turned clockwise, where that is a whole number of quarters.
    quarter_turns: Option<u8>,
}

impl Map {
    /// `None` where the numbers say nothing that could be seen.
    fn new(stage: &Stage, display: Size, look: &Look) -> Option<Self> {
        let sides = |size: Size| [f64::from(size.width()), f64::from(size.height())];
        let (canvas, picture, display) =
            (sides(stage.canvas), sides(stage.picture), sides(display));
        let factors = [canvas[0] / display[0], canvas[1] / display[1]];
        let factors = match look.fit {
            Fit::Fit => [factors[0].min(factors[1]); 2],
            Fit::Fill => [factors[0].max(factors[1]); 2],
            Fit::Stretch => factors,
            Fit::None => [1.0; 2],
        };
        let fitted = [display[0] * factors[0], display[1] * factors[1]];
        let scale = look.scale.map(f64::from);
        let (sin, cos, quarter_turns) = turn(f64::from(look.rotation));
        // In pixels of the canvas, y pointing down: a clockwise turn.
        let turned = |[x, y]: [f64; 2]| [x * cos - y * sin, x * sin + y * cos];
        let anchor = [
            f64::from(look.anchor[0]) * fitted[0],
            f64::from(look.anchor[1]) * fitted[1],
        ];
        let moved = turned([anchor[0] * scale[0], anchor[1] * scale[1]]);
        let pixels = |[x, y]: [f64; 2]| [x * picture[0] / canvas[0], y * picture[1] / canvas[1]];
        let middle = [0, 1].map(|axis| {
            canvas[axis] * (0.5 + f64::from(look.position[axis])) + anchor[axis] - moved[axis]
        });
        let map = Self {
            across: pixels(turned([fitted[0] * scale[0], 0.0])),
            down: pixels(turned([0.0, fitted[1] * scale[1]])),
            middle: pixels(middle),
            quarter_turns,
        };
        let numbers = [map.across, map.down, map.middle];
        let finite = numbers.iter().flatten().all(|number| number.is_finite());
        let finite =
            finite && look.rotation.is_finite() && look.crop.iter().all(|part| part.is_finite());
        (finite && scale.iter().all(|&scale| scale != 0.0)).then_some(map)
    }

    /// The pixel of a point of the picture, 0 to 1.
    fn pixel(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| {
            self.middle[axis] + (x - 0.5) * self.across[axis] + (y - 0.5) * self.down[axis]
        })
    }

    /// The smallest rectangle around a part of the picture: left, top, right and bottom.
    fn bounds(&self, [left, top, right, bottom]: [f64; 4]) -> [f64; 4] {
        let corners = [[left, top], [right, top], [left, bottom], [right, bottom]];
        let corners = corners.map(|corner| self.pixel(corner));
        let least = |axis: usize| corners.iter().fold(f64::MAX, |m, c| m.min(c[axis]));
        let most = |axis: usize| corners.iter().fold(f64::MIN, |m, c| m.max(c[axis]));
        [least(0), least(1), most(0), most(1)]
    }

    /// Its width and height in pixels.
    fn lengths(&self) -> [f64; 2] {
        [self.across, self.down].map(|[x, y]| x.hypot(y))
    }

    /// The point of the picture, 0 to 1, at a pixel.
    fn inverse(&self) -> Option<[Linear; 2]> {
        let ([across_x, across_y], [down_x, down_y]) = (self.across, self.down);
        let determinant = across_x * down_y - down_x * across_y;
        let row = |along_x: f64, along_y: f64| {
            let (along_x, along_y) = (along_x / determinant, along_y / determinant);
            let middle = along_x * self.middle[0] + along_y * self.middle[1];
            [along_x, along_y, 0.5 - middle]
        };
        let rows = [row(down_y, -down_x), row(-across_y, across_x)];
        let finite = rows.iter().flatten().all(|number| number.is_finite());
        finite.then_some(rows)
    }
}

/// Sine and cosine of a turn, and its quarters where it is made of them.
fn turn(degrees: f64) -> (f64, f64, Option<u8>) {
    let degrees = degrees.rem_euclid(360.0);
    let quarters = (degrees / 90.0).round();
    if (degrees - quarters * 90.0).abs() > TURN_TOLERANCE {
        let (sin, cos) = degrees.to_radians().sin_cos();
        return (sin, cos, None);
    }
    // Exactly, so that sides parallel to the canvas's are that.
    match whole(quarters) {
        1 => (1.0, 0.0, Some(1)),
        2 => (0.0, -1.0, Some(2)),
        3 => (-1.0, 0.0, Some(3)),
        _ => (0.0, 1.0, Some(0)),
    }
}

/// What is done to a picture that is turned as `first` says and then as `second` says.
pub(super) fn turned_twice(first: Orientation, second: Orientation) -> Orientation {
    // Mirroring after a turn is turning the other way after mirroring.
    let turns = if second.is_mirrored() {
        second.quarter_turns() + 4 - first.quarter_turns()
    } else {
        second.quarter_turns() + first.quarter_turns()
    };
    Orientation::new(first.is_mirrored() != second.is_mirrored(), turns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::fit;
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    fn stage(canvas: (u32, u32), picture: (u32, u32)) -> Stage {
        Stage {
            canvas: size(canvas.0, canvas.1),
            picture: size(picture.0, picture.1),
            max_side: 8192,
        }
    }

    fn area(left: i32, top: i32, right: i32, bottom: i32) -> Area {
        Area {
            left,
            top,
            right,
            bottom,
        }
    }

    #[test]
    fn every_fit_has_its_size() {
        let stage = stage((1920, 1080), (960, 540));
        for (fit, exact, clip) in [
            (Fit::Fit, (120, 0, 840, 540), area(120, 0, 840, 540)),
            (Fit::Fill, (0, -90, 960, 630), area(0, 0, 960, 540)),
            (Fit::Stretch, (0, 0, 960, 540), area(0, 0, 960, 540)),
            (Fit::None, (320, 150, 640, 390), area(320, 150, 640, 390)),
        ] {
            let look = Look {
                fit,
                ..Look::default()
            };
            let placed = stage.place(size(640, 480), &look, true).unwrap();
            let (left, top, right, bottom) = exact;
            assert_eq!(placed.sampling, Sampling::Exact { left, top }, "{fit:?}");
            let all = area(left, top, right, bottom);
            assert_eq!(placed.texture, size(all.width(), all.height()), "{fit:?}");
            assert_eq!(placed.clip, clip, "{fit:?}");
        }
    }

    #[test]
    fn scale_turn_and_position_are_about_the_anchor() {
        let stage = stage((200, 100), (200, 100));
        let look = Look {
            scale: [0.5, 0.5],
            anchor: [-0.5, -0.5],
            position: [0.1, 0.2],
            crop: [0.5, 0.0, 0.0, 0.25],
            ..Look::default()
        };
        // The top left corner stays, then moves by (20, 20); half of the width and a quarter of the
        // height are cut off.
        let placed = stage.place(size(200, 100), &look, true).unwrap();
        assert_eq!(placed.sampling, Sampling::Exact { left: 20, top: 20 });
        assert_eq!(placed.texture, size(100, 50));
        assert_eq!(placed.clip, area(70, 20, 120, 58));
        // Turned clockwise about the top left corner, it comes to lie left of it.
        let look = Look {
            rotation: 90.0,
            position: [0.5, 0.2],
            crop: [0.0; 4],
            ..look
        };
        let placed = stage.place(size(200, 100), &look, true).unwrap();
        assert_eq!(placed.sampling, Sampling::Exact { left: 50, top: 20 });
        assert_eq!(placed.texture, size(50, 100));
        assert_eq!(placed.clip, area(50, 20, 100, 100));
        assert_eq!(placed.turned, Orientation::new(false, 1));
    }

    #[test]
    fn what_cannot_be_seen_has_no_place() {
        let stage = stage((100, 100), (100, 100));
        let default = Look::default();
        for look in [
            Look {
                scale: [0.0, 1.0],
                ..default
            },
            Look {
                scale: [f32::NAN, 1.0],
                ..default
            },
            Look {
                position: [f32::INFINITY, 0.0],
                ..default
            },
            Look {
                position: [1.0, 0.0],
                ..default
            },
            Look {
                position: [0.9, 0.9],
                rotation: 45.0,
                scale: [0.1, 0.1],
                ..default
            },
            Look {
                crop: [0.5, 0.0, 0.5, 0.0],
                ..default
            },
            Look {
                crop: [f32::NAN, 0.0, 0.0, 0.0],
                ..default
            },
            Look {
                rotation: f32::NAN,
                ..default
            },
        ] {
            assert_eq!(stage.place(size(100, 100), &look, true), None, "{look:?}");
        }
    }

    #[test]
    fn orientations_follow_one_another() {
        let all = || {
            [false, true]
                .into_iter()
                .flat_map(|mirrored| (0..4).map(move |turns| Orientation::new(mirrored, turns)))
        };
        let at =
            |[a, b, c, d, e, f]: [f32; 6], [x, y]: [f32; 2]| [a * x + b * y + c, d * x + e * y + f];
        for first in all() {
            for second in all() {
                let point = [0.25, 0.125];
                let between = at(second.stored_from_shown(), point);
                let expected = at(first.stored_from_shown(), between);
                let both = turned_twice(first, second);
                let found = at(both.stored_from_shown(), point);
                let near = |axis: usize| (found[axis] - expected[axis]).abs() < 1e-6;
                assert!(near(0) && near(1), "{first:?}, then {second:?}");
            }
        }
    }

    #[test]
    fn a_huge_layer_is_converted_smaller() {
        let stage = stage((100, 100), (100, 100));
        let look = Look {
            scale: [60.0, 60.0],
            ..Look::default()
        };
        let placed = stage.place(size(100, 100), &look, true).unwrap();
        assert_eq!(placed.texture, size(256, 256));
        assert_eq!(placed.clip, area(0, 0, 100, 100));
        let Sampling::Free {
            texel_from_pixel,
            edges: None,
        } = placed.sampling
        else {
            panic!("{placed:?}")
        };
        // The middle of the picture is the middle of the texture.
        for linear in &texel_from_pixel {
            assert!((at_pixel(linear, 50.0, 50.0) - 128.0).abs() < 1e-9);
        }
    }

    proptest! {
        #[test]
        fn a_lone_layer_lies_where_a_lone_clip_would(
            width in 1_u32..5000, height in 1_u32..5000, across in 1_u32..3000, down in 1_u32..3000,
        ) {
            let (display, window) = (size(width, height), size(across, down));
            let rect = fit(display, window);
            let stage = Stage { canvas: window, picture: window, max_side: 65_535 };
            let placed = stage.place(display, &Look::default(), true).unwrap();
            // Sides are rounded here, sizes there: at most a pixel lies between.
            let near = |ours: i32, theirs: u32| ours.abs_diff(theirs.cast_signed()) <= 1;
            prop_assert!(near(placed.clip.left, rect.x) && near(placed.clip.right, rect.right()));
            prop_assert!(near(placed.clip.top, rect.y) && near(placed.clip.bottom, rect.bottom()));
        }

        #[test]
        fn halves_meet(width in 2_u32..4000, height in 1_u32..4000, part in 0.01_f32..0.99) {
            let stage = stage((1920, 1080), (width, height));
            let look = Look { fit: Fit::Stretch, ..Look::default() };
            let left = Look { crop: [0.0, 0.0, 1.0 - part, 0.0], ..look };
            let right = Look { crop: [part, 0.0, 0.0, 0.0], ..look };
            let place = |look| stage.place(size(64, 48), look, true);
            if let (Some(left), Some(right)) = (place(&left), place(&right)) {
                prop_assert_eq!(left.clip.right, right.clip.left);
            }
        }
    }
}
