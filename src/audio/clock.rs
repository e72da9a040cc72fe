//! The audio clock: what is heard at a moment, and whether to believe it.

use super::line::{Line, MAX_RATE_ERROR, RECOVERED_RATE_ERROR};
use crate::decode::Generation;
use crate::time::{MediaSpan, Moment, Speed};

/// A device that has not called for samples for this long does not run.
const STALL_NANOS: i64 = 250_000_000;
/// Corrections up to this much are made by running faster or slower; larger ones at once.
const MAX_SLEW_NANOS: f64 = 250e6;
/// Corrections up to this much go unnoticed, and may take their time.
const SMALL_NANOS: f64 = 20e6;
/// Part of the time passed that a small correction takes: 5 % faster or slower.
const SLEW_RATE: f64 = 0.05;
/// The same for larger corrections, during which picture and sound are apart.
const FAST_SLEW_RATE: f64 = 0.5;

/// What the device callback knows of the line between device frames and run time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunLine {
    /// The plan that plays.
    pub generation: Generation,
    /// The device frame at which `run` is heard; it may lie in the future or before frame 0.
    pub frame: i64,
    /// Run time at that frame.
    pub run: MediaSpan,
    /// Speed at which run time passes.
    pub speed: Speed,
}

/// What the device callback publishes each time it is called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockReading {
    /// When the callback ran.
    pub at: Moment,
    /// Counts streams: another device, or the same one opened again, has another number.
    pub stream: u64,
    /// When its frames are heard.
    pub line: Line,
    /// Whether the line rests on enough readings.
    pub warm: bool,
    /// Speed of the device as measured, 1 when it is right; `None` when not yet known.
    pub rate_ratio: Option<f64>,
    /// What plays, if anything does.
    pub running: Option<RunLine>,
}

/// How far the audio clock can be believed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockTrust {
    /// It may lead.
    Good,
    /// It has not been read often enough.
    Warming,
    /// The device does not ask for samples.
    Stalled,
    /// The device runs at this multiple of its stated rate.
    OffRate(f64),
}

/// Turns readings into positions. Pure logic: it reads no clock and starts no thread.
///
/// Within one generation positions never run backwards, unless the device turns out to be more than
/// 250 ms behind what was reported. Smaller corrections are spread: time runs 50 % faster or slower
/// until 20 ms are left, and 5 % until they are used up.
#[derive(Debug, Clone, Default)]
pub struct AudioClock {
    reading: Option<ClockReading>,
    off_rate: bool,
    shown: Option<Shown>,
}

/// The last position given out.
#[derive(Debug, Clone, Copy)]
struct Shown {
    generation: Generation,
    at: Moment,
    /// Run time in nanoseconds at normal speed.
    run_nanos: f64,
}

impl AudioClock {
    /// A clock without readings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the latest reading.
    pub fn feed(&mut self, reading: ClockReading) {
        let limit = if self.off_rate {
            RECOVERED_RATE_ERROR
        } else {
            MAX_RATE_ERROR
        };
        // A device whose rate is not known, or no longer, is taken at its word.
        self.off_rate = reading
            .rate_ratio
            .is_some_and(|ratio| (ratio - 1.0).abs() > limit);
        self.reading = Some(reading);
    }

    /// Forgets the device; positions start anew with the next reading.
    pub fn clear(&mut self) {
        self.reading = None;
        self.off_rate = false;
    }

    /// What plays according to the latest reading.
    pub fn running(&self) -> Option<RunLine> {
        self.reading.and_then(|reading| reading.running)
    }

    /// Whether the clock can be believed at `now`; `None` without readings.
    pub fn trust(&self, now: Moment) -> Option<ClockTrust> {
        let reading = self.reading?;
        Some(if now.nanos_since(reading.at) > STALL_NANOS {
            ClockTrust::Stalled
        } else if self.off_rate {
            ClockTrust::OffRate(reading.rate_ratio.unwrap_or(1.0))
        } else if reading.warm {
            ClockTrust::Good
        } else {
            ClockTrust::Warming
        })
    }

    /// What is heard at `now`, trusted or not; `None` when nothing plays. Before the moment that a plan
    /// was to start at, its first run time.
    pub fn position(&mut self, now: Moment) -> Option<(Generation, MediaSpan)> {
        let reading = self.reading?;
        let running = reading.running?;
        let times = running.speed.as_f64().abs();
        let frames = reading.line.frame_at(now) - running.frame as f64;
        let rate = f64::from(reading.line.rate.get());
        let base = running.run.nanos_nearest() as f64;
        let estimate = base + frames / rate * times * 1e9;
        if estimate < base {
            // It waits for its start, and there is nothing to be smooth with.
            self.shown = None;
            return Some((running.generation, running.run));
        }
        let correction = self.correction(running.generation, now, estimate, times);
        let run_nanos = (estimate + correction).max(base);
        let shown = Shown {
            generation: running.generation,
            at: now,
            run_nanos,
        };
        // A question about the past does not change the answer to the next one about the present.
        if self
            .shown
            .is_none_or(|last| last.generation != shown.generation || last.at <= now)
        {
            self.shown = Some(shown);
        }
        #[expect(clippy::cast_possible_truncation, reason = "rounded to nanoseconds")]
        let nanos = run_nanos.round() as i64;
        Some((running.generation, MediaSpan::from_nanos_nearest(nanos)))
    }

    /// Lets the next position of `generation` follow smoothly on `run`, which was shown at `at` by
    /// another clock.
    pub fn take_over(&mut self, generation: Generation, run: MediaSpan, at: Moment) {
        let run_nanos = run.nanos_nearest() as f64;
        self.shown = Some(Shown {
            generation,
            at,
            run_nanos,
        });
    }

    /// What to add to `estimate` so that the position goes on from the one shown before.
    fn correction(&self, generation: Generation, now: Moment, estimate: f64, times: f64) -> f64 {
        let Some(shown) = self.shown.filter(|shown| shown.generation == generation) else {
            return 0.0;
        };
        let passed = now.nanos_since(shown.at) as f64 * times;
        // How far ahead of the estimate the position would be had nothing been learnt since.
        let ahead = shown.run_nanos + passed - estimate;
        if ahead.abs() > MAX_SLEW_NANOS * times {
            return 0.0;
        }
        let slow = ahead.abs() <= SMALL_NANOS * times;
        let slew = passed.max(0.0) * if slow { SLEW_RATE } else { FAST_SLEW_RATE };
        ahead.signum() * (ahead.abs() - slew).max(0.0)
    }
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
