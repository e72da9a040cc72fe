//! What happens over time: the staging ring under pressure, GPU times, lost devices.

use crate::gpu::test_support::{gray_frame, noise_frame, open, shared, size};
use crate::gpu::{ConvertChoice, GpuContext, OffscreenTarget, PictureError, RgbaPicture, Viewer};
use crate::media::{ColorInfo, Orientation, PixelFormat, VideoFrame};

const UPRIGHT: Orientation = Orientation::UPRIGHT;

fn shown(ctx: &GpuContext, viewer: &mut Viewer, frame: &VideoFrame) -> RgbaPicture {
    viewer.show(ctx, frame, UPRIGHT, frame.size, 0).unwrap();
    viewer.read_back(ctx).unwrap()
}

#[test]
fn a_change_of_size_and_format_is_shown_at_once() {
    let ctx = shared();
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let mut viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).unwrap();
        for (format, side) in [
            (PixelFormat::YUV420P8, 16),
            (PixelFormat::NV12, 600),
            (PixelFormat::YUV420P8, 33),
            (PixelFormat::NV12, 8),
        ] {
            let picture = shown(&ctx, &mut viewer, &gray_frame(format, side, side));
            assert_eq!(picture.size, size(side, side));
            assert!(
                picture
                    .rgba
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .all(|&p| p == [130, 130, 130, 255])
            );
        }
    }
}

#[test]
fn frames_of_a_burst_do_not_mix() {
    let ctx = shared();
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let mut viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).unwrap();
        let frames: Vec<_> = (0..8)
            .map(|seed| {
                noise_frame(
                    PixelFormat::YUV420P8,
                    size(320, 180),
                    ColorInfo::BT709_LIMITED,
                    seed,
                )
            })
            .collect();
        let alone: Vec<_> = frames
            .iter()
            .map(|frame| shown(&ctx, &mut viewer, frame))
            .collect();
        for _ in 0..3 {
            for frame in &frames {
                viewer.show(&ctx, frame, UPRIGHT, frame.size, 0).unwrap();
            }
            assert_eq!(&viewer.read_back(&ctx).unwrap(), alone.last().unwrap());
        }
        assert_ne!(alone[0], alone[1]);
    }
}

#[test]
fn gpu_times_arrive_under_their_tokens() {
    let ctx = shared();
    if !ctx.has_timestamps() {
        println!("skipped: {} has no time stamps", ctx.summary().name);
        return;
    }
    let mut viewer = Viewer::new(&ctx, ConvertChoice::Gpu, OffscreenTarget::FORMAT).unwrap();
    let frame = gray_frame(PixelFormat::YUV420P8, 256, 256);
    let mut seen = Vec::new();
    for token in 100..120 {
        viewer
            .show(&ctx, &frame, UPRIGHT, frame.size, token)
            .unwrap();
        seen.extend(viewer.drain_gpu_times(&ctx));
    }
    ctx.wait(None).unwrap();
    seen.extend(viewer.drain_gpu_times(&ctx));
    assert!(!seen.is_empty(), "no times at all");
    assert!(seen.is_sorted_by_key(|&(token, _)| token), "{seen:?}");
    assert!(
        seen.iter()
            .all(|&(token, nanos)| (100..120).contains(&token) && nanos > 0),
        "{seen:?}"
    );
    assert_eq!(
        viewer.drain_gpu_times(&ctx).count(),
        0,
        "each time comes once"
    );
}

#[test]
fn a_lost_device_is_answered_and_replaced() {
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let ctx = open();
        let mut viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).unwrap();
        let frame = noise_frame(
            PixelFormat::YUV420P8,
            size(64, 36),
            ColorInfo::BT709_LIMITED,
            4,
        );
        let before = shown(&ctx, &mut viewer, &frame);
        let target = OffscreenTarget::new(&ctx, frame.size).unwrap();

        ctx.force_loss();
        assert!(ctx.is_lost());
        let whole = crate::gpu::Rect {
            x: 0,
            y: 0,
            size: frame.size,
        };
        let view = crate::media::ViewSettings::default();
        assert_eq!(
            viewer.show(&ctx, &frame, UPRIGHT, frame.size, 0),
            Err(PictureError::DeviceLost)
        );
        assert_eq!(
            viewer.render(&ctx, target.view(), whole, &view, None, None),
            Err(PictureError::DeviceLost)
        );
        assert_eq!(viewer.read_back(&ctx), Err(PictureError::DeviceLost));
        ctx.poll();

        let next = open();
        assert_ne!(next.generation(), ctx.generation());
        assert_eq!(
            viewer.show(&next, &frame, UPRIGHT, frame.size, 0),
            Err(PictureError::OtherDevice)
        );
        viewer.rebuild(&next, OffscreenTarget::FORMAT).unwrap();
        assert_eq!(shown(&next, &mut viewer, &frame), before);
        assert_eq!(ctx.uncaptured_errors(), 0);
    }
}

#[test]
fn losing_the_device_with_work_in_flight_is_no_panic() {
    let ctx = open();
    let mut viewer = Viewer::new(&ctx, ConvertChoice::Gpu, OffscreenTarget::FORMAT).unwrap();
    let frame = gray_frame(PixelFormat::NV12, 512, 512);
    for token in 0..6 {
        viewer
            .show(&ctx, &frame, UPRIGHT, frame.size, token)
            .unwrap();
    }
    ctx.force_loss();
    assert_eq!(ctx.wait(None), Err(PictureError::DeviceLost));
    ctx.poll();
    assert_eq!(
        viewer
            .drain_gpu_times(&ctx)
            .filter(|&(token, _)| token > 6)
            .count(),
        0
    );
}

#[test]
fn a_frame_that_no_texture_holds_goes_over_the_cpu() {
    let ctx = shared();
    let side = ctx.max_texture_side() + 1;
    if side > 65_535 {
        println!("skipped: textures of {} hold any frame", ctx.summary().name);
        return;
    }
    let frame = gray_frame(PixelFormat::YUV420P8, side, 2);
    let out = size(64, 1);
    let mut viewer = Viewer::new(&ctx, ConvertChoice::Gpu, OffscreenTarget::FORMAT).unwrap();
    assert_eq!(
        viewer.show(&ctx, &frame, UPRIGHT, out, 0),
        Err(PictureError::TooLargeForTextures {
            size: frame.size,
            limit: side - 1
        })
    );
    viewer.set_choice(ConvertChoice::Auto);
    viewer.show(&ctx, &frame, UPRIGHT, out, 0).unwrap();
    assert_eq!(
        viewer.read_back(&ctx).unwrap().pixel(0, 0),
        Some([130, 130, 130, 255])
    );
}
