//! A window's stand-in in memory.

use crate::media::Size;

use super::budget::Lease;
use super::picture::{bytes_of, extent, read_texture};
use super::{DeviceGeneration, GpuContext, PictureError, RgbaPicture};

/// A texture that is drawn to as if it were a window, so that playing without a display does all that a
/// window does but present.
#[derive(Debug)]
pub struct OffscreenTarget {
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    size: Size,
    generation: DeviceGeneration,
    _lease: Lease,
}

impl OffscreenTarget {
    /// The format that windows have on most systems.
    pub const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Bgra8Unorm;

    /// A target of [`Self::FORMAT`].
    pub fn new(ctx: &GpuContext, size: Size) -> Result<Self, PictureError> {
        Self::with_format(ctx, size, Self::FORMAT)
    }

    /// A target of any 8-bit, four-component format.
    pub fn with_format(
        ctx: &GpuContext,
        size: Size,
        format: wgpu::TextureFormat,
    ) -> Result<Self, PictureError> {
        let lease = ctx.budget().must(bytes_of(size));
        let texture = ctx.checked(|| {
            ctx.device().create_texture(&wgpu::TextureDescriptor {
                label: Some("offscreen"),
                size: extent(size),
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                    | wgpu::TextureUsages::COPY_SRC
                    | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            })
        })?;
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Ok(Self {
            texture,
            view,
            size,
            generation: ctx.generation(),
            _lease: lease,
        })
    }

    /// What to render to.
    pub fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// Its format.
    pub fn format(&self) -> wgpu::TextureFormat {
        self.texture.format()
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// What was drawn, as a person would see it. Waits for the GPU.
    pub fn read_back(&self, ctx: &GpuContext) -> Result<RgbaPicture, PictureError> {
        if self.generation != ctx.generation() {
            return Err(PictureError::OtherDevice);
        }
        read_texture(ctx, &self.texture, self.size)
    }
}
