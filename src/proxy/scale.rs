//! Making pictures smaller, in YCbCr, by libswscale.

use std::ffi::{CStr, c_int};
use std::fmt;
use std::ptr::NonNull;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::format::Pixel;

use super::boxes::{Factor, Plane, Siting, Sums, shrink};
use super::codec::{ProxyCodec, tags_of};
use super::preset::Preset;
use crate::decode::raw_format;
use crate::media::{
    ChromaSiting, ColorInfo, ColorModel, ColorRange, FieldOrder, MatrixCoefficients, PixelFormat,
    Size, VideoFrame, VideoStream,
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

impl Target {
    /// What a proxy of `stream` is scaled to for an encoder in software. Colour and fields are as its first
    /// picture has them.
    pub(super) fn of(preset: Preset, codec: ProxyCodec, stream: &VideoStream) -> Self {
        let fields = stream.fields != FieldOrder::Progressive;
        let unit = codec.side_unit();
        let color = codec.color_of(stream);
        Self {
            // Each of two fields needs even rows.
            size: preset.size_for(stream.size, unit, if fields { 4 } else { unit }),
            pixel: codec.pixel_of(&color, None),
            color,
            fields,
        }
    }

    fn is_yuv(&self) -> bool {
        Layout::Scaled(self.pixel).is_yuv()
    }
}

/// Scales pictures of one kind after another. Used by one thread at a time.
pub(super) struct Scaler {
    target: Target,
    open: Option<(Source, Context)>,
    sums: Sums,
}

/// A picture that was scaled before, and is scaled once more.
pub(super) struct Scaled {
    picture: ffmpeg::frame::Video,
    color: ColorInfo,
    fields: FieldOrder,
}

impl Scaled {
    /// The picture in `frame`, which [`Scaler::blank`] made for this colour, without copying its pixels. `None`
    /// where memory is short.
    #[expect(unsafe_code, reason = "the wrapper copies pixels")]
    pub(super) fn share(
        frame: &ffmpeg::frame::Video,
        color: ColorInfo,
        fields: FieldOrder,
    ) -> Option<Self> {
        let mut picture = ffmpeg::frame::Video::empty();
        // SAFETY: both frames are alive, and the new one is empty.
        let code = unsafe { ffi::av_frame_ref(picture.as_mut_ptr(), frame.as_ptr()) };
        (code >= 0).then_some(Self {
            picture,
            color,
            fields,
        })
    }

    /// Which of its fields comes first, if it has two.
    pub(super) fn fields(&self) -> FieldOrder {
        self.fields
    }
}

/// How samples lie in a picture, whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Decoded(PixelFormat),
    Scaled(Pixel),
}

impl Layout {
    fn raw(self) -> Option<ffi::AVPixelFormat> {
        match self {
            Self::Decoded(format) => raw_format(format),
            Self::Scaled(pixel) => Some(pixel.into()),
        }
    }

    fn is_yuv(self) -> bool {
        match self {
            Self::Decoded(format) => format.model == ColorModel::Yuv,
            Self::Scaled(pixel) => pixel != Pixel::RGBA,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decoded(format) => write!(f, "{format}"),
            Self::Scaled(pixel) => write!(f, "{pixel:?}"),
        }
    }
}

/// What a context depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Source {
    size: Size,
    layout: Layout,
    range: ColorRange,
    matrix: MatrixCoefficients,
    siting: ChromaSiting,
    is_split: bool,
}

impl Source {
    /// How pictures of this kind are made smaller by boxes, where that can be: in 8-bit 4:2:0, with colour as it is.
    fn boxes(&self, target: &Target) -> Option<(Factor, Siting)> {
        let is_planar = match self.layout {
            Layout::Decoded(format) => format == PixelFormat::YUV420P8,
            Layout::Scaled(pixel) => matches!(pixel, Pixel::YUV420P | Pixel::YUVJ420P),
        };
        let color = &target.color;
        let is_same = (self.range, self.matrix, self.siting)
            == (color.range, color.matrix, color.siting)
            && matches!(target.pixel, Pixel::YUV420P | Pixel::YUVJ420P);
        let siting = match self.siting {
            ChromaSiting::Left => Siting::Left,
            ChromaSiting::Center => Siting::Center,
            _ => return None,
        };
        if !is_planar || !is_same || self.is_split {
            return None;
        }
        Factor::between(self.size, target.size).map(|factor| (factor, siting))
    }
}

/// Why a picture was not scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("libswscale cannot scale pictures of {0} with the matrix {1:?}")]
pub(super) struct ScaleError(Layout, MatrixCoefficients);

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
        Self {
            target,
            open: None,
            sums: Sums::default(),
        }
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
        let layout = Layout::Decoded(frame.format);
        let source = self.source(frame.size, layout, &frame.color, frame.fields);
        let mut planes = Planes::default();
        for (place, plane) in planes.0.iter_mut().enumerate() {
            if place < frame.format.plane_count() {
                let rows = frame.plane(place);
                *plane = (rows.bytes, rows.stride);
            }
        }
        self.scale_planes(source, &planes, into)
    }

    /// Scales a picture that was scaled before.
    pub(super) fn scale_again(
        &mut self,
        scaled: &Scaled,
        into: &mut ffmpeg::frame::Video,
    ) -> Result<(), ScaleError> {
        puffin::profile_scope!("scale proxy again");
        let picture = &scaled.picture;
        let layout = Layout::Scaled(picture.format());
        let size = Size::new(picture.width(), picture.height());
        let size = size.ok_or(ScaleError(layout, scaled.color.matrix))?;
        let source = self.source(size, layout, &scaled.color, scaled.fields);
        let mut planes = Planes::default();
        for (place, plane) in planes.0.iter_mut().enumerate() {
            if place < picture.planes() {
                *plane = (picture.data(place), picture.stride(place));
            }
        }
        self.scale_planes(source, &planes, into)
    }

    fn source(&self, size: Size, layout: Layout, color: &ColorInfo, fields: FieldOrder) -> Source {
        Source {
            size,
            layout,
            range: color.range,
            matrix: color.matrix,
            siting: color.siting,
            is_split: self.target.fields && fields != FieldOrder::Progressive,
        }
    }

    fn scale_planes(
        &mut self,
        source: Source,
        planes: &Planes<'_>,
        into: &mut ffmpeg::frame::Video,
    ) -> Result<(), ScaleError> {
        let is_done = source
            .boxes(&self.target)
            .is_some_and(|boxes| self.scale_by_boxes(boxes, planes, into));
        if is_done {
            return Ok(());
        }
        self.scale_by_library(source, planes, into)
    }

    fn scale_by_boxes(
        &mut self,
        (factor, siting): (Factor, Siting),
        planes: &Planes<'_>,
        into: &mut ffmpeg::frame::Video,
    ) -> bool {
        (0..3).all(|place| {
            let mut plane = Plane {
                stride: into.stride(place),
                width: into.plane_width(place) as usize,
                rows: into.plane_height(place) as usize,
                bytes: into.data_mut(place),
            };
            shrink(planes, place, &mut plane, factor, siting, &mut self.sums)
        })
    }

    fn scale_by_library(
        &mut self,
        source: Source,
        planes: &Planes<'_>,
        into: &mut ffmpeg::frame::Video,
    ) -> Result<(), ScaleError> {
        let failed = || ScaleError(source.layout, source.matrix);
        // Each field needs a row of colour of its own.
        if source.is_split && source.size.height() < 4 {
            return Err(failed());
        }
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
            if !scale_field(context, source.size, planes, into, field, fields.len()) {
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
    let source_pixel = source.layout.raw()?;
    let (source_h, source_v) = chroma_places(source.siting);
    let (target_h, target_v) = chroma_places(target.color.siting);
    let is_full = |range| i64::from(range == ColorRange::Full);
    let mut flags = ffi::SWS_AREA | ffi::SWS_ACCURATE_RND;
    if !target.is_yuv() {
        // Else every second pixel gets its neighbour's colour.
        flags |= ffi::SWS_FULL_CHR_H_INT;
    }
    let options: [(&CStr, i64); 13] = [
        (c"srcw", number(source.size.width())),
        (c"srch", number(rows_of(source.size, source.is_split))),
        (c"src_format", source_pixel as i64),
        (c"dstw", number(target.size.width())),
        (c"dsth", number(rows_of(target.size, source.is_split))),
        (c"dst_format", pixel as i64),
        (c"src_range", is_full(source.range)),
        (c"dst_range", is_full(target.color.range)),
        // The mean of what a sample covers, so that nothing is left out. Bilinear scaling widens with the
        // reduction as well, and takes twice as long for a quarter.
        (c"sws_flags", i64::from(flags)),
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
        // What is RGB has no matrix; the other side's will do, and any where both are.
        let from = source.layout.is_yuv().then_some(source.matrix);
        let to = target.is_yuv().then_some(target.color.matrix);
        let any = from.or(to).unwrap_or(MatrixCoefficients::Bt709);
        let source_numbers = ffi::sws_getCoefficients(coefficients(from.unwrap_or(any))?);
        let target_numbers = ffi::sws_getCoefficients(coefficients(to.unwrap_or(any))?);
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

/// The planes of a picture, each with the distance from one row to the next; empty where there is none.
#[derive(Default)]
pub(super) struct Planes<'a>([(&'a [u8], usize); 4]);

impl Planes<'_> {
    /// Plane number `place`, if there is one.
    pub(super) fn get(&self, place: usize) -> Option<(&[u8], usize)> {
        let plane = self.0.get(place).copied();
        plane.filter(|(bytes, _)| !bytes.is_empty())
    }
}

/// Scales every `fields`-th row from `field` on.
#[expect(unsafe_code, reason = "passes planes to libswscale")]
fn scale_field(
    context: &mut Context,
    size: Size,
    from: &Planes<'_>,
    into: &mut ffmpeg::frame::Video,
    field: usize,
    fields: usize,
) -> bool {
    let mut planes = [std::ptr::null::<u8>(); 4];
    let mut strides: [c_int; 4] = [0; 4];
    for plane in 0..4 {
        if let Some((bytes, stride)) = from.get(plane) {
            planes[plane] = bytes.as_ptr().wrapping_add(field * stride);
            strides[plane] = c_int::try_from(stride * fields).unwrap_or(0);
        }
    }
    let is_split = fields > 1;
    let height = c_int::try_from(rows_of(size, is_split)).unwrap_or(0);
    let target_size = Size::new(into.width(), into.height());
    let expected = target_size.map_or(0, |size| rows_of(size, is_split));
    // SAFETY: the context was made for pictures of this size and format, and for the target's; every row
    // that it reads or writes lies in the planes, for `rows_of` counts no more than there are, and pictures of
    // two fields have rows for both.
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

    /// A picture of noise over slopes.
    fn noise(size: Size, siting: ChromaSiting) -> VideoFrame {
        let mut state = 1_u32;
        let mut plane = |width: u32, rows: u32| -> (Vec<u8>, usize) {
            let codes = (0..width * rows).map(|place| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let slope = (place % width + place / width) % 160;
                u8::try_from(slope + (state >> 26)).unwrap()
            });
            (codes.collect(), width as usize)
        };
        let (width, height) = (size.width(), size.height());
        let planes = [
            plane(width, height),
            plane(width / 2, height / 2),
            plane(width / 2, height / 2),
        ];
        let color = ColorInfo {
            siting,
            ..ColorInfo::BT709_LIMITED
        };
        VideoFrame::from_planes(PixelFormat::YUV420P8, size, color, &planes)
    }

    #[test]
    fn boxes_make_what_libswscale_makes() {
        for siting in [ChromaSiting::Left, ChromaSiting::Center] {
            for factor in [2, 4] {
                let source = Size::new(160 * factor, 90 * factor).unwrap();
                let frame = noise(source, siting);
                let target = Target {
                    size: Size::new(160, 90).unwrap(),
                    pixel: Pixel::YUV420P,
                    color: frame.color,
                    fields: false,
                };
                let mut scaler = Scaler::new(target);
                let layout = Layout::Decoded(frame.format);
                let source = scaler.source(frame.size, layout, &frame.color, frame.fields);
                assert!(source.boxes(&target).is_some());
                let mut planes = Planes::default();
                for (place, plane) in planes.0.iter_mut().enumerate().take(3) {
                    let rows = frame.plane(place);
                    *plane = (rows.bytes, rows.stride);
                }
                let (mut ours, mut theirs) = (scaler.blank(), scaler.blank());
                scaler.scale(&frame, &mut ours).unwrap();
                let by_library = scaler.scale_by_library(source, &planes, &mut theirs);
                by_library.unwrap();
                for plane in 0..3 {
                    let (width, rows) = (ours.plane_width(plane), ours.plane_height(plane));
                    for row in 0..rows as usize {
                        let of = |frame: &ffmpeg::frame::Video| {
                            let begin = row * frame.stride(plane);
                            frame.data(plane)[begin..begin + width as usize].to_vec()
                        };
                        // Where a sample on the edge reaches beyond it, libswscale weighs otherwise.
                        let edge = usize::from(plane > 0 && siting == ChromaSiting::Left);
                        let codes = of(&ours).into_iter().zip(of(&theirs)).enumerate();
                        for (column, (a, b)) in codes.skip(edge) {
                            assert!(
                                a.abs_diff(b) <= 1,
                                "{siting:?} {factor}, plane {plane}, {column} {row}: {a} {b}"
                            );
                        }
                    }
                }
            }
        }
    }
}
