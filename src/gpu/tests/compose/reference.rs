//! The slow, obvious composition in 64-bit floats that both composers are compared with.
//!
//! It follows the words of [`Composite`] and shares no code with the composers. What it takes as given are
//! the layers' pictures at their sizes on screen.

use std::sync::Arc;

use crate::media::{Orientation, Size, VideoFrame};
use crate::timeline::{Composite, CompositeOp, Content, Fit, Look, Mix, WipeEdge};

/// R', G', B' and alpha of each pixel, 0 to 1; premultiplied.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) size: Size,
    pub(super) pixels: Vec<[f64; 4]>,
}

/// The result: pixels, and whether the side of a turned layer runs through them or beside them, where
/// antialiasing is only so good.
pub(super) struct Expected {
    pub(super) image: Image,
    pub(super) near_sides: Vec<bool>,
}

/// Makes the picture of a frame, upright as shown, at a size.
pub(super) type Convert<'a> = &'a dyn Fn(&Arc<VideoFrame>, Orientation, Size) -> Image;

pub(super) fn compose(composite: &Composite, size: Size, convert: Convert<'_>) -> Expected {
    let mut near_sides = vec![false; pixel_count(size)];
    let context = Context {
        canvas: composite.canvas,
        convert,
    };
    let background = [0.0, 0.0, 0.0, 1.0];
    let image = context.scene(&composite.ops, size, background, &mut near_sides);
    Expected { image, near_sides }
}

fn pixel_count(size: Size) -> usize {
    usize::try_from(size.area()).unwrap()
}

struct Context<'a> {
    canvas: Size,
    convert: Convert<'a>,
}

impl Context<'_> {
    fn scene(
        &self,
        ops: &[CompositeOp],
        size: Size,
        background: [f64; 4],
        near_sides: &mut [bool],
    ) -> Image {
        let mut below = Image {
            size,
            pixels: vec![background; pixel_count(size)],
        };
        let mut next = 0;
        while next < ops.len() {
            match &ops[next] {
                CompositeOp::Layer(layer) => {
                    let display = match &layer.content {
                        Content::Frame { display, .. } => *display,
                        _ => self.canvas,
                    };
                    let picture = |size: Size, _: &mut [bool]| match &layer.content {
                        Content::Frame {
                            frame, orientation, ..
                        } => (self.convert)(frame, *orientation, size),
                        Content::Solid([r, g, b, a]) => {
                            let [r, g, b, a] = [*r, *g, *b, *a].map(f64::from);
                            Image {
                                size,
                                pixels: vec![[r * a, g * a, b * a, a]; pixel_count(size)],
                            }
                        }
                        _ => panic!("tested elsewhere"),
                    };
                    self.lay(
                        &mut below, near_sides, display, layer.look, layer.mix, &picture,
                    );
                }
                CompositeOp::BeginGroup => {
                    let mut open = 1;
                    let begin = next + 1;
                    while open > 0 {
                        next += 1;
                        match &ops[next] {
                            CompositeOp::BeginGroup => open += 1,
                            CompositeOp::EndGroup { .. } => open -= 1,
                            CompositeOp::Layer(_) => {}
                        }
                    }
                    let CompositeOp::EndGroup { look, mix } = &ops[next] else {
                        unreachable!()
                    };
                    let inside = &ops[begin..next];
                    let picture = |size: Size, near_sides: &mut [bool]| {
                        let mut own = vec![false; pixel_count(size)];
                        let image = self.scene(inside, size, [0.0; 4], &mut own);
                        // Good enough for groups that stay where they are.
                        if own.len() == near_sides.len() {
                            near_sides.iter_mut().zip(own).for_each(|(n, o)| *n |= o);
                        }
                        image
                    };
                    self.lay(&mut below, near_sides, self.canvas, *look, *mix, &picture);
                }
                CompositeOp::EndGroup { .. } => panic!("the tests have balanced groups"),
            }
            next += 1;
        }
        below
    }

    fn lay(
        &self,
        below: &mut Image,
        near_sides: &mut [bool],
        display: Size,
        look: Look,
        mix: Mix,
        picture: &dyn Fn(Size, &mut [bool]) -> Image,
    ) {
        let size = below.size;
        let place = Place::new(self.canvas, size, display, look);
        let (weight, difference) = match mix {
            Mix::Over(part) => (part, false),
            Mix::Difference(part) => (part, true),
            Mix::Wipe { .. } => (1.0, false),
        };
        let weight = f64::from(weight) * f64::from(look.opacity);
        let texture = place.texture();
        let above = picture(texture, near_sides);
        for y in 0..size.height() {
            for x in 0..size.width() {
                let (px, py) = (f64::from(x) + 0.5, f64::from(y) + 0.5);
                if let Mix::Wipe { edge, progress } = mix
                    && !uncovered(edge, f64::from(progress), px, py, size)
                {
                    continue;
                }
                let index = (y * size.width() + x) as usize;
                let (coverage, is_side) = place.coverage(px, py);
                near_sides[index] |= is_side;
                if coverage <= 0.0 {
                    continue;
                }
                let [u, v] = place.picture_from_pixel(px, py);
                let (tx, ty) = (
                    u * f64::from(texture.width()),
                    v * f64::from(texture.height()),
                );
                let [sr, sg, sb, sa] = bilinear(&above, tx, ty).map(|c| c * weight * coverage);
                let [dr, dg, db, da] = below.pixels[index];
                let mixed = |s: f64, d: f64| {
                    if difference {
                        // |Cs - Cb| where both are, each alone where the other is not.
                        let both = if sa > 0.0 && da > 0.0 {
                            (s / sa - d / da).abs() * sa * da
                        } else {
                            0.0
                        };
                        s * (1.0 - da) + d * (1.0 - sa) + both
                    } else {
                        s + d * (1.0 - sa)
                    }
                };
                below.pixels[index] = [
                    mixed(sr, dr),
                    mixed(sg, dg),
                    mixed(sb, db),
                    sa + da - sa * da,
                ];
            }
        }
    }
}

/// Points a pixel is covered by, along each side.
const STEPS: i32 = 16;

/// Where a layer lies.
struct Place {
    /// From the picture's middle, in parts of it, to pixels.
    across: [f64; 2],
    down: [f64; 2],
    middle: [f64; 2],
    crop: [f64; 4],
    /// The whole picture's and the visible part's sides in whole pixels, where they are parallel to the
    /// canvas's.
    aligned: Option<([f64; 4], [f64; 4])>,
}

impl Place {
    fn new(canvas: Size, size: Size, display: Size, look: Look) -> Self {
        let [w, h] = [f64::from(canvas.width()), f64::from(canvas.height())];
        let [dw, dh] = [f64::from(display.width()), f64::from(display.height())];
        let (kx, ky) = match look.fit {
            Fit::Fit => ((w / dw).min(h / dh), (w / dw).min(h / dh)),
            Fit::Fill => ((w / dw).max(h / dh), (w / dw).max(h / dh)),
            Fit::Stretch => (w / dw, h / dh),
            Fit::None => (1.0, 1.0),
        };
        let angle = f64::from(look.rotation).to_radians();
        let (anchor_x, anchor_y) = (f64::from(look.anchor[0]), f64::from(look.anchor[1]));
        // A point of the picture, from its middle in parts of it, on the canvas.
        let on_canvas = |x: f64, y: f64| {
            let x = (x - anchor_x) * dw * kx * f64::from(look.scale[0]);
            let y = (y - anchor_y) * dh * ky * f64::from(look.scale[1]);
            [
                x * angle.cos() - y * angle.sin()
                    + anchor_x * dw * kx
                    + w * (0.5 + f64::from(look.position[0])),
                x * angle.sin()
                    + y * angle.cos()
                    + anchor_y * dh * ky
                    + h * (0.5 + f64::from(look.position[1])),
            ]
        };
        let pixel = |x: f64, y: f64| {
            let [x, y] = on_canvas(x, y);
            [
                x * f64::from(size.width()) / w,
                y * f64::from(size.height()) / h,
            ]
        };
        let middle = pixel(0.0, 0.0);
        let from_middle = |[x, y]: [f64; 2]| [x - middle[0], y - middle[1]];
        let mut place = Self {
            across: from_middle(pixel(1.0, 0.0)),
            down: from_middle(pixel(0.0, 1.0)),
            middle,
            crop: look.crop.map(f64::from),
            aligned: None,
        };
        if look.rotation.rem_euclid(90.0) == 0.0 {
            let sides = |u0: f64, v0: f64, u1: f64, v1: f64| {
                let (a, b) = (pixel(u0 - 0.5, v0 - 0.5), pixel(u1 - 0.5, v1 - 0.5));
                // To the nearest whole pixel; halves to the left and up. Sines of whole turns are not quite
                // whole.
                [
                    a[0].min(b[0]),
                    a[1].min(b[1]),
                    a[0].max(b[0]),
                    a[1].max(b[1]),
                ]
                .map(|side| (side - 0.5 - 1e-9).ceil())
            };
            let [left, top, right, bottom] = place.crop;
            let all = sides(0.0, 0.0, 1.0, 1.0);
            let seen = sides(left, top, 1.0 - right, 1.0 - bottom);
            place.aligned = Some((all, seen));
            // What is seen of the whole is spread over whole pixels.
            let (w, h) = (all[2] - all[0], all[3] - all[1]);
            place.middle = [all[0] + w / 2.0, all[1] + h / 2.0];
            let spread = |[x, y]: [f64; 2]| {
                if x.abs() > y.abs() {
                    [x.signum() * w, 0.0]
                } else {
                    [0.0, y.signum() * h]
                }
            };
            (place.across, place.down) = (spread(place.across), spread(place.down));
        }
        place
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size of some pixels"
    )]
    fn texture(&self) -> Size {
        let side = |[x, y]: [f64; 2]| x.hypot(y).round().max(1.0) as u32;
        Size::new(side(self.across), side(self.down)).unwrap()
    }

    /// The point of the picture, 0 to 1, that lies at a pixel.
    fn picture_from_pixel(&self, x: f64, y: f64) -> [f64; 2] {
        let (x, y) = (x - self.middle[0], y - self.middle[1]);
        let ([ax, ay], [bx, by]) = (self.across, self.down);
        let determinant = ax * by - bx * ay;
        [
            (by * x - bx * y) / determinant + 0.5,
            (ax * y - ay * x) / determinant + 0.5,
        ]
    }

    fn holds(&self, x: f64, y: f64) -> bool {
        let [u, v] = self.picture_from_pixel(x, y);
        let [left, top, right, bottom] = self.crop;
        (left..1.0 - right).contains(&u) && (top..1.0 - bottom).contains(&v)
    }

    /// How much of the pixel around a point it covers, and whether one of its sides is near.
    fn coverage(&self, x: f64, y: f64) -> (f64, bool) {
        if let Some((_, [left, top, right, bottom])) = self.aligned {
            let inside = (left..right).contains(&x) && (top..bottom).contains(&y);
            return (f64::from(u8::from(inside)), false);
        }
        let at = |step: i32, reach: f64| (f64::from(2 * step + 1) / f64::from(STEPS) - 1.0) * reach;
        let points = |reach: f64| {
            (0..STEPS * STEPS)
                .map(move |n| (at(n % STEPS, reach), at(n / STEPS, reach)))
                .filter(|&(dx, dy)| self.holds(x + dx, y + dy))
                .count()
        };
        let near = points(1.5);
        let covered = points(0.5) as f64 / f64::from(STEPS * STEPS);
        (covered, near > 0 && near < (STEPS * STEPS) as usize)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the picture"
)]
fn bilinear(image: &Image, x: f64, y: f64) -> [f64; 4] {
    let (width, height) = (
        f64::from(image.size.width()),
        f64::from(image.size.height()),
    );
    let texel = |x: f64, y: f64| {
        let (x, y) = (x.clamp(0.0, width - 1.0), y.clamp(0.0, height - 1.0));
        image.pixels[(y * width + x) as usize]
    };
    // Rounding must not make a neighbour count at the middle of a texel.
    let snapped = |at: f64| {
        let at = at - 0.5;
        if (at - at.round()).abs() < 1e-6 {
            at.round()
        } else {
            at
        }
    };
    let (x, y) = (snapped(x), snapped(y));
    let (left, top) = (x.floor(), y.floor());
    let (part_x, part_y) = (x - left, y - top);
    let mut sum = [0.0; 4];
    for (dx, weight_x) in [(0.0, 1.0 - part_x), (1.0, part_x)] {
        for (dy, weight_y) in [(0.0, 1.0 - part_y), (1.0, part_y)] {
            for (sum, part) in sum.iter_mut().zip(texel(left + dx, top + dy)) {
                *sum += part * weight_x * weight_y;
            }
        }
    }
    sum
}

/// Whether the middle of a pixel is uncovered by a wipe.
fn uncovered(edge: WipeEdge, part: f64, px: f64, py: f64, size: Size) -> bool {
    let (width, height) = (f64::from(size.width()), f64::from(size.height()));
    // Straight edges lie at the nearest whole pixel, halves to the left and up.
    let nearest = |side: f64| (side - 0.5).ceil();
    let (from_left, from_right) = (
        px < nearest(part * width),
        px > nearest(width - part * width),
    );
    let (from_top, from_bottom) = (
        py < nearest(part * height),
        py > nearest(height - part * height),
    );
    let between = |at: f64, side: f64| {
        let rest = side * (1.0 - part) / 2.0;
        at > nearest(rest) && at < nearest(side - rest)
    };
    let (dx, dy) = (px - width / 2.0, py - height / 2.0);
    match edge {
        WipeEdge::LeftToRight => from_left,
        WipeEdge::RightToLeft => from_right,
        WipeEdge::TopToBottom => from_top,
        WipeEdge::BottomToTop => from_bottom,
        WipeEdge::BoxTopLeft => from_left && from_top,
        WipeEdge::BoxTopRight => from_right && from_top,
        WipeEdge::BoxBottomRight => from_right && from_bottom,
        WipeEdge::BoxBottomLeft => from_left && from_bottom,
        WipeEdge::DiagonalTopLeft => px / width + py / height < 2.0 * part,
        WipeEdge::DiagonalTopRight => (width - px) / width + py / height < 2.0 * part,
        WipeEdge::BarnDoorVertical => between(px, width),
        WipeEdge::BarnDoorHorizontal => between(py, height),
        WipeEdge::BoxCenter => between(px, width) && between(py, height),
        WipeEdge::Circle => dx.hypot(dy) < part * width.hypot(height) / 2.0,
        WipeEdge::Clock => {
            let clockwise = dx.atan2(-dy).rem_euclid(std::f64::consts::TAU);
            clockwise < part * std::f64::consts::TAU
        }
    }
}
