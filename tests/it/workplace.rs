//! A whole piece of work in a real window: open a timeline, play, scrub, mark, loop, change quality, open each
//! panel, have proxies made, profile, quit, and find it all again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jogwheel::ui::Panel;
use serde_json::{Value, json};

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

/// The row of the profiler's buttons, and where they are in it once gathering is paused.
const TOOLBAR: i32 = SIZE.1 * 7 / 10 + 45;
const PAUSE: i32 = 34;
const TRACE: i32 = 505;
const CSV: i32 = 580;
const JSON: i32 = 632;

/// Different frames that are to be seen while the profiler looks on.
const PROFILED: usize = 8;

/// The latest file in the middle of the empty window, below the demo.
const RECENT: (i32, i32) = (640, 450);

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

    profile(&mut screen);

    // Proxies of what is open, until they are verified.
    screen.press(&["shift+u"]);
    for words in ["made in the background", "are ready"] {
        screen.until(words, |state| tells(state, words));
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

fn has_panel(state: &Value, id: &str) -> bool {
    let panels = state["panels"].as_array().into_iter().flatten();
    panels.filter_map(Value::as_str).any(|panel| panel == id)
}

fn tells(state: &Value, words: &str) -> bool {
    let notices = state["notices"].as_array().into_iter().flatten();
    let mut told = notices.filter_map(Value::as_str);
    told.any(|told| told.contains(words))
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

/// What the profiler gathers while the marked range is played, as it writes it in each of its formats.
fn profile(screen: &mut Screen) {
    let seen = RefCell::new(BTreeSet::<i64>::new());
    screen.press(&["space"]);
    screen.until("frames on the screen", |state| {
        let mut seen = seen.borrow_mut();
        seen.extend(state["shown"].as_i64());
        seen.len() > PROFILED
    });
    screen.press(&["k"]);
    screen.until_fields("K", &json!({"status": "paused"}));
    screen.click(PAUSE, TOOLBAR);
    // "Resume" is wider than "Pause".
    screen.until_picture("a wider button", |picture| {
        let [end, beside] = [66, 5].map(|x| picture.pixel(x, TOOLBAR.unsigned_abs()));
        end != beside
    });
    let csv = exported(screen, CSV, "jogwheel-profile-1.csv");
    let trace = exported(screen, TRACE, "jogwheel-profile-1.json");
    let frames = exported(screen, JSON, "jogwheel-profile-2.json");
    Screen::leave();

    let (head, rows) = csv.split_once("\r\n").unwrap();
    assert_eq!(head, "frame,thread,depth,name,start_ns,duration_ns");
    let spans = rows.lines().count();
    let trace: Vec<Value> = serde_json::from_str(&trace).unwrap();
    let whole = trace.iter().filter(|event| event["ph"] == "X");
    assert_eq!(whole.count(), spans, "events of the trace");
    let profile: Value = serde_json::from_str(&frames).unwrap();
    let (mut listed, mut drawn) = (0, 0);
    for frame in profile["frames"].as_array().unwrap() {
        assert_eq!(frame["whole"], true, "{frame:#}");
        for thread in frame["threads"].as_array().unwrap() {
            let row = thread["spans"].as_array().unwrap();
            listed += row.len();
            if thread["name"] == "main" {
                drawn += usize::from(is_drawn_turn(row));
            }
        }
    }
    assert_eq!(listed, spans, "spans of all frames");
    assert!(drawn >= PROFILED, "{drawn} turns with a picture");
}

/// Clicks a button of the profiler and answers what it had written into the file of this name.
fn exported(screen: &mut Screen, button: i32, name: &str) -> String {
    screen.click(button, TOOLBAR);
    screen.until(name, |state| tells(state, name));
    std::fs::read_to_string(screen.folder.path().join(name)).unwrap()
}

/// Whether the window was drawn in the turn that these spans tell of. All of them lie in the first,
/// which is the turn.
#[track_caller]
fn is_drawn_turn(spans: &[Value]) -> bool {
    let extent = |span: &Value| {
        let [start, nanos] = ["start_ns", "duration_ns"].map(|key| span[key].as_u64().unwrap());
        (start, start + nanos)
    };
    let (start, end) = extent(&spans[0]);
    assert_eq!(spans[0]["name"], "turn");
    for span in &spans[1..] {
        let (from, to) = extent(span);
        assert!(start <= from && to <= end, "{span} in {}", spans[0]);
    }
    let has = |name: &str| spans.iter().any(|span| span["name"] == name);
    has("render") && has("present")
}

#[test]
fn a_file_is_opened_again_from_the_empty_window_as_it_was_left() {
    let clip = made::clip("h264-longgop.mp4").path;
    let clip = clip.to_str().unwrap();
    let args = ["--paused", "--no-audio", "--size", "1280x720"];
    let mut screen = Screen::play(&[&args[..], &[clip]].concat());
    screen.until_shown(0);
    for (frame, key) in [(20, "i"), (50, "o")] {
        screen.go_to(&format!("{frame}f"));
        screen.until_shown(frame);
        screen.press(&[key]);
    }
    screen.go_to("33f");
    let left = json!({
        "file": clip,
        "status": "paused",
        "frame": 33,
        "shown": 33,
        "mark_in": 20,
        "mark_out": 50,
    });
    screen.until_fields("marking and moving", &left);
    screen.press(&["q"]);

    let mut screen = screen.play_again(&args);
    let empty = json!({"file": null, "status": "empty", "mark_in": null, "mark_out": null});
    screen.until_fields("starting without a file", &empty);
    screen.until_picture("the file's row", |picture| {
        (440..460).any(|y| (438..550).any(|x| picture.pixel(x, y)[0] > 150))
    });
    screen.click(RECENT.0, RECENT.1);
    screen.until_fields("a click in the row", &left);
    screen.press(&["q"]);
    screen.wait().expect(0);
}
