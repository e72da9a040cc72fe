//! Transfer functions: from R'G'B' to light and back.
//!
//! SDR light is relative, 1 being the display's white. PQ and HLG light is absolute, in cd/m² (nits).

use crate::media::TransferFunction;

/// SMPTE ST 2084 §4.
mod pq {
    pub(super) const M1: f64 = 2610.0 / 16_384.0;
    pub(super) const M2: f64 = 2523.0 / 4096.0 * 128.0;
    pub(super) const C1: f64 = 3424.0 / 4096.0;
    pub(super) const C2: f64 = 2413.0 / 4096.0 * 32.0;
    pub(super) const C3: f64 = 2392.0 / 4096.0 * 32.0;
    pub(super) const PEAK_NITS: f64 = 10_000.0;
}

/// Peak of the display that HLG is rendered for, in cd/m²; its system gamma is then 1.2
/// (ITU-R BT.2100-2 table 5).
pub const HLG_PEAK_NITS: f64 = 1000.0;

/// HLG's system gamma for a display of [`HLG_PEAK_NITS`].
pub const HLG_SYSTEM_GAMMA: f64 = 1.2;

/// Light in cd/m² of a PQ signal of 0..1 (the EOTF of SMPTE ST 2084 §4.1).
pub fn nits_from_pq(signal: f64) -> f64 {
    let power = signal.clamp(0.0, 1.0).powf(1.0 / pq::M2);
    let ratio = (power - pq::C1).max(0.0) / (pq::C2 - pq::C3 * power);
    pq::PEAK_NITS * ratio.powf(1.0 / pq::M1)
}

/// The PQ signal, 0..1, of light in cd/m² (the inverse EOTF of SMPTE ST 2084 §4.2).
pub fn pq_from_nits(nits: f64) -> f64 {
    let power = (nits / pq::PEAK_NITS).clamp(0.0, 1.0).powf(pq::M1);
    ((pq::C1 + pq::C2 * power) / (1.0 + pq::C3 * power)).powf(pq::M2)
}

/// Scene light, 0..1, of an HLG signal (the inverse OETF of ITU-R BT.2100-2 table 5).
pub fn scene_from_hlg(signal: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 1.0 - 4.0 * A;
    // 0.5 - A * ln(4 A).
    const C: f64 = 0.559_910_73;
    let signal = signal.clamp(0.0, 1.0);
    if signal <= 0.5 {
        signal * signal / 3.0
    } else {
        f64::midpoint(((signal - C) / A).exp(), B) / 6.0
    }
}

/// Displayed light in cd/m² of scene light (the OOTF of ITU-R BT.2100-2 table 5, black at zero).
/// `luminance` holds the weights of R, G and B in luminance.
pub fn nits_from_hlg_scene(scene: [f64; 3], luminance: [f64; 3]) -> [f64; 3] {
    let y: f64 = scene
        .iter()
        .zip(luminance)
        .map(|(c, weight)| c * weight)
        .sum();
    let gain = HLG_PEAK_NITS * y.max(0.0).powf(HLG_SYSTEM_GAMMA - 1.0);
    scene.map(|c| c * gain)
}

/// Light of one R'G'B' component of 0..1 (clamped): relative for SDR, cd/m² for PQ, scene light for
/// HLG, whose light on the display depends on all three ([`nits_from_hlg_scene`]).
pub fn linearize(transfer: TransferFunction, signal: f64) -> f64 {
    let signal = signal.clamp(0.0, 1.0);
    match transfer {
        // ITU-R BT.1886 with a black of zero is a pure power.
        TransferFunction::Bt1886 => signal.powf(2.4),
        // IEC 61966-2-1.
        TransferFunction::Srgb if signal <= 0.040_45 => signal / 12.92,
        TransferFunction::Srgb => ((signal + 0.055) / 1.055).powf(2.4),
        TransferFunction::Gamma22 => signal.powf(2.2),
        TransferFunction::Gamma28 => signal.powf(2.8),
        TransferFunction::Linear => signal,
        TransferFunction::Pq => nits_from_pq(signal),
        TransferFunction::Hlg => scene_from_hlg(signal),
    }
}

/// R'G'B', 0..1, of relative light, 0..1 (clamped), for an SDR display with `transfer`. PQ and HLG
/// are never written; asked for them, this encodes sRGB.
pub fn encode(transfer: TransferFunction, light: f64) -> f64 {
    let light = light.clamp(0.0, 1.0);
    match transfer {
        TransferFunction::Bt1886 => light.powf(1.0 / 2.4),
        TransferFunction::Gamma22 => light.powf(1.0 / 2.2),
        TransferFunction::Gamma28 => light.powf(1.0 / 2.8),
        TransferFunction::Linear => light,
        TransferFunction::Srgb | TransferFunction::Pq | TransferFunction::Hlg => {
            if light <= 0.003_130_8 {
                light * 12.92
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pq_has_the_published_values() {
        // ITU-R BT.2408-4 table 1 and annex: 100, 203 and 1000 cd/m² lie at 51, 58 and 75 %.
        for (nits, signal) in [(100.0, 0.508_1), (203.0, 0.580_7), (1000.0, 0.751_8)] {
            assert!((pq_from_nits(nits) - signal).abs() < 1e-4, "{nits} nit");
            assert!((nits_from_pq(pq_from_nits(nits)) - nits).abs() < 1e-6 * nits);
        }
        assert!(nits_from_pq(0.0).abs() < 1e-12);
        assert!((nits_from_pq(1.0) - 10_000.0).abs() < 1e-6);
    }

    #[test]
    fn hlg_reference_white_is_203_nits_at_75_percent() {
        let luminance = [0.2627, 0.6780, 0.0593];
        let white = nits_from_hlg_scene([scene_from_hlg(0.75); 3], luminance)[1];
        assert!((white - 203.0).abs() < 0.5, "{white}");
        let peak = nits_from_hlg_scene([scene_from_hlg(1.0); 3], luminance)[1];
        assert!((peak - 1000.0).abs() < 0.1, "{peak}");
        assert!((scene_from_hlg(0.5) - 1.0 / 12.0).abs() < 1e-9);
    }

    #[test]
    fn sdr_curves_turn_back() {
        use TransferFunction::{Bt1886, Gamma22, Gamma28, Linear, Srgb};
        for transfer in [Bt1886, Srgb, Gamma22, Gamma28, Linear] {
            for step in 0..=100 {
                let signal = f64::from(step) / 100.0;
                let back = encode(transfer, linearize(transfer, signal));
                assert!((back - signal).abs() < 1e-4, "{transfer:?} {signal} {back}");
            }
        }
        assert!((linearize(Srgb, 0.5) - 0.214_041).abs() < 1e-6);
    }
}
