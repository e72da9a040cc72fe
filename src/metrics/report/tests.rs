//! Reports as they are printed and saved.

use std::time::Duration;

use super::*;
use crate::metrics::{Bound, FrameLog, FrameRecord, ProcessSample, ProcessSampler, StageTimes};
use crate::time::{FrameIndex, Moment};

fn latencies(count: u64, p50_ms: f64) -> SeekReport {
    SeekReport {
        count,
        p50_ms,
        p95_ms: p50_ms * 2.0,
        max_ms: p50_ms * 4.0,
    }
}

/// A report in which everything was measured, with round numbers.
#[expect(clippy::too_many_lines, reason = "a list of everything there is")]
pub(crate) fn full_report() -> SoakReport {
    let cause = |fate, stage, count| CauseCount { fate, stage, count };
    SoakReport {
        schema: SoakReport::SCHEMA,
        file: "clip.mp4".to_owned(),
        output: OutputMode::Offscreen,
        untimed: false,
        target_fps: 25.0,
        seconds: 40.0,
        interrupted: false,
        frames: FrameReport {
            at_cuts: None,
            shown: 970,
            approximate: 30,
            repeated: 4,
            late: 20,
            dropped: 10,
            dropped_after_first_second: 7,
            causes: vec![
                cause("repeated", Some("decode"), 4),
                cause("late", Some("present"), 20),
                cause("dropped", Some("demux"), 9),
                cause("dropped", None, 1),
            ],
        },
        interval_ms: Some(Quantiles {
            p50: 40.0,
            p95: 40.5,
            p99: 41.0,
            max: 120.0,
        }),
        achieved_fps: Some(24.5),
        stages: vec![StageReport {
            stage: "decode",
            frames: 1000,
            p50_ms: 21.3,
            p95_ms: 30.12,
            max_ms: 44.0,
        }],
        av_offset: Some(AvOffsetReport {
            frames: 990,
            median_ms: -1.5,
            max_abs_ms: 9.0,
        }),
        process: ProcessReport {
            cpu_seconds: Some(31.25),
            rss_start_bytes: Some(120_000_000),
            rss_peak_bytes: Some(250_000_000),
            rss_end_bytes: Some(249_500_000),
            rss_slope_mb_per_min: Some(0.25),
            threads_start: Some(9),
            threads_end: Some(9),
            open_files_start: Some(20),
            open_files_end: Some(21),
        },
        pool: Some(PoolReport {
            slots_peak: 12,
            bytes_peak: 149_300_000,
            bytes_limit: 512_000_000,
        }),
        cache: Some(CacheReport {
            bytes: 240_000_000,
            bytes_peak: 255_000_000,
            bytes_limit: 256_000_000,
            frames: 20,
            frames_reduced: 3,
            hits: 700,
            misses_never_decoded: 280,
            misses_evicted: 20,
            misses_declined: 3,
        }),
        ring: Some(RingReport {
            capacity: 6,
            fill_mean: 5.75,
        }),
        kept_pictures: Some(KeptReport {
            hits: 30,
            misses_new: 900,
            misses_size: 20,
            misses_room: 40,
            misses_device: 0,
            shortages: 1,
            pictures: 17,
            bytes: 62_668_800,
            bytes_peak: 66_355_200,
            textures_bytes: 75_000_000,
            textures_limit: 67_108_864,
        }),
        disk: Some(DiskReport {
            hits: 3,
            misses: 1,
            stored: 1,
            ..DiskReport::default()
        }),
        seeks: Some(SeekReport {
            count: 100,
            p50_ms: 210.0,
            p95_ms: 480.0,
            max_ms: 610.2,
        }),
        steps_back: Some(StepsBackReport {
            steps: latencies(50, 4.0),
            series: latencies(5, 40.0),
        }),
        moves: Some(MoveReport {
            count: 1_000,
            at_hand: Some(latencies(700, 3.0)),
            near: Some(latencies(200, 9.0)),
            decoded: Some(latencies(60, 110.0)),
            passed_by: 240,
            exact_in_time_percent: 69.5,
            shown_in_time_percent: 91.0,
        }),
        quality: Some(QualityReport {
            mode: "auto",
            switches: 2,
            left_out: 120,
            rungs: vec![
                RungReport {
                    rung: "source",
                    seconds: 30.0,
                },
                RungReport {
                    rung: "source, thinned",
                    seconds: 10.0,
                },
            ],
            last: "decode 12 ms of 40 ms: source".to_owned(),
        }),
        counters: CounterReport {
            damaged_packets: 2,
            pool_overflows: 0,
            foreign_pictures: 1_000,
            repacked_pictures: 0,
            audio_underruns: 1,
            audio_note: Some("The device `USB` is not there; the default one plays.".to_owned()),
        },
        limits: vec![LimitResult {
            name: "max-drop-percent",
            bound: Bound::AtMost,
            limit: 0.5,
            measured: Some(1.0),
            passed: false,
        }],
    }
}

/// A report of a run that showed nothing on a system that tells nothing.
pub(crate) fn bare_report() -> SoakReport {
    SoakReport {
        frames: FrameReport {
            at_cuts: None,
            shown: 0,
            approximate: 0,
            repeated: 0,
            late: 0,
            dropped: 0,
            dropped_after_first_second: 0,
            causes: Vec::new(),
        },
        interval_ms: None,
        achieved_fps: None,
        stages: Vec::new(),
        av_offset: None,
        process: ProcessReport::default(),
        pool: None,
        cache: None,
        ring: None,
        kept_pictures: None,
        disk: None,
        seeks: None,
        steps_back: None,
        moves: None,
        quality: None,
        counters: CounterReport::default(),
        limits: Vec::new(),
        ..full_report()
    }
}

#[test]
fn a_full_report_reads_well() {
    let expected = "\
clip.mp4
40.0 s offscreen, target 25.000 fps

frames      970 shown, 4 repeated, 20 late, 10 dropped (7 after the first second)
            30 stood in for others
causes      4 repeated by decode
            20 late by present
            9 dropped by demux
            1 dropped by an unknown cause
achieved    24.500 fps
interval    p50 40.00 ms, p95 40.50 ms, p99 41.00 ms, max 120.00 ms
stage         frames    p50 ms    p95 ms    max ms
  decode        1000     21.30     30.12     44.00
A/V offset  median -1.50 ms, at most 9.00 ms
processor   31.25 s
memory      120.0 MB at the start, 250.0 MB at the peak, 249.5 MB at the end, +0.25 MB a minute
threads     9 at the start, 9 at the end
open files  20 at the start, 21 at the end
pool        12 slots, 149.3 MB of 512.0 MB at most
cache       255.0 MB of 256.0 MB at most, 20 frames (3 at the size shown), 700 hits, 303 misses (280 never decoded, 20 evicted, 3 declined)
ring        5.8 of 6 frames on average
pictures    30 shown again, 960 made (900 new, 20 another size, 40 had made room), 66.4 MB of 67.1 MB at most
            graphics memory ran out 1 times
disk cache  3 found, 1 not found, 1 kept
seeks       100: p50 210.0 ms, p95 480.0 ms, max 610.2 ms
steps back  50: p50 4.0 ms, p95 8.0 ms, max 16.0 ms
  series    5: p50 40.0 ms, p95 80.0 ms, max 160.0 ms
at hand     700: p50 3.0 ms, p95 6.0 ms, max 12.0 ms
near first  200: p50 9.0 ms, p95 18.0 ms, max 36.0 ms
decoded     60: p50 110.0 ms, p95 220.0 ms, max 440.0 ms
moves       1000, 240 passed by; within 16 ms 69.5 % exactly, 91.0 % at least nearly
quality     auto: source 30.0 s, source, thinned 10.0 s; 2 switches, 120 frames left out
            last decode 12 ms of 40 ms: source
also        2 damaged packets, 1000 in codec memory, 1 sound underruns
sound       The device `USB` is not there; the default one plays.
limits      BROKEN  max-drop-percent: 1.000, at most 0.5
";
    assert_eq!(full_report().to_string(), expected);
    assert!(!full_report().passed());
}

#[test]
fn a_bare_report_leaves_out_what_is_not_known() {
    let report = SoakReport {
        output: OutputMode::Window,
        untimed: true,
        interrupted: true,
        ..bare_report()
    };
    let expected = "\
clip.mp4
40.0 s in a window, target 25.000 fps, untimed, interrupted

frames      0 shown, 0 repeated, 0 late, 0 dropped (0 after the first second)
";
    assert_eq!(report.to_string(), expected);
    assert!(report.passed());
    assert_eq!(
        (
            report.frames.dropped_percent(),
            report.frames.late_percent()
        ),
        (None, None)
    );
}

#[test]
fn the_json_form_keeps_its_names() {
    let json = serde_json::to_value(full_report()).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["output"], "offscreen");
    assert_eq!(json["frames"]["dropped_after_first_second"], 7);
    assert_eq!(json["frames"]["causes"][2]["stage"], "demux");
    assert!(json["frames"]["causes"][3]["stage"].is_null());
    assert_eq!(json["interval_ms"]["p99"], 41.0);
    assert_eq!(json["stages"][0]["p95_ms"], 30.12);
    assert_eq!(json["av_offset"]["max_abs_ms"], 9.0);
    assert_eq!(json["process"]["rss_slope_mb_per_min"], 0.25);
    assert_eq!(json["kept_pictures"]["misses_room"], 40);
    assert_eq!(json["limits"][0]["bound"], "at_most");
    assert_eq!(json["limits"][0]["passed"], false);
    let bare = serde_json::to_value(bare_report()).unwrap();
    assert!(bare["process"]["rss_peak_bytes"].is_null());
}

#[test]
fn a_log_becomes_a_report() {
    let mut log = FrameLog::new(64);
    let mut add = |ordinal: u64, fate, blame| {
        let due = Moment::from_nanos(ordinal * 20_000_000);
        log.record(FrameRecord {
            generation: 0,
            ordinal,
            frame: FrameIndex(0),
            fate,
            blame,
            due,
            presented: (fate != FrameFate::Dropped).then_some(due),
            stages: StageTimes::NONE.with(Stage::Upload, 3_000_000),
            awaits_gpu: false,
            approximate: false,
        });
    };
    add(0, FrameFate::Shown, None);
    add(1, FrameFate::Late, Some(Stage::Gpu));
    add(2, FrameFate::Dropped, Some(Stage::Audio));
    add(3, FrameFate::Dropped, None);
    let summary = log.summary();
    let frames = FrameReport::from_summary(&summary);
    assert_eq!(
        (frames.shown, frames.late, frames.dropped, frames.due()),
        (1, 1, 2, 4)
    );
    assert_eq!(
        (frames.late_percent(), frames.dropped_percent()),
        (Some(25.0), Some(50.0))
    );
    let causes: Vec<_> = frames
        .causes
        .iter()
        .map(|cause| (cause.fate, cause.stage, cause.count))
        .collect();
    let expected = [
        ("late", Some("gpu"), 1),
        ("dropped", Some("audio"), 1),
        ("dropped", None, 1),
    ];
    assert_eq!(causes, expected);
    let stages = StageReport::list_from_summary(&summary);
    assert_eq!(stages.len(), 1);
    assert_eq!(
        (stages[0].stage, stages[0].frames, stages[0].max_ms),
        ("upload", 4, 3.0)
    );
    let interval = Quantiles::millis_from_nanos(&summary.intervals).unwrap();
    assert_eq!((interval.p50, interval.max), (20.0, 20.0));
}

#[test]
fn histograms_become_reports_only_with_values() {
    assert_eq!(AvOffsetReport::from_nanos(&SignedHistogram::new()), None);
    assert_eq!(SeekReport::from_nanos(&Histogram::new()), None);
    assert_eq!(
        Quantiles::millis_from_nanos(&HistogramSummary::default()),
        None
    );
    let mut offsets = SignedHistogram::new();
    for offset in [-8_000_000, -8_000_000, 2_000_000] {
        offsets.record(offset);
    }
    let report = AvOffsetReport::from_nanos(&offsets).unwrap();
    assert_eq!(
        (report.frames, report.median_ms, report.max_abs_ms),
        (3, -8.0, 8.0)
    );
    let mut latencies = Histogram::new();
    latencies.record(250_000_000);
    let report = SeekReport::from_nanos(&latencies).unwrap();
    assert_eq!(
        (report.count, report.p50_ms, report.max_ms),
        (1, 250.0, 250.0)
    );
}

#[test]
fn process_numbers_keep_their_units() {
    let sample = ProcessSample {
        rss_bytes: Some(1_000),
        rss_peak_bytes: Some(5_000),
        cpu_nanos: Some(2_500_000_000),
        threads: Some(3),
        open_files: None,
    };
    let report = ProcessReport::from_summary(&ProcessSummary {
        first: sample,
        last: ProcessSample {
            threads: Some(4),
            ..sample
        },
        rss_peak_bytes: Some(5_000),
        rss_slope: Some(1e6),
    });
    assert_eq!(report.cpu_seconds, Some(2.5));
    assert_eq!(report.rss_slope_mb_per_min, Some(60.0));
    assert_eq!(
        (report.threads_start, report.threads_end),
        (Some(3), Some(4))
    );
    assert_eq!(
        (report.rss_start_bytes, report.rss_peak_bytes),
        (Some(1_000), Some(5_000))
    );
    assert_eq!(report.open_files_end, None);
    // And from this very process, as the soak does it.
    let sampler = ProcessSampler::new(Moment::ZERO, Duration::ZERO);
    let live = ProcessReport::from_summary(&sampler.summary());
    assert_eq!(live.rss_start_bytes.is_some(), cfg!(target_os = "linux"));
}
