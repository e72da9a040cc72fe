//! How even the frames came: their intervals as a histogram, and what most of them stayed below.

use egui::Ui;
use egui_plot::{Bar, BarChart, Plot, VLine};

use crate::ui::UiInput;
use crate::ui::panels::widgets::{heading, note};
use crate::ui::style;

const HEIGHT: f32 = 110.0;

/// Bars of the histogram.
const BARS: usize = 32;

/// What 50, 95 and 99 % of intervals stay below, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Percentiles {
    pub(super) p50: f32,
    pub(super) p95: f32,
    pub(super) p99: f32,
}

impl Percentiles {
    /// By nearest rank: each is one of the intervals. `None` where there is none.
    pub(super) fn of(millis: &[f32]) -> Option<Self> {
        let mut sorted = millis.to_vec();
        sorted.sort_unstable_by(f32::total_cmp);
        let rank = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.max(1) - 1).copied()
        };
        Some(Self {
            p50: rank(50)?,
            p95: rank(95)?,
            p99: rank(99)?,
        })
    }
}

/// How many of the `millis` are in each of [`BARS`] equal classes, with the begin of the first and the width of
/// all. The last class holds what is beyond.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a class of a histogram; a cast saturates"
)]
pub(super) fn classes(millis: &[f32], top: f32) -> Option<(f32, f32, [u32; BARS])> {
    let least = millis.iter().copied().min_by(f32::total_cmp)?;
    // Intervals that are all alike have a class of their own.
    let width = ((top - least) / (BARS - 1) as f32).max(0.05);
    let mut counts = [0; BARS];
    for interval in millis {
        let class = ((interval - least) / width) as usize;
        counts[class.min(BARS - 1)] += 1;
    }
    Some((least, width, counts))
}

pub(super) fn show(ui: &mut Ui, input: &UiInput<'_>) {
    heading(ui, "Frame intervals");
    let millis = input.stats.intervals.as_millis();
    let Some(percentiles) = Percentiles::of(millis) else {
        note(
            ui,
            "Play something: the times between frames are shown here.",
        );
        return;
    };
    let Percentiles { p50, p95, p99 } = percentiles;
    ui.label(format!("p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms"))
        .on_hover_text(format!("Of the latest {} intervals.", millis.len()));
    let Some((least, width, counts)) = classes(millis, p99 * 1.5) else {
        return;
    };
    let bars = counts.iter().enumerate().map(|(class, count)| {
        let middle = (class as f32 + 0.5).mul_add(width, least);
        Bar::new(f64::from(middle), f64::from(*count)).width(f64::from(width))
    });
    let chart = BarChart::new("intervals", bars.collect()).color(style::fill(ui));
    let lines = [
        ("p50", p50, style::good(ui)),
        ("p95", p95, style::warn(ui)),
        ("p99", p99, style::bad(ui)),
    ];
    Plot::new("frame intervals")
        .height(HEIGHT)
        .show_axes([true, false])
        .show_grid([true, false])
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_y(0.0)
        .x_axis_label("ms")
        .show(ui, |plot| {
            plot.bar_chart(chart);
            for (name, at, color) in lines {
                plot.vline(VLine::new(name, f64::from(at)).color(color));
            }
        });
}
