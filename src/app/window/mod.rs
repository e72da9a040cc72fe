//! The window: winit's loop on the program's main thread.
//!
//! The loop sleeps until a frame is due, the interface changes, or something arrives from another
//! thread; it draws only then. One turn of drawing: pull the due frame, convert it, let the interface
//! run if it would look different, draw both, present.

mod actions;
mod aside;
mod draw;
mod failure;
mod interface;
mod lost;
mod moves;
mod opening;
mod panels;
mod profile;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use egui_winit::accesskit_winit::{self, WindowEvent as ReaderEvent};
use winit::application::ApplicationHandler;
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, ControlFlow, EventLoop, EventLoopProxy};
use winit::window::{Window, WindowId};

use self::aside::Aside;
use self::interface::Interface;
use self::lost::Lost;
use self::moves::Moves;
pub use self::panels::ConfigOptions;
use self::panels::PanelDesk;
use super::background::{Background, BackgroundOptions};
use super::clerk::Desk;
use super::player::{BROKEN_DOWN, Player, PlayerOptions};
use super::profile::Profiler;
use super::stage::{Stage, StageError};
use super::state_file::{Screen, StateFile};
use super::stats::{RunStats, StatsGatherer, disk_report, failure_of_run};
use crate::config::{Folders, KeyMap};
use crate::convert::PixelReading;
use crate::gpu::{ConvertChoice, WindowSurface};
use crate::media::Size;
use crate::metrics::{OutputMode, SoakReport};
use crate::playback::{Command, Pacer, PlaybackStatus, ScreenAim, Severity, Snapshot};
use crate::time::{FrameIndex, FrameRate, Moment};

/// How the window is set up.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct WindowOptions {
    /// Size of the picture area; three quarters of the screen at most, when left out.
    pub size: Option<Size>,
    /// Fill the screen.
    pub fullscreen: bool,
    /// Who converts.
    pub choice: ConvertChoice,
    /// Begin with the performance panel.
    pub performance: bool,
    /// Show frames as fast as they come.
    pub untimed: bool,
    /// Close after this long.
    pub seconds: Option<Duration>,
    /// Close after this many frames.
    pub frames: Option<u64>,
    /// Close when the playlist is over.
    pub close_at_end: bool,
    /// Lose the device on purpose, this long after the start.
    pub device_loss_at: Vec<Duration>,
    /// Write the state here.
    pub state_file: Option<PathBuf>,
    /// Frames a second that are to be held, for the report; the medium's rate when left out.
    pub target_fps: Option<FrameRate>,
    /// Open no window for a file that cannot be opened, but end with the reason.
    pub only_with_file: bool,
    /// What is made of each file in the background.
    pub background: BackgroundOptions,
    /// What a person has set.
    pub config: ConfigOptions,
    /// Where it is remembered how the window was left, if it is.
    pub remembers_at: Option<PathBuf>,
}

/// What a window leaves behind.
pub struct WindowOutcome {
    /// The report of what was played.
    pub report: SoakReport,
    /// The picture that was on screen last, if it was asked for and there was one.
    pub picture: Option<crate::gpu::RgbaPicture>,
    /// Why the file did not play to its end, or at all.
    pub failure: Option<String>,
}

/// Why there is no window, or no more.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// There is no display.
    #[error(
        "no window can be opened ({0}). Is there a display? Without one, use `jogwheel play --headless`."
    )]
    Display(String),
    /// There was one.
    #[error("the window system ended, or cut the window off ({0}).")]
    Lost(String),
    /// The only file cannot be played.
    #[error("{0}")]
    Media(String),
    /// There is no graphics device.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A fault in the program itself.
    #[error("{BROKEN_DOWN}")]
    Engine,
    /// A thread or the state file failed.
    #[error("the system refused: {0}.")]
    System(#[from] std::io::Error),
}

/// What other threads tell the loop.
#[derive(Debug)]
enum News {
    /// There may be something new to see.
    Look,
    /// Files were chosen in the dialog.
    Chosen(Vec<PathBuf>),
    /// There is no dialog on this system.
    NoDialog,
    /// The names of the sound devices.
    SoundDevices(Vec<String>),
    /// What came of something that was done beside.
    Told(Severity, String),
    /// From or to a screen reader.
    Reader(ReaderEvent),
}

impl From<accesskit_winit::Event> for News {
    fn from(event: accesskit_winit::Event) -> Self {
        Self::Reader(event.window_event)
    }
}

/// The screen's refresh rate where the system does not tell it.
const USUAL_REFRESH: (u32, u32) = (60, 1);

/// How often the loop looks at the process when nothing else happens.
const LOOK_NANOS: i64 = 250_000_000;

/// Opens a window and plays until it is closed. A true `stop` closes it.
pub fn run_window(
    player: PlayerOptions,
    options: WindowOptions,
    stop: Arc<AtomicBool>,
    want_picture: bool,
) -> Result<WindowOutcome, WindowError> {
    let display =
        |error: winit::error::EventLoopError| WindowError::Display(in_plain_words(&error));
    let event_loop = EventLoop::<News>::with_user_event()
        .build()
        .map_err(display)?;
    let proxy = event_loop.create_proxy();
    // One piece of news is enough until the loop has looked; a flood would only queue up.
    let told = Arc::new(AtomicBool::new(false));
    let wake: Arc<dyn Fn() + Send + Sync> = {
        let (proxy, told) = (parking_lot::Mutex::new(proxy.clone()), Arc::clone(&told));
        Arc::new(move || {
            if !told.swap(true, Ordering::AcqRel) {
                // A loop that has ended needs no news.
                let _ended = proxy.lock().send_event(News::Look);
            }
        })
    };
    let file = player.files.first().cloned().unwrap_or_default();
    let player = Player::start(player, Arc::clone(&wake))?;
    let background = player.start_background(options.background.clone(), Arc::clone(&wake))?;
    let panels = PanelDesk::start(desk_of(&player, &options, wake), options.config.clone())?;
    let mut interface = Interface::new(options.performance);
    interface.set_window(options.config.file.window);
    if let Some(layout) = &panels.remembered().layout {
        interface.restore(layout);
    }
    let state_file = options
        .state_file
        .as_deref()
        .map(StateFile::create)
        .transpose()?;
    let started = player.clock.now();
    let (num, den) = USUAL_REFRESH;
    let refresh = FrameRate::new(num, den)
        .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
    let mut app = App {
        stats: StatsGatherer::new(started),
        pacer: Pacer::new(refresh),
        refresh,
        shown_window: None,
        interface,
        panels,
        profiler: Profiler::new(),
        keys: options.config.file.key_map(),
        folders: Folders::of_user().ok(),
        player,
        options,
        aside: Aside::new(proxy.clone()),
        proxy,
        told,
        stop,
        state_file,
        started,
        shown: 0,
        device_losses: 0,
        losses_in_a_row: 0,
        on_stage: None,
        on_screen: None,
        missing: None,
        retry_at: None,
        moves: Moves::default(),
        answer_by: None,
        asked_at: None,
        must_draw: true,
        asked_to_draw: false,
        want_picture,
        picture: None,
        failed: None,
        inspects: None,
        pixel: None,
        audio_devices: Vec::new(),
        asked_for_sound_devices: false,
        audio_device: None,
        title: String::new(),
        background,
    };
    lost::watched(|| event_loop.run_app(&mut app))
        .map_err(|Lost(text)| WindowError::Lost(text))?
        // Once there was a window, the loop only fails with the window system.
        .map_err(|error| WindowError::Lost(in_plain_words(&error)))?;
    if let Some(error) = app.failed.take() {
        return Err(error);
    }
    let run = app.run_stats(&file);
    let summary = app.player.scheduler.log().summary();
    let snapshot = app.player.engine.snapshot();
    let shown = app.shown_window.as_ref();
    let kept = shown.map(|shown| shown.stage.kept_counts());
    let report = app
        .stats
        .report(&run, &summary, &app.player, kept, &snapshot);
    let failure = failure_of_run(&snapshot, &summary);
    Ok(WindowOutcome {
        report,
        picture: app.picture.take(),
        failure,
    })
}

/// What the clerk works with.
fn desk_of(player: &Player, options: &WindowOptions, wake: Arc<dyn Fn() + Send + Sync>) -> Desk {
    Desk {
        clock: Arc::clone(&player.clock),
        memory: Arc::clone(&player.memory),
        cache: player.cache.clone(),
        textures: Arc::clone(&player.textures),
        disk: player.disk.clone(),
        proxies: player.proxies.clone(),
        remembers_at: options.remembers_at.clone(),
        wake,
    }
}

/// What exists only while there is a window. Fields are dropped in this order: everything on the
/// device before the surface, the surface before the window.
struct Shown {
    stage: Stage,
    surface: WindowSurface,
    instance: wgpu::Instance,
    window: Arc<Window>,
}

/// Owned by the window's thread.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; no two exclude each other"
)]
struct App {
    // The window and its picture.
    shown_window: Option<Shown>,
    interface: Interface,
    panels: PanelDesk,
    profiler: Profiler,
    pacer: Pacer,
    refresh: FrameRate,
    // The engine.
    player: Player,
    stats: StatsGatherer,
    state_file: Option<StateFile>,
    // Settings.
    options: WindowOptions,
    keys: KeyMap,
    folders: Option<Folders>,
    // Other threads.
    proxy: EventLoopProxy<News>,
    aside: Aside,
    told: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    // What happened so far.
    started: Moment,
    shown: u64,
    device_losses: u64,
    /// Losses since something was presented.
    losses_in_a_row: u64,
    /// The frame on the stage, and the one last drawn into the window.
    on_stage: Option<FrameIndex>,
    on_screen: Option<FrameIndex>,
    /// Why the stage is empty although a frame was due.
    missing: Option<Arc<str>>,
    /// The window's content is not what it should be, whether or not a frame is due.
    must_draw: bool,
    /// The system had no place to draw to; try again then.
    retry_at: Option<Moment>,
    /// Where the playhead is being dragged to.
    moves: Moves,
    /// The engine was told to move the playhead, and answers by then: what is at hand is drawn together
    /// with the interface, not after it.
    answer_by: Option<Moment>,
    /// When the first move of the playhead was asked for that no picture has answered yet, and what was wanted
    /// and what was on screen before it.
    asked_at: Option<(Moment, [ScreenAim; 2])>,
    /// A redraw was asked for by this program, not by the system.
    asked_to_draw: bool,
    want_picture: bool,
    picture: Option<crate::gpu::RgbaPicture>,
    failed: Option<WindowError>,
    /// The place in the picture whose pixel is read, and what it holds.
    inspects: Option<[f32; 2]>,
    pixel: Option<PixelReading>,
    audio_devices: Vec<String>,
    asked_for_sound_devices: bool,
    audio_device: Option<String>,
    title: String,
    background: Option<Background>,
}

impl App {
    fn run_stats<'a>(&self, file: &'a std::path::Path) -> RunStats<'a> {
        let snapshot = self.player.engine.snapshot();
        let stream = snapshot
            .media
            .as_ref()
            .and_then(|media| media.info.default_video());
        let rate = self.options.target_fps.or(stream.map(|stream| stream.rate));
        RunStats {
            file,
            output: OutputMode::Window,
            untimed: self.options.untimed,
            target_fps: rate.map_or(0.0, FrameRate::as_f64),
            lasted: self.player.clock.now().since(self.started),
            interrupted: self.stop.load(Ordering::Relaxed),
            disk: self.player.disk.as_deref().map(disk_report),
        }
    }

    fn fail(&mut self, error: WindowError, event_loop: &ActiveEventLoop) {
        self.failed = Some(error);
        event_loop.exit();
    }

    /// Whether the program is told to end, by the person, the options or a signal.
    fn is_over(&self, snapshot: &Snapshot, now: Moment) -> bool {
        let time_is_up = self
            .options
            .seconds
            .is_some_and(|seconds| now.since(self.started) >= seconds);
        let enough = self
            .options
            .frames
            .is_some_and(|frames| self.shown >= frames);
        let ended = self.options.close_at_end
            && (snapshot.status == PlaybackStatus::Ended
                || (snapshot.status == PlaybackStatus::Empty && !snapshot.playlist.is_empty()));
        self.stop.load(Ordering::Relaxed) || time_is_up || enough || ended
    }

    fn end(&mut self, event_loop: &ActiveEventLoop) {
        let snapshot = self.player.engine.snapshot();
        self.remember(&snapshot);
        if self.want_picture
            && self.picture.is_none()
            && let Some(shown) = &mut self.shown_window
        {
            self.picture = shown.stage.picture(None).ok();
        }
        event_loop.exit();
    }
}

impl ApplicationHandler<News> for App {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        if self.shown_window.is_some() {
            return;
        }
        match self.open_window(event_loop) {
            Ok(shown) => {
                self.interface.attach(&shown.window, shown.stage.gpu());
                self.shown_window = Some(shown);
            }
            Err(error) => self.fail(error, event_loop),
        }
    }

    fn suspended(&mut self, _event_loop: &ActiveEventLoop) {
        // Some systems take the surface away with the screen; `resumed` brings both back.
        self.shown_window = None;
    }

    fn user_event(&mut self, _event_loop: &ActiveEventLoop, news: News) {
        match news {
            News::Look => {
                self.told.store(false, Ordering::Release);
                self.answer_by = None;
            }
            News::Chosen(files) => self.player.engine.send(Command::Open(files)),
            News::NoDialog => self.tell_no_dialog(),
            News::SoundDevices(names) => self.audio_devices = names,
            News::Told(severity, text) => self.tell(severity, text),
            News::Reader(event) => {
                self.interface.on_reader(event);
                self.must_draw = true;
            }
        }
    }

    fn window_event(&mut self, event_loop: &ActiveEventLoop, _id: WindowId, event: WindowEvent) {
        let Some(shown) = &mut self.shown_window else {
            return;
        };
        if self.interface.on_window_event(&shown.window, &event) {
            self.must_draw |= !matches!(event, WindowEvent::RedrawRequested);
        }
        match event {
            WindowEvent::CloseRequested | WindowEvent::Destroyed => self.end(event_loop),
            WindowEvent::Resized(size) => {
                shown
                    .surface
                    .resize(shown.stage.gpu(), size.width, size.height);
                self.must_draw = true;
            }
            WindowEvent::DroppedFile(file) => self.interface.dropped(file),
            WindowEvent::RedrawRequested => {
                // The system asks when the window's content was lost.
                self.must_draw |= !std::mem::take(&mut self.asked_to_draw);
                self.redraw(event_loop);
            }
            _ => {}
        }
    }

    fn about_to_wait(&mut self, event_loop: &ActiveEventLoop) {
        let now = self.player.clock.now();
        let snapshot = self.player.engine.snapshot();
        self.stats.sample(now, &self.player.pool);
        if let Some(shown) = &mut self.shown_window
            && shown.stage.follow(&snapshot)
        {
            let text = "Graphics memory ran out. Fewer pictures are kept from now on.".to_owned();
            let told = Command::Tell(Severity::Warning, text);
            self.player.engine.send(told);
        }
        self.player.tell_of_disk();
        self.follow_panels(&snapshot, now);
        self.player.follow_proxies(&snapshot);
        if !snapshot.is_running() {
            self.stats.interrupt();
            self.player.scheduler.interrupt();
        }
        let panels = self.open_panels();
        if let Some(file) = &mut self.state_file {
            let window = self.shown_window.as_ref();
            let size = window.and_then(|shown| shown.surface.size());
            let screen = Screen {
                fullscreen: window.is_some_and(|shown| shown.window.fullscreen().is_some()),
                device_losses: self.device_losses,
                shown: self.on_screen,
                size: size.map_or([0, 0], |size| [size.width(), size.height()]),
                panels,
                zoom: self.interface.zoom_words(),
            };
            if let Err(error) = file.write(&snapshot, &screen) {
                tracing::warn!("the state file cannot be written: {error}");
                self.state_file = None;
            }
        }
        if let Some(files) = self.interface.take_dropped() {
            self.player.engine.send(Command::Open(files));
        }
        if self.player.engine.has_broken_down() {
            self.fail(WindowError::Engine, event_loop);
            return;
        }
        if self.is_over(&snapshot, now) {
            self.end(event_loop);
            return;
        }
        if let Some(background) = &mut self.background {
            let lost = self.player.scheduler.log().lost();
            background.follow(&snapshot, self.shown > 0, lost);
        }
        let due = self.player.scheduler.next_due();
        let frame_at = due.map(|due| match (due, self.options.untimed) {
            (Moment::ZERO, _) | (_, true) => now,
            _ => self.pacer.plan(now, due).at,
        });
        let stale = self.interface_is_stale(&snapshot, now);
        let interface_at = self.interface.wakes_at(&stale);
        let move_at = self.send_move_if_due(now);
        self.answer_by = self.answer_by.filter(|by| *by > now);
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.must_draw = true;
        }
        let draw_at = [
            frame_at,
            interface_at,
            self.must_draw.then_some(self.answer_by.unwrap_or(now)),
            self.retry_at,
        ];
        let next = draw_at.into_iter().flatten().min();
        let look = now.offset_nanos(LOOK_NANOS);
        let look = move_at.map_or(look, |at| at.min(look));
        match next {
            Some(at) if at <= now => {
                self.asked_to_draw = true;
                if let Some(shown) = &self.shown_window {
                    shown.window.request_redraw();
                }
                // A hidden window may never be redrawn; signals and limits are looked at all the same.
                event_loop.set_control_flow(ControlFlow::wait_duration(look.since(now)));
            }
            other => {
                let until = other.map_or(look, |at| at.min(look));
                event_loop.set_control_flow(ControlFlow::wait_duration(until.since(now)));
            }
        }
    }
}

/// What the window system says, without the place in winit's source that it begins with.
fn in_plain_words(error: &winit::error::EventLoopError) -> String {
    let text = error.to_string();
    let words = text
        .rsplit_once(": ")
        .map_or(text.as_str(), |(_, words)| words);
    words.trim_end_matches(['.', ')']).to_owned()
}
