//! A whole piece of work in a real window: open a timeline, play, scrub, mark, loop, change quality, open each
//! panel, have proxies made, profile, quit, and find it all again.

use std::path::{Path, PathBuf};

use jogwheel::ui::Panel;
use serde_json::json;

use crate::made;
use crate::screen::Screen;

/// Two shots of a clip of 30 frames a second, two seconds each.
fn timeline(folder: &Path) -> PathBuf {
    let media = made::folder().join("h264-longgop.mp4");
    let time = |value: i64| json!({"OTIO_SCHEMA": "RationalTime.1", "rate": 30, "value": value});
    let range = |start: i64, frames: i64| {
        json!({
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": time(start),
            "duration": time(frames),
        })
    };
    let clip = |name: &str, start: i64| {
        json!({
            "OTIO_SCHEMA": "Clip.1",
            "name": name,
            "source_range": range(start, 60),
            "media_reference": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": media.to_str().unwrap(),
                "available_range": range(0, 300),
            },
        })
    };
    let track = json!({
        "OTIO_SCHEMA": "Track.1",
        "name": "V1",
        "kind": "Video",
        "children": [clip("first shot", 30), clip("second shot", 150)],
    });
    let tracks = json!({"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]});
    let timeline = json!({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "tracks": tracks});
    let path = folder.join("cut.otio");
    std::fs::write(&path, timeline.to_string()).unwrap();
    path
}

/// The window, and the middle of the ruler in it: the panel has the lower three tenths, below a row of tabs.
const SIZE: (i32, i32) = (1280, 720);
const RULER: i32 = SIZE.1 * 7 / 10 + 42;

#[test]
fn a_piece_of_work_from_opening_to_quitting_and_back() {
    let media = made::folder();
    let place = tempfile::tempdir().unwrap();
    let timeline = timeline(place.path());
    let proxies = place.path().join("proxies");
    let args = [
        timeline.to_str().unwrap(),
        "--media-root",
        media.to_str().unwrap(),
        "--proxy-dir",
        proxies.to_str().unwrap(),
        "--no-audio",
        "--paused",
    ];
    let with_size = [&args[..], &["--size", "1280x720"]].concat();
    let mut screen = Screen::play(&with_size);
    screen.until_shown(0);

    // Play, and hold.
    screen.press(&["space"]);
    screen.until("moving frames", |state| state["frame"].as_i64() > Some(5));
    screen.press(&["k"]);
    screen.until_fields("K", &json!({"status": "paused"}));

    // The timeline: a click on its ruler goes there, a drag scrubs.
    screen.press(&["F2"]);
    screen.until_fields("F2", &json!({"panels": ["timeline"]}));
    screen.click(SIZE.0 / 2, RULER);
    let there = screen.until("a click in the ruler", |state| {
        (40..80).contains(&state["shown"].as_i64().unwrap_or(-1))
    });
    screen.point(SIZE.0 / 2, RULER);
    Screen::hold();
    screen.point(SIZE.0 / 2 + 200, RULER);
    screen.until("a drag in the ruler", |state| {
        state["frame"].as_i64() > there["frame"].as_i64()
    });
    Screen::let_go();
    screen.until_fields("letting go", &json!({"scrubbing": false}));
    Screen::leave();

    // Marks, loop and quality.
    screen.go_to("20f");
    screen.until_shown(20);
    screen.press(&["i"]);
    screen.go_to("50f");
    screen.until_shown(50);
    screen.press(&["o", "shift+l"]);
    let marked = json!({"mark_in": 20, "mark_out": 50, "loop": "loop"});
    screen.until_fields("I, O and Shift+L", &marked);
    screen.press(&["shift+q"]);
    screen.until_fields("Shift+Q", &json!({"quality": "source"}));
    screen.keep_picture("timeline");

    // Each panel in turn.
    for panel in Panel::ALL
        .into_iter()
        .filter(|panel| *panel != Panel::Timeline)
    {
        let key = key_of(panel);
        screen.press(&[key]);
        screen.until(key, |state| has_panel(state, panel.id()));
        screen.keep_picture(panel.id());
    }

    // Proxies of what is open, until they are verified.
    screen.press(&["shift+u"]);
    for words in ["made in the background", "are ready"] {
        screen.until(words, |state| {
            let notices = state["notices"].as_array().into_iter().flatten();
            let mut told = notices.filter_map(serde_json::Value::as_str);
            told.any(|told| told.contains(words))
        });
    }
    let made = std::fs::read_dir(&proxies).unwrap();
    let mut names = made.map(|entry| entry.unwrap().file_name());
    let is_film = |name: std::ffi::OsString| Path::new(&name).extension() == Some("mov".as_ref());
    assert!(names.any(is_film), "they are in the folder that was named");

    // Where it is left is where it is found.
    screen.go_to("33f");
    screen.until_shown(33);
    let before = screen.state();
    screen.press(&["q"]);
    let mut screen = screen.play_again(&args);
    let again = screen.until("the panels that were open", |state| {
        state["panels"] == before["panels"]
    });
    assert_eq!(again["size"], json!([1280, 720]), "no size was stated");
    assert_eq!(again["quality"], json!("source"));
    screen.press(&["F10"]);
    screen.until("the menu", |state| has_panel(state, "menu"));
    screen.press(&["Escape"]);
    screen.press(&["q"]);
    screen.wait().expect(0);
}

fn has_panel(state: &serde_json::Value, id: &str) -> bool {
    let panels = state["panels"].as_array().into_iter().flatten();
    panels
        .filter_map(serde_json::Value::as_str)
        .any(|panel| panel == id)
}

fn key_of(panel: Panel) -> &'static str {
    match panel {
        Panel::Timeline => "F2",
        Panel::Performance => "F3",
        Panel::Profiler => "F4",
        Panel::Proxies => "F5",
        Panel::Caches => "F7",
        Panel::Settings => "F8",
    }
}
