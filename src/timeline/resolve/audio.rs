//! What is heard.

use super::{ClipId, SourceId};
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::{Ratio, TimeRange};

/// A clip's sound in the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioUse {
    /// The use of the medium.
    pub clip: ClipId,
    /// The medium.
    pub source: SourceId,
    /// When it is heard, in timeline time, exact; what transitions add is included.
    pub range: TimeRange,
    /// Its source time, piece by piece, in order, within `range`. Where none holds (a still), it is
    /// silent.
    pub pieces: Box<[AudioPiece]>,
    /// Where its level rises or falls: its own transitions', and those of what it is nested in. All
    /// multiply.
    pub fades: Box<[AudioFade]>,
    /// Its level otherwise.
    pub gain: f32,
}

/// A stretch of sound at one speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioPiece {
    /// When it is heard, in timeline time.
    pub range: TimeRange,
    /// Source time at the beginning of `range`, as the timeline states it.
    pub media: MediaTime,
    /// Source time that passes in a unit of timeline time; negative backwards, never zero.
    pub speed: Ratio,
}

impl AudioPiece {
    /// The source time heard at `time` of the timeline, rounded to the nearest flick.
    pub fn media_at(&self, time: MediaTime) -> MediaTime {
        self.media + self.speed.of(time - self.range.start)
    }
}

/// A change of level over a transition's whole overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AudioFade {
    /// When, in timeline time. It may reach beyond what is heard of the clip.
    pub range: TimeRange,
    /// From silence to full level, or back. The curve is the mixer's to choose.
    pub rising: bool,
}

impl AudioFade {
    /// How far it has come at `time`, as a level: 0 is silence, 1 full level, straight between.
    pub fn level_at(&self, time: MediaTime) -> f32 {
        let passed = part_of(time - self.range.start, self.range.duration);
        if self.rising { passed } else { 1.0 - passed }
    }
}

/// `part` of `whole`, from 0 to 1. 1 where there is no whole.
#[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
pub(super) fn part_of(part: MediaSpan, whole: MediaSpan) -> f32 {
    if whole <= MediaSpan::ZERO {
        return 1.0;
    }
    (part.flicks() as f64 / whole.flicks() as f64).clamp(0.0, 1.0) as f32
}
