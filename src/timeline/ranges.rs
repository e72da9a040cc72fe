//! Where the parts of an edit lie in time: OpenTimelineIO's algebra of ranges, in exact flicks.
//!
//! Each item has a time of its own. A clip's is its medium's; a composition's begins at zero, and its
//! children lie in it. The *available* range is all there is, the *trimmed* range is the part used,
//! and its length is what the item takes up in its parent. Nothing is cached: a walk over a
//! composition with [`Item::placed_children`] costs each child once, and each child that is a
//! composition as much as it holds.

use super::{
    Child, Clip, Composition, CompositionKind, Effect, Item, ItemKind, TimeRange, Timeline,
    TrackKind,
};
use crate::time::{MediaSpan, MediaTime};

/// A child of a composition and where it lies in the composition's own time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacedChild<'a> {
    /// It.
    pub child: &'a Child,
    /// All that it takes up. A transition reaches from before its cut to after it.
    pub range: TimeRange,
    /// What the composition's source range leaves of that; `None` where that is nothing.
    pub trimmed: Option<TimeRange>,
}

impl Item {
    /// The factor for the level of its sound, and of all that is in it.
    pub fn gain(&self) -> f32 {
        let factor = |effect: &Effect| match effect {
            Effect::Gain(factor) => *factor,
            _ => 1.0,
        };
        self.effects.iter().map(factor).product()
    }

    /// All that there is of it, in its own time. `None` for a clip whose medium's extent the file
    /// does not state, and for a gap without a range.
    pub fn available_range(&self) -> Option<TimeRange> {
        match &self.kind {
            ItemKind::Clip(clip) => clip.available_range(),
            ItemKind::Gap => self.source_range.map(|stated| stated.range),
            ItemKind::Composition(composition) => Some(composition.available_range()),
        }
    }

    /// The part of its own time that is used: the source range, or else the available one. Empty, at
    /// zero, where neither is stated.
    pub fn trimmed_range(&self) -> TimeRange {
        match self.source_range {
            Some(stated) => stated.range,
            None => self.available_range().unwrap_or_default(),
        }
    }

    /// How long it is in its parent. Effects do not change that: what they map is the source's time.
    pub fn duration(&self) -> MediaSpan {
        self.trimmed_range().duration
    }

    /// The composition that it is, if it is one.
    pub fn composition(&self) -> Option<&Composition> {
        match &self.kind {
            ItemKind::Composition(composition) => Some(composition),
            ItemKind::Clip(_) | ItemKind::Gap => None,
        }
    }

    /// Its children in order, with their places in its own time. None where it is no composition.
    pub fn placed_children(&self) -> PlacedChildren<'_> {
        let composition = self.composition();
        PlacedChildren {
            children: composition.map_or(&[], |composition| &composition.children),
            is_stack: composition.is_some_and(|some| some.kind == CompositionKind::Stack),
            source_range: self.source_range.map(|stated| stated.range),
            at: MediaTime::ZERO,
        }
    }

    /// Clips in it, on all levels, itself included.
    pub fn clip_count(&self) -> usize {
        match &self.kind {
            ItemKind::Clip(_) => 1,
            ItemKind::Gap => 0,
            ItemKind::Composition(composition) => composition.items().map(Self::clip_count).sum(),
        }
    }
}

impl Clip {
    /// The extent of the medium in use, where stated.
    pub fn available_range(&self) -> Option<TimeRange> {
        self.active_reference()?
            .available()
            .map(|stated| stated.range)
    }
}

impl Child {
    /// How long it is in its parent. A transition's two sides together, though it takes up no time
    /// of its own.
    pub fn duration(&self) -> MediaSpan {
        match self {
            Self::Item(item) => item.duration(),
            Self::Transition(transition) => transition.in_offset + transition.out_offset,
        }
    }
}

impl Composition {
    /// All of it, from zero. A stack is as long as its longest child; a track as all its items
    /// together, and as the outer halves of transitions that begin or end it.
    pub fn available_range(&self) -> TimeRange {
        let duration = match self.kind {
            CompositionKind::Stack => {
                let longest = self.children.iter().map(Child::duration).max();
                longest.unwrap_or_default()
            }
            CompositionKind::Track(_) => {
                let items = self.items().map(Item::duration);
                let items = items.fold(MediaSpan::ZERO, |sum, duration| sum + duration);
                let head = match self.children.first() {
                    Some(Child::Transition(transition)) => transition.in_offset,
                    _ => MediaSpan::ZERO,
                };
                let tail = match self.children.last() {
                    Some(Child::Transition(transition)) => transition.out_offset,
                    _ => MediaSpan::ZERO,
                };
                items + head + tail
            }
        };
        TimeRange {
            start: MediaTime::ZERO,
            duration,
        }
    }

    /// The items among its children.
    pub fn items(&self) -> impl Iterator<Item = &super::Item> {
        self.children.iter().filter_map(|child| match child {
            Child::Item(item) => Some(&**item),
            Child::Transition(_) => None,
        })
    }
}

impl Timeline {
    /// How long it is.
    pub fn duration(&self) -> MediaSpan {
        self.root.duration()
    }

    /// Tracks of a kind, on the top level.
    pub fn track_count(&self, kind: TrackKind) -> usize {
        let children = self.root.composition().into_iter();
        children
            .flat_map(Composition::items)
            .filter(|item| {
                let composition = item.composition();
                composition.is_some_and(|some| some.kind == CompositionKind::Track(kind))
            })
            .count()
    }

    /// Clips in it, on all levels.
    pub fn clip_count(&self) -> usize {
        self.root.clip_count()
    }
}

/// Walks over a composition's children; see [`Item::placed_children`].
#[derive(Debug, Clone)]
pub struct PlacedChildren<'a> {
    children: &'a [Child],
    is_stack: bool,
    source_range: Option<TimeRange>,
    /// Where the next item of a track begins.
    at: MediaTime,
}

impl PlacedChildren<'_> {
    fn trimmed(&self, range: TimeRange) -> Option<TimeRange> {
        let Some(used) = self.source_range else {
            return Some(range);
        };
        if self.is_stack {
            // Here OpenTimelineIO moves the child to where the source range begins.
            return Some(TimeRange {
                start: used.start,
                duration: range.duration.min(used.duration),
            });
        }
        range.intersection(&used)
    }
}

impl<'a> Iterator for PlacedChildren<'a> {
    type Item = PlacedChild<'a>;

    fn next(&mut self) -> Option<PlacedChild<'a>> {
        let (child, rest) = self.children.split_first()?;
        self.children = rest;
        let mut range = TimeRange {
            start: self.at,
            duration: child.duration(),
        };
        match child {
            Child::Item(_) if !self.is_stack => self.at = range.end(),
            Child::Transition(transition) if !self.is_stack => {
                range = range.shifted(-transition.in_offset);
            }
            _ => {}
        }
        let trimmed = self.trimmed(range);
        Some(PlacedChild {
            child,
            range,
            trimmed,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.children.len(), Some(self.children.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::time::FrameRate;
    use crate::timeline::{Metadata, StatedRange, Transition, TransitionKind};

    fn range(start: i64, secs: i64) -> TimeRange {
        TimeRange {
            start: MediaTime::ZERO + MediaSpan::from_secs(start),
            duration: MediaSpan::from_secs(secs),
        }
    }

    fn item(kind: ItemKind, source: Option<TimeRange>) -> Child {
        let rate = FrameRate::new(24, 1).unwrap();
        Child::Item(Arc::new(Item {
            source_range: source.map(|range| StatedRange { range, rate }),
            ..Item::new("", kind)
        }))
    }

    fn gap(secs: i64) -> Child {
        item(ItemKind::Gap, Some(range(7, secs)))
    }

    fn dissolve(before: i64, after: i64) -> Child {
        Child::Transition(Arc::new(Transition {
            name: "".into(),
            kind: TransitionKind::Dissolve,
            in_offset: MediaSpan::from_secs(before),
            out_offset: MediaSpan::from_secs(after),
            metadata: Metadata::NONE,
        }))
    }

    fn group(
        kind: CompositionKind,
        children: Vec<Child>,
        source: Option<TimeRange>,
    ) -> Arc<super::super::Item> {
        match item(ItemKind::composition(kind, children), source) {
            Child::Item(item) => item,
            Child::Transition(_) => unreachable!(),
        }
    }

    const TRACK: CompositionKind = CompositionKind::Track(TrackKind::Video);

    #[test]
    fn items_of_a_track_follow_one_another_and_transitions_lie_across_the_cut() {
        let children = vec![gap(4), dissolve(1, 2), gap(5), gap(0), gap(3)];
        let track = group(TRACK, children.clone(), Some(range(2, 8)));
        let places: Vec<_> = track
            .placed_children()
            .map(|placed| (placed.range, placed.trimmed))
            .collect();
        assert_eq!(
            places,
            [
                (range(0, 4), Some(range(2, 2))),
                (range(3, 3), Some(range(3, 3))),
                (range(4, 5), Some(range(4, 5))),
                (range(9, 0), None),
                (range(9, 3), Some(range(9, 1))),
            ]
        );
        assert_eq!(track.available_range(), Some(range(0, 12)));
        assert_eq!(track.trimmed_range(), range(2, 8));
        let whole = group(TRACK, children, None);
        assert_eq!(whole.trimmed_range(), range(0, 12));
    }

    #[test]
    fn a_track_is_longer_by_the_outer_sides_of_transitions_at_its_ends() {
        let track = group(TRACK, vec![dissolve(1, 2), gap(5), dissolve(3, 4)], None);
        assert_eq!(track.trimmed_range(), range(0, 1 + 5 + 4));
        let starts: Vec<_> = track.placed_children().map(|child| child.range).collect();
        assert_eq!(starts, [range(-1, 3), range(0, 5), range(2, 7)]);
    }

    #[test]
    fn a_stack_is_as_long_as_its_longest_child() {
        let track = Child::Item(group(TRACK, vec![gap(9)], None));
        let stack = group(
            CompositionKind::Stack,
            vec![gap(4), track],
            Some(range(3, 5)),
        );
        assert_eq!(stack.available_range(), Some(range(0, 9)));
        assert_eq!(stack.duration(), MediaSpan::from_secs(5));
        let trimmed: Vec<_> = stack
            .placed_children()
            .map(|child| child.trimmed.unwrap())
            .collect();
        assert_eq!(trimmed, [range(3, 4), range(3, 5)]);
    }

    #[test]
    fn what_states_no_range_takes_up_no_time() {
        let clip = item(
            ItemKind::Clip(Box::new(Clip {
                references: Vec::new(),
                active: 0,
            })),
            None,
        );
        let track = group(TRACK, vec![clip, gap(1)], None);
        assert_eq!(track.duration(), MediaSpan::from_secs(1));
        assert_eq!(track.clip_count(), 1);
        let empty = group(CompositionKind::Stack, Vec::new(), None);
        assert_eq!(empty.duration(), MediaSpan::ZERO);
    }
}
