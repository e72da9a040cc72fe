//! What becomes of the layers of a frame: those that are hidden go, and the two sides of a comparison are
//! kept apart.

use super::media::{SourceState, TimelineMedia};
use crate::timeline::{
    CompareSides, Composite, CompositeLayer, CompositeOp, Content, Layer, Look, Mix, VideoOp,
    resolve,
};

/// Takes away the layers that nobody can see, as far as the media are known. In a comparison nothing of
/// one side hides the other; answers where the second one begins.
pub(super) fn cull(
    ops: &mut Vec<VideoOp>,
    states: &[SourceState],
    media: &TimelineMedia,
) -> Option<usize> {
    let covers = |layer: &Layer| match states.get(layer.source.0 as usize) {
        Some(SourceState::Ready(known)) => known.covers(layer, media.canvas),
        Some(SourceState::Slate(_) | SourceState::Unknown) | None => false,
    };
    if !media.is_comparison {
        resolve::cull(ops, covers);
        return None;
    }
    let clips = media.edit.clips();
    let is_second = |layer: &Layer| {
        let clip = clips.get(layer.clip.0 as usize);
        clip.is_some_and(|clip| clip.track > 0)
    };
    let mut second = ops.split_off(beginning_of(ops, is_second));
    resolve::cull(ops, covers);
    resolve::cull(&mut second, covers);
    let begins = ops.len();
    ops.append(&mut second);
    Some(begins)
}

/// The first step that belongs to what is outermost around a layer of the second side; the end where
/// there is none.
fn beginning_of(ops: &[VideoOp], is_second: impl Fn(&Layer) -> bool) -> usize {
    let (mut depth, mut outermost) = (0u32, 0);
    for (place, op) in ops.iter().enumerate() {
        if depth == 0 {
            outermost = place;
        }
        match op {
            VideoOp::BeginGroup => depth += 1,
            VideoOp::EndGroup { .. } => depth = depth.saturating_sub(1),
            VideoOp::Layer(layer) if is_second(layer) => return outermost,
            VideoOp::Layer(_) => {}
        }
    }
    ops.len()
}

/// Makes a group of each side, on black: where a side has nothing to show, that is black, not the
/// other side.
pub(super) fn enclose(composite: &mut Composite, second: usize) {
    let mut first = std::mem::take(&mut composite.ops);
    let second = first.split_off(second.min(first.len()));
    let mut ops = Vec::with_capacity(first.len() + second.len() + 6);
    let mut side = |steps: Vec<CompositeOp>| {
        ops.push(CompositeOp::BeginGroup);
        ops.push(CompositeOp::Layer(CompositeLayer {
            content: Content::Solid([0.0, 0.0, 0.0, 1.0]),
            look: Look::default(),
            mix: Mix::FULL,
        }));
        ops.extend(steps);
        ops.push(CompositeOp::EndGroup {
            look: Look::default(),
            mix: Mix::FULL,
        });
        ops.len() - 1
    };
    let (a, b) = (side(first), side(second));
    composite.ops = ops;
    composite.compare = Some(CompareSides { a, b });
}
