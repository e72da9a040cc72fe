//! Which kept picture is likely to be wanted again, and how soon.

use crate::time::FrameIndex;

/// Where a picture was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Stands for the medium.
    pub medium: u64,
    /// The medium's frame.
    pub frame: FrameIndex,
}

/// How the playhead goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Course {
    /// Anywhere, but likely near: it stands still, steps or is dragged.
    #[default]
    Anywhere,
    /// On, and not back again.
    Onwards {
        /// Towards the beginning.
        reverse: bool,
    },
    /// Through a range again and again.
    Round {
        /// The first frame of the range.
        first: FrameIndex,
        /// The last one.
        last: FrameIndex,
        /// Towards the beginning.
        reverse: bool,
        /// Whether it turns at the ends instead of jumping to the other one.
        turns: bool,
    },
}

/// Where the playhead is, and how it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outlook {
    /// What is on screen.
    pub place: Place,
    /// What comes next.
    pub course: Course,
}

impl Outlook {
    /// Pictures that are kept while the playhead goes where it has not been: what a person who stops wants
    /// to step back to. More would only take memory that nothing comes back to.
    const BEHIND: usize = 12;

    /// A range that holds more than this many times the pictures that there is room for is gone through as
    /// if it had no end: most of them would not be there any more.
    const LONGEST_ROUND: u64 = 4;

    /// How soon a picture that was seen at `place` is likely to be wanted: the greater, the later. In
    /// frames, where frames can tell.
    pub(super) fn distance(&self, place: Place) -> u64 {
        if place.medium != self.place.medium {
            return u64::MAX;
        }
        let ahead = place.frame.0.saturating_sub(self.place.frame.0);
        let along = |reverse: bool| {
            if reverse {
                ahead.saturating_neg()
            } else {
                ahead
            }
        };
        match self.course {
            Course::Anywhere | Course::Round { turns: true, .. } => ahead.unsigned_abs(),
            Course::Onwards { reverse } => {
                let along = along(reverse);
                // What lies behind is wanted when the playhead turns: half as likely.
                let weight = if along < 0 { 2 } else { 1 };
                along.unsigned_abs().saturating_mul(weight)
            }
            Course::Round {
                first,
                last,
                reverse,
                turns: false,
            } => {
                if place.frame < first || place.frame > last {
                    return u64::MAX - 1;
                }
                // What was just seen comes again last of all: the least useful of all.
                let length = last.0.saturating_sub(first.0).saturating_add(1).max(1);
                along(reverse).rem_euclid(length).unsigned_abs()
            }
        }
    }

    /// How many pictures are worth memory, where there is room for `room`.
    pub(super) fn worth_keeping(&self, room: u64) -> usize {
        let goes_on = match self.course {
            Course::Anywhere => false,
            Course::Onwards { .. } => true,
            Course::Round { first, last, .. } => {
                let length = last.0.saturating_sub(first.0).max(0).unsigned_abs();
                length / Self::LONGEST_ROUND >= room
            }
        };
        if goes_on { Self::BEHIND } else { usize::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: i64) -> Place {
        Place {
            medium: 1,
            frame: FrameIndex(frame),
        }
    }

    fn order(course: Course, frames: &[i64]) -> Vec<i64> {
        let outlook = Outlook {
            place: at(10),
            course,
        };
        let mut frames = frames.to_vec();
        frames.sort_by_key(|frame| outlook.distance(at(*frame)));
        frames
    }

    #[test]
    fn what_comes_next_is_the_most_useful() {
        let anywhere = order(Course::Anywhere, &[0, 8, 11, 30]);
        assert_eq!(anywhere, [11, 8, 0, 30]);
        let onwards = order(Course::Onwards { reverse: false }, &[0, 8, 13, 19]);
        assert_eq!(onwards, [13, 8, 19, 0]);
        let back = order(Course::Onwards { reverse: true }, &[4, 8, 13, 19]);
        assert_eq!(back, [8, 4, 13, 19]);
        let round = |reverse, turns| Course::Round {
            first: FrameIndex(5),
            last: FrameIndex(20),
            reverse,
            turns,
        };
        assert_eq!(
            order(round(false, false), &[4, 5, 9, 10, 11, 20]),
            [10, 11, 20, 5, 9, 4]
        );
        assert_eq!(
            order(round(true, false), &[5, 9, 10, 11, 20, 21]),
            [10, 9, 5, 20, 11, 21]
        );
        assert_eq!(order(round(false, true), &[5, 9, 18]), [9, 5, 18]);
    }

    #[test]
    fn another_medium_is_the_least_useful() {
        let outlook = Outlook {
            place: at(10),
            course: Course::Anywhere,
        };
        let elsewhere = Place {
            medium: 2,
            ..at(10)
        };
        assert!(outlook.distance(elsewhere) > outlook.distance(at(i64::MAX)));
    }

    #[test]
    fn what_never_comes_back_is_hardly_kept() {
        let worth = |course, room| {
            let outlook = Outlook {
                place: at(0),
                course,
            };
            outlook.worth_keeping(room)
        };
        assert_eq!(worth(Course::Anywhere, 3), usize::MAX);
        let few = worth(Course::Onwards { reverse: false }, 1000);
        assert!(few < 100);
        let round = |last| Course::Round {
            first: FrameIndex(0),
            last: FrameIndex(last),
            reverse: false,
            turns: false,
        };
        assert_eq!(worth(round(199), 50), usize::MAX);
        assert_eq!(worth(round(200), 50), few);
        assert_eq!(worth(round(-1), 0), few);
    }
}
