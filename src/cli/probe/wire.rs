//! The JSON of `jogwheel probe --json`. Names are stable: fields are added, never renamed.
//!
//! Times are in seconds, to the nearest nanosecond; rates and ratios are strings such as `30000/1001`,
//! for they are exact.

use serde::Serialize;

use super::super::exit::{CliError, Exit};
use super::{Report, gop_lengths};
use crate::decode::GopIndex;
use crate::media::{
    AudioStream, ChannelRole, ChromaSiting, ColorInfo, ColorRange, FieldOrder, MatrixCoefficients,
    Primaries, Size, TransferFunction, VideoStream,
};
use crate::time::{MediaSpan, MediaTime};

#[derive(Serialize)]
struct File {
    path: String,
    /// `file`; a timeline has `timeline`.
    kind: &'static str,
    container: Container,
    video: Vec<Video>,
    audio: Vec<Audio>,
    other: Vec<Other>,
}

#[derive(Serialize)]
struct Container {
    format: String,
    format_long: String,
    bytes: u64,
    duration_s: Option<f64>,
    start_s: f64,
    bit_rate: Option<u64>,
    metadata: Vec<Tag>,
}

#[derive(Serialize)]
struct Tag {
    key: String,
    value: String,
}

#[derive(Serialize)]
pub(super) struct Pixels {
    width: u32,
    height: u32,
}

#[derive(Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flat JSON is easier to read than sets of flags"
)]
struct Video {
    stream: usize,
    codec: String,
    codec_long: String,
    decoder: String,
    /// As stored.
    size: Pixels,
    /// In square pixels, turned.
    shown: Pixels,
    sample_aspect: String,
    /// Mirror left to right first, then turn.
    mirrored: bool,
    turn_clockwise_degrees: u32,
    /// FFmpeg's name.
    pixel_format: String,
    bits: u8,
    has_alpha: bool,
    color: Color,
    /// `progressive`, `top_first`, `bottom_first`.
    fields: &'static str,
    rate: String,
    rate_fps: f64,
    rate_varies: bool,
    time_base: String,
    start_s: f64,
    duration_s: Option<f64>,
    /// As the container declares.
    frames: Option<u64>,
    bit_rate: Option<u64>,
    timecode: Option<String>,
    is_still: bool,
    is_default: bool,
    language: Option<String>,
    /// With `--index` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<Index>,
}

#[derive(Serialize)]
struct Color {
    range: &'static str,
    matrix: &'static str,
    primaries: &'static str,
    transfer: &'static str,
    siting: &'static str,
    guessed: bool,
    is_hdr: bool,
    mastering_peak_nits: Option<f32>,
    max_content_light_nits: Option<f32>,
}

/// What reading the whole file told.
#[derive(Serialize)]
struct Index {
    frames: Option<i64>,
    keyframes: Option<usize>,
    gop_frames_min: Option<i64>,
    gop_frames_max: Option<i64>,
    duration_s: Option<f64>,
    rate_varies: Option<bool>,
    error: Option<String>,
}

#[derive(Serialize)]
struct Audio {
    stream: usize,
    codec: String,
    codec_long: String,
    rate_hz: u32,
    channels: usize,
    layout: String,
    roles: Vec<&'static str>,
    time_base: String,
    start_s: f64,
    duration_s: Option<f64>,
    bit_rate: Option<u64>,
    is_default: bool,
    language: Option<String>,
}

#[derive(Serialize)]
struct Other {
    stream: usize,
    kind: String,
    codec: String,
    reason: String,
}

/// The report as JSON, with a line break at its end.
pub(super) fn json(report: &Report) -> Result<String, CliError> {
    let info = &report.info;
    let file = File {
        path: info.path.display().to_string(),
        kind: "file",
        container: Container {
            format: info.container.format.clone(),
            format_long: info.container.format_long.clone(),
            bytes: info.container.bytes,
            duration_s: info.container.duration.map(seconds),
            start_s: seconds_at(info.container.start),
            bit_rate: info.container.bit_rate,
            metadata: info
                .container
                .metadata
                .iter()
                .map(|(key, value)| Tag {
                    key: key.clone(),
                    value: value.clone(),
                })
                .collect(),
        },
        video: info
            .video
            .iter()
            .map(|stream| video(report, stream))
            .collect(),
        audio: info.audio.iter().map(audio).collect(),
        other: info
            .other
            .iter()
            .map(|stream| Other {
                stream: stream.id.0,
                kind: stream.kind.clone(),
                codec: stream.codec.clone(),
                reason: stream.reason.clone(),
            })
            .collect(),
    };
    to_json(&file)
}

/// `document` as JSON, with a line break at its end.
pub(super) fn to_json(document: &impl Serialize) -> Result<String, CliError> {
    serde_json::to_string_pretty(document)
        .map(|text| text + "\n")
        .map_err(|error| CliError::new(Exit::Failure, error.to_string()))
}

pub(super) fn seconds(span: MediaSpan) -> f64 {
    span.nanos_nearest() as f64 / 1e9
}

pub(super) fn seconds_at(time: MediaTime) -> f64 {
    seconds(time.since_zero())
}

pub(super) fn pixels(size: Size) -> Pixels {
    Pixels {
        width: size.width(),
        height: size.height(),
    }
}

fn video(report: &Report, stream: &VideoStream) -> Video {
    Video {
        stream: stream.id.0,
        codec: stream.codec.clone(),
        codec_long: stream.codec_long.clone(),
        decoder: stream.decoder.clone(),
        size: pixels(stream.size),
        shown: pixels(stream.display_size()),
        sample_aspect: format!("{}:{}", stream.sample_aspect.num, stream.sample_aspect.den),
        mirrored: stream.orientation.is_mirrored(),
        turn_clockwise_degrees: u32::from(stream.orientation.quarter_turns()) * 90,
        pixel_format: stream.source_format.clone(),
        bits: stream.format.depth.bits(),
        has_alpha: stream.format.alpha,
        color: color(&stream.color),
        fields: match stream.fields {
            FieldOrder::Progressive => "progressive",
            FieldOrder::TopFirst => "top_first",
            FieldOrder::BottomFirst => "bottom_first",
        },
        rate: format!("{}/{}", stream.rate.num(), stream.rate.den()),
        rate_fps: stream.rate.as_f64(),
        rate_varies: report.varies(stream.id),
        time_base: format!("{}/{}", stream.time_base.num(), stream.time_base.den()),
        start_s: seconds_at(stream.start),
        duration_s: stream.duration.map(seconds),
        frames: stream.frames,
        bit_rate: stream.bit_rate,
        timecode: stream.timecode.map(|timecode| timecode.to_string()),
        is_still: stream.is_still,
        is_default: stream.is_default,
        language: stream.language.clone(),
        index: report.index(stream.id).map(|index| {
            let (index, error) = match index {
                Ok(index) => (Some(index), None),
                Err(error) => (None, Some(error.clone())),
            };
            let lengths = index.and_then(gop_lengths);
            Index {
                frames: index.map(GopIndex::len),
                keyframes: index.map(|index| index.keyframes().len()),
                gop_frames_min: lengths.map(|(least, _)| least),
                gop_frames_max: lengths.map(|(_, greatest)| greatest),
                duration_s: index.map(|index| seconds(index.duration())),
                rate_varies: index.map(GopIndex::is_variable_rate),
                error,
            }
        }),
    }
}

fn audio(stream: &AudioStream) -> Audio {
    Audio {
        stream: stream.id.0,
        codec: stream.codec.clone(),
        codec_long: stream.codec_long.clone(),
        rate_hz: stream.format.rate.get(),
        channels: stream.format.layout.count(),
        layout: stream.layout_name.clone(),
        roles: stream
            .format
            .layout
            .roles()
            .iter()
            .map(|&role| role_name(role))
            .collect(),
        time_base: format!("{}/{}", stream.time_base.num(), stream.time_base.den()),
        start_s: seconds_at(stream.start),
        duration_s: stream.duration.map(seconds),
        bit_rate: stream.bit_rate,
        is_default: stream.is_default,
        language: stream.language.clone(),
    }
}

fn role_name(role: ChannelRole) -> &'static str {
    match role {
        ChannelRole::FrontLeft => "front_left",
        ChannelRole::FrontRight => "front_right",
        ChannelRole::FrontCenter => "front_center",
        ChannelRole::Lfe => "lfe",
        ChannelRole::SurroundLeft => "surround_left",
        ChannelRole::SurroundRight => "surround_right",
        ChannelRole::BackCenter => "back_center",
        ChannelRole::Other => "other",
    }
}

fn color(color: &ColorInfo) -> Color {
    Color {
        range: match color.range {
            ColorRange::Limited => "limited",
            ColorRange::Full => "full",
        },
        matrix: match color.matrix {
            MatrixCoefficients::Identity => "identity",
            MatrixCoefficients::Bt601 => "bt601",
            MatrixCoefficients::Bt709 => "bt709",
            MatrixCoefficients::Bt2020 => "bt2020",
            MatrixCoefficients::Fcc => "fcc",
            MatrixCoefficients::Smpte240m => "smpte240m",
            MatrixCoefficients::YCgCo => "ycgco",
        },
        primaries: match color.primaries {
            Primaries::Bt709 => "bt709",
            Primaries::Bt601Ntsc => "bt601_525",
            Primaries::Bt601Pal => "bt601_625",
            Primaries::Bt2020 => "bt2020",
            Primaries::DisplayP3 => "display_p3",
            Primaries::DciP3 => "dci_p3",
        },
        transfer: match color.transfer {
            TransferFunction::Bt1886 => "bt1886",
            TransferFunction::Srgb => "srgb",
            TransferFunction::Gamma22 => "gamma22",
            TransferFunction::Gamma28 => "gamma28",
            TransferFunction::Linear => "linear",
            TransferFunction::Pq => "pq",
            TransferFunction::Hlg => "hlg",
        },
        siting: match color.siting {
            ChromaSiting::Left => "left",
            ChromaSiting::Center => "center",
            ChromaSiting::TopLeft => "top_left",
            ChromaSiting::Top => "top",
            ChromaSiting::BottomLeft => "bottom_left",
            ChromaSiting::Bottom => "bottom",
        },
        guessed: color.guessed,
        is_hdr: color.transfer.is_hdr(),
        mastering_peak_nits: color.hdr.and_then(|hdr| hdr.mastering_peak_nits),
        max_content_light_nits: color.hdr.and_then(|hdr| hdr.max_content_light_nits),
    }
}
