//! When a device's frames are heard: a line through noisy time stamps.

use std::num::NonZeroU32;

use crate::time::Moment;

/// Readings before the line is worth following.
const WARM_READINGS: u32 = 10;
/// Seconds of history that the rate is measured over.
const BUCKETS: usize = 10;
/// Parts of a second that one bucket covers.
const BUCKETS_PER_SECOND: u64 = 8;
/// Standard deviation of crystals' rates; they are within 300 ppm.
const SKEW_SIGMA: f64 = 2e-4;
/// A device's speed may be off by this much. Beyond it, its clock is not trusted.
pub(super) const MAX_RATE_ERROR: f64 = 0.05;
/// Once off, it must come this close again. Keeps the trust from flickering.
pub(super) const RECOVERED_RATE_ERROR: f64 = 0.04;
/// The rate that the line follows at most, off nominal.
const MAX_SKEW: f64 = 0.06;
/// How far the offset wanders in a second, in seconds squared: 50 µs.
const OFFSET_WANDER: f64 = 2.5e-9;
/// How far the rate wanders in a second, squared: 1 ppm.
const SKEW_WANDER: f64 = 1e-12;
/// Variance that readings are taken to have at first: 10 ms, squared. Better too much than too little:
/// two early readings that agree by chance must not make the filter sure of itself.
const FIRST_NOISE: f64 = 1e-4;
/// Readings that the first guess of the variance counts as.
const FIRST_NOISE_WEIGHT: f64 = 10.0;
/// Readings that the low-pass of differences reaches back.
const DRIFT_READINGS: f64 = 64.0;
/// Readings in a row far off the line that mean it has moved.
const JUMP_READINGS: u32 = 4;
/// Seconds after a jump in which another one does not restart the rate measurement: a clock of a wrong
/// rate jumps all the time.
const JUMP_GRACE_SECS: f64 = 3.0;

/// A straight line from device frames to moments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// A device frame, counted from the opening of the stream.
    pub frame: u64,
    /// When it is heard.
    pub heard: Moment,
    /// Real seconds that a nominal second of frames takes, less one.
    pub skew: f64,
    /// Nominal frames a second.
    pub rate: NonZeroU32,
}

impl Line {
    /// When `frame` is heard, in nanoseconds after [`Self::heard`].
    fn nanos_after(&self, frames: f64) -> f64 {
        frames / f64::from(self.rate.get()) * (1.0 + self.skew) * 1e9
    }

    /// The frame that is heard at `moment`, with its fraction; negative before the first one.
    pub fn frame_at(&self, moment: Moment) -> f64 {
        let nanos = moment.nanos_since(self.heard) as f64;
        self.frame as f64 + nanos / 1e9 / (1.0 + self.skew) * f64::from(self.rate.get())
    }

    /// When `frame` is heard.
    pub fn moment_of(&self, frame: u64) -> Moment {
        #[expect(clippy::cast_possible_truncation, reason = "rounded to nanoseconds")]
        let nanos = self.nanos_after(frame as f64 - self.frame as f64).round() as i64;
        self.heard.offset_nanos(nanos)
    }
}

/// Estimates the line from readings "frame n is heard at t", which come with jitter and, after a
/// hiccup of the device, with jumps.
///
/// A Kalman filter with two states, offset and rate, whose measurement noise is itself estimated: a
/// steady device is followed closely, a nervous one is averaged over many seconds. Readings that agree
/// on a new offset are believed after a few. It only computes, so it runs inside the device callback,
/// where no reading is missed.
#[derive(Debug, Clone)]
pub struct DeviceLine {
    line: Line,
    /// Seconds that the line's anchor lies after `line.heard`, below a nanosecond.
    remainder: f64,
    /// Covariance of offset (s) and rate.
    offset_variance: f64,
    covariance: f64,
    skew_variance: f64,
    /// Variance of a reading, in s².
    noise: f64,
    /// Low-pass of the differences between readings and the line, in s.
    drift: f64,
    readings: u32,
    far_off: u32,
    last_jump: Option<Moment>,
    rate: RateWindow,
    /// Whether the measured rate is too far off for the filter to follow.
    lost: bool,
}

impl DeviceLine {
    /// A line for a device of `rate` frames a second, without readings yet.
    pub fn new(rate: NonZeroU32) -> Self {
        Self {
            line: Line {
                frame: 0,
                heard: Moment::ZERO,
                skew: 0.0,
                rate,
            },
            remainder: 0.0,
            offset_variance: 0.0,
            covariance: 0.0,
            skew_variance: SKEW_SIGMA * SKEW_SIGMA,
            noise: FIRST_NOISE,
            drift: 0.0,
            readings: 0,
            far_off: 0,
            last_jump: None,
            rate: RateWindow::default(),
            lost: false,
        }
    }

    /// The estimate; `None` without readings.
    pub fn line(&self) -> Option<Line> {
        (self.readings > 0).then_some(self.line)
    }

    /// Whether enough readings were taken to follow the line.
    pub fn is_warm(&self) -> bool {
        self.readings >= WARM_READINGS
    }

    /// The device's speed as measured over the last second, 1 when it is right; `None` before a second
    /// has passed.
    pub fn rate_ratio(&self) -> Option<f64> {
        self.rate.ratio()
    }

    /// Takes the reading that device frame `frame` is heard at `heard`. Frames must not decrease.
    pub fn update(&mut self, frame: u64, heard: Moment) {
        self.rate.add(frame, heard, self.line.rate);
        self.watch_rate();
        if self.readings == 0 {
            self.line.frame = frame;
            self.line.heard = heard;
            self.offset_variance = self.noise;
            self.readings = 1;
            return;
        }
        let nominal =
            frame.saturating_sub(self.line.frame) as f64 / f64::from(self.line.rate.get());
        self.advance(frame, nominal);
        let difference = heard.nanos_since(self.line.heard) as f64 / 1e9 - self.remainder;
        let variance = self.offset_variance + self.noise;
        if difference * difference > 25.0 * variance && self.readings > WARM_READINGS {
            self.far_off += 1;
            if self.far_off >= JUMP_READINGS {
                self.jump(difference, heard);
            }
        } else {
            self.far_off = 0;
            self.correct(difference, variance);
        }
        self.readings = self.readings.saturating_add(1);
    }

    /// A clock that comes back to its rate is read anew: what the filter made of the time before is of no
    /// use.
    fn watch_rate(&mut self) {
        let off = self.rate_ratio().map_or(0.0, |ratio| (ratio - 1.0).abs());
        if self.lost && off <= RECOVERED_RATE_ERROR {
            let rate = std::mem::take(&mut self.rate);
            *self = Self {
                rate,
                ..Self::new(self.line.rate)
            };
        } else if off > MAX_RATE_ERROR {
            self.lost = true;
        }
    }

    /// Moves the anchor on to `frame`, `nominal` seconds later.
    fn advance(&mut self, frame: u64, nominal: f64) {
        self.move_anchor(nominal * (1.0 + self.line.skew));
        self.line.frame = frame;
        self.offset_variance += nominal * (2.0 * self.covariance + nominal * self.skew_variance)
            + OFFSET_WANDER * nominal;
        self.covariance += nominal * self.skew_variance;
        self.skew_variance += SKEW_WANDER * nominal;
    }

    fn move_anchor(&mut self, seconds: f64) {
        let nanos = (seconds + self.remainder) * 1e9;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the rest is kept in `remainder`"
        )]
        let whole = nanos.round() as i64;
        self.line.heard = self.line.heard.offset_nanos(whole);
        self.remainder = (nanos - whole as f64) / 1e9;
    }

    fn correct(&mut self, difference: f64, variance: f64) {
        let (gain, skew_gain) = (self.offset_variance / variance, self.covariance / variance);
        self.move_anchor(gain * difference);
        self.line.skew = (self.line.skew + skew_gain * difference).clamp(-MAX_SKEW, MAX_SKEW);
        self.skew_variance -= skew_gain * self.covariance;
        self.covariance *= 1.0 - gain;
        self.offset_variance *= 1.0 - gain;

        let share = (1.0 / (f64::from(self.readings) + FIRST_NOISE_WEIGHT)).max(1.0 / 128.0);
        let seen = (difference * difference - self.offset_variance).max(0.0);
        self.noise = (self.noise + share * (seen - self.noise)).clamp(2.5e-9, 2.5e-3);
        // The low-pass is as steady as the mean of `2 n - 1` differences. When it leaves that noise
        // behind, the line is off and may follow faster.
        self.drift += (difference - self.drift) / DRIFT_READINGS;
        let threshold = 6.0 * (self.noise / (2.0 * DRIFT_READINGS - 1.0)).sqrt();
        if self.drift.abs() > threshold.max(0.2e-3) && self.is_warm() {
            self.offset_variance += self.drift * self.drift;
            self.skew_variance += SKEW_SIGMA * SKEW_SIGMA + self.drift * self.drift;
            self.drift = 0.0;
        }
    }

    /// Believes that everything is heard `difference` seconds later from now on.
    fn jump(&mut self, difference: f64, heard: Moment) {
        self.move_anchor(difference);
        self.offset_variance = self.noise;
        self.covariance = 0.0;
        self.drift = 0.0;
        self.far_off = 0;
        let again = self
            .last_jump
            .is_some_and(|last| heard.since(last).as_secs_f64() < JUMP_GRACE_SECS);
        if !again {
            self.rate = RateWindow::default();
        }
        self.last_jump = Some(heard);
    }
}

/// Sums of readings in one part of the window.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    first_frame: u64,
    first_heard: Moment,
    count: f64,
    /// Means, in seconds after the window's origin.
    frames: f64,
    heard: f64,
}

/// The last second and a bit of readings, in buckets, to measure the rate without the filter's trust in
/// crystals.
#[derive(Debug, Clone, Default)]
struct RateWindow {
    buckets: [Bucket; BUCKETS],
    used: usize,
    origin: Option<(u64, Moment)>,
}

impl RateWindow {
    fn add(&mut self, frame: u64, heard: Moment, rate: NonZeroU32) {
        let (frame_zero, heard_zero) = *self.origin.get_or_insert((frame, heard));
        let frames = frame.saturating_sub(frame_zero) as f64 / f64::from(rate.get());
        let seconds = heard.nanos_since(heard_zero) as f64 / 1e9;
        let full = self.used == 0 || {
            let bucket = &self.buckets[self.used - 1];
            let part = u64::from(rate.get()) / BUCKETS_PER_SECOND;
            frame.saturating_sub(bucket.first_frame) >= part
                || heard.nanos_since(bucket.first_heard)
                    >= (1_000_000_000 / BUCKETS_PER_SECOND).cast_signed()
        };
        if full {
            if self.used == BUCKETS {
                self.buckets.rotate_left(1);
            } else {
                self.used += 1;
            }
            self.buckets[self.used - 1] = Bucket {
                first_frame: frame,
                first_heard: heard,
                ..Bucket::default()
            };
        }
        let bucket = &mut self.buckets[self.used - 1];
        bucket.count += 1.0;
        bucket.frames += (frames - bucket.frames) / bucket.count;
        bucket.heard += (seconds - bucket.heard) / bucket.count;
    }

    /// Slope of the least-squares line through the buckets' means, frames over time. The youngest
    /// bucket is left out, for it may hold a single reading.
    fn ratio(&self) -> Option<f64> {
        let buckets = &self.buckets[..self.used.saturating_sub(1)];
        let count = buckets.len() as f64;
        if buckets.len() < BUCKETS - 1 {
            return None;
        }
        let mean = |value: fn(&Bucket) -> f64| buckets.iter().map(value).sum::<f64>() / count;
        let (frames, heard) = (mean(|b| b.frames), mean(|b| b.heard));
        let mut square = 0.0;
        let mut product = 0.0;
        for bucket in buckets {
            square += (bucket.frames - frames).powi(2);
            product += (bucket.frames - frames) * (bucket.heard - heard);
        }
        // Frames that take no time at all are infinitely fast.
        Some(square / product.max(square / 1e3))
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
