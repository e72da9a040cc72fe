//! FFmpeg's colour tags and side data as `media` types, with the usual guesses where they are missing.
//!
//! The guesses are those of mpv and libplacebo: by size where the matrix is unknown, by the matrix
//! where the primaries are, and so on. All numbers are those of ITU-T H.273.

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi::{
    self, AVChromaLocation as Loc, AVCodecID, AVColorPrimaries as Pri, AVColorRange as Rng,
    AVColorSpace as Spc, AVColorTransferCharacteristic as Trc, AVPixelFormat,
};

use super::canonical::Descriptor;
use crate::media::{
    ChromaSiting, ColorInfo, ColorRange, FieldOrder, HdrMetadata, MatrixCoefficients, Orientation,
    Primaries, Size, Subsampling, TransferFunction,
};

/// Colour tags as plain numbers: decoders pass on numbers that FFmpeg's enums do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorTags {
    /// Matrix coefficients; 2 when unknown.
    pub matrix: u32,
    /// 1 is limited, 2 full, 0 unknown.
    pub range: u32,
    /// 2 when unknown.
    pub primaries: u32,
    /// 2 when unknown.
    pub transfer: u32,
    /// FFmpeg's `AVChromaLocation`; 0 when unknown.
    pub siting: u32,
}

impl ColorTags {
    /// No tag at all.
    pub const UNKNOWN: Self = Self {
        matrix: Spc::AVCOL_SPC_UNSPECIFIED as u32,
        range: Rng::AVCOL_RANGE_UNSPECIFIED as u32,
        primaries: Pri::AVCOL_PRI_UNSPECIFIED as u32,
        transfer: Trc::AVCOL_TRC_UNSPECIFIED as u32,
        siting: Loc::AVCHROMA_LOC_UNSPECIFIED as u32,
    };

    /// The tags of a decoded frame.
    #[expect(unsafe_code, reason = "reads enums as the numbers they are")]
    pub fn of_frame(frame: &ffmpeg::frame::Video) -> Self {
        // SAFETY: the frame is alive; each field is read as a number of its own size.
        unsafe {
            let frame = frame.as_ptr();
            Self {
                matrix: (&raw const (*frame).colorspace).cast::<u32>().read(),
                range: (&raw const (*frame).color_range).cast::<u32>().read(),
                primaries: (&raw const (*frame).color_primaries).cast::<u32>().read(),
                transfer: (&raw const (*frame).color_trc).cast::<u32>().read(),
                siting: (&raw const (*frame).chroma_location).cast::<u32>().read(),
            }
        }
    }

    /// The tags of a stream.
    #[expect(unsafe_code, reason = "reads enums as the numbers they are")]
    pub fn of_parameters(parameters: &ffmpeg::codec::Parameters) -> Self {
        // SAFETY: the parameters are alive; each field is read as a number of its own size.
        unsafe {
            let parameters = parameters.as_ptr();
            Self {
                matrix: (&raw const (*parameters).color_space).cast::<u32>().read(),
                range: (&raw const (*parameters).color_range).cast::<u32>().read(),
                primaries: (&raw const (*parameters).color_primaries)
                    .cast::<u32>()
                    .read(),
                transfer: (&raw const (*parameters).color_trc).cast::<u32>().read(),
                siting: (&raw const (*parameters).chroma_location)
                    .cast::<u32>()
                    .read(),
            }
        }
    }

    /// These tags, and those of `other` where these are missing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let pick = |a, b, unknown| if a == unknown { b } else { a };
        let unknown = Self::UNKNOWN;
        Self {
            matrix: pick(self.matrix, other.matrix, unknown.matrix),
            range: pick(self.range, other.range, unknown.range),
            primaries: pick(self.primaries, other.primaries, unknown.primaries),
            transfer: pick(self.transfer, other.transfer, unknown.transfer),
            siting: pick(self.siting, other.siting, unknown.siting),
        }
    }
}

/// What the guesses depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColorContext {
    /// The format that the decoder makes, before repacking.
    pub format: AVPixelFormat,
    /// The codec: JPEG and WebP have rules of their own.
    pub codec: AVCodecID,
    /// Stored size.
    pub size: Size,
}

/// Colour of pictures with these tags. `guessed` is set when matrix, range, primaries or transfer
/// were not stated, or stated as something that can only be approximated.
pub fn color_info(tags: ColorTags, context: ColorContext, hdr: Option<HdrMetadata>) -> ColorInfo {
    let Some(pixels) = Descriptor::of(context.format) else {
        return ColorInfo::BT709_LIMITED;
    };
    let mut guess = Guess::default();
    let is_rgb = pixels.is_rgb()
        || pixels.is_palette()
        || pixels.is_xyz()
        || (pixels.is_gray() && pixels.has_alpha());

    let range = guess.unless(range_from_tag(tags.range), || match () {
        () if is_rgb || pixels.is_bit_stream() || pixels.is_float() => ColorRange::Full,
        () if pixels.is_full_range_by_name() || is_jpeg(context.codec) => ColorRange::Full,
        () if pixels.is_gray() && !is_broadcast(context.codec) => ColorRange::Full,
        () => ColorRange::Limited,
    });
    // The old names are a statement, and RGB is full range unless it says otherwise.
    if is_rgb || pixels.is_full_range_by_name() || pixels.is_bit_stream() {
        guess.0 = false;
    }

    if pixels.is_xyz() {
        // As repacking makes it: see `Repacker`.
        return ColorInfo {
            range,
            matrix: MatrixCoefficients::Identity,
            primaries: Primaries::Bt709,
            transfer: TransferFunction::Gamma22,
            siting: ChromaSiting::Left,
            hdr,
            guessed: false,
        };
    }

    let stated_transfer = guess.exact(transfer_from_tag(tags.transfer));
    let stated_primaries = guess.exact(primaries_from_tag(tags.primaries));
    let stated_matrix = if is_rgb {
        Some(MatrixCoefficients::Identity)
    } else {
        guess.exact(matrix_from_tag(tags.matrix, stated_primaries))
    };
    let is_wide = stated_transfer.is_some_and(TransferFunction::is_hdr)
        || stated_primaries == Some(Primaries::Bt2020);
    let matrix = guess.unless(stated_matrix, || match () {
        () if is_jpeg(context.codec) || context.codec == AVCodecID::AV_CODEC_ID_WEBP => {
            MatrixCoefficients::Bt601
        }
        () if is_wide => MatrixCoefficients::Bt2020,
        () if is_high_definition(context.size) => MatrixCoefficients::Bt709,
        () => MatrixCoefficients::Bt601,
    });
    let is_wide = is_wide || matrix == MatrixCoefficients::Bt2020;
    let is_still = is_picture_codec(context.codec);
    let primaries = guess.unless(stated_primaries, || match matrix {
        _ if is_wide => Primaries::Bt2020,
        MatrixCoefficients::Bt601 if !is_still => primaries_from_lines(context.size),
        MatrixCoefficients::Fcc | MatrixCoefficients::Smpte240m => Primaries::Bt601Ntsc,
        _ => Primaries::Bt709,
    });
    let transfer = guess.unless(stated_transfer, || match () {
        () if pixels.is_float() => TransferFunction::Linear,
        () if is_rgb || is_still => TransferFunction::Srgb,
        () if is_wide && hdr.is_some() => TransferFunction::Pq,
        () => TransferFunction::Bt1886,
    });
    let siting = siting_from_tag(tags.siting).unwrap_or_else(|| {
        let is_centred = is_jpeg(context.codec)
            || matches!(
                context.codec,
                AVCodecID::AV_CODEC_ID_WEBP | AVCodecID::AV_CODEC_ID_MPEG1VIDEO
            );
        if is_centred {
            ChromaSiting::Center
        } else if is_wide && pixels.subsampling == Subsampling::S420 {
            ChromaSiting::TopLeft
        } else {
            ChromaSiting::Left
        }
    });
    ColorInfo {
        range,
        matrix,
        primaries,
        transfer,
        siting,
        hdr,
        guessed: guess.0,
    }
}

/// Whether anything had to be guessed so far.
#[derive(Default)]
struct Guess(bool);

/// What a tag says: nothing, something that `media` can say too, or something near to that.
enum Tag<T> {
    Unknown,
    Exact(T),
    Near(T),
}

impl Guess {
    fn unless<T>(&mut self, stated: Option<T>, guess: impl FnOnce() -> T) -> T {
        stated.unwrap_or_else(|| {
            self.0 = true;
            guess()
        })
    }

    fn exact<T>(&mut self, tag: Tag<T>) -> Option<T> {
        match tag {
            Tag::Unknown => None,
            Tag::Exact(value) => Some(value),
            Tag::Near(value) => {
                self.0 = true;
                Some(value)
            }
        }
    }
}

fn range_from_tag(range: u32) -> Option<ColorRange> {
    const LIMITED: u32 = Rng::AVCOL_RANGE_MPEG as u32;
    const FULL: u32 = Rng::AVCOL_RANGE_JPEG as u32;
    match range {
        LIMITED => Some(ColorRange::Limited),
        FULL => Some(ColorRange::Full),
        _ => None,
    }
}

/// H.273 table 4. A matrix "derived from the primaries" is that of the system which has them.
fn matrix_from_tag(matrix: u32, primaries: Option<Primaries>) -> Tag<MatrixCoefficients> {
    match matrix {
        1 => Tag::Exact(MatrixCoefficients::Bt709),
        4 => Tag::Exact(MatrixCoefficients::Fcc),
        5 | 6 => Tag::Exact(MatrixCoefficients::Bt601),
        7 => Tag::Exact(MatrixCoefficients::Smpte240m),
        8 => Tag::Exact(MatrixCoefficients::YCgCo),
        9 => Tag::Exact(MatrixCoefficients::Bt2020),
        // Constant luminance, and the ICtCp of BT.2100, which need more than a matrix.
        10 | 13 | 14 => Tag::Near(MatrixCoefficients::Bt2020),
        12 => match primaries {
            Some(Primaries::Bt2020) => Tag::Exact(MatrixCoefficients::Bt2020),
            Some(Primaries::Bt709) => Tag::Exact(MatrixCoefficients::Bt709),
            Some(_) => Tag::Near(MatrixCoefficients::Bt709),
            None => Tag::Unknown,
        },
        // 0 says RGB, which these pictures are not.
        _ => Tag::Unknown,
    }
}

/// H.273 table 2.
fn primaries_from_tag(primaries: u32) -> Tag<Primaries> {
    match primaries {
        1 => Tag::Exact(Primaries::Bt709),
        5 => Tag::Exact(Primaries::Bt601Pal),
        6 | 7 => Tag::Exact(Primaries::Bt601Ntsc),
        9 => Tag::Exact(Primaries::Bt2020),
        11 => Tag::Exact(Primaries::DciP3),
        12 => Tag::Exact(Primaries::DisplayP3),
        // NTSC 1953, film, and EBU 3213.
        4 => Tag::Near(Primaries::Bt601Ntsc),
        8 => Tag::Near(Primaries::Bt709),
        22 => Tag::Near(Primaries::Bt601Pal),
        _ => Tag::Unknown,
    }
}

/// H.273 table 3.
fn transfer_from_tag(transfer: u32) -> Tag<TransferFunction> {
    match transfer {
        1 | 6 | 7 | 11 | 12 | 14 | 15 => Tag::Exact(TransferFunction::Bt1886),
        4 => Tag::Exact(TransferFunction::Gamma22),
        5 => Tag::Exact(TransferFunction::Gamma28),
        8 => Tag::Exact(TransferFunction::Linear),
        13 => Tag::Exact(TransferFunction::Srgb),
        16 => Tag::Exact(TransferFunction::Pq),
        18 => Tag::Exact(TransferFunction::Hlg),
        // Logarithms, and the 2.6 of digital cinema.
        9 | 10 => Tag::Near(TransferFunction::Bt1886),
        17 => Tag::Near(TransferFunction::Gamma28),
        _ => Tag::Unknown,
    }
}

fn siting_from_tag(siting: u32) -> Option<ChromaSiting> {
    match siting {
        1 => Some(ChromaSiting::Left),
        2 => Some(ChromaSiting::Center),
        3 => Some(ChromaSiting::TopLeft),
        4 => Some(ChromaSiting::Top),
        5 => Some(ChromaSiting::BottomLeft),
        6 => Some(ChromaSiting::Bottom),
        _ => None,
    }
}

/// mpv and libplacebo draw the line here; 720x576 lies below it and 1280x534 above.
fn is_high_definition(size: Size) -> bool {
    size.width() >= 1280 || size.height() > 576
}

/// 625-line and 525-line systems by their heights; other sizes come from computers.
fn primaries_from_lines(size: Size) -> Primaries {
    match size.height() {
        576 | 288 if !is_high_definition(size) => Primaries::Bt601Pal,
        480 | 486 | 240 if !is_high_definition(size) => Primaries::Bt601Ntsc,
        _ => Primaries::Bt709,
    }
}

fn is_jpeg(codec: AVCodecID) -> bool {
    matches!(
        codec,
        AVCodecID::AV_CODEC_ID_MJPEG
            | AVCodecID::AV_CODEC_ID_MJPEGB
            | AVCodecID::AV_CODEC_ID_LJPEG
            | AVCodecID::AV_CODEC_ID_AMV
    )
}

fn is_picture_codec(codec: AVCodecID) -> bool {
    is_jpeg(codec)
        || matches!(
            codec,
            AVCodecID::AV_CODEC_ID_WEBP
                | AVCodecID::AV_CODEC_ID_PNG
                | AVCodecID::AV_CODEC_ID_APNG
                | AVCodecID::AV_CODEC_ID_GIF
                | AVCodecID::AV_CODEC_ID_BMP
                | AVCodecID::AV_CODEC_ID_TIFF
                | AVCodecID::AV_CODEC_ID_TARGA
                | AVCodecID::AV_CODEC_ID_JPEGLS
                | AVCodecID::AV_CODEC_ID_JPEGXL
        )
}

/// Codecs whose luma alone is still video: limited range unless they say otherwise.
fn is_broadcast(codec: AVCodecID) -> bool {
    matches!(
        codec,
        AVCodecID::AV_CODEC_ID_H264
            | AVCodecID::AV_CODEC_ID_HEVC
            | AVCodecID::AV_CODEC_ID_AV1
            | AVCodecID::AV_CODEC_ID_VP8
            | AVCodecID::AV_CODEC_ID_VP9
            | AVCodecID::AV_CODEC_ID_MPEG1VIDEO
            | AVCodecID::AV_CODEC_ID_MPEG2VIDEO
            | AVCodecID::AV_CODEC_ID_MPEG4
            | AVCodecID::AV_CODEC_ID_PRORES
            | AVCodecID::AV_CODEC_ID_DNXHD
            | AVCodecID::AV_CODEC_ID_DIRAC
    )
}

/// Light levels from the bytes of FFmpeg's side data; `None` when neither says anything.
///
/// `mastering` is an `AVMasteringDisplayMetadata`: eleven fractions of which the last is the peak, then
/// two flags, the second for the luminances. `light` is an `AVContentLightMetadata`, which begins with
/// `MaxCLL`. Both layouts are part of FFmpeg's public interface and have not changed since 2016.
pub fn hdr_from_side_data(mastering: Option<&[u8]>, light: Option<&[u8]>) -> Option<HdrMetadata> {
    let number = |bytes: &[u8], index: usize| -> Option<i32> {
        let bytes = bytes.get(index * 4..index * 4 + 4)?;
        Some(i32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let peak = mastering.and_then(|bytes| {
        let (num, den, stated) = (number(bytes, 18)?, number(bytes, 19)?, number(bytes, 21)?);
        let nits = f64::from(num) / f64::from(den);
        (stated != 0 && den != 0).then_some(nits)
    });
    let light = light.and_then(|bytes| Some(f64::from(number(bytes, 0)?)));
    #[expect(clippy::cast_possible_truncation, reason = "brightness needs no more")]
    let sane = |nits: &f64| (*nits >= 1.0 && *nits <= 10_000.0).then_some(*nits as f32);
    let found = HdrMetadata {
        mastering_peak_nits: peak.as_ref().and_then(sane),
        max_content_light_nits: light.as_ref().and_then(sane),
    };
    let is_empty = found.mastering_peak_nits.is_none() && found.max_content_light_nits.is_none();
    (!is_empty).then_some(found)
}

/// Light levels that a decoded frame carries.
pub fn hdr_of_frame(frame: &ffmpeg::frame::Video) -> Option<HdrMetadata> {
    use ffi::AVFrameSideDataType as Kind;
    hdr_from_side_data(
        frame_side_data(frame, Kind::AV_FRAME_DATA_MASTERING_DISPLAY_METADATA),
        frame_side_data(frame, Kind::AV_FRAME_DATA_CONTENT_LIGHT_LEVEL),
    )
}

/// The orientation that a decoded frame carries: EXIF and H.264 messages come this way.
pub fn orientation_of_frame(frame: &ffmpeg::frame::Video) -> Option<Orientation> {
    let data = frame_side_data(frame, ffi::AVFrameSideDataType::AV_FRAME_DATA_DISPLAYMATRIX)?;
    Some(orientation_from_matrix(matrix_from_bytes(data)?))
}

#[expect(unsafe_code, reason = "side data are raw pointers")]
fn frame_side_data(frame: &ffmpeg::frame::Video, kind: ffi::AVFrameSideDataType) -> Option<&[u8]> {
    // SAFETY: the side data belong to the frame, which is borrowed as long as the slice.
    unsafe {
        let data = ffi::av_frame_get_side_data(frame.as_ptr(), kind).as_ref()?;
        (!data.data.is_null()).then(|| std::slice::from_raw_parts(data.data, data.size))
    }
}

/// The nine numbers of FFmpeg's display matrix.
pub(super) fn matrix_from_bytes(bytes: &[u8]) -> Option<[i32; 9]> {
    let (numbers, _) = bytes.as_chunks::<4>();
    let numbers: &[[u8; 4]; 9] = numbers.first_chunk()?;
    Some(numbers.map(i32::from_ne_bytes))
}

/// The orientation nearest to a display matrix.
///
/// The matrix is row by row `a b u / c d v / x y w`; it shows the stored point (p, q), q downwards, at
/// (a p + c q + x, b p + d q + y) (`QuickTime` File Format, "Matrices"). Only a, b, c and d turn it.
/// FFmpeg's own `av_display_rotation_get` gives an angle and so loses the mirroring.
pub fn orientation_from_matrix(matrix: [i32; 9]) -> Orientation {
    let [a, b, _, c, d, ..] = matrix.map(i64::from);
    let agreement = |orientation: Orientation| {
        let [ta, tb, tc, td] = turned_axes(orientation);
        a * ta + b * tb + c * tc + d * td
    };
    // The first of equals wins, so that an empty matrix is upright.
    let mut best = Orientation::UPRIGHT;
    for mirrored in [false, true] {
        for turns in 0..4 {
            let candidate = Orientation::new(mirrored, turns);
            if agreement(candidate) > agreement(best) {
                best = candidate;
            }
        }
    }
    best
}

/// a, b, c and d of an orientation's display matrix, as -1, 0 or 1.
fn turned_axes(orientation: Orientation) -> [i64; 4] {
    // Where the stored axes point: right and down, mirrored first.
    let mut right = (if orientation.is_mirrored() { -1 } else { 1 }, 0);
    let mut down = (0, 1);
    for _ in 0..orientation.quarter_turns() {
        // Clockwise, with y downwards: right becomes down, down becomes left.
        right = (-right.1, right.0);
        down = (-down.1, down.0);
    }
    [right.0, right.1, down.0, down.1]
}

/// Field order as a stream declares it.
pub fn fields_from_order(order: ffi::AVFieldOrder) -> FieldOrder {
    use ffi::AVFieldOrder as Order;
    match order {
        // "Top coded first, bottom displayed first" and the reverse: what is displayed counts.
        Order::AV_FIELD_TT | Order::AV_FIELD_BT => FieldOrder::TopFirst,
        Order::AV_FIELD_BB | Order::AV_FIELD_TB => FieldOrder::BottomFirst,
        _ => FieldOrder::Progressive,
    }
}

/// Field order of a decoded frame.
pub fn fields_of_frame(frame: &ffmpeg::frame::Video) -> FieldOrder {
    match (frame.is_interlaced(), frame.is_top_first()) {
        (false, _) => FieldOrder::Progressive,
        (true, true) => FieldOrder::TopFirst,
        (true, false) => FieldOrder::BottomFirst,
    }
}

#[cfg(test)]
mod tests;
