//! The pipelines that draw a picture into its rectangle of the window.

use std::sync::OnceLock;

use parking_lot::Mutex;

use crate::convert::light;
use crate::media::{TransferFunction, ViewChannel, ViewSettings};

use super::job_uniform::f32_from;
use super::{GpuContext, Picture, PictureError, Placement};

/// The shader; see it for what it does.
pub(super) const PRESENT_WGSL: &str = include_str!("../../shaders/present.wgsl");

/// `struct View` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
struct ViewUniform {
    origin: [f32; 2],
    inverse_size: [f32; 2],
    channel: u32,
    padding: [u32; 3],
    curves: [[f32; 4]; CODES],
}

/// Codes of an 8-bit component. The curves are tables over them, because a software rasterizer takes
/// ten times longer to raise to a power than to look one up.
const CODES: usize = 256;

impl ViewUniform {
    fn new(place: Placement, settings: &ViewSettings) -> Self {
        let channel = match settings.channel {
            ViewChannel::Color => 0,
            ViewChannel::Red => 1,
            ViewChannel::Green => 2,
            ViewChannel::Blue => 3,
            ViewChannel::Alpha => 4,
            ViewChannel::Luma => 5,
        };
        Self {
            origin: [place.x as f32, place.y as f32],
            inverse_size: [
                1.0 / place.size.width() as f32,
                1.0 / place.size.height() as f32,
            ],
            channel,
            padding: [0; 3],
            curves: curves(settings),
        }
    }
}

/// For each code: what is shown for it, its light, and what is shown for light whose square root is
/// that far from 0 to 1.
///
/// Exposure multiplies the light of sRGB (IEC 61966-2-1), gamma bends the signal afterwards.
fn curves(settings: &ViewSettings) -> [[f32; 4]; CODES] {
    let gain = f64::from(settings.exposure_stops).exp2();
    // A gamma of zero or below means nothing; it is kept a little above.
    let bend = 1.0 / f64::from(settings.gamma).max(0.01);
    let shown = |light: f64| light::encode(TransferFunction::Srgb, light * gain).powf(bend);
    let mut curves = [[0.0; 4]; CODES];
    for (entry, code) in curves.iter_mut().zip(0..=u8::MAX) {
        let part = f64::from(code) / 255.0;
        let light = light::linearize(TransferFunction::Srgb, part);
        *entry = [shown(light), light, shown(part * part), 0.0].map(f32_from);
    }
    curves
}

/// What a pipeline is specialized for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Variant {
    exact: bool,
    checker: bool,
    adjust: bool,
}

impl Variant {
    const COUNT: usize = 8;

    fn index(self) -> usize {
        usize::from(self.exact) | usize::from(self.checker) << 1 | usize::from(self.adjust) << 2
    }
}

/// Draws pictures into render passes with targets of one format. Pipelines are compiled when they are
/// first needed: a plain video needs one.
#[derive(Debug)]
pub(super) struct Presenter {
    device: wgpu::Device,
    queue: wgpu::Queue,
    target_format: wgpu::TextureFormat,
    module: wgpu::ShaderModule,
    bind_group_layout: wgpu::BindGroupLayout,
    pipeline_layout: wgpu::PipelineLayout,
    sampler: wgpu::Sampler,
    uniform: wgpu::Buffer,
    pipelines: [OnceLock<wgpu::RenderPipeline>; Variant::COUNT],
    /// What the uniform buffer holds, so that it is written only when something changes.
    written: Mutex<Option<(Placement, ViewSettings)>>,
}

impl Presenter {
    pub(super) fn new(
        ctx: &GpuContext,
        target_format: wgpu::TextureFormat,
    ) -> Result<Self, PictureError> {
        ctx.checked(|| {
            let device = ctx.device();
            let bind_group_layout = bind_group_layout(device);
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("present"),
                bind_group_layouts: &[Some(&bind_group_layout)],
                immediate_size: 0,
            });
            Self {
                target_format,
                module: device.create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some("present"),
                    source: wgpu::ShaderSource::Wgsl(PRESENT_WGSL.into()),
                }),
                bind_group_layout,
                pipeline_layout,
                sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                    label: Some("present"),
                    mag_filter: wgpu::FilterMode::Linear,
                    min_filter: wgpu::FilterMode::Linear,
                    ..Default::default()
                }),
                uniform: device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("view"),
                    size: size_of::<ViewUniform>() as u64,
                    usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                }),
                pipelines: Default::default(),
                written: Mutex::new(None),
                device: device.clone(),
                queue: ctx.queue().clone(),
            }
        })
    }

    /// The format of the targets.
    pub(super) fn target_format(&self) -> wgpu::TextureFormat {
        self.target_format
    }

    /// What binds `picture` to the pipelines.
    pub(super) fn bind(&self, picture: &Picture) -> wgpu::BindGroup {
        self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("present"),
            layout: &self.bind_group_layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: self.uniform.as_entire_binding(),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(picture.view()),
                },
                wgpu::BindGroupEntry {
                    binding: 2,
                    resource: wgpu::BindingResource::Sampler(&self.sampler),
                },
            ],
        })
    }

    /// Draws what is visible of `picture` into the pass's target, which must contain that part.
    ///
    /// The view's numbers are written through the queue, so one submission can hold one view only.
    pub(super) fn draw(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        picture: &Picture,
        bindings: &wgpu::BindGroup,
        has_alpha: bool,
        place: Placement,
        settings: &ViewSettings,
    ) {
        let mut written = self.written.lock();
        if *written != Some((place, *settings)) {
            let uniform = ViewUniform::new(place, settings);
            self.queue
                .write_buffer(&self.uniform, 0, bytemuck::bytes_of(&uniform));
            *written = Some((place, *settings));
        }
        drop(written);
        let variant = Variant {
            exact: place.size == picture.size(),
            checker: has_alpha && settings.channel == ViewChannel::Color,
            adjust: *settings != ViewSettings::default(),
        };
        let seen = place.visible;
        pass.set_pipeline(self.pipeline(variant));
        pass.set_bind_group(0, bindings, &[]);
        pass.set_viewport(
            seen.x as f32,
            seen.y as f32,
            seen.size.width() as f32,
            seen.size.height() as f32,
            0.0,
            1.0,
        );
        pass.set_scissor_rect(seen.x, seen.y, seen.size.width(), seen.size.height());
        pass.draw(0..3, 0..1);
    }

    fn pipeline(&self, variant: Variant) -> &wgpu::RenderPipeline {
        self.pipelines[variant.index()].get_or_init(|| self.create_pipeline(variant))
    }

    fn create_pipeline(&self, variant: Variant) -> wgpu::RenderPipeline {
        let flag = |set| f64::from(u8::from(set));
        let constants = [
            ("EXACT", flag(variant.exact)),
            ("CHECKER", flag(variant.checker)),
            ("ADJUST", flag(variant.adjust)),
            ("TARGET_SRGB", flag(self.target_format.is_srgb())),
        ];
        let options = wgpu::PipelineCompilationOptions {
            constants: &constants,
            zero_initialize_workgroup_memory: false,
        };
        self.device
            .create_render_pipeline(&wgpu::RenderPipelineDescriptor {
                label: Some("present"),
                layout: Some(&self.pipeline_layout),
                vertex: wgpu::VertexState {
                    module: &self.module,
                    entry_point: Some("cover"),
                    compilation_options: options.clone(),
                    buffers: &[],
                },
                primitive: wgpu::PrimitiveState::default(),
                depth_stencil: None,
                multisample: wgpu::MultisampleState::default(),
                fragment: Some(wgpu::FragmentState {
                    module: &self.module,
                    entry_point: Some("present"),
                    compilation_options: options,
                    targets: &[Some(self.target_format.into())],
                }),
                multiview_mask: None,
                cache: None,
            })
    }
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let types = [
        wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
    ];
    let entries: Vec<_> = (0..)
        .zip(types)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("present"),
        entries: &entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_settings_change_no_code() {
        for (entry, code) in curves(&ViewSettings::default()).iter().zip(0..=u8::MAX) {
            assert!(
                (entry[0] * 255.0 - f32::from(code)).abs() < 0.01,
                "{code}: {entry:?}"
            );
        }
    }

    #[test]
    fn the_uniform_has_the_size_of_the_shaders_struct() {
        let module = naga::front::wgsl::parse_str(PRESENT_WGSL).unwrap();
        let (_, view) = module
            .types
            .iter()
            .find(|(_, ty)| ty.name.as_deref() == Some("View"))
            .expect("the shader declares View");
        let naga::TypeInner::Struct { span, .. } = view.inner else {
            panic!("View is a struct")
        };
        assert_eq!(span as usize, size_of::<ViewUniform>());
    }
}
