//! What a frame costs to read and to decode, as it was seen lately.

use std::time::Duration;

/// Costs that the percentile is taken of: at 24 frames a second, the last second and a third.
const WINDOW: usize = 32;

/// A new cost moves the mean by one part in so many. At 24 frames a second a change of load is seen to
/// two thirds in a third of a second.
const MEAN_OF: u32 = 8;

/// What a frame of the medium costs, frames that are left out included: a rung that shows every second
/// frame has half the cost of what it shows. Time of the session's thread, which is the interval at
/// which frames can follow one another, however many threads work for it.
///
/// While the session waits for room, the decoder's own threads work ahead, and what comes next seems to cost
/// nothing. [`CostMeter::add_within`] takes this for what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Moving mean of the time to read it.
    pub read: Duration,
    /// Moving mean of the time to decode it.
    pub decode: Duration,
    /// Nine of ten frames took no longer than this to read and decode.
    pub p90: Duration,
    /// What the session's thread itself spent: the cost, or less than it.
    pub least: Duration,
    /// Mean of the last 32 deliveries but the slowest of them: one stall does not show. Zero before the third.
    pub but_slowest: Duration,
    /// Frames seen since this rung was begun.
    pub frames: u32,
    /// Of a thousand frames of the medium, how many were shown.
    pub shown_per_mille: u16,
}

impl Cost {
    /// Mean time to read and decode a frame.
    pub fn mean(&self) -> Duration {
        self.read.saturating_add(self.decode)
    }

    /// The same with all times changed alike.
    #[must_use]
    pub fn scaled(self, change: impl Fn(Duration) -> Duration) -> Self {
        Self {
            read: change(self.read),
            decode: change(self.decode),
            p90: change(self.p90),
            least: change(self.least),
            but_slowest: change(self.but_slowest),
            ..self
        }
    }
}

/// Measures a [`Cost`] from frames as they are delivered.
#[derive(Debug, Clone)]
pub struct CostMeter {
    read_nanos: u64,
    decode_nanos: u64,
    least_nanos: u64,
    shown_millionths: u64,
    recent_nanos: [u64; WINDOW],
    /// Deliveries since the meter was begun.
    deliveries: u32,
    frames: u32,
}

impl Default for CostMeter {
    fn default() -> Self {
        Self {
            read_nanos: 0,
            decode_nanos: 0,
            least_nanos: 0,
            shown_millionths: 0,
            recent_nanos: [0; WINDOW],
            deliveries: 0,
            frames: 0,
        }
    }
}

impl CostMeter {
    /// A frame was delivered that took so long to read and to decode, together with those that were left
    /// out before it: `frames` of the medium in all.
    pub fn add(&mut self, frames: u32, read: Duration, decode: Duration) {
        self.add_within(frames, read, decode, Duration::ZERO);
    }

    /// The same where `span` has passed since the delivery before: to decode them took no longer than that, and as
    /// long as ever if that lies in between.
    pub fn add_within(&mut self, frames: u32, read: Duration, decode: Duration, span: Duration) {
        let frames = u64::from(frames.max(1));
        let each = |span: Duration| nanos(span) / frames;
        let (read, least) = (each(read), each(decode));
        let most = each(span).max(least);
        let decode = match self.deliveries {
            0 => least,
            _ => self.decode_nanos.clamp(least, most),
        };
        let place = self.deliveries as usize % WINDOW;
        self.recent_nanos[place] = read.saturating_add(decode);
        self.deliveries = self.deliveries.saturating_add(1);
        // The first costs make a plain mean, so that it does not begin at zero.
        let of = u64::from(self.deliveries.min(MEAN_OF));
        let towards = |mean: u64, new: u64| (mean - mean / of).saturating_add(new / of);
        self.read_nanos = towards(self.read_nanos, read);
        self.decode_nanos = towards(self.decode_nanos, decode);
        self.least_nanos = towards(self.least_nanos, read.saturating_add(least));
        self.shown_millionths = towards(self.shown_millionths, 1_000_000 / frames);
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        self.frames = self.frames.saturating_add(frames);
    }

    /// What was measured; `None` before the first frame.
    pub fn cost(&self) -> Option<Cost> {
        let seen = (self.deliveries as usize).min(WINDOW);
        if seen == 0 {
            return None;
        }
        let mut recent = self.recent_nanos;
        let recent = &mut recent[..seen];
        recent.sort_unstable();
        let others = &recent[..seen - 1];
        let sum = others
            .iter()
            .fold(0, |sum: u64, cost| sum.saturating_add(*cost));
        let but_slowest = if seen < 3 {
            0
        } else {
            sum / others.len() as u64
        };
        Some(Cost {
            but_slowest: Duration::from_nanos(but_slowest),
            read: Duration::from_nanos(self.read_nanos),
            decode: Duration::from_nanos(self.decode_nanos),
            least: Duration::from_nanos(self.least_nanos),
            p90: Duration::from_nanos(recent[(seen * 9).div_ceil(10) - 1]),
            frames: self.frames,
            shown_per_mille: u16::try_from((self.shown_millionths + 500) / 1000).unwrap_or(1000),
        })
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_costs_make_a_plain_mean_and_later_ones_a_moving_one() {
        let mut meter = CostMeter::default();
        assert_eq!(meter.cost(), None);
        meter.add(1, ms(1), ms(10));
        meter.add(1, ms(3), ms(30));
        let cost = meter.cost().unwrap();
        assert_eq!((cost.read, cost.decode, cost.p90), (ms(2), ms(20), ms(33)));
        for _ in 0..100 {
            meter.add(1, ms(0), ms(40));
        }
        let cost = meter.cost().unwrap();
        assert!(cost.decode > ms(39) && cost.decode <= ms(40), "{cost:?}");
        assert!(cost.read < Duration::from_micros(1), "{cost:?}");
        assert_eq!((cost.p90, cost.frames), (ms(40), 102));
    }

    #[test]
    fn one_stall_among_the_first_frames_does_not_show() {
        let mut meter = CostMeter::default();
        let mut add = |frames, decode| {
            meter.add(frames, ms(0), ms(decode));
            meter.cost().unwrap().but_slowest
        };
        // However many frames were left out meanwhile, it is one delivery.
        assert_eq!(add(3, 210), ms(0));
        assert_eq!(add(1, 20), ms(0));
        assert_eq!(add(1, 30), ms(25));
        assert_eq!(add(1, 40), ms(30));
    }

    #[test]
    fn frames_that_are_left_out_share_the_cost() {
        let mut meter = CostMeter::default();
        for _ in 0..40 {
            meter.add(2, ms(0), ms(30));
        }
        let cost = meter.cost().unwrap();
        assert!(cost.decode.abs_diff(ms(15)) < Duration::from_micros(1));
        assert_eq!((cost.shown_per_mille, cost.frames), (500, 80));
    }

    #[test]
    fn what_is_decoded_ahead_while_nobody_asks_costs_no_less() {
        let mut meter = CostMeter::default();
        for _ in 0..20 {
            meter.add_within(1, ms(1), ms(6), ms(7));
        }
        // Then the ring is full: one is asked for in each 16 ms, and was decoded already.
        for _ in 0..200 {
            meter.add_within(1, ms(1), Duration::from_micros(50), ms(16));
        }
        let cost = meter.cost().unwrap();
        assert!(cost.decode.abs_diff(ms(6)) < Duration::from_micros(1));
        assert!(cost.least < Duration::from_micros(1_100), "{cost:?}");
        // It can take no longer than the time from one to the next...
        for _ in 0..200 {
            meter.add_within(1, ms(1), Duration::from_micros(50), ms(3));
        }
        assert!(meter.cost().unwrap().decode.abs_diff(ms(3)) < Duration::from_micros(1));
        // ... and no less than what was waited for.
        for _ in 0..200 {
            meter.add_within(1, ms(1), ms(9), ms(16));
        }
        assert!(meter.cost().unwrap().decode.abs_diff(ms(9)) < Duration::from_micros(1));
    }

    #[test]
    fn extremes_do_no_harm() {
        let mut meter = CostMeter::default();
        for _ in 0..40 {
            meter.add(0, Duration::MAX, Duration::MAX);
            meter.add(u32::MAX, Duration::MAX, Duration::ZERO);
        }
        assert!(meter.cost().is_some());
    }
}
