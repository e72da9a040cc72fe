//! Making thumbnails: the work of the jobs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::plan::{LEVELS, MOST_PICTURES, Pick, Plan, StripScale};
use super::reduce::{Reducer, small_size};
use super::strip::{Thumbnail, ThumbnailStrip};
use super::{Parts, sheet};
use crate::cache::source::{self, failed};
use crate::cache::{ProductKey, ProductKind, ProductStore};
use crate::decode::{
    DecodeError, FileIdentity, GopIndex, Input, ReadError, ReadPicture, ReaderOptions, Step,
    VideoReader,
};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, Progress, SubmitError};
use crate::media::{Size, VideoStream};
use crate::memory::{FramePool, Ledger};
use crate::time::{Clock, FrameIndex};

/// What decoding may take: one or two pictures of a keyframe's own decoder, which may be 8K.
const POOL_BYTES: u64 = 112 << 20;

/// The part of a budget that decoding may take, as a divisor. What does not fit is decoded into memory of the
/// decoder's own, which is given back after each picture.
const POOL_SHARE: u64 = 8;

/// Pictures in a row that cannot be made before a file is given up.
const MOST_FAILURES: u32 = 24;

/// The listener hears of every so many pictures.
const PICTURES_A_NEWS: u32 = 8;

/// A stream of pictures that thumbnails are made of.
#[derive(Debug, Clone)]
pub struct StripSource {
    /// The file.
    pub path: PathBuf,
    /// Its size when it was opened for playing: another one means another file.
    pub file_bytes: u64,
    /// The stream.
    pub stream: VideoStream,
    /// Its complete index.
    pub index: Arc<GopIndex>,
}

/// Thumbnails to be made.
#[derive(Debug)]
pub struct StripRequest {
    source: StripSource,
    scale: StripScale,
    pub(super) strip: Arc<ThumbnailStrip>,
    store: Option<Arc<dyn ProductStore>>,
    clock: Arc<dyn Clock>,
    pub(super) size: Size,
    /// Where not all of the medium is wanted.
    parts: Option<Parts>,
    plan: OnceLock<Plan>,
    /// The levels that were brought back from the store.
    brought_back: OnceLock<[bool; LEVELS]>,
}

impl StripRequest {
    /// Thumbnails of `source` at this scale, for `strip`. What `store` keeps is taken from there.
    pub fn new(
        source: StripSource,
        scale: StripScale,
        strip: Arc<ThumbnailStrip>,
        store: Option<Arc<dyn ProductStore>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let size = small_size(source.stream.size, scale.side);
        Self {
            source,
            scale,
            strip,
            store,
            clock,
            size,
            parts: None,
            plan: OnceLock::new(),
            brought_back: OnceLock::new(),
        }
    }

    /// The same of these parts of the medium alone.
    #[must_use]
    pub fn of_parts(self, parts: Parts) -> Self {
        let is_whole = parts.cover(self.source.index.duration());
        Self {
            // What is kept of a whole file is found by those as well who open it by itself.
            parts: (!is_whole).then_some(parts),
            ..self
        }
    }

    /// How many pictures a level will have.
    pub fn planned(&self, level: usize) -> usize {
        self.plan().levels.get(level).map_or(0, Vec::len)
    }

    /// Submits a job for each level, the coarse one first, which yield to playing; and where there is a store
    /// one before them, the last of those answered, which does not: to bring back what is kept takes next to
    /// nothing, and whoever plays what the machine can hardly play needs it most.
    ///
    /// # Errors
    /// When the queue is full; what was taken before is cancelled.
    pub fn submit(self, queue: &JobQueue) -> Result<Vec<JobHandle>, SubmitError> {
        let request = Arc::new(self);
        let kept = request.store.is_some().then(|| {
            let work = Arc::clone(&request);
            let name = work.source.path.display();
            let key = format!(
                "kept thumbnails of {name}, stream {}",
                work.source.stream.id.0
            );
            let job = Job::new(key, move |_context| {
                work.bring_back();
                Ok(())
            });
            queue.submit(job.priority(Priority::High))
        });
        let kept = kept.transpose()?;
        let mut handles: Vec<JobHandle> = Vec::with_capacity(LEVELS + 1);
        for level in 0..LEVELS {
            let work = Arc::clone(&request);
            let name = work.source.path.display();
            let key = format!(
                "thumbnails {level} of {name}, stream {}",
                work.source.stream.id.0
            );
            let mut job = Job::new(key, move |context| work.make_level(level, context)).yields();
            job = job.priority(if level == 0 {
                Priority::High
            } else {
                Priority::Low
            });
            if let Some(before) = handles.last().or(kept.as_ref()) {
                job = job.after(before);
            }
            match queue.submit(job) {
                Ok(handle) => handles.push(handle),
                Err(full) => {
                    handles.iter().chain(&kept).for_each(JobHandle::cancel);
                    return Err(full);
                }
            }
        }
        handles.extend(kept);
        Ok(handles)
    }

    pub(super) fn plan(&self) -> &Plan {
        self.plan.get_or_init(|| {
            let parts = self.parts.as_ref();
            let plan = Plan::new(&self.source.index, self.scale.steps, MOST_PICTURES, parts);
            self.strip.set_reach(plan.reach);
            plan
        })
    }

    /// Fills one level, from the store or from the file, as a part of the job that `context` belongs to.
    ///
    /// # Errors
    /// When the job is cancelled, or the file cannot be read or is another one by now.
    pub fn make_level(&self, level: usize, context: &JobContext) -> Result<(), JobStop> {
        context.check()?;
        let picks = self.plan().levels.get(level).map_or(&[][..], Vec::as_slice);
        let is_there = self.brought_back.get().is_some_and(|levels| levels[level]);
        if picks.is_empty() || is_there {
            return Ok(());
        }
        // Since it was looked for, playing may have made it.
        let file = FileIdentity::of_path(&self.source.path).map_err(failed)?;
        if self.bring_back_level(file, level) {
            return Ok(());
        }
        let input = source::open(&self.source.path, self.source.file_bytes, context)?;
        let file = input.file_identity();
        let is_settled = file.is_settled();
        let mut maker = Maker::new(self, input)?;
        let made = maker.make_all(picks, context)?;
        // A damaged file may read better next time. What was made of one that changed meanwhile is worth nothing.
        let is_whole = !maker.has_failed && !maker.reader.is_damaged();
        if is_whole && is_settled && maker.reader.input().file_change().is_none() {
            self.keep(file, level, &made);
        }
        Ok(())
    }

    /// Takes what is kept of each level into the strip; the rest is left to be made.
    fn bring_back(&self) {
        let Ok(file) = FileIdentity::of_path(&self.source.path) else {
            return;
        };
        let planned = &self.plan().levels;
        self.brought_back.get_or_init(|| {
            std::array::from_fn(|level| {
                let is_planned = planned.get(level).is_some_and(|picks| !picks.is_empty());
                is_planned && self.bring_back_level(file, level)
            })
        });
    }

    /// Takes what is kept of one level into the strip; whether there is any.
    fn bring_back_level(&self, file: FileIdentity, level: usize) -> bool {
        let kept = self.load(file, level);
        kept.map(|kept| self.strip.add(kept)).is_some()
    }

    fn key(&self, file: FileIdentity, level: usize, parts: Option<&Parts>) -> ProductKey {
        let mut parameters = format!(
            "stream {} level {level} size {} steps {:?} most {MOST_PICTURES}",
            self.source.stream.id.0, self.size, self.scale.steps
        );
        if let Some(parts) = parts {
            parameters.push_str(" parts");
            parameters.push_str(&parts.name());
        }
        ProductKey {
            kind: ProductKind::Thumbnails,
            path: self.source.path.clone(),
            file,
            parameters: parameters.into_bytes(),
        }
    }

    pub(super) fn load(&self, file: FileIdentity, level: usize) -> Option<Vec<Thumbnail>> {
        let store = self
            .store
            .as_ref()
            .filter(|_| file.bytes == self.source.file_bytes)?;
        let load = |parts: Option<&Parts>| {
            let bytes = store.load(&self.key(file, level, parts))?;
            let frames = self.source.index.len();
            sheet::unpack(self.size, &bytes)
                .filter(|kept| kept.last().is_none_or(|last| last.frame.0 < frames))
        };
        let own = load(self.parts.as_ref());
        if own.is_some() || self.parts.is_none() {
            return own;
        }
        // What was made of the whole file when it was open by itself serves as well.
        let mut whole = load(None)?;
        whole.retain(|thumbnail| self.is_wanted(thumbnail.frame));
        Some(whole)
    }

    fn is_wanted(&self, frame: FrameIndex) -> bool {
        let index = &self.source.index;
        let since_first = || Some(index.time_of(frame)? - index.time_of(FrameIndex::ZERO)?);
        let parts = self.parts.as_ref();
        parts.is_none_or(|parts| since_first().is_some_and(|since| parts.include(since)))
    }

    pub(super) fn keep(&self, file: FileIdentity, level: usize, made: &[Thumbnail]) {
        let Some(store) = &self.store else { return };
        match sheet::pack(self.size, made) {
            Ok(bytes) => store.store(&self.key(file, level, self.parts.as_ref()), &bytes),
            Err(error) => tracing::warn!("thumbnails are not kept: {error}"),
        }
    }
}

/// Where pictures are decoded; charged where there is a ledger.
fn pool(ledger: Option<Ledger>) -> FramePool {
    match ledger {
        Some(ledger) => {
            let limit = POOL_BYTES.min(ledger.limit() / POOL_SHARE);
            FramePool::charged(limit, ledger)
        }
        None => FramePool::new(POOL_BYTES),
    }
}

/// A reader and what turns its pictures into thumbnails.
struct Maker<'a> {
    request: &'a StripRequest,
    reader: VideoReader,
    reducer: Reducer,
    /// The frame that the decoder gives next while it walks; unknown after a keyframe or a failure.
    next: Option<FrameIndex>,
    failures: u32,
    has_failed: bool,
}

impl<'a> Maker<'a> {
    fn new(request: &'a StripRequest, input: Input) -> Result<Self, JobStop> {
        let options = ReaderOptions {
            // With more, a decoder wants more packets before it gives a picture.
            threads: NonZeroUsize::MIN,
            pool: pool(request.strip.ledger()),
            clock: Arc::clone(&request.clock),
            interrupter: input.interrupter(),
        };
        let stream = request.source.stream.clone();
        let reader = VideoReader::new(input, stream, options).map_err(failed)?;
        Ok(Self {
            request,
            reader,
            reducer: Reducer::new(request.size),
            next: None,
            failures: 0,
            has_failed: false,
        })
    }

    /// Makes all of `picks` that can be made, and answers them by frame.
    fn make_all(
        &mut self,
        picks: &[Pick],
        context: &JobContext,
    ) -> Result<Vec<Thumbnail>, JobStop> {
        let strip = Arc::clone(&self.request.strip);
        let total = u32::try_from(picks.len()).unwrap_or(u32::MAX);
        let mut made: Vec<Thumbnail> = Vec::with_capacity(picks.len());
        let mut left: Vec<Pick> = picks.to_vec();
        let mut done = 0;
        while !left.is_empty() {
            context.check()?;
            let pick = left.remove(nearest_place(&left, strip.aimed_at()));
            if let Some(thumbnail) = self.make(pick, &left, context)? {
                strip.add([thumbnail.clone()]);
                made.push(thumbnail);
            }
            done += 1;
            if done % PICTURES_A_NEWS == 0 || left.is_empty() {
                context.progress(Progress { done, total });
            }
        }
        made.sort_unstable_by_key(|thumbnail| thumbnail.frame);
        // Two keyframes of a damaged file may give the same frame.
        made.dedup_by_key(|thumbnail| thumbnail.frame);
        Ok(made)
    }

    /// Makes one, or answers that it cannot be made. `left` will be asked for later.
    fn make(
        &mut self,
        pick: Pick,
        left: &[Pick],
        context: &JobContext,
    ) -> Result<Option<Thumbnail>, JobStop> {
        let index = Arc::clone(&self.request.source.index);
        let outcome = match pick.keyframe {
            Some(keyframe) => {
                self.next = None;
                self.reader.key_picture(&index, keyframe).map(|picture| {
                    let picture = picture?;
                    let frame = key_frame_of(&picture, &index, pick.frame);
                    Some((frame, picture))
                })
            }
            None => self.walk_to(pick.frame, left, &index, context)?,
        };
        match outcome {
            Ok(Some((frame, picture))) => Ok(self.thumbnail(frame, picture)),
            Ok(None) => {
                tracing::debug!("frame {} has no thumbnail: it has no picture", pick.frame);
                Ok(None)
            }
            Err(DecodeError::Read(ReadError::Interrupted)) => Err(JobStop::Cancelled),
            Err(error) => {
                tracing::debug!("frame {} has no thumbnail: {error}", pick.frame);
                self.next = None;
                self.failures += 1;
                self.has_failed = true;
                if self.failures > MOST_FAILURES {
                    return Err(failed(error));
                }
                Ok(None)
            }
        }
    }

    /// Decodes on, or from the keyframe before, to `target`. `None` where it has no picture. Pictures on
    /// the way are decoded only where others need them; those that are `left` will be wanted, too.
    ///
    /// The outer error ends the job, the inner one costs a picture.
    fn walk_to(
        &mut self,
        target: FrameIndex,
        left: &[Pick],
        index: &GopIndex,
        context: &JobContext,
    ) -> Result<Result<Option<(FrameIndex, ReadPicture)>, DecodeError>, JobStop> {
        let entry = index.keyframe_for(target);
        let first = entry.and_then(|(number, _)| index.first_frame_of(number));
        let goes_on = self
            .next
            .is_some_and(|next| next <= target && first.is_none_or(|first| first <= next));
        if !goes_on {
            let sought = match entry {
                Some((number, _)) => self.reader.seek(index, number),
                None => self.reader.rewind(),
            };
            if let Err(error) = sought {
                return Ok(Err(error));
            }
        }
        let is_wanted = |pts: i64| {
            index
                .frame_of_pts(pts)
                .is_none_or(|frame| frame == target || left.iter().any(|pick| pick.frame == frame))
        };
        loop {
            context.check()?;
            let picture = match self.reader.step(&is_wanted) {
                Ok(Step::Progress) => continue,
                Ok(Step::Picture(picture)) => picture,
                Ok(Step::End) => {
                    self.next = None;
                    return Ok(Ok(None));
                }
                Err(error) => return Ok(Err(error)),
            };
            let Some(frame) = picture.frame_in(index) else {
                continue;
            };
            self.next = Some(frame.offset(1));
            if frame >= target {
                return Ok(Ok((frame == target).then_some((frame, picture))));
            }
        }
    }

    /// Reduces a picture. `None` where it is of a kind that cannot be shown.
    fn thumbnail(&mut self, frame: FrameIndex, picture: ReadPicture) -> Option<Thumbnail> {
        let decoded = self.reader.frame(picture).ok()?;
        let thumbnail = self.reducer.thumbnail(frame, &decoded)?;
        self.failures = 0;
        Some(thumbnail)
    }
}

/// The pick to make next: of the keyframes the one nearest to where somebody looks, then what must be
/// walked to, in order, so that no way is gone twice.
fn nearest_place(left: &[Pick], aim: FrameIndex) -> usize {
    left.iter()
        .enumerate()
        .min_by_key(|(_, pick)| match pick.keyframe {
            Some(_) => (false, pick.frame.0.abs_diff(aim.0)),
            None => (true, pick.frame.0.unsigned_abs()),
        })
        .map_or(0, |(place, _)| place)
}

/// The number of a keyframe's picture: what its time stamp says, or that of the packet where the decoder
/// passes none on.
fn key_frame_of(picture: &ReadPicture, index: &GopIndex, asked: FrameIndex) -> FrameIndex {
    picture
        .pts
        .and_then(|pts| index.frame_of_pts(pts))
        .unwrap_or(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_near_the_eye_come_first_and_walks_last_in_order() {
        let pick = |frame, keyframe| Pick {
            frame: FrameIndex(frame),
            keyframe,
        };
        let mut left = vec![
            pick(0, Some(0)),
            pick(100, Some(1)),
            pick(300, None),
            pick(200, None),
            pick(400, Some(2)),
        ];
        let mut order = Vec::new();
        while !left.is_empty() {
            order.push(left.remove(nearest_place(&left, FrameIndex(120))).frame.0);
        }
        assert_eq!(order, [100, 0, 400, 200, 300]);
    }
}
