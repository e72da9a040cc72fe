//! One device for all tests, and frames to show on it.

use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use crate::convert::{ConvertJob, reference};
use crate::media::{
    ColorInfo, ColorModel, PixelFormat, PlaneArrangement, SampleDepth, Size, Subsampling,
    VideoFrame,
};

use super::{GpuContext, GpuOptions, RgbaPicture};

/// The device that tests share; opening one takes a while.
///
/// A machine without a driver cannot run these tests, and must not pass them either.
pub(super) fn shared() -> Arc<GpuContext> {
    static CONTEXT: LazyLock<Mutex<Option<Arc<GpuContext>>>> = LazyLock::new(|| Mutex::new(None));
    let mut context = CONTEXT.lock();
    Arc::clone(context.get_or_insert_with(|| Arc::new(open())))
}

/// A device of a test's own.
pub(super) fn open() -> GpuContext {
    match GpuContext::headless(&GpuOptions::from_env(None)) {
        Ok(context) => context,
        Err(error) => panic!("the GPU tests need a device (lavapipe will do): {error}"),
    }
}

/// A sequence of numbers that look random (`SplitMix64`, Steele and others 2014).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

pub(super) fn depth(bits: u8) -> SampleDepth {
    SampleDepth::new(bits).expect("a depth of 8 to 16")
}

pub(super) fn size(width: u32, height: u32) -> Size {
    Size::new(width, height).expect("a valid size")
}

pub(super) fn yuv(subsampling: Subsampling, bits: u8) -> PixelFormat {
    PixelFormat::planar_yuv(subsampling, depth(bits))
}

pub(super) fn semi_planar(subsampling: Subsampling, bits: u8) -> PixelFormat {
    PixelFormat {
        arrangement: PlaneArrangement::SemiPlanar,
        ..yuv(subsampling, bits)
    }
}

pub(super) fn rgb(bits: u8, alpha: bool) -> PixelFormat {
    PixelFormat {
        model: ColorModel::Rgb,
        alpha,
        ..yuv(Subsampling::S444, bits)
    }
}

pub(super) fn gray(bits: u8, alpha: bool) -> PixelFormat {
    PixelFormat {
        model: ColorModel::Gray,
        alpha,
        ..yuv(Subsampling::S444, bits)
    }
}

pub(super) fn with_alpha(format: PixelFormat) -> PixelFormat {
    PixelFormat {
        alpha: true,
        ..format
    }
}

/// A frame whose sample `(component-in-row, row)` of each plane has the code that `code` gives; planes
/// have `padding` bytes behind each row.
pub(super) fn frame_of(
    format: PixelFormat,
    size: Size,
    color: ColorInfo,
    padding: usize,
    mut code: impl FnMut(usize, usize, usize) -> u32,
) -> VideoFrame {
    let shift = crate::convert::matrix::sample_shift(format);
    let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|plane| {
            let rows = format.plane_size(plane, size).1;
            let row_bytes = format.row_bytes(plane, size);
            let stride = row_bytes + padding;
            let mut bytes = vec![0xA5; stride * rows];
            for (y, row) in bytes.chunks_mut(stride).enumerate() {
                let samples = row[..row_bytes].chunks_mut(format.depth.bytes());
                for (x, sample) in samples.enumerate() {
                    let value = code(plane, x, y).min(format.depth.max_code()) << shift;
                    sample.copy_from_slice(&value.to_le_bytes()[..sample.len()]);
                }
            }
            (bytes, stride)
        })
        .collect();
    VideoFrame::from_planes(format, size, color, &planes)
}

/// Seeded noise of all code values: the hardest picture for unscaled conversion.
pub(super) fn noise_frame(
    format: PixelFormat,
    size: Size,
    color: ColorInfo,
    seed: u64,
) -> VideoFrame {
    let mut random = Random(seed);
    let codes = u64::from(format.depth.max_code()) + 1;
    frame_of(format, size, color, 3 * format.depth.bytes(), |_, _, _| {
        u32::try_from(random.next() % codes).expect("a code of at most 16 bits")
    })
}

/// One gray at half the codes.
pub(super) fn gray_frame(format: PixelFormat, width: u32, height: u32) -> VideoFrame {
    let half = 1 << (format.depth.bits() - 1);
    frame_of(
        format,
        size(width, height),
        ColorInfo::BT709_LIMITED,
        0,
        |_, _, _| half,
    )
}

/// What the reference makes of `frame`, as 8-bit codes with their fractions.
pub(super) fn expected(frame: &VideoFrame, job: &ConvertJob) -> Vec<[f64; 4]> {
    reference::convert(frame, job)
        .into_iter()
        .map(|pixel| pixel.map(|c| c * 255.0))
        .collect()
}

/// Greatest difference in code values, and the signal-to-noise ratio in dB (255 being the peak).
#[derive(Debug, Clone, Copy)]
pub(super) struct Difference {
    pub(super) greatest: f64,
    pub(super) psnr_db: f64,
}

/// Compares `actual` with expected codes that are rounded to nearest.
pub(super) fn difference(actual: &RgbaPicture, expected: &[[f64; 4]]) -> Difference {
    let (pixels, rest) = actual.rgba.as_chunks::<4>();
    assert!(rest.is_empty());
    assert_eq!(pixels.len(), expected.len(), "sizes differ");
    let (mut greatest, mut squares) = (0.0_f64, 0.0);
    for (a, e) in pixels.iter().zip(expected) {
        for (a, e) in a.iter().zip(e) {
            let error = (f64::from(*a) - e.round()).abs();
            greatest = greatest.max(error);
            squares += (f64::from(*a) - e).powi(2);
        }
    }
    let mean = squares / (expected.len() * 4) as f64;
    Difference {
        greatest,
        psnr_db: 10.0 * (255.0 * 255.0 / mean.max(1e-12)).log10(),
    }
}
