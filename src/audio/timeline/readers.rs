//! Open files: few, kept for those who come next, and opened ahead. Each is charged to the memory budget.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::chain::MixFormat;
use super::note::SoundNotes;
use super::part::MediaKey;
use super::score::Score;
use super::voice::Voice;
use crate::audio::memory::{READER_BYTES, SoundCharge, SoundMemory};
use crate::audio::source::SampleSource;
use crate::audio::window::MediaWindow;
use crate::audio::worker::Worker;
use crate::decode::{AudioRead, AudioReadError, AudioReader, Input, media_info, probe};
use crate::media::{AudioFormat, ChannelLayout};
use crate::memory::{OverBudget, Shedder};
use crate::time::{Clock, MediaTime, Moment};

/// Readers that are open at once, unless more clips than that sound together.
const MAX_OPEN: usize = 16;
/// Readers that are open at once, whatever happens: what goes beyond is silent. A reader costs a file
/// handle and memory ([`READER_BYTES`]).
const MAX_SOUNDING: usize = 64;
/// Errands that may wait for the thread that opens ahead.
const MAX_ERRANDS: usize = 32;
/// A reader that nobody has used for this long is idle: it is closed when memory gets short.
const IDLE: Duration = Duration::from_secs(30);
/// How long that thread may take to end; one that waits for a dead network share is left behind.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// Opens media. Files in the player, tones in tests.
pub(super) trait OpenMedium: Send + Sync {
    /// The sound of `key`, counted from its first picture, or why there is none.
    fn open(&self, key: &MediaKey) -> Result<Box<dyn SampleSource>, String>;

    /// What the timecode of the medium calls its first picture.
    fn timecode_of(&self, _path: &Path) -> Option<MediaTime> {
        None
    }
}

/// Opens files.
struct Files;

impl OpenMedium for Files {
    fn open(&self, key: &MediaKey) -> Result<Box<dyn SampleSource>, String> {
        let input = Input::open(&key.path).map_err(|error| error.to_string())?;
        let info = media_info(&input);
        drop(input);
        let track = match key.stream {
            Some(id) => info.audio.iter().find(|track| track.id == id),
            None => info.default_audio(),
        };
        let Some(track) = track else {
            return Err(match key.stream {
                Some(id) => format!("Its stream {} is not sound.", id.0),
                None => "It has no sound.".to_owned(),
            });
        };
        let zero = info
            .default_video()
            .map_or(track.start, |video| video.start);
        AudioReader::open(&key.path, track.id, zero)
            .map(|reader| Box::new(reader) as Box<dyn SampleSource>)
            .map_err(|error| error.to_string())
    }

    fn timecode_of(&self, path: &Path) -> Option<MediaTime> {
        // What cannot be opened is told when it is to be heard.
        probe(path).ok()?.default_video()?.timecode_zero()
    }
}

/// The readers of an edit's media. Kept while revisions of the edit come and go, so that a change
/// opens nothing anew.
pub(crate) struct Readers {
    pool: Arc<Pool>,
    errands: Option<Sender<Errand>>,
    worker: Option<Worker>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// Something to do ahead, on the thread `audio-open`.
enum Errand {
    /// Begin to play a part.
    Start(Start, Sender<Option<Voice>>),
    /// Open a medium and put it in the pool.
    Open(MediaKey, MixFormat),
}

/// A part that is to be played, from which sample.
#[derive(Clone)]
struct Start {
    score: Arc<Score>,
    part: usize,
    mix: MixFormat,
    from: i64,
    /// Set when nobody wants it any longer.
    void: Arc<AtomicBool>,
}

/// A voice that is being started.
#[derive(Debug)]
pub(super) struct Ticket {
    voice: Receiver<Option<Voice>>,
    void: Arc<AtomicBool>,
}

impl Ticket {
    /// Waits for the voice; `None` where its medium cannot be read.
    pub(super) fn wait(self) -> Option<Voice> {
        self.voice.recv().ok().flatten()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.void.store(true, Ordering::Release);
    }
}

impl Readers {
    /// Readers of files, charged to `memory`; what cannot be read is added to `notes`.
    pub(crate) fn new(notes: SoundNotes, memory: SoundMemory, clock: Arc<dyn Clock>) -> Self {
        Self::with_opener(Box::new(Files), notes, memory, clock)
    }

    pub(super) fn with_opener(
        opener: Box<dyn OpenMedium>,
        notes: SoundNotes,
        memory: SoundMemory,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let pool = Arc::new(Pool {
            opener,
            notes,
            memory,
            clock,
            state: Mutex::default(),
        });
        let shedder: Weak<Pool> = Arc::downgrade(&pool);
        pool.memory.register(shedder);
        let (errands, incoming) = bounded::<Errand>(MAX_ERRANDS);
        let own = Arc::clone(&pool);
        let worker = Worker::spawn("audio-open", move || {
            for errand in incoming {
                run(&own, errand);
            }
        })
        .inspect_err(|error| tracing::warn!(%error, "sound is opened only when it is needed"))
        .ok();
        Self {
            pool,
            errands: worker.is_some().then_some(errands),
            worker,
        }
    }

    /// What the timecode of a medium calls its first picture. Opens the file.
    pub(super) fn timecode_of(&self, path: &Path) -> Option<MediaTime> {
        self.pool.opener.timecode_of(path)
    }

    /// What could not be read.
    pub(super) fn notes(&self) -> &SoundNotes {
        &self.pool.notes
    }

    /// Plays a part of `score` from sample `from` on; `None` where its medium cannot be read.
    pub(super) fn start(
        &self,
        score: &Arc<Score>,
        part: usize,
        mix: MixFormat,
        from: i64,
    ) -> Option<Voice> {
        start(&self.pool, &Start::new(score, part, mix, from))
    }

    /// The same ahead of time; `None` when that cannot be done now.
    pub(super) fn start_ahead(
        &self,
        score: &Arc<Score>,
        part: usize,
        mix: MixFormat,
        from: i64,
    ) -> Option<Ticket> {
        let start = Start::new(score, part, mix, from);
        let void = Arc::clone(&start.void);
        let (sender, voice) = bounded(1);
        self.errands
            .as_ref()?
            .try_send(Errand::Start(start, sender))
            .ok()
            .map(|()| Ticket { voice, void })
    }

    /// Opens a medium ahead of time, unless it is open and free already, or others wait.
    pub(super) fn open_ahead(&self, key: &MediaKey, mix: MixFormat) {
        if self.pool.has(key) {
            return;
        }
        if let Some(errands) = &self.errands {
            // It only saves time later, so a full queue may refuse it.
            let _refused = errands.try_send(Errand::Open(key.clone(), mix));
        }
    }

    #[cfg(test)]
    pub(super) fn open_count(&self) -> usize {
        let state = self.pool.state.lock();
        state.leased + state.free.len()
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.errands = None;
        if let Some(worker) = self.worker.take() {
            worker.join(SHUTDOWN_PATIENCE);
        }
    }
}

impl Start {
    fn new(score: &Arc<Score>, part: usize, mix: MixFormat, from: i64) -> Self {
        Self {
            score: Arc::clone(score),
            part,
            mix,
            from,
            void: Arc::default(),
        }
    }
}

fn run(pool: &Arc<Pool>, errand: Errand) {
    match errand {
        Errand::Start(order, reply) => {
            if !order.void.load(Ordering::Acquire) {
                // Where nobody waits any longer, the voice ends here and its reader is free again.
                let _unwanted = reply.send(start(pool, &order));
            }
        }
        Errand::Open(key, mix) => {
            if !pool.has(&key) {
                // It goes back to the pool at once.
                drop(pool.lease(&key, mix));
            }
        }
    }
}

fn start(pool: &Arc<Pool>, order: &Start) -> Option<Voice> {
    let part = order.score.part(order.part)?;
    let lease = pool.lease(&part.key, order.mix)?;
    Some(Voice::start(part, lease, order.mix, order.from))
}

/// Readers that are free, and a count of those in use.
struct Pool {
    opener: Box<dyn OpenMedium>,
    notes: SoundNotes,
    memory: SoundMemory,
    clock: Arc<dyn Clock>,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    /// The one given back last comes last.
    free: Vec<FreeReader>,
    leased: usize,
}

/// An open reader.
struct Reader {
    window: MediaWindow,
    charge: SoundCharge,
}

/// A reader that waits for its next use.
struct FreeReader {
    key: MediaKey,
    reader: Reader,
    since: Moment,
}

impl Pool {
    fn has(&self, key: &MediaKey) -> bool {
        self.state.lock().free.iter().any(|free| free.key == *key)
    }

    /// Charges a reader; those that are free make room for it, the one unused for longest first.
    fn charge(&self) -> Result<SoundCharge, OverBudget> {
        loop {
            let refused = match self.memory.reserve(READER_BYTES) {
                Ok(charge) => return Ok(charge),
                Err(error) => error,
            };
            let closed = {
                let mut state = self.state.lock();
                (!state.free.is_empty()).then(|| state.free.remove(0))
            };
            if closed.is_none() {
                return Err(refused);
            }
        }
    }

    /// A reader of `key`: a free one, or a new one. `None` with a note where there is none.
    fn lease(self: &Arc<Self>, key: &MediaKey, mix: MixFormat) -> Option<Lease> {
        let mut state = self.state.lock();
        if let Some(place) = state.free.iter().rposition(|free| free.key == *key) {
            let FreeReader {
                key, mut reader, ..
            } = state.free.remove(place);
            state.leased += 1;
            drop(state);
            reader.window.set_channels(mix.channels);
            return Some(Lease {
                pool: Arc::clone(self),
                key,
                reader,
                failed: false,
            });
        }
        if state.leased >= MAX_SOUNDING {
            drop(state);
            let reason = format!("More than {MAX_SOUNDING} clips sound at once.");
            self.notes.add(&key.path, reason);
            return None;
        }
        state.leased += 1;
        let closed = state.take_surplus();
        drop(state);
        drop(closed);
        // Files are opened without the lock: others go on meanwhile.
        let charge = self.charge().map_err(|error| error.to_string());
        let opened = charge.and_then(|charge| Ok((self.opener.open(key)?, charge)));
        match opened {
            Ok((source, charge)) => Some(Lease {
                pool: Arc::clone(self),
                key: key.clone(),
                reader: Reader {
                    window: MediaWindow::new(source, mix.channels),
                    charge,
                },
                failed: false,
            }),
            Err(reason) => {
                self.state.lock().leased -= 1;
                self.notes.add(&key.path, reason);
                None
            }
        }
    }
}

impl PoolState {
    /// Takes out the free readers that are too many, those unused for longest first.
    fn take_surplus(&mut self) -> Vec<FreeReader> {
        let allowed = MAX_OPEN.saturating_sub(self.leased);
        let surplus = self.free.len().saturating_sub(allowed);
        self.free.drain(..surplus).collect()
    }
}

/// What is left of a reader that went back to the pool.
struct Nothing;

impl SampleSource for Nothing {
    fn format(&self) -> AudioFormat {
        AudioFormat {
            rate: NonZeroU32::MIN,
            layout: ChannelLayout::mono(),
        }
    }

    fn seek(&mut self, _to: MediaTime) -> Result<(), AudioReadError> {
        Ok(())
    }

    fn read(&mut self) -> Result<AudioRead, AudioReadError> {
        Ok(AudioRead::End)
    }
}

impl Shedder for Pool {
    fn shed(&self, wanted_bytes: u64) -> u64 {
        let now = self.clock.now();
        let mut closed = Vec::new();
        let mut shed = 0;
        {
            let mut state = self.state.lock();
            // They stand in the order in which they were given back.
            while shed < wanted_bytes
                && state
                    .free
                    .first()
                    .is_some_and(|free| now.since(free.since) >= IDLE)
            {
                let free = state.free.remove(0);
                shed += free.reader.charge.bytes();
                closed.push(free);
            }
        }
        // Files are closed without the lock.
        drop(closed);
        shed
    }
}

/// A reader in use. It returns to the pool when dropped, unless it failed: then it is closed, so that the
/// next who wants it opens it anew.
pub(super) struct Lease {
    pool: Arc<Pool>,
    key: MediaKey,
    reader: Reader,
    failed: bool,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Lease {
    /// The samples.
    pub(super) fn window(&mut self) -> &mut MediaWindow {
        &mut self.reader.window
    }

    /// Notes why the medium is silent.
    pub(super) fn note(&self, reason: String) {
        self.pool.notes.add(&self.key.path, reason);
    }

    /// Notes a failure of the reader, if there was one.
    pub(super) fn note_failure(&mut self) {
        if let Some(error) = self.reader.window.take_failure() {
            self.failed = true;
            self.note(error.to_string());
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.note_failure();
        let since = self.pool.clock.now();
        let closed = {
            let mut state = self.pool.state.lock();
            state.leased = state.leased.saturating_sub(1);
            if !self.failed {
                let nothing = Reader {
                    window: MediaWindow::new(Box::new(Nothing), 1),
                    charge: SoundCharge::default(),
                };
                state.free.push(FreeReader {
                    key: self.key.clone(),
                    reader: std::mem::replace(&mut self.reader, nothing),
                    since,
                });
            }
            state.take_surplus()
        };
        // Files are closed without the lock.
        drop(closed);
    }
}
