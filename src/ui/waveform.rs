//! Waveforms: large where there is sound and no picture, and faint behind the lane where there is both.

use std::sync::{Arc, Weak};

use egui::{Color32, Mesh, Painter, Rect, Shape, Stroke, pos2};

use super::canvas::Canvas;
use super::pointer::Zone;
use super::scrub::{self, Extent};
use super::{UiInput, style};
use crate::cache::waveform::{Columns, Peak};
use crate::time::FrameIndex;

/// The waveform, if it takes the picture's place.
pub(super) fn large<'a>(input: &UiInput<'a>) -> Option<&'a [Peak]> {
    let is_seen = scrub::has_pictures(input.snapshot);
    (input.waveform.filter(|_| !is_seen)).map(|columns| columns.all.as_slice())
}

/// Paints the waveform where there is sound and no picture.
pub(super) fn paint_large(
    canvas: &mut Canvas<'_>,
    between: Rect,
    input: &UiInput<'_>,
    shown: FrameIndex,
) {
    let (Some(peaks), Some(extent)) = (large(input), Extent::of(input.snapshot)) else {
        return;
    };
    let height = (between.height() - 32.0).clamp(1.0, 260.0);
    let size = egui::vec2((between.width() - 24.0).max(1.0), height);
    let rect = Rect::from_center_size(between.center(), size);
    canvas.panel(rect, style::SOLID);
    // The lane's own margins keep its ends under those of the waveform.
    let inside = rect.shrink2(egui::vec2(6.0, 8.0));
    paint(&canvas.painter, inside, peaks, extent.fraction(shown));
    canvas.zones.place(Zone::Waveform, rect);
}

/// Paints `peaks` over the width of `rect`, the part before `playhead` brighter.
///
/// Each peak is that of an equal span of the medium. `playhead` runs from 0 to 1. There may be more or
/// fewer peaks than pixels: a pixel's column shows all peaks that fall on it, so that no click is lost,
/// and a peak may fill several columns. How loud it is stands brighter within its extremes.
///
/// It is one mesh of four triangles a pixel at most, 2,560 for a window of 640, and costs no text.
fn paint(painter: &Painter, rect: Rect, peaks: &[Peak], playhead: f32) {
    painter.hline(
        rect.x_range(),
        rect.center().y,
        Stroke::new(1.0, style::LANE),
    );
    let step = 1.0 / painter.pixels_per_point().max(0.1);
    let head = rect.left() + rect.width() * playhead.clamp(0.0, 1.0);
    let colors = |left: f32| {
        if left < head {
            (PLAYED, PLAYED_LOUD)
        } else {
            (style::FILL, LOUD)
        }
    };
    painter.add(Shape::mesh(columns(rect, peaks, step, |peak| peak, colors)));
    painter.vline(head, rect.y_range(), Stroke::new(2.0, style::ACCENT));
}

/// The waveform behind a lane, as it was painted last.
#[derive(Default)]
pub(super) struct Behind {
    /// What it was made of. Weak: a medium that was closed must not be kept, and another one's peaks must not get
    /// the same address.
    of: Weak<Columns>,
    rect: Option<Rect>,
    mesh: Arc<Mesh>,
}

impl Behind {
    /// Paints `peaks` behind a lane, so faint that what lies on it stays easy to read. Quiet sounds are raised:
    /// the lane covers the middle.
    pub(super) fn paint(&mut self, painter: &Painter, rect: Rect, of: &Arc<Columns>) {
        if self.of.as_ptr() != Arc::as_ptr(of) || self.rect != Some(rect) {
            let root = |level: f32| level.signum() * level.abs().sqrt();
            let raised = |peak: Peak| Peak {
                low: root(peak.low),
                high: root(peak.high),
                rms: root(peak.rms),
            };
            let colors = |_| (FAINT, FAINT_LOUD);
            // Finer than two points would be noise.
            self.mesh = Arc::new(columns(rect, &of.all, 2.0, raised, colors));
            self.of = Arc::downgrade(of);
            self.rect = Some(rect);
        }
        painter.add(Shape::Mesh(Arc::clone(&self.mesh)));
    }
}

/// The part that was heard.
const PLAYED: Color32 = Color32::from_gray(176);
const PLAYED_LOUD: Color32 = Color32::from_gray(226);
/// The part that is still to be heard, where it is loud.
const LOUD: Color32 = Color32::from_gray(150);
const FAINT: Color32 = Color32::from_gray(52);
const FAINT_LOUD: Color32 = Color32::from_gray(78);

/// Columns of `step` points, in the colours that a column's left edge has: its extremes and its loudness.
/// What a column shows is `shaped`, which must not make a louder peak the quieter one.
fn columns(
    rect: Rect,
    peaks: &[Peak],
    step: f32,
    shaped: impl Fn(Peak) -> Peak,
    colors: impl Fn(f32) -> (Color32, Color32),
) -> Mesh {
    let count = column_count(rect.width(), step).min(peaks.len().max(1) * 64);
    let mut mesh = Mesh::default();
    mesh.reserve_triangles(count * 4);
    mesh.reserve_vertices(count * 8);
    let (middle, half) = (rect.center().y, rect.height() / 2.0);
    for column in 0..count {
        let Some(peak) = column_peak(peaks, column, count).map(&shaped) else {
            continue;
        };
        let width = rect.width() / count as f32;
        let left = rect.left() + column as f32 * width;
        let (outside, inside) = colors(left);
        let mut bar = |low: f32, high: f32, color: Color32| {
            // At least a pixel, so that silence is a line and not a gap.
            let top = (middle - high * half).min(middle - step.min(1.0) / 2.0);
            let bottom = (middle - low * half).max(middle + step.min(1.0) / 2.0);
            let column = Rect::from_min_max(pos2(left, top), pos2(left + width, bottom));
            mesh.add_colored_rect(column, color);
        };
        bar(peak.low, peak.high, outside);
        if peak.rms > 0.0 {
            bar((-peak.rms).max(peak.low), peak.rms.min(peak.high), inside);
        }
    }
    mesh
}

fn column_count(width: f32, step: f32) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "pixels of a window; negative and NaN give 0"
    )]
    let columns = (width / step) as usize;
    columns.clamp(1, 16_384)
}

/// All the peaks that fall on `column` of `columns` as one.
fn column_peak(peaks: &[Peak], column: usize, columns: usize) -> Option<Peak> {
    let first = column * peaks.len() / columns;
    let end = ((column + 1) * peaks.len()).div_ceil(columns);
    let span = peaks.get(first..end.min(peaks.len()))?;
    let widest = span.iter().copied().reduce(|a, b| Peak {
        low: a.low.min(b.low),
        high: a.high.max(b.high),
        rms: a.rms.max(b.rms),
    })?;
    Some(Peak {
        low: widest.low.clamp(-1.0, 1.0),
        high: widest.high.clamp(-1.0, 1.0),
        rms: widest.rms.clamp(0.0, 1.0),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peak(low: f32, high: f32) -> Peak {
        Peak {
            low,
            high,
            rms: high / 2.0,
        }
    }

    #[test]
    fn the_loudest_peak_is_never_lost() {
        let mut peaks = vec![peak(0.0, 0.1); 10_000];
        peaks[7_777] = peak(-0.9, 0.8);
        for columns in [1, 7, 640, 3_840, 10_000] {
            let columns_with_it = (0..columns)
                .filter_map(|column| column_peak(&peaks, column, columns))
                .filter(|peak| peak.low < -0.8)
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

    #[test]
    fn another_waveform_is_not_taken_for_the_one_before() {
        let painter = Painter::new(
            egui::Context::default(),
            egui::LayerId::background(),
            Rect::EVERYTHING,
        );
        let rect = Rect::from_min_size(pos2(0.0, 0.0), egui::vec2(300.0, 18.0));
        let mut behind = Behind::default();
        let mut paint = |high: f32| {
            // Dropped before the next one is made, which may lie where this one did.
            let columns = Arc::new(vec![peak(-high, high); 1_024].into());
            behind.paint(&painter, rect, &columns);
            let first = Arc::clone(&behind.mesh);
            behind.paint(&painter, rect, &columns);
            assert!(Arc::ptr_eq(&first, &behind.mesh), "it is made once");
            first
        };
        let (quiet, loud) = (paint(0.1), paint(0.9));
        assert_ne!(quiet.vertices, loud.vertices);
    }

    #[test]
    fn bars_stay_within_their_lane() {
        let rect = Rect::from_min_size(pos2(10.0, 20.0), egui::vec2(300.0, 18.0));
        let peaks = [peak(-2.0, 2.0), peak(0.0, 0.0), peak(-0.3, 0.1)];
        let mesh = columns(rect, &peaks, 2.0, |peak| peak, |_| (FAINT, FAINT_LOUD));
        assert!(!mesh.is_empty());
        for vertex in &mesh.vertices {
            assert!(rect.expand(0.01).contains(vertex.pos), "{:?}", vertex.pos);
        }
    }

    proptest! {
        #[test]
        fn every_column_shows_something(count in 1_usize..5_000, columns in 1_usize..5_000) {
            let peaks = vec![peak(-0.5, 0.5); count];
            for column in 0..columns {
                prop_assert_eq!(column_peak(&peaks, column, columns), Some(peak(-0.5, 0.5)));
            }
        }
    }
}
