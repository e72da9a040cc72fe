//! Jobs claimed by processes, and taken back from those that died.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};

use super::job::{KeptJob, KeptState, KeptStop, MOST_ATTEMPTS, pause_after};
use super::owner::{self, Life, Owner};
use super::schema::{COLUMNS, KeptError, job_of, millis, setting};
use super::store::KeptJobs;
use crate::jobs::Progress;

/// A process that gave no sign of life for this long has lost its jobs, though it may hang on to its lock: it
/// may be stopped.
const LEASE_MILLIS: i64 = 300_000;

/// What stands in its way is looked at again after this.
const NOT_NOW: Duration = Duration::from_secs(10);

impl KeptJobs {
    /// Claims the job whose turn it is among those of these kinds; `None` while none may start.
    ///
    /// # Errors
    /// When the database fails, or no file can be made in the folder.
    pub fn claim(&self, kinds: &[&str]) -> Result<Option<KeptJob>, KeptError> {
        let now = self.now_millis();
        let owner = self.owner_name()?;
        self.recover()?;
        self.change(|change| {
            if setting(change, "paused")? != 0 {
                return Ok(None);
            }
            let next = {
                let mut statement = change.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM jobs WHERE state = 0 AND not_before_millis <= ?1 \
                     ORDER BY priority DESC, rank, id"
                ))?;
                let mut rows = statement.query([now])?;
                let mut next = None;
                while let Some(row) = rows.next()? {
                    let job = job_of(row)?;
                    if kinds.contains(&job.order.kind.as_str()) {
                        next = Some(job);
                        break;
                    }
                }
                next
            };
            next.map(|job| claim(change, job, &owner, now)).transpose()
        })
    }

    /// Claims the job of this kind and key, whosever turn it is; `None` where another process has it.
    ///
    /// # Errors
    /// When the database fails, or no file can be made in the folder.
    pub fn claim_one(&self, kind: &str, key: &str) -> Result<Option<KeptJob>, KeptError> {
        let now = self.now_millis();
        let owner = self.owner_name()?;
        self.recover()?;
        self.change(|change| {
            let job = change
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM jobs WHERE kind = ?1 AND key = ?2 AND state = 0"
                ))?
                .query_row([kind, key], job_of)
                .optional()?;
            job.map(|job| claim(change, job, &owner, now)).transpose()
        })
    }

    /// Notes how far a claimed job is, and that this process lives. False where the job is not its own any more:
    /// somebody cancelled it, or took it for left.
    ///
    /// # Errors
    /// When the database fails.
    pub fn beat(&self, id: i64, progress: Progress, worked: Duration) -> Result<bool, KeptError> {
        let now = self.now_millis();
        let owner = self.owner_name()?;
        self.change(|change| {
            let changed = change
                .prepare_cached(
                    "UPDATE jobs SET done = ?3, total = ?4, worked_millis = ?5, beat_millis = ?6 \
                     WHERE id = ?1 AND owner = ?2 AND state = 1",
                )?
                .execute(params![
                    id,
                    owner,
                    progress.done,
                    progress.total,
                    millis(worked),
                    now
                ])?;
            Ok(changed > 0)
        })
    }

    /// Notes what became of a claimed job. It waits again if more was ordered of it than `job` says.
    ///
    /// # Errors
    /// When the database fails.
    pub fn finish(&self, job: &KeptJob, outcome: &Result<(), KeptStop>) -> Result<(), KeptError> {
        let now = self.now_millis();
        let later = |pause: Duration| now.saturating_add(millis(pause));
        let given_back = job.attempts.saturating_sub(1);
        let (state, attempts, not_before, reason) = match outcome {
            Ok(()) => (KeptState::Done, job.attempts, 0, None),
            Err(KeptStop::Cancelled) => (KeptState::Cancelled, job.attempts, 0, None),
            Err(KeptStop::NotNow(reason)) => {
                (KeptState::Waiting, given_back, later(NOT_NOW), Some(reason))
            }
            Err(KeptStop::Later(reason)) if job.attempts < MOST_ATTEMPTS => {
                let pause = pause_after(job.attempts);
                (KeptState::Waiting, job.attempts, later(pause), Some(reason))
            }
            Err(KeptStop::Later(reason) | KeptStop::Never(reason)) => {
                (KeptState::Failed, job.attempts, 0, Some(reason))
            }
        };
        self.settle(job, state, attempts, not_before, reason)
    }

    /// Puts a claimed job back, as if it had not been claimed: the program ends.
    ///
    /// # Errors
    /// When the database fails.
    pub fn give_back(&self, job: &KeptJob) -> Result<(), KeptError> {
        let attempts = job.attempts.saturating_sub(1);
        self.settle(job, KeptState::Waiting, attempts, 0, job.reason.as_ref())
    }

    fn settle(
        &self,
        job: &KeptJob,
        state: KeptState,
        attempts: u32,
        not_before_millis: i64,
        reason: Option<&String>,
    ) -> Result<(), KeptError> {
        let now = self.now_millis();
        let owner = self.owner_name()?;
        self.change(|change| {
            change
                .prepare_cached(
                    "UPDATE jobs SET state = ?3, attempts = ?4, not_before_millis = ?5, \
                     done = CASE WHEN ?3 = 2 THEN total ELSE done END, \
                     reason = ?6, changed_millis = ?7, owner = NULL \
                     WHERE id = ?1 AND owner = ?2 AND state = 1 AND (parameters = ?8 OR ?3 = 4)",
                )?
                .execute(params![
                    job.id,
                    owner,
                    state.code(),
                    attempts,
                    not_before_millis,
                    reason,
                    now,
                    job.order.parameters
                ])?;
            change
                .prepare_cached(
                    "UPDATE jobs SET state = 0, attempts = 0, not_before_millis = 0, \
                     reason = NULL, changed_millis = ?3, owner = NULL \
                     WHERE id = ?1 AND owner = ?2 AND state = 1",
                )?
                .execute(params![job.id, owner, now])?;
            Ok(())
        })
    }

    /// Lets jobs wait again whose process is gone. Answers how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn recover(&self) -> Result<u64, KeptError> {
        let now = self.now_millis();
        let own = self.owner.lock().as_ref().map(|own| own.name().to_owned());
        let running = {
            let connection = self.connection.lock();
            let mut statement = connection
                .prepare_cached("SELECT id, owner, beat_millis FROM jobs WHERE state = 1")?;
            let rows = statement.query_map([], |row| {
                let owner: Option<String> = row.get(1)?;
                Ok((row.get::<_, i64>(0)?, owner, row.get::<_, i64>(2)?))
            })?;
            rows.collect::<Result<Vec<_>, _>>()?
        };
        let mut recovered = 0;
        for (id, owner, beat_millis) in running {
            if owner == own && own.is_some() {
                continue;
            }
            let life = owner
                .as_deref()
                .map_or(Life::Gone, |owner| owner::life_of(&self.folder, owner));
            // A clock that was set back must not keep a job for ever.
            let is_silent = now.abs_diff(beat_millis) > LEASE_MILLIS.unsigned_abs();
            if life == Life::Gone || is_silent {
                recovered += self.change(|change| {
                    let sql = "UPDATE jobs SET owner = NULL, changed_millis = ?3, \
                        state = CASE WHEN attempts >= ?4 THEN 3 ELSE 0 END, \
                        reason = 'the program ended in the middle of it' \
                        WHERE id = ?1 AND owner IS ?2 AND state = 1 AND beat_millis = ?5";
                    let changed = change.prepare_cached(sql)?.execute(params![
                        id,
                        owner,
                        now,
                        MOST_ATTEMPTS,
                        beat_millis
                    ])?;
                    Ok(changed as u64)
                })?;
            }
        }
        Ok(recovered)
    }

    fn owner_name(&self) -> Result<String, KeptError> {
        let mut owner = self.owner.lock();
        let known = owner.take().filter(Owner::is_there);
        let this = match known {
            Some(known) => known,
            None => Owner::new(&self.folder)
                .map_err(|error| KeptError::Folder(self.folder.clone(), error))?,
        };
        let name = this.name().to_owned();
        *owner = Some(this);
        Ok(name)
    }
}

fn claim(
    change: &Transaction<'_>,
    job: KeptJob,
    owner: &str,
    now: i64,
) -> Result<KeptJob, KeptError> {
    change
        .prepare_cached(
            "UPDATE jobs SET state = 1, owner = ?2, attempts = attempts + 1, done = 0, total = 0, \
             worked_millis = 0, changed_millis = ?3, beat_millis = ?3 WHERE id = ?1",
        )?
        .execute(params![job.id, owner, now])?;
    Ok(KeptJob {
        state: KeptState::Running,
        attempts: job.attempts.saturating_add(1),
        progress: Progress::default(),
        worked: Duration::ZERO,
        changed_millis: now,
        ..job
    })
}
