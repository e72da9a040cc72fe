//! Media that tests make up.

use std::path::Path;

use super::{
    ColorInfo, FieldOrder, Orientation, PixelFormat, SampleAspect, Size, StreamId, VideoStream,
};
use crate::time::{FrameRate, MediaTime};

/// A stream of upright, progressive pictures with square pixels, of which nothing else is stated.
pub(crate) fn stream(size: Size, format: PixelFormat, rate: FrameRate) -> VideoStream {
    VideoStream {
        id: StreamId(0),
        codec: String::new(),
        codec_long: String::new(),
        decoder: String::new(),
        size,
        sample_aspect: SampleAspect::SQUARE,
        orientation: Orientation::UPRIGHT,
        format,
        source_format: String::new(),
        color: ColorInfo::BT709_LIMITED,
        fields: FieldOrder::Progressive,
        rate,
        time_base: rate.frame_base(),
        start: MediaTime::ZERO,
        duration: None,
        frames: None,
        bit_rate: None,
        timecode: None,
        is_still: false,
        is_default: true,
        language: None,
    }
}

/// Writes a WAV file of 16-bit samples, those of a frame one after another.
pub(crate) fn write_wav(
    path: &Path,
    rate: u32,
    channels: u16,
    samples: impl IntoIterator<Item = i16>,
) {
    let samples: Vec<u8> = samples.into_iter().flat_map(i16::to_le_bytes).collect();
    let length = u32::try_from(samples.len()).unwrap();
    let (channels, block) = (u32::from(channels), u32::from(channels) * 2);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + length).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    // Sixteen bytes: PCM and the channels, the rate, bytes a second, bytes a frame and bits.
    for number in [16, channels << 16 | 1, rate, rate * block, 16 << 16 | block] {
        bytes.extend(u32::to_le_bytes(number));
    }
    bytes.extend(b"data");
    bytes.extend(length.to_le_bytes());
    bytes.extend(samples);
    std::fs::write(path, bytes).unwrap();
}
