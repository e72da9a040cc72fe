//! Looking at the whole cache, checking it and emptying it: what `jogwheel cache` does.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use super::DiskCache;
use super::database::DatabaseError;
use super::folder::{Entry, now_millis};
use super::item::{ItemError, ItemFile};
use super::key::{ItemName, Kind};
use super::limits::Thresholds;
use super::store::item_row;

/// Why the cache could not be looked at or changed: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpkeepError {
    /// The folder.
    #[error(
        "{folder}: the cache folder cannot be used ({cause}). Check its permissions and the disk."
    )]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        cause: String,
    },
    /// The database.
    #[error(
        "{folder}: the index of the cache cannot be used ({cause}). Try again when no other program \
         uses it, or remove the folder: all in it can be made again."
    )]
    Database {
        /// The folder.
        folder: String,
        /// What the database said.
        cause: String,
    },
}

/// Items of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindStats {
    /// The kind.
    pub kind: Kind,
    /// How many.
    pub items: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// How full the cache is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskStats {
    /// The folder.
    pub folder: PathBuf,
    /// Every kind, those without items included.
    pub kinds: Vec<KindStats>,
    /// Items of all kinds.
    pub items: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// What they may take.
    pub limit_bytes: u64,
    /// Whether that was stated for this folder.
    pub is_limit_stated: bool,
    /// What the file system has left; `None` where the folder is not made yet.
    pub free_bytes: Option<u64>,
    /// What must stay free for more to be kept; `None` where the folder is not made yet.
    pub min_free_bytes: Option<u64>,
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name of its file, less the ending.
    pub name: ItemName,
    /// What it is.
    pub kind: Kind,
    /// Bytes of its file.
    pub bytes: u64,
    /// Bytes of what it holds, unpacked.
    pub plain_bytes: u64,
    /// When it was made, in milliseconds since 1970.
    pub made_millis: i64,
    /// When it was used last, to the minute.
    pub used_millis: i64,
    /// Where it comes from: the file that it was made from, as it was named then.
    pub label: String,
}

impl Listed {
    /// How long it has not been used.
    pub fn unused_seconds(&self) -> i64 {
        now_millis().saturating_sub(self.used_millis).max(0) / 1000
    }
}

/// What a check of everything found, and put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    /// Items that are sound.
    pub sound: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Items that were damaged, and removed.
    pub damaged: u64,
    /// Items that cannot be read, and were left.
    pub unreadable: u64,
    /// Sound items that the database did not know of. It does now.
    pub adopted: u64,
    /// Records of items that are gone, removed.
    pub forgotten: u64,
    /// Temporary files of processes that died and databases that were set aside, removed.
    pub swept: u64,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cleared {
    /// Items.
    pub items: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// Items that are dealt with in one transaction, so that others need not wait for long.
const STEP: usize = 64;

impl DiskCache {
    /// How full it is.
    pub fn stats(&self) -> Result<DiskStats, UpkeepError> {
        let store = &self.store;
        let mut kinds: BTreeMap<Kind, KindStats> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let none = KindStats {
                    kind,
                    items: 0,
                    bytes: 0,
                };
                (kind, none)
            })
            .collect();
        let mut room = None;
        if self.is_made()? {
            room = Some(
                store
                    .folder
                    .room()
                    .map_err(|error| self.folder_error(&error))?,
            );
            let totals = store.with_database(|database| database.totals());
            for (kind, items, bytes) in totals.map_err(|error| self.database_error(&error))? {
                kinds.insert(kind, KindStats { kind, items, bytes });
            }
        }
        let kinds: Vec<KindStats> = kinds.into_values().collect();
        Ok(DiskStats {
            folder: store.folder.path().to_owned(),
            items: kinds.iter().map(|kind| kind.items).sum(),
            bytes: kinds.iter().map(|kind| kind.bytes).sum(),
            kinds,
            limit_bytes: store.limit_bytes(),
            is_limit_stated: store.folder.stated_limit().is_some(),
            free_bytes: room.map(|room| room.free_bytes),
            min_free_bytes: room.map(|room| store.limits.min_free(room)),
        })
    }

    /// Every item, those used last first.
    pub fn list(&self) -> Result<Vec<Listed>, UpkeepError> {
        let store = &self.store;
        if !self.is_made()? {
            return Ok(Vec::new());
        }
        let rows = store.with_database(|database| database.rows());
        let rows = rows.map_err(|error| self.database_error(&error))?;
        let mut items: Vec<Listed> = rows
            .into_iter()
            .filter_map(|row| {
                // The file knows best when it was used, and whether it is there at all.
                let used_millis = store.folder.last_use(row.name)?.max(row.used_millis);
                Some(Listed {
                    name: row.name,
                    kind: row.kind,
                    bytes: row.bytes,
                    plain_bytes: row.plain_bytes,
                    made_millis: row.made_millis,
                    used_millis,
                    label: row.label,
                })
            })
            .collect();
        items.sort_by_key(|item| (std::cmp::Reverse(item.used_millis), item.name));
        Ok(items)
    }

    /// Reads every item through, removes what is damaged, and makes database and folder agree.
    ///
    /// # Errors
    /// When folder or database cannot be read or written.
    pub fn verify(&self) -> Result<Verified, UpkeepError> {
        self.verify_until(&|| false)
    }

    /// The same, until `is_over` says that nobody waits for it any more: what was found until then is done.
    ///
    /// # Errors
    /// When folder or database cannot be read or written.
    pub fn verify_until(&self, is_over: &dyn Fn() -> bool) -> Result<Verified, UpkeepError> {
        let store = &self.store;
        let mut report = Verified::default();
        if !self.is_made()? {
            return Ok(report);
        }
        let database_error = |error: DatabaseError| self.database_error(&error);
        // A database that has to be made anew is filled from headers, which is no part of the report.
        store
            .with_database(|_opened| Ok(()))
            .map_err(database_error)?;
        self.check(&self.item_names()?, is_over, &mut report)?;
        if is_over() {
            return Ok(report);
        }
        report.forgotten = store
            .with_database(|database| database.forget_absent(&store.folder))
            .map_err(database_error)?;
        report.swept = store
            .folder
            .sweep(true)
            .map_err(|error| self.folder_error(&error))?;
        self.trim()?;
        Ok(report)
    }

    /// Reads these items through and removes what is damaged. Those that are gone count as nothing.
    ///
    /// # Errors
    /// When folder or database cannot be read or written.
    pub fn verify_items(&self, names: &[ItemName]) -> Result<Verified, UpkeepError> {
        let mut report = Verified::default();
        if self.is_made()? {
            self.check(names, &|| false, &mut report)?;
        }
        Ok(report)
    }

    /// Adds to `report` what `names` are found to be, and puts it in order.
    fn check(
        &self,
        names: &[ItemName],
        is_over: &dyn Fn() -> bool,
        report: &mut Verified,
    ) -> Result<(), UpkeepError> {
        let store = &self.store;
        for names in names.chunks(STEP) {
            let mut rows = Vec::new();
            let mut damaged = Vec::new();
            for &name in names {
                if is_over() {
                    break;
                }
                match checked_row(store, name) {
                    Ok(row) => rows.push(row),
                    Err(ItemError::Damaged(cause)) => {
                        tracing::info!("{name}: {cause}");
                        damaged.push(name);
                    }
                    Err(ItemError::Unreadable(error)) => {
                        tracing::warn!("{}: {error}", store.folder.item_path(name).display());
                        report.unreadable += 1;
                    }
                    Err(ItemError::Absent) => {}
                }
            }
            report.sound += rows.len() as u64;
            report.bytes += rows.iter().map(|row| row.bytes).sum::<u64>();
            report.damaged += damaged.len() as u64;
            report.adopted += store
                .with_database(|database| {
                    database.remove(&damaged, &store.folder)?;
                    database.adopt(&rows, &store.folder)
                })
                .map_err(|error| self.database_error(&error))?;
        }
        Ok(())
    }

    /// Removes these items, and their copies on the fast disk. Those that are gone count as nothing.
    ///
    /// # Errors
    /// When folder or database cannot be read or written.
    pub fn remove_items(&self, names: &[ItemName]) -> Result<Cleared, UpkeepError> {
        let mut cleared = Cleared::default();
        if !self.is_made()? {
            return Ok(cleared);
        }
        let store = &self.store;
        for names in names.chunks(STEP) {
            for &name in names {
                if let Some(bytes) = store.folder.bytes_of(name) {
                    cleared.items += 1;
                    cleared.bytes += bytes;
                }
                if let Some(hot) = &self.hot {
                    hot.forget(name);
                }
            }
            store
                .with_database(|database| database.remove(names, &store.folder))
                .map_err(|error| self.database_error(&error))?;
        }
        Ok(cleared)
    }

    /// Removes every item of a kind, or of all.
    pub fn clear(&self, kind: Option<Kind>) -> Result<Cleared, UpkeepError> {
        let store = &self.store;
        let mut cleared = Cleared::default();
        if !self.is_made()? {
            return Ok(cleared);
        }
        // Those in the folder, not those in the database: it may not know of all.
        for names in self.item_names()?.chunks(STEP) {
            let mut removed = Vec::new();
            for &name in names {
                let row = store.row_of(name).ok();
                // What is damaged is of no kind, and of no use.
                if kind.is_none() || row.as_ref().is_none_or(|row| Some(row.kind) == kind) {
                    cleared.items += 1;
                    cleared.bytes += row.map_or(0, |row| row.bytes);
                    removed.push(name);
                }
            }
            store
                .with_database(|database| database.remove(&removed, &store.folder))
                .map_err(|error| self.database_error(&error))?;
        }
        store
            .with_database(|database| database.forget_absent(&store.folder))
            .map_err(|error| self.database_error(&error))?;
        store
            .folder
            .sweep(kind.is_none())
            .map_err(|error| self.folder_error(&error))?;
        Ok(cleared)
    }

    /// States how many bytes the items in this folder may take, for every process that uses it, from
    /// now on. What is too much goes at once.
    pub fn set_limit(&self, bytes: u64) -> Result<(), UpkeepError> {
        let folder = &self.store.folder;
        folder
            .create()
            .and_then(|()| folder.state_limit(bytes))
            .map_err(|error| self.folder_error(&error))?;
        self.trim()
    }

    fn trim(&self) -> Result<(), UpkeepError> {
        let store = &self.store;
        let thresholds = Thresholds::of_limit(store.limit_bytes());
        let evicted = store.with_database(|database| {
            if database.total()? <= thresholds.ceiling {
                return Ok(super::database::Evicted::default());
            }
            database.trim_to(thresholds.floor, &store.folder)
        });
        let evicted = evicted.map_err(|error| self.database_error(&error))?;
        super::counters::Counters::add(&store.counters.evicted, evicted.items);
        Ok(())
    }

    /// Whether the folder is there. What is there and is no folder is an error.
    fn is_made(&self) -> Result<bool, UpkeepError> {
        match std::fs::metadata(self.folder()) {
            Ok(metadata) if metadata.is_dir() => Ok(true),
            Ok(_) => Err(self.folder_error(&io::ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.folder_error(&error)),
        }
    }

    fn item_names(&self) -> Result<Vec<ItemName>, UpkeepError> {
        let entries = self.store.folder.entries();
        let entries = entries.map_err(|error| self.folder_error(&error))?;
        let names = entries.into_iter().filter_map(|entry| match entry {
            Entry::Item(name) => Some(name),
            Entry::Temporary(_) | Entry::SetAside(_) => None,
        });
        Ok(names.collect())
    }

    fn folder_error(&self, error: &io::Error) -> UpkeepError {
        UpkeepError::Folder {
            folder: self.folder().display().to_string(),
            cause: error.to_string(),
        }
    }

    fn database_error(&self, error: &DatabaseError) -> UpkeepError {
        UpkeepError::Database {
            folder: self.folder().display().to_string(),
            cause: error.to_string(),
        }
    }
}

/// What the database should know of an item, after reading it through.
fn checked_row(
    store: &super::store::Store,
    name: ItemName,
) -> Result<super::database::Row, ItemError> {
    let mut item = ItemFile::open(&store.folder.item_path(name), name)?;
    item.check()?;
    item_row(&mut item)
}
