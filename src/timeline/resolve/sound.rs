//! The walk that finds the sound and the markers of an edit.

use super::compile::{Met, Pass};
use super::layout::{Overlap, shows};
use super::line::View;
use super::registry::Registry;
use super::{AudioFade, AudioPiece, AudioUse, PlacedMarker};
use crate::time::MediaTime;
use crate::timeline::{CompositionKind, Effect, Item, ItemKind, Marker, TimeRange, TrackKind};

/// The walk that fills the lists of sound and markers.
pub(super) struct TimePass<'w, 'a> {
    pub(super) registry: &'w mut Registry<'a>,
    pub(super) uses: Vec<AudioUse>,
    pub(super) markers: Vec<PlacedMarker>,
    /// Pieces of the use that was met last.
    pieces: Vec<AudioPiece>,
    /// Fades, each with the number of the one around it.
    fades: Vec<(AudioFade, Option<usize>)>,
}

/// What is heard of the items that stand in something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Those that carry their sound, and what is in compositions: they stand in no track.
    Untracked,
    /// Those that carry their sound: they stand in a track for pictures.
    Carried,
    /// All: they stand in a track for sound.
    All,
    /// None, nor anything in them.
    Nothing,
}

/// What a composition hands down to its items.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeContext {
    heard: Heard,
    /// The innermost fade.
    fade: Option<usize>,
    gain: f32,
}

impl TimeContext {
    /// That of the root.
    pub(super) const ROOT: Self = Self {
        heard: Heard::Untracked,
        fade: None,
        gain: 1.0,
    };
}

impl<'a> Pass<'a> for TimePass<'_, 'a> {
    type Window = TimeRange;
    type Context = TimeContext;

    fn narrow(
        &self,
        window: TimeRange,
        view: &View,
        low: Option<MediaTime>,
        high: Option<MediaTime>,
    ) -> Option<TimeRange> {
        let reaching = |bound: Option<MediaTime>| bound.and_then(|bound| view.line.when(bound));
        let (start, end) = match view.line.speed().num().signum() {
            1 => (reaching(low), reaching(high)),
            -1 => (reaching(high), reaching(low)),
            _ => {
                let time = view.line.at(window.start);
                let inside =
                    low.is_none_or(|low| low <= time) && high.is_none_or(|high| time < high);
                return inside.then_some(window);
            }
        };
        let start = start.unwrap_or(window.start);
        window.intersection(&TimeRange::between(start, end.unwrap_or(window.end())))
    }

    fn ends(&self, window: TimeRange, view: &View) -> (MediaTime, MediaTime) {
        (view.line.at(window.start), view.line.at(window.end()))
    }

    fn enter(
        &mut self,
        met: &Met<'_, 'a>,
        window: TimeRange,
        context: TimeContext,
    ) -> Option<TimeContext> {
        let item = met.placed.item;
        let heard = heard_in(item, context.heard);
        let mut fade = context.fade;
        let gain = context.gain * item.gain();
        if heard != Heard::Nothing {
            for (overlap, appears) in [(met.placed.entering, true), (met.placed.leaving, false)] {
                if let Some(found) = overlap.and_then(|overlap| fade_of(&overlap, met, appears)) {
                    self.fades.push((found, fade));
                    fade = Some(self.fades.len() - 1);
                }
            }
        }
        if let (Heard::All, ItemKind::Clip(clip)) = (heard, &item.kind) {
            self.finish_pieces();
            let kind = TrackKind::Audio;
            let (clip, source) = self.registry.clip(item, clip, kind, window, met.path);
            self.uses.push(AudioUse {
                clip,
                source,
                range: window,
                pieces: Box::default(),
                fades: self.fades_from(fade),
                gain,
            });
        }
        Some(TimeContext { heard, fade, gain })
    }

    fn content(&mut self, met: &Met<'_, 'a>, view: &View, window: TimeRange, context: TimeContext) {
        let item = met.placed.item;
        for marker in &item.markers {
            self.markers.extend(placed(marker, view, window, met.path));
        }
        let speed = view.line.speed();
        let is_clip = matches!(item.kind, ItemKind::Clip(_));
        if is_clip && context.heard == Heard::All && speed.num() != 0 {
            self.pieces.push(AudioPiece {
                range: window,
                media: view.line.at(window.start),
                speed,
            });
        }
    }
}

impl<'w, 'a> TimePass<'w, 'a> {
    pub(super) fn new(registry: &'w mut Registry<'a>) -> Self {
        Self {
            registry,
            uses: Vec::new(),
            markers: Vec::new(),
            pieces: Vec::new(),
            fades: Vec::new(),
        }
    }

    /// Puts everything in order once the walk is over.
    pub(super) fn finish(mut self) -> (Vec<AudioUse>, Vec<PlacedMarker>) {
        self.finish_pieces();
        self.uses.retain(|used| !used.pieces.is_empty());
        self.uses.sort_by_key(|used| (used.range.start, used.clip));
        self.markers
            .sort_by_key(|marker| (marker.range.start, marker.range.duration));
        (self.uses, self.markers)
    }

    /// Gives the last use the pieces that were met since.
    fn finish_pieces(&mut self) {
        if let Some(last) = self.uses.last_mut()
            && last.pieces.is_empty()
        {
            last.pieces = self.pieces.drain(..).collect();
        }
    }

    fn fades_from(&self, innermost: Option<usize>) -> Box<[AudioFade]> {
        let next = |number: &usize| self.fades.get(*number).and_then(|(_, outer)| *outer);
        std::iter::successors(innermost, next)
            .filter_map(|number| Some(self.fades.get(number)?.0))
            .collect()
    }
}

/// What is heard of what `item` is made of, where it stands in something of which `outside` is heard.
fn heard_in(item: &Item, outside: Heard) -> Heard {
    let carries = item.effects.contains(&Effect::WithSound);
    if !shows(item) || outside == Heard::Nothing || (outside == Heard::Carried && !carries) {
        return Heard::Nothing;
    }
    let ItemKind::Composition(composition) = &item.kind else {
        let is_heard = carries || outside == Heard::All;
        return if is_heard { Heard::All } else { Heard::Nothing };
    };
    match composition.kind {
        CompositionKind::Track(TrackKind::Audio) => Heard::All,
        CompositionKind::Track(TrackKind::Video) => Heard::Carried,
        CompositionKind::Track(TrackKind::Other) => Heard::Nothing,
        CompositionKind::Stack if outside == Heard::All => Heard::All,
        CompositionKind::Stack => Heard::Untracked,
    }
}

/// A transition in timeline time; `None` where time stands still.
fn fade_of(overlap: &Overlap, met: &Met<'_, '_>, appears: bool) -> Option<AudioFade> {
    let line = met.parent.line;
    let (a, b) = (
        line.when(overlap.range.start)?,
        line.when(overlap.range.end())?,
    );
    Some(AudioFade {
        range: TimeRange::between(a.min(b), a.max(b)),
        // Seen backwards, what rises falls.
        rising: appears == (a <= b),
    })
}

/// A marker of an item that is seen in `window`; `None` where the marker is not.
fn placed(marker: &Marker, view: &View, window: TimeRange, path: &[u32]) -> Option<PlacedMarker> {
    let (a, b) = (
        view.line.when(marker.range.start)?,
        view.line.when(marker.range.end())?,
    );
    let whole = TimeRange::between(a.min(b), a.max(b));
    let range = if whole.is_empty() {
        window.contains(whole.start).then_some(whole)?
    } else {
        window.intersection(&whole)?
    };
    Some(PlacedMarker {
        name: marker.name.clone(),
        color: marker.color.clone(),
        comment: marker.comment.clone(),
        range,
        path: path.into(),
    })
}
