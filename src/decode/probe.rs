//! What a file holds: FFmpeg's streams as `media` descriptions.

use std::path::Path;

use ffmpeg::ffi::{self, AVCodecID, AVMediaType};
use ffmpeg_next as ffmpeg;

use super::audio_layout::channel_layout;
use super::canonical::{CanonicalFormat, describe, format_from_raw, format_name};
use super::rates::RateEstimate;
use super::raw_stream::{HEAD_BYTES, RawStream};
use super::tags::{ColorContext, ColorTags, color_info, fields_from_order, hdr_from_side_data};
use super::{Input, OpenError, sniff};
use crate::media::{
    AudioFormat, AudioStream, ContainerInfo, MediaInfo, OtherStream, Size, StreamId, VideoStream,
};
use crate::time::{FrameRate, MediaSpan, MediaTime, Timecode};

/// The greatest width and height that are decoded. 16K pictures have them; damaged headers claim more.
pub const MAX_PICTURE_SIDE: u32 = 16_384;

/// The most pixels that are decoded: four times 8K. A decoder holds up to twenty such pictures.
pub const MAX_PICTURE_PIXELS: u64 = 128 << 20;

/// Opens `path` and describes it.
pub fn probe(path: &Path) -> Result<MediaInfo, OpenError> {
    Ok(media_info(&Input::open(path)?))
}

/// Describes an open file. Neither reads packets nor moves the demuxer.
pub fn media_info(input: &Input) -> MediaInfo {
    let container = container_info(input);
    let mut info = MediaInfo {
        path: input.path().to_owned(),
        container,
        video: Vec::new(),
        audio: Vec::new(),
        other: Vec::new(),
    };
    let encrypted = input.encrypted_tracks();
    for stream in input.context_ref().streams() {
        let stream = RawStream::new(input, &stream);
        match stream.kind() {
            AVMediaType::AVMEDIA_TYPE_VIDEO => match video_stream(&stream, &encrypted) {
                Ok(video) => info.video.push(video),
                Err(refused) => info.other.push(refused.listed(&stream)),
            },
            AVMediaType::AVMEDIA_TYPE_AUDIO => match audio_stream(&stream, &encrypted) {
                Ok(audio) => info.audio.push(audio),
                Err(refused) => info.other.push(refused.listed(&stream)),
            },
            kind => info.other.push(Refused::of_kind(kind).listed(&stream)),
        }
    }
    let timecodes = Timecodes::find(input, &info);
    for video in &mut info.video {
        video.timecode = timecodes.of(video);
    }
    info
}

/// An error that says why, when there is neither a picture nor sound in the file.
pub fn require_playable(info: &MediaInfo) -> Result<(), OpenError> {
    if !info.video.is_empty() || !info.audio.is_empty() {
        return Ok(());
    }
    let reasons: Vec<String> = info
        .other
        .iter()
        .filter(|other| other.kind == "video" || other.kind == "audio" || info.other.len() == 1)
        .map(|other| format!("{} ({}): {}", other.kind, other.codec, other.reason))
        .collect();
    let reason = match reasons.as_slice() {
        [] => "it holds neither pictures nor sound".to_owned(),
        reasons => reasons.join("; "),
    };
    Err(OpenError::NothingToPlay(
        info.path.display().to_string(),
        reason,
    ))
}

/// The rate of a video stream, and whether its time stamps keep to it as far as FFmpeg has looked.
/// `None` when there is no such stream.
pub fn rate_estimate(input: &Input, id: StreamId) -> Option<RateEstimate> {
    let stream = input.context_ref().stream(id.0)?;
    RawStream::new(input, &stream).rate()
}

fn container_info(input: &Input) -> ContainerInfo {
    let context = input.context_ref();
    let from_micros = |micros: i64| {
        MediaSpan::from_flicks(micros.saturating_mul(crate::time::FLICKS_PER_SECOND / 1_000_000))
    };
    #[expect(unsafe_code, reason = "the wrapper does not expose it")]
    // SAFETY: the context is open and borrowed.
    let start = unsafe { (*context.as_ptr()).start_time };
    let duration = context.duration();
    ContainerInfo {
        format: context.format().name().to_owned(),
        format_long: context.format().description().to_owned(),
        bytes: input.file_identity().bytes,
        duration: (duration > 0).then(|| from_micros(duration)),
        start: match start {
            ffi::AV_NOPTS_VALUE => MediaTime::ZERO,
            micros => MediaTime::ZERO + from_micros(micros),
        },
        bit_rate: u64::try_from(context.bit_rate())
            .ok()
            .filter(|&rate| rate > 0),
        metadata: context
            .metadata()
            .iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// Why a stream is listed only.
struct Refused {
    kind: &'static str,
    reason: String,
}

impl Refused {
    fn new(kind: &'static str, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: reason.into(),
        }
    }

    fn listed(self, stream: &RawStream<'_>) -> OtherStream {
        OtherStream {
            id: stream.id(),
            kind: self.kind.to_owned(),
            codec: stream.codec_name(),
            reason: self.reason,
        }
    }

    fn of_kind(kind: AVMediaType) -> Self {
        match kind {
            AVMediaType::AVMEDIA_TYPE_SUBTITLE => Self::new("subtitle", "subtitles are not shown"),
            AVMediaType::AVMEDIA_TYPE_ATTACHMENT => {
                Self::new("attachment", "an attached file, such as a font")
            }
            AVMediaType::AVMEDIA_TYPE_DATA => Self::new("data", "neither pictures nor sound"),
            _ => Self::new("unknown", "FFmpeg does not know what it is"),
        }
    }
}

fn video_stream(stream: &RawStream<'_>, encrypted: &[u32]) -> Result<VideoStream, Refused> {
    let refuse = |reason: &str| Refused::new("video", reason);
    let cover = ffi::AV_DISPOSITION_ATTACHED_PIC | ffi::AV_DISPOSITION_TIMED_THUMBNAILS;
    if stream.has_disposition(cover) {
        return Err(Refused::new(
            "cover art",
            "a picture that stands for the file",
        ));
    }
    if stream.is_encrypted(encrypted) {
        return Err(refuse("encrypted"));
    }
    let raw = stream.raw();
    let Some(decoder) = stream.decoder() else {
        return Err(Refused::new("video", no_decoder(&stream.codec_name())));
    };
    if raw.codec_id == AVCodecID::AV_CODEC_ID_JPEG2000
        && sniff::is_high_throughput_jpeg2000(&stream.input.head(HEAD_BYTES))
    {
        return Err(refuse(
            "high-throughput JPEG 2000 (HTJ2K), for which FFmpeg has no decoder",
        ));
    }
    let size = picture_size(raw.width, raw.height)?;
    let Some(mut source) = format_from_raw(raw.format) else {
        return Err(refuse(
            "no picture in its beginning can be decoded: it is damaged or cut off",
        ));
    };
    if decoder.starts_with("libvpx") && source == ffi::AVPixelFormat::AV_PIX_FMT_YUV420P {
        // What this decoder makes of the streams that it is chosen for.
        source = ffi::AVPixelFormat::AV_PIX_FMT_YUVA420P;
    }
    let Some(CanonicalFormat { format, .. }) = describe(source) else {
        let reason = format!("its pixel format {} is not supported", format_name(source));
        return Err(Refused::new("video", reason));
    };
    let base = stream
        .time_base()
        .ok_or_else(|| refuse("its time base is zero"))?;
    let rate = stream
        .rate()
        .ok_or_else(|| refuse("its frame rate is zero"))?
        .rate;
    let is_still = stream.is_still();
    let hdr = hdr_from_side_data(
        stream.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA),
        stream.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL),
    );
    let context = ColorContext {
        format: source,
        codec: raw.codec_id,
        size,
    };
    Ok(VideoStream {
        id: stream.id(),
        codec: stream.codec_name(),
        codec_long: stream.codec_long(),
        decoder,
        size,
        sample_aspect: stream.sample_aspect(),
        orientation: stream.orientation(),
        format,
        source_format: format_name(source).to_owned(),
        color: color_info(ColorTags::of_parameters(&stream.parameters), context, hdr),
        fields: fields_from_order(raw.field_order),
        rate,
        time_base: base,
        start: stream.start(base),
        duration: if is_still {
            None
        } else {
            stream.duration(base)
        },
        frames: u64::try_from(stream.stream.frames())
            .ok()
            .filter(|&frames| frames > 0),
        bit_rate: stream.bit_rate(),
        timecode: None,
        is_still,
        is_default: stream.is_default(),
        language: stream.language(),
    })
}

fn no_decoder(codec: &str) -> String {
    let name = match codec {
        "vvc1" | "vvi1" | "vvcN" | "vvc" => "VVC (H.266)",
        "evc1" | "evc" => "EVC",
        "apv1" | "apv" => "APV",
        other => other,
    };
    format!("FFmpeg has no decoder for {name}")
}

/// The size, if it can be decoded.
fn picture_size(width: i32, height: i32) -> Result<Size, Refused> {
    let (Ok(columns), Ok(rows)) = (u32::try_from(width), u32::try_from(height)) else {
        return Err(Refused::new(
            "video",
            "its size makes no sense: the header is damaged",
        ));
    };
    if columns > MAX_PICTURE_SIDE || rows > MAX_PICTURE_SIDE {
        let reason = format!(
            "its header claims {columns}x{rows}, and {MAX_PICTURE_SIDE} a side is the most that is \
             decoded"
        );
        return Err(Refused::new("video", reason));
    }
    if u64::from(columns) * u64::from(rows) > MAX_PICTURE_PIXELS {
        let reason = format!(
            "its header claims {columns}x{rows}, and {} million pixels are the most that are \
             decoded. Make a smaller copy with FFmpeg",
            MAX_PICTURE_PIXELS / 1_000_000
        );
        return Err(Refused::new("video", reason));
    }
    Size::new(columns, rows).ok_or_else(|| {
        Refused::new(
            "video",
            "it has no size: its header or its first pictures are missing",
        )
    })
}

fn audio_stream(stream: &RawStream<'_>, encrypted: &[u32]) -> Result<AudioStream, Refused> {
    let refuse = |reason: &str| Refused::new("audio", reason);
    if stream.is_encrypted(encrypted) {
        return Err(refuse("encrypted"));
    }
    if stream.decoder().is_none() {
        return Err(Refused::new("audio", no_decoder(&stream.codec_name())));
    }
    let raw = stream.raw();
    let rate = u32::try_from(raw.sample_rate)
        .ok()
        .and_then(std::num::NonZeroU32::new)
        .ok_or_else(|| refuse("its sample rate is missing: it is damaged or cut off"))?;
    let (layout, layout_name) = channel_layout(&raw.ch_layout)
        .ok_or_else(|| refuse("it has no channels, or more than 64"))?;
    let base = stream
        .time_base()
        .ok_or_else(|| refuse("its time base is zero"))?;
    Ok(AudioStream {
        id: stream.id(),
        codec: stream.codec_name(),
        codec_long: stream.codec_long(),
        format: AudioFormat { rate, layout },
        layout_name,
        time_base: base,
        start: stream.start(base),
        duration: stream.duration(base),
        bit_rate: stream.bit_rate(),
        is_default: stream.is_default(),
        language: stream.language(),
    })
}

/// The timecodes of a file, as text, by place.
struct Timecodes {
    /// Of each stream, by its index. `QuickTime`'s timecode tracks hand theirs to the pictures.
    streams: Vec<Option<String>>,
    /// Of the whole file, of a timecode track that belongs to nothing, or of the first GOP.
    common: Option<String>,
}

impl Timecodes {
    fn find(input: &Input, info: &MediaInfo) -> Self {
        const KEY: &str = "timecode";
        let context = input.context_ref();
        let streams: Vec<Option<String>> = context
            .streams()
            .map(|stream| stream.metadata().get(KEY).map(str::to_owned))
            .collect();
        let has_mpeg2 = info.video.iter().any(|video| video.codec == "mpeg2video");
        let common = context
            .metadata()
            .get(KEY)
            .map(str::to_owned)
            .or_else(|| streams.iter().flatten().next().cloned())
            .or_else(|| sniff::gop_timecode(&input.head(HEAD_BYTES)).filter(|_| has_mpeg2));
        Self { streams, common }
    }

    fn of(&self, video: &VideoStream) -> Option<Timecode> {
        let own = self.streams.get(video.id.0).and_then(Option::as_deref);
        timecode_at_rate(own.or(self.common.as_deref())?, video.rate)
    }
}

/// Reads a timecode at a stream's rate, and where that rate is an odd average (a phone's), at the whole
/// rate next to it.
fn timecode_at_rate(text: &str, rate: FrameRate) -> Option<Timecode> {
    let read = Timecode::parse(text, rate);
    let read = read.or_else(|error| match FrameRate::new(rate.nominal().max(1), 1) {
        Some(nominal) => Timecode::parse(text, nominal),
        None => Err(error),
    });
    match read {
        Ok(timecode) => Some(timecode),
        Err(error) => {
            tracing::warn!(%error, text, "the file's timecode is ignored");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    #[test]
    fn sizes_that_cannot_be_decoded_are_named() {
        assert_eq!(picture_size(12_288, 6_480).ok(), Size::new(12_288, 6_480));
        assert_eq!(picture_size(16_384, 16).ok(), Size::new(16_384, 16));
        let reason = |width, height| picture_size(width, height).unwrap_err().reason;
        assert!(reason(12_336, 12_336).contains("12336x12336"));
        assert!(reason(16_385, 16).contains("16385x16"));
        assert!(reason(16, 70_000).contains("70000"));
        assert!(reason(0, 0).contains("no size"));
        assert!(reason(-1, 5).contains("damaged"));
    }

    #[test]
    fn timecodes_read_at_odd_rates() {
        let read =
            |text: &str, rate: FrameRate| timecode_at_rate(text, rate).map(|t| t.to_string());
        assert_eq!(
            read("01:00:00;02", rate(30_000, 1001)).as_deref(),
            Some("01:00:00;02")
        );
        assert_eq!(
            read("01:00:00:23", rate(24_000, 1001)).as_deref(),
            Some("01:00:00:23")
        );
        assert_eq!(
            read("01:00:00:27", rate(51_600, 1841)).as_deref(),
            Some("01:00:00:27")
        );
        assert_eq!(read("01:00:00:30", rate(25, 1)), None);
        assert_eq!(read("noon", rate(25, 1)), None);
    }

    #[test]
    fn a_file_without_streams_to_play_says_why() {
        let mut info = MediaInfo {
            path: "a.mp4".into(),
            container: ContainerInfo {
                format: String::new(),
                format_long: String::new(),
                bytes: 1,
                duration: None,
                start: MediaTime::ZERO,
                bit_rate: None,
                metadata: Vec::new(),
            },
            video: Vec::new(),
            audio: Vec::new(),
            other: Vec::new(),
        };
        let words = |info: &MediaInfo| require_playable(info).unwrap_err().to_string();
        assert!(words(&info).contains("neither pictures nor sound"));
        info.other.push(OtherStream {
            id: StreamId(0),
            kind: "video".to_owned(),
            codec: "vvc1".to_owned(),
            reason: no_decoder("vvc1"),
        });
        assert!(words(&info).contains("VVC (H.266)"), "{}", words(&info));
    }
}
