//! Time along a width, and which part of it is in view.

/// The shortest part of a frame that can be looked at: below it scopes measure themselves.
const SHORTEST_NANOS: f64 = 200.0;

/// The part of a frame that is in view, in nanoseconds since the frame's start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) start_nanos: f64,
    pub(super) nanos: f64,
}

impl Window {
    /// All of a frame that lasts so long.
    pub(super) fn whole(duration_nanos: u64) -> Self {
        Self {
            start_nanos: 0.0,
            nanos: (duration_nanos as f64).max(SHORTEST_NANOS),
        }
    }

    /// A stretch, with a little room at both ends.
    pub(super) fn around(start_nanos: u64, nanos: u64, duration_nanos: u64) -> Self {
        let margin = nanos as f64 * 0.04;
        Self {
            start_nanos: start_nanos as f64 - margin,
            nanos: margin.mul_add(2.0, nanos as f64),
        }
        .within(duration_nanos)
    }

    /// Moved and shortened until it lies within the frame.
    pub(super) fn within(self, duration_nanos: u64) -> Self {
        let whole = Self::whole(duration_nanos);
        let nanos = self.nanos.clamp(SHORTEST_NANOS, whole.nanos);
        Self {
            start_nanos: self.start_nanos.clamp(0.0, whole.nanos - nanos),
            nanos,
        }
    }

    /// The moment in the middle.
    pub(super) fn middle(self) -> f64 {
        self.nanos.mul_add(0.5, self.start_nanos)
    }

    /// Shows `factor` times as much, with the moment `anchor_nanos` staying where it is.
    pub(super) fn zoomed(self, factor: f64, anchor_nanos: f64, duration_nanos: u64) -> Self {
        let whole = Self::whole(duration_nanos);
        let nanos = (self.nanos * factor).clamp(SHORTEST_NANOS, whole.nanos);
        let share = (anchor_nanos - self.start_nanos) / self.nanos;
        Self {
            start_nanos: nanos.mul_add(-share, anchor_nanos),
            nanos,
        }
        .within(duration_nanos)
    }

    /// Moves by a share of what is in view.
    pub(super) fn moved(self, share: f64, duration_nanos: u64) -> Self {
        Self {
            start_nanos: self.nanos.mul_add(share, self.start_nanos),
            ..self
        }
        .within(duration_nanos)
    }
}

/// A window laid along a width in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    pub(super) left: f32,
    pub(super) width: f32,
    pub(super) window: Window,
}

impl Axis {
    /// Where a moment is. What is far out of view is put just out of view, where points are still exact.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a place on screen, in points"
    )]
    pub(super) fn x_of(&self, nanos: f64) -> f32 {
        let share = (nanos - self.window.start_nanos) / self.window.nanos;
        (share.clamp(-1.0, 2.0) as f32).mul_add(self.width, self.left)
    }

    /// The moment at a place.
    pub(super) fn nanos_at(&self, x: f32) -> f64 {
        let share = f64::from(x - self.left) / f64::from(self.width.max(1.0));
        share.mul_add(self.window.nanos, self.window.start_nanos)
    }
}
