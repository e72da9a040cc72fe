//! Making proxies: the work of a job.
//!
//! The source is decoded once. Each picture goes to a thread for each size, which scales, encodes and
//! writes it, while the next one is decoded; small sizes are scaled from larger ones. What the player would
//! make of the source by decoding it again, thumbnails and waveforms, is made on the way.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;

use super::codec::{ProxyCodec, Quality};
use super::encoder::Job as EncoderJob;
use super::error::MakeError;
use super::feeder::{Feeder, PICTURES_AHEAD, join};
use super::folder::ProxyFolder;
use super::hardware::Hardware;
use super::output::{Material, Output, Piece, Written, shift_of};
use super::pictures::{Pictures, check};
use super::preset::Preset;
use super::products::{MadeProducts, Products};
use super::record::ProxyRecord;
use super::scale::Target;
use super::sound::SoundFeed;
use super::trial::{ChosenEncoder, EncoderChoice, choose};
use crate::cache::ProductStore;
use crate::decode::{
    FileIdentity, GopIndex, IndexStore, Input, Interrupter, ReaderOptions, VideoReader,
    kept_or_read_index, media_info,
};
use crate::jobs::{Job, JobContext, JobHandle, JobQueue, Priority, Progress, SubmitError};
use crate::media::{FieldOrder, MediaInfo, Size, VideoFrame, VideoStream};
use crate::memory::{FramePool, Ledger, MemoryBudget};
use crate::time::{Clock, FrameIndex, MediaTime};

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
    /// How many files are made at a time: they share the budget.
    pub at_a_time: NonZeroUsize,
    /// Whether proxies that are there already are made again.
    pub again: bool,
    /// Where indices of sources are kept, so that verifying need not read them once more.
    pub indices: Option<Arc<dyn IndexStore>>,
    /// Where thumbnails and waveforms are kept: those that are not there yet are made in the same pass.
    pub products: Option<Arc<dyn ProductStore>>,
    /// What decoded pictures are charged to.
    pub ledger: Option<Ledger>,
    /// What encodes H.264.
    pub encoder: EncoderChoice,
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

/// What encoded proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderUsed {
    /// FFmpeg's name of it.
    pub name: &'static str,
    /// Why it is not the one that was asked for.
    pub reason: Option<String>,
    /// How much of the pictures was kept.
    pub quality: Quality,
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
    /// What else was made in the same pass.
    pub products: MadeProducts,
    /// What encoded them; `None` where nothing had to be made.
    pub encoder: Option<EncoderUsed>,
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
        // Nothing grows, so that several presets may make the same: it is made once.
        let alike = |preset: &Preset| preset.least_alike(stream.size);
        let mut presets: Vec<Preset> = self.options.presets.iter().map(alike).collect();
        presets.sort_unstable();
        presets.dedup();
        let mut missing = presets.clone();
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
        for preset in presets {
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

/// A pass through a source.
struct Making<'a> {
    request: &'a MakeRequest,
    info: &'a MediaInfo,
    context: &'a JobContext,
    interrupter: Interrupter,
    missing: Vec<Preset>,
    place: &'a dyn Fn(Preset) -> PathBuf,
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
        if stream.color.transfer.is_hdr() && codec.is_rgb() {
            return Err(MakeError::Hdr(path.to_owned(), codec));
        }
        let shift = stream.time_base.span_from_ticks_nearest(shift_of(&index));
        let (file, store) = (input.file_identity(), request.options.products.as_ref());
        let ledger = request.options.ledger.as_ref();
        let clock = &request.clock;
        let mut products = Products::begin(self.info, &stream, &index, file, store, ledger, clock);
        let mut sounds = Vec::new();
        for (place, source) in self.info.audio.iter().enumerate() {
            let feed = SoundFeed::open(&input, source, place, shift, &self.interrupter)?;
            products.add_sound(self.info, source, feed.format().rate, file, store);
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
            index: &index,
            sounds: &formats,
        };
        let (outputs, encoder) = self.open_outputs(&material, &stream)?;
        let (fed, written) = std::thread::scope(|scope| {
            let (feeder, threads) = Feeder::start(scope, outputs, stream.size)?;
            let mut line = Line {
                feeder: &feeder,
                sounds: &mut sounds,
                products: &mut products,
            };
            let fed = self.feed(&mut line, &mut pictures, (number, frame));
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
            proxies: self.put_in_place(written, file)?,
            frames: index.len(),
            repeated,
            source_seconds: index.duration().as_secs_f64(),
            products: products.keep(pictures.reader.is_damaged()),
            encoder: Some(encoder),
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
            pool: self.pool(bytes),
            clock: Arc::clone(&self.request.clock),
            interrupter: self.interrupter.clone(),
        };
        Ok(VideoReader::new(again, stream.clone(), options)?)
    }

    /// A pool for `bytes` of pictures, within this file's part of half of the budget. What does not fit is decoded
    /// into memory of the decoder's own.
    fn pool(&self, bytes: u64) -> FramePool {
        let options = &self.request.options;
        let parts = 2 * options.at_a_time.get() as u64;
        match &options.ledger {
            Some(ledger) => FramePool::charged(bytes.min(ledger.limit() / parts), ledger.clone()),
            None => FramePool::new(bytes.min(MemoryBudget::for_this_machine().frame_bytes())),
        }
    }

    fn open_outputs(
        &self,
        material: &Material<'_>,
        stream: &VideoStream,
    ) -> Result<(Vec<Output>, EncoderUsed), MakeError> {
        let options = &self.request.options;
        let codec = options.codec;
        // The decoder has as many threads as there are cores; encoders get what a large machine has more
        // of than sizes, twice, for encoding costs less than decoding.
        let threads = options.threads.get() / (2 * self.missing.len().max(1));
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let targets: Vec<(Preset, Target)> = self
            .missing
            .iter()
            .map(|&preset| (preset, Target::of(preset, codec, stream)))
            .collect();
        let frames = u64::try_from(material.index.len()).unwrap_or(0);
        let bytes = targets.iter().map(|(preset, target)| {
            codec.estimated_bytes(*preset, target.size, stream.rate, frames)
        });
        let quality = quality_for(bytes.sum(), options.folder.free_bytes());
        let largest = targets.iter().max_by_key(|(_, target)| target.size.area());
        let chosen = largest.map_or_else(ChosenEncoder::default, |(preset, target)| {
            let job = EncoderJob {
                stream,
                preset: *preset,
                codec,
                quality,
                target,
                threads,
                hardware: None,
            };
            choose(options.encoder, material.index.duration(), &job)
        });
        let mut outputs = Vec::with_capacity(targets.len());
        for (preset, target) in targets {
            let pixel = codec.pixel_of(&target.color, chosen.hardware);
            let job = EncoderJob {
                stream,
                preset,
                codec,
                quality,
                target: &Target { pixel, ..target },
                threads,
                hardware: chosen.hardware,
            };
            outputs.push(Output::open(material, &job, &(self.place)(preset))?);
        }
        let used = EncoderUsed {
            name: chosen.hardware.map_or(codec.encoder(), Hardware::encoder),
            reason: chosen.reason,
            quality,
        };
        Ok((outputs, used))
    }

    /// Sends everything to the threads. Answers how many frames could not be decoded.
    fn feed(
        &self,
        line: &mut Line<'_>,
        pictures: &mut Pictures<'_>,
        first: (FrameIndex, Arc<VideoFrame>),
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
                line.sound_up_to(time_at(index, missing.offset(1)))?;
                line.feeder.send(&match &stand_in {
                    Some((_, frame)) => Piece::Picture(missing, Arc::clone(frame)),
                    None => Piece::Repeat(missing),
                })?;
                repeated += 1;
                next += 1;
            }
            let Some((number, frame)) = pending else {
                break;
            };
            line.sound_up_to(time_at(index, number.offset(1)))?;
            line.feeder
                .send(&Piece::Picture(number, Arc::clone(&frame)))?;
            line.products.picture(number, &frame);
            drop(frame);
            next = number.0 + 1;
            self.tell(next, frames);
            pending = pictures.next(FrameIndex(next))?;
        }
        line.sound_up_to(MediaTime::from_flicks(i64::MAX))?;
        // What was called off by now may be cut short.
        check(self.context)?;
        line.feeder.send(&Piece::End)?;
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

/// What there is room for: a proxy that is estimated to take more than half of what is free is made smaller. Where
/// nobody knows what is free, it will do.
fn quality_for(estimated_bytes: u64, free_bytes: Option<u64>) -> Quality {
    match free_bytes {
        Some(free) if estimated_bytes > free / 2 => Quality::Low,
        _ => Quality::Usual,
    }
}

/// When `frame` begins, as the file counts time; for ever after the last one.
fn time_at(index: &GopIndex, frame: FrameIndex) -> MediaTime {
    match index.pts_of(frame) {
        Some(pts) => index.time_base().time_from_ticks_nearest(pts),
        None => MediaTime::from_flicks(i64::MAX),
    }
}

/// Where what is read goes.
struct Line<'a> {
    feeder: &'a Feeder,
    sounds: &'a mut [SoundFeed],
    products: &'a mut Products,
}

impl Line<'_> {
    /// Sends all samples that begin before `until`.
    fn sound_up_to(&mut self, until: MediaTime) -> Result<(), MakeError> {
        for feed in &mut *self.sounds {
            while let Some(samples) = feed.next_before(until, self.products)? {
                self.feeder.send(&Piece::Sound(samples))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_disk_lowers_the_quality() {
        assert_eq!(quality_for(100, None), Quality::Usual);
        assert_eq!(quality_for(100, Some(200)), Quality::Usual);
        assert_eq!(quality_for(100, Some(199)), Quality::Low);
    }
}
