//! The threads that do the work.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::queue::Core;

/// How far the threads stand back: as far as the system lets them.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 19;

/// Starts worker number `number`. It ends when the queue closes.
pub(super) fn start(number: usize, core: Arc<Core>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(format!("job {number}"))
        .spawn(move || {
            stand_back();
            while let Some(started) = core.wait_and_begin() {
                core.run(started);
            }
        })
}

/// Lets every other thread go first. On Linux priorities belong to threads, and those that a thread
/// starts inherit its own; elsewhere they belong to the whole process, which must keep its own.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!("background jobs run at the usual priority: {error}");
    }
}
