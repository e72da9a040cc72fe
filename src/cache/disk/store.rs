//! Items on disk and in the database, together.

use std::collections::HashMap;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use parking_lot::Mutex;

use super::bytes::CachedBytes;
use super::counters::{Counters, Fault};
use super::database::{Database, DatabaseError, Row};
use super::folder::{Entry, Folder};
use super::item::{ItemError, ItemFile, Packed, Seen};
use super::key::{ItemName, Key};
use super::limits::{DiskLimits, Thresholds};

/// Items that are remembered to have been checked. More than this are checked once more, now and then.
const MAX_CHECKED: usize = 1 << 16;

/// Why an item is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Declined {
    /// It is larger than an eighth of the limit, or than a gigabyte.
    #[error("the item is too large for the disk cache")]
    TooLarge,
    /// The file system is nearly full.
    #[error("the disk is nearly full")]
    NoRoom,
    /// The folder or the database could not be written to, for this reason.
    #[error("the disk cache cannot be written to: {0}")]
    Failed(String),
}

/// What became of looking for an item.
pub(super) enum Looked {
    /// It is there; whether it was marked as used, which is done once a minute.
    Found(CachedBytes, bool),
    Missing,
    /// It was, and has been removed; its record is left.
    Damaged,
}

/// What the handle and the writer's thread share.
pub(super) struct Store {
    pub(super) folder: Folder,
    pub(super) limits: DiskLimits,
    pub(super) counters: Counters,
    /// Opened when it is needed first. Locked for a transaction, never while an item is written.
    database: Mutex<Option<Database>>,
    checked: Mutex<HashMap<ItemName, Seen>>,
}

impl Store {
    pub(super) fn new(folder: PathBuf, limits: DiskLimits) -> Self {
        Self {
            folder: Folder::new(folder),
            limits,
            counters: Counters::default(),
            database: Mutex::new(None),
            checked: Mutex::new(HashMap::new()),
        }
    }

    pub(super) fn fault(&self, fault: Fault, cause: &dyn Display) {
        self.counters.fault(fault, self.folder.path(), cause);
    }

    /// The limit that holds: one that was stated for the folder, else that of this process.
    pub(super) fn limit_bytes(&self) -> u64 {
        self.folder
            .stated_limit()
            .unwrap_or(self.limits.limit_bytes)
    }

    /// The item, if it is there and sound.
    pub(super) fn get(&self, key: &Key) -> Looked {
        puffin::profile_scope!("cache get");
        let fault = match self.read(key.name()) {
            Ok((bytes, is_marked)) => {
                Counters::add(&self.counters.hits, 1);
                return Looked::Found(bytes, is_marked);
            }
            Err(error) => error,
        };
        Counters::add(&self.counters.misses, 1);
        match fault {
            ItemError::Absent => Looked::Missing,
            ItemError::Unreadable(error) => {
                self.fault(Fault::Unreadable, &error);
                Looked::Missing
            }
            ItemError::Damaged(cause) => {
                self.fault(Fault::Damaged, &cause);
                self.unlink(key.name());
                Looked::Damaged
            }
        }
    }

    /// Removes an item's file and leaves its record. It is gone at once, so that it is made again and not
    /// found again.
    pub(super) fn unlink(&self, name: ItemName) {
        self.checked.lock().remove(&name);
        let _stays = self.folder.unlink(name);
    }

    /// The item, and whether it was marked as used. Not counted.
    pub(super) fn read(&self, name: ItemName) -> Result<(CachedBytes, bool), ItemError> {
        let item = ItemFile::open(&self.folder.item_path(name), name)?;
        let is_checked = self.checked.lock().get(&name) == Some(&item.seen);
        let marked = Folder::mark_used(&item.file, item.seen);
        let seen = marked.unwrap_or(item.seen);
        let bytes = item.load(is_checked)?;
        let mut checked = self.checked.lock();
        if checked.len() >= MAX_CHECKED {
            checked.clear();
        }
        checked.insert(name, seen);
        Ok((bytes, marked.is_some()))
    }

    /// Keeps an item.
    pub(super) fn put(&self, key: &Key, parts: &[&[u8]]) -> Result<(), Declined> {
        puffin::profile_scope!("cache put");
        let kept = self.try_put(key, parts);
        let counter = match kept {
            Ok(()) => &self.counters.stored,
            Err(_) => &self.counters.declined,
        };
        Counters::add(counter, 1);
        kept
    }

    fn try_put(&self, key: &Key, parts: &[&[u8]]) -> Result<(), Declined> {
        let packed = Packed::new(key, parts).ok_or(Declined::TooLarge)?;
        let thresholds = Thresholds::of_limit(self.limit_bytes());
        if packed.file_bytes > thresholds.item {
            return Err(Declined::TooLarge);
        }
        self.folder
            .create()
            .map_err(|error| self.unwritten(&error))?;
        let room = self.folder.room().map_err(|error| self.unwritten(&error))?;
        if !self.limits.leaves_room(room, packed.file_bytes) {
            let free = format!("{} MiB are free", room.free_bytes >> 20);
            self.fault(Fault::NoRoom, &free);
            return Err(Declined::NoRoom);
        }
        let temporary = self
            .folder
            .write_temporary(&packed)
            .map_err(|error| self.unwritten(&error))?;
        let made_millis = super::folder::now_millis();
        let row = Row {
            name: key.name(),
            kind: key.kind(),
            bytes: packed.file_bytes,
            plain_bytes: packed.plain_bytes,
            made_millis,
            used_millis: made_millis,
            label: key.label().to_owned(),
        };
        let place = self.folder.item_path(key.name());
        let evicted = self.with_database(|database| {
            database.reserve(&row, thresholds.ceiling, thresholds.floor, &self.folder)
        });
        let evicted = evicted.map_err(|error| self.unrecorded(&error))?;
        Counters::add(&self.counters.evicted, evicted.items);
        // Between the two transactions others may make room and take the record away again.
        let mut temporary = Some(temporary);
        let published = self.with_database(|database| {
            database.publish(key.name(), || match temporary.take() {
                Some(temporary) => temporary
                    .persist(&place)
                    .map(drop)
                    .map_err(|error| error.error),
                None => Ok(()),
            })
        });
        match published {
            Ok(true) => Ok(()),
            Ok(false) => Err(Declined::Failed("others needed the room".to_owned())),
            Err(error) => Err(self.unrecorded(&error)),
        }
    }

    /// Counts what kept a file from being written.
    fn unwritten(&self, error: &io::Error) -> Declined {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            self.fault(Fault::NoRoom, error);
            return Declined::NoRoom;
        }
        self.fault(Fault::Unwritable, error);
        Declined::Failed(error.to_string())
    }

    /// Counts what kept an item from being recorded.
    fn unrecorded(&self, error: &DatabaseError) -> Declined {
        if matches!(error, DatabaseError::Full) {
            self.fault(Fault::NoRoom, error);
            return Declined::NoRoom;
        }
        self.fault(Fault::Database, error);
        Declined::Failed(error.to_string())
    }

    /// Removes items, file and record.
    pub(super) fn remove(&self, names: &[ItemName]) {
        if !self.folder.exists() {
            return;
        }
        let removed = self.with_database(|database| database.remove(names, &self.folder));
        if let Err(error) = removed {
            self.unrecorded(&error);
        }
    }

    /// Removes the record of an item whose file is gone since `millis`. One that was made again since then
    /// keeps its record.
    pub(super) fn forget(&self, name: ItemName, millis: i64) {
        if !self.folder.exists() {
            return;
        }
        let forgotten = self.with_database(|database| database.forget(name, millis, &self.folder));
        if let Err(error) = forgotten {
            self.unrecorded(&error);
        }
    }

    /// Does something with the database, which is opened where it is not yet. One that turns out to be
    /// broken is set aside, and another one is made of the items; then it is tried once more.
    pub(super) fn with_database<T>(
        &self,
        mut work: impl FnMut(&mut Database) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut slot = self.database.lock();
        if slot.as_ref().is_some_and(|database| !database.is_current()) {
            *slot = None;
        }
        let mut database = match slot.take() {
            Some(database) => database,
            None => self.open_database()?,
        };
        let mut done = work(&mut database);
        if let Err(error @ DatabaseError::Broken(_)) = &done {
            self.fault(Fault::Database, error);
            database = self.replace_database(database)?;
            done = work(&mut database);
        }
        *slot = Some(database);
        done
    }

    fn open_database(&self) -> Result<Database, DatabaseError> {
        self.folder.create()?;
        let locked = self.folder.lock()?;
        let path = self.folder.database_path()?;
        let opened = match Database::open(&path, self.limits.patience) {
            Err(error @ DatabaseError::Broken(_)) => {
                self.fault(Fault::Database, &error);
                Folder::set_aside(&path)?;
                Database::open(&self.folder.database_path()?, self.limits.patience)
            }
            opened => opened,
        };
        let (mut database, is_unaware) = opened?;
        drop(locked);
        if is_unaware {
            self.adopt_all(&mut database)?;
        }
        // What others left behind when they died. Databases stay for whoever wants to look into them.
        self.folder.sweep(false)?;
        Ok(database)
    }

    fn replace_database(&self, broken: Database) -> Result<Database, DatabaseError> {
        let locked = self.folder.lock()?;
        // Another process may have replaced it already.
        if broken.is_current() {
            Folder::set_aside(broken.path())?;
        }
        drop(broken);
        drop(locked);
        self.open_database()
    }

    /// Records every item in the folder, as far as headers tell. They are checked when they are read.
    fn adopt_all(&self, database: &mut Database) -> Result<(), DatabaseError> {
        let names = self.folder.entries()?.into_iter().filter_map(|entry| {
            let Entry::Item(name) = entry else {
                return None;
            };
            Some(name)
        });
        let mut rows = Vec::new();
        for name in names {
            match self.row_of(name) {
                Ok(row) => rows.push(row),
                Err(ItemError::Damaged(_)) => self.folder.unlink(name)?,
                Err(ItemError::Absent | ItemError::Unreadable(_)) => {}
            }
        }
        database.adopt(&rows, &self.folder)?;
        database.adopted_all()
    }

    /// What the database should know of an item file.
    pub(super) fn row_of(&self, name: ItemName) -> Result<Row, ItemError> {
        let mut item = ItemFile::open(&self.folder.item_path(name), name)?;
        item_row(&mut item)
    }
}

/// The same of one that is open.
pub(super) fn item_row(item: &mut ItemFile) -> Result<Row, ItemError> {
    let used_millis = item.seen.modified_millis();
    Ok(Row {
        name: item.header.name,
        kind: item.header.kind,
        bytes: item.header.file_bytes(),
        plain_bytes: item.header.plain_bytes,
        made_millis: used_millis,
        used_millis,
        label: item.label()?,
    })
}
