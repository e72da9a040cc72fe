//! An estimate of the display's refreshes.
//!
//! wgpu reports neither when a frame was on screen nor when the next refresh will be. What is known is
//! the monitor's nominal rate, and the instants at which presenting returned. With a driver that waits
//! for the display those instants lie on the display's own grid; without one they say nothing, and the
//! model falls back to a grid of its own.

use crate::time::{FrameRate, Moment};

/// Share of an observed error that moves the grid, as a divisor: refreshes jitter, the grid does not.
const PHASE_GAIN: i64 = 16;

/// Observations within this share of a period of the grid confirm it.
const NEAR_DIVISOR: i64 = 8;

/// Presents in a row that must lie near the grid before the display is believed to pace them.
const CONFIRMATIONS: u32 = 8;

/// Predicts refreshes from the monitor's rate and from when presenting returned.
#[derive(Debug, Clone)]
pub struct VsyncModel {
    period_nanos: i64,
    /// A refresh on the grid.
    phase: Moment,
    confirmations: u32,
    last_present: Option<Moment>,
}

impl VsyncModel {
    /// A display of `rate` refreshes a second.
    pub fn new(rate: FrameRate) -> Self {
        let period = i64::from(rate.den()) * 1_000_000_000 / i64::from(rate.num());
        Self {
            period_nanos: period.max(1),
            phase: Moment::ZERO,
            confirmations: 0,
            last_present: None,
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

    /// Tells that presenting returned at `moment`.
    pub fn presented(&mut self, moment: Moment) {
        let Some(last) = self.last_present.replace(moment) else {
            self.phase = moment;
            return;
        };
        let interval = moment.nanos_since(last);
        // A present that came back at once did not wait for a refresh, and says nothing of it.
        if interval * 2 < self.period_nanos {
            self.confirmations = 0;
            return;
        }
        let error = self.error_from_grid(moment);
        if error.abs() * NEAR_DIVISOR <= self.period_nanos {
            self.confirmations = self.confirmations.saturating_add(1);
            self.phase = self.phase.offset_nanos(error / PHASE_GAIN);
        } else {
            // The grid slipped, by a missed refresh's fraction or a change of display: start again.
            self.confirmations = 0;
            self.phase = moment;
        }
    }

    /// The first refresh after `now`.
    pub fn next_refresh(&self, now: Moment) -> Moment {
        let since = now.nanos_since(self.phase);
        let periods = since.div_euclid(self.period_nanos) + 1;
        self.phase.offset_nanos(periods * self.period_nanos)
    }

    fn error_from_grid(&self, moment: Moment) -> i64 {
        let within = moment.nanos_since(self.phase).rem_euclid(self.period_nanos);
        if within * 2 > self.period_nanos { within - self.period_nanos } else { within }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_jittering_display_is_predicted_within_a_tenth_of_a_period() {
        let mut model = VsyncModel::new(FrameRate::new(60, 1).unwrap());
        let mut noise = 12345u64;
        for n in 0..600u64 {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let jitter = (noise >> 40) % MS;
            model.presented(Moment::from_nanos(1_000_000_000 + n * 16_666_667 + jitter));
        }
        assert!(model.is_paced_by_display());
        let now = Moment::from_nanos(1_000_000_000 + 600 * 16_666_667 + 8 * MS);
        let expected = 1_000_000_000 + 601 * 16_666_667 + MS / 2;
        let error = model.next_refresh(now).nanos_since(Moment::from_nanos(expected));
        assert!(error.abs() < 1_700_000, "{error}");
    }

    #[test]
    fn presents_that_do_not_wait_do_not_move_the_grid() {
        let mut model = VsyncModel::new(FrameRate::new(60, 1).unwrap());
        for n in 0..100u64 {
            model.presented(Moment::from_nanos(n * 3 * MS));
        }
        assert!(!model.is_paced_by_display());
        let next = model.next_refresh(Moment::from_nanos(50 * MS));
        assert_eq!(next.nanos() % 16_666_666, 0);
    }
}
