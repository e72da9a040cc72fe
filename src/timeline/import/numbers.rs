//! Numbers as timelines write them, without a float on the way.

use crate::time::{FrameIndex, FrameRate, MediaSpan};
use crate::timeline::{Effect, Ratio, TimeMap, TimeMapPiece};

/// A number with decimals, exactly: `num / den`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// The numerator; its size is at most [`Decimal::LIMIT`].
    pub(super) num: i64,
    /// A power of ten up to a million.
    pub(super) den: i64,
}

impl Decimal {
    /// Larger numbers are no numbers of frames, seconds or per cent.
    pub(super) const LIMIT: i64 = 1 << 40;

    /// Reads `-025.0` or `12`. Decimals after the sixth are left out. `None` where it is no number,
    /// or one that is too large.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (sign, digits) = match text.as_bytes().first()? {
            b'-' => (-1, &text[1..]),
            b'+' => (1, &text[1..]),
            _ => (1, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !only_digits(whole) || !only_digits(decimals) || whole.len() + decimals.len() == 0 {
            return None;
        }
        let (mut num, mut den) = (0_i64, 1_i64);
        for digit in whole.bytes() {
            num = num.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
        }
        for digit in decimals.bytes().take(6) {
            num = num.checked_mul(10)?.checked_add(i64::from(digit - b'0'))?;
            den *= 10;
        }
        (num / den < Self::LIMIT).then_some(Self {
            num: sign * num,
            den,
        })
    }

    /// As a speed or another factor.
    pub(super) fn ratio(self) -> Option<Ratio> {
        Ratio::new(self.num, self.den)
    }

    /// This many frames at `rate`, rounded to the nearest flick.
    pub(super) fn frames(self, rate: FrameRate) -> MediaSpan {
        let whole = span_of_frames(self.num.div_euclid(self.den), rate);
        let part = span_of_frames(1, rate).scaled_nearest(self.num.rem_euclid(self.den), self.den);
        whole + part
    }

    /// For a position or a size, which need not be exact.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places on the screen are single precision"
    )]
    pub(super) fn as_f32(self) -> f32 {
        (self.num as f64 / self.den as f64) as f32
    }
}

/// `frames` at `rate`, rounded to the nearest flick.
pub(super) fn span_of_frames(frames: i64, rate: FrameRate) -> MediaSpan {
    rate.time_of_frame_nearest(FrameIndex(frames)).since_zero()
}

/// A whole number of frames; `None` where it is none, or too large.
pub(super) fn frames(text: &str) -> Option<i64> {
    let decimal = Decimal::parse(text)?;
    Some(decimal.num.div_euclid(decimal.den))
}

/// Source time that passes in a unit of item time, where `source` passes in `item`. `None` where the
/// item stands still.
pub(super) fn speed_between(source: MediaSpan, item: MediaSpan) -> Option<Ratio> {
    let (num, den) = (source.flicks(), item.flicks());
    if den == 0 {
        return None;
    }
    // Spans beyond half an hour need not have small parts: then the nearest fraction is within a
    // flick of the true one over a day.
    Ratio::new(num, den).or_else(|| Ratio::nearest(num as f64 / den as f64, 1 << 38))
}

/// The effect that `map` is to an item whose trimmed range begins with the source time that is seen
/// first; and that time, counted from where `map` counts from. No effect where it changes nothing
/// but that.
pub(super) fn rebased(map: &TimeMap) -> (MediaSpan, Option<Effect>) {
    let first = map.source_at(MediaSpan::ZERO);
    let effect = match map.pieces() {
        [only] if only.speed == Ratio::ONE => None,
        [only] if only.speed == Ratio::ZERO => Some(Effect::Freeze),
        [only] if only.speed.num() > 0 => Some(Effect::Speed(only.speed)),
        // A negative speed is played from the range's end; this goes back from its beginning.
        [only] => Some(Effect::Map(TimeMap::linear(MediaSpan::ZERO, only.speed))),
        pieces => {
            let pieces = pieces.iter().map(|piece| TimeMapPiece {
                source: piece.source - first,
                ..*piece
            });
            TimeMap::from_pieces(pieces.collect()).map(Effect::Map)
        }
    };
    (first, effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, num, den) in [
            ("012.5", 125, 10),
            ("-025.0", -250, 10),
            ("+3", 3, 1),
            (".5", 5, 10),
            ("7.", 7, 1),
            ("0.12345678", 123_456, 1_000_000),
        ] {
            assert_eq!(Decimal::parse(text), Some(Decimal { num, den }), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "1e3",
            "--1",
            "1.2.3",
            "99999999999999999999",
            "ä",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        let pal = FrameRate::new(25, 1).unwrap();
        let half = Decimal::parse("-1.5").unwrap();
        assert_eq!(half.frames(pal), MediaSpan::from_millis(-60));
    }

    #[test]
    fn speeds_between_long_spans_are_near() {
        let (day, hour) = (MediaSpan::from_secs(86_400), MediaSpan::from_secs(3600));
        assert_eq!(speed_between(day, hour), Ratio::new(24, 1));
        assert_eq!(speed_between(day, MediaSpan::ZERO), None);
        let odd = MediaSpan::from_flicks(day.flicks() + 1);
        let speed = speed_between(odd, day).unwrap();
        assert!((speed.of(day) - odd).abs() <= MediaSpan::from_flicks(1));
    }

    #[test]
    fn maps_count_from_the_first_source_time() {
        let ms = MediaSpan::from_millis;
        let ratio = |num, den| Ratio::new(num, den).unwrap();
        for (speed, first, effect) in [
            (Ratio::ONE, 10, None),
            (Ratio::ZERO, 10, Some(Effect::Freeze)),
            (ratio(2, 1), 10, Some(Effect::Speed(ratio(2, 1)))),
            (
                ratio(-1, 2),
                10,
                Some(Effect::Map(TimeMap::linear(ms(0), ratio(-1, 2)))),
            ),
        ] {
            let map = TimeMap::linear(ms(first), speed);
            assert_eq!(rebased(&map), (ms(first), effect));
        }
        let piece = |from, source, speed| TimeMapPiece {
            from: ms(from),
            source: ms(source),
            speed,
        };
        let map = TimeMap::from_pieces(vec![
            piece(-100, 0, Ratio::ONE),
            piece(50, 150, ratio(2, 1)),
        ]);
        let (first, effect) = rebased(&map.unwrap());
        let Some(Effect::Map(map)) = effect else {
            panic!()
        };
        assert_eq!(first, ms(100));
        assert_eq!(map.source_at(ms(0)), ms(0));
        assert_eq!(map.source_at(ms(60)), ms(70));
    }
}
