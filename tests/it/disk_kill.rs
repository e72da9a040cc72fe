//! Processes that share a disk cache, and that die while they write.
//!
//! The processes are this test program itself, told to run [`a_process_that_writes`] alone.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jogwheel::cache::disk::{DiskCache, DiskLimits, Key, Kind, Verified};
use jogwheel::decode::FileIdentity;

/// Names the folder to write to; without it there is nothing to do.
const FOLDER: &str = "JOGWHEEL_TEST_CACHE_FOLDER";
/// Seed of what is written, and how much of it: no end when zero.
const SEED: &str = "JOGWHEEL_TEST_CACHE_SEED";
const WRITES: &str = "JOGWHEEL_TEST_CACHE_WRITES";

/// Different items that are written, again and again.
const ITEMS: u64 = 48;

/// Less than all of them take, so that some have to go.
const LIMIT_BYTES: u64 = 300_000;

/// Processes that are killed, by twos.
const KILLS: u64 = 500;

/// Vigna's `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn limits() -> DiskLimits {
    DiskLimits {
        limit_bytes: LIMIT_BYTES,
        free_bytes: 0,
        ..DiskLimits::default()
    }
}

fn open(folder: &Path) -> Arc<DiskCache> {
    DiskCache::open(folder.to_owned(), limits()).unwrap()
}

pub(crate) fn key(number: u64) -> Key {
    let file = FileIdentity {
        bytes: number,
        modified_nanos: 1,
        device: 2,
        inode: 3,
    };
    let kind = Kind::ALL[usize::try_from(number % 4).unwrap()];
    Key::new(kind, Path::new("/rushes/a.mov"), &file, b"")
}

/// What is written as item `number`, in one of 256 variants, of which it tells the number first.
pub(crate) fn content(number: u64, variant: u8) -> Vec<u8> {
    let mut random = Random(number << 8 | u64::from(variant));
    let length = usize::try_from(random.below(12_000)).unwrap();
    let mut bytes = vec![variant];
    while bytes.len() < length {
        bytes.extend(random.below(u64::MAX).to_le_bytes());
    }
    bytes
}

/// Checks that whatever is found was written as that; answers how many were found.
#[track_caller]
pub(crate) fn check_all(cache: &DiskCache, numbers: std::ops::Range<u64>) -> u64 {
    let mut found = 0;
    for number in numbers {
        if let Some(bytes) = cache.get(&key(number)) {
            assert!(*bytes == *content(number, bytes[0]), "item {number}");
            found += 1;
        }
    }
    found
}

/// The other side of the tests below.
#[test]
fn a_process_that_writes() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (mut random, writes) = (Random(number(SEED)), number(WRITES));
    let tell = || {
        let mut out = std::io::stdout();
        out.write_all(b"!").unwrap();
        out.flush().unwrap();
    };
    let is_told_early = random.below(4) == 0;
    if is_told_early {
        tell();
    }
    let cache = open(Path::new(&folder));
    let mut turn = 0;
    while writes == 0 || turn < writes {
        let item = random.below(ITEMS);
        let variant = u8::try_from(random.below(256)).unwrap();
        match random.below(64) {
            0 => drop(cache.verify()),
            1 => drop(cache.clear(Some(key(item).kind()))),
            2..6 => cache.remove(&key(item)),
            6..12 => {
                let _too_much = cache.put_later(key(item), content(item, variant));
            }
            12..20 => drop(check_all(&cache, item..item + 1)),
            _ => {
                let bytes = content(item, variant);
                let (a, b) = bytes.split_at(bytes.len() / 2);
                let _declined = cache.put(&key(item), &[a, b]);
            }
        }
        if turn == 0 && !is_told_early {
            tell();
        }
        turn += 1;
    }
    cache.flush();
    assert_eq!(cache.counters().faults, [0; 5], "{:?}", cache.problem());
}

fn spawn(folder: &Path, seed: u64, writes: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "disk_kill::a_process_that_writes", "--nocapture"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .env(WRITES, writes.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a process tells that it writes.
fn await_writing(child: &mut Child) {
    let out = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while byte != *b"!" {
        out.read_exact(&mut byte).unwrap();
    }
}

/// In memory where there is such a folder: what is made durable there costs nothing.
fn quick_folder() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    tempfile::tempdir_in(shared).unwrap_or_else(|_absent| tempfile::tempdir().unwrap())
}

#[test]
fn processes_killed_while_they_write_leave_no_wrong_item() {
    let folder = quick_folder();
    let mut random = Random(2026);
    let mut found = 0;
    for pair in 0..KILLS / 2 {
        let mut children = [0, 1].map(|one| spawn(folder.path(), pair * 2 + one, 0));
        for child in &mut children {
            await_writing(child);
        }
        for child in &mut children {
            // Not a wait for anything: the moment of death is what is to differ.
            std::thread::park_timeout(Duration::from_micros(random.below(3_000)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let cache = open(folder.path());
        found += check_all(&cache, 0..ITEMS);
        assert_eq!(cache.counters().faults, [0; 5], "{:?}", cache.problem());
        if random.below(16) == 0 {
            assert_clean(&cache);
        }
    }
    assert!(found > KILLS, "there was something to find: {found}");
    let cache = open(folder.path());
    assert_clean(&cache);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let is_expected = [".item", ".db", ".db-wal", ".db-shm"]
            .iter()
            .any(|ending| name.ends_with(ending))
            || ["lock", "CACHEDIR.TAG"].contains(&&*name);
        assert!(is_expected, "{name} was left behind");
    }
    cache.put(&key(0), &[&content(0, 0)]).unwrap();
}

/// Checks that nothing is damaged, and that one round of order is enough.
#[track_caller]
fn assert_clean(cache: &DiskCache) {
    let first = cache.verify().unwrap();
    assert_eq!((first.damaged, first.unreadable), (0, 0), "{first:?}");
    let second = cache.verify().unwrap();
    let expected = Verified {
        sound: second.sound,
        bytes: second.bytes,
        ..Verified::default()
    };
    assert_eq!(second, expected);
    let stats = cache.stats().unwrap();
    assert_eq!((stats.items, stats.bytes), (second.sound, second.bytes));
    assert!(stats.bytes <= LIMIT_BYTES / 100 * 95, "{stats:?}");
}

#[test]
fn processes_write_into_one_folder_at_once() {
    let folder = quick_folder();
    let mut children = [7, 8, 9].map(|seed| spawn(folder.path(), seed, 400));
    let cache = open(folder.path());
    for child in &mut children {
        await_writing(child);
    }
    let mut found = 0;
    while children
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        found += check_all(&cache, 0..ITEMS);
    }
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    assert!(found > 0);
    assert_eq!(cache.counters().faults, [0; 5], "{:?}", cache.problem());
    assert_clean(&cache);
}
