//! Frame rates and frame indices.

use std::fmt;
use std::num::NonZeroU32;

use super::media_time::{FLICKS_PER_SECOND, mul_div_floor, mul_div_nearest};
use super::{MediaSpan, MediaTime};

/// The n-th frame presented, counted from 0. Negative values lie before the first frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FrameIndex(pub i64);

impl FrameIndex {
    /// The first frame.
    pub const ZERO: Self = Self(0);

    /// The frame `frames` later (earlier when negative); saturates.
    #[must_use]
    pub const fn offset(self, frames: i64) -> Self {
        Self(self.0.saturating_add(frames))
    }
}

impl fmt::Display for FrameIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}f", self.0)
    }
}

/// Frames a second as an exact fraction, in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl FrameRate {
    /// `num / den` frames a second, reduced; `None` when either is zero.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let divisor = gcd(num, den);
        if divisor == 0 {
            return None;
        }
        Some(Self {
            num: NonZeroU32::new(num / divisor)?,
            den: NonZeroU32::new(den / divisor)?,
        })
    }

    /// The numerator, in frames.
    pub fn num(self) -> u32 {
        self.num.get()
    }

    /// The denominator, in seconds.
    pub fn den(self) -> u32 {
        self.den.get()
    }

    /// Frames a second, for people to read.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num()) / f64::from(self.den())
    }

    /// The whole number that timecode counts to: 24 for 23.976, 30 for 29.97.
    pub fn nominal(self) -> u32 {
        (self.num() + self.den() / 2) / self.den()
    }

    /// When frame `index` begins at this constant rate, rounded to the nearest flick.
    pub fn time_of_frame_nearest(self, index: FrameIndex) -> MediaTime {
        let flicks_num = FLICKS_PER_SECOND * i64::from(self.den());
        MediaTime::from_flicks(mul_div_nearest(index.0, flicks_num, i64::from(self.num())))
    }

    /// The frame that is on screen at `time` at this constant rate.
    ///
    /// A time that is the rounded start of frame n answers n.
    pub fn frame_at_floor(self, time: MediaTime) -> FrameIndex {
        let flicks_num = FLICKS_PER_SECOND * i64::from(self.den());
        let floor = FrameIndex(mul_div_floor(time.flicks(), i64::from(self.num()), flicks_num));
        let next = floor.offset(1);
        if self.time_of_frame_nearest(next) <= time { next } else { floor }
    }

    /// The length of one frame, rounded to the nearest flick.
    pub fn frame_span_nearest(self) -> MediaSpan {
        self.time_of_frame_nearest(FrameIndex(1)).since_zero()
    }
}

impl fmt::Display for FrameRate {
    /// `24`, `23.976`, `12.5`: at most three decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den() == 1 {
            return write!(f, "{}", self.num());
        }
        let text = format!("{:.3}", self.as_f64());
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
