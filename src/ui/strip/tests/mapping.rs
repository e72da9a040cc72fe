//! Frames and places, and the view that moves along them.

use proptest::prelude::*;

use super::*;
use crate::time::{MediaSpan, MediaTime};
use crate::ui::strip::ruler::step_for;
use crate::ui::strip::scale::Scale;

/// Ten hours at 24000/1001.
fn ten_hours() -> i64 {
    rate()
        .frame_at_floor(MediaTime::ZERO + MediaSpan::from_secs(36_000))
        .0
}

/// A view of a medium of up to ten hours, zoomed and scrolled by chance.
fn any_scale() -> impl Strategy<Value = Scale> {
    let length = 1..=ten_hours();
    (length, 100.0_f32..4_000.0, 0.0_f64..24.0, 0.0_f64..1.0).prop_map(
        |(frames, width, zoom, share)| {
            Scale::fitting(frames, width)
                .zoomed(zoom.exp2(), 0.0)
                .beginning_at(share)
        },
    )
}

proptest! {
    #[test]
    fn places_and_frames_are_inverse(scale in any_scale(), share in 0.0_f64..1.0) {
        #[expect(clippy::cast_possible_truncation, reason = "a frame of the medium")]
        let frame = FrameIndex((share * scale.frames() as f64) as i64);
        let x = scale.x_of(frame);
        prop_assert_eq!(scale.frame_at(x), frame);
        // The whole width of a frame is that frame.
        let within = x + scale.points_a_frame() * 0.999;
        prop_assert_eq!(scale.frame_at(within), frame);
        prop_assert_eq!(scale.border_at(within), frame.offset(1));
    }

    #[test]
    fn a_place_lies_in_the_frame_that_is_there(scale in any_scale(), share in 0.0_f64..1.0) {
        let x = share * scale.width();
        let frame = scale.frame_at(x);
        let near = scale.points_a_frame() * 1e-5;
        prop_assert!(scale.x_of(frame) <= x + near);
        prop_assert!(x < scale.x_of(frame.offset(1)) + near);
    }

    #[test]
    fn the_view_never_leaves_the_medium(
        scale in any_scale(), points in -1e9_f64..1e9, factor in 1e-3_f64..1e3,
    ) {
        for moved in [scale.scrolled(points), scale.zoomed(factor, points.rem_euclid(100.0))] {
            let share = moved.share();
            prop_assert!(share.start >= 0.0 && share.end <= 1.0 + 1e-9, "{:?}", share);
            prop_assert!(!moved.visible().is_empty());
        }
    }

    #[test]
    fn zooming_in_keeps_the_frame_under_the_pointer(
        scale in any_scale(), share in 0.0_f64..1.0, factor in 1.0_f64..50.0,
    ) {
        let x = share * scale.width();
        let zoomed = scale.zoomed(factor, x);
        let exact = |scale: Scale| scale.share().start * scale.frames() as f64 + x / scale.points_a_frame();
        prop_assert!((exact(scale) - exact(zoomed)).abs() < 1e-3);
        prop_assert!(zoomed.points_a_frame() >= scale.points_a_frame());
    }

    #[test]
    fn labels_keep_their_distance(scale in any_scale(), nominal in 1_i64..121) {
        let step = step_for(scale, nominal);
        prop_assert!(step as f64 * scale.points_a_frame() >= 80.0 || step == 36_000 * nominal);
        // And are no farther apart than they must be, unless a frame itself is as wide.
        let far = step as f64 * scale.points_a_frame();
        prop_assert!(far < 600.0 || step == 1 || step == nominal, "{} points", far);
    }
}

#[test]
fn zooming_out_keeps_the_frame_away_from_the_ends() {
    let scale = Scale::fitting(100_000, 1_000.0)
        .zoomed(200.0, 0.0)
        .beginning_at(0.5);
    let under = scale.frame_at(400.0);
    assert_eq!(scale.zoomed(0.1, 400.0).frame_at(400.0), under);
}

#[test]
fn a_frame_can_be_seen_alone_and_ten_hours_at_once() {
    let all = Scale::fitting(ten_hours(), 1_000.0);
    assert_eq!(all.visible(), FrameIndex::ZERO..FrameIndex(ten_hours()));
    let near = all.zoomed(1e9, 500.0);
    assert!((near.points_a_frame() - 96.0).abs() < 1e-9);
    assert_eq!(near.zoomed(1e-9, 500.0).visible(), all.visible());
    let one = Scale::fitting(1, 1_000.0);
    assert_eq!(one.frame_at(999.0), FrameIndex::ZERO);
}

#[test]
fn the_wheel_with_ctrl_zooms_around_the_pointer() {
    let mut desk = Desk::new(file(10_000));
    for _ in 0..8 {
        let pos = desk.on_ruler(3_000);
        let under = |desk: &Desk| {
            let x = f64::from(pos.x - desk.places().lanes.left());
            desk.scale().frame_at(x)
        };
        let before = (under(&desk), desk.scale().points_a_frame());
        desk.show(vec![Event::PointerMoved(pos)]);
        desk.show(vec![wheel(2.0, Modifiers::CTRL)]);
        let after = desk.scale().points_a_frame();
        assert!(
            after > before.1 * 1.5,
            "{after} is not larger than {}",
            before.1
        );
        let now = under(&desk);
        assert!((now.0 - before.0.0).abs() <= 1, "{now} is not {}", before.0);
    }
    assert_eq!(desk.show(Vec::new()), []);
}

#[test]
fn the_wheel_scrolls_along_with_and_without_shift() {
    let mut desk = Desk::new(file(10_000));
    let pos = desk.on_ruler(5_000);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(20.0, Modifiers::CTRL)]);
    for modifiers in [Modifiers::NONE, Modifiers::SHIFT] {
        let before = desk.scale().visible().start;
        desk.show(vec![wheel(-3.0, modifiers)]);
        let after = desk.scale().visible().start;
        let points = (after.0 - before.0) as f64 * desk.scale().points_a_frame();
        assert!(
            (points - 120.0).abs() <= desk.scale().points_a_frame(),
            "{points}"
        );
    }
    desk.show(vec![wheel(1e6, Modifiers::NONE)]);
    assert_eq!(desk.scale().visible().start, FrameIndex::ZERO);
}

#[test]
fn the_playhead_stays_in_sight_while_it_plays() {
    let mut desk = Desk::new(file(10_000));
    let pos = desk.on_ruler(0);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(16.0, Modifiers::CTRL)]);
    desk.snapshot.status = PlaybackStatus::Playing;
    let mut turns = 0;
    let mut before = desk.scale().visible();
    for frame in (0..10_000).step_by(7) {
        desk.snapshot.position = FrameIndex(frame);
        desk.show(Vec::new());
        assert!(desk.scale().shows(FrameIndex(frame)), "{frame}");
        let seen = desk.scale().visible();
        turns += i32::from(seen != before);
        before = seen;
    }
    let pages = 10_000 / (before.end.0 - before.start.0);
    assert!(
        i64::from(turns) <= 2 * pages + 2,
        "{turns} turns for {pages} pages"
    );
    // Backwards it turns to the other side.
    desk.snapshot.speed = crate::time::Speed::from_quarters(-4).unwrap();
    for frame in (0..9_000).rev().step_by(50) {
        desk.snapshot.position = FrameIndex(frame);
        desk.show(Vec::new());
        assert!(desk.scale().shows(FrameIndex(frame)), "{frame}");
    }
}

#[test]
fn who_scrolls_away_stays_there_until_the_playhead_comes_or_goes_elsewhere() {
    let mut desk = Desk::new(file(10_000));
    let pos = desk.on_ruler(0);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(16.0, Modifiers::CTRL)]);
    desk.snapshot.status = PlaybackStatus::Playing;
    desk.show(vec![wheel(-200.0, Modifiers::NONE)]);
    let away = desk.scale().visible();
    assert!(away.start > FrameIndex(500), "{away:?}");
    for frame in 1..20 {
        desk.snapshot.position = FrameIndex(frame);
        desk.show(Vec::new());
        assert_eq!(desk.scale().visible(), away);
    }
    // It runs into what is seen, and is followed from there on.
    desk.snapshot.position = away.start.offset(3);
    desk.show(Vec::new());
    desk.snapshot.position = away.end.offset(9);
    desk.show(Vec::new());
    assert!(desk.scale().shows(away.end.offset(9)));
    // Paused, a jump is shown.
    desk.snapshot.status = PlaybackStatus::Paused;
    desk.show(vec![wheel(1e6, Modifiers::NONE)]);
    desk.snapshot.position = FrameIndex(9_000);
    desk.show(Vec::new());
    assert!(desk.scale().shows(FrameIndex(9_000)));
}

#[test]
fn another_medium_is_shown_whole_and_a_growing_one_keeps_the_view() {
    let mut desk = Desk::new(file(1_000));
    let pos = desk.on_ruler(500);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(4.0, Modifiers::CTRL)]);
    let zoomed = desk.scale();
    let mut longer = (**desk.snapshot.media.as_ref().unwrap()).clone();
    longer.frames = 1_400;
    desk.snapshot.media = Some(Arc::new(longer));
    desk.show(Vec::new());
    assert!((desk.scale().points_a_frame() - zoomed.points_a_frame()).abs() < 1e-9);
    assert_eq!(desk.scale().frames(), 1_400);
    assert_eq!(desk.strip.model.rows[0].clips[0].end, FrameIndex(1_400));
    desk.snapshot.media = Some(Arc::new(usual()));
    desk.show(Vec::new());
    assert_eq!(desk.scale().visible(), FrameIndex::ZERO..FrameIndex(300));
    // A view of the whole stays one when the panel gets wider.
    desk.size.x = 1_500.0;
    desk.show(Vec::new());
    assert_eq!(desk.scale().visible(), FrameIndex::ZERO..FrameIndex(300));
}
