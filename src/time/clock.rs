//! The machine's monotonic clock behind a trait, so that tests can simulate it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An instant of a monotonic clock, in nanoseconds since that clock was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u64);

impl Moment {
    /// The instant the clock was made.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` after the clock was made.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock was made.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Time passed since `earlier`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Nanoseconds from `earlier` to this instant, negative when `earlier` is later.
    pub const fn nanos_since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// This instant moved by `nanos`; stops at the clock's zero.
    #[must_use]
    pub const fn offset_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add_signed(nanos))
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// A source of [`Moment`]s. Cheap to read from any thread.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present instant.
    fn now(&self) -> Moment;
}

/// The operating system's monotonic clock.
#[derive(Debug)]
pub struct RealClock {
    origin: std::time::Instant,
}

impl RealClock {
    /// A clock whose zero is now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    pub fn new() -> Self {
        Self {
            origin: std::time::Instant::now(),
        }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    fn now(&self) -> Moment {
        Moment(u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A clock that moves only when told. Clones share one time.
#[derive(Debug, Clone, Default)]
pub struct SimClock {
    nanos: Arc<AtomicU64>,
}

impl SimClock {
    /// A clock that stands at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Moves the clock forward to `moment`; does nothing when it is already past it.
    pub fn advance_to(&self, moment: Moment) {
        self.nanos.fetch_max(moment.nanos(), Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now(&self) -> Moment {
        Moment(self.nanos.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_differ_in_both_directions() {
        let (early, late) = (Moment::from_nanos(1_000), Moment::from_nanos(4_000));
        assert_eq!(late.since(early), Duration::from_micros(3));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early.nanos_since(late), -3_000);
        assert_eq!(late.nanos_since(early), 3_000);
        assert_eq!(early.offset_nanos(-5_000), Moment::ZERO);
        assert_eq!(early.offset_nanos(3_000), late);
        assert_eq!(early + Duration::from_micros(3), late);
        assert_eq!(early + Duration::MAX, Moment::from_nanos(u64::MAX));
    }

    #[test]
    fn the_real_clock_never_goes_back() {
        let clock = RealClock::new();
        let moments: Vec<Moment> = (0..1000).map(|_| clock.now()).collect();
        assert!(moments.is_sorted());
    }

    #[test]
    fn a_simulated_clock_moves_only_when_told() {
        let clock = SimClock::new();
        let copy = clock.clone();
        assert_eq!(clock.now(), Moment::ZERO);
        clock.advance(Duration::from_millis(40));
        assert_eq!(copy.now(), Moment::from_nanos(40_000_000));
        copy.advance_to(Moment::from_nanos(10));
        assert_eq!(clock.now(), Moment::from_nanos(40_000_000));
        copy.advance_to(Moment::from_nanos(50_000_000));
        assert_eq!(clock.now(), Moment::from_nanos(50_000_000));
    }
}
