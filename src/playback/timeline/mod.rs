//! Plays a timeline as if it were one medium.
//!
//! [`TimelineSource`] is a [`VideoSource`] of constant frame rate, so that the engine, the scheduler and
//! the sound need not know that there are cuts. Its thread, `timeline`, walks through the engine's plan;
//! for each frame it asks the [`Edit`](crate::timeline::Edit) for the layers, takes their pictures from
//! decode sessions, and puts a [`Composite`](crate::timeline::Composite) in the ring.
//!
//! # Cuts
//! A scout runs ahead of the frame that is due, by two seconds of play, through loops, turns
//! and reverse as the plan does. Each clip that it meets gets a session, which is opened, brought to the
//! clip's first frame and left with a full ring. So a cut costs what any other frame costs. The session
//! of a clip that has been left serves the next clip of the same medium, or is closed when it was not
//! used for longest and room is needed: sessions are priced in bytes, threads, files and processor time
//! ([`Limits`](feeds::Limits)).
//!
//! # Edits
//! A next revision of the edit ([`Reviser`]) takes the place of the present one between two frames.
//! Sessions whose media it uses as well go on where they are.
//!
//! # A hand
//! While the playhead is dragged slowly the sessions of the clips under the hand decode what lies around it,
//! and a clip that it comes to is made ready.
//!
//! # Quality
//! What is decoded is chosen for each clip: before its first frame, by who was given to
//! [`VideoSource::set_chooser`], and while it is seen by who measures how it plays. See [`steer`].
//!
//! # Lateness
//! Sessions decide themselves which frames they give up: each gets the engine's line, mapped to its own
//! run time ([`Feed::follow`](feed::Feed::follow)). A frame of the timeline is given up when a layer's is.

mod alternates;
mod compare;
mod feed;
mod feeds;
mod ground;
mod media;
mod open;
mod opening;
mod plan_walk;
mod references;
mod revision;
mod sides;
mod slates;
mod steer;
mod stills;
mod strip;
mod waveform;
mod worker;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

pub(crate) use alternates::Alternate;
pub use compare::{Compared, Comparison, MatchBy};
pub use media::{ClipMedia, TimelineMedia};
pub use open::{TimelineSettings, TimelineState};
pub use revision::Reviser;
pub use strip::{TimelineStrip, TimelineStripRequest, TimelineThumbnail};
pub use waveform::{TimelineWaveform, TimelineWaveformRequest};

use self::feeds::Limits;
use self::opening::{FeedOptions, FileSessionOpener};
use self::revision::NextRevision;
use self::worker::{Order, Worker};
use crate::cache::FrameCache;
use crate::decode::{
    ClipChooser, ClipLook, FrameConsumer, Generation, Gop, GopIndex, Hand, IndexStore, Rung,
    SharedAnchor, SharedRung, SourceStatus, Still, VideoPlan, VideoSource, frame_ring,
};
use crate::media::PictureTraits;
use crate::memory::FramePool;
use crate::playback::proxies::ProxyDesk;
use crate::time::{Clock, FrameIndex, MediaSpan};
use crate::timeline::Layer;

/// What a timeline's source needs from its surroundings.
#[derive(Clone)]
pub struct TimelineOptions {
    /// Threads inside each decoder.
    pub threads: NonZeroUsize,
    /// Where pictures go.
    pub pool: FramePool,
    /// Where they stay for later, if they do.
    pub cache: Option<Arc<FrameCache>>,
    /// Composites that may wait in the ring.
    pub ring_frames: usize,
    /// The clock that deadlines are in.
    pub clock: Arc<dyn Clock>,
    /// How the playhead moves.
    pub anchor: SharedAnchor,
    /// Called when something new can be seen.
    pub notify: Arc<dyn Fn() + Send + Sync>,
    /// Where the indices of files are kept from one opening to the next.
    pub indices: Option<Arc<dyn IndexStore>>,
    /// Who looks after proxies, if they may be used.
    pub proxies: Option<Arc<ProxyDesk>>,
}

/// What the thread shares with its handle.
#[derive(Default)]
struct Shared {
    ready: AtomicU64,
    damaged: AtomicU64,
    decoded: AtomicU64,
    /// Whether the sessions must not decode what nobody has asked for yet.
    no_prefetch: AtomicBool,
    at_hand: stills::AtHand,
    /// The hand that drags the playhead, since the last plan.
    hand: Mutex<Option<Hand>>,
    overflowed: AtomicU64,
    foreign: AtomicU64,
    repacked: AtomicU64,
    steering: steer::Steering,
    /// What is decoded: of the layers seen, the least.
    rung: SharedRung,
    left_out: AtomicU64,
    /// Whether any of those has proxies.
    has_proxies: AtomicBool,
    refusals: ArcSwap<Vec<Arc<str>>>,
}

impl Shared {
    /// Whether proxies are decoded for this frame, or will be. What is kept is of sources.
    fn shows_proxies(&self, frame: FrameIndex) -> bool {
        let is_proxy = |rung| matches!(rung, Rung::Half | Rung::Quarter);
        let (members, _) = self.members(frame);
        let last = self.steering.last_asked();
        if members.is_empty() {
            return last.is_some_and(|(_, rung)| is_proxy(rung))
                && self.has_proxies.load(Ordering::Relaxed);
        }
        // What was asked for a moment ago is not on the board yet.
        let newest = last.filter(|(at, _)| *at == frame).map(|(_, rung)| rung);
        let mut feeds = members.iter().map(|(_, feed)| feed);
        feeds.any(|feed| is_proxy(newest.unwrap_or(feed.asked)) && feed.has_proxies)
    }

    /// The layers of a frame that sessions show; and how long a frame is, where there are no others.
    fn members(&self, frame: FrameIndex) -> (Vec<steer::Member>, Option<MediaSpan>) {
        let (layers, span) = self.at_hand.layers(frame);
        let member = |layer: &Layer| Some((*layer, self.steering.of_clip(layer.clip)?));
        let members: Vec<_> = layers.iter().filter_map(member).collect();
        let are_all = members.len() == layers.len();
        (members, are_all.then_some(span))
    }
}

/// The handle of a timeline's thread. Dropping it ends the thread and all sessions.
pub struct TimelineSource {
    orders: Option<Sender<Order>>,
    newer_orders: Receiver<Order>,
    index: Arc<ArcSwap<GopIndex>>,
    next: NextRevision,
    shared: Arc<Shared>,
    /// Wakes the thread.
    wake: Sender<()>,
    fill: Arc<AtomicUsize>,
    capacity: usize,
    thread: Option<JoinHandle<()>>,
}

impl TimelineSource {
    /// Starts the thread. Nothing is opened before the first plan comes.
    pub fn start(
        media: TimelineMedia,
        options: TimelineOptions,
    ) -> std::io::Result<(Self, FrameConsumer)> {
        let index = GopIndex::constant(media.edit.rate(), media.edit.frames());
        let next = NextRevision::default();
        let (producer, consumer) = frame_ring(options.ring_frames);
        let (fill, capacity) = (producer.fill(), producer.capacity());
        let shared = Arc::new(Shared::default());
        let (wake, woken) = bounded(1);
        let most = NonZeroUsize::new(feeds::MOST_THREADS_EACH).unwrap_or(NonZeroUsize::MIN);
        let threads = options.threads.min(most);
        let feed_options = FeedOptions {
            threads,
            pool: options.pool.clone(),
            cache: options.cache,
            clock: Arc::clone(&options.clock),
            notify: Arc::new({
                let wake = wake.clone();
                move || {
                    // A token that already waits says the same.
                    let _already_awake = wake.try_send(());
                }
            }),
            indices: options.indices,
            proxies: options.proxies,
        };
        let opener = FileSessionOpener::start(&feed_options)?;
        let media = Arc::new(media);
        shared.at_hand.begin(&media);
        let (orders, incoming) = bounded(1);
        let newer_orders = incoming.clone();
        let worker = Worker::new(
            media,
            Box::new(opener),
            Limits::new(
                options.pool.usage().limit_bytes,
                threads.get(),
                options.threads.get() as u64,
            ),
            producer,
            worker::Surroundings {
                clock: options.clock,
                anchor: options.anchor,
                notify: options.notify,
                shared: Arc::clone(&shared),
                next: Arc::clone(&next),
            },
        );
        let thread = std::thread::Builder::new()
            .name("timeline".to_owned())
            .spawn(move || worker.run(&incoming, &woken))?;
        let source = Self {
            orders: Some(orders),
            newer_orders,
            index: Arc::new(ArcSwap::from_pointee(index)),
            next,
            shared,
            wake,
            fill,
            capacity,
            thread: Some(thread),
        };
        Ok((source, consumer))
    }

    /// What gives it the next revision of its edit.
    pub fn reviser(&self) -> Reviser {
        Reviser {
            next: Arc::clone(&self.next),
            shared: Arc::clone(&self.shared),
            index: Arc::clone(&self.index),
            wake: self.wake.clone(),
        }
    }
}

impl TimelineSource {
    /// The latest order wins: one that the thread has not taken yet is replaced.
    fn order(&self, mut order: Order) {
        let Some(orders) = &self.orders else { return };
        while let Err(crossbeam_channel::TrySendError::Full(returned)) = orders.try_send(order) {
            order = returned;
            let _stale = self.newer_orders.try_recv();
        }
    }
}

impl VideoSource for TimelineSource {
    fn set_plan(&mut self, plan: VideoPlan) {
        *self.shared.hand.lock() = None;
        self.order(Order::Plan(plan));
    }

    fn abandon(&mut self) {
        self.order(Order::Abandon);
    }

    fn follow_hand(&mut self, hand: Hand) {
        *self.shared.hand.lock() = Some(hand);
        let _already_awake = self.wake.try_send(());
    }

    fn status(&self) -> SourceStatus {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SourceStatus {
            ready: Generation(self.shared.ready.load(Ordering::Acquire)),
            failure: None,
            ring_fill: (self.fill.load(Ordering::Relaxed), self.capacity),
            damaged_packets: load(&self.shared.damaged),
            outside_pool: (load(&self.shared.overflowed), load(&self.shared.foreign)),
            repacked: load(&self.shared.repacked),
            decoded: load(&self.shared.decoded),
            rung: self.shared.rung.get(),
            has_proxies: self.shared.has_proxies.load(Ordering::Relaxed),
            cost: None,
            left_out: load(&self.shared.left_out),
            holds_lap: false,
        }
    }

    fn traits(&self, frame: FrameIndex) -> PictureTraits {
        self.shared.at_hand.traits(frame)
    }

    fn has_clips(&self) -> bool {
        true
    }

    fn set_chooser(&mut self, chooser: Arc<dyn ClipChooser>) {
        self.shared.steering.set_chooser(chooser);
    }

    fn clip_at(&self, frame: Option<FrameIndex>) -> Option<ClipLook> {
        let at = frame.unwrap_or_else(|| self.shared.steering.frame());
        let (members, span) = self.shared.members(at);
        steer::look_at(at, &members, span?)
    }

    fn set_clip_rung(&mut self, frame: FrameIndex, rung: Rung) {
        self.shared.steering.ask(frame, rung);
        let _already_awake = self.wake.try_send(());
    }

    fn refusals(&self) -> Option<Arc<Vec<Arc<str>>>> {
        Some(self.shared.refusals.load_full())
    }

    fn index(&self) -> Arc<GopIndex> {
        self.index.load_full()
    }

    fn allow_prefetch(&mut self, allowed: bool) {
        let forbidden = !allowed;
        if self.shared.no_prefetch.swap(forbidden, Ordering::Relaxed) != forbidden {
            let _already_awake = self.wake.try_send(());
        }
    }

    fn gop_at(&self, frame: FrameIndex) -> Option<Gop> {
        self.shared.at_hand.gop(frame)
    }

    fn proxy_gop(&self, frame: FrameIndex) -> Option<i64> {
        let (members, _) = self.shared.members(frame);
        // All layers must be decoded before the frame is there.
        let gops = members.iter().map(|(_, feed)| feed.proxy_gop);
        gops.sum::<Option<i64>>().filter(|&frames| frames > 0)
    }

    fn kept(&self, frames: Range<FrameIndex>) -> Vec<Range<FrameIndex>> {
        self.shared.at_hand.kept(frames)
    }

    fn still(&self, frame: FrameIndex) -> Option<Still> {
        let is_like = !self.shared.shows_proxies(frame);
        is_like.then(|| self.shared.at_hand.still(frame))?
    }

    fn nearest_still(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let is_like = !self.shared.shows_proxies(frame);
        is_like.then(|| self.shared.at_hand.nearest(frame, reach))?
    }
}

impl Drop for TimelineSource {
    fn drop(&mut self) {
        // A closed channel of orders is the order to end.
        self.orders = None;
        while self.newer_orders.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread `timeline` panicked");
        }
    }
}
