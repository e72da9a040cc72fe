//! A keeper beside a player, on a thread of its own.

use std::fmt;
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

/// How often it looks around while something is at work.
const LOOK: Duration = Duration::from_millis(500);

/// And while nothing is: other programs may have left something to do.
const LOOK_IDLE: Duration = Duration::from_secs(5);

/// A list that cannot be opened is tried again after this, and whenever something is ordered.
const REOPEN: Duration = Duration::from_mins(1);

/// Orders that may wait for the thread: it takes them twice a second.
const MOST_ORDERS: usize = 10_000;

/// What is to be written into the database.
enum Order {
    /// What this finds, on the thread.
    Find(Box<dyn FnOnce() -> Vec<JobOrder> + Send>, Renew),
    Add(Vec<JobOrder>, Renew),
    Aim {
        kind: String,
        keys: Vec<String>,
    },
}

/// What the player tells it.
#[derive(Default)]
struct Told {
    stance: Stance,
    late_frames: u64,
    orders: Vec<Order>,
    /// To look around now.
    is_nudged: bool,
    /// Whether something is at work that may disturb: the thread says so itself.
    is_busy: bool,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    changed: Condvar,
}

/// Works off kept jobs while it lives. Dropping it puts back what is not finished. Everything that touches the
/// disk is done on its thread.
pub struct KeeperThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl KeeperThread {
    /// Starts the thread, on which the keeper is made. `keeper` is told whether something is ordered; without, it
    /// answers `None` where nothing is left to do, and is asked again when something is. Where there can be no
    /// keeper it is asked again as well, and what is ordered waits. `on_turn` is called after each look around,
    /// and with the error where there is no keeper.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        mut keeper: impl FnMut(bool) -> Result<Option<Keeper>, KeptError> + Send + 'static,
        stance: Stance,
        mut on_turn: impl FnMut(&Turn) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        shared.told.lock().stance = stance;
        let thread = std::thread::Builder::new()
            .name("job keeper".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || {
                    if let Some(keeper) = shared.open(&mut keeper, &mut on_turn) {
                        run(keeper, &shared, on_turn);
                    }
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
        let is_urgent = told.is_busy
            && stance == Stance::Playing
            && (told.stance != stance || late_frames > told.late_frames);
        told.stance = stance;
        told.late_frames = late_frames;
        if is_urgent {
            told.is_nudged = true;
            self.shared.changed.notify_all();
        }
    }

    /// Orders the jobs that `find` finds, as [`KeptJobs::add_all`] does. Answers at once: `find` is called on the
    /// thread, and may look at files. What is wrong with the list is told after the next turn, and the jobs are
    /// added when it can be written to.
    pub fn order(&self, find: impl FnOnce() -> Vec<JobOrder> + Send + 'static, renew: Renew) {
        self.write(Order::Find(Box::new(find), renew));
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

impl fmt::Debug for KeeperThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeeperThread").finish_non_exhaustive()
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

impl Shared {
    /// Asks for a keeper until there is one; `None` when the thread is to end.
    fn open(
        &self,
        keeper: &mut impl FnMut(bool) -> Result<Option<Keeper>, KeptError>,
        on_turn: &mut impl FnMut(&Turn),
    ) -> Option<Keeper> {
        loop {
            let orders = found(mem::take(&mut self.told.lock().orders));
            let has_orders = orders
                .iter()
                .any(|order| matches!(order, Order::Add(jobs, _) if !jobs.is_empty()));
            self.put_back(orders);
            let patience = match keeper(has_orders) {
                Ok(Some(keeper)) => return Some(keeper),
                Ok(None) => None,
                Err(error) => {
                    tracing::warn!("background jobs: {error}");
                    on_turn(&Turn {
                        error: Some(error),
                        ..Turn::default()
                    });
                    Some(REOPEN)
                }
            };
            let mut told = self.told.lock();
            while !(told.is_nudged || told.is_over) {
                match patience {
                    Some(patience) => {
                        if self.changed.wait_for(&mut told, patience).timed_out() {
                            break;
                        }
                    }
                    None => self.changed.wait(&mut told),
                }
            }
            told.is_nudged = false;
            if told.is_over {
                return None;
            }
        }
    }

    /// What could not be written goes before what was ordered since.
    fn put_back(&self, mut orders: Vec<Order>) {
        let mut told = self.told.lock();
        orders.append(&mut told.orders);
        told.orders = orders;
    }
}

fn run(mut keeper: Keeper, shared: &Shared, mut on_turn: impl FnMut(&Turn)) {
    let mut last_error = String::new();
    // What was ordered before there was a keeper is written now.
    let mut patience = Duration::ZERO;
    loop {
        let (stance, late_frames, orders, is_over) = {
            let mut told = shared.told.lock();
            if !(told.is_nudged || told.is_over) {
                let _timed_out = shared.changed.wait_for(&mut told, patience);
            }
            told.is_nudged = false;
            let orders = mem::take(&mut told.orders);
            (told.stance, told.late_frames, orders, told.is_over)
        };
        let (left, failed) = write(keeper.jobs(), found(orders));
        if is_over {
            if let Some(error) = failed {
                tracing::warn!("background jobs: {} are lost: {error}", left.len());
            }
            return;
        }
        shared.put_back(left);
        let mut turn = keeper.turn(stance, late_frames);
        let is_busy = !keeper.is_idle();
        patience = if is_busy { LOOK } else { LOOK_IDLE };
        shared.told.lock().is_busy = is_busy;
        turn.error = turn.error.or(failed);
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

/// Looks for what is to be looked for.
fn found(orders: Vec<Order>) -> Vec<Order> {
    let found = orders.into_iter().map(|order| match order {
        Order::Find(find, renew) => Order::Add(find(), renew),
        order => order,
    });
    found.collect()
}

/// Answers what could not be written: all from the first that failed on, for their order counts.
fn write(jobs: &KeptJobs, orders: Vec<Order>) -> (Vec<Order>, Option<KeptError>) {
    let mut orders = orders.into_iter();
    while let Some(order) = orders.next() {
        let written = match &order {
            // It was looked for already.
            Order::Find(..) => Ok(()),
            Order::Add(new, renew) => jobs.add_all(new, *renew).map(|_| ()),
            Order::Aim { kind, keys } => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                jobs.aim(kind, &keys)
            }
        };
        if let Err(error) = written {
            let left = std::iter::once(order).chain(orders).collect();
            return (left, Some(error));
        }
    }
    (Vec::new(), None)
}
