//! What is decoded of which clip.
//!
//! The layers that are seen together are one clip to who chooses, named by all their media. The *lead* is
//! the layer with the most pixels a second in its source: it does not change with what is decoded, so what
//! is measured goes on to mean the same. What the clip costs is what its costliest layer takes: the sessions
//! work side by side, so a frame is there when the slowest has it, and what the others take from that one is
//! in its measure already. To add them up would count it twice.
//!
//! The lead gets the rung that was chosen. The other layers follow as far as they must in order not to be
//! larger than the lead: a small picture over a large one stays as it is, and both sides of a comparison are
//! shown alike.
//!
//! The thread of the timeline asks before a clip's first frame is decoded; from then on the engine says.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::feed::Use;
use crate::decode::{ClipChooser, ClipLook, Cost, GopIndex, Rung};
use crate::media::Size;
use crate::time::{FrameIndex, MediaSpan};
use crate::timeline::{ClipId, Layer};

/// A session, as it must be known to choose.
#[derive(Debug, Clone)]
pub(super) struct FeedLook {
    /// The clip that it serves.
    pub(super) user: Use,
    /// Whether that clip is in the frame that is composed.
    pub(super) is_present: bool,
    /// The medium.
    pub(super) key: u64,
    pub(super) size: Size,
    /// Time from one of its frames to the next.
    pub(super) span: MediaSpan,
    pub(super) rungs: Arc<[(Rung, Size)]>,
    pub(super) index: Arc<GopIndex>,
    pub(super) asked: Rung,
    pub(super) rung: Rung,
    pub(super) has_proxies: bool,
    /// Frames from one keyframe to the next of the proxy that is asked for.
    pub(super) proxy_gop: Option<i64>,
    pub(super) cost: Option<Cost>,
    /// Pictures in its ring, and how many fit.
    pub(super) ring_fill: (usize, usize),
}

/// What the timeline's thread and its handle share for this.
#[derive(Default)]
pub(super) struct Steering {
    chooser: Mutex<Option<Arc<dyn ClipChooser>>>,
    /// What the engine asks for, of the clips in a frame. The latest wins, for it asks again where it finds
    /// something else.
    asked: Mutex<Option<(FrameIndex, Rung)>>,
    /// What was asked for last, and of the clips in which frame.
    last: Mutex<Option<(FrameIndex, Rung)>>,
    /// The sessions, as the thread saw them last, and the frame that it works on.
    board: Mutex<(FrameIndex, Vec<FeedLook>)>,
}

impl Steering {
    pub(super) fn set_chooser(&self, chooser: Arc<dyn ClipChooser>) {
        *self.chooser.lock() = Some(chooser);
    }

    pub(super) fn chooser(&self) -> Option<Arc<dyn ClipChooser>> {
        self.chooser.lock().clone()
    }

    /// Asks for a rung of the clips in a frame.
    pub(super) fn ask(&self, frame: FrameIndex, rung: Rung) {
        *self.last.lock() = Some((frame, rung));
        *self.asked.lock() = Some((frame, rung));
    }

    /// What was asked for since the last call.
    pub(super) fn take_asked(&self) -> Option<(FrameIndex, Rung)> {
        self.asked.lock().take()
    }

    /// What was asked for last, and of the clips in which frame.
    pub(super) fn last_asked(&self) -> Option<(FrameIndex, Rung)> {
        *self.last.lock()
    }

    /// Writes down how the sessions do, and the frame that is worked on.
    pub(super) fn publish(&self, frame: FrameIndex, feeds: Vec<FeedLook>) {
        *self.board.lock() = (frame, feeds);
    }

    /// The frame that is worked on.
    pub(super) fn frame(&self) -> FrameIndex {
        self.board.lock().0
    }

    /// The session that serves `clip`: of several laps, the one that is seen.
    pub(super) fn of_clip(&self, clip: ClipId) -> Option<FeedLook> {
        let board = self.board.lock();
        let mut serving = board.1.iter().filter(|feed| feed.user.clip == clip);
        let first = serving.clone().next();
        serving.find(|feed| feed.is_present).or(first).cloned()
    }
}

/// A layer and the session that shows it.
pub(super) type Member = (Layer, FeedLook);

/// Time from one frame of a layer's medium to the next at normal speed, in nanoseconds, where the timeline's
/// frames are so long; `None` where it stands still.
fn frame_nanos((layer, feed): &Member, frame: MediaSpan) -> Option<u64> {
    let advance = layer.advance.flicks().abs();
    if advance == 0 {
        return None;
    }
    let span = feed.span.scaled_nearest(frame.flicks(), advance);
    u64::try_from(span.nanos_nearest())
        .ok()
        .filter(|&nanos| nanos > 0)
}

/// Which of the layers leads; `None` where nothing can be chosen.
fn lead(members: &[Member], frame: MediaSpan) -> Option<(&Member, u64)> {
    let weight = |(member, nanos): &(&Member, u64)| {
        u128::from(member.1.size.area()) * 1_000_000_000 / u128::from(*nanos)
    };
    let moving = members.iter().filter(|(_, feed)| !feed.rungs.is_empty());
    let moving = moving.filter_map(|member| Some((member, frame_nanos(member, frame)?)));
    // The lowest of equals is the first.
    moving.reduce(|best, other| {
        if weight(&other) > weight(&best) {
            other
        } else {
            best
        }
    })
}

/// The layers of frame `at` as one clip, where the timeline's frames last `frame`.
pub(super) fn look_at(at: FrameIndex, members: &[Member], frame: MediaSpan) -> Option<ClipLook> {
    let ((_, first), nanos) = lead(members, frame)?;
    let load = |member: &Member| {
        let cost = member.1.cost?;
        let each = frame_nanos(member, frame)?;
        // Of a layer with other frames: what that comes to in the time of one of the lead's.
        Some(cost.scaled(|span| {
            let scaled = span.as_nanos() * u128::from(nanos) / u128::from(each);
            Duration::from_nanos(u64::try_from(scaled).unwrap_or(u64::MAX))
        }))
    };
    let costs = members.iter().filter_map(load);
    let own = first.cost.filter(|_| members.len() == 1);
    let worst = own.or_else(|| costs.max_by_key(Cost::mean));
    let shown = first.cost.map_or(1000, |cost| cost.shown_per_mille);
    let goes_together = rungs_of(members, frame, first.asked)
        .iter()
        .zip(members)
        .all(|((_, rung), (_, feed))| feed.asked == *rung);
    let emptiest = members.iter().map(|(_, feed)| feed.ring_fill);
    Some(ClipLook {
        at,
        key: key_of(members),
        rungs: first.rungs.to_vec(),
        index: Arc::clone(&first.index),
        frame: Duration::from_nanos(nanos),
        layers: members.len(),
        asked: goes_together.then_some(first.asked),
        rung: first.rung,
        cost: worst.map(|cost| Cost {
            shown_per_mille: shown,
            ..cost
        }),
        waiting: emptiest.min().unwrap_or_default(),
    })
}

/// A lone medium is known by its own name, so that its costs are remembered wherever it is seen alone.
fn key_of(members: &[Member]) -> u64 {
    if let [(_, alone)] = members {
        return alone.key;
    }
    let mut keys: Vec<u64> = members.iter().map(|(_, feed)| feed.key).collect();
    keys.sort_unstable();
    let mut hasher = DefaultHasher::new();
    keys.hash(&mut hasher);
    hasher.finish()
}

/// What each of the layers is to be decoded from when `rung` was chosen for them.
pub(super) fn rungs_of(members: &[Member], frame: MediaSpan, rung: Rung) -> Vec<(Use, Rung)> {
    let lead = lead(members, frame).map(|(lead, _)| &lead.1);
    let of = |feed: &FeedLook| match lead {
        Some(lead) if lead.user != feed.user => follower(lead, feed, rung),
        _ => rung,
    };
    let rungs = members.iter().map(|(_, feed)| (feed.user, of(feed)));
    rungs.collect()
}

/// What a layer is decoded from beside the lead.
fn follower(lead: &FeedLook, feed: &FeedLook, rung: Rung) -> Rung {
    let of = |feed: &FeedLook, rung: Rung| {
        let sizes = feed.rungs.iter();
        let mut of_rung = sizes.filter(|(other, _)| *other == rung);
        of_rung.next().map(|(_, size)| size.area())
    };
    match rung {
        // What has a quarter of the pixels saves little.
        Rung::Thinned | Rung::Keyframes if feed.size.area() * 4 <= lead.size.area() => Rung::Source,
        Rung::Source | Rung::Thinned | Rung::Keyframes => rung,
        Rung::Half | Rung::Quarter => {
            let most = of(lead, rung).unwrap_or(lead.size.area());
            let whole = [Rung::Source, Rung::Half, Rung::Quarter];
            let fits = |rung: &Rung| of(feed, *rung).is_some_and(|area| area <= most);
            whole.into_iter().find(fits).unwrap_or(Rung::Quarter)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{FrameRate, MediaTime};
    use crate::timeline::{Look, Mix, SourceId};

    fn span() -> MediaSpan {
        FrameRate::new(25, 1).unwrap().frame_span_nearest()
    }

    fn size(width: u32) -> Size {
        Size::new(width, width / 16 * 9).unwrap()
    }

    fn cost(millis: u64) -> Cost {
        Cost {
            decode: Duration::from_millis(millis),
            p90: Duration::from_millis(millis),
            frames: 50,
            shown_per_mille: 1000,
            ..Cost::default()
        }
    }

    /// A layer of this width, with proxies or without, that costs so many milliseconds a frame and plays at
    /// `speed`.
    fn member(clip: u32, width: u32, proxies: bool, millis: u64, speed: i64) -> Member {
        let whole = [
            (Rung::Source, size(width)),
            (Rung::Thinned, size(width)),
            (Rung::Half, size(width / 2)),
            (Rung::Quarter, size(width / 4)),
            (Rung::Keyframes, size(width)),
        ];
        let is_there =
            |(rung, _): &(Rung, Size)| proxies || !matches!(rung, Rung::Half | Rung::Quarter);
        let layer = Layer {
            clip: ClipId(clip),
            source: SourceId(clip),
            media: MediaTime::ZERO,
            advance: span().scaled_nearest(speed, 1),
            look: Look::default(),
            mix: Mix::FULL,
        };
        let feed = FeedLook {
            user: Use {
                clip: ClipId(clip),
                lap: 0,
            },
            is_present: true,
            key: u64::from(clip),
            size: size(width),
            span: span(),
            rungs: whole.into_iter().filter(is_there).collect(),
            index: Arc::new(GopIndex::constant(FrameRate::new(25, 1).unwrap(), 100)),
            asked: Rung::Source,
            rung: Rung::Source,
            has_proxies: proxies,
            proxy_gop: None,
            cost: Some(cost(millis)),
            ring_fill: (3, 3),
        };
        (layer, feed)
    }

    fn asked(members: &[Member], rung: Rung) -> Vec<Rung> {
        let rungs = rungs_of(members, span(), rung);
        rungs.into_iter().map(|(_, rung)| rung).collect()
    }

    #[test]
    fn the_costliest_layer_is_what_a_frame_costs_and_the_largest_leads() {
        let small = member(1, 1920, true, 30, 1);
        let large = member(2, 3840, true, 20, 1);
        let look = look_at(FrameIndex(7), &[small.clone(), large.clone()], span()).unwrap();
        assert_eq!(look.rungs[0], (Rung::Source, size(3840)));
        assert_eq!(
            look.cost.map(|cost| cost.mean()),
            Some(Duration::from_millis(30))
        );
        assert_eq!((look.layers, look.at), (2, FrameIndex(7)));
        let swapped = look_at(FrameIndex(7), &[large.clone(), small], span()).unwrap();
        assert_eq!(look.key, swapped.key, "the order does not matter");
        let alone = look_at(FrameIndex(7), &[large], span()).unwrap();
        assert_eq!(alone.key, 2);
    }

    #[test]
    fn layers_that_were_not_told_what_the_lead_was_are_told_of() {
        let large = member(1, 3840, true, 10, 1);
        let mut both = [large.clone(), member(2, 3840, true, 10, 1)];
        let asked = |members: &[Member]| look_at(FrameIndex(7), members, span()).unwrap().asked;
        assert_eq!(asked(&both), Some(Rung::Source));
        // It came to the frame with what it was asked for elsewhere.
        both[1].1.asked = Rung::Half;
        assert_eq!(asked(&both), None);
        both[0].1.asked = Rung::Half;
        assert_eq!(asked(&both), Some(Rung::Half));
        // A small one beside a large one that is halved stays as it is.
        let mut small = [large, member(2, 1920, true, 10, 1)];
        small[0].1.asked = Rung::Half;
        assert_eq!(asked(&small), Some(Rung::Half));
    }

    #[test]
    fn at_another_speed_another_time_is_left_for_a_frame() {
        let twice = member(1, 1920, true, 10, -2);
        let look = look_at(FrameIndex::ZERO, &[twice], span()).unwrap();
        assert_eq!(look.frame, Duration::from_millis(20));
        // A medium that stands still costs nothing, and leads nobody.
        let still = member(2, 7680, true, 10, 0);
        assert!(look_at(FrameIndex::ZERO, std::slice::from_ref(&still), span()).is_none());
        let both = [still, member(1, 1920, true, 10, 1)];
        let look = look_at(FrameIndex::ZERO, &both, span()).unwrap();
        assert_eq!(look.rungs[0].1, size(1920));
    }

    #[test]
    fn the_others_follow_no_further_than_they_must() {
        let large = member(1, 3840, true, 10, 1);
        for (width, rung, followed) in [
            (1920, Rung::Half, Rung::Source),
            (3840, Rung::Half, Rung::Half),
            (1920, Rung::Quarter, Rung::Half),
            (3840, Rung::Quarter, Rung::Quarter),
            (1920, Rung::Thinned, Rung::Source),
            (2880, Rung::Thinned, Rung::Thinned),
            (3840, Rung::Source, Rung::Source),
        ] {
            let both = [large.clone(), member(2, width, true, 10, 1)];
            assert_eq!(asked(&both, rung), [rung, followed], "{width} {rung:?}");
        }
    }
}
