//! The player in a window under a real X server: keys, pointer, picture, faults, and ends.

mod arrange;
mod settings;

use jogwheel::config::{Action, Action as A, KeyMap};
use jogwheel::media::Size;
use serde_json::json;

use crate::made;
use crate::program::wait_for;
use crate::screen::Screen;

pub(crate) const WINDOW: &str = "1280x720";

pub(crate) fn path(name: &str) -> String {
    made::clip(name).path.to_str().unwrap().to_owned()
}

pub(crate) fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).unwrap()
}

/// The display size that the manifest tells of a clip.
fn display(clip: &made::Clip) -> Size {
    let (width, height) = clip.shown.split_once('x').unwrap();
    let (width, height): (u32, u32) = (width.parse().unwrap(), height.parse().unwrap());
    let (num, den) = clip
        .note("sar")
        .and_then(|sar| sar.split_once(':'))
        .map_or((1, 1), |(num, den)| {
            (num.parse().unwrap(), den.parse().unwrap())
        });
    size((width * num + den / 2) / den, height)
}

/// xdotool's name of a chord as the key map writes it.
fn keysym(chord: &str) -> String {
    let (modifiers, key) = match chord.strip_suffix('+') {
        Some("") => ("", "+"),
        Some(before) => (before.trim_end_matches('+'), "+"),
        None => chord.rsplit_once('+').unwrap_or(("", chord)),
    };
    let key = match key {
        "Space" => "space",
        "Esc" => "Escape",
        "PageUp" => "Prior",
        "PageDown" => "Next",
        "Backspace" => "BackSpace",
        "," => "comma",
        "." => "period",
        "/" => "slash",
        "[" => "bracketleft",
        "]" => "bracketright",
        "+" => "plus",
        "-" => "minus",
        "=" => "equal",
        "#" => "numbersign",
        "<" => "less",
        ">" => "greater",
        "?" => "question",
        "'" => "apostrophe",
        "`" => "grave",
        other => other,
    };
    let key = if key.len() == 1 {
        key.to_lowercase()
    } else {
        key.to_owned()
    };
    let modifiers: String =
        modifiers
            .split('+')
            .filter(|m| !m.is_empty())
            .fold(String::new(), |mut all, modifier| {
                all.push_str(&modifier.to_lowercase());
                all.push('+');
                all
            });
    modifiers + &key
}

/// Presses the keys of a table, one row after another, and checks what each does to the state.
struct Table<'a> {
    screen: &'a mut Screen,
    keys: KeyMap,
    covered: Vec<Action>,
}

impl Table<'_> {
    /// Every chord of `action` in turn: the first leads to the first of `states`, and so on; the list
    /// starts again when it is through, so that it ends where it began.
    #[track_caller]
    fn check(&mut self, action: Action, states: &[serde_json::Value]) {
        let chords = self.keys.chords(action);
        let presses = states.len().max(chords.len());
        for press in 0..presses {
            let chord = chords[press % chords.len()].to_string();
            self.screen.press(&[&keysym(&chord)]);
            self.screen
                .until_fields(&chord, &states[press % states.len()]);
        }
        self.covered.push(action);
    }
}

/// 300 frames at 30 fps: ten seconds.
#[test]
fn every_key_does_what_the_help_says() {
    let (long, short) = (path("h264-longgop.mp4"), path("h264-25.mp4"));
    let proxies = tempfile::tempdir().unwrap();
    let proxy_dir = proxies.path().to_str().unwrap();
    let args = [
        &long,
        &short,
        "--paused",
        "--size",
        WINDOW,
        "--proxy-dir",
        proxy_dir,
    ];
    let mut screen = Screen::play(&args);
    screen.until_shown(0);
    let mut table = Table {
        screen: &mut screen,
        keys: KeyMap::default(),
        covered: Vec::new(),
    };
    move_by_keys(&mut table);
    mark_by_keys(&mut table);
    change_speed_by_keys(&mut table);
    change_sound_by_keys(&mut table);
    change_view_by_keys(&mut table);
    open_panels_by_keys(&mut table);
    arrange::zoom_by_keys(&mut table);
    arrange::dock_panels_by_keys(&mut table);
    table.check(
        A::NextFile,
        &[json!({"file": short}), json!({"file": short})],
    );
    table.check(
        A::PreviousFile,
        &[json!({"file": long}), json!({"file": long})],
    );
    table.screen.until_shown(0);
    take_screenshot_by_key(&mut table);
    arrange::copy_by_keys(&mut table);
    table.check(A::ForceDeviceLoss, &[json!({"device_losses": 1})]);
    arrange::make_proxies_by_key(&mut table);
    let covered = std::mem::take(&mut table.covered);
    let left: Vec<_> = Action::ALL
        .iter()
        // Where the keyboard is, the state does not say; the dialog needs a desktop, markers a timeline, comparing two files; the others need sound and
        // end the program: see below.
        .filter(|action| {
            !matches!(
                action,
                A::OpenFiles
                    | A::FocusPanels
                    | A::NextMarker
                    | A::PreviousMarker
                    | A::CycleCompare
                    | A::ToggleCompare
                    | A::WipeLeft
                    | A::WipeRight
                    | A::NextAudioTrack
                    | A::NextAudioDevice
                    | A::Quit
            )
        })
        .filter(|action| !covered.contains(action))
        .collect();
    assert!(left.is_empty(), "no row for {left:?}");
    screen.press(&["q"]);
    screen.wait().expect(0);
}

/// Two shots of a second from one clip, and a marker in each.
#[test]
fn keys_go_to_the_cuts_and_markers_of_a_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let timeline = folder.path().join("cut.edl");
    let media = made::clip("h264-25.mp4").path;
    std::os::unix::fs::symlink(&media, folder.path().join("shot.mp4")).unwrap();
    let edl = "TITLE: CUT\nFCM: NON-DROP FRAME\n\
        001  SHOT V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n\
        * FROM CLIP NAME: shot.mp4\n\
        * LOC: 01:00:00:10 RED First\n\
        002  SHOT V C 00:00:04:00 00:00:05:00 01:00:01:00 01:00:02:00\n\
        * FROM CLIP NAME: shot.mp4\n\
        * LOC: 01:00:01:15 BLUE Second\n";
    std::fs::write(&timeline, edl).unwrap();
    let root = media.parent().unwrap().to_str().unwrap();
    let path = timeline.to_str().unwrap();
    let args = [path, "--rate", "25", "--media-root", root, "--paused"];
    let mut screen = Screen::play(&args);
    screen.until_shown(0);
    for (chord, frame) in [
        ("shift+m", 10),
        ("shift+m", 40),
        ("ctrl+shift+m", 10),
        ("ctrl+Right", 25),
        ("ctrl+Right", 49),
        ("ctrl+Left", 25),
        ("ctrl+Left", 0),
    ] {
        screen.press(&[chord]);
        screen.until_shown(frame);
    }
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn keys_change_how_two_files_are_compared() {
    let (a, b) = (path("h264-bframes.mp4"), path("h264-longgop.mp4"));
    let mut screen = Screen::play(&[&a, "--compare", &b, "--paused", "--size", WINDOW]);
    screen.until_shown(0);
    for (chord, state) in [
        ("w", json!({"compare": "side-by-side"})),
        ("w", json!({"compare": "difference"})),
        ("shift+w", json!({"compare": "a"})),
        ("shift+w", json!({"compare": "b"})),
        ("w", json!({"compare": "wipe", "compare_position": 0.5})),
    ] {
        screen.press(&[chord]);
        screen.until_fields(chord, &state);
    }
    for (chord, least, most) in [("alt+Left", 0.0, 0.499), ("alt+Right", 0.499, 0.501)] {
        screen.press(&[chord]);
        screen.until(chord, |state| {
            let position = state["compare_position"].as_f64();
            position.is_some_and(|position| (least..most).contains(&position))
        });
    }
    screen.press(&["q"]);
    screen.wait().expect(0);
}

fn move_by_keys(table: &mut Table<'_>) {
    let at = |frame: i64| json!({"frame": frame, "shown": frame});
    table.check(A::StepForward, &[at(1), at(2)]);
    table.check(A::StepBackward, &[at(1), at(0)]);
    table.check(A::StepForwardTen, &[at(10), at(20)]);
    table.check(A::StepBackwardTen, &[at(10), at(0)]);
    table.check(A::SeekForwardOneSecond, &[at(30), at(60)]);
    table.check(A::SeekBackwardOneSecond, &[at(30), at(0)]);
    table.check(A::SeekForwardTenSeconds, &[at(299)]);
    table.check(A::GoToStart, &[at(0)]);
    table.check(A::GoToEnd, &[at(299)]);
    table.check(A::SeekBackwardTenSeconds, &[at(0)]);
    // A file has its ends for cuts.
    table.check(A::NextCut, &[at(299)]);
    table.check(A::PreviousCut, &[at(0)]);
    table.check(A::SeekForwardOneMinute, &[at(299)]);
    table.check(A::SeekBackwardOneMinute, &[at(0)]);
    table.check(A::GoToPosition, &[json!({"panels": ["prompt"]})]);
    table.screen.press(&["Escape"]);
    table.screen.until_fields("Escape", &json!({"panels": []}));
    for (text, frame) in [
        ("12f", 12),
        ("00:00:02:00", 60),
        ("4.5s", 135),
        ("9999f", 299),
    ] {
        table.screen.go_to(text);
        if frame == 299 {
            // Beyond the end: told, and the prompt or the last frame is there.
            table.screen.until("an answer", |state| {
                state["frame"] == 299 || state["notices"][0].is_string()
            });
            table.screen.press(&["Escape"]);
        } else {
            table.screen.until_shown(frame);
        }
    }
    table.screen.until_fields("Escape", &json!({"panels": []}));
}

fn mark_by_keys(table: &mut Table<'_>) {
    table.screen.go_to("60f");
    table.screen.until_shown(60);
    table.check(A::MarkIn, &[json!({"mark_in": 60, "mark_out": null})]);
    table.screen.go_to("90f");
    table.screen.until_shown(90);
    table.check(A::MarkOut, &[json!({"mark_in": 60, "mark_out": 90})]);
    table.check(A::GoToIn, &[json!({"frame": 60, "shown": 60})]);
    table.check(A::GoToOut, &[json!({"frame": 90, "shown": 90})]);
    table.check(A::ClearMarks, &[json!({"mark_in": null, "mark_out": null})]);
    let [off, repeat, turn] = ["off", "loop", "pingpong"].map(|mode| json!({"loop": mode}));
    table.check(A::CycleLoop, &[repeat, turn.clone(), off.clone()]);
    table.check(A::TogglePingPong, &[turn, off]);
}

fn change_speed_by_keys(table: &mut Table<'_>) {
    let speed = |speed: f64| json!({"speed": speed});
    table.check(A::SpeedUp, &[speed(1.25), speed(1.5)]);
    table.check(
        A::SpeedDown,
        &[
            speed(1.25),
            speed(1.0),
            speed(0.75),
            speed(0.5),
            speed(0.25),
        ],
    );
    table.check(A::SpeedReset, &[speed(1.0)]);
    let playing = |speed: f64| json!({"status": "playing", "speed": speed});
    let loops = |table: &mut Table<'_>, mode: &str| {
        // So that the end is never reached.
        table.screen.press(&["shift+l"]);
        table.screen.until_fields("Shift+L", &json!({"loop": mode}));
    };
    loops(table, "loop");
    table.check(
        A::PlayPause,
        &[json!({"status": "playing"}), json!({"status": "paused"})],
    );
    table.check(
        A::ShuttleForward,
        &[playing(1.0), playing(2.0), playing(4.0), playing(8.0)],
    );
    table.check(A::Pause, &[json!({"status": "paused"})]);
    table.check(
        A::ShuttleBackward,
        &[playing(-1.0), playing(-2.0), playing(-4.0), playing(-8.0)],
    );
    table.screen.press(&["k", "BackSpace"]);
    table
        .screen
        .until_fields("K", &json!({"status": "paused", "speed": 1.0}));
    loops(table, "pingpong");
    loops(table, "off");
    table.screen.press(&["Home"]);
    table.screen.until_shown(0);
}

fn change_sound_by_keys(table: &mut Table<'_>) {
    table.check(
        A::VolumeDown,
        &[json!({"volume": 95}), json!({"volume": 90})],
    );
    table.check(
        A::VolumeUp,
        &[
            json!({"volume": 95}),
            json!({"volume": 100}),
            json!({"volume": 105}),
        ],
    );
    table.check(
        A::ToggleMute,
        &[json!({"muted": true}), json!({"muted": false})],
    );
    table.check(
        A::ToggleScrubSound,
        &[json!({"scrub_sound": false}), json!({"scrub_sound": true})],
    );
    table.check(A::AudioDelayDown, &[json!({"audio_delay_ms": -10})]);
    table.check(
        A::AudioDelayUp,
        &[json!({"audio_delay_ms": 0}), json!({"audio_delay_ms": 10})],
    );
}

fn change_view_by_keys(table: &mut Table<'_>) {
    let exposure = |stops: f64| json!({"exposure": stops});
    table.check(A::ExposureUp, &[exposure(0.25), exposure(0.5)]);
    table.check(A::ExposureDown, &[exposure(0.25)]);
    table.check(A::ExposureReset, &[exposure(0.0)]);
    let gamma = |gamma: f64| json!({"gamma": gamma});
    table.check(A::GammaUp, &[gamma(1.05)]);
    table.check(A::GammaDown, &[gamma(1.0), gamma(0.95)]);
    table.check(A::GammaReset, &[gamma(1.0)]);
    for (action, channel) in [
        (A::ViewRed, "red"),
        (A::ViewGreen, "green"),
        (A::ViewBlue, "blue"),
        (A::ViewAlpha, "alpha"),
        (A::ViewLuma, "luma"),
        (A::ViewColor, "color"),
    ] {
        table.check(action, &[json!({"channel": channel})]);
    }
    let proxies = |when: &str| json!({"proxies": when});
    table.check(
        A::ToggleProxies,
        &[proxies("always"), proxies("auto"), proxies("always")],
    );
    // To choose a quality takes it back.
    let quality = |mode: &str| json!({"quality": mode, "proxies": "auto"});
    let round = ["source", "proxy", "draft", "auto"].map(quality);
    table.check(A::CycleQuality, &round);
    // What was chosen last is kept for the next run.
    let config = table.screen.folder.path().join("jogwheel/config.toml");
    let kept = wait_for(|| {
        let text = std::fs::read_to_string(&config).ok()?;
        (text == "[quality]\nproxies = \"auto\"\nmode = \"auto\"\n").then_some(())
    });
    assert!(kept.is_some(), "{:?}", std::fs::read_to_string(&config));
}

fn open_panels_by_keys(table: &mut Table<'_>) {
    let (open, closed) = (json!({"panels": ["help"]}), json!({"panels": []}));
    table.check(A::ToggleHelp, &[open.clone(), closed.clone()]);
    let performance = json!({"panels": ["performance"]});
    table.check(A::TogglePerformance, &[performance, closed.clone()]);
    table.check(
        A::ToggleFullscreen,
        &[json!({"fullscreen": true}), json!({"fullscreen": false})],
    );
    table.screen.press(&["f"]);
    table.screen.until_fields("F", &json!({"fullscreen": true}));
    table.check(A::Dismiss, &[json!({"fullscreen": false})]);
}

fn take_screenshot_by_key(table: &mut Table<'_>) {
    table.screen.go_to("77f");
    table.screen.until_shown(77);
    table.screen.press(&["s"]);
    let saved = table.screen.until("a notice", |state| {
        state["notices"]
            .as_array()
            .is_some_and(|notices| !notices.is_empty())
    });
    let notice = saved["notices"][0].as_str().unwrap().to_owned();
    let name = notice
        .strip_prefix("Saved ")
        .unwrap_or_else(|| panic!("{notice}"));
    let (rgba, size) = made::read_png(&table.screen.folder.path().join(name));
    assert_eq!(
        size,
        (640, 360),
        "the picture has its own size, not the window's"
    );
    assert_eq!(made::number_in_rgba(&rgba, size.0, size.1), Ok(77));
    table.covered.push(A::Screenshot);
}

/// Controls hide from a full screen, so nothing lies over the bars.
#[test]
fn the_window_shows_the_frame_asked_for() {
    let names = [
        "h264-bframes.mp4",
        "turned-90.mp4",
        "mirrored-antidiagonal.mp4",
        "h264-odd-161x121.mp4",
        "h264-sar.mp4",
        "hevc-opengop.mp4",
        "h264-editlist.mp4",
        "vp9-odd-321x181.webm",
        "h264-444p10.mp4",
        "h264-gbrp.mp4",
    ];
    let clips = names.map(made::clip);
    let mut args: Vec<&str> = clips
        .iter()
        .map(|clip| clip.path.to_str().unwrap())
        .collect();
    args.extend(["--paused", "--fullscreen", "--size", WINDOW]);
    let mut screen = Screen::play(&args);
    for (number, clip) in clips.iter().enumerate() {
        if number > 0 {
            screen.press(&["greater"]);
        }
        let file = clip.path.to_str().unwrap();
        screen.until_fields("opening", &json!({"file": file, "shown": 0}));
        screen.until_number(&clip.name, clip.first, display(clip));
        for frame in [clip.frames - 1, clip.frames / 2, clip.frames / 2 + 1, 3] {
            screen.go_to(&format!("{frame}f"));
            screen.until_shown(frame);
            let wanted = clip.first + u32::try_from(frame).unwrap();
            screen.until_number(&clip.name, wanted, display(clip));
        }
    }
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn the_picture_survives_the_window() {
    let clip = made::clip("h264-bframes.mp4");
    let video = display(&clip);
    let args = [
        clip.path.to_str().unwrap(),
        "--paused",
        "--fullscreen",
        "--start",
        "123f",
    ];
    let mut screen = Screen::play(&[&args[..], &["--size", WINDOW]].concat());
    screen.until_shown(123);
    screen.until_number("h264-bframes.mp4", 123, video);
    for (width, height) in [(800, 600), (500, 900), (641, 361), (1280, 720)] {
        screen.resize(width, height);
        screen.until_number("h264-bframes.mp4", 123, video);
        let picture = screen.picture();
        assert_eq!(picture.size, size(width, height));
        if width == 800 {
            // 800 by 450 in the middle; above and below is nothing.
            screen.until_picture("black above and below", |picture| {
                [20, 590]
                    .iter()
                    .all(|&y| picture.pixel(400, y) == [0, 0, 0])
            });
        }
    }
    let before = screen.until_picture("nothing but the frame", |picture| {
        picture.number(video) == Ok(123)
    });
    screen.hide_and_show();
    screen.until_picture("the same picture after it was hidden", |picture| {
        *picture == before
    });
    for losses in 1..=2 {
        screen.press(&["ctrl+shift+d"]);
        screen.until_fields("a loss", &json!({"device_losses": losses}));
        // The notice of it goes by itself.
        screen.until_picture("the same picture after a loss", |picture| {
            *picture == before
        });
    }
    screen.press(&["Right"]);
    screen.until_shown(124);
    screen.until_number("h264-bframes.mp4", 124, video);
    screen.close().expect(0);
}

#[test]
fn clicks_on_the_bar_seek_and_the_picture_can_be_hidden_by_a_panel() {
    let clip = made::clip("h264-longgop.mp4");
    let args = [clip.path.to_str().unwrap(), "--paused", "--size", WINDOW];
    let mut screen = Screen::play(&args);
    screen.until_shown(0);
    // The lane lies at the top of the bar, which is 76 points high.
    for (x, expected) in [(640, 150), (320, 75), (1268, 299), (12, 0)] {
        screen.click(x, 720 - 76 + 16);
        let near = |value: &serde_json::Value| {
            value
                .as_i64()
                .is_some_and(|frame| (frame - expected).abs() <= 4)
        };
        screen.until(&format!("about {expected}"), |state| {
            near(&state["frame"]) && near(&state["shown"])
        });
    }
    Screen::leave();
    let before = screen.picture();
    screen.press(&["question"]);
    screen.until_fields("?", &json!({"panels": ["help"]}));
    screen.until_picture("the help", |picture| {
        let changed = picture
            .rgba
            .chunks(4)
            .zip(before.rgba.chunks(4))
            .filter(|(a, b)| a != b);
        changed.count() > before.rgba.len() / 4 / 2
    });
    screen.press(&["q"]);
    screen.until_fields("any key", &json!({"panels": []}));
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn files_that_are_dropped_on_the_window_are_played() {
    let mut screen = Screen::play(&[&path("h264-longgop.mp4"), "--paused", "--size", WINDOW]);
    screen.until_shown(0);
    // Names come percent-encoded, as file managers write them.
    let folder = screen.folder.path().join("with space, 100%");
    std::fs::create_dir(&folder).unwrap();
    let files = ["h264-bframes.mp4", "vp9-altref.webm"].map(|name| {
        let to = folder.join(name);
        std::fs::copy(made::clip(name).path, &to).unwrap();
        to
    });
    let [first, second] = &files;
    screen.drop_files(&[first, second]);
    let names = [first, second].map(|file| file.file_name().unwrap().to_str().unwrap());
    screen.until("the first of the files", |state| {
        state["file"]
            .as_str()
            .is_some_and(|file| file.ends_with(names[0]))
            && state["shown"].is_i64()
    });
    screen.press(&["greater"]);
    screen.until("the second of the files", |state| {
        state["file"]
            .as_str()
            .is_some_and(|file| file.ends_with(names[1]))
            && state["shown"].is_i64()
    });
    screen.close().expect(0);
}
