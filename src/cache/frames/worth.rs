//! What a kept frame is worth: how far the playhead is from needing it.
//!
//! The measure is a *cost*, in frames of travel until the frame might be needed; the frame of the
//! highest cost goes first. Whole numbers, so that the same moves always keep the same frames.

use std::collections::VecDeque;
use std::time::Duration;

use crate::decode::Aim;
use crate::time::Moment;

/// A frame that was passed is so many times farther away than one that comes.
const BEHIND: i64 = 2;

/// Places that the playhead was sent to count for less than where it is, by this many frames...
const RECENT: i64 = 8;

/// ... and each place that it was sent to since by so many more: what lies around the playhead is worth
/// more than a little of every place.
const RECENT_AGE: i64 = 8;

/// Places that are remembered.
const MOST_RECENT: usize = 16;

/// A place where the playhead was for less than this was only passed on the way to another.
const STAY: Duration = Duration::from_millis(200);

/// A move of no more than this many frames is play or a step; beyond it is a jump.
const STEP: i64 = 12;

/// Frames of a source that nobody plays go before all of those that somebody does.
const CLOSED: i64 = 1 << 40;

/// Where the playheads of a source are, and have been.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Of each keeper that has told, and since when it is about there.
    aims: Vec<(u64, Aim, Moment)>,
    /// Keepers that live, whether they have told or not.
    keepers: usize,
    /// Where they were sent to before, the latest first.
    recent: VecDeque<i64>,
}

impl Places {
    pub(super) fn open(&mut self) {
        self.keepers += 1;
    }

    pub(super) fn close(&mut self, keeper: u64) {
        self.keepers = self.keepers.saturating_sub(1);
        self.aims.retain(|(id, ..)| *id != keeper);
    }

    /// Whether nobody plays the source.
    pub(super) fn is_closed(&self) -> bool {
        self.keepers == 0
    }

    /// Answers which place it has left, if it stayed there.
    pub(super) fn aim(&mut self, keeper: u64, aim: Aim, now: Moment) -> Option<Aim> {
        let known = self.aims.iter_mut().find(|(id, ..)| *id == keeper);
        let Some((_, old, since)) = known else {
            self.aims.push((keeper, aim, now));
            return None;
        };
        let before = std::mem::replace(old, aim);
        let left = before.frame.0;
        if (left - aim.frame.0).abs() <= STEP {
            return None;
        }
        let stayed = now.since(std::mem::replace(since, now));
        if stayed < STAY {
            return None;
        }
        // A place near another is the same place.
        self.recent.retain(|place| (place - left).abs() > STEP);
        self.recent.push_front(left);
        self.recent.truncate(MOST_RECENT);
        Some(before)
    }

    /// Where a playhead is.
    pub(super) fn any(&self) -> i64 {
        self.aims.first().map_or(0, |(_, aim, _)| aim.frame.0)
    }

    /// Whether all playheads have passed `frame`, and none comes round to it again.
    pub(super) fn is_behind(&self, frame: i64) -> bool {
        let passed = |aim: Aim| travel(frame, aim) < 0 && round(frame, aim).is_none();
        self.aims.iter().all(|(_, aim, _)| passed(*aim))
    }

    /// The cost of `frame`, for a source that was aimed `idle` moves ago.
    pub(super) fn cost(&self, frame: i64, idle: u64) -> i64 {
        let here = self.aims.iter().map(|(_, aim, _)| {
            let travel = travel(frame, *aim);
            let back = if travel < 0 { -travel * BEHIND } else { travel };
            round(frame, *aim).map_or(back, |round| back.min(round))
        });
        let recent = (0i64..).zip(&self.recent).map(|(age, place)| {
            let distance = (frame - place).abs();
            RECENT + distance * BEHIND + age * RECENT_AGE
        });
        let nearest = here.chain(recent).min().unwrap_or(frame.abs());
        let idle = i64::try_from(idle).unwrap_or(CLOSED).min(CLOSED);
        let closed = if self.is_closed() { CLOSED } else { 0 };
        nearest.saturating_add(idle).saturating_add(closed)
    }
}

/// How far the playhead must travel to come to `frame`; negative when it has passed it.
fn travel(frame: i64, aim: Aim) -> i64 {
    if aim.reverse {
        aim.frame.0 - frame
    } else {
        frame - aim.frame.0
    }
}

/// How far it must travel round its lap to come to a frame that it has passed.
fn round(frame: i64, aim: Aim) -> Option<i64> {
    let lap = i64::try_from(aim.lap?).ok()?;
    let travel = travel(frame, aim);
    (-lap..0).contains(&travel).then_some(lap + travel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameIndex;

    fn at(frame: i64, reverse: bool) -> Aim {
        Aim {
            frame: FrameIndex(frame),
            depth: 30,
            reverse,
            passes: false,
            lap: None,
        }
    }

    fn places(aims: &[Aim]) -> Places {
        let mut places = Places::default();
        places.open();
        for (aim, seconds) in aims.iter().zip(0..) {
            places.aim(1, *aim, Moment::ZERO + Duration::from_secs(seconds));
        }
        places
    }

    #[test]
    fn what_comes_is_worth_more_than_what_was_passed() {
        let forward = places(&[at(100, false)]);
        assert!(forward.cost(120, 0) < forward.cost(89, 0));
        assert!(forward.cost(120, 0) > forward.cost(91, 0));
        assert!(forward.is_behind(99) && !forward.is_behind(100));
        let reverse = places(&[at(100, true)]);
        assert!(reverse.cost(80, 0) < reverse.cost(111, 0));
        assert!(reverse.is_behind(101) && !reverse.is_behind(99));
    }

    #[test]
    fn in_a_lap_what_was_passed_comes_again() {
        let lap = |frame, reverse| Aim {
            lap: Some(50),
            ..at(frame, reverse)
        };
        for (around, far, near) in [
            (places(&[lap(140, false)]), 102, 96),
            (places(&[lap(10, true)]), 48, 54),
        ] {
            assert!(!around.is_behind(far) && !around.is_behind(near + 2));
            assert_eq!(around.cost(far, 0), 12, "twelve frames of the next lap");
            assert!(around.cost(near, 0) < around.cost(far, 0));
        }
        let forward = places(&[lap(140, false)]);
        assert_eq!(forward.cost(139, 0), 2, "a step back");
        assert!(forward.is_behind(89), "before the lap");
    }

    #[test]
    fn places_that_were_left_count_for_a_while() {
        let jumped = places(&[at(100, false), at(1000, false)]);
        assert!(jumped.cost(110, 0) < jumped.cost(300, 0));
        assert!(jumped.cost(110, 0) > jumped.cost(1010, 0));
        let played = places(&[at(100, false), at(101, false), at(102, false)]);
        assert!(played.recent.is_empty(), "play leaves no places behind");
    }

    #[test]
    fn places_on_the_way_are_not_remembered() {
        let mut flung = Places::default();
        flung.open();
        for (frame, millis) in [(100, 0), (200, 900), (300, 933), (400, 966), (1000, 1_000)] {
            flung.aim(
                1,
                at(frame, false),
                Moment::ZERO + Duration::from_millis(millis),
            );
        }
        assert_eq!(flung.recent, [100]);
    }

    #[test]
    fn sources_that_stand_still_go_first() {
        let mut places = places(&[at(100, false)]);
        assert!(places.cost(100, 500) > places.cost(200, 0));
        places.close(1);
        assert!(places.is_closed());
        assert!(places.cost(100, 0) >= CLOSED);
    }
}
