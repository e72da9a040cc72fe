//! A disk cache whose files are damaged, whose disk is full, or whose folder cannot be written to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jogwheel::cache::disk::{Declined, DiskCache, DiskLimits, Fault, Verified};

use crate::disk_kill::{check_all, content, key};
use crate::program;

const ITEMS: u64 = 12;

fn open(folder: &Path) -> Arc<DiskCache> {
    let limits = DiskLimits {
        free_bytes: 0,
        ..DiskLimits::default()
    };
    DiskCache::open(folder.to_owned(), limits).unwrap()
}

fn filled(folder: &Path) -> Arc<DiskCache> {
    let cache = open(folder);
    for number in 0..ITEMS {
        cache.put(&key(number), &[&content(number, 1)]).unwrap();
    }
    cache
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

fn copy(from: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files(from) {
        fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    folder
}

/// Does something to a file, with another one.
type Damage = fn(&Path, &Path);

/// What may happen to a file.
const DAMAGES: [(&str, Damage); 6] = [
    ("deleted", |file, _| fs::remove_file(file).unwrap()),
    ("emptied", |file, _| cut(file, |_| 0)),
    ("cut in half", |file, _| cut(file, |length| length / 2)),
    ("changed in one place", |file, _| {
        change(file, |bytes| {
            let middle = bytes.len() / 2;
            if let Some(byte) = bytes.get_mut(middle) {
                *byte ^= 0x55;
            }
        });
    }),
    ("overwritten", |file, _| {
        change(file, |bytes| bytes.fill(0xA5));
    }),
    ("swapped", |file, other| {
        let between = file.with_extension("between");
        fs::rename(file, &between).unwrap();
        fs::rename(other, file).unwrap();
        fs::rename(between, other).unwrap();
    }),
];

fn cut(file: &Path, length: impl FnOnce(u64) -> u64) {
    let file = fs::File::options().write(true).open(file).unwrap();
    let now = file.metadata().unwrap().len();
    file.set_len(length(now)).unwrap();
}

/// Changes a file where it is, as a failing disk does.
fn change(file: &Path, change: impl FnOnce(&mut [u8])) {
    use std::os::unix::fs::FileExt;
    let mut bytes = fs::read(file).unwrap();
    change(&mut bytes);
    let file = fs::File::options().write(true).open(file).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
}

/// Checks that a cache works, and that one round of order is enough.
#[track_caller]
fn works(folder: &Path, what: &str) {
    let cache = open(folder);
    let found = check_all(&cache, 0..ITEMS);
    assert!(found + 2 >= ITEMS, "{what}: only {found} are left");
    cache
        .put(&key(99), &[&content(99, 3)])
        .unwrap_or_else(|declined| panic!("{what}: {declined}"));
    assert!(cache.get(&key(99)).is_some(), "{what}");
    cache.verify().unwrap();
    let again = cache.verify().unwrap();
    let expected = Verified {
        sound: again.sound,
        bytes: again.bytes,
        ..Verified::default()
    };
    assert_eq!(again, expected, "{what}");
    assert_eq!(cache.stats().unwrap().items, again.sound, "{what}");
}

#[test]
fn whatever_happens_to_a_file_is_a_miss_at_worst() {
    let made = tempfile::tempdir().unwrap();
    // Copied while it is open, so that the side files of the database are there.
    let open_cache = filled(made.path());
    open_cache.set_limit(1 << 30).unwrap();
    let names: Vec<PathBuf> = files(made.path())
        .iter()
        .map(|file| PathBuf::from(file.file_name().unwrap()))
        .collect();
    assert!(names.len() as u64 >= ITEMS + 5, "{names:?}");
    for (place, name) in names.iter().enumerate() {
        // Of the items, which are alike, some are enough.
        if name.extension().is_some_and(|ending| ending == "item") && place % 4 != 0 {
            continue;
        }
        for (damage, apply) in DAMAGES {
            let folder = copy(made.path());
            let other = &names[(place + 1) % names.len()];
            apply(&folder.path().join(name), &folder.path().join(other));
            let what = format!("{} {damage}", name.display());
            works(folder.path(), &what);
        }
    }
}

#[test]
fn files_are_damaged_while_they_are_in_use() {
    for (damage, apply) in DAMAGES {
        let folder = tempfile::tempdir().unwrap();
        let cache = filled(folder.path());
        assert_eq!(check_all(&cache, 0..ITEMS), ITEMS);
        let all = files(folder.path());
        let items: Vec<&PathBuf> = all
            .iter()
            .filter(|file| file.extension().is_some_and(|ending| ending == "item"))
            .collect();
        apply(items[0], items[1]);
        // The memory that SQLite shares among processes is a mapped file: cutting it is cutting theirs.
        let database = all
            .iter()
            .find(|file| file.extension().is_some_and(|ending| ending == "db"))
            .unwrap();
        apply(database, items[2]);
        let found = check_all(&cache, 0..ITEMS);
        assert!(found + 3 >= ITEMS, "{damage}: only {found} are left");
        let _declined = cache.put(&key(50), &[&content(50, 1)]);
        check_all(&cache, 0..51);
        drop(cache);
        let cache = open(folder.path());
        check_all(&cache, 0..51);
        cache
            .put(&key(51), &[&content(51, 1)])
            .unwrap_or_else(|declined| panic!("{damage}: {declined}"));
        cache.verify().unwrap();
        assert_eq!(cache.verify().unwrap().damaged, 0, "{damage}");
    }
}

/// A small file system in memory. Unmounted when dropped.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount; the test is noted as skipped.
    pub(crate) fn mount(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let is_mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "none"])
            .arg(folder.path())
            .output()
            .is_ok_and(|done| done.status.success());
        if !is_mounted {
            program::skip(test, "mounting a small tmpfs is not permitted");
            return None;
        }
        Some(Self(folder))
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn remount(&self, how: &str) {
        let done = Command::new("mount")
            .args(["-o", &format!("remount,{how}")])
            .arg(self.0.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_keeps_what_it_has() {
    let Some(disk) = SmallDisk::mount("a_full_disk_keeps_what_it_has") else {
        return;
    };
    let cache = open(&disk.path());
    let mut kept = 0;
    while cache.put(&key(kept), &[&content(kept, 1)]).is_ok() {
        kept += 1;
        assert!(kept < 10_000, "two megabytes have an end");
    }
    // What else takes room takes it all.
    fs::write(disk.0.path().join("other"), vec![0; 2 << 20]).unwrap_err();
    for number in kept..kept + 5 {
        let declined = cache.put(&key(number), &[&content(number, 1)]);
        assert!(declined.is_err());
    }
    assert_eq!(check_all(&cache, 0..kept), kept);
    let counters = cache.counters();
    assert!(counters.faults_of(Fault::NoRoom) >= 1, "{counters:?}");
    assert!(cache.problem().unwrap().contains("nearly full"));
    drop(cache);
    assert_eq!(check_all(&open(&disk.path()), 0..kept), kept);
    fs::remove_file(disk.0.path().join("other")).unwrap();
    let cache = open(&disk.path());
    cache.clear(None).unwrap();
    cache.put(&key(1), &[&content(1, 1)]).unwrap();
    assert_eq!(cache.verify().unwrap().sound, 1);
}

#[test]
fn a_reserve_stays_free() {
    let Some(disk) = SmallDisk::mount("a_reserve_stays_free") else {
        return;
    };
    let cache = DiskCache::open(disk.path(), DiskLimits::default()).unwrap();
    let mut number = 0;
    let declined = loop {
        if let Err(declined) = cache.put(&key(number), &[&content(number, 1)]) {
            break declined;
        }
        number += 1;
    };
    assert_eq!(declined, Declined::NoRoom);
    let stats = cache.stats().unwrap();
    let (free, least) = (stats.free_bytes.unwrap(), stats.min_free_bytes.unwrap());
    assert_eq!(least, (2 << 20) / 20);
    // The last item did not fit above the reserve, and the database grew a little.
    assert!(
        free + 100_000 > least && free < least + 100_000,
        "{stats:?}"
    );
}

#[test]
fn a_folder_that_becomes_read_only_is_still_read() {
    let Some(disk) = SmallDisk::mount("a_folder_that_becomes_read_only_is_still_read") else {
        return;
    };
    drop(filled(&disk.path()));
    disk.remount("ro");
    let cache = open(&disk.path());
    assert_eq!(check_all(&cache, 0..ITEMS), ITEMS);
    let declined = cache.put(&key(99), &[&content(99, 1)]);
    assert!(matches!(declined, Err(Declined::Failed(_))), "{declined:?}");
    assert!(cache.verify().is_err());
    assert_eq!(cache.counters().faults_of(Fault::Damaged), 0);
    assert!(cache.problem().is_some());
    disk.remount("rw");
    cache.put(&key(99), &[&content(99, 1)]).unwrap();
    assert_eq!(cache.verify().unwrap().sound, ITEMS + 1);
}
