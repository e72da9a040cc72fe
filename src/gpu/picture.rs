//! A converted picture on the GPU, and pictures read back from it.

use crate::convert::ConvertError;
use crate::media::Size;

use super::budget::Lease;
use super::upload::aligned_row_bytes;
use super::{DeviceGeneration, GpuContext};

/// Why a picture could not be made: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The device is gone.
    #[error("the GPU device was lost; a new one must be opened")]
    DeviceLost,
    /// The device at hand is another one than the handles were made with.
    #[error("the GPU device was replaced; rebuild what was made with the old one")]
    OtherDevice,
    /// The GPU did not answer.
    #[error("the GPU did not answer for {seconds} s; its driver may hang")]
    Hung {
        /// How long it was waited for.
        seconds: u64,
    },
    /// No memory for it.
    #[error("out of graphics memory; close other programs, or play a smaller proxy")]
    OutOfMemory,
    /// The frame is larger than textures can be.
    #[error(
        "a picture of {size} is larger than this GPU takes ({limit} a side); use --convert cpu"
    )]
    TooLargeForTextures {
        /// Size of the frame.
        size: Size,
        /// Longest side of a texture.
        limit: u32,
    },
    /// The frame is larger than buffers can be.
    #[error("a frame of {bytes} bytes is larger than this GPU's buffers; use --convert cpu")]
    TooLarge {
        /// Bytes of the frame.
        bytes: u64,
    },
    /// The driver refused a request.
    #[error("the graphics driver refused: {0}")]
    Rejected(String),
    /// Conversion on the CPU failed.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// There is no picture yet.
    #[error("no picture has been shown yet")]
    Nothing,
}

/// What a picture took on this thread, known at once. GPU times come later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureTimes {
    /// Nanoseconds of conversion; with the GPU, of recording and submitting it.
    pub convert_nanos: u64,
    /// Nanoseconds of copying into staging memory.
    pub upload_nanos: u64,
    /// Whether all staging buffers were in flight, so that the GPU had to be waited for.
    pub waited: bool,
}

impl PictureTimes {
    /// Adds those of another part of the same picture.
    pub(super) fn add(&mut self, other: Self) {
        self.convert_nanos += other.convert_nanos;
        self.upload_nanos += other.upload_nanos;
        self.waited |= other.waited;
    }
}

/// A texture of exactly the size shown, 8 bits a component: R'G'B' encoded for the display, straight
/// alpha.
#[derive(Debug)]
pub struct Picture {
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    size: Size,
    order: ComponentOrder,
    generation: DeviceGeneration,
    _lease: Lease,
}

/// How the components of a pixel stand in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ComponentOrder {
    /// Red first: what compute passes can store.
    Rgba,
    /// Blue first: what most windows have.
    Bgra,
}

impl ComponentOrder {
    /// The texture format.
    pub fn format(self) -> wgpu::TextureFormat {
        match self {
            Self::Rgba => wgpu::TextureFormat::Rgba8Unorm,
            Self::Bgra => wgpu::TextureFormat::Bgra8Unorm,
        }
    }
}

impl Picture {
    /// An empty picture. The components stand in `order`.
    pub fn new(ctx: &GpuContext, size: Size, order: ComponentOrder) -> Result<Self, PictureError> {
        let lease = ctx.budget().must(bytes_of(size));
        Self::with_lease(ctx, size, order, lease)
    }

    /// The same, in memory that has been charged already.
    pub(super) fn with_lease(
        ctx: &GpuContext,
        size: Size,
        order: ComponentOrder,
        lease: Lease,
    ) -> Result<Self, PictureError> {
        let limit = ctx.max_texture_side();
        if size.width().max(size.height()) > limit {
            return Err(PictureError::TooLargeForTextures { size, limit });
        }
        let usage = match order {
            ComponentOrder::Rgba => {
                wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::RENDER_ATTACHMENT
            }
            // Storing to such textures is an optional feature of devices.
            ComponentOrder::Bgra => wgpu::TextureUsages::empty(),
        };
        let texture = ctx.checked(|| {
            ctx.device().create_texture(&wgpu::TextureDescriptor {
                label: Some("picture"),
                size: extent(size),
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: order.format(),
                usage: usage
                    | wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_DST
                    | wgpu::TextureUsages::COPY_SRC,
                view_formats: &[],
            })
        })?;
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Ok(Self {
            texture,
            view,
            size,
            order,
            generation: ctx.generation(),
            _lease: lease,
        })
    }

    /// How its components stand.
    pub fn order(&self) -> ComponentOrder {
        self.order
    }

    /// The texture.
    pub fn texture(&self) -> &wgpu::Texture {
        &self.texture
    }

    /// A view of all of it.
    pub fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    /// `Err` when `ctx` is not the device that this picture lives on.
    pub fn check(&self, ctx: &GpuContext) -> Result<(), PictureError> {
        if self.generation == ctx.generation() {
            Ok(())
        } else {
            Err(PictureError::OtherDevice)
        }
    }

    /// Copies the picture to main memory. Waits for the GPU: for stills and tests.
    pub fn read_back(&self, ctx: &GpuContext) -> Result<RgbaPicture, PictureError> {
        self.check(ctx)?;
        read_texture(ctx, &self.texture, self.size)
    }
}

/// Bytes of a texture of this size with four components of 8 bits.
pub(super) fn bytes_of(size: Size) -> u64 {
    size.area() * 4
}

pub(super) fn extent(size: Size) -> wgpu::Extent3d {
    wgpu::Extent3d {
        width: size.width(),
        height: size.height(),
        depth_or_array_layers: 1,
    }
}

/// A picture in main memory: R, G, B, A a byte each, rows without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbaPicture {
    /// Its size.
    pub size: Size,
    /// `4 * width * height` bytes.
    pub rgba: Vec<u8>,
}

impl RgbaPicture {
    /// The pixel in column `x` and row `y`; `None` outside the picture.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 4]> {
        if x >= self.size.width() || y >= self.size.height() {
            return None;
        }
        let index = y as usize * self.size.width() as usize + x as usize;
        self.rgba.as_chunks::<4>().0.get(index).copied()
    }
}

impl std::fmt::Debug for RgbaPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RgbaPicture({})", self.size)
    }
}

/// Reads an 8-bit, four-component texture of `size`; BGRA comes back as RGBA.
pub(super) fn read_texture(
    ctx: &GpuContext,
    texture: &wgpu::Texture,
    size: Size,
) -> Result<RgbaPicture, PictureError> {
    ctx.check_alive()?;
    let row_bytes = size.width() as usize * 4;
    let stride = aligned_row_bytes(row_bytes);
    let buffer = ctx.checked(|| {
        ctx.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some("read back"),
            size: stride as u64 * u64::from(size.height()),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        })
    })?;
    let mut encoder = ctx
        .device()
        .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: u32::try_from(stride).ok(),
                rows_per_image: None,
            },
        },
        extent(size),
    );
    let submission = ctx.queue().submit([encoder.finish()]);
    // Whether it worked shows when the range is asked for.
    buffer.map_async(wgpu::MapMode::Read, .., |_| {});
    ctx.wait(Some(submission))?;
    let view = buffer
        .get_mapped_range(..)
        .map_err(|error| PictureError::Rejected(error.to_string()))?;
    let mut rgba: Vec<u8> = view
        .chunks(stride)
        .flat_map(|row| &row[..row_bytes])
        .copied()
        .collect();
    if matches!(
        texture.format(),
        wgpu::TextureFormat::Bgra8Unorm | wgpu::TextureFormat::Bgra8UnormSrgb
    ) {
        for pixel in rgba.as_chunks_mut::<4>().0 {
            pixel.swap(0, 2);
        }
    }
    Ok(RgbaPicture { size, rgba })
}
