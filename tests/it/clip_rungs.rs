//! Clips of a timeline that are decoded from proxies in turn with others: chosen before each cut, and changed
//! at random. Every picture bears its number, so none may be wrong.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{
    ClipChooser, ClipLook, ClipUse, FrameConsumer, Generation, LoopMode, Picture, RingItem, Rung,
    VideoPlan, VideoSource,
};
use jogwheel::media::Orientation;
use jogwheel::memory::FramePool;
use jogwheel::playback::{
    ProxyDesk, TimelineOptions, TimelineSettings, TimelineSource, TimelineState,
};
use jogwheel::proxy::{ProxyCodec, ProxyFolder};
use jogwheel::time::{Clock, FrameIndex, RealClock};
use tempfile::TempDir;

use crate::made;
use crate::otio::{clip, range, track, write};
use crate::program::{self, HUNG};
use crate::proxies::{make_one, quick_folder};

/// Frames of a clip, clips, and the frame of the medium that each begins with.
const CLIP: i64 = 20;
const CLIPS: i64 = 6;
const FIRST: i64 = 10;

/// Every second clip from its proxy, where there is one.
struct InTurn;

fn is_heavy(frame: i64) -> bool {
    frame / CLIP % 2 == 0
}

impl ClipChooser for InTurn {
    fn choose(&self, clip: &ClipLook, _what_for: ClipUse) -> Rung {
        if is_heavy(clip.at.0) {
            Rung::Half
        } else {
            Rung::Source
        }
    }

    fn revision(&self) -> u64 {
        0
    }
}

/// A timeline of two media in turn, both with a proxy.
struct Rig {
    source: TimelineSource,
    frames: FrameConsumer,
    news: Receiver<()>,
    converter: CpuConverter,
    generation: Generation,
    _folder: TempDir,
}

impl Rig {
    fn open() -> Self {
        let folder = quick_folder();
        let media: Vec<PathBuf> = ["heavy.mp4", "light.mp4"]
            .map(|name| {
                let path = folder.path().join(name);
                std::fs::copy(made::clip("h264-bframes.mp4").path, &path).unwrap();
                path
            })
            .into();
        let proxies = folder.path().join("made");
        std::fs::create_dir(&proxies).unwrap();
        for file in &media {
            make_one(file, &proxies, ProxyCodec::H264Intra);
        }
        let source_range = range(FIRST as f64, CLIP as f64, 30.0);
        let clips = (0..CLIPS).map(|place| {
            let file = &media[usize::try_from(place % 2).unwrap()];
            clip(file, &source_range, &[])
        });
        let clips: Vec<_> = clips.collect();
        let edit = write(folder.path(), "edit", 30.0, &[track("Video", &clips)]);
        let state = TimelineState::open(&edit, &TimelineSettings::default()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let desk = ProxyDesk::start(ProxyFolder::new(&proxies), Arc::clone(&clock), None).unwrap();
        let (send, news) = bounded(1);
        let options = TimelineOptions {
            threads: NonZero::new(2).unwrap(),
            pool: FramePool::new(512 << 20),
            cache: None,
            ring_frames: 4,
            clock,
            anchor: Arc::default(),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
            indices: None,
            proxies: Some(Arc::new(desk)),
        };
        let (source, frames) = TimelineSource::start(state.media(), options).unwrap();
        let mut rig = Self {
            source,
            frames,
            news,
            converter: CpuConverter::new(1),
            generation: Generation::default(),
            _folder: folder,
        };
        rig.wait_for_proxies();
        rig
    }

    /// Holds a frame of each medium until its proxy was found, and its index read.
    fn wait_for_proxies(&mut self) {
        for frame in [0, CLIP] {
            self.plan(frame);
            let is_ready = |look: &ClipLook| {
                look.index.is_complete() && look.rungs.iter().any(|(rung, _)| *rung == Rung::Half)
            };
            let found = program::wait_for(|| {
                let look = self.source.clip_at(Some(FrameIndex(frame)));
                look.is_some_and(|look| is_ready(&look)).then_some(())
            });
            assert!(found.is_some(), "no proxy at {frame}");
        }
    }

    fn wait(&self, what: &str) {
        let told = self.news.recv_timeout(HUNG);
        assert!(told.is_ok(), "waits {what} for ever");
    }

    fn plan(&mut self, start: i64) {
        self.generation = self.generation.next();
        self.source.set_plan(VideoPlan {
            generation: self.generation,
            start: FrameIndex(start),
            first: FrameIndex::ZERO,
            last: Some(FrameIndex(CLIP * CLIPS - 1)),
            reverse: false,
            stride: NonZero::<u32>::MIN,
            repeat: LoopMode::Off,
        });
    }

    /// The next frame of the plan: its number, the number in its picture, and whether a proxy was decoded for
    /// it. `None` at the end.
    fn next(&mut self) -> Option<(i64, i64, bool)> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() != self.generation => {}
                Some(RingItem::End { .. }) => return None,
                Some(RingItem::Frame(planned)) => {
                    let Picture::Composite(composite) = &planned.picture else {
                        panic!("frame {} is no composite", planned.index);
                    };
                    let frame = composite.frames().next().unwrap();
                    let number = made::number_in(frame, Orientation::UPRIGHT, &mut self.converter);
                    let number = number.unwrap_or_else(|why| panic!("{}: {why}", planned.index));
                    return Some((
                        planned.index.0,
                        i64::from(number),
                        frame.stands_for.is_some(),
                    ));
                }
                None => self.wait("for a frame"),
            }
        }
    }
}

/// The frame of the medium that a frame of the timeline shows.
fn wanted(frame: i64) -> i64 {
    FIRST + frame % CLIP
}

#[test]
fn every_clip_is_decoded_from_its_first_frame_on_as_was_chosen_before_its_cut() {
    let mut rig = Rig::open();
    rig.source.set_chooser(Arc::new(InTurn));
    // The second time there are sessions that stand elsewhere.
    for _ in 0..2 {
        rig.plan(0);
        for frame in 0..CLIP * CLIPS {
            let shown = rig.next();
            assert_eq!(shown, Some((frame, wanted(frame), is_heavy(frame))));
        }
        assert_eq!(rig.next(), None);
    }
    let look = rig.source.clip_at(Some(FrameIndex(3))).unwrap();
    let other = rig.source.clip_at(Some(FrameIndex(CLIP + 3))).unwrap();
    let again = rig.source.clip_at(Some(FrameIndex(2 * CLIP)));
    assert_ne!(look.key, other.key);
    assert!(
        again.is_none_or(|again| again.key == look.key),
        "one medium"
    );
}

#[test]
fn rungs_that_change_at_random_never_show_another_frame() {
    let mut rig = Rig::open();
    let mut seed = 3_u64;
    let mut roll = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let whole = [Rung::Source, Rung::Half, Rung::Quarter];
    let (mut of_proxies, mut of_sources) = (0, 0);
    for start in [0, 7, 33, 60, 0] {
        rig.plan(start);
        for frame in start..CLIP * CLIPS {
            if roll(3) == 0 {
                let rung = whole[usize::try_from(roll(3)).unwrap()];
                rig.source.set_clip_rung(FrameIndex(frame), rung);
            }
            let (number, shown, is_proxy) = rig.next().unwrap();
            assert_eq!((number, shown), (frame, wanted(frame)));
            of_proxies += u32::from(is_proxy);
            of_sources += u32::from(!is_proxy);
        }
    }
    assert!(
        of_proxies > 40 && of_sources > 40,
        "{of_proxies} {of_sources}"
    );
}

#[test]
fn frames_left_out_are_shown_as_those_before_them() {
    let mut rig = Rig::open();
    rig.plan(0);
    let mut last = None;
    let mut stood = 0;
    for frame in 0..CLIP * CLIPS {
        if frame % CLIP == 2 {
            rig.source.set_clip_rung(FrameIndex(frame), Rung::Thinned);
        }
        let (number, shown, is_proxy) = rig.next().unwrap();
        assert!(number == frame && !is_proxy);
        if frame % CLIP == 0 {
            assert_eq!(shown, wanted(frame), "a clip begins exactly");
        } else {
            let before: Option<i64> = last;
            assert!(shown <= wanted(frame) && before.is_none_or(|before| shown >= before));
            assert!(shown >= wanted(frame) - 8, "frame {frame} shows {shown}");
        }
        stood += u32::from(last == Some(shown));
        last = Some(shown);
    }
    assert!(stood > 10, "{stood}");
    assert!(rig.source.status().left_out > 10);
    // What is sought is exact.
    for frame in [53, 54, 31] {
        rig.plan(frame);
        assert_eq!(rig.next(), Some((frame, wanted(frame), false)));
    }
}
