//! The rate at which a timeline plays, which OpenTimelineIO does not state.

use super::node::FoundTimeline;
use crate::time::FrameRate;
use crate::timeline::{CompositionKind, Item, ItemKind, MediaReference, TrackKind};

/// Slower and faster rates count something else: seconds, milliseconds, samples.
const PLAYED: std::ops::RangeInclusive<f64> = 5.0..=240.0;

/// The rate at which `timeline` plays: that of the first enabled clip of a video track (of its source
/// range, or else of its medium's), or else the global start's, or else that of the first item that
/// has one. `None` where none of them can be a frame rate, in a timeline of sound for instance.
pub(super) fn of_timeline(timeline: &FoundTimeline) -> Option<FrameRate> {
    let root = timeline.root.as_deref();
    let start = timeline.global_start.and_then(|start| start.rate);
    root.and_then(|root| first(root, &clip_rate))
        .or_else(|| start.filter(|rate| played(*rate)))
        .or_else(|| root.and_then(|root| first(root, &any_rate)))
}

/// What is known of an item, and whether what is inside it counts.
type Answer = (Option<FrameRate>, bool);

/// The first answer in the order of the file.
fn first(item: &Item, ask: &impl Fn(&Item) -> Answer) -> Option<FrameRate> {
    let (answer, goes_inside) = ask(item);
    let inside = item.composition().filter(|_| goes_inside);
    answer.or_else(|| inside?.items().find_map(|item| first(item, ask)))
}

/// The rate of an enabled clip that is seen.
fn clip_rate(item: &Item) -> Answer {
    let clip = match &item.kind {
        ItemKind::Clip(clip) if item.enabled => clip,
        ItemKind::Composition(composition) => {
            let is_seen = match composition.kind {
                CompositionKind::Track(kind) => kind == TrackKind::Video,
                CompositionKind::Stack => true,
            };
            return (None, is_seen && item.enabled);
        }
        ItemKind::Clip(_) | ItemKind::Gap => return (None, false),
    };
    let reference = clip.active_reference();
    let sequence = match reference {
        Some(MediaReference::Sequence(sequence)) => Some(sequence.rate),
        _ => None,
    };
    let available = reference.and_then(MediaReference::available).copied();
    let stated = [item.source_range, available].into_iter().flatten();
    let mut rates = stated.map(|stated| stated.rate).chain(sequence);
    (rates.find(|rate| played(*rate)), false)
}

/// The rate of anything.
fn any_rate(item: &Item) -> Answer {
    let stated = item.source_range.map(|stated| stated.rate);
    (stated.filter(|rate| played(*rate)), true)
}

fn played(rate: FrameRate) -> bool {
    PLAYED.contains(&rate.as_f64())
}
