use std::num::NonZeroU32;

use super::*;
use crate::cli::args::TimelineArgs;
use crate::media::{
    AudioFormat, AudioStream, ChannelLayout, ColorInfo, ContainerInfo, FieldOrder, Orientation,
    OtherStream, PixelFormat, SampleAspect, Size, VideoStream,
};
use crate::time::{FrameRate, MediaSpan, MediaTime, TimeBase, Timecode};

fn report() -> Report {
    let rate = FrameRate::new(30_000, 1001).unwrap();
    let base = TimeBase::new(1, 30_000).unwrap();
    let video = VideoStream {
        id: StreamId(0),
        codec: "h264".to_owned(),
        codec_long: "H.264, High".to_owned(),
        decoder: "h264".to_owned(),
        size: Size::new(1440, 1080).unwrap(),
        sample_aspect: SampleAspect { num: 4, den: 3 },
        orientation: Orientation::new(true, 1),
        format: PixelFormat::YUV420P8,
        source_format: "yuv420p".to_owned(),
        color: ColorInfo {
            guessed: true,
            ..ColorInfo::BT709_LIMITED
        },
        fields: FieldOrder::TopFirst,
        rate,
        time_base: base,
        start: MediaTime::from_flicks(0),
        duration: Some(MediaSpan::from_millis(10_010)),
        frames: Some(300),
        bit_rate: Some(8_000_000),
        timecode: Some(Timecode::parse("01:00:00;02", rate).unwrap()),
        is_still: false,
        is_default: true,
        language: Some("eng".to_owned()),
    };
    let audio = AudioStream {
        id: StreamId(1),
        codec: "aac".to_owned(),
        codec_long: "AAC, LC".to_owned(),
        format: AudioFormat {
            rate: NonZeroU32::new(48_000).unwrap(),
            layout: ChannelLayout::stereo(),
        },
        layout_name: "stereo".to_owned(),
        time_base: TimeBase::new(1, 48_000).unwrap(),
        start: MediaTime::ZERO + MediaSpan::from_millis(-21),
        duration: None,
        bit_rate: None,
        is_default: false,
        language: None,
    };
    let info = MediaInfo {
        path: "clip.mp4".into(),
        container: ContainerInfo {
            format: "mov,mp4".to_owned(),
            format_long: "QuickTime / MOV".to_owned(),
            bytes: 2_494_339,
            duration: Some(MediaSpan::from_millis(3_723_456)),
            start: MediaTime::ZERO,
            bit_rate: Some(999),
            metadata: vec![("title".to_owned(), "Two\nlines".to_owned())],
        },
        video: vec![video],
        audio: vec![audio],
        other: vec![OtherStream {
            id: StreamId(2),
            kind: "data".to_owned(),
            codec: "tmcd".to_owned(),
            reason: "neither pictures nor sound".to_owned(),
        }],
    };
    Report {
        info,
        variable: vec![StreamId(0)],
        indices: Vec::new(),
    }
}

#[test]
fn people_read_aligned_lines() {
    let expected = "\
clip.mp4
  Container     QuickTime / MOV (mov,mp4)
  Size          2.49 MB
  Duration      01:02:03.456
  Timecode      01:00:00;02 (drop-frame)
  Bit rate      999 b/s
  Tags          title: Two
                lines

Video #0, eng, default
  Codec         H.264, High (h264)
  Size          1440x1080, pixels 4:3, mirrored left to right, then turned 90° clockwise, shown as 1080x1920
  Format        4:2:0 8-bit (yuv420p)
  Colour        BT.709 matrix, limited range, BT.709 primaries, BT.1886 transfer, chroma left (guessed where tags are missing)
  Scan          interlaced, top field first
  Rate          29.97 fps (30000/1001) on average: it varies
  Frames        300
  Duration      00:00:10.010
  Timecode      01:00:00;02 (drop-frame)
  Bit rate      8.00 Mb/s
  Decoder       h264

Audio #1
  Codec         AAC, LC (aac)
  Channels      stereo
  Sample rate   48000 Hz
  Starts at     -00:00:00.021

Not played
  #2            data (tmcd): neither pictures nor sound
";
    assert_eq!(text::describe(&report()), expected);
}

#[test]
fn a_file_with_nothing_in_it_says_so() {
    let mut report = report();
    report.info.video.clear();
    report.info.audio.clear();
    assert!(text::describe(&report).ends_with("There is nothing in it to play.\n"));
}

#[test]
fn programs_read_stable_names() {
    let mut report = report();
    report
        .indices
        .push((StreamId(0), Err("cut off".to_owned())));
    let json: serde_json::Value = serde_json::from_str(&wire::json(&report).unwrap()).unwrap();
    let video = &json["video"][0];
    for (pointer, expected) in [
        ("/path", serde_json::json!("clip.mp4")),
        ("/container/bytes", serde_json::json!(2_494_339)),
        ("/container/duration_s", serde_json::json!(3723.456)),
        ("/container/metadata/0/key", serde_json::json!("title")),
        ("/video/0/size/width", serde_json::json!(1440)),
        ("/video/0/shown/height", serde_json::json!(1920)),
        ("/video/0/sample_aspect", serde_json::json!("4:3")),
        ("/video/0/mirrored", serde_json::json!(true)),
        ("/video/0/turn_clockwise_degrees", serde_json::json!(90)),
        ("/video/0/color/matrix", serde_json::json!("bt709")),
        ("/video/0/color/guessed", serde_json::json!(true)),
        ("/video/0/fields", serde_json::json!("top_first")),
        ("/video/0/rate", serde_json::json!("30000/1001")),
        ("/video/0/rate_varies", serde_json::json!(true)),
        ("/video/0/timecode", serde_json::json!("01:00:00;02")),
        ("/video/0/index/error", serde_json::json!("cut off")),
        ("/audio/0/roles/1", serde_json::json!("front_right")),
        ("/audio/0/start_s", serde_json::json!(-0.021)),
        (
            "/other/0/reason",
            serde_json::json!("neither pictures nor sound"),
        ),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert!(video["duration_s"].is_number());
    report.indices.clear();
    let json: serde_json::Value = serde_json::from_str(&wire::json(&report).unwrap()).unwrap();
    assert!(json["video"][0].get("index").is_none());
}

#[test]
fn a_missing_file_is_an_input_error() {
    let args = ProbeArgs {
        timeline: TimelineArgs::default(),
        file: "/nowhere/clip.mp4".into(),
        json: false,
        index: false,
    };
    let error = run(&args, &mut Vec::new()).unwrap_err();
    assert_eq!(error.exit(), Exit::Input);
    assert!(error.to_string().contains("no such file"));
}

#[test]
fn a_sound_file_is_described_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tone.wav");
    let mut bytes = b"RIFF\x64\x1f\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend([0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0]);
    bytes.extend(b"data\x40\x1f\0\0");
    bytes.extend([0x80; 8000]);
    std::fs::write(&file, bytes).unwrap();
    let mut out = Vec::new();
    let args = ProbeArgs {
        timeline: TimelineArgs::default(),
        file,
        json: true,
        index: true,
    };
    assert_eq!(run(&args, &mut out).unwrap(), Exit::Ok);
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["audio"][0]["rate_hz"], 8000);
    assert_eq!(json["audio"][0]["layout"], "mono");
    assert_eq!(json["audio"][0]["duration_s"], 1.0);
    assert_eq!(json["container"]["format"], "wav");
}
