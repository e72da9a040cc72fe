//! What comes and goes by itself, and what is drawn again for it.

use egui::{Event, pos2, vec2};

use super::Screen;
use crate::playback::{Notice, PlaybackStatus, Severity};
use crate::time::{FrameIndex, Moment};
use crate::ui::Panel;
use crate::ui::pointer::{Button, Zone};

#[test]
fn bar_and_title_hide_while_it_plays_and_come_back() {
    let mut screen = Screen::usual();
    screen.snapshot.status = PlaybackStatus::Playing;
    let over_picture = pos2(600.0, 300.0);
    screen.show(vec![Event::PointerMoved(over_picture)]);
    screen.wait(2_900);
    let output = screen.pass(Vec::new());
    assert_eq!(output.repaint_at, Some(Moment::from_nanos(3_000_000_000)));
    output.egui.drop_without_applying_deltas();
    assert!(screen.overlay.zones.rect(Zone::Bar).is_some());
    screen.wait(100);
    assert!(screen.overlay.is_stale(&screen.input()));
    let output = screen.pass(Vec::new());
    assert_eq!(
        output.egui.platform_output.cursor_icon,
        egui::CursorIcon::None
    );
    output.egui.drop_without_applying_deltas();
    assert!(screen.overlay.zones.rect(Zone::Bar).is_none());
    screen.show(vec![Event::PointerMoved(over_picture + vec2(3.0, 0.0))]);
    assert!(screen.overlay.zones.rect(Zone::Bar).is_some());
}

#[test]
fn the_bar_stays_under_a_resting_pointer_and_while_paused() {
    let mut screen = Screen::usual();
    screen.wait(60_000);
    screen.show(Vec::new());
    assert!(screen.overlay.zones.rect(Zone::Bar).is_some(), "paused");
    screen.snapshot.status = PlaybackStatus::Playing;
    let on_bar = screen.rect(Zone::Button(Button::Loop)).center();
    screen.show(vec![Event::PointerMoved(on_bar)]);
    screen.wait(60_000);
    screen.show(Vec::new());
    assert!(
        screen.overlay.zones.rect(Zone::Bar).is_some(),
        "the pointer rests on it"
    );
    screen.show(vec![Event::PointerGone]);
    screen.show(Vec::new());
    assert!(
        screen.overlay.zones.rect(Zone::Bar).is_none(),
        "the pointer has left"
    );
}

#[test]
fn nothing_is_drawn_again_when_nothing_changed() {
    let mut screen = Screen::usual();
    let settled = screen.pass(Vec::new());
    assert!(!settled.redraw, "the second pass looks like the first");
    assert_eq!(
        settled.repaint_at, None,
        "paused, nothing changes by itself"
    );
    settled.egui.drop_without_applying_deltas();
    assert!(!screen.overlay.is_stale(&screen.input()));
    screen.snapshot.position = FrameIndex(738);
    assert!(
        screen.overlay.is_stale(&screen.input()),
        "the bar shows the frame"
    );
    let moved = screen.pass(Vec::new());
    assert!(moved.redraw);
    moved.egui.drop_without_applying_deltas();

    screen.snapshot.status = PlaybackStatus::Playing;
    screen.wait(4_000);
    screen.show(Vec::new());
    screen.snapshot.position = FrameIndex(800);
    assert!(
        !screen.overlay.is_stale(&screen.input()),
        "hidden, it shows no frame"
    );
    let hidden = screen.pass(Vec::new());
    assert!(!hidden.redraw && hidden.repaint_at.is_none());
    let shapes = hidden.egui.shapes.len();
    hidden.egui.drop_without_applying_deltas();
    assert_eq!(shapes, 0, "and paints nothing");
}

#[test]
fn a_panel_is_drawn_again_when_what_it_shows_is_another_and_not_before() {
    for panel in Panel::ALL {
        let mut screen = Screen::usual();
        screen.overlay.open(panel);
        for _ in 0..4 {
            screen.wait(1_000);
            screen.show(Vec::new());
        }
        let settled = screen.pass(Vec::new());
        let asked = (settled.redraw, settled.repaint_at);
        settled.egui.drop_without_applying_deltas();
        assert_eq!(asked, (false, None), "{panel:?}");
        screen.wait(60_000);
        assert!(!screen.overlay.is_stale(&screen.input()), "{panel:?}");
        screen.panels.edition += 1;
        assert!(screen.overlay.is_stale(&screen.input()), "{panel:?}");
    }
}

#[test]
fn notices_come_and_go_and_can_be_clicked_away() {
    let mut screen = Screen::usual();
    let text = "The device has gone.".to_owned();
    screen.snapshot.notices = vec![Notice {
        severity: Severity::Warning,
        text,
    }];
    let output = screen.pass(Vec::new());
    assert!(output.redraw);
    output.egui.drop_without_applying_deltas();
    assert!(screen.overlay.zones.rect(Zone::Toast(0)).is_some());
    screen.click_zone(Zone::Toast(0));
    screen.show(Vec::new());
    assert!(screen.overlay.zones.rect(Zone::Toast(0)).is_none());
}

#[test]
fn a_notice_is_news_whatever_is_seen() {
    let mut screen = Screen::usual();
    screen.show(Vec::new());
    assert!(!screen.overlay.is_stale(&screen.input()));
    screen.snapshot.notices.push(Notice {
        severity: Severity::Warning,
        text: "Graphics memory ran out.".to_owned(),
    });
    assert!(screen.overlay.is_stale(&screen.input()));
}
