//! From the frame that is due to the picture in a window or in memory.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::convert::deinterlace::Deinterlacer;
use crate::convert::{PixelReading, read_pixel};
use crate::decode::{LoopMode, Picture, PlannedFrame};
use crate::gpu::{
    AdapterSummary, ConvertChoice, Course, Framing, GpuContext, GpuError, GpuOptions, KeptCounts,
    Outlook, Overlay, PictureError, PictureTimes, Place, Placement, Rect, RgbaPicture, Viewer, fit,
    place,
};
use crate::media::{
    ColorInfo, CompareView, FieldOrder, Orientation, Size, VideoFrame, VideoStream, ViewSettings,
};
use crate::metrics::GpuPass;
use crate::playback::Snapshot;
use crate::playback::quality::OutputScale;
use crate::time::FrameIndex;
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content};

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

/// What is at hand and how it is shown.
struct Held {
    shown: Shown,
    /// Its size in square pixels, turned.
    display: Size,
    /// Whether its picture has been made, at which size.
    made: Option<Size>,
    /// How the source's frames are turned, and their size turned, where a picture of that shape is all that is
    /// seen of one: it is alone, and its pixels are square.
    plain: Option<(Orientation, Size)>,
}

/// A frame of a file, or the layers of a timeline.
enum Shown {
    /// As it was decoded: fields are made whole when the picture is, for it may be there already.
    Frame(Arc<VideoFrame>, Orientation),
    Composite(Arc<Composite>),
}

impl Held {
    fn show(
        &self,
        ctx: &GpuContext,
        viewer: &mut Viewer,
        fields: &mut [Fields],
        size: Size,
        token: u64,
    ) -> Result<PictureTimes, PictureError> {
        let (frame, orientation) = match &self.shown {
            Shown::Frame(frame, orientation) => (frame, *orientation),
            Shown::Composite(composite) => {
                return viewer.show_composite(ctx, composite, size, token);
            }
        };
        let Some(fields) = fields
            .first_mut()
            .filter(|_| frame.fields != FieldOrder::Progressive)
        else {
            return viewer.show(ctx, frame, orientation, size, token);
        };
        if viewer.show_again(ctx, frame, orientation, size)? {
            return Ok(PictureTimes::default());
        }
        let begun = ctx.now();
        let whole = fields.whole(frame);
        let took = ctx.nanos_since(begun);
        let mut times = viewer.show(ctx, &whole, orientation, size, token)?;
        times.convert_nanos += took;
        Ok(times)
    }
}

/// Makes progressive frames of the interlaced ones that come along one slot.
#[derive(Default)]
struct Fields {
    deinterlacer: Deinterlacer,
    /// The last one and what became of it, for a still comes again and again.
    last: Option<(Weak<VideoFrame>, Arc<VideoFrame>)>,
}

impl Fields {
    /// A progressive frame is only handed on.
    fn whole(&mut self, frame: &Arc<VideoFrame>) -> Arc<VideoFrame> {
        if frame.fields == FieldOrder::Progressive {
            self.last = None;
            return Arc::clone(frame);
        }
        if let Some((fields, whole)) = &self.last
            && std::ptr::eq(fields.as_ptr(), Arc::as_ptr(frame))
        {
            return Arc::clone(whole);
        }
        puffin::profile_scope!("deinterlace");
        // Its buffer can serve the next frame, once the picture at hand has changed.
        self.last = None;
        // A format that cannot be taken apart is shown with its fields interleaved.
        let whole = self
            .deinterlacer
            .deinterlace(frame)
            .map_or_else(|_| Arc::clone(frame), Arc::new);
        self.last = Some((Arc::downgrade(frame), Arc::clone(&whole)));
        whole
    }
}

/// Owns the GPU device and what is at hand: a frame, or the layers of a timeline's instant. Lives on the
/// presenting thread.
///
/// After a device loss every call answers an error until [`Stage::rebuild`]; what is at hand is kept, so
/// the picture comes back.
pub struct Stage {
    ctx: GpuContext,
    viewer: Viewer,
    /// By the step of a composite; a lone frame has the first.
    fields: Vec<Fields>,
    held: Option<Held>,
    compare: CompareView,
    outlook: Outlook,
    /// How large pictures are made, against the size that they are shown at.
    scale: OutputScale,
    /// The part of the window that pictures are shown in; all of it where there is none.
    room: Option<Rect>,
    framing: Framing,
    shortages_told: u64,
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
            fields: Vec::new(),
            held: None,
            compare: CompareView::default(),
            outlook: Outlook::default(),
            scale: OutputScale::Full,
            room: None,
            framing: Framing::default(),
            shortages_told: 0,
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

    /// Takes another device's place after a loss; it is charged to the same budget.
    pub fn rebuild(
        &mut self,
        mut ctx: GpuContext,
        format: wgpu::TextureFormat,
    ) -> Result<(), StageError> {
        ctx.set_budget(self.ctx.budget().clone());
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

    /// Puts the picture of `planned` on the stage; one that is missing leaves the one before. `stream`
    /// tells how a frame is turned and stretched; layers say so themselves, and are shown at the size of
    /// their canvas. Answers how long making whole pictures of the fields of layers took; those of a frame are
    /// made whole with its picture.
    pub fn take(&mut self, planned: &PlannedFrame, stream: &VideoStream) -> Duration {
        let begun = self.ctx.now();
        let mut plain = None;
        let (shown, display, medium) = match &planned.picture {
            Picture::Frame(frame) => {
                self.keep_fields(1);
                let display = stream.display_size_of(frame.shown_as());
                let shown = Shown::Frame(Arc::clone(frame), stream.orientation);
                let whole = stream.display_size_of(stream.size);
                let is_square = whole == stream.orientation.apply(stream.size);
                plain = is_square.then_some((stream.orientation, whole));
                (shown, display, frame.id.source())
            }
            Picture::Composite(composite) => {
                let canvas = composite.canvas;
                let whole = self.whole_composite(composite);
                // The layers have sources of their own; the place is the timeline's.
                (Shown::Composite(self.compared(whole)), canvas, 0)
            }
            Picture::Missing(_) => return Duration::ZERO,
        };
        self.outlook.place = Place {
            medium,
            frame: planned.index,
        };
        let took = Duration::from_nanos(self.ctx.nanos_since(begun));
        self.held = Some(Held {
            shown,
            display,
            made: None,
            plain,
        });
        took
    }

    /// The same with whole frames where there are fields.
    fn whole_composite(&mut self, composite: &Arc<Composite>) -> Arc<Composite> {
        let interlaced = |frame: &Arc<VideoFrame>| frame.fields != FieldOrder::Progressive;
        if !composite.frames().any(interlaced) {
            self.fields.clear();
            return Arc::clone(composite);
        }
        self.keep_fields(composite.ops.len());
        let mut whole = Composite::clone(composite);
        for (op, fields) in whole.ops.iter_mut().zip(&mut self.fields) {
            if let CompositeOp::Layer(CompositeLayer {
                content: Content::Frame { frame, .. },
                ..
            }) = op
            {
                *frame = fields.whole(frame);
            }
        }
        Arc::new(whole)
    }

    /// The same with its sides as they are to be seen, where it is a comparison.
    fn compared(&self, mut composite: Arc<Composite>) -> Arc<Composite> {
        if composite.compare.is_some() {
            Arc::make_mut(&mut composite).show_sides(&self.compare);
        }
        composite
    }

    /// Shows the sides of comparisons like this from now on, that at hand included. Answers whether a
    /// new picture must be made of it.
    pub fn set_compare(&mut self, view: CompareView) -> bool {
        if self.compare == view {
            return false;
        }
        self.compare = view;
        let Some(Held {
            shown: Shown::Composite(composite),
            made,
            ..
        }) = &mut self.held
        else {
            return false;
        };
        if composite.compare.is_none() {
            return false;
        }
        Arc::make_mut(composite).show_sides(&view);
        *made = None;
        true
    }

    /// Deinterlacers for so many slots, and no more.
    fn keep_fields(&mut self, slots: usize) {
        self.fields.resize_with(slots, Fields::default);
    }

    /// Takes what is at hand away: another medium is coming.
    pub fn clear(&mut self) {
        self.held = None;
        self.fields.clear();
    }

    /// Whether there is a picture.
    pub fn has_frame(&self) -> bool {
        self.held.is_some()
    }

    /// Whether a proxy's picture is a part of what is at hand.
    pub fn shows_proxy(&self) -> bool {
        let is_proxy = |frame: &Arc<VideoFrame>| frame.stands_for.is_some() && !is_reduced(frame);
        self.held.as_ref().is_some_and(|held| match &held.shown {
            Shown::Frame(frame, _) => is_proxy(frame),
            Shown::Composite(composite) => composite.frames().any(is_proxy),
        })
    }

    /// Whether what is at hand was kept at the size that it is shown at: there is no more of it.
    pub fn shows_reduced(&self) -> bool {
        self.held.as_ref().is_some_and(|held| match &held.shown {
            Shown::Frame(frame, _) => is_reduced(frame),
            Shown::Composite(composite) => composite.frames().any(is_reduced),
        })
    }

    /// The size of what is at hand in square pixels.
    pub fn display_size(&self) -> Option<Size> {
        self.held.as_ref().map(|held| held.display)
    }

    /// Shows pictures in this part of the window from now on, and framed like this. Answers whether that is
    /// another place than before.
    pub fn set_room(&mut self, room: Option<Rect>, framing: Framing) -> bool {
        let is_other = (self.room, self.framing) != (room, framing);
        (self.room, self.framing) = (room, framing);
        is_other
    }

    /// Where a picture of this size lies in a window of this one.
    fn place_of(&self, display: Size, window: Size) -> Placement {
        let room = self
            .room
            .map_or(Rect::whole(window), |room| room.within(window));
        place(display, room, self.framing)
    }

    /// Where the picture lies in a window of this size.
    pub fn viewport(&self, window: Size) -> Option<Placement> {
        let held = self.held.as_ref()?;
        Some(self.place_of(held.display, window))
    }

    /// The size, before it is turned, at which frames of what is at hand are seen in a window of this size; `None`
    /// where more is seen of them than a picture of that size.
    pub fn shown_size(&self, window: Size) -> Option<Size> {
        let (orientation, whole) = self.held.as_ref()?.plain?;
        let shown = self.place_of(whole, window).size;
        let is_smaller = shown.width() <= whole.width() || self.framing == Framing::default();
        is_smaller.then(|| orientation.apply(shown))
    }

    /// What the pixel at a place in the picture holds, from 0 to 1 to the right and down; `None` outside, and where
    /// it is made of several layers.
    pub fn read_pixel(&self, shown: [f32; 2]) -> Option<PixelReading> {
        let held = self.held.as_ref()?;
        let (frame, orientation) = match &held.shown {
            Shown::Frame(frame, orientation) => (frame, *orientation),
            Shown::Composite(composite) => self.viewer.lone_frame(composite)?,
        };
        read_pixel(frame, orientation, shown)
    }

    /// Whether [`Self::make_picture`] has something to do for a window of this size.
    pub fn needs_picture(&self, window: Size) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.made != Some(self.scaled(held.display, window)))
    }

    /// Makes pictures smaller than they are shown from now on, or not.
    pub fn set_scale(&mut self, scale: OutputScale) {
        self.scale = scale;
    }

    /// The size to make a picture at that is shown in a window of this size: never more than it has where one
    /// looks at a part of it, or a single one could fill the memory.
    fn scaled(&self, display: Size, window: Size) -> Size {
        let shown = self.place_of(display, window).size;
        let is_enlarged = shown.width() > display.width() || shown.height() > display.height();
        let whole = if is_enlarged && self.framing != Framing::default() {
            display
        } else {
            shown
        };
        let side = |pixels: u32| (pixels * self.scale.percent()).div_ceil(100).max(1);
        Size::new(side(whole.width()), side(whole.height())).unwrap_or(whole)
    }

    /// Converts what is at hand to the size that it has in a window of this size, unless that is done.
    pub fn make_picture(&mut self, window: Size, token: u64) -> Result<PictureTimes, StageError> {
        puffin::profile_scope!("picture");
        let Some(display) = self.display_size() else {
            return Ok(PictureTimes::default());
        };
        let size = self.scaled(display, window);
        let Some(held) = &mut self.held else {
            return Ok(PictureTimes::default());
        };
        if held.made == Some(size) {
            return Ok(PictureTimes::default());
        }
        self.viewer.set_outlook(self.outlook);
        let times = held.show(&self.ctx, &mut self.viewer, &mut self.fields, size, token)?;
        held.made = Some(size);
        Ok(times)
    }

    /// Follows what the playhead is going to do, as far as the engine knows: which pictures are kept depends
    /// on it. Those that the budget has no room for any more are given up. Answers whether the device ran out
    /// of memory since the last time.
    pub fn follow(&mut self, snapshot: &Snapshot) -> bool {
        self.scale = snapshot.quality.scale;
        self.outlook.course = course_of(snapshot);
        self.viewer.set_outlook(self.outlook);
        self.viewer.settle(&self.ctx);
        let shortages = self.viewer.kept_counts().shortages;
        std::mem::replace(&mut self.shortages_told, shortages) != shortages
    }

    /// The frames of the medium on screen whose pictures are kept on the device, in order.
    pub fn kept_frames(&self) -> Vec<FrameIndex> {
        self.viewer.kept_frames()
    }

    /// How keeping pictures goes.
    pub fn kept_counts(&self) -> KeptCounts {
        self.viewer.kept_counts()
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
        let viewport = self
            .viewport(window)
            .unwrap_or_else(|| Rect::whole(window).into());
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

    /// The passes that those times are made of, while profiler scopes are on.
    pub fn drain_gpu_passes(&mut self) -> impl Iterator<Item = GpuPass> + '_ {
        self.viewer.drain_gpu_passes()
    }

    /// The picture at hand, as converted, at `size` (its own size where left out).
    pub fn picture(&mut self, size: Option<Size>) -> Result<RgbaPicture, StageError> {
        let Some(held) = &mut self.held else {
            return Err(PictureError::Nothing.into());
        };
        let size = size.map_or(held.display, |window| fit(held.display, window).size);
        self.viewer.set_outlook(self.outlook);
        held.show(&self.ctx, &mut self.viewer, &mut self.fields, size, 0)?;
        held.made = Some(size);
        Ok(self.viewer.read_back(&self.ctx)?)
    }
}

/// How the playhead goes on.
fn course_of(snapshot: &Snapshot) -> Course {
    if !snapshot.is_running() {
        return Course::Anywhere;
    }
    let reverse = snapshot.speed.is_reverse();
    let frames = snapshot.media.as_ref().map_or(0, |media| media.frames);
    match snapshot.loop_mode {
        LoopMode::Off => Course::Onwards { reverse },
        LoopMode::Loop | LoopMode::PingPong => Course::Round {
            first: snapshot.mark_in.unwrap_or(FrameIndex::ZERO),
            last: snapshot.mark_out.unwrap_or(FrameIndex(frames - 1)),
            reverse,
            turns: snapshot.loop_mode == LoopMode::PingPong,
        },
    }
}

/// Whether a frame is the picture that was made of it for the window.
fn is_reduced(frame: &Arc<VideoFrame>) -> bool {
    frame.stands_for.is_some() && frame.color == ColorInfo::SCREEN_RGB
}

#[cfg(test)]
#[path = "stage_tests.rs"]
mod tests;
