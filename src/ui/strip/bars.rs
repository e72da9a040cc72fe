//! The two thin bars below the ruler: which frames are kept, and which went wrong.

use std::ops::Range;

use egui::{Color32, Mesh, Painter, Shape};

use super::scene::Scene;
use crate::metrics::BlameSpan;
use crate::time::FrameIndex;
use crate::ui::format;

/// Thickness of a line of the bar that tells what is kept.
const LINE: f32 = 2.0;

/// Paints what is kept: a line of frames on the graphics device, one of frames in main memory, and one of frames
/// that a proxy on disk has.
pub(super) fn paint_kept(scene: &Scene<'_>, painter: &Painter) {
    let bar = scene.places.kept;
    painter.rect_filled(bar, 0.0, scene.palette.lane(0));
    let seen = scene.scale.visible();
    let on_device = scene.input.on_device;
    let first = on_device.partition_point(|frame| *frame < seen.start);
    let end = on_device.partition_point(|frame| *frame < seen.end);
    let frames = on_device.get(first..end).unwrap_or_default();
    let singles = frames.iter().map(|&frame| frame..frame.offset(1));
    let mut mesh = Mesh::default();
    let mut top = bar.top() + 1.0;
    add_line(scene, &mut mesh, singles, top, scene.palette.on_device());
    for (all, color) in [
        (&scene.input.snapshot.kept[..], scene.palette.in_memory()),
        (scene.on_disk, scene.palette.on_disk()),
    ] {
        let first = all.partition_point(|stretch| stretch.end <= seen.start);
        let end = all.partition_point(|stretch| stretch.start < seen.end);
        let stretches = all.get(first..end.max(first)).unwrap_or_default();
        top += LINE + 1.0;
        add_line(scene, &mut mesh, stretches.iter().cloned(), top, color);
    }
    painter.add(Shape::mesh(mesh));
}

/// Adds stretches in order as a line; those that touch on the screen become one.
fn add_line(
    scene: &Scene<'_>,
    mesh: &mut Mesh,
    stretches: impl Iterator<Item = Range<FrameIndex>>,
    top: f32,
    color: Color32,
) {
    let mut open: Option<egui::Rect> = None;
    for stretch in stretches {
        let rect = scene.stretch(stretch.start, stretch.end, top, top + LINE);
        match &mut open {
            Some(before) if rect.left() <= before.right() + 0.5 => {
                before.max.x = before.right().max(rect.right());
            }
            _ => {
                if let Some(before) = open.replace(rect) {
                    mesh.add_colored_rect(before, color);
                }
            }
        }
    }
    if let Some(last) = open {
        mesh.add_colored_rect(last, color);
    }
}

/// What the lines mean, and how much is kept.
pub(super) fn kept_words(scene: &Scene<'_>) -> [(Color32, String); 3] {
    let count = |stretches: &[Range<FrameIndex>]| -> i64 {
        let lengths = stretches
            .iter()
            .map(|stretch| stretch.end.0 - stretch.start.0);
        lengths.sum()
    };
    let on_device = scene.input.on_device.len();
    let in_memory = count(&scene.input.snapshot.kept);
    let on_disk = count(scene.on_disk);
    [
        (
            scene.palette.on_device(),
            format!("Upper line: pictures on the graphics device, {on_device} frames"),
        ),
        (
            scene.palette.in_memory(),
            format!("Middle line: decoded frames in memory, {in_memory}"),
        ),
        (
            scene.palette.on_disk(),
            format!("Lower line: on disk in a verified proxy, {on_disk} frames"),
        ),
    ]
}

/// A stretch of the blame strip, as wide as it is painted.
#[derive(Debug, Clone, Copy)]
struct Stain {
    left: f32,
    right: f32,
    span: BlameSpan,
}

/// Paints which frames went wrong, by what was to blame. Where several stretches fall on one point, the worst of
/// them is seen.
pub(super) fn paint_blame(scene: &Scene<'_>, painter: &Painter) {
    let bar = scene.places.blame;
    painter.rect_filled(bar, 0.0, scene.palette.lane(1));
    let mut mesh = Mesh::default();
    let mut open: Option<Stain> = None;
    let mut add = |stain: Stain| {
        let is_bad = stain.span.bad() > 0;
        let (inset, color) = if is_bad {
            (1.0, scene.palette.cause(stain.span.cause))
        } else {
            (3.0, scene.palette.smooth())
        };
        let rect = egui::Rect::from_x_y_ranges(
            stain.left..=stain.right,
            bar.top() + inset..=bar.bottom() - inset,
        );
        mesh.add_colored_rect(rect, color);
    };
    for span in scene.input.blame.spans(scene.scale.visible()) {
        let rect = scene.stretch(span.first, span.end, bar.top(), bar.bottom());
        let stain = Stain {
            left: rect.left(),
            right: rect.right(),
            span,
        };
        let Some(before) = &mut open else {
            open = Some(stain);
            continue;
        };
        let is_same = looks_like(&before.span, &span) && stain.left <= before.right + 0.5;
        let is_on_it = stain.left < before.right;
        if is_same || is_on_it {
            before.right = before.right.max(stain.right);
            if worse(&span, &before.span) {
                before.span = span;
            }
        } else {
            add(*before);
            open = Some(stain);
        }
    }
    if let Some(last) = open {
        add(last);
    }
    painter.add(Shape::mesh(mesh));
}

fn looks_like(one: &BlameSpan, other: &BlameSpan) -> bool {
    (one.bad() > 0, one.cause) == (other.bad() > 0, other.cause)
}

fn worse(one: &BlameSpan, other: &BlameSpan) -> bool {
    (one.bad() > 0, one.worst_nanos, one.bad()) > (other.bad() > 0, other.worst_nanos, other.bad())
}

/// What is known of the frames under a place of the strip: all that share a point of the screen.
pub(super) fn blame_at(scene: &Scene<'_>, x: f64) -> Option<BlameSpan> {
    let (first, end) = (scene.scale.frame_at(x - 1.0), scene.scale.frame_at(x + 1.0));
    let spans = scene.input.blame.spans(first..end.offset(1));
    worst_of(spans)
}

/// The worst of all that is seen.
pub(super) fn worst_seen(scene: &Scene<'_>) -> Option<BlameSpan> {
    let spans = scene.input.blame.spans(scene.scale.visible());
    worst_of(spans).filter(|span| span.bad() > 0)
}

fn worst_of(spans: impl Iterator<Item = BlameSpan>) -> Option<BlameSpan> {
    spans.reduce(|one, other| if worse(&other, &one) { other } else { one })
}

/// The same in words.
pub(super) fn blame_words(scene: &Scene<'_>, span: &BlameSpan) -> Vec<String> {
    let snapshot = scene.input.snapshot;
    let place = |frame| format::position_words(snapshot, frame);
    let last = span.end.offset(-1);
    let frames = span.shown.saturating_add(span.bad());
    let mut lines = vec![format!("{} – {}", place(span.first), place(last))];
    if span.bad() == 0 {
        lines.push(format!("{frames} frames shown in time"));
        return lines;
    }
    lines.push(format!(
        "{} of {frames} frames went wrong: {} late, {} dropped",
        span.bad(),
        span.late,
        span.dropped
    ));
    lines.push(match span.cause {
        Some(stage) => format!("Mostly held up by: {stage}"),
        None => "What held them up is not known".to_owned(),
    });
    if let Some(nanos) = span.worst_nanos {
        let millis = nanos as f64 / 1e6;
        let at = place(span.worst_frame);
        lines.push(format!("At worst {millis:.1} ms late, at {at}"));
    }
    lines.push("Click to go there".to_owned());
    lines
}
