//! What lies beneath the pictures of a transition.

use super::media::{SourceState, TimelineMedia};
use crate::timeline::{ClipId, CompositeLayer, CompositeOp, Content, Layer, Look, Mix, VideoOp};

/// Gives the incoming picture of a transition on the lowest track a black ground, where it leaves parts of
/// the canvas free: what goes out must vanish there as well, and not when the transition is over.
///
/// `ops` are the steps that `composed` was made of, one for one, and `lowest` was the clip of the lowest
/// layer before those were left out that are hidden.
pub(super) fn lay(
    composed: &mut Vec<CompositeOp>,
    ops: &[VideoOp],
    lowest: Option<ClipId>,
    states: &[SourceState],
    media: &TimelineMedia,
) {
    let [VideoOp::Layer(outgoing), VideoOp::Layer(incoming), ..] = ops else {
        return;
    };
    let track = |layer: &Layer| {
        let clip = media.edit.clips().get(layer.clip.0 as usize);
        clip.map(|clip| clip.track)
    };
    if incoming.mix == Mix::FULL
        || lowest != Some(outgoing.clip)
        || track(outgoing) != track(incoming)
    {
        return;
    }
    let Some(SourceState::Ready(known)) = states.get(incoming.source.0 as usize) else {
        return;
    };
    let whole = Layer {
        mix: Mix::FULL,
        ..*incoming
    };
    if known.covers(&whole, media.canvas) {
        return;
    }
    let Some(CompositeOp::Layer(picture)) = composed.get_mut(1) else {
        return;
    };
    let mix = std::mem::replace(&mut picture.mix, Mix::FULL);
    let black = CompositeOp::Layer(CompositeLayer {
        content: Content::Solid([0.0, 0.0, 0.0, 1.0]),
        look: Look::default(),
        mix: Mix::FULL,
    });
    composed.insert(
        2,
        CompositeOp::EndGroup {
            look: Look::default(),
            mix,
        },
    );
    composed.splice(1..1, [CompositeOp::BeginGroup, black]);
}

/// The clip of the lowest layer.
pub(super) fn lowest(ops: &[VideoOp]) -> Option<ClipId> {
    ops.iter().find_map(|op| match op {
        VideoOp::Layer(layer) => Some(layer.clip),
        VideoOp::BeginGroup | VideoOp::EndGroup { .. } => None,
    })
}
