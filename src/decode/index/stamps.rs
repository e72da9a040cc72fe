//! The time stamps of an index's frames.

/// Time stamps in the order of presentation, ascending and without repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stamps {
    /// Each as its packet has it.
    Listed(Vec<i64>),
    /// Frame n is at tick n; as many as this, never negative.
    Counted(i64),
}

impl Stamps {
    /// How many there are.
    pub(super) fn len(&self) -> i64 {
        match self {
            Self::Listed(stamps) => i64::try_from(stamps.len()).unwrap_or(i64::MAX),
            Self::Counted(frames) => *frames,
        }
    }

    /// Bytes of memory beside itself.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Listed(stamps) => stamps.capacity() * size_of::<i64>(),
            Self::Counted(_) => 0,
        }
    }

    /// The time stamp of frame `n`.
    pub(super) fn get(&self, n: i64) -> Option<i64> {
        match self {
            Self::Listed(stamps) => stamps.get(usize::try_from(n).ok()?).copied(),
            Self::Counted(frames) => (0..*frames).contains(&n).then_some(n),
        }
    }

    /// The last one.
    pub(super) fn last(&self) -> Option<i64> {
        self.get(self.len() - 1)
    }

    /// The frame with exactly this time stamp.
    pub(super) fn find(&self, pts: i64) -> Option<i64> {
        match self {
            Self::Listed(stamps) => i64::try_from(stamps.binary_search(&pts).ok()?).ok(),
            Self::Counted(_) => self.get(pts),
        }
    }

    /// How many come before the first for which `is_before` does not hold; it must hold for all
    /// before that and for none after.
    pub(super) fn partition_point(&self, is_before: impl Fn(i64) -> bool) -> i64 {
        match self {
            Self::Listed(stamps) => {
                let point = stamps.partition_point(|&pts| is_before(pts));
                i64::try_from(point).unwrap_or(i64::MAX)
            }
            Self::Counted(frames) => {
                let (mut low, mut high) = (0, *frames);
                while low < high {
                    let middle = low + (high - low) / 2;
                    if is_before(middle) {
                        low = middle + 1;
                    } else {
                        high = middle;
                    }
                }
                low
            }
        }
    }
}
