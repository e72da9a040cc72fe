//! The overlay driven without a window: events go in, commands come out, and every text that is
//! painted has a place of its own.

mod badges;
mod bar;
mod cost;
mod docked;
mod fit;
mod fixture;
mod inspector;
mod lens;
mod panels;
mod proxies;
mod scrub_wheel;
mod thumbnails;
mod timeline;
mod visibility;

use std::sync::Arc;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};

use crate::gpu::{Framing, Placement, Rect as Pixels, place};
use crate::media::Size;

use crate::cache::thumbnails::ThumbnailStrip;
use crate::cache::waveform::{Columns, Peak};
use crate::config::{Action, KeyMap};
use crate::convert::PixelReading;
use crate::decode::LoopMode;
use crate::media::ViewChannel;
use crate::metrics::BlameMap;
use crate::playback::{Command, PlaybackStatus, SeekTarget, Snapshot};
use crate::time::{FrameIndex, Moment, Speed};
use crate::ui::pointer::{Button, Zone};
use crate::ui::{
    Failure, Overlay, PanelData, Thumbnails, UiEvent, UiInput, UiOutput, ViewStats, scrub,
};

/// A window with the overlay in it.
struct Screen {
    ctx: egui::Context,
    overlay: Overlay,
    snapshot: Snapshot,
    stats: ViewStats,
    keys: KeyMap,
    size: egui::Vec2,
    scale: f32,
    now: Moment,
    fullscreen: bool,
    failure: Option<Failure<'static>>,
    devices: Vec<String>,
    waveform: Option<Arc<Columns>>,
    thumbnails: Option<ThumbnailStrip>,
    framing: Framing,
    panels: PanelData,
    blame: BlameMap,
    pixel: Option<PixelReading>,
}

impl Screen {
    /// A window of so many pixels at so many pixels a point, paused on a frame, shown once.
    fn new(width: f32, height: f32, scale: f32) -> Self {
        let mut snapshot = fixture::snapshot(1_800, 737);
        snapshot.status = PlaybackStatus::Paused;
        let mut screen = Self {
            ctx: egui::Context::default(),
            overlay: Overlay::new(),
            snapshot,
            stats: fixture::stats(),
            keys: KeyMap::default(),
            size: vec2(width, height),
            scale,
            now: Moment::ZERO,
            fullscreen: false,
            failure: None,
            devices: vec!["Speakers".to_owned(), "HDMI".to_owned()],
            waveform: None,
            thumbnails: None,
            framing: Framing::default(),
            panels: PanelData::default(),
            blame: BlameMap::default(),
            pixel: None,
        };
        screen.show(Vec::new());
        screen
    }

    /// A usual window.
    fn usual() -> Self {
        Self::new(1280.0, 720.0, 1.0)
    }

    fn input(&self) -> UiInput<'_> {
        UiInput {
            snapshot: &self.snapshot,
            stats: &self.stats,
            keys: &self.keys,
            now: self.now,
            fullscreen: self.fullscreen,
            failure: self.failure,
            audio_devices: &self.devices,
            audio_device: None,
            waveform: self.waveform.as_ref(),
            thumbnails: self.thumbnails.as_ref().map(Thumbnails::OfFile),
            on_device: &[],
            blame: &self.blame,
            placement: self.placement(),
            pixel: self.pixel.as_ref(),
            panels: &self.panels,
            profile: None,
        }
    }

    /// Where the stage would put the picture.
    fn placement(&self) -> Option<Placement> {
        let stream = self.snapshot.media.as_ref()?.info.default_video()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the size of a window"
        )]
        let pixels = |side: f32| side as u32;
        let window = Size::new(pixels(self.size.x), pixels(self.size.y))?;
        let framing = self.framing;
        Some(place(stream.display_size(), Pixels::whole(window), framing))
    }

    /// Runs one pass with these events.
    fn pass(&mut self, events: Vec<Event>) -> UiOutput {
        let points = self.size / self.scale / self.ctx.zoom_factor();
        let mut raw = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, points)),
            events,
            ..RawInput::default()
        };
        let viewport = raw.viewports.entry(egui::ViewportId::ROOT).or_default();
        viewport.native_pixels_per_point = Some(self.scale);
        let mut overlay = std::mem::take(&mut self.overlay);
        let output = overlay.run(&self.ctx, raw, &self.input());
        self.overlay = overlay;
        output
    }

    /// Runs one pass and answers what was asked for.
    fn show(&mut self, events: Vec<Event>) -> Vec<UiEvent> {
        let output = self.pass(events);
        output.egui.drop_without_applying_deltas();
        output.events
    }

    /// Lets time go by.
    fn wait(&mut self, millis: u64) {
        self.now = self
            .now
            .offset_nanos(i64::try_from(millis * 1_000_000).unwrap());
    }

    fn rect(&self, zone: Zone) -> Rect {
        self.overlay
            .zones
            .rect(zone)
            .unwrap_or_else(|| panic!("{zone:?} is not on the screen"))
    }

    fn click(&mut self, button: Button) -> Vec<UiEvent> {
        self.click_zone(Zone::Button(button))
    }

    fn click_zone(&mut self, zone: Zone) -> Vec<UiEvent> {
        let pos = self.rect(zone).center();
        self.show(vec![
            Event::PointerMoved(pos),
            mouse(pos, true),
            mouse(pos, false),
        ])
    }

    /// Presses a key and lets go of it.
    fn press(&mut self, chord: &str) -> Vec<UiEvent> {
        self.show(vec![key_event(chord), release_of(chord)])
    }
}

fn mouse(pos: Pos2, pressed: bool) -> Event {
    let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
    Event::PointerButton {
        pos,
        button,
        pressed,
        modifiers,
    }
}

/// The event of a key as written, on a US keyboard.
fn key_event(chord: &str) -> Event {
    let (held, name) = chord.rsplit_once('+').unwrap_or(("", chord));
    let modifiers = Modifiers {
        ctrl: held.contains("Ctrl"),
        command: held.contains("Ctrl"),
        shift: held.contains("Shift"),
        alt: held.contains("Alt"),
        ..Modifiers::NONE
    };
    let key = Key::from_name(name).unwrap_or_else(|| panic!("{name} is not a key of egui"));
    Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    }
}

fn release_of(chord: &str) -> Event {
    match key_event(chord) {
        Event::Key {
            key,
            physical_key,
            repeat,
            modifiers,
            ..
        } => Event::Key {
            key,
            physical_key,
            pressed: false,
            repeat,
            modifiers,
        },
        other => other,
    }
}

fn commands(commands: impl IntoIterator<Item = Command>) -> Vec<UiEvent> {
    commands.into_iter().map(UiEvent::Command).collect()
}

/// A press, and the release in the same place.
fn drag(target: SeekTarget) -> Vec<UiEvent> {
    commands([Command::Scrub(target), Command::EndScrub])
}

#[test]
fn buttons_ask_for_what_they_show() {
    let mut screen = Screen::usual();
    let expected = [
        (Button::Start, Command::Seek(SeekTarget::Start)),
        (Button::StepBack, Command::Step(-1)),
        (Button::Play, Command::Play),
        (Button::StepOn, Command::Step(1)),
        (Button::End, Command::Seek(SeekTarget::End)),
        (Button::Speed, Command::SetSpeed(Speed::NORMAL)),
        (Button::Loop, Command::SetLoop(LoopMode::Loop)),
        (Button::Mute, Command::SetMuted(true)),
    ];
    for (button, command) in expected {
        assert_eq!(screen.click(button), commands([command]), "{button:?}");
    }
    assert_eq!(
        screen.click(Button::Open),
        [UiEvent::Action(Action::OpenFiles)]
    );
    assert_eq!(
        screen.click(Button::Fullscreen),
        [UiEvent::Action(Action::ToggleFullscreen)]
    );
}

#[test]
fn the_play_buttons_choose_the_direction_and_pause_in_it() {
    let backwards = Speed::from_quarters(-4).unwrap();
    let mut screen = Screen::usual();
    let reverse = commands([Command::SetSpeed(backwards), Command::Play]);
    assert_eq!(screen.click(Button::PlayBack), reverse);
    screen.snapshot.status = PlaybackStatus::Playing;
    assert_eq!(screen.click(Button::Play), commands([Command::Pause]));
    assert_eq!(
        screen.click(Button::PlayBack),
        commands([Command::SetSpeed(backwards)])
    );
    screen.snapshot.speed = backwards;
    assert_eq!(screen.click(Button::PlayBack), commands([Command::Pause]));
    assert_eq!(
        screen.click(Button::Play),
        commands([Command::SetSpeed(Speed::NORMAL)])
    );
}

#[test]
fn a_click_on_the_lane_seeks_the_frame_there() {
    let mut screen = Screen::usual();
    let lane = screen.rect(Zone::Scrub);
    let first = screen.show(vec![
        mouse(lane.left_center(), true),
        mouse(lane.left_center(), false),
    ]);
    assert_eq!(first, drag(SeekTarget::Frame(FrameIndex(0))));
    let end = lane.right_center() - vec2(0.1, 0.0);
    let last = screen.show(vec![mouse(end, true), mouse(end, false)]);
    assert_eq!(last, drag(SeekTarget::Frame(FrameIndex(1_799))));
}

#[test]
fn a_drag_seeks_at_each_change_and_shows_the_frame_at_once() {
    let mut screen = Screen::usual();
    let lane = screen.rect(Zone::Scrub);
    let at = |fraction: f32| pos2(scrub::x_at(lane, fraction), lane.center().y);
    let seek = |frame| Command::Scrub(SeekTarget::Frame(FrameIndex(frame)));
    assert_eq!(screen.show(vec![mouse(at(0.0), true)]), commands([seek(0)]));
    let moves = [0.1, 0.3, 0.5].map(|place| Event::PointerMoved(at(place)));
    assert_eq!(
        screen.show(moves.to_vec()),
        commands([seek(900)]),
        "of a pass only the last place counts"
    );
    assert_eq!(screen.overlay.shown_frame(&screen.input()), FrameIndex(900));
    assert_eq!(
        screen.show(vec![Event::PointerMoved(at(0.5))]),
        [],
        "nothing changed"
    );
    let beyond = pos2(5_000.0, 10.0);
    assert_eq!(
        screen.show(vec![Event::PointerMoved(beyond)]),
        commands([seek(1_799)])
    );
    // The device is lost, and the interface made anew: the hand still holds the playhead.
    let mut fresh = Overlay::new();
    fresh.take_over(&mut screen.overlay);
    screen.overlay = fresh;
    assert_eq!(
        screen.show(vec![Event::PointerMoved(at(0.5))]),
        commands([seek(900)])
    );
    assert_eq!(
        screen.show(vec![mouse(beyond, false)]),
        commands([Command::EndScrub])
    );
    assert_eq!(screen.overlay.shown_frame(&screen.input()), FrameIndex(737));
}

#[test]
fn while_the_index_grows_unknown_frames_are_asked_for_by_fraction() {
    let mut screen = Screen::usual();
    let mut media = fixture::media(1_800);
    media.frames = 100;
    media.index_complete = false;
    screen.snapshot.media = Some(media.into());
    screen.show(Vec::new());
    let lane = screen.rect(Zone::Scrub);
    let asked = screen.show(vec![
        mouse(lane.center(), true),
        mouse(lane.center(), false),
    ]);
    assert_eq!(asked, drag(SeekTarget::Millionths(500_000)));
}

#[test]
fn the_volume_slider_and_the_wheel_set_the_volume() {
    let mut screen = Screen::usual();
    screen.snapshot.muted = true;
    let rect = screen.rect(Zone::Volume);
    let asked = screen.show(vec![
        mouse(rect.center(), true),
        mouse(rect.center(), false),
    ]);
    assert_eq!(
        asked,
        commands([Command::SetMuted(false), Command::SetVolume(50)])
    );
    screen.snapshot.muted = false;
    let wheel = Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, -1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    };
    assert_eq!(screen.show(vec![wheel]), commands([Command::SetVolume(75)]));
}

#[test]
fn keys_do_what_the_map_says() {
    let mut screen = Screen::usual();
    let expected = [
        ("Space", Command::TogglePause),
        ("J", Command::Shuttle(-1)),
        ("L", Command::Shuttle(1)),
        ("Shift+Left", Command::Step(-10)),
        ("Shift+Right", Command::Step(10)),
        ("Down", Command::SeekByMillis(-1_000)),
        ("Shift+Up", Command::SeekByMillis(10_000)),
        ("PageUp", Command::SeekByMillis(60_000)),
        ("I", Command::SetIn(Some(FrameIndex(737)))),
        ("O", Command::SetOut(Some(FrameIndex(737)))),
        ("]", Command::SetSpeed(Speed::from_quarters(5).unwrap())),
        ("Backspace", Command::SetSpeed(Speed::NORMAL)),
        ("Shift+P", Command::SetLoop(LoopMode::PingPong)),
        ("Shift+S", Command::SetScrubSound(false)),
        ("Ctrl+Minus", Command::SetAudioDelayMillis(-10)),
        ("T", Command::SetAudioTrack(Some(1))),
        (
            "Shift+T",
            Command::SetAudioDevice(Some("Speakers".to_owned())),
        ),
        (">", Command::PlaylistStep(1)),
    ];
    for (chord, command) in expected {
        let asked = match chord {
            ">" => screen.show(vec![Event::Text(chord.into())]),
            chord => screen.press(chord),
        };
        assert_eq!(asked, commands([command]), "{chord}");
    }
    let cleared = commands([Command::SetIn(None), Command::SetOut(None)]);
    assert_eq!(screen.press("Alt+X"), cleared);
    for (chord, action) in [
        ("Ctrl+O", Action::OpenFiles),
        ("F", Action::ToggleFullscreen),
        ("S", Action::Screenshot),
        ("Q", Action::Quit),
        ("Ctrl+Shift+D", Action::ForceDeviceLoss),
    ] {
        assert_eq!(screen.press(chord), [UiEvent::Action(action)], "{chord}");
    }
}

#[test]
fn every_action_does_something() {
    for &action in Action::ALL {
        let mut screen = Screen::usual();
        // So that Dismiss has something to leave.
        screen.fullscreen = true;
        screen.keys = KeyMap::empty();
        screen.keys.bind("W".parse().unwrap(), action);
        let before = screen.overlay.look;
        let events = screen.press("W");
        assert!(
            !events.is_empty() || screen.overlay.look != before,
            "{action:?} does nothing"
        );
    }
}

#[test]
fn steps_within_one_pass_add_up() {
    let mut screen = Screen::usual();
    let twice = screen.show(vec![key_event("0"), key_event("0")]);
    assert_eq!(
        twice,
        commands([Command::SetVolume(85), Command::SetVolume(90)])
    );
    let slow = screen.show(vec![key_event("["); 5]);
    let last = Command::SetSpeed(Speed::from_quarters(1).unwrap());
    assert_eq!(
        slow.last(),
        Some(&UiEvent::Command(last)),
        "a quarter is the slowest"
    );
}

#[test]
fn view_keys_toggle_and_adjust() {
    let mut screen = Screen::usual();
    let view = |events: Vec<UiEvent>| match events.as_slice() {
        [UiEvent::Command(Command::SetView(view))] => *view,
        other => panic!("not a view: {other:?}"),
    };
    let red = view(screen.press("R"));
    assert_eq!(red.channel, ViewChannel::Red);
    screen.snapshot.view = red;
    assert_eq!(view(screen.press("R")).channel, ViewChannel::Color);
    assert_eq!(view(screen.press("Y")).channel, ViewChannel::Luma);
    assert!((view(screen.press("4")).exposure_stops - 0.25).abs() < 1e-6);
    assert!((view(screen.press("5")).gamma - 0.95).abs() < 1e-6);
}

#[test]
fn held_keys_repeat_steps_but_no_toggles() {
    let mut screen = Screen::usual();
    assert_eq!(screen.show(vec![key_event("M")]).len(), 1);
    assert_eq!(
        screen.show(vec![key_event("M")]),
        [],
        "egui knows that it was not released"
    );
    assert_eq!(screen.show(vec![key_event("Right")]).len(), 1);
    assert_eq!(
        screen.show(vec![key_event("Right")]),
        commands([Command::Step(1)])
    );
}

#[test]
fn with_k_held_j_and_l_step() {
    let mut screen = Screen::usual();
    let asked = screen.show(vec![key_event("K"), key_event("L"), key_event("J")]);
    assert_eq!(
        asked,
        commands([Command::Pause, Command::Step(1), Command::Step(-1)])
    );
}

#[test]
fn without_a_medium_the_playhead_stays_where_it_is() {
    let mut screen = Screen::usual();
    screen.snapshot = fixture::empty_snapshot();
    screen.show(Vec::new());
    for chord in ["Space", "Right", "I", "Home", "J", "/"] {
        let events = screen.show(vec![match chord {
            "/" => Event::Text("/".into()),
            chord => key_event(chord),
        }]);
        assert_eq!(events, [], "{chord}");
    }
    assert_eq!(
        screen.overlay.zones.rect(Zone::Button(Button::Play)),
        None,
        "not to be pressed"
    );
    assert_eq!(
        screen.click(Button::Open),
        [UiEvent::Action(Action::OpenFiles)]
    );
}

#[test]
fn two_clicks_on_the_picture_fill_the_screen() {
    let mut screen = Screen::usual();
    let pos = pos2(600.0, 300.0);
    let click = || vec![mouse(pos, true), mouse(pos, false)];
    assert_eq!(screen.show(click()), []);
    screen.wait(150);
    assert_eq!(
        screen.show(click()),
        [UiEvent::Action(Action::ToggleFullscreen)]
    );
}

#[test]
fn a_waveform_can_be_dragged_like_the_lane() {
    let mut screen = Screen::usual();
    screen.waveform = Some(Arc::new(vec![Peak::default(); 300].into()));
    screen.show(Vec::new());
    let has_zone = |screen: &Screen| screen.overlay.zones.rect(Zone::Waveform).is_some();
    assert!(
        !has_zone(&screen),
        "where there is a picture, it is only faint"
    );
    screen.snapshot.media = Some(fixture::sound_only(1_800).into());
    screen.show(Vec::new());
    let center = screen.rect(Zone::Waveform).center();
    let asked = screen.show(vec![mouse(center, true), mouse(center, false)]);
    assert_eq!(asked, drag(SeekTarget::Frame(FrameIndex(900))));
}
