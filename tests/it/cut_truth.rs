//! Every frame through cuts is the one that the edit names: the numbers in the pictures are compared
//! with a slow, obvious resolver, and the pictures shown are read back.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::cache::FrameCache;
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{
    FrameConsumer, Generation, GopIndex, LoopMode, Picture, PlannedFrame, RingItem, VideoPlan,
    VideoSource,
};
use jogwheel::gpu::{ConvertChoice, GpuContext, GpuOptions, Viewer};
use jogwheel::memory::{FramePool, PressureGauge};
use jogwheel::playback::{TimelineOptions, TimelineSettings, TimelineSource, TimelineState};
use jogwheel::time::{Clock, FrameIndex, MediaSpan, RealClock};
use jogwheel::timeline::{Composite, CompositeOp, Content, Located, MediaReference, Mix};

use jogwheel::timeline::resolve::reference::{self, Seen, SeenOp};
use jogwheel::timeline::resolve::source_instant;

use crate::deck::Deck;
use crate::made::{self, Clip};
use crate::otio::{clip, dissolve, freeze, gap, range, speed, stack, time, track, write};
use crate::program::HUNG;

/// A medium of the timeline, as it is by itself.
struct Medium {
    clip: Clip,
    index: Arc<GopIndex>,
    frame_span: MediaSpan,
}

/// A timeline that plays, and what its ring brought.
struct Rig {
    state: Arc<TimelineState>,
    source: TimelineSource,
    frames: FrameConsumer,
    news: Receiver<()>,
    generation: u64,
    converter: CpuConverter,
    media: Vec<Medium>,
    gpu: GpuContext,
    viewer: Viewer,
}

impl Rig {
    fn open(path: &Path) -> Self {
        Self::open_keeping(path, None)
    }

    /// With a cache of so many bytes.
    fn open_keeping(path: &Path, cache_bytes: Option<u64>) -> Self {
        let settings = TimelineSettings {
            rate: None,
            media_roots: vec![made::folder()],
            ..TimelineSettings::default()
        };
        let state = Arc::new(TimelineState::open(path, &settings).unwrap());
        assert_eq!(state.notes, [], "everything is understood");
        let (send, news) = bounded(1);
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let pool = FramePool::new(512 << 20);
        let cache = cache_bytes.map(|bytes| {
            let gauge = PressureGauge::default();
            let cache = FrameCache::new(bytes, Arc::clone(&clock), None, gauge);
            cache.join(&pool);
            cache
        });
        let options = TimelineOptions {
            threads: NonZero::new(2).unwrap(),
            pool,
            cache,
            ring_frames: 4,
            clock,
            anchor: Arc::default(),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
            indices: None,
            proxies: None,
        };
        let (source, frames) = TimelineSource::start(state.media(), options).unwrap();
        let clips = made::clips(&["number"]);
        let media = state.located.iter().map(|located| {
            let Located::File(path) = located else {
                panic!("{located:?} is no file");
            };
            let clip = clips.iter().find(|clip| clip.path == *path).unwrap();
            let mut deck = Deck::open(path).unwrap();
            Medium {
                clip: clip.clone(),
                index: deck.index().unwrap(),
                frame_span: deck.stream.rate.frame_span_nearest(),
            }
        });
        let media = media.collect();
        let gpu = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
        let viewer =
            Viewer::new(&gpu, ConvertChoice::Auto, wgpu::TextureFormat::Rgba8Unorm).unwrap();
        Self {
            state,
            source,
            frames,
            news,
            generation: 0,
            converter: CpuConverter::new(1),
            media,
            gpu,
            viewer,
        }
    }

    fn count(&self) -> i64 {
        self.state.edit.frames()
    }

    fn plan(&mut self, start: i64, reverse: bool, repeat: LoopMode) {
        self.generation += 1;
        self.source.set_plan(VideoPlan {
            generation: Generation(self.generation),
            start: FrameIndex(start),
            first: FrameIndex::ZERO,
            last: None,
            reverse,
            stride: NonZero::new(1).unwrap(),
            repeat,
        });
    }

    /// The next frame of the present plan; `None` at its end.
    fn next(&mut self) -> Option<PlannedFrame> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < Generation(self.generation) => {}
                Some(RingItem::Frame(frame)) => return Some(frame),
                Some(RingItem::End { .. }) => return None,
                None => self.news.recv_timeout(HUNG).unwrap_or_else(|_| {
                    panic!("no frame for a minute: {:?}", self.source.status())
                }),
            }
        }
    }

    /// The layers that the slow resolver names.
    fn expected(&self, frame: FrameIndex) -> Vec<Seen> {
        reference::video_at(&self.state.timeline, frame)
            .into_iter()
            .filter_map(|op| match op {
                SeenOp::Layer(seen) => Some(seen),
                SeenOp::BeginGroup | SeenOp::EndGroup { .. } => None,
            })
            .collect()
    }

    /// The number that the picture of `layer` carries.
    fn expected_number(&self, seen: &Seen) -> u32 {
        let Some(MediaReference::File { target, .. }) = &seen.reference else {
            panic!("{:?} is no file", seen.reference);
        };
        let known = |medium: &&Medium| medium.clip.path == Path::new(&**target);
        let medium = self.media.iter().find(known).unwrap();
        let at = source_instant(seen.media, seen.advance, medium.frame_span);
        let frame = medium.index.frame_at(at).unwrap();
        medium.clip.first + u32::try_from(frame.0).unwrap()
    }

    /// Compares a frame's layers, and what is shown of it, with what they must be.
    fn check(&mut self, frame: &PlannedFrame) {
        let Picture::Composite(composite) = &frame.picture else {
            panic!("frame {}: {:?}", frame.index, frame.picture);
        };
        let expected = self.expected(frame.index);
        let wanted: Vec<u32> = expected
            .iter()
            .map(|layer| self.expected_number(layer))
            .collect();
        // What is covered is left out: what is there must be the topmost of what was expected.
        let shown = self.numbers(composite);
        assert!(
            wanted.ends_with(&shown) && (wanted.is_empty() || !shown.is_empty()),
            "frame {}: {shown:?} in the layers, {wanted:?} expected",
            frame.index
        );
        let alone = expected.last().is_none_or(|top| top.mix == Mix::Over(1.0));
        let size = self.state.canvas;
        self.viewer
            .show_composite(&self.gpu, composite, size, 0)
            .unwrap();
        let picture = self.viewer.read_back(&self.gpu).unwrap();
        let [width, height] = [size.width(), size.height()].map(|side| side as usize);
        if wanted.is_empty() {
            let black = |pixel: &[u8; 4]| pixel[..3] == [0; 3];
            assert!(picture.rgba.as_chunks().0.iter().all(black));
        } else if alone {
            let number = made::number_in_rgba(&picture.rgba, width, height);
            assert_eq!(
                number.as_ref(),
                Ok(wanted.last().unwrap()),
                "frame {}",
                frame.index
            );
        }
    }

    fn numbers(&mut self, composite: &Composite) -> Vec<u32> {
        let mut numbers = Vec::new();
        for op in &composite.ops {
            if let CompositeOp::Layer(layer) = op
                && let Content::Frame {
                    frame, orientation, ..
                } = &layer.content
            {
                let number = made::number_in(frame, *orientation, &mut self.converter);
                numbers.push(number.unwrap());
            }
        }
        numbers
    }

    fn play_all(&mut self, reverse: bool) {
        let last = self.count() - 1;
        self.plan(if reverse { last } else { 0 }, reverse, LoopMode::Off);
        let mut seen = 0;
        while let Some(frame) = self.next() {
            let expected = if reverse { last - seen } else { seen };
            assert_eq!(frame.index, FrameIndex(expected), "in order, none left out");
            assert_eq!(frame.given_up, 0);
            self.check(&frame);
            seen += 1;
        }
        assert_eq!(seen, self.count());
    }

    fn seek_about(&mut self, moves: u32) {
        let mut random = 11u64;
        for turn in 0..moves {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let target =
                i64::try_from((random >> 33) % u64::try_from(self.count()).unwrap()).unwrap();
            self.plan(target, turn % 4 == 3, LoopMode::Off);
            for step in 0..=(turn % 3) {
                let Some(frame) = self.next() else { break };
                if step == 0 {
                    assert_eq!(frame.index, FrameIndex(target));
                }
                self.check(&frame);
            }
        }
    }
}

/// Different codecs, GOPs and rates, retimes, a dissolve, a gap, a jump cut, what is nested and what lies
/// over it: all in one timeline of 30 frames a second.
fn everything(folder: &Path) -> std::path::PathBuf {
    let at = |name: &str| made::clip(name).path;
    let part = |name: &str, start: f64, count: f64, rate: f64| {
        clip(&at(name), &range(start, count, rate), &[])
    };
    let retimed = |name: &str, start: f64, count: f64, effect| {
        clip(&at(name), &range(start, count, 30.0), &[effect])
    };
    let nested = stack(&[track(
        "Video",
        &[
            part("vp9-altref.webm", 10.0, 20.0, 30.0),
            part("h264-intra.mov", 5.0, 20.0, 25.0),
        ],
    )]);
    let first = track(
        "Video",
        &[
            part("h264-bframes.mp4", 37.0, 40.0, 30.0),
            part("h264-longgop.mp4", 100.0, 30.0, 30.0),
            part("h264-longgop.mp4", 200.0, 30.0, 30.0),
            gap(&range(0.0, 10.0, 30.0)),
            part("hevc-opengop.mp4", 20.0, 30.0, 24.0),
            part("h264-23976.mp4", 5.0, 24.0, 24_000.0 / 1001.0),
            part("h264-60.mp4", 4.0, 40.0, 60.0),
            part("h264-bframes.mp4", 100.0, 30.0, 30.0),
            dissolve(&time(6.0, 30.0), &time(6.0, 30.0)),
            part("mpeg2-closedgop.ts", 30.0, 30.0, 25.0),
            retimed("h264-bframes.mkv", 20.0, 20.0, speed(2.0)),
            retimed("h264-bframes.mkv", 20.0, 20.0, speed(-1.0)),
            retimed("h264-longgop.mp4", 60.0, 20.0, speed(0.5)),
            retimed("h264-longgop.mp4", 90.0, 10.0, freeze()),
            nested,
            part("h264-vfr-holds.mp4", 20.0, 30.0, 30.0),
        ],
    );
    let over = track(
        "Video",
        &[
            gap(&range(0.0, 20.0, 30.0)),
            part("h264-opengop.mp4", 8.0, 16.0, 24.0),
        ],
    );
    write(folder, "everything", 30.0, &[first, over])
}

#[test]
fn every_frame_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(&everything(folder.path()));
    rig.play_all(false);
    rig.play_all(true);
}

#[test]
fn after_every_seek() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(&everything(folder.path()));
    rig.seek_about(150);
}

#[test]
fn what_is_kept_is_what_the_edit_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut rig = Rig::open_keeping(&everything(folder.path()), Some(300 << 20));
    rig.seek_about(60);
    rig.play_all(true);
    // All that was played is kept, so that frames can be had without a plan.
    let mut at_hand = 0;
    for frame in 0..rig.count() {
        let Some(still) = rig.source.still(FrameIndex(frame)) else {
            continue;
        };
        at_hand += 1;
        rig.check(&PlannedFrame {
            generation: Generation(rig.generation),
            index: still.index,
            run: MediaSpan::ZERO,
            run_end: MediaSpan::ZERO,
            picture: still.picture,
            given_up: 0,
            demux: Duration::ZERO,
            decode: Duration::ZERO,
            ready: jogwheel::time::Moment::ZERO,
        });
    }
    assert!(at_hand * 2 > rig.count(), "{at_hand} of {}", rig.count());
    let near = rig.source.nearest_still(FrameIndex(45), 40).unwrap();
    assert!((near.index.0 - 45).abs() <= 40);
}

#[test]
fn around_the_seam_of_a_loop() {
    let folder = tempfile::tempdir().unwrap();
    let at = made::clip("h264-bframes.mp4").path;
    let shots: Vec<_> = [80.0, 10.0, 120.0]
        .map(|start| clip(&at, &range(start, 15.0, 30.0), &[]))
        .into();
    let path = write(folder.path(), "loop", 30.0, &[track("Video", &shots)]);
    let mut rig = Rig::open(&path);
    for repeat in [LoopMode::Loop, LoopMode::PingPong] {
        rig.plan(40, false, repeat);
        for _ in 0..150 {
            let frame = rig.next().unwrap();
            rig.check(&frame);
        }
    }
}
