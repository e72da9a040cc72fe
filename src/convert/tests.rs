//! The fast conversion against the reference, over all formats, matrices, ranges, sitings, sizes and
//! orientations.

use proptest::prelude::*;

use super::*;
use crate::media::{
    ChromaSiting, ColorInfo, ColorModel, ColorRange, HdrMetadata, MatrixCoefficients,
    PlaneArrangement, Primaries, SampleDepth, Subsampling, TransferFunction, VideoFrame,
};

/// A frame of smooth gradients with noise on top, the same for the same seed. Codes cover the whole
/// range, those that limited range reserves included.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "codes fit"
)]
pub(super) fn test_frame(
    format: PixelFormat,
    size: Size,
    color: ColorInfo,
    seed: u64,
) -> VideoFrame {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 24)
    };
    let max_code = f64::from(format.depth.max_code());
    let shift = matrix::sample_shift(format);
    let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|plane| {
            let (_, rows) = format.plane_size(plane, size);
            let row_bytes = format.row_bytes(plane, size);
            // Padding holds noise too: reading it would show.
            let stride = row_bytes + 13;
            let samples = row_bytes / format.depth.bytes();
            let mut bytes = Vec::with_capacity(stride * rows);
            for y in 0..rows {
                for x in 0..samples {
                    let phase = x as f64 / 17.0 + y as f64 / 11.0 + plane as f64;
                    let value = 0.5 + 0.4 * phase.sin() + 0.4 * (random() - 0.5);
                    let code = (value.clamp(0.0, 1.0) * max_code).round() as u16;
                    let sample = (code << shift).to_le_bytes();
                    bytes.extend_from_slice(&sample[..format.depth.bytes()]);
                }
                bytes.extend((0..13).map(|_| (random() * 255.0) as u8));
            }
            (bytes, stride)
        })
        .collect();
    VideoFrame::from_planes(format, size, color, &planes)
}

fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).unwrap()
}

fn depth(bits: u8) -> SampleDepth {
    SampleDepth::new(bits).unwrap()
}

/// Every pixel format that exists, at some depths.
fn formats() -> Vec<PixelFormat> {
    let subsampling = [
        Subsampling::S444,
        Subsampling::S422,
        Subsampling::S420,
        Subsampling::S411,
        Subsampling {
            log2_x: 0,
            log2_y: 1,
        },
        Subsampling {
            log2_x: 2,
            log2_y: 2,
        },
    ];
    let mut formats = Vec::new();
    for bits in [8, 9, 10, 12, 14, 15, 16] {
        for alpha in [false, true] {
            for subsampling in subsampling {
                for arrangement in [PlaneArrangement::Planar, PlaneArrangement::SemiPlanar] {
                    let yuv = PixelFormat::planar_yuv(subsampling, depth(bits));
                    formats.push(PixelFormat {
                        alpha,
                        arrangement,
                        ..yuv
                    });
                }
            }
            for model in [ColorModel::Rgb, ColorModel::Gray] {
                let yuv = PixelFormat::planar_yuv(Subsampling::S444, depth(bits));
                formats.push(PixelFormat {
                    model,
                    alpha,
                    ..yuv
                });
            }
        }
    }
    formats
}

fn orientations() -> impl Iterator<Item = Orientation> {
    (0..8).map(|index| Orientation::new(index >= 4, index))
}

/// Converts into rows with padding, checks that the padding is untouched, and returns the pixels.
fn fast(converter: &mut CpuConverter, frame: &VideoFrame, job: &ConvertJob) -> Vec<u8> {
    let width = job.out.width() as usize * 4;
    let stride = width + 12;
    let mut out = vec![0xa5; stride * job.out.height() as usize];
    converter.convert(frame, job, &mut out, stride).unwrap();
    assert!(
        out.chunks(stride)
            .all(|row| row[width..].iter().all(|&b| b == 0xa5))
    );
    out.chunks(stride)
        .flat_map(|row| row[..width].to_vec())
        .collect()
}

/// The greatest difference in 8-bit codes, and the signal-to-noise ratio in dB.
fn compare(fast: &[u8], reference: &[[f64; 4]]) -> (f64, f64) {
    assert_eq!(fast.len(), 4 * reference.len());
    let errors = fast
        .iter()
        .zip(reference.iter().flatten())
        .map(|(&a, b)| (f64::from(a) - 255.0 * b).abs());
    let (mut worst, mut squares) = (0.0_f64, 0.0);
    for error in errors {
        worst = worst.max(error);
        squares += error * error;
    }
    let mean = squares / fast.len() as f64;
    (worst, 10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10())
}

fn check(converter: &mut CpuConverter, frame: &VideoFrame, job: &ConvertJob) {
    let reference = reference::convert(frame, job);
    let (worst, psnr) = compare(&fast(converter, frame, job), &reference);
    let what = || {
        format!(
            "{} {:?} {} to {job:?}",
            frame.format, frame.color, frame.size
        )
    };
    // Rounding alone accounts for half a code. On average over many pixels that is 58.9 dB; over a few it may
    // be 54.2.
    assert!(worst <= 1.0, "off by {worst:.2} codes: {}", what());
    let many = frame.size.area().min(job.out.area()) >= 64;
    let least = if many { 57.0 } else { 54.0 };
    assert!(psnr >= least, "only {psnr:.1} dB: {}", what());
}

fn upright(width: u32, height: u32) -> ConvertJob {
    ConvertJob {
        out: size(width, height),
        orientation: Orientation::UPRIGHT,
    }
}

#[test]
fn every_format_unscaled_at_odd_sizes() {
    for format in formats() {
        for (width, height) in [(1, 1), (3, 5), (41, 23)] {
            let frame = test_frame(format, size(width, height), ColorInfo::BT709_LIMITED, 1);
            check(&mut CpuConverter::new(1), &frame, &upright(width, height));
            check(
                &mut CpuConverter::portable(),
                &frame,
                &upright(width, height),
            );
        }
    }
}

#[test]
fn every_format_scaled() {
    for format in formats() {
        let frame = test_frame(format, size(61, 47), ColorInfo::BT709_LIMITED, 2);
        for (width, height) in [(20, 15), (97, 70), (30, 94), (61, 12)] {
            check(&mut CpuConverter::new(1), &frame, &upright(width, height));
        }
    }
}

#[test]
fn every_matrix_and_range() {
    use MatrixCoefficients::{Bt601, Bt709, Bt2020, Fcc, Identity, Smpte240m, YCgCo};
    for matrix in [Identity, Bt601, Bt709, Bt2020, Fcc, Smpte240m, YCgCo] {
        for range in [ColorRange::Limited, ColorRange::Full] {
            for bits in 8..=16 {
                for model in [ColorModel::Yuv, ColorModel::Rgb, ColorModel::Gray] {
                    let yuv = PixelFormat::planar_yuv(Subsampling::S444, depth(bits));
                    let format = PixelFormat {
                        model,
                        alpha: true,
                        ..yuv
                    };
                    let color = ColorInfo {
                        range,
                        matrix,
                        ..ColorInfo::BT709_LIMITED
                    };
                    let frame = test_frame(format, size(33, 19), color, 3);
                    check(&mut CpuConverter::new(1), &frame, &upright(33, 19));
                }
            }
        }
    }
}

#[test]
fn every_siting_and_orientation() {
    use ChromaSiting::{Bottom, BottomLeft, Center, Left, Top, TopLeft};
    for siting in [Left, Center, TopLeft, Top, BottomLeft, Bottom] {
        let color = ColorInfo {
            siting,
            ..ColorInfo::BT709_LIMITED
        };
        for orientation in orientations() {
            for format in [PixelFormat::YUV420P8, PixelFormat::NV12] {
                let stored = size(53, 37);
                let frame = test_frame(format, stored, color, 4);
                for out in [orientation.apply(stored), size(31, 20), size(70, 90)] {
                    check(
                        &mut CpuConverter::new(1),
                        &frame,
                        &ConvertJob { out, orientation },
                    );
                }
            }
        }
    }
}

#[test]
fn large_odd_pictures_in_several_threads() {
    for orientation in orientations() {
        for alpha in [false, true] {
            let format = PixelFormat {
                alpha,
                ..PixelFormat::NV12
            };
            let frame = test_frame(format, size(161, 121), ColorInfo::BT709_LIMITED, 5);
            let job = ConvertJob {
                out: size(161, 121),
                orientation,
            };
            check(&mut CpuConverter::new(3), &frame, &job);
            let one = fast(&mut CpuConverter::new(1), &frame, &job);
            assert_eq!(one, fast(&mut CpuConverter::new(3), &frame, &job));
        }
    }
}

#[test]
fn extreme_ratios() {
    for (from, to) in [
        ((8192, 2), (16, 16)),
        ((2, 8192), (16, 16)),
        ((1, 1), (40, 30)),
        ((1000, 1), (1, 1)),
        ((5, 3), (2000, 1)),
    ] {
        for format in [PixelFormat::YUV420P8, PixelFormat::NV12] {
            let frame = test_frame(format, size(from.0, from.1), ColorInfo::BT709_LIMITED, 6);
            check(&mut CpuConverter::new(2), &frame, &upright(to.0, to.1));
        }
    }
}

#[test]
fn colours_that_pass_through_light() {
    use TransferFunction::{Bt1886, Gamma22, Gamma28, Hlg, Linear, Pq, Srgb};
    let peaks = [None, Some(400.0), Some(4000.0)].map(|peak| {
        peak.map(|peak| HdrMetadata {
            mastering_peak_nits: None,
            max_content_light_nits: Some(peak),
        })
    });
    for transfer in [Bt1886, Srgb, Gamma22, Gamma28, Linear, Pq, Hlg] {
        for primaries in [Primaries::Bt2020, Primaries::DciP3, Primaries::Bt601Pal] {
            for hdr in peaks {
                let matrix = MatrixCoefficients::Bt2020;
                let color = ColorInfo {
                    matrix,
                    primaries,
                    transfer,
                    hdr,
                    ..ColorInfo::BT709_LIMITED
                };
                let p010 = PixelFormat {
                    arrangement: PlaneArrangement::SemiPlanar,
                    ..PixelFormat::planar_yuv(Subsampling::S420, depth(10))
                };
                let frame = test_frame(p010, size(64, 40), color, 7);
                check(&mut CpuConverter::new(1), &frame, &upright(64, 40));
                check(&mut CpuConverter::new(1), &frame, &upright(23, 60));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_size_from_any_size(
        from in (1_u32..90, 1_u32..90),
        to in (1_u32..120, 1_u32..120),
        format in proptest::sample::select(formats()),
        turn in 0_u8..8,
        threads in 1_usize..4,
        seed in any::<u64>(),
    ) {
        let frame = test_frame(format, size(from.0, from.1), ColorInfo::BT709_LIMITED, seed);
        let orientation = Orientation::new(turn >= 4, turn);
        let job = ConvertJob { out: size(to.0, to.1), orientation };
        check(&mut CpuConverter::new(threads), &frame, &job);
    }
}

#[test]
fn a_converter_is_used_for_one_kind_after_another() {
    let mut converter = CpuConverter::new(2);
    for round in 0..2 {
        for format in formats().into_iter().step_by(5) {
            let frame = test_frame(format, size(70, 66), ColorInfo::BT709_LIMITED, round);
            check(&mut converter, &frame, &upright(70, 66));
            check(&mut converter, &frame, &upright(35, 100));
        }
    }
}

#[test]
fn codes_beyond_the_depth_saturate() {
    let format = PixelFormat::planar_yuv(Subsampling::S444, depth(10));
    let color = ColorInfo {
        range: ColorRange::Full,
        ..ColorInfo::BT709_LIMITED
    };
    let (luma, chroma) = ([0xff; 64], [0, 2].repeat(32));
    let planes = [(&luma[..], 64), (&chroma[..], 64), (&chroma[..], 64)];
    let frame = VideoFrame::from_planes(format, size(32, 1), color, &planes);
    for mut converter in [CpuConverter::new(1), CpuConverter::portable()] {
        assert_eq!(fast(&mut converter, &frame, &upright(32, 1)), [255; 128]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let frame = test_frame(PixelFormat::NV12, size(8, 8), ColorInfo::BT709_LIMITED, 8);
    let mut converter = CpuConverter::new(1);
    let mut out = [0; 8 * 8 * 4];
    let mut convert = |frame: &VideoFrame, bytes: usize, stride| {
        converter.convert(frame, &upright(8, 8), &mut out[..bytes], stride)
    };
    assert!(convert(&frame, 256, 32).is_ok());
    assert!(matches!(
        convert(&frame, 255, 32),
        Err(ConvertError::OutputTooSmall { .. })
    ));
    assert!(matches!(
        convert(&frame, 256, 31),
        Err(ConvertError::OutputTooSmall { .. })
    ));
    let lying = VideoFrame {
        size: size(16, 8),
        ..frame
    };
    assert!(matches!(
        convert(&lying, 256, 32),
        Err(ConvertError::WrongPlanes { .. })
    ));
    let planar = PixelFormat {
        arrangement: PlaneArrangement::Planar,
        ..lying.format
    };
    let lying = VideoFrame {
        size: size(8, 8),
        format: planar,
        ..lying
    };
    assert!(matches!(
        convert(&lying, 256, 32),
        Err(ConvertError::WrongPlanes { .. })
    ));
    let odd = PixelFormat {
        model: ColorModel::Rgb,
        ..PixelFormat::NV12
    };
    let lying = VideoFrame {
        format: odd,
        ..lying
    };
    assert!(matches!(
        convert(&lying, 256, 32),
        Err(ConvertError::UnsupportedFormat(_))
    ));
}
