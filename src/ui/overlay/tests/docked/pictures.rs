//! Panels as they look: small pictures, compared with those in `tests/snapshots`.
//!
//! With `JOGWHEEL_UPDATE_SNAPSHOTS` set they are written instead; look at them before you commit them.

use std::fs::File;
use std::io::BufReader;

use egui::{Pos2, RawInput, Rect, TexturesDelta};

use super::*;
use crate::config::{Theme, WindowSettings};
use crate::gpu::{
    ConvertChoice, GpuContext, GpuOptions, OffscreenTarget, Overlay as Layer, OverlayPainter,
    Viewer,
};
use crate::media::{Size, ViewSettings};
use crate::metrics::FrameLog;
use crate::ui::ProfileInput;

/// Pixels of the window for one of the picture that is kept: what rasterizers do differently at the edges of
/// letters disappears in the mean.
const REDUCTION: usize = 2;
/// A channel of a pixel may be off by so much,
const TOLERANCE: u8 = 40;
/// and so many pixels by more, in each part of this size: a word that changed is found, wherever it is.
const MOST_OFF: usize = 30;
const PART: (usize, usize) = (40, 20);
/// Passes until everything that moves into place has done so.
const PASSES: i64 = 8;

/// A window, and what is open in it.
struct Scene {
    /// In points, which are pixels here.
    size: [u16; 2],
    open: Vec<Panel>,
    theme: Theme,
    bench: Bench,
    profile: Option<crate::metrics::ProfileLog>,
}

impl Scene {
    fn of(open: &[Panel]) -> Self {
        Self {
            size: [1_100, 720],
            open: open.to_vec(),
            theme: Theme::Dark,
            bench: Bench::new(),
            profile: None,
        }
    }

    /// What the window shows once it has come to rest.
    fn paint(mut self) -> (Size, Vec<u8>) {
        let ctx = egui::Context::default();
        let settings = WindowSettings {
            theme: self.theme,
            ..WindowSettings::default()
        };
        self.bench.overlay.set_window(&ctx, settings);
        for panel in &self.open {
            self.bench.overlay.open(*panel);
        }
        let records = FrameLog::new(600);
        let mut textures = TexturesDelta::default();
        let mut shapes = Vec::new();
        for pass in 0..PASSES {
            self.bench.now = Moment::ZERO.offset_nanos(pass * 100_000_000);
            let raw = RawInput {
                screen_rect: Some(Rect::from_min_size(
                    Pos2::ZERO,
                    self.size.map(f32::from).into(),
                )),
                ..RawInput::default()
            };
            let profile = self.profile.as_ref().map(|log| ProfileInput {
                log,
                records: &records,
                is_paused: true,
            });
            let mut overlay = std::mem::take(&mut self.bench.overlay);
            let input = UiInput {
                profile,
                ..self.bench.input()
            };
            let output = overlay.run(&ctx, raw, &input);
            let mut egui = output.egui;
            shapes = std::mem::take(&mut egui.shapes);
            textures.append(std::mem::take(&mut egui.textures_delta));
            self.bench.overlay = overlay;
        }
        let device = GpuContext::headless(&GpuOptions::from_env(None)).unwrap();
        let [width, height] = self.size.map(u32::from);
        let window = Size::new(width, height).unwrap();
        let target = OffscreenTarget::new(&device, window).unwrap();
        let mut viewer = Viewer::new(&device, ConvertChoice::Cpu, OffscreenTarget::FORMAT).unwrap();
        let mut painter = OverlayPainter::new(&device, OffscreenTarget::FORMAT).unwrap();
        let primitives = ctx.tessellate(shapes, 1.0);
        let layer = Layer {
            painter: &mut painter,
            primitives: &primitives,
            edition: 1,
            textures,
            window,
            pixels_per_point: 1.0,
        };
        let place = crate::gpu::fit(window, window);
        let look = ViewSettings::default();
        viewer
            .render(&device, target.view(), place, &look, Some(layer), None)
            .unwrap();
        reduced(&target.read_back(&device).unwrap())
    }
}

/// A picture of means, three bytes a pixel.
fn reduced(picture: &crate::gpu::RgbaPicture) -> (Size, Vec<u8>) {
    let (width, height) = (
        picture.size.width() as usize,
        picture.size.height() as usize,
    );
    let (columns, rows) = (width / REDUCTION, height / REDUCTION);
    let mut rgb = Vec::with_capacity(columns * rows * 3);
    for row in 0..rows {
        for column in 0..columns {
            for channel in 0..3 {
                let mut sum = 0;
                for y in row * REDUCTION..(row + 1) * REDUCTION {
                    for x in column * REDUCTION..(column + 1) * REDUCTION {
                        sum += usize::from(picture.rgba[(y * width + x) * 4 + channel]);
                    }
                }
                rgb.push(u8::try_from(sum / (REDUCTION * REDUCTION)).unwrap());
            }
        }
    }
    let side = |length: usize| u32::try_from(length).unwrap();
    (Size::new(side(columns), side(rows)).unwrap(), rgb)
}

fn write(path: &Path, size: Size, rgb: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), size.width(), size.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(rgb).unwrap();
}

fn read(path: &Path) -> (Size, Vec<u8>) {
    let file = BufReader::new(File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut rgb).unwrap();
    (Size::new(info.width, info.height).unwrap(), rgb)
}

/// Asserts that `scene` looks as it did when somebody looked at it and found it good.
fn assert_looks(name: &str, scene: Scene) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = root.join("tests/snapshots").join(format!("{name}.png"));
    let (size, rgb) = scene.paint();
    if std::env::var_os("JOGWHEEL_UPDATE_SNAPSHOTS").is_some() {
        write(&kept, size, &rgb);
        return;
    }
    let now = root
        .join("target/tmp/snapshots")
        .join(format!("{name}.png"));
    write(&now, size, &rgb);
    assert!(kept.exists(), "{}: there is no picture yet", kept.display());
    let (kept_size, kept_rgb) = read(&kept);
    assert_eq!(size, kept_size, "{name}");
    let columns = size.width() as usize;
    let mut off = std::collections::BTreeMap::new();
    let pixels = rgb.chunks_exact(3).zip(kept_rgb.chunks_exact(3));
    for (number, (a, b)) in pixels.enumerate() {
        if a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > TOLERANCE) {
            let (column, row) = (number % columns, number / columns);
            *off.entry((column / PART.0, row / PART.1)).or_insert(0) += 1;
        }
    }
    off.retain(|_, count| *count > MOST_OFF);
    assert!(
        off.is_empty(),
        "{name}: pixels are off in these parts of {PART:?}: {off:?}; compare {} with {}",
        now.display(),
        kept.display()
    );
}

#[test]
fn the_bar_looks_as_it_did() {
    let mut scene = Scene::of(&[]);
    scene.size = [1_280, 400];
    let snapshot = &mut scene.bench.snapshot;
    snapshot.mark_in = Some(crate::time::FrameIndex(240));
    snapshot.mark_out = Some(crate::time::FrameIndex(1_200));
    let level = |peak, rms| crate::audio::ChannelLevel { peak, rms };
    snapshot.audio_levels = crate::audio::AudioLevels::new(&[level(1.1, 0.5), level(0.2, 0.1)]);
    assert_looks("bar", scene);
}

#[test]
fn an_empty_window_looks_as_it_did() {
    let mut scene = Scene::of(&[]);
    scene.bench.snapshot = Snapshot::default();
    assert_looks("empty", scene);
}

#[test]
fn the_timeline_looks_as_it_did() {
    let mut scene = Scene::of(&[Panel::Timeline]);
    scene.bench.snapshot.media = Some(Arc::new(crate::ui::strip::tests::usual()));
    scene.bench.snapshot.position = crate::time::FrameIndex(120);
    assert_looks("timeline", scene);
}

#[test]
fn the_timeline_looks_as_it_did_in_a_light_window() {
    let mut scene = Scene::of(&[Panel::Timeline]);
    scene.bench.snapshot.media = Some(Arc::new(crate::ui::strip::tests::usual()));
    scene.theme = Theme::Light;
    assert_looks("timeline-light", scene);
}

#[test]
fn the_performance_panel_looks_as_it_did() {
    assert_looks("performance", Scene::of(&[Panel::Performance]));
    let mut light = Scene::of(&[Panel::Performance]);
    light.theme = Theme::Light;
    assert_looks("performance-light", light);
}

#[test]
fn the_profiler_looks_as_it_did() {
    let mut scene = Scene::of(&[Panel::Profiler]);
    let micros: Vec<i64> = (0..90)
        .map(|n| 6_000 + n % 7 * 1_500 + n / 60 * 9_000)
        .collect();
    scene.profile = Some(crate::ui::profiler::tests::log_of(&micros));
    assert_looks("profiler", scene);
}

#[test]
fn the_proxies_look_as_they_did() {
    assert_looks("proxies", Scene::of(&[Panel::Proxies]));
}

#[test]
fn the_caches_look_as_they_did() {
    let mut scene = Scene::of(&[Panel::Caches]);
    scene.bench.panels.caches.items = lists::items();
    assert_looks("caches", scene);
}

#[test]
fn the_settings_look_as_they_did() {
    assert_looks("settings", Scene::of(&[Panel::Settings]));
    let mut light = Scene::of(&[Panel::Settings]);
    light.theme = Theme::Light;
    assert_looks("settings-light", light);
}
