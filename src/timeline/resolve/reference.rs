//! What a timeline shows and sounds like, by definition.
//!
//! These functions walk the tree anew for every question, add up durations child by child and keep
//! nothing. They are slow, and short enough to be checked by reading. [`Edit`](super::Edit) answers the
//! same much faster, and is tested against them.
//!
//! - The children of a track follow one another; those of a stack all begin at zero.
//! - An item shows the part of its own time that its source range states. What is at `t` of its parent,
//!   counted from the item's beginning there, is at `t` after the beginning of that range, unless
//!   effects change it: they map the one count to the other. Of several, the first is the nearest to the
//!   source.
//! - A transition lets the item before it go on for `out_offset` and the one after it begin `in_offset`
//!   earlier, with source time going on evenly beyond their ranges, but no further than the neighbour
//!   is long; of the neighbour before, only what its own first transition has left.
//! - The incoming item is drawn over the outgoing one with the weight or edge that the transition has
//!   come to. Where nothing comes in, the outgoing item fades; sound fades on both sides.
//! - What is switched off keeps its place in time.
//! - A picture with bounds fills its part of the canvas, which shows the union of all bounds.
//! - Items of tracks for sound are heard, and those of tracks for pictures and of no track that carry
//!   their sound: of a composition, what is in its tracks by the same rule.

use super::audio::part_of;
use super::bounds::{canvas_of, look_within};
use super::line::{FrameTime, Line, View};
use super::op::{changes_nothing, folded};
use crate::time::{FrameIndex, MediaSpan, MediaTime};
use crate::timeline::{
    Child, Composition, CompositionKind, Effect, Item, ItemKind, Look, MediaReference, Mix, Ratio,
    TimeMap, TimeRange, Timeline, TrackKind, Transition, TransitionKind, UnitRect, WipeEdge,
};

/// A step of the picture of a frame, as [`VideoOp`](super::VideoOp).
#[derive(Debug, Clone, PartialEq)]
pub enum SeenOp {
    /// What follows is drawn on a transparent canvas of its own.
    BeginGroup,
    /// A clip's picture goes over what is there.
    Layer(Seen),
    /// The group's canvas goes over what was there before it began.
    EndGroup {
        /// How it is placed.
        look: Look,
        /// How it is mixed.
        mix: Mix,
    },
}

/// A clip's picture in one frame, as [`Layer`](super::Layer).
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The way to the clip from the root.
    pub path: Vec<u32>,
    /// Its medium.
    pub reference: Option<MediaReference>,
    /// Source time at the frame's beginning, or at the clip's where that is later.
    pub media: MediaTime,
    /// Source time that passes during the frame.
    pub advance: MediaSpan,
    /// How it is placed.
    pub look: Look,
    /// How it is mixed.
    pub mix: Mix,
}

/// A clip heard at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The way to the clip from the root.
    pub path: Vec<u32>,
    /// Source time.
    pub media: MediaTime,
    /// Source time that passes in a unit of timeline time; never zero.
    pub speed: Ratio,
    /// What transitions leave of its level, 0 to 1, times the gains on the way to it.
    pub level: f32,
}

/// What is seen in `frame`, lowest first.
pub fn video_at(timeline: &Timeline, frame: FrameIndex) -> Vec<SeenOp> {
    let time = FrameTime::of(timeline.rate, frame);
    let root = Place::root(&timeline.root);
    let shown = Shown {
        time,
        span: timeline.rate.frame_span_nearest(),
        canvas: canvas_of(timeline),
    };
    root.seen(View::TIMELINE, &shown, &[])
}

/// A frame, and what the canvas shows of the plane that bounds are stated in.
struct Shown {
    time: FrameTime,
    span: MediaSpan,
    canvas: Option<UnitRect>,
}

/// What is heard at `time`, in the order of the tree.
pub fn audio_at(timeline: &Timeline, time: MediaTime) -> Vec<Heard> {
    let root = Place::root(&timeline.root);
    root.heard(View::TIMELINE, time, None, 1.0, &[])
}

/// An item in its parent's time.
struct Place<'a> {
    item: &'a Item,
    child: u32,
    used: TimeRange,
    /// The transition before it, in effect, and the one after it.
    entering: Option<Overlap<'a>>,
    leaving: Option<Overlap<'a>>,
}

/// A transition as far as its neighbours let it reach.
struct Overlap<'a> {
    range: TimeRange,
    kind: TransitionKind,
    /// The item after it.
    after: Option<&'a Item>,
}

impl<'a> Place<'a> {
    fn root(item: &'a Item) -> Self {
        Self {
            item,
            child: 0,
            used: TimeRange {
                start: MediaTime::ZERO,
                duration: item.duration(),
            },
            entering: None,
            leaving: None,
        }
    }

    /// The `index`-th child of `composition`, if it is an item.
    fn of_child(composition: &'a Composition, index: usize) -> Option<Self> {
        let item = item_at(composition, index)?;
        let mut place = Self {
            child: u32::try_from(index).ok()?,
            ..Self::root(item)
        };
        if composition.kind != CompositionKind::Stack {
            let count = composition.children.len();
            let next = (index + 1..count).find(|&next| item_at(composition, next).is_some());
            place.used = place
                .used
                .shifted(start_of(composition, index).since_zero());
            place.entering = overlap_before(composition, index);
            place.leaving = overlap_before(composition, next.unwrap_or(count));
        }
        Some(place)
    }

    fn extent(&self) -> TimeRange {
        let start = self.entering.as_ref().map(|overlap| overlap.range.start);
        let end = self.leaving.as_ref().map(|overlap| overlap.range.end());
        TimeRange::between(
            start.unwrap_or(self.used.start),
            end.unwrap_or(self.used.end()),
        )
    }

    /// The view of the item's own time from the parent's, by the pieces of its retimes that hold at the
    /// instant which `now` finds.
    fn inside(&self, parent: View, now: impl Fn(&View) -> MediaTime) -> View {
        let extent = self.extent();
        let mut view = parent
            .within(Some(extent.start), Some(extent.end()))
            .then(&Line::shift(self.used.start, MediaTime::ZERO));
        let trimmed = self.item.trimmed_range();
        for effect in self.item.effects.iter().rev() {
            view = match effect {
                Effect::Speed(speed) if speed.num() < 0 => {
                    view.then(&Line::from_zero(trimmed.duration, *speed))
                }
                Effect::Speed(speed) => view.then(&Line::from_zero(MediaSpan::ZERO, *speed)),
                Effect::Freeze => view.then(&Line::from_zero(MediaSpan::ZERO, Ratio::ZERO)),
                Effect::Map(map) => through_map(view, map, now(&view)),
                Effect::WithSound | Effect::Gain(_) | Effect::Unknown { .. } => view,
            };
        }
        view.then(&Line::shift(MediaTime::ZERO, trimmed.start))
    }

    fn seen(&self, parent: View, shown: &Shown, path: &[u32]) -> Vec<SeenOp> {
        let frame = shown.time;
        let now = parent.sampled(frame);
        let item = self.item;
        if !shows(item) || item.look.opacity <= 0.0 || !self.extent().contains(now) {
            return Vec::new();
        }
        let view = self.inside(parent, |view| view.sampled(frame));
        let mix = self.mix_at(now);
        match &item.kind {
            ItemKind::Gap => Vec::new(),
            ItemKind::Clip(clip) => vec![SeenOp::Layer(Seen {
                path: path.to_vec(),
                reference: clip.active_reference().cloned(),
                media: view.at_start_of(frame),
                advance: view.advance(shown.span),
                look: look_within(shown.canvas.as_ref(), &item.look, clip),
                mix,
            })],
            ItemKind::Composition(composition) => {
                if let CompositionKind::Track(TrackKind::Audio | TrackKind::Other) =
                    composition.kind
                {
                    return Vec::new();
                }
                let children = (0..composition.children.len())
                    .filter_map(|index| Place::of_child(composition, index));
                let inner = children.flat_map(|place| {
                    let path = [path, &[place.child]].concat();
                    place.seen(view, shown, &path)
                });
                grouped(inner.collect(), item.look, mix)
            }
        }
    }

    fn mix_at(&self, now: MediaTime) -> Mix {
        if let Some(overlap) = self.entering.as_ref().filter(|at| at.range.contains(now)) {
            let progress = overlap.progress(now);
            return match overlap.kind {
                TransitionKind::Dissolve => Mix::Over(progress),
                TransitionKind::Wipe(edge) => Mix::Wipe { edge, progress },
            };
        }
        let Some(overlap) = self.leaving.as_ref().filter(|at| at.range.contains(now)) else {
            return Mix::FULL;
        };
        if overlap.after.is_some_and(shows) {
            return Mix::FULL;
        }
        let left = 1.0 - overlap.progress(now);
        let uncovers = |edge| Mix::Wipe {
            edge,
            progress: left,
        };
        match overlap.kind {
            TransitionKind::Wipe(WipeEdge::LeftToRight) => uncovers(WipeEdge::RightToLeft),
            TransitionKind::Wipe(WipeEdge::RightToLeft) => uncovers(WipeEdge::LeftToRight),
            TransitionKind::Wipe(WipeEdge::TopToBottom) => uncovers(WipeEdge::BottomToTop),
            TransitionKind::Wipe(WipeEdge::BottomToTop) => uncovers(WipeEdge::TopToBottom),
            TransitionKind::Wipe(_) | TransitionKind::Dissolve => Mix::Over(left),
        }
    }

    fn heard(
        &self,
        parent: View,
        time: MediaTime,
        track: Option<TrackKind>,
        level: f32,
        path: &[u32],
    ) -> Vec<Heard> {
        let now = parent.line.at(time);
        let carries = self.item.effects.contains(&Effect::WithSound);
        let silent = match track {
            None | Some(TrackKind::Audio) => false,
            Some(TrackKind::Video) => !carries,
            Some(TrackKind::Other) => true,
        };
        if silent || !shows(self.item) || !self.extent().contains(now) {
            return Vec::new();
        }
        let view = self.inside(parent, |view| view.line.at(time));
        let mut level = level * self.item.gain();
        if let Some(overlap) = self.entering.as_ref().filter(|at| at.range.contains(now)) {
            level *= overlap.progress(now);
        }
        if let Some(overlap) = self.leaving.as_ref().filter(|at| at.range.contains(now)) {
            level *= 1.0 - overlap.progress(now);
        }
        match &self.item.kind {
            ItemKind::Clip(_) => {
                let heard = carries || track == Some(TrackKind::Audio);
                let moves = view.line.speed() != Ratio::ZERO;
                let heard = (heard && moves).then(|| Heard {
                    path: path.to_vec(),
                    media: view.line.at(time),
                    speed: view.line.speed(),
                    level,
                });
                heard.into_iter().collect()
            }
            ItemKind::Gap => Vec::new(),
            ItemKind::Composition(composition) => {
                let track = match composition.kind {
                    CompositionKind::Track(kind) => Some(kind),
                    // What an item of a video track is made of stands in no track at first.
                    CompositionKind::Stack => track.filter(|kind| *kind == TrackKind::Audio),
                };
                let children = (0..composition.children.len())
                    .filter_map(|index| Place::of_child(composition, index));
                let heard = children.flat_map(|place| {
                    let path = [path, &[place.child]].concat();
                    place.heard(view, time, track, level, &path)
                });
                heard.collect()
            }
        }
    }
}

impl Overlap<'_> {
    fn progress(&self, now: MediaTime) -> f32 {
        part_of(now - self.range.start, self.range.duration)
    }
}

/// What lies over the cut before the child at `index` of a track, or over its end.
fn overlap_before(track: &Composition, index: usize) -> Option<Overlap<'_>> {
    let (at, transition) = transition_before(track, index)?;
    let before = at.checked_sub(1).and_then(|before| item_at(track, before));
    let after = item_at(track, index);
    let back = match before {
        Some(before) => {
            let taken = transition_before(track, at - 1).map_or(MediaSpan::ZERO, |(_, earlier)| {
                earlier.out_offset.min(before.duration())
            });
            transition.in_offset.min(before.duration() - taken)
        }
        // There is no time before a track's beginning.
        None => MediaSpan::ZERO,
    };
    // A track that ends with a transition is longer by it.
    let on = after.map_or(transition.out_offset, |after| {
        transition.out_offset.min(after.duration())
    });
    let cut = start_of(track, index);
    let range = TimeRange::between(cut - back, cut + on);
    (!range.is_empty()).then_some(Overlap {
        range,
        kind: transition.kind,
        after,
    })
}

/// The transition that stands before the child at `index`, and its place. Of several in a row the first
/// one counts.
fn transition_before(track: &Composition, index: usize) -> Option<(usize, &Transition)> {
    let in_row = (0..index).rev().map_while(|at| match &track.children[at] {
        Child::Transition(transition) => Some((at, &**transition)),
        Child::Item(_) => None,
    });
    in_row.last()
}

/// When the child at `index` of a track begins, or the track ends.
fn start_of(track: &Composition, index: usize) -> MediaTime {
    let items = (0..index).filter_map(|at| item_at(track, at));
    items.fold(MediaTime::ZERO, |end, item| end + item.duration())
}

fn item_at(composition: &Composition, index: usize) -> Option<&Item> {
    match composition.children.get(index)? {
        Child::Item(item) => Some(item),
        Child::Transition(_) => None,
    }
}

/// Through the piece of `map` that holds at `now`; the first one also holds before its beginning.
fn through_map(view: View, map: &TimeMap, now: MediaTime) -> View {
    let pieces = map.pieces();
    let beginning = |index: usize| pieces.get(index).map(|piece| MediaTime::ZERO + piece.from);
    let index = (1..pieces.len())
        .rev()
        .find(|&index| beginning(index).is_some_and(|from| from <= now))
        .unwrap_or(0);
    let low = beginning(index).filter(|_| index > 0);
    view.within(low, beginning(index + 1))
        .then(&Line::of_piece(&pieces[index]))
}

/// The layers of a composition: as they are where it changes nothing, folded where it has one, and else
/// in a group.
fn grouped(inner: Vec<SeenOp>, look: Look, mix: Mix) -> Vec<SeenOp> {
    if inner.is_empty() || changes_nothing(&look, mix) {
        return inner;
    }
    if let [SeenOp::Layer(seen)] = &*inner
        && let Some((look, mix)) = folded((seen.look, seen.mix), (look, mix))
    {
        let seen = seen.clone();
        return vec![SeenOp::Layer(Seen { look, mix, ..seen })];
    }
    let end = SeenOp::EndGroup { look, mix };
    [vec![SeenOp::BeginGroup], inner, vec![end]].concat()
}

fn shows(item: &Item) -> bool {
    item.enabled && !matches!(item.kind, ItemKind::Gap)
}
