//! The queue stepped through by hand, at random, and with a real worker.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::bounded;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

/// How long a test waits for a worker before it calls it hung.
const HUNG: Duration = Duration::from_mins(4);

/// What the listener heard.
type Heard = Arc<Mutex<Vec<JobEvent>>>;

fn queue(workers: usize, waiting: usize) -> (JobQueue, Heard) {
    queue_with_limit(workers, waiting, workers.max(1))
}

fn queue_with_limit(workers: usize, waiting: usize, limit: usize) -> (JobQueue, Heard) {
    let heard = Heard::default();
    let listener: JobListener = {
        let heard = Arc::clone(&heard);
        Arc::new(move |event: &JobEvent| heard.lock().push(event.clone()))
    };
    let options = QueueOptions { workers, waiting };
    let queue = JobQueue::with_limit(options, limit, listener).unwrap();
    (queue, heard)
}

/// A job that only notes that it ran.
fn note(log: &Arc<Mutex<Vec<&'static str>>>, key: &'static str) -> Job {
    let log = Arc::clone(log);
    Job::new(key, move |_| {
        log.lock().push(key);
        Ok(())
    })
}

fn fail(reason: &str) -> Result<(), JobStop> {
    Err(JobStop::Failed(reason.to_owned()))
}

#[test]
fn the_most_urgent_goes_first_and_among_equals_the_oldest() {
    let (queue, _) = queue(0, 10);
    let log = Arc::default();
    for (key, priority) in [
        ("a", Priority::Normal),
        ("b", Priority::Low),
        ("c", Priority::High),
        ("d", Priority::Normal),
    ] {
        queue.submit(note(&log, key).priority(priority)).unwrap();
    }
    while queue.run_one().is_some() {}
    assert_eq!(*log.lock(), ["c", "a", "d", "b"]);
    assert!(queue.is_idle());
}

#[test]
fn a_job_waits_for_those_before_it_however_urgent() {
    let (queue, _) = queue(0, 10);
    let log = Arc::default();
    let first = queue.submit(note(&log, "first")).unwrap();
    let urgent = note(&log, "second").priority(Priority::High).after(&first);
    let second = queue.submit(urgent).unwrap();
    assert_eq!(queue.run_one(), Some(first.id()));
    assert_eq!(second.state(), JobState::Waiting);
    assert_eq!(queue.run_one(), Some(second.id()));
    assert_eq!(*log.lock(), ["first", "second"]);
}

#[test]
fn what_waits_for_a_failure_fails_with_its_reason() {
    let (queue, heard) = queue(0, 10);
    let log = Arc::default();
    let first = queue
        .submit(Job::new("first", |_| fail("no disk")))
        .unwrap();
    let second = queue.submit(note(&log, "second").after(&first)).unwrap();
    let third = queue.submit(note(&log, "third").after(&second)).unwrap();
    queue.run_one();
    let failed = JobState::Failed("no disk".into());
    for job in [&first, &second, &third] {
        assert_eq!(job.state(), failed);
    }
    assert_eq!(queue.run_one(), None);
    assert!(log.lock().is_empty());
    let ended = JobNews::Ended(failed.clone());
    let told: Vec<JobId> = heard
        .lock()
        .iter()
        .filter(|event| event.news == ended)
        .map(|event| event.id)
        .collect();
    assert_eq!(told, [first.id(), second.id(), third.id()]);
    // Also when it is asked for afterwards.
    let late = queue.submit(note(&log, "late").after(&first)).unwrap();
    assert_eq!(late.state(), failed);
}

#[test]
fn what_is_cancelled_never_starts_nor_what_waits_for_it() {
    let (queue, _) = queue(0, 10);
    let log = Arc::default();
    let first = queue.submit(note(&log, "first")).unwrap();
    let second = queue.submit(note(&log, "second").after(&first)).unwrap();
    first.cancel();
    assert_eq!(first.state(), JobState::Cancelled);
    assert_eq!(second.state(), JobState::Cancelled);
    assert_eq!(queue.run_one(), None);
    assert!(queue.is_idle());
    // Its key is free again.
    let again = queue.submit(note(&log, "first")).unwrap();
    assert_ne!(again.id(), first.id());
    assert_eq!(queue.run_one(), Some(again.id()));
    again.cancel();
    assert_eq!(again.state(), JobState::Done, "it was over");
}

#[test]
fn a_running_job_ends_when_it_looks() {
    let (queue, heard) = queue(0, 10);
    let place: Arc<Mutex<Option<JobHandle>>> = Arc::default();
    let own = Arc::clone(&place);
    let job = Job::new("job", move |context| {
        context.check()?;
        context.progress(Progress { done: 1, total: 2 });
        own.lock().as_ref().unwrap().cancel();
        assert!(context.cancel_flag().load(Ordering::Relaxed));
        // What is interrupted fails in a way of its own.
        fail("interrupted")
    });
    let handle = queue.submit(job).unwrap();
    *place.lock() = Some(handle.clone());
    queue.run_one();
    assert_eq!(handle.state(), JobState::Cancelled);
    assert_eq!(handle.progress(), Progress { done: 1, total: 2 });
    let news: Vec<JobNews> = heard.lock().iter().map(|e| e.news.clone()).collect();
    assert_eq!(
        news,
        [
            JobNews::Started,
            JobNews::Progress(Progress { done: 1, total: 2 }),
            JobNews::Ended(JobState::Cancelled)
        ]
    );
}

#[test]
fn jobs_of_one_key_are_one_job() {
    let (queue, _) = queue(0, 10);
    let log = Arc::default();
    let slow = queue
        .submit(note(&log, "same").priority(Priority::Low))
        .unwrap();
    let other = queue.submit(note(&log, "other")).unwrap();
    let same = queue
        .submit(note(&log, "same").priority(Priority::High))
        .unwrap();
    assert_eq!(slow.id(), same.id());
    assert_eq!(queue.run_one(), Some(same.id()), "its priority rose");
    assert_eq!(queue.run_one(), Some(other.id()));
    assert_eq!(*log.lock(), ["same", "other"]);
    // What is done can be done again.
    assert_ne!(queue.submit(note(&log, "same")).unwrap().id(), same.id());
}

#[test]
fn a_full_queue_refuses() {
    let (queue, _) = queue(0, 2);
    let log = Arc::default();
    queue.submit(note(&log, "a")).unwrap();
    queue.submit(note(&log, "b")).unwrap();
    assert_eq!(
        queue.submit(note(&log, "c")).unwrap_err(),
        SubmitError::Full
    );
    assert!(
        queue.submit(note(&log, "a")).is_ok(),
        "joining takes no room"
    );
    queue.run_one();
    assert!(queue.submit(note(&log, "c")).is_ok());
}

#[test]
fn while_paused_only_jobs_that_do_not_yield_start() {
    let (queue, _) = queue(0, 10);
    let log = Arc::default();
    queue.set_paused(true);
    queue.submit(note(&log, "yields").yields()).unwrap();
    queue.submit(note(&log, "goes on")).unwrap();
    while queue.run_one().is_some() {}
    assert_eq!(*log.lock(), ["goes on"]);
    queue.set_paused(false);
    while queue.run_one().is_some() {}
    assert_eq!(*log.lock(), ["goes on", "yields"]);
}

#[test]
fn a_panic_is_a_failure() {
    let (queue, _) = queue(0, 10);
    let job = queue
        .submit(Job::new("bad", |_| panic!("on purpose")))
        .unwrap();
    queue.run_one();
    assert!(matches!(job.state(), JobState::Failed(reason) if reason.contains("fault")));
}

#[test]
fn workers_have_names_and_dropping_the_queue_ends_what_runs_and_what_waits() {
    let (queue, heard) = queue(1, 10);
    let (begun, has_begun) = bounded(1);
    let running = queue
        .submit(Job::new("runs", move |context| {
            begun
                .send(std::thread::current().name().map(str::to_owned))
                .unwrap();
            while !context.is_cancelled() {
                std::thread::yield_now();
            }
            context.check()
        }))
        .unwrap();
    let log = Arc::default();
    let waiting = queue.submit(note(&log, "waits")).unwrap();
    assert_eq!(
        has_begun.recv_timeout(HUNG).unwrap().as_deref(),
        Some("job 1")
    );
    drop(queue);
    assert_eq!(running.state(), JobState::Cancelled);
    assert_eq!(waiting.state(), JobState::Cancelled);
    assert!(log.lock().is_empty());
    let ended = |event: &&JobEvent| matches!(event.news, JobNews::Ended(_));
    assert_eq!(heard.lock().iter().filter(ended).count(), 2);
    // A handle outlives its queue.
    running.cancel();
}

#[test]
fn a_paused_job_stands_still_and_goes_on_or_is_cancelled() {
    for cancel in [false, true] {
        let (queue, _) = queue(1, 10);
        let gate = Arc::new(AtomicBool::new(false));
        let log: Arc<Mutex<Vec<usize>>> = Arc::default();
        let ((held, is_held), (done, is_done)) = (bounded(1), bounded(1));
        let (open, passed) = (Arc::clone(&gate), Arc::clone(&log));
        // The pause is there before the job looks, so where it stands is known.
        let job = Job::new("looks", move |context| {
            held.send(()).unwrap();
            while !open.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            for round in 0..3 {
                context.check()?;
                passed.lock().push(round);
            }
            done.send(()).unwrap();
            Ok(())
        });
        let handle = queue.submit(job.yields()).unwrap();
        is_held.recv_timeout(HUNG).unwrap();
        queue.set_paused(true);
        gate.store(true, Ordering::Release);
        // The worker waits for something to change: in the middle of the job, or after it.
        while queue.core().nudge() == 0 {
            std::thread::yield_now();
        }
        assert!(log.lock().is_empty(), "nothing passes while paused");
        if cancel {
            handle.cancel();
            drop(queue);
            assert_eq!(handle.state(), JobState::Cancelled);
            assert!(log.lock().is_empty());
        } else {
            queue.set_paused(false);
            is_done.recv_timeout(HUNG).unwrap();
            assert_eq!(*log.lock(), [0, 1, 2]);
        }
    }
}

/// A step of the property test.
#[derive(Debug, Clone)]
enum Step {
    Submit {
        key: u8,
        priority: u8,
        after: Option<u8>,
        yields: bool,
    },
    Begin,
    End {
        which: u8,
        well: bool,
    },
    Cancel(u8),
    Pause(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let submit = (
        0..12u8,
        0..3u8,
        prop::option::of(any::<u8>()),
        any::<bool>(),
    )
        .prop_map(|(key, priority, after, yields)| Step::Submit {
            key,
            priority,
            after,
            yields,
        });
    let step = prop_oneof![
        4 => submit,
        4 => Just(Step::Begin),
        3 => (any::<u8>(), any::<bool>()).prop_map(|(which, well)| Step::End { which, well }),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => any::<bool>().prop_map(Step::Pause),
    ];
    prop::collection::vec(step, 1..120)
}

fn at<T>(list: &[T], which: u8) -> Option<&T> {
    (!list.is_empty()).then(|| &list[usize::from(which) % list.len()])
}

proptest! {
    /// Whatever happens: no more run than may, no more wait than may, nothing starts before what it
    /// waits for is done, everything that was taken ends exactly once, and states agree with events.
    #[test]
    fn a_queue_at_random(steps in steps(), limit in 1_usize..4, room in 1_usize..8) {
        let (queue, heard) = queue_with_limit(0, room, limit);
        let core = Arc::clone(queue.core());
        let mut handles: Vec<JobHandle> = Vec::new();
        let mut after: HashMap<JobId, JobHandle> = HashMap::new();
        let mut running: Vec<queue::Started> = Vec::new();
        let mut paused = false;
        let mut yielding: HashMap<JobId, bool> = HashMap::new();
        for step in steps {
            match step {
                Step::Submit { key, priority, after: wanted, yields } => {
                    let first = wanted.and_then(|which| at(&handles, which)).cloned();
                    let mut job = Job::new(format!("job {key}"), |_| Ok(()));
                    job = job.priority([Priority::Low, Priority::Normal, Priority::High][usize::from(priority)]);
                    if yields { job = job.yields(); }
                    if let Some(first) = &first { job = job.after(first); }
                    let waiting = handles.iter().filter(|h| h.state() == JobState::Waiting).count();
                    match queue.submit(job) {
                        Ok(handle) => {
                            if !handles.iter().any(|known| known.id() == handle.id()) {
                                yielding.insert(handle.id(), yields);
                                if let Some(first) = first { after.insert(handle.id(), first); }
                                handles.push(handle);
                            }
                        }
                        Err(SubmitError::Full) => prop_assert_eq!(waiting, room),
                    }
                }
                Step::Begin => if let Some(started) = core.begin() {
                    let id = started.record.id;
                    prop_assert!(!(paused && yielding[&id]));
                    if let Some(first) = after.get(&id) {
                        prop_assert_eq!(first.state(), JobState::Done);
                    }
                    running.push(started);
                },
                Step::End { which, well } => if !running.is_empty() {
                    let started = running.swap_remove(usize::from(which) % running.len());
                    core.finish(&started.record, if well { Ok(()) } else { fail("chance") });
                },
                Step::Cancel(which) => if let Some(handle) = at(&handles, which) {
                    handle.cancel();
                },
                Step::Pause(pause) => {
                    paused = pause;
                    queue.set_paused(pause);
                }
            }
            prop_assert!(running.len() <= limit);
            let count = |state: &JobState| handles.iter().filter(|h| h.state() == *state).count();
            prop_assert!(count(&JobState::Waiting) <= room);
            prop_assert_eq!(count(&JobState::Running), running.len());
        }
        for started in running.drain(..) {
            core.finish(&started.record, Ok(()));
        }
        drop(queue);
        let heard = heard.lock();
        for handle in &handles {
            prop_assert!(handle.state().is_over());
            let ends: Vec<&JobNews> = heard
                .iter()
                .filter(|event| event.id == handle.id())
                .map(|event| &event.news)
                .filter(|news| matches!(news, JobNews::Ended(_)))
                .collect();
            let wanted = JobNews::Ended(handle.state());
            prop_assert_eq!(ends, vec![&wanted]);
        }
    }

    /// With real workers everything that was submitted is done, once.
    #[test]
    fn workers_do_all_of_it(jobs in 1_usize..40, workers in 1_usize..4) {
        let (queue, _) = queue(workers, 100);
        let count = Arc::new(AtomicUsize::new(0));
        let (send, done) = bounded(jobs);
        for number in 0..jobs {
            let (count, send) = (Arc::clone(&count), send.clone());
            queue
                .submit(Job::new(format!("{number}"), move |_| {
                    count.fetch_add(1, Ordering::Relaxed);
                    send.send(()).unwrap();
                    Ok(())
                }))
                .unwrap();
        }
        for _ in 0..jobs {
            done.recv_timeout(HUNG).unwrap();
        }
        prop_assert_eq!(count.load(Ordering::Relaxed), jobs);
    }
}
