//! The timeline's thread: takes plans, binds layers to sessions, fills the ring.

mod ahead;
mod choose;
mod hand;

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, select};

use super::Shared;
use super::feed::{Aim, Chosen, Feed, Got, Pace, Use};
use super::feeds::{Feeds, Limits, Wanted};
use super::media::{SourceState, TimelineMedia};
use super::opening::SessionOpener;
use super::plan_walk::PlanWalk;
use super::revision::NextRevision;
use super::{ground, sides, slates};
use crate::decode::{
    ClipUse, FrameProducer, Generation, Picture, PlannedFrame, RingItem, RunAnchor, Rung,
    SharedAnchor, VideoPlan,
};
use crate::media::FieldOrder;
use crate::time::{Clock, FrameIndex, MediaSpan};
use crate::timeline::{
    ClipId, Composite, CompositeLayer, CompositeOp, Content, Generator, Layer, Located, SourceId,
    VideoOp,
};

/// What the thread is told.
pub(super) enum Order {
    /// Play this.
    Plan(VideoPlan),
    /// Nobody wants the frames of the plan any more.
    Abandon,
}

/// What the worker shares with others.
pub(super) struct Surroundings {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) anchor: SharedAnchor,
    pub(super) notify: Arc<dyn Fn() + Send + Sync>,
    pub(super) shared: Arc<Shared>,
    pub(super) next: NextRevision,
}

/// What one round of work came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// There is more to do.
    Go,
    /// Sleep until somebody wakes us.
    Wait,
}

/// A frame of the plan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) generation: Generation,
    pub(super) frame: FrameIndex,
    /// When it is due, and until when.
    pub(super) run: (MediaSpan, MediaSpan),
    pub(super) lap: u32,
    pub(super) reverse: bool,
    pub(super) stride: NonZeroU32,
    /// Whether it may be given up: the first of a plan and the last of a lap are shown however late.
    pub(super) may_skip: bool,
}

impl Now {
    fn of(walk: &mut PlanWalk) -> Self {
        Self {
            generation: walk.plan().generation,
            frame: walk.frame(),
            run: walk.run(),
            lap: walk.lap(),
            reverse: walk.is_reverse(),
            stride: walk.plan().stride,
            may_skip: !walk.is_first() && !walk.is_last_of_lap(),
        }
    }

    pub(super) fn user(&self, layer: &Layer) -> Use {
        Use {
            clip: layer.clip,
            lap: self.lap,
        }
    }
}

/// A clip that will be needed.
#[derive(Debug, Clone, Copy)]
struct Soon {
    /// Its layer in the first frame that needs it.
    layer: Layer,
    /// That frame.
    now: Now,
    /// The frame's place in the plan.
    count: u64,
    /// Whether its session has been told.
    aimed: bool,
    /// What it was chosen with what is decoded of it.
    chosen: Option<Chosen>,
}

/// What there is of a layer.
enum Layered {
    Here(Here),
    Wait,
    GivenUp,
}

/// What a layer shows.
pub(super) struct Here {
    pub(super) content: Content,
    /// What is missing, in a line.
    pub(super) missing: Option<Arc<str>>,
    pub(super) demux: Duration,
    pub(super) decode: Duration,
}

impl Here {
    /// What needed no decoding.
    pub(super) fn made(content: Content) -> Self {
        Self {
            content,
            missing: None,
            demux: Duration::ZERO,
            decode: Duration::ZERO,
        }
    }
}

/// Owned by the timeline's thread. Tests call [`Self::take`] and [`Self::step`] themselves.
pub(super) struct Worker {
    media: Arc<TimelineMedia>,
    states: Vec<SourceState>,
    feeds: Feeds,
    ring: FrameProducer,
    around: Surroundings,
    // The plan.
    walk: Option<PlanWalk>,
    scout: Option<PlanWalk>,
    soon: VecDeque<Soon>,
    /// The clips in the frame that is due.
    present: Vec<Use>,
    given_up: u32,
    /// The clip of the lowest layer, hidden or not.
    lowest: Option<ClipId>,
    /// The hand that drags the playhead, between two plans.
    followed: Option<hand::Followed>,
    /// Where the second side of a comparison begins in `ops`.
    second: Option<usize>,
    pending: VecDeque<RingItem>,
    line: Option<Arc<RunAnchor>>,
    // Kept for their memory.
    ops: Vec<VideoOp>,
    scout_ops: Vec<VideoOp>,
}

impl Worker {
    pub(super) fn new(
        media: impl Into<Arc<TimelineMedia>>,
        opener: Box<dyn SessionOpener>,
        limits: Limits,
        ring: FrameProducer,
        around: Surroundings,
    ) -> Self {
        let media = media.into();
        let states = media.edit.sources().iter().map(|_| SourceState::Unknown);
        Self {
            states: states.collect(),
            media,
            feeds: Feeds::new(opener, limits),
            ring,
            around,
            walk: None,
            scout: None,
            soon: VecDeque::new(),
            present: Vec::new(),
            given_up: 0,
            lowest: None,
            followed: None,
            second: None,
            pending: VecDeque::new(),
            line: None,
            ops: Vec::new(),
            scout_ops: Vec::new(),
        }
    }

    /// Works until the handle is dropped.
    pub(super) fn run(mut self, orders: &Receiver<Order>, woken: &Receiver<()>) {
        let mut state = Work::Wait;
        loop {
            let order = match state {
                Work::Go => match orders.try_recv() {
                    Ok(order) => Some(order),
                    Err(TryRecvError::Empty) => None,
                    Err(TryRecvError::Disconnected) => return,
                },
                Work::Wait => select! {
                    recv(orders) -> order => match order {
                        Ok(order) => Some(order),
                        Err(_handle_dropped) => return,
                    },
                    recv(self.ring.space()) -> _ => None,
                    recv(woken) -> _ => None,
                },
            };
            // A revision comes before the plan that is made for it.
            let next = self.around.next.lock().take();
            if let Some(media) = next {
                self.revise(media);
            }
            match order {
                Some(Order::Plan(plan)) => self.take(plan),
                Some(Order::Abandon) => self.abandon(),
                None => {}
            }
            state = self.step();
        }
    }

    /// Asks the sessions for nothing more before the next plan.
    pub(super) fn abandon(&mut self) {
        (self.walk, self.scout) = (None, None);
        self.soon.clear();
        self.pending.clear();
    }

    /// Begins a plan.
    pub(super) fn take(&mut self, plan: VideoPlan) {
        let edit = &self.media.edit;
        let walk = PlanWalk::new(plan, edit.rate(), edit.frames());
        self.scout = Some(walk.clone());
        self.walk = Some(walk);
        self.soon.clear();
        self.present.clear();
        self.pending.clear();
        self.given_up = 0;
        // What was asked for before the plan holds for it.
        self.follow_asked();
        self.feeds.begin_plan();
    }

    /// Does a little.
    pub(super) fn step(&mut self) -> Work {
        let states = &mut self.states;
        let media = &self.media;
        let shared = &self.around.shared;
        let mut is_news = false;
        self.feeds.take_opened(|source, opened| {
            is_news = true;
            if let Some(state) = states.get_mut(source.0 as usize) {
                match opened {
                    Ok(known) => {
                        shared.at_hand.learn(media, source, known);
                        *state = SourceState::Ready(Arc::clone(known));
                    }
                    Err(reason) => {
                        tracing::warn!("{reason}");
                        *state = SourceState::Slate(slates::failed(media, source, &reason));
                    }
                }
            }
        });
        self.follow_asked();
        is_news |= self.feeds.learn_indices();
        if is_news {
            (self.around.notify)();
        }
        self.publish_counts();
        self.follow_line();
        self.follow_hand();
        // Those that wait for their clip would take room from those that are seen.
        let may_prefetch = !self.around.shared.no_prefetch.load(Ordering::Relaxed);
        self.feeds
            .allow_prefetch(|user| may_prefetch && self.present.contains(&user));
        if !self.flush_pending() {
            self.look_ahead();
            return Work::Wait;
        }
        let Some(walk) = &mut self.walk else {
            return Work::Wait;
        };
        let frame = walk.frame();
        self.media.edit.video_at(frame, &mut self.ops);
        self.lowest = ground::lowest(&self.ops);
        self.cull();
        let work = self.compose();
        self.look_ahead();
        work
    }

    /// Sums up what the sessions count, and writes down how they do; those that were closed no longer count.
    fn publish_counts(&mut self) {
        let shared = &self.around.shared;
        let (mut damaged, mut repacked, mut decoded, mut left_out) = (0, 0, 0, 0);
        let mut outside = (0, 0);
        let (mut rung, mut has_proxies, mut is_news) = (Rung::Source, false, false);
        let mut looks = Vec::with_capacity(self.feeds.live().len());
        for feed in self.feeds.live_mut() {
            let status = feed.session.status();
            damaged += status.damaged_packets;
            repacked += status.repacked;
            decoded += status.decoded;
            outside.0 += status.outside_pool.0;
            outside.1 += status.outside_pool.1;
            left_out += feed.take_left_out(&status);
            feed.learn_rungs();
            let look = feed.look(&status, &self.present);
            if look.as_ref().is_some_and(|look| look.is_present) {
                rung = rung.max(status.rung);
                has_proxies |= status.has_proxies;
            }
            looks.extend(look);
            is_news |= note_refusals(shared, feed);
        }
        shared.damaged.store(damaged, Ordering::Relaxed);
        shared.repacked.store(repacked, Ordering::Relaxed);
        shared.decoded.store(decoded, Ordering::Relaxed);
        shared.left_out.fetch_add(left_out, Ordering::Relaxed);
        is_news |= shared.rung.set(rung);
        is_news |= shared.has_proxies.swap(has_proxies, Ordering::Relaxed) != has_proxies;
        let walk = self.walk.as_ref();
        let frame = walk.map_or_else(|| shared.steering.frame(), PlanWalk::frame);
        shared.steering.publish(frame, looks);
        if is_news {
            (self.around.notify)();
        }
        shared.overflowed.store(outside.0, Ordering::Relaxed);
        shared.foreign.store(outside.1, Ordering::Relaxed);
    }

    fn follow_line(&mut self) {
        let line = self.around.anchor.load_full();
        let same = match (&line, &self.line) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        if !same {
            self.feeds.follow(line.as_deref());
            self.line = line;
        }
    }

    /// Takes away the layers that nobody can see, as far as the media are known.
    fn cull(&mut self) {
        self.second = sides::cull(&mut self.ops, &self.states, &self.media);
    }

    /// Puts the frame that is due in the ring if all its pictures are there.
    fn compose(&mut self) -> Work {
        let Some(now) = self.walk.as_mut().map(Now::of) else {
            return Work::Wait;
        };
        self.present.clear();
        let uses = layers(&self.ops).map(|layer| now.user(layer));
        self.present.extend(uses);
        let mut composite = Composite {
            canvas: self.media.canvas,
            ops: Vec::with_capacity(self.ops.len()),
            missing: Vec::new(),
            compare: None,
        };
        let (mut demux, mut decode) = (Duration::ZERO, Duration::ZERO);
        let (mut waits, mut skipped) = (false, false);
        for place in 0..self.ops.len() {
            let op = match self.ops[place] {
                VideoOp::BeginGroup => CompositeOp::BeginGroup,
                VideoOp::EndGroup { look, mix } => CompositeOp::EndGroup { look, mix },
                VideoOp::Layer(layer) => match self.content_of(&layer, &now) {
                    Layered::Here(here) => {
                        demux += here.demux;
                        decode += here.decode;
                        composite.missing.extend(here.missing);
                        let content = here.content;
                        let look = slates::look_over(&composite.ops, &self.media, &layer);
                        let mix = layer.mix;
                        CompositeOp::Layer(CompositeLayer { content, look, mix })
                    }
                    // The other layers are asked all the same, so that all work at once.
                    Layered::Wait => {
                        waits = true;
                        continue;
                    }
                    Layered::GivenUp => {
                        skipped = true;
                        continue;
                    }
                },
            };
            composite.ops.push(op);
        }
        if skipped {
            self.given_up += 1;
            return self.advance();
        }
        if waits {
            return Work::Wait;
        }
        if let Some(second) = self.second {
            sides::enclose(&mut composite, second);
        } else {
            let (ops, lowest) = (&self.ops, self.lowest);
            ground::lay(&mut composite.ops, ops, lowest, &self.states, &self.media);
        }
        self.pending.push_back(RingItem::Frame(PlannedFrame {
            generation: now.generation,
            index: now.frame,
            run: now.run.0,
            run_end: now.run.1,
            picture: Picture::Composite(Arc::new(composite)),
            given_up: std::mem::take(&mut self.given_up),
            demux,
            decode,
            ready: self.around.clock.now(),
        }));
        self.advance()
    }

    fn advance(&mut self) -> Work {
        let Some(walk) = &mut self.walk else {
            return Work::Wait;
        };
        if !walk.advance() {
            let (generation, run) = (walk.plan().generation, walk.lap_run());
            self.walk = None;
            self.pending.push_back(RingItem::End { generation, run });
        }
        Work::Go
    }

    /// Moves what is pending into the ring. False when something is left over.
    fn flush_pending(&mut self) -> bool {
        while let Some(item) = self.pending.pop_front() {
            let generation = item.generation();
            match self.ring.push(item) {
                Ok(()) => {
                    let ready = &self.around.shared.ready;
                    ready.fetch_max(generation.0, Ordering::Release);
                    (self.around.notify)();
                }
                Err(item) => {
                    self.pending.push_front(item);
                    return false;
                }
            }
        }
        true
    }

    /// What a layer shows.
    fn content_of(&mut self, layer: &Layer, now: &Now) -> Layered {
        if let Some(here) = self.without_session(layer.source) {
            return Layered::Here(here);
        }
        let Some(feed) = self.feed_for(layer, now, true) else {
            return Layered::Wait;
        };
        let media = Arc::clone(&feed.media);
        let Some(aim) = feed.aim_of(layer, now) else {
            return Layered::Wait;
        };
        let (demux, decode, picture) = match feed.take(aim.frame, !now.may_skip) {
            Got::Wait => return Layered::Wait,
            Got::GivenUp => return Layered::GivenUp,
            Got::Frame(frame) => (frame.demux, frame.decode, frame.picture.clone()),
        };
        match picture {
            Picture::Frame(frame) => {
                if frame.fields != FieldOrder::Progressive {
                    media.saw_fields();
                }
                let display = media.stream.display_size_of(frame.shown_as());
                let orientation = media.stream.orientation;
                Layered::Here(Here {
                    content: Content::Frame {
                        frame,
                        orientation,
                        display,
                    },
                    missing: None,
                    demux,
                    decode,
                })
            }
            Picture::Missing(reason) => {
                Layered::Here(slates::failed(&self.media, layer.source, &reason).here())
            }
            // Sessions of media deliver no composites.
            Picture::Composite(_) => Layered::Wait,
        }
    }

    /// The session that shows `layer`, aimed at the frame that is due.
    fn feed_for(&mut self, layer: &Layer, now: &Now, urgent: bool) -> Option<&mut Feed> {
        let state = self.states.get(layer.source.0 as usize)?;
        let (present, soon) = (&self.present, &self.soon);
        let is_needed = |user: Use| {
            present.contains(&user) || soon.iter().any(|soon| soon.now.user(&soon.layer) == user)
        };
        let wanted = Wanted {
            user: now.user(layer),
            source: layer.source,
            urgent,
            present: present.len(),
        };
        let feed = self.feeds.find(wanted, &self.media, state, is_needed)?;
        if feed.chosen().is_none() {
            let what_for = if urgent {
                ClipUse::Now
            } else {
                ClipUse::Coming
            };
            self.choose(now, what_for, true);
        }
        let feed = self.feeds.serving(wanted.user)?;
        let aim = feed.aim_of(layer, now)?;
        let frame_span = self.media.edit.rate().frame_span_nearest();
        let pace = Pace {
            generation: now.generation,
            begin: now.run.0,
            advance: layer.advance,
            frame: frame_span,
        };
        if feed.reaches(&aim) {
            feed.go_on(&aim, pace);
        } else {
            let until = ahead::until(&self.media, layer, now, feed);
            feed.aim(&Aim { until, ..aim }, pace, self.line.as_deref());
        }
        feed.follow(self.line.as_deref());
        Some(feed)
    }

    /// What needs no session: generated pictures, and cards for what is missing.
    fn without_session(&mut self, source: SourceId) -> Option<Here> {
        let number = source.0 as usize;
        let (state, located) = (
            self.states.get_mut(number)?,
            self.media.located.get(number)?,
        );
        if let SourceState::Slate(slate) = state {
            return Some(slate.here());
        }
        let content = match located {
            Located::File(_) | Located::Sequence(_) => return None,
            Located::Generated(generator) => match generator {
                Generator::Solid(color) => Content::Solid(*color),
                Generator::Bars => Content::Bars,
                Generator::Checkerboard => Content::Checkerboard,
                Generator::Unknown => {
                    let slate = slates::unknown(&self.media, source);
                    let here = slate.here();
                    *state = SourceState::Slate(slate);
                    return Some(here);
                }
            },
            Located::Missing(missing) => {
                let slate = slates::missing(&self.media, source, missing);
                let here = slate.here();
                *state = SourceState::Slate(slate);
                return Some(here);
            }
        };
        Some(Here::made(content))
    }
}

/// Adds what a session tells of its proxies to what others told. Answers whether any of it is new.
fn note_refusals(shared: &Shared, feed: &Feed) -> bool {
    let Some(told) = feed.session.refusals() else {
        return false;
    };
    let known = shared.refusals.load();
    let is_new = |reason: &&Arc<str>| !known.contains(reason);
    let is_news = told.iter().any(|reason| is_new(&reason));
    if is_news {
        let new = told.iter().filter(is_new);
        let all: Vec<_> = known.iter().chain(new).cloned().collect();
        shared.refusals.store(Arc::new(all));
    }
    is_news
}

/// The layers of a frame.
fn layers(ops: &[VideoOp]) -> impl Iterator<Item = &Layer> {
    ops.iter().filter_map(|op| match op {
        VideoOp::Layer(layer) => Some(layer),
        VideoOp::BeginGroup | VideoOp::EndGroup { .. } => None,
    })
}
