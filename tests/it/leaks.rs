//! What is opened is closed again: frames, threads, files and memory.

use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::app::{Player, PlayerOptions};
use jogwheel::cache::FrameCache;
use jogwheel::decode::{
    FrameConsumer, Generation, Input, LoopMode, RingItem, SessionOptions, VideoPlan, VideoSession,
    VideoSource, media_info,
};
use jogwheel::media::Size;
use jogwheel::memory::{FramePool, Ledger, MemoryBudget, PressureGauge};
use jogwheel::playback::{self, PlaybackStatus, SeekTarget};
use jogwheel::time::{Clock, FrameIndex, RealClock, SimClock};

use crate::made;
use crate::program::{HUNG, Running, wait_for};

/// Memory may grow by this much where nothing leaks: the allocator keeps some of what it got, and more
/// where threads come and go. 100 leaked 640x360 frames are 34 MB, 100 leaked decoders more.
const SLACK_BYTES: u64 = 12 << 20;

/// Threads, open files and resident memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usage {
    threads: usize,
    files: usize,
    rss_bytes: u64,
}

impl Usage {
    fn now() -> Self {
        let statm = fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        let page = u64::try_from(rustix::param::page_size()).unwrap();
        Self {
            threads: count("/proc/self/task"),
            files: count("/proc/self/fd"),
            rss_bytes: pages * page,
        }
    }

    /// Waits until threads and files are as few as before: a thread that was told to end may take a
    /// moment to be gone. Panics when they never are.
    #[track_caller]
    fn expect_back_from(before: Self) -> Self {
        let back = wait_for(|| {
            let now = Self::now();
            (now.threads <= before.threads && now.files <= before.files).then_some(now)
        });
        back.unwrap_or_else(|| panic!("{before:?} became {:?}", Self::now()))
    }
}

fn count(folder: &str) -> usize {
    fs::read_dir(folder).unwrap().count()
}

fn open(path: &Path, pool: &FramePool) -> (VideoSession, FrameConsumer, Receiver<()>) {
    open_keeping(path, pool, None, Arc::new(RealClock::new()))
}

fn open_keeping(
    path: &Path,
    pool: &FramePool,
    cache: Option<&Arc<FrameCache>>,
    clock: Arc<dyn Clock>,
) -> (VideoSession, FrameConsumer, Receiver<()>) {
    let input = Input::open(path).unwrap();
    let info = media_info(&input);
    let stream = info.default_video().unwrap().clone();
    let keeper = cache.map(|cache| cache.keeper(path, input.file_identity(), stream.id));
    let (send, news) = bounded(1);
    let options = SessionOptions {
        threads: NonZero::new(2).unwrap(),
        pool: pool.clone(),
        ring_frames: 4,
        more_decoders: 3,
        reverse_frames: 16,
        clock,
        anchor: Arc::default(),
        notify: Arc::new(move || {
            let _already = send.try_send(());
        }),
        index: None,
        indices: None,
        keeper,
        proxies: None,
    };
    let (session, frames) = VideoSession::start(input, stream, options).unwrap();
    (session, frames, news)
}

fn plan(session: &mut VideoSession, generation: u64, start: i64, reverse: bool) {
    session.set_plan(VideoPlan {
        generation: Generation(generation),
        start: FrameIndex(start),
        first: FrameIndex::ZERO,
        last: None,
        reverse,
        stride: NonZero::new(1).unwrap(),
        repeat: LoopMode::Off,
    });
}

/// Loops over `frames` frames from `start` on.
fn plan_loop(session: &mut VideoSession, generation: u64, start: i64, frames: i64) {
    session.set_plan(VideoPlan {
        generation: Generation(generation),
        start: FrameIndex(start),
        first: FrameIndex(start),
        last: Some(FrameIndex(start + frames - 1)),
        reverse: false,
        stride: NonZero::new(1).unwrap(),
        repeat: LoopMode::Loop,
    });
}

/// The first frame of `generation`.
fn first_frame(frames: &mut FrameConsumer, news: &Receiver<()>, generation: u64) -> FrameIndex {
    loop {
        match frames.pop() {
            Some(item) if item.generation() < Generation(generation) => {}
            Some(RingItem::Frame(frame)) => return frame.index,
            Some(RingItem::End { .. }) => panic!("the plan has no frames"),
            None => news.recv_timeout(HUNG).expect("a frame comes"),
        }
    }
}

/// Runs `body` in a process of its own, whose threads and memory are no other test's: `name` is the
/// test that calls this, and the process runs it again.
fn alone(name: &str, body: impl FnOnce()) {
    const ALONE: &str = "JOGWHEEL_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            &format!("leaks::{name}"),
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ALONE, "1");
    let ended = Running::start(command).wait();
    assert!(
        ended.code == 0 && ended.stdout.contains("1 passed"),
        "{ended:#?}"
    );
}

#[test]
fn two_hundred_sessions_leave_nothing() {
    alone("two_hundred_sessions_leave_nothing", two_hundred_sessions);
}

#[test]
fn a_thousand_seeks_leave_nothing() {
    alone("a_thousand_seeks_leave_nothing", a_thousand_seeks);
}

#[test]
fn players_and_playlists_leave_nothing() {
    alone("players_and_playlists_leave_nothing", players_and_playlists);
}

#[test]
fn an_hour_of_loops_and_seeks_leaves_nothing() {
    alone(
        "an_hour_of_loops_and_seeks_leaves_nothing",
        an_hour_of_loops_and_seeks,
    );
}

/// Sixty minutes by a clock that each frame moves on: in each, ten seeks and a loop of a second, in a cache that holds
/// a part of the clip.
fn an_hour_of_loops_and_seeks() {
    const RATE: u64 = 30;
    const KEPT_BYTES: u64 = 24 << 20;
    let clock = Arc::new(SimClock::new());
    let now: Arc<dyn Clock> = Arc::clone(&clock) as _;
    let ledger = Ledger::new(2 * KEPT_BYTES);
    let pool = FramePool::charged(2 * KEPT_BYTES, ledger.clone());
    let gauge = PressureGauge::default();
    let cache = FrameCache::new(KEPT_BYTES, Arc::clone(&now), Some(ledger.clone()), gauge);
    cache.join(&pool);
    cache.show_at(Size::new(160, 90));
    let clip = made::clip("h264-bframes.mp4");
    let (mut session, mut frames, news) = open_keeping(&clip.path, &pool, Some(&cache), now);
    let (mut random, mut generation) = (1_u64, 0_u64);
    let mut target = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((random >> 33) % u64::try_from(clip.frames - 30).unwrap()).unwrap()
    };
    let frame_time = Duration::from_secs(1) / u32::try_from(RATE).unwrap();
    let mut readings = Vec::new();
    for _minute in 0..60 {
        for _seek in 0..10 {
            generation += 1;
            let wanted = target();
            plan(&mut session, generation, wanted, false);
            let first = first_frame(&mut frames, &news, generation);
            assert_eq!(first, FrameIndex(wanted));
            clock.advance(Duration::from_secs(1));
        }
        generation += 1;
        let start = target();
        plan_loop(&mut session, generation, start, 30);
        for shown in 0..50 * RATE {
            let frame = first_frame(&mut frames, &news, generation);
            let wanted = start + i64::try_from(shown % RATE).unwrap();
            assert_eq!(frame, FrameIndex(wanted));
            clock.advance(frame_time);
        }
        assert!(ledger.total() <= ledger.limit(), "{ledger:?}");
        readings.push(Usage::now());
    }
    // In the first quarter everything fills.
    let (filled, after) = (readings[15], readings[59]);
    let grown = after.rss_bytes.saturating_sub(filled.rss_bytes);
    assert!(grown < SLACK_BYTES, "{filled:?} became {after:?}");
    assert!(after.threads <= filled.threads && after.files <= filled.files);
    drop((session, frames, cache));
    assert_eq!(pool.usage().used_slots, 0, "every frame went back");
}

fn two_hundred_sessions() {
    let pool = FramePool::new(256 << 20);
    let names = [
        "h264-bframes.mp4",
        "hevc-opengop.mkv",
        "vp9-altref.webm",
        "mpeg2-opengop.ts",
    ];
    let paths = names.map(|name| made::clip(name).path);
    let mut after_100 = None;
    let before = Usage::now();
    for round in 0..200u64 {
        let path = &paths[usize::try_from(round).unwrap() % paths.len()];
        let (mut session, mut frames, news) = open(path, &pool);
        // Some are closed before they have shown anything, some in the middle of a turn.
        if round % 3 > 0 {
            plan(&mut session, 1, 20, round % 2 == 0);
            first_frame(&mut frames, &news, 1);
        }
        if round % 3 > 1 {
            plan(&mut session, 2, 50, round % 2 == 1);
        }
        drop((session, frames));
        if round == 99 {
            after_100 = Some(Usage::expect_back_from(before));
        }
    }
    let after = Usage::expect_back_from(before);
    assert_eq!(pool.usage().used_slots, 0, "every frame went back");
    let grown = after.rss_bytes.saturating_sub(after_100.unwrap().rss_bytes);
    assert!(
        grown < SLACK_BYTES,
        "memory grew by {grown} bytes from {after_100:?} to {after:?}"
    );
}

fn a_thousand_seeks() {
    let pool = FramePool::new(256 << 20);
    let clip = made::clip("h264-bframes.mp4");
    let (mut session, mut frames, news) = open(&clip.path, &pool);
    let mut after_500 = None;
    let mut random = 1u64;
    let before = Usage::now();
    for seek in 1..=1000u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let target = i64::try_from((random >> 33) % u64::try_from(clip.frames).unwrap()).unwrap();
        plan(&mut session, seek, target, seek % 5 == 0);
        assert_eq!(first_frame(&mut frames, &news, seek), FrameIndex(target));
        if seek == 500 {
            after_500 = Some(Usage::now());
        }
    }
    let after = Usage::now();
    let grown = after.rss_bytes.saturating_sub(after_500.unwrap().rss_bytes);
    assert!(
        grown < SLACK_BYTES,
        "memory grew by {grown} bytes from {after_500:?} to {after:?}"
    );
    assert!(
        after.threads <= before.threads && after.files <= before.files,
        "{before:?} {after:?}"
    );
    drop((session, frames));
    assert_eq!(pool.usage().used_slots, 0, "every frame went back");
}

/// The whole player, whose engine opens and closes behind commands.
fn players_and_playlists() {
    let before = Usage::now();
    let files: Vec<_> = [
        "h264-25.mp4",
        "hevc-closedgop.mp4",
        "mpeg2-opengop.ts",
        "vp8.webm",
    ]
    .iter()
    .map(|name| made::clip(name).path)
    .collect();
    let mut after_first = None;
    for _ in 0..40 {
        let (send, news) = bounded(1);
        let wake = Arc::new(move || {
            let _already = send.try_send(());
        });
        let options = PlayerOptions {
            budget: MemoryBudget::stated(512 << 20),
            threads: NonZero::new(2),
            ..PlayerOptions::paused_and_silent(files.clone())
        };
        let mut player = Player::start(options, wake).unwrap();
        // Ten openings each: every other one is waited for, the rest are called off by the next.
        for turn in 0..10usize {
            let step = if turn % 4 < 3 { 1 } else { -3 };
            player.engine.send(playback::Command::PlaylistStep(step));
            if turn % 2 == 0 {
                until_open(&player, (turn + 1) % 4, &news);
                player
                    .engine
                    .send(playback::Command::Seek(SeekTarget::Frame(FrameIndex(30))));
                let now = player.clock.now();
                let _pulled = player.scheduler.pull(now, now, 16_666_667);
            }
        }
        let pool = player.pool.clone();
        drop(player);
        let empty = wait_for(|| (pool.usage().used_slots == 0).then_some(()));
        assert!(empty.is_some(), "frames were kept: {:?}", pool.usage());
        let now = Usage::expect_back_from(before);
        after_first.get_or_insert(now);
    }
    let after = Usage::now();
    let grown = after
        .rss_bytes
        .saturating_sub(after_first.unwrap().rss_bytes);
    assert!(
        grown < 2 * SLACK_BYTES,
        "memory grew by {grown} bytes from {after_first:?} to {after:?}"
    );
}

/// Waits until the playlist's file number `number` is open and held.
fn until_open(player: &Player, number: usize, news: &Receiver<()>) {
    loop {
        let snapshot = player.engine.snapshot();
        if snapshot.playlist_index == number && snapshot.status == PlaybackStatus::Paused {
            return;
        }
        news.recv_timeout(HUNG).expect("the engine opens the file");
    }
}
