//! Sequences: tracks, and the times of what is on them.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::resources::{self, Resources, frame, is_false};
use super::transition::{self, Alignment};
use crate::time::{FrameRate, MediaSpan, MediaTime};
use crate::timeline::import::numbers::span_of_frames;
use crate::timeline::import::parts::{ItemCount, TrackBuilder};
use crate::timeline::import::xml::{Node, XmlFile, child, child_text, children, elements};
use crate::timeline::import::{ImportError, Limits, Notes};
use crate::timeline::{Child, Item, Marker, TimeRange, TrackKind};

/// The tracks of a nested sequence, and how many items are in them.
pub(super) type Shared = (Arc<[Child]>, usize);

/// Which tracks of a sequence are wanted: those of a nested one are those of the track it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Video, and above it audio.
    Both,
    /// Only those of one kind.
    Only(TrackKind),
}

/// Reads sequences.
pub(super) struct Reader<'a, 'n> {
    pub(super) path: &'a Path,
    pub(super) file: &'a XmlFile<'a>,
    pub(super) resources: Resources<'a>,
    pub(super) limits: Limits,
    pub(super) items: ItemCount<'a>,
    /// The sequences that are being read, each in the one before.
    pub(super) open: Vec<Node<'a>>,
    /// Nested sequences that were read.
    pub(super) built: HashMap<(Node<'a>, Part), Shared>,
    pub(super) notes: &'n mut Notes,
}

/// Something on a track, with its place in frames of the sequence.
struct Placed<'a> {
    node: Node<'a>,
    start: i64,
    end: i64,
    /// Frames of the sequence that its head was cut by, where a transition's cut is later than its
    /// first frame.
    head: i64,
}

/// A transition, with its place in frames of the sequence.
struct Between<'a> {
    node: Node<'a>,
    start: i64,
    end: i64,
    cut: i64,
}

impl<'a> Reader<'a, '_> {
    /// Adds a note about `node`.
    pub(super) fn note(&mut self, node: Node<'_>, text: impl Into<Arc<str>>) {
        self.notes.push(self.file.place(node), text);
    }

    /// The tracks of `sequence`, those of video first.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn tracks(
        &mut self,
        sequence: Node<'a>,
        rate: FrameRate,
        part: Part,
    ) -> Result<Vec<Child>, ImportError> {
        if self.open.len() >= self.limits.depth {
            return Err(ImportError::TooLarge {
                path: self.path.to_owned(),
                what: "sequences nested too deeply".into(),
                limit: self.limits.depth as u64,
            });
        }
        self.open.push(sequence);
        let mut tracks = Vec::new();
        for (name, kind) in [("video", TrackKind::Video), ("audio", TrackKind::Audio)] {
            if part != Part::Both && part != Part::Only(kind) {
                continue;
            }
            let media = child(sequence, "media").and_then(|media| child(media, name));
            let mut heard = HashSet::new();
            for track in media.into_iter().flat_map(|media| children(media, "track")) {
                if let Some(track) = self.track(track, rate, kind, &mut heard)? {
                    tracks.push(Child::Item(Arc::new(track)));
                }
            }
        }
        self.open.pop();
        Ok(tracks)
    }

    /// One track; `None` for one that repeats the sound of others.
    ///
    /// Each channel of a source has a track of its own: Premiere numbers them, and elsewhere clip
    /// items differ in nothing but the source's track. A source is played in full once.
    fn track(
        &mut self,
        track: Node<'a>,
        rate: FrameRate,
        kind: TrackKind,
        heard: &mut HashSet<Sounding<'a>>,
    ) -> Result<Option<Item>, ImportError> {
        let exploded = track.attribute("currentExplodedTrackIndex");
        if exploded.is_some_and(|index| index != "0") {
            return Ok(None);
        }
        let (placed, between) = self.places(track, rate);
        let mut builder = TrackBuilder::new(rate);
        let mut repeats = 0;
        let mut between = between.into_iter().peekable();
        for placed in &placed {
            while let Some(transition) = between.next_if(|next| next.cut <= placed.start) {
                builder.fill_until(span_of_frames(transition.cut, rate));
                self.push_transition(&mut builder, &transition, rate);
            }
            if kind == TrackKind::Audio && exploded.is_none() && !heard.insert(sounding(placed)) {
                repeats += 1;
                continue;
            }
            self.items.add(1)?;
            let start = span_of_frames(placed.start, rate);
            let duration = span_of_frames(placed.end, rate) - start;
            if start < builder.end() {
                let late = rate.frame_at_floor(MediaTime::ZERO + (builder.end() - start));
                let text = format!(
                    "it begins {} frames before the one before ends, and follows it",
                    late.0
                );
                self.note(placed.node, text);
            }
            builder.fill_until(start);
            let head = span_of_frames(placed.head, rate);
            let item = self.item(placed.node, kind, rate, head, duration)?;
            builder.push(item, duration);
        }
        for transition in between {
            builder.fill_until(span_of_frames(transition.cut, rate));
            self.push_transition(&mut builder, &transition, rate);
        }
        if repeats > 0 && !builder.ends_with_content() {
            return Ok(None);
        }
        let mut item = builder.finish(child_text(track, "name").unwrap_or_default(), kind);
        item.enabled = !is_false(child_text(track, "enabled"));
        Ok(Some(item))
    }

    fn push_transition(
        &mut self,
        builder: &mut TrackBuilder,
        between: &Between<'a>,
        rate: FrameRate,
    ) {
        let cut = span_of_frames(between.cut, rate);
        let (kind, text) = transition::kind(between.node);
        if let Some(text) = text {
            self.note(between.node, text);
        }
        let name = child(between.node, "effect").and_then(|effect| child_text(effect, "name"));
        builder.push_transition(crate::timeline::Transition {
            name: name.unwrap_or_default().into(),
            kind,
            in_offset: cut - span_of_frames(between.start, rate),
            out_offset: span_of_frames(between.end, rate) - cut,
            metadata: self.file.metadata(between.node),
        });
    }

    /// Where everything on `track` lies, and where transitions cut.
    fn places(&mut self, track: Node<'a>, rate: FrameRate) -> (Vec<Placed<'a>>, Vec<Between<'a>>) {
        let on_track: Vec<Node<'a>> = elements(track)
            .filter(|node| {
                let name = node.tag_name().name();
                matches!(name, "clipitem" | "generatoritem" | "transitionitem")
            })
            .collect();
        let is_transition = |node: &&Node<'a>| node.has_tag_name("transitionitem");
        let mut placed: Vec<Placed<'a>> = Vec::new();
        let mut between: Vec<Between<'a>> = Vec::new();
        for (index, node) in on_track.iter().enumerate() {
            let before = index.checked_sub(1).and_then(|before| on_track.get(before));
            let before = before.filter(is_transition);
            let after = on_track.get(index + 1).filter(is_transition);
            if is_transition(&node) {
                let Some((start, end)) = frame(*node, "start").zip(frame(*node, "end")) else {
                    self.note(*node, "the transition has no place and is left out");
                    continue;
                };
                let (start, end) = (start, end.max(start));
                let cut = start;
                between.push(Between {
                    node: *node,
                    start,
                    end,
                    cut,
                });
                continue;
            }
            let used = used_frames(*node, rate);
            let start =
                frame(*node, "start").or_else(|| before.and_then(|some| frame(*some, "start")));
            let end = frame(*node, "end").or_else(|| after.and_then(|some| frame(*some, "end")));
            let (start, end) = match (start, end) {
                (Some(start), Some(end)) => (start, end),
                (Some(start), None) => (start, start.saturating_add(used)),
                (None, Some(end)) => (end.saturating_sub(used).max(0), end),
                (None, None) => {
                    let start = placed.last().map_or(0, |last| last.end);
                    (start, start.saturating_add(used))
                }
            };
            if end <= start {
                self.note(*node, "it takes no time and is left out");
                continue;
            }
            let (node, head) = (*node, 0);
            placed.push(Placed {
                node,
                start,
                end,
                head,
            });
        }
        // The cut of a transition is where the clip before ends and the one after begins; both are
        // stated with the whole overlap in them.
        for transition in &mut between {
            let follows =
                |some: &Placed<'_>| some.node.range().start > transition.node.range().start;
            let after = placed.partition_point(|some| !follows(some));
            let (before, after) = placed.split_at_mut(after);
            let touching = transition.start..=transition.end;
            let before = before
                .last_mut()
                .filter(|some| touching.contains(&some.end));
            let after = after
                .first_mut()
                .filter(|some| touching.contains(&some.start));
            let alignment = match (&before, &after) {
                (Some(_), Some(_)) => transition::alignment(transition.node),
                (Some(_), None) => Alignment::End,
                (None, _) => Alignment::Start,
            };
            transition.cut = match alignment {
                Alignment::Start => transition.start,
                Alignment::Center => i64::midpoint(transition.start, transition.end),
                Alignment::End => transition.end,
            };
            if let Some(before) = before {
                before.end = before.end.min(transition.cut.max(before.start));
            }
            if let Some(after) = after
                && after.start < transition.cut
            {
                after.head = transition.cut.min(after.end) - after.start;
                after.start += after.head;
            }
        }
        (placed, between)
    }

    /// The markers of `node`, in its own time, which is `shift` later than what they count from.
    pub(super) fn markers(&self, node: Node<'a>, rate: FrameRate, shift: MediaSpan) -> Vec<Marker> {
        let markers = children(node, "marker");
        let markers = markers.map(|marker| {
            let start = frame(marker, "in").unwrap_or(0);
            let end = frame(marker, "out").unwrap_or(start).max(start);
            let time = |frames| MediaTime::ZERO + shift + span_of_frames(frames, rate);
            Marker {
                name: child_text(marker, "name").unwrap_or_default().into(),
                range: TimeRange::between(time(start), time(end)),
                color: child_text(marker, "pproColor").unwrap_or_default().into(),
                comment: child_text(marker, "comment").unwrap_or_default().into(),
                metadata: self.file.metadata(marker),
            }
        });
        markers.collect()
    }
}

/// What sounds when: two clip items that agree in it are channels of one source.
type Sounding<'a> = (Option<&'a str>, i64, i64, Option<i64>);

fn sounding<'a>(placed: &Placed<'a>) -> Sounding<'a> {
    let source = child(placed.node, "file").or_else(|| child(placed.node, "sequence"));
    let source = source.and_then(|source| source.attribute("id"));
    let first = frame(placed.node, "in");
    // What has no id is like nothing else: its own place in the file tells it apart.
    let place = i64::try_from(placed.node.range().start).unwrap_or(i64::MAX);
    let first = if source.is_some() { first } else { Some(place) };
    (source, placed.start, placed.end, first)
}

/// Frames of the sequence that the used part of a clip item takes, by its in and out points.
fn used_frames(node: Node<'_>, rate: FrameRate) -> i64 {
    let (start, end) = (
        frame(node, "in").unwrap_or(0),
        frame(node, "out").unwrap_or(0),
    );
    let clip_rate = resources::rate(node).unwrap_or(rate);
    let used = span_of_frames(end.saturating_sub(start), clip_rate);
    rate.frame_at_floor(MediaTime::ZERO + used).0
}
