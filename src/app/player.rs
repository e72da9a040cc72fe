//! Starts everything that stands behind the picture.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use crossbeam_channel::bounded;

use super::background::{Background, BackgroundOptions};
use super::proxy_making::{MakeProxies, Parts, ProxyMaking, Refused, Surroundings};
use crate::audio::{AudioConfig, AudioPlayer};
use crate::cache::FrameCache;
use crate::cache::disk::DiskCache;
use crate::cache::thumbnails::OpenStrip;
use crate::config::{Change, Config, ConfigWriter};
use crate::decode::SharedAnchor;
use crate::gpu::TextureBudget;
use crate::media::Size;
use crate::memory::{
    FramePool, MemoryBudget, MemoryManager, MemoryWatch, Shedder, Step, SystemProbe,
};
use crate::metrics::FrameLog;
use crate::playback::quality::{BatterySaver, Policy, ProxyUse};
use crate::playback::{
    Command, DetailShedder, Engine, EngineCalls, EngineHandle, EngineParts, Feedback, FileOpener,
    FrameScheduler, OpenerOptions, PowerWatch, ProxyDesk, QualityGauges, Schedule, Severity,
    Snapshot, StartOptions, SystemPower, TimelineSettings,
};
use crate::proxy::{Preset, ProxyFolder};
use crate::time::{Clock, RealClock};

/// Records that are kept for the frame graph: a minute at 60 fps.
const KEPT_RECORDS: usize = 3600;

/// Media may be opened faster than the window takes their rings.
const WAITING_SOURCES: usize = 16;

/// What a person is told when the engine's thread has panicked.
pub(super) const BROKEN_DOWN: &str = "the player's engine broke down. This is a fault in Jogwheel, not in \
    your file or machine: please report it with the lines above. Opening the file again may work.";

/// How the player is set up.
#[derive(Debug, Clone)]
pub struct PlayerOptions {
    /// How each medium begins.
    pub start: StartOptions,
    /// The sound.
    pub audio: AudioConfig,
    /// Memory; chosen by the machine when left out.
    pub budget: MemoryBudget,
    /// Whether decoded frames and converted pictures are kept for when they are asked for again.
    pub keeps_frames: bool,
    /// Decoder threads; one for each core when left out.
    pub threads: Option<NonZeroUsize>,
    /// Commands given before the first file is opened: speed, loop, volume.
    pub commands: Vec<Command>,
    /// How timelines are read.
    pub timelines: TimelineSettings,
    /// Where what can be made again is kept from one run to the next.
    pub disk: Option<Arc<DiskCache>>,
    /// The folder of proxies, where proxies may be used.
    pub proxies: Option<ProxyFolder>,
    /// When proxies are made of what plays.
    pub makes_proxies: MakeProxies,
    /// The configuration file, where what a person chooses while playing is saved.
    pub settings: Option<PathBuf>,
    /// What a person is to be told of the start.
    pub notes: Vec<String>,
    /// Files to open.
    pub files: Vec<PathBuf>,
}

impl PlayerOptions {
    /// Opens `files` paused and without sound, which is enough to look at single frames. Nothing is kept on
    /// disk.
    pub fn paused_and_silent(files: Vec<PathBuf>) -> Self {
        Self {
            start: StartOptions {
                paused: true,
                ..StartOptions::default()
            },
            audio: AudioConfig {
                device: None,
                enabled: false,
            },
            budget: MemoryBudget::for_this_machine(),
            keeps_frames: true,
            threads: None,
            commands: Vec::new(),
            timelines: TimelineSettings::default(),
            disk: None,
            proxies: None,
            makes_proxies: MakeProxies::Never,
            settings: None,
            notes: Vec::new(),
            files,
        }
    }
}

/// The engine and what the presenting thread needs of it.
pub struct Player {
    /// The clock that everything is in.
    pub clock: Arc<dyn Clock>,
    /// Takes commands, gives snapshots.
    pub engine: EngineHandle,
    /// Tells which frame is due.
    pub scheduler: FrameScheduler,
    /// Where frames live.
    pub pool: FramePool,
    /// What textures and buffers on the graphics device may take.
    pub textures: Arc<TextureBudget>,
    /// Where decoded frames are kept for when they are asked for again, if they are.
    pub cache: Option<Arc<FrameCache>>,
    /// Who holds how much of the budget, and how short memory is.
    pub memory: Arc<MemoryManager>,
    /// Looks after it.
    _watch: MemoryWatch,
    /// Looks whether the machine runs from its battery, where that matters.
    _power: Option<PowerWatch>,
    /// Where the thumbnails of the medium that is open are left, to stand in for its frames.
    pub open_strip: Arc<OpenStrip>,
    /// Where what can be made again is kept from one run to the next.
    pub disk: Option<Arc<DiskCache>>,
    /// The folder of proxies, where proxies may be used.
    pub proxies: Option<ProxyFolder>,
    /// The last message about it that was passed on.
    told_of_disk: Option<Arc<String>>,
    /// Makes proxies of what plays, where any may be made.
    making: Option<ProxyMaking>,
    /// Writes choices to the configuration file.
    settings: Option<ConfigWriter>,
}

impl Player {
    /// Starts the engine. `wake` is called from other threads whenever the presenting thread may find
    /// something new.
    pub fn start(
        options: PlayerOptions,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(RealClock::new());
        let Shares {
            pool,
            textures,
            cache,
            memory,
            watch,
        } = Shares::of(options.budget, options.keeps_frames, &clock)?;
        let (gauges, power) = quality_gauges(&memory, options.start.quality.saver)?;
        let anchor = SharedAnchor::default();
        let schedule = Arc::new(ArcSwap::from_pointee(Schedule::default()));
        let feedback = Arc::new(Feedback::default());
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let (sources, new_sources) = bounded(WAITING_SOURCES);
        let (calls, waker) = EngineCalls::new();
        let notify: Arc<dyn Fn() + Send + Sync> = Arc::new({
            let wake = Arc::clone(&wake);
            move || {
                waker.wake();
                wake();
            }
        });
        let settings = settings_writer(options.settings, &wake)?;
        let open_strip = Arc::new(OpenStrip::default());
        let surroundings = Surroundings {
            clock: Arc::clone(&clock),
            disk: options.disk.clone(),
            ledger: memory.ledger().clone(),
            wake: Arc::clone(&wake),
        };
        let indices = surroundings.indices();
        let proxies = options.proxies.clone();
        let (desk, making) = start_proxies(options.proxies, options.makes_proxies, surroundings)?;
        let opener = FileOpener::new(OpenerOptions {
            open_strip: Arc::clone(&open_strip),
            threads: options.threads.unwrap_or_else(default_threads),
            pool: pool.clone(),
            cache: cache.clone(),
            clock: Arc::clone(&clock),
            anchor: Arc::clone(&anchor),
            notify,
            timelines: options.timelines,
            indices,
            proxies: desk,
        });
        let scheduler = FrameScheduler::new(
            Arc::clone(&schedule),
            Arc::clone(&feedback),
            new_sources,
            FrameLog::new(KEPT_RECORDS),
        );
        let make_engine = {
            let (clock, snapshot) = (Arc::clone(&clock), Arc::clone(&snapshot));
            let (audio, start) = (options.audio, options.start);
            let sound_memory = Some(Arc::clone(&memory));
            let gauges = gauges.clone();
            move || {
                let sound = Box::new(AudioPlayer::start(Arc::clone(&clock), audio, sound_memory));
                let opener = Box::new(opener);
                let parts = EngineParts {
                    opener,
                    sound,
                    clock,
                    schedule,
                    feedback,
                    sources,
                    anchor,
                    snapshot,
                    gauges,
                };
                Engine::new(parts, start)
            }
        };
        let engine = EngineHandle::start(
            calls,
            snapshot,
            Arc::clone(&clock),
            make_engine,
            move || wake(),
        )?;
        begin(&engine, options.commands, options.files, options.notes);
        Ok(Self {
            clock,
            engine,
            scheduler,
            pool,
            textures,
            cache,
            memory,
            _watch: watch,
            _power: power,
            open_strip,
            disk: options.disk,
            proxies,
            told_of_disk: None,
            making,
            settings,
        })
    }

    /// Starts the work in the background for what is opened, if any is asked for. `wake` is called from its
    /// thread when there is something new to see.
    pub(super) fn start_background(
        &self,
        options: BackgroundOptions,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Option<Background>> {
        let options = BackgroundOptions {
            open_strip: Arc::clone(&self.open_strip),
            frames: self.cache.clone(),
            ..options
        };
        let (clock, memory) = (Arc::clone(&self.clock), Arc::clone(&self.memory));
        Background::start(options, clock, memory, wake)
    }

    /// Tells the cache at which size frames are seen.
    pub fn show_at(&self, size: Option<Size>) {
        if let Some(cache) = &self.cache {
            cache.show_at(size);
        }
    }

    /// Sees to it that proxies are made of what is too much for the machine, without disturbing what plays. To be
    /// called in each turn.
    pub fn follow_proxies(&mut self, snapshot: &Snapshot) {
        let now = self.clock.now();
        let Some(making) = self.making.as_mut().filter(|making| making.is_due(now)) else {
            return;
        };
        let lost = self.scheduler.log().lost();
        for (severity, text) in making.follow(now, snapshot, lost) {
            self.engine.send(Command::Tell(severity, text));
        }
    }

    /// Makes proxies of what is open: of one size, or those that fit it.
    pub fn make_proxies(&mut self, preset: Option<Preset>) {
        let told = if let Some(making) = &mut self.making {
            making.ask(&self.engine.snapshot(), preset)
        } else {
            let words = "No proxies are made: --make-proxies or --proxies says so.";
            Some((Severity::Warning, words.to_owned()))
        };
        if let Some((severity, text)) = told {
            self.engine.send(Command::Tell(severity, text));
        }
    }

    /// What is being made in the background, in a few words; empty while nothing is.
    pub fn background_words(&self) -> String {
        self.making
            .as_ref()
            .map_or_else(String::new, ProxyMaking::line)
    }

    /// Passes on what is wrong with the disk cache, once. Costs nothing while nothing is.
    pub fn tell_of_disk(&mut self) {
        let problem = self.disk.as_ref().and_then(|disk| disk.problem());
        if let Some(problem) = problem
            && self.told_of_disk.as_ref() != Some(&problem)
        {
            let text = problem.to_string();
            self.engine.send(Command::Tell(Severity::Warning, text));
            self.told_of_disk = Some(problem);
        }
        let unsaved = self.settings.as_ref().and_then(ConfigWriter::take_problem);
        if let Some(text) = unsaved {
            self.engine.send(Command::Tell(Severity::Warning, text));
        }
    }

    /// Writes changes to the configuration file, where there is one.
    pub fn save_settings(&self, changes: Vec<Change>) -> bool {
        if let Some(settings) = &self.settings {
            settings.save(changes);
        }
        self.settings.is_some()
    }

    /// What the configuration file says since something was written there, once; and whether nothing waits.
    pub fn take_settings(&self) -> (Option<Config>, bool) {
        let settings = self.settings.as_ref();
        settings.map_or((None, true), ConfigWriter::take_saved)
    }

    /// Saves what a person has chosen by a command, where it is something that stays from one run to the next.
    pub fn remember(&self, command: &Command) {
        let Some(settings) = &self.settings else {
            return;
        };
        let snapshot = self.engine.snapshot();
        let before = Policy {
            mode: snapshot.quality.mode,
            use_proxy: snapshot.proxies,
            ..Policy::default()
        };
        let choices = choices(&before, command);
        if !choices.is_empty() {
            settings.save(choices);
        }
    }
}

/// What writes to the configuration file, if there is one.
fn settings_writer(
    path: Option<PathBuf>,
    wake: &Arc<dyn Fn() + Send + Sync>,
) -> std::io::Result<Option<ConfigWriter>> {
    path.map(|path| ConfigWriter::start(path, Arc::clone(wake)))
        .transpose()
}

/// Sends what was asked for at the start.
fn begin(engine: &EngineHandle, commands: Vec<Command>, files: Vec<PathBuf>, notes: Vec<String>) {
    let open = (!files.is_empty()).then_some(Command::Open(files));
    let tell = |note| Command::Tell(Severity::Warning, note);
    // What is opened takes the place of what was told before.
    let notes = notes.into_iter().map(tell);
    for command in commands.into_iter().chain(open).chain(notes) {
        engine.send(command);
    }
}

/// What a command changes of what is saved: what it says, and what does not go with it.
fn choices(before: &Policy, command: &Command) -> Vec<Change> {
    let (after, says_mode) = match command {
        Command::SetQuality(mode) => (before.with_mode(*mode), true),
        // They were switched off for this run alone, or for good: not by the key.
        Command::SetProxies(_) if before.use_proxy == ProxyUse::Never => return Vec::new(),
        Command::SetProxies(wanted) => (before.with_proxies(*wanted), false),
        _ => return Vec::new(),
    };
    let mut choices = Vec::new();
    if says_mode || after.mode != before.mode {
        choices.push(Change::text("quality.mode", after.mode.name()));
    }
    if !says_mode || after.use_proxy != before.use_proxy {
        choices.push(Change::text("quality.proxies", after.use_proxy.name()));
    }
    choices
}

/// What the memory budget is divided among, and who looks after it.
struct Shares {
    pool: FramePool,
    textures: Arc<TextureBudget>,
    cache: Option<Arc<FrameCache>>,
    memory: Arc<MemoryManager>,
    watch: MemoryWatch,
}

impl Shares {
    fn of(
        budget: MemoryBudget,
        keeps_frames: bool,
        clock: &Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let frame_bytes = if keeps_frames {
            budget.cached_frame_bytes()
        } else {
            budget.frame_bytes()
        };
        let ledger = budget.ledger(frame_bytes);
        let memory = Arc::new(MemoryManager::new(
            ledger.clone(),
            Box::new(SystemProbe::new()),
        ));
        let textures = Arc::new(TextureBudget::of_ledger(ledger.clone()));
        if !keeps_frames {
            textures.lower_share(0);
        }
        let shedder: Weak<dyn Shedder> = Arc::<TextureBudget>::downgrade(&textures);
        memory.register(Step::Vram, shedder);
        let pool = FramePool::charged(frame_bytes, ledger.clone());
        let cache = keeps_frames.then(|| {
            // How much it may hold depends on the medium: the opener says so.
            let cache = FrameCache::new(0, Arc::clone(clock), Some(ledger), memory.gauge());
            cache.register(&memory);
            cache.join(&pool);
            cache
        });
        let watch = MemoryWatch::start(Arc::clone(&memory))?;
        Ok(Self {
            pool,
            textures,
            cache,
            memory,
            watch,
        })
    }
}

/// What finds the proxies of the folder, if there is one, and what makes more of them, if anything does.
fn start_proxies(
    folder: Option<ProxyFolder>,
    when: MakeProxies,
    around: Surroundings,
) -> std::io::Result<(Option<Arc<ProxyDesk>>, Option<ProxyMaking>)> {
    let Some(folder) = folder else {
        return Ok((None, None));
    };
    let refused = Refused::default();
    let desk = ProxyDesk::start(folder.clone(), Arc::clone(&around.clock), around.indices())?;
    let repaired = Arc::clone(&refused);
    let desk = match when {
        // Nobody would take them.
        MakeProxies::Never => desk,
        MakeProxies::Auto | MakeProxies::Ask => desk.with_repair(Arc::new(move |record| {
            repaired.lock().push(record.clone());
        })),
    };
    let desk = Arc::new(desk);
    let parts = Parts {
        folder,
        desk: Arc::clone(&desk),
        refused,
        around,
    };
    Ok((Some(desk), ProxyMaking::new(when, parts)))
}

/// What is heeded when quality is chosen, and who looks after it.
fn quality_gauges(
    memory: &MemoryManager,
    saver: BatterySaver,
) -> std::io::Result<(QualityGauges, Option<PowerWatch>)> {
    let gauges = QualityGauges {
        memory: memory.gauge(),
        ..QualityGauges::default()
    };
    let shedder: Weak<dyn Shedder> = Arc::<DetailShedder>::downgrade(&gauges.detail);
    memory.register(Step::LowerRung, shedder);
    let watch = || PowerWatch::start(gauges.power.clone(), Box::new(SystemPower::default()));
    let power = (saver == BatterySaver::Auto).then(watch).transpose()?;
    Ok((gauges, power))
}

fn default_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::quality::QualityMode;

    #[test]
    fn what_a_choice_takes_back_is_saved_with_it() {
        let policy = |mode: QualityMode, use_proxy| Policy {
            mode,
            use_proxy,
            ..Policy::default()
        };
        let mode = |name| Change::text("quality.mode", name);
        let proxies = |name| Change::text("quality.proxies", name);
        let always = Command::SetProxies(ProxyUse::Always);
        let source = policy(QualityMode::Source, ProxyUse::Auto);
        assert_eq!(choices(&source, &always), [mode("auto"), proxies("always")]);
        let draft = policy(QualityMode::Draft, ProxyUse::Auto);
        assert_eq!(choices(&draft, &always), [proxies("always")]);
        let by_mode = Command::SetQuality(QualityMode::Proxy);
        assert_eq!(choices(&source, &by_mode), [mode("proxy")]);
        let both = policy(QualityMode::Auto, ProxyUse::Always);
        assert_eq!(choices(&both, &by_mode), [mode("proxy"), proxies("auto")]);
        let never = policy(QualityMode::Auto, ProxyUse::Never);
        assert!(choices(&never, &always).is_empty());
        assert!(choices(&never, &Command::Pause).is_empty());
    }

    #[test]
    fn what_is_told_of_the_start_is_there_when_the_file_is() {
        let (send, news) = bounded(1);
        let wake = Arc::new(move || {
            let _already = send.try_send(());
        });
        let folder = tempfile::tempdir().unwrap();
        let options = PlayerOptions {
            notes: vec!["config.toml:2: what is that?".to_owned()],
            ..PlayerOptions::paused_and_silent(vec![folder.path().join("none.mov")])
        };
        let player = Player::start(options, wake).unwrap();
        loop {
            let snapshot = player.engine.snapshot();
            let told = |severity| snapshot.notices.iter().any(|it| it.severity == severity);
            // There is no such file.
            if told(Severity::Error) && told(Severity::Warning) {
                break;
            }
            news.recv_timeout(std::time::Duration::from_mins(1))
                .unwrap();
        }
    }
}
