//! Making pictures smaller, in YCbCr, by libswscale.

use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;

use super::codec::tags_of;
use crate::decode::raw_format;
use crate::media::{
    ChromaSiting, ColorInfo, ColorModel, ColorRange, FieldOrder, MatrixCoefficients, PixelFormat,
    Size, VideoFrame,
};

/// What proxies are scaled to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Target {
    pub(super) size: Size,
    pub(super) pixel: Pixel,
    pub(super) color: ColorInfo,
    /// Whether pictures of two fields are scaled as two pictures.
    pub(super) fields: bool,
}

/// Scales pictures of one kind after another. Used by one thread at a time.
pub(super) struct Scaler {
    target: Target,
    open: Option<(Source, Context)>,
}

/// What a context depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Source {
    size: Size,
    format: PixelFormat,
    range: ColorRange,
    matrix: MatrixCoefficients,
    siting: ChromaSiting,
    is_split: bool,
}

/// Why a picture was not scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("libswscale cannot scale pictures of {0} with the matrix {1:?}")]
pub(super) struct ScaleError(PixelFormat, MatrixCoefficients);

struct Context(NonNull<ffi::SwsContext>);

#[expect(unsafe_code, reason = "the pointer belongs to this value alone")]
// SAFETY: a scaling context belongs to no thread, and it is used through `&mut` only.
unsafe impl Send for Context {}

impl Drop for Context {
    #[expect(unsafe_code, reason = "libswscale's contexts are freed by hand")]
    fn drop(&mut self) {
        // SAFETY: it was made by `sws_alloc_context` and is freed once.
        unsafe { ffi::sws_freeContext(self.0.as_ptr()) }
    }
}

impl Scaler {
    pub(super) fn new(target: Target) -> Self {
        Self { target, open: None }
    }

    /// An empty picture of the target's kind, its colour told, for some encoders read it there.
    #[expect(unsafe_code, reason = "writes enums as the numbers they are")]
    pub(super) fn blank(&self) -> ffmpeg::frame::Video {
        let Target {
            size, pixel, color, ..
        } = self.target;
        let mut frame = ffmpeg::frame::Video::new(pixel, size.width(), size.height());
        let tags = tags_of(&color);
        // SAFETY: the frame is alive; every number is one that the enum has.
        unsafe {
            let raw = frame.as_mut_ptr();
            (&raw mut (*raw).colorspace)
                .cast::<u32>()
                .write(tags.matrix);
            (&raw mut (*raw).color_range)
                .cast::<u32>()
                .write(tags.range);
            (&raw mut (*raw).color_primaries)
                .cast::<u32>()
                .write(tags.primaries);
            (&raw mut (*raw).color_trc)
                .cast::<u32>()
                .write(tags.transfer);
            (&raw mut (*raw).chroma_location)
                .cast::<u32>()
                .write(tags.siting);
        }
        frame
    }

    /// Scales `frame` into `into`, which [`Self::blank`] made and nobody else looks at.
    pub(super) fn scale(
        &mut self,
        frame: &VideoFrame,
        into: &mut ffmpeg::frame::Video,
    ) -> Result<(), ScaleError> {
        puffin::profile_scope!("scale proxy");
        let source = Source {
            size: frame.size,
            format: frame.format,
            range: frame.color.range,
            matrix: frame.color.matrix,
            siting: frame.color.siting,
            is_split: self.target.fields && frame.fields != FieldOrder::Progressive,
        };
        let failed = || ScaleError(frame.format, frame.color.matrix);
        self.open.take_if(|(open, _)| *open != source);
        let (_, context) = match &mut self.open {
            Some(open) => open,
            none => {
                let context = open_context(&source, &self.target);
                none.insert((source, context.ok_or_else(failed)?))
            }
        };
        let fields: &[usize] = if source.is_split { &[0, 1] } else { &[0] };
        for &field in fields {
            if !scale_field(context, frame, into, field, fields.len()) {
                return Err(failed());
            }
        }
        Ok(())
    }
}

/// Rows of a picture that one call scales. Of two fields each has whole pairs of rows, so that none of
/// their colour rows lies beyond the plane.
fn rows_of(size: Size, is_split: bool) -> u32 {
    if is_split {
        (size.height() / 4 * 2).max(1)
    } else {
        size.height()
    }
}

#[expect(unsafe_code, reason = "sets up libswscale")]
fn open_context(source: &Source, target: &Target) -> Option<Context> {
    let number = |value: u32| i64::from(value);
    let pixel: ffi::AVPixelFormat = target.pixel.into();
    let source_pixel = raw_format(source.format)?;
    let (source_h, source_v) = chroma_places(source.siting);
    let (target_h, target_v) = chroma_places(target.color.siting);
    let is_full = |range| i64::from(range == ColorRange::Full);
    let options: [(&CStr, i64); 13] = [
        (c"srcw", number(source.size.width())),
        (c"srch", number(rows_of(source.size, source.is_split))),
        (c"src_format", source_pixel as i64),
        (c"dstw", number(target.size.width())),
        (c"dsth", number(rows_of(target.size, source.is_split))),
        (c"dst_format", pixel as i64),
        (c"src_range", is_full(source.range)),
        (c"dst_range", is_full(target.color.range)),
        // It widens with the reduction, so that nothing is left out.
        (
            c"sws_flags",
            i64::from(ffi::SWS_BILINEAR | ffi::SWS_ACCURATE_RND),
        ),
        (c"src_h_chr_pos", source_h),
        (c"src_v_chr_pos", source_v),
        (c"dst_h_chr_pos", target_h),
        (c"dst_v_chr_pos", target_v),
    ];
    // SAFETY: the context is new and owned; names are C strings; the tables of coefficients are static.
    unsafe {
        let context = Context(NonNull::new(ffi::sws_alloc_context())?);
        let raw = context.0.as_ptr();
        for (name, value) in options {
            if ffi::av_opt_set_int(raw.cast(), name.as_ptr(), value, 0) < 0 {
                return None;
            }
        }
        if ffi::sws_init_context(raw, std::ptr::null_mut(), std::ptr::null_mut()) < 0 {
            return None;
        }
        // What is RGB already has no matrix; the other side's will do.
        let source_matrix = if source.format.model == ColorModel::Yuv {
            source.matrix
        } else {
            target.color.matrix
        };
        let source_numbers = ffi::sws_getCoefficients(coefficients(source_matrix)?);
        let target_numbers = ffi::sws_getCoefficients(coefficients(target.color.matrix)?);
        let (one, neutral) = (1 << 16, 0);
        let is_full = |range| c_int::from(range == ColorRange::Full);
        // It answers -1 where no conversion is needed.
        let _needless = ffi::sws_setColorspaceDetails(
            raw,
            source_numbers,
            is_full(source.range),
            target_numbers,
            is_full(target.color.range),
            neutral,
            one,
            one,
        );
        Some(context)
    }
}

/// Where colour samples lie, in 256ths of a luma sample: across and down.
fn chroma_places(siting: ChromaSiting) -> (i64, i64) {
    let (across, down) = siting.offset();
    #[expect(clippy::cast_possible_truncation, reason = "multiples of a quarter")]
    let place = |offset: f64| 128 + (offset * 512.0) as i64;
    (place(across), place(down))
}

/// Whether pictures of this kind can be scaled: libswscale has no coefficients for some.
pub(super) fn can_scale(format: PixelFormat, matrix: MatrixCoefficients) -> bool {
    format.model != ColorModel::Yuv || coefficients(matrix).is_some()
}

/// libswscale's name of a matrix; `None` for what is none of red, green and blue by luma.
fn coefficients(matrix: MatrixCoefficients) -> Option<c_int> {
    Some(match matrix {
        MatrixCoefficients::Identity | MatrixCoefficients::YCgCo => return None,
        MatrixCoefficients::Bt709 => ffi::SWS_CS_ITU709,
        MatrixCoefficients::Bt601 => ffi::SWS_CS_ITU601,
        MatrixCoefficients::Bt2020 => ffi::SWS_CS_BT2020,
        MatrixCoefficients::Fcc => ffi::SWS_CS_FCC,
        MatrixCoefficients::Smpte240m => ffi::SWS_CS_SMPTE240M,
    })
}

/// Scales every `fields`-th row from `field` on.
#[expect(unsafe_code, reason = "passes planes to libswscale")]
fn scale_field(
    context: &mut Context,
    frame: &VideoFrame,
    into: &mut ffmpeg::frame::Video,
    field: usize,
    fields: usize,
) -> bool {
    let mut planes = [std::ptr::null::<u8>(); 4];
    let mut strides: [c_int; 4] = [0; 4];
    for plane in 0..frame.format.plane_count().min(4) {
        let rows = frame.plane(plane);
        let Some(bytes) = rows.bytes.get(field * rows.stride..) else {
            return false;
        };
        planes[plane] = bytes.as_ptr();
        strides[plane] = c_int::try_from(rows.stride * fields).unwrap_or(0);
    }
    let is_split = fields > 1;
    let height = c_int::try_from(rows_of(frame.size, is_split)).unwrap_or(0);
    let target_size = Size::new(into.width(), into.height());
    let expected = target_size.map_or(0, |size| rows_of(size, is_split));
    // SAFETY: the context was made for pictures of this size and format, and for the target's; every row
    // that it reads or writes lies in the planes, for `rows_of` counts no more than there are.
    unsafe {
        let raw = into.as_mut_ptr();
        let mut outs = [std::ptr::null_mut::<u8>(); 4];
        let mut out_strides: [c_int; 4] = [0; 4];
        for plane in 0..4 {
            if !(*raw).data[plane].is_null() {
                let stride = (*raw).linesize[plane];
                let skipped = usize::try_from(stride).unwrap_or(0) * field;
                outs[plane] = (*raw).data[plane].add(skipped);
                out_strides[plane] = stride * c_int::try_from(fields).unwrap_or(1);
            }
        }
        let written = ffi::sws_scale(
            context.0.as_ptr(),
            planes.as_ptr(),
            strides.as_ptr(),
            0,
            height,
            outs.as_ptr(),
            out_strides.as_ptr(),
        );
        u32::try_from(written) == Ok(expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Subsampling;

    #[test]
    fn what_libswscale_has_no_numbers_for_is_not_scaled_by_others() {
        let format = PixelFormat {
            model: ColorModel::Yuv,
            subsampling: Subsampling::S420,
            ..PixelFormat::YUV420P8
        };
        let size = Size::new(16, 16).unwrap();
        let planes = [(vec![99_u8; 256], 16), (vec![9; 64], 8), (vec![9; 64], 8)];
        let target = Target {
            size,
            pixel: Pixel::YUV420P,
            color: ColorInfo::BT709_LIMITED,
            fields: false,
        };
        for (matrix, expected) in [
            (MatrixCoefficients::Bt601, true),
            (MatrixCoefficients::Bt2020, true),
            (MatrixCoefficients::YCgCo, false),
            (MatrixCoefficients::Identity, false),
        ] {
            let color = ColorInfo {
                matrix,
                ..ColorInfo::BT709_LIMITED
            };
            let frame = VideoFrame::from_planes(format, size, color, &planes);
            let mut scaler = Scaler::new(target);
            let mut blank = scaler.blank();
            let scaled = scaler.scale(&frame, &mut blank);
            assert_eq!(scaled.is_ok(), expected, "{matrix:?}");
            assert_eq!(can_scale(format, matrix), expected, "{matrix:?}");
        }
    }
}
