//! Playing into memory: everything that a window does, but for presenting.

mod moves;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use self::moves::Moves;
use super::background::{Background, BackgroundOptions};
use super::player::{BROKEN_DOWN, Player, PlayerOptions};
use super::stage::{Stage, StageError};
use super::state_file::{Screen, StateFile};
use super::stats::{RunStats, StatsGatherer, disk_report, failure_of_run};
use crate::decode::Picture;
use crate::gpu::{ConvertChoice, GpuContext, GpuOptions, OffscreenTarget};
use crate::media::Size;
use crate::metrics::{FrameFate, OutputMode, SoakReport, Stage as Cost};
use crate::playback::{Origin, Pacer, PlaybackStatus, Pull, Snapshot};
use crate::time::{Bell, FrameIndex, FrameRate, Moment, Position, PositionError};

/// How a run without a window goes.
#[derive(Debug, Clone)]
pub struct HeadlessOptions {
    /// Size of the picture in memory.
    pub size: Size,
    /// Who converts.
    pub choice: ConvertChoice,
    /// Refreshes a second of the display that is not there.
    pub refresh: FrameRate,
    /// Stop after this long.
    pub seconds: Option<Duration>,
    /// Stop after this many frames were shown.
    pub frames: Option<u64>,
    /// Frames are shown as fast as they come.
    pub untimed: bool,
    /// Frames a second that are to be held, for the report; the medium's rate when left out.
    pub target_fps: Option<FrameRate>,
    /// What is made of each file in the background.
    pub background: BackgroundOptions,
    /// Lose the device on purpose, this long after the start.
    pub device_loss_at: Vec<Duration>,
}

/// A player that shows into memory.
pub struct Headless {
    player: Player,
    stage: Stage,
    target: OffscreenTarget,
    news: Arc<Bell>,
    stop: Arc<AtomicBool>,
    options: HeadlessOptions,
    pacer: Pacer,
    stats: StatsGatherer,
    state_file: Option<StateFile>,
    started: Moment,
    shown: u64,
    device_losses: u64,
    last_shown: Option<FrameIndex>,
    /// The frame whose picture is on the stage.
    on_stage: Option<FrameIndex>,
    moves: Moves,
    background: Option<Background>,
}

/// How long a loop sleeps at most when nothing happens: the process is sampled meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_millis(250);

/// A lost device is replaced this often at most before the run is given up.
const MOST_LOSSES: u64 = 16;

impl Headless {
    /// Starts the player and a device. A true `stop` ends the run at the next frame.
    pub fn start(
        player: PlayerOptions,
        options: HeadlessOptions,
        state_file: Option<StateFile>,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, HeadlessError> {
        let news = Arc::new(Bell::default());
        let rung = Arc::clone(&news);
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || rung.ring());
        // The engine opens the file while the device is made.
        let player = Player::start(player, Arc::clone(&wake))?;
        let background = player.start_background(options.background.clone(), wake)?;
        let mut ctx =
            GpuContext::headless(&GpuOptions::from_env(None)).map_err(StageError::from)?;
        ctx.set_budget((*player.textures).clone());
        let target = OffscreenTarget::new(&ctx, options.size).map_err(StageError::from)?;
        let stage = Stage::new(ctx, options.choice, target.format())?;
        let started = player.clock.now();
        Ok(Self {
            pacer: Pacer::new(options.refresh),
            stats: StatsGatherer::new(started),
            player,
            stage,
            target,
            news,
            stop,
            options,
            state_file,
            started,
            shown: 0,
            device_losses: 0,
            last_shown: None,
            on_stage: None,
            moves: Moves::default(),
            background,
        })
    }

    /// Plays until the options or a person say to stop, or the playlist is over. An error tells why
    /// nothing could be played.
    pub fn run(&mut self) -> Result<(), HeadlessError> {
        loop {
            let now = self.player.clock.now();
            let snapshot = self.player.engine.snapshot();
            if self.is_over(&snapshot, now)? {
                return Ok(());
            }
            self.turn(&snapshot, now, LONGEST_SLEEP)?;
        }
    }

    /// Goes on until the engine's state is as wanted, or a person says to stop.
    pub fn wait_until(
        &mut self,
        mut is_there: impl FnMut(&Snapshot) -> bool,
    ) -> Result<(), HeadlessError> {
        loop {
            let now = self.player.clock.now();
            let snapshot = self.player.engine.snapshot();
            check_failed(&snapshot)?;
            if is_there(&snapshot) || self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.turn(&snapshot, now, LONGEST_SLEEP)?;
        }
    }

    /// The frame that a position means in the open medium.
    pub fn resolve(&self, position: Position) -> Result<FrameIndex, PositionError> {
        let snapshot = self.player.engine.snapshot();
        match &snapshot.media {
            Some(media) => media.resolve(position),
            None => Ok(FrameIndex::ZERO),
        }
    }

    /// Shows exactly this frame. False when the file has no picture for it.
    pub fn show_frame(&mut self, frame: FrameIndex) -> Result<bool, HeadlessError> {
        self.seek_to_each(std::iter::once(frame), None)?;
        // A frame that is missing leaves another one on the stage.
        Ok(self.on_stage == Some(frame))
    }

    /// One round: draw what is due, or sleep until something is, `longest` at most.
    fn turn(
        &mut self,
        snapshot: &Arc<Snapshot>,
        now: Moment,
        longest: Duration,
    ) -> Result<(), HeadlessError> {
        if self.player.engine.has_broken_down() {
            return Err(HeadlessError::Engine);
        }
        puffin::GlobalProfiler::lock().new_frame();
        self.stats.sample(now, &self.player.pool);
        // A shortage is in the log and in the report.
        let _ran_out = self.stage.follow(snapshot);
        self.player.tell_of_disk();
        if let Some(background) = &mut self.background {
            let lost = self.player.scheduler.log().lost();
            background.follow(snapshot, self.shown > 0, lost);
        }
        self.player.follow_proxies(snapshot);
        if !snapshot.is_running() {
            self.stats.interrupt();
            self.player.scheduler.interrupt();
        }
        if let Some(file) = &mut self.state_file {
            let size = self.target.size();
            let screen = Screen {
                device_losses: self.device_losses,
                shown: self.last_shown,
                size: [size.width(), size.height()],
                zoom: "fit".to_owned(),
                ..Screen::default()
            };
            file.write(snapshot, &screen)?;
        }
        self.lose_device_if_told(now);
        let due = self.player.scheduler.next_due();
        let plan = due.map(|due| self.pacer.plan(now, due));
        match plan {
            Some(draw) if self.options.untimed || draw.at <= now || due == Some(Moment::ZERO) => {
                self.draw(snapshot, draw.refresh)
            }
            Some(draw) => {
                let _news = self.news.wait(Some(draw.at.since(now).min(longest)));
                Ok(())
            }
            None => {
                let _news = self.news.wait(Some(longest));
                Ok(())
            }
        }
    }

    fn draw(&mut self, snapshot: &Arc<Snapshot>, refresh: Moment) -> Result<(), HeadlessError> {
        let begun = self.player.clock.now();
        let pulled = self
            .player
            .scheduler
            .pull(begun, refresh, self.pacer.period_nanos());
        let planned = match pulled {
            Pull::New(planned) => planned,
            Pull::Keep | Pull::Clear => {
                self.pacer.passed(refresh);
                return Ok(());
            }
        };
        let media = snapshot
            .media
            .clone()
            .or_else(|| self.player.engine.snapshot().media.clone());
        let Some(stream) = media.as_ref().and_then(|media| media.info.default_video()) else {
            return Ok(());
        };
        if !matches!(planned.picture, Picture::Missing(_)) {
            self.on_stage = Some(planned.index);
        }
        self.stage.set_compare(snapshot.compare);
        let fields = self.stage.take(&planned, stream);
        let token = self.player.scheduler.last_ordinal();
        match self.show(snapshot, token) {
            Ok(mut stages) => {
                let presented = self.player.clock.now();
                stages[0].1 += u64::try_from(fields.as_nanos()).unwrap_or(0);
                let late = self.player.scheduler.last_lateness_nanos();
                let awaits_gpu = self.stage.awaits_gpu_time(token);
                self.player
                    .scheduler
                    .complete(presented, &stages, awaits_gpu);
                self.pacer.presented(refresh, begun, presented);
                self.stats.frame_presented(presented, late, snapshot);
                self.shown += 1;
                let origin = self.player.scheduler.last_origin();
                // What stands in is not what was asked for.
                self.last_shown = (origin != Origin::StandIn).then_some(planned.index);
                self.moves.presented(planned.index, origin, presented);
                for (token, nanos) in self.stage.drain_gpu_times() {
                    self.player.scheduler.gpu_time(token, nanos);
                }
                Ok(())
            }
            Err(error) if self.stage.gpu().is_lost() => self.replace_device(error),
            Err(error) => Err(error.into()),
        }
    }

    fn show(&mut self, snapshot: &Snapshot, token: u64) -> Result<[(Cost, u64); 3], StageError> {
        let size = self.target.size();
        self.stage.set_scale(snapshot.quality.scale);
        let times = self.stage.make_picture(size, token)?;
        self.player.show_at(self.stage.shown_size(size));
        let view = &snapshot.view;
        let render = self
            .stage
            .render(self.target.view(), size, view, None, Some(token))?;
        Ok([
            (Cost::Convert, times.convert_nanos),
            (Cost::Upload, times.upload_nanos),
            (Cost::Present, render),
        ])
    }

    fn lose_device_if_told(&mut self, now: Moment) {
        let lasted = now.since(self.started);
        let before = self.options.device_loss_at.len();
        self.options.device_loss_at.retain(|at| *at > lasted);
        if self.options.device_loss_at.len() < before {
            tracing::warn!("losing the device, as told");
            self.stage.gpu().force_loss();
        }
    }

    fn replace_device(&mut self, error: StageError) -> Result<(), HeadlessError> {
        self.device_losses += 1;
        if self.device_losses > MOST_LOSSES {
            return Err(error.into());
        }
        tracing::warn!("the graphics device was lost; making another");
        self.stage.rebuild_headless()?;
        self.target =
            OffscreenTarget::new(self.stage.gpu(), self.options.size).map_err(StageError::from)?;
        Ok(())
    }

    fn is_over(&mut self, snapshot: &Snapshot, now: Moment) -> Result<bool, HeadlessError> {
        let lasted = now.since(self.started);
        let time_is_up = self
            .options
            .seconds
            .is_some_and(|seconds| lasted >= seconds);
        let enough = self
            .options
            .frames
            .is_some_and(|frames| self.shown >= frames);
        if self.stop.load(Ordering::Relaxed) || time_is_up || enough {
            return Ok(true);
        }
        check_failed(snapshot)?;
        Ok(snapshot.status == PlaybackStatus::Ended
            || (snapshot.status == PlaybackStatus::Paused
                && self.options.seconds.is_none()
                && self.shown > 0))
    }

    /// Why the file did not play to its end, or at all, as far as is known by now.
    pub fn failure(&self) -> Option<String> {
        failure_of_run(
            &self.player.engine.snapshot(),
            &self.player.scheduler.log().summary(),
        )
    }

    /// The report of what was played.
    pub fn report(&self, file: &Path) -> SoakReport {
        let snapshot = self.player.engine.snapshot();
        let stream = snapshot
            .media
            .as_ref()
            .and_then(|media| media.info.default_video());
        let rate = self.options.target_fps.or(stream.map(|stream| stream.rate));
        let run = RunStats {
            file,
            output: OutputMode::Offscreen,
            untimed: self.options.untimed,
            target_fps: rate.map_or(0.0, FrameRate::as_f64),
            lasted: self.player.clock.now().since(self.started),
            interrupted: self.stop.load(Ordering::Relaxed),
            disk: self.player.disk.as_deref().map(disk_report),
        };
        let summary = self.player.scheduler.log().summary();
        let kept = Some(self.stage.kept_counts());
        SoakReport {
            moves: self.moves.log().report(),
            steps_back: self.moves.steps_back(),
            ..self
                .stats
                .report(&run, &summary, &self.player, kept, &snapshot)
        }
    }

    /// The stage, to take the last picture from.
    pub fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// The engine's state.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.player.engine.snapshot()
    }

    /// Frames that ended in `fate`.
    pub fn count(&self, fate: FrameFate) -> u64 {
        self.player.scheduler.log().summary().count(fate)
    }
}

/// An error when the file that was asked for cannot be played.
fn check_failed(snapshot: &Snapshot) -> Result<(), HeadlessError> {
    let failed = snapshot.status == PlaybackStatus::Empty && !snapshot.playlist.is_empty();
    match snapshot.notices.last().filter(|_| failed) {
        Some(notice) => Err(HeadlessError::Media(notice.text.clone())),
        None => Ok(()),
    }
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum HeadlessError {
    /// The file cannot be played.
    #[error("{0}")]
    Media(String),
    /// There is no device, or it made no picture.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A fault in the program itself.
    #[error("{BROKEN_DOWN}")]
    Engine,
    /// A thread or the state file failed.
    #[error("the system refused: {0}.")]
    System(#[from] std::io::Error),
}
