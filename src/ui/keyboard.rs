//! From egui's key events to chords.

use egui::Event;

use crate::config::{Key, KeyChord, Modifiers};

/// A chord that was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Press {
    /// The chord.
    pub(super) chord: KeyChord,
    /// Whether the key is being held and this is the keyboard repeating it.
    pub(super) repeat: bool,
    /// Whether K is held as well.
    pub(super) with_k: bool,
}

/// The chord that egui's `key` makes while `modifiers` are held; `None` for keys that cannot be
/// bound, such as Shift itself.
pub fn chord_from_egui(key: egui::Key, modifiers: egui::Modifiers) -> Option<KeyChord> {
    use egui::Key as E;
    let ours = match key {
        E::Space => Key::Space,
        E::ArrowLeft => Key::Left,
        E::ArrowRight => Key::Right,
        E::ArrowUp => Key::Up,
        E::ArrowDown => Key::Down,
        E::Home => Key::Home,
        E::End => Key::End,
        E::PageUp => Key::PageUp,
        E::PageDown => Key::PageDown,
        E::Enter => Key::Enter,
        E::Escape => Key::Escape,
        E::Backspace => Key::Backspace,
        E::Delete => Key::Delete,
        E::Insert => Key::Insert,
        E::Tab => Key::Tab,
        // The names of the others are what they type, or F and a number, or too long to be a key.
        other => match other.symbol_or_name() {
            "\u{2212}" => Key::from_char('-')?,
            name => name.parse().ok()?,
        },
    };
    Some(KeyChord::new(ours, modifiers_from_egui(modifiers)))
}

fn modifiers_from_egui(modifiers: egui::Modifiers) -> Modifiers {
    Modifiers {
        ctrl: modifiers.command,
        shift: modifiers.shift,
        alt: modifiers.alt,
    }
}

/// The chords pressed in `events`, in order.
///
/// egui names only some symbols and reports the others by their place on a US keyboard, but the text
/// that follows a key event says what was typed. So a symbol in that text wins over the key:
/// otherwise `#`, `<` and `>` could never be bound.
pub(super) fn presses(events: &[Event], k_was_down: bool) -> (Vec<Press>, bool) {
    let mut out = Vec::new();
    let mut k_down = k_was_down;
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Key {
                key,
                pressed: true,
                repeat,
                modifiers,
                ..
            } => {
                let typed = match events.get(index + 1) {
                    Some(Event::Text(text)) => symbol_chord(text),
                    _ => None,
                };
                if let Some(chord) = typed.or_else(|| chord_from_egui(*key, *modifiers)) {
                    out.push(Press {
                        chord,
                        repeat: *repeat,
                        with_k: k_down,
                    });
                }
                k_down |= *key == egui::Key::K;
            }
            // A window that loses the focus does not learn of releases.
            Event::Key {
                key: egui::Key::K,
                pressed: false,
                ..
            }
            | Event::WindowFocused(false) => k_down = false,
            // egui takes the key away and says what it is for; nothing, where there is nothing to paste.
            Event::Copy | Event::Cut | Event::Paste(_) | Event::PasteImage(_) => {
                let key = match event {
                    Event::Copy => egui::Key::C,
                    Event::Cut => egui::Key::X,
                    _ => egui::Key::V,
                };
                let chord = chord_from_egui(key, egui::Modifiers::COMMAND);
                out.extend(chord.map(|chord| Press {
                    chord,
                    repeat: false,
                    with_k: k_down,
                }));
            }
            Event::Text(text) => {
                // Text without a key event: an on-screen keyboard, or a compose sequence.
                let follows_key = index.checked_sub(1).is_some_and(|before| {
                    matches!(events[before], Event::Key { pressed: true, .. })
                });
                if !follows_key && let Some(chord) = symbol_chord(text) {
                    out.push(Press {
                        chord,
                        repeat: false,
                        with_k: k_down,
                    });
                }
            }
            _ => {}
        }
    }
    (out, k_down)
}

/// The chord of one typed symbol; letters and digits are left to their key events, which know Shift.
fn symbol_chord(text: &str) -> Option<KeyChord> {
    let mut chars = text.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else {
        return None;
    };
    if c.is_alphanumeric() || c == ' ' {
        return None;
    }
    Some(KeyChord::new(Key::from_char(c)?, Modifiers::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: egui::Key, modifiers: egui::Modifiers) -> Event {
        Event::Key {
            key,
            physical_key: None,
            pressed: true,
            repeat: false,
            modifiers,
        }
    }

    fn chords(events: &[Event]) -> Vec<String> {
        presses(events, false)
            .0
            .iter()
            .map(|press| press.chord.to_string())
            .collect()
    }

    #[test]
    fn every_key_that_egui_names_and_that_types_something_can_be_bound() {
        let none = egui::Modifiers::NONE;
        for &key in egui::Key::ALL {
            let name = format!("{key:?}");
            let chord = chord_from_egui(key, none);
            let types = name.len() == 1 || name.starts_with("Num") && name.len() == 4;
            let function = name.starts_with('F') && name[1..].parse::<u8>().is_ok_and(|n| n <= 24);
            if types || function {
                assert!(chord.is_some(), "{name}");
            }
            if name.starts_with("Shift") || name.starts_with("Control") || name.starts_with("Alt") {
                assert_eq!(chord, None, "{name} alone is no chord");
            }
        }
        assert_eq!(chord_from_egui(egui::Key::Minus, none), "-".parse().ok());
        assert_eq!(
            chord_from_egui(egui::Key::OpenBracket, none),
            "[".parse().ok()
        );
    }

    #[test]
    fn keys_and_modifiers_become_chords() {
        let ctrl = egui::Modifiers {
            ctrl: true,
            command: true,
            ..Default::default()
        };
        assert_eq!(
            chords(&[key(egui::Key::ArrowLeft, egui::Modifiers::SHIFT)]),
            ["Shift+Left"]
        );
        assert_eq!(chords(&[key(egui::Key::O, ctrl)]), ["Ctrl+O"]);
        assert_eq!(
            chords(&[
                key(egui::Key::J, egui::Modifiers::NONE),
                Event::Text("j".into())
            ]),
            ["J"]
        );
        assert_eq!(
            chords(&[
                key(egui::Key::J, egui::Modifiers::SHIFT),
                Event::Text("J".into())
            ]),
            ["Shift+J"]
        );
    }

    #[test]
    fn symbols_are_what_was_typed_once() {
        let shift = egui::Modifiers::SHIFT;
        let hash = [key(egui::Key::Num3, shift), Event::Text("#".into())];
        assert_eq!(chords(&hash), ["#"], "a US keyboard's Shift and 3");
        let question = [key(egui::Key::Questionmark, shift), Event::Text("?".into())];
        assert_eq!(chords(&question), ["?"]);
        assert_eq!(
            chords(&[Event::Text("<".into())]),
            ["<"],
            "text without a key"
        );
        assert_eq!(chords(&[Event::Text("word".into())]), [] as [&str; 0]);
    }

    #[test]
    fn k_is_remembered_while_it_is_down() {
        let none = egui::Modifiers::NONE;
        let (first, down) = presses(&[key(egui::Key::K, none), key(egui::Key::L, none)], false);
        assert_eq!(
            (first[0].with_k, first[1].with_k, down),
            (false, true, true)
        );
        let release = Event::Key {
            key: egui::Key::K,
            physical_key: None,
            pressed: false,
            repeat: false,
            modifiers: none,
        };
        assert!(!presses(&[release], true).1);
        assert!(!presses(&[Event::WindowFocused(false)], true).1);
    }
}
