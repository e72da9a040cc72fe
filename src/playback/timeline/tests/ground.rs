//! Transitions between pictures that leave parts of the canvas free.

use super::*;
use crate::playback::timeline::ground;
use crate::playback::timeline::media::SourceState;
use crate::timeline::{CompositeLayer, CompositeOp, Mix};

/// The steps for frame `at` of `timeline` on a canvas of this size, its media two pixels wide and high.
fn composed(timeline: &Timeline, canvas: (u32, u32), at: i64) -> Vec<CompositeOp> {
    let media = TimelineMedia {
        canvas: Size::new(canvas.0, canvas.1).unwrap(),
        ..media_of(timeline)
    };
    let ready = |source| SourceState::Ready(Arc::new(ClipMedia::new(stream(), source)));
    let states: Vec<SourceState> = media.edit.sources().iter().map(ready).collect();
    let mut ops = Vec::new();
    media.edit.video_at(FrameIndex(at), &mut ops);
    let step = |op: &VideoOp| match *op {
        VideoOp::BeginGroup => CompositeOp::BeginGroup,
        VideoOp::EndGroup { look, mix } => CompositeOp::EndGroup { look, mix },
        VideoOp::Layer(layer) => CompositeOp::Layer(CompositeLayer {
            content: Content::Bars,
            look: layer.look,
            mix: layer.mix,
        }),
    };
    let lowest = ground::lowest(&ops);
    let mut composed = ops.iter().map(step).collect();
    ground::lay(&mut composed, &ops, lowest, &states, &media);
    composed
}

fn dissolving() -> Vec<Child> {
    vec![
        clip("a", 0, 20, Vec::new()),
        dissolve(5, 5),
        clip("b", 20, 20, Vec::new()),
    ]
}

#[test]
fn what_goes_out_vanishes_beside_what_comes_in() {
    let edit = timeline(vec![dissolving()]);
    let ops = composed(&edit, (4, 2), 20);
    let [
        CompositeOp::Layer(_),
        CompositeOp::BeginGroup,
        CompositeOp::Layer(black),
        CompositeOp::Layer(incoming),
        CompositeOp::EndGroup { mix, .. },
    ] = &ops[..]
    else {
        panic!("{ops:?}");
    };
    assert!(matches!(black.content, Content::Solid([.., 1.0])));
    assert!(
        incoming.mix == Mix::FULL && matches!(mix, Mix::Over(part) if (0.4..0.7).contains(part))
    );
}

#[test]
fn nothing_is_laid_where_nothing_shows_through() {
    // The canvas is covered; no transition is under way; another track lies below.
    let edit = timeline(vec![dissolving()]);
    assert_eq!(composed(&edit, (2, 2), 20).len(), 2);
    assert_eq!(composed(&edit, (4, 2), 5).len(), 1);
    let above = timeline(vec![vec![clip("c", 0, 40, Vec::new())], dissolving()]);
    assert_eq!(composed(&above, (4, 2), 20).len(), 3);
}
