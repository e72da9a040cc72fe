//! The thread that does errands, so that the clerk goes on reading while one of them takes minutes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use parking_lot::Mutex;

use super::{Desk, errands};
use crate::decode::Interrupter;
use crate::time::Bell;
use crate::ui::{Errand, Outcome};

/// Errands that may wait for their turn. A person does not press so many buttons.
const WAITING: usize = 64;

/// What the thread tells the clerk.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What it does now, in words.
    pub(super) doing: Option<String>,
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
                // In this order: whoever ends it says so first and interrupts then.
                mine.interrupter.resume();
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                let outcome = outcome_of(errands::run(&errand, &desk, &mine));
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

    /// Calls off the present errand, if it can be called off.
    pub(super) fn stop(&self) {
        self.interrupter.interrupt();
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
    pub(super) fn tell(&self, doing: String) {
        self.told.lock().doing = Some(doing);
        self.bell.ring();
    }
}

fn outcome_of(done: Result<String, String>) -> Outcome {
    let is_done = done.is_ok();
    let (Ok(words) | Err(words)) = done;
    Outcome { is_done, words }
}
