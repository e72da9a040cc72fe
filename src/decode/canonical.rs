//! FFmpeg's pixel formats, and the canonical format that each one is shown in.

use std::ffi::{CStr, CString};

use ffmpeg_next::ffi::{self, AVPixelFormat};

use crate::media::{ColorModel, PixelFormat, PlaneArrangement, SampleDepth, Subsampling};

/// How frames of one of FFmpeg's pixel formats become frames of a canonical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanonicalFormat {
    /// The canonical format. Its planes stand in the order of `AVFrame::data`: Y, Cb, Cr or G, B, R or
    /// gray, then alpha.
    pub format: PixelFormat,
    /// The format that a [`Repacker`](super::Repacker) must make first; `None` when frames can be used
    /// as they are.
    pub via: Option<AVPixelFormat>,
}

/// How frames of `source` are shown; `None` for frames that live in hardware, and for the few formats
/// that no decoder makes.
pub fn describe(source: AVPixelFormat) -> Option<CanonicalFormat> {
    let descriptor = Descriptor::of(source)?;
    if let Some(format) = descriptor.direct() {
        return Some(CanonicalFormat { format, via: None });
    }
    let via = pixel_format_by_name(&descriptor.target_name()?)?;
    let format = Descriptor::of(via)?.direct()?;
    Some(CanonicalFormat {
        format,
        via: Some(via),
    })
}

/// FFmpeg's name of a format: `yuv420p10le`.
pub fn format_name(format: AVPixelFormat) -> &'static str {
    #[expect(unsafe_code, reason = "reads a C string")]
    // SAFETY: names are static C strings of FFmpeg, null for unknown formats.
    let name = unsafe {
        let name = ffi::av_get_pix_fmt_name(format);
        if name.is_null() {
            None
        } else {
            CStr::from_ptr(name).to_str().ok()
        }
    };
    name.unwrap_or("none")
}

/// The format that FFmpeg keeps as a plain number in frames and codec parameters.
pub fn format_from_raw(raw: i32) -> Option<AVPixelFormat> {
    all_formats().find(|&format| format as i32 == raw)
}

/// FFmpeg's format of frames that are laid out like this; `None` where it has none.
pub fn raw_format(format: PixelFormat) -> Option<AVPixelFormat> {
    let is_it = |raw: &AVPixelFormat| {
        // The old names for full range stand for formats that have another name, too.
        let direct = Descriptor::of(*raw).filter(|known| !known.is_full_range_by_name());
        direct.and_then(|known| known.direct()) == Some(format)
    };
    all_formats().find(is_it)
}

/// Every format that this FFmpeg knows.
pub(super) fn all_formats() -> impl Iterator<Item = AVPixelFormat> {
    let mut next: *const ffi::AVPixFmtDescriptor = std::ptr::null();
    std::iter::from_fn(move || {
        #[expect(unsafe_code, reason = "walks FFmpeg's static table")]
        // SAFETY: the pointer is null or came from this function before.
        unsafe {
            next = ffi::av_pix_fmt_desc_next(next);
            (!next.is_null()).then(|| ffi::av_pix_fmt_desc_get_id(next))
        }
    })
}

fn pixel_format_by_name(name: &str) -> Option<AVPixelFormat> {
    let name = CString::new(name).ok()?;
    #[expect(unsafe_code, reason = "passes a C string")]
    // SAFETY: the name is a C string.
    let format = unsafe { ffi::av_get_pix_fmt(name.as_ptr()) };
    (format != AVPixelFormat::AV_PIX_FMT_NONE).then_some(format)
}

/// Where one component of a pixel lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    /// Index into `AVFrame::data`.
    pub(super) plane: usize,
    /// From one pixel to the next: bytes, or bits in bit streams.
    pub(super) step: usize,
    /// Of the first pixel, in the same unit. Negative in some big-endian formats.
    pub(super) offset: isize,
    /// Bits below the component.
    pub(super) shift: u32,
    /// Its own bits.
    pub(super) depth: u32,
}

/// A safe copy of FFmpeg's description of a format.
#[derive(Debug, Clone)]
pub(super) struct Descriptor {
    pub(super) name: &'static str,
    /// Red, green, blue or Y, Cb, Cr or gray; alpha last.
    pub(super) components: Vec<Component>,
    /// How colour differences are reduced.
    pub(super) subsampling: Subsampling,
    flags: u64,
}

impl Descriptor {
    /// `None` for unknown formats.
    pub(super) fn of(format: AVPixelFormat) -> Option<Self> {
        #[expect(unsafe_code, reason = "reads FFmpeg's static table")]
        // SAFETY: FFmpeg answers null for unknown formats, else an entry of a static table.
        let raw = unsafe { ffi::av_pix_fmt_desc_get(format).as_ref()? };
        let component = |component: &ffi::AVComponentDescriptor| {
            Some(Component {
                plane: usize::try_from(component.plane).ok()?,
                step: usize::try_from(component.step).ok()?,
                offset: isize::try_from(component.offset).ok()?,
                shift: u32::try_from(component.shift).ok()?,
                depth: u32::try_from(component.depth).ok()?,
            })
        };
        Some(Self {
            name: format_name(format),
            components: raw.comp[..usize::from(raw.nb_components).min(4)]
                .iter()
                .map(component)
                .collect::<Option<_>>()?,
            subsampling: Subsampling {
                log2_x: raw.log2_chroma_w,
                log2_y: raw.log2_chroma_h,
            },
            flags: raw.flags,
        })
    }

    fn has(&self, flag: i32) -> bool {
        self.flags & u64::from(flag.unsigned_abs()) != 0
    }

    /// Whether frames live in a device.
    pub(super) fn is_hardware(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_HWACCEL)
    }

    /// Whether samples are indices into a table of colours.
    pub(super) fn is_palette(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_PAL)
    }

    /// Whether positions count bits.
    pub(super) fn is_bit_stream(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_BITSTREAM)
    }

    /// Whether words have their high byte first.
    pub(super) fn is_big_endian(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_BE)
    }

    /// Whether samples are 32-bit floats.
    pub(super) fn is_float(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_FLOAT)
    }

    /// Whether each pixel has one colour of a sensor's pattern.
    pub(super) fn is_bayer(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_BAYER)
    }

    /// Whether the components are red, green and blue.
    pub(super) fn is_rgb(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_RGB)
    }

    /// Whether the last component is alpha.
    pub(super) fn has_alpha(&self) -> bool {
        self.has(ffi::AV_PIX_FMT_FLAG_ALPHA)
    }

    /// Whether the components are X, Y and Z of digital cinema.
    pub(super) fn is_xyz(&self) -> bool {
        self.name.starts_with("xyz")
    }

    /// Whether there is luma alone, with or without alpha.
    pub(super) fn is_gray(&self) -> bool {
        self.components.len() <= 2 && !self.is_rgb() && !self.is_palette()
    }

    /// Whether it is one of the old formats whose name says full range.
    pub(super) fn is_full_range_by_name(&self) -> bool {
        self.name.starts_with("yuvj")
    }

    fn greatest_depth(&self) -> u32 {
        self.components
            .iter()
            .map(|component| component.depth)
            .max()
            .unwrap_or(0)
    }

    fn model(&self) -> ColorModel {
        if self.is_rgb() {
            ColorModel::Rgb
        } else if self.is_gray() {
            ColorModel::Gray
        } else {
            ColorModel::Yuv
        }
    }

    /// The canonical format that frames are in already, if they are.
    pub(super) fn direct(&self) -> Option<PixelFormat> {
        let odd = self.is_hardware()
            || self.is_palette()
            || self.is_bit_stream()
            || self.is_float()
            || self.is_bayer()
            || self.is_xyz();
        let bits = self.components.first()?.depth;
        let depth = SampleDepth::new(u8::try_from(bits).ok()?)?;
        let same_depth = self
            .components
            .iter()
            .all(|component| component.depth == bits);
        if odd || !same_depth || (self.is_big_endian() && depth.bytes() > 1) {
            return None;
        }
        let arrangement = if self.is_planar(depth) {
            PlaneArrangement::Planar
        } else if self.is_semi_planar(depth) {
            PlaneArrangement::SemiPlanar
        } else {
            return None;
        };
        let model = self.model();
        Some(PixelFormat {
            model,
            subsampling: match model {
                ColorModel::Yuv => self.subsampling,
                ColorModel::Rgb | ColorModel::Gray => Subsampling::S444,
            },
            depth,
            alpha: self.has_alpha(),
            arrangement,
        })
    }

    /// One plane a component, in canonical order, values in the low bits.
    fn is_planar(&self, depth: SampleDepth) -> bool {
        let order: &[usize] = if self.is_rgb() {
            &[2, 0, 1, 3]
        } else {
            &[0, 1, 2, 3]
        };
        self.components
            .iter()
            .zip(order)
            .all(|(component, &plane)| {
                component.plane == plane
                    && component.step == depth.bytes()
                    && component.offset == 0
                    && component.shift == 0
            })
    }

    /// 4:2:0 with Cb and Cr in turn in one plane, values in the high bits.
    fn is_semi_planar(&self, depth: SampleDepth) -> bool {
        let bytes = depth.bytes();
        let expected = [(0, bytes, 0), (1, 2 * bytes, 0), (1, 2 * bytes, bytes)];
        let shift = 8 * u32::try_from(bytes).unwrap_or(1) - u32::from(depth.bits());
        self.components.len() == 3
            && !self.is_rgb()
            && self.subsampling == Subsampling::S420
            && self
                .components
                .iter()
                .zip(expected)
                .all(|(component, (plane, step, offset))| {
                    component.plane == plane
                        && component.step == step
                        && usize::try_from(component.offset) == Ok(offset)
                        && component.shift == shift
                })
    }

    /// The name of the directly usable format that holds everything this one does.
    ///
    /// Less than 8 bits become 8, floats become 16 bits from 0 to 1, gray with alpha becomes RGB with
    /// alpha because FFmpeg has no planes for it, and palettes become RGB with alpha.
    fn target_name(&self) -> Option<String> {
        // Six bytes for four pixels, and four positions of Y in them: the description cannot say it,
        // and only capture cards made it.
        if self.is_hardware() || self.components.is_empty() || self.name == "uyyvyy411" {
            return None;
        }
        let depth = match () {
            () if self.is_float() || self.is_xyz() => 16,
            () if self.is_bayer() => {
                if self.name.ends_with('8') {
                    8
                } else {
                    16
                }
            }
            () => self.greatest_depth().max(8),
        };
        let alpha = if self.has_alpha() { "a" } else { "" };
        let planes = if self.components.len() == 1 && !self.is_palette() {
            "gray".to_owned()
        } else if self.is_rgb() || self.is_palette() || self.is_gray() || self.is_xyz() {
            format!("gbr{alpha}p")
        } else {
            let Subsampling { log2_x, log2_y } = self.subsampling;
            let suffix = match (log2_x, log2_y) {
                (0, 0) => "444",
                (1, 0) => "422",
                (1, 1) => "420",
                (2, 0) => "411",
                (0, 1) => "440",
                (2, 2) => "410",
                _ => return None,
            };
            format!("yuv{alpha}{suffix}p")
        };
        Some(if depth == 8 {
            planes
        } else {
            format!("{planes}{depth}le")
        })
    }
}

#[cfg(test)]
mod tests {
    use AVPixelFormat::*;

    use super::*;

    #[test]
    fn every_format_is_classified() {
        let refused: Vec<&str> = all_formats()
            .filter(|&format| describe(format).is_none())
            .filter(|&format| !Descriptor::of(format).unwrap().is_hardware())
            .map(format_name)
            .collect();
        assert_eq!(refused, ["uyyvyy411"]);
        for format in all_formats() {
            let hardware = Descriptor::of(format).unwrap().is_hardware();
            assert!(
                !(hardware && describe(format).is_some()),
                "{}",
                format_name(format)
            );
            assert_eq!(format_from_raw(format as i32), Some(format));
        }
        assert_eq!(format_from_raw(-1), None);
        assert_eq!(format_from_raw(99_999), None);
    }

    #[test]
    fn planar_formats_are_used_as_they_are() {
        for (source, text, semi_planar) in [
            (AV_PIX_FMT_YUV420P, "4:2:0 8-bit", false),
            (AV_PIX_FMT_YUVJ422P, "4:2:2 8-bit", false),
            (AV_PIX_FMT_YUV422P10LE, "4:2:2 10-bit", false),
            (AV_PIX_FMT_YUV411P, "4:1:1 8-bit", false),
            (AV_PIX_FMT_YUV440P12LE, "4:4:0 12-bit", false),
            (AV_PIX_FMT_YUV410P, "4:1:0 8-bit", false),
            (AV_PIX_FMT_YUVA444P12LE, "4:4:4 12-bit + alpha", false),
            (AV_PIX_FMT_GBRP, "RGB 8-bit", false),
            (AV_PIX_FMT_GBRAP16LE, "RGB 16-bit + alpha", false),
            (AV_PIX_FMT_GRAY8, "gray 8-bit", false),
            (AV_PIX_FMT_GRAY14LE, "gray 14-bit", false),
            (AV_PIX_FMT_NV12, "4:2:0 8-bit", true),
            (AV_PIX_FMT_P010LE, "4:2:0 10-bit", true),
            (AV_PIX_FMT_P016LE, "4:2:0 16-bit", true),
        ] {
            let CanonicalFormat { format, via } = describe(source).unwrap();
            assert_eq!(via, None, "{source:?}");
            assert_eq!(format.to_string(), text);
            assert_eq!(
                format.arrangement == PlaneArrangement::SemiPlanar,
                semi_planar
            );
        }
    }

    #[test]
    fn other_formats_name_the_nearest() {
        for (source, via) in [
            (AV_PIX_FMT_RGB24, AV_PIX_FMT_GBRP),
            (AV_PIX_FMT_BGR0, AV_PIX_FMT_GBRP),
            (AV_PIX_FMT_ARGB, AV_PIX_FMT_GBRAP),
            (AV_PIX_FMT_RGB48BE, AV_PIX_FMT_GBRP16LE),
            (AV_PIX_FMT_RGBA64LE, AV_PIX_FMT_GBRAP16LE),
            (AV_PIX_FMT_X2RGB10LE, AV_PIX_FMT_GBRP10LE),
            (AV_PIX_FMT_RGB565LE, AV_PIX_FMT_GBRP),
            (AV_PIX_FMT_RGB4, AV_PIX_FMT_GBRP),
            (AV_PIX_FMT_PAL8, AV_PIX_FMT_GBRAP),
            (AV_PIX_FMT_MONOBLACK, AV_PIX_FMT_GRAY8),
            (AV_PIX_FMT_YA8, AV_PIX_FMT_GBRAP),
            (AV_PIX_FMT_YA16BE, AV_PIX_FMT_GBRAP16LE),
            (AV_PIX_FMT_GRAY10BE, AV_PIX_FMT_GRAY10LE),
            (AV_PIX_FMT_GRAYF32LE, AV_PIX_FMT_GRAY16LE),
            (AV_PIX_FMT_GBRPF32LE, AV_PIX_FMT_GBRP16LE),
            (AV_PIX_FMT_YUV422P10BE, AV_PIX_FMT_YUV422P10LE),
            (AV_PIX_FMT_UYVY422, AV_PIX_FMT_YUV422P),
            (AV_PIX_FMT_Y210LE, AV_PIX_FMT_YUV422P10LE),
            (AV_PIX_FMT_AYUV64LE, AV_PIX_FMT_YUVA444P16LE),
            (AV_PIX_FMT_NV21, AV_PIX_FMT_YUV420P),
            (AV_PIX_FMT_P010BE, AV_PIX_FMT_YUV420P10LE),
            (AV_PIX_FMT_P410LE, AV_PIX_FMT_YUV444P10LE),
            (AV_PIX_FMT_XYZ12LE, AV_PIX_FMT_GBRP16LE),
            (AV_PIX_FMT_BAYER_RGGB8, AV_PIX_FMT_GBRP),
            (AV_PIX_FMT_BAYER_GBRG16LE, AV_PIX_FMT_GBRP16LE),
        ] {
            let found = describe(source).unwrap();
            assert_eq!(found.via, Some(via), "{source:?}");
            assert_eq!(describe(via), Some(CanonicalFormat { via: None, ..found }));
        }
    }
}
