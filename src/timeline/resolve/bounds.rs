//! Where files say that pictures lie: OpenTimelineIO's spatial coordinates.
//!
//! One unitless plane is shared by all of a timeline, with y pointing up, and the bounds of a medium are
//! the rectangle of it that the medium's picture fills. The bounds of a composition are the union of
//! those in it, switched off or not; those of the timeline's root are the canvas. What states no bounds
//! is fitted to the canvas as usual.

use std::collections::HashSet;
use std::ptr;

use crate::media::Size;
use crate::timeline::{Clip, Fit, Item, ItemKind, Look, Timeline, UnitRect};

/// The rectangle that the canvas of `timeline` shows; `None` where no bounds are stated. Where the size of
/// the canvas is stated too, the rectangle is as much larger about its middle as the canvas's shape needs.
pub(super) fn canvas_of(timeline: &Timeline) -> Option<UnitRect> {
    let all = union_in(&timeline.root)?;
    let sound = all
        .size()
        .iter()
        .all(|side| side.is_finite() && *side > 0.0);
    let all = sound.then_some(all)?;
    Some(timeline.canvas.map_or(all, |canvas| shaped(&all, canvas)))
}

/// The union of all bounds in the tree of `root`. One that is nested in several places is looked at once.
fn union_in(root: &Item) -> Option<UnitRect> {
    let mut union: Option<UnitRect> = None;
    let mut known = HashSet::new();
    let mut rest = vec![root];
    while let Some(item) = rest.pop() {
        match &item.kind {
            ItemKind::Gap => {}
            ItemKind::Clip(clip) => {
                let Some(bounds) = clip.active_bounds() else {
                    continue;
                };
                union = Some(union.map_or(bounds, |union| united(&union, &bounds)));
            }
            ItemKind::Composition(composition) => {
                if known.insert(ptr::from_ref(item)) {
                    rest.extend(composition.items());
                }
            }
        }
    }
    union
}

fn united(a: &UnitRect, b: &UnitRect) -> UnitRect {
    UnitRect {
        min: [a.min[0].min(b.min[0]), a.min[1].min(b.min[1])],
        max: [a.max[0].max(b.max[0]), a.max[1].max(b.max[1])],
    }
}

/// `rect`, made wider or higher about its middle until it has the shape of `canvas`.
fn shaped(rect: &UnitRect, canvas: Size) -> UnitRect {
    let [width, height] = rect.size();
    let shape = f64::from(canvas.width()) / f64::from(canvas.height());
    let wide = [width.max(height * shape), height.max(width / shape)];
    let middle = middle_of(rect);
    UnitRect {
        min: [middle[0] - wide[0] / 2.0, middle[1] - wide[1] / 2.0],
        max: [middle[0] + wide[0] / 2.0, middle[1] + wide[1] / 2.0],
    }
}

/// How the picture of `clip` lies on a canvas that shows `canvas`: it is stretched to its bounds, and what
/// `look` does is done to it there.
pub(super) fn look_within(canvas: Option<&UnitRect>, look: &Look, clip: &Clip) -> Look {
    let (Some(canvas), Some(bounds)) = (canvas, clip.active_bounds()) else {
        return *look;
    };
    let (whole, part) = (canvas.size(), bounds.size());
    let (center, at) = (middle_of(canvas), middle_of(&bounds));
    let mut placed = Look {
        fit: Fit::Stretch,
        ..*look
    };
    for axis in 0..2 {
        let scale = part[axis] / whole[axis];
        // Here y points down.
        let up = if axis == 0 { 1.0 } else { -1.0 };
        let shift = up * (at[axis] - center[axis]) / whole[axis];
        // The anchor stays where it is in the picture, which is smaller.
        let anchor = f64::from(look.anchor[axis]) * (scale - 1.0);
        placed.scale[axis] *= part_from(scale);
        placed.position[axis] += part_from(shift + anchor);
    }
    placed
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "parts of a canvas, which need no more digits than a pixel's"
)]
fn part_from(part: f64) -> f32 {
    part as f32
}

fn middle_of(rect: &UnitRect) -> [f64; 2] {
    [
        f64::midpoint(rect.min[0], rect.max[0]),
        f64::midpoint(rect.min[1], rect.max[1]),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::random::of_root;
    use super::*;
    use crate::time::{FrameIndex, FrameRate};
    use crate::timeline::import::{ImportOptions, read_otio_bytes};
    use crate::timeline::resolve::{Edit, VideoOp};
    use std::path::Path;

    fn clip(bounds: [f64; 4]) -> String {
        let [left, bottom, right, top] = bounds;
        let time =
            |value| format!(r#"{{"OTIO_SCHEMA": "RationalTime.1", "rate": 24, "value": {value}}}"#);
        let point = |x, y| format!(r#"{{"OTIO_SCHEMA": "V2d.1", "x": {x}, "y": {y}}}"#);
        format!(
            r#"{{"OTIO_SCHEMA": "Clip.1", "media_reference": {{"OTIO_SCHEMA": "ExternalReference.1",
            "target_url": "{left} {right}.png", "available_image_bounds": {{"OTIO_SCHEMA": "Box2d.1",
            "min": {}, "max": {}}}}}, "source_range": {{"OTIO_SCHEMA": "TimeRange.1",
            "start_time": {}, "duration": {}}}}}"#,
            point(left, bottom),
            point(right, top),
            time(0),
            time(24)
        )
    }

    /// A timeline of one clip after another.
    fn timeline(clips: &[[f64; 4]]) -> Timeline {
        let clips: Vec<_> = clips.iter().map(|bounds| clip(*bounds)).collect();
        let json = format!(
            r#"{{"OTIO_SCHEMA": "Timeline.1", "tracks": {{"OTIO_SCHEMA": "Stack.1", "children":
            [{{"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": [{}]}}]}}}}"#,
            clips.join(",")
        );
        let options = ImportOptions::default();
        read_otio_bytes(Path::new("a"), json.into_bytes(), &options)
            .unwrap()
            .timeline
    }

    /// How each clip of a timeline lies, as OpenTimelineIO's tutorial has it.
    fn looks(timeline: &Timeline) -> Vec<Look> {
        let edit = Edit::new(timeline).unwrap();
        let mut ops = Vec::new();
        let frames = (0..edit.frames()).step_by(24);
        frames
            .map(|frame| {
                edit.video_at(FrameIndex(frame), &mut ops);
                match ops[..] {
                    [VideoOp::Layer(layer)] => layer.look,
                    ref other => panic!("{other:?}"),
                }
            })
            .collect()
    }

    fn rect(min: [f64; 2], max: [f64; 2]) -> UnitRect {
        UnitRect { min, max }
    }

    fn placed(scale: [f32; 2], position: [f32; 2]) -> Look {
        Look {
            fit: Fit::Stretch,
            scale,
            position,
            ..Look::default()
        }
    }

    #[test]
    fn pictures_that_fill_the_plane_fill_the_canvas_whatever_their_size() {
        for bounds in [[0.0, 0.0, 1920.0, 1080.0], [-8.0, -4.5, 8.0, 4.5]] {
            let timeline = timeline(&[bounds, bounds]);
            assert_eq!(looks(&timeline), [placed([1.0, 1.0], [0.0, 0.0]); 2]);
        }
    }

    #[test]
    fn pictures_side_by_side_share_the_canvas() {
        let timeline = timeline(&[[0.0, 0.0, 1920.0, 1080.0], [1920.0, 0.0, 3840.0, 1080.0]]);
        let edit = Edit::new(&timeline).unwrap();
        assert_eq!(edit.bounds(), Some(rect([0.0, 0.0], [3840.0, 1080.0])));
        let expected = [
            placed([0.5, 1.0], [-0.25, 0.0]),
            placed([0.5, 1.0], [0.25, 0.0]),
        ];
        assert_eq!(looks(&timeline), expected);
    }

    #[test]
    fn up_is_up_and_a_stated_canvas_keeps_its_shape() {
        // A large picture, and one of a quarter of its sides in its upper right corner.
        let mut timeline = timeline(&[[0.0, 0.0, 16.0, 9.0], [12.0, 6.75, 16.0, 9.0]]);
        let expected = [
            placed([1.0, 1.0], [0.0, 0.0]),
            placed([0.25, 0.25], [0.375, -0.375]),
        ];
        assert_eq!(looks(&timeline), expected);
        timeline.canvas = Size::new(1080, 1080);
        let edit = Edit::new(&timeline).unwrap();
        assert_eq!(edit.bounds(), Some(rect([0.0, -3.5], [16.0, 12.5])));
        assert_eq!(looks(&timeline)[0], placed([1.0, 0.5625], [0.0, 0.0]));
    }

    #[test]
    fn looks_are_added_to_bounds() {
        // The left half of the plane, turned about its lower right corner and moved.
        let timeline = timeline(&[[0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 2.0, 1.0]]);
        let turned = timeline.with_item(&[0, 0], |item| Item {
            look: Look {
                scale: [2.0, 2.0],
                position: [0.125, 0.0],
                rotation: 90.0,
                anchor: [0.5, 0.5],
                ..item.look
            },
            ..item.clone()
        });
        let look = looks(&turned.unwrap())[0];
        assert_eq!((look.scale, look.rotation), ([1.0, 2.0], 90.0));
        // The anchor, half a picture right of its middle, lies in the middle of the canvas, then moves.
        let anchor = [0, 1].map(|axis| look.position[axis] + look.anchor[axis]);
        assert_eq!((anchor,), ([0.125, 0.5],));
    }

    #[test]
    fn where_none_are_stated_nothing_is_placed() {
        let rate = FrameRate::new(24, 1).unwrap();
        let timeline = of_root(Item::new("", ItemKind::Gap), rate);
        assert_eq!(canvas_of(&timeline), None);
        let odd = Clip {
            references: Vec::new(),
            active: 0,
        };
        let look = Look::default();
        let canvas = rect([0.0, 0.0], [1.0, 1.0]);
        assert_eq!(look_within(Some(&canvas), &look, &odd), look);
        assert_eq!(look_within(None, &look, &odd), look);
    }
}
