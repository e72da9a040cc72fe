//! The graph of frame times: one bar for each interval between two frames seen.

use egui::{Align2, Color32, Mesh, Rect, Shape, Stroke, pos2};

use super::canvas::Canvas;
use super::style;

/// Times that are marked: one refresh at 60 and at 30 a second, in milliseconds.
const LINES_MS: [(f32, &str); 2] = [(16.7, "16.7"), (33.3, "33.3")];
/// The height of the graph shows at least this much, in milliseconds, and at most the other.
const LEAST_TOP_MS: f32 = 40.0;
const GREATEST_TOP_MS: f32 = 200.0;
/// Room at the right for the labels, in points.
const LABELS: f32 = 28.0;

/// Paints `intervals_ms`, the latest at the right. A bar turns yellow where it is a tenth longer than
/// `target_ms` and more than 2 ms, and red where it is longer than one and a half of it: there, a frame
/// was seen for a refresh too long.
pub(super) fn paint(canvas: &Canvas<'_>, rect: Rect, intervals_ms: &[f32], target_ms: f32) {
    canvas
        .painter
        .rect_filled(rect, 2.0, Color32::from_gray(14));
    let mut plot = rect;
    plot.max.x -= LABELS;
    let top_ms = top_of(intervals_ms);
    let y = |ms: f32| plot.bottom() - (ms / top_ms).clamp(0.0, 1.0) * plot.height();

    let capacity = super::FrameIntervals::MAX;
    let width = plot.width() / capacity as f32;
    let shown = &intervals_ms[intervals_ms.len().saturating_sub(capacity)..];
    let mut mesh = Mesh::default();
    mesh.reserve_triangles(shown.len() * 2);
    mesh.reserve_vertices(shown.len() * 4);
    for (age, &interval) in shown.iter().rev().enumerate() {
        let right = plot.right() - age as f32 * width;
        let bar = Rect::from_min_max(pos2(right - width, y(interval)), pos2(right, plot.bottom()));
        mesh.add_colored_rect(bar, color_of(interval, target_ms));
    }
    canvas.painter.add(Shape::mesh(mesh));
    let crowded = (y(LINES_MS[0].0) - y(LINES_MS[1].0)).abs() < 11.0;
    for (index, (ms, label)) in LINES_MS.into_iter().enumerate() {
        let stroke = Stroke::new(1.0, Color32::from_white_alpha(40));
        canvas.painter.hline(plot.x_range(), y(ms), stroke);
        if crowded && index == 0 {
            continue;
        }
        let pos = pos2(
            rect.right() - 3.0,
            y(ms).clamp(rect.top() + 7.0, rect.bottom() - 7.0),
        );
        canvas.text(
            pos,
            Align2::RIGHT_CENTER,
            label,
            egui::FontId::monospace(9.5),
            style::WEAK,
        );
    }
}

/// The time at the upper edge, in milliseconds.
fn top_of(intervals_ms: &[f32]) -> f32 {
    let longest = intervals_ms.iter().copied().fold(0.0, f32::max);
    (longest * 1.1).clamp(LEAST_TOP_MS, GREATEST_TOP_MS)
}

fn color_of(interval_ms: f32, target_ms: f32) -> Color32 {
    match interval_ms {
        ms if target_ms <= 0.0 || ms <= (target_ms * 1.1).max(target_ms + 2.0) => style::FILL,
        ms if ms <= target_ms * 1.5 => style::WARN,
        _ => style::BAD,
    }
}

/// The interval that `percent` of all do not exceed, in milliseconds: nearest rank.
pub(super) fn percentile_ms(intervals_ms: &[f32], percent: usize) -> Option<f32> {
    let mut sorted = intervals_ms.to_vec();
    sorted.sort_by(f32::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_intervals_that_were_measured() {
        let intervals: Vec<f32> = (1..=100_u8).rev().map(f32::from).collect();
        assert_eq!(percentile_ms(&intervals, 50), Some(50.0));
        assert_eq!(percentile_ms(&intervals, 99), Some(99.0));
        assert_eq!(percentile_ms(&[7.0], 95), Some(7.0));
        assert_eq!(percentile_ms(&[], 95), None);
    }

    #[test]
    fn bars_are_judged_against_the_rate_asked_for() {
        assert_eq!(color_of(33.4, 33.3), style::FILL);
        assert_eq!(color_of(40.0, 33.3), style::WARN);
        assert_eq!(color_of(66.7, 33.3), style::BAD);
        assert_eq!(
            color_of(100.0, 0.0),
            style::FILL,
            "without a target none is too long"
        );
    }

    #[test]
    fn one_long_stall_does_not_flatten_the_rest_for_ever() {
        assert!((top_of(&[16.0, 9_000.0]) - GREATEST_TOP_MS).abs() < f32::EPSILON);
        assert!((top_of(&[]) - LEAST_TOP_MS).abs() < f32::EPSILON);
    }
}
