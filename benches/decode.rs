//! What the decoder's surroundings cost: the ring between threads, and the GOP index.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jogwheel::decode::{
    Generation, IndexBuilder, PacketStamp, Picture, PlannedFrame, RingItem, frame_ring,
};
use jogwheel::time::{FrameIndex, FrameRate, MediaSpan, Moment, TimeBase};

/// An hour at 60 frames a second.
const HOUR_FRAMES: i64 = 216_000;

fn item(index: i64, reason: &Arc<str>) -> RingItem {
    RingItem::Frame(PlannedFrame {
        generation: Generation(1),
        index: FrameIndex(index),
        run: MediaSpan::ZERO,
        run_end: MediaSpan::ZERO,
        picture: Picture::Missing(Arc::clone(reason)),
        given_up: 0,
        demux: Duration::ZERO,
        decode: Duration::ZERO,
        ready: Moment::ZERO,
    })
}

fn ring(c: &mut Criterion) {
    let reason: Arc<str> = "a bench".into();
    let mut group = c.benchmark_group("ring");
    group.throughput(Throughput::Elements(1));
    group.bench_function("push, peek and pop one frame", |b| {
        let (mut producer, mut consumer) = frame_ring(6);
        b.iter(|| {
            assert!(producer.push(item(0, &reason)).is_ok());
            black_box(consumer.peek());
            black_box(consumer.pop())
        });
    });
    group.finish();
}

/// Packets in decoding order, three B-frames between references, a keyframe every two seconds.
fn packets() -> Vec<PacketStamp> {
    (0..HOUR_FRAMES)
        .map(|n| {
            let place = n % 4;
            let pts = if place == 0 { n + 3 } else { n - 1 };
            PacketStamp {
                pts: Some(pts * 512),
                dts: Some((n - 2) * 512),
                duration: 512,
                is_key: n % 120 == 0,
                is_discarded: false,
                position: Some(n.unsigned_abs() * 40_000),
            }
        })
        .collect()
}

fn index(c: &mut Criterion) {
    let (Some(base), Some(rate)) = (TimeBase::new(1, 30_720), FrameRate::new(60, 1)) else {
        return;
    };
    let packets = packets();
    let build = || {
        let mut builder = IndexBuilder::new(base, rate, 0);
        for &packet in &packets {
            builder.push(packet);
        }
        builder
    };
    let mut group = c.benchmark_group("index of an hour at 60 fps");
    group.bench_function("push all packets", |b| b.iter(build));
    group.bench_function("publish", |b| {
        b.iter_batched(
            build,
            |builder| builder.publish(true),
            BatchSize::LargeInput,
        );
    });
    let made = build().publish(true);
    group.bench_function("find a frame by its time stamp", |b| {
        let mut pts = 0;
        b.iter(|| {
            pts = (pts + 512 * 7919) % (HOUR_FRAMES * 512);
            black_box(made.frame_of_pts(pts))
        });
    });
    group.bench_function("find a frame's keyframe", |b| {
        let mut frame = 0;
        b.iter(|| {
            frame = (frame + 7919) % HOUR_FRAMES;
            black_box(made.keyframe_for(FrameIndex(frame)))
        });
    });
    group.finish();
}

criterion_group!(benches, ring, index);
criterion_main!(benches);
