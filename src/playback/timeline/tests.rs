//! The worker with scripted sessions: no files, no threads, no time.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;

use super::feeds::Limits;
use super::media::{ClipMedia, TimelineMedia};
use super::opening::{Answer, OpenedFeed, Request, SessionOpener};
use super::worker::{Surroundings, Work, Worker};
use crate::decode::{
    FrameConsumer, FrameProducer, Generation, GopIndex, Hand, LoopMode, Picture, PlanCursor,
    PlannedFrame, RingItem, Rung, SourceStatus, VideoPlan, VideoSource, frame_ring,
};
use crate::media::{ColorInfo, PixelFormat, Size, StreamId, VideoFrame, VideoStream, test_support};
use crate::time::{FrameIndex, FrameRate, MediaSpan, MediaTime, Moment, SimClock, TimeBase};
use crate::timeline::{
    Child, Composite, CompositionKind, Content, Edit, Effect, Item, ItemKind, Located, Look,
    MediaReference, Metadata, Ratio, Source, StatedRange, TimeRange, Timeline, TrackKind,
    Transition, TransitionKind, VideoOp,
};

use crate::timeline::resolve::source_instant;

mod ground;
mod hands;
mod revisions;
mod sessions;
mod slates;
mod steering;
mod strips;

const RATE: (u32, u32) = (25, 1);
/// Frames of every medium.
const FRAMES: i64 = 200;

fn rate() -> FrameRate {
    FrameRate::new(RATE.0, RATE.1).unwrap()
}

fn frames(count: i64) -> MediaSpan {
    rate().time_of_frame_nearest(FrameIndex(count)).since_zero()
}

/// The number of a medium, whatever revision it is in: that of its name's letter.
fn medium_number(source: &Source) -> u32 {
    match &*source.reference {
        MediaReference::File { target, .. } => u32::from(target.as_bytes()[0]),
        _ => 0,
    }
}

fn size() -> Size {
    Size::new(2, 2).unwrap()
}

/// A picture that bears the number of its medium and its own.
fn picture(source: u32, frame: i64) -> Arc<VideoFrame> {
    let byte = |value: i64| u8::try_from(value & 0xff).unwrap();
    let luma = [byte(i64::from(source)), byte(frame), byte(frame >> 8), 0];
    let planes: [(&[u8], usize); 2] = [(&luma, 2), (&[128; 2], 2)];
    Arc::new(VideoFrame::from_planes(
        PixelFormat::NV12,
        size(),
        ColorInfo::BT709_LIMITED,
        &planes,
    ))
}

fn numbers(frame: &VideoFrame) -> (u32, i64) {
    let plane = frame.plane(0);
    let (top, bottom) = (plane.row(0), plane.row(1));
    (
        u32::from(top[0]),
        i64::from(top[1]) + (i64::from(bottom[0]) << 8),
    )
}

fn stream() -> VideoStream {
    VideoStream {
        codec: "script".to_owned(),
        ..test_support::stream(size(), PixelFormat::NV12, rate())
    }
}

/// A session whose frames come when the test says so.
struct Script {
    source: u32,
    ring: FrameProducer,
    cursor: Option<PlanCursor>,
    plans: Vec<VideoPlan>,
    /// Where it was told that a hand is.
    hands: Vec<Hand>,
    /// What it was asked to decode, and after how many plans.
    asked: Vec<(Rung, usize)>,
    /// Frames that it gives up before it delivers the next one.
    gives_up: u32,
    closed: bool,
}

impl Script {
    /// Delivers `most` frames, as far as they fit.
    fn deliver(&mut self, most: usize) {
        for _ in 0..most {
            if self.ring.fill().load(std::sync::atomic::Ordering::Relaxed) == self.ring.capacity() {
                return;
            }
            let Some(cursor) = &mut self.cursor else {
                return;
            };
            let last = FrameIndex(FRAMES - 1);
            let mut given_up = 0;
            while self.gives_up > 0 && cursor.advance(Some(last)) {
                (self.gives_up, given_up) = (self.gives_up - 1, given_up + 1);
            }
            let generation = cursor.plan().generation;
            if !cursor.is_inside(Some(last)) {
                self.cursor = None;
                let end = RingItem::End {
                    generation,
                    run: MediaSpan::ZERO,
                };
                assert!(self.ring.push(end).is_ok());
                return;
            }
            let mut index = cursor.next();
            let begins = index == cursor.plan().start;
            let rung = self.asked.last().map_or(Rung::Source, |(rung, _)| *rung);
            // As a session leaves frames out: on purpose, and never the first of a plan.
            while !begins && !shows(rung, index) && cursor.advance(Some(last)) {
                index = cursor.next();
                if !cursor.is_inside(Some(last)) {
                    break;
                }
            }
            if !cursor.is_inside(Some(last)) {
                continue;
            }
            let _inside = cursor.advance(Some(last));
            let frame = PlannedFrame {
                generation,
                index,
                run: MediaSpan::ZERO,
                run_end: MediaSpan::ZERO,
                picture: Picture::Frame(picture(self.source, index.0)),
                given_up,
                demux: Duration::ZERO,
                decode: Duration::ZERO,
                ready: Moment::ZERO,
            };
            assert!(self.ring.push(RingItem::Frame(frame)).is_ok());
        }
    }
}

/// Whether a rung has this frame.
fn shows(rung: Rung, frame: FrameIndex) -> bool {
    match rung {
        Rung::Source | Rung::Half | Rung::Quarter => true,
        Rung::Thinned => frame.0 % 2 == 0,
        Rung::Keyframes => frame.0 % 25 == 0,
    }
}

struct ScriptSession(Arc<Mutex<Script>>);

impl VideoSource for ScriptSession {
    fn set_plan(&mut self, plan: VideoPlan) {
        let mut script = self.0.lock();
        script.cursor = Some(PlanCursor::new(plan));
        script.plans.push(plan);
    }

    fn set_rung(&mut self, rung: Rung) {
        let mut script = self.0.lock();
        let plans = script.plans.len();
        script.asked.push((rung, plans));
    }

    fn rungs(&self) -> Vec<(Rung, Size)> {
        let size_of = |rung| match rung {
            Rung::Source | Rung::Thinned | Rung::Keyframes => size(),
            Rung::Half => Size::new(2, 1).unwrap(),
            Rung::Quarter => Size::new(1, 1).unwrap(),
        };
        Rung::ALL.map(|rung| (rung, size_of(rung))).into()
    }

    fn follow_hand(&mut self, hand: Hand) {
        self.0.lock().hands.push(hand);
    }

    fn status(&self) -> SourceStatus {
        let script = self.0.lock();
        let fill = script.ring.fill();
        SourceStatus {
            ready: Generation::default(),
            failure: None,
            ring_fill: (
                fill.load(std::sync::atomic::Ordering::Relaxed),
                script.ring.capacity(),
            ),
            damaged_packets: 0,
            outside_pool: (0, 0),
            repacked: 0,
            decoded: 0,
            rung: script.asked.last().map_or(Rung::Source, |(rung, _)| *rung),
            has_proxies: true,
            cost: None,
            left_out: 0,
            holds_lap: false,
        }
    }

    fn index(&self) -> Arc<GopIndex> {
        Arc::new(GopIndex::constant(rate(), FRAMES))
    }
}

impl Drop for ScriptSession {
    fn drop(&mut self) {
        self.0.lock().closed = true;
    }
}

type Scripts = Arc<Mutex<Vec<Arc<Mutex<Script>>>>>;

/// Opens scripts at the next look, or when the test allows it.
struct ScriptOpener {
    scripts: Scripts,
    waiting: VecDeque<Request>,
    allowed: Arc<Mutex<bool>>,
}

impl SessionOpener for ScriptOpener {
    fn begin(&mut self, request: Request) -> bool {
        self.waiting.push_back(request);
        true
    }

    fn poll(&mut self) -> Option<Answer> {
        if !*self.allowed.lock() {
            return None;
        }
        let request = self.waiting.pop_front()?;
        let (ring, frames) = frame_ring(3);
        let script = Arc::new(Mutex::new(Script {
            source: medium_number(&request.stated),
            ring,
            cursor: None,
            plans: Vec::new(),
            hands: Vec::new(),
            asked: Vec::new(),
            gives_up: 0,
            closed: false,
        }));
        self.scripts.lock().push(Arc::clone(&script));
        let media = request
            .known
            .unwrap_or_else(|| Arc::new(ClipMedia::new(stream(), &request.stated)));
        Some(Answer {
            ticket: request.ticket,
            anchor: request.anchor,
            result: Ok(OpenedFeed {
                media,
                session: Box::new(ScriptSession(script)),
                frames,
            }),
        })
    }

    fn close(&mut self, session: Box<dyn VideoSource>) {
        drop(session);
    }
}

fn media_of(timeline: &Timeline) -> TimelineMedia {
    let edit = Arc::new(Edit::new(timeline).unwrap());
    let located = |source: &Source| match &*source.reference {
        MediaReference::Generator { generator, .. } => Located::Generated(*generator),
        MediaReference::File { target, .. } => Located::File(PathBuf::from(&**target)),
        _ => Located::File(PathBuf::new()),
    };
    TimelineMedia {
        located: edit.sources().iter().map(located).collect(),
        canvas: size(),
        edit,
        is_comparison: false,
    }
}

/// A worker, its scripts and the ring's other end.
struct Rig {
    worker: Worker,
    scripts: Scripts,
    allowed: Arc<Mutex<bool>>,
    ring: FrameConsumer,
    edit: Arc<Edit>,
    shared: Arc<super::Shared>,
}

impl Rig {
    fn new(timeline: &Timeline) -> Self {
        let limits = Limits {
            sessions: 6,
            bytes: u64::MAX,
            threads: usize::MAX,
            threads_each: 1,
            preparing_pixels: u64::MAX,
        };
        Self::within(timeline, limits)
    }

    fn within(timeline: &Timeline, limits: Limits) -> Self {
        let media = media_of(timeline);
        let edit = Arc::clone(&media.edit);
        let (producer, ring) = frame_ring(4);
        let (scripts, allowed) = (Scripts::default(), Arc::new(Mutex::new(true)));
        let opener = ScriptOpener {
            scripts: Arc::clone(&scripts),
            waiting: VecDeque::new(),
            allowed: Arc::clone(&allowed),
        };
        let shared: Arc<super::Shared> = Arc::default();
        let around = Surroundings {
            clock: Arc::new(SimClock::default()),
            anchor: Arc::new(ArcSwapOption::empty()),
            notify: Arc::new(|| {}),
            shared: Arc::clone(&shared),
            next: Arc::default(),
        };
        Self {
            worker: Worker::new(media, Box::new(opener), limits, producer, around),
            scripts,
            allowed,
            ring,
            edit,
            shared,
        }
    }

    /// Lets sessions and worker work until nothing more comes of it.
    fn settle(&mut self) {
        for _ in 0..64 {
            for script in self.scripts.lock().iter() {
                script.lock().deliver(8);
            }
            while self.worker.step() == Work::Go {}
        }
    }

    /// Plays `plan` and answers its frames, `most` at most.
    fn play(&mut self, plan: VideoPlan, most: usize) -> Vec<PlannedFrame> {
        self.worker.take(plan);
        self.play_on(plan, most)
    }

    /// The same of a plan that was begun.
    fn play_on(&mut self, plan: VideoPlan, most: usize) -> Vec<PlannedFrame> {
        let mut frames = Vec::new();
        while frames.len() < most {
            self.settle();
            match self.ring.pop() {
                Some(RingItem::Frame(frame)) if frame.generation == plan.generation => {
                    frames.push(frame);
                }
                Some(RingItem::End { generation, .. }) if generation == plan.generation => break,
                Some(_) => {}
                None => panic!("the worker waits for ever after {} frames", frames.len()),
            }
        }
        frames
    }

    /// The pictures that the resolver wants in `frame`, bottom first.
    fn wanted(&self, frame: FrameIndex) -> Vec<(u32, i64)> {
        let mut ops = Vec::new();
        self.edit.video_at(frame, &mut ops);
        let layers = ops.iter().filter_map(|op| match op {
            VideoOp::Layer(layer) => Some(layer),
            _ => None,
        });
        layers
            .map(|layer| {
                let span = rate().frame_span_nearest();
                let at = source_instant(layer.media, layer.advance, span);
                let number = rate().frame_at_floor(at).0.clamp(0, FRAMES - 1);
                let source = &self.edit.sources()[layer.source.0 as usize];
                (medium_number(source), number)
            })
            .collect()
    }

    fn live(&self) -> usize {
        let scripts = self.scripts.lock();
        scripts
            .iter()
            .filter(|script| !script.lock().closed)
            .count()
    }
}

fn composite_of(frame: &PlannedFrame) -> &Composite {
    let Picture::Composite(composite) = &frame.picture else {
        panic!("frame {} is no composite", frame.index);
    };
    composite
}

fn shown(frame: &PlannedFrame) -> Vec<(u32, i64)> {
    let composite = composite_of(frame);
    composite.frames().map(|frame| numbers(frame)).collect()
}

fn plan(start: i64, last: i64, reverse: bool, repeat: LoopMode) -> VideoPlan {
    VideoPlan {
        generation: Generation(1),
        start: FrameIndex(start),
        first: FrameIndex::ZERO,
        last: Some(FrameIndex(last)),
        reverse,
        stride: NonZeroU32::MIN,
        repeat,
    }
}

fn item(kind: ItemKind, source_range: Option<(i64, i64)>, effects: Vec<Effect>) -> Arc<Item> {
    Arc::new(Item {
        source_range: source_range.map(|(start, length)| StatedRange {
            range: TimeRange {
                start: MediaTime::ZERO + frames(start),
                duration: frames(length),
            },
            rate: rate(),
        }),
        effects,
        ..Item::new("", kind)
    })
}

/// `length` frames of medium `name` from frame `start` on.
fn clip(name: &str, start: i64, length: i64, effects: Vec<Effect>) -> Child {
    let file = MediaReference::File {
        target: name.into(),
        available: None,
    };
    clip_of(file, start, length, effects)
}

fn clip_of(reference: MediaReference, start: i64, length: i64, effects: Vec<Effect>) -> Child {
    Child::Item(item(
        ItemKind::clip(reference),
        Some((start, length)),
        effects,
    ))
}

fn dissolve(before: i64, after: i64) -> Child {
    Child::Transition(Arc::new(Transition {
        name: "".into(),
        kind: TransitionKind::Dissolve,
        in_offset: frames(before),
        out_offset: frames(after),
        metadata: Metadata::NONE,
    }))
}

fn timeline(tracks: Vec<Vec<Child>>) -> Timeline {
    let track = |children: Vec<Child>| {
        Child::Item(item(
            ItemKind::composition(CompositionKind::Track(TrackKind::Video), children),
            None,
            Vec::new(),
        ))
    };
    let tracks: Vec<Child> = tracks.into_iter().map(track).collect();
    Timeline {
        name: "".into(),
        rate: rate(),
        global_start: None,
        drop_frame: false,
        canvas: None,
        root: item(
            ItemKind::composition(CompositionKind::Stack, tracks),
            None,
            Vec::new(),
        ),
        metadata: Metadata::NONE,
    }
}

/// Three media, a jump cut, a dissolve, retimes.
fn cuts() -> Timeline {
    let speed = |num, den| vec![Effect::Speed(Ratio::new(num, den).unwrap())];
    timeline(vec![vec![
        clip("a", 10, 30, Vec::new()),
        clip("b", 0, 25, Vec::new()),
        clip("b", 100, 25, Vec::new()),
        clip("a", 60, 30, Vec::new()),
        dissolve(5, 5),
        clip("c", 20, 30, Vec::new()),
        clip("c", 0, 20, speed(2, 1)),
        clip("a", 0, 20, speed(-1, 1)),
        clip("b", 50, 20, speed(1, 2)),
        clip("c", 70, 10, vec![Effect::Freeze]),
    ]])
}

const CUTS_FRAMES: i64 = 30 + 25 + 25 + 30 + 30 + 20 + 20 + 20 + 10;

fn assert_right(rig: &Rig, played: &[PlannedFrame]) {
    for frame in played {
        assert_eq!(
            shown(frame),
            rig.wanted(frame.index),
            "layers of frame {}",
            frame.index
        );
    }
}

#[test]
fn every_frame_through_cuts_is_the_one_that_the_edit_names() {
    let mut rig = Rig::new(&cuts());
    assert_eq!(rig.edit.frames(), CUTS_FRAMES);
    let played = rig.play(plan(0, CUTS_FRAMES - 1, false, LoopMode::Off), usize::MAX);
    let order: Vec<i64> = played.iter().map(|frame| frame.index.0).collect();
    assert_eq!(order, (0..CUTS_FRAMES).collect::<Vec<_>>());
    assert_right(&rig, &played);
    for pair in played.windows(2) {
        assert_eq!(pair[0].run_end, pair[1].run, "run time has no gap");
    }
}

#[test]
fn backwards_and_in_strides_as_well() {
    let mut rig = Rig::new(&cuts());
    let last = CUTS_FRAMES - 1;
    let played = rig.play(plan(last, last, true, LoopMode::Off), usize::MAX);
    assert_eq!(played.len(), usize::try_from(CUTS_FRAMES).unwrap());
    assert_right(&rig, &played);
    let plan = VideoPlan {
        generation: Generation(2),
        stride: NonZeroU32::new(4).unwrap(),
        ..plan(0, last, false, LoopMode::Off)
    };
    let played = rig.play(plan, usize::MAX);
    assert_eq!(
        played.len(),
        usize::try_from(CUTS_FRAMES.div_euclid(4) + 1).unwrap()
    );
    assert_right(&rig, &played);
}
