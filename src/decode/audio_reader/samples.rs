//! The unsafe edge of the audio reader: channel layouts, seeks by stream, sample formats.

use std::num::NonZeroU32;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::Sample;

use super::layout_for_count;
use crate::media::{AudioFormat, AudioSamples, ChannelLayout, ChannelRole};

/// Makes the demuxer skip the packets of every stream but `stream`.
#[expect(unsafe_code, reason = "ffmpeg-next has no setter for AVStream.discard")]
pub(super) fn discard_other_streams(context: &mut ffmpeg::format::context::Input, stream: usize) {
    // SAFETY: `streams` holds `nb_streams` valid pointers for as long as the context lives, and
    // nothing else uses the context during this call.
    unsafe {
        let context = context.as_mut_ptr();
        for index in 0..(*context).nb_streams as usize {
            (**(*context).streams.add(index)).discard = if index == stream {
                ffi::AVDiscard::AVDISCARD_DEFAULT
            } else {
                ffi::AVDiscard::AVDISCARD_ALL
            };
        }
    }
}

/// Positions the demuxer at or before `ticks` of `stream`.
///
/// `ffmpeg-next` seeks by the default stream, which is the picture; its keyframes may lie seconds
/// before the packet of sound that is wanted.
#[expect(unsafe_code, reason = "ffmpeg-next cannot seek by stream")]
pub(super) fn seek_stream(
    context: &mut ffmpeg::format::context::Input,
    stream: usize,
    ticks: i64,
) -> Result<(), ffmpeg::Error> {
    let index = i32::try_from(stream)
        .ok()
        .ok_or(ffmpeg::Error::StreamNotFound)?;
    // SAFETY: the context is open and exclusively borrowed.
    let status =
        unsafe { ffi::avformat_seek_file(context.as_mut_ptr(), index, i64::MIN, ticks, ticks, 0) };
    if status >= 0 {
        Ok(())
    } else {
        Err(ffmpeg::Error::from(status))
    }
}

/// The roles of the decoder's channels.
#[expect(
    unsafe_code,
    reason = "ffmpeg-next hides AVChannelLayout before FFmpeg 7"
)]
pub(super) fn decoder_layout(decoder: &ffmpeg::decoder::Audio) -> Option<ChannelLayout> {
    // SAFETY: the decoder is open, so its layout is initialized and not being changed.
    unsafe { roles_from_layout(&(*decoder.as_ptr()).ch_layout) }
}

/// Reads the roles of an FFmpeg layout.
///
/// # Safety
/// `layout` must be valid: with a custom order, `u.map` holds `nb_channels` entries.
#[expect(unsafe_code, reason = "the layout is a C union")]
unsafe fn roles_from_layout(layout: &ffi::AVChannelLayout) -> Option<ChannelLayout> {
    let count = usize::try_from(layout.nb_channels).ok()?;
    match layout.order {
        ffi::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE => {
            // SAFETY: in native order the union holds the mask.
            let mask = unsafe { layout.u.mask };
            let roles: Vec<_> = (0..64)
                .filter(|bit| mask >> bit & 1 == 1)
                .map(role_from_channel)
                .collect();
            if roles.len() == count {
                ChannelLayout::new(roles)
            } else {
                layout_for_count(count)
            }
        }
        ffi::AVChannelOrder::AV_CHANNEL_ORDER_CUSTOM if (1..=64).contains(&count) => {
            // The channel is read as an integer: newer libraries know values that the generated enum
            // does not.
            // SAFETY: in custom order the union holds a map of `nb_channels` entries.
            let channel = |index: usize| unsafe {
                (&raw const (*layout.u.map.add(index)).id)
                    .cast::<i32>()
                    .read()
            };
            ChannelLayout::new(
                (0..count)
                    .map(|index| role_from_channel(channel(index)))
                    .collect(),
            )
        }
        _ => layout_for_count(count),
    }
}

/// The role of an `AVChannel`, by its number.
fn role_from_channel(channel: i32) -> ChannelRole {
    match channel {
        0 | 29 => ChannelRole::FrontLeft,
        1 | 30 => ChannelRole::FrontRight,
        2 => ChannelRole::FrontCenter,
        3 => ChannelRole::Lfe,
        4 | 9 => ChannelRole::SurroundLeft,
        5 | 10 => ChannelRole::SurroundRight,
        8 => ChannelRole::BackCenter,
        _ => ChannelRole::Other,
    }
}

/// The decoded frame as interleaved floats; `None` when it is empty or of an unknown format.
#[expect(
    unsafe_code,
    reason = "ffmpeg-next hides AVChannelLayout before FFmpeg 7"
)]
pub(super) fn interleaved_from_frame(frame: &ffmpeg::frame::Audio) -> Option<AudioSamples> {
    // SAFETY: the frame was filled by a decoder, so its layout is valid.
    let layout = unsafe { roles_from_layout(&(*frame.as_ptr()).ch_layout) }?;
    let rate = NonZeroU32::new(frame.rate())?;
    let channels = layout.count();
    if frame.samples() == 0 || frame.planes() == 0 || usize::from(frame.channels()) != channels {
        return None;
    }
    let interleaved = match frame.format() {
        Sample::U8(_) => gather(frame, channels, |[b]: [u8; 1]| {
            (f32::from(b) - 128.0) / 128.0
        }),
        Sample::I16(_) => gather(frame, channels, |b| {
            f32::from(i16::from_ne_bytes(b)) / 32_768.0
        }),
        Sample::I32(_) => gather(frame, channels, |b| {
            narrow(f64::from(i32::from_ne_bytes(b)) / 2_147_483_648.0)
        }),
        Sample::I64(_) => gather(frame, channels, |b| {
            narrow(i64::from_ne_bytes(b) as f64 / 9_223_372_036_854_775_808.0)
        }),
        Sample::F32(_) => gather(frame, channels, |b| finite(f32::from_ne_bytes(b))),
        Sample::F64(_) => gather(frame, channels, |b| finite(narrow(f64::from_ne_bytes(b)))),
        Sample::None => return None,
    };
    Some(AudioSamples {
        format: AudioFormat { rate, layout },
        interleaved,
    })
}

/// Rounds to single precision, which keeps 24 bits of any sample.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is wanted"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Damaged float streams may hold NaN and infinity, which no later stage may meet.
fn finite(value: f32) -> f32 {
    if value.is_finite() {
        value.clamp(-64.0, 64.0)
    } else {
        0.0
    }
}

/// Reads values of `N` bytes from the frame's planes, interleaved.
fn gather<const N: usize>(
    frame: &ffmpeg::frame::Audio,
    channels: usize,
    value: impl Fn([u8; N]) -> f32,
) -> Vec<f32> {
    let frames = frame.samples();
    if frame.is_packed() {
        let (values, _) = frame.data(0).as_chunks::<N>();
        return values
            .iter()
            .take(frames * channels)
            .map(|bytes| value(*bytes))
            .collect();
    }
    let mut interleaved = vec![0.0; frames * channels];
    if channels == 2 {
        // The usual case, in one pass over whole pairs.
        let (left, _) = frame.data(0).as_chunks::<N>();
        let (right, _) = frame.data(1).as_chunks::<N>();
        let pairs = interleaved.as_chunks_mut::<2>().0.iter_mut();
        for ((pair, left), right) in pairs.zip(left).zip(right) {
            *pair = [value(*left), value(*right)];
        }
        return interleaved;
    }
    for channel in 0..channels {
        let (values, _) = frame.data(channel).as_chunks::<N>();
        let places = interleaved.iter_mut().skip(channel).step_by(channels);
        for (place, bytes) in places.zip(values.iter().take(frames)) {
            *place = value(*bytes);
        }
    }
    interleaved
}
