//! Watches over the budget: sheds memory, step by step, when it gets short.
//!
//! # The ladder
//! What costs least to make again goes first. Each level of pressure allows the steps up to its own, and
//! they are walked in order until enough was given back.
//!
//! | step | allowed from | what goes |
//! |---|---|---|
//! | [`Step::Thumbnails`] | elevated | thumbnail strips |
//! | [`Step::IdleAudio`] | elevated | readers of sound that nobody has heard for 30 s |
//! | [`Step::IdleVideo`] | high | frames of media that have not played for 60 s |
//! | [`Step::ReadBehind`] | high | frames that the playhead has passed |
//! | [`Step::Vram`] | critical | textures of pictures that are not on screen |
//! | [`Step::ReadAhead`] | critical | frames that the playhead has not reached |
//! | [`Step::LowerRung`] | critical | detail: whoever can show a smaller source does |
//!
//! Parts take their place with [`MemoryManager::register`].

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use parking_lot::Mutex;

use super::{Ledger, MemoryProbe, Pressure};

/// What is given back together; see the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Thumbnail strips.
    Thumbnails,
    /// Readers of sound that nobody has heard for 30 s.
    IdleAudio,
    /// Frames of media that have not played for 60 s.
    IdleVideo,
    /// Frames that the playhead has passed.
    ReadBehind,
    /// Textures of pictures that are not on screen.
    Vram,
    /// Frames that the playhead has not reached.
    ReadAhead,
    /// Detail.
    LowerRung,
}

impl Step {
    /// The ladder, from its top.
    pub const LADDER: [Self; 7] = [
        Self::Thumbnails,
        Self::IdleAudio,
        Self::IdleVideo,
        Self::ReadBehind,
        Self::Vram,
        Self::ReadAhead,
        Self::LowerRung,
    ];

    /// The level from which on it is taken.
    pub const fn allowed_from(self) -> Pressure {
        match self {
            Self::Thumbnails | Self::IdleAudio => Pressure::Elevated,
            Self::IdleVideo | Self::ReadBehind => Pressure::High,
            Self::Vram | Self::ReadAhead | Self::LowerRung => Pressure::Critical,
        }
    }
}

/// A part that can give memory back.
pub trait Shedder: Send + Sync {
    /// Gives back about `wanted_bytes` of what belongs to its step, or all that there is; answers how
    /// many. Called from any thread, with no lock of the manager held.
    fn shed(&self, wanted_bytes: u64) -> u64;
}

/// How short memory is, for whoever decides by it how much to keep. Clones read one gauge.
#[derive(Debug, Clone, Default)]
pub struct PressureGauge(Arc<AtomicU8>);

impl PressureGauge {
    /// The level as it was found last.
    pub fn level(&self) -> Pressure {
        Pressure::from_place(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, level: Pressure) {
        self.0.store(level as u8, Ordering::Relaxed);
    }
}

/// The ledger, the level of pressure and the ladder. See the module.
pub struct MemoryManager {
    ledger: Ledger,
    gauge: PressureGauge,
    probe: Box<dyn MemoryProbe>,
    shedders: Mutex<Vec<(Step, Weak<dyn Shedder>)>>,
}

impl MemoryManager {
    /// A manager of `ledger`'s budget, which reads how memory stands from `probe`.
    pub fn new(ledger: Ledger, probe: Box<dyn MemoryProbe>) -> Self {
        Self {
            ledger,
            gauge: PressureGauge::default(),
            probe,
            shedders: Mutex::new(Vec::new()),
        }
    }

    /// The books.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How short memory was when [`Self::look`] was called last.
    pub fn pressure(&self) -> Pressure {
        self.gauge.level()
    }

    /// The same for others to look at.
    pub fn gauge(&self) -> PressureGauge {
        self.gauge.clone()
    }

    /// Gives `shedder` its place on the ladder, until it is dropped by its owner.
    pub fn register(&self, step: Step, shedder: Weak<dyn Shedder>) {
        let mut shedders = self.shedders.lock();
        shedders.retain(|(_, other)| other.strong_count() > 0);
        shedders.push((step, shedder));
    }

    /// Looks how memory stands, and sheds what the level asks for.
    pub fn look(&self) -> Pressure {
        let readings = self.probe.read(self.ledger.limit());
        let level = readings.pressure();
        if level != self.gauge.level() {
            tracing::info!("memory pressure is {}", level.name());
        }
        self.gauge.set(level);
        let mut excess = readings.excess_bytes();
        for step in Step::LADDER {
            if excess == 0 || level < step.allowed_from() {
                break;
            }
            excess = excess.saturating_sub(self.shed_step(step, excess));
        }
        level
    }

    fn shed_step(&self, step: Step, wanted_bytes: u64) -> u64 {
        // They are called without the lock, for they may register others or charge.
        let of_step: Vec<Arc<dyn Shedder>> = {
            let shedders = self.shedders.lock();
            let of_step = shedders.iter().filter(|(other, _)| *other == step);
            of_step
                .filter_map(|(_, shedder)| shedder.upgrade())
                .collect()
        };
        let mut shed = 0;
        for shedder in of_step {
            if shed < wanted_bytes {
                shed += shedder.shed(wanted_bytes - shed);
            }
        }
        if shed > 0 {
            tracing::debug!("{shed} bytes were given back at {step:?}");
        }
        shed
    }
}

/// How often a [`MemoryWatch`] looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A thread, `memory`, that looks after a manager as long as this lives.
#[derive(Debug)]
pub struct MemoryWatch {
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Starts the thread.
    pub fn start(manager: Arc<MemoryManager>) -> std::io::Result<Self> {
        let (alive, ended) = bounded::<()>(0);
        let body = move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                manager.look();
            }
        };
        let thread = std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(body)?;
        Ok(Self {
            alive: Some(alive),
            thread: Some(thread),
        })
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        // A closed channel is the order to end.
        self.alive = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `memory` panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::{Charge, MemoryClass, Readings, Share};

    /// What the system says next.
    #[derive(Clone, Default)]
    struct Script(Arc<Mutex<Readings>>);

    impl MemoryProbe for Script {
        fn read(&self, _budget_bytes: u64) -> Readings {
            *self.0.lock()
        }
    }

    /// A part that holds charges of 10 bytes each.
    struct Part {
        held: Mutex<Vec<Charge>>,
        log: Arc<Mutex<Vec<Step>>>,
        step: Step,
    }

    impl Shedder for Part {
        fn shed(&self, wanted_bytes: u64) -> u64 {
            self.log.lock().push(self.step);
            let mut shed = 0;
            while shed < wanted_bytes {
                let Some(charge) = self.held.lock().pop() else {
                    break;
                };
                shed += charge.bytes();
            }
            shed
        }
    }

    struct Rig {
        manager: MemoryManager,
        script: Script,
        log: Arc<Mutex<Vec<Step>>>,
        _parts: Vec<Arc<Part>>,
    }

    /// A part on every step, with so many charges each.
    fn rig(limit_bytes: u64, charges: usize) -> Rig {
        let script = Script::default();
        let manager = MemoryManager::new(Ledger::new(limit_bytes), Box::new(script.clone()));
        let log = Arc::new(Mutex::new(Vec::new()));
        let parts: Vec<Arc<Part>> = Step::LADDER
            .map(|step| {
                let charge = |_| manager.ledger().reserve(MemoryClass::Effects, 10).unwrap();
                let part = Arc::new(Part {
                    held: Mutex::new((0..charges).map(charge).collect()),
                    log: Arc::clone(&log),
                    step,
                });
                let shedder: Weak<Part> = Arc::downgrade(&part);
                manager.register(step, shedder);
                part
            })
            .into();
        Rig {
            manager,
            script,
            log,
            _parts: parts,
        }
    }

    fn short_by(percent_used: u64) -> Readings {
        Readings {
            cgroup: Some(Share {
                used_bytes: percent_used * 10,
                limit_bytes: 1000,
            }),
            ..Readings::default()
        }
    }

    #[test]
    fn each_level_goes_as_far_down_the_ladder_as_it_may() {
        for (used, level, steps) in [
            (50, Pressure::Normal, 0),
            (90, Pressure::Elevated, 2),
            (95, Pressure::High, 4),
            (99, Pressure::Critical, 7),
        ] {
            let rig = rig(10_000, 0);
            *rig.script.0.lock() = short_by(used);
            assert_eq!(rig.manager.look(), level);
            assert_eq!(rig.manager.gauge().level(), level);
            assert_eq!(*rig.log.lock(), Step::LADDER[..steps]);
        }
    }

    #[test]
    fn the_ladder_is_left_when_enough_was_given_back() {
        let rig = rig(10_000, 4);
        *rig.script.0.lock() = short_by(93);
        // 80 bytes too many: two steps of 40 each.
        rig.manager.look();
        assert_eq!(*rig.log.lock(), Step::LADDER[..2]);
        assert_eq!(rig.manager.ledger().total(), 5 * 40);
    }

    #[test]
    fn the_watch_ends_when_told() {
        let manager = Arc::new(rig(100, 0).manager);
        drop(MemoryWatch::start(Arc::clone(&manager)).unwrap());
        assert_eq!(Arc::strong_count(&manager), 1);
    }
}
