//! The walk through the tree that an [`Edit`](super::Edit) is made by.
//!
//! It is the same for pictures and for the rest; what differs is the [`Pass`]: pictures are looked at
//! frame by frame, so that their windows are frames, while sound and markers have windows of exact time.

use super::EditError;
use super::layout::{Layouts, Placed};
use super::line::{Line, View};
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::import::Limits;
use crate::timeline::{
    Composition, CompositionKind, Effect, Item, ItemKind, Ratio, TimeMap, TimeRange,
};

/// Compositions, and retimes of several pieces, inside one another.
pub(super) const MAX_DEPTH: usize = Limits::DEFAULT.depth;

/// Items met, the root included. One that stands in a composition that is used or retimed several times
/// is met as often.
pub(super) const MAX_STEPS: usize = Limits::DEFAULT.items + 1;

/// What may still be met.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: MAX_STEPS }
    }
}

impl Budget {
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), EditError> {
        self.left = self
            .left
            .checked_sub(steps)
            .ok_or(EditError::TooManyItems)?;
        Ok(())
    }
}

/// An item that the walk meets.
pub(super) struct Met<'w, 'a> {
    pub(super) placed: &'w Placed<'a>,
    /// The time of what it stands in.
    pub(super) parent: View,
    /// The way to it.
    pub(super) path: &'w [u32],
}

/// What a walk looks for.
pub(super) trait Pass<'a> {
    /// A part of the timeline; never empty.
    type Window: Copy;
    /// What is handed down from an item to what is in it.
    type Context: Copy;

    /// The part of `window` in which `view` is in `low..high`; all of it where there is no bound.
    fn narrow(
        &self,
        window: Self::Window,
        view: &View,
        low: Option<MediaTime>,
        high: Option<MediaTime>,
    ) -> Option<Self::Window>;

    /// The first and last instants that `view` sees in `window`, in any order.
    fn ends(&self, window: Self::Window, view: &View) -> (MediaTime, MediaTime);

    /// Meets an item, seen in `window`, before anything in it; `None` where it is of no interest.
    fn enter(
        &mut self,
        met: &Met<'_, 'a>,
        window: Self::Window,
        context: Self::Context,
    ) -> Option<Self::Context>;

    /// Meets a place in `window` where the source of `view` leaps at its time `at`.
    fn leap(&mut self, _window: Self::Window, _view: &View, _at: MediaTime) {}

    /// Meets what an item shows at one speed; `view` is that of the item's own time.
    fn content(
        &mut self,
        met: &Met<'_, 'a>,
        view: &View,
        window: Self::Window,
        context: Self::Context,
    );
}

/// A walk under way.
pub(super) struct Walk<'w, 'a, P: Pass<'a>> {
    pub(super) pass: P,
    layouts: &'w mut Layouts<'a>,
    budget: Budget,
    path: Vec<u32>,
}

/// Where the walk is: what is seen, when, and what was handed down.
struct Place<'a, P: Pass<'a>> {
    view: View,
    window: P::Window,
    context: P::Context,
}

impl<'a, P: Pass<'a>> Clone for Place<'a, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, P: Pass<'a>> Copy for Place<'a, P> {}

impl<'w, 'a, P: Pass<'a>> Walk<'w, 'a, P> {
    pub(super) fn new(pass: P, layouts: &'w mut Layouts<'a>) -> Self {
        Self {
            pass,
            layouts,
            budget: Budget::default(),
            path: Vec::new(),
        }
    }

    /// Walks through the tree of `root`.
    pub(super) fn root(
        &mut self,
        root: &Placed<'a>,
        window: P::Window,
        context: P::Context,
    ) -> Result<(), EditError> {
        let place = Place {
            view: View::TIMELINE,
            window,
            context,
        };
        self.item(root, place, 0)
    }

    fn item(
        &mut self,
        placed: &Placed<'a>,
        place: Place<'a, P>,
        depth: usize,
    ) -> Result<(), EditError> {
        self.budget.spend(1)?;
        let extent = placed.extent;
        let (low, high) = (Some(extent.start), Some(extent.end()));
        let Some(window) = self.pass.narrow(place.window, &place.view, low, high) else {
            return Ok(());
        };
        let met = Met {
            placed,
            parent: place.view,
            path: &self.path,
        };
        let Some(context) = self.pass.enter(&met, window, place.context) else {
            return Ok(());
        };
        let to_item = Line::shift(placed.used.start, MediaTime::ZERO);
        let inside = Place {
            view: place.view.within(low, high).then(&to_item),
            window,
            context,
        };
        self.retime(&placed.item.effects, placed, place.view, inside, depth)
    }

    /// Follows an item's effects from the last, which the timeline meets first, to the first, which is
    /// the nearest to the source.
    fn retime(
        &mut self,
        effects: &'a [Effect],
        placed: &Placed<'a>,
        parent: View,
        mut place: Place<'a, P>,
        depth: usize,
    ) -> Result<(), EditError> {
        let mut rest = effects;
        while let Some((effect, before)) = rest.split_last() {
            rest = before;
            match Retime::of(effect, placed.trimmed) {
                Retime::None => {}
                Retime::Straight(step) => place.view = place.view.then(&step),
                Retime::Pieces(map) => {
                    return self.pieces(map, rest, placed, parent, place, depth + 1);
                }
            }
        }
        place.view = place
            .view
            .then(&Line::shift(MediaTime::ZERO, placed.trimmed.start));
        self.content(placed, parent, place, depth)
    }

    fn pieces(
        &mut self,
        map: &TimeMap,
        rest: &'a [Effect],
        placed: &Placed<'a>,
        parent: View,
        place: Place<'a, P>,
        depth: usize,
    ) -> Result<(), EditError> {
        if depth > MAX_DEPTH {
            return Err(EditError::TooDeep);
        }
        let pieces = map.pieces();
        self.budget.spend(pieces.len())?;
        for (index, piece) in pieces.iter().enumerate() {
            let (low, high) = bounds_of_piece(map, index);
            if let Some(at) = low.filter(|_| leaps(map, index)) {
                self.pass.leap(place.window, &place.view, at);
            }
            let Some(window) = self.pass.narrow(place.window, &place.view, low, high) else {
                continue;
            };
            let view = place.view.within(low, high).then(&Line::of_piece(piece));
            let place = Place {
                view,
                window,
                ..place
            };
            self.retime(rest, placed, parent, place, depth)?;
        }
        Ok(())
    }

    fn content(
        &mut self,
        placed: &Placed<'a>,
        parent: View,
        place: Place<'a, P>,
        depth: usize,
    ) -> Result<(), EditError> {
        let met = Met {
            placed,
            parent,
            path: &self.path,
        };
        self.pass
            .content(&met, &place.view, place.window, place.context);
        match &placed.item.kind {
            ItemKind::Composition(composition) => {
                self.children(placed.item, composition, place, depth + 1)
            }
            ItemKind::Clip(_) | ItemKind::Gap => Ok(()),
        }
    }

    fn children(
        &mut self,
        item: &'a Item,
        composition: &'a Composition,
        place: Place<'a, P>,
        depth: usize,
    ) -> Result<(), EditError> {
        if depth > MAX_DEPTH {
            return Err(EditError::TooDeep);
        }
        let layout = self.layouts.of(item, composition, depth)?;
        let mut seen = &*layout.placed;
        if let CompositionKind::Track(_) = layout.kind {
            // Only those that lie in the window: a retime of many pieces looks at few of many children
            // each time.
            let (a, b) = self.pass.ends(place.window, &place.view);
            let (least, greatest) = (a.min(b), a.max(b));
            let first = seen.partition_point(|placed| placed.extent.end() < least);
            let after = seen.partition_point(|placed| placed.extent.start <= greatest);
            seen = seen.get(first..after).unwrap_or_default();
        }
        for placed in seen {
            self.path.push(placed.child);
            let result = self.item(placed, place, depth);
            self.path.pop();
            result?;
        }
        Ok(())
    }
}

/// What an effect does to time.
pub(super) enum Retime<'a> {
    /// Nothing.
    None,
    /// Item time runs straight into what is nearer to the source.
    Straight(Line),
    /// It does so piece by piece.
    Pieces(&'a TimeMap),
}

impl<'a> Retime<'a> {
    /// That of `effect` on an item that uses `trimmed` of its own time. Both times count from zero at the
    /// beginning of that range.
    pub(super) fn of(effect: &'a Effect, trimmed: TimeRange) -> Self {
        match effect {
            // Backwards, the range is played from its end.
            Effect::Speed(speed) if speed.num() < 0 => {
                Self::Straight(Line::from_zero(trimmed.duration, *speed))
            }
            Effect::Speed(speed) => Self::Straight(Line::from_zero(MediaSpan::ZERO, *speed)),
            Effect::Freeze => Self::Straight(Line::from_zero(MediaSpan::ZERO, Ratio::ZERO)),
            Effect::Map(map) => match map.pieces() {
                [only] => Self::Straight(Line::of_piece(only)),
                _ => Self::Pieces(map),
            },
            Effect::WithSound | Effect::Gain(_) | Effect::Unknown { .. } => Self::None,
        }
    }
}

/// Less than this is the rounding of a file's numbers: nobody sees a picture that comes so much earlier.
const LEAP: MediaSpan = MediaSpan::from_millis(1);

/// Whether a piece of a retime begins elsewhere in the source than the one before it ends.
fn leaps(map: &TimeMap, index: usize) -> bool {
    let pieces = map.pieces();
    let before = index.checked_sub(1).and_then(|before| pieces.get(before));
    before
        .zip(pieces.get(index))
        .is_some_and(|(before, piece)| {
            let end = before.source + before.speed.of(piece.from - before.from);
            (piece.source - end).abs() > LEAP
        })
}

/// From when and until when a piece of a retime holds. The first one also holds before its beginning,
/// the last one for ever.
pub(super) fn bounds_of_piece(
    map: &TimeMap,
    index: usize,
) -> (Option<MediaTime>, Option<MediaTime>) {
    let beginning = |index: usize| {
        let piece = map.pieces().get(index)?;
        Some(MediaTime::ZERO + piece.from)
    };
    let low = if index == 0 { None } else { beginning(index) };
    (low, beginning(index + 1))
}
