//! What a person's hand does: scrubbing, zooming, scrolling, and dragging the marks.

use egui::{Event, Id, MouseWheelUnit, Rect, Response, Ui, pos2};

use super::places::Places;
use super::ruler::MarkEnd;
use super::scale::Scale;
use super::scene::Scene;
use super::view::View;
use crate::playback::{Command, SeekTarget};
use crate::time::FrameIndex;
use crate::ui::UiEvent;
use crate::ui::scrub::Extent;
use crate::ui::slider;

/// What a notch of the wheel scrolls by, in points, and what it zooms by.
const POINTS_A_NOTCH: f32 = 40.0;
const ZOOM_A_NOTCH: f64 = 1.25;
/// What a button zooms by.
pub(super) const ZOOM_A_CLICK: f64 = 2.0;
/// The thumb of a scroll bar is no shorter than this, in points.
const LEAST_THUMB: f32 = 24.0;
/// Frames that the arrows step with Shift.
const LONG_STEP: i64 = 10;

/// What is held.
#[derive(Default)]
pub(super) struct Hand {
    /// The playhead, by this part of the panel, at this frame.
    scrubs: Option<(Id, FrameIndex)>,
    /// A mark, and where it would be put.
    mark: Option<(MarkEnd, FrameIndex)>,
    /// The thumb of the scroll bar: how far from its left end.
    grabbed: Option<f32>,
}

impl Hand {
    /// The frame that the playhead is held at.
    pub(super) fn scrubbed(&self) -> Option<FrameIndex> {
        self.scrubs.map(|(_, frame)| frame)
    }

    /// The mark that is held, and where.
    pub(super) fn mark(&self) -> Option<(MarkEnd, FrameIndex)> {
        self.mark
    }

    /// Lets go of everything.
    pub(super) fn let_go(&mut self, events: &mut Vec<UiEvent>) {
        if self.scrubs.take().is_some() {
            events.push(UiEvent::Command(Command::EndScrub));
        }
        (self.mark, self.grabbed) = (None, None);
    }

    /// Moves the playhead while `part` is held, which lies along the lanes from `left` on.
    pub(super) fn scrub(
        &mut self,
        part: &Response,
        left: f32,
        scale: Scale,
        extent: Extent,
        events: &mut Vec<UiEvent>,
    ) {
        let is_mine = self.scrubs.is_some_and(|(id, _)| id == part.id);
        let is_primary = part.ctx.input(|input| input.pointer.primary_down());
        let is_held = part.is_pointer_button_down_on() && is_primary;
        // A press and its release that arrive together were never held.
        let was_clicked = part.clicked_by(egui::PointerButton::Primary);
        let is_over = is_mine && !is_held;
        if is_held || was_clicked || is_over {
            let pos = part.interact_pointer_pos();
            if let Some(frame) = pos.map(|pos| scale.frame_within(f64::from(pos.x - left))) {
                let next = Some((part.id, frame));
                if self.scrubs != next {
                    self.scrubs = next;
                    let target = extent.target_of(frame);
                    events.push(UiEvent::Command(Command::Scrub(target)));
                }
            }
        }
        if !is_held && (is_mine || was_clicked) {
            self.let_go(events);
        }
    }

    /// Drags a mark by its handle.
    pub(super) fn drag_mark(
        &mut self,
        scene: &Scene<'_>,
        handle: &Response,
        end: MarkEnd,
        events: &mut Vec<UiEvent>,
    ) {
        let is_mine = self.mark.is_some_and(|(held, _)| held == end);
        let pos = handle.interact_pointer_pos();
        if let Some(pos) = pos.filter(|_| handle.dragged() || handle.drag_stopped()) {
            let x = f64::from(pos.x - scene.places.lanes.left());
            let last = FrameIndex(scene.scale.frames() - 1);
            let border = scene.scale.border_at(x);
            let snapshot = scene.input.snapshot;
            let frame = match end {
                MarkEnd::In => border.clamp(FrameIndex::ZERO, snapshot.mark_out.unwrap_or(last)),
                MarkEnd::Out => {
                    let first = snapshot.mark_in.unwrap_or(FrameIndex::ZERO);
                    border.offset(-1).clamp(first.min(last), last)
                }
            };
            self.mark = Some((end, frame));
        }
        if let Some((_, frame)) = self.mark.filter(|_| is_mine && !handle.dragged()) {
            events.push(UiEvent::Command(match end {
                MarkEnd::In => Command::SetIn(Some(frame)),
                MarkEnd::Out => Command::SetOut(Some(frame)),
            }));
            self.mark = None;
        }
    }

    /// The bar that scrolls along: answers where its thumb is.
    pub(super) fn scroll(&mut self, bar: &Response, view: &mut View) -> Option<Rect> {
        let thumb = thumb_of(bar.rect, view.scale()?);
        let pos = bar.interact_pointer_pos();
        let Some(pos) = pos.filter(|_| bar.is_pointer_button_down_on()) else {
            self.grabbed = None;
            return Some(thumb);
        };
        let inside = pos.x - thumb.left();
        let is_on_thumb = (0.0..=thumb.width()).contains(&inside);
        // Beside the thumb, its middle comes to where the hand is.
        let middle = if is_on_thumb {
            inside
        } else {
            thumb.width() / 2.0
        };
        let grabbed = *self.grabbed.get_or_insert(middle);
        let way = f64::from((bar.rect.width() - thumb.width()).max(1.0));
        let part = f64::from(pos.x - grabbed - bar.rect.left()) / way;
        view.change(|scale| {
            let share = scale.share();
            let hidden = 1.0 - (share.end - share.start);
            scale.beginning_at(part.clamp(0.0, 1.0) * hidden)
        });
        Some(thumb_of(bar.rect, view.scale()?))
    }
}

/// Where the thumb of a scroll bar lies.
fn thumb_of(bar: Rect, scale: Scale) -> Rect {
    let share = scale.share();
    let size = share.end - share.start;
    #[expect(clippy::cast_possible_truncation, reason = "parts of a bar")]
    let (size, hidden, start) = (size as f32, (1.0 - size) as f32, share.start as f32);
    let width = (bar.width() * size).max(LEAST_THUMB).min(bar.width());
    let way = bar.width() - width;
    let left = if hidden > 0.0 {
        bar.left() + way * (start / hidden).clamp(0.0, 1.0)
    } else {
        bar.left()
    };
    Rect::from_min_max(
        pos2(left, bar.top() + 2.0),
        pos2(left + width, bar.bottom() - 2.0),
    )
}

/// Follows the wheel over the panel: with Ctrl it zooms around the pointer, over the tracks' names and with Alt it
/// scrolls through the tracks, and otherwise along. Answers by how many points the tracks are scrolled.
pub(super) fn turn_wheel(ui: &Ui, panel: &Response, places: &Places, view: &mut View) -> f32 {
    let Some(pos) = ui.input(|input| input.pointer.hover_pos()) else {
        return 0.0;
    };
    if !panel.contains_pointer() {
        return 0.0;
    }
    let x = f64::from((pos.x - places.lanes.left()).max(0.0));
    let over_heads = places.heads.contains(pos);
    let mut down = 0.0;
    let turns = ui.input(|input| input.events.clone());
    for event in turns {
        match event {
            Event::Zoom(factor) => view.change(|scale| scale.zoomed(f64::from(factor), x)),
            Event::MouseWheel {
                unit,
                delta,
                modifiers,
                ..
            } => {
                let a_unit = match unit {
                    MouseWheelUnit::Point => 1.0,
                    MouseWheelUnit::Line | MouseWheelUnit::Page => POINTS_A_NOTCH,
                };
                // Touchpads turn both ways at once; the one that was meant is the larger one.
                let turned = if delta.x.abs() > delta.y.abs() {
                    delta.x
                } else {
                    delta.y
                };
                let points = turned * a_unit;
                if modifiers.ctrl || modifiers.command {
                    let notches = f64::from(points / POINTS_A_NOTCH);
                    view.change(|scale| scale.zoomed(ZOOM_A_NOTCH.powf(notches), x));
                } else if over_heads || modifiers.alt {
                    down -= points;
                } else {
                    view.change(|scale| scale.scrolled(f64::from(-points)));
                }
            }
            _ => {}
        }
    }
    down
}

/// Zooms by a button: around the playhead where it is seen, else around the middle.
pub(super) fn zoom_by_button(view: &mut View, factor: f64, head: FrameIndex) {
    view.change(|scale| {
        let x = if scale.shows(head) {
            scale.x_of(head)
        } else {
            scale.width() / 2.0
        };
        scale.zoomed(factor, x)
    });
}

/// Does what is asked of the ruler by the keyboard or a screen reader.
pub(super) fn steer_ruler(ui: &Ui, ruler: &Response, extent: Extent, events: &mut Vec<UiEvent>) {
    let asked = slider::asked(ui, ruler, extent.slider_range(), false);
    let mut send = |command| events.push(UiEvent::Command(command));
    let is_long = ui.input(|state| state.modifiers.shift);
    let frames = asked.told + asked.keyed * if is_long { LONG_STEP } else { 1 };
    if frames != 0 {
        send(Command::Step(frames));
    }
    if let Some(value) = asked.value {
        send(Command::Seek(extent.target_of_value(value)));
    }
}

/// Goes to `frame`, as by a click on something that is there.
pub(super) fn go_to(frame: FrameIndex, extent: Extent, events: &mut Vec<UiEvent>) {
    let target: SeekTarget = extent.target_of(frame);
    events.push(UiEvent::Command(Command::Seek(target)));
}
