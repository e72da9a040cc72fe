//! What lies ahead of the frame that is due: the scout, and what comes of a revision.

use std::sync::Arc;

use super::{Now, Soon, Worker, layers};
use crate::playback::timeline::feed::Feed;
use crate::playback::timeline::media::{SourceState, TimelineMedia};
use crate::playback::timeline::revision::Moved;
use crate::playback::timeline::sides;
use crate::time::{FrameIndex, MediaSpan, MediaTime};
use crate::timeline::{Layer, SourceId};

/// How far ahead clips are made ready, in the timeline's time.
const AHEAD: MediaSpan = MediaSpan::from_millis(2_000);

/// The same in frames, at most: shuttling passes many clips in little time.
const AHEAD_FRAMES: u64 = 240;

/// Clips that wait for their turn, at most.
const MOST_SOON: usize = 4;

impl Worker {
    /// Goes on with the next revision of the edit.
    pub(in crate::playback::timeline) fn revise(&mut self, media: impl Into<Arc<TimelineMedia>>) {
        let media = media.into();
        let moved = Moved::between(&self.media, &media);
        let mut states: Vec<SourceState> = Vec::new();
        states.resize_with(media.located.len(), || SourceState::Unknown);
        for (before, state) in (0_u32..).zip(self.states.drain(..)) {
            let now = moved.source(SourceId(before));
            // What could not be opened is tried again, and so is a file that was written anew.
            if let Some(now) = now
                && let SourceState::Ready(known) = &state
                && moved.is_unchanged(now, known)
                && let Some(place) = states.get_mut(now.0 as usize)
            {
                self.around.shared.at_hand.learn(&media, now, known);
                *place = state;
            }
        }
        self.feeds.revise(&moved);
        self.present.retain_mut(|user| {
            let now = moved.user(*user);
            *user = now.unwrap_or(*user);
            now.is_some()
        });
        self.states = states;
        self.followed = None;
        self.media = media;
        // The scout looks again, for what it met may not come any more.
        self.soon.clear();
        let frames = self.media.edit.frames();
        if let Some(walk) = &mut self.walk {
            walk.set_frames(frames);
        }
        self.scout.clone_from(&self.walk);
    }

    /// Sends the scout ahead, and makes ready what it met.
    pub(super) fn look_ahead(&mut self) {
        let Some(walk) = &self.walk else { return };
        let count = walk.count();
        let edit = &self.media.edit;
        let frames = edit.rate().frame_at_floor(MediaTime::ZERO + AHEAD).0;
        let stride = i64::from(walk.plan().stride.get());
        let frames = u64::try_from(frames / stride).unwrap_or(0);
        let horizon = count + frames.clamp(2, AHEAD_FRAMES);
        // What has begun is looked after by the frames themselves.
        self.soon.retain(|soon| soon.count > count);
        // It starts where play does, and may be overtaken while it waits.
        while let Some(scout) = self.scout.as_mut().filter(|scout| scout.count() <= horizon) {
            if scout.count() <= count {
                if !scout.advance() {
                    self.scout = None;
                }
                continue;
            }
            let now = Now::of(scout);
            edit.video_at(now.frame, &mut self.scout_ops);
            sides::cull(&mut self.scout_ops, &self.states, &self.media);
            let mut waits = false;
            for layer in layers(&self.scout_ops) {
                let user = now.user(layer);
                let is_here = |soon: &Soon| soon.now.user(&soon.layer) == user;
                if self.present.contains(&user) || self.soon.iter().any(is_here) {
                    continue;
                }
                // A short loop would take up all sessions: one lap is looked ahead, no more.
                let again = |soon: &Soon| soon.layer.clip == layer.clip;
                if self.soon.len() >= MOST_SOON || self.soon.iter().any(again) {
                    waits = true;
                    break;
                }
                self.soon.push_back(Soon {
                    layer: *layer,
                    now,
                    count: scout.count(),
                    aimed: false,
                    chosen: None,
                });
            }
            if waits {
                break;
            }
            if !scout.advance() {
                self.scout = None;
            }
        }
        self.make_ready();
    }

    /// Has sessions come to the first frames of the clips that wait: the next of them whatever it costs, the
    /// others when the processor has time for it.
    fn make_ready(&mut self) {
        let mut preparing = 0_u64;
        for place in 0..self.soon.len() {
            let Soon {
                layer, now, aimed, ..
            } = self.soon[place];
            let user = now.user(&layer);
            self.choose_coming(place);
            if aimed && self.feeds.is_ready(user) || self.without_session(layer.source).is_some() {
                self.soon[place].aimed = true;
                continue;
            }
            let pixels = self.pixels_of(layer.source);
            let fits = preparing.saturating_add(pixels) <= self.feeds.preparing_pixels();
            if !aimed && preparing > 0 && !fits {
                break;
            }
            preparing = preparing.saturating_add(pixels);
            self.soon[place].aimed = aimed || self.feed_for(&layer, &now, false).is_some();
            let feed = self.feeds.serving(user);
            self.soon[place].chosen = feed.and_then(|feed| feed.chosen());
        }
    }

    /// Pixels of a picture of a source; of the canvas where it is not known yet.
    fn pixels_of(&self, source: SourceId) -> u64 {
        match self.states.get(source.0 as usize) {
            Some(SourceState::Ready(known)) => known.stream.size.area(),
            _ => self.media.canvas.area(),
        }
    }
}

/// The last frame that a clip wants of its session, in the direction of travel, if its speed does not
/// change; a session that ends too early is aimed anew.
pub(super) fn until(
    media: &TimelineMedia,
    layer: &Layer,
    now: &Now,
    feed: &Feed,
) -> Option<FrameIndex> {
    let clip = media.edit.clips().get(layer.clip.0 as usize)?;
    let rate = media.edit.rate();
    let end = if now.reverse {
        rate.frame_at_floor(clip.range.start)
    } else {
        rate.frame_at_floor(clip.range.end()).offset(-1)
    };
    let frames = end.0 - now.frame.0;
    let stated = layer.media + layer.advance.scaled_nearest(frames, 1);
    let last = Layer {
        media: stated,
        ..*layer
    };
    let frame = feed.frame_of(&last)?;
    let aim = feed.aim_of(layer, now)?;
    // One more, for rates that do not divide evenly.
    Some(frame.offset(if aim.reverse { -1 } else { 1 }))
}
