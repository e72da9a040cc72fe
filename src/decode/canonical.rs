//! stub
use ffmpeg_next::ffi::AVPixelFormat;
use crate::media::PixelFormat;
pub(super) struct CanonicalFormat { pub(super) format: PixelFormat, pub(super) via: Option<AVPixelFormat> }
pub(super) fn describe(f: AVPixelFormat) -> Option<CanonicalFormat> {
    match f { AVPixelFormat::AV_PIX_FMT_YUV420P | AVPixelFormat::AV_PIX_FMT_YUVJ420P => Some(CanonicalFormat{format: PixelFormat::YUV420P8, via: None}), _ => None }
}
