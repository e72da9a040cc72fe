//! Frame n is the n-th presented: read back from the picture, for every codec, GOP, edit list and
//! rotation, after every kind of move.

use std::num::NonZero;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::cache::FrameCache;
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{
    FrameConsumer, Generation, Input, LoopMode, Picture, PlannedFrame, ProxySlot, RingItem,
    SessionOptions, VideoPlan, VideoSession, VideoSource, media_info,
};
use jogwheel::media::VideoStream;
use jogwheel::memory::{FramePool, PressureGauge};
use jogwheel::time::{Clock, FrameIndex, RealClock};

use crate::made::{self, Clip};
use crate::program::{HUNG, wait_for};

/// Seeks, steps and turns in each clip.
const MOVES: u32 = 40;

/// In these so many: a thousand together.
const THOROUGH_MOVES: u32 = 250;

const THOROUGH: [&str; 4] = [
    "h264-bframes.mp4",
    "hevc-opengop.mp4",
    "h264-vfr-holds.mp4",
    "h264-editlist.mp4",
];

/// How much is kept of what was decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keeps {
    Nothing,
    /// So many megabytes, in a pool of as many more.
    Megabytes(u64),
}

/// A session and what its ring brought.
pub(crate) struct Rig {
    pub(crate) session: VideoSession,
    frames: FrameConsumer,
    news: Receiver<()>,
    pool: FramePool,
    cache: Option<Arc<FrameCache>>,
    pub(crate) stream: VideoStream,
    generation: u64,
    converter: CpuConverter,
}

impl Rig {
    fn open(clip: &Clip) -> Self {
        Self::open_keeping(clip, Keeps::Nothing)
    }

    fn open_keeping(clip: &Clip, keeps: Keeps) -> Self {
        Self::open_with(clip, keeps, None)
    }

    pub(crate) fn open_with(clip: &Clip, keeps: Keeps, proxies: Option<Arc<ProxySlot>>) -> Self {
        let input = Input::open(&clip.path).unwrap_or_else(|e| panic!("{}: {e}", clip.name));
        let info = media_info(&input);
        let stream = info
            .default_video()
            .unwrap_or_else(|| panic!("{}", clip.name))
            .clone();
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let (pool, cache) = match keeps {
            Keeps::Nothing => (FramePool::new(256 << 20), None),
            Keeps::Megabytes(mega) => {
                let limit = mega << 20;
                let gauge = PressureGauge::default();
                let cache = FrameCache::new(limit, Arc::clone(&clock), None, gauge);
                (FramePool::new(limit + (64 << 20)), Some(cache))
            }
        };
        let keeper = cache.as_ref().map(|cache| {
            cache.join(&pool);
            cache.keeper(&clip.path, input.file_identity(), stream.id)
        });
        let (send, news) = bounded(1);
        let options = SessionOptions {
            threads: NonZero::new(2).unwrap(),
            pool: pool.clone(),
            ring_frames: 4,
            more_decoders: 2,
            reverse_frames: 16,
            clock,
            anchor: Arc::default(),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
            index: None,
            indices: None,
            keeper,
            proxies,
        };
        let (session, frames) = VideoSession::start(input, stream.clone(), options).unwrap();
        let converter = CpuConverter::new(1);
        Self {
            session,
            frames,
            news,
            pool,
            cache,
            stream,
            generation: 0,
            converter,
        }
    }

    pub(crate) fn plan(&mut self, start: i64, reverse: bool, repeat: LoopMode) {
        self.generation += 1;
        self.session.set_plan(VideoPlan {
            generation: Generation(self.generation),
            start: FrameIndex(start),
            first: FrameIndex::ZERO,
            last: None,
            reverse,
            stride: NonZero::new(1).unwrap(),
            repeat,
        });
    }

    /// The next frame of the present plan; `None` at its end.
    pub(crate) fn next(&mut self) -> Option<PlannedFrame> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < Generation(self.generation) => {}
                Some(RingItem::Frame(frame)) => return Some(frame),
                Some(RingItem::End { .. }) => return None,
                None => self.news.recv_timeout(HUNG).unwrap_or_else(|_| {
                    panic!("no frame for a minute; status {:?}", self.session.status())
                }),
            }
        }
    }

    pub(crate) fn wait_for_index(&mut self) {
        while !self.session.index().is_complete() {
            self.news.recv_timeout(HUNG).expect("the index is made");
        }
    }

    fn number(&mut self, frame: &PlannedFrame) -> Result<i64, String> {
        match &frame.picture {
            Picture::Frame(picture) => {
                made::number_in(picture, self.stream.orientation, &mut self.converter)
                    .map(i64::from)
            }
            Picture::Missing(reason) => Err(format!("missing: {reason}")),
            Picture::Composite(_) => Err("a frame of a file has layers".to_owned()),
        }
    }

    /// Checks that `frame` has index `wanted` and shows its number.
    pub(crate) fn check(&mut self, frame: &PlannedFrame, wanted: i64, clip: &Clip, doing: &str) {
        let number = self.number(frame);
        let expected = Ok(wanted + i64::from(clip.first));
        assert_eq!(
            (frame.index, number),
            (FrameIndex(wanted), expected),
            "{}: {doing} frame {wanted}",
            clip.name
        );
    }
}

/// Plays `clip` through, forwards and backwards, and moves about in it.
fn verify(clip: &Clip, moves: u32, keeps: Keeps) {
    let mut rig = Rig::open_keeping(clip, keeps);
    let begun = rig.pool.usage().used_slots;
    rig.plan(0, false, LoopMode::Off);
    for wanted in 0..clip.frames {
        let frame = rig
            .next()
            .unwrap_or_else(|| panic!("{}: ends at {wanted}", clip.name));
        rig.check(&frame, wanted, clip, "playing");
    }
    assert!(
        rig.next().is_none(),
        "{}: has more than {} frames",
        clip.name,
        clip.frames
    );
    rig.wait_for_index();
    assert_eq!(
        rig.session.index().len(),
        clip.frames,
        "{}: frames in the index",
        clip.name
    );
    rig.plan(clip.frames - 1, true, LoopMode::Off);
    for wanted in (0..clip.frames).rev() {
        let frame = rig
            .next()
            .unwrap_or_else(|| panic!("{}: ends at {wanted}", clip.name));
        rig.check(&frame, wanted, clip, "playing backwards");
    }
    move_about(&mut rig, clip, moves);
    let name = clip.name.clone();
    let (pool, cache) = (rig.pool.clone(), rig.cache.clone());
    if let Some(stats) = cache.as_ref().map(|cache| cache.stats()) {
        assert!(stats.peak_bytes <= stats.limit_bytes, "{name}: {stats:?}");
        let is_exact = THOROUGH.contains(&name.as_str());
        assert!(stats.hits > 0 || !is_exact, "{name}: {stats:?}");
    }
    let usage = pool.usage();
    assert!(usage.mapped_bytes <= usage.limit_bytes, "{name}: {usage:?}");
    drop(rig);
    drop(cache);
    assert_eq!(
        pool.usage().used_slots,
        begun,
        "{name}: every frame went back to the pool"
    );
}

/// Seeded seeks, each followed by a few frames one way or the other.
fn move_about(rig: &mut Rig, clip: &Clip, moves: u32) {
    let mut random = 0x9E37_79B9_7F4A_7C15u64 ^ clip.name.len() as u64;
    let mut next_random = |below: i64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((random >> 33) % u64::try_from(below).unwrap()).unwrap()
    };
    let mut place = 0;
    for _ in 0..moves {
        // Near and far in turn, as people do.
        let target = match next_random(3) {
            0 => next_random(clip.frames),
            1 => (place + 1 + next_random(10)).min(clip.frames - 1),
            _ => (place - 1 - next_random(10)).max(0),
        };
        let reverse = next_random(2) == 0;
        rig.plan(target, reverse, LoopMode::Off);
        place = target;
        for step in 0..=next_random(4) {
            let wanted = if reverse {
                target - step
            } else {
                target + step
            };
            if !(0..clip.frames).contains(&wanted) {
                break;
            }
            let frame = rig
                .next()
                .unwrap_or_else(|| panic!("{}: no frame {wanted}", clip.name));
            rig.check(&frame, wanted, clip, "moving to");
            place = wanted;
        }
    }
}

/// The clips are shared out so that the tests run side by side.
fn verify_share(share: usize, shares: usize) {
    let mut wrong = Vec::new();
    for (number, clip) in made::clips(&["number", "still"]).iter().enumerate() {
        if number % shares != share || THOROUGH.contains(&clip.name.as_str()) {
            continue;
        }
        // What is kept does not know the codec: some clips of each share tell, and a thousand moves below.
        let also_keeps = (number / shares).is_multiple_of(3);
        let mut ways = vec![Keeps::Nothing];
        ways.extend(also_keeps.then_some(Keeps::Megabytes(64)));
        // One bad clip must not hide the others.
        let is_wrong = |keeps| std::panic::catch_unwind(|| verify(clip, MOVES, keeps)).is_err();
        if ways.into_iter().any(is_wrong) {
            wrong.push(clip.name.clone());
        }
    }
    assert!(wrong.is_empty(), "wrong frames in {wrong:?}");
}

#[test]
fn every_clip_shows_the_frame_asked_for_1() {
    verify_share(0, 2);
}

#[test]
fn every_clip_shows_the_frame_asked_for_2() {
    verify_share(1, 2);
}

#[test]
fn a_thousand_moves_each_show_the_frame_asked_for() {
    for name in THOROUGH {
        verify(&made::clip(name), THOROUGH_MOVES, Keeps::Nothing);
    }
}

#[test]
fn a_thousand_moves_through_a_cache_each_show_the_frame_asked_for() {
    for name in THOROUGH {
        // All of the clip, and some ten pictures of it.
        for keeps in [Keeps::Megabytes(256), Keeps::Megabytes(4)] {
            verify(&made::clip(name), THOROUGH_MOVES, keeps);
        }
    }
}

/// Pictures that left the decoder while `play` went on.
fn decoded_by(rig: &mut Rig, play: impl FnOnce(&mut Rig)) -> u64 {
    let before = rig.session.status().decoded;
    play(rig);
    rig.session.status().decoded - before
}

#[test]
fn loops_and_reverse_play_decode_each_group_once() {
    let clip = made::clip("h264-bframes.mp4");
    let frames = u64::try_from(clip.frames).unwrap();
    let mut rig = Rig::open_keeping(&clip, Keeps::Megabytes(256));
    rig.wait_for_index();
    let backwards = decoded_by(&mut rig, |rig| {
        rig.plan(clip.frames - 1, true, LoopMode::Off);
        for wanted in (0..clip.frames).rev() {
            let frame = rig.next().unwrap();
            rig.check(&frame, wanted, &clip, "playing backwards");
        }
    });
    assert!(
        (frames..=frames + frames / 10).contains(&backwards),
        "{backwards} pictures were decoded for {frames}"
    );
    let looping = decoded_by(&mut rig, |rig| {
        rig.plan(0, false, LoopMode::Loop);
        for _lap in 0..3 {
            for wanted in 0..clip.frames {
                let frame = rig.next().unwrap();
                rig.check(&frame, wanted, &clip, "looping at");
            }
        }
    });
    let steps = decoded_by(&mut rig, |rig| {
        for wanted in (10..20).rev() {
            rig.plan(wanted, true, LoopMode::Off);
            let frame = rig.next().unwrap();
            rig.check(&frame, wanted, &clip, "stepping back to");
        }
    });
    assert_eq!((looping, steps), (0, 0), "all of it was kept");
}

#[test]
fn a_held_frame_is_read_around_and_a_still_is_what_it_says() {
    let clip = made::clip("h264-bframes.mp4");
    let mut rig = Rig::open_keeping(&clip, Keeps::Megabytes(256));
    rig.wait_for_index();
    let middle = clip.frames / 2;
    assert!(rig.session.still(FrameIndex(middle)).is_none());
    rig.plan(middle, false, LoopMode::Off);
    let held = rig.next().unwrap();
    rig.check(&held, middle, &clip, "holding");
    // The rest of the clip, and the group before the one that is held.
    let last = FrameIndex(clip.frames - 1);
    let index = rig.session.index();
    let (number, _) = index.keyframe_for(FrameIndex(middle)).unwrap();
    let first = index.first_frame_of(number.saturating_sub(1)).unwrap();
    let cache = rig.cache.clone().unwrap();
    let wanted = u64::try_from(last.0 - first.0 + 1).unwrap();
    assert!(wait_for(|| (cache.stats().frames >= wanted).then_some(())).is_some());
    for frame in [first.0, middle - 1, middle + 1, last.0] {
        let still = rig.session.still(FrameIndex(frame)).unwrap();
        let Picture::Frame(picture) = still.picture else {
            panic!("a file has no layers");
        };
        let number = made::number_in(&picture, rig.stream.orientation, &mut rig.converter);
        assert_eq!(still.index, FrameIndex(frame));
        assert_eq!(number.map(i64::from), Ok(frame + i64::from(clip.first)));
    }
    let near = rig.session.nearest_still(first.offset(-3), 5);
    assert_eq!(near.map(|still| still.index), Some(first));
}

#[test]
fn nothing_is_read_around_while_it_is_not_allowed() {
    let clip = made::clip("h264-bframes.mp4");
    let mut rig = Rig::open_keeping(&clip, Keeps::Megabytes(256));
    rig.wait_for_index();
    rig.session.allow_prefetch(false);
    rig.plan(clip.frames / 2, false, LoopMode::Off);
    let _held = rig.next().unwrap();
    let until_full = |rig: &Rig| {
        let full = wait_for(|| {
            let (fill, capacity) = rig.session.status().ring_fill;
            (fill == capacity).then_some(())
        });
        assert!(full.is_some());
    };
    // Once the ring is full there is nothing more to do, and it fills with no more than was taken from it, but
    // for what the decoder holds back to reorder.
    until_full(&rig);
    let begun = rig.session.status().decoded;
    let taken = 40;
    for _ in 0..taken {
        rig.next().unwrap();
        until_full(&rig);
    }
    let before = rig.session.status().decoded;
    assert!(
        before <= begun + taken + HELD_BACK,
        "{begun}, then {before}"
    );
    let index = rig.session.index();
    let (number, _) = index.keyframe_for(FrameIndex(clip.frames / 2)).unwrap();
    let earlier = index.first_frame_of(number.saturating_sub(1)).unwrap();
    assert!(rig.session.still(earlier).is_none(), "nobody wanted it");
    rig.session.allow_prefetch(true);
    assert!(wait_for(|| (rig.session.status().decoded > before + 10).then_some(())).is_some());
}

/// Holds a frame and waits until the ring behind it is full.
fn hold(rig: &mut Rig, clip: &Clip, frame: i64) {
    rig.plan(frame, false, LoopMode::Off);
    let held = rig.next().unwrap();
    rig.check(&held, frame, clip, "holding");
    let full = wait_for(|| {
        let (fill, capacity) = rig.session.status().ring_fill;
        (fill == capacity).then_some(())
    });
    assert!(full.is_some());
}

#[test]
fn steps_back_from_a_frame_that_was_sought_are_there() {
    let clip = made::clip("h264-longgop.mp4");
    let mut rig = Rig::open_keeping(&clip, Keeps::Megabytes(256));
    rig.wait_for_index();
    rig.session.allow_prefetch(false);
    let (keyframe, next) = rig.session.index().gop_of(FrameIndex(150)).unwrap();
    let end = next.map_or(clip.frames, |next| next.0);
    let target = i64::midpoint(keyframe.0, end);
    assert!(target - keyframe.0 > 30, "the GOPs are long");
    let sought = decoded_by(&mut rig, |rig| hold(rig, &clip, target));
    let deep = u64::try_from(target - keyframe.0).unwrap();
    assert!(sought < deep, "frames that no other refers to are left out");
    let back = decoded_by(&mut rig, |rig| {
        for wanted in (target - 10..target).rev() {
            hold(rig, &clip, wanted);
        }
    });
    assert_eq!(back, 0, "they were decoded with it");
}

#[test]
fn a_decoder_stays_where_the_playhead_was() {
    let clip = made::clip("h264-bframes.mp4");
    let mut rig = Rig::open_keeping(&clip, Keeps::Megabytes(256));
    rig.wait_for_index();
    rig.session.allow_prefetch(false);
    let index = rig.session.index();
    let gop = |number| index.first_frame_of(number).unwrap().0;
    let (here, there) = (gop(0) + 20, gop(1) + 20);
    assert!(here + 20 < gop(1) && there + 20 < clip.frames);
    hold(&mut rig, &clip, here);
    hold(&mut rig, &clip, there);
    // Behind the frames that the ring took.
    for frame in [here + 15, there + 15] {
        let decoded = decoded_by(&mut rig, |rig| hold(rig, &clip, frame));
        assert!(
            decoded <= 15 + HELD_BACK,
            "{decoded} pictures were decoded for {frame}"
        );
    }
}

/// Frames that a decoder gives at once at most, after it took packets without giving any.
const HELD_BACK: u64 = 4;

#[test]
fn loops_and_turns_repeat_the_right_frames() {
    let clip = made::clip("h264-25.mp4");
    for (repeat, expected) in [
        (LoopMode::Loop, [58, 59, 0, 1, 2]),
        (LoopMode::PingPong, [58, 59, 59, 58, 57]),
    ] {
        let mut rig = Rig::open(&clip);
        rig.wait_for_index();
        rig.plan(58, false, repeat);
        let mut due = None;
        for wanted in expected {
            let frame = rig.next().unwrap();
            rig.check(&frame, wanted, &clip, "looping at");
            assert!(
                due.is_none_or(|due| due == frame.run),
                "run time has a gap at {wanted}"
            );
            due = Some(frame.run_end);
        }
    }
}
