//! The menu of audio tracks and devices.

use egui::{Align2, Rect, pos2, vec2};

use super::UiInput;
use super::canvas::Canvas;
use super::desk::Desk;
use super::format;
use super::pointer::Zone;
use super::style;

const WIDTH: f32 = 280.0;
const ROW: f32 = 24.0;
const PADDING: f32 = 6.0;

/// A line of the menu.
enum Row {
    Heading(&'static str),
    /// A track, or none.
    Track(Option<usize>),
    /// The device of this number, or the default one.
    Device(Option<usize>),
    /// Words that cannot be chosen.
    Note(String),
}

/// The rows as `input` has them. The order is the same in the pass that paints them and in the one that
/// learns of the click.
fn rows(input: &UiInput<'_>) -> Vec<Row> {
    let tracks = input
        .snapshot
        .media
        .as_ref()
        .map_or(0, |media| media.info.audio.len());
    let mut rows = vec![Row::Heading("Audio track")];
    if tracks == 0 {
        rows.push(Row::Note("This medium has no sound".to_owned()));
    } else {
        rows.extend((0..tracks).map(|index| Row::Track(Some(index))));
        rows.push(Row::Track(None));
    }
    rows.push(Row::Heading("Audio device"));
    rows.push(Row::Device(None));
    rows.extend((0..input.audio_devices.len()).map(|index| Row::Device(Some(index))));
    if input.snapshot.audio_delay_millis != 0 {
        rows.push(Row::Note(format!(
            "Delay {:+} ms",
            input.snapshot.audio_delay_millis
        )));
    }
    rows
}

/// Does what a click on row `index` means.
pub(super) fn choose(desk: &mut Desk<'_>, input: &UiInput<'_>, index: usize) {
    match rows(input).into_iter().nth(index) {
        Some(Row::Track(track)) => desk.set_track(track),
        Some(Row::Device(device)) => {
            desk.set_device(device.and_then(|index| input.audio_devices.get(index).cloned()));
        }
        _ => {}
    }
}

/// What row `index` says, and whether it is what is chosen; `None` for those that cannot be chosen.
pub(super) fn row_words(input: &UiInput<'_>, index: usize) -> Option<(String, bool)> {
    choice_words(rows(input).get(index)?, input)
}

fn choice_words(row: &Row, input: &UiInput<'_>) -> Option<(String, bool)> {
    match row {
        Row::Heading(_) | Row::Note(_) => None,
        Row::Track(track) => {
            let media = input.snapshot.media.as_ref();
            let stream = track.and_then(|index| Some((index, media?.info.audio.get(index)?)));
            let words = stream.map_or_else(
                || "Off".to_owned(),
                |(index, stream)| format::track_words(index, stream),
            );
            Some((words, *track == input.snapshot.audio_track))
        }
        Row::Device(device) => {
            let name = device.and_then(|index| input.audio_devices.get(index));
            let words = name.map_or_else(|| "System default".to_owned(), Clone::clone);
            Some((words, name.map(String::as_str) == input.audio_device))
        }
    }
}

/// Paints the menu above `button`, scrolled by `scroll` points; answers how far it can be scrolled.
pub(super) fn paint(
    canvas: &mut Canvas<'_>,
    window: Rect,
    button: Rect,
    input: &UiInput<'_>,
    scroll: f32,
) -> f32 {
    let rows = rows(input);
    let full = rows.len() as f32 * ROW + 2.0 * PADDING;
    let room = (button.top() - 12.0 - window.top()).max(ROW);
    let size = vec2(WIDTH.min(window.width() - 8.0), full.min(room));
    let left = (button.center().x - size.x / 2.0)
        .min(window.right() - size.x - 4.0)
        .max(window.left() + 4.0);
    let rect = Rect::from_min_size(pos2(left, button.top() - 8.0 - size.y), size);
    canvas.panel(rect, style::SOLID);
    canvas.zones.place(Zone::Menu, rect);

    let farthest = (full - size.y).max(0.0);
    let inside = rect.shrink(PADDING);
    let whole = canvas.painter.clone();
    canvas.painter = whole.with_clip_rect(inside);
    let mut top = inside.top() - scroll.clamp(0.0, farthest);
    for (index, row) in rows.iter().enumerate() {
        let line = Rect::from_min_size(pos2(inside.left(), top), vec2(inside.width(), ROW));
        top += ROW;
        if line.bottom() > inside.top() && line.top() < inside.bottom() {
            paint_row(canvas, index, row, line, inside, input);
        }
    }
    canvas.painter = whole;
    farthest
}

fn paint_row(
    canvas: &mut Canvas<'_>,
    index: usize,
    row: &Row,
    line: Rect,
    inside: Rect,
    input: &UiInput<'_>,
) {
    match row {
        Row::Heading(words) => {
            let pos = line.left_center() + vec2(6.0, 2.0);
            canvas.text(pos, Align2::LEFT_CENTER, *words, style::SMALL, style::WEAK);
            return;
        }
        Row::Note(words) => {
            let pos = line.left_center() + vec2(26.0, 0.0);
            canvas.text(pos, Align2::LEFT_CENTER, words, style::BODY, style::FAINT);
            return;
        }
        Row::Track(_) | Row::Device(_) => {}
    }
    let Some((words, chosen)) = choice_words(row, input) else {
        return;
    };
    let zone = Zone::MenuRow(index);
    if let Some(ground) = canvas.ground(zone, true, false) {
        canvas.painter.rect_filled(line, style::ROUND, ground);
    }
    if chosen {
        canvas
            .painter
            .circle_filled(line.left_center() + vec2(13.0, 0.0), 3.5, style::ACCENT);
    }
    let galley = canvas.wrapped(words, style::BODY, line.width() - 34.0, 1);
    let pos = line.left_center() + vec2(26.0, -galley.size().y / 2.0);
    canvas.painter.galley(pos, galley, style::TEXT);
    canvas.zones.place(zone, line.intersect(inside));
}
