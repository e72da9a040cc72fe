//! What is on screen: the picture of one frame, drawn into a window or into memory.

use crate::convert::ConvertJob;
use crate::media::{Orientation, Size, VideoFrame, ViewSettings};
use crate::metrics::GpuPass;
use crate::time::FrameIndex;
use crate::timeline::Composite;

use super::compose::{ComposeJob, ComposePlan, CpuComposer, GpuComposer};
use super::kept::{KeptPictures, PictureKey, Wanted};
use super::overlay::Overlay;
use super::picture::extent;
use super::present::Presenter;
use super::{
    ComponentOrder, ConvertChoice, CpuPictureConverter, DeviceGeneration, GpuContext, GpuConverter,
    GpuTimer, KeptCounts, Outlook, Picture, PictureConverter, PictureError, PictureRequest,
    PictureTimes, Placement, Rect, RgbaPicture,
};

/// Shows frames, and composites of several.
///
/// [`Viewer::show`] converts a frame into a picture of the size it has on screen, and
/// [`Viewer::show_composite`] composes the layers of a timeline into one; [`Viewer::draw`] or
/// [`Viewer::render`] draws that picture, as often as the window needs it. When the window changes
/// size while nothing plays, the old picture is stretched until `show` is called again with the frame
/// that the caller kept.
///
/// Pictures are kept as long as the device's [`TextureBudget`](super::TextureBudget) allows. Showing the
/// same again at the same size brings the kept one back and converts nothing.
///
/// It lives on the thread that owns the device. After a device loss every call answers
/// [`PictureError::DeviceLost`] (or [`PictureError::OtherDevice`], given the new device) until
/// [`Viewer::rebuild`].
#[derive(Debug)]
pub struct Viewer {
    generation: DeviceGeneration,
    presenter: Presenter,
    timer: GpuTimer,
    converters: Converters,
    plan: ComposePlan,
    gpu_composer: Option<GpuComposer>,
    cpu_composer: Option<CpuComposer>,
    kept: KeptPictures,
}

/// Who converts frames. They are made when they are first needed.
#[derive(Debug)]
struct Converters {
    choice: ConvertChoice,
    threads: usize,
    gpu: Option<GpuConverter>,
    cpu: Option<CpuPictureConverter>,
}

impl Converters {
    fn new(choice: ConvertChoice) -> Self {
        Self {
            choice,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            gpu: None,
            cpu: None,
        }
    }

    /// Whether the GPU is to convert `frame`.
    fn uses_gpu(&self, ctx: &GpuContext, frame: &VideoFrame) -> bool {
        let side = frame.size.width().max(frame.size.height());
        // A frame that no texture can hold is left to the CPU, unless the GPU was insisted on.
        let too_large = self.choice == ConvertChoice::Auto && side > ctx.max_texture_side();
        self.choice.uses_gpu(ctx.summary()) && !too_large
    }

    fn convert(
        &mut self,
        ctx: &GpuContext,
        request: &PictureRequest<'_>,
        target: &Picture,
        timer: &mut GpuTimer,
    ) -> Result<PictureTimes, PictureError> {
        let converter: &mut dyn PictureConverter = if self.uses_gpu(ctx, request.frame) {
            match &mut self.gpu {
                Some(gpu) => gpu,
                none => none.insert(GpuConverter::new(ctx)?),
            }
        } else {
            self.cpu
                .get_or_insert_with(|| CpuPictureConverter::new(ctx, self.threads))
        };
        converter.convert(ctx, request, target, timer)
    }
}

impl Viewer {
    /// A viewer for targets of `target_format`. Converters and pipelines are made when first needed.
    pub fn new(
        ctx: &GpuContext,
        choice: ConvertChoice,
        target_format: wgpu::TextureFormat,
    ) -> Result<Self, PictureError> {
        Ok(Self {
            generation: ctx.generation(),
            presenter: Presenter::new(ctx, target_format)?,
            timer: GpuTimer::new(ctx),
            converters: Converters::new(choice),
            plan: ComposePlan::default(),
            gpu_composer: None,
            cpu_composer: None,
            kept: KeptPictures::default(),
        })
    }

    /// Makes everything anew on another device, or for another target format. The pictures are gone; show
    /// the frame again.
    pub fn rebuild(
        &mut self,
        ctx: &GpuContext,
        target_format: wgpu::TextureFormat,
    ) -> Result<(), PictureError> {
        let mut new = Self::new(ctx, self.converters.choice, target_format)?;
        self.kept.lose();
        new.kept = std::mem::take(&mut self.kept);
        *self = new;
        Ok(())
    }

    /// Who converts, in a word or two.
    pub fn converter_name(&self, ctx: &GpuContext) -> &'static str {
        if self.converters.choice.uses_gpu(ctx.summary()) {
            "GPU compute"
        } else {
            "CPU (SIMD)"
        }
    }

    /// Who converts from now on.
    pub fn set_choice(&mut self, choice: ConvertChoice) {
        self.converters.choice = choice;
    }

    /// Converts `frame` into a picture of `picture_size`, its size on screen.
    ///
    /// The GPU's part is submitted, not waited for. Its times come through
    /// [`Viewer::drain_gpu_times`] under `token`.
    pub fn show(
        &mut self,
        ctx: &GpuContext,
        frame: &VideoFrame,
        orientation: Orientation,
        picture_size: Size,
        token: u64,
    ) -> Result<PictureTimes, PictureError> {
        self.check(ctx)?;
        let on_gpu = self.converters.uses_gpu(ctx, frame);
        let key = PictureKey::of_frame(frame, orientation, picture_size, on_gpu);
        if self.kept.recall(ctx, &key) {
            return Ok(PictureTimes::default());
        }
        let request = PictureRequest {
            frame,
            job: ConvertJob {
                out: picture_size,
                orientation,
            },
            lane: 0,
            token,
        };
        let wanted = Wanted {
            presenter: &self.presenter,
            size: picture_size,
            order: self.picture_order(on_gpu),
            has_alpha: frame.format.alpha,
        };
        let (converters, timer) = (&mut self.converters, &mut self.timer);
        self.kept.fill(ctx, key, &wanted, |target| {
            converters.convert(ctx, &request, target, timer)
        })
    }

    /// Shows the picture that [`Viewer::show`] would make of a frame whose fields have been made a whole
    /// picture, if it is kept: then they need not be. `fields` is the frame as it was decoded.
    pub fn show_again(
        &mut self,
        ctx: &GpuContext,
        fields: &VideoFrame,
        orientation: Orientation,
        picture_size: Size,
    ) -> Result<bool, PictureError> {
        self.check(ctx)?;
        let on_gpu = self.converters.uses_gpu(ctx, fields);
        let key = PictureKey::of_frame(fields, orientation, picture_size, on_gpu);
        Ok(self.kept.recall(ctx, &key.made_whole()))
    }

    /// Composes the layers of `composite` into a picture of `picture_size`, the canvas's size on screen.
    /// What that means, [`Composite`] says.
    ///
    /// The layers are mixed by the GPU where it converts, and otherwise on this thread. One frame that
    /// fills the canvas goes the way of [`Viewer::show`]. The GPU's part is submitted, not waited for; its
    /// time under `token` is the sum of all conversions and of the composition.
    pub fn show_composite(
        &mut self,
        ctx: &GpuContext,
        composite: &Composite,
        picture_size: Size,
        token: u64,
    ) -> Result<PictureTimes, PictureError> {
        self.check(ctx)?;
        self.plan
            .make(composite, picture_size, ctx.max_texture_side());
        if let Some((frame, orientation)) = self.plan.lone_frame(composite) {
            return self.show(ctx, frame, orientation, picture_size, token);
        }
        let on_gpu = self.converters.choice.uses_gpu(ctx.summary());
        let key = PictureKey::of_composite(composite, picture_size, on_gpu);
        if self.kept.recall(ctx, &key) {
            return Ok(PictureTimes::default());
        }
        let wanted = Wanted {
            presenter: &self.presenter,
            size: picture_size,
            order: self.picture_order(on_gpu),
            has_alpha: false,
        };
        let Self {
            converters,
            plan,
            gpu_composer,
            cpu_composer,
            timer,
            kept,
            ..
        } = self;
        kept.fill(ctx, key, &wanted, |target| {
            let job = ComposeJob {
                composite,
                plan,
                target,
                token,
            };
            if !on_gpu {
                return cpu_composer
                    .get_or_insert_with(|| CpuComposer::new(ctx, converters.threads))
                    .compose(ctx, &job);
            }
            let composer = match &mut *gpu_composer {
                Some(composer) => composer,
                none => none.insert(GpuComposer::new(ctx)?),
            };
            composer.compose(ctx, &job, timer, |request, target, timer| {
                converters.convert(ctx, request, target, timer)
            })
        })
    }

    /// Tells where the playhead is and how it goes on: what is kept depends on it.
    pub fn set_outlook(&mut self, outlook: Outlook) {
        self.kept.set_outlook(outlook);
    }

    /// Gives up kept pictures that the budget has no room for any more.
    pub fn settle(&mut self, ctx: &GpuContext) {
        self.kept.settle(ctx);
    }

    /// How keeping pictures goes.
    pub fn kept_counts(&self) -> KeptCounts {
        self.kept.counts()
    }

    /// The frames of the medium on screen whose pictures are kept, in order, each once.
    pub fn kept_frames(&self) -> Vec<FrameIndex> {
        self.kept.frames()
    }

    /// The order of the target's own components where the converter can write it, so that the picture
    /// may be copied there.
    fn picture_order(&self, on_gpu: bool) -> ComponentOrder {
        if !on_gpu && self.target_format() == ComponentOrder::Bgra.format() {
            ComponentOrder::Bgra
        } else {
            ComponentOrder::Rgba
        }
    }

    /// Draws what is visible of the picture into the pass's target, which must contain that part. Draws
    /// nothing when nothing has been shown yet.
    ///
    /// The viewport and the scissor rectangle of the pass are changed.
    pub fn draw(
        &self,
        pass: &mut wgpu::RenderPass<'_>,
        place: impl Into<Placement>,
        settings: &ViewSettings,
    ) {
        if let Some(shown) = self.kept.on_screen() {
            self.presenter.draw(
                pass,
                &shown.picture,
                &shown.bindings,
                shown.has_alpha,
                place.into(),
                settings,
            );
        }
    }

    /// Draws a whole window: black, the picture at its `place`, then the overlay; and submits it.
    ///
    /// `target` is a view of the window's texture or of an [`super::OffscreenTarget`]. With a token the
    /// pass is timed. Answers the nanoseconds that this thread took.
    pub fn render(
        &mut self,
        ctx: &GpuContext,
        target: &wgpu::TextureView,
        place: impl Into<Placement>,
        settings: &ViewSettings,
        overlay: Option<Overlay<'_>>,
        token: Option<u64>,
    ) -> Result<u64, PictureError> {
        self.check(ctx)?;
        let place = place.into();
        let start = ctx.now();
        let mut encoder = ctx
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        // A copied picture has no pass to be timed.
        let copies = self.copyable(ctx, target, place, settings).is_some();
        let timed = match token.filter(|token| !self.timer.is_pending(*token)) {
            _ if copies => None,
            Some(token) => self.timer.begin(token, "draw"),
            None => self.timer.begin_for_profiler("draw"),
        };
        let mut overlay = overlay;
        let before = match &mut overlay {
            Some(overlay) => overlay.prepare(ctx, &mut encoder)?,
            None => Vec::new(),
        };
        let copied = self.copyable(ctx, target, place, settings);
        if let Some(picture) = copied {
            if !covers(place.visible, target) {
                drop(begin_pass(&mut encoder, target, CLEAR_BLACK, None));
            }
            copy_picture(&mut encoder, picture, target, place);
        }
        if copied.is_none() || overlay.is_some() {
            let load = if copied.is_some() {
                wgpu::LoadOp::Load
            } else {
                CLEAR_BLACK
            };
            let writes = timed
                .as_ref()
                .and_then(|timed| self.timer.render_writes(timed));
            let mut pass = begin_pass(&mut encoder, target, load, writes).forget_lifetime();
            if copied.is_none() {
                self.draw(&mut pass, place, settings);
            }
            if let Some(overlay) = &mut overlay {
                overlay.paint(&mut pass);
            }
        }
        if let Some(timed) = &timed {
            self.timer.resolve(&mut encoder, timed);
        }
        ctx.queue()
            .submit(before.into_iter().chain([encoder.finish()]));
        if let Some(timed) = &timed {
            self.timer.submitted(timed);
        }
        if let Some(overlay) = overlay {
            overlay.finish();
        }
        ctx.check_alive()?;
        Ok(ctx.nanos_since(start))
    }

    /// The picture, when copying it into `target` gives the same as drawing it.
    ///
    /// On a CPU adapter that is forty times cheaper: a copy of 1280x720 takes 0.1 ms, while a fragment
    /// shader, however short, takes 5 ms for the texels it fetches.
    fn copyable(
        &self,
        ctx: &GpuContext,
        target: &wgpu::TextureView,
        place: Placement,
        settings: &ViewSettings,
    ) -> Option<&Picture> {
        let shown = self.kept.on_screen().filter(|shown| !shown.has_alpha)?;
        let texture = target.texture();
        let same = shown.picture.size() == place.size
            && shown.picture.texture().format() == texture.format()
            && texture.usage().contains(wgpu::TextureUsages::COPY_DST)
            && *settings == ViewSettings::default();
        (ctx.summary().is_cpu && same).then_some(&shown.picture)
    }

    /// Whether a GPU time under `token` is still to come.
    pub fn awaits_gpu_time(&self, token: u64) -> bool {
        self.timer.is_pending(token)
    }

    /// GPU times that have arrived, as token and nanoseconds. A token has one: that of the conversion
    /// where the GPU converts, that of drawing where it only draws. Never waits.
    pub fn drain_gpu_times(&mut self, ctx: &GpuContext) -> impl Iterator<Item = (u64, u64)> + '_ {
        ctx.poll();
        self.timer.drain()
    }

    /// The frame that is all that is seen of `composite`, and how it is turned, where one is.
    pub fn lone_frame<'a>(
        &self,
        composite: &'a Composite,
    ) -> Option<(&'a std::sync::Arc<VideoFrame>, Orientation)> {
        self.plan.lone_frame(composite)
    }

    /// The passes that those times are made of, while profiler scopes are on.
    pub fn drain_gpu_passes(&mut self) -> impl Iterator<Item = GpuPass> + '_ {
        self.timer.drain_passes()
    }

    /// The format of the targets this viewer draws to.
    pub fn target_format(&self) -> wgpu::TextureFormat {
        self.presenter.target_format()
    }

    /// Size of the picture at hand.
    pub fn picture_size(&self) -> Option<Size> {
        self.kept.on_screen().map(|shown| shown.picture.size())
    }

    /// The picture as converted, before any view settings, with its alpha. Waits for the GPU.
    pub fn read_back(&self, ctx: &GpuContext) -> Result<RgbaPicture, PictureError> {
        self.check(ctx)?;
        let shown = self.kept.on_screen().ok_or(PictureError::Nothing)?;
        shown.picture.read_back(ctx)
    }

    fn check(&self, ctx: &GpuContext) -> Result<(), PictureError> {
        ctx.check_alive()?;
        if self.generation == ctx.generation() {
            Ok(())
        } else {
            Err(PictureError::OtherDevice)
        }
    }
}

const CLEAR_BLACK: wgpu::LoadOp<wgpu::Color> = wgpu::LoadOp::Clear(wgpu::Color::BLACK);

fn covers(viewport: Rect, target: &wgpu::TextureView) -> bool {
    let texture = target.texture();
    (viewport.size.width(), viewport.size.height()) == (texture.width(), texture.height())
}

fn begin_pass<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    target: &wgpu::TextureView,
    load: wgpu::LoadOp<wgpu::Color>,
    timestamp_writes: Option<wgpu::RenderPassTimestampWrites<'_>>,
) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: Some("window"),
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: target,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load,
                store: wgpu::StoreOp::Store,
            },
        })],
        timestamp_writes,
        ..Default::default()
    })
}

fn copy_picture(
    encoder: &mut wgpu::CommandEncoder,
    picture: &Picture,
    target: &wgpu::TextureView,
    place: Placement,
) {
    let origin = |x, y| wgpu::Origin3d { x, y, z: 0 };
    let seen = place.visible;
    // What is seen lies within the picture.
    let inside = |seen: u32, start: i64| u32::try_from(i64::from(seen) - start).unwrap_or(0);
    let from = wgpu::TexelCopyTextureInfo {
        origin: origin(inside(seen.x, place.x), inside(seen.y, place.y)),
        ..picture.texture().as_image_copy()
    };
    let to = wgpu::TexelCopyTextureInfo {
        origin: origin(seen.x, seen.y),
        ..target.texture().as_image_copy()
    };
    encoder.copy_texture_to_texture(from, to, extent(seen.size));
}
