//! Converted pictures against the 64-bit reference, on the GPU and on the CPU.

use crate::convert::ConvertJob;
use crate::gpu::test_support::{
    Difference, difference, expected, frame_of, gray, noise_frame, rgb, semi_planar, shared, size,
    with_alpha, yuv,
};
use crate::gpu::{ConvertChoice, GpuContext, OffscreenTarget, RgbaPicture, Viewer};
use crate::media::{
    ChromaSiting, ColorInfo, ColorRange, HdrMetadata, MatrixCoefficients, Orientation, PixelFormat,
    Primaries, Size, Subsampling, TransferFunction, VideoFrame,
};

const S411: Subsampling = Subsampling::S411;
const S440: Subsampling = Subsampling {
    log2_x: 0,
    log2_y: 1,
};
const S410: Subsampling = Subsampling {
    log2_x: 2,
    log2_y: 2,
};

fn viewer(ctx: &GpuContext, choice: ConvertChoice) -> Viewer {
    Viewer::new(ctx, choice, OffscreenTarget::FORMAT).unwrap()
}

fn shown(
    ctx: &GpuContext,
    viewer: &mut Viewer,
    frame: &VideoFrame,
    job: &ConvertJob,
) -> RgbaPicture {
    viewer
        .show(ctx, frame, job.orientation, job.out, 0)
        .unwrap();
    viewer.read_back(ctx).unwrap()
}

/// Leaves actual, expected and difference on disk and fails.
fn fail(name: &str, actual: &RgbaPicture, expected: &[[f64; 4]], found: Difference) -> ! {
    let folder = std::env::temp_dir().join("jogwheel-golden");
    std::fs::create_dir_all(&folder).unwrap();
    let codes: Vec<u8> = expected.iter().flatten().map(|&c| byte(c)).collect();
    let apart: Vec<u8> = actual
        .rgba
        .iter()
        .zip(&codes)
        .map(|(a, e)| a.abs_diff(*e).saturating_mul(32))
        .collect();
    for (part, rgba) in [
        ("actual", &actual.rgba),
        ("expected", &codes),
        ("difference", &apart),
    ] {
        let file = std::fs::File::create(folder.join(format!("{name}-{part}.png"))).unwrap();
        let mut encoder = png::Encoder::new(file, actual.size.width(), actual.size.height());
        encoder.set_color(png::ColorType::Rgba);
        encoder
            .write_header()
            .unwrap()
            .write_image_data(rgba)
            .unwrap();
    }
    panic!("{name}: {found:?}; pictures are in {}", folder.display());
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a code of 0 to 255"
)]
fn byte(code: f64) -> u8 {
    code.round() as u8
}

/// Both converters' unscaled results differ from the reference by at most `limit` codes.
fn assert_exact(name: &str, frame: &VideoFrame, orientation: Orientation, limit: f64) {
    let ctx = shared();
    let job = ConvertJob {
        out: orientation.apply(frame.size),
        orientation,
    };
    let expected = expected(frame, &job);
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let actual = shown(&ctx, &mut viewer(&ctx, choice), frame, &job);
        let found = difference(&actual, &expected);
        if found.greatest > limit {
            fail(&format!("{name}-{choice:?}"), &actual, &expected, found);
        }
    }
}

fn assert_scaled(name: &str, frame: &VideoFrame, job: &ConvertJob) {
    let ctx = shared();
    let expected = expected(frame, job);
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let actual = shown(&ctx, &mut viewer(&ctx, choice), frame, job);
        let found = difference(&actual, &expected);
        if found.psnr_db < 45.0 {
            fail(&format!("{name}-{choice:?}"), &actual, &expected, found);
        }
    }
}

fn formats() -> Vec<PixelFormat> {
    let subsamplings = [
        Subsampling::S420,
        Subsampling::S422,
        Subsampling::S444,
        S411,
        S440,
        S410,
    ];
    let mut formats: Vec<_> = subsamplings.into_iter().map(|s| yuv(s, 8)).collect();
    for bits in 9..=16 {
        formats.extend([
            yuv(Subsampling::S420, bits),
            rgb(bits, false),
            gray(bits, false),
        ]);
    }
    for bits in [8, 10, 12, 16] {
        formats.extend([
            semi_planar(Subsampling::S420, bits),
            semi_planar(Subsampling::S422, bits),
            semi_planar(Subsampling::S444, bits),
            with_alpha(semi_planar(Subsampling::S420, bits)),
            yuv(Subsampling::S422, bits),
            yuv(Subsampling::S444, bits),
            with_alpha(yuv(Subsampling::S420, bits)),
            with_alpha(yuv(Subsampling::S444, bits)),
            rgb(bits, true),
            gray(bits, true),
        ]);
    }
    formats.extend([rgb(8, false), gray(8, false)]);
    formats
}

fn orientations() -> impl Iterator<Item = Orientation> {
    [false, true]
        .into_iter()
        .flat_map(|mirrored| (0..4).map(move |t| Orientation::new(mirrored, t)))
}

fn tagged(matrix: MatrixCoefficients, range: ColorRange, siting: ChromaSiting) -> ColorInfo {
    ColorInfo {
        range,
        matrix,
        siting,
        ..ColorInfo::BT709_LIMITED
    }
}

#[test]
fn every_format_is_exact_unscaled() {
    for (index, format) in formats().into_iter().enumerate() {
        // Odd sizes, so that rounding up of colour planes and the padding of rows count.
        let frame = noise_frame(format, size(35, 19), ColorInfo::BT709_LIMITED, index as u64);
        assert_exact(
            &format!("format-{index}-{format}"),
            &frame,
            Orientation::UPRIGHT,
            1.0,
        );
    }
}

#[test]
fn every_matrix_range_and_siting_is_exact_unscaled() {
    use ChromaSiting::{Bottom, BottomLeft, Center, Left, Top, TopLeft};
    use MatrixCoefficients::{Bt601, Bt709, Bt2020, Fcc, Identity, Smpte240m, YCgCo};
    let sitings = [Left, Center, TopLeft, Top, BottomLeft, Bottom, Left];
    for (matrix, siting) in [Identity, Bt601, Bt709, Bt2020, Fcc, Smpte240m, YCgCo]
        .into_iter()
        .zip(sitings)
    {
        for range in [ColorRange::Limited, ColorRange::Full] {
            for bits in [8, 10] {
                let format = yuv(Subsampling::S420, bits);
                let frame = noise_frame(format, size(24, 14), tagged(matrix, range, siting), 7);
                let name = format!("{matrix:?}-{range:?}-{siting:?}-{bits}");
                assert_exact(&name, &frame, Orientation::UPRIGHT, 1.0);
            }
        }
    }
}

#[test]
fn every_orientation_is_exact_unscaled() {
    for format in [
        yuv(Subsampling::S420, 8),
        semi_planar(Subsampling::S420, 10),
        rgb(8, true),
    ] {
        let frame = noise_frame(format, size(21, 12), ColorInfo::BT709_LIMITED, 3);
        for orientation in orientations() {
            assert_exact(
                &format!("{format}-{orientation:?}"),
                &frame,
                orientation,
                1.0,
            );
        }
    }
}

#[test]
fn scaled_pictures_follow_the_kernel() {
    let scales = [(64, 36), (21, 12), (13, 31), (160, 90), (5, 3), (1, 1)];
    let formats = [
        yuv(Subsampling::S420, 8),
        yuv(Subsampling::S422, 10),
        semi_planar(Subsampling::S420, 8),
        with_alpha(yuv(Subsampling::S444, 8)),
        yuv(S411, 8),
        rgb(16, false),
        gray(8, false),
    ];
    for format in formats {
        let frame = noise_frame(format, size(64, 36), ColorInfo::BT709_LIMITED, 11);
        for (width, height) in scales {
            let job = ConvertJob {
                out: size(width, height),
                orientation: Orientation::UPRIGHT,
            };
            assert_scaled(&format!("{format}-{width}x{height}"), &frame, &job);
        }
    }
}

#[test]
fn scaled_pictures_are_turned_and_sited_alike() {
    for orientation in orientations() {
        for siting in [
            ChromaSiting::Left,
            ChromaSiting::TopLeft,
            ChromaSiting::Bottom,
        ] {
            let color = ColorInfo {
                siting,
                ..ColorInfo::BT709_LIMITED
            };
            let frame = noise_frame(yuv(Subsampling::S420, 8), size(50, 30), color, 5);
            let job = ConvertJob {
                out: orientation.apply(size(29, 17)),
                orientation,
            };
            assert_scaled(&format!("{orientation:?}-{siting:?}"), &frame, &job);
        }
    }
}

#[test]
fn a_single_pixel_of_any_subsampling_is_shown() {
    for format in [
        yuv(Subsampling::S420, 8),
        yuv(S410, 10),
        semi_planar(Subsampling::S420, 16),
    ] {
        let frame = noise_frame(format, size(1, 1), ColorInfo::BT709_LIMITED, 1);
        assert_exact(
            &format!("pixel-{format}"),
            &frame,
            Orientation::UPRIGHT,
            1.0,
        );
    }
}

/// Ramps through all of the colour cube: gentle, so that curves are tested and not the kernel.
fn ramp_frame(format: PixelFormat, size: Size, color: ColorInfo) -> VideoFrame {
    let max = format.depth.max_code() as usize;
    frame_of(format, size, color, 0, |plane, x, y| {
        let (width, height) = format.plane_size(plane, size);
        let across = x * max / (width - 1).max(1);
        let down = y * max / (height - 1).max(1);
        let code = match plane {
            0 => across,
            1 => down,
            _ => usize::midpoint(across, down),
        };
        u32::try_from(code).expect("a code")
    })
}

#[test]
fn hdr_curves_are_within_two_codes() {
    let levels = [
        None,
        Some(HdrMetadata {
            mastering_peak_nits: Some(4000.0),
            max_content_light_nits: None,
        }),
        Some(HdrMetadata {
            mastering_peak_nits: None,
            max_content_light_nits: Some(203.0),
        }),
    ];
    for transfer in [TransferFunction::Pq, TransferFunction::Hlg] {
        for hdr in levels {
            let color = ColorInfo {
                transfer,
                hdr,
                primaries: Primaries::Bt2020,
                matrix: MatrixCoefficients::Bt2020,
                ..ColorInfo::BT709_LIMITED
            };
            for format in [rgb(10, false), yuv(Subsampling::S444, 10)] {
                let frame = ramp_frame(format, size(128, 64), color);
                let name = format!("{transfer:?}-{format}-{}", hdr.is_some());
                assert_exact(&name, &frame, Orientation::UPRIGHT, 2.0);
            }
        }
    }
}

#[test]
fn wide_gamut_and_odd_curves_are_within_two_codes() {
    use TransferFunction::{Bt1886, Gamma22, Gamma28, Linear, Srgb};
    for (primaries, transfer) in [
        (Primaries::Bt2020, Bt1886),
        (Primaries::DisplayP3, Srgb),
        (Primaries::DciP3, Gamma22),
        (Primaries::Bt709, Linear),
        (Primaries::Bt601Pal, Gamma28),
    ] {
        let color = ColorInfo {
            primaries,
            transfer,
            ..ColorInfo::BT709_LIMITED
        };
        let frame = ramp_frame(rgb(8, false), size(128, 64), color);
        assert_exact(
            &format!("{primaries:?}-{transfer:?}"),
            &frame,
            Orientation::UPRIGHT,
            2.0,
        );
    }
}

#[test]
fn nothing_was_reported_beside_the_requests() {
    let ctx = shared();
    let frame = noise_frame(PixelFormat::NV12, size(16, 16), ColorInfo::BT709_LIMITED, 2);
    let before = ctx.uncaptured_errors();
    let job = ConvertJob {
        out: size(16, 16),
        orientation: Orientation::UPRIGHT,
    };
    shown(&ctx, &mut viewer(&ctx, ConvertChoice::Gpu), &frame, &job);
    assert_eq!(ctx.uncaptured_errors(), before);
}
