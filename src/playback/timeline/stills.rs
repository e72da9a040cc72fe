//! Frames of the timeline that are at hand: every layer of them is kept, or needs no decoding.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use super::media::{ClipMedia, SourceState, TimelineMedia};
use super::{ground, sides, slates};
use crate::decode::{Gop, Picture, Still, stretches};
use crate::media::PictureTraits;
use crate::time::{FrameIndex, MediaSpan};
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
    /// By source: what has pictures, and what is not known.
    states: Vec<SourceState>,
}

impl AtHand {
    /// This is the edit from now on, and nothing is known of its media.
    pub(super) fn begin(&self, media: &Arc<TimelineMedia>) {
        let states = media.located.iter().map(|_| SourceState::Unknown);
        *self.0.lock() = Some(Learnt {
            media: Arc::clone(media),
            states: states.collect(),
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
            && let Some(place) = learnt.states.get_mut(source.0 as usize)
        {
            *place = SourceState::Ready(Arc::clone(known));
        }
    }

    /// The frame, if all its layers are at hand.
    pub(super) fn still(&self, frame: FrameIndex) -> Option<Still> {
        let (media, states) = self.states()?;
        still_of(&media, &states, frame)
    }

    /// Which of these frames have all their layers at hand.
    pub(super) fn kept(&self, frames: Range<FrameIndex>) -> Vec<Range<FrameIndex>> {
        let Some((media, states)) = self.states() else {
            return Vec::new();
        };
        let ops = RefCell::new(Vec::new());
        let inside =
            frames.start.max(FrameIndex::ZERO)..frames.end.min(FrameIndex(media.edit.frames()));
        stretches(inside, |frame| {
            let ops = &mut *ops.borrow_mut();
            media.edit.video_at(frame, ops);
            sides::cull(ops, &states, &media);
            ops.iter().all(|op| match op {
                VideoOp::Layer(layer) => is_kept(&media, &states, layer).unwrap_or(false),
                VideoOp::BeginGroup | VideoOp::EndGroup { .. } => true,
            })
        })
    }

    /// What has to be decoded for the frame, as far as the media of all its layers are known.
    pub(super) fn gop(&self, frame: FrameIndex) -> Option<Gop> {
        let (media, states) = self.states()?;
        let mut ops = Vec::new();
        media.edit.video_at(frame, &mut ops);
        sides::cull(&mut ops, &states, &media);
        let mut whole: Option<Gop> = None;
        for op in &ops {
            let VideoOp::Layer(layer) = op else { continue };
            let number = layer.source.0 as usize;
            if matches!(media.located.get(number)?, Located::Generated(_)) {
                continue;
            }
            let SourceState::Ready(known) = states.get(number)? else {
                return None;
            };
            let gop = known.gop_of(layer)?;
            whole = Some(whole.map_or(gop, |before| Gop {
                up_to: before.up_to + gop.up_to,
                frames: before.frames.min(gop.frames),
            }));
        }
        whole
    }

    /// The frame nearest to `frame` of which all layers are at hand.
    pub(super) fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let (media, states) = self.states()?;
        let frames = 0..media.edit.frames();
        let around =
            (1..=reach.min(FARTHEST)).flat_map(|away| [frame.offset(-away), frame.offset(away)]);
        let near = std::iter::once(frame).chain(around);
        near.filter(|near| frames.contains(&near.0))
            .find_map(|near| still_of(&media, &states, near))
    }

    fn states(&self) -> Option<(Arc<TimelineMedia>, Vec<SourceState>)> {
        let learnt = self.0.lock();
        let Learnt { media, states } = learnt.as_ref()?;
        let state = |state: &SourceState| match state {
            SourceState::Ready(known) => SourceState::Ready(Arc::clone(known)),
            SourceState::Unknown | SourceState::Slate(_) => SourceState::Unknown,
        };
        Some((Arc::clone(media), states.iter().map(state).collect()))
    }

    /// What is out of the ordinary about the media that are seen in a frame, as far as they are known.
    pub(super) fn traits(&self, frame: FrameIndex) -> PictureTraits {
        let learnt = self.0.lock();
        let Some(learnt) = learnt.as_ref() else {
            return PictureTraits::default();
        };
        let of_layer = |layer: &Layer| match learnt.states.get(layer.source.0 as usize) {
            Some(SourceState::Ready(media)) => media.traits(),
            _ => PictureTraits::default(),
        };
        let layers = learnt.layers(frame);
        let all = layers.iter().map(of_layer);
        all.fold(PictureTraits::default(), PictureTraits::union)
    }

    /// The layers of a frame that are decoded, as far as the media are known, and how long a frame is.
    pub(super) fn layers(&self, frame: FrameIndex) -> (Vec<Layer>, MediaSpan) {
        let learnt = self.0.lock();
        let Some(learnt) = learnt.as_ref() else {
            return (Vec::new(), MediaSpan::ZERO);
        };
        let span = learnt.media.edit.rate().frame_span_nearest();
        (learnt.layers(frame), span)
    }
}

impl Learnt {
    /// The layers of a frame that are decoded, as far as the media are known.
    fn layers(&self, frame: FrameIndex) -> Vec<Layer> {
        let Self { media, states } = self;
        let mut ops = Vec::new();
        media.edit.video_at(frame, &mut ops);
        sides::cull(&mut ops, states, media);
        let layers = ops.iter().filter_map(|op| match op {
            VideoOp::Layer(layer) => Some(*layer),
            VideoOp::BeginGroup | VideoOp::EndGroup { .. } => None,
        });
        let is_decoded = |layer: &Layer| {
            let located = media.located.get(layer.source.0 as usize);
            matches!(located, Some(Located::File(_) | Located::Sequence(_)))
        };
        layers.filter(is_decoded).collect()
    }
}

fn still_of(media: &TimelineMedia, states: &[SourceState], frame: FrameIndex) -> Option<Still> {
    let composite = compose(media, states, frame, |layer| {
        content_of(media, states, layer)
    })?;
    Some(Still {
        index: frame,
        picture: Picture::Composite(Arc::new(composite)),
    })
}

/// The picture of a frame, where `content_of` has what each of its layers shows.
pub(super) fn compose(
    media: &TimelineMedia,
    states: &[SourceState],
    frame: FrameIndex,
    mut content_of: impl FnMut(&Layer) -> Option<Content>,
) -> Option<Composite> {
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
                content: content_of(&layer)?,
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
    Some(composite)
}

/// What a layer shows, if it is at hand. Cards that say what is missing are left to those who can tell.
fn content_of(media: &TimelineMedia, states: &[SourceState], layer: &Layer) -> Option<Content> {
    let number = layer.source.0 as usize;
    if let Located::Generated(generator) = media.located.get(number)? {
        return generated(generator);
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

/// Whether what a layer shows is at hand; `None` where that is not known.
fn is_kept(media: &TimelineMedia, states: &[SourceState], layer: &Layer) -> Option<bool> {
    let number = layer.source.0 as usize;
    if matches!(media.located.get(number)?, Located::Generated(_)) {
        return Some(true);
    }
    let SourceState::Ready(known) = states.get(number)? else {
        return None;
    };
    let frame = known.frame_of(layer, &*known.whole_index()?)?;
    Some(known.keeper()?.has(frame))
}

/// What the player makes itself.
pub(super) fn generated(generator: &Generator) -> Option<Content> {
    match generator {
        Generator::Solid(color) => Some(Content::Solid(*color)),
        Generator::Bars => Some(Content::Bars),
        Generator::Checkerboard => Some(Content::Checkerboard),
        Generator::Unknown => None,
    }
}
