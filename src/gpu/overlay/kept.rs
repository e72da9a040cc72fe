//! The interface as a picture that is kept from frame to frame, for CPU adapters.
//!
//! A software rasterizer takes 2 to 4 ms for the shapes of the transport bar, and ten times that for the
//! performance panel, while the picture beneath changes sixty times a second and they seldom do. So they
//! are drawn into a texture when they have changed, only where they have changed, and that texture
//! is laid over each frame, only where it holds anything.

use egui::ClippedPrimitive;
use egui_wgpu::{Renderer, ScreenDescriptor};

use crate::gpu::budget::Lease;
use crate::gpu::picture::bytes_of;
use crate::gpu::{GpuContext, PictureError};
use crate::media::Size;

use super::tiles::{Area, Tiles, cut};

/// The shader; see it for what it does.
pub(in crate::gpu) const OVERLAY_WGSL: &str = include_str!("../../../shaders/overlay.wgsl");

/// Colours multiplied by their alpha, one above the other, as egui's renderer blends them.
const OVER: wgpu::BlendState = wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING;

/// What the interface looks like, and how it came to.
struct KeptPicture {
    view: wgpu::TextureView,
    bindings: wgpu::BindGroup,
    size: Size,
    /// What is in the texture, and under which number it was given.
    tiles: Option<Tiles>,
    edition: Option<u64>,
    pixels_per_point: f32,
    used: Vec<Area>,
    _lease: Lease,
}

/// Keeps the picture of the interface and lays it over the window.
pub(super) struct KeptOverlay {
    format: wgpu::TextureFormat,
    layout: wgpu::BindGroupLayout,
    lay: wgpu::RenderPipeline,
    wipe: wgpu::RenderPipeline,
    picture: Option<KeptPicture>,
}

/// What the interface should look like.
pub(super) struct Wanted<'a> {
    pub(super) primitives: &'a [ClippedPrimitive],
    /// The same number stands for the same shapes.
    pub(super) edition: u64,
    pub(super) window: Size,
    pub(super) pixels_per_point: f32,
    /// Textures that the shapes show were replaced, so that the same shapes may look different.
    pub(super) replaced: bool,
}

impl KeptOverlay {
    /// For targets of `format`.
    pub(super) fn new(ctx: &GpuContext, format: wgpu::TextureFormat) -> Result<Self, PictureError> {
        ctx.checked(|| {
            let device = ctx.device();
            let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("kept overlay"),
                entries: &[wgpu::BindGroupLayoutEntry {
                    binding: 0,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Texture {
                        sample_type: wgpu::TextureSampleType::Float { filterable: false },
                        view_dimension: wgpu::TextureViewDimension::D2,
                        multisampled: false,
                    },
                    count: None,
                }],
            });
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("kept overlay"),
                source: wgpu::ShaderSource::Wgsl(OVERLAY_WGSL.into()),
            });
            let pipeline = |entry: &'static str, groups, blend| {
                pipeline(device, &module, entry, groups, target(format, blend))
            };
            Self {
                format,
                lay: pipeline("lay", &[Some(&layout)], Some(OVER)),
                wipe: pipeline("wipe", &[], None),
                layout,
                picture: None,
            }
        })
    }

    /// Brings the kept picture up to what is wanted.
    pub(super) fn update(
        &mut self,
        ctx: &GpuContext,
        encoder: &mut wgpu::CommandEncoder,
        renderer: &mut Renderer,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<wgpu::CommandBuffer>, PictureError> {
        if wanted.primitives.is_empty() {
            // Nothing to keep, and its memory is of better use elsewhere.
            self.picture = None;
            return Ok(Vec::new());
        }
        let fits = |picture: &KeptPicture| picture.size == wanted.window;
        let (layout, format) = (&self.layout, self.format);
        let picture = match self.picture.take().filter(fits) {
            Some(picture) => self.picture.insert(picture),
            None => self
                .picture
                .insert(KeptPicture::new(ctx, layout, format, wanted.window)?),
        };
        let same_scale = picture.pixels_per_point.to_bits() == wanted.pixels_per_point.to_bits();
        let same_look = same_scale && !wanted.replaced;
        if picture.edition == Some(wanted.edition) && same_look {
            return Ok(Vec::new());
        }
        let (window, scale) = (wanted.window, wanted.pixels_per_point);
        let tiles = Tiles::of(wanted.primitives, window, scale);
        let before = picture.tiles.take().filter(|_| same_look);
        let changed = tiles.changed(before.as_ref());
        picture.edition = Some(wanted.edition);
        picture.pixels_per_point = scale;
        let is_new = before.is_none();
        if changed.is_empty() && !is_new {
            picture.tiles = Some(tiles);
            return Ok(Vec::new());
        }
        picture.used = tiles.used();
        picture.tiles = Some(tiles);
        let parts = cut(wanted.primitives, &changed, window, scale);
        let screen = ScreenDescriptor {
            size_in_pixels: [window.width(), window.height()],
            pixels_per_point: scale,
        };
        let before = renderer.update_buffers(ctx.device(), ctx.queue(), encoder, &parts, &screen);
        let mut pass = begin_pass(encoder, &picture.view, is_new).forget_lifetime();
        if !is_new {
            pass.set_pipeline(&self.wipe);
            cover(&mut pass, &changed);
        }
        renderer.render(&mut pass, &parts, &screen);
        Ok(before)
    }

    /// Lays the kept picture over what was drawn before in the pass, whose target has the window's size.
    pub(super) fn paint(&self, pass: &mut wgpu::RenderPass<'_>) {
        let Some(picture) = &self.picture else { return };
        let size = picture.size;
        let (width, height) = (size.width() as f32, size.height() as f32);
        pass.set_viewport(0.0, 0.0, width, height, 0.0, 1.0);
        pass.set_pipeline(&self.lay);
        pass.set_bind_group(0, &picture.bindings, &[]);
        cover(pass, &picture.used);
    }
}

impl KeptPicture {
    fn new(
        ctx: &GpuContext,
        layout: &wgpu::BindGroupLayout,
        format: wgpu::TextureFormat,
        size: Size,
    ) -> Result<Self, PictureError> {
        let lease = ctx.budget().must(bytes_of(size));
        ctx.checked(|| {
            let texture = ctx.device().create_texture(&wgpu::TextureDescriptor {
                label: Some("kept overlay"),
                size: wgpu::Extent3d {
                    width: size.width(),
                    height: size.height(),
                    depth_or_array_layers: 1,
                },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                    | wgpu::TextureUsages::TEXTURE_BINDING,
                view_formats: &[],
            });
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            let bindings = ctx.device().create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("kept overlay"),
                layout,
                entries: &[wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(&view),
                }],
            });
            Self {
                view,
                bindings,
                size,
                tiles: None,
                edition: None,
                pixels_per_point: 1.0,
                used: Vec::new(),
                _lease: lease,
            }
        })
    }
}

/// Draws the present pipeline's triangle into each area.
fn cover(pass: &mut wgpu::RenderPass<'_>, areas: &[Area]) {
    for area in areas {
        pass.set_scissor_rect(area.left, area.top, area.width(), area.height());
        pass.draw(0..3, 0..1);
    }
}

fn begin_pass<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    view: &wgpu::TextureView,
    is_new: bool,
) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("kept overlay"),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load: if is_new {
                    wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT)
                } else {
                    wgpu::LoadOp::Load
                },
                store: wgpu::StoreOp::Store,
            },
        })],
        ..Default::default()
    })
}

fn target(format: wgpu::TextureFormat, blend: Option<wgpu::BlendState>) -> wgpu::ColorTargetState {
    wgpu::ColorTargetState {
        format,
        blend,
        write_mask: wgpu::ColorWrites::ALL,
    }
}

fn pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    entry: &str,
    groups: &[Option<&wgpu::BindGroupLayout>],
    target: wgpu::ColorTargetState,
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("kept overlay"),
        bind_group_layouts: groups,
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(entry),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module,
            entry_point: Some("cover"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(target)],
        }),
        multiview_mask: None,
        cache: None,
    })
}
