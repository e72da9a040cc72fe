//! Where the children of compositions lie in time, transitions included.

use std::collections::HashMap;
use std::ptr;
use std::rc::Rc;

use super::EditError;
use super::compile::{Budget, MAX_DEPTH};
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::{
    Child, Composition, CompositionKind, Item, ItemKind, TimeRange, Transition, TransitionKind,
};

/// A transition as one of its two items sees it, in the time of their track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Overlap {
    pub(super) range: TimeRange,
    pub(super) kind: TransitionKind,
    /// Whether the item on the other side shows something.
    pub(super) meets: bool,
}

/// A child of a composition, in the composition's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) item: &'a Item,
    /// Its place among the children.
    pub(super) child: u32,
    /// The part of its own time that is used.
    pub(super) trimmed: TimeRange,
    /// Where that part lies.
    pub(super) used: TimeRange,
    /// Where it is seen and heard: what transitions add is included.
    pub(super) extent: TimeRange,
    pub(super) entering: Option<Overlap>,
    pub(super) leaving: Option<Overlap>,
}

impl<'a> Placed<'a> {
    pub(super) fn new(item: &'a Item, child: u32, trimmed: TimeRange, start: MediaTime) -> Self {
        let used = TimeRange {
            start,
            duration: trimmed.duration,
        };
        Self {
            item,
            child,
            trimmed,
            used,
            extent: used,
            entering: None,
            leaving: None,
        }
    }

    /// What is left of it for the transition at its end.
    fn free(&self) -> MediaSpan {
        let taken = self.entering.map_or(MediaSpan::ZERO, |overlap| {
            overlap.range.end() - self.used.start
        });
        (self.used.duration - taken).max(MediaSpan::ZERO)
    }
}

/// The children of a composition.
#[derive(Debug)]
pub(super) struct Layout<'a> {
    pub(super) kind: CompositionKind,
    /// Items in order. In a track, beginnings and ends of their extents never decrease.
    pub(super) placed: Vec<Placed<'a>>,
    pub(super) duration: MediaSpan,
}

/// Layouts by composition. One that stands in several places is laid out once.
#[derive(Debug, Default)]
pub(super) struct Layouts<'a> {
    known: HashMap<*const Item, Rc<Layout<'a>>>,
    budget: Budget,
}

impl<'a> Layouts<'a> {
    /// The layout of `item`, which is `composition`, at `depth` compositions within others.
    pub(super) fn of(
        &mut self,
        item: &'a Item,
        composition: &'a Composition,
        depth: usize,
    ) -> Result<Rc<Layout<'a>>, EditError> {
        if let Some(layout) = self.known.get(&ptr::from_ref(item)) {
            return Ok(Rc::clone(layout));
        }
        if depth > MAX_DEPTH {
            return Err(EditError::TooDeep);
        }
        self.budget.spend(composition.children.len())?;
        let layout = match composition.kind {
            CompositionKind::Stack => self.stack(composition, depth)?,
            CompositionKind::Track(_) => self.track(composition, depth)?,
        };
        let layout = Rc::new(layout);
        self.known.insert(ptr::from_ref(item), Rc::clone(&layout));
        Ok(layout)
    }

    /// The part of an item's own time that is used.
    pub(super) fn trimmed(&mut self, item: &'a Item, depth: usize) -> Result<TimeRange, EditError> {
        let range = match (&item.source_range, &item.kind) {
            (Some(stated), _) => stated.range,
            (None, ItemKind::Gap) => TimeRange::default(),
            (None, ItemKind::Clip(clip)) => clip
                .active_reference()
                .and_then(|reference| reference.available())
                .map(|stated| stated.range)
                .unwrap_or_default(),
            (None, ItemKind::Composition(composition)) => TimeRange {
                start: MediaTime::ZERO,
                duration: self.of(item, composition, depth + 1)?.duration,
            },
        };
        Ok(TimeRange {
            duration: range.duration.max(MediaSpan::ZERO),
            ..range
        })
    }

    fn stack(&mut self, stack: &'a Composition, depth: usize) -> Result<Layout<'a>, EditError> {
        let mut placed = Vec::with_capacity(stack.children.len());
        let mut duration = MediaSpan::ZERO;
        for (child, place) in stack.children.iter().zip(0..) {
            let child_duration = match child {
                Child::Item(item) => {
                    let trimmed = self.trimmed(item, depth)?;
                    placed.push(Placed::new(item, place, trimmed, MediaTime::ZERO));
                    trimmed.duration
                }
                Child::Transition(_) => child.duration(),
            };
            duration = duration.max(child_duration);
        }
        Ok(Layout {
            kind: stack.kind,
            placed,
            duration,
        })
    }

    fn track(&mut self, track: &'a Composition, depth: usize) -> Result<Layout<'a>, EditError> {
        let mut placed: Vec<Placed<'a>> = Vec::with_capacity(track.children.len());
        let mut end = MediaTime::ZERO;
        let mut between: Option<&Transition> = None;
        for (child, place) in track.children.iter().zip(0..) {
            match child {
                // Of several in a row the first one counts.
                Child::Transition(transition) => between = between.or(Some(transition)),
                Child::Item(item) => {
                    let trimmed = self.trimmed(item, depth)?;
                    let mut next = Placed::new(item, place, trimmed, end);
                    if let Some(transition) = between.take() {
                        overlap(placed.last_mut(), Some(&mut next), transition, end);
                    }
                    end += trimmed.duration;
                    placed.push(next);
                }
            }
        }
        if let Some(transition) = between {
            overlap(placed.last_mut(), None, transition, end);
        }
        // A track that begins or ends with a transition is longer by what that adds, as in
        // OpenTimelineIO.
        if let Some(Child::Transition(first)) = track.children.first() {
            end += first.in_offset;
        }
        if let Some(Child::Transition(last)) = track.children.last() {
            end += last.out_offset;
        }
        Ok(Layout {
            kind: track.kind,
            placed,
            duration: end.since_zero(),
        })
    }
}

/// Lets two neighbours reach into one another, as far as both go.
///
/// Before a track's first item there is no time to reach into. After its last one there is: the track is
/// longer by it.
fn overlap(
    before: Option<&mut Placed<'_>>,
    after: Option<&mut Placed<'_>>,
    transition: &Transition,
    cut: MediaTime,
) {
    let room_before = before.as_ref().map_or(MediaSpan::ZERO, |item| item.free());
    let back = transition.in_offset.max(MediaSpan::ZERO).min(room_before);
    let on = transition.out_offset.max(MediaSpan::ZERO);
    let on = after.as_ref().map_or(on, |item| on.min(item.used.duration));
    let range = TimeRange::between(cut - back, cut + on);
    if range.is_empty() {
        return;
    }
    let seen = |item: Option<&Placed<'_>>| item.is_some_and(|placed| shows(placed.item));
    let (meets_before, meets_after) = (seen(before.as_deref()), seen(after.as_deref()));
    let side = |meets| Overlap {
        range,
        kind: transition.kind,
        meets,
    };
    if let Some(before) = before {
        before.leaving = Some(side(meets_after));
        before.extent = TimeRange::between(before.extent.start, range.end());
    }
    if let Some(after) = after {
        after.entering = Some(side(meets_before));
        after.extent = TimeRange::between(range.start, after.extent.end());
    }
}

/// Whether there is anything to see or hear of an item.
pub(super) fn shows(item: &Item) -> bool {
    item.enabled && !matches!(item.kind, ItemKind::Gap)
}
