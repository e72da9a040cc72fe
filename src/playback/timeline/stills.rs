//! Frames of the timeline that are at hand: every layer of them is kept, or needs no decoding.

use std::sync::Arc;

use parking_lot::Mutex;

use super::media::{ClipMedia, SourceState, TimelineMedia};
use super::{sides, slates};
use crate::decode::{Picture, Still};
use crate::time::FrameIndex;
use crate::timeline::{
    Composite, CompositeLayer, CompositeOp, Content, Generator, Layer, Located, SourceId, VideoOp,
};

/// The nearest frame that is at hand is looked for no farther away than this: each is composed.
const FARTHEST: i64 = 48;

/// What the thread has learnt of the media, by source.
pub(super) type Known = Mutex<Vec<Option<Arc<ClipMedia>>>>;

/// Notes what was learnt of a source.
pub(super) fn learn(known: &Known, source: SourceId, media: &Arc<ClipMedia>) {
    let mut known = known.lock();
    let number = source.0 as usize;
    if known.len() <= number {
        known.resize(number + 1, None);
    }
    known[number] = Some(Arc::clone(media));
}

/// The frame, if all its layers are at hand.
pub(super) fn still(media: &TimelineMedia, known: &Known, frame: FrameIndex) -> Option<Still> {
    let states = states_of(media, known);
    compose(media, &states, frame)
}

/// The frame nearest to `frame` of which all layers are at hand.
pub(super) fn nearest(
    media: &TimelineMedia,
    known: &Known,
    frame: FrameIndex,
    reach: i64,
) -> Option<Still> {
    let states = states_of(media, known);
    let frames = 0..media.edit.frames();
    let near = (0..=reach.min(FARTHEST)).flat_map(|away| [frame.offset(-away), frame.offset(away)]);
    near.filter(|near| frames.contains(&near.0))
        .find_map(|near| compose(media, &states, near))
}

fn states_of(media: &TimelineMedia, known: &Known) -> Vec<SourceState> {
    let known = known.lock();
    let sources = 0..media.edit.sources().len();
    sources
        .map(|number| match known.get(number) {
            Some(Some(media)) => SourceState::Ready(Arc::clone(media)),
            Some(None) | None => SourceState::Unknown,
        })
        .collect()
}

fn compose(media: &TimelineMedia, states: &[SourceState], frame: FrameIndex) -> Option<Still> {
    let mut ops = Vec::new();
    media.edit.video_at(frame, &mut ops);
    let second = sides::cull(&mut ops, states, media);
    let mut composite = Composite {
        canvas: media.canvas,
        ops: Vec::with_capacity(ops.len()),
        missing: Vec::new(),
        compare: None,
    };
    for op in ops {
        let op = match op {
            VideoOp::BeginGroup => CompositeOp::BeginGroup,
            VideoOp::EndGroup { look, mix } => CompositeOp::EndGroup { look, mix },
            VideoOp::Layer(layer) => CompositeOp::Layer(CompositeLayer {
                content: content_of(media, states, &layer)?,
                look: slates::look_over(&composite.ops, media, &layer),
                mix: layer.mix,
            }),
        };
        composite.ops.push(op);
    }
    if let Some(second) = second {
        sides::enclose(&mut composite, second);
    }
    Some(Still {
        index: frame,
        picture: Picture::Composite(Arc::new(composite)),
    })
}

/// What a layer shows, if it is at hand. Cards that say what is missing are left to those who can tell.
fn content_of(media: &TimelineMedia, states: &[SourceState], layer: &Layer) -> Option<Content> {
    let number = layer.source.0 as usize;
    if let Located::Generated(generator) = media.located.get(number)? {
        return match generator {
            Generator::Solid(color) => Some(Content::Solid(*color)),
            Generator::Bars => Some(Content::Bars),
            Generator::Checkerboard => Some(Content::Checkerboard),
            Generator::Unknown => None,
        };
    }
    let SourceState::Ready(known) = states.get(number)? else {
        return None;
    };
    let source_frame = known.frame_of(layer, &*known.whole_index()?)?;
    let (_, frame) = known.keeper()?.nearest(source_frame, 0)?;
    let display = known.stream.display_size_of(frame.size);
    Some(Content::Frame {
        frame,
        orientation: known.stream.orientation,
        display,
    })
}
