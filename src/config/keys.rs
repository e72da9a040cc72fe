//! Keys with their modifiers, as people write them: `Shift+Left`, `J`, `Space`, `?`.

use std::fmt;
use std::str::FromStr;

/// A key by what it means, not by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A key that types this character. Letters are upper case; see [`Key::from_char`].
    Char(KeyChar),
    /// The space bar.
    Space,
    /// Arrow to the left.
    Left,
    /// Arrow to the right.
    Right,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Enter, on either block.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Tab.
    Tab,
    /// A function key, 1 to 24.
    Function(FunctionKey),
}

/// A visible character in the form that keys are compared in: letters in upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyChar(char);

/// The number of a function key, 1 to 24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionKey(u8);

impl Key {
    /// Keys that have a name rather than a character.
    const NAMED: [(Self, &'static str); 15] = [
        (Self::Space, "Space"),
        (Self::Left, "Left"),
        (Self::Right, "Right"),
        (Self::Up, "Up"),
        (Self::Down, "Down"),
        (Self::Home, "Home"),
        (Self::End, "End"),
        (Self::PageUp, "PageUp"),
        (Self::PageDown, "PageDown"),
        (Self::Enter, "Enter"),
        (Self::Escape, "Esc"),
        (Self::Backspace, "Backspace"),
        (Self::Delete, "Delete"),
        (Self::Insert, "Insert"),
        (Self::Tab, "Tab"),
    ];

    /// The key that types `c`; a space is [`Key::Space`]. `None` for characters without a shape.
    pub fn from_char(c: char) -> Option<Self> {
        if c == ' ' {
            return Some(Self::Space);
        }
        // Letters whose upper case takes several characters, such as `ß`, stay as they are.
        let mut upper = c.to_uppercase();
        let c = match (upper.next(), upper.next()) {
            (Some(only), None) => only,
            _ => c,
        };
        (!c.is_whitespace() && !c.is_control()).then_some(Self::Char(KeyChar(c)))
    }

    /// Function key `number`, 1 to 24.
    pub fn function(number: u8) -> Option<Self> {
        (1..=24)
            .contains(&number)
            .then_some(Self::Function(FunctionKey(number)))
    }

    /// Whether Shift chooses the character, as for `?`, so that it says nothing more by itself.
    fn absorbs_shift(self) -> bool {
        matches!(self, Self::Char(KeyChar(c)) if !c.is_alphanumeric())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Char(KeyChar(c)) => write!(f, "{c}"),
            Self::Function(FunctionKey(number)) => write!(f, "F{number}"),
            named => {
                let name = Self::NAMED.iter().find(|(key, _)| key == named);
                f.write_str(name.map_or("", |(_, name)| name))
            }
        }
    }
}

impl FromStr for Key {
    type Err = KeyChordError;

    fn from_str(text: &str) -> Result<Self, KeyChordError> {
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return Self::from_char(c).ok_or_else(|| KeyChordError::UnknownKey(text.to_owned()));
        }
        if let Some((key, _)) = Self::NAMED
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text))
        {
            return Ok(*key);
        }
        text.strip_prefix(['F', 'f'])
            .and_then(|number| number.parse().ok())
            .and_then(Self::function)
            .ok_or_else(|| KeyChordError::UnknownKey(text.to_owned()))
    }
}

/// Keys held down beside the one pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Modifiers {
    /// Control; Command on a Mac.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt; Option on a Mac.
    pub alt: bool,
}

/// A key and what is held with it.
///
/// Two ways of typing the same thing are one chord: letters are upper case, and Shift does not count
/// for symbols, which lie on different levels on different keyboards (`?` is Shift and `/` here,
/// Shift and `ß` there).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyChord {
    key: Key,
    modifiers: Modifiers,
}

/// Why a chord could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyChordError {
    /// Nothing was written.
    #[error("no key is given; write one as Shift+Left, J, Space or ?")]
    Empty,
    /// There is no such key.
    #[error("“{0}” is not a key; write one as Left, J, Space, F5 or ?")]
    UnknownKey(String),
    /// There is no such modifier.
    #[error("“{0}” is not a modifier; use Ctrl, Shift or Alt")]
    UnknownModifier(String),
}

impl KeyChord {
    /// `key` while `modifiers` are held.
    pub fn new(key: Key, modifiers: Modifiers) -> Self {
        let shift = modifiers.shift && !key.absorbs_shift();
        Self {
            key,
            modifiers: Modifiers { shift, ..modifiers },
        }
    }

    /// The key.
    pub fn key(self) -> Key {
        self.key
    }

    /// What is held with it.
    pub fn modifiers(self) -> Modifiers {
        self.modifiers
    }
}

impl fmt::Display for KeyChord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Modifiers { ctrl, shift, alt } = self.modifiers;
        for (held, name) in [(ctrl, "Ctrl+"), (shift, "Shift+"), (alt, "Alt+")] {
            if held {
                f.write_str(name)?;
            }
        }
        write!(f, "{}", self.key)
    }
}

impl FromStr for KeyChord {
    type Err = KeyChordError;

    /// Reads `Shift+Left`, `J`, `Space`, `?`, `Ctrl++`. Names are read in any case.
    fn from_str(text: &str) -> Result<Self, KeyChordError> {
        let text = if text == " " { "Space" } else { text.trim() };
        let last = text.chars().next_back().ok_or(KeyChordError::Empty)?;
        // A plus at the end is the key itself.
        let split = if last == '+' {
            text.len() - 1
        } else {
            text.rfind('+').map_or(0, |at| at + 1)
        };
        let (held, key) = text.split_at(split);
        if !held.is_empty() && !held.ends_with('+') {
            return Err(KeyChordError::Empty);
        }
        let mut modifiers = Modifiers::default();
        for name in held.strip_suffix('+').unwrap_or(held).split('+') {
            match name.trim().to_ascii_lowercase().as_str() {
                "" if held.is_empty() => {}
                "ctrl" | "control" => modifiers.ctrl = true,
                "shift" => modifiers.shift = true,
                "alt" => modifiers.alt = true,
                _ => return Err(KeyChordError::UnknownModifier(name.to_owned())),
            }
        }
        Ok(Self::new(key.trim().parse()?, modifiers))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chord(text: &str) -> KeyChord {
        text.parse().unwrap()
    }

    #[test]
    fn chords_read_and_write_as_people_do() {
        for text in [
            "Shift+Left",
            "J",
            "Space",
            "?",
            "Ctrl++",
            "+",
            "Ctrl+Shift+Alt+F12",
            "Alt+X",
            "Esc",
            "/",
        ] {
            assert_eq!(chord(text).to_string(), text);
        }
    }

    #[test]
    fn ways_of_writing_one_chord_are_equal() {
        assert_eq!(chord("shift+left"), chord("Shift+Left"));
        assert_eq!(chord("j"), chord("J"));
        assert_eq!(chord("Control+o"), chord("Ctrl+O"));
        assert_eq!(
            chord("Shift+?"),
            chord("?"),
            "Shift is how the symbol is typed"
        );
        assert_ne!(chord("Shift+J"), chord("J"), "for a letter it says more");
        assert_ne!(chord("Shift+3"), chord("3"));
        assert_eq!(chord(" "), chord("Space"));
    }

    #[test]
    fn nonsense_is_refused_with_its_name() {
        assert_eq!("".parse::<KeyChord>(), Err(KeyChordError::Empty));
        assert_eq!(
            "Hyper+J".parse::<KeyChord>(),
            Err(KeyChordError::UnknownModifier("Hyper".into()))
        );
        assert_eq!(
            "Jump".parse::<KeyChord>(),
            Err(KeyChordError::UnknownKey("Jump".into()))
        );
        assert_eq!(
            "F25".parse::<KeyChord>(),
            Err(KeyChordError::UnknownKey("F25".into()))
        );
        assert_eq!("Shift+".parse::<KeyChord>(), Err(KeyChordError::Empty));
        assert!("++J".parse::<KeyChord>().is_err());
        assert!("\u{7}".parse::<KeyChord>().is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_and_what_is_read_writes_back(text in "\\PC{0,12}") {
            if let Ok(chord) = text.parse::<KeyChord>() {
                prop_assert_eq!(chord.to_string().parse::<KeyChord>(), Ok(chord));
            }
        }

        #[test]
        fn any_chord_survives_writing_and_reading(
            c in any::<char>(), ctrl: bool, shift: bool, alt: bool,
        ) {
            if let Some(key) = Key::from_char(c) {
                let chord = KeyChord::new(key, Modifiers { ctrl, shift, alt });
                prop_assert_eq!(chord.to_string().parse::<KeyChord>(), Ok(chord));
            }
        }
    }
}
