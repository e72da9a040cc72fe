//! Where the boxes of a track lie: a clip that is wide enough has one of its own, narrow neighbours share one.

use std::ops::Range;

use super::model::Row;
use super::scale::Scale;

/// Clips narrower than this many points share a box with their neighbours.
const NARROW: f64 = 2.0;
/// The same where there would be too many boxes otherwise.
const MOST_NARROW: f64 = 16.0;
/// Boxes of clips that are painted by themselves, on all tracks together.
pub(super) const MOST_BOXES: usize = 700;
/// A box is never narrower than this, in points, whatever is in it.
pub(super) const LEAST_WIDTH: f64 = 1.0;

/// A box on a lane, in points from its left end. Boxes of a track do not overlap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Laid {
    pub(super) left: f64,
    pub(super) right: f64,
    /// The clips in it, by their places in the track; at least one.
    pub(super) clips: Range<usize>,
}

impl Laid {
    /// The clip, where it is only one.
    pub(super) fn only(&self) -> Option<usize> {
        (self.clips.len() == 1).then_some(self.clips.start)
    }
}

/// The boxes of several tracks, each with its number: as many as can be told apart, and no more than
/// [`MOST_BOXES`] single ones unless clips are wide.
pub(super) fn lay_out(
    rows: &[Row],
    numbers: Range<usize>,
    scale: Scale,
) -> Vec<(usize, Vec<Laid>)> {
    let mut narrow = NARROW;
    loop {
        let laid: Vec<(usize, Vec<Laid>)> = numbers
            .clone()
            .filter_map(|number| Some((number, of_row(rows.get(number)?, scale, narrow))))
            .collect();
        let count: usize = laid.iter().map(|(_, boxes)| boxes.len()).sum();
        if count <= MOST_BOXES || narrow >= MOST_NARROW {
            return laid;
        }
        narrow *= 2.0;
    }
}

/// The boxes of a track. Clips narrower than `narrow` points are put into one box as long as no gap between them is
/// as wide.
pub(super) fn of_row(row: &Row, scale: Scale, narrow: f64) -> Vec<Laid> {
    let seen = row.visible(&scale.visible());
    let mut laid: Vec<Laid> = Vec::new();
    let mut is_open = false;
    for (place, clip) in seen.clone().zip(row.clips.get(seen).unwrap_or_default()) {
        let (left, right) = (scale.x_of(clip.first), scale.x_of(clip.end));
        let is_narrow = right - left < narrow;
        if let Some(last) = laid.last_mut()
            && is_narrow
            && is_open
            && left - last.right < narrow
        {
            last.right = right.max(last.right);
            last.clips.end = place + 1;
            continue;
        }
        // What was made wide enough to be seen pushes the next one aside.
        let left = laid.last().map_or(left, |last| left.max(last.right));
        laid.push(Laid {
            left,
            right: right.max(left + LEAST_WIDTH),
            clips: place..place + 1,
        });
        is_open = is_narrow;
    }
    laid
}

/// The box at a place of a track.
pub(super) fn at(boxes: &[Laid], x: f64) -> Option<&Laid> {
    let after = boxes.partition_point(|laid| laid.right <= x);
    boxes.get(after).filter(|laid| laid.left <= x)
}
