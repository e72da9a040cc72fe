//! What differs between two revisions, so that work on the rest can go on.

use std::collections::HashMap;

use super::audio::{AudioFade, AudioPiece};
use super::registry::SourceMatch;
use super::{AudioUse, Edit, Layer, VideoOp};
use crate::time::{FrameIndex, FrameRate, MediaTime};
use crate::timeline::TimeRange;

/// The parts of a timeline that may look or sound otherwise than in another revision. Everywhere else
/// the two are the same.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Frames whose layers differ, or that only one of the two has, in timeline time: in order, apart
    /// from one another.
    pub picture: Vec<TimeRange>,
    /// Time in which other clips are heard, or the same ones otherwise.
    pub sound: Vec<TimeRange>,
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.picture.is_empty() && self.sound.is_empty()
    }
}

impl Edit {
    /// What differs from `old`. Names, metadata and markers do not count, nor does the numbering of media
    /// and clips. At another rate every frame differs.
    pub fn changed_since(&self, old: &Self) -> Changes {
        let media = SourceMatch::new(old.sources(), self.sources());
        Changes {
            picture: changed_pictures(old, self, &media),
            sound: changed_sound(old, self, &media),
        }
    }
}

fn changed_pictures(old: &Edit, new: &Edit, media: &SourceMatch) -> Vec<TimeRange> {
    let longest = old.frames().max(new.frames());
    if old.rate() != new.rate() {
        let end = |edit: &Edit| edit.rate().time_of_frame_nearest(FrameIndex(edit.frames()));
        let whole = TimeRange::between(MediaTime::ZERO, end(old).max(end(new)));
        return merged(vec![whole]);
    }
    // Between two edges of either, layers and weights only run on evenly: where both agree in the first
    // and the last frame they agree in all.
    let mut edges: Vec<i64> = [old, new]
        .into_iter()
        .flat_map(|edit| {
            let pictures = &edit.pictures;
            let fades = pictures.fades.iter().map(|fade| fade.frames);
            let all = pictures.frames.iter().copied().chain(fades);
            all.flat_map(|frames| [frames.first, frames.end])
                .chain([0, edit.frames()])
        })
        .collect();
    edges.sort_unstable();
    edges.dedup();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut differs = |frame: i64| {
        let frame = FrameIndex(frame);
        old.video_at(frame, &mut before);
        new.video_at(frame, &mut after);
        let pairs = || before.iter().zip(&after);
        before.len() != after.len() || !pairs().all(|(old, new)| same_op(old, new, media))
    };
    let both = old.frames().min(new.frames());
    let changed = edges
        .windows(2)
        .filter_map(|edge| {
            let (&first, &end) = (edge.first()?, edge.last()?);
            let beyond = first >= both && end <= longest;
            (beyond || differs(first) || differs(end - 1)).then(|| range(new.rate(), first, end))
        })
        .collect();
    merged(changed)
}

fn range(rate: FrameRate, first: i64, end: i64) -> TimeRange {
    let at = |frame| rate.time_of_frame_nearest(FrameIndex(frame));
    TimeRange::between(at(first), at(end))
}

fn same_op(old: &VideoOp, new: &VideoOp, media: &SourceMatch) -> bool {
    match (old, new) {
        (VideoOp::Layer(old), VideoOp::Layer(new)) => {
            media.same(old.source, new.source)
                && *old
                    == Layer {
                        clip: old.clip,
                        source: old.source,
                        ..*new
                    }
        }
        _ => old == new,
    }
}

/// All that makes a clip's sound, the medium by its common number.
type Sound<'a> = (u32, TimeRange, &'a [AudioPiece], &'a [AudioFade], u32);

/// Sounds add up in any order, so only those that one of the two lacks make a difference.
fn changed_sound(old: &Edit, new: &Edit, media: &SourceMatch) -> Vec<TimeRange> {
    let mut counts: HashMap<Sound<'_>, i32> = HashMap::new();
    let olds = old.audio().iter();
    let news = new.audio().iter();
    let olds = olds.map(|used| (media.of_old(used.source), used, -1));
    let news = news.map(|used| (media.of_new(used.source), used, 1));
    for (source, used, sign) in olds.chain(news) {
        *counts.entry(sound(source, used)).or_default() += sign;
    }
    let changed = counts.into_iter().filter(|(_, count)| *count != 0);
    merged(changed.map(|((_, range, ..), _)| range).collect())
}

fn sound(source: u32, used: &AudioUse) -> Sound<'_> {
    let gain = used.gain.to_bits();
    (source, used.range, &used.pieces, &used.fades, gain)
}

/// The same time as ranges in order that do not touch.
fn merged(mut ranges: Vec<TimeRange>) -> Vec<TimeRange> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, before| {
        let touches = next.start <= before.end();
        if touches {
            *before = TimeRange::between(before.start, before.end().max(next.end()));
        }
        touches
    });
    ranges
}
