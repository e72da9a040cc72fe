//! Pictures that outlast the program.

use std::time::Duration;

use super::reduced_tests::{SHOWN, frame, frame_in, put_all, reducing, shown, size};
use super::tests::{Rig, at};
use super::*;
use crate::cache::{MemoryStore, ProductKey, ProductStore};
use crate::jobs::{JobQueue, QueueOptions};
use crate::media::{PixelFormat, SampleDepth};

/// Runs what there is to do, and answers how many jobs that took.
fn run_all(rig: &Rig, store: &Arc<dyn ProductStore>) -> usize {
    let options = QueueOptions {
        workers: 0,
        ..QueueOptions::default()
    };
    let queue = JobQueue::new(options, Arc::new(|_event| {})).unwrap();
    let mut pictures = LastingPictures::new(Arc::clone(&rig.cache), Arc::clone(store));
    let jobs = std::iter::from_fn(|| {
        pictures.follow(&queue).unwrap();
        queue.run_one()
    });
    jobs.count()
}

/// The playhead goes to each of these frames and stays there.
fn visit(rig: &Rig, keeper: &Arc<dyn FrameKeeper>, frames: &[i64]) {
    for frame in frames {
        keeper.aim(at(*frame, false));
        rig.clock.advance(Duration::from_secs(1));
    }
}

/// A rig whose playhead was at frames 20 and 40 twice.
fn visited(store: &Arc<dyn ProductStore>) -> Rig {
    let rig = reducing();
    let keeper = rig.keeper(1);
    visit(&rig, &keeper, &[20]);
    put_all(&keeper, 0..60);
    assert_eq!(run_all(&rig, store), 1, "it is looked for what was kept");
    visit(&rig, &keeper, &[40, 20, 40, 20, 0]);
    assert_eq!(run_all(&rig, store), 1);
    assert_eq!(run_all(&rig, store), 0, "nothing is new");
    rig
}

fn memory() -> Arc<dyn ProductStore> {
    Arc::new(MemoryStore::new(1 << 20))
}

#[test]
fn frames_that_are_visited_again_are_there_when_the_file_is_opened_again() {
    let store = memory();
    drop(visited(&store));
    let again = reducing();
    let keeper = again.keeper(1);
    visit(&again, &keeper, &[0]);
    put_all(&keeper, 0..1);
    run_all(&again, &store);
    for number in [20, 40] {
        let kept = keeper.get(FrameIndex(number)).unwrap();
        assert_eq!(kept.size, size(SHOWN));
        assert_eq!(kept.shown_as(), frame(0).size);
        assert!(shown(&kept) == shown(&frame(number)), "frame {number}");
    }
    assert!(!keeper.has(FrameIndex(21)));
    let other = again.keeper(2);
    visit(&again, &other, &[0]);
    put_all(&other, 0..1);
    run_all(&again, &store);
    assert!(!other.has(FrameIndex(20)), "another file");
}

#[test]
fn another_size_shown_has_pictures_of_its_own() {
    let store = memory();
    drop(visited(&store));
    let again = reducing();
    again.cache.show_at(Some(size([65, 36])));
    let keeper = again.keeper(1);
    visit(&again, &keeper, &[0]);
    put_all(&keeper, 0..1);
    run_all(&again, &store);
    assert!(!keeper.has(FrameIndex(20)));
    again.cache.show_at(Some(size(SHOWN)));
    run_all(&again, &store);
    assert!(keeper.has(FrameIndex(20)));
}

/// Changes what it gives back.
struct Spoiling {
    store: Arc<dyn ProductStore>,
    spoil: fn(&mut Vec<u8>),
}

impl ProductStore for Spoiling {
    fn load(&self, key: &ProductKey) -> Option<Arc<[u8]>> {
        let mut bytes = self.store.load(key)?.to_vec();
        (self.spoil)(&mut bytes);
        Some(bytes.into())
    }

    fn store(&self, key: &ProductKey, bytes: &[u8]) {
        self.store.store(key, bytes);
    }
}

#[test]
fn what_is_not_a_picture_is_not_taken_for_one() {
    let spoils: [fn(&mut Vec<u8>); 5] = [
        |bytes| bytes.clear(),
        |bytes| bytes.truncate(21),
        |bytes| bytes[0] ^= 1,
        |bytes| bytes[8] ^= 1,
        |bytes| {
            bytes.pop();
        },
    ];
    let store = memory();
    drop(visited(&store));
    for (number, spoil) in spoils.into_iter().enumerate() {
        let store = Arc::clone(&store);
        let spoiling: Arc<dyn ProductStore> = Arc::new(Spoiling { store, spoil });
        let again = reducing();
        let keeper = again.keeper(1);
        visit(&again, &keeper, &[0]);
        put_all(&keeper, 0..1);
        run_all(&again, &spoiling);
        assert!(!keeper.has(FrameIndex(20)), "spoilt in way {number}");
    }
}

#[test]
fn deeper_frames_come_back_at_larger_sizes() {
    // Less than half of a frame of 16 bits a sample, and more than half of one of 8.
    const LARGE: [u32; 2] = [160, 90];
    let deep = PixelFormat {
        depth: SampleDepth::new(10).unwrap(),
        ..PixelFormat::YUV420P8
    };
    let store = memory();
    let open = || {
        let rig = reducing();
        rig.cache.show_at(Some(size(LARGE)));
        let keeper = rig.keeper(1);
        visit(&rig, &keeper, &[20]);
        keeper.put(FrameIndex(20), &Arc::new(frame_in(deep, 20)));
        run_all(&rig, &store);
        (rig, keeper)
    };
    let (first, keeper) = open();
    visit(&first, &keeper, &[40, 20, 40]);
    assert_eq!(run_all(&first, &store), 1);
    let again = reducing();
    again.cache.show_at(Some(size(LARGE)));
    let keeper = again.keeper(1);
    visit(&again, &keeper, &[60]);
    keeper.put(FrameIndex(60), &Arc::new(frame_in(deep, 60)));
    run_all(&again, &store);
    assert_eq!(keeper.get(FrameIndex(20)).unwrap().size, size(LARGE));
}

#[test]
fn what_was_reduced_to_another_size_is_not_kept() {
    let rig = reducing();
    let keeper = rig.keeper(1);
    visit(&rig, &keeper, &[0]);
    put_all(&keeper, 0..60);
    let lasting = |size: [u32; 2]| rig.cache.picture_at(0, 30, self::size(size));
    assert!(lasting(SHOWN).is_some());
    assert!(
        lasting([32, 18]).is_none(),
        "it has lost what it is made of"
    );
}
