//! The numbers that the conversion shader works with, taken from [`crate::convert`].

use crate::convert::ConvertJob;
use crate::convert::gamut;
use crate::convert::kernel::Axis;
use crate::convert::light;
use crate::convert::pipeline::{ColorPath, ManagedColor};
use crate::media::{ColorModel, Orientation, Primaries, Size, TransferFunction, VideoFrame};

/// The uniform buffer, laid out as `struct Job` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct JobUniform {
    rgb_from_codes: [[f32; 4]; 3],
    bt709_from_source: [[f32; 4]; 3],
    luminance: [f32; 4],
    luma_axis: [f32; 4],
    chroma_axis: [f32; 4],
    radius: [f32; 4],
    last_sample: [i32; 4],
    stored_from_shown: [i32; 4],
    stored_origin: [i32; 4],
    alpha_scale: f32,
    tone_peak: f32,
    padding: [f32; 2],
}

impl JobUniform {
    /// The numbers for one frame.
    pub(super) fn new(frame: &VideoFrame, job: &ConvertJob, path: &ColorPath) -> Self {
        let stored_out = job.orientation.apply(job.out);
        let luma = axes(frame, stored_out, false);
        let chroma = axes(frame, stored_out, true);
        let (stored_from_shown, origin) = index_map(job.orientation, stored_out);
        let managed = ManagedNumbers::new(path);
        Self {
            rgb_from_codes: path.matrix().m.map(|row| row.map(f32_from)),
            bt709_from_source: managed.bt709_from_source,
            luminance: managed.luminance,
            luma_axis: axis_numbers(&luma),
            chroma_axis: axis_numbers(&chroma),
            radius: [
                luma[0].radius,
                luma[1].radius,
                chroma[0].radius,
                chroma[1].radius,
            ]
            .map(f32_from),
            last_sample: [&luma[0], &luma[1], &chroma[0], &chroma[1]]
                .map(|axis| signed(u32::try_from(axis.samples).unwrap_or(1)) - 1),
            stored_from_shown,
            stored_origin: [
                origin[0],
                origin[1],
                signed(job.out.width()),
                signed(job.out.height()),
            ],
            alpha_scale: f32_from(1.0 / f64::from(frame.format.depth.max_code())),
            tone_peak: managed.tone_peak,
            padding: [0.0; 2],
        }
    }
}

/// The parts that only the way through linear light needs.
struct ManagedNumbers {
    bt709_from_source: [[f32; 4]; 3],
    luminance: [f32; 4],
    tone_peak: f32,
}

impl ManagedNumbers {
    fn new(path: &ColorPath) -> Self {
        let ColorPath::Managed(managed) = path else {
            return Self {
                bt709_from_source: [[0.0; 4]; 3],
                luminance: [0.0; 4],
                tone_peak: 1.0,
            };
        };
        let weights = gamut::luminance_weights(Primaries::Bt709);
        let mut rows = [[0.0; 4]; 3];
        for ((row, source), weight) in rows.iter_mut().zip(managed.gamut).zip(weights) {
            *row = [source[0], source[1], source[2], weight].map(f32_from);
        }
        let [r, g, b] = managed.luminance;
        let hlg_peak = if managed.source == TransferFunction::Hlg {
            light::HLG_PEAK_NITS
        } else {
            0.0
        };
        Self {
            bt709_from_source: rows,
            luminance: [r, g, b, hlg_peak].map(f32_from),
            tone_peak: f32_from(tone_peak(managed)),
        }
    }
}

/// Light at the end of the gain table. SDR's gain is 1 throughout, and its light never exceeds this.
fn tone_peak(managed: &ManagedColor) -> f64 {
    managed.tone.map_or(1.0, |tone| tone.source_peak_nits)
}

/// Horizontal and vertical axis of full-size or of colour planes.
fn axes(frame: &VideoFrame, stored_out: Size, colour: bool) -> [Axis; 2] {
    let format = frame.format;
    let (log2_x, log2_y) = if colour && format.model == ColorModel::Yuv {
        (format.subsampling.log2_x, format.subsampling.log2_y)
    } else {
        (0, 0)
    };
    let (offset_x, offset_y) = frame.color.siting.offset();
    [
        Axis::new(frame.size.width(), stored_out.width(), offset_x, log2_x),
        Axis::new(frame.size.height(), stored_out.height(), offset_y, log2_y),
    ]
}

fn axis_numbers(axes: &[Axis; 2]) -> [f32; 4] {
    [axes[0].step, axes[1].step, axes[0].origin, axes[1].origin].map(f32_from)
}

/// How column and row of the stored picture follow from those shown: weights `[x, y, x, y]` of both,
/// and their constants.
fn index_map(orientation: Orientation, stored_out: Size) -> ([i32; 4], [i32; 2]) {
    let [a, b, _, d, e, _] = orientation.stored_from_shown();
    let sign = |value: f32| i32::from(value > 0.5) - i32::from(value < -0.5);
    let map = [sign(a), sign(b), sign(d), sign(e)];
    // An axis that runs backwards starts at its last pixel.
    let start = |forwards: bool, length: u32| if forwards { 0 } else { signed(length) - 1 };
    let origin = [
        start(map[0] + map[1] > 0, stored_out.width()),
        start(map[2] + map[3] > 0, stored_out.height()),
    ];
    (map, origin)
}

fn signed(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding to what the GPU takes"
)]
pub(super) fn f32_from(value: f64) -> f32 {
    value as f32
}

/// The curves of the way through linear light, as tables.
///
/// Tables instead of formulas in the shader keep one definition of each curve, and do not depend on
/// how exact a GPU's `pow` is: PQ raises to the 79th power, which multiplies every error.
pub(super) struct LookupTables {
    values: Vec<f32>,
}

impl LookupTables {
    /// Intervals of each table, as in the shader. Linear interpolation between so many errs by less
    /// than a tenth of an 8-bit code for every curve.
    const STEPS: u32 = 1024;
    /// Bytes of all tables.
    pub(super) const BYTES: usize = 3 * (Self::STEPS as usize + 1) * size_of::<f32>();

    /// The tables for one kind of source.
    pub(super) fn new(managed: &ManagedColor) -> Self {
        let peak = tone_peak(managed);
        let curve = |value: &dyn Fn(f64) -> f64| {
            (0..=Self::STEPS)
                .map(|step| f32_from(value(f64::from(step) / f64::from(Self::STEPS))))
                .collect::<Vec<_>>()
        };
        let light = curve(&|signal| light::linearize(managed.source, signal));
        let gain = curve(&|root| {
            managed
                .tone
                .map_or(1.0, |tone| tone.gain(peak * root.powi(4)))
        });
        let signal = curve(&|root| light::encode(managed.output, root * root));
        Self {
            values: [light, gain, signal].concat(),
        }
    }

    /// All values, table after table.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_maps_corners_onto_corners() {
        let shown = Size::new(5, 3).unwrap();
        for (mirrored, turns) in [false, true]
            .into_iter()
            .flat_map(|m| (0..4).map(move |t| (m, t)))
        {
            let orientation = Orientation::new(mirrored, turns);
            let stored = orientation.apply(shown);
            let (map, origin) = index_map(orientation, stored);
            for (x, y) in [(0, 0), (4, 0), (0, 2), (4, 2), (1, 1)] {
                let column = map[0] * x + map[1] * y + origin[0];
                let row = map[2] * x + map[3] * y + origin[1];
                // The same through the map of unit coordinates, at the pixel's centre.
                let unit = orientation.stored_from_shown().map(f64::from);
                let across = (f64::from(x) + 0.5) / 5.0;
                let down = (f64::from(y) + 0.5) / 3.0;
                let stored_at = |row: &[f64]| row[0] * across + row[1] * down + row[2];
                let expected_column = stored_at(&unit[..3]) * f64::from(stored.width());
                let expected_row = stored_at(&unit[3..]) * f64::from(stored.height());
                assert_eq!(
                    (f64::from(column), f64::from(row)),
                    (expected_column.floor(), expected_row.floor())
                );
            }
        }
    }

    #[test]
    fn the_uniform_has_the_size_of_the_shaders_struct() {
        let module =
            naga::front::wgsl::parse_str(super::super::gpu_converter::CONVERT_WGSL).unwrap();
        let (_, job) = module
            .types
            .iter()
            .find(|(_, ty)| ty.name.as_deref() == Some("Job"))
            .expect("the shader declares Job");
        let naga::TypeInner::Struct { span, .. } = job.inner else {
            panic!("Job is a struct")
        };
        assert_eq!(span as usize, size_of::<JobUniform>());
    }
}
