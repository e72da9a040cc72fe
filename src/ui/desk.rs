//! Turns actions into commands.
//!
//! A pass may bring several actions at once, and the engine's snapshot only changes after the pass.
//! So the desk starts from the snapshot and moves on with each action: two presses of "louder" in one
//! pass are two steps.

use crate::config::Action;
use crate::decode::LoopMode;
use crate::media::{CompareView, ViewChannel, ViewSettings};
use crate::playback::quality::QualityMode;
use crate::playback::{Command, PlaybackStatus, ProxyUse, SeekTarget};
use crate::time::Speed;

use super::panels::Errand;
use super::{UiEvent, UiInput};
use super::{compare, format};

/// Greatest volume that keys and wheel give, in percent.
pub(super) const MAX_VOLUME: u16 = 200;
pub(super) const VOLUME_STEP: u16 = 5;
/// Farthest that sound can be moved, in milliseconds.
const MAX_DELAY_MILLIS: i32 = 5_000;
const DELAY_STEP_MILLIS: i32 = 10;
/// The fastest that the speed keys give: 4x.
const MAX_SPEED_QUARTERS: i32 = 16;
const EXPOSURE_STEP: f32 = 0.25;
const MAX_EXPOSURE: f32 = 12.0;
/// Steps of 0.05: a division gives the nearest number, where adding up would drift.
const GAMMA_STEPS_A_UNIT: f32 = 20.0;
const MIN_GAMMA: f32 = 0.1;
const MAX_GAMMA: f32 = 4.0;

/// What the overlay does itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// Show or hide the help.
    ToggleHelp,
    /// Show or hide the performance panel.
    TogglePerformance,
    /// Ask for a position.
    AskPosition,
    /// Close what is open.
    Dismiss,
    /// Something about how the interface itself is arranged.
    Own(Action),
}

/// Words to show for a moment after an action whose effect may not be seen otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feedback {
    /// Where the playhead is.
    Position,
    /// These words.
    Words(String),
}

/// The state of the controls as they will be once the engine has done what was asked in this pass.
pub(super) struct Desk<'a> {
    input: &'a UiInput<'a>,
    pub(super) events: Vec<UiEvent>,
    pub(super) feedback: Option<Feedback>,
    playing: bool,
    speed: Speed,
    volume: u16,
    muted: bool,
    scrub_sound: bool,
    delay_millis: i32,
    loop_mode: LoopMode,
    view: ViewSettings,
    compare: CompareView,
    quality: QualityMode,
    track: Option<usize>,
    device: Option<String>,
}

impl<'a> Desk<'a> {
    /// Starts from what `input` says.
    pub(super) fn new(input: &'a UiInput<'a>) -> Self {
        let snapshot = input.snapshot;
        Self {
            input,
            events: Vec::new(),
            feedback: None,
            playing: snapshot.status == PlaybackStatus::Playing,
            speed: snapshot.speed,
            volume: snapshot.volume_percent,
            muted: snapshot.muted,
            scrub_sound: snapshot.scrub_sound,
            delay_millis: snapshot.audio_delay_millis,
            loop_mode: snapshot.loop_mode,
            view: snapshot.view,
            compare: snapshot.compare,
            quality: snapshot.quality.mode,
            track: snapshot.audio_track,
            device: input.audio_device.map(str::to_owned),
        }
    }

    /// Passes a command on.
    pub(super) fn send(&mut self, command: Command) {
        self.events.push(UiEvent::Command(command));
    }

    /// Passes an errand on.
    pub(super) fn ask(&mut self, errand: Errand) {
        self.events.push(UiEvent::Errand(errand));
    }

    fn say(&mut self, words: impl Into<String>) {
        self.feedback = Some(Feedback::Words(words.into()));
    }

    fn has_medium(&self) -> bool {
        self.input.snapshot.media.is_some()
    }

    fn has_markers(&self) -> bool {
        let media = self.input.snapshot.media.as_ref();
        media
            .and_then(|media| media.timeline.as_ref())
            .is_some_and(|timeline| !timeline.edit.markers().is_empty())
    }

    /// Does `action`, or answers what the overlay must do for it. Moving the playhead of nothing is
    /// no command.
    pub(super) fn perform(&mut self, action: Action) -> Option<Local> {
        match action {
            Action::ToggleHelp => return Some(Local::ToggleHelp),
            Action::TogglePerformance => return Some(Local::TogglePerformance),
            Action::GoToPosition => return self.has_medium().then_some(Local::AskPosition),
            Action::Dismiss => return Some(Local::Dismiss),
            Action::OpenFiles
            | Action::ToggleFullscreen
            | Action::Screenshot
            | Action::CopyFrame
            | Action::CopyTimecode
            | Action::MakeProxies
            | Action::ForceDeviceLoss
            | Action::Quit => self.events.push(UiEvent::Action(action)),
            Action::ZoomFit
            | Action::ZoomFill
            | Action::ZoomActual
            | Action::ZoomIn
            | Action::ZoomOut
            | Action::CycleGuides
            | Action::ToggleInspector
            | Action::MainMenu
            | Action::PanelTimeline
            | Action::PanelPerformance
            | Action::PanelProfiler
            | Action::PanelProxies
            | Action::PanelCaches
            | Action::PanelSettings
            | Action::FocusPanels
            | Action::ViewerOnly => return Some(Local::Own(action)),
            Action::NextFile => self.send(Command::PlaylistStep(1)),
            Action::PreviousFile => self.send(Command::PlaylistStep(-1)),
            Action::SpeedDown => self.change_speed(-1),
            Action::SpeedUp => self.change_speed(1),
            Action::SpeedReset => self.set_speed(Speed::NORMAL),
            Action::VolumeDown => self.change_volume(-1),
            Action::VolumeUp => self.change_volume(1),
            Action::ToggleMute => self.toggle_mute(),
            Action::ToggleScrubSound => self.toggle_scrub_sound(),
            Action::ToggleProxies => self.toggle_proxies(),
            Action::AudioDelayDown => self.change_delay(-DELAY_STEP_MILLIS),
            Action::AudioDelayUp => self.change_delay(DELAY_STEP_MILLIS),
            Action::NextAudioDevice => self.next_device(),
            Action::CycleLoop => self.set_loop(match self.loop_mode {
                LoopMode::Off => LoopMode::Loop,
                LoopMode::Loop => LoopMode::PingPong,
                LoopMode::PingPong => LoopMode::Off,
            }),
            Action::TogglePingPong => self.set_loop(match self.loop_mode {
                LoopMode::PingPong => LoopMode::Off,
                _ => LoopMode::PingPong,
            }),
            Action::CycleQuality => self.cycle_quality(),
            _ if self.perform_view(action) => {}
            _ if self.perform_compare(action) => {}
            _ if self.has_medium() => self.perform_transport(action),
            _ => {}
        }
        None
    }

    fn perform_transport(&mut self, action: Action) {
        let snapshot = self.input.snapshot;
        let command = match action {
            Action::PlayPause => Command::TogglePause,
            Action::Pause => Command::Pause,
            Action::ShuttleBackward => Command::Shuttle(-1),
            Action::ShuttleForward => Command::Shuttle(1),
            Action::StepBackward => Command::Step(-1),
            Action::StepForward => Command::Step(1),
            Action::StepBackwardTen => Command::Step(-10),
            Action::StepForwardTen => Command::Step(10),
            Action::SeekBackwardOneSecond => Command::SeekByMillis(-1_000),
            Action::SeekForwardOneSecond => Command::SeekByMillis(1_000),
            Action::SeekBackwardTenSeconds => Command::SeekByMillis(-10_000),
            Action::SeekForwardTenSeconds => Command::SeekByMillis(10_000),
            Action::SeekBackwardOneMinute => Command::SeekByMillis(-60_000),
            Action::SeekForwardOneMinute => Command::SeekByMillis(60_000),
            Action::PreviousCut => Command::Seek(SeekTarget::Cut(-1)),
            Action::NextCut => Command::Seek(SeekTarget::Cut(1)),
            Action::PreviousMarker | Action::NextMarker if !self.has_markers() => {
                return self.say("No markers");
            }
            Action::PreviousMarker => Command::Seek(SeekTarget::Marker(-1)),
            Action::NextMarker => Command::Seek(SeekTarget::Marker(1)),
            Action::GoToStart => Command::Seek(SeekTarget::Start),
            Action::GoToEnd => Command::Seek(SeekTarget::End),
            Action::GoToIn => Command::Seek(
                snapshot
                    .mark_in
                    .map_or(SeekTarget::Start, SeekTarget::Frame),
            ),
            Action::GoToOut => {
                Command::Seek(snapshot.mark_out.map_or(SeekTarget::End, SeekTarget::Frame))
            }
            Action::MarkIn => Command::SetIn(Some(snapshot.position)),
            Action::MarkOut => Command::SetOut(Some(snapshot.position)),
            Action::ClearMarks => {
                self.send(Command::SetIn(None));
                Command::SetOut(None)
            }
            Action::NextAudioTrack => return self.next_track(),
            _ => return,
        };
        self.feedback = match &command {
            Command::SetIn(Some(_)) => Some(Feedback::Words("In mark set".to_owned())),
            Command::SetOut(Some(_)) => Some(Feedback::Words("Out mark set".to_owned())),
            Command::SetOut(None) => Some(Feedback::Words("Marks cleared".to_owned())),
            Command::Step(_) | Command::Seek(_) | Command::SeekByMillis(_) => {
                Some(Feedback::Position)
            }
            _ => None,
        };
        self.send(command);
    }

    fn toggle_proxies(&mut self) {
        let snapshot = self.input.snapshot;
        let wanted = snapshot.proxies.toggled();
        match (snapshot.proxies, wanted) {
            // The engine says why not.
            (ProxyUse::Never, _) => {}
            (_, ProxyUse::Always) if !snapshot.has_proxies => {
                self.say("Proxies, when there are verified ones");
            }
            (_, ProxyUse::Always) => self.say("Proxies"),
            _ => self.say("Source"),
        }
        self.send(Command::SetProxies(wanted));
    }

    /// Does `action` if it adjusts the view; answers whether it did.
    fn perform_view(&mut self, action: Action) -> bool {
        let mut view = self.view;
        match action {
            Action::ExposureDown => view.exposure_stops = exposure(view.exposure_stops, -1.0),
            Action::ExposureUp => view.exposure_stops = exposure(view.exposure_stops, 1.0),
            Action::ExposureReset => view.exposure_stops = ViewSettings::default().exposure_stops,
            Action::GammaDown => view.gamma = gamma(view.gamma, -1.0),
            Action::GammaUp => view.gamma = gamma(view.gamma, 1.0),
            Action::GammaReset => view.gamma = ViewSettings::default().gamma,
            Action::ViewRed => view.channel = toggled(view.channel, ViewChannel::Red),
            Action::ViewGreen => view.channel = toggled(view.channel, ViewChannel::Green),
            Action::ViewBlue => view.channel = toggled(view.channel, ViewChannel::Blue),
            Action::ViewAlpha => view.channel = toggled(view.channel, ViewChannel::Alpha),
            Action::ViewLuma => view.channel = toggled(view.channel, ViewChannel::Luma),
            Action::ViewColor => view.channel = ViewChannel::Color,
            _ => return false,
        }
        self.view = view;
        self.say(match action {
            Action::ExposureDown | Action::ExposureUp | Action::ExposureReset => {
                format!("Exposure {:+.2} stops", view.exposure_stops)
            }
            Action::GammaDown | Action::GammaUp | Action::GammaReset => {
                format!("Gamma {:.2}", view.gamma)
            }
            _ => format::channel_words(view.channel).to_owned(),
        });
        self.send(Command::SetView(view));
        true
    }

    /// Does `action` if it changes how a comparison is shown; answers whether it did.
    fn perform_compare(&mut self, action: Action) -> bool {
        let Some(view) = compare::changed(self.compare, action) else {
            return false;
        };
        if compare::names(self.input.snapshot).is_some() {
            self.say(compare::words(view));
            self.set_compare(view);
        } else {
            self.say("Nothing to compare with");
        }
        true
    }

    /// Moves the line of a wipe.
    pub(super) fn set_wipe(&mut self, position: f32) {
        self.set_compare(CompareView {
            position,
            ..self.compare
        });
    }

    fn set_compare(&mut self, view: CompareView) {
        if view != self.compare {
            self.compare = view;
            self.send(Command::SetCompare(view));
        }
    }

    /// The button that plays in one direction, or pauses when that is how it plays.
    pub(super) fn play_button(&mut self, backwards: bool) {
        if !self.has_medium() {
            return;
        }
        if self.playing && self.speed.is_reverse() == backwards {
            self.playing = false;
            return self.send(Command::Pause);
        }
        if self.speed.is_reverse() != backwards {
            self.speed = Speed::from_quarters(-self.speed.quarters()).unwrap_or(Speed::NORMAL);
            self.send(Command::SetSpeed(self.speed));
        }
        if !self.playing {
            self.playing = true;
            self.send(Command::Play);
        }
    }

    /// Changes the speed by quarters, direction kept, between a quarter and four times.
    pub(super) fn change_speed(&mut self, quarters: i32) {
        let direction = if self.speed.is_reverse() { -1 } else { 1 };
        let size = (self.speed.quarters().abs() + quarters).clamp(1, MAX_SPEED_QUARTERS);
        self.set_speed(Speed::from_quarters(direction * size).unwrap_or(Speed::NORMAL));
    }

    fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
        self.say(format!("Speed {speed}"));
        self.send(Command::SetSpeed(speed));
    }

    /// Sets the volume in percent, and unmutes: who changes the volume wants to hear it.
    pub(super) fn set_volume(&mut self, percent: u16) {
        let percent = percent.min(MAX_VOLUME);
        if self.muted {
            self.muted = false;
            self.send(Command::SetMuted(false));
        }
        self.say(format!("Volume {percent} %"));
        if percent != self.volume {
            self.volume = percent;
            self.send(Command::SetVolume(percent));
        }
    }

    /// Changes it by so many steps.
    pub(super) fn change_volume(&mut self, steps: i64) {
        let by = steps.saturating_mul(i64::from(VOLUME_STEP));
        let wanted = i64::from(self.volume).saturating_add(by).max(0);
        self.set_volume(u16::try_from(wanted).unwrap_or(MAX_VOLUME));
    }

    fn toggle_mute(&mut self) {
        self.muted = !self.muted;
        self.say(if self.muted {
            "Muted".to_owned()
        } else {
            format!("Volume {} %", self.volume)
        });
        self.send(Command::SetMuted(self.muted));
    }

    fn cycle_quality(&mut self) {
        self.quality = self.quality.next();
        self.say(format!("Quality {}", self.quality));
        self.send(Command::SetQuality(self.quality));
    }

    fn toggle_scrub_sound(&mut self) {
        self.scrub_sound = !self.scrub_sound;
        self.say(if self.scrub_sound {
            "Dragging and stepping are heard"
        } else {
            "Dragging and stepping are silent"
        });
        self.send(Command::SetScrubSound(self.scrub_sound));
    }

    /// Moves the playhead.
    pub(super) fn go_to(&mut self, target: SeekTarget) {
        self.feedback = Some(Feedback::Position);
        self.send(Command::Seek(target));
    }

    /// Moves the playhead by whole frames, as the wheel does.
    pub(super) fn step(&mut self, frames: i64) {
        if self.has_medium() {
            self.feedback = Some(Feedback::Position);
            self.send(Command::Step(frames));
        }
    }

    fn change_delay(&mut self, millis: i32) {
        self.delay_millis = (self.delay_millis + millis).clamp(-MAX_DELAY_MILLIS, MAX_DELAY_MILLIS);
        self.say(format!("Audio delay {:+} ms", self.delay_millis));
        self.send(Command::SetAudioDelayMillis(self.delay_millis));
    }

    fn set_loop(&mut self, mode: LoopMode) {
        self.loop_mode = mode;
        self.say(format::loop_words(mode));
        self.send(Command::SetLoop(mode));
    }

    /// Hears a track, or none.
    pub(super) fn set_track(&mut self, track: Option<usize>) {
        self.track = track;
        self.say(match track {
            Some(index) => format!("Audio track {}", index + 1),
            None => "Audio off".to_owned(),
        });
        self.send(Command::SetAudioTrack(track));
    }

    fn next_track(&mut self) {
        let count = self
            .input
            .snapshot
            .media
            .as_ref()
            .map_or(0, |media| media.info.audio.len());
        if count == 0 {
            return self.say("No audio track");
        }
        let next = self.track.map_or(0, |track| track + 1);
        self.set_track((next < count).then_some(next));
    }

    /// Hears the sound on a device, or on the system's default.
    pub(super) fn set_device(&mut self, device: Option<String>) {
        self.say(format!(
            "Audio device: {}",
            device.as_deref().unwrap_or("system default")
        ));
        self.device.clone_from(&device);
        self.send(Command::SetAudioDevice(device));
    }

    fn next_device(&mut self) {
        let devices = self.input.audio_devices;
        let place = self
            .device
            .as_ref()
            .and_then(|name| devices.iter().position(|d| d == name));
        let next = match (&self.device, place) {
            (None, _) => 0,
            (Some(_), Some(place)) => place + 1,
            (Some(_), None) => devices.len(),
        };
        self.set_device(devices.get(next).cloned());
    }
}

fn exposure(stops: f32, steps: f32) -> f32 {
    (((stops / EXPOSURE_STEP).round() + steps) * EXPOSURE_STEP).clamp(-MAX_EXPOSURE, MAX_EXPOSURE)
}

fn gamma(gamma: f32, steps: f32) -> f32 {
    (((gamma * GAMMA_STEPS_A_UNIT).round() + steps) / GAMMA_STEPS_A_UNIT)
        .clamp(MIN_GAMMA, MAX_GAMMA)
}

fn toggled(now: ViewChannel, asked: ViewChannel) -> ViewChannel {
    if now == asked {
        ViewChannel::Color
    } else {
        asked
    }
}
