//! The ruler: timecode, the marked range, markers, and the playhead over everything.

use egui::{Align2, Color32, Mesh, Painter, Rect, Shape, Stroke, pos2};

use super::scale::Scale;
use super::scene::{Scene, add_quad};
use crate::time::FrameIndex;
use crate::timeline::PlacedMarker;
use crate::ui::{format, style, timeline_view};

/// From one label to the next, in points, at least.
const LABEL_DISTANCE: f64 = 88.0;
/// The same of ticks.
const TICK_DISTANCE: f64 = 8.0;
/// Markers nearer than this, in points, are one.
pub(super) const MARKER_DISTANCE: f32 = 10.0;
const MARKER_HALF: f32 = 4.5;
const MARKER_HEIGHT: f32 = 8.0;
/// Width of the handles of marks.
const HANDLE: f32 = 7.0;
/// Frames wider than this have their own ground under the playhead.
const WIDE_FRAME: f64 = 4.0;

/// Frames from one label to the next: the least step that people count in whose labels keep their distance. `nominal`
/// frames are a second of timecode.
pub(super) fn step_for(scale: Scale, nominal: i64) -> i64 {
    let nominal = nominal.max(1);
    let frames = [1, 2, 5, 10].into_iter().filter(|step| step * 2 <= nominal);
    let seconds = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 18_000,
    ];
    let mut steps = frames.chain(seconds.into_iter().map(|seconds| seconds * nominal));
    let is_wide = |step: &i64| *step as f64 * scale.points_a_frame() >= LABEL_DISTANCE;
    steps.find(is_wide).unwrap_or(36_000 * nominal)
}

/// Paints ticks and labels.
pub(super) fn paint(scene: &Scene<'_>, painter: &Painter) {
    let ruler = scene.places.ruler;
    let painter = painter.with_clip_rect(ruler.intersect(painter.clip_rect()));
    painter.rect_filled(ruler, 0.0, scene.palette.ruler());
    let snapshot = scene.input.snapshot;
    let Some(media) = &snapshot.media else { return };
    let rate = snapshot
        .timecode
        .map_or(media.rate, |timecode| timecode.format().rate());
    let step = step_for(scene.scale, i64::from(rate.nominal()));
    // Labels stand at round timecodes, wherever those of the medium begin.
    let zero = snapshot
        .timecode
        .map_or(0, |timecode| timecode.frame_number() - snapshot.position.0);
    let is_fine = |parts: &i64| {
        step % parts == 0 && (step / parts) as f64 * scene.scale.points_a_frame() >= TICK_DISTANCE
    };
    let parts = [10, 5, 2].into_iter().find(is_fine).unwrap_or(1);
    let minor = step / parts;
    let seen = scene.scale.visible();
    let mut ticks = Mesh::default();
    let first = (seen.start.0 + zero).div_euclid(step) * step - zero;
    let mut frame = first;
    while frame < seen.end.0 {
        let x = scene.x_of(FrameIndex(frame));
        let is_major = (frame - first) % step == 0;
        let height = if is_major { 9.0 } else { 4.0 };
        let tick = Rect::from_min_max(
            pos2(x, ruler.bottom() - height),
            pos2(x + 1.0 / scene.pixels_per_point, ruler.bottom()),
        );
        ticks.add_colored_rect(tick, scene.palette.tick());
        if is_major && frame >= 0 {
            let words = format::position_words(snapshot, FrameIndex(frame));
            painter.text(
                pos2(x + 3.0, ruler.top() + 2.0),
                Align2::LEFT_TOP,
                words,
                style::NUMBERS,
                scene.palette.name(super::model::ClipState::Disabled),
            );
        }
        frame += minor;
    }
    painter.add(Shape::mesh(ticks));
}

/// Dims what lies outside of the marked range, and paints the range and its handles in the ruler.
pub(super) fn paint_marks(scene: &Scene<'_>, painter: &Painter) {
    let (mark_in, mark_out) = scene.marks;
    if mark_in.is_none() && mark_out.is_none() {
        return;
    }
    let all = scene.places.all_lanes();
    let painter = painter.with_clip_rect(all.intersect(painter.clip_rect()));
    let (left, right) = (
        mark_in.map_or(all.left(), |frame| scene.x_of(frame)),
        mark_out.map_or(all.right(), |frame| scene.x_of(frame.offset(1))),
    );
    let (left, right) = (left.max(all.left()), right.min(all.right()));
    let lanes = scene.places.lanes;
    for (from, to) in [(all.left(), left), (right, all.right())] {
        if from < to {
            let outside = Rect::from_min_max(pos2(from, lanes.top()), pos2(to, lanes.bottom()));
            painter.rect_filled(outside, 0.0, scene.palette.outside());
        }
    }
    let bottom = scene.places.ruler.bottom();
    if left < right {
        let band = Rect::from_min_max(pos2(left, bottom - 3.0), pos2(right, bottom));
        painter.rect_filled(band, 0.0, style::MARK);
    }
    for (end, frame) in [(MarkEnd::In, mark_in), (MarkEnd::Out, mark_out)] {
        if let Some(frame) = frame {
            let rect = handle(scene, end, frame);
            let (outer, inner) = match end {
                MarkEnd::In => (rect.left(), rect.right()),
                MarkEnd::Out => (rect.right(), rect.left()),
            };
            let mut mesh = Mesh::default();
            let corners = [
                pos2(outer, rect.top()),
                pos2(inner, rect.top()),
                pos2(outer.midpoint(inner), rect.bottom()),
                pos2(outer, rect.bottom()),
            ];
            add_quad(&mut mesh, corners, style::MARK);
            painter.add(Shape::mesh(mesh));
        }
    }
}

/// An end of the marked range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkEnd {
    In,
    Out,
}

/// Where the handle of a mark lies: inside of the range.
pub(super) fn handle(scene: &Scene<'_>, end: MarkEnd, frame: FrameIndex) -> Rect {
    let ruler = scene.places.ruler;
    let (left, right) = match end {
        MarkEnd::In => {
            let x = scene.x_of(frame);
            (x, x + HANDLE)
        }
        MarkEnd::Out => {
            let x = scene.x_of(frame.offset(1));
            (x - HANDLE, x)
        }
    };
    Rect::from_min_max(
        pos2(left, ruler.bottom() - 14.0),
        pos2(right, ruler.bottom()),
    )
}

/// Markers that lie at one place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Flag {
    pub(super) frame: FrameIndex,
    pub(super) rect: Rect,
    color: Color32,
    pub(super) words: String,
}

/// The markers that are seen, those that would overlap put together.
pub(super) fn flags(scene: &Scene<'_>) -> Vec<Flag> {
    let media = scene.input.snapshot.media.as_ref();
    let Some(timeline) = media.and_then(|media| media.timeline.as_ref()) else {
        return Vec::new();
    };
    let rate = timeline.edit.rate();
    let frame_of = |marker: &PlacedMarker| rate.frame_at_floor(marker.range.start);
    let seen = scene.scale.visible();
    let markers = timeline.edit.markers();
    let first = markers.partition_point(|marker| frame_of(marker) < seen.start);
    let end = markers.partition_point(|marker| frame_of(marker) < seen.end);
    let bottom = scene.places.ruler.bottom() - 4.0;
    let mut flags: Vec<(Flag, usize)> = Vec::new();
    for marker in markers.get(first..end).unwrap_or_default() {
        let frame = frame_of(marker);
        let x = scene.x_of(frame);
        if let Some((last, count)) = flags.last_mut()
            && x - last.rect.center().x < MARKER_DISTANCE
        {
            *count += 1;
            continue;
        }
        let rect = Rect::from_min_max(
            pos2(x - MARKER_HALF, bottom - MARKER_HEIGHT),
            pos2(x + MARKER_HALF, bottom),
        );
        let flag = Flag {
            frame,
            rect,
            color: timeline_view::color_of(&marker.color),
            words: timeline_view::shortened(&timeline_view::name_of(marker)),
        };
        flags.push((flag, 1));
    }
    flags
        .into_iter()
        .map(|(mut flag, count)| {
            if count > 1 {
                flag.words = format!("{}, and {} more", flag.words, count - 1);
            }
            flag
        })
        .collect()
}

/// Paints markers: a flag in the ruler, and a line down the lanes.
pub(super) fn paint_flags(scene: &Scene<'_>, painter: &Painter, flags: &[Flag]) {
    let all = scene.places.all_lanes();
    let painter = painter.with_clip_rect(all.intersect(painter.clip_rect()));
    let mut mesh = Mesh::default();
    for flag in flags {
        let rect = flag.rect;
        let x = rect.center().x;
        let line = Rect::from_min_max(
            pos2(x, rect.bottom()),
            pos2(x + 1.0 / scene.pixels_per_point, all.bottom()),
        );
        mesh.add_colored_rect(line, flag.color.gamma_multiply(0.4));
        let corners = [
            rect.left_top(),
            rect.right_top(),
            rect.center_bottom(),
            rect.center_bottom(),
        ];
        add_quad(&mut mesh, corners, flag.color);
    }
    painter.add(Shape::mesh(mesh));
}

/// Paints the playhead over everything.
pub(super) fn paint_head(scene: &Scene<'_>, painter: &Painter) {
    let all = scene.places.all_lanes();
    let x = scene.x_of(scene.head);
    if !scene.scale.shows(scene.head) {
        return;
    }
    let painter = painter.with_clip_rect(all.expand(6.0).intersect(painter.clip_rect()));
    if scene.scale.points_a_frame() >= WIDE_FRAME {
        let right = scene.x_of(scene.head.offset(1)).min(all.right());
        let frame = Rect::from_min_max(
            pos2(x, scene.places.blame.bottom()),
            pos2(right, all.bottom()),
        );
        painter.rect_filled(frame, 0.0, style::ACCENT.gamma_multiply(0.16));
    }
    let top = scene.places.ruler.bottom() - 12.0;
    painter.line_segment(
        [pos2(x, top), pos2(x, all.bottom())],
        Stroke::new(1.5, style::ACCENT),
    );
    painter.add(Shape::convex_polygon(
        vec![
            pos2(x - 5.0, top),
            pos2(x + 5.0, top),
            pos2(x + 5.0, top + 4.0),
            pos2(x, top + 10.0),
            pos2(x - 5.0, top + 4.0),
        ],
        style::ACCENT,
        Stroke::NONE,
    ));
}
