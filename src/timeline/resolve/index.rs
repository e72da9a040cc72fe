//! Which of many events hold in a frame.

/// Frames, from `first` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frames {
    pub(super) first: i64,
    pub(super) end: i64,
}

impl Frames {
    /// `None` where there is no frame in it.
    pub(super) fn new(first: i64, end: i64) -> Option<Self> {
        (first < end).then_some(Self { first, end })
    }

    pub(super) fn contains(&self, frame: i64) -> bool {
        self.first <= frame && frame < self.end
    }
}

/// Events by frame.
///
/// Time is cut into buckets, each of which lists the events that hold anywhere in it. A bucket ends after
/// as many beginnings as events hold at its own beginning, and not before [`Self::LEAST`]; so the lists
/// together are at most three times as long as the events are many, and the events of a frame are found
/// by a binary search and a look at at most some times as many.
#[derive(Debug, Default)]
pub(super) struct FrameIndexed {
    /// First frame of each bucket, and where its list begins.
    buckets: Vec<(i64, usize)>,
    entries: Vec<(Frames, u32)>,
}

impl FrameIndexed {
    /// Beginnings in a bucket, at least: a list of these fits some cache lines.
    const LEAST: usize = 16;

    /// Of events by number.
    pub(super) fn new(events: &[Frames]) -> Self {
        let mut order: Vec<(Frames, u32)> = events.iter().copied().zip(0..).collect();
        order.sort_unstable_by_key(|&(frames, event)| (frames.first, event));
        let mut index = Self::default();
        let mut holding: Vec<(Frames, u32)> = Vec::new();
        let mut rest = order.as_slice();
        while let Some((first, _)) = rest.first() {
            let beginning = first.first;
            holding.retain(|(frames, _)| frames.end > beginning);
            let count = holding.len().max(Self::LEAST).min(rest.len());
            let (taken, after) = rest.split_at(count);
            rest = after;
            holding.extend_from_slice(taken);
            holding.sort_unstable_by_key(|&(_, event)| event);
            index.buckets.push((beginning, index.entries.len()));
            index.entries.extend_from_slice(&holding);
        }
        index
    }

    /// The events that hold in `frame`, by number.
    pub(super) fn at(&self, frame: i64) -> impl Iterator<Item = u32> + '_ {
        let after = self.buckets.partition_point(|&(first, _)| first <= frame);
        let begin = after
            .checked_sub(1)
            .and_then(|bucket| self.buckets.get(bucket));
        let end = self
            .buckets
            .get(after)
            .map_or(self.entries.len(), |&(_, at)| at);
        let list = begin.and_then(|&(_, at)| self.entries.get(at..end));
        list.unwrap_or_default()
            .iter()
            .filter(move |(frames, _)| frames.contains(frame))
            .map(|&(_, event)| event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_search_through_all_finds(
            spans in prop::collection::vec((0_i64..300, 1_i64..200), 0..150),
        ) {
            let events: Vec<Frames> = spans
                .iter()
                .filter_map(|&(first, length)| Frames::new(first, first + length))
                .collect();
            let index = FrameIndexed::new(&events);
            prop_assert!(index.entries.len() <= 3 * events.len());
            for frame in -1..=501 {
                let all: Vec<u32> = events
                    .iter()
                    .zip(0..)
                    .filter(|(frames, _)| frames.contains(frame))
                    .map(|(_, event)| event)
                    .collect();
                prop_assert_eq!(index.at(frame).collect::<Vec<_>>(), all);
            }
        }
    }
}
