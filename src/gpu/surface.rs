//! The window's surface: configuring it, getting its textures, presenting them.

use wgpu::CurrentSurfaceTexture as Current;

use crate::media::Size;

use super::budget::Lease;
use super::picture::bytes_of;
use super::{DeviceGeneration, GpuContext};

/// How presenting is paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pacing {
    /// By the display's refresh: for playing in real time.
    #[default]
    Vsync,
    /// Not at all: for measuring how fast pictures can be made.
    Untimed,
}

/// What came of asking for the window's next texture.
#[derive(Debug)]
pub enum Acquired {
    /// Draw into it and present it.
    Frame(SurfaceFrame),
    /// There is nothing to draw to now: the window is hidden, has no size, or the system is busy. Ask
    /// again at the next redraw.
    Skip,
    /// The surface had changed and was set up anew. Ask again at once.
    Reconfigured,
    /// The surface or its device is gone. Drop the [`WindowSurface`] before making another for the same
    /// window, since a window has room for one.
    Lost,
}

/// A texture of the window. Dropped without [`SurfaceFrame::present`], it is discarded.
#[derive(Debug)]
pub struct SurfaceFrame {
    texture: wgpu::SurfaceTexture,
    view: wgpu::TextureView,
}

impl SurfaceFrame {
    /// What to render to.
    pub fn view(&self) -> &wgpu::TextureView {
        &self.view
    }

    /// Shows it. May block until the display takes it, depending on [`Pacing`] and the system.
    pub fn present(self, ctx: &GpuContext) {
        ctx.queue().present(self.texture);
    }
}

/// A window's surface on one device.
#[derive(Debug)]
pub struct WindowSurface {
    surface: wgpu::Surface<'static>,
    generation: DeviceGeneration,
    config: wgpu::SurfaceConfiguration,
    capabilities: wgpu::SurfaceCapabilities,
    /// `None` while the window is minimised.
    size: Option<Size>,
    /// For its textures.
    lease: Option<Lease>,
}

/// Frames queued for the display at most. One would make drawing wait for the display, more than two
/// would only make pictures later.
const FRAME_LATENCY: u32 = 2;

impl WindowSurface {
    /// Sets `surface` up for `ctx`, which must have been opened for it. `None` when they do not go
    /// together. The window may be minimised, its width or height zero.
    pub fn new(
        ctx: &GpuContext,
        surface: wgpu::Surface<'static>,
        width: u32,
        height: u32,
        pacing: Pacing,
    ) -> Option<Self> {
        let capabilities = surface.get_capabilities(ctx.adapter());
        let format = choose_format(&capabilities.formats)?;
        let config = wgpu::SurfaceConfiguration {
            // Where pictures may be copied into the window, they need not be drawn.
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                | (capabilities.usages & wgpu::TextureUsages::COPY_DST),
            format,
            color_space: wgpu::SurfaceColorSpace::Auto,
            width: 1,
            height: 1,
            present_mode: choose_mode(pacing, &capabilities.present_modes),
            desired_maximum_frame_latency: FRAME_LATENCY,
            alpha_mode: wgpu::CompositeAlphaMode::Auto,
            view_formats: Vec::new(),
        };
        let mut window = Self {
            surface,
            generation: ctx.generation(),
            config,
            capabilities,
            size: None,
            lease: None,
        };
        window.resize(ctx, width, height);
        Some(window)
    }

    /// The format of the window's textures.
    pub fn format(&self) -> wgpu::TextureFormat {
        self.config.format
    }

    /// How it presents.
    pub fn present_mode(&self) -> wgpu::PresentMode {
        self.config.present_mode
    }

    /// The window's size in pixels; `None` while it is minimised.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Follows the window's size, in pixels. Zero means minimised.
    pub fn resize(&mut self, ctx: &GpuContext, width: u32, height: u32) {
        let limit = ctx.max_texture_side();
        self.size = Size::new(width.min(limit), height.min(limit));
        self.configure(ctx);
    }

    /// Changes how presenting is paced.
    pub fn set_pacing(&mut self, ctx: &GpuContext, pacing: Pacing) {
        let mode = choose_mode(pacing, &self.capabilities.present_modes);
        if mode != self.config.present_mode {
            self.config.present_mode = mode;
            self.configure(ctx);
        }
    }

    fn configure(&mut self, ctx: &GpuContext) {
        self.lease = None;
        let Some(size) = self.size else { return };
        // One that is seen, and those that wait for it.
        let textures = u64::from(FRAME_LATENCY) + 1;
        self.lease = Some(ctx.budget().must(textures * bytes_of(size)));
        (self.config.width, self.config.height) = (size.width(), size.height());
        if !ctx.is_lost() && self.generation == ctx.generation() {
            self.surface.configure(ctx.device(), &self.config);
        }
    }

    /// The window's next texture. May block until the display frees one.
    pub fn acquire(&mut self, ctx: &GpuContext) -> Acquired {
        if ctx.is_lost() || self.generation != ctx.generation() {
            return Acquired::Lost;
        }
        if self.size.is_none() {
            return Acquired::Skip;
        }
        match self.surface.get_current_texture() {
            // A suboptimal texture still shows; the resize event that explains it is under way.
            Current::Success(texture) | Current::Suboptimal(texture) => {
                let view = texture
                    .texture
                    .create_view(&wgpu::TextureViewDescriptor::default());
                Acquired::Frame(SurfaceFrame { texture, view })
            }
            Current::Timeout | Current::Occluded => Acquired::Skip,
            Current::Outdated => {
                self.configure(ctx);
                Acquired::Reconfigured
            }
            Current::Lost | Current::Validation => Acquired::Lost,
        }
    }
}

/// An 8-bit format that stores what is written. Formats that encode sRGB by themselves come last:
/// egui blends in encoded values, and so does the checkerboard.
fn choose_format(formats: &[wgpu::TextureFormat]) -> Option<wgpu::TextureFormat> {
    use wgpu::TextureFormat::{Bgra8Unorm, Bgra8UnormSrgb, Rgba8Unorm, Rgba8UnormSrgb};
    [Bgra8Unorm, Rgba8Unorm, Bgra8UnormSrgb, Rgba8UnormSrgb]
        .into_iter()
        .find(|format| formats.contains(format))
        .or_else(|| formats.first().copied())
}

fn choose_mode(pacing: Pacing, modes: &[wgpu::PresentMode]) -> wgpu::PresentMode {
    use wgpu::PresentMode::{Fifo, Immediate, Mailbox};
    let preferred = match pacing {
        // Every system has Fifo.
        Pacing::Vsync => return Fifo,
        Pacing::Untimed => [Immediate, Mailbox],
    };
    preferred
        .into_iter()
        .find(|mode| modes.contains(mode))
        .unwrap_or(Fifo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::{PresentMode, TextureFormat};

    #[test]
    fn plain_formats_go_before_encoding_ones() {
        let offered = [TextureFormat::Rgba8UnormSrgb, TextureFormat::Rgba8Unorm];
        assert_eq!(choose_format(&offered), Some(TextureFormat::Rgba8Unorm));
        let encoding = [TextureFormat::Rgba16Float, TextureFormat::Bgra8UnormSrgb];
        assert_eq!(
            choose_format(&encoding),
            Some(TextureFormat::Bgra8UnormSrgb)
        );
        assert_eq!(choose_format(&[]), None);
    }

    #[test]
    fn untimed_takes_the_fastest_mode_there_is() {
        use PresentMode::{Fifo, Immediate, Mailbox};
        assert_eq!(
            choose_mode(Pacing::Untimed, &[Fifo, Mailbox, Immediate]),
            Immediate
        );
        assert_eq!(choose_mode(Pacing::Untimed, &[Fifo, Mailbox]), Mailbox);
        assert_eq!(choose_mode(Pacing::Untimed, &[Fifo]), Fifo);
        assert_eq!(
            choose_mode(Pacing::Vsync, &[Immediate, Mailbox, Fifo]),
            Fifo
        );
    }
}
