//! Proxies whose making is cut short, and the command line that makes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jogwheel::decode::FileIdentity;
use jogwheel::jobs::{JobEvent, JobListener, JobNews, JobQueue, JobState, QueueOptions};
use jogwheel::proxy::{MakeRequest, Preset, ProxyCodec, ProxyRecord};
use jogwheel::time::RealClock;
use parking_lot::Mutex;
use rustix::process::Signal;

use crate::disk_faults::SmallDisk;
use crate::made;
use crate::program::{self, Running, wait_for};
use crate::proxies::{ffmpeg, make, options, quick_folder};

/// Whether a file's name has this ending.
fn ends(name: &str, ending: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|found| found == ending)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The list of jobs is no proxy.
        .filter(|name| name != "jobs")
        .collect();
    names.sort();
    names
}

/// Starts the program on a long clip, and waits until it has written something.
fn started(folder: &Path) -> Running {
    let clip = made::clip("sync-5994.mov").path;
    let command = program::command(&[
        &"proxy",
        &"make",
        &clip,
        &"--preset",
        &"draft",
        &"--proxy-dir",
        &folder,
    ]);
    let running = Running::start(command);
    let has_begun = || {
        let part = names(folder)
            .into_iter()
            .find(|name| name.ends_with(".mov.part"))?;
        let metadata = std::fs::metadata(folder.join(part)).ok()?;
        (metadata.len() > 0).then_some(())
    };
    wait_for(has_begun).expect("something is written");
    running
}

#[test]
fn killed_in_the_middle_nothing_is_left_that_is_used() {
    let folder = quick_folder();
    let running = started(folder.path());
    running.signal(Signal::KILL);
    running.wait().expect(137);
    let left = names(folder.path());
    assert!(left.iter().all(|name| ends(name, "part")), "{left:?}");
    let dir = folder.path();
    let listed = program::run(&[&"proxy", &"list", &"--proxy-dir", &dir]).expect(0);
    assert!(listed.stdout.contains("no proxies"), "{listed:?}");
    // The next one clears up, and is not disturbed.
    let clip = made::clip("h264-25.mp4").path;
    program::run(&[&"proxy", &"make", &clip, &"--proxy-dir", &dir]).expect(0);
    let left = names(folder.path());
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(ends(&left[0], "json") && ends(&left[1], "mov"), "{left:?}");
}

#[test]
fn stopped_by_a_person_nothing_is_left() {
    let folder = quick_folder();
    let running = started(folder.path());
    running.signal(Signal::INT);
    running.wait().expect(130).says("called off");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn cancelled_in_the_middle_nothing_is_left() {
    let folder = quick_folder();
    let job: Arc<Mutex<Option<jogwheel::jobs::JobHandle>>> = Arc::default();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener: JobListener = {
        let (job, seen) = (Arc::clone(&job), Arc::clone(&seen));
        let path = folder.path().to_owned();
        Arc::new(move |event: &JobEvent| {
            if let (JobNews::Progress(_), Some(job)) = (&event.news, &*job.lock()) {
                seen.lock().extend(names(&path));
                job.cancel();
            }
        })
    };
    let no_workers = QueueOptions {
        workers: 0,
        waiting: 1,
    };
    let queue = JobQueue::new(no_workers, listener).unwrap();
    let presets = [Preset::Draft, Preset::Preview];
    let asked = options(folder.path(), &presets, ProxyCodec::H264Intra);
    let sources = quick_folder();
    let clip = enlarged("h264-bframes.mp4", "1280:720", sources.path());
    let request = MakeRequest::new(clip, asked, Arc::new(RealClock::new()));
    *job.lock() = Some(request.submit(&queue).unwrap());
    queue.run_one();
    let state = job.lock().as_ref().map(jogwheel::jobs::JobHandle::state);
    assert_eq!(state, Some(JobState::Cancelled));
    let seen = seen.lock();
    assert!(
        seen.len() >= 2 && seen.iter().all(|name| ends(name, "part")),
        "it was in the middle: {seen:?}"
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn a_full_disk_says_so_and_keeps_what_was_there() {
    let test = "a_full_disk_says_so_and_keeps_what_was_there";
    let Some(disk) = SmallDisk::mount(test) else {
        return;
    };
    let small = made::clip("h264-gray.mp4").path;
    let folder = disk.path();
    program::run(&[&"proxy", &"make", &small, &"--proxy-dir", &folder]).expect(0);
    let before = names(&folder);
    assert_eq!(before.len(), 2);
    let sources = quick_folder();
    let large = enlarged("h264-bframes.mp4", "1280:720", sources.path());
    let asked = options(
        &folder,
        &[Preset::Draft, Preset::Preview],
        ProxyCodec::H264Intra,
    );
    let (state, made) = make(&large, asked, Arc::new(|_| {}));
    let JobState::Failed(reason) = state else {
        panic!("{state:?}");
    };
    assert!(reason.contains("the disk is full"), "{reason}");
    assert!(made.proxies.is_empty());
    assert_eq!(names(&folder), before);
}

/// A copy of a clip with pictures of another size, so that several presets make something of it.
pub(crate) fn enlarged(name: &str, size: &str, folder: &Path) -> PathBuf {
    let target = folder.join("enlarged.mov");
    let filter = format!("scale={size}:flags=neighbor");
    ffmpeg(&made::clip(name).path, &["-vf", &filter], &target);
    target
}

fn json(args: &[&dyn AsRef<std::ffi::OsStr>]) -> serde_json::Value {
    let ended = program::run(args).expect(0);
    serde_json::from_str(&ended.stdout).unwrap()
}

#[test]
fn the_command_line_makes_lists_verifies_and_removes() {
    let folder = quick_folder();
    let dir = folder.path().join("a: b");
    let clip = enlarged("h264-25.mp4", "1920:1080", folder.path());
    let made = json(&[
        &"proxy",
        &"make",
        &clip,
        &"--preset",
        &"high",
        &"--preset",
        &"draft",
        &"--proxy-dir",
        &dir,
        &"--json",
    ]);
    let file = &made["files"][0];
    assert_eq!(
        (file["frames"].as_i64(), file["error"].is_null()),
        (Some(60), true),
        "{made}"
    );
    assert!(file["frames_per_second"].as_f64() > Some(0.0), "{made}");
    let presets: Vec<_> = file["proxies"].as_array().unwrap().iter().collect();
    assert_eq!(presets.len(), 2);
    assert_eq!(
        (&presets[0]["preset"], &presets[1]["preset"]),
        (&"draft".into(), &"half".into())
    );
    assert!(
        presets[0]["verification"]["verified"]["frames"] == 60,
        "{made}"
    );

    let listed = json(&[&"proxy", &"list", &"--proxy-dir", &dir, &"--json"]);
    assert_eq!(listed["proxies"][0]["state"], "verified", "{listed}");
    let stats = json(&[&"proxy", &"stats", &"--proxy-dir", &dir, &"--json"]);
    assert_eq!(
        (&stats["proxies"], &stats["sources"]),
        (&2.into(), &1.into()),
        "{stats}"
    );
    assert!(stats["ratio"].as_f64() > Some(0.0), "{stats}");
    let verified = json(&[&"proxy", &"verify", &clip, &"--proxy-dir", &dir, &"--json"]);
    assert_eq!(
        verified["proxies"].as_array().map(Vec::len),
        Some(2),
        "{verified}"
    );

    // A refusal is an answer, and the program's end tells it.
    let proxy = listed["proxies"][0]["proxy"].as_str().unwrap().to_owned();
    std::fs::File::options()
        .append(true)
        .open(&proxy)
        .unwrap()
        .set_len(10_000)
        .unwrap();
    let refused = program::run(&[&"proxy", &"verify", &"--proxy-dir", &dir]).expect(1);
    assert!(refused.stdout.contains("is damaged"), "{refused:?}");
    let unknown = [
        &"proxy" as &dyn AsRef<std::ffi::OsStr>,
        &"delete",
        &"/none",
        &"--proxy-dir",
        &dir,
    ];
    program::run(&unknown).expect(3).says("neither a proxy");
    let gone = json(&[
        &"proxy",
        &"delete",
        &"--stale",
        &"--proxy-dir",
        &dir,
        &"--json",
    ]);
    assert_eq!(gone["proxies"], 1);
    let gone = json(&[&"proxy", &"delete", &clip, &"--proxy-dir", &dir, &"--json"]);
    assert_eq!(gone["proxies"], 1);
    assert_eq!(names(&dir), [""; 0]);
    assert!(clip.exists());
    // Others' files are told of, and stay.
    std::fs::write(dir.join("wedding_preview_20240612.mov"), "theirs").unwrap();
    let gone = json(&[
        &"proxy",
        &"delete",
        &"--all",
        &"--proxy-dir",
        &dir,
        &"--json",
    ]);
    let left = gone["left"][0].as_str().unwrap_or_default();
    assert!(
        gone["proxies"] == 0 && left.ends_with("20240612.mov"),
        "{gone}"
    );
    assert_eq!(names(&dir), ["wedding_preview_20240612.mov"]);
    let bad = made::clip("only.wav").path;
    let failed = program::run(&[&"proxy", &"make", &bad, &clip, &"--proxy-dir", &dir]).expect(1);
    assert!(
        failed.stdout.contains("no pictures") && failed.stdout.contains("verified"),
        "{failed:?}"
    );
}

#[test]
fn a_proxy_that_is_there_and_refused_is_made_again() {
    let folder = quick_folder();
    let dir = folder.path();
    let clip = made::clip("h264-25.mp4").path;
    let make = || json(&[&"proxy", &"make", &clip, &"--proxy-dir", &dir, &"--json"]);
    let first = make();
    let proxy = first["files"][0]["proxies"][0]["proxy"].as_str().unwrap();
    let proxy = Path::new(proxy);
    // Another file, which the record takes for the proxy.
    std::fs::copy(made::clip("h264-50.mp4").path, proxy).unwrap();
    let mut record = ProxyRecord::read_beside(proxy).unwrap();
    record.proxy_file = FileIdentity::of_path(proxy).unwrap();
    record.verified = None;
    record.write_beside(proxy).unwrap();
    let again = make();
    let found = &again["files"][0]["proxies"][0];
    assert_eq!(found["is_new"], true, "{again}");
    assert_eq!(found["verification"]["verified"]["frames"], 60, "{again}");
    let third = make();
    assert_eq!(third["files"][0]["proxies"][0]["is_new"], false, "{third}");
}

#[test]
fn presets_that_make_the_same_make_one_file() {
    let folder = quick_folder();
    let dir = folder.path();
    let clip = made::clip("h264-25.mp4").path;
    let make = |more: &[&dyn AsRef<std::ffi::OsStr>]| {
        let first: [&dyn AsRef<std::ffi::OsStr>; 6] =
            [&"proxy", &"make", &clip, &"--proxy-dir", &dir, &"--json"];
        json(&[&first, more].concat())["files"][0].clone()
    };
    let presets = |file: &serde_json::Value| -> Vec<String> {
        let proxies = file["proxies"].as_array().unwrap().iter();
        proxies
            .map(|proxy| format!("{} {}", proxy["preset"], proxy["is_new"]))
            .collect()
    };
    // Nothing is enlarged, so that all of these are as large as the file.
    let all: [&dyn AsRef<std::ffi::OsStr>; 4] = [&"--preset", &"half", &"--preset", &"full"];
    assert_eq!(presets(&make(&all)), ["\"draft\" true"]);
    assert_eq!(presets(&make(&[])), ["\"draft\" false"]);
    assert_eq!(presets(&make(&[&"--scale", &"50"])), ["\"draft\" false"]);
    // A narrow file gets no quarter beside another size.
    let both: [&dyn AsRef<std::ffi::OsStr>; 4] = [&"--preset", &"half", &"--preset", &"quarter"];
    let file = make(&both);
    assert_eq!(file["left_out"], serde_json::json!(["quarter"]), "{file}");
    assert_eq!(presets(&file), ["\"draft\" false"]);
    let videos = names(dir).into_iter().filter(|name| ends(name, "mov"));
    assert_eq!(videos.count(), 1);
    program::run(&[&"proxy", &"make", &clip, &"--scale", &"20"]).expect(2);
    program::run(&[
        &"proxy",
        &"make",
        &clip,
        &"--scale",
        &"50",
        &"--preset",
        &"half",
    ])
    .expect(2);
}

#[test]
fn hardware_that_does_not_work_is_told_and_software_makes_the_proxy() {
    let clip = made::clip("h264-25.mp4").path;
    for name in ["software", "nvenc", "videotoolbox", "qsv", "vaapi"] {
        let folder = quick_folder();
        let dir = folder.path();
        let made = json(&[
            &"proxy",
            &"make",
            &clip,
            &"--encoder",
            &name,
            &"--proxy-dir",
            &dir,
            &"--json",
        ]);
        let file = &made["files"][0];
        let encoder = &file["encoder"];
        let is_software = encoder["name"] == "libx264";
        let reason = encoder["reason"].as_str().unwrap_or_default();
        if name == "software" || !is_software {
            assert_eq!(reason, "", "{made}");
        } else {
            assert!(reason.starts_with(name), "{made}");
        }
        assert_eq!(encoder["quality"], "usual", "{made}");
        let verified = &file["proxies"][0]["verification"]["verified"];
        assert_eq!(verified["frames"], 60, "{name}: {made}");
    }
}
