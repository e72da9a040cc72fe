//! Kept jobs on a simulated clock: claimed, tried again, taken over, held.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

mod thread;

use super::*;
use crate::jobs::{Held, JobContext, Load, LoadProbe, Priority, Progress, Stance};
use crate::time::SimClock;

const KIND: &str = "test";

/// How long a test waits for a worker before it calls it hung.
const HUNG: Duration = Duration::from_mins(4);

fn order(key: &str) -> JobOrder {
    JobOrder {
        kind: KIND.to_owned(),
        key: key.to_owned(),
        parameters: "{}".to_owned(),
        priority: Priority::Normal,
        rank: 0,
    }
}

/// A wall clock that tests set.
#[derive(Clone, Default)]
struct Wall(Arc<AtomicI64>);

impl Wall {
    fn advance(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    fn open(&self, folder: &Path) -> Arc<KeptJobs> {
        let wall = Arc::clone(&self.0);
        let clock: WallClock = Arc::new(move || wall.load(Ordering::Relaxed));
        Arc::new(KeptJobs::open_at(folder, clock).unwrap())
    }
}

fn find(jobs: &KeptJobs, key: &str) -> KeptJob {
    jobs.find(KIND, key).unwrap().unwrap()
}

fn claimed(jobs: &KeptJobs) -> Option<String> {
    jobs.claim(&[KIND]).unwrap().map(|job| job.order.key)
}

/// What a scripted maker does with a job.
type Script = Box<dyn Fn(&KeptJob, &JobContext) -> Result<(), KeptStop> + Send + Sync>;

struct Scripted(Script);

impl Maker for Scripted {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn make(&self, job: &KeptJob, context: &JobContext) -> Result<(), KeptStop> {
        self.0(job, context)
    }
}

/// A load that tests set.
#[derive(Clone, Default)]
struct Scale(Arc<Mutex<Load>>);

impl LoadProbe for Scale {
    fn read(&mut self) -> Load {
        *self.0.lock()
    }
}

struct Bench {
    folder: tempfile::TempDir,
    wall: Wall,
    clock: SimClock,
    scale: Scale,
}

impl Bench {
    fn new() -> Self {
        Self {
            // In memory where that is possible: each change is made durable.
            folder: tempfile::tempdir_in("/dev/shm")
                .unwrap_or_else(|_absent| tempfile::tempdir().unwrap()),
            wall: Wall::default(),
            clock: SimClock::new(),
            scale: Scale::default(),
        }
    }

    fn open(&self) -> Arc<KeptJobs> {
        self.wall.open(self.folder.path())
    }

    fn keeper(
        &self,
        workers: usize,
        script: impl Fn(&KeptJob, &JobContext) -> Result<(), KeptStop> + Send + Sync + 'static,
    ) -> Keeper {
        let maker: Arc<dyn Maker> = Arc::new(Scripted(Box::new(script)));
        let options = KeeperOptions {
            workers,
            ..KeeperOptions::default()
        };
        let (clock, probe) = (Arc::new(self.clock.clone()), Box::new(self.scale.clone()));
        Keeper::new(self.open(), vec![maker], clock, probe, options).unwrap()
    }

    fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.wall.advance(span);
    }
}

/// Turns, runs what was claimed, and turns again.
fn step(keeper: &mut Keeper) -> Vec<KeptNews> {
    let mut news = keeper.turn(Stance::Told, 0).news;
    keeper.run_one();
    news.extend(keeper.turn(Stance::Told, 0).news);
    news
}

#[test]
fn the_most_urgent_goes_first_then_what_is_seen_then_the_oldest() {
    let bench = Bench::new();
    let jobs = bench.open();
    for (key, priority) in [
        ("a", Priority::Normal),
        ("b", Priority::Low),
        ("c", Priority::High),
        ("d", Priority::Normal),
        ("e", Priority::Normal),
    ] {
        let order = JobOrder {
            priority,
            ..order(key)
        };
        assert_eq!(jobs.add(&order, Renew::Always).unwrap(), Added::New);
    }
    jobs.aim(KIND, &["e", "d", "b"]).unwrap();
    let turns: Vec<_> = std::iter::from_fn(|| claimed(&jobs)).collect();
    assert_eq!(turns, ["c", "e", "d", "a", "b"]);
    let other_kind = JobOrder {
        kind: "other".to_owned(),
        ..order("f")
    };
    jobs.add(&other_kind, Renew::Always).unwrap();
    assert_eq!(claimed(&jobs), None);
}

#[test]
fn what_is_ordered_twice_is_one_job() {
    let bench = Bench::new();
    let jobs = bench.open();
    let changed = JobOrder {
        parameters: "other".to_owned(),
        priority: Priority::High,
        ..order("a")
    };
    assert_eq!(jobs.add(&order("a"), Renew::IfDone).unwrap(), Added::New);
    assert_eq!(jobs.add(&changed, Renew::IfDone).unwrap(), Added::Known);
    assert_eq!(find(&jobs, "a").order, changed);
    let job = jobs.claim(&[KIND]).unwrap().unwrap();
    assert_eq!(jobs.add(&changed, Renew::Always).unwrap(), Added::Known);
    jobs.finish(&job, &Ok(())).unwrap();
    assert_eq!(find(&jobs, "a").state, KeptState::Done);
    assert_eq!(jobs.add(&changed, Renew::IfDone).unwrap(), Added::Again);
    // What is asked for while it runs comes after it, however that ended.
    let job = jobs.claim(&[KIND]).unwrap().unwrap();
    assert_eq!(jobs.add(&order("a"), Renew::IfDone).unwrap(), Added::Known);
    let failed = Err(KeptStop::Never("no".to_owned()));
    jobs.finish(&job, &failed).unwrap();
    let waits = find(&jobs, "a");
    assert_eq!((waits.state, waits.attempts), (KeptState::Waiting, 0));
    let job = jobs.claim(&[KIND]).unwrap().unwrap();
    assert_eq!(job.attempts, 1);
    jobs.finish(&job, &failed).unwrap();
    assert_eq!(
        jobs.add(&order("a"), Renew::IfDone).unwrap(),
        Added::Settled
    );
    assert_eq!(jobs.add(&order("a"), Renew::Always).unwrap(), Added::Again);
    assert_eq!(jobs.list().unwrap().len(), 1);
}

#[test]
fn what_others_work_on_is_not_withdrawn() {
    let bench = Bench::new();
    let (jobs, other) = (bench.open(), bench.open());
    let all = ["mine", "theirs", "waits"].map(order);
    assert_eq!(jobs.add_all(&all, Renew::Always).unwrap(), [Added::New; 3]);
    assert!(jobs.claim_one(KIND, "mine").unwrap().is_some());
    assert!(other.claim_one(KIND, "theirs").unwrap().is_some());
    assert!(jobs.claim_one(KIND, "theirs").unwrap().is_none());
    for order in &all {
        jobs.withdraw(KIND, &order.key).unwrap();
    }
    let states = all.map(|order| find(&jobs, &order.key).state);
    let (over, running) = (KeptState::Cancelled, KeptState::Running);
    assert_eq!(states, [over, running, over]);
}

#[test]
fn what_fails_is_tried_again_after_longer_and_longer_pauses() {
    let bench = Bench::new();
    let mut keeper = bench.keeper(0, |_, _| Err(KeptStop::Later("no luck".to_owned())));
    let jobs = Arc::clone(keeper.jobs());
    jobs.add(&order("a"), Renew::Always).unwrap();
    for (attempt, pause) in [(1, 10), (2, 40), (3, 160), (4, 640)] {
        assert_eq!(step(&mut keeper).len(), 1);
        let job = find(&jobs, "a");
        assert_eq!(
            (job.state, job.attempts, job.reason.as_deref()),
            (KeptState::Waiting, attempt, Some("no luck"))
        );
        bench.advance(Duration::from_millis(pause * 1000 - 1));
        assert_eq!(step(&mut keeper), []);
        bench.advance(Duration::from_millis(1));
    }
    assert_eq!(step(&mut keeper).len(), 1);
    let job = find(&jobs, "a");
    assert_eq!(
        (job.state, job.attempts),
        (KeptState::Failed, MOST_ATTEMPTS)
    );
    bench.advance(Duration::from_hours(1));
    assert_eq!(step(&mut keeper), []);
    // Somebody has made room, and says so.
    assert_eq!(jobs.retry(Choice::One(KIND, "a")).unwrap(), 1);
    assert_eq!(step(&mut keeper).len(), 1);
    assert_eq!(find(&jobs, "a").attempts, 1);
    assert_eq!(jobs.retry(Choice::All).unwrap(), 1);
    assert_eq!(step(&mut keeper).len(), 1, "at once");
}

#[test]
fn what_cannot_work_fails_at_once_and_others_go_on() {
    let bench = Bench::new();
    let mut keeper = bench.keeper(0, |job, _| match job.order.key.as_str() {
        "bad" => Err(KeptStop::Never("no pictures".to_owned())),
        "broken" => panic!("on purpose"),
        "busy" => Err(KeptStop::NotNow("another program is at it".to_owned())),
        _ => Ok(()),
    });
    let jobs = Arc::clone(keeper.jobs());
    for key in ["bad", "broken", "busy", "good"] {
        jobs.add(&order(key), Renew::Always).unwrap();
    }
    let news: Vec<_> = (0..4).flat_map(|_| step(&mut keeper)).collect();
    assert_eq!(news.len(), 4);
    let state = |key| {
        let job = find(&jobs, key);
        (job.state, job.attempts)
    };
    assert_eq!(state("bad"), (KeptState::Failed, 1));
    assert_eq!(find(&jobs, "bad").reason.as_deref(), Some("no pictures"));
    assert_eq!(state("broken"), (KeptState::Waiting, 1));
    assert_eq!(
        state("busy"),
        (KeptState::Waiting, 0),
        "that was no attempt"
    );
    assert_eq!(state("good"), (KeptState::Done, 1));
    assert_eq!(jobs.forget_over().unwrap(), 2);
    assert_eq!(jobs.list().unwrap().len(), 2);
}

#[test]
fn what_a_process_that_died_had_begun_is_begun_again() {
    let bench = Bench::new();
    let jobs = bench.open();
    for key in ["a", "b"] {
        jobs.add(&order(key), Renew::Always).unwrap();
    }
    assert_eq!(claimed(&jobs).as_deref(), Some("a"));
    let other = bench.open();
    assert_eq!(claimed(&other).as_deref(), Some("b"), "it lives");
    assert_eq!(claimed(&other), None);
    // Its lock goes with it, whatever ended it.
    drop(jobs);
    assert_eq!(claimed(&other).as_deref(), Some("a"));
    let job = find(&other, "a");
    assert_eq!(
        (job.state, job.attempts),
        (KeptState::Running, 2),
        "the first was an attempt"
    );
}

#[test]
fn what_brings_the_program_down_does_so_a_few_times_only() {
    let bench = Bench::new();
    bench.open().add(&order("a"), Renew::Always).unwrap();
    for _ in 0..MOST_ATTEMPTS {
        assert_eq!(claimed(&bench.open()).as_deref(), Some("a"));
    }
    let jobs = bench.open();
    assert_eq!(claimed(&jobs), None);
    let job = find(&jobs, "a");
    assert_eq!(job.state, KeptState::Failed);
    assert!(job.reason.unwrap().contains("ended in the middle"));
}

#[test]
fn a_process_that_is_silent_loses_its_jobs_and_what_it_says_later_is_lost() {
    let bench = Bench::new();
    let (silent, other) = (bench.open(), bench.open());
    silent.add(&order("a"), Renew::Always).unwrap();
    let before = silent.claim(&[KIND]).unwrap().unwrap();
    bench.advance(Duration::from_secs(299));
    let progress = Progress { done: 3, total: 9 };
    assert!(
        silent
            .beat(before.id, progress, Duration::from_secs(6))
            .unwrap()
    );
    assert_eq!(find(&other, "a").left(), Some(Duration::from_secs(12)));
    bench.advance(Duration::from_mins(5));
    assert_eq!(claimed(&other), None);
    bench.advance(Duration::from_secs(1));
    assert_eq!(claimed(&other).as_deref(), Some("a"));
    assert!(!silent.beat(before.id, progress, Duration::ZERO).unwrap());
    silent.finish(&before, &Ok(())).unwrap();
    assert_eq!(find(&other, "a").state, KeptState::Running);
}

#[test]
fn no_job_is_claimed_by_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let first = KeptJobs::open(folder.path()).unwrap();
    let count = 60;
    for number in 0..count {
        first
            .add(&order(&number.to_string()), Renew::Always)
            .unwrap();
    }
    let all: Vec<Vec<String>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|number| {
                let folder = folder.path();
                let claim_all = move || {
                    let jobs = KeptJobs::open(folder).unwrap();
                    let mut mine = Vec::new();
                    while let Some(job) = jobs.claim(&[KIND]).unwrap() {
                        jobs.finish(&job, &Ok(())).unwrap();
                        mine.push(job.order.key);
                    }
                    mine
                };
                let builder = std::thread::Builder::new().name(format!("process {number}"));
                builder.spawn_scoped(scope, claim_all).unwrap()
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let each: HashSet<&String> = all.iter().flatten().collect();
    assert_eq!(all.iter().map(Vec::len).sum::<usize>(), count);
    assert_eq!(each.len(), count);
}

#[test]
fn work_is_held_while_the_machine_is_busy_and_starts_when_it_is_not() {
    let bench = Bench::new();
    let mut keeper = bench.keeper(0, |_, _| Ok(()));
    keeper.jobs().add(&order("a"), Renew::Always).unwrap();
    *bench.scale.0.lock() = Load {
        cpu: Some(0.7),
        ..Load::default()
    };
    let turn = keeper.turn(Stance::Playing, 0);
    assert_eq!(turn.held, Some(Held::Cpu(0.7)));
    assert!(turn.running.is_empty());
    // Paused by the person who watches, the same load leaves room.
    let turn = keeper.turn(Stance::Open, 0);
    assert_eq!((turn.held, turn.running.len()), (None, 1));
    // It is held in mid-work when frames come late, and no time counts as worked.
    *bench.scale.0.lock() = Load::default();
    let turn = keeper.turn(Stance::Playing, 1);
    assert_eq!(turn.held, Some(Held::LateFrames));
    assert!(!keeper.run_one(), "a job that yields does not start");
    bench.advance(Duration::from_secs(1));
    assert!(keeper.turn(Stance::Playing, 1).held.is_some());
    bench.advance(Duration::from_secs(1));
    assert_eq!(keeper.turn(Stance::Playing, 1).held, None);
    assert!(keeper.run_one());
    let news = keeper.turn(Stance::Playing, 1).news;
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].job.worked, Duration::from_secs(1));
}

#[test]
fn a_person_may_hold_everything() {
    let bench = Bench::new();
    let mut keeper = bench.keeper(0, |_, _| Ok(()));
    let other = bench.open();
    other.add(&order("a"), Renew::Always).unwrap();
    other.set_paused(true).unwrap();
    let turn = keeper.turn(Stance::Told, 0);
    assert!(turn.is_paused && turn.running.is_empty());
    assert_eq!(claimed(&other), None);
    other.set_paused(false).unwrap();
    assert_eq!(step(&mut keeper).len(), 1);
}

/// A keeper with a worker whose job tells when it has begun, and then waits for a word or for its end.
fn waiting(bench: &Bench) -> (Keeper, Receiver<()>, Sender<()>) {
    let (begun, has_begun) = bounded(8);
    let (go, word) = bounded::<()>(1);
    let keeper = bench.keeper(1, move |_, context| {
        begun.send(()).unwrap();
        context.progress(Progress { done: 1, total: 4 });
        while word.recv_timeout(Duration::from_millis(5)).is_err() {
            context.check()?;
        }
        Ok(())
    });
    (keeper, has_begun, go)
}

/// Turns until the first job has begun and tells of progress.
fn until_progress(keeper: &mut Keeper, has_begun: &Receiver<()>) {
    keeper.turn(Stance::Told, 0);
    has_begun.recv_timeout(HUNG).unwrap();
    while keeper.turn(Stance::Told, 0).running[0].progress.done == 0 {
        std::thread::yield_now();
    }
}

/// Turns until something ends.
fn until_news(keeper: &mut Keeper) -> Vec<KeptNews> {
    loop {
        let news = keeper.turn(Stance::Told, 0).news;
        if !news.is_empty() || keeper.is_idle() {
            return news;
        }
        std::thread::yield_now();
    }
}

#[test]
fn what_gives_no_sign_of_life_is_cancelled_and_tried_again() {
    let bench = Bench::new();
    let (mut keeper, has_begun, go) = waiting(&bench);
    let jobs = Arc::clone(keeper.jobs());
    jobs.add(&order("a"), Renew::Always).unwrap();
    until_progress(&mut keeper, &has_begun);
    // What is held gives none, and must not.
    *bench.scale.0.lock() = Load {
        memory: Some(0.99),
        ..Load::default()
    };
    bench.advance(Duration::from_mins(5));
    assert_eq!(keeper.turn(Stance::Told, 0).news, []);
    *bench.scale.0.lock() = Load::default();
    bench.advance(Duration::from_secs(119));
    assert_eq!(keeper.turn(Stance::Told, 0).news, []);
    bench.advance(Duration::from_secs(1));
    let news = keeper.turn(Stance::Told, 0).news;
    let Err(KeptStop::Later(reason)) = &news[0].outcome else {
        panic!("{news:?}");
    };
    assert_eq!(reason, "it gave no sign of life for 120 s");
    assert_eq!(find(&jobs, "a").state, KeptState::Waiting);
    assert_eq!(until_news(&mut keeper), [], "its end is no news");
    bench.advance(pause_after(1));
    keeper.turn(Stance::Told, 0);
    has_begun.recv_timeout(HUNG).unwrap();
    go.send(()).unwrap();
    assert_eq!(until_news(&mut keeper)[0].outcome, Ok(()));
    assert_eq!(find(&jobs, "a").attempts, 2);
}

#[test]
fn what_somebody_takes_back_ends_and_stays_so() {
    let bench = Bench::new();
    let (mut keeper, has_begun, _go) = waiting(&bench);
    let other = bench.open();
    for key in ["a", "b"] {
        other.add(&order(key), Renew::Always).unwrap();
    }
    keeper.turn(Stance::Told, 0);
    has_begun.recv_timeout(HUNG).unwrap();
    assert_eq!(other.cancel(Choice::All).unwrap(), 2);
    bench.advance(Duration::from_secs(1));
    let news = keeper.turn(Stance::Told, 0).news;
    assert_eq!(news[0].outcome, Err(KeptStop::Cancelled));
    until_news(&mut keeper);
    let states: Vec<_> = other.list().unwrap().iter().map(|job| job.state).collect();
    assert_eq!(states, [KeptState::Cancelled; 2]);
}

#[test]
fn a_program_that_ends_puts_back_what_it_had_begun() {
    let bench = Bench::new();
    let (mut keeper, has_begun, _go) = waiting(&bench);
    let other = bench.open();
    other.add(&order("a"), Renew::Always).unwrap();
    keeper.turn(Stance::Told, 0);
    has_begun.recv_timeout(HUNG).unwrap();
    drop(keeper);
    let job = find(&other, "a");
    assert_eq!((job.state, job.attempts), (KeptState::Waiting, 0));
}

#[test]
fn a_database_that_is_damaged_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    assert!(KeptJobs::open_existing(folder.path()).unwrap().is_none());
    let path = folder.path().join("jobs.db");
    for damage in [&b"nothing of the kind"[..], &[0x5a; 4_000]] {
        std::fs::write(&path, damage).unwrap();
        let jobs = KeptJobs::open(folder.path()).unwrap();
        jobs.add(&order("a"), Renew::Always).unwrap();
        drop(jobs);
        let again = KeptJobs::open_existing(folder.path()).unwrap().unwrap();
        assert_eq!(claimed(&again).as_deref(), Some("a"));
    }
    // Others' tables are not ours.
    drop(KeptJobs::open(folder.path()));
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("DROP TABLE jobs; CREATE TABLE jobs (a)")
        .unwrap();
    drop(other);
    assert!(
        KeptJobs::open(folder.path())
            .unwrap()
            .list()
            .unwrap()
            .is_empty()
    );
    let other = rusqlite::Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    drop(other);
    let newer = KeptJobs::open(folder.path());
    assert!(matches!(newer, Err(KeptError::Newer)));
}

#[test]
fn only_so_much_of_what_is_over_is_remembered() {
    let bench = Bench::new();
    let jobs = bench.open();
    for number in 0..1_010 {
        jobs.add(&order(&number.to_string()), Renew::Always)
            .unwrap();
        let job = jobs.claim(&[KIND]).unwrap().unwrap();
        bench.wall.advance(Duration::from_millis(1));
        jobs.finish(&job, &Ok(())).unwrap();
    }
    jobs.add(&order("last"), Renew::Always).unwrap();
    let all = jobs.list().unwrap();
    assert_eq!(all.len(), 1_001);
    assert_eq!(all[0].order.key, "last", "what waits comes first");
    assert_eq!(all[1].order.key, "1009");
}

#[test]
fn workers_are_few() {
    let workers = |cores| workers_for(std::num::NonZeroUsize::new(cores).unwrap());
    assert_eq!(
        [1, 2, 8, 9, 16, 32, 128].map(workers),
        [1, 1, 1, 2, 2, 4, 4]
    );
}
