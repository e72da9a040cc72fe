//! The sessions that live: who serves which clip, who is opened next, who is closed.

use std::sync::Arc;

use super::feed::{Chosen, Feed, Use};
use super::media::{SourceState, TimelineMedia};
use super::opening::{Request, SessionOpener};
use super::revision::Moved;
use crate::decode::{RunAnchor, SharedAnchor};
use crate::playback::opener::{SHARED_RING_FRAMES, picture_bytes};
use crate::timeline::SourceId;

/// Sessions that live at once at most, those that wait for their clip included.
const MOST_SESSIONS: usize = 6;

/// Decoders' threads at most, those that sleep included.
const MOST_THREADS: usize = 128;

/// Pixels that one processor core decodes in time for a cut beside what is shown: half a picture of 4K. So two
/// cores prepare a clip of 4K or four of 1080p at the same time.
const PIXELS_A_CORE: u64 = 3_840 * 2_160 / 2;

/// Threads of one of several decoders at most: more serve one picture, not several at once.
pub(super) const MOST_THREADS_EACH: usize = 16;

/// Pictures that a decoder holds for reference: no level of H.264 or HEVC allows more of 4K, and where
/// more small ones are held they are small.
const REFERENCES: u64 = 6;

/// What all sessions together may take up. More live only where more layers are seen together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many live.
    pub(super) sessions: usize,
    /// Bytes of their pictures.
    pub(super) bytes: u64,
    /// Threads of their decoders.
    pub(super) threads: usize,
    /// Threads of each.
    pub(super) threads_each: usize,
    /// Pixels of the pictures of those that come to their first frame at the same time, which is what they
    /// take of the processor: one that is there sleeps.
    pub(super) preparing_pixels: u64,
}

impl Limits {
    /// Three quarters of a pool of so many bytes, for what is shown and what waits to be shown lies there
    /// as well; an eighth of the files that the process may open, for each session has up to two; and what
    /// so many processor cores can do beside playing.
    pub(super) fn new(pool_bytes: u64, threads_each: usize, cores: u64) -> Self {
        let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let by_files = files.map_or(MOST_SESSIONS, |files| {
            usize::try_from(files / 8).unwrap_or(MOST_SESSIONS)
        });
        Self {
            sessions: by_files.clamp(1, MOST_SESSIONS),
            bytes: pool_bytes / 4 * 3,
            threads: MOST_THREADS,
            threads_each,
            preparing_pixels: cores.saturating_mul(PIXELS_A_CORE),
        }
    }

    /// What a session takes up whose pictures have so many bytes: its references, one picture in each
    /// of its threads, those that wait in its ring, and the window of a step back.
    fn price(&self, picture_bytes: u64) -> u64 {
        let threads = u64::try_from(self.threads_each).unwrap_or(1);
        let pictures = REFERENCES + threads + SHARED_RING_FRAMES as u64 + STEP_FRAMES;
        picture_bytes.saturating_mul(pictures)
    }
}

/// The least window of reverse play.
const STEP_FRAMES: u64 = 4;

/// All sessions of a timeline.
pub(super) struct Feeds {
    opener: Box<dyn SessionOpener>,
    limits: Limits,
    live: Vec<Feed>,
    /// Openings under way.
    opening: Vec<Opening>,
    tick: u64,
}

/// An opening under way.
struct Opening {
    ticket: u64,
    source: SourceId,
    price: u64,
    user: Option<Use>,
}

/// A session that somebody needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) user: Use,
    pub(super) source: SourceId,
    /// Whether its frame is due: others wait where too many live.
    pub(super) urgent: bool,
    /// Layers in the frame that is due.
    pub(super) present: usize,
}

impl Feeds {
    pub(super) fn new(opener: Box<dyn SessionOpener>, limits: Limits) -> Self {
        Self {
            opener,
            limits,
            live: Vec::new(),
            opening: Vec::new(),
            tick: 0,
        }
    }

    /// Sessions that live.
    pub(super) fn live(&self) -> &[Feed] {
        &self.live
    }

    /// The same, to be told something.
    pub(super) fn live_mut(&mut self) -> &mut [Feed] {
        &mut self.live
    }

    /// The session that serves `user`.
    pub(super) fn serving(&mut self, user: Use) -> Option<&mut Feed> {
        self.live.iter_mut().find(|feed| feed.user == Some(user))
    }

    /// What a choice for `user` would be made with now; nothing while no session serves it.
    pub(super) fn choice_of(&self, user: Use, revision: u64) -> Option<Chosen> {
        let feed = self.live.iter().find(|feed| feed.user == Some(user))?;
        Some(Chosen {
            revision,
            has_proxies: feed.session.status().has_proxies,
        })
    }

    /// A plan begins: what is decoded is chosen anew.
    pub(super) fn begin_plan(&mut self) {
        for feed in &mut self.live {
            feed.set_chosen(None);
            feed.begin_anew();
        }
    }

    /// Takes in what was opened; tells `learn` of each source.
    pub(super) fn take_opened(
        &mut self,
        mut learn: impl FnMut(SourceId, Result<&Arc<super::ClipMedia>, String>),
    ) {
        while let Some(answer) = self.opener.poll() {
            let is_it = |opening: &Opening| opening.ticket == answer.ticket;
            let place = self.opening.iter().position(is_it);
            let Some(opening) = place.map(|place| self.opening.remove(place)) else {
                // The edit does not use it any more.
                if let Ok(opened) = answer.result {
                    self.opener.close(opened.session);
                }
                continue;
            };
            match answer.result {
                Ok(opened) => {
                    learn(opening.source, Ok(&opened.media));
                    let mut feed = Feed::new(
                        opening.source,
                        opened.media,
                        opened.session,
                        opened.frames,
                        answer.anchor,
                    );
                    feed.user = opening.user;
                    self.tick += 1;
                    feed.used = self.tick;
                    self.live.push(feed);
                }
                Err(reason) => learn(opening.source, Err(reason)),
            }
        }
    }

    /// The session for `wanted`. Where there is none one is opened, and there is no answer yet.
    /// `is_needed` protects those that serve others.
    pub(super) fn find(
        &mut self,
        wanted: Wanted,
        media: &TimelineMedia,
        state: &SourceState,
        is_needed: impl Fn(Use) -> bool,
    ) -> Option<&mut Feed> {
        let idle = |feed: &Feed| feed.user.is_none_or(|other| !is_needed(other));
        let place = self.place_of(wanted).or_else(|| {
            let fits = |feed: &Feed| feed.source == wanted.source && idle(feed);
            let free = self.live.iter().position(fits);
            free.filter(|_| !self.is_opening(wanted.user))
        });
        let Some(place) = place else {
            if !self.is_opening(wanted.user) {
                self.open(wanted, media, state, idle);
            }
            return None;
        };
        self.tick += 1;
        let feed = self.live.get_mut(place)?;
        feed.serve(wanted.user);
        feed.used = self.tick;
        Some(feed)
    }

    fn place_of(&self, wanted: Wanted) -> Option<usize> {
        self.live
            .iter()
            .position(|feed| feed.user == Some(wanted.user) && feed.source == wanted.source)
    }

    fn is_opening(&self, user: Use) -> bool {
        self.opening
            .iter()
            .any(|opening| opening.user == Some(user))
    }

    fn open(
        &mut self,
        wanted: Wanted,
        media: &TimelineMedia,
        state: &SourceState,
        idle: impl Fn(&Feed) -> bool,
    ) {
        let source = wanted.source;
        let price = self.limits.price(match state {
            SourceState::Ready(known) => picture_bytes(&known.stream),
            // The largest that lives, or a picture of the canvas's size.
            SourceState::Unknown | SourceState::Slate(_) => {
                let live = self
                    .live
                    .iter()
                    .map(|feed| picture_bytes(&feed.media.stream));
                live.max().unwrap_or(media.canvas.area() * 3 / 2)
            }
        });
        if !self.make_room(price, wanted, idle) {
            return;
        }
        let number = source.0 as usize;
        let (Some(stated), Some(located)) =
            (media.edit.sources().get(number), media.located.get(number))
        else {
            return;
        };
        let known = match state {
            SourceState::Ready(media) => Some(Arc::clone(media)),
            _ => None,
        };
        self.tick += 1;
        let ticket = self.tick;
        let begun = self.opener.begin(Request {
            ticket,
            stated: stated.clone(),
            located: located.clone(),
            known,
            anchor: SharedAnchor::default(),
        });
        if begun {
            self.opening.push(Opening {
                ticket,
                source,
                price,
                user: Some(wanted.user),
            });
        }
    }

    /// Goes on with the next revision of the edit: sessions of media that it does not use are closed.
    pub(super) fn revise(&mut self, moved: &Moved<'_>) {
        for place in (0..self.live.len()).rev() {
            let feed = &mut self.live[place];
            match moved.source(feed.source) {
                Some(source) if moved.is_unchanged(source, &feed.media) => {
                    feed.source = source;
                    feed.user = feed.user.and_then(|user| moved.user(user));
                }
                _ => self.close(place),
            }
        }
        self.opening.retain_mut(|opening| {
            let source = moved.source(opening.source);
            if let Some(source) = source {
                opening.source = source;
                opening.user = opening.user.and_then(|user| moved.user(user));
            }
            source.is_some()
        });
    }

    /// Closes idle sessions, least recently used first, until one of this price fits. False, with nothing
    /// closed, when it would not fit without any of them, unless it must be opened whatever it costs: for a
    /// layer that is due, or as the one that waits for the next cut.
    fn make_room(&mut self, price: u64, wanted: Wanted, idle: impl Fn(&Feed) -> bool) -> bool {
        let busy = self.live.iter().filter(|feed| !idle(feed)).count();
        let must = wanted.urgent || busy + self.opening.len() <= wanted.present;
        if !must && !self.fits(price, |feed| !idle(feed)) {
            return false;
        }
        while !self.fits(price, |_| true) {
            let live = self.live.iter().enumerate();
            let idle = live.filter(|(_, feed)| idle(feed));
            let Some((place, _)) = idle.min_by_key(|(_, feed)| feed.used) else {
                break;
            };
            self.close(place);
        }
        true
    }

    /// Whether a session of this price fits beside those of the living that count.
    fn fits(&self, price: u64, counts: impl Fn(&Feed) -> bool) -> bool {
        let limits = &self.limits;
        let living = || self.live.iter().filter(|feed| counts(feed));
        let sessions = living().count() + self.opening.len() + 1;
        let prices = living().map(|feed| limits.price(picture_bytes(&feed.media.stream)));
        let opening = self.opening.iter().map(|opening| opening.price);
        let bytes = prices.chain(opening).fold(price, u64::saturating_add);
        sessions <= limits.sessions
            && sessions.saturating_mul(limits.threads_each) <= limits.threads
            && bytes <= limits.bytes
    }

    fn close(&mut self, place: usize) {
        let feed = self.live.swap_remove(place);
        self.opener.close(feed.session);
    }

    /// Tells the sessions that serve somebody how the playhead moves.
    pub(super) fn follow(&self, line: Option<&RunAnchor>) {
        for feed in &self.live {
            feed.follow(line);
        }
    }

    /// Lets those sessions decode ahead of need that serve somebody for whom `may` says so.
    pub(super) fn allow_prefetch(&mut self, may: impl Fn(Use) -> bool) {
        for feed in &mut self.live {
            let allowed = feed.user.is_some_and(&may);
            feed.session.allow_prefetch(allowed);
        }
    }

    /// Whether the session for `user` has come to its first frame, and costs the processor nothing more.
    pub(super) fn is_ready(&self, user: Use) -> bool {
        let feed = self.live.iter().find(|feed| feed.user == Some(user));
        feed.is_some_and(|feed| feed.session.status().ring_fill.0 > 0)
    }

    /// What the processor has for sessions that prepare; see [`Limits`].
    pub(super) fn preparing_pixels(&self) -> u64 {
        self.limits.preparing_pixels
    }

    /// Shares the indices that are complete by now with the sessions to come. Answers whether there are new ones.
    pub(super) fn learn_indices(&self) -> bool {
        let mut is_news = false;
        for feed in &self.live {
            if feed.media.whole_index().is_none() {
                is_news |= feed.media.learn(&feed.session.index());
            }
        }
        is_news
    }
}
