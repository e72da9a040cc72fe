//! Targets of a drag on their way to the engine: one for each refresh.

use crate::playback::SeekTarget;
use crate::time::Moment;

/// Lets one target through for each refresh of the display, and of those that come between the latest.
/// A mouse reports a thousand times a second; nobody sees more than the display shows.
#[derive(Debug, Default)]
pub(super) struct Moves {
    sent: Option<Moment>,
    waits: Option<SeekTarget>,
}

/// Part of a refresh after which the next target may go: passes of the interface come a little early or
/// late, and one that is early by a hair must not wait for another refresh.
const PART: (i64, i64) = (3, 4);

impl Moves {
    /// Takes a target at `now`, on a display whose refreshes last `period_nanos`. Answers it if it may
    /// go at once.
    pub(super) fn take(
        &mut self,
        target: SeekTarget,
        now: Moment,
        period_nanos: i64,
    ) -> Option<SeekTarget> {
        self.waits = Some(target);
        let may_go = self.due(period_nanos).is_none_or(|due| due <= now);
        if may_go { self.release(now) } else { None }
    }

    /// When the target that waits may go.
    pub(super) fn due(&self, period_nanos: i64) -> Option<Moment> {
        let sent = self.sent.filter(|_| self.waits.is_some())?;
        Some(sent.offset_nanos(period_nanos * PART.0 / PART.1))
    }

    /// The target that waits, to be sent at `now`.
    pub(super) fn release(&mut self, now: Moment) -> Option<SeekTarget> {
        let target = self.waits.take()?;
        self.sent = Some(now);
        Some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameIndex;

    #[test]
    fn one_target_goes_in_a_refresh_and_the_latest_follows() {
        let mut moves = Moves::default();
        let target = |n| SeekTarget::Frame(FrameIndex(n));
        let at = |millis: u64| Moment::from_nanos(millis * 1_000_000);
        let period = 16_000_000;
        assert_eq!(moves.take(target(1), at(100), period), Some(target(1)));
        assert_eq!(moves.due(period), None);
        assert_eq!(moves.take(target(2), at(101), period), None);
        assert_eq!(moves.take(target(3), at(105), period), None);
        assert_eq!(moves.due(period), Some(at(112)));
        assert_eq!(moves.release(at(112)), Some(target(3)));
        assert_eq!(moves.release(at(112)), None);
        assert_eq!(moves.take(target(4), at(128), period), Some(target(4)));
    }
}
