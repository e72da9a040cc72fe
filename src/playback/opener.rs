//! Opens media in the background, so that a slow disk does not stop the engine.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use super::closer::Closer;
use super::timeline::{TimelineOptions, TimelineSettings, TimelineSource, TimelineState};
use super::watch::FileWatch;
use crate::decode::{
    Approximations, FrameConsumer, Input, Interrupter, SessionOptions, SharedAnchor, VideoSession,
    VideoSource, media_info, require_playable,
};
use crate::media::MediaInfo;
use crate::memory::FramePool;
use crate::time::Clock;
use crate::timeline::import;

/// A medium that is ready to play.
pub struct Opened {
    /// Its streams.
    pub info: Arc<MediaInfo>,
    /// Its pictures and the ring they come through, unless it has sound only.
    pub video: Option<(Box<dyn VideoSource>, FrameConsumer)>,
    /// What it is made of, where it is a timeline.
    pub timeline: Option<Arc<TimelineState>>,
    /// Tells when the timeline's file has changed.
    pub watch: Option<FileWatch>,
    /// Pictures that can stand in for frames while the playhead is dragged: a strip of thumbnails.
    pub approximations: Option<Arc<dyn Approximations>>,
}

/// Opens media, one at a time.
pub trait Opener: Send {
    /// Begins to open `path`; an opening that is under way is called off.
    fn begin(&mut self, path: &Path);
    /// What came of it, once.
    fn poll(&mut self) -> Option<Result<Opened, String>>;
    /// Calls off an opening that is under way.
    fn cancel(&mut self);
    /// Ends `source`, and does not wait for it where that may take long.
    fn close(&mut self, source: Box<dyn VideoSource>) {
        drop(source);
    }
}

/// Pictures that wait in a ring at most: enough to bridge the decoder's own unevenness (an intra frame
/// takes several times a B-frame's time).
const RING_FRAMES: usize = 6;

/// Bytes that wait in a ring at most, for large pictures: four of 4K.
const RING_BYTES: u64 = 56 << 20;

/// Pictures that a decoder may hold for itself: 16 references, and one in each of its threads.
const DECODER_FRAMES: usize = 16;

/// On screen, being converted, and its predecessor.
const SCREEN_FRAMES: usize = 3;

/// No more than this for reverse play, however much memory there is: beyond a long GOP it serves
/// nothing.
const MAX_REVERSE_FRAMES: usize = 96;

/// How a pool of frames is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShares {
    /// In the ring.
    pub ring: usize,
    /// In the windows of reverse play.
    pub reverse: usize,
}

impl FrameShares {
    /// Divides `pool_bytes` for pictures of `picture_bytes`.
    ///
    /// pool = decoder (16 + threads) + screen (3) + ring + reverse
    pub fn divide(pool_bytes: u64, picture_bytes: u64, threads: usize) -> Self {
        let pictures = usize::try_from(pool_bytes / picture_bytes.max(1)).unwrap_or(usize::MAX);
        let spare = pictures.saturating_sub(DECODER_FRAMES + threads + SCREEN_FRAMES);
        // With little memory the decoder rarely holds all its references: two in the ring, and four
        // for a step back, are taken at the risk that some frames do not find a place in the pool.
        let affordable = usize::try_from(RING_BYTES / picture_bytes.max(1)).unwrap_or(RING_FRAMES);
        let ring = (spare / 3).min(affordable).clamp(2, RING_FRAMES);
        let reverse = spare.saturating_sub(ring).clamp(4, MAX_REVERSE_FRAMES);
        let shares = Self { ring, reverse };
        debug_assert!(
            spare < 6 || shares.ring + shares.reverse <= spare,
            "{shares:?} do not fit {spare} pictures"
        );
        shares
    }

    /// The same for one of several sessions that share the pool: what one of them may keep for later is
    /// an eighth of it.
    pub(super) fn divide_among(pool_bytes: u64, picture_bytes: u64, threads: usize) -> Self {
        let alone = Self::divide(pool_bytes, picture_bytes, threads);
        let eighth = pool_bytes / 8 / picture_bytes.max(1);
        let reverse = usize::try_from(eighth).unwrap_or(MAX_REVERSE_FRAMES);
        Self {
            // Composites wait in the timeline's own ring.
            ring: alone.ring.min(SHARED_RING_FRAMES),
            reverse: alone.reverse.min(reverse).max(4),
        }
    }
}

/// Pictures that wait in the ring of one of several sessions.
const SHARED_RING_FRAMES: usize = 3;

/// The [`Opener`] for files.
pub struct FileOpener {
    options: OpenerOptions,
    pending: Option<(Receiver<Result<Opened, String>>, Interrupter)>,
    closer: Closer,
}

/// What sessions are made with.
#[derive(Clone)]
pub struct OpenerOptions {
    /// Threads inside each decoder.
    pub threads: NonZeroUsize,
    /// Where frames go.
    pub pool: FramePool,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How the playhead moves.
    pub anchor: SharedAnchor,
    /// Wakes whoever waits for frames.
    pub notify: Arc<dyn Fn() + Send + Sync>,
    /// How timelines are read.
    pub timelines: TimelineSettings,
}

impl FileOpener {
    /// An opener that makes sessions with `options`.
    pub fn new(options: OpenerOptions) -> Self {
        Self {
            options,
            pending: None,
            closer: Closer::default(),
        }
    }
}

impl Opener for FileOpener {
    fn begin(&mut self, path: &Path) {
        self.cancel();
        let interrupter = Interrupter::default();
        let (send, receive) = bounded(1);
        let (options, path, stop) = (self.options.clone(), path.to_owned(), interrupter.clone());
        let started = std::thread::Builder::new().name("open".to_owned()).spawn({
            let send = send.clone();
            move || {
                let notify = Arc::clone(&options.notify);
                // Nobody listens any more when the opening was called off.
                let _listened = send.send(open(&path, &options, &stop));
                notify();
            }
        });
        if let Err(error) = started {
            let _full = send.try_send(Err(format!("no thread for opening files: {error}")));
        }
        self.pending = Some((receive, interrupter));
    }

    fn poll(&mut self) -> Option<Result<Opened, String>> {
        let (receive, _) = self.pending.as_ref()?;
        let opened = receive.try_recv().ok()?;
        self.pending = None;
        Some(opened)
    }

    fn cancel(&mut self) {
        if let Some((_, interrupter)) = self.pending.take() {
            interrupter.interrupt();
        }
    }

    fn close(&mut self, source: Box<dyn VideoSource>) {
        self.closer.close(source);
    }
}

impl Drop for FileOpener {
    fn drop(&mut self) {
        self.cancel();
    }
}

fn open(path: &Path, options: &OpenerOptions, interrupter: &Interrupter) -> Result<Opened, String> {
    puffin::profile_scope!("open");
    if options.timelines.compare.is_some() || import::is_timeline(path) {
        return open_timeline(path, options);
    }
    let input = Input::open_interruptible(path, interrupter).map_err(|e| e.to_string())?;
    let info = Arc::new(media_info(&input));
    require_playable(&info).map_err(|error| error.to_string())?;
    let Some(stream) = info.default_video().cloned() else {
        return Ok(Opened {
            info,
            video: None,
            timeline: None,
            watch: None,
            approximations: None,
        });
    };
    let shares = FrameShares::divide(
        options.pool.usage().limit_bytes,
        picture_bytes(&stream),
        options.threads.get(),
    );
    let session_options = SessionOptions {
        threads: options.threads,
        pool: options.pool.clone(),
        ring_frames: shares.ring,
        reverse_frames: shares.reverse,
        clock: Arc::clone(&options.clock),
        anchor: Arc::clone(&options.anchor),
        notify: Arc::clone(&options.notify),
        index: None,
        indices: None,
        keeper: None,
    };
    let (session, frames) = VideoSession::start(input, stream, session_options)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Opened {
        info,
        video: Some((Box::new(session), frames)),
        timeline: None,
        watch: None,
        approximations: None,
    })
}

fn open_timeline(path: &Path, options: &OpenerOptions) -> Result<Opened, String> {
    // First the watch: a change between the two is seen twice, not missed.
    let watch = FileWatch::start(path, Arc::clone(&options.notify));
    let state = Arc::new(TimelineState::open(path, &options.timelines)?);
    let canvas_bytes = state.canvas.area() * 2;
    let shares = FrameShares::divide(
        options.pool.usage().limit_bytes,
        canvas_bytes,
        options.threads.get(),
    );
    let timeline_options = TimelineOptions {
        threads: options.threads,
        pool: options.pool.clone(),
        ring_frames: shares.ring,
        clock: Arc::clone(&options.clock),
        anchor: Arc::clone(&options.anchor),
        notify: Arc::clone(&options.notify),
    };
    let (source, frames) = TimelineSource::start(state.media(), timeline_options)
        .map_err(|error| format!("no thread for the timeline: {error}"))?;
    Ok(Opened {
        info: Arc::new(state.media_info(path)),
        video: Some((Box::new(source), frames)),
        timeline: Some(state),
        watch,
        approximations: None,
    })
}

/// Bytes of one picture with the decoder's padding.
pub(super) fn picture_bytes(stream: &crate::media::VideoStream) -> u64 {
    let planes = 0..stream.format.plane_count();
    planes
        .map(|plane| {
            let row = stream
                .format
                .row_bytes(plane, stream.size)
                .next_multiple_of(256) as u64;
            row * (stream.format.plane_size(plane, stream.size).1 as u64 + 32)
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fit_the_pool_where_it_is_not_tiny() {
        for pool_mib in [128u64, 256, 512, 1024, 4096] {
            for picture_mib in [1u64, 6, 13, 50, 100] {
                for threads in [1, 2, 16] {
                    let shares = FrameShares::divide(pool_mib << 20, picture_mib << 20, threads);
                    assert!(shares.ring >= 2 && shares.reverse >= 4);
                }
            }
        }
        assert_eq!(FrameShares::divide(4 << 30, 13 << 20, 2).ring, 4);
        assert_eq!(FrameShares::divide(4 << 30, 3 << 20, 2).ring, RING_FRAMES);
        assert_eq!(FrameShares::divide(4 << 30, 50 << 20, 2).ring, 2);
    }
}
