//! The strip at the top: what is open, and the badges that say how it is shown.

use egui::{Align2, Rect, Stroke, pos2, vec2};

use crate::media::{ViewChannel, ViewSettings};
use crate::playback::AudioState;

use super::UiInput;
use super::canvas::Canvas;
use super::format;
use super::pointer::Zone;
use super::style;

/// Height of the strip, in points.
pub(super) const HEIGHT: f32 = 30.0;
const MARGIN: f32 = 12.0;
const BADGE_HEIGHT: f32 = 18.0;
const GAP: f32 = 6.0;

/// Paints the strip over the top of `window`.
pub(super) fn paint(canvas: &mut Canvas<'_>, window: Rect, input: &UiInput<'_>) {
    let strip = Rect::from_min_size(window.min, vec2(window.width(), HEIGHT));
    canvas.painter.rect_filled(strip, 0.0, style::PANEL);
    canvas.painter.hline(
        strip.x_range(),
        strip.bottom() - 0.5,
        Stroke::new(1.0, style::EDGE),
    );
    canvas.zones.place(Zone::Top, strip);

    let left = paint_badges(canvas, strip, input);
    let (title, details) = title(input);
    let y = strip.center().y;
    let mut x = strip.left() + MARGIN;
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

/// Paints the badges from the right; answers where the leftmost begins. Those that would take more
/// than half of the strip are counted instead.
fn paint_badges(canvas: &Canvas<'_>, strip: Rect, input: &UiInput<'_>) -> f32 {
    let badges = badges(input);
    let mut right = strip.right() - MARGIN;
    for (index, (words, color)) in badges.iter().enumerate() {
        let room = right - (strip.center().x + 30.0);
        let galley = canvas.line(words, style::SMALL);
        if galley.size().x + 14.0 > room {
            let more = format!("+{}", badges.len() - index);
            let pos = pos2(right, strip.center().y);
            let rect = canvas.text(pos, Align2::RIGHT_CENTER, more, style::SMALL, style::WEAK);
            return rect.left() - GAP;
        }
        let size = vec2(galley.size().x + 14.0, BADGE_HEIGHT);
        let min = pos2(right - size.x, strip.center().y - size.y / 2.0);
        let rect = Rect::from_min_size(min, size);
        let edge = Stroke::new(1.0, color.gamma_multiply(0.55));
        let fill = color.gamma_multiply(0.12);
        canvas
            .painter
            .rect(rect, 3.0, fill, edge, egui::StrokeKind::Inside);
        let at = rect.center() - galley.size() / 2.0;
        canvas.painter.galley(at, galley, *color);
        right = rect.left() - GAP;
    }
    right
}

/// What must be known about how the medium is shown, the most important first.
fn badges(input: &UiInput<'_>) -> Vec<(String, egui::Color32)> {
    let snapshot = input.snapshot;
    let mut badges = Vec::new();
    let ViewSettings {
        exposure_stops,
        gamma,
        channel,
    } = snapshot.view;
    if channel != ViewChannel::Color {
        badges.push((format::channel_words(channel).to_owned(), style::ACCENT));
    }
    let plain = ViewSettings::default();
    if (exposure_stops - plain.exposure_stops).abs() > 1e-3 {
        badges.push((format!("{exposure_stops:+.2} stops"), style::ACCENT));
    }
    if (gamma - plain.gamma).abs() > 1e-3 {
        badges.push((format!("gamma {gamma:.2}"), style::ACCENT));
    }
    if snapshot.muted {
        badges.push(("muted".to_owned(), style::WEAK));
    } else if let AudioState::Silent(_) = snapshot.audio {
        badges.push(("no sound".to_owned(), style::WARN));
    }
    if let Some(media) = &snapshot.media {
        badges.extend(
            media
                .badges
                .iter()
                .map(|words| (words.clone(), style::MARK)),
        );
    }
    badges
}
