//! What was converted last, so that a still is not converted again.

use std::sync::{Arc, Weak};

use super::made::Patterns;
use super::plan::{Item, Source};
use crate::media::{Orientation, Size, VideoFrame};
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content};

/// Composites after which something that none of them needed is dropped.
pub(super) const IDLE_LIMIT: u64 = 60;

/// A frame, turned and sized, by which a converted picture is known again. It does not keep the frame.
#[derive(Debug, Clone)]
pub(super) struct Still {
    // While this lives, no other frame has the same address.
    frame: Weak<VideoFrame>,
    orientation: Orientation,
    size: Size,
}

impl Still {
    pub(super) fn new(frame: &Arc<VideoFrame>, item: &Item) -> Self {
        Self {
            frame: Arc::downgrade(frame),
            orientation: item.orientation,
            size: item.texture,
        }
    }

    /// Whether `item`, which shows `frame`, would be converted to the same.
    pub(super) fn is(&self, frame: &Arc<VideoFrame>, item: &Item) -> bool {
        std::ptr::eq(self.frame.as_ptr(), Arc::as_ptr(frame))
            && (self.orientation, self.size) == (item.orientation, item.texture)
    }
}

/// The frame that an item shows; `None` for groups.
pub(super) fn frame_of(
    composite: &Composite,
    item: &Item,
    patterns: &mut Patterns,
) -> Option<Arc<VideoFrame>> {
    match (item.source, composite.ops.get(item.slot)) {
        (
            Source::Frame,
            Some(CompositeOp::Layer(CompositeLayer {
                content: Content::Frame { frame, .. },
                ..
            })),
        ) => Some(Arc::clone(frame)),
        (Source::Made(pattern), _) => {
            Some(patterns.frame(pattern, item.orientation.apply(item.texture)))
        }
        _ => None,
    }
}
