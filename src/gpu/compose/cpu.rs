//! The composer that works in memory.

use std::sync::Arc;

use super::super::cpu_converter::PictureWriter;
use super::super::{GpuContext, PictureError, PictureTimes};
use super::gpu::ComposeJob;
use super::kept::{IDLE_LIMIT, Still, frame_of};
use super::made::Patterns;
use super::place::{Linear, Sampling, at_pixel};
use super::plan::{ComposePlan, Item, Scene, Source};
use super::rows::{self, RowKind};
use super::wipe::{Mask, single};
use crate::convert::{ConvertError, ConvertJob, CpuConverter};
use crate::media::{Size, VideoFrame};
use crate::timeline::Composite;

/// Bytes of a pixel.
const PIXEL_BYTES: usize = 4;

/// Composes in staging memory, and has only the result copied to the GPU.
#[derive(Debug)]
pub(in crate::gpu) struct CpuComposer {
    writer: PictureWriter,
    painter: Painter,
}

impl CpuComposer {
    /// A composer that converts with up to `threads` threads.
    pub(in crate::gpu) fn new(ctx: &GpuContext, threads: usize) -> Self {
        Self {
            writer: PictureWriter::new(ctx),
            painter: Painter::new(threads),
        }
    }

    /// Composes. The copy to the picture is submitted when this returns.
    pub(in crate::gpu) fn compose(
        &mut self,
        ctx: &GpuContext,
        job: &ComposeJob<'_>,
    ) -> Result<PictureTimes, PictureError> {
        let painter = &mut self.painter;
        self.writer.write(ctx, job.target, |out, stride| {
            painter.paint(job.composite, job.plan, out, stride)
        })
    }
}

/// What is kept for a step of a composite.
#[derive(Debug)]
struct Slot {
    step: usize,
    /// Keeps what it worked out for frames of this kind.
    converter: CpuConverter,
    /// The frame converted last.
    still: Option<Still>,
    /// That frame, unless it was converted straight into its place.
    rgba: Vec<u8>,
    is_filled: bool,
    /// The composite that needed it last.
    used: u64,
}

/// Lays layers over one another in memory.
#[derive(Debug)]
struct Painter {
    threads: usize,
    patterns: Patterns,
    slots: Vec<Slot>,
    /// The canvases of groups, by their place among the scenes.
    groups: Vec<Vec<u8>>,
    /// A row of something that is sampled.
    row: Vec<u8>,
    composites: u64,
}

impl Painter {
    fn new(threads: usize) -> Self {
        Self {
            threads,
            patterns: Patterns::default(),
            slots: Vec::new(),
            groups: Vec::new(),
            row: Vec::new(),
            composites: 0,
        }
    }

    /// Paints a composite as R, G, B, A into rows that are `stride` bytes apart.
    fn paint(
        &mut self,
        composite: &Composite,
        plan: &ComposePlan,
        out: &mut [u8],
        stride: usize,
    ) -> Result<(), ConvertError> {
        self.composites += 1;
        let Some((picture, groups)) = plan.scenes().split_last() else {
            return Ok(());
        };
        self.groups.resize_with(groups.len(), Vec::new);
        for (index, group) in groups.iter().enumerate() {
            let mut rgba = std::mem::take(&mut self.groups[index]);
            let stride = group.size.width() as usize * PIXEL_BYTES;
            // A group that is not seen keeps no memory.
            let bytes = if group.live {
                stride * group.size.height() as usize
            } else {
                0
            };
            rgba.resize(bytes, 0);
            let painted = if group.live {
                let mut canvas = Canvas {
                    rgba: &mut rgba,
                    stride,
                };
                self.paint_scene(composite, plan, group, &mut canvas, [0; PIXEL_BYTES])
            } else {
                Ok(())
            };
            self.groups[index] = rgba;
            painted?;
        }
        let mut canvas = Canvas { rgba: out, stride };
        self.paint_scene(composite, plan, picture, &mut canvas, [0, 0, 0, 255])?;
        let now = self.composites;
        self.slots.retain(|slot| slot.used + IDLE_LIMIT > now);
        Ok(())
    }

    fn paint_scene(
        &mut self,
        composite: &Composite,
        plan: &ComposePlan,
        scene: &Scene,
        canvas: &mut Canvas<'_>,
        background: [u8; PIXEL_BYTES],
    ) -> Result<(), ConvertError> {
        if !plan.is_covered(scene) {
            for y in 0..scene.size.height() as usize {
                let row = canvas.row(y, 0, scene.size.width() as usize);
                row.as_chunks_mut().0.fill(background);
            }
        }
        for item in plan.items(scene) {
            match frame_of(composite, item, &mut self.patterns) {
                Some(frame) => self.paint_frame(&frame, item, scene.size, canvas)?,
                None => self.paint_group(item, scene.size, canvas),
            }
        }
        Ok(())
    }

    fn paint_frame(
        &mut self,
        frame: &Arc<VideoFrame>,
        item: &Item,
        scene: Size,
        canvas: &mut Canvas<'_>,
    ) -> Result<(), ConvertError> {
        let at = self.slot_of(item.slot);
        let slot = &mut self.slots[at];
        slot.used = self.composites;
        let is_same = slot
            .still
            .as_ref()
            .is_some_and(|still| still.is(frame, item));
        if !is_same && item.hides() && item.is_whole() {
            slot.still = None;
            slot.convert_into_place(frame, item, canvas)?;
            slot.is_filled = false;
            slot.still = Some(Still::new(frame, item));
            return Ok(());
        }
        // What comes twice is a still, and kept.
        if !(is_same && slot.is_filled) {
            slot.still = None;
            slot.convert(frame, item)?;
            slot.is_filled = true;
            slot.still = Some(Still::new(frame, item));
        }
        let image = Image {
            rgba: &slot.rgba,
            size: item.texture,
            is_premultiplied: false,
        };
        lay_over(canvas, &image, item, scene, &mut self.row);
        Ok(())
    }

    fn paint_group(&mut self, item: &Item, scene: Size, canvas: &mut Canvas<'_>) {
        let Source::Group(group) = item.source else {
            return;
        };
        let Some(rgba) = self.groups.get(group) else {
            return;
        };
        let image = Image {
            rgba,
            size: item.texture,
            is_premultiplied: true,
        };
        lay_over(canvas, &image, item, scene, &mut self.row);
    }

    fn slot_of(&mut self, step: usize) -> usize {
        let known = self.slots.iter().position(|slot| slot.step == step);
        known.unwrap_or_else(|| {
            self.slots.push(Slot {
                step,
                converter: CpuConverter::new(self.threads),
                still: None,
                rgba: Vec::new(),
                is_filled: false,
                used: 0,
            });
            self.slots.len() - 1
        })
    }
}

impl Slot {
    /// Converts right to where the layer is seen, whole and opaque.
    fn convert_into_place(
        &mut self,
        frame: &VideoFrame,
        item: &Item,
        canvas: &mut Canvas<'_>,
    ) -> Result<(), ConvertError> {
        let (x, y) = (column(item.clip.left), column(item.clip.top));
        let start = y * canvas.stride + x * PIXEL_BYTES;
        let out = canvas.rgba.get_mut(start..).unwrap_or_default();
        self.converter
            .convert(frame, &job(item), out, canvas.stride)
    }

    /// Converts into memory of its own.
    fn convert(&mut self, frame: &VideoFrame, item: &Item) -> Result<(), ConvertError> {
        let stride = item.texture.width() as usize * PIXEL_BYTES;
        self.rgba.resize(stride * item.texture.height() as usize, 0);
        self.converter
            .convert(frame, &job(item), &mut self.rgba, stride)
    }
}

fn job(item: &Item) -> ConvertJob {
    ConvertJob {
        out: item.texture,
        orientation: item.orientation,
    }
}

/// A column or row that is known to lie in a picture.
fn column(at: i32) -> usize {
    usize::try_from(at).unwrap_or(0)
}

/// What is painted on: premultiplied alpha.
struct Canvas<'a> {
    rgba: &'a mut [u8],
    stride: usize,
}

impl Canvas<'_> {
    fn row(&mut self, y: usize, from: usize, to: usize) -> &mut [u8] {
        let start = y * self.stride;
        &mut self.rgba[start + from * PIXEL_BYTES..start + to * PIXEL_BYTES]
    }
}

/// A layer's pixels, rows without padding.
struct Image<'a> {
    rgba: &'a [u8],
    size: Size,
    is_premultiplied: bool,
}

/// Lays an image over a canvas of the size of `scene`, where and as `item` says.
fn lay_over(
    canvas: &mut Canvas<'_>,
    image: &Image<'_>,
    item: &Item,
    scene: Size,
    scratch: &mut Vec<u8>,
) {
    let (from, to) = (column(item.clip.left), column(item.clip.right));
    let weight = rows::weight_of(item.weight);
    let antialiased = matches!(item.sampling, Sampling::Free { edges: Some(_), .. });
    let is_sampled = matches!(item.sampling, Sampling::Free { .. });
    let kind = if item.opaque && !antialiased {
        RowKind::Opaque
    } else if image.is_premultiplied || is_sampled {
        RowKind::Premultiplied
    } else {
        RowKind::Straight
    };
    // One texel looks the same in every row.
    let is_constant = image.size.area() == 1 && !antialiased;
    scratch.resize((to - from) * PIXEL_BYTES, 0);
    for y in item.clip.top..item.clip.bottom {
        let above = match &item.sampling {
            Sampling::Exact { left, top } => {
                image.row(column(y - top), item.clip.left - left, to - from)
            }
            Sampling::Free { .. } if is_constant && y > item.clip.top => &scratch[..],
            Sampling::Free {
                texel_from_pixel,
                edges,
            } => {
                let start = (item.clip.left, y);
                image.sample_row(texel_from_pixel, edges.as_ref(), start, scratch);
                &scratch[..]
            }
        };
        let below = canvas.row(column(y), from, to);
        let lay = |below: &mut [u8], above: &[u8]| {
            if item.difference {
                rows::difference(below, above, kind, weight);
            } else {
                rows::over(below, above, kind, weight);
            }
        };
        if item.mask == Mask::All {
            lay(below, above);
        } else {
            let first = from_middle(item.clip.left, scene.width());
            let down = from_middle(y, scene.height());
            for run in runs(item.mask, first, down, to - from) {
                let bytes = run.start * PIXEL_BYTES..run.end * PIXEL_BYTES;
                lay(&mut below[bytes.clone()], &above[bytes]);
            }
        }
    }
}

/// The middle of a pixel, counted from the middle of the canvas.
fn from_middle(at: i32, side: u32) -> f32 {
    // Halves of pixels, which are exact.
    single((f64::from(at) + 0.5) - f64::from(side) / 2.0)
}

/// The stretches of a row that a mask shows, as offsets from its first pixel.
fn runs(
    mask: Mask,
    first: f32,
    down: f32,
    pixels: usize,
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let shows = move |at: usize| mask.shows(first + at as f32, down);
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = (next..pixels).find(|&at| shows(at))?;
        let end = (start..pixels).find(|&at| !shows(at)).unwrap_or(pixels);
        next = end;
        Some(start..end)
    })
}

impl Image<'_> {
    fn row(&self, y: usize, x: i32, pixels: usize) -> &[u8] {
        let start = (y * self.size.width() as usize + column(x)) * PIXEL_BYTES;
        &self.rgba[start..start + pixels * PIXEL_BYTES]
    }

    /// Samples a row of pixels from `(left, top)` on, premultiplied.
    fn sample_row(
        &self,
        texel_from_pixel: &[Linear; 2],
        edges: Option<&[f64; 4]>,
        (left, top): (i32, i32),
        out: &mut [u8],
    ) {
        let y = f64::from(top) + 0.5;
        let mut x = f64::from(left) + 0.5;
        for pixel in out.as_chunks_mut::<PIXEL_BYTES>().0 {
            let at = [0, 1].map(|axis| at_pixel(&texel_from_pixel[axis], x, y));
            x += 1.0;
            let coverage = edges.map_or(1.0, |edges| coverage(at, edges));
            *pixel = if coverage > 0.0 {
                self.bilinear(at).map(|part| code(part * coverage))
            } else {
                [0; PIXEL_BYTES]
            };
        }
    }

    /// The picture in between texels, premultiplied; beyond its sides it goes on as it ends.
    #[inline]
    fn bilinear(&self, at: [f64; 2]) -> [f32; 4] {
        let (width, height) = (self.size.width(), self.size.height());
        let ([left, right], part_x) = between(at[0] - 0.5, width);
        let ([top, bottom], part_y) = between(at[1] - 0.5, height);
        let (top, bottom) = (top * width as usize, bottom * width as usize);
        let texels = self.rgba.as_chunks::<PIXEL_BYTES>().0;
        let texel = |index: usize| {
            let texel = texels.get(index).copied().unwrap_or_default();
            let [r, g, b, a] = texel.map(f32::from);
            let alpha = if self.is_premultiplied {
                1.0
            } else {
                a * (1.0 / 255.0)
            };
            [r * alpha, g * alpha, b * alpha, a]
        };
        let corners = [top + left, top + right, bottom + left, bottom + right].map(texel);
        [0, 1, 2, 3].map(|c| {
            let upper = corners[0][c] + (corners[1][c] - corners[0][c]) * part_x;
            let lower = corners[2][c] + (corners[3][c] - corners[2][c]) * part_x;
            upper + (lower - upper) * part_y
        })
    }
}

/// The two texels of an axis that a place lies between, and how far it is from the first to the second.
#[inline]
fn between(at: f64, side: u32) -> ([usize; 2], f32) {
    // Rounds down as `floor` does, which is a function call on the first x86-64.
    let toward_zero = super::place::whole(at);
    let first = toward_zero - i32::from(f64::from(toward_zero) > at);
    let last = side.cast_signed() - 1;
    let texels = [first, first + 1].map(|texel| column(texel.clamp(0, last)));
    (texels, single(at - f64::from(first)))
}

/// How much of a pixel lies within edges, nearly: a pixel is taken for a texel.
fn coverage([x, y]: [f64; 2], [left, top, right, bottom]: &[f64; 4]) -> f32 {
    let side = |inside: f64| (inside + 0.5).clamp(0.0, 1.0);
    single(side((x - left).min(right - x)) * side((y - top).min(bottom - y)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a code of 0 to 255"
)]
fn code(part: f32) -> u8 {
    (part + 0.5) as u8
}
