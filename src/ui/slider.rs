//! Sliders that are painted by hand: what the keyboard and screen readers ask of them, and what they are told.

use egui::accesskit::{Action, ActionData};
use egui::{Key, Response, Ui};

use super::focus::{self, Keys};

/// From where to where a slider goes, and how far a step is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    pub(super) least: f64,
    pub(super) most: f64,
    pub(super) step: f64,
}

/// What is asked of a slider in this pass.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Asked {
    /// Steps to the right, or up, by key.
    pub(super) keyed: i64,
    /// Steps that a screen reader asks for.
    pub(super) told: i64,
    /// The value that a screen reader asks for, within the range.
    pub(super) value: Option<f64>,
}

/// Tells screen readers of the slider's range, and reads what is asked of it. Arrows count while it has the keyboard,
/// those upwards and downwards as well where `vertical`.
pub(super) fn asked(ui: &Ui, slider: &Response, range: Range, vertical: bool) -> Asked {
    ui.ctx().accesskit_node_builder(slider.id, |node| {
        node.set_min_numeric_value(range.least);
        node.set_max_numeric_value(range.most);
        node.set_numeric_value_step(range.step);
        for action in [Action::SetValue, Action::Increment, Action::Decrement] {
            node.add_action(action);
        }
    });
    let mut asked = Asked::default();
    let keys = Keys {
        vertical,
        ends: false,
    };
    if focus::keep(ui, slider, keys) {
        let presses = |key| ui.input(|input| i64::try_from(input.num_presses(key)).unwrap_or(0));
        asked.keyed = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
        if vertical {
            asked.keyed += presses(Key::ArrowUp) - presses(Key::ArrowDown);
        }
    }
    ui.input(|input| {
        let count = |action| {
            i64::try_from(input.num_accesskit_action_requests(slider.id, action)).unwrap_or(0)
        };
        let requests = input.accesskit_action_requests(slider.id, Action::SetValue);
        let values = requests.filter_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(value),
            _ => None,
        });
        let value = values.last().filter(|value| value.is_finite());
        asked.told = count(Action::Increment) - count(Action::Decrement);
        asked.value = value.map(|value| value.clamp(range.least, range.most));
    });
    asked
}
