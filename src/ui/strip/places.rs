//! Where the parts of the panel lie.

use std::ops::Range;

use egui::{Pos2, Rect, pos2};

/// The column with the tracks' names.
const HEADS: f32 = 116.0;
/// Where the panel is narrow.
const NARROW_HEADS: f32 = 56.0;
const NARROW_PANEL: f32 = 360.0;
const RULER: f32 = 30.0;
const KEPT: f32 = 10.0;
const BLAME: f32 = 9.0;
/// Scroll bars.
const BAR: f32 = 12.0;
/// The bar that scrolls through tracks lies over the lanes.
const UPRIGHT: f32 = 8.0;
const LEAST_THUMB: f32 = 16.0;
/// Tracks share the height, but are never lower nor higher than this.
const LOWEST: f32 = 20.0;
const HIGHEST: f32 = 54.0;

/// The parts, in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// Above the tracks' names.
    pub(super) corner: Rect,
    pub(super) heads: Rect,
    pub(super) ruler: Rect,
    /// The bar that tells which frames are kept.
    pub(super) kept: Rect,
    /// The strip that tells which frames went wrong.
    pub(super) blame: Rect,
    pub(super) lanes: Rect,
    /// The bar that scrolls along.
    pub(super) along: Rect,
    row_height: f32,
    /// How far tracks are scrolled, in points.
    scrolled: f32,
}

impl Places {
    /// Divides `panel` for so many tracks, of which `scrolled` points are above what is seen; as far as there are
    /// as many.
    pub(super) fn of(panel: Rect, rows: usize, scrolled: f32) -> Self {
        let heads = if panel.width() < NARROW_PANEL {
            NARROW_HEADS
        } else {
            HEADS
        };
        let left = panel.left() + heads.min(panel.width() / 2.0);
        let right = panel.right().max(left + 1.0);
        let mut top = panel.top();
        let mut next = |height: f32| {
            let rect = Rect::from_min_max(pos2(left, top), pos2(right, top + height));
            top += height;
            rect
        };
        let (ruler, kept, blame) = (next(RULER), next(KEPT), next(BLAME));
        let bottom = (panel.bottom() - BAR).max(top + 1.0);
        let lanes = Rect::from_min_max(pos2(left, top), pos2(right, bottom));
        let along = Rect::from_min_max(pos2(left, bottom), pos2(right, bottom + BAR));
        let row_height = (lanes.height() / rows.max(1) as f32).clamp(LOWEST, HIGHEST);
        let all = row_height * rows as f32;
        Self {
            corner: Rect::from_min_max(panel.min, pos2(left, blame.bottom())),
            heads: Rect::from_min_max(pos2(panel.left(), top), pos2(left, bottom)),
            ruler,
            kept,
            blame,
            lanes,
            along,
            row_height: row_height.floor(),
            scrolled: scrolled.clamp(0.0, (all - lanes.height()).max(0.0)),
        }
    }

    /// How far tracks are scrolled.
    pub(super) fn scrolled(&self) -> f32 {
        self.scrolled
    }

    /// Whether there are more tracks than can be seen.
    pub(super) fn overflows(&self, rows: usize) -> bool {
        self.row_height * rows as f32 > self.lanes.height()
    }

    /// The bar that scrolls through so many tracks, its thumb, and by how much a point of it scrolls; `None` where all
    /// are seen.
    pub(super) fn upright(&self, rows: usize) -> Option<(Rect, Rect, f32)> {
        if !self.overflows(rows) {
            return None;
        }
        let lanes = self.lanes;
        let left = lanes.right() - UPRIGHT.min(lanes.width());
        let bar = Rect::from_min_max(pos2(left, lanes.top()), lanes.max);
        let all = self.row_height * rows as f32;
        let scale = bar.height() / all;
        let height = (bar.height() * scale).max(LEAST_THUMB).min(bar.height());
        let hidden = (all - lanes.height()).max(1.0);
        let way = bar.height() - height;
        let top = bar.top() + way * (self.scrolled / hidden).clamp(0.0, 1.0);
        let thumb = Rect::from_min_max(pos2(left, top), pos2(bar.right(), top + height));
        Some((bar, thumb, hidden / way.max(1.0)))
    }

    /// From the ruler to the last lane.
    pub(super) fn all_lanes(&self) -> Rect {
        self.ruler.union(self.lanes)
    }

    /// The lane of a track.
    pub(super) fn row(&self, number: usize) -> Rect {
        let top = self.lanes.top() - self.scrolled + self.row_height * number as f32;
        Rect::from_min_max(
            pos2(self.lanes.left(), top),
            pos2(self.lanes.right(), top + self.row_height),
        )
    }

    /// Tracks that are seen, of so many.
    pub(super) fn rows_seen(&self, rows: usize) -> Range<usize> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "places in a panel; never negative"
        )]
        let number = |points: f32| (points / self.row_height) as usize;
        let first = number(self.scrolled);
        let last = number(self.scrolled + self.lanes.height() - 0.01);
        first.min(rows)..(last + 1).min(rows)
    }

    /// The track at a place, of so many.
    pub(super) fn row_at(&self, pos: Pos2, rows: usize) -> Option<usize> {
        let mut seen = self.rows_seen(rows);
        seen.find(|&number| self.lanes.contains(pos) && self.row(number).contains(pos))
    }
}
