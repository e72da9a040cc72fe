//! Frame rates and frame indices.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::media_time::{FLICKS_PER_SECOND, mul_div_floor, mul_div_nearest};
use super::{MediaSpan, MediaTime, TimeBase};

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

    /// The time base whose tick is one frame.
    pub const fn frame_base(self) -> TimeBase {
        TimeBase::from_parts(self.den, self.num)
    }

    /// Frames a second, for people to read.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num()) / f64::from(self.den())
    }

    /// The whole number that timecode counts to: 24 for 23.976, 30 for 29.97.
    pub fn nominal(self) -> u32 {
        // In 64 bits, for a file may declare any fraction. The sum is at most 1.5 times the
        // numerator for denominators above 1, so the quotient fits.
        let (num, den) = (u64::from(self.num()), u64::from(self.den()));
        u32::try_from((num + den / 2) / den).unwrap_or(u32::MAX)
    }

    /// When frame `index` begins at this constant rate, rounded to the nearest flick.
    pub fn time_of_frame_nearest(self, index: FrameIndex) -> MediaTime {
        let flicks_num = FLICKS_PER_SECOND * i64::from(self.den());
        MediaTime::from_flicks(mul_div_nearest(index.0, flicks_num, i64::from(self.num())))
    }

    /// The frame that is on screen at `time` at this constant rate.
    ///
    /// A time that is the rounded start of frame n answers n, unless frames are shorter than
    /// flicks.
    pub fn frame_at_floor(self, time: MediaTime) -> FrameIndex {
        let flicks_num = FLICKS_PER_SECOND * i64::from(self.den());
        let floor = FrameIndex(mul_div_floor(
            time.flicks(),
            i64::from(self.num()),
            flicks_num,
        ));
        let next = floor.offset(1);
        if self.time_of_frame_nearest(next) <= time {
            next
        } else {
            floor
        }
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

impl FromStr for FrameRate {
    type Err = FrameRateError;

    /// Reads `24`, `12.5`, `30000/1001` or an NTSC rate as it is spoken: `23.976`, `23.98` and
    /// `29.97` mean 24000/1001 and 30000/1001. At most six decimals.
    fn from_str(text: &str) -> Result<Self, FrameRateError> {
        let error = || FrameRateError(text.to_owned());
        let number = |digits: &str| -> Option<u32> {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if plain { digits.parse().ok() } else { None }
        };
        let trimmed = text.trim();
        if let Some((num, den)) = trimmed.split_once('/') {
            let (num, den) = number(num).zip(number(den)).ok_or_else(error)?;
            return Self::new(num, den).ok_or_else(error);
        }
        let (whole, fraction) = trimmed.split_once('.').unwrap_or((trimmed, "0"));
        if fraction.len() > 6 {
            return Err(error());
        }
        let scale = 10_u32.pow(u32::try_from(fraction.len()).unwrap_or(0));
        let (whole, part) = number(whole).zip(number(fraction)).ok_or_else(error)?;
        let scaled = whole
            .checked_mul(scale)
            .and_then(|whole| whole.checked_add(part));
        let scaled = scaled.ok_or_else(error)?;
        ntsc_rate_from_decimal(scaled, scale)
            .or_else(|| Self::new(scaled, scale))
            .ok_or_else(error)
    }
}

/// The NTSC rate that `scaled / scale` is the decimal of, rounded as it was written.
///
/// One decimal is not enough to tell 24 from 23.976, so at least two are asked for.
fn ntsc_rate_from_decimal(scaled: u32, scale: u32) -> Option<FrameRate> {
    if scale < 100 {
        return None;
    }
    [24_u32, 30, 48, 60, 96, 120, 240]
        .into_iter()
        .find_map(|nominal| {
            // |nominal * 1000 / 1001 - scaled / scale| <= half of the last digit written.
            let exact = u64::from(nominal) * 1000 * u64::from(scale);
            let distance = exact.abs_diff(u64::from(scaled) * 1001);
            if distance * 2 <= 1001 {
                FrameRate::new(nominal * 1000, 1001)
            } else {
                None
            }
        })
}

/// The text is not a frame rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a frame rate. Write it as 25, 23.976 or 30000/1001.")]
pub struct FrameRateError(String);

fn gcd(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    #[test]
    fn rates_are_reduced_and_never_zero() {
        assert_eq!(rate(48_000, 2002), rate(24_000, 1001));
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(1, 0), None);
        assert_eq!(FrameRate::new(0, 0), None);
    }

    #[test]
    fn nominal_is_the_nearest_whole_rate() {
        for (num, den, nominal) in [
            (24_000, 1001, 24),
            (30_000, 1001, 30),
            (60_000, 1001, 60),
            (25, 2, 13),
            (1, 3, 0),
            (u32::MAX, 1, u32::MAX),
            (u32::MAX, 2, 1 << 31),
            (1, u32::MAX, 0),
        ] {
            assert_eq!(rate(num, den).nominal(), nominal, "{num}/{den}");
        }
    }

    #[test]
    fn film_at_ntsc_rate_is_exact_over_ten_hours() {
        let film = rate(24_000, 1001);
        let per_frame = film.frame_span_nearest();
        assert_eq!(per_frame.flicks(), 29_429_400);
        let mut time = MediaTime::ZERO;
        // Ten hours are 863,136.86 frames; adding up must end where multiplying does.
        for index in 0..=863_136 {
            assert_eq!(film.time_of_frame_nearest(FrameIndex(index)), time);
            assert_eq!(film.frame_at_floor(time), FrameIndex(index));
            time += per_frame;
        }
        let ten_hours = MediaTime::ZERO + MediaSpan::from_secs(36_000);
        assert_eq!(film.frame_at_floor(ten_hours), FrameIndex(863_136));
        assert!(time > ten_hours);
    }

    #[test]
    fn decimals_read_as_the_rate_they_stand_for() {
        for (text, num, den) in [
            ("24", 24, 1),
            ("24.0", 24, 1),
            ("24.000", 24, 1),
            ("23.976", 24_000, 1001),
            ("23.98", 24_000, 1001),
            ("23.976024", 24_000, 1001),
            ("29.97", 30_000, 1001),
            ("29.970", 30_000, 1001),
            ("59.94", 60_000, 1001),
            ("119.88", 120_000, 1001),
            ("47.952", 48_000, 1001),
            ("30000/1001", 30_000, 1001),
            ("12.5", 25, 2),
            ("29.9", 299, 10),
            ("23.97", 2397, 100),
            (" 60 ", 60, 1),
        ] {
            assert_eq!(text.parse(), Ok(rate(num, den)), "{text}");
        }
        for text in [
            "",
            ".",
            "0",
            "0.0",
            "25.",
            ".5",
            "-25",
            "25fps",
            "1/0",
            "0/1",
            "1e2",
            "25.0000000",
            "4294967296",
        ] {
            let error = text.parse::<FrameRate>().unwrap_err();
            assert!(error.to_string().contains("30000/1001"), "{text}");
        }
    }

    #[test]
    fn usual_rates_read_back_as_displayed() {
        for nominal in [24, 30, 60, 120] {
            assert_eq!(rate(nominal, 1).to_string().parse(), Ok(rate(nominal, 1)));
            let ntsc = rate(nominal * 1000, 1001);
            assert_eq!(ntsc.to_string().parse(), Ok(ntsc));
        }
        assert_eq!(rate(25, 2).to_string(), "12.5");
    }

    #[test]
    fn indices_saturate() {
        assert_eq!(FrameIndex(i64::MAX).offset(1), FrameIndex(i64::MAX));
        assert_eq!(FrameIndex(3).offset(-5), FrameIndex(-2));
        assert_eq!(FrameIndex(3).to_string(), "3f");
    }

    proptest! {
        #[test]
        fn the_start_of_a_frame_is_on_that_frame(
            num in 1..1_000_000_u32, den in 1..100_000_u32, index in -1_i64 << 30..1 << 30,
        ) {
            let rate = rate(num, den);
            let start = rate.time_of_frame_nearest(FrameIndex(index));
            // Beyond 414 years time saturates.
            prop_assume!(start.flicks().unsigned_abs() < 1 << 62);
            prop_assert_eq!(rate.frame_at_floor(start), FrameIndex(index));
            let before = start - MediaSpan::from_flicks(1);
            prop_assert_eq!(rate.frame_at_floor(before), FrameIndex(index - 1));
        }
    }
}
