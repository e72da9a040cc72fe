//! What the panel computes, and the panel driven by the names of its controls.

mod controls;

use super::axis::{Axis, Window};
use super::intervals::{Percentiles, classes};
use super::rows::{MOST_BOXES, Row, Rows, SpanBox, boxes, boxes_of, in_view};
use super::search::Found;
use super::{details, ruler, strip};
use crate::metrics::profile_bench::{ProfileBench, Scope, TURN_NANOS};
use crate::metrics::{
    FrameFate, FrameLog, FrameRecord, ProfileFrame, ProfileLimits, ProfileLog, Span, Stage,
    StageTimes,
};
use crate::time::{FrameIndex, Moment};

/// Turns that take so many microseconds each, with a `render` in the middle third.
pub(in crate::ui) fn log_of(micros: &[i64]) -> ProfileLog {
    let mut bench = ProfileBench::new(ProfileLimits::default());
    for (turn, micros) in (0_i64..).zip(micros) {
        let (begin, took) = (turn * 1_000_000_000, micros * 1_000);
        let render = Scope("render", begin + took / 3, begin + took / 3 * 2, vec![]);
        bench.report("main", &Scope("turn", begin, begin + took, vec![render]));
        let decode = Scope("decode", begin, begin + took / 2, vec![]);
        bench.report("decode a.mov", &decode);
        bench.turn();
    }
    bench.log
}

fn span(name: &str, start_nanos: u64, nanos: u64, depth: u16) -> Span {
    Span {
        name: name.into(),
        start_nanos,
        nanos,
        depth,
    }
}

fn frame_of(threads: Vec<Vec<Span>>) -> ProfileFrame {
    let ends = threads.iter().flatten().map(Span::end_nanos);
    ProfileFrame {
        number: 1,
        start_nanos: 0,
        duration_nanos: ends.max().unwrap_or(0),
        threads: threads
            .into_iter()
            .map(|spans| crate::metrics::ThreadSpans {
                name: "thread".into(),
                since_nanos: None,
                spans,
            })
            .collect(),
        is_whole: true,
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1.0)
}

#[test]
fn the_axis_maps_time_to_places_and_back() {
    let axis = Axis {
        left: 100.0,
        width: 800.0,
        window: Window {
            start_nanos: 4_000.0,
            nanos: 16_000.0,
        },
    };
    assert!(close(axis.x_of(4_000.0).into(), 100.0));
    assert!(close(axis.x_of(12_000.0).into(), 500.0));
    assert!(close(axis.x_of(20_000.0).into(), 900.0));
    for x in [100.0, 250.0, 899.0_f32] {
        assert!(close(axis.x_of(axis.nanos_at(x)).into(), x.into()), "{x}");
    }
    let far = axis.x_of(1e15);
    assert!(
        (900.0..=2_000.0).contains(&far),
        "{far} is out of view, but not out of range"
    );
}

#[test]
fn zooming_keeps_the_moment_under_the_pointer() {
    let whole = Window::whole(1_000_000);
    let near = whole.zoomed(0.25, 600_000.0, 1_000_000);
    assert!(close(near.nanos, 250_000.0));
    let share = |window: Window| (600_000.0 - window.start_nanos) / window.nanos;
    assert!(close(share(near), share(whole)), "{near:?}");
    assert_eq!(
        near.zoomed(100.0, 600_000.0, 1_000_000),
        whole,
        "no farther than the frame"
    );
    let nearest = near.zoomed(1e-9, 600_000.0, 1_000_000);
    assert!(
        nearest.nanos >= 100.0 && nearest.start_nanos > 500_000.0,
        "{nearest:?}"
    );

    let right = near.moved(10.0, 1_000_000);
    assert!(
        close(right.start_nanos, 750_000.0),
        "moving ends at the end: {right:?}"
    );
    assert!(close(right.moved(-0.5, 1_000_000).start_nanos, 625_000.0));
    assert!(close(right.moved(-10.0, 1_000_000).start_nanos, 0.0));

    let around = Window::around(500_000, 100_000, 1_000_000);
    assert!(around.start_nanos < 500_000.0 && around.start_nanos + around.nanos > 600_000.0);
    assert!(around.nanos < 120_000.0, "{around:?}");
    assert_eq!(Window::around(0, 1_000_000, 1_000_000), whole);
}

#[test]
fn spans_are_put_into_rows_by_depth() {
    let frame = frame_of(vec![
        vec![
            span("turn", 0, 100, 0),
            span("render", 10, 30, 1),
            span("draw", 12, 3, 2),
            span("present", 50, 40, 1),
            span("turn", 120, 20, 0),
        ],
        vec![],
    ]);
    let rows = Rows::of(&frame);
    assert_eq!(rows.threads[0].depths, [vec![0, 4], vec![1, 3], vec![2]]);
    assert_eq!(rows.threads[0].busy_nanos, 120);
    assert!(rows.threads[1].depths.is_empty());
}

/// A hundred points that show the first thousand nanoseconds.
const AXIS: Axis = Axis {
    left: 0.0,
    width: 100.0,
    window: Window {
        start_nanos: 0.0,
        nanos: 1_000.0,
    },
};

fn boxes_in(spans: &[Span], finest: f32, found: &dyn Fn(u32) -> bool) -> Vec<SpanBox> {
    let row: Vec<u32> = (0..u32::try_from(spans.len()).unwrap()).collect();
    let mut out = Vec::new();
    boxes_of(spans, &row, &AXIS, finest, found, &mut out);
    out
}

#[test]
fn narrow_spans_that_are_close_share_a_box() {
    let spans = [
        span("wide", 0, 100, 0),
        span("narrow", 100, 4, 0),
        span("narrow", 105, 4, 0),
        span("narrow", 111, 4, 0),
        span("far", 200, 4, 0),
        span("wide", 300, 100, 0),
        span("beyond", 2_000, 100, 0),
    ];
    let boxes = boxes_in(&spans, 1.0, &|index| index == 2);
    let places: Vec<_> = boxes.iter().map(|span| span.places.clone()).collect();
    assert_eq!(
        places,
        [0..1, 1..4, 4..5, 5..6],
        "what is out of view is not painted"
    );
    let found: Vec<bool> = boxes.iter().map(|span| span.is_found).collect();
    assert_eq!(
        found,
        [false, true, false, false],
        "a box is found with one of its spans"
    );
    assert!(
        close((boxes[2].right - boxes[2].left).into(), 1.0),
        "a point at least"
    );
    assert!(boxes.is_sorted_by(|a, b| a.right <= b.left));
    assert_eq!(in_view(&spans, &[0, 1, 2, 3, 4, 5, 6], &AXIS), 0..6);
}

#[test]
fn whatever_a_frame_holds_few_boxes_are_painted() {
    // Spans of every width, so close that at no width all of them melt into one.
    let thread = |seed: u64| {
        let mut start = seed;
        let spans = (0..30_000_u64).map(|index| {
            let nanos = 5 + (index * 7_919 + seed) % 90;
            let own = span("decode", start, nanos, 0);
            start += nanos + 1 + index % 40;
            own
        });
        spans.collect()
    };
    let frame = frame_of((0..12).map(thread).collect());
    let rows = Rows::of(&frame);
    let visible: Vec<Row> = (0..12).map(|thread| (thread, 0)).collect();
    let no = |_: Row, _: u32| false;
    for nanos in [1e3, 1e4, 1e5, 2e6] {
        let axis = Axis {
            left: 0.0,
            width: 3_840.0,
            window: Window {
                start_nanos: 0.0,
                nanos,
            },
        };
        let painted = boxes(&frame, &rows, &visible, &axis, &no);
        assert!(
            (12..=MOST_BOXES).contains(&painted.len()),
            "{nanos}: {}",
            painted.len()
        );
        // Every span in view is in one box.
        for thread in 0..12 {
            let own = painted.iter().filter(|(row, _)| row.0 == thread);
            let places: Vec<usize> = own.flat_map(|(_, span)| span.places.clone()).collect();
            let indices = &rows.threads[thread].depths[0];
            let expected = in_view(&frame.threads[thread].spans, indices, &axis);
            assert_eq!(places, expected.collect::<Vec<_>>(), "{nanos}");
        }
    }
}

#[test]
fn a_search_counts_spans_and_their_time_once() {
    let frame = frame_of(vec![
        vec![
            span("turn", 0, 100, 0),
            span("Decode a.mov", 10, 50, 1),
            span("decode", 20, 10, 2),
            span("present", 70, 20, 1),
            span("decode", 110, 7, 0),
        ],
        vec![span("decode", 0, 1_000, 0), span("demux", 1, 2, 1)],
    ]);
    let found = Found::search(&frame, " decode ");
    assert_eq!((found.count, found.nanos), (4, 50 + 7 + 1_000));
    assert!(found.is_search());
    let held: Vec<u32> = (0..5).filter(|index| found.holds(0, *index)).collect();
    assert_eq!(held, [1, 2, 4]);
    assert!(
        !found.holds(1, 1) && !found.holds(2, 0),
        "another name, and no thread"
    );

    let nothing = Found::search(&frame, "upload");
    assert_eq!((nothing.count, nothing.nanos), (0, 0));
    assert!(nothing.is_search());
    assert!(!Found::search(&frame, "  ").is_search());
}

#[test]
fn percentiles_are_intervals_that_there_were() {
    let hundred: Vec<f32> = (1..=100_u8).rev().map(f32::from).collect();
    let of = Percentiles::of(&hundred).unwrap();
    let Percentiles { p50, p95, p99 } = of;
    assert!(
        [(p50, 50.0), (p95, 95.0), (p99, 99.0)]
            .iter()
            .all(|(is, due)| close((*is).into(), *due))
    );
    let one = Percentiles::of(&[41.7]).unwrap();
    assert_eq!((one.p50, one.p95, one.p99), (41.7, 41.7, 41.7));
    assert_eq!(Percentiles::of(&[]), None);
}

#[test]
fn the_histogram_counts_every_interval() {
    let mut millis = vec![41.7_f32; 230];
    millis.extend([40.0, 44.0, 83.0, 900.0]);
    let (least, width, counts) = classes(&millis, 90.0).unwrap();
    assert_eq!(counts.iter().sum::<u32>(), 234);
    assert!(close(least.into(), 40.0));
    assert_eq!(counts[0], 1);
    assert_eq!(counts[31], 1, "what is beyond is in the last class");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a class of the histogram"
    )]
    let usual = ((41.7 - least) / width) as usize;
    assert_eq!(counts[usual], 230);
    assert_eq!(classes(&[], 1.0), None);
    let (_, width, counts) = classes(&[16.7; 5], 16.7).unwrap();
    assert!(
        width > 0.0 && counts[0] == 5,
        "intervals that are all alike"
    );
}

#[test]
fn neighbours_share_a_bar_of_the_slowest() {
    let log = log_of(&[1_000, 9_000, 2_000, 3_000, 1_000]);
    let columns = strip::columns(log.costs(), 2);
    let found: Vec<(u64, u64)> = columns
        .iter()
        .map(|column| (column.place, column.slowest.number))
        .collect();
    assert_eq!(found, [(0, 1), (1, 3), (2, 4)]);
    // Bars are two points wide, the newest at the right end.
    let rect = egui::Rect::from_min_max(egui::pos2(0.0, 0.0), egui::pos2(100.0, 44.0));
    let at = |x| strip::column_at(rect, &columns, x).unwrap().slowest.number;
    assert_eq!([at(99.0), at(97.0), at(95.0), at(3.0)], [4, 3, 1, 1]);
    assert!(strip::column_at(rect, &[], 3.0).is_none());
    assert_eq!(strip::budget_nanos(25.0), Some(40_000_000));
    assert_eq!(
        strip::budget_nanos(-50.0),
        Some(20_000_000),
        "backwards as well"
    );
    assert_eq!(strip::budget_nanos(0.0), None);
}

#[test]
fn the_slowest_frames_come_first() {
    let log = log_of(&[1_000, 9_000, 2_000, 9_000, 500, 4, 5, 6, 7, 8, 9]);
    let numbers: Vec<u64> = details::slowest(&log)
        .iter()
        .map(|cost| cost.number)
        .collect();
    assert_eq!(numbers, [1, 3, 2, 0, 4, 10, 9, 8]);
}

/// A frame of the medium, presented or due at `nanos`.
pub(super) fn record(frame: i64, nanos: u64, fate: FrameFate, blame: Option<Stage>) -> FrameRecord {
    let at = Moment::from_nanos(nanos);
    FrameRecord {
        generation: 1,
        ordinal: 0,
        frame: FrameIndex(frame),
        fate,
        blame,
        due: at,
        presented: (fate != FrameFate::Dropped).then_some(at.offset_nanos(3)),
        stages: StageTimes::NONE.with(Stage::Decode, 4_000_000),
        awaits_gpu: false,
        approximate: false,
    }
}

#[test]
fn records_belong_to_the_turn_that_they_ended_in() {
    let log = log_of(&[1_000; 4]);
    let mut records = FrameLog::new(100);
    let second = TURN_NANOS;
    records.record(record(7, second - 10, FrameFate::Shown, None));
    records.record(record(8, second - 2, FrameFate::Late, Some(Stage::Decode)));
    records.record(record(
        9,
        second + 500,
        FrameFate::Dropped,
        Some(Stage::Upload),
    ));
    records.record(record(10, 2 * second, FrameFate::Shown, None));
    let of = |number| {
        let cost = log.cost(number).unwrap();
        let records = details::records_of(&records, cost);
        records
            .iter()
            .map(|record| record.frame.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(0), [7]);
    assert_eq!(
        of(1),
        [8, 9],
        "presented after it was due, and due but never seen"
    );
    assert_eq!(of(2), [10]);
    assert!(of(3).is_empty());
    let late = record(8, 0, FrameFate::Late, Some(Stage::Decode));
    assert_eq!(details::fate_words(&late), "Frame 8 late, blamed on decode");
}

#[test]
fn marks_of_time_are_round_and_fit() {
    let window = Window {
        start_nanos: 1_300_000.0,
        nanos: 16_000_000.0,
    };
    let marks = ruler::marks(window, 800.0);
    let words: Vec<String> = marks
        .iter()
        .map(|mark| ruler::words(*mark, &marks))
        .collect();
    assert_eq!(
        words,
        [
            "2.0 ms", "4.0 ms", "6.0 ms", "8.0 ms", "10.0 ms", "12.0 ms", "14.0 ms", "16.0 ms"
        ]
    );
    for nanos in [200.0, 7_777.0, 3e5, 4.2e7, 9e9] {
        for width in [10.0, 200.0, 4_000.0] {
            let marks = ruler::marks(
                Window {
                    start_nanos: 5.0,
                    nanos,
                },
                width,
            );
            assert!(
                marks.len() <= 1 + 4_000 / 84,
                "{nanos} {width}: {}",
                marks.len()
            );
            assert!(width < 100.0 || !marks.is_empty(), "{nanos} {width}");
        }
    }
}
