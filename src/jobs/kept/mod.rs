//! Jobs that outlive the program: kept in a database, worked off by whichever program has time.
//!
//! A kept job is a kind, a key, and parameters that only its [`Maker`] understands. [`KeptJobs`] is the
//! database; several processes may have it open. A [`Keeper`] takes jobs from it, runs them in a
//! [`JobQueue`](super::JobQueue) of its own, and writes down what became of them; a [`KeeperThread`] does so
//! beside a player.
//!
//! # Scenarios
//! - A job is claimed by one process before it runs. The process holds the lock of a file for as long as it
//!   lives and writes a sign of life now and then; a job whose process is gone, or silent for five minutes, waits
//!   again, and whoever looks next takes it.
//! - What may work another time is tried again, each time after a longer pause ([`pause_after`]), up to
//!   [`MOST_ATTEMPTS`] times; then it has failed, with the last reason. What cannot work fails at once. A
//!   process that died has tried, too: a file that brings the program down does so a few times only.
//! - A job that gives no sign of life for a while ([`KeeperOptions::stall`]) is cancelled and tried again.
//!   Time in which it was held does not count.
//! - Of the jobs that may start, the most urgent does; then the one of the lowest rank, which is how far it is
//!   from what is on screen; then the oldest.
//! - The [`Gate`](super::Gate) holds what runs and keeps others from starting.
//! - Two orders of one kind and key are one job, whose parameters say what both want ([`Merge`]). One that is over
//!   begins anew when it is ordered again; one that runs, if more was ordered of it meanwhile.
//! - A program that ends puts back what it has not finished; that was no attempt.

mod claims;
mod job;
mod keeper;
mod owner;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod thread;

pub use job::{
    JobOrder, KeptJob, KeptState, KeptStop, MOST_ATTEMPTS, WallClock, pause_after, wall_clock,
};
pub use keeper::{Keeper, KeeperOptions, KeptNews, Maker, Turn, workers_for};
pub use schema::KeptError;
pub use store::{Added, Choice, KeptJobs, Merge, Renew};
pub use thread::KeeperThread;
