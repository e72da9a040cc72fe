//! What a file holds, as far as the player and `jogwheel probe` care.

use std::path::{Path, PathBuf};

use super::{AudioFormat, ColorInfo, FieldOrder, Orientation, PixelFormat, Size};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime, TimeBase, Timecode};

/// A stream's place in its container, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub usize);

/// The width of a stored pixel in units of its height: `num / den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SampleAspect {
    /// Horizontal part.
    pub num: u32,
    /// Vertical part.
    pub den: u32,
}

impl SampleAspect {
    /// Square pixels.
    pub const SQUARE: Self = Self { num: 1, den: 1 };
}

/// The name of a file without its folder, for people.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// A file and its streams.
#[derive(Debug, Clone)]
pub struct MediaInfo {
    /// The file, as named.
    pub path: PathBuf,
    /// The container.
    pub container: ContainerInfo,
    /// Moving pictures and stills, cover art excluded, in container order.
    pub video: Vec<VideoStream>,
    /// Sound, in container order.
    pub audio: Vec<AudioStream>,
    /// Everything else: subtitles, data, attachments, cover art, unsupported codecs.
    pub other: Vec<OtherStream>,
}

impl MediaInfo {
    /// The stream to show when nothing else is asked for: the default one, else the largest.
    pub fn default_video(&self) -> Option<&VideoStream> {
        self.video
            .iter()
            .find(|v| v.is_default)
            .or_else(|| self.video.iter().max_by_key(|v| v.size.area()))
    }

    /// The stream to hear when nothing else is asked for.
    pub fn default_audio(&self) -> Option<&AudioStream> {
        self.audio
            .iter()
            .find(|a| a.is_default)
            .or_else(|| self.audio.first())
    }
}

/// What is known of the container as a whole.
#[derive(Debug, Clone, Default)]
pub struct ContainerInfo {
    /// FFmpeg's short name: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// The same in words: `QuickTime / MOV`.
    pub format_long: String,
    /// Size of the file.
    pub bytes: u64,
    /// Declared duration, where there is one. A damaged file may declare nonsense.
    pub duration: Option<MediaSpan>,
    /// The earliest time stamp of any stream; positions are counted from the video's own first frame.
    pub start: MediaTime,
    /// Bits a second over everything, where known.
    pub bit_rate: Option<u64>,
    /// Title, author and so on, in file order.
    pub metadata: Vec<(String, String)>,
}

/// A stream of pictures that can be decoded.
#[derive(Debug, Clone)]
pub struct VideoStream {
    /// Place in the container.
    pub id: StreamId,
    /// FFmpeg's codec name: `h264`.
    pub codec: String,
    /// The same in words, with the profile where there is one.
    pub codec_long: String,
    /// The decoder that will be used.
    pub decoder: String,
    /// Stored size, cropping applied.
    pub size: Size,
    /// Shape of a stored pixel.
    pub sample_aspect: SampleAspect,
    /// How the picture is turned before it is shown.
    pub orientation: Orientation,
    /// The canonical format that frames arrive in.
    pub format: PixelFormat,
    /// FFmpeg's name for the format in the file: `yuv420p10le`.
    pub source_format: String,
    /// Colour, guesses made.
    pub color: ColorInfo,
    /// Interlacing as declared.
    pub fields: FieldOrder,
    /// Frames a second: the average where the rate varies.
    pub rate: FrameRate,
    /// Unit of the stream's time stamps.
    pub time_base: TimeBase,
    /// Time stamp of the first frame, as the container declares it.
    pub start: MediaTime,
    /// Declared duration.
    pub duration: Option<MediaSpan>,
    /// Declared number of frames.
    pub frames: Option<u64>,
    /// Bits a second.
    pub bit_rate: Option<u64>,
    /// Timecode of the first frame.
    pub timecode: Option<Timecode>,
    /// Whether this is one picture without duration.
    pub is_still: bool,
    /// Whether the container marks it as the one to show.
    pub is_default: bool,
    /// Language tag, where stated.
    pub language: Option<String>,
}

impl VideoStream {
    /// The time that its timecode gives its first frame.
    pub fn timecode_zero(&self) -> Option<MediaTime> {
        let timecode = self.timecode?;
        let number = FrameIndex(timecode.frame_number());
        Some(timecode.format().rate().time_of_frame_nearest(number))
    }

    /// Size in square pixels, turned as it is shown: the stored width is stretched by the sample
    /// aspect (never shrunk: where pixels are narrow, the height grows instead), then the picture is
    /// turned.
    pub fn display_size(&self) -> Size {
        self.display_size_of(self.size)
    }

    /// The same for a frame of another size: streams may change size on the way.
    pub fn display_size_of(&self, stored: Size) -> Size {
        let SampleAspect { num, den } = self.sample_aspect;
        let (width, height) = (u64::from(stored.width()), u64::from(stored.height()));
        let (num, den) = (u64::from(num.max(1)), u64::from(den.max(1)));
        let stretched = if num >= den {
            (((width * num + den / 2) / den), height)
        } else {
            (width, ((height * den + num / 2) / num))
        };
        let clamp = |side: u64| u32::try_from(side.clamp(1, 65_535)).unwrap_or(65_535);
        let shown = Size::new(clamp(stretched.0), clamp(stretched.1)).unwrap_or(stored);
        self.orientation.apply(shown)
    }
}

/// A stream of sound that can be decoded.
#[derive(Debug, Clone)]
pub struct AudioStream {
    /// Place in the container.
    pub id: StreamId,
    /// FFmpeg's codec name: `aac`.
    pub codec: String,
    /// The same in words, with the profile where there is one.
    pub codec_long: String,
    /// Sample rate and channels.
    pub format: AudioFormat,
    /// Name of the channel layout: `5.1(side)`.
    pub layout_name: String,
    /// Unit of the stream's time stamps.
    pub time_base: TimeBase,
    /// Time stamp of the first sample.
    pub start: MediaTime,
    /// Declared duration.
    pub duration: Option<MediaSpan>,
    /// Bits a second.
    pub bit_rate: Option<u64>,
    /// Whether the container marks it as the one to hear.
    pub is_default: bool,
    /// Language tag, where stated.
    pub language: Option<String>,
}

/// A stream that is listed but not played.
#[derive(Debug, Clone)]
pub struct OtherStream {
    /// Place in the container.
    pub id: StreamId,
    /// `subtitle`, `data`, `attachment`, `cover art`, `video`, `audio`.
    pub kind: String,
    /// Codec name, or the four-character tag of an unknown one.
    pub codec: String,
    /// Why it is not played.
    pub reason: String,
}
