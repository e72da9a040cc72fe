//! What happens over time: the staging ring under pressure, GPU times, lost devices.

use std::ops::Range;
use std::process::Command;

use crate::gpu::test_support::{gray_frame, noise_frame, open, shared, size};
use crate::gpu::{
    ConvertChoice, GpuContext, OffscreenTarget, PictureError, Rect, RgbaPicture, Viewer,
};
use crate::media::{ColorInfo, Orientation, PixelFormat, VideoFrame, ViewSettings};
use crate::metrics::GpuPass;

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

/// Runs `body` in a process of its own, for profiler scopes are switched for the whole program: `name` is the test
/// that calls this, and the process runs it again.
fn alone(name: &str, body: impl FnOnce()) {
    const ALONE: &str = "JOGWHEEL_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let ended = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("gpu::tests::lifecycle::{name}"),
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{ended:#?}"
    );
}

#[test]
fn passes_come_by_name_in_their_order_while_scopes_are_on() {
    alone(
        "passes_come_by_name_in_their_order_while_scopes_are_on",
        passes_of_frames,
    );
}

fn passes_of_frames() {
    const MINUTE_NANOS: u64 = 60_000_000_000;
    let ctx = shared();
    let mut viewer = Viewer::new(&ctx, ConvertChoice::Gpu, OffscreenTarget::FORMAT).unwrap();
    let frame = gray_frame(PixelFormat::YUV420P8, 256, 256);
    let target = OffscreenTarget::new(&ctx, frame.size).unwrap();
    let (whole, view) = (Rect::whole(frame.size), ViewSettings::default());
    let mut show = |tokens: Range<u64>| {
        for token in tokens {
            viewer
                .show(&ctx, &frame, UPRIGHT, frame.size, token)
                .unwrap();
            viewer
                .render(&ctx, target.view(), whole, &view, None, Some(token))
                .unwrap();
        }
        ctx.wait(None).unwrap();
        let times: Vec<(u64, u64)> = viewer.drain_gpu_times(&ctx).collect();
        let passes: Vec<GpuPass> = viewer.drain_gpu_passes().collect();
        (times, passes)
    };
    // A device without time stamps measures nothing.
    let timed = if ctx.has_timestamps() { 3 } else { 0 };
    let (times, passes) = show(0..3);
    assert_eq!((times.len(), passes.len()), (timed, 0), "nobody looks");

    puffin::set_scopes_on(true);
    let begun = puffin::now_ns();
    let (times, passes) = show(3..6);
    let ended = puffin::now_ns();
    puffin::set_scopes_on(false);
    let names: Vec<&str> = passes.iter().map(|pass| pass.name).collect();
    assert_eq!(names, ["convert", "draw"].repeat(timed), "{passes:?}");
    assert!(
        passes.is_sorted_by_key(|pass| pass.begun_nanos)
            && passes.is_sorted_by_key(|pass| pass.submitted_nanos),
        "{passes:?}"
    );
    // An end before its beginning would be centuries.
    assert!(
        passes.iter().all(|pass| {
            (begun..=ended).contains(&pass.submitted_nanos) && pass.nanos < MINUTE_NANOS
        }),
        "{passes:?}"
    );
    // A token stands for what made its picture.
    let converted = passes.iter().filter(|pass| pass.name == "convert");
    let converted: Vec<(u64, u64)> = (3..).zip(converted.map(|pass| pass.nanos)).collect();
    assert_eq!(times, converted);

    assert_eq!(show(6..9).1, [], "nobody looks any more");
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
        let whole = Rect::whole(frame.size);
        let view = ViewSettings::default();
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
