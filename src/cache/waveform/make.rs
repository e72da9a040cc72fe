//! Making a waveform: the work of the job.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use super::fill::{Filler, SEGMENT_SAMPLES};
use super::pyramid::{MOST_SEGMENTS, Segment, State, Waveform};
use super::wire;
use crate::cache::source::{self, failed};
use crate::cache::{ProductKey, ProductKind, ProductStore};
use crate::decode::{AudioChunk, AudioRead, AudioReadError, AudioReader, FileIdentity};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, Progress, SubmitError};
use crate::media::{AudioStream, MediaInfo, StreamId};
use crate::time::{MediaSpan, MediaTime};

/// Chunks from one look at whether to go on to the next: a second or two of sound.
const CHUNKS_A_LOOK: u32 = 64;

/// A stream of sound that a waveform is made of.
#[derive(Debug, Clone)]
pub struct WaveformSource {
    /// The file.
    pub path: PathBuf,
    /// Its size when it was opened for playing: another one means another file.
    pub file_bytes: u64,
    /// The stream.
    pub stream: StreamId,
    /// The time stamp of media time zero: that of the first picture, or the stream's own where there is
    /// none.
    pub zero: MediaTime,
    /// Its length as declared, to tell how far the work has come.
    pub duration: Option<MediaSpan>,
}

impl WaveformSource {
    /// The sound of `stream`, one of `info`, whose time zero is that of playing.
    pub fn of(info: &MediaInfo, stream: &AudioStream) -> Self {
        Self {
            path: info.path.clone(),
            file_bytes: info.container.bytes,
            stream: stream.id,
            zero: info
                .default_video()
                .map_or(stream.start, |video| video.start),
            duration: stream.duration.or(info.container.duration),
        }
    }
}

/// A waveform to be made.
#[derive(Debug)]
pub struct WaveformRequest {
    pub(super) source: WaveformSource,
    pub(super) waveform: Arc<Waveform>,
    store: Option<Arc<dyn ProductStore>>,
}

impl WaveformRequest {
    /// The waveform of `source`, for `waveform`. What `store` keeps is taken from there.
    pub fn new(
        source: WaveformSource,
        waveform: Arc<Waveform>,
        store: Option<Arc<dyn ProductStore>>,
    ) -> Self {
        Self {
            source,
            waveform,
            store,
        }
    }

    /// Submits the job. It yields to playing.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn submit(self, queue: &JobQueue) -> Result<JobHandle, SubmitError> {
        let name = self.source.path.display();
        let key = format!("waveform of {name}, stream {}", self.source.stream.0);
        let job = Job::new(key, move |context| self.make(context));
        queue.submit(job.priority(Priority::Normal).yields())
    }

    /// Does the work as a part of the job that `context` belongs to.
    ///
    /// # Errors
    /// When the job is cancelled, or the file cannot be read or is another one by now.
    pub fn make(&self, context: &JobContext) -> Result<(), JobStop> {
        context.check()?;
        let file = FileIdentity::of_path(&self.source.path).map_err(failed)?;
        if let Some(kept) = self.load(file) {
            self.waveform.publish(kept);
            return Ok(());
        }
        let (mut reader, file) = self.open(context)?;
        let is_settled = file.is_settled();
        let rate = reader.format().rate;
        let aim = segment_at(self.waveform.aimed_at(), rate);
        let known = self.source.duration.map_or(0, |duration| {
            let samples = usize::try_from(duration.samples_nearest(rate)).unwrap_or(0);
            samples.div_ceil(SEGMENT_SAMPLES)
        });
        // Where the place looked at is not known to exist, the beginning is as good.
        let mut first = if aim < known { aim } else { 0 };
        self.waveform.publish(State {
            rate: Some(rate),
            segments: vec![None; known.min(MOST_SEGMENTS)],
        });
        if first > 0 && reader.seek(start_of(first, rate)).is_err() {
            // A stream that cannot be searched is read from its beginning.
            (reader, _) = self.open(context)?;
            first = 0;
        }
        let mut pass = Pass::new(self, rate, first);
        let mut end = pass.read(|| reader.read(), MOST_SEGMENTS, context)?;
        let mut is_whole = pass.is_whole;
        if first > 0 {
            reader.seek(MediaTime::ZERO).map_err(failed)?;
            let mut pass = Pass::new(self, rate, 0);
            let up_to = pass.read(|| reader.read(), first, context)?;
            is_whole &= pass.is_whole;
            // It may be shorter than declared, and have ended before the place looked at.
            if end == first {
                end = up_to;
            }
        }
        // A damaged file may read better next time.
        self.finish(end, file, is_whole && is_settled);
        Ok(())
    }

    fn open(&self, context: &JobContext) -> Result<(AudioReader, FileIdentity), JobStop> {
        let input = source::open(&self.source.path, self.source.file_bytes, context)?;
        let file = input.file_identity();
        let reader = AudioReader::of_input(input, self.source.stream, self.source.zero);
        Ok((reader.map_err(failed)?, file))
    }

    /// The stream ended after `end` segments: there are no more, whatever was declared.
    ///
    /// Answers whether they are offered to the store.
    pub(super) fn finish(&self, end: usize, file: FileIdentity, is_sound: bool) -> bool {
        let mut state = State::clone(&self.waveform.state());
        state.segments.truncate(end);
        let packed = wire::pack(&state);
        self.waveform.publish(state);
        // What was made of a file that changed meanwhile is worth nothing.
        let is_same =
            is_sound && FileIdentity::of_path(&self.source.path).is_ok_and(|now| now == file);
        let (Some(store), Some(bytes), true) = (&self.store, packed, is_same) else {
            return false;
        };
        store.store(&self.key(file), &bytes);
        true
    }

    /// Lets a segment be seen.
    pub(super) fn show(&self, place: usize, segment: Segment) {
        let mut state = State::clone(&self.waveform.state());
        state.put(place, segment);
        self.waveform.publish(state);
    }

    fn key(&self, file: FileIdentity) -> ProductKey {
        let parameters = format!(
            "stream {} zero {}",
            self.source.stream.0,
            self.source.zero.flicks()
        );
        ProductKey {
            kind: ProductKind::Waveform,
            path: self.source.path.clone(),
            file,
            parameters: parameters.into_bytes(),
        }
    }

    pub(super) fn load(&self, file: FileIdentity) -> Option<State> {
        let store = self
            .store
            .as_ref()
            .filter(|_| file.bytes == self.source.file_bytes)?;
        wire::unpack(&store.load(&self.key(file))?)
    }
}

/// The segment that a time lies in.
fn segment_at(time: MediaTime, rate: NonZeroU32) -> usize {
    let sample = time.since_zero().samples_nearest(rate);
    usize::try_from(sample).unwrap_or(0) / SEGMENT_SAMPLES
}

/// Where a segment begins.
fn start_of(segment: usize, rate: NonZeroU32) -> MediaTime {
    let sample = i64::try_from(segment * SEGMENT_SAMPLES).unwrap_or(i64::MAX);
    MediaTime::ZERO + MediaSpan::from_samples_nearest(sample, rate)
}

/// Reading on through a stretch of segments.
struct Pass<'a> {
    request: &'a WaveformRequest,
    filler: Filler,
    /// Nothing failed to be read.
    is_whole: bool,
}

impl<'a> Pass<'a> {
    fn new(request: &'a WaveformRequest, rate: NonZeroU32, segment: usize) -> Self {
        Self {
            request,
            filler: Filler::new(rate, segment),
            is_whole: true,
        }
    }

    /// Reads up to segment `end` or the end of the stream; answers how many segments there are up to
    /// there.
    fn read(
        &mut self,
        mut next: impl FnMut() -> Result<AudioRead, AudioReadError>,
        end: usize,
        context: &JobContext,
    ) -> Result<usize, JobStop> {
        let request = self.request;
        let mut show = |place: usize, segment: Segment| {
            request.show(place, segment);
            let (made, total) = request.waveform.made();
            let count = |segments: usize| u32::try_from(segments).unwrap_or(u32::MAX);
            context.progress(Progress {
                done: count(made),
                total: count(total),
            });
        };
        let mut chunks = 0;
        while self.filler.segment() < end {
            if chunks % CHUNKS_A_LOOK == 0 {
                context.check()?;
            }
            chunks += 1;
            match next() {
                Ok(AudioRead::Chunk(chunk)) => {
                    let AudioChunk { start, samples } = &chunk;
                    self.filler.add(*start, samples, end, &mut show);
                }
                Ok(AudioRead::End) => break,
                Err(error) if context.is_cancelled() => return Err(failed(error)),
                Err(error) => {
                    tracing::warn!("the waveform ends early: {error}");
                    self.is_whole = false;
                    break;
                }
            }
        }
        Ok(self.filler.end(end, &mut show))
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::jobs::{JobListener, QueueOptions};

    #[test]
    fn a_pass_knows_whether_everything_was_read() {
        let rate = NonZeroU32::new(8_000).unwrap();
        for fails in [false, true] {
            let source = WaveformSource {
                path: PathBuf::from("sound.wav"),
                file_bytes: 0,
                stream: StreamId(0),
                zero: MediaTime::ZERO,
                duration: None,
            };
            let found: Arc<Mutex<Option<bool>>> = Arc::default();
            let told = Arc::clone(&found);
            let job = Job::new("pass", move |context| {
                let request = WaveformRequest::new(source, Arc::new(Waveform::new()), None);
                let mut pass = Pass::new(&request, rate, 0);
                let failure = || AudioReadError::Read("sound.wav".to_owned(), "EIO".to_owned());
                let read = || {
                    if fails {
                        Err(failure())
                    } else {
                        Ok(AudioRead::End)
                    }
                };
                assert_eq!(pass.read(read, 1, context), Ok(0));
                *told.lock() = Some(pass.is_whole);
                Ok(())
            });
            let options = QueueOptions {
                workers: 0,
                waiting: 1,
            };
            let listener: JobListener = Arc::new(|_| {});
            let queue = JobQueue::new(options, listener).unwrap();
            queue.submit(job).unwrap();
            queue.run_one().unwrap();
            assert_eq!(*found.lock(), Some(!fails));
        }
    }
}
