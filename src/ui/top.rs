//! The strip at the top: what is open, and the badges that say how it is shown.

use egui::{Align2, Color32, Rect, Stroke, pos2, vec2};

use crate::decode::Rung;
use crate::media::{ViewChannel, ViewSettings};
use crate::playback::quality::{QualityMode, rung_name};
use crate::playback::{AudioState, Snapshot};
use crate::time::FrameIndex;

use super::UiInput;
use super::canvas::Canvas;
use super::format;
use super::icons::Icon;
use super::pointer::{Button, Zone};
use super::style;
use super::timeline_view::{Facts, Trouble};

/// Height of the strip, in points.
pub(super) const HEIGHT: f32 = 30.0;
const MARGIN: f32 = 12.0;
const BADGE_HEIGHT: f32 = 18.0;
const GAP: f32 = 6.0;
/// Lines of what a badge counts, and their width in points.
const TIP_LINES: usize = 5;
const TIP_WIDTH: f32 = 440.0;

/// Words, their colour, and where they say more to the pointer.
type Badge = (String, Color32, Option<Zone>);

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

    let left = paint_badges(canvas, strip, input, timeline);
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

/// Paints the badges from the right; answers where the leftmost begins. Those that would take more
/// than half of the strip are counted instead.
fn paint_badges(
    canvas: &mut Canvas<'_>,
    strip: Rect,
    input: &UiInput<'_>,
    timeline: Option<&Facts>,
) -> f32 {
    let badges = badges(input, timeline);
    let mut right = strip.right() - MARGIN;
    for (index, (words, color, zone)) in badges.iter().enumerate() {
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
        if let Some(zone) = zone {
            canvas.zones.place(*zone, rect);
        }
        right = rect.left() - GAP;
    }
    right
}

/// Paints what a badge counts, below it.
pub(super) fn paint_trouble(canvas: &Canvas<'_>, window: Rect, facts: &Facts, trouble: Trouble) {
    let lines = facts.lines(trouble, TIP_LINES);
    paint_tip(canvas, window, Zone::Trouble(trouble), lines.join("\n"));
}

/// Paints what the badge of a picture that stands in means, below it.
pub(super) fn paint_approximate(canvas: &Canvas<'_>, window: Rect, input: &UiInput<'_>) {
    let snapshot = input.snapshot;
    if let Some(FrameIndex(near)) = snapshot.approximate {
        let FrameIndex(asked) = snapshot.position;
        let words =
            format!("This is frame {near}. It stands in for frame {asked} until that is decoded.");
        paint_tip(canvas, window, Zone::Approximate, words);
    }
}

/// Paints what is decoded and why some proxies are not used, below the badge.
pub(super) fn paint_proxies(canvas: &Canvas<'_>, window: Rect, input: &UiInput<'_>) {
    let shown = match input.snapshot.rung {
        Rung::Half => "A verified proxy of about half the size is shown.",
        Rung::Quarter => "A verified proxy of about a quarter of the size is shown.",
        Rung::Source | Rung::Thinned | Rung::Keyframes => "The source itself is shown.",
    };
    let reasons = input.snapshot.refusals.iter();
    let reasons = reasons.flat_map(|reasons| reasons.iter().map(|reason| &**reason));
    let lines: Vec<&str> = std::iter::once(shown).chain(reasons).collect();
    let lines = &lines[..lines.len().min(TIP_LINES)];
    paint_tip(canvas, window, Zone::Proxies, lines.join("\n"));
}

/// Paints words below a badge.
fn paint_tip(canvas: &Canvas<'_>, window: Rect, zone: Zone, words: String) {
    let Some(badge) = canvas.zones.rect(zone) else {
        return;
    };
    let width = TIP_WIDTH.min(window.width() - 4.0 * MARGIN);
    // Paths are long, and most lines take two rows.
    let galley = canvas.wrapped(words, style::SMALL, width, 3 * TIP_LINES);
    let size = galley.size() + vec2(16.0, 12.0);
    let left = (badge.right() - size.x).max(window.left() + GAP);
    let rect = Rect::from_min_size(pos2(left, window.top() + HEIGHT + 4.0), size);
    canvas.panel(rect, style::SOLID);
    canvas
        .painter
        .galley(rect.min + vec2(8.0, 6.0), galley, style::TEXT);
}

/// What must be known about how the medium is shown, the most important first.
fn badges(input: &UiInput<'_>, timeline: Option<&Facts>) -> Vec<Badge> {
    let mut badges = Vec::new();
    if input.snapshot.approximate.is_some() {
        badges.push((
            "approximate".to_owned(),
            style::WEAK,
            Some(Zone::Approximate),
        ));
    }
    for trouble in Trouble::ALL {
        let badge = timeline.and_then(|facts| facts.badge(trouble));
        let zone = Some(Zone::Trouble(trouble));
        badges.extend(badge.map(|(words, color)| (words, color, zone)));
    }
    badges.extend(proxy_badges(input.snapshot));
    let plain = plain_badges(input).into_iter();
    badges.extend(plain.map(|(words, color)| (words, color, None)));
    badges
}

/// Whether proxies are shown, where there are any, and whether some were refused.
fn proxy_badges(snapshot: &Snapshot) -> impl Iterator<Item = Badge> {
    let is_proxy = matches!(snapshot.rung, Rung::Half | Rung::Quarter);
    let shown = match (is_proxy, snapshot.has_proxies) {
        (true, _) => Some(("Proxy Active", style::MARK)),
        (false, true) => Some(("Source Quality", style::GOOD)),
        (false, false) => None,
    };
    let refused = snapshot.refusals.as_ref().map(|reasons| {
        let words = match reasons.len() {
            1 => "proxy refused".to_owned(),
            several => format!("{several} proxies refused"),
        };
        (words, style::WARN)
    });
    let shown = shown.map(|(words, color)| (words.to_owned(), color));
    let badges = shown.into_iter().chain(refused);
    badges.map(|(words, color)| (words, color, Some(Zone::Proxies)))
}

fn plain_badges(input: &UiInput<'_>) -> Vec<(String, Color32)> {
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
    if snapshot.quality.mode != QualityMode::Auto {
        let words = format!("quality {}", snapshot.quality.mode);
        badges.push((words, style::ACCENT));
    }
    if let Some(rung @ (Rung::Thinned | Rung::Keyframes)) = snapshot.quality.rung {
        badges.push((rung_name(rung).to_owned(), style::WARN));
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
