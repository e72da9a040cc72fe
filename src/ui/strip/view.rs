//! Which part of the medium is seen: what a hand made of it, and the playhead that is kept in sight.

use crate::playback::Snapshot;
use crate::time::FrameIndex;

use super::scale::Scale;

/// The view over time.
#[derive(Default)]
pub(super) struct View {
    scale: Option<Scale>,
    /// The whole medium is seen, and is to be however wide the panel is.
    fits: bool,
    /// A person has moved the view away from the playhead.
    is_away: bool,
    /// Where the playhead was in the pass before.
    head: Option<FrameIndex>,
}

impl View {
    /// Shows all of another medium.
    pub(super) fn begin(&mut self) {
        *self = Self {
            fits: true,
            ..Self::default()
        };
    }

    /// The scale of lanes of this width, for a medium of so many frames.
    pub(super) fn settle(&mut self, frames: i64, width: f32) -> Scale {
        let scale = match self.scale {
            Some(scale) if !self.fits => scale.resized(frames, width),
            _ => Scale::fitting(frames, width),
        };
        *self.scale.insert(scale)
    }

    /// Keeps the playhead, which is at `head`, in sight: while it plays, and where it went to.
    ///
    /// Who has moved the view away sees other places until the playhead comes into sight by itself or goes
    /// elsewhere. Played, the view turns like a page, for one that glides cannot be read. Held by a hand, it moves
    /// as little as need be, so that a hand beyond the edge draws it along.
    pub(super) fn follow(&mut self, head: FrameIndex, is_held: bool, snapshot: &Snapshot) {
        let Some(scale) = self.scale else { return };
        let before = self.head.replace(head);
        if scale.shows(head) {
            self.is_away = false;
            return;
        }
        let moves = before.is_some_and(|before| before != head);
        let plays = snapshot.is_running();
        let next = if is_held {
            scale.reaching(head)
        } else if plays && !self.is_away {
            scale.turned_to(head, snapshot.speed.is_reverse())
        } else if moves && !plays {
            scale.centred_on(head)
        } else {
            return;
        };
        self.is_away = false;
        self.scale = Some(next);
    }

    /// The scale as it is now.
    pub(super) fn scale(&self) -> Option<Scale> {
        self.scale
    }

    /// A person moves the view.
    pub(super) fn change(&mut self, change: impl FnOnce(Scale) -> Scale) {
        let Some(scale) = self.scale else { return };
        let next = change(scale);
        self.scale = Some(next);
        let share = next.share();
        self.fits = share.start <= 0.0 && share.end >= 1.0;
        // Where a part of its frame is seen, it was not meant to be left.
        self.is_away = self
            .head
            .is_some_and(|head| !next.visible().contains(&head));
    }

    /// Shows all of the medium.
    pub(super) fn fit(&mut self) {
        let whole = |scale: Scale| {
            #[expect(clippy::cast_possible_truncation, reason = "it was one")]
            let width = scale.width() as f32;
            Scale::fitting(scale.frames(), width)
        };
        self.change(whole);
    }
}
