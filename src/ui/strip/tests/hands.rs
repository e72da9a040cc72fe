//! What clicks, drags and keys ask for.

use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use super::*;

#[test]
fn a_click_goes_to_the_frame_under_it() {
    let mut desk = Desk::new(usual());
    let lane = desk.places().row(2).center().y;
    for (frame, y) in [(0, 6.0), (123, 6.0), (299, 6.0), (77, lane), (230, lane)] {
        let pos = desk.at(frame, y);
        desk.show(vec![Event::PointerMoved(pos)]);
        // A press and its release that arrive together.
        let both = desk.show(vec![mouse(pos, true), mouse(pos, false)]);
        assert_eq!(both, commands([scrub(frame), Command::EndScrub]), "{frame}");
        let pressed = desk.show(vec![mouse(pos, true)]);
        assert_eq!(pressed, commands([scrub(frame)]));
        let released = desk.show(vec![mouse(pos, false)]);
        assert_eq!(released, commands([Command::EndScrub]));
        assert_eq!(desk.show(Vec::new()), []);
    }
}

#[test]
fn a_drag_scrubs_and_ends_the_scrub() {
    let mut desk = Desk::new(usual());
    let empty = desk.places().row(0).center().y;
    for y in [6.0, empty] {
        let at = |desk: &Desk, frame| desk.at(frame, y);
        let begin = at(&desk, 210);
        desk.show(vec![Event::PointerMoved(begin)]);
        assert_eq!(desk.show(vec![mouse(begin, true)]), commands([scrub(210)]));
        let moves = [220, 240].map(|frame| Event::PointerMoved(at(&desk, frame)));
        assert_eq!(
            desk.show(moves.to_vec()),
            commands([scrub(240)]),
            "only the last place counts"
        );
        assert_eq!(desk.show(Vec::new()), [], "nothing changed");
        // The playhead is where the hand is, whatever the engine says by now.
        assert_eq!(desk.strip.hand.scrubbed(), Some(FrameIndex(240)));
        let beyond = pos2(5_000.0, y);
        assert_eq!(
            desk.show(vec![Event::PointerMoved(beyond)]),
            commands([scrub(299)])
        );
        let last = at(&desk, 150);
        let end = desk.show(vec![Event::PointerMoved(last), mouse(last, false)]);
        assert_eq!(end, commands([scrub(150), Command::EndScrub]));
        assert_eq!(desk.strip.hand.scrubbed(), None);
    }
}

#[test]
fn a_panel_that_is_closed_lets_go_of_the_playhead() {
    let mut desk = Desk::new(usual());
    let pos = desk.on_ruler(40);
    desk.show(vec![Event::PointerMoved(pos)]);
    assert_eq!(desk.show(vec![mouse(pos, true)]), commands([scrub(40)]));
    let mut events = Vec::new();
    desk.strip.settle(&mut events);
    assert_eq!(events, commands([Command::EndScrub]));
    desk.strip.settle(&mut events);
    assert_eq!(events.len(), 1, "once");
}

#[test]
fn a_bar_at_the_right_scrolls_through_tracks_that_do_not_fit() {
    let tracks: Vec<_> = (0..30)
        .map(|_| track("", "Video", &[clip("a", "here.mov", 100)]))
        .collect();
    let mut desk = Desk::new(timeline(&tracks, &[]));
    let seen = |desk: &Desk| desk.places().rows_seen(30);
    assert_eq!(seen(&desk).start, 0);
    let (_, thumb, _) = desk.places().upright(30).unwrap();
    let grip = thumb.center();
    desk.show(vec![Event::PointerMoved(grip)]);
    assert_eq!(desk.show(vec![mouse(grip, true)]), [], "no scrub");
    let down = pos2(grip.x, grip.y + 400.0);
    assert_eq!(desk.show(vec![Event::PointerMoved(down)]), []);
    desk.show(vec![mouse(down, false)]);
    assert_eq!(seen(&desk).end, 30);
    let (bar, thumb, _) = desk.places().upright(30).unwrap();
    assert!((thumb.bottom() - bar.bottom()).abs() < 0.5, "{thumb:?}");
    assert!(Desk::new(usual()).places().upright(3).is_none());
}

#[test]
fn a_hand_beyond_the_edge_draws_the_view_along() {
    let mut desk = Desk::new(file(10_000));
    let pos = desk.on_ruler(0);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(16.0, Modifiers::CTRL)]);
    let begin = desk.scale().visible();
    desk.show(vec![mouse(pos, true)]);
    let beyond = pos2(desk.places().lanes.right() + 30.0, pos.y);
    for _ in 0..5 {
        desk.show(vec![Event::PointerMoved(beyond)]);
        desk.show(Vec::new());
        let held = desk.strip.hand.scrubbed().unwrap();
        assert!(desk.scale().visible().contains(&held), "{held}");
    }
    assert!(desk.scale().visible().start > begin.start);
}

#[test]
fn a_marker_goes_to_its_frame() {
    let mut desk = Desk::new(usual());
    let marker = |desk: &Desk, frame| {
        let x = desk.at(frame, 0.0).x;
        pos2(x, desk.places().ruler.bottom() - 8.0)
    };
    for frame in [50, 200] {
        let pos = marker(&desk, frame);
        desk.show(vec![Event::PointerMoved(pos)]);
        let asked = desk.show(vec![mouse(pos, true), mouse(pos, false)]);
        assert_eq!(asked, commands([seek(frame)]));
    }
    let mut fresh = Desk::new(usual());
    let pos = marker(&fresh, 50);
    let told = fresh.tip(pos);
    assert!(told.contains("first: look"), "{told}");
}

#[test]
fn marks_are_dragged_at_their_handles() {
    let mut desk = Desk::new(usual());
    desk.snapshot.mark_in = Some(FrameIndex(60));
    desk.snapshot.mark_out = Some(FrameIndex(120));
    desk.show(Vec::new());
    let y = desk.places().ruler.bottom() - 4.0;
    let border = |desk: &Desk, frame| pos2(desk.at(frame, y).x - 1.6, y);
    let mut drag = |from: Pos2, to: Pos2| {
        desk.show(vec![Event::PointerMoved(from)]);
        let mut asked = desk.show(vec![mouse(from, true)]);
        asked.extend(desk.show(vec![Event::PointerMoved(from.lerp(to, 0.5))]));
        asked.extend(desk.show(vec![Event::PointerMoved(to)]));
        asked.extend(desk.show(vec![mouse(to, false)]));
        asked.extend(desk.show(Vec::new()));
        asked
    };
    let probe = Desk::new(usual());
    let asked = drag(border(&probe, 60) + vec2(3.0, 0.0), border(&probe, 80));
    assert_eq!(asked, commands([Command::SetIn(Some(FrameIndex(80)))]));
    // The out mark is the last frame of the range: its handle ends where that frame does.
    let asked = drag(border(&probe, 121) - vec2(3.0, 0.0), border(&probe, 180));
    assert_eq!(asked, commands([Command::SetOut(Some(FrameIndex(179)))]));
    let asked = drag(border(&probe, 60) + vec2(3.0, 0.0), border(&probe, 290));
    assert_eq!(
        asked,
        commands([Command::SetIn(Some(FrameIndex(120)))]),
        "not beyond the other"
    );
}

#[test]
fn the_scroll_bar_moves_the_view() {
    let mut desk = Desk::new(file(10_000));
    let pos = desk.on_ruler(0);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(12.0, Modifiers::CTRL)]);
    let bar = desk.places().along;
    let begin = bar.left_center() + vec2(4.0, 0.0);
    desk.show(vec![Event::PointerMoved(begin)]);
    desk.show(vec![mouse(begin, true)]);
    assert_eq!(
        desk.scale().visible().start,
        FrameIndex::ZERO,
        "it is only held"
    );
    desk.show(vec![Event::PointerMoved(pos2(5_000.0, begin.y))]);
    assert_eq!(desk.scale().visible().end, FrameIndex(10_000));
    desk.show(vec![mouse(pos2(5_000.0, begin.y), false)]);
    assert_eq!(desk.show(Vec::new()), [], "the playhead stays where it is");
}

#[test]
fn a_click_on_what_went_wrong_goes_to_the_worst_of_it() {
    use crate::metrics::{FrameFate, FrameRecord, Stage, StageTimes};
    let mut desk = Desk::new(usual());
    let due = Moment::from_nanos(1_000_000_000);
    for (frame, late_millis) in [(140, 20), (141, 90), (142, 30)] {
        desk.blame.record(&FrameRecord {
            generation: 1,
            ordinal: 0,
            frame: FrameIndex(frame),
            fate: FrameFate::Late,
            blame: Some(Stage::Upload),
            due,
            presented: Some(due.offset_nanos(late_millis * 1_000_000)),
            stages: StageTimes::NONE,
            awaits_gpu: false,
            approximate: false,
        });
    }
    let pos = desk.at(141, desk.places().blame.center().y);
    let told = desk.tip(pos);
    for words in ["1 of 1 frames went wrong: 1 late", "upload", "90.0 ms late"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let asked = desk.show(vec![mouse(pos, true), mouse(pos, false)]);
    assert_eq!(asked, commands([seek(141)]));
    let smooth = desk.at(10, desk.places().blame.center().y);
    desk.show(vec![Event::PointerMoved(smooth)]);
    let asked = desk.show(vec![mouse(smooth, true), mouse(smooth, false)]);
    assert_eq!(asked, [], "nothing is known there");
    let on_kept = desk.at(141, desk.places().kept.center().y);
    desk.show(vec![Event::PointerMoved(on_kept)]);
    let asked = desk.show(vec![mouse(on_kept, true), mouse(on_kept, false)]);
    assert_eq!(asked, [], "a click beside the strip is none on it");
}

/// Shows a desk's panel in a harness that finds controls by their names.
fn harness(desk: Desk) -> Harness<'static, (Desk, Vec<UiEvent>)> {
    let show = |ui: &mut egui::Ui, (desk, events): &mut (Desk, Vec<UiEvent>)| {
        style::apply(ui.ctx());
        let stats = ViewStats::default();
        let (keys, panels) = (KeyMap::default(), PanelData::default());
        let input = UiInput {
            snapshot: &desk.snapshot,
            stats: &stats,
            keys: &keys,
            now: Moment::ZERO,
            fullscreen: false,
            failure: None,
            audio_devices: &[],
            audio_device: None,
            waveform: None,
            thumbnails: None,
            on_device: &[],
            blame: &desk.blame,
            placement: None,
            pixel: None,
            profile: None,
            panels: &panels,
        };
        desk.strip.show(ui, &input, events);
    };
    let mut harness = Harness::builder()
        .with_size(vec2(1_116.0, 320.0))
        .build_ui_state(show, (desk, Vec::new()));
    harness.run_steps(2);
    harness
}

#[test]
fn everything_has_a_name() {
    let mut harness = harness(Desk::new(usual()));
    for name in [
        "Titles, video track, 1 clip",
        "V1, video track, 3 clips",
        "A1, audio track, 1 clip",
        "title, Titles, 00:00:00:20 to 00:00:02:01",
        "lost, V1, 00:00:10:10 to 00:00:12:11, missing",
        "Marker: second: look",
        "Tracks",
        "Frames that went wrong",
        "Scroll along the timeline",
    ] {
        assert!(harness.query_by_label(name).is_some(), "{name}");
    }
    let before = harness.state().0.scale().points_a_frame();
    harness.get_by_label("Zoom in").click();
    harness.run_steps(2);
    let zoomed = harness.state().0.scale().points_a_frame();
    assert!(
        (zoomed / before - 2.0).abs() < 1e-6,
        "{zoomed} is not twice {before}"
    );
    harness.get_by_label("Zoom out").click();
    harness.run_steps(2);
    harness.get_by_label("Zoom in").click();
    harness.run_steps(2);
    harness.get_by_label("Show all of it").click();
    harness.run_steps(2);
    assert!((harness.state().0.scale().points_a_frame() - before).abs() < 1e-9);
    harness
        .get_by_label("two, V1, 00:00:04:04 to 00:00:08:07")
        .click();
    harness.run_steps(2);
    let asked = &harness.state().1;
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[1], UiEvent::Command(Command::EndScrub));
}

#[test]
fn the_ruler_is_a_slider_for_keys_and_screen_readers() {
    use egui::Key;
    let mut harness = harness(Desk::new(usual()));
    let ruler = harness.get_by_label("Timeline ruler, of 300 frames");
    assert_eq!(ruler.accesskit_node().numeric_value(), Some(0.0));
    assert_eq!(ruler.value().as_deref(), Some("00:00:00:00"));
    ruler.focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    harness.run_steps(2);
    // Space is the player's: see `focus`.
    harness.key_press(Key::Space);
    harness.run_steps(2);
    let asked = std::mem::take(&mut harness.state_mut().1);
    assert_eq!(asked, commands([Command::Step(1), Command::Step(-10)]));
    assert!(
        harness
            .get_by_label("Timeline ruler, of 300 frames")
            .is_focused()
    );
}
