//! Moving the playhead by the wheel, and what says that a picture stands in for another.

use egui::{Event, Modifiers, vec2};

use super::timeline::hover;
use super::{Screen, commands};
use crate::playback::Command;
use crate::time::FrameIndex;
use crate::ui::badges::Subject;
use crate::ui::pointer::Zone;

#[test]
fn the_wheel_over_the_lane_moves_by_frames() {
    let mut screen = Screen::usual();
    let center = screen.rect(Zone::Scrub).center();
    screen.show(vec![Event::PointerMoved(center)]);
    let wheel = |x: f32, y: f32, modifiers| Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(x, y),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    };
    let none = Modifiers::NONE;
    let on = screen.show(vec![wheel(0.0, 1.0, none), wheel(0.0, 2.0, none)]);
    assert_eq!(on, commands([Command::Step(3)]));
    let back = screen.show(vec![wheel(0.0, -1.0, Modifiers::SHIFT)]);
    assert_eq!(back, commands([Command::Step(-10)]));
    let tilted = screen.show(vec![wheel(-1.0, 0.0, none)]);
    assert_eq!(tilted, commands([Command::Step(1)]));
}

#[test]
fn a_picture_that_stands_in_says_so() {
    let mut screen = Screen::usual();
    assert_eq!(
        screen.overlay.zones.rect(Zone::Badge(Subject::Approximate)),
        None
    );
    screen.snapshot.approximate = Some(FrameIndex(720));
    screen.show(Vec::new());
    let badge = screen.rect(Zone::Badge(Subject::Approximate)).center();
    let told = hover(&mut screen, badge);
    assert!(told.contains("approximate"), "{told}");
    assert!(told.contains("frame 720") && told.contains("737"), "{told}");
}
