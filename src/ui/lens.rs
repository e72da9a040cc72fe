//! How much of the picture is seen, and where: zoom and pan.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

use crate::config::Action;
use crate::gpu::{Framing, Placement, Zoom, largest_scale};
use crate::media::Size;

use super::UiInput;

/// A step of a key, and of a notch of the wheel.
const KEY_STEP: f32 = 1.25;
const NOTCH_STEP: f32 = 1.15;
const POINTS_A_NOTCH: f32 = 40.0;
/// Window pixels for one of the picture, at least and at most.
const SCALES: (f32, f32) = (0.02, 32.0);

/// Zoom and pan of the viewer.
#[derive(Debug, Default)]
pub(super) struct Lens {
    framing: Framing,
    /// Window pixels a point, and the room that the picture has, of the latest pass.
    pixels_per_point: f32,
    room: Option<Rect>,
}

impl Lens {
    /// Takes note of where pictures are shown.
    pub(super) fn look_through(&mut self, room: Rect, pixels_per_point: f32) {
        self.room = Some(room);
        self.pixels_per_point = pixels_per_point;
    }

    /// How the picture is to be shown.
    pub(super) fn framing(&self) -> Framing {
        self.framing
    }

    /// The scale in percent, unless the picture is only fitted.
    pub(super) fn percent(&self, input: &UiInput<'_>) -> Option<u32> {
        (self.framing.zoom != Zoom::Fit).then_some(())?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 2 and 3200"
        )]
        let percent = (Self::scale(input)? * 100.0).round() as u32;
        Some(percent)
    }

    /// Where the picture lies, in points; parts of it may lie outside of the viewer.
    pub(super) fn picture(&self, input: &UiInput<'_>) -> Option<Rect> {
        let place = input.placement?;
        let points = self.pixels_per_point.max(0.1);
        let min = pos2(place.x as f32, place.y as f32) / points;
        let size = vec2(place.size.width() as f32, place.size.height() as f32) / points;
        Some(Rect::from_min_size(min, size))
    }

    /// Window pixels for each of the picture's own.
    fn scale(input: &UiInput<'_>) -> Option<f32> {
        Some(input.placement?.size.width() as f32 / Self::display(input)?.width() as f32)
    }

    /// The picture's own size, turned and in square pixels.
    fn display(input: &UiInput<'_>) -> Option<Size> {
        let stream = input.snapshot.media.as_ref()?.info.default_video()?;
        Some(stream.display_size())
    }

    /// Does what a key asks for.
    pub(super) fn perform(&mut self, action: Action, input: &UiInput<'_>) {
        match action {
            Action::ZoomFit => self.framing = Framing::default(),
            Action::ZoomFill => self.framing.zoom = Zoom::Fill,
            Action::ZoomActual => self.framing.zoom = Zoom::Scale(1.0),
            Action::ZoomIn => self.zoom_around_middle(KEY_STEP, input),
            Action::ZoomOut => self.zoom_around_middle(1.0 / KEY_STEP, input),
            _ => {}
        }
    }

    fn zoom_around_middle(&mut self, factor: f32, input: &UiInput<'_>) {
        if let Some(room) = self.room {
            self.zoom(factor, room.center(), input);
        }
    }

    /// Answers the wheel, turned by so many points at `pos`.
    pub(super) fn turn(&mut self, points: f32, pos: Pos2, input: &UiInput<'_>) {
        self.zoom(NOTCH_STEP.powf(points / POINTS_A_NOTCH), pos, input);
    }

    /// Makes the picture larger by `factor`; what is at `pos` stays there.
    fn zoom(&mut self, factor: f32, pos: Pos2, input: &UiInput<'_>) {
        let (Some(scale), Some(picture), Some(room)) =
            (Self::scale(input), self.picture(input), self.room)
        else {
            return;
        };
        let largest = Self::display(input).map_or(SCALES.1, largest_scale);
        let wanted = (scale * factor).clamp(SCALES.0, SCALES.1.min(largest));
        let factor = wanted / scale;
        // Of the picture, from 0 to 1, what lies at `pos`, and what will lie in the middle then.
        let there = (pos - picture.min) / picture.size();
        let centre = there + (room.center() - pos) / (picture.size() * factor);
        self.framing = Framing {
            zoom: Zoom::Scale(wanted),
            centre: centre.into(),
        };
    }

    /// Moves the picture with the hand.
    pub(super) fn drag(&mut self, by: Vec2, placement: Option<Placement>) {
        let (Some(place), Some(room)) = (placement, self.room) else {
            return;
        };
        if self.framing.zoom == Zoom::Fit {
            return;
        }
        let size = vec2(place.size.width() as f32, place.size.height() as f32);
        let middle = room.center() * self.pixels_per_point;
        // What is in the middle now, wherever the picture's edges have stopped it.
        let now = (middle - pos2(place.x as f32, place.y as f32)) / size;
        self.framing.centre = (now - by * self.pixels_per_point / size).into();
    }
}
