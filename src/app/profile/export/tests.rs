//! What is exported is read back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::*;
use crate::metrics::profile_bench::{ProfileBench, Scope, TURN_NANOS};
use crate::metrics::{FrameFate, GpuPass, ProfileLimits, StageTimes};
use crate::time::{FrameIndex, Moment};

/// Nanoseconds since 1970: microseconds of them have no room for a fraction in a double.
const EPOCH: i64 = 1_700_000_000_000_000_000;

/// Two turns of 10 ms with two threads and the GPU.
fn log() -> ProfileLog {
    let mut bench = ProfileBench::new(ProfileLimits::default());
    for turn in 0..2_i64 {
        let start = EPOCH + turn * 10_000_000;
        let inner = vec![Scope("draw, \"all\"", start + 1_500, start + 3_001, vec![])];
        bench.report(
            "main",
            &Scope("turn", start + 1_000, start + 9_000_123, inner),
        );
        // It began in the turn before.
        let decode = Scope("decode", start - 4_000_000, start + 2_000_000, vec![]);
        bench.report("decode a.mov", &decode);
        bench.turn();
    }
    // The first pass takes longer than the turn, as far as anybody knows when it began.
    bench.log.push_gpu([0, 1].map(|turn| GpuPass {
        name: "convert",
        submitted_nanos: EPOCH + turn * 10_000_000 + 5_000_000,
        begun_nanos: 0,
        nanos: 12_000_000,
    }));
    bench.log
}

#[test]
fn a_trace_has_every_span_in_microseconds() {
    let mut out = Vec::new();
    write_trace(&mut out, &log(), &[]).unwrap();
    let events: Vec<Value> = serde_json::from_slice(&out).unwrap();
    let threads: BTreeMap<u64, &str> = events
        .iter()
        .filter(|event| event["name"] == "thread_name")
        .map(|event| {
            (
                event["tid"].as_u64().unwrap(),
                event["args"]["name"].as_str().unwrap(),
            )
        })
        .collect();
    let names: BTreeSet<&str> = threads.values().copied().collect();
    assert_eq!(names, ["GPU", "decode a.mov", "main"].into());
    assert_eq!(threads.len(), 3, "a thread has one number in all frames");

    let mut spans: Vec<(&str, &str, f64, f64, u64)> = events
        .iter()
        .filter(|event| event["ph"] == "X")
        .map(|event| {
            let thread = threads[&event["tid"].as_u64().unwrap()];
            assert_eq!(event["pid"], 1);
            let micros = |key: &str| event[key].as_f64().unwrap();
            let frame = event["args"]["frame"].as_u64().unwrap();
            (
                thread,
                event["name"].as_str().unwrap(),
                micros("ts"),
                micros("dur"),
                frame,
            )
        })
        .collect();
    spans.sort_by(|a, b| (a.0, a.4).cmp(&(b.0, b.4)).then(a.2.total_cmp(&b.2)));
    let name = "draw, \"all\"";
    assert_eq!(
        spans,
        [
            ("GPU", "convert", 9_000.0, 12_000.0, 0),
            ("GPU", "convert", 21_000.0, 12_000.0, 1),
            ("decode a.mov", "decode", 0.0, 6_000.0, 0),
            ("decode a.mov", "decode", 10_000.0, 6_000.0, 1),
            ("main", "turn", 4_001.0, 8_999.123, 0),
            ("main", name, 4_001.5, 1.501, 0),
            ("main", "turn", 14_001.0, 8_999.123, 1),
            ("main", name, 14_001.5, 1.501, 1),
        ],
        "counted from the first span of all; the GPU does one thing at a time"
    );
}

#[test]
fn a_table_has_a_line_for_each_span() {
    let mut out = Vec::new();
    write_csv(&mut out, &log()).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines[0], "frame,thread,depth,name,start_ns,duration_ns");
    assert_eq!(lines.len(), 1 + 8);
    assert_eq!(lines[1], "0,\"main\",0,\"turn\",4001000,8999123");
    assert_eq!(lines[2], "0,\"main\",1,\"draw, \"\"all\"\"\",4001500,1501");
    assert_eq!(lines[7], "1,\"decode a.mov\",0,\"decode\",10000000,6000000");
}

#[test]
fn the_own_format_has_frames_threads_and_spans() {
    let mut out = Vec::new();
    write_json(&mut out, &log(), &[]).unwrap();
    let read: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(read["version"], JSON_VERSION);
    let frames = read["frames"].as_array().unwrap();
    assert_eq!(frames.len(), 2);
    let frame = &frames[1];
    assert_eq!(frame["number"], 1);
    assert_eq!(frame["start_ns"], 10_000_000);
    assert_eq!(frame["work_ns"], 8_999_123);
    assert_eq!(frame["duration_ns"], 21_000_000, "until the GPU is done");
    assert_eq!(frame["whole"], true);
    let main = &frame["threads"][0];
    assert_eq!(main["name"], "main");
    let draw = &main["spans"][1];
    assert_eq!(
        (&draw["start_ns"], &draw["duration_ns"], &draw["depth"]),
        (&4_001_500.into(), &1_501.into(), &1.into())
    );
    let spans: usize = frames
        .iter()
        .flat_map(|frame| frame["threads"].as_array().unwrap())
        .map(|thread| thread["spans"].as_array().unwrap().len())
        .sum();
    assert_eq!(spans, 8);
}

#[test]
fn what_became_of_frames_is_told_with_the_turn_that_presented_or_missed_them() {
    let mut stages = StageTimes::NONE;
    stages.set(Stage::Decode, 41_000_000);
    let late = FrameRecord {
        generation: 1,
        ordinal: 0,
        frame: FrameIndex(77),
        fate: FrameFate::Late,
        blame: Some(Stage::Decode),
        due: Moment::from_nanos(TURN_NANOS - 400),
        presented: Some(Moment::from_nanos(TURN_NANOS + 250)),
        stages,
        awaits_gpu: false,
        approximate: true,
    };
    let dropped = FrameRecord {
        frame: FrameIndex(76),
        fate: FrameFate::Dropped,
        blame: None,
        due: Moment::from_nanos(10),
        presented: None,
        approximate: false,
        ..late
    };
    let records = [dropped, late];
    let mut out = Vec::new();
    write_json(&mut out, &log(), &records).unwrap();
    let read: Value = serde_json::from_slice(&out).unwrap();
    let told = |turn: usize| read["frames"][turn]["records"].as_array().unwrap();
    let row = &told(0)[0];
    assert_eq!((told(0).len(), told(1).len()), (1, 1));
    assert_eq!(
        (&row["frame"], &row["fate"]),
        (&76.into(), &"dropped".into())
    );
    assert_eq!(
        (&row["blame"], &row["late_ns"]),
        (&Value::Null, &Value::Null)
    );
    let decode = serde_json::json!({ "decode": 41_000_000 });
    let expected = serde_json::json!({
        "frame": 77, "fate": "late", "blame": "decode", "late_ns": 650, "stands_in": true, "stages_ns": decode,
    });
    assert_eq!(told(1)[0], expected);

    out.clear();
    write_trace(&mut out, &log(), &records).unwrap();
    let events: Vec<Value> = serde_json::from_slice(&out).unwrap();
    let instants: Vec<&Value> = events.iter().filter(|event| event["ph"] == "i").collect();
    assert_eq!(instants.len(), 2);
    assert_eq!(instants[1]["name"], "frame 77 late");
    assert_eq!(instants[1]["args"], expected);
    // From where the presenting thread's turn began, whatever began before on others.
    assert_eq!(
        (&instants[0]["ts"], &instants[1]["ts"]),
        (&4_001.01.into(), &14_001.25.into())
    );
}

#[test]
fn each_export_is_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let log = log();
    let first = folder.path().join("jogwheel-profile-1.json");
    std::fs::write(&first, "somebody's").unwrap();
    for (kind, name) in [
        (ExportKind::Json, "jogwheel-profile-2.json"),
        (ExportKind::Trace, "jogwheel-profile-3.json"),
        (ExportKind::Csv, "jogwheel-profile-1.csv"),
    ] {
        let written = export(&log, &[], kind, folder.path()).unwrap();
        assert_eq!(written, folder.path().join(name));
        assert!(std::fs::metadata(&written).unwrap().len() > 100);
    }
    assert_eq!(std::fs::read_to_string(first).unwrap(), "somebody's");
    assert!(export(&log, &[], ExportKind::Csv, &folder.path().join("none")).is_err());
}

#[test]
fn an_empty_log_is_written_as_such() {
    let log = ProfileLog::new("main", ProfileLimits::default());
    let mut out = Vec::new();
    write_trace(&mut out, &log, &[]).unwrap();
    let events: Vec<Value> = serde_json::from_slice(&out).unwrap();
    assert_eq!(events.len(), 1, "the name of the process");
    out.clear();
    write_json(&mut out, &log, &[]).unwrap();
    let read: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(read["frames"], serde_json::json!([]));
}
