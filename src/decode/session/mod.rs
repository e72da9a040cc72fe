//! A decode session: one stream, one thread, one ring.
//!
//! The engine gives a session a [`VideoPlan`]; the session's thread decodes the frames that the plan
//! names, in its order, stamps them with the run time at which they are due, and puts them in its ring.
//! A full ring makes it wait. A new plan takes effect between two packets: libavcodec cannot stop in
//! the middle of one.
//!
//! A second thread, `index`, reads the file once to number its frames, or fetches what was kept of an
//! earlier reading. The session starts to play from the beginning without waiting for it; a seek waits
//! until the index covers its target.
//!
//! A third, `keyframes`, makes pictures of keyframes alone while the playhead is dragged. On the way to a plan's first
//! frame, what is passed can be looked at; see [`approach`].
//!
//! Proxies may be decoded in the stream's place; see [`rungs`].

mod approach;
mod forward;
mod indexer;
mod kept;
mod keyframes;
mod lap;
mod reverse;
mod rungs;
mod stands;
mod thin;
mod worker;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use arc_swap::{ArcSwap, ArcSwapOption};
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use self::approach::Approach;
use self::keyframes::Keyframes;
pub use self::rungs::{ProxyFile, ProxySlot, SharedRung};
use super::cost::CostMeter;
use super::frame_buffers::BufferCounters;
use super::index::GopIndex;
use super::index_reader::index_builder;
use super::input::Input;
use super::keeper::{FrameKeeper, IndexStore, stretches};
use super::plan::{Generation, RunAnchor, VideoPlan};
use super::ring::{FrameConsumer, Picture, frame_ring};
use super::rung::Rung;
use super::source::{Hand, SourceStatus, Still, VideoSource};
use super::source_file::Interrupter;
use super::video_reader::{DecodeError, ReaderOptions, VideoReader};
use crate::media::{PictureTrait, PictureTraits, Size, VideoFrame, VideoStream};
use crate::memory::FramePool;
use crate::time::{Clock, FrameIndex, MediaSpan};

/// Shared place where the engine publishes how the playhead moves.
pub type SharedAnchor = Arc<ArcSwapOption<RunAnchor>>;

/// What a session needs from its surroundings.
#[derive(Clone)]
pub struct SessionOptions {
    /// Threads inside the decoder.
    pub threads: NonZeroUsize,
    /// Where pictures go.
    pub pool: FramePool,
    /// Pictures that may wait in the ring.
    pub ring_frames: usize,
    /// Pictures that reverse play may hold beside the ring.
    pub reverse_frames: usize,
    /// Decoders that may stand in other places of the stream, beside the one in use and as far as the keeper has
    /// room for them.
    pub more_decoders: usize,
    /// The clock that deadlines are in.
    pub clock: Arc<dyn Clock>,
    /// How the playhead moves; without it nothing is ever late.
    pub anchor: SharedAnchor,
    /// Called from the session's threads when something new can be seen: a frame, more index, an end.
    pub notify: Arc<dyn Fn() + Send + Sync>,
    /// The complete index of the same stream, where another session has made it already.
    pub index: Option<Arc<GopIndex>>,
    /// Where indices are kept from one opening of a file to the next.
    pub indices: Option<Arc<dyn IndexStore>>,
    /// Where decoded frames are kept; without it every frame is decoded each time.
    pub keeper: Option<Arc<dyn FrameKeeper>>,
    /// Where verified proxies of the stream are found; without it there are none.
    pub proxies: Option<Arc<ProxySlot>>,
}

impl SessionOptions {
    /// How its readers work.
    fn reader(&self, interrupter: Interrupter) -> ReaderOptions {
        ReaderOptions {
            threads: self.threads,
            pool: self.pool.clone(),
            clock: Arc::clone(&self.clock),
            interrupter,
        }
    }
}

/// What the threads of a session share with its handle.
pub(super) struct Shared {
    ready: AtomicU64,
    /// The newest generation whose plan was given up.
    abandoned: AtomicU64,
    failure: Mutex<Option<Arc<str>>>,
    index: ArcSwap<GopIndex>,
    damaged: AtomicU64,
    decoded: AtomicU64,
    interlaced: AtomicBool,
    /// Whether what nobody has asked for yet may be decoded.
    prefetch: AtomicBool,
    /// The hand that drags the playhead, since the last plan.
    hand: Mutex<Option<Hand>>,
    /// What is to be decoded, and what is.
    asked_rung: SharedRung,
    rung: SharedRung,
    /// What the present rung costs.
    meter: Mutex<CostMeter>,
    left_out: AtomicU64,
    holds_lap: AtomicBool,
    approach: Approach,
    fill: Arc<AtomicUsize>,
    notify: Arc<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn set_ready(&self, generation: Generation) {
        self.ready.fetch_max(generation.0, Ordering::Release);
    }

    fn is_abandoned(&self, generation: Generation) -> bool {
        generation.0 <= self.abandoned.load(Ordering::Acquire)
    }
}

/// The handle of a session's threads. Dropping it ends them.
pub struct VideoSession {
    plans: Option<Sender<VideoPlan>>,
    newer_plans: Receiver<VideoPlan>,
    /// The plan given last.
    given: Generation,
    shared: Arc<Shared>,
    capacity: usize,
    /// Of the source's pictures.
    size: Size,
    counters: Arc<BufferCounters>,
    interrupter: Interrupter,
    keeper: Option<Arc<dyn FrameKeeper>>,
    proxies: Option<Arc<ProxySlot>>,
    /// Wakes the thread that decodes.
    wake: Sender<()>,
    keyframes: Keyframes,
    threads: Vec<JoinHandle<()>>,
}

impl VideoSession {
    /// Starts the threads for `stream` of an open container, at its beginning. No frame is decoded
    /// before the first plan comes.
    pub fn start(
        input: Input,
        stream: VideoStream,
        options: SessionOptions,
    ) -> Result<(Self, FrameConsumer), DecodeError> {
        let file = input.same_file()?;
        let keyframes = Keyframes::new(
            format!("keyframes {}", thread_name(file.path())),
            file.again()?,
            stream.clone(),
            keyframes::Surroundings {
                pool: options.pool.clone(),
                clock: Arc::clone(&options.clock),
                notify: Arc::clone(&options.notify),
            },
        );
        let interrupter = input.interrupter();
        let reader_options = options.reader(interrupter.clone());
        let (producer, consumer) = frame_ring(options.ring_frames);
        let capacity = producer.capacity();
        let known = options.index.clone().filter(|index| index.is_complete());
        let must_read = known.is_none();
        let indices = options.indices.clone();
        let ledger = options.pool.ledger();
        let shared = Arc::new(Shared {
            ready: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            failure: Mutex::new(None),
            index: known.map_or_else(
                || ArcSwap::from_pointee(index_builder(&stream).publish(false)),
                ArcSwap::from,
            ),
            damaged: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
            interlaced: AtomicBool::new(false),
            prefetch: AtomicBool::new(true),
            hand: Mutex::new(None),
            asked_rung: SharedRung::default(),
            rung: SharedRung::default(),
            meter: Mutex::default(),
            left_out: AtomicU64::new(0),
            holds_lap: AtomicBool::new(false),
            approach: Approach::default(),
            fill: producer.fill(),
            notify: Arc::clone(&options.notify),
        });
        let wake = producer.waker();
        let (plans, orders) = bounded(1);
        let newer_plans = orders.clone();
        let name = thread_name(file.path());
        let mut session = Self {
            plans: Some(plans),
            newer_plans,
            given: Generation::default(),
            shared: Arc::clone(&shared),
            capacity,
            size: stream.size,
            counters: Arc::default(),
            interrupter: interrupter.clone(),
            keeper: options.keeper.clone(),
            proxies: options.proxies.clone(),
            wake: wake.clone(),
            keyframes,
            threads: Vec::new(),
        };
        // The decoder is opened on its own thread, so that the threads FFmpeg starts bear its name.
        let (send, opened) = bounded(1);
        let work = {
            let (shared, stream) = (Arc::clone(&shared), stream.clone());
            move || match VideoReader::new(input, stream, reader_options) {
                Ok(reader) => {
                    // A handle that is gone already ends the worker at its first look for orders.
                    let _listened = send.send(Ok(Arc::clone(reader.buffer_counters())));
                    worker::Worker::new(reader, producer, orders, shared, options).run();
                }
                Err(error) => {
                    let _listened = send.send(Err(error));
                }
            }
        };
        session.spawn(format!("decode {name}"), work)?;
        session.counters = opened.recv().unwrap_or_else(|_panicked| {
            Err(DecodeError::Decoder(
                name.clone(),
                "its thread broke down".to_owned(),
            ))
        })?;
        let indexer = indexer::Indexer {
            file,
            indices,
            ledger,
            stream,
            shared,
            wake,
            interrupter,
        };
        if must_read {
            session.spawn(format!("index {name}"), move || indexer.run())?;
        }
        Ok((session, consumer))
    }

    fn spawn(
        &mut self,
        name: String,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), DecodeError> {
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(body)
            .map_err(|error| DecodeError::Decoder(name, error.to_string()))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Whether what is asked for is decoded from a proxy. Then the source's pictures, which are at hand in
    /// places, are not shown: one frame would be sharper than the next. A proxy's are there soon enough.
    fn shows_proxy(&self) -> bool {
        self.has_proxy_for(self.shared.asked_rung.get())
    }

    fn kept_near(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let keeper = self.keeper.as_ref().filter(|_| !self.shows_proxy())?;
        keeper.nearest(frame, reach).map(still_of)
    }

    /// Whether a proxy is decoded when `rung` is asked for.
    fn has_proxy_for(&self, rung: Rung) -> bool {
        let slot = self.proxies.as_ref();
        slot.is_some_and(|slot| slot.serving(rung).is_some())
    }
}

impl VideoSource for VideoSession {
    fn set_plan(&mut self, plan: VideoPlan) {
        let Some(plans) = &self.plans else { return };
        self.given = plan.generation;
        *self.shared.hand.lock() = None;
        // The latest plan wins: one that the thread has not taken yet is replaced.
        let mut plan = plan;
        while let Err(crossbeam_channel::TrySendError::Full(returned)) = plans.try_send(plan) {
            plan = returned;
            let _stale = self.newer_plans.try_recv();
        }
    }

    fn abandon(&mut self) {
        self.shared
            .abandoned
            .fetch_max(self.given.0, Ordering::Release);
        let _not_taken_yet = self.newer_plans.try_recv();
    }

    fn follow_hand(&mut self, hand: Hand) {
        *self.shared.hand.lock() = Some(hand);
        let _already_awake = self.wake.try_send(());
    }

    fn status(&self) -> SourceStatus {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SourceStatus {
            ready: Generation(self.shared.ready.load(Ordering::Acquire)),
            failure: self.shared.failure.lock().clone(),
            ring_fill: (self.shared.fill.load(Ordering::Relaxed), self.capacity),
            damaged_packets: load(&self.shared.damaged),
            outside_pool: (
                load(&self.counters.overflowed),
                load(&self.counters.foreign),
            ),
            repacked: load(&self.counters.repacked),
            decoded: load(&self.shared.decoded),
            rung: self.shared.rung.get(),
            has_proxies: self.has_proxy_for(Rung::Half),
            cost: self.shared.meter.lock().cost(),
            left_out: load(&self.shared.left_out),
            holds_lap: self.shared.holds_lap.load(Ordering::Relaxed),
        }
    }

    fn proxy_gop(&self, _frame: FrameIndex) -> Option<i64> {
        let slot = self.proxies.as_ref()?;
        slot.serving(self.shared.asked_rung.get())
            .map(|file| file.index.mean_gop())
    }

    fn set_rung(&mut self, rung: Rung) {
        self.shared.asked_rung.set(rung);
        let _already_awake = self.wake.try_send(());
    }

    fn refusals(&self) -> Option<Arc<Vec<Arc<str>>>> {
        self.proxies.as_ref().map(|slot| slot.refusals())
    }

    fn rungs(&self) -> Vec<(Rung, Size)> {
        let own = [Rung::Source, Rung::Thinned, Rung::Keyframes].map(|rung| (rung, self.size));
        let proxies = self.proxies.as_ref().map(|slot| slot.sizes());
        let mut rungs: Vec<_> = own.into_iter().chain(proxies.unwrap_or_default()).collect();
        rungs.sort_by_key(|(rung, _)| *rung);
        rungs
    }

    fn rungs_revision(&self) -> u64 {
        self.proxies.as_ref().map_or(0, |slot| slot.revision())
    }

    fn traits(&self, _frame: FrameIndex) -> PictureTraits {
        let is_interlaced = self.shared.interlaced.load(Ordering::Relaxed);
        PictureTraits::default().with(PictureTrait::Interlaced, is_interlaced)
    }

    fn index(&self) -> Arc<GopIndex> {
        self.shared.index.load_full()
    }

    fn allow_prefetch(&mut self, allowed: bool) {
        let before = self.shared.prefetch.swap(allowed, Ordering::Relaxed);
        if allowed && !before {
            let _already_awake = self.wake.try_send(());
        }
    }

    fn still(&self, frame: FrameIndex) -> Option<Still> {
        self.kept_near(frame, 0)
    }

    fn nearest_still(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let passed = self.shared.approach.near(frame, reach);
        let passed = passed.filter(|_| !self.shows_proxy());
        let near = [self.kept_near(frame, reach), passed];
        let near = near.into_iter().flatten();
        near.min_by_key(|still| still.away_from(frame))
    }

    fn kept(&self, frames: Range<FrameIndex>) -> Vec<Range<FrameIndex>> {
        let keeper = self.keeper.as_ref();
        keeper.map_or_else(Vec::new, |keeper| {
            stretches(frames, |frame| keeper.has(frame))
        })
    }

    fn want_keyframe(&mut self, frame: FrameIndex) {
        if !self.shows_proxy() {
            self.keyframes.want(frame, self.shared.index.load_full());
        }
    }

    fn keyframe_near(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let is_like = !self.shows_proxy();
        is_like.then(|| self.keyframes.nearest(frame, reach))?
    }
}

impl Drop for VideoSession {
    fn drop(&mut self) {
        self.interrupter.interrupt();
        // A closed channel of plans is the order to end.
        self.plans = None;
        while self.newer_plans.try_recv().is_ok() {}
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("the thread `{name}` panicked");
            }
        }
    }
}

fn still_of((index, frame): (FrameIndex, Arc<VideoFrame>)) -> Still {
    Still {
        index,
        picture: Picture::Frame(frame),
    }
}

/// The last part of the file's name, short enough for the 15 letters that Linux shows.
fn thread_name(path: &Path) -> String {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name.chars().filter(|c| *c != '\0').take(15).collect()
}

/// What a lap's arithmetic needs to know of the range: nothing is longer than this.
const FAR: MediaSpan = MediaSpan::from_secs(10 * 365 * 24 * 3600);
