//! The clerk on a real cache, a real list of jobs and real files.

use std::path::Path;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::*;
use crate::cache::disk::{DiskLimits, Key, Kind};
use crate::decode::FileIdentity;
use crate::jobs::Priority;
use crate::jobs::kept::{JobOrder, KeptState, Renew};
use crate::memory::{Ledger, SystemProbe};
use crate::proxy::PROXY_KIND;
use crate::time::RealClock;
use crate::ui::Outcome;

/// Nothing here takes so long.
const HUNG: Duration = Duration::from_mins(1);

struct Office {
    clerk: Clerk,
    news: Receiver<()>,
    disk: Arc<DiskCache>,
    folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Self {
        Self::by_clock(Arc::new(RealClock::new()))
    }

    fn by_clock(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = DiskCache::open(folder.path().join("disk"), DiskLimits::default()).unwrap();
        let (send, news) = bounded(64);
        let ledger = Ledger::new(1 << 30);
        let desk = Desk {
            clock,
            memory: Arc::new(MemoryManager::new(
                ledger.clone(),
                Box::new(SystemProbe::new()),
            )),
            cache: None,
            textures: Arc::new(TextureBudget::of_ledger(ledger)),
            disk: Some(Arc::clone(&disk)),
            proxies: Some(ProxyFolder::new(&folder.path().join("proxies"))),
            remembers_at: Some(folder.path().join("state").join("window.json")),
            wake: Arc::new(move || {
                let _full = send.try_send(());
            }),
        };
        Self {
            clerk: Clerk::start(desk).unwrap(),
            news,
            disk,
            folder,
        }
    }

    /// Has an errand done and answers what came of it.
    fn ask(&self, errand: Errand) -> Outcome {
        let before = self.clerk.data().outcomes.len();
        self.clerk.ask(errand);
        self.until(|data| data.outcomes.get(before).cloned())
    }

    fn until<T>(&self, there: impl Fn(&PanelData) -> Option<T>) -> T {
        loop {
            if let Some(found) = there(&self.clerk.data()) {
                return found;
            }
            self.news.recv_timeout(HUNG).expect("the clerk has news");
        }
    }

    fn keep(&self, kind: Kind, label: &str) {
        let file = FileIdentity {
            bytes: 10,
            modified_nanos: 0,
            device: 0,
            inode: 0,
        };
        let key = Key::new(kind, Path::new(label), &file, &[]);
        self.disk.put(&key, &[b"kept"]).unwrap();
    }
}

#[test]
fn what_a_panel_shows_is_read_while_it_is_open_and_not_before() {
    let mut office = Office::new();
    office.keep(Kind::Index, "/a.mov");
    office.clerk.tell_recent(Vec::new());
    let told = office.until(|data| (data.edition > 0).then(|| data.clone()));
    assert!(told.caches.disk.is_none() && told.readings.is_none());
    office.clerk.follow(vec![Panel::Caches], None);
    let items = office.until(|data| data.caches.disk.as_ref().map(|disk| disk.items));
    assert_eq!(items, 1);
    office.clerk.follow(
        vec![Panel::Performance],
        Some(&office.folder.path().to_owned()),
    );
    let limit = office.until(|data| data.readings.as_ref().map(|_| data.memory_limit));
    assert_eq!(limit, 1 << 30);
}

#[test]
fn the_disk_cache_is_cleared_by_kind_checked_and_limited() {
    let office = Office::new();
    office.keep(Kind::Index, "/a.mov");
    office.keep(Kind::Waveform, "/a.mov");
    let checked = office.ask(Errand::CheckDisk);
    assert!(checked.is_done, "{checked:?}");
    assert!(checked.words.starts_with("2 items"), "{checked:?}");
    assert!(office.ask(Errand::ClearDisk(Some(Kind::Index))).is_done);
    let left = office.disk.list().unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].kind, Kind::Waveform);
    assert!(office.ask(Errand::LimitDisk(3 << 30)).is_done);
    assert_eq!(office.disk.stats().unwrap().limit_bytes, 3 << 30);
}

#[test]
fn jobs_are_listed_paused_called_off_and_tried_again() {
    let mut office = Office::new();
    // Those that the program itself keeps and works on.
    let folder = ProxyFolder::new(&office.folder.path().join("proxies"));
    let jobs = folder.jobs().unwrap();
    let key = "/rushes/a.mov";
    let order = JobOrder {
        kind: PROXY_KIND.to_owned(),
        key: key.to_owned(),
        parameters: String::new(),
        priority: Priority::Normal,
        rank: 0,
    };
    jobs.add(&order, Renew::IfDone).unwrap();
    office.clerk.follow(vec![Panel::Performance], None);
    let listed = office.until(|data| {
        let first = data.proxies.jobs.first();
        first.map(|job| (job.order.key.clone(), job.state))
    });
    assert_eq!(listed, (key.to_owned(), KeptState::Waiting));
    assert!(office.ask(Errand::PauseJobs(true)).is_done);
    assert!(jobs.is_paused().unwrap());
    let state = || jobs.find(PROXY_KIND, key).unwrap().map(|job| job.state);
    assert!(office.ask(Errand::CancelJob(key.to_owned())).is_done);
    assert_eq!(state(), Some(KeptState::Cancelled));
    assert!(office.ask(Errand::RetryJob(key.to_owned())).is_done);
    assert_eq!(state(), Some(KeptState::Waiting));
}

#[test]
fn what_is_no_proxy_is_neither_verified_nor_deleted() {
    let office = Office::new();
    let own = office.folder.path().join("mine.mov");
    std::fs::write(&own, b"a film").unwrap();
    for errand in [
        Errand::DeleteProxies(vec![own.clone()]),
        Errand::VerifyProxies(vec![own.clone()]),
    ] {
        let outcome = office.ask(errand);
        assert!(!outcome.is_done, "{outcome:?}");
        assert!(outcome.words.contains("mine.mov"), "{outcome:?}");
    }
    assert!(own.is_file());
}

#[test]
fn how_the_window_was_left_is_written_before_the_clerk_goes() {
    let office = Office::new();
    let file = office.folder.path().join("state").join("window.json");
    let remembered = Remembered {
        size: Some([800, 600]),
        ..Remembered::default()
    };
    office.clerk.remember(remembered.clone());
    let Office { clerk, folder, .. } = office;
    drop(clerk);
    assert_eq!(Remembered::read(&file), remembered);
    drop(folder);
}

#[test]
fn the_graphics_device_is_measured() {
    let outcome = Office::new().ask(Errand::MeasureGpu);
    assert!(outcome.is_done, "{outcome:?}");
    assert!(outcome.words.contains("a second"), "{outcome:?}");
}

/// A clock that stands still, and holds whoever looks at it, until it is let go of.
#[derive(Debug, Default)]
struct StoppedClock {
    gate: Mutex<()>,
}

impl Clock for StoppedClock {
    fn now(&self) -> crate::time::Moment {
        let _held = self.gate.lock();
        crate::time::Moment::ZERO
    }
}

#[test]
fn the_clerk_reads_on_while_an_errand_takes_its_time() {
    let clock = Arc::new(StoppedClock::default());
    let office = Office::by_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let gate = clock.gate.lock();
    office.clerk.ask(Errand::MeasureGpu);
    let doing = office.until(|data| data.doing.clone());
    assert!(doing.words.starts_with("Measuring"), "{doing:?}");
    let file = RecentFile {
        path: PathBuf::from("/rushes/a.mov"),
        words: "frame 1".to_owned(),
    };
    office.clerk.tell_recent(vec![file.clone()]);
    let recent = office.until(|data| (!data.recent.is_empty()).then(|| data.clone()));
    assert_eq!((recent.recent, recent.errands_done), (vec![file], 0));
    // What is called off ends at its next step.
    office.clerk.stop_errand(doing.number);
    drop(gate);
    let outcome = office.until(|data| data.outcomes.first().cloned());
    assert_eq!(
        outcome.words,
        "Measuring the graphics device was called off."
    );
    let after = office.until(|data| (data.errands_done == 1).then(|| data.clone()));
    assert_eq!(after.doing, None);
}
