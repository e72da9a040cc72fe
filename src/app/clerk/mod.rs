//! The clerk: a thread that gathers what panels show and does what they ask for.
//!
//! Files, databases and drivers take their time; the window's thread has none. While a panel is open, the clerk
//! looks once a second at what that panel shows and puts a new [`PanelData`] in the place of the old one. Errands
//! are done one after another by a thread beside it, and what came of them is a part of that data.

mod errands;
mod measure;
mod runner;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use self::runner::{Runner, Told};
use super::remembered::Remembered;
use crate::cache::FrameCache;
use crate::cache::disk::DiskCache;
use crate::gpu::TextureBudget;
use crate::jobs::MachineReader;
use crate::memory::{MemoryClass, MemoryManager};
use crate::proxy::ProxyFolder;
use crate::time::{Bell, Clock};
use crate::ui::{
    CacheData, ConfigData, Errand, MemoryUse, Panel, PanelData, ProxyData, RecentFile,
};

/// Figures are read anew this often while somebody looks.
const LOOK: Duration = Duration::from_secs(1);

/// Lists of files change seldom: they are read anew after so many looks.
const LIST_LOOKS: u32 = 3;

/// Outcomes that are kept.
const OUTCOMES: usize = 8;

/// What the clerk works with.
pub(super) struct Desk {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) memory: Arc<MemoryManager>,
    pub(super) cache: Option<Arc<FrameCache>>,
    pub(super) textures: Arc<TextureBudget>,
    pub(super) disk: Option<Arc<DiskCache>>,
    pub(super) proxies: Option<ProxyFolder>,
    /// Where it is written how the window was left.
    pub(super) remembers_at: Option<PathBuf>,
    pub(super) wake: Arc<dyn Fn() + Send + Sync>,
}

/// What the window tells the clerk, the latest of each kind.
#[derive(Default)]
struct Letters {
    panels: Vec<Panel>,
    media: Option<PathBuf>,
    config: Option<ConfigData>,
    recent: Option<Vec<RecentFile>>,
    remembered: Option<Remembered>,
    ends: bool,
}

/// The window's end of it. Dropping it writes what is to be remembered and ends errands as [`Runner`] does.
pub(super) struct Clerk {
    letters: Arc<Mutex<Letters>>,
    bell: Arc<Bell>,
    data: Arc<ArcSwap<PanelData>>,
    runner: Option<Runner>,
    shown: Vec<Panel>,
    media: Option<PathBuf>,
    thread: Option<JoinHandle<()>>,
}

impl Clerk {
    /// Starts the threads `clerk` and `errands`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(desk: Desk) -> io::Result<Self> {
        let letters = Arc::new(Mutex::new(Letters::default()));
        let bell = Arc::new(Bell::default());
        let data = Arc::new(ArcSwap::from_pointee(PanelData::default()));
        let desk = Arc::new(desk);
        let runner = Runner::start(Arc::clone(&desk), Arc::clone(&bell))?;
        let work = Work {
            letters: Arc::clone(&letters),
            bell: Arc::clone(&bell),
            ..Work::new(desk, Arc::clone(&data), runner.told())
        };
        let thread = std::thread::Builder::new()
            .name("clerk".to_owned())
            .spawn(move || work.run())?;
        Ok(Self {
            letters,
            bell,
            data,
            runner: Some(runner),
            shown: Vec::new(),
            media: None,
            thread: Some(thread),
        })
    }

    /// The newest data.
    pub(super) fn data(&self) -> Arc<PanelData> {
        self.data.load_full()
    }

    /// Says which panels are on the screen, and which file is open. Costs nothing while both stay the same.
    pub(super) fn follow(&mut self, panels: Vec<Panel>, media: Option<&PathBuf>) {
        if panels == self.shown && media == self.media.as_ref() {
            return;
        }
        self.shown.clone_from(&panels);
        self.media = media.cloned();
        let mut letters = self.letters.lock();
        letters.panels = panels;
        letters.media = media.cloned();
        drop(letters);
        self.bell.ring();
    }

    /// Puts the configuration into the data.
    pub(super) fn tell_config(&self, config: ConfigData) {
        self.letters.lock().config = Some(config);
        self.bell.ring();
    }

    /// Puts the list of files into the data.
    pub(super) fn tell_recent(&self, recent: Vec<RecentFile>) {
        self.letters.lock().recent = Some(recent);
        self.bell.ring();
    }

    /// Has it written how the window is.
    pub(super) fn remember(&self, remembered: Remembered) {
        self.letters.lock().remembered = Some(remembered);
        self.bell.ring();
    }

    /// Has an errand done.
    pub(super) fn ask(&self, errand: Errand) {
        if let Some(runner) = &self.runner {
            runner.ask(errand);
        }
    }

    /// Calls off the errand of this number, if it is being done and can be called off.
    pub(super) fn stop_errand(&self, number: u64) {
        if let Some(runner) = &self.runner {
            runner.stop(number);
        }
    }
}

impl Drop for Clerk {
    fn drop(&mut self) {
        self.letters.lock().ends = true;
        self.bell.ring();
        self.runner = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `clerk` panicked");
        }
    }
}

/// Owned by the thread.
struct Work {
    desk: Arc<Desk>,
    letters: Arc<Mutex<Letters>>,
    bell: Arc<Bell>,
    published: Arc<ArcSwap<PanelData>>,
    data: PanelData,
    told: Arc<Mutex<Told>>,
    reader: Option<MachineReader>,
    /// Looks since lists were to be read at once.
    looks: u32,
    /// The panels that were looked at last.
    looked: Vec<Panel>,
    /// Why the files of the proxy folder could not be listed.
    unlisted: Option<String>,
}

impl Work {
    /// Who puts what is read on this desk into `published`, and what `told` says.
    fn new(desk: Arc<Desk>, published: Arc<ArcSwap<PanelData>>, told: Arc<Mutex<Told>>) -> Self {
        Self {
            desk,
            letters: Arc::default(),
            bell: Arc::default(),
            published,
            data: PanelData::default(),
            told,
            reader: None,
            looks: 0,
            looked: Vec::new(),
            unlisted: None,
        }
    }

    fn run(mut self) {
        loop {
            let is_looked_at = !self.letters.lock().panels.is_empty();
            self.bell.wait(is_looked_at.then_some(LOOK));
            let mut letters = self.letters.lock();
            let panels = letters.panels.clone();
            let media = letters.media.clone();
            let (config, recent) = (letters.config.take(), letters.recent.take());
            let (remembered, ends) = (letters.remembered.take(), letters.ends);
            drop(letters);
            if let (Some(remembered), Some(path)) = (remembered, &self.desk.remembers_at)
                && let Err(error) = remembered.write(path)
            {
                tracing::warn!("{}: {error}; the window is not remembered", path.display());
            }
            if ends {
                return;
            }
            let is_told = config.is_some() || recent.is_some();
            if let Some(config) = config {
                self.data.config = config;
            }
            if let Some(recent) = recent {
                self.data.recent = recent;
            }
            let is_told = self.hear_of_errands() || is_told;
            let is_other = self.looked != panels;
            if is_other {
                // What was not looked at is old, or was never read.
                self.looks = 0;
            }
            let is_news = !panels.is_empty() && self.look(&panels, media.as_deref());
            self.looked = panels;
            // Who looks at what stays the same is not woken.
            if is_told || is_news || is_other {
                self.publish();
            }
        }
    }

    /// Puts into the data what became of errands. Answers whether there was anything new.
    fn hear_of_errands(&mut self) -> bool {
        let mut told = self.told.lock();
        let outcomes = std::mem::take(&mut told.outcomes);
        let is_new = !outcomes.is_empty() || told.doing != self.data.doing;
        self.data.doing.clone_from(&told.doing);
        drop(told);
        if !outcomes.is_empty() {
            // Lists may have changed.
            self.looks = 0;
        }
        self.data.errands_done += outcomes.len() as u64;
        self.data.outcomes.extend(outcomes);
        let many = self.data.outcomes.len().saturating_sub(OUTCOMES);
        self.data.outcomes.drain(..many);
        is_new
    }

    fn publish(&mut self) {
        self.data.edition += 1;
        self.published.store(Arc::new(self.data.clone()));
        (self.desk.wake)();
    }

    /// Reads what these panels show. Answers whether any of it is another than before.
    fn look(&mut self, panels: &[Panel], media: Option<&Path>) -> bool {
        let wants = |panel| panels.contains(&panel);
        // Their figures move by themselves: readings, what memory holds, ages, turns of the loop.
        let mut is_news = [Panel::Performance, Panel::Caches, Panel::Profiler]
            .into_iter()
            .any(wants);
        let is_list_due = self.looks.is_multiple_of(LIST_LOOKS);
        self.looks = self.looks.wrapping_add(1);
        if wants(Panel::Performance) {
            let now = self.desk.clock.now();
            if self.reader.is_none() {
                self.reader = MachineReader::new();
            }
            let reader = self.reader.as_mut();
            self.data.readings = reader.map(|reader| reader.read(now, media));
            let ledger = self.desk.memory.ledger();
            self.data.memory_limit = ledger.limit();
            self.data.memory = MemoryClass::ALL
                .into_iter()
                .map(|class| MemoryUse {
                    class,
                    bytes: ledger.used(class),
                })
                .collect();
        }
        if wants(Panel::Proxies) || wants(Panel::Timeline) || wants(Panel::Performance) {
            let before = self.data.proxies.clone();
            self.read_proxies(is_list_due);
            is_news |= self.data.proxies != before;
        }
        if wants(Panel::Caches) && is_list_due {
            self.data.caches = self.read_caches();
        }
        is_news
    }

    fn read_proxies(&mut self, with_files: bool) {
        let Some(folder) = &self.desk.proxies else {
            self.data.proxies = ProxyData::default();
            return;
        };
        let data = &mut self.data.proxies;
        data.folder = Some(folder.path().to_owned());
        if with_files {
            let list = folder.list();
            self.unlisted = list
                .as_ref()
                .err()
                .map(|error| format!("The folder cannot be read: {error}."));
            // What is made of the list is made again for another one.
            if let Ok(list) = list
                && list != *data.list
            {
                data.list = Arc::new(list);
            }
        }
        data.limit_bytes = folder.limit_bytes();
        data.problem.clone_from(&self.unlisted);
        let jobs = folder.existing_jobs().and_then(|jobs| match jobs {
            Some(jobs) => Ok((jobs.list()?, jobs.is_paused()?)),
            None => Ok((Vec::new(), false)),
        });
        match jobs {
            Ok((jobs, is_paused)) => {
                data.jobs = Arc::new(jobs);
                data.is_paused = is_paused;
            }
            Err(error) => data.problem = Some(format!("The list of jobs cannot be read: {error}.")),
        }
    }

    fn read_caches(&self) -> CacheData {
        let Some(disk) = &self.desk.disk else {
            return CacheData::default();
        };
        let read = disk.stats().and_then(|stats| Ok((stats, disk.list()?)));
        match read {
            Ok((stats, items)) => CacheData {
                disk: Some(stats),
                items: Arc::new(items),
                problem: None,
            },
            Err(error) => CacheData {
                problem: Some(error.to_string()),
                ..CacheData::default()
            },
        }
    }
}
