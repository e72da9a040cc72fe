//! How moves of the playhead were answered: seeks, steps and the targets of drags.

use serde::Serialize;

use super::{Histogram, SeekReport};

/// A picture that is presented this soon after the hand moved belongs to the move: one refresh at 60 Hz.
const IN_TIME_NANOS: u64 = 16_000_000;

/// Gathers the answers to moves. Times are nanoseconds from the event to when presenting returned.
#[derive(Debug, Default)]
pub struct MoveLog {
    asked: u64,
    at_hand: Histogram,
    decoded: Histogram,
    near: Histogram,
    exact_in_time: u64,
    shown_in_time: u64,
    /// Whether something was presented for the latest move already.
    answered: bool,
    exactly: bool,
}

impl MoveLog {
    /// A move was asked for. The one before has had its chance.
    pub fn asked(&mut self) {
        self.asked += 1;
        (self.answered, self.exactly) = (false, false);
    }

    /// The exact picture was presented: one that was at hand, or one that was decoded for it.
    pub fn exact(&mut self, nanos: u64, at_hand: bool) {
        if std::mem::replace(&mut self.exactly, true) {
            return;
        }
        let answers = if at_hand {
            &mut self.at_hand
        } else {
            &mut self.decoded
        };
        answers.record(nanos);
        self.exact_in_time += u64::from(nanos <= IN_TIME_NANOS);
        self.first(nanos);
    }

    /// A picture near by was presented.
    pub fn near(&mut self, nanos: u64) {
        if !self.answered {
            self.near.record(nanos);
            self.first(nanos);
        }
    }

    /// A picture that was on screen already is near: it stays, and nothing is presented.
    pub fn stays_near(&mut self, nanos: u64) {
        self.first(nanos);
    }

    fn first(&mut self, nanos: u64) {
        if !std::mem::replace(&mut self.answered, true) {
            self.shown_in_time += u64::from(nanos <= IN_TIME_NANOS);
        }
    }

    /// Whether the latest move has its exact picture.
    pub fn is_answered_exactly(&self) -> bool {
        self.exactly
    }

    /// All of it; `None` where nothing was asked for.
    pub fn report(&self) -> Option<MoveReport> {
        let share = |count: u64| count as f64 * 100.0 / self.asked as f64;
        let exact = self.at_hand.summary().count + self.decoded.summary().count;
        (self.asked > 0).then(|| MoveReport {
            count: self.asked,
            at_hand: SeekReport::from_nanos(&self.at_hand),
            near: SeekReport::from_nanos(&self.near),
            decoded: SeekReport::from_nanos(&self.decoded),
            passed_by: self.asked.saturating_sub(exact),
            exact_in_time_percent: share(self.exact_in_time),
            shown_in_time_percent: share(self.shown_in_time),
        })
    }
}

/// How moves of the playhead were answered, from the event to when presenting returned.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MoveReport {
    /// How many were asked for.
    pub count: u64,
    /// Exact pictures that needed no decoding.
    pub at_hand: Option<SeekReport>,
    /// Pictures that were presented first and stood in for the exact one.
    pub near: Option<SeekReport>,
    /// Exact pictures that were decoded.
    pub decoded: Option<SeekReport>,
    /// Moves that another one followed before their exact picture was there.
    pub passed_by: u64,
    /// Of a hundred, how many had their exact picture within 16 ms.
    pub exact_in_time_percent: f64,
    /// Of a hundred, how many had that or one near by within 16 ms.
    pub shown_in_time_percent: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_move_is_answered_once_exactly_and_once_at_all() {
        let mut log = MoveLog::default();
        assert_eq!(log.report(), None);
        // At hand.
        log.asked();
        log.exact(4_000_000, true);
        log.exact(90_000_000, false);
        // Near, then exact.
        log.asked();
        log.near(10_000_000);
        log.near(30_000_000);
        assert!(!log.is_answered_exactly());
        log.exact(300_000_000, false);
        assert!(log.is_answered_exactly());
        // Passed by, with something near, with what was there already, and with nothing.
        log.asked();
        log.near(40_000_000);
        log.asked();
        log.stays_near(1_000_000);
        log.near(50_000_000);
        log.asked();
        let report = log.report().unwrap();
        assert_eq!((report.count, report.passed_by), (5, 3));
        let counts = [report.at_hand, report.near, report.decoded].map(|r| r.unwrap().count);
        assert_eq!(counts, [1, 2, 1]);
        let percent = (report.exact_in_time_percent, report.shown_in_time_percent);
        assert_eq!(percent, (20.0, 60.0));
    }
}
