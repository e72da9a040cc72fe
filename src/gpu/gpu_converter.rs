//! Conversion on the GPU: planes are uploaded as they are, and one compute pass does the rest.

use std::collections::HashMap;

use crate::convert::matrix::sample_shift;
use crate::convert::pipeline::ColorPath;
use crate::media::{ColorModel, PixelFormat, PlaneArrangement, VideoFrame};

use super::job_uniform::{JobUniform, LookupTables};
use super::upload::{FrameUploader, PlaneTextures};
use super::{
    ComponentOrder, DeviceGeneration, GpuContext, GpuTimer, Picture, PictureConverter,
    PictureError, PictureRequest, PictureTimes,
};

/// The shader; see it for what it does.
pub(super) const CONVERT_WGSL: &str = include_str!("../../shaders/convert.wgsl");

/// Invocations of a workgroup along each axis, as in the shader.
const WORKGROUP: u32 = 8;
/// Output pixels an invocation makes along a row, as in the shader.
const RUN: u32 = 4;
/// Planes that the shader can be given.
const PLANES: usize = 4;
/// Bindings: the job, the planes, the tables, the picture.
const TABLES_BINDING: u32 = 5;
const PICTURE_BINDING: u32 = 6;

/// What a pipeline is specialized for: values of the shader's `override` constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Variant([u8; 6]);

impl Variant {
    const NAMES: [&'static str; 6] = [
        "COMPONENTS",
        "SEMI_PLANAR",
        "SAMPLE_SHIFT",
        "HAS_ALPHA",
        "UNSCALED",
        "MANAGED",
    ];

    fn new(format: PixelFormat, unscaled: bool, managed: bool) -> Self {
        let gray = format.model == ColorModel::Gray;
        let semi_planar = format.arrangement == PlaneArrangement::SemiPlanar && !gray;
        Self([
            if gray { 1 } else { 3 },
            u8::from(semi_planar),
            u8::try_from(sample_shift(format)).unwrap_or(0),
            u8::from(format.alpha),
            u8::from(unscaled),
            u8::from(managed),
        ])
    }

    fn constants(self) -> Vec<(&'static str, f64)> {
        Self::NAMES.into_iter().zip(self.0.map(f64::from)).collect()
    }
}

/// Frames after which a lane that none of them came along is dropped, with its memory.
const IDLE_LIMIT: u64 = 240;

/// Textures and staging buffers for frames of a kind.
#[derive(Debug, Default)]
struct Lane {
    uploader: FrameUploader,
    /// The last frame that came along it.
    used: u64,
}

/// The compute way. Pipelines are made when a format first needs them.
#[derive(Debug)]
pub struct GpuConverter {
    generation: DeviceGeneration,
    lanes: Vec<Lane>,
    /// Frames converted.
    frames: u64,
    layout: wgpu::BindGroupLayout,
    pipeline_layout: wgpu::PipelineLayout,
    module: wgpu::ShaderModule,
    pipelines: HashMap<Variant, wgpu::ComputePipeline>,
    uniform: wgpu::Buffer,
    tables: wgpu::Buffer,
    /// What the buffers hold, so that they are written only when something changes.
    written_job: Option<JobUniform>,
    written_path: Option<ColorPath>,
}

impl GpuConverter {
    /// A converter on `ctx`; compiles nothing yet.
    pub fn new(ctx: &GpuContext) -> Result<Self, PictureError> {
        ctx.checked(|| {
            let device = ctx.device();
            let layout = bind_group_layout(device);
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some("convert"),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let buffer = |label, size: usize, usage| {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some(label),
                    size: size as u64,
                    usage: usage | wgpu::BufferUsages::COPY_DST,
                    mapped_at_creation: false,
                })
            };
            Self {
                generation: ctx.generation(),
                lanes: Vec::new(),
                frames: 0,
                module: device.create_shader_module(wgpu::ShaderModuleDescriptor {
                    label: Some("convert"),
                    source: wgpu::ShaderSource::Wgsl(CONVERT_WGSL.into()),
                }),
                uniform: buffer("job", size_of::<JobUniform>(), wgpu::BufferUsages::UNIFORM),
                tables: buffer("tables", LookupTables::BYTES, wgpu::BufferUsages::STORAGE),
                layout,
                pipeline_layout,
                pipelines: HashMap::new(),
                written_job: None,
                written_path: None,
            }
        })
    }

    fn pipeline(
        &mut self,
        ctx: &GpuContext,
        variant: Variant,
    ) -> Result<wgpu::ComputePipeline, PictureError> {
        if let Some(pipeline) = self.pipelines.get(&variant) {
            return Ok(pipeline.clone());
        }
        let pipeline = ctx.checked(|| {
            ctx.device()
                .create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                    label: Some("convert"),
                    layout: Some(&self.pipeline_layout),
                    module: &self.module,
                    entry_point: Some("convert"),
                    compilation_options: wgpu::PipelineCompilationOptions {
                        constants: &variant.constants(),
                        zero_initialize_workgroup_memory: false,
                    },
                    cache: None,
                })
        })?;
        self.pipelines.insert(variant, pipeline.clone());
        Ok(pipeline)
    }

    /// Sees to it that there is a lane of this number, and gives up the memory of idle ones.
    fn take_lane(&mut self, number: usize) {
        self.frames += 1;
        if self.lanes.len() <= number {
            self.lanes.resize_with(number + 1, Lane::default);
        }
        self.lanes[number].used = self.frames;
        for lane in &mut self.lanes {
            if lane.used + IDLE_LIMIT < self.frames {
                lane.uploader = FrameUploader::new();
            }
        }
    }

    /// Brings the buffers up to date; writes take effect before the next submission.
    fn write_parameters(
        &mut self,
        ctx: &GpuContext,
        frame: &VideoFrame,
        job: &JobUniform,
        path: &ColorPath,
    ) {
        if self.written_job.as_ref() != Some(job) {
            ctx.queue()
                .write_buffer(&self.uniform, 0, bytemuck::bytes_of(job));
            self.written_job = Some(*job);
        }
        let ColorPath::Managed(managed) = path else {
            return;
        };
        if self.written_path.as_ref() != Some(path) {
            tracing::debug!(transfer = ?frame.color.transfer, "colour tables made");
            let tables = LookupTables::new(managed);
            ctx.queue()
                .write_buffer(&self.tables, 0, bytemuck::cast_slice(tables.values()));
            self.written_path = Some(*path);
        }
    }

    fn bind(&self, ctx: &GpuContext, planes: &PlaneTextures, target: &Picture) -> wgpu::BindGroup {
        let views = planes.views();
        let mut entries = vec![
            wgpu::BindGroupEntry {
                binding: 0,
                resource: self.uniform.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: TABLES_BINDING,
                resource: self.tables.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: PICTURE_BINDING,
                resource: wgpu::BindingResource::TextureView(target.view()),
            },
        ];
        // Planes that the format lacks are bound to the last one it has, and never read.
        for (binding, plane) in (1..).zip(0..PLANES) {
            let view = &views[plane.min(views.len() - 1)];
            entries.push(wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::TextureView(view),
            });
        }
        ctx.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("convert"),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

impl PictureConverter for GpuConverter {
    fn convert(
        &mut self,
        ctx: &GpuContext,
        request: &PictureRequest<'_>,
        target: &Picture,
        timer: &mut GpuTimer,
    ) -> Result<PictureTimes, PictureError> {
        ctx.check_alive()?;
        target.check(ctx)?;
        if self.generation != ctx.generation() {
            return Err(PictureError::OtherDevice);
        }
        if target.order() != ComponentOrder::Rgba {
            return Err(PictureError::Rejected(
                "compute passes store RGBA only".to_owned(),
            ));
        }
        let start = ctx.now();
        let frame = request.frame;
        let path = ColorPath::new(&frame.color, frame.format);
        let job = JobUniform::new(frame, &request.job, &path);
        let managed = matches!(path, ColorPath::Managed(_));
        let unscaled = request.job.orientation.apply(request.job.out) == frame.size;
        let pipeline = self.pipeline(ctx, Variant::new(frame.format, unscaled, managed))?;
        self.write_parameters(ctx, frame, &job, &path);

        let mut encoder = ctx
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.take_lane(request.lane);
        let uploader = &mut self.lanes[request.lane].uploader;
        let upload = uploader.record(ctx, frame, &mut encoder)?;
        let planes = self.lanes[request.lane].uploader.planes();
        let planes = planes.ok_or(PictureError::OutOfMemory)?;
        let bindings = self.bind(ctx, planes, target);
        let timed = timer.begin(request.token, "convert");
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("convert"),
            timestamp_writes: timed.as_ref().and_then(|timed| timer.compute_writes(timed)),
        });
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bindings, &[]);
        let out = request.job.out;
        pass.dispatch_workgroups(
            out.width().div_ceil(WORKGROUP * RUN),
            out.height().div_ceil(WORKGROUP),
            1,
        );
        drop(pass);
        if let Some(timed) = &timed {
            timer.resolve(&mut encoder, timed);
        }
        let submission = ctx.queue().submit([encoder.finish()]);
        let report = upload.report;
        self.lanes[request.lane]
            .uploader
            .submitted(&upload, submission);
        if let Some(timed) = &timed {
            timer.submitted(timed);
        }
        Ok(PictureTimes {
            convert_nanos: ctx.nanos_since(start).saturating_sub(report.nanos),
            upload_nanos: report.nanos,
            waited: report.waited,
        })
    }
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let buffer = |ty| wgpu::BindingType::Buffer {
        ty,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let plane = wgpu::BindingType::Texture {
        sample_type: wgpu::TextureSampleType::Uint,
        view_dimension: wgpu::TextureViewDimension::D2,
        multisampled: false,
    };
    let picture = wgpu::BindingType::StorageTexture {
        access: wgpu::StorageTextureAccess::WriteOnly,
        format: wgpu::TextureFormat::Rgba8Unorm,
        view_dimension: wgpu::TextureViewDimension::D2,
    };
    let types = [
        buffer(wgpu::BufferBindingType::Uniform),
        plane,
        plane,
        plane,
        plane,
        buffer(wgpu::BufferBindingType::Storage { read_only: true }),
        picture,
    ];
    let entries: Vec<_> = (0..)
        .zip(types)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty,
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("convert"),
        entries: &entries,
    })
}
