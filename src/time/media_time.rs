//! Instants and spans of media time, and the time bases that containers count in.

use std::num::NonZeroU32;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Flicks in a second: the least unit that 24, 25, 30, 50, 60 and 120 fps, their NTSC rates, 90 kHz
/// and the usual sample rates all divide evenly (<https://github.com/facebookarchive/Flicks>).
pub const FLICKS_PER_SECOND: i64 = 705_600_000;

/// An instant on a medium's time line, in flicks since its zero.
///
/// Its range is about ±414 years, so sums of real durations do not overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MediaTime(i64);

/// A signed difference of two [`MediaTime`]s, in flicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MediaSpan(i64);

impl MediaTime {
    /// The zero of the time line.
    pub const ZERO: Self = Self(0);

    /// The instant `flicks` after zero.
    pub const fn from_flicks(flicks: i64) -> Self {
        Self(flicks)
    }

    /// Flicks since zero.
    pub const fn flicks(self) -> i64 {
        self.0
    }

    /// Seconds since zero, for people to read.
    pub fn as_secs_f64(self) -> f64 {
        MediaSpan(self.0).as_secs_f64()
    }

    /// The span from zero to this instant.
    pub const fn since_zero(self) -> MediaSpan {
        MediaSpan(self.0)
    }
}

impl MediaSpan {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `flicks`.
    pub const fn from_flicks(flicks: i64) -> Self {
        Self(flicks)
    }

    /// Whole seconds; saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(FLICKS_PER_SECOND))
    }

    /// Milliseconds; exact, saturates.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(FLICKS_PER_SECOND / 1000))
    }

    /// The span nearest to `nanos`; ties go away from zero.
    pub fn from_nanos_nearest(nanos: i64) -> Self {
        Self(mul_div_nearest(nanos, FLICKS_PER_SECOND, 1_000_000_000))
    }

    /// The span of `count` samples at `rate` samples a second, rounded to nearest.
    pub fn from_samples_nearest(count: i64, rate: NonZeroU32) -> Self {
        Self(mul_div_nearest(
            count,
            FLICKS_PER_SECOND,
            i64::from(rate.get()),
        ))
    }

    /// Length in flicks.
    pub const fn flicks(self) -> i64 {
        self.0
    }

    /// Length in nanoseconds, rounded to nearest.
    pub fn nanos_nearest(self) -> i64 {
        mul_div_nearest(self.0, 1_000_000_000, FLICKS_PER_SECOND)
    }

    /// How many samples at `rate` this span holds, rounded to nearest.
    pub fn samples_nearest(self, rate: NonZeroU32) -> i64 {
        mul_div_nearest(self.0, i64::from(rate.get()), FLICKS_PER_SECOND)
    }

    /// Seconds, for people to read.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / FLICKS_PER_SECOND as f64
    }

    /// This span times `num / den`, rounded to nearest.
    ///
    /// # Panics
    /// When `den` is zero.
    #[must_use]
    pub fn scaled_nearest(self, num: i64, den: i64) -> Self {
        Self(mul_div_nearest(self.0, num, den))
    }

    /// The length without its sign.
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

/// `a * b / c` in 128 bits, rounded to nearest, ties away from zero; saturates at the ends of
/// `i64`.
pub(crate) fn mul_div_nearest(a: i64, b: i64, c: i64) -> i64 {
    let (product, divisor) = (i128::from(a) * i128::from(b), i128::from(c));
    let half = divisor.abs() / 2;
    let (product, divisor) = if divisor < 0 {
        (-product, -divisor)
    } else {
        (product, divisor)
    };
    let quotient = if product >= 0 {
        (product + half) / divisor
    } else {
        (product - half) / divisor
    };
    i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX })
}

/// `a * b / c` in 128 bits, rounded towards minus infinity; saturates at the ends of `i64`.
pub(crate) fn mul_div_floor(a: i64, b: i64, c: i64) -> i64 {
    let (product, divisor) = (i128::from(a) * i128::from(b), i128::from(c));
    let (product, divisor) = if divisor < 0 {
        (-product, -divisor)
    } else {
        (product, divisor)
    };
    let quotient = product.div_euclid(divisor);
    i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX })
}

/// The length of one tick of a container's clock: `num / den` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeBase {
    num: NonZeroU32,
    den: NonZeroU32,
}

impl TimeBase {
    /// A time base of `num / den` seconds; `None` when either is zero.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        Some(Self {
            num: NonZeroU32::new(num)?,
            den: NonZeroU32::new(den)?,
        })
    }

    /// A time base of `num / den` seconds.
    pub const fn from_parts(num: NonZeroU32, den: NonZeroU32) -> Self {
        Self { num, den }
    }

    /// The numerator.
    pub fn num(self) -> u32 {
        self.num.get()
    }

    /// The denominator.
    pub fn den(self) -> u32 {
        self.den.get()
    }

    /// The instant of `ticks`, rounded to the nearest flick (exact for the usual time bases).
    pub fn time_from_ticks_nearest(self, ticks: i64) -> MediaTime {
        MediaTime(self.span_from_ticks_nearest(ticks).0)
    }

    /// The span of `ticks`, rounded to the nearest flick.
    pub fn span_from_ticks_nearest(self, ticks: i64) -> MediaSpan {
        let per_tick_num = FLICKS_PER_SECOND * i64::from(self.num.get());
        MediaSpan(mul_div_nearest(
            ticks,
            per_tick_num,
            i64::from(self.den.get()),
        ))
    }

    /// The tick at or before `time`.
    ///
    /// A time that is the rounded instant of tick n answers n, unless ticks are shorter than
    /// flicks.
    pub fn ticks_from_time_floor(self, time: MediaTime) -> i64 {
        let per_tick_num = FLICKS_PER_SECOND * i64::from(self.num.get());
        let floor = mul_div_floor(time.0, i64::from(self.den.get()), per_tick_num);
        // Where ticks are no whole number of flicks, the rounding may have put tick n's instant
        // just before it, and the floor alone would answer n - 1.
        let next = floor.saturating_add(1);
        if self.time_from_ticks_nearest(next) <= time {
            next
        } else {
            floor
        }
    }
}

impl Add<MediaSpan> for MediaTime {
    type Output = Self;
    fn add(self, span: MediaSpan) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<MediaSpan> for MediaTime {
    type Output = Self;
    fn sub(self, span: MediaSpan) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for MediaTime {
    type Output = MediaSpan;
    fn sub(self, earlier: Self) -> MediaSpan {
        MediaSpan(self.0.saturating_sub(earlier.0))
    }
}

impl Add for MediaSpan {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for MediaSpan {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for MediaSpan {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign<MediaSpan> for MediaTime {
    fn add_assign(&mut self, span: MediaSpan) {
        *self = *self + span;
    }
}

impl AddAssign for MediaSpan {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for MediaSpan {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_units_are_whole_flicks() {
        for per_second in [
            1000, 90_000, 8000, 16_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000,
        ] {
            assert_eq!(FLICKS_PER_SECOND % per_second, 0, "{per_second}");
        }
        for fps in [24, 25, 30, 48, 50, 60, 90, 100, 120] {
            assert_eq!(FLICKS_PER_SECOND % fps, 0, "{fps}");
        }
        for nominal in [24, 30, 60, 120] {
            assert_eq!(FLICKS_PER_SECOND * 1001 % (nominal * 1000), 0, "{nominal}");
        }
    }

    #[test]
    fn division_rounds_as_named() {
        for (a, floor, nearest) in [
            (7, 3, 4),
            (-7, -4, -4),
            (5, 2, 3),
            (-5, -3, -3),
            (4, 2, 2),
            (0, 0, 0),
        ] {
            assert_eq!(mul_div_floor(a, 1, 2), floor, "{a}");
            assert_eq!(mul_div_nearest(a, 1, 2), nearest, "{a}");
            assert_eq!(mul_div_floor(-a, 1, -2), floor, "{a}");
            assert_eq!(mul_div_nearest(-a, 1, -2), nearest, "{a}");
        }
        assert_eq!(mul_div_nearest(i64::MAX, i64::MAX, 1), i64::MAX);
        assert_eq!(mul_div_nearest(i64::MIN, i64::MAX, 1), i64::MIN);
        assert_eq!(mul_div_floor(i64::MIN, i64::MIN, 1), i64::MAX);
        assert_eq!(mul_div_nearest(i64::MIN, i64::MIN, i64::MIN), i64::MIN);
    }

    #[test]
    fn arithmetic_saturates_instead_of_overflowing() {
        let end = MediaTime::from_flicks(i64::MAX);
        assert_eq!(end + MediaSpan::from_flicks(1), end);
        assert_eq!(
            MediaTime::from_flicks(i64::MIN) - end,
            MediaSpan::from_flicks(i64::MIN)
        );
        assert_eq!(
            -MediaSpan::from_flicks(i64::MIN),
            MediaSpan::from_flicks(i64::MAX)
        );
        assert_eq!(
            MediaSpan::from_flicks(i64::MIN).abs(),
            MediaSpan::from_flicks(i64::MAX)
        );
        assert_eq!(
            MediaSpan::from_secs(i64::MAX),
            MediaSpan::from_flicks(i64::MAX)
        );
        assert_eq!(
            MediaSpan::from_millis(i64::MIN),
            MediaSpan::from_flicks(i64::MIN)
        );
        assert_eq!(end.since_zero().nanos_nearest(), i64::MAX);
    }

    #[test]
    fn spans_are_exact_in_every_unit() {
        let hour = MediaSpan::from_secs(3600);
        let rate = NonZeroU32::new(44_100).unwrap();
        assert_eq!(hour.samples_nearest(rate), 158_760_000);
        assert_eq!(MediaSpan::from_samples_nearest(158_760_000, rate), hour);
        assert_eq!(hour.nanos_nearest(), 3_600_000_000_000);
        assert_eq!(MediaSpan::from_millis(3_600_000), hour);
        assert_eq!(hour.scaled_nearest(-1, 4), MediaSpan::from_secs(-900));
        assert!((hour.as_secs_f64() - 3600.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_time_base_needs_two_numbers() {
        assert_eq!(TimeBase::new(0, 1), None);
        assert_eq!(TimeBase::new(1, 0), None);
        let widest = TimeBase::new(u32::MAX, 1).unwrap();
        assert_eq!(
            widest.time_from_ticks_nearest(i64::MAX),
            MediaTime::from_flicks(i64::MAX)
        );
        assert_eq!(widest.ticks_from_time_floor(MediaTime::from_flicks(-1)), -1);
        let finest = TimeBase::new(1, u32::MAX).unwrap();
        assert_eq!(
            finest.ticks_from_time_floor(MediaTime::from_flicks(i64::MAX)),
            i64::MAX
        );
    }

    proptest! {
        #[test]
        fn ticks_round_trip(
            num in 1..2000_u32, den in 1..700_000_000_u32, ticks in -1_i64 << 40..1 << 40,
        ) {
            let base = TimeBase::new(num, den).unwrap();
            let time = base.time_from_ticks_nearest(ticks);
            // Beyond 414 years time saturates.
            prop_assume!(time.flicks().unsigned_abs() < 1 << 62);
            prop_assert_eq!(base.ticks_from_time_floor(time), ticks);
        }

        #[test]
        fn floor_is_the_last_tick_not_after(
            den in 1..1_000_000_u32, flicks in -1_i64 << 50..1 << 50,
        ) {
            let base = TimeBase::new(1, den).unwrap();
            let time = MediaTime::from_flicks(flicks);
            let tick = base.ticks_from_time_floor(time);
            prop_assert!(base.time_from_ticks_nearest(tick) <= time);
            prop_assert!(base.time_from_ticks_nearest(tick + 1) > time);
        }

        #[test]
        fn nanoseconds_round_trip(nanos in -1_i64 << 50..1 << 50) {
            // A nanosecond is shorter than a flick, so one may be lost on the way.
            let back = MediaSpan::from_nanos_nearest(nanos).nanos_nearest();
            prop_assert!((back - nanos).abs() <= 1);
        }

        #[test]
        fn samples_round_trip(count in -1_i64 << 40..1 << 40, rate in 1000..400_000_u32) {
            let rate = NonZeroU32::new(rate).unwrap();
            let span = MediaSpan::from_samples_nearest(count, rate);
            prop_assert_eq!(span.samples_nearest(rate), count);
        }
    }
}
