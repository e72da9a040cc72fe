//! What it costs to bring frames to the GPU, against a bare copy of the same bytes.
//!
//! `upload` is what a frame needs until its planes are textures and the GPU is done with it: copy into
//! staging memory, submit, wait. `show` is a whole frame of 4K 4:2:0 at 1280x720: conversion, upload,
//! wait. `draw` is a redraw of that picture into a window-sized target.

mod frames;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frames::{frame, size};
use jogwheel::gpu::{
    ConvertChoice, FrameUploader, GpuContext, GpuOptions, OffscreenTarget, Rect, Viewer,
};
use jogwheel::media::{Orientation, PixelFormat, TransferFunction, ViewSettings};

fn uploads(criterion: &mut Criterion, ctx: &GpuContext) {
    for (name, size) in [("4k", size(3840, 2160)), ("8k", size(7680, 4320))] {
        let frame = frame(PixelFormat::NV12, size, 0);
        let bytes = frame.storage.byte_len();
        let mut group = criterion.benchmark_group(format!("upload/{name}"));
        group
            .throughput(Throughput::Bytes(bytes as u64))
            .sample_size(20);

        let mut warm: Vec<Vec<u8>> = (0..2)
            .map(|plane| frame.plane(plane).bytes.to_vec())
            .collect();
        group.bench_function("memcpy", |bencher| {
            bencher.iter(|| {
                for (plane, bytes) in warm.iter_mut().enumerate() {
                    bytes.copy_from_slice(frame.plane(plane).bytes);
                }
                black_box(&mut warm);
            });
        });
        let mut uploader = FrameUploader::new();
        group.bench_function("staged", |bencher| {
            bencher.iter(|| {
                let (_, submission) = uploader.upload(ctx, &frame).expect("an upload");
                ctx.wait(Some(submission)).expect("the device answers");
            });
        });
        group.finish();
    }
}

fn pictures(criterion: &mut Criterion, ctx: &GpuContext) {
    let window = size(1280, 720);
    let mut group = criterion.benchmark_group("show/4k to 720p");
    group.sample_size(20);
    let sdr = frame(PixelFormat::YUV420P8, size(3840, 2160), 0);
    let mut hdr = frame(PixelFormat::YUV420P8, size(3840, 2160), 0);
    hdr.color.transfer = TransferFunction::Pq;
    for (name, frame) in [("sdr", &sdr), ("hdr", &hdr)] {
        for choice in [ConvertChoice::Cpu, ConvertChoice::Gpu] {
            let mut viewer = Viewer::new(ctx, choice, OffscreenTarget::FORMAT).expect("a viewer");
            group.bench_function(format!("{name} {choice:?}"), |bencher| {
                bencher.iter(|| {
                    viewer
                        .show(ctx, frame, Orientation::UPRIGHT, window, 0)
                        .expect("a picture");
                    ctx.wait(None).expect("the device answers");
                });
            });
        }
    }
    group.finish();

    let target = OffscreenTarget::new(ctx, window).expect("a target");
    let viewport = Rect {
        x: 0,
        y: 0,
        size: window,
    };
    let exposed = ViewSettings {
        exposure_stops: 1.0,
        ..ViewSettings::default()
    };
    let mut group = criterion.benchmark_group("draw/720p");
    for (name, choice, settings) in [
        ("copied", ConvertChoice::Cpu, ViewSettings::default()),
        ("drawn", ConvertChoice::Gpu, ViewSettings::default()),
        ("exposed", ConvertChoice::Cpu, exposed),
    ] {
        let mut viewer = Viewer::new(ctx, choice, OffscreenTarget::FORMAT).expect("a viewer");
        viewer
            .show(ctx, &sdr, Orientation::UPRIGHT, window, 0)
            .expect("a picture");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                viewer
                    .render(ctx, target.view(), viewport, &settings, None, None)
                    .expect("a drawn window");
                ctx.wait(None).expect("the device answers");
            });
        });
    }
    group.finish();
}

fn upload(criterion: &mut Criterion) {
    let ctx = GpuContext::headless(&GpuOptions::from_env(None)).expect("a GPU device");
    uploads(criterion, &ctx);
    pictures(criterion, &ctx);
}

criterion_group!(benches, upload);
criterion_main!(benches);
