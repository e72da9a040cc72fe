//! Frames of the timeline that are at hand: every layer of them is kept, or needs no decoding.

use std::sync::Arc;

use parking_lot::Mutex;

use super::media::{ClipMedia, SourceState, TimelineMedia};
use super::{ground, sides, slates};
use crate::decode::{Picture, Still};
use crate::time::FrameIndex;
use crate::timeline::{
    Composite, CompositeLayer, CompositeOp, Content, Generator, Layer, Located, SourceId, VideoOp,
};

/// The nearest frame that is at hand is looked for no farther away than this: each is composed.
const FARTHEST: i64 = 48;

/// The edit, and what the thread has learnt of its media.
#[derive(Default)]
pub(super) struct AtHand(Mutex<Option<Learnt>>);

struct Learnt {
    media: Arc<TimelineMedia>,
    /// By source.
    known: Vec<Option<Arc<ClipMedia>>>,
}

impl AtHand {
    /// This is the edit from now on, and nothing is known of its media.
    pub(super) fn begin(&self, media: &Arc<TimelineMedia>) {
        *self.0.lock() = Some(Learnt {
            media: Arc::clone(media),
            known: vec![None; media.located.len()],
        });
    }

    /// Notes what was learnt of a source of `media`. Where that is not the edit any more, its numbers mean
    /// nothing.
    pub(super) fn learn(
        &self,
        media: &Arc<TimelineMedia>,
        source: SourceId,
        known: &Arc<ClipMedia>,
    ) {
        let mut learnt = self.0.lock();
        if let Some(learnt) = learnt.as_mut().filter(|it| Arc::ptr_eq(&it.media, media))
            && let Some(place) = learnt.known.get_mut(source.0 as usize)
        {
            *place = Some(Arc::clone(known));
        }
    }

    /// The frame, if all its layers are at hand.
    pub(super) fn still(&self, frame: FrameIndex) -> Option<Still> {
        let (media, states) = self.states()?;
        compose(&media, &states, frame)
    }

    /// The frame nearest to `frame` of which all layers are at hand.
    pub(super) fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let (media, states) = self.states()?;
        let frames = 0..media.edit.frames();
        let around =
            (1..=reach.min(FARTHEST)).flat_map(|away| [frame.offset(-away), frame.offset(away)]);
        let near = std::iter::once(frame).chain(around);
        near.filter(|near| frames.contains(&near.0))
            .find_map(|near| compose(&media, &states, near))
    }

    fn states(&self) -> Option<(Arc<TimelineMedia>, Vec<SourceState>)> {
        let learnt = self.0.lock();
        let Learnt { media, known } = learnt.as_ref()?;
        let state = |known: &Option<Arc<ClipMedia>>| match known {
            Some(known) => SourceState::Ready(Arc::clone(known)),
            None => SourceState::Unknown,
        };
        Some((Arc::clone(media), known.iter().map(state).collect()))
    }
}

fn compose(media: &TimelineMedia, states: &[SourceState], frame: FrameIndex) -> Option<Still> {
    let mut ops = Vec::new();
    media.edit.video_at(frame, &mut ops);
    let lowest = ground::lowest(&ops);
    let second = sides::cull(&mut ops, states, media);
    let mut composite = Composite {
        canvas: media.canvas,
        ops: Vec::with_capacity(ops.len()),
        missing: Vec::new(),
        compare: None,
    };
    for &op in &ops {
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
    match second {
        Some(second) => sides::enclose(&mut composite, second),
        None => ground::lay(&mut composite.ops, &ops, lowest, states, media),
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
    let display = known.stream.display_size_of(frame.shown_as());
    Some(Content::Frame {
        frame,
        orientation: known.stream.orientation,
        display,
    })
}
