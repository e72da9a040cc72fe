//! Composed pictures against the 64-bit reference, on the GPU and on the CPU.

use std::cell::RefCell;
use std::sync::Arc;

use super::compose_reference::{Expected, Image, compose};
use crate::gpu::test_support::{Random, noise_frame, open, rgb, shared, size, with_alpha};
use crate::gpu::{ConvertChoice, GpuContext, OffscreenTarget, PictureError, RgbaPicture, Viewer};
use crate::media::{
    ColorInfo, ColorRange, MatrixCoefficients, Orientation, PixelFormat, Size, VideoFrame,
};
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content, Fit, Look, Mix, WipeEdge};

const CHOICES: [ConvertChoice; 2] = [ConvertChoice::Gpu, ConvertChoice::Cpu];

/// Where the side of a turned layer is: a ramp a pixel wide stands for the part of the pixel that is
/// covered, and is off by up to a sixth of the contrast at corners.
const SIDE_CODES: f64 = 44.0;

const EDGES: [WipeEdge; 15] = [
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
}

impl Judge {
    fn new() -> Self {
        let ctx = shared();
        let viewers = CHOICES.map(|choice| {
            let converter = RefCell::new(viewer(&ctx, choice));
            (choice, viewer(&ctx, choice), converter)
        });
        Self { ctx, viewers }
    }

    /// Pictures are as the reference has them, off by at most one code; and they stay so, for stills come
    /// from what was kept.
    fn compare(&mut self, name: &str, canvas: Size, picture: Size, ops: Vec<CompositeOp>) {
        let ctx = &self.ctx;
        let composite = Composite::new(canvas, ops);
        for (choice, viewer, converter) in &mut self.viewers {
            let convert = |frame: &Arc<VideoFrame>, orientation, size| {
                converted(ctx, &mut converter.borrow_mut(), frame, orientation, size)
            };
            let expected = compose(&composite, picture, &convert);
            let first = shown(ctx, viewer, &composite, picture);
            let (inside, sides) = apart(&first, &expected);
            assert!(
                inside <= 1.0 && sides <= SIDE_CODES,
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

#[test]
fn layers_are_placed_as_stated() {
    let mut judge = Judge::new();
    let default = Look::default();
    let looks = [
        default,
        Look {
            fit: Fit::Fill,
            ..default
        },
        Look {
            fit: Fit::Stretch,
            ..default
        },
        Look {
            fit: Fit::None,
            ..default
        },
        Look {
            scale: [0.5, 0.5],
            position: [0.25, -0.25],
            ..default
        },
        Look {
            scale: [0.31, 0.77],
            position: [-0.123, 0.456],
            ..default
        },
        Look {
            scale: [1.7, 1.3],
            anchor: [0.5, -0.5],
            ..default
        },
        Look {
            scale: [3.0, 2.5],
            anchor: [-0.2, 0.1],
            ..default
        },
        Look {
            crop: [0.1, 0.2, 0.3, 0.4],
            ..default
        },
        Look {
            crop: [0.0, 0.51, 0.27, 0.0],
            scale: [0.7, 0.7],
            fit: Fit::Fill,
            ..default
        },
        Look {
            scale: [-1.0, 1.0],
            crop: [0.3, 0.0, 0.0, 0.1],
            ..default
        },
        Look {
            scale: [0.5, -0.8],
            ..default
        },
        Look {
            rotation: 90.0,
            crop: [0.2, 0.0, 0.0, 0.1],
            ..default
        },
        Look {
            rotation: 180.0,
            scale: [-0.6, 0.6],
            ..default
        },
        Look {
            rotation: -90.0,
            fit: Fit::Fill,
            anchor: [0.5, 0.5],
            ..default
        },
    ];
    for (index, look) in looks.into_iter().enumerate() {
        for (canvas, picture) in [
            (size(64, 36), size(64, 36)),
            (size(64, 36), size(53, 29)),
            (size(1920, 1080), size(71, 40)),
        ] {
            for top in [opaque(40, 30, 1), translucent(40, 30, 2)] {
                let ops = vec![plain(opaque(64, 36, 3)), layer(top, look, Mix::Over(0.8))];
                judge.compare(&format!("look {index} at {picture}"), canvas, picture, ops);
            }
            let ops = vec![layer(opaque(40, 30, 4), look, Mix::FULL)];
            judge.compare(
                &format!("lone look {index} at {picture}"),
                canvas,
                picture,
                ops,
            );
        }
    }
}

#[test]
fn opacities_are_exact_between_every_pair_of_codes() {
    let mut judge = Judge::new();
    let window = size(61, 33);
    for opacity in [0.0_f32, 0.004, 0.25, 1.0 / 3.0, 0.5, 0.777, 0.999, 1.0, 1.5] {
        for mix in [
            Mix::Over(1.0),
            Mix::Over(0.6),
            Mix::Difference(1.0),
            Mix::Difference(0.4),
        ] {
            for top in [
                opaque(61, 33, 5),
                translucent(61, 33, 6),
                Content::Solid([0.2, 0.4, 0.6, 0.8]),
            ] {
                let part = opacity.min(1.0);
                let ops = vec![plain(opaque(61, 33, 7)), layer(top, faint(part), mix)];
                judge.compare(&format!("{part} {mix:?}"), window, window, ops);
            }
        }
    }
}

#[test]
fn every_wipe_uncovers_what_it_should() {
    let mut judge = Judge::new();
    let canvas = size(1280, 720);
    for picture in [size(64, 36), size(37, 41)] {
        let (width, height) = (picture.width(), picture.height());
        for edge in EDGES {
            for progress in [0.0, 0.07, 0.31, 0.52, 0.77, 0.96, 1.0] {
                let mix = Mix::Wipe { edge, progress };
                let stretched = Look {
                    fit: Fit::Stretch,
                    ..faint(0.9)
                };
                for top in [opaque(width, height, 8), translucent(width, height, 9)] {
                    let ops = vec![plain(opaque(width, height, 10)), layer(top, stretched, mix)];
                    judge.compare(&format!("{edge:?} {progress}"), canvas, picture, ops);
                }
            }
        }
    }
}

#[test]
fn groups_are_composed_on_their_own() {
    let mut judge = Judge::new();
    let window = size(48, 27);
    let small = Look {
        scale: [0.5, 0.5],
        position: [0.2, 0.1],
        ..Look::default()
    };
    let turned = Look {
        rotation: 180.0,
        ..small
    };
    let mirrored = Look {
        scale: [-1.0, 1.0],
        ..Look::default()
    };
    let wipe = Mix::Wipe {
        edge: WipeEdge::Circle,
        progress: 0.6,
    };
    for look in [Look::default(), faint(0.5), small, turned, mirrored] {
        for mix in [Mix::FULL, Mix::Over(0.7), Mix::Difference(0.8), wipe] {
            for inner in [Mix::FULL, Mix::Over(0.3), Mix::Difference(0.9), wipe] {
                let ops = vec![
                    plain(opaque(48, 27, 11)),
                    CompositeOp::BeginGroup,
                    layer(translucent(20, 27, 12), small, Mix::FULL),
                    CompositeOp::BeginGroup,
                    plain(opaque(10, 10, 13)),
                    end(small, Mix::Over(0.9)),
                    layer(translucent(48, 27, 14), Look::default(), inner),
                    end(look, mix),
                    layer(translucent(30, 27, 15), small, Mix::Over(0.5)),
                ];
                judge.compare(&format!("{look:?} {mix:?} {inner:?}"), window, window, ops);
            }
        }
    }
}

#[test]
fn a_group_of_one_and_a_group_that_changes_nothing_are_as_without() {
    let mut judge = Judge::new();
    let window = size(31, 17);
    let wipe = Mix::Wipe {
        edge: WipeEdge::Clock,
        progress: 0.3,
    };
    for mix in [Mix::FULL, Mix::Over(0.4), Mix::Difference(1.0), wipe] {
        let ops = vec![
            plain(opaque(31, 17, 16)),
            CompositeOp::BeginGroup,
            layer(translucent(31, 17, 17), faint(0.8), Mix::Over(0.9)),
            end(faint(0.7), mix),
            CompositeOp::BeginGroup,
            plain(translucent(9, 17, 18)),
            layer(translucent(31, 9, 19), faint(0.5), Mix::FULL),
            end(Look::default(), Mix::FULL),
        ];
        judge.compare(&format!("{mix:?}"), window, window, ops);
    }
}

#[test]
fn turned_layers_are_sampled_and_antialiased() {
    let mut judge = Judge::new();
    let window = size(80, 45);
    for (rotation, scale) in [(7.0, 0.8), (45.0, 0.5), (-120.0, 0.6), (3.0, 1.4)] {
        let look = Look {
            rotation,
            scale: [scale, scale * 0.9],
            position: [0.05, -0.02],
            anchor: [0.1, 0.3],
            crop: [0.0, 0.1, 0.2, 0.0],
            ..Look::default()
        };
        for top in [
            opaque(80, 45, 20),
            translucent(64, 64, 21),
            Content::Solid([0.9, 0.1, 0.5, 1.0]),
        ] {
            let ops = vec![plain(opaque(80, 45, 22)), layer(top, look, Mix::Over(0.9))];
            judge.compare(&format!("{rotation}"), window, window, ops);
        }
        let ops = vec![
            plain(opaque(80, 45, 23)),
            CompositeOp::BeginGroup,
            plain(opaque(80, 45, 24)),
            layer(
                Content::Solid([0.0, 1.0, 0.0, 0.5]),
                Look::default(),
                Mix::Difference(1.0),
            ),
            end(look, Mix::FULL),
        ];
        judge.compare(&format!("group at {rotation}"), window, window, ops);
    }
}

#[test]
fn frames_keep_their_own_orientation() {
    let mut judge = Judge::new();
    let window = size(40, 40);
    for mirrored in [false, true] {
        for turns in 0..4 {
            let orientation = Orientation::new(mirrored, turns);
            let frame = noise(rgb(8, false), 24, 13, u64::from(turns));
            for (rotation, scale) in [(0.0, [1.0, 1.0]), (90.0, [-1.0, 1.0]), (270.0, [1.0, -1.0])]
            {
                let look = Look {
                    rotation,
                    scale,
                    ..Look::default()
                };
                let content = Content::Frame {
                    frame: Arc::clone(&frame),
                    orientation,
                    display: orientation.apply(frame.size),
                };
                let ops = vec![layer(content, look, Mix::FULL)];
                judge.compare(&format!("{orientation:?} {rotation}"), window, window, ops);
            }
        }
    }
}

#[test]
fn random_composites_are_as_the_reference_has_them() {
    let mut judge = Judge::new();
    let mut random = Random(20);
    for round in 0..60 {
        let mut part = || f64::from(u16::try_from(random.next() % 1000).unwrap()) / 1000.0;
        let mut single = || crate::gpu::job_uniform::f32_from(part());
        let picture = size(33, 19);
        let mut ops = vec![plain(opaque(33, 19, round))];
        // Two at most: each stage is rounded.
        for seed in 0..2 {
            let look = Look {
                opacity: single(),
                scale: [single() * 2.0 + 0.1, single() * 2.0 + 0.1],
                position: [single() - 0.5, single() - 0.5],
                anchor: [single() - 0.5, single() - 0.5],
                crop: [
                    single() * 0.5,
                    single() * 0.5,
                    single() * 0.45,
                    single() * 0.45,
                ],
                ..Look::default()
            };
            let edge = EDGES[usize::try_from(round).unwrap() % EDGES.len()];
            let mix = if seed == 0 {
                Mix::Over(single())
            } else {
                Mix::Wipe {
                    edge,
                    progress: single(),
                }
            };
            let top = if single() < 0.5 {
                opaque(19, 23, round + seed + 100)
            } else {
                translucent(40, 12, round + seed + 200)
            };
            ops.push(layer(top, look, mix));
        }
        judge.compare(&format!("random {round}"), size(640, 360), picture, ops);
    }
}

#[test]
fn a_lone_frame_is_shown_as_a_clip_is() {
    let ctx = shared();
    let frame = Arc::new(noise_frame(
        PixelFormat::YUV420P8,
        size(128, 72),
        ColorInfo::BT709_LIMITED,
        30,
    ));
    for choice in CHOICES {
        let mut viewer = viewer(&ctx, choice);
        for (width, height) in [(128, 72), (64, 36), (100, 57)] {
            let window = size(width, height);
            viewer
                .show(&ctx, &frame, Orientation::UPRIGHT, window, 0)
                .unwrap();
            let clip = viewer.read_back(&ctx).unwrap();
            let stretched = Look {
                fit: Fit::Stretch,
                ..Look::default()
            };
            let lone = layer(content(Arc::clone(&frame)), stretched, Mix::FULL);
            let hidden = plain(translucent(20, 20, 31));
            for ops in [vec![lone.clone()], vec![hidden, lone]] {
                let composite = Composite::new(size(1920, 1080), ops);
                let picture = shown(&ctx, &mut viewer, &composite, window);
                assert!(picture == clip, "{choice:?} at {window}");
            }
        }
    }
}

#[test]
fn patterns_fill_the_canvas() {
    let ctx = shared();
    let window = size(84, 48);
    for choice in CHOICES {
        let mut viewer = viewer(&ctx, choice);
        let mut at = |content, x, y| {
            let composite = Composite::new(size(1920, 1080), vec![plain(content)]);
            shown(&ctx, &mut viewer, &composite, window).pixel(x, y)
        };
        assert_eq!(at(Content::Bars, 13, 0), Some([191, 191, 0, 255]));
        assert_eq!(at(Content::Bars, 16, 47), Some([255, 255, 255, 255]));
        assert_eq!(at(Content::Checkerboard, 0, 0), Some([153, 153, 153, 255]));
        assert_eq!(at(Content::Checkerboard, 3, 0), Some([102, 102, 102, 255]));
        assert_eq!(
            at(Content::Solid([1.0, 0.0, 0.2, 1.0]), 83, 47),
            Some([255, 0, 51, 255])
        );
        let nothing = Composite::new(size(16, 9), Vec::new());
        let picture = shown(&ctx, &mut viewer, &nothing, window);
        assert!(
            picture
                .rgba
                .as_chunks()
                .0
                .iter()
                .all(|&pixel| pixel == [0, 0, 0, 255])
        );
    }
}

#[test]
fn groups_that_do_not_match_are_no_error() {
    let ctx = shared();
    let window = size(16, 9);
    for choice in CHOICES {
        let mut viewer = viewer(&ctx, choice);
        let white = || plain(Content::Solid([1.0; 4]));
        let unended = Composite::new(window, vec![CompositeOp::BeginGroup, white()]);
        let unbegun = Composite::new(window, vec![end(faint(0.5), Mix::Over(0.0)), white()]);
        let mut deep = vec![CompositeOp::BeginGroup; 500];
        deep.push(white());
        deep.extend((0..500).map(|_| end(faint(0.999), Mix::Difference(1.0))));
        let deep = Composite::new(window, deep);
        for composite in [unended, unbegun, deep] {
            let picture = shown(&ctx, &mut viewer, &composite, window);
            let pixel = picture.pixel(3, 3).unwrap();
            assert!(pixel[0] >= 200 && pixel[3] == 255, "{choice:?}: {pixel:?}");
        }
    }
}

#[test]
fn changing_frames_do_not_mix() {
    let ctx = shared();
    let window = size(64, 36);
    let still = translucent(64, 36, 40);
    let half = Look {
        scale: [0.5, 0.5],
        ..Look::default()
    };
    let composites: Vec<_> = (0..6)
        .map(|seed| {
            let low = content(noise(with_alpha(rgb(8, false)), 64, 36, seed));
            Composite::new(
                window,
                vec![
                    plain(opaque(64, 36, 50 + seed)),
                    layer(low, half, Mix::Over(0.5)),
                    plain(still.clone()),
                ],
            )
        })
        .collect();
    for choice in CHOICES {
        let alone: Vec<_> = composites
            .iter()
            .map(|composite| shown(&ctx, &mut viewer(&ctx, choice), composite, window))
            .collect();
        let mut viewer = viewer(&ctx, choice);
        for _ in 0..3 {
            for (composite, alone) in composites.iter().zip(&alone) {
                assert!(
                    shown(&ctx, &mut viewer, composite, window) == *alone,
                    "{choice:?}"
                );
            }
        }
    }
}

#[test]
fn a_lost_device_is_answered_and_replaced() {
    let window = size(32, 18);
    let ops = vec![
        plain(opaque(32, 18, 60)),
        layer(translucent(32, 18, 61), faint(0.5), Mix::FULL),
    ];
    let composite = Composite::new(window, ops);
    for choice in CHOICES {
        let ctx = open();
        let mut viewer = viewer(&ctx, choice);
        let before = shown(&ctx, &mut viewer, &composite, window);
        ctx.force_loss();
        assert_eq!(
            viewer.show_composite(&ctx, &composite, window, 0),
            Err(PictureError::DeviceLost)
        );
        let next = open();
        assert_eq!(
            viewer.show_composite(&next, &composite, window, 0),
            Err(PictureError::OtherDevice)
        );
        viewer.rebuild(&next, OffscreenTarget::FORMAT).unwrap();
        assert!(shown(&next, &mut viewer, &composite, window) == before);
        assert_eq!(ctx.uncaptured_errors() + next.uncaptured_errors(), 0);
    }
}

#[test]
fn a_composite_has_one_gpu_time() {
    let ctx = shared();
    if !ctx.has_timestamps() {
        println!("skipped: {} has no time stamps", ctx.summary().name);
        return;
    }
    let mut viewer = viewer(&ctx, ConvertChoice::Gpu);
    let window = size(64, 36);
    let mut times = Vec::new();
    for token in 1..6 {
        let ops = vec![
            plain(opaque(64, 36, token)),
            layer(translucent(64, 36, token), faint(0.5), Mix::Difference(0.5)),
        ];
        viewer
            .show_composite(&ctx, &Composite::new(window, ops), window, token)
            .unwrap();
        ctx.wait(None).unwrap();
        times.extend(viewer.drain_gpu_times(&ctx));
    }
    let tokens: Vec<_> = times.iter().map(|&(token, _)| token).collect();
    assert_eq!(tokens, [1, 2, 3, 4, 5], "{times:?}");
    assert!(times.iter().all(|&(_, nanos)| nanos > 0), "{times:?}");
}
