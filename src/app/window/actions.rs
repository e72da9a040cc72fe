//! What the window does by itself when the person asks for it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use winit::event_loop::ActiveEventLoop;
use winit::window::Fullscreen;

use super::{App, News};
use crate::app::new_file::NewFile;
use crate::app::png_file::write_png;
use crate::config::{Action, Folders};
use crate::playback::{Command, Severity};
use crate::time::Moment;
use crate::ui::UiEvent;

/// The engine answers a move of the playhead in a part of a millisecond. One that is busy is not waited
/// for.
const LONGEST_ANSWER: Duration = Duration::from_millis(4);

/// Nobody can read a dialog and cancel it in less.
const FASTEST_PERSON: Duration = Duration::from_millis(150);

/// What came of a file dialog.
#[derive(Debug, PartialEq, Eq)]
enum DialogOutcome {
    Chosen(Vec<PathBuf>),
    Cancelled,
    NoDialog,
}

/// The dialog's answer is the same where it was cancelled and where there is none; the difference is that
/// a person needs time.
fn dialog_outcome(chosen: Option<Vec<PathBuf>>, took: Duration) -> DialogOutcome {
    match chosen.filter(|files| !files.is_empty()) {
        Some(files) => DialogOutcome::Chosen(files),
        None if took < FASTEST_PERSON => DialogOutcome::NoDialog,
        None => DialogOutcome::Cancelled,
    }
}

/// The timeline that comes with the program. It needs no media.
const DEMO: &[u8] = include_bytes!("../../../assets/demo.otio");

fn write_demo(file: &Path) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut new = NewFile::create(file)?;
    new.write_all(DEMO)?;
    new.finish()
}

impl App {
    pub(super) fn on_ui_event(&mut self, event: UiEvent, event_loop: &ActiveEventLoop) {
        match event {
            UiEvent::Command(command) => self.command(command),
            UiEvent::Action(action) => self.act(action, event_loop),
            UiEvent::Errand(errand) => self.run_errand(errand),
        }
    }

    fn command(&mut self, command: Command) {
        let now = self.player.clock.now();
        let places = matches!(
            command,
            Command::Scrub(_)
                | Command::Seek(_)
                | Command::SeekByMillis(_)
                | Command::Step(_)
                | Command::SetIn(_)
                | Command::SetOut(_)
        );
        if places {
            self.leave_as_opened();
        }
        match command {
            Command::Scrub(target) => {
                let period = self.pacer.period_nanos();
                if let Some(target) = self.moves.take(target, now, period) {
                    self.move_playhead(Command::Scrub(target), now);
                }
                return;
            }
            // Where the pointer was let go of is where the playhead stays.
            Command::EndScrub => {
                if let Some(target) = self.moves.release(now) {
                    self.move_playhead(Command::Scrub(target), now);
                }
            }
            Command::Seek(_) | Command::SeekByMillis(_) | Command::Step(_) => {
                return self.move_playhead(command, now);
            }
            Command::SetAudioDevice(ref device) => self.audio_device.clone_from(device),
            _ => {}
        }
        self.player.remember(&command);
        self.player.engine.send(command);
    }

    fn move_playhead(&mut self, command: Command, now: Moment) {
        self.answer_by = Some(now + LONGEST_ANSWER);
        let scheduler = &self.player.scheduler;
        let aim = scheduler.aim();
        let before = [aim, scheduler.served().unwrap_or(aim)];
        self.asked_at.get_or_insert((now, before));
        self.player.engine.send(command);
    }

    /// Sends the target that waits if its time has come; answers when that is.
    pub(super) fn send_move_if_due(&mut self, now: Moment) -> Option<Moment> {
        let due = self.moves.due(self.pacer.period_nanos())?;
        if due > now {
            return Some(due);
        }
        if let Some(target) = self.moves.release(now) {
            self.player.engine.send(Command::Scrub(target));
        }
        None
    }

    fn act(&mut self, action: Action, event_loop: &ActiveEventLoop) {
        match action {
            Action::Quit => self.end(event_loop),
            Action::ToggleFullscreen => self.toggle_fullscreen(),
            Action::OpenFiles => self.open_dialog(),
            Action::Screenshot => self.take_screenshot(),
            Action::CopyFrame => self.copy_frame(),
            Action::CopyTimecode => self.copy_timecode(),
            Action::MakeProxies => self.player.make_proxies(None),
            Action::ForceDeviceLoss => {
                if let Some(shown) = &self.shown_window {
                    shown.stage.gpu().force_loss();
                    self.must_draw = true;
                }
            }
            other => tracing::error!("the interface passed on {other:?}, which it does itself"),
        }
    }

    fn toggle_fullscreen(&mut self) {
        let Some(shown) = &self.shown_window else {
            return;
        };
        let full = shown.window.fullscreen().is_some();
        shown
            .window
            .set_fullscreen((!full).then_some(Fullscreen::Borderless(None)));
        self.must_draw = true;
    }

    /// The dialog runs on a thread of its own, for playback goes on behind it.
    fn open_dialog(&self) {
        let proxy = self.proxy.clone();
        let clock = Arc::clone(&self.player.clock);
        let dialog = move || {
            let begun = clock.now();
            let chosen = rfd::FileDialog::new()
                .set_title("Open media or timelines")
                .pick_files();
            let outcome = dialog_outcome(chosen, clock.now().since(begun));
            let news = match outcome {
                DialogOutcome::Chosen(files) => News::Chosen(files),
                DialogOutcome::Cancelled => return,
                DialogOutcome::NoDialog => News::NoDialog,
            };
            let _ended = proxy.send_event(news);
        };
        let started = std::thread::Builder::new()
            .name("file dialog".to_owned())
            .spawn(dialog);
        if let Err(error) = started {
            let text =
                format!("The file dialog cannot be opened: {error}. Drop files on the window.");
            self.player
                .engine
                .send(Command::Tell(Severity::Warning, text));
        }
    }

    /// Opens the timeline that comes with the program: a file like any other, in the cache folder.
    pub(super) fn open_demo(&mut self) {
        let Some(folder) = self
            .folders
            .as_ref()
            .map(|folders| folders.cache().join("demo"))
        else {
            let text = "The demo needs a folder to lie in, and there is no home folder. Set XDG_CACHE_HOME.";
            return self.tell(Severity::Warning, text.to_owned());
        };
        let write = move || {
            let file = folder.join("demo.otio");
            match write_demo(&file) {
                Ok(()) => News::Chosen(vec![file]),
                Err(error) => {
                    let place = file.display();
                    let text = format!("The demo cannot be written to {place}: {error}.");
                    News::Told(Severity::Warning, text)
                }
            }
        };
        if let Err(error) = self.aside.run("demo", write) {
            self.tell(
                Severity::Warning,
                format!("The demo cannot be opened: {error}."),
            );
        }
    }

    /// There is no dialog on this system.
    pub(super) fn tell_no_dialog(&self) {
        let text = "The system has no file dialog: neither a desktop portal nor zenity answers. Drop files \
                    on the window, or name them on the command line.";
        self.player
            .engine
            .send(Command::Tell(Severity::Warning, text.to_owned()));
    }

    /// Puts the frame on screen, at its own size, on the clipboard.
    fn copy_frame(&mut self) {
        let Some(shown) = &mut self.shown_window else {
            return;
        };
        let (severity, text) = match shown.stage.picture(None) {
            Ok(picture) => {
                let size = picture.size;
                let sides = [size.width(), size.height()].map(|side| side as usize);
                let image = egui::ColorImage::from_rgba_unmultiplied(sides, &picture.rgba);
                self.interface.copy_image(image);
                let words = format!("Frame copied, {} × {}", size.width(), size.height());
                (Severity::Info, words)
            }
            Err(error) => (
                Severity::Error,
                format!("The frame cannot be copied: {error}."),
            ),
        };
        // The picture in the window has another size.
        self.must_draw = true;
        self.tell(severity, text);
    }

    fn copy_timecode(&mut self) {
        let snapshot = self.player.engine.snapshot();
        let text = snapshot.timecode.map_or_else(
            || snapshot.position.to_string(),
            |timecode| timecode.to_string(),
        );
        self.tell(Severity::Info, format!("Copied {text}"));
        self.interface.copy_text(text);
    }

    /// The person's folder of pictures, or the present one where there is none.
    pub(super) fn saved_folder(&self) -> PathBuf {
        let folder = self.folders.as_ref().map(Folders::pictures);
        let folder = folder.filter(|folder| folder.is_dir());
        folder.map_or_else(|| ".".into(), Path::to_owned)
    }

    /// Writes the frame on screen, at its own size, into the person's folder of pictures.
    fn take_screenshot(&mut self) {
        let snapshot = self.player.engine.snapshot();
        let folder = self.saved_folder();
        let (Some(shown), Some(media)) = (&mut self.shown_window, &snapshot.media) else {
            return;
        };
        let stem = media
            .info
            .path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        // What is on the stage may stand in for the frame asked for.
        let frame = self.on_stage.unwrap_or(snapshot.position);
        let file = folder.join(format!("{stem}_{frame}.png"));
        let picture = shown.stage.picture(None);
        // The picture in the window has another size.
        self.must_draw = true;
        let picture = match picture {
            Ok(picture) => picture,
            Err(error) => {
                return self.tell(
                    Severity::Error,
                    format!("The frame cannot be saved: {error}."),
                );
            }
        };
        let less = if shown.stage.shows_proxy() {
            Some(" as the proxy shows it. Switch to the source to save all its detail.")
        } else if shown.stage.shows_reduced() {
            Some(" as the window shows it. `jogwheel shot` saves all its detail.")
        } else {
            None
        };
        let write = move || match write_png(&picture, &file) {
            Ok(()) => {
                let severity = less.map_or(Severity::Info, |_| Severity::Warning);
                let text = format!("Saved {}{}", file.display(), less.unwrap_or_default());
                News::Told(severity, text)
            }
            Err(error) => News::Told(Severity::Error, error.to_string()),
        };
        if let Err(error) = self.aside.run("screenshot", write) {
            let text = format!("The frame cannot be saved: {error}.");
            self.tell(Severity::Error, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_that_is_gone_at_once_was_never_there() {
        let file = PathBuf::from("a.mov");
        let (at_once, later) = (Duration::from_millis(20), Duration::from_secs(2));
        let chosen = Some(vec![file.clone()]);
        let wanted = DialogOutcome::Chosen(vec![file]);
        assert_eq!(dialog_outcome(chosen, at_once), wanted);
        assert_eq!(dialog_outcome(None, later), DialogOutcome::Cancelled);
        assert_eq!(
            dialog_outcome(Some(Vec::new()), later),
            DialogOutcome::Cancelled
        );
        assert_eq!(dialog_outcome(None, at_once), DialogOutcome::NoDialog);
    }
}
