//! Where in a medium frames went wrong: every frame since it was opened, in few numbers.

use std::ops::Range;

use super::{FrameFate, FrameRecord, Stage};
use crate::time::FrameIndex;

/// Places of a map. A medium of ten hours at 24 frames a second has 256 frames in each.
const PLACES: usize = 4_096;

/// What became of frames that lie side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlameSpan {
    /// The first of them.
    pub first: FrameIndex,
    /// The first one after them.
    pub end: FrameIndex,
    /// Frames that were seen in time, each as often as it was due.
    pub shown: u32,
    /// Frames that were seen too late.
    pub late: u32,
    /// Frames that were never seen.
    pub dropped: u32,
    /// What was to blame most often; `None` where nothing was, or nobody knows.
    pub cause: Option<Stage>,
    /// By how many nanoseconds the latest of them was late; `None` where none was.
    pub worst_nanos: Option<i64>,
    /// The latest of them; where none was late, the first that was dropped, or the first of all.
    pub worst_frame: FrameIndex,
}

impl BlameSpan {
    /// Frames that were late or never seen.
    pub fn bad(&self) -> u32 {
        self.late.saturating_add(self.dropped)
    }
}

/// Counts frames by where they lie in the medium.
///
/// It has a fixed number of places, each of so many frames: one at first, and twice as many whenever a frame lies
/// beyond the last place. So it holds a whole run in 260 kB, and counting a frame allocates nothing and takes some
/// nanoseconds. It belongs to the thread that presents.
#[derive(Debug, Clone)]
pub struct BlameMap {
    places: Vec<Place>,
    /// Each place has 2^shift frames.
    shift: u32,
    edition: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    shown: u32,
    late: u32,
    dropped: u32,
    causes: [u32; Stage::COUNT],
    worst: Option<Worst>,
}

#[derive(Debug, Clone, Copy)]
struct Worst {
    frame: FrameIndex,
    late_nanos: Option<i64>,
}

impl Place {
    fn is_empty(&self) -> bool {
        self.shown == 0 && self.late == 0 && self.dropped == 0
    }

    fn take(&mut self, worst: Worst) {
        // What was dropped has no lateness, and stands behind all that has one.
        let is_worse = |known: Worst| worst.late_nanos > known.late_nanos;
        if self.worst.is_none_or(is_worse) {
            self.worst = Some(worst);
        }
    }

    fn with(mut self, other: &Self) -> Self {
        self.shown = self.shown.saturating_add(other.shown);
        self.late = self.late.saturating_add(other.late);
        self.dropped = self.dropped.saturating_add(other.dropped);
        for (sum, more) in self.causes.iter_mut().zip(other.causes) {
            *sum = sum.saturating_add(more);
        }
        if let Some(worst) = other.worst {
            self.take(worst);
        }
        self
    }

    /// The cause named most often; the earlier stage of equals.
    fn cause(&self) -> Option<Stage> {
        let counts = Stage::ALL.into_iter().zip(self.causes);
        let more =
            |best: (Stage, u32), next: (Stage, u32)| if next.1 > best.1 { next } else { best };
        let (stage, count) = counts.reduce(more)?;
        (count > 0).then_some(stage)
    }
}

impl Default for BlameMap {
    fn default() -> Self {
        Self {
            places: vec![Place::default(); PLACES],
            shift: 0,
            edition: 0,
        }
    }
}

impl BlameMap {
    /// Counts a frame. Repetitions and pictures that stood in for others are left out: they are no frames that
    /// were due.
    pub fn record(&mut self, record: &FrameRecord) {
        let Ok(frame) = u64::try_from(record.frame.0) else {
            return;
        };
        if record.approximate || record.fate == FrameFate::Repeated {
            return;
        }
        while frame >> self.shift >= PLACES as u64 {
            self.widen();
        }
        let number = usize::try_from(frame >> self.shift).unwrap_or(PLACES);
        let Some(place) = self.places.get_mut(number) else {
            return;
        };
        self.edition += 1;
        let count = match record.fate {
            FrameFate::Late => &mut place.late,
            FrameFate::Dropped => &mut place.dropped,
            FrameFate::Shown | FrameFate::Repeated => {
                place.shown = place.shown.saturating_add(1);
                return;
            }
        };
        *count = count.saturating_add(1);
        if let Some(stage) = record.blame {
            let named = &mut place.causes[stage.index()];
            *named = named.saturating_add(1);
        }
        place.take(Worst {
            frame: record.frame,
            late_nanos: record.lateness_nanos(),
        });
    }

    /// Puts every two places together.
    fn widen(&mut self) {
        for number in 0..PLACES {
            let both = 2 * number;
            let merged = match (self.places.get(both), self.places.get(both + 1)) {
                (Some(one), Some(other)) => one.with(other),
                _ => Place::default(),
            };
            self.places[number] = merged;
        }
        self.shift += 1;
    }

    /// Forgets everything, as for another medium.
    pub fn clear(&mut self) {
        self.places.fill(Place::default());
        self.shift = 0;
        self.edition += 1;
    }

    /// Counts changes.
    pub fn edition(&self) -> u64 {
        self.edition
    }

    /// What is known of the frames around `frame`, if any of them was due.
    pub fn at(&self, frame: FrameIndex) -> Option<BlameSpan> {
        let frame = u64::try_from(frame.0).ok()?;
        self.span(usize::try_from(frame >> self.shift).ok()?)
    }

    /// What is known of `frames`, in order, without those of which nothing is.
    pub fn spans(&self, frames: Range<FrameIndex>) -> impl Iterator<Item = BlameSpan> + '_ {
        let place = |frame: i64| usize::try_from(frame.max(0) >> self.shift).unwrap_or(PLACES);
        let (first, last) = (place(frames.start.0), place(frames.end.0.saturating_sub(1)));
        let is_any = frames.start < frames.end && frames.end > FrameIndex::ZERO;
        let last = if is_any {
            last.min(PLACES - 1) + 1
        } else {
            first
        };
        (first..last).filter_map(|number| self.span(number))
    }

    fn span(&self, number: usize) -> Option<BlameSpan> {
        let place = self.places.get(number).filter(|place| !place.is_empty())?;
        let start = |number: usize| i64::try_from(number).map(|number| number << self.shift);
        let first = FrameIndex(start(number).ok()?);
        Some(BlameSpan {
            first,
            end: FrameIndex(start(number + 1).ok()?),
            shown: place.shown,
            late: place.late,
            dropped: place.dropped,
            cause: place.cause(),
            worst_nanos: place.worst.and_then(|worst| worst.late_nanos),
            worst_frame: place.worst.map_or(first, |worst| worst.frame),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::StageTimes;
    use crate::time::Moment;

    fn record(frame: i64, fate: FrameFate, blame: Option<Stage>, late: i64) -> FrameRecord {
        let due = Moment::from_nanos(1_000_000_000);
        FrameRecord {
            generation: 1,
            ordinal: 0,
            frame: FrameIndex(frame),
            fate,
            blame,
            due,
            presented: (fate != FrameFate::Dropped).then(|| due.offset_nanos(late)),
            stages: StageTimes::NONE,
            awaits_gpu: false,
            approximate: false,
        }
    }

    fn all(map: &BlameMap) -> Vec<BlameSpan> {
        map.spans(FrameIndex::ZERO..FrameIndex(i64::MAX)).collect()
    }

    #[test]
    fn the_commonest_cause_and_the_latest_frame_are_told() {
        let mut map = BlameMap::default();
        map.record(&record(10, FrameFate::Shown, None, 0));
        for (late, stage) in [
            (30, Stage::Decode),
            (90, Stage::Present),
            (50, Stage::Decode),
        ] {
            map.record(&record(11, FrameFate::Late, Some(stage), late));
        }
        map.record(&record(11, FrameFate::Dropped, None, 0));
        let smooth = map.at(FrameIndex(10)).unwrap();
        assert_eq!((smooth.shown, smooth.bad(), smooth.cause), (1, 0, None));
        let bad = map.at(FrameIndex(11)).unwrap();
        assert_eq!((bad.late, bad.dropped, bad.bad()), (3, 1, 4));
        assert_eq!(bad.cause, Some(Stage::Decode));
        assert_eq!(bad.worst_nanos, Some(90));
        assert_eq!(map.at(FrameIndex(12)), None);
        assert_eq!(all(&map), [smooth, bad]);
    }

    #[test]
    fn what_was_not_due_is_not_counted() {
        let mut map = BlameMap::default();
        map.record(&record(3, FrameFate::Repeated, Some(Stage::Decode), 9));
        map.record(&record(-1, FrameFate::Shown, None, 0));
        let stand_in = FrameRecord {
            approximate: true,
            ..record(3, FrameFate::Shown, None, 0)
        };
        map.record(&stand_in);
        assert!(all(&map).is_empty());
    }

    #[test]
    fn a_long_medium_widens_its_places_and_loses_no_frame() {
        let mut map = BlameMap::default();
        map.record(&record(4_095, FrameFate::Late, Some(Stage::Upload), 7));
        map.record(&record(863_136, FrameFate::Dropped, Some(Stage::Demux), 0));
        let [near, far] = all(&map)[..] else {
            panic!("two stretches: {:?}", all(&map));
        };
        assert_eq!(
            (near.worst_frame, near.worst_nanos),
            (FrameIndex(4_095), Some(7))
        );
        assert_eq!(
            (far.worst_frame, far.cause),
            (FrameIndex(863_136), Some(Stage::Demux))
        );
        assert_eq!(near.end.0 - near.first.0, 256);
        map.clear();
        assert!(all(&map).is_empty());
    }

    proptest! {
        #[test]
        fn every_frame_is_counted_where_it_lies(
            frames in proptest::collection::vec(0_i64..2_000_000, 1..60),
        ) {
            let mut map = BlameMap::default();
            for &frame in &frames {
                map.record(&record(frame, FrameFate::Late, Some(Stage::Gpu), frame));
            }
            let spans = all(&map);
            let count: u32 = spans.iter().map(BlameSpan::bad).sum();
            prop_assert_eq!(count as usize, frames.len());
            for span in spans {
                let inside = frames.iter().filter(|frame| (span.first.0..span.end.0).contains(frame));
                prop_assert_eq!(inside.clone().count(), span.bad() as usize);
                prop_assert_eq!(inside.max().copied(), Some(span.worst_frame.0));
            }
        }
    }
}
