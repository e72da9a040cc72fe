//! The database: which items there are, how large, and which may go first.
//!
//! It is for accounting alone. Readers find an item by its name and need no database; so one that is
//! slow, locked or broken keeps nobody from reading.
//!
//! # Order of changes
//! An item is recorded before its file appears, and its record goes after its file has gone. Whenever a
//! process dies, the database knows of too much rather than of too little, and the limit holds.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::folder::Folder;
use super::key::{ItemName, Kind};

/// Counts changes to the tables.
const SCHEMA_VERSION: i64 = 1;

/// Stands in the database's `application_id` once the items that were there before it are recorded.
const ADOPTED: i64 = 0x4a57_4331;

const SCHEMA: &str = "
    CREATE TABLE items (
        name BLOB PRIMARY KEY NOT NULL,
        kind INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        plain_bytes INTEGER NOT NULL,
        made_millis INTEGER NOT NULL,
        used_millis INTEGER NOT NULL,
        label TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX items_by_use ON items (used_millis, bytes);
";

/// Items that are looked at together while room is made.
const TRIM_STEP: u32 = 64;

/// An item, as the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: ItemName,
    pub(super) kind: Kind,
    /// Of the file.
    pub(super) bytes: u64,
    /// Of what it holds, unpacked.
    pub(super) plain_bytes: u64,
    pub(super) made_millis: i64,
    pub(super) used_millis: i64,
    pub(super) label: String,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Evicted {
    pub(super) items: u64,
    pub(super) bytes: u64,
}

/// Why the database did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    /// It is not a database any more, or not ours.
    #[error("the database is broken ({0})")]
    Broken(String),
    /// Another process holds it for too long.
    #[error("another process holds the database")]
    Busy,
    /// A later version of the program made it.
    #[error("a newer Jogwheel uses this folder")]
    Newer,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // Values of the wrong type: somebody else wrote them.
            return Self::Broken(text);
        };
        match code.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::CannotOpen
            // Our statements are sound, so an error in them is a table that is not ours.
            | ErrorCode::Unknown
            | ErrorCode::SchemaChanged
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch => Self::Broken(text),
            ErrorCode::SystemIoFailure
                if code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ =>
            {
                Self::Broken(text)
            }
            _ => Self::Failed(text),
        }
    }
}

impl From<io::Error> for DatabaseError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// An open database. Used by one thread at a time.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    path: PathBuf,
    /// Device and number of the file that is open.
    identity: (u64, u64),
}

impl Database {
    /// Opens the database at `path`, or makes it. Answers whether the items in the folder are still to
    /// be recorded ([`Self::adopt`], [`Self::adopted_all`]). Call it with the folder locked.
    pub(super) fn open(path: &Path, patience: Duration) -> Result<(Self, bool), DatabaseError> {
        let is_new = !path.exists();
        if is_new {
            // What a removed database left behind must not be taken for this one's.
            for part in ["db-wal", "db-shm", "db-journal"] {
                let _absent = fs::remove_file(path.with_extension(part));
            }
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(patience)?;
        let _mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        migrate(&mut connection)?;
        let mark: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let soundness: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if soundness != "ok" {
            return Err(DatabaseError::Broken(soundness));
        }
        let metadata = fs::metadata(path)?;
        let database = Self {
            connection,
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
        };
        Ok((database, mark != ADOPTED))
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file that is open is still the one of this name: another process may have set it
    /// aside, a person may have deleted it.
    pub(super) fn is_current(&self) -> bool {
        fs::metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity)
    }

    /// Records an item that will appear, after making room for it: with it, no more than `ceiling`
    /// bytes are recorded, or else as much is removed as brings that down to `floor`.
    pub(super) fn reserve(
        &mut self,
        row: &Row,
        ceiling: u64,
        floor: u64,
        folder: &Folder,
    ) -> Result<Evicted, DatabaseError> {
        let change = self.begin()?;
        let before: Option<i64> = change
            .prepare_cached("SELECT bytes FROM items WHERE name = ?1")?
            .query_row([row.name.0], |row| row.get(0))
            .optional()?;
        let others = total(&change)?.saturating_sub(before.map_or(0, unsigned));
        let evicted = if others.saturating_add(row.bytes) > ceiling {
            trim(&change, floor.saturating_sub(row.bytes), folder)?
        } else {
            Evicted::default()
        };
        upsert(&change, row)?;
        change.commit()?;
        Ok(evicted)
    }

    /// Lets the file of a recorded item appear, while nobody else can remove either. False, and
    /// nothing appears, where the record is gone already.
    pub(super) fn publish(
        &mut self,
        name: ItemName,
        appear: impl FnOnce() -> io::Result<()>,
    ) -> Result<bool, DatabaseError> {
        let change = self.begin()?;
        let is_recorded = change
            .prepare_cached("SELECT 1 FROM items WHERE name = ?1")?
            .exists([name.0])?;
        if !is_recorded {
            return Ok(false);
        }
        match appear() {
            Ok(()) => change.commit()?,
            Err(error) => {
                delete(&change, name)?;
                change.commit()?;
                return Err(error.into());
            }
        }
        Ok(true)
    }

    /// Removes items, file and record.
    pub(super) fn remove(
        &mut self,
        names: &[ItemName],
        folder: &Folder,
    ) -> Result<(), DatabaseError> {
        let change = self.begin()?;
        for &name in names {
            folder.unlink(name)?;
            delete(&change, name)?;
        }
        change.commit()?;
        Ok(())
    }

    /// Forgets an item that has no file and was recorded at `millis` at the latest: a later record is that of
    /// a file that is about to appear.
    pub(super) fn forget(
        &mut self,
        name: ItemName,
        millis: i64,
        folder: &Folder,
    ) -> Result<(), DatabaseError> {
        let change = self.begin()?;
        if folder.last_use(name).is_none() {
            change
                .prepare_cached("DELETE FROM items WHERE name = ?1 AND made_millis <= ?2")?
                .execute(params![name.0, millis])?;
        }
        change.commit()?;
        Ok(())
    }

    /// Removes the items used least recently until no more than `target` bytes are left.
    pub(super) fn trim_to(
        &mut self,
        target: u64,
        folder: &Folder,
    ) -> Result<Evicted, DatabaseError> {
        let change = self.begin()?;
        let evicted = trim(&change, target, folder)?;
        change.commit()?;
        Ok(evicted)
    }

    /// Records items whose files are there and whose records are not, or are wrong. Files that have
    /// gone meanwhile stay unrecorded.
    pub(super) fn adopt(&mut self, rows: &[Row], folder: &Folder) -> Result<u64, DatabaseError> {
        let change = self.begin()?;
        let mut adopted = 0;
        for row in rows {
            let known: Option<i64> = change
                .prepare_cached("SELECT bytes FROM items WHERE name = ?1")?
                .query_row([row.name.0], |row| row.get(0))
                .optional()?;
            if known.map(unsigned) != Some(row.bytes) && folder.last_use(row.name).is_some() {
                upsert(&change, row)?;
                adopted += 1;
            }
        }
        change.commit()?;
        Ok(adopted)
    }

    /// Remembers that every item in the folder was recorded. A process that dies before leaves it to
    /// the next one.
    pub(super) fn adopted_all(&mut self) -> Result<(), DatabaseError> {
        self.connection
            .pragma_update(None, "application_id", ADOPTED)?;
        Ok(())
    }

    /// Forgets items that have no file. Answers how many.
    pub(super) fn forget_absent(&mut self, folder: &Folder) -> Result<u64, DatabaseError> {
        let change = self.begin()?;
        let mut forgotten = 0;
        for row in rows(&change)? {
            if folder.last_use(row.name).is_none() {
                delete(&change, row.name)?;
                forgotten += 1;
            }
        }
        change.commit()?;
        Ok(forgotten)
    }

    /// Bytes of all items.
    pub(super) fn total(&self) -> Result<u64, DatabaseError> {
        total(&self.connection)
    }

    /// All items, those used last first.
    pub(super) fn rows(&self) -> Result<Vec<Row>, DatabaseError> {
        rows(&self.connection)
    }

    /// Items and bytes of each kind that there is.
    pub(super) fn totals(&self) -> Result<Vec<(Kind, u64, u64)>, DatabaseError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT kind, COUNT(*), SUM(bytes) FROM items GROUP BY kind")?;
        let mut found = statement.query([])?;
        let mut totals = Vec::new();
        while let Some(row) = found.next()? {
            totals.push((
                kind_of(row.get(0)?)?,
                unsigned(row.get(1)?),
                unsigned(row.get(2)?),
            ));
        }
        Ok(totals)
    }

    fn begin(&mut self) -> Result<Transaction<'_>, DatabaseError> {
        // A change that begins by reading could find that another process wrote in between.
        let change = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(change)
    }
}

/// Makes the tables. Nobody else does so meanwhile, for the folder is locked.
fn migrate(connection: &mut Connection) -> Result<(), DatabaseError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        SCHEMA_VERSION => Ok(()),
        0 => {
            let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            change.commit()?;
            Ok(())
        }
        _ => Err(DatabaseError::Newer),
    }
}

fn total(connection: &Connection) -> Result<u64, DatabaseError> {
    let bytes: i64 = connection
        .prepare_cached("SELECT COALESCE(SUM(bytes), 0) FROM items")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(bytes))
}

fn upsert(connection: &Connection, row: &Row) -> Result<(), DatabaseError> {
    let sql = "INSERT OR REPLACE INTO items \
        (name, kind, bytes, plain_bytes, made_millis, used_millis, label) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        row.name.0,
        row.kind.code(),
        signed(row.bytes),
        signed(row.plain_bytes),
        row.made_millis,
        row.used_millis,
        row.label,
    ])?;
    Ok(())
}

fn delete(connection: &Connection, name: ItemName) -> Result<(), DatabaseError> {
    connection
        .prepare_cached("DELETE FROM items WHERE name = ?1")?
        .execute([name.0])?;
    Ok(())
}

fn rows(connection: &Connection) -> Result<Vec<Row>, DatabaseError> {
    let sql = "SELECT name, kind, bytes, plain_bytes, made_millis, used_millis, label \
        FROM items ORDER BY used_millis DESC, name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push(Row {
            name: ItemName(row.get(0)?),
            kind: kind_of(row.get(1)?)?,
            bytes: unsigned(row.get(2)?),
            plain_bytes: unsigned(row.get(3)?),
            made_millis: row.get(4)?,
            used_millis: row.get(5)?,
            label: row.get(6)?,
        });
    }
    Ok(rows)
}

/// The time of an item's last use is its file's: readers mark it there, without the database. So each
/// item that seems to be old is looked at once more before it goes.
fn trim(change: &Transaction<'_>, target: u64, folder: &Folder) -> Result<Evicted, DatabaseError> {
    let mut left = total(change)?;
    let mut evicted = Evicted::default();
    while left > target {
        let oldest = oldest(change)?;
        if oldest.is_empty() {
            break;
        }
        for (name, bytes, used_millis) in oldest {
            if left <= target {
                break;
            }
            if let Some(used) = folder.last_use(name).filter(|&used| used > used_millis) {
                change
                    .prepare_cached("UPDATE items SET used_millis = ?2 WHERE name = ?1")?
                    .execute(params![name.0, used])?;
                continue;
            }
            folder.unlink(name)?;
            delete(change, name)?;
            left = left.saturating_sub(bytes);
            evicted.items += 1;
            evicted.bytes += bytes;
        }
    }
    Ok(evicted)
}

fn oldest(connection: &Connection) -> Result<Vec<(ItemName, u64, i64)>, DatabaseError> {
    let sql = "SELECT name, bytes, used_millis FROM items ORDER BY used_millis, bytes LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([TRIM_STEP])?;
    let mut oldest = Vec::new();
    while let Some(row) = found.next()? {
        oldest.push((ItemName(row.get(0)?), unsigned(row.get(1)?), row.get(2)?));
    }
    Ok(oldest)
}

fn kind_of(code: i64) -> Result<Kind, DatabaseError> {
    u8::try_from(code)
        .ok()
        .and_then(Kind::from_code)
        .ok_or_else(|| DatabaseError::Broken(format!("there is no kind {code}")))
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
