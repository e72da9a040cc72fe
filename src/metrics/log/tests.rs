//! The log against scripted runs.

use super::*;
use crate::metrics::StageTimes;

const FRAME: u64 = 40_000_000;

/// Frame `ordinal` of 25 fps, presented when it was due unless it was dropped.
fn record(ordinal: u64, fate: FrameFate, blame: Option<Stage>) -> FrameRecord {
    let due = Moment::from_nanos(1_000_000_000 + ordinal * FRAME);
    FrameRecord {
        generation: 1,
        ordinal,
        frame: FrameIndex(ordinal.cast_signed()),
        fate,
        blame,
        due,
        presented: (fate != FrameFate::Dropped).then_some(due),
        stages: StageTimes::NONE.with(Stage::Decode, 1000 * (ordinal + 1)),
        awaits_gpu: false,
        approximate: false,
    }
}

fn shown(ordinal: u64) -> FrameRecord {
    record(ordinal, FrameFate::Shown, None)
}

#[test]
fn an_even_run_has_even_intervals() {
    let mut log = FrameLog::new(10);
    (0..100).for_each(|ordinal| log.record(shown(ordinal)));
    let summary = log.summary();
    assert_eq!(summary.count(FrameFate::Shown), 100);
    assert_eq!(summary.frames_due(), 100);
    assert_eq!(summary.intervals.count, 99);
    assert_eq!(
        (summary.intervals.p50, summary.intervals.max),
        (FRAME, FRAME)
    );
    assert_eq!(summary.fps, Some(25.0));
    assert_eq!(summary.stage(Stage::Decode).count, 100);
    assert_eq!(summary.stage(Stage::Decode).max, 100_000);
    assert_eq!(summary.stage(Stage::Gpu).count, 0);
}

#[test]
fn fates_are_counted_by_cause() {
    let mut log = FrameLog::new(10);
    log.record(shown(0));
    log.record(record(1, FrameFate::Dropped, Some(Stage::Decode)));
    log.record(record(2, FrameFate::Dropped, Some(Stage::Decode)));
    log.record(record(3, FrameFate::Dropped, Some(Stage::Upload)));
    log.record(record(4, FrameFate::Dropped, None));
    log.record(record(5, FrameFate::Late, Some(Stage::Present)));
    log.record(record(5, FrameFate::Repeated, Some(Stage::Demux)));
    let summary = log.summary();
    assert_eq!(summary.count(FrameFate::Dropped), 4);
    assert_eq!(summary.count_by_cause(FrameFate::Dropped, Stage::Decode), 2);
    assert_eq!(summary.count_by_cause(FrameFate::Dropped, Stage::Upload), 1);
    assert_eq!(summary.count_without_cause(FrameFate::Dropped), 1);
    assert_eq!(summary.count_by_cause(FrameFate::Late, Stage::Present), 1);
    assert_eq!(summary.count_by_cause(FrameFate::Repeated, Stage::Demux), 1);
    assert_eq!(summary.count_by_cause(FrameFate::Late, Stage::Decode), 0);
    assert_eq!(summary.frames_due(), 6);
}

#[test]
fn a_gap_is_one_long_interval_and_a_repetition_does_not_split_it() {
    let mut log = FrameLog::new(10);
    log.record(shown(0));
    let mut repeated = record(0, FrameFate::Repeated, Some(Stage::Decode));
    repeated.presented = Some(Moment::from_nanos(1_000_000_000 + FRAME));
    log.record(repeated);
    log.record(record(1, FrameFate::Dropped, Some(Stage::Decode)));
    log.record(shown(2));
    let summary = log.summary();
    assert_eq!(
        (summary.intervals.count, summary.intervals.max),
        (1, 2 * FRAME)
    );
    assert_eq!(summary.fps, Some(12.5));
}

#[test]
fn pauses_and_seeks_are_no_intervals() {
    let mut log = FrameLog::new(10);
    log.record(shown(0));
    log.interrupt();
    log.record(shown(500));
    log.record(FrameRecord {
        generation: 2,
        ..shown(900)
    });
    assert_eq!(log.summary().intervals.count, 0);
    assert_eq!(log.summary().fps, None);
    log.record(FrameRecord {
        generation: 2,
        ..shown(901)
    });
    assert_eq!(log.summary().intervals.max, FRAME);
}

#[test]
fn drops_count_apart_after_the_first_second() {
    let mut log = FrameLog::new(10);
    // The first frame, though dropped, starts the second; frame 25 is due one second later.
    for ordinal in [0, 1, 24, 25, 26] {
        log.record(record(ordinal, FrameFate::Dropped, Some(Stage::Decode)));
    }
    log.record(record(60, FrameFate::Late, Some(Stage::Decode)));
    let summary = log.summary();
    assert_eq!(summary.count(FrameFate::Dropped), 5);
    assert_eq!(summary.dropped_after_first_second(), 2);
}

#[test]
fn gpu_times_may_come_later() {
    let mut log = FrameLog::new(100);
    for ordinal in 0..5 {
        log.record(FrameRecord {
            awaits_gpu: true,
            ..shown(ordinal)
        });
    }
    assert!(log.gpu_time(1, 2, 7_000));
    assert!(!log.gpu_time(1, 2, 7_000), "a time comes once");
    assert!(!log.gpu_time(2, 3, 7_000), "another generation");
    assert!(!log.gpu_time(1, 9, 7_000), "no such frame");
    let open: Vec<bool> = log.recent().map(|record| record.awaits_gpu).collect();
    assert_eq!(open, [true, true, false, true, true]);
    assert_eq!(
        log.recent().nth(2).unwrap().stages.get(Stage::Gpu),
        Some(7_000)
    );
    assert_eq!(log.summary().stage(Stage::Gpu).count, 1);
}

#[test]
fn a_record_does_not_wait_for_ever() {
    let mut log = FrameLog::new(1);
    log.record(FrameRecord {
        awaits_gpu: true,
        ..shown(0)
    });
    let last = OPEN_RECORDS as u64;
    (1..last).for_each(|ordinal| log.record(shown(ordinal)));
    assert!(log.recent().next().unwrap().awaits_gpu);
    assert_eq!(log.summary().missing_gpu_times(), 0);
    log.record(shown(last));
    assert!(!log.recent().next().unwrap().awaits_gpu);
    assert_eq!(log.summary().missing_gpu_times(), 1);
    assert!(!log.gpu_time(1, 0, 5));
    assert_eq!(log.summary().stage(Stage::Gpu).count, 0);
}

#[test]
fn it_keeps_the_latest_without_growing() {
    let mut log = FrameLog::new(50);
    let capacity = log.recent.capacity();
    (0..1000).for_each(|ordinal| log.record(shown(ordinal)));
    let kept: Vec<u64> = log.recent().map(|record| record.ordinal).collect();
    assert_eq!(kept, (950..1000).collect::<Vec<_>>());
    assert_eq!(log.recent.capacity(), capacity);
    assert_eq!(log.summary().count(FrameFate::Shown), 1000);
}

#[test]
fn clearing_starts_anew() {
    let mut log = FrameLog::new(50);
    (0..100).for_each(|ordinal| log.record(record(ordinal, FrameFate::Dropped, Some(Stage::Gpu))));
    log.clear();
    assert_eq!(log.summary(), FrameLog::new(50).summary());
    assert_eq!(log.recent().len(), 0);
    log.record(record(100, FrameFate::Dropped, None));
    assert_eq!(log.summary().dropped_after_first_second(), 0);
}

#[test]
fn first_frames_after_cuts_are_counted_by_themselves() {
    let mut log = FrameLog::new(10);
    log.watch_cuts([FrameIndex(3), FrameIndex(7)].into());
    for ordinal in 0..7 {
        log.record(shown(ordinal));
    }
    // The frame before the second cut stays on screen, and the one after it comes late.
    log.record(record(6, FrameFate::Repeated, Some(Stage::Decode)));
    log.record(record(7, FrameFate::Late, Some(Stage::Decode)));
    log.record(record(8, FrameFate::Repeated, Some(Stage::Decode)));
    let at_cuts = FrameFate::ALL.map(|fate| log.summary().count_at_cuts(fate));
    assert_eq!(at_cuts, [1, 1, 1, 0]);
}
