//! The sessions that live: who serves which clip, who is opened next, who is closed.

use std::sync::Arc;

use super::feed::{Feed, Use};
use super::media::{SourceState, TimelineMedia};
use super::opening::{Request, SessionOpener};
use crate::decode::{RunAnchor, SharedAnchor};
use crate::timeline::SourceId;

/// Sessions that live at once, those that wait for their clip included; more only where more layers are
/// seen together. Each has a decoder with its threads, an open file and some pictures.
const MOST_FEEDS: usize = 6;

/// All sessions of a timeline.
pub(super) struct Feeds {
    opener: Box<dyn SessionOpener>,
    live: Vec<Feed>,
    /// Openings under way.
    opening: Vec<(SourceId, Use)>,
    tick: u64,
}

/// A session that somebody needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) user: Use,
    pub(super) source: SourceId,
    /// Whether its frame is due: others wait where too many live.
    pub(super) urgent: bool,
}

impl Feeds {
    pub(super) fn new(opener: Box<dyn SessionOpener>) -> Self {
        Self {
            opener,
            live: Vec::new(),
            opening: Vec::new(),
            tick: 0,
        }
    }

    /// Sessions that live.
    pub(super) fn live(&self) -> &[Feed] {
        &self.live
    }

    /// Takes in what was opened; tells `learn` of each source.
    pub(super) fn take_opened(
        &mut self,
        mut learn: impl FnMut(SourceId, Result<&Arc<super::ClipMedia>, String>),
    ) {
        while let Some(answer) = self.opener.poll() {
            let place = self
                .opening
                .iter()
                .position(|(source, _)| *source == answer.source);
            let user = place.map(|place| self.opening.remove(place).1);
            match answer.result {
                Ok(opened) => {
                    learn(answer.source, Ok(&opened.media));
                    let mut feed = Feed::new(
                        answer.source,
                        opened.media,
                        opened.session,
                        opened.frames,
                        answer.anchor,
                    );
                    feed.user = user;
                    self.tick += 1;
                    feed.used = self.tick;
                    self.live.push(feed);
                }
                Err(reason) => learn(answer.source, Err(reason)),
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
        feed.user = Some(wanted.user);
        feed.used = self.tick;
        Some(feed)
    }

    fn place_of(&self, wanted: Wanted) -> Option<usize> {
        self.live
            .iter()
            .position(|feed| feed.user == Some(wanted.user) && feed.source == wanted.source)
    }

    fn is_opening(&self, user: Use) -> bool {
        self.opening.iter().any(|(_, other)| *other == user)
    }

    fn open(
        &mut self,
        wanted: Wanted,
        media: &TimelineMedia,
        state: &SourceState,
        idle: impl Fn(&Feed) -> bool,
    ) {
        let source = wanted.source;
        if self.live.len() + self.opening.len() >= MOST_FEEDS {
            let oldest = self
                .live
                .iter()
                .enumerate()
                .filter(|(_, feed)| idle(feed))
                .min_by_key(|(_, feed)| feed.used)
                .map(|(place, _)| place);
            match oldest {
                Some(place) => self.close(place),
                // Layers that are seen together all get their session.
                None if wanted.urgent => {}
                None => return,
            }
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
        let begun = self.opener.begin(Request {
            source,
            stated: stated.clone(),
            located: located.clone(),
            known,
            anchor: SharedAnchor::default(),
        });
        if begun {
            self.opening.push((source, wanted.user));
        }
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

    /// Shares the indices that are complete by now with the sessions to come.
    pub(super) fn learn_indices(&self) {
        for feed in &self.live {
            if feed.media.whole_index().is_none() {
                feed.media.learn(&feed.session.index());
            }
        }
    }
}
