//! What is heeded beside how playing goes: memory and the battery.

use std::time::Duration;

use super::{Controller, Playing, View};
use crate::playback::quality::decision::Reason;
use crate::playback::quality::signals::RungSignals;

impl Controller {
    /// Goes one rung down where memory has asked for less detail: to the next one with smaller pictures.
    pub(super) fn heed_memory(&mut self, view: &View<'_>, playing: Playing) {
        let asks = view.signals.memory_asks;
        if std::mem::replace(&mut self.memory_asks, asks) >= asks {
            return;
        }
        let pixels = |rung| view.clip.rungs.get(rung).map(RungSignals::pixels);
        let below = self.ranked(view).into_iter();
        let mut below = below.skip_while(|&rung| rung != playing.rung).skip(1);
        if let Some(rung) = below.find(|&rung| pixels(rung) < pixels(playing.rung)) {
            self.switch(view, rung, Reason::Memory(view.signals.memory));
        }
    }

    /// Chooses anew when the machine begins to run from its battery: what fits with room to spare is still too
    /// much then. Back on the mains, what is better is tried as always.
    pub(super) fn heed_battery(&mut self, view: &View<'_>) {
        let saves = view.signals.battery_saver;
        let begins = !std::mem::replace(&mut self.saves, saves) && saves;
        let Some(playing) = self.playing.filter(|_| begins) else {
            return;
        };
        let cost = self.forecast(view, playing.rung);
        if let Some(cost) = cost.filter(|_| !self.holds(view, playing.rung))
            && let Some(rung) = self.lower(view, playing.rung)
        {
            let reason = Reason::Saver {
                cost: Duration::from_nanos(cost.mean()),
                budget: view.clip.frame,
            };
            self.switch(view, rung, reason);
        }
    }
}
