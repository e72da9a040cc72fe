//! What a person can set: quality, keys and folders.
//!
//! [`Action`] names everything that a key can do, [`KeyChord`] a key with its modifiers, and
//! [`KeyMap`] joins the two. Neither knows the window system: `ui` translates its key events. [`Config`] is what the
//! configuration file says; the command line says more, and wins.

mod action;
mod catalog;
mod file;
mod folders;
mod keymap;
mod keys;
mod save;
mod settings;
mod writer;

pub use action::{Action, ActionGroup};
pub use catalog::{CATALOGUE, SettingKind, SettingSpec};
pub use file::{CONFIG_FILE, Config, ConfigNote};
pub use folders::{Folders, FoldersError};
pub use keymap::KeyMap;
pub use keys::{Key, KeyChord, KeyChordError, Modifiers};
pub use save::{Change, Value, save};
pub use settings::{QualitySettings, Theme, ThresholdSettings, WindowSettings};
pub use writer::ConfigWriter;
