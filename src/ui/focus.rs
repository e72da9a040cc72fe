//! Whose a key is while a control has the keyboard.
//!
//! egui's controls mean Tab, Space, Enter and the arrows. Those that are painted here and are no buttons say which
//! keys they mean; Space stays the player's there, as the hand expects.

use egui::{EventFilter, Id, Response, Ui};

use crate::config::Key;

/// What a painted control means beside the arrows to the left and right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Keys {
    /// The arrows upwards and downwards.
    pub(super) vertical: bool,
    /// Home and End.
    pub(super) ends: bool,
}

/// Where the painted control that has the keyboard is noted, with its keys.
fn noted() -> Id {
    Id::unique("keys of a painted control")
}

/// Gives these keys to `control` while it has the keyboard. Answers whether it has.
pub(super) fn keep(ui: &Ui, control: &Response, keys: Keys) -> bool {
    if !control.has_focus() {
        return false;
    }
    let filter = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: keys.vertical,
        ..EventFilter::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(control.id, filter));
    ui.data_mut(|data| data.insert_temp(noted(), (control.id, keys)));
    true
}

/// Whether `key` belongs to the control that has the keyboard, if one has.
pub(super) fn is_for_controls(ui: &Ui, key: Key) -> bool {
    let Some(control) = ui.memory(egui::Memory::focused) else {
        return false;
    };
    let painted = ui
        .data(|data| data.get_temp::<(Id, Keys)>(noted()))
        .filter(|(noted, _)| *noted == control)
        .map(|(_, keys)| keys);
    match key {
        Key::Tab | Key::Enter | Key::Up | Key::Down | Key::Left | Key::Right => true,
        Key::Space => painted.is_none(),
        Key::Home | Key::End => painted.is_some_and(|keys| keys.ends),
        _ => false,
    }
}
