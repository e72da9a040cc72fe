//! The settings panel: what is changed there applies at once and is written, and the command line wins.

use std::path::Path;

use serde_json::json;

use super::{WINDOW, path};
use crate::program::wait_for;
use crate::screen::{Picture, Screen};

/// Where the panel's content and its controls are in that window: the panel has the right 28
/// hundredths of it. What is searched for is its first row, which is higher on the page of keys.
const LEFT: u32 = 932;
const RIGHT: u32 = 1270;
const BOTTOM: u32 = 716;
const GROUND: (u32, u32) = (926, 700);
const KEYS_PAGE: (i32, i32) = (1082, 44);
const SEARCH: (i32, i32) = (1100, 70);
const SEARCH_EDGE: (u32, u32) = (950, 60);
const CHOICES: (i32, i32) = (1180, 150);
const RESET: (i32, i32) = (1259, 150);
const FIRST_KEY: (i32, i32) = (992, 124);
const ADD_KEY: (i32, i32) = (1022, 124);
/// Where one other key is.
const RESET_KEYS: (i32, i32) = (1082, 124);

/// Further rows reach below these heights on the two pages.
const SETTING_END: u32 = 162;
/// A setting that the command line overrules says so in a second line.
const OVERRULED_END: u32 = 182;
const KEY_END: u32 = 136;

/// Where the choice is that is so far down the list, once it is open.
fn choice(place: i32) -> (i32, i32) {
    (CHOICES.0, CHOICES.1 + 29 + 26 * place)
}

/// The colour of the panel where nothing is on it.
fn ground(picture: &Picture) -> [u8; 3] {
    picture.pixel(GROUND.0, GROUND.1)
}

fn is_dark(picture: &Picture) -> bool {
    ground(picture).iter().all(|part| part.abs_diff(26) < 3)
}

fn is_light(picture: &Picture) -> bool {
    ground(picture).iter().all(|part| part.abs_diff(240) < 3)
}

/// Red or orange, as what is chosen and what has the keyboard are marked.
fn is_warm([red, _, blue]: [u8; 3]) -> bool {
    red.saturating_sub(blue) > 40
}

/// Whether there is anything in the panel below this height.
fn has_more(picture: &Picture, top: u32) -> bool {
    let ground = ground(picture);
    (top..BOTTOM).any(|y| (LEFT..RIGHT).any(|x| picture.pixel(x, y) != ground))
}

/// The right end of what is in the row at this height.
fn row_end(picture: &Picture, middle: i32) -> u32 {
    let (ground, middle) = (ground(picture), middle.unsigned_abs());
    let is_used = |x: &u32| (middle - 4..middle + 4).any(|y| picture.pixel(*x, y) != ground);
    (LEFT..RIGHT).rev().find(is_used).unwrap_or(LEFT)
}

fn click(screen: &Screen, (x, y): (i32, i32)) {
    screen.click(x, y);
}

/// Opens the panel, where nothing is open yet.
#[track_caller]
fn open_settings(screen: &mut Screen) {
    screen.until_shown(0);
    screen.press(&["F8"]);
    screen.until_fields("F8", &json!({"panels": ["settings"]}));
    screen.until_picture("dark settings", |picture| {
        is_dark(picture) && has_more(picture, SETTING_END)
    });
}

/// Leaves one row on the page, which is to end at this height.
#[track_caller]
fn search(screen: &Screen, words: &str, end: u32) {
    click(screen, SEARCH);
    screen.until_picture("a field with the keyboard", |picture| {
        is_warm(picture.pixel(SEARCH_EDGE.0, SEARCH_EDGE.1))
    });
    screen.press(&["ctrl+a", "BackSpace"]);
    screen.until_picture("all rows", |picture| has_more(picture, end));
    Screen::type_text(words);
    screen.until_picture("one row", |picture| !has_more(picture, end));
}

/// Takes the choice at this place for the setting that was searched for.
#[track_caller]
fn choose(screen: &Screen, place: i32) {
    click(screen, CHOICES);
    screen.until_picture("the choices", |picture| {
        (168..270).any(|y| is_warm(picture.pixel(1215, y)))
    });
    click(screen, choice(place));
}

#[track_caller]
fn until_file(file: &Path, text: &str) {
    let read = || std::fs::read_to_string(file).ok();
    let written = wait_for(|| (read()? == text).then_some(()));
    assert!(written.is_some(), "{:?} is not {text:?}", read());
}

#[test]
fn what_is_chosen_in_the_settings_applies_at_once_and_in_the_next_run() {
    let clip = path("h264-longgop.mp4");
    let args = [clip.as_str(), "--paused", "--no-audio", "--size", WINDOW];
    let mut screen = Screen::play(&args);
    let config = screen.folder.path().join("jogwheel/config.toml");
    open_settings(&mut screen);
    search(&screen, "window.theme", SETTING_END);
    choose(&screen, 1);
    screen.until_picture("light settings", is_light);
    let theme = "[window]\ntheme = \"light\"\n";
    until_file(&config, theme);
    search(&screen, "quality.mode", SETTING_END);
    choose(&screen, 1);
    screen.until_fields("choosing", &json!({"quality": "source"}));
    until_file(&config, &format!("{theme}\n[quality]\nmode = \"source\"\n"));
    screen.press(&["q"]);

    let mut screen = screen.play_again(&args);
    let kept = json!({"panels": ["settings"], "quality": "source", "shown": 0});
    screen.until_fields("starting again", &kept);
    screen.until_picture("light settings", is_light);
    search(&screen, "quality.mode", SETTING_END);
    click(&screen, RESET);
    screen.until_fields("taking it back", &json!({"quality": "auto"}));
    until_file(&config, &format!("{theme}\n[quality]\n"));
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn keys_that_are_bound_and_freed_in_the_settings_are_so_at_once() {
    let clip = path("h264-longgop.mp4");
    let mut screen = Screen::play(&[&clip, "--paused", "--no-audio", "--size", WINDOW]);
    let config = screen.folder.path().join("jogwheel/config.toml");
    open_settings(&mut screen);
    click(&screen, KEYS_PAGE);
    search(&screen, "mark in", KEY_END);
    let until_end = |screen: &Screen, what: &str, ends: std::ops::Range<u32>| {
        screen.until_picture(what, |picture| {
            ends.contains(&row_end(picture, FIRST_KEY.1))
        });
    };
    until_end(&screen, "one key", 1020..1045);
    click(&screen, ADD_KEY);
    until_end(&screen, "a row that waits for a key", 1140..1170);
    screen.press(&["ctrl+k"]);
    until_end(&screen, "two keys, and what sets them back", 1108..1132);
    let bound = "[keys]\n\"Ctrl+K\" = \"mark-in\"\n";
    until_file(&config, bound);
    click(&screen, FIRST_KEY);
    until_end(&screen, "the other key", 1080..1104);
    until_file(&config, &format!("{bound}I = \"none\"\n"));

    screen.press(&["i", "Right"]);
    screen.until_fields("I", &json!({"shown": 1, "mark_in": null}));
    screen.press(&["ctrl+k"]);
    screen.until_fields("Ctrl+K", &json!({"shown": 1, "mark_in": 1}));

    click(&screen, RESET_KEYS);
    until_end(&screen, "one key again", 1020..1045);
    until_file(&config, "[keys]\n");
    screen.press(&["Right", "i"]);
    screen.until_fields("I again", &json!({"shown": 2, "mark_in": 2}));
    screen.press(&["q"]);
    screen.wait().expect(0);
}

#[test]
fn what_the_command_line_says_cannot_be_changed_in_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("mine.toml");
    let said = "[quality]\nmode = \"draft\" # mine\n";
    std::fs::write(&config, said).unwrap();
    let clip = path("h264-longgop.mp4");
    let args = [clip.as_str(), "--paused", "--no-audio", "--size", WINDOW];
    let more = ["--quality", "source", "--config", config.to_str().unwrap()];
    let mut screen = Screen::play(&[&args[..], &more].concat());
    screen.until_fields("starting", &json!({"quality": "source"}));
    open_settings(&mut screen);
    search(&screen, "quality.mode", OVERRULED_END);
    // No list opens, so there is nothing where its first choice would be.
    for (place, frame) in [(CHOICES, 1), (choice(0), 2)] {
        click(&screen, place);
        screen.press(&["Right"]);
        screen.until_shown(frame);
    }
    // What else is changed applies, and leaves it alone.
    search(&screen, "quality.preset", SETTING_END);
    choose(&screen, 0);
    until_file(&config, &format!("{said}preset = \"speed\"\n"));
    screen.until_picture("the button that takes it back", |picture| {
        row_end(picture, RESET.1) > 1240
    });
    screen.press(&["i"]);
    let state = screen.until_fields("I", &json!({"mark_in": 2}));
    assert_eq!(state["quality"], "source");
    screen.press(&["q"]);
    screen.wait().expect(0);
}
