//! The engine's handle on everything that makes sound.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::AudioPlan;
use super::clock::{AudioClock, ClockTrust};
#[cfg(test)]
use super::device::OutputBackend;
use super::device::{DeviceLinks, DeviceMailbox, DeviceState, DeviceSupervisor};
use super::levels::AudioLevels;
use super::memory::SoundMemory;
use super::output::CpalBackend;
use super::session::{Playhead, Session, SessionMailbox, SourceOrder, SourceState};
use super::shared::{Control, Shared};
use super::timeline::{SoundNote, SoundNotes, SoundPlan};
use super::worker::Worker;
use crate::decode::Generation;
use crate::media::StreamId;
use crate::memory::MemoryManager;
use crate::time::{Clock, MediaSpan, MediaTime, Moment, Speed};

/// How long a plan waits for the first device to be opened.
const FIRST_DEVICE_PATIENCE: Duration = Duration::from_millis(300);
/// How long the callback may take to follow an order.
const ORDER_PATIENCE: Duration = Duration::from_millis(400);
/// Time in which the callback follows an order unless something is wrong: some periods.
const ORDER_SETTLES: Duration = Duration::from_millis(60);
/// How often sound is put right on a device that runs too fast or too slow.
const REALIGN: Duration = Duration::from_secs(1);
/// The delay that can be set, either way.
const MAX_DELAY_MILLIS: i32 = 5_000;
/// How long threads may take to end; a sound server that hangs is left to itself.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(3);

/// How sound is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioConfig {
    /// The device's name; `None` for the default one.
    pub device: Option<String>,
    /// Whether there is to be sound at all. Without it no device is opened.
    pub enabled: bool,
}

/// A position by the audio clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioPosition {
    /// The plan.
    pub generation: Generation,
    /// Run time that is heard.
    pub run: MediaSpan,
}

/// Whether there is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AudioOutput {
    /// It was switched off.
    Off,
    /// No stream of sound is open.
    NoTrack,
    /// It plays on the device of this name.
    Device(String),
    /// It is silent, for this reason. It returns by itself when it can.
    Silent(String),
}

/// What the player says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioPlayerState {
    /// Whether there is sound.
    pub output: AudioOutput,
    /// What is not as asked, but does not prevent sound.
    pub note: Option<String>,
    /// Buffers that could not be filled in time.
    pub underruns: u64,
    /// Blocks decoded ahead or kept, and how many may be.
    pub ring_fill: (usize, usize),
    /// How loud each channel is; none while no device asks for samples.
    pub levels: AudioLevels,
    /// How far the clock can be believed; `None` without a device.
    pub trust: Option<ClockTrust>,
}

/// What the engine wants to hear, and since when.
#[derive(Debug, Clone, Copy)]
struct Timeline {
    generation: Generation,
    speed: Speed,
    /// Run time at `at`, or where it is held.
    run: MediaSpan,
    /// `None` while held.
    at: Option<Moment>,
    /// When the device was last told.
    ordered: Moment,
}

impl Timeline {
    /// Run time at `now` if time runs evenly.
    fn run_at(&self, now: Moment) -> MediaSpan {
        let Some(at) = self.at else { return self.run };
        let quarters = i64::from(self.speed.quarters().abs());
        let passed = MediaSpan::from_nanos_nearest(now.nanos_since(at).max(0));
        self.run + passed.scaled_nearest(quarters, 4)
    }
}

/// What the last position rested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// Nothing yet, or time that is taken to run evenly.
    Free,
    /// The audio clock.
    Audio,
    /// There was none: the device runs at a wrong rate.
    OffRate,
}

/// Plays the sound of one medium along plans, and tells the time by it.
///
/// Owned by the engine's thread; no method waits for the disk or a device. Behind it work the decode
/// thread (`audio-decode`), the device thread (`audio-device`) and the device's own callback thread.
///
/// Scenarios:
/// - **Play**: `open`, `set_plan(g)`, wait for `is_ready(g)`, `go(g, T)`: the plan's first sample is heard
///   at T, and `position` follows what is heard.
/// - **Pause and resume**: `hold` answers the position; `go(g, T)` goes on from there, without a gap.
/// - **Seek, other speed, other loop**: `set_plan` with a higher generation, then as for play.
/// - **Trouble**: `position` gives `None` while the device is missing, stalled or lying. The engine's own
///   clock leads on from the last position; the player assumes the same. When a device is back, sound
///   joins in where the playhead is, and `position` answers again. An engine whose clock went another
///   way says so by `go_from`.
#[derive(Debug)]
pub struct AudioPlayer {
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    session: Arc<SessionMailbox>,
    device: Arc<DeviceMailbox>,
    source_state: Arc<Mutex<SourceState>>,
    notes: SoundNotes,
    device_state: Arc<Mutex<DeviceState>>,
    stream_number: Arc<AtomicU64>,
    audio_clock: AudioClock,
    timeline: Option<Timeline>,
    lead: Lead,
    /// Until then the callback may still follow an older order, so time is taken to run evenly.
    settles: Moment,
    has_source: bool,
    enabled: bool,
    started: Moment,
    threads: Vec<Worker>,
}

impl AudioPlayer {
    /// Starts the threads and begins to open the device. Whatever goes wrong is in [`Self::state`].
    /// What it takes is charged to the budget of `memory`.
    pub fn start(
        clock: Arc<dyn Clock>,
        config: AudioConfig,
        memory: Option<Arc<MemoryManager>>,
    ) -> Self {
        let memory = SoundMemory::new(memory);
        let (mut player, session, links) = Self::parts(Arc::clone(&clock), config.enabled, memory);
        if !config.enabled {
            return player;
        }
        let device = config.device;
        let workers = [
            Worker::spawn("audio-decode", move || session.run()),
            Worker::spawn("audio-device", move || {
                let backend = Box::new(CpalBackend::new(clock));
                DeviceSupervisor::new(backend, device, links).run();
            }),
        ];
        for worker in workers {
            match worker {
                Ok(worker) => player.threads.push(worker),
                Err(error) => {
                    *player.device_state.lock() =
                        DeviceState::Closed(format!("a thread could not be started ({error})"));
                }
            }
        }
        player
    }

    /// A player without threads: the caller calls the steps of the session and the supervisor.
    #[cfg(test)]
    pub(crate) fn detached(
        clock: Arc<dyn Clock>,
        backend: Box<dyn OutputBackend>,
    ) -> (Self, Session, DeviceSupervisor) {
        let (player, session, links) = Self::parts(clock, true, SoundMemory::default());
        (player, session, DeviceSupervisor::new(backend, None, links))
    }

    fn parts(
        clock: Arc<dyn Clock>,
        enabled: bool,
        memory: SoundMemory,
    ) -> (Self, Session, DeviceLinks) {
        let shared = Arc::new(Shared::new());
        let session_mailbox = Arc::new(SessionMailbox::default());
        let device_mailbox = Arc::new(DeviceMailbox::default());
        let source_state = Arc::new(Mutex::new(SourceState::None));
        let device_state = Arc::new(Mutex::new(DeviceState::Opening));
        let stream_number = Arc::new(AtomicU64::new(0));
        let notes = SoundNotes::default();
        let session = Session::new(
            Arc::clone(&session_mailbox),
            Arc::clone(&shared),
            Arc::clone(&clock),
            Arc::clone(&source_state),
            notes.clone(),
            memory.clone(),
        );
        let links = DeviceLinks {
            mailbox: Arc::clone(&device_mailbox),
            session: Arc::clone(&session_mailbox),
            shared: Arc::clone(&shared),
            clock: Arc::clone(&clock),
            state: Arc::clone(&device_state),
            stream_number: Arc::clone(&stream_number),
            memory,
        };
        let player = Self {
            started: clock.now(),
            clock,
            shared,
            session: session_mailbox,
            device: device_mailbox,
            source_state,
            notes,
            device_state,
            stream_number,
            audio_clock: AudioClock::new(),
            timeline: None,
            lead: Lead::Free,
            settles: Moment::ZERO,
            has_source: false,
            enabled,
            threads: Vec::new(),
        };
        (player, session, links)
    }

    /// Plays stream `stream` of `path` from the next plan on. `time_zero` is the time stamp of media time
    /// zero. Errors show in [`Self::state`].
    pub fn open(&mut self, path: &Path, stream: StreamId, time_zero: MediaTime) {
        let path = path.to_owned();
        self.open_order(SourceOrder::File {
            path,
            stream,
            time_zero,
        });
    }

    /// Plays the sound of an edit from the next plan on. To be called again when the edit has changed:
    /// files that are open stay so. What cannot be heard is in [`Self::notes`].
    pub fn open_timeline(&mut self, plan: SoundPlan) {
        self.open_order(SourceOrder::Timeline(plan));
    }

    /// The clips' media that could not be heard so far, in the edit that is open.
    pub fn notes(&self) -> Vec<SoundNote> {
        self.notes.list()
    }

    /// Plays a source that is open already.
    #[cfg(test)]
    pub(crate) fn open_source(&mut self, source: Box<dyn super::SampleSource>) {
        self.open_order(SourceOrder::Ready(source));
    }

    /// Plays a source that `opening` opens.
    #[cfg(test)]
    pub(crate) fn open_made(&mut self, opening: super::session::Opening) {
        self.open_order(SourceOrder::Made(opening));
    }

    fn open_order(&mut self, order: SourceOrder) {
        self.silence();
        self.notes.clear();
        *self.source_state.lock() = SourceState::Open;
        self.has_source = true;
        self.session.set_source(order);
    }

    /// Closes the medium. The device stays open.
    pub fn close(&mut self) {
        self.silence();
        self.notes.clear();
        *self.source_state.lock() = SourceState::None;
        self.has_source = false;
        self.session.set_source(SourceOrder::None);
    }

    fn silence(&mut self) {
        self.shared.set_control(Control::Hold);
        self.timeline = None;
        self.lead = Lead::Free;
    }

    /// Stops what plays and prepares `plan`. Generations must grow.
    pub fn set_plan(&mut self, plan: AudioPlan) {
        self.shared.set_wanted(plan.generation);
        self.shared.set_control(Control::Hold);
        self.lead = Lead::Free;
        let timeline = Timeline {
            generation: plan.generation,
            speed: plan.speed,
            run: MediaSpan::ZERO,
            at: None,
            ordered: self.clock.now(),
        };
        self.set_timeline(timeline);
        self.session.set_plan(plan);
    }

    fn set_timeline(&mut self, timeline: Timeline) {
        self.timeline = Some(timeline);
        let Timeline {
            generation,
            speed,
            run,
            at,
            ..
        } = timeline;
        self.session.set_playhead(Playhead {
            generation,
            run,
            speed,
            at,
        });
    }

    /// Whether the plan can start: its first sound is decoded, or there is nothing to play it with.
    pub fn is_ready(&self, generation: Generation) -> bool {
        if !self.enabled || !self.has_source {
            return true;
        }
        match &*self.device_state.lock() {
            DeviceState::Opening => self.clock.now().since(self.started) > FIRST_DEVICE_PATIENCE,
            DeviceState::Closed(_) => true,
            DeviceState::Open { .. } => {
                matches!(*self.source_state.lock(), SourceState::Failed(_))
                    || self.shared.ready() == Some(generation)
            }
        }
    }

    /// Starts the plan, or resumes it where it was held, at the moment `at`.
    pub fn go(&mut self, generation: Generation, at: Moment) {
        if let Some(timeline) = self.timeline.filter(|line| line.generation == generation) {
            let run = timeline.run_at(at);
            self.go_from(generation, run, at);
        }
    }

    /// Plays the plan so that run time `run` is heard at `at`, whatever was heard before.
    pub fn go_from(&mut self, generation: Generation, run: MediaSpan, at: Moment) {
        let Some(timeline) = self.timeline.filter(|line| line.generation == generation) else {
            return;
        };
        let ordered = self.clock.now();
        self.set_timeline(Timeline {
            run,
            at: Some(at),
            ordered,
            ..timeline
        });
        self.order_device();
    }

    /// Tells the device what the timeline says.
    fn order_device(&mut self) {
        self.settles = self.clock.now() + ORDER_SETTLES;
        let Some(Timeline {
            generation,
            speed,
            run,
            at: Some(at),
            ..
        }) = self.timeline
        else {
            return;
        };
        self.shared.set_control(Control::Go {
            generation,
            run,
            at,
            speed,
        });
    }

    /// Pauses and keeps what is decoded; answers where.
    pub fn hold(&mut self) -> Option<AudioPosition> {
        let now = self.clock.now();
        let timeline = self.timeline?;
        let run = match self.position(now) {
            Some(position) => position.run,
            None => timeline.run_at(now),
        };
        self.shared.set_control(Control::Hold);
        self.lead = Lead::Free;
        self.set_timeline(Timeline {
            run,
            at: None,
            ordered: now,
            ..timeline
        });
        Some(AudioPosition {
            generation: timeline.generation,
            run,
        })
    }

    /// What is heard at `now`; `None` when that cannot be trusted, for the reasons that
    /// [`Self::state`] gives. While held, the position held. After a plan's end time goes on.
    pub fn position(&mut self, now: Moment) -> Option<AudioPosition> {
        let timeline = self.timeline?;
        if !self.enabled || !self.has_source {
            return None;
        }
        let stream = self.stream_number.load(Ordering::Acquire);
        match self
            .shared
            .reading()
            .filter(|reading| reading.stream == stream)
        {
            Some(reading) => self.audio_clock.feed(reading),
            None if stream == 0 => self.audio_clock.clear(),
            None => {}
        }
        let generation = timeline.generation;
        let Some(trust) = self.audio_clock.trust(now).filter(|_| stream != 0) else {
            return self.lose_lead(now);
        };
        if timeline.at.is_none() {
            return Some(AudioPosition {
                generation,
                run: timeline.run,
            });
        }
        let follows = self
            .audio_clock
            .running()
            .is_some_and(|run| run.generation == generation);
        let run = match trust {
            ClockTrust::Stalled => return self.lose_lead(now),
            ClockTrust::OffRate(_) => {
                if self.lead == Lead::Audio || now.since(timeline.ordered) >= REALIGN {
                    self.realign(now);
                }
                self.lead = Lead::OffRate;
                return None;
            }
            ClockTrust::Good if self.lead == Lead::OffRate => {
                // Sound was put right by a clock that was wrong. Now it can be done exactly.
                self.lead = Lead::Free;
                self.realign(now);
                return None;
            }
            ClockTrust::Good if follows && now >= self.settles => self.audio_clock.position(now)?.1,
            // The order is on its way, or the line is being found: time runs evenly meanwhile.
            _ if follows || now.since(timeline.ordered) < ORDER_PATIENCE => {
                let run = timeline.run_at(now);
                if timeline.at.is_some_and(|at| at <= now) {
                    self.audio_clock.take_over(generation, run, now);
                }
                return Some(AudioPosition { generation, run });
            }
            _ => return self.lose_lead(now),
        };
        self.lead = Lead::Audio;
        // Should the clock be lost, time goes on from here.
        self.set_timeline(Timeline {
            run,
            at: Some(now),
            ..timeline
        });
        Some(AudioPosition { generation, run })
    }

    /// The audio clock cannot be followed. Sound is put where time goes on without it.
    fn lose_lead(&mut self, now: Moment) -> Option<AudioPosition> {
        if self.lead == Lead::Audio {
            self.realign(now);
            self.lead = Lead::Free;
        }
        None
    }

    /// Orders the device to be where the timeline is.
    fn realign(&mut self, now: Moment) {
        if let Some(timeline) = &mut self.timeline {
            timeline.ordered = now;
        }
        self.order_device();
    }

    /// How long after the callback gives it to the device a sample is heard; zero without a device.
    pub fn latency(&self) -> Duration {
        let reading = self.shared.reading();
        reading.map_or(Duration::ZERO, |reading| {
            reading.line.heard.since(reading.at)
        })
    }

    /// Volume in percent, 0 to 200. Loudness grows with the cube: 100 leaves samples as they are, 50 is
    /// 18 dB quieter, 200 is 18 dB louder (and clips).
    pub fn set_volume_percent(&mut self, percent: u16) {
        self.shared
            .set_gain((f32::from(percent.min(200)) / 100.0).powi(3));
    }

    /// Mutes or unmutes. Time goes on by the audio clock.
    pub fn set_muted(&mut self, muted: bool) {
        self.shared.set_muted(muted);
    }

    /// Delays the sound against the picture, by 5 s at most; negative plays it earlier.
    pub fn set_delay_millis(&mut self, millis: i32) {
        self.shared
            .set_delay_millis(millis.clamp(-MAX_DELAY_MILLIS, MAX_DELAY_MILLIS));
    }

    /// Plays on the device named, or on the default one. The present one is opened again.
    pub fn set_device(&mut self, name: Option<String>) {
        self.device.choose(name);
    }

    /// How things are.
    pub fn state(&self) -> AudioPlayerState {
        let now = self.clock.now();
        let trust = self.audio_clock.trust(now);
        let mut note = None;
        let output = if self.enabled {
            match (&*self.source_state.lock(), &*self.device_state.lock()) {
                (SourceState::None, _) => AudioOutput::NoTrack,
                (SourceState::Failed(reason), _) => AudioOutput::Silent(reason.clone()),
                (SourceState::Open, DeviceState::Opening) => {
                    AudioOutput::Silent("the sound device is being opened".to_owned())
                }
                (SourceState::Open, DeviceState::Closed(reason)) => {
                    AudioOutput::Silent(reason.clone())
                }
                (SourceState::Open, DeviceState::Open { name, note: remark }) => {
                    note.clone_from(remark);
                    match trust {
                        Some(ClockTrust::Stalled) => {
                            AudioOutput::Silent(format!("{name} does not ask for samples"))
                        }
                        Some(ClockTrust::OffRate(ratio)) => {
                            note = Some(format!("{name} runs at {ratio:.2} times its rate"));
                            AudioOutput::Device(name.clone())
                        }
                        _ => AudioOutput::Device(name.clone()),
                    }
                }
            }
        } else {
            AudioOutput::Off
        };
        AudioPlayerState {
            output,
            note,
            underruns: self.shared.underruns(),
            levels: match trust {
                None | Some(ClockTrust::Stalled) => AudioLevels::default(),
                Some(_) => self.shared.levels().read(),
            },
            ring_fill: self.shared.ring_fill(),
            trust,
        }
    }

    /// Ends the threads. Waits for them, but not for a sound server that hangs.
    pub fn shutdown(mut self) {
        self.end_threads();
    }

    fn end_threads(&mut self) {
        self.shared.set_control(Control::Hold);
        self.session.quit();
        self.device.quit();
        for worker in self.threads.drain(..) {
            worker.join(SHUTDOWN_PATIENCE);
        }
    }
}

impl Drop for AudioPlayer {
    fn drop(&mut self) {
        self.end_threads();
    }
}
