//! How many frames were late lately.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Moment;

/// Counts that are kept; the controller is asked less often than this in the time that it looks back.
const MOST: usize = 64;

/// Remembers when a counter of late frames went up.
#[derive(Debug, Clone, Default)]
pub(super) struct Lateness {
    total: Option<u64>,
    recent: VecDeque<(Moment, u32)>,
}

impl Lateness {
    /// The counter stands at `total` now. One that goes back is another one.
    pub(super) fn count(&mut self, total: u64, now: Moment) {
        let before = self.total.replace(total).unwrap_or(total);
        let new = u32::try_from(total.saturating_sub(before)).unwrap_or(u32::MAX);
        if new > 0 {
            if self.recent.len() == MOST {
                self.recent.pop_front();
            }
            self.recent.push_back((now, new));
        }
    }

    /// Frames late within `span` before `now`.
    pub(super) fn within(&self, span: Duration, now: Moment) -> u32 {
        let recent = self.recent.iter().rev();
        recent
            .take_while(|(at, _)| now.since(*at) <= span)
            .fold(0, |sum, (_, frames)| sum.saturating_add(*frames))
    }

    /// What was late until now counts no more: its cause is gone.
    pub(super) fn forget(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_and_recent_counts() {
        let at = |millis: u64| Moment::from_nanos(millis * 1_000_000);
        let half = Duration::from_millis(500);
        let mut late = Lateness::default();
        late.count(7, at(0));
        assert_eq!(late.within(half, at(0)), 0, "they were before this began");
        late.count(8, at(100));
        late.count(8, at(200));
        late.count(10, at(400));
        assert_eq!(late.within(half, at(600)), 3);
        assert_eq!(late.within(half, at(601)), 2);
        late.count(3, at(700));
        assert_eq!(late.within(half, at(700)), 2, "another counter");
        late.forget();
        assert_eq!(late.within(half, at(700)), 0);
    }
}
