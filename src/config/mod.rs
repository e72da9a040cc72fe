//! What a person can set: keys and folders.
//!
//! [`Action`] names everything that a key can do, [`KeyChord`] a key with its modifiers, and
//! [`KeyMap`] joins the two. Neither knows the window system: `ui` translates its key events.

mod action;
mod folders;
mod keymap;
mod keys;

pub use action::{Action, ActionGroup};
pub use folders::{Folders, FoldersError};
pub use keymap::KeyMap;
pub use keys::{Key, KeyChord, KeyChordError, Modifiers};
