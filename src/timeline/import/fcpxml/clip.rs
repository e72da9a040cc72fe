//! The elements of a story that show one medium.

use super::look::is_silent;
use super::resources::time;
use super::story::{Built, Context, Reader, lane};
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::import::ImportError;
use crate::timeline::import::numbers::Decimal;
use crate::timeline::import::parts::{BLACK, stated};
use crate::timeline::import::xml::{Node, children, elements};
use crate::timeline::{Effect, Generator, Item, ItemKind, Marker, MediaReference, TimeRange};

/// What is seen and heard of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) seen: bool,
    pub(super) heard: bool,
}

/// An element's times on its own clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// Its first.
    pub(super) start: MediaSpan,
    /// How long it takes.
    pub(super) duration: MediaSpan,
    /// The first time of its medium on that clock, from which the medium is conformed.
    pub(super) origin: MediaSpan,
    /// Time on its clock that the medium calls `origin`: where a medium lies inside a clip.
    pub(super) shift: MediaSpan,
}

impl<'a> Reader<'a, '_> {
    /// The element `node`; `None` for one that shows nothing.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn element(
        &mut self,
        node: Node<'a>,
        context: Context,
    ) -> Result<Option<Built>, ImportError> {
        let name = node.tag_name().name();
        match name {
            "gap" => Ok(Some(self.gap(node, context))),
            "asset-clip" | "video" | "audio" | "title" => Ok(Some(self.media_clip(node, context))),
            "clip" => self.clip(node, context),
            "ref-clip" => self.ref_clip(node, context),
            "sync-clip" => self.sync_clip(node, context).map(Some),
            "mc-clip" => self.multicam_clip(node, context),
            "audition" => {
                let mut picks = elements(node);
                let pick = picks.find(|pick| super::story::is_story(pick.tag_name().name()));
                match pick {
                    Some(pick) => self.deeper(|reader| reader.element(pick, context)),
                    None => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    fn gap(&mut self, node: Node<'a>, context: Context) -> Built {
        let start = time(node, "start").unwrap_or(MediaSpan::ZERO);
        let duration = duration(node).unwrap_or(MediaSpan::ZERO);
        let mut item = Item::new("", ItemKind::Gap);
        item.source_range = Some(stated(start, duration, context.rate));
        item.markers = self.markers(node, MediaSpan::ZERO);
        Built {
            item,
            duration,
            start,
            only_sound: false,
        }
    }

    /// A clip of an asset or a generator.
    fn media_clip(&mut self, node: Node<'a>, context: Context) -> Built {
        let asset = self.resources.referred(node, "asset");
        let origin = asset.and_then(|asset| time(asset, "start"));
        let origin = origin.unwrap_or(MediaSpan::ZERO);
        let length = duration(node).or_else(|| duration(asset?));
        let timing = Timing {
            start: time(node, "start").unwrap_or(origin),
            duration: length.unwrap_or(MediaSpan::ZERO),
            origin,
            shift: MediaSpan::ZERO,
        };
        let (kind, shown) = self.medium(node);
        self.finish(node, kind, shown, timing, context)
    }

    /// A `clip`: a story of its own, most often one medium.
    fn clip(&mut self, node: Node<'a>, context: Context) -> Result<Option<Built>, ImportError> {
        let story = Self::contained(node);
        let [medium] = story.as_slice() else {
            return self.container(node, &story, None, context).map(Some);
        };
        // Sound without a picture stands in a gap, or below it.
        let sounds: Vec<Node<'a>> = children(*medium, "audio").collect();
        let (medium, anchor) = match medium.tag_name().name() {
            "video" | "audio" => (*medium, None),
            "gap" => match sounds.first() {
                Some(sound) => (*sound, Some(*medium)),
                None => return self.container(node, &story, None, context).map(Some),
            },
            _ => return self.container(node, &story, None, context).map(Some),
        };
        let connected = if anchor.is_some() { &[][..] } else { &sounds };
        let same_medium = connected
            .iter()
            .all(|sound| sound.attribute("ref") == medium.attribute("ref"));
        let others = elements(medium).any(|child| lane(child) != 0 && !child.has_tag_name("audio"));
        if !same_medium || others {
            return self.container(node, &story, None, context).map(Some);
        }
        let asset = self.resources.referred(medium, "asset");
        let origin = asset
            .and_then(|asset| time(asset, "start"))
            .unwrap_or(MediaSpan::ZERO);
        let zero = MediaSpan::ZERO;
        let first = |node| time(node, "start").unwrap_or(zero);
        // What the medium's first time is called on the clip's clock, step by step.
        let mut offset = time(medium, "offset").unwrap_or(zero);
        if let Some(gap) = anchor {
            offset = offset - first(gap) + time(gap, "offset").unwrap_or(zero);
        }
        let timing = Timing {
            start: first(node),
            duration: duration(node).or_else(|| duration(medium)).unwrap_or(zero),
            origin,
            shift: offset - time(medium, "start").unwrap_or(origin),
        };
        let (kind, shown) = self.medium(medium);
        let heard = shown.heard || !connected.is_empty();
        let shown = Shown { heard, ..shown };
        Ok(Some(self.finish(node, kind, shown, timing, context)))
    }

    /// The medium that `node` refers to, and what of it is shown.
    fn medium(&mut self, node: Node<'a>) -> (ItemKind, Shown) {
        let Some(asset) = self.resources.referred(node, "asset") else {
            let shown = Shown {
                seen: !node.has_tag_name("audio"),
                heard: false,
            };
            if matches!(node.tag_name().name(), "video" | "title") {
                return (self.generator(node), shown);
            }
            let name = node.attribute("name").unwrap_or_default().into();
            let available = None;
            return (
                ItemKind::clip(MediaReference::Missing { name, available }),
                shown,
            );
        };
        let has = |name| asset.attribute(name) == Some("1");
        let part = node.attribute("srcEnable").unwrap_or("all");
        // `video` and `audio` are one of the two; an `asset-clip` is both.
        let shown = Shown {
            seen: (has("hasVideo") || !has("hasAudio"))
                && part != "audio"
                && !node.has_tag_name("audio"),
            heard: has("hasAudio") && part != "video" && !node.has_tag_name("video"),
        };
        let format = self.resources.format_of(asset).unwrap_or_default();
        let file = asset.attribute("src").or_else(|| {
            let is_proxy = |copy: &Node<'_>| copy.attribute("kind") == Some("proxy-media");
            let original = children(asset, "media-rep").find(|copy| !is_proxy(copy));
            let copy = original.or_else(|| children(asset, "media-rep").next());
            copy?.attribute("src")
        });
        let rate = format.rate;
        let available = rate.zip(duration(asset)).map(|(rate, duration)| {
            stated(
                time(asset, "start").unwrap_or(MediaSpan::ZERO),
                duration,
                rate,
            )
        });
        let reference = match file {
            Some(target) => MediaReference::File {
                target: target.into(),
                available,
            },
            None => MediaReference::Missing {
                name: asset.attribute("name").unwrap_or_default().into(),
                available,
            },
        };
        (ItemKind::clip(reference), shown)
    }

    /// A title or another picture that is made.
    fn generator(&mut self, node: Node<'a>) -> ItemKind {
        let effect = self.resources.referred(node, "effect");
        let uid = effect
            .and_then(|effect| effect.attribute("uid"))
            .unwrap_or_default();
        let name = node.attribute("name").unwrap_or_default();
        let generator = if uid.contains("Solids.localized") {
            Generator::Solid(color(node).unwrap_or([0.0, 0.0, 0.0, 1.0]))
        } else if name == "Black" {
            BLACK
        } else {
            let what = if node.has_tag_name("title") {
                "title"
            } else {
                "generator"
            };
            let text = format!("the {what} `{name}` is not made; a placeholder stands for it");
            self.note(node, text);
            Generator::Unknown
        };
        ItemKind::clip(MediaReference::Generator {
            generator,
            available: None,
        })
    }

    /// The item of `node`, which shows `kind`.
    pub(super) fn finish(
        &mut self,
        node: Node<'a>,
        kind: ItemKind,
        shown: Shown,
        timing: Timing,
        context: Context,
    ) -> Built {
        let Timing {
            start,
            duration,
            origin,
            shift,
        } = timing;
        let format = self.resources.format_of(node).unwrap_or_default();
        let mut item = Item::new(node.attribute("name").unwrap_or_default(), kind);
        let (first, retime) = self.retime(node, start, origin + shift, context);
        let rate = format.rate.unwrap_or(context.rate);
        item.source_range = Some(stated(first - shift, duration, rate));
        item.enabled = node.attribute("enabled") != Some("0");
        item.look = self.look(node, format.size, context);
        item.effects = retime.into_iter().collect();
        item.effects.extend(self.unknown_effects(node));
        item.markers = self.markers(node, start - (first - shift));
        item.metadata = self.file.metadata(node);
        let heard = shown.heard && !is_silent(node);
        let only_sound = !shown.seen && shown.heard;
        if only_sound {
            item.enabled &= heard;
        } else if heard {
            item.effects.push(Effect::WithSound);
        }
        Built {
            item,
            duration,
            start,
            only_sound,
        }
    }

    /// The markers of `node`, on a clock that is `shift` behind its own.
    pub(super) fn markers(&self, node: Node<'a>, shift: MediaSpan) -> Vec<Marker> {
        let markers = elements(node)
            .filter(|some| matches!(some.tag_name().name(), "marker" | "chapter-marker"));
        let markers = markers.filter_map(|marker| {
            let start = MediaTime::ZERO + time(marker, "start")? - shift;
            let length = time(marker, "duration").unwrap_or(MediaSpan::ZERO);
            // As Final Cut Pro shows them: to do, done, and all others.
            let color = match marker.attribute("completed") {
                Some("0") => "RED",
                Some(_) => "GREEN",
                None if marker.has_tag_name("chapter-marker") => "ORANGE",
                None => "PURPLE",
            };
            Some(Marker {
                name: marker.attribute("value").unwrap_or_default().into(),
                range: TimeRange::between(start, start + length),
                color: color.into(),
                comment: marker.attribute("note").unwrap_or_default().into(),
                metadata: self.file.metadata(marker),
            })
        });
        markers.collect()
    }
}

/// The duration of `node`, which is no less than nothing.
pub(super) fn duration(node: Node<'_>) -> Option<MediaSpan> {
    time(node, "duration").map(|duration| duration.max(MediaSpan::ZERO))
}

/// The colour of a solid: a parameter of three parts of 1.
fn color(node: Node<'_>) -> Option<[f32; 4]> {
    let mut parameters = children(node, "param");
    let color = parameters.find(|some| some.attribute("name") == Some("Color"))?;
    let mut parts = color.attribute("value")?.split_whitespace();
    let mut part = || Some(Decimal::parse(parts.next()?)?.as_f32().clamp(0.0, 1.0));
    Some([part()?, part()?, part()?, 1.0])
}
