//! A keeper beside a player, on a thread of its own.

use std::io;
use std::mem;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::job::JobOrder;
use super::keeper::{Keeper, Turn};
use super::schema::KeptError;
use super::store::{KeptJobs, Renew};
use crate::jobs::Stance;

/// How often it looks around.
const LOOK: Duration = Duration::from_millis(500);

/// Orders that may wait for the thread: it takes them twice a second.
const MOST_ORDERS: usize = 10_000;

/// What is to be written into the database.
#[derive(Debug)]
enum Order {
    Add { job: JobOrder, renew: Renew },
    Aim { kind: String, keys: Vec<String> },
}

/// What the player tells it.
#[derive(Debug, Default)]
struct Told {
    stance: Stance,
    late_frames: u64,
    orders: Vec<Order>,
    /// To look around now.
    is_nudged: bool,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Shared {
    told: Mutex<Told>,
    changed: Condvar,
}

/// Works off kept jobs while it lives. Dropping it puts back what is not finished. Everything that touches the
/// disk is done on its thread.
#[derive(Debug)]
pub struct KeeperThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl KeeperThread {
    /// Starts the thread, on which the keeper is made. It calls `on_turn` after each look around, and once with
    /// the error where there can be no keeper.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        keeper: impl FnOnce() -> Result<Keeper, KeptError> + Send + 'static,
        stance: Stance,
        mut on_turn: impl FnMut(&Turn) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.told.lock().stance = stance;
        let thread = std::thread::Builder::new()
            .name("job keeper".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || match keeper() {
                    Ok(keeper) => run(keeper, &shared, on_turn),
                    Err(error) => on_turn(&Turn {
                        error: Some(error),
                        ..Turn::default()
                    }),
                }
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Tells what the program is about, and how many frames were late or dropped so far. Cheap: it may be
    /// called for every frame.
    pub fn tell(&self, stance: Stance, late_frames: u64) {
        let mut told = self.shared.told.lock();
        // What disturbs playing is stopped at once, all else in time.
        let is_urgent =
            stance == Stance::Playing && (told.stance != stance || late_frames > told.late_frames);
        told.stance = stance;
        told.late_frames = late_frames;
        if is_urgent {
            told.is_nudged = true;
            self.shared.changed.notify_all();
        }
    }

    /// Orders a job, as [`KeptJobs::add`] does. Answers at once; what is wrong is told after the next turn.
    pub fn order(&self, job: JobOrder, renew: Renew) {
        self.write(Order::Add { job, renew });
    }

    /// Says which jobs are nearest to what is on screen, as [`KeptJobs::aim`] does.
    pub fn aim(&self, kind: &str, keys: Vec<String>) {
        let kind = kind.to_owned();
        self.write(Order::Aim { kind, keys });
    }

    fn write(&self, order: Order) {
        let mut told = self.shared.told.lock();
        if told.orders.len() < MOST_ORDERS {
            told.orders.push(order);
        }
        told.is_nudged = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for KeeperThread {
    fn drop(&mut self) {
        self.shared.told.lock().is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper of background jobs panicked");
        }
    }
}

fn run(mut keeper: Keeper, shared: &Shared, mut on_turn: impl FnMut(&Turn)) {
    let mut last_error = String::new();
    loop {
        let (stance, late_frames, orders, is_over) = {
            let mut told = shared.told.lock();
            if !(told.is_nudged || told.is_over) {
                let _timed_out = shared.changed.wait_for(&mut told, LOOK);
            }
            told.is_nudged = false;
            let orders = mem::take(&mut told.orders);
            (told.stance, told.late_frames, orders, told.is_over)
        };
        let written = write(keeper.jobs(), &orders);
        if is_over {
            return;
        }
        let mut turn = keeper.turn(stance, late_frames);
        turn.error = turn.error.or(written.err());
        if let Some(error) = &turn.error {
            let words = error.to_string();
            if words != last_error {
                tracing::warn!("background jobs: {words}");
                last_error = words;
            }
        }
        on_turn(&turn);
    }
}

fn write(jobs: &KeptJobs, orders: &[Order]) -> Result<(), KeptError> {
    for order in orders {
        match order {
            Order::Add { job, renew } => {
                jobs.add(job, *renew)?;
            }
            Order::Aim { kind, keys } => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                jobs.aim(kind, &keys)?;
            }
        }
    }
    Ok(())
}
