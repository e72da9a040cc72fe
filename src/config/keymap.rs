//! Which key does what.
//!
//! The defaults join three habits. Where they collide, the first of this list wins:
//!
//! 1. Editors (Resolve, Premiere, Avid): Space, J K L, I and O, arrows by frames, Home and End,
//!    Shift+I and Shift+O, Alt+X, Shift+M and Ctrl+Shift+M (Premiere's keys for markers), Shift+S (its
//!    key for sound while scrubbing).
//! 2. mpv: `,` and `.` step, `[` `]` and Backspace set the speed, `9` `0` and M the volume, `#` the
//!    audio track, Ctrl with plus and minus the audio delay, `<` and `>` the file, `3` to `6` the
//!    brightness and gamma, S saves a picture, F, Q and `?`.
//! 3. RV and Nuke: R G B A show one channel, Y the luminance, C colour again. W wipes, as in both.
//!
//! So mpv's Left and Right (5 s) are one frame here, as in every editor, and whole seconds move to
//! Up and Down, Up being forwards as in mpv; Shift makes either ten times as much. RV's L for
//! luminance yields to the shuttle, mpv's `/` for volume to "go to", and mpv's O, I and P (show
//! progress, statistics, pause) to the marks, Tab and P. Cuts, which editors have on Up and Down, are
//! on Ctrl with Left and Right. The backquote leaves only the viewer, as it fills the window with a panel in
//! Premiere.

use std::collections::BTreeMap;

use super::{Action, KeyChord};

/// Which key does what. One chord does one thing; one thing may have several chords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap {
    bindings: BTreeMap<KeyChord, Action>,
}

/// The defaults, the chord to show first for each action first.
const DEFAULTS: &[(&str, Action)] = &[
    ("Space", Action::PlayPause),
    ("P", Action::PlayPause),
    ("J", Action::ShuttleBackward),
    ("K", Action::Pause),
    ("L", Action::ShuttleForward),
    ("Shift+U", Action::MakeProxies),
    ("Left", Action::StepBackward),
    (",", Action::StepBackward),
    ("Right", Action::StepForward),
    (".", Action::StepForward),
    ("Shift+Left", Action::StepBackwardTen),
    ("Shift+Right", Action::StepForwardTen),
    ("Down", Action::SeekBackwardOneSecond),
    ("Up", Action::SeekForwardOneSecond),
    ("Shift+Down", Action::SeekBackwardTenSeconds),
    ("Shift+Up", Action::SeekForwardTenSeconds),
    ("PageDown", Action::SeekBackwardOneMinute),
    ("PageUp", Action::SeekForwardOneMinute),
    ("Ctrl+Left", Action::PreviousCut),
    ("Ctrl+Right", Action::NextCut),
    ("Ctrl+Shift+M", Action::PreviousMarker),
    ("Shift+M", Action::NextMarker),
    ("Home", Action::GoToStart),
    ("End", Action::GoToEnd),
    ("/", Action::GoToPosition),
    ("Ctrl+G", Action::GoToPosition),
    ("I", Action::MarkIn),
    ("O", Action::MarkOut),
    ("Shift+I", Action::GoToIn),
    ("Shift+O", Action::GoToOut),
    ("Alt+X", Action::ClearMarks),
    ("X", Action::ClearMarks),
    ("Shift+L", Action::CycleLoop),
    ("Shift+P", Action::TogglePingPong),
    ("[", Action::SpeedDown),
    ("]", Action::SpeedUp),
    ("Backspace", Action::SpeedReset),
    ("9", Action::VolumeDown),
    ("0", Action::VolumeUp),
    ("M", Action::ToggleMute),
    ("Shift+S", Action::ToggleScrubSound),
    ("Ctrl+-", Action::AudioDelayDown),
    ("Ctrl++", Action::AudioDelayUp),
    ("Ctrl+=", Action::AudioDelayUp),
    ("T", Action::NextAudioTrack),
    ("#", Action::NextAudioTrack),
    ("Shift+T", Action::NextAudioDevice),
    ("3", Action::ExposureDown),
    ("4", Action::ExposureUp),
    ("Alt+4", Action::ExposureReset),
    ("5", Action::GammaDown),
    ("6", Action::GammaUp),
    ("Alt+6", Action::GammaReset),
    ("R", Action::ViewRed),
    ("G", Action::ViewGreen),
    ("B", Action::ViewBlue),
    ("A", Action::ViewAlpha),
    ("Y", Action::ViewLuma),
    ("C", Action::ViewColor),
    ("W", Action::CycleCompare),
    ("Shift+W", Action::ToggleCompare),
    ("Alt+Left", Action::WipeLeft),
    ("Alt+Right", Action::WipeRight),
    ("U", Action::ToggleProxies),
    ("Shift+Q", Action::CycleQuality),
    ("Z", Action::ZoomFit),
    ("Shift+Z", Action::ZoomFill),
    ("Alt+Z", Action::ZoomActual),
    ("+", Action::ZoomIn),
    ("=", Action::ZoomIn),
    ("-", Action::ZoomOut),
    ("'", Action::CycleGuides),
    ("E", Action::ToggleInspector),
    ("Ctrl+O", Action::OpenFiles),
    (">", Action::NextFile),
    ("Ctrl+PageDown", Action::NextFile),
    ("<", Action::PreviousFile),
    ("Ctrl+PageUp", Action::PreviousFile),
    ("F", Action::ToggleFullscreen),
    ("F11", Action::ToggleFullscreen),
    ("S", Action::Screenshot),
    ("Ctrl+C", Action::CopyFrame),
    ("Alt+C", Action::CopyTimecode),
    ("?", Action::ToggleHelp),
    ("F1", Action::ToggleHelp),
    ("Esc", Action::Dismiss),
    ("Q", Action::Quit),
    ("Ctrl+Q", Action::Quit),
    ("F10", Action::MainMenu),
    ("F2", Action::PanelTimeline),
    ("F3", Action::PanelPerformance),
    ("F4", Action::PanelProfiler),
    ("F5", Action::PanelProxies),
    ("F7", Action::PanelCaches),
    ("F8", Action::PanelSettings),
    ("F6", Action::FocusPanels),
    ("F12", Action::ViewerOnly),
    ("`", Action::ViewerOnly),
    ("Tab", Action::TogglePerformance),
    ("Ctrl+Shift+D", Action::ForceDeviceLoss),
];

impl KeyMap {
    /// A map in which no key does anything.
    pub fn empty() -> Self {
        Self {
            bindings: BTreeMap::new(),
        }
    }

    /// Makes `chord` do `action`; answers what it did before.
    pub fn bind(&mut self, chord: KeyChord, action: Action) -> Option<Action> {
        self.bindings.insert(chord, action)
    }

    /// Makes `chord` do nothing; answers what it did before.
    pub fn unbind(&mut self, chord: KeyChord) -> Option<Action> {
        self.bindings.remove(&chord)
    }

    /// What `chord` does.
    pub fn action(&self, chord: KeyChord) -> Option<Action> {
        self.bindings.get(&chord).copied()
    }

    /// The chords that do `action`: those of the default map first and in its order, then others.
    pub fn chords(&self, action: Action) -> Vec<KeyChord> {
        let place = |chord: &KeyChord| {
            let text = chord.to_string();
            DEFAULTS
                .iter()
                .position(|(default, _)| *default == text)
                .unwrap_or(DEFAULTS.len())
        };
        let bound = self.bindings.iter().filter(|(_, bound)| **bound == action);
        let mut chords: Vec<KeyChord> = bound.map(|(chord, _)| *chord).collect();
        chords.sort_by_key(place);
        chords
    }

    /// The chord to show beside a button that does `action`.
    pub fn first_chord(&self, action: Action) -> Option<KeyChord> {
        self.chords(action).first().copied()
    }
}

impl Default for KeyMap {
    fn default() -> Self {
        let parsed = DEFAULTS
            .iter()
            .filter_map(|(text, action)| Some((text.parse().ok()?, *action)));
        Self {
            bindings: parsed.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(text: &str) -> KeyChord {
        text.parse().unwrap()
    }

    #[test]
    fn no_default_is_lost_to_a_typing_error_or_to_another_on_the_same_chord() {
        let keys = KeyMap::default();
        for (text, action) in DEFAULTS {
            assert_eq!(keys.action(chord(text)), Some(*action), "{text}");
            assert_eq!(
                chord(text).to_string(),
                *text,
                "the table is written as the help shows it"
            );
        }
        assert_eq!(keys.bindings.len(), DEFAULTS.len());
    }

    #[test]
    fn every_action_has_a_key() {
        let keys = KeyMap::default();
        for &action in Action::ALL {
            assert!(keys.first_chord(action).is_some(), "{action:?} has no key");
        }
    }

    #[test]
    fn chords_come_in_the_order_of_the_table() {
        let keys = KeyMap::default();
        assert_eq!(keys.chords(Action::PlayPause), [chord("Space"), chord("P")]);
        assert_eq!(keys.first_chord(Action::NextFile), Some(chord(">")));
    }

    #[test]
    fn the_readme_has_a_row_for_every_action_and_no_other() {
        let keys = KeyMap::default();
        let row = |action: Action| {
            let chords: Vec<String> = keys
                .chords(action)
                .iter()
                .map(|chord| format!("`{chord}`"))
                .collect();
            format!("| {} | {} |", chords.join(" "), action.label())
        };
        let expected: Vec<String> = Action::ALL.iter().map(|&action| row(action)).collect();
        let readme = include_str!("../../README.md");
        let section = readme.split("\n### Keys\n").nth(1).unwrap();
        let section = section.split("\n#").next().unwrap();
        let rows: Vec<&str> = section
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        assert_eq!(
            rows, expected,
            "the keys table of README.md on the left, the key map on the right"
        );
    }

    #[test]
    fn bindings_can_be_changed() {
        let mut keys = KeyMap::empty();
        assert_eq!(keys.bind(chord("W"), Action::Quit), None);
        assert_eq!(keys.bind(chord("W"), Action::Pause), Some(Action::Quit));
        assert_eq!(keys.action(chord("w")), Some(Action::Pause));
        assert_eq!(keys.chords(Action::Pause), [chord("W")]);
        assert_eq!(keys.unbind(chord("W")), Some(Action::Pause));
        assert_eq!(keys, KeyMap::empty());
    }
}
