//! Which frames around the playhead are at hand, for people to see.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use crate::time::{FrameIndex, Moment};

/// How often it is looked at most: each look asks for hundreds of frames.
const EVERY: Duration = Duration::from_millis(500);

/// Frames on either side of the playhead that are asked for. What is kept lies around it.
const NEAR: i64 = 240;

/// What was found last.
#[derive(Debug, Default)]
pub(in crate::playback) struct KeptLook {
    ranges: Arc<Vec<Range<FrameIndex>>>,
    /// Not before this is it looked again.
    next: Option<Moment>,
    /// Whether something may have changed since the last look.
    is_due: bool,
}

impl Engine {
    /// Looks again, where the last time is long enough ago, and answers what was found. A hand that drags the
    /// playhead is not kept waiting for it.
    pub(super) fn look_at_kept(&mut self, now: Moment) -> Arc<Vec<Range<FrameIndex>>> {
        let is_early = self.kept.next.is_some_and(|next| now < next);
        self.kept.is_due = is_early;
        if is_early || self.scrub.is_some() {
            return Arc::clone(&self.kept.ranges);
        }
        let near = self.position();
        let medium = self.medium.as_ref();
        let source = medium.and_then(|medium| medium.source.as_ref());
        let ranges = source.map_or_else(Vec::new, |source| {
            source.kept(near.offset(-NEAR)..near.offset(NEAR + 1))
        });
        self.kept.next = Some(now + EVERY);
        if ranges != *self.kept.ranges {
            self.kept.ranges = Arc::new(ranges);
            // More may come.
            self.kept.is_due = true;
        }
        Arc::clone(&self.kept.ranges)
    }

    /// When it has to be looked again, though nothing else happens.
    pub(super) fn next_look_at_kept(&self) -> Option<Moment> {
        self.kept
            .next
            .filter(|_| self.kept.is_due && self.scrub.is_none())
    }
}
