//! The device thread: opens a device, watches it, and opens it again when it is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use ringbuf::HeapRb;
use ringbuf::traits::Split;

use super::block::DeviceFormat;
use super::memory::SoundMemory;
use super::renderer::Renderer;
use super::session::{Outlet, OutletOrder, SessionMailbox, Step};
use super::shared::Shared;
use crate::memory::OverBudget;
use crate::time::{Clock, Moment};

/// Time between attempts to open a device.
const RETRY: Duration = Duration::from_secs(2);
/// A device that does not ask for samples for this long is opened again. PulseAudio's null sink pauses
/// for two seconds when its first stream appears.
const DEAD: Duration = Duration::from_secs(3);
/// Time between looks at a device that works.
const WATCH: Duration = Duration::from_millis(250);

/// An output device that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioDevice {
    /// Its name, as shown and as given to choose it.
    pub name: String,
    /// The sound system that offers it: `PulseAudio`, `ALSA`.
    pub host: String,
    /// Whether it is the one used when none is chosen.
    pub is_default: bool,
    /// Its preferred sample rate.
    pub rate: u32,
    /// Its channels.
    pub channels: u16,
}

/// Why a device could not be opened: what is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The machine has no sound output that can be reached.
    #[error(
        "no sound device: no PulseAudio or PipeWire server answers and ALSA has no card. Start the \
         sound server, or plug a device in"
    )]
    NoDevice,
    /// The device chosen is not there.
    #[error("the sound device \"{0}\" is not there")]
    NotFound(String),
    /// It refused.
    #[error("the sound device \"{0}\" cannot be opened: {1}")]
    Refused(String, String),
    /// The memory budget has no room for what goes to it.
    #[error(transparent)]
    NoMemory(#[from] OverBudget),
}

/// A sound system: the real one, or a simulated one in tests.
pub(crate) trait OutputBackend {
    /// Opens the device named, or the default one, and starts it. `make_renderer` gives the callback
    /// for a format; the one made last is the one that is used. Problems that arise later are told to
    /// `faults`.
    fn open(
        &mut self,
        name: Option<&str>,
        make_renderer: &mut dyn FnMut(DeviceFormat) -> Renderer,
        faults: &Arc<Faults>,
    ) -> Result<OpenDevice, DeviceError>;
}

/// A device that plays.
pub(crate) struct OpenDevice {
    /// Its name.
    pub name: String,
    /// Keeps it playing until it is dropped.
    pub _stream: Box<dyn std::any::Any>,
}

/// Where a running stream tells that it broke. Not used by the callback that makes sound.
#[derive(Debug)]
pub(crate) struct Faults {
    mailbox: Arc<DeviceMailbox>,
    /// The stream it belongs to; what older streams say is ignored.
    stream: u64,
}

impl Faults {
    /// The stream ended for `reason`.
    pub(crate) fn stream_lost(&self, reason: String) {
        let mut letters = self.mailbox.letters.lock();
        letters.lost = Some((self.stream, reason));
        self.mailbox.arrived.notify_one();
    }
}

/// A device's name, or the default device.
#[derive(Debug)]
struct Choice(Option<String>);

#[derive(Debug, Default)]
struct Letters {
    /// Another device, or the same one again.
    choose: Option<Choice>,
    lost: Option<(u64, String)>,
    quit: bool,
}

/// The device thread's letter box.
#[derive(Debug, Default)]
pub(crate) struct DeviceMailbox {
    letters: Mutex<Letters>,
    arrived: Condvar,
}

impl DeviceMailbox {
    /// Uses the device named, or the default one. Opens it again at once, even if it is in use.
    pub(crate) fn choose(&self, name: Option<String>) {
        self.letters.lock().choose = Some(Choice(name));
        self.arrived.notify_one();
    }

    pub(crate) fn quit(&self) {
        self.letters.lock().quit = true;
        self.arrived.notify_one();
    }

    fn wait(&self, limit: Duration) {
        let mut letters = self.letters.lock();
        if letters.choose.is_none() && letters.lost.is_none() && !letters.quit {
            self.arrived.wait_for(&mut letters, limit);
        }
    }
}

/// Which device plays, or why none does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DeviceState {
    /// The first attempt to open one is under way.
    Opening,
    /// It plays. The note says what is not as asked.
    Open { name: String, note: Option<String> },
    /// None plays, for this reason.
    Closed(String),
}

/// The device thread's state. Tests call [`Self::step`] themselves.
pub(crate) struct DeviceSupervisor {
    backend: Box<dyn OutputBackend>,
    mailbox: Arc<DeviceMailbox>,
    session: Arc<SessionMailbox>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<DeviceState>>,
    /// Number of the stream that plays, or 0; for the engine to know its readings by.
    stream_number: Arc<AtomicU64>,
    memory: SoundMemory,
    wanted: Option<String>,
    open: Option<OpenDevice>,
    opened_at: Moment,
    next_try: Moment,
    streams: u64,
}

/// What the device thread shares with the engine's.
pub(crate) struct DeviceLinks {
    pub mailbox: Arc<DeviceMailbox>,
    pub session: Arc<SessionMailbox>,
    pub shared: Arc<Shared>,
    pub clock: Arc<dyn Clock>,
    pub state: Arc<Mutex<DeviceState>>,
    pub stream_number: Arc<AtomicU64>,
    pub memory: SoundMemory,
}

impl DeviceSupervisor {
    /// A supervisor that will open the device `wanted`, or the default one.
    pub(crate) fn new(
        backend: Box<dyn OutputBackend>,
        wanted: Option<String>,
        links: DeviceLinks,
    ) -> Self {
        let DeviceLinks {
            mailbox,
            session,
            shared,
            clock,
            state,
            stream_number,
            memory,
        } = links;
        Self {
            backend,
            mailbox,
            session,
            shared,
            clock,
            state,
            stream_number,
            memory,
            wanted,
            open: None,
            opened_at: Moment::ZERO,
            next_try: Moment::ZERO,
            streams: 0,
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

    /// Reads letters, then opens or watches the device.
    pub(crate) fn step(&mut self) -> Step {
        let letters = std::mem::take(&mut *self.mailbox.letters.lock());
        if letters.quit {
            self.close("the player was shut down");
            return Step::Quit;
        }
        let now = self.clock.now();
        if let Some(Choice(choice)) = letters.choose {
            self.close("another device was chosen");
            self.wanted = choice;
            self.next_try = now;
        }
        if let Some((stream, reason)) = letters.lost
            && stream == self.streams
            && self.open.is_some()
        {
            self.lose(&reason, now);
        }
        if self.open.is_some() {
            let called = self
                .shared
                .reading()
                .filter(|reading| reading.stream == self.streams)
                .map_or(self.opened_at, |reading| reading.at);
            if now.since(called) < DEAD {
                return Step::Wait(WATCH);
            }
            self.lose("it stopped asking for samples", now);
        }
        if now < self.next_try {
            return Step::Wait(self.next_try.since(now));
        }
        self.try_open();
        Step::Wait(if self.open.is_some() { WATCH } else { RETRY })
    }

    fn lose(&mut self, reason: &str, now: Moment) {
        tracing::warn!(reason, "the sound device was lost");
        self.close(&format!(
            "the sound device was lost ({reason}); trying again"
        ));
        // A moment's patience: the system needs time to settle on another device.
        self.next_try = now + RETRY / 4;
    }

    fn close(&mut self, reason: &str) {
        *self.state.lock() = DeviceState::Closed(reason.to_owned());
        if let Some(device) = self.open.take() {
            self.stream_number.store(0, Ordering::Release);
            self.session.set_outlet(OutletOrder::None);
            // Last, for it may take its time: a sound server that hangs does not let go of its streams.
            drop(device);
        }
    }

    fn try_open(&mut self) {
        let wanted = self.wanted.clone();
        let mut note = None;
        let mut result = self.open_device(wanted.as_deref());
        if let (Err(error @ DeviceError::NotFound(_)), true) = (&result, wanted.is_some()) {
            note = Some(format!("{error}; the default one is used"));
            result = self.open_device(None);
        }
        let now = self.clock.now();
        match result {
            Ok((device, outlet)) => {
                self.opened_at = now;
                let name = device.name.clone();
                tracing::info!(name, rate = outlet.format.rate, "sound device open");
                self.open = Some(device);
                self.stream_number.store(self.streams, Ordering::Release);
                self.session.set_outlet(OutletOrder::Fill(outlet));
                *self.state.lock() = DeviceState::Open { name, note };
            }
            Err(error) => {
                let reason = error.to_string();
                let mut state = self.state.lock();
                if *state != DeviceState::Closed(reason.clone()) {
                    tracing::debug!(reason, "no sound device");
                    *state = DeviceState::Closed(reason);
                }
                self.next_try = now + RETRY;
            }
        }
    }

    fn open_device(&mut self, name: Option<&str>) -> Result<(OpenDevice, Outlet), DeviceError> {
        self.streams += 1;
        let stream = self.streams;
        let shared = Arc::clone(&self.shared);
        let memory = self.memory.clone();
        let mut outlet = None;
        let mut make_renderer = |format: DeviceFormat| {
            // The one before, of another format, is given back first.
            outlet = None;
            let charge = memory.reserve(format.ring_bytes());
            let (producer, consumer) = HeapRb::new(format.ring_blocks()).split();
            outlet = Some(charge.map(|charge| Outlet {
                producer,
                format,
                _charge: charge,
            }));
            Renderer::new(consumer, format, Arc::clone(&shared), stream)
        };
        let faults = Arc::new(Faults {
            mailbox: Arc::clone(&self.mailbox),
            stream,
        });
        let device = self.backend.open(name, &mut make_renderer, &faults)?;
        let outlet = outlet.ok_or(DeviceError::NoDevice)??;
        Ok((device, outlet))
    }
}
