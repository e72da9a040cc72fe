//! What one pass paints, and where.

use std::ops::Range;

use egui::{Mesh, Rect, pos2};

use super::model::Model;
use super::palette::Palette;
use super::places::Places;
use super::scale::Scale;
use crate::time::FrameIndex;
use crate::ui::UiInput;

/// All that the parts need to know to paint themselves.
pub(super) struct Scene<'a> {
    pub(super) input: &'a UiInput<'a>,
    pub(super) model: &'a Model,
    /// Stretches of media with verified proxies, in order.
    pub(super) on_disk: &'a [Range<FrameIndex>],
    pub(super) places: Places,
    pub(super) scale: Scale,
    pub(super) palette: Palette,
    /// The frame under the playhead: while it is dragged, the one asked for.
    pub(super) head: FrameIndex,
    /// The marked range, while a mark is dragged as it would be: the first frame, and the last one.
    pub(super) marks: (Option<FrameIndex>, Option<FrameIndex>),
    pub(super) pixels_per_point: f32,
}

impl Scene<'_> {
    /// A place along the lanes on the screen, on a whole pixel: edges between two would be blurred.
    pub(super) fn x(&self, x: f64) -> f32 {
        // What is far outside is painted just outside: the screen's coordinates are not as fine.
        let within = x.clamp(-64.0, self.scale.width() + 64.0);
        #[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
        let points = self.places.lanes.left() + within as f32;
        (points * self.pixels_per_point).round() / self.pixels_per_point
    }

    /// Where a frame begins on the screen.
    pub(super) fn x_of(&self, frame: FrameIndex) -> f32 {
        self.x(self.scale.x_of(frame))
    }

    /// A stretch of frames as a rectangle of this height, a point wide at least; what is not seen is cut off.
    pub(super) fn stretch(
        &self,
        first: FrameIndex,
        end: FrameIndex,
        top: f32,
        bottom: f32,
    ) -> Rect {
        let lanes = self.places.lanes;
        let left = self.x_of(first).max(lanes.left());
        let right = self.x_of(end).min(lanes.right());
        Rect::from_min_max(pos2(left, top), pos2(right.max(left + 1.0), bottom))
    }
}

/// How much of a box's corners is cut off, in points.
const CORNER: f32 = 2.0;

/// Adds a box whose corners are cut off, where it is wide enough for that to be seen.
///
/// egui rounds corners with three times as many vertices, which thousands of boxes are not worth.
pub(super) fn add_box(mesh: &mut Mesh, rect: Rect, color: egui::Color32) {
    if rect.width() < 4.0 * CORNER || rect.height() < 4.0 * CORNER {
        mesh.add_colored_rect(rect, color);
        return;
    }
    let Ok(base) = u32::try_from(mesh.vertices.len()) else {
        return;
    };
    let (left, right, top, bottom) = (rect.left(), rect.right(), rect.top(), rect.bottom());
    for (x, y) in [
        (left + CORNER, top),
        (right - CORNER, top),
        (right, top + CORNER),
        (right, bottom - CORNER),
        (right - CORNER, bottom),
        (left + CORNER, bottom),
        (left, bottom - CORNER),
        (left, top + CORNER),
    ] {
        mesh.colored_vertex(pos2(x, y), color);
    }
    for corner in 1..7 {
        mesh.add_triangle(base, base + corner, base + corner + 1);
    }
}

/// Adds a four-sided shape by its corners, in order.
pub(super) fn add_quad(mesh: &mut Mesh, corners: [egui::Pos2; 4], color: egui::Color32) {
    let Ok(base) = u32::try_from(mesh.vertices.len()) else {
        return;
    };
    for corner in corners {
        mesh.colored_vertex(corner, color);
    }
    mesh.add_triangle(base, base + 1, base + 2);
    mesh.add_triangle(base, base + 2, base + 3);
}
