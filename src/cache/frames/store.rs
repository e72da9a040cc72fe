//! What is kept, and what goes. Plain data: whoever calls holds the lock.

mod hot;
mod lap;

use std::collections::{BTreeMap, BinaryHeap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use self::lap::{holds_lap, limit_for};
use super::reduced::reduced_bytes;
use super::shelf::{Gone, Kept, Shelf, limits_of};
use super::stays::Stays;
use super::worth::Places;
use super::{FrameCacheStats, MissReason, SourceKey, is_pooled};
use crate::decode::Aim;
use crate::media::{Size, VideoFrame};
use crate::time::Moment;

/// Nobody decodes ahead further than this cost, however much room there is: ten seconds at 30 fps.
const FARTHEST_WISH: i64 = 300;

/// What is decoded ahead takes the place of frames only that cost so many times as much, and ...
const WISH_FACTOR: i64 = 2;

/// ... so many frames more: a playhead that stands still would otherwise turn the cache over for ever.
const WISH_MARGIN: i64 = 16;

/// Frames that made room, or were declined, are remembered up to this number in each source.
const MOST_REMEMBERED: usize = 1 << 16;

/// When room is made, this part of the limit goes at once: to look for the least worthy frame takes a
/// look at all of them.
const BATCH: u64 = 64;

/// A source that has not moved for this long is idle.
const IDLE: Duration = Duration::from_mins(1);

/// So many frames ahead are never shed: they are what is shown next.
const AHEAD_KEPT: i64 = 8;

/// What can be shed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Frames of sources that have not played for long.
    Idle,
    /// Frames that every playhead has passed.
    Behind,
    /// Frames that no playhead has reached, but for the next few.
    Ahead,
}

struct Source {
    key: SourceKey,
    /// The file's name when it was opened.
    path: PathBuf,
    stays: Stays,
    /// The size for which pictures were brought back.
    brought_back: Option<Size>,
    frames: BTreeMap<i64, Kept>,
    /// Frames at the size that they are shown at.
    reduced: BTreeMap<i64, Kept>,
    places: Places,
    /// The store's tick when it was aimed last.
    aimed: u64,
    /// The same by the clock.
    aimed_at: Moment,
    /// Since when its playhead only passes by.
    passes_since: Option<Moment>,
    /// Frames of a lap, where it goes round.
    lap: Option<u64>,
    /// What a frame of it holds; 0 before one was offered.
    frame_bytes: u64,
    /// Whether one could not be reduced.
    is_irreducible: bool,
    /// Frames that were kept or offered once, and are not there.
    gone: BTreeMap<i64, MissReason>,
}

impl Source {
    fn cost(&self, frame: i64, tick: u64) -> i64 {
        self.places.cost(frame, tick.saturating_sub(self.aimed))
    }

    fn shelf(&self, shelf: Shelf) -> &BTreeMap<i64, Kept> {
        match shelf {
            Shelf::Whole => &self.frames,
            Shelf::Reduced => &self.reduced,
        }
    }

    fn shelf_mut(&mut self, shelf: Shelf) -> &mut BTreeMap<i64, Kept> {
        match shelf {
            Shelf::Whole => &mut self.frames,
            Shelf::Reduced => &mut self.reduced,
        }
    }

    fn find(&self, frame: i64) -> Option<&Kept> {
        self.frames.get(&frame).or_else(|| self.reduced.get(&frame))
    }

    fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.reduced.is_empty()
    }

    fn remember(&mut self, frame: i64, why: MissReason) {
        if self.gone.len() >= MOST_REMEMBERED {
            self.gone.clear();
        }
        self.gone.insert(frame, why);
    }
}

/// See the module.
pub(super) struct Store {
    sources: BTreeMap<u64, Source>,
    next_source: u64,
    next_keeper: u64,
    /// Counts the moves of all playheads.
    tick: u64,
    /// The highest cost of all frames on each shelf, until something moves or comes.
    worst: [Option<i64>; 2],
    /// The size that frames are shown at, where reduced ones are kept.
    reduced_to: Option<Size>,
    stats: FrameCacheStats,
}

impl Store {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            sources: BTreeMap::new(),
            next_source: 0,
            next_keeper: 0,
            tick: 0,
            worst: [None; 2],
            reduced_to: None,
            stats: FrameCacheStats {
                limit_bytes,
                ..FrameCacheStats::default()
            },
        }
    }

    pub(super) fn stats(&self) -> FrameCacheStats {
        self.stats
    }

    #[must_use = "frames are dropped without the lock"]
    pub(super) fn set_limit(&mut self, limit_bytes: u64) -> Vec<Gone> {
        self.stats.limit_bytes = limit_bytes;
        let excess = self.stats.bytes.saturating_sub(limit_bytes);
        self.evict_any(excess, |_, _, _| true)
    }

    /// The number of a source, and of a new keeper of it.
    pub(super) fn open(&mut self, path: &Path, key: SourceKey, now: Moment) -> (u64, u64) {
        let known = self
            .sources
            .iter_mut()
            .find(|(_, source)| source.key == key);
        let number = if let Some((number, source)) = known {
            source.places.open();
            *number
        } else {
            let number = self.next_source;
            self.next_source += 1;
            let mut places = Places::default();
            places.open();
            let source = Source {
                key,
                path: path.to_owned(),
                stays: Stays::default(),
                brought_back: None,
                frames: BTreeMap::new(),
                reduced: BTreeMap::new(),
                places,
                aimed: self.tick,
                aimed_at: now,
                passes_since: None,
                lap: None,
                frame_bytes: 0,
                is_irreducible: false,
                gone: BTreeMap::new(),
            };
            self.sources.insert(number, source);
            number
        };
        self.worst = [None; 2];
        self.next_keeper += 1;
        (number, self.next_keeper)
    }

    /// A keeper is gone. A source without frames and keepers is forgotten.
    pub(super) fn close(&mut self, source: u64, keeper: u64) {
        self.worst = [None; 2];
        let Some(entry) = self.sources.get_mut(&source) else {
            return;
        };
        entry.places.close(keeper);
        if entry.places.is_closed() && entry.is_empty() {
            self.sources.remove(&source);
        }
    }

    pub(super) fn aim(&mut self, source: u64, keeper: u64, aim: Aim, now: Moment) {
        self.tick += 1;
        self.worst = [None; 2];
        if let Some(source) = self.sources.get_mut(&source) {
            let left = source.places.aim(keeper, aim, now);
            if let Some(left) = left.filter(|left| !left.passes) {
                source.stays.note(left.frame.0, left.depth);
            }
            source.aimed = self.tick;
            source.passes_since = aim.passes.then(|| source.passes_since.unwrap_or(now));
            source.lap = aim.lap;
            source.aimed_at = now;
        }
    }

    pub(super) fn has(&self, source: u64, frame: i64) -> bool {
        let source = self.sources.get(&source);
        source.is_some_and(|source| source.find(frame).is_some())
    }

    pub(super) fn get(&mut self, source: u64, frame: i64) -> Option<Arc<VideoFrame>> {
        let source = self.sources.get(&source)?;
        if let Some(kept) = source.find(frame) {
            self.stats.hits += 1;
            return Some(Arc::clone(&kept.picture));
        }
        let why = source.gone.get(&frame).copied();
        self.stats.misses[why.unwrap_or(MissReason::NeverDecoded) as usize] += 1;
        None
    }

    pub(super) fn nearest(
        &self,
        source: u64,
        frame: i64,
        reach: i64,
    ) -> Option<(i64, Arc<VideoFrame>)> {
        let source = self.sources.get(&source)?;
        let shelves = [&source.frames, &source.reduced];
        let near = shelves.into_iter().flat_map(|frames| {
            let before = frames.range(..=frame).next_back();
            before.into_iter().chain(frames.range(frame..).next())
        });
        let (found, kept) = near.min_by_key(|(found, _)| (**found - frame).abs())?;
        ((found - frame).abs() <= reach).then(|| (*found, Arc::clone(&kept.picture)))
    }

    /// Whether the frame is worth being decoded ahead of its time.
    pub(super) fn wants(&mut self, source: u64, frame: i64, with_behind: bool) -> bool {
        let Some(entry) = self.sources.get(&source) else {
            return false;
        };
        let cost = entry.cost(frame, self.tick);
        let is_late = !with_behind && entry.places.is_behind(frame);
        if is_late || cost > FARTHEST_WISH || entry.find(frame).is_some() {
            return false;
        }
        let frame_bytes = entry.frame_bytes;
        let limits = limits_of(frame_bytes, self.reduced_to, &self.stats);
        let beyond = cost * WISH_FACTOR + WISH_MARGIN;
        if self.stats.whole_bytes() + frame_bytes <= limits.whole
            || (frame_bytes <= limits.whole && self.any_costs_more(Shelf::Whole, beyond))
        {
            return true;
        }
        let bytes = self.reduced_to.map_or(u64::MAX, reduced_bytes);
        self.stats.reduced_bytes.saturating_add(bytes) <= limits.reduced
            || (bytes <= limits.reduced && self.any_costs_more(Shelf::Reduced, beyond))
    }

    /// Frames are shown at this size from now on; those that were reduced to another are of no use.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn set_reduced_to(&mut self, size: Option<Size>) -> Vec<Gone> {
        if self.reduced_to == size {
            return Vec::new();
        }
        self.reduced_to = size;
        for source in self.sources.values_mut() {
            source.is_irreducible = false;
        }
        self.evict(Shelf::Reduced, u64::MAX, |_, _, _| true)
    }

    /// Whether `frame`, which is kept no longer or was not accepted, is worth reducing, and to which size. Then
    /// what costs more makes room for it: it is to be dropped. One of a playhead that only passes by, and does not
    /// come round to it again, is not.
    pub(super) fn reduces(
        &mut self,
        source: u64,
        frame: i64,
        frame_bytes: u64,
    ) -> Option<(Size, Vec<Gone>)> {
        let size = self.reduced_to?;
        let entry = self.sources.get(&source)?;
        let passes = entry.passes_since.is_some()
            && !holds_lap(entry, frame_bytes, self.reduced_to, &self.stats);
        if passes || entry.find(frame).is_some() {
            return None;
        }
        let cost = entry.cost(frame, self.tick);
        let limit = limits_of(frame_bytes, self.reduced_to, &self.stats).reduced;
        let needed = self.stats.reduced_bytes + reduced_bytes(size);
        let excess = needed.saturating_sub(limit);
        if excess > 0 && !self.any_costs_more(Shelf::Reduced, cost) {
            return None;
        }
        let gone = self.evict(Shelf::Reduced, excess, |_, _, other| other > cost);
        (self.stats.reduced_bytes + reduced_bytes(size) <= limit).then_some((size, gone))
    }

    /// Keeps a reduced frame, where what costs more makes room for it. Answers what is to be dropped.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn put_reduced(
        &mut self,
        (source, frame): (u64, i64),
        frame_bytes: u64,
        kept: Kept,
    ) -> Vec<Gone> {
        let limit = limits_of(frame_bytes, self.reduced_to, &self.stats).reduced;
        let size = kept.picture.size;
        let Some(entry) = self
            .sources
            .get(&source)
            .filter(|entry| entry.find(frame).is_none() && self.reduced_to == Some(size))
        else {
            return vec![Gone {
                source,
                frame,
                kept,
            }];
        };
        let cost = entry.cost(frame, self.tick);
        self.place(Shelf::Reduced, (source, frame, cost), limit, 0, kept)
    }

    /// Whether the frame would be kept; where it would not, that is remembered.
    pub(super) fn accepts(&mut self, source: u64, frame: i64, bytes: u64) -> bool {
        let Some(entry) = self.sources.get_mut(&source) else {
            return false;
        };
        entry.frame_bytes = bytes;
        if entry.find(frame).is_some() {
            return false;
        }
        let cost = entry.cost(frame, self.tick);
        let limit = limit_for(entry, bytes, self.reduced_to, &self.stats);
        let has_room = self.stats.whole_bytes() + bytes <= limit;
        let accepted = has_room || (bytes <= limit && self.any_costs_more(Shelf::Whole, cost));
        if !accepted {
            self.decline(source, frame);
        }
        accepted
    }

    /// Remembers that a frame was offered in vain.
    pub(super) fn decline(&mut self, source: u64, frame: i64) {
        if let Some(source) = self.sources.get_mut(&source) {
            source.remember(frame, MissReason::Declined);
        }
    }

    /// Keeps a frame, where what costs more makes room for it. Answers what is to be dropped.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn put(&mut self, source: u64, frame: i64, kept: Kept) -> Vec<Gone> {
        // Another session of the same stream may have been quicker.
        let Some(entry) = self
            .sources
            .get(&source)
            .filter(|entry| entry.find(frame).is_none())
        else {
            return vec![Gone {
                source,
                frame,
                kept,
            }];
        };
        let cost = entry.cost(frame, self.tick);
        let limit = limit_for(entry, kept.bytes, self.reduced_to, &self.stats);
        // One that passes by turns over a part of the cache and leaves the rest alone.
        let batch = if entry.passes_since.is_some() {
            0
        } else {
            limit / BATCH
        };
        self.place(Shelf::Whole, (source, frame, cost), limit, batch, kept)
    }

    /// Puts a frame of a known source on its shelf; when that is full, `batch` bytes go at least.
    fn place(
        &mut self,
        shelf: Shelf,
        (source, frame, cost): (u64, i64, i64),
        limit: u64,
        batch: u64,
        kept: Kept,
    ) -> Vec<Gone> {
        let mut gone = Vec::new();
        let excess = (self.stats.bytes_on(shelf) + kept.bytes).saturating_sub(limit);
        if excess > 0 {
            gone = self.evict(shelf, excess.max(batch), |_, _, other| other > cost);
        }
        // The other shelf may hold more than its part, from before the size shown was known or for another source.
        let beyond = (self.stats.bytes + kept.bytes).saturating_sub(self.stats.limit_bytes);
        gone.extend(self.evict(shelf.other(), beyond, |_, _, other| other > cost));
        let fits = self.stats.bytes + kept.bytes <= self.stats.limit_bytes;
        if !fits || self.stats.bytes_on(shelf) + kept.bytes > limit {
            self.decline(source, frame);
            gone.push(Gone {
                source,
                frame,
                kept,
            });
            return gone;
        }
        let worst = &mut self.worst[shelf as usize];
        *worst = worst.map(|worst| worst.max(cost));
        self.stats.add(shelf, kept.bytes);
        if let Some(entry) = self.sources.get_mut(&source) {
            entry.gone.remove(&frame);
            entry.shelf_mut(shelf).insert(frame, kept);
        }
        gone
    }

    /// Lets go of frames that cost more than this one, of about `bytes`: memory has no room for it, whatever
    /// the limit says.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn make_room(&mut self, source: u64, frame: i64, bytes: u64) -> Vec<Gone> {
        let Some(entry) = self.sources.get(&source) else {
            return Vec::new();
        };
        let cost = entry.cost(frame, self.tick);
        let bytes = bytes.max(self.stats.limit_bytes / BATCH);
        self.evict_any(bytes, |_, _, other| other > cost)
    }

    /// Lets go of frames that nobody else holds, of about `bytes`; of those in the pool only, if so wished.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn give_back(&mut self, bytes: u64, pooled_only: bool) -> Vec<Gone> {
        self.evict_any(bytes, |source, frame, _| {
            source.find(frame).is_some_and(|kept| {
                Arc::strong_count(&kept.picture) == 1 && (!pooled_only || is_pooled(&kept.picture))
            })
        })
    }

    #[must_use = "frames are dropped without the lock"]
    pub(super) fn shed(&mut self, part: Part, bytes: u64, now: Moment) -> Vec<Gone> {
        let latest = self.sources.values().map(|source| source.aimed).max();
        let tick = self.tick;
        self.evict_any(bytes, |source, frame, _| match part {
            Part::Idle => Some(source.aimed) != latest && now.since(source.aimed_at) >= IDLE,
            Part::Behind => source.places.is_behind(frame),
            Part::Ahead => source.cost(frame, tick) > AHEAD_KEPT,
        })
    }

    /// The same as [`Self::evict`] on one shelf after the other.
    fn evict_any(&mut self, bytes: u64, may_go: impl Fn(&Source, i64, i64) -> bool) -> Vec<Gone> {
        let mut gone = self.evict(Shelf::Whole, bytes, &may_go);
        let freed: u64 = gone.iter().map(|gone| gone.kept.bytes).sum();
        gone.extend(self.evict(Shelf::Reduced, bytes.saturating_sub(freed), &may_go));
        gone
    }

    /// Takes out frames for which `may_go` says so (given their cost), those of the highest cost first,
    /// until they are of `bytes` together.
    fn evict(
        &mut self,
        shelf: Shelf,
        bytes: u64,
        may_go: impl Fn(&Source, i64, i64) -> bool,
    ) -> Vec<Gone> {
        let mut gone = Vec::new();
        if bytes == 0 {
            return gone;
        }
        let tick = self.tick;
        let mut candidates: Vec<(i64, u64, i64)> = Vec::new();
        for (number, source) in &self.sources {
            for frame in source.shelf(shelf).keys() {
                let cost = source.cost(*frame, tick);
                if may_go(source, *frame, cost) {
                    candidates.push((cost, *number, *frame));
                }
            }
        }
        // Most often a few of thousands go: a heap is not sorted further than that.
        let mut candidates = BinaryHeap::from(candidates);
        let mut freed = 0;
        while freed < bytes
            && let Some((_, number, frame)) = candidates.pop()
        {
            let Some(source) = self.sources.get_mut(&number) else {
                continue;
            };
            if let Some(kept) = source.shelf_mut(shelf).remove(&frame) {
                source.remember(frame, MissReason::Evicted);
                freed += kept.bytes;
                self.stats.remove(shelf, kept.bytes);
                gone.push(Gone {
                    source: number,
                    frame,
                    kept,
                });
            }
        }
        self.sources
            .retain(|_, source| !source.places.is_closed() || !source.is_empty());
        self.worst = [None; 2];
        gone
    }

    /// Whether a frame of a higher cost is on the shelf.
    fn any_costs_more(&mut self, shelf: Shelf, cost: i64) -> bool {
        // The first and the last of a source are most often the farthest: then not all are looked at.
        let tick = self.tick;
        let at_an_end = self.sources.values().any(|source| {
            let frames = source.shelf(shelf);
            let ends = [frames.first_key_value(), frames.last_key_value()];
            let mut ends = ends.into_iter().flatten();
            ends.any(|(frame, _)| source.cost(*frame, tick) > cost)
        });
        at_an_end || self.worst_cost(shelf) > cost
    }

    fn worst_cost(&mut self, shelf: Shelf) -> i64 {
        if let Some(worst) = self.worst[shelf as usize] {
            return worst;
        }
        let tick = self.tick;
        let all = self.sources.values().flat_map(|source| {
            let frames = source.shelf(shelf).keys();
            frames.map(move |frame| source.cost(*frame, tick))
        });
        let worst = all.max().unwrap_or(i64::MIN);
        self.worst[shelf as usize] = Some(worst);
        worst
    }
}
