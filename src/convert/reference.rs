//! The slow, obvious conversion in 64-bit floats that every fast one is compared with.

use super::kernel::Taps;
use super::matrix::sample_shift;
use super::pipeline::ColorPath;
use super::{ConvertJob, stored_output};
use crate::media::{ColorModel, PixelFormat, PlaneArrangement, VideoFrame};

/// Converts and scales a frame: R'G'B' and straight alpha, each 0..1, in row-major order as shown.
///
/// Memory and time are those of floats throughout; use it for tests and single stills.
///
/// # Panics
/// When the frame's storage does not match its format and size.
pub fn convert(frame: &VideoFrame, job: &ConvertJob) -> Vec<[f64; 4]> {
    let stored = stored_output(job);
    let components: Vec<Vec<f64>> = (0..component_count(frame.format))
        .map(|component| resample(frame, component, stored.width(), stored.height()))
        .collect();
    let path = ColorPath::new(&frame.color, frame.format);
    let alpha_max = f64::from(frame.format.depth.max_code());
    let alpha = frame.format.alpha.then(|| components.len() - 1);
    let colours = components.len() - usize::from(frame.format.alpha);

    let (out_width, out_height) = (job.out.width(), job.out.height());
    let mut out = Vec::with_capacity((out_width * out_height) as usize);
    for y in 0..out_height {
        for x in 0..out_width {
            let index = stored_index(job, x, y);
            let mut codes = [0.0; 3];
            for (code, plane) in codes.iter_mut().zip(&components[..colours]) {
                *code = plane[index];
            }
            let [r, g, b] = path.apply(codes);
            let a = alpha.map_or(1.0, |plane| (components[plane][index] / alpha_max).min(1.0));
            out.push([r, g, b, a]);
        }
    }
    out
}

/// Components of a format: colours first, alpha last.
pub(super) fn component_count(format: PixelFormat) -> usize {
    usize::from(format.alpha)
        + if format.model == ColorModel::Gray {
            1
        } else {
            3
        }
}

/// Index, in a picture that is scaled but still lies as stored, of the pixel shown at (x, y).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the centre of a pixel of the picture, which is at most 65,535 wide"
)]
fn stored_index(job: &ConvertJob, x: u32, y: u32) -> usize {
    let stored = stored_output(job);
    let map = job.orientation.stored_from_shown().map(f64::from);
    let shown_x = (f64::from(x) + 0.5) / f64::from(job.out.width());
    let shown_y = (f64::from(y) + 0.5) / f64::from(job.out.height());
    let column = (map[0] * shown_x + map[1] * shown_y + map[2]) * f64::from(stored.width());
    let row = (map[3] * shown_x + map[4] * shown_y + map[5]) * f64::from(stored.height());
    row as usize * stored.width() as usize + column as usize
}

/// One component's codes, resampled to `width` by `height`, as stored.
fn resample(frame: &VideoFrame, component: usize, width: u32, height: u32) -> Vec<f64> {
    let format = frame.format;
    let is_chroma = format.model == crate::media::ColorModel::Yuv && (1..=2).contains(&component);
    let (log2_x, log2_y) = if is_chroma {
        (format.subsampling.log2_x, format.subsampling.log2_y)
    } else {
        (0, 0)
    };
    let (offset_x, offset_y) = frame.color.siting.offset();
    let across = Taps::for_axis(frame.size.width(), width, offset_x, log2_x);
    let down = Taps::for_axis(frame.size.height(), height, offset_y, log2_y);
    let mut out = Vec::with_capacity((width * height) as usize);
    for y in 0..down.outputs() {
        // Rows are mixed first, once for all the columns of this output row.
        let column: Vec<f64> = (0..across.samples())
            .map(|x| {
                let mut sum = 0.0;
                for (tap, &weight) in down.weights(y).iter().enumerate() {
                    if weight > 0.0 {
                        sum += weight * code_at(frame, component, x, down.first(y) + tap);
                    }
                }
                sum
            })
            .collect();
        for x in 0..across.outputs() {
            let first = across.first(x);
            let taps = across.weights(x).iter().zip(column[first..].iter());
            out.push(taps.map(|(weight, code)| weight * code).sum());
        }
    }
    out
}

/// The code of one component's sample (x, y).
pub(super) fn code_at(frame: &VideoFrame, component: usize, x: usize, y: usize) -> f64 {
    let format = frame.format;
    let semi_planar =
        format.arrangement == PlaneArrangement::SemiPlanar && format.model != ColorModel::Gray;
    let (plane, part) = match (semi_planar, component) {
        (true, 1 | 2) => (1, component - 1),
        (true, 3) => (2, 0),
        _ => (component, 0),
    };
    let bytes = format.depth.bytes();
    let at = x * format.sample_stride_bytes(plane) + part * bytes;
    let row = frame.plane(plane).row(y);
    let sample = if bytes == 1 {
        u16::from(row[at])
    } else {
        u16::from_le_bytes([row[at], row[at + 1]])
    };
    f64::from(sample >> sample_shift(format))
}
