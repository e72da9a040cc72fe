//! The words of the transport bar, as they are painted.

use egui::{Color32, Shape};

use super::lens::change_stream;
use super::*;
use crate::playback::MediaState;
use crate::time::{FrameRate, Timecode, TimecodeFormat};
use crate::ui::bar_layout::BarLayout;
use crate::ui::style;

/// A window that has room for all of it, paused on frame 737 of 1800 at 24000/1001 a second. The
/// first one is 01:00:00:00.
fn screen() -> Screen {
    Screen::new(1920.0, 1080.0, 1.0)
}

/// A text on the screen.
struct Text {
    rect: Rect,
    words: String,
    color: Color32,
}

fn texts(screen: &mut Screen) -> Vec<Text> {
    let output = screen.pass(Vec::new());
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let text = |clipped: egui::epaint::ClippedShape| match clipped.shape {
        Shape::Text(text) => Some(Text {
            rect: Rect::from_min_size(text.pos, text.galley.size()),
            words: text.galley.text().to_owned(),
            color: text.fallback_color,
        }),
        _ => None,
    };
    shapes.into_iter().filter_map(text).collect()
}

/// A place in the bar.
type Place = fn(&BarLayout) -> Option<Rect>;

const TIMECODE: Place = |bar| Some(bar.timecode);
const RATE: Place = |bar| bar.rate;
const MARKS: Place = |bar| bar.marks;

/// Timecode, duration, and what is left of it; below them frames, rate and marks.
const PLACES: [Place; 6] = [
    TIMECODE,
    |bar| bar.duration,
    |bar| bar.remaining,
    |bar| bar.frames,
    RATE,
    MARKS,
];

/// What is written at a place, and in which colour.
fn written(screen: &mut Screen, place: Place) -> Option<(String, Color32)> {
    let texts = texts(screen);
    let begin = place(screen.overlay.layout.as_ref()?)?.left_center();
    let is_there = |text: &Text| text.rect.left_center().distance(begin) < 1.0;
    let found = texts.into_iter().find(is_there)?;
    Some((found.words, found.color))
}

/// What is written at each of the places; nothing is an empty string.
fn readout(screen: &mut Screen) -> [String; 6] {
    PLACES.map(|place| {
        let written = written(screen, place);
        written.map(|(words, _)| words).unwrap_or_default()
    })
}

fn change_media(screen: &mut Screen, change: impl FnOnce(&mut MediaState)) {
    let mut media = (**screen.snapshot.media.as_ref().unwrap()).clone();
    change(&mut media);
    screen.snapshot.media = Some(Arc::new(media));
}

#[test]
fn the_bar_tells_where_the_playhead_is_and_what_is_left() {
    let mut screen = screen();
    let held = [
        "01:00:30:17",
        "1:15.075",
        "-0:44.335",
        "737 / 1799",
        "23.976 fps",
        "",
    ];
    assert_eq!(readout(&mut screen), held);
    assert_eq!(written(&mut screen, TIMECODE).unwrap().1, style::TEXT);
    for place in &PLACES[1..5] {
        assert_eq!(written(&mut screen, *place).unwrap().1, style::WEAK);
    }
    let last = Snapshot {
        status: PlaybackStatus::Paused,
        ..fixture::snapshot(1_800, 1_799)
    };
    screen.snapshot = last;
    let [timecode, _, remaining, frames, ..] = readout(&mut screen);
    assert_eq!(timecode, "01:01:14:23");
    assert_eq!(remaining, "-0:00.041");
    assert_eq!(frames, "1799 / 1799");
}

#[test]
fn while_it_is_dragged_the_bar_tells_where_the_hand_is() {
    let mut screen = screen();
    let lane = screen.rect(Zone::Scrub);
    let place = pos2(scrub::x_at(lane, 1_000.0 / 1_799.0), lane.center().y);
    screen.show(vec![mouse(place, true)]);
    let [timecode, _, remaining, frames, ..] = readout(&mut screen);
    assert_eq!(timecode, "01:00:41:16");
    assert_eq!(remaining, "-0:33.366");
    assert_eq!(frames, "1000 / 1799");
    screen.show(vec![mouse(place, false)]);
    let [timecode, ..] = readout(&mut screen);
    assert_eq!(timecode, "01:00:30:17", "the engine has not moved yet");
}

#[test]
fn marks_are_told_and_what_is_left_counts_up_to_the_out_mark() {
    let mut screen = screen();
    let (first, before, after) = (FrameIndex(240), FrameIndex(500), FrameIndex(1_000));
    for (mark_in, mark_out, words, left) in [
        (Some(first), None, "In 01:00:10:00", "-0:44.335"),
        (None, Some(after), "Out 01:00:41:16", "-0:11.011"),
        (
            Some(first),
            Some(after),
            "In 01:00:10:00  Out 01:00:41:16",
            "-0:11.011",
        ),
        (None, Some(before), "Out 01:00:20:20", "-0:44.335"),
    ] {
        screen.snapshot.mark_in = mark_in;
        screen.snapshot.mark_out = mark_out;
        let marks = written(&mut screen, MARKS);
        assert_eq!(marks, Some((words.to_owned(), style::MARK)));
        let [_, _, remaining, ..] = readout(&mut screen);
        assert_eq!(remaining, left, "{words}");
    }
    // Beside a panel there is no room for more than the times.
    let mut narrow = Screen::new(920.0, 720.0, 1.0);
    narrow.snapshot.mark_in = Some(first);
    let marks = written(&mut narrow, MARKS);
    assert_eq!(marks.unwrap().0, "In 01:00:10:00");
    narrow.snapshot.mark_out = Some(after);
    let marks = written(&mut narrow, MARKS);
    assert_eq!(marks.unwrap().0, "01:00:10:00 – 01:00:41:16");
}

#[test]
fn while_frames_are_counted_what_depends_on_their_number_is_about_so_much() {
    let mut screen = screen();
    change_media(&mut screen, |media| {
        media.frames = 900;
        media.index_complete = false;
    });
    let [timecode, duration, remaining, frames, ..] = readout(&mut screen);
    assert_eq!(timecode, "01:00:30:17");
    assert_eq!(duration, "~1:15.075");
    assert_eq!(remaining, "~-0:44.335");
    assert_eq!(frames, "737 / ~1799");
    screen.snapshot.mark_out = Some(FrameIndex(800));
    let [_, _, remaining, ..] = readout(&mut screen);
    assert_eq!(remaining, "-0:02.669", "that is known");
}

#[test]
fn without_a_timecode_positions_are_times() {
    let mut screen = screen();
    screen.snapshot.timecode = None;
    screen.snapshot.mark_in = Some(FrameIndex(240));
    let [position, .., marks] = readout(&mut screen);
    assert_eq!(position, "0:30.739");
    assert_eq!(marks, "In 0:10.010");
}

#[test]
fn what_has_no_pictures_has_no_frames_and_what_is_not_there_has_nothing() {
    let mut screen = screen();
    screen.snapshot.media = Some(fixture::sound_only(1_800).into());
    let heard = [
        "01:00:30:17",
        "1:15.075",
        "-0:44.335",
        "48000 Hz stereo",
        "",
        "",
    ];
    assert_eq!(readout(&mut screen), heard);
    screen.snapshot = fixture::empty_snapshot();
    assert_eq!(readout(&mut screen), ["--:--:--:--", "", "", "", "", ""]);
    assert_eq!(written(&mut screen, TIMECODE).unwrap().1, style::FAINT);
    let timecode = Zone::Button(Button::Timecode);
    assert_eq!(screen.overlay.zones.rect(timecode), None);
}

#[test]
fn frames_a_second_are_those_shown_of_those_wanted_while_it_plays() {
    let mut screen = screen();
    screen.snapshot.status = PlaybackStatus::Playing;
    for (quarters, shown, target, words, color) in [
        (4, 23.81, 23.976, "23.8 / 23.976 fps", style::WEAK),
        (4, 15.26, 23.976, "15.3 / 23.976 fps", style::WARN),
        (-4, 23.9, 23.976, "23.9 / 23.976 fps", style::WEAK),
        (8, 47.9, 47.952, "47.9 / 47.95 fps", style::WEAK),
        (-8, 40.0, 47.952, "40.0 / 47.95 fps", style::WARN),
        (1, 5.99, 5.994, "6.0 / 5.99 fps", style::WEAK),
        // None was shown yet.
        (4, 0.0, 23.976, "23.976 fps", style::WEAK),
    ] {
        screen.snapshot.speed = Speed::from_quarters(quarters).unwrap();
        screen.stats.presented_fps = shown;
        screen.stats.target_fps = target;
        let rate = written(&mut screen, RATE);
        assert_eq!(rate, Some((words.to_owned(), color)));
    }
    screen.stats.presented_fps = 15.0;
    let own = Some(("23.976 fps".to_owned(), style::WEAK));
    screen.snapshot.scrubbing = true;
    assert_eq!(written(&mut screen, RATE), own, "a hand has its own pace");
    screen.snapshot.scrubbing = false;
    screen.snapshot.status = PlaybackStatus::Paused;
    assert_eq!(written(&mut screen, RATE), own);
    change_stream(&mut screen, |stream| stream.is_still = true);
    let still = Some(("still".to_owned(), style::WEAK));
    assert_eq!(written(&mut screen, RATE), still);
}

#[test]
fn the_speed_is_told_with_its_direction() {
    let mut screen = screen();
    for (quarters, words, color) in [
        (4, "1x", style::WEAK),
        (8, "2x", style::ACCENT),
        (-4, "-1x", style::ACCENT),
        (1, "0.25x", style::ACCENT),
        (-10, "-2.5x", style::ACCENT),
    ] {
        screen.snapshot.speed = Speed::from_quarters(quarters).unwrap();
        let texts = texts(&mut screen);
        let middle = screen.rect(Zone::Button(Button::Speed)).center();
        let is_there = |text: &&Text| text.rect.center().distance(middle) < 1.0;
        let speed = texts.iter().find(is_there).unwrap();
        assert_eq!((&*speed.words, speed.color), (words, color));
    }
}

/// Whether a button shows two upright bars.
fn shows_pause(screen: &mut Screen, button: Button) -> bool {
    let output = screen.pass(Vec::new());
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let place = screen.rect(Zone::Button(button));
    let bars = shapes.iter().filter(|clipped| match &clipped.shape {
        Shape::Rect(bar) => {
            let size = bar.rect.size() - vec2(4.0, 12.0);
            place.contains_rect(bar.rect) && size.length() < 0.1
        }
        _ => false,
    });
    bars.count() == 2
}

#[test]
fn the_button_of_the_direction_in_which_it_plays_shows_a_pause() {
    use PlaybackStatus::{Paused, Playing};
    let mut screen = screen();
    for (status, quarters, expected) in [
        (Paused, 4, [false, false]),
        (Paused, -4, [false, false]),
        (Playing, 8, [false, true]),
        (Playing, -1, [true, false]),
    ] {
        screen.snapshot.status = status;
        screen.snapshot.speed = Speed::from_quarters(quarters).unwrap();
        let buttons = [Button::PlayBack, Button::Play];
        let seen = buttons.map(|button| shows_pause(&mut screen, button));
        assert_eq!(seen, expected, "{status:?} at {quarters} quarters");
    }
}

#[test]
fn a_click_on_the_timecode_asks_for_another_and_goes_to_that_very_frame() {
    let mut screen = screen();
    let rate = FrameRate::new(24_000, 1_001).unwrap();
    let format = TimecodeFormat::new(rate, false).unwrap();
    change_stream(&mut screen, |stream| {
        stream.timecode = Some(Timecode::from_frame_number(86_400, format));
    });
    for words in ["1000f", "01:00:41:16"] {
        assert_eq!(screen.click(Button::Timecode), []);
        screen.show(Vec::new());
        assert!(screen.overlay.prompt.is_some(), "nobody is asked: {words}");
        assert_eq!(screen.show(vec![Event::Text(words.into())]), []);
        let asked = screen.press("Enter");
        let [UiEvent::Command(Command::Seek(SeekTarget::Position(position)))] = asked[..] else {
            panic!("{words}: {asked:?}");
        };
        let media = screen.snapshot.media.as_ref().unwrap();
        assert_eq!(media.resolve(position), Ok(FrameIndex(1_000)), "{words}");
        assert!(screen.overlay.prompt.is_none(), "{words}");
    }
}
