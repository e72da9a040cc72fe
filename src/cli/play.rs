//! `jogwheel play`.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::args::{MachineArgs, PictureArgs, ProxyUseArgs, QualityArgs, RunArgs, SoundArgs};
use super::cache::disk_cache;
use super::exit::{CliError, Exit};
use super::{ConvertChoice, PlayArgs, print, serve_puffin, stop_on_signal};
use crate::app::{
    BackgroundOptions, ConfigOptions, Headless, HeadlessError, HeadlessOptions, MakeProxies,
    PlayerOptions, REMEMBERED_FILE, StageError, StateFile, WindowError, WindowOptions, run_window,
    write_png,
};
use crate::audio::AudioConfig;
use crate::cache::{MemoryStore, ProductStore};
use crate::config::{CONFIG_FILE, Config, Folders, QualitySettings};
use crate::decode::{IndexStore, LoopMode};
use crate::gpu::{self, RgbaPicture};
use crate::media::{CompareView, MediaInfo, Size};
use crate::memory::MemoryBudget;
use crate::metrics::SoakReport;
use crate::playback::quality::{Policy, ProxyUse};
use crate::playback::{Command, StartOptions, TimelineSettings, TimelineState};
use crate::proxy::ProxyFolder;
use crate::time::FrameRate;
use crate::timeline::import::is_timeline;

/// Thumbnails and waveforms of files that were open before, packed: a playlist goes back and forth.
const KEPT_BYTES: usize = 64 << 20;

/// Size of the picture without a window, unless stated.
const HEADLESS_SIZE: (u32, u32) = (1280, 720);

pub(super) fn run(args: &PlayArgs, out: &mut dyn Write) -> Result<Exit, CliError> {
    let _profiler = serve_puffin(args.report.puffin)?;
    let wishes = wishes(&args.quality, &args.proxies, config_of_user())?;
    let config = config_options(args, &wishes);
    let player = player_options(args, wishes);
    // What cannot be opened is told before a window appears; among several, the rest plays.
    // With a window it is opened while the graphics driver is.
    if let ([only], true) = (player.files.as_slice(), args.run.headless) {
        check_file(only, &timeline_settings(args))?;
    }
    let Played {
        report,
        picture,
        interrupted,
        failure,
    } = if args.run.headless {
        headless(args, player)?
    } else {
        window(args, player, config)?
    };
    if let Some(path) = &args.run.shot {
        let picture = picture.ok_or_else(|| match &failure {
            Some(reason) => CliError::new(Exit::Input, reason.as_str()),
            None => CliError::new(Exit::Failure, "no picture was shown, so none was written."),
        })?;
        write_png(&picture, path)
            .map_err(|error| CliError::new(Exit::Failure, error.to_string()))?;
    }
    if args.report.json {
        print(out, &format!("{}\n", json(&report)?))?;
    } else if args.run.headless {
        print(out, &report.to_string())?;
        if let Some(path) = &args.run.shot {
            print(out, &format!("picture: {}\n", path.display()))?;
        }
    }
    if let Some(reason) = failure.filter(|_| !interrupted) {
        return Err(CliError::new(Exit::Input, reason));
    }
    Ok(if interrupted {
        Exit::Interrupted
    } else {
        Exit::Ok
    })
}

/// What a run leaves behind.
struct Played {
    report: SoakReport,
    picture: Option<RgbaPicture>,
    /// Whether a person ended it.
    interrupted: bool,
    /// Why it did not play to its end, where nobody saw it said.
    failure: Option<String>,
}

fn window(
    args: &PlayArgs,
    player: PlayerOptions,
    config: ConfigOptions,
) -> Result<Played, CliError> {
    let stop = stop_on_signal();
    let options = WindowOptions {
        size: args.picture.size,
        fullscreen: args.picture.fullscreen,
        choice: convert_choice(args.picture.convert),
        performance: args.picture.overlay,
        untimed: args.run.untimed,
        seconds: args.run.seconds,
        frames: args.run.frames.map(std::num::NonZero::get),
        close_at_end: args.run.untimed,
        device_loss_at: Vec::new(),
        state_file: args.report.state_file.clone(),
        target_fps: None,
        only_with_file: player.files.len() == 1,
        background: window_background(&args.run, &player),
        config,
        remembers_at: remembers_at(args),
    };
    let file = player.files.first().cloned().unwrap_or_default();
    let only_with_file = options.only_with_file;
    let outcome = match run_window(player, options, stop.clone(), args.run.shot.is_some()) {
        Ok(outcome) => outcome,
        Err(error @ WindowError::Media(_)) => return Err(CliError::from(error).about(&file)),
        Err(error) => {
            // Where there is no window to tell it in, a bad file is the first thing to know.
            if only_with_file {
                check_file(&file, &timeline_settings(args))?;
            }
            return Err(error.into());
        }
    };
    Ok(Played {
        report: outcome.report,
        picture: outcome.picture,
        interrupted: stop.load(Ordering::Relaxed),
        // The window has told what there was to tell.
        failure: None,
    })
}

/// What is made of files while they play in a window. Showing frames as fast as they come is for measuring,
/// which nothing may disturb.
fn window_background(run: &RunArgs, player: &PlayerOptions) -> BackgroundOptions {
    BackgroundOptions {
        thumbnails: !(run.no_thumbnails || run.untimed),
        waveforms: !run.untimed,
        ..background(player)
    }
}

/// Nothing is made; what is asked for is kept on disk, or in memory where there is no such folder.
pub(super) fn background(player: &PlayerOptions) -> BackgroundOptions {
    let on_disk = player
        .disk
        .as_ref()
        .map(|disk| Arc::clone(disk) as Arc<dyn ProductStore>);
    let in_memory = || {
        let store = player.keeps_frames.then(|| MemoryStore::new(KEPT_BYTES))?;
        Some(Arc::new(store) as Arc<dyn ProductStore>)
    };
    BackgroundOptions {
        pictures: on_disk.clone(),
        store: on_disk.or_else(in_memory),
        indices: player
            .disk
            .clone()
            .map(|disk| -> Arc<dyn IndexStore> { disk }),
        ..BackgroundOptions::default()
    }
}

fn headless(args: &PlayArgs, player: PlayerOptions) -> Result<Played, CliError> {
    let stop = stop_on_signal();
    let Some(file) = player.files.first().cloned() else {
        return Err(CliError::new(
            Exit::Usage,
            "name a file: without a window none can be dropped.",
        ));
    };
    let options = HeadlessOptions {
        size: headless_size(args.picture)?,
        choice: convert_choice(args.picture.convert),
        refresh: refresh()?,
        seconds: args.run.seconds,
        frames: args.run.frames.map(std::num::NonZero::get),
        untimed: args.run.untimed,
        target_fps: None,
        background: BackgroundOptions::default(),
        device_loss_at: Vec::new(),
    };
    let state_file = args
        .report
        .state_file
        .as_deref()
        .map(StateFile::create)
        .transpose();
    let state_file = state_file
        .map_err(|error| CliError::new(Exit::Failure, format!("the state file: {error}.")))?;
    let mut run = Headless::start(player, options, state_file, stop.clone())?;
    run.run()?;
    let report = run.report(&file);
    let picture = match &args.run.shot {
        Some(_) if run.stage().has_frame() => Some(run.stage().picture(args.picture.size)?),
        _ => None,
    };
    let failure = run.failure();
    Ok(Played {
        report,
        picture,
        interrupted: stop.load(Ordering::Relaxed),
        failure,
    })
}

/// Where it is remembered how the window was left. What is measured begins as always.
fn remembers_at(args: &PlayArgs) -> Option<PathBuf> {
    if args.run.untimed {
        return None;
    }
    Some(Folders::of_user().ok()?.state().join(REMEMBERED_FILE))
}

/// What is set, for the window.
fn config_options(args: &PlayArgs, wishes: &Wishes) -> ConfigOptions {
    ConfigOptions {
        path: wishes.file.clone(),
        file: wishes.config.clone(),
        command_line: wishes.command_line,
        states_memory: args.machine.memory.is_some(),
    }
}

fn player_options(args: &PlayArgs, wishes: Wishes) -> PlayerOptions {
    let transport = &args.transport;
    let start = StartOptions {
        paused: transport.paused,
        untimed: args.run.untimed,
        position: transport.start,
        mark_in: transport.mark_in,
        mark_out: transport.mark_out,
        quality: wishes.quality,
    };
    let mut commands = vec![
        Command::SetSpeed(transport.speed),
        Command::SetLoop(LoopMode::from(transport.loop_mode)),
    ];
    commands.push(Command::SetCompare(CompareView {
        mode: args.compare.compare_mode.into(),
        ..CompareView::default()
    }));
    commands.extend(sound_commands(&args.sound));
    PlayerOptions {
        start,
        audio: audio_config(&args.sound, args.run.untimed),
        budget: match wishes.config.memory_mib {
            Some(mib) if args.machine.memory.is_none() => {
                MemoryBudget::stated(u64::from(mib) << 20)
            }
            _ => budget(args.machine),
        },
        keeps_frames: !args.disk.no_cache,
        threads: threads(args.machine),
        commands,
        timelines: timeline_settings(args),
        disk: disk_cache(&args.disk),
        proxies: proxy_folder(&args.proxies, &wishes.quality),
        makes_proxies: makes_proxies(args),
        settings: wishes.file,
        notes: wishes.notes,
        files: args.files.clone(),
    }
}

/// What is wanted of quality, by the command line and the configuration file together.
pub(super) struct Wishes {
    pub(super) quality: Policy,
    /// The configuration file, where choices are saved.
    file: Option<PathBuf>,
    /// What it says.
    config: Config,
    /// What the command line says of quality.
    command_line: QualitySettings,
    /// What in the file does not apply.
    notes: Vec<String>,
}

/// The configuration file of whoever runs the program.
fn config_of_user() -> Option<PathBuf> {
    Some(Folders::of_user().ok()?.config().join(CONFIG_FILE))
}

/// Reads the configuration file, `usual` where none is named; the command line wins. What is wrong with a line
/// is told and not heeded.
pub(super) fn wishes(
    args: &QualityArgs,
    proxies: &ProxyUseArgs,
    usual: Option<PathBuf>,
) -> Result<Wishes, CliError> {
    let file = args.config.clone().or(usual);
    let config = match &file {
        // Whoever names a file means one that is there.
        Some(path) if args.config.is_some() && !path.is_file() => {
            let text = "there is no such configuration file.";
            return Err(CliError::new(Exit::Usage, text).about(path));
        }
        Some(path) => match Config::read(path) {
            Ok(config) => config,
            Err(error) if args.config.is_some() => {
                return Err(CliError::new(Exit::Usage, format!("{error}.")).about(path));
            }
            Err(error) => {
                tracing::warn!("{}: {error}; it is not heeded", path.display());
                Config::default()
            }
        },
        None => Config::default(),
    };
    for note in &config.notes {
        tracing::warn!("{note}");
    }
    let command_line = args.settings(proxies);
    Ok(Wishes {
        quality: command_line.or(config.quality).policy(),
        command_line,
        notes: config.notes.iter().map(ToString::to_string).collect(),
        config,
        file,
    })
}

/// When proxies are made. Where nobody looks, and where it is measured, only when it is asked for.
fn makes_proxies(args: &PlayArgs) -> MakeProxies {
    match args.make_proxies {
        Some(choice) => choice.into(),
        None if args.run.headless || args.run.untimed => MakeProxies::Never,
        None => MakeProxies::Auto,
    }
}

/// Where proxies are looked for, unless they must not be used.
pub(super) fn proxy_folder(args: &ProxyUseArgs, quality: &Policy) -> Option<ProxyFolder> {
    if quality.use_proxy == ProxyUse::Never {
        return None;
    }
    super::proxy::folder(args.proxy_dir.as_deref())
        .inspect_err(|error| tracing::warn!("no proxies: {error}"))
        .ok()
}

fn timeline_settings(args: &PlayArgs) -> TimelineSettings {
    TimelineSettings {
        compare: args.compare.comparison(),
        ..args.timeline.settings()
    }
}

fn sound_commands(sound: &SoundArgs) -> Vec<Command> {
    let mut commands = vec![
        Command::SetVolume(sound.volume),
        Command::SetMuted(sound.mute),
        Command::SetAudioDelayMillis(sound.audio_delay),
    ];
    if let Some(track) = sound.audio_track {
        commands.push(Command::SetAudioTrack(Some(track)));
    }
    if sound.no_audio {
        commands.push(Command::SetAudioTrack(None));
    }
    commands
}

fn audio_config(sound: &SoundArgs, untimed: bool) -> AudioConfig {
    AudioConfig {
        device: sound.audio_device.clone(),
        enabled: !sound.no_audio && !untimed,
    }
}

pub(super) fn budget(machine: MachineArgs) -> MemoryBudget {
    machine
        .memory
        .map_or_else(MemoryBudget::for_this_machine, MemoryBudget::stated)
}

pub(super) fn threads(machine: MachineArgs) -> Option<NonZeroUsize> {
    machine
        .threads
        .and_then(|threads| NonZeroUsize::new(usize::from(threads)))
}

pub(super) fn convert_choice(choice: ConvertChoice) -> gpu::ConvertChoice {
    match choice {
        ConvertChoice::Auto => gpu::ConvertChoice::Auto,
        ConvertChoice::Gpu => gpu::ConvertChoice::Gpu,
        ConvertChoice::Cpu => gpu::ConvertChoice::Cpu,
    }
}

fn headless_size(picture: PictureArgs) -> Result<Size, CliError> {
    let usual = Size::new(HEADLESS_SIZE.0, HEADLESS_SIZE.1);
    picture
        .size
        .or(usual)
        .ok_or_else(|| CliError::new(Exit::Usage, "the size is out of range."))
}

/// Refreshes a second of the display that a run without a window pretends to have.
pub(super) fn refresh() -> Result<FrameRate, CliError> {
    FrameRate::new(60, 1).ok_or_else(|| CliError::new(Exit::Failure, "no refresh rate."))
}

/// Opens `path` to see whether it can be played at all.
pub(super) fn check_file(path: &Path, settings: &TimelineSettings) -> Result<MediaInfo, CliError> {
    if settings.compare.is_some() || is_timeline(path) {
        return TimelineState::open(path, settings)
            .map(|state| state.media_info(path))
            .map_err(|error| CliError::new(Exit::Input, error).about(path));
    }
    crate::decode::probe(path)
        .and_then(|info| crate::decode::require_playable(&info).map(|()| info))
        .map_err(|error| CliError::from(error).about(path))
}

pub(super) fn json(report: &SoakReport) -> Result<String, CliError> {
    serde_json::to_string_pretty(report)
        .map_err(|error| CliError::new(Exit::Failure, format!("the report: {error}.")))
}

impl From<StageError> for CliError {
    fn from(error: StageError) -> Self {
        let exit = match error {
            StageError::Gpu(_) => Exit::NoDevice,
            StageError::Picture(_) => Exit::Failure,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<WindowError> for CliError {
    fn from(error: WindowError) -> Self {
        match error {
            WindowError::Stage(error) => error.into(),
            WindowError::Media(text) => Self::new(Exit::Input, text),
            WindowError::Display(_) | WindowError::Lost(_) => {
                Self::new(Exit::NoDevice, error.to_string())
            }
            WindowError::Engine | WindowError::System(_) => {
                Self::new(Exit::Failure, error.to_string())
            }
        }
    }
}

impl From<HeadlessError> for CliError {
    fn from(error: HeadlessError) -> Self {
        match error {
            HeadlessError::Stage(error) => error.into(),
            HeadlessError::Media(text) => Self::new(Exit::Input, text),
            HeadlessError::Engine | HeadlessError::System(_) => {
                Self::new(Exit::Failure, error.to_string())
            }
        }
    }
}
