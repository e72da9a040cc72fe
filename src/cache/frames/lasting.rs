//! Pictures that outlast the program: frames at the size shown that the playhead stayed at again and again, kept
//! where products are and brought back when their source is opened the next time.
//!
//! Only what has to be decoded from far (`stays.rs`) is kept: the rest is made sooner than it is read. A frame
//! that becomes hot is written in the background; a source that is opened, or shown at another size, gets back
//! what was kept of it, the frames nearest to its playhead first. A layer of a composed picture is kept like any
//! other frame, and composing is cheap.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::reduced::FORMAT;
use super::shelf::Kept;
use super::{FrameCache, SourceKey};
use crate::cache::product::{head, split_head};
use crate::cache::{ProductKey, ProductKind, ProductStore};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, SubmitError};
use crate::media::{ColorInfo, PictureId, Size, VideoFrame};
use crate::time::{FrameIndex, Moment};

/// What a picture's item begins with. Another number when the converter makes other pixels of a frame.
const PICTURE: [u8; 8] = *b"JWPICT01";

/// What the list of a source's pictures begins with.
const LIST: [u8; 8] = *b"JWPLST01";

/// How often it is looked for what has become hot.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A source whose pictures may be brought back, shown at this size.
#[derive(Debug, Clone)]
pub(super) struct Lasting {
    pub(super) source: u64,
    pub(super) key: SourceKey,
    pub(super) path: PathBuf,
    pub(super) size: Size,
    /// Bytes of a whole frame.
    pub(super) frame_bytes: u64,
    /// Frames that have become hot; `None` where what was kept is to be brought back first.
    pub(super) hot: Option<Vec<i64>>,
}

impl Lasting {
    fn product(&self, what: &[u8]) -> ProductKey {
        let mut parameters = (self.key.stream.0 as u64).to_le_bytes().to_vec();
        parameters.extend(self.size.width().to_le_bytes());
        parameters.extend(self.size.height().to_le_bytes());
        parameters.extend(what);
        ProductKey {
            kind: ProductKind::Picture,
            path: self.path.clone(),
            file: self.key.file,
            parameters,
        }
    }

    fn picture(&self, frame: i64) -> ProductKey {
        self.product(&[&PICTURE[..], &frame.to_le_bytes()].concat())
    }

    fn list(&self) -> ProductKey {
        self.product(&LIST)
    }
}

/// Keeps the hot pictures of a cache, and brings them back.
pub struct LastingPictures {
    cache: Arc<FrameCache>,
    store: Arc<dyn ProductStore>,
    job: Option<JobHandle>,
    /// When it was looked for work last.
    looked: Option<Moment>,
}

impl LastingPictures {
    /// Those of `cache`, in `store`.
    pub fn new(cache: Arc<FrameCache>, store: Arc<dyn ProductStore>) -> Self {
        Self {
            cache,
            store,
            job: None,
            looked: None,
        }
    }

    /// Submits a job if there is something to keep or to bring back. It is looked for some times a second, however
    /// often this is called.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn follow(&mut self, queue: &JobQueue) -> Result<(), SubmitError> {
        let now = self.cache.clock.now();
        let soon = self.looked.is_some_and(|at| now.since(at) < LOOK_EVERY);
        if soon || self.job.as_ref().is_some_and(|job| !job.state().is_over()) {
            return Ok(());
        }
        self.looked = Some(now);
        let work = self.cache.store.lock().take_lasting();
        if work.is_empty() {
            return Ok(());
        }
        let (cache, store) = (Arc::clone(&self.cache), Arc::clone(&self.store));
        let job = Job::new("pictures that outlast the program", move |context| {
            work.iter().try_for_each(|lasting| {
                context.check()?;
                match &lasting.hot {
                    Some(frames) => keep(&cache, store.as_ref(), lasting, frames, context),
                    None => bring_back(&cache, store.as_ref(), lasting, context),
                }
            })
        });
        let handle = queue.submit(job.priority(Priority::Normal).yields())?;
        self.job = Some(handle);
        Ok(())
    }
}

impl Drop for LastingPictures {
    fn drop(&mut self) {
        if let Some(job) = &self.job {
            job.cancel();
        }
    }
}

impl std::fmt::Debug for LastingPictures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LastingPictures").finish_non_exhaustive()
    }
}

fn keep(
    cache: &FrameCache,
    store: &dyn ProductStore,
    lasting: &Lasting,
    frames: &[i64],
    context: &JobContext,
) -> Result<(), JobStop> {
    // A file that is being written has the same identity with other pictures.
    if !lasting.key.file.is_settled() {
        return Ok(());
    }
    for frame in frames {
        context.check()?;
        if let Some(picture) = cache.picture_at(lasting.source, *frame, lasting.size) {
            store.store(&lasting.picture(*frame), &picture_bytes(&picture));
        }
    }
    let hot = cache.store.lock().hot(lasting.source);
    store.store(&lasting.list(), &list_bytes(&hot));
    Ok(())
}

fn bring_back(
    cache: &FrameCache,
    store: &dyn ProductStore,
    lasting: &Lasting,
    context: &JobContext,
) -> Result<(), JobStop> {
    let list = store.load(&lasting.list());
    let Some(counts) = list.as_deref().and_then(list_of) else {
        return Ok(());
    };
    let missing = cache.store.lock().remember(lasting.source, &counts);
    for frame in missing {
        context.check()?;
        let bytes = store.load(&lasting.picture(frame));
        if bytes.is_some_and(|bytes| !cache.restore(lasting, frame, &bytes)) {
            // Those that follow are farther from the playhead.
            break;
        }
    }
    Ok(())
}

fn picture_bytes(picture: &VideoFrame) -> Vec<u8> {
    let (size, shown_as) = (picture.size, picture.shown_as());
    let mut bytes = head(PICTURE, [size.width(), size.height(), shown_as.width()]);
    bytes.extend(shown_as.height().to_le_bytes());
    for plane in 0..FORMAT.plane_count() {
        let plane = picture.plane(plane);
        (0..plane.rows).for_each(|row| bytes.extend(plane.row(row)));
    }
    bytes
}

fn list_bytes(hot: &BTreeMap<i64, u32>) -> Vec<u8> {
    let length = u32::try_from(hot.len()).unwrap_or(u32::MAX);
    let mut bytes = head(LIST, [length, 0, 0]);
    for (frame, count) in hot {
        bytes.extend(frame.to_le_bytes());
        bytes.extend(count.to_le_bytes());
    }
    bytes
}

fn list_of(bytes: &[u8]) -> Option<BTreeMap<i64, u32>> {
    let ([length, ..], rest) = split_head(LIST, bytes)?;
    let (entries, rest) = rest.as_chunks::<12>();
    let whole = rest.is_empty() && entries.len() == length as usize;
    whole.then(|| {
        let entry = |entry: &[u8; 12]| {
            let [frame @ .., a, b, c, d] = *entry;
            (i64::from_le_bytes(frame), u32::from_le_bytes([a, b, c, d]))
        };
        entries.iter().map(entry).collect()
    })
}

impl FrameCache {
    /// The frame at `size`, if it is kept.
    pub(super) fn picture_at(
        &self,
        source: u64,
        frame: i64,
        size: Size,
    ) -> Option<Arc<VideoFrame>> {
        let kept = self.store.lock().peek(source, frame)?;
        if kept.size == size && kept.format == FORMAT {
            return Some(kept);
        }
        // What was reduced to another size has lost what this one shows.
        if kept.stands_for.is_some() {
            return None;
        }
        let pool = self.pool.get()?;
        self.reducer.lock().reduce(&kept, size, pool).map(Arc::new)
    }

    /// Puts back a picture that was kept. False where there is no room for it.
    fn restore(&self, lasting: &Lasting, frame: i64, bytes: &[u8]) -> bool {
        let parsed = split_head(PICTURE, bytes).and_then(|([width, height, shown_width], rest)| {
            let (shown_height, planes) = rest.split_first_chunk()?;
            let shown_as = Size::new(shown_width, u32::from_le_bytes(*shown_height))?;
            Some((Size::new(width, height)?, shown_as, planes))
        });
        // Bytes that do not make a picture leave the room to others.
        let Some((size, shown_as, planes)) = parsed else {
            return true;
        };
        if size != lasting.size || planes.len() != FORMAT.packed_bytes(size) {
            return true;
        }
        let Some(slot) = self
            .pool
            .get()
            .and_then(|pool| pool.acquire_spare(planes.len()))
        else {
            return false;
        };
        let source_id = lasting.key.file.source_of(lasting.key.stream);
        let id = PictureId::of_frame(source_id, FrameIndex(frame));
        let color = ColorInfo::SCREEN_RGB;
        let mut picture = VideoFrame::in_slot(id, slot, (FORMAT, size), color, |slot| {
            slot.copy_from_slice(planes);
        });
        picture.stands_for = Some(shown_as);
        let kept = Kept {
            bytes: picture.storage.held_bytes() as u64,
            picture: Arc::new(picture),
            _charge: None,
        };
        let place = (lasting.source, frame);
        let mut store = self.store.lock();
        let gone = store.put_reduced(place, lasting.frame_bytes, kept);
        let is_kept = store.has(lasting.source, frame);
        drop(store);
        drop(gone);
        is_kept
    }
}
