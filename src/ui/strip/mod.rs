//! The timeline panel: tracks and clips along time, and what the player does with them.
//!
//! From top to bottom: the ruler with timecode, the marked range and markers; a bar that tells which frames are
//! kept; a strip that tells which frames went wrong, and why; the tracks; a bar that scrolls along. A file is shown as
//! a track with one clip, and one more for its sound.
//!
//! One pass goes in reading order: `model` knows what lies on the tracks and is made once for a medium, `view` which
//! part of it is seen, `places` where the panel's parts lie, `hand` what a person does with them; then the parts paint
//! themselves (`ruler`, `bars`, `rows`, `tiles`), each with no more shapes than fit on the screen, however many clips
//! there are.

mod bars;
mod boxes;
mod hand;
mod model;
mod names;
mod on_disk;
mod palette;
mod places;
mod rows;
mod ruler;
mod scale;
mod scene;
mod sound;
mod tiles;
mod view;
mod words;

use std::time::Duration;

use egui::{
    Align2, Color32, CursorIcon, Rect, Response, RichText, Role, Sense, Ui, WidgetInfo, vec2,
};

use self::boxes::Laid;
use self::hand::Hand;
use self::model::Model;
use self::names::Names;
use self::on_disk::OnDisk;
use self::palette::Palette;
use self::places::Places;
use self::ruler::MarkEnd;
use self::scene::Scene;
use self::sound::Sound;
use self::tiles::Tiles;
use self::view::View;
use super::scrub::Extent;
use super::{UiEvent, UiInput, format, style};
use crate::time::FrameIndex;

/// Pictures that had no texture yet come so much later.
const NEXT_PICTURES: Duration = Duration::from_millis(30);
/// Tips are no wider than this, in points.
const TIP_WIDTH: f32 = 380.0;

/// The panel, and what it remembers.
#[derive(Default)]
pub(super) struct Strip {
    model: Model,
    on_disk: OnDisk,
    view: View,
    hand: Hand,
    tiles: Tiles,
    names: Names,
    sound: Sound,
    /// How far the tracks are scrolled, in points.
    scrolled: f32,
    /// It was shown since [`Self::settle`] was called last.
    is_shown: bool,
}

/// The panel's parts that answer to the pointer.
struct Parts {
    ruler: Response,
    kept: Response,
    blame: Response,
    lanes: Response,
    along: Response,
}

impl Strip {
    /// Shows it in what is left of `ui`.
    pub(super) fn show(&mut self, ui: &mut Ui, input: &UiInput<'_>, events: &mut Vec<UiEvent>) {
        self.is_shown = true;
        if self.model.update(input.snapshot) {
            self.view.begin();
            self.scrolled = 0.0;
            self.hand.let_go(events);
        }
        self.on_disk.update(&self.model, input);
        let Some(extent) = Extent::of(input.snapshot) else {
            let words = "Open something: its tracks and clips are shown here.";
            ui.label(RichText::new(words).color(style::weak(ui)));
            return;
        };
        let panel = ui.allocate_rect(ui.available_rect_before_wrap(), Sense::hover());
        let rows = self.model.rows.len();
        let places = Places::of(panel.rect, rows, self.scrolled);
        let scale = self.view.settle(extent.frames, places.lanes.width());
        let parts = Parts::of(ui, &places);
        let left = places.lanes.left();
        self.hand.scrub(&parts.ruler, left, scale, extent, events);
        self.hand.scrub(&parts.lanes, left, scale, extent, events);
        hand::steer_ruler(ui, &parts.ruler, extent, events);
        let head = self.hand.scrubbed().unwrap_or(input.snapshot.position);
        self.scrolled = places.scrolled() + hand::turn_wheel(ui, &panel, &places, &mut self.view);
        self.scrolled += turn_upright(ui, &panel, &places, rows);
        let places = Places::of(panel.rect, rows, self.scrolled);
        self.buttons(ui, places.corner, head);
        self.view
            .follow(head, self.hand.scrubbed().is_some(), input.snapshot);
        let thumb = self.hand.scroll(&parts.along, &mut self.view);
        let snapshot = input.snapshot;
        let scene = Scene {
            input,
            model: &self.model,
            on_disk: self.on_disk.stretches(),
            places,
            scale: self.view.scale().unwrap_or(scale),
            palette: Palette::of(ui.visuals()),
            head,
            marks: marks(self.hand.mark(), (snapshot.mark_in, snapshot.mark_out)),
            pixels_per_point: ui.pixels_per_point(),
        };
        mark_handles(ui, &scene, &mut self.hand, events);
        let flags = ruler::flags(&scene);
        for flag in &flags {
            let id = panel.id.with(("marker", flag.frame));
            let response = ui.interact(flag.rect.expand(1.0), id, Sense::click_and_drag());
            let name = format!("Marker: {}", flag.words);
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
            if response.clicked() {
                hand::go_to(flag.frame, extent, events);
            }
            response
                .on_hover_cursor(CursorIcon::PointingHand)
                .on_hover_text(&flag.words);
        }
        let seen = places.rows_seen(rows);
        let laid = boxes::lay_out(&scene.model.rows, seen, scene.scale);
        name_tracks(ui, &scene, &laid);
        self.tiles.begin_pass();
        let painter = ui
            .painter()
            .with_clip_rect(panel.rect.intersect(ui.clip_rect()));
        self.sound.update(&scene);
        let (tiles, names) = (&mut self.tiles, &mut self.names);
        rows::paint(&scene, &painter, &laid, &mut self.sound, tiles, names);
        ruler::paint(&scene, &painter);
        bars::paint_kept(&scene, &painter);
        bars::paint_blame(&scene, &painter);
        ruler::paint_flags(&scene, &painter, &flags);
        ruler::paint_marks(&scene, &painter);
        ruler::paint_head(&scene, &painter);
        paint_heads(ui, &scene, &painter);
        if let Some(thumb) = thumb {
            painter.rect_filled(places.along, 0.0, scene.palette.ruler());
            painter.rect_filled(thumb, 4.0, scene.palette.tick());
        }
        if let Some((bar, thumb, _)) = places.upright(rows) {
            painter.rect_filled(bar, 0.0, scene.palette.ruler().gamma_multiply(0.6));
            painter.rect_filled(thumb.shrink2(vec2(1.0, 0.0)), 3.0, scene.palette.tick());
        }
        if self.tiles.end_pass() {
            ui.ctx().request_repaint_after(NEXT_PICTURES);
        }
        if self.names.is_behind() {
            ui.ctx().request_repaint();
        }
        parts.answer(ui, &scene, &laid, extent, events);
    }

    /// The pass is over. Where the panel is not on the screen any more, what it holds is let go of.
    pub(super) fn settle(&mut self, events: &mut Vec<UiEvent>) {
        if !std::mem::take(&mut self.is_shown) {
            self.hand.let_go(events);
        }
    }

    /// Forgets what another graphics device had.
    pub(super) fn forget_textures(&mut self) {
        self.tiles.clear();
    }

    fn buttons(&mut self, ui: &mut Ui, corner: Rect, head: FrameIndex) {
        let inside = egui::UiBuilder::new().max_rect(corner.shrink2(vec2(0.0, 2.0)));
        ui.scope_builder(inside, |ui| {
            ui.spacing_mut().item_spacing.x = 3.0;
            ui.spacing_mut().button_padding = vec2(5.0, 2.0);
            ui.horizontal(|ui| {
                let button = |ui: &mut Ui, words: &str, name: &str| {
                    let least = vec2(style::SMALL_CONTROL, style::SMALL_CONTROL);
                    let button = egui::Button::new(words).min_size(least);
                    ui.add(button).accessible_name(name).on_hover_text(name)
                };
                if button(ui, "−", "Zoom out").clicked() {
                    hand::zoom_by_button(&mut self.view, 1.0 / hand::ZOOM_A_CLICK, head);
                }
                if button(ui, "+", "Zoom in").clicked() {
                    hand::zoom_by_button(&mut self.view, hand::ZOOM_A_CLICK, head);
                }
                if button(ui, "Fit", "Show all of it").clicked() {
                    self.view.fit();
                }
            });
        });
    }
}

/// The bar that scrolls through tracks where not all of them are seen; answers by how much it was turned.
fn turn_upright(ui: &Ui, panel: &Response, places: &Places, rows: usize) -> f32 {
    let Some((bar, _, a_point)) = places.upright(rows) else {
        return 0.0;
    };
    let response = ui.interact(bar, panel.id.with("upright"), Sense::click_and_drag());
    response
        .widget_info(|| WidgetInfo::labeled(Role::ScrollBar, true, "Scroll through the tracks"));
    response.drag_delta().y * a_point
}

/// The marked range as it is shown: with the mark that is held where it would be put.
fn marks(
    held: Option<(MarkEnd, FrameIndex)>,
    (mark_in, mark_out): (Option<FrameIndex>, Option<FrameIndex>),
) -> (Option<FrameIndex>, Option<FrameIndex>) {
    match held {
        Some((MarkEnd::In, frame)) => (Some(frame), mark_out),
        Some((MarkEnd::Out, frame)) => (mark_in, Some(frame)),
        None => (mark_in, mark_out),
    }
}

/// The handles of the marks, which lie above the ruler.
fn mark_handles(ui: &Ui, scene: &Scene<'_>, hand: &mut Hand, events: &mut Vec<UiEvent>) {
    let ends = [
        (MarkEnd::In, scene.marks.0, "In mark"),
        (MarkEnd::Out, scene.marks.1, "Out mark"),
    ];
    for (end, frame, name) in ends {
        let Some(frame) = frame else { continue };
        let rect = ruler::handle(scene, end, frame);
        let is_held = hand.mark().is_some_and(|(held, _)| held == end);
        if !is_held && !scene.places.ruler.intersects(rect) {
            continue;
        }
        let id = ui.scope_id().with(name);
        // Clicks as well, or they would reach the ruler.
        let response = ui.interact(rect, id, Sense::CLICK | Sense::DRAG);
        let place = format::position_words(scene.input.snapshot, frame);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Slider, true, name);
            info.value = Some(frame.0 as f64);
            info.current_text_value = Some(place.clone());
            info
        });
        hand.drag_mark(scene, &response, end, events);
        response
            .on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal)
            .on_hover_text(format!("{name}, {place}: drag it"));
    }
}

/// Tells of tracks, and of clips that are wide enough to be read.
fn name_tracks(ui: &Ui, scene: &Scene<'_>, laid: &[(usize, Vec<Laid>)]) {
    let lanes = scene.places.lanes;
    let mut named = 0;
    for (number, boxes) in laid {
        let Some(row) = scene.model.rows.get(*number) else {
            continue;
        };
        let lane = scene.places.row(*number);
        let head = Rect::from_x_y_ranges(scene.places.heads.x_range(), lane.y_range());
        let id = ui.scope_id().with(("track", row.track));
        let response = ui.interact(head.intersect(scene.places.heads), id, Sense::hover());
        let name = || WidgetInfo::labeled(Role::Label, true, words::track_name(row));
        response.widget_info(name);
        for laid in boxes {
            let rect = rows::rect_of(scene, lane, laid).intersect(lanes);
            let Some(clip) = laid.only().and_then(|clip| row.clips.get(clip)) else {
                continue;
            };
            if rect.width() < rows::LEAST_NAMED || named >= rows::MOST_NAMES {
                continue;
            }
            named += 1;
            let id = ui.scope_id().with(("clip", row.track, clip.first));
            let response = ui.interact(rect, id, Sense::hover());
            response.widget_info(|| {
                WidgetInfo::labeled(Role::ListItem, true, words::clip_name(scene, row, clip))
            });
        }
    }
}

/// Paints the tracks' names.
fn paint_heads(ui: &Ui, scene: &Scene<'_>, painter: &egui::Painter) {
    let heads = scene.places.heads;
    let rows = &scene.model.rows;
    let painter = painter.with_clip_rect(heads.intersect(painter.clip_rect()));
    for number in scene.places.rows_seen(rows.len()) {
        let Some(row) = rows.get(number) else {
            continue;
        };
        let lane = scene.places.row(number);
        let head = Rect::from_x_y_ranges(heads.x_range(), lane.y_range()).shrink2(vec2(0.0, 1.0));
        let mut stripe = head;
        stripe.set_width(3.0);
        painter.rect_filled(stripe, 0.0, scene.palette.track(row.kind));
        let galley = names::cut_line(&painter, &row.name, head.width() - 14.0);
        let pos = Align2::LEFT_CENTER
            .anchor_size(head.left_center() + vec2(9.0, 0.0), galley.size())
            .min;
        painter.galley(pos, galley, ui.visuals().text_color());
    }
    if scene.places.overflows(rows.len()) {
        // A shadow where there are more tracks below.
        let line = Rect::from_min_max(heads.left_bottom() - vec2(0.0, 2.0), heads.right_bottom());
        painter.rect_filled(line, 0.0, scene.palette.tick());
    }
}

impl Parts {
    /// Makes them, those on top last.
    fn of(ui: &Ui, places: &Places) -> Self {
        let part = |name: &str, rect: Rect, sense: Sense| {
            ui.interact(rect, ui.scope_id().with(name), sense)
        };
        let mouse = Sense::CLICK | Sense::DRAG;
        Self {
            lanes: part("lanes", places.lanes, mouse),
            ruler: part("ruler", places.ruler, Sense::click_and_drag()),
            // It does nothing, but what is done to it must not reach its neighbours, as egui would have it.
            kept: part("kept", places.kept, mouse),
            blame: part("blame", places.blame, Sense::CLICK),
            along: part("along", places.along, mouse),
        }
    }

    /// Says what they are and what is under the pointer, and does what a click on the blame strip asks for.
    fn answer(
        self,
        ui: &Ui,
        scene: &Scene<'_>,
        laid: &[(usize, Vec<Laid>)],
        extent: Extent,
        events: &mut Vec<UiEvent>,
    ) {
        let place = format::position_words(scene.input.snapshot, scene.head);
        let name = format!("Timeline ruler, of {} frames", extent.frames);
        self.ruler.widget_info(|| {
            let mut info = WidgetInfo::slider(true, scene.head.0 as f64, &name);
            info.current_text_value = Some(place.clone());
            info
        });
        if self.ruler.has_focus() {
            let stroke = ui.visuals().selection.stroke;
            ui.painter()
                .rect_stroke(self.ruler.rect, 3.0, stroke, egui::StrokeKind::Inside);
        }
        let label = |part: &Response, role, words: &str| {
            part.widget_info(|| WidgetInfo::labeled(role, true, words));
        };
        label(&self.lanes, Role::Group, "Tracks");
        label(&self.kept, Role::Label, "Frames that are kept");
        label(&self.blame, Role::Button, "Frames that went wrong");
        self.along.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ScrollBar, true, "Scroll along the timeline");
            info.value = Some(scene.scale.share().start * 100.0);
            info
        });
        tell_box(&self.lanes, scene, laid);
        self.kept.on_hover_ui_at_pointer(|ui| {
            ui.set_max_width(TIP_WIDTH);
            for (color, words) in bars::kept_words(scene) {
                colored_line(ui, color, &words);
            }
        });
        tell_blame(self.blame, scene, extent, events);
    }
}

/// Says what box is under the pointer.
fn tell_box(lanes: &Response, scene: &Scene<'_>, laid: &[(usize, Vec<Laid>)]) {
    let Some(pos) = lanes.hover_pos() else { return };
    let x = f64::from(pos.x - scene.places.lanes.left());
    let rows = &scene.model.rows;
    let number = scene.places.row_at(pos, rows.len());
    let found = number.and_then(|number| {
        let (_, boxes) = laid.iter().find(|(of, _)| *of == number)?;
        Some((rows.get(number)?, boxes::at(boxes, x)?))
    });
    let Some((row, found)) = found else { return };
    lanes.clone().on_hover_ui_at_pointer(|ui| {
        ui.set_max_width(TIP_WIDTH);
        let (heading, lines) = words::box_words(scene, row, found);
        ui.label(RichText::new(heading).strong());
        for line in lines {
            ui.label(line);
        }
    });
}

/// Says what went wrong under the pointer; a click goes to the worst of it.
fn tell_blame(blame: Response, scene: &Scene<'_>, extent: Extent, events: &mut Vec<UiEvent>) {
    let pos = blame.interact_pointer_pos().or(blame.hover_pos());
    // Who presses it without a pointer means all that is seen.
    let span = match pos {
        Some(pos) => bars::blame_at(scene, f64::from(pos.x - scene.places.lanes.left())),
        None if blame.clicked() => bars::worst_seen(scene),
        None => None,
    };
    let Some(span) = span else { return };
    if blame.clicked() {
        hand::go_to(span.worst_frame, extent, events);
    }
    let color = match span.bad() {
        0 => scene.palette.smooth(),
        _ => scene.palette.cause(span.cause),
    };
    blame
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_ui_at_pointer(|ui| {
            ui.set_max_width(TIP_WIDTH);
            for line in bars::blame_words(scene, &span) {
                colored_line(ui, color, &line);
            }
        });
}

fn colored_line(ui: &mut Ui, color: Color32, words: &str) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
        ui.painter().rect_filled(rect, 2.0, color);
        ui.label(words);
    });
}

#[cfg(test)]
pub(super) mod tests;
