//! What has to be drawn, in which order, and where.

use std::ops::Range;
use std::sync::Arc;

use super::made::Pattern;
use super::place::{Area, Placement, Sampling, Stage, turned_twice};
use super::wipe::{Mask, uncovered};
use crate::media::{Orientation, Size, VideoFrame};
use crate::timeline::{Composite, CompositeLayer, CompositeOp, Content, Look, Mix};

/// Groups that lie deeper in others than this are taken apart: their layers count as the outer group's.
const MAX_DEPTH: usize = 32;

/// What an [`Item`] shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Source {
    /// The frame of its step.
    Frame,
    /// A picture that is made here.
    Made(Pattern),
    /// A scene that stands before.
    Group(usize),
}

/// One thing to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Item {
    /// The step of the composite that it comes from.
    pub(super) slot: usize,
    /// What.
    pub(super) source: Source,
    /// How a frame is turned when it is converted.
    pub(super) orientation: Orientation,
    /// The size that it is converted to.
    pub(super) texture: Size,
    /// Where its texels lie.
    pub(super) sampling: Sampling,
    /// Where it is drawn; never empty.
    pub(super) clip: Area,
    /// What of that.
    pub(super) mask: Mask,
    /// What its alpha is multiplied by: above 0, up to 1.
    pub(super) weight: f32,
    /// Whether the difference is shown, and not the thing itself.
    pub(super) difference: bool,
    /// Whether every texel is opaque.
    pub(super) opaque: bool,
}

impl Item {
    /// Whether nothing of what lies below remains to be seen within its clip.
    pub(super) fn hides(&self) -> bool {
        let antialiased = matches!(self.sampling, Sampling::Free { edges: Some(_), .. });
        self.opaque
            && self.weight >= 1.0
            && !self.difference
            && self.mask == Mask::All
            && !antialiased
    }

    /// Whether its texels are its pixels and all of them are seen.
    pub(super) fn is_whole(&self) -> bool {
        let Sampling::Exact { left, top } = self.sampling else {
            return false;
        };
        (self.clip.left, self.clip.top) == (left, top)
            && (self.clip.width(), self.clip.height())
                == (self.texture.width(), self.texture.height())
    }
}

/// A canvas on which items are drawn: the composite's own, or a group's.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    /// Its size in pixels.
    pub(super) size: Size,
    /// What lies on it, lowest first.
    pub(super) items: Range<usize>,
    /// Whether it is seen at all.
    pub(super) live: bool,
}

/// A composite worked out for a picture of one size.
///
/// Groups that change nothing are gone, and so is what lies wholly under something opaque. It is kept and
/// made anew for each composite, so that making it allocates nothing once its lists are long enough.
#[derive(Debug, Default)]
pub(in crate::gpu) struct ComposePlan {
    /// Groups before what they are drawn on; the last one is the composite's own canvas.
    scenes: Vec<Scene>,
    items: Vec<Item>,
    /// Items of scenes that are not complete yet.
    pending: Vec<Item>,
}

/// What one scene is planned with.
#[derive(Clone, Copy)]
struct Place {
    stage: Stage,
    depth: usize,
    /// Where its items begin among the pending ones.
    first_item: usize,
}

impl ComposePlan {
    /// Works out `composite` for a picture of this size and textures of at most `max_side` a side.
    pub(in crate::gpu) fn make(&mut self, composite: &Composite, picture: Size, max_side: u32) {
        self.scenes.clear();
        self.items.clear();
        self.pending.clear();
        let stage = Stage {
            canvas: composite.canvas,
            picture,
            max_side,
        };
        self.plan_scene(&composite.ops, 0..composite.ops.len(), stage, 0);
        // From the picture down to the groups in groups.
        if let Some(last) = self.scenes.last_mut() {
            last.live = true;
        }
        for index in (0..self.scenes.len()).rev() {
            if !self.scenes[index].live {
                continue;
            }
            for item in &self.items[self.scenes[index].items.clone()] {
                if let Source::Group(group) = item.source {
                    self.scenes[group].live = true;
                }
            }
        }
    }

    /// Groups before what they are drawn on; the last scene is the picture.
    pub(super) fn scenes(&self) -> &[Scene] {
        &self.scenes
    }

    /// What is drawn on a scene.
    pub(super) fn items(&self, scene: &Scene) -> &[Item] {
        &self.items[scene.items.clone()]
    }

    /// Whether the lowest item of a scene hides all of it.
    pub(super) fn is_covered(&self, scene: &Scene) -> bool {
        self.items(scene)
            .first()
            .is_some_and(|item| item.hides() && item.clip == Area::whole(scene.size))
    }

    /// The frame that is the whole picture, where there is nothing else to it.
    pub(in crate::gpu) fn lone_frame<'a>(
        &self,
        composite: &'a Composite,
    ) -> Option<(&'a Arc<VideoFrame>, Orientation)> {
        let scene = self.scenes.last()?;
        let [item] = self.items(scene) else {
            return None;
        };
        let whole = item.is_whole() && item.texture == scene.size;
        match composite.ops.get(item.slot) {
            Some(CompositeOp::Layer(CompositeLayer {
                content: Content::Frame { frame, .. },
                ..
            })) if whole && item.hides() => Some((frame, item.orientation)),
            _ => None,
        }
    }

    /// Plans the steps of one canvas, after those of the groups on it. Answers its place.
    fn plan_scene(
        &mut self,
        ops: &[CompositeOp],
        range: Range<usize>,
        stage: Stage,
        depth: usize,
    ) -> usize {
        let place = Place {
            stage,
            depth,
            first_item: self.pending.len(),
        };
        self.plan_ops(ops, range, place);
        let start = self.items.len();
        self.items.extend(self.pending.drain(place.first_item..));
        self.scenes.push(Scene {
            size: stage.picture,
            items: start..self.items.len(),
            live: false,
        });
        self.scenes.len() - 1
    }

    fn plan_ops(&mut self, ops: &[CompositeOp], range: Range<usize>, place: Place) {
        let mut next = range.start;
        while let Some(op) = ops.get(next).filter(|_| next < range.end) {
            match op {
                CompositeOp::Layer(layer) => {
                    self.plan_layer(next, layer, &layer.look, layer.mix, place);
                }
                CompositeOp::BeginGroup => {
                    let end = end_of_group(ops, next, range.end);
                    self.plan_group(ops, next..end, place);
                    next = end;
                }
                // An end without a beginning.
                CompositeOp::EndGroup { .. } => {}
            }
            next += 1;
        }
    }

    fn plan_layer(
        &mut self,
        slot: usize,
        layer: &CompositeLayer,
        look: &Look,
        mix: Mix,
        place: Place,
    ) {
        let canvas = place.stage.canvas;
        let (source, own, display, opaque) = match &layer.content {
            Content::Frame {
                frame,
                orientation,
                display,
            } => (Source::Frame, *orientation, *display, !frame.format.alpha),
            Content::Solid(color) => {
                let pattern = Pattern::solid(*color);
                let opaque = pattern.is_opaque();
                (Source::Made(pattern), Orientation::UPRIGHT, canvas, opaque)
            }
            Content::Bars => (
                Source::Made(Pattern::Bars),
                Orientation::UPRIGHT,
                canvas,
                true,
            ),
            Content::Checkerboard => (
                Source::Made(Pattern::Checkerboard),
                Orientation::UPRIGHT,
                canvas,
                true,
            ),
        };
        let Some(placed) = place.stage.place(display, look, true) else {
            return;
        };
        let placed = match source {
            Source::Made(Pattern::Solid(_)) => one_texel(placed),
            _ => placed,
        };
        let orientation = turned_twice(own, placed.turned);
        let drawn = Drawn {
            slot,
            source,
            orientation,
            opaque,
        };
        self.push(drawn, &placed, (look.opacity, mix), place);
    }

    /// Plans the group that begins at the start of `range` and ends at its end.
    fn plan_group(&mut self, ops: &[CompositeOp], range: Range<usize>, place: Place) {
        let inside = range.start + 1..range.end;
        let (look, mix) = match ops.get(range.end) {
            Some(CompositeOp::EndGroup { look, mix }) => (*look, *mix),
            _ => (Look::default(), Mix::FULL),
        };
        let stays = Look {
            opacity: 1.0,
            fit: Look::default().fit,
            ..look
        } == Look::default();
        let isolates = ops[inside.clone()].iter().any(is_difference);
        let changes_nothing = stays && !isolates && mix == Mix::FULL && look.opacity >= 1.0;
        if changes_nothing || place.depth >= MAX_DEPTH {
            // Laying layers over one another is associative.
            self.plan_ops(ops, inside, place);
            return;
        }
        if let [CompositeOp::Layer(layer)] = &ops[inside.clone()]
            && let Mix::Over(weight) = layer.mix
            && stays
        {
            // A layer that is alone in its group is mixed as the group is.
            let own = Look {
                opacity: layer.look.opacity.max(0.0) * weight.max(0.0) * look.opacity,
                ..layer.look
            };
            self.plan_layer(inside.start, layer, &own, mix, place);
            return;
        }
        let Some(placed) = place.stage.place(place.stage.canvas, &look, false) else {
            return;
        };
        let stage = Stage {
            picture: placed.texture,
            ..place.stage
        };
        let scene = self.plan_scene(ops, inside, stage, place.depth + 1);
        let drawn = Drawn {
            slot: range.start,
            source: Source::Group(scene),
            orientation: Orientation::UPRIGHT,
            opaque: self.is_covered(&self.scenes[scene]),
        };
        if !self.scenes[scene].items.is_empty() {
            self.push(drawn, &placed, (look.opacity, mix), place);
        }
    }

    /// Adds a thing, unless nothing of it is seen; and drops what nothing remains to be seen of.
    fn push(&mut self, drawn: Drawn, placed: &Placement, how: (f32, Mix), place: Place) {
        let (opacity, mix) = how;
        // What is no number is nothing.
        let weight = |part: f32| opacity.max(0.0) * part.max(0.0);
        let whole = Area::whole(place.stage.picture);
        let (weight, difference, (area, mask)) = match mix {
            Mix::Over(part) => (weight(part), false, (whole, Mask::All)),
            Mix::Difference(part) => (weight(part), true, (whole, Mask::All)),
            Mix::Wipe { edge, progress } => {
                let uncovered = uncovered(edge, progress, place.stage.picture);
                (weight(1.0), false, uncovered)
            }
        };
        let clip = placed.clip.intersection(area);
        if weight <= 0.0 || clip.is_empty() {
            return;
        }
        let item = Item {
            slot: drawn.slot,
            source: drawn.source,
            orientation: drawn.orientation,
            texture: placed.texture,
            sampling: placed.sampling,
            clip,
            mask,
            weight: weight.min(1.0),
            difference,
            opaque: drawn.opaque,
        };
        if item.hides() && clip == whole {
            self.pending.truncate(place.first_item);
        }
        self.pending.push(item);
    }
}

/// What is drawn, apart from where and how.
#[derive(Clone, Copy)]
struct Drawn {
    slot: usize,
    source: Source,
    orientation: Orientation,
    opaque: bool,
}

fn is_difference(op: &CompositeOp) -> bool {
    let mix = match op {
        CompositeOp::Layer(layer) => &layer.mix,
        CompositeOp::EndGroup { mix, .. } => mix,
        CompositeOp::BeginGroup => return false,
    };
    matches!(mix, Mix::Difference(_))
}

/// The step that ends the group which begins at `begin`; `limit` where none does.
fn end_of_group(ops: &[CompositeOp], begin: usize, limit: usize) -> usize {
    let mut open = 0_usize;
    for (index, op) in ops.iter().enumerate().take(limit).skip(begin) {
        match op {
            CompositeOp::BeginGroup => open += 1,
            CompositeOp::EndGroup { .. } => open -= 1,
            CompositeOp::Layer(_) => {}
        }
        if open == 0 {
            return index;
        }
    }
    limit
}

/// One colour needs one texel: outside of a texture its nearest texel is seen.
fn one_texel(placed: Placement) -> Placement {
    let sampling = match placed.sampling {
        Sampling::Exact { .. } | Sampling::Free { edges: None, .. } => Sampling::Free {
            texel_from_pixel: [[0.0; 3]; 2],
            edges: None,
        },
        turned @ Sampling::Free { .. } => turned,
    };
    Placement {
        texture: Size::new(1, 1).unwrap_or(placed.texture),
        sampling,
        ..placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::WipeEdge;

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    fn planned(ops: Vec<CompositeOp>) -> ComposePlan {
        let mut plan = ComposePlan::default();
        let composite = Composite::new(size(160, 90), ops);
        // Made twice: nothing of the time before may remain.
        plan.make(&composite, size(80, 45), 4096);
        plan.make(&composite, size(80, 45), 4096);
        plan
    }

    /// The steps that are drawn on the picture, lowest first.
    fn drawn(plan: &ComposePlan) -> Vec<usize> {
        let picture = plan.scenes().last().unwrap();
        plan.items(picture).iter().map(|item| item.slot).collect()
    }

    fn layer(content: Content, look: Look, mix: Mix) -> CompositeOp {
        CompositeOp::Layer(CompositeLayer { content, look, mix })
    }

    fn bars() -> CompositeOp {
        layer(Content::Bars, Look::default(), Mix::FULL)
    }

    fn small() -> Look {
        Look {
            scale: [0.5, 0.5],
            ..Look::default()
        }
    }

    fn end(mix: Mix) -> CompositeOp {
        CompositeOp::EndGroup {
            look: Look::default(),
            mix,
        }
    }

    #[test]
    fn what_lies_under_something_opaque_is_left_out() {
        let wipe = Mix::Wipe {
            edge: WipeEdge::Clock,
            progress: 0.5,
        };
        for (top, expected) in [
            (bars(), vec![2]),
            (layer(Content::Bars, small(), Mix::FULL), vec![1, 2]),
            (
                layer(Content::Bars, Look::default(), Mix::Over(0.9)),
                vec![1, 2],
            ),
            (
                layer(Content::Bars, Look::default(), Mix::Difference(1.0)),
                vec![1, 2],
            ),
            (layer(Content::Bars, Look::default(), wipe), vec![1, 2]),
            (
                layer(Content::Solid([0.5; 4]), Look::default(), Mix::FULL),
                vec![1, 2],
            ),
            (
                layer(Content::Bars, Look::default(), Mix::Over(0.0)),
                vec![1],
            ),
        ] {
            let plan = planned(vec![
                layer(Content::Bars, small(), Mix::FULL),
                bars(),
                top.clone(),
            ]);
            assert_eq!(drawn(&plan), expected, "{top:?}");
        }
    }

    #[test]
    fn groups_that_change_nothing_are_taken_apart() {
        let pair = |inner: Mix, outer: Mix| {
            planned(vec![
                bars(),
                CompositeOp::BeginGroup,
                layer(Content::Bars, small(), Mix::FULL),
                layer(Content::Checkerboard, small(), inner),
                end(outer),
            ])
        };
        assert_eq!(drawn(&pair(Mix::Over(0.5), Mix::FULL)), [0, 2, 3]);
        let apart = pair(Mix::Over(0.5), Mix::Over(0.5));
        assert_eq!((drawn(&apart), apart.scenes().len()), (vec![0, 1], 2));
        // A difference is one from what lies in the group.
        assert_eq!(drawn(&pair(Mix::Difference(1.0), Mix::FULL)), [0, 1]);
    }

    #[test]
    fn a_lone_layer_of_a_group_is_mixed_as_the_group_is() {
        let ops = vec![
            bars(),
            CompositeOp::BeginGroup,
            layer(Content::Bars, small(), Mix::Over(0.5)),
            end(Mix::Difference(0.5)),
        ];
        let plan = planned(ops);
        let items = plan.items(plan.scenes().last().unwrap());
        assert!(items[1].difference && (items[1].weight - 0.25).abs() < 1e-6);
        assert_eq!((items[1].slot, plan.scenes().len()), (2, 1));
    }

    #[test]
    fn groups_under_something_opaque_are_not_drawn() {
        let plan = planned(vec![
            CompositeOp::BeginGroup,
            CompositeOp::BeginGroup,
            layer(Content::Bars, small(), Mix::FULL),
            layer(Content::Bars, small(), Mix::FULL),
            end(Mix::Over(0.5)),
            bars(),
            bars(),
            end(Mix::Over(0.5)),
            CompositeOp::BeginGroup,
            bars(),
            layer(Content::Checkerboard, small(), Mix::Difference(1.0)),
            end(Mix::FULL),
        ]);
        assert_eq!(drawn(&plan), [8]);
        let live: Vec<_> = plan.scenes().iter().map(|scene| scene.live).collect();
        assert_eq!(live, [false, false, true, true]);
    }

    #[test]
    fn a_group_is_composed_at_the_size_it_has_on_screen() {
        let plan = planned(vec![
            CompositeOp::BeginGroup,
            bars(),
            layer(Content::Checkerboard, small(), Mix::Over(0.5)),
            CompositeOp::EndGroup {
                look: small(),
                mix: Mix::FULL,
            },
        ]);
        assert_eq!(plan.scenes()[0].size, size(40, 23));
    }
}
