//! The threads that decode single pictures.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use crate::decode::input::Input;
use crate::decode::probe::{media_info, require_playable};
use crate::decode::source_file::Interrupter;
use crate::decode::video_reader::{ReaderOptions, Step, VideoReader};
use crate::decode::{BufferCounters, SessionOptions};
use crate::media::{PictureId, VideoFrame};
use crate::time::FrameIndex;

/// A picture to decode.
pub(super) struct Job {
    /// Told from all others of the session.
    pub(super) id: u64,
    /// Of the plan that it belongs to, counted by the session.
    pub(super) epoch: u64,
    pub(super) path: PathBuf,
}

/// What became of a [`Job`].
pub(super) struct Done {
    pub(super) id: u64,
    /// The picture; the reason why there is none.
    pub(super) outcome: Result<VideoFrame, String>,
    pub(super) demux: Duration,
    pub(super) decode: Duration,
}

/// Owned by one of the threads.
pub(super) struct PictureDecoder {
    pub(super) options: SessionOptions,
    pub(super) interrupter: Interrupter,
    /// The epoch whose pictures are wanted.
    pub(super) epoch: Arc<AtomicU64>,
    pub(super) counters: Arc<BufferCounters>,
    /// Of the picture before, if that was whole.
    pub(super) reader: Option<VideoReader>,
}

impl PictureDecoder {
    /// Decodes until the session ends. Every job is answered, so that the session can count them.
    pub(super) fn run(mut self, jobs: &Receiver<Job>, results: &Sender<Done>) {
        for job in jobs {
            let mut done = Done {
                id: job.id,
                outcome: Err("it is not wanted any more".to_owned()),
                demux: Duration::ZERO,
                decode: Duration::ZERO,
            };
            if job.epoch == self.epoch.load(Ordering::Acquire) {
                done.outcome = self.decode(&job.path, &mut done);
            }
            if results.send(done).is_err() {
                return;
            }
        }
    }

    /// Decodes the first picture of a file.
    fn decode(&mut self, path: &Path, done: &mut Done) -> Result<VideoFrame, String> {
        puffin::profile_scope!("decode picture");
        let begun = self.options.clock.now();
        let mut reader = self.reader_of(path)?;
        let opened = self.options.clock.now();
        done.demux = opened.since(begun);
        let counted = BufferCounters::default();
        counted.add(reader.buffer_counters());
        let picture = loop {
            match reader.step(&|_| true) {
                Ok(Step::Progress) => {}
                Ok(Step::Picture(picture)) => break Ok(picture),
                Ok(Step::End) => break Err("the picture is damaged".to_owned()),
                Err(error) => break Err(error.to_string()),
            }
        };
        let mut frame =
            picture.and_then(|picture| reader.frame(picture).map_err(|error| error.to_string()));
        if let Ok(frame) = &mut frame {
            // The file is the picture.
            let source = reader.input().file_identity().source_of(reader.stream().id);
            frame.id = PictureId::of_frame(source, FrameIndex::ZERO);
        }
        done.decode = self.options.clock.now().since(opened);
        self.counters.add_since(reader.buffer_counters(), &counted);
        // What damage has left in a decoder shall not show in the next picture.
        self.reader = frame.is_ok().then_some(reader);
        frame.map_err(|reason| format!("{}: {reason}", path.display()))
    }

    /// A reader at the beginning of a file: the one before, where the file is of the same kind. A look
    /// into the file takes as long as decoding the picture, for FFmpeg finds out its format so.
    fn reader_of(&mut self, path: &Path) -> Result<VideoReader, String> {
        if let Some(mut reader) = self.reader.take() {
            let input =
                Input::open_unprobed(path, &self.interrupter).map_err(|error| error.to_string())?;
            if reader.continue_with(input) {
                return Ok(reader);
            }
        }
        let input = Input::open_interruptible(path, &self.interrupter)
            .map_err(|error| error.to_string())?;
        let info = media_info(&input);
        require_playable(&info).map_err(|error| error.to_string())?;
        let name = path.display();
        let stream = info
            .default_video()
            .ok_or_else(|| format!("{name}: there is no picture in it."))?;
        let options = ReaderOptions {
            // Pictures are decoded side by side: threads inside the decoder would only wait for them.
            threads: NonZeroUsize::MIN,
            pool: self.options.pool.clone(),
            clock: Arc::clone(&self.options.clock),
            interrupter: self.interrupter.clone(),
        };
        VideoReader::new(input, stream.clone(), options).map_err(|error| format!("{name}: {error}"))
    }
}
