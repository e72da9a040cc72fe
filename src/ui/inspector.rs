//! The values of the pixel under the pointer, beside it.

use egui::{Color32, Pos2, Rect, vec2};

use crate::convert::PixelReading;

use super::canvas::Canvas;
use super::style;

const PADDING: f32 = 8.0;
const SWATCH: f32 = 22.0;
/// From the pointer to the box.
const AWAY: f32 = 18.0;

/// Paints them in a box that stays within `limits`.
pub(super) fn paint(canvas: &Canvas<'_>, limits: Rect, pos: Pos2, pixel: &PixelReading) {
    let codes: Vec<String> = pixel
        .codes
        .iter()
        .map(|(name, code)| format!("{name} {code}"))
        .collect();
    let [red, green, blue] = pixel.rgb.map(byte);
    let mut lines = vec![
        format!("x {}  y {}", pixel.place[0], pixel.place[1]),
        codes.join("  "),
        format!("R {red}  G {green}  B {blue}  #{red:02x}{green:02x}{blue:02x}"),
    ];
    lines.extend(pixel.alpha.map(|alpha| format!("A {:.1} %", alpha * 100.0)));
    let galleys: Vec<_> = lines
        .into_iter()
        .map(|line| canvas.line(line, style::NUMBERS))
        .collect();
    let width = galleys.iter().map(|line| line.size().x).fold(0.0, f32::max);
    let height: f32 = galleys.iter().map(|line| line.size().y + 2.0).sum();
    let size = vec2(width + SWATCH + 3.0 * PADDING, height + 2.0 * PADDING);
    let mut min = pos + vec2(AWAY, AWAY);
    if min.x + size.x > limits.right() {
        min.x = pos.x - AWAY - size.x;
    }
    if min.y + size.y > limits.bottom() {
        min.y = pos.y - AWAY - size.y;
    }
    let rect = Rect::from_min_size(min.max(limits.min), size);
    canvas.panel(rect, style::SOLID);
    let swatch = Rect::from_min_size(rect.min + vec2(PADDING, PADDING), vec2(SWATCH, height));
    let color = Color32::from_rgb(red, green, blue);
    canvas.painter.rect_filled(swatch, 2.0, color);
    let mut at = rect.min + vec2(2.0 * PADDING + SWATCH, PADDING);
    for galley in galleys {
        let step = galley.size().y + 2.0;
        canvas.painter.galley(at, galley, style::TEXT);
        at.y += step;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255"
)]
fn byte(part: f64) -> u8 {
    (part * 255.0).round().clamp(0.0, 255.0) as u8
}
