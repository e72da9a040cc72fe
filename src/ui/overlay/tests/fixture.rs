//! A medium, a snapshot of it, and figures, as the engine and the window loop would give them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::audio::AudioLevels;
use crate::decode::{LoopMode, Rung};
use crate::media::{
    AudioFormat, AudioStream, ChannelLayout, ColorInfo, ContainerInfo, FieldOrder, MediaInfo,
    Orientation, PictureTrait, PictureTraits, PixelFormat, SampleAspect, Size, StreamId,
    VideoStream, ViewSettings,
};
use crate::playback::{AudioState, ClockSource, MediaState, PlaybackStatus, ProxyUse, Snapshot};
use crate::time::{FrameIndex, FrameRate, MediaTime, Speed, TimeBase, Timecode, TimecodeFormat};
use crate::ui::{DropCounts, FrameCounts, FrameIntervals, StageTime, StageTimes, ViewStats};

fn audio_stream(index: usize, codec: &str, layout: &str, language: &str) -> AudioStream {
    AudioStream {
        id: StreamId(index),
        codec: codec.to_owned(),
        codec_long: codec.to_owned(),
        format: AudioFormat {
            rate: 48_000.try_into().unwrap(),
            layout: ChannelLayout::stereo(),
        },
        layout_name: layout.to_owned(),
        time_base: TimeBase::new(1, 48_000).unwrap(),
        start: MediaTime::ZERO,
        duration: None,
        bit_rate: None,
        is_default: index == 1,
        language: Some(language.to_owned()),
    }
}

/// A 4K clip of `frames` frames at 24000/1001 with two audio tracks.
pub(super) fn media(frames: i64) -> MediaState {
    let rate = FrameRate::new(24_000, 1_001).unwrap();
    let duration = rate.time_of_frame_nearest(FrameIndex(frames)).since_zero();
    let video = VideoStream {
        id: StreamId(0),
        codec: "hevc".to_owned(),
        codec_long: "H.265 / HEVC".to_owned(),
        decoder: "hevc".to_owned(),
        size: Size::new(3840, 2160).unwrap(),
        sample_aspect: SampleAspect::SQUARE,
        orientation: Orientation::UPRIGHT,
        format: PixelFormat::YUV420P8,
        source_format: "yuv420p10le".to_owned(),
        color: ColorInfo::BT709_LIMITED,
        fields: FieldOrder::Progressive,
        rate,
        time_base: TimeBase::new(1, 24_000).unwrap(),
        start: MediaTime::ZERO,
        duration: Some(duration),
        frames: u64::try_from(frames).ok(),
        bit_rate: None,
        timecode: None,
        is_still: false,
        is_default: true,
        language: None,
    };
    let info = MediaInfo {
        path: PathBuf::from("/media/rushes/A007_C012_0417_v2.mov"),
        container: ContainerInfo {
            format: "mov".to_owned(),
            format_long: "QuickTime / MOV".to_owned(),
            bytes: 1_000_000,
            duration: Some(duration),
            start: MediaTime::ZERO,
            bit_rate: None,
            metadata: Vec::new(),
        },
        video: vec![video],
        audio: vec![
            audio_stream(1, "pcm_s24le", "stereo", "eng"),
            audio_stream(2, "aac", "5.1(side)", "deu"),
        ],
        other: Vec::new(),
    };
    MediaState {
        timeline: None,
        index: None,
        rate: crate::time::FrameRate::new(24, 1).unwrap(),
        info: Arc::new(info),
        frames,
        index_complete: true,
        duration,
    }
}

/// A medium as long, without pictures.
pub(super) fn sound_only(frames: i64) -> MediaState {
    let mut media = media(frames);
    let mut info = (*media.info).clone();
    info.video.clear();
    media.info = Arc::new(info);
    media
}

/// The engine while it plays frame `position` of [`media`].
pub(super) fn snapshot(frames: i64, position: i64) -> Snapshot {
    let media = media(frames);
    let format = TimecodeFormat::new(FrameRate::new(24_000, 1_001).unwrap(), false).unwrap();
    Snapshot {
        status: PlaybackStatus::Playing,
        media: Some(Arc::new(media)),
        position: FrameIndex(position),
        timecode: Some(Timecode::from_frame_number(86_400 + position, format)),
        speed: Speed::NORMAL,
        mark_in: None,
        mark_out: None,
        loop_mode: LoopMode::Off,
        playlist: Arc::new(vec![PathBuf::from("a.mov"), PathBuf::from("b.mov")]),
        playlist_index: 0,
        volume_percent: 80,
        muted: false,
        audio_delay_millis: 0,
        audio_track: Some(0),
        audio: AudioState::Playing("Built-in Audio Analog Stereo".to_owned()),
        audio_levels: AudioLevels::default(),
        clock: ClockSource::Audio,
        scrubbing: false,
        approximate: None,
        scrub_sound: true,
        view: ViewSettings::default(),
        compare: crate::media::CompareView::default(),
        notices: Vec::new(),
        decoder: "hevc, 2 threads".to_owned(),
        ring_fill: (6, 8),
        sound_ahead: None,
        damaged_packets: 0,
        outside_pool: (0, 0),
        repacked: 0,
        underruns: 0,
        audio_note: None,
        kept: Arc::default(),
        proxies: ProxyUse::Auto,
        rung: Rung::Source,
        traits: PictureTraits::default()
            .with(PictureTrait::Pq, true)
            .with(PictureTrait::VariableRate, true),
        has_proxies: false,
        refusals: None,
        displaced: Arc::default(),
        quality: crate::playback::QualityState::default(),
    }
}

/// The engine before anything was opened.
pub(super) fn empty_snapshot() -> Snapshot {
    Snapshot {
        status: PlaybackStatus::Empty,
        media: None,
        timecode: None,
        playlist: Arc::new(Vec::new()),
        audio_track: None,
        audio: AudioState::NoTrack,
        ring_fill: (0, 0),
        sound_ahead: None,
        damaged_packets: 0,
        outside_pool: (0, 0),
        decoder: String::new(),
        ..snapshot(1, 0)
    }
}

/// Figures of a player that does nearly well.
pub(super) fn stats() -> ViewStats {
    let stage = |last_ms, p95_ms| Some(StageTime { last_ms, p95_ms });
    let mut stats = ViewStats {
        presented_fps: 23.81,
        target_fps: 23.976,
        refresh_hz: Some(60.0),
        stages: StageTimes {
            demux: stage(0.08, 0.31),
            decode: stage(27.41, 39.06),
            convert: stage(2.73, 3.18),
            upload: stage(0.42, 0.61),
            gpu: stage(1.94, 2.40),
            present: stage(0.37, 6.12),
        },
        frames: FrameCounts {
            shown: 1_432,
            repeated: 3,
            late: 2,
            dropped: DropCounts {
                decode: 4,
                present: 1,
                ..DropCounts::default()
            },
        },
        adapter: "llvmpipe (LLVM 15.0.6, 256 bits), Vulkan, CPU".to_owned(),
        converter: "CPU, AVX2, 2 threads".to_owned(),
        picture_size: Size::new(1280, 720),
        audio_offset_ms: Some(-3.2),
        rss_bytes: 312_000_000,
        overlay_micros: 184.0,
        ..ViewStats::default()
    };
    for index in 0..FrameIntervals::MAX {
        let wobble = if index % 5 == 0 { 50.0 } else { 41.2 };
        stats.intervals.push_ms(match index {
            60 => 83.4,
            150 => 46.5,
            _ => wobble,
        });
    }
    stats
}
