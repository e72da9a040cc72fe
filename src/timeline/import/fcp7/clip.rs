//! Clip items and generators.

use std::sync::Arc;

use super::resources::{self, file_start, frame, is_false, stored_size};
use super::retime::Retimed;
use super::sequence::{Part, Reader};
use crate::time::{FrameRate, MediaSpan};
use crate::timeline::import::ImportError;
use crate::timeline::import::numbers::{Decimal, span_of_frames};
use crate::timeline::import::parts::{BLACK, stated};
use crate::timeline::import::xml::{Node, child, child_text, children};
use crate::timeline::{
    Child, CompositionKind, Effect, Generator, Item, ItemKind, MediaReference, Ratio, TrackKind,
};

impl<'a> Reader<'a, '_> {
    /// The item of clip item or generator `node`, which takes `duration` on a track at `rate`; its
    /// head was cut by `head`.
    ///
    /// # Errors
    /// [`ImportError::TooLarge`].
    pub(super) fn item(
        &mut self,
        node: Node<'a>,
        kind: TrackKind,
        rate: FrameRate,
        head: MediaSpan,
        duration: MediaSpan,
    ) -> Result<Item, ImportError> {
        let name = child_text(node, "name").unwrap_or_default();
        let clip_rate = resources::rate(node).unwrap_or(rate);
        let first = frame(node, "in").unwrap_or(0);
        let sequence = self.resources.sequence_of(node);
        let file = self.resources.file_of(node);
        // In and out points count from the medium's first frame, whose name is its timecode.
        let origin = match (sequence, file) {
            (None, Some(file)) => file_start(file, clip_rate),
            _ => MediaSpan::ZERO,
        };
        let from = span_of_frames(first, clip_rate) + head;
        let item_kind = match (sequence, file) {
            (Some(sequence), _) => self.nested(sequence, kind)?,
            (None, Some(file)) if !node.has_tag_name("generatoritem") => {
                self.medium(node, file, name, clip_rate)
            }
            (None, None) if !node.has_tag_name("generatoritem") => {
                let (name, available) = (name.into(), None);
                ItemKind::clip(MediaReference::Missing { name, available })
            }
            _ => self.generator(node, name),
        };
        let mut item = Item::new(name, item_kind);
        item.enabled = !is_false(child_text(node, "enabled"));
        item.metadata = self.file.metadata(node);
        let clip = Retimed {
            rate: clip_rate,
            from,
            frames: frame(node, "duration").unwrap_or(0),
        };
        let canvas = self.open.last().and_then(|open| resources::canvas(*open));
        let filtered = self.filters(node, clip, file.and_then(stored_size), canvas);
        // Markers count as in and out points do, before any retime.
        let first = origin + filtered.first;
        item.source_range = Some(stated(first, duration, clip_rate));
        item.markers = self.markers(node, clip_rate, first - from);
        item.look = filtered.look;
        item.effects = filtered.effects;
        if !filtered.retimed {
            let conformed = conformed(node, rate, clip_rate);
            item.effects.extend(conformed.map(Effect::Speed));
        }
        if let Some(mode) = child_text(node, "compositemode")
            && mode != "normal"
        {
            self.note(
                node,
                format!("the composite mode `{mode}` is shown as normal"),
            );
        }
        Ok(item)
    }

    /// What a nested sequence shows on a track of `kind`.
    fn nested(&mut self, sequence: Node<'a>, kind: TrackKind) -> Result<ItemKind, ImportError> {
        let key = (sequence, Part::Only(kind));
        if let Some((children, items)) = self.built.get(&key) {
            let children = Arc::clone(children);
            self.items.add(*items)?;
            return Ok(ItemKind::composition(CompositionKind::Stack, children));
        }
        if self.open.contains(&sequence) {
            self.note(
                sequence,
                "the sequence is nested in itself; nothing is shown there",
            );
            return Ok(ItemKind::Gap);
        }
        let rate = resources::rate(sequence);
        let Some(rate) = rate.or_else(|| self.open.last().copied().and_then(resources::rate))
        else {
            self.note(sequence, "the sequence has no rate; nothing is shown of it");
            return Ok(ItemKind::Gap);
        };
        let before = self.items.count();
        let children: Arc<[Child]> = self.tracks(sequence, rate, Part::Only(kind))?.into();
        let items = self.items.count() - before;
        self.built.insert(key, (Arc::clone(&children), items));
        Ok(ItemKind::composition(CompositionKind::Stack, children))
    }

    /// A clip of `file`.
    fn medium(&mut self, node: Node<'a>, file: Node<'a>, name: &str, rate: FrameRate) -> ItemKind {
        let file_rate = resources::rate(file).unwrap_or(rate);
        let duration = frame(file, "duration").filter(|frames| *frames > 0);
        let available = duration.map(|frames| {
            let duration = span_of_frames(frames, file_rate);
            stated(file_start(file, rate), duration, file_rate)
        });
        if let Some(target) = child_text(file, "pathurl") {
            return ItemKind::clip(MediaReference::File {
                target: target.into(),
                available,
            });
        }
        if child_text(file, "mediaSource").is_some() {
            return self.generator(node, name);
        }
        ItemKind::clip(MediaReference::Missing {
            name: child_text(file, "name").unwrap_or(name).into(),
            available,
        })
    }

    /// A clip that is made, not read: of `generatoritem`s, and of Premiere's clip items whose file
    /// is a `mediaSource`.
    fn generator(&mut self, node: Node<'a>, name: &str) -> ItemKind {
        let effect = child(node, "effect");
        let effect_name = effect
            .and_then(|effect| child_text(effect, "name"))
            .unwrap_or(name);
        let id = effect
            .and_then(|effect| child_text(effect, "effectid"))
            .unwrap_or(effect_name);
        let known = match id.to_ascii_lowercase().as_str() {
            "slug" | "black video" => Some(BLACK),
            "transparent video" => Some(Generator::Solid([0.0; 4])),
            "color" | "color matte" | "solid color" => effect.and_then(color).map(Generator::Solid),
            some if some.contains("bars") => Some(Generator::Bars),
            _ => None,
        };
        let generator = known.unwrap_or_else(|| {
            self.note(
                node,
                format!("`{effect_name}` is not made; a placeholder stands for it"),
            );
            Generator::Unknown
        });
        ItemKind::clip(MediaReference::Generator {
            generator,
            available: None,
        })
    }
}

/// The first colour among a generator's parameters: parts of 255.
fn color(effect: Node<'_>) -> Option<[f32; 4]> {
    let mut values =
        children(effect, "parameter").filter_map(|parameter| child(parameter, "value"));
    let part = |value, name| Some(Decimal::parse(child_text(value, name)?)?.as_f32() / 255.0);
    values.find_map(|value| {
        let [red, green, blue] = ["red", "green", "blue"].map(|name| part(value, name));
        Some([red?, green?, blue?, 1.0])
    })
}

/// The speed of a clip whose frames are shown one by one at the sequence's rate, which is near its
/// own: film at 23.976. It uses as many frames as it takes.
fn conformed(node: Node<'_>, rate: FrameRate, clip_rate: FrameRate) -> Option<Ratio> {
    if rate == clip_rate || rate.nominal() != clip_rate.nominal() {
        return None;
    }
    let length = |from, to| Some(frame(node, to)? - frame(node, from)?);
    if length("in", "out")? != length("start", "end")? {
        return None;
    }
    let part = |num: u32, den: u32| i64::from(num).checked_mul(i64::from(den));
    Ratio::new(
        part(rate.num(), clip_rate.den())?,
        part(rate.den(), clip_rate.num())?,
    )
}
