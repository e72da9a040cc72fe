//! Controls that are found by their names and pressed.

use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, TouchPhase, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::{log_of, record};
use crate::config::KeyMap;
use crate::metrics::profile_bench::{ProfileBench, Scope};
use crate::metrics::{FrameFate, FrameLog, GpuPass, ProfileLimits, ProfileLog, Stage};
use crate::playback::Snapshot;
use crate::time::Moment;
use crate::ui::panels::Errand;
use crate::ui::profiler::{ExportKind, ProfileInput, ProfilerPanel};
use crate::ui::{PanelData, UiEvent, UiInput, ViewStats, style};

/// A window with nothing but the panel.
struct Screen {
    panel: ProfilerPanel,
    log: ProfileLog,
    records: FrameLog,
    snapshot: Snapshot,
    stats: ViewStats,
    keys: KeyMap,
    data: PanelData,
    now: Moment,
    is_paused: bool,
    events: Vec<UiEvent>,
}

impl Screen {
    fn new(log: ProfileLog) -> Self {
        let mut stats = ViewStats {
            target_fps: 250.0,
            ..ViewStats::default()
        };
        for _ in 0..99 {
            stats.intervals.push_ms(4.0);
        }
        stats.intervals.push_ms(12.5);
        Self {
            panel: ProfilerPanel::default(),
            log,
            records: FrameLog::new(10),
            snapshot: Snapshot::default(),
            stats,
            keys: KeyMap::default(),
            data: PanelData::default(),
            now: Moment::ZERO,
            is_paused: true,
            events: Vec::new(),
        }
    }

    fn show(&mut self, ui: &mut egui::Ui) {
        let input = UiInput {
            snapshot: &self.snapshot,
            stats: &self.stats,
            keys: &self.keys,
            now: self.now,
            fullscreen: false,
            failure: None,
            audio_devices: &[],
            audio_device: None,
            waveform: None,
            thumbnails: None,
            on_device: &[],
            blame: self.records.blame(),
            placement: None,
            pixel: None,
            panels: &self.data,
            profile: Some(ProfileInput {
                log: &self.log,
                records: &self.records,
                is_paused: self.is_paused,
            }),
        };
        self.panel.show(ui, &input, &mut self.events);
    }

    fn harness(self, width: f32) -> Harness<'static, Self> {
        Harness::builder()
            .with_size(vec2(width, 420.0))
            .with_max_steps(100)
            // Two clicks within the time of a double click.
            .with_step_dt(1.0 / 60.0)
            .with_context_setup(style::apply)
            .build_ui_state(|ui, screen: &mut Self| screen.show(ui), self)
    }

    fn shown(&self) -> u64 {
        self.panel.shown.as_ref().unwrap().cost.number
    }
}

/// Five turns against a budget of 4 ms, of which the third is slowest.
fn five() -> Screen {
    Screen::new(log_of(&[1_000, 2_000, 9_000, 3_000, 5_000]))
}

#[test]
fn pause_asks_for_a_pause_and_then_to_go_on() {
    let mut screen = five();
    screen.is_paused = false;
    let mut harness = screen.harness(1_000.0);
    harness.get_by_label("Pause").click();
    harness.run();
    let pause = |paused| UiEvent::Errand(Errand::PauseProfiler(paused));
    assert_eq!(harness.state().events, [pause(true)]);
    harness.state_mut().is_paused = true;
    harness.run();
    assert!(harness.query_by_label("Pause").is_none());
    harness.get_by_label("Resume").click();
    harness.run();
    assert_eq!(harness.state().events, [pause(true), pause(false)]);
}

#[test]
fn export_buttons_ask_for_their_formats() {
    let mut harness = five().harness(1_000.0);
    for name in ["Chrome trace", "CSV", "JSON"] {
        harness.get_by_label(name).click();
        harness.run();
    }
    let asked = ExportKind::ALL.map(|kind| UiEvent::Errand(Errand::ExportProfile(kind)));
    assert_eq!(harness.state().events, asked);

    let empty = ProfileLog::new("main", ProfileLimits::default());
    let mut harness = Screen::new(empty).harness(1_000.0);
    harness.get_by_label("CSV").click();
    harness.run();
    assert_eq!(
        harness.state().events,
        [],
        "there is nothing to be exported"
    );
}

#[test]
fn the_slowest_frame_is_picked_and_stays() {
    let mut harness = five().harness(1_000.0);
    assert_eq!(
        harness.state().shown(),
        4,
        "the newest, before anything is picked"
    );
    harness.get_by_label("#2  9.00 ms").click();
    harness.run();
    assert_eq!(harness.state().shown(), 2);
    harness.get_by_label("Frame 2, 3 spans in 9.00 ms");
    harness.state_mut().now = Moment::from_nanos(5_000_000_000);
    harness.run();
    assert_eq!(harness.state().shown(), 2);
    harness.get_by_label("Follow newest").click();
    harness.run();
    assert_eq!(harness.state().shown(), 4);
    // All of it fits below one another where there is little room.
    let mut narrow = five().harness(330.0);
    narrow.get_by_label("#2  9.00 ms").click_accesskit();
    narrow.run();
    assert_eq!(narrow.state().shown(), 2);
}

#[test]
fn the_newest_frame_is_followed_no_faster_than_it_can_be_read() {
    let mut screen = Screen::new(log_of(&[1_000]));
    screen.is_paused = false;
    let mut harness = screen.harness(1_000.0);
    assert_eq!(harness.state().shown(), 0);
    harness.state_mut().log = log_of(&[1_000; 3]);
    harness.state_mut().now = Moment::from_nanos(100_000_000);
    harness.run();
    assert_eq!(harness.state().shown(), 0);
    harness.state_mut().now = Moment::from_nanos(260_000_000);
    harness.run();
    assert_eq!(harness.state().shown(), 2);
}

#[test]
fn the_strip_is_clicked_and_moved_through_by_arrows() {
    let mut harness = five().harness(1_000.0);
    let strip = harness.get_by_label("Frame times").rect();
    // Bars are two points wide, the newest at the right end.
    harness.drag_at(egui::pos2(strip.right() - 5.0, strip.center().y));
    harness.drop_at(egui::pos2(strip.right() - 5.0, strip.center().y));
    harness.run();
    assert_eq!(harness.state().shown(), 2);
    let strip = harness.get_by_label("Frame times");
    assert!(strip.is_focused(), "a click gives it the keyboard");
    assert_eq!(
        strip.value().as_deref(),
        Some("frame 2, 9.00 ms, over budget")
    );
    for (key, frame) in [
        (Key::ArrowLeft, 1),
        (Key::ArrowLeft, 0),
        (Key::ArrowLeft, 0),
        (Key::ArrowRight, 1),
        (Key::End, 4),
        (Key::ArrowRight, 4),
        (Key::Home, 0),
    ] {
        harness.key_press(key);
        harness.run();
        assert_eq!(harness.state().shown(), frame, "{key:?}");
    }
    let value = harness.get_by_label("Frame times").value();
    assert_eq!(value.as_deref(), Some("frame 0, 1.00 ms"));
}

#[test]
fn a_search_tells_how_many_and_how_long() {
    let mut harness = five().harness(1_000.0);
    harness.get_by_label("Search").focus();
    harness.run();
    harness.get_by_label("Search").type_text("E");
    harness.run();
    // The newest turn takes 5 ms: `render` a third of it, `decode` the half.
    harness.get_by_label("2 spans, 4.17 ms");
    harness.get_by_label("Search").type_text("nd");
    harness.run();
    harness.get_by_label("1 span, 1.67 ms");
    harness.get_by_label("#2  9.00 ms").click();
    harness.run();
    harness.get_by_label("1 span, 3.00 ms");
}

#[test]
fn the_wheel_zooms_a_drag_moves_and_a_double_click_fills() {
    let mut harness = five().harness(1_000.0);
    let spans = harness.get_by_label("Spans of frame 4").rect();
    // The first row of the first thread, which is `turn`; and the one below, `render` in the middle.
    let turn = egui::pos2(spans.center().x, spans.top() + 18.0 + 8.0);
    let window = |harness: &Harness<'_, Screen>| harness.state().panel.window;
    harness.hover_at(turn);
    harness.run();
    assert_eq!(window(&harness), None, "all of it");
    harness.event(Event::MouseWheel {
        unit: MouseWheelUnit::Point,
        delta: vec2(0.0, 250.0),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    });
    harness.run();
    let zoomed = window(&harness).unwrap();
    assert!(
        (2.3e6..2.7e6).contains(&zoomed.nanos),
        "half of 5 ms: {zoomed:?}"
    );
    assert!(
        (1.1e6..1.4e6).contains(&zoomed.start_nanos),
        "around the middle: {zoomed:?}"
    );

    harness.drag_at(turn);
    harness.hover_at(turn + vec2(100.0, 0.0));
    harness.run();
    harness.drop_at(turn + vec2(100.0, 0.0));
    harness.run();
    let moved = window(&harness).unwrap();
    let by = (zoomed.start_nanos - moved.start_nanos) / zoomed.nanos * f64::from(spans.width());
    assert!((80.0..=101.0).contains(&by), "by {by} points");

    harness.get_by_label("Fit").click();
    harness.run();
    assert_eq!(window(&harness), None);
    // Long enough for the click on the button to be another.
    harness.run_steps(60);
    let render = turn + vec2(0.0, 17.0);
    for _ in 0..2 {
        harness.drag_at(render);
        harness.drop_at(render);
    }
    harness.run();
    let filled = window(&harness).unwrap();
    let third = 5e6 / 3.0;
    assert!((third..third * 1.2).contains(&filled.nanos), "{filled:?}");
    assert!(
        filled.start_nanos < third && filled.start_nanos > third * 0.9,
        "{filled:?}"
    );

    harness.key_press(Key::ArrowDown);
    harness.run();
    assert!(
        window(&harness).unwrap().nanos > filled.nanos * 1.2,
        "keys zoom as well"
    );
}

#[test]
fn the_record_of_the_frame_says_what_was_to_blame() {
    let mut screen = five();
    let late = record(737, 4_100, FrameFate::Late, Some(Stage::Decode));
    screen.records.record(late);
    let mut harness = screen.harness(1_000.0);
    harness.get_by_label("Frame 737 late, blamed on decode");
    harness.get_by_label("decode");
    harness.get_by_label("p50 4.0 ms, p95 4.0 ms, p99 4.0 ms");
    harness.get_by_label("#1  2.00 ms").click();
    harness.run();
    assert!(
        harness
            .query_by_label("Frame 737 late, blamed on decode")
            .is_none()
    );
    harness.get_by_label("No new frame of the medium was due.");
}

#[test]
fn what_is_hovered_says_its_name_its_time_and_its_share() {
    let mut screen = five();
    screen.log.push_gpu([GpuPass {
        name: "convert",
        submitted_nanos: 4_000_000_000,
        begun_nanos: 77,
        nanos: 2_500_000,
    }]);
    let mut harness = screen.harness(1_000.0);
    let spans = harness.get_by_label("Spans of frame 4").rect();
    let render = egui::pos2(spans.center().x, spans.top() + 18.0 + 17.0 + 8.0);
    harness.hover_at(render);
    for _ in 0..60 {
        harness.step();
    }
    harness.get_by_label("render");
    harness.get_by_label("1.67 ms, 33.3 % of the frame");
    // The GPU's row is the last: heads of three threads, two rows, one, one.
    let pass = egui::pos2(
        spans.left() + 100.0,
        spans.top() + 18.0 * 3.0 + 17.0 * 3.0 + 8.0 + 8.0,
    );
    harness.hover_at(pass);
    for _ in 0..60 {
        harness.step();
    }
    harness.get_by_label("convert");
    harness.get_by_label("2.50 ms, 50.0 % of the frame");
    let note = harness.get_by_label_contains("not tied to the processor's");
    assert!(note.accesskit_node().value().is_some() || note.value().is_some());
}

#[test]
fn whatever_a_frame_holds_few_corners_are_painted() {
    let corners = |log| {
        let mut harness = Screen::new(log).harness(1_600.0);
        harness.run();
        let shapes = harness.output().shapes.clone();
        let meshes = harness.ctx.tessellate(shapes, 1.0);
        let of = |part: &egui::ClippedPrimitive| match &part.primitive {
            egui::epaint::Primitive::Mesh(mesh) => mesh.vertices.len(),
            egui::epaint::Primitive::Callback(_) => 0,
        };
        meshes.iter().map(of).sum::<usize>()
    };
    let few = corners(log_of(&[1_000; 600]));
    let mut bench = ProfileBench::new(ProfileLimits::default());
    for _ in 0..600 {
        for thread in 0..4_i64 {
            let inner = (0..10_000).map(|at| {
                let (start, nanos) = (at * 100 + thread, 10 + at % 80);
                Scope("a name that is rather long", start, start + nanos, vec![])
            });
            let name =
                ["main", "decode a", "decode b", "decode c"][usize::try_from(thread).unwrap()];
            bench.report(name, &Scope("turn", 0, 1_000_000 + thread, inner.collect()));
        }
        bench.turn();
        if bench.log.bytes() > 4 << 20 {
            break;
        }
    }
    let many = corners(bench.log);
    assert!(
        many < few + 8_000,
        "{many} corners, {few} where there is little to paint"
    );
}
