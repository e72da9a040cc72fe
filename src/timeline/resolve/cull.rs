//! What is fully covered need not be decoded.

use super::compile::MAX_DEPTH;
use super::op::changes_nothing;
use super::{Layer, VideoOp};
use crate::timeline::Mix;

/// Takes out of `ops` what lies below a layer that covers all of the canvas, and groups that are empty
/// after that; a group of which one layer is left is folded into it where this is exact.
///
/// A layer counts as covering where it has full weight and opacity and `covers` says that its picture,
/// as it is placed, reaches over the whole canvas and is opaque: that depends on its size and format,
/// which only the caller knows. Nothing is allocated.
pub fn cull(ops: &mut Vec<VideoOp>, covers: impl Fn(&Layer) -> bool) {
    // From the highest down. What is kept moves to the end of the list, behind `kept`.
    let mut kept = ops.len();
    let mut depth = 0;
    let mut levels = [Level::default(); MAX_DEPTH + 2];
    for at in (0..ops.len()).rev() {
        let (Some(&op), Some(level)) = (ops.get(at), levels.get_mut(depth)) else {
            return;
        };
        let hidden = level.covered;
        match op {
            VideoOp::Layer(_) if hidden => continue,
            VideoOp::Layer(layer) => {
                let full = layer.mix == Mix::FULL && layer.look.opacity >= 1.0;
                level.covered = full && covers(&layer);
            }
            VideoOp::EndGroup { look, mix } => {
                depth += 1;
                let Some(inner) = levels.get_mut(depth) else {
                    return;
                };
                *inner = Level {
                    covered: hidden,
                    hidden,
                    plain: changes_nothing(&look, mix),
                    end: kept.saturating_sub(1),
                };
                if hidden {
                    continue;
                }
            }
            VideoOp::BeginGroup => {
                let group = *level;
                depth = depth.saturating_sub(1);
                if group.hidden {
                    continue;
                }
                if let Some(outer) = levels.get_mut(depth) {
                    outer.covered |= group.plain && group.covered;
                }
                match ops.get(kept..=group.end) {
                    // Only its end is left.
                    Some([_]) => {
                        kept += 1;
                        continue;
                    }
                    Some(&[VideoOp::Layer(layer), VideoOp::EndGroup { look, mix }]) => {
                        if let Some(layer) = layer.without_group(look, mix) {
                            kept += 1;
                            ops[kept] = VideoOp::Layer(layer);
                            continue;
                        }
                    }
                    _ => {}
                }
            }
        }
        kept -= 1;
        ops[kept] = op;
    }
    ops.drain(..kept);
}

/// A group that is being looked at from its end.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// Whether something already covers what comes next, which lies lower.
    covered: bool,
    /// Whether the group is hidden as a whole.
    hidden: bool,
    /// Whether it covers where something in it does.
    plain: bool,
    /// Where its end was kept.
    end: usize,
}
