//! What it costs to make a timeline ready to play, and to tell what is seen in a frame.
//!
//! `new` is [`Edit::new`], by the number of clips. `frame` resolves one frame: of 10,000 clips on 20 tracks
//! that are all seen, in random order and in the order of play; of 10,000 on 20 tracks that follow one
//! another, so that one is seen at a time; and of 10,000 on one track. `changed` compares two revisions.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use jogwheel::time::{FrameIndex, FrameRate, MediaSpan, MediaTime};
use jogwheel::timeline::resolve::Edit;
use jogwheel::timeline::{
    Child, CompositionKind, Item, ItemKind, Look, MediaReference, Metadata, StatedRange, TimeRange,
    Timeline, TrackKind, Transition, TransitionKind,
};

/// Frames of a clip: 10,000 one after another last ten hours.
const CLIP_FRAMES: i64 = 86;

fn rate() -> FrameRate {
    FrameRate::new(24, 1).expect("a valid rate")
}

fn frames(count: i64) -> MediaSpan {
    rate().time_of_frame_nearest(FrameIndex(count)).since_zero()
}

fn item(kind: ItemKind, length: Option<i64>) -> Item {
    Item {
        source_range: length.map(|length| StatedRange {
            range: TimeRange {
                start: MediaTime::ZERO + frames(100),
                duration: frames(length),
            },
            rate: rate(),
        }),
        ..Item::new("shot", kind)
    }
}

fn clip(number: i64, length: i64) -> Child {
    let file = MediaReference::File {
        target: format!("file:///media/shot_{:03}.mov", number % 50).into(),
        available: None,
    };
    Child::Item(Arc::new(item(ItemKind::clip(file), Some(length))))
}

fn gap(length: i64) -> Child {
    Child::Item(Arc::new(item(ItemKind::Gap, Some(length))))
}

fn composition(kind: CompositionKind, children: Vec<Child>) -> Item {
    item(ItemKind::composition(kind, children), None)
}

/// `count` clips with a dissolve at every tenth cut, after a gap.
fn track(count: i64, before: i64, length: i64) -> Child {
    let dissolve = Child::Transition(Arc::new(Transition {
        name: "".into(),
        kind: TransitionKind::Dissolve,
        in_offset: frames(6),
        out_offset: frames(6),
        metadata: Metadata::NONE,
    }));
    let mut children = vec![gap(before)];
    for number in 0..count {
        if number % 10 == 9 {
            children.push(dissolve.clone());
        }
        children.push(clip(number, length));
    }
    let kind = CompositionKind::Track(TrackKind::Video);
    Child::Item(Arc::new(composition(kind, children)))
}

fn timeline(tracks: Vec<Child>) -> Timeline {
    Timeline {
        name: "bench".into(),
        rate: rate(),
        global_start: None,
        drop_frame: false,
        canvas: None,
        root: Arc::new(composition(CompositionKind::Stack, tracks)),
        metadata: Metadata::NONE,
    }
}

/// All tracks at once, their cuts apart from one another.
fn parallel(tracks: i64, clips: i64) -> Timeline {
    let length = CLIP_FRAMES * tracks;
    timeline(
        (0..tracks)
            .map(|at| track(clips / tracks, at * CLIP_FRAMES, length))
            .collect(),
    )
}

/// Each track where the one before ends.
fn staggered(tracks: i64, clips: i64) -> Timeline {
    let each = clips / tracks;
    let before = |at| at * each * CLIP_FRAMES;
    timeline(
        (0..tracks)
            .map(|at| track(each, before(at), CLIP_FRAMES))
            .collect(),
    )
}

fn edit(timeline: &Timeline) -> Edit {
    Edit::new(timeline).expect("within limits")
}

fn make_ready(c: &mut Criterion) {
    let mut group = c.benchmark_group("new");
    for (name, timeline) in [
        ("2,000 clips, 1 track", parallel(1, 2_000)),
        ("10,000 clips, 1 track", parallel(1, 10_000)),
        ("10,000 clips, 20 tracks", parallel(20, 10_000)),
    ] {
        group.bench_function(name, |b| b.iter(|| edit(black_box(&timeline))));
    }
    group.finish();
}

fn resolve(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame");
    for (name, timeline) in [
        ("20 tracks, all seen", parallel(20, 10_000)),
        ("20 tracks, one seen", staggered(20, 10_000)),
        ("1 track", parallel(1, 10_000)),
    ] {
        let edit = edit(&timeline);
        let mut ops = Vec::new();
        let (mut at, mut random) = (0, 1_u64);
        group.bench_function(format!("{name}, in order"), |b| {
            b.iter(|| {
                at = (at + 1) % edit.frames();
                edit.video_at(black_box(FrameIndex(at)), &mut ops);
                ops.len()
            });
        });
        group.bench_function(format!("{name}, at random"), |b| {
            b.iter(|| {
                // The generator of Knuth's MMIX.
                random = random.wrapping_mul(6_364_136_223_846_793_005);
                random = random.wrapping_add(1_442_695_040_888_963_407);
                let frame = i64::try_from(random >> 33).unwrap_or(0) % edit.frames();
                edit.video_at(black_box(FrameIndex(frame)), &mut ops);
                ops.len()
            });
        });
    }
    group.finish();
}

fn compare(c: &mut Criterion) {
    let mut group = c.benchmark_group("changed");
    for (name, old) in [
        ("2,000 clips, 1 track", parallel(1, 2_000)),
        ("10,000 clips, 20 tracks", parallel(20, 10_000)),
    ] {
        let other = |clip: &Item| Item {
            look: Look {
                opacity: 0.5,
                ..clip.look
            },
            ..clip.clone()
        };
        let new = edit(&old.with_item(&[0, 20], other).expect("a clip"));
        let old = edit(&old);
        group.bench_function(name, |b| b.iter(|| black_box(&new).changed_since(&old)));
    }
    group.finish();
}

criterion_group!(benches, make_ready, resolve, compare);
criterion_main!(benches);
