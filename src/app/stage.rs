//! From the frame that is due to the picture in a window or in memory.

use std::sync::Arc;
use std::time::Duration;

use crate::convert::deinterlace::Deinterlacer;
use crate::decode::{Picture, PlannedFrame};
use crate::gpu::{
    AdapterSummary, ConvertChoice, GpuContext, GpuError, GpuOptions, Overlay, PictureError,
    PictureTimes, Rect, RgbaPicture, Viewer, fit,
};
use crate::media::{FieldOrder, Orientation, Size, VideoFrame, VideoStream, ViewSettings};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// There is no device.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// A frame could not be made into a picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// The frame at hand and how it is shown.
struct Held {
    frame: Arc<VideoFrame>,
    orientation: Orientation,
    /// Its size in square pixels, turned.
    display: Size,
    /// Whether its picture has been made, at which size.
    made: Option<Size>,
}

/// Owns the GPU device and the frame at hand. Lives on the presenting thread.
///
/// After a device loss every call answers an error until [`Stage::rebuild`]; the frame is kept, so the
/// picture comes back.
pub struct Stage {
    ctx: GpuContext,
    viewer: Viewer,
    deinterlacer: Deinterlacer,
    held: Option<Held>,
}

impl Stage {
    /// A stage on `ctx` that draws to targets of `format`.
    pub fn new(
        ctx: GpuContext,
        choice: ConvertChoice,
        format: wgpu::TextureFormat,
    ) -> Result<Self, StageError> {
        let viewer = Viewer::new(&ctx, choice, format)?;
        Ok(Self {
            ctx,
            viewer,
            deinterlacer: Deinterlacer::default(),
            held: None,
        })
    }

    /// The device.
    pub fn gpu(&self) -> &GpuContext {
        &self.ctx
    }

    /// What the device is.
    pub fn adapter(&self) -> &AdapterSummary {
        self.ctx.summary()
    }

    /// Who converts, for display.
    pub fn converter_name(&self) -> &'static str {
        self.viewer.converter_name(&self.ctx)
    }

    /// Takes another device's place after a loss.
    pub fn rebuild(
        &mut self,
        ctx: GpuContext,
        format: wgpu::TextureFormat,
    ) -> Result<(), StageError> {
        self.viewer.rebuild(&ctx, format)?;
        self.ctx = ctx;
        if let Some(held) = &mut self.held {
            held.made = None;
        }
        Ok(())
    }

    /// A new device without a window, for after a loss.
    pub fn rebuild_headless(&mut self) -> Result<(), StageError> {
        let ctx = GpuContext::headless(&GpuOptions::from_env(None))?;
        let format = self.viewer.target_format();
        self.rebuild(ctx, format)
    }

    /// Puts the frame of `planned` on the stage; a frame that is missing leaves the one before. `stream`
    /// tells how it is turned and stretched. Answers how long taking the fields apart took.
    pub fn take(&mut self, planned: &PlannedFrame, stream: &VideoStream) -> Duration {
        let Picture::Frame(frame) = &planned.picture else {
            return Duration::ZERO;
        };
        let begun = self.ctx.now();
        let frame = if frame.fields == FieldOrder::Progressive {
            Arc::clone(frame)
        } else {
            puffin::profile_scope!("deinterlace");
            // A format that cannot be taken apart is shown with its fields interleaved.
            self.deinterlacer
                .deinterlace(frame)
                .map_or_else(|_| Arc::clone(frame), Arc::new)
        };
        let took = Duration::from_nanos(self.ctx.nanos_since(begun));
        let display = stream.display_size_of(frame.size);
        self.held = Some(Held {
            frame,
            orientation: stream.orientation,
            display,
            made: None,
        });
        took
    }

    /// Takes the frame away: another medium is coming.
    pub fn clear(&mut self) {
        self.held = None;
    }

    /// Whether there is a frame.
    pub fn has_frame(&self) -> bool {
        self.held.is_some()
    }

    /// The frame's size in square pixels.
    pub fn display_size(&self) -> Option<Size> {
        self.held.as_ref().map(|held| held.display)
    }

    /// Where the picture lies in a window of this size.
    pub fn viewport(&self, window: Size) -> Option<Rect> {
        self.held.as_ref().map(|held| fit(held.display, window))
    }

    /// Whether [`Self::make_picture`] has something to do for a window of this size.
    pub fn needs_picture(&self, window: Size) -> bool {
        let viewport = self.viewport(window);
        self.held
            .as_ref()
            .is_some_and(|held| held.made != viewport.map(|rect| rect.size))
    }

    /// Converts the frame at hand to the size that it has in a window of this size, unless that is done.
    pub fn make_picture(&mut self, window: Size, token: u64) -> Result<PictureTimes, StageError> {
        puffin::profile_scope!("picture");
        let Some(held) = &mut self.held else {
            return Ok(PictureTimes::default());
        };
        let size = fit(held.display, window).size;
        if held.made == Some(size) {
            return Ok(PictureTimes::default());
        }
        let (ctx, frame) = (&self.ctx, &held.frame);
        let times = self
            .viewer
            .show(ctx, frame, held.orientation, size, token)?;
        held.made = Some(size);
        Ok(times)
    }

    /// Draws the picture, and the overlay over it. Answers the nanoseconds that this thread took.
    pub fn render(
        &mut self,
        target: &wgpu::TextureView,
        window: Size,
        view: &ViewSettings,
        overlay: Option<Overlay<'_>>,
        token: Option<u64>,
    ) -> Result<u64, StageError> {
        puffin::profile_scope!("render");
        let viewport = self.viewport(window).unwrap_or_else(|| fit(window, window));
        Ok(self
            .viewer
            .render(&self.ctx, target, viewport, view, overlay, token)?)
    }

    /// Whether a GPU time under `token` is still to come.
    pub fn awaits_gpu_time(&self, token: u64) -> bool {
        self.viewer.awaits_gpu_time(token)
    }

    /// GPU times that have arrived, as token and nanoseconds.
    pub fn drain_gpu_times(&mut self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.viewer.drain_gpu_times(&self.ctx)
    }

    /// The picture at hand, as converted, at `size` (its own size where left out).
    pub fn picture(&mut self, size: Option<Size>) -> Result<RgbaPicture, StageError> {
        let Some(held) = &mut self.held else {
            return Err(PictureError::Nothing.into());
        };
        let size = size.map_or(held.display, |window| fit(held.display, window).size);
        self.viewer
            .show(&self.ctx, &held.frame, held.orientation, size, 0)?;
        held.made = Some(size);
        Ok(self.viewer.read_back(&self.ctx)?)
    }
}
