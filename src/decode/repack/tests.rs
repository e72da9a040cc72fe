use AVPixelFormat::*;
use ffmpeg::frame::Video;

use super::super::canonical::all_formats;
use super::*;

const WIDTH: u32 = 37;
const HEIGHT: u32 = 5;

fn size() -> Size {
    Size::new(WIDTH, HEIGHT).unwrap()
}

/// Noise from a fixed seed (a linear congruential generator's high byte).
fn noise(seed: u32) -> impl FnMut() -> u8 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }
}

/// A frame whose buffers, palette and padding included, hold what `next` gives.
fn frame(format: AVPixelFormat, size: Size, mut next: impl FnMut() -> u8) -> Video {
    let mut frame = Video::new(Pixel::from(format), size.width(), size.height());
    #[expect(unsafe_code, reason = "buffers are raw pointers")]
    // SAFETY: a buffer has `size` bytes, and a new frame is the only one to refer to it.
    unsafe {
        for buffer in (*frame.as_mut_ptr()).buf {
            if !buffer.is_null() {
                for index in 0..(*buffer).size {
                    *(*buffer).data.add(index) = next();
                }
            }
        }
    }
    frame
}

/// A packed frame whose first row begins with `bytes`.
fn packed(format: AVPixelFormat, width: u32, bytes: &[u8]) -> Video {
    let mut bytes = bytes.iter().copied();
    frame(format, Size::new(width, 1).unwrap(), || {
        bytes.next().unwrap_or(0)
    })
}

fn repack(frame: &Video, format: AVPixelFormat) -> (Video, Repacker) {
    let size = Size::new(frame.width(), frame.height()).unwrap();
    let mut repacker = Repacker::new(format, size).unwrap();
    let mut target = Video::empty();
    repacker.repack(frame, &mut target).unwrap();
    (target, repacker)
}

/// The picture bytes of a row of a canonical frame.
fn row(frame: &Video, format: PixelFormat, plane: usize, y: usize) -> Vec<u8> {
    let size = Size::new(frame.width(), frame.height()).unwrap();
    let start = y * frame.stride(plane);
    #[expect(unsafe_code, reason = "the wrapper's own accessor errs on odd heights")]
    // SAFETY: the frame has the row.
    unsafe {
        let data = (*frame.as_ptr()).data[plane].add(start);
        std::slice::from_raw_parts(data, format.row_bytes(plane, size)).to_vec()
    }
}

fn codes(bytes: &[u8], format: PixelFormat) -> Vec<u32> {
    if format.depth.bytes() == 1 {
        bytes.iter().map(|&byte| u32::from(byte)).collect()
    } else {
        bytes
            .chunks(2)
            .map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]])))
            .collect()
    }
}

/// What libavutil's own reader finds for component `index` in row `y`.
fn codes_by_ffmpeg(
    frame: &Video,
    format: AVPixelFormat,
    index: i32,
    y: i32,
    count: usize,
) -> Vec<u32> {
    let mut values = vec![0_u32; count];
    #[expect(unsafe_code, reason = "the reference is a C function")]
    // SAFETY: the frame has the row, and there is room for `count` values of 4 bytes.
    unsafe {
        let descriptor = ffi::av_pix_fmt_desc_get(format);
        let frame = frame.as_ptr();
        let palette = (*descriptor).flags & u64::from(ffi::AV_PIX_FMT_FLAG_PAL.unsigned_abs()) != 0;
        let component = if palette { 0 } else { index };
        let data = (*frame).data;
        ffi::av_read_image_line2(
            values.as_mut_ptr().cast(),
            data.as_ptr().cast_mut().cast(),
            (*frame).linesize.as_ptr(),
            descriptor,
            0,
            y,
            component,
            i32::try_from(count).unwrap(),
            0,
            4,
        );
        if palette {
            // Red, green, blue and alpha stand in this order in a little-endian word.
            let byte = [2, 1, 0, 3][usize::try_from(index).unwrap()];
            for value in &mut values {
                *value = u32::from(*data[1].add(*value as usize * 4 + byte));
            }
        }
    }
    values
}

/// What a component of `depth` bits that reads `value` must become.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "codes are small"
)]
fn expected_code(value: u32, depth: u32, inverted: bool) -> u32 {
    let greatest = f64::from(u32::MAX >> (32 - depth));
    let code = match depth {
        32 => f64::from(f32::from_bits(value)).clamp(0.0, 1.0) * 65_535.0,
        ..8 if inverted => (greatest - f64::from(value)) * 255.0 / greatest,
        ..8 => f64::from(value) * 255.0 / greatest,
        _ => f64::from(value),
    };
    // A float may be no number at all, which is shown black.
    if code.is_nan() {
        0
    } else {
        code.round() as u32
    }
}

/// Every sample of every format, against libavutil's reader of single components.
#[test]
fn all_formats_agree_with_the_reference_reader() {
    let mut checked = 0;
    for format in all_formats() {
        let descriptor = Descriptor::of(format).unwrap();
        let is_moved = describe(format).is_some_and(|canonical| canonical.via.is_some());
        if !is_moved || descriptor.is_bayer() || descriptor.is_xyz() {
            continue;
        }
        let source = frame(format, size(), noise(checked));
        let (target, repacker) = repack(&source, format);
        let canonical = repacker.format();
        let count = if descriptor.is_palette() {
            4
        } else {
            descriptor.components.len()
        };
        let is_rgb = descriptor.is_rgb() || descriptor.is_palette();
        for index in 0..count {
            let plane = match index {
                _ if descriptor.has_alpha() && index + 1 == count => canonical.plane_count() - 1,
                _ if is_rgb => [2, 0, 1][index],
                _ => index,
            };
            let depth = descriptor
                .components
                .get(index)
                .map_or(8, |component| component.depth);
            let (columns, rows) = canonical.plane_size(plane, size());
            for y in 0..rows {
                let (c, line) = (i32::try_from(index).unwrap(), i32::try_from(y).unwrap());
                let expected: Vec<u32> = codes_by_ffmpeg(&source, format, c, line, columns)
                    .into_iter()
                    .map(|value| expected_code(value, depth, descriptor.name == "monow"))
                    .collect();
                let found = codes(&row(&target, canonical, plane, y), canonical);
                assert_eq!(
                    found, expected,
                    "{}, component {index}, row {y}",
                    descriptor.name
                );
            }
        }
        checked += 1;
    }
    assert!(checked > 100, "{checked} formats");
}

#[test]
fn canonical_frames_are_copied() {
    for format in [
        AV_PIX_FMT_YUV420P,
        AV_PIX_FMT_P010LE,
        AV_PIX_FMT_GBRAP12LE,
        AV_PIX_FMT_GRAY8,
    ] {
        let source = frame(format, size(), noise(3));
        let (target, repacker) = repack(&source, format);
        for plane in 0..repacker.format().plane_count() {
            for y in 0..repacker.format().plane_size(plane, size()).1 {
                let canonical = repacker.format();
                assert_eq!(
                    row(&target, canonical, plane, y),
                    row(&source, canonical, plane, y)
                );
            }
        }
    }
}

#[test]
fn a_picture_stored_bottom_up_comes_out_top_down() {
    let mut source = frame(AV_PIX_FMT_BGR24, size(), noise(9));
    let (upright, repacker) = repack(&source, AV_PIX_FMT_BGR24);
    #[expect(unsafe_code, reason = "turns the frame over as some decoders do")]
    // SAFETY: the last row becomes the first, so all rows stay in the buffer.
    unsafe {
        let frame = source.as_mut_ptr();
        let stride = (*frame).linesize[0];
        let last = usize::try_from(stride).unwrap() * (HEIGHT as usize - 1);
        (*frame).data[0] = (*frame).data[0].add(last);
        (*frame).linesize[0] = -stride;
    }
    let (flipped, _) = repack(&source, AV_PIX_FMT_BGR24);
    for y in 0..HEIGHT as usize {
        let other = HEIGHT as usize - 1 - y;
        let canonical = repacker.format();
        assert_eq!(
            row(&flipped, canonical, 1, y),
            row(&upright, canonical, 1, other)
        );
    }
}

/// By hand, so that a misreading of FFmpeg's descriptions cannot hide in both readers.
#[test]
fn common_formats_by_hand() {
    /// Format, width, packed bytes, and the codes of each plane.
    type Case<'a> = (AVPixelFormat, u32, &'a [u8], &'a [&'a [u32]]);
    let cases: [Case<'_>; 12] = [
        (
            AV_PIX_FMT_RGB24,
            2,
            &[1, 2, 3, 4, 5, 6],
            &[&[2, 5], &[3, 6], &[1, 4]],
        ),
        (
            AV_PIX_FMT_BGR24,
            2,
            &[1, 2, 3, 4, 5, 6],
            &[&[2, 5], &[1, 4], &[3, 6]],
        ),
        (AV_PIX_FMT_RGBA, 1, &[1, 2, 3, 4], &[&[2], &[3], &[1], &[4]]),
        (AV_PIX_FMT_ARGB, 1, &[1, 2, 3, 4], &[&[3], &[4], &[2], &[1]]),
        (AV_PIX_FMT_BGR0, 1, &[1, 2, 3, 4], &[&[2], &[1], &[3]]),
        (
            AV_PIX_FMT_RGB48BE,
            1,
            &[1, 2, 3, 4, 5, 6],
            &[&[0x304], &[0x506], &[0x102]],
        ),
        (
            AV_PIX_FMT_RGB48LE,
            1,
            &[1, 2, 3, 4, 5, 6],
            &[&[0x403], &[0x605], &[0x201]],
        ),
        (AV_PIX_FMT_UYVY422, 2, &[1, 2, 3, 4], &[&[2, 4], &[1], &[3]]),
        (
            AV_PIX_FMT_YUYV422,
            3,
            &[1, 2, 3, 4, 5, 6, 7, 8],
            &[&[1, 3, 5], &[2, 6], &[4, 8]],
        ),
        (AV_PIX_FMT_YA8, 1, &[9, 7], &[&[9], &[9], &[9], &[7]]),
        (
            AV_PIX_FMT_MONOBLACK,
            9,
            &[0b1010_0000, 0x80],
            &[&[255, 0, 255, 0, 0, 0, 0, 0, 255]],
        ),
        // Red in the high five bits of a little-endian word: 31, 0, 0.
        (AV_PIX_FMT_RGB565LE, 1, &[0x00, 0xf8], &[&[0], &[0], &[255]]),
    ];
    for (format, width, bytes, planes) in cases {
        let (target, repacker) = repack(&packed(format, width, bytes), format);
        let canonical = repacker.format();
        for (plane, &expected) in planes.iter().enumerate() {
            assert_eq!(
                codes(&row(&target, canonical, plane, 0), canonical),
                expected,
                "{format:?}"
            );
        }
    }
}

#[test]
fn palettes_are_looked_up() {
    let mut source = packed(AV_PIX_FMT_PAL8, 2, &[1, 0]);
    #[expect(unsafe_code, reason = "the palette is a raw pointer")]
    // SAFETY: the second plane has 256 words.
    unsafe {
        let palette = (*source.as_mut_ptr()).data[1].cast::<[u8; 4]>();
        palette.write(0x8010_2030_u32.to_ne_bytes());
        palette.add(1).write(0xff0a_0b0c_u32.to_ne_bytes());
    }
    let (target, repacker) = repack(&source, AV_PIX_FMT_PAL8);
    let planes = [[0x0b, 0x20], [0x0c, 0x30], [0x0a, 0x10], [0xff, 0x80]];
    for (plane, expected) in planes.into_iter().enumerate() {
        assert_eq!(row(&target, repacker.format(), plane, 0), expected);
    }
    assert_eq!(target.color_space(), ffmpeg::color::Space::RGB);
    assert_eq!(target.color_range(), ffmpeg::color::Range::JPEG);
}

#[test]
fn floats_are_clipped_and_rounded() {
    for (value, expected) in [
        (0.0, 0),
        (1.0, 65_535),
        (0.5, 32_768),
        (-3.0, 0),
        (7.5, 65_535),
        (f32::NAN, 0),
        (f32::INFINITY, 65_535),
        (1.0 / 65_535.0, 1),
    ] {
        assert_eq!(code_from_unit_float(value), expected, "{value}");
    }
}

#[test]
fn a_flat_sensor_pattern_becomes_flat_colour() {
    let source = frame(AV_PIX_FMT_BAYER_RGGB8, Size::new(32, 16).unwrap(), || 77);
    let (target, repacker) = repack(&source, AV_PIX_FMT_BAYER_RGGB8);
    for plane in 0..3 {
        assert!(
            row(&target, repacker.format(), plane, 8)
                .iter()
                .all(|&code| code == 77)
        );
    }
}

#[test]
fn cinema_white_is_neutral() {
    // X'Y'Z' of D65 at full luminance: X = 0.9505 and Z = 1.089 times Y, a gamma of 2.6, 12 bits in the
    // high bits. Y is 0.9 so that Z stays below 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below 4096"
    )]
    let code = |value: f64| ((value.powf(1.0 / 2.6) * 4095.0).round() as u16) << 4;
    let (luminance, mut bytes) = (0.9, Vec::new());
    for value in [0.9505 * luminance, luminance, 1.089 * luminance] {
        bytes.extend(code(value).to_le_bytes());
    }
    let mut pattern = bytes.iter().copied().cycle();
    let source = frame(AV_PIX_FMT_XYZ12LE, Size::new(32, 8).unwrap(), || {
        pattern.next().unwrap()
    });
    let (target, repacker) = repack(&source, AV_PIX_FMT_XYZ12LE);
    // Gamma 2.2 is what swscale gives RGB.
    let expected = luminance.powf(1.0 / 2.2) * 65_535.0;
    for plane in 0..3 {
        let codes = codes(
            &row(&target, repacker.format(), plane, 0),
            repacker.format(),
        );
        let error = codes
            .iter()
            .map(|&code| (f64::from(code) - expected).abs())
            .fold(0.0, f64::max);
        assert!(error < 150.0, "plane {plane} is {error} off {expected}");
    }
    assert_eq!(
        target.color_transfer_characteristic(),
        ffmpeg::color::TransferCharacteristic::GAMMA22
    );
}

#[test]
fn wrong_frames_are_refused() {
    let mut repacker = Repacker::new(AV_PIX_FMT_RGB24, size()).unwrap();
    let other = frame(AV_PIX_FMT_RGB24, Size::new(10, 10).unwrap(), || 0);
    assert_eq!(
        repacker.repack(&other, &mut Video::empty()),
        Err(RepackError::Changed)
    );
    assert_eq!(
        repacker.repack(&Video::empty(), &mut Video::empty()),
        Err(RepackError::Changed)
    );
    let source = frame(AV_PIX_FMT_RGB24, size(), || 0);
    let mut wrong = Video::new(Pixel::GRAY8, WIDTH, HEIGHT);
    assert_eq!(
        repacker.repack(&source, &mut wrong),
        Err(RepackError::WrongTarget)
    );
    assert!(Repacker::new(AV_PIX_FMT_VAAPI, size()).is_none());
}

#[test]
fn a_target_with_buffers_keeps_them() {
    let source = frame(AV_PIX_FMT_RGB24, size(), noise(1));
    let mut target = Video::new(Pixel::GBRP, WIDTH, HEIGHT);
    let before = target.data(0).as_ptr();
    let mut repacker = Repacker::new(AV_PIX_FMT_RGB24, size()).unwrap();
    repacker.repack(&source, &mut target).unwrap();
    assert_eq!(target.data(0).as_ptr(), before);
}
