//! Loops that are too slow to decode and fit in memory: each of their frames is decoded once.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::bounded;
use jogwheel::cache::FrameCache;
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{
    Generation, Input, LoopMode, Picture, RingItem, RunAnchor, SessionOptions, VideoPlan,
    VideoSession, VideoSource, media_info,
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

#[test]
fn a_decoder_that_is_too_slow_decodes_a_loop_once() {
    for name in ["h264-bframes.mp4", "h264-longgop.mp4", "hevc-opengop.mp4"] {
        let clip = made::clip(name);
        let clock = Arc::new(RushingClock::default());
        let (pool, room) = (FramePool::new(1 << 30), 512 << 20);
        let cache = FrameCache::new(
            room,
            Arc::clone(&clock) as _,
            None,
            PressureGauge::default(),
        );
        cache.join(&pool);
        let input = Input::open(&clip.path).unwrap();
        let stream = media_info(&input).default_video().unwrap().clone();
        let keeper = cache.keeper(&clip.path, input.file_identity(), stream.id);
        let (send, news) = bounded(1);
        let options = SessionOptions {
            threads: NonZero::new(2).unwrap(),
            pool,
            ring_frames: 4,
            more_decoders: 0,
            reverse_frames: 8,
            clock: Arc::clone(&clock) as _,
            anchor: Arc::default(),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
            index: None,
            indices: None,
            keeper: Some(Arc::clone(&keeper)),
            proxies: None,
        };
        let anchor = Arc::clone(&options.anchor);
        let orientation = stream.orientation;
        let (mut session, mut frames) = VideoSession::start(input, stream, options).unwrap();
        while !session.index().is_complete() {
            news.recv_timeout(HUNG).expect("the index is made");
        }
        let plan = VideoPlan {
            generation: Generation(1),
            start: FrameIndex::ZERO,
            first: FrameIndex::ZERO,
            last: None,
            reverse: false,
            stride: NonZero::new(1).unwrap(),
            repeat: LoopMode::Loop,
        };
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
