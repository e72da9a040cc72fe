//! The latest frames, as the profiler gave them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use puffin::{FrameData, Reader, ScopeCollection, UnpackedFrameData};

use super::frame::ProfileFrame;
use super::gpu::GpuPass;
use crate::metrics::FrameRecord;
use crate::time::Moment;

/// What a frame takes beside its streams, about: tables of threads, places in the log.
const FRAME_BYTES: usize = 1024;

/// Passes that wait for their frame at most. They come frames after it, and wait only for the one under way.
const WAITING_PASSES: usize = 256;

/// How much of the past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileLimits {
    /// Frames.
    pub frames: usize,
    /// Bytes that their streams take.
    pub bytes: usize,
}

impl Default for ProfileLimits {
    /// Ten seconds at 60 frames a second, and 64 MiB: a frame of this program takes about one kilobyte.
    fn default() -> Self {
        Self {
            frames: 600,
            bytes: 64 << 20,
        }
    }
}

/// A turn of the presenting thread, on the engine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// When it began.
    pub begun: Moment,
    /// When the next one began.
    pub ended: Moment,
}

impl Turn {
    /// Whether what the record tells of was presented, or should have been seen, in this turn.
    pub fn has(self, record: &FrameRecord) -> bool {
        let at = record.presented.unwrap_or(record.due);
        self.begun <= at && at < self.ended
    }
}

/// What a frame cost, known without reading all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameCost {
    /// Counts turns since the program began.
    pub number: u64,
    /// Place among all frames that were logged.
    pub ordinal: u64,
    /// What the presenting thread's outermost scopes took, waiting for the display included. Nothing in a turn
    /// in which only other threads worked.
    pub work_nanos: u64,
    /// When it was.
    pub turn: Turn,
    /// When the presenting thread's first scope began, with the turn, on the profiler's clock; `None` where it had
    /// none.
    pub began_nanos: Option<i64>,
    /// Passes of the GPU whose times are known so far.
    pub gpu_passes: usize,
}

/// Keeps the latest frames that the profiler delivered.
///
/// It belongs to the presenting thread. What is beyond its [`ProfileLimits`] goes, the oldest first. A clone
/// shares the frames, so that another thread can write them into a file.
#[derive(Clone)]
pub struct ProfileLog {
    limits: ProfileLimits,
    /// Name of the thread that presents.
    presenter: Arc<str>,
    /// Oldest first; their numbers ascend.
    frames: VecDeque<Kept>,
    bytes: usize,
    /// Frames that have gone.
    gone: u64,
    scopes: ScopeCollection,
    /// Passes submitted after the last frame that is here.
    waiting: VecDeque<GpuPass>,
}

#[derive(Clone)]
struct Kept {
    frame: Arc<UnpackedFrameData>,
    turn: Turn,
    work_nanos: u64,
    /// From the begin of the presenting thread's first scope to the end of its last, on the profiler's clock.
    presenter_nanos: Option<(i64, i64)>,
    gpu: Vec<GpuPass>,
}

impl fmt::Debug for ProfileLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileLog")
            .field("frames", &self.frames.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl ProfileLog {
    /// An empty log for frames that the thread `presenter` delimits.
    pub fn new(presenter: &str, limits: ProfileLimits) -> Self {
        Self {
            limits,
            presenter: presenter.into(),
            frames: VecDeque::new(),
            bytes: 0,
            gone: 0,
            scopes: ScopeCollection::default(),
            waiting: VecDeque::new(),
        }
    }

    /// Takes a frame that the profiler has delivered, which is that of `turn`.
    pub fn push(&mut self, frame: &FrameData, turn: Turn) {
        for scope in &frame.scope_delta {
            self.scopes.insert(Arc::clone(scope));
        }
        // Frames are delivered unpacked; one that somebody packed and that is damaged is left out.
        let Ok(frame) = frame.unpacked() else { return };
        if self
            .frames
            .back()
            .is_some_and(|last| last.frame.frame_index() >= frame.frame_index())
        {
            return;
        }
        let mut own = frame
            .thread_streams
            .iter()
            .filter(|(info, _)| info.name == *self.presenter);
        let own = own.next().map(|(_, stream)| stream);
        let scopes = own
            .into_iter()
            .flat_map(|own| Reader::from_start(&own.stream));
        let work_nanos = scopes
            .filter_map(Result::ok)
            .map(|scope| scope.record.duration_ns.unsigned_abs())
            .sum();
        self.bytes += frame.meta.num_bytes + FRAME_BYTES;
        self.frames.push_back(Kept {
            presenter_nanos: own.map(|own| own.range_ns),
            frame,
            turn,
            work_nanos,
            gpu: Vec::new(),
        });
        while self.frames.len() > self.limits.frames || self.bytes > self.limits.bytes {
            let Some(oldest) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= oldest.frame.meta.num_bytes + FRAME_BYTES;
            self.gone += 1;
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.push_gpu(waiting);
    }

    /// Takes passes of the GPU, which come some frames after they were submitted. Each goes to the frame that
    /// submitted it; what belongs to none that is kept is forgotten.
    pub fn push_gpu(&mut self, passes: impl IntoIterator<Item = GpuPass>) {
        for pass in passes {
            let at = pass.submitted_nanos;
            let holds = |kept: &&mut Kept| {
                kept.presenter_nanos
                    .is_some_and(|(begin, end)| begin <= at && at <= end)
            };
            if let Some(kept) = self.frames.iter_mut().rev().find(holds) {
                kept.gpu.push(pass);
                continue;
            }
            let ends = self
                .frames
                .iter()
                .rev()
                .find_map(|kept| kept.presenter_nanos);
            if ends.is_none_or(|(_, end)| at > end) {
                if self.waiting.len() == WAITING_PASSES {
                    self.waiting.pop_front();
                }
                self.waiting.push_back(pass);
            }
        }
    }

    /// What each frame cost, oldest first.
    pub fn costs(&self) -> impl DoubleEndedIterator<Item = FrameCost> + ExactSizeIterator {
        (0..self.frames.len()).map(|index| self.cost_at(index))
    }

    /// What the frame `number` cost, if it is kept.
    pub fn cost(&self, number: u64) -> Option<FrameCost> {
        Some(self.cost_at(self.index_of(number)?))
    }

    fn cost_at(&self, index: usize) -> FrameCost {
        let kept = &self.frames[index];
        FrameCost {
            number: kept.frame.frame_index(),
            ordinal: self.gone + index as u64,
            work_nanos: kept.work_nanos,
            turn: kept.turn,
            began_nanos: kept.presenter_nanos.map(|(began, _)| began),
            gpu_passes: kept.gpu.len(),
        }
    }

    fn index_of(&self, number: u64) -> Option<usize> {
        self.frames
            .binary_search_by_key(&number, |kept| kept.frame.frame_index())
            .ok()
    }

    /// Reads the frame `number`, if it is kept.
    pub fn frame(&self, number: u64) -> Option<ProfileFrame> {
        Some(self.read(&self.frames[self.index_of(number)?]))
    }

    /// Reads all frames, oldest first, one after another.
    pub fn frames(&self) -> impl Iterator<Item = ProfileFrame> {
        self.frames.iter().map(|kept| self.read(kept))
    }

    fn read(&self, kept: &Kept) -> ProfileFrame {
        ProfileFrame::read(&kept.frame, &self.scopes, &kept.gpu, &self.presenter)
    }

    /// When the earliest span of all begins, in nanoseconds of the profiler's clock.
    pub fn start_nanos(&self) -> Option<i64> {
        self.frames.iter().map(|kept| kept.frame.range_ns().0).min()
    }

    /// Bytes that it takes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}
