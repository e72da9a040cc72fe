//! Numbers and states in words.

use crate::decode::LoopMode;
pub(super) use crate::media::file_name;
use crate::media::{AudioStream, ViewChannel};
use crate::playback::quality::rung_name;
use crate::playback::{AudioState, ClockSource, QualityState, Snapshot};
use crate::time::{FrameIndex, MediaSpan};

/// What is decoded, and why.
pub(super) fn quality_words(quality: &QualityState) -> String {
    match quality.rung {
        None => "–".to_owned(),
        Some(rung) if quality.words.is_empty() => rung_name(rung).to_owned(),
        // The decision names the rung.
        Some(_) => quality.words.to_string(),
    }
}

/// The timecode of `frame`, counted from the one that the snapshot gives for its own position.
pub(super) fn timecode_at(snapshot: &Snapshot, frame: FrameIndex) -> Option<String> {
    let timecode = snapshot.timecode?;
    Some(
        timecode
            .offset(frame.0.saturating_sub(snapshot.position.0))
            .to_string(),
    )
}

/// Where `frame` is: its timecode, or the time since the start where there is none.
pub(super) fn position_words(snapshot: &Snapshot, frame: FrameIndex) -> String {
    if let Some(timecode) = timecode_at(snapshot, frame) {
        return timecode;
    }
    let Some(media) = &snapshot.media else {
        return "--:--:--:--".to_owned();
    };
    span_words(media.duration.scaled_nearest(frame.0, media.frames.max(1)))
}

/// `1:02:03.456`, without hours when there are none.
pub(super) fn span_words(span: MediaSpan) -> String {
    let millis = span.nanos_nearest() / 1_000_000;
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1_000 % 60, millis % 1_000);
    if hours > 0 {
        format!("{sign}{hours}:{minutes:02}:{seconds:02}.{millis:03}")
    } else {
        format!("{sign}{minutes}:{seconds:02}.{millis:03}")
    }
}

/// `312 MB`, `1.24 GB`: powers of 1000.
pub(super) fn bytes_words(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        b if b < 1e3 => format!("{b:.0} B"),
        b if b < 1e6 => format!("{:.0} kB", b / 1e3),
        b if b < 1e9 => format!("{:.0} MB", b / 1e6),
        b => format!("{:.2} GB", b / 1e9),
    }
}

/// What happens at the end.
pub(super) fn loop_words(mode: LoopMode) -> &'static str {
    match mode {
        LoopMode::Off => "Loop off",
        LoopMode::Loop => "Loop",
        LoopMode::PingPong => "Ping-pong",
    }
}

/// Which channel is seen.
pub(super) fn channel_words(channel: ViewChannel) -> &'static str {
    match channel {
        ViewChannel::Color => "Colour",
        ViewChannel::Red => "Red channel",
        ViewChannel::Green => "Green channel",
        ViewChannel::Blue => "Blue channel",
        ViewChannel::Alpha => "Alpha channel",
        ViewChannel::Luma => "Luminance",
    }
}

/// Which clock leads.
pub(super) fn clock_words(clock: ClockSource) -> &'static str {
    match clock {
        ClockSource::Audio => "audio device",
        ClockSource::Monotonic => "system, no sound to follow",
        ClockSource::Fallback => "system, the audio clock is off",
    }
}

/// Where the sound goes.
pub(super) fn audio_words(audio: &AudioState) -> &str {
    match audio {
        AudioState::NoTrack => "no track",
        AudioState::Off => "off",
        AudioState::Playing(device) => device,
        AudioState::Silent(reason) => reason,
    }
}

/// A line of the track menu: `2  aac 5.1(side), deu`.
pub(super) fn track_words(index: usize, stream: &AudioStream) -> String {
    let language = stream
        .language
        .as_deref()
        .map(|tag| format!(", {tag}"))
        .unwrap_or_default();
    format!(
        "{}  {} {}{language}",
        index + 1,
        stream.codec,
        stream.layout_name
    )
}

/// How long ago something was.
pub(super) fn age_words(seconds: i64) -> String {
    match seconds {
        ..120 => "just now".to_owned(),
        120..7_200 => format!("{} min ago", seconds / 60),
        7_200..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// What the window is called: after what is open in it.
pub fn window_title(snapshot: &Snapshot) -> String {
    match &snapshot.media {
        Some(media) => format!("{} — Jogwheel", file_name(&media.info.path)),
        None => "Jogwheel".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn spans_show_hours_only_when_there_are_some() {
        assert_eq!(span_words(MediaSpan::ZERO), "0:00.000");
        assert_eq!(span_words(MediaSpan::from_millis(62_345)), "1:02.345");
        assert_eq!(span_words(MediaSpan::from_millis(3_723_004)), "1:02:03.004");
        assert_eq!(span_words(MediaSpan::from_millis(-1_500)), "-0:01.500");
    }

    #[test]
    fn bytes_have_the_unit_that_reads_best() {
        assert_eq!(bytes_words(12), "12 B");
        assert_eq!(bytes_words(312_400_000), "312 MB");
        assert_eq!(bytes_words(1_240_000_000), "1.24 GB");
    }

    #[test]
    fn names_have_no_folder() {
        assert_eq!(file_name(Path::new("/a/b/clip 01.mov")), "clip 01.mov");
        assert_eq!(file_name(Path::new("/")), "/");
    }
}
