//! The database of kept jobs.
//!
//! Every change is one transaction that begins by writing, so that two processes never claim one job. What a
//! process writes of a job that is not its own any more is lost on purpose.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::job::{JobOrder, KeptJob, KeptState, WallClock, wall_clock};
use super::owner::{self, Owner};
use super::schema::{COLUMNS, DATABASE, KeptError, code_of, connect, job_of, setting};

const LOCK: &str = "lock";

/// Jobs that are over and remembered at most.
const MOST_OVER: i64 = 1000;

/// Whether an order begins a job anew that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renew {
    /// Whatever became of it: a person asks.
    Always,
    /// Unless it failed or was taken back, with the same parameters.
    IfDone,
}

/// What two orders of one kind and key want together: the parameters of the one that is kept, and of the one
/// that comes.
pub type Merge = fn(&JobOrder, &JobOrder) -> String;

/// What came of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It waits now.
    New,
    /// It was over, and waits again.
    Again,
    /// It waits or runs already.
    Known,
    /// It is over, and left so.
    Settled,
}

/// Jobs to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice<'a> {
    /// All of them.
    All,
    /// The one of this kind and key.
    One(&'a str, &'a str),
}

/// Jobs in a folder. Several processes may use it.
#[derive(Debug)]
pub struct KeptJobs {
    pub(super) folder: PathBuf,
    pub(super) connection: Mutex<Connection>,
    /// This process, once it has claimed something.
    pub(super) owner: Mutex<Option<Owner>>,
    clock: Wall,
    merge: Merge,
}

struct Wall(WallClock);

impl std::fmt::Debug for Wall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wall")
    }
}

impl KeptJobs {
    /// The jobs in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// When the folder or the database in it cannot be used. One that is damaged is replaced: all that it held
    /// can be ordered again.
    pub fn open(folder: &Path) -> Result<Self, KeptError> {
        Self::open_at(folder, wall_clock())
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_at(folder: &Path, clock: WallClock) -> Result<Self, KeptError> {
        let fail = |error| KeptError::Folder(folder.to_owned(), error);
        fs::create_dir_all(folder).map_err(fail)?;
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join(LOCK))
            .map_err(fail)?;
        // Held while the database is made. Where there are no locks, SQLite's own must do.
        let _locked = lock.lock();
        let path = folder.join(DATABASE);
        let connection = match connect(&path) {
            Err(error) if error.is_broken() => {
                tracing::warn!("{}: begun anew: {error}", path.display());
                // What was left of a change to it is none to the next one.
                for ending in ["db", "db-journal", "db-wal", "db-shm"] {
                    let _absent = fs::remove_file(path.with_extension(ending));
                }
                connect(&path)?
            }
            connected => connected?,
        };
        owner::sweep(folder);
        Ok(Self {
            folder: folder.to_owned(),
            connection: Mutex::new(connection),
            owner: Mutex::default(),
            clock: Wall(clock),
            // The later order counts.
            merge: |_, order| order.parameters.clone(),
        })
    }

    /// The same, where orders of a job that is not over yet are merged like this.
    #[must_use]
    pub fn merging(self, merge: Merge) -> Self {
        Self { merge, ..self }
    }

    /// The jobs in `folder`, if any were ever kept there.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_existing(folder: &Path) -> Result<Option<Self>, KeptError> {
        let is_there = folder.join(DATABASE).exists();
        is_there.then(|| Self::open(folder)).transpose()
    }

    /// Milliseconds since 1970, by the clock that jobs are kept by.
    pub fn now_millis(&self) -> i64 {
        (self.clock.0)()
    }

    /// Adds a job, or changes the one of the same kind and key: what waits is merged with it and becomes as urgent
    /// as the more urgent of both; what runs is, and waits once more when it is done, if it did not do all of it;
    /// what is over begins anew where `renew` says so.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add(&self, order: &JobOrder, renew: Renew) -> Result<Added, KeptError> {
        let now = self.now_millis();
        self.change(|change| self.add_in(change, order, renew, now))
    }

    /// Adds all of these, or none of them. Answers what came of each.
    ///
    /// # Errors
    /// When the database fails.
    pub fn add_all(&self, orders: &[JobOrder], renew: Renew) -> Result<Vec<Added>, KeptError> {
        let now = self.now_millis();
        self.change(|change| {
            let added = orders
                .iter()
                .map(|order| self.add_in(change, order, renew, now));
            added.collect()
        })
    }

    fn add_in(
        &self,
        change: &Transaction<'_>,
        order: &JobOrder,
        renew: Renew,
        now: i64,
    ) -> Result<Added, KeptError> {
        let known = change
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM jobs WHERE kind = ?1 AND key = ?2"
            ))?
            .query_row(params![order.kind, order.key], job_of)
            .optional()?;
        let Some(known) = known else {
            change
                .prepare_cached(
                    "INSERT INTO jobs (kind, key, parameters, priority, rank, state, changed_millis) \
                     VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
                )?
                .execute(params![
                    order.kind,
                    order.key,
                    order.parameters,
                    code_of(order.priority),
                    order.rank,
                    now
                ])?;
            prune(change)?;
            return Ok(Added::New);
        };
        if known.state.is_over() {
            let is_done = known.state == KeptState::Done;
            let is_renewed = match renew {
                Renew::Always => true,
                Renew::IfDone => is_done || known.order.parameters != order.parameters,
            };
            if !is_renewed {
                return Ok(Added::Settled);
            }
            change
                .prepare_cached(
                    "UPDATE jobs SET parameters = ?2, priority = ?3, rank = ?4, state = 0, \
                     attempts = 0, reason = NULL, done = 0, total = 0, worked_millis = 0, \
                     not_before_millis = 0, changed_millis = ?5, owner = NULL WHERE id = ?1",
                )?
                .execute(params![
                    known.id,
                    order.parameters,
                    code_of(order.priority),
                    order.rank,
                    now
                ])?;
            return Ok(Added::Again);
        }
        // Whoever asks again does not want to wait for the pause after a failure. What runs keeps the parameters
        // that it was claimed with, and is found to have others when it ends.
        change
            .prepare_cached(
                "UPDATE jobs SET parameters = ?2, priority = MAX(priority, ?3), \
                 rank = MIN(rank, ?4), not_before_millis = CASE WHEN ?5 \
                 THEN not_before_millis ELSE 0 END WHERE id = ?1",
            )?
            .execute(params![
                known.id,
                (self.merge)(&known.order, order),
                code_of(order.priority),
                order.rank,
                renew != Renew::Always
            ])?;
        Ok(Added::Known)
    }

    /// Holds all jobs, of all processes, or lets them go on.
    ///
    /// # Errors
    /// When the database fails.
    pub fn set_paused(&self, paused: bool) -> Result<(), KeptError> {
        self.change(|change| {
            change.execute(
                "INSERT OR REPLACE INTO settings (name, value) VALUES ('paused', ?1)",
                [i64::from(paused)],
            )?;
            Ok(())
        })
    }

    /// Whether somebody holds all jobs.
    ///
    /// # Errors
    /// When the database fails.
    pub fn is_paused(&self) -> Result<bool, KeptError> {
        Ok(setting(&self.connection.lock(), "paused")? != 0)
    }

    /// Takes back what waits or runs. What runs ends when its process looks. Answers how many they were.
    ///
    /// # Errors
    /// When the database fails.
    pub fn cancel(&self, choice: Choice<'_>) -> Result<u64, KeptError> {
        let sql = "UPDATE jobs SET state = 4, owner = NULL, reason = NULL, changed_millis = ?1 \
            WHERE state IN (0, 1)";
        self.change_chosen(sql, choice)
    }

    /// Takes back the job of this kind and key, unless another process works on it.
    ///
    /// # Errors
    /// When the database fails.
    pub fn withdraw(&self, kind: &str, key: &str) -> Result<(), KeptError> {
        let now = self.now_millis();
        let own = self.owner.lock().as_ref().map(|own| own.name().to_owned());
        self.change(|change| {
            change.execute(
                "UPDATE jobs SET state = 4, owner = NULL, reason = NULL, changed_millis = ?1 \
                 WHERE kind = ?2 AND key = ?3 AND (state = 0 OR (state = 1 AND owner = ?4))",
                params![now, kind, key, own],
            )?;
            Ok(())
        })
    }

    /// Lets what failed, was cancelled or was put off begin anew at once. Answers how many they were.
    ///
    /// # Errors
    /// When the database fails.
    pub fn retry(&self, choice: Choice<'_>) -> Result<u64, KeptError> {
        let sql = "UPDATE jobs SET state = 0, attempts = 0, not_before_millis = 0, done = 0, \
            total = 0, changed_millis = ?1 \
            WHERE (state IN (3, 4) OR (state = 0 AND not_before_millis > ?1))";
        self.change_chosen(sql, choice)
    }

    /// Forgets what is over. Answers how many they were.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_over(&self) -> Result<u64, KeptError> {
        self.change(|change| {
            let changed = change.execute("DELETE FROM jobs WHERE state IN (2, 3, 4)", [])?;
            Ok(changed as u64)
        })
    }

    /// Says how far the waiting jobs of a kind are from what is on screen: those of these keys in this order,
    /// and all others after them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn aim(&self, kind: &str, keys: &[&str]) -> Result<(), KeptError> {
        self.change(|change| {
            change
                .prepare_cached("UPDATE jobs SET rank = ?2 WHERE kind = ?1 AND state = 0")?
                .execute(params![kind, i64::MAX])?;
            for (rank, key) in (0_i64..).zip(keys) {
                change
                    .prepare_cached(
                        "UPDATE jobs SET rank = ?3 WHERE kind = ?1 AND key = ?2 AND state = 0",
                    )?
                    .execute(params![kind, key, rank])?;
            }
            Ok(())
        })
    }

    /// All jobs: those that run, those that wait in the order of their turns, and those that are over, the last
    /// one first. What dead processes left counts as waiting.
    ///
    /// # Errors
    /// When the database fails.
    pub fn list(&self) -> Result<Vec<KeptJob>, KeptError> {
        self.recover()?;
        let connection = self.connection.lock();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM jobs ORDER BY CASE state WHEN 1 THEN 0 WHEN 0 THEN 1 ELSE 2 END, \
             CASE WHEN state >= 2 THEN -changed_millis ELSE 0 END, priority DESC, rank, id"
        ))?;
        let jobs = statement.query_map([], job_of)?;
        Ok(jobs.collect::<Result<Vec<_>, _>>()?)
    }

    /// What became of the job of this kind and key.
    ///
    /// # Errors
    /// When the database fails.
    pub fn find(&self, kind: &str, key: &str) -> Result<Option<KeptJob>, KeptError> {
        let connection = self.connection.lock();
        let job = connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM jobs WHERE kind = ?1 AND key = ?2"
            ))?
            .query_row([kind, key], job_of)
            .optional()?;
        Ok(job)
    }

    /// When the next waiting job may start, in milliseconds since 1970; `None` when none waits.
    ///
    /// # Errors
    /// When the database fails.
    pub fn next_millis(&self) -> Result<Option<i64>, KeptError> {
        let sql = "SELECT MIN(not_before_millis) FROM jobs WHERE state = 0";
        let next = self
            .connection
            .lock()
            .query_row(sql, [], |row| row.get(0))?;
        Ok(next)
    }

    /// Whether a job may be there to claim. What dead processes left counts.
    pub(super) fn is_due(&self) -> Result<bool, KeptError> {
        self.recover()?;
        let next = self.next_millis()?;
        Ok(next.is_some_and(|at| at <= self.now_millis()))
    }

    fn change_chosen(&self, sql: &str, choice: Choice<'_>) -> Result<u64, KeptError> {
        let now = self.now_millis();
        self.change(|change| {
            let changed = match choice {
                Choice::All => change.execute(sql, [now])?,
                Choice::One(kind, key) => change.execute(
                    &format!("{sql} AND kind = ?2 AND key = ?3"),
                    params![now, kind, key],
                )?,
            };
            Ok(changed as u64)
        })
    }

    pub(super) fn change<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, KeptError>,
    ) -> Result<T, KeptError> {
        let mut connection = self.connection.lock();
        // A change that begins by reading could find that another process wrote in between.
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&change)?;
        change.commit()?;
        Ok(done)
    }
}

/// Forgets the oldest of what is over.
fn prune(change: &Transaction<'_>) -> Result<(), KeptError> {
    change
        .prepare_cached(
            "DELETE FROM jobs WHERE state >= 2 AND id NOT IN (SELECT id FROM jobs \
             WHERE state >= 2 ORDER BY changed_millis DESC, id DESC LIMIT ?1)",
        )?
        .execute([MOST_OVER])?;
    Ok(())
}
