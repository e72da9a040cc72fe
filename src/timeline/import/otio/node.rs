//! Items, transitions, and what holds them.

use std::borrow::Cow;
use std::sync::Arc;

use super::json::Read;
use super::reader::Reader;
use super::schema::{NodeSchema, Schema};
use super::time::StatedTime;
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::{
    Child, Clip, CompositionKind, Effect, Generator, Item, ItemKind, Look, Marker, MediaReference,
    Metadata, NamedReference, StatedRange, TimeRange, TrackKind, Transition,
};

/// What stands among children or at the root of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Child(Child),
    Timeline(Box<FoundTimeline>),
    Collection(Vec<Node>),
    /// Something that cannot be played, and was listed.
    Nothing,
}

/// A timeline before its rate is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FoundTimeline {
    pub(super) name: Arc<str>,
    pub(super) global_start: Option<StatedTime>,
    pub(super) root: Option<Arc<Item>>,
    pub(super) metadata: Metadata,
}

/// What a node of any kind may say. Keys mean the same in all of them.
#[derive(Default)]
struct Parts<'a> {
    schema: Option<Schema<'a>>,
    name: Option<Arc<str>>,
    metadata: Metadata,
    source_range: Option<StatedRange>,
    enabled: Option<bool>,
    effects: Vec<Effect>,
    markers: Vec<Marker>,
    children: Vec<Node>,
    kind: Option<Cow<'a, str>>,
    references: Vec<NamedReference>,
    active: Option<Cow<'a, str>>,
    transition: Option<Cow<'a, str>>,
    in_offset: MediaSpan,
    out_offset: MediaSpan,
    tracks: Option<Node>,
    global_start: Option<StatedTime>,
    /// A length that an object of an unknown kind states.
    duration: Option<StatedTime>,
}

impl<'a> Reader<'a> {
    /// Reads what stands among children or at the root.
    pub(super) fn node(&mut self) -> Read<Node> {
        let mut parts = Parts::default();
        let is_there = self.object(|this, key| this.part_of_node(key, &mut parts))?;
        if !is_there {
            return Ok(Node::Nothing);
        }
        self.assemble(parts)
    }

    fn part_of_node(&mut self, key: &'a str, parts: &mut Parts<'a>) -> Read<()> {
        match key {
            "OTIO_SCHEMA" => parts.schema = self.schema()?,
            "name" => parts.name = Some(self.shared_string()?),
            "metadata" => parts.metadata = self.metadata()?,
            "source_range" => parts.source_range = self.time_range()?,
            "enabled" => parts.enabled = self.boolean()?,
            "effects" => {
                parts.effects.clear();
                self.list(|this| this.effect(&mut parts.effects))?;
            }
            "markers" => {
                parts.markers.clear();
                self.list(|this| this.marker(&mut parts.markers))?;
            }
            "children" => {
                parts.children.clear();
                let children = &mut parts.children;
                self.nested(|this| {
                    this.list(|this| {
                        children.push(this.node()?);
                        Ok(())
                    })
                })?;
            }
            "kind" => parts.kind = self.string()?,
            "media_reference" => {
                parts.references.clear();
                let key = Arc::clone(&self.default_media);
                let reference = self.reference(key)?;
                parts.references.push(reference);
            }
            "media_references" => {
                parts.references.clear();
                self.object(|this, key| {
                    let key = if *key == *this.default_media {
                        Arc::clone(&this.default_media)
                    } else {
                        key.into()
                    };
                    let reference = this.reference(key)?;
                    parts.references.push(reference);
                    Ok(())
                })?;
            }
            "active_media_reference_key" => parts.active = self.string()?,
            "transition_type" => parts.transition = self.string()?,
            "in_offset" => parts.in_offset = self.offset()?,
            "out_offset" => parts.out_offset = self.offset()?,
            "tracks" => parts.tracks = Some(self.nested(Self::node)?),
            "global_start_time" => parts.global_start = self.rational_time()?,
            "duration" => parts.duration = self.rational_time()?,
            _ => self.skip()?,
        }
        Ok(())
    }

    fn assemble(&mut self, mut parts: Parts<'a>) -> Read<Node> {
        let Some(schema) = parts.schema else {
            self.note("an object without a schema: left out");
            return Ok(Node::Nothing);
        };
        let Some((kind, newest)) = NodeSchema::of(schema.name) else {
            self.count_item()?;
            return Ok(self.unknown(schema, parts));
        };
        self.check_version(schema, newest);
        match kind {
            NodeSchema::Timeline => return Ok(self.timeline(parts)),
            NodeSchema::Collection => return Ok(Node::Collection(parts.children)),
            _ => self.count_item()?,
        }
        let kind = match kind {
            NodeSchema::Transition => return Ok(self.transition(parts)),
            NodeSchema::Clip => ItemKind::Clip(Box::new(self.clip(&mut parts))),
            NodeSchema::Stack => self.composition(CompositionKind::Stack, &mut parts),
            NodeSchema::Track => {
                let kind = self.track_kind(parts.kind.as_deref());
                self.composition(CompositionKind::Track(kind), &mut parts)
            }
            _ => ItemKind::Gap,
        };
        Ok(self.item(kind, parts))
    }

    fn track_kind(&mut self, kind: Option<&str>) -> TrackKind {
        match kind {
            // OpenTimelineIO's own default.
            None | Some("Video") => TrackKind::Video,
            Some("Audio") => TrackKind::Audio,
            Some(other) => {
                let text = format!("a track of the kind `{other}`: kept, not played");
                self.note_at("kind", text);
                TrackKind::Other
            }
        }
    }

    fn composition(&mut self, kind: CompositionKind, parts: &mut Parts<'a>) -> ItemKind {
        let children = self.children(std::mem::take(&mut parts.children));
        ItemKind::composition(kind, children)
    }

    /// An item of `kind`, with what `parts` holds for any item.
    fn item(&mut self, kind: ItemKind, parts: Parts<'a>) -> Node {
        let is_known = match &kind {
            ItemKind::Clip(clip) => clip.available_range().is_some(),
            ItemKind::Gap => false,
            ItemKind::Composition(_) => true,
        };
        if parts.source_range.is_none() && !is_known {
            self.note("no length is stated: it takes up no time");
        }
        Node::Child(Child::Item(Arc::new(Item {
            name: self.name(parts.name),
            source_range: parts.source_range,
            enabled: parts.enabled.unwrap_or(true),
            look: Look::default(),
            effects: parts.effects,
            markers: parts.markers,
            kind,
            metadata: parts.metadata,
        })))
    }

    fn name(&self, name: Option<Arc<str>>) -> Arc<str> {
        name.unwrap_or_else(|| Arc::clone(&self.unnamed))
    }

    fn clip(&mut self, parts: &mut Parts<'a>) -> Clip {
        let references = std::mem::take(&mut parts.references);
        let place = |key: &str| references.iter().position(|named| *named.key == *key);
        let default = place(&self.default_media);
        let wanted = parts.active.as_deref();
        let active = match wanted.map_or(default, place) {
            Some(active) => active,
            None if references.is_empty() => 0,
            None => {
                let instead = default.unwrap_or(0);
                let text = format!(
                    "no media reference has the key `{}`: `{}` is used",
                    wanted.unwrap_or(&self.default_media),
                    references[instead].key
                );
                self.note_at("active_media_reference_key", text);
                instead
            }
        };
        Clip { references, active }
    }

    /// The children that can be played. Timelines and collections do not belong here.
    fn children(&mut self, nodes: Vec<Node>) -> Arc<[Child]> {
        let mut children = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Child(child) => children.push(child),
                Node::Timeline(timeline) => {
                    self.note(format!(
                        "a timeline, `{}`, inside another: its tracks are played",
                        timeline.name
                    ));
                    children.extend(timeline.root.map(Child::Item));
                }
                Node::Collection(_) => self.note("a collection inside a composition: left out"),
                Node::Nothing => {}
            }
        }
        children.into()
    }

    fn timeline(&mut self, parts: Parts<'a>) -> Node {
        let root = match parts.tracks {
            Some(Node::Child(Child::Item(item))) => Some(item),
            None | Some(Node::Nothing) => None,
            Some(_) => {
                self.note_at("tracks", "this is no stack of tracks: left out");
                None
            }
        };
        Node::Timeline(Box::new(FoundTimeline {
            name: self.name(parts.name),
            global_start: parts.global_start,
            root,
            metadata: parts.metadata,
        }))
    }

    fn transition(&mut self, parts: Parts<'a>) -> Node {
        let kind = parts.transition.unwrap_or_default();
        let kind = self.transition_kind(&kind, &parts.metadata);
        Node::Child(Child::Transition(Arc::new(Transition {
            name: self.name(parts.name),
            kind,
            in_offset: parts.in_offset,
            out_offset: parts.out_offset,
            metadata: parts.metadata,
        })))
    }

    /// A placeholder for what is not known, as long as it says it is.
    fn unknown(&mut self, schema: Schema<'a>, mut parts: Parts<'a>) -> Node {
        let stated = parts.duration.and_then(|length| {
            Some(StatedRange {
                range: TimeRange {
                    start: MediaTime::ZERO,
                    duration: length.span.max(MediaSpan::ZERO),
                },
                rate: length.rate?,
            })
        });
        parts.source_range = parts.source_range.or(stated);
        if parts.source_range.is_none() {
            self.note(format!(
                "`{schema}` is not known and has no length: left out"
            ));
            return Node::Nothing;
        }
        self.note(format!("`{schema}` is not known: a placeholder is shown"));
        let placeholder = NamedReference {
            key: Arc::clone(&self.default_media),
            reference: MediaReference::Generator {
                generator: Generator::Unknown,
                available: parts.source_range,
            },
            bounds: None,
            metadata: Metadata::NONE,
        };
        if parts.name.as_deref().is_none_or(str::is_empty) {
            parts.name = Some(schema.name.into());
        }
        let clip = Clip {
            references: vec![placeholder],
            active: 0,
        };
        self.item(ItemKind::Clip(Box::new(clip)), parts)
    }
}
