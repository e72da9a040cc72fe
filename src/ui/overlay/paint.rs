//! One pass of painting, from the picture's ground to what lies on top.

use egui::Rect;

use super::{Overlay, UiInput};
use crate::ui::bar_layout::BarLayout;
use crate::ui::canvas::Canvas;
use crate::ui::osd::Osd;
use crate::ui::pointer::{Button, Zone};
use crate::ui::timeline_view::Facts;
use crate::ui::{
    badges, bar, bar_layout, compare, inspector, menu, meters, placeholder, scrub, top, waveform,
};

impl Overlay {
    /// Paints everything over `window`, the viewer's part of the screen.
    pub(super) fn paint(&mut self, ui: &mut egui::Ui, window: Rect, input: &UiInput<'_>) {
        let visible = self.is_chrome_visible(input);
        let shown = self.shown_frame(input);
        let tip = self.tip(input.now);
        self.timeline.update(input.snapshot);
        self.zones.clear();
        let mut canvas = Canvas {
            painter: ui.painter().with_clip_rect(window),
            zones: &mut self.zones,
            hovered: self.hover_since.map(|(zone, _)| zone),
            held: self.pointer.held,
        };
        let canvas = &mut canvas;
        let mut between = window;
        if visible {
            between.min.y = (window.top() + top::HEIGHT).min(window.bottom());
            between.max.y = (window.bottom() - bar_layout::HEIGHT).max(between.min.y);
        }
        // With panels the picture keeps out of the way of bar and title.
        let room = if self.workspace.has_panels() {
            between
        } else {
            window
        };
        canvas.zones.place(Zone::Picture, room);
        self.lens.look_through(room, ui.pixels_per_point());
        let picture = self.lens.picture(input);
        if let Some(picture) = picture {
            self.guides.paint(canvas, room, picture);
        }
        if !placeholder::paint(canvas, between, input) {
            waveform::paint_large(canvas, between, input, shown);
        }
        compare::paint(canvas, picture, between, visible, input);
        if let Some(panel) = &mut self.performance {
            panel.update(input, self.timeline.facts.as_ref());
            panel.paint(canvas, between, input);
        }
        if visible {
            let percent = self.lens.percent(input);
            top::paint(canvas, window, input, self.timeline.facts.as_ref(), percent);
            let menu_open = self.menu_scroll.is_some();
            let on_lane = (&mut self.timeline, &mut self.behind);
            let meters = &mut self.meters;
            let layout = bar::paint(canvas, window, input, shown, menu_open, on_lane, meters);
            self.layout = Some(layout);
        } else {
            self.layout = None;
        }
        self.toasts
            .paint(canvas, window, between.top(), between.bottom(), input.now);
        if let Some(words) = self.osd.words(input.snapshot, visible, input.now) {
            Osd::paint(canvas, window, between.bottom(), &words);
        }
        if let Some(layout) = &self.layout {
            let over_lane = canvas.hovered == Some(Zone::Scrub);
            if let Some(pos) = self.pointer.pos.filter(|_| over_lane) {
                let (lane, sprites) = (layout.scrub, &mut self.sprites);
                scrub::paint_hover(
                    canvas,
                    lane,
                    input,
                    pos,
                    &self.timeline,
                    between.top(),
                    sprites,
                );
            }
            let place =
                |wanted: Button| layout.buttons.iter().find(|(button, _)| *button == wanted);
            if let (Some(scroll), Some((_, button))) = (self.menu_scroll, place(Button::Audio)) {
                self.menu_farthest = menu::paint(canvas, window, *button, input, scroll);
            }
        }
        let (layout, facts) = (self.layout.as_ref(), self.timeline.facts.as_ref());
        paint_tips(canvas, window, input, (tip, layout, facts));
        if let (true, Some(pixel), Some(pos)) = (self.inspects, input.pixel, self.pointer.pos) {
            inspector::paint(canvas, room, pos, pixel);
        }
        if let Some(prompt) = &mut self.prompt {
            prompt.paint(canvas, ui, window);
        }
        if let Some(help) = &mut self.help {
            help.paint(canvas, window);
        }
        self.zones.clip(window);
    }
}

/// Paints what is told of the control or badge under the pointer.
fn paint_tips(
    canvas: &mut Canvas<'_>,
    window: Rect,
    input: &UiInput<'_>,
    (tip, layout, facts): (Option<Button>, Option<&BarLayout>, Option<&Facts>),
) {
    if let (Some(button), Some(layout)) = (tip, layout)
        && let Some((_, rect)) = layout.buttons.iter().find(|(placed, _)| *placed == button)
    {
        bar::paint_tip(canvas, button, *rect, input);
    }
    if let (Some(Zone::Meters), Some(layout)) = (canvas.hovered, layout)
        && let Some(rect) = layout.meters
    {
        meters::paint_tip(canvas, rect, input);
    }
    if let Some(Zone::Badge(subject)) = canvas.hovered {
        let top = window.top() + top::HEIGHT + 4.0;
        badges::paint_tip(canvas, (window, top), subject, input, facts);
    }
}
