//! The queue: which job is next, and what became of each.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::job::{
    Job, JobContext, JobEvent, JobHandle, JobId, JobNews, JobState, JobStop, Priority, Record, Work,
};
use super::worker;

/// Hears what happens to jobs, on whatever thread it happens. No lock of the queue is held.
pub type JobListener = Arc<dyn Fn(&JobEvent) + Send + Sync>;

/// How a queue is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOptions {
    /// Threads, and thereby jobs that run at a time. With none, the owner runs jobs itself.
    pub workers: usize,
    /// Jobs that may wait.
    pub waiting: usize,
}

impl Default for QueueOptions {
    /// One worker, so that a machine of two cores keeps one for playing, and room for the jobs of some
    /// hundred media.
    fn default() -> Self {
        Self {
            workers: 1,
            waiting: 1024,
        }
    }
}

/// Why a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// As many wait as may.
    #[error("the queue of background jobs is full")]
    Full,
}

/// Runs jobs. See the module.
pub struct JobQueue {
    core: Arc<Core>,
    threads: Vec<JoinHandle<()>>,
}

impl JobQueue {
    /// A queue with its workers.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(options: QueueOptions, listener: JobListener) -> io::Result<Self> {
        // Without workers jobs still run one at a time, on the owner's thread.
        Self::with_limit(options, options.workers.max(1), listener)
    }

    /// A queue of which `limit` jobs run at a time, whoever runs them.
    pub(super) fn with_limit(
        options: QueueOptions,
        limit: usize,
        listener: JobListener,
    ) -> io::Result<Self> {
        let core = Arc::new(Core {
            board: Mutex::default(),
            changed: Condvar::new(),
            paused: AtomicBool::new(false),
            listener,
            limit,
            room: options.waiting,
        });
        let mut queue = Self {
            core,
            threads: Vec::with_capacity(options.workers),
        };
        for number in 1..=options.workers {
            let thread = worker::start(number, Arc::clone(&queue.core))?;
            queue.threads.push(thread);
        }
        Ok(queue)
    }

    /// Adds a job, or joins the one of the same key that waits or runs.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn submit(&self, job: Job) -> Result<JobHandle, SubmitError> {
        let record = self.core.board.lock().add(job, self.core.room)?;
        // Its dependencies may have ended badly already.
        self.core.look_at_cancelled();
        Ok(JobHandle {
            record,
            core: Arc::downgrade(&self.core),
        })
    }

    /// Holds jobs that yield, or lets them go on.
    pub fn set_paused(&self, paused: bool) {
        if self.core.paused.swap(paused, Ordering::AcqRel) != paused {
            // With the lock, so that nobody is between looking and waiting.
            let _board = self.core.board.lock();
            self.core.changed.notify_all();
        }
    }

    /// Whether nothing waits and nothing runs.
    pub fn is_idle(&self) -> bool {
        let board = self.core.board.lock();
        board.waiting.is_empty() && board.running.is_empty()
    }

    /// Runs the next job on this thread, and answers which it was. `None` when none may start.
    pub fn run_one(&self) -> Option<JobId> {
        let started = self.core.begin()?;
        let id = started.record.id;
        self.core.run(started);
        Some(id)
    }

    #[cfg(test)]
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }
}

impl Drop for JobQueue {
    fn drop(&mut self) {
        {
            let mut board = self.core.board.lock();
            board.closing = true;
            let waiting = board.waiting.iter().map(|waiting| &waiting.record);
            for record in waiting.chain(&board.running) {
                record.cancelled.store(true, Ordering::Release);
            }
        }
        self.core.look_at_cancelled();
        let this_thread = std::thread::current().id();
        for thread in self.threads.drain(..) {
            // A job that lets go of its own queue must not wait for itself.
            if thread.thread().id() != this_thread && thread.join().is_err() {
                tracing::error!("a worker of background jobs panicked");
            }
        }
    }
}

impl fmt::Debug for JobQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let board = self.core.board.lock();
        f.debug_struct("JobQueue")
            .field("waiting", &board.waiting.len())
            .field("running", &board.running.len())
            .field("workers", &self.threads.len())
            .finish_non_exhaustive()
    }
}

/// What the queue, its workers and the handles share.
pub(super) struct Core {
    board: Mutex<Board>,
    /// A job came or ended, or the queue was paused, resumed or closed.
    changed: Condvar,
    paused: AtomicBool,
    listener: JobListener,
    /// Jobs that run at a time.
    limit: usize,
    room: usize,
}

/// The jobs that are not over.
#[derive(Default)]
struct Board {
    next_id: u64,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    running: Vec<Arc<Record>>,
    closing: bool,
}

struct Waiting {
    record: Arc<Record>,
    priority: Priority,
    after: Vec<Arc<Record>>,
    yields: bool,
    work: Work,
}

/// A job whose turn has come.
pub(super) struct Started {
    pub(super) record: Arc<Record>,
    yields: bool,
    work: Work,
}

impl Board {
    fn add(&mut self, job: Job, room: usize) -> Result<Arc<Record>, SubmitError> {
        let is_same = |record: &Record| record.key == job.key && !record.is_cancelled();
        if let Some(same) = self.waiting.iter_mut().find(|same| is_same(&same.record)) {
            same.priority = same.priority.max(job.priority);
            return Ok(Arc::clone(&same.record));
        }
        if let Some(same) = self.running.iter().find(|record| is_same(record)) {
            return Ok(Arc::clone(same));
        }
        if self.waiting.len() >= room {
            return Err(SubmitError::Full);
        }
        let record = Arc::new(Record::new(JobId(self.next_id), job.key));
        self.next_id += 1;
        self.waiting.push(Waiting {
            record: Arc::clone(&record),
            priority: job.priority,
            after: job.after,
            yields: job.yields,
            work: job.work,
        });
        Ok(record)
    }

    /// Ends what was cancelled, and what waits for something that ended badly. Jobs only wait for
    /// older ones, so one pass finds all.
    fn settle(&mut self, events: &mut Vec<JobEvent>) {
        self.waiting.retain(|waiting| {
            let end = waiting.end();
            if let Some(state) = &end {
                waiting.record.set_state(state.clone());
                events.push(event(&waiting.record, JobNews::Ended(state.clone())));
            }
            end.is_none()
        });
    }

    /// Takes the job that starts next, if one may.
    fn begin(&mut self, limit: usize, paused: bool) -> Option<Started> {
        if self.closing || self.running.len() >= limit {
            return None;
        }
        let ready = self
            .waiting
            .iter()
            .enumerate()
            .filter(|(_, waiting)| !(paused && waiting.yields) && waiting.is_ready());
        let (place, _) = ready.max_by_key(|(place, waiting)| {
            let oldest = std::cmp::Reverse(*place);
            (waiting.priority, oldest)
        })?;
        let Waiting {
            record,
            yields,
            work,
            ..
        } = self.waiting.remove(place);
        record.set_state(JobState::Running);
        self.running.push(Arc::clone(&record));
        Some(Started {
            record,
            yields,
            work,
        })
    }
}

impl Waiting {
    fn is_ready(&self) -> bool {
        self.after
            .iter()
            .all(|record| record.state() == JobState::Done)
    }

    /// How it ends without having run, if it does.
    fn end(&self) -> Option<JobState> {
        if self.record.is_cancelled() {
            return Some(JobState::Cancelled);
        }
        self.after.iter().find_map(|record| match record.state() {
            JobState::Cancelled => Some(JobState::Cancelled),
            JobState::Failed(reason) => Some(JobState::Failed(reason)),
            JobState::Waiting | JobState::Running | JobState::Done => None,
        })
    }
}

fn event(record: &Record, news: JobNews) -> JobEvent {
    JobEvent {
        id: record.id,
        key: Arc::clone(&record.key),
        news,
    }
}

impl Core {
    pub(super) fn tell(&self, events: &[JobEvent]) {
        for event in events {
            (self.listener)(event);
        }
    }

    /// Ends what was cancelled, and wakes whoever waits for a change.
    pub(super) fn look_at_cancelled(&self) {
        let mut events = Vec::new();
        {
            let mut board = self.board.lock();
            board.settle(&mut events);
            self.changed.notify_all();
        }
        self.tell(&events);
    }

    /// Waits while the queue is paused and the job is wanted.
    pub(super) fn wait_while_paused(&self, record: &Record) {
        let is_held = || self.paused.load(Ordering::Acquire) && !record.is_cancelled();
        if !is_held() {
            return;
        }
        let mut board = self.board.lock();
        while is_held() {
            self.changed.wait(&mut board);
        }
    }

    /// Wakes those that wait for a change, which find none; answers how many they were.
    #[cfg(test)]
    pub(super) fn nudge(&self) -> usize {
        let _board = self.board.lock();
        self.changed.notify_all()
    }

    /// The job that starts next, if one may.
    pub(super) fn begin(&self) -> Option<Started> {
        let mut board = self.board.lock();
        self.begin_locked(&mut board)
    }

    /// The job that starts next; waits for one. `None` when the queue is closing.
    pub(super) fn wait_and_begin(&self) -> Option<Started> {
        let mut board = self.board.lock();
        loop {
            if board.closing {
                return None;
            }
            if let Some(started) = self.begin_locked(&mut board) {
                return Some(started);
            }
            self.changed.wait(&mut board);
        }
    }

    fn begin_locked(&self, board: &mut MutexGuard<'_, Board>) -> Option<Started> {
        let started = board.begin(self.limit, self.paused.load(Ordering::Acquire))?;
        let news = event(&started.record, JobNews::Started);
        MutexGuard::unlocked(board, || self.tell(&[news]));
        Some(started)
    }

    /// Does the work and tells what became of it.
    pub(super) fn run(self: &Arc<Self>, started: Started) {
        let Started {
            record,
            yields,
            work,
        } = started;
        let context = JobContext {
            record: Arc::clone(&record),
            core: Arc::clone(self),
            yields,
        };
        puffin::profile_scope!("job");
        // What the work has broken is its own: it shares nothing but atomics with the queue.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&context)));
        let outcome = outcome.unwrap_or_else(|_panic| {
            Err(JobStop::Failed(
                "it broke down: this is a fault in Jogwheel".to_owned(),
            ))
        });
        self.finish(&record, outcome);
    }

    /// Notes how a job ended.
    pub(super) fn finish(&self, record: &Arc<Record>, outcome: Result<(), JobStop>) {
        let state = match outcome {
            Ok(()) => JobState::Done,
            // What was cancelled may have failed for that very reason: a read was interrupted.
            Err(_) if record.is_cancelled() => JobState::Cancelled,
            Err(JobStop::Cancelled) => JobState::Cancelled,
            Err(JobStop::Failed(reason)) => JobState::Failed(reason.into()),
        };
        let mut events = vec![event(record, JobNews::Ended(state.clone()))];
        {
            let mut board = self.board.lock();
            board.running.retain(|running| running.id != record.id);
            record.set_state(state);
            board.settle(&mut events);
            self.changed.notify_all();
        }
        self.tell(&events);
    }
}
