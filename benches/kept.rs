//! What it costs to show a picture again, beside making it, and what keeping pictures adds to making them.
//!
//! Figures are CPU time of the whole process, a software rasterizer's threads included, so that other
//! programs do not count. Frames are 4K 4:2:0 of 8 bits, shown and drawn at 1280x720. `made` keeps nothing,
//! as `--no-cache` does; `made and kept` plays on through frames that never come again; `again` shows
//! pictures that are kept. `drawn` draws one picture again and again: what `again` cannot save.

mod frames;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use frames::{frame, size};
use jogwheel::gpu::{
    ConvertChoice, Course, GpuContext, GpuOptions, OffscreenTarget, Outlook, Place, Rect,
    TextureBudget, Viewer,
};
use jogwheel::media::{Orientation, PictureId, PixelFormat, VideoFrame, ViewSettings};
use jogwheel::memory::Ledger;
use jogwheel::time::FrameIndex;

/// Frames in turn: more than the last-level cache holds.
const FRAMES: i64 = 12;

/// CPU time of this process so far.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Made,
    MadeAndKept,
    Again,
    Drawn,
}

struct Screen {
    ctx: GpuContext,
    viewer: Viewer,
    target: OffscreenTarget,
    way: Way,
    shown: i64,
}

impl Screen {
    fn new(choice: ConvertChoice, way: Way) -> Self {
        let mut ctx = GpuContext::headless(&GpuOptions::from_env(None)).expect("a device");
        let budget = TextureBudget::of_ledger(Ledger::new(2 << 30));
        if way == Way::Made {
            budget.lower_share(0);
        }
        ctx.set_budget(budget);
        let viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).expect("a viewer");
        let target = OffscreenTarget::new(&ctx, size(1280, 720)).expect("a target");
        Self {
            ctx,
            viewer,
            target,
            way,
            shown: 0,
        }
    }

    /// Shows one of the frames and draws it.
    fn turn(&mut self, frames: &mut [VideoFrame]) {
        let at = self.shown % FRAMES;
        let frame = &mut frames[usize::try_from(at).unwrap_or(0)];
        let (number, course) = match self.way {
            Way::Made | Way::MadeAndKept => (self.shown, Course::Onwards { reverse: false }),
            Way::Again | Way::Drawn => (at, Course::Anywhere),
        };
        frame.id = PictureId::of_frame(1, FrameIndex(number));
        if self.way != Way::Drawn || self.shown == 0 {
            let place = Place {
                medium: 1,
                frame: FrameIndex(number),
            };
            self.viewer.set_outlook(Outlook { place, course });
            let window = self.target.size();
            let times = self
                .viewer
                .show(&self.ctx, frame, Orientation::UPRIGHT, window, 0)
                .expect("a picture");
            black_box(times);
        }
        let viewport = Rect {
            x: 0,
            y: 0,
            size: self.target.size(),
        };
        let settings = ViewSettings::default();
        self.viewer
            .render(
                &self.ctx,
                self.target.view(),
                viewport,
                &settings,
                None,
                None,
            )
            .expect("a drawn window");
        self.ctx.wait(None).expect("the device answers");
        self.shown += 1;
    }
}

fn kept(criterion: &mut Criterion) {
    let mut frames: Vec<VideoFrame> = (0..FRAMES)
        .map(|number| {
            let seed = usize::try_from(number).unwrap_or(0);
            frame(PixelFormat::YUV420P8, size(3840, 2160), seed)
        })
        .collect();
    for choice in [ConvertChoice::Cpu, ConvertChoice::Gpu] {
        let mut group = criterion.benchmark_group(format!("kept/{choice:?}"));
        group.sample_size(20);
        for (name, way) in [
            ("made", Way::Made),
            ("made and kept", Way::MadeAndKept),
            ("again", Way::Again),
            ("drawn", Way::Drawn),
        ] {
            let mut screen = Screen::new(choice, way);
            // Textures are made, and all that comes again is there.
            for _ in 0..40 {
                screen.turn(&mut frames);
            }
            group.bench_function(name, |bencher| {
                bencher.iter_custom(|pictures| {
                    let start = cpu_time();
                    for _ in 0..pictures {
                        screen.turn(&mut frames);
                    }
                    cpu_time().saturating_sub(start)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, kept);
criterion_main!(benches);
