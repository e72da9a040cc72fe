//! What a person can set: quality, keys and folders.
//!
//! [`Action`] names everything that a key can do, [`KeyChord`] a key with its modifiers, and
//! [`KeyMap`] joins the two. Neither knows the window system: `ui` translates its key events. [`Config`] is what the
//! configuration file says; the command line says more, and wins.

mod action;
mod file;
mod folders;
mod keymap;
mod keys;
mod settings;
mod writer;

pub use action::{Action, ActionGroup};
pub use file::{CONFIG_FILE, Config, ConfigNote, save_quality};
pub use folders::{Folders, FoldersError};
pub use keymap::KeyMap;
pub use keys::{Key, KeyChord, KeyChordError, Modifiers};
pub use settings::{QualitySettings, ThresholdSettings};
pub use writer::ConfigWriter;
