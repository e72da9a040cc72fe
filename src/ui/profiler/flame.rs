//! The spans of a frame: a row for each depth of each thread, time along the width.
//!
//! The wheel zooms around the pointer, dragging moves, a double click fills the width with a span. With the
//! keyboard, arrows move and zoom. What is painted is bounded, whatever the frame holds: see [`rows::boxes`].

use egui::scroll_area::{DragScroll, ScrollSource};
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Color32, Key, Mesh, Rect, Response, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::axis::{Axis, Window};
use super::rows::{self, Row, Rows, SpanBox};
use super::ruler;
use super::search::Found;
use super::strip::millis_words;
use crate::metrics::{GPU_THREAD, ProfileFrame, Span, ThreadSpans};
use crate::ui::focus::{self, Keys};
use crate::ui::style;

const ROW: f32 = 17.0;
/// The line with a thread's name.
const HEAD: f32 = 18.0;

/// Names that are painted at most, and letters of each: every letter is a small picture.
const MOST_NAMES: usize = 60;
const MOST_LETTERS: usize = 24;
/// Narrower boxes have no name.
const NAMED_WIDTH: f32 = 34.0;

/// A notch of the wheel is about 50 points; five notches show half as much.
const POINTS_PER_HALF: f32 = 250.0;
/// What a key moves by, as a share of what is in view.
const KEY_SHARE: f64 = 0.1;
const KEY_ZOOM: f64 = 0.8;

/// What is shown.
pub(super) struct Flame<'a> {
    pub(super) frame: &'a ProfileFrame,
    pub(super) rows: &'a Rows,
    pub(super) found: &'a Found,
}

/// Something under the pointer.
enum Hit<'a> {
    Thread(&'a ThreadSpans, u64),
    Span(&'a ThreadSpans, &'a Span),
    Several {
        thread: &'a ThreadSpans,
        count: usize,
        nanos: u64,
    },
}

impl<'a> Flame<'a> {
    /// Shows the spans in `height`. `window` is what of the frame is in view.
    pub(super) fn show(&self, ui: &mut Ui, height: f32, window: &mut Option<Window>) {
        ruler::show(
            ui,
            window.unwrap_or_else(|| Window::whole(self.frame.duration_nanos)),
        );
        // The wheel zooms, and dragging is done here.
        let source = ScrollSource {
            scroll_bar: true,
            drag: DragScroll::Never,
            mouse_wheel: false,
        };
        ScrollArea::vertical()
            .id_salt("spans")
            .max_height(height)
            .auto_shrink([false, false])
            .scroll_source(source)
            .show(ui, |ui| self.show_all(ui, window));
    }

    fn show_all(&self, ui: &mut Ui, window: &mut Option<Window>) {
        let size = vec2(ui.available_width(), self.height());
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let duration = self.frame.duration_nanos;
        let axis = |window: &Option<Window>| Axis {
            left: rect.left(),
            width: rect.width(),
            window: window.unwrap_or_else(|| Window::whole(duration)),
        };
        let before = axis(window);
        let after = self.moved(ui, &response, &before);
        if after != before.window {
            *window = (after != Window::whole(duration)).then_some(after);
        }
        let mut axis = axis(window);
        if response.double_clicked()
            && let Some(at) = response.interact_pointer_pos()
            && let Some(Hit::Span(_, span)) = self.hit(rect, &axis, at)
        {
            *window = Some(Window::around(span.start_nanos, span.nanos, duration));
            axis.window = Window::around(span.start_nanos, span.nanos, duration);
        }
        if response.clicked() {
            response.request_focus();
        }
        self.paint(ui, rect, &axis);
        self.name(ui, &response);
        let hit = response
            .hover_pos()
            .filter(|_| !response.dragged())
            .and_then(|at| self.hit(rect, &axis, at));
        if let Some(hit) = hit {
            response.on_hover_ui_at_pointer(|ui| self.tell(ui, &hit));
        }
    }

    fn height(&self) -> f32 {
        let heights = self.rows.threads.iter();
        heights.map(thread_height).sum::<f32>().max(ROW)
    }

    /// What is in view after wheel, drag and keys have had their say.
    fn moved(&self, ui: &Ui, response: &Response, axis: &Axis) -> Window {
        let duration = self.frame.duration_nanos;
        let mut window = axis.window;
        if response.dragged() {
            let delta = response.drag_delta();
            let share = f64::from(-delta.x / axis.width.max(1.0));
            window = window.moved(share, duration);
            ui.scroll_with_delta(vec2(0.0, delta.y));
        }
        if response.contains_pointer()
            && let Some(at) = response.hover_pos()
        {
            let (wheel, pinch) = ui.input_mut(|state| {
                let wheel = std::mem::take(&mut state.smooth_scroll_delta);
                (wheel, state.zoom_delta())
            });
            if wheel != Vec2::ZERO || (pinch - 1.0).abs() > f32::EPSILON {
                let factor = f64::from((-wheel.y / POINTS_PER_HALF).exp2() / pinch);
                let share = f64::from(-wheel.x / axis.width.max(1.0));
                window = window
                    .zoomed(factor, axis.nanos_at(at.x), duration)
                    .moved(share, duration);
            }
        }
        let keys = Keys {
            vertical: true,
            ends: false,
        };
        if focus::keep(ui, response, keys) {
            let presses = |key| ui.input(|state| state.num_presses(key));
            for _ in 0..presses(Key::ArrowLeft) {
                window = window.moved(-KEY_SHARE, duration);
            }
            for _ in 0..presses(Key::ArrowRight) {
                window = window.moved(KEY_SHARE, duration);
            }
            for _ in 0..presses(Key::ArrowUp) {
                window = window.zoomed(KEY_ZOOM, window.middle(), duration);
            }
            for _ in 0..presses(Key::ArrowDown) {
                window = window.zoomed(1.0 / KEY_ZOOM, window.middle(), duration);
            }
        }
        window
    }

    /// The top of each thread's part.
    fn tops(&self, rect: Rect) -> impl Iterator<Item = (usize, f32)> {
        let mut top = rect.top();
        self.rows
            .threads
            .iter()
            .enumerate()
            .map(move |(index, thread)| {
                let own = top;
                top += thread_height(thread);
                (index, own)
            })
    }

    fn hit(&self, rect: Rect, axis: &Axis, at: egui::Pos2) -> Option<Hit<'a>> {
        let (index, top) = self.tops(rect).filter(|(_, top)| *top <= at.y).last()?;
        let (thread, rows) = (&self.frame.threads[index], &self.rows.threads[index]);
        let below = at.y - top - HEAD;
        if below < 0.0 {
            return Some(Hit::Thread(thread, rows.busy_nanos));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a row below the top"
        )]
        let row = rows.depths.get((below / ROW) as usize)?;
        let mut boxes = Vec::new();
        rows::boxes_of(&thread.spans, row, axis, 1.0, &|_| false, &mut boxes);
        // Narrow boxes are hit nearby as well.
        let hit = boxes
            .iter()
            .find(|span| span.left <= at.x && at.x < span.right)
            .or_else(|| {
                let near = |span: &&SpanBox| span.left - 2.0 <= at.x && at.x < span.right + 2.0;
                boxes.iter().find(near)
            })?;
        let mut spans = row[hit.places.clone()]
            .iter()
            .map(|index| &thread.spans[*index as usize]);
        if hit.is_merged() {
            return Some(Hit::Several {
                thread,
                count: spans.len(),
                nanos: spans.map(|span| span.nanos).sum(),
            });
        }
        spans.next().map(|span| Hit::Span(thread, span))
    }

    fn paint(&self, ui: &Ui, rect: Rect, axis: &Axis) {
        let clip = ui.clip_rect();
        let tops: Vec<f32> = self.tops(rect).map(|(_, top)| top).collect();
        let top_of = |(thread, depth): Row| (depth as f32).mul_add(ROW, tops[thread] + HEAD);
        let is_visible = |top: f32, height: f32| top < clip.bottom() && top + height > clip.top();
        let mut visible: Vec<Row> = Vec::new();
        for (index, rows) in self.rows.threads.iter().enumerate() {
            if is_visible(tops[index], HEAD) {
                self.paint_head(ui, rect, index, tops[index]);
            }
            let depths = (0..rows.depths.len()).map(|depth| (index, depth));
            visible.extend(depths.filter(|row| is_visible(top_of(*row), ROW)));
        }
        let is_found = |(thread, _): Row, index: u32| self.found.holds(thread, index);
        let boxes = rows::boxes(self.frame, self.rows, &visible, axis, &is_found);
        let mut mesh = Mesh::default();
        let mut named = Vec::new();
        for ((thread, depth), span) in &boxes {
            let indices = &self.rows.threads[*thread].depths[*depth];
            let first = &self.frame.threads[*thread].spans[indices[span.places.start] as usize];
            let color = self.color(ui, first, span);
            let top = top_of((*thread, *depth));
            let left = span.left.max(rect.left());
            let right = span.right.min(rect.right());
            let gap = if right - left > 3.0 { 1.0 } else { 0.0 };
            let area = Rect::from_min_max(pos2(left, top), pos2(right - gap, top + ROW - 1.0));
            mesh.add_colored_rect(area, color);
            if !span.is_merged() && area.width() >= NAMED_WIDTH {
                named.push((area, first, color));
            }
        }
        ui.painter().add(mesh);
        // The widest are named first, where there are too many.
        named.sort_by(|a, b| b.0.width().total_cmp(&a.0.width()));
        for (area, span, ground) in named.into_iter().take(MOST_NAMES) {
            paint_name(ui, area, span, ground);
        }
    }

    fn paint_head(&self, ui: &Ui, rect: Rect, index: usize, top: f32) {
        let (thread, rows) = (&self.frame.threads[index], &self.rows.threads[index]);
        let letters: String = thread.name.chars().take(2 * MOST_LETTERS).collect();
        let words = format!("{letters}  {}", millis_words(rows.busy_nanos));
        ui.painter().text(
            pos2(rect.left() + 2.0, top + HEAD / 2.0),
            egui::Align2::LEFT_CENTER,
            words,
            style::SMALL,
            style::weak(ui),
        );
    }

    /// A colour of its own for each name, pale, so that the picture beside it is judged as it is.
    fn color(&self, ui: &Ui, first: &Span, span: &SpanBox) -> Color32 {
        if self.found.is_search() {
            return if span.is_found {
                style::accent(ui)
            } else {
                style::raised(ui)
            };
        }
        let hue = name_hash(&first.name) as f32 / 256.0;
        let (saturation, value) = if ui.visuals().dark_mode {
            (0.42, 0.46)
        } else {
            (0.26, 0.90)
        };
        egui::ecolor::Hsva::new(hue, saturation, value, 1.0).into()
    }

    fn tell(&self, ui: &mut Ui, hit: &Hit<'_>) {
        let share = |nanos: u64| {
            let whole = self.frame.duration_nanos.max(1);
            format!("{:.1} % of the frame", nanos as f64 * 100.0 / whole as f64)
        };
        match hit {
            Hit::Thread(thread, nanos) => {
                ui.label(format!(
                    "{}: {}, {}",
                    thread.name,
                    millis_words(*nanos),
                    share(*nanos)
                ));
                tell_gpu(ui, thread);
            }
            Hit::Span(thread, span) => {
                ui.strong(&*span.name);
                ui.label(format!(
                    "{}, {}",
                    duration_words(span.nanos),
                    share(span.nanos)
                ));
                ui.label(format!("from {}", millis_words(span.start_nanos)));
                tell_gpu(ui, thread);
            }
            Hit::Several {
                thread,
                count,
                nanos,
            } => {
                ui.strong(format!("{count} spans too short to be told apart here"));
                ui.label(format!(
                    "{} together, {}",
                    duration_words(*nanos),
                    share(*nanos)
                ));
                tell_gpu(ui, thread);
            }
        }
    }

    fn name(&self, ui: &Ui, response: &Response) {
        response.widget_info(|| {
            let label = format!("Spans of frame {}", self.frame.number);
            WidgetInfo::labeled(Role::Canvas, ui.is_enabled(), label)
        });
        if response.has_focus() {
            let stroke = ui.visuals().selection.stroke;
            ui.painter().rect_stroke(
                response.rect.intersect(ui.clip_rect()),
                2.0,
                stroke,
                egui::StrokeKind::Inside,
            );
        }
    }
}

/// What is not known of the GPU's times.
fn tell_gpu(ui: &mut Ui, thread: &ThreadSpans) {
    if *thread.name == *GPU_THREAD {
        ui.label(
            "Durations are the GPU's own. Its clock is not tied to the processor's: the first pass is put \
             where it was submitted, although it began later, and the others as far from it as they were.",
        );
    }
}

fn thread_height(thread: &rows::ThreadRows) -> f32 {
    (thread.depths.len() as f32).mul_add(ROW, HEAD + 4.0)
}

fn paint_name(ui: &Ui, area: Rect, span: &Span, ground: Color32) {
    let letters: String = span.name.chars().take(MOST_LETTERS).collect();
    // Gray 117 is as far from black as from white (WCAG 2.2, relative luminance).
    let color = if ground.intensity() > 117.0 / 255.0 {
        Color32::BLACK
    } else {
        Color32::WHITE
    };
    let mut job = LayoutJob::simple_singleline(letters, style::SMALL, color);
    job.wrap = TextWrapping::truncate_at_width(area.width() - 6.0);
    let galley = ui.painter().layout_job(job);
    let at = pos2(area.left() + 3.0, area.center().y - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);
}

/// Milliseconds, or microseconds where there is less than one.
fn duration_words(nanos: u64) -> String {
    if nanos < 1_000_000 {
        format!("{:.1} µs", nanos as f64 / 1e3)
    } else {
        millis_words(nanos)
    }
}

/// FNV-1a, folded to a byte: the same name has the same colour in every run.
fn name_hash(name: &str) -> u8 {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let [a, b, c, d] = hash.to_le_bytes();
    a ^ b ^ c ^ d
}
