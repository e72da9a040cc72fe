//! Why a proxy is not used, in words.

use crate::media::{
    ChromaSiting, ColorRange, FieldOrder, MatrixCoefficients, Primaries, SampleAspect, Size,
    TransferFunction,
};
use crate::time::{FrameIndex, FrameRate};

/// What differs between a proxy and its source. Any of it makes the proxy useless.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Nothing tells what it was made of.
    #[error("nothing tells which file it was made of")]
    Unknown,
    /// The source was written to.
    #[error("the source has changed since the proxy was made")]
    Stale,
    /// It was compared before and refused, in these words.
    #[error("{0}")]
    Before(String),
    /// It was made of another file.
    #[error("it was made of another file than this one")]
    OtherSource,
    /// The proxy is not what was written.
    #[error("the proxy is not what was written: it was changed or is damaged")]
    Altered,
    /// It cannot be read.
    #[error("the proxy cannot be read: {0}")]
    Unreadable(String),
    /// Another number of frames.
    #[error("it has {proxy} frames, and the source has {source_frames}")]
    FrameCount {
        /// Frames of the source.
        source_frames: i64,
        /// Frames of the proxy.
        proxy: i64,
    },
    /// Another rate.
    #[error("it runs at {proxy} frames a second, and the source at {source_rate}")]
    Rate {
        /// Of the source.
        source_rate: FrameRate,
        /// Of the proxy.
        proxy: FrameRate,
    },
    /// A time stamp differs.
    #[error("frame {frame} is at {proxy:.6} s, and in the source at {source_seconds:.6} s")]
    TimeStamp {
        /// The first frame that differs.
        frame: FrameIndex,
        /// Its time in the source, in seconds.
        source_seconds: f64,
        /// Its time in the proxy, in seconds.
        proxy: f64,
    },
    /// Another length.
    #[error("it lasts {proxy:.6} s, and the source {source_seconds:.6} s")]
    Duration {
        /// Of the source, in seconds.
        source_seconds: f64,
        /// Of the proxy, in seconds.
        proxy: f64,
    },
    /// Turned or mirrored otherwise.
    #[error("it is turned or mirrored otherwise than the source")]
    Orientation,
    /// Another shape of pixels.
    #[error(
        "its pixels are {}:{} wide, and the source's {}:{}",
        proxy.num, proxy.den, source_aspect.num, source_aspect.den
    )]
    SampleAspect {
        /// Of the source.
        source_aspect: SampleAspect,
        /// Of the proxy.
        proxy: SampleAspect,
    },
    /// Another shape of the picture.
    #[error("its pictures are {proxy}, which is another shape than the source's {source_size}")]
    Shape {
        /// Of the source.
        source_size: Size,
        /// Of the proxy.
        proxy: Size,
    },
    /// Another order of fields.
    #[error("its fields are {proxy:?}, and the source's {source_fields:?}")]
    Fields {
        /// Of the source.
        source_fields: FieldOrder,
        /// Of the proxy.
        proxy: FieldOrder,
    },
    /// Another timecode.
    #[error("its timecode begins at {proxy}, and the source's at {source_timecode}")]
    Timecode {
        /// Of the source.
        source_timecode: String,
        /// Of the proxy.
        proxy: String,
    },
    /// Another range.
    #[error("its range is {proxy:?}, and should be {expected:?}: its levels would be wrong")]
    Range {
        /// As the source demands.
        expected: ColorRange,
        /// Of the proxy.
        proxy: ColorRange,
    },
    /// Another matrix.
    #[error("its matrix is {proxy:?}, and should be {expected:?}: its colours would be wrong")]
    Matrix {
        /// As the source demands.
        expected: MatrixCoefficients,
        /// Of the proxy.
        proxy: MatrixCoefficients,
    },
    /// Other primaries.
    #[error("its primaries are {proxy:?}, and should be {expected:?}: its colours would be wrong")]
    Primaries {
        /// As the source demands.
        expected: Primaries,
        /// Of the proxy.
        proxy: Primaries,
    },
    /// Another transfer function.
    #[error("its transfer is {proxy:?}, and should be {expected:?}: its tones would be wrong")]
    Transfer {
        /// As the source demands.
        expected: TransferFunction,
        /// Of the proxy.
        proxy: TransferFunction,
    },
    /// Colour samples lie elsewhere.
    #[error("its colour samples lie {proxy:?}, and should lie {expected:?}")]
    Siting {
        /// As the source demands.
        expected: ChromaSiting,
        /// Of the proxy.
        proxy: ChromaSiting,
    },
    /// Other light levels.
    #[error("its light levels for HDR are not the source's: it would be tone-mapped otherwise")]
    LightLevels,
    /// Another number of streams of sound.
    #[error("it has {proxy} streams of sound, and the source {source_streams}")]
    SoundStreams {
        /// Of the source.
        source_streams: usize,
        /// Of the proxy.
        proxy: usize,
    },
    /// Another number of channels.
    #[error("channels of its sound: {proxy}, and of the source's: {source_channels}")]
    Channels {
        /// Of the source.
        source_channels: usize,
        /// Of the proxy.
        proxy: usize,
    },
    /// Another sample rate.
    #[error("its sound has {proxy} samples a second, and the source's {source_rate}")]
    SampleRate {
        /// Of the source.
        source_rate: u32,
        /// Of the proxy.
        proxy: u32,
    },
    /// Channels that changed places.
    #[error("its channel {proxy} sounds like the source's channel {channel}: they are swapped")]
    ChannelsSwapped {
        /// Of the source, counted from 1.
        channel: usize,
        /// Where it is in the proxy, counted from 1.
        proxy: usize,
    },
    /// Other sound.
    #[error("its channel {0} does not sound like the source's")]
    Sound(usize),
    /// A frame that cannot be decoded.
    #[error("its frame {0} cannot be decoded")]
    Undecodable(FrameIndex),
    /// There was no picture to compare.
    #[error("none of the source's pictures that were looked for can be decoded")]
    NothingCompared,
    /// Pictures that are off by some frames.
    #[error("at frame {frame} it shows what the source shows at frame {shows}: it is shifted")]
    Shifted {
        /// The frame.
        frame: FrameIndex,
        /// Which frame of the source its picture is.
        shows: FrameIndex,
    },
    /// Other levels.
    #[error("frame {frame} is brighter, darker or tinted: its levels are off by {codes:.1} of 255")]
    Levels {
        /// The frame.
        frame: FrameIndex,
        /// The difference, in codes of 8 bits.
        codes: f64,
    },
    /// Another picture.
    #[error("frame {frame} shows another picture than the source: likeness {likeness:.2} of 1")]
    Picture {
        /// The frame.
        frame: FrameIndex,
        /// Structural similarity.
        likeness: f64,
    },
}
