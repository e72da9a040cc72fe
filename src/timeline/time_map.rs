//! Retimes: which instant of the source is seen at which instant of an item.

use std::sync::Arc;

use crate::time::{MediaSpan, MediaTime};

/// An exact speed: `num / den`, in lowest terms, the denominator positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ratio {
    num: i64,
    den: i64,
}

impl Ratio {
    /// Normal speed.
    pub const ONE: Self = Self { num: 1, den: 1 };
    /// Standing still.
    pub const ZERO: Self = Self { num: 0, den: 1 };
    /// The largest numerator and denominator: products with spans of centuries stay within 128 bits.
    pub const LIMIT: i64 = 1 << 40;

    /// `num / den`; `None` when the denominator is zero or a part is beyond [`Self::LIMIT`] in lowest
    /// terms.
    pub fn new(num: i64, den: i64) -> Option<Self> {
        if den == 0 {
            return None;
        }
        let (wide_num, wide_den) = (i128::from(num), i128::from(den));
        let divisor = gcd(wide_num.unsigned_abs(), wide_den.unsigned_abs()).max(1);
        let divisor = i128::try_from(divisor).ok()? * wide_den.signum();
        Self::within_limit(wide_num / divisor, wide_den / divisor)
    }

    fn within_limit(num: i128, den: i128) -> Option<Self> {
        let fits = |part: i128| {
            i64::try_from(part)
                .ok()
                .filter(|part| part.abs() <= Self::LIMIT)
        };
        Some(Self {
            num: fits(num)?,
            den: fits(den)?,
        })
    }

    /// The fraction nearest to `value` whose denominator is at most `max_den`, by continued fractions;
    /// `None` for what is no number or too large.
    pub fn nearest(value: f64, max_den: i64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounded by LIMIT just before"
        )]
        let whole = |x: f64| (x.abs() < Self::LIMIT as f64).then(|| x.floor() as i64);
        let mut rest = value;
        // Convergents h/k, and the pair before.
        let (mut before, mut last) = ((0i64, 1i64), (1i64, 0i64));
        for _ in 0..64 {
            let Some(part) = whole(rest) else { break };
            let next = (
                part.checked_mul(last.0)?.checked_add(before.0)?,
                part.checked_mul(last.1)?.checked_add(before.1)?,
            );
            if next.1 > max_den || next.0.abs() > Self::LIMIT {
                break;
            }
            (before, last) = (last, next);
            let fraction = rest - rest.floor();
            let exact = last.0 as f64 / last.1 as f64;
            if fraction == 0.0 || (exact - value).abs() <= f64::EPSILON * value.abs() {
                break;
            }
            rest = 1.0 / fraction;
        }
        (last.1 != 0).then(|| Self::new(last.0, last.1)).flatten()
    }

    /// The numerator; its sign is the direction.
    pub fn num(self) -> i64 {
        self.num
    }

    /// The denominator, positive.
    pub fn den(self) -> i64 {
        self.den
    }

    /// For people to read.
    pub fn as_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// The product; `None` beyond [`Self::LIMIT`].
    pub fn times(self, other: Self) -> Option<Self> {
        let num = i128::from(self.num) * i128::from(other.num);
        let den = i128::from(self.den) * i128::from(other.den);
        let divisor = gcd(num.unsigned_abs(), den.unsigned_abs()).max(1);
        let divisor = i128::try_from(divisor).ok()?;
        Self::within_limit(num / divisor, den / divisor)
    }

    /// `span` times this, rounded to the nearest flick.
    pub fn of(self, span: MediaSpan) -> MediaSpan {
        span.scaled_nearest(self.num, self.den)
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// One straight piece of a [`TimeMap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeMapPiece {
    /// Item time at which it begins, counted from the item's own beginning.
    pub from: MediaSpan,
    /// Source time there, counted from the first instant of the item's trimmed source range.
    pub source: MediaSpan,
    /// Source time that passes in a unit of item time.
    pub speed: Ratio,
}

/// Maps an item's time to its source's, piece by piece. Both count from zero at the beginning of the
/// trimmed range, so that [`TimeMap::identity`] changes nothing.
///
/// The first piece also holds for what lies before it, the last one for all that follows: transitions
/// reach beyond an item's ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeMap {
    /// In order of `from`, at least one.
    pieces: Arc<[TimeMapPiece]>,
}

impl TimeMap {
    /// Normal speed.
    pub fn identity() -> Self {
        Self::linear(MediaSpan::ZERO, Ratio::ONE)
    }

    /// One speed throughout, from source time `source` on.
    pub fn linear(source: MediaSpan, speed: Ratio) -> Self {
        Self {
            pieces: Arc::new([TimeMapPiece {
                from: MediaSpan::ZERO,
                source,
                speed,
            }]),
        }
    }

    /// A still of source time `source`.
    pub fn freeze(source: MediaSpan) -> Self {
        Self::linear(source, Ratio::ZERO)
    }

    /// From pieces, which are put in order; `None` when there are none.
    pub fn from_pieces(mut pieces: Vec<TimeMapPiece>) -> Option<Self> {
        pieces.sort_by_key(|piece| piece.from);
        (!pieces.is_empty()).then(|| Self {
            pieces: pieces.into(),
        })
    }

    /// The pieces, in order; at least one.
    pub fn pieces(&self) -> &[TimeMapPiece] {
        &self.pieces
    }

    /// The piece that holds at `item` time.
    pub fn piece_at(&self, item: MediaSpan) -> &TimeMapPiece {
        let after = self.pieces.partition_point(|piece| piece.from <= item);
        &self.pieces[after.saturating_sub(1)]
    }

    /// The source time seen at `item` time, rounded to the nearest flick.
    pub fn source_at(&self, item: MediaSpan) -> MediaSpan {
        let piece = self.piece_at(item);
        piece.source + piece.speed.of(item - piece.from)
    }

    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        matches!(&*self.pieces, [only]
            if only.speed == Ratio::ONE && only.source == only.from)
    }
}

/// An instant of a source, found through a range and a map.
impl TimeMap {
    /// The source time seen at `item` time of an item whose trimmed source range begins at `start`.
    pub fn media_at(&self, start: MediaTime, item: MediaSpan) -> MediaTime {
        start + self.source_at(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_in_lowest_terms_and_floats_become_the_fraction_that_was_meant() {
        let ratio = |num, den| Ratio::new(num, den).unwrap();
        assert_eq!(ratio(10, -4), ratio(-5, 2));
        assert_eq!(Ratio::new(1, 0), None);
        for (value, num, den) in [
            (2.0, 2, 1),
            (-1.0, -1, 1),
            (0.5, 1, 2),
            (1.0 / 3.0, 1, 3),
            (24.0 / 23.976_023_976_023_978, 1001, 1000),
            (0.0, 0, 1),
            (-0.25, -1, 4),
        ] {
            assert_eq!(
                Ratio::nearest(value, 1 << 20),
                Some(ratio(num, den)),
                "{value}"
            );
        }
        assert_eq!(Ratio::nearest(f64::NAN, 100), None);
        assert_eq!(Ratio::nearest(f64::INFINITY, 100), None);
        assert_eq!(ratio(2, 3).times(ratio(3, 4)), Some(ratio(1, 2)));
    }

    #[test]
    fn a_map_holds_piece_by_piece_and_beyond_its_ends() {
        let ms = MediaSpan::from_millis;
        let piece = |from, source, num, den| TimeMapPiece {
            from: ms(from),
            source: ms(source),
            speed: Ratio::new(num, den).unwrap(),
        };
        let map = TimeMap::from_pieces(vec![
            piece(100, 200, 0, 1),
            piece(0, 0, 2, 1),
            piece(300, 200, -1, 2),
        ])
        .unwrap();
        for (item, source) in [
            (-10, -20),
            (0, 0),
            (99, 198),
            (100, 200),
            (299, 200),
            (400, 150),
        ] {
            assert_eq!(map.source_at(ms(item)), ms(source), "{item}");
        }
        assert!(TimeMap::identity().is_identity() && !map.is_identity());
    }
}
