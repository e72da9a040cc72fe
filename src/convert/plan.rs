//! What a conversion works out once, for as long as frames and job stay alike.

use std::ops::Range;

use super::fixed::{ColumnTaps, FixedMatrix, RowTaps};
use super::kernel::Taps;
use super::managed::ManagedTables;
use super::pipeline::ColorPath;
use super::simd::SampleKind;
use super::{ConvertError, ConvertJob, stored_output};
use crate::media::{
    ColorInfo, ColorModel, PixelFormat, PlaneArrangement, Size, Subsampling, VideoFrame,
};

/// Everything that a plan depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlanKey {
    pub(super) size: Size,
    pub(super) format: PixelFormat,
    pub(super) color: ColorInfo,
    pub(super) job: ConvertJob,
}

impl PlanKey {
    /// The key of a frame and a job, the frame's planes checked against its format.
    pub(super) fn new(frame: &VideoFrame, job: &ConvertJob) -> Result<Self, ConvertError> {
        check_planes(frame)?;
        Ok(Self {
            size: frame.size,
            format: frame.format,
            color: frame.color,
            job: *job,
        })
    }
}

/// Checks that a frame's format makes sense and that its planes have the size that it asks for.
pub(super) fn check_planes(frame: &VideoFrame) -> Result<(), ConvertError> {
    let format = frame.format;
    let subsampling = format.subsampling;
    let plain = format.arrangement == PlaneArrangement::Planar && subsampling == Subsampling::S444;
    if (format.model != ColorModel::Yuv && !plain) || subsampling.log2_x.max(subsampling.log2_y) > 2
    {
        return Err(ConvertError::UnsupportedFormat(format));
    }
    let fits = |index: usize| {
        let plane = frame.plane(index);
        plane.rows >= format.plane_size(index, frame.size).1
            && plane.row_bytes >= format.row_bytes(index, frame.size)
    };
    if frame.storage.plane_count() != format.plane_count() || !(0..format.plane_count()).all(fits) {
        return Err(ConvertError::WrongPlanes {
            format,
            size: frame.size,
        });
    }
    Ok(())
}

/// A part of the scaled picture that one thread makes: some of its rows and columns, before it is
/// transposed.
#[derive(Debug)]
pub(super) struct Tile {
    pub(super) rows: Range<usize>,
    pub(super) across: AxisTaps<ColumnTaps>,
}

/// Taps along one axis for luma (and alpha, and R, G, B) and for colour differences.
#[derive(Debug)]
pub(super) struct AxisTaps<T> {
    pub(super) full: T,
    pub(super) chroma: T,
}

impl<T> AxisTaps<T> {
    /// The taps of component `index`.
    pub(super) fn of(&self, is_chroma: bool) -> &T {
        if is_chroma { &self.chroma } else { &self.full }
    }
}

/// How scaled samples become RGBA8.
#[derive(Debug)]
pub(super) enum PackPlan {
    Direct(FixedMatrix),
    Managed(Box<ManagedTables>),
}

/// One plane to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaneUse {
    /// Place of the plane in the frame.
    pub(super) index: usize,
    /// Component that its samples belong to, 0 to 2, 3 being alpha; the first of two in a shared plane.
    pub(super) component: usize,
    /// Components in the plane.
    pub(super) parts: usize,
    /// Whether it has the colour differences' taps.
    pub(super) is_chroma: bool,
}

/// A conversion, worked out.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) key: PlanKey,
    pub(super) kind: SampleKind,
    pub(super) planes: Vec<PlaneUse>,
    /// The taps of all rows.
    pub(super) down: AxisTaps<RowTaps>,
    pub(super) tiles: Vec<Tile>,
    pub(super) pack: PackPlan,
    /// Whether rows become columns after scaling.
    pub(super) transposed: bool,
}

impl Plan {
    /// Plans `tiles` parts of about the same size, fewer where the picture is small.
    pub(super) fn new(key: PlanKey, tiles: usize) -> Self {
        let stored = stored_output(&key.job);
        // Mirrored axes are read backwards; what remains of a turn is to exchange rows and columns.
        let [a, b, _, d, e, _] = key.job.orientation.stored_from_shown();
        let down_taps = axis_taps(&key, stored.height(), d + e < 0.0, false);
        let across_taps = axis_taps(&key, stored.width(), a + b < 0.0, true);
        let transposed = key.job.orientation.is_transposing();
        let (rows, columns) = (stored.height() as usize, stored.width() as usize);
        let split = if transposed { columns } else { rows };
        let tiles = split_evenly(split, tiles)
            .map(|part| {
                let (rows, columns) = if transposed {
                    (0..rows, part)
                } else {
                    (part, 0..columns)
                };
                Tile {
                    rows,
                    across: AxisTaps {
                        full: ColumnTaps::new(&across_taps[0], columns.clone()),
                        chroma: ColumnTaps::new(&across_taps[1], columns),
                    },
                }
            })
            .collect();
        let pack = match ColorPath::new(&key.color, key.format) {
            ColorPath::Direct(matrix) => {
                PackPlan::Direct(FixedMatrix::new(&matrix, key.format.depth))
            }
            ColorPath::Managed(managed) => {
                PackPlan::Managed(Box::new(ManagedTables::new(&managed, key.format.depth)))
            }
        };
        Self {
            kind: SampleKind::new(key.format),
            planes: plane_uses(key.format),
            down: AxisTaps {
                full: RowTaps::new(&down_taps[0]),
                chroma: RowTaps::new(&down_taps[1]),
            },
            tiles,
            pack,
            transposed,
            key,
        }
    }
}

/// The taps of luma and of colour differences along one axis.
fn axis_taps(key: &PlanKey, outputs: u32, reversed: bool, horizontal: bool) -> [Taps; 2] {
    let subsampling = key.format.subsampling;
    let (offset_x, offset_y) = key.color.siting.offset();
    let (len, offset, log2) = if horizontal {
        (key.size.width(), offset_x, subsampling.log2_x)
    } else {
        (key.size.height(), offset_y, subsampling.log2_y)
    };
    [0, log2].map(|log2| {
        let taps = Taps::for_axis(len, outputs, offset, log2);
        if reversed { taps.reversed() } else { taps }
    })
}

/// `0..count` in up to `parts` ranges of nearly the same length, none of them short.
fn split_evenly(count: usize, parts: usize) -> impl Iterator<Item = Range<usize>> {
    /// Fewer rows are not worth a thread.
    const LEAST: usize = 32;
    let parts = parts.clamp(1, (count / LEAST).max(1));
    (0..parts).map(move |part| count * part / parts..count * (part + 1) / parts)
}

fn plane_uses(format: PixelFormat) -> Vec<PlaneUse> {
    let alpha_index = format.plane_count() - 1;
    (0..format.plane_count())
        .map(|index| {
            let is_chroma = format.is_chroma(index);
            let is_alpha = format.alpha && index == alpha_index;
            PlaneUse {
                index,
                component: if is_alpha { 3 } else { index },
                parts: if is_chroma && format.arrangement == PlaneArrangement::SemiPlanar {
                    2
                } else {
                    1
                },
                is_chroma,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once() {
        for (count, parts) in [(1, 4), (31, 2), (64, 2), (720, 3), (721, 16)] {
            let ranges: Vec<_> = split_evenly(count, parts).collect();
            assert!(ranges.len() <= parts.max(1));
            assert_eq!(ranges.first().map(|r| r.start), Some(0));
            assert_eq!(ranges.last().map(|r| r.end), Some(count));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }

    #[test]
    fn alpha_comes_last_in_every_format() {
        let nv12 = PixelFormat {
            alpha: true,
            ..PixelFormat::NV12
        };
        let uses = plane_uses(nv12);
        assert_eq!(
            uses.iter().map(|p| p.component).collect::<Vec<_>>(),
            [0, 1, 3]
        );
        assert_eq!(uses[1].parts, 2);
        let gray = PixelFormat {
            model: ColorModel::Gray,
            ..PixelFormat::YUV420P8
        };
        assert_eq!(plane_uses(gray).len(), 1);
    }
}
