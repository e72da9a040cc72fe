//! What the screen looks like, as one number: two passes with the same number look the same.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Overlay, UiInput, Zone, compare, waveform};
use crate::ui::{Panel, Thumbnails, meters};

impl Overlay {
    /// A fingerprint of everything that decides what the screen looks like.
    pub(super) fn look_of(&self, input: &UiInput<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        let snapshot = input.snapshot;
        let (window, scale) = self.window;
        [window.x, window.y, scale]
            .map(f32::to_bits)
            .hash(&mut hasher);
        let visible = self.is_chrome_visible(input);
        let words = self.osd.words(snapshot, visible, input.now);
        (
            visible,
            words,
            self.toasts.look(input.now).collect::<Vec<_>>(),
            self.tip(input.now),
        )
            .hash(&mut hasher);
        // A new one is written down by a pass, also where nothing else changes.
        for notice in &snapshot.notices {
            (notice.severity, &notice.text).hash(&mut hasher);
        }
        (snapshot.status, snapshot.media.is_some(), input.fullscreen).hash(&mut hasher);
        if snapshot.media.is_none() {
            for file in &input.panels.recent {
                (&file.path, &file.words).hash(&mut hasher);
            }
        }
        (self.prompt.is_some(), self.menu_scroll.map(f32::to_bits)).hash(&mut hasher);
        self.help
            .as_ref()
            .map(|help| help.scroll.to_bits())
            .hash(&mut hasher);
        if let Some(failure) = input.failure {
            (failure.name, failure.reason, failure.fix).hash(&mut hasher);
        }
        if let Some(names) = compare::names(snapshot) {
            let view = snapshot.compare;
            (names, view.mode, view.position.to_bits()).hash(&mut hasher);
        }
        if let Some(panel) = &self.performance {
            panel.edition.hash(&mut hasher);
            input.stats.frames.shown.hash(&mut hasher);
        }
        if self.has_controls() {
            (
                input.panels.edition,
                self.workspace.edition(),
                self.is_menu_open,
            )
                .hash(&mut hasher);
        }
        if self.workspace.shows(Panel::Timeline) {
            input.thumbnails.map(Thumbnails::edition).hash(&mut hasher);
            input.blame.edition().hash(&mut hasher);
        }
        (self.guides, self.inspects).hash(&mut hasher);
        if let Some(pixel) = input.pixel {
            (pixel.place, &pixel.codes, pixel.rgb.map(f64::to_bits)).hash(&mut hasher);
        }
        input.placement.hash(&mut hasher);
        if visible || waveform::large(input).is_some() {
            self.shown_frame(input).hash(&mut hasher);
            input
                .waveform
                .map(|columns| Arc::as_ptr(columns) as usize)
                .hash(&mut hasher);
        }
        if visible {
            hash_chrome(input, &mut hasher);
            meters::look(input).hash(&mut hasher);
            (Arc::as_ptr(&snapshot.kept) as usize).hash(&mut hasher);
            (self.hover_since.map(|(zone, _)| zone), self.pointer.held).hash(&mut hasher);
            if let Some((Zone::Scrub, _)) = self.hover_since {
                self.pointer
                    .pos
                    .map(|pos| pos.x.to_bits())
                    .hash(&mut hasher);
                // A nearer thumbnail may have come.
                input.thumbnails.map(Thumbnails::edition).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}

fn hash_chrome(input: &UiInput<'_>, hasher: &mut DefaultHasher) {
    let snapshot = input.snapshot;
    (
        snapshot.position,
        snapshot.timecode,
        snapshot.speed,
        snapshot.loop_mode,
    )
        .hash(hasher);
    (
        snapshot.mark_in,
        snapshot.mark_out,
        snapshot.volume_percent,
        snapshot.muted,
    )
        .hash(hasher);
    (snapshot.scrub_sound, snapshot.approximate).hash(hasher);
    (
        snapshot.audio_delay_millis,
        snapshot.audio_track,
        snapshot.playlist_index,
    )
        .hash(hasher);
    let view = snapshot.view;
    (
        view.exposure_stops.to_bits(),
        view.gamma.to_bits(),
        view.channel,
    )
        .hash(hasher);
    if snapshot.is_running() {
        let stats = input.stats;
        [stats.presented_fps, stats.target_fps]
            .map(f32::to_bits)
            .hash(hasher);
    }
    let quality = &snapshot.quality;
    let refusals = snapshot.refusals.as_ref();
    (
        (snapshot.traits, snapshot.rung, snapshot.has_proxies),
        refusals.map(|reasons| Arc::as_ptr(reasons) as usize),
        &snapshot.displaced,
        (quality.mode, quality.rung, &*quality.words),
    )
        .hash(hasher);
    snapshot.audio.hash(hasher);
    (
        input.audio_device,
        input.audio_devices,
        snapshot.playlist.len(),
    )
        .hash(hasher);
    if let Some(media) = &snapshot.media {
        (media.frames, media.index_complete, media.duration).hash(hasher);
        media.info.path.hash(hasher);
        let timeline = media.timeline.as_ref();
        timeline
            .map(|timeline| Arc::as_ptr(timeline) as usize)
            .hash(hasher);
    }
}
