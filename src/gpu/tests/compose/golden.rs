//! Placing, mixing, wipes, groups and turns against the reference.

use std::sync::Arc;

use super::{Judge, end, faint, layer, noise, opaque, plain, translucent};
use crate::gpu::job_uniform::f32_from;
use crate::gpu::test_support::{Random, rgb, size};
use crate::media::Orientation;
use crate::timeline::{CompositeOp, Content, Fit, Look, Mix, WipeEdge};

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
    judge.limit = 2.0;
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
    judge.limit = 2.0;
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
                    scale,
                    rotation,
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
        let mut single = || f32_from(part());
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
