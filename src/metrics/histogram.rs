//! Counts of values in fixed memory, exact enough for percentiles.

/// Buckets per doubling, as a power of two. With 64, the middle of a bucket is at most 1/128 away
/// from any value in it.
const SUB_BITS: u32 = 6;
/// Values below this have a bucket each.
const EXACT: usize = 1 << (SUB_BITS + 1);
/// The exact buckets, then 64 for each doubling from 2^7 to 2^64.
const BUCKETS: usize = EXACT + ((64 - SUB_BITS as usize - 1) << SUB_BITS);

/// Counts `u64` values, nanoseconds as a rule, in log-linear buckets (as `HdrHistogram` does).
///
/// Percentiles are within 1 % of the true value; count, mean, least and greatest are exact. It
/// takes 30 KB when made and allocates nothing afterwards.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

/// A histogram in few numbers, in the unit of its values. Zeros when `count` is zero.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HistogramSummary {
    /// Number of values.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// Half of them are at most this.
    pub p50: u64,
    /// 95 % of them are at most this.
    pub p95: u64,
    /// 99 % of them are at most this.
    pub p99: u64,
    /// The greatest.
    pub max: u64,
}

impl Histogram {
    /// One without values.
    pub fn new() -> Self {
        Self {
            buckets: vec![0; BUCKETS].into(),
            count: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }

    /// Counts `value`.
    pub fn record(&mut self, value: u64) {
        self.buckets[bucket_from_value(value)] += 1;
        self.count += 1;
        self.sum += u128::from(value);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Counts all values of `other` as well.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        (self.count, self.sum, self.min, self.max) = (0, 0, u64::MAX, 0);
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sum of the values.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Mean of the values; `None` when there are none.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The greatest value; `None` when there are none.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value that `percent` of a hundred values do not exceed (nearest rank), within 1 %;
    /// `None` when there are none. Above 100 counts as 100.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        let rank = (u128::from(self.count) * u128::from(percent.min(100))).div_ceil(100);
        self.value_at_rank(u64::try_from(rank).unwrap_or(u64::MAX))
    }

    /// The `rank`-th least value, counted from 1, within 1 % (the greatest is exact); 0 counts as
    /// 1. `None` when there are fewer values.
    pub fn value_at_rank(&self, rank: u64) -> Option<u64> {
        if rank == self.count {
            return self.max();
        }
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|&values| {
            seen += values;
            seen >= rank.max(1)
        })?;
        Some(value_from_bucket(bucket).clamp(self.min, self.max))
    }

    /// The usual numbers.
    pub fn summary(&self) -> HistogramSummary {
        let percentile = |percent| self.percentile(percent).unwrap_or(0);
        HistogramSummary {
            count: self.count,
            mean: self.mean().unwrap_or(0.0),
            p50: percentile(50),
            p95: percentile(95),
            p99: percentile(99),
            max: self.max,
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// Where `value` is counted. Above [`EXACT`], its highest seven bits choose the bucket.
fn bucket_from_value(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(SUB_BITS + 1);
    let within = usize::try_from(value >> shift).unwrap_or(usize::MAX);
    ((shift as usize) << SUB_BITS) + within
}

/// The middle of a bucket.
fn value_from_bucket(bucket: usize) -> u64 {
    if bucket < EXACT {
        return bucket as u64;
    }
    let shift = (bucket >> SUB_BITS) - 1;
    let within = (bucket & ((1 << SUB_BITS) - 1)) as u64 + (1 << SUB_BITS);
    (within << shift) + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from_values(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::new();
        for &value in values {
            histogram.record(value);
        }
        histogram
    }

    #[test]
    fn nothing_is_known_of_no_values() {
        let empty = Histogram::new();
        assert_eq!(
            (empty.percentile(50), empty.mean(), empty.max()),
            (None, None, None)
        );
        assert_eq!(empty.summary(), HistogramSummary::default());
    }

    #[test]
    fn small_values_and_extremes_are_exact() {
        let histogram = from_values(&(1..=100).collect::<Vec<_>>());
        assert_eq!(histogram.percentile(0), Some(1));
        assert_eq!(histogram.percentile(50), Some(50));
        assert_eq!(histogram.percentile(95), Some(95));
        assert_eq!(histogram.percentile(100), Some(100));
        assert_eq!(histogram.percentile(255), Some(100));
        assert_eq!(histogram.mean(), Some(50.5));
        let ends = from_values(&[0, u64::MAX]);
        assert_eq!(
            (ends.percentile(50), ends.percentile(51)),
            (Some(0), Some(u64::MAX))
        );
    }

    #[test]
    fn every_bucket_holds_its_own_middle() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_from_value(value_from_bucket(bucket)), bucket);
        }
        assert_eq!(bucket_from_value(u64::MAX), BUCKETS - 1);
        assert_eq!(
            bucket_from_value(EXACT as u64 - 1) + 1,
            bucket_from_value(EXACT as u64)
        );
    }

    #[test]
    fn clearing_forgets_everything() {
        let mut histogram = from_values(&[5, 1_000_000]);
        histogram.clear();
        assert_eq!(histogram.summary(), Histogram::new().summary());
        histogram.record(7);
        assert_eq!(
            (histogram.percentile(1), histogram.max()),
            (Some(7), Some(7))
        );
    }

    /// Values spread over all magnitudes, as durations are.
    fn any_values() -> impl Strategy<Value = Vec<u64>> {
        let value = (0..64_u32, any::<u64>()).prop_map(|(shift, bits)| bits >> shift);
        proptest::collection::vec(value, 1..300)
    }

    proptest! {
        #[test]
        fn percentiles_are_within_one_percent(mut values in any_values(), percent in 0..=100_u8) {
            let histogram = from_values(&values);
            values.sort_unstable();
            let rank = (values.len() * usize::from(percent)).div_ceil(100).max(1);
            let expected = values[rank - 1];
            let found = histogram.percentile(percent).unwrap();
            prop_assert!(
                u128::from(found.abs_diff(expected)) * 100 <= u128::from(expected),
                "p{percent}: {found} instead of {expected}"
            );
        }

        #[test]
        fn merging_equals_counting_together(left in any_values(), right in any_values()) {
            let mut merged = from_values(&left);
            merged.merge(&from_values(&right));
            let together = from_values(&[left, right].concat());
            prop_assert_eq!(merged.summary(), together.summary());
            prop_assert_eq!(merged.sum(), together.sum());
        }
    }
}
