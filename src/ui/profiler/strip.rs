//! The latest frames as bars: how long each took, and which is looked at.

use egui::{
    Color32, Key, Mesh, PointerButton, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2,
};

use crate::metrics::{FrameCost, ProfileLog};
use crate::ui::focus::{self, Keys};
use crate::ui::style;

const HEIGHT: f32 = 44.0;

/// Points that a bar takes at least.
const NARROWEST: f32 = 2.0;

/// Neighbouring frames that share a bar, of which the slowest is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    /// Counts bars since the first frame that was logged, so that a frame stays with its neighbours.
    pub(super) place: u64,
    pub(super) slowest: FrameCost,
}

/// The frames in columns of so many neighbours.
pub(super) fn columns(costs: impl Iterator<Item = FrameCost>, per_column: u64) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for cost in costs {
        let place = cost.ordinal / per_column.max(1);
        match columns.last_mut() {
            Some(column) if column.place == place => {
                if cost.work_nanos > column.slowest.work_nanos {
                    column.slowest = cost;
                }
            }
            _ => columns.push(Column {
                place,
                slowest: cost,
            }),
        }
    }
    columns
}

/// What a frame may take at a rate, where there is one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive span of less than seconds"
)]
pub(super) fn budget_nanos(target_fps: f32) -> Option<u64> {
    (target_fps.abs() > 0.01).then(|| (1e9 / f64::from(target_fps.abs())) as u64)
}

/// `4.21 ms`.
pub(super) fn millis_words(nanos: u64) -> String {
    format!("{:.2} ms", nanos as f64 / 1e6)
}

/// Shows the strip. Answers the frame that was picked in it.
pub(super) fn show(
    ui: &mut Ui,
    log: &ProfileLog,
    shown: Option<u64>,
    budget: Option<u64>,
) -> Option<u64> {
    let size = vec2(ui.available_width(), HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    ui.painter().rect_filled(rect, 2.0, style::lane(ui));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "bars that fit into a window"
    )]
    let room = ((rect.width() / NARROWEST) as usize).max(1);
    let per_column = log.costs().len().div_ceil(room).max(1) as u64;
    let columns = columns(log.costs(), per_column);
    let marked = shown.and_then(|number| log.cost(number));
    let marked = marked.map(|cost| cost.ordinal / per_column);
    paint(ui, rect, &columns, marked, budget);
    name(ui, &response, log, shown, budget);
    let hovered = response
        .hover_pos()
        .and_then(|at| column_at(rect, &columns, at.x));
    if let Some(column) = hovered {
        let cost = column.slowest;
        let words = format!(
            "Frame {}: the presenting thread worked {}. Waiting for the display counts.",
            cost.number,
            millis_words(cost.work_nanos)
        );
        response.clone().on_hover_text_at_pointer(words);
    }
    // Space counts as a click as well, and plays.
    if response.clicked_by(PointerButton::Primary) {
        response.request_focus();
        return hovered.map(|column| column.slowest.number);
    }
    picked_by_key(ui, &response, log, shown)
}

/// Where a bar is: the newest at the right end.
fn bar_of(rect: Rect, columns: &[Column], column: &Column) -> (f32, f32) {
    let newest = columns.last().map_or(0, |last| last.place);
    let right = ((newest - column.place) as f32).mul_add(-NARROWEST, rect.right());
    (right - NARROWEST, right)
}

/// The bar nearest to a place.
pub(super) fn column_at(rect: Rect, columns: &[Column], x: f32) -> Option<Column> {
    let away = |column: &&Column| {
        let (left, right) = bar_of(rect, columns, column);
        (x - f32::midpoint(left, right)).abs()
    };
    let nearest = columns.iter().min_by(|a, b| away(a).total_cmp(&away(b)))?;
    Some(*nearest)
}

fn paint(ui: &Ui, rect: Rect, columns: &[Column], marked: Option<u64>, budget: Option<u64>) {
    let slowest = columns.iter().map(|column| column.slowest.work_nanos).max();
    let Some(slowest) = slowest else { return };
    // One frame that took for ever would make all others invisible.
    let top = match budget {
        Some(budget) => slowest.clamp(budget + budget / 4, budget * 4),
        None => slowest.max(1),
    };
    let height_of = |nanos: u64| rect.height() * (nanos as f32 / top as f32).min(1.0);
    let mut mesh = Mesh::default();
    for column in columns {
        let (left, right) = bar_of(rect, columns, column);
        if right <= rect.left() {
            continue;
        }
        let cost = column.slowest;
        let bar = Rect::from_min_max(
            pos2(
                left.max(rect.left()),
                rect.bottom() - height_of(cost.work_nanos).max(1.0),
            ),
            pos2(right - 0.5, rect.bottom()),
        );
        if marked == Some(column.place) {
            let mark = bar.with_min_y(rect.top()).expand2(vec2(1.0, 0.0));
            mesh.add_colored_rect(mark, style::accent(ui).gamma_multiply(0.4));
        }
        mesh.add_colored_rect(bar, bar_color(ui, cost, budget));
    }
    ui.painter().add(mesh);
    if let Some(budget) = budget {
        let y = rect.bottom() - height_of(budget);
        ui.painter()
            .hline(rect.x_range(), y, (1.0, style::weak(ui)));
    }
}

fn bar_color(ui: &Ui, cost: FrameCost, budget: Option<u64>) -> Color32 {
    match budget {
        Some(budget) if cost.work_nanos > budget => style::bad(ui),
        Some(_) => style::good(ui),
        None => style::fill(ui),
    }
}

fn name(ui: &Ui, response: &Response, log: &ProfileLog, shown: Option<u64>, budget: Option<u64>) {
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Slider, ui.is_enabled(), "Frame times");
        let cost = shown.and_then(|number| log.cost(number));
        info.current_text_value = cost.map(|cost| {
            let is_over = budget.is_some_and(|budget| cost.work_nanos > budget);
            let over = if is_over { ", over budget" } else { "" };
            format!(
                "frame {}, {}{over}",
                cost.number,
                millis_words(cost.work_nanos)
            )
        });
        info
    });
    if response.has_focus() {
        let stroke = ui.visuals().selection.stroke;
        let rect = response.rect.expand(1.0);
        ui.painter()
            .rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Outside);
    }
}

/// The neighbour that an arrow goes to, while the strip has the keyboard.
fn picked_by_key(
    ui: &Ui,
    response: &Response,
    log: &ProfileLog,
    shown: Option<u64>,
) -> Option<u64> {
    let keys = Keys {
        ends: true,
        ..Keys::default()
    };
    if !focus::keep(ui, response, keys) {
        return None;
    }
    let pressed = |key| ui.input(|state| state.key_pressed(key));
    let mut numbers = log.costs().map(|cost| cost.number);
    if pressed(Key::Home) {
        numbers.next()
    } else if pressed(Key::End) {
        numbers.next_back()
    } else if pressed(Key::ArrowLeft) {
        let before = |number: &u64| shown.is_none_or(|shown| *number < shown);
        numbers.rev().find(before)
    } else if pressed(Key::ArrowRight) {
        let after = |number: &u64| shown.is_some_and(|shown| *number > shown);
        numbers.find(after)
    } else {
        None
    }
}
