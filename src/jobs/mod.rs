//! Background work: what may take its time, and must never take it from playing.
//!
//! A [`JobQueue`] holds [`Job`]s until their turn comes and runs them, as many at a time as it has
//! workers. It knows nothing of what they do: thumbnails and waveforms come from above.
//!
//! # Scenarios
//! - Of the jobs that may start, the one of the highest [`Priority`] does; among equals, the oldest.
//! - A job may wait for others ([`Job::after`]). It starts when all of them are done; where one failed
//!   or was cancelled, it ends the same way without having run.
//! - Two jobs of one key are one: who asks second gets a handle on the first, whose priority rises
//!   when the second one's is higher. Cancelling it cancels it for both.
//! - Cancelling is a flag that the work looks at ([`JobContext::check`]). What waits ends at once; what
//!   runs ends when it looks.
//! - While the queue is paused, jobs that yield ([`Job::yields`]) neither start nor pass
//!   [`JobContext::check`]; the others go on. A job that is held there keeps its worker.
//! - A full queue refuses ([`SubmitError::Full`]); the work is not done, and nothing else changes.
//! - A job that panics has failed. Its worker goes on.
//! - Dropping the queue cancels everything and waits for what runs.
//!
//! What must outlive the program is kept in a database ([`kept`]), and a [`Gate`] holds it while the machine is
//! needed for something else.
//!
//! Threads are called `job 1`, `job 2` and so on, and run at the lowest priority that the system gives,
//! as do the threads that their work starts. A queue without workers runs jobs only when its owner calls
//! [`JobQueue::run_one`]: that is how tests step through it, and how a command line measures a job.

mod gate;
mod job;
pub mod kept;
mod load;
mod queue;
mod readings;
#[cfg(test)]
mod tests;
mod worker;

pub use gate::{Gate, GateSignals, Held, Stance};
pub use job::{
    Job, JobContext, JobEvent, JobHandle, JobId, JobNews, JobState, JobStop, Priority, Progress,
};
pub use load::{Load, LoadProbe, MachineProbe};
pub use queue::{JobListener, JobQueue, QueueOptions, SubmitError};
pub use readings::{MachineReader, Readings};
