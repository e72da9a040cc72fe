//! A timeline on the screen: cuts and markers on the lane, and what is amiss.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Event, Mesh, Shape, pos2};

use super::{Screen, commands, fixture};
use crate::media::PictureTraits;
use crate::playback::{
    Command, Displaced, PlaybackStatus, SeekTarget, Snapshot, TimelineSettings, TimelineState,
};
use crate::ui::badges::Subject;
use crate::ui::pointer::Zone;
use crate::ui::style;
use crate::ui::timeline_view::Trouble;

/// Three shots of a second from two reels that are nowhere, a marker at frame 30, and a line that means
/// nothing.
const EDL: &str = "TITLE: CUT\nFCM: NON-DROP FRAME\n\
    001  A001C001 V     C        01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00\n\
    M2   A001C001       what                01:00:00:00\n\
    002  A002C001 V     C        01:00:00:00 01:00:01:00 01:00:01:00 01:00:02:00\n\
    * LOC: 01:00:01:05 RED Look here\n\
    003  A001C001 V     C        01:00:00:00 01:00:01:00 01:00:02:00 01:00:03:00\n";

/// The engine with that timeline held at its first frame.
pub(super) fn snapshot() -> Snapshot {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.edl");
    std::fs::write(&path, EDL).unwrap();
    let settings = TimelineSettings {
        rate: Some("25".parse().unwrap()),
        ..TimelineSettings::default()
    };
    let state = TimelineState::open(&path, &settings).unwrap();
    let frames = state.edit.frames();
    assert_eq!(frames, 75);
    let mut media = fixture::media(frames);
    media.info = Arc::new(state.media_info(&path));
    media.timeline = Some(Arc::new(state));
    Snapshot {
        status: PlaybackStatus::Paused,
        media: Some(Arc::new(media)),
        traits: PictureTraits::default(),
        ..fixture::snapshot(frames, 0)
    }
}

fn screen() -> Screen {
    let mut screen = Screen::usual();
    screen.snapshot = snapshot();
    screen.show(Vec::new());
    screen
}

/// Runs a pass; answers the texts and the ticks.
fn seen(screen: &mut Screen) -> (Vec<String>, Option<Arc<Mesh>>) {
    let output = screen.pass(Vec::new());
    let shapes = output.egui.shapes.clone();
    output.egui.drop_without_applying_deltas();
    let (mut texts, mut ticks) = (Vec::new(), None);
    for clipped in shapes {
        match clipped.shape {
            Shape::Text(text) => texts.push(text.galley.text().to_owned()),
            Shape::Mesh(mesh) => ticks = Some(mesh),
            _ => {}
        }
    }
    (texts, ticks)
}

pub(super) fn hover(screen: &mut Screen, at: egui::Pos2) -> String {
    screen.show(vec![Event::PointerMoved(at)]);
    seen(screen).0.join("\n")
}

#[test]
fn badges_count_what_is_amiss_and_say_it_under_the_pointer() {
    let mut screen = screen();
    let (texts, _) = seen(&mut screen);
    for badge in ["2 media missing", "1 thing not understood"] {
        assert!(texts.iter().any(|text| text == badge), "{texts:?}");
    }
    let badge = screen
        .rect(Zone::Badge(Subject::Trouble(Trouble::Missing)))
        .center();
    let told = hover(&mut screen, badge);
    assert!(told.contains("A001C001 was not found."), "{told}");
    assert!(told.contains("A002C001 was not found."), "{told}");
    let badge = screen
        .rect(Zone::Badge(Subject::Trouble(Trouble::NotUnderstood)))
        .center();
    let told = hover(&mut screen, badge);
    assert!(told.contains("line 4: "), "{told}");
    // The pointer leaves, and so does the tip.
    let told = hover(&mut screen, pos2(600.0, 300.0));
    assert!(!told.contains("line 4: "), "{told}");

    let gone = |name: &str| Displaced {
        path: PathBuf::from("/share").join(name),
        is_offline: true,
    };
    screen.snapshot.displaced = Arc::new(vec![gone("A003.mov"), gone("A004.mov")]);
    let told = hover(&mut screen, pos2(600.0, 300.0));
    assert!(told.contains("2 media offline"), "{told}");
    let offline = Zone::Badge(Subject::Displaced { is_offline: true });
    let badge = screen.rect(offline).center();
    let told = hover(&mut screen, badge);
    assert!(told.contains("/share/A004.mov"), "{told}");
}

#[test]
fn a_medium_that_is_no_timeline_has_none_of_it() {
    let mut screen = screen();
    screen.snapshot = fixture::snapshot(75, 0);
    let (texts, ticks) = seen(&mut screen);
    assert!(ticks.is_none());
    assert!(!texts.iter().any(|text| text.contains("missing")));
    assert!(screen.press("Shift+M").is_empty(), "there are no markers");
}

#[test]
fn cuts_are_ticks_that_are_made_once() {
    let mut screen = screen();
    let ticks = seen(&mut screen).1.unwrap();
    assert_eq!(ticks.vertices.len(), 2 * 4, "two cuts");
    let lane = screen.rect(Zone::Scrub);
    let middle = lane.center().x;
    let places: Vec<f32> = ticks.vertices.iter().map(|vertex| vertex.pos.x).collect();
    assert!(places[0] < middle && places[4] > middle, "{places:?}");
    assert!(
        ticks
            .vertices
            .iter()
            .all(|vertex| vertex.color == style::BACKDROP)
    );
    let again = seen(&mut screen).1.unwrap();
    assert!(Arc::ptr_eq(&ticks, &again));
    screen.size.x = 900.0;
    screen.show(Vec::new());
    assert!(!Arc::ptr_eq(&ticks, &seen(&mut screen).1.unwrap()));
}

#[test]
fn markers_say_their_names_under_the_pointer() {
    let mut screen = screen();
    let lane = screen.rect(Zone::Scrub);
    let at = |frame: f32| {
        let x = lane.left() + 6.0 + (lane.width() - 12.0) * frame / 74.0;
        pos2(x, lane.center().y)
    };
    let told = hover(&mut screen, at(30.0));
    assert!(told.contains("Look here"), "{told}");
    let told = hover(&mut screen, at(40.0));
    assert!(!told.contains("Look here"), "{told}");
}

#[test]
fn keys_go_to_cuts_and_markers() {
    let mut screen = screen();
    for (chord, target) in [
        ("Ctrl+Left", SeekTarget::Cut(-1)),
        ("Ctrl+Right", SeekTarget::Cut(1)),
        ("Ctrl+Shift+M", SeekTarget::Marker(-1)),
        ("Shift+M", SeekTarget::Marker(1)),
    ] {
        assert_eq!(
            screen.press(chord),
            commands([Command::Seek(target)]),
            "{chord}"
        );
    }
}

#[test]
fn the_performance_panel_says_what_it_is_made_of() {
    let mut screen = screen();
    screen.overlay.set_performance(true);
    screen.show(Vec::new());
    let (texts, _) = seen(&mut screen);
    for words in [
        "CMX 3600 EDL",
        "1920 × 1080, 25 fps",
        "3, tracks: 1",
        "A001C001 was not found.",
    ] {
        assert!(texts.iter().any(|text| text == words), "{words}: {texts:?}");
    }
}
