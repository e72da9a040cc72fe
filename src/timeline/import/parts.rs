//! What the readers of several formats build alike.

use std::path::Path;
use std::sync::Arc;

use super::ImportError;
use crate::time::{FrameRate, MediaSpan, MediaTime};
use crate::timeline::{
    Child, CompositionKind, Generator, Item, ItemKind, StatedRange, TimeRange, TrackKind,
    Transition, WipeEdge,
};

/// Black.
pub(super) const BLACK: Generator = Generator::Solid([0.0, 0.0, 0.0, 1.0]);

/// `duration` from `start` on, counted at `rate`.
pub(super) fn stated(start: MediaSpan, duration: MediaSpan, rate: FrameRate) -> StatedRange {
    let start = MediaTime::ZERO + start;
    StatedRange {
        range: TimeRange::between(start, start + duration),
        rate,
    }
}

/// A track in the making: children are put at stated times, and what lies between becomes gaps.
#[derive(Debug)]
pub(super) struct TrackBuilder {
    children: Vec<Child>,
    end: MediaSpan,
    rate: FrameRate,
}

impl TrackBuilder {
    /// An empty track, whose gaps count at `rate`.
    pub(super) fn new(rate: FrameRate) -> Self {
        Self {
            children: Vec::new(),
            end: MediaSpan::ZERO,
            rate,
        }
    }

    /// Where the next child begins.
    pub(super) fn end(&self) -> MediaSpan {
        self.end
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// Whether the last child is an item that is no gap.
    pub(super) fn ends_with_content(&self) -> bool {
        matches!(self.children.last(), Some(Child::Item(item)) if item.kind != ItemKind::Gap)
    }

    /// Fills up to `time`; nothing where the track reaches further already.
    pub(super) fn fill_until(&mut self, time: MediaSpan) {
        if time > self.end {
            self.push_gap(time - self.end);
        }
    }

    /// Adds a gap, which may be empty.
    pub(super) fn push_gap(&mut self, duration: MediaSpan) {
        let mut gap = Item::new("", ItemKind::Gap);
        gap.source_range = Some(stated(MediaSpan::ZERO, duration, self.rate));
        self.push(gap, duration);
    }

    /// Adds an item of `duration` at the end.
    pub(super) fn push(&mut self, item: Item, duration: MediaSpan) {
        self.children.push(Child::Item(Arc::new(item)));
        self.end += duration;
    }

    /// Adds children that are in order already and take `duration` together.
    pub(super) fn append(&mut self, children: Vec<Child>, duration: MediaSpan) {
        self.children.extend(children);
        self.end += duration;
    }

    /// Adds a transition at the end.
    pub(super) fn push_transition(&mut self, transition: Transition) {
        self.children.push(Child::Transition(Arc::new(transition)));
    }

    /// The children, in order, and how long they take.
    pub(super) fn into_children(self) -> (Vec<Child>, MediaSpan) {
        (self.children, self.end)
    }

    /// The track.
    pub(super) fn finish(self, name: &str, kind: TrackKind) -> Item {
        Item::new(
            name,
            ItemKind::composition(CompositionKind::Track(kind), self.children),
        )
    }
}

/// Counts items against their limit.
#[derive(Debug)]
pub(super) struct ItemCount<'a> {
    path: &'a Path,
    count: usize,
    limit: usize,
}

impl<'a> ItemCount<'a> {
    /// None so far.
    pub(super) fn new(path: &'a Path, limit: usize) -> Self {
        let count = 0;
        Self { path, count, limit }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// `more` are added.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`] beyond the limit.
    pub(super) fn add(&mut self, more: usize) -> Result<(), ImportError> {
        self.count = self.count.saturating_add(more);
        if self.count <= self.limit {
            return Ok(());
        }
        Err(ImportError::TooLarge {
            path: self.path.to_owned(),
            what: format!("more than {} clips and gaps", self.limit),
            limit: self.limit as u64,
        })
    }
}

/// The wipe that a SMPTE 258M code means, played forwards or backwards. `None` for shapes that the
/// player has no equal of.
pub(super) fn wipe_from_smpte_code(code: u32, reversed: bool) -> Option<WipeEdge> {
    let edge = match (code, reversed) {
        (1, false) => WipeEdge::LeftToRight,
        (1, true) => WipeEdge::RightToLeft,
        (2, false) => WipeEdge::TopToBottom,
        (2, true) => WipeEdge::BottomToTop,
        (3, false) => WipeEdge::BoxTopLeft,
        (4, false) => WipeEdge::BoxTopRight,
        (5, false) => WipeEdge::BoxBottomRight,
        (6, false) => WipeEdge::BoxBottomLeft,
        (21, false) => WipeEdge::BarnDoorVertical,
        (22, false) => WipeEdge::BarnDoorHorizontal,
        (41, false) => WipeEdge::DiagonalTopLeft,
        (42, false) => WipeEdge::DiagonalTopRight,
        (101, false) => WipeEdge::BoxCenter,
        (119, false) => WipeEdge::Circle,
        (201, false) => WipeEdge::Clock,
        _ => return None,
    };
    Some(edge)
}
