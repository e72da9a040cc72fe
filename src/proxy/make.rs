//! Making proxies: the work of a job.
//!
//! The source is decoded once. Each picture goes to a thread for each size, which scales, encodes and
//! writes it, while the next one is decoded.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Scope, ScopedJoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::codec::ProxyCodec;
use super::error::MakeError;
use super::folder::ProxyFolder;
use super::output::{Material, Output, Piece, Written, shift_of};
use super::preset::Preset;
use super::record::ProxyRecord;
use super::scale::can_scale;
use super::sound::SoundFeed;
use super::walker::number_of;
use crate::decode::{
    FileIdentity, GopIndex, IndexStore, Input, Interrupter, ReaderOptions, Step, VideoReader,
    kept_or_read_index, media_info,
};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, JobStop, Priority, Progress, SubmitError};
use crate::media::{FieldOrder, MediaInfo, Size, VideoFrame, VideoStream};
use crate::memory::{FramePool, MemoryBudget};
use crate::time::{Clock, FrameIndex, MediaTime};

/// Pictures that wait for an encoder, at most. More would only take memory: the slowest thread decides.
const PICTURES_AHEAD: usize = 3;

/// Pictures that a decoder refers to, at most.
const DECODER_PICTURES: usize = 17;

/// The listener hears of every so many frames.
const FRAMES_A_NEWS: i64 = 8;

/// What is to be made.
#[derive(Debug, Clone)]
pub struct MakeOptions {
    /// The sizes.
    pub presets: Vec<Preset>,
    /// The codec.
    pub codec: ProxyCodec,
    /// Where proxies are kept.
    pub folder: ProxyFolder,
    /// Threads that decode. Each size has a thread more that scales, and encoders have some of their own.
    pub threads: NonZeroUsize,
    /// Whether proxies that are there already are made again.
    pub again: bool,
    /// Where indices of sources are kept, so that verifying need not read them once more.
    pub indices: Option<Arc<dyn IndexStore>>,
}

/// A proxy that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeProxy {
    /// Where it is.
    pub path: PathBuf,
    /// Its kind.
    pub preset: Preset,
    /// The size of its pictures; `None` where it was there already.
    pub size: Option<Size>,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What came of a request.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// The proxies, in the order in which they were asked for.
    pub proxies: Vec<MadeProxy>,
    /// Frames of the source; 0 where nothing had to be made.
    pub frames: i64,
    /// Frames that could not be decoded, and for which the ones before stand.
    pub repeated: i64,
    /// Length of the source in seconds.
    pub source_seconds: f64,
}

/// Proxies to be made of one file.
#[derive(Debug)]
pub struct MakeRequest {
    source: PathBuf,
    options: MakeOptions,
    clock: Arc<dyn Clock>,
    made: Arc<Mutex<Made>>,
}

impl MakeRequest {
    /// Proxies of `source`.
    pub fn new(source: PathBuf, options: MakeOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            options,
            clock,
            made: Arc::default(),
        }
    }

    /// What came of it, once the job is done.
    pub fn made(&self) -> Arc<Mutex<Made>> {
        Arc::clone(&self.made)
    }

    /// Submits the job. It yields to playing.
    ///
    /// # Errors
    /// When the queue is full.
    pub fn submit(self, queue: &JobQueue) -> Result<JobHandle, SubmitError> {
        let key = format!("proxies of {}", self.source.display());
        let job = Job::new(key, move |context| {
            self.make(context).map_err(|e| (&e).into())
        });
        queue.submit(job.priority(Priority::Low).yields())
    }

    /// Makes them, as the work of a job.
    pub(super) fn make(&self, context: &JobContext) -> Result<(), MakeError> {
        check(context)?;
        let interrupter = Interrupter::from(context.cancel_flag()).with_pulse(context.pulse());
        let input = Input::open_interruptible(&self.source, &interrupter)?;
        let info = media_info(&input);
        let stream = self.usable_stream(&info)?;
        let folder = &self.options.folder;
        folder
            .prepare()
            .map_err(|error| MakeError::write(folder.path(), error))?;
        let file = input.file_identity();
        let place = |preset| {
            let codec = self.options.codec;
            folder.place_of(&self.source, file, stream.id, preset, codec)
        };
        let is_there = |preset: &Preset| {
            let record = ProxyRecord::read_beside(&place(*preset));
            let now = FileIdentity::of_path(&place(*preset)).ok();
            record.is_some_and(|record| Some(record.proxy_file) == now)
        };
        let mut missing = self.options.presets.clone();
        missing.retain(|preset| self.options.again || !is_there(preset));
        let mut made = Made::default();
        if !missing.is_empty() {
            let job = Making {
                request: self,
                info: &info,
                context,
                interrupter,
                missing,
                place: &place,
            };
            made = job.run(input, stream.clone())?;
        }
        for &preset in &self.options.presets {
            let path = place(preset);
            if made.proxies.iter().all(|made| made.preset != preset) {
                let bytes = FileIdentity::of_path(&path).map_or(0, |file| file.bytes);
                made.proxies.push(MadeProxy {
                    path,
                    preset,
                    size: None,
                    bytes,
                });
            }
        }
        made.proxies.sort_by_key(|made| made.preset);
        *self.made.lock() = made;
        Ok(())
    }

    /// The pictures, if proxies can be made of them.
    fn usable_stream<'a>(&self, info: &'a MediaInfo) -> Result<&'a VideoStream, MakeError> {
        let path = || self.source.clone();
        let stream = info.default_video();
        let stream = stream.ok_or_else(|| MakeError::NoPictures(path()))?;
        if stream.is_still {
            return Err(MakeError::Still(path()));
        }
        if stream.format.alpha {
            return Err(MakeError::Alpha(path()));
        }
        if !self.options.codec.is_available() {
            return Err(MakeError::NoEncoder(self.options.codec));
        }
        Ok(stream)
    }
}

/// Whether to go on; waits while the queue is paused.
fn check(context: &JobContext) -> Result<(), MakeError> {
    context
        .check()
        .map_err(|_stop: JobStop| MakeError::Cancelled)
}

/// A pass through a source.
struct Making<'a> {
    request: &'a MakeRequest,
    info: &'a MediaInfo,
    context: &'a JobContext,
    interrupter: Interrupter,
    missing: Vec<Preset>,
    place: &'a dyn Fn(Preset) -> PathBuf,
}

/// Decodes a source from its beginning.
struct Pictures<'a> {
    reader: VideoReader,
    index: &'a GopIndex,
    context: &'a JobContext,
    path: &'a Path,
    size: Size,
    /// Those of the first picture.
    fields: Option<FieldOrder>,
    /// The frame after the last picture that came out.
    after: Option<FrameIndex>,
}

impl Pictures<'_> {
    /// The next frame that can be decoded, if its number is at least `least`; `None` at the end.
    fn next(
        &mut self,
        least: FrameIndex,
    ) -> Result<Option<(FrameIndex, Arc<VideoFrame>)>, MakeError> {
        loop {
            check(self.context)?;
            let picture = match self.reader.step(&|_| true) {
                Ok(Step::Progress) => continue,
                Ok(Step::Picture(picture)) => picture,
                Ok(Step::End) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let number = number_of(&picture, self.index, self.after);
            self.after = number.map(|number| number.offset(1)).or(self.after);
            // What is no frame of its own is never shown, such as the other field of one.
            let Some(number) = number.filter(|&number| number >= least) else {
                continue;
            };
            match self.reader.frame(picture) {
                Ok(frame) => {
                    self.check_kind(&frame)?;
                    return Ok(Some((number, Arc::new(frame))));
                }
                Err(error) => tracing::debug!("frame {number} is left out: {error}"),
            }
        }
    }

    /// Proxies are of one size, and of one kind of scanning, throughout.
    fn check_kind(&mut self, frame: &VideoFrame) -> Result<(), MakeError> {
        let path = || self.path.to_owned();
        if frame.size != self.size {
            return Err(MakeError::SizeChanges(path(), self.size, frame.size));
        }
        if !can_scale(frame.format, frame.color.matrix) {
            return Err(MakeError::Matrix(path(), frame.color.matrix));
        }
        if frame.fields != *self.fields.get_or_insert(frame.fields) {
            return Err(MakeError::FieldsChange(path()));
        }
        Ok(())
    }
}

impl Making<'_> {
    fn run(self, mut input: Input, mut stream: VideoStream) -> Result<Made, MakeError> {
        let request = self.request;
        let path = request.source.as_path();
        let indices = request.options.indices.as_ref();
        let index = kept_or_read_index(&mut input, &stream, indices)?;
        let mut pictures = Pictures {
            reader: self.open_reader(&input, &stream)?,
            index: &index,
            context: self.context,
            path,
            size: stream.size,
            fields: None,
            after: Some(FrameIndex::ZERO),
        };
        // What pictures say of themselves counts for more than what the container says.
        let first = pictures.next(FrameIndex::ZERO)?;
        let Some((number, frame)) = first else {
            return Err(MakeError::NoPictures(path.to_owned()));
        };
        stream.color = frame.color;
        stream.fields = frame.fields;
        let codec = request.options.codec;
        if stream.fields != FieldOrder::Progressive && !codec.keeps_fields() {
            return Err(MakeError::Fields(path.to_owned(), codec));
        }
        let shift = stream.time_base.span_from_ticks_nearest(shift_of(&index));
        let mut sounds = Vec::new();
        for (place, source) in self.info.audio.iter().enumerate() {
            let feed = SoundFeed::open(&input, source, place, shift, &self.interrupter)?;
            sounds.push(feed);
        }
        let formats: Vec<_> = self
            .info
            .audio
            .iter()
            .zip(&sounds)
            .map(|(source, feed)| (source.id, feed.format().clone()))
            .collect();
        let material = Material {
            input: &input,
            stream: &stream,
            index: &index,
            sounds: &formats,
        };
        let outputs = self.open_outputs(&material)?;
        let (fed, written) = std::thread::scope(|scope| {
            let (feeder, threads) = Feeder::start(scope, outputs)?;
            let fed = self.feed(&feeder, &mut pictures, (number, frame), &mut sounds);
            drop(feeder);
            let written = join(threads);
            Ok::<_, MakeError>((fed, written))
        })?;
        // Where a thread gave up, feeding ended for that reason.
        let written = written?;
        let repeated = fed?;
        if input.file_change().is_some() {
            return Err(MakeError::Changed(path.to_owned()));
        }
        Ok(Made {
            proxies: self.put_in_place(written, input.file_identity())?,
            frames: index.len(),
            repeated,
            source_seconds: index.duration().as_secs_f64(),
        })
    }

    fn open_reader(&self, input: &Input, stream: &VideoStream) -> Result<VideoReader, MakeError> {
        let again = Input::open_same(input.same_file()?, &self.interrupter)?;
        let threads = self.request.options.threads;
        let picture = u64::try_from(
            (0..stream.format.plane_count())
                .map(|plane| {
                    let rows = stream.format.plane_size(plane, stream.size).1;
                    stream.format.row_bytes(plane, stream.size) * (rows + 64)
                })
                .sum::<usize>(),
        );
        let pictures = threads.get() + DECODER_PICTURES + PICTURES_AHEAD + 2;
        let bytes = picture.unwrap_or(0).saturating_mul(2 * pictures as u64);
        let options = ReaderOptions {
            threads,
            // What does not fit is decoded into memory of the decoder's own.
            pool: FramePool::new(bytes.min(MemoryBudget::for_this_machine().frame_bytes())),
            clock: Arc::clone(&self.request.clock),
            interrupter: self.interrupter.clone(),
        };
        Ok(VideoReader::new(again, stream.clone(), options)?)
    }

    fn open_outputs(&self, material: &Material<'_>) -> Result<Vec<Output>, MakeError> {
        let options = &self.request.options;
        // The decoder has as many threads as there are cores; encoders get what a large machine has more
        // of than sizes, twice, for encoding costs less than decoding.
        let threads = options.threads.get() / (2 * self.missing.len().max(1));
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        self.missing
            .iter()
            .map(|&preset| {
                let place = (self.place)(preset);
                Output::open(material, preset, options.codec, &place, threads)
            })
            .collect()
    }

    /// Sends everything to the threads. Answers how many frames could not be decoded.
    fn feed(
        &self,
        feeder: &Feeder,
        pictures: &mut Pictures<'_>,
        first: (FrameIndex, Arc<VideoFrame>),
        sounds: &mut [SoundFeed],
    ) -> Result<i64, MakeError> {
        let index = pictures.index;
        let frames = index.len();
        let mut repeated = 0;
        let mut next = 0;
        let mut pending = Some(first);
        while next < frames {
            let number = pending.as_ref().map_or(frames, |(number, _)| number.0);
            // Where the first ones cannot be decoded, the first that can be stands for them.
            let stand_in = pending.as_ref().filter(|_| next == 0).cloned();
            while next < number {
                let missing = FrameIndex(next);
                sound_up_to(sounds, time_at(index, missing.offset(1)), feeder)?;
                match &stand_in {
                    Some((_, frame)) => feeder.send(&Piece::Picture(missing, Arc::clone(frame)))?,
                    None => feeder.send(&Piece::Repeat(missing))?,
                }
                repeated += 1;
                next += 1;
            }
            let Some((number, frame)) = pending else {
                break;
            };
            sound_up_to(sounds, time_at(index, number.offset(1)), feeder)?;
            feeder.send(&Piece::Picture(number, frame))?;
            next = number.0 + 1;
            self.tell(next, frames);
            pending = pictures.next(FrameIndex(next))?;
        }
        let end = MediaTime::from_flicks(i64::MAX);
        sound_up_to(sounds, end, feeder)?;
        // What was called off by now may be cut short.
        check(self.context)?;
        feeder.send(&Piece::End)?;
        Ok(repeated)
    }

    fn tell(&self, done: i64, total: i64) {
        if done % FRAMES_A_NEWS == 0 || done == total {
            let steps = |frames: i64| u32::try_from(frames).unwrap_or(u32::MAX);
            self.context.progress(Progress {
                done: steps(done),
                total: steps(total),
            });
        }
    }

    /// Gives finished proxies their names, their records first: what has its name is complete.
    fn put_in_place(
        &self,
        written: Vec<Written>,
        source_file: FileIdentity,
    ) -> Result<Vec<MadeProxy>, MakeError> {
        let request = self.request;
        let mut made = Vec::new();
        for written in written {
            let path = (self.place)(written.preset);
            let record = ProxyRecord {
                source: std::path::absolute(&request.source)
                    .unwrap_or_else(|_| request.source.clone()),
                source_file,
                proxy_file: written.file,
                preset: written.preset,
                codec: request.options.codec,
                verified: None,
            };
            let fail = |error| MakeError::write(&path, error);
            record.write_beside(&path).map_err(fail)?;
            let path = written.part.finish().map_err(fail)?;
            made.push(MadeProxy {
                path,
                preset: written.preset,
                size: Some(written.size),
                bytes: written.file.bytes,
            });
        }
        request
            .options
            .folder
            .sync()
            .map_err(|error| MakeError::write(request.options.folder.path(), error))?;
        Ok(made)
    }
}

/// When `frame` begins, as the file counts time; for ever after the last one.
fn time_at(index: &GopIndex, frame: FrameIndex) -> MediaTime {
    match index.pts_of(frame) {
        Some(pts) => index.time_base().time_from_ticks_nearest(pts),
        None => MediaTime::from_flicks(i64::MAX),
    }
}

fn sound_up_to(
    sounds: &mut [SoundFeed],
    until: MediaTime,
    feeder: &Feeder,
) -> Result<(), MakeError> {
    for feed in sounds {
        while let Some(samples) = feed.next_before(until)? {
            feeder.send(&Piece::Sound(samples))?;
        }
    }
    Ok(())
}

type Threads<'scope> = Vec<ScopedJoinHandle<'scope, Result<Option<Written>, MakeError>>>;

/// Sends pieces to all threads.
struct Feeder(Vec<Sender<Piece>>);

impl Feeder {
    fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        outputs: Vec<Output>,
    ) -> Result<(Self, Threads<'scope>), MakeError> {
        let mut senders = Vec::new();
        let mut threads = Vec::new();
        for output in outputs {
            let (sender, pieces): (Sender<Piece>, Receiver<Piece>) = bounded(PICTURES_AHEAD);
            let thread = std::thread::Builder::new()
                .name(format!("proxy {}", threads.len() + 1))
                .spawn_scoped(scope, move || output.run(&pieces))
                .map_err(MakeError::Thread)?;
            senders.push(sender);
            threads.push(thread);
        }
        Ok((Self(senders), threads))
    }

    /// Waits while the slowest thread is behind.
    fn send(&self, piece: &Piece) -> Result<(), MakeError> {
        for sender in &self.0 {
            // A thread that hears no more has failed, and says why when it is joined.
            let sent = sender.send(piece.clone());
            sent.map_err(|_closed| MakeError::Cancelled)?;
        }
        Ok(())
    }
}

/// Waits for the threads: all of them wrote their proxies, or one says why not.
fn join(threads: Threads<'_>) -> Result<Vec<Written>, MakeError> {
    let mut all = Vec::new();
    let mut failure = None;
    for thread in threads {
        match thread.join() {
            Ok(Ok(written)) => all.extend(written),
            Ok(Err(error)) => failure = failure.or(Some(error)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    failure.map_or(Ok(all), Err)
}
