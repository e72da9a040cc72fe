//! Which frame rate a stream has, from the two that FFmpeg finds.

use crate::time::FrameRate;

/// The rate that a stream is taken to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateEstimate {
    /// Frames a second: the nominal rate where it is constant, else the average.
    pub rate: FrameRate,
    /// Whether the time stamps do not keep to one rate.
    pub varies: bool,
}

/// Rates that cameras and editors use; close ones are taken to be meant.
const USUAL: [(u32, u32); 18] = [
    (12, 1),
    (25, 2),
    (15, 1),
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48_000, 1001),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (90, 1),
    (100, 1),
    (120_000, 1001),
    (120, 1),
    (240, 1),
];

/// Decides between the average over the whole stream and the greatest rate that all time stamps fit
/// (`avg_frame_rate` and `r_frame_rate`); zero denominators and numerators mean unknown.
///
/// - Both agree within 2 %: the rate is constant, as far as the container's clock can say it. The usual
///   rate that the average hits, or else that the other one is near, is meant (jitter and millisecond
///   time stamps make 23.976 look like 23.981); else the average.
/// - They differ, and the average is half the other: fields were counted. The average is right.
/// - They differ otherwise: the rate varies, and the average it is.
/// - Neither makes sense: 25, as FFmpeg takes raw streams.
pub(super) fn estimate_rate(average: (i32, i32), fitting: (i32, i32)) -> Option<RateEstimate> {
    let sane = |(num, den): (i32, i32)| {
        let rate = FrameRate::new(u32::try_from(num).ok()?, u32::try_from(den).ok()?)?;
        // From a frame in ten minutes to a high-speed camera.
        (rate.as_f64() >= 1.0 / 600.0 && rate.as_f64() <= 1000.0).then_some(rate)
    };
    let (rate, varies) = match (sane(average), sane(fitting)) {
        (Some(average), Some(fitting)) => {
            let ratio = fitting.as_f64() / average.as_f64();
            if (ratio - 1.0).abs() < 0.02 {
                let usual = usual_near(average, 0.000_02)
                    .or_else(|| usual_near(fitting, 0.000_5))
                    .or_else(|| usual_near(average, 0.002));
                (usual.unwrap_or(average), false)
            } else {
                let counts_fields = (ratio - 2.0).abs() < 0.02;
                let near = if counts_fields { 0.002 } else { 0.000_2 };
                (usual_near(average, near).unwrap_or(average), !counts_fields)
            }
        }
        (Some(rate), None) | (None, Some(rate)) => {
            (usual_near(rate, 0.000_5).unwrap_or(rate), false)
        }
        (None, None) => (FrameRate::new(25, 1)?, true),
    };
    Some(RateEstimate { rate, varies })
}

/// The usual rate that differs from `rate` by at most `tolerance` of it; the nearest, if several do.
fn usual_near(rate: FrameRate, tolerance: f64) -> Option<FrameRate> {
    let error = |usual: &FrameRate| (usual.as_f64() / rate.as_f64() - 1.0).abs();
    USUAL
        .iter()
        .filter_map(|&(num, den)| FrameRate::new(num, den))
        .filter(|usual| error(usual) <= tolerance)
        .min_by(|a, b| error(a).total_cmp(&error(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_what_was_meant() {
        for (average, fitting, expected, varies) in [
            ((25, 1), (25, 1), (25, 1), false),
            ((30_000, 1001), (30_000, 1001), (30_000, 1001), false),
            // A phone's jitter and the rounding of milliseconds.
            ((90_000, 3001), (30_000, 1001), (30_000, 1001), false),
            ((17_991, 300), (60, 1), (60, 1), false),
            ((24_000, 1001), (24, 1), (24_000, 1001), false),
            // Interlaced: 50 fields are 25 frames.
            ((25, 1), (50, 1), (25, 1), false),
            ((30_000, 1001), (60_000, 1001), (30_000, 1001), false),
            // Truly variable.
            ((51_600, 1841), (120, 1), (51_600, 1841), true),
            ((10, 1), (90_000, 1), (10, 1), false),
            // One slide a second is a rate like another.
            ((1, 1), (1, 1), (1, 1), false),
            ((0, 0), (24_000, 1001), (24_000, 1001), false),
            ((0, 1), (0, 0), (25, 1), true),
            ((-25, 1), (90_000, 1), (25, 1), true),
            ((1000, 1), (0, 0), (1000, 1), false),
            ((1001, 1), (0, 0), (25, 1), true),
        ] {
            let found = estimate_rate(average, fitting).unwrap();
            assert_eq!(
                (found.rate.num(), found.rate.den()),
                expected,
                "{average:?} {fitting:?}"
            );
            assert_eq!(found.varies, varies, "{average:?} {fitting:?}");
        }
    }
}
