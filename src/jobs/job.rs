//! A job, and what its owner and its work see of it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::queue::Core;

/// A job's number, counted from the queue's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// Who goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Nice to have: what will be seen only when somebody looks closely.
    Low,
    /// What will be seen.
    #[default]
    Normal,
    /// What somebody is waiting for.
    High,
}

/// What became of a job so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Its turn has not come.
    Waiting,
    /// It is being worked on.
    Running,
    /// Its work is done.
    Done,
    /// Its work cannot be done, for this reason.
    Failed(Arc<str>),
    /// Nobody wants it any more.
    Cancelled,
}

impl JobState {
    /// Whether nothing will happen to it any more.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed(_) | Self::Cancelled)
    }
}

/// Why work ends before it is done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobStop {
    /// It was told to.
    #[error("it was cancelled")]
    Cancelled,
    /// It cannot go on.
    #[error("{0}")]
    Failed(String),
}

/// How far work has come, in steps of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Steps taken.
    pub done: u32,
    /// Steps that there are; 0 while that is not known.
    pub total: u32,
}

pub(super) type Work = Box<dyn FnOnce(&JobContext) -> Result<(), JobStop> + Send>;

/// Work to be done in the background.
pub struct Job {
    pub(super) key: Arc<str>,
    pub(super) priority: Priority,
    pub(super) after: Vec<Arc<Record>>,
    pub(super) yields: bool,
    pub(super) work: Work,
}

impl Job {
    /// A job of normal priority that waits for nothing. Jobs of the same `key` are the same job.
    pub fn new(
        key: impl Into<Arc<str>>,
        work: impl FnOnce(&JobContext) -> Result<(), JobStop> + Send + 'static,
    ) -> Self {
        Self {
            key: key.into(),
            priority: Priority::default(),
            after: Vec::new(),
            yields: false,
            work: Box::new(work),
        }
    }

    /// Gives it another priority.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Makes it wait until `other` is done.
    #[must_use]
    pub fn after(mut self, other: &JobHandle) -> Self {
        self.after.push(Arc::clone(&other.record));
        self
    }

    /// Makes it give way while the queue is paused.
    #[must_use]
    pub fn yields(mut self) -> Self {
        self.yields = true;
        self
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("key", &self.key)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}

/// What the queue, the handles and the work of a job share.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: JobId,
    pub(super) key: Arc<str>,
    pub(super) cancelled: Arc<AtomicBool>,
    state: Mutex<JobState>,
    /// Steps done in the upper half, steps that there are in the lower.
    progress: AtomicU64,
    /// Counts signs of life.
    pulse: Arc<AtomicU64>,
}

impl Record {
    pub(super) fn new(id: JobId, key: Arc<str>) -> Self {
        Self {
            id,
            key,
            cancelled: Arc::default(),
            state: Mutex::new(JobState::Waiting),
            progress: AtomicU64::new(0),
            pulse: Arc::default(),
        }
    }

    pub(super) fn state(&self) -> JobState {
        self.state.lock().clone()
    }

    pub(super) fn set_state(&self, state: JobState) {
        *self.state.lock() = state;
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn progress(&self) -> Progress {
        let both = self.progress.load(Ordering::Relaxed);
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        Progress {
            done: half(both >> 32),
            total: half(both),
        }
    }
}

/// Follows a job. Dropping it changes nothing: who does not want the job any more says so.
#[derive(Clone)]
pub struct JobHandle {
    pub(super) record: Arc<Record>,
    pub(super) core: Weak<Core>,
}

impl JobHandle {
    /// Its number.
    pub fn id(&self) -> JobId {
        self.record.id
    }

    /// What became of it so far.
    pub fn state(&self) -> JobState {
        self.record.state()
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        self.record.progress()
    }

    /// How many signs of life its work has given. One whose number stands still hangs, or is held.
    pub fn pulse(&self) -> u64 {
        self.record.pulse.load(Ordering::Relaxed)
    }

    /// Tells it to end. What waits for it ends, too. Does nothing once it is over.
    pub fn cancel(&self) {
        self.record.cancelled.store(true, Ordering::Release);
        if let Some(core) = self.core.upgrade() {
            core.look_at_cancelled();
        }
    }
}

impl fmt::Debug for JobHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle")
            .field("id", &self.record.id)
            .field("key", &self.record.key)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// What work sees of its job.
pub struct JobContext {
    pub(super) record: Arc<Record>,
    pub(super) core: Arc<Core>,
    pub(super) yields: bool,
}

impl JobContext {
    /// Whether the work should end.
    pub fn is_cancelled(&self) -> bool {
        self.record.is_cancelled()
    }

    /// A flag that becomes true when the work should end, for what can be interrupted by one.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.record.cancelled)
    }

    /// A number that whoever works for the job raises now and then: a sign of life where there is no progress
    /// to tell of, such as from between two reads of a long file.
    pub fn pulse(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.record.pulse)
    }

    /// To be called between two pieces of work: waits while a job that yields is paused.
    ///
    /// # Errors
    /// When the work should end.
    pub fn check(&self) -> Result<(), JobStop> {
        if self.yields {
            self.core.wait_while_paused(&self.record);
        }
        if self.is_cancelled() {
            return Err(JobStop::Cancelled);
        }
        Ok(())
    }

    /// Tells how far the work has come. The listener hears of every call, so call it when there is
    /// something new to see.
    pub fn progress(&self, progress: Progress) {
        let both = u64::from(progress.done) << 32 | u64::from(progress.total);
        self.record.progress.store(both, Ordering::Relaxed);
        self.record.pulse.fetch_add(1, Ordering::Relaxed);
        self.core.tell(&[JobEvent {
            id: self.record.id,
            key: Arc::clone(&self.record.key),
            news: JobNews::Progress(progress),
        }]);
    }
}

impl fmt::Debug for JobContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JobContext").field(&self.record).finish()
    }
}

/// Something that happened to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEvent {
    /// Which job.
    pub id: JobId,
    /// Its key.
    pub key: Arc<str>,
    /// What happened.
    pub news: JobNews,
}

/// What can happen to a job. That it waits is no news: who submitted it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobNews {
    /// Work has begun.
    Started,
    /// Work has come so far.
    Progress(Progress),
    /// It is over, in this state.
    Ended(JobState),
}
