//! Closes media in the background.
//!
//! A session's threads end when they have read what they are reading. On a share that hangs that is
//! when the kernel gives up, minutes later; whoever waits for it waits as long.

use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::decode::VideoSource;

/// How long closing may take at the end of the program; what hangs then is left behind, as the sound's
/// threads are.
const PATIENCE: Duration = Duration::from_secs(3);

/// Ends sources on threads of their own. Dropped, it waits for them, but not for ever.
#[derive(Debug)]
pub(super) struct Closer {
    threads: Vec<JoinHandle<()>>,
    patience: Duration,
    /// Each thread holds a sender: the channel closes when the last has ended.
    running: Option<Sender<()>>,
    ended: Receiver<()>,
}

impl Default for Closer {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl Closer {
    fn with_patience(patience: Duration) -> Self {
        let (running, ended) = bounded(0);
        Self {
            threads: Vec::new(),
            patience,
            running: Some(running),
            ended,
        }
    }

    /// Drops `source` on a thread of its own; on this one where none can be started.
    pub(super) fn close(&mut self, source: Box<dyn VideoSource>) {
        self.threads.retain(|thread| !thread.is_finished());
        let running = self.running.clone();
        let started = std::thread::Builder::new()
            .name("close".to_owned())
            .spawn(move || {
                drop(source);
                drop(running);
            });
        match started {
            Ok(thread) => self.threads.push(thread),
            Err(error) => tracing::warn!("no thread for closing a file: {error}"),
        }
    }
}

impl Drop for Closer {
    fn drop(&mut self) {
        self.running = None;
        // Nothing is ever sent.
        let hangs = self.ended.recv_timeout(self.patience) == Err(RecvTimeoutError::Timeout);
        if hangs {
            tracing::warn!("a file that cannot be read hangs and is left behind");
        }
        for thread in self.threads.drain(..) {
            // The last word of a thread that has ended comes a little before its end.
            let is_over = !hangs || thread.is_finished();
            if is_over && thread.join().is_err() {
                tracing::error!("a thread that closed a file panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decode::{GopIndex, SourceStatus, VideoPlan};

    /// A source whose end takes until the other side of the channel is gone.
    struct Hangs(Receiver<()>);

    impl VideoSource for Hangs {
        fn set_plan(&mut self, _plan: VideoPlan) {}

        fn status(&self) -> SourceStatus {
            unreachable!("nobody asks a source that is being closed")
        }

        fn index(&self) -> Arc<GopIndex> {
            unreachable!("nobody asks a source that is being closed")
        }
    }

    impl Drop for Hangs {
        fn drop(&mut self) {
            let _closed = self.0.recv();
        }
    }

    #[test]
    fn a_source_that_hangs_stops_nobody_and_is_left_behind_in_the_end() {
        let (answers, hangs) = bounded::<()>(0);
        let mut closer = Closer::with_patience(Duration::from_millis(1));
        // Both return although the source has not ended.
        closer.close(Box::new(Hangs(hangs)));
        drop(closer);
        drop(answers);
    }

    #[test]
    fn sources_that_end_are_waited_for() {
        let mut closer = Closer::with_patience(Duration::from_mins(1));
        let sources: Vec<_> = (0..3)
            .map(|_| {
                let (answers, hangs) = bounded::<()>(0);
                closer.close(Box::new(Hangs(hangs)));
                answers
            })
            .collect();
        drop(sources);
        drop(closer);
    }
}
