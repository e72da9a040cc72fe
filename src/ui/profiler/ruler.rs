//! Marks of time above the spans.

use egui::{Sense, Ui, pos2, vec2};

use super::axis::{Axis, Window};
use crate::ui::style;

const HEIGHT: f32 = 15.0;

/// Marks are at least so far apart: their words are as wide.
const APART: f32 = 84.0;

/// More do not fit on any screen.
const MOST_MARKS: u32 = 200;

/// The moments to be marked along so many points: multiples of 1, 2 or 5 times a power of ten.
pub(super) fn marks(window: Window, width: f32) -> Vec<f64> {
    let most = f64::from((width / APART).max(1.0));
    let least_step = window.nanos / most;
    let power = 10.0_f64.powf(least_step.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * power)
        .into_iter()
        .find(|step| *step >= least_step)
        .unwrap_or(least_step);
    let first = (window.start_nanos / step).ceil();
    let end = window.start_nanos + window.nanos;
    (0..MOST_MARKS)
        .map(|index| (first + f64::from(index)) * step)
        .take_while(|moment| *moment <= end)
        .collect()
}

/// The words of a mark, whose neighbours are as far away as the first two of `marks`.
pub(super) fn words(moment: f64, marks: &[f64]) -> String {
    let step = match marks {
        [first, second, ..] => second - first,
        _ => 1e6,
    };
    if step >= 1e5 {
        format!("{:.1} ms", moment / 1e6)
    } else if step >= 1e3 {
        format!("{:.3} ms", moment / 1e6)
    } else {
        format!("{:.1} µs", moment / 1e3)
    }
}

/// Shows the marks of what is in view.
pub(super) fn show(ui: &mut Ui, window: Window) {
    let size = vec2(ui.available_width(), HEIGHT);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let axis = Axis {
        left: rect.left(),
        width: rect.width(),
        window,
    };
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    let marks = marks(window, rect.width());
    for moment in &marks {
        let x = axis.x_of(*moment);
        painter.vline(x, rect.y_range(), (1.0, style::lane(ui)));
        painter.text(
            pos2(x + 3.0, rect.center().y),
            egui::Align2::LEFT_CENTER,
            words(*moment, &marks),
            style::SMALL,
            style::weak(ui),
        );
    }
}
