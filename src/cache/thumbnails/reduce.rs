//! Thumbnails of decoded pictures, whoever decodes them.

use std::sync::Arc;

use super::sheet;
use super::strip::Thumbnail;
use crate::convert::{ConvertJob, CpuConverter};
use crate::media::{Orientation, Size, VideoFrame};
use crate::time::FrameIndex;

/// Reduces pictures to one size.
pub(super) struct Reducer {
    size: Size,
    converter: CpuConverter,
    rgba: Vec<u8>,
}

impl Reducer {
    /// To thumbnails of `size`.
    pub(super) fn new(size: Size) -> Self {
        Self {
            size,
            converter: CpuConverter::new(1),
            rgba: vec![0; usize::try_from(size.area() * 4).unwrap_or(0)],
        }
    }

    /// The thumbnail of a picture. `None` where it is of a kind that cannot be shown.
    pub(super) fn thumbnail(
        &mut self,
        frame: FrameIndex,
        decoded: &VideoFrame,
    ) -> Option<Thumbnail> {
        let job = ConvertJob {
            out: self.size,
            orientation: Orientation::UPRIGHT,
        };
        let stride = self.size.width() as usize * 4;
        self.converter
            .convert(decoded, &job, &mut self.rgba, stride)
            .ok()?;
        Some(Thumbnail {
            frame,
            picture: Arc::new(sheet::picture_from_rgba(self.size, &self.rgba)?),
        })
    }
}

/// The size of a thumbnail of pictures of this size: as many pixels long on the longer side as `side`
/// says, and no longer than the picture.
pub(super) fn small_size(stored: Size, side: u32) -> Size {
    let longer = stored.width().max(stored.height());
    let side = side.clamp(1, longer);
    let scaled = |length: u32| {
        let scaled =
            (u64::from(length) * u64::from(side) + u64::from(longer) / 2) / u64::from(longer);
        u32::try_from(scaled).unwrap_or(side).max(1)
    };
    Size::new(scaled(stored.width()), scaled(stored.height())).unwrap_or(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbnails_keep_the_shape_and_grow_no_picture() {
        let small = |width, height| {
            let size = small_size(Size::new(width, height).unwrap(), 160);
            (size.width(), size.height())
        };
        assert_eq!(small(3840, 2160), (160, 90));
        assert_eq!(small(2160, 3840), (90, 160));
        assert_eq!(small(1440, 1080), (160, 120));
        assert_eq!(small(64, 32), (64, 32));
        assert_eq!(small(8192, 1), (160, 1));
    }
}
