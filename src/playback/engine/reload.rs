//! Timelines that change on disk while they play.

use super::Engine;
use crate::playback::opener::Opened;
use crate::playback::snapshot::Severity;
use crate::playback::watch::FileWatch;
use crate::time::FrameIndex;

impl Engine {
    /// Opens the timeline again when its file has changed. What plays goes on until that is read.
    pub(super) fn check_reload(&mut self) {
        let watch = self
            .medium
            .as_mut()
            .and_then(|medium| medium.watch.as_mut());
        if self.opening || !watch.is_some_and(FileWatch::has_changed) {
            return;
        }
        if let Some(path) = self.playlist.get(self.playlist_index).cloned() {
            self.reloading = true;
            self.opener.begin(&path);
        }
    }

    /// Goes on with the changed timeline where the old one stood. One that cannot be read changes
    /// nothing: it may be half written.
    pub(super) fn medium_reloaded(&mut self, opened: Result<Opened, String>) {
        let now = Some(self.clock.now());
        let opened = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                let text = format!("{reason} What was read before plays on.");
                self.notices.push(Severity::Warning, text, now);
                return;
            }
        };
        let (position, playing) = (self.position(), self.is_playing());
        self.silence();
        self.audio_run = None;
        self.end_source();
        self.forget_target();
        self.begin_medium(opened);
        let Some(medium) = &self.medium else { return };
        let last = medium.last_frame();
        let inside = |mark: FrameIndex| mark <= last;
        self.mark_in = self.mark_in.filter(|&mark| inside(mark));
        self.mark_out = self.mark_out.filter(|&mark| inside(mark));
        let text = "The timeline has changed on disk and was read again.";
        self.notices.push(Severity::Info, text.to_owned(), now);
        self.replan(position.min(last), playing);
    }
}
