//! How large the interface is.

use egui::{Event, RawInput, Rect};

/// The interface shrinks, down to one pixel a point, where the window has less room than this.
const SMALLEST_WINDOW: egui::Vec2 = egui::vec2(640.0, 360.0);

/// How large the interface is where there is room, against what the display asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Magnified(f32);

impl Magnified {
    pub(super) fn by_percent(percent: u32) -> Self {
        Self(percent.clamp(50, 300) as f32 / 100.0)
    }
}

impl Default for Magnified {
    fn default() -> Self {
        Self(1.0)
    }
}

/// Chooses egui's zoom so that a small window on a dense display still has room for everything, and
/// puts `raw` into the new points. `wanted` is the zoom where there is room.
///
/// [`egui::Context::set_zoom_factor`] would take the size of the window from the pass before, which
/// is wrong in the first pass and while the window is being resized.
pub(super) fn fit(ctx: &egui::Context, raw: &mut RawInput, wanted: Magnified) {
    let native = raw
        .viewport()
        .native_pixels_per_point
        .unwrap_or(1.0)
        .max(0.1);
    let Some(rect) = raw.screen_rect else { return };
    let old = ctx.zoom_factor();
    let fit = (rect.size() * old / SMALLEST_WINDOW).min_elem();
    // Steps of a twentieth, so that a window being resized does not rebuild its fonts all the time.
    let stepped = (fit * 20.0).floor() / 20.0;
    let zoom = stepped.max((1.0 / native).min(1.0)).min(wanted.0);
    if (zoom - old).abs() < 1e-3 {
        return;
    }
    ctx.options_mut(|options| options.zoom_factor = zoom);
    let ratio = old / zoom;
    let scaled = |pos: egui::Pos2| (pos.to_vec2() * ratio).to_pos2();
    raw.screen_rect = Some(Rect::from_min_max(scaled(rect.min), scaled(rect.max)));
    for event in &mut raw.events {
        if let Event::PointerMoved(pos) | Event::PointerButton { pos, .. } = event {
            *pos = scaled(*pos);
        }
    }
}
