//! Frames into textures, through a ring of staging buffers.
//!
//! A staging buffer is written by the CPU while it is mapped, unmapped, copied to the plane textures by
//! the GPU, and mapped again when that is done: asynchronously, so that nothing waits unless every
//! buffer of the ring is still in flight. `Queue::write_texture` was measured and rejected: it copies
//! twice and allocates each time (28 ms against 7 ms for an 8K NV12 frame).
//!
//! Textures hold whole numbers (`R8Uint` and its kin), which every device can load from, instead of the
//! 16-bit normalized formats, which are an optional feature.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::media::{PixelFormat, Plane, Size, VideoFrame};

use super::budget::Lease;
use super::{DeviceGeneration, GpuContext, PictureError};

/// Staging buffers at most: one being written, one being copied, and one that the GPU has not begun.
/// More would only hide that the GPU cannot keep up. With 8K 4:2:0 10-bit frames that is 3 x 100 MB.
pub const STAGING_SLOTS_MAX: usize = 3;

/// Rows in a buffer that is copied to a texture start at multiples of this.
const ROW_ALIGN: usize = wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize;

/// Staging buffers are sized in steps, so that a frame a little larger than the last fits as well.
const SLOT_STEP_BYTES: u64 = 1 << 20;

/// `bytes` rounded up to the alignment that rows need in a staging buffer.
pub(super) fn aligned_row_bytes(bytes: usize) -> usize {
    bytes.next_multiple_of(ROW_ALIGN)
}

/// Where a staging buffer stands.
#[derive(Debug)]
struct SlotState(AtomicU8);

impl SlotState {
    /// Mapped: the CPU may write.
    const READY: u8 = 0;
    /// The GPU has it.
    const IN_FLIGHT: u8 = 1;
    /// Mapping failed; the buffer is of no use any more.
    const FAILED: u8 = 2;
}

#[derive(Debug)]
struct Slot {
    buffer: wgpu::Buffer,
    state: Arc<SlotState>,
    submission: Option<wgpu::SubmissionIndex>,
    _lease: Lease,
}

impl Slot {
    fn new(ctx: &GpuContext, bytes: u64) -> Result<Self, PictureError> {
        let size = bytes.next_multiple_of(SLOT_STEP_BYTES);
        if size > ctx.device().limits().max_buffer_size {
            return Err(PictureError::TooLarge { bytes });
        }
        let lease = ctx.budget().must(size);
        let buffer = ctx.checked(|| {
            ctx.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("staging"),
                size,
                usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: true,
            })
        })?;
        let state = Arc::new(SlotState(AtomicU8::new(SlotState::READY)));
        Ok(Self {
            buffer,
            state,
            submission: None,
            _lease: lease,
        })
    }

    fn state(&self) -> u8 {
        self.state.0.load(Ordering::Acquire)
    }

    /// Whether a request for `bytes` should take this buffer as it is: large enough, and not so large
    /// that memory for a past format is held for ever.
    fn suits(&self, bytes: u64) -> bool {
        let size = self.buffer.size();
        size >= bytes && size <= bytes.next_multiple_of(SLOT_STEP_BYTES).saturating_mul(4)
    }
}

/// A buffer of the ring that is mapped for the caller.
#[derive(Debug)]
pub(super) struct StagingLease {
    index: usize,
    /// Whether the GPU had to be waited for.
    pub(super) waited: bool,
}

/// A bounded ring of staging buffers.
#[derive(Debug, Default)]
pub(super) struct StagingRing {
    slots: Vec<Slot>,
}

impl StagingRing {
    /// A mapped buffer of at least `bytes`.
    ///
    /// When all are in flight, waits for the oldest, with one poll.
    pub(super) fn acquire(
        &mut self,
        ctx: &GpuContext,
        bytes: u64,
    ) -> Result<StagingLease, PictureError> {
        ctx.poll();
        ctx.check_alive()?;
        self.slots.retain(|slot| slot.state() != SlotState::FAILED);
        if let Some(index) = self.ready(ctx, bytes)? {
            return Ok(StagingLease {
                index,
                waited: false,
            });
        }
        if self.slots.len() < STAGING_SLOTS_MAX {
            self.slots.push(Slot::new(ctx, bytes)?);
            return Ok(StagingLease {
                index: self.slots.len() - 1,
                waited: false,
            });
        }
        // Slots are handed out in turn, so the one at the front was submitted first.
        ctx.wait(self.slots[0].submission.clone())?;
        let index = self.ready(ctx, bytes)?.ok_or(PictureError::DeviceLost)?;
        Ok(StagingLease {
            index,
            waited: true,
        })
    }

    /// A buffer that is mapped already, made anew when its size does not suit.
    fn ready(&mut self, ctx: &GpuContext, bytes: u64) -> Result<Option<usize>, PictureError> {
        let Some(index) = self
            .slots
            .iter()
            .position(|slot| slot.state() == SlotState::READY)
        else {
            return Ok(None);
        };
        if !self.slots[index].suits(bytes) {
            self.slots[index] = Slot::new(ctx, bytes)?;
        }
        Ok(Some(index))
    }

    /// The buffer of `lease`.
    pub(super) fn buffer(&self, lease: &StagingLease) -> &wgpu::Buffer {
        &self.slots[lease.index].buffer
    }

    /// The first `bytes` of the buffer of `lease`, to write to. Drop the view before [`Self::seal`].
    pub(super) fn view(
        &self,
        lease: &StagingLease,
        bytes: u64,
    ) -> Result<wgpu::BufferViewMut, PictureError> {
        self.buffer(lease)
            .get_mapped_range_mut(..bytes)
            .map_err(|error| PictureError::Rejected(error.to_string()))
    }

    /// Gives the buffer to the GPU. Call it before submitting what reads the buffer.
    pub(super) fn seal(&self, lease: &StagingLease) {
        let slot = &self.slots[lease.index];
        slot.state.0.store(SlotState::IN_FLIGHT, Ordering::Release);
        slot.buffer.unmap();
    }

    /// Asks for the buffer back once `submission` is done.
    pub(super) fn submitted(&mut self, lease: &StagingLease, submission: wgpu::SubmissionIndex) {
        let mut slot = self.slots.remove(lease.index);
        slot.submission = Some(submission);
        let state = Arc::clone(&slot.state);
        slot.buffer
            .map_async(wgpu::MapMode::Write, .., move |result| {
                let next = if result.is_ok() {
                    SlotState::READY
                } else {
                    SlotState::FAILED
                };
                state.0.store(next, Ordering::Release);
            });
        self.slots.push(slot);
    }
}

/// The planes of one frame as textures: loaded as whole numbers, one or two components each.
#[derive(Debug)]
pub struct PlaneTextures {
    format: PixelFormat,
    size: Size,
    textures: Vec<wgpu::Texture>,
    views: Vec<wgpu::TextureView>,
    _lease: Lease,
}

impl PlaneTextures {
    fn new(ctx: &GpuContext, format: PixelFormat, size: Size) -> Result<Self, PictureError> {
        let limit = ctx.max_texture_side();
        if size.width().max(size.height()) > limit {
            return Err(PictureError::TooLargeForTextures { size, limit });
        }
        let samples: usize = (0..format.plane_count())
            .map(|plane| format.row_bytes(plane, size) * format.plane_size(plane, size).1)
            .sum();
        let lease = ctx.budget().must(samples as u64);
        let textures = ctx.checked(|| {
            (0..format.plane_count())
                .map(|plane| create_plane(ctx, format, plane, size))
                .collect::<Vec<_>>()
        })?;
        let views = textures
            .iter()
            .map(|texture| texture.create_view(&wgpu::TextureViewDescriptor::default()))
            .collect();
        Ok(Self {
            format,
            size,
            textures,
            views,
            _lease: lease,
        })
    }

    /// One view a plane.
    pub fn views(&self) -> &[wgpu::TextureView] {
        &self.views
    }
}

fn create_plane(ctx: &GpuContext, format: PixelFormat, plane: usize, size: Size) -> wgpu::Texture {
    let (width, height) = plane_extent(format, plane, size);
    ctx.device().create_texture(&wgpu::TextureDescriptor {
        label: Some("plane"),
        size: wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: texture_format(format, plane),
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    })
}

/// Samples in a row and rows of a plane; never above the size itself, so it fits `u32`.
fn plane_extent(format: PixelFormat, plane: usize, size: Size) -> (u32, u32) {
    let (width, height) = format.plane_size(plane, size);
    (
        u32::try_from(width).unwrap_or(size.width()),
        u32::try_from(height).unwrap_or(size.height()),
    )
}

fn texture_format(format: PixelFormat, plane: usize) -> wgpu::TextureFormat {
    match (
        format.depth.bytes(),
        format.sample_stride_bytes(plane) / format.depth.bytes(),
    ) {
        (1, 1) => wgpu::TextureFormat::R8Uint,
        (1, _) => wgpu::TextureFormat::Rg8Uint,
        (_, 1) => wgpu::TextureFormat::R16Uint,
        _ => wgpu::TextureFormat::Rg16Uint,
    }
}

/// What an upload took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UploadReport {
    /// Bytes of picture data.
    pub bytes: u64,
    /// Nanoseconds of this thread: mapping, copying, recording.
    pub nanos: u64,
    /// Whether every staging buffer was in flight, so that the GPU had to be waited for.
    pub waited: bool,
}

/// An upload whose commands are recorded but not submitted yet.
#[derive(Debug)]
pub(super) struct RecordedUpload {
    lease: StagingLease,
    pub(super) report: UploadReport,
}

/// Brings frames into plane textures, which are reused while format and size stay the same.
#[derive(Debug, Default)]
pub struct FrameUploader {
    generation: Option<DeviceGeneration>,
    ring: StagingRing,
    planes: Option<PlaneTextures>,
}

impl FrameUploader {
    /// An uploader without any memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The textures of the last frame.
    pub fn planes(&self) -> Option<&PlaneTextures> {
        self.planes.as_ref()
    }

    /// Uploads `frame` with a submission of its own.
    pub fn upload(
        &mut self,
        ctx: &GpuContext,
        frame: &VideoFrame,
    ) -> Result<(UploadReport, wgpu::SubmissionIndex), PictureError> {
        let start = ctx.now();
        let mut encoder = ctx
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let recorded = self.record(ctx, frame, &mut encoder)?;
        let mut report = recorded.report;
        let submission = ctx.queue().submit([encoder.finish()]);
        self.submitted(&recorded, submission.clone());
        report.nanos = ctx.nanos_since(start);
        Ok((report, submission))
    }

    /// Copies the planes of `frame` into staging memory and records the copies to the textures.
    ///
    /// The commands must be submitted, and [`Self::submitted`] called, before anything else is asked
    /// of this uploader.
    pub(super) fn record(
        &mut self,
        ctx: &GpuContext,
        frame: &VideoFrame,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<RecordedUpload, PictureError> {
        let start = ctx.now();
        if self.generation != Some(ctx.generation()) {
            // Buffers and textures of another device are of no use.
            *self = Self {
                generation: Some(ctx.generation()),
                ..Self::default()
            };
        }
        let planes = Self::textures_for(&mut self.planes, ctx, frame)?;
        let placed = place_planes(frame);
        let total = placed.last().map_or(0, |last| last.offset + last.bytes);
        // Mapped ranges are whole words.
        let total = total.next_multiple_of(ROW_ALIGN);
        let lease = self.ring.acquire(ctx, total as u64)?;
        let mut view = self.ring.view(&lease, total as u64)?;
        for (index, place) in placed.iter().enumerate() {
            fill(&mut view, place, &frame.plane(index));
        }
        drop(view);
        self.ring.seal(&lease);
        for (index, place) in placed.iter().enumerate() {
            copy_plane(
                encoder,
                self.ring.buffer(&lease),
                place,
                &planes.textures[index],
            );
        }
        let bytes = (0..placed.len())
            .map(|index| frame.plane(index))
            .map(|plane| (plane.row_bytes * plane.rows) as u64)
            .sum();
        let report = UploadReport {
            bytes,
            nanos: ctx.nanos_since(start),
            waited: lease.waited,
        };
        Ok(RecordedUpload { lease, report })
    }

    /// Tells that the commands recorded for `upload` went off as `submission`.
    pub(super) fn submitted(&mut self, upload: &RecordedUpload, submission: wgpu::SubmissionIndex) {
        self.ring.submitted(&upload.lease, submission);
    }

    fn textures_for<'a>(
        kept: &'a mut Option<PlaneTextures>,
        ctx: &GpuContext,
        frame: &VideoFrame,
    ) -> Result<&'a PlaneTextures, PictureError> {
        let fits =
            |planes: &PlaneTextures| planes.format == frame.format && planes.size == frame.size;
        if !kept.as_ref().is_some_and(fits) {
            // The old textures go first, so that both are never held at once.
            *kept = None;
            *kept = Some(PlaneTextures::new(ctx, frame.format, frame.size)?);
        }
        kept.as_ref().ok_or(PictureError::OutOfMemory)
    }
}

/// Where a plane lies in a staging buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PlacedPlane {
    offset: usize,
    stride: usize,
    bytes: usize,
}

fn place_planes(frame: &VideoFrame) -> Vec<PlacedPlane> {
    let mut offset = 0;
    (0..frame.storage.plane_count())
        .map(|index| {
            let plane = frame.plane(index);
            let stride = staging_stride(plane.stride, plane.row_bytes);
            let bytes = stride * (plane.rows - 1) + plane.row_bytes;
            let placed = PlacedPlane {
                offset,
                stride,
                bytes,
            };
            offset = (offset + bytes).next_multiple_of(ROW_ALIGN);
            placed
        })
        .collect()
}

/// The plane's own stride where the GPU can read it and the padding is small: then the whole plane is
/// one copy. Otherwise the least stride that it can read.
fn staging_stride(stride: usize, row_bytes: usize) -> usize {
    let least = aligned_row_bytes(row_bytes);
    if stride.is_multiple_of(ROW_ALIGN) && stride <= least + least / 4 {
        stride
    } else {
        least
    }
}

fn fill(view: &mut wgpu::BufferViewMut, place: &PlacedPlane, plane: &Plane<'_>) {
    if place.stride == plane.stride {
        view.slice(place.offset..place.offset + place.bytes)
            .copy_from_slice(plane.bytes);
        return;
    }
    for y in 0..plane.rows {
        let start = place.offset + y * place.stride;
        view.slice(start..start + plane.row_bytes)
            .copy_from_slice(plane.row(y));
    }
}

fn copy_plane(
    encoder: &mut wgpu::CommandEncoder,
    staging: &wgpu::Buffer,
    place: &PlacedPlane,
    texture: &wgpu::Texture,
) {
    encoder.copy_buffer_to_texture(
        wgpu::TexelCopyBufferInfo {
            buffer: staging,
            layout: wgpu::TexelCopyBufferLayout {
                offset: place.offset as u64,
                bytes_per_row: u32::try_from(place.stride).ok(),
                rows_per_image: None,
            },
        },
        texture.as_image_copy(),
        texture.size(),
    );
}

#[cfg(test)]
mod tests {
    use super::super::test_support;
    use super::*;

    #[test]
    fn an_aligned_plane_keeps_its_stride() {
        assert_eq!(staging_stride(3840, 3840), 3840);
        assert_eq!(staging_stride(1024, 854), 1024);
        assert_eq!(staging_stride(4096, 3840), 4096);
    }

    #[test]
    fn other_strides_are_rounded_up_and_wasteful_ones_packed() {
        assert_eq!(staging_stride(854, 854), 1024);
        assert_eq!(staging_stride(4096, 100), 256);
    }

    #[test]
    fn many_uploads_at_once_share_a_bounded_ring() {
        let ctx = test_support::shared();
        let mut uploader = FrameUploader::new();
        let frame = test_support::gray_frame(PixelFormat::NV12, 1280, 720);
        let mut waits = 0;
        for _ in 0..60 {
            let (report, _) = uploader.upload(&ctx, &frame).unwrap();
            assert_eq!(report.bytes, 1280 * 720 * 3 / 2);
            assert!(uploader.ring.slots.len() <= STAGING_SLOTS_MAX);
            waits += usize::from(report.waited);
        }
        ctx.wait(None).unwrap();
        let ready = |slot: &Slot| slot.state() == SlotState::READY;
        assert!(uploader.ring.slots.iter().all(ready), "{waits} waits");
    }

    #[test]
    fn planes_do_not_overlap_and_start_aligned() {
        let frame = test_support::gray_frame(PixelFormat::YUV420P8, 35, 17);
        let placed = place_planes(&frame);
        assert_eq!(placed.len(), 3);
        for pair in placed.windows(2) {
            assert!(pair[0].offset + pair[0].bytes <= pair[1].offset);
        }
        assert!(placed.iter().all(|place| place.offset % ROW_ALIGN == 0));
    }
}
