//! What the engine's thread, the device callback and the decode thread tell one another, without locks.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, AtomicU64, Ordering};

use super::clock::{ClockReading, RunLine};
use super::levels::SharedLevels;
use super::line::Line;
use super::seqlock::SeqCell;
use crate::decode::Generation;
use crate::time::{MediaSpan, Moment, Speed};

/// What the device callback is to do. Written by the engine's thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Play nothing and keep what is queued.
    Hold,
    /// Play `generation` so that run time `run` is heard at `at`.
    Go {
        /// The plan.
        generation: Generation,
        /// Run time at `at`.
        run: MediaSpan,
        /// The moment.
        at: Moment,
        /// The plan's speed.
        speed: Speed,
    },
}

/// State shared by the parts of one player. Every field says who writes it.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Written by the engine's thread.
    control: SeqCell<5>,
    /// The oldest generation that is still of use; written by the engine's thread.
    wanted: AtomicU64,
    /// Gain as the bits of an `f32`; written by the engine's thread.
    gain: AtomicU32,
    /// Written by the engine's thread.
    muted: AtomicBool,
    /// Delay of the sound in milliseconds; written by the engine's thread.
    delay_millis: AtomicI32,
    /// Written by the device callback.
    reading: SeqCell<12>,
    /// Counts callbacks that lacked samples; written by the device callback.
    underruns: AtomicU64,
    /// Written by the device callback.
    levels: SharedLevels,
    /// Blocks in the ring and its capacity, as seen by the decode thread.
    ring: AtomicU64,
    /// Generation + 1 of the latest plan that is ready to play; written by the decode thread.
    ready: AtomicU64,
}

impl Shared {
    /// Held, at full volume.
    pub(crate) fn new() -> Self {
        Self {
            control: SeqCell::new(),
            wanted: AtomicU64::new(0),
            gain: AtomicU32::new(1.0_f32.to_bits()),
            muted: AtomicBool::new(false),
            delay_millis: AtomicI32::new(0),
            reading: SeqCell::new(),
            underruns: AtomicU64::new(0),
            levels: SharedLevels::default(),
            ring: AtomicU64::new(0),
            ready: AtomicU64::new(0),
        }
    }

    pub(crate) fn set_control(&self, control: Control) {
        self.control.write(&match control {
            Control::Hold => [0; 5],
            Control::Go {
                generation,
                run,
                at,
                speed,
            } => [
                1,
                generation.0,
                run.flicks().cast_unsigned(),
                at.nanos(),
                u64::from(speed.quarters().cast_unsigned()),
            ],
        });
    }

    /// The latest order with its number; `None` when it is just being written.
    pub(crate) fn control(&self) -> Option<(u64, Control)> {
        let (number, [mode, generation, run, at, quarters]) = self.control.read()?;
        let speed = speed_from_word(quarters);
        let control = match (mode, speed) {
            (1, Some(speed)) => Control::Go {
                generation: Generation(generation),
                run: MediaSpan::from_flicks(run.cast_signed()),
                at: Moment::from_nanos(at),
                speed,
            },
            _ => Control::Hold,
        };
        Some((number, control))
    }

    pub(crate) fn set_wanted(&self, generation: Generation) {
        self.wanted.store(generation.0, Ordering::Release);
    }

    pub(crate) fn wanted(&self) -> Generation {
        Generation(self.wanted.load(Ordering::Acquire))
    }

    pub(crate) fn set_gain(&self, gain: f32) {
        self.gain.store(gain.to_bits(), Ordering::Relaxed);
    }

    pub(crate) fn set_muted(&self, muted: bool) {
        self.muted.store(muted, Ordering::Relaxed);
    }

    /// Factor for all samples, mute included.
    pub(crate) fn gain(&self) -> f32 {
        if self.muted.load(Ordering::Relaxed) {
            0.0
        } else {
            f32::from_bits(self.gain.load(Ordering::Relaxed))
        }
    }

    pub(crate) fn set_delay_millis(&self, millis: i32) {
        self.delay_millis.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn delay_millis(&self) -> i32 {
        self.delay_millis.load(Ordering::Relaxed)
    }

    pub(crate) fn count_underrun(&self) {
        self.underruns.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn underruns(&self) -> u64 {
        self.underruns.load(Ordering::Relaxed)
    }

    pub(super) fn levels(&self) -> &SharedLevels {
        &self.levels
    }

    pub(crate) fn set_ring_fill(&self, used: usize, capacity: usize) {
        let clamp = |count: usize| u64::try_from(count).unwrap_or(0).min(u64::from(u32::MAX));
        self.ring
            .store(clamp(used) << 32 | clamp(capacity), Ordering::Relaxed);
    }

    /// Blocks in the ring and its capacity, as the decode thread saw it last.
    pub(crate) fn ring_fill(&self) -> (usize, usize) {
        let word = self.ring.load(Ordering::Relaxed);
        let part = |word: u64| usize::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
        (part(word >> 32), part(word))
    }

    pub(crate) fn set_ready(&self, generation: Option<Generation>) {
        self.ready.store(
            generation.map_or(0, |generation| generation.0 + 1),
            Ordering::Release,
        );
    }

    pub(crate) fn ready(&self) -> Option<Generation> {
        self.ready
            .load(Ordering::Acquire)
            .checked_sub(1)
            .map(Generation)
    }

    /// Publishes a reading. To be called by the callback of one stream at a time.
    pub(crate) fn publish(&self, reading: &ClockReading) {
        let running = reading.running;
        self.reading.write(&[
            u64::from(reading.warm) | u64::from(running.is_some()) << 1 | 1 << 2,
            reading.at.nanos(),
            reading.stream,
            reading.line.frame,
            reading.line.heard.nanos(),
            reading.line.skew.to_bits(),
            u64::from(reading.line.rate.get()),
            reading.rate_ratio.unwrap_or(0.0).to_bits(),
            running.map_or(0, |running| running.generation.0),
            running.map_or(0, |running| running.frame.cast_unsigned()),
            running.map_or(0, |running| running.run.flicks().cast_unsigned()),
            running.map_or(0, |running| {
                u64::from(running.speed.quarters().cast_unsigned())
            }),
        ]);
    }

    /// The latest reading; `None` before the first one, or when one is just being written.
    pub(crate) fn reading(&self) -> Option<ClockReading> {
        let (_, words) = self.reading.read()?;
        let [
            flags,
            at,
            stream,
            frame,
            heard,
            skew,
            rate,
            ratio,
            generation,
            start,
            run,
            quarters,
        ] = words;
        let rate = u32::try_from(rate).ok().and_then(NonZeroU32::new)?;
        let ratio = f64::from_bits(ratio);
        let running = speed_from_word(quarters)
            .filter(|_| flags & 2 != 0)
            .map(|speed| RunLine {
                generation: Generation(generation),
                frame: start.cast_signed(),
                run: MediaSpan::from_flicks(run.cast_signed()),
                speed,
            });
        Some(ClockReading {
            at: Moment::from_nanos(at),
            stream,
            line: Line {
                frame,
                heard: Moment::from_nanos(heard),
                skew: f64::from_bits(skew),
                rate,
            },
            warm: flags & 1 != 0,
            rate_ratio: (ratio > 0.0).then_some(ratio),
            running,
        })
    }
}

fn speed_from_word(word: u64) -> Option<Speed> {
    u32::try_from(word)
        .ok()
        .and_then(|quarters| Speed::from_quarters(quarters.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_readings_survive_the_words() {
        let shared = Shared::new();
        assert_eq!(shared.control().unwrap().1, Control::Hold);
        assert!(shared.reading().is_none());
        let speed = Speed::from_quarters(-7).unwrap();
        let go = Control::Go {
            generation: Generation(7),
            run: MediaSpan::from_flicks(-5),
            at: Moment::from_nanos(99),
            speed,
        };
        shared.set_control(go);
        assert_eq!(shared.control().unwrap().1, go);
        let running = RunLine {
            generation: Generation(3),
            frame: -40,
            run: MediaSpan::from_secs(9),
            speed,
        };
        let rate = NonZeroU32::new(44_100).unwrap();
        let line = Line {
            frame: 12,
            heard: Moment::from_nanos(1),
            skew: -1e-4,
            rate,
        };
        for (running, rate_ratio) in [(Some(running), None), (None, Some(0.9))] {
            let at = Moment::from_nanos(5);
            let reading = ClockReading {
                at,
                stream: 2,
                line,
                warm: true,
                rate_ratio,
                running,
            };
            shared.publish(&reading);
            assert_eq!(shared.reading(), Some(reading));
        }
    }
}
