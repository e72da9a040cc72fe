//! Encoders in hardware: which there are, and what they are asked for.

use std::ffi::c_void;
use std::fmt;
use std::ptr::NonNull;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;

use super::codec::{EncoderOption, ProxyCodec, Quality};
use super::encoder::Job;
use crate::media::Size;

/// A kind of hardware that encodes H.264.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hardware {
    /// Cards of NVIDIA.
    Nvenc,
    /// Apple's machines.
    VideoToolbox,
    /// Processors of Intel, by Quick Sync.
    Qsv,
    /// What Linux drivers offer.
    Vaapi,
}

/// Every kind, in the order in which they are tried: its name, and FFmpeg's of the encoder.
const TABLE: [(Hardware, &str, &str); 4] = [
    (Hardware::Nvenc, "nvenc", "h264_nvenc"),
    (Hardware::VideoToolbox, "videotoolbox", "h264_videotoolbox"),
    (Hardware::Qsv, "qsv", "h264_qsv"),
    (Hardware::Vaapi, "vaapi", "h264_vaapi"),
];

/// What pictures are as all of them take them.
pub(super) const PIXEL: Pixel = Pixel::NV12;

impl Hardware {
    /// Every kind, in the order in which they are tried.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(hardware, ..)| hardware)
    }

    /// The name on the command line and in JSON.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// FFmpeg's name of the encoder.
    pub fn encoder(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// What it is asked for.
    pub(super) fn options(self, job: &Job<'_>) -> Vec<EncoderOption> {
        let is_intra = job.codec == ProxyCodec::H264Intra;
        let quantizer = match job.quality {
            Quality::Usual => "23",
            Quality::Low => "29",
        };
        let mut options: Vec<EncoderOption> = vec![("bf", "0".to_owned())];
        let mut add = |name, value: &str| options.push((name, value.to_owned()));
        add("g", &job.codec.group_frames(job.stream).to_string());
        if !is_intra {
            let bits = ProxyCodec::bit_rate(job.preset, job.quality);
            add("b", &bits.to_string());
        }
        match self {
            Self::Nvenc => {
                add("preset", "p1");
                add("rc", if is_intra { "constqp" } else { "vbr" });
                if is_intra {
                    add("qp", quantizer);
                }
            }
            Self::Qsv => {
                add("preset", "veryfast");
                if is_intra {
                    add("global_quality", quantizer);
                }
            }
            Self::Vaapi => {
                add("rc_mode", if is_intra { "CQP" } else { "VBR" });
                if is_intra {
                    add("qp", quantizer);
                }
            }
            Self::VideoToolbox => {
                // It knows no constant quality on most machines.
                if is_intra {
                    let bits = job.target.size.area() * u64::from(job.stream.rate.nominal());
                    add("b", &bits.to_string());
                }
            }
        }
        options
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Pictures in the memory of a device, for an encoder that takes no others.
pub(super) struct Surfaces(NonNull<ffi::AVBufferRef>);

#[expect(unsafe_code, reason = "the pointer belongs to this value alone")]
// SAFETY: references to buffers belong to no thread, and it is used through `&mut` only.
unsafe impl Send for Surfaces {}

#[expect(unsafe_code, reason = "the wrapper knows no devices")]
impl Surfaces {
    /// For [`Hardware::Vaapi`], of the machine's first device.
    pub(super) fn open(size: Size) -> Result<Self, ffmpeg::Error> {
        let side = |side: u32| i32::try_from(side).map_err(|_large| ffmpeg::Error::InvalidData);
        let (width, height) = (side(size.width())?, side(size.height())?);
        let mut device: *mut ffi::AVBufferRef = std::ptr::null_mut();
        // SAFETY: the device is new and owned here; the frames hold a reference of their own; their description is
        // written before they are used.
        unsafe {
            let kind = ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI;
            let none = std::ptr::null_mut();
            let code =
                ffi::av_hwdevice_ctx_create(&raw mut device, kind, std::ptr::null(), none, 0);
            if code < 0 {
                return Err(ffmpeg::Error::from(code));
            }
            let frames = ffi::av_hwframe_ctx_alloc(device);
            ffi::av_buffer_unref(&raw mut device);
            let this = Self(NonNull::new(frames).ok_or(super::output::NO_MEMORY)?);
            let described: *mut ffi::AVHWFramesContext = (*frames).data.cast::<c_void>().cast();
            (*described).format = ffi::AVPixelFormat::AV_PIX_FMT_VAAPI;
            (*described).sw_format = PIXEL.into();
            (*described).width = width;
            (*described).height = height;
            match ffi::av_hwframe_ctx_init(frames) {
                code if code < 0 => Err(ffmpeg::Error::from(code)),
                _ => Ok(this),
            }
        }
    }

    /// Tells an encoder that is not open yet that its pictures come from here.
    pub(super) fn attach(&self, encoder: &mut ffmpeg::encoder::video::Video) {
        // SAFETY: the context is not open, and takes over the new reference.
        unsafe {
            let raw = encoder.as_mut_ptr();
            (*raw).pix_fmt = ffi::AVPixelFormat::AV_PIX_FMT_VAAPI;
            (*raw).hw_frames_ctx = ffi::av_buffer_ref(self.0.as_ptr());
        }
    }

    /// A picture in the device's memory with the pixels of this one.
    pub(super) fn upload(
        &mut self,
        frame: &ffmpeg::frame::Video,
    ) -> Result<ffmpeg::frame::Video, ffmpeg::Error> {
        let mut there = ffmpeg::frame::Video::empty();
        // SAFETY: both frames are alive, and the new one is owned here.
        unsafe {
            let raw = there.as_mut_ptr();
            for code in [
                ffi::av_hwframe_get_buffer(self.0.as_ptr(), raw, 0),
                ffi::av_hwframe_transfer_data(raw, frame.as_ptr(), 0),
                ffi::av_frame_copy_props(raw, frame.as_ptr()),
            ] {
                if code < 0 {
                    return Err(ffmpeg::Error::from(code));
                }
            }
        }
        Ok(there)
    }
}

impl Drop for Surfaces {
    #[expect(unsafe_code, reason = "references to buffers are given back by hand")]
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: the reference is owned, and given back once.
        unsafe { ffi::av_buffer_unref(&raw mut raw) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (place, hardware) in Hardware::all().enumerate() {
            assert_eq!(hardware as usize, place);
        }
    }
}
