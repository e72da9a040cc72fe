//! A decode session driven by a test.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};
use jogwheel::convert::{ConvertJob, CpuConverter};
use jogwheel::decode::{
    FrameConsumer, Generation, GopIndex, IndexStore, Input, LoopMode, Picture, PlannedFrame,
    ReaderOptions, RingItem, SessionOptions, VideoPlan, VideoReader, VideoSession, VideoSource,
    media_info, require_playable,
};
use jogwheel::media::{Orientation, Size, VideoFrame, VideoStream};
use jogwheel::memory::FramePool;
use jogwheel::time::{FrameIndex, RealClock};

use crate::program::HUNG;

/// A session and what its ring brought.
pub(crate) struct Deck {
    pub(crate) session: VideoSession,
    frames: FrameConsumer,
    news: Receiver<()>,
    pub(crate) stream: VideoStream,
    generation: u64,
}

impl Deck {
    /// Opens the picture of a file.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        Self::open_with(path, None)
    }

    /// The same, with a place where indices are kept.
    pub(crate) fn open_with(
        path: &Path,
        indices: Option<Arc<dyn IndexStore>>,
    ) -> Result<Self, String> {
        let input = Input::open(path).map_err(|error| error.to_string())?;
        let info = media_info(&input);
        require_playable(&info).map_err(|error| error.to_string())?;
        let stream = info.default_video().ok_or("no picture")?.clone();
        let (send, news) = bounded(1);
        let options = SessionOptions {
            threads: NonZero::new(2).unwrap(),
            pool: FramePool::new(1 << 30),
            ring_frames: 4,
            more_decoders: 0,
            reverse_frames: 8,
            clock: Arc::new(RealClock::new()),
            anchor: Arc::default(),
            notify: Arc::new(move || {
                let _already = send.try_send(());
            }),
            index: None,
            indices,
            keeper: None,
            proxies: None,
        };
        let (session, frames) = VideoSession::start(input, stream.clone(), options)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            session,
            frames,
            news,
            stream,
            generation: 0,
        })
    }

    pub(crate) fn plan(&mut self, start: i64) {
        self.generation += 1;
        self.session.set_plan(VideoPlan {
            generation: Generation(self.generation),
            start: FrameIndex(start),
            first: FrameIndex::ZERO,
            last: None,
            reverse: false,
            stride: NonZero::new(1).unwrap(),
            repeat: LoopMode::Off,
        });
    }

    /// The next frame of the present plan; `None` at its end.
    pub(crate) fn next(&mut self) -> Result<Option<PlannedFrame>, String> {
        loop {
            match self.frames.pop() {
                Some(item) if item.generation() < Generation(self.generation) => {}
                Some(RingItem::Frame(frame)) => return Ok(Some(frame)),
                Some(RingItem::End { .. }) => return Ok(None),
                None => self
                    .news
                    .recv_timeout(HUNG)
                    .map_err(|late| format!("{late}: {:?}", self.session.status()))?,
            }
        }
    }

    /// Waits for the whole index.
    pub(crate) fn index(&mut self) -> Result<Arc<GopIndex>, String> {
        while !self.session.index().is_complete() {
            self.news
                .recv_timeout(HUNG)
                .map_err(|late| format!("the index is not made: {late}"))?;
        }
        Ok(self.session.index())
    }

    /// The picture of one frame.
    pub(crate) fn frame(&mut self, index: i64) -> Result<Arc<VideoFrame>, String> {
        self.plan(index);
        let frame = self
            .next()?
            .ok_or_else(|| format!("there is no frame {index}"))?;
        if frame.index != FrameIndex(index) {
            return Err(format!("frame {} came for {index}", frame.index.0));
        }
        match frame.picture {
            Picture::Frame(picture) => Ok(picture),
            Picture::Missing(reason) => Err(format!("frame {index} is missing: {reason}")),
            Picture::Composite(_) => Err(format!("frame {index} of a file has layers")),
        }
    }
}

/// A reader of the picture of a file, whose decoder has so many threads.
pub(crate) fn reader_of(path: &Path, threads: usize) -> (VideoReader, VideoStream) {
    let input = Input::open(path).unwrap();
    let stream = media_info(&input).default_video().unwrap().clone();
    let options = ReaderOptions {
        threads: NonZero::new(threads).unwrap(),
        pool: FramePool::new(256 << 20),
        clock: Arc::new(RealClock::new()),
        interrupter: input.interrupter(),
    };
    let reader = VideoReader::new(input, stream.clone(), options).unwrap();
    (reader, stream)
}

/// A frame as it is shown, in RGBA, without the sample aspect.
pub(crate) fn shown(frame: &VideoFrame, orientation: Orientation) -> (Size, Vec<u8>) {
    let out = orientation.apply(frame.size);
    let stride = out.width() as usize * 4;
    let mut rgba = vec![0; stride * out.height() as usize];
    CpuConverter::new(2)
        .convert(frame, &ConvertJob { out, orientation }, &mut rgba, stride)
        .unwrap();
    (out, rgba)
}
