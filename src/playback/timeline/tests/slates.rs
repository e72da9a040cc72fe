//! Gaps, and cards for what cannot be shown.

use super::*;
use crate::timeline::{CompositeLayer, CompositeOp, Generator};

#[test]
fn gaps_are_black_and_what_is_missing_is_a_card() {
    let gap = Child::Item(item(ItemKind::Gap, Some((0, 10)), Vec::new()));
    let mut rig = Rig::new(&timeline(vec![vec![gap, clip("a", 0, 10, Vec::new())]]));
    let played = rig.play(plan(0, 19, false, LoopMode::Off), usize::MAX);
    assert_eq!(played.len(), 20);
    assert!(
        composite_of(&played[0]).ops.is_empty(),
        "a gap has no layers"
    );
    assert!(!composite_of(&played[10]).ops.is_empty());
    assert!(matches!(
        composite_of(&played[10]).ops.as_slice(),
        [CompositeOp::Layer(layer)] if matches!(layer.content, Content::Frame { .. })
    ));
}

#[test]
fn a_title_that_cannot_be_made_never_hides_the_shot_below() {
    let title = || {
        let generator = MediaReference::Generator {
            generator: Generator::Unknown,
            available: None,
        };
        clip_of(generator, 0, 10, Vec::new())
    };
    let nested = Child::Item(item(
        ItemKind::composition(CompositionKind::Track(TrackKind::Video), [title()]),
        None,
        Vec::new(),
    ));
    // Over a shot, over a shot from within a nested edit, and alone.
    let shot = || clip("a", 0, 10, Vec::new());
    let gap = Child::Item(item(ItemKind::Gap, Some((0, 10)), Vec::new()));
    let tracks = vec![vec![shot(), shot(), gap], vec![title(), nested, title()]];
    let mut rig = Rig::new(&timeline(tracks));
    let played = rig.play(plan(0, 29, false, LoopMode::Off), usize::MAX);
    assert_eq!(played.len(), 30);
    for frame in &played {
        let composite = composite_of(frame);
        let layers: Vec<&CompositeLayer> = composite
            .ops
            .iter()
            .filter_map(|op| match op {
                CompositeOp::Layer(layer) => Some(layer),
                CompositeOp::BeginGroup | CompositeOp::EndGroup { .. } => None,
            })
            .collect();
        assert_eq!(composite.missing.len(), 1, "it is told what is missing");
        let [.., card] = layers[..] else {
            panic!("no layers in frame {}", frame.index);
        };
        if frame.index.0 >= 20 {
            assert_eq!((layers.len(), card.look), (1, Look::default()));
            continue;
        }
        assert_eq!(layers[0].look, Look::default());
        // It lies in the lower third, within the canvas.
        let (scale, middle) = (card.look.scale, card.look.position);
        assert!(layers.len() == 2 && middle[1] - scale[1] / 2.0 > 1.0 / 6.0);
        assert!(middle[1] + scale[1] / 2.0 < 0.5 && scale[0] <= 1.0 / 3.0);
    }
}
