//! What is painted and told.

use std::collections::HashMap;

use egui::TextureId;
use egui::epaint::ClippedShape;

use super::*;
use crate::cache::thumbnails::StripScale;
use crate::jobs::{JobQueue, QueueOptions};
use crate::media::Size;
use crate::memory::Ledger;
use crate::playback::{TimelineStrip, TimelineStripRequest};
use crate::time::SimClock;
use crate::ui::strip::palette::Palette;
use crate::ui::strip::tiles::MOST_MADE;

#[test]
fn a_clip_tells_what_it_is() {
    let mut desk = Desk::new(usual());
    let y = desk.places().row(1).center().y;
    let told = desk.tip(desk.at(150, y));
    for words in [
        "two",
        "V1: 00:00:04:04 – 00:00:08:07, 100 frames",
        "Media: here.mov",
        "Source: 00:00:10:00 – 00:00:14:04",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("Shown now"), "the playhead is elsewhere");
    let told = desk.tip(desk.at(270, y));
    assert!(told.contains("away.mov was not found."), "{told}");
    let told = desk.tip(desk.at(3, y));
    assert!(told.contains("Shown now: source"), "{told}");
    let told = desk.tip(desk.at(225, y));
    assert!(!told.contains("Media:"), "there is nothing: {told}");
}

#[test]
fn many_clips_at_a_place_say_how_many() {
    let children = vec![clip("short", "here.mov", 2); 2_000];
    let mut desk = Desk::new(timeline(&[track("", "Video", &children)], &[]));
    let y = desk.places().row(0).center().y;
    let told = desk.tip(desk.at(2_000, y));
    assert!(told.contains("2000 clips on V1"), "{told}");
}

#[test]
fn the_ruler_labels_round_timecodes() {
    let mut desk = Desk::new(file(24 * 600));
    let labels = |desk: &mut Desk| -> Vec<String> {
        let is_label = |words: &String| words.len() == 11 && words.starts_with('0');
        desk.texts()
            .into_iter()
            .map(|(words, _)| words)
            .filter(is_label)
            .collect()
    };
    let all = labels(&mut desk);
    assert!(
        all.len() >= 5 && all.iter().all(|label| label.ends_with(":00:00")),
        "{all:?}"
    );
    let format = TimecodeFormat::new(rate(), false).unwrap();
    desk.snapshot.timecode = Some(Timecode::from_frame_number(86_400 + 7, format));
    let shifted = labels(&mut desk);
    assert!(
        shifted
            .iter()
            .all(|label| label.starts_with("01:") && label.ends_with(":00:00")),
        "{shifted:?}"
    );
    let pos = desk.on_ruler(1_000);
    desk.show(vec![Event::PointerMoved(pos)]);
    desk.show(vec![wheel(60.0, Modifiers::CTRL)]);
    let near = labels(&mut desk);
    assert!(near.len() >= 5, "{near:?}");
    let mut distinct = near.clone();
    distinct.dedup();
    assert_eq!(distinct, near, "frames have labels of their own");
}

/// Pictures on the screen.
fn pictures(pass: &Pass) -> Vec<TextureId> {
    let textured = |clipped: &egui::epaint::ClippedShape| match &clipped.shape {
        Shape::Mesh(mesh) if mesh.texture_id != TextureId::default() => Some(mesh.texture_id),
        _ => None,
    };
    pass.shapes.iter().filter_map(textured).collect()
}

#[test]
fn pictures_come_a_few_at_a_time_and_stay() {
    let mut desk = Desk::new(file(1_000));
    let frames: Vec<i64> = (0..50).map(|n| n * 20).collect();
    let strip = ThumbnailStrip::of_frames(Size::new(160, 90).unwrap(), &frames, 100);
    desk.thumbnails = Some(strip);
    let mut before = 0;
    loop {
        let pass = desk.pass(Vec::new());
        let kept = desk.strip.tiles.count();
        assert!(kept - before <= MOST_MADE, "{kept} after {before}");
        if kept == before {
            assert!(!pass.repaints, "it is over");
            break;
        }
        before = kept;
    }
    assert!(before > 8, "{before}");
    let shown = pictures(&desk.pass(Vec::new()));
    assert!(shown.len() >= before, "{} of {before}", shown.len());
    // Scrolling through a long file keeps no more than a bounded number.
    let pos = desk.on_ruler(0);
    desk.show(vec![Event::PointerMoved(pos)]);
    for zoom in 0..30 {
        desk.show(vec![wheel(0.5, Modifiers::CTRL)]);
        desk.show(vec![wheel(
            if zoom % 2 == 0 { -20.0 } else { 10.0 },
            Modifiers::NONE,
        )]);
        assert!(desk.strip.tiles.count() <= 160);
    }
    desk.strip.forget_textures();
    assert_eq!(desk.strip.tiles.count(), 0);
}

/// The rectangles of a colour that are painted, by their left and right ends.
fn bars_of(pass: &Pass, color: egui::Color32) -> Vec<(f32, f32)> {
    let mut found = Vec::new();
    for clipped in &pass.shapes {
        let Shape::Mesh(mesh) = &clipped.shape else {
            continue;
        };
        for four in mesh.vertices.chunks(4) {
            if four.len() == 4 && four.iter().all(|vertex| vertex.color == color) {
                let xs = four.iter().map(|vertex| vertex.pos.x);
                let (left, right) = xs.fold((f32::MAX, f32::MIN), |(left, right), x| {
                    (left.min(x), right.max(x))
                });
                found.push((left, right));
            }
        }
    }
    found
}

#[test]
fn what_is_kept_is_a_line_for_each_place() {
    let mut desk = Desk::new(usual());
    desk.snapshot.kept = Arc::new(vec![
        FrameIndex(10)..FrameIndex(60),
        FrameIndex(200)..FrameIndex(210),
    ]);
    desk.on_device = (20..40).map(FrameIndex).collect();
    let pass = desk.pass(Vec::new());
    let palette = Palette::of(&egui::Visuals::dark());
    let left_of = |desk: &Desk, frame| desk.at(frame, 0.0).x - 1.6;
    let memory = bars_of(&pass, palette.in_memory());
    assert_eq!(memory.len(), 2, "{memory:?}");
    assert!((memory[0].0 - left_of(&desk, 10)).abs() < 1.5, "{memory:?}");
    assert!((memory[0].1 - left_of(&desk, 60)).abs() < 1.5, "{memory:?}");
    let device = bars_of(&pass, palette.on_device());
    assert_eq!(device.len(), 1, "neighbours are one stretch: {device:?}");
    assert!((device[0].1 - left_of(&desk, 40)).abs() < 1.5, "{device:?}");
    let told = desk.tip(desk.at(150, desk.places().kept.center().y));
    assert!(told.contains("graphics device, 20 frames"), "{told}");
    assert!(told.contains("in memory, 60"), "{told}");
}

#[test]
fn clips_whose_media_have_verified_proxies_are_on_disk() {
    use crate::decode::FileIdentity;
    use crate::proxy::{ListedProxy, Preset, ProxyCodec, ProxyRecord, ProxyState};
    let mut desk = Desk::new(usual());
    let folder = desk.snapshot.media.as_ref().unwrap().info.path.clone();
    let file = FileIdentity {
        bytes: 1,
        modified_nanos: 0,
        device: 1,
        inode: 1,
    };
    let mut proxy = ListedProxy {
        path: "/proxies/here.half.mov".into(),
        bytes: 1,
        record: Some(ProxyRecord {
            source: folder.with_file_name("here.mov"),
            source_file: file,
            proxy_file: file,
            preset: Preset::Half,
            codec: ProxyCodec::H264Intra,
            verified: None,
        }),
        state: ProxyState::SourceChanged,
    };
    let color = Palette::of(&egui::Visuals::dark()).on_disk();
    let mut lines = |desk: &mut Desk, state| {
        proxy.state = state;
        desk.panels.proxies.list = Arc::new(vec![proxy.clone()]);
        bars_of(&desk.pass(Vec::new()), color)
    };
    assert!(lines(&mut desk, ProxyState::SourceChanged).is_empty());
    let found = lines(&mut desk, ProxyState::Verified);
    // Up to the gap at frame 200; what follows it is missing.
    let left_of = |desk: &Desk, frame| desk.at(frame, 0.0).x - 1.6;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!((found[0].0 - left_of(&desk, 0)).abs() < 1.5, "{found:?}");
    assert!((found[0].1 - left_of(&desk, 200)).abs() < 1.5, "{found:?}");
    let told = desk.tip(desk.at(150, desk.places().kept.center().y));
    assert!(told.contains("verified proxy, 200 frames"), "{told}");
}

/// How many corners the sound in the third lane has, and how high it swings.
fn sound_seen(desk: &mut Desk, waveform: Columns) -> (usize, f32) {
    let color = Palette::of(&egui::Visuals::dark()).sound();
    desk.waveform = Some(Arc::new(waveform));
    let pass = desk.pass(Vec::new());
    let lane = desk.places().row(2);
    let (mut count, mut height) = (0, 0.0_f32);
    for clipped in &pass.shapes {
        let Shape::Mesh(mesh) = &clipped.shape else {
            continue;
        };
        for vertex in mesh.vertices.iter().filter(|vertex| vertex.color == color) {
            assert!(lane.contains(vertex.pos), "{:?}", vertex.pos);
            count += 1;
            height = height.max(lane.center().y - vertex.pos.y);
        }
    }
    (count, height)
}
#[test]
fn sound_lies_behind_tracks_of_sound_only() {
    let mut desk = Desk::new(usual());
    let loud = Peak {
        low: -0.9,
        high: 0.9,
        rms: 0.5,
    };
    let all = vec![loud; 2_048];
    let (count, high) = sound_seen(&mut desk, all.clone().into());
    assert!((400..1_000).contains(&count), "{count}");

    // In a timeline each track has its own.
    desk.pass(Vec::new());
    let track = desk.strip.model.rows[2].track;
    let soft = Peak {
        low: -0.3,
        high: 0.3,
        rms: 0.1,
    };
    let of = |track, peak| Columns {
        all: all.clone(),
        tracks: [(track, Arc::new(vec![peak; 2_048]))].into(),
    };
    let (own, low) = sound_seen(&mut desk, of(track, soft));
    assert_eq!(own, count);
    assert!((low * 3.0 - high).abs() < 1.0, "{low} of {high}");
    let (others, _) = sound_seen(&mut desk, of(track + 1, loud));
    assert_eq!(others, 0, "what sounds in another track is not seen here");
}

/// A panel with an edit of two films, and with their thumbnails.
struct Cut {
    desk: Desk,
    thumbnails: Arc<TimelineStrip>,
    /// How bright the first pixel of each texture is.
    brightness: HashMap<TextureId, u8>,
    _folder: tempfile::TempDir,
}

/// Writes a film of 400 frames that are all equally bright.
fn film(path: &Path, (width, height): (usize, usize), rate: u32, luma: u8) {
    let chroma = vec![128_u8; width * height / 2];
    let frame = [&b"FRAME\n"[..], &vec![luma; width * height], &chroma].concat();
    let header = format!("YUV4MPEG2 W{width} H{height} F{rate}:1 Ip A1:1 C420jpeg\n");
    std::fs::write(path, [header.as_bytes(), &frame.repeat(400)].concat()).unwrap();
}

impl Cut {
    /// On the lower track `two`, which is bright, follows `one`, which is dark. On the upper one
    /// `over`, which is bright, hides `one`. No thumbnail is made.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        film(&folder.path().join("dark.y4m"), (32, 18), 24, 60);
        film(&folder.path().join("bright.y4m"), (16, 16), 25, 200);
        let low = [clip("one", "dark.y4m", 100), clip("two", "bright.y4m", 100)];
        let high = [clip("over", "bright.y4m", 100)];
        let tracks = [track("", "Video", &low), track("", "Video", &high)];
        let cut = json!({"OTIO_SCHEMA": "Timeline.1", "name": "cut", "global_start_time": time(0),
            "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "", "children": tracks}});
        let path = folder.path().join("cut.otio");
        std::fs::write(&path, cut.to_string()).unwrap();
        let state = TimelineState::open(&path, &TimelineSettings::default()).unwrap();
        let thumbnails = TimelineStrip::new(state.media(), &Ledger::new(1 << 30));
        Self {
            desk: Desk::new(media_of(state, &path)),
            thumbnails: Arc::new(thumbnails),
            brightness: HashMap::new(),
            _folder: folder,
        }
    }

    /// Makes the thumbnails of both films, and shows them.
    fn make(&mut self) {
        let options = QueueOptions {
            workers: 0,
            waiting: 4,
        };
        let queue = JobQueue::new(options, Arc::new(|_| {})).unwrap();
        let (strip, clock) = (Arc::clone(&self.thumbnails), Arc::new(SimClock::new()));
        let request = TimelineStripRequest::new(strip, StripScale::default(), None, None, clock);
        let _jobs = request.submit("cut", &queue).unwrap();
        while queue.run_one().is_some() {}
        assert!(!self.thumbnails.is_empty());
        // A pass makes a few textures.
        for _ in 0..self.thumbnails.len() {
            self.pass(Vec::new());
        }
    }

    fn pass(&mut self, events: Vec<Event>) -> Vec<ClippedShape> {
        let desk = &mut self.desk;
        desk.millis += 16;
        let raw = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, desk.size)),
            time: Some(desk.millis as f64 / 1e3),
            events,
            ..RawInput::default()
        };
        let (stats, keys) = (ViewStats::default(), KeyMap::default());
        let input = UiInput {
            snapshot: &desk.snapshot,
            stats: &stats,
            keys: &keys,
            now: Moment::from_nanos(desk.millis * 1_000_000),
            fullscreen: false,
            failure: None,
            audio_devices: &[],
            audio_device: None,
            waveform: None,
            thumbnails: Some(Thumbnails::OfTimeline(&self.thumbnails)),
            on_device: &[],
            blame: &desk.blame,
            placement: None,
            pixel: None,
            profile: None,
            panels: &desk.panels,
        };
        let (strip, mut events) = (&mut desk.strip, Vec::new());
        let mut full = desk.ctx.run_ui(raw, |ui| {
            strip.show(ui, &input, &mut events);
            strip.settle(&mut events);
        });
        for (id, deltas) in &full.textures_delta.set {
            for delta in deltas {
                let egui::ImageData::Color(image) = &delta.image;
                let first = image.pixels.first().map_or(0, egui::Color32::r);
                self.brightness.insert(*id, first);
            }
        }
        full.textures_delta.clear();
        std::mem::take(&mut full.shapes)
    }

    /// The middle of the lane of a track, at a frame.
    fn at(&self, row: usize, frame: i64) -> Pos2 {
        let lane = self.desk.places().row(row);
        self.desk.at(frame, lane.center().y)
    }

    /// The pictures in the box at a place: how bright each is, and where it lies.
    fn pictures_at(&mut self, pos: Pos2) -> Vec<(u8, Rect)> {
        let shapes = self.pass(Vec::new());
        let picture = |clipped: &ClippedShape| match &clipped.shape {
            Shape::Mesh(mesh) if mesh.texture_id != TextureId::default() => {
                let brightness = self.brightness[&mesh.texture_id];
                let is_here = clipped.clip_rect.contains(pos);
                is_here.then(|| (brightness, mesh.calc_bounds()))
            }
            _ => None,
        };
        shapes.iter().filter_map(picture).collect()
    }

    /// What is told of a place when the pointer rests on it.
    fn tip(&mut self, pos: Pos2) -> String {
        self.pass(vec![Event::PointerMoved(pos)]);
        self.desk.millis += 2_000;
        self.pass(Vec::new());
        let shapes = self.pass(Vec::new());
        let text = |clipped: &ClippedShape| match &clipped.shape {
            Shape::Text(text) => Some(text.galley.text().to_owned()),
            _ => None,
        };
        let words: Vec<String> = shapes.iter().filter_map(text).collect();
        words.join("\n")
    }
}

#[test]
fn each_clip_of_a_timeline_shows_pictures_of_its_own_medium() {
    let mut cut = Cut::new();
    let (over, one, two) = (cut.at(0, 50), cut.at(1, 50), cut.at(1, 150));
    assert!(cut.pictures_at(one).is_empty(), "none is made");
    cut.make();
    for (pos, is_bright, aspect) in [
        (over, true, 1.0),
        (one, false, 16.0 / 9.0),
        (two, true, 1.0),
    ] {
        let pictures = cut.pictures_at(pos);
        assert!(pictures.len() >= 3, "{pictures:?} at {pos:?}");
        for (brightness, rect) in pictures {
            assert_eq!(brightness > 128, is_bright, "{brightness} at {pos:?}");
            let shape = rect.width() / rect.height();
            assert!((shape - aspect).abs() < 0.02, "{rect:?} at {pos:?}");
        }
    }
}

#[test]
fn a_clip_tells_the_codec_of_its_medium_once_that_is_known() {
    let mut cut = Cut::new();
    let (before, one, two) = (cut.at(1, 40), cut.at(1, 50), cut.at(1, 150));
    let told = cut.tip(before);
    assert!(told.contains("Media: dark.y4m"), "{told}");
    assert!(!told.contains("fps"), "nothing is known of it: {told}");
    cut.make();
    for (pos, words) in [
        (one, "32 × 18, rawvideo, 24 fps"),
        (two, "16 × 16, rawvideo, 25 fps"),
    ] {
        let told = cut.tip(pos);
        assert!(told.contains(words), "{words}: {told}");
    }
}
