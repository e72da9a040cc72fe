//! Showing one frame after another allocates next to nothing: memory for pictures is kept from frame to
//! frame.
//!
//! This program has an allocator of its own that counts, and one test, so that nothing else allocates
//! meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::gpu::{
    ConvertChoice, Course, GpuContext, GpuOptions, OffscreenTarget, Outlook, Place, TextureBudget,
    Viewer,
};
use jogwheel::media::{
    ColorInfo, FieldOrder, FrameStorage, MatrixCoefficients, Orientation, PictureId, PixelFormat,
    Primaries, Size, TransferFunction, VideoFrame,
};
use jogwheel::memory::Ledger;
use jogwheel::time::FrameIndex;

/// Bytes that were asked for so far.
static ASKED_BYTES: AtomicU64 = AtomicU64::new(0);

struct Counting;

#[expect(unsafe_code, reason = "allocators are unsafe to implement")]
// SAFETY: everything is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED_BYTES.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Bytes asked for while `work` ran.
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
    let slices: Vec<_> = planes
        .iter()
        .map(|(bytes, stride)| (&bytes[..], *stride))
        .collect();
    VideoFrame {
        id: PictureId::unique(),
        size,
        format,
        color,
        fields: FieldOrder::Progressive,
        storage: FrameStorage::from_planes(format, size, &slices),
    }
}

#[test]
fn one_frame_after_another_takes_the_memory_of_the_one_before() {
    let (uhd, window) = (
        Size::new(3840, 2160).expect("it works"),
        Size::new(1280, 720).expect("it works"),
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
            converter
                .convert(frame, &job, &mut out, stride)
                .expect("it works");
        };
        convert();
        let asked = asked_by(|| (0..4).for_each(|_| convert()));
        // Starting a thread takes its name and a place for its result.
        assert!(asked <= 4 * most, "{threads} threads: {asked} bytes");
    }
}

/// What the driver takes is not counted, but what this program and wgpu take is.
fn showing(frame: &mut VideoFrame, window: Size, choice: ConvertChoice) {
    let mut ctx = GpuContext::headless(&GpuOptions::from_env(None)).expect("it works");
    ctx.set_budget(TextureBudget::of_ledger(Ledger::new(1 << 30)));
    let mut viewer = Viewer::new(&ctx, choice, OffscreenTarget::FORMAT).expect("it works");
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
            .expect("it works");
        ctx.wait(None).expect("it works");
    };
    // Until as many pictures are kept as are worth it.
    (0..30).for_each(&mut show);
    let asked = asked_by(|| (30..34).for_each(&mut show));
    assert!(
        asked < 4 * (64 << 10),
        "{choice:?}: {asked} bytes for four frames"
    );
}
