//! The program as its users and their scripts meet it: exit codes, messages, and every kind of bad
//! input.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::made;
use crate::program::{self, Ended, Running, last_state, run, wait_for};

/// Exit codes, as the help documents them.
const OK: i32 = 0;
const USAGE: i32 = 2;
const INPUT: i32 = 3;
const NO_DEVICE: i32 = 4;
const LIMIT_BROKEN: i32 = 5;
const INTERRUPTED: i32 = 130;

/// Every command that opens a file, on `file`.
fn commands_on(file: &Path, out: &Path) -> [Vec<PathBuf>; 5] {
    let line = |before: &[&str], after: &[&str]| {
        let (before, after) = (
            before.iter().map(PathBuf::from),
            after.iter().map(PathBuf::from),
        );
        before.chain([file.to_owned()]).chain(after).collect()
    };
    let out = out.to_str().unwrap();
    [
        line(&["probe"], &[]),
        line(&["shot"], &["--at", "0f", "-o", out]),
        line(&["play", "--headless"], &["--seconds", "5"]),
        line(&["soak"], &["--seconds", "5"]),
        // Refused before there is a window, so no display is needed.
        line(&["play"], &[]),
    ]
}

fn run_line(line: &[PathBuf]) -> Ended {
    let args: Vec<&dyn AsRef<OsStr>> = line.iter().map(|arg| arg as &dyn AsRef<OsStr>).collect();
    let mut command = program::command(&args);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    Running::start(command).wait()
}

/// Checks that every command refuses `file`, with all of `words`, and leaves nothing behind.
#[track_caller]
fn refused(file: &Path, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.png");
    for line in commands_on(file, &out) {
        let ended = run_line(&line);
        assert_eq!(ended.code, INPUT, "{line:?} ended so: {ended:#?}");
        for word in words {
            assert!(
                ended.stderr.contains(word),
                "{line:?} does not say \"{word}\": {ended:#?}"
            );
        }
        assert_eq!(
            ended.stderr.lines().count(),
            1,
            "one line is enough: {ended:#?}"
        );
        assert!(ended.stderr.starts_with("jogwheel: "), "{ended:#?}");
        assert!(!out.exists(), "{line:?} wrote a picture");
    }
}

#[test]
fn what_is_no_media_file_is_refused_in_words() {
    refused(
        Path::new("/nowhere/a.mov"),
        &["/nowhere/a.mov: no such file. Check the path"],
    );
    let folder = tempfile::tempdir().unwrap();
    refused(
        folder.path(),
        &["not a file. Name the media file inside it"],
    );
    refused(Path::new("/dev/zero"), &["a device, not a file"]);
    let made = made::folder();
    refused(&made.join("refused-empty.mp4"), &["the file is empty"]);
    refused(&made.join("refused-garbage.mov"), &["not a media file"]);
    refused(
        &made.join("refused-no-index.mp4"),
        &["refused-no-index.mp4: "],
    );
    refused(&made.join("manifest.tsv"), &["not a media file"]);
}

#[test]
fn what_cannot_be_decoded_is_refused_in_words() {
    let made = made::folder();
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in [
        ("refused-encrypted.mp4", "encrypted"),
        ("refused-unknown-codec.mp4", "FFmpeg has no decoder for"),
    ] {
        let file = made.join(name);
        let [probe, others @ ..] = commands_on(&file, &folder.path().join("out.png"));
        let told = run_line(&probe).expect(OK).stdout;
        assert!(told.contains(words), "{told}");
        for line in others {
            run_line(&line)
                .expect(INPUT)
                .says("nothing to play")
                .says(words);
        }
    }
}

/// Headers that claim 12336 by 12336 pixels: more than most machines can hold many of.
#[test]
fn a_huge_picture_is_shown_or_refused_and_nothing_hangs() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["refused-huge.h264", "refused-huge.png"] {
        let file = made::folder().join(name);
        let [probe, shot, play, soak, _window] = commands_on(&file, &folder.path().join("out.png"));
        run_line(&probe);
        for line in [shot, play, soak] {
            let ended = run_line(&line);
            let told = ended.code == INPUT && ended.stderr.contains(name);
            assert!(ended.code == OK || told, "{line:?}: {ended:#?}");
        }
    }
}

/// A playlist is refused for what it is, whether or not what it names exists: it is not looked at.
#[test]
fn a_playlist_named_mp4_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clip = made::clip("h264-25.mp4").path;
    // Opening this would wait for a writer for ever.
    let pipe = folder.path().join("pipe.ts");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let missing = folder.path().join("missing.ts");
    for target in [&clip, &pipe, &missing] {
        let name = target.display();
        for text in [
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{name}\n#EXT-X-ENDLIST\n"),
            format!("ffconcat version 1.0\nfile '{name}'\n"),
        ] {
            let list = folder.path().join("list.mp4");
            fs::write(&list, text).unwrap();
            let out = folder.path().join("out.png");
            for line in commands_on(&list, &out) {
                let ended = run_line(&line)
                    .expect(INPUT)
                    .says("a playlist or script, not media");
                assert!(!ended.stderr.contains(&name.to_string()), "{ended:#?}");
            }
        }
    }
}

#[test]
fn a_file_without_permission_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("locked.mp4");
    fs::copy(made::clip("h264-25.mp4").path, &file).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if !rustix::process::geteuid().is_root() {
        return refused(&file, &["no permission to read", "chmod +r"]);
    }
    // Root may read everything, so root lets somebody else try.
    let as_nobody = |args: &[&dyn AsRef<OsStr>]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
        command
            .arg(env!("CARGO_BIN_EXE_jogwheel"))
            .args(args.iter().map(AsRef::as_ref));
        Running::start(command).wait()
    };
    if as_nobody(&[&"--version"]).code != OK {
        let missing = "root may read every file, and others may not run the program from here";
        return program::skip("a_file_without_permission_is_told_so", missing);
    }
    for command in ["probe", "play", "soak"] {
        as_nobody(&[&command, &file])
            .expect(INPUT)
            .says("no permission to read")
            .says("chmod +r");
    }
}

#[test]
fn errors_are_json_where_a_program_asks() {
    let ended = run(&[&"--json-errors", &"probe", &"/nowhere/a.mov"]).expect(INPUT);
    let error: Value = serde_json::from_str(&ended.stderr).unwrap();
    let error = &error["error"];
    assert_eq!(error["kind"], "input");
    assert_eq!(error["exit_code"], INPUT);
    assert_eq!(error["file"], "/nowhere/a.mov");
    assert!(error["message"].as_str().unwrap().contains("no such file"));
    let usage = run(&[&"play", &"--no-such-flag", &"--json-errors"]).expect(USAGE);
    let error: Value = serde_json::from_str(&usage.stderr).unwrap();
    assert_eq!(error["error"]["kind"], "usage");
}

#[test]
fn help_and_completions_are_there_for_everything() {
    let help = run(&[&"--help"]).expect(OK).stdout;
    for word in ["probe", "shot", "soak", "130", "123f", "--json-errors"] {
        assert!(help.contains(word), "no {word} in {help}");
    }
    for command in [
        "play",
        "probe",
        "shot",
        "soak",
        "bench",
        "devices",
        "completions",
    ] {
        assert!(
            run(&[&command, &"--help"])
                .expect(OK)
                .stdout
                .contains("Usage: jogwheel")
        );
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            run(&[&"completions", &shell])
                .expect(OK)
                .stdout
                .contains("jogwheel")
        );
    }
    assert!(
        run(&[&"--version"])
            .expect(OK)
            .stdout
            .starts_with("jogwheel ")
    );
    run(&[&"soak"]).expect(USAGE).says("FILE");
    run(&[&"play", &"--headless"])
        .expect(USAGE)
        .says("name a file");
    run(&[&"shot", &"a.mp4", &"--at", &"soon", &"-o", &"a.png"])
        .expect(USAGE)
        .says("soon");
}

#[test]
fn probe_tells_streams_for_people_and_for_programs() {
    let clip = made::clip("h264-2997df.mov").path;
    let text = run(&[&"probe", &clip]).expect(OK).stdout;
    for word in ["640", "360", "29.97", "00:59:58;00"] {
        assert!(text.contains(word), "no {word} in {text}");
    }
    let json = run(&[&"probe", &clip, &"--json"]).expect(OK).stdout;
    serde_json::from_str::<Value>(&json).unwrap();
    let text = run(&[&"probe", &clip, &"--index"]).expect(OK).stdout;
    assert!(text.contains("90"), "{text}");
}

#[test]
fn shot_writes_the_exact_frame() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.png");
    for (name, at, number) in [
        ("h264-bframes.mp4", "123f", 123),
        ("h264-bframes.mp4", "4.5s", 135),
        ("h264-2997df.mov", "01:00:00;02", 62),
        ("h264-editlist.mp4", "0f", 81),
        ("h264-vfr-holds.mp4", "119f", 119),
        ("turned-90.mp4", "33f", 33),
        ("prores.mov", "23f", 23),
        ("still.png", "0f", 7),
    ] {
        let clip = made::clip(name).path;
        run(&[&"shot", &clip, &"--at", &at, &"-o", &out]).expect(OK);
        let (rgba, (width, height)) = made::read_png(&out);
        assert_eq!((width, height), (640, 360), "{name}");
        assert_eq!(
            made::number_in_rgba(&rgba, width, height),
            Ok(number),
            "{name} at {at}"
        );
    }
    let clip = made::clip("h264-bframes.mp4").path;
    run(&[&"shot", &clip, &"--at", &"180f", &"-o", &out])
        .expect(USAGE)
        .says("179");
    let nowhere = folder.path().join("no/such/folder/out.png");
    let ended = run(&[&"shot", &clip, &"--at", &"0f", &"-o", &nowhere]);
    assert!(
        ended.code == 1 && ended.stderr.contains("out.png"),
        "{ended:#?}"
    );
    let small = [
        &clip as &dyn AsRef<OsStr>,
        &"--at",
        &"9f",
        &"--size",
        &"320x320",
        &"-o",
        &out,
    ];
    run(&[&[&"shot" as &dyn AsRef<OsStr>], &small[..]].concat()).expect(OK);
    assert_eq!(made::read_png(&out).1, (320, 180), "fitted, its shape kept");
}

/// A clip of 60 frames of which those from the middle on are damaged.
pub(crate) fn half_damaged(folder: &Path) -> PathBuf {
    let mut bytes = fs::read(made::clip("h264-25.mp4").path).unwrap();
    let index = bytes.windows(4).rposition(|name| name == b"moov").unwrap();
    let half = bytes.len() / 2;
    bytes[half..index - 4].fill(0x11);
    let file = folder.join("half.mp4");
    fs::write(&file, bytes).unwrap();
    file
}

#[test]
fn shot_refuses_a_damaged_frame_rather_than_write_another() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (half_damaged(folder.path()), folder.path().join("out.png"));
    let ended = run(&[&"shot", &file, &"--at", &"55f", &"-o", &out]).expect(INPUT);
    ended.says("frame 55f is damaged and cannot be shown");
    assert!(!out.exists());
    run(&[&"shot", &file, &"--at", &"5f", &"-o", &out]).expect(OK);
    let (rgba, (width, height)) = made::read_png(&out);
    assert_eq!(made::number_in_rgba(&rgba, width, height), Ok(5));
}

#[test]
fn a_headless_run_reports_and_ends_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let (shot, state) = (folder.path().join("last.png"), folder.path().join("state"));
    let clip = made::clip("h264-25.mp4").path;
    let args: [&dyn AsRef<OsStr>; 9] = [
        &"play",
        &clip,
        &"--headless",
        &"--no-audio",
        &"--json",
        &"--shot",
        &shot,
        &"--state-file",
        &state,
    ];
    let report: Value = serde_json::from_str(&run(&args).expect(OK).stdout).unwrap();
    let count = |fate: &str| report["frames"][fate].as_u64().unwrap();
    assert_eq!(
        count("shown") + count("late") + count("dropped"),
        60,
        "{report:#}"
    );
    let (rgba, (width, height)) = made::read_png(&shot);
    assert_eq!(
        made::number_in_rgba(&rgba, width, height),
        Ok(59),
        "the last frame"
    );
    assert_eq!(last_state(&state).unwrap()["frame"], 59);
}

#[test]
fn soak_holds_to_its_limits() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let clip = made::clip("h264-bframes.mp4").path;
    let soak = |more: &[&dyn AsRef<OsStr>]| {
        let args: Vec<&dyn AsRef<OsStr>> = vec![&"soak", &clip, &"--no-audio", &"--json", &json];
        run(&[&args[..], more].concat())
    };
    let broken = soak(&[
        &"--seconds",
        &"1",
        &"--max-drop-percent",
        &"0",
        &"--min-fps",
        &"1000",
    ]);
    assert!(broken.expect(LIMIT_BROKEN).stdout.contains("1000"));
    soak(&[&"--seconds", &"1", &"--min-fps", &"1", &"--seeks", &"5"]).expect(OK);
    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["seeks"]["count"], 5, "{report:#}");
    // The device is lost while it plays: it goes on.
    let lost = soak(&[
        &"--seconds",
        &"3",
        &"--fault",
        &"device-loss@1",
        &"--min-fps",
        &"1",
    ]);
    lost.expect(OK).says("lost");
    soak(&[&"--seconds", &"0"]).expect(USAGE);
    soak(&[&"--fault", &"fire@1"]).expect(USAGE);
}

#[test]
fn an_interrupted_soak_still_reports() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let clip = made::clip("h264-bframes.mp4").path;
    let (running, _state) = looping(&clip, folder.path());
    running.signal(Signal::INT);
    running.wait().expect(INTERRUPTED);
    let args: [&dyn AsRef<OsStr>; 6] = [&"soak", &clip, &"--seconds", &"50", &"--json", &json];
    for signal in [Signal::INT, Signal::TERM] {
        let mut running = Running::start(program::command(&args));
        // It listens from before the first frame on; threads tell that it is under way.
        wait_for(|| (thread_count(running.pid()) > 6).then_some(())).expect("it starts");
        assert!(running.is_running());
        running.signal(signal);
        let ended = running.wait().expect(INTERRUPTED);
        assert!(ended.stdout.contains("interrupted"), "{ended:#?}");
        assert!(json.exists(), "the report is saved");
        fs::remove_file(&json).unwrap();
    }
}

fn thread_count(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// A headless run of `file` in a loop, once it shows frames, and its state file.
fn looping(file: &Path, folder: &Path) -> (Running, PathBuf) {
    let state = folder.join("state");
    let args: [&dyn AsRef<OsStr>; 8] = [
        &"play",
        &file,
        &"--headless",
        &"--no-audio",
        &"--loop",
        &"loop",
        &"--state-file",
        &state,
    ];
    let running = Running::start(program::command(&args));
    let moving = || last_state(&state).filter(|state| state["shown"].as_i64() > Some(3));
    wait_for(moving).expect("it plays");
    (running, state)
}

/// Plays on, or ends with words about the file; a hang or a panic fails.
fn goes_on_or_says_why(mut running: Running, state: &Path, words: &[&str]) {
    // A loop comes round again where it goes on: several times, to be sure that nothing is only late.
    let lines = || fs::read_to_string(state).map_or(0, |text| text.lines().count());
    let before = lines();
    let outcome = wait_for(|| {
        let told = last_state(state).is_some_and(|state| {
            let notices = state["notices"].to_string();
            words.iter().any(|word| notices.contains(word))
        });
        (lines() > before + 400 || told || !running.is_running()).then_some(())
    });
    assert!(outcome.is_some(), "it hangs: {:#?}", last_state(state));
    if running.is_running() {
        running.signal(Signal::INT);
        running.wait().expect(INTERRUPTED);
    } else {
        let ended = running.wait();
        let said = words.iter().any(|word| ended.stderr.contains(word));
        assert!(ended.code == INPUT && said, "{ended:#?}");
    }
}

#[test]
fn a_file_deleted_while_it_plays_plays_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clip.mp4");
    fs::copy(made::clip("h264-bframes.mp4").path, &file).unwrap();
    let (running, state) = looping(&file, folder.path());
    fs::remove_file(&file).unwrap();
    goes_on_or_says_why(running, &state, &["deleted", "gone", "no such file"]);
}

#[test]
fn a_file_truncated_while_it_plays_does_not_hang_it() {
    for (keep_percent, name) in [(50, "h264-bframes.mp4"), (0, "h264-bframes.mkv")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        fs::copy(made::clip(name).path, &file).unwrap();
        let (running, state) = looping(&file, folder.path());
        let length = fs::metadata(&file).unwrap().len();
        let open = fs::File::options().write(true).open(&file).unwrap();
        open.set_len(length * keep_percent / 100).unwrap();
        goes_on_or_says_why(
            running,
            &state,
            &["shorter", "truncated", "cut", "damaged", "changed", "empty"],
        );
    }
}

#[test]
fn damaged_files_play_as_far_as_they_go() {
    for name in [
        "damaged-truncated.mp4",
        "damaged-truncated.mkv",
        "damaged-bitrot.ts",
        "damaged-bitrot.mp4",
    ] {
        let clip = made::clip(name);
        let args: [&dyn AsRef<OsStr>; 6] = [
            &"play",
            &clip.path,
            &"--headless",
            &"--untimed",
            &"--no-audio",
            &"--json",
        ];
        let report: Value = serde_json::from_str(&run(&args).expect(OK).stdout).unwrap();
        let shown = report["frames"]["shown"].as_i64().unwrap();
        let playable: i64 = clip
            .note("playable")
            .map_or(clip.frames / 2, |n| n.parse().unwrap());
        assert!(
            shown >= playable / 2 && shown <= clip.frames,
            "{name}: {report:#}"
        );
    }
}

#[test]
fn without_a_driver_or_a_display_it_says_what_to_do() {
    let clip = made::clip("h264-25.mp4").path;
    let hide_drivers = |line: &[&dyn AsRef<OsStr>]| {
        let mut command = program::command(line);
        command
            .env("VK_DRIVER_FILES", "/nonexistent")
            .env("VK_ICD_FILENAMES", "/nonexistent");
        command.env("WGPU_BACKEND", "vulkan");
        Running::start(command).wait()
    };
    let headless: [&dyn AsRef<OsStr>; 3] = [&"play", &clip, &"--headless"];
    hide_drivers(&headless)
        .expect(NO_DEVICE)
        .says("mesa-vulkan-drivers");
    let devices = hide_drivers(&[&"devices"]).expect(OK);
    assert!(
        devices.stdout.contains("mesa-vulkan-drivers"),
        "{devices:#?}"
    );
    let mut command = program::command(&[&"play", &clip]);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    Running::start(command)
        .wait()
        .expect(NO_DEVICE)
        .says("--headless");
    let mut command = program::command(&[&"play", &clip]);
    command
        .env("DISPLAY", ":9999")
        .env_remove("WAYLAND_DISPLAY");
    Running::start(command)
        .wait()
        .expect(NO_DEVICE)
        .says("--headless");
    let listed = run(&[&"devices", &"--json"]).expect(OK).stdout;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_ne!(listed["gpus"], json!([]), "{listed:#}");
}
