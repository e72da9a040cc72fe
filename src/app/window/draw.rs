//! One turn of drawing.

use std::sync::Arc;
use std::time::Duration;

use winit::event_loop::ActiveEventLoop;

use super::failure::{Failed, failure_of};
use super::interface::{Interface, Stale};
use super::opening::create_surface;
use super::{App, News, Shown, WindowError};
use crate::app::background::Background;
use crate::app::player::Player;
use crate::app::stage::StageError;
use crate::decode::Picture;
use crate::gpu::{Acquired, Framing, GpuContext, GpuOptions, KeptCounts, Placement, Rect};
use crate::media::Size;
use crate::metrics::Stage as Cost;
use crate::playback::{Command, PlaybackStatus, Pull, Severity, Snapshot};
use crate::time::Moment;
use crate::ui::{CacheFigures, UiInput, ViewStats, window_title};

/// A device that is lost more often than this before anything is presented is not worth making anew.
const MOST_LOSSES: u64 = 16;

/// A window that had no room for a picture is tried again after this long.
const RETRY_NANOS: i64 = 50_000_000;

/// The interface is shown after this long, picture or not.
const LONGEST_WAIT_FOR_PICTURE: Duration = Duration::from_millis(700);

/// So long after it was sent a command has been heard by the engine, whatever else is done.
const SURELY_HEARD: Duration = Duration::from_millis(100);

/// What a new frame has cost so far.
#[derive(Default)]
struct FrameCosts {
    is_new: bool,
    /// Whether it is a picture, and not the word that one is missing.
    has_picture: bool,
    token: u64,
    fields_nanos: u64,
    late_nanos: Option<i64>,
}

impl App {
    pub(super) fn interface_is_stale(&mut self, snapshot: &Arc<Snapshot>, now: Moment) -> Stale {
        if self.holds_interface_back(snapshot, now) {
            return Stale(None);
        }
        self.stats.view(now, &self.player.scheduler, snapshot);
        let App {
            interface,
            stats,
            keys,
            audio_devices,
            audio_device,
            background,
            shown_window,
            player,
            missing,
            panels,
            pixel,
            profiler,
            ..
        } = self;
        let fullscreen = shown_window
            .as_ref()
            .is_some_and(|shown| shown.window.fullscreen().is_some());
        let failure = failure_of(snapshot, missing.as_deref());
        let peaks = background.as_mut().and_then(|made| made.peaks(snapshot));
        interface.is_stale(&UiInput {
            snapshot,
            stats: stats.view_mut(),
            keys,
            now,
            fullscreen,
            failure: failure.as_ref().map(Failed::borrow),
            audio_devices,
            audio_device: audio_device.as_deref(),
            waveform: peaks.as_ref(),
            thumbnails: background.as_ref().and_then(Background::strip),
            on_device: &[],
            blame: player.scheduler.log().blame(),
            placement: placement_in(shown_window.as_ref()),
            pixel: pixel.as_ref(),
            panels: &panels.data,
            profile: Some(profiler.input(player.scheduler.log())),
        })
    }

    pub(super) fn redraw(&mut self, event_loop: &ActiveEventLoop) {
        let begun = self.player.clock.now();
        self.profiler.begin_turn(begun);
        puffin::profile_scope!("turn");
        let snapshot = self.player.engine.snapshot();
        self.lose_device_if_told(begun);
        let due = self.player.scheduler.next_due();
        let refresh = self.pacer.refresh_for(begun, due);
        let costs = self.take_due(&snapshot, begun, refresh);
        if !costs.is_new {
            self.note_answer(begun);
        }
        if let Some(shown) = &mut self.shown_window {
            self.must_draw |= shown.stage.set_compare(snapshot.compare);
        }
        self.follow_medium(&snapshot, costs.is_new);
        self.read_pixel();
        let changed = self.run_interface(&snapshot, begun, event_loop);
        if self.answer_by.is_some() && !costs.is_new {
            self.must_draw |= changed;
            self.pacer.passed(refresh);
            return;
        }
        let must_draw = std::mem::take(&mut self.must_draw);
        if !(costs.is_new || changed || must_draw) {
            self.pacer.passed(refresh);
            return;
        }
        match self.draw(&snapshot, &costs) {
            Ok(Some(stages)) => {
                let presented = self.player.clock.now();
                self.on_screen = self.on_stage;
                self.pacer.presented(refresh, begun, presented);
                self.losses_in_a_row = 0;
                if costs.has_picture {
                    let awaits_gpu = self
                        .shown_window
                        .as_ref()
                        .is_some_and(|shown| shown.stage.awaits_gpu_time(costs.token));
                    self.player
                        .scheduler
                        .complete(presented, &stages, awaits_gpu);
                    self.stats
                        .frame_presented(presented, costs.late_nanos, &snapshot);
                    self.note_answer(presented);
                    self.shown += 1;
                }
            }
            // Nothing can be drawn now; the frame counts as shown to nobody. A window that is
            // minimised tells when it is back; one that is only busy does not.
            Ok(None) => {
                self.player.scheduler.not_presented();
                self.pacer.passed(refresh);
                let has_size = self
                    .shown_window
                    .as_ref()
                    .is_some_and(|shown| shown.surface.size().is_some());
                self.retry_at = has_size.then(|| begun.offset_nanos(RETRY_NANOS));
            }
            Err(error) => self.recover(error, event_loop),
        }
        if let Some(shown) = &mut self.shown_window {
            for (token, nanos) in shown.stage.drain_gpu_times() {
                self.player.scheduler.gpu_time(token, nanos);
            }
            self.profiler.push_gpu(shown.stage.drain_gpu_passes());
        }
    }

    /// Something on screen may be what the playhead was moved for: a new picture, or one that stays.
    fn note_answer(&mut self, now: Moment) {
        let served = self.player.scheduler.served();
        let Some((asked, before)) = self.asked_at else {
            return;
        };
        if served.is_some_and(|aim| !before.contains(&aim)) {
            self.stats.seek_took(now.since(asked));
            self.asked_at = None;
            return;
        }
        let aim = self.player.scheduler.aim();
        let is_unchanged = aim.held.is_some() && aim == before[0];
        if is_unchanged && now.since(asked) > SURELY_HEARD {
            // What was asked for was there already.
            self.asked_at = None;
        }
    }

    /// Takes the frame that is due, if any.
    fn take_due(&mut self, snapshot: &Snapshot, now: Moment, refresh: Moment) -> FrameCosts {
        let period = self.pacer.period_nanos();
        let pulled = self.player.scheduler.pull(now, refresh, period);
        let Some(shown) = &mut self.shown_window else {
            return FrameCosts::default();
        };
        match pulled {
            Pull::Keep => FrameCosts::default(),
            Pull::Clear => {
                shown.stage.clear();
                self.must_draw = true;
                self.on_stage = None;
                self.missing = None;
                FrameCosts::default()
            }
            Pull::New(planned) => {
                self.on_stage = Some(planned.index);
                let late_nanos = self.player.scheduler.last_lateness_nanos();
                let newest = self.player.engine.snapshot();
                let media = newest.media.as_ref().or(snapshot.media.as_ref());
                let stream = media.and_then(|media| media.info.default_video());
                let took = stream.map(|stream| shown.stage.take(&planned, stream));
                self.missing = match &planned.picture {
                    Picture::Missing(reason) if !shown.stage.has_frame() => {
                        Some(Arc::clone(reason))
                    }
                    _ => None,
                };
                FrameCosts {
                    is_new: true,
                    has_picture: !matches!(planned.picture, Picture::Missing(_)),
                    token: self.player.scheduler.last_ordinal(),
                    fields_nanos: took.map_or(0, |t| u64::try_from(t.as_nanos()).unwrap_or(0)),
                    late_nanos,
                }
            }
        }
    }

    /// The title belongs to the medium, and a medium without pictures leaves none of those before.
    fn follow_medium(&mut self, snapshot: &Snapshot, has_new_frame: bool) {
        let Some(shown) = &mut self.shown_window else {
            return;
        };
        if snapshot.status == PlaybackStatus::Empty && !has_new_frame {
            // What could not be opened leaves no picture of the file before.
            shown.stage.clear();
            self.on_stage = None;
            self.missing = None;
        }
        let info = snapshot.media.as_ref().map(|media| &media.info);
        let title = window_title(snapshot);
        if self.title != title {
            shown.window.set_title(&title);
            self.title = title;
        }
        if !self.asked_for_sound_devices && info.is_some_and(|info| !info.audio.is_empty()) {
            self.asked_for_sound_devices = true;
            list_sound_devices(self.proxy.clone());
        }
        if info.is_some_and(|info| info.video.is_empty()) {
            shown.stage.clear();
        }
    }

    /// Whether the interface waits: for the first picture, which is there sooner without it, and while
    /// pictures are shown as fast as they come, which is for measuring them.
    fn holds_interface_back(&self, snapshot: &Snapshot, now: Moment) -> bool {
        let opens_or_plays = matches!(
            snapshot.status,
            PlaybackStatus::Opening | PlaybackStatus::Playing
        );
        let is_soon = now.since(self.started) < LONGEST_WAIT_FOR_PICTURE;
        let waits = self.shown == 0 && is_soon && !snapshot.playlist.is_empty();
        let has_pictures = snapshot
            .media
            .as_ref()
            .is_none_or(|media| !media.info.video.is_empty());
        opens_or_plays
            && has_pictures
            && (waits || self.options.untimed && !self.options.performance)
    }

    fn run_interface(
        &mut self,
        snapshot: &Arc<Snapshot>,
        now: Moment,
        event_loop: &ActiveEventLoop,
    ) -> bool {
        if self.holds_interface_back(snapshot, now) {
            self.interface.clear_shapes();
            return false;
        }
        self.stats.view(now, &self.player.scheduler, snapshot);
        let App {
            interface,
            stats,
            keys,
            audio_devices,
            audio_device,
            background,
            shown_window,
            player,
            missing,
            panels,
            pixel,
            profiler,
            ..
        } = self;
        let Some(shown) = shown_window else {
            return false;
        };
        let view = stats.view_mut();
        view.adapter.clone_from(&shown.stage.adapter().name);
        shown.stage.converter_name().clone_into(&mut view.converter);
        view.picture_size = shown
            .surface
            .size()
            .and_then(|window| shown.stage.viewport(window))
            .map(|viewport| viewport.size);
        // Decoders take these locks as well: they are left alone while nobody reads the figures.
        if interface.shows_figures() {
            view_memory(view, player, &shown.stage.kept_counts());
            view.background = player.background_words();
        }
        #[expect(clippy::cast_possible_truncation, reason = "for people to read")]
        let refresh_hz = self.refresh.as_f64() as f32;
        view.refresh_hz = Some(refresh_hz);
        let failure = failure_of(snapshot, missing.as_deref());
        let peaks = background.as_mut().and_then(|made| made.peaks(snapshot));
        let on_device = shown.stage.kept_frames();
        let input = UiInput {
            snapshot,
            stats: view,
            keys,
            now,
            fullscreen: shown.window.fullscreen().is_some(),
            failure: failure.as_ref().map(Failed::borrow),
            audio_devices,
            audio_device: audio_device.as_deref(),
            waveform: peaks.as_ref(),
            thumbnails: background.as_ref().and_then(Background::strip),
            on_device: &on_device,
            blame: player.scheduler.log().blame(),
            placement: placement_in(Some(shown)),
            pixel: pixel.as_ref(),
            panels: &panels.data,
            profile: Some(profiler.input(player.scheduler.log())),
        };
        let Some(pass) = interface.run(&shown.window, &input) else {
            return false;
        };
        let took = player.clock.now().since(now);
        stats.view_mut().overlay_micros = took.as_secs_f32() * 1e6;
        let is_elsewhere = self.place_picture(pass.room, pass.framing);
        self.inspects = pass.inspects;
        // What the pointer came over in this pass is seen with the next.
        self.read_pixel();
        for event in pass.events {
            self.on_ui_event(event, event_loop);
        }
        pass.redraw || is_elsewhere
    }

    /// Reads the pixel that is inspected, of the frame at hand.
    fn read_pixel(&mut self) {
        let (place, shown) = (self.inspects, self.shown_window.as_mut());
        self.pixel = place.and_then(|place| shown?.stage.read_pixel(place));
    }

    /// Shows the picture where the interface leaves room for it. Answers whether that is another place.
    fn place_picture(&mut self, room: Option<egui::Rect>, framing: Framing) -> bool {
        let scale = self.interface.pixels_per_point();
        let Some(shown) = &mut self.shown_window else {
            return false;
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a window; what is too small or large is cut off"
        )]
        let pixels = |points: f32| (points * scale).round() as u32;
        let room = room.and_then(|room| {
            let (x, y) = (pixels(room.left()), pixels(room.top()));
            let width = pixels(room.right()).saturating_sub(x);
            let height = pixels(room.bottom()).saturating_sub(y);
            let size = Size::new(width, height)?;
            Some(Rect { x, y, size })
        });
        shown.stage.set_room(room, framing)
    }

    /// Draws the picture and the interface, and presents them. `None` when the window shows nothing now.
    fn draw(
        &mut self,
        snapshot: &Snapshot,
        costs: &FrameCosts,
    ) -> Result<Option<[(Cost, u64); 3]>, StageError> {
        let Some(shown) = &mut self.shown_window else {
            return Ok(None);
        };
        let Shown { stage, surface, .. } = shown;
        let Some(window) = surface.size() else {
            return Ok(None);
        };
        let mut tries = 0;
        let frame = loop {
            tries += 1;
            match surface.acquire(stage.gpu()) {
                Acquired::Frame(frame) => break frame,
                Acquired::Reconfigured if tries < 3 => {}
                Acquired::Skip | Acquired::Reconfigured => return Ok(None),
                Acquired::Lost => {
                    return Err(crate::gpu::PictureError::DeviceLost.into());
                }
            }
        };
        let times = stage.make_picture(window, costs.token)?;
        self.player.show_at(stage.shown_size(window));
        let token = costs.has_picture.then_some(costs.token);
        let shapes = interface_shapes(&mut self.interface, stage.gpu(), surface.format(), window)?;
        let render = stage.render(frame.view(), window, &snapshot.view, shapes, token)?;
        let begun = self.player.clock.now();
        puffin::profile_scope!("present");
        frame.present(stage.gpu());
        let present = self.player.clock.now().since(begun);
        Ok(Some([
            (Cost::Convert, times.convert_nanos + costs.fields_nanos),
            (Cost::Upload, times.upload_nanos),
            (
                Cost::Present,
                render + u64::try_from(present.as_nanos()).unwrap_or(0),
            ),
        ]))
    }

    /// A lost device or surface is replaced; anything else is told.
    fn recover(&mut self, error: StageError, event_loop: &ActiveEventLoop) {
        let lost = self
            .shown_window
            .as_ref()
            .is_some_and(|shown| shown.stage.gpu().is_lost())
            || matches!(
                error,
                StageError::Picture(crate::gpu::PictureError::DeviceLost)
            );
        if !lost {
            let text = format!("The picture cannot be shown: {error}");
            self.player
                .engine
                .send(Command::Tell(Severity::Error, text));
            return;
        }
        self.device_losses += 1;
        self.losses_in_a_row += 1;
        tracing::warn!("the graphics device was lost; making another");
        if self.losses_in_a_row > MOST_LOSSES {
            self.fail(error.into(), event_loop);
        } else if let Err(error) = self.replace_device() {
            self.fail(error, event_loop);
        }
    }

    fn replace_device(&mut self) -> Result<(), WindowError> {
        let Some(Shown {
            mut stage,
            surface,
            instance,
            window,
        }) = self.shown_window.take()
        else {
            return Ok(());
        };
        // A window has one surface at a time.
        drop(surface);
        let surface = create_surface(&instance, &window)?;
        let options = GpuOptions::from_env(None);
        let mut ctx =
            GpuContext::new(&instance, &options, Some(&surface)).map_err(StageError::from)?;
        ctx.set_budget((*self.player.textures).clone());
        let surface = self.set_up_surface(&ctx, surface, &window)?;
        stage.rebuild(ctx, surface.format())?;
        self.interface.attach(&window, stage.gpu());
        self.shown_window = Some(Shown {
            stage,
            surface,
            instance,
            window,
        });
        self.must_draw = true;
        let text = "The graphics device was lost and has been replaced.".to_owned();
        self.player
            .engine
            .send(Command::Tell(Severity::Warning, text));
        Ok(())
    }

    fn lose_device_if_told(&mut self, now: Moment) {
        let lasted = now.since(self.started);
        let before = self.options.device_loss_at.len();
        self.options.device_loss_at.retain(|at| *at > lasted);
        if self.options.device_loss_at.len() < before
            && let Some(shown) = &self.shown_window
        {
            shown.stage.gpu().force_loss();
        }
    }
}

/// Where the picture lies in the window.
fn placement_in(shown: Option<&Shown>) -> Option<Placement> {
    let shown = shown?;
    shown.stage.viewport(shown.surface.size()?)
}

fn interface_shapes<'a>(
    interface: &'a mut Interface,
    ctx: &GpuContext,
    format: wgpu::TextureFormat,
    window: crate::media::Size,
) -> Result<Option<crate::gpu::Overlay<'a>>, StageError> {
    Ok(interface.shapes(ctx, format, window)?)
}

/// What the performance panel says of memory.
fn view_memory(view: &mut ViewStats, player: &Player, kept: &KeptCounts) {
    let pool = player.pool.usage();
    view.pool_bytes = (pool.used_bytes, pool.limit_bytes);
    let cache = player.cache.as_ref().map(|cache| cache.stats());
    view.cache = cache.map(|cache| CacheFigures {
        bytes: cache.bytes,
        limit_bytes: cache.limit_bytes,
        hits: cache.hits,
        misses: cache.all_misses(),
    });
    view.textures = Some(CacheFigures {
        bytes: player.textures.used(),
        limit_bytes: player.textures.share(),
        hits: kept.hits,
        misses: kept.misses(),
    })
    .filter(|figures| figures.limit_bytes > 0);
    view.pressure = player.memory.pressure();
}

/// Asks for the names of the sound devices, which can take long.
fn list_sound_devices(proxy: winit::event_loop::EventLoopProxy<News>) {
    let listing = move || {
        let names = crate::audio::devices()
            .into_iter()
            .map(|device| device.name)
            .collect();
        let _ended = proxy.send_event(News::SoundDevices(names));
    };
    let started = std::thread::Builder::new()
        .name("sound devices".to_owned())
        .spawn(listing);
    if let Err(error) = started {
        tracing::warn!("the sound devices cannot be listed: {error}");
    }
}
