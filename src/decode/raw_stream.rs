//! FFmpeg's streams, read through small accessors.

use std::ffi::{CStr, CString, c_char};

use ffmpeg::ffi::{self, AVCodecID, AVMediaType};
use ffmpeg_next as ffmpeg;

use super::rates::{RateEstimate, estimate_rate};
use super::tags::{matrix_from_bytes, orientation_from_matrix};
use super::{Input, containers, sniff};
use crate::media::{Orientation, SampleAspect, StreamId};
use crate::time::{MediaSpan, MediaTime, TimeBase};

/// How much of a file's beginning is searched for what FFmpeg does not pass on.
pub(super) const HEAD_BYTES: usize = 256 * 1024;

/// A stream, its parameters and the file it is in.
pub(super) struct RawStream<'a> {
    pub(super) input: &'a Input,
    pub(super) stream: &'a ffmpeg::Stream<'a>,
    /// Borrowed from the stream.
    pub(super) parameters: ffmpeg::codec::Parameters,
}

impl<'a> RawStream<'a> {
    pub(super) fn new(input: &'a Input, stream: &'a ffmpeg::Stream<'a>) -> Self {
        Self {
            input,
            stream,
            parameters: stream.parameters(),
        }
    }

    #[expect(unsafe_code, reason = "the wrapper exposes only some fields")]
    pub(super) fn raw(&self) -> &ffi::AVCodecParameters {
        // SAFETY: the parameters belong to the open container, which is borrowed. Fields whose values
        // may lie outside their enums (colour tags) are not read through this reference.
        unsafe { &*self.parameters.as_ptr() }
    }

    #[expect(unsafe_code, reason = "the wrapper exposes only some fields")]
    fn raw_stream(&self) -> &ffi::AVStream {
        // SAFETY: the stream belongs to the open container, which is borrowed.
        unsafe { &*self.stream.as_ptr() }
    }

    pub(super) fn id(&self) -> StreamId {
        StreamId(self.stream.index())
    }

    pub(super) fn kind(&self) -> AVMediaType {
        self.raw().codec_type
    }

    /// FFmpeg's name of the codec, or its four-character tag.
    pub(super) fn codec_name(&self) -> String {
        let id = self.raw().codec_id;
        if id != AVCodecID::AV_CODEC_ID_NONE {
            #[expect(unsafe_code, reason = "reads a C string")]
            // SAFETY: the answer is a static C string.
            return unsafe { text(ffi::avcodec_get_name(id)) }.unwrap_or_default();
        }
        let tag = self.raw().codec_tag.to_le_bytes();
        if tag
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
        {
            String::from_utf8_lossy(&tag).trim().to_owned()
        } else {
            "unknown".to_owned()
        }
    }

    /// The codec in words, with its profile.
    #[expect(unsafe_code, reason = "reads C strings")]
    pub(super) fn codec_long(&self) -> String {
        let (id, profile) = (self.raw().codec_id, self.raw().profile);
        // SAFETY: both answers are null or static.
        let (long, profile) = unsafe {
            let long = ffi::avcodec_descriptor_get(id)
                .as_ref()
                .map(|found| found.long_name);
            (
                long.and_then(|name| text(name)),
                text(ffi::avcodec_profile_name(id, profile)),
            )
        };
        let long = long.unwrap_or_else(|| self.codec_name());
        match profile {
            Some(profile) => format!("{long}, {profile}"),
            None => long,
        }
    }

    /// The name of the decoder that will be used.
    pub(super) fn decoder(&self) -> Option<String> {
        let id = self.raw().codec_id;
        // FFmpeg's own decoders for these leave the alpha channel out.
        let with_alpha = match id {
            AVCodecID::AV_CODEC_ID_VP8 => Some("libvpx"),
            AVCodecID::AV_CODEC_ID_VP9 => Some("libvpx-vp9"),
            _ => None,
        };
        if let Some(name) = with_alpha.filter(|_| self.has_alpha_block()) {
            let wanted = CString::new(name).ok()?;
            #[expect(unsafe_code, reason = "passes a C string")]
            // SAFETY: the name is a C string.
            if unsafe { !ffi::avcodec_find_decoder_by_name(wanted.as_ptr()).is_null() } {
                return Some(name.to_owned());
            }
        }
        #[expect(unsafe_code, reason = "reads a C string")]
        // SAFETY: decoders are static tables.
        unsafe {
            text(ffi::avcodec_find_decoder(id).as_ref()?.name)
        }
    }

    /// WebM keeps alpha in blocks beside the picture's.
    fn has_alpha_block(&self) -> bool {
        self.tag("alpha_mode").is_some_and(|mode| mode == "1")
    }

    fn tag(&self, key: &str) -> Option<String> {
        self.stream.metadata().get(key).map(str::to_owned)
    }

    pub(super) fn language(&self) -> Option<String> {
        self.tag("language")
            .filter(|language| language != "und" && !language.is_empty())
    }

    pub(super) fn has_disposition(&self, flag: i32) -> bool {
        self.raw_stream().disposition & flag != 0
    }

    pub(super) fn is_default(&self) -> bool {
        self.has_disposition(ffi::AV_DISPOSITION_DEFAULT)
    }

    #[expect(unsafe_code, reason = "side data are raw pointers")]
    pub(super) fn side_data(&self, kind: ffi::AVPacketSideDataType) -> Option<&[u8]> {
        let mut size = 0;
        // SAFETY: the data belong to the stream, which is borrowed.
        unsafe {
            let data = ffi::av_stream_get_side_data(self.stream.as_ptr(), kind, &raw mut size);
            (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
        }
    }

    pub(super) fn is_encrypted(&self, tracks: &[u32]) -> bool {
        u32::try_from(self.stream.id()).is_ok_and(|number| tracks.contains(&number))
            || self
                .side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_ENCRYPTION_INIT_INFO)
                .is_some()
    }

    pub(super) fn time_base(&self) -> Option<TimeBase> {
        let base = self.raw_stream().time_base;
        TimeBase::new(u32::try_from(base.num).ok()?, u32::try_from(base.den).ok()?)
    }

    pub(super) fn start(&self, base: TimeBase) -> MediaTime {
        match self.stream.start_time() {
            ffi::AV_NOPTS_VALUE => MediaTime::ZERO,
            ticks => base.time_from_ticks_nearest(ticks),
        }
    }

    pub(super) fn duration(&self, base: TimeBase) -> Option<MediaSpan> {
        let ticks = self.stream.duration();
        (ticks > 0).then(|| base.span_from_ticks_nearest(ticks))
    }

    pub(super) fn bit_rate(&self) -> Option<u64> {
        u64::try_from(self.raw().bit_rate)
            .ok()
            .filter(|&rate| rate > 0)
    }

    pub(super) fn rate(&self) -> Option<RateEstimate> {
        let stream = self.raw_stream();
        let pair = |rational: ffi::AVRational| (rational.num, rational.den);
        estimate_rate(pair(stream.avg_frame_rate), pair(stream.r_frame_rate))
    }

    #[expect(unsafe_code, reason = "the wrapper does not offer it")]
    pub(super) fn sample_aspect(&self) -> SampleAspect {
        // SAFETY: the context and the stream are open; without a frame nothing is written.
        let ratio = unsafe {
            ffi::av_guess_sample_aspect_ratio(
                self.input.context_ref().as_ptr().cast_mut(),
                self.stream.as_ptr().cast_mut(),
                std::ptr::null_mut(),
            )
        };
        let (num, den) = (u32::try_from(ratio.num), u32::try_from(ratio.den));
        match (num, den) {
            // Ratios beyond this are damage: 720 columns stretched over a cinema's width need 3.
            (Ok(num), Ok(den)) if num > 0 && den > 0 && num / den < 16 && den / num < 16 => {
                SampleAspect { num, den }
            }
            _ => SampleAspect::SQUARE,
        }
    }

    pub(super) fn orientation(&self) -> Orientation {
        if let Some(data) = self.side_data(ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX) {
            return matrix_from_bytes(data).map_or(Orientation::UPRIGHT, orientation_from_matrix);
        }
        if self.raw().codec_id == AVCodecID::AV_CODEC_ID_MJPEG && self.is_picture_file() {
            let head = self.input.head(HEAD_BYTES);
            return sniff::exif_orientation(&head).unwrap_or_default();
        }
        Orientation::UPRIGHT
    }

    fn is_picture_file(&self) -> bool {
        containers::is_picture(self.input.context_ref().format().name())
    }

    pub(super) fn is_still(&self) -> bool {
        self.is_picture_file() || self.has_disposition(ffi::AV_DISPOSITION_STILL_IMAGE)
    }
}

/// A C string as text; `None` when it is null.
///
/// # Safety
/// `pointer` is null or a C string.
#[expect(unsafe_code, reason = "reads a C string")]
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it, and it is not null.
    let text = unsafe { CStr::from_ptr(pointer) };
    Some(text.to_string_lossy().into_owned())
}
