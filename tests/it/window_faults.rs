//! Faults in a window and its ends: closed at any moment, cut off, interrupted, with bad files.

use rustix::process::Signal;
use serde_json::json;

use crate::program::run;
use crate::screen::{Screen, turn};
use crate::window::{WINDOW, path, size};

/// Where in its life a window is closed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Appearing,
    Shown,
    Playing,
    Seeking,
    Reversing,
    Prompting,
    LosingItsDevice,
    Resizing,
}

fn come_to(screen: &mut Screen, moment: Moment) {
    if !matches!(moment, Moment::Appearing) {
        screen.until("the first picture", |state| state["shown"].is_i64());
    }
    match moment {
        Moment::Appearing | Moment::Shown => {}
        Moment::Playing => {
            screen.until("frame 10", |state| state["shown"].as_i64() > Some(10));
        }
        Moment::Seeking => screen.press(&["End", "Home", "Up", "shift+Right", "End"]),
        Moment::Reversing => screen.press(&["End", "j", "j"]),
        Moment::Prompting => screen.press(&["slash", "1", "2"]),
        Moment::LosingItsDevice => screen.press(&["ctrl+shift+d"]),
        Moment::Resizing => screen.resize(777, 555),
    }
}

#[test]
fn a_window_can_be_closed_at_any_moment() {
    let clip = path("h264-longgop.mp4");
    for moment in [
        Moment::Appearing,
        Moment::Shown,
        Moment::Playing,
        Moment::Seeking,
        Moment::Reversing,
        Moment::Prompting,
        Moment::LosingItsDevice,
        Moment::Resizing,
    ] {
        let mut screen = Screen::play(&[&clip, "--loop", "loop", "--size", WINDOW]);
        come_to(&mut screen, moment);
        let ended = screen.close();
        assert_eq!(ended.code, 0, "closed while {moment:?}: {ended:#?}");
    }
}

/// As when the X server ends, or a window manager loses its patience.
#[test]
fn a_lost_display_ends_the_program() {
    let clip = path("h264-longgop.mp4");
    let mut screen = Screen::play(&[&clip, "--loop", "loop", "--size", WINDOW]);
    come_to(&mut screen, Moment::Playing);
    let ended = screen.cut_off();
    // Xlib ends it by itself where it is the first to notice, with words of its own.
    assert!([1, 4].contains(&ended.code), "{ended:#?}");
    let says = |words: &str| ended.stderr.contains(words);
    assert!(
        says("the window system ended") || says("broken") || says("fatal IO error"),
        "{ended:#?}"
    );
}

#[test]
fn signals_end_it_at_any_moment() {
    let clip = path("h264-longgop.mp4");
    for moment in [Moment::Shown, Moment::Playing, Moment::LosingItsDevice] {
        let mut screen = Screen::play(&[&clip, "--loop", "loop", "--size", WINDOW, "--json"]);
        come_to(&mut screen, moment);
        screen.process().signal(Signal::INT);
        let ended = screen.wait().expect(130);
        let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(report["interrupted"], true, "{report:#}");
    }
}

#[test]
fn a_clip_that_goes_offline_is_told_and_so_is_its_return() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, away) = (folder.path().join("take.mp4"), folder.path().join("away"));
    std::fs::copy(path("h264-25.mp4"), &clip).unwrap();
    let mut screen = Screen::play(&[clip.to_str().unwrap(), "--paused", "--size", WINDOW]);
    screen.until_shown(0);
    std::fs::rename(&clip, &away).unwrap();
    let says =
        |state: &serde_json::Value, words: &str| state["notices"].to_string().contains(words);
    screen.until("a word of it", |state| says(state, "Offline: take.mp4"));
    screen.press(&["Right"]);
    screen.until_fields("a step", &json!({"shown": 1, "errors": 0}));
    std::fs::rename(&away, &clip).unwrap();
    screen.until("its return", |state| says(state, "Back: take.mp4"));
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn a_bad_file_in_a_playlist_is_told_and_the_rest_plays() {
    let (good, bad) = (path("h264-25.mp4"), path("refused-garbage.mov"));
    let mut screen = Screen::play(&[&bad, &good, "--paused", "--size", WINDOW]);
    let state = screen.until_fields("opening", &json!({"file": good, "shown": 0}));
    let notices = state["notices"].to_string();
    assert!(
        notices.contains("refused-garbage.mov: not a media file"),
        "{notices}"
    );
    assert_eq!(state["errors"], 1);
    let shown = screen.picture();
    screen.press(&["less"]);
    // The bad one is first again, and its turn ends as before.
    screen.until_fields("<", &json!({"file": good, "shown": 0, "errors": 1}));
    screen.press(&["q"]);
    screen.wait().expect(0);
    // At the end of the list there is nothing to go on to: its place says why.
    let mut screen = Screen::play(&[&good, &bad, "--paused", "--size", WINDOW]);
    screen.until_fields("opening", &json!({"file": good, "shown": 0}));
    screen.press(&["greater"]);
    screen.until_fields(
        ">",
        &json!({"status": "empty", "file": null, "shown": null, "errors": 1}),
    );
    screen.until_picture("a placeholder", |picture| {
        // The picture's red, at the left, is gone.
        picture.pixel(20, 400) != shown.pixel(20, 400) && picture.pixel(20, 400)[0] < 40
    });
    screen.press(&["q"]);
    screen.wait().expect(0);
}

/// The row in the middle of the empty window that opens the demo.
const DEMO: (i32, i32) = (640, 401);

#[test]
fn the_demo_opens_from_the_empty_window_and_plays() {
    let mut screen = Screen::play(&["--size", WINDOW, "--paused"]);
    screen.until_fields("starting", &json!({"status": "empty"}));
    screen.click(DEMO.0, DEMO.1);
    screen.until_shown(0);
    let state = screen.until("the demo", |state| {
        let file = state["file"].as_str();
        file.is_some_and(|file| file.ends_with("demo/demo.otio"))
    });
    assert_eq!(state["errors"], 0, "{state}");
    // The bars of the first shot: grey, at the left.
    screen.until_picture("colour bars", |picture| {
        let [red, green, blue] = picture.pixel(100, 300);
        [red, green, blue].iter().all(|part| part.abs_diff(192) < 8)
    });
    screen.press(&["space"]);
    screen.until("moving frames", |state| state["frame"].as_i64() > Some(5));
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn without_a_file_it_waits_for_one() {
    let mut screen = Screen::play(&["--size", WINDOW]);
    screen.until_fields(
        "starting",
        &json!({"status": "empty", "size": [1280, 720], "errors": 0}),
    );
    screen.until_picture("the welcome", |picture| {
        let lit = picture
            .rgba
            .chunks(4)
            .filter(|pixel| pixel[0] > 100)
            .count();
        lit > 500 && lit < picture.rgba.len() / 4 / 10
    });
    // Keys that need a medium do no harm.
    screen.press(&[
        "space",
        "l",
        "Right",
        "End",
        "slash",
        "i",
        "s",
        "ctrl+shift+d",
    ]);
    screen.until_fields("a loss", &json!({"device_losses": 1, "status": "empty"}));
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn soak_plays_in_a_window_and_survives_a_lost_device() {
    let _turn = turn();
    let clip = path("h264-bframes.mp4");
    let args: [&dyn AsRef<std::ffi::OsStr>; 9] = [
        &"soak",
        &clip,
        &"--window",
        &"--no-audio",
        &"--seconds",
        &"3",
        &"--fault",
        &"device-loss@1",
        &"--min-fps",
    ];
    let ended = run(&[&args[..], &[&"1"]].concat()).expect(0);
    assert!(ended.stdout.contains("window"), "{ended:#?}");
}

#[test]
fn a_frame_that_is_missing_is_told_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::cli::half_damaged(folder.path());
    let args = [
        file.to_str().unwrap(),
        "--paused",
        "--start",
        "55f",
        "--fullscreen",
    ];
    let mut screen = Screen::play(&[&args[..], &["--size", WINDOW]].concat());
    screen.until_fields(
        "opening",
        &json!({"frame": 55, "shown": 55, "status": "paused"}),
    );
    screen.until_picture("a card on an empty stage", |picture| {
        let card = picture
            .rgba
            .chunks(4)
            .filter(|pixel| pixel[0] > 100)
            .count();
        picture.number(size(640, 360)).is_err() && (200..40_000).contains(&card)
    });
    screen.press(&["Home"]);
    screen.until_shown(0);
    screen.until_number("half.mp4", 0, size(640, 360));
    screen.press(&["q"]);
    screen.wait().expect(0);
}
