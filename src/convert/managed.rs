//! Colours that pass through linear light, fast: [`ManagedColor`] by tables.
//!
//! Each curve is a table of one variable, read with linear interpolation; matrices and the gamut fit
//! are computed. A three-dimensional table would be quicker, but one of a reasonable size errs by
//! several code values where the gamut fit or the tone curve bends.

use super::fixed::code_per_sample;
use super::gamut;
use super::light::{self, HLG_PEAK_NITS, HLG_SYSTEM_GAMMA};
use super::matrix::f32_from;
use super::pipeline::ManagedColor;
use super::simd::ScaledRows;
use crate::media::{Primaries, SampleDepth, TransferFunction};

/// Intervals of a table. Curves are steepest near black, where tables of roots are used instead.
const INTERVALS: u16 = 4096;

/// A function on 0..1.
#[derive(Debug)]
struct Curve(Box<[f32]>);

impl Curve {
    fn new(function: impl Fn(f64) -> f64) -> Self {
        let at = |index| f32_from(function(f64::from(index) / f64::from(INTERVALS)));
        // One more than needed, so that the end of the range has a right neighbour.
        Self((0..=INTERVALS + 1).map(at).collect())
    }

    /// The function at `x`, which is clamped to 0..1.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the table just before"
    )]
    fn at(&self, x: f32) -> f32 {
        let scaled = x.clamp(0.0, 1.0) * f32::from(INTERVALS);
        let index = scaled as usize;
        let (low, high) = (self.0[index], self.0[index + 1]);
        low + (high - low) * (scaled - index as f32)
    }
}

/// The tone curve's gain by the fourth root of the brightest component's share of `peak_nits`.
#[derive(Debug)]
struct ToneGain {
    peak_nits: f32,
    gain: Curve,
}

/// [`ManagedColor`] for 15-bit samples of one depth.
#[derive(Debug)]
pub(super) struct ManagedTables {
    matrix: [[f32; 4]; 3],
    alpha_gain: f32,
    linearize: Curve,
    /// HLG's OOTF: the weights of luminance, and the gain by luminance's square root.
    hlg: Option<([f32; 3], Curve)>,
    tone: Option<ToneGain>,
    gamut: [[f32; 3]; 3],
    /// Output codes, 0..255, by the square root of light.
    encode: Curve,
}

impl ManagedTables {
    pub(super) fn new(color: &ManagedColor, depth: SampleDepth) -> Self {
        let scale = code_per_sample(depth);
        let hlg = (color.source == TransferFunction::Hlg).then(|| {
            let gain = |root: f64| HLG_PEAK_NITS * (root * root).powf(HLG_SYSTEM_GAMMA - 1.0);
            (color.luminance.map(f32_from), Curve::new(gain))
        });
        let tone = color.tone.map(|tone| {
            // PQ goes up to 10,000 whatever peak is stated, and the gain falls off above the peak.
            let peak_nits = if hlg.is_some() { HLG_PEAK_NITS } else { 10_000.0 };
            let gain = Curve::new(|root: f64| tone.gain(root.powi(4) * peak_nits));
            ToneGain { peak_nits: f32_from(peak_nits), gain }
        });
        Self {
            matrix: color
                .matrix
                .m
                .map(|[a, b, c, d]| [a * scale, b * scale, c * scale, d].map(f32_from)),
            alpha_gain: f32_from(255.0 * scale / f64::from(depth.max_code())),
            linearize: Curve::new(|signal| light::linearize(color.source, signal)),
            hlg,
            tone,
            gamut: color.gamut.map(|row| row.map(f32_from)),
            encode: Curve::new(|root| 255.0 * light::encode(color.output, root * root)),
        }
    }

    /// Turns colour rows into `out.len() / 4` pixels of RGBA8.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "floats turn into integers with saturation"
    )]
    pub(super) fn pack_row(&self, rows: &ScaledRows<'_>, out: &mut [u8]) {
        let [first, second, third] = rows.colours;
        let weights = gamut::luminance_weights(Primaries::Bt709).map(f32_from);
        for (index, pixel) in out.chunks_exact_mut(4).enumerate() {
            let samples = [first[index], second[index], third[index]].map(f32::from);
            let rgb = self
                .matrix
                .map(|[a, b, c, d]| a * samples[0] + b * samples[1] + c * samples[2] + d);
            let light = self.relative_light(rgb.map(|c| self.linearize.at(c)));
            let fitted = fit(apply(&self.gamut, light), weights);
            for (slot, c) in pixel.iter_mut().zip(fitted) {
                *slot = (self.encode.at(c.max(0.0).sqrt()) + 0.5) as u8;
            }
            pixel[3] = rows
                .alpha
                .map_or(255, |alpha| (f32::from(alpha[index]) * self.alpha_gain + 0.5) as u8);
        }
    }

    /// Light relative to the display's white, tone-mapped, from what `linearize` gives.
    #[inline]
    fn relative_light(&self, light: [f32; 3]) -> [f32; 3] {
        let light = match &self.hlg {
            None => light,
            Some((weights, gain)) => {
                let gain = gain.at(dot(*weights, light).max(0.0).sqrt());
                light.map(|c| c * gain)
            }
        };
        match &self.tone {
            None => light,
            Some(ToneGain { peak_nits, gain }) => {
                let peak = light[0].max(light[1]).max(light[2]);
                let gain = gain.at((peak / peak_nits).sqrt().sqrt());
                light.map(|c| c * gain)
            }
        }
    }
}

#[inline]
fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline]
fn apply(matrix: &[[f32; 3]; 3], v: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| dot(row, v))
}

/// [`gamut::fit_bt709`] in single precision.
#[inline]
fn fit(light: [f32; 3], weights: [f32; 3]) -> [f32; 3] {
    let least = light[0].min(light[1]).min(light[2]);
    let most = light[0].max(light[1]).max(light[2]);
    if least >= 0.0 && most <= 1.0 {
        return light;
    }
    let gray = dot(light, weights).clamp(0.0, 1.0);
    let above = if most > 1.0 { (1.0 - gray) / (most - gray) } else { 1.0 };
    let below = if least < 0.0 { gray / (gray - least) } else { 1.0 };
    let share = above.min(below);
    light.map(|c| gray + (c - gray) * share)
}
