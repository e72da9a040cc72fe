//! Making the thumbnails of a timeline: the work of its jobs.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::{FileStrip, TimelineStrip};
use crate::cache::ProductStore;
use crate::cache::thumbnails::{LEVELS, Parts, StripRequest, StripScale, StripSource};
use crate::decode::{IndexStore, Input, Interrupter, kept_or_read_index, media_info};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, Progress, SubmitError};
use crate::playback::timeline::media::ClipMedia;
use crate::time::{Clock, FrameIndex, MediaTime};
use crate::timeline::{SourceId, VideoOp};

/// Thumbnails of a timeline at most, but for one or a few of each file: those of 16:9 take 104 MB.
const MOST_PICTURES: usize = 2_400;

/// Thumbnails of a timeline to be made.
pub struct TimelineStripRequest {
    strip: Arc<TimelineStrip>,
    indices: Option<Arc<dyn IndexStore>>,
    store: Option<Arc<dyn ProductStore>>,
    clock: Arc<dyn Clock>,
    scale: StripScale,
    /// By file, what is asked for of it once it is known.
    requests: Vec<OnceLock<StripRequest>>,
    /// By source, what the timeline uses of it, in source times as it states them.
    used: OnceLock<Vec<Vec<Range<MediaTime>>>>,
}

impl TimelineStripRequest {
    /// Thumbnails for `strip`. What `store` keeps is taken from there, and so are `indices`.
    pub fn new(
        strip: Arc<TimelineStrip>,
        scale: StripScale,
        indices: Option<Arc<dyn IndexStore>>,
        store: Option<Arc<dyn ProductStore>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            requests: strip.files.iter().map(|_| OnceLock::new()).collect(),
            strip,
            indices,
            store,
            clock,
            scale,
            used: OnceLock::new(),
        }
    }

    /// Submits two jobs: the coarse thumbnails of all files, and after them the finer ones, as far as there
    /// are not too many. They yield to playing.
    ///
    /// # Errors
    /// When the queue is full; what was taken before is cancelled.
    pub fn submit(self, name: &str, queue: &JobQueue) -> Result<Vec<JobHandle>, SubmitError> {
        let request = Arc::new(self);
        let work = Arc::clone(&request);
        let coarse = Job::new(format!("thumbnails of {name}"), move |context| {
            work.make_coarse(context)
        });
        let coarse = queue.submit(coarse.priority(Priority::High).yields())?;
        let finer = Job::new(format!("finer thumbnails of {name}"), move |context| {
            request.make_finer(context)
        });
        let finer = finer.priority(Priority::Low).yields().after(&coarse);
        match queue.submit(finer) {
            Ok(finer) => Ok(vec![coarse, finer]),
            Err(full) => {
                coarse.cancel();
                Err(full)
            }
        }
    }

    fn make_coarse(&self, context: &JobContext) -> Result<(), JobStop> {
        self.for_each_file(context, |place, file| {
            let request = self.request_of(file, context)?;
            if let Some(slot) = self.requests.get(place) {
                slot.get_or_init(|| request).make_level(0, context)?;
            }
            Ok(())
        })
    }

    fn make_finer(&self, context: &JobContext) -> Result<(), JobStop> {
        let requests = || self.requests.iter().filter_map(OnceLock::get);
        let mut planned: usize = requests().map(|request| request.planned(0)).sum();
        for level in 1..LEVELS {
            planned += requests()
                .map(|request| request.planned(level))
                .sum::<usize>();
            if planned > MOST_PICTURES {
                break;
            }
            self.for_each_file(context, |place, _| {
                let request = self.requests.get(place).and_then(OnceLock::get);
                request.map_or(Ok(()), |request| request.make_level(level, context))
            })?;
        }
        Ok(())
    }

    /// Does the work of each file, the one next that is seen nearest to where somebody looks. A file that fails has
    /// no thumbnails, and the others go on.
    fn for_each_file(
        &self,
        context: &JobContext,
        work: impl Fn(usize, &FileStrip) -> Result<(), JobStop>,
    ) -> Result<(), JobStop> {
        let mut left: Vec<usize> = (0..self.strip.files.len()).collect();
        let total = u32::try_from(left.len()).unwrap_or(u32::MAX);
        let distance = |place: usize| {
            let file = self.strip.files.get(place);
            file.map_or(u64::MAX, |file| self.strip.distance(file))
        };
        while !left.is_empty() {
            context.check()?;
            let nearest = (0..left.len()).min_by_key(|&at| distance(left[at]));
            let place = left.remove(nearest.unwrap_or(0));
            let Some(file) = self.strip.files.get(place) else {
                continue;
            };
            match work(place, file) {
                Ok(()) => {}
                Err(JobStop::Cancelled) => return Err(JobStop::Cancelled),
                Err(JobStop::Failed(reason)) if context.is_cancelled() => {
                    tracing::debug!("{reason}");
                    return Err(JobStop::Cancelled);
                }
                Err(JobStop::Failed(reason)) => {
                    tracing::info!("{}: no thumbnails: {reason}", file.path.display());
                }
            }
            context.progress(Progress {
                done: total - u32::try_from(left.len()).unwrap_or(total),
                total,
            });
        }
        Ok(())
    }

    /// Gets to know a file, and what is wanted of it.
    fn request_of(&self, file: &FileStrip, context: &JobContext) -> Result<StripRequest, JobStop> {
        let failed = |reason: String| JobStop::Failed(reason);
        let interrupter = Interrupter::from(context.cancel_flag());
        let mut input = Input::open_interruptible(&file.path, &interrupter)
            .map_err(|error| failed(error.to_string()))?;
        let (info, identity) = (media_info(&input), input.file_identity());
        let stream = info
            .default_video()
            .cloned()
            .ok_or_else(|| failed("it has no pictures".to_owned()))?;
        let index = kept_or_read_index(&mut input, &stream, self.indices.as_ref())
            .map_err(|error| failed(error.to_string()))?;
        drop(input);
        let mut parts = Vec::new();
        for &source in &file.sources {
            let number = source.0 as usize;
            let (Some(stated), Some(place)) = (
                self.strip.media.edit.source(source),
                self.strip.known.get(number),
            ) else {
                continue;
            };
            let known = ClipMedia::of_file(stream.clone(), stated, identity);
            known.learn(&index);
            let used = self.used_of(source).iter();
            parts.extend(used.map(|used| known.local(used.start)..known.local(used.end)));
            place.store(Some(Arc::new(known)));
        }
        let source = StripSource {
            path: file.path.clone(),
            file_bytes: info.container.bytes,
            stream,
            index,
        };
        let is_still = source.stream.is_still;
        let (strip, store) = (Arc::clone(&file.strip), self.store.clone());
        let request = StripRequest::new(source, self.scale, strip, store, Arc::clone(&self.clock));
        // A still is the same at all times.
        Ok(if is_still {
            request
        } else {
            request.of_parts(Parts::of(parts))
        })
    }

    /// What the timeline uses of a source.
    fn used_of(&self, source: SourceId) -> &[Range<MediaTime>] {
        let used = self.used.get_or_init(|| used_by_source(&self.strip));
        used.get(source.0 as usize).map_or(&[], Vec::as_slice)
    }
}

/// What an edit uses of each of its sources, looked up wherever a clip begins or ends or the picture leaps, and
/// once a second: speeds may change on the way.
fn used_by_source(strip: &TimelineStrip) -> Vec<Vec<Range<MediaTime>>> {
    let edit = &strip.media.edit;
    let mut used = vec![Vec::new(); strip.media.located.len()];
    let (rate, frames) = (edit.rate(), edit.frames());
    let second = (i64::from(rate.num()) / i64::from(rate.den())).max(1);
    let mut changes: Vec<i64> = edit.cuts().iter().map(|cut| cut.0).collect();
    let files = strip.files.iter().flat_map(|file| &file.uses);
    changes.extend(files.flat_map(|frames| [frames.start, frames.end]));
    changes.push(frames);
    changes.sort_unstable();
    let mut ops = Vec::new();
    let mut frame = FrameIndex::ZERO;
    while frame.0 < frames {
        let next = changes.partition_point(|change| *change <= frame.0);
        let next = changes.get(next).copied().unwrap_or(frames);
        let until = FrameIndex(next.min(frame.0 + second));
        edit.video_at(frame, &mut ops);
        for op in &ops {
            let VideoOp::Layer(layer) = op else { continue };
            let passed = layer.advance.scaled_nearest(until.0 - frame.0, 1);
            let (one, other) = (layer.media, layer.media + passed);
            if let Some(used) = used.get_mut(layer.source.0 as usize) {
                used.push(one.min(other)..one.max(other));
            }
        }
        frame = until;
    }
    used
}
