//! What the painted controls are called: for those who do not see them, and for tests.

use egui::{Id, Rect, Response, Role, Sense, WidgetInfo};

use super::{Overlay, UiEvent, UiInput};
use crate::playback::PlaybackStatus;
use crate::ui::desk::{Desk, MAX_VOLUME, VOLUME_STEP};
use crate::ui::pointer::{Button, Zone};
use crate::ui::scrub::Extent;
use crate::ui::slider::{self, Range};
use crate::ui::{badges, bar, format, menu, meters, placeholder};

impl Overlay {
    /// Tells egui of every control that was painted, and does what is asked of one by other means than the
    /// pointer: by a screen reader, or by Space and Enter.
    pub(super) fn name_zones(
        &mut self,
        ui: &egui::Ui,
        input: &UiInput<'_>,
        events: &mut Vec<UiEvent>,
    ) {
        ui.ctx()
            .accesskit_node_builder(egui::accesskit_root_id(), |node| {
                node.set_label(format::window_title(input.snapshot));
            });
        let mut desk = Desk::new(input);
        let badges = badges::all(input, self.timeline.facts.as_ref());
        for (zone, rect) in self.zones.all().to_vec() {
            let info = match zone {
                Zone::Toast(place) => self
                    .toasts
                    .words(place, input.now)
                    .map(|words| WidgetInfo::labeled(Role::Button, true, words)),
                Zone::Badge(subject) => {
                    let words = badges::name(subject, &badges, &self.zones);
                    Some(WidgetInfo::labeled(Role::Label, true, words))
                }
                _ => info_of(zone, input),
            };
            let Some(info) = info else {
                continue;
            };
            let sense = match zone {
                Zone::Meters | Zone::Badge(_) => Sense::hover(),
                Zone::Scrub | Zone::Waveform | Zone::Volume | Zone::Wipe => {
                    Sense::focusable_noninteractive()
                }
                _ => Sense::click(),
            };
            let response = ui.interact(rect, Id::unique("zone").with(zone), sense);
            response.widget_info(|| info.clone());
            if response.has_focus() {
                outline(ui, rect);
            }
            match zone {
                Zone::Scrub | Zone::Waveform => steer_position(ui, &response, &mut desk, input),
                Zone::Volume => steer_volume(ui, &response, &mut desk),
                Zone::Wipe => steer_wipe(ui, &response, &mut desk, input),
                Zone::Badge(subject) => {
                    let facts = self.timeline.facts.as_ref();
                    let why = || badges::why(subject, input, facts, &self.zones);
                    ui.ctx()
                        .accesskit_node_builder(response.id, |node| node.set_description(why()));
                }
                // Read out when it comes.
                Zone::Toast(_) => {
                    ui.ctx().accesskit_node_builder(response.id, |node| {
                        node.set_live(egui::accesskit::Live::Polite);
                        node.set_description("Press to dismiss");
                    });
                }
                _ => {}
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

fn steer_position(ui: &egui::Ui, lane: &Response, desk: &mut Desk<'_>, input: &UiInput<'_>) {
    let Some(extent) = Extent::of(input.snapshot) else {
        return;
    };
    let asked = slider::asked(ui, lane, extent.slider_range(), false);
    if asked.keyed + asked.told != 0 {
        desk.step(asked.keyed + asked.told);
    }
    if let Some(value) = asked.value {
        desk.go_to(extent.target_of_value(value));
    }
}

fn steer_volume(ui: &egui::Ui, volume: &Response, desk: &mut Desk<'_>) {
    let range = Range {
        least: 0.0,
        most: f64::from(MAX_VOLUME),
        step: f64::from(VOLUME_STEP),
    };
    let asked = slider::asked(ui, volume, range, true);
    if asked.keyed + asked.told != 0 {
        desk.change_volume(asked.keyed + asked.told);
    }
    if let Some(value) = asked.value {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the range"
        )]
        desk.set_volume(value.round() as u16);
    }
}

fn steer_wipe(ui: &egui::Ui, line: &Response, desk: &mut Desk<'_>, input: &UiInput<'_>) {
    let range = Range {
        least: 0.0,
        most: 100.0,
        step: 1.0,
    };
    let asked = slider::asked(ui, line, range, false);
    let steps = asked.keyed + asked.told;
    let moved = (steps != 0).then(|| wipe_percent(input) + steps as f64);
    if let Some(percent) = asked.value.or(moved) {
        #[expect(clippy::cast_possible_truncation, reason = "a share")]
        desk.set_wipe((percent.clamp(0.0, 100.0) / 100.0) as f32);
    }
}

/// Where the line of a wipe stands, in percent of the picture's width.
fn wipe_percent(input: &UiInput<'_>) -> f64 {
    f64::from(input.snapshot.compare.position * 100.0).round()
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
        Zone::Wipe => Some(WidgetInfo::slider(
            true,
            wipe_percent(input),
            "Line between the pictures, in percent of the width",
        )),
        Zone::Meters => Some(WidgetInfo::labeled(Role::Meter, true, meters::words(input))),
        Zone::MenuRow(row) => {
            let (words, is_chosen) = menu::row_words(input, row)?;
            Some(WidgetInfo::selected(
                Role::RadioButton,
                true,
                is_chosen,
                words,
            ))
        }
        Zone::Recent(row) => {
            let file = input.panels.recent.get(row)?;
            let words = format!("Open {} at {}", format::file_name(&file.path), file.words);
            Some(WidgetInfo::labeled(Role::Button, true, words))
        }
        Zone::Demo => Some(WidgetInfo::labeled(Role::Button, true, placeholder::DEMO)),
        Zone::Toast(_)
        | Zone::Picture
        | Zone::Top
        | Zone::Badge(_)
        | Zone::Bar
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
