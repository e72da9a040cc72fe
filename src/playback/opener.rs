//! Opens media in the background, so that a slow disk does not stop the engine.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use super::closer::Closer;
use super::media_watch::MediaWatch;
use super::proxies::ProxyDesk;
use super::timeline::{Reviser, TimelineOptions, TimelineSettings, TimelineSource, TimelineState};
use super::watch::FileWatch;
use crate::cache::FrameCache;
use crate::cache::thumbnails::OpenStrip;
use crate::decode::{
    Approximations, FileIdentity, FrameConsumer, IndexStore, Input, Interrupter, SessionOptions,
    SharedAnchor, VideoSession, VideoSource, media_info, require_playable,
};
use crate::media::MediaInfo;
use crate::memory::FramePool;
use crate::time::{Clock, FrameIndex};
use crate::timeline::{Located, import};

/// Decoders of a file that may stand where the playhead was before.
const MORE_DECODERS: usize = 3;

/// A medium that is ready to play.
pub struct Opened {
    /// Its streams.
    pub info: Arc<MediaInfo>,
    /// Its pictures and the ring they come through, unless it has sound only.
    pub video: Option<(Box<dyn VideoSource>, FrameConsumer)>,
    /// What it is made of, where it is a timeline.
    pub timeline: Option<Arc<TimelineState>>,
    /// Gives the timeline its next revision, where that is possible.
    pub reviser: Option<Reviser>,
    /// Tells when the timeline's file has changed.
    pub watch: Option<FileWatch>,
    /// Tells which of its files are not where they were.
    pub media_watch: Option<MediaWatch>,
    /// Pictures that can stand in for frames while the playhead is dragged: a strip of thumbnails.
    pub approximations: Option<Arc<dyn Approximations>>,
}

/// Opens media, one at a time.
pub trait Opener: Send {
    /// Begins to open `path`; an opening that is under way is called off.
    fn begin(&mut self, path: &Path);
    /// Begins to read a timeline once more that plays already and has changed on disk. What comes of it
    /// may be without pictures of its own: then it is the next revision of what plays.
    fn begin_revision(&mut self, path: &Path) {
        self.begin(path);
    }
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

/// Where frames are kept, the windows of reverse play need hold no more than this: the GOP that they are
/// cut from is kept.
const REVERSE_FRAMES_BESIDE_CACHE: usize = 8;

/// A cache of fewer pictures is not worth having: reverse play makes better use of them.
const LEAST_CACHED_FRAMES: usize = 24;

/// How a pool of frames is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShares {
    /// In the ring.
    pub ring: usize,
    /// In the windows of reverse play.
    pub reverse: usize,
    /// Bytes of pictures that are kept for later.
    pub cache_bytes: u64,
}

impl FrameShares {
    /// Divides `pool_bytes` for pictures of `picture_bytes`; with `keeps`, some of it is for pictures that
    /// are kept.
    ///
    /// ```text
    /// pool = decoder (16 + threads) + screen (3) + ring (2 to 6) + reverse windows (4 to 96) + cache
    /// ```
    ///
    /// With a cache the windows hold 8 pictures, and the cache gets all that is left.
    pub fn divide(pool_bytes: u64, picture_bytes: u64, threads: usize, keeps: bool) -> Self {
        let picture_bytes = picture_bytes.max(1);
        let pictures = usize::try_from(pool_bytes / picture_bytes).unwrap_or(usize::MAX);
        let fixed = DECODER_FRAMES + threads + SCREEN_FRAMES;
        let spare = pictures.saturating_sub(fixed);
        // With little memory the decoder rarely holds all its references: two in the ring, and four
        // for a step back, are taken at the risk that some frames do not find a place in the pool.
        let affordable = usize::try_from(RING_BYTES / picture_bytes).unwrap_or(RING_FRAMES);
        let ring = (spare / 3).min(affordable).clamp(2, RING_FRAMES);
        let rest = spare.saturating_sub(ring);
        let keeps = keeps && rest >= REVERSE_FRAMES_BESIDE_CACHE + LEAST_CACHED_FRAMES;
        let reverse = if keeps {
            REVERSE_FRAMES_BESIDE_CACHE
        } else {
            rest.clamp(4, MAX_REVERSE_FRAMES)
        };
        let others = (fixed + ring + reverse) as u64 * picture_bytes;
        let cache_bytes = if keeps { pool_bytes - others } else { 0 };
        debug_assert!(
            spare < 6 || others + cache_bytes <= pool_bytes,
            "ring {ring}, reverse {reverse} and {cache_bytes} bytes do not fit {pictures} pictures"
        );
        Self {
            ring,
            reverse,
            cache_bytes,
        }
    }

    /// The same for one of several sessions that share the pool: what one of them may keep for later is
    /// an eighth of it.
    pub(super) fn divide_among(
        pool_bytes: u64,
        picture_bytes: u64,
        threads: usize,
        keeps: bool,
    ) -> Self {
        let alone = Self::divide(pool_bytes, picture_bytes, threads, keeps);
        let eighth = pool_bytes / 8 / picture_bytes.max(1);
        let reverse = usize::try_from(eighth).unwrap_or(MAX_REVERSE_FRAMES);
        Self {
            // Composites wait in the timeline's own ring.
            ring: alone.ring.min(SHARED_RING_FRAMES),
            reverse: alone.reverse.min(reverse).max(4),
            cache_bytes: alone.cache_bytes,
        }
    }

    /// What a timeline may keep: one clip is left and another begins, so that two sessions' shares are
    /// taken off. Where more live at once they take room from the cache as they need it (the pool asks
    /// for it), but a quarter of the pool is kept for it to begin with.
    fn cache_among(self, pool_bytes: u64, picture_bytes: u64, threads: usize) -> u64 {
        if self.cache_bytes == 0 {
            return 0;
        }
        let session = DECODER_FRAMES + threads + SHARED_RING_FRAMES + REVERSE_FRAMES_BESIDE_CACHE;
        // A composite holds a picture of each layer: two are common.
        let shown = 2 * (SCREEN_FRAMES + self.ring);
        let others = (2 * session + shown) as u64 * picture_bytes;
        pool_bytes.saturating_sub(others).max(pool_bytes / 4)
    }
}

/// Pictures that wait in the ring of one of several sessions.
pub(super) const SHARED_RING_FRAMES: usize = 3;

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
    /// Where they stay for later, if they do.
    pub cache: Option<Arc<FrameCache>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// How the playhead moves.
    pub anchor: SharedAnchor,
    /// Wakes whoever waits for frames.
    pub notify: Arc<dyn Fn() + Send + Sync>,
    /// How timelines are read.
    pub timelines: TimelineSettings,
    /// Where the thumbnails of the medium that is open are found.
    pub open_strip: Arc<OpenStrip>,
    /// Where the indices of files are kept from one opening to the next.
    pub indices: Option<Arc<dyn IndexStore>>,
    /// Who looks after proxies, if they may be used.
    pub proxies: Option<Arc<ProxyDesk>>,
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

impl FileOpener {
    fn begin_with(
        &mut self,
        path: &Path,
        open: fn(&Path, &OpenerOptions, &Interrupter) -> Result<Opened, String>,
    ) {
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
}

impl Opener for FileOpener {
    fn begin(&mut self, path: &Path) {
        self.begin_with(path, open);
    }

    fn begin_revision(&mut self, path: &Path) {
        self.begin_with(path, open_revision);
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
    if let Some(desk) = &options.proxies {
        // What a timeline names that was open before stands for nothing here.
        desk.set_alternates(&[]);
    }
    let input = Input::open_interruptible(path, interrupter).map_err(|e| e.to_string())?;
    let info = Arc::new(media_info(&input));
    require_playable(&info).map_err(|error| error.to_string())?;
    let file = (path.to_owned(), Some(input.file_identity()));
    let media_watch = watched(vec![file], options);
    let Some(stream) = info.default_video().cloned() else {
        return Ok(Opened {
            info,
            video: None,
            timeline: None,
            reviser: None,
            watch: None,
            media_watch,
            approximations: None,
        });
    };
    let shares = FrameShares::divide(
        options.pool.usage().limit_bytes,
        picture_bytes(&stream),
        options.threads.get(),
        options.cache.is_some(),
    );
    let keeper = options.cache.as_ref().and_then(|cache| {
        cache.set_limit(shares.cache_bytes);
        let is_worth_it = shares.cache_bytes > 0;
        is_worth_it.then(|| cache.keeper(path, input.file_identity(), stream.id))
    });
    let proxies = options.proxies.as_ref().map(|desk| {
        let identity = input.file_identity();
        desk.slot_of(path, identity, &stream, &options.notify)
    });
    let session_options = SessionOptions {
        threads: options.threads,
        pool: options.pool.clone(),
        ring_frames: shares.ring,
        more_decoders: MORE_DECODERS,
        reverse_frames: shares.reverse,
        clock: Arc::clone(&options.clock),
        anchor: Arc::clone(&options.anchor),
        notify: Arc::clone(&options.notify),
        index: None,
        indices: options.indices.clone(),
        keeper,
        proxies,
    };
    let (session, frames) = VideoSession::start(input, stream, session_options)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Opened {
        info,
        video: Some((Box::new(session), frames)),
        timeline: None,
        reviser: None,
        watch: None,
        media_watch,
        approximations: Some(options.open_strip.of(path)),
    })
}

fn open_timeline(path: &Path, options: &OpenerOptions) -> Result<Opened, String> {
    // First the watch: a change between the two is seen twice, not missed.
    let watch = FileWatch::start(path, Arc::clone(&options.notify));
    let state = open_state(path, options)?;
    let canvas_bytes = state.canvas.area() * 2;
    let (pool_bytes, threads) = (options.pool.usage().limit_bytes, options.threads.get());
    let shares = FrameShares::divide(pool_bytes, canvas_bytes, threads, options.cache.is_some());
    if let Some(cache) = &options.cache {
        cache.set_limit(shares.cache_among(pool_bytes, canvas_bytes, threads));
    }
    let timeline_options = TimelineOptions {
        threads: options.threads,
        pool: options.pool.clone(),
        cache: options.cache.clone(),
        ring_frames: shares.ring,
        clock: Arc::clone(&options.clock),
        anchor: Arc::clone(&options.anchor),
        notify: Arc::clone(&options.notify),
        indices: options.indices.clone(),
        proxies: options.proxies.clone(),
    };
    let (source, frames) = TimelineSource::start(state.media(), timeline_options)
        .map_err(|error| format!("no thread for the timeline: {error}"))?;
    let reviser = source.reviser();
    let media_watch = watched(files_of(&state), options);
    Ok(Opened {
        info: Arc::new(state.media_info(path)),
        video: Some((Box::new(source), frames)),
        timeline: Some(state),
        reviser: Some(reviser),
        watch,
        media_watch,
        approximations: None,
    })
}

/// A watch over `files`; `None` where there are none, or where the system refuses it.
fn watched(
    files: Vec<(PathBuf, Option<FileIdentity>)>,
    options: &OpenerOptions,
) -> Option<MediaWatch> {
    if files.is_empty() {
        return None;
    }
    MediaWatch::start(files, Arc::clone(&options.notify))
        .inspect_err(|error| tracing::info!("media are not watched: {error}"))
        .ok()
}

/// Every file that a timeline plays, once; of numbered pictures the first.
fn files_of(state: &TimelineState) -> Vec<(PathBuf, Option<FileIdentity>)> {
    let files = state.located.iter().filter_map(|located| match located {
        Located::File(path) => Some(path.clone()),
        Located::Sequence(sequence) => Some(sequence.path_of(sequence.number_of(FrameIndex::ZERO))),
        Located::Generated(_) | Located::Missing(_) => None,
    });
    let each: BTreeSet<PathBuf> = files.collect();
    let known = each.into_iter().map(|path| {
        let identity = FileIdentity::of_path(&path).ok();
        (path, identity)
    });
    known.collect()
}

/// Reads a timeline. What its clips name beside their media may stand for these.
fn open_state(path: &Path, options: &OpenerOptions) -> Result<Arc<TimelineState>, String> {
    let state = Arc::new(TimelineState::open(path, &options.timelines)?);
    if let Some(desk) = &options.proxies {
        desk.set_alternates(&state.alternates);
    }
    Ok(state)
}

/// Reads a timeline that plays once more, without anything that decodes it.
fn open_revision(
    path: &Path,
    options: &OpenerOptions,
    _interrupter: &Interrupter,
) -> Result<Opened, String> {
    let watch = FileWatch::start(path, Arc::clone(&options.notify));
    let state = open_state(path, options)?;
    let media_watch = watched(files_of(&state), options);
    Ok(Opened {
        info: Arc::new(state.media_info(path)),
        video: None,
        timeline: Some(state),
        reviser: None,
        watch,
        media_watch,
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
                    for keeps in [false, true] {
                        let (pool, picture) = (pool_mib << 20, picture_mib << 20);
                        let shares = FrameShares::divide(pool, picture, threads, keeps);
                        assert!(shares.ring >= 2 && shares.reverse >= 4);
                        assert!(keeps || shares.cache_bytes == 0);
                        let among = shares.cache_among(pool, picture, threads);
                        assert!(among < pool);
                    }
                }
            }
        }
        let ring =
            |picture_mib: u64| FrameShares::divide(4 << 30, picture_mib << 20, 2, false).ring;
        assert_eq!((ring(13), ring(3), ring(50)), (4, RING_FRAMES, 2));
    }

    #[test]
    fn eight_seconds_of_4k_are_kept_where_four_gigabytes_are_given() {
        let budget = crate::memory::MemoryBudget::stated(4 << 30);
        // A slot of 4K in 8-bit 4:2:0 as the decoders lay it out: rows of 3840 and 2048, 2178 and 1089 of
        // them, each plane padded to a page.
        let slot_bytes = 12_828_672;
        for threads in [1, 2, 4, 16] {
            let shares =
                FrameShares::divide(budget.cached_frame_bytes(), slot_bytes, threads, true);
            assert!(shares.cache_bytes / slot_bytes >= 240, "{shares:?}");
        }
    }
}
