//! What it costs to compose layers into a picture of 1280x720, whoever does it.
//!
//! Figures are CPU time of the whole process, a software rasterizer's threads included, so that other
//! programs do not count. Frames change from picture to picture, so nothing is kept as a still. `clip` is a
//! lone 4K frame; what the others take beyond their conversions is the price of composing.

mod frames;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use frames::{frame, size};
use jogwheel::gpu::{ConvertChoice, GpuContext, GpuOptions, OffscreenTarget, Viewer};
use jogwheel::media::{Orientation, PixelFormat, VideoFrame};
use jogwheel::timeline::{Composite, CompositeLayer, CompositeOp, Content, Look, Mix, WipeEdge};

/// Frames of each kind, taken in turn.
const FRAMES: usize = 3;

fn layer(frame: &Arc<VideoFrame>, look: Look, mix: Mix) -> CompositeOp {
    CompositeOp::Layer(CompositeLayer {
        content: Content::Frame {
            frame: Arc::clone(frame),
            orientation: Orientation::UPRIGHT,
            display: frame.size,
        },
        look,
        mix,
    })
}

/// What is composed, by name: a list of steps for each of the frames.
fn cases() -> Vec<(&'static str, Vec<Composite>)> {
    let (uhd, hd) = (size(3840, 2160), size(1920, 1080));
    let all = |format, size, first: usize| -> Vec<_> {
        (first..first + FRAMES)
            .map(|seed| Arc::new(frame(format, size, seed)))
            .collect()
    };
    let plain = PixelFormat::YUV420P8;
    let (low, high) = (all(plain, uhd, 0), all(plain, uhd, 10));
    let small = all(plain, hd, 20);
    let titles = all(
        PixelFormat {
            alpha: true,
            ..plain
        },
        hd,
        30,
    );
    let whole = Look::default();
    let corner = Look {
        scale: [0.5, 0.5],
        position: [0.2, -0.2],
        ..whole
    };
    let turned = Look {
        rotation: 10.0,
        ..corner
    };
    let wipe = Mix::Wipe {
        edge: WipeEdge::Clock,
        progress: 0.4,
    };
    let made = |top: Option<(&[Arc<VideoFrame>], Look, Mix)>| -> Vec<_> {
        (0..FRAMES)
            .map(|at| {
                let mut ops = vec![layer(&low[at], whole, Mix::FULL)];
                ops.extend(top.map(|(frames, look, mix)| layer(&frames[at], look, mix)));
                Composite::new(uhd, ops)
            })
            .collect()
    };
    vec![
        ("clip", made(None)),
        (
            "picture in picture",
            made(Some((&small, corner, Mix::FULL))),
        ),
        ("dissolve", made(Some((&high, whole, Mix::Over(0.4))))),
        ("wipe", made(Some((&high, whole, wipe)))),
        (
            "difference",
            made(Some((&high, whole, Mix::Difference(1.0)))),
        ),
        ("title with alpha", made(Some((&titles, whole, Mix::FULL)))),
        ("turned", made(Some((&small, turned, Mix::FULL)))),
    ]
}

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn composites(criterion: &mut Criterion) {
    let ctx = GpuContext::headless(&GpuOptions::from_env(None)).expect("a device");
    let window = size(1280, 720);
    let cases = cases();
    for choice in [ConvertChoice::Cpu, ConvertChoice::Gpu] {
        let mut group = criterion.benchmark_group(format!("compose/{choice:?}"));
        group.sample_size(10);
        for (name, composites) in &cases {
            let mut viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).expect("a viewer");
            let mut turn = composites.iter().cycle();
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|pictures| {
                    let start = cpu_time();
                    for composite in turn.by_ref().take(usize::try_from(pictures).unwrap_or(1)) {
                        let times = viewer
                            .show_composite(&ctx, composite, window, 0)
                            .expect("a picture");
                        black_box(times);
                        ctx.wait(None).expect("the device answers");
                    }
                    cpu_time().saturating_sub(start)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, composites);
criterion_main!(benches);
