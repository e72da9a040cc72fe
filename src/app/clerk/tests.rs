//! The clerk on a real cache, a real list of jobs and real files.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::*;
use crate::cache::disk::{DiskLimits, ItemName, Key, Kind};
use crate::decode::FileIdentity;
use crate::gpu::{ConvertChoice, GpuContext, GpuOptions, OffscreenTarget, Viewer};
use crate::jobs::kept::{JobOrder, KeptState, KeptStop, Renew};
use crate::jobs::{JobQueue, JobState, Priority, QueueOptions};
use crate::media::{ColorInfo, Orientation, PixelFormat, Size, StreamId, VideoFrame};
use crate::memory::{Ledger, SystemProbe};
use crate::proxy::{
    EncoderChoice, MakeOptions, MakeRequest, PROXY_KIND, Preset, ProxyCodec, ProxyRecord,
    ProxyState,
};
use crate::time::{FrameIndex, RealClock};
use crate::ui::Outcome;

/// Nothing here takes so long.
const HUNG: Duration = Duration::from_mins(1);

/// What the frame cache may hold.
const CACHE_BYTES: u64 = 256 << 20;

/// Some file.
const FILE: FileIdentity = FileIdentity {
    bytes: 10,
    modified_nanos: 0,
    device: 0,
    inode: 0,
};

struct Office {
    clerk: Clerk,
    news: Receiver<()>,
    cache: Arc<FrameCache>,
    textures: Arc<TextureBudget>,
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
        let memory = MemoryManager::new(ledger.clone(), Box::new(SystemProbe::new()));
        let (now, gauge) = (Arc::clone(&clock), memory.gauge());
        let cache = FrameCache::new(CACHE_BYTES, now, Some(ledger.clone()), gauge);
        let textures = Arc::new(TextureBudget::of_ledger(ledger));
        let desk = Desk {
            clock,
            memory: Arc::new(memory),
            cache: Some(Arc::clone(&cache)),
            textures: Arc::clone(&textures),
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
            cache,
            textures,
            disk,
            folder,
        }
    }

    /// Where the clerk's proxies are.
    fn proxies(&self) -> ProxyFolder {
        ProxyFolder::new(&self.folder.path().join("proxies"))
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
        let key = Key::new(kind, Path::new(label), &FILE, &[]);
        self.disk.put(&key, &[b"kept"]).unwrap();
    }

    /// Makes a film of squares that move, and a proxy of it. Answers where both are.
    fn make_proxy(&self) -> (PathBuf, PathBuf) {
        let source = self.folder.path().join("squares.y4m");
        let mut film = b"YUV4MPEG2 W64 H48 F25:1 Ip A1:1 C420jpeg\n".to_vec();
        for frame in 0..12_usize {
            let luma = (0..64 * 48).map(|at| {
                let (x, y) = (at % 64, at / 64);
                u8::try_from(40 + 16 * ((x / 8 + y / 8 + frame) % 8)).unwrap()
            });
            film.extend(b"FRAME\n");
            film.extend(luma);
            film.extend([128_u8; 64 * 48 / 2]);
        }
        std::fs::write(&source, film).unwrap();
        let options = MakeOptions {
            presets: vec![Preset::Draft],
            codec: ProxyCodec::best_available(),
            folder: self.proxies(),
            threads: NonZeroUsize::MIN,
            at_a_time: NonZeroUsize::MIN,
            again: false,
            indices: None,
            products: None,
            ledger: None,
            encoder: EncoderChoice::Software,
        };
        let no_workers = QueueOptions {
            workers: 0,
            waiting: 1,
        };
        let queue = JobQueue::new(no_workers, Arc::new(|_| {})).unwrap();
        let request = MakeRequest::new(source.clone(), options, Arc::new(RealClock::new()));
        let made = request.made();
        let job = request.submit(&queue).unwrap();
        queue.run_one();
        assert_eq!(job.state(), JobState::Done);
        let proxy = made.lock().proxies[0].path.clone();
        (source, proxy)
    }
}

/// A gray picture of a million and a half bytes, outside the frame pool.
fn picture() -> Arc<VideoFrame> {
    let (format, size) = (PixelFormat::NV12, Size::new(1000, 1000).unwrap());
    let planes = [0, 1].map(|plane| {
        let (stride, rows) = (
            format.row_bytes(plane, size),
            format.plane_size(plane, size).1,
        );
        (vec![128_u8; stride * rows], stride)
    });
    let frame = VideoFrame::from_planes(format, size, ColorInfo::BT709_LIMITED, &planes);
    Arc::new(frame)
}

/// An order of proxies.
fn order(key: &str) -> JobOrder {
    JobOrder {
        kind: PROXY_KIND.to_owned(),
        key: key.to_owned(),
        parameters: String::new(),
        priority: Priority::Normal,
        rank: 0,
    }
}

/// Changes bytes of a file where it is, and says that it was written so much later.
fn damage(path: &Path, later: Duration, change: impl FnOnce(&mut [u8])) {
    let written = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&bytes, 0).unwrap();
    file.set_modified(written + later).unwrap();
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
fn the_limit_of_proxies_is_kept_with_them() {
    let office = Office::new();
    let said = office.ask(Errand::LimitProxies(3_000_000_000));
    assert!(said.is_done, "{said:?}");
    assert_eq!(said.words, "Proxies may take 3 GB.");
    assert_eq!(office.proxies().limit_bytes(), 3_000_000_000);
}

#[test]
fn who_looks_at_what_stays_the_same_is_not_woken() {
    let office = Office::new();
    let ledger = Ledger::new(1 << 30);
    let desk = Desk {
        clock: Arc::new(RealClock::new()),
        memory: Arc::new(MemoryManager::new(ledger, Box::new(SystemProbe::new()))),
        cache: None,
        textures: Arc::clone(&office.textures),
        disk: Some(Arc::clone(&office.disk)),
        proxies: Some(office.proxies()),
        remembers_at: None,
        wake: Arc::new(|| {}),
    };
    let mut work = Work::new(Arc::new(desk), Arc::default(), Arc::default());
    let mut looks = |panel: Panel| {
        // Lists are read at each third look.
        [(); 4].map(|()| work.look(&[panel], None))
    };
    assert_eq!(looks(Panel::Settings), [false; 4]);
    assert_eq!(
        looks(Panel::Timeline),
        [true, false, false, false],
        "proxies"
    );
    assert_eq!(looks(Panel::Proxies), [false; 4]);
    for moves in [Panel::Performance, Panel::Caches, Panel::Profiler] {
        assert_eq!(looks(moves), [true; 4], "{moves:?}");
    }
    std::fs::create_dir_all(office.proxies().path()).unwrap();
    office.proxies().state_limit(3_000_000_000).unwrap();
    assert_eq!(looks(Panel::Proxies), [true, false, false, false]);
}

#[test]
fn one_item_of_the_disk_cache_is_checked_and_removed() {
    let office = Office::new();
    office.keep(Kind::Index, "/a.mov");
    office.keep(Kind::Waveform, "/a.mov");
    let names = || -> Vec<ItemName> {
        let items = office.disk.list().unwrap().into_iter();
        items.map(|item| item.name).collect()
    };
    let [first, second] = names()[..] else {
        panic!("two are kept");
    };
    let said = |errand: Errand| {
        let outcome = office.ask(errand);
        assert!(outcome.is_done, "{outcome:?}");
        outcome.words
    };
    assert!(said(Errand::CheckItem(first)).ends_with("is sound."));
    assert!(said(Errand::RemoveItem(first)).starts_with("Removed"));
    assert_eq!(names(), [second]);
    assert!(said(Errand::CheckItem(first)).starts_with("It is gone"));
    assert!(said(Errand::RemoveItem(first)).starts_with("It was gone"));
    let file = office.disk.folder().join(format!("{second}.item"));
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert!(said(Errand::CheckItem(second)).starts_with("It was damaged"));
    assert_eq!(names(), []);
}

#[test]
fn memory_that_is_cleared_is_empty_and_keeps_frames_again() {
    let mut office = Office::new();
    let keeper = office.cache.keeper(Path::new("/a.mov"), FILE, StreamId(0));
    let shown = picture();
    keeper.put(FrameIndex(1), &shown);
    keeper.put(FrameIndex(2), &picture());
    let stats = office.cache.stats();
    assert_eq!((stats.frames, stats.bytes), (2, 3_000_000));
    let told = |data: &PanelData| {
        let mut classes = data.memory.iter();
        let frames = classes.find(|of| of.class == MemoryClass::Frames);
        frames.map(|of| of.bytes)
    };
    office.clerk.follow(vec![Panel::Performance], None);
    assert_eq!(office.until(told), 3_000_000);
    let cleared = Outcome {
        is_done: true,
        words: "3 MB of kept frames dropped.".to_owned(),
    };
    assert_eq!(office.ask(Errand::ClearMemory), cleared);
    assert_eq!(told(&office.clerk.data()), Some(0));
    let stats = office.cache.stats();
    assert_eq!((stats.frames, stats.bytes), (0, 0));
    assert!(!keeper.has(FrameIndex(1)) && !keeper.has(FrameIndex(2)));
    // What is on screen is still there for whoever shows it, and for nobody else.
    assert_eq!(Arc::strong_count(&shown), 1);
    assert_eq!(stats.limit_bytes, CACHE_BYTES);
    keeper.put(FrameIndex(1), &shown);
    assert!(keeper.has(FrameIndex(1)));
}

#[test]
fn of_the_pictures_on_the_device_that_on_screen_stays_when_memory_is_cleared() {
    let office = Office::new();
    let mut ctx = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
    ctx.set_budget(TextureBudget::clone(&office.textures));
    let mut viewer = Viewer::new(&ctx, ConvertChoice::Auto, OffscreenTarget::FORMAT).unwrap();
    let size = Size::new(64, 36).unwrap();
    for _ in 0..3 {
        viewer
            .show(&ctx, &picture(), Orientation::UPRIGHT, size, 0)
            .unwrap();
    }
    let on_screen = viewer.read_back(&ctx).unwrap();
    let used = office.textures.used();
    let cleared = office.ask(Errand::ClearMemory);
    assert!(cleared.is_done, "{cleared:?}");
    let pictures = viewer.kept_counts().pictures;
    assert_eq!(pictures, 3, "they are the drawing thread's to give back");
    viewer.settle(&ctx);
    let counts = viewer.kept_counts();
    assert_eq!((counts.pictures, counts.bytes), (1, size.area() * 4));
    assert_eq!(office.textures.used(), used - 2 * counts.bytes);
    assert!(viewer.read_back(&ctx).unwrap() == on_screen);
}

#[test]
fn jobs_are_listed_paused_called_off_and_tried_again() {
    let mut office = Office::new();
    // Those that the program itself keeps and works on.
    let jobs = office.proxies().jobs().unwrap();
    let key = "/rushes/a.mov";
    jobs.add(&order(key), Renew::IfDone).unwrap();
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
fn jobs_that_are_over_are_forgotten_and_the_others_are_not() {
    let mut office = Office::new();
    let jobs = office.proxies().jobs().unwrap();
    for key in ["/a.mov", "/b.mov", "/c.mov"] {
        jobs.add(&order(key), Renew::IfDone).unwrap();
    }
    let failed = KeptStop::Never("it has no pictures".to_owned());
    for outcome in [Ok(()), Err(failed)] {
        let job = jobs.claim(&[PROXY_KIND]).unwrap().unwrap();
        jobs.finish(&job, &outcome).unwrap();
    }
    let keys = |data: &PanelData| -> Vec<String> {
        let jobs = data.proxies.jobs.iter();
        jobs.map(|job| job.order.key.clone()).collect()
    };
    office.clerk.follow(vec![Panel::Proxies], None);
    let listed = office.until(|data| Some(keys(data)).filter(|keys| !keys.is_empty()));
    assert_eq!(listed.len(), 3, "{listed:?}");
    let forgotten = office.ask(Errand::ForgetJobs);
    assert!(forgotten.is_done, "{forgotten:?}");
    assert!(forgotten.words.starts_with('2'), "{forgotten:?}");
    assert_eq!(keys(&office.clerk.data()), ["/c.mov"]);
    assert!(office.ask(Errand::CancelJob("/c.mov".to_owned())).is_done);
    assert_eq!(office.ask(Errand::ForgetJobs).words, "1 job forgotten.");
    assert_eq!(keys(&office.clerk.data()), [""; 0]);
    assert!(jobs.list().unwrap().is_empty());
}

#[test]
fn a_proxy_is_verified_refused_when_it_is_damaged_and_deleted() {
    let mut office = Office::new();
    let (source, proxy) = office.make_proxy();
    office.clerk.follow(vec![Panel::Proxies], None);
    let listed = office.until(|data| data.proxies.list.first().cloned());
    assert_eq!(
        (&listed.path, listed.state),
        (&proxy, ProxyState::Unverified)
    );
    let state = || {
        let data = office.clerk.data();
        data.proxies.list.first().map(|listed| listed.state)
    };
    let verify = || office.ask(Errand::VerifyProxies(vec![proxy.clone()]));
    let verified = verify();
    assert!(verified.is_done, "{verified:?}");
    assert!(verified.words.ends_with("is what it says it is."));
    assert_eq!(state(), Some(ProxyState::Verified));
    // What decays without a sign is found by a look at its pictures.
    damage(&proxy, Duration::ZERO, |bytes| {
        let fifth = bytes.len() / 5;
        bytes[2 * fifth..3 * fifth].fill(0);
    });
    let refused = verify();
    assert!(!refused.is_done, "{refused:?}");
    assert!(refused.words.contains("not used"), "{refused:?}");
    assert_eq!(state(), Some(ProxyState::Unverified), "it was once");
    damage(&proxy, Duration::from_secs(1), |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
    });
    let refused = verify();
    assert!(!refused.is_done, "{refused:?}");
    assert!(
        refused.words.contains("changed or is damaged"),
        "{refused:?}"
    );
    assert_eq!(state(), Some(ProxyState::ProxyChanged));
    let deleted = office.ask(Errand::DeleteProxies(vec![proxy.clone()]));
    assert!(deleted.is_done, "{deleted:?}");
    assert_eq!(state(), None);
    assert!(!proxy.exists() && !ProxyRecord::path_beside(&proxy).exists());
    assert!(source.is_file());
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
