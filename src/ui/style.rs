//! How the interface looks: neutral grays, so that nothing tints the judgement of a picture, one warm
//! accent for what moves, and readable sizes.

use egui::{Color32, CornerRadius, FontId, Stroke, Visuals};

use crate::config::Theme;

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

/// Heights of controls in panels, and the space between them, in points. With it the smallest of them have
/// the 24 points that a hand needs (WCAG 2.2, 2.5.8).
const CONTROL_HEIGHT: f32 = 22.0;
pub(super) const SMALL_CONTROL: f32 = 20.0;
pub(super) const CONTROL_GAP: f32 = 4.0;
/// Height of a line of words.
pub(super) const LINE_HEIGHT: f32 = 18.0;

/// Sets egui up for the overlay: visuals of the text field, and no habits of desktop programs that
/// would take keys away from the player.
pub(super) fn apply(ctx: &egui::Context) {
    let mut fonts = egui::FontDefinitions::default();
    // The proportional font has no arrows; the monospaced one has.
    if let Some(faces) = fonts.families.get_mut(&egui::FontFamily::Proportional) {
        faces.push("Hack".to_owned());
    }
    ctx.set_fonts(fonts);
    for (theme, base) in [
        (egui::Theme::Dark, Visuals::dark()),
        (egui::Theme::Light, Visuals::light()),
    ] {
        let visuals = visuals(base);
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals;
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
            style.interaction.tooltip_delay = 0.4;
            style.spacing.interact_size.y = CONTROL_HEIGHT;
            style.spacing.item_spacing.y = CONTROL_GAP;
            // Bars lie beside what they scroll, not over it.
            style.spacing.scroll.floating_allocated_width = 8.0;
        });
    }
    set_theme(ctx, Theme::Dark);
    ctx.options_mut(|options| {
        // Ctrl with plus and minus moves the sound.
        options.zoom_with_keyboard = false;
        options.quit_shortcuts.clear();
        // A button that is held long is pressed all the same, as by other programs; and on a busy machine a short
        // press may look long.
        options.input_options.max_click_duration = 60.0;
    });
}

/// A colour of panels, which follow the theme; what is painted over the picture does not.
fn by_theme(ui: &egui::Ui, dark: Color32, light: Color32) -> Color32 {
    if ui.visuals().dark_mode { dark } else { light }
}

/// The ground of docked panels.
pub(super) fn surface(ui: &egui::Ui) -> Color32 {
    surface_of(ui.visuals())
}

/// The same for visuals that are at hand.
pub(super) fn surface_of(visuals: &Visuals) -> Color32 {
    visuals.window_fill
}

/// The ground of what stands out of a panel.
pub(super) fn raised(ui: &egui::Ui) -> Color32 {
    by_theme(ui, Color32::from_gray(36), Color32::from_gray(228))
}

/// Text that explains: 4.5 to 1 or more against the ground of panels (WCAG 2.2, 1.4.3).
pub(super) fn weak(ui: &egui::Ui) -> Color32 {
    by_theme(ui, Color32::from_gray(160), Color32::from_gray(88))
}

/// The empty part of bars.
pub(super) fn lane(ui: &egui::Ui) -> Color32 {
    by_theme(ui, Color32::from_gray(52), Color32::from_gray(206))
}

/// The full part.
pub(super) fn fill(ui: &egui::Ui) -> Color32 {
    by_theme(
        ui,
        Color32::from_rgb(96, 140, 180),
        Color32::from_rgb(52, 104, 150),
    )
}

/// What was chosen.
pub(super) fn accent(ui: &egui::Ui) -> Color32 {
    by_theme(ui, ACCENT, Color32::from_rgb(150, 84, 0))
}

/// Good.
pub(super) fn good(ui: &egui::Ui) -> Color32 {
    by_theme(ui, GOOD, Color32::from_rgb(32, 112, 32))
}

/// Not as asked.
pub(super) fn warn(ui: &egui::Ui) -> Color32 {
    by_theme(ui, WARN, Color32::from_rgb(128, 88, 0))
}

/// Failed.
pub(super) fn bad(ui: &egui::Ui) -> Color32 {
    by_theme(
        ui,
        Color32::from_rgb(236, 118, 110),
        Color32::from_rgb(176, 32, 24),
    )
}

/// Roomy rows for the menu.
pub(super) fn menu(style: &mut egui::Style) {
    egui::containers::menu::menu_style(style);
    style.spacing.button_padding = egui::vec2(8.0, 4.0);
}

/// Colours panels and menus.
pub(super) fn set_theme(ctx: &egui::Context, theme: Theme) {
    ctx.set_theme(match theme {
        Theme::Dark => egui::ThemePreference::Dark,
        Theme::Light => egui::ThemePreference::Light,
        Theme::System => egui::ThemePreference::System,
    });
}

fn visuals(mut visuals: Visuals) -> Visuals {
    let is_dark = visuals.dark_mode;
    let gray = |dark, light| Color32::from_gray(if is_dark { dark } else { light });
    visuals.override_text_color = Some(gray(222, 24));
    visuals.panel_fill = Color32::TRANSPARENT;
    visuals.window_fill = gray(26, 240);
    visuals.extreme_bg_color = gray(14, 255);
    visuals.faint_bg_color = gray(32, 232);
    visuals.selection.bg_fill = if is_dark {
        Color32::from_rgb(92, 66, 32)
    } else {
        Color32::from_rgb(244, 206, 150)
    };
    visuals.selection.stroke = Stroke::new(
        1.0,
        if is_dark {
            ACCENT
        } else {
            Color32::from_rgb(150, 84, 0)
        },
    );
    visuals.widgets.inactive.bg_stroke = Stroke::new(1.0, gray(52, 190));
    visuals.widgets.hovered.bg_stroke = Stroke::new(1.0, gray(150, 96));
    visuals.text_cursor.stroke = Stroke::new(2.0, visuals.selection.stroke.color);
    visuals
}

/// How well one opaque colour is told from another, from 1 to 21: WCAG 2.2, "contrast ratio".
#[cfg(test)]
pub(super) fn contrast(a: Color32, b: Color32) -> f32 {
    let luminance = |color: Color32| {
        let linear = |part: u8| match f32::from(part) / 255.0 {
            low if low <= 0.040_45 => low / 12.92,
            part => ((part + 0.055) / 1.055).powf(2.4),
        };
        let [red, green, blue, _] = color.to_array();
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    };
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_legible_in_both_themes_and_over_the_picture() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        for theme in [Theme::Dark, Theme::Light] {
            let ctx = egui::Context::default();
            apply(&ctx);
            set_theme(&ctx, theme);
            let mut pass = ctx.run_ui(egui::RawInput::default(), |ui| {
                let inks = [weak(ui), accent(ui), good(ui), warn(ui), bad(ui)];
                for ink in inks.into_iter().chain([ui.visuals().text_color()]) {
                    for ground in [surface(ui), raised(ui)] {
                        let ratio = contrast(ink, ground);
                        assert!(ratio >= 4.5, "{theme:?}, {ink:?} on {ground:?}: {ratio}");
                    }
                }
                let ratio = contrast(fill(ui), lane(ui));
                assert!(ratio >= 3.0, "{theme:?}, full and empty parts: {ratio}");
            });
            pass.textures_delta.clear();
        }
        for ink in [TEXT, WEAK, ACCENT, MARK, GOOD, WARN, BAD] {
            let ratio = contrast(ink, SOLID);
            assert!(ratio >= 4.5, "{ink:?}: {ratio}");
        }
    }

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
