//! Loops that are too slow to decode and fit in memory: each of their frames is decoded once.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::bounded;
use jogwheel::cache::FrameCache;
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{
    FrameKeeper, Generation, Input, LoopMode, Picture, RingItem, RunAnchor, SessionOptions,
    VideoPlan, VideoSession, VideoSource, media_info,
};
use jogwheel::memory::{FramePool, PressureGauge};
use jogwheel::time::{Clock, FrameIndex, MediaSpan, Moment};

use crate::made;
use crate::program::HUNG;

/// Each look at it takes this long: a decoder that looks some times for each frame is late for all of them.
const LOOK_NANOS: u64 = 30_000_000;

#[derive(Debug, Default)]
struct RushingClock(AtomicU64);

impl Clock for RushingClock {
    fn now(&self) -> Moment {
        let nanos = self.0.fetch_add(LOOK_NANOS, Ordering::Relaxed);
        Moment::from_nanos(nanos)
    }
}

fn cache(clock: &Arc<RushingClock>, room: u64, pool: &FramePool) -> Arc<FrameCache> {
    let clock = Arc::clone(clock) as _;
    let cache = FrameCache::new(room, clock, None, PressureGauge::default());
    cache.join(pool);
    cache
}

fn options(
    clock: &Arc<RushingClock>,
    pool: FramePool,
    keeper: Option<Arc<dyn FrameKeeper>>,
    notify: impl Fn() + Send + Sync + 'static,
) -> SessionOptions {
    SessionOptions {
        threads: NonZero::new(2).unwrap(),
        pool,
        ring_frames: 4,
        more_decoders: 0,
        reverse_frames: 8,
        clock: Arc::clone(clock) as _,
        anchor: Arc::default(),
        notify: Arc::new(notify),
        index: None,
        indices: None,
        keeper,
        proxies: None,
    }
}

fn looping(generation: u64, start: FrameIndex) -> VideoPlan {
    VideoPlan {
        generation: Generation(generation),
        start,
        first: FrameIndex::ZERO,
        last: None,
        reverse: false,
        stride: NonZero::new(1).unwrap(),
        repeat: LoopMode::Loop,
    }
}

#[test]
fn a_decoder_that_is_too_slow_decodes_a_loop_once() {
    for name in ["h264-bframes.mp4", "h264-longgop.mp4", "hevc-opengop.mp4"] {
        let clip = made::clip(name);
        let clock = Arc::new(RushingClock::default());
        let (pool, room) = (FramePool::new(1 << 30), 512 << 20);
        let cache = cache(&clock, room, &pool);
        let input = Input::open(&clip.path).unwrap();
        let stream = media_info(&input).default_video().unwrap().clone();
        let keeper = cache.keeper(&clip.path, input.file_identity(), stream.id);
        let (send, news) = bounded(1);
        let notify = move || {
            let _already = send.try_send(());
        };
        let options = options(&clock, pool, Some(Arc::clone(&keeper)), notify);
        let anchor = Arc::clone(&options.anchor);
        let orientation = stream.orientation;
        let (mut session, mut frames) = VideoSession::start(input, stream, options).unwrap();
        while !session.index().is_complete() {
            news.recv_timeout(HUNG).expect("the index is made");
        }
        let plan = looping(1, FrameIndex::ZERO);
        anchor.store(Some(Arc::new(RunAnchor {
            generation: plan.generation,
            at: clock.now(),
            run: MediaSpan::ZERO,
            rate_ppb: RunAnchor::NORMAL_PPB,
        })));
        session.set_plan(plan);
        let mut converter = CpuConverter::new(1);
        let mut next = || loop {
            match frames.pop() {
                Some(RingItem::Frame(frame)) => return frame,
                Some(RingItem::End { .. }) => panic!("{name}: a loop has no end"),
                None => news.recv_timeout(HUNG).expect("a frame comes"),
            }
        };
        let mut show = || {
            let frame = next();
            let Picture::Frame(picture) = &frame.picture else {
                panic!("{name}: {:?} of frame {}", frame.picture, frame.index);
            };
            let number = made::number_in(picture, orientation, &mut converter);
            let expected = u32::try_from(frame.index.0).unwrap() + clip.first;
            assert_eq!(number, Ok(expected), "{name}");
        };
        let is_whole = || (0..clip.frames).all(|frame| keeper.has(FrameIndex(frame)));
        let mut shown = 0;
        while !is_whole() {
            show();
            shown += 1;
            assert!(shown < 100 * clip.frames, "{name}: the lap is never filled");
        }
        // Beside each frame once, what comes before the first one that is missing in its group.
        let decoded = session.status().decoded;
        let once = u64::try_from(clip.frames).unwrap();
        assert!(decoded <= once + once / 2, "{name}: {decoded} decoded");
        assert!(session.status().holds_lap);
        for _ in 0..2 * clip.frames {
            show();
        }
        assert_eq!(session.status().decoded, decoded, "{name}: nothing more");
    }
}

#[test]
fn a_jump_is_decoded_at_once_and_shows_what_it_passes() {
    let clip = made::clip("h264-bframes.mp4");
    let (keyframe, target) = (FrameIndex(120), FrameIndex(178));
    for keeps in [true, false] {
        let clock = Arc::new(RushingClock::default());
        let pool = FramePool::new(1 << 30);
        let cache = cache(&clock, 512 << 20, &pool);
        let input = Input::open(&clip.path).unwrap();
        let stream = media_info(&input).default_video().unwrap().clone();
        let keeper = keeps.then(|| cache.keeper(&clip.path, input.file_identity(), stream.id));
        // Whoever has news waits until it has been looked at.
        let (send, news) = bounded(0);
        let (go, gone) = bounded(0);
        let options = options(&clock, pool, keeper, move || {
            if send.send(()).is_ok() {
                let _closed = gone.recv();
            }
        });
        let orientation = stream.orientation;
        let (mut session, mut frames) = VideoSession::start(input, stream, options).unwrap();
        let next = || news.recv_timeout(HUNG).expect("there is news");
        while !session.index().is_complete() {
            next();
            go.send(()).unwrap();
        }
        // In the midst of the first group, of which memory has room for the rest.
        session.set_plan(looping(1, FrameIndex::ZERO));
        loop {
            next();
            if frames.pop().is_some() {
                break;
            }
            go.send(()).unwrap();
        }
        let before = session.status().decoded;
        session.set_plan(looping(2, target));
        let mut converter = CpuConverter::new(1);
        let mut passed = Vec::new();
        loop {
            go.send(()).unwrap();
            next();
            let arrived = std::iter::from_fn(|| frames.pop()).any(|item| match item {
                RingItem::Frame(frame) => {
                    frame.generation == Generation(2) && frame.index == target
                }
                RingItem::End { .. } => false,
            });
            if arrived {
                break;
            }
            let Some(near) = session.nearest_still(target, 60) else {
                continue;
            };
            let Picture::Frame(picture) = &near.picture else {
                panic!("{:?} of frame {}", near.picture, near.index);
            };
            let number = made::number_in(picture, orientation, &mut converter);
            assert_eq!(number.map(i64::from), Ok(near.index.0));
            passed.push(near.index);
        }
        assert_eq!(passed.first(), Some(&keyframe), "kept: {keeps}");
        assert!(passed.is_sorted() && passed.len() > 5, "{passed:?}");
        assert!(passed.iter().all(|frame| *frame < target), "{passed:?}");
        // The group that it left is not decoded to its end, and no more than one group in all.
        let decoded = session.status().decoded - before;
        assert!(decoded <= 64, "{decoded} decoded");
        let near = session.nearest_still(target, 60);
        assert_eq!(near.is_some(), keeps, "what was passed is let go of");
        drop((news, go));
    }
}
