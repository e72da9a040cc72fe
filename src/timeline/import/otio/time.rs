//! Times: the border at which OpenTimelineIO's floats become exact.

use super::json::Read;
use super::reader::{Reader, whole_number};
use crate::time::{FLICKS_PER_SECOND, FrameIndex, FrameRate, MediaSpan, MediaTime};
use crate::timeline::{Ratio, StatedRange, TimeRange, UnitRect};

/// Times beyond some 13 years are cut to this: sums of many stay far from overflowing.
const LONGEST: MediaSpan = MediaSpan::from_flicks(1 << 58);

/// The largest denominator of a rate or speed that a float is taken for. It is enough for all
/// decimals of six digits.
const MAX_DENOMINATOR: i64 = 1_000_000;

/// The same for the part of a frame. What it lacks is less than a flick for units of a second.
const MAX_PART_DENOMINATOR: i64 = 1 << 30;

/// A float that is off by less than this, in proportion, is taken for the fraction: rates are often
/// written with ten digits.
const NOTICEABLE: f64 = 1e-9;

/// A `RationalTime`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct StatedTime {
    pub(super) span: MediaSpan,
    /// Units a second of its number; none for a zero without a valid rate.
    pub(super) rate: Option<FrameRate>,
}

impl Reader<'_> {
    /// Reads a `RationalTime`. `None` where there is none, or none that means anything.
    pub(super) fn rational_time(&mut self) -> Read<Option<StatedTime>> {
        let (mut value, mut rate) = (None, None);
        let is_there = self.object(|this, key| {
            match key {
                "value" => value = this.number()?,
                "rate" => rate = this.number()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        if !is_there {
            return Ok(None);
        }
        // OpenTimelineIO's own defaults.
        let (value, stated) = (value.unwrap_or(0.0), rate.unwrap_or(1.0));
        if !value.is_finite() {
            self.note(format!("a time of {value} is none: left out"));
            return Ok(None);
        }
        let Some(rate) = self.rate(stated) else {
            if value == 0.0 {
                let span = MediaSpan::ZERO;
                return Ok(Some(StatedTime { span, rate: None }));
            }
            self.note(format!("{value} at {stated} a second is no time: left out"));
            return Ok(None);
        };
        let span = span_as_meant(value, stated, rate).unwrap_or_else(|| {
            self.note(format!(
                "{value} at {rate} a second is beyond the 13 years that are counted: cut"
            ));
            if value < 0.0 { -LONGEST } else { LONGEST }
        });
        let rate = Some(rate);
        Ok(Some(StatedTime { span, rate }))
    }

    /// The rate that a float stands for; lists it if that is noticeably another.
    pub(super) fn rate(&mut self, value: f64) -> Option<FrameRate> {
        if let Some((bits, rate)) = self.last_rate
            && bits == value.to_bits()
        {
            return Some(rate);
        }
        let rate = rate_of(value)?;
        // 23.98 is known to mean 24000/1001.
        if rate.den() != 1001 && (rate.as_f64() - value).abs() > value * NOTICEABLE {
            self.note(format!(
                "a rate of {value} is taken for {}/{}",
                rate.num(),
                rate.den()
            ));
        }
        self.last_rate = Some((value.to_bits(), rate));
        Some(rate)
    }

    /// Reads a `TimeRange`. A negative length is taken for zero.
    pub(super) fn time_range(&mut self) -> Read<Option<StatedRange>> {
        let (mut start, mut duration) = (None, None);
        let is_there = self.object(|this, key| {
            match key {
                "start_time" => start = this.rational_time()?,
                "duration" => duration = this.rational_time()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        let Some(duration) = duration else {
            if is_there {
                self.note("a range without a valid length: left out");
            }
            return Ok(None);
        };
        // A start that was left to default counts in seconds, so the length's rate tells more.
        let rate = duration.rate.or(start.and_then(|start| start.rate));
        // Only a length of zero has none.
        let Some(rate) = rate.or_else(|| FrameRate::new(1, 1)) else {
            return Ok(None);
        };
        let start = start.map_or(MediaSpan::ZERO, |start| start.span);
        if duration.span < MediaSpan::ZERO {
            self.note("a negative length: taken for zero");
        }
        Ok(Some(StatedRange {
            range: TimeRange {
                start: MediaTime::ZERO + start,
                duration: duration.span.max(MediaSpan::ZERO),
            },
            rate,
        }))
    }

    /// Reads a length that must not be negative: one side of a transition.
    pub(super) fn offset(&mut self) -> Read<MediaSpan> {
        let Some(stated) = self.rational_time()? else {
            return Ok(MediaSpan::ZERO);
        };
        if stated.span < MediaSpan::ZERO {
            self.note("a negative length: taken for zero");
        }
        Ok(stated.span.max(MediaSpan::ZERO))
    }

    /// The speed that a float stands for; lists it if that is noticeably another. `None` for what
    /// is no speed.
    pub(super) fn speed(&mut self, value: f64) -> Option<Ratio> {
        let speed = Ratio::nearest(value, MAX_DENOMINATOR)?;
        let residue = (speed.as_f64() - value).abs();
        if residue > value.abs() * NOTICEABLE {
            self.note(format!(
                "a speed of {value} is taken for {}/{}",
                speed.num(),
                speed.den()
            ));
        }
        Some(speed)
    }

    /// Reads a `Box2d`.
    pub(super) fn bounds(&mut self) -> Read<Option<UnitRect>> {
        let (mut min, mut max) = (None, None);
        let is_there = self.object(|this, key| {
            match key {
                "min" => min = this.point()?,
                "max" => max = this.point()?,
                _ => this.skip()?,
            }
            Ok(())
        })?;
        let bounds = min.zip(max).map(|(min, max)| UnitRect { min, max });
        let is_sound = |rect: &UnitRect| {
            let sides = rect.min.iter().zip(&rect.max);
            sides.into_iter().all(|(min, max)| min < max)
        };
        let sound = bounds.filter(is_sound);
        if is_there && sound.is_none() {
            self.note("bounds that enclose nothing: left out");
        }
        Ok(sound)
    }

    /// Reads a `V2d`.
    fn point(&mut self) -> Read<Option<[f64; 2]>> {
        let mut point = [0.0; 2];
        let is_there = self.object(|this, key| {
            match key {
                "x" => point[0] = this.number()?.unwrap_or(0.0),
                "y" => point[1] = this.number()?.unwrap_or(0.0),
                _ => this.skip()?,
            }
            Ok(())
        })?;
        let is_finite = point.iter().all(|side| side.is_finite());
        Ok((is_there && is_finite).then_some(point))
    }
}

/// The rate that `value` stands for: an NTSC rate as people write it, or the fraction nearest to it.
fn rate_of(value: f64) -> Option<FrameRate> {
    if !value.is_finite() || value <= 0.0 {
        return None;
    }
    if value.fract() == 0.0 {
        let whole = u32::try_from(whole_number(value)?).ok()?;
        return FrameRate::new(whole, 1);
    }
    let written = format!("{value:.6}");
    let written = written.trim_end_matches('0').trim_end_matches('.');
    if let Ok(ntsc) = written.parse::<FrameRate>()
        && ntsc.den() == 1001
    {
        return Some(ntsc);
    }
    fraction_of(value)
}

/// The fraction nearest to a positive `value`.
fn fraction_of(value: f64) -> Option<FrameRate> {
    // The numerator must fit 32 bits.
    let room = whole_number((f64::from(u32::MAX) / value).floor()).unwrap_or(MAX_DENOMINATOR);
    let nearest = Ratio::nearest(value, room.min(MAX_DENOMINATOR))?;
    let num = u32::try_from(nearest.num()).ok()?;
    FrameRate::new(num, u32::try_from(nearest.den()).ok()?)
}

/// The time of `value` units at a rate `stated` as a float, which stands for `rate`.
///
/// A whole number counts frames. What is none was worked out from seconds, with the rate as it is
/// written: 71.94 at 23.98 are 3 seconds.
fn span_as_meant(value: f64, stated: f64, rate: FrameRate) -> Option<MediaSpan> {
    let literal = if value.fract() == 0.0 {
        None
    } else {
        fraction_of(stated)
    };
    span_of(value, literal.unwrap_or(rate))
}

/// `value` units at `rate` a second, to the nearest flick; `None` beyond [`LONGEST`].
fn span_of(value: f64, rate: FrameRate) -> Option<MediaSpan> {
    let whole = whole_number(value.floor())?;
    let rounded = rate.time_of_frame_nearest(FrameIndex(whole)).since_zero();
    if rounded.abs() > LONGEST {
        return None;
    }
    let part = value - value.floor();
    if part == 0.0 {
        return Some(rounded);
    }
    // In one fraction, so that it is rounded once: (whole + num/den) * unit.
    // 128 bits suffice: whole * unit is below 2^58 * 2^32, the denominator below 2^31.
    let part = Ratio::nearest(part, MAX_PART_DENOMINATOR)?;
    let units = i128::from(whole)
        .checked_mul(i128::from(part.den()))?
        .checked_add(i128::from(part.num()))?;
    let unit = i128::from(FLICKS_PER_SECOND) * i128::from(rate.den());
    let divisor = i128::from(part.den()) * i128::from(rate.num());
    let twice = units.checked_mul(unit)?.checked_mul(2)?;
    let nearest = twice.checked_add(divisor)?.div_euclid(2 * divisor);
    i64::try_from(nearest).ok().map(MediaSpan::from_flicks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(num: u32, den: u32) -> FrameRate {
        FrameRate::new(num, den).unwrap()
    }

    #[test]
    fn a_float_rate_is_the_fraction_that_was_meant() {
        for (value, num, den) in [
            (24.0, 24, 1),
            (23.976, 24_000, 1001),
            (23.98, 24_000, 1001),
            (23.976_023_976_023_978, 24_000, 1001),
            (29.97, 30_000, 1001),
            (29.970_029_970_029_97, 30_000, 1001),
            (59.94, 60_000, 1001),
            (59.940_059_940_059_94, 60_000, 1001),
            (119.88, 120_000, 1001),
            (12.5, 25, 2),
            (44_100.0, 44_100, 1),
            (1.0 / 3.0, 1, 3),
            (47_952.047_952_047_95, 48_000_000, 1001),
        ] {
            assert_eq!(rate_of(value), Some(rate(num, den)), "{value}");
        }
        for value in [0.0, -24.0, f64::NAN, f64::INFINITY, 1e-12, 1e12, 5e9, 1e300] {
            assert_eq!(rate_of(value), None, "{value}");
        }
    }

    #[test]
    fn a_float_time_is_rounded_once() {
        let film = rate(24_000, 1001);
        for (value, rate, flicks) in [
            (0.0, film, 0),
            (1.0, film, 29_429_400),
            (-1.0, film, -29_429_400),
            (0.5, film, 14_714_700),
            (-0.5, film, -14_714_700),
            (863_136.5, film, 863_136 * 29_429_400 + 14_714_700),
            (1.0 / 3.0, rate(24, 1), 9_800_000),
            (0.1, rate(1, 1), 70_560_000),
            (44_100.0, rate(44_100, 1), FLICKS_PER_SECOND),
        ] {
            let span = span_of(value, rate).map(MediaSpan::flicks);
            assert_eq!(span, Some(flicks), "{value} at {rate}");
        }
        for value in [1e300, -1e17, 9e15, f64::MAX] {
            assert_eq!(span_of(value, rate(1, 1)), None, "{value}");
        }
    }

    #[test]
    fn whole_numbers_count_frames_and_others_come_from_seconds() {
        let film = rate(24_000, 1001);
        let span = |value| span_as_meant(value, 23.98, film);
        assert_eq!(span(71.94), Some(MediaSpan::from_secs(3)));
        assert_eq!(span(24_000.0), Some(MediaSpan::from_secs(1001)));
        assert_eq!(
            span_as_meant(0.5, 24_000.0 / 1001.0, film),
            Some(MediaSpan::from_flicks(14_714_700))
        );
    }

    proptest! {
        #[test]
        fn spans_are_as_near_as_the_denominator_allows(
            value in -1e7_f64..1e7, num in 1..300_000_u32, den in 1..2000_u32,
        ) {
            let rate = rate(num, den);
            let Some(span) = span_of(value, rate) else { return Ok(()); };
            let meant = value / rate.as_f64();
            // Half a flick, what the fraction lacks, and what floats lose in this very check.
            let near = 1e-9 + 1e-9 / rate.as_f64() + meant.abs() * 1e-14;
            prop_assert!((span.as_secs_f64() - meant).abs() <= near, "{span:?} {meant}");
        }

        #[test]
        fn any_float_is_a_rate_or_none(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            if let Some(rate) = rate_of(value) {
                prop_assert!((rate.as_f64() - value).abs() <= value * 1e-3 + 1e-6);
                span_of(value, rate);
            }
        }
    }
}
