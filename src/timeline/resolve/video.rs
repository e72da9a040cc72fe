//! The walk that finds the pictures of an edit.

use super::bounds::look_within;
use super::compile::{Met, Pass};
use super::index::Frames;
use super::layout::{Overlap, shows};
use super::line::{FrameTime, View};
use super::op::stays_in_place;
use super::pictures::{Event, Fade, Fades, Mixing, NONE, Pictures};
use super::registry::Registry;
use super::{ClipId, SourceId};
use crate::time::{FrameIndex, FrameRate, MediaTime};
use crate::timeline::{
    Composition, CompositionKind, Item, ItemKind, TimeRange, TrackKind, TransitionKind, UnitRect,
    WipeEdge,
};

/// The walk that fills [`Pictures`].
pub(super) struct VideoPass<'w, 'a> {
    pub(super) rate: FrameRate,
    /// What the canvas shows of the plane that bounds are stated in.
    pub(super) canvas: Option<UnitRect>,
    pub(super) registry: &'w mut Registry<'a>,
    pub(super) pictures: Pictures,
}

/// What a composition hands down to its items.
#[derive(Debug, Clone, Copy)]
pub(super) struct VideoContext {
    group: u32,
    /// Of a clip that was met.
    clip: (ClipId, SourceId),
    fades: Fades,
}

impl VideoContext {
    /// That of the root.
    pub(super) const ROOT: Self = Self {
        group: NONE,
        clip: (ClipId(NONE), SourceId(NONE)),
        fades: Fades::NEVER,
    };
}

impl<'a> Pass<'a> for VideoPass<'_, 'a> {
    type Window = Frames;
    type Context = VideoContext;

    fn narrow(
        &self,
        window: Frames,
        view: &View,
        low: Option<MediaTime>,
        high: Option<MediaTime>,
    ) -> Option<Frames> {
        let reaching = |bound| first_reaching(self.rate, window, view, bound);
        let (first, end) = match view.line.speed().num().signum() {
            1 => (low.map(reaching), high.map(reaching)),
            -1 => (high.map(reaching), low.map(reaching)),
            _ => {
                let time = view.sampled(FrameTime::of(self.rate, FrameIndex(window.first)));
                let inside =
                    low.is_none_or(|low| low <= time) && high.is_none_or(|high| time < high);
                return inside.then_some(window);
            }
        };
        Frames::new(first.unwrap_or(window.first), end.unwrap_or(window.end))
    }

    fn ends(&self, window: Frames, view: &View) -> (MediaTime, MediaTime) {
        let at = |frame| view.sampled(FrameTime::of(self.rate, FrameIndex(frame)));
        (at(window.first), at(window.end - 1))
    }

    fn enter(
        &mut self,
        met: &Met<'_, 'a>,
        window: Frames,
        context: VideoContext,
    ) -> Option<VideoContext> {
        let item = met.placed.item;
        if !is_seen(item) {
            return None;
        }
        self.take_cuts(met, window);
        let fades = self.fades(met, window);
        match &item.kind {
            ItemKind::Gap => None,
            ItemKind::Clip(clip) => {
                let start = |frame| self.rate.time_of_frame_nearest(FrameIndex(frame));
                let range = TimeRange::between(start(window.first), start(window.end));
                let kind = TrackKind::Video;
                let ids = self.registry.clip(item, clip, kind, range, met.path);
                self.pictures.by_first.push((window.first, ids.0));
                self.pictures.by_last.push((window.end - 1, ids.0));
                Some(VideoContext {
                    clip: ids,
                    fades,
                    ..context
                })
            }
            ItemKind::Composition(_) => {
                let plain = stays_in_place(&item.look) && item.look.opacity >= 1.0;
                let group = if plain && fades == Fades::NEVER {
                    context.group
                } else {
                    self.pictures.add_group(context.group, item.look, fades)
                };
                Some(VideoContext { group, ..context })
            }
        }
    }

    fn leap(&mut self, window: Frames, view: &View, at: MediaTime) {
        let Some(beyond) = self.narrow(window, view, Some(at), None) else {
            return;
        };
        // Backwards, what is beyond comes first. Where all of the window is, it is no place within.
        let cut = if view.line.speed().num() < 0 {
            beyond.end
        } else {
            beyond.first
        };
        if window.first < cut && cut < window.end {
            self.pictures.cuts.push(FrameIndex(cut));
        }
    }

    fn content(&mut self, met: &Met<'_, 'a>, view: &View, window: Frames, context: VideoContext) {
        let item = met.placed.item;
        if let ItemKind::Clip(model) = &item.kind {
            let (clip, source) = context.clip;
            self.pictures.frames.push(window);
            self.pictures.events.push(Event {
                clip,
                source,
                look: look_within(self.canvas.as_ref(), &item.look, model),
                view: *view,
                advance: view.advance(self.rate.frame_span_nearest()),
                fades: context.fades,
                group: context.group,
            });
        }
    }
}

/// Whether an item's pictures are ever seen.
fn is_seen(item: &Item) -> bool {
    let other_track = matches!(
        &item.kind,
        ItemKind::Composition(Composition {
            kind: CompositionKind::Track(TrackKind::Audio | TrackKind::Other),
            ..
        })
    );
    shows(item) && item.look.opacity > 0.0 && !other_track
}

/// The first frame of `window` that sees `bound` or what lies beyond it in the direction of play; the
/// window's end where none does.
fn first_reaching(rate: FrameRate, window: Frames, view: &View, bound: MediaTime) -> i64 {
    let forward = view.line.speed().num() > 0;
    let reached = |frame| {
        let time = view.sampled(FrameTime::of(rate, FrameIndex(frame)));
        // Ranges are half-open: backwards, a bound itself belongs to what comes before it.
        if forward { time >= bound } else { time < bound }
    };
    let (mut low, mut high) = (window.first, window.end);
    // The frame is where the map says, give or take the rounding: two looks tell.
    if let Some(guess) = view.line.when(bound) {
        let guess = rate.frame_at_floor(guess).0;
        for near in [guess, guess.saturating_sub(1), guess.saturating_add(1)] {
            if low <= near && near < high {
                if reached(near) {
                    high = near;
                } else {
                    low = near + 1;
                }
            }
        }
        // Where it lies outside the window one look at that end tells.
        if guess >= high && low < high && !reached(high - 1) {
            return high;
        }
        if guess < low && low < high && reached(low) {
            return low;
        }
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

impl VideoPass<'_, '_> {
    /// Takes down where an item's own range begins and ends, transitions aside.
    fn take_cuts(&mut self, met: &Met<'_, '_>, window: Frames) {
        let used = met.placed.used;
        let (low, high) = (Some(used.start), Some(used.end()));
        let Some(frames) = self.narrow(window, &met.parent, low, high) else {
            return;
        };
        let sees = |frame| {
            used.contains(
                met.parent
                    .sampled(FrameTime::of(self.rate, FrameIndex(frame))),
            )
        };
        // Where only the window ends, what it stands in is cut, not this.
        let begins = frames.first > 0 && !sees(frames.first - 1);
        let ends = !sees(frames.end);
        let cuts = &mut self.pictures.cuts;
        cuts.extend(begins.then_some(FrameIndex(frames.first)));
        cuts.extend(ends.then_some(FrameIndex(frames.end)));
    }

    fn fades(&mut self, met: &Met<'_, '_>, window: Frames) -> Fades {
        let entering = met
            .placed
            .entering
            .map(|overlap| (overlap, appearing(&overlap)));
        let leaving = met
            .placed
            .leaving
            .and_then(|overlap| Some((overlap, vanishing(&overlap)?)));
        Fades([entering, leaving].map(|fade| {
            let number = fade.and_then(|(overlap, mixing)| {
                let (low, high) = (Some(overlap.range.start), Some(overlap.range.end()));
                let frames = self.narrow(window, &met.parent, low, high)?;
                let number = u32::try_from(self.pictures.fades.len()).ok()?;
                self.pictures.fades.push(Fade {
                    frames,
                    view: met.parent,
                    mixing,
                    range: overlap.range,
                });
                Some(number)
            });
            number.unwrap_or(NONE)
        }))
    }
}

/// How an item comes in over what was there before.
fn appearing(overlap: &Overlap) -> Mixing {
    match overlap.kind {
        TransitionKind::Dissolve => Mixing::Appear,
        TransitionKind::Wipe(edge) => Mixing::WipeIn(edge),
    }
}

/// How an item goes where nothing follows; `None` where something does, which covers it.
fn vanishing(overlap: &Overlap) -> Option<Mixing> {
    let opposite = match overlap.kind {
        TransitionKind::Wipe(edge) => opposite(edge),
        TransitionKind::Dissolve => None,
    };
    (!overlap.meets).then(|| opposite.map_or(Mixing::Vanish, Mixing::WipeOut))
}

/// The wipe that uncovers what `edge` does not; only straight edges have one, and others fade.
fn opposite(edge: WipeEdge) -> Option<WipeEdge> {
    match edge {
        WipeEdge::LeftToRight => Some(WipeEdge::RightToLeft),
        WipeEdge::RightToLeft => Some(WipeEdge::LeftToRight),
        WipeEdge::TopToBottom => Some(WipeEdge::BottomToTop),
        WipeEdge::BottomToTop => Some(WipeEdge::TopToBottom),
        _ => None,
    }
}
