//! Threads that are given up when they hang.

use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

/// A thread and its last word.
#[derive(Debug)]
pub(crate) struct Worker {
    handle: JoinHandle<()>,
    done: Receiver<()>,
}

impl Worker {
    /// Starts a thread of this name.
    pub(crate) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<Self> {
        let (sender, done) = bounded::<()>(0);
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _ended = sender;
                work();
            })?;
        Ok(Self { handle, done })
    }

    /// Waits for the thread to end, for `patience` at most.
    pub(crate) fn join(self, patience: Duration) {
        // Nothing is ever sent: the channel closes when the thread ends.
        let ended = self.done.recv_timeout(patience)
            == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        if !ended {
            tracing::warn!("a sound thread hangs and is left behind");
        } else if self.handle.join().is_err() {
            tracing::error!("a sound thread panicked");
        }
    }
}
