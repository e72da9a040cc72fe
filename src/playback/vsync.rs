//! An estimate of the display's refreshes.
//!
//! wgpu reports neither when a frame was on screen nor when the next refresh will be. What is known is
//! the monitor's nominal rate, and the instants at which presenting returned. With a driver that waits
//! for the display those instants lie on the display's own grid; without one they say nothing, and the
//! model keeps to a grid of its own.
//!
//! The two are told apart by what the return depends on. Where nothing waits, drawing that begins a
//! millisecond earlier returns a millisecond earlier; where the display is waited for, it returns when
//! it would have anyhow. [`super::Pacer`] begins every other drawing a little earlier for this. To look
//! at the returns alone is not enough: steady work looks like a steady display, and a grid that is moved
//! towards its own echo runs away.

use crate::time::{FrameRate, Moment};

/// Share of an observed error that moves the grid, as a divisor: refreshes jitter, the grid does not.
const PHASE_GAIN: i64 = 16;

/// Observations within this share of a period of the grid confirm it.
const NEAR_DIVISOR: i64 = 8;

/// Presents in a row that must lie on one grid, and that must not depend on when drawing began, before
/// the display is believed to pace them.
const CONFIRMATIONS: u32 = 16;

/// How fast the statistics forget, in presents.
const MEMORY: f64 = 16.0;

/// Predicts refreshes from the monitor's rate and from when presenting returned.
#[derive(Debug, Clone)]
pub struct VsyncModel {
    period_nanos: i64,
    /// A refresh on the grid.
    phase: Moment,
    /// A refresh on the grid that the presents seem to lie on.
    candidate: Moment,
    confirmations: u32,
    dependence: Dependence,
    /// Whether returns were found not to depend on beginnings.
    waits: bool,
}

/// How the instant of return depends on the instant of beginning: means, variance, covariance, in
/// nanoseconds from the refresh that was drawn for.
#[derive(Debug, Clone, Copy, Default)]
struct Dependence {
    /// Observations so far; more than a few are not counted.
    seen: u32,
    begun: f64,
    returned: f64,
    variance: f64,
    covariance: f64,
}

impl Dependence {
    /// Takes an observation; whether returns seem not to depend on beginnings.
    fn observe(&mut self, begun: f64, returned: f64) -> bool {
        if self.seen == 0 {
            (self.begun, self.returned) = (begun, returned);
        }
        self.seen = self.seen.saturating_add(1);
        let (from_begun, from_returned) = (begun - self.begun, returned - self.returned);
        self.begun += from_begun / MEMORY;
        self.returned += from_returned / MEMORY;
        self.variance += (from_begun * from_begun - self.variance) / MEMORY;
        self.covariance += (from_begun * from_returned - self.covariance) / MEMORY;
        self.seen > CONFIRMATIONS && self.covariance * 2.0 < self.variance
    }
}

impl VsyncModel {
    /// A display of `rate` refreshes a second.
    pub fn new(rate: FrameRate) -> Self {
        let period = i64::from(rate.den()) * 1_000_000_000 / i64::from(rate.num());
        Self {
            period_nanos: period.max(1),
            phase: Moment::ZERO,
            candidate: Moment::ZERO,
            confirmations: 0,
            dependence: Dependence::default(),
            waits: false,
        }
    }

    /// Nanoseconds from one refresh to the next.
    pub fn period_nanos(&self) -> i64 {
        self.period_nanos
    }

    /// Whether presenting has been seen to follow the display.
    pub fn is_paced_by_display(&self) -> bool {
        self.confirmations >= CONFIRMATIONS
    }

    /// Tells that drawing for the refresh at `refresh` began at `begun`, and that presenting returned at
    /// `returned`. `as_planned` is whether it began when it was meant to: what is drawn at once, whenever
    /// that is, says nothing of what the return depends on.
    pub fn presented(
        &mut self,
        refresh: Moment,
        begun: Moment,
        returned: Moment,
        as_planned: bool,
    ) {
        if as_planned {
            let (began, came_back) = (
                begun.nanos_since(refresh),
                self.error_from(refresh, returned),
            );
            self.waits = self.dependence.observe(began as f64, came_back as f64);
        }
        let error = self.error_from(self.candidate, returned);
        let near = error.abs() * NEAR_DIVISOR <= self.period_nanos;
        if !near {
            // A missed refresh's fraction, a change of display, or no display at all: begin again.
            self.candidate = returned;
            self.confirmations = 0;
            return;
        }
        self.candidate = self.candidate.offset_nanos(error / PHASE_GAIN);
        self.confirmations = if self.waits {
            self.confirmations.saturating_add(1)
        } else {
            0
        };
        if self.is_paced_by_display() {
            self.phase = self.candidate;
        }
    }

    /// The first refresh after `now`.
    pub fn next_refresh(&self, now: Moment) -> Moment {
        let since = now.nanos_since(self.phase);
        let periods = since.div_euclid(self.period_nanos) + 1;
        self.phase.offset_nanos(periods * self.period_nanos)
    }

    /// How far `moment` is from the nearest point of the grid through `phase`.
    fn error_from(&self, phase: Moment, moment: Moment) -> i64 {
        let within = moment.nanos_since(phase).rem_euclid(self.period_nanos);
        if within * 2 > self.period_nanos {
            within - self.period_nanos
        } else {
            within
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn noise(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *seed >> 40
    }

    #[test]
    fn a_jittering_display_is_predicted_within_a_tenth_of_a_period() {
        let mut model = VsyncModel::new(FrameRate::new(60, 1).unwrap());
        let mut seed = 12345;
        for n in 0..600u64 {
            let returned =
                Moment::from_nanos(1_000_000_000 + n * 16_666_667 + noise(&mut seed) % MS);
            let refresh = model.next_refresh(returned.offset_nanos(-8_000_000));
            let early = 4_000_000 + i64::from(n % 2 == 0) * 1_000_000;
            model.presented(refresh, refresh.offset_nanos(-early), returned, true);
        }
        assert!(model.is_paced_by_display());
        let now = Moment::from_nanos(1_000_000_000 + 600 * 16_666_667 + 8 * MS);
        let expected = 1_000_000_000 + 601 * 16_666_667 + MS / 2;
        let error = model
            .next_refresh(now)
            .nanos_since(Moment::from_nanos(expected));
        assert!(error.abs() < 1_700_000, "{error}");
    }

    #[test]
    fn presents_that_do_not_wait_do_not_move_the_grid() {
        // Steady work that ends near a refresh each time, and quick work that does not.
        for work in [4_000_000, 5_500_000, 1_000_000] {
            let mut model = VsyncModel::new(FrameRate::new(60, 1).unwrap());
            let mut seed = 7;
            for n in 0..2000u64 {
                let refresh = model.next_refresh(Moment::from_nanos(n * 33_333_333));
                let early = 4_000_000 + i64::from(n % 2 == 0) * 1_000_000;
                let begun = refresh.offset_nanos(-early);
                let took = work + (noise(&mut seed) % MS).cast_signed();
                model.presented(refresh, begun, begun.offset_nanos(took), true);
                assert!(!model.is_paced_by_display(), "work {work} present {n}");
            }
            assert_eq!(
                model.next_refresh(Moment::from_nanos(50 * MS)).nanos() % 16_666_666,
                0
            );
        }
    }
}
