//! A second way into a stream: pictures of keyframes alone.
//!
//! While the playhead is dragged over long GOPs, the session's own decoder would have to decode half a
//! GOP for every target, and be told to stop half-way. Here one packet makes one picture. It is not the
//! one asked for, but it is true, near, and there in the time that one intra picture takes.
//!
//! The thread `keyframes NAME` starts with the first wish. The latest wish wins: one that was not taken
//! yet is replaced, and none takes longer than one picture. When nobody has wished for anything for
//! [`IDLE`], the file and the pictures are let go of; the next wish opens them anew.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};
use parking_lot::Mutex;

use crate::decode::index::GopIndex;
use crate::decode::input::{Input, SameFile};
use crate::decode::ring::Picture;
use crate::decode::source::Still;
use crate::decode::source_file::Interrupter;
use crate::decode::video_reader::{DecodeError, ReaderOptions, VideoReader};
use crate::media::VideoStream;
use crate::memory::FramePool;
use crate::time::{Clock, FrameIndex};

/// Pictures that are kept: the one that was wished for, and those on the way to it.
const KEPT: usize = 2;

/// Without a wish for this long, everything is let go of.
const IDLE: Duration = Duration::from_secs(5);

/// So many keyframes in a row that make no picture by themselves: the stream is not made for this.
const MOST_FAILURES: u32 = 3;

/// What the thread needs from its surroundings.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) pool: FramePool,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notify: Arc<dyn Fn() + Send + Sync>,
}

/// A keyframe that is wished for.
struct Wish {
    index: Arc<GopIndex>,
    number: usize,
}

/// The latest pictures, newest last.
type Kept = Arc<Mutex<VecDeque<Still>>>;

/// The handle of the thread, which does not run before the first wish.
pub(super) struct Keyframes {
    name: String,
    file: SameFile,
    stream: VideoStream,
    around: Surroundings,
    interrupter: Interrupter,
    kept: Kept,
    running: Option<Running>,
}

struct Running {
    wishes: Sender<Wish>,
    newer: Receiver<Wish>,
    thread: JoinHandle<()>,
}

impl Keyframes {
    pub(super) fn new(
        name: String,
        file: SameFile,
        stream: VideoStream,
        around: Surroundings,
    ) -> Self {
        Self {
            name,
            file,
            stream,
            around,
            // Not the session's own, which may be interrupted without this one.
            interrupter: Interrupter::default(),
            kept: Kept::default(),
            running: None,
        }
    }

    /// Wishes for the keyframe nearest to `frame`. Returns at once.
    pub(super) fn want(&mut self, frame: FrameIndex, index: Arc<GopIndex>) {
        let Some(number) = nearest_keyframe(&index, frame) else {
            return;
        };
        let first = index.first_frame_of(number);
        if first.is_none_or(|first| self.kept.lock().iter().any(|still| still.index == first)) {
            return;
        }
        if self.running.is_none() {
            self.running = self
                .start()
                .inspect_err(|error| tracing::warn!("no pictures of keyframes: {error}"))
                .ok();
        }
        let Some(running) = &self.running else { return };
        let mut wish = Wish { index, number };
        while let Err(TrySendError::Full(returned)) = running.wishes.try_send(wish) {
            wish = returned;
            let _stale = running.newer.try_recv();
        }
    }

    /// The kept picture nearest to `frame`, no farther away than `reach`.
    pub(super) fn nearest(&self, frame: FrameIndex, reach: i64) -> Option<Still> {
        let kept = self.kept.lock();
        let nearest = kept.iter().min_by_key(|still| still.away_from(frame))?;
        (nearest.away_from(frame) <= reach).then(|| nearest.clone())
    }

    fn start(&self) -> Result<Running, DecodeError> {
        let (wishes, incoming) = bounded(1);
        let newer = incoming.clone();
        let worker = Worker {
            file: self.file.again()?,
            stream: self.stream.clone(),
            around: self.around.clone(),
            interrupter: self.interrupter.clone(),
            kept: Arc::clone(&self.kept),
            failures: 0,
        };
        let thread = std::thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || worker.run(&incoming))
            .map_err(|error| DecodeError::Decoder(self.name.clone(), error.to_string()))?;
        Ok(Running {
            wishes,
            newer,
            thread,
        })
    }
}

impl Drop for Keyframes {
    fn drop(&mut self) {
        self.interrupter.interrupt();
        let Some(running) = self.running.take() else {
            return;
        };
        // A closed channel is the order to end.
        let Running {
            wishes,
            newer,
            thread,
        } = running;
        drop(wishes);
        while newer.try_recv().is_ok() {}
        if thread.join().is_err() {
            tracing::error!("the thread `{}` panicked", self.name);
        }
    }
}

/// The number of the keyframe whose picture is nearest to `frame`.
fn nearest_keyframe(index: &GopIndex, frame: FrameIndex) -> Option<usize> {
    // Where every frame can be decoded by itself none is listed, and the session is as quick.
    if index.keyframes().is_empty() {
        return None;
    }
    let (number, _) = index.keyframe_for(frame)?;
    let (first, next) = index.gop_of(frame)?;
    let is_behind = next.is_some_and(|next| next.0 - frame.0 < frame.0 - first.0);
    Some(if is_behind { number + 1 } else { number })
}

/// Owned by the thread.
struct Worker {
    file: SameFile,
    stream: VideoStream,
    around: Surroundings,
    interrupter: Interrupter,
    kept: Kept,
    failures: u32,
}

impl Worker {
    fn run(mut self, wishes: &Receiver<Wish>) {
        let mut reader = None;
        loop {
            let wish = match wishes.recv_timeout(IDLE) {
                Ok(wish) => wish,
                Err(RecvTimeoutError::Timeout) => {
                    reader = None;
                    self.kept.lock().clear();
                    match wishes.recv() {
                        Ok(wish) => wish,
                        Err(_handle_dropped) => return,
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if self.failures >= MOST_FAILURES {
                continue;
            }
            if let Err(error) = self.fulfil(&wish, &mut reader) {
                tracing::debug!("{}: a keyframe: {error}", self.file.path().display());
                reader = None;
                self.failures += 1;
            }
        }
    }

    fn fulfil(&mut self, wish: &Wish, reader: &mut Option<VideoReader>) -> Result<(), DecodeError> {
        let Some(index) = wish.index.first_frame_of(wish.number) else {
            return Ok(());
        };
        // It was wished for again while it was being decoded.
        if self.kept.lock().iter().any(|kept| kept.index == index) {
            return Ok(());
        }
        let opened = match reader {
            Some(opened) => opened,
            none => none.insert(self.open()?),
        };
        let picture = opened.keyframe(&wish.index, wish.number)?;
        let frame = picture.and_then(|picture| opened.frame(picture).ok());
        let Some(frame) = frame else {
            self.failures += 1;
            return Ok(());
        };
        self.failures = 0;
        let still = Still {
            index,
            picture: Picture::Frame(Arc::new(frame)),
        };
        {
            let mut kept = self.kept.lock();
            kept.retain(|kept| kept.index != index);
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(still);
        }
        (self.around.notify)();
        Ok(())
    }

    fn open(&self) -> Result<VideoReader, DecodeError> {
        let input = Input::open_same(self.file.again()?, &self.interrupter)?;
        let options = ReaderOptions {
            // Several threads would each wait for a picture of their own.
            threads: NonZeroUsize::MIN,
            pool: self.around.pool.clone(),
            clock: Arc::clone(&self.around.clock),
            interrupter: self.interrupter.clone(),
        };
        VideoReader::new(input, self.stream.clone(), options)
    }
}
