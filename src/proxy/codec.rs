//! What proxies are encoded with: one row for each codec.

use std::fmt;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::format::Pixel;

use super::encoder::Job;
use super::hardware::{self, Hardware};
use super::preset::Preset;
use crate::decode::ColorTags;
use crate::media::{
    ChromaSiting, ColorInfo, ColorModel, ColorRange, FieldOrder, MatrixCoefficients, Primaries,
    Size, Subsampling, TransferFunction, VideoStream,
};
use crate::time::FrameRate;

/// A codec and how it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyCodec {
    /// H.264, every picture for itself, without what is slow to decode.
    H264Intra,
    /// H.264 in groups of half a second, for little disk.
    H264Gop,
    /// JPEG pictures.
    Mjpeg,
    /// `ProRes` 422 Proxy.
    ProresProxy,
    /// `DNxHR` LB.
    DnxhrLb,
    /// Hap: compressed textures, quickest to decode and large.
    Hap,
}

/// How much of the picture is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Quality {
    /// What cannot be told from the source at this size, as a rule.
    #[default]
    Usual,
    /// About half of the bytes, where there is little disk.
    Low,
}

impl Quality {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Low => "low",
        }
    }
}

/// What is known of a codec.
struct Row {
    codec: ProxyCodec,
    name: &'static str,
    encoder: &'static str,
    subsampling: Subsampling,
    /// Whether pictures may use all codes, and decoders know it.
    keeps_range: bool,
    /// Whether pictures may hold two fields, and decoders know it.
    keeps_fields: bool,
    /// Tenths of a bit that a pixel takes, as a rule; 0 where a bit rate says it.
    pixel_bits_tenths: u64,
}

const TABLE: [Row; 6] = [
    Row {
        codec: ProxyCodec::H264Intra,
        name: "h264-intra",
        encoder: "libx264",
        subsampling: Subsampling::S420,
        keeps_range: true,
        keeps_fields: true,
        pixel_bits_tenths: 10,
    },
    Row {
        codec: ProxyCodec::H264Gop,
        name: "h264-gop",
        encoder: "libx264",
        subsampling: Subsampling::S420,
        keeps_range: true,
        keeps_fields: true,
        pixel_bits_tenths: 0,
    },
    Row {
        codec: ProxyCodec::Mjpeg,
        name: "mjpeg",
        encoder: "mjpeg",
        subsampling: Subsampling::S420,
        keeps_range: true,
        keeps_fields: false,
        pixel_bits_tenths: 15,
    },
    Row {
        codec: ProxyCodec::ProresProxy,
        name: "prores",
        encoder: "prores_ks",
        subsampling: Subsampling::S422,
        keeps_range: false,
        keeps_fields: true,
        pixel_bits_tenths: 8,
    },
    Row {
        codec: ProxyCodec::DnxhrLb,
        name: "dnxhr",
        encoder: "dnxhd",
        subsampling: Subsampling::S422,
        keeps_range: false,
        keeps_fields: false,
        pixel_bits_tenths: 8,
    },
    Row {
        codec: ProxyCodec::Hap,
        name: "hap",
        encoder: "hap",
        subsampling: Subsampling::S444,
        keeps_range: true,
        keeps_fields: false,
        pixel_bits_tenths: 35,
    },
];

/// An option of an encoder, by FFmpeg's name.
pub(super) type EncoderOption = (&'static str, String);

impl ProxyCodec {
    /// Every codec.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.codec)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The codec of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|codec| codec.name() == name)
    }

    /// FFmpeg's name of the encoder.
    pub fn encoder(self) -> &'static str {
        self.row().encoder
    }

    /// Whether this FFmpeg can encode it.
    pub fn is_available(self) -> bool {
        crate::decode::init();
        ffmpeg::encoder::find_by_name(self.encoder()).is_some()
    }

    /// What is used when nothing else is asked for: H.264 of single pictures, or JPEG where there is no
    /// x264.
    pub fn best_available() -> Self {
        [Self::H264Intra, Self::Mjpeg]
            .into_iter()
            .find(|codec| codec.is_available())
            .unwrap_or(Self::H264Intra)
    }

    /// Whether proxies tell two fields of a picture apart.
    pub fn keeps_fields(self) -> bool {
        self.row().keeps_fields
    }

    /// Whether eight bits are all that pictures may have, and red, green and blue what they are stored as: too
    /// little for the curves of HDR.
    pub fn is_rgb(self) -> bool {
        self == Self::Hap
    }

    /// What the sides of pictures must be multiples of.
    pub(super) fn side_unit(self) -> u32 {
        // Textures are made of blocks of four by four.
        if self == Self::Hap { 4 } else { 2 }
    }

    /// Frames from one picture that stands for itself to the next.
    pub(super) fn group_frames(self, source: &VideoStream) -> u32 {
        match self {
            Self::H264Gop => (source.rate.nominal() / 2).max(1),
            _ => 1,
        }
    }

    /// Bits a second of proxies in groups of pictures.
    pub(super) fn bit_rate(preset: Preset, quality: Quality) -> u64 {
        let usual = match preset {
            Preset::Draft | Preset::Quarter => 1_500_000,
            Preset::Preview => 3_000_000,
            Preset::Half | Preset::Full => 5_000_000,
        };
        match quality {
            Quality::Usual => usual,
            Quality::Low => usual / 2,
        }
    }

    /// Bytes that a proxy of so many frames at `rate` takes, as a rule, and without its sound.
    pub(super) fn estimated_bytes(
        self,
        preset: Preset,
        size: Size,
        rate: FrameRate,
        frames: u64,
    ) -> u64 {
        let bits = match self.row().pixel_bits_tenths {
            0 => {
                let rate_bits = Self::bit_rate(preset, Quality::Usual);
                frames / u64::from(rate.nominal().max(1)) * rate_bits
            }
            tenths => size.area().saturating_mul(frames).saturating_mul(tenths) / 10,
        };
        bits / 8
    }

    /// How colour is told in a proxy of pictures with this one. Guesses become statements, for they depend
    /// on the picture's size, and a proxy has another.
    pub fn color_of(self, source: &VideoStream) -> ColorInfo {
        let row = self.row();
        let is_yuv = source.format.model != ColorModel::Rgb
            && source.color.matrix != MatrixCoefficients::YCgCo
            && source.color.matrix != MatrixCoefficients::Identity;
        let mut color = source.color;
        color.guessed = false;
        if !is_yuv {
            color.matrix = MatrixCoefficients::Bt709;
            color.range = ColorRange::Limited;
        }
        if !row.keeps_range {
            color.range = ColorRange::Limited;
        }
        let is_420 = source.format.model == ColorModel::Yuv
            && source.format.subsampling == Subsampling::S420;
        if !is_yuv || !is_420 || row.subsampling != Subsampling::S420 {
            color.siting = ChromaSiting::Left;
        }
        // What decoders take pictures for, whatever the container says.
        match self {
            Self::Hap => {
                color.siting = ChromaSiting::Left;
                color.matrix = MatrixCoefficients::Identity;
                color.range = ColorRange::Full;
            }
            Self::Mjpeg => {
                color.siting = ChromaSiting::Center;
                color.matrix = MatrixCoefficients::Bt601;
            }
            Self::DnxhrLb => color.matrix = MatrixCoefficients::Bt709,
            Self::H264Intra | Self::H264Gop | Self::ProresProxy => {}
        }
        color
    }

    /// The format of a proxy's pictures.
    pub(super) fn pixel_of(self, color: &ColorInfo, hardware: Option<Hardware>) -> Pixel {
        let is_full = color.range == ColorRange::Full;
        match self {
            _ if hardware.is_some() => hardware::PIXEL,
            Self::Hap => Pixel::RGBA,
            // Eight bits are too few for the curves of HDR.
            Self::H264Intra | Self::H264Gop if color.transfer.is_hdr() => Pixel::YUV420P10LE,
            Self::Mjpeg if is_full => Pixel::YUVJ420P,
            Self::H264Intra | Self::H264Gop | Self::Mjpeg => Pixel::YUV420P,
            Self::ProresProxy => Pixel::YUV422P10LE,
            Self::DnxhrLb => Pixel::YUV422P,
        }
    }

    /// The encoder's options.
    pub(super) fn options(self, job: &Job<'_>) -> Vec<EncoderOption> {
        let source = job.stream;
        let mut options = color_options(&job.target.color);
        let fields = match source.fields {
            FieldOrder::Progressive => None,
            FieldOrder::TopFirst => Some("tt"),
            FieldOrder::BottomFirst => Some("bb"),
        };
        let mut flags = "+global_header".to_owned();
        if let Some(order) = fields.filter(|_| self.keeps_fields()) {
            flags.push_str("+ildct+ilme");
            options.push(("field_order", order.to_owned()));
        }
        options.push(("flags", flags));
        if let Some(hardware) = job.hardware {
            options.extend(hardware.options(job));
            return options;
        }
        options.push(("threads", job.threads.to_string()));
        let is_low = job.quality == Quality::Low;
        let either = |usual: &'static str, low: &'static str| if is_low { low } else { usual };
        let mut add = |name, value: &str| options.push((name, value.to_owned()));
        match self {
            Self::H264Intra => {
                add("preset", "ultrafast");
                add("tune", "fastdecode");
                add("g", "1");
                add("crf", either("23", "29"));
            }
            Self::H264Gop => {
                add("preset", "veryfast");
                add("tune", "fastdecode");
                add("bf", "0");
                add("g", &self.group_frames(source).to_string());
                add("b", &Self::bit_rate(job.preset, job.quality).to_string());
            }
            Self::Mjpeg => {
                let quantizer = either("3", "8");
                add("qmin", quantizer);
                add("qmax", quantizer);
                // Limited range is marked in a comment, which is no standard, but which FFmpeg reads.
                add("strict", "unofficial");
            }
            Self::ProresProxy => {
                add("profile", "0");
                add("vendor", "apl0");
            }
            Self::DnxhrLb => add("profile", "dnxhr_lb"),
            Self::Hap => add("format", "hap"),
        }
        options
    }
}

impl fmt::Display for ProxyCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Colour as the numbers of ITU-T H.273, and FFmpeg's for range and siting.
pub(super) fn tags_of(color: &ColorInfo) -> ColorTags {
    let range = match color.range {
        ColorRange::Limited => 1,
        ColorRange::Full => 2,
    };
    let matrix = match color.matrix {
        MatrixCoefficients::Identity => 0,
        MatrixCoefficients::Bt709 => 1,
        MatrixCoefficients::Fcc => 4,
        MatrixCoefficients::Bt601 if color.primaries == Primaries::Bt601Pal => 5,
        MatrixCoefficients::Bt601 => 6,
        MatrixCoefficients::Smpte240m => 7,
        MatrixCoefficients::YCgCo => 8,
        MatrixCoefficients::Bt2020 => 9,
    };
    let primaries = match color.primaries {
        Primaries::Bt709 => 1,
        Primaries::Bt601Pal => 5,
        Primaries::Bt601Ntsc => 6,
        Primaries::Bt2020 => 9,
        Primaries::DciP3 => 11,
        Primaries::DisplayP3 => 12,
    };
    let transfer = match color.transfer {
        TransferFunction::Bt1886 => 1,
        TransferFunction::Gamma22 => 4,
        TransferFunction::Gamma28 => 5,
        TransferFunction::Linear => 8,
        TransferFunction::Srgb => 13,
        TransferFunction::Pq => 16,
        TransferFunction::Hlg => 18,
    };
    let siting = match color.siting {
        ChromaSiting::Left => 1,
        ChromaSiting::Center => 2,
        ChromaSiting::TopLeft => 3,
        ChromaSiting::Top => 4,
        ChromaSiting::BottomLeft => 5,
        ChromaSiting::Bottom => 6,
    };
    ColorTags {
        matrix,
        range,
        primaries,
        transfer,
        siting,
    }
}

fn color_options(color: &ColorInfo) -> Vec<EncoderOption> {
    let tags = tags_of(color);
    vec![
        ("color_range", tags.range.to_string()),
        ("colorspace", tags.matrix.to_string()),
        ("color_primaries", tags.primaries.to_string()),
        ("color_trc", tags.transfer.to_string()),
        ("chroma_sample_location", tags.siting.to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_codecs() {
        for (place, codec) in ProxyCodec::all().enumerate() {
            assert_eq!(codec as usize, place);
            assert_eq!(ProxyCodec::from_name(codec.name()), Some(codec));
        }
        assert!(ProxyCodec::best_available().is_available());
    }
}
