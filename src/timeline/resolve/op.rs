//! What is seen in a frame: layers, by where their pictures come from.

use super::{ClipId, SourceId};
use crate::time::{MediaSpan, MediaTime};
use crate::timeline::{Look, Mix};

/// A step of the picture of a frame. Steps come in the order in which they are drawn, lowest first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum VideoOp {
    /// What follows is drawn on a transparent canvas of its own.
    BeginGroup,
    /// A clip's picture goes over what is there.
    Layer(Layer),
    /// The group's canvas goes over what was there before it began.
    EndGroup {
        /// How it is placed; its size is that of the canvas.
        look: Look,
        /// How it is mixed.
        mix: Mix,
    },
}

/// A clip's picture in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// The use of the medium.
    pub clip: ClipId,
    /// The medium.
    pub source: SourceId,
    /// Source time at the frame's beginning, as the timeline states it: it counts as the clip's source
    /// range does, and [`Source::zero`](super::Source::zero) is what the medium's first picture is
    /// called. Where the clip begins within the frame, the source time at its beginning.
    pub media: MediaTime,
    /// Source time that passes during one frame of the timeline; negative backwards, zero for a still.
    pub advance: MediaSpan,
    /// How it is placed, and how opaque it is.
    pub look: Look,
    /// How it is mixed with what lies below.
    pub mix: Mix,
}

/// The instant whose picture stands for a frame: the picture of the source that is on screen then is
/// the one to show.
///
/// It lies half a picture of the source past the frame's beginning, or half a frame where that is
/// shorter, in the direction of play. So times may be off by almost half a picture, as times that were
/// rounded on their way are, and every picture of a source of the timeline's own rate is still shown
/// once; twice the speed shows every second picture beginning with the first, half the speed each
/// picture twice, and backwards from the end begins with the last.
///
/// `media` and `advance` are those of a [`Layer`], `source_frame` is the length of a picture of the
/// source, and the answer counts as `media` does.
pub fn source_instant(media: MediaTime, advance: MediaSpan, source_frame: MediaSpan) -> MediaTime {
    if advance == MediaSpan::ZERO {
        return media + half(source_frame);
    }
    let step = half(advance.abs().min(source_frame));
    if advance > MediaSpan::ZERO {
        media + step
    } else {
        media - step
    }
}

fn half(span: MediaSpan) -> MediaSpan {
    MediaSpan::from_flicks(span.flicks() / 2)
}

/// How the only layer of a group is placed and mixed where it is drawn without the group; `None` where
/// the group must be drawn by itself.
///
/// That is exact where the group is not moved: opacities and weights multiply, and edges of wipes run
/// across the canvas whatever they uncover.
pub(super) fn folded(layer: (Look, Mix), group: (Look, Mix)) -> Option<(Look, Mix)> {
    let ((mut look, inner), (outer_look, outer)) = (layer, group);
    if !stays_in_place(&outer_look) {
        return None;
    }
    let (opacity, mix) = match (inner, outer) {
        (Mix::Over(inner), Mix::Over(outer)) => (1.0, Mix::Over(inner * outer)),
        (Mix::Over(weight), other) | (other, Mix::Over(weight)) => (weight, other),
        _ => return None,
    };
    look.opacity *= outer_look.opacity * opacity;
    Some((look, mix))
}

impl Layer {
    /// What is left of a group of this layer only; `None` where the group must be drawn by itself.
    pub(super) fn without_group(self, look: Look, mix: Mix) -> Option<Self> {
        let (look, mix) = folded((self.look, self.mix), (look, mix))?;
        Some(Self { look, mix, ..self })
    }
}

/// Whether a canvas of this look lies exactly over the canvas below. Its fit does not matter, for both
/// have one size.
pub(super) fn stays_in_place(look: &Look) -> bool {
    let still = Look {
        opacity: look.opacity,
        fit: look.fit,
        anchor: look.anchor,
        ..Look::default()
    };
    *look == still
}

/// Whether a group of this look and mix is the same as its layers without a group.
pub(super) fn changes_nothing(look: &Look, mix: Mix) -> bool {
    stays_in_place(look) && look.opacity >= 1.0 && mix == Mix::FULL
}
