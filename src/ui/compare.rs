//! The two sides of a comparison: which is which, and the line between them.

use egui::{Align2, Pos2, Rect, Stroke, pos2, vec2};

use crate::config::Action;
use crate::media::{CompareMode, CompareView};
use crate::playback::Snapshot;

use super::UiInput;
use super::canvas::Canvas;
use super::pointer::Zone;
use super::style;

/// The line moves by a twentieth of the picture.
const STEPS: f32 = 20.0;
/// It is caught this many points beside it.
const REACH: f32 = 8.0;
const MARGIN: f32 = 10.0;

/// Names of the two sides, where the medium is a comparison.
pub(super) fn names(snapshot: &Snapshot) -> Option<&[String; 2]> {
    let timeline = snapshot.media.as_ref()?.timeline.as_ref()?;
    timeline.compared.as_ref().map(|compared| &compared.names)
}

/// What `action` makes of `view`; `None` where it is about something else.
pub(super) fn changed(view: CompareView, action: Action) -> Option<CompareView> {
    let mode = |mode| CompareView { mode, ..view };
    // A line that cannot be seen is brought back before it moves.
    let line = |steps: f32| CompareView {
        mode: CompareMode::Wipe,
        position: match view.mode {
            CompareMode::Wipe => {
                (((view.position * STEPS).round() + steps) / STEPS).clamp(0.0, 1.0)
            }
            _ => view.position,
        },
    };
    Some(match action {
        Action::CycleCompare => mode(match view.mode {
            CompareMode::Wipe => CompareMode::SideBySide,
            CompareMode::SideBySide => CompareMode::Difference,
            CompareMode::Difference | CompareMode::OnlyA | CompareMode::OnlyB => CompareMode::Wipe,
        }),
        Action::ToggleCompare => mode(match view.mode {
            CompareMode::OnlyA => CompareMode::OnlyB,
            _ => CompareMode::OnlyA,
        }),
        Action::WipeLeft => line(-1.0),
        Action::WipeRight => line(1.0),
        _ => return None,
    })
}

/// A view in words.
pub(super) fn words(view: CompareView) -> String {
    match view.mode {
        CompareMode::Wipe => format!("Wipe at {:.0} %", view.position * 100.0),
        CompareMode::SideBySide => "Side by side".to_owned(),
        CompareMode::Difference => "Difference".to_owned(),
        CompareMode::OnlyA => "Only A".to_owned(),
        CompareMode::OnlyB => "Only B".to_owned(),
    }
}

/// Where the line stands when it is held at `pos` of a picture that lies there.
pub(super) fn position_at(picture: Option<Rect>, pos: Pos2) -> Option<f32> {
    let picture = picture?;
    Some(((pos.x - picture.left()) / picture.width().max(1.0)).clamp(0.0, 1.0))
}

/// Paints the names, and the line of a wipe while the controls are on the screen. The line can be held
/// all the time.
pub(super) fn paint(
    canvas: &mut Canvas<'_>,
    picture: Option<Rect>,
    between: Rect,
    visible: bool,
    input: &UiInput<'_>,
) {
    let (Some([a, b]), Some(picture)) = (names(input.snapshot), picture) else {
        return;
    };
    let view = input.snapshot.compare;
    if view.mode == CompareMode::Wipe {
        let x = picture.left() + picture.width() * view.position;
        let line = Rect::from_min_max(pos2(x, picture.top()), pos2(x, picture.bottom()));
        canvas.zones.place(
            Zone::Wipe,
            line.expand2(vec2(REACH, 0.0))
                .intersect(canvas.painter.clip_rect()),
        );
        if visible {
            let held = canvas.hovered == Some(Zone::Wipe) || canvas.held == Some(Zone::Wipe);
            let color = if held { style::ACCENT } else { style::TEXT };
            canvas
                .painter
                .vline(x, line.y_range(), Stroke::new(1.0, color));
            canvas.painter.circle_filled(line.center(), 5.0, color);
        }
    }
    let visible_part = picture.intersect(between);
    let shown = if visible_part.is_positive() {
        visible_part
    } else {
        between
    };
    let names = [(a, "A", Align2::LEFT_TOP), (b, "B", Align2::RIGHT_TOP)];
    for (name, letter, corner) in names {
        let hidden = match view.mode {
            CompareMode::OnlyA => letter == "B",
            CompareMode::OnlyB => letter == "A",
            CompareMode::Wipe | CompareMode::SideBySide | CompareMode::Difference => false,
        };
        if !hidden {
            label(canvas, shown, corner, &format!("{letter}: {name}"));
        }
    }
}

fn label(canvas: &Canvas<'_>, within: Rect, corner: Align2, words: &str) {
    let width = (within.width() / 2.0 - 4.0 * MARGIN).max(1.0);
    let galley = canvas.wrapped(words, style::SMALL, width, 1);
    let size = galley.size() + vec2(12.0, 6.0);
    let at = corner.pos_in_rect(&within.shrink(MARGIN));
    let rect = corner.anchor_size(at, size);
    canvas.panel(rect, style::PANEL);
    canvas
        .painter
        .galley(rect.min + vec2(6.0, 3.0), galley, style::TEXT);
}
