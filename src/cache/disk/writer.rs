//! The thread that writes what nobody waits for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};

use super::folder::now_millis;
use super::hot::Hot;
use super::key::{ItemName, Key};
use super::store::Store;

/// Orders that may wait.
const WAITING: usize = 64;

/// Bytes that may wait: two 8K pictures. A single item may be larger when nothing else waits.
const WAITING_BYTES: u64 = 256 << 20;

enum Order {
    Store(Key, Vec<u8>),
    /// Removes the record of an item whose file is gone since that moment, in milliseconds since 1970.
    Forget(ItemName, i64),
    /// Marks an item as used whose copy was.
    Touch(ItemName),
    /// Copies an item to the fast folder.
    Promote(Key),
    /// Tells that everything before it is done.
    Tell(Sender<()>),
}

/// The handle of the thread. Dropping it ends the thread; what still waits to be kept is not.
pub(super) struct Writer {
    orders: Option<Sender<Order>>,
    waiting_bytes: Arc<AtomicU64>,
    is_ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(store: Arc<Store>, hot: Option<Arc<Hot>>) -> io::Result<Self> {
        let (orders, incoming) = bounded(WAITING);
        let waiting_bytes = Arc::new(AtomicU64::new(0));
        let is_ending = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("cache writer".to_owned())
            .spawn({
                let (waiting_bytes, is_ending) =
                    (Arc::clone(&waiting_bytes), Arc::clone(&is_ending));
                move || {
                    for order in &incoming {
                        obey(order, &store, hot.as_deref(), &waiting_bytes, &is_ending);
                    }
                }
            })?;
        Ok(Self {
            orders: Some(orders),
            waiting_bytes,
            is_ending,
            thread: Some(thread),
        })
    }

    /// Takes an item to keep, unless too much waits already.
    pub(super) fn store(&self, key: Key, bytes: Vec<u8>) -> bool {
        let length = bytes.len() as u64;
        let before = self.waiting_bytes.fetch_add(length, Ordering::Relaxed);
        let fits = before == 0 || before.saturating_add(length) <= WAITING_BYTES;
        let is_sent = fits && self.send(Order::Store(key, bytes));
        if !is_sent {
            self.waiting_bytes.fetch_sub(length, Ordering::Relaxed);
        }
        is_sent
    }

    /// Removes the records of an item that has just been removed. Where too much waits they stay until they
    /// go with age.
    pub(super) fn forget(&self, name: ItemName) {
        let _too_many = self.send(Order::Forget(name, now_millis()));
    }

    /// Marks an item as used whose copy in the fast folder was. Where too much waits, the next use does.
    pub(super) fn touch(&self, name: ItemName) {
        let _too_many = self.send(Order::Touch(name));
    }

    /// Copies an item to the fast folder when it comes to it, unless too much waits.
    pub(super) fn promote(&self, key: Key) {
        let _too_many = self.send(Order::Promote(key));
    }

    /// Waits until all that was taken before is done.
    pub(super) fn flush(&self) {
        let (done, told) = bounded(1);
        let Some(orders) = &self.orders else { return };
        if orders.send(Order::Tell(done)).is_ok() {
            // An error means that the thread is gone, and nothing waits any more.
            let _gone = told.recv();
        }
    }

    /// Holds the thread until the answer is taken.
    #[cfg(test)]
    pub(super) fn hold(&self) -> crossbeam_channel::Receiver<()> {
        let (done, told) = bounded(0);
        assert!(self.send(Order::Tell(done)));
        told
    }

    fn send(&self, order: Order) -> bool {
        self.orders
            .as_ref()
            .is_some_and(|orders| orders.try_send(order).is_ok())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.is_ending.store(true, Ordering::Relaxed);
        // A closed channel of orders is the order to end.
        self.orders = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `cache writer` panicked");
        }
    }
}

fn obey(
    order: Order,
    store: &Store,
    hot: Option<&Hot>,
    waiting_bytes: &AtomicU64,
    is_ending: &AtomicBool,
) {
    let is_ending = is_ending.load(Ordering::Relaxed);
    match order {
        Order::Store(key, bytes) => {
            if !is_ending {
                if let Some(hot) = hot {
                    hot.forget(key.name());
                }
                // Why it was not kept has been counted and told.
                let _declined = store.put(&key, &[&bytes]);
            }
            waiting_bytes.fetch_sub(bytes.len() as u64, Ordering::Relaxed);
        }
        Order::Forget(name, millis) => {
            if let Some(hot) = hot {
                hot.store.forget(name, millis);
            }
            store.forget(name, millis);
        }
        Order::Touch(name) => store.folder.touch(name),
        Order::Promote(key) => {
            if let Some(hot) = hot.filter(|_| !is_ending)
                && let Ok((bytes, _)) = store.read(key.name())
            {
                let _declined = hot.store.put(&key, &[&bytes]);
            }
        }
        Order::Tell(done) => {
            let _nobody_listens = done.send(());
        }
    }
}
