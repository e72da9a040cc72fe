//! The thread that the engine lives on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};

use super::command::Command;
use super::engine::Engine;
use super::snapshot::Snapshot;
use crate::time::{Bell, Clock};

/// Commands that may wait. A person cannot press keys that fast; a program that floods the engine is
/// slowed down.
const COMMANDS: usize = 256;

/// Something that comes at a certain time is looked for this often.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Wakes the engine. Cheap: a lock that is held for no more than a few instructions.
#[derive(Clone)]
pub struct EngineWaker(Arc<Bell>);

impl EngineWaker {
    /// Makes the engine look around soon: something can be seen that was not there before, a frame, an index, an opened
    /// file.
    pub fn wake(&self) {
        self.0.ring();
    }
}

/// The calls of an engine that is still to be started.
pub struct EngineCalls {
    commands: Receiver<Command>,
    sender: Sender<Command>,
    bell: Arc<Bell>,
}

impl EngineCalls {
    /// A queue, and the waker that sessions are given before the engine exists.
    pub fn new() -> (Self, EngineWaker) {
        let (sender, commands) = bounded(COMMANDS);
        let bell = Arc::new(Bell::default());
        let waker = EngineWaker(Arc::clone(&bell));
        let calls = Self {
            commands,
            sender,
            bell,
        };
        (calls, waker)
    }
}

/// Sends commands to the engine's thread and reads its state. Dropping it ends the thread.
pub struct EngineHandle {
    commands: Sender<Command>,
    bell: Arc<Bell>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    broken: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl EngineHandle {
    /// Starts the thread. `engine` is made on it. `changed` is called there whenever there is something
    /// new for the presenting thread.
    pub fn start(
        calls: EngineCalls,
        snapshot: Arc<ArcSwap<Snapshot>>,
        clock: Arc<dyn Clock>,
        engine: impl FnOnce() -> Engine + Send + 'static,
        changed: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let EngineCalls {
            commands,
            sender,
            bell,
        } = calls;
        let rung = Arc::clone(&bell);
        let broken = Arc::new(AtomicBool::new(false));
        let watch = Watch {
            broken: Arc::clone(&broken),
            changed,
        };
        let thread = std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                // Dropped when a panic has unwound the engine.
                let watch = watch;
                run(engine(), &commands, &rung, &*clock, &watch.changed);
            })?;
        Ok(Self {
            commands: sender,
            bell,
            snapshot,
            broken,
            thread: Some(thread),
        })
    }

    /// Gives a command. Waits only while 256 others wait.
    pub fn send(&self, command: Command) {
        if self.commands.send(command).is_err() {
            // Once broken down it has been told of already.
            tracing::debug!("the engine has ended");
        }
        self.bell.ring();
    }

    /// Whether the engine panicked: nothing will change any more, and no command is heard.
    pub fn has_broken_down(&self) -> bool {
        self.broken.load(Ordering::Acquire)
    }

    /// Its state now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        self.send(Command::Quit);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the engine's thread panicked");
        }
    }
}

/// Notices when the engine's thread panics, and wakes the presenting thread to see it.
struct Watch<F: Fn()> {
    broken: Arc<AtomicBool>,
    changed: F,
}

impl<F: Fn()> Drop for Watch<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.broken.store(true, Ordering::Release);
            (self.changed)();
        }
    }
}

fn run(
    mut engine: Engine,
    commands: &Receiver<Command>,
    bell: &Bell,
    clock: &dyn Clock,
    changed: &dyn Fn(),
) {
    let mut next = engine.tick();
    while !engine.wants_to_quit() {
        bell.wait(next.map(|moment| moment.since(clock.now()).min(LONGEST_WAIT)));
        puffin::profile_scope!("engine");
        // All that waits is done before looking: of ten seeks only the last is worth planning around.
        while let Ok(command) = commands.try_recv() {
            engine.handle(command);
            if engine.wants_to_quit() {
                return;
            }
        }
        next = engine.tick();
        if engine.take_news() {
            changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimClock;

    #[test]
    fn a_panic_of_the_engine_is_told() {
        let (calls, _waker) = EngineCalls::new();
        let (wake, woken) = bounded(1);
        let handle = EngineHandle::start(
            calls,
            Arc::default(),
            Arc::new(SimClock::new()),
            || panic!("on purpose"),
            move || wake.send(()).unwrap(),
        )
        .unwrap();
        woken.recv().expect("the presenting thread is woken");
        assert!(handle.has_broken_down());
        // Neither does a command wait for an engine that is gone.
        for _ in 0..2 * COMMANDS {
            handle.send(Command::Pause);
        }
    }
}
