//! What a soak is held to.

use std::fmt;

use serde::Serialize;

use super::SoakReport;

/// Limits stated by a person. Each is named as its command-line flag; those not stated are not
/// checked.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// `max-drop-percent`: frames dropped, of a hundred that were due.
    pub max_drop_percent: Option<f64>,
    /// `max-late-percent`: frames late, of a hundred that were due.
    pub max_late_percent: Option<f64>,
    /// `max-p99-ms`: 99th percentile of the interval between frames.
    pub max_p99_ms: Option<f64>,
    /// `min-fps`: frames presented a second.
    pub min_fps: Option<f64>,
    /// `max-av-offset-ms`: the greatest distance of sound from picture, either way.
    pub max_av_offset_ms: Option<f64>,
    /// `max-rss-mb`: peak resident memory, in units of 1,000,000 bytes.
    pub max_rss_mb: Option<f64>,
    /// `max-rss-slope-mb-per-min`: growth of resident memory while one thing is done, after its
    /// warm-up.
    pub max_rss_slope_mb_per_min: Option<f64>,
}

/// Which side of a limit is the good one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The measured number may not be greater.
    AtMost,
    /// The measured number may not be less.
    AtLeast,
}

/// One limit and how the run stood to it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LimitResult {
    /// Name of the limit: `max-drop-percent`.
    pub name: &'static str,
    /// Which side is good.
    pub bound: Bound,
    /// The number stated.
    pub limit: f64,
    /// The number found; nothing when it could not be measured.
    pub measured: Option<f64>,
    /// Whether the limit was kept. One that could not be measured was not shown to be kept.
    pub passed: bool,
}

impl Limits {
    /// Holds `report` to the limits that are stated, in the order of the fields.
    pub fn check(&self, report: &SoakReport) -> Vec<LimitResult> {
        use Bound::{AtLeast, AtMost};
        let (frames, process) = (&report.frames, &report.process);
        let rows = [
            (
                "max-drop-percent",
                AtMost,
                self.max_drop_percent,
                frames.dropped_percent(),
            ),
            (
                "max-late-percent",
                AtMost,
                self.max_late_percent,
                frames.late_percent(),
            ),
            (
                "max-p99-ms",
                AtMost,
                self.max_p99_ms,
                report.interval_ms.map(|ms| ms.p99),
            ),
            ("min-fps", AtLeast, self.min_fps, report.achieved_fps),
            (
                "max-av-offset-ms",
                AtMost,
                self.max_av_offset_ms,
                report.av_offset.map(|offset| offset.max_abs_ms),
            ),
            (
                "max-rss-mb",
                AtMost,
                self.max_rss_mb,
                process.rss_peak_bytes.map(|bytes| bytes as f64 / 1e6),
            ),
            (
                "max-rss-slope-mb-per-min",
                AtMost,
                self.max_rss_slope_mb_per_min,
                process.rss_slope_mb_per_min,
            ),
        ];
        rows.into_iter()
            .filter_map(|(name, bound, limit, measured)| {
                let limit = limit?;
                // Written so that a measurement that is not a number fails too.
                let passed = measured.is_some_and(|measured| match bound {
                    AtMost => measured <= limit,
                    AtLeast => measured >= limit,
                });
                Some(LimitResult {
                    name,
                    bound,
                    limit,
                    measured,
                    passed,
                })
            })
            .collect()
    }
}

impl fmt::Display for LimitResult {
    /// `kept    max-p99-ms: 35.1, at most 40`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "kept  " } else { "BROKEN" };
        let bound = match self.bound {
            Bound::AtMost => "at most",
            Bound::AtLeast => "at least",
        };
        write!(f, "{verdict}  {}: ", self.name)?;
        match self.measured {
            Some(measured) => write!(f, "{measured:.3}")?,
            None => f.write_str("not measured")?,
        }
        write!(f, ", {bound} {}", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::report::tests::{bare_report, full_report};

    #[test]
    fn only_stated_limits_are_checked() {
        assert_eq!(Limits::default().check(&full_report()), []);
        let limits = Limits {
            max_p99_ms: Some(50.0),
            ..Limits::default()
        };
        let results = limits.check(&full_report());
        assert_eq!(results.len(), 1);
        assert_eq!((results[0].name, results[0].passed), ("max-p99-ms", true));
    }

    /// Every limit passes at the number measured and fails a little beyond it.
    #[test]
    fn each_limit_looks_at_its_own_number() {
        let report = full_report();
        let at = |beyond: f64| Limits {
            max_drop_percent: Some(1.0 - beyond),
            max_late_percent: Some(2.0 - beyond),
            max_p99_ms: Some(41.0 - beyond),
            min_fps: Some(24.5 + beyond),
            max_av_offset_ms: Some(9.0 - beyond),
            max_rss_mb: Some(250.0 - beyond),
            max_rss_slope_mb_per_min: Some(0.25 - beyond),
        };
        let kept = at(0.0).check(&report);
        assert_eq!(kept.len(), 7);
        for result in kept {
            assert!(result.passed, "{result}");
        }
        for result in at(0.001).check(&report) {
            assert!(!result.passed, "{result}");
        }
    }

    #[test]
    fn what_was_not_measured_was_not_kept() {
        let limits = Limits {
            max_drop_percent: Some(100.0),
            max_p99_ms: Some(1e9),
            max_rss_mb: Some(1e9),
            max_av_offset_ms: Some(1e9),
            min_fps: Some(0.0),
            ..Limits::default()
        };
        for result in limits.check(&bare_report()) {
            assert!(!result.passed, "{result}");
        }
        let result = limits.check(&bare_report())[0];
        assert_eq!(
            result.to_string(),
            "BROKEN  max-drop-percent: not measured, at most 100"
        );
    }

    #[test]
    fn a_measurement_that_is_no_number_fails() {
        let mut report = full_report();
        report.achieved_fps = Some(f64::NAN);
        let limits = Limits {
            min_fps: Some(1.0),
            ..Limits::default()
        };
        assert!(!limits.check(&report)[0].passed);
    }
}
