//! Every text is on the screen, whole, and apart from every other.

use egui::epaint::{ClippedShape, RectShape, Shape};
use egui::{Event, Rect, pos2};

use super::badges::all_traits;
use super::{Screen, docked, fixture, key_event, timeline};
use crate::cache::thumbnails::ThumbnailStrip;
use crate::media::Size;
use crate::playback::{Notice, PlaybackStatus, Severity};
use crate::time::{FrameIndex, Speed};
use crate::ui::badges::Subject;
use crate::ui::pointer::Zone;
use crate::ui::timeline_view::Trouble;
use crate::ui::{Failure, Panel};

/// Windows in pixels, with pixels a point.
const WINDOWS: [(f32, f32, f32); 11] = [
    (640.0, 360.0, 1.0),
    (640.0, 360.0, 1.5),
    (640.0, 360.0, 2.0),
    (640.0, 360.0, 3.0),
    (854.0, 480.0, 1.25),
    (1280.0, 720.0, 1.0),
    (1280.0, 720.0, 2.0),
    (1920.0, 1080.0, 1.0),
    (1920.0, 1080.0, 3.0),
    (3840.0, 2160.0, 1.0),
    (3840.0, 2160.0, 3.0),
];

/// A text on the screen: its place and its words.
struct Text {
    rect: Rect,
    /// The ink of each of its rows: words that are wrapped may begin beside others.
    rows: Vec<Rect>,
    clip: Rect,
    words: String,
    elided: bool,
}

/// The texts that can be seen: those that a later, nearly opaque rectangle covers are gone. Where it
/// covers a part only, that part is gone.
fn visible_texts(shapes: &[ClippedShape]) -> Vec<Text> {
    let mut texts: Vec<Text> = Vec::new();
    for ClippedShape {
        clip_rect, shape, ..
    } in shapes
    {
        collect(shape, *clip_rect, &mut texts);
    }
    texts
}

fn collect(shape: &Shape, clip: Rect, texts: &mut Vec<Text>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, clip, texts)),
        Shape::Text(text) => texts.push(Text {
            // Of words that end at a place, that is the galley's zero.
            rect: text.galley.rect.translate(text.pos.to_vec2()),
            rows: rows(text),
            clip,
            words: text.galley.text().to_owned(),
            elided: text.galley.elided,
        }),
        Shape::Rect(RectShape { rect, fill, .. }) if fill.a() > 220 => {
            texts.retain(|text| !rect.intersects(text.rect.shrink(1.0)));
        }
        _ => {}
    }
}

fn rows(text: &egui::epaint::TextShape) -> Vec<Rect> {
    let ink = text.galley.rows.iter().map(|row| {
        let bounds = row.visuals.mesh_bounds;
        bounds.translate(row.pos.to_vec2() + text.pos.to_vec2())
    });
    ink.filter(Rect::is_positive).collect()
}

/// Checks the next pass; `elided` says whether a text may end in an ellipsis. Answers the texts.
fn check(screen: &mut Screen, what: &str, elided: impl Fn(&str) -> bool) -> Vec<Text> {
    let output = screen.pass(Vec::new());
    let window = screen.ctx.viewport_rect();
    let texts = visible_texts(&output.egui.shapes);
    output.egui.drop_without_applying_deltas();
    let at = format!("{what} in {:?} at {}x", screen.size, screen.scale);
    assert!(!texts.is_empty(), "{at}: there is something to read");
    for (index, text) in texts.iter().enumerate() {
        let inside = window.intersect(text.clip).expand(0.5);
        assert!(
            inside.contains_rect(text.rect),
            "{at}: “{}” is cut: {:?}",
            text.words,
            text.rect
        );
        assert!(
            !text.elided || elided(&text.words),
            "{at}: “{}” is shortened",
            text.words
        );
        for other in &texts[..index] {
            // Glyphs do not fill the height of their line.
            let apart = !text.rect.shrink(1.0).intersects(other.rect.shrink(1.0));
            assert!(
                apart,
                "{at}: “{}” {:?} and “{}” {:?} overlap",
                text.words, text.rect, other.words, other.rect
            );
        }
    }
    texts
}

fn everywhere(what: &str, prepare: impl Fn(&mut Screen), elided: impl Fn(&str) -> bool) {
    for (width, height, scale) in WINDOWS {
        let mut screen = Screen::new(width, height, scale);
        prepare(&mut screen);
        screen.show(Vec::new());
        check(&mut screen, what, &elided);
    }
}

fn never(_: &str) -> bool {
    false
}

#[test]
fn the_bar_and_the_title_fit() {
    everywhere("the bar", |_| {}, never);
    let many_frames = |screen: &mut Screen| {
        // Ten hours at 59.94.
        screen.snapshot = fixture::snapshot(2_157_842, 2_157_841);
        screen.snapshot.status = PlaybackStatus::Paused;
        screen.snapshot.speed = Speed::from_quarters(-31).unwrap();
        screen.snapshot.view.exposure_stops = -11.75;
        screen.snapshot.view.gamma = 2.2;
        screen.snapshot.muted = true;
    };
    everywhere("the bar of a long medium", many_frames, never);
}

#[test]
fn the_picture_under_the_pointer_fits() {
    let hover = |place: f32| {
        move |screen: &mut Screen| {
            let size = Size::new(160, 90).unwrap();
            let frames: Vec<i64> = (0..18).map(|n| n * 100).collect();
            screen.thumbnails = Some(ThumbnailStrip::of_frames(size, &frames, 100));
            let lane = screen.rect(Zone::Scrub);
            let x = lane.left() + lane.width() * place;
            screen.show(vec![Event::PointerMoved(pos2(x, lane.center().y))]);
        }
    };
    for place in [0.01, 0.5, 0.99] {
        everywhere("the picture under the pointer", hover(place), never);
    }
}

#[test]
fn a_long_name_is_shortened_and_gives_way_to_badges() {
    let long = |screen: &mut Screen| {
        let mut media = fixture::media(100);
        let mut info = (*media.info).clone();
        info.path = format!("/media/{}.mov", "a_rather_long_name_of_a_take".repeat(8)).into();
        media.info = info.into();
        screen.snapshot.media = Some(media.into());
        screen.snapshot.traits = all_traits();
        screen.snapshot.position = FrameIndex(7);
    };
    everywhere("a long name", long, |words| {
        words.contains("a_rather_long_name")
    });
}

#[test]
fn the_performance_panel_fits() {
    for (width, height, scale) in WINDOWS {
        let mut screen = Screen::new(width, height, scale);
        screen.overlay.set_performance(true);
        let texts = check(&mut screen, "the panel", never);
        for label in ["Present", "upload", "Clock", "Adapter", "Overlay"] {
            let shown = texts.iter().any(|text| text.words == label);
            assert!(
                shown,
                "{label} is missing in {width} x {height} at {scale}x"
            );
        }
    }
    let worst = |screen: &mut Screen| {
        screen.overlay.set_performance(true);
        screen.snapshot.clock = crate::playback::ClockSource::Fallback;
        screen.stats.frames.shown = 2_157_842;
        screen.stats.frames.repeated = 1_157_842;
        screen.stats.frames.dropped.decode = 999_999;
        screen.stats.intervals.push_ms(5_000.0);
        screen.stats.pool_bytes = (1_870_000_000, 2_000_000_000);
        let figures = crate::ui::CacheFigures {
            bytes: 1_650_000_000,
            limit_bytes: 1_700_000_000,
            hits: 2_157_842,
            misses: 157_842,
        };
        screen.stats.cache = Some(figures);
        screen.stats.textures = Some(figures);
        screen.stats.pressure = crate::memory::Pressure::Critical;
    };
    everywhere("the panel at its fullest", worst, never);
    // What is rare shows only where it happened.
    let seen = |screen: &mut Screen| {
        screen.overlay.set_performance(true);
        let texts = check(screen, "the panel with trouble", |words| {
            words.contains("quite long")
        });
        let shows = |words: &str| texts.iter().any(|text| text.words == words);
        [
            "damaged",
            "underruns",
            "off pool",
            "foreign",
            "repacked",
            "Note",
        ]
        .map(shows)
    };
    let mut screen = Screen::new(1280.0, 720.0, 1.0);
    assert_eq!(seen(&mut screen), [false; 6]);
    let mut screen = Screen::new(1280.0, 720.0, 1.0);
    screen.snapshot.damaged_packets = 12;
    screen.snapshot.underruns = 3;
    screen.snapshot.outside_pool = (40, 5_000);
    screen.snapshot.repacked = 99_999;
    screen.snapshot.audio_note = Some("The device of the quite long name is not there.".to_owned());
    assert_eq!(seen(&mut screen), [true; 6]);
}

/// Points that a window is wide where panels are open: with fewer nobody opens one.
const LEAST_FOR_PANELS: f32 = 640.0;

#[test]
fn every_docked_panel_fits() {
    let is_wide = |(width, _, scale): &(f32, f32, f32)| width / scale >= LEAST_FOR_PANELS;
    for (width, height, scale) in WINDOWS.into_iter().filter(is_wide) {
        // What is painted to a scale of time ends where its panel does.
        let is_painted = |panel: &Panel| matches!(panel, Panel::Timeline | Panel::Profiler);
        for panel in Panel::ALL.into_iter().filter(|panel| !is_painted(panel)) {
            let mut screen = Screen::new(width, height, scale);
            screen.panels = docked::data();
            screen.overlay.open(panel);
            for _ in 0..3 {
                screen.show(Vec::new());
            }
            let output = screen.pass(Vec::new());
            let texts = visible_texts(&output.egui.shapes);
            output.egui.drop_without_applying_deltas();
            let at = format!("{panel:?} in {width} × {height} at {scale}x");
            // What lies further down is scrolled to.
            let seen: Vec<&Text> = texts
                .iter()
                .filter(|text| text.clip.y_range().contains(text.rect.center().y))
                .collect();
            for (index, text) in seen.iter().enumerate() {
                let (across, room) = (text.rect.x_range(), text.clip.x_range().expand(0.5));
                let is_whole = room.contains(across.min) && room.contains(across.max);
                assert!(is_whole, "{at}: “{}” is cut: {:?}", text.words, text.rect);
                for other in &seen[..index] {
                    let meets = |row: &&Rect| {
                        other
                            .rows
                            .iter()
                            .any(|rect| rect.shrink(1.0).intersects(**row))
                    };
                    let met = text.rows.iter().find(meets);
                    assert_eq!(
                        met, None,
                        "{at}: “{}” and “{}” overlap",
                        text.words, other.words
                    );
                }
            }
        }
    }
}

#[test]
fn placeholders_fit() {
    everywhere(
        "the welcome",
        |screen| screen.snapshot = fixture::empty_snapshot(),
        never,
    );
    let failed = |screen: &mut Screen| {
        screen.snapshot = fixture::empty_snapshot();
        screen.failure = Some(Failure {
            name: "A007_C012_0417_v2.mov",
            reason: "The file ends before its index: it was not written to the end, or not copied \
                     completely.",
            fix: "Copy it again, or repair it with a good file from the same camera.",
        });
    };
    everywhere("a failure", failed, never);
}

#[test]
fn the_prompt_and_the_menu_fit() {
    let prompt = |screen: &mut Screen| {
        screen.show(vec![key_event("Ctrl+G")]);
        screen.show(vec![Event::Text("soon".into())]);
        screen.show(vec![key_event("Enter")]);
    };
    everywhere("the prompt", prompt, never);
    let menu = |screen: &mut Screen| {
        screen
            .devices
            .push("A monitor with a name that is far too long for any menu".to_owned());
        screen.click(super::Button::Audio);
    };
    everywhere("the menu", menu, |words| words.starts_with("A monitor"));
}

#[test]
fn tips_and_notices_fit() {
    let lane = |screen: &mut Screen| {
        let lane = screen.rect(super::Zone::Scrub);
        screen.show(vec![Event::PointerMoved(pos2(
            lane.right() - 1.0,
            lane.center().y,
        ))]);
    };
    everywhere("the end of the lane", lane, never);
    let corner = |screen: &mut Screen| {
        let button = screen.rect(super::Zone::Button(super::Button::Fullscreen));
        screen.show(vec![Event::PointerMoved(button.center())]);
        screen.wait(600);
    };
    everywhere("the tip in the corner", corner, never);
    let notices = |screen: &mut Screen| {
        let text = "The sound device has gone; playback goes on without sound until it is back, \
                    and says so when it is."
            .to_owned();
        let notice = Notice {
            severity: Severity::Error,
            text,
        };
        screen.snapshot.notices = vec![notice; 8];
    };
    everywhere("notices", notices, never);
}

#[test]
fn what_is_said_of_a_timeline_fits() {
    let snapshot = timeline::snapshot();
    let badges = |screen: &mut Screen| screen.snapshot = snapshot.clone();
    everywhere("badges", badges, never);
    let marker = |screen: &mut Screen| {
        badges(screen);
        screen.show(Vec::new());
        let lane = screen.rect(super::Zone::Scrub);
        let x = lane.left() + 6.0 + (lane.width() - 12.0) * 30.0 / 74.0;
        screen.show(vec![Event::PointerMoved(pos2(x, lane.center().y))]);
    };
    everywhere("a marker", marker, never);
    for trouble in Trouble::ALL {
        let told = |screen: &mut Screen| {
            badges(screen);
            screen.show(Vec::new());
            // In a small window badges are counted, not shown.
            if let Some(badge) = screen
                .overlay
                .zones
                .rect(super::Zone::Badge(Subject::Trouble(trouble)))
            {
                screen.show(vec![Event::PointerMoved(badge.center())]);
            }
        };
        everywhere("what a badge counts", told, never);
    }
}

#[test]
fn the_help_fits_where_it_need_not_scroll_and_can_be_scrolled_elsewhere() {
    for (width, height, scale) in WINDOWS {
        let mut screen = Screen::new(width, height, scale);
        screen.show(vec![key_event("F1")]);
        let points = screen.ctx.viewport_rect().size();
        if points.x >= 1280.0 && points.y >= 720.0 {
            check(&mut screen, "the help", never);
        }
        let wheel = Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: egui::vec2(0.0, -100_000.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: egui::Modifiers::NONE,
        };
        let center = screen.ctx.viewport_rect().center();
        screen.show(vec![Event::PointerMoved(center), wheel]);
        let output = screen.pass(Vec::new());
        let texts = visible_texts(&output.egui.shapes);
        output.egui.drop_without_applying_deltas();
        let last = texts.iter().find(|text| text.words == "Ctrl+Shift+D");
        let last = last.expect("the last key is there once scrolled down");
        assert!(
            last.clip.expand(0.5).contains_rect(last.rect),
            "and whole: {:?}",
            last.rect
        );
    }
}
