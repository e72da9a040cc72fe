//! The interface over the picture: egui's shapes, drawn by egui's own renderer.
//!
//! A GPU draws them straight into the window. On a CPU adapter they are drawn into a picture that is kept
//! (`kept`), where they have changed (`tiles`).

mod kept;
mod tiles;

use egui::{ClippedPrimitive, TexturesDelta};
use egui_wgpu::{Renderer, RendererOptions, ScreenDescriptor};

use crate::media::Size;

#[cfg(test)]
pub(super) use self::kept::OVERLAY_WGSL;
use self::kept::{KeptOverlay, Wanted};
use super::{DeviceGeneration, GpuContext, PictureError};

/// Draws egui's output. Made when the overlay is first needed: it compiles a pipeline and uploads a
/// font atlas.
pub struct OverlayPainter {
    renderer: Renderer,
    /// On CPU adapters, where drawing shapes costs more than laying a picture of them over another.
    kept: Option<KeptOverlay>,
    generation: DeviceGeneration,
}

impl std::fmt::Debug for OverlayPainter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OverlayPainter")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

impl OverlayPainter {
    /// A painter for targets of `target_format`. A new one knows none of egui's textures: after a device
    /// loss, egui must send them all again (a fresh `egui::Context`, or its font atlas reset).
    pub fn new(ctx: &GpuContext, target_format: wgpu::TextureFormat) -> Result<Self, PictureError> {
        let is_cpu = ctx.summary().is_cpu;
        let options = RendererOptions {
            // Noise against banding costs a software rasterizer more than the rest of the shader.
            dithering: !is_cpu,
            ..RendererOptions::default()
        };
        let renderer = ctx.checked(|| Renderer::new(ctx.device(), target_format, options))?;
        let kept = if is_cpu {
            Some(KeptOverlay::new(ctx, target_format)?)
        } else {
            None
        };
        Ok(Self {
            renderer,
            kept,
            generation: ctx.generation(),
        })
    }
}

/// One frame of the interface, ready to be drawn over a picture.
#[derive(Debug)]
pub struct Overlay<'a> {
    /// Draws it.
    pub painter: &'a mut OverlayPainter,
    /// Tessellated shapes.
    pub primitives: &'a [ClippedPrimitive],
    /// Number of this interface: the same number stands for the same `primitives`.
    pub edition: u64,
    /// Textures that egui wants made, changed and dropped. Each delta may be given only once.
    pub textures: TexturesDelta,
    /// Size of the window, in pixels.
    pub window: Size,
    /// Window pixels per egui point.
    pub pixels_per_point: f32,
}

impl Overlay<'_> {
    fn screen(&self) -> ScreenDescriptor {
        ScreenDescriptor {
            size_in_pixels: [self.window.width(), self.window.height()],
            pixels_per_point: self.pixels_per_point,
        }
    }

    /// Uploads textures and shapes; answers commands that must be submitted before the pass.
    pub(super) fn prepare(
        &mut self,
        ctx: &GpuContext,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Vec<wgpu::CommandBuffer>, PictureError> {
        // egui's renderer panics when the device refuses it a buffer, so it is never asked to work with
        // a lost one or another one.
        ctx.check_alive()?;
        if self.painter.generation != ctx.generation() {
            return Err(PictureError::OtherDevice);
        }
        let screen = self.screen();
        let renderer = &mut self.painter.renderer;
        let mut replaced = false;
        for (id, deltas) in self.textures.set.drain() {
            for delta in deltas {
                replaced |= delta.is_whole();
                renderer.update_texture(ctx.device(), ctx.queue(), id, &delta);
            }
        }
        if let Some(kept) = &mut self.painter.kept {
            let wanted = Wanted {
                primitives: self.primitives,
                edition: self.edition,
                window: self.window,
                pixels_per_point: self.pixels_per_point,
                replaced,
            };
            return kept.update(ctx, encoder, renderer, &wanted);
        }
        Ok(renderer.update_buffers(ctx.device(), ctx.queue(), encoder, self.primitives, &screen))
    }

    /// Draws the shapes; [`Self::prepare`] must have succeeded.
    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'static>) {
        if let Some(kept) = &self.painter.kept {
            kept.paint(pass);
            return;
        }
        let screen = self.screen();
        self.painter.renderer.render(pass, self.primitives, &screen);
    }

    /// Drops the textures that egui is done with, after the frame was submitted.
    pub(super) fn finish(mut self) {
        for id in self.textures.free.drain() {
            self.painter.renderer.free_texture(&id);
        }
    }
}

impl Drop for Overlay<'_> {
    /// An overlay that could not be drawn takes its deltas with it: the device is lost then, and egui's
    /// textures with it.
    fn drop(&mut self) {
        self.textures.clear();
    }
}
