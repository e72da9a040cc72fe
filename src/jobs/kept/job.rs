//! A kept job, as its owner, its maker and people see it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::jobs::{JobStop, Priority, Progress};

/// Milliseconds since 1970: the one clock that programs which ran at different times share.
pub type WallClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The machine's own.
pub fn wall_clock() -> WallClock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    })
}

/// How often a job is tried before it has failed.
pub const MOST_ATTEMPTS: u32 = 5;

/// How long a job rests after so many attempts: 10 s, 40 s, 160 s and 640 s.
pub fn pause_after(attempts: u32) -> Duration {
    let factor = 4_u64.pow(attempts.saturating_sub(1).min(MOST_ATTEMPTS));
    Duration::from_secs(10 * factor)
}

/// A job to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOrder {
    /// What kind of work it is: names its maker.
    pub kind: String,
    /// Which of its kind: orders of the same key are the same job.
    pub key: String,
    /// What its maker must know.
    pub parameters: String,
    /// How urgent it is.
    pub priority: Priority,
    /// How far it is from what is on screen: among the equally urgent the lowest goes first.
    pub rank: i64,
}

/// What became of a kept job so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeptState {
    /// A process works on it.
    Running,
    /// Its turn has not come.
    Waiting,
    /// It cannot be done, or was tried too often.
    Failed,
    /// Somebody took it back.
    Cancelled,
    /// It is done.
    Done,
}

impl KeptState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Waiting,
        Self::Failed,
        Self::Cancelled,
        Self::Done,
    ];

    /// Its name in lists and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "queued",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Done => "made",
        }
    }

    /// Whether nothing will happen to it any more by itself.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Cancelled | Self::Done)
    }

    /// Its number in the database.
    pub(super) const fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Running => 1,
            Self::Done => 2,
            Self::Failed => 3,
            Self::Cancelled => 4,
        }
    }

    pub(super) fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// A job as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptJob {
    /// Its number in the database.
    pub id: i64,
    /// What was ordered.
    pub order: JobOrder,
    /// What became of it.
    pub state: KeptState,
    /// How often it was begun.
    pub attempts: u32,
    /// Why it failed, or was put off the last time.
    pub reason: Option<String>,
    /// How far its work is.
    pub progress: Progress,
    /// How long it was worked on, time in which it was held left out.
    pub worked: Duration,
    /// It does not start before then, in milliseconds since 1970.
    pub not_before_millis: i64,
    /// When its state changed last, in milliseconds since 1970.
    pub changed_millis: i64,
}

impl KeptJob {
    /// How much longer it takes, if it goes on as it did; `None` while that cannot be told.
    pub fn left(&self) -> Option<Duration> {
        let Progress { done, total } = self.progress;
        let is_known = self.state == KeptState::Running && done > 0 && total > 0;
        let left = total.saturating_sub(done);
        is_known.then(|| {
            let millis = self.worked.as_millis() * u128::from(left) / u128::from(done.max(1));
            Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
        })
    }
}

/// Why a kept job is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeptStop {
    /// It was told to end.
    #[error("it was cancelled")]
    Cancelled,
    /// Something stands in its way that will go by itself. That was no attempt.
    #[error("{0}")]
    NotNow(String),
    /// It may work another time.
    #[error("{0}")]
    Later(String),
    /// It cannot be done.
    #[error("{0}")]
    Never(String),
}

impl From<JobStop> for KeptStop {
    fn from(stop: JobStop) -> Self {
        match stop {
            JobStop::Cancelled => Self::Cancelled,
            JobStop::Failed(reason) => Self::Later(reason),
        }
    }
}
