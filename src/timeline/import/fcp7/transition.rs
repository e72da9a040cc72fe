//! What lies between two clip items.

use super::resources::is_true;
use crate::timeline::TransitionKind;
use crate::timeline::import::parts::wipe_from_smpte_code;
use crate::timeline::import::xml::{Node, child, child_text};

/// Where a transition's cut is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Alignment {
    /// It begins at the cut.
    Start,
    /// The cut is in its middle, rounded down.
    Center,
    /// It ends at the cut.
    End,
}

/// Where `transition` says that its cut is.
pub(super) fn alignment(transition: Node<'_>) -> Alignment {
    match child_text(transition, "alignment") {
        Some("start" | "start-black") => Alignment::Start,
        Some("end" | "end-black") => Alignment::End,
        _ => Alignment::Center,
    }
}

/// How `transition` looks, and what to say where that is not what the file asks for.
pub(super) fn kind(transition: Node<'_>) -> (TransitionKind, Option<String>) {
    let Some(effect) = child(transition, "effect") else {
        return (TransitionKind::Dissolve, None);
    };
    let name = child_text(effect, "name").unwrap_or_default();
    let category = child_text(effect, "effectcategory").unwrap_or_default();
    let is_sound = child_text(effect, "mediatype") == Some("audio");
    let id = child_text(effect, "effectid").unwrap_or(name);
    if is_sound || id.eq_ignore_ascii_case("Cross Dissolve") {
        return (TransitionKind::Dissolve, None);
    }
    let code = child_text(effect, "wipecode").and_then(|code| code.parse().ok());
    let reversed = is_true(child_text(effect, "reverse"));
    let edge = code.and_then(|code| wipe_from_smpte_code(code, reversed));
    match edge {
        Some(edge) if !category.eq_ignore_ascii_case("Dissolve") => {
            (TransitionKind::Wipe(edge), None)
        }
        _ => {
            let text = format!("the transition `{name}` becomes a dissolve");
            (TransitionKind::Dissolve, Some(text))
        }
    }
}
