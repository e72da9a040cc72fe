//! What happens over time and at the borders: stills, patterns, groups that do not match, lost devices, GPU
//! times.

use std::sync::Arc;

use super::{
    CHOICES, content, end, faint, layer, noise, opaque, plain, shown, translucent, viewer,
};
use crate::gpu::test_support::{noise_frame, open, rgb, shared, size, with_alpha};
use crate::gpu::{ConvertChoice, OffscreenTarget, PictureError};
use crate::media::{ColorInfo, Orientation, PixelFormat};
use crate::timeline::{Composite, CompositeOp, Content, Fit, Look, Mix};

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
