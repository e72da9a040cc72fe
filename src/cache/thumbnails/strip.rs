//! The thumbnails of a file, as far as they are made.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::sheet;
use crate::decode::{Approximations, Picture, Still};
use crate::media::VideoFrame;
use crate::memory::{Charge, Ledger, MemoryClass, Shedder};
use crate::time::FrameIndex;

/// Fewer are not shed: they take little, and a hand that searches needs them most when frames are short.
const LEAST_KEPT: usize = 64;

/// A small picture of a frame.
#[derive(Debug, Clone)]
pub struct Thumbnail {
    /// The frame that it shows.
    pub frame: FrameIndex,
    /// What it shows: planar RGB, turned and stretched as the stream's own frames are.
    pub picture: Arc<VideoFrame>,
}

impl Thumbnail {
    /// Its pixels, row by row, as it is stored: red, green, blue.
    pub fn rgb(&self) -> Vec<u8> {
        sheet::rgb_of(&self.picture).flatten().collect()
    }
}

/// The thumbnails of one stream in one state of its file. Filled by jobs, read from any thread without
/// waiting for them.
#[derive(Debug, Default)]
pub struct ThumbnailStrip {
    /// By frame, each once.
    kept: ArcSwap<Vec<Thumbnail>>,
    /// What they are charged as, where there is a ledger. Held by whoever adds or takes away.
    charge: Mutex<Option<Charge>>,
    edition: AtomicU64,
    aim: AtomicI64,
    reach: AtomicI64,
}

impl ThumbnailStrip {
    /// An empty strip.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, whose pictures are charged to `ledger`. Those that do not fit are not taken.
    pub fn charged(ledger: &Ledger) -> Self {
        Self {
            charge: Mutex::new(ledger.reserve(MemoryClass::Thumbnails, 0).ok()),
            ..Self::default()
        }
    }

    /// The thumbnail nearest to `frame` that is made, no farther away than `reach` frames. Among two as
    /// near, the earlier. Takes a microsecond.
    pub fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Thumbnail> {
        let kept = self.kept.load();
        let next = kept.partition_point(|thumbnail| thumbnail.frame < frame);
        let before = next.checked_sub(1).and_then(|place| kept.get(place));
        let distance = |thumbnail: &&Thumbnail| thumbnail.frame.0.abs_diff(frame.0);
        before
            .into_iter()
            .chain(kept.get(next))
            .min_by_key(distance)
            .filter(|nearest| distance(nearest) <= reach.max(0).unsigned_abs())
            .cloned()
    }

    /// How far, in frames, a thumbnail may be from a frame and still tell what is there: what
    /// [`Self::nearest`] finds everywhere once the coarse level is made. Zero while nothing is planned.
    pub fn reach(&self) -> i64 {
        self.reach.load(Ordering::Relaxed)
    }

    /// Tells where somebody looks: what is nearest is made first.
    pub fn aim(&self, frame: FrameIndex) {
        self.aim.store(frame.0, Ordering::Relaxed);
    }

    /// Thumbnails that are made.
    pub fn len(&self) -> usize {
        self.kept.load().len()
    }

    /// Whether none is made.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the pictures take.
    pub fn byte_len(&self) -> usize {
        bytes_of(&self.kept.load())
    }

    /// A number that changes when thumbnails are added.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// A strip of plain pictures of these frames, for tests of those who show it.
    #[cfg(test)]
    pub(crate) fn of_frames(size: crate::media::Size, frames: &[i64], reach: i64) -> Self {
        let strip = Self::new();
        strip.set_reach(reach);
        let area = usize::try_from(size.area()).unwrap();
        let thumbnails = frames.iter().map(|&frame| {
            let rgba = vec![u8::try_from(frame.rem_euclid(256)).unwrap(); area * 4];
            Thumbnail {
                frame: FrameIndex(frame),
                picture: Arc::new(sheet::picture_from_rgba(size, &rgba).unwrap()),
            }
        });
        strip.add(thumbnails);
        strip
    }

    /// What its pictures are charged to.
    pub(super) fn ledger(&self) -> Option<Ledger> {
        self.charge.lock().as_ref().map(Charge::ledger)
    }

    /// Where somebody looks.
    pub(super) fn aimed_at(&self) -> FrameIndex {
        FrameIndex(self.aim.load(Ordering::Relaxed))
    }

    pub(super) fn set_reach(&self, frames: i64) {
        self.reach.store(frames, Ordering::Relaxed);
    }

    /// Adds thumbnails; one of a frame that has one replaces it.
    pub(super) fn add(&self, thumbnails: impl IntoIterator<Item = Thumbnail>) {
        let mut charge = self.charge.lock();
        let mut kept = Vec::clone(&self.kept.load());
        for thumbnail in thumbnails {
            match kept.binary_search_by_key(&thumbnail.frame, |known| known.frame) {
                Ok(place) => kept[place] = thumbnail,
                Err(place) => kept.insert(place, thumbnail),
            }
        }
        if let Some(charge) = &mut *charge
            && let Err(error) = charge.resize(bytes_of(&kept) as u64)
        {
            tracing::debug!("{error}");
            return;
        }
        self.show(kept);
    }

    fn show(&self, kept: Vec<Thumbnail>) {
        self.kept.store(Arc::new(kept));
        self.edition.fetch_add(1, Ordering::Release);
    }
}

impl Approximations for ThumbnailStrip {
    fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let near = ThumbnailStrip::nearest(self, frame, reach)?;
        Some(Still {
            index: near.frame,
            picture: Picture::Frame(near.picture),
        })
    }
}

impl Shedder for ThumbnailStrip {
    /// Every second one goes, so that those left still cover the medium, at twice the distance. They are not
    /// made again before the medium is opened again.
    fn shed(&self, _wanted_bytes: u64) -> u64 {
        self.thin_out(LEAST_KEPT)
    }
}

impl ThumbnailStrip {
    /// Lets every second one go, where `least` are left of them; answers how many bytes that gives back.
    pub fn thin_out(&self, least: usize) -> u64 {
        let mut charge = self.charge.lock();
        let kept = self.kept.load_full();
        if kept.len() < 2 * least.max(1) {
            return 0;
        }
        let left: Vec<Thumbnail> = kept.iter().step_by(2).cloned().collect();
        let (before, after) = (bytes_of(&kept) as u64, bytes_of(&left) as u64);
        if let Some(charge) = &mut *charge {
            // To shrink never fails.
            let _smaller = charge.resize(after);
        }
        self.set_reach(self.reach().saturating_mul(2));
        self.show(left);
        before - after
    }
}

fn bytes_of(thumbnails: &[Thumbnail]) -> usize {
    let bytes = thumbnails.iter().map(|one| one.picture.storage.byte_len());
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::Size;

    fn strip(frames: &[i64]) -> ThumbnailStrip {
        ThumbnailStrip::of_frames(Size::new(2, 1).unwrap(), frames, 10)
    }

    #[test]
    fn a_frame_has_one_thumbnail() {
        let strip = strip(&[7, 3, 7]);
        assert_eq!((strip.len(), strip.byte_len()), (2, 12));
        let before = strip.edition();
        strip.add([strip.nearest(FrameIndex(3), 0).unwrap()]);
        assert_eq!(strip.len(), 2);
        assert_ne!(strip.edition(), before);
    }

    #[test]
    fn under_pressure_every_second_one_goes_and_the_ledger_knows() {
        let ledger = Ledger::new(1_000);
        let strip = ThumbnailStrip::charged(&ledger);
        strip.set_reach(1);
        // Pictures of 6 bytes each.
        let all: Vec<i64> = (0..180).collect();
        let of = |frames: &[i64]| {
            let made = self::strip(frames);
            let found = frames
                .iter()
                .map(|&frame| made.nearest(FrameIndex(frame), 0));
            found.map(Option::unwrap).collect::<Vec<_>>()
        };
        strip.add(of(&all[..160]));
        assert_eq!(ledger.used(MemoryClass::Thumbnails), 960);
        strip.add(of(&all[160..]));
        assert_eq!(strip.len(), 160, "there is no room for them");
        assert_eq!(strip.shed(1), 480);
        assert_eq!((strip.len(), strip.reach()), (80, 2));
        assert_eq!(ledger.used(MemoryClass::Thumbnails), 480);
        assert!(strip.nearest(FrameIndex(81), strip.reach()).is_some());
        assert_eq!(strip.shed(1), 0, "the last ones stay");
        drop(strip);
        assert_eq!(ledger.total(), 0);
    }

    #[test]
    fn an_empty_strip_has_nothing_near() {
        let strip = ThumbnailStrip::new();
        assert!(strip.is_empty() && strip.nearest(FrameIndex(0), i64::MAX).is_none());
    }

    proptest! {
        #[test]
        fn the_nearest_is_the_nearest(
            frames in prop::collection::vec(0_i64..1_000, 1..40), at in -50_i64..1_050, reach in -5_i64..200,
        ) {
            let strip = strip(&frames);
            let wanted = frames
                .iter()
                .copied()
                .filter(|frame| frame.abs_diff(at) <= reach.max(0).unsigned_abs())
                .min_by_key(|frame| (frame.abs_diff(at), *frame));
            let found = strip.nearest(FrameIndex(at), reach).map(|thumbnail| thumbnail.frame.0);
            prop_assert_eq!(found, wanted);
        }
    }
}
