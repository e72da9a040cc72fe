//! What is kept, and what goes. Plain data: whoever calls holds the lock.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use super::worth::Places;
use super::{FrameCacheStats, MissReason, SourceKey, is_pooled};
use crate::decode::Aim;
use crate::media::VideoFrame;
use crate::memory::Charge;
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

/// While a playhead only passes by, its source does not make the cache grow beyond so many frames: enough for
/// some steps back.
const PASSED_FRAMES: u64 = 16;

/// So many of them may come at once, the others one a second: memory that was never written to before costs
/// more time than the copy of a picture, for the system fills it first, and a virtual machine's host before it.
const PASSED_AT_ONCE: u64 = 4;

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

/// A kept frame.
pub(super) struct Kept {
    pub(super) picture: Arc<VideoFrame>,
    pub(super) bytes: u64,
    /// Of a frame outside the frame pool.
    pub(super) _charge: Option<Charge>,
}

struct Source {
    key: SourceKey,
    frames: BTreeMap<i64, Kept>,
    places: Places,
    /// The store's tick when it was aimed last.
    aimed: u64,
    /// The same by the clock.
    aimed_at: Moment,
    /// Since when its playhead only passes by.
    passes_since: Option<Moment>,
    /// Frames of a lap, where it goes round.
    lap: Option<u64>,
    /// What a frame of it holds.
    frame_bytes: u64,
    /// Frames that were kept or offered once, and are not there.
    gone: BTreeMap<i64, MissReason>,
}

impl Source {
    fn cost(&self, frame: i64, tick: u64) -> i64 {
        self.places.cost(frame, tick.saturating_sub(self.aimed))
    }

    fn remember(&mut self, frame: i64, why: MissReason) {
        if self.gone.len() >= MOST_REMEMBERED {
            self.gone.clear();
        }
        self.gone.insert(frame, why);
    }
}

/// What the cache may hold while frames of so many bytes come from `source`.
fn limit_for(source: &Source, frame_bytes: u64, stats: &FrameCacheStats) -> u64 {
    let lap = source.lap.map(|frames| frames.saturating_mul(frame_bytes));
    let fits = lap.is_some_and(|bytes| bytes <= stats.limit_bytes);
    let Some(since) = source.passes_since.filter(|_| !fits) else {
        return stats.limit_bytes;
    };
    let seconds = source.aimed_at.since(since).as_secs();
    let frames = seconds.saturating_add(PASSED_AT_ONCE).min(PASSED_FRAMES);
    let passed = frame_bytes.saturating_mul(frames).max(stats.bytes);
    passed.min(stats.limit_bytes)
}

/// See the module.
pub(super) struct Store {
    sources: BTreeMap<u64, Source>,
    next_source: u64,
    next_keeper: u64,
    /// Counts the moves of all playheads.
    tick: u64,
    /// The highest cost of all kept frames, until something moves or comes.
    worst: Option<i64>,
    stats: FrameCacheStats,
}

impl Store {
    pub(super) fn new(limit_bytes: u64) -> Self {
        Self {
            sources: BTreeMap::new(),
            next_source: 0,
            next_keeper: 0,
            tick: 0,
            worst: None,
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
    pub(super) fn set_limit(&mut self, limit_bytes: u64) -> Vec<Kept> {
        self.stats.limit_bytes = limit_bytes;
        let excess = self.stats.bytes.saturating_sub(limit_bytes);
        self.evict(excess, |_, _, _| true)
    }

    /// The number of a source, and of a new keeper of it.
    pub(super) fn open(&mut self, key: SourceKey, now: Moment) -> (u64, u64) {
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
                frames: BTreeMap::new(),
                places,
                aimed: self.tick,
                aimed_at: now,
                passes_since: None,
                lap: None,
                frame_bytes: 0,
                gone: BTreeMap::new(),
            };
            self.sources.insert(number, source);
            number
        };
        self.worst = None;
        self.next_keeper += 1;
        (number, self.next_keeper)
    }

    /// A keeper is gone. A source without frames and keepers is forgotten.
    pub(super) fn close(&mut self, source: u64, keeper: u64) {
        self.worst = None;
        let Some(entry) = self.sources.get_mut(&source) else {
            return;
        };
        entry.places.close(keeper);
        if entry.places.is_closed() && entry.frames.is_empty() {
            self.sources.remove(&source);
        }
    }

    pub(super) fn aim(&mut self, source: u64, keeper: u64, aim: Aim, now: Moment) {
        self.tick += 1;
        self.worst = None;
        if let Some(source) = self.sources.get_mut(&source) {
            source.places.aim(keeper, aim);
            source.aimed = self.tick;
            source.passes_since = aim.passes.then(|| source.passes_since.unwrap_or(now));
            source.lap = aim.lap;
            source.aimed_at = now;
        }
    }

    pub(super) fn has(&self, source: u64, frame: i64) -> bool {
        let source = self.sources.get(&source);
        source.is_some_and(|source| source.frames.contains_key(&frame))
    }

    pub(super) fn get(&mut self, source: u64, frame: i64) -> Option<Arc<VideoFrame>> {
        let source = self.sources.get(&source)?;
        if let Some(kept) = source.frames.get(&frame) {
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
        let frames = &self.sources.get(&source)?.frames;
        let before = frames.range(..=frame).next_back();
        let after = frames.range(frame..).next();
        let near = before.into_iter().chain(after);
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
        if is_late || cost > FARTHEST_WISH || entry.frames.contains_key(&frame) {
            return false;
        }
        let bytes = self.stats.bytes + entry.frame_bytes;
        bytes <= self.stats.limit_bytes
            || (entry.frame_bytes <= self.stats.limit_bytes
                && self.any_costs_more(cost * WISH_FACTOR + WISH_MARGIN))
    }

    /// Whether the frame would be kept; where it would not, that is remembered.
    pub(super) fn accepts(&mut self, source: u64, frame: i64, bytes: u64) -> bool {
        let Some(entry) = self.sources.get_mut(&source) else {
            return false;
        };
        entry.frame_bytes = bytes;
        if entry.frames.contains_key(&frame) {
            return false;
        }
        let cost = entry.cost(frame, self.tick);
        let limit = limit_for(entry, bytes, &self.stats);
        let has_room = self.stats.bytes + bytes <= limit;
        let accepted = has_room || (bytes <= limit && self.any_costs_more(cost));
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
    pub(super) fn put(&mut self, source: u64, frame: i64, kept: Kept) -> Vec<Kept> {
        let Some(entry) = self.sources.get(&source) else {
            return vec![kept];
        };
        // Another session of the same stream may have been quicker.
        if entry.frames.contains_key(&frame) {
            return vec![kept];
        }
        let cost = entry.cost(frame, self.tick);
        let limit = limit_for(entry, kept.bytes, &self.stats);
        // One that passes by turns over a part of the cache and leaves the rest alone.
        let batch = if entry.passes_since.is_some() {
            0
        } else {
            limit / BATCH
        };
        let mut gone = Vec::new();
        let excess = (self.stats.bytes + kept.bytes).saturating_sub(limit);
        if excess > 0 {
            gone = self.evict(excess.max(batch), |_, _, other| other > cost);
        }
        if self.stats.bytes + kept.bytes > limit {
            self.decline(source, frame);
            gone.push(kept);
            return gone;
        }
        self.worst = self.worst.map(|worst| worst.max(cost));
        self.stats.bytes += kept.bytes;
        self.stats.peak_bytes = self.stats.peak_bytes.max(self.stats.bytes);
        self.stats.frames += 1;
        if let Some(entry) = self.sources.get_mut(&source) {
            entry.gone.remove(&frame);
            entry.frames.insert(frame, kept);
        }
        gone
    }

    /// Lets go of frames that cost more than this one, of about `bytes`: memory has no room for it, whatever
    /// the limit says.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn make_room(&mut self, source: u64, frame: i64, bytes: u64) -> Vec<Kept> {
        let Some(entry) = self.sources.get(&source) else {
            return Vec::new();
        };
        let cost = entry.cost(frame, self.tick);
        let bytes = bytes.max(self.stats.limit_bytes / BATCH);
        self.evict(bytes, |_, _, other| other > cost)
    }

    /// Lets go of frames that nobody else holds, of about `bytes`; of those in the pool only, if so wished.
    #[must_use = "frames are dropped without the lock"]
    pub(super) fn give_back(&mut self, bytes: u64, pooled_only: bool) -> Vec<Kept> {
        self.evict(bytes, |source, frame, _| {
            let kept = source.frames.get(&frame);
            kept.is_some_and(|kept| {
                Arc::strong_count(&kept.picture) == 1 && (!pooled_only || is_pooled(&kept.picture))
            })
        })
    }

    #[must_use = "frames are dropped without the lock"]
    pub(super) fn shed(&mut self, part: Part, bytes: u64, now: Moment) -> Vec<Kept> {
        let latest = self.sources.values().map(|source| source.aimed).max();
        let tick = self.tick;
        self.evict(bytes, |source, frame, _| match part {
            Part::Idle => Some(source.aimed) != latest && now.since(source.aimed_at) >= IDLE,
            Part::Behind => source.places.is_behind(frame),
            Part::Ahead => source.cost(frame, tick) > AHEAD_KEPT,
        })
    }

    /// Takes out frames for which `may_go` says so (given their cost), those of the highest cost first,
    /// until they are of `bytes` together.
    fn evict(&mut self, bytes: u64, may_go: impl Fn(&Source, i64, i64) -> bool) -> Vec<Kept> {
        let mut gone = Vec::new();
        if bytes == 0 {
            return gone;
        }
        let tick = self.tick;
        let mut candidates: Vec<(i64, u64, i64)> = Vec::new();
        for (number, source) in &self.sources {
            for frame in source.frames.keys() {
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
            if let Some(kept) = source.frames.remove(&frame) {
                source.remember(frame, MissReason::Evicted);
                freed += kept.bytes;
                self.stats.bytes -= kept.bytes;
                self.stats.frames -= 1;
                self.stats.evicted += 1;
                gone.push(kept);
            }
        }
        self.sources
            .retain(|_, source| !source.places.is_closed() || !source.frames.is_empty());
        self.worst = None;
        gone
    }

    /// Whether a frame of a higher cost is kept.
    fn any_costs_more(&mut self, cost: i64) -> bool {
        // The first and the last of a source are most often the farthest: then not all are looked at.
        let tick = self.tick;
        let at_an_end = self.sources.values().any(|source| {
            let ends = [
                source.frames.first_key_value(),
                source.frames.last_key_value(),
            ];
            let mut ends = ends.into_iter().flatten();
            ends.any(|(frame, _)| source.cost(*frame, tick) > cost)
        });
        at_an_end || self.worst_cost() > cost
    }

    fn worst_cost(&mut self) -> i64 {
        if let Some(worst) = self.worst {
            return worst;
        }
        let tick = self.tick;
        let all = self.sources.values().flat_map(|source| {
            let frames = source.frames.keys();
            frames.map(move |frame| source.cost(*frame, tick))
        });
        let worst = all.max().unwrap_or(i64::MIN);
        self.worst = Some(worst);
        worst
    }
}
