//! The composer that draws.

use super::super::job_uniform::f32_from;
use super::super::picture::bytes_of;
use super::super::{
    ComponentOrder, DeviceGeneration, GpuContext, GpuTimer, Picture, PictureError, PictureRequest,
    PictureTimes, TimedPass,
};
use super::kept::{IDLE_LIMIT, Still, frame_of};
use super::made::Patterns;
use super::place::{Linear, Sampling};
use super::plan::{ComposePlan, Item, Scene, Source};
use crate::convert::ConvertJob;
use crate::media::Size;
use crate::timeline::Composite;

/// The shader; see it for what it does.
pub(in crate::gpu) const COMPOSE_WGSL: &str = include_str!("../../../shaders/compose.wgsl");

/// Flags of the shader.
const PREMULTIPLIED: u32 = 1;
const EXACT: u32 = 2;
const EDGES: u32 = 4;

/// `struct Layer` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct LayerUniform {
    across: [f32; 4],
    down: [f32; 4],
    edges: [f32; 4],
    mask: [f32; 4],
    middle: [f32; 2],
    weight: f32,
    flags: u32,
    mask_kind: u32,
    padding: [u32; 3],
}

impl LayerUniform {
    fn new(item: &Item, canvas: Size) -> Self {
        let mut flags = match item.source {
            Source::Group(_) => PREMULTIPLIED,
            Source::Frame | Source::Made(_) => 0,
        };
        let (across, down, edges) = match item.sampling {
            Sampling::Exact { left, top } => {
                flags |= EXACT;
                (
                    [0.0, 0.0, f64::from(left)],
                    [0.0, 0.0, f64::from(top)],
                    None,
                )
            }
            Sampling::Free {
                texel_from_pixel: [across, down],
                edges,
            } => (across, down, edges),
        };
        if edges.is_some() {
            flags |= EDGES;
        }
        let row = |[along_x, along_y, first]: Linear| [along_x, along_y, first, 0.0].map(f32_from);
        let [x, y, z] = item.mask.numbers();
        Self {
            across: row(across),
            down: row(down),
            edges: edges.unwrap_or_default().map(f32_from),
            mask: [x, y, z, 0.0],
            middle: [canvas.width() as f32 / 2.0, canvas.height() as f32 / 2.0],
            weight: item.weight,
            flags,
            mask_kind: item.mask.kind(),
            padding: [0; 3],
        }
    }
}

/// What is composed, and where the result goes.
pub(in crate::gpu) struct ComposeJob<'a> {
    pub(in crate::gpu) composite: &'a Composite,
    /// The plan of that composite, for the target's size.
    pub(in crate::gpu) plan: &'a ComposePlan,
    pub(in crate::gpu) target: &'a Picture,
    /// Under which GPU times are reported.
    pub(in crate::gpu) token: u64,
}

/// What a picture that is kept is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The layer of a step.
    Layer(usize),
    /// What is drawn on a scene.
    Scene(usize),
    /// A copy of what lies below on a scene.
    Below(usize),
}

/// A texture that is kept from one composite to the next.
#[derive(Debug)]
struct Kept {
    held_for: Use,
    picture: Picture,
    bindings: wgpu::BindGroup,
    /// The frame in it.
    still: Option<Still>,
    /// The composite that needed it last.
    used: u64,
}

/// Draws composites with one render pass a scene.
///
/// Textures are kept by step and size; what sixty composites in a row did not need is dropped. While the
/// list of steps keeps its shape, nothing is made anew but what wgpu itself makes for a submission.
#[derive(Debug)]
pub(in crate::gpu) struct GpuComposer {
    generation: DeviceGeneration,
    patterns: Patterns,
    kept: Vec<Kept>,
    composites: u64,
    layer_layout: wgpu::BindGroupLayout,
    picture_layout: wgpu::BindGroupLayout,
    over: wgpu::RenderPipeline,
    difference: wgpu::RenderPipeline,
    uniforms: Uniforms,
}

impl GpuComposer {
    /// A composer on `ctx`.
    pub(in crate::gpu) fn new(ctx: &GpuContext) -> Result<Self, PictureError> {
        ctx.checked(|| {
            let device = ctx.device();
            let layer_layout = layout(
                device,
                wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: wgpu::BufferSize::new(size_of::<LayerUniform>() as u64),
                },
            );
            let picture_layout = layout(
                device,
                wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Float { filterable: false },
                    view_dimension: wgpu::TextureViewDimension::D2,
                    multisampled: false,
                },
            );
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some("compose"),
                source: wgpu::ShaderSource::Wgsl(COMPOSE_WGSL.into()),
            });
            let uniforms = Uniforms::new(device, &layer_layout, Uniforms::FIRST_COUNT);
            let layouts = [&layer_layout, &picture_layout, &picture_layout].map(Some);
            Self {
                generation: ctx.generation(),
                patterns: Patterns::default(),
                kept: Vec::new(),
                composites: 0,
                over: pipeline(
                    device,
                    &module,
                    &layouts[..2],
                    "over",
                    Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                ),
                difference: pipeline(device, &module, &layouts, "difference", None),
                layer_layout,
                picture_layout,
                uniforms,
            }
        })
    }

    /// Composes. `convert` has a frame converted into a picture; the number is that of the layer among
    /// those that are converted.
    ///
    /// The work is submitted when this returns, and not waited for.
    pub(in crate::gpu) fn compose(
        &mut self,
        ctx: &GpuContext,
        job: &ComposeJob<'_>,
        timer: &mut GpuTimer,
        mut convert: impl FnMut(
            &PictureRequest<'_>,
            &Picture,
            &mut GpuTimer,
        ) -> Result<PictureTimes, PictureError>,
    ) -> Result<PictureTimes, PictureError> {
        ctx.check_alive()?;
        job.target.check(ctx)?;
        if self.generation != ctx.generation() {
            return Err(PictureError::OtherDevice);
        }
        self.composites += 1;
        let mut times = PictureTimes::default();
        let scenes = job.plan.scenes();
        let mut lane = 0;
        for (index, scene) in scenes.iter().enumerate().filter(|(_, scene)| scene.live) {
            if index + 1 < scenes.len() {
                self.room(ctx, Use::Scene(index), scene.size)?;
            }
            for item in job.plan.items(scene) {
                if let Some(frame) = frame_of(job.composite, item, &mut self.patterns) {
                    let at = self.room(ctx, Use::Layer(item.slot), item.texture)?;
                    let kept = &mut self.kept[at];
                    let known = kept.still.as_ref().is_some_and(|s| s.is(&frame, item));
                    if !known {
                        let request = PictureRequest {
                            frame: &frame,
                            job: ConvertJob {
                                out: item.texture,
                                orientation: item.orientation,
                            },
                            lane,
                            token: job.token,
                        };
                        kept.still = None;
                        times.add(convert(&request, &kept.picture, timer)?);
                        kept.still = Some(Still::new(&frame, item));
                    }
                    lane += 1;
                }
                if item.difference {
                    self.room(ctx, Use::Below(index), scene.size)?;
                }
            }
        }
        let start = ctx.now();
        self.draw(ctx, job, timer);
        let limit = self.composites;
        self.kept.retain(|kept| kept.used + IDLE_LIMIT > limit);
        times.convert_nanos += ctx.nanos_since(start);
        Ok(times)
    }

    /// The place of a texture for this use, made where there is none.
    fn room(&mut self, ctx: &GpuContext, held_for: Use, size: Size) -> Result<usize, PictureError> {
        let used = self.composites;
        let suits = |kept: &Kept| kept.held_for == held_for && kept.picture.size() == size;
        if let Some(at) = self.kept.iter().position(suits) {
            self.kept[at].used = used;
            return Ok(at);
        }
        let lease = ctx.budget().effect(bytes_of(size));
        let picture = Picture::with_lease(ctx, size, ComponentOrder::Rgba, lease)?;
        let bindings = ctx.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layer"),
            layout: &self.picture_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::TextureView(picture.view()),
            }],
        });
        self.kept.push(Kept {
            held_for,
            picture,
            bindings,
            still: None,
            used,
        });
        Ok(self.kept.len() - 1)
    }

    /// What was made room for during this composite.
    fn held(&self, held_for: Use, size: Size) -> Option<&Kept> {
        self.kept
            .iter()
            .find(|kept| kept.held_for == held_for && kept.picture.size() == size)
    }

    fn draw(&mut self, ctx: &GpuContext, job: &ComposeJob<'_>, timer: &mut GpuTimer) {
        let scenes = job.plan.scenes();
        let live = || scenes.iter().enumerate().filter(|(_, scene)| scene.live);
        let layers = live().flat_map(|(_, scene)| {
            let items = job.plan.items(scene).iter();
            items.map(|item| LayerUniform::new(item, scene.size))
        });
        self.uniforms.write(ctx, &self.layer_layout, layers);
        let passes = live().map(|(_, scene)| 1 + differences(job.plan.items(scene)));
        let timed = timer.begin(job.token, "compose");
        let mut recording = Recording {
            encoder: ctx
                .device()
                .create_command_encoder(&wgpu::CommandEncoderDescriptor::default()),
            timer,
            timed: timed.as_ref(),
            passes_left: passes.sum(),
            has_begun: false,
            uniform: 0,
        };
        for (index, scene) in live() {
            let items = job.plan.items(scene);
            let is_last = index + 1 == scenes.len();
            let target = if is_last {
                Some(job.target)
            } else {
                let held = self.held(Use::Scene(index), scene.size);
                held.map(|held| &held.picture)
            };
            if let Some(target) = target {
                self.draw_scene(&mut recording, (index, scene), items, target, is_last);
            }
        }
        let Recording { mut encoder, .. } = recording;
        if let Some(timed) = &timed {
            timer.resolve(&mut encoder, timed);
        }
        ctx.queue().submit([encoder.finish()]);
        if let Some(timed) = &timed {
            timer.submitted(timed);
        }
    }

    /// One pass for all items, interrupted before each that has to know what lies below it.
    fn draw_scene(
        &self,
        recording: &mut Recording<'_>,
        (index, scene): (usize, &Scene),
        items: &[Item],
        target: &Picture,
        is_opaque: bool,
    ) {
        let below = self.held(Use::Below(index), scene.size);
        let mut load = wgpu::LoadOp::Clear(if is_opaque {
            wgpu::Color::BLACK
        } else {
            wgpu::Color::TRANSPARENT
        });
        let mut rest = items;
        let mut interrupts = 0;
        loop {
            let end = rest
                .iter()
                .skip(interrupts)
                .position(|item| item.difference)
                .map_or(rest.len(), |at| at + interrupts);
            let (now, later) = rest.split_at(end);
            let first_uniform = recording.uniform;
            let mut pass = recording.begin_pass(target, load);
            for (number, item) in now.iter().enumerate() {
                let Some(held) = self.texture_of(item) else {
                    continue;
                };
                let clip = item.clip;
                pass.set_pipeline(if item.difference {
                    &self.difference
                } else {
                    &self.over
                });
                let offset = Uniforms::offset(first_uniform + number);
                pass.set_bind_group(0, &self.uniforms.bindings, &[offset]);
                pass.set_bind_group(1, &held.bindings, &[]);
                if let Some(below) = below.filter(|_| item.difference) {
                    pass.set_bind_group(2, &below.bindings, &[]);
                }
                pass.set_scissor_rect(
                    clip.left.cast_unsigned(),
                    clip.top.cast_unsigned(),
                    clip.width(),
                    clip.height(),
                );
                pass.draw(0..3, 0..1);
            }
            drop(pass);
            recording.uniform += now.len();
            if later.is_empty() {
                return;
            }
            if let Some(below) = below {
                recording.encoder.copy_texture_to_texture(
                    target.texture().as_image_copy(),
                    below.picture.texture().as_image_copy(),
                    target.texture().size(),
                );
            }
            rest = later;
            load = wgpu::LoadOp::Load;
            interrupts = 1;
        }
    }

    /// What an item is drawn from.
    fn texture_of(&self, item: &Item) -> Option<&Kept> {
        let held_for = match item.source {
            Source::Group(scene) => Use::Scene(scene),
            Source::Frame | Source::Made(_) => Use::Layer(item.slot),
        };
        self.held(held_for, item.texture)
    }
}

fn differences(items: &[Item]) -> usize {
    items.iter().filter(|item| item.difference).count()
}

/// The passes of a composite while they are recorded.
struct Recording<'a> {
    encoder: wgpu::CommandEncoder,
    timer: &'a GpuTimer,
    /// Begins with the first pass and ends with the last.
    timed: Option<&'a TimedPass>,
    passes_left: usize,
    has_begun: bool,
    /// How many layers have been drawn.
    uniform: usize,
}

impl Recording<'_> {
    fn begin_pass(
        &mut self,
        target: &Picture,
        load: wgpu::LoadOp<wgpu::Color>,
    ) -> wgpu::RenderPass<'_> {
        self.passes_left = self.passes_left.saturating_sub(1);
        let (opens, closes) = (!self.has_begun, self.passes_left == 0);
        self.has_begun = true;
        let timestamp_writes = self
            .timed
            .and_then(|timed| self.timer.render_writes_between(timed, opens, closes));
        self.encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("compose"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: target.view(),
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load,
                    store: wgpu::StoreOp::Store,
                },
            })],
            timestamp_writes,
            ..Default::default()
        })
    }
}

/// One buffer for what the shader is told of the layers of a composite.
#[derive(Debug)]
struct Uniforms {
    buffer: wgpu::Buffer,
    bindings: wgpu::BindGroup,
    bytes: Vec<u8>,
}

impl Uniforms {
    /// Bytes from layer to layer: the least that every device takes.
    const STRIDE: usize = 256;
    /// Layers that there is room for at first.
    const FIRST_COUNT: usize = 16;

    fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, layers: usize) -> Self {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("layers"),
            size: (layers * Self::STRIDE) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layers"),
            layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &buffer,
                    offset: 0,
                    size: wgpu::BufferSize::new(size_of::<LayerUniform>() as u64),
                }),
            }],
        });
        Self {
            buffer,
            bindings,
            bytes: Vec::new(),
        }
    }

    fn offset(layer: usize) -> u32 {
        u32::try_from(layer * Self::STRIDE).unwrap_or(0)
    }

    /// Takes effect before the next submission.
    fn write(
        &mut self,
        ctx: &GpuContext,
        layout: &wgpu::BindGroupLayout,
        layers: impl Iterator<Item = LayerUniform>,
    ) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        for layer in layers {
            bytes.extend_from_slice(bytemuck::bytes_of(&layer));
            bytes.resize(bytes.len().next_multiple_of(Self::STRIDE), 0);
        }
        if bytes.len() as u64 > self.buffer.size() {
            let layers = (bytes.len() / Self::STRIDE).next_power_of_two();
            *self = Self::new(ctx.device(), layout, layers);
        }
        ctx.queue().write_buffer(&self.buffer, 0, &bytes);
        self.bytes = bytes;
    }
}

fn layout(device: &wgpu::Device, ty: wgpu::BindingType) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("compose"),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        }],
    })
}

fn pipeline(
    device: &wgpu::Device,
    module: &wgpu::ShaderModule,
    layouts: &[Option<&wgpu::BindGroupLayout>],
    entry_point: &str,
    blend: Option<wgpu::BlendState>,
) -> wgpu::RenderPipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("compose"),
        bind_group_layouts: layouts,
        immediate_size: 0,
    });
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("compose"),
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
            entry_point: Some(entry_point),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format: ComponentOrder::Rgba.format(),
                blend,
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uniform_has_the_size_of_the_shaders_struct() {
        let module = naga::front::wgsl::parse_str(COMPOSE_WGSL).unwrap();
        let (_, layer) = module
            .types
            .iter()
            .find(|(_, ty)| ty.name.as_deref() == Some("Layer"))
            .expect("the shader declares Layer");
        let naga::TypeInner::Struct { span, .. } = layer.inner else {
            panic!("Layer is a struct")
        };
        assert_eq!(span as usize, size_of::<LayerUniform>());
        assert!(size_of::<LayerUniform>() <= Uniforms::STRIDE);
    }
}
