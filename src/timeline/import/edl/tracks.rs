//! Events on tracks.
//!
//! Black on a video track is a clip of black, as OTIO has it; where nothing is recorded is
//! a gap. A line that takes no time says where a transition comes from; OTIO lets the clip
//! before go on instead, and so does this reader, with a note where that is not the same. Only what
//! comes from black comes from a gap of no length.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::counting::Counting;
use super::events::{Event, EventList};
use super::lines::Edit;
use crate::time::{FrameRate, MediaSpan, MediaTime};
use crate::timeline::import::numbers::span_of_frames;
use crate::timeline::import::parts::{
    BLACK, ItemCount, TrackBuilder, stated, wipe_from_smpte_code,
};
use crate::timeline::import::{ImportError, ImportOptions, Notes, Place};
use crate::timeline::{
    Child, CompositionKind, Effect, Item, ItemKind, Marker, MediaReference, Metadata, Ratio,
    TimeMap, TimeRange, Timeline, TrackKind, Transition, TransitionKind,
};

/// Where a track lies: those of video first, from below, what is keyed over a track right above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TrackKey {
    Video { number: u32, keyed: bool },
    Audio { number: u32 },
}

/// The timeline that `list` describes.
///
/// # Errors
/// [`ImportError::TooLarge`].
pub(super) fn timeline(
    path: &Path,
    text: &Arc<str>,
    list: &EventList<'_>,
    options: &ImportOptions,
    notes: &mut Notes,
) -> Result<Timeline, ImportError> {
    let mut items = ItemCount::new(path, options.limits.items);
    items.add(list.events.len())?;
    let mut tracks: BTreeMap<TrackKey, Vec<&Event<'_>>> = BTreeMap::new();
    for event in &list.events {
        let keyed = event.edit == Edit::Key;
        let video = event.channels.video;
        let video = video.map(|number| TrackKey::Video { number, keyed });
        let audio = event.channels.audio;
        let audio = audio.map(|number| TrackKey::Audio { number });
        if keyed && video.is_some() {
            let text = "the key is shown over its background without being cut out";
            notes.push(Place::Line(event.line), text);
        }
        if video.is_none() && audio.is_none() {
            let text = "the event is recorded on no channel and is left out";
            notes.push(Place::Line(event.line), text);
        }
        for key in [video, audio].into_iter().flatten() {
            tracks.entry(key).or_default().push(event);
        }
    }
    let starts = list.events.iter().map(|event| event.record.start);
    let start = starts.min().unwrap_or_default();
    let children = tracks.into_iter().map(|(key, events)| {
        let kind = match key {
            TrackKey::Video { .. } => TrackKind::Video,
            TrackKey::Audio { .. } => TrackKind::Audio,
        };
        let assembly = Assembly {
            text,
            counting: list.counting,
            start,
            kind,
            builder: TrackBuilder::new(list.counting.rate),
            last: None,
            notes: &mut *notes,
        };
        let name = match key {
            TrackKey::Video { number: 1, .. } => "V".to_owned(),
            TrackKey::Video { number, .. } => format!("V{number}"),
            TrackKey::Audio { number } => format!("A{number}"),
        };
        Child::Item(Arc::new(assembly.track(&name, events)))
    });
    let children: Vec<Child> = children.collect();
    Ok(Timeline {
        name: list.title.trim().into(),
        rate: list.counting.rate,
        global_start: Some(MediaTime::ZERO + span_of_frames(start, list.counting.rate)),
        drop_frame: list.counting.drop_frame,
        canvas: None,
        root: Arc::new(Item::new(
            "",
            ItemKind::composition(CompositionKind::Stack, children),
        )),
        metadata: Metadata::NONE,
    })
}

/// One track in the making.
struct Assembly<'a, 't> {
    text: &'t Arc<str>,
    counting: Counting,
    /// The record frame that the timeline begins with.
    start: i64,
    kind: TrackKind,
    builder: TrackBuilder,
    /// The event that was put last.
    last: Option<&'t Event<'a>>,
    notes: &'t mut Notes,
}

impl<'a, 't> Assembly<'a, 't> {
    fn rate(&self) -> FrameRate {
        self.counting.rate
    }

    /// Builds the track. Events come in the order of the file, which need not be that of time.
    fn track(mut self, name: &str, mut events: Vec<&'t Event<'a>>) -> Item {
        // Lines that take no time stay before what they belong to, for the order is kept.
        events.sort_by_key(|event| event.record.start);
        let mut from: Option<&Event<'_>> = None;
        for (index, event) in events.iter().enumerate() {
            if event.length() == 0 && !event.edit.is_transition() {
                from = Some(event);
                continue;
            }
            let next = events[index + 1..]
                .iter()
                .find(|next| next.length() > 0 || next.edit.is_transition());
            let end = next.map_or(event.record.end, |next| {
                event.record.end.min(next.record.start)
            });
            if end < event.record.end {
                let lost = event.record.end - end;
                let text = format!(
                    "the next event on {name} begins {lost} frames before this one ends, and takes \
                     its place"
                );
                self.notes.push(Place::Line(event.line), text);
                if end == event.record.start {
                    continue;
                }
            }
            let from = from
                .take()
                .filter(|from| from.record.end == event.record.start);
            self.place(event, from, end);
        }
        self.builder.finish(name, self.kind)
    }

    fn place(&mut self, event: &'t Event<'a>, from: Option<&Event<'_>>, end: i64) {
        let begin = span_of_frames(event.record.start - self.start, self.rate());
        let adjoins = self.builder.end() == begin && !self.builder.is_empty();
        self.builder.fill_until(begin);
        let duration = span_of_frames(end - self.start, self.rate()) - begin;
        if event.edit.is_transition() {
            if let Some(from) = from {
                self.outgoing(event, from, adjoins);
            }
            let transition = self.transition(event, duration);
            self.builder.push_transition(transition);
        }
        if self.kind == TrackKind::Audio && event.is_black() {
            self.builder.push_gap(duration);
        } else {
            let mut item = self.item(event, duration);
            if end < event.record.end {
                item.markers.retain(|marker| {
                    let range = item.source_range.map(|stated| stated.range);
                    range.is_none_or(|range| marker.range.start < range.end())
                });
            }
            self.builder.push(item, duration);
        }
        self.last = Some(event);
    }

    /// Sees to what a transition comes from, where the file says so: `from`, which takes no time.
    fn outgoing(&mut self, event: &Event<'_>, from: &'_ Event<'_>, adjoins: bool) {
        if from.is_black() {
            if adjoins && self.builder.ends_with_content() {
                self.builder.push_gap(MediaSpan::ZERO);
            }
            return;
        }
        if !adjoins || !self.builder.ends_with_content() {
            let item = self.item(from, MediaSpan::ZERO);
            self.builder.push(item, MediaSpan::ZERO);
            return;
        }
        let Some(last) = self.last else { return };
        // Where the last clip would be now if it went on.
        let passed = last.speed.num().saturating_mul(last.length());
        let reached = last
            .source
            .start
            .saturating_add(passed.div_euclid(last.speed.den()));
        let goes_on = last.reel == from.reel
            && reached.saturating_sub(from.source.start).saturating_abs() <= 1;
        if !goes_on && !last.is_black() {
            let named = from.from_name.or(from.name).unwrap_or(from.reel);
            let text = format!(
                "the transition comes from another part of `{named}` than the clip before shows; \
                 that clip goes on instead"
            );
            self.notes.push(Place::Line(event.line), text);
        }
    }

    fn transition(&mut self, event: &Event<'_>, duration: MediaSpan) -> Transition {
        let length = span_of_frames(event.edit.frames(), self.rate());
        if length > duration {
            let text = "the transition is longer than the clip that it begins, and is cut short";
            self.notes.push(Place::Line(event.line), text);
        }
        let kind = match event.edit {
            Edit::Wipe(code, _) if self.kind == TrackKind::Video => {
                let edge = wipe_from_smpte_code(code, false);
                if edge.is_none() {
                    let text = format!("wipe {code:03} is not known and becomes a dissolve");
                    self.notes.push(Place::Line(event.line), text);
                }
                edge.map_or(TransitionKind::Dissolve, TransitionKind::Wipe)
            }
            _ => TransitionKind::Dissolve,
        };
        Transition {
            name: event.effect_name.unwrap_or_default().into(),
            kind,
            in_offset: MediaSpan::ZERO,
            out_offset: length.min(duration),
            metadata: Metadata::passage(self.text, event.bytes.clone()),
        }
    }

    fn item(&mut self, event: &Event<'_>, duration: MediaSpan) -> Item {
        let rate = self.rate();
        let name = event.name.or(event.from_name);
        let name = name.filter(|name| !name.is_empty());
        let start = span_of_frames(event.source.start, rate);
        let mut item = Item::new(name.unwrap_or(event.reel), media(event, name));
        item.source_range = Some(stated(start, duration, rate));
        item.metadata = Metadata::passage(self.text, event.bytes.clone());
        item.effects = self.effects(event);
        item.markers = event
            .markers
            .iter()
            .map(|marker| {
                let at = start + span_of_frames(marker.record - event.record.start, rate);
                Marker {
                    name: marker.name.into(),
                    range: TimeRange::between(MediaTime::ZERO + at, MediaTime::ZERO + at),
                    color: marker.color.into(),
                    comment: "".into(),
                    metadata: Metadata::NONE,
                }
            })
            .collect();
        item
    }

    fn effects(&mut self, event: &Event<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if event.speed == Ratio::ZERO {
            effects.push(Effect::Freeze);
        } else if event.speed.num() < 0 {
            // `M2` gives the frame that motion starts from: what is played backwards begins with its
            // source's first frame and goes back from there. Premiere writes the range that is
            // played instead, which shows where going back would pass midnight.
            let backwards = TimeMap::linear(MediaSpan::ZERO, event.speed);
            let length = span_of_frames(event.length(), self.rate());
            let start = span_of_frames(event.source.start, self.rate());
            effects.push(if start + backwards.source_at(length) < MediaSpan::ZERO {
                Effect::Speed(event.speed)
            } else {
                Effect::Map(backwards)
            });
        } else if event.speed != Ratio::ONE {
            effects.push(Effect::Speed(event.speed));
        } else if event.source.end - event.source.start != event.length() && !event.is_black() {
            let source = event.source.end - event.source.start;
            let text = format!(
                "{source} frames of the source are to fill {} of the record, without a speed; \
                 normal speed is played",
                event.length()
            );
            self.notes.push(Place::Line(event.line), text);
        }
        if let Some(grade) = &event.grade {
            effects.push(Effect::Unknown {
                name: "ASC CDL".into(),
                metadata: Metadata::passage(self.text, grade.clone()),
            });
        }
        effects
    }
}

/// A path is best, a clip's name that is a file's name next. A reel is the name of a tape, but
/// for `AX`, which means that there is none.
fn media(event: &Event<'_>, name: Option<&str>) -> ItemKind {
    if event.is_black() {
        return ItemKind::clip(MediaReference::Generator {
            generator: BLACK,
            available: None,
        });
    }
    let file = event.file.filter(|file| !file.is_empty());
    if let Some(target) = file.or(name.filter(|name| has_extension(name))) {
        return ItemKind::clip(MediaReference::File {
            target: target.into(),
            available: None,
        });
    }
    let reel = Some(event.reel).filter(|reel| !matches!(*reel, "" | "AX"));
    ItemKind::clip(MediaReference::Missing {
        name: reel.or(name).unwrap_or(event.reel).into(),
        available: None,
    })
}

/// Whether `name` ends like a file's name.
fn has_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        let letters = extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let some_letter = extension.bytes().any(|byte| byte.is_ascii_alphabetic());
        !stem.is_empty() && (2..=5).contains(&extension.len()) && letters && some_letter
    })
}
