//! The strip at the top: what is open, and the badges ([`badges`]) that say how it is shown.

use egui::{Align2, Rect, Stroke, pos2, vec2};

use super::UiInput;
use super::badges;
use super::canvas::Canvas;
use super::format;
use super::icons::Icon;
use super::pointer::{Button, Zone};
use super::style;
use super::timeline_view::Facts;

/// Height of the strip, in points.
pub(super) const HEIGHT: f32 = 30.0;
const MARGIN: f32 = 12.0;
const GAP: f32 = 6.0;

/// Paints the strip over the top of `window`.
pub(super) fn paint(
    canvas: &mut Canvas<'_>,
    window: Rect,
    input: &UiInput<'_>,
    timeline: Option<&Facts>,
    zoom_percent: Option<u32>,
) {
    let strip = Rect::from_min_size(window.min, vec2(window.width(), HEIGHT));
    canvas.painter.rect_filled(strip, 0.0, style::PANEL);
    canvas.painter.hline(
        strip.x_range(),
        strip.bottom() - 0.5,
        Stroke::new(1.0, style::EDGE),
    );
    canvas.zones.place(Zone::Top, strip);

    let left = badges::paint(canvas, strip, MARGIN, &badges::all(input, timeline));
    let (title, mut details) = title(input);
    if let Some(percent) = zoom_percent {
        details = format!("{details}   {percent} %");
    }
    let y = strip.center().y;
    let menu = Rect::from_min_size(strip.min + vec2(4.0, 2.0), vec2(HEIGHT, HEIGHT - 4.0));
    canvas.icon_button(Zone::Button(Button::Menu), menu, Icon::Menu, true, false);
    let mut x = menu.right() + GAP;
    let galley = canvas.wrapped(title, style::BODY, left - x - GAP, 1);
    let end = x + galley.size().x;
    canvas
        .painter
        .galley(pos2(x, y - galley.size().y / 2.0), galley, style::TEXT);
    x = end + 14.0;
    if !details.is_empty() && x + canvas.width(&*details, style::SMALL) < left - GAP {
        canvas.text(
            pos2(x, y),
            Align2::LEFT_CENTER,
            details,
            style::SMALL,
            style::WEAK,
        );
    }
}

/// The name of what is open, and its place in the playlist and size.
fn title(input: &UiInput<'_>) -> (String, String) {
    let snapshot = input.snapshot;
    let name = match (&snapshot.media, input.failure) {
        (Some(media), _) => format::file_name(&media.info.path),
        (None, Some(failure)) => failure.name.to_owned(),
        (None, None) => "Jogwheel".to_owned(),
    };
    let mut details = Vec::new();
    let files = snapshot.playlist.len();
    if files > 1 {
        details.push(format!("{} of {files}", snapshot.playlist_index + 1));
    }
    if let Some(media) = &snapshot.media {
        if let Some(video) = media.info.default_video() {
            details.push(format!("{} × {}", video.size.width(), video.size.height()));
            details.push(video.codec.clone());
        } else if let Some(audio) = media.info.default_audio() {
            details.push(format!("{} {} Hz", audio.codec, audio.format.rate));
        }
    }
    (name, details.join("   "))
}
