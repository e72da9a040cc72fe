//! How the interface looks: neutral grays, so that nothing tints the judgement of a picture, one warm
//! accent for what moves, and readable sizes.

use egui::{Color32, CornerRadius, FontId, Stroke, Visuals};

/// Text that is read.
pub(super) const TEXT: Color32 = Color32::from_gray(222);
/// Text that explains.
pub(super) const WEAK: Color32 = Color32::from_gray(150);
/// Text and icons that cannot be used now.
pub(super) const FAINT: Color32 = Color32::from_gray(88);
/// Bars and panels over the picture.
pub(super) const PANEL: Color32 = Color32::from_rgba_premultiplied(19, 19, 19, 244);
/// Panels that must hide what is behind.
pub(super) const SOLID: Color32 = Color32::from_gray(24);
/// What is behind everything where there is no picture.
pub(super) const BACKDROP: Color32 = Color32::from_gray(13);
/// The line around panels.
pub(super) const EDGE: Color32 = Color32::from_gray(52);
/// A control under the pointer.
pub(super) const HOVER: Color32 = Color32::from_gray(46);
/// A control that is held or switched on.
pub(super) const PRESSED: Color32 = Color32::from_gray(62);
/// The empty part of lanes, sliders and gauges.
pub(super) const LANE: Color32 = Color32::from_gray(44);
/// The full part.
pub(super) const FILL: Color32 = Color32::from_gray(116);
/// What moves, and what was chosen.
pub(super) const ACCENT: Color32 = Color32::from_rgb(232, 155, 60);
/// The marked range.
pub(super) const MARK: Color32 = Color32::from_rgb(106, 160, 205);
/// Good.
pub(super) const GOOD: Color32 = Color32::from_rgb(118, 184, 108);
/// Not as asked.
pub(super) const WARN: Color32 = Color32::from_rgb(226, 186, 76);
/// Failed.
pub(super) const BAD: Color32 = Color32::from_rgb(222, 96, 88);

/// Corners of panels and buttons, in points.
pub(super) const ROUND: CornerRadius = CornerRadius::same(4);

/// Plain text.
pub(super) const BODY: FontId = FontId::proportional(13.0);
/// Captions and tables.
pub(super) const SMALL: FontId = FontId::proportional(11.5);
/// Headings of panels.
pub(super) const HEADING: FontId = FontId::proportional(15.0);
/// Numbers in tables.
pub(super) const NUMBERS: FontId = FontId::monospace(11.5);
/// The timecode.
pub(super) const TIMECODE: FontId = FontId::monospace(18.0);

/// Sets egui up for the overlay: visuals of the text field, and no habits of desktop programs that
/// would take keys away from the player.
pub(super) fn apply(ctx: &egui::Context) {
    let mut fonts = egui::FontDefinitions::default();
    // The proportional font has no arrows; the monospaced one has.
    if let Some(faces) = fonts.families.get_mut(&egui::FontFamily::Proportional) {
        faces.push("Hack".to_owned());
    }
    ctx.set_fonts(fonts);
    ctx.set_theme(egui::Theme::Dark);
    let mut visuals = Visuals::dark();
    visuals.override_text_color = Some(TEXT);
    visuals.panel_fill = Color32::TRANSPARENT;
    visuals.extreme_bg_color = Color32::from_gray(14);
    visuals.selection.bg_fill = Color32::from_rgb(92, 66, 32);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.widgets.inactive.bg_stroke = Stroke::new(1.0, EDGE);
    visuals.widgets.hovered.bg_stroke = Stroke::new(1.0, WEAK);
    visuals.text_cursor.stroke = Stroke::new(2.0, ACCENT);
    ctx.all_styles_mut(|style| {
        style.visuals = visuals.clone();
        style.animation_time = 0.0;
    });
    ctx.options_mut(|options| {
        // Ctrl with plus and minus moves the sound.
        options.zoom_with_keyboard = false;
        options.quit_shortcuts.clear();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badges_and_messages_have_all_their_letters() {
        let ctx = egui::Context::default();
        apply(&ctx);
        let mut pass = ctx.run_ui(egui::RawInput::default(), |ui| {
            for font in [BODY, NUMBERS] {
                let has =
                    ui.fonts_mut(|fonts| fonts.has_glyphs(&font, "HDR PQ → SDR × … – — ° µ é ß"));
                assert!(has, "{font:?}");
            }
        });
        pass.textures_delta.clear();
    }
}
