//! The benchmark of the graphics device.

use crate::decode::Interrupter;
use crate::gpu::{ConvertChoice, GpuContext, GpuOptions, OffscreenTarget, Rect, Viewer};
use crate::media::{ColorInfo, Orientation, PixelFormat, Size, VideoFrame, ViewSettings};
use crate::time::Clock;

/// Frames that are converted, and those before them that do not count: pipelines are compiled then.
const FRAMES: usize = 50;
const WARM_UP: usize = 5;

/// Converts a 4K frame again and again on a device of its own, and tells the median in a sentence.
pub(super) fn conversion(clock: &dyn Clock, interrupter: &Interrupter) -> Result<String, String> {
    let context = GpuContext::headless(&GpuOptions::from_env(None));
    let ctx = context.map_err(|error| error.to_string())?;
    let wrong = |error: crate::gpu::PictureError| error.to_string();
    let (Some(from), Some(to)) = (Size::new(3840, 2160), Size::new(1280, 720)) else {
        return Err("no such size".to_owned());
    };
    let frames = [gray(from, 40), gray(from, 200)].map(std::sync::Arc::new);
    let target = OffscreenTarget::new(&ctx, to).map_err(wrong)?;
    let mut viewer = Viewer::new(&ctx, ConvertChoice::Auto, target.format()).map_err(wrong)?;
    let view = ViewSettings::default();
    let mut took = Vec::with_capacity(FRAMES);
    for turn in 0..WARM_UP + FRAMES {
        if interrupter.is_interrupted() {
            return Err("Measuring the graphics device was called off.".to_owned());
        }
        let begun = clock.now();
        let token = u64::try_from(turn).unwrap_or(0);
        let frame = &frames[turn % 2];
        viewer
            .show(&ctx, frame, Orientation::UPRIGHT, to, token)
            .map_err(wrong)?;
        viewer
            .render(&ctx, target.view(), Rect::whole(to), &view, None, None)
            .map_err(wrong)?;
        ctx.wait(None).map_err(wrong)?;
        if turn >= WARM_UP {
            took.push(clock.now().since(begun));
        }
    }
    took.sort_unstable();
    let median = took[FRAMES / 2].as_secs_f64() * 1000.0;
    Ok(format!(
        "{}: a 4K frame is made 1280 × 720 and drawn in {median:.1} ms (median of {FRAMES}), {:.0} a second.",
        ctx.summary().name,
        1000.0 / median.max(0.001)
    ))
}

fn gray(size: Size, luma: u8) -> VideoFrame {
    let format = PixelFormat::NV12;
    let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|plane| {
            let stride = format.row_bytes(plane, size).next_multiple_of(256);
            let value = if plane == 0 { luma } else { 128 };
            (
                vec![value; stride * format.plane_size(plane, size).1],
                stride,
            )
        })
        .collect();
    VideoFrame::from_planes(format, size, ColorInfo::BT709_LIMITED, &planes)
}
