//! Conversion on the CPU: SIMD code makes the picture, and the GPU only gets to copy it.

use crate::convert::{ConvertError, CpuConverter};

use super::picture::extent;
use super::upload::{StagingLease, StagingRing, aligned_row_bytes};
use super::{
    ComponentOrder, DeviceGeneration, GpuContext, GpuTimer, Picture, PictureConverter,
    PictureError, PictureRequest, PictureTimes,
};

/// Bytes of an RGBA8 pixel.
const PIXEL_BYTES: usize = 4;

/// The SIMD way.
#[derive(Debug)]
pub struct CpuPictureConverter {
    converter: CpuConverter,
    writer: PictureWriter,
}

impl CpuPictureConverter {
    /// A converter that works with up to `threads` threads.
    pub fn new(ctx: &GpuContext, threads: usize) -> Self {
        Self {
            converter: CpuConverter::new(threads),
            writer: PictureWriter::new(ctx),
        }
    }
}

impl PictureConverter for CpuPictureConverter {
    fn convert(
        &mut self,
        ctx: &GpuContext,
        request: &PictureRequest<'_>,
        target: &Picture,
        _timer: &mut GpuTimer,
    ) -> Result<PictureTimes, PictureError> {
        let converter = &mut self.converter;
        self.writer.write(ctx, target, |out, stride| {
            converter.convert(request.frame, &request.job, out, stride)
        })
    }
}

/// Brings pictures that were made in memory to the GPU.
#[derive(Debug)]
pub(super) struct PictureWriter {
    generation: DeviceGeneration,
    ring: StagingRing,
    /// Where the picture is made when staging memory is not fit to work in.
    scratch: Vec<u8>,
}

impl PictureWriter {
    pub(super) fn new(ctx: &GpuContext) -> Self {
        Self {
            generation: ctx.generation(),
            ring: StagingRing::default(),
            scratch: Vec::new(),
        }
    }

    /// Has `paint` make a picture of the target's size, as RGBA with rows that many bytes apart, and
    /// submits the copy of it to the target.
    pub(super) fn write(
        &mut self,
        ctx: &GpuContext,
        target: &Picture,
        paint: impl FnOnce(&mut [u8], usize) -> Result<(), ConvertError>,
    ) -> Result<PictureTimes, PictureError> {
        ctx.check_alive()?;
        target.check(ctx)?;
        if self.generation != ctx.generation() {
            return Err(PictureError::OtherDevice);
        }
        let start = ctx.now();
        let out = target.size();
        let stride = aligned_row_bytes(out.width() as usize * PIXEL_BYTES);
        let bytes = stride * out.height() as usize;
        let lease = self.ring.acquire(ctx, bytes as u64)?;
        let waited = lease.waited;
        let order = target.order();
        let convert_nanos = self.fill(ctx, &lease, bytes, |memory| {
            paint(memory, stride)?;
            reorder(memory, order);
            Ok(())
        })?;

        self.ring.seal(&lease);
        let mut encoder = ctx
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_texture(
            wgpu::TexelCopyBufferInfo {
                buffer: self.ring.buffer(&lease),
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: u32::try_from(stride).ok(),
                    rows_per_image: None,
                },
            },
            target.texture().as_image_copy(),
            extent(out),
        );
        let submission = ctx.queue().submit([encoder.finish()]);
        self.ring.submitted(&lease, submission);
        Ok(PictureTimes {
            convert_nanos,
            upload_nanos: ctx.nanos_since(start).saturating_sub(convert_nanos),
            waited,
        })
    }

    /// Fills a staging buffer and answers the nanoseconds that `paint` took.
    ///
    /// On a CPU adapter staging memory is ordinary memory, and the picture is made right in it. On a
    /// real GPU it may be uncached, where anything but one pass of writes is slow: there the picture
    /// is made in a buffer of its own and copied.
    fn fill(
        &mut self,
        ctx: &GpuContext,
        lease: &StagingLease,
        bytes: usize,
        paint: impl FnOnce(&mut [u8]) -> Result<(), ConvertError>,
    ) -> Result<u64, PictureError> {
        let mut view = self.ring.view(lease, bytes as u64)?;
        let start = ctx.now();
        if ctx.summary().is_cpu {
            let mut mapped = view.slice(..);
            #[expect(unsafe_code, reason = "wgpu hands out mapped memory for writing only")]
            // SAFETY: the view borrows `bytes` bytes of mapped host memory, which wgpu has zeroed, and
            // nothing else refers to them while `view` lives. On a CPU adapter they are ordinary memory.
            let out = unsafe {
                std::slice::from_raw_parts_mut(mapped.as_raw_element_ptr().as_ptr(), bytes)
            };
            paint(out)?;
            return Ok(ctx.nanos_since(start));
        }
        self.scratch.resize(bytes, 0);
        paint(&mut self.scratch)?;
        let nanos = ctx.nanos_since(start);
        view.copy_from_slice(&self.scratch);
        Ok(nanos)
    }
}

/// Turns RGBA into `order`, in place.
fn reorder(pixels: &mut [u8], order: ComponentOrder) {
    if order == ComponentOrder::Rgba {
        return;
    }
    for pixel in pixels.as_chunks_mut::<PIXEL_BYTES>().0 {
        // Whole words, so that the compiler makes SIMD code of it.
        let word = u32::from_le_bytes(*pixel);
        let swapped = (word & 0xFF00_FF00) | (word.rotate_left(16) & 0x00FF_00FF);
        *pixel = swapped.to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_and_blue_change_places() {
        let mut pixels = [1, 2, 3, 4, 250, 251, 252, 253];
        reorder(&mut pixels, ComponentOrder::Rgba);
        assert_eq!(pixels, [1, 2, 3, 4, 250, 251, 252, 253]);
        reorder(&mut pixels, ComponentOrder::Bgra);
        assert_eq!(pixels, [3, 2, 1, 4, 252, 251, 250, 253]);
    }
}
