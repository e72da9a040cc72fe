//! What `jogwheel probe` prints for people.

use std::fmt::Write as _;

use super::{Report, gop_lengths};
use crate::media::{AudioStream, ColorInfo, FieldOrder, Orientation, SampleAspect, VideoStream};
use crate::time::{FrameRate, MediaSpan};

/// Columns of the names on the left.
const LABEL_WIDTH: usize = 14;

/// Lines of a name and a value, aligned.
pub(super) struct Page(String);

impl Page {
    /// A page about what `title` names.
    pub(super) fn new(title: &str) -> Self {
        Self(format!("{title}\n"))
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.0.push('\n');
        self.0.push_str(text);
        self.0.push('\n');
    }

    pub(super) fn line(&mut self, label: &str, value: &str) {
        // Writing to a string cannot fail. Tags may hold line breaks, which stay in their column.
        let value = value
            .trim_end()
            .replace('\n', &format!("\n{:w$}", "", w = LABEL_WIDTH + 2));
        let _written = writeln!(self.0, "  {label:LABEL_WIDTH$}{value}");
    }

    pub(super) fn line_if(&mut self, label: &str, value: Option<String>) {
        if let Some(value) = value {
            self.line(label, &value);
        }
    }

    /// A line without a name.
    pub(super) fn item(&mut self, text: &str) {
        self.0.push_str("  ");
        self.0.push_str(&text.trim_end().replace('\n', "\n    "));
        self.0.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

pub(super) fn describe(report: &Report) -> String {
    let info = &report.info;
    let container = &info.container;
    let mut page = Page::new(&info.path.display().to_string());
    page.line(
        "Container",
        &format!("{} ({})", container.format_long, container.format),
    );
    page.line("Size", &bytes(container.bytes));
    page.line_if("Duration", container.duration.map(duration));
    let start = container.start.since_zero();
    page.line_if(
        "Starts at",
        (start != MediaSpan::ZERO).then(|| duration(start)),
    );
    page.line_if("Timecode", info.default_video().and_then(timecode));
    page.line_if("Bit rate", container.bit_rate.map(bit_rate));
    for (nth, (key, value)) in container.metadata.iter().enumerate() {
        page.line(
            if nth == 0 { "Tags" } else { "" },
            &format!("{key}: {value}"),
        );
    }
    for video in &info.video {
        describe_video(&mut page, report, video);
    }
    for audio in &info.audio {
        describe_audio(&mut page, audio);
    }
    if !info.other.is_empty() {
        page.heading("Not played");
    }
    for other in &info.other {
        let label = format!("#{}", other.id.0);
        page.line(
            &label,
            &format!("{} ({}): {}", other.kind, other.codec, other.reason),
        );
    }
    if info.video.is_empty() && info.audio.is_empty() {
        page.heading("There is nothing in it to play.");
    }
    page.finish()
}

fn describe_video(page: &mut Page, report: &Report, video: &VideoStream) {
    let kind = if video.is_still { "Picture" } else { "Video" };
    page.heading(&heading(
        kind,
        video.id.0,
        video.is_default,
        video.language.as_deref(),
    ));
    page.line("Codec", &format!("{} ({})", video.codec_long, video.codec));
    let shown = video.display_size();
    let mut size = video.size.to_string();
    if video.sample_aspect != SampleAspect::SQUARE {
        let SampleAspect { num, den } = video.sample_aspect;
        let _written = write!(size, ", pixels {num}:{den}");
    }
    if let Some(turn) = turn(video.orientation) {
        let _written = write!(size, ", {turn}");
    }
    if shown != video.size {
        let _written = write!(size, ", shown as {shown}");
    }
    page.line("Size", &size);
    page.line(
        "Format",
        &format!("{} ({})", video.format, video.source_format),
    );
    page.line("Colour", &video.color.words(video.format.model));
    page.line_if("Light", light(&video.color));
    page.line_if(
        "Scan",
        match video.fields {
            FieldOrder::Progressive => None,
            FieldOrder::TopFirst => Some("interlaced, top field first".to_owned()),
            FieldOrder::BottomFirst => Some("interlaced, bottom field first".to_owned()),
        },
    );
    if !video.is_still {
        page.line("Rate", &rate(report, video));
        page.line_if("Frames", video.frames.map(|frames| frames.to_string()));
        page.line_if("Duration", video.duration.map(duration));
        let start = video.start.since_zero();
        page.line_if(
            "Starts at",
            (start != MediaSpan::ZERO).then(|| duration(start)),
        );
    }
    page.line_if("Timecode", timecode(video));
    page.line_if("Bit rate", video.bit_rate.map(bit_rate));
    page.line("Decoder", &video.decoder);
    match report.index(video.id) {
        Some(Ok(index)) => {
            let mut text = format!(
                "{} frames, {} keyframes",
                index.len(),
                index.keyframes().len()
            );
            match gop_lengths(index) {
                Some((least, greatest)) if least == greatest => {
                    let _written = write!(text, ", one every {least}");
                }
                Some((least, greatest)) => {
                    let _written = write!(text, ", one every {least} to {greatest}");
                }
                None => {}
            }
            let _written = write!(text, ", {}", duration(index.duration()));
            page.line("Read through", &text);
        }
        Some(Err(error)) => page.line("Read through", error),
        None => {}
    }
}

fn describe_audio(page: &mut Page, audio: &AudioStream) {
    page.heading(&heading(
        "Audio",
        audio.id.0,
        audio.is_default,
        audio.language.as_deref(),
    ));
    page.line("Codec", &format!("{} ({})", audio.codec_long, audio.codec));
    page.line("Channels", &audio.layout_name);
    page.line("Sample rate", &format!("{} Hz", audio.format.rate));
    page.line_if("Duration", audio.duration.map(duration));
    let start = audio.start.since_zero();
    page.line_if(
        "Starts at",
        (start != MediaSpan::ZERO).then(|| duration(start)),
    );
    page.line_if("Bit rate", audio.bit_rate.map(bit_rate));
}

fn heading(kind: &str, id: usize, is_default: bool, language: Option<&str>) -> String {
    let mut text = format!("{kind} #{id}");
    if let Some(language) = language {
        let _written = write!(text, ", {language}");
    }
    if is_default {
        text.push_str(", default");
    }
    text
}

fn timecode(video: &VideoStream) -> Option<String> {
    video.timecode.map(|timecode| {
        let kind = if timecode.format().drop_frame() {
            " (drop-frame)"
        } else {
            ""
        };
        format!("{timecode}{kind}")
    })
}

/// `29.97 fps (30000/1001)`: as people say it, and exactly where that is not the same.
pub(super) fn rate_words(rate: FrameRate) -> String {
    let mut text = format!("{rate} fps");
    if rate.den() != 1 {
        let _written = write!(text, " ({}/{})", rate.num(), rate.den());
    }
    text
}

fn rate(report: &Report, video: &VideoStream) -> String {
    let mut text = rate_words(video.rate);
    if report.varies(video.id) {
        text.push_str(" on average: it varies");
    }
    text
}

/// What is done to the stored picture, if anything.
fn turn(orientation: Orientation) -> Option<String> {
    let degrees = u32::from(orientation.quarter_turns()) * 90;
    match (orientation.is_mirrored(), degrees) {
        (false, 0) => None,
        (false, degrees) => Some(format!("turned {degrees}° clockwise")),
        (true, 0) => Some("mirrored left to right".to_owned()),
        (true, 180) => Some("mirrored top to bottom".to_owned()),
        (true, degrees) => Some(format!(
            "mirrored left to right, then turned {degrees}° clockwise"
        )),
    }
}

fn light(color: &ColorInfo) -> Option<String> {
    let hdr = color.hdr?;
    let peak = hdr
        .mastering_peak_nits
        .map(|nits| format!("mastered at {nits} cd/m²"));
    let content = hdr
        .max_content_light_nits
        .map(|nits| format!("content up to {nits} cd/m²"));
    let parts: Vec<String> = [peak, content].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `00:01:02.345`, with a sign where it is negative.
pub(super) fn duration(span: MediaSpan) -> String {
    let millis = (span.nanos_nearest().unsigned_abs() + 500_000) / 1_000_000;
    let sign = if span < MediaSpan::ZERO { "-" } else { "" };
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// `2.49 MB`: powers of ten, as disks and networks are sold.
pub(super) fn bytes(count: u64) -> String {
    scaled(count, "B")
}

fn bit_rate(bits: u64) -> String {
    scaled(bits, "b") + "/s"
}

fn scaled(count: u64, unit: &str) -> String {
    let value = count as f64;
    match count {
        0..1_000 => format!("{count} {unit}"),
        1_000..1_000_000 => format!("{:.1} k{unit}", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} M{unit}", value / 1e6),
        _ => format!("{:.2} G{unit}", value / 1e9),
    }
}
