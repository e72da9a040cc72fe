//! Writing `QuickTime` files: one stream of pictures, and the sound beside it.

use std::ffi::{CString, c_int};
use std::fs::File;
use std::io;
use std::num::NonZeroU32;
use std::ptr::NonNull;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::packet::Mut as _;

use super::part_file::FileSink;
use crate::decode::Input;
use crate::media::{AudioFormat, HdrMetadata, StreamId, VideoStream};
use crate::time::TimeBase;

/// A file that is being written by FFmpeg's muxer for `QuickTime`, which counts time in any unit, keeps
/// uneven intervals, and knows rotation, aspect, colour, timecode and channels. Matroska rounds time to
/// milliseconds.
pub(super) struct Muxer {
    context: NonNull<ffi::AVFormatContext>,
    // Dropped after the muxer is freed, which points at it.
    sink: FileSink,
}

#[expect(unsafe_code, reason = "the pointer belongs to this value alone")]
// SAFETY: a muxer belongs to no thread, and it is used through `&mut` only.
unsafe impl Send for Muxer {}

/// What the container tells of the pictures that their codec does not.
pub(super) struct PictureTrack<'a> {
    pub(super) encoder: &'a ffmpeg::encoder::video::Encoder,
    pub(super) input: &'a Input,
    pub(super) source: &'a VideoStream,
    /// Light levels, which the first picture may tell and the container not.
    pub(super) hdr: Option<HdrMetadata>,
}

#[expect(
    unsafe_code,
    reason = "the wrapper opens files by itself and hides error codes"
)]
impl Muxer {
    /// A muxer that writes to `file`.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let sink = FileSink::new(file).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut raw: *mut ffi::AVFormatContext = std::ptr::null_mut();
        // SAFETY: the name is a C string; the context is new, and owned from here on.
        let context = unsafe {
            let name = std::ptr::null();
            let code = ffi::avformat_alloc_output_context2(
                &raw mut raw,
                std::ptr::null(),
                c"mov".as_ptr(),
                name,
            );
            let context = NonNull::new(raw).ok_or_else(|| ffmpeg_error(code))?;
            (*context.as_ptr()).pb = sink.as_mut_ptr();
            (*context.as_ptr()).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
            context
        };
        Ok(Self { context, sink })
    }

    /// Adds the stream of pictures.
    pub(super) fn add_pictures(&mut self, track: &PictureTrack<'_>) -> io::Result<()> {
        let rational = |num: u32, den: u32| ffi::AVRational {
            num: num.cast_signed(),
            den: den.cast_signed(),
        };
        let source = track.source;
        // SAFETY: the stream belongs to the context, which is owned; the encoder is open; side data are
        // copied into memory of the size that was asked for.
        unsafe {
            let stream = self.new_stream()?;
            let code =
                ffi::avcodec_parameters_from_context((*stream).codecpar, track.encoder.as_ptr());
            if code < 0 {
                return Err(ffmpeg_error(code));
            }
            let aspect = source.sample_aspect;
            (*stream).sample_aspect_ratio = rational(aspect.num, aspect.den);
            (*(*stream).codecpar).sample_aspect_ratio = (*stream).sample_aspect_ratio;
            (*stream).time_base = rational(source.time_base.num(), source.time_base.den());
            (*stream).avg_frame_rate = rational(source.rate.num(), source.rate.den());
            (*stream).disposition = ffi::AV_DISPOSITION_DEFAULT;
            let matrix = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
            if let Some(bytes) = side_data(track.input, source.id, matrix) {
                add_side_data(stream, matrix, bytes)?;
            }
            if let Some(hdr) = track.hdr {
                for (kind, bytes) in hdr_side_data(hdr) {
                    add_side_data(stream, kind, &bytes)?;
                }
            }
            if let Some(timecode) = source.timecode {
                set_tag(
                    &raw mut (*stream).metadata,
                    "timecode",
                    &timecode.to_string(),
                );
            }
        }
        Ok(())
    }

    /// Adds a stream of sound as 16-bit samples, its channels named as those of `id` in `input`.
    pub(super) fn add_sound(
        &mut self,
        input: &Input,
        id: StreamId,
        format: &AudioFormat,
    ) -> io::Result<()> {
        let count = c_int::try_from(format.layout.count()).unwrap_or(c_int::MAX);
        // SAFETY: as in `add_pictures`; the source's stream belongs to the input, which is borrowed.
        unsafe {
            let source = input.context_ref().stream(id.0);
            let source = source.ok_or(io::ErrorKind::NotFound)?;
            let from = (*source.as_ptr()).codecpar;
            let stream = self.new_stream()?;
            let to = (*stream).codecpar;
            (*to).codec_type = ffi::AVMediaType::AVMEDIA_TYPE_AUDIO;
            (*to).codec_id = ffi::AVCodecID::AV_CODEC_ID_PCM_S16LE;
            (*to).format = ffi::AVSampleFormat::AV_SAMPLE_FMT_S16 as c_int;
            // What the decoder makes, which the header may not know.
            (*to).sample_rate = c_int::try_from(format.rate.get()).unwrap_or(c_int::MAX);
            if (*from).ch_layout.nb_channels == count {
                let (to, from) = (&raw mut (*to).ch_layout, &raw const (*from).ch_layout);
                let code = ffi::av_channel_layout_copy(to, from);
                if code < 0 {
                    return Err(ffmpeg_error(code));
                }
            } else {
                ffi::av_channel_layout_default(&raw mut (*to).ch_layout, count);
            }
            (*to).bits_per_coded_sample = 16;
            (*to).block_align = 2 * count;
            (*to).bit_rate = i64::from(16 * count) * i64::from((*to).sample_rate);
            (*stream).time_base = ffi::AVRational {
                num: 1,
                den: (*to).sample_rate,
            };
            for key in ["language", "title"] {
                if let Some(value) = source.metadata().get(key) {
                    set_tag(&raw mut (*stream).metadata, key, value);
                }
            }
        }
        Ok(())
    }

    /// Writes the header. Time of pictures is counted in units of `base`, and that of gaps before streams
    /// in units that ticks of `base` and samples of these `rates` are whole numbers of.
    pub(super) fn begin(
        &mut self,
        base: TimeBase,
        rates: impl Iterator<Item = NonZeroU32>,
    ) -> io::Result<()> {
        let scale = base.den().to_string();
        let movie_scale = movie_scale(base, rates).to_string();
        let options: ffmpeg::Dictionary<'_> = [
            ("video_track_timescale", scale.as_str()),
            ("movie_timescale", movie_scale.as_str()),
            ("write_tmcd", "1"),
        ]
        .into_iter()
        .collect();
        // SAFETY: the context is complete; the options are handed over and taken back.
        let code = unsafe {
            let mut raw = options.disown();
            let code = ffi::avformat_write_header(self.context.as_ptr(), &raw mut raw);
            drop(ffmpeg::Dictionary::own(raw));
            code
        };
        self.checked(code)
    }

    /// Writes a packet of stream number `stream`, whose time stamps are in units of `base`.
    pub(super) fn write(
        &mut self,
        packet: &mut ffmpeg::Packet,
        stream: usize,
        base: TimeBase,
    ) -> io::Result<()> {
        packet.set_stream(stream);
        // SAFETY: the muxer has this stream; it copies what it keeps of the packet.
        let code = unsafe {
            let to = *(*self.context.as_ptr()).streams.add(stream);
            let from = ffi::AVRational {
                num: base.num().cast_signed(),
                den: base.den().cast_signed(),
            };
            ffi::av_packet_rescale_ts(packet.as_mut_ptr(), from, (*to).time_base);
            ffi::av_write_frame(self.context.as_ptr(), packet.as_mut_ptr())
        };
        debug_assert!(packet.size() > 0 || code < 0, "nothing was written");
        self.checked(code)
    }

    /// Writes what comes last, and everything that is gathered.
    pub(super) fn finish(mut self) -> io::Result<()> {
        // SAFETY: the header has been written.
        let code = unsafe { ffi::av_write_trailer(self.context.as_ptr()) };
        self.checked(code)?;
        self.sink.flush()
    }

    unsafe fn new_stream(&mut self) -> io::Result<*mut ffi::AVStream> {
        // SAFETY: the context is owned.
        let stream = unsafe { ffi::avformat_new_stream(self.context.as_ptr(), std::ptr::null()) };
        if stream.is_null() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        Ok(stream)
    }

    /// What a code of FFmpeg means; the system's own words where writing failed.
    fn checked(&mut self, code: c_int) -> io::Result<()> {
        if code >= 0 {
            return Ok(());
        }
        self.sink.flush()?;
        Err(ffmpeg_error(code))
    }
}

impl Drop for Muxer {
    #[expect(unsafe_code, reason = "FFmpeg's contexts are freed by hand")]
    fn drop(&mut self) {
        // SAFETY: it is freed once; the I/O context is not its own.
        unsafe {
            (*self.context.as_ptr()).pb = std::ptr::null_mut();
            ffi::avformat_free_context(self.context.as_ptr());
        }
    }
}

/// Units a second of the whole file: the least common multiple of the pictures' and the sounds'. What would
/// be more than the container can say is left out.
fn movie_scale(base: TimeBase, rates: impl Iterator<Item = NonZeroU32>) -> u32 {
    let most = i32::MAX.unsigned_abs();
    rates.fold(base.den(), |scale, rate| {
        let (mut divisor, mut rest) = (scale, rate.get());
        while rest != 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        let common = scale.checked_mul(rate.get() / divisor);
        common.filter(|&common| common <= most).unwrap_or(scale)
    })
}

/// FFmpeg's words for an error.
pub(super) fn ffmpeg_error(code: c_int) -> io::Error {
    io::Error::other(ffmpeg::Error::from(code).to_string())
}

#[expect(unsafe_code, reason = "the wrapper does not reach it")]
fn side_data(input: &Input, id: StreamId, kind: ffi::AVPacketSideDataType) -> Option<&[u8]> {
    let stream = input.context_ref().stream(id.0)?;
    let mut size = 0;
    // SAFETY: the data belong to the stream, which lives as long as the input.
    unsafe {
        let data = ffi::av_stream_get_side_data(stream.as_ptr(), kind, &raw mut size);
        (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
    }
}

/// # Safety
/// `stream` belongs to a muxer that is alive.
#[expect(unsafe_code, reason = "the wrapper does not reach it")]
unsafe fn add_side_data(
    stream: *mut ffi::AVStream,
    kind: ffi::AVPacketSideDataType,
    bytes: &[u8],
) -> io::Result<()> {
    // SAFETY: FFmpeg answers null or as many bytes as were asked for.
    unsafe {
        let to = ffi::av_stream_new_side_data(stream, kind, bytes.len());
        if to.is_null() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
    }
    Ok(())
}

/// # Safety
/// `tags` is a dictionary of a context that is alive.
#[expect(unsafe_code, reason = "the wrapper does not reach it")]
unsafe fn set_tag(tags: *mut *mut ffi::AVDictionary, key: &str, value: &str) {
    let (Ok(key), Ok(value)) = (CString::new(key), CString::new(value)) else {
        return;
    };
    // SAFETY: both are C strings, which FFmpeg copies. A tag that is lost for want of memory is no harm.
    let _code = unsafe { ffi::av_dict_set(tags, key.as_ptr(), value.as_ptr(), 0) };
}

/// Light levels as FFmpeg's side data. See `decode::hdr_from_side_data` for the layout. The muxer wants
/// primaries beside the peak: they are those of BT.2020, which nothing here reads.
fn hdr_side_data(hdr: HdrMetadata) -> Vec<(ffi::AVPacketSideDataType, Vec<u8>)> {
    /// Red, green, blue and white, x and y each, in 50,000ths.
    const BT2020: [i32; 8] = [35_400, 14_600, 8_500, 39_850, 6_550, 2_300, 15_635, 16_450];
    let mut made = Vec::new();
    let bytes = |numbers: &[i32]| numbers.iter().flat_map(|n| n.to_ne_bytes()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "10,000 cd/m² at most")]
    let scaled = |nits: f32, unit: f64| (f64::from(nits) * unit).round() as i32;
    if let Some(peak) = hdr.mastering_peak_nits {
        let mut numbers: Vec<i32> = BT2020.into_iter().flat_map(|x| [x, 50_000]).collect();
        numbers.extend([50, 10_000, scaled(peak, 10_000.0), 10_000, 1, 1]);
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_MASTERING_DISPLAY_METADATA;
        made.push((kind, bytes(&numbers)));
    }
    if let Some(light) = hdr.max_content_light_nits {
        let kind = ffi::AVPacketSideDataType::AV_PKT_DATA_CONTENT_LIGHT_LEVEL;
        made.push((kind, bytes(&[scaled(light, 1.0), 0])));
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_in_units_of_pictures_and_of_samples() {
        for (den, rates, expected) in [
            (25, &[48_000][..], 48_000),
            (24_000, &[48_000, 44_100], 7_056_000),
            (90_000, &[], 90_000),
            (1_000_000, &[44_100, 48_000], 882_000_000),
            // Too many: what comes first counts.
            (1_000_000_007, &[48_000], 1_000_000_007),
        ] {
            let base = TimeBase::new(1, den).unwrap();
            let rates = rates.iter().filter_map(|&rate| NonZeroU32::new(rate));
            assert_eq!(movie_scale(base, rates), expected);
        }
    }
}
