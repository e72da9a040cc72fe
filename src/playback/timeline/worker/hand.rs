//! A hand that drags the playhead: the sessions under it decode what lies around it.

use super::{Now, Worker, ahead, layers};
use crate::decode::{ClipUse, Generation, Hand};
use crate::playback::timeline::feed::{Aim, Pace, Use};
use crate::playback::timeline::feeds::Wanted;
use crate::playback::timeline::sides;
use crate::time::{FrameIndex, MediaSpan};
use crate::timeline::Layer;

/// A clip that the hand comes to within so many frames is made ready for it.
const AHEAD_FRAMES: i64 = 12;

/// The hand as it was followed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Followed {
    hand: Hand,
    /// Whether all its sessions have heard of it: some may still be opened.
    is_done: bool,
}

impl Worker {
    /// Tells the sessions of the clips under the hand where it is, and makes those ready that it comes to. While
    /// a plan is walked through its frames come first.
    pub(super) fn follow_hand(&mut self) {
        let hand = *self.around.shared.hand.lock();
        let Some(hand) = hand.filter(|_| self.walk.is_none()) else {
            self.followed = None;
            return;
        };
        let done = Followed {
            hand,
            is_done: true,
        };
        if self.followed == Some(done) {
            return;
        }
        let ahead = if hand.reverse {
            -AHEAD_FRAMES
        } else {
            AHEAD_FRAMES
        };
        let mut wanted: Vec<(Now, Layer)> = Vec::new();
        for frame in [hand.frame, hand.frame.offset(ahead)] {
            let now = now_at(frame, hand.reverse);
            self.media.edit.video_at(frame, &mut self.scout_ops);
            sides::cull(&mut self.scout_ops, &self.states, &self.media);
            for layer in layers(&self.scout_ops) {
                let is_known = |other: &(Now, Layer)| other.1.clip == layer.clip;
                if !wanted.iter().any(is_known) {
                    wanted.push((now, *layer));
                }
            }
        }
        self.present.clear();
        let users = wanted.iter().map(|(now, layer)| now.user(layer));
        self.present.extend(users);
        let mut is_done = true;
        for (now, layer) in wanted {
            is_done &= self.hand_to(&layer, &now);
        }
        self.followed = Some(Followed { hand, is_done });
    }

    /// Tells the session of a layer that the hand is there. False while there is none.
    fn hand_to(&mut self, layer: &Layer, now: &Now) -> bool {
        if self.without_session(layer.source).is_some() {
            return true;
        }
        let Some(state) = self.states.get(layer.source.0 as usize) else {
            return true;
        };
        let present = &self.present;
        let wanted = Wanted {
            user: now.user(layer),
            source: layer.source,
            urgent: false,
            present: present.len(),
        };
        let is_needed = |user: Use| present.contains(&user);
        let feed = self.feeds.find(wanted, &self.media, state, is_needed);
        if feed.is_some_and(|feed| feed.chosen().is_none()) {
            self.choose(now, ClipUse::Now, true);
        }
        let Some((feed, aim)) = self.feeds.serving(wanted.user).and_then(|feed| {
            let aim = feed.aim_of(layer, now)?;
            Some((feed, aim))
        }) else {
            return false;
        };
        if !feed.follow_hand(&aim) {
            let pace = Pace {
                generation: now.generation,
                begin: now.run.0,
                advance: layer.advance,
                frame: self.media.edit.rate().frame_span_nearest(),
            };
            let until = ahead::until(&self.media, layer, now, feed);
            feed.aim(&Aim { until, ..aim }, pace, None);
        }
        true
    }
}

/// A frame that is held by no plan: no run comes to it.
fn now_at(frame: FrameIndex, reverse: bool) -> Now {
    Now {
        generation: Generation::default(),
        frame,
        run: (MediaSpan::ZERO, MediaSpan::ZERO),
        lap: 0,
        reverse,
        stride: std::num::NonZeroU32::MIN,
        may_skip: false,
    }
}
