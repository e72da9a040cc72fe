//! What a session is asked to play, and the time line it plays along.

use crate::time::{MediaSpan, MediaTime};

/// Counts seeks and other changes of plan. Work of an older generation is dropped wherever it is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What happens at the end of the range that plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LoopMode {
    /// Stop on the last frame, or go on to the next file.
    #[default]
    Off,
    /// Start again from the other end.
    Loop,
    /// Turn round.
    PingPong,
}

/// Maps run time to media time.
///
/// Run time is the length of media played since a generation began, at normal speed, always growing:
/// loops go on counting and reverse play counts up as well. Pictures and sound are both stamped with
/// it, so a clock only needs `anchor + elapsed * |speed|`, whatever the transport does.
///
/// Ping-pong mirrors time at both ends, so the frame at an end is shown twice in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunMap {
    /// Media time at run time zero; within `first..=end`.
    pub start: MediaTime,
    /// Start of the range that plays.
    pub first: MediaTime,
    /// End of the range, exclusive.
    pub end: MediaTime,
    /// Whether time first runs backwards.
    pub reverse: bool,
    /// What happens at the ends.
    pub repeat: LoopMode,
}

/// Where a run time falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunPoint {
    /// Media time.
    pub media: MediaTime,
    /// Whether time runs backwards there.
    pub reverse: bool,
    /// Run time that is left until the next jump, turn or end.
    pub until_boundary: MediaSpan,
    /// Whether the range has been played to its end; `media` is then that end.
    pub ended: bool,
}

impl RunMap {
    /// Where `run` falls. Negative run times count as zero.
    pub fn at(&self, run: MediaSpan) -> RunPoint {
        let length = (self.end - self.first).flicks().max(1);
        let run = run.flicks().max(0);
        // Distance travelled from the end that this direction starts at.
        let travelled = if self.reverse {
            (self.end - self.start).flicks() + run
        } else {
            (self.start - self.first).flicks() + run
        };
        let (lap, along) = (travelled.div_euclid(length), travelled.rem_euclid(length));
        if self.repeat == LoopMode::Off && lap > 0 {
            let media = if self.reverse { self.first } else { self.end };
            return RunPoint {
                media,
                reverse: self.reverse,
                until_boundary: MediaSpan::ZERO,
                ended: true,
            };
        }
        let turned = self.repeat == LoopMode::PingPong && lap % 2 == 1;
        let reverse = self.reverse != turned;
        let along_span = MediaSpan::from_flicks(along);
        RunPoint {
            media: if reverse { self.end - along_span } else { self.first + along_span },
            reverse,
            until_boundary: MediaSpan::from_flicks(length - along),
            ended: false,
        }
    }
}
