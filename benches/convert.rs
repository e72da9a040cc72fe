//! CPU conversion and scaling to RGBA8, in one thread.
//!
//! Frames are noise, which is as slow as anything here gets, and several are used in turn, so that
//! sources come from main memory as they do in playback.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jogwheel::convert::{ConvertJob, CpuConverter, Deinterlacer};
use jogwheel::media::{
    ColorInfo, FieldOrder, MatrixCoefficients, Orientation, PixelFormat, Primaries, SampleDepth,
    Size, Subsampling, TransferFunction, VideoFrame,
};

/// Enough for the frames of one size to exceed the last-level cache.
const FRAME_BYTES: u64 = 96 << 20;

fn frame(format: PixelFormat, size: Size, color: ColorInfo, seed: u64) -> VideoFrame {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let high_mask = u8::try_from(format.depth.max_code() >> 8).unwrap_or(u8::MAX);
    let planes: Vec<(Vec<u8>, usize)> = (0..format.plane_count())
        .map(|plane| {
            // The stride that decoders are asked for.
            let stride = format.row_bytes(plane, size).next_multiple_of(256);
            let mut bytes = vec![0; stride * format.plane_size(plane, size).1];
            for (index, byte) in bytes.iter_mut().enumerate() {
                let is_high = format.depth.bytes() == 2 && index % 2 == 1;
                *byte = if is_high {
                    random() & high_mask
                } else {
                    random()
                };
            }
            (bytes, stride)
        })
        .collect();
    VideoFrame {
        fields: FieldOrder::TopFirst,
        ..VideoFrame::from_planes(format, size, color, &planes)
    }
}

struct Case {
    name: &'static str,
    format: PixelFormat,
    from: (u32, u32),
    to: (u32, u32),
    color: ColorInfo,
    orientation: Orientation,
}

fn cases() -> Vec<Case> {
    let ten_bit = SampleDepth::new(10).expect("a valid depth");
    let s422p10 = PixelFormat::planar_yuv(Subsampling::S422, ten_bit);
    let s420p10 = PixelFormat::planar_yuv(Subsampling::S420, ten_bit);
    let pq = ColorInfo {
        transfer: TransferFunction::Pq,
        primaries: Primaries::Bt2020,
        matrix: MatrixCoefficients::Bt2020,
        ..ColorInfo::BT709_LIMITED
    };
    let case = |name, format, from, to| Case {
        name,
        format,
        from,
        to,
        color: ColorInfo::BT709_LIMITED,
        orientation: Orientation::UPRIGHT,
    };
    let (sd, hd) = ((1280, 720), (1920, 1080));
    let (uhd, uhd2) = ((3840, 2160), (7680, 4320));
    vec![
        case("4K 4:2:0 8-bit to 720p", PixelFormat::YUV420P8, uhd, sd),
        case("4K NV12 to 720p", PixelFormat::NV12, uhd, sd),
        case("4K 4:2:2 10-bit to 720p", s422p10, uhd, sd),
        case("1080p to 720p", PixelFormat::YUV420P8, hd, sd),
        case("720p 1:1", PixelFormat::YUV420P8, sd, sd),
        case("8K to 720p", PixelFormat::YUV420P8, uhd2, sd),
        case("720p to 4K", PixelFormat::YUV420P8, sd, uhd),
        Case {
            orientation: Orientation::new(false, 1),
            ..case(
                "4K turned to 720x1280",
                PixelFormat::YUV420P8,
                uhd,
                (720, 1280),
            )
        },
        Case {
            color: pq,
            ..case("4K PQ to 720p", s420p10, uhd, sd)
        },
    ]
}

fn convert(criterion: &mut Criterion) {
    let size = |(width, height)| Size::new(width, height).expect("a valid size");
    let mut group = criterion.benchmark_group("convert");
    for case in cases() {
        let first = frame(case.format, size(case.from), case.color, 0);
        let more = FRAME_BYTES / first.storage.byte_len() as u64;
        let mut frames = vec![first];
        frames.extend(
            (1..=more.min(32)).map(|seed| frame(case.format, size(case.from), case.color, seed)),
        );
        let job = ConvertJob {
            out: size(case.to),
            orientation: case.orientation,
        };
        let stride = job.out.width() as usize * 4;
        let mut out = vec![0; stride * job.out.height() as usize];
        let mut converter = CpuConverter::new(1);
        let mut turn = frames.iter().cycle();
        group.throughput(Throughput::Elements(job.out.area()));
        group.bench_function(BenchmarkId::from_parameter(case.name), |bencher| {
            bencher.iter(|| {
                let frame = turn.next().expect("a cycle never ends");
                converter
                    .convert(frame, &job, &mut out, stride)
                    .expect("it fits");
                black_box(&mut out);
            });
        });
    }
    group.finish();
}

fn deinterlace(criterion: &mut Criterion) {
    let size = Size::new(1920, 1080).expect("a valid size");
    let source = frame(PixelFormat::YUV420P8, size, ColorInfo::BT709_LIMITED, 0);
    let mut deinterlacer = Deinterlacer::new();
    criterion.bench_function("deinterlace 1080i", |bencher| {
        bencher.iter(|| black_box(deinterlacer.deinterlace(&source)));
    });
}

criterion_group!(benches, convert, deinterlace);
criterion_main!(benches);
