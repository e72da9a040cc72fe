//! Proxies that are queued: programs that are killed or share the work, full disks, sources that go, and what is
//! told of it all.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::disk_faults::SmallDisk;
use crate::made;
use crate::program::{self, Ended, Running, wait_for};
use crate::proxies::quick_folder;
use crate::proxy_faults::enlarged;

/// `jogwheel proxy …` on a folder.
fn proxy(folder: &Path, args: &[&dyn AsRef<OsStr>]) -> Ended {
    program::run(&arguments(&folder, args))
}

fn arguments<'a>(
    folder: &'a dyn AsRef<OsStr>,
    args: &[&'a dyn AsRef<OsStr>],
) -> Vec<&'a dyn AsRef<OsStr>> {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"proxy"];
    all.extend(args);
    all.extend([&"--proxy-dir" as &dyn AsRef<OsStr>, folder]);
    all
}

/// The same, as JSON.
fn json(folder: &Path, args: &[&dyn AsRef<OsStr>]) -> Value {
    let mut args = args.to_vec();
    args.push(&"--json");
    let ended = proxy(folder, &args).expect(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

fn start(folder: &Path, args: &[&dyn AsRef<OsStr>]) -> Running {
    Running::start(program::command(&arguments(&folder, args)))
}

/// Waits until something is being written.
fn until_writing(folder: &Path) {
    let has_begun = || {
        let entries = std::fs::read_dir(folder).ok()?.flatten();
        let part = entries
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().ends_with(".mov.part"))?;
        (part.metadata().ok()?.len() > 0).then_some(())
    };
    wait_for(has_begun).expect("something is written");
}

/// How many jobs are running, queued, made and failed.
fn counts(status: &Value) -> [u64; 4] {
    ["running", "queued", "made", "failed"].map(|name| status[name].as_u64().unwrap())
}

fn proxies(folder: &Path) -> Vec<PathBuf> {
    let listed = json(folder, &[&"list"]);
    let listed = listed["proxies"].as_array().unwrap().iter();
    listed
        .map(|proxy| PathBuf::from(proxy["proxy"].as_str().unwrap()))
        .collect()
}

fn copy_of(clip: &str, to: &Path) -> PathBuf {
    let copy = to.join(clip);
    std::fs::copy(made::clip(clip).path, &copy).unwrap();
    copy
}

/// Five gray pictures.
fn tiny(path: &Path) {
    let frame = [&b"FRAME\n"[..], &[128; 64 * 64 * 3 / 2]].concat();
    let header = &b"YUV4MPEG2 W64 H64 F25:1 Ip A1:1 C420jpeg\n"[..];
    std::fs::write(path, [header, &frame.repeat(5)].concat()).unwrap();
}

#[test]
fn what_a_killed_program_had_begun_is_gone_on_with() {
    let folder = quick_folder();
    let dir = folder.path();
    let long = made::clip("sync-5994.mov").path;
    let queued = json(dir, &[&"make", &long, &"--preset", &"draft", &"--queue"]);
    assert_eq!(queued["queued"].as_array().map(Vec::len), Some(1));
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 1, 0, 0]);
    let running = start(dir, &[&"make"]);
    until_writing(dir);
    assert_eq!(counts(&json(dir, &[&"status"])), [1, 0, 0, 0]);
    running.signal(Signal::KILL);
    running.wait().expect(137);
    let status = json(dir, &[&"status"]);
    assert_eq!(counts(&status), [0, 1, 0, 0], "{status}");
    assert_eq!(status["jobs"][0]["attempts"], 1);
    assert!(proxies(dir).is_empty(), "what is not finished is none");
    proxy(dir, &[&"make"]).expect(0);
    let status = json(dir, &[&"status"]);
    assert_eq!(counts(&status), [0, 0, 1, 0], "{status}");
    let listed = json(dir, &[&"list"]);
    assert_eq!(listed["proxies"][0]["state"], "verified", "{listed}");
}

#[test]
fn what_was_asked_for_and_killed_is_gone_on_with_too() {
    let folder = quick_folder();
    let dir = folder.path();
    let (long, short) = (
        made::clip("sync-5994.mov").path,
        made::clip("h264-gray.mp4").path,
    );
    let running = start(dir, &[&"make", &long, &short, &"--preset", &"draft"]);
    until_writing(dir);
    running.signal(Signal::KILL);
    running.wait().expect(137);
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 2, 0, 0]);
    // Taken back by the person, it is not made.
    assert_eq!(json(dir, &[&"cancel", &long])["jobs"], 1);
    proxy(dir, &[&"make"]).expect(0);
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 0, 1, 0]);
    // What a person stops is not wanted any more.
    let running = start(dir, &[&"make", &long, &"--preset", &"draft"]);
    until_writing(dir);
    running.signal(Signal::INT);
    running.wait().expect(130);
    let status = json(dir, &[&"status"]);
    assert_eq!(counts(&status), [0, 0, 1, 0], "{status}");
    assert_eq!(json(dir, &[&"retry", &long])["jobs"], 1);
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 1, 1, 0]);
}

#[test]
fn what_another_program_makes_is_waited_for() {
    let folder = quick_folder();
    let dir = folder.path();
    let (long, short) = (
        made::clip("sync-5994.mov").path,
        made::clip("h264-gray.mp4").path,
    );
    let other = start(dir, &[&"make", &long, &"--preset", &"draft"]);
    until_writing(dir);
    let both = json(dir, &[&"make", &long, &short, &"--preset", &"draft"]);
    let files = both["files"].as_array().unwrap();
    assert!(files.iter().all(|file| file["error"].is_null()), "{both}");
    assert_eq!(files[0]["proxies"][0]["is_new"], false, "{both}");
    other.wait().expect(0);
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 0, 2, 0]);
    // What a person calls off here is not taken from others.
    let other = start(dir, &[&"make", &long, &"--preset", &"draft", &"--again"]);
    until_writing(dir);
    let waiting = start(dir, &[&"make", &long, &short, &"--preset", &"draft"]);
    let is_queued = || (counts(&json(dir, &[&"status"]))[1] == 1).then_some(());
    wait_for(is_queued).expect("it is queued");
    waiting.signal(Signal::INT);
    waiting.wait().expect(130);
    assert_eq!(json(dir, &[&"status"])["cancelled"], 1);
    other.wait().expect(0);
    let status = json(dir, &[&"status"]);
    assert_eq!(counts(&status), [0, 0, 1, 0], "{status}");
}

#[test]
fn on_a_full_disk_it_is_put_off_and_says_why() {
    let Some(disk) = SmallDisk::mount("on_a_full_disk_it_is_put_off_and_says_why") else {
        return;
    };
    let dir = disk.path();
    let sources = quick_folder();
    // Made in the size that it has, and in lower quality for there is little room, the clip itself fits.
    let large = enlarged("h264-bframes.mp4", "1280:720", sources.path());
    let small = made::clip("h264-gray.mp4").path;
    // What is ordered later adds to what was.
    for preset in ["draft", "preview"] {
        json(&dir, &[&"make", &large, &"--preset", &preset, &"--queue"]);
    }
    json(&dir, &[&"make", &small, &"--queue"]);
    proxy(&dir, &[&"make"]).expect(1);
    let status = json(&dir, &[&"status"]);
    assert_eq!(
        counts(&status),
        [0, 1, 1, 0],
        "the other one is made: {status}"
    );
    let job = &status["jobs"][0];
    assert_eq!(job["presets"], serde_json::json!(["draft", "preview"]));
    let reason = job["reason"].as_str().unwrap();
    assert!(reason.contains("the disk is full"), "{status}");
    assert!(job["seconds_to_wait"].as_f64() > Some(0.0), "{status}");
    assert_eq!(proxies(&dir).len(), 1);
    let words = proxy(&dir, &[&"status"]).expect(0).stdout;
    assert!(words.contains("tried again in 0:"), "{words}");
}

#[test]
fn a_source_that_went_says_so_and_others_are_made() {
    let folder = quick_folder();
    let media = quick_folder();
    let dir = folder.path();
    let gone = copy_of("h264-25.mp4", media.path());
    let there = copy_of("h264-gray.mp4", media.path());
    let queued = json(dir, &[&"make", &media.path(), &"--queue"]);
    assert_eq!(queued["queued"].as_array().map(Vec::len), Some(2));
    std::fs::remove_file(&gone).unwrap();
    let ended = proxy(dir, &[&"make"]).expect(1);
    assert!(
        ended.stdout.contains("it is not there any more"),
        "{ended:?}"
    );
    let status = json(dir, &[&"status"]);
    assert_eq!(counts(&status), [0, 0, 1, 1], "{status}");
    assert!(there.exists() && proxies(dir).len() == 1);
    // It is back, and so is its turn.
    copy_of("h264-25.mp4", media.path());
    assert_eq!(json(dir, &[&"retry"])["jobs"], 1);
    proxy(dir, &[&"make"]).expect(0);
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 0, 2, 0]);
}

#[test]
fn two_hundred_files_are_made_by_two_programs_and_bad_ones_say_why() {
    let folder = quick_folder();
    let media = quick_folder();
    let dir = folder.path();
    let files: Vec<PathBuf> = (0..200)
        .map(|number| {
            let path = media.path().join(format!("{number:03}.y4m"));
            if number % 50 == 7 {
                std::fs::write(&path, "no film").unwrap();
            } else {
                tiny(&path);
            }
            path
        })
        .collect();
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"make", &"--queue"];
    args.extend(files.iter().map(|file| file as &dyn AsRef<OsStr>));
    json(dir, &args);
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 200, 0, 0]);
    let both = [start(dir, &[&"make"]), start(dir, &[&"make"])];
    let lines: Vec<String> = both
        .into_iter()
        .flat_map(|running| {
            let ended = running.wait();
            let lines = ended.stdout.lines().map(str::to_owned);
            lines
                .filter(|line| line.contains(".y4m"))
                .collect::<Vec<_>>()
        })
        .collect();
    let status = json(dir, &[&"status"]);
    assert_eq!(counts(&status), [0, 0, 196, 4], "{status}");
    // Each was dealt with once.
    assert_eq!(lines.len(), 200, "{lines:?}");
    let failed: Vec<&Value> = status["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|job| job["state"] == "failed")
        .collect();
    assert!(
        failed
            .iter()
            .all(|job| !job["reason"].as_str().unwrap().is_empty()),
        "{failed:?}"
    );
    assert_eq!(proxies(dir).len(), 196);
    let listed = json(dir, &[&"list"]);
    let all = listed["proxies"].as_array().unwrap();
    assert!(
        all.iter().all(|proxy| proxy["state"] == "verified"),
        "{listed}"
    );
}

#[test]
fn the_limit_holds_what_is_in_use_stays_and_clearing_leaves_sources() {
    let folder = quick_folder();
    let dir = folder.path();
    let clips = ["h264-25.mp4", "h264-50.mp4", "h264-gray.mp4"].map(|name| made::clip(name).path);
    for clip in &clips {
        proxy(dir, &[&"make", clip, &"--preset", &"draft"]).expect(0);
    }
    let status = json(dir, &[&"status"]);
    assert_eq!(
        (
            &status["proxies"],
            &status["sources"],
            &status["limit_bytes"]
        ),
        (&3.into(), &3.into(), &(10_u64 << 30).into()),
        "{status}"
    );
    assert_eq!(counts(&status), [0, 0, 3, 0], "{status}");
    let both = (status["ratio"].as_f64(), status["saved_percent"].as_f64());
    let (Some(ratio), Some(saved)) = both else {
        panic!("{status}");
    };
    assert!((saved - (1.0 - ratio) * 100.0).abs() < 1e-6, "{status}");
    // The oldest one is open somewhere.
    let of = |stem: &str| {
        let is_it = |path: &PathBuf| path.to_string_lossy().contains(stem);
        proxies(dir).into_iter().find(is_it)
    };
    let oldest = of("h264-25_").unwrap();
    let held = File::open(&oldest).unwrap();
    held.lock_shared().unwrap();
    assert_eq!(json(dir, &[&"status"])["in_use"], 1);
    let most = status["bytes"].as_u64().unwrap() - 1;
    let limited = json(dir, &[&"limit", &most.to_string()]);
    assert_eq!(limited["limit_bytes"], most, "{limited}");
    assert_eq!(
        limited["in_use"].as_array().map(Vec::len),
        Some(1),
        "{limited}"
    );
    assert!(
        !limited["removed"].as_array().unwrap().is_empty(),
        "{limited}"
    );
    assert!(limited["bytes"].as_u64().unwrap() <= most, "{limited}");
    assert!(of("h264-25_").is_some() && of("h264-50_").is_none());
    let cleared = json(dir, &[&"clear"]);
    assert_eq!(
        cleared["in_use"].as_array().map(Vec::len),
        Some(1),
        "{cleared}"
    );
    drop(held);
    json(dir, &[&"clear"]);
    assert!(proxies(dir).is_empty());
    assert_eq!(counts(&json(dir, &[&"status"])), [0; 4]);
    assert_eq!(json(dir, &[&"limit"])["limit_stated"], true, "it stays");
    assert!(clips.iter().all(|clip| clip.exists()));
}

#[test]
fn a_damaged_proxy_is_queued_and_made_again() {
    let folder = quick_folder();
    let dir = folder.path();
    let clip = made::clip("h264-25.mp4").path;
    proxy(dir, &[&"make", &clip, &"--preset", &"draft"]).expect(0);
    let file = &proxies(dir)[0];
    let written = std::fs::metadata(file).unwrap().len();
    let open = File::options().write(true).open(file).unwrap();
    open.set_len(written / 2).unwrap();
    proxy(dir, &[&"verify"])
        .expect(1)
        .says("queued to be made again");
    assert_eq!(counts(&json(dir, &[&"status"])), [0, 1, 0, 0]);
    proxy(dir, &[&"make"]).expect(0);
    assert_eq!(proxies(dir), std::slice::from_ref(file));
    proxy(dir, &[&"verify", &"--again"]).expect(0);
    assert_eq!(std::fs::metadata(file).unwrap().len(), written);
}

#[test]
fn everything_can_be_held_and_what_is_wrong_is_said() {
    let folder = quick_folder();
    let dir = folder.path();
    proxy(dir, &[&"make"]).expect(2).says("nothing is queued");
    proxy(dir, &[&"make", &"/none.mov", &"--queue"])
        .expect(3)
        .says("no such file");
    let empty = quick_folder();
    proxy(dir, &[&"make", &empty.path()])
        .expect(3)
        .says("no films");
    assert_eq!(json(dir, &[&"pause"])["paused"], true);
    let clip = made::clip("h264-gray.mp4").path;
    json(dir, &[&"make", &clip, &"--queue"]);
    let ended = proxy(dir, &[&"make"]).expect(1);
    assert!(ended.stdout.contains("1 left"), "{ended:?}");
    let words = proxy(dir, &[&"status"]).expect(0).stdout;
    assert!(
        words.contains("1 queued") && words.contains("held"),
        "{words}"
    );
    assert_eq!(json(dir, &[&"resume"])["paused"], false);
    proxy(dir, &[&"make"]).expect(0);
    proxy(dir, &[&"cancel"]).expect(2);
    assert_eq!(json(dir, &[&"cancel", &"--all"])["jobs"], 0);
}
