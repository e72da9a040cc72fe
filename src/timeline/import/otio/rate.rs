//! The rate at which a timeline plays, which OpenTimelineIO does not state.

use super::node::FoundTimeline;
use crate::time::FrameRate;
use crate::timeline::{Composition, CompositionKind, Item, ItemKind, MediaReference, TrackKind};

/// Slower and faster rates count something else: seconds, milliseconds, samples.
const PLAYED: std::ops::RangeInclusive<f64> = 5.0..=240.0;

/// The rate at which `timeline` plays: that of its global start, or else that of most enabled clips of
/// video tracks (of their source range, or else of their medium's), or else that of the first item that
/// has one. `None` where none of them can be a frame rate, in a timeline of sound for instance.
pub(super) fn of_timeline(timeline: &FoundTimeline) -> Option<FrameRate> {
    let root = timeline.root.as_deref();
    let start = timeline.global_start.and_then(|start| start.rate);
    start
        .filter(|rate| played(*rate))
        .or_else(|| root.and_then(most_common))
        .or_else(|| root.and_then(|root| first(root, &any_rate)))
}

/// The rate of most clips that are seen; of several, the one that is met first.
fn most_common(root: &Item) -> Option<FrameRate> {
    let mut counts: Vec<(FrameRate, usize)> = Vec::new();
    visit(
        root,
        &mut |rate| match counts.iter_mut().find(|(other, _)| *other == rate) {
            Some((_, count)) => *count += 1,
            None => counts.push((rate, 1)),
        },
    );
    // Of equal ones the last is answered.
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    most.map(|(rate, _)| *rate)
}

/// Tells the rate of every clip that is seen.
fn visit(item: &Item, tell: &mut impl FnMut(FrameRate)) {
    let (rate, goes_inside) = clip_rate(item);
    if let Some(rate) = rate {
        tell(rate);
    }
    let inside = item.composition().filter(|_| goes_inside);
    for item in inside.into_iter().flat_map(Composition::items) {
        visit(item, tell);
    }
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
