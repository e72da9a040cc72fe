//! Whether the machine itself kept time: what must be heard in real time cannot be judged where it stood still.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jogwheel::time::{Clock, RealClock};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Time between two looks at the clock.
const LOOK: Duration = Duration::from_millis(5);

/// Looks at the clock all the time, from each processor that this process may use: a virtual one can be taken
/// away from the machine while the others run.
pub(crate) struct Witness {
    ended: Arc<AtomicBool>,
    watches: Vec<JoinHandle<Duration>>,
}

impl Witness {
    /// Begins to look.
    pub(crate) fn start() -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let allowed = rustix::thread::sched_getaffinity(None).unwrap();
        let processors = (0..CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number));
        let watch = |processor: usize| {
            let ended = Arc::clone(&ended);
            let thread = std::thread::Builder::new().name(format!("witness-{processor}"));
            thread
                .spawn(move || longest_gap(processor, &ended))
                .unwrap()
        };
        let watches = processors.map(watch).collect();
        Self { ended, watches }
    }

    /// The longest time for which a thread that wanted next to nothing did not run.
    pub(crate) fn longest_stall(self) -> Duration {
        self.ended.store(true, Ordering::Relaxed);
        let gaps = self.watches.into_iter().map(|watch| watch.join().unwrap());
        gaps.max().unwrap_or_default()
    }
}

fn longest_gap(processor: usize, ended: &AtomicBool) -> Duration {
    let mut here = CpuSet::new();
    here.set(processor);
    sched_setaffinity(None, &here).unwrap();
    let clock = RealClock::new();
    let (mut longest, mut before) = (Duration::ZERO, clock.now());
    while !ended.load(Ordering::Relaxed) {
        std::thread::park_timeout(LOOK);
        let now = clock.now();
        longest = longest.max(now.since(before).saturating_sub(LOOK));
        before = now;
    }
    longest
}
