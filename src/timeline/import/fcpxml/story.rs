//! Spines and lanes on tracks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::resources::{Resources, time};
use crate::media::Size;
use crate::time::{FrameRate, MediaSpan};
use crate::timeline::import::parts::{ItemCount, TrackBuilder};
use crate::timeline::import::xml::{Node, XmlFile, child, children, elements};
use crate::timeline::import::{ImportError, Limits, Notes};
use crate::timeline::{Child, Item, ItemKind, TrackKind, Transition, TransitionKind, WipeEdge};

/// Reads stories.
pub(super) struct Reader<'a, 'n> {
    pub(super) path: &'a Path,
    pub(super) file: &'a XmlFile<'a>,
    pub(super) resources: Resources<'a>,
    pub(super) limits: Limits,
    pub(super) items: ItemCount<'a>,
    /// The media that are being read, each in the one before.
    pub(super) open: Vec<Node<'a>>,
    /// How many elements stand around the present one that hold a story or anchor it.
    pub(super) depth: usize,
    /// Sequences of compound clips that were read, with how many items are in each.
    pub(super) built: HashMap<Node<'a>, (Arc<[Child]>, usize)>,
    pub(super) notes: &'n mut Notes,
}

/// The sequence that a story is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context {
    /// Its rate.
    pub(super) rate: FrameRate,
    /// Its size.
    pub(super) canvas: Option<Size>,
}

/// An element of a story, built.
pub(super) struct Built {
    /// It.
    pub(super) item: Item,
    /// How long it takes.
    pub(super) duration: MediaSpan,
    /// Its first time, on its own clock: what is anchored to it counts on that.
    pub(super) start: MediaSpan,
    /// Whether there is nothing to see in it.
    pub(super) only_sound: bool,
}

/// Children of a lane, in order, that lie together.
pub(super) struct Chunk {
    lane: i64,
    only_sound: bool,
    start: MediaSpan,
    duration: MediaSpan,
    children: Vec<Child>,
}

/// Whether an element called `name` takes time in a story.
pub(super) fn is_story(name: &str) -> bool {
    matches!(
        name,
        "asset-clip"
            | "clip"
            | "video"
            | "audio"
            | "gap"
            | "title"
            | "ref-clip"
            | "sync-clip"
            | "mc-clip"
            | "audition"
    )
}

/// Whether what is connected to a synchronised clip was synchronised with it, rather than connected
/// to it later.
pub(super) fn holds_connected(node: Node<'_>) -> bool {
    children(node, "sync-source").any(|source| source.attribute("sourceID") == Some("connected"))
}

/// The lane that `node` is in; 0 is the story itself.
pub(super) fn lane(node: Node<'_>) -> i64 {
    let lane = node
        .attribute("lane")
        .and_then(|lane| lane.parse::<i32>().ok());
    i64::from(lane.unwrap_or(0))
}

impl<'a> Reader<'a, '_> {
    /// Adds a note about `node`.
    pub(super) fn note(&mut self, node: Node<'_>, text: impl Into<Arc<str>>) {
        self.notes.push(self.file.place(node), text);
    }

    /// The tracks of `sequence`.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn sequence(
        &mut self,
        sequence: Node<'a>,
        context: Context,
    ) -> Result<Vec<Child>, ImportError> {
        let origin = time(sequence, "tcStart").unwrap_or(MediaSpan::ZERO);
        let story: Vec<Node<'a>> = child(sequence, "spine")
            .into_iter()
            .flat_map(elements)
            .collect();
        self.tracks(&story, None, origin, context)
    }

    /// The tracks of a story whose time begins at `origin`: pictures from the lowest lane up, then
    /// sound. What is connected to `around` belongs to it.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn tracks(
        &mut self,
        story: &[Node<'a>],
        around: Option<Node<'a>>,
        origin: MediaSpan,
        context: Context,
    ) -> Result<Vec<Child>, ImportError> {
        let mut chunks = Vec::new();
        if let Some(around) = around {
            let zero = MediaSpan::ZERO;
            self.connected(around, zero, zero, 0, context, &mut chunks)?;
        }
        let (children, duration) =
            self.spine(story, origin, MediaSpan::ZERO, 0, context, &mut chunks)?;
        // Sound alone leaves gaps behind, which are no picture.
        let covered = chunks.iter().any(|chunk| {
            chunk.only_sound && chunk.lane == 0 && chunk.start + chunk.duration >= duration
        });
        if !(covered && children.iter().all(is_gap)) {
            let (lane, only_sound, start) = (0, false, MediaSpan::ZERO);
            chunks.push(Chunk {
                lane,
                only_sound,
                start,
                duration,
                children,
            });
        }
        Ok(lanes_to_tracks(chunks, context.rate))
    }

    /// Runs `read` a level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ImportError>,
    ) -> Result<T, ImportError> {
        if self.depth >= self.limits.depth {
            return Err(ImportError::TooLarge {
                path: self.path.to_owned(),
                what: "clips nested too deeply".into(),
                limit: self.limits.depth as u64,
            });
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    /// The elements of a spine, one after another, and how long they take. `at` is where the spine
    /// begins in its sequence, `origin` what that time is called by its elements. What is connected to
    /// them, and what of them is only heard, goes to `chunks`.
    fn spine(
        &mut self,
        story: &[Node<'a>],
        origin: MediaSpan,
        at: MediaSpan,
        lane: i64,
        context: Context,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(Vec<Child>, MediaSpan), ImportError> {
        let mut builder = TrackBuilder::new(context.rate);
        let mut before: Option<Node<'a>> = None;
        for node in story {
            let name = node.tag_name().name();
            if name == "transition" {
                before = Some(*node);
                continue;
            }
            if !is_story(name) {
                continue;
            }
            let Some(built) = self.element(*node, context)? else {
                continue;
            };
            self.items.add(1)?;
            let begin = time(*node, "offset").map_or(builder.end(), |offset| offset - origin);
            if begin < builder.end() {
                self.note(
                    *node,
                    "it begins before the one before ends, and follows it",
                );
            }
            builder.fill_until(begin);
            let begin = builder.end();
            if let Some(before) = before.take() {
                self.push_transition(&mut builder, before, origin, true);
            }
            self.anchored(*node, &built, at + begin, lane, context, chunks)?;
            let Built {
                item,
                duration,
                only_sound,
                ..
            } = built;
            if only_sound {
                builder.push_gap(duration);
                chunks.push(Chunk {
                    lane,
                    only_sound,
                    start: at + begin,
                    duration,
                    children: vec![Child::Item(Arc::new(item))],
                });
            } else {
                builder.push(item, duration);
            }
        }
        if let Some(before) = before {
            self.push_transition(&mut builder, before, origin, false);
        }
        Ok(builder.into_children())
    }

    /// What is connected to `node`, which is built and begins at `at` of the sequence.
    fn anchored(
        &mut self,
        node: Node<'a>,
        built: &Built,
        at: MediaSpan,
        lane: i64,
        context: Context,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), ImportError> {
        // The first clip of an audition is the one that is used, and what is connected to it.
        let node = match node.tag_name().name() {
            "audition" => elements(node).find(|pick| is_story(pick.tag_name().name())),
            "sync-clip" if holds_connected(node) => None,
            _ => Some(node),
        };
        match node {
            Some(node) => self.connected(node, built.start, at, lane, context, chunks),
            None => Ok(()),
        }
    }

    /// What is connected to `node`, whose clock says `first` at `at` of the sequence.
    fn connected(
        &mut self,
        node: Node<'a>,
        first: MediaSpan,
        at: MediaSpan,
        lane_of_node: i64,
        context: Context,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), ImportError> {
        for child in elements(node) {
            let name = child.tag_name().name();
            if lane(child) == 0 || name == "caption" {
                continue;
            }
            let lane = lane_of_node + lane(child);
            let start = at + (time(child, "offset").unwrap_or(first) - first);
            if name == "spine" {
                let story: Vec<Node<'a>> = elements(child).collect();
                let (children, duration) = self.deeper(|reader| {
                    reader.spine(&story, MediaSpan::ZERO, start, lane, context, chunks)
                })?;
                if !children.iter().all(is_gap) {
                    push_chunk(
                        chunks,
                        Chunk {
                            lane,
                            only_sound: false,
                            start,
                            duration,
                            children,
                        },
                    );
                }
            } else if is_story(name) {
                self.deeper(|reader| {
                    let Some(built) = reader.element(child, context)? else {
                        return Ok(());
                    };
                    reader.items.add(1)?;
                    reader.anchored(child, &built, start, lane, context, chunks)?;
                    let Built {
                        item,
                        duration,
                        only_sound,
                        ..
                    } = built;
                    if item.kind != ItemKind::Gap {
                        let children = vec![Child::Item(Arc::new(item))];
                        push_chunk(
                            chunks,
                            Chunk {
                                lane,
                                only_sound,
                                start,
                                duration,
                                children,
                            },
                        );
                    }
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// A transition, whose cut is at the end of what is built so far. `followed` says whether something
    /// comes after it.
    fn push_transition(
        &mut self,
        builder: &mut TrackBuilder,
        node: Node<'a>,
        origin: MediaSpan,
        followed: bool,
    ) {
        let cut = builder.end();
        let duration = time(node, "duration").unwrap_or(MediaSpan::ZERO);
        let start = time(node, "offset").map_or(cut, |offset| offset - origin);
        let none = MediaSpan::ZERO;
        let in_offset = (cut - start).max(none).min(duration.max(none));
        let out_offset = if followed { duration - in_offset } else { none };
        let name = node.attribute("name").unwrap_or_default();
        let kind = self.transition_kind(node, name);
        builder.push_transition(Transition {
            name: name.into(),
            kind,
            in_offset,
            out_offset: out_offset.max(none),
            metadata: self.file.metadata(node),
        });
    }

    fn transition_kind(&mut self, node: Node<'a>, name: &str) -> TransitionKind {
        let filter = child(node, "filter-video");
        let effect = filter.and_then(|filter| self.resources.referred(filter, "effect"));
        let effect = effect.and_then(|effect| effect.attribute("name"));
        match effect.unwrap_or(name) {
            "Wipe" => TransitionKind::Wipe(WipeEdge::LeftToRight),
            "Clock" => TransitionKind::Wipe(WipeEdge::Clock),
            "Circle" => TransitionKind::Wipe(WipeEdge::Circle),
            "" | "Cross Dissolve" => TransitionKind::Dissolve,
            _ if filter.is_none() => TransitionKind::Dissolve,
            other => {
                self.note(node, format!("the transition `{other}` becomes a dissolve"));
                TransitionKind::Dissolve
            }
        }
    }

    /// The tracks of a timeline that shows nothing but `clip`.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn alone(
        &mut self,
        clip: Node<'a>,
        context: Context,
    ) -> Result<Vec<Child>, ImportError> {
        let origin = time(clip, "offset").unwrap_or(MediaSpan::ZERO);
        self.tracks(&[clip], None, origin, context)
    }

    /// The story elements in `node`, without those that are connected to it.
    pub(super) fn contained(node: Node<'a>) -> Vec<Node<'a>> {
        let spines = children(node, "spine").filter(|spine| lane(*spine) == 0);
        let mut story: Vec<Node<'a>> = spines.flat_map(elements).collect();
        if story.is_empty() {
            story.extend(elements(node).filter(|child| {
                let name = child.tag_name().name();
                lane(*child) == 0 && (is_story(name) || name == "transition")
            }));
        }
        story
    }
}

fn is_gap(child: &Child) -> bool {
    matches!(child, Child::Item(item) if item.kind == ItemKind::Gap)
}

fn push_chunk(chunks: &mut Vec<Chunk>, mut chunk: Chunk) {
    if chunk.start < MediaSpan::ZERO {
        // What is connected before the beginning is not seen; its transitions go with it.
        let cut = (MediaSpan::ZERO - chunk.start).min(chunk.duration);
        let [Child::Item(item)] = chunk.children.as_mut_slice() else {
            return;
        };
        let mut trimmed = Item::clone(item);
        if let Some(stated) = &mut trimmed.source_range {
            stated.range.start += cut;
            stated.range.duration -= cut;
        }
        *item = Arc::new(trimmed);
        chunk.start = MediaSpan::ZERO;
        chunk.duration -= cut;
        if chunk.duration == MediaSpan::ZERO {
            return;
        }
    }
    chunks.push(chunk);
}

/// The tracks of a lane.
#[derive(Default)]
struct LaneTracks {
    tracks: Vec<TrackBuilder>,
    /// Where each of them ends, the first to end on top.
    ends: BinaryHeap<Reverse<(MediaSpan, usize)>>,
}

/// Each lane becomes a track, and more where clips of it overlap, as those of clips that are
/// connected to different clips may.
fn lanes_to_tracks(mut chunks: Vec<Chunk>, rate: FrameRate) -> Vec<Child> {
    chunks.sort_by_key(|chunk| chunk.start);
    let mut lanes: BTreeMap<(bool, i64), LaneTracks> = BTreeMap::new();
    for chunk in chunks {
        let lane = lanes.entry((chunk.only_sound, chunk.lane)).or_default();
        let free = lane.ends.peek().map(|Reverse(first)| *first);
        let index = if let Some((_, index)) = free.filter(|(end, _)| *end <= chunk.start) {
            lane.ends.pop();
            index
        } else {
            lane.tracks.push(TrackBuilder::new(rate));
            lane.tracks.len() - 1
        };
        let track = &mut lane.tracks[index];
        track.fill_until(chunk.start);
        track.append(chunk.children, chunk.duration);
        lane.ends.push(Reverse((track.end(), index)));
    }
    let tracks = lanes
        .into_iter()
        .flat_map(|((only_sound, lane), LaneTracks { tracks, .. })| {
            let kind = if only_sound {
                TrackKind::Audio
            } else {
                TrackKind::Video
            };
            let tracks = tracks.into_iter();
            tracks.map(move |track| Child::Item(Arc::new(track.finish(&lane.to_string(), kind))))
        });
    tracks.collect()
}
