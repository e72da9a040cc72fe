//! One field of an interlaced picture as a whole picture.
//!
//! The rows of the field that comes first in time stay as they are; the rows between, which belong to a
//! later instant, are interpolated from them along the direction in which the picture changes least:
//! straight down, or up to two samples to either side (the spatial part of Niedermayer's yadif).
//! Nothing is remembered from frame to frame, so seeking and stepping show the same as playing, and one
//! frame in gives one frame out. Half of the motion is not shown.
//!
//! Colour rows are treated like luma rows. That is exact for 4:2:0: MPEG-2 places the colour rows of
//! the two fields so that, woven together, they lie where those of a progressive picture would.

use std::sync::Arc;

use parking_lot::Mutex;

use super::ConvertError;
use super::matrix::sample_shift;
use super::plan::check_planes;
use crate::media::{
    FieldOrder, FrameStorage, PixelFormat, Plane, PlaneLayout, PlaneOwner, VideoFrame,
};

/// Directions reach two pixels to a side, and scores look one further.
const PAD_PIXELS: usize = 3;

/// Free buffers that are kept: as many as a short queue of frames holds at once.
const MAX_FREE: usize = 4;

/// Bytes that rows are multiples of.
const ROW_ALIGN: usize = 64;

/// Makes whole pictures of fields. It keeps buffers that come back when frames are dropped, and its
/// scratch rows.
#[derive(Debug, Default)]
pub struct Deinterlacer {
    free: Arc<Mutex<Vec<Box<[u8]>>>>,
    rows: ScratchRows,
}

/// Two neighbouring rows of a field and the row between them, as codes.
#[derive(Debug, Default)]
struct ScratchRows {
    above: Vec<u16>,
    below: Vec<u16>,
    between: Vec<u16>,
}

/// Gives its bytes back to the free ones when the frame is dropped.
struct Lease {
    bytes: Option<Box<[u8]>>,
    free: Arc<Mutex<Vec<Box<[u8]>>>>,
}

impl PlaneOwner for Lease {}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut free = self.free.lock();
        if free.len() < MAX_FREE {
            free.extend(self.bytes.take());
        }
    }
}

/// Where a plane lies in a buffer.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    stride: usize,
    rows: usize,
    row_bytes: usize,
}

impl Deinterlacer {
    /// A deinterlacer with nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first field of `frame` as a progressive frame of the same size, format and colour. A
    /// progressive frame is copied.
    ///
    /// # Errors
    /// When the frame's planes do not fit its format.
    pub fn deinterlace(&mut self, frame: &VideoFrame) -> Result<VideoFrame, ConvertError> {
        check_planes(frame)?;
        let (places, length) = places(frame);
        let mut bytes = self.take_buffer(length);
        for (index, place) in places.iter().enumerate() {
            let plane = frame.plane(index);
            let target = &mut bytes[place.start..place.start + place.stride * place.rows];
            let first_row = match frame.fields {
                FieldOrder::Progressive => {
                    copy_rows(&plane, place, target, 0, 1);
                    continue;
                }
                FieldOrder::TopFirst => 0,
                FieldOrder::BottomFirst => 1,
            };
            self.rows
                .fill(frame.format, index, &plane, place, target, first_row);
        }
        let planes = places.iter().map(|place| place.layout(&bytes)).collect();
        let owner = Box::new(Lease {
            bytes: Some(bytes),
            free: self.free.clone(),
        });
        Ok(VideoFrame {
            id: frame.id,
            size: frame.size,
            format: frame.format,
            color: frame.color,
            fields: FieldOrder::Progressive,
            stands_for: frame.stands_for,
            storage: FrameStorage::Foreign { planes, owner },
        })
    }

    /// A free buffer of this length, or a new one. Those of other lengths are given up: the picture's
    /// size has changed.
    fn take_buffer(&self, length: usize) -> Box<[u8]> {
        let mut free = self.free.lock();
        free.retain(|bytes| bytes.len() == length);
        free.pop()
            .unwrap_or_else(|| vec![0; length].into_boxed_slice())
    }
}

/// Where the planes of a frame like this one lie, and the bytes of all of them.
fn places(frame: &VideoFrame) -> (Vec<Place>, usize) {
    let mut start = 0;
    let places = (0..frame.format.plane_count())
        .map(|index| {
            let row_bytes = frame.format.row_bytes(index, frame.size);
            let rows = frame.format.plane_size(index, frame.size).1;
            let stride = row_bytes.next_multiple_of(ROW_ALIGN);
            let place = Place {
                start,
                stride,
                rows,
                row_bytes,
            };
            start += stride * rows;
            place
        })
        .collect();
    (places, start)
}

impl Place {
    fn layout(&self, bytes: &[u8]) -> PlaneLayout {
        let plane = &bytes[self.start..self.start + self.stride * self.rows];
        #[expect(
            unsafe_code,
            reason = "the frame owns the buffer that its planes lie in"
        )]
        // SAFETY: the slice holds `stride * rows` bytes. The buffer moves into the `Lease` beside the
        // layouts, which does not move its bytes, and it is written again only after the lease ends.
        unsafe {
            PlaneLayout::new(plane.as_ptr(), self.stride, self.rows, self.row_bytes)
        }
    }
}

/// Copies every `step`th row from row `first` on.
fn copy_rows(plane: &Plane<'_>, place: &Place, target: &mut [u8], first: usize, step: usize) {
    let rows = target.chunks_exact_mut(place.stride).enumerate();
    for (y, row) in rows.skip(first).step_by(step) {
        row[..place.row_bytes].copy_from_slice(&plane.row(y)[..place.row_bytes]);
    }
}

impl ScratchRows {
    /// Fills a plane from the field whose first row is `parity`.
    fn fill(
        &mut self,
        format: PixelFormat,
        index: usize,
        plane: &Plane<'_>,
        place: &Place,
        target: &mut [u8],
        parity: usize,
    ) {
        // A picture of one row has no second field.
        let parity = parity.min(place.rows - 1);
        copy_rows(plane, place, target, parity, 2);
        let step = format.sample_stride_bytes(index) / format.depth.bytes();
        for y in (1 - parity..place.rows).step_by(2) {
            // At the top and bottom, the one neighbour stands for both.
            let below = if y + 1 < place.rows { y + 1 } else { y - 1 };
            let above = if y > 0 { y - 1 } else { below };
            read_padded(
                format,
                &plane.row(above)[..place.row_bytes],
                step,
                &mut self.above,
            );
            read_padded(
                format,
                &plane.row(below)[..place.row_bytes],
                step,
                &mut self.below,
            );
            let count = place.row_bytes / format.depth.bytes();
            self.interpolate(count, step, u32::from(format.depth.bits()));
            let row = &mut target[y * place.stride..][..place.row_bytes];
            write(format, &self.between, row);
        }
    }

    /// Fills `between` from `above` and `below`. Neighbouring pixels are `step` samples apart.
    fn interpolate(&mut self, count: usize, step: usize, bits: u32) {
        // Three differences of 14 bits fit into 16.
        let shift = bits.saturating_sub(14);
        self.between.resize(count.next_multiple_of(LANES), 0);
        for (block, out) in self.between.chunks_exact_mut(LANES).enumerate() {
            let (mut above, mut below) = ([[0; LANES]; 7], [[0; LANES]; 7]);
            for (offset, (above, below)) in above.iter_mut().zip(&mut below).enumerate() {
                let lanes = block * LANES + offset * step..block * LANES + offset * step + LANES;
                above.copy_from_slice(&self.above[lanes.clone()]);
                below.copy_from_slice(&self.below[lanes]);
            }
            out.copy_from_slice(&interpolated(&above, &below, shift));
        }
    }
}

/// Samples that are interpolated at once, so that the compiler makes vectors of them.
const LANES: usize = 16;

/// Neighbouring samples of a row.
type Lanes = [u16; LANES];

/// Samples of one row that lie from 3 pixels left to 3 pixels right of those wanted.
type Around = [Lanes; 2 * PAD_PIXELS + 1];

/// The samples between two rows.
fn interpolated(above: &Around, below: &Around, shift: u32) -> Lanes {
    // Straight down wins ties, and flat areas with them.
    let mut straight = score::<3>(above, below, shift);
    for score in &mut straight {
        *score = score.saturating_sub(1);
    }
    let found = (straight, mean::<3>(above, below));
    let found = try_side::<2, 1>(found, above, below, shift);
    try_side::<4, 5>(found, above, below, shift).1
}

/// The better of the best score and value so far, and of those one and two pixels to a side. The
/// second counts only where the first is an improvement.
#[inline]
fn try_side<const NEAR: usize, const FAR: usize>(
    (best, values): (Lanes, Lanes),
    above: &Around,
    below: &Around,
    shift: u32,
) -> (Lanes, Lanes) {
    let (near, far) = (
        score::<NEAR>(above, below, shift),
        score::<FAR>(above, below, shift),
    );
    let near_values = mean::<NEAR>(above, below);
    let far_values = mean::<FAR>(above, below);
    let mut found = (best, values);
    for i in 0..LANES {
        let improves = mask(near[i] < best[i]);
        let value = select(mask(far[i] < near[i]), far_values[i], near_values[i]);
        found.0[i] = select(improves, near[i].min(far[i]), best[i]);
        found.1[i] = select(improves, value, values[i]);
    }
    found
}

/// All bits where `condition` holds. Branches would be guessed wrongly half the time in noise, and triple
/// the time.
#[inline]
fn mask(condition: bool) -> u16 {
    u16::from(condition).wrapping_neg()
}

/// `yes` where the mask is set, else `no`.
#[inline]
fn select(mask: u16, yes: u16, no: u16) -> u16 {
    (yes & mask) | (no & !mask)
}

/// Means along the line through a sample and the one `DIR - 3` pixels right of it in the row above.
#[inline]
fn mean<const DIR: usize>(above: &Around, below: &Around) -> Lanes {
    let mut means = [0; LANES];
    for (i, mean) in means.iter_mut().enumerate() {
        *mean = above[DIR][i].midpoint(below[6 - DIR][i]);
    }
    means
}

/// Differences along that line, summed over three neighbouring pixels.
#[inline]
fn score<const DIR: usize>(above: &Around, below: &Around, shift: u32) -> Lanes {
    let mut scores = [0; LANES];
    for (i, score) in scores.iter_mut().enumerate() {
        *score = (above[DIR - 1][i].abs_diff(below[5 - DIR][i]) >> shift)
            + (above[DIR][i].abs_diff(below[6 - DIR][i]) >> shift)
            + (above[DIR + 1][i].abs_diff(below[7 - DIR][i]) >> shift);
    }
    scores
}

/// Reads a row as codes, with its first and last pixel repeated on either side.
fn read_padded(format: PixelFormat, bytes: &[u8], step: usize, out: &mut Vec<u16>) {
    let pad = PAD_PIXELS * step;
    let count = bytes.len() / format.depth.bytes();
    // The last block of lanes may be read beyond the row.
    out.resize(count.next_multiple_of(LANES) + 2 * pad, 0);
    let inner = &mut out[pad..pad + count];
    if format.depth.bytes() == 1 {
        for (slot, &byte) in inner.iter_mut().zip(bytes) {
            *slot = u16::from(byte);
        }
    } else {
        let shift = sample_shift(format);
        for (slot, pair) in inner.iter_mut().zip(bytes.chunks_exact(2)) {
            *slot = u16::from_le_bytes([pair[0], pair[1]]) >> shift;
        }
    }
    for place in (0..pad).rev() {
        out[place] = out[place + step];
    }
    for place in pad + count..2 * pad + count {
        out[place] = out[place - step];
    }
}

/// Writes codes as samples.
#[expect(
    clippy::cast_possible_truncation,
    reason = "codes of 8-bit pictures fit into 8 bits"
)]
fn write(format: PixelFormat, codes: &[u16], bytes: &mut [u8]) {
    if format.depth.bytes() == 1 {
        for (byte, &code) in bytes.iter_mut().zip(codes) {
            *byte = code as u8;
        }
    } else {
        let shift = sample_shift(format);
        for (pair, &code) in bytes.chunks_exact_mut(2).zip(codes) {
            pair.copy_from_slice(&(code << shift).to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{ColorInfo, PlaneArrangement, SampleDepth, Size, Subsampling};

    fn formats() -> Vec<PixelFormat> {
        let yuv = |subsampling, bits| {
            PixelFormat::planar_yuv(subsampling, SampleDepth::new(bits).unwrap())
        };
        vec![
            PixelFormat::YUV420P8,
            PixelFormat {
                alpha: true,
                ..PixelFormat::NV12
            },
            yuv(Subsampling::S422, 10),
            PixelFormat {
                arrangement: PlaneArrangement::SemiPlanar,
                ..yuv(Subsampling::S420, 10)
            },
            yuv(Subsampling::S444, 16),
        ]
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "codes fit"
    )]
    /// A frame whose sample at (plane, x, y) has the code that `code` gives, of 0..1.
    fn frame(
        format: PixelFormat,
        size: Size,
        fields: FieldOrder,
        code: impl Fn(usize, usize, usize) -> f64,
    ) -> VideoFrame {
        let shift = sample_shift(format);
        let max_code = f64::from(format.depth.max_code());
        let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
            .map(|plane| {
                let (width, rows) = format.plane_size(plane, size);
                let stride = format.row_bytes(plane, size);
                let parts = stride / width / format.depth.bytes();
                let mut bytes = Vec::new();
                for y in 0..rows {
                    for x in 0..width * parts {
                        let sample =
                            ((code(plane, x / parts, y) * max_code).round() as u16) << shift;
                        bytes.extend_from_slice(&sample.to_le_bytes()[..format.depth.bytes()]);
                    }
                }
                (bytes, stride)
            })
            .collect();
        VideoFrame {
            fields,
            ..VideoFrame::from_planes(format, size, ColorInfo::BT709_LIMITED, &planes)
        }
    }

    /// All samples of a plane as codes of 0..1.
    fn codes(frame: &VideoFrame, plane: usize) -> Vec<f64> {
        let mut row = Vec::new();
        let view = frame.plane(plane);
        let mut codes = Vec::new();
        for y in 0..view.rows {
            read_padded(frame.format, view.row(y), 1, &mut row);
            let inner = &row[PAD_PIXELS..][..view.row_bytes / frame.format.depth.bytes()];
            codes.extend(
                inner
                    .iter()
                    .map(|&c| f64::from(c) / f64::from(frame.format.depth.max_code())),
            );
        }
        codes
    }

    fn psnr(a: &[f64], b: &[f64]) -> f64 {
        let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        -10.0 * (squares / a.len() as f64).max(1e-12).log10()
    }

    #[test]
    fn only_the_first_field_is_seen() {
        for format in formats() {
            for (width, height) in [(1, 1), (1, 2), (16, 3), (33, 17)] {
                let size = Size::new(width, height).unwrap();
                for (fields, seen) in [(FieldOrder::TopFirst, 0), (FieldOrder::BottomFirst, 1)] {
                    let shade = [0.2, 0.8];
                    let mixed = frame(format, size, fields, |_, _, y| shade[y % 2]);
                    let whole = Deinterlacer::new().deinterlace(&mixed).unwrap();
                    assert_eq!(whole.fields, FieldOrder::Progressive);
                    for plane in 0..format.plane_count() {
                        // A plane of a single row has only one field.
                        let rows = format.plane_size(plane, size).1;
                        let expected = shade[seen.min(rows - 1)];
                        let all = codes(&whole, plane);
                        assert!(
                            all.iter().all(|c| (c - expected).abs() < 0.01),
                            "{format} {size} {fields:?} plane {plane}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_still_picture_changes_little() {
        for format in formats() {
            for fields in [FieldOrder::TopFirst, FieldOrder::BottomFirst] {
                let size = Size::new(120, 90).unwrap();
                let still = frame(format, size, fields, |plane, x, y| {
                    let (x, y) = (x as f64, y as f64 + plane as f64);
                    0.5 + 0.2 * (x / 9.0 + y / 14.0).sin() + 0.2 * (x / 21.0 - y / 8.0).cos()
                });
                let whole = Deinterlacer::new().deinterlace(&still).unwrap();
                for plane in 0..format.plane_count() {
                    let ratio = psnr(&codes(&still, plane), &codes(&whole, plane));
                    assert!(
                        ratio > 40.0,
                        "{format} {fields:?} plane {plane}: {ratio:.1} dB"
                    );
                }
            }
        }
    }

    #[test]
    fn slanted_edges_are_followed() {
        let size = Size::new(96, 64).unwrap();
        let slanted = frame(
            PixelFormat::YUV420P8,
            size,
            FieldOrder::TopFirst,
            |_, x, y| {
                // A soft edge at 45 degrees.
                (0.5 + 0.25 * (x as f64 - y as f64 - 16.0)).clamp(0.1, 0.9)
            },
        );
        let whole = Deinterlacer::new().deinterlace(&slanted).unwrap();
        let original = codes(&slanted, 0);
        let width = 96;
        // The last row has a neighbour on one side only.
        let inner = ..63 * width;
        let directed = psnr(&original[inner], &codes(&whole, 0)[inner]);
        let mut straight = original.clone();
        for y in (1..63).step_by(2) {
            for x in 0..width {
                let (above, below) = (original[(y - 1) * width + x], original[(y + 1) * width + x]);
                straight[y * width + x] = f64::midpoint(above, below);
            }
        }
        let plain = psnr(&original[inner], &straight[inner]);
        assert!(
            directed > plain + 6.0,
            "{directed:.1} dB against {plain:.1} dB"
        );
    }

    #[test]
    fn buffers_are_used_again() {
        let size = Size::new(64, 64).unwrap();
        let mut deinterlacer = Deinterlacer::new();
        let source = frame(PixelFormat::NV12, size, FieldOrder::TopFirst, |_, _, _| 0.5);
        let first = deinterlacer.deinterlace(&source).unwrap();
        let place = first.plane(0).bytes.as_ptr();
        let second = deinterlacer.deinterlace(&source).unwrap();
        assert_ne!(
            place,
            second.plane(0).bytes.as_ptr(),
            "the first is still in use"
        );
        drop(first);
        let third = deinterlacer.deinterlace(&source).unwrap();
        assert_eq!(place, third.plane(0).bytes.as_ptr());
    }

    #[test]
    fn progressive_pictures_are_copied() {
        let size = Size::new(33, 17).unwrap();
        let source = frame(
            PixelFormat::YUV420P8,
            size,
            FieldOrder::Progressive,
            |p, x, y| ((x * 7 + y * 13 + p) % 50) as f64 / 50.0,
        );
        let copy = Deinterlacer::new().deinterlace(&source).unwrap();
        for plane in 0..3 {
            assert_eq!(codes(&source, plane), codes(&copy, plane));
        }
    }
}
