//! The transport bar at the bottom.

use egui::{Align2, Rect, Stroke, pos2, vec2};

use crate::config::Action;
use crate::decode::LoopMode;
use crate::media::VideoStream;
use crate::playback::{AudioState, PlaybackStatus, Snapshot};
use crate::time::{FrameIndex, Speed};

use super::UiInput;
use super::bar_layout::{BarLayout, Widths};
use super::canvas::Canvas;
use super::format;
use super::icons::Icon;
use super::meters::{self, Meters};
use super::pointer::{Button, Zone};
use super::scrub::{self, Extent};
use super::style;
use super::timeline_view::TimelineView;
use super::waveform::Behind;

/// Fewer frames than this share of those wanted are few.
const SLOW: f32 = 0.97;

/// The texts of the bar.
#[derive(Default)]
struct Readout {
    timecode: String,
    duration: String,
    remaining: String,
    frames: String,
    /// The widest that `frames` gets, so that nothing moves while it plays.
    widest_frames: String,
    rate: String,
    widest_rate: String,
    /// Whether fewer frames are shown than should be.
    is_slow: bool,
    marks: String,
    short_marks: String,
}

/// What a button does, when that is one action; the two play buttons and the audio menu are more.
pub(super) fn button_action(button: Button) -> Option<Action> {
    Some(match button {
        Button::Start => Action::GoToStart,
        Button::StepBack => Action::StepBackward,
        Button::StepOn => Action::StepForward,
        Button::End => Action::GoToEnd,
        Button::Speed => Action::SpeedReset,
        Button::Loop => Action::CycleLoop,
        Button::Mute => Action::ToggleMute,
        Button::Open => Action::OpenFiles,
        Button::Help => Action::ToggleHelp,
        Button::Fullscreen => Action::ToggleFullscreen,
        Button::Menu => Action::MainMenu,
        Button::Timecode => Action::GoToPosition,
        Button::PlayBack | Button::Play | Button::Audio => return None,
    })
}

/// Paints the bar. `shown` is the frame under the playhead.
pub(super) fn paint(
    canvas: &mut Canvas<'_>,
    window: Rect,
    input: &UiInput<'_>,
    shown: FrameIndex,
    menu_open: bool,
    on_lane: (&mut TimelineView, &mut Behind),
    levels: &mut Meters,
) -> BarLayout {
    let snapshot = input.snapshot;
    let readout = readout(input, shown);
    let layout = BarLayout::new(window, widths(canvas, &readout, input));
    canvas.painter.rect_filled(layout.bar, 0.0, style::PANEL);
    let edge = Stroke::new(1.0, style::EDGE);
    canvas
        .painter
        .hline(layout.bar.x_range(), layout.bar.top() + 0.5, edge);
    canvas.zones.place(Zone::Bar, layout.bar);

    scrub::paint(canvas, layout.scrub, input, shown, on_lane);
    if snapshot.media.is_some() {
        let zone = Zone::Button(Button::Timecode);
        let rect = layout.timecode.expand2(vec2(5.0, 0.0));
        if let Some(ground) = canvas.ground(zone, true, false) {
            canvas.painter.rect_filled(rect, style::ROUND, ground);
        }
        canvas.zones.place(zone, rect);
    }
    paint_readout(canvas, &layout, &readout, snapshot.media.is_some());
    for (button, rect) in &layout.buttons {
        paint_button(canvas, *button, *rect, input, menu_open);
    }
    if let Some(rect) = layout.volume {
        scrub::paint_volume(canvas, rect, snapshot.volume_percent, snapshot.muted);
    }
    if let Some(rect) = layout.meters {
        levels.paint(canvas, rect, input);
    }
    layout
}

fn readout(input: &UiInput<'_>, shown: FrameIndex) -> Readout {
    let snapshot = input.snapshot;
    let timecode = format::position_words(snapshot, shown);
    let (Some(media), Some(extent)) = (&snapshot.media, Extent::of(snapshot)) else {
        return Readout {
            timecode,
            ..Readout::default()
        };
    };
    let duration = format::span_words(media.duration);
    // A tilde says that the end is not known yet.
    let about = if media.index_complete { "" } else { "~" };
    let readout = Readout {
        timecode,
        duration: format!("{about}{duration}"),
        remaining: remaining_words(snapshot, shown, extent, about),
        marks: marks_words(snapshot),
        short_marks: short_marks_words(snapshot),
        ..Readout::default()
    };
    let Some(video) = media.info.default_video() else {
        // Frames of what has no pictures say nothing.
        let sound = media.info.default_audio();
        let words = sound
            .map(|sound| format!("{} Hz {}", sound.format.rate, sound.layout_name))
            .unwrap_or_default();
        return Readout {
            frames: words.clone(),
            widest_frames: words,
            ..readout
        };
    };
    let last = extent.frames - 1;
    let (rate, widest_rate, is_slow) = rate_words(video, input);
    Readout {
        frames: format!("{} / {about}{last}", shown.0),
        widest_frames: format!("{last} / {about}{last}"),
        rate,
        widest_rate,
        is_slow,
        ..readout
    }
}

/// How long it plays from `shown` on to the mark or the end, with a minus before it.
fn remaining_words(snapshot: &Snapshot, shown: FrameIndex, extent: Extent, about: &str) -> String {
    let Some(media) = &snapshot.media else {
        return String::new();
    };
    let mark = snapshot.mark_out.filter(|mark| *mark >= shown);
    let about = if mark.is_some() { "" } else { about };
    let frames = mark.map_or(extent.frames, |FrameIndex(mark)| mark + 1) - shown.0;
    let left = media
        .duration
        .scaled_nearest(frames.max(0), extent.frames.max(1));
    format!("{about}-{}", format::span_words(left))
}

/// What is marked: `In 00:00:10:00  Out 00:00:20:00`, or one of them, or nothing.
fn marks_words(snapshot: &Snapshot) -> String {
    let words = |name: &str, frame: FrameIndex| {
        format!("{name} {}", format::position_words(snapshot, frame))
    };
    let start = snapshot.mark_in.map(|frame| words("In", frame));
    let end = snapshot.mark_out.map(|frame| words("Out", frame));
    let marks: Vec<String> = start.into_iter().chain(end).collect();
    marks.join("  ")
}

/// The same, of both without names; their colour tells what they are: `00:00:10:00 – 00:00:20:00`.
fn short_marks_words(snapshot: &Snapshot) -> String {
    let words =
        |mark: Option<FrameIndex>| mark.map(|frame| format::position_words(snapshot, frame));
    match (words(snapshot.mark_in), words(snapshot.mark_out)) {
        (Some(start), Some(end)) => format!("{start} – {end}"),
        _ => marks_words(snapshot),
    }
}

/// Frames a second, shown and wanted while it plays; the widest that these words get; and whether fewer are
/// shown than are wanted.
fn rate_words(video: &VideoStream, input: &UiInput<'_>) -> (String, String, bool) {
    if video.is_still {
        return ("still".to_owned(), "still".to_owned(), false);
    }
    let (shown, target) = (input.stats.presented_fps, input.stats.target_fps);
    let is_normal = input.snapshot.speed.quarters().abs() == Speed::NORMAL.quarters();
    let wanted = if is_normal || target <= 0.0 {
        video.rate.to_string()
    } else {
        format!("{target:.2}")
    };
    let widest = format!("888.8 / {wanted} fps");
    if input.snapshot.is_running() && shown > 0.0 {
        let is_slow = shown < SLOW * target;
        (format!("{shown:.1} / {wanted} fps"), widest, is_slow)
    } else {
        (format!("{} fps", video.rate), widest, false)
    }
}

fn widths(canvas: &Canvas<'_>, readout: &Readout, input: &UiInput<'_>) -> Widths {
    let slowest = Speed::from_quarters(-1)
        .map(|speed| speed.to_string())
        .unwrap_or_default();
    Widths {
        timecode: canvas.width(&*readout.timecode, style::TIMECODE),
        duration: canvas.width(&*readout.duration, style::NUMBERS),
        frames: canvas.width(&*readout.widest_frames, style::NUMBERS),
        // The longest time is left at the start, and its minus.
        remaining: canvas.width(format!("-{}", readout.duration), style::NUMBERS),
        rate: canvas.width(&*readout.widest_rate, style::SMALL),
        marks: canvas.width(&*readout.marks, style::NUMBERS),
        short_marks: canvas.width(&*readout.short_marks, style::NUMBERS),
        speed: canvas.width(slowest, style::BODY),
        meters: meters::width(input),
    }
}

fn paint_readout(canvas: &Canvas<'_>, layout: &BarLayout, readout: &Readout, open: bool) {
    let bright = if open { style::TEXT } else { style::FAINT };
    let rate = if readout.is_slow {
        style::WARN
    } else {
        style::WEAK
    };
    let marks = if layout.are_marks_short {
        &readout.short_marks
    } else {
        &readout.marks
    };
    let left = Align2::LEFT_CENTER;
    let texts = [
        (
            Some(layout.timecode),
            &readout.timecode,
            style::TIMECODE,
            bright,
        ),
        (
            layout.duration,
            &readout.duration,
            style::NUMBERS,
            style::WEAK,
        ),
        (layout.frames, &readout.frames, style::NUMBERS, style::WEAK),
        (
            layout.remaining,
            &readout.remaining,
            style::NUMBERS,
            style::WEAK,
        ),
        (layout.rate, &readout.rate, style::SMALL, rate),
        (layout.marks, marks, style::NUMBERS, style::MARK),
    ];
    for (rect, text, font, color) in texts {
        if let Some(rect) = rect {
            canvas.text(rect.left_center(), left, text.as_str(), font, color);
        }
    }
}

fn paint_button(
    canvas: &mut Canvas<'_>,
    button: Button,
    rect: Rect,
    input: &UiInput<'_>,
    menu_open: bool,
) {
    let snapshot = input.snapshot;
    let open = snapshot.media.is_some();
    let playing = snapshot.status == PlaybackStatus::Playing;
    let reverse = snapshot.speed.is_reverse();
    let zone = Zone::Button(button);
    let (icon, enabled, on) = match button {
        Button::Speed => return paint_speed(canvas, rect, snapshot),
        Button::Start => (Icon::Start, open, false),
        Button::StepBack => (Icon::StepBack, open, false),
        Button::PlayBack if playing && reverse => (Icon::Pause, open, true),
        Button::PlayBack => (Icon::PlayBack, open, false),
        Button::Play if playing && !reverse => (Icon::Pause, open, false),
        Button::Play => (Icon::Play, open, false),
        Button::StepOn => (Icon::StepOn, open, false),
        Button::End => (Icon::End, open, false),
        Button::Loop => match snapshot.loop_mode {
            LoopMode::Off => (Icon::Repeat, true, false),
            LoopMode::Loop => (Icon::Repeat, true, true),
            LoopMode::PingPong => (Icon::PingPong, true, true),
        },
        Button::Audio => (Icon::Tracks, true, menu_open),
        Button::Mute => (speaker(snapshot), true, false),
        Button::Open => (Icon::Open, true, false),
        Button::Help => (Icon::Help, true, false),
        Button::Fullscreen if input.fullscreen => (Icon::LeaveFullscreen, true, false),
        Button::Fullscreen => (Icon::Fullscreen, true, false),
        // Neither stands in the row.
        Button::Menu | Button::Timecode => return,
    };
    canvas.icon_button(zone, rect, icon, enabled, on);
}

fn speaker(snapshot: &Snapshot) -> Icon {
    let silent = matches!(snapshot.audio, AudioState::Off | AudioState::Silent(_));
    match snapshot.volume_percent {
        _ if snapshot.muted || silent => Icon::Muted,
        0 => Icon::Speaker { waves: 0 },
        1..=50 => Icon::Speaker { waves: 1 },
        _ => Icon::Speaker { waves: 2 },
    }
}

fn paint_speed(canvas: &mut Canvas<'_>, rect: Rect, snapshot: &Snapshot) {
    let zone = Zone::Button(Button::Speed);
    if let Some(ground) = canvas.ground(zone, true, false) {
        canvas.painter.rect_filled(rect, style::ROUND, ground);
    }
    let color = if snapshot.speed == Speed::NORMAL {
        style::WEAK
    } else {
        style::ACCENT
    };
    let words = snapshot.speed.to_string();
    canvas.text(
        rect.center(),
        Align2::CENTER_CENTER,
        words,
        style::BODY,
        color,
    );
    canvas.zones.place(zone, rect);
}

/// Paints what the button under the pointer does, and its key.
pub(super) fn paint_tip(canvas: &Canvas<'_>, button: Button, rect: Rect, input: &UiInput<'_>) {
    let snapshot = input.snapshot;
    let (words, action) = match button {
        Button::Play => ("Play or pause", Some(Action::PlayPause)),
        Button::PlayBack => ("Play backwards", Some(Action::ShuttleBackward)),
        Button::Audio => ("Audio track and device", Some(Action::NextAudioTrack)),
        Button::Loop => (
            format::loop_words(snapshot.loop_mode),
            Some(Action::CycleLoop),
        ),
        Button::Help => ("Keys", Some(Action::ToggleHelp)),
        other => match button_action(other) {
            Some(action) => (action.label(), Some(action)),
            None => return,
        },
    };
    let chord = action.and_then(|action| input.keys.first_chord(action));
    let words = match chord {
        Some(chord) => format!("{words}  ({chord})"),
        None => words.to_owned(),
    };
    let limits = canvas.painter.clip_rect();
    canvas.tip(
        pos2(rect.center().x, rect.top() - 6.0),
        &words,
        style::SMALL,
        limits,
    );
}
