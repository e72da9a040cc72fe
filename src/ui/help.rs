//! The help: every key.

use egui::{Align2, Color32, Rect, pos2, vec2};

use crate::config::{Action, ActionGroup, KeyMap};

use super::canvas::Canvas;
use super::pointer::Zone;
use super::style;

const COLUMN: f32 = 274.0;
const COLUMN_GAP: f32 = 24.0;
const ROW: f32 = 19.0;
const HEADING: f32 = 26.0;
const GROUP_GAP: f32 = 10.0;
const PADDING: f32 = 18.0;
const TITLE: f32 = 40.0;
const FOOT: f32 = 26.0;

/// A group with its lines, each a label and its chords.
struct Group {
    heading: &'static str,
    lines: Vec<(&'static str, Vec<String>)>,
}

impl Group {
    fn height(&self) -> f32 {
        HEADING + self.lines.len() as f32 * ROW + GROUP_GAP
    }
}

/// The help. Its lines are made once when it opens: they do not change while it is read.
pub(super) struct Help {
    groups: Vec<Group>,
    /// Points scrolled down.
    pub(super) scroll: f32,
    farthest: f32,
}

impl Help {
    /// The help on `keys`.
    pub(super) fn new(keys: &KeyMap) -> Self {
        let group = |group: ActionGroup| Group {
            heading: group.label(),
            lines: Action::ALL
                .iter()
                .filter(|action| action.group() == group)
                .map(|action| {
                    let chords = keys.chords(*action);
                    (
                        action.label(),
                        chords.iter().map(ToString::to_string).collect(),
                    )
                })
                .collect(),
        };
        Self {
            groups: ActionGroup::ALL.map(group).into(),
            scroll: 0.0,
            farthest: 0.0,
        }
    }

    /// Scrolls by the wheel's points.
    pub(super) fn turn(&mut self, points: f32) {
        self.scroll = (self.scroll - points).clamp(0.0, self.farthest);
    }

    /// Paints it over all of `window`.
    pub(super) fn paint(&mut self, canvas: &mut Canvas<'_>, window: Rect) {
        canvas
            .painter
            .rect_filled(window, 0.0, Color32::from_black_alpha(140));
        canvas.zones.place(Zone::Help, window);
        let room = window.shrink(10.0);
        // Four columns where they fit, else three, and so on.
        let fits = |count: u8| {
            let count = f32::from(count);
            count * COLUMN + (count - 1.0) * COLUMN_GAP + 2.0 * PADDING <= room.width()
        };
        let count = (1..=4).rev().find(|&count| fits(count)).unwrap_or(1);
        let columns = self.columns(usize::from(count));
        let heights = columns
            .iter()
            .map(|column| column.iter().map(|g| g.height()).sum::<f32>());
        let tallest = heights.fold(0.0, f32::max);
        let column_width = COLUMN.min(room.width() - 2.0 * PADDING);
        let width = f32::from(count) * (column_width + COLUMN_GAP) - COLUMN_GAP + 2.0 * PADDING;
        let height = (tallest + TITLE + FOOT + PADDING).min(room.height());
        let panel = Rect::from_center_size(room.center(), vec2(width, height));
        canvas.panel(panel, style::SOLID);
        let pos = panel.left_top() + vec2(PADDING, TITLE / 2.0 + 4.0);
        canvas.text(
            pos,
            Align2::LEFT_CENTER,
            "Keys",
            style::HEADING,
            style::TEXT,
        );

        let inside = Rect::from_min_max(
            panel.min + vec2(PADDING, TITLE),
            panel.max - vec2(PADDING, FOOT),
        );
        let farthest = (tallest - GROUP_GAP - inside.height()).max(0.0);
        let foot = if farthest > 0.0 {
            "The wheel scrolls. Any key closes this."
        } else {
            "Any key closes this."
        };
        let pos = pos2(inside.left(), panel.bottom() - FOOT / 2.0);
        canvas.text(pos, Align2::LEFT_CENTER, foot, style::SMALL, style::WEAK);

        let scroll = self.scroll.clamp(0.0, farthest);
        let whole = canvas.painter.clone();
        canvas.painter = whole.with_clip_rect(inside);
        let mut left = inside.left();
        for column in columns {
            let mut top = inside.top() - scroll;
            for group in column {
                paint_group(canvas, group, left, top, column_width, inside);
                top += group.height();
            }
            left += column_width + COLUMN_GAP;
        }
        canvas.painter = whole;
        self.farthest = farthest;
        self.scroll = scroll;
    }

    /// Puts groups into at most `count` columns in order, the tallest as short as can be.
    fn columns(&self, count: usize) -> Vec<Vec<&Group>> {
        let total: f32 = self.groups.iter().map(Group::height).sum();
        let mut limit = total / count as f32;
        loop {
            let mut columns: Vec<Vec<&Group>> = vec![Vec::new()];
            let mut filled = 0.0;
            for group in &self.groups {
                if filled > 0.0 && filled + group.height() > limit {
                    columns.push(Vec::new());
                    filled = 0.0;
                }
                filled += group.height();
                if let Some(column) = columns.last_mut() {
                    column.push(group);
                }
            }
            if columns.len() <= count || limit > total {
                return columns;
            }
            limit += ROW;
        }
    }
}

fn paint_group(canvas: &Canvas<'_>, group: &Group, left: f32, top: f32, width: f32, visible: Rect) {
    let seen = |y: f32| y + ROW > visible.top() && y - ROW < visible.bottom();
    let y = top + HEADING / 2.0;
    if seen(y) {
        let pos = pos2(left, y);
        canvas.text(
            pos,
            Align2::LEFT_CENTER,
            group.heading,
            style::SMALL,
            style::ACCENT,
        );
    }
    for (index, (label, chords)) in group.lines.iter().enumerate() {
        let y = top + HEADING + (index as f32 + 0.5) * ROW;
        if !seen(y) {
            continue;
        }
        canvas.text(
            pos2(left, y),
            Align2::LEFT_CENTER,
            *label,
            style::BODY,
            style::TEXT,
        );
        let mut right = left + width;
        for chord in chords.iter().rev() {
            let galley = canvas.line(chord, style::SMALL);
            let size = vec2(galley.size().x + 10.0, ROW - 3.0);
            let min = pos2(right - size.x, y - size.y / 2.0);
            let cap = Rect::from_min_size(min, size);
            canvas.painter.rect_filled(cap, 3.0, style::LANE);
            canvas
                .painter
                .galley(cap.center() - galley.size() / 2.0, galley, style::TEXT);
            right = cap.left() - 4.0;
        }
    }
}
