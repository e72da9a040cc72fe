//! When to try again what failed.

use std::time::Duration;

use crate::time::Moment;

/// The first wait.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest one.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A failure after so long without one is a new one.
const FORGIVEN_AFTER: Duration = Duration::from_mins(2);

/// Waits that double with each failure: a share that comes back is found soon, a file that is gone costs
/// nothing.
#[derive(Debug)]
pub(crate) struct Retry {
    /// When to try again; `None` when all is well.
    due: Option<Moment>,
    /// When it failed last.
    failed: Option<Moment>,
    /// The wait that the next failure brings.
    wait: Duration,
}

impl Retry {
    /// Nothing has failed.
    pub(crate) fn new() -> Self {
        Self {
            due: None,
            failed: None,
            wait: FIRST_WAIT,
        }
    }

    /// It failed at `now`.
    pub(crate) fn failed(&mut self, now: Moment) {
        if self
            .failed
            .is_some_and(|at| now.since(at) >= FORGIVEN_AFTER)
        {
            self.wait = FIRST_WAIT;
        }
        self.failed = Some(now);
        self.due = Some(now + self.wait);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
    }

    /// There is nothing to try for now.
    pub(crate) fn called_off(&mut self) {
        self.due = None;
    }

    /// Whether to try now.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Whether somebody who asks may try at `now`, before it is due: not at once again.
    pub(crate) fn may_be_early(&self, now: Moment) -> bool {
        self.failed.is_none_or(|at| now.since(at) >= FIRST_WAIT)
    }

    /// Time until the next try; `None` when there is none.
    pub(crate) fn wait(&self, now: Moment) -> Option<Duration> {
        self.due.map(|due| due.since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_begin_anew_later() {
        let mut retry = Retry::new();
        let mut now = Moment::ZERO;
        let mut waits = Vec::new();
        for _ in 0..7 {
            retry.failed(now);
            let wait = retry.wait(now).unwrap();
            assert!(!retry.is_due(now) && retry.is_due(now + wait));
            waits.push(wait.as_secs());
            now = now + wait;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        assert!(retry.may_be_early(now));
        retry.called_off();
        assert!(!retry.is_due(now) && retry.wait(now).is_none());
        retry.failed(now + FORGIVEN_AFTER);
        assert_eq!(retry.wait(now + FORGIVEN_AFTER), Some(FIRST_WAIT));
    }
}
