//! The decode thread: plans in, blocks out.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use ringbuf::HeapProd;
use ringbuf::traits::{Observer, Producer};

use super::AudioPlan;
use super::block::{AudioBlock, DeviceFormat};
use super::memory::{READER_BYTES, SoundCharge, SoundMemory};
use super::retry::Retry;
use super::run_stream::RunStream;
use super::shared::Shared;
use super::source::SampleSource;
use super::timeline::{Readers, SoundNotes, SoundPlan, TimelineSamples};
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
    pub _charge: SoundCharge,
}

/// Which ring to fill.
pub(crate) enum OutletOrder {
    /// This one.
    Fill(Outlet),
    /// None.
    None,
}

/// Opens a test's source, as often as it is asked to.
#[cfg(test)]
pub(crate) type Opening = Arc<dyn Fn() -> Result<Box<dyn SampleSource>, String> + Send + Sync>;

/// What to read.
pub(crate) enum SourceOrder {
    /// A stream of a file.
    File {
        path: PathBuf,
        stream: StreamId,
        time_zero: MediaTime,
    },
    /// The sound of an edit.
    Timeline(SoundPlan),
    /// A source that is open already.
    #[cfg(test)]
    Ready(Box<dyn SampleSource>),
    /// A source that may fail to open, and may do so later.
    #[cfg(test)]
    Made(Opening),
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

/// What the letters said.
enum Letter {
    /// The thread is to end.
    Quit,
    /// Everything was done, and this is where the playhead is.
    Read(Option<Playhead>),
}

/// The decode thread's state. Tests call [`Self::step`] themselves; the player's thread calls it in
/// [`Self::run`].
pub(crate) struct Session {
    mailbox: Arc<SessionMailbox>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<SourceState>>,
    notes: SoundNotes,
    memory: SoundMemory,
    /// For a file's reader; an edit's have their own.
    reader_charge: SoundCharge,
    /// What is read; kept to open it again.
    order: SourceOrder,
    /// When to do that.
    retry: Retry,
    /// Readers of an edit's media, from one revision to the next.
    readers: Option<Arc<Readers>>,
    /// The format that an edit is mixed in.
    mixed_for: Option<DeviceFormat>,
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
        notes: SoundNotes,
        memory: SoundMemory,
    ) -> Self {
        Self {
            mailbox,
            shared,
            clock,
            state,
            notes,
            memory,
            reader_charge: SoundCharge::default(),
            order: SourceOrder::None,
            retry: Retry::new(),
            readers: None,
            mixed_for: None,
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

    /// Reads letters, opens again what failed, then makes and queues one block at most.
    pub(crate) fn step(&mut self) -> Step {
        let playhead = match self.read_letters() {
            Letter::Quit => return Step::Quit,
            Letter::Read(playhead) => playhead,
        };
        if self.retry.is_due(self.clock.now()) {
            self.open_again(playhead);
        }
        let step = self.make_block();
        match (step, self.retry.wait(self.clock.now())) {
            (Step::Wait(limit), Some(wait)) => Step::Wait(limit.min(wait)),
            (step, _) => step,
        }
    }

    /// Makes and queues one block at most.
    fn make_block(&mut self) -> Step {
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
            self.retry.failed(self.clock.now());
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

    /// Takes what is in the letter box.
    fn read_letters(&mut self) -> Letter {
        let mut letters = self.mailbox.letters.lock();
        if letters.quit {
            return Letter::Quit;
        }
        let (source, plan, outlet) = (
            letters.source.take(),
            letters.plan.take(),
            letters.outlet.take(),
        );
        let playhead = letters.playhead;
        drop(letters);
        if source.is_none() && plan.is_none() && outlet.is_none() {
            return Letter::Read(playhead);
        }
        let renewed = source.is_some();
        if let Some(order) = source {
            self.plan = None;
            self.order = order;
            self.retry = Retry::new();
        }
        let rejoin = outlet.is_some();
        match outlet {
            Some(OutletOrder::Fill(outlet)) => self.outlet = Some(outlet),
            Some(OutletOrder::None) => self.outlet = None,
            None => {}
        }
        if renewed {
            self.open();
        } else if plan.is_some() {
            self.try_again();
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
        Letter::Read(playhead)
    }

    /// A new plan may find what the one before could not read.
    fn try_again(&mut self) {
        let failed = matches!(*self.state.lock(), SourceState::Failed(_));
        if failed && self.window.is_some() {
            // Each plan seeks, which makes a source readable again if anything can.
            *self.state.lock() = SourceState::Open;
            self.retry.called_off();
        } else if failed && self.retry.may_be_early(self.clock.now()) {
            self.open();
        }
    }

    /// Opens what failed once more. A stream that runs goes on: its blocks are numbered through.
    fn open_again(&mut self, playhead: Option<Playhead>) {
        match (self.make_source(), &mut self.window) {
            (Err(reason), _) => self.fail(reason),
            (Ok(None), _) => self.retry.called_off(),
            (Ok(Some(source)), Some(window)) if source.format().rate == window.rate() => {
                window.replace_source(source);
                self.retry.called_off();
                *self.state.lock() = SourceState::Open;
            }
            (Ok(Some(source)), _) => {
                self.take(source);
                let from = self.join_at(playhead);
                self.start_stream(from.unwrap_or(MediaSpan::ZERO));
            }
        }
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

    /// Opens what is ordered.
    fn open(&mut self) {
        self.window = None;
        self.stream = None;
        self.waiting = None;
        if !matches!(self.order, SourceOrder::Timeline(_)) {
            self.readers = None;
        }
        match self.make_source() {
            Ok(Some(source)) => self.take(source),
            Ok(None) => *self.state.lock() = SourceState::None,
            Err(reason) => self.fail(reason),
        }
    }

    /// Makes a source of what is ordered; `None` where that is nothing.
    fn make_source(&mut self) -> Result<Option<Box<dyn SampleSource>>, String> {
        #[cfg(test)]
        if matches!(self.order, SourceOrder::Ready(_)) {
            // It can be taken only once.
            let order = std::mem::replace(&mut self.order, SourceOrder::None);
            return Ok(match order {
                SourceOrder::Ready(source) => Some(source),
                _ => None,
            });
        }
        match &self.order {
            SourceOrder::None => Ok(None),
            #[cfg(test)]
            SourceOrder::Ready(_) => Ok(None),
            #[cfg(test)]
            SourceOrder::Made(opening) => opening().map(Some),
            SourceOrder::Timeline(plan) => {
                let format = self.outlet.as_ref().map(|outlet| outlet.format);
                let (notes, memory, clock) = (&self.notes, &self.memory, &self.clock);
                let readers = self.readers.get_or_insert_with(|| {
                    let readers = Readers::new(notes.clone(), memory.clone(), Arc::clone(clock));
                    Arc::new(readers)
                });
                let readers = Arc::clone(readers);
                self.mixed_for = format;
                Ok(Some(match format {
                    Some(DeviceFormat { rate, channels }) => {
                        Box::new(TimelineSamples::with_readers(plan, rate, channels, readers))
                    }
                    None => Box::new(TimelineSamples::in_stereo(plan, readers)),
                }))
            }
            SourceOrder::File {
                path,
                stream,
                time_zero,
            } => {
                self.reader_charge = SoundCharge::default();
                let charge = self.memory.reserve(READER_BYTES);
                self.reader_charge = charge.map_err(|error| error.to_string())?;
                match AudioReader::open(path, *stream, *time_zero) {
                    Ok(reader) => Ok(Some(Box::new(reader))),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    /// Reads from `source` from now on.
    fn take(&mut self, source: Box<dyn SampleSource>) {
        *self.state.lock() = SourceState::Open;
        self.retry.called_off();
        let channels = self
            .outlet
            .as_ref()
            .map_or(2, |outlet| outlet.format.channels);
        self.window = Some(MediaWindow::new(source, channels));
    }

    fn fail(&mut self, reason: String) {
        *self.state.lock() = SourceState::Failed(reason);
        self.retry.failed(self.clock.now());
    }

    /// Mixes an edit anew where it was mixed for another device.
    fn fit_to_device(&mut self) {
        let format = self.outlet.as_ref().map(|outlet| outlet.format);
        let is_edit = matches!(self.order, SourceOrder::Timeline(_));
        if is_edit && format.is_some() && format != self.mixed_for {
            self.open();
        }
    }

    /// Begins to make the plan's sound from run time `from`.
    fn start_stream(&mut self, from: MediaSpan) {
        self.stream = None;
        self.waiting = None;
        self.queued_frames = 0;
        self.shared.set_ready(None);
        self.fit_to_device();
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
