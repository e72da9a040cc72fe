//! What of the picture is seen, and what lies over it: zoom, pan, the line of a comparison, guides.

use egui::{Color32, CursorIcon, Shape, Vec2};

use super::*;
use crate::gpu::Zoom;
use crate::media::{CompareMode, CompareView, VideoStream};
use crate::playback::Compared;

/// Pixels of a window, and how many there are a point.
const USUAL: (f32, f32, f32) = (1280.0, 720.0, 1.0);
const DENSE: (f32, f32, f32) = (2560.0, 1440.0, 2.0);

/// Changes what is known of the pictures.
pub(super) fn change_stream(screen: &mut Screen, change: impl FnOnce(&mut VideoStream)) {
    let mut media = (**screen.snapshot.media.as_ref().unwrap()).clone();
    let mut info = (*media.info).clone();
    change(&mut info.video[0]);
    media.info = Arc::new(info);
    screen.snapshot.media = Some(Arc::new(media));
}

fn resize(screen: &mut Screen, (width, height): (u32, u32)) {
    change_stream(screen, |stream| {
        stream.size = Size::new(width, height).unwrap();
    });
    screen.show(Vec::new());
}

/// A window with a picture of this size, all of which is seen.
fn screen((width, height, scale): (f32, f32, f32), size: (u32, u32)) -> Screen {
    let mut screen = Screen::new(width, height, scale);
    resize(&mut screen, size);
    screen
}

/// Runs a pass, and puts the picture where it is asked for.
fn pass(screen: &mut Screen, events: Vec<Event>) -> Vec<UiEvent> {
    let output = screen.pass(events);
    screen.framing = output.framing;
    output.egui.drop_without_applying_deltas();
    output.events
}

/// Where the picture lies, in points.
fn picture(screen: &Screen) -> Rect {
    let place = screen.placement().unwrap();
    let points = screen.ctx.pixels_per_point();
    let min = pos2(place.x as f32, place.y as f32) / points;
    let size = vec2(place.size.width() as f32, place.size.height() as f32) / points;
    Rect::from_min_size(min, size)
}

/// What of the picture lies at `pos`: from 0 to 1 to the right and down.
fn share_at(screen: &Screen, pos: Pos2) -> Vec2 {
    let picture = picture(screen);
    (pos - picture.min) / picture.size()
}

fn wheel(notches: f32) -> Event {
    Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, notches),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    }
}

/// Turns the wheel at `pos`; answers how far away that goes which lay there.
fn turn(screen: &mut Screen, pos: Pos2, notches: f32) -> Vec2 {
    let share = share_at(screen, pos);
    let asked = pass(screen, vec![Event::PointerMoved(pos), wheel(notches)]);
    assert_eq!(asked, [], "the playhead stays");
    let picture = picture(screen);
    picture.min + share * picture.size() - pos
}

/// Drags from one place by so many points, and answers by how many the picture has moved.
fn pan(screen: &mut Screen, by: Vec2) -> Vec2 {
    let (begin, before) = (pos2(600.0, 300.0), picture(screen).min);
    pass(screen, vec![Event::PointerMoved(begin), mouse(begin, true)]);
    pass(screen, vec![Event::PointerMoved(begin + by)]);
    let released = pass(screen, vec![mouse(begin + by, false)]);
    assert_eq!(released, [], "a drag is no click");
    picture(screen).min - before
}

#[test]
fn what_is_under_the_pointer_stays_there_while_the_wheel_zooms() {
    let places = [
        (640.0, 360.0),
        (200.0, 120.0),
        (1100.0, 600.0),
        (15.0, 330.0),
        (1279.0, 40.0),
    ];
    for (window, (x, y)) in [USUAL, DENSE]
        .into_iter()
        .flat_map(|w| places.map(|p| (w, p)))
    {
        let mut screen = screen(window, (3840, 2160));
        let mut scale = picture(&screen).width() * window.2 / 3840.0;
        for notches in [1.0, 3.0, 5.0, -2.0, -4.0, 0.5_f32] {
            let away = turn(&mut screen, pos2(x, y), notches);
            assert!(away.length() < 1.0, "{notches} at {x}, {y}: {away:?}");
            scale *= 1.15_f32.powf(notches);
            let Zoom::Scale(wanted) = screen.framing.zoom else {
                panic!("{:?}", screen.framing);
            };
            assert!((wanted / scale - 1.0).abs() < 0.01, "{wanted}, not {scale}");
        }
    }
}

#[test]
fn the_wheel_may_be_turned_here_and_there() {
    let mut screen = screen(USUAL, (3840, 2160));
    for (x, y, notches) in [
        (300.0, 200.0, 6.0),
        (900.0, 500.0, 3.0),
        (1200.0, 100.0, 2.0),
        (640.0, 360.0, -3.0),
        (500.0, 400.0, -2.0),
    ] {
        let away = turn(&mut screen, pos2(x, y), notches);
        assert!(away.length() < 1.0, "{notches} at {x}, {y}: {away:?}");
    }
}

#[test]
fn the_wheel_stops_at_a_fiftieth_and_at_32_times() {
    let mut screen = screen(USUAL, (1920, 1080));
    let pos = pos2(300.0, 200.0);
    let away = turn(&mut screen, pos, 100.0);
    assert!(away.length() < 1.0, "{away:?}");
    assert_eq!(screen.framing.zoom, Zoom::Scale(32.0));
    assert_eq!(screen.overlay.zoom_words(), "3200");
    let largest = screen.placement();
    turn(&mut screen, pos2(900.0, 500.0), 1.0);
    assert_eq!(screen.placement(), largest, "it grows no more");

    turn(&mut screen, pos, -200.0);
    assert_eq!(screen.framing.zoom, Zoom::Scale(0.02));
    assert_eq!(screen.overlay.zoom_words(), "2");
    let smallest = picture(&screen);
    let middle = smallest.center() - pos2(640.0, 360.0);
    assert!(middle.length() < 1.0, "what is small is in the middle");
    turn(&mut screen, pos, -1.0);
    assert_eq!(picture(&screen), smallest);
    turn(&mut screen, pos, 1.0);
    assert!(picture(&screen).width() > smallest.width());
}

#[test]
fn a_side_that_is_seen_whole_stays_in_the_middle() {
    let mut screen = screen(USUAL, (2048, 858));
    for _ in 0..2 {
        let away = turn(&mut screen, pos2(300.0, 200.0), 1.0);
        assert!(away.x.abs() < 1.0, "{away:?}");
        let picture = picture(&screen);
        assert!(picture.height() < 720.0, "{picture:?}");
        assert!((picture.center().y - 360.0).abs() < 1.0, "{picture:?}");
    }
    // It takes all of the window from here on.
    turn(&mut screen, pos2(300.0, 360.0), 2.0);
    let away = turn(&mut screen, pos2(300.0, 200.0), 3.0);
    assert!(away.length() < 1.0, "{away:?}");
}

#[test]
fn a_drag_moves_the_picture_by_as_much_as_the_pointer() {
    for window in [USUAL, DENSE] {
        let mut screen = screen(window, (3840, 2160));
        turn(&mut screen, pos2(500.0, 300.0), 8.0);
        let (begin, before) = (pos2(400.0, 300.0), picture(&screen).min);
        let press = vec![Event::PointerMoved(begin), mouse(begin, true)];
        assert_eq!(pass(&mut screen, press), []);
        assert_eq!(picture(&screen).min, before, "it is only held");
        let mut end = begin;
        for by in [
            vec2(40.0, 0.0),
            vec2(40.0, -25.0),
            vec2(-130.0, 60.0),
            vec2(-131.0, 61.0),
        ] {
            end = begin + by;
            assert_eq!(pass(&mut screen, vec![Event::PointerMoved(end)]), []);
            let astray = picture(&screen).min - before - by;
            assert!(astray.length() < 0.6, "{by:?}: {astray:?}");
        }
        assert_eq!(pass(&mut screen, vec![mouse(end, false)]), []);
        pass(&mut screen, vec![Event::PointerMoved(begin)]);
        let astray = picture(&screen).min - before - vec2(-131.0, 61.0);
        assert!(astray.length() < 0.6, "nothing holds it: {astray:?}");
    }
}

#[test]
fn moves_and_turns_that_come_together_add_up() {
    let begin = pos2(600.0, 300.0);
    let enlarged = || {
        let mut screen = screen(USUAL, (3840, 2160));
        turn(&mut screen, begin, 8.0);
        screen
    };
    let mut dragged = enlarged();
    let before = picture(&dragged).min;
    pass(
        &mut dragged,
        vec![Event::PointerMoved(begin), mouse(begin, true)],
    );
    let places = [10.0, 25.0, 60.0].map(|right| Event::PointerMoved(begin + vec2(right, -right)));
    pass(&mut dragged, places.to_vec());
    let astray = picture(&dragged).min - before - vec2(60.0, -60.0);
    assert!(astray.length() < 0.6, "{astray:?}");

    let (mut apart, mut together) = (enlarged(), enlarged());
    for _ in 0..3 {
        turn(&mut apart, begin, 1.0);
    }
    let turns = [wheel(1.0), wheel(1.0), wheel(1.0)];
    pass(&mut together, turns.to_vec());
    let (apart, together) = (picture(&apart), picture(&together));
    assert!((apart.width() / together.width() - 1.0).abs() < 0.01);
    assert!(
        (apart.min - together.min).length() < 3.0,
        "{apart:?}, {together:?}"
    );
}

#[test]
fn only_what_is_larger_than_the_view_is_moved() {
    let by = vec2(-60.0, 40.0);
    let is_moved_by = |screen: &mut Screen, expected: Vec2| {
        let moved = pan(screen, by);
        assert!((moved - expected).length() < 0.6, "{moved:?}");
    };
    let mut fitted = screen(USUAL, (3840, 2160));
    is_moved_by(&mut fitted, Vec2::ZERO);
    assert_eq!(fitted.framing, Framing::default());
    turn(&mut fitted, pos2(640.0, 360.0), -3.0);
    is_moved_by(&mut fitted, Vec2::ZERO);

    let mut wide = screen(USUAL, (2048, 858));
    turn(&mut wide, pos2(640.0, 360.0), 1.0);
    is_moved_by(&mut wide, vec2(by.x, 0.0));

    let mut filled = screen(USUAL, (1440, 1080));
    let fill = vec![key_event("Shift+Z"), release_of("Shift+Z")];
    assert_eq!(pass(&mut filled, fill), []);
    assert_eq!(filled.framing.zoom, Zoom::Fill);
    is_moved_by(&mut filled, vec2(0.0, by.y));
    let fit = vec![key_event("Z"), release_of("Z")];
    assert_eq!(pass(&mut filled, fit), []);
    assert_eq!(filled.framing, Framing::default());
}

#[test]
fn a_drag_stops_at_the_edges_and_comes_away_at_once() {
    let mut screen = screen(USUAL, (3840, 2160));
    turn(&mut screen, pos2(640.0, 360.0), 5.0);
    let begin = pos2(600.0, 300.0);
    let press = vec![Event::PointerMoved(begin), mouse(begin, true)];
    pass(&mut screen, press);
    let mut at = |x: f32| {
        pass(&mut screen, vec![Event::PointerMoved(pos2(x, 300.0))]);
        picture(&screen)
    };
    assert!(at(2600.0).left().abs() < 0.6);
    assert!((at(2590.0).left() + 10.0).abs() < 0.6);
    assert!((at(-6000.0).right() - 1280.0).abs() < 0.6);
    assert!((at(-5990.0).right() - 1290.0).abs() < 0.6);
}

#[test]
fn two_clicks_on_an_enlarged_picture_fill_the_screen_and_do_not_move_it() {
    let mut screen = screen(USUAL, (3840, 2160));
    turn(&mut screen, pos2(640.0, 360.0), 5.0);
    let framing = screen.framing;
    // A hand that clicks trembles.
    let click = || {
        let (down, up) = (pos2(600.0, 300.0), pos2(603.0, 302.0));
        vec![mouse(down, true), Event::PointerMoved(up), mouse(up, false)]
    };
    assert_eq!(pass(&mut screen, click()), []);
    screen.wait(150);
    let second = pass(&mut screen, click());
    assert_eq!(second, [UiEvent::Action(Action::ToggleFullscreen)]);
    assert_eq!(screen.framing, framing);
}

/// A usual window with a comparison of pictures of this size.
fn comparison(size: (u32, u32)) -> Screen {
    let mut screen = Screen::usual();
    screen.snapshot = timeline::snapshot();
    let media = Arc::get_mut(screen.snapshot.media.as_mut().unwrap()).unwrap();
    let state = Arc::get_mut(media.timeline.as_mut().unwrap()).unwrap();
    let names = ["a.mov", "b.mov"].map(str::to_owned);
    state.compared = Some(Compared { names });
    resize(&mut screen, size);
    screen
}

fn wipe(position: f32) -> CompareView {
    CompareView {
        mode: CompareMode::Wipe,
        position,
    }
}

/// Where the line of the wipe is painted: across, and from top to bottom.
fn line_of_wipe(screen: &mut Screen) -> Option<(f32, [f32; 2])> {
    let output = screen.pass(Vec::new());
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let x = screen.rect(Zone::Wipe).center().x;
    shapes.iter().find_map(|clipped| match clipped.shape {
        Shape::LineSegment { points, .. } => {
            let is_it = points.iter().all(|point| (point.x - x).abs() < 0.5);
            is_it.then_some((points[0].x, points.map(|point| point.y)))
        }
        _ => None,
    })
}

#[test]
fn the_line_of_a_comparison_is_dragged_as_far_as_the_picture_reaches() {
    let mut screen = comparison((1440, 1080));
    assert_eq!(line_of_wipe(&mut screen), Some((640.0, [0.0, 720.0])));
    let grip = screen.rect(Zone::Wipe).center();
    let pressed = screen.show(vec![Event::PointerMoved(grip), mouse(grip, true)]);
    assert_eq!(pressed, [], "it is only held");
    // The picture lies from 160 to 1120.
    for (x, position) in [
        (400.0, 0.25),
        (880.0, 0.75),
        (-300.0, 0.0),
        (1120.0, 1.0),
        (640.0, 0.5),
        (5000.0, 1.0),
    ] {
        let asked = screen.show(vec![Event::PointerMoved(pos2(x, 900.0))]);
        let view = wipe(position);
        assert_eq!(asked, commands([Command::SetCompare(view)]), "at {x}");
        screen.snapshot.compare = view;
        let expected = 160.0 + 960.0 * position;
        let (x, _) = line_of_wipe(&mut screen).unwrap();
        assert!((x - expected).abs() < 0.1, "{x}, not {expected}");
    }
    let far = pos2(5000.0, 900.0);
    assert_eq!(screen.show(vec![mouse(far, false)]), []);
    let after = screen.show(vec![Event::PointerMoved(pos2(700.0, 300.0))]);
    assert_eq!(after, [], "nothing holds it");
}

#[test]
fn the_line_of_a_comparison_goes_by_arrows_while_it_has_the_keyboard() {
    let mut screen = comparison((1440, 1080));
    let line = egui::Id::unique("zone").with(Zone::Wipe);
    assert_eq!(screen.press("Right"), commands([Command::Step(1)]));
    screen.ctx.memory_mut(|memory| memory.request_focus(line));
    screen.show(Vec::new());
    for (position, key, expected) in [
        (0.5, "Right", Some(0.51)),
        (0.25, "Left", Some(0.24)),
        (1.0, "Right", None),
        (0.0, "Left", None),
    ] {
        screen.snapshot.compare = wipe(position);
        let command = expected.map(|position| Command::SetCompare(wipe(position)));
        let expected: Vec<UiEvent> = command.into_iter().map(UiEvent::Command).collect();
        assert_eq!(screen.press(key), expected, "{key} at {position}");
    }
}

#[test]
fn the_line_of_a_comparison_is_held_where_it_is_seen() {
    let mut screen = comparison((1920, 1080));
    let (on, beside) = (pos2(645.0, 300.0), pos2(652.0, 300.0));
    screen.show(vec![Event::PointerMoved(on)]);
    let output = screen.pass(Vec::new());
    let cursor = output.egui.platform_output.cursor_icon;
    output.egui.drop_without_applying_deltas();
    assert_eq!(cursor, CursorIcon::ResizeHorizontal);
    let both = |pos| vec![mouse(pos, true), mouse(pos, false)];
    let asked = screen.show(both(on));
    assert_eq!(asked, commands([Command::SetCompare(wipe(645.0 / 1280.0))]));
    assert_eq!(screen.show(both(beside)), [], "that is the picture");

    // The line lies at its share of a picture of which a part is seen.
    turn(&mut screen, pos2(400.0, 300.0), 4.0);
    screen.show(Vec::new());
    let picture = picture(&screen);
    let line = screen.rect(Zone::Wipe).center();
    assert!((line.x - picture.center().x).abs() < 0.5, "{line:?}");
    screen.show(vec![Event::PointerMoved(line), mouse(line, true)]);
    let asked = screen.show(vec![Event::PointerMoved(pos2(100.0, 300.0))]);
    let [UiEvent::Command(Command::SetCompare(view))] = asked[..] else {
        panic!("{asked:?}");
    };
    let expected = (100.0 - picture.left()) / picture.width();
    assert!((view.position - expected).abs() < 1e-3, "{view:?}");
    screen.show(vec![mouse(pos2(100.0, 300.0), false)]);

    screen.snapshot.compare.mode = CompareMode::SideBySide;
    screen.show(Vec::new());
    assert_eq!(screen.overlay.zones.rect(Zone::Wipe), None);
}

/// Shows the next kind of guides.
fn next_guides(screen: &mut Screen) {
    assert_eq!(screen.show(vec![Event::Text("'".into())]), []);
}

/// The bright ones of the guides' doubled lines: rectangles, and lines from one end to the other.
fn guides(screen: &mut Screen) -> (Vec<Rect>, Vec<[Pos2; 2]>) {
    let bright = Color32::from_white_alpha(190);
    let output = screen.pass(Vec::new());
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let window = screen.ctx.viewport_rect();
    let (mut areas, mut lines) = (Vec::new(), Vec::new());
    for clipped in &shapes {
        match &clipped.shape {
            Shape::Rect(rect) if rect.stroke.color == bright => areas.push(rect.rect),
            Shape::LineSegment { points, stroke } if stroke.color == bright => lines.push(*points),
            _ => continue,
        }
        let clip = clipped.clip_rect;
        assert!(window.contains_rect(clip), "{clip:?}");
    }
    (areas, lines)
}

/// Checks that both safe areas are parts of the picture: SMPTE ST 2046-1 §5.
fn check_areas(areas: &[Rect], picture: Rect) {
    assert_eq!(areas.len(), 2, "{areas:?}");
    for (area, part) in areas.iter().zip([0.93, 0.9]) {
        let aside = area.center() - picture.center();
        let wrong = area.size() - picture.size() * part;
        assert!(aside.length() < 0.1 && wrong.length() < 0.1, "{areas:?}");
    }
}

fn check_lines(lines: &[[Pos2; 2]], expected: &[[(f32, f32); 2]]) {
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, ends) in lines.iter().zip(expected) {
        for (point, end) in line.iter().zip(ends) {
            assert!(point.distance((*end).into()) < 0.1, "{line:?}: {ends:?}");
        }
    }
}

#[test]
fn safe_areas_are_parts_of_the_picture_wherever_it_lies() {
    for (size, place) in [
        ((3840, 2160), [0.0, 0.0, 1280.0, 720.0]),
        ((1440, 1080), [160.0, 0.0, 960.0, 720.0]),
        ((2048, 858), [0.0, 92.0, 1280.0, 536.0]),
    ] {
        let mut screen = screen(USUAL, size);
        assert_eq!(guides(&mut screen), (Vec::new(), Vec::new()));
        next_guides(&mut screen);
        let (areas, lines) = guides(&mut screen);
        let [x, y, width, height] = place;
        check_areas(&areas, Rect::from_min_size(pos2(x, y), vec2(width, height)));
        assert!(lines.is_empty(), "{lines:?}");
        turn(&mut screen, pos2(500.0, 200.0), 6.0);
        let (areas, _) = guides(&mut screen);
        check_areas(&areas, picture(&screen));
    }
}

#[test]
fn the_centre_and_the_thirds_are_those_of_the_picture() {
    // It lies from 160 to 1120: an arm of the cross is 4 % of its height.
    let mut screen = screen(USUAL, (1440, 1080));
    let cross = [
        [(611.2, 360.0), (668.8, 360.0)],
        [(640.0, 331.2), (640.0, 388.8)],
    ];
    let thirds = [
        [(160.0, 240.0), (1120.0, 240.0)],
        [(480.0, 0.0), (480.0, 720.0)],
        [(160.0, 480.0), (1120.0, 480.0)],
        [(800.0, 0.0), (800.0, 720.0)],
    ];
    next_guides(&mut screen);
    next_guides(&mut screen);
    let (areas, lines) = guides(&mut screen);
    check_lines(&lines, &cross);
    assert!(areas.is_empty(), "{areas:?}");
    next_guides(&mut screen);
    let (areas, lines) = guides(&mut screen);
    check_lines(&lines, &thirds);
    assert!(areas.is_empty(), "{areas:?}");
    next_guides(&mut screen);
    let (areas, lines) = guides(&mut screen);
    check_areas(&areas, picture(&screen));
    check_lines(&lines, &[&cross[..], &thirds].concat());
    next_guides(&mut screen);
    assert_eq!(guides(&mut screen), (Vec::new(), Vec::new()));
}
