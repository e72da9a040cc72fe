//! Which processes are alive: each holds the lock of a file as long as it is.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tempfile::NamedTempFile;

const PREFIX: &str = "owner-";
const SUFFIX: &str = ".lock";

/// Says of this process that it lives. Dropped, or when the process dies, others know that it is gone.
#[derive(Debug)]
pub(super) struct Owner {
    /// Removed when it is dropped.
    file: NamedTempFile,
    name: String,
}

impl Owner {
    /// Makes a file in `folder` and locks it.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        loop {
            let file = tempfile::Builder::new()
                .prefix(PREFIX)
                .suffix(SUFFIX)
                .tempfile_in(folder)?;
            // Some network shares know no locks; there the signs of life must do.
            let _locked = file.as_file().lock();
            // Another process may have taken it for one that was left, before it was locked.
            let ours = file.as_file().metadata()?;
            let there = fs::metadata(file.path());
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                let name = file.path().file_name().unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                return Ok(Self { file, name });
            }
        }
    }

    /// What others know it by.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether others still find it.
    pub(super) fn is_there(&self) -> bool {
        self.file.path().exists()
    }
}

/// What can be said of another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    Gone,
    /// The file system has no locks.
    Unknown,
}

/// Whether the owner of this name lives. What a dead one left is removed.
pub(super) fn life_of(folder: &Path, name: &str) -> Life {
    let is_ours = name.starts_with(PREFIX) && name.ends_with(SUFFIX) && !name.contains('/');
    if !is_ours {
        return Life::Gone;
    }
    let path = folder.join(name);
    // A network share may lock alone what is open for writing only.
    let file = match File::options().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Life::Gone,
        Err(_) => return Life::Unknown,
    };
    match file.try_lock() {
        Ok(()) => {
            let _gone = fs::remove_file(&path);
            Life::Gone
        }
        Err(TryLockError::WouldBlock) => Life::Alive,
        Err(TryLockError::Error(_)) => Life::Unknown,
    }
}

/// Removes what dead processes left in `folder`.
pub(super) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if let Some(name) = entry.file_name().to_str()
            && name.starts_with(PREFIX)
        {
            let _life = life_of(folder, name);
        }
    }
}
