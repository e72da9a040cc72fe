use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::cli::args::{ProbeArgs, TimelineArgs};

fn range(start: i64, count: i64) -> Value {
    let time = |value| json!({"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": value});
    json!({"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(count)})
}

fn clip(name: &str, reference: &Value) -> Value {
    json!({
        "OTIO_SCHEMA": "Clip.1",
        "name": name,
        "source_range": range(0, 12),
        "media_reference": reference,
    })
}

fn file(target: &str) -> Value {
    json!({"OTIO_SCHEMA": "ExternalReference.1", "target_url": target})
}

fn track(kind: &str, children: &[Value]) -> Value {
    json!({"OTIO_SCHEMA": "Track.1", "name": kind, "kind": kind, "children": children})
}

/// A timeline of colour bars, of one missing file used twice, and of `more` other missing ones.
fn write(folder: &Path, more: usize) -> PathBuf {
    let bars = json!({
        "OTIO_SCHEMA": "GeneratorReference.1",
        "generator_kind": "SMPTEBars",
        "parameters": {},
    });
    let gap = json!({"OTIO_SCHEMA": "Gap.1", "source_range": range(0, 24)});
    let mut video = vec![
        clip("bars", &bars),
        gap,
        clip("shot", &file("rushes/shot.mov")),
    ];
    video.extend((0..more).map(|n| clip("more", &file(&format!("rushes/{n}.mov")))));
    let audio = [clip("shot", &file("rushes/shot.mov"))];
    let mut first = track("Video", &video);
    first["markers"] = json!([{
        "OTIO_SCHEMA": "Marker.2",
        "name": "Look",
        "color": "RED",
        "marked_range": range(6, 0),
    }]);
    let timeline = json!({
        "OTIO_SCHEMA": "Timeline.1",
        "name": "Reel",
        "global_start_time": {"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": 86_400},
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "children": [first, track("Audio", &audio)],
        },
    });
    let path = folder.join("cut.otio");
    std::fs::write(&path, timeline.to_string()).unwrap();
    path
}

fn probe(file: PathBuf, timeline: TimelineArgs, json: bool) -> Result<String, CliError> {
    let args = ProbeArgs {
        file,
        timeline,
        json,
        index: false,
    };
    let mut out = Vec::new();
    assert_eq!(super::super::run(&args, &mut out)?, Exit::Ok);
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn people_read_tracks_and_media() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), 0);
    let bytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e3;
    let expected = format!(
        "\
{path}
  Timeline      OpenTimelineIO
  Name          Reel
  Size          {bytes:.1} kB
  Duration      00:00:02.000 (00:00:02:00, 48 frames)
  Rate          24 fps
  Canvas        1920x1080 (not stated: that of the first medium, else 1920x1080)
  Timecode      01:00:00:00
  Clips         3

Tracks, lowest first
  Video 1       2 clips, 1 gap (Video)
  Audio 1       1 clip (Audio)

Media: 2, of which 1 missing
  Missing       shot.mov was not found. Looked in {folder}. Name the folder that it is in: --media-root FOLDER
  Generated     colour bars

Markers: 1
  01:00:00:06   Look (red)
",
        path = path.display(),
        folder = folder.path().display(),
    );
    assert_eq!(
        probe(path, TimelineArgs::default(), false).unwrap(),
        expected
    );
}

#[test]
fn programs_read_all_of_it_under_stable_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), 30);
    let text = probe(path, TimelineArgs::default(), true).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    for (pointer, expected) in [
        ("/kind", json!("timeline")),
        ("/format", json!("otio")),
        ("/name", json!("Reel")),
        ("/duration_s", json!(17.0)),
        ("/duration_timecode", json!("00:00:17:00")),
        ("/frames", json!(408)),
        ("/rate", json!("24/1")),
        ("/canvas/width", json!(1920)),
        ("/canvas_stated", json!(false)),
        ("/start_timecode", json!("01:00:00:00")),
        ("/clips", json!(33)),
        ("/tracks/0/kind", json!("video")),
        ("/tracks/0/clips", json!(32)),
        ("/tracks/0/gaps", json!(1)),
        ("/tracks/0/transitions", json!(0)),
        ("/tracks/1/duration_s", json!(0.5)),
        ("/media/0/state", json!("generated")),
        ("/media/1/state", json!("missing")),
        ("/media/1/uses", json!(2)),
        ("/media/1/missing/why", json!("not_found")),
        ("/media_missing", json!(31)),
        ("/markers/0/frame", json!(6)),
        ("/markers/0/timecode", json!("01:00:00:06")),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(json["media"].as_array().unwrap().len(), 32);
    let looked_in = &json["media"][1]["missing"]["looked_in"];
    assert_eq!(looked_in, &json!([folder.path().to_str().unwrap()]));
}

#[test]
fn long_lists_end_in_a_count() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), 30);
    let text = probe(path, TimelineArgs::default(), false).unwrap();
    assert!(text.contains("Media: 32, of which 31 missing\n"), "{text}");
    assert!(text.contains("  and 12 more; --json lists all\n"), "{text}");
    assert_eq!(text.matches("was not found").count(), 20);
    assert!(!text.contains("colour bars"), "the missing ones come first");
}

#[test]
fn an_edl_needs_its_rate_and_lists_what_it_means_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.edl");
    let edl = "TITLE: CUT\nFCM: NON-DROP FRAME\n\
               001  A001C001 V     C        01:00:00:00 01:00:01:00 01:00:00:00 01:00:01:00\n\
               M2   A001C001       what                01:00:00:00\n\
               002  A002C001 V     C        01:00:00:00 01:00:01:00 01:00:01:00 01:00:02:00\n";
    std::fs::write(&path, edl).unwrap();
    let error = probe(path.clone(), TimelineArgs::default(), true).unwrap_err();
    assert_eq!(error.exit(), Exit::Input);
    assert!(error.to_string().contains("--rate 25"), "{error}");
    assert!(error.json().contains("\"file\""));

    let stated = TimelineArgs {
        rate: Some("25".parse().unwrap()),
        ..TimelineArgs::default()
    };
    let text = probe(path, stated, true).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["format"], "edl");
    assert_eq!(json["frames"], 50);
    assert_eq!(json["cuts"], 1);
    assert_eq!(json["notes"][0]["line"], 4, "{text}");
}

#[test]
fn contents_are_counted_on_all_levels() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), 1);
    let state = TimelineState::open(&path, &TimelineSettings::default()).unwrap();
    let expected = Contents {
        clips: 4,
        gaps: 1,
        transitions: 0,
    };
    assert_eq!(Contents::of(&state.timeline.root), expected);
}
