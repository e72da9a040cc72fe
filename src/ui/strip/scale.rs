//! Which place along the lanes is which frame, and how the view moves along them.

use std::ops::Range;

use crate::time::FrameIndex;

/// A frame is never wider than this, in points, unless the whole medium is narrower: there is nothing in it to be
/// seen larger.
const MOST_POINTS_A_FRAME: f64 = 96.0;
/// A place this near to a frame's beginning, in frames, is the frame: so much is lost by rounding at most.
const ROUNDING: f64 = 1e-6;
/// Where a playhead that ran out of the view is shown again, in parts of its width.
const LEAD: f64 = 0.08;

/// The view of a medium's frames: places are points from the left end of the lanes.
///
/// A frame covers the places from its own [`Self::x_of`] up to that of the next one. The arithmetic is in 64 bits: at
/// ten hours a place is exact to a millionth of a frame, which 32 bits are not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    /// The frame at the left end, and how much of it is to the left of it.
    first: f64,
    points_a_frame: f64,
    /// Of the lanes, in points.
    width: f64,
    /// Of the medium; at least 1.
    frames: i64,
}

impl Scale {
    /// All of a medium.
    pub(super) fn fitting(frames: i64, width: f32) -> Self {
        let (frames, width) = (frames.max(1), f64::from(width).max(1.0));
        Self {
            first: 0.0,
            points_a_frame: width / frames as f64,
            width,
            frames,
        }
    }

    /// Where `frame` begins.
    pub(super) fn x_of(self, frame: FrameIndex) -> f64 {
        (frame.0 as f64 - self.first) * self.points_a_frame
    }

    /// The frame at a place; it may lie before the first one or after the last.
    pub(super) fn frame_at(self, x: f64) -> FrameIndex {
        let place = self.first + x / self.points_a_frame + ROUNDING;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and no medium is as long"
        )]
        let frame = place.floor() as i64;
        FrameIndex(frame)
    }

    /// The frame nearest to a place that the medium has.
    pub(super) fn frame_within(self, x: f64) -> FrameIndex {
        self.frame_at(x)
            .clamp(FrameIndex::ZERO, FrameIndex(self.frames - 1))
    }

    /// The border between frames that is nearest to a place: the number of the frame after it.
    pub(super) fn border_at(self, x: f64) -> FrameIndex {
        self.frame_at(x + self.points_a_frame / 2.0)
    }

    /// The frames that are seen, in part or whole.
    pub(super) fn visible(self) -> Range<FrameIndex> {
        let last = self.frame_at(self.width).offset(1);
        self.frame_within(0.0)..last.min(FrameIndex(self.frames))
    }

    /// Of the medium.
    pub(super) fn frames(self) -> i64 {
        self.frames
    }

    /// How wide a frame is.
    pub(super) fn points_a_frame(self) -> f64 {
        self.points_a_frame
    }

    /// Of the lanes.
    pub(super) fn width(self) -> f64 {
        self.width
    }

    /// How many frames the view is wide.
    fn across(self) -> f64 {
        self.width / self.points_a_frame
    }

    /// The part of the medium that is seen: from 0 to 1.
    pub(super) fn share(self) -> Range<f64> {
        let all = self.frames as f64;
        self.first / all..((self.first + self.across()) / all).min(1.0)
    }

    /// Whether the beginning of `frame` is seen.
    pub(super) fn shows(self, frame: FrameIndex) -> bool {
        let x = self.x_of(frame);
        (-ROUNDING..self.width).contains(&x)
    }

    /// Larger by `factor`; what is at `x` stays there.
    #[must_use]
    pub(super) fn zoomed(self, factor: f64, x: f64) -> Self {
        let anchor = self.first + x / self.points_a_frame;
        let least = self.width / self.frames as f64;
        let wanted = self.points_a_frame * factor.max(1e-6);
        let points_a_frame = wanted.clamp(least, MOST_POINTS_A_FRAME.max(least));
        Self {
            first: anchor - x / points_a_frame,
            points_a_frame,
            ..self
        }
        .within()
    }

    /// Moved along by so many points.
    #[must_use]
    pub(super) fn scrolled(self, points: f64) -> Self {
        Self {
            first: self.first + points / self.points_a_frame,
            ..self
        }
        .within()
    }

    /// The same part of a medium at another width, or of one that has grown.
    #[must_use]
    pub(super) fn resized(self, frames: i64, width: f32) -> Self {
        let sized = Self {
            frames: frames.max(1),
            width: f64::from(width).max(1.0),
            ..self
        };
        sized.zoomed(1.0, 0.0)
    }

    /// Begins at this part of the medium, 0 to 1.
    #[must_use]
    pub(super) fn beginning_at(self, share: f64) -> Self {
        Self {
            first: share * self.frames as f64,
            ..self
        }
        .within()
    }

    /// With `frame` at the left, or at the right where the playhead runs backwards: most of what comes is seen.
    #[must_use]
    pub(super) fn turned_to(self, frame: FrameIndex, backwards: bool) -> Self {
        let lead = if backwards { 1.0 - LEAD } else { LEAD };
        Self {
            first: frame.0 as f64 - self.across() * lead,
            ..self
        }
        .within()
    }

    /// With `frame` in the middle.
    #[must_use]
    pub(super) fn centred_on(self, frame: FrameIndex) -> Self {
        Self {
            first: frame.0 as f64 - self.across() / 2.0,
            ..self
        }
        .within()
    }

    /// Moved as little as need be for `frame` to be seen.
    #[must_use]
    pub(super) fn reaching(self, frame: FrameIndex) -> Self {
        let (first, last) = (frame.0 as f64 + 1.0 - self.across(), frame.0 as f64);
        Self {
            first: self.first.clamp(first.min(last), last),
            ..self
        }
        .within()
    }

    /// Not beyond the ends of the medium.
    fn within(self) -> Self {
        let last = (self.frames as f64 - self.across()).max(0.0);
        Self {
            first: self.first.clamp(0.0, last),
            ..self
        }
    }
}
