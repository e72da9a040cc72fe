//! The zones that a pointer can touch, and what it does there.

use egui::{Event, PointerButton, Pos2, Rect};

use super::badges::Subject;
use crate::time::Moment;

/// Two clicks within this time are a double click.
const DOUBLE_CLICK_NANOS: i64 = 400_000_000;
/// Two clicks further apart than this many points are two clicks.
const DOUBLE_CLICK_POINTS: f32 = 6.0;
/// What a notch of the wheel counts in points, where the system reports lines.
const POINTS_A_LINE: f32 = 40.0;

/// A button of the transport bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Button {
    Start,
    StepBack,
    PlayBack,
    Play,
    StepOn,
    End,
    Speed,
    Loop,
    Audio,
    Mute,
    Open,
    Help,
    Fullscreen,
    Menu,
    /// The timecode, which can be typed.
    Timecode,
}

/// A place that answers to the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Zone {
    /// Everything that nothing else covers.
    Picture,
    /// The strip at the top.
    Top,
    /// A badge.
    Badge(Subject),
    /// The transport bar beside its controls.
    Bar,
    /// The lane with the playhead.
    Scrub,
    /// The waveform of a medium without pictures.
    Waveform,
    /// The line of a wipe.
    Wipe,
    /// The volume slider.
    Volume,
    /// The level meters beside it.
    Meters,
    /// A button.
    Button(Button),
    /// The audio menu beside its rows.
    Menu,
    /// A row of the audio menu.
    MenuRow(usize),
    /// A notice, counted from the top.
    Toast(usize),
    /// The prompt for a position.
    Prompt,
    /// A file that was open before, counted from the top.
    Recent(usize),
    /// What opens the demo.
    Demo,
    /// The help, which covers everything.
    Help,
    /// Menus and panels, whose controls are egui's.
    Elsewhere,
}

impl Zone {
    /// Whether a press counts at once and goes on counting while the pointer moves.
    fn is_slider(self) -> bool {
        matches!(
            self,
            Self::Scrub | Self::Waveform | Self::Wipe | Self::Volume
        )
    }
}

/// What the pointer did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Gesture {
    /// A slider is held at this place.
    Slide(Zone, Pos2),
    /// Something was pressed and released.
    Click(Zone),
    /// Something was clicked twice in a row.
    DoubleClick(Zone),
    /// The wheel turned.
    Wheel(Zone, Turn),
    /// What is no slider was held and moved by so many points.
    Drag(Zone, egui::Vec2),
}

/// How far a wheel turned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Turn {
    /// Upwards, in points.
    pub(super) points: f32,
    /// Upwards and to the right, in whole notches. What a touchpad turns less is kept for the next time.
    pub(super) notches: i64,
    /// Whether Shift was held.
    pub(super) shift: bool,
}

/// The picture is where it was shown last until a pass is over: moves of it one after the other are one, and so are
/// turns of the wheel over it.
fn merged(gestures: Vec<Gesture>) -> Vec<Gesture> {
    let mut merged: Vec<Gesture> = Vec::with_capacity(gestures.len());
    for gesture in gestures {
        match (merged.last_mut(), gesture) {
            (Some(Gesture::Drag(Zone::Picture, sum)), Gesture::Drag(Zone::Picture, by)) => {
                *sum += by;
            }
            (Some(Gesture::Wheel(Zone::Picture, sum)), Gesture::Wheel(Zone::Picture, turn)) => {
                sum.points += turn.points;
                sum.notches += turn.notches;
            }
            _ => merged.push(gesture),
        }
    }
    merged
}

/// Zones on the screen, those painted later on top.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Zones {
    placed: Vec<(Zone, Rect)>,
}

impl Zones {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.placed.clear();
    }

    /// Adds a zone on top of those before.
    pub(super) fn place(&mut self, zone: Zone, rect: Rect) {
        self.placed.push((zone, rect));
    }

    /// Cuts off what lies outside of `window`, where nothing is painted. The picture keeps its place however small.
    pub(super) fn clip(&mut self, window: Rect) {
        for (_, rect) in &mut self.placed {
            *rect = rect.intersect(window);
        }
        self.placed
            .retain(|(zone, rect)| *zone == Zone::Picture || rect.is_positive());
    }

    /// All of them, in the order in which they were placed.
    pub(super) fn all(&self) -> &[(Zone, Rect)] {
        &self.placed
    }

    /// The topmost zone at `pos`.
    pub(super) fn at(&self, pos: Pos2) -> Option<Zone> {
        self.placed
            .iter()
            .rev()
            .find(|(_, rect)| rect.contains(pos))
            .map(|(zone, _)| *zone)
    }

    /// Where a zone lies.
    pub(super) fn rect(&self, zone: Zone) -> Option<Rect> {
        self.placed
            .iter()
            .rev()
            .find(|(placed, _)| *placed == zone)
            .map(|(_, rect)| *rect)
    }
}

/// The pointer over time.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    /// Where it is, while it is over the window.
    pub(super) pos: Option<Pos2>,
    /// The zone on which the main button went down and is still down.
    pub(super) held: Option<Zone>,
    /// Where it went down, and whether it has moved far from there since.
    pressed_at: Pos2,
    is_dragging: bool,
    /// Points that the wheel has turned short of a notch.
    turned: f32,
    last_click: Option<(Zone, Pos2, Moment)>,
}

impl Pointer {
    /// Reads `events` against the zones that were on the screen when they were made.
    ///
    /// Answers the gestures in order, and whether the pointer gave any sign of life.
    pub(super) fn read(
        &mut self,
        events: &[Event],
        zones: &Zones,
        now: Moment,
    ) -> (Vec<Gesture>, bool) {
        let mut gestures = Vec::new();
        let mut alive = false;
        for event in events {
            match event {
                Event::PointerMoved(pos) => {
                    alive |= self.pos != Some(*pos);
                    let before = self.pos.replace(*pos);
                    gestures.extend(self.drag(before, *pos));
                    if let Some(zone) = self.held.filter(|zone| zone.is_slider()) {
                        gestures.push(Gesture::Slide(zone, *pos));
                    }
                }
                Event::PointerButton {
                    pos,
                    button: PointerButton::Primary,
                    pressed,
                    ..
                } => {
                    alive = true;
                    self.pos = Some(*pos);
                    if *pressed {
                        self.held = zones.at(*pos);
                        self.pressed_at = *pos;
                        self.is_dragging = false;
                        if let Some(zone) = self.held.filter(|zone| zone.is_slider()) {
                            gestures.push(Gesture::Slide(zone, *pos));
                        }
                    } else {
                        let zone = self
                            .held
                            .take()
                            .filter(|held| zones.at(*pos) == Some(*held) && !self.is_dragging);
                        gestures.extend(zone.map(|zone| self.click(zone, *pos, now)));
                    }
                }
                Event::PointerButton { .. } => alive = true,
                Event::MouseWheel {
                    unit,
                    delta,
                    modifiers,
                    ..
                } => {
                    alive = true;
                    let scale = if *unit == egui::MouseWheelUnit::Point {
                        1.0
                    } else {
                        POINTS_A_LINE
                    };
                    // A wheel that tilts to the right moves what is under it to the left.
                    let notches = self.notches((delta.y - delta.x) * scale);
                    if let Some(zone) = self.pos.and_then(|pos| zones.at(pos)) {
                        let turn = Turn {
                            points: delta.y * scale,
                            notches,
                            shift: modifiers.shift,
                        };
                        gestures.push(Gesture::Wheel(zone, turn));
                    }
                }
                Event::PointerGone => self.pos = None,
                Event::WindowFocused(false) => self.held = None,
                _ => {}
            }
        }
        (merged(gestures), alive)
    }

    /// What moving from `before` to `pos` means for what is held and is no slider.
    fn drag(&mut self, before: Option<Pos2>, pos: Pos2) -> Option<Gesture> {
        let zone = self.held.filter(|zone| !zone.is_slider())?;
        if self.is_dragging {
            return Some(Gesture::Drag(zone, pos - before?));
        }
        // A hand that clicks trembles.
        self.is_dragging = pos.distance(self.pressed_at) > DOUBLE_CLICK_POINTS;
        self.is_dragging
            .then(|| Gesture::Drag(zone, pos - self.pressed_at))
    }

    /// The whole notches in `points` and what was left of the times before.
    fn notches(&mut self, points: f32) -> i64 {
        if self.turned * points < 0.0 {
            self.turned = 0.0;
        }
        self.turned += points;
        let notches = (self.turned / POINTS_A_LINE).trunc();
        self.turned -= notches * POINTS_A_LINE;
        #[expect(clippy::cast_possible_truncation, reason = "as far as a wheel turns")]
        let notches = notches as i64;
        notches
    }

    fn click(&mut self, zone: Zone, pos: Pos2, now: Moment) -> Gesture {
        let twice = self.last_click.is_some_and(|(last, place, when)| {
            last == zone
                && now.nanos_since(when) <= DOUBLE_CLICK_NANOS
                && place.distance(pos) <= DOUBLE_CLICK_POINTS
        });
        // A third click begins anew.
        self.last_click = (!twice).then_some((zone, pos, now));
        if twice {
            Gesture::DoubleClick(zone)
        } else {
            Gesture::Click(zone)
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::{Modifiers, pos2};

    use super::*;

    fn zones() -> Zones {
        let mut zones = Zones::default();
        zones.place(
            Zone::Picture,
            Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 100.0)),
        );
        zones.place(
            Zone::Scrub,
            Rect::from_min_max(pos2(0.0, 80.0), pos2(100.0, 90.0)),
        );
        zones
    }

    fn button(x: f32, y: f32, pressed: bool) -> Event {
        Event::PointerButton {
            pos: pos2(x, y),
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        }
    }

    #[test]
    fn the_topmost_zone_answers() {
        assert_eq!(zones().at(pos2(5.0, 85.0)), Some(Zone::Scrub));
        assert_eq!(zones().at(pos2(5.0, 5.0)), Some(Zone::Picture));
        assert_eq!(zones().at(pos2(500.0, 5.0)), None);
    }

    #[test]
    fn a_press_and_release_in_one_pass_is_a_click() {
        let mut pointer = Pointer::default();
        let events = [button(5.0, 5.0, true), button(5.0, 5.0, false)];
        let (gestures, alive) = pointer.read(&events, &zones(), Moment::ZERO);
        assert_eq!(
            (gestures.as_slice(), alive),
            (&[Gesture::Click(Zone::Picture)][..], true)
        );
    }

    #[test]
    fn a_release_elsewhere_is_no_click() {
        let mut pointer = Pointer::default();
        let events = [button(5.0, 85.0, true), button(5.0, 5.0, false)];
        let (gestures, _) = pointer.read(&events, &zones(), Moment::ZERO);
        assert_eq!(gestures, [Gesture::Slide(Zone::Scrub, pos2(5.0, 85.0))]);
        assert_eq!(pointer.held, None);
    }

    #[test]
    fn a_slider_follows_the_pointer_outside_of_itself() {
        let mut pointer = Pointer::default();
        let events = [
            button(5.0, 85.0, true),
            Event::PointerMoved(pos2(60.0, 5.0)),
        ];
        let (gestures, _) = pointer.read(&events, &zones(), Moment::ZERO);
        assert_eq!(gestures[1], Gesture::Slide(Zone::Scrub, pos2(60.0, 5.0)));
        assert_eq!(pointer.held, Some(Zone::Scrub));
        let (after, _) = pointer.read(&[Event::WindowFocused(false)], &zones(), Moment::ZERO);
        assert_eq!(
            (after.len(), pointer.held),
            (0, None),
            "a window that loses the focus lets go"
        );
    }

    #[test]
    fn a_wheel_turns_by_notches_whatever_reports_it() {
        use egui::MouseWheelUnit::{Line, Point};
        let mut pointer = Pointer {
            pos: Some(pos2(5.0, 85.0)),
            ..Pointer::default()
        };
        let mut notches = |unit, x, y| {
            let wheel = Event::MouseWheel {
                unit,
                delta: egui::vec2(x, y),
                phase: egui::TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
                modifiers: Modifiers::SHIFT,
            };
            match pointer.read(&[wheel], &zones(), Moment::ZERO).0[..] {
                [Gesture::Wheel(Zone::Scrub, turn)] if turn.shift => turn.notches,
                ref other => panic!("{other:?}"),
            }
        };
        assert_eq!([notches(Line, 0.0, 1.0), notches(Line, 0.0, -2.0)], [1, -2]);
        assert_eq!([notches(Line, -1.0, 0.0), notches(Line, 1.0, 0.0)], [1, -1]);
        let small = [(); 8].map(|()| notches(Point, 0.0, 15.0));
        assert_eq!(small.iter().sum::<i64>(), 3, "{small:?}");
        assert_eq!(notches(Point, 0.0, -39.0), 0, "a turn back begins anew");
    }

    #[test]
    fn the_second_of_two_quick_clicks_is_a_double_click() {
        let mut pointer = Pointer::default();
        let events = [button(5.0, 5.0, true), button(5.0, 5.0, false)];
        let mut kinds = Vec::new();
        for millis in [0, 200, 400, 2_000] {
            let now = Moment::from_nanos(millis * 1_000_000);
            kinds.extend(pointer.read(&events, &zones(), now).0);
        }
        let picture = Zone::Picture;
        assert_eq!(
            kinds,
            [
                Gesture::Click(picture),
                Gesture::DoubleClick(picture),
                Gesture::Click(picture),
                Gesture::Click(picture)
            ]
        );
    }
}
