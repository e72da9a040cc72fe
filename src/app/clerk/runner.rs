//! The thread that does errands, so that the clerk goes on reading while one of them takes minutes.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::{Desk, errands};
use crate::decode::Interrupter;
use crate::time::Bell;
use crate::ui::{Doing, Errand, Outcome};

/// Errands that may wait for their turn. A person does not press so many buttons.
const WAITING: usize = 64;

/// What the thread tells the clerk.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What it does now.
    pub(super) doing: Option<Doing>,
    /// The number of the present errand.
    number: u64,
    /// What came of errands, once.
    pub(super) outcomes: Vec<Outcome>,
}

/// The thread `errands`, which does one errand after another. Dropping it calls off the present one, where it can be
/// called off, and waits for it; those that have not begun are not done.
pub(super) struct Runner {
    errands: Option<Sender<Errand>>,
    told: Arc<Mutex<Told>>,
    bell: Arc<Bell>,
    interrupter: Interrupter,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Runner {
    /// Starts it. It rings `bell` when it has told something.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(desk: Arc<Desk>, bell: Arc<Bell>) -> io::Result<Self> {
        let (errands, waiting) = bounded::<Errand>(WAITING);
        let told = Arc::new(Mutex::new(Told::default()));
        let interrupter = Interrupter::default();
        let ends = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&ends);
        let mine = Bench {
            told: Arc::clone(&told),
            bell: Arc::clone(&bell),
            interrupter: interrupter.clone(),
        };
        let body = move || {
            while let Ok(errand) = waiting.recv() {
                let mut told = mine.told.lock();
                told.number += 1;
                // In this order: whoever ends it says so first and interrupts then.
                mine.interrupter.resume();
                drop(told);
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let run = AssertUnwindSafe(|| errands::run(&errand, &desk, &mine));
                let done = catch_unwind(run).unwrap_or_else(|_panic| {
                    Err("It could not be done: a fault in Jogwheel. Its log says which.".to_owned())
                });
                let outcome = outcome_of(done);
                let mut told = mine.told.lock();
                told.doing = None;
                told.outcomes.push(outcome);
                drop(told);
                mine.bell.ring();
            }
        };
        let thread = std::thread::Builder::new()
            .name("errands".to_owned())
            .spawn(body)?;
        Ok(Self {
            errands: Some(errands),
            told,
            bell,
            interrupter,
            ends,
            thread: Some(thread),
        })
    }

    /// Has an errand done when those before it are.
    pub(super) fn ask(&self, errand: Errand) {
        if let Some(errands) = &self.errands
            && errands.try_send(errand).is_err()
        {
            let words = "Too much waits to be done already; try again later.".to_owned();
            self.told.lock().outcomes.push(outcome_of(Err(words)));
            self.bell.ring();
        }
    }

    /// Calls off the errand of this number, if it is still the present one and can be called off.
    pub(super) fn stop(&self, number: u64) {
        let told = self.told.lock();
        if told.number == number {
            self.interrupter.interrupt();
        }
    }

    /// What it has to tell.
    pub(super) fn told(&self) -> Arc<Mutex<Told>> {
        Arc::clone(&self.told)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        self.interrupter.interrupt();
        self.errands = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `errands` panicked");
        }
    }
}

/// What an errand is done with, beside the clerk's own desk.
pub(super) struct Bench {
    told: Arc<Mutex<Told>>,
    bell: Arc<Bell>,
    /// Says that nobody waits for it any more.
    pub(super) interrupter: Interrupter,
}

impl Bench {
    /// Says what is being done.
    pub(super) fn tell(&self, words: String) {
        let mut told = self.told.lock();
        told.doing = Some(Doing {
            number: told.number,
            words,
        });
        drop(told);
        self.bell.ring();
    }
}

fn outcome_of(done: Result<String, String>) -> Outcome {
    let is_done = done.is_ok();
    let (Ok(words) | Err(words)) = done;
    Outcome { is_done, words }
}
