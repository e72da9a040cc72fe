//! Telling people what the engine does: snapshots and notices.

use std::sync::Arc;

use super::Engine;
use crate::audio::AudioOutput;
use crate::decode::Rung;
use crate::playback::snapshot::{AudioState, Notice, Severity, Snapshot};
use crate::time::{Moment, Speed};

/// Messages kept at most; the oldest goes first.
const MOST_NOTICES: usize = 8;

/// Messages for the person at the screen.
#[derive(Debug, Clone, Default)]
pub(in crate::playback) struct Notices(Vec<(Notice, Option<Moment>)>);

impl Notices {
    /// Adds a message: one that passes, from `now` on, or one that stays until the medium is closed.
    pub(super) fn push(&mut self, severity: Severity, text: String, now: Option<Moment>) {
        if self.0.iter().any(|(notice, _)| notice.text == text) {
            return;
        }
        if self.0.len() == MOST_NOTICES {
            self.0.remove(0);
        }
        let until = now.map(|now| now + severity.reading_time());
        self.0.push((Notice { severity, text }, until));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn expire(&mut self, now: Moment) {
        self.0
            .retain(|(_, until)| until.is_none_or(|until| until > now));
    }

    pub(super) fn next_expiry(&self) -> Option<Moment> {
        self.0.iter().filter_map(|(_, until)| *until).min()
    }

    fn list(&self) -> Vec<Notice> {
        self.0.iter().map(|(notice, _)| notice.clone()).collect()
    }
}

impl Engine {
    /// Publishes the state where it has changed. Gauges that move all the time are no news.
    pub(super) fn publish_snapshot(&mut self) {
        let snapshot = self.make_snapshot();
        let before = self.snapshot.load();
        let gauges = |snapshot: &Snapshot| {
            let counted = (snapshot.quality.left_out, snapshot.quality.times);
            (
                (snapshot.sound_ahead, snapshot.audio_levels),
                snapshot.ring_fill,
                snapshot.repacked,
                counted,
            )
        };
        let same = snapshot.differs_only_in_gauges(&before);
        if same && gauges(&snapshot) == gauges(&before) {
            return;
        }
        self.news |= !same;
        self.snapshot.store(Arc::new(snapshot));
    }

    fn make_snapshot(&mut self) -> Snapshot {
        let position = self.position();
        let kept = self.look_at_kept(self.clock.now());
        let media = self
            .medium
            .as_mut()
            .map(super::medium::Medium::shared_state);
        let medium = self.medium.as_ref();
        let status = medium
            .and_then(|medium| medium.source.as_ref())
            .map(|source| source.status());
        let stream = medium.and_then(|medium| medium.stream.as_ref());
        let sound = self.sound.state();
        Snapshot {
            status: self.told_status(),
            media,
            position,
            timecode: medium.and_then(|medium| medium.timecode_of(position)),
            speed: self.speed,
            mark_in: self.mark_in,
            mark_out: self.mark_out,
            loop_mode: self.loop_mode,
            playlist: Arc::clone(&self.playlist),
            playlist_index: self.playlist_index,
            volume_percent: self.volume_percent,
            muted: self.muted,
            audio_delay_millis: self.audio_delay_millis,
            audio_track: medium.and_then(|medium| medium.track),
            audio: self.audio_state(&sound.output),
            audio_levels: sound.levels,
            clock: self.clock_source,
            scrubbing: self.scrub.is_some(),
            approximate: self.approximate,
            scrub_sound: self.scrub_sound,
            sound_ahead: self.sound_ahead,
            view: self.view,
            compare: self.compare,
            notices: self.notices.list(),
            decoder: stream
                .map(|stream| stream.decoder.clone())
                .unwrap_or_default(),
            ring_fill: status.as_ref().map_or((0, 0), |status| status.ring_fill),
            damaged_packets: status.as_ref().map_or(0, |status| status.damaged_packets),
            outside_pool: status.as_ref().map_or((0, 0), |status| status.outside_pool),
            repacked: status.as_ref().map_or(0, |status| status.repacked),
            proxies: self.quality.policy().use_proxy,
            traits: medium
                .map(|medium| medium.traits(position))
                .unwrap_or_default(),
            rung: status.as_ref().map_or(Rung::Source, |status| status.rung),
            has_proxies: status.as_ref().is_some_and(|status| status.has_proxies),
            refusals: medium
                .and_then(|medium| medium.source.as_ref())
                .and_then(|source| source.refusals())
                .filter(|refusals| !refusals.is_empty()),
            displaced: medium
                .map(|medium| Arc::clone(&medium.displaced))
                .unwrap_or_default(),
            underruns: sound.underruns,
            audio_note: sound.note.clone(),
            kept,
            quality: self.quality.state(status.as_ref()),
        }
    }

    fn audio_state(&self, output: &AudioOutput) -> AudioState {
        let Some(medium) = &self.medium else {
            return AudioState::NoTrack;
        };
        if !medium.has_sound() {
            return AudioState::NoTrack;
        }
        if !self.audio_enabled {
            return AudioState::Off;
        }
        let device = match output {
            AudioOutput::Device(name) => name.clone(),
            AudioOutput::Silent(reason) => return AudioState::Silent(reason.clone()),
            AudioOutput::Off => return AudioState::Off,
            AudioOutput::NoTrack => return AudioState::NoTrack,
        };
        // Sound is made for up to twice normal speed.
        if self.speed.as_f64().abs() > 2.0 * Speed::NORMAL.as_f64() {
            return AudioState::Silent(format!("muted at {}", self.speed));
        }
        AudioState::Playing(device)
    }
}
