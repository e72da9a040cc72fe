//! Decoded frames that are kept in memory.
//!
//! One [`FrameCache`] serves the whole player. Each decode session gets a [`FrameKeeper`] of it, by the
//! identity of its file and the stream: sessions of the same stream find one another's frames, and so
//! does a file that is opened again. Frames stay where they were decoded, in slots of the frame pool
//! (or in the codec's own memory), and are weighed by what they hold there.
//!
//! # What stays
//! Of all kept frames the one that is worth least goes first (`worth.rs`): distance from the playhead
//! in its direction of travel counts, what was passed less than what comes, and a source that has not
//! moved for long less than one that plays. Places that the playhead was sent to lately count as well, so
//! that whoever goes to and fro finds it all again.
//!
//! # Frames at the size that they are shown at
//! A 4K frame takes 12 MB, what a window of 1280x720 shows of it 2.8. Where it is known at which size frames
//! are shown ([`FrameCache::show_at`]) and that takes no more than half, whole frames have a quarter of the limit,
//! and what has to go from there is kept on at that size, out of the converter (`reduced.rs`). It is shown as exactly
//! as the whole frame would be. Frames of a playhead that only passes by are not reduced, which would cost an eighth of
//! their decoding, but for those of a lap that fits that way.
//!
//! # Locks
//! One lock, held for a search through the kept frames at most. Nothing is called under it: frames are
//! dropped and the ledger is charged outside, since a frame that is dropped takes the pool's lock, and
//! the pool asks for frames ([`Reclaim`]) from inside FFmpeg.

mod lasting;
mod reduced;
mod shelf;
mod stays;
mod store;
mod worth;

#[cfg(test)]
mod lasting_tests;
#[cfg(test)]
mod reduced_tests;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

pub use self::lasting::LastingPictures;
use self::reduced::{Reducer, is_reducible};
use self::shelf::{Gone, Kept, Shelf};
use self::store::{Part, Store};
use crate::decode::{Aim, FileIdentity, FrameKeeper};
use crate::media::{FrameStorage, Size, StreamId, VideoFrame};
use crate::memory::{
    Charge, FramePool, Ledger, MemoryClass, MemoryManager, OverBudget, Pressure, PressureGauge,
    Reclaim, Shedder, Shortage, Step,
};
use crate::time::{Clock, FrameIndex};

/// Which stream of which state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceKey {
    pub(super) file: FileIdentity,
    pub(super) stream: StreamId,
}

/// Why a frame that was asked for was not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MissReason {
    /// Nobody has decoded it yet, or it was passed over without being offered.
    NeverDecoded,
    /// It was kept once and made room for another.
    Evicted,
    /// It was offered, and all that was kept was worth more.
    Declined,
}

impl MissReason {
    /// All reasons, in the order in which they are reported.
    pub const ALL: [Self; 3] = [Self::NeverDecoded, Self::Evicted, Self::Declined];

    /// What it is called in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeverDecoded => "never decoded",
            Self::Evicted => "evicted",
            Self::Declined => "declined",
        }
    }
}

/// Room is made so many times at most for a frame outside the pool: what goes may share its slab with frames
/// that others hold.
const MOST_TRIES: u32 = 8;

/// What is held beside the cache for the same purpose takes no more than this part of its limit.
const BESIDE_PART: u64 = 8;

/// What becomes too much at once is reduced up to this number, and otherwise dropped.
const MOST_REDUCED_AT_ONCE: usize = 4;

/// How a cache is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameCacheStats {
    /// Bytes of the frames that are kept.
    pub bytes: u64,
    /// Those of them that are kept at the size at which they are shown.
    pub reduced_bytes: u64,
    /// The same as a number of frames.
    pub reduced_frames: u64,
    /// The most bytes that were ever kept.
    pub peak_bytes: u64,
    /// No more than this is kept.
    pub limit_bytes: u64,
    /// Frames that are kept.
    pub frames: u64,
    /// Frames that were asked for and there.
    pub hits: u64,
    /// Frames that were asked for and not there, by reason as in [`MissReason::ALL`].
    pub misses: [u64; 3],
    /// Frames that made room for others.
    pub evicted: u64,
}

impl FrameCacheStats {
    /// Frames that were asked for and not there.
    pub fn all_misses(&self) -> u64 {
        self.misses.iter().sum()
    }

    fn whole_bytes(&self) -> u64 {
        self.bytes - self.reduced_bytes
    }

    fn bytes_on(&self, shelf: Shelf) -> u64 {
        match shelf {
            Shelf::Whole => self.whole_bytes(),
            Shelf::Reduced => self.reduced_bytes,
        }
    }

    fn add(&mut self, shelf: Shelf, bytes: u64) {
        self.bytes += bytes;
        self.peak_bytes = self.peak_bytes.max(self.bytes);
        self.frames += 1;
        if shelf == Shelf::Reduced {
            self.reduced_bytes += bytes;
            self.reduced_frames += 1;
        }
    }

    fn remove(&mut self, shelf: Shelf, bytes: u64) {
        self.bytes -= bytes;
        self.frames -= 1;
        self.evicted += 1;
        if shelf == Shelf::Reduced {
            self.reduced_bytes -= bytes;
            self.reduced_frames -= 1;
        }
    }
}

/// See the [module](self).
pub struct FrameCache {
    store: Mutex<Store>,
    /// Taken before the store's lock, never under it.
    reducer: Mutex<Reducer>,
    /// The size that frames are shown at, as two halves; 0 for none.
    shown: AtomicU64,
    ledger: Option<Ledger>,
    pool: OnceLock<FramePool>,
    gauge: PressureGauge,
    clock: Arc<dyn Clock>,
    shedders: [Arc<CacheShedder>; 3],
}

impl FrameCache {
    /// A cache of at most `limit_bytes`. Frames outside the frame pool are charged to `ledger`, where
    /// there is one; those inside it are the pool's. `gauge` says how short memory is.
    pub fn new(
        limit_bytes: u64,
        clock: Arc<dyn Clock>,
        ledger: Option<Ledger>,
        gauge: PressureGauge,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Self>| {
            let shedder = |step, part| {
                Arc::new(CacheShedder {
                    cache: this.clone(),
                    step,
                    part,
                })
            };
            Self {
                store: Mutex::new(Store::new(limit_bytes)),
                reducer: Mutex::new(Reducer::new()),
                shown: AtomicU64::new(0),
                ledger,
                pool: OnceLock::new(),
                gauge,
                clock,
                shedders: [
                    shedder(Step::IdleVideo, Part::Idle),
                    shedder(Step::ReadBehind, Part::Behind),
                    shedder(Step::ReadAhead, Part::Ahead),
                ],
            }
        })
    }

    /// Keeps frames that lie in `pool`: gives them back when the pool wants them, and lets the pool unmap what
    /// they leave when memory is short. There is one pool; another one is not joined.
    pub fn join(self: &Arc<Self>, pool: &FramePool) {
        let reclaim: Weak<Self> = Arc::downgrade(self);
        if self.pool.set(pool.clone()).is_ok() {
            pool.set_reclaim(reclaim);
        }
    }

    /// Takes its places on the ladder of `manager`.
    pub fn register(&self, manager: &MemoryManager) {
        for shedder in &self.shedders {
            let place: Weak<CacheShedder> = Arc::downgrade(shedder);
            manager.register(shedder.step, place);
        }
    }

    /// Sets how many bytes are kept at most; what is too much goes at once.
    pub fn set_limit(&self, limit_bytes: u64) {
        let gone = self.store.lock().set_limit(limit_bytes);
        drop(gone);
    }

    /// Drops everything that is kept. What the pool has for it goes back to the machine.
    pub fn clear(&self) {
        let mut store = self.store.lock();
        let limit = store.stats().limit_bytes;
        let gone = (store.set_limit(0), store.set_limit(limit));
        drop(store);
        drop(gone);
        if let Some(pool) = self.pool.get() {
            pool.trim();
        }
    }

    /// Says at which size frames are shown, before they are turned; `None` where more is seen of them than that.
    /// Frames that are far from the playhead are kept at this size where that takes much less memory. Costs
    /// nothing while it stays the same.
    pub fn show_at(&self, size: Option<Size>) {
        let word = size.map_or(0, |size| {
            u64::from(size.width()) << 32 | u64::from(size.height())
        });
        if self.shown.swap(word, Ordering::Relaxed) != word {
            let gone = self.store.lock().set_reduced_to(size);
            drop(gone);
        }
    }

    /// The place of the frames of a stream in the file `path`, which tells people what is kept of it. Each session has a keeper of its own, which tells where its
    /// playhead is as long as it lives; the frames are shared, and stay when it is gone.
    pub fn keeper(
        self: &Arc<Self>,
        path: &Path,
        file: FileIdentity,
        stream: StreamId,
    ) -> Arc<dyn FrameKeeper> {
        let key = SourceKey { file, stream };
        let now = self.clock.now();
        let (source, id) = self.store.lock().open(path, key, now);
        let cache = Arc::clone(self);
        Arc::new(Keeper { cache, source, id })
    }

    /// How it is doing.
    pub fn stats(&self) -> FrameCacheStats {
        self.store.lock().stats()
    }

    fn put(&self, source: u64, frame: i64, picture: &Arc<VideoFrame>) {
        let bytes = picture.storage.held_bytes() as u64;
        // Most of what comes is kept already, or nobody's wish: the ledger need not hear of it.
        if !self.store.lock().accepts(source, frame, bytes) {
            self.reduce(source, frame, picture);
            return;
        }
        let ledger = self.ledger.as_ref().filter(|_| !is_pooled(picture));
        let charge = ledger.map(|ledger| self.charge(ledger, source, frame, bytes));
        let Ok(charge) = charge.transpose() else {
            self.store.lock().decline(source, frame);
            return;
        };
        let kept = Kept {
            picture: Arc::clone(picture),
            bytes,
            _charge: charge,
        };
        let gone = self.store.lock().put(source, frame, kept);
        let own = gone.iter().filter(|gone| gone.source == source);
        for Gone { frame, kept, .. } in own.take(MOST_REDUCED_AT_ONCE) {
            self.reduce(source, *frame, &kept.picture);
        }
        drop(gone);
    }

    /// Keeps a frame at the size that it is shown at, where that is worth it.
    fn reduce(&self, source: u64, frame: i64, picture: &VideoFrame) {
        let frame_bytes = picture.storage.held_bytes() as u64;
        let wanted = self.store.lock().reduces(source, frame, frame_bytes);
        let Some(((size, gone), pool)) = wanted.zip(self.pool.get()) else {
            return;
        };
        drop(gone);
        if !is_reducible(picture, size) {
            self.store.lock().cannot_reduce(source);
            return;
        }
        let Some(reduced) = self.reducer.lock().reduce(picture, size, pool) else {
            return;
        };
        let kept = Kept {
            bytes: reduced.storage.held_bytes() as u64,
            picture: Arc::new(reduced),
            _charge: None,
        };
        let place = (source, frame);
        let gone = self.store.lock().put_reduced(place, frame_bytes, kept);
        drop(gone);
    }

    /// Charges for a frame outside the pool. Where that is refused, what costs more makes room: frames in the
    /// pool do so when nothing else is left in their slabs, so that it may take more than one.
    fn charge(
        &self,
        ledger: &Ledger,
        source: u64,
        frame: i64,
        bytes: u64,
    ) -> Result<Charge, OverBudget> {
        let mut charge = ledger.reserve(MemoryClass::Frames, bytes);
        // The pool may hold slabs that nothing is in any more.
        if charge.is_err() && self.let_go(Vec::new()) > 0 {
            charge = ledger.reserve(MemoryClass::Frames, bytes);
        }
        let mut tries = 0;
        while charge.is_err() && tries < MOST_TRIES {
            let gone = self.store.lock().make_room(source, frame, bytes);
            if gone.is_empty() {
                break;
            }
            self.let_go(gone);
            charge = ledger.reserve(MemoryClass::Frames, bytes);
            tries += 1;
        }
        charge
    }

    /// Drops frames, and has the pool unmap what is empty by that. Answers how many bytes of memory came free.
    fn let_go(&self, gone: Vec<Gone>) -> u64 {
        let kept = gone.iter().map(|gone| &gone.kept);
        let foreign = kept.filter(|kept| !is_pooled(&kept.picture));
        let foreign: u64 = foreign.map(|kept| kept.bytes).sum();
        drop(gone);
        foreign + self.pool.get().map_or(0, FramePool::trim)
    }

    fn wants(&self, source: u64, frame: i64) -> bool {
        let level = self.gauge.level();
        level < Pressure::Critical && {
            let with_behind = level < Pressure::High;
            self.store.lock().wants(source, frame, with_behind)
        }
    }
}

impl Reclaim for FrameCache {
    fn give_back(&self, bytes: u64, shortage: Shortage) -> bool {
        // A frame outside the pool frees no slot.
        let pooled_only = shortage == Shortage::Slots;
        let gone = self.store.lock().give_back(bytes, pooled_only);
        !gone.is_empty()
    }
}

impl std::fmt::Debug for FrameCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FrameCache").field(&self.stats()).finish()
    }
}

/// A cache's place on the ladder.
struct CacheShedder {
    cache: Weak<FrameCache>,
    step: Step,
    part: Part,
}

impl Shedder for CacheShedder {
    fn shed(&self, wanted_bytes: u64) -> u64 {
        let Some(cache) = self.cache.upgrade() else {
            return 0;
        };
        let now = cache.clock.now();
        let gone = cache.store.lock().shed(self.part, wanted_bytes, now);
        if gone.is_empty() {
            return 0;
        }
        cache.let_go(gone)
    }
}

fn is_pooled(picture: &VideoFrame) -> bool {
    matches!(picture.storage, FrameStorage::Pooled { .. })
}

/// One session's access to the frames of its stream.
struct Keeper {
    cache: Arc<FrameCache>,
    source: u64,
    id: u64,
}

impl FrameKeeper for Keeper {
    fn get(&self, frame: FrameIndex) -> Option<Arc<VideoFrame>> {
        self.cache.store.lock().get(self.source, frame.0)
    }

    fn has(&self, frame: FrameIndex) -> bool {
        self.cache.store.lock().has(self.source, frame.0)
    }

    fn put(&self, frame: FrameIndex, picture: &Arc<VideoFrame>) {
        self.cache.put(self.source, frame.0, picture);
    }

    fn wants(&self, frame: FrameIndex) -> bool {
        self.cache.wants(self.source, frame.0)
    }

    fn has_room_beside(&self, bytes: u64) -> bool {
        let limit = self.cache.stats().limit_bytes;
        self.cache.gauge.level() < Pressure::High && bytes <= limit / BESIDE_PART
    }

    fn holds_lap(&self) -> bool {
        self.cache.store.lock().holds_lap(self.source)
    }

    fn aim(&self, aim: Aim) {
        let now = self.cache.clock.now();
        self.cache.store.lock().aim(self.source, self.id, aim, now);
    }

    fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<(FrameIndex, Arc<VideoFrame>)> {
        let store = self.cache.store.lock();
        let (frame, picture) = store.nearest(self.source, frame.0, reach)?;
        Some((FrameIndex(frame), picture))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.cache.store.lock().close(self.source, self.id);
    }
}
