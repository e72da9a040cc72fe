//! The panel driven without a window: events go in, commands come out, and what is painted is looked at.

mod cost;
mod hands;
mod layout;
mod mapping;
mod seen;

use std::path::Path;
use std::sync::Arc;

use egui::{Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Shape, pos2, vec2};
use serde_json::{Value, json};

use super::Strip;
use super::places::Places;
use crate::cache::thumbnails::ThumbnailStrip;
use crate::cache::waveform::{Columns, Peak};
use crate::config::KeyMap;
use crate::metrics::BlameMap;
use crate::playback::{
    Command, MediaState, PlaybackStatus, SeekTarget, Snapshot, TimelineSettings, TimelineState,
};
use crate::time::{FrameIndex, FrameRate, Moment, Timecode, TimecodeFormat};
use crate::ui::{PanelData, Thumbnails, UiEvent, UiInput, ViewStats, style};

const FPS: f64 = 24_000.0 / 1_001.0;

fn rate() -> FrameRate {
    FrameRate::new(24_000, 1_001).unwrap()
}

fn time(frames: i64) -> Value {
    json!({"OTIO_SCHEMA": "RationalTime.1", "value": frames as f64, "rate": FPS})
}

fn range(first: i64, frames: i64) -> Value {
    json!({"OTIO_SCHEMA": "TimeRange.1", "start_time": time(first), "duration": time(frames)})
}

/// A clip of so many frames of a file beside the timeline.
fn clip(name: &str, file: &str, frames: i64) -> Value {
    json!({
        "OTIO_SCHEMA": "Clip.2", "name": name, "source_range": range(240, frames),
        "effects": [], "markers": [], "enabled": true,
        "media_references": {"DEFAULT_MEDIA": {
            "OTIO_SCHEMA": "ExternalReference.1", "target_url": file, "available_range": null,
        }},
        "active_media_reference_key": "DEFAULT_MEDIA",
    })
}

fn gap(frames: i64) -> Value {
    json!({"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": range(0, frames),
        "effects": [], "markers": []})
}

fn dissolve(before: i64, after: i64) -> Value {
    json!({"OTIO_SCHEMA": "Transition.1", "name": "", "transition_type": "SMPTE_Dissolve",
        "in_offset": time(before), "out_offset": time(after)})
}

fn track(name: &str, kind: &str, children: &[Value]) -> Value {
    json!({"OTIO_SCHEMA": "Track.1", "name": name, "kind": kind, "source_range": null,
        "effects": [], "markers": [], "enabled": true, "children": children})
}

/// A timeline of these tracks, the lowest first, with markers at these frames. The file `here.mov` is beside it, and no
/// other.
fn timeline(tracks: &[Value], markers: &[(i64, &str)]) -> MediaState {
    let markers: Vec<Value> = markers
        .iter()
        .map(|(frame, name)| {
            json!({"OTIO_SCHEMA": "Marker.2", "name": name, "color": "RED",
                "marked_range": range(*frame, 1), "comment": "look"})
        })
        .collect();
    let stack = json!({"OTIO_SCHEMA": "Stack.1", "name": "", "kind": "", "source_range": null,
        "effects": [], "markers": markers, "enabled": true, "children": tracks});
    let timeline = json!({"OTIO_SCHEMA": "Timeline.1", "name": "test",
        "global_start_time": time(0), "tracks": stack});
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("here.mov"), b"").unwrap();
    let path = folder.path().join("test.otio");
    std::fs::write(&path, timeline.to_string()).unwrap();
    let state = TimelineState::open(&path, &TimelineSettings::default()).unwrap();
    media_of(state, &path)
}

fn media_of(state: TimelineState, path: &Path) -> MediaState {
    MediaState {
        info: Arc::new(state.media_info(path)),
        frames: state.edit.frames(),
        index_complete: true,
        duration: state.edit.duration(),
        index: None,
        rate: state.edit.rate(),
        timeline: Some(Arc::new(state)),
    }
}

/// A file of so many frames.
fn file(frames: i64) -> MediaState {
    let tracks = [track("", "Video", &[clip("a", "here.mov", frames)])];
    MediaState {
        timeline: None,
        ..timeline(&tracks, &[])
    }
}

/// Two tracks of pictures and one of sound: `one` and `two` meet in a dissolve at frame 100; `lost` is missing, from
/// frame 250 to 300. Markers at frames 50 and 200.
pub(in crate::ui) fn usual() -> MediaState {
    let low = [
        clip("one", "here.mov", 100),
        dissolve(6, 6),
        clip("two", "here.mov", 100),
        gap(50),
        clip("lost", "away.mov", 50),
    ];
    let high = [gap(20), clip("title", "here.mov", 30)];
    let sound = [clip("music", "here.mov", 300)];
    timeline(
        &[
            track("", "Video", &low),
            track("Titles", "Video", &high),
            track("", "Audio", &sound),
        ],
        &[(50, "first"), (200, "second")],
    )
}

/// A panel of its own.
struct Desk {
    ctx: egui::Context,
    strip: Strip,
    snapshot: Snapshot,
    blame: BlameMap,
    on_device: Vec<FrameIndex>,
    waveform: Option<Arc<Columns>>,
    thumbnails: Option<ThumbnailStrip>,
    panels: PanelData,
    size: egui::Vec2,
    millis: u64,
}

/// What a pass came to.
struct Pass {
    events: Vec<UiEvent>,
    shapes: Vec<egui::epaint::ClippedShape>,
    /// Whether another pass was asked for.
    repaints: bool,
}

impl Desk {
    fn new(media: MediaState) -> Self {
        let format = TimecodeFormat::new(rate(), false).unwrap();
        let ctx = egui::Context::default();
        style::apply(&ctx);
        let mut desk = Self {
            ctx,
            strip: Strip::default(),
            snapshot: Snapshot {
                status: PlaybackStatus::Paused,
                media: Some(Arc::new(media)),
                timecode: Some(Timecode::from_frame_number(0, format)),
                ..Snapshot::default()
            },
            blame: BlameMap::default(),
            on_device: Vec::new(),
            waveform: None,
            thumbnails: None,
            panels: PanelData::default(),
            size: vec2(1_116.0, 320.0),
            millis: 0,
        };
        desk.pass(Vec::new());
        desk
    }

    fn pass(&mut self, events: Vec<Event>) -> Pass {
        self.millis += 16;
        let raw = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.millis as f64 / 1e3),
            events,
            ..RawInput::default()
        };
        let stats = ViewStats::default();
        let keys = KeyMap::default();
        let input = UiInput {
            snapshot: &self.snapshot,
            stats: &stats,
            keys: &keys,
            now: Moment::from_nanos(self.millis * 1_000_000),
            fullscreen: false,
            failure: None,
            audio_devices: &[],
            audio_device: None,
            waveform: self.waveform.as_ref(),
            thumbnails: self.thumbnails.as_ref().map(Thumbnails::OfFile),
            on_device: &self.on_device,
            blame: &self.blame,
            placement: None,
            pixel: None,
            profile: None,
            panels: &self.panels,
        };
        let (strip, mut events) = (&mut self.strip, Vec::new());
        let mut full = self.ctx.run_ui(raw, |ui| {
            strip.show(ui, &input, &mut events);
            strip.settle(&mut events);
        });
        full.textures_delta.clear();
        let root = &full.viewport_output[&egui::ViewportId::ROOT];
        Pass {
            events,
            repaints: root.repaint_delay < std::time::Duration::from_secs(1),
            shapes: std::mem::take(&mut full.shapes),
        }
    }

    fn show(&mut self, events: Vec<Event>) -> Vec<UiEvent> {
        self.pass(events).events
    }

    fn places(&self) -> Places {
        let panel = Rect::from_min_size(Pos2::ZERO, self.size);
        Places::of(panel, self.strip.model.rows.len(), self.strip.scrolled)
    }

    fn scale(&self) -> super::scale::Scale {
        self.strip.view.scale().unwrap()
    }

    /// Where the middle of `frame` is on the screen, at this height.
    fn at(&self, frame: i64, y: f32) -> Pos2 {
        let x = self.scale().x_of(FrameIndex(frame)) + self.scale().points_a_frame() / 2.0;
        #[expect(clippy::cast_possible_truncation, reason = "a place on the screen")]
        let x = x as f32;
        pos2(self.places().lanes.left() + x, y)
    }

    /// The same in the ruler.
    fn on_ruler(&self, frame: i64) -> Pos2 {
        self.at(frame, self.places().ruler.top() + 6.0)
    }

    /// The texts on the screen, with where they are.
    fn texts(&mut self) -> Vec<(String, Rect)> {
        let shapes = self.pass(Vec::new()).shapes;
        let text = |clipped: &egui::epaint::ClippedShape| match &clipped.shape {
            Shape::Text(text) => Some((
                text.galley.text().to_owned(),
                text.galley.rect.translate(text.pos.to_vec2()),
            )),
            _ => None,
        };
        shapes.iter().filter_map(text).collect()
    }

    /// What is told of a place when the pointer rests on it.
    fn tip(&mut self, pos: Pos2) -> String {
        self.show(vec![Event::PointerMoved(pos)]);
        self.millis += 2_000;
        self.show(Vec::new());
        let before = self.texts();
        let words: Vec<String> = before.into_iter().map(|(words, _)| words).collect();
        words.join("\n")
    }
}

fn mouse(pos: Pos2, pressed: bool) -> Event {
    Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

fn wheel(notches: f32, modifiers: Modifiers) -> Event {
    Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, notches),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers,
    }
}

fn commands(commands: impl IntoIterator<Item = Command>) -> Vec<UiEvent> {
    commands.into_iter().map(UiEvent::Command).collect()
}

fn scrub(frame: i64) -> Command {
    Command::Scrub(SeekTarget::Frame(FrameIndex(frame)))
}

fn seek(frame: i64) -> Command {
    Command::Seek(SeekTarget::Frame(FrameIndex(frame)))
}
