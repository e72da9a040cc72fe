//! What is decoded of the clips: chosen before their first frames, and told by the engine afterwards.

use super::{Now, Worker, layers};
use crate::decode::ClipUse;
use crate::playback::timeline::feed::{Chosen, Use};
use crate::playback::timeline::{sides, steer};
use crate::time::FrameIndex;
use crate::timeline::{Layer, VideoOp};

/// A clip that comes in more than so many frames has time to be decoded from something else.
const IN_TIME_FRAMES: u64 = 12;

impl Worker {
    /// Asks what is to be decoded of the clips in a frame, and tells it to those sessions that were not told yet.
    /// With `anew`, those that have decoded something else for it already are aimed once more.
    pub(super) fn choose(&mut self, now: &Now, what_for: ClipUse, anew: bool) {
        let chooser = self.around.shared.steering.chooser();
        let members = self.members(now.frame, Some(now.lap));
        let span = self.media.edit.rate().frame_span_nearest();
        let look = steer::look_at(now.frame, &members, span);
        let revision = chooser.as_ref().map_or(0, |chooser| chooser.revision());
        let rungs = chooser.zip(look).map(|(chooser, look)| {
            let rung = chooser.choose(&look, what_for);
            steer::rungs_of(&members, span, rung)
        });
        for (_, member) in &members {
            // What is seen already is the engine's to say, which knows how it plays.
            let is_told = what_for == ClipUse::Coming && member.is_present;
            let Some(feed) = self.feeds.serving(member.user).filter(|_| !is_told) else {
                continue;
            };
            if feed.chosen().is_some() && what_for == ClipUse::Now {
                continue;
            }
            feed.set_chosen(Some(Chosen {
                revision,
                has_proxies: member.has_proxies,
            }));
            let rungs = rungs.iter().flatten();
            let mut own = rungs.filter(|(user, _)| *user == member.user);
            if let Some((_, rung)) = own.next() {
                feed.ask(*rung);
            }
            if anew {
                feed.begin_anew();
            }
        }
    }

    /// Chooses for a clip that comes, where a session serves it and that was not done yet in this plan, or
    /// where more is known now.
    pub(super) fn choose_coming(&mut self, place: usize) {
        let Some(soon) = self.soon.get(place).copied() else {
            return;
        };
        let chooser = self.around.shared.steering.chooser();
        let revision = chooser.map_or(0, |chooser| chooser.revision());
        let with = self.feeds.choice_of(soon.now.user(&soon.layer), revision);
        if with.is_some() && with != soon.chosen {
            let reached = self.walk.as_ref().map_or(0, super::PlanWalk::count);
            // Just before the cut it is better to begin with what is there.
            let anew = soon.count > reached + IN_TIME_FRAMES;
            self.choose(&soon.now, ClipUse::Coming, anew);
            let feed = self.feeds.serving(soon.now.user(&soon.layer));
            self.soon[place].chosen = with;
            self.soon[place].aimed &= feed.is_some_and(|feed| feed.is_aimed());
        }
    }

    /// Passes on what the engine asks for, to the sessions of the frame that it means.
    pub(super) fn follow_asked(&mut self) {
        let Some((frame, rung)) = self.around.shared.steering.take_asked() else {
            return;
        };
        let members = self.members(frame, None);
        let span = self.media.edit.rate().frame_span_nearest();
        for (user, rung) in steer::rungs_of(&members, span, rung) {
            if let Some(feed) = self.feeds.serving(user) {
                feed.ask(rung);
            }
        }
    }

    /// The layers of a frame that sessions show; of a lap, or of the one that is seen.
    fn members(&self, frame: FrameIndex, lap: Option<u32>) -> Vec<steer::Member> {
        let mut ops: Vec<VideoOp> = Vec::new();
        self.media.edit.video_at(frame, &mut ops);
        sides::cull(&mut ops, &self.states, &self.media);
        let member = |layer: &Layer| {
            let serves =
                |user: &Use| user.clip == layer.clip && lap.is_none_or(|lap| user.lap == lap);
            let live = self.feeds.live().iter();
            let mut serving = live.filter(|feed| feed.user.as_ref().is_some_and(serves));
            let first = serving.clone().next();
            let is_present = |user: Use| self.present.contains(&user);
            let seen = serving.find(|feed| feed.user.is_some_and(is_present));
            let feed = seen.or(first)?;
            Some((*layer, feed.look(&feed.session.status(), &self.present)?))
        };
        layers(&ops).filter_map(member).collect()
    }
}
