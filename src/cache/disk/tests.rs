use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::*;
use crate::decode::FileIdentity;

fn limits(limit_bytes: u64) -> DiskLimits {
    DiskLimits {
        limit_bytes,
        free_bytes: 0,
        patience: Duration::ZERO,
        ..DiskLimits::default()
    }
}

fn cache(folder: &Path) -> Arc<DiskCache> {
    DiskCache::open(folder.to_owned(), limits(1 << 20)).unwrap()
}

fn key(kind: Kind, number: u64) -> Key {
    let file = FileIdentity {
        bytes: number,
        modified_nanos: 1,
        device: 2,
        inode: 3,
    };
    Key::new(kind, Path::new("/rushes/a.mov"), &file, b"")
}

fn item_path(folder: &Path, key: &Key) -> std::path::PathBuf {
    folder.join(format!("{}.item", key.name()))
}

/// Moves the time of an item's last use back.
fn age(folder: &Path, key: &Key, minutes: u64) {
    let file = File::open(item_path(folder, key)).unwrap();
    let then = SystemTime::now() - Duration::from_mins(minutes);
    file.set_modified(then).unwrap();
}

/// What the folder holds, by ending.
fn endings(folder: &Path) -> Vec<String> {
    let mut endings: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|name| name.rsplit('.').next().unwrap().to_owned())
        .collect();
    endings.sort();
    endings
}

#[test]
fn items_are_kept_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("not/made/yet");
    let key = key(Kind::Index, 1);
    {
        let cache = cache(&inside);
        assert!(cache.get(&key).is_none());
        assert!(!inside.exists(), "looking makes nothing");
        assert_eq!(cache.stats().unwrap().items, 0);
        cache.put(&key, &[b"one ", b"two"]).unwrap();
        assert!(cache.contains(&key));
    }
    let cache = cache(&inside);
    assert_eq!(*cache.get(&key).unwrap(), *b"one two");
    cache.put(&key, &[b"three"]).unwrap();
    assert_eq!(*cache.get(&key).unwrap(), *b"three");
    let listed = cache.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].kind, listed[0].plain_bytes, &*listed[0].label),
        (Kind::Index, 5, "/rushes/a.mov")
    );
    cache.remove(&key);
    cache.flush();
    assert!(cache.get(&key).is_none() && cache.list().unwrap().is_empty());
    let counters = cache.counters();
    assert_eq!((counters.hits, counters.misses, counters.stored), (2, 1, 1));
    assert_eq!(counters.faults, [0; 5]);
    assert_eq!(cache.problem(), None);
}

#[test]
fn bytes_outlive_their_item() {
    let folder = tempfile::tempdir().unwrap();
    let cache = DiskCache::open(folder.path().to_owned(), limits(16 << 20)).unwrap();
    let key = key(Kind::Thumbnails, 1);
    let large = vec![3; 600_000];
    cache.put(&key, &[&large]).unwrap();
    let held = cache.get(&key).unwrap();
    cache.put(&key, &[&vec![4; 600_000]]).unwrap();
    assert_eq!(*held, *large);
    cache.clear(None).unwrap();
    assert_eq!(*held, *large);
}

#[test]
fn a_damaged_item_is_a_miss_a_count_and_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    for number in 0..3 {
        let key = key(Kind::Waveform, number);
        cache.put(&key, &[b"levels"]).unwrap();
        assert!(cache.get(&key).is_some());
        // Checked before, but it is not the same file any more.
        let path = item_path(folder.path(), &key);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        age(folder.path(), &key, 1);
        assert!(cache.get(&key).is_none());
        assert!(cache.get(&key).is_none() && !path.exists());
    }
    cache.flush();
    assert!(cache.list().unwrap().is_empty());
    assert_eq!(cache.counters().faults_of(Fault::Damaged), 3);
    let problem = cache.problem().unwrap();
    assert!(problem.contains("checksum"), "{problem}");
    let key = key(Kind::Waveform, 0);
    cache.put(&key, &[b"levels"]).unwrap();
    assert_eq!(*cache.get(&key).unwrap(), *b"levels");
}

#[test]
fn what_is_used_least_recently_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let cache = DiskCache::open(folder.path().to_owned(), limits(100_000)).unwrap();
    let content = vec![0; 9_000];
    for number in 0..10 {
        let key = key(Kind::Thumbnails, number);
        cache.put(&key, &[&content]).unwrap();
        age(folder.path(), &key, 100 - number);
    }
    assert_eq!(cache.counters().evicted, 0);
    // Made anew, the database takes over the times that the files have.
    let database = cache.store.folder.database_path().unwrap();
    fs::remove_file(database).unwrap();
    assert_eq!(cache.stats().unwrap().items, 10);
    // Of these uses it has not heard.
    for number in [0, 3] {
        assert!(cache.get(&key(Kind::Thumbnails, number)).is_some());
    }
    cache.put(&key(Kind::Thumbnails, 10), &[&content]).unwrap();
    let kept: Vec<u64> = (0..11)
        .filter(|&number| cache.contains(&key(Kind::Thumbnails, number)))
        .collect();
    assert_eq!(kept, [0, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(cache.counters().evicted, 2);
    let stats = cache.stats().unwrap();
    assert!(stats.bytes <= 85_000, "{}", stats.bytes);
}

#[test]
fn a_stated_limit_holds_for_everyone() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (cache(folder.path()), cache(folder.path()));
    for number in 0..10 {
        first
            .put(&key(Kind::Thumbnails, number), &[&[0; 9_000]])
            .unwrap();
    }
    second.set_limit(50_000).unwrap();
    let stats = first.stats().unwrap();
    assert_eq!((stats.limit_bytes, stats.is_limit_stated), (50_000, true));
    assert!(stats.bytes <= 42_500, "{}", stats.bytes);
    let large = first.put(&key(Kind::Thumbnails, 99), &[&[0; 7_000]]);
    assert_eq!(large, Err(Declined::TooLarge));
    assert_eq!(first.counters().declined, 1);
}

#[test]
fn a_nearly_full_disk_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let limits = DiskLimits {
        free_bytes: u64::MAX,
        free_percent: 100,
        ..limits(1 << 20)
    };
    let cache = DiskCache::open(folder.path().to_owned(), limits).unwrap();
    for number in 0..2 {
        let declined = cache.put(&key(Kind::Index, number), &[b"x"]);
        assert_eq!(declined, Err(Declined::NoRoom));
    }
    assert_eq!(cache.counters().faults_of(Fault::NoRoom), 2);
    assert_eq!(endings(folder.path()), ["TAG"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let cache = cache(&file.join("below"));
    let key = key(Kind::Index, 1);
    assert!(cache.get(&key).is_none());
    assert!(matches!(cache.put(&key, &[b"x"]), Err(Declined::Failed(_))));
    assert!(cache.put_later(key.clone(), vec![1]));
    cache.flush();
    assert_eq!(cache.counters().faults_of(Fault::Unwritable), 2);
    assert!(cache.get(&key).is_none());
    assert!(cache.problem().unwrap().contains("--cache-dir"));
}

#[test]
fn a_broken_database_is_made_again_from_the_items() {
    let folder = tempfile::tempdir().unwrap();
    let damages: [fn(&Path); 5] = [
        |database| fs::write(database, b"no database at all, however long one looks").unwrap(),
        |database| fs::remove_file(database).unwrap(),
        |database| fs::write(database, b"").unwrap(),
        |database| {
            let mut bytes = fs::read(database).unwrap();
            bytes[100..].fill(0xA5);
            fs::write(database, bytes).unwrap();
        },
        |database| {
            rusqlite::Connection::open(database)
                .unwrap()
                .execute_batch("DROP TABLE items")
                .unwrap();
        },
    ];
    for damage in damages {
        let before = cache(folder.path());
        before.clear(None).unwrap();
        for number in 0..5 {
            before
                .put(&key(Kind::Index, number), &[&number.to_le_bytes()])
                .unwrap();
        }
        let database = before.store.folder.database_path().unwrap();
        drop(before);
        for side in ["db-wal", "db-shm"] {
            let _absent = fs::remove_file(database.with_extension(side));
        }
        damage(&database);
        let cache = cache(folder.path());
        for number in 0..5 {
            let found = cache.get(&key(Kind::Index, number)).unwrap();
            assert_eq!(*found, number.to_le_bytes());
        }
        cache.put(&key(Kind::Index, 5), &[b"x"]).unwrap();
        let listed = cache.list().unwrap();
        assert_eq!(listed.len(), 6);
        assert!(listed.iter().all(|item| item.label == "/rushes/a.mov"));
        cache.verify().unwrap();
        assert_eq!(cache.verify().unwrap().sound, 6);
        let left = endings(folder.path());
        assert!(!left.contains(&"broken".to_owned()), "{left:?}");
    }
}

#[test]
fn a_database_that_breaks_in_use_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (cache(folder.path()), cache(folder.path()));
    first.put(&key(Kind::Index, 1), &[b"one"]).unwrap();
    second.put(&key(Kind::Index, 2), &[b"two"]).unwrap();
    let database = first.store.folder.database_path().unwrap();
    fs::remove_file(&database).unwrap();
    first.put(&key(Kind::Index, 3), &[b"three"]).unwrap();
    second.put(&key(Kind::Index, 4), &[b"four"]).unwrap();
    assert_eq!(first.list().unwrap().len(), 4);
    assert_eq!(second.list().unwrap().len(), 4);
    folder::Folder::set_aside(&database).unwrap();
    second.put(&key(Kind::Index, 5), &[b"five"]).unwrap();
    assert_ne!(second.store.folder.database_path().unwrap(), database);
    assert_eq!(first.list().unwrap().len(), 5);
}

#[test]
fn a_locked_database_keeps_nobody_from_reading() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let kept = key(Kind::Index, 1);
    cache.put(&kept, &[b"one"]).unwrap();
    let database = cache.store.folder.database_path().unwrap();
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(cache.get(&kept).is_some());
    let declined = cache.put(&key(Kind::Index, 2), &[b"two"]);
    assert!(matches!(declined, Err(Declined::Failed(_))), "{declined:?}");
    assert_eq!(cache.counters().faults_of(Fault::Database), 1);
    other.execute_batch("ROLLBACK").unwrap();
    cache.put(&key(Kind::Index, 2), &[b"two"]).unwrap();
    assert!(!endings(folder.path()).contains(&"tmp".to_owned()));
}

#[test]
fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let before = cache(folder.path());
    before.put(&key(Kind::Index, 1), &[b"one"]).unwrap();
    let database = before.store.folder.database_path().unwrap();
    drop(before);
    let other = rusqlite::Connection::open(&database).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let cache = cache(folder.path());
    assert!(cache.get(&key(Kind::Index, 1)).is_some());
    let declined = cache.put(&key(Kind::Index, 2), &[b"two"]);
    assert!(declined.unwrap_err().to_string().contains("newer"));
    assert!(cache.verify().is_err());
    assert!(database.exists());
}

#[test]
fn verify_makes_folder_and_database_agree() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    for number in 0..4 {
        cache.put(&key(Kind::Index, number), &[b"x"]).unwrap();
    }
    let path = |number| item_path(folder.path(), &key(Kind::Index, number));
    fs::remove_file(path(0)).unwrap();
    fs::write(path(1), b"short").unwrap();
    let orphan = fs::read(path(2)).unwrap();
    cache.remove(&key(Kind::Index, 2));
    cache.flush();
    fs::write(path(2), orphan).unwrap();
    fs::write(folder.path().join("new-abandoned.tmp"), b"half").unwrap();
    fs::write(folder.path().join("a person's own file"), b"keep").unwrap();
    let held = cache
        .store
        .folder
        .write_temporary(&item::Packed::new(&key(Kind::Index, 9), &[b"y"]).unwrap())
        .unwrap();
    let expected = Verified {
        sound: 2,
        bytes: cache.list().unwrap()[0].bytes * 2,
        damaged: 1,
        adopted: 1,
        forgotten: 1,
        swept: 1,
        unreadable: 0,
    };
    assert_eq!(cache.verify().unwrap(), expected);
    assert!(held.path().exists(), "its writer lives");
    drop(held);
    let again = Verified {
        sound: 2,
        bytes: expected.bytes,
        ..Verified::default()
    };
    assert_eq!(cache.verify().unwrap(), again);
    assert!(folder.path().join("a person's own file").exists());
}

#[test]
fn one_kind_is_cleared_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    for kind in Kind::ALL {
        for number in 0..3 {
            cache.put(&key(kind, number), &[b"x"]).unwrap();
        }
    }
    let cleared = cache.clear(Some(Kind::Thumbnails)).unwrap();
    assert_eq!(cleared.items, 3);
    let stats = cache.stats().unwrap();
    assert_eq!(stats.items, 9);
    assert!(
        stats
            .kinds
            .iter()
            .all(|kind| (kind.items == 0) == (kind.kind == Kind::Thumbnails))
    );
    let (one, other) = (key(Kind::Index, 1), key(Kind::Index, 2));
    let absent = key(Kind::Index, 9);
    let removed = cache.remove_items(&[one.name(), absent.name()]).unwrap();
    assert_eq!(removed.items, 1);
    assert!(cache.get(&one).is_none());
    assert_eq!(
        cache
            .verify_items(&[one.name(), other.name()])
            .unwrap()
            .sound,
        1
    );
    assert_eq!(cache.clear(None).unwrap().items, 8);
    assert_eq!(cache.stats().unwrap().bytes, 0);
}

#[test]
fn what_is_written_later_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    // Held back by the lock, the writer takes one order out of its queue at most.
    let locked = {
        cache.put(&key(Kind::Index, 0), &[b"x"]).unwrap();
        cache.store.folder.lock().unwrap()
    };
    let accepted = (1..=200)
        .filter(|&number| cache.put_later(key(Kind::Waveform, number), vec![1; 10]))
        .count();
    assert!((64..=65).contains(&accepted), "{accepted}");
    drop(locked);
    cache.flush();
    let kept = (1..=200)
        .filter(|&number| cache.contains(&key(Kind::Waveform, number)))
        .count();
    assert_eq!(kept, accepted);
    assert_eq!(cache.counters().declined, 200 - accepted as u64);
}

#[test]
fn what_is_used_again_is_copied_to_the_fast_folder() {
    let (slow, fast) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let limits = limits(128 << 20);
    let open = || {
        let fast = Some(fast.path().to_owned());
        DiskCache::open_with_fast(slow.path().to_owned(), fast, limits).unwrap()
    };
    let cache = open();
    let (small, large) = (key(Kind::Thumbnails, 1), key(Kind::Thumbnails, 2));
    cache.put(&small, &[b"small"]).unwrap();
    cache.put(&large, &[&vec![7; 9 << 20]]).unwrap();
    let copied = |key: &Key| item_path(fast.path(), key).exists();
    for (uses, expected) in [(1, (false, false)), (2, (true, false)), (4, (true, true))] {
        while cache.counters().hits < uses * 2 {
            assert_eq!(*cache.get(&small).unwrap(), *b"small");
            assert_eq!(cache.get(&large).unwrap().len(), 9 << 20);
            cache.flush();
        }
        assert_eq!((copied(&small), copied(&large)), expected, "after {uses}");
    }
    let counters = cache.counters();
    assert_eq!(
        (counters.hits, counters.misses, counters.promoted),
        (8, 0, 2)
    );
    // A copy alone is enough, and a damaged copy is no loss.
    fs::remove_file(item_path(slow.path(), &small)).unwrap();
    assert!(cache.get(&small).is_some());
    fs::write(item_path(fast.path(), &large), b"damaged").unwrap();
    assert_eq!(cache.get(&large).unwrap().len(), 9 << 20);
    // What is replaced is replaced everywhere.
    cache.put(&small, &[b"other"]).unwrap();
    assert_eq!(*cache.get(&small).unwrap(), *b"other");
    cache.remove(&small);
    cache.flush();
    assert!(cache.get(&small).is_none());
    drop(cache);
    // The fast folder is a cache like any other.
    let cache = DiskCache::open(fast.path().to_owned(), limits).unwrap();
    cache.verify().unwrap();
    assert_eq!(cache.clear(None).unwrap().items, 0);
}

#[test]
fn what_is_used_in_the_fast_folder_stays_in_the_slow_one() {
    let (slow, fast) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let limits = limits(1 << 20);
    let cache =
        DiskCache::open_with_fast(slow.path().to_owned(), Some(fast.path().to_owned()), limits)
            .unwrap();
    let key = key(Kind::Thumbnails, 1);
    cache.put(&key, &[b"small"]).unwrap();
    for _ in 0..2 {
        assert!(cache.get(&key).is_some());
        cache.flush();
    }
    age(slow.path(), &key, 60);
    age(fast.path(), &key, 60);
    let used = || {
        let used = fs::metadata(item_path(slow.path(), &key)).unwrap();
        used.modified().unwrap()
    };
    let before = used();
    assert!(cache.get(&key).is_some());
    cache.flush();
    assert!(used() > before + Duration::from_mins(50));
}

#[test]
fn what_is_made_again_stays_though_the_record_of_the_former_is_still_to_go() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path());
    let key = key(Kind::Index, 1);
    for is_damaged in [false, true] {
        cache.put(&key, &[b"one"]).unwrap();
        let goes_on = cache.writer.hold();
        if is_damaged {
            fs::write(item_path(folder.path(), &key), b"damaged").unwrap();
            assert!(cache.get(&key).is_none());
        } else {
            cache.remove(&key);
            assert!(!cache.contains(&key), "gone at once");
        }
        cache.put(&key, &[b"another"]).unwrap();
        goes_on.recv().unwrap();
        cache.flush();
        assert_eq!(*cache.get(&key).unwrap(), *b"another");
        assert_eq!(cache.list().unwrap().len(), 1);
    }
}

#[test]
fn only_an_empty_folder_is_tagged() {
    let parent = tempfile::tempdir().unwrap();
    let tag = |folder: &str| parent.path().join(folder).join("CACHEDIR.TAG").exists();
    for (name, files) in [("new", None), ("empty", Some(0)), ("videos", Some(1))] {
        let folder = parent.path().join(name);
        if let Some(files) = files {
            fs::create_dir(&folder).unwrap();
            (0..files).for_each(|_| fs::write(folder.join("a.mov"), b"rushes").unwrap());
        }
        let cache = cache(&folder);
        cache.put(&key(Kind::Index, 1), &[b"one"]).unwrap();
        assert!(cache.get(&key(Kind::Index, 1)).is_some());
    }
    assert!(tag("new") && tag("empty") && !tag("videos"));
}

#[derive(Debug, Clone)]
enum Step {
    Put(u64, usize),
    Get(u64),
    Remove(u64),
    Clear(Kind),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..24_u64, 0..6_000_usize).prop_map(|(number, length)| Step::Put(number, length)),
        4 => (0..24_u64).prop_map(Step::Get),
        1 => (0..24_u64).prop_map(Step::Remove),
        1 => prop::sample::select(&Kind::ALL[..]).prop_map(Step::Clear),
        1 => Just(Step::Reopen),
    ]
}

fn kind_of(number: u64) -> Kind {
    Kind::ALL[usize::try_from(number % 4).unwrap()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn counts_agree_and_limits_hold(steps in prop::collection::vec(step(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        let limit = 40_000;
        let open = || DiskCache::open(folder.path().to_owned(), limits(limit)).unwrap();
        let mut cache = open();
        let mut written: HashMap<u64, Vec<u8>> = HashMap::new();
        for (turn, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put(number, length) => {
                    let fill = u8::try_from(turn % 251).unwrap();
                    let content: Vec<u8> = (0..length)
                        .map(|place| fill.wrapping_mul(u8::try_from(place % 241).unwrap()))
                        .collect();
                    let kept = cache.put(&key(kind_of(number), number), &[&content]);
                    match kept {
                        Ok(()) => drop(written.insert(number, content)),
                        Err(declined) => prop_assert_eq!(declined, Declined::TooLarge),
                    }
                }
                Step::Get(number) => {
                    if let Some(found) = cache.get(&key(kind_of(number), number)) {
                        prop_assert_eq!(Some(&*found), written.get(&number).map(Vec::as_slice));
                    }
                }
                Step::Remove(number) => {
                    cache.remove(&key(kind_of(number), number));
                    cache.flush();
                    prop_assert!(!cache.contains(&key(kind_of(number), number)));
                }
                Step::Clear(kind) => {
                    cache.clear(Some(kind)).unwrap();
                }
                Step::Reopen => cache = open(),
            }
            let stats = cache.stats().unwrap();
            prop_assert!(stats.bytes <= limit / 100 * 95, "{}", stats.bytes);
            let files: Vec<u64> = fs::read_dir(folder.path())
                .unwrap()
                .map(Result::unwrap)
                .filter(|file| file.path().extension().is_some_and(|ending| ending == "item"))
                .map(|file| file.metadata().unwrap().len())
                .collect();
            prop_assert_eq!(stats.items, files.len() as u64);
            prop_assert_eq!(stats.bytes, files.iter().sum::<u64>());
        }
    }
}
