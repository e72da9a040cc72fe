//! The fast conversion.
//!
//! Row by row of the output, everything happens in a few rows of scratch memory that stay in the
//! first- and second-level caches; only the source and the result touch main memory:
//!
//! 1. each plane's source rows are mixed into one row of 15-bit samples,
//! 2. that row is scaled to the output's width,
//! 3. the rows of all planes become RGBA8.
//!
//! Rows are mixed before columns because that way is contiguous and needs no transposition, and since a
//! source row is read by few output rows, no result of it is worth keeping.
//!
//! What was measured (one thread of an AMD EPYC of 2024 with AVX2, CPU time, 4K 8-bit 4:2:0 from main
//! memory to 1280x720):
//!
//! | way | ms |
//! |---|---|
//! | this | 2.4 (2.2 without bounds checks) |
//! | without fetching rows ahead | 3.0 |
//! | the same with rows mixed by `madd` in 32 bits, columns by windows only | 2.9, but 1.0 for unscaled 720p, not 0.6 |
//! | `fast_image_resize` 6 on each plane, then `yuv` 0.8 | 6.2 |
//! | `yuv` 0.8 at 4K, then `fast_image_resize` 6 | 7.8 |
//! | swscale, bilinear / bicubic | 6 / 8 |
//!
//! `yuv` alone is quicker where nothing is scaled (0.35 ms for 720p, 0.6 here), but offers no choice of
//! siting; `fast_image_resize` crops at fractions of a sample, but not beyond the first one, where
//! left-sited colour begins. Both make whole pictures in between. swscale's default flags err by several
//! codes.

use std::thread;

use super::fixed::ColumnTaps;
use super::plan::{PackPlan, Plan, PlanKey, PlaneUse, Tile};
use super::simd::{RowMix, ScaledRows, Simd};
use super::{ConvertError, ConvertJob};
use crate::media::{ColorModel, VideoFrame};

/// Output columns that are collected before they are written as rows, when a picture is transposed:
/// 16 pixels fill one cache line.
const TRANSPOSE_BLOCK: usize = 16;

/// Converts frames on the CPU.
///
/// It keeps what it worked out for the last kind of frame and job, and its scratch memory: converting
/// more of the same kind allocates nothing (with more than one thread, only what starting threads
/// takes). Not to be shared between threads; make one for each.
#[derive(Debug)]
pub struct CpuConverter {
    simd: Simd,
    threads: usize,
    plan: Option<Plan>,
    scratch: Vec<Scratch>,
}

/// Rows that one thread works in.
#[derive(Debug, Default)]
struct Scratch {
    /// Mixed source rows, by component; a shared plane's pairs first lie in `pairs`.
    mixed: [Vec<i16>; 4],
    pairs: Vec<i16>,
    /// Rows of the output's width, by component.
    scaled: [Vec<i16>; 4],
    /// Rows of RGBA8 that wait to be transposed.
    block: Vec<u8>,
}

impl CpuConverter {
    /// A converter that spreads each frame over `threads` threads (at least one: the caller's).
    pub fn new(threads: usize) -> Self {
        Self {
            simd: Simd::detect(),
            threads: threads.max(1),
            plan: None,
            scratch: Vec::new(),
        }
    }

    /// Converts `frame` to RGBA8 with straight alpha: `job.out` pixels, rows `out_stride` bytes apart.
    ///
    /// Bytes of `out` between rows are left alone. Fields are not separated: see
    /// [`super::deinterlace`].
    ///
    /// # Errors
    /// When `out` or `out_stride` are too small, or the frame's planes do not fit its format.
    pub fn convert(
        &mut self,
        frame: &VideoFrame,
        job: &ConvertJob,
        out: &mut [u8],
        out_stride: usize,
    ) -> Result<(), ConvertError> {
        let (width, height) = (job.out.width() as usize, job.out.height() as usize);
        let needed_bytes = out_stride * (height - 1) + width * 4;
        if out_stride < width * 4 || out.len() < needed_bytes {
            return Err(ConvertError::OutputTooSmall {
                needed_bytes,
                given_bytes: out.len(),
            });
        }
        let key = PlanKey::new(frame, job)?;
        if self.plan.as_ref().is_none_or(|plan| plan.key != key) {
            self.plan = None;
        }
        let plan = self
            .plan
            .get_or_insert_with(|| Plan::new(key, self.threads));
        if self.scratch.len() < plan.tiles.len() {
            self.scratch.resize_with(plan.tiles.len(), Scratch::default);
        }
        let out = &mut out[..needed_bytes];
        run_tiles(self.simd, plan, frame, &mut self.scratch, out, out_stride);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn portable() -> Self {
        Self {
            simd: Simd::Portable,
            ..Self::new(1)
        }
    }
}

/// Converts all tiles, the last of them on this thread. A tile whose thread cannot be started is
/// converted here as well.
fn run_tiles(
    simd: Simd,
    plan: &Plan,
    frame: &VideoFrame,
    scratch: &mut [Scratch],
    out: &mut [u8],
    out_stride: usize,
) {
    // A tile's output rows are its rows, or its columns where rows become columns.
    let mut rest = out;
    let mut jobs = plan
        .tiles
        .iter()
        .zip(scratch)
        .enumerate()
        .map(|(index, (tile, scratch))| {
            let rows = if plan.transposed {
                tile.across.full.outputs()
            } else {
                tile.rows.len()
            };
            let bytes = if index + 1 == plan.tiles.len() {
                rest.len()
            } else {
                rows * out_stride
            };
            let (own, others) = std::mem::take(&mut rest).split_at_mut(bytes);
            rest = others;
            TileRun {
                simd,
                plan,
                frame,
                tile,
                scratch,
                out: own,
                out_stride,
            }
        });
    let Some(first) = jobs.next() else { return };
    if plan.tiles.len() == 1 {
        return first.run();
    }
    thread::scope(|scope| {
        for job in jobs {
            // A thread that does not start drops its closure and the job with it; so the job stays
            // here, behind a cell, until one side takes it.
            let cell = std::sync::Arc::new(parking_lot::Mutex::new(Some(job)));
            let theirs = cell.clone();
            let run = move || {
                if let Some(job) = theirs.lock().take() {
                    job.run();
                }
            };
            let started = thread::Builder::new()
                .name("convert-tile".to_owned())
                .spawn_scoped(scope, run);
            if started.is_err()
                && let Some(job) = cell.lock().take()
            {
                job.run();
            }
        }
        first.run();
    });
}

/// One tile's conversion.
struct TileRun<'a> {
    simd: Simd,
    plan: &'a Plan,
    frame: &'a VideoFrame,
    tile: &'a Tile,
    scratch: &'a mut Scratch,
    out: &'a mut [u8],
    out_stride: usize,
}

impl TileRun<'_> {
    fn run(mut self) {
        self.prepare_scratch();
        if self.plan.transposed {
            self.run_transposed();
        } else {
            self.run_straight();
        }
    }

    /// Gives rows the sizes that this tile needs.
    fn prepare_scratch(&mut self) {
        for plane in &self.plan.planes {
            let taps = self.tile.across.of(plane.is_chroma);
            for part in 0..plane.parts {
                self.scratch.mixed[plane.component + part].resize(taps.padded_samples(), 0);
                self.scratch.scaled[plane.component + part].resize(taps.outputs(), 0);
            }
            if plane.parts == 2 {
                self.scratch.pairs.resize(2 * taps.samples().len(), 0);
            }
        }
        if self.plan.transposed {
            self.scratch
                .block
                .resize(TRANSPOSE_BLOCK * self.tile.across.full.outputs() * 4, 0);
        }
    }

    fn run_straight(&mut self) {
        let width_bytes = self.tile.across.full.outputs() * 4;
        let out = std::mem::take(&mut self.out);
        for (row, line) in self.tile.rows.clone().zip(out.chunks_mut(self.out_stride)) {
            self.make_row(row, &mut line[..width_bytes]);
        }
    }

    /// Makes some rows and writes them as columns, again and again.
    fn run_transposed(&mut self) {
        let width = self.tile.across.full.outputs();
        let mut block = std::mem::take(&mut self.scratch.block);
        let mut start = self.tile.rows.start;
        while start < self.tile.rows.end {
            let rows = (self.tile.rows.end - start).min(TRANSPOSE_BLOCK);
            for (row, line) in (start..start + rows).zip(block.chunks_exact_mut(width * 4)) {
                self.make_row(row, line);
            }
            for (column, line) in self.out.chunks_mut(self.out_stride).enumerate().take(width) {
                let pixels = line[start * 4..(start + rows) * 4].chunks_exact_mut(4);
                for (pixel, row) in pixels.zip(block.chunks_exact(width * 4)) {
                    pixel.copy_from_slice(&row[column * 4..column * 4 + 4]);
                }
            }
            start += rows;
        }
        self.scratch.block = block;
    }

    /// Makes row `row` of the scaled picture.
    fn make_row(&mut self, row: usize, out: &mut [u8]) {
        for plane in &self.plan.planes {
            self.mix_plane(plane, row);
            let taps = self.tile.across.of(plane.is_chroma);
            if !taps.is_identity() {
                let components = plane.component..plane.component + plane.parts;
                let mixed = &self.scratch.mixed[components.clone()];
                for (mixed, scaled) in mixed.iter().zip(&mut self.scratch.scaled[components]) {
                    self.simd.scale_row(mixed, taps, scaled);
                }
            }
        }
        let component = |index: usize, taps: &ColumnTaps| {
            let rows = if taps.is_identity() {
                &self.scratch.mixed
            } else {
                &self.scratch.scaled
            };
            &rows[index][..]
        };
        let across = &self.tile.across;
        let first = component(0, &across.full);
        let format = self.plan.key.format;
        let colours = if format.model == ColorModel::Gray {
            [first; 3]
        } else {
            let taps = across.of(format.model == ColorModel::Yuv);
            [first, component(1, taps), component(2, taps)]
        };
        let alpha = format.alpha.then(|| component(3, &across.full));
        let rows = ScaledRows { colours, alpha };
        match &self.plan.pack {
            PackPlan::Direct(matrix) => self.simd.pack_row(&rows, matrix, out),
            PackPlan::Managed(tables) => tables.pack_row(&rows, out),
        }
    }

    /// Mixes the source rows of one plane for output row `row`.
    fn mix_plane(&mut self, plane: &PlaneUse, row: usize) {
        let down = self.plan.down.of(plane.is_chroma);
        let samples = self.tile.across.of(plane.is_chroma).samples();
        let mix = RowMix {
            plane: self.frame.plane(plane.index),
            first: down.first(row),
            weights: down.weights(row),
            skip_bytes: samples.start * plane.parts * self.plan.kind.bytes,
            kind: self.plan.kind,
            ahead: down.ahead(row),
        };
        let Scratch { mixed, pairs, .. } = self.scratch;
        if plane.parts == 1 {
            self.simd
                .mix_rows(&mix, &mut mixed[plane.component][..samples.len()]);
        } else if let [first, second] = &mut mixed[plane.component..plane.component + 2] {
            self.simd.mix_rows(&mix, pairs);
            self.simd.part_pairs(
                pairs,
                &mut first[..samples.len()],
                &mut second[..samples.len()],
            );
        }
    }
}
