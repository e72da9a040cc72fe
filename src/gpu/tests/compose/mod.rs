//! Composed pictures, on the GPU and on the CPU.

mod golden;
mod lifecycle;
mod reference;

use std::cell::RefCell;
use std::sync::Arc;

use crate::gpu::test_support::{noise_frame, rgb, shared, size};
use crate::gpu::{ConvertChoice, GpuContext, OffscreenTarget, RgbaPicture, Viewer};
use crate::media::{
    ColorInfo, ColorRange, MatrixCoefficients, Orientation, PixelFormat, Size, VideoFrame,
};
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content, Look, Mix};
use reference::{Expected, Image, compose};

const CHOICES: [ConvertChoice; 2] = [ConvertChoice::Gpu, ConvertChoice::Cpu];

/// Where the side of a turned layer is: a ramp a pixel wide stands for the part of the pixel that is
/// covered, and is off by up to a sixth of the contrast at corners.
const SIDE_CODES: f64 = 44.0;

fn viewer(ctx: &GpuContext, choice: ConvertChoice) -> Viewer {
    Viewer::new(ctx, choice, OffscreenTarget::FORMAT).unwrap()
}

/// Noise of codes that are shown as they are.
fn noise(format: PixelFormat, width: u32, height: u32, seed: u64) -> Arc<VideoFrame> {
    let color = ColorInfo {
        range: ColorRange::Full,
        matrix: MatrixCoefficients::Identity,
        ..ColorInfo::BT709_LIMITED
    };
    Arc::new(noise_frame(format, size(width, height), color, seed))
}

fn opaque(width: u32, height: u32, seed: u64) -> Content {
    content(noise(rgb(8, false), width, height, seed))
}

fn translucent(width: u32, height: u32, seed: u64) -> Content {
    content(noise(rgb(8, true), width, height, seed))
}

fn content(frame: Arc<VideoFrame>) -> Content {
    Content::Frame {
        display: frame.size,
        orientation: Orientation::UPRIGHT,
        frame,
    }
}

fn layer(content: Content, look: Look, mix: Mix) -> CompositeOp {
    CompositeOp::Layer(CompositeLayer { content, look, mix })
}

fn plain(content: Content) -> CompositeOp {
    layer(content, Look::default(), Mix::FULL)
}

fn end(look: Look, mix: Mix) -> CompositeOp {
    CompositeOp::EndGroup { look, mix }
}

fn faint(opacity: f32) -> Look {
    Look {
        opacity,
        ..Look::default()
    }
}

fn shown(
    ctx: &GpuContext,
    viewer: &mut Viewer,
    composite: &Composite,
    picture: Size,
) -> RgbaPicture {
    viewer.show_composite(ctx, composite, picture, 0).unwrap();
    viewer.read_back(ctx).unwrap()
}

/// The greatest differences in codes: away from the sides of turned layers, and at them.
fn apart(actual: &RgbaPicture, expected: &Expected) -> (f64, f64) {
    let pixels = actual.rgba.as_chunks::<4>().0;
    assert_eq!(actual.size, expected.image.size);
    let (mut inside, mut sides) = (0.0_f64, 0.0_f64);
    let expected = expected.image.pixels.iter().zip(&expected.near_sides);
    for (actual, (expected, &is_side)) in pixels.iter().zip(expected) {
        for (code, part) in actual.iter().zip(expected) {
            let error = (f64::from(*code) - (part * 255.0).round()).abs();
            if is_side {
                sides = sides.max(error);
            } else {
                inside = inside.max(error);
            }
        }
    }
    (inside, sides)
}

/// Both composers, kept through a test: what they keep from one composite must not show in the next.
struct Judge {
    ctx: Arc<GpuContext>,
    /// Who composes, and who converts layers for the reference.
    viewers: [(ConvertChoice, Viewer, RefCell<Viewer>); 2],
    /// Codes by which a picture may be off: one, or two where many layers lie over one another, for each
    /// rounds what lies below it.
    limit: f64,
}

impl Judge {
    fn new() -> Self {
        let ctx = shared();
        let viewers = CHOICES.map(|choice| {
            let converter = RefCell::new(viewer(&ctx, choice));
            (choice, viewer(&ctx, choice), converter)
        });
        Self {
            ctx,
            viewers,
            limit: 1.0,
        }
    }

    /// Pictures are as the reference has them; and they stay so, for stills come from what was kept.
    fn compare(&mut self, name: &str, canvas: Size, picture: Size, ops: Vec<CompositeOp>) {
        let (ctx, limit) = (&self.ctx, self.limit);
        let composite = Composite::new(canvas, ops);
        for (choice, viewer, converter) in &mut self.viewers {
            let convert = |frame: &Arc<VideoFrame>, orientation, size| {
                converted(ctx, &mut converter.borrow_mut(), frame, orientation, size)
            };
            let expected = compose(&composite, picture, &convert);
            let first = shown(ctx, viewer, &composite, picture);
            let (inside, sides) = apart(&first, &expected);
            assert!(
                inside <= limit && sides <= SIDE_CODES,
                "{name}, {choice:?}: {inside} codes, {sides} at sides"
            );
            for _ in 0..2 {
                let again = shown(ctx, viewer, &composite, picture);
                assert!(again == first, "{name}, {choice:?}: a still changes");
            }
        }
    }
}

/// What the converter makes of a frame, which is tested elsewhere.
fn converted(
    ctx: &GpuContext,
    viewer: &mut Viewer,
    frame: &VideoFrame,
    orientation: Orientation,
    size: Size,
) -> Image {
    viewer.show(ctx, frame, orientation, size, 0).unwrap();
    let picture = viewer.read_back(ctx).unwrap();
    let part = |code: u8| f64::from(code) / 255.0;
    let pixels = picture.rgba.as_chunks::<4>().0.iter().map(|&[r, g, b, a]| {
        let alpha = part(a);
        [part(r) * alpha, part(g) * alpha, part(b) * alpha, alpha]
    });
    Image {
        size,
        pixels: pixels.collect(),
    }
}
