//! The prompt that asks for a position.

use egui::{Rect, TextEdit, UiBuilder, pos2, vec2};

use crate::playback::{Command, SeekTarget};
use crate::time::{FrameIndex, Position};

use super::canvas::Canvas;
use super::desk::Desk;
use super::pointer::Zone;
use super::style;

const SIZE: egui::Vec2 = vec2(340.0, 96.0);
const PADDING: f32 = 14.0;
const HINT: &str = "123f, 01:02:03:04 or 4.5s";

/// The prompt while it is open.
#[derive(Debug, Default)]
pub(super) struct Prompt {
    pub(super) text: String,
    /// Why what was written is no position.
    pub(super) error: Option<String>,
    focused: bool,
}

impl Prompt {
    /// Seeks to what was written; answers whether it could be read.
    pub(super) fn accept(&mut self, desk: &mut Desk<'_>) -> bool {
        match read_position(&self.text) {
            Ok(position) => {
                desk.send(Command::Seek(SeekTarget::Position(position)));
                true
            }
            Err(error) => {
                self.error = Some(error);
                false
            }
        }
    }

    /// Paints it in the middle of `window`, and lets egui edit its text.
    pub(super) fn paint(&mut self, canvas: &mut Canvas<'_>, ui: &mut egui::Ui, window: Rect) {
        let size = SIZE.min(window.size() - vec2(16.0, 16.0));
        let panel = Rect::from_center_size(window.center(), size);
        canvas.panel(panel, style::SOLID);
        canvas.zones.place(Zone::Prompt, panel);
        let left = panel.left() + PADDING;
        let width = size.x - 2.0 * PADDING;
        let title = canvas.wrapped("Go to", style::BODY, width, 1);
        canvas.painter.galley(pos2(left, panel.top() + 10.0), title, style::TEXT);

        let field = Rect::from_min_size(pos2(left, panel.top() + 32.0), vec2(width, 28.0));
        let mut inner = ui.new_child(UiBuilder::new().id_salt("position").max_rect(field));
        let edit = TextEdit::singleline(&mut self.text)
            .font(egui::FontId::monospace(15.0))
            .hint_text(HINT)
            .char_limit(32)
            .desired_width(width - 8.0);
        let response = inner.add(edit);
        // Its own Enter and Esc are read with the keys; what it must not do is lose the focus.
        if !self.focused || !response.has_focus() {
            response.request_focus();
            self.focused = true;
        }
        if response.changed() {
            self.error = None;
        }

        let (words, color) = match &self.error {
            Some(error) => (error.as_str(), style::WARN),
            None => ("Enter goes there, Esc closes.", style::WEAK),
        };
        let galley = canvas.wrapped(words, style::SMALL, width, 1);
        canvas.painter.galley(pos2(left, panel.bottom() - 26.0), galley, color);
    }
}

/// Reads a position. A bare whole number is a frame: who types 1200 into a player means that.
fn read_position(text: &str) -> Result<Position, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let frame = text.parse().map_err(|_| "There is no frame of that number.".to_owned())?;
        return Ok(Position::Frame(FrameIndex(frame)));
    }
    text.parse::<Position>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_everywhere_else_and_bare_numbers_are_frames() {
        assert_eq!(read_position("123f"), "123f".parse().map_err(|_| String::new()));
        assert_eq!(read_position(" 1200 "), Ok(Position::Frame(FrameIndex(1200))));
        assert!(read_position("4.5s").is_ok());
        assert!(read_position("01:02:03:04").is_ok());
    }

    #[test]
    fn what_is_no_position_is_answered_in_words() {
        for text in ["", "soon", "99999999999999999999"] {
            let error = read_position(text).unwrap_err();
            assert!(error.len() > 8 && error.contains(' '), "{error}");
        }
    }
}
