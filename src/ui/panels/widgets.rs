//! Small parts that several panels are made of.

use std::collections::HashMap;

use egui::{Align, Color32, Layout, Response, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use super::Errand;
use crate::ui::{UiEvent, UiInput, style};

/// Names a control for those who do not see what is written in or beside it.
pub(in crate::ui) fn name(control: &Response, words: &str) {
    control
        .ctx
        .accesskit_node_builder(control.id, |node| node.set_label(words));
}

/// A small button whose words say too little to those who do not see what it stands beside: `of` does.
pub(super) fn small_button_of(ui: &mut Ui, words: &str, of: &str) -> Response {
    let button = small_button(ui, words);
    name(&button, &format!("{words}: {of}"));
    button
}

/// A button in a row of a list.
pub(super) fn small_button(ui: &mut Ui, words: &str) -> Response {
    let least = vec2(style::SMALL_CONTROL, style::SMALL_CONTROL);
    ui.add(egui::Button::new(words).small().min_size(least))
}

/// Puts what is no control in a line, as high as its words.
fn in_line<T>(ui: &mut Ui, show: impl FnOnce(&mut Ui) -> T) -> egui::InnerResponse<T> {
    let usual = std::mem::replace(&mut ui.spacing_mut().interact_size.y, style::LINE_HEIGHT);
    let shown = ui.horizontal(show);
    ui.spacing_mut().interact_size.y = usual;
    shown
}

/// How far beyond what is seen rows are laid out, in points: Tab goes from row to row.
const BEYOND: f32 = 120.0;
/// Heights that are remembered; a list that was so long is forgotten.
const MOST_HEIGHTS: usize = 20_000;

/// A long list of rows of any height, of which only those that are seen, and their neighbours, are laid out.
#[derive(Default)]
pub(super) struct LongList {
    width: f32,
    heights: HashMap<egui::Id, f32>,
    /// The least height of a row stands for those that were never laid out; one that is unfolded is higher.
    usual: Option<f32>,
}

impl LongList {
    /// Shows the row that `key` names in this list, or leaves room for it.
    pub(super) fn row(
        &mut self,
        ui: &mut Ui,
        key: impl egui::AsIdSalt,
        show: impl FnOnce(&mut Ui),
    ) {
        let id = ui.scope_id().with(&key);
        let width = ui.available_width();
        if (width - self.width).abs() > 0.5 || self.heights.len() > MOST_HEIGHTS {
            self.width = width;
            self.heights.clear();
            self.usual = None;
        }
        let known = self.heights.get(&id).copied().or(self.usual);
        let top = ui.cursor().top();
        let seen = ui.clip_rect().expand(BEYOND);
        if let Some(height) = known
            && (top + height < seen.top() || top > seen.bottom())
        {
            ui.allocate_space(vec2(width, height));
            return;
        }
        let shown = ui.push_id(key, show);
        let height = shown.response.rect.height();
        self.heights.insert(id, height);
        self.usual = Some(self.usual.map_or(height, |usual| usual.min(height)));
    }
}

/// A heading over a section.
pub(in crate::ui) fn heading(ui: &mut Ui, words: &str) {
    ui.add_space(6.0);
    ui.label(RichText::new(words).strong().size(13.0));
    ui.add_space(2.0);
}

/// A label at the left and words at the right end of a line.
pub(in crate::ui) fn line(ui: &mut Ui, label: &str, words: &str) -> Response {
    let row = in_line(ui, |ui| {
        ui.label(RichText::new(label).color(style::weak(ui)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(egui::Label::new(words).truncate());
        });
    });
    row.response
}

/// What is being done for a person who asked for it, if anything is.
pub(super) fn at_work(ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
    let Some(doing) = &input.panels.doing else {
        return;
    };
    ui.horizontal(|ui| {
        let stop = small_button(ui, "Stop");
        name(&stop, "Stop what is being done");
        if stop.clicked() {
            events.push(UiEvent::Errand(Errand::Stop(doing.number)));
        }
        let words = RichText::new(&doing.words).color(style::accent(ui));
        ui.add(egui::Label::new(words).truncate());
    });
}

/// A label that takes this much of a line, whatever it says, so that what follows stands in a column.
pub(super) fn cell(ui: &mut Ui, width: f32, words: &str) -> Response {
    let size = vec2(width, ui.spacing().interact_size.y);
    let layout = Layout::left_to_right(Align::Center);
    ui.allocate_ui_with_layout(size, layout, |ui| {
        ui.set_min_width(width);
        let words = RichText::new(words).color(style::weak(ui));
        ui.add(egui::Label::new(words).truncate())
    })
    .inner
}

/// Width of the names before bars.
const BAR_LABEL: f32 = 72.0;

/// A bar that is full to `share`, with its name before and words behind it.
pub(super) fn bar(ui: &mut Ui, name: &str, share: Option<f32>, words: &str) {
    let color = share.map_or(style::fill(ui), |share| level_color(ui, share));
    labelled_bar(ui, (name, name), share, color, words);
}

/// The bar of what was named in the line above, for `name`.
pub(super) fn progress(ui: &mut Ui, name: &str, share: Option<f32>, words: &str) {
    let name = format!("Progress: {name}");
    // What is nearly done runs short of nothing.
    labelled_bar(ui, ("", &name), share, style::fill(ui), words);
}

/// `label` is seen, `name` is what the bar is called for those who do not see it.
fn labelled_bar(
    ui: &mut Ui,
    (label, name): (&str, &str),
    share: Option<f32>,
    color: Color32,
    words: &str,
) {
    let height = 16.0;
    in_line(ui, |ui| {
        cell(ui, BAR_LABEL, label);
        let words_width = 118.0_f32.min(ui.available_width() * 0.6);
        let width = (ui.available_width() - words_width - 8.0).max(20.0);
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let lane = rect.shrink2(vec2(0.0, 4.0));
        ui.painter().rect_filled(lane, 2.0, style::lane(ui));
        if let Some(share) = share {
            let mut full = lane;
            full.set_width(lane.width() * share.clamp(0.0, 1.0));
            ui.painter().rect_filled(full, 2.0, color);
        }
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
            info.value = share.map(f64::from);
            info.current_text_value = Some(words.to_owned());
            info
        });
        ui.add(egui::Label::new(RichText::new(words).size(11.5)).truncate());
    });
}

/// Calm while there is room, warm where it runs short.
fn level_color(ui: &Ui, share: f32) -> Color32 {
    if share >= 0.95 {
        style::bad(ui)
    } else if share >= 0.85 {
        style::warn(ui)
    } else {
        style::fill(ui)
    }
}

/// Gigabytes that something on disk may be set to take.
const LIMITS_GB: std::ops::RangeInclusive<u64> = 1..=1_000;
const GB: u64 = 1_000_000_000;

/// What something on disk may take, in whole gigabytes; `hand` is what is under the hand. Answers the bytes that
/// were set, when it is let go of.
pub(super) fn limit(ui: &mut Ui, hand: &mut Option<u64>, limit_bytes: u64) -> Option<u64> {
    let row = ui.horizontal(|ui| {
        let label = ui.label("Limit");
        let now = (limit_bytes / GB).max(1);
        let mut gb = hand.unwrap_or(now);
        // A limit that was stated elsewhere may be larger: it is nobody's wish to have it cut by looking at it.
        let drag = egui::DragValue::new(&mut gb)
            .range(LIMITS_GB)
            .clamp_existing_to_range(false)
            .suffix(" GB");
        let response = ui.add(drag).labelled_by(label.id);
        if response.changed() {
            *hand = Some(gb);
        }
        if ui.input(|input| input.key_pressed(egui::Key::Escape)) {
            *hand = None;
        }
        let is_let_go = !response.dragged() && !response.has_focus();
        if is_let_go {
            hand.take().filter(|gb| *gb != now)
        } else {
            None
        }
    });
    row.inner.map(|gb| gb * GB)
}

/// A button that deletes: the first press arms it, the second does it. Answers whether to do it.
pub(super) fn confirmed(
    ui: &mut Ui,
    armed: &mut Option<egui::Id>,
    words: &str,
    sure: &str,
) -> bool {
    confirmed_of(ui, armed, words, sure, "")
}

/// The same in a row of a list, of which those who do not see it are told by `of`.
pub(super) fn confirmed_of(
    ui: &mut Ui,
    armed: &mut Option<egui::Id>,
    words: &str,
    sure: &str,
    of: &str,
) -> bool {
    let id = ui.scope_id().with(words);
    let press = |ui: &mut Ui, words: &str, text: RichText| {
        let button = ui.button(text);
        if !of.is_empty() {
            name(&button, &format!("{words}: {of}"));
        }
        button.clicked()
    };
    if *armed != Some(id) {
        if press(ui, words, RichText::new(words)) {
            *armed = Some(id);
        }
        return false;
    }
    let red = RichText::new(sure).color(style::bad(ui));
    let is_sure = press(ui, sure, red);
    if press(ui, "Keep", RichText::new("Keep")) || is_sure {
        *armed = None;
    }
    is_sure
}

/// A sentence that explains.
pub(in crate::ui) fn note(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).color(style::weak(ui)).size(12.0));
}
