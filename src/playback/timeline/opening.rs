//! Opens and closes sessions beside the worker, which must never wait for a disk.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use super::media::ClipMedia;
use crate::cache::FrameCache;
use crate::decode::{
    FrameConsumer, FrameKeeper, IndexStore, Input, Interrupter, SequenceSession, SessionOptions,
    SharedAnchor, VideoSession, VideoSource, media_info, require_playable,
};
use crate::media::VideoStream;
use crate::memory::FramePool;
use crate::playback::opener::{FrameShares, picture_bytes};
use crate::playback::proxies::ProxyDesk;
use crate::time::Clock;
use crate::timeline::{Located, Source};

/// A session that is asked for.
pub(super) struct Request {
    /// Comes back with the answer.
    pub(super) ticket: u64,
    /// What the timeline says of it.
    pub(super) stated: Source,
    /// Where it is.
    pub(super) located: Located,
    /// What is known of it already.
    pub(super) known: Option<Arc<ClipMedia>>,
    /// Where the session reads how the playhead moves.
    pub(super) anchor: SharedAnchor,
}

/// A session that was opened.
pub(super) struct OpenedFeed {
    pub(super) media: Arc<ClipMedia>,
    pub(super) session: Box<dyn VideoSource>,
    pub(super) frames: FrameConsumer,
}

/// What came of a [`Request`].
pub(super) struct Answer {
    pub(super) ticket: u64,
    pub(super) anchor: SharedAnchor,
    pub(super) result: Result<OpenedFeed, String>,
}

/// Opens sessions. The one for files has threads for it; tests have scripts.
pub(super) trait SessionOpener: Send {
    /// Begins to open. False when too many wait already.
    fn begin(&mut self, request: Request) -> bool;
    /// What was opened since the last call.
    fn poll(&mut self) -> Option<Answer>;
    /// Closes a session in the background.
    fn close(&mut self, session: Box<dyn VideoSource>);
}

/// What sessions are made with.
#[derive(Clone)]
pub(super) struct FeedOptions {
    pub(super) threads: NonZeroUsize,
    pub(super) pool: FramePool,
    pub(super) cache: Option<Arc<FrameCache>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) notify: Arc<dyn Fn() + Send + Sync>,
    pub(super) indices: Option<Arc<dyn IndexStore>>,
    pub(super) proxies: Option<Arc<ProxyDesk>>,
}

/// Two clips may have to be opened for one instant, where one dissolves into the other.
const THREADS: usize = 2;

/// Openings and closings that may wait.
const WAITING: usize = 64;

enum Job {
    Open(Box<Request>),
    Close(Box<dyn VideoSource>),
}

/// What each thread is reading, so that it can be called off.
type Reading = Arc<Mutex<Option<Interrupter>>>;

/// The [`SessionOpener`] for files. Dropping it calls off what is being opened and ends its threads.
pub(super) struct FileSessionOpener {
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    reading: Vec<Reading>,
    threads: Vec<JoinHandle<()>>,
}

impl FileSessionOpener {
    pub(super) fn start(options: &FeedOptions) -> std::io::Result<Self> {
        let (jobs, orders) = bounded::<Job>(WAITING);
        let (send, answers) = bounded(WAITING);
        let mut opener = Self {
            jobs: Some(jobs),
            answers,
            reading: Vec::new(),
            threads: Vec::new(),
        };
        for _ in 0..THREADS {
            let reading = Reading::default();
            let (orders, send, options) = (orders.clone(), send.clone(), options.clone());
            opener.reading.push(Arc::clone(&reading));
            let body = move || {
                while let Ok(job) = orders.recv() {
                    match job {
                        Job::Open(request) => {
                            let answer = answer(*request, &options, &reading);
                            if send.send(answer).is_err() {
                                return;
                            }
                            (options.notify)();
                        }
                        Job::Close(session) => drop(session),
                    }
                }
            };
            let name = "open clips".to_owned();
            opener
                .threads
                .push(std::thread::Builder::new().name(name).spawn(body)?);
        }
        Ok(opener)
    }
}

impl SessionOpener for FileSessionOpener {
    fn begin(&mut self, request: Request) -> bool {
        let job = Job::Open(Box::new(request));
        self.jobs
            .as_ref()
            .is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    fn poll(&mut self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    fn close(&mut self, session: Box<dyn VideoSource>) {
        if let Some(jobs) = &self.jobs {
            // When too many wait, it is closed here and now.
            let _full = jobs.try_send(Job::Close(session));
        }
    }
}

impl Drop for FileSessionOpener {
    fn drop(&mut self) {
        self.jobs = None;
        // An answer that nobody reads must not stop its thread; dropping the receiver tells it so.
        let (_nobody, gone) = bounded(1);
        drop(std::mem::replace(&mut self.answers, gone));
        for reading in &self.reading {
            if let Some(interrupter) = reading.lock().as_ref() {
                interrupter.interrupt();
            }
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that opens clips panicked");
            }
        }
    }
}

fn answer(request: Request, options: &FeedOptions, reading: &Reading) -> Answer {
    puffin::profile_scope!("open clip");
    let result = open(&request, options, reading);
    *reading.lock() = None;
    Answer {
        ticket: request.ticket,
        anchor: request.anchor,
        result,
    }
}

fn open(request: &Request, options: &FeedOptions, reading: &Reading) -> Result<OpenedFeed, String> {
    type Keepers<'a> = &'a dyn Fn() -> Option<Arc<dyn FrameKeeper>>;
    let session_options = |stream: &VideoStream, media: &ClipMedia, keepers: Keepers<'_>| {
        let shares = FrameShares::divide_among(
            options.pool.usage().limit_bytes,
            picture_bytes(stream),
            options.threads.get(),
            options.cache.is_some(),
        );
        SessionOptions {
            threads: options.threads,
            pool: options.pool.clone(),
            ring_frames: shares.ring,
            more_decoders: 0,
            reverse_frames: shares.reverse,
            clock: Arc::clone(&options.clock),
            anchor: Arc::clone(&request.anchor),
            notify: Arc::clone(&options.notify),
            index: media.whole_index(),
            indices: options.indices.clone(),
            keeper: (shares.cache_bytes > 0).then(keepers).flatten(),
            proxies: None,
        }
    };
    match &request.located {
        Located::File(path) => {
            let interrupter = Interrupter::default();
            *reading.lock() = Some(interrupter.clone());
            let input =
                Input::open_interruptible(path, &interrupter).map_err(|error| error.to_string())?;
            let info = media_info(&input);
            require_playable(&info).map_err(|error| error.to_string())?;
            let stream = info
                .default_video()
                .cloned()
                .ok_or_else(|| format!("{} has no pictures", path.display()))?;
            let (identity, id) = (input.file_identity(), stream.id);
            // Each session has a keeper of its own, and all of them the same frames.
            let keeper = || {
                let cache = options.cache.as_ref();
                cache.map(|cache| cache.keeper(path, identity, id))
            };
            // A file that was written anew since has other frames.
            let known = request.known.clone();
            let known = known.filter(|known| known.is_of(Some(identity)));
            let media = known.unwrap_or_else(|| {
                let media = ClipMedia::of_file(stream.clone(), &request.stated, identity);
                Arc::new(media.kept_by(keeper()))
            });
            let desk = options.proxies.as_ref();
            let session_options = SessionOptions {
                proxies: desk.map(|desk| desk.slot_of(path, identity, &stream, &options.notify)),
                ..session_options(&stream, &media, &keeper)
            };
            let (session, frames) = VideoSession::start(input, stream, session_options)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Ok(OpenedFeed {
                media,
                session: Box::new(session),
                frames,
            })
        }
        Located::Sequence(sequence) => {
            let info = crate::decode::media_info_of_sequence(sequence)
                .map_err(|error| error.to_string())?;
            let stream = info
                .default_video()
                .cloned()
                .ok_or_else(|| "the sequence has no pictures".to_owned())?;
            let known = request.known.clone();
            let media =
                known.unwrap_or_else(|| Arc::new(ClipMedia::new(stream.clone(), &request.stated)));
            // Every numbered picture is a file of its own and needs no other: none is kept.
            let session_options = session_options(&stream, &media, &|| None);
            let (session, frames) =
                SequenceSession::start(sequence.clone(), &stream, session_options)
                    .map_err(|error| error.to_string())?;
            Ok(OpenedFeed {
                media,
                session: Box::new(session),
                frames,
            })
        }
        Located::Generated(_) | Located::Missing(_) => Err("there is no file".to_owned()),
    }
}
