//! What opens over the picture, and what closes it.

use egui::Event;

use super::{Screen, commands, key_event};
use crate::config::Action;
use crate::playback::{Command, SeekTarget};
use crate::time::{FrameIndex, Position};
use crate::ui::UiEvent;
use crate::ui::pointer::{Button, Zone};

#[test]
fn the_help_takes_any_key_and_only_closes() {
    let mut screen = Screen::usual();
    screen.press("F1");
    assert!(screen.overlay.help.is_some());
    assert_eq!(screen.press("Space"), []);
    assert!(screen.overlay.help.is_none());
    assert_eq!(screen.show(vec![Event::Text("?".into())]), []);
    assert!(screen.overlay.help.is_some());
    screen.click_zone(Zone::Help);
    assert!(screen.overlay.help.is_none());
}

#[test]
fn the_prompt_reads_a_position_and_says_what_is_wrong() {
    let mut screen = Screen::usual();
    screen.press("Ctrl+G");
    screen.show(Vec::new());
    assert_eq!(
        screen.show(vec![key_event("J"), Event::Text("j".into())]),
        [],
        "keys are text"
    );
    assert_eq!(screen.press("Enter"), []);
    let error = screen
        .overlay
        .prompt
        .as_ref()
        .and_then(|prompt| prompt.error.clone());
    assert!(
        error.is_some_and(|words| words.contains('j')),
        "it says what it could not read"
    );
    screen.show(vec![key_event("Backspace")]);
    screen.show(vec![Event::Text("120f".into())]);
    let position = Position::Frame(FrameIndex(120));
    let seek = Command::Seek(SeekTarget::Position(position));
    assert_eq!(screen.press("Enter"), commands([seek]));
    assert!(screen.overlay.prompt.is_none());
    assert_eq!(
        screen.press("Space"),
        commands([Command::TogglePause]),
        "keys are keys again"
    );
}

#[test]
fn esc_closes_the_topmost_and_then_leaves_full_screen() {
    let mut screen = Screen::usual();
    screen.fullscreen = true;
    screen.press("Ctrl+G");
    let esc = |screen: &mut Screen| screen.press("Escape");
    assert_eq!(esc(&mut screen), []);
    assert!(screen.overlay.prompt.is_none());
    screen.click(Button::Audio);
    assert!(screen.overlay.menu_scroll.is_some());
    assert_eq!(esc(&mut screen), []);
    assert!(screen.overlay.menu_scroll.is_none());
    assert_eq!(
        esc(&mut screen),
        [UiEvent::Action(Action::ToggleFullscreen)]
    );
    screen.fullscreen = false;
    assert_eq!(esc(&mut screen), []);
}

#[test]
fn the_audio_menu_chooses_track_and_device() {
    let mut screen = Screen::usual();
    screen.click(Button::Audio);
    screen.show(Vec::new());
    assert_eq!(
        screen.click_zone(Zone::MenuRow(2)),
        commands([Command::SetAudioTrack(Some(1))]),
        "below the heading and the first track"
    );
    assert!(screen.overlay.menu_scroll.is_none(), "a choice closes it");
    screen.click(Button::Audio);
    screen.show(Vec::new());
    let hdmi = Command::SetAudioDevice(Some("HDMI".to_owned()));
    assert_eq!(screen.click_zone(Zone::MenuRow(7)), commands([hdmi]));
}

#[test]
fn the_key_that_opens_the_prompt_is_not_its_first_character() {
    let mut screen = Screen::usual();
    let slash = [key_event("Slash"), Event::Text("/".into())];
    screen.show(slash.into());
    screen.show(Vec::new());
    let text = screen
        .overlay
        .prompt
        .as_ref()
        .map(|prompt| prompt.text.as_str());
    assert_eq!(text, Some(""));
}

#[test]
fn what_closes_is_drawn_over() {
    let mut screen = Screen::usual();
    for chord in ["Ctrl+G", "F1"] {
        screen.press(chord);
        screen.show(Vec::new());
        let closed = screen.pass(vec![key_event("Escape"), super::release_of("Escape")]);
        assert!(closed.redraw, "{chord}");
        closed.egui.drop_without_applying_deltas();
    }
}
