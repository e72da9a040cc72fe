//! The `timeremap` filter.
//!
//! With it, a clip's `in`, `out` and `duration` count frames of the clip as it plays at its new
//! speed; the filter says which frame of the source each of them shows.

use super::resources::is_true;
use crate::time::{FrameRate, MediaSpan};
use crate::timeline::import::numbers::{Decimal, rebased, span_of_frames, speed_between};
use crate::timeline::import::xml::{Node, child_text, children};
use crate::timeline::{Effect, Ratio, TimeMap, TimeMapPiece};

/// What the filter is applied to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retimed {
    /// Frames a second of the clip.
    pub(super) rate: FrameRate,
    /// The clip's in point, in its retimed frames.
    pub(super) from: MediaSpan,
    /// Retimed frames of the whole clip.
    pub(super) frames: i64,
}

/// The parameter called `id`.
pub(super) fn parameter<'a>(effect: Node<'a>, id: &str) -> Option<Node<'a>> {
    children(effect, "parameter")
        .find(|parameter| child_text(*parameter, "parameterid") == Some(id))
}

/// The source time that is seen first, from the medium's first frame on, and the retime that
/// `effect` makes of a clip. `None` where it cannot be read.
pub(super) fn effect(effect: Node<'_>, clip: Retimed) -> Option<(MediaSpan, Option<Effect>)> {
    let value = |id| child_text(parameter(effect, id)?, "value");
    let map = if is_true(value("variablespeed")) {
        keyed(parameter(effect, "graphdict")?, clip)?
    } else {
        let speed = Decimal::parse(value("speed")?)?.ratio()?;
        let speed = speed.times(Ratio::new(1, 100)?)?;
        let forwards = Ratio::new(speed.num().abs(), speed.den())?;
        if is_true(value("reverse")) || speed.num() < 0 {
            // The first retimed frame shows the source's last one.
            let last = span_of_frames(clip.frames.saturating_sub(1).max(0), clip.rate);
            let backwards = Ratio::new(-forwards.num(), forwards.den())?;
            TimeMap::linear(forwards.of(last - clip.from), backwards)
        } else {
            TimeMap::linear(forwards.of(clip.from), forwards)
        }
    };
    Some(rebased(&map))
}

/// Keyframes: straight from each to the next, and on as between the last two.
fn keyed(graph: Node<'_>, clip: Retimed) -> Option<TimeMap> {
    let mut keys: Vec<(MediaSpan, MediaSpan)> = children(graph, "keyframe")
        .filter_map(|key| {
            let time = |name| Some(Decimal::parse(child_text(key, name)?)?.frames(clip.rate));
            Some((time("when")?, time("value")?))
        })
        .collect();
    keys.sort_unstable();
    keys.dedup_by_key(|key| key.0);
    let pieces = keys.windows(2).filter_map(|pair| {
        let ((when, value), (next_when, next_value)) = (pair[0], pair[1]);
        Some(TimeMapPiece {
            from: when - clip.from,
            source: value,
            speed: speed_between(next_value - value, next_when - when)?,
        })
    });
    TimeMap::from_pieces(pieces.collect())
}
