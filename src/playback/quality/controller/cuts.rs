//! Choosing before a cut.

use super::{Controller, MOST_CHOSEN, Playing};
use crate::playback::quality::decision::Decision;
use crate::playback::quality::signals::{Activity, ClipSignals, Signals};

impl Controller {
    /// What a clip that comes after a cut should be decoded with. Its first decision while it plays will be
    /// this. At rest and under a hand the answer is for what is held or sought.
    pub fn choose_for_clip(&mut self, clip: &ClipSignals, signals: &Signals) -> Decision {
        let view = self.view(clip, signals);
        let goes_on = self.playing.filter(|playing| {
            self.clip == Some(clip.key) && !self.asked && view.allowed.holds(playing.rung)
        });
        let (rung, reason) = match goes_on {
            Some(playing) => (playing.rung, playing.reason),
            None => self.choose(&view),
        };
        self.chosen.retain(|(key, ..)| *key != clip.key);
        if self.chosen.len() == MOST_CHOSEN {
            self.chosen.remove(0);
        }
        self.chosen.push((clip.key, rung, reason));
        let playing = Playing {
            rung,
            reason,
            since: signals.now,
        };
        let (rung, reason) = match signals.activity {
            Activity::Playing | Activity::Prerolling => (rung, reason),
            Activity::AtRest => self.at_rest(&view, playing),
            Activity::Scrubbing => self.scrub(&view, playing),
        };
        self.decision(rung, reason, self.scale.scale())
    }
}
