//! The picture of the place under the pointer.

use egui::epaint::Shape;
use egui::{Event, Pos2, TextureId, pos2};

use super::Screen;
use crate::cache::thumbnails::ThumbnailStrip;
use crate::media::Size;
use crate::time::FrameIndex;
use crate::ui::pointer::Zone;
use crate::ui::scrub;

fn strip(frames: &[i64]) -> ThumbnailStrip {
    ThumbnailStrip::of_frames(Size::new(160, 84).unwrap(), frames, 100)
}

/// Where on the lane a frame lies.
fn place_of(screen: &Screen, frame: i64) -> Pos2 {
    let lane = screen.rect(Zone::Scrub);
    let fraction = scrub::Extent::of(&screen.snapshot)
        .unwrap()
        .fraction(FrameIndex(frame));
    pos2(scrub::x_at(lane, fraction), lane.center().y)
}

/// Points at a frame of the lane, and answers the pictures that are painted: their texture and place.
fn hover(screen: &mut Screen, frame: i64) -> Vec<(TextureId, egui::Rect)> {
    let place = place_of(screen, frame);
    screen.show(vec![Event::PointerMoved(place)]);
    let output = screen.pass(Vec::new());
    let mut pictures = Vec::new();
    for clipped in &output.egui.shapes {
        if let Shape::Mesh(mesh) = &clipped.shape
            && mesh.texture_id != TextureId::default()
        {
            pictures.push((mesh.texture_id, mesh.calc_bounds()));
        }
    }
    output.egui.drop_without_applying_deltas();
    pictures
}

fn textures(screen: &Screen) -> usize {
    screen.ctx.tex_manager().read().num_allocated()
}

#[test]
fn the_place_under_the_pointer_has_its_picture_above_the_bar() {
    let mut screen = Screen::usual();
    assert!(hover(&mut screen, 900).is_empty(), "there is no strip");
    screen.thumbnails = Some(strip(&[0, 900, 1_700]));
    let [(near, rect)] = hover(&mut screen, 930)[..] else {
        panic!("one picture is shown");
    };
    let lane = screen.rect(Zone::Scrub);
    assert!(rect.bottom() < lane.top(), "it does not cover the lane");
    assert!((rect.width() - 160.0).abs() < 1.0, "{rect:?}");
    assert!((rect.center().x - place_of(&screen, 930).x).abs() < 1.0);
    let [(same, _)] = hover(&mut screen, 905)[..] else {
        panic!("one picture is shown");
    };
    assert_eq!(same, near, "a picture is a texture once");
    let [(other, rect)] = hover(&mut screen, 1_790)[..] else {
        panic!("one picture is shown");
    };
    assert_ne!(other, near);
    assert!(rect.right() <= 1_280.0, "it stays in the window: {rect:?}");
    assert!(
        hover(&mut screen, 500).is_empty(),
        "what is far away would not tell what is here"
    );
}

#[test]
fn few_textures_are_kept() {
    let mut screen = Screen::usual();
    let before = textures(&screen);
    let frames: Vec<i64> = (0..18).map(|n| n * 100).collect();
    screen.thumbnails = Some(strip(&frames));
    for &frame in &frames {
        assert_eq!(hover(&mut screen, frame).len(), 1);
        assert!(textures(&screen) <= before + 4);
    }
}

#[test]
fn a_thumbnail_that_comes_while_the_pointer_waits_is_shown() {
    let mut screen = Screen::usual();
    screen.thumbnails = Some(ThumbnailStrip::new());
    assert!(hover(&mut screen, 900).is_empty());
    assert!(!screen.overlay.is_stale(&screen.input()));
    screen.thumbnails = Some(strip(&[890]));
    assert!(screen.overlay.is_stale(&screen.input()));
    assert_eq!(hover(&mut screen, 900).len(), 1);
}

#[test]
fn where_there_is_no_room_the_words_stand_alone() {
    let mut screen = Screen::new(640.0, 200.0, 1.0);
    screen.thumbnails = Some(strip(&[0, 900]));
    let room = screen.rect(Zone::Scrub).top();
    let pictures = hover(&mut screen, 900);
    assert!(room > 130.0 || pictures.is_empty(), "{room}: {pictures:?}");
    assert!(pictures.iter().all(|(_, rect)| rect.top() >= 0.0));
}
