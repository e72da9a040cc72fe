//! Words that say for a moment what a key did.

use egui::{Align2, Rect, pos2, vec2};

use crate::playback::Snapshot;
use crate::time::Moment;

use super::canvas::Canvas;
use super::desk::Feedback;
use super::format;
use super::style;

const LIFE_NANOS: i64 = 1_200_000_000;

/// The latest feedback and when it came.
#[derive(Debug, Default)]
pub(super) struct Osd {
    latest: Option<(Feedback, Moment)>,
}

impl Osd {
    /// Shows `feedback` from now on.
    pub(super) fn show(&mut self, feedback: Feedback, now: Moment) {
        self.latest = Some((feedback, now));
    }

    /// What is on the screen. Where the bar shows the position, that is not said twice.
    pub(super) fn words(
        &self,
        snapshot: &Snapshot,
        bar_visible: bool,
        now: Moment,
    ) -> Option<String> {
        let (feedback, since) = self.latest.as_ref()?;
        if now.nanos_since(*since) >= LIFE_NANOS {
            return None;
        }
        match feedback {
            Feedback::Words(words) => Some(words.clone()),
            Feedback::Position if bar_visible => None,
            Feedback::Position => {
                let position = format::position_words(snapshot, snapshot.position);
                Some(format!("{position}   {}", snapshot.position.0))
            }
        }
    }

    /// When it goes.
    pub(super) fn next_change(&self, now: Moment) -> Option<Moment> {
        let end = self.latest.as_ref()?.1.offset_nanos(LIFE_NANOS);
        (end > now).then_some(end)
    }

    /// Paints `words` in the middle of `window`, ending above `bottom`.
    pub(super) fn paint(canvas: &Canvas<'_>, window: Rect, bottom: f32, words: &str) {
        let galley = canvas.wrapped(words, style::HEADING, window.width() - 60.0, 1);
        let size = galley.size() + vec2(28.0, 14.0);
        let rect = Align2::CENTER_BOTTOM.anchor_size(pos2(window.center().x, bottom - 40.0), size);
        canvas.panel(rect, style::SOLID);
        canvas
            .painter
            .galley(rect.min + vec2(14.0, 7.0), galley, style::TEXT);
    }
}
