//! The waveform of a medium that has sound and no picture.

use egui::{Color32, Mesh, Painter, Rect, Shape, Stroke, pos2};

use super::style;

/// Paints `peaks` over the width of `rect`, the part before `playhead` brighter.
///
/// Each peak is the lowest and highest sample of an equal span of the medium, within ±1. `playhead`
/// runs from 0 to 1. There may be more or fewer peaks than pixels: a pixel's column shows all peaks
/// that fall on it, so that no click is lost, and a peak may fill several columns.
///
/// It is one mesh of two triangles a pixel at most, 1,280 for a window as wide, and costs no text.
pub fn paint(painter: &Painter, rect: Rect, peaks: &[(f32, f32)], playhead: f32) {
    let middle = rect.center().y;
    painter.hline(rect.x_range(), middle, Stroke::new(1.0, style::LANE));
    let step = 1.0 / painter.pixels_per_point().max(0.1);
    let head = rect.left() + rect.width() * playhead.clamp(0.0, 1.0);
    let columns = column_count(rect.width(), step).min(peaks.len().max(1) * 64);
    let mut mesh = Mesh::default();
    mesh.reserve_triangles(columns * 2);
    mesh.reserve_vertices(columns * 4);
    for column in 0..columns {
        let Some((low, high)) = column_peak(peaks, column, columns) else {
            continue;
        };
        let width = rect.width() / columns as f32;
        let left = rect.left() + column as f32 * width;
        let half = rect.height() / 2.0;
        // At least a pixel, so that silence is a line and not a gap.
        let top = (middle - high * half).min(middle - step / 2.0);
        let bottom = (middle - low * half).max(middle + step / 2.0);
        let column_rect = Rect::from_min_max(pos2(left, top), pos2(left + width, bottom));
        mesh.add_colored_rect(column_rect, if left < head { PLAYED } else { style::FILL });
    }
    painter.add(Shape::mesh(mesh));
    painter.vline(head, rect.y_range(), Stroke::new(2.0, style::ACCENT));
}

/// The part that was heard.
const PLAYED: Color32 = Color32::from_gray(196);

fn column_count(width: f32, step: f32) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels of a window; negative and NaN give 0"
    )]
    let columns = (width / step) as usize;
    columns.clamp(1, 16_384)
}

/// The lowest and highest of the peaks that fall on `column` of `columns`.
fn column_peak(peaks: &[(f32, f32)], column: usize, columns: usize) -> Option<(f32, f32)> {
    let first = column * peaks.len() / columns;
    let end = ((column + 1) * peaks.len()).div_ceil(columns);
    let span = peaks.get(first..end.min(peaks.len()))?;
    let widest = span
        .iter()
        .copied()
        .reduce(|(low, high), (l, h)| (low.min(l), high.max(h)))?;
    Some((widest.0.clamp(-1.0, 1.0), widest.1.clamp(-1.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_loudest_peak_is_never_lost() {
        let mut peaks = vec![(0.0, 0.1); 10_000];
        peaks[7_777] = (-0.9, 0.8);
        for columns in [1, 7, 640, 3_840, 10_000] {
            let columns_with_it = (0..columns)
                .filter_map(|column| column_peak(&peaks, column, columns))
                .filter(|(low, _)| *low < -0.8)
                .count();
            assert!(
                (1..=2).contains(&columns_with_it),
                "{columns_with_it} of {columns}"
            );
        }
    }

    #[test]
    fn without_peaks_there_is_nothing_to_see() {
        assert_eq!(column_peak(&[], 0, 10), None);
    }

    proptest! {
        #[test]
        fn every_column_shows_something(count in 1_usize..5_000, columns in 1_usize..5_000) {
            let peaks = vec![(-0.5, 0.5); count];
            for column in 0..columns {
                prop_assert_eq!(column_peak(&peaks, column, columns), Some((-0.5, 0.5)));
            }
        }
    }
}
