//! The decode thread: plans in, blocks out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use ringbuf::HeapProd;
use ringbuf::traits::{Observer, Producer};

use super::AudioPlan;
use super::block::{AudioBlock, DeviceFormat};
use super::run_stream::RunStream;
use super::shared::Shared;
use super::source::SampleSource;
use super::window::MediaWindow;
use crate::decode::{AudioReader, Generation};
use crate::media::StreamId;
use crate::time::{Clock, MediaSpan, MediaTime, Moment, Speed};

/// Sound that must wait in the ring before a plan may start.
const READY_MILLIS: i64 = 100;
/// Time between looks at a full ring: a quarter of what it holds ahead.
const FULL_RING_WAIT: Duration = Duration::from_millis(100);
/// Time between looks when there is nothing to do; letters wake the thread.
const IDLE_WAIT: Duration = Duration::from_secs(10);
/// How far ahead of the playhead decoding starts when a device appears in mid-play.
const JOIN_AHEAD: Duration = Duration::from_millis(150);

/// The ring's end that is filled, and the format it wants.
pub(crate) struct Outlet {
    pub producer: HeapProd<AudioBlock>,
    pub format: DeviceFormat,
}

/// Which ring to fill.
pub(crate) enum OutletOrder {
    /// This one.
    Fill(Outlet),
    /// None.
    None,
}

/// What to read.
pub(crate) enum SourceOrder {
    /// A stream of a file.
    File {
        path: PathBuf,
        stream: StreamId,
        time_zero: MediaTime,
    },
    /// A source that is open already.
    #[cfg(test)]
    Ready(Box<dyn SampleSource>),
    /// Nothing.
    None,
}

/// Where the playhead is, for a device that joins in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Playhead {
    pub generation: Generation,
    pub run: MediaSpan,
    pub speed: Speed,
    /// The moment at which `run` is or was due; `None` when it is held there.
    pub at: Option<Moment>,
}

/// Letters for the decode thread. A newer one replaces an older one that was not read yet, so nobody
/// ever waits to post.
#[derive(Default)]
struct Letters {
    source: Option<SourceOrder>,
    plan: Option<AudioPlan>,
    outlet: Option<OutletOrder>,
    playhead: Option<Playhead>,
    quit: bool,
}

/// The decode thread's letter box.
#[derive(Default)]
pub(crate) struct SessionMailbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
}

impl std::fmt::Debug for SessionMailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionMailbox").finish_non_exhaustive()
    }
}

impl SessionMailbox {
    fn post(&self, write: impl FnOnce(&mut Letters)) {
        write(&mut self.letters.lock());
        self.arrived.notify_one();
    }

    /// Reads another medium. Plans posted before are forgotten.
    pub(crate) fn set_source(&self, order: SourceOrder) {
        self.post(|letters| {
            letters.source = Some(order);
            letters.plan = None;
        });
    }

    pub(crate) fn set_plan(&self, plan: AudioPlan) {
        self.post(|letters| letters.plan = Some(plan));
    }

    /// Fills another ring, or none.
    pub(crate) fn set_outlet(&self, order: OutletOrder) {
        self.post(|letters| letters.outlet = Some(order));
    }

    pub(crate) fn set_playhead(&self, playhead: Playhead) {
        self.letters.lock().playhead = Some(playhead);
    }

    pub(crate) fn quit(&self) {
        self.post(|letters| letters.quit = true);
    }

    /// Waits for a letter, `limit` at most.
    fn wait(&self, limit: Duration) {
        let mut letters = self.letters.lock();
        let waiting = letters.source.is_some()
            || letters.plan.is_some()
            || letters.outlet.is_some()
            || letters.quit;
        if !waiting {
            self.arrived.wait_for(&mut letters, limit);
        }
    }
}

/// What the medium's sound is like, for the engine to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum SourceState {
    /// No medium, or one without sound.
    #[default]
    None,
    /// It is being opened, or can be read.
    Open,
    /// It cannot be read, for this reason.
    Failed(String),
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is more to do.
    Busy,
    /// Nothing to do before a letter arrives or this time has passed.
    Wait(Duration),
    /// The thread is to end.
    Quit,
}

/// The decode thread's state. Tests call [`Self::step`] themselves; the player's thread calls it in
/// [`Self::run`].
pub(crate) struct Session {
    mailbox: Arc<SessionMailbox>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<SourceState>>,
    window: Option<MediaWindow>,
    outlet: Option<Outlet>,
    plan: Option<AudioPlan>,
    stream: Option<RunStream>,
    /// A block that found the ring full.
    waiting: Option<AudioBlock>,
    /// Frames queued since the stream was started.
    queued_frames: i64,
}

impl Session {
    /// A session without medium, plan or outlet.
    pub(crate) fn new(
        mailbox: Arc<SessionMailbox>,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
        state: Arc<Mutex<SourceState>>,
    ) -> Self {
        Self {
            mailbox,
            shared,
            clock,
            state,
            window: None,
            outlet: None,
            plan: None,
            stream: None,
            waiting: None,
            queued_frames: 0,
        }
    }

    /// Works until told to quit.
    pub(crate) fn run(mut self) {
        loop {
            match self.step() {
                Step::Busy => {}
                Step::Wait(limit) => self.mailbox.wait(limit),
                Step::Quit => return,
            }
        }
    }

    /// Reads letters, then makes and queues one block at most.
    pub(crate) fn step(&mut self) -> Step {
        if self.read_letters() {
            return Step::Quit;
        }
        let (Some(window), Some(outlet)) = (&mut self.window, &mut self.outlet) else {
            self.shared.set_ready(self.plan.map(|plan| plan.generation));
            return Step::Wait(IDLE_WAIT);
        };
        let Some(stream) = &mut self.stream else {
            return Step::Wait(IDLE_WAIT);
        };
        let Some(block) = self.waiting.take().or_else(|| stream.next_block(window)) else {
            self.shared.set_ready(Some(stream.generation()));
            return Step::Wait(IDLE_WAIT);
        };
        if let Some(error) = window.take_failure() {
            tracing::warn!(%error, "sound cannot be read on and becomes silence");
            *self.state.lock() = SourceState::Failed(error.to_string());
        }
        let (generation, frames) = (block.generation, block.end() - block.first);
        let pushed = outlet.producer.try_push(block);
        let capacity = outlet.producer.capacity().get();
        self.shared
            .set_ring_fill(outlet.producer.occupied_len(), capacity);
        if let Err(block) = pushed {
            self.waiting = Some(block);
            // A short ring may be full before the usual pre-roll is reached.
            self.shared.set_ready(Some(generation));
            return Step::Wait(FULL_RING_WAIT);
        }
        self.queued_frames += frames;
        if block.ends || self.queued_frames >= outlet.format.frames_from_millis(READY_MILLIS) {
            self.shared.set_ready(Some(generation));
        }
        Step::Busy
    }

    /// Takes what is in the letter box; true when told to quit.
    fn read_letters(&mut self) -> bool {
        let mut letters = self.mailbox.letters.lock();
        if letters.quit {
            return true;
        }
        let (source, plan, outlet) = (
            letters.source.take(),
            letters.plan.take(),
            letters.outlet.take(),
        );
        let playhead = letters.playhead;
        drop(letters);
        if source.is_none() && plan.is_none() && outlet.is_none() {
            return false;
        }
        if let Some(order) = source {
            self.plan = None;
            self.open(order);
        }
        let rejoin = outlet.is_some();
        match outlet {
            Some(OutletOrder::Fill(outlet)) => self.outlet = Some(outlet),
            Some(OutletOrder::None) => self.outlet = None,
            None => {}
        }
        let from = match plan {
            Some(plan) => {
                self.plan = Some(plan);
                rejoin.then(|| self.join_at(playhead)).flatten()
            }
            None if rejoin => self.join_at(playhead),
            None => None,
        };
        self.start_stream(from.unwrap_or(MediaSpan::ZERO));
        false
    }

    /// Run time from which a ring that is new in mid-play is filled.
    fn join_at(&self, playhead: Option<Playhead>) -> Option<MediaSpan> {
        let plan = self.plan?;
        let playhead = playhead.filter(|playhead| playhead.generation == plan.generation)?;
        let Some(at) = playhead.at else {
            return Some(playhead.run);
        };
        let ahead = (self.clock.now() + JOIN_AHEAD).nanos_since(at).max(0);
        let quarters = i64::from(playhead.speed.quarters().abs());
        Some(playhead.run + MediaSpan::from_nanos_nearest(ahead).scaled_nearest(quarters, 4))
    }

    fn open(&mut self, order: SourceOrder) {
        self.window = None;
        self.stream = None;
        self.waiting = None;
        let source: Box<dyn SampleSource> = match order {
            SourceOrder::None => {
                *self.state.lock() = SourceState::None;
                return;
            }
            #[cfg(test)]
            SourceOrder::Ready(source) => source,
            SourceOrder::File {
                path,
                stream,
                time_zero,
            } => match AudioReader::open(&path, stream, time_zero) {
                Ok(reader) => Box::new(reader),
                Err(error) => {
                    *self.state.lock() = SourceState::Failed(error.to_string());
                    return;
                }
            },
        };
        *self.state.lock() = SourceState::Open;
        let channels = self
            .outlet
            .as_ref()
            .map_or(2, |outlet| outlet.format.channels);
        self.window = Some(MediaWindow::new(source, channels));
    }

    /// Begins to make the plan's sound from run time `from`.
    fn start_stream(&mut self, from: MediaSpan) {
        self.stream = None;
        self.waiting = None;
        self.queued_frames = 0;
        self.shared.set_ready(None);
        let (Some(plan), Some(window), Some(outlet)) = (&self.plan, &mut self.window, &self.outlet)
        else {
            return;
        };
        window.set_channels(outlet.format.channels);
        match RunStream::new(plan, from, window.rate(), outlet.format) {
            Ok(stream) => self.stream = Some(stream),
            Err(error) => {
                *self.state.lock() =
                    SourceState::Failed(format!("Its sample rate cannot be converted ({error})."));
            }
        }
    }
}
