use AVPixelFormat::*;

use super::*;

fn context(format: AVPixelFormat, codec: AVCodecID, width: u32, height: u32) -> ColorContext {
    ColorContext {
        format,
        codec,
        size: Size::new(width, height).unwrap(),
    }
}

fn untagged(width: u32, height: u32) -> ColorInfo {
    let context = context(
        AV_PIX_FMT_YUV420P,
        AVCodecID::AV_CODEC_ID_H264,
        width,
        height,
    );
    color_info(ColorTags::UNKNOWN, context, None)
}

fn tagged(tags: ColorTags) -> ColorInfo {
    let context = context(
        AV_PIX_FMT_YUV420P10LE,
        AVCodecID::AV_CODEC_ID_HEVC,
        1920,
        1080,
    );
    color_info(tags, context, None)
}

#[test]
fn untagged_video_goes_by_size() {
    let hd = untagged(1920, 1080);
    assert_eq!(
        hd,
        ColorInfo {
            guessed: true,
            ..ColorInfo::BT709_LIMITED
        }
    );
    for (width, height, matrix, primaries) in [
        (1280, 534, MatrixCoefficients::Bt709, Primaries::Bt709),
        (720, 578, MatrixCoefficients::Bt709, Primaries::Bt709),
        (720, 576, MatrixCoefficients::Bt601, Primaries::Bt601Pal),
        (720, 480, MatrixCoefficients::Bt601, Primaries::Bt601Ntsc),
        (720, 486, MatrixCoefficients::Bt601, Primaries::Bt601Ntsc),
        (640, 360, MatrixCoefficients::Bt601, Primaries::Bt709),
    ] {
        let found = untagged(width, height);
        assert_eq!(
            (found.matrix, found.primaries),
            (matrix, primaries),
            "{width}x{height}"
        );
        assert_eq!(found.transfer, TransferFunction::Bt1886);
    }
}

#[test]
fn full_tags_leave_nothing_to_guess() {
    let tags = ColorTags {
        matrix: 6,
        range: 2,
        primaries: 5,
        transfer: 13,
        siting: 2,
    };
    let found = tagged(tags);
    assert_eq!(
        found,
        ColorInfo {
            range: ColorRange::Full,
            matrix: MatrixCoefficients::Bt601,
            primaries: Primaries::Bt601Pal,
            transfer: TransferFunction::Srgb,
            siting: ChromaSiting::Center,
            hdr: None,
            guessed: false,
        }
    );
}

#[test]
fn hdr_without_a_matrix_is_bt2020() {
    for transfer in [16, 18] {
        let found = tagged(ColorTags {
            transfer,
            range: 1,
            ..ColorTags::UNKNOWN
        });
        assert_eq!(found.matrix, MatrixCoefficients::Bt2020);
        assert_eq!(found.primaries, Primaries::Bt2020);
        assert_eq!(found.siting, ChromaSiting::TopLeft);
        assert!(found.guessed && found.transfer.is_hdr());
    }
    // A phone's clip whose matrix alone is tagged.
    let found = tagged(ColorTags {
        matrix: 9,
        range: 1,
        ..ColorTags::UNKNOWN
    });
    assert_eq!(found.primaries, Primaries::Bt2020);
    assert_eq!(found.transfer, TransferFunction::Bt1886);
    // Light levels say that it is HDR all the same.
    let hdr = HdrMetadata {
        mastering_peak_nits: Some(1000.0),
        max_content_light_nits: None,
    };
    let context = context(
        AV_PIX_FMT_YUV420P10LE,
        AVCodecID::AV_CODEC_ID_HEVC,
        3840,
        2160,
    );
    let tags = ColorTags {
        matrix: 9,
        ..ColorTags::UNKNOWN
    };
    assert_eq!(
        color_info(tags, context, Some(hdr)).transfer,
        TransferFunction::Pq
    );
}

#[test]
fn rgb_is_full_range_srgb() {
    for format in [
        AV_PIX_FMT_RGB24,
        AV_PIX_FMT_GBRP,
        AV_PIX_FMT_PAL8,
        AV_PIX_FMT_YA8,
    ] {
        let context = context(format, AVCodecID::AV_CODEC_ID_PNG, 1920, 1080);
        let found = color_info(ColorTags::UNKNOWN, context, None);
        assert_eq!(found.matrix, MatrixCoefficients::Identity);
        assert_eq!(found.range, ColorRange::Full);
        assert_eq!(found.transfer, TransferFunction::Srgb);
        assert_eq!(found.primaries, Primaries::Bt709);
    }
    // RGB in H.264 may say that it is limited.
    let context = context(AV_PIX_FMT_GBRP, AVCodecID::AV_CODEC_ID_H264, 64, 64);
    let tags = ColorTags {
        matrix: 0,
        range: 1,
        primaries: 1,
        transfer: 13,
        siting: 0,
    };
    let found = color_info(tags, context, None);
    assert_eq!(found.range, ColorRange::Limited);
    assert!(!found.guessed);
}

#[test]
fn jpeg_is_full_range_bt601_at_every_size() {
    for format in [AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P] {
        let context = context(format, AVCodecID::AV_CODEC_ID_MJPEG, 4000, 3000);
        let found = color_info(ColorTags::UNKNOWN, context, None);
        assert_eq!(found.range, ColorRange::Full);
        assert_eq!(found.matrix, MatrixCoefficients::Bt601);
        assert_eq!(found.primaries, Primaries::Bt709);
        assert_eq!(found.siting, ChromaSiting::Center);
    }
}

#[test]
fn gray_is_limited_only_in_video() {
    let range = |codec| {
        color_info(
            ColorTags::UNKNOWN,
            context(AV_PIX_FMT_GRAY8, codec, 640, 480),
            None,
        )
        .range
    };
    assert_eq!(range(AVCodecID::AV_CODEC_ID_H264), ColorRange::Limited);
    assert_eq!(range(AVCodecID::AV_CODEC_ID_PNG), ColorRange::Full);
    assert_eq!(range(AVCodecID::AV_CODEC_ID_FFV1), ColorRange::Full);
}

#[test]
fn floats_are_linear() {
    let context = context(AV_PIX_FMT_GBRPF32LE, AVCodecID::AV_CODEC_ID_EXR, 640, 480);
    let found = color_info(ColorTags::UNKNOWN, context, None);
    assert_eq!(found.transfer, TransferFunction::Linear);
    assert_eq!(found.range, ColorRange::Full);
}

#[test]
fn no_number_breaks_it() {
    for number in (0..40).chain([255, u32::MAX]) {
        let tags = ColorTags {
            matrix: number,
            range: number,
            primaries: number,
            transfer: number,
            siting: number,
        };
        let found = tagged(tags);
        // RGB is not what a YCbCr picture can be.
        assert_ne!(found.matrix, MatrixCoefficients::Identity);
    }
}

#[test]
fn missing_frame_tags_come_from_the_stream() {
    let stream = ColorTags {
        matrix: 9,
        range: 1,
        primaries: 9,
        transfer: 18,
        siting: 0,
    };
    let frame = ColorTags {
        matrix: 1,
        ..ColorTags::UNKNOWN
    };
    assert_eq!(
        frame.or(stream),
        ColorTags {
            matrix: 1,
            ..stream
        }
    );
}

#[test]
fn light_levels_are_read_from_side_data() {
    let mut mastering = vec![0_i32; 22];
    mastering[18..22].copy_from_slice(&[10_000_000, 10_000, 1, 1]);
    let bytes = |numbers: &[i32]| -> Vec<u8> {
        numbers
            .iter()
            .flat_map(|number| number.to_ne_bytes())
            .collect()
    };
    let found = hdr_from_side_data(Some(&bytes(&mastering)), Some(&bytes(&[600, 200])));
    let expected = HdrMetadata {
        mastering_peak_nits: Some(1000.0),
        max_content_light_nits: Some(600.0),
    };
    assert_eq!(found, Some(expected));
    // Without its flag, with a zero denominator, or cut short, it says nothing.
    mastering[21] = 0;
    assert_eq!(hdr_from_side_data(Some(&bytes(&mastering)), None), None);
    mastering[21] = 1;
    mastering[19] = 0;
    assert_eq!(
        hdr_from_side_data(Some(&bytes(&mastering)), Some(&[0; 8])),
        None
    );
    assert_eq!(hdr_from_side_data(Some(&[1; 40]), Some(&[1])), None);
}

/// The four middle numbers a, b, c, d with the orientation that they mean.
const MATRICES: [([i32; 4], bool, u8); 8] = [
    ([1, 0, 0, 1], false, 0),
    // A phone held upright: the stored right side is shown at the bottom.
    ([0, 1, -1, 0], false, 1),
    ([-1, 0, 0, -1], false, 2),
    ([0, -1, 1, 0], false, 3),
    // Left and right exchanged.
    ([-1, 0, 0, 1], true, 0),
    // Anti-transposed: mirrored, then a quarter turn clockwise.
    ([0, -1, -1, 0], true, 1),
    // Top and bottom exchanged.
    ([1, 0, 0, -1], true, 2),
    // Transposed.
    ([0, 1, 1, 0], true, 3),
];

fn full_matrix([a, b, c, d]: [i32; 4], scale: i32) -> [i32; 9] {
    [
        a * scale,
        b * scale,
        0,
        c * scale,
        d * scale,
        0,
        0,
        0,
        1 << 30,
    ]
}

#[test]
fn all_eight_display_matrices_are_told_apart() {
    for (axes, mirrored, turns) in MATRICES {
        let expected = Orientation::new(mirrored, turns);
        for scale in [1 << 16, 1 << 15, 3] {
            assert_eq!(
                orientation_from_matrix(full_matrix(axes, scale)),
                expected,
                "{axes:?}"
            );
        }
    }
    assert_eq!(orientation_from_matrix([0; 9]), Orientation::UPRIGHT);
}

/// The shown place of a stored point, by the matrix, must lead back through `stored_from_shown`.
#[test]
fn matrices_and_orientations_mean_the_same() {
    for (axes, mirrored, turns) in MATRICES {
        let axes = axes.map(|axis| axis as f32);
        let back = Orientation::new(mirrored, turns).stored_from_shown();
        for stored in [(0.1_f32, 0.2_f32), (0.9, 0.3)] {
            // Around the middle, where a matrix needs no translation.
            let (right, down) = (stored.0 - 0.5, stored.1 - 0.5);
            let shown = (
                axes[0] * right + axes[2] * down + 0.5,
                axes[1] * right + axes[3] * down + 0.5,
            );
            let found = (
                back[0] * shown.0 + back[1] * shown.1 + back[2],
                back[3] * shown.0 + back[4] * shown.1 + back[5],
            );
            let error = (found.0 - stored.0).abs().max((found.1 - stored.1).abs());
            assert!(error < 1e-5, "{axes:?}: {found:?}, not {stored:?}");
        }
    }
}
