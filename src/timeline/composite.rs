//! What is seen at one instant: layers, what is in them, and how they lie over one another.

use std::sync::Arc;

use super::{CompareSides, Look, WipeEdge};
use crate::media::{Orientation, Size, VideoFrame};

/// The picture of one instant of a timeline: layers, lowest first, and what is in them.
///
/// **Canvas.** Layers are placed on a canvas of square pixels, which is then mapped onto the picture
/// shown, whatever size that has. It begins opaque and black.
///
/// **Place.** A layer's picture is fitted to the canvas by [`Look::fit`] and centred; what
/// [`Look::crop`] cuts off is left out; it is scaled and then turned about [`Look::anchor`], and moved
/// by [`Look::position`]. A layer whose sides end up parallel to the canvas's begins and ends at whole
/// pixels of the picture shown (each side at the nearest, so that layers that touch leave no gap). The
/// sides of others are antialiased.
///
/// **Colour.** Layers are mixed as most editing programs do by default: component by component, in
/// R'G'B' as encoded for the display, with straight alpha. Nothing is mixed in linear light.
///
/// **Groups.** What stands between [`CompositeOp::BeginGroup`] and [`CompositeOp::EndGroup`] is composed
/// on a transparent canvas of its own; the result is then placed and mixed like a layer. A group that
/// is never ended ends with the composite, and an end without a beginning counts for nothing.
///
/// Where a number is not finite or a scale is zero, there is nothing to see of the layer.
#[derive(Debug, Clone)]
pub struct Composite {
    /// Size of the canvas, in square pixels.
    pub canvas: Size,
    /// What lies on it, lowest first. Frames are shared, so a clone copies a few words a layer.
    pub ops: Vec<CompositeOp>,
    /// Why layers are missing or replaced by placeholders, for people to read.
    pub missing: Vec<Arc<str>>,
    /// Its two sides, where it is a comparison.
    pub compare: Option<CompareSides>,
}

impl Composite {
    /// A composite in which nothing is missing.
    pub fn new(canvas: Size, ops: Vec<CompositeOp>) -> Self {
        Self {
            canvas,
            ops,
            missing: Vec::new(),
            compare: None,
        }
    }

    /// The frames in it, lowest first.
    pub fn frames(&self) -> impl Iterator<Item = &Arc<VideoFrame>> {
        self.ops.iter().filter_map(|op| match op {
            CompositeOp::Layer(CompositeLayer {
                content: Content::Frame { frame, .. },
                ..
            }) => Some(frame),
            _ => None,
        })
    }
}

/// A step of a composition.
///
/// The place of a step in the list is also its slot: what is kept from one picture to the next (a
/// converted still, a texture, a deinterlacer's memory) is kept by it. Lists that keep their shape while
/// a clip plays are the cheapest.
#[derive(Debug, Clone)]
pub enum CompositeOp {
    /// What follows goes onto a transparent canvas of its own.
    BeginGroup,
    /// A layer goes over what is there.
    Layer(CompositeLayer),
    /// The group's canvas goes over what was there before it began.
    EndGroup {
        /// How it is placed; its size is that of the canvas.
        look: Look,
        /// How it is mixed.
        mix: Mix,
    },
}

/// Something on a canvas.
#[derive(Debug, Clone)]
pub struct CompositeLayer {
    /// What.
    pub content: Content,
    /// Where, and how opaque.
    pub look: Look,
    /// How it is mixed with what lies below.
    pub mix: Mix,
}

/// What a layer shows.
#[derive(Debug, Clone)]
pub enum Content {
    /// A frame. The same `Arc` in the same slot as last time is not converted again.
    Frame {
        /// The frame.
        frame: Arc<VideoFrame>,
        /// How it is turned before it is shown.
        orientation: Orientation,
        /// Its size in square pixels, turned: what it is fitted to the canvas by.
        display: Size,
    },
    /// One colour over the size of the canvas: R'G'B' and straight alpha, 0 to 1.
    Solid([f32; 4]),
    /// SMPTE colour bars, of the size of the canvas.
    Bars,
    /// A checkerboard, of the size of the canvas.
    Checkerboard,
}

/// How a layer is mixed with what lies below it. [`Look::opacity`] multiplies its alpha in any case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mix {
    /// Over what lies below, its alpha multiplied: 0 is invisible, 1 changes nothing.
    Over(f32),
    /// Over what lies below, on one side of an edge only. The edge moves across the canvas, wherever
    /// the layer lies, and is sharp.
    Wipe {
        /// The edge.
        edge: WipeEdge,
        /// How far it has come: 0 shows nothing of the layer, 1 all of it.
        progress: f32,
    },
    /// The absolute difference of R'G'B' from what lies below (the blend mode `difference` of W3C
    /// Compositing and Blending Level 1 §9.1.11), its alpha multiplied.
    Difference(f32),
}

impl Mix {
    /// Over what lies below, unchanged.
    pub const FULL: Self = Self::Over(1.0);
}

impl Default for Mix {
    fn default() -> Self {
        Self::FULL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{ColorInfo, PixelFormat};

    #[test]
    fn its_frames_are_found_in_order() {
        let size = Size::new(2, 2).unwrap();
        let frame = || {
            let planes: [(&[u8], usize); 2] = [(&[16; 4], 2), (&[128; 2], 2)];
            Arc::new(VideoFrame::from_planes(
                PixelFormat::NV12,
                size,
                ColorInfo::BT709_LIMITED,
                &planes,
            ))
        };
        let layer = |content| {
            CompositeOp::Layer(CompositeLayer {
                content,
                look: Look::default(),
                mix: Mix::default(),
            })
        };
        let shown = |frame: &Arc<VideoFrame>| {
            layer(Content::Frame {
                frame: Arc::clone(frame),
                orientation: Orientation::UPRIGHT,
                display: size,
            })
        };
        let (low, high) = (frame(), frame());
        let composite = Composite::new(
            size,
            vec![
                shown(&low),
                CompositeOp::BeginGroup,
                layer(Content::Bars),
                shown(&high),
                CompositeOp::EndGroup {
                    look: Look::default(),
                    mix: Mix::FULL,
                },
            ],
        );
        let found: Vec<_> = composite.frames().collect();
        assert!(found.len() == 2 && Arc::ptr_eq(found[0], &low) && Arc::ptr_eq(found[1], &high));
    }
}
