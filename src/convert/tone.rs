//! Tone mapping: HDR light into what an SDR display can show.

use super::light::{nits_from_pq, pq_from_nits};
use crate::media::{HdrMetadata, TransferFunction};

/// Light of the SDR display's white, in cd/m²: the HDR reference white of ITU-R BT.2408-4, so that
/// diffuse white and faces are about as bright beside SDR material as they were graded.
pub const SDR_WHITE_NITS: f64 = 203.0;

/// Peak that is assumed for PQ material that states none, in cd/m²: the usual mastering display.
pub const DEFAULT_PEAK_NITS: f64 = 1000.0;

/// The peak of the light to be mapped, in cd/m²: what the content states (`MaxCLL`), else the mastering
/// display's, else [`DEFAULT_PEAK_NITS`]; 1000 for HLG, whose rendering fixes it. Never below
/// [`SDR_WHITE_NITS`], where mapping ends, nor above 10,000.
pub fn source_peak_nits(transfer: TransferFunction, hdr: Option<HdrMetadata>) -> f64 {
    if transfer == TransferFunction::Hlg {
        return super::light::HLG_PEAK_NITS;
    }
    let stated = |nits: Option<f32>| nits.filter(|&n| n > 0.0).map(f64::from);
    hdr.and_then(|hdr| stated(hdr.max_content_light_nits).or(stated(hdr.mastering_peak_nits)))
        .unwrap_or(DEFAULT_PEAK_NITS)
        .clamp(SDR_WHITE_NITS, 10_000.0)
}

/// The EETF of ITU-R BT.2390-8 §5.4.1, from a source of black 0 and a stated peak to a display of
/// black 0 and [`SDR_WHITE_NITS`].
///
/// It acts on the greatest of R, G and B, and all three are scaled alike: hues stay, and nothing
/// leaves the source's own gamut cube. (On luminance alone, saturated lights would still clip; on
/// each component by itself, hues turn.)
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToneCurve {
    /// Peak of the source, in cd/m².
    pub source_peak_nits: f64,
    /// The source's peak as a PQ signal.
    pub source_peak_pq: f64,
    /// The display's white relative to that, as PQ signals: `maxLum` of the report.
    pub max_lum: f64,
    /// Where the curve leaves the straight line: `KS` of the report, relative as above.
    pub knee_start: f64,
}

impl ToneCurve {
    /// The curve for a source with this peak, in cd/m².
    pub fn new(source_peak_nits: f64) -> Self {
        let source_peak_pq = pq_from_nits(source_peak_nits);
        let max_lum = pq_from_nits(SDR_WHITE_NITS) / source_peak_pq;
        Self {
            source_peak_nits,
            source_peak_pq,
            max_lum,
            knee_start: 1.5 * max_lum - 0.5,
        }
    }

    /// Light on the display, in cd/m², for source light in cd/m²; light above the source's peak
    /// counts as the peak.
    pub fn map_nits(&self, nits: f64) -> f64 {
        let e1 = (pq_from_nits(nits) / self.source_peak_pq).min(1.0);
        let ks = self.knee_start;
        let e2 = if e1 < ks || ks >= 1.0 {
            e1
        } else {
            let t = (e1 - ks) / (1.0 - ks);
            let (t2, t3) = (t * t, t * t * t);
            (2.0 * t3 - 3.0 * t2 + 1.0) * ks
                + (t3 - 2.0 * t2 + t) * (1.0 - ks)
                + (3.0 * t2 - 2.0 * t3) * self.max_lum
        };
        nits_from_pq(e2 * self.source_peak_pq)
    }

    /// Relative light, 1 being [`SDR_WHITE_NITS`], for source light in cd/m².
    pub fn map_rgb(&self, nits: [f64; 3]) -> [f64; 3] {
        let peak = nits.iter().fold(0.0_f64, |peak, &c| peak.max(c));
        nits.map(|c| c * self.gain(peak))
    }

    /// What light in cd/m² is multiplied by, when the greatest of R, G and B is `peak`, to become
    /// relative light.
    pub fn gain(&self, peak_nits: f64) -> f64 {
        // Near black the curve is the identity.
        if peak_nits < 1e-4 {
            1.0 / SDR_WHITE_NITS
        } else {
            self.map_nits(peak_nits) / peak_nits / SDR_WHITE_NITS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_straight_part() {
        for peak in [400.0, 1000.0, 4000.0, 10_000.0] {
            let curve = ToneCurve::new(peak);
            assert!(
                (curve.map_nits(peak) - SDR_WHITE_NITS).abs() < 1e-6,
                "{peak}"
            );
            assert!(
                (curve.map_nits(2.0 * peak) - SDR_WHITE_NITS).abs() < 1e-6,
                "{peak}"
            );
            assert!((curve.map_nits(5.0) - 5.0).abs() < 1e-6, "shadows stay");
            assert!(curve.map_nits(0.0).abs() < 1e-9);
        }
    }

    #[test]
    fn grows_without_steps() {
        let curve = ToneCurve::new(1000.0);
        let mut last = 0.0;
        for step in 1..=1000 {
            let mapped = curve.map_nits(f64::from(step));
            assert!(mapped > last && mapped - last < 1.01, "at {step}");
            last = mapped;
        }
    }

    #[test]
    fn a_source_as_dark_as_the_display_is_left_alone() {
        let curve = ToneCurve::new(source_peak_nits(
            TransferFunction::Pq,
            Some(HdrMetadata {
                mastering_peak_nits: Some(100.0),
                max_content_light_nits: None,
            }),
        ));
        assert!((curve.map_nits(150.0) - 150.0).abs() < 1e-6);
    }

    #[test]
    fn peaks_come_from_the_best_source() {
        let both = HdrMetadata {
            mastering_peak_nits: Some(4000.0),
            max_content_light_nits: Some(1500.0),
        };
        let pq = |hdr| source_peak_nits(TransferFunction::Pq, hdr);
        assert!((pq(Some(both)) - 1500.0).abs() < 1e-9);
        let zero = HdrMetadata {
            max_content_light_nits: Some(0.0),
            ..both
        };
        assert!((pq(Some(zero)) - 4000.0).abs() < 1e-9, "zero means unknown");
        assert!((pq(None) - 1000.0).abs() < 1e-9);
    }
}
