//! The parts of a medium that thumbnails are wanted of.

use std::fmt::Write as _;
use std::ops::Range;

use crate::time::{MediaSpan, MediaTime};

/// Parts are counted in steps of this length, so that a clip that is trimmed by a little still finds what was
/// kept for it.
const CELL: MediaSpan = MediaSpan::from_millis(10_000);

/// Stretches of a medium's time, counted from its first frame: those that a timeline uses of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// Numbers of cells, in order and apart.
    cells: Vec<Range<i64>>,
}

impl Parts {
    /// The parts that these stretches lie in, whatever their order.
    pub fn of(stretches: impl IntoIterator<Item = Range<MediaTime>>) -> Self {
        let mut stretches: Vec<Range<i64>> = stretches
            .into_iter()
            .map(|stretch| {
                let last = stretch.end.flicks().max(stretch.start.flicks() + 1) - 1;
                cell_of(stretch.start.flicks()).max(0)..cell_of(last).max(0) + 1
            })
            .collect();
        stretches.sort_unstable_by_key(|stretch| stretch.start);
        let mut cells: Vec<Range<i64>> = Vec::new();
        for stretch in stretches {
            match cells.last_mut() {
                Some(before) if stretch.start <= before.end => {
                    before.end = before.end.max(stretch.end);
                }
                _ => cells.push(stretch),
            }
        }
        Self { cells }
    }

    /// Whether this moment lies in one of them.
    pub fn include(&self, since_first: MediaSpan) -> bool {
        let cell = cell_of(since_first.flicks()).max(0);
        let after = self.cells.partition_point(|part| part.start <= cell);
        let before = after.checked_sub(1).and_then(|place| self.cells.get(place));
        before.is_some_and(|part| part.contains(&cell))
    }

    /// Whether they are all of a medium of this length.
    pub fn cover(&self, duration: MediaSpan) -> bool {
        let last = cell_of((duration.flicks() - 1).max(0));
        self.cells
            .first()
            .is_some_and(|first| first.start == 0 && first.end > last)
    }

    /// What tells them apart from others.
    pub(super) fn name(&self) -> String {
        let mut name = String::new();
        for part in &self.cells {
            // Writing to a string never fails.
            let _written = write!(name, " {}-{}", part.start, part.end);
        }
        name
    }
}

fn cell_of(flicks: i64) -> i64 {
    flicks.div_euclid(CELL.flicks())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(first: i64, end: i64) -> Range<MediaTime> {
        let at = |seconds| MediaTime::ZERO + MediaSpan::from_secs(seconds);
        at(first)..at(end)
    }

    #[test]
    fn stretches_that_touch_are_one_part() {
        let parts = Parts::of([seconds(25, 31), seconds(3, 4), seconds(9, 11)]);
        assert_eq!(parts.name(), " 0-4");
        let apart = Parts::of([seconds(41, 42), seconds(3, 4), seconds(3, 10)]);
        assert_eq!(apart.name(), " 0-1 4-5");
        for (second, is_in) in [(0, true), (9, true), (10, false), (45, true), (50, false)] {
            assert_eq!(
                apart.include(MediaSpan::from_secs(second)),
                is_in,
                "{second}"
            );
        }
    }

    #[test]
    fn a_medium_that_is_used_from_end_to_end_is_whole() {
        let parts = Parts::of([seconds(0, 12)]);
        assert!(parts.cover(MediaSpan::from_secs(20)));
        assert!(!parts.cover(MediaSpan::from_secs(21)));
        assert!(!Parts::of([seconds(10, 90)]).cover(MediaSpan::from_secs(20)));
        assert!(!Parts::default().cover(MediaSpan::from_secs(1)));
    }

    #[test]
    fn what_lies_before_the_first_frame_is_the_first_frame() {
        let parts = Parts::of([seconds(-30, -20)]);
        assert!(parts.include(MediaSpan::ZERO));
        assert!(!Parts::default().include(MediaSpan::ZERO));
    }
}
