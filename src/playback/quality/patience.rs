//! How long to wait before something better is tried.

use std::time::Duration;

use crate::time::Moment;

/// The shortest wait.
const SHORTEST: Duration = Duration::from_secs(2);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(32);

/// A way up that ends within this was a failed try.
const TRY: Duration = Duration::from_secs(4);

/// So many waits without a way down halve the wait.
const CLEAN_WAITS: u32 = 4;

/// Waits, and learns from tries that failed.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    wait: Duration,
    /// How long all has been well without a break but for rests.
    well: Duration,
    /// When it was last, while it goes on.
    well_at: Option<Moment>,
    /// When something better was last tried.
    tried: Option<Moment>,
    /// Since when nothing went wrong; the wait decays from here.
    clean_since: Option<Moment>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            wait: SHORTEST,
            well: Duration::ZERO,
            well_at: None,
            tried: None,
            clean_since: None,
        }
    }
}

impl Patience {
    /// The present wait.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// All is well, or not, at `now`. True when it has been for as long as the wait.
    pub(super) fn is_over(&mut self, well: bool, now: Moment) -> bool {
        let clean = *self.clean_since.get_or_insert(now);
        if now.since(clean) >= self.wait.saturating_mul(CLEAN_WAITS) && self.wait > SHORTEST {
            self.wait = (self.wait / 2).max(SHORTEST);
            self.clean_since = Some(now);
        }
        if !well {
            self.begin_anew();
            return false;
        }
        let before = self.well_at.replace(now);
        self.well += before.map_or(Duration::ZERO, |before| now.since(before));
        self.well >= self.wait
    }

    /// Whether the last way down is so long ago that another try, with all not well, is no hurry.
    pub(super) fn may_try(&self, now: Moment) -> bool {
        self.clean_since
            .is_none_or(|since| now.since(since) >= self.wait)
    }

    fn begin_anew(&mut self) {
        self.well = Duration::ZERO;
        self.well_at = None;
    }

    /// Something better is tried now.
    pub(super) fn tries(&mut self, now: Moment) {
        self.tried = Some(now);
        self.begin_anew();
    }

    /// It had to be given up. If it was tried just before, the next try waits longer, unless it `held` until
    /// something else came between: a passing load says nothing against it.
    pub(super) fn fails(&mut self, held: bool, now: Moment) {
        let tried = self.tried.take().filter(|_| !held);
        if tried.is_some_and(|at| now.since(at) <= TRY) {
            self.wait = self.wait.saturating_mul(2).min(LONGEST);
        }
        self.clean_since = Some(now);
        self.begin_anew();
    }

    /// Playing is interrupted. What was well before counts: else it never would be for long enough where
    /// somebody plays a few seconds at a time.
    pub(super) fn rests(&mut self) {
        self.well_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn a_wait_ends_only_without_a_break() {
        let mut patience = Patience::default();
        assert!(!patience.is_over(true, at(0)));
        assert!(!patience.is_over(false, at(1)));
        assert!(!patience.is_over(true, at(2)));
        assert!(!patience.is_over(true, at(3)));
        assert!(patience.is_over(true, at(4)));
    }

    #[test]
    fn rests_do_not_count_and_take_nothing_away() {
        let mut patience = Patience::default();
        for second in [0, 10, 20] {
            assert!(!patience.is_over(true, at(second)), "{second}");
            assert_eq!(patience.is_over(true, at(second + 1)), second == 10);
            patience.rests();
            if second == 10 {
                patience.tries(at(11));
            }
        }
    }

    #[test]
    fn a_try_that_held_until_a_load_came_is_none_that_failed() {
        let mut patience = Patience::default();
        for second in 0..20 {
            patience.tries(at(second * 7));
            patience.fails(true, at(second * 7 + 3));
            assert_eq!(patience.wait(), SHORTEST);
        }
    }

    #[test]
    fn tries_that_fail_double_the_wait_and_clean_play_halves_it() {
        let mut patience = Patience::default();
        for (second, wait) in [(10, 4), (20, 8), (30, 16), (40, 32), (50, 32)] {
            patience.tries(at(second));
            patience.fails(false, at(second + 1));
            assert_eq!(patience.wait(), Duration::from_secs(wait));
        }
        patience.tries(at(60));
        patience.fails(false, at(65));
        assert_eq!(patience.wait(), LONGEST, "it held for a while");
        patience.tries(at(65));
        patience.fails(true, at(65));
        assert_eq!(patience.wait(), LONGEST);
        let mut waits = Vec::new();
        for second in 65..1000 {
            patience.is_over(true, at(second));
            waits.push(patience.wait().as_secs());
        }
        waits.dedup();
        assert_eq!(waits, [32, 16, 8, 4, 2]);
    }
}
