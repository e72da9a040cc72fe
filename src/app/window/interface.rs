//! egui in the window: input in, shapes out, and when to run again.

use std::path::PathBuf;
use std::sync::Arc;

use egui::ClippedPrimitive;
use egui_system_font_provider::SystemFontProvider;
use egui_winit::accesskit_winit::{Adapter, WindowEvent as ReaderEvent};
use winit::event::WindowEvent;
use winit::event_loop::{ActiveEventLoop, EventLoopProxy};
use winit::window::Window;

use super::News;
use super::panels::docked;
use crate::config::WindowSettings;
use crate::gpu::{Framing, GpuContext, Overlay as OverlayShapes, OverlayPainter, PictureError};
use crate::media::Size;
use crate::playback::PlaybackStatus;
use crate::time::Moment;
use crate::ui::{Layout, Overlay, Panel, UiEvent, UiInput};

/// Where the processor draws the interface, what changes with each frame played is drawn this often: 15
/// times a second is as fast as a running timecode can be read.
const CALM_NANOS: i64 = 66_000_000;

/// The same with the performance panel, whose graph is ten times as large.
const CALM_PANEL_NANOS: i64 = 100_000_000;

/// The same with docked panels, which take a third of the window.
const CALM_DOCKED_NANOS: i64 = 200_000_000;

/// The interface and its link to the window.
pub(super) struct Interface {
    overlay: Overlay,
    context: egui::Context,
    /// The machine's, for the names that people give to files in any script. They are listed on a thread of their own
    /// from the start; the first letter that egui's fonts do not have waits for that.
    fonts: Arc<SystemFontProvider>,
    state: Option<egui_winit::State>,
    painter: Option<OverlayPainter>,
    primitives: Vec<ClippedPrimitive>,
    /// Counts the changes of `primitives`.
    edition: u64,
    textures: egui::TexturesDelta,
    pixels_per_point: f32,
    /// There is input that no pass has seen.
    has_input: bool,
    repaint_at: Option<Moment>,
    /// Whether the processor draws, so that it is worth drawing less often.
    is_drawn_by_cpu: bool,
    last_pass: Option<Moment>,
    dropped: Vec<PathBuf>,
    window: WindowSettings,
    /// What links the interface to screen readers, until there is a `state` to keep it.
    reader: Option<Adapter>,
    /// Whether one listens.
    is_read: bool,
}

impl Drop for Interface {
    /// Textures that no device took go with the window; egui panics where it thinks them forgotten.
    fn drop(&mut self) {
        self.textures.clear();
    }
}

/// From when on the interface should be drawn anew, for it would look different.
pub(super) struct Stale(pub(super) Option<Moment>);

/// What a pass of the interface came to.
pub(super) struct Pass {
    pub(super) events: Vec<UiEvent>,
    pub(super) redraw: bool,
    /// Where the picture belongs, in points, and how it is framed there.
    pub(super) room: Option<egui::Rect>,
    pub(super) framing: Framing,
    /// The place in the picture whose pixel is to be read.
    pub(super) inspects: Option<[f32; 2]>,
}

impl Interface {
    pub(super) fn new(performance: bool) -> Self {
        Self::with_fonts(performance, Arc::new(SystemFontProvider::new()))
    }

    fn with_fonts(performance: bool, fonts: Arc<SystemFontProvider>) -> Self {
        let mut overlay = Overlay::new();
        overlay.set_performance(performance);
        let context = egui::Context::default();
        context.add_font_provider(Arc::clone(&fonts) as _);
        Self {
            overlay,
            context,
            fonts,
            state: None,
            painter: None,
            primitives: Vec::new(),
            edition: 0,
            textures: egui::TexturesDelta::default(),
            pixels_per_point: 1.0,
            has_input: true,
            repaint_at: None,
            is_drawn_by_cpu: false,
            last_pass: None,
            dropped: Vec::new(),
            window: WindowSettings::default(),
            reader: None,
            is_read: false,
        }
    }

    /// Lets screen readers find the window. To be called before it is shown for the first time.
    pub(super) fn admit_readers(
        &mut self,
        event_loop: &ActiveEventLoop,
        window: &Window,
        proxy: EventLoopProxy<News>,
    ) {
        let adapter = Adapter::with_event_loop_proxy(event_loop, window, proxy);
        self.reader = Some(adapter);
    }

    /// A screen reader came, asks for something, or went.
    pub(super) fn on_reader(&mut self, event: ReaderEvent) {
        match event {
            ReaderEvent::InitialTreeRequested => {
                self.is_read = true;
                self.context.enable_accesskit();
            }
            ReaderEvent::ActionRequested(request) => {
                if let Some(state) = &mut self.state {
                    state.on_accesskit_action_request(request);
                }
            }
            ReaderEvent::AccessibilityDeactivated => {
                self.is_read = false;
                self.context.disable_accesskit();
            }
        }
        self.has_input = true;
    }

    /// Colours and size of the interface.
    pub(super) fn set_window(&mut self, window: WindowSettings) {
        self.window = window;
        self.overlay.set_window(&self.context, window);
        self.has_input = true;
    }

    /// Takes an arrangement of panels up again.
    pub(super) fn restore(&mut self, layout: &Layout) {
        self.overlay.restore(layout);
    }

    /// How panels are arranged.
    pub(super) fn layout(&self) -> Option<Layout> {
        self.overlay.layout()
    }

    /// How large the picture is seen.
    pub(super) fn zoom_words(&self) -> String {
        self.overlay.zoom_words()
    }

    /// Panels that are on the screen.
    pub(super) fn shown_panels(&self) -> Vec<Panel> {
        docked(self.open_panels())
    }

    /// Pixels of the window for a point of the interface.
    pub(super) fn pixels_per_point(&self) -> f32 {
        self.pixels_per_point
    }

    /// Puts a picture on the clipboard with the next pass.
    pub(super) fn copy_image(&mut self, image: egui::ColorImage) {
        self.context.copy_image(image);
        self.has_input = true;
    }

    /// Puts a text there.
    pub(super) fn copy_text(&mut self, text: String) {
        self.context.copy_text(text);
        self.has_input = true;
    }

    /// Connects to a window. Also after a device loss: textures must be sent anew, so egui starts afresh;
    /// the performance panel stays open, and what is held stays in the hand.
    pub(super) fn attach(&mut self, window: &Window, gpu: &GpuContext) {
        let performance = self.open_panels().any(|panel| panel == "performance");
        let mut fresh = Self::with_fonts(performance, Arc::clone(&self.fonts));
        fresh.dropped = std::mem::take(&mut self.dropped);
        fresh.overlay.take_over(&mut self.overlay);
        fresh.set_window(self.window);
        fresh.is_drawn_by_cpu = gpu.summary().is_cpu;
        let kept = self.state.as_mut().and_then(|state| state.accesskit.take());
        let reader = self.reader.take().or(kept);
        fresh.is_read = self.is_read;
        *self = fresh;
        if self.is_read {
            self.context.enable_accesskit();
        }
        let side = usize::try_from(gpu.max_texture_side()).ok();
        let mut state = egui_winit::State::new(
            self.context.clone(),
            egui::ViewportId::ROOT,
            window,
            None,
            window.theme(),
            side,
        );
        state.accesskit = reader;
        self.state = Some(state);
    }

    /// Gives egui an event. Answers whether a pass should run.
    pub(super) fn on_window_event(&mut self, window: &Window, event: &WindowEvent) -> bool {
        let Some(state) = &mut self.state else {
            return false;
        };
        if matches!(event, WindowEvent::RedrawRequested) {
            return false;
        }
        let response = state.on_window_event(window, event);
        self.has_input |= response.repaint;
        response.repaint
    }

    /// A file was dropped on the window. Several come one by one.
    pub(super) fn dropped(&mut self, file: PathBuf) {
        self.dropped.push(file);
    }

    pub(super) fn take_dropped(&mut self) -> Option<Vec<PathBuf>> {
        (!self.dropped.is_empty()).then(|| std::mem::take(&mut self.dropped))
    }

    /// What is open over the picture.
    pub(super) fn open_panels(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.overlay.open_panels()
    }

    /// Whether the performance panel is open.
    pub(super) fn shows_figures(&self) -> bool {
        self.open_panels()
            .any(|panel| ["performance", "performance-panel", "caches"].contains(&panel))
    }

    pub(super) fn is_stale(&self, input: &UiInput<'_>) -> Stale {
        let changes = self.has_input || self.overlay.is_stale(input);
        Stale(changes.then(|| self.earliest_pass(input)))
    }

    /// When a pass may run at the earliest. What a person does is answered at once.
    fn earliest_pass(&self, input: &UiInput<'_>) -> Moment {
        let plays = input.snapshot.status == PlaybackStatus::Playing;
        let at_once = self.has_input || !plays || !self.is_drawn_by_cpu;
        let wait = if !self.shown_panels().is_empty() {
            CALM_DOCKED_NANOS
        } else if self.shows_figures() {
            CALM_PANEL_NANOS
        } else {
            CALM_NANOS
        };
        match self.last_pass {
            Some(last) if !at_once => last.offset_nanos(wait).max(input.now),
            _ => input.now,
        }
    }

    /// Draws nothing until the next pass.
    pub(super) fn clear_shapes(&mut self) {
        if !self.primitives.is_empty() {
            self.primitives.clear();
            self.edition += 1;
        }
        self.repaint_at = None;
    }

    /// When a pass should run next.
    pub(super) fn wakes_at(&self, stale: &Stale) -> Option<Moment> {
        [stale.0, self.repaint_at].into_iter().flatten().min()
    }

    /// Runs a pass, if the interface would look different or has input to read.
    pub(super) fn run(&mut self, window: &Window, input: &UiInput<'_>) -> Option<Pass> {
        let due = self.repaint_at.is_some_and(|at| at <= input.now);
        let is_stale = self.is_stale(input).0.is_some_and(|at| at <= input.now);
        if !due && !is_stale {
            return None;
        }
        let showed_figures = self.shows_figures();
        let state = self.state.as_mut()?;
        puffin::profile_scope!("interface");
        let raw = state.take_egui_input(window);
        let output = self.overlay.run(&self.context, raw, input);
        state.handle_platform_output(window, output.egui.platform_output);
        self.pixels_per_point = output.egui.pixels_per_point;
        self.textures.append(output.egui.textures_delta);
        self.primitives = self
            .context
            .tessellate(output.egui.shapes, self.pixels_per_point);
        self.edition += 1;
        // A panel that was opened just now gets its figures with the next pass.
        self.has_input = self.shows_figures() && !showed_figures;
        self.last_pass = Some(input.now);
        self.repaint_at = output.repaint_at;
        Some(Pass {
            events: output.events,
            redraw: output.redraw,
            room: output.room,
            framing: output.framing,
            inspects: output.inspects,
        })
    }

    /// The shapes to draw over the picture; `None` where there are none.
    pub(super) fn shapes(
        &mut self,
        ctx: &GpuContext,
        format: wgpu::TextureFormat,
        window: Size,
    ) -> Result<Option<OverlayShapes<'_>>, PictureError> {
        if self.primitives.is_empty() && self.textures.is_empty() {
            return Ok(None);
        }
        let painter = match &mut self.painter {
            Some(painter) => painter,
            none => none.insert(OverlayPainter::new(ctx, format)?),
        };
        Ok(Some(OverlayShapes {
            painter,
            primitives: &self.primitives,
            edition: self.edition,
            textures: std::mem::take(&mut self.textures),
            window,
            pixels_per_point: self.pixels_per_point,
        }))
    }
}
