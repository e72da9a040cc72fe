//! Thumbnails of timelines of numbered clips: each shows the number of the frame that it stands for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jogwheel::cache::thumbnails::StripScale;
use jogwheel::cache::{MemoryStore, ProductKey, ProductStore};
use jogwheel::convert::CpuConverter;
use jogwheel::jobs::{JobHandle, JobQueue, JobState, QueueOptions};
use jogwheel::memory::Ledger;
use jogwheel::playback::{
    TimelineSettings, TimelineState, TimelineStrip, TimelineStripRequest, TimelineThumbnail,
};
use jogwheel::time::{FrameIndex, MediaSpan, RealClock};
use jogwheel::timeline::{Layer, VideoOp};
use serde_json::Value;

use crate::made::{self, Clip};
use crate::otio::{clip, gap, range, speed, track, write};
use crate::screen::Screen;
use crate::thumbnails::number_over_the_middle;

/// Every frame a keyframe.
const INTRA: &str = "h264-intra.mov";
const GOPS: &str = "h264-bframes.mp4";

/// Thumbnails at which numbers can be read, so dense that of an intra-only file no frame is left out.
const DENSE: StripScale = StripScale {
    side: 640,
    steps: [
        MediaSpan::from_millis(40),
        MediaSpan::from_millis(20),
        MediaSpan::from_millis(8),
    ],
};

/// Counts what is kept.
struct Counted {
    kept: MemoryStore,
    stored: AtomicUsize,
}

impl Counted {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            kept: MemoryStore::new(256 << 20),
            stored: AtomicUsize::new(0),
        })
    }

    fn stored(&self) -> usize {
        self.stored.load(Ordering::Relaxed)
    }
}

impl ProductStore for Counted {
    fn load(&self, key: &ProductKey) -> Option<Arc<[u8]>> {
        self.kept.load(key)
    }

    fn store(&self, key: &ProductKey, bytes: &[u8]) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.kept.store(key, bytes);
    }
}

struct Made {
    state: TimelineState,
    strip: Arc<TimelineStrip>,
    jobs: Vec<JobState>,
    converter: CpuConverter,
}

impl Made {
    /// Makes all thumbnails of a timeline on this thread.
    fn of(path: &Path, scale: StripScale, store: Option<&Arc<Counted>>) -> Self {
        let settings = TimelineSettings {
            media_roots: vec![made::folder()],
            ..TimelineSettings::default()
        };
        let state = TimelineState::open(path, &settings).unwrap();
        let strip = Arc::new(TimelineStrip::new(state.media(), &Ledger::new(1 << 30)));
        let options = QueueOptions {
            workers: 0,
            waiting: 4,
        };
        let queue = JobQueue::new(options, Arc::new(|_| {})).unwrap();
        let store = store.map(|store| Arc::clone(store) as Arc<dyn ProductStore>);
        let clock = Arc::new(RealClock::new());
        let request = TimelineStripRequest::new(Arc::clone(&strip), scale, None, store, clock);
        let jobs = request.submit("edit", &queue).unwrap();
        while queue.run_one().is_some() {}
        Self {
            state,
            strip,
            jobs: jobs.iter().map(JobHandle::state).collect(),
            converter: CpuConverter::new(1),
        }
    }

    /// The thumbnail for a frame, checked to show the number that it bears in `clip`.
    fn checked(&mut self, frame: i64, clip: &Clip) -> TimelineThumbnail {
        let near = self.strip.near(FrameIndex(frame)).unwrap();
        let picture = &near.thumbnail.picture;
        let orientation = near.medium.stream.orientation;
        let number = made::number_in(picture, orientation, &mut self.converter);
        let bears = near.thumbnail.frame.0 + i64::from(clip.first);
        assert_eq!(number.map(i64::from), Ok(bears), "frame {frame}");
        near
    }

    /// The frame of the medium that is seen in a frame.
    fn wanted(&self, frame: i64, near: &TimelineThumbnail) -> i64 {
        let mut ops = Vec::new();
        self.state.edit.video_at(FrameIndex(frame), &mut ops);
        let layers = ops.iter().filter_map(|op| match op {
            VideoOp::Layer(layer) => Some(layer),
            _ => None,
        });
        let layers: Vec<&Layer> = layers.collect();
        let index = near.medium.whole_index().unwrap();
        near.medium.frame_of(layers[0], &index).unwrap().0
    }
}

/// A timeline of these clips of files, at 25 frames a second.
fn edit(folder: &Path, children: &[Value]) -> PathBuf {
    write(folder, "edit", 25.0, &[track("Video", children)])
}

#[test]
fn the_thumbnail_of_each_frame_shows_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let (intra, gops) = (made::clip(INTRA), made::clip(GOPS));
    let path = edit(
        folder.path(),
        &[
            clip(&intra.path, &range(5.0, 20.0, 25.0), &[]),
            clip(&intra.path, &range(10.0, 10.0, 25.0), &[speed(2.0)]),
            clip(&intra.path, &range(0.0, 15.0, 25.0), &[speed(-1.0)]),
            gap(&range(0.0, 5.0, 25.0)),
            clip(&gops.path, &range(3.0, 30.0, 25.0), &[]),
        ],
    );
    let mut made = Made::of(&path, DENSE, None);
    assert!(made.jobs.iter().all(|state| *state == JobState::Done));
    assert_eq!(made.strip.files(), 2);
    for frame in 0..45 {
        let near = made.checked(frame, &intra);
        let wanted = made.wanted(frame, &near);
        assert_eq!(near.thumbnail.frame.0, wanted, "frame {frame}");
    }
    for frame in 45..50 {
        assert!(made.strip.near(FrameIndex(frame)).is_none(), "{frame}");
    }
    // Between keyframes it is the nearest of them, or a frame that was decoded.
    for frame in 50..80 {
        let near = made.checked(frame, &gops);
        let wanted = made.wanted(frame, &near);
        let away = (near.thumbnail.frame.0 - wanted).abs();
        let gop = near
            .medium
            .whole_index()
            .unwrap()
            .gop_of(FrameIndex(wanted));
        let (first, next) = gop.unwrap();
        let end = next.map_or(gops.frames, |next| next.0);
        assert!(away <= end - first.0, "frame {frame}: {away}");
    }
}

#[test]
fn a_file_that_changes_is_made_anew_and_what_has_not_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mov");
    let (first, other) = (made::clip(INTRA), made::clip("prores.mov"));
    settled_copy(&first.path, &path);
    let edit = edit(folder.path(), &[clip(&path, &range(2.0, 20.0, 25.0), &[])]);
    let store = Counted::new();
    let mut made = Made::of(&edit, DENSE, Some(&store));
    let (count, stored) = (made.strip.len(), store.stored());
    assert!(stored > 0);
    made.checked(7, &first);
    let mut again = Made::of(&edit, DENSE, Some(&store));
    assert_eq!((again.strip.len(), store.stored()), (count, stored));
    again.checked(7, &first);

    settled_copy(&other.path, &path);
    let mut changed = Made::of(&edit, DENSE, Some(&store));
    assert!(store.stored() > stored);
    changed.checked(7, &other);
}

#[test]
fn what_is_missing_or_no_medium_has_none_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.mov");
    std::fs::write(&broken, b"this is no film").unwrap();
    let intra = made::clip(INTRA);
    let path = edit(
        folder.path(),
        &[
            clip(Path::new("nowhere.mov"), &range(0.0, 10.0, 25.0), &[]),
            clip(&broken, &range(0.0, 10.0, 25.0), &[]),
            clip(&intra.path, &range(0.0, 10.0, 25.0), &[]),
        ],
    );
    let mut made = Made::of(&path, DENSE, None);
    assert!(made.jobs.iter().all(|state| *state == JobState::Done));
    for frame in 0..20 {
        assert!(made.strip.near(FrameIndex(frame)).is_none(), "{frame}");
    }
    for frame in 20..30 {
        let near = made.checked(frame, &intra);
        assert_eq!(near.thumbnail.frame.0, frame - 20);
    }
}

/// A copy that has not changed for a while.
fn settled_copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
    let then = std::time::SystemTime::now() - std::time::Duration::from_mins(10);
    let file = std::fs::File::options().write(true).open(to).unwrap();
    file.set_modified(then).unwrap();
}

#[test]
fn over_the_bar_the_pointer_shows_a_thumbnail_of_the_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let clip_file = made::clip("sync-25.mov");
    // Twenty seconds from frame 600 of the medium on: its keyframes are 120 frames apart.
    let part = clip(&clip_file.path, &range(600.0, 500.0, 25.0), &[]);
    let path = edit(folder.path(), &[part]).display().to_string();
    let roots = made::folder().display().to_string();
    let args = [
        path.as_str(),
        "--media-root",
        &roots,
        "--paused",
        "--no-audio",
        "--size",
        "1280x720",
    ];
    let mut screen = Screen::play(&args);
    screen.until("the timeline", |state| state["frames"] == 500);
    screen.until_shown(0);
    // The middle of the lane is frame 250, which is frame 850 of the medium: its keyframe 840 is nearest.
    screen.point(640, 660);
    screen.until_picture("the thumbnail of frame 840", |picture| {
        number_over_the_middle(picture) == Ok(840)
    });
    screen.close().expect(0);
}
