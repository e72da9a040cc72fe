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
    /// Since when all has been well without a break.
    well_since: Option<Moment>,
    /// When something better was last tried.
    tried: Option<Moment>,
    /// Since when nothing went wrong; the wait decays from here.
    clean_since: Option<Moment>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            wait: SHORTEST,
            well_since: None,
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
            self.well_since = None;
            return false;
        }
        let since = *self.well_since.get_or_insert(now);
        now.since(since) >= self.wait
    }

    /// Something better is tried now.
    pub(super) fn tries(&mut self, now: Moment) {
        self.tried = Some(now);
        self.well_since = None;
    }

    /// It had to be given up. If it was tried just before, the next try waits longer, unless it `held` until
    /// something else came between: a passing load says nothing against it.
    pub(super) fn fails(&mut self, held: bool, now: Moment) {
        let tried = self.tried.take().filter(|_| !held);
        if tried.is_some_and(|at| now.since(at) <= TRY) {
            self.wait = self.wait.saturating_mul(2).min(LONGEST);
        }
        self.clean_since = Some(now);
        self.well_since = None;
    }

    /// Playing was interrupted: what was well before says nothing any more.
    pub(super) fn rests(&mut self) {
        self.well_since = None;
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
