//! Whether the machine has room for background work now.

use std::fmt;
use std::time::Duration;

use super::load::Load;
use crate::time::Moment;

/// What the program, or the person, is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stance {
    /// Something plays: work takes only what is clearly left over.
    Playing,
    /// Something is open, and somebody may go on at any moment.
    #[default]
    Open,
    /// Nothing was done for a while: nobody notices how busy the machine is.
    Idle,
    /// Somebody asked for the work and waits for it.
    Told,
}

/// From which load on work is held.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Marks {
    cpu: f64,
    memory: f64,
    gpu: f64,
    disk: f64,
}

const OPEN: Marks = Marks {
    cpu: 0.9,
    memory: 0.8,
    gpu: 0.9,
    disk: 0.9,
};

const PLAYING: Marks = Marks {
    cpu: 0.6,
    memory: 0.7,
    gpu: 0.6,
    disk: 0.5,
};

/// Lifted: all that can happen is that the kernel begins to kill, which nobody wants.
const LIFTED: Marks = Marks {
    cpu: f64::INFINITY,
    memory: 0.95,
    gpu: f64::INFINITY,
    disk: f64::INFINITY,
};

impl Stance {
    fn marks(self) -> Marks {
        match self {
            Self::Playing => PLAYING,
            Self::Open => OPEN,
            Self::Idle | Self::Told => LIFTED,
        }
    }
}

/// A gate that closed opens when each load is so far below its mark: one that hovers there would open and
/// close it all the time.
const SLACK: f64 = 0.1;

/// Work is held for this long after a frame was late.
const LEAST_PATIENCE: Duration = Duration::from_secs(2);

/// Each time that frames are late again soon after it went on, it is held twice as long, up to this.
const MOST_PATIENCE: Duration = Duration::from_secs(32);

/// Why work is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Held {
    /// So much of the processors is taken.
    Cpu(f64),
    /// So much of the memory is.
    Memory(f64),
    /// So much of the GPU is.
    Gpu(f64),
    /// So much of the time somebody waits for a disk.
    Disk(f64),
    /// Frames were late or dropped a moment ago.
    LateFrames,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, share) = match self {
            Self::Cpu(share) => ("the processors are", share),
            Self::Memory(share) => ("memory is", share),
            Self::Gpu(share) => ("the GPU is", share),
            Self::Disk(share) => ("the disk is", share),
            Self::LateFrames => return f.write_str("frames came late while it played"),
        };
        write!(f, "{what} {:.0} % taken", share * 100.0)
    }
}

/// What the gate decides by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct GateSignals {
    /// When.
    pub now: Moment,
    /// How busy the machine is.
    pub load: Load,
    /// What the program is about.
    pub stance: Stance,
    /// Frames that were late or dropped so far. A count that falls has begun anew.
    pub late_frames: u64,
}

/// Holds background work while the machine is needed for something else.
///
/// It reads nothing itself, so that tests play whole scenarios. It closes at once, and opens when every load
/// is clearly below its mark and frames were in time for a while.
#[derive(Debug, Default)]
pub struct Gate {
    held: Option<Held>,
    late_frames: u64,
    /// Frames were late: held until then.
    until: Option<Moment>,
    patience: Option<Duration>,
}

impl Gate {
    /// Whether work is held from now on, and why.
    pub fn decide(&mut self, signals: &GateSignals) -> Option<Held> {
        self.heed_late_frames(signals);
        let is_late = self.until.is_some_and(|until| signals.now < until);
        self.held = if is_late && signals.stance == Stance::Playing {
            Some(Held::LateFrames)
        } else {
            let slack = if self.held.is_some() { SLACK } else { 0.0 };
            beyond(signals.stance.marks(), signals.load, slack)
        };
        self.held
    }

    fn heed_late_frames(&mut self, signals: &GateSignals) {
        let has_more = signals.late_frames > self.late_frames;
        self.late_frames = signals.late_frames;
        if has_more && signals.stance == Stance::Playing {
            let is_held = self.until.is_some_and(|until| signals.now < until);
            let patience = match (self.patience, self.until) {
                // While it is held, late frames are not the work's fault.
                (Some(patience), _) if is_held => patience,
                // It went on for less than it was held: it had better wait longer.
                (Some(patience), Some(until)) if signals.now.since(until) < patience => {
                    (patience * 2).min(MOST_PATIENCE)
                }
                _ => LEAST_PATIENCE,
            };
            self.patience = Some(patience);
            self.until = Some(signals.now + patience);
        }
    }
}

/// The first load that is at its mark, or less than `slack` below.
fn beyond(marks: Marks, load: Load, slack: f64) -> Option<Held> {
    let is_beyond = |load: Option<f64>, mark: f64| load.filter(|&load| load >= mark - slack);
    is_beyond(load.memory, marks.memory)
        .map(Held::Memory)
        .or_else(|| is_beyond(load.cpu, marks.cpu).map(Held::Cpu))
        .or_else(|| is_beyond(load.gpu, marks.gpu).map(Held::Gpu))
        .or_else(|| is_beyond(load.disk, marks.disk).map(Held::Disk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn signals(stance: Stance, load: Load) -> GateSignals {
        GateSignals {
            load,
            stance,
            ..GateSignals::default()
        }
    }

    fn cpu(share: f64) -> Load {
        Load {
            cpu: Some(share),
            ..Load::default()
        }
    }

    type Part = fn(&mut Load) -> &mut Option<f64>;

    #[test]
    fn each_load_has_its_mark_and_playing_lower_ones() {
        let load = |part: Part, share| {
            let mut load = Load::default();
            *part(&mut load) = Some(share);
            load
        };
        let parts: [(Part, f64, f64, f64); 4] = [
            (|load| &mut load.cpu, 0.6, 0.9, f64::INFINITY),
            (|load| &mut load.memory, 0.7, 0.8, 0.95),
            (|load| &mut load.gpu, 0.6, 0.9, f64::INFINITY),
            (|load| &mut load.disk, 0.5, 0.9, f64::INFINITY),
        ];
        for (part, playing, open, lifted) in parts {
            for (stance, mark) in [
                (Stance::Playing, playing),
                (Stance::Open, open),
                (Stance::Idle, lifted),
                (Stance::Told, lifted),
            ] {
                for share in [0.0, 0.49, 0.55, 0.65, 0.75, 0.85, 0.92, 1.0] {
                    let held = Gate::default().decide(&signals(stance, load(part, share)));
                    assert_eq!(held.is_some(), share >= mark, "{stance:?} {share} {held:?}");
                }
            }
        }
        let nothing_told = signals(Stance::Playing, Load::default());
        assert_eq!(Gate::default().decide(&nothing_told), None);
    }

    #[test]
    fn it_opens_only_when_the_load_is_clearly_lower() {
        let mut gate = Gate::default();
        let mut decide = |share| gate.decide(&signals(Stance::Open, cpu(share))).is_some();
        assert!(!decide(0.89));
        assert!(decide(0.9));
        assert!(decide(0.81));
        assert!(!decide(0.79));
        assert!(!decide(0.85));
        assert!(decide(0.95));
        // Another stance has other marks, at once.
        let told = signals(Stance::Told, cpu(0.95));
        assert_eq!(gate.decide(&told), None);
    }

    #[test]
    fn late_frames_hold_it_and_again_late_ones_for_longer() {
        let mut gate = Gate::default();
        let mut decide = |millis, late_frames| {
            let held = gate.decide(&GateSignals {
                now: at(millis),
                late_frames,
                ..signals(Stance::Playing, cpu(0.1))
            });
            held == Some(Held::LateFrames)
        };
        assert!(!decide(0, 0));
        assert!(decide(1_000, 1));
        assert!(decide(2_999, 1));
        assert!(!decide(3_000, 1));
        // Soon after it went on: 4 s, and then 8 s.
        assert!(decide(4_000, 2));
        assert!(decide(7_999, 2));
        assert!(!decide(8_000, 2));
        assert!(decide(8_500, 3));
        assert!(decide(16_499, 3));
        assert!(!decide(16_500, 3));
        // After a long calm it begins anew.
        assert!(decide(60_000, 4));
        assert!(!decide(62_000, 4));
        // Another medium counts from zero.
        assert!(!decide(62_100, 0));
        assert!(decide(62_200, 1));
    }

    #[test]
    fn late_frames_while_it_is_held_lengthen_it_but_do_not_double_it() {
        let mut gate = Gate::default();
        let mut decide = |millis, late_frames| {
            let now = GateSignals {
                now: at(millis),
                late_frames,
                ..signals(Stance::Playing, Load::default())
            };
            gate.decide(&now).is_some()
        };
        for step in 0..40 {
            assert!(decide(step * 500, step + 1), "{step}");
        }
        assert!(decide(21_499, 40));
        assert!(!decide(21_500, 40));
    }

    #[test]
    fn nobody_is_disturbed_while_it_is_paused() {
        let mut gate = Gate::default();
        let now = |stance, late_frames| GateSignals {
            now: at(1),
            late_frames,
            ..signals(stance, Load::default())
        };
        assert_eq!(gate.decide(&now(Stance::Open, 3)), None);
        assert!(gate.decide(&now(Stance::Playing, 4)).is_some());
        assert_eq!(gate.decide(&now(Stance::Open, 4)), None);
    }

    #[test]
    fn the_reason_is_told_in_words() {
        for (held, words) in [
            (Held::Cpu(0.93), "the processors are 93 % taken"),
            (Held::Memory(0.8), "memory is 80 % taken"),
            (Held::Gpu(1.0), "the GPU is 100 % taken"),
            (Held::Disk(0.5), "the disk is 50 % taken"),
            (Held::LateFrames, "frames came late while it played"),
        ] {
            assert_eq!(held.to_string(), words);
        }
    }
}
