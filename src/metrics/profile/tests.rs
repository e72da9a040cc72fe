//! Streams as threads write them, read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use puffin::{FrameData, GlobalProfiler, ScopeDetails, Stream, StreamInfo, ThreadInfo};

use super::bench::{ProfileBench as Bench, Scope};
use super::*;
use crate::time::Moment;

fn rows(thread: &ThreadSpans) -> Vec<(&str, u64, u64, u16)> {
    let row = |span: &'_ Span| (span.start_nanos, span.nanos, span.depth);
    thread
        .spans
        .iter()
        .map(|span| {
            let (start, nanos, depth) = row(span);
            (&*span.name, start, nanos, depth)
        })
        .collect()
}

#[test]
fn nested_scopes_of_two_threads_become_spans() {
    let mut bench = Bench::new(ProfileLimits::default());
    let reduce = Scope("reduce", 1_020, 1_030, vec![]);
    bench.report("decode a.mov", &Scope("decode", 1_000, 1_200, vec![reduce]));
    bench.report("decode a.mov", &Scope("decode", 1_200, 1_400, vec![]));
    let render = Scope(
        "render",
        1_500,
        1_560,
        vec![Scope("draw", 1_510, 1_520, vec![])],
    );
    let present = Scope("present", 1_560, 1_600, vec![]);
    bench.report("main", &Scope("turn", 1_480, 1_620, vec![render, present]));
    bench.turn();

    let frame = bench.log.frame(0).unwrap();
    assert!(frame.is_whole);
    assert_eq!((frame.start_nanos, frame.duration_nanos), (1_000, 620));
    let names: Vec<&str> = frame.threads.iter().map(|thread| &*thread.name).collect();
    assert_eq!(
        names,
        ["main", "decode a.mov"],
        "the presenting thread first"
    );
    assert_eq!(
        rows(&frame.threads[0]),
        [
            ("turn", 480, 140, 0),
            ("render", 500, 60, 1),
            ("draw", 510, 10, 2),
            ("present", 560, 40, 1),
        ]
    );
    assert_eq!(
        rows(&frame.threads[1]),
        [
            ("decode", 0, 200, 0),
            ("reduce", 20, 10, 1),
            ("decode", 200, 200, 0)
        ]
    );
    assert_eq!(frame.span_count(), 7);
    let cost = bench.log.cost(0).unwrap();
    assert_eq!(cost.work_nanos, 140, "the presenting thread's alone");
    assert_eq!(cost.gpu_passes, 0);
}

#[test]
fn scopes_of_real_threads_are_read_with_their_names() {
    fn report(info: ThreadInfo, details: &[ScopeDetails], stream: &puffin::StreamInfoRef<'_>) {
        PROFILER
            .lock()
            .get_or_insert_with(GlobalProfiler::default)
            .report(info, details, stream);
    }
    static PROFILER: Mutex<Option<GlobalProfiler>> = Mutex::new(None);
    fn scoped(outer: &'static str, inner: &'static str) {
        use puffin::ThreadProfiler;
        ThreadProfiler::initialize(puffin::now_ns, report);
        let begin = |name: &'static str| {
            let id =
                ThreadProfiler::call(|own| own.register_named_scope(name, "scoped", "tests.rs", 1));
            ThreadProfiler::call(|own| own.begin_scope(id, ""))
        };
        let outer = begin(outer);
        for _ in 0..2 {
            let inner = begin(inner);
            ThreadProfiler::call(|own| own.end_scope(inner));
        }
        ThreadProfiler::call(|own| own.end_scope(outer));
    }
    for (thread, outer, inner) in [("main", "turn", "render"), ("decode", "step", "demux")] {
        let run = move || scoped(outer, inner);
        let worker = std::thread::Builder::new()
            .name(thread.to_owned())
            .spawn(run);
        worker.unwrap().join().unwrap();
    }
    let delivered = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&delivered);
    let mut profiler = PROFILER.lock().take().unwrap();
    profiler.add_sink(Box::new(move |frame| sink.lock().push(frame)));
    profiler.new_frame();

    let mut log = ProfileLog::new("main", ProfileLimits::default());
    let turn = Turn {
        begun: Moment::ZERO,
        ended: Moment::from_nanos(1),
    };
    log.push(&delivered.lock()[0], turn);
    let frame = log.frames().next().unwrap();
    let found: Vec<(&str, Vec<(&str, u16)>)> = frame
        .threads
        .iter()
        .map(|thread| {
            let spans = thread.spans.iter().map(|span| (&*span.name, span.depth));
            (&*thread.name, spans.collect())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("main", vec![("turn", 0), ("render", 1), ("render", 1)]),
            ("decode", vec![("step", 0), ("demux", 1), ("demux", 1)]),
        ]
    );
    for thread in &frame.threads {
        let [outer, inner @ ..] = thread.spans.as_slice() else {
            panic!("{thread:?}");
        };
        assert!(
            inner
                .iter()
                .all(|span| span.start_nanos >= outer.start_nanos
                    && span.end_nanos() <= outer.end_nanos())
        );
    }
    assert_eq!(
        log.costs().next().unwrap().work_nanos,
        frame.threads[0].spans[0].nanos
    );
}

#[test]
fn a_scope_tells_what_it_worked_on() {
    let mut bench = Bench::new(ProfileLimits::default());
    let id = bench.id("decode");
    let mut stream = Stream::default();
    let (offset, _) = stream.begin_scope(|| 1, id, "a.mov");
    stream.end_scope(offset, 2);
    bench.report_stream("", stream);
    bench.turn();
    let frame = bench.log.frame(0).unwrap();
    assert_eq!(&*frame.threads[0].name, "unnamed thread");
    assert_eq!(&*frame.threads[0].spans[0].name, "decode a.mov");
}

#[test]
fn a_damaged_stream_gives_what_is_before_the_damage() {
    let mut bench = Bench::new(ProfileLimits::default());
    let mut stream = Stream::default();
    bench.write(&mut stream, &Scope("decode", 10, 20, vec![]));
    let id = bench.id("demux");
    let _never_ended = stream.begin_scope(|| 30, id, "");
    let info = ThreadInfo {
        start_time_ns: None,
        name: "decode".to_owned(),
    };
    let damaged = StreamInfo {
        stream,
        num_scopes: 2,
        depth: 1,
        range_ns: (10, 30),
    };
    let frame = FrameData::new(3, BTreeMap::from([(info, damaged)]), Vec::new(), false).unwrap();
    let turn = Turn {
        begun: Moment::ZERO,
        ended: Moment::ZERO,
    };
    bench.log.push(&frame, turn);
    let frame = bench.log.frame(3).unwrap();
    assert!(!frame.is_whole);
    assert_eq!(frame.span_count(), 1);
    assert!(
        frame.threads[0].spans[0].name.starts_with("scope "),
        "its name is not known"
    );
}

#[test]
fn the_oldest_frames_go_when_there_are_too_many() {
    let limits = ProfileLimits {
        frames: 3,
        bytes: usize::MAX,
    };
    let mut bench = Bench::new(limits);
    for turn in 0..8 {
        bench.report("main", &Scope("turn", turn * 10, turn * 10 + 4, vec![]));
        bench.turn();
    }
    let numbers: Vec<(u64, u64)> = bench
        .log
        .costs()
        .map(|cost| (cost.number, cost.ordinal))
        .collect();
    assert_eq!(numbers, [(5, 5), (6, 6), (7, 7)]);
    assert_eq!(bench.log.frame(4), None);
    assert_eq!(bench.log.frame(6).unwrap().start_nanos, 60);
    assert_eq!(bench.log.start_nanos(), Some(50));
    // A frame that comes again is not taken twice.
    let again = FrameData::new(7, BTreeMap::new(), Vec::new(), false);
    assert!(again.is_err(), "an empty frame is none");
}

#[test]
fn the_oldest_frames_go_when_they_take_too_much() {
    let limits = ProfileLimits {
        frames: 600,
        bytes: 10_000,
    };
    let mut bench = Bench::new(limits);
    for turn in 0..40 {
        let inner = (0..20).map(|at| Scope("draw", turn * 100 + at, turn * 100 + at + 1, vec![]));
        bench.report(
            "main",
            &Scope("turn", turn * 100, turn * 100 + 50, inner.collect()),
        );
        bench.turn();
    }
    let (frames, bytes) = (bench.log.costs().len(), bench.log.bytes());
    assert!(
        (1..40).contains(&frames) && bytes <= 10_000,
        "{frames} {bytes}"
    );
    assert!(bytes > 5_000, "as much as there is room for: {bytes}");
    assert_eq!(
        bench.log.costs().next_back().unwrap().number,
        39,
        "the newest stays"
    );

    // One that is too large by itself is not kept either.
    let inner = (0..1_000).map(|at| Scope("draw", 9_000 + at, 9_001 + at, vec![]));
    bench.report("main", &Scope("turn", 9_000, 12_000, inner.collect()));
    bench.turn();
    assert!(bench.log.is_empty());
    assert_eq!(bench.log.bytes(), 0);
}

fn pass(name: &'static str, submitted_nanos: i64, begun_nanos: u64, nanos: u64) -> GpuPass {
    GpuPass {
        name,
        submitted_nanos,
        begun_nanos,
        nanos,
    }
}

#[test]
fn passes_of_the_gpu_join_the_frame_that_submitted_them() {
    let mut bench = Bench::new(ProfileLimits::default());
    for turn in 0..3 {
        let start = 1_000 + turn * 100;
        bench.report("main", &Scope("turn", start, start + 50, vec![]));
        bench.turn();
    }
    // Of a turn before the first, of the second, and of one that is still under way.
    bench.log.push_gpu([
        pass("convert", 10, 1, 1),
        pass("draw", 1_130, 500_060, 20),
        pass("convert", 1_320, 600_000, 9),
        pass("convert", 1_120, 500_000, 40),
    ]);
    let passes: Vec<usize> = bench.log.costs().map(|cost| cost.gpu_passes).collect();
    assert_eq!(passes, [0, 2, 0]);
    let frame = bench.log.frame(1).unwrap();
    let gpu = frame.threads.last().unwrap();
    assert_eq!(&*gpu.name, GPU_THREAD);
    assert_eq!(
        rows(gpu),
        [("convert", 20, 40, 0), ("draw", 80, 20, 0)],
        "the first at its submission, the second as far from it as the GPU's clock says"
    );
    assert_eq!(
        frame.duration_nanos, 100,
        "the frame lasts until the GPU is done"
    );

    bench.report("main", &Scope("turn", 1_300, 1_350, vec![]));
    bench.turn();
    assert_eq!(
        bench.log.cost(3).unwrap().gpu_passes,
        1,
        "it waited for its frame"
    );
    assert_eq!(bench.log.cost(0).unwrap().gpu_passes, 0);
}

#[test]
fn passes_that_overlap_are_put_one_after_the_other() {
    let placed = super::gpu::placed(vec![
        pass("draw", 105, 1_005, 10),
        pass("convert", 100, 1_000, 30),
    ]);
    let starts: Vec<(i64, &str)> = placed
        .iter()
        .map(|(start, pass)| (*start, pass.name))
        .collect();
    assert_eq!(starts, [(100, "convert"), (130, "draw")]);
}
