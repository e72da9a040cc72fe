//! What is kept on disk from one opening of a file to the next, and the command that looks after it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jogwheel::cache::disk::{DiskCache, DiskLimits, Fault};
use jogwheel::time::FrameIndex;
use serde_json::{Value, json};

use crate::deck::Deck;
use crate::made;
use crate::program::run;

fn open(folder: &Path) -> Arc<DiskCache> {
    let limits = DiskLimits {
        free_bytes: 0,
        ..DiskLimits::default()
    };
    DiskCache::open(folder.to_owned(), limits).unwrap()
}

/// Opens a clip, waits for its index, and closes it.
fn index_of(path: &Path, cache: &Arc<DiskCache>) -> Vec<String> {
    let cache = Arc::clone(cache);
    let mut deck = Deck::open_with(path, Some(cache)).unwrap();
    let index = deck.index().unwrap();
    let frames = (0..index.len()).map(|frame| {
        let frame = FrameIndex(frame);
        format!(
            "{:?} {:?} {:?}",
            index.pts_of(frame),
            index.end_of(frame),
            index.keyframe_for(frame)
        )
    });
    frames
        .chain([format!(
            "{:?} {} {:?}",
            index.numbering(),
            index.is_variable_rate(),
            index.keyframes()
        )])
        .collect()
}

#[test]
fn every_index_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(folder.path());
    let mut count = 0;
    for clip in made::clips(&["number", "still"]) {
        let Ok(input) = jogwheel::decode::Input::open(&clip.path) else {
            continue;
        };
        if jogwheel::decode::media_info(&input)
            .default_video()
            .is_none()
        {
            continue;
        }
        let first = index_of(&clip.path, &cache);
        let before = cache.counters();
        let second = index_of(&clip.path, &cache);
        assert!(first == second, "{}", clip.name);
        let after = cache.counters();
        assert_eq!(after.hits, before.hits + 1, "{}", clip.name);
        count += 1;
    }
    assert!(count > 10, "{count}");
    assert_eq!(cache.counters().faults, [0; 5]);
    assert_eq!(cache.stats().unwrap().items, count);
}

/// A copy of a clip that has not changed for a while.
fn settled_copy(clip: &str, to: &Path, seconds_ago: u64) {
    fs::copy(made::clip(clip).path, to).unwrap();
    let then = SystemTime::now() - Duration::from_secs(seconds_ago);
    fs::File::options()
        .write(true)
        .open(to)
        .unwrap()
        .set_modified(then)
        .unwrap();
}

#[test]
fn a_changed_file_never_gets_its_former_index() {
    let folder = tempfile::tempdir().unwrap();
    let cache = open(&folder.path().join("cache"));
    let file = folder.path().join("clip.mp4");
    settled_copy("h264-bframes.mp4", &file, 600);
    let bframes = index_of(&file, &cache);
    assert_eq!(index_of(&file, &cache), bframes);
    assert_eq!(cache.counters().hits, 1);
    // Written over in place: the same file, another state.
    settled_copy("h264-longgop.mp4", &file, 500);
    let longgop = index_of(&file, &cache);
    assert_ne!(longgop, bframes);
    assert_eq!(cache.counters().hits, 1);
    // A file that was changed this moment may change again without a new time stamp.
    let before = cache.counters().stored;
    settled_copy("h264-opengop.mp4", &file, 0);
    let opengop = index_of(&file, &cache);
    assert_eq!(cache.counters().stored, before);
    assert_eq!(index_of(&file, &cache), opengop);
}

#[test]
fn a_damaged_index_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let clip = made::clip("h264-bframes.mp4").path;
    let first = index_of(&clip, &open(folder.path()));
    for file in fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "item") {
            let mut bytes = fs::read(&path).unwrap();
            bytes[100] ^= 1;
            fs::write(&path, bytes).unwrap();
        }
    }
    let cache = open(folder.path());
    assert_eq!(index_of(&clip, &cache), first);
    assert_eq!(cache.counters().faults_of(Fault::Damaged), 1);
    assert_eq!(index_of(&clip, &cache), first);
    assert_eq!((cache.counters().hits, cache.counters().misses), (1, 1));
}

fn json_of(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Value {
    let ended = run(args).expect(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn the_command_tells_and_puts_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let picture = folder.path().join("out.png");
    let clip = made::clip("h264-bframes.mp4").path;
    let empty = json_of(&[&"cache", &"stats", &"--json", &"--cache-dir", &cache]);
    assert_eq!(
        (&empty["items"], &empty["limit_bytes"]),
        (&json!(0), &json!(10_u64 << 30))
    );
    assert!(!cache.exists(), "looking makes no folder");
    let shoot = || {
        run(&[
            &"shot",
            &clip,
            &"--at",
            &"3f",
            &"-o",
            &picture,
            &"--cache-dir",
            &cache,
        ])
        .expect(0)
    };
    shoot();
    let listed = json_of(&[&"cache", &"list", &"--json", &"--cache-dir", &cache]);
    assert_eq!(
        listed["items"].as_array().map(Vec::len),
        Some(1),
        "{listed:#}"
    );
    let item = &listed["items"][0];
    assert_eq!(item["kind"], "index");
    assert_eq!(item["source"], clip.display().to_string());
    let report = json_of(&[
        &"play",
        &clip,
        &"--headless",
        &"--frames",
        &"3",
        &"--untimed",
        &"--json",
        &"--cache-dir",
        &cache,
    ]);
    assert_eq!(report["disk"]["hits"], 1, "{report:#}");
    assert_eq!(report["disk"]["misses"], 0);
    let without = json_of(&[
        &"play",
        &clip,
        &"--headless",
        &"--frames",
        &"3",
        &"--untimed",
        &"--json",
        &"--no-cache",
    ]);
    assert_eq!(without["disk"], Value::Null);
    let words = run(&[&"cache", &"list", &"--cache-dir", &cache]).expect(0);
    assert!(words.stdout.contains("h264-bframes.mp4"), "{words:?}");
    // Damage is found, removed, and made good by the next to need it.
    let path = cache.join(format!("{}.item", item["name"].as_str().unwrap()));
    fs::write(&path, b"nonsense").unwrap();
    let checked = json_of(&[&"cache", &"verify", &"--json", &"--cache-dir", &cache]);
    assert_eq!(
        (&checked["damaged"], &checked["sound"]),
        (&json!(1), &json!(0))
    );
    shoot();
    let limited = json_of(&[&"cache", &"limit", &"1M", &"--json", &"--cache-dir", &cache]);
    assert_eq!(
        (&limited["limit_bytes"], &limited["limit_stated"]),
        (&json!(1 << 20), &json!(true))
    );
    let limit = run(&[&"cache", &"limit", &"--cache-dir", &cache]).expect(0);
    assert!(limit.stdout.starts_with("1.0 MiB"), "{limit:?}");
    let other = json_of(&[
        &"cache",
        &"clear",
        &"thumbnails",
        &"--json",
        &"--cache-dir",
        &cache,
    ]);
    assert_eq!(other["items"], 0);
    let cleared = run(&[&"cache", &"clear", &"index", &"--cache-dir", &cache]).expect(0);
    assert!(cleared.stdout.starts_with("1 item removed"), "{cleared:?}");
    run(&[&"cache", &"clear", &"films"])
        .expect(2)
        .says("possible values");
    run(&[&"cache", &"stats", &"--cache-dir", &clip])
        .expect(1)
        .says("cannot be used");
}

#[test]
fn a_folder_that_cannot_be_used_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clip = made::clip("h264-bframes.mp4").path;
    let picture = folder.path().join("out.png");
    // Below a file there can be no folder.
    let below = made::clip("h264-longgop.mp4").path.join("cache");
    let ended = run(&[
        &"shot",
        &clip,
        &"--at",
        &"3f",
        &"-o",
        &picture,
        &"--cache-dir",
        &below,
    ])
    .expect(0)
    .says("--cache-dir");
    assert!(picture.exists());
    let told = ended
        .stderr
        .lines()
        .filter(|line| line.contains("WARN"))
        .count();
    assert_eq!(told, 1, "{ended:#?}");
    let state = folder.path().join("state");
    let report = json_of(&[
        &"play",
        &clip,
        &"--headless",
        &"--seconds",
        &"1",
        &"--json",
        &"--state-file",
        &state,
        &"--cache-dir",
        &below,
    ]);
    assert_eq!(report["disk"]["unwritable"], 1, "{report:#}");
    let told = fs::read_to_string(&state).unwrap();
    assert!(told.contains("cannot be written to"), "{told}");
}
