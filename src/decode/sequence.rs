//! Numbered pictures as a medium: PNG, JPEG, DPX, EXR, TIFF and whatever else holds a picture.
//!
//! Every picture is opened by its name like any other file, and only those that were found on disk
//! beforehand are; FFmpeg never hears of the others. Frames are numbered by the names, so that a gap
//! has its place in time. What is shown there is up to [`MissingFrames`](crate::timeline::MissingFrames).
//!
//! One thread walks along the plan and keeps the order, others decode pictures side by side. Each picture
//! stands for itself, so that reverse play and seeks cost no more than going forwards. They may differ in
//! size and format.

mod pictures;
mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use self::pictures::PictureDecoder;
use self::worker::{PlanState, Worker};
use super::frame_buffers::BufferCounters;
use super::index::GopIndex;
use super::input::OpenError;
use super::plan::{Generation, VideoPlan};
use super::probe::{probe, require_playable};
use super::ring::{FrameConsumer, frame_ring};
use super::rung::Rung;
use super::session::SessionOptions;
use super::source::{SourceStatus, VideoSource};
use super::source_file::Interrupter;
use super::video_reader::DecodeError;
use crate::media::{MediaInfo, PictureTrait, PictureTraits, VideoStream};
use crate::time::{FrameIndex, MediaTime};
use crate::timeline::LocatedSequence;

/// Threads that decode pictures, at most. More would hold more memory than the ring does.
const MAX_DECODERS: usize = 4;

/// Pictures that are tried in search of one that can be described.
const PROBED: usize = 8;

/// Describes a sequence by its first picture that can be read: one stream of pictures, at the rate of the
/// sequence. The path is the sequence's pattern; the size in bytes is that of the picture.
///
/// The error is that of the first picture.
pub fn media_info_of_sequence(sequence: &LocatedSequence) -> Result<MediaInfo, OpenError> {
    let mut failure = None;
    for frame in sequence.present_frames().take(PROBED) {
        let path = sequence.path_of(sequence.number_of(frame));
        let described = probe(&path).and_then(|info| {
            require_playable(&info)?;
            Ok(info)
        });
        match described {
            Ok(info) if !info.video.is_empty() => return Ok(as_sequence(info, sequence)),
            Ok(_) => {}
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    let name = sequence.pattern().display().to_string();
    Err(failure.unwrap_or(OpenError::NothingToPlay(
        name,
        "none of its pictures can be read".to_owned(),
    )))
}

fn as_sequence(mut info: MediaInfo, sequence: &LocatedSequence) -> MediaInfo {
    let rate = sequence.rate();
    let duration = rate
        .time_of_frame_nearest(FrameIndex(sequence.frames()))
        .since_zero();
    info.path = sequence.pattern();
    "numbered pictures".clone_into(&mut info.container.format_long);
    info.container.duration = Some(duration);
    info.container.start = MediaTime::ZERO;
    info.container.bit_rate = None;
    info.audio.clear();
    info.video.truncate(1);
    for stream in &mut info.video {
        stream.rate = rate;
        stream.time_base = rate.frame_base();
        stream.start = MediaTime::ZERO;
        stream.duration = Some(duration);
        stream.frames = u64::try_from(sequence.frames()).ok();
        stream.bit_rate = None;
        stream.timecode = None;
        stream.is_still = false;
    }
    info
}

/// What the threads share with the handle.
struct Shared {
    ready: AtomicU64,
    damaged: AtomicU64,
    decoded: AtomicU64,
    interlaced: AtomicBool,
    counters: Arc<BufferCounters>,
    fill: Arc<AtomicUsize>,
}

impl Shared {
    fn set_ready(&self, generation: Generation) {
        self.ready.fetch_max(generation.0, Ordering::Release);
    }
}

/// The handle of the threads that play a sequence. Dropping it ends them.
///
/// Beside the ring it holds as many decoded pictures as it has threads, and one more. A picture that
/// cannot be read is [`Missing`](super::Picture::Missing) with the reason, and the plan goes on.
pub struct SequenceSession {
    plans: Option<Sender<VideoPlan>>,
    newer_plans: Receiver<VideoPlan>,
    shared: Arc<Shared>,
    index: Arc<GopIndex>,
    capacity: usize,
    interrupter: Interrupter,
    threads: Vec<JoinHandle<()>>,
}

impl SequenceSession {
    /// Starts the threads. `stream` is what [`media_info_of_sequence`] says of the pictures; those that
    /// stand in for missing ones are of its size. Nothing is decoded before the first plan comes.
    pub fn start(
        sequence: LocatedSequence,
        stream: &VideoStream,
        options: SessionOptions,
    ) -> Result<(Self, FrameConsumer), DecodeError> {
        let (producer, consumer) = frame_ring(options.ring_frames);
        let capacity = producer.capacity();
        let decoders = options.threads.get().min(MAX_DECODERS);
        let ahead = decoders + 1;
        let shared = Arc::new(Shared {
            ready: AtomicU64::new(0),
            damaged: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
            interlaced: AtomicBool::new(false),
            counters: Arc::default(),
            fill: producer.fill(),
        });
        let (plans, orders) = bounded(1);
        let newer_plans = orders.clone();
        let (job_sender, jobs) = bounded(ahead);
        let (result_sender, results) = bounded(ahead);
        let index = Arc::new(GopIndex::constant(sequence.rate(), sequence.frames()));
        let interrupter = Interrupter::default();
        let epoch = Arc::new(AtomicU64::new(0));
        let name: String = {
            let folder = sequence.folder().file_name().unwrap_or_default();
            let name = folder.to_string_lossy();
            name.chars().filter(|c| *c != '\0').take(15).collect()
        };
        let mut session = Self {
            plans: Some(plans),
            newer_plans,
            shared: Arc::clone(&shared),
            index: Arc::clone(&index),
            capacity,
            interrupter: interrupter.clone(),
            threads: Vec::new(),
        };
        let decoder = || PictureDecoder {
            options: options.clone(),
            interrupter: interrupter.clone(),
            epoch: Arc::clone(&epoch),
            counters: Arc::clone(&shared.counters),
            reader: None,
        };
        let decoders: Vec<PictureDecoder> =
            std::iter::repeat_with(decoder).take(decoders).collect();
        let worker = Worker {
            orders,
            ring: producer,
            shared,
            options,
            sequence,
            index,
            size: stream.size,
            jobs: job_sender,
            results,
            outstanding: 0,
            next_job: 0,
            epoch,
            blank: None,
            plan: PlanState::default(),
        };
        // First, for it owns the channel whose end ends the others.
        session.spawn(format!("decode {name}"), move || worker.run())?;
        for decoder in decoders {
            let (jobs, results) = (jobs.clone(), result_sender.clone());
            session.spawn(format!("picture {name}"), move || {
                decoder.run(&jobs, &results);
            })?;
        }
        Ok((session, consumer))
    }

    fn spawn(
        &mut self,
        name: String,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), DecodeError> {
        let thread = std::thread::Builder::new()
            .name(name.clone())
            .spawn(body)
            .map_err(|error| DecodeError::Decoder(name, error.to_string()))?;
        self.threads.push(thread);
        Ok(())
    }
}

impl VideoSource for SequenceSession {
    fn set_plan(&mut self, plan: VideoPlan) {
        let Some(plans) = &self.plans else { return };
        // The latest plan wins: one that the thread has not taken yet is replaced.
        let mut plan = plan;
        while let Err(crossbeam_channel::TrySendError::Full(returned)) = plans.try_send(plan) {
            plan = returned;
            let _stale = self.newer_plans.try_recv();
        }
    }

    fn status(&self) -> SourceStatus {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        SourceStatus {
            repacked: 0,
            ready: Generation(self.shared.ready.load(Ordering::Acquire)),
            failure: None,
            ring_fill: (self.shared.fill.load(Ordering::Relaxed), self.capacity),
            damaged_packets: load(&self.shared.damaged),
            outside_pool: (
                load(&self.shared.counters.overflowed),
                load(&self.shared.counters.foreign),
            ),
            decoded: load(&self.shared.decoded),
            rung: Rung::Source,
            has_proxies: false,
            cost: None,
            left_out: 0,
            holds_lap: false,
        }
    }

    fn traits(&self, _frame: FrameIndex) -> PictureTraits {
        let is_interlaced = self.shared.interlaced.load(Ordering::Relaxed);
        PictureTraits::default().with(PictureTrait::Interlaced, is_interlaced)
    }

    fn index(&self) -> Arc<GopIndex> {
        Arc::clone(&self.index)
    }
}

impl Drop for SequenceSession {
    fn drop(&mut self) {
        self.interrupter.interrupt();
        // A closed channel of plans is the order to end; the others follow.
        self.plans = None;
        while self.newer_plans.try_recv().is_ok() {}
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!("the thread `{name}` panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests;
