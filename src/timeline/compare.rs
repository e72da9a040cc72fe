//! Two pictures of one instant, looked at side by side or through one another.

use super::{Composite, CompositeOp, Look, Mix, WipeEdge};
use crate::media::{CompareMode, CompareView};

/// Where the two sides of a comparison are in [`Composite::ops`]: each is a group on opaque black, the
/// second one after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareSides {
    /// The place of the end of the first side's group.
    pub a: usize,
    /// The place of the end of the second side's group.
    pub b: usize,
}

impl Composite {
    /// Places and mixes the two sides of a comparison as `view` says. Anything else stays as it is, and
    /// so does the list's shape: what is kept for its steps remains good.
    pub fn show_sides(&mut self, view: &CompareView) {
        let Some(sides) = self.compare else { return };
        let [first, second] = looks(*view);
        for (place, (new_look, new_mix)) in [(sides.a, first), (sides.b, second)] {
            if let Some(CompositeOp::EndGroup { look, mix }) = self.ops.get_mut(place) {
                (*look, *mix) = (new_look, new_mix);
            }
        }
    }
}

/// How each side is placed and mixed.
fn looks(view: CompareView) -> [(Look, Mix); 2] {
    let (whole, hidden) = (
        Look::default(),
        Look {
            opacity: 0.0,
            ..Look::default()
        },
    );
    let full = |look| (look, Mix::FULL);
    let half = |position| Look {
        scale: [0.5, 0.5],
        position: [position, 0.0],
        ..Look::default()
    };
    match view.mode {
        CompareMode::Wipe => {
            // The second side is uncovered from the right, up to the line.
            let wipe = Mix::Wipe {
                edge: WipeEdge::RightToLeft,
                progress: 1.0 - view.position.clamp(0.0, 1.0),
            };
            [full(whole), (whole, wipe)]
        }
        CompareMode::SideBySide => [full(half(-0.25)), full(half(0.25))],
        CompareMode::Difference => [full(whole), (whole, Mix::Difference(1.0))],
        CompareMode::OnlyA => [full(whole), full(hidden)],
        CompareMode::OnlyB => [full(hidden), full(whole)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Size;

    fn ends(mode: CompareMode, position: f32) -> Vec<(Look, Mix)> {
        let end = CompositeOp::EndGroup {
            look: Look::default(),
            mix: Mix::FULL,
        };
        let ops = vec![
            CompositeOp::BeginGroup,
            end.clone(),
            CompositeOp::BeginGroup,
            end,
        ];
        let mut composite = Composite::new(Size::new(16, 9).unwrap(), ops);
        composite.show_sides(&CompareView { mode, position });
        composite.compare = Some(CompareSides { a: 1, b: 3 });
        composite.show_sides(&CompareView { mode, position });
        let ends = composite.ops.iter().filter_map(|op| match op {
            CompositeOp::EndGroup { look, mix } => Some((*look, *mix)),
            _ => None,
        });
        ends.collect()
    }

    #[test]
    fn each_mode_has_its_looks() {
        let plain = (Look::default(), Mix::FULL);
        let wipe = ends(CompareMode::Wipe, 0.25);
        let edge = WipeEdge::RightToLeft;
        let progress = 0.75;
        assert_eq!(wipe[0], plain);
        assert_eq!(wipe[1], (plain.0, Mix::Wipe { edge, progress }));
        let beside = ends(CompareMode::SideBySide, 0.25);
        let half = |position| Look {
            scale: [0.5, 0.5],
            position: [position, 0.0],
            ..Look::default()
        };
        assert_eq!(beside, [-0.25, 0.25].map(|at| (half(at), Mix::FULL)));
        let difference = ends(CompareMode::Difference, 0.25);
        assert_eq!(difference, [plain, (plain.0, Mix::Difference(1.0))]);
        for (mode, shown) in [(CompareMode::OnlyA, 0), (CompareMode::OnlyB, 1)] {
            let only = ends(mode, 0.25);
            assert_eq!(only[shown], plain);
            assert!(only[1 - shown].0.opacity.abs() < f32::EPSILON);
        }
    }

    #[test]
    fn a_composite_without_sides_is_left_alone() {
        let mut composite =
            Composite::new(Size::new(16, 9).unwrap(), vec![CompositeOp::BeginGroup]);
        composite.show_sides(&CompareView::default());
        assert!(matches!(composite.ops[..], [CompositeOp::BeginGroup]));
    }
}
