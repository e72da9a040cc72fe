//! Pictures that the player paints itself: placeholders with words, colour bars, plain colours.
//!
//! They are frames like any other, in ordinary memory, R'G'B' with 8 bits, full range. Painting one takes
//! some milliseconds at 1920x1080, so they are kept by whoever shows them for longer than a frame.

mod canvas;
mod generators;
mod system_fonts;
mod text;

use std::sync::Arc;

use self::canvas::{Area, Canvas, Rgb, whole};
pub use self::generators::generated;
use self::text::Typesetter;
use crate::media::{Size, VideoFrame};

const GROUND: Rgb = [18, 20, 23];
const CARD: Rgb = [27, 30, 35];
const EDGE: Rgb = [43, 47, 54];
const ACCENT: Rgb = [214, 158, 76];
const TITLE: Rgb = [236, 238, 241];
/// The first line, which says what is wrong.
const REASON: Rgb = [196, 201, 208];
const WORDS: Rgb = [146, 152, 162];

/// Rows of text that one line may be wrapped to; what is longer loses its middle.
const MAX_ROWS: usize = 3;

/// Smaller letters cannot be read.
const SMALLEST_LETTERS: f32 = 9.0;

/// A placeholder of `size`: a dark card with `title` on it, and `lines` below. Lines that are too long are
/// wrapped, and lose their middle where even that is not enough; lines for which there is no room
/// are left out, the last one excepted, for it says what to do. Letters that no font has are boxes. On
/// pictures too small for words there are none.
pub fn slate(title: &str, lines: &[String], size: Size) -> Arc<VideoFrame> {
    let mut canvas = Canvas::new(size, GROUND);
    let (width, height) = (size.width() as f32, size.height() as f32);
    // Letters are in proportion to the height, unless the picture is narrow.
    let unit = height.min(width * 0.75);
    let title_px = unit * 0.062;
    let words_px = unit * 0.038;
    if words_px < SMALLEST_LETTERS {
        canvas.fill(mark_of(width, height, unit), ACCENT);
        return Arc::new(canvas.into_frame());
    }
    let margin = (unit * 0.09).round();
    let padding = (unit * 0.07).round();
    let left = margin + padding;
    let room = width - 2.0 * left;
    let (heading, body) = (Typesetter::new(title_px), Typesetter::new(words_px));
    let title_rows = heading.wrapped(title, room, 2);
    let title_height = heading.row_height() * title_rows.len() as f32;
    let gap = words_px * 0.8;
    let available = height - 2.0 * left - title_height - gap;
    let paragraphs = fitting(lines, &body, room, available);
    let body_height: f32 = paragraphs.iter().map(|rows| height_of(rows, &body)).sum();

    let block = title_height + gap + body_height;
    let top = ((height - block) / 2.0).round();
    let card = Area {
        left: margin,
        top: top - padding,
        right: width - margin,
        bottom: top + block + padding,
    };
    let stroke = (unit / 540.0).max(1.0).round();
    canvas.fill(card, EDGE);
    canvas.fill(card.shrunk(stroke), CARD);
    let bar = Area {
        right: card.left + (unit * 0.008).max(2.0).round(),
        ..card
    };
    canvas.fill(bar, ACCENT);

    let mut y = top;
    for row in &title_rows {
        heading.draw(&mut canvas, row, (left, y), TITLE);
        y += heading.row_height();
    }
    y += gap;
    let colors = std::iter::once(REASON).chain(std::iter::repeat(WORDS));
    for (rows, color) in paragraphs.iter().zip(colors) {
        for row in rows {
            body.draw(&mut canvas, row, (left, y), color);
            y += body.row_height();
        }
        y += body.paragraph_gap();
    }
    Arc::new(canvas.into_frame())
}

/// What stands for words where none can be read.
fn mark_of(width: f32, height: f32, unit: f32) -> Area {
    let half = unit * 0.12;
    Area {
        left: width / 2.0 - half,
        top: height / 2.0 - half / 4.0,
        right: width / 2.0 + half,
        bottom: height / 2.0 + half / 4.0,
    }
}

fn height_of(rows: &[String], body: &Typesetter) -> f32 {
    body.row_height() * rows.len() as f32 + body.paragraph_gap()
}

/// The rows of as many `lines` as there is room for.
fn fitting(lines: &[String], body: &Typesetter, room: f32, available: f32) -> Vec<Vec<String>> {
    // No picture has room for more, and a thousand folders may be named.
    let most = usize::try_from(whole(available / body.row_height())).unwrap_or(0);
    let Some((last, others)) = lines.split_last() else {
        return Vec::new();
    };
    let last = body.wrapped(last, room, MAX_ROWS);
    let mut left = available - height_of(&last, body);
    let mut shown = Vec::new();
    for line in others.iter().take(most) {
        let rows = body.wrapped(line, room, MAX_ROWS);
        left -= height_of(&rows, body);
        if left < 0.0 {
            break;
        }
        shown.push(rows);
    }
    shown.push(last);
    shown
}

#[cfg(test)]
mod tests;
