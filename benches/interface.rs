//! What a pass of the interface costs the thread of the window: layout and tessellation, with every panel on the screen
//! and an edit of 10,000 clips with their thumbnails and their waveform. What the graphics card then does with it is
//! no part of this. The clip that is used is made by FFmpeg.
//!
//!   cargo bench --bench interface [-- [PASSES] [NAME]]
//!
//! Prints milliseconds, for each of some things that a person does, or those with NAME in their names: half of the
//! passes, 95 % and 99 % of them took no longer. At the end what the profiler's scopes cost while none is recorded.

use std::process::Command;
use std::sync::Arc;

use egui::{
    Event, Modifiers, MouseWheelUnit, PointerButton, Pos2, RawInput, Rect, TouchPhase, pos2, vec2,
};
use jogwheel::cache::thumbnails::StripScale;
use jogwheel::cache::waveform::{Columns, Peak};
use jogwheel::config::{CATALOGUE, Config, KeyMap};
use jogwheel::jobs::{JobQueue, QueueOptions};
use jogwheel::memory::Ledger;
use jogwheel::metrics::{BlameMap, FrameLog, ProfileLimits, ProfileLog, Turn};
use jogwheel::playback::{
    MediaState, PlaybackStatus, Snapshot, TimelineSettings, TimelineState, TimelineStrip,
    TimelineStripRequest,
};
use jogwheel::proxy::{ListedProxy, ProxyState};
use jogwheel::time::{Clock as _, FrameIndex, Moment, RealClock};
use jogwheel::ui::{
    ConfigData, Layout, Overlay, Panel, PanelData, ProfileInput, ProxyData, Setting, Thumbnails,
    UiInput, ViewStats,
};
use parking_lot::Mutex;
use serde_json::{Value, json};

const TRACKS: usize = 12;
const CLIPS_A_TRACK: usize = 834;
const PASSES: usize = 600;
const SIZE: egui::Vec2 = vec2(2560.0, 1440.0);

#[expect(clippy::print_stdout, reason = "the table is what it is for")]
fn main() {
    // Cargo adds words of its own.
    let words = || {
        std::env::args()
            .skip(1)
            .filter(|word| !word.starts_with("--"))
    };
    let passes = words().find_map(|word| word.parse().ok()).unwrap_or(PASSES);
    let wanted = words().find(|word| word.parse::<usize>().is_err());
    let edit = Edit::open();
    println!(
        "{} clips on {TRACKS} tracks, {} x {} points, {passes} passes each, milliseconds",
        TRACKS * CLIPS_A_TRACK,
        SIZE.x,
        SIZE.y
    );
    println!("{:<34}{:>8}{:>8}{:>8}", "", "p50", "p95", "p99");
    let measure = |name: &str, panels: &[Panel], hand: Hand| {
        let name = format!("{name}, {hand:?}").to_lowercase();
        if wanted.as_ref().is_some_and(|part| !name.contains(part)) {
            return;
        }
        let millis = Bench::new(&edit, panels).run(hand, passes);
        let at = |percent: usize| millis[(millis.len() * percent / 100).min(millis.len() - 1)];
        println!("{name:<34}{:>8.2}{:>8.2}{:>8.2}", at(50), at(95), at(99));
    };
    measure("no panel", &[], Hand::Plays);
    for panel in Panel::ALL {
        measure(panel.id(), &[panel], Hand::Plays);
    }
    for hand in [Hand::Zooms, Hand::Scrolls, Hand::Scrubs] {
        measure(Panel::Timeline.id(), &[Panel::Timeline], hand);
    }
    for hand in [Hand::Plays, Hand::Zooms, Hand::Scrolls, Hand::Scrubs] {
        measure("all six panels", &Panel::ALL, hand);
    }
    if wanted.is_none() {
        measure_scopes();
    }
}

/// What the profiler's scopes cost while nobody looks at them, of the time that a frame has.
#[expect(clippy::print_stdout, reason = "the line is what it is for")]
fn measure_scopes() {
    const COUNT: u32 = 10_000_000;
    /// More than any turn of the window's loop and its decoders has.
    const A_FRAME: f64 = 100.0;
    puffin::set_scopes_on(false);
    let clock = RealClock::new();
    let mut nanos: Vec<f64> = (0..5)
        .map(|_| {
            let begun = clock.now();
            for number in 0..COUNT {
                puffin::profile_scope!("nobody looks");
                std::hint::black_box(number);
            }
            clock.now().since(begun).as_nanos() as f64 / f64::from(COUNT)
        })
        .collect();
    nanos.sort_by(f64::total_cmp);
    let frame_nanos = 1e9 / 60.0;
    println!(
        "a scope that is not recorded: {:.2} ns; {A_FRAME} of them: {:.4} % of a frame at 60 fps",
        nanos[2],
        nanos[2] * A_FRAME * 100.0 / frame_nanos
    );
}

/// What is done while it is measured. It plays all the time.
#[derive(Debug, Clone, Copy)]
enum Hand {
    /// Nothing.
    Plays,
    /// The timeline is zoomed, all the way in and out again.
    Zooms,
    /// It is scrolled.
    Scrolls,
    /// The playhead is dragged along the lane of the transport bar.
    Scrubs,
}

/// An edit whose clips have all kinds of lengths and names, opened as the player opens it.
struct Edit {
    medium: Arc<MediaState>,
    thumbnails: Arc<TimelineStrip>,
    waveform: Arc<Columns>,
}

impl Edit {
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let shot = folder.path().join("shot.mov");
        let source = "testsrc2=size=640x360:rate=24:duration=15";
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "mjpeg"])
            .arg(&shot)
            .status();
        assert!(made.is_ok_and(|made| made.success()), "ffmpeg makes a clip");
        let path = folder.path().join("crowded.otio");
        std::fs::write(&path, crowded().to_string()).expect("a file can be written");
        let state =
            TimelineState::open(&path, &TimelineSettings::default()).expect("it is a timeline");
        let strip = Arc::new(TimelineStrip::new(state.media(), &Ledger::new(1 << 30)));
        make_thumbnails(&strip);
        assert!(!strip.is_empty(), "there are thumbnails");
        let peak = |number: usize| {
            let high = (number as f32 * 0.37).sin().abs();
            Peak {
                low: -high,
                high,
                rms: 0.6 * high,
            }
        };
        let peaks: Vec<Peak> = (0..16_384).map(peak).collect();
        let tracks = (0..TRACKS).map(|track| (track, Arc::new(peaks.clone())));
        Self {
            waveform: Arc::new(Columns {
                tracks: tracks.collect(),
                all: peaks,
            }),
            thumbnails: strip,
            medium: Arc::new(MediaState {
                info: Arc::new(state.media_info(&path)),
                frames: state.edit.frames(),
                index_complete: true,
                duration: state.edit.duration(),
                index: None,
                rate: state.edit.rate(),
                timeline: Some(Arc::new(state)),
            }),
        }
    }
}

/// Makes all of them on this thread.
fn make_thumbnails(strip: &Arc<TimelineStrip>) {
    let options = QueueOptions {
        workers: 0,
        waiting: 4,
    };
    let queue = JobQueue::new(options, Arc::new(|_| {})).expect("it has no threads");
    let clock = Arc::new(RealClock::new());
    let scale = StripScale::default();
    let request = TimelineStripRequest::new(Arc::clone(strip), scale, None, None, clock);
    let _jobs = request.submit("shot", &queue).expect("there is room");
    while queue.run_one().is_some() {}
}

/// The edit, as OpenTimelineIO writes it.
fn crowded() -> Value {
    let time =
        |frames: usize| json!({"OTIO_SCHEMA": "RationalTime.1", "value": frames, "rate": 24});
    let range = |first: usize, frames: usize| json!({"OTIO_SCHEMA": "TimeRange.1", "start_time": time(first), "duration": time(frames)});
    let clip = |track: usize, place: usize| {
        json!({
            "OTIO_SCHEMA": "Clip.2", "name": format!("A{place:03}C{track:02} take 3"),
            "source_range": range(240, 12 + (place * 37 + track * 11) % 60),
            "media_references": {"DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1", "target_url": "shot.mov", "available_range": null,
            }},
            "active_media_reference_key": "DEFAULT_MEDIA",
        })
    };
    let tracks: Vec<Value> = (0..TRACKS)
        .map(|track| {
            let clips: Vec<Value> = (0..CLIPS_A_TRACK).map(|place| clip(track, place)).collect();
            let kind = if track < TRACKS / 2 { "Video" } else { "Audio" };
            json!({"OTIO_SCHEMA": "Track.1", "name": "", "kind": kind, "children": clips})
        })
        .collect();
    json!({"OTIO_SCHEMA": "Timeline.1", "name": "crowded", "global_start_time": time(86_400),
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "", "children": tracks}})
}

struct Bench<'a> {
    edit: &'a Edit,
    ctx: egui::Context,
    overlay: Overlay,
    snapshot: Snapshot,
    stats: ViewStats,
    keys: KeyMap,
    blame: BlameMap,
    panels: PanelData,
    profile: ProfileLog,
    records: FrameLog,
    clock: RealClock,
    pointer: Pos2,
}

impl<'a> Bench<'a> {
    fn new(edit: &'a Edit, open: &[Panel]) -> Self {
        let mut overlay = Overlay::new();
        for panel in open {
            overlay.open(*panel);
        }
        if let Some(layout) = overlay.layout() {
            overlay.restore(&without_tabs(&layout));
        }
        Self {
            edit,
            ctx: egui::Context::default(),
            overlay,
            snapshot: Snapshot {
                status: PlaybackStatus::Playing,
                media: Some(Arc::clone(&edit.medium)),
                mark_in: Some(FrameIndex(1_000)),
                mark_out: Some(FrameIndex(20_000)),
                kept: Arc::new(vec![FrameIndex(0)..FrameIndex(2_000)]),
                ..Snapshot::default()
            },
            stats: ViewStats {
                presented_fps: 23.9,
                target_fps: 24.0,
                ..ViewStats::default()
            },
            keys: KeyMap::default(),
            blame: BlameMap::default(),
            panels: panel_data(),
            profile: profile(),
            records: FrameLog::new(600),
            clock: RealClock::new(),
            pointer: pos2(0.0, 0.0),
        }
    }

    /// Sorted times of `passes` passes, in milliseconds. The first ones, which lay out all text, do not count.
    fn run(mut self, hand: Hand, passes: usize) -> Vec<f64> {
        let warm_up = 30;
        let mut millis = Vec::with_capacity(passes);
        for number in 0..passes + warm_up {
            let events = self.events(hand, number);
            let position = i64::try_from(number).unwrap_or(0);
            self.snapshot.position = FrameIndex(position * 7);
            self.panels.edition += u64::from(number % 12 == 0);
            let taken = self.pass(events);
            if number >= warm_up {
                millis.push(taken);
            }
        }
        millis.sort_by(f64::total_cmp);
        millis
    }

    fn pass(&mut self, events: Vec<Event>) -> f64 {
        let raw = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            events,
            ..RawInput::default()
        };
        let input = UiInput {
            snapshot: &self.snapshot,
            stats: &self.stats,
            keys: &self.keys,
            now: self.clock.now(),
            fullscreen: false,
            failure: None,
            audio_devices: &[],
            audio_device: None,
            waveform: Some(&self.edit.waveform),
            thumbnails: Some(Thumbnails::OfTimeline(&self.edit.thumbnails)),
            on_device: &[],
            blame: &self.blame,
            placement: None,
            pixel: None,
            panels: &self.panels,
            profile: Some(ProfileInput {
                log: &self.profile,
                records: &self.records,
                is_paused: false,
            }),
        };
        let begun = self.clock.now();
        let output = self.overlay.run(&self.ctx, raw, &input);
        let scale = output.egui.pixels_per_point;
        let shapes = output.egui.shapes.clone();
        output.egui.drop_without_applying_deltas();
        let meshes = self.ctx.tessellate(shapes, scale);
        let taken = self.clock.now().nanos_since(begun) as f64 / 1e6;
        assert!(!meshes.is_empty(), "something is painted");
        taken
    }

    fn events(&mut self, hand: Hand, number: usize) -> Vec<Event> {
        let timeline = pos2(SIZE.x * 0.3, SIZE.y - 120.0);
        let wheel = |notches: f32, modifiers: Modifiers| Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: vec2(0.0, notches),
            phase: TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers,
        };
        let bar = self.lane();
        let mut events = Vec::new();
        let mut go = |to: Pos2| {
            if self.pointer != to {
                self.pointer = to;
                events.push(Event::PointerMoved(to));
            }
        };
        match hand {
            Hand::Plays => go(pos2(SIZE.x * 0.3, SIZE.y * 0.3)),
            Hand::Zooms => {
                go(timeline);
                let way = if (number / 60).is_multiple_of(2) {
                    0.5
                } else {
                    -0.5
                };
                events.push(wheel(way, Modifiers::CTRL));
            }
            Hand::Scrolls => {
                go(timeline);
                // Near enough to have something to scroll to.
                let (way, modifiers) = match number {
                    0..15 => (1.0, Modifiers::CTRL),
                    number if (number / 60).is_multiple_of(2) => (-0.5, Modifiers::SHIFT),
                    _ => (0.5, Modifiers::SHIFT),
                };
                events.push(wheel(way, modifiers));
            }
            Hand::Scrubs => {
                go(pos2(200.0 + (number * 3 % 900) as f32, bar));
                if number == 1 {
                    events.push(Event::PointerButton {
                        pos: pos2(203.0, bar),
                        button: PointerButton::Primary,
                        pressed: true,
                        modifiers: Modifiers::NONE,
                    });
                }
            }
        }
        events
    }

    /// Height of the lane: the transport bar lies at the viewer's lower edge.
    fn lane(&self) -> f32 {
        let wide = self.overlay.open_panels().any(|name| name == "timeline");
        if wide {
            SIZE.y * 0.7 - 60.0
        } else {
            SIZE.y - 60.0
        }
    }
}

/// The same arrangement with nothing behind a tab: panels beside or below one another.
fn without_tabs(layout: &Layout) -> Layout {
    fn split(value: &mut Value) {
        if let Value::Object(fields) = value
            && let Some(tabs) = fields.remove("Tabs")
        {
            let linear =
                json!({"children": tabs["children"], "dir": "Vertical", "shares": {"shares": {}}});
            fields.insert("Linear".to_owned(), linear);
        }
        match value {
            Value::Object(fields) => fields.values_mut().for_each(split),
            Value::Array(items) => items.iter_mut().for_each(split),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(layout).expect("an arrangement can be written");
    split(&mut value);
    serde_json::from_value(value).expect("an arrangement can be read")
}

/// What panels show of a well-used machine: 200 proxies and the whole configuration.
fn panel_data() -> PanelData {
    let proxies = (0..200).map(|number| ListedProxy {
        path: format!("/proxies/A{number:03}_C012_0417_v2.mov").into(),
        bytes: 80_000_000 + number,
        record: None,
        state: ProxyState::Verified,
    });
    let config = Config::default();
    let settings = CATALOGUE.iter().map(|spec| Setting {
        key: spec.key,
        value: config.applies(spec.key),
        is_stated: false,
        is_overruled: false,
    });
    PanelData {
        edition: 1,
        proxies: ProxyData {
            folder: Some("/proxies".into()),
            list: Arc::new(proxies.collect()),
            ..ProxyData::default()
        },
        config: ConfigData {
            settings: settings.collect(),
            ..ConfigData::default()
        },
        ..PanelData::default()
    }
}

/// Two hundred frames with some thirty scopes each, as the player has them.
fn profile() -> ProfileLog {
    let frames: Arc<Mutex<Vec<Arc<puffin::FrameData>>>> = Arc::default();
    let sink = Arc::clone(&frames);
    puffin::set_scopes_on(true);
    let sink =
        puffin::GlobalProfiler::lock().add_sink(Box::new(move |frame| sink.lock().push(frame)));
    for _ in 0..200 {
        puffin::GlobalProfiler::lock().new_frame();
        for _ in 0..10 {
            puffin::profile_scope!("a stage");
            {
                puffin::profile_scope!("a part of it");
                puffin::profile_scope!("a part of that");
            }
        }
    }
    puffin::set_scopes_on(false);
    puffin::GlobalProfiler::lock().remove_sink(sink);
    let mut log = ProfileLog::new("main", ProfileLimits::default());
    for (frame, number) in frames.lock().iter().zip(0_u64..) {
        let turn = Turn {
            begun: Moment::from_nanos(number * 16_666_667),
            ended: Moment::from_nanos((number + 1) * 16_666_667),
        };
        log.push(frame, turn);
    }
    log
}
