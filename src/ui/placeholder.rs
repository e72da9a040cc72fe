//! What is shown where there is no picture.

use egui::{Align2, Pos2, Rect, pos2, vec2};

use crate::config::Action;
use crate::playback::PlaybackStatus;

use super::canvas::Canvas;
use super::format;
use super::pointer::Zone;
use super::style;
use super::{RecentFile, UiInput};

/// Keys that a newcomer needs.
const FIRST_KEYS: [(Action, &str); 4] = [
    (Action::PlayPause, "play and pause"),
    (Action::StepForward, "one frame on"),
    (Action::TogglePerformance, "performance"),
    (Action::ToggleHelp, "all keys"),
];

/// What opens the demo.
pub(super) const DEMO: &str = "Open the demo timeline";

/// Files that were open before: how many are shown, and the size of their rows in points.
const RECENT_SHOWN: usize = 5;
const RECENT_ROW: f32 = 26.0;
const RECENT_WIDTH: f32 = 420.0;

/// Paints it in `area` when there is nothing to see; answers whether it did.
pub(super) fn paint(canvas: &mut Canvas<'_>, area: Rect, input: &UiInput<'_>) -> bool {
    let snapshot = input.snapshot;
    if snapshot.media.is_some() && input.failure.is_none() {
        return false;
    }
    canvas
        .painter
        .rect_filled(canvas.painter.clip_rect(), 0.0, style::BACKDROP);
    if let Some(failure) = input.failure {
        let open = key(input, Action::OpenFiles);
        let fix = if failure.fix.is_empty() {
            format!("Drop another file here, or press {open}.")
        } else {
            failure.fix.to_owned()
        };
        let title = format!("{} cannot be shown", failure.name);
        paint_card(canvas, area, &title, &[failure.reason, &fix], style::WARN);
    } else if snapshot.status == PlaybackStatus::Opening {
        let file = snapshot.playlist.get(snapshot.playlist_index);
        let name = file.map(|path| format::file_name(path)).unwrap_or_default();
        let words = format!("Opening {name} …");
        let galley = canvas.wrapped(words, style::HEADING, area.width() - 48.0, 1);
        let pos = area.center() - galley.size() / 2.0;
        canvas.painter.galley(pos, galley, style::WEAK);
    } else {
        paint_welcome(canvas, area, input);
    }
    true
}

fn key(input: &UiInput<'_>, action: Action) -> String {
    input
        .keys
        .first_chord(action)
        .map(|chord| chord.to_string())
        .unwrap_or_default()
}

fn paint_welcome(canvas: &mut Canvas<'_>, area: Rect, input: &UiInput<'_>) {
    let recent = &input.panels.recent;
    let fits = ((area.height() - 274.0) / RECENT_ROW).max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few rows"
    )]
    let shown = recent.len().min(RECENT_SHOWN).min(fits as usize);
    let below = if shown == 0 {
        0.0
    } else {
        RECENT_ROW * (shown as f32 + 1.0) + 16.0
    };
    let middle = area.center() - vec2(0.0, below / 2.0);
    paint_recent(canvas, pos2(middle.x, middle.y + 108.0), &recent[..shown]);
    let frame = Rect::from_center_size(middle, vec2((area.width() - 40.0).min(420.0), 184.0));
    let corner = 18.0;
    let stroke = egui::Stroke::new(1.5, style::EDGE);
    for (pivot, x, y) in [
        (frame.left_top(), 1.0, 1.0),
        (frame.right_top(), -1.0, 1.0),
        (frame.right_bottom(), -1.0, -1.0),
        (frame.left_bottom(), 1.0, -1.0),
    ] {
        let points = vec![
            pivot + vec2(corner * x, 0.0),
            pivot,
            pivot + vec2(0.0, corner * y),
        ];
        canvas.painter.line(points, stroke);
    }
    let center = Align2::CENTER_CENTER;
    let open = key(input, Action::OpenFiles);
    let words = format!("Drop a file here or press {open}");
    canvas.text(
        middle - vec2(0.0, 38.0),
        center,
        words,
        style::HEADING,
        style::TEXT,
    );
    for (row, pair) in FIRST_KEYS.chunks(2).enumerate() {
        let y = middle.y + 6.0 + 26.0 * row as f32;
        for (column, (action, words)) in pair.iter().enumerate() {
            let left = middle.x - 170.0 + 180.0 * column as f32;
            let chord = key(input, *action);
            let galley = canvas.line(chord, style::SMALL);
            let cap = Rect::from_min_size(
                pos2(left, y - 9.0),
                vec2((galley.size().x + 12.0).max(24.0), 18.0),
            );
            canvas.painter.rect_filled(cap, 3.0, style::LANE);
            canvas
                .painter
                .galley(cap.center() - galley.size() / 2.0, galley, style::TEXT);
            let pos = pos2(cap.right() + 8.0, y);
            canvas.text(pos, Align2::LEFT_CENTER, *words, style::BODY, style::WEAK);
        }
    }
    paint_demo(canvas, middle + vec2(0.0, 64.0));
}

/// Paints what opens the demo, its middle at `pos`.
fn paint_demo(canvas: &mut Canvas<'_>, pos: Pos2) {
    let galley = canvas.line(DEMO, style::BODY);
    let rect = Rect::from_center_size(pos, galley.size() + vec2(20.0, 8.0));
    if let Some(ground) = canvas.ground(Zone::Demo, true, true) {
        canvas.painter.rect_filled(rect, style::ROUND, ground);
    }
    let corner = rect.center() - galley.size() / 2.0;
    canvas.painter.galley(corner, galley, style::TEXT);
    canvas.zones.place(Zone::Demo, rect);
}

/// Paints files that were open before, each a row that opens it as it was left, from `top` downwards.
fn paint_recent(canvas: &mut Canvas<'_>, top: Pos2, recent: &[RecentFile]) {
    if recent.is_empty() {
        return;
    }
    let left = top.x - RECENT_WIDTH / 2.0;
    let heading = pos2(left + 8.0, top.y + RECENT_ROW / 2.0);
    let corner = Align2::LEFT_CENTER;
    canvas.text(heading, corner, "Open again", style::SMALL, style::WEAK);
    for (row, file) in recent.iter().enumerate() {
        let min = pos2(left, top.y + RECENT_ROW * (row as f32 + 1.0));
        let rect = Rect::from_min_size(min, vec2(RECENT_WIDTH, RECENT_ROW));
        let zone = Zone::Recent(row);
        if let Some(ground) = canvas.ground(zone, true, false) {
            canvas.painter.rect_filled(rect, style::ROUND, ground);
        }
        let place = canvas.line(file.words.as_str(), style::NUMBERS);
        let room = RECENT_WIDTH - place.size().x - 32.0;
        let name = canvas.wrapped(format::file_name(&file.path), style::BODY, room, 1);
        let at = rect.left_center() + vec2(8.0, -name.size().y / 2.0);
        canvas.painter.galley(at, name, style::TEXT);
        let at = rect.right_center() - vec2(8.0 + place.size().x, place.size().y / 2.0);
        canvas.painter.galley(at, place, style::WEAK);
        canvas.zones.place(zone, rect);
    }
}

/// Paints a card with a title and paragraphs, its left edge coloured.
fn paint_card(
    canvas: &Canvas<'_>,
    area: Rect,
    title: &str,
    paragraphs: &[&str],
    color: egui::Color32,
) {
    let width = (area.width() - 24.0).min(520.0);
    let text_width = width - 44.0;
    let title = canvas.wrapped(title, style::HEADING, text_width, 2);
    let bodies: Vec<_> = paragraphs
        .iter()
        .map(|text| canvas.wrapped(*text, style::BODY, text_width, 4))
        .collect();
    let height =
        title.size().y + bodies.iter().map(|body| body.size().y + 10.0).sum::<f32>() + 36.0;
    let card = Rect::from_center_size(area.center(), vec2(width, height));
    canvas.panel(card, style::SOLID);
    let mut stripe = card.shrink(1.0);
    stripe.set_width(4.0);
    canvas.painter.rect_filled(stripe, 1.0, color);
    let mut pos = card.min + vec2(24.0, 18.0);
    let step = title.size().y + 10.0;
    canvas.painter.galley(pos, title, style::TEXT);
    pos.y += step;
    for body in bodies {
        let step = body.size().y + 10.0;
        canvas.painter.galley(pos, body, style::TEXT);
        pos.y += step;
    }
}
