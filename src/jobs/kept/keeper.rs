//! Works off kept jobs in this process.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::job::{KeptJob, KeptStop};
use super::schema::KeptError;
use super::store::KeptJobs;
use crate::jobs::gate::{Gate, GateSignals, Held, Stance};
use crate::jobs::load::LoadProbe;
use crate::jobs::{
    Job, JobContext, JobHandle, JobListener, JobQueue, JobStop, Priority, Progress, QueueOptions,
};
use crate::time::{Clock, Moment};

/// Signs of life and progress are written down this often.
const BEAT: Duration = Duration::from_secs(1);

/// Does the work of one kind of kept job.
pub trait Maker: Send + Sync {
    /// The kind, as orders name it.
    fn kind(&self) -> &'static str;

    /// Does the work: to be done as other jobs are, with [`JobContext::check`] between two pieces. It may have
    /// been begun before, by a process that died.
    ///
    /// # Errors
    /// Why it is not done, and whether trying again is of use.
    fn make(&self, job: &KeptJob, context: &JobContext) -> Result<(), KeptStop>;
}

/// How jobs are worked off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeeperOptions {
    /// Jobs at a time, each on a thread of its own. With none, the owner runs one at a time itself.
    pub workers: usize,
    /// A job that gives no sign of life for this long is cancelled.
    pub stall: Duration,
}

impl Default for KeeperOptions {
    /// As many workers as the machine can do with. What reads a slow network share gives a sign of life with
    /// each read, so two minutes without one is a hang.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self {
            workers: workers_for(cores),
            stall: Duration::from_mins(2),
        }
    }
}

impl KeeperOptions {
    /// Threads that decode, for each job: one more than there are cores, for one of them waits for a picture that
    /// another one makes.
    pub fn threads_each(&self) -> NonZeroUsize {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = cores.saturating_add(1).get() / self.workers.max(1);
        NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN)
    }
}

/// Jobs at a time on a machine of so many cores: one for eight of them, four at most. A decoder and its encoders
/// take that many by themselves, and two files read at a time are slower than one after the other on many disks.
pub fn workers_for(cores: NonZeroUsize) -> usize {
    cores.get().div_ceil(8).min(4)
}

/// What became of a job that this process worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptNews {
    /// The job, as it was claimed.
    pub job: KeptJob,
    /// How it ended.
    pub outcome: Result<(), KeptStop>,
}

/// How things stand after a turn.
#[derive(Debug, Default)]
pub struct Turn {
    /// Why nothing goes on, if the gate is closed.
    pub held: Option<Held>,
    /// Whether somebody holds all jobs.
    pub is_paused: bool,
    /// What this process works on, with its progress.
    pub running: Vec<KeptJob>,
    /// What ended since the last turn.
    pub news: Vec<KeptNews>,
    /// What is wrong with the database.
    pub error: Option<KeptError>,
}

/// Claims jobs, runs them, and writes down what became of them. Its owner calls [`turn`](Self::turn) a few
/// times a second.
pub struct Keeper {
    jobs: Arc<KeptJobs>,
    makers: Vec<Arc<dyn Maker>>,
    clock: Arc<dyn Clock>,
    probe: Box<dyn LoadProbe>,
    gate: Gate,
    options: KeeperOptions,
    /// Emptied before the queue is dropped, which waits for what runs.
    running: Vec<Running>,
    queue: Option<JobQueue>,
    last_turn: Option<Moment>,
}

/// A claimed job at work.
struct Running {
    job: KeptJob,
    handle: JobHandle,
    outcome: Outcome,
    /// The last sign of life, and when it came.
    pulse: u64,
    alive: Moment,
    beaten: Moment,
    worked: Duration,
    /// Why it was ended, if it gave no sign of life.
    stalled: Option<String>,
    /// Whether the database knows already how it ended.
    is_settled: bool,
}

/// How the work ended, once it has.
type Outcome = Arc<Mutex<Option<Result<(), KeptStop>>>>;

impl Keeper {
    /// A keeper of `jobs`, of the kinds that these makers make.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(
        jobs: Arc<KeptJobs>,
        makers: Vec<Arc<dyn Maker>>,
        clock: Arc<dyn Clock>,
        probe: Box<dyn LoadProbe>,
        options: KeeperOptions,
    ) -> Result<Self, KeptError> {
        let deaf: JobListener = Arc::new(|_| {});
        let queue = QueueOptions {
            workers: options.workers,
            waiting: options.workers.max(1),
        };
        Ok(Self {
            jobs,
            makers,
            clock,
            probe,
            gate: Gate::default(),
            options,
            running: Vec::new(),
            queue: Some(JobQueue::new(queue, deaf).map_err(KeptError::Thread)?),
            last_turn: None,
        })
    }

    /// The jobs that it works off.
    pub fn jobs(&self) -> &Arc<KeptJobs> {
        &self.jobs
    }

    /// Looks around once: notes what ended and how far the rest is, decides whether work is held, and claims
    /// what may start. `late_frames` were late or dropped so far.
    pub fn turn(&mut self, stance: Stance, late_frames: u64) -> Turn {
        let now = self.clock.now();
        let passed = self
            .last_turn
            .map_or(Duration::ZERO, |last| now.since(last));
        self.last_turn = Some(now);
        let mut turn = Turn {
            held: self.gate.decide(&GateSignals {
                now,
                load: self.probe.read(),
                stance,
                late_frames,
            }),
            ..Turn::default()
        };
        match self.jobs.is_paused() {
            Ok(is_paused) => turn.is_paused = is_paused,
            Err(error) => turn.error = Some(error),
        }
        let is_held = turn.held.is_some() || turn.is_paused;
        if let Some(queue) = &self.queue {
            queue.set_paused(is_held);
        }
        self.collect(&mut turn);
        self.look_after(now, passed, is_held, &mut turn);
        if !is_held {
            self.claim(now, &mut turn);
        }
        turn.running = self.running.iter().map(Running::shown).collect();
        turn
    }

    /// Whether it works on nothing.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Runs a claimed job on this thread, where there are no workers. False when there is none.
    pub fn run_one(&self) -> bool {
        self.queue
            .as_ref()
            .is_some_and(|queue| queue.run_one().is_some())
    }

    /// Notes what ended.
    fn collect(&mut self, turn: &mut Turn) {
        let jobs = &self.jobs;
        self.running.retain_mut(|running| {
            if !running.handle.state().is_over() {
                return true;
            }
            // What somebody took back, or what hung, is written down already.
            if running.is_settled {
                return false;
            }
            let outcome = running.ended();
            if let Err(error) = jobs.finish(&running.job, &outcome) {
                // It is tried again the next time: the disk may be full.
                turn.error = Some(error);
                return true;
            }
            turn.news.push(KeptNews {
                job: running.shown(),
                outcome,
            });
            false
        });
    }

    /// Notes how far the rest is, and ends what hangs or is not wanted any more.
    fn look_after(&mut self, now: Moment, passed: Duration, is_held: bool, turn: &mut Turn) {
        for running in self.running.iter_mut().filter(|job| !job.is_settled) {
            let pulse = running.handle.pulse();
            if is_held || pulse != running.pulse {
                running.pulse = pulse;
                running.alive = now;
            }
            if !is_held {
                running.worked += passed;
            }
            if running.stalled.is_none() && now.since(running.alive) >= self.options.stall {
                let seconds = self.options.stall.as_secs();
                let reason = format!("it gave no sign of life for {seconds} s");
                tracing::warn!("{}: {reason}", running.job.order.key);
                running.handle.cancel();
                running.stalled = Some(reason);
            }
            if let Some(reason) = &running.stalled {
                let outcome = Err(KeptStop::Later(reason.clone()));
                match self.jobs.finish(&running.job, &outcome) {
                    Ok(()) => {
                        running.is_settled = true;
                        turn.news.push(KeptNews {
                            job: running.shown(),
                            outcome,
                        });
                    }
                    // It is tried again the next time, and is no news before.
                    Err(error) => turn.error = Some(error),
                }
                continue;
            }
            if now.since(running.beaten) < BEAT {
                continue;
            }
            running.beaten = now;
            let progress = running.handle.progress();
            match self.jobs.beat(running.job.id, progress, running.worked) {
                Ok(true) => {}
                Ok(false) => {
                    running.handle.cancel();
                    running.is_settled = true;
                    turn.news.push(KeptNews {
                        job: running.shown(),
                        outcome: Err(KeptStop::Cancelled),
                    });
                }
                Err(error) => turn.error = Some(error),
            }
        }
    }

    /// Starts what may start.
    fn claim(&mut self, now: Moment, turn: &mut Turn) {
        let kinds: Vec<&str> = self.makers.iter().map(|maker| maker.kind()).collect();
        while self.running.len() < self.options.workers.max(1) {
            // To claim is to write, which is not done for nothing.
            match self.jobs.is_due() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    turn.error = Some(error);
                    return;
                }
            }
            let job = match self.jobs.claim(&kinds) {
                Ok(Some(job)) => job,
                Ok(None) => return,
                Err(error) => {
                    turn.error = Some(error);
                    return;
                }
            };
            if !self.start(job, now) {
                return;
            }
        }
    }

    fn start(&mut self, job: KeptJob, now: Moment) -> bool {
        let maker = self.makers.iter().find(|m| m.kind() == job.order.kind);
        let (Some(maker), Some(queue)) = (maker.cloned(), &self.queue) else {
            return false;
        };
        let outcome = Outcome::default();
        let work = {
            let (job, outcome) = (job.clone(), Arc::clone(&outcome));
            move |context: &JobContext| {
                let made = maker.make(&job, context);
                let stop = made.as_ref().err().map(ToString::to_string);
                *outcome.lock() = Some(made);
                stop.map_or(Ok(()), |reason| Err(JobStop::Failed(reason)))
            }
        };
        let key = format!("{} {}", job.order.kind, job.id);
        match queue.submit(Job::new(key, work).priority(Priority::Low).yields()) {
            Ok(handle) => {
                tracing::info!("{}: begun, attempt {}", job.order.key, job.attempts);
                self.running.push(Running {
                    job,
                    handle,
                    outcome,
                    pulse: 0,
                    alive: now,
                    beaten: now,
                    worked: Duration::ZERO,
                    stalled: None,
                    is_settled: false,
                });
                true
            }
            Err(error) => {
                tracing::warn!("{}: {error}", job.order.key);
                if let Err(error) = self.jobs.give_back(&job) {
                    tracing::warn!("{error}");
                }
                false
            }
        }
    }
}

impl Running {
    /// The job with its progress of now.
    fn shown(&self) -> KeptJob {
        KeptJob {
            progress: match self.handle.progress() {
                Progress { total: 0, .. } => self.job.progress,
                told => told,
            },
            worked: self.worked,
            ..self.job.clone()
        }
    }

    /// How it ended.
    fn ended(&self) -> Result<(), KeptStop> {
        if let Some(reason) = &self.stalled {
            return Err(KeptStop::Later(reason.clone()));
        }
        let outcome = self.outcome.lock().clone();
        outcome.unwrap_or_else(|| {
            // It panicked, or ended before it began.
            let words = "it broke down: this is a fault in Jogwheel";
            Err(KeptStop::Later(words.to_owned()))
        })
    }
}

impl Drop for Keeper {
    /// Ends what runs, and puts it back unless it was finished in the very last moment.
    fn drop(&mut self) {
        for running in &self.running {
            running.handle.cancel();
        }
        drop(self.queue.take());
        for running in self.running.drain(..).filter(|job| !job.is_settled) {
            let outcome = running.outcome.lock().take();
            let noted = match outcome {
                Some(outcome @ (Ok(()) | Err(KeptStop::Never(_)))) => {
                    self.jobs.finish(&running.job, &outcome)
                }
                _ => self.jobs.give_back(&running.job),
            };
            if let Err(error) = noted {
                tracing::warn!("{}: {error}", running.job.order.key);
            }
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("running", &self.running.len())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
