//! The tables of kept jobs, and how they are read.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior};

use super::job::{JobOrder, KeptJob, KeptState};
use crate::jobs::{Priority, Progress};

/// Counts changes to the tables.
const SCHEMA_VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        parameters TEXT NOT NULL,
        priority INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        state INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        done INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0,
        worked_millis INTEGER NOT NULL DEFAULT 0,
        not_before_millis INTEGER NOT NULL DEFAULT 0,
        changed_millis INTEGER NOT NULL,
        owner TEXT,
        beat_millis INTEGER NOT NULL DEFAULT 0,
        UNIQUE (kind, key)
    ) STRICT;
    CREATE INDEX jobs_by_turn ON jobs (state, priority DESC, rank, id);
    CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT;
";

pub(super) const COLUMNS: &str = "id, kind, key, parameters, priority, rank, state, attempts, reason, done, \
    total, worked_millis, not_before_millis, changed_millis";

pub(super) const DATABASE: &str = "jobs.db";

/// How long another process may hold the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why jobs cannot be kept: what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The folder.
    #[error("{0}: the list of jobs cannot be kept there ({1}). Check the folder and the disk.")]
    Folder(PathBuf, io::Error),
    /// A thread could not be started.
    #[error("no thread could be started for background jobs ({0}).")]
    Thread(io::Error),
    /// Another process holds the database for too long.
    #[error("another program holds the list of jobs. Try again.")]
    Busy,
    /// A later version of the program made it.
    #[error("a newer Jogwheel keeps the list of jobs. Use that one, or another folder.")]
    Newer,
    /// The database.
    #[error("the list of jobs cannot be used ({0}). Check the disk.")]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for KeptError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Database(error),
        }
    }
}

impl KeptError {
    /// Whether the file is no database, or not ours.
    pub(super) fn is_broken(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error.sqlite_error_code() {
            Some(code) => matches!(
                code,
                // Our statements are sound, so an error in them is a table that is not ours.
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
            ),
            // Values of the wrong type: somebody else wrote them.
            None => true,
        }
    }
}

pub(super) fn connect(path: &Path) -> Result<Connection, KeptError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // Several machines may share the folder, and a log that is written ahead needs memory that they share.
    let mode = connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()));
    match mode.map_err(KeptError::from) {
        // One that was made with such a log is open elsewhere.
        Ok(()) | Err(KeptError::Busy) => {}
        Err(error) => return Err(error),
    }
    // A job that is forgotten after a power cut is ordered again; one that seems to run is recovered.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        SCHEMA_VERSION => {}
        0 => {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            change.commit()?;
        }
        _ => return Err(KeptError::Newer),
    }
    // A table that is not ours is found now, not in the middle of work.
    connection.prepare(&format!("SELECT {COLUMNS}, owner, beat_millis FROM jobs"))?;
    Ok(connection)
}

pub(super) fn setting(connection: &Connection, name: &str) -> Result<i64, KeptError> {
    let value = connection
        .prepare_cached("SELECT value FROM settings WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(value.unwrap_or(0))
}

pub(super) fn job_of(row: &Row<'_>) -> rusqlite::Result<KeptJob> {
    let wrong = |column: usize| {
        let text = "a number that means nothing".into();
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, text)
    };
    let worked: i64 = row.get(11)?;
    Ok(KeptJob {
        id: row.get(0)?,
        order: JobOrder {
            kind: row.get(1)?,
            key: row.get(2)?,
            parameters: row.get(3)?,
            priority: priority_of(row.get(4)?).ok_or_else(|| wrong(4))?,
            rank: row.get(5)?,
        },
        state: KeptState::from_code(row.get(6)?).ok_or_else(|| wrong(6))?,
        attempts: row.get(7)?,
        reason: row.get(8)?,
        progress: Progress {
            done: row.get(9)?,
            total: row.get(10)?,
        },
        worked: Duration::from_millis(u64::try_from(worked).unwrap_or(0)),
        not_before_millis: row.get(12)?,
        changed_millis: row.get(13)?,
    })
}

pub(super) const fn code_of(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::High => 2,
    }
}

const fn priority_of(code: i64) -> Option<Priority> {
    match code {
        0 => Some(Priority::Low),
        1 => Some(Priority::Normal),
        2 => Some(Priority::High),
        _ => None,
    }
}

pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
