//! The `timeremap` filter.
//!
//! With it, a clip's `in`, `out` and `duration` count frames of the clip as it plays at its new
//! speed; the filter says which frame of the source each of them shows.

use super::resources::{is_false, is_true};
use crate::time::{FrameRate, MediaSpan};
use crate::timeline::import::numbers::{Decimal, span_of_frames, speed_between};
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

/// The retime that `effect` makes of a clip; `None` where it changes nothing or cannot be read.
pub(super) fn effect(effect: Node<'_>, clip: Retimed) -> Option<Effect> {
    let value = |id| child_text(parameter(effect, id)?, "value");
    if is_true(value("variablespeed")) {
        return keyed(parameter(effect, "graphdict")?, clip);
    }
    let speed = Decimal::parse(value("speed")?)?.ratio()?;
    let speed = speed.times(Ratio::new(1, 100)?)?;
    let backwards = !is_false(value("reverse")) && is_true(value("reverse"));
    let speed = if backwards && speed.num() > 0 {
        speed.times(Ratio::new(-1, 1)?)?
    } else {
        speed
    };
    if speed == Ratio::ONE {
        return None;
    }
    if speed == Ratio::ZERO {
        return Some(Effect::Freeze);
    }
    if speed.num() > 0 {
        if clip.from == MediaSpan::ZERO {
            return Some(Effect::Speed(speed));
        }
        let source = speed.of(clip.from) - clip.from;
        return Some(Effect::Map(TimeMap::linear(source, speed)));
    }
    // The first retimed frame shows the source's last one, and a frame begins where it is shown.
    let last = span_of_frames(clip.frames.saturating_sub(1).max(0), clip.rate);
    let forwards = speed.times(Ratio::new(-1, 1)?)?;
    let source = forwards.of(last - clip.from) - clip.from;
    Some(Effect::Map(TimeMap::linear(source, speed)))
}

/// Keyframes: straight from each to the next, and on as between the last two.
fn keyed(graph: Node<'_>, clip: Retimed) -> Option<Effect> {
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
            source: value - clip.from,
            speed: speed_between(next_value - value, next_when - when)?,
        })
    });
    let map = TimeMap::from_pieces(pieces.collect())?;
    (!map.is_identity()).then_some(Effect::Map(map))
}
