//! Half-open ranges of time.

use crate::time::{FrameRate, MediaSpan, MediaTime};

/// The instants from `start`, `duration` long, the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TimeRange {
    /// First instant.
    pub start: MediaTime,
    /// Length; never negative.
    pub duration: MediaSpan,
}

impl TimeRange {
    /// From `start` up to `end`, which is raised to `start` where it lies before.
    pub fn between(start: MediaTime, end: MediaTime) -> Self {
        Self {
            start,
            duration: (end - start).max(MediaSpan::ZERO),
        }
    }

    /// The first instant after it.
    pub fn end(&self) -> MediaTime {
        self.start + self.duration
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.duration <= MediaSpan::ZERO
    }

    /// Whether `time` lies in it.
    pub fn contains(&self, time: MediaTime) -> bool {
        self.start <= time && time < self.end()
    }

    /// What it has in common with `other`; `None` where they do not meet.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (start, end) = (self.start.max(other.start), self.end().min(other.end()));
        (start < end).then(|| Self::between(start, end))
    }

    /// The same length, `by` later.
    #[must_use]
    pub fn shifted(&self, by: MediaSpan) -> Self {
        Self {
            start: self.start + by,
            duration: self.duration,
        }
    }
}

/// A range as a file states it: with the rate that its times are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatedRange {
    /// The range.
    pub range: TimeRange,
    /// Units a second of the numbers in the file: frames, or samples for sound.
    pub rate: FrameRate,
}
