//! Cards for what cannot be shown.

use super::media::{Slate, TimelineMedia};
use crate::media::Size;
use crate::timeline::{
    CompositeOp, Fit, Generator, Layer, Located, Look, MissingMedia, SourceId, slate,
};

/// A card is no wider than this: it is text, and scaled like any picture.
const MOST_WIDTH: u32 = 1920;
/// Nor narrower: a small canvas may be shown large.
const LEAST_WIDTH: u32 = 1280;

/// A medium that was not found.
pub(super) fn missing(media: &TimelineMedia, source: SourceId, missing: &MissingMedia) -> Slate {
    let text = missing.to_string();
    card(media, source, &text)
}

/// A medium that cannot be opened or decoded.
pub(super) fn failed(media: &TimelineMedia, source: SourceId, reason: &str) -> Slate {
    card(media, source, reason)
}

/// The part of the canvas's sides that a card takes up which must not hide what is below it: still wide
/// enough to be read.
const NOTICE_SCALE: f32 = 0.3;

/// A notice's middle, from the middle of the canvas down: where titles mostly are.
const NOTICE_DOWN: f32 = 0.33;

/// How a layer lies over `below`, what has been drawn of its frame so far.
///
/// A generator that the player does not know is most often a title: all but its letters is transparent.
/// Where something lies below it, its card is made a small notice at the bottom instead, whatever the
/// layer's own place; leaving it out would hide that it is missing from those who only look.
pub(super) fn look_over(below: &[CompositeOp], media: &TimelineMedia, layer: &Layer) -> Look {
    let located = media.located.get(layer.source.0 as usize);
    let is_unknown = matches!(located, Some(Located::Generated(Generator::Unknown)));
    let is_above = below.iter().any(|op| matches!(op, CompositeOp::Layer(_)));
    if !(is_unknown && is_above) {
        return layer.look;
    }
    Look {
        opacity: layer.look.opacity,
        fit: Fit::Fit,
        scale: [NOTICE_SCALE; 2],
        position: [0.0, NOTICE_DOWN],
        ..Look::default()
    }
}

/// A generator that the player does not know.
pub(super) fn unknown(media: &TimelineMedia, source: SourceId) -> Slate {
    card(media, source, "This generator is not known here.")
}

fn card(media: &TimelineMedia, source: SourceId, text: &str) -> Slate {
    let name = media.edit.sources().get(source.0 as usize);
    let name = name.map_or("", |source| &source.name);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    Slate {
        picture: slate(name, &lines, card_size(media.canvas)),
        text: format!("{name}: {}", lines.join(" ")).into(),
    }
}

/// The canvas's shape, within limits.
fn card_size(canvas: Size) -> Size {
    let (width, height) = (u64::from(canvas.width()), u64::from(canvas.height()));
    let shown = width.clamp(u64::from(LEAST_WIDTH), u64::from(MOST_WIDTH));
    let scaled = (height * shown / width.max(1)).max(1);
    let part = |side: u64| u32::try_from(side).unwrap_or(MOST_WIDTH);
    Size::new(part(shown), part(scaled)).unwrap_or(canvas)
}
