//! A histogram of values of either sign.

use super::Histogram;

/// Counts signed values, such as offsets between sound and picture in nanoseconds, in two
/// [`Histogram`]s. As exact as they are, in 60 KB.
#[derive(Debug, Clone, Default)]
pub struct SignedHistogram {
    /// Magnitudes of the values below zero.
    negative: Histogram,
    positive: Histogram,
}

impl SignedHistogram {
    /// One without values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `value`.
    pub fn record(&mut self, value: i64) {
        let side = if value < 0 {
            &mut self.negative
        } else {
            &mut self.positive
        };
        side.record(value.unsigned_abs());
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.negative.clear();
        self.positive.clear();
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.negative.count() + self.positive.count()
    }

    /// The value that half of the values do not exceed (nearest rank), within 1 %; `None` when
    /// there are none.
    pub fn median(&self) -> Option<i64> {
        let (below, rank) = (self.negative.count(), self.count().div_ceil(2));
        if rank <= below {
            // The least value has the greatest magnitude, so ranks count from the other end.
            let magnitude = self.negative.value_at_rank(below - rank + 1)?;
            return Some(0_i64.saturating_sub_unsigned(magnitude));
        }
        let value = self.positive.value_at_rank(rank - below)?;
        Some(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// The greatest distance from zero; `None` when there are no values.
    pub fn max_abs(&self) -> Option<u64> {
        self.negative.max().max(self.positive.max())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from_values(values: &[i64]) -> SignedHistogram {
        let mut histogram = SignedHistogram::new();
        for &value in values {
            histogram.record(value);
        }
        histogram
    }

    #[test]
    fn both_signs_count() {
        assert_eq!(SignedHistogram::new().median(), None);
        assert_eq!(SignedHistogram::new().max_abs(), None);
        let mut histogram = from_values(&[-30, -20, -10, 0, 50]);
        assert_eq!(
            (histogram.median(), histogram.max_abs()),
            (Some(-10), Some(50))
        );
        histogram.record(i64::MIN);
        assert_eq!(
            (histogram.median(), histogram.max_abs()),
            (Some(-20), Some(1 << 63))
        );
        histogram.clear();
        assert_eq!(histogram.count(), 0);
    }

    proptest! {
        #[test]
        fn the_median_is_within_one_percent(
            mut values in proptest::collection::vec(any::<i64>(), 1..200),
        ) {
            let found = from_values(&values).median().unwrap();
            values.sort_unstable();
            let expected = values[values.len().div_ceil(2) - 1];
            let error = u128::from(found.abs_diff(expected));
            let size = u128::from(expected.unsigned_abs());
            prop_assert!(error * 100 <= size, "{found} for {expected}");
        }
    }
}
