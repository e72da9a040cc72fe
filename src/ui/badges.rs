//! The badges at the top: what must be known about how a medium is shown, and why it is so.

use std::path::Path;

use egui::{Align2, Color32, Rect, Stroke, pos2, vec2};

use super::UiInput;
use super::canvas::Canvas;
use super::format;
use super::pointer::{Zone, Zones};
use super::style;
use super::timeline_view::{Facts, Trouble};
use crate::config::Action;
use crate::convert::tone::{SDR_WHITE_NITS, source_peak_nits};
use crate::decode::Rung;
use crate::media::{PictureTrait, VideoStream, ViewChannel, ViewSettings};
use crate::playback::quality::{QualityMode, rung_name};
use crate::playback::{AudioState, Snapshot};
use crate::time::FrameIndex;

const HEIGHT: f32 = 18.0;
const GAP: f32 = 6.0;
/// Lines of what a badge counts, and their width in points.
const TIP_LINES: usize = 5;
const TIP_WIDTH: f32 = 440.0;
/// Height of a row of a tip, in points, at most.
const TIP_ROW: f32 = 16.0;

/// What a badge is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// Another frame's picture is on the screen.
    Approximate,
    /// What is not shown as a timeline says.
    Trouble(Trouble),
    /// Media that are not what was opened.
    Displaced { is_offline: bool },
    /// Whether proxies are shown.
    Rung,
    /// Proxies that are not used.
    Refused,
    /// One channel is shown alone.
    Channel,
    /// It is shown brighter or darker.
    Exposure,
    /// Its middle tones are shown brighter or darker.
    Gamma,
    /// How the quality is chosen.
    Quality,
    /// Frames are left out.
    LeftOut,
    /// Nothing is heard.
    Sound,
    /// What is out of the ordinary about the pictures.
    Picture(PictureTrait),
    /// Those that there is no room for.
    More,
}

/// A badge.
pub(super) struct Badge {
    pub(super) subject: Subject,
    pub(super) words: String,
    color: Color32,
}

/// What must be known about how the medium is shown, the most important first.
pub(super) fn all(input: &UiInput<'_>, timeline: Option<&Facts>) -> Vec<Badge> {
    let snapshot = input.snapshot;
    let mut badges = Vec::new();
    let mut add = |subject, words: String, color| {
        badges.push(Badge {
            subject,
            words,
            color,
        });
    };
    if snapshot.approximate.is_some() {
        add(Subject::Approximate, "approximate".to_owned(), style::WEAK);
    }
    for trouble in Trouble::ALL {
        if let Some((words, color)) = timeline.and_then(|facts| facts.badge(trouble)) {
            add(Subject::Trouble(trouble), words, color);
        }
    }
    for (is_offline, word, color) in [
        (true, "offline", style::BAD),
        (false, "changed", style::WARN),
    ] {
        let words = match (displaced(snapshot, is_offline).count(), timeline) {
            (0, _) => continue,
            (1, None) => word.to_owned(),
            (1, _) => format!("1 medium {word}"),
            (count, _) => format!("{count} media {word}"),
        };
        add(Subject::Displaced { is_offline }, words, color);
    }
    if matches!(snapshot.rung, Rung::Half | Rung::Quarter) {
        add(Subject::Rung, "Proxy Active".to_owned(), style::MARK);
    } else if snapshot.has_proxies {
        add(Subject::Rung, "Source Quality".to_owned(), style::GOOD);
    }
    if let Some(reasons) = &snapshot.refusals {
        let words = match reasons.len() {
            1 => "proxy refused".to_owned(),
            several => format!("{several} proxies refused"),
        };
        add(Subject::Refused, words, style::WARN);
    }
    add_view(snapshot.view, &mut add);
    if snapshot.quality.mode != QualityMode::Auto {
        let words = format!("quality {}", snapshot.quality.mode);
        add(Subject::Quality, words, style::ACCENT);
    }
    if let Some(rung @ (Rung::Thinned | Rung::Keyframes)) = snapshot.quality.rung {
        add(Subject::LeftOut, rung_name(rung).to_owned(), style::WARN);
    }
    if snapshot.muted {
        add(Subject::Sound, "muted".to_owned(), style::WEAK);
    } else if let AudioState::Silent(_) = snapshot.audio {
        add(Subject::Sound, "no sound".to_owned(), style::WARN);
    }
    for one in snapshot.traits.iter() {
        add(Subject::Picture(one), one.name().to_owned(), style::MARK);
    }
    badges
}

/// Media that were opened and are gone, or changed.
fn displaced(snapshot: &Snapshot, is_offline: bool) -> impl Iterator<Item = &Path> {
    let displaced = snapshot.displaced.iter();
    displaced
        .filter(move |one| one.is_offline == is_offline)
        .map(|one| &*one.path)
}

fn add_view(view: ViewSettings, add: &mut impl FnMut(Subject, String, Color32)) {
    let ViewSettings {
        exposure_stops,
        gamma,
        channel,
    } = view;
    let plain = ViewSettings::default();
    if channel != ViewChannel::Color {
        let words = format::channel_words(channel).to_owned();
        add(Subject::Channel, words, style::ACCENT);
    }
    if (exposure_stops - plain.exposure_stops).abs() > 1e-3 {
        let words = format!("{exposure_stops:+.2} stops");
        add(Subject::Exposure, words, style::ACCENT);
    }
    if (gamma - plain.gamma).abs() > 1e-3 {
        add(Subject::Gamma, format!("gamma {gamma:.2}"), style::ACCENT);
    }
}

/// Paints the badges from the right; answers where the leftmost begins. Those that would take more
/// than half of the strip are counted instead.
pub(super) fn paint(canvas: &mut Canvas<'_>, strip: Rect, margin: f32, badges: &[Badge]) -> f32 {
    let mut right = strip.right() - margin;
    for (index, badge) in badges.iter().enumerate() {
        let room = right - (strip.center().x + 30.0);
        let galley = canvas.line(&*badge.words, style::SMALL);
        if galley.size().x + 14.0 > room {
            let more = format!("+{}", badges.len() - index);
            let pos = pos2(right, strip.center().y);
            let rect = canvas.text(pos, Align2::RIGHT_CENTER, more, style::SMALL, style::WEAK);
            let zone = rect.expand2(vec2(GAP / 2.0, 3.0));
            canvas.zones.place(Zone::Badge(Subject::More), zone);
            return rect.left() - GAP;
        }
        let size = vec2(galley.size().x + 14.0, HEIGHT);
        let min = pos2(right - size.x, strip.center().y - size.y / 2.0);
        let rect = Rect::from_min_size(min, size);
        let edge = Stroke::new(1.0, badge.color.gamma_multiply(0.55));
        let fill = badge.color.gamma_multiply(0.12);
        canvas
            .painter
            .rect(rect, 3.0, fill, edge, egui::StrokeKind::Inside);
        let at = rect.center() - galley.size() / 2.0;
        canvas.painter.galley(at, galley, badge.color);
        canvas.zones.place(Zone::Badge(badge.subject), rect);
        right = rect.left() - GAP;
    }
    right
}

/// Paints why a badge is there, below it, in a tip whose top is `top`.
pub(super) fn paint_tip(
    canvas: &Canvas<'_>,
    (window, top): (Rect, f32),
    subject: Subject,
    input: &UiInput<'_>,
    timeline: Option<&Facts>,
) {
    let Some(badge) = canvas.zones.rect(Zone::Badge(subject)) else {
        return;
    };
    let words = why(subject, input, timeline, canvas.zones);
    let width = TIP_WIDTH.min(window.width() - 2.0 * GAP - 16.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rows of a window; negative ones give 0"
    )]
    let rows = ((window.bottom() - top - 24.0) / TIP_ROW) as usize;
    let galley = canvas.wrapped(words, style::SMALL, width, rows.max(1));
    let size = galley.size() + vec2(16.0, 12.0);
    let left = (badge.right() - size.x).max(window.left() + GAP);
    let rect = Rect::from_min_size(pos2(left, top), size);
    canvas.panel(rect, style::SOLID);
    canvas
        .painter
        .galley(rect.min + vec2(8.0, 6.0), galley, style::TEXT);
}

/// What one of `badges` is called to those who do not see it.
pub(super) fn name(subject: Subject, badges: &[Badge], zones: &Zones) -> String {
    match badges.iter().find(|badge| badge.subject == subject) {
        Some(badge) => badge.words.clone(),
        None => format!("{} more badges", hidden(badges, zones).count()),
    }
}

/// The badges that there is no room for.
fn hidden<'a>(badges: &'a [Badge], zones: &Zones) -> impl Iterator<Item = &'a Badge> {
    let is_hidden = move |badge: &&Badge| zones.rect(Zone::Badge(badge.subject)).is_none();
    badges.iter().filter(is_hidden)
}

/// Why a badge is there, and what can be done about it; of those without room in `zones`, all of it.
pub(super) fn why(
    subject: Subject,
    input: &UiInput<'_>,
    timeline: Option<&Facts>,
    zones: &Zones,
) -> String {
    let snapshot = input.snapshot;
    let by_key = |words: &str, action: Action| match input.keys.first_chord(action) {
        Some(chord) => format!("{words} {}: {chord}.", action.label()),
        None => words.to_owned(),
    };
    match subject {
        Subject::Approximate => {
            let FrameIndex(asked) = snapshot.position;
            let FrameIndex(near) = snapshot.approximate.unwrap_or(snapshot.position);
            format!("This is frame {near}. It stands in for frame {asked} until that is decoded.")
        }
        Subject::Trouble(trouble) => timeline
            .map(|facts| facts.lines(trouble, TIP_LINES).join("\n"))
            .unwrap_or_default(),
        Subject::Displaced { is_offline } => {
            let words = if is_offline {
                "No longer where it was; what cannot be read any more is missing:"
            } else {
                "Changed on disk since it was opened; open it again to see it as it is now:"
            };
            let files = displaced(snapshot, is_offline);
            let mut lines = vec![words.to_owned()];
            lines.extend(files.take(TIP_LINES).map(|path| path.display().to_string()));
            lines.join("\n")
        }
        Subject::Rung => match snapshot.rung {
            Rung::Half => "A verified proxy of about half the size is shown.",
            Rung::Quarter => "A verified proxy of about a quarter of the size is shown.",
            Rung::Source | Rung::Thinned | Rung::Keyframes => "The source itself is shown.",
        }
        .to_owned(),
        Subject::Refused => {
            let reasons = snapshot.refusals.iter().flat_map(|reasons| reasons.iter());
            let lines: Vec<&str> = reasons.take(TIP_LINES).map(|reason| &**reason).collect();
            lines.join("\n")
        }
        Subject::Channel => by_key(
            "One channel is shown alone. The file itself is not changed.",
            Action::ViewColor,
        ),
        Subject::Exposure => by_key(
            "Light is multiplied before it is shown. The file itself is not changed.",
            Action::ExposureReset,
        ),
        Subject::Gamma => by_key(
            "Tones between black and white are shifted before they are shown. The file itself is not changed.",
            Action::GammaReset,
        ),
        Subject::Quality => by_key(
            "The quality was set by hand; it is not chosen by how well this plays.",
            Action::CycleQuality,
        ),
        Subject::LeftOut => snapshot.quality.words.to_string(),
        Subject::Sound => match &snapshot.audio {
            AudioState::Silent(reason) if !snapshot.muted => reason.clone(),
            _ => by_key("The sound is switched off.", Action::ToggleMute),
        },
        Subject::Picture(one) => trait_words(one, snapshot),
        Subject::More => {
            let told = |badge: &Badge| {
                let why = why(badge.subject, input, timeline, zones);
                format!("{}: {why}", badge.words)
            };
            let all = all(input, timeline);
            let lines: Vec<String> = hidden(&all, zones).map(told).collect();
            lines.join("\n")
        }
    }
}

/// What is done about what is out of the ordinary.
fn trait_words(one: PictureTrait, snapshot: &Snapshot) -> String {
    let media = snapshot.media.as_ref();
    // A timeline's own stream says nothing of its clips'.
    let stream = media
        .filter(|media| media.timeline.is_none())
        .and_then(|media| media.info.default_video());
    match one {
        PictureTrait::Pq | PictureTrait::Hlg => hdr_words(one, stream),
        PictureTrait::Interlaced => {
            "The source stores two fields a frame. The first is shown whole: the lines between are \
             interpolated from it."
                .to_owned()
        }
        PictureTrait::VariableRate => {
            "Its frames do not all last equally long. Each is shown when the file says, and positions \
             count frames."
                .to_owned()
        }
        PictureTrait::GuessedColor => {
            let missing = "The source does not state all of its colour: matrix, range, primaries or \
                           transfer are guessed by its size and format.";
            match stream {
                Some(stream) => format!("{missing} Shown as {}.", stream.color.words(stream.format.model)),
                None => missing.to_owned(),
            }
        }
        PictureTrait::Alpha => {
            "The source can be transparent. Where it is, a checkerboard or what lies below is seen."
                .to_owned()
        }
    }
}

fn hdr_words(one: PictureTrait, stream: Option<&VideoStream>) -> String {
    let name = match one {
        PictureTrait::Hlg => "HLG",
        _ => "PQ",
    };
    // Where the stream states no peak, its frames still may.
    let color = stream.map(|stream| &stream.color);
    let stated = color.filter(|color| one == PictureTrait::Pq && color.hdr.is_some());
    let peak = stated.map(|color| source_peak_nits(color.transfer, color.hdr));
    let peak = peak.map(|nits| format!(", up to {nits:.0} cd/m²"));
    format!(
        "The source is HDR ({name}{}). It is mapped to SDR whose white is {SDR_WHITE_NITS:.0} cd/m² (ITU-R \
         BT.2390): highlights are darker here than on an HDR display.",
        peak.unwrap_or_default()
    )
}
