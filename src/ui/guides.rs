//! Lines over the picture: safe areas, centre, grid.

use egui::{Color32, Rect, Stroke, vec2};

use super::canvas::Canvas;

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Guides {
    #[default]
    None,
    /// Action-safe and title-safe areas: 93 % and 90 % of each side (SMPTE ST 2046-1 §5, EBU R 95 for 16:9).
    Safe,
    /// A cross in the middle.
    Centre,
    /// Thirds.
    Grid,
    /// All of them.
    All,
}

/// Of each side, what is safe for action and for titles.
const ACTION_SAFE: f32 = 0.93;
const TITLE_SAFE: f32 = 0.90;

impl Guides {
    /// Its name in the state file; none where there are none.
    pub(super) fn id(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Safe => Some("guides-safe"),
            Self::Centre => Some("guides-centre"),
            Self::Grid => Some("guides-grid"),
            Self::All => Some("guides-all"),
        }
    }

    /// What the key shows next.
    pub(super) fn next(self) -> Self {
        match self {
            Self::None => Self::Safe,
            Self::Safe => Self::Centre,
            Self::Centre => Self::Grid,
            Self::Grid => Self::All,
            Self::All => Self::None,
        }
    }

    /// Paints them over `picture`, as far as it lies in `viewer`.
    pub(super) fn paint(self, canvas: &Canvas<'_>, viewer: Rect, picture: Rect) {
        if self == Self::None {
            return;
        }
        let painter = canvas.painter.with_clip_rect(viewer);
        // A dark line beside the bright one: there is a picture of any brightness below.
        let strokes = [
            (1.0, Stroke::new(1.0, Color32::from_black_alpha(150))),
            (0.0, Stroke::new(1.0, Color32::from_white_alpha(190))),
        ];
        let has = |wanted| self == wanted || self == Self::All;
        for (offset, stroke) in strokes {
            let at = picture.translate(vec2(offset, offset));
            if has(Self::Safe) {
                for part in [ACTION_SAFE, TITLE_SAFE] {
                    let area = Rect::from_center_size(at.center(), at.size() * part);
                    painter.rect_stroke(area, 0.0, stroke, egui::StrokeKind::Middle);
                }
            }
            if has(Self::Centre) {
                let (middle, arm) = (at.center(), at.height().min(at.width()) * 0.04);
                painter.hline(middle.x - arm..=middle.x + arm, middle.y, stroke);
                painter.vline(middle.x, middle.y - arm..=middle.y + arm, stroke);
            }
            if has(Self::Grid) {
                for part in [1.0_f32 / 3.0, 2.0 / 3.0] {
                    painter.hline(at.x_range(), at.top() + at.height() * part, stroke);
                    painter.vline(at.left() + at.width() * part, at.y_range(), stroke);
                }
            }
        }
    }
}
