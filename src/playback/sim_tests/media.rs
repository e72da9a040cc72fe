//! Media that do not exist: frames, time stamps and what each frame costs.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::decode::{GopIndex, IndexBuilder, PacketStamp};
use crate::media::{
    AudioFormat, AudioStream, ChannelLayout, ColorInfo, ContainerInfo, FieldOrder, MediaInfo,
    Orientation, PixelFormat, SampleAspect, Size, StreamId, VideoFrame, VideoStream,
};
use crate::time::{FrameRate, MediaSpan, MediaTime, Moment, TimeBase};

/// What one frame costs the decoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) demux: Duration,
    pub(super) decode: Duration,
}

impl Cost {
    pub(super) const fn micros(demux: u64, decode: u64) -> Self {
        Self {
            demux: Duration::from_micros(demux),
            decode: Duration::from_micros(decode),
        }
    }
}

/// What frames cost on each rung.
#[derive(Debug, Clone)]
pub(super) struct SimRungs {
    /// Frames of a clip; 0 is a file.
    pub(super) clip_frames: i64,
    /// Of the sources, which take turns.
    pub(super) sources: Vec<Cost>,
    pub(super) half: Cost,
    pub(super) quarter: Cost,
    /// Frames can be left out; there is nothing else.
    pub(super) has_no_proxies: bool,
}

/// A medium.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a trait of its own; no two exclude each other"
)]
pub(super) struct SimMedia {
    pub(super) path: PathBuf,
    pub(super) rate: FrameRate,
    pub(super) time_base: TimeBase,
    /// Time stamps of the frames, in order of presentation; empty where there is sound only.
    pub(super) stamps: Vec<i64>,
    /// Ticks at which the last frame ends.
    pub(super) end_ticks: i64,
    /// Every how manyth frame is a keyframe.
    pub(super) gop: usize,
    /// Cost of a frame, but for those that have their own.
    pub(super) cost: Cost,
    pub(super) costs: BTreeMap<usize, Cost>,
    /// Frames that cannot be decoded.
    pub(super) damaged: BTreeSet<usize>,
    /// Frames that are kept, at hand without decoding.
    pub(super) kept: BTreeSet<i64>,
    /// What a keyframe alone takes the second decoder; `None` where there is none.
    pub(super) keyframe: Option<Duration>,
    /// Whether its index names no keyframes, as that of a timeline.
    pub(super) hides_gops: bool,
    /// Frames that have thumbnails.
    pub(super) thumbnails: Vec<i64>,
    pub(super) ring: usize,
    pub(super) reverse_frames: usize,
    /// When how many packets are known to the index. Afterwards all are.
    pub(super) index_grows: Vec<(Duration, usize)>,
    /// When the index is complete, counted from the opening.
    pub(super) index_complete: Duration,
    /// Whether packets carry no time stamps.
    pub(super) by_count: bool,
    /// Number of frames that the container declares.
    pub(super) declared: Option<u64>,
    /// Time stamp of media time zero, in ticks.
    pub(super) zero_ticks: i64,
    pub(super) sound: Option<MediaSpan>,
    pub(super) still: bool,
    /// What there is beside the source; `None` where there is no choice.
    pub(super) rungs: Option<SimRungs>,
    /// How long it takes to open.
    pub(super) open: Duration,
    pub(super) refuses: bool,
}

impl SimMedia {
    /// `frames` frames at a constant rate, cheap to decode, a keyframe every 30, the index at hand.
    pub(super) fn constant(num: u32, den: u32, frames: usize) -> Self {
        let rate = FrameRate::new(num, den).unwrap();
        // One tick is a thousandth of the numerator's second, so every frame falls on a tick.
        let time_base = TimeBase::new(1, num * 10).unwrap();
        let stamps = (0..frames)
            .map(|n| i64::try_from(n).unwrap() * i64::from(den) * 10)
            .collect();
        let end_ticks = i64::try_from(frames).unwrap() * i64::from(den) * 10;
        Self {
            path: PathBuf::from("constant.mkv"),
            rate,
            time_base,
            stamps,
            end_ticks,
            gop: 30,
            cost: Cost::micros(200, 2_000),
            costs: BTreeMap::new(),
            damaged: BTreeSet::new(),
            kept: BTreeSet::new(),
            keyframe: None,
            hides_gops: false,
            thumbnails: Vec::new(),
            ring: 6,
            reverse_frames: 32,
            index_grows: Vec::new(),
            index_complete: Duration::ZERO,
            by_count: false,
            declared: Some(frames as u64),
            zero_ticks: 0,
            sound: None,
            still: false,
            rungs: None,
            open: Duration::from_millis(5),
            refuses: false,
        }
    }

    /// Frames that stay for these numbers of milliseconds.
    pub(super) fn variable(millis: &[i64]) -> Self {
        let mut medium = Self::constant(30, 1, 0);
        medium.time_base = TimeBase::new(1, 1000).unwrap();
        let mut at = 0;
        for span in millis {
            medium.stamps.push(at);
            at += span;
        }
        medium.end_ticks = at;
        medium.declared = Some(millis.len() as u64);
        medium
    }

    /// Sound without pictures.
    pub(super) fn sound_only(length: MediaSpan) -> Self {
        Self {
            sound: Some(length),
            ..Self::constant(25, 1, 0)
        }
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.path = PathBuf::from(name);
        self
    }

    pub(super) fn with_sound(mut self) -> Self {
        self.sound = Some(self.time_base.span_from_ticks_nearest(self.end_ticks));
        self
    }

    pub(super) fn costing(mut self, cost: Cost) -> Self {
        self.cost = cost;
        self
    }

    /// Clips of so many frames, of these sources in turn, each with both proxies; of one file with 0.
    pub(super) fn with_rungs(mut self, clip_frames: i64, sources: &[Cost]) -> Self {
        self.rungs = Some(SimRungs {
            clip_frames,
            sources: sources.to_vec(),
            half: Cost::micros(200, 4_000),
            quarter: Cost::micros(100, 1_500),
            has_no_proxies: false,
        });
        self
    }

    /// The same without proxies: frames are left out instead.
    pub(super) fn without_proxies(mut self) -> Self {
        if let Some(rungs) = &mut self.rungs {
            rungs.has_no_proxies = true;
        }
        self
    }

    pub(super) fn frames(&self) -> i64 {
        i64::try_from(self.stamps.len()).unwrap()
    }

    /// When frame `n` begins, in media time.
    pub(super) fn time_of(&self, n: i64) -> MediaTime {
        let ticks = self.stamps[usize::try_from(n).unwrap()] - self.zero_ticks;
        self.time_base.time_from_ticks_nearest(ticks)
    }

    /// What frame `n` costs.
    pub(super) fn cost_of(&self, n: usize) -> Cost {
        self.costs.get(&n).copied().unwrap_or(self.cost)
    }

    /// The index `since` the opening, and when it changes next.
    pub(super) fn index_at(&self, since: Duration) -> (GopIndex, Option<Duration>) {
        let complete = since >= self.index_complete;
        let known = match self.index_grows.iter().rfind(|(at, _)| *at <= since) {
            _ if complete => self.stamps.len(),
            Some(&(_, packets)) => packets.min(self.stamps.len()),
            None => 0,
        };
        let mut builder = IndexBuilder::new(self.time_base, self.rate, self.zero_ticks);
        for (n, &pts) in self.stamps[..known].iter().enumerate() {
            let next = self.stamps.get(n + 1).copied().unwrap_or(self.end_ticks);
            builder.push(PacketStamp {
                pts: (!self.by_count).then_some(pts),
                dts: (!self.by_count).then_some(pts),
                duration: next - pts,
                is_key: n % self.gop == 0,
                is_discarded: false,
                position: None,
            });
        }
        let steps = self
            .index_grows
            .iter()
            .map(|(at, _)| *at)
            .chain([self.index_complete]);
        (
            builder.publish(complete),
            steps.filter(|at| *at > since).min(),
        )
    }

    pub(super) fn info(&self) -> MediaInfo {
        let span = |ticks| self.time_base.span_from_ticks_nearest(ticks);
        let start = MediaTime::ZERO + span(self.zero_ticks);
        let video = VideoStream {
            id: StreamId(0),
            codec: "sim".to_owned(),
            codec_long: "simulated".to_owned(),
            decoder: "sim".to_owned(),
            size: Size::new(2, 2).unwrap(),
            sample_aspect: SampleAspect::SQUARE,
            orientation: Orientation::UPRIGHT,
            format: PixelFormat::YUV420P8,
            source_format: "yuv420p".to_owned(),
            color: ColorInfo::BT709_LIMITED,
            fields: FieldOrder::Progressive,
            rate: self.rate,
            time_base: self.time_base,
            start,
            duration: None,
            frames: self.declared,
            bit_rate: None,
            timecode: None,
            is_still: self.still,
            is_default: true,
            language: None,
        };
        let audio = |length| AudioStream {
            id: StreamId(1),
            codec: "pcm".to_owned(),
            codec_long: "simulated".to_owned(),
            format: AudioFormat {
                rate: NonZeroU32::new(48_000).unwrap(),
                layout: ChannelLayout::stereo(),
            },
            layout_name: "stereo".to_owned(),
            time_base: TimeBase::new(1, 48_000).unwrap(),
            start,
            duration: Some(length),
            bit_rate: None,
            is_default: true,
            language: None,
        };
        let second = |length| AudioStream {
            id: StreamId(2),
            is_default: false,
            ..audio(length)
        };
        MediaInfo {
            path: self.path.clone(),
            container: ContainerInfo {
                format: "sim".to_owned(),
                format_long: "simulated".to_owned(),
                bytes: 0,
                duration: None,
                start,
                bit_rate: None,
                metadata: Vec::new(),
            },
            video: if self.stamps.is_empty() {
                Vec::new()
            } else {
                vec![video]
            },
            audio: self
                .sound
                .map_or_else(Vec::new, |length| vec![audio(length), second(length)]),
            other: Vec::new(),
        }
    }
}

/// The media that can be opened.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf(pub(super) Vec<SimMedia>);

impl Shelf {
    pub(super) fn find(&self, path: &Path) -> Option<&SimMedia> {
        self.0.iter().find(|medium| medium.path == path)
    }
}

/// A picture of four pixels, for all frames.
pub(super) fn tiny_picture() -> Arc<VideoFrame> {
    let (format, size) = (PixelFormat::YUV420P8, Size::new(2, 2).unwrap());
    let planes: [(&[u8], usize); 3] = [(&[16; 4], 2), (&[128; 1], 1), (&[128; 1], 1)];
    Arc::new(VideoFrame::from_planes(
        format,
        size,
        ColorInfo::BT709_LIMITED,
        &planes,
    ))
}

/// `moment` moved by a duration, for scripts.
pub(super) fn at_millis(millis: u64) -> Moment {
    Moment::from_nanos(millis * 1_000_000)
}
