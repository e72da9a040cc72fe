//! Spans in rows, and rows in boxes that are wide enough to be seen.

use std::ops::Range;

use super::axis::Axis;
use crate::metrics::{ProfileFrame, Span};

/// Boxes that are painted at most. Where a frame has more, those that are narrow and close are painted as one.
pub(super) const MOST_BOXES: usize = 800;

/// Rows of spans that do not overlap: one for each depth of each thread.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) threads: Vec<ThreadRows>,
}

/// Those of one thread, the outermost scopes first.
#[derive(Debug, Default)]
pub(super) struct ThreadRows {
    /// Indices of spans, in the order of time.
    pub(super) depths: Vec<Vec<u32>>,
    /// What its outermost scopes took together.
    pub(super) busy_nanos: u64,
}

impl Rows {
    pub(super) fn of(frame: &ProfileFrame) -> Self {
        let rows = |spans: &[Span]| {
            let mut thread = ThreadRows::default();
            for (index, span) in (0_u32..).zip(spans) {
                let depth = usize::from(span.depth);
                if thread.depths.len() <= depth {
                    thread.depths.resize_with(depth + 1, Vec::new);
                }
                thread.depths[depth].push(index);
                if depth == 0 {
                    thread.busy_nanos = thread.busy_nanos.saturating_add(span.nanos);
                }
            }
            thread
        };
        let threads = frame.threads.iter().map(|thread| rows(&thread.spans));
        Self {
            threads: threads.collect(),
        }
    }
}

/// A rectangle that stands for one span or for several narrow ones.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SpanBox {
    pub(super) left: f32,
    pub(super) right: f32,
    /// Places in the row.
    pub(super) places: Range<usize>,
    pub(super) is_found: bool,
}

impl SpanBox {
    pub(super) fn is_merged(&self) -> bool {
        self.places.len() > 1
    }
}

/// The places of a row that are in view.
pub(super) fn in_view(spans: &[Span], row: &[u32], axis: &Axis) -> Range<usize> {
    let (from, to) = (
        axis.window.start_nanos,
        axis.window.start_nanos + axis.window.nanos,
    );
    let span = |index: &u32| &spans[*index as usize];
    let first = row.partition_point(|index| (span(index).end_nanos() as f64) < from);
    let end = row.partition_point(|index| (span(index).start_nanos as f64) <= to);
    first..end.max(first)
}

/// Puts the boxes of a row into `out`: spans narrower than `finest` are painted as wide, together with those
/// that follow within that distance.
pub(super) fn boxes_of(
    spans: &[Span],
    row: &[u32],
    axis: &Axis,
    finest: f32,
    is_found: &dyn Fn(u32) -> bool,
    out: &mut Vec<SpanBox>,
) {
    let mut narrow: Option<SpanBox> = None;
    for place in in_view(spans, row, axis) {
        let index = row[place];
        let span = &spans[index as usize];
        let (left, right) = (
            axis.x_of(span.start_nanos as f64),
            axis.x_of(span.end_nanos() as f64),
        );
        let own = SpanBox {
            left,
            right: right.max(left + finest),
            places: place..place + 1,
            is_found: is_found(index),
        };
        if right - left >= finest {
            out.extend(narrow.take());
            out.push(own);
            continue;
        }
        match &mut narrow {
            Some(open) if left - open.right < finest => {
                open.right = own.right;
                open.places.end = place + 1;
                open.is_found |= own.is_found;
            }
            _ => out.extend(narrow.replace(own)),
        }
    }
    out.extend(narrow);
}

/// A row to be painted: the thread and the depth.
pub(super) type Row = (usize, usize);

/// The boxes of all these `rows`, together no more than [`MOST_BOXES`].
pub(super) fn boxes(
    frame: &ProfileFrame,
    rows: &Rows,
    visible: &[Row],
    axis: &Axis,
    is_found: &dyn Fn(Row, u32) -> bool,
) -> Vec<(Row, SpanBox)> {
    // Less than a row each cannot be: more rows than boxes do not fit on any screen.
    let visible = &visible[..visible.len().min(MOST_BOXES)];
    let mut finest = 1.0;
    loop {
        let mut out = Vec::new();
        for &row in visible {
            let spans = &frame.threads[row.0].spans;
            let indices = &rows.threads[row.0].depths[row.1];
            let mut boxes = Vec::new();
            boxes_of(
                spans,
                indices,
                axis,
                finest,
                &|index| is_found(row, index),
                &mut boxes,
            );
            out.extend(boxes.into_iter().map(|span| (row, span)));
        }
        if out.len() <= MOST_BOXES || finest > axis.width {
            out.truncate(MOST_BOXES);
            return out;
        }
        finest *= 2.0;
    }
}
