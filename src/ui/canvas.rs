//! What the parts paint with.

use std::sync::Arc;

use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, vec2};

use super::icons::{self, Icon};
use super::pointer::{Zone, Zones};
use super::style;

/// A painter, and the zones that what it paints answers to.
pub(super) struct Canvas<'a> {
    pub(super) painter: Painter,
    pub(super) zones: &'a mut Zones,
    /// Under the pointer.
    pub(super) hovered: Option<Zone>,
    /// Held down.
    pub(super) held: Option<Zone>,
}

impl Canvas<'_> {
    /// Paints one line; answers where it lies.
    pub(super) fn text(
        &self,
        pos: Pos2,
        anchor: Align2,
        text: impl Into<String>,
        font: FontId,
        color: Color32,
    ) -> Rect {
        let galley = self.line(text, font);
        let rect = anchor.anchor_size(pos, galley.size());
        self.painter.galley(rect.min, galley, color);
        rect
    }

    /// Lays out one line, to be painted in any colour.
    pub(super) fn line(&self, text: impl Into<String>, font: FontId) -> Arc<Galley> {
        self.painter
            .layout_no_wrap(text.into(), font, Color32::PLACEHOLDER)
    }

    /// How wide one line would be.
    pub(super) fn width(&self, text: impl Into<String>, font: FontId) -> f32 {
        self.line(text, font).size().x
    }

    /// Lays out text in at most `rows` rows of `width`; what does not fit ends in an ellipsis.
    pub(super) fn wrapped(
        &self,
        text: impl Into<String>,
        font: FontId,
        width: f32,
        rows: usize,
    ) -> Arc<Galley> {
        let format = TextFormat::simple(font, Color32::PLACEHOLDER);
        let mut job = LayoutJob::single_section(text.into(), format);
        job.wrap = TextWrapping {
            max_width: width.max(1.0),
            max_rows: rows,
            break_anywhere: rows == 1,
            ..TextWrapping::default()
        };
        self.painter.layout_job(job)
    }

    /// Paints a panel's ground and edge.
    pub(super) fn panel(&self, rect: Rect, fill: Color32) {
        let edge = Stroke::new(1.0, style::EDGE);
        self.painter
            .rect(rect, style::ROUND, fill, edge, StrokeKind::Inside);
    }

    /// Paints a lane, slider or gauge, filled up to `fraction` of its width.
    pub(super) fn gauge(&self, rect: Rect, fraction: f32, fill: Color32) {
        self.painter.rect_filled(rect, 2.0, style::LANE);
        let mut full = rect;
        full.set_width(rect.width() * fraction.clamp(0.0, 1.0));
        if full.width() > 0.5 {
            self.painter.rect_filled(full, 2.0, fill);
        }
    }

    /// The ground that a control has in its present state, if any.
    pub(super) fn ground(&self, zone: Zone, enabled: bool, on: bool) -> Option<Color32> {
        if !enabled {
            return None;
        }
        match (self.held == Some(zone), self.hovered == Some(zone), on) {
            (true, true, _) => Some(style::PRESSED),
            (_, true, _) => Some(style::HOVER),
            (_, _, true) => Some(style::LANE),
            _ => None,
        }
    }

    /// Paints a button with an icon and makes it a zone.
    pub(super) fn icon_button(
        &mut self,
        zone: Zone,
        rect: Rect,
        icon: Icon,
        enabled: bool,
        on: bool,
    ) {
        if let Some(ground) = self.ground(zone, enabled, on) {
            self.painter.rect_filled(rect, style::ROUND, ground);
        }
        let color = match (enabled, on, self.hovered == Some(zone)) {
            (false, _, _) => style::FAINT,
            (_, true, _) => style::ACCENT,
            (_, _, true) => Color32::WHITE,
            _ => style::TEXT,
        };
        icons::paint(&self.painter, rect.center(), icon, color);
        if enabled {
            self.zones.place(zone, rect);
        }
    }

    /// Paints a filled convex shape.
    pub(super) fn polygon(&self, points: Vec<Pos2>, color: Color32) {
        self.painter
            .add(Shape::convex_polygon(points, color, Stroke::NONE));
    }

    /// Paints words in a small box whose middle of the lower edge is at `pos`, kept within `limits`.
    pub(super) fn tip(&self, pos: Pos2, words: &str, font: FontId, limits: Rect) {
        let galley = self.line(words, font);
        let size = galley.size() + vec2(16.0, 8.0);
        let left = (pos.x - size.x / 2.0)
            .min(limits.right() - size.x - 4.0)
            .max(limits.left() + 4.0);
        let rect = Rect::from_min_size(egui::pos2(left, pos.y - size.y), size);
        self.panel(rect, style::SOLID);
        self.painter
            .galley(rect.min + vec2(8.0, 4.0), galley, style::TEXT);
    }
}
