//! Counts what threads allocate, to show that what must not allocate does not.

#![expect(unsafe_code, reason = "an allocator is unsafe by contract")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use jogwheel::time::FrameIndex;
use jogwheel::timeline::VideoOp;
use jogwheel::timeline::import::{ImportOptions, load};
use jogwheel::timeline::resolve::Edit;

use crate::otio::{clip, dissolve, range, speed, time, track, write};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count() {
    // A thread that is ending has no counter any more.
    let _ending = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is handed on as it came, and counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's contract is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
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
