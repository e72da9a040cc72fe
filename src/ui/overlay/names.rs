//! What the painted controls are called: for those who do not see them, and for tests.

use egui::{Id, Rect, Role, Sense, WidgetInfo};

use super::{Overlay, UiEvent, UiInput};
use crate::playback::PlaybackStatus;
use crate::ui::desk::Desk;
use crate::ui::pointer::{Button, Zone};
use crate::ui::scrub::Extent;
use crate::ui::{bar, format, meters, placeholder};

impl Overlay {
    /// Tells egui of every control that was painted, and does what is asked of one by other means than the
    /// pointer: by a screen reader, or by Space and Enter.
    pub(super) fn name_zones(
        &mut self,
        ui: &egui::Ui,
        input: &UiInput<'_>,
        events: &mut Vec<UiEvent>,
    ) {
        let mut desk = Desk::new(input);
        for (zone, rect) in self.zones.all().to_vec() {
            let Some(info) = info_of(zone, input) else {
                continue;
            };
            let sense = if is_pressed(zone) {
                Sense::click()
            } else {
                Sense::focusable_noninteractive()
            };
            let response = ui.interact(rect, Id::unique("zone").with(zone), sense);
            response.widget_info(|| info.clone());
            if response.has_focus() {
                outline(ui, rect);
            }
            if response.clicked() && !response.clicked_by(egui::PointerButton::Primary) {
                self.click(zone, &mut desk, ui, input);
                self.unsettled = true;
            }
        }
        if let Some(feedback) = desk.feedback.take() {
            self.osd.show(feedback, input.now);
        }
        events.append(&mut desk.events);
    }
}

/// Whether pressing a zone does something.
fn is_pressed(zone: Zone) -> bool {
    matches!(
        zone,
        Zone::Button(_) | Zone::MenuRow(_) | Zone::Toast(_) | Zone::Recent(_) | Zone::Demo
    )
}

/// The line around what has the keyboard.
fn outline(ui: &egui::Ui, rect: Rect) {
    let stroke = ui.visuals().selection.stroke;
    ui.painter()
        .rect_stroke(rect, 3.0, stroke, egui::StrokeKind::Outside);
}

/// What a zone is called and what state it is in; `None` for those that are no controls.
fn info_of(zone: Zone, input: &UiInput<'_>) -> Option<WidgetInfo> {
    let snapshot = input.snapshot;
    match zone {
        Zone::Button(button) => Some(WidgetInfo::labeled(
            Role::Button,
            true,
            button_name(button, input),
        )),
        Zone::Scrub | Zone::Waveform => {
            let extent = Extent::of(snapshot)?;
            let place = format!("Position, of {} frames", extent.frames);
            Some(WidgetInfo::slider(true, snapshot.position.0 as f64, place))
        }
        Zone::Volume => Some(WidgetInfo::slider(
            true,
            f64::from(snapshot.volume_percent),
            "Volume in percent",
        )),
        Zone::Meters => Some(WidgetInfo::labeled(Role::Meter, true, meters::words(input))),
        Zone::MenuRow(row) => Some(WidgetInfo::labeled(
            Role::Button,
            true,
            format!("Row {} of the audio menu", row + 1),
        )),
        Zone::Recent(row) => {
            let file = input.panels.recent.get(row)?;
            let words = format!("Open {} at {}", format::file_name(&file.path), file.words);
            Some(WidgetInfo::labeled(Role::Button, true, words))
        }
        Zone::Demo => Some(WidgetInfo::labeled(Role::Button, true, placeholder::DEMO)),
        Zone::Toast(_) => Some(WidgetInfo::labeled(
            Role::Button,
            true,
            "Dismiss the notice",
        )),
        Zone::Picture
        | Zone::Top
        | Zone::Trouble(_)
        | Zone::Approximate
        | Zone::Proxies
        | Zone::Bar
        | Zone::Wipe
        | Zone::Menu
        | Zone::Prompt
        | Zone::Help
        | Zone::Elsewhere => None,
    }
}

fn button_name(button: Button, input: &UiInput<'_>) -> String {
    let snapshot = input.snapshot;
    let plays = snapshot.status == PlaybackStatus::Playing;
    match button {
        Button::Play if plays && !snapshot.speed.is_reverse() => "Pause".to_owned(),
        Button::Play => "Play".to_owned(),
        Button::PlayBack => "Play backwards".to_owned(),
        Button::Speed => format!("Speed {}, normal speed", snapshot.speed),
        Button::Loop => format!("Loop: {}", format::loop_words(snapshot.loop_mode)),
        Button::Audio => "Audio track and device".to_owned(),
        Button::Menu => "Menu".to_owned(),
        Button::Timecode => format!(
            "Position {}, type another",
            format::position_words(snapshot, snapshot.position)
        ),
        Button::Help => "Keys".to_owned(),
        other => bar::button_action(other)
            .map(|action| action.label().to_owned())
            .unwrap_or_default(),
    }
}
