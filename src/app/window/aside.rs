//! What takes its time and is asked for once: a picture or a profile to write, a demo to lay down.

use std::io;
use std::thread::JoinHandle;

use winit::event_loop::{EventLoopClosed, EventLoopProxy};

use super::News;
use crate::playback::Severity;

/// Threads that each do one thing and tell the window what came of it. Dropping it waits for all of them: what a
/// person asked to be written is written, even where the window is closed at once.
#[derive(Debug)]
pub(super) struct Aside {
    proxy: EventLoopProxy<News>,
    threads: Vec<JoinHandle<()>>,
}

impl Aside {
    pub(super) fn new(proxy: EventLoopProxy<News>) -> Self {
        Self {
            proxy,
            threads: Vec::new(),
        }
    }

    /// Does `work` on a thread of this name.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn run(
        &mut self,
        name: &str,
        work: impl FnOnce() -> News + Send + 'static,
    ) -> io::Result<()> {
        let proxy = self.proxy.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let news = proxy.send_event(work());
                // The window is gone: what went wrong is told where it still can be.
                if let Err(EventLoopClosed(News::Told(severity, text))) = news
                    && severity >= Severity::Warning
                {
                    tracing::warn!("{text}");
                }
            })?;
        self.threads.retain(|thread| !thread.is_finished());
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread beside the window panicked");
            }
        }
    }
}
