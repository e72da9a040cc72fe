//! The elements of a story that hold a story of their own: compound, synchronised and multicam clips.

use std::sync::Arc;

use super::clip::{Shown, Timing, duration};
use super::resources::time;
use super::story::{Built, Context, Reader, holds_connected};
use crate::time::MediaSpan;
use crate::timeline::import::ImportError;
use crate::timeline::import::xml::{Node, child, children, elements};
use crate::timeline::{Child, CompositionKind, Effect, Item, ItemKind, TrackKind};

/// What a container shows, and the time it begins with on its own clock.
struct Content {
    kind: ItemKind,
    /// What the beginning is called.
    origin: MediaSpan,
    /// How long it is, where stated.
    duration: Option<MediaSpan>,
}

impl<'a> Reader<'a, '_> {
    /// A clip that holds `story`, and what is connected to `around`.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn container(
        &mut self,
        node: Node<'a>,
        story: &[Node<'a>],
        around: Option<Node<'a>>,
        context: Context,
    ) -> Result<Built, ImportError> {
        let origin = MediaSpan::ZERO;
        let tracks = self.deeper(|reader| reader.tracks(story, around, origin, context))?;
        let content = Content {
            kind: ItemKind::composition(CompositionKind::Stack, tracks),
            origin,
            duration: None,
        };
        Ok(self.contained_in(node, content, context))
    }

    /// A synchronised clip. What is connected to it lies outside of it, but for what was connected
    /// when it was made, which its `sync-source`s tell of.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn sync_clip(
        &mut self,
        node: Node<'a>,
        context: Context,
    ) -> Result<Built, ImportError> {
        let story = Self::contained(node);
        let around = holds_connected(node).then_some(node);
        self.container(node, &story, around, context)
    }

    /// A compound clip. `None` where it is nested in itself or is not there.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn ref_clip(
        &mut self,
        node: Node<'a>,
        context: Context,
    ) -> Result<Option<Built>, ImportError> {
        let name = node.attribute("name").unwrap_or_default();
        let Some(sequence) = self.resources.sequence_of(node) else {
            self.note(
                node,
                format!("the compound clip `{name}` is not in the file"),
            );
            return Ok(Some(self.missing(node, context)));
        };
        let Some(children) = self.nested(sequence, context)? else {
            self.note(
                node,
                format!("the compound clip `{name}` is nested in itself"),
            );
            return Ok(Some(self.missing(node, context)));
        };
        let content = Content {
            kind: ItemKind::composition(CompositionKind::Stack, children),
            origin: time(sequence, "tcStart").unwrap_or(MediaSpan::ZERO),
            duration: duration(sequence),
        };
        Ok(Some(self.contained_in(node, content, context)))
    }

    /// The tracks of a compound clip's sequence; `None` where it is being read already.
    fn nested(
        &mut self,
        sequence: Node<'a>,
        context: Context,
    ) -> Result<Option<Arc<[Child]>>, ImportError> {
        if let Some((children, items)) = self.built.get(&sequence) {
            let children = Arc::clone(children);
            self.items.add(*items)?;
            return Ok(Some(children));
        }
        if self.open.contains(&sequence) {
            return Ok(None);
        }
        let format = self.resources.format_of(sequence).unwrap_or_default();
        let inner = Context {
            rate: format.rate.unwrap_or(context.rate),
            canvas: format.size.or(context.canvas),
        };
        let before = self.items.count();
        self.open.push(sequence);
        let tracks = self.deeper(|reader| reader.sequence(sequence, inner))?;
        self.open.pop();
        let children: Arc<[Child]> = tracks.into();
        let items = self.items.count() - before;
        self.built.insert(sequence, (Arc::clone(&children), items));
        Ok(Some(children))
    }

    /// A multicam clip: the angle that is seen, and the one that is heard.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn multicam_clip(
        &mut self,
        node: Node<'a>,
        context: Context,
    ) -> Result<Option<Built>, ImportError> {
        let media = self.resources.referred(node, "media");
        let multicam = media.and_then(|media| child(media, "multicam"));
        let Some(multicam) = multicam.filter(|some| !self.open.contains(some)) else {
            let name = node.attribute("name").unwrap_or_default();
            self.note(
                node,
                format!("the multicam clip `{name}` is not in the file"),
            );
            return Ok(Some(self.missing(node, context)));
        };
        let format = self.resources.format_of(multicam).unwrap_or_default();
        let inner = Context {
            rate: format.rate.unwrap_or(context.rate),
            canvas: format.size.or(context.canvas),
        };
        let angle = |part: &str| {
            let mut sources = children(node, "mc-source");
            let source = sources.find(|source| {
                let enabled = source.attribute("srcEnable").unwrap_or("all");
                enabled == "all" || enabled == part
            });
            let id = source.and_then(|source| source.attribute("angleID"));
            let mut angles = children(multicam, "mc-angle");
            match id {
                Some(id) => angles.find(|angle| angle.attribute("angleID") == Some(id)),
                None => angles.next(),
            }
        };
        let (seen, heard) = (angle("video"), angle("audio"));
        let origin = time(multicam, "tcStart").unwrap_or(MediaSpan::ZERO);
        self.open.push(multicam);
        let mut tracks = self.angle(seen, origin, inner)?;
        if heard != seen {
            let sound = self.angle(heard, origin, inner)?;
            let stack = |tracks| {
                let stack = Item::new("", ItemKind::composition(CompositionKind::Stack, tracks));
                vec![Child::Item(Arc::new(stack))]
            };
            let track = |kind, tracks| {
                let kind = CompositionKind::Track(kind);
                let track = Item::new("", ItemKind::composition(kind, stack(tracks)));
                Child::Item(Arc::new(track))
            };
            // A track of video is not heard unless its items say so, nor is one of audio seen.
            tracks = vec![
                track(TrackKind::Video, tracks),
                track(TrackKind::Audio, sound),
            ];
        }
        self.open.pop();
        let content = Content {
            kind: ItemKind::composition(CompositionKind::Stack, tracks),
            origin,
            duration: None,
        };
        Ok(Some(self.contained_in(node, content, context)))
    }

    fn angle(
        &mut self,
        angle: Option<Node<'a>>,
        origin: MediaSpan,
        context: Context,
    ) -> Result<Vec<Child>, ImportError> {
        let story: Vec<Node<'a>> = angle.into_iter().flat_map(elements).collect();
        self.deeper(|reader| reader.tracks(&story, None, origin, context))
    }

    /// The item of `node`, which shows `content`. A composition's own time begins at zero.
    fn contained_in(&mut self, node: Node<'a>, content: Content, context: Context) -> Built {
        let part = node.attribute("srcEnable").unwrap_or("all");
        let shown = Shown {
            seen: part != "audio",
            heard: part != "video",
        };
        let start = time(node, "start").unwrap_or(content.origin);
        let length = duration(node).or(content.duration);
        let length = length.unwrap_or_else(|| longest(&content.kind));
        let timing = Timing {
            start,
            duration: length,
            origin: MediaSpan::ZERO,
            shift: content.origin,
        };
        let only_sound = shown.seen && is_only_sound(&content.kind);
        let shown = Shown {
            seen: shown.seen && !only_sound,
            ..shown
        };
        let mut built = self.finish(node, content.kind, shown, timing, context);
        if let Some(stated) = &mut built.item.source_range {
            stated.rate = context.rate;
        }
        built
    }

    /// What stands for a clip that cannot be read: its place in time.
    fn missing(&mut self, node: Node<'a>, context: Context) -> Built {
        let content = Content {
            kind: ItemKind::Gap,
            origin: time(node, "start").unwrap_or(MediaSpan::ZERO),
            duration: Some(MediaSpan::ZERO),
        };
        let mut built = self.contained_in(node, content, context);
        built
            .item
            .effects
            .retain(|effect| *effect != Effect::WithSound);
        built
    }
}

/// Whether all tracks of a composition are sound.
fn is_only_sound(kind: &ItemKind) -> bool {
    let ItemKind::Composition(composition) = kind else {
        return false;
    };
    let is_audio = |child: &Child| match child {
        Child::Item(item) => matches!(
            &item.kind,
            ItemKind::Composition(track) if track.kind == CompositionKind::Track(TrackKind::Audio)
        ),
        Child::Transition(_) => false,
    };
    !composition.children.is_empty() && composition.children.iter().all(is_audio)
}

/// How long the longest track of a story is.
fn longest(kind: &ItemKind) -> MediaSpan {
    let ItemKind::Composition(composition) = kind else {
        return MediaSpan::ZERO;
    };
    let lengths = composition.children.iter().map(|child| match child {
        Child::Item(item) => match (&item.source_range, &item.kind) {
            (Some(stated), _) => stated.range.duration,
            (None, ItemKind::Composition(track)) => {
                let items = track.children.iter().filter_map(|child| match child {
                    Child::Item(item) => item.source_range,
                    Child::Transition(_) => None,
                });
                items.fold(MediaSpan::ZERO, |sum, stated| sum + stated.range.duration)
            }
            (None, _) => MediaSpan::ZERO,
        },
        Child::Transition(_) => MediaSpan::ZERO,
    });
    lengths.max().unwrap_or(MediaSpan::ZERO)
}
