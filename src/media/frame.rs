//! A decoded picture.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{ColorInfo, PixelFormat, Size};
use crate::memory::{Slot, SlotId};
use crate::time::FrameIndex;

/// Keeps the memory behind a frame's planes alive and unchanged; dropping it gives the memory back.
///
/// The decoder implements it with references on FFmpeg's buffers, so that a decoder that draws into
/// its last picture knows that this one is still in use.
pub trait PlaneOwner: Send + Sync {}

/// Where one plane lies in memory.
#[derive(Debug, Clone, Copy)]
pub struct PlaneLayout {
    ptr: *const u8,
    stride: usize,
    rows: usize,
    row_bytes: usize,
}

impl PlaneLayout {
    /// Describes a plane of `rows` rows, `stride` bytes apart, each with `row_bytes` of picture data.
    ///
    /// # Safety
    /// `stride * (rows - 1) + row_bytes` bytes from `ptr` must stay readable and unchanged as long as
    /// the [`PlaneOwner`] that is stored beside this layout lives. `row_bytes` is at most `stride`.
    ///
    /// # Panics
    /// When there are no rows, or they are longer than the stride.
    #[expect(unsafe_code, reason = "the caller vouches for foreign memory")]
    pub unsafe fn new(ptr: *const u8, stride: usize, rows: usize, row_bytes: usize) -> Self {
        assert!(
            row_bytes <= stride && rows > 0,
            "a plane has rows no longer than its stride"
        );
        Self {
            ptr,
            stride,
            rows,
            row_bytes,
        }
    }
}

#[expect(
    unsafe_code,
    reason = "the pointer is read only, behind an owner that is Send and Sync"
)]
// SAFETY: a layout is only ever read through `FrameStorage::plane`, whose owner keeps the memory
// alive and unchanged on any thread.
unsafe impl Send for PlaneLayout {}
#[expect(
    unsafe_code,
    reason = "the pointer is read only, behind an owner that is Send and Sync"
)]
// SAFETY: as above; shared reads of unchanging memory do not race.
unsafe impl Sync for PlaneLayout {}

/// The bytes of one plane.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// From the first byte of the first row to the last picture byte of the last row.
    pub bytes: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes of picture data in a row.
    pub row_bytes: usize,
    /// Rows.
    pub rows: usize,
}

impl<'a> Plane<'a> {
    /// The picture bytes of row `y`.
    ///
    /// # Panics
    /// When `y` is not less than `rows`.
    pub fn row(&self, y: usize) -> &'a [u8] {
        let start = y * self.stride;
        &self.bytes[start..start + self.row_bytes]
    }
}

/// Who holds a frame's samples.
///
/// GPU-compressed blocks and images imported from a hardware decoder will be further variants.
#[non_exhaustive]
pub enum FrameStorage {
    /// In a slot of the frame pool.
    Pooled {
        /// Which slot, for diagnosis.
        slot: SlotId,
        /// Bytes of that slot.
        slot_bytes: usize,
        /// The planes in it.
        planes: Vec<PlaneLayout>,
        /// Gives the slot back.
        owner: Box<dyn PlaneOwner>,
    },
    /// In memory of the decoder's own, for codecs that cannot decode into the pool.
    Foreign {
        /// The planes.
        planes: Vec<PlaneLayout>,
        /// Releases the decoder's memory.
        owner: Box<dyn PlaneOwner>,
    },
}

impl FrameStorage {
    /// As [`VideoFrame::from_planes`].
    fn from_planes(format: PixelFormat, size: Size, planes: &[(impl AsRef<[u8]>, usize)]) -> Self {
        struct Owned {
            _bytes: Vec<Box<[u8]>>,
        }
        impl PlaneOwner for Owned {}

        assert_eq!(
            planes.len(),
            format.plane_count(),
            "one slice for each plane"
        );
        let bytes: Vec<Box<[u8]>> = planes
            .iter()
            .map(|(bytes, _)| bytes.as_ref().into())
            .collect();
        let layouts = bytes
            .iter()
            .zip(planes)
            .enumerate()
            .map(|(index, (owned, &(_, stride)))| {
                let rows = format.plane_size(index, size).1;
                let row_bytes = format.row_bytes(index, size);
                assert!(
                    owned.len() >= stride * (rows - 1) + row_bytes,
                    "plane {index} is too short"
                );
                #[expect(unsafe_code, reason = "the boxes are owned by the storage being built")]
                // SAFETY: the length was checked above; a boxed slice does not move, and it is never
                // written after this.
                unsafe {
                    PlaneLayout::new(owned.as_ptr(), stride, rows, row_bytes)
                }
            })
            .collect();
        Self::Foreign {
            planes: layouts,
            owner: Box::new(Owned { _bytes: bytes }),
        }
    }

    fn layouts(&self) -> &[PlaneLayout] {
        match self {
            Self::Pooled { planes, .. } | Self::Foreign { planes, .. } => planes,
        }
    }

    /// Number of planes.
    pub fn plane_count(&self) -> usize {
        self.layouts().len()
    }

    /// The bytes of plane `index`.
    ///
    /// # Panics
    /// When there is no such plane.
    #[expect(unsafe_code, reason = "this is the one place that reads the planes")]
    pub fn plane(&self, index: usize) -> Plane<'_> {
        let layout = self.layouts()[index];
        let length = layout.stride * (layout.rows - 1) + layout.row_bytes;
        Plane {
            // SAFETY: `PlaneLayout::new` was promised this many bytes for the life of the owner, and
            // the owner lives as long as `self`, which the slice borrows.
            bytes: unsafe { std::slice::from_raw_parts(layout.ptr, length) },
            stride: layout.stride,
            row_bytes: layout.row_bytes,
            rows: layout.rows,
        }
    }

    /// Bytes that the frame keeps from others: its slot, or what its planes take.
    pub fn held_bytes(&self) -> usize {
        match self {
            Self::Pooled { slot_bytes, .. } => *slot_bytes,
            Self::Foreign { .. } => self.byte_len(),
        }
    }

    /// Bytes that the planes take, padding between rows included.
    pub fn byte_len(&self) -> usize {
        self.layouts()
            .iter()
            .map(|plane| plane.stride * plane.rows)
            .sum()
    }
}

impl fmt::Debug for FrameStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pooled { slot, .. } => write!(f, "Pooled({slot:?}, {} bytes)", self.byte_len()),
            Self::Foreign { .. } => write!(f, "Foreign({} bytes)", self.byte_len()),
        }
    }
}

/// Whether a picture holds one instant or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FieldOrder {
    /// One instant.
    #[default]
    Progressive,
    /// Two, the even rows first.
    TopFirst,
    /// Two, the odd rows first.
    BottomFirst,
}

/// Names what a frame shows, for as long as the process lives.
///
/// Two frames of one name hold the same picture, although one of them may have been decoded long after the
/// other was dropped. So what was made of the first is good for the second. An address says no such
/// thing: it is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PictureId {
    source: u64,
    number: i64,
}

impl PictureId {
    /// What has a number of its own, and nothing else.
    const NO_SOURCE: u64 = 0;

    /// A name that no other picture has: for pictures that are made, not decoded.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            source: Self::NO_SOURCE,
            number: NEXT.fetch_add(1, Ordering::Relaxed).cast_signed(),
        }
    }

    /// Frame `frame` of a source. `source` stands for the file as it is now, the stream, and whatever else
    /// makes its pictures different.
    pub fn of_frame(source: u64, frame: FrameIndex) -> Self {
        Self {
            source: source.max(Self::NO_SOURCE + 1),
            number: frame.0,
        }
    }

    /// What tells its source from others.
    pub fn source(self) -> u64 {
        self.source
    }
}

/// A decoded picture and what is needed to show it. Immutable; shared by `Arc` where it is kept.
#[derive(Debug)]
pub struct VideoFrame {
    /// What it shows.
    pub id: PictureId,
    /// Size of the picture as stored, cropping applied.
    pub size: Size,
    /// How the planes are laid out.
    pub format: PixelFormat,
    /// What the samples mean.
    pub color: ColorInfo,
    /// One instant or two fields.
    pub fields: FieldOrder,
    /// Of a smaller copy: the size of the picture that it is shown in the place of, and like.
    pub stands_for: Option<Size>,
    /// The samples.
    pub storage: FrameStorage,
}

impl VideoFrame {
    /// A progressive picture with a name of its own. Copies `planes` (bytes and stride each). For tests and
    /// small pictures.
    ///
    /// # Panics
    /// When the planes do not fit `format` and `size`.
    pub fn from_planes(
        format: PixelFormat,
        size: Size,
        color: ColorInfo,
        planes: &[(impl AsRef<[u8]>, usize)],
    ) -> Self {
        Self {
            id: PictureId::unique(),
            size,
            format,
            color,
            fields: FieldOrder::Progressive,
            stands_for: None,
            storage: FrameStorage::from_planes(format, size, planes),
        }
    }

    /// A progressive picture in `slot`: planes follow one another, and rows have no padding. `fill` writes
    /// all of them ([`PixelFormat::packed_bytes`]).
    ///
    /// # Panics
    /// When the slot is too small.
    pub fn in_slot(
        id: PictureId,
        slot: Slot,
        (format, size): (PixelFormat, Size),
        color: ColorInfo,
        fill: impl FnOnce(&mut [u8]),
    ) -> Self {
        struct InSlot {
            _slot: Slot,
        }
        impl PlaneOwner for InSlot {}

        let bytes = format.packed_bytes(size);
        assert!(bytes <= slot.byte_len(), "the picture fits its slot");
        let first = slot.as_mut_ptr();
        #[expect(unsafe_code, reason = "the slot is memory without a type")]
        // SAFETY: the slot has so many bytes, and they are this function's alone. They were written before:
        // slots are mapped zeroed.
        fill(unsafe { std::slice::from_raw_parts_mut(first, bytes) });
        let mut begin = 0;
        let planes = (0..format.plane_count())
            .map(|plane| {
                let (stride, rows) = (
                    format.row_bytes(plane, size),
                    format.plane_size(plane, size).1,
                );
                #[expect(unsafe_code, reason = "planes of the slot that the storage owns")]
                // SAFETY: all planes together are of the length checked above, and nobody writes to them any more.
                let layout = unsafe { PlaneLayout::new(first.add(begin), stride, rows, stride) };
                begin += stride * rows;
                layout
            })
            .collect();
        Self {
            id,
            size,
            format,
            color,
            fields: FieldOrder::Progressive,
            stands_for: None,
            storage: FrameStorage::Pooled {
                slot: slot.id(),
                slot_bytes: slot.byte_len(),
                planes,
                owner: Box::new(InSlot { _slot: slot }),
            },
        }
    }

    /// The stored size that decides how large it is shown: its own, or that of what it stands for.
    pub fn shown_as(&self) -> Size {
        self.stands_for.unwrap_or(self.size)
    }

    /// The bytes of plane `index`.
    ///
    /// # Panics
    /// When there is no such plane.
    pub fn plane(&self, index: usize) -> Plane<'_> {
        self.storage.plane(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        assert_ne!(PictureId::unique(), PictureId::unique());
        let named = |source, frame| PictureId::of_frame(source, FrameIndex(frame));
        assert_eq!(named(7, 1), named(7, 1));
        assert_ne!(named(7, 1), named(7, 2));
        assert_ne!(named(7, 1), named(8, 1));
        // A source that happens to be zero is none the less a source.
        assert_ne!(named(0, 0).source(), PictureId::unique().source());
    }
}
