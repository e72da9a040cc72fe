use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::media::{ColorInfo, PixelFormat, PlaneOwner, Size};
use crate::memory::{MemoryProbe, Readings, Share, Slot};
use crate::time::SimClock;

/// A picture of `rows` rows; its planes take 64 bytes for each two rows.
fn picture(rows: u32) -> Arc<VideoFrame> {
    let size = Size::new(32, rows).unwrap();
    let format = PixelFormat::NV12;
    let planes = [0, 1].map(|plane| (vec![0; 32 * format.plane_size(plane, size).1], 32));
    Arc::new(VideoFrame::from_planes(
        format,
        size,
        ColorInfo::BT709_LIMITED,
        &planes,
    ))
}

pub(super) fn bytes_of(picture: &VideoFrame) -> u64 {
    picture.storage.held_bytes() as u64
}

fn file(number: u64) -> FileIdentity {
    FileIdentity {
        bytes: 1,
        modified_nanos: 0,
        device: 0,
        inode: number,
    }
}

pub(super) struct Rig {
    pub(super) cache: Arc<FrameCache>,
    pub(super) clock: Arc<SimClock>,
    ledger: Ledger,
}

pub(super) fn rig(limit_bytes: u64) -> Rig {
    // A frame is charged before others make room for it.
    let (clock, ledger) = (Arc::new(SimClock::new()), Ledger::new(2 * limit_bytes));
    let gauge = PressureGauge::default();
    let now: Arc<dyn Clock> = Arc::clone(&clock) as _;
    Rig {
        cache: FrameCache::new(limit_bytes, now, Some(ledger.clone()), gauge),
        clock,
        ledger,
    }
}

impl Rig {
    pub(super) fn keeper(&self, number: u64) -> Arc<dyn FrameKeeper> {
        self.cache.keeper(Path::new(""), file(number), StreamId(0))
    }
}

pub(super) fn at(frame: i64, reverse: bool) -> Aim {
    Aim {
        frame: FrameIndex(frame),
        depth: 30,
        reverse,
        passes: false,
        lap: None,
    }
}

#[test]
fn what_was_kept_is_found_by_every_keeper_of_the_stream() {
    let rig = rig(1 << 20);
    let (one, other) = (rig.keeper(1), rig.keeper(1));
    let (mine, elsewhere) = (picture(16), rig.keeper(2));
    one.put(FrameIndex(7), &mine);
    assert!(Arc::ptr_eq(&other.get(FrameIndex(7)).unwrap(), &mine));
    assert!(elsewhere.get(FrameIndex(7)).is_none());
    let nearest = |frame, reach| other.nearest(FrameIndex(frame), reach).map(|(at, _)| at.0);
    assert_eq!((nearest(9, 2), nearest(5, 2)), (Some(7), Some(7)));
    assert_eq!(nearest(10, 2), None);
    drop((one, other));
    assert!(rig.keeper(1).has(FrameIndex(7)), "an opening later");
    let stats = rig.cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.frames), (1, [1, 0, 0], 1));
}

#[test]
fn misses_have_reasons() {
    let one = picture(16);
    let rig = rig(10 * bytes_of(&one));
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    for frame in 0..10 {
        keeper.put(FrameIndex(frame), &one);
    }
    keeper.put(FrameIndex(500), &one);
    keeper.aim(at(5, false));
    keeper.put(FrameIndex(10), &one);
    assert!(keeper.get(FrameIndex(400)).is_none());
    assert!(keeper.get(FrameIndex(500)).is_none());
    assert!(keeper.get(FrameIndex(0)).is_none());
    assert_eq!(rig.cache.stats().misses, [1, 1, 1]);
    assert_eq!(rig.cache.stats().evicted, 1);
}

#[test]
fn the_pool_gets_back_what_nobody_else_holds() {
    let rig = rig(1 << 20);
    let keeper = rig.keeper(1);
    let shown = picture(16);
    keeper.aim(at(0, false));
    keeper.put(FrameIndex(90), &shown);
    keeper.put(FrameIndex(1), &picture(16));
    keeper.put(FrameIndex(2), &picture(16));
    let give_back = |shortage| rig.cache.give_back(1, shortage);
    assert!(!give_back(Shortage::Slots), "none of them is in a slot");
    assert!(give_back(Shortage::Budget));
    assert!(keeper.has(FrameIndex(90)) && keeper.has(FrameIndex(1)));
    assert!(give_back(Shortage::Budget));
    assert!(!give_back(Shortage::Budget), "the last one is on screen");
    drop(shown);
    assert!(give_back(Shortage::Budget));
    assert_eq!((rig.cache.stats().bytes, rig.ledger.total()), (0, 0));
}

/// A picture in a slot of `pool`.
fn pooled(pool: &FramePool, slot_bytes: usize) -> Arc<VideoFrame> {
    struct InSlot {
        _slot: Mutex<Slot>,
    }
    impl PlaneOwner for InSlot {}
    let slot = pool.acquire(slot_bytes).unwrap();
    let foreign = Arc::into_inner(picture(16)).unwrap();
    Arc::new(VideoFrame {
        storage: FrameStorage::Pooled {
            slot: slot.id(),
            slot_bytes,
            planes: Vec::new(),
            owner: Box::new(InSlot {
                _slot: Mutex::new(slot),
            }),
        },
        ..foreign
    })
}

/// A rig whose ledger and pool have room for `slots` slots of this size, two to a slab.
fn pooled_rig(slots: u64, slot_bytes: usize) -> (Rig, FramePool) {
    let bytes = slots * slot_bytes as u64;
    let rig = Rig {
        ledger: Ledger::new(bytes),
        ..rig(bytes)
    };
    let now: Arc<dyn Clock> = Arc::clone(&rig.clock) as _;
    let gauge = PressureGauge::default();
    let cache = FrameCache::new(bytes, now, Some(rig.ledger.clone()), gauge);
    let pool = FramePool::charged(bytes, rig.ledger.clone());
    cache.join(&pool);
    (Rig { cache, ..rig }, pool)
}

const SLOT: usize = 4 << 20;

#[test]
fn what_is_shed_is_given_back_to_the_system() {
    let (rig, pool) = pooled_rig(20, SLOT);
    let keeper = rig.keeper(1);
    keeper.aim(at(0, false));
    for frame in 0..20 {
        keeper.put(FrameIndex(frame), &pooled(&pool, SLOT));
    }
    assert_eq!(pool.usage().mapped_bytes, 20 * SLOT as u64);
    let step = |step| rig.cache.shedders.iter().find(|own| own.step == step);
    let ahead = step(Step::ReadAhead).unwrap();
    assert_eq!(ahead.shed(8 * SLOT as u64), 8 * SLOT as u64);
    assert_eq!(pool.usage().mapped_bytes, 12 * SLOT as u64);
    assert_eq!(rig.ledger.total(), 12 * SLOT as u64);
    let behind = step(Step::ReadBehind).unwrap();
    assert_eq!(behind.shed(u64::MAX), 0, "nothing is behind");
}

#[test]
fn what_is_cleared_is_given_back_to_the_system() {
    let (rig, pool) = pooled_rig(4, SLOT);
    let keeper = rig.keeper(1);
    for frame in 0..4 {
        keeper.put(FrameIndex(frame), &pooled(&pool, SLOT));
    }
    assert_eq!(rig.ledger.total(), 4 * SLOT as u64);
    rig.cache.clear();
    assert_eq!(pool.usage().mapped_bytes, 0);
    assert_eq!(rig.ledger.total(), 0);
    keeper.put(FrameIndex(9), &pooled(&pool, SLOT));
    assert_eq!(rig.cache.stats().frames, 1, "it is kept as before");
}

#[test]
fn a_file_outside_the_pool_takes_the_room_of_one_inside_it() {
    let (rig, pool) = pooled_rig(20, SLOT);
    let (before, now) = (rig.keeper(1), rig.keeper(2));
    before.aim(at(0, false));
    for frame in 0..20 {
        before.put(FrameIndex(frame), &pooled(&pool, SLOT));
    }
    drop(before);
    rig.cache.set_limit(18 * SLOT as u64);
    assert_eq!(rig.ledger.room(MemoryClass::Frames), 0, "the slabs stay");
    now.aim(at(0, false));
    now.put(FrameIndex(0), &picture(16));
    assert_eq!(
        (rig.cache.stats().evicted, rig.cache.stats().frames),
        (3, 18)
    );
    for frame in 1..10 {
        now.put(FrameIndex(frame), &picture(16));
    }
    assert!((0..10).all(|frame| now.has(FrameIndex(frame))));
    assert_eq!(rig.ledger.used(MemoryClass::Frames), rig.ledger.total());
    let foreign = 10 * bytes_of(&picture(16));
    assert_eq!(rig.ledger.total(), pool.usage().mapped_bytes + foreign);
    // And the other way round: what the ledger has no room for is taken from whoever holds it.
    let slots: Vec<_> = (0..20).map_while(|_| pool.acquire(SLOT).ok()).collect();
    assert_eq!(slots.len(), 20);
}

#[test]
fn a_smaller_limit_holds_at_once() {
    let one = picture(16);
    let rig = rig(100 * bytes_of(&one));
    let keeper = rig.keeper(1);
    keeper.aim(at(50, false));
    for frame in 0..100 {
        keeper.put(FrameIndex(frame), &one);
    }
    rig.cache.set_limit(20 * bytes_of(&one));
    let kept: Vec<i64> = (0..100).filter(|&n| keeper.has(FrameIndex(n))).collect();
    assert_eq!(kept, (44..64).collect::<Vec<i64>>());
    rig.cache.set_limit(0);
    assert!(!keeper.wants(FrameIndex(50)));
    assert_eq!(rig.cache.stats().bytes, 0);
}

#[test]
fn each_step_of_the_ladder_takes_its_own() {
    let one = picture(16);
    let rig = rig(1000 * bytes_of(&one));
    let (idle, playing) = (rig.keeper(1), rig.keeper(2));
    idle.aim(at(0, false));
    idle.put(FrameIndex(0), &one);
    rig.clock.advance(Duration::from_secs(61));
    playing.aim(at(50, false));
    for frame in 0..100 {
        playing.put(FrameIndex(frame), &one);
    }
    let shed = |part| {
        let gone = rig.cache.store.lock().shed(part, u64::MAX, rig.clock.now());
        gone.len()
    };
    assert_eq!(shed(Part::Idle), 1);
    assert_eq!(shed(Part::Idle), 0, "what plays is not idle");
    assert_eq!(shed(Part::Behind), 50);
    assert_eq!(shed(Part::Ahead), 41);
    assert!((50..59).all(|frame| playing.has(FrameIndex(frame))));
}

struct Always(Readings);

impl MemoryProbe for Always {
    fn read(&self, _budget_bytes: u64) -> Readings {
        self.0
    }
}

#[test]
fn under_pressure_nothing_is_read_ahead() {
    for (used, behind, ahead) in [(10, true, true), (93, false, true), (99, false, false)] {
        let cgroup = Some(Share {
            used_bytes: used << 20,
            limit_bytes: 100 << 20,
        });
        let probe = Always(Readings {
            cgroup,
            ..Readings::default()
        });
        let manager = MemoryManager::new(Ledger::new(1 << 20), Box::new(probe));
        let clock = Arc::new(SimClock::new());
        let cache = FrameCache::new(1 << 20, clock, None, manager.gauge());
        cache.register(&manager);
        let keeper = cache.keeper(Path::new(""), file(1), StreamId(0));
        keeper.aim(at(50, false));
        for frame in 20..80 {
            keeper.put(FrameIndex(frame), &picture(16));
        }
        manager.look();
        let wants = |frame| keeper.wants(FrameIndex(frame));
        assert_eq!((wants(19), wants(80)), (behind, ahead), "{used} %");
        assert_eq!(keeper.has(FrameIndex(30)), behind, "{used} %");
        assert!(keeper.has(FrameIndex(50)));
    }
}

/// A session that seeks to and fro within eight seconds, and reads ahead a little in between.
#[test]
fn a_stretch_that_fits_is_all_kept_however_one_jumps_about_in_it() {
    const FRAMES: i64 = 240;
    const GOP: i64 = 60;
    let one = picture(16);
    let rig = rig(FRAMES as u64 * bytes_of(&one));
    let keeper = rig.keeper(1);
    let put = |frame: i64| keeper.put(FrameIndex(frame), &one);
    let mut random = 7u64;
    let mut hits = Vec::new();
    for _ in 0..200 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let target = 1000 + i64::try_from((random >> 33) % FRAMES.cast_unsigned()).unwrap();
        keeper.aim(at(target, false));
        let hit = keeper.get(FrameIndex(target)).is_some();
        if !hit {
            // Every third frame on the way is one that others refer to.
            let key = target - target % GOP;
            (key..target).step_by(3).for_each(put);
            put(target);
        }
        hits.push(hit);
        let ahead = (target + 1..)
            .take_while(|&f| keeper.has(FrameIndex(f)) || keeper.wants(FrameIndex(f)));
        ahead
            .filter(|&f| !keeper.has(FrameIndex(f)))
            .take(15)
            .for_each(put);
    }
    let count = |hits: &[bool]| hits.iter().filter(|hit| **hit).count();
    assert!(count(&hits) >= 120, "{} of all", count(&hits));
    assert!(
        count(&hits[100..]) >= 80,
        "{} of the last 100",
        count(&hits[100..])
    );
}

#[derive(Debug, Clone)]
enum Move {
    Put(usize, i64, u32),
    Get(usize, i64),
    Aim(usize, i64, bool),
    Reopen(usize),
    Limit(u64),
    GiveBack(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let source = 0usize..3;
    let one = prop_oneof![
        8 => (source.clone(), 0i64..60, 1u32..30).prop_map(|(s, f, rows)| Move::Put(s, f, rows)),
        4 => (source.clone(), 0i64..60).prop_map(|(s, f)| Move::Get(s, f)),
        3 => (source.clone(), 0i64..60, any::<bool>()).prop_map(|(s, f, r)| Move::Aim(s, f, r)),
        1 => source.prop_map(Move::Reopen),
        1 => (0u64..20_000).prop_map(Move::Limit),
        1 => (0u64..5_000).prop_map(Move::GiveBack),
    ];
    prop::collection::vec(one, 1..300)
}

proptest! {
    /// Against a plain map of all that was ever put: what is kept is what was put there, its weight is the
    /// sum and never more than the limit, and the ledger says the same.
    #[test]
    fn kept_frames_are_those_that_were_put_and_never_weigh_too_much(moves in moves()) {
        let rig = rig(20_000);
        let mut limit = 20_000;
        let mut keepers: Vec<_> = (0..3).map(|number| rig.keeper(number)).collect();
        let mut put: BTreeMap<(usize, i64), Arc<VideoFrame>> = BTreeMap::new();
        let (mut hits, mut misses) = (0, 0);
        for next in moves {
            match next {
                Move::Put(source, frame, rows) => {
                    let keeper = &keepers[source];
                    let picture = picture(rows * 2);
                    let was_kept = keeper.has(FrameIndex(frame));
                    keeper.put(FrameIndex(frame), &picture);
                    // What is kept stays until it is evicted.
                    if !was_kept {
                        put.insert((source, frame), picture);
                    }
                }
                Move::Get(source, frame) => {
                    let found = keepers[source].get(FrameIndex(frame));
                    if let Some(found) = found {
                        hits += 1;
                        prop_assert!(Arc::ptr_eq(&found, &put[&(source, frame)]));
                    } else {
                        misses += 1;
                    }
                }
                Move::Aim(source, frame, reverse) => keepers[source].aim(at(frame, reverse)),
                Move::Reopen(source) => keepers[source] = rig.keeper(source as u64),
                Move::Limit(bytes) => {
                    limit = bytes;
                    rig.cache.set_limit(bytes);
                }
                Move::GiveBack(bytes) => {
                    // The map holds all pictures, so that none may go.
                    prop_assert!(!rig.cache.give_back(bytes, Shortage::Budget));
                }
            }
            let stats = rig.cache.stats();
            let kept: Vec<u64> = put
                .iter()
                .filter(|((source, frame), _)| keepers[*source].has(FrameIndex(*frame)))
                .map(|(_, picture)| bytes_of(picture))
                .collect();
            prop_assert_eq!(stats.bytes, kept.iter().sum::<u64>());
            prop_assert_eq!(stats.frames, kept.len() as u64);
            prop_assert!(stats.bytes <= limit.min(stats.limit_bytes));
            prop_assert_eq!(rig.ledger.total(), stats.bytes);
            prop_assert_eq!((stats.hits, stats.all_misses()), (hits, misses));
        }
    }
}

#[test]
fn a_playhead_that_passes_by_does_not_make_the_cache_grow() {
    let one = picture(40);
    let rig = rig(200 * bytes_of(&one));
    let keeper = rig.keeper(1);
    let pass = |from: i64, to: i64, passes: bool| {
        for frame in from..to {
            let aim = Aim {
                passes,
                ..at(frame, false)
            };
            keeper.aim(aim);
            keeper.put(FrameIndex(frame), &picture(40));
        }
    };
    pass(0, 100, true);
    assert_eq!(rig.cache.stats().frames, 4, "at once");
    rig.clock.advance(Duration::from_secs(5));
    pass(100, 200, true);
    assert_eq!(rig.cache.stats().frames, 9, "one a second");
    rig.clock.advance(Duration::from_mins(1));
    pass(200, 300, true);
    assert_eq!(rig.cache.stats().frames, 16);
    assert!(keeper.has(FrameIndex(299)) && keeper.has(FrameIndex(290)));
    // What rests may fill it, and passing by does not empty it again.
    pass(300, 480, false);
    let filled = rig.cache.stats().frames;
    assert!(filled > 150, "{filled} frames");
    pass(480, 580, true);
    assert_eq!(rig.cache.stats().frames, filled);
    assert!(keeper.has(FrameIndex(579)));
}
