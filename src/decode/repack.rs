//! Repacking frames into canonical planes: every sample is moved, none is computed anew.
//!
//! swscale can do it too, but it takes many of these paths through its own YCbCr conversion and its
//! 15-bit intermediates, which is not lossless. FFmpeg describes each format down to the bit, so one
//! loop over those descriptions does them all exactly. Only sensor patterns (demosaicing) and the XYZ
//! of digital cinema (a matrix and two gammas) go through swscale first.

mod rows;

use ffmpeg::format::Pixel;
use ffmpeg::software::scaling;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi::{self, AVPixelFormat};

use self::rows::{SourceRows, TargetRows};
use super::canonical::{Component, Descriptor, describe};
use crate::media::{PixelFormat, Size};

/// Turns frames of one format and size into canonical ones. Any thread, one at a time.
pub struct Repacker {
    source: AVPixelFormat,
    target: AVPixelFormat,
    format: PixelFormat,
    size: Size,
    work: Work,
}

enum Work {
    /// Copy rows as they are.
    Rows,
    /// Move components, one after another.
    Components {
        moves: Vec<Move>,
        reader_is_big_endian: bool,
    },
    /// Look up colours.
    Palette,
    /// Let swscale make packed RGB, then move its components.
    Computed {
        scaler: Scaler,
        middle: ffmpeg::frame::Video,
        rest: Box<Repacker>,
    },
}

struct Scaler(scaling::Context);

#[expect(
    unsafe_code,
    reason = "the wrapper does not say that it may change threads"
)]
// SAFETY: a scaling context belongs to no thread; it is used through `&mut` only.
unsafe impl Send for Scaler {}

/// One component and where it goes.
struct Move {
    component: Component,
    reader: Reader,
    /// Planes of the target. Gray goes to three when it becomes RGB.
    targets: Vec<usize>,
    /// What to make of values of less than 8 bits; empty for others.
    table: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Byte,
    Word,
    Bits,
    Float,
}

/// Why a frame could not be repacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RepackError {
    /// The frame has another format or size than the repacker was made for. Make a new one.
    #[error("the picture's format or size has changed")]
    Changed,
    /// The target's buffers do not fit.
    #[error("the target picture has another format or size")]
    WrongTarget,
    /// There is no memory for the target.
    #[error("out of memory")]
    OutOfMemory,
    /// swscale failed.
    #[error("swscale could not convert the picture")]
    Scaler,
}

impl Repacker {
    /// A repacker for frames of `source` and `size`; `None` when [`describe`] knows no way.
    ///
    /// Formats that are canonical already can be repacked too: it copies them, top row first, which
    /// frames with a negative line size (bottom row first) need.
    pub fn new(source: AVPixelFormat, size: Size) -> Option<Self> {
        let canonical = describe(source)?;
        let target = canonical.via.unwrap_or(source);
        let descriptor = Descriptor::of(source)?;
        let work = if canonical.via.is_none() {
            Work::Rows
        } else if descriptor.is_palette() {
            Work::Palette
        } else if descriptor.is_bayer() || descriptor.is_xyz() {
            let deep = canonical.format.depth.bytes() > 1;
            let middle = if deep {
                AVPixelFormat::AV_PIX_FMT_RGB48LE
            } else {
                AVPixelFormat::AV_PIX_FMT_RGB24
            };
            let (width, height) = (size.width(), size.height());
            let flags = scaling::Flags::ACCURATE_RND | scaling::Flags::BITEXACT;
            let scaler = scaling::Context::get(
                Pixel::from(source),
                width,
                height,
                Pixel::from(middle),
                width,
                height,
                flags,
            )
            .ok()?;
            Work::Computed {
                scaler: Scaler(scaler),
                middle: ffmpeg::frame::Video::empty(),
                rest: Box::new(Self::new(middle, size)?),
            }
        } else {
            Work::Components {
                moves: moves(&descriptor, canonical.format),
                reader_is_big_endian: descriptor.is_big_endian(),
            }
        };
        Some(Self {
            source,
            target,
            format: canonical.format,
            size,
            work,
        })
    }

    /// The format of the frames that it makes.
    pub fn target(&self) -> AVPixelFormat {
        self.target
    }

    /// The same as a canonical format.
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Whether `frame` is what this repacker was made for.
    pub fn fits(&self, frame: &ffmpeg::frame::Video) -> bool {
        is_of(frame, self.source, self.size)
    }

    /// Repacks `source` into `target`, whose buffers are used when it has any, and made otherwise.
    /// Time stamps, colour tags and side data are copied.
    ///
    /// # Errors
    /// See [`RepackError`]; `target` then holds nothing of use.
    pub fn repack(
        &mut self,
        source: &ffmpeg::frame::Video,
        target: &mut ffmpeg::frame::Video,
    ) -> Result<(), RepackError> {
        if !self.fits(source) {
            return Err(RepackError::Changed);
        }
        prepare_target(target, self.target, self.size)?;
        self.repack_samples(source, target)?;
        copy_properties(source, target, self.source);
        Ok(())
    }

    fn repack_samples(
        &mut self,
        source: &ffmpeg::frame::Video,
        target: &mut ffmpeg::frame::Video,
    ) -> Result<(), RepackError> {
        let (source_format, format, size) = (self.source, self.format, self.size);
        match &mut self.work {
            Work::Computed {
                scaler,
                middle,
                rest,
            } => {
                scaler
                    .0
                    .run(source, middle)
                    .map_err(|_error| RepackError::Scaler)?;
                rest.repack_samples(middle, target)
            }
            Work::Rows => {
                let rows = SourceRows::new(source, source_format, size);
                let target = TargetRows::new(target, format, size);
                for plane in 0..format.plane_count() {
                    for y in 0..target.rows(plane) {
                        target.row(plane, y).copy_from_slice(rows.row(plane, y));
                    }
                }
                Ok(())
            }
            Work::Palette => {
                let rows = SourceRows::new(source, source_format, size);
                repack_palette(&rows, &TargetRows::new(target, format, size));
                Ok(())
            }
            Work::Components {
                moves,
                reader_is_big_endian,
            } => {
                let rows = SourceRows::new(source, source_format, size);
                let target = TargetRows::new(target, format, size);
                // Row by row, so that a packed row is still in the cache for its next component.
                for y in 0..size.height() as usize {
                    for part in moves.iter() {
                        part.run(&rows, &target, y, *reader_is_big_endian);
                    }
                }
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for Repacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Repacker({:?} -> {:?}, {})",
            self.source, self.target, self.size
        )
    }
}

/// Which component goes where.
fn moves(descriptor: &Descriptor, format: PixelFormat) -> Vec<Move> {
    let alpha_plane = format.plane_count() - 1;
    let count = descriptor.components.len();
    let targets = |index: usize| -> Vec<usize> {
        let is_alpha = descriptor.has_alpha() && index + 1 == count;
        if is_alpha {
            vec![alpha_plane]
        } else if descriptor.is_gray() && format.plane_count() > 1 {
            vec![0, 1, 2]
        } else if descriptor.is_rgb() {
            vec![[2, 0, 1][index]]
        } else {
            vec![index]
        }
    };
    descriptor
        .components
        .iter()
        .enumerate()
        .map(|(index, &component)| {
            let Component { shift, depth, .. } = component;
            let reader = if descriptor.is_float() {
                Reader::Float
            } else if descriptor.is_bit_stream() {
                Reader::Bits
            } else if shift + depth <= 8 {
                Reader::Byte
            } else {
                Reader::Word
            };
            // FFmpeg counts from the low byte of a word, which big-endian formats have last.
            let offset = if reader == Reader::Byte && descriptor.is_big_endian() {
                component.offset + 1
            } else {
                component.offset
            };
            // White is 0 in one of the two black-and-white formats.
            let inverted = descriptor.name == "monow";
            Move {
                component: Component {
                    offset,
                    ..component
                },
                reader,
                targets: targets(index),
                table: if depth < 8 {
                    widen_table(depth, inverted)
                } else {
                    Vec::new()
                },
            }
        })
        .collect()
}

/// Values of `depth` bits spread evenly over 0 to 255.
fn widen_table(depth: u32, inverted: bool) -> Vec<u8> {
    let greatest = (1_u32 << depth) - 1;
    (0..=greatest)
        .map(|value| if inverted { greatest - value } else { value })
        .map(|value| u8::try_from((value * 255 + greatest / 2) / greatest).unwrap_or(u8::MAX))
        .collect()
}

impl Move {
    /// Fills the row of the target's planes that begins at luma row `y`, if one does.
    fn run(&self, source: &SourceRows<'_>, target: &TargetRows<'_>, y: usize, big_endian: bool) {
        let Some((&first, others)) = self.targets.split_first() else {
            return;
        };
        let log2_y = if target.format().is_chroma(first) {
            target.format().subsampling.log2_y
        } else {
            0
        };
        if y & ((1 << log2_y) - 1) != 0 {
            return;
        }
        let y = y >> log2_y;
        let row = source.row(self.component.plane, y);
        self.read_row(row, target.row(first, y), big_endian);
        for &other in others {
            target.row(other, y).copy_from_slice(target.row(first, y));
        }
    }

    fn read_row(&self, row: &[u8], out: &mut [u8], big_endian: bool) {
        let Component {
            step, shift, depth, ..
        } = self.component;
        let offset = self.component.offset.unsigned_abs();
        match self.reader {
            Reader::Byte if depth == 8 => copy_bytes(row, step, offset, out),
            Reader::Byte => {
                let mask = (1_u8 << depth) - 1;
                for (out, pixel) in out.iter_mut().zip(row.chunks(step)) {
                    *out = self.table[usize::from((pixel[offset] >> shift) & mask)];
                }
            }
            Reader::Word if depth < 8 => {
                let mask = (1_u16 << depth) - 1;
                for (out, pixel) in out.iter_mut().zip(row.chunks(step)) {
                    let word = word_at(pixel, offset, big_endian);
                    *out = self.table[usize::from((word >> shift) & mask)];
                }
            }
            Reader::Word => copy_words(row, &self.component, big_endian, out),
            Reader::Bits => {
                let mask = (1_u8 << depth) - 1;
                for (x, out) in out.iter_mut().enumerate() {
                    let bit = x * step + offset;
                    // The first pixel has the highest bits; FFmpeg's own shift says nothing here.
                    let below = 8 - depth as usize - bit % 8;
                    *out = self.table[usize::from((row[bit / 8] >> below) & mask)];
                }
            }
            Reader::Float => {
                for (out, pixel) in out.chunks_exact_mut(2).zip(row.chunks(step)) {
                    let bytes = [0, 1, 2, 3].map(|index| pixel[offset + index]);
                    let value = if big_endian {
                        f32::from_be_bytes(bytes)
                    } else {
                        f32::from_le_bytes(bytes)
                    };
                    out.copy_from_slice(&code_from_unit_float(value).to_le_bytes());
                }
            }
        }
    }
}

/// 0 to 1 over all 16-bit codes, rounded to nearest; what lies outside is clipped, and NaN is black.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn code_from_unit_float(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * 65_535.0 + 0.5) as u16
}

fn word_at(bytes: &[u8], offset: usize, big_endian: bool) -> u16 {
    let bytes = [bytes[offset], bytes[offset + 1]];
    if big_endian {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    }
}

/// Copies one byte of every `step`. The usual steps are constants, so that the loops become shuffles.
fn copy_bytes(row: &[u8], step: usize, offset: usize, out: &mut [u8]) {
    fn strided<const STEP: usize>(row: &[u8], offset: usize, out: &mut [u8]) {
        let (pixels, _) = row.as_chunks::<STEP>();
        for (out, pixel) in out.iter_mut().zip(pixels) {
            *out = pixel[offset % STEP];
        }
    }
    match step {
        1 => out.copy_from_slice(&row[offset..offset + out.len()]),
        2 => strided::<2>(row, offset, out),
        3 => strided::<3>(row, offset, out),
        4 => strided::<4>(row, offset, out),
        _ => {
            for (out, pixel) in out.iter_mut().zip(row.chunks(step)) {
                *out = pixel[offset];
            }
        }
    }
}

/// Copies one 16-bit word of every `step` bytes, shifted into the low bits, little-endian.
fn copy_words(row: &[u8], component: &Component, big_endian: bool, out: &mut [u8]) {
    fn strided<const STEP: usize>(
        row: &[u8],
        offset: usize,
        out: &mut [u8],
        value: impl Fn([u8; 2]) -> u16,
    ) {
        let (pixels, _) = row.as_chunks::<STEP>();
        let (out, _) = out.as_chunks_mut::<2>();
        // Both bytes lie in the pixel; the remainder only tells the compiler.
        let offset = offset % (STEP - 1);
        for (out, pixel) in out.iter_mut().zip(pixels) {
            *out = value([pixel[offset], pixel[offset + 1]]).to_le_bytes();
        }
    }
    let Component {
        step, shift, depth, ..
    } = *component;
    let offset = component.offset.unsigned_abs();
    let mask = u16::MAX >> (16 - depth.clamp(1, 16));
    if step == 2 && shift == 0 && depth == 16 && !big_endian {
        out.copy_from_slice(&row[offset..offset + out.len()]);
        return;
    }
    let value = |bytes: [u8; 2]| (word_at(&bytes, 0, big_endian) >> shift) & mask;
    match step {
        2 => strided::<2>(row, offset, out, value),
        4 => strided::<4>(row, offset, out, value),
        6 => strided::<6>(row, offset, out, value),
        8 => strided::<8>(row, offset, out, value),
        _ => {
            for (out, pixel) in out.chunks_exact_mut(2).zip(row.chunks(step)) {
                let word = (word_at(pixel, offset, big_endian) >> shift) & mask;
                out.copy_from_slice(&word.to_le_bytes());
            }
        }
    }
}

/// The palette's entries are words with alpha in the highest byte, then red, green and blue.
fn repack_palette(source: &SourceRows<'_>, target: &TargetRows<'_>) {
    let (entries, _) = source.palette().as_chunks::<4>();
    for y in 0..target.rows(0) {
        let row = source.row(0, y);
        for (plane, shift) in [(2, 16), (0, 8), (1, 0), (3, 24)] {
            for (out, &index) in target.row(plane, y).iter_mut().zip(row) {
                let colour = u32::from_ne_bytes(entries[usize::from(index)]);
                *out = u8::try_from((colour >> shift) & 0xff).unwrap_or(0);
            }
        }
    }
}

fn is_of(frame: &ffmpeg::frame::Video, format: AVPixelFormat, size: Size) -> bool {
    #[expect(unsafe_code, reason = "the wrapper turns the number into an enum")]
    // SAFETY: reads fields of a live frame.
    let (raw, is_filled) = unsafe {
        (
            (*frame.as_ptr()).format,
            !(*frame.as_ptr()).data[0].is_null(),
        )
    };
    raw == format as i32
        && (frame.width(), frame.height()) == (size.width(), size.height())
        && is_filled
}

fn prepare_target(
    target: &mut ffmpeg::frame::Video,
    format: AVPixelFormat,
    size: Size,
) -> Result<(), RepackError> {
    #[expect(unsafe_code, reason = "frames are made of raw pointers")]
    // SAFETY: the frame is alive and borrowed mutably; it has no buffers where some are made.
    unsafe {
        let frame = target.as_mut_ptr();
        if !(*frame).data[0].is_null() {
            let strides = (*frame).linesize;
            let fits = is_of(target, format, size) && strides.iter().all(|&stride| stride >= 0);
            return if fits {
                Ok(())
            } else {
                Err(RepackError::WrongTarget)
            };
        }
        (*frame).format = format as i32;
        target.set_width(size.width());
        target.set_height(size.height());
        if ffi::av_frame_get_buffer(target.as_mut_ptr(), 0) < 0 {
            return Err(RepackError::OutOfMemory);
        }
    }
    Ok(())
}

/// Copies everything but the samples, and tags what became RGB as such.
fn copy_properties(
    source: &ffmpeg::frame::Video,
    target: &mut ffmpeg::frame::Video,
    source_format: AVPixelFormat,
) {
    let Some(descriptor) = Descriptor::of(source_format) else {
        return;
    };
    #[expect(unsafe_code, reason = "the wrapper copies fewer fields")]
    // SAFETY: both frames are alive, and the target is borrowed mutably.
    unsafe {
        let frame = target.as_mut_ptr();
        ffi::av_frame_copy_props(frame, source.as_ptr());
        let becomes_rgb = descriptor.is_rgb()
            || descriptor.is_palette()
            || descriptor.is_xyz()
            || (descriptor.is_gray() && descriptor.has_alpha());
        if becomes_rgb {
            (*frame).colorspace = ffi::AVColorSpace::AVCOL_SPC_RGB;
        }
        if becomes_rgb || descriptor.is_bit_stream() || descriptor.is_float() {
            (*frame).color_range = ffi::AVColorRange::AVCOL_RANGE_JPEG;
        }
        if descriptor.is_xyz() {
            // What swscale makes of it.
            (*frame).color_primaries = ffi::AVColorPrimaries::AVCOL_PRI_BT709;
            (*frame).color_trc = ffi::AVColorTransferCharacteristic::AVCOL_TRC_GAMMA22;
        }
    }
}

#[cfg(test)]
mod tests;
