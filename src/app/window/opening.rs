//! The window comes: its size, its icon, its device and surface.

use std::sync::Arc;
use std::time::Duration;

use winit::dpi::PhysicalSize;
use winit::event_loop::ActiveEventLoop;
use winit::window::{Fullscreen, Window};

use super::{App, Shown, WindowError};
use crate::app::stage::{Stage, StageError};
use crate::gpu::{GpuContext, GpuOptions, Pacing, WindowSurface, new_instance};
use crate::playback::{Pacer, PlaybackStatus};
use crate::time::FrameRate;

/// 128 by 128 pixels, RGBA.
const ICON: &[u8] = include_bytes!("../../../assets/icon.png");

/// How long the window waits for its only file.
const LONGEST_WAIT_FOR_FILE: Duration = Duration::from_millis(500);

/// How often it looks meanwhile.
const FILE_LOOK: Duration = Duration::from_millis(1);

impl App {
    pub(super) fn open_window(
        &mut self,
        event_loop: &ActiveEventLoop,
    ) -> Result<Shown, WindowError> {
        puffin::profile_scope!("open window");
        let instance = new_instance(Some(Box::new(event_loop.owned_display_handle())));
        self.wait_for_file()?;
        let monitor = event_loop
            .primary_monitor()
            .or_else(|| event_loop.available_monitors().next());
        let mut attributes = Window::default_attributes()
            .with_title("Jogwheel")
            .with_min_inner_size(PhysicalSize::new(320, 180));
        let room = monitor.as_ref().map(winit::monitor::MonitorHandle::size);
        let remembered = self.panels.remembered();
        let size = match (self.options.size, remembered.size) {
            (Some(size), _) => PhysicalSize::new(size.width(), size.height()),
            (None, Some([width, height])) => remembered_size(width, height, room),
            (None, None) => default_size(room),
        };
        let is_maximized = remembered.maximized && self.options.size.is_none();
        attributes = attributes
            .with_inner_size(size)
            .with_maximized(is_maximized)
            .with_window_icon(icon())
            // Screen readers must know of it before it is shown.
            .with_visible(false);
        if self.options.fullscreen {
            attributes = attributes.with_fullscreen(Some(Fullscreen::Borderless(None)));
        }
        let millihertz = monitor.and_then(|monitor| monitor.refresh_rate_millihertz());
        if let Some(rate) = millihertz.and_then(|rate| FrameRate::new(rate, 1000)) {
            self.refresh = rate;
            self.pacer = Pacer::new(rate);
        }
        let window = event_loop
            .create_window(attributes)
            .map_err(|error| WindowError::Display(error.to_string()))?;
        self.interface
            .admit_readers(event_loop, &window, self.proxy.clone());
        window.set_visible(true);
        let window = Arc::new(window);
        let surface = create_surface(&instance, &window)?;
        let options = GpuOptions::from_env(None);
        let mut ctx =
            GpuContext::new(&instance, &options, Some(&surface)).map_err(StageError::from)?;
        ctx.set_budget((*self.player.textures).clone());
        let surface = self.set_up_surface(&ctx, surface, &window)?;
        let stage = Stage::new(ctx, self.options.choice, surface.format())?;
        Ok(Shown {
            stage,
            surface,
            instance,
            window,
        })
    }

    /// Waits until the file is open, for a moment: a window that goes at once is worse than one that comes
    /// late. A file that takes longer gets its window, and is told about there.
    fn wait_for_file(&self) -> Result<(), WindowError> {
        if !self.options.only_with_file {
            return Ok(());
        }
        let begun = self.player.clock.now();
        loop {
            let snapshot = self.player.engine.snapshot();
            let waited = self.player.clock.now().since(begun);
            let is_over = snapshot.status == PlaybackStatus::Empty && !snapshot.playlist.is_empty();
            if let Some(notice) = snapshot.notices.last().filter(|_| is_over) {
                return Err(WindowError::Media(notice.text.clone()));
            }
            if snapshot.media.is_some() || waited > LONGEST_WAIT_FOR_FILE {
                return Ok(());
            }
            // The loop that would be told of news is not running yet.
            let _passed = crossbeam_channel::after(FILE_LOOK).recv();
        }
    }

    pub(super) fn set_up_surface(
        &self,
        ctx: &GpuContext,
        surface: wgpu::Surface<'static>,
        window: &Window,
    ) -> Result<WindowSurface, WindowError> {
        let pacing = if self.options.untimed {
            Pacing::Untimed
        } else {
            Pacing::Vsync
        };
        let size = window.inner_size();
        WindowSurface::new(ctx, surface, size.width, size.height, pacing).ok_or_else(|| {
            WindowError::Display("the graphics driver cannot draw into this window".to_owned())
        })
    }
}

pub(super) fn create_surface(
    instance: &wgpu::Instance,
    window: &Arc<Window>,
) -> Result<wgpu::Surface<'static>, WindowError> {
    instance
        .create_surface(Arc::clone(window))
        .map_err(|error| WindowError::Display(error.to_string()))
}

/// As large as the window was, unless the screen has become smaller.
fn remembered_size(width: u32, height: u32, room: Option<PhysicalSize<u32>>) -> PhysicalSize<u32> {
    let room = room.unwrap_or(PhysicalSize::new(u32::MAX, u32::MAX));
    PhysicalSize::new(
        width.clamp(320, room.width.max(320)),
        height.clamp(180, room.height.max(180)),
    )
}

/// The program's own icon: a jog wheel.
fn icon() -> Option<winit::window::Icon> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(ICON))
        .read_info()
        .ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    winit::window::Icon::from_rgba(pixels, info.width, info.height).ok()
}

/// Three quarters of the screen, and no more than Full HD.
fn default_size(room: Option<PhysicalSize<u32>>) -> PhysicalSize<u32> {
    let Some(room) = room else {
        return PhysicalSize::new(1280, 720);
    };
    let (width, height) = (room.width * 3 / 4, room.height * 3 / 4);
    let width = width.min(height * 16 / 9).clamp(640, 1920);
    PhysicalSize::new(width, width * 9 / 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_an_icon_and_room_on_every_screen() {
        assert!(icon().is_some());
        let of = |width, height| {
            let size = default_size(Some(PhysicalSize::new(width, height)));
            (size.width, size.height)
        };
        assert_eq!(of(3840, 2160), (1920, 1080));
        assert_eq!(of(1280, 720), (960, 540));
        assert_eq!(of(1920, 1200), (1440, 810));
        assert_eq!(of(320, 200), (640, 360), "as small as it can be used");
    }
}
