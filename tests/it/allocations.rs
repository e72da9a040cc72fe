//! Counts what threads allocate, to show that what must not allocate does not.

#![expect(unsafe_code, reason = "an allocator is unsafe by contract")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::gpu::{
    ConvertChoice, Course, GpuContext, GpuOptions, OffscreenTarget, Outlook, Place, TextureBudget,
    Viewer,
};
use jogwheel::media::{
    ColorInfo, MatrixCoefficients, Orientation, PictureId, PixelFormat, Primaries, Size,
    TransferFunction, VideoFrame,
};
use jogwheel::memory::Ledger;
use jogwheel::time::FrameIndex;
use jogwheel::timeline::VideoOp;
use jogwheel::timeline::import::{ImportOptions, load};
use jogwheel::timeline::resolve::Edit;

use crate::otio::{clip, dissolve, range, speed, time, track, write};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Bytes that all threads have asked for so far.
static ASKED_BYTES: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: usize) {
    ASKED_BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
    // A thread that is ending has no counter any more.
    let _ending = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is handed on as it came, and counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: as above.
        unsafe { System.realloc(ptr, layout, new_size) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) }
    }
}

/// How often this thread allocates in `work`.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn ten_hours_of_clips_resolve_in_order_without_allocating() {
    assert!(
        allocations(|| drop(std::hint::black_box(vec![1u8]))) > 0,
        "allocations are counted"
    );
    let rate = 24.0;
    let frames = 86.0;
    let main: Vec<_> = (0..9_000)
        .flat_map(|number| {
            let effects = if number % 7 == 0 {
                vec![speed(-2.0)]
            } else {
                Vec::new()
            };
            let file = format!("/media/shot_{:03}.mov", number % 50);
            let shot = clip(Path::new(&file), &range(400.0, frames, rate), &effects);
            let fade = (number % 5 == 4).then(|| dissolve(&time(6.0, rate), &time(6.0, rate)));
            [Some(shot), fade.filter(|_| number + 1 < 9_000)]
        })
        .flatten()
        .collect();
    let above: Vec<_> = (0..1_000)
        .map(|_| {
            clip(
                Path::new("/media/title.mov"),
                &range(0.0, frames * 9.0, rate),
                &[],
            )
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let tracks = [track("Video", &main), track("Video", &above)];
    let path = write(folder.path(), "long", rate, &tracks);
    let timeline = load(&path, &ImportOptions::default()).unwrap().timeline;
    let edit = Edit::new(&timeline).unwrap();
    assert_eq!((edit.frames(), edit.clips().len()), (774_000, 10_000));

    let mut ops: Vec<VideoOp> = Vec::new();
    // The list takes on its size where two clips dissolve.
    edit.video_at(FrameIndex(86 * 5), &mut ops);
    let mut layers = 0;
    let count = allocations(|| {
        for frame in 0..edit.frames() {
            edit.video_at(FrameIndex(frame), &mut ops);
            layers += ops.len();
        }
    });
    assert_eq!(count, 0, "allocations in {} frames", edit.frames());
    assert!(layers >= 2 * 774_000, "{layers} layers");
}

/// Bytes that this process asks for while `work` runs: each test has a process of its own.
fn asked_by(work: impl FnOnce()) -> u64 {
    let before = ASKED_BYTES.load(Ordering::Relaxed);
    work();
    ASKED_BYTES.load(Ordering::Relaxed) - before
}

fn frame(size: Size, color: ColorInfo) -> VideoFrame {
    let format = PixelFormat::YUV420P8;
    let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|plane| {
            let stride = format.row_bytes(plane, size);
            (vec![100; stride * format.plane_size(plane, size).1], stride)
        })
        .collect();
    VideoFrame::from_planes(format, size, color, &planes)
}

#[test]
fn one_frame_after_another_takes_the_memory_of_the_one_before() {
    let (uhd, window) = (
        Size::new(3840, 2160).unwrap(),
        Size::new(1280, 720).unwrap(),
    );
    let pq = ColorInfo {
        transfer: TransferFunction::Pq,
        primaries: Primaries::Bt2020,
        matrix: MatrixCoefficients::Bt2020,
        ..ColorInfo::BT709_LIMITED
    };
    for color in [ColorInfo::BT709_LIMITED, pq] {
        converting(&frame(uhd, color), window);
    }
    let mut frame = frame(uhd, ColorInfo::BT709_LIMITED);
    for choice in [ConvertChoice::Cpu, ConvertChoice::Gpu] {
        showing(&mut frame, window, choice);
    }
}

fn converting(frame: &VideoFrame, window: Size) {
    let job = ConvertJob {
        out: window,
        orientation: Orientation::UPRIGHT,
    };
    let stride = window.width() as usize * 4;
    let mut out = vec![0; stride * window.height() as usize];
    for (threads, most) in [(1, 0), (2, 16 << 10)] {
        let mut converter = CpuConverter::new(threads);
        let mut convert = || {
            converter.convert(frame, &job, &mut out, stride).unwrap();
        };
        convert();
        let asked = asked_by(|| (0..4).for_each(|_| convert()));
        // Starting a thread takes its name and a place for its result.
        assert!(asked <= 4 * most, "{threads} threads: {asked} bytes");
    }
}

/// What the driver takes is not counted, but what this program and wgpu take is.
fn showing(frame: &mut VideoFrame, window: Size, choice: ConvertChoice) {
    let mut ctx = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
    ctx.set_budget(TextureBudget::of_ledger(Ledger::new(1 << 30)));
    let mut viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).unwrap();
    let mut show = |number| {
        let place = Place {
            medium: 1,
            frame: FrameIndex(number),
        };
        let course = Course::Onwards { reverse: false };
        viewer.set_outlook(Outlook { place, course });
        frame.id = PictureId::of_frame(1, place.frame);
        viewer
            .show(&ctx, frame, Orientation::UPRIGHT, window, 0)
            .unwrap();
        ctx.wait(None).unwrap();
    };
    // Until as many pictures are kept as are worth it.
    (0..30).for_each(&mut show);
    let asked = asked_by(|| (30..34).for_each(&mut show));
    assert!(
        asked < 4 * (64 << 10),
        "{choice:?}: {asked} bytes for four frames"
    );
}
