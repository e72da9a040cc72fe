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
const INTERVALS: u16 = 4000;

/// Pixels that are worked on at once, so that the compiler makes vectors of them.
const LANES: usize = 16;

/// One component of some neighbouring pixels.
type Lanes = [f32; LANES];

/// A function on 0..1.
#[derive(Debug)]
struct Curve(Box<[f32; INTERVALS as usize + 2]>);

impl Curve {
    fn new(function: impl Fn(f64) -> f64) -> Self {
        // One point more than needed, so that the end of the range has a right neighbour.
        let mut points = Box::new([0.0; INTERVALS as usize + 2]);
        for (point, index) in points.iter_mut().zip(0_u16..) {
            *point = f32_from(function(f64::from(index) / f64::from(INTERVALS)));
        }
        Self(points)
    }

    /// Replaces each `x` by the function there. It is clamped to 0..1.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to the table just before"
    )]
    fn apply(&self, lanes: &mut Lanes) {
        for x in lanes {
            let scaled = x.clamp(0.0, 1.0) * f32::from(INTERVALS);
            let index = (scaled as i32 as usize).min(usize::from(INTERVALS));
            let (low, high) = (self.0[index], self.0[index + 1]);
            *x = low + (high - low) * (scaled - index as f32);
        }
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
    /// Weights of BT.709's luminance.
    luminance: [f32; 3],
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
            let peak_nits = if hlg.is_some() {
                HLG_PEAK_NITS
            } else {
                10_000.0
            };
            let gain = Curve::new(|root: f64| tone.gain(root.powi(4) * peak_nits));
            ToneGain {
                peak_nits: f32_from(peak_nits),
                gain,
            }
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
            luminance: gamut::luminance_weights(Primaries::Bt709).map(f32_from),
            encode: Curve::new(|root| 255.0 * light::encode(color.output, root * root)),
        }
    }

    /// Turns colour rows into `out.len() / 4` pixels of RGBA8.
    pub(super) fn pack_row(&self, rows: &ScaledRows<'_>, out: &mut [u8]) {
        for (index, out) in out.chunks_mut(4 * LANES).enumerate() {
            let range = index * LANES..index * LANES + out.len() / 4;
            let samples = rows.colours.map(|row| read(&row[range.clone()]));
            let codes = self.codes_from_samples(&samples);
            let alpha = match rows.alpha {
                None => [255.0; LANES],
                Some(alpha) => read(&alpha[range]).map(|sample| sample * self.alpha_gain),
            };
            write(&codes, &alpha, out);
        }
    }

    /// Output codes, 0..255, of 15-bit samples.
    #[inline]
    fn codes_from_samples(&self, samples: &[Lanes; 3]) -> [Lanes; 3] {
        let mut colours = [[0.0; LANES]; 3];
        for (lanes, [a, b, c, d]) in colours.iter_mut().zip(self.matrix) {
            for (i, lane) in lanes.iter_mut().enumerate() {
                *lane = a * samples[0][i] + b * samples[1][i] + c * samples[2][i] + d;
            }
            self.linearize.apply(lanes);
        }
        self.render(&mut colours);
        let mut fitted = self.fit(&colours);
        for lanes in &mut fitted {
            for lane in lanes.iter_mut() {
                *lane = lane.max(0.0).sqrt();
            }
            self.encode.apply(lanes);
        }
        fitted
    }

    /// Makes light relative to the display's white, tone-mapped, of what `linearize` gives.
    #[inline]
    fn render(&self, colours: &mut [Lanes; 3]) {
        if let Some((weights, gain)) = &self.hlg {
            let mut gains = dot(*weights, colours);
            for lane in &mut gains {
                *lane = lane.max(0.0).sqrt();
            }
            gain.apply(&mut gains);
            multiply(colours, &gains);
        }
        if let Some(ToneGain { peak_nits, gain }) = &self.tone {
            let mut gains = [0.0; LANES];
            for (i, lane) in gains.iter_mut().enumerate() {
                let peak = colours[0][i].max(colours[1][i]).max(colours[2][i]);
                *lane = (peak / peak_nits).sqrt().sqrt();
            }
            gain.apply(&mut gains);
            multiply(colours, &gains);
        }
    }

    /// Brings light into the BT.709 gamut: [`gamut::fit_bt709`] in single precision, without branches.
    #[inline]
    fn fit(&self, colours: &[Lanes; 3]) -> [Lanes; 3] {
        let mut fitted = self.gamut.map(|row| dot(row, colours));
        let luminance = dot(self.luminance, &fitted);
        for i in 0..LANES {
            let least = fitted[0][i].min(fitted[1][i]).min(fitted[2][i]);
            let most = fitted[0][i].max(fitted[1][i]).max(fitted[2][i]);
            let gray = luminance[i].clamp(0.0, 1.0);
            let above = if most > 1.0 {
                (1.0 - gray) / (most - gray)
            } else {
                1.0
            };
            let below = if least < 0.0 {
                gray / (gray - least)
            } else {
                1.0
            };
            let share = above.min(below);
            for lanes in &mut fitted {
                lanes[i] = gray + (lanes[i] - gray) * share;
            }
        }
        fitted
    }
}

/// Weighted sums of three components.
#[inline]
fn dot(weights: [f32; 3], colours: &[Lanes; 3]) -> Lanes {
    let mut sums = [0.0; LANES];
    for (i, sum) in sums.iter_mut().enumerate() {
        *sum = weights[0] * colours[0][i] + weights[1] * colours[1][i] + weights[2] * colours[2][i];
    }
    sums
}

/// Multiplies all components by the same gains.
#[inline]
fn multiply(colours: &mut [Lanes; 3], gains: &Lanes) {
    for lanes in colours {
        for (lane, gain) in lanes.iter_mut().zip(gains) {
            *lane *= gain;
        }
    }
}

/// Up to [`LANES`] samples; the rest is zero.
#[inline]
fn read(samples: &[i16]) -> Lanes {
    let mut lanes = [0.0; LANES];
    for (lane, &sample) in lanes.iter_mut().zip(samples) {
        *lane = f32::from(sample);
    }
    lanes
}

/// Writes as many pixels as `out` holds.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "floats turn into integers with saturation"
)]
fn write(colours: &[Lanes; 3], alpha: &Lanes, out: &mut [u8]) {
    for (i, pixel) in out.chunks_exact_mut(4).enumerate() {
        for (slot, lanes) in pixel
            .iter_mut()
            .zip([&colours[0], &colours[1], &colours[2], alpha])
        {
            *slot = (lanes[i] + 0.5) as u8;
        }
    }
}
