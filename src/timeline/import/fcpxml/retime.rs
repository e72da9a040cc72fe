//! How a clip's own time becomes that of its medium: `timeMap` and `conform-rate`.

use super::resources::time;
use super::story::{Context, Reader};
use crate::time::{FrameRate, MediaSpan};
use crate::timeline::import::numbers::{rebased, speed_between};
use crate::timeline::import::xml::{Node, child, children};
use crate::timeline::{Effect, Ratio, TimeMap, TimeMapPiece};

impl<'a> Reader<'a, '_> {
    /// The source time that `node` shows first, which begins at `start` of its own time, and its
    /// retime. `origin` is the first time of its medium.
    pub(super) fn retime(
        &mut self,
        node: Node<'a>,
        start: MediaSpan,
        origin: MediaSpan,
        context: Context,
    ) -> (MediaSpan, Option<Effect>) {
        let map = self.time_map(node, start, origin, context);
        map.map_or((start, None), |map| rebased(&map))
    }

    fn time_map(
        &mut self,
        node: Node<'a>,
        start: MediaSpan,
        origin: MediaSpan,
        context: Context,
    ) -> Option<TimeMap> {
        let conform = conform(node, context.rate);
        let Some(map) = child(node, "timeMap") else {
            let speed = conform?;
            return Some(TimeMap::linear(origin + speed.of(start - origin), speed));
        };
        let conform = conform.unwrap_or(Ratio::ONE);
        let mut points: Vec<(MediaSpan, MediaSpan)> = children(map, "timept")
            .filter_map(|point| Some((time(point, "time")?, time(point, "value")?)))
            .collect();
        points.sort_by_key(|point| point.0);
        points.dedup_by_key(|point| point.0);
        let curved = children(map, "timept").count() > 2
            && children(map, "timept").any(|point| point.attribute("interp") != Some("linear"));
        if curved {
            self.note(
                map,
                "the speed changes in steps where the file asks for curves",
            );
        }
        let pieces = points.windows(2).filter_map(|pair| {
            let ((from, value), (to, next)) = (pair[0], pair[1]);
            let value = origin + conform.of(value - origin);
            let next = origin + conform.of(next - origin);
            Some(TimeMapPiece {
                from: from - start,
                source: value,
                speed: speed_between(next - value, to - from)?,
            })
        });
        TimeMap::from_pieces(pieces.collect())
    }
}

/// The speed at which a medium of another rate is played so that each of its frames is one of the
/// sequence's, where `node` asks for that.
fn conform(node: Node<'_>, rate: FrameRate) -> Option<Ratio> {
    let conform = child(node, "conform-rate")?;
    if conform.attribute("scaleEnabled") == Some("0") {
        return None;
    }
    let source: FrameRate = conform.attribute("srcFrameRate")?.parse().ok()?;
    let part = |num: u32, den: u32| i64::from(num).checked_mul(i64::from(den));
    Ratio::new(
        part(rate.num(), source.den())?,
        part(rate.den(), source.num())?,
    )
}
