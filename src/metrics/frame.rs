//! The record of one frame.

use std::fmt;

use super::{Stage, StageTimes};
use crate::time::{FrameIndex, Moment};

/// How a frame ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FrameFate {
    /// Seen when it was due.
    Shown,
    /// Seen for longer than it was due, because the next one was not there.
    Repeated,
    /// Seen, but after it was due.
    Late,
    /// Never seen.
    Dropped,
}

impl FrameFate {
    /// Number of fates.
    pub const COUNT: usize = 4;

    /// Every fate.
    pub const ALL: [Self; Self::COUNT] = [Self::Shown, Self::Repeated, Self::Late, Self::Dropped];

    /// The name in reports and in the overlay.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Repeated => "repeated",
            Self::Late => "late",
            Self::Dropped => "dropped",
        }
    }

    /// Place in [`FrameFate::ALL`], for tables by fate.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for FrameFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What became of one frame, and what it cost.
///
/// The thread that presents makes one for each frame that was due: one when it is presented or
/// dropped, and one of fate [`FrameFate::Repeated`] for each refresh that had to show it again. All
/// instants are of the engine's monotonic clock. GPU times arrive frames later: such a record is
/// given to [`FrameLog`](super::FrameLog) with `awaits_gpu` and stays open there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRecord {
    /// Which seek or change of plan it belongs to.
    pub generation: u64,
    /// Place among the frames due in its generation, counted from 0; loops go on counting.
    pub ordinal: u64,
    /// Which frame of the medium.
    pub frame: FrameIndex,
    /// How it ended.
    pub fate: FrameFate,
    /// Why it was repeated, late or dropped, where that is known; `None` for a frame shown in time.
    pub blame: Option<Stage>,
    /// When it should have been seen.
    pub due: Moment,
    /// When it was handed to the display; `None` for a dropped frame.
    pub presented: Option<Moment>,
    /// What it cost, stage by stage.
    pub stages: StageTimes,
    /// Whether its GPU time is still to come.
    pub awaits_gpu: bool,
    /// Whether it stood in for another frame, which was not there yet.
    pub approximate: bool,
}

impl FrameRecord {
    /// How long after it was due it was presented, in nanoseconds; negative when it was early.
    pub fn lateness_nanos(&self) -> Option<i64> {
        self.presented
            .map(|presented| presented.nanos_since(self.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_by_fate_follow_the_order() {
        for (index, fate) in FrameFate::ALL.into_iter().enumerate() {
            assert_eq!(fate.index(), index);
        }
        assert_eq!(format!("{:<9}|", FrameFate::Late), "late     |");
    }

    #[test]
    fn lateness_is_signed() {
        let mut record = FrameRecord {
            generation: 1,
            ordinal: 0,
            frame: FrameIndex(7),
            fate: FrameFate::Shown,
            blame: None,
            due: Moment::from_nanos(1_000),
            presented: Some(Moment::from_nanos(900)),
            stages: StageTimes::NONE,
            awaits_gpu: false,
            approximate: false,
        };
        assert_eq!(record.lateness_nanos(), Some(-100));
        record.presented = None;
        assert_eq!(record.lateness_nanos(), None);
    }
}
