use crate::gpu::test_support::*;
use crate::gpu::*;
use crate::media::*;

fn cpu() -> f64 { let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime); t.tv_sec as f64*1e3 + t.tv_nsec as f64/1e6 }
fn time(name: &str, n: u32, mut f: impl FnMut()) {
    f(); f();
    let mut all = vec![]; let c = cpu();
    for _ in 0..n { let t = std::time::Instant::now(); f(); all.push(t.elapsed().as_secs_f64()*1e3); }
    let c = (cpu() - c)/f64::from(n);
    all.sort_by(f64::total_cmp);
    println!("{name}: wall best {:.2} ms, median {:.2}; cpu {c:.2}", all[0], all[all.len()/2]);
}

#[test]
fn draws() {
    if std::env::var_os("MEASURE").is_none() { return; }
    let ctx = open(); let d = ctx.device();
    let out = size(1280, 720);
    let target = OffscreenTarget::new(&ctx, out).unwrap();
    let pic = Picture::new(&ctx, out, ComponentOrder::Rgba).unwrap();
    let buf = d.create_buffer(&wgpu::BufferDescriptor{label:None,size:1280*720*4,usage:wgpu::BufferUsages::STORAGE,mapped_at_creation:false});
    let head = "@group(0) @binding(0) var picture: texture_2d<f32>; @group(0) @binding(1) var smp: sampler; @group(0) @binding(2) var<storage,read> words: array<u32>;
@vertex fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> { let corner = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u)); return vec4<f32>(corner * 2.0 - 1.0, 0.0, 1.0); }
@fragment fn present(@builtin(position) p: vec4<f32>) -> @location(0) vec4<f32> {";
    let bgl = d.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor{label:None,entries:&[
        wgpu::BindGroupLayoutEntry{binding:0,visibility:wgpu::ShaderStages::FRAGMENT,ty:wgpu::BindingType::Texture{sample_type:wgpu::TextureSampleType::Float{filterable:true},view_dimension:wgpu::TextureViewDimension::D2,multisampled:false},count:None},
        wgpu::BindGroupLayoutEntry{binding:1,visibility:wgpu::ShaderStages::FRAGMENT,ty:wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),count:None},
        wgpu::BindGroupLayoutEntry{binding:2,visibility:wgpu::ShaderStages::FRAGMENT,ty:wgpu::BindingType::Buffer{ty:wgpu::BufferBindingType::Storage{read_only:true},has_dynamic_offset:false,min_binding_size:None},count:None},
    ]});
    let pl = d.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor{label:None,bind_group_layouts:&[Some(&bgl)],immediate_size:0});
    for lin in [false,true] { 
    let smp = d.create_sampler(&wgpu::SamplerDescriptor{mag_filter: if lin {wgpu::FilterMode::Linear} else {wgpu::FilterMode::Nearest}, min_filter: if lin {wgpu::FilterMode::Linear} else {wgpu::FilterMode::Nearest}, ..Default::default()});
    let bg = d.create_bind_group(&wgpu::BindGroupDescriptor{label:None,layout:&bgl,entries:&[
        wgpu::BindGroupEntry{binding:0,resource:wgpu::BindingResource::TextureView(pic.view())},
        wgpu::BindGroupEntry{binding:1,resource:wgpu::BindingResource::Sampler(&smp)},
        wgpu::BindGroupEntry{binding:2,resource:buf.as_entire_binding()}]});
    for (name, body, trusted) in [("none","",false),("const","return vec4<f32>(0.5);}",false),("load","return textureLoad(picture, vec2<i32>(p.xy), 0);}",false),("load opaque","return vec4<f32>(textureLoad(picture, vec2<i32>(p.xy), 0).rgb,1.0);}",false),("load trusted","return textureLoad(picture, vec2<i32>(p.xy), 0);}",true),
        ("sample","return textureSampleLevel(picture, smp, p.xy*vec2<f32>(1.0/1280.0,1.0/720.0), 0.0);}",false),
        ("sample implicit","return textureSample(picture, smp, p.xy*vec2<f32>(1.0/1280.0,1.0/720.0));}",false),
        ("buffer","return unpack4x8unorm(words[u32(p.y)*1280u+u32(p.x)]);}",true)] {
        let pipe = (!body.is_empty()).then(|| {
            let desc = wgpu::ShaderModuleDescriptor{label:None,source:wgpu::ShaderSource::Wgsl(format!("{head}{body}").into())};
            #[allow(unsafe_code)]
            let m = if trusted { unsafe { d.create_shader_module_trusted(desc, wgpu::ShaderRuntimeChecks::unchecked()) } } else { d.create_shader_module(desc) };
            d.create_render_pipeline(&wgpu::RenderPipelineDescriptor{label:None,layout:Some(&pl),vertex:wgpu::VertexState{module:&m,entry_point:Some("cover"),compilation_options:Default::default(),buffers:&[]},primitive:Default::default(),depth_stencil:None,multisample:Default::default(),fragment:Some(wgpu::FragmentState{module:&m,entry_point:Some("present"),compilation_options:Default::default(),targets:&[Some(OffscreenTarget::FORMAT.into())]}),multiview_mask:None,cache:None})
        });
        time(&format!("{name} lin={lin}"), 60, || {
            let mut e = d.create_command_encoder(&Default::default());
            let mut p = e.begin_render_pass(&wgpu::RenderPassDescriptor{color_attachments:&[Some(wgpu::RenderPassColorAttachment{view:target.view(),depth_slice:None,resolve_target:None,ops:wgpu::Operations{load:wgpu::LoadOp::Clear(wgpu::Color::BLACK),store:wgpu::StoreOp::Store}})],..Default::default()});
            if let Some(pipe) = &pipe { p.set_pipeline(pipe); p.set_bind_group(0,&bg,&[]); p.draw(0..3,0..1); }
            drop(p);
            ctx.queue().submit([e.finish()]); ctx.wait(None).unwrap();
        });
    } }
    let t2 = d.create_texture(&wgpu::TextureDescriptor{label:None,size:wgpu::Extent3d{width:1280,height:720,depth_or_array_layers:1},mip_level_count:1,sample_count:1,dimension:wgpu::TextureDimension::D2,format:wgpu::TextureFormat::Rgba8Unorm,usage:wgpu::TextureUsages::COPY_DST|wgpu::TextureUsages::RENDER_ATTACHMENT,view_formats:&[]});
    time("copy tex", 60, || { let mut e = d.create_command_encoder(&Default::default()); e.copy_texture_to_texture(pic.texture().as_image_copy(), t2.as_image_copy(), t2.size()); ctx.queue().submit([e.finish()]); ctx.wait(None).unwrap(); });
    let b2 = d.create_buffer(&wgpu::BufferDescriptor{label:None,size:1280*720*4,usage:wgpu::BufferUsages::COPY_SRC,mapped_at_creation:false});
    time("copy buf", 60, || { let mut e = d.create_command_encoder(&Default::default()); e.copy_buffer_to_texture(wgpu::TexelCopyBufferInfo{buffer:&b2,layout:wgpu::TexelCopyBufferLayout{offset:0,bytes_per_row:Some(5120),rows_per_image:None}}, t2.as_image_copy(), t2.size()); ctx.queue().submit([e.finish()]); ctx.wait(None).unwrap(); });
    let mut px = vec![7u8; 1280*720*4];
    time("swizzle", 60, || { for p in px.as_chunks_mut::<4>().0 { p.swap(0,2); } std::hint::black_box(&mut px); });
}

#[test]
fn measure() {
    if std::env::var_os("MEASURE").is_none() { return; }
    let t = std::time::Instant::now();
    let ctx = open();
    println!("device {:?} {:?}", t.elapsed(), ctx.summary());
    let t = std::time::Instant::now();
    let out = size(1280, 720);
    let target = OffscreenTarget::new(&ctx, out).unwrap();
    let mut v = Viewer::new(&ctx, ConvertChoice::Cpu, OffscreenTarget::FORMAT).unwrap();
    println!("viewer {:?}", t.elapsed());
    let f4k = gray_frame(PixelFormat::YUV420P8, 3840, 2160);
    let rect = Rect { x: 0, y: 0, size: out };
    let t = std::time::Instant::now();
    v.show(&ctx, &f4k, Orientation::UPRIGHT, out, 0).unwrap();
    println!("first show {:?}", t.elapsed());
    v.render(&ctx, target.view(), rect, &ViewSettings::default(), None, None).unwrap();
    ctx.wait(None).unwrap();
    println!("first show+render {:?}", t.elapsed());
    time("cpu show+wait", 20, || { v.show(&ctx, &f4k, Orientation::UPRIGHT, out, 0).unwrap(); ctx.wait(None).unwrap(); });
    println!("{:?}", v.show(&ctx, &f4k, Orientation::UPRIGHT, out, 0).unwrap());
    time("draw exact", 30, || { v.render(&ctx, target.view(), rect, &ViewSettings::default(), None, None).unwrap(); ctx.wait(None).unwrap(); });
    v.show(&ctx, &f4k, Orientation::UPRIGHT, size(1279, 720), 0).unwrap();
    time("draw smooth", 30, || { v.render(&ctx, target.view(), rect, &ViewSettings::default(), None, None).unwrap(); ctx.wait(None).unwrap(); });
    let t = std::time::Instant::now();
    let mut g = Viewer::new(&ctx, ConvertChoice::Gpu, OffscreenTarget::FORMAT).unwrap();
    g.show(&ctx, &f4k, Orientation::UPRIGHT, out, 0).unwrap(); ctx.wait(None).unwrap();
    println!("first gpu show {:?}", t.elapsed());
    time("gpu 4k->720p", 10, || { g.show(&ctx, &f4k, Orientation::UPRIGHT, out, 0).unwrap(); ctx.wait(None).unwrap(); });
    let p010 = gray_frame(semi_planar(Subsampling::S420, 10), 3840, 2160);
    let hdr = VideoFrame { color: ColorInfo { transfer: TransferFunction::Pq, ..p010.color }, ..p010 };
    time("gpu 4k hdr->720p", 10, || { g.show(&ctx, &hdr, Orientation::UPRIGHT, out, 0).unwrap(); ctx.wait(None).unwrap(); });
    let mut vc = Viewer::new(&ctx, ConvertChoice::Cpu, OffscreenTarget::FORMAT).unwrap();
    time("cpu 4k hdr->720p", 10, || { vc.show(&ctx, &hdr, Orientation::UPRIGHT, out, 0).unwrap(); ctx.wait(None).unwrap(); });
    let f720 = gray_frame(PixelFormat::YUV420P8, 1280, 720);
    time("gpu 720p 1:1", 10, || { g.show(&ctx, &f720, Orientation::UPRIGHT, out, 0).unwrap(); ctx.wait(None).unwrap(); });
    let nv = gray_frame(PixelFormat::NV12, 7680, 4320);
    let src = vec![1u8; 7680*4320*3/2]; let mut dst = vec![0u8; src.len()];
    time("memcpy 8k", 20, || { dst.copy_from_slice(&src); std::hint::black_box(&dst); });
    let mut up = FrameUploader::new();
    time("upload 8k", 20, || { up.upload(&ctx, &nv).unwrap(); ctx.wait(None).unwrap(); });
}
