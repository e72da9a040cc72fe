//! Pictures as drawn: placement, checkerboard, view settings, target formats, overlay.

use crate::gpu::test_support::{frame_of, gray_frame, noise_frame, rgb, shared, size};
use crate::gpu::{
    ConvertChoice, GpuContext, OffscreenTarget, Overlay, OverlayPainter, Rect, RgbaPicture, Viewer,
    fit,
};
use crate::media::{
    ColorInfo, ColorRange, Orientation, PixelFormat, Size, VideoFrame, ViewChannel, ViewSettings,
};

/// Full-range RGB, so that codes are what is seen.
const FULL_RANGE: ColorInfo = ColorInfo {
    range: ColorRange::Full,
    ..ColorInfo::BT709_LIMITED
};

fn solid(code: [u32; 4], window: Size) -> VideoFrame {
    let [r, g, b, a] = code;
    frame_of(rgb(8, true), window, FULL_RANGE, 0, |plane, _, _| {
        [g, b, r, a][plane]
    })
}

struct Scene {
    target: OffscreenTarget,
    viewer: Viewer,
}

impl Scene {
    fn new(ctx: &GpuContext, window: Size) -> Self {
        Self::with(ctx, window, OffscreenTarget::FORMAT, ConvertChoice::Gpu)
    }

    fn with(
        ctx: &GpuContext,
        window: Size,
        format: wgpu::TextureFormat,
        choice: ConvertChoice,
    ) -> Self {
        Self {
            target: OffscreenTarget::with_format(ctx, window, format).unwrap(),
            viewer: Viewer::new(ctx, choice, format).unwrap(),
        }
    }

    fn drawn(
        &mut self,
        ctx: &GpuContext,
        frame: &VideoFrame,
        viewport: Rect,
        settings: &ViewSettings,
    ) -> RgbaPicture {
        self.viewer
            .show(ctx, frame, Orientation::UPRIGHT, viewport.size, 0)
            .unwrap();
        self.redrawn(ctx, viewport, settings)
    }

    fn redrawn(
        &mut self,
        ctx: &GpuContext,
        viewport: Rect,
        settings: &ViewSettings,
    ) -> RgbaPicture {
        self.viewer
            .render(ctx, self.target.view(), viewport, settings, None, None)
            .unwrap();
        self.target.read_back(ctx).unwrap()
    }
}

fn whole(window: Size) -> Rect {
    Rect {
        x: 0,
        y: 0,
        size: window,
    }
}

fn shows(code: [u32; 4], settings: ViewSettings) -> [u8; 4] {
    let (ctx, window) = (shared(), size(8, 8));
    let mut scene = Scene::new(&ctx, window);
    let drawn = scene.drawn(&ctx, &solid(code, window), whole(window), &settings);
    let first = drawn.pixel(0, 0).unwrap();
    assert!(
        drawn
            .rgba
            .as_chunks::<4>()
            .0
            .iter()
            .all(|&pixel| pixel == first)
    );
    first
}

#[test]
fn the_picture_reaches_every_target_format_unchanged() {
    use wgpu::TextureFormat::{Bgra8Unorm, Bgra8UnormSrgb, Rgba8Unorm, Rgba8UnormSrgb};
    let (ctx, window) = (shared(), size(40, 24));
    let frame = noise_frame(PixelFormat::YUV420P8, window, ColorInfo::BT709_LIMITED, 9);
    for format in [Bgra8Unorm, Rgba8Unorm, Bgra8UnormSrgb, Rgba8UnormSrgb] {
        for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
            let mut scene = Scene::with(&ctx, window, format, choice);
            let drawn = scene.drawn(&ctx, &frame, whole(window), &ViewSettings::default());
            assert_eq!(
                drawn,
                scene.viewer.read_back(&ctx).unwrap(),
                "{format:?} {choice:?}"
            );
        }
    }
}

#[test]
fn bars_are_black_and_the_picture_lies_between() {
    let (ctx, window) = (shared(), size(60, 30));
    let frame = gray_frame(PixelFormat::YUV420P8, 20, 20);
    let rect = fit(frame.size, window);
    assert_eq!((rect.x, rect.size), (15, size(30, 30)));
    // Pictures that the CPU made are copied into the target where that is cheaper, others drawn.
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let mut scene = Scene::with(&ctx, window, OffscreenTarget::FORMAT, choice);
        let drawn = scene.drawn(&ctx, &frame, rect, &ViewSettings::default());
        for x in 0..60 {
            let level = if (15..45).contains(&x) { 130 } else { 0 };
            let expected = Some([level, level, level, 255]);
            assert_eq!(drawn.pixel(x, 17), expected, "column {x}, {choice:?}");
        }
    }
}

#[test]
fn an_old_picture_is_stretched_over_a_new_window() {
    let (ctx, window) = (shared(), size(40, 40));
    let mut scene = Scene::new(&ctx, window);
    let frame = gray_frame(PixelFormat::YUV420P8, 20, 20);
    scene.drawn(
        &ctx,
        &frame,
        Rect {
            x: 0,
            y: 0,
            size: frame.size,
        },
        &ViewSettings::default(),
    );
    let stretched = scene.redrawn(&ctx, whole(window), &ViewSettings::default());
    assert!(
        stretched
            .rgba
            .as_chunks::<4>()
            .0
            .iter()
            .all(|&p| p == [130, 130, 130, 255])
    );
}

#[test]
fn nothing_shown_draws_black() {
    let (ctx, window) = (shared(), size(8, 8));
    let mut scene = Scene::new(&ctx, window);
    let drawn = scene.redrawn(&ctx, whole(window), &ViewSettings::default());
    assert!(
        drawn
            .rgba
            .as_chunks::<4>()
            .0
            .iter()
            .all(|&p| p == [0, 0, 0, 255])
    );
}

#[test]
fn transparency_shows_a_checkerboard() {
    let (ctx, window) = (shared(), size(48, 48));
    let mut scene = Scene::new(&ctx, window);
    let settings = ViewSettings::default();
    let clear = scene.drawn(
        &ctx,
        &solid([255, 0, 0, 0], window),
        whole(window),
        &settings,
    );
    for (x, y, level) in [
        (0, 0, 153),
        (16, 0, 102),
        (0, 16, 102),
        (16, 16, 153),
        (15, 15, 153),
    ] {
        assert_eq!(
            clear.pixel(x, y),
            Some([level, level, level, 255]),
            "{x},{y}"
        );
    }
    let half = scene.drawn(
        &ctx,
        &solid([255, 0, 0, 51], window),
        whole(window),
        &settings,
    );
    // A fifth of the picture, four fifths of the board.
    assert_eq!(half.pixel(0, 0), Some([173, 122, 122, 255]));
    let full = scene.drawn(
        &ctx,
        &solid([255, 0, 0, 255], window),
        whole(window),
        &settings,
    );
    assert_eq!(full.pixel(0, 0), Some([255, 0, 0, 255]));
}

#[test]
fn exposure_multiplies_light() {
    let stops = |exposure_stops| ViewSettings {
        exposure_stops,
        ..ViewSettings::default()
    };
    // sRGB code 128 is 0.2159 of white's light; twice that is code 176, a quarter 66.
    for (exposure, expected) in [(1.0, 176_u8), (-2.0, 66), (5.0, 255)] {
        let [r, _, _, _] = shows([128, 64, 32, 255], stops(exposure));
        assert!(r.abs_diff(expected) <= 1, "{exposure} stops: {r}");
    }
}

#[test]
fn gamma_bends_the_signal() {
    let settings = ViewSettings {
        gamma: 2.0,
        ..ViewSettings::default()
    };
    let [r, g, _, _] = shows([64, 255, 0, 255], settings);
    // The square root of 64/255 is 0.501.
    assert!(r.abs_diff(128) <= 1 && g == 255, "{r} {g}");
}

#[test]
fn channels_are_shown_as_gray() {
    let channel = |channel| ViewSettings {
        channel,
        ..ViewSettings::default()
    };
    let code = [200, 100, 50, 30];
    for (view, level) in [
        (ViewChannel::Red, 200_u8),
        (ViewChannel::Green, 100),
        (ViewChannel::Blue, 50),
        (ViewChannel::Alpha, 30),
        // 0.2126 * 0.5776 + 0.7152 * 0.1274 + 0.0722 * 0.0319 of light is code 127.
        (ViewChannel::Luma, 127),
    ] {
        let [r, g, b, a] = shows(code, channel(view));
        assert!(r == g && g == b && a == 255, "{view:?}");
        assert!(r.abs_diff(level) <= 1, "{view:?}: {r}, not {level}");
    }
}

#[test]
fn the_overlay_lies_over_the_picture() {
    let (ctx, window) = (shared(), size(64, 64));
    let frame = gray_frame(PixelFormat::YUV420P8, 64, 64);
    for choice in [ConvertChoice::Gpu, ConvertChoice::Cpu] {
        let mut scene = Scene::with(&ctx, window, OffscreenTarget::FORMAT, choice);
        scene
            .viewer
            .show(&ctx, &frame, Orientation::UPRIGHT, window, 0)
            .unwrap();
        let egui = egui::Context::default();
        let output = a_square(&egui);
        let primitives = egui.tessellate(output.shapes, 1.0);
        let mut painter = OverlayPainter::new(&ctx, OffscreenTarget::FORMAT).unwrap();
        let overlay = Overlay {
            painter: &mut painter,
            primitives: &primitives,
            edition: 1,
            textures: output.textures_delta,
            window,
            pixels_per_point: 1.0,
        };
        let view = scene.target.view();
        let settings = ViewSettings::default();
        scene
            .viewer
            .render(&ctx, view, whole(window), &settings, Some(overlay), None)
            .unwrap();
        let drawn = scene.target.read_back(&ctx).unwrap();
        assert_eq!(drawn.pixel(32, 32), Some([10, 200, 30, 255]), "{choice:?}");
        assert_eq!(drawn.pixel(4, 4), Some([130, 130, 130, 255]), "{choice:?}");
    }
}

/// An interface of one opaque square in the middle of a window of 64 x 64.
fn a_square(egui: &egui::Context) -> egui::FullOutput {
    an_interface(egui, 64.0, |painter| {
        let square = egui::Rect::from_min_size(egui::pos2(16.0, 16.0), egui::vec2(32.0, 32.0));
        painter.rect_filled(square, 0.0, egui::Color32::from_rgb(10, 200, 30));
    })
}

/// An interface in a square window.
fn an_interface(
    egui: &egui::Context,
    side: f32,
    paint: impl FnMut(&egui::Painter),
) -> egui::FullOutput {
    let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(side, side));
    let input = egui::RawInput {
        screen_rect: Some(screen),
        ..Default::default()
    };
    let mut paint = paint;
    egui.run_ui(input, |ui| paint(ui.painter()))
}

/// An interface that changes in places looks as if it had been drawn at once, at every step: nothing
/// stays where it was, and what is translucent is blended once.
#[test]
fn an_overlay_that_changes_looks_as_if_drawn_anew() {
    let (ctx, window) = (shared(), size(256, 256));
    let frame = gray_frame(PixelFormat::YUV420P8, 256, 256);
    let settings = ViewSettings::default();
    for format in [OffscreenTarget::FORMAT, wgpu::TextureFormat::Rgba8UnormSrgb] {
        let mut scene = Scene::with(&ctx, window, format, ConvertChoice::Cpu);
        let viewer = &mut scene.viewer;
        viewer
            .show(&ctx, &frame, Orientation::UPRIGHT, window, 0)
            .unwrap();
        let egui = egui::Context::default();
        let mut painter = OverlayPainter::new(&ctx, format).unwrap();
        for step in 0..6_u16 {
            let at = f32::from(step) * 37.0;
            let output = an_interface(&egui, 256.0, |painter| {
                let rect =
                    |x, y, w, h| egui::Rect::from_min_size(egui::pos2(x, y), egui::vec2(w, h));
                let veil = egui::Color32::from_rgba_unmultiplied(20, 40, 60, 128);
                painter.rect_filled(rect(0.0, 200.0, 256.0, 40.0), 6.0, veil);
                // Something is gone in the end.
                if step < 4 {
                    painter.rect_filled(rect(8.0, 8.0, 50.0, 20.0), 0.0, egui::Color32::RED);
                }
                painter.rect_filled(rect(at, 210.0, 9.0, 9.0), 2.0, egui::Color32::WHITE);
                painter.text(
                    egui::pos2(128.0, 100.0),
                    egui::Align2::CENTER_CENTER,
                    format!("{step}:0{step}"),
                    egui::FontId::proportional(24.0),
                    egui::Color32::WHITE,
                );
            });
            let primitives = egui.tessellate(output.shapes, 1.0);
            let mut draw = |painter: &mut OverlayPainter, edition, textures| {
                let overlay = Overlay {
                    painter,
                    primitives: &primitives,
                    edition,
                    textures,
                    window,
                    pixels_per_point: 1.0,
                };
                let view = scene.target.view();
                scene
                    .viewer
                    .render(&ctx, view, whole(window), &settings, Some(overlay), None)
                    .unwrap();
                scene.target.read_back(&ctx).unwrap()
            };
            let kept = draw(&mut painter, u64::from(step), output.textures_delta);
            // The same once more, from what is kept alone.
            let again = draw(
                &mut painter,
                u64::from(step),
                egui::TexturesDelta::default(),
            );
            assert!(kept.rgba == again.rgba, "{format:?} step {step}: again");
            // egui knows that it sent its font; the fresh painter gets all of it.
            let mut fresh = OverlayPainter::new(&ctx, format).unwrap();
            let anew = draw(&mut fresh, 99, all_textures(&egui));
            let off = kept
                .rgba
                .iter()
                .zip(&anew.rgba)
                .map(|(a, b)| a.abs_diff(*b));
            assert!(off.max() <= Some(1), "{format:?} step {step}");
        }
    }
}

/// The font's picture as a whole.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone is not general enough over lifetimes"
)]
fn all_textures(egui: &egui::Context) -> egui::TexturesDelta {
    let image = egui.fonts(|fonts| fonts.image());
    let options = egui::epaint::textures::TextureOptions::LINEAR;
    let mut textures = egui::TexturesDelta::default();
    let delta = egui::epaint::ImageDelta::full(image, options);
    textures
        .set
        .entry(egui::TextureId::default())
        .or_default()
        .push(delta);
    textures
}
