//! Opens media that do not exist.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::media::{Shelf, SimMedia};
use super::session::{OpenSession, SimSession};
use crate::cache::thumbnails::ThumbnailStrip;
use crate::decode::{Approximations, SharedAnchor, frame_ring};
use crate::media::Size;
use crate::playback::opener::{Opened, Opener};
use crate::time::{Clock, Moment, SimClock};

/// What is being opened, and when it is open.
pub(super) type Opening = Arc<Mutex<Option<(Moment, Option<SimMedia>)>>>;

/// Opens media of a shelf.
pub(super) struct SimOpener {
    pub(super) shelf: Shelf,
    pub(super) clock: SimClock,
    pub(super) anchor: SharedAnchor,
    pub(super) open: OpenSession,
    pub(super) pending: Opening,
}

impl Opener for SimOpener {
    fn begin(&mut self, path: &Path) {
        let medium = self.shelf.find(path).cloned();
        let takes = medium
            .as_ref()
            .map_or(Duration::from_millis(2), |medium| medium.open);
        *self.pending.lock() = Some((self.clock.now() + takes, medium));
    }

    fn poll(&mut self) -> Option<Result<Opened, String>> {
        let mut pending = self.pending.lock();
        let (_, medium) = pending.take_if(|(at, _)| *at <= self.clock.now())?;
        let Some(medium) = medium.filter(|medium| !medium.refuses) else {
            return Some(Err("it cannot be opened".to_owned()));
        };
        let info = Arc::new(medium.info());
        if medium.stamps.is_empty() {
            return Some(Ok(Opened {
                info,
                video: None,
                timeline: None,
                reviser: None,
                watch: None,
                media_watch: None,
                approximations: None,
            }));
        }
        let strip = (!medium.thumbnails.is_empty()).then(|| -> Arc<dyn Approximations> {
            let size = Size::new(2, 2).unwrap();
            Arc::new(ThumbnailStrip::of_frames(size, &medium.thumbnails, 0))
        });
        let (ring, frames) = frame_ring(medium.ring);
        let (clock, anchor) = (self.clock.clone(), Arc::clone(&self.anchor));
        let source = self
            .open
            .begin(SimSession::new(medium, ring, clock, anchor));
        Some(Ok(Opened {
            info,
            video: Some((Box::new(source), frames)),
            timeline: None,
            reviser: None,
            watch: None,
            media_watch: None,
            approximations: strip,
        }))
    }

    fn cancel(&mut self) {
        *self.pending.lock() = None;
    }
}
