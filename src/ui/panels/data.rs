//! What panels show that the engine's snapshot does not say, and what they ask for.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cache::disk::{DiskStats, ItemName, Kind, Listed};
use crate::jobs::Readings;
use crate::jobs::kept::KeptJob;
use crate::memory::MemoryClass;
use crate::proxy::{ListedProxy, Preset, ProxyState};
use crate::ui::profiler::ExportKind;

/// Everything of it. Parts that no open panel wants may be old.
#[derive(Debug, Clone, Default)]
pub struct PanelData {
    /// Counts changes.
    pub edition: u64,
    /// What the machine does; `None` until it was read.
    pub readings: Option<Readings>,
    /// The memory budget by class.
    pub memory: Vec<MemoryUse>,
    /// The whole budget in bytes.
    pub memory_limit: u64,
    /// Proxies and the jobs that make them.
    pub proxies: ProxyData,
    /// What is kept on disk.
    pub caches: CacheData,
    /// The configuration.
    pub config: ConfigData,
    /// The errand that is being done, if one takes its time.
    pub doing: Option<Doing>,
    /// How many errands are over.
    pub errands_done: u64,
    /// What came of the latest of them, newest last.
    pub outcomes: Vec<Outcome>,
    /// Files that were open before, the latest first.
    pub recent: Vec<RecentFile>,
}

/// Bytes charged to a class of the memory budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// What for.
    pub class: MemoryClass,
    /// How many.
    pub bytes: u64,
}

/// Proxies and the jobs that make them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProxyData {
    /// The folder; `None` where proxies are not used.
    pub folder: Option<PathBuf>,
    /// Those in it.
    pub list: Arc<Vec<ListedProxy>>,
    /// What they may take, in bytes.
    pub limit_bytes: u64,
    /// Jobs that are kept for it.
    pub jobs: Arc<Vec<KeptJob>>,
    /// Whether jobs are paused.
    pub is_paused: bool,
    /// Why it cannot be read, if so.
    pub problem: Option<String>,
}

impl ProxyData {
    /// Files of which there is a verified proxy.
    pub(in crate::ui) fn sources(&self) -> HashSet<&Path> {
        let verified = (self.list.iter()).filter(|proxy| proxy.state == ProxyState::Verified);
        verified
            .filter_map(|proxy| proxy.record.as_ref())
            .map(|record| record.source.as_path())
            .collect()
    }
}

/// What is kept on disk.
#[derive(Debug, Clone, Default)]
pub struct CacheData {
    /// How full it is; `None` where nothing is kept, or it was not looked at yet.
    pub disk: Option<DiskStats>,
    /// The items, those used last first.
    pub items: Arc<Vec<Listed>>,
    /// Why it cannot be read, if so.
    pub problem: Option<String>,
}

/// The configuration as it applies.
#[derive(Debug, Clone, Default)]
pub struct ConfigData {
    /// The file, where there can be one.
    pub path: Option<PathBuf>,
    /// What the file says or the defaults, by name of the key.
    pub settings: Vec<Setting>,
    /// What of the file does not apply.
    pub notes: Vec<String>,
}

/// A key of the configuration file and what it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, `quality.mode`.
    pub key: &'static str,
    /// What applies, as the file would say it.
    pub value: String,
    /// Whether the file says it.
    pub is_stated: bool,
    /// Whether the command line says it, which wins.
    pub is_overruled: bool,
}

/// An errand that is being done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doing {
    /// Counts errands.
    pub number: u64,
    /// What is done, and how far it is.
    pub words: String,
}

/// What came of an errand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was done.
    pub is_done: bool,
    /// In a sentence.
    pub words: String,
}

/// A file that was open before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecentFile {
    /// Where it is.
    pub path: PathBuf,
    /// Where in it one was, as it is shown: `01:00:04:12`.
    pub words: String,
}

/// Something that a panel asks for, to be done by the window or its clerk.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Open a file as it was left.
    Reopen(PathBuf),
    /// Open the timeline that comes with the program.
    OpenDemo,
    /// Forget which files were open.
    ForgetRecent,
    /// Drop decoded frames and pictures that are kept in memory.
    ClearMemory,
    /// Remove items of a kind, or all, from the disk cache.
    ClearDisk(Option<Kind>),
    /// Check every item of the disk cache.
    CheckDisk,
    /// Check this item of the disk cache.
    CheckItem(ItemName),
    /// Remove this item from the disk cache.
    RemoveItem(ItemName),
    /// Let the disk cache take so many bytes.
    LimitDisk(u64),
    /// Call off the proxy job of this key.
    CancelJob(String),
    /// Try the proxy job of this key again.
    RetryJob(String),
    /// Hold jobs, or go on with them.
    PauseJobs(bool),
    /// Forget jobs that are over.
    ForgetJobs,
    /// Make proxies of what is open: those of this size, or those that fit it.
    MakeProxies(Option<Preset>),
    /// Let the proxies take so many bytes.
    LimitProxies(u64),
    /// Verify these proxies anew.
    VerifyProxies(Vec<PathBuf>),
    /// Delete these proxies.
    DeleteProxies(Vec<PathBuf>),
    /// Show a file in the system's file manager.
    Reveal(PathBuf),
    /// Stop gathering what the profiler shows, or go on.
    PauseProfiler(bool),
    /// Write what the profiler has gathered into a file.
    ExportProfile(ExportKind),
    /// Stop the errand of this number, if it is still being done.
    Stop(u64),
    /// Measure how fast pictures are converted.
    MeasureGpu,
    /// Write a value into the configuration file and let it apply; `None` goes back to the default.
    Set {
        /// Name of the key, `quality.mode`.
        key: &'static str,
        /// What the file is to say.
        value: Option<String>,
    },
    /// Bind a chord to an action, by its identifier, or free it.
    Bind {
        /// `Ctrl+O`.
        chord: String,
        /// `open-files`; `None` frees the chord.
        action: Option<&'static str>,
    },
}
