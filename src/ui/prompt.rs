//! The prompt that asks for a position.

use egui::{Rect, TextEdit, UiBuilder, pos2, vec2};

use crate::playback::{Command, SeekTarget};
use crate::time::Position;

use super::canvas::Canvas;
use super::panels::widgets::name;
use super::pointer::Zone;
use super::style;

const WIDTH: f32 = 360.0;
const PADDING: f32 = 14.0;
const HINT: &str = "123f, 01:02:03:04 or 4.5s";

/// The prompt while it is open.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    pub(super) text: String,
    /// Why what was written is no position.
    pub(super) error: Option<String>,
    focused: bool,
    /// Enter was pressed. What was typed just before it may still be on its way to the text.
    pub(super) entered: bool,
}

impl Prompt {
    /// The seek to what was written; `None`, with an error to be shown, when it cannot be read.
    pub(super) fn accept(&mut self) -> Option<Command> {
        match read_position(&self.text) {
            Ok(position) => Some(Command::Seek(SeekTarget::Position(position))),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }

    /// Paints it in the middle of `window`, and lets egui edit its text.
    pub(super) fn paint(&mut self, canvas: &mut Canvas<'_>, ui: &mut egui::Ui, window: Rect) {
        let width = WIDTH.min(window.width() - 16.0) - 2.0 * PADDING;
        let (words, color) = match &self.error {
            Some(error) => (error.as_str(), style::WARN),
            None => ("Enter goes there, Esc closes.", style::WEAK),
        };
        let below = canvas.wrapped(words, style::SMALL, width, 4);
        let size = vec2(width + 2.0 * PADDING, 82.0 + below.size().y);
        let panel = Rect::from_center_size(window.center(), size);
        canvas.panel(panel, style::SOLID);
        canvas.zones.place(Zone::Prompt, panel);
        let left = panel.left() + PADDING;
        let title = canvas.wrapped("Go to", style::BODY, width, 1);
        canvas
            .painter
            .galley(pos2(left, panel.top() + 10.0), title, style::TEXT);

        let field = Rect::from_min_size(pos2(left, panel.top() + 32.0), vec2(width, 28.0));
        let mut inner = ui.new_child(UiBuilder::new().id_salt("position").max_rect(field));
        let edit = TextEdit::singleline(&mut self.text)
            .font(egui::FontId::monospace(15.0))
            .hint_text(HINT)
            .char_limit(32)
            .margin(egui::Margin::symmetric(8, 5))
            .desired_width(f32::INFINITY);
        let response = inner.add(edit);
        name(&response, "Position to go to");
        // Its own Enter and Esc are read with the keys; what it must not do is lose the focus.
        if !self.focused || !response.has_focus() {
            response.request_focus();
            self.focused = true;
        }
        if response.changed() {
            self.error = None;
        }

        canvas
            .painter
            .galley(pos2(left, panel.top() + 68.0), below, color);
    }
}

fn read_position(text: &str) -> Result<Position, String> {
    text.parse::<Position>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::FrameIndex;

    #[test]
    fn positions_are_read_as_everywhere_else() {
        assert_eq!(
            read_position(" 123f "),
            Ok(Position::Frame(FrameIndex(123)))
        );
        assert!(matches!(read_position("4.5s"), Ok(Position::Seconds(_))));
        assert!(matches!(
            read_position("01:02:03:04"),
            Ok(Position::Timecode(_))
        ));
    }

    #[test]
    fn what_is_no_position_is_answered_in_words() {
        for text in ["", "soon", "-4s", "99999999999999999999f"] {
            let error = read_position(text).unwrap_err();
            assert!(error.len() > 8 && error.contains(' '), "{error}");
        }
    }
}
