//! What the keyboard, a screen reader and a hand on a painted control do.

use egui::accesskit::{Action as Asked, ActionData};
use egui_kittest::kittest::NodeT;

use super::*;
use crate::config::Action;
use crate::playback::{Notice, SeekTarget, Severity};
use crate::time::FrameIndex;
use crate::ui::pointer::Zone;

/// Sends these events in one pass and answers what was asked for.
fn send(screen: &mut Screen, events: impl IntoIterator<Item = egui::Event>) -> Vec<UiEvent> {
    screen.state_mut().events.clear();
    screen.input_mut().events.extend(events);
    screen.run_steps(2);
    std::mem::take(&mut screen.state_mut().events)
}

fn press(screen: &mut Screen, key: egui::Key) -> Vec<UiEvent> {
    screen.state_mut().events.clear();
    screen.key_press(key);
    screen.run_steps(2);
    std::mem::take(&mut screen.state_mut().events)
}

fn commands<const N: usize>(commands: [Command; N]) -> [UiEvent; N] {
    commands.map(UiEvent::Command)
}

/// The settings, with "Mark in" waiting for a key.
fn listening() -> Screen {
    let mut screen = keys_of_mark_in();
    click(&mut screen, "Add a key: Mark in");
    screen.get_by_label("press a key, Esc to leave it");
    screen
}

#[test]
fn a_key_is_not_waited_for_on_a_page_that_is_gone() {
    let leave: [fn(&mut Screen); 3] = [
        |screen| {
            click(screen, "Preview & caching");
        },
        |screen| {
            screen.state_mut().overlay.workspace.close(Panel::Settings);
            screen.run_steps(3);
        },
        |screen| {
            let place = egui::pos2(300.0, 300.0);
            screen.drag_at(place);
            screen.drop_at(place);
            screen.run_steps(3);
        },
    ];
    for leave in leave {
        let mut screen = listening();
        leave(&mut screen);
        assert_eq!(
            press(&mut screen, egui::Key::Space),
            commands([Command::TogglePause])
        );
    }
}

/// A key that goes down. egui finds by itself whether it was down before.
fn down(key: egui::Key, modifiers: egui::Modifiers) -> egui::Event {
    egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    }
}

#[test]
fn what_is_bound_is_what_was_typed() {
    let typed = [
        vec![
            down(egui::Key::Num3, egui::Modifiers::SHIFT),
            egui::Event::Text("#".to_owned()),
        ],
        vec![egui::Event::Cut],
        vec![egui::Event::Paste("text".to_owned())],
    ];
    for (events, chord) in typed.into_iter().zip(["#", "Ctrl+X", "Ctrl+V"]) {
        let mut screen = listening();
        let wanted = Errand::Bind {
            chord: chord.to_owned(),
            action: Some(Action::MarkIn.id()),
        };
        assert_eq!(send(&mut screen, events), errand(wanted));
    }
}

#[test]
fn who_takes_a_key_is_told_what_it_did_before() {
    let mut screen = listening();
    let bound = press(&mut screen, egui::Key::O);
    let wanted = Errand::Bind {
        chord: "O".to_owned(),
        action: Some(Action::MarkIn.id()),
    };
    assert_eq!(bound, errand(wanted));
    let taken = "O is taken from: Mark out.";
    assert!(
        screen.query_by_label(taken).is_none(),
        "it could not be saved"
    );
    screen
        .state_mut()
        .keys
        .bind("O".parse().unwrap(), Action::MarkIn);
    screen.run_steps(2);
    screen.get_by_label(taken);
    // The next one is asked for: that is the past.
    click(&mut screen, "Add a key: Mark in");
    assert!(screen.query_by_label_contains("is taken from").is_none());
    press(&mut screen, egui::Key::F9);
    assert!(screen.query_by_label_contains("is taken from").is_none());
}

#[test]
fn keys_that_were_changed_are_set_back_by_one_button() {
    let mut screen = keys_of_mark_in();
    let reset = "Reset keys: Mark in";
    assert!(
        screen.query_by_label(reset).is_none(),
        "they are the defaults"
    );
    let keys = &mut screen.state_mut().keys;
    keys.unbind("I".parse().unwrap());
    // One that usually does something else, and one that usually does nothing.
    keys.bind("O".parse().unwrap(), Action::MarkIn);
    keys.bind("F9".parse().unwrap(), Action::MarkIn);
    screen.run_steps(2);
    let asked = click(&mut screen, reset);
    let bind = |chord: &str, action: Option<Action>| {
        UiEvent::Errand(Errand::Bind {
            chord: chord.to_owned(),
            action: action.map(Action::id),
        })
    };
    assert_eq!(
        asked,
        [
            bind("O", Some(Action::MarkOut)),
            bind("F9", None),
            bind("I", Some(Action::MarkIn)),
        ]
    );
}

#[test]
fn keys_that_are_set_back_are_taken_from_who_has_them_which_is_told() {
    let mut screen = keys_of_mark_in();
    let keys = &mut screen.state_mut().keys;
    keys.bind("I".parse().unwrap(), Action::PlayPause);
    screen.run_steps(2);
    let wanted = Errand::Bind {
        chord: "I".to_owned(),
        action: Some(Action::MarkIn.id()),
    };
    assert_eq!(click(&mut screen, "Reset keys: Mark in"), errand(wanted));
    let keys = &mut screen.state_mut().keys;
    keys.bind("I".parse().unwrap(), Action::MarkIn);
    screen.run_steps(2);
    let words = format!("I is taken from: {}.", Action::PlayPause.label());
    screen.get_by_label(&words);
}

#[test]
fn a_notice_leaves_the_keyboard_where_it_is() {
    let mut screen = keys_of_mark_in();
    let field = "Search settings and keys";
    screen.get_by_label(field).focus();
    screen.run_steps(2);
    assert!(screen.get_by_label(field).is_focused());
    screen.state_mut().snapshot.notices = vec![Notice {
        severity: Severity::Error,
        text: "Something went wrong.".to_owned(),
    }];
    screen.run_steps(3);
    screen.get_by_label_contains("Something went wrong.");
    assert!(screen.get_by_label(field).is_focused());
    send(&mut screen, [egui::Event::Text("s".to_owned())]);
    let typed = screen.get_by_label(field).value();
    assert_eq!(typed.as_deref(), Some("s"), "what was there was marked");
}

#[test]
fn the_key_that_pressed_the_button_is_not_bound_while_it_is_held() {
    let mut screen = listening();
    press(&mut screen, egui::Key::Escape);
    screen.get_by_label("Add a key: Mark in").focus();
    screen.run_steps(2);
    let enter = || [down(egui::Key::Enter, egui::Modifiers::NONE)];
    assert_eq!(send(&mut screen, enter()), []);
    screen.get_by_label("press a key, Esc to leave it");
    assert_eq!(send(&mut screen, enter()), [], "the keyboard repeats it");
    screen.get_by_label("press a key, Esc to leave it");
}

#[test]
fn painted_sliders_go_by_arrows_and_by_what_a_reader_says() {
    let mut screen = screen(&[]);
    screen.get_by_label("Position, of 1800 frames").focus();
    screen.run_steps(2);
    for (key, command) in [
        (egui::Key::ArrowRight, Command::Step(1)),
        (egui::Key::ArrowLeft, Command::Step(-1)),
        (egui::Key::Space, Command::TogglePause),
    ] {
        assert_eq!(press(&mut screen, key), commands([command]));
    }
    // Whatever Space does: the keys are a person's.
    let keys = &mut screen.state_mut().keys;
    keys.bind("Space".parse().unwrap(), Action::MarkIn);
    let here = screen.state().snapshot.position;
    assert_eq!(
        press(&mut screen, egui::Key::Space),
        commands([Command::SetIn(Some(here))])
    );
    let ask = |screen: &mut Screen, name: &str, action, data| {
        let node = screen.get_by_label(name);
        let (target_node, target_tree) = node.accesskit_node().locate();
        let request = egui::accesskit::ActionRequest {
            action,
            target_tree,
            target_node,
            data,
        };
        send(screen, [egui::Event::AccessKitActionRequest(request)])
    };
    let set = |value| Some(ActionData::NumericValue(value));
    let position = "Position, of 1800 frames";
    assert_eq!(
        ask(&mut screen, position, Asked::SetValue, set(90.2)),
        commands([Command::Seek(SeekTarget::Frame(FrameIndex(90)))])
    );
    assert_eq!(
        ask(&mut screen, position, Asked::Increment, None),
        commands([Command::Step(1)])
    );
    let before = screen.state().snapshot.volume_percent;
    assert_eq!(
        ask(&mut screen, "Volume in percent", Asked::Decrement, None),
        commands([Command::SetVolume(before - 5)])
    );
    assert_eq!(
        ask(&mut screen, "Volume in percent", Asked::SetValue, set(1e9)),
        commands([Command::SetVolume(200)])
    );
}

#[test]
fn notices_and_rows_of_menus_are_called_what_they_say() {
    let mut screen = screen(&[]);
    let text = "The disk is full.";
    screen.state_mut().snapshot.notices = vec![Notice {
        severity: Severity::Error,
        text: text.to_owned(),
    }];
    screen.run_steps(2);
    screen.get_by_label(text).click_accesskit();
    screen.run_steps(3);
    assert!(screen.query_by_label(text).is_none());
    click(&mut screen, "Audio track and device");
    assert_eq!(
        click(&mut screen, "Off"),
        commands([Command::SetAudioTrack(None)])
    );
}

#[test]
fn the_line_between_panels_is_no_part_of_the_picture() {
    let mut screen = screen(&[Panel::Performance]);
    let picture = screen.state().overlay.zones.rect(Zone::Picture).unwrap();
    let mut clicked_twice = |x: f32| {
        let place = egui::pos2(x, picture.center().y);
        screen.state_mut().events.clear();
        for _ in 0..2 {
            screen.drag_at(place);
            screen.drop_at(place);
        }
        screen.run_steps(3);
        std::mem::take(&mut screen.state_mut().events)
    };
    assert_eq!(clicked_twice(picture.right() - 2.0), []);
    assert_eq!(
        clicked_twice(picture.center().x),
        [UiEvent::Action(Action::ToggleFullscreen)]
    );
}

#[test]
fn nothing_outside_of_the_viewer_answers_for_it() {
    let screen = screen_of(&[Panel::Performance, Panel::Timeline], |bench| {
        bench.snapshot.notices = vec![Notice {
            severity: Severity::Info,
            text: "A notice".to_owned(),
        }];
    });
    let zones = &screen.state().overlay.zones;
    let picture = zones.rect(Zone::Picture).unwrap();
    for (zone, rect) in zones.all() {
        assert!(
            *zone == Zone::Elsewhere || rect.right() <= picture.right(),
            "{zone:?} {rect}"
        );
    }
}

/// Points that a control is high and wide at least.
const LEAST_TARGET: f32 = 20.0;

#[test]
fn every_control_of_a_panel_has_a_name_and_is_large_enough_to_be_hit() {
    use egui::accesskit::Role;
    let counts = [
        Role::Button,
        Role::CheckBox,
        Role::ComboBox,
        Role::RadioButton,
        Role::SpinButton,
        Role::TextInput,
    ];
    let pages = Panel::ALL.map(|panel| (panel, None));
    for (panel, page) in pages
        .into_iter()
        .chain([(Panel::Settings, Some("Keys, page"))])
    {
        let mut screen = screen_of(&[panel], |bench| {
            bench.panels.caches.items = lists::items();
            bench.keys.unbind("I".parse().unwrap());
        });
        if let Some(page) = page {
            click(&mut screen, page);
        }
        let wrong: Vec<(String, egui::Vec2)> = screen
            .root()
            .children_recursive()
            .filter(|node| counts.contains(&node.accesskit_node().role()))
            // As wide as the timeline, and where it is pressed is what it means.
            .filter(|node| {
                node.accesskit_node().label().as_deref() != Some("Frames that went wrong")
            })
            .filter_map(|node| {
                let size = node.rect().size();
                let name = node.accesskit_node().label().unwrap_or_default();
                let is_wrong =
                    !name.contains(char::is_alphanumeric) || size.min_elem() < LEAST_TARGET;
                is_wrong.then_some((name, size))
            })
            .collect();
        assert!(wrong.is_empty(), "{panel:?}: {wrong:#?}");
    }
}
