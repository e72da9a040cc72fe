//! Thumbnails and waveforms of real files: each thumbnail shows the frame whose number it bears.

use std::path::Path;
use std::sync::Arc;

use jogwheel::cache::thumbnails::{LEVELS, StripRequest, StripScale, StripSource, ThumbnailStrip};
use jogwheel::cache::waveform::{Waveform, WaveformRequest, WaveformSource};
use jogwheel::cache::{MemoryStore, ProductStore};
use jogwheel::convert::CpuConverter;
use jogwheel::decode::{Input, media_info, read_index};
use jogwheel::jobs::{JobEvent, JobHandle, JobListener, JobNews, JobQueue, JobState, QueueOptions};
use jogwheel::media::VideoStream;
use jogwheel::time::{FrameIndex, MediaSpan, RealClock};
use parking_lot::Mutex;

use crate::made::{self, Clip};
use crate::screen::{Picture, Screen};

/// Thumbnails at which numbers can be read whatever the codec did to them.
const LARGE: u32 = 640;

fn queue(listener: JobListener) -> JobQueue {
    let options = QueueOptions {
        workers: 0,
        waiting: 16,
    };
    JobQueue::new(options, listener).unwrap()
}

/// The default picture of a file, and how many frames it has; `None` without one.
fn source(path: &Path) -> Result<Option<StripSource>, String> {
    let mut input = Input::open(path).map_err(|error| error.to_string())?;
    let info = media_info(&input);
    let Some(stream) = info.default_video().cloned() else {
        return Ok(None);
    };
    let index = read_index(&mut input, &stream).map_err(|error| error.to_string())?;
    Ok(Some(StripSource {
        path: path.to_owned(),
        file_bytes: info.container.bytes,
        stream,
        index: Arc::new(index),
    }))
}

fn scale(side: u32, coarse_millis: i64) -> StripScale {
    StripScale {
        side,
        steps: [coarse_millis, coarse_millis / 4, coarse_millis / 8].map(MediaSpan::from_millis),
    }
}

/// Makes all thumbnails on this thread.
fn make(
    source: &StripSource,
    scale: StripScale,
    store: Option<Arc<dyn ProductStore>>,
) -> (Arc<ThumbnailStrip>, Vec<JobState>) {
    let queue = queue(Arc::new(|_| {}));
    let strip = Arc::new(ThumbnailStrip::new());
    let clock = Arc::new(RealClock::new());
    let request = StripRequest::new(source.clone(), scale, Arc::clone(&strip), store, clock);
    let jobs = request.submit(&queue).unwrap();
    while queue.run_one().is_some() {}
    let states = jobs.iter().map(JobHandle::state).collect();
    (strip, states)
}

/// Thumbnails that are made.
fn count(strip: &ThumbnailStrip) -> i64 {
    i64::try_from(strip.len()).unwrap()
}

/// The frames that have thumbnails. Each is checked to show its own number.
fn checked(strip: &ThumbnailStrip, stream: &VideoStream, clip: &Clip) -> Vec<i64> {
    let mut converter = CpuConverter::new(1);
    let mut frames = Vec::new();
    let mut next = 0;
    while let Some(thumbnail) =
        (next..clip.frames).find_map(|frame| strip.nearest(FrameIndex(frame), 0))
    {
        let number = made::number_in(&thumbnail.picture, stream.orientation, &mut converter);
        let wanted = thumbnail.frame.0 + i64::from(clip.first);
        assert_eq!(
            number.map(i64::from),
            Ok(wanted),
            "{}: the thumbnail of frame {}",
            clip.name,
            thumbnail.frame
        );
        frames.push(thumbnail.frame.0);
        next = thumbnail.frame.0 + 1;
    }
    assert_eq!(frames.len(), strip.len(), "{}: beyond the end", clip.name);
    frames
}

#[test]
fn every_thumbnail_shows_the_frame_whose_number_it_bears() {
    for clip in made::clips(&["number"]) {
        let source = source(&clip.path).unwrap().unwrap();
        let (strip, states) = make(&source, scale(LARGE, 1_000), None);
        assert!(
            states.iter().all(|state| *state == JobState::Done),
            "{}: {states:?}",
            clip.name
        );
        let frames = checked(&strip, &source.stream, &clip);
        // Nothing is farther from a thumbnail than the strip says; twice that between two of them.
        let reach = strip.reach();
        let mut edges = frames.clone();
        edges.extend([0, clip.frames - 1]);
        edges.sort_unstable();
        let widest = edges
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap();
        assert!(
            !frames.is_empty() && widest <= 2 * reach,
            "{}: {frames:?} of {}, {reach} apart",
            clip.name,
            clip.frames
        );
    }
}

#[test]
fn small_thumbnails_can_be_told_apart() {
    for name in ["h264-bframes.mp4", "hevc-closedgop.mp4", "prores.mov"] {
        let clip = made::clip(name);
        let source = source(&clip.path).unwrap().unwrap();
        let (strip, _) = make(&source, StripScale::default(), None);
        let frames = checked(&strip, &source.stream, &clip);
        assert!(frames.contains(&0), "{name}: {frames:?}");
        let first = strip.nearest(FrameIndex(0), 0).unwrap();
        assert_eq!(first.picture.size.width(), 160, "{name}");
    }
}

#[test]
fn behind_one_keyframe_frames_in_between_are_decoded() {
    let clip = made::clip("h264-longgop.mp4");
    let source = source(&clip.path).unwrap().unwrap();
    let keys = source.index.keyframes().len();
    let (strip, _) = make(&source, scale(LARGE, 1_000), None);
    let frames = checked(&strip, &source.stream, &clip);
    assert!(frames.len() > 2 * keys, "{frames:?}, {keys} keyframes");
}

#[test]
fn what_was_made_is_found_again_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let clip = made::clip("h264-bframes.mp4");
    settled_copy(&clip.path, &path);
    let store = Arc::new(MemoryStore::new(32 << 20));
    let kept = || Some(Arc::clone(&store) as Arc<dyn ProductStore>);
    let first = source(&path).unwrap().unwrap();
    let (made, _) = make(&first, scale(LARGE, 1_000), kept());
    let bytes = store.used_bytes();
    assert!(bytes > 0);
    // Read from the store, they still bear the right numbers.
    let (again, _) = make(&first, scale(LARGE, 1_000), kept());
    let frames = checked(&again, &first.stream, &clip);
    assert_eq!(frames, checked(&made, &first.stream, &clip));
    assert_eq!(store.used_bytes(), bytes, "nothing was made again");

    // Another clip under the same name is made anew, and what the old one's index says is refused.
    let other = made::clip("h264-25.mp4");
    settled_copy(&other.path, &path);
    let (strip, states) = make(&first, scale(LARGE, 1_000), kept());
    assert!(strip.is_empty());
    assert!(
        matches!(&states[0], JobState::Failed(reason) if reason.contains("another file")),
        "{states:?}"
    );
    let second = source(&path).unwrap().unwrap();
    let (strip, _) = make(&second, scale(LARGE, 1_000), kept());
    checked(&strip, &second.stream, &other);
}

/// A copy that has not changed for a while.
fn settled_copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).unwrap();
    settle(to);
}

fn settle(path: &Path) {
    let then = std::time::SystemTime::now() - std::time::Duration::from_mins(10);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(then).unwrap();
}

#[test]
fn what_is_made_of_a_damaged_file_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mov");
    let clip = made::clip("h264-intra.mov");
    settled_copy(&clip.path, &path);
    let source = source(&path).unwrap().unwrap();
    // A stretch in the middle is lost; the sizes and places of all packets are as they were.
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + middle / 2].fill(0);
    std::fs::write(&path, bytes).unwrap();
    settle(&path);
    let store = Arc::new(MemoryStore::new(32 << 20));
    let kept = Arc::clone(&store) as Arc<dyn ProductStore>;
    let (strip, states) = make(&source, scale(LARGE, 200), Some(kept));
    assert_eq!(states[0], JobState::Done);
    assert!(!strip.is_empty(), "the rest can be seen");
    assert_eq!(store.used_bytes(), 0);
}

#[test]
fn called_off_in_the_middle_nothing_is_left_running() {
    let clip = made::clip("h264-intra.mov");
    let source = source(&clip.path).unwrap().unwrap();
    let jobs: Arc<Mutex<Vec<JobHandle>>> = Arc::default();
    let listener: JobListener = {
        let jobs = Arc::clone(&jobs);
        Arc::new(move |event: &JobEvent| {
            if let JobNews::Progress(_) = event.news {
                jobs.lock().iter().for_each(JobHandle::cancel);
            }
        })
    };
    let queue = queue(listener);
    let strip = Arc::new(ThumbnailStrip::new());
    let store: Arc<MemoryStore> = Arc::new(MemoryStore::new(32 << 20));
    let kept = Arc::clone(&store) as Arc<dyn ProductStore>;
    let clock = Arc::new(RealClock::new());
    // Every frame is a keyframe, so the first level alone has all of them.
    let dense = scale(LARGE, 8);
    let request = StripRequest::new(source, dense, Arc::clone(&strip), Some(kept), clock);
    *jobs.lock() = request.submit(&queue).unwrap();
    while queue.run_one().is_some() {}
    assert!(queue.is_idle());
    // The last one only looks for what is kept.
    let states: Vec<JobState> = jobs.lock().iter().map(JobHandle::state).collect();
    assert!(
        states[..LEVELS]
            .iter()
            .all(|state| *state == JobState::Cancelled),
        "{states:?}"
    );
    assert_eq!(states[LEVELS], JobState::Done);
    assert!(
        !strip.is_empty() && count(&strip) < clip.frames,
        "{}",
        strip.len()
    );
    assert_eq!(store.used_bytes(), 0);
    // Nothing of the request is held any more.
    assert_eq!(Arc::strong_count(&strip), 1);
}

#[test]
fn damaged_and_refused_files_end_with_what_they_have() {
    for clip in made::clips(&["damaged", "refused", "still"]) {
        let Ok(Some(source)) = source(&clip.path) else {
            continue;
        };
        let (strip, states) = make(&source, scale(LARGE, 1_000), None);
        assert!(
            states.iter().all(JobState::is_over),
            "{}: {states:?}",
            clip.name
        );
        assert!(
            count(&strip) <= source.index.len(),
            "{}: {} thumbnails",
            clip.name,
            strip.len()
        );
    }
}

#[test]
fn every_kind_of_sound_has_a_waveform() {
    let clips = made::clips(&["sync", "audio"]);
    assert!(!clips.is_empty());
    for clip in clips {
        let input = Input::open(&clip.path).unwrap();
        let info = media_info(&input);
        let stream = info
            .default_audio()
            .unwrap_or_else(|| panic!("{}", clip.name));
        let waveform = Arc::new(Waveform::new());
        let source = WaveformSource::of(&info, stream);
        let queue = queue(Arc::new(|_| {}));
        let request = WaveformRequest::new(source, Arc::clone(&waveform), None);
        let job = request.submit(&queue).unwrap();
        queue.run_one();
        assert_eq!(job.state(), JobState::Done, "{}", clip.name);
        let length = waveform.length();
        assert!(
            length > MediaSpan::from_millis(500),
            "{}: {length:?}",
            clip.name
        );
        let peaks = waveform.columns(length, 500);
        let loudest = peaks.iter().map(|peak| peak.high).fold(0.0, f32::max);
        assert!(loudest > 0.05, "{}: {loudest}", clip.name);
        assert!(
            peaks
                .iter()
                .all(|peak| peak.rms <= peak.high.max(-peak.low) + 1e-3)
        );
    }
}

/// The number in the thumbnail over the middle of the bar, in a window of 1280 by 720.
pub(crate) fn number_over_the_middle(picture: &Picture) -> Result<u32, String> {
    let (left, top, width, height) = (560, 528, 160, 90);
    let colour = |y: u32| (left..left + width).map(move |x| picture.pixel(x, y));
    let rgba: Vec<u8> = (top..top + height)
        .flat_map(colour)
        .flat_map(|[red, green, blue]| [red, green, blue, 255])
        .collect();
    made::number_in_rgba(&rgba, 160, 90)
}

#[test]
fn over_the_bar_the_pointer_shows_a_thumbnail_and_closing_leaves_nothing_running() {
    let clip = made::clip("sync-25.mov").path.display().to_string();
    let args = [
        clip.as_str(),
        "--paused",
        "--no-audio",
        "--size",
        "1280x720",
    ];
    let mut screen = Screen::play(&args);
    screen.until("the whole index", |state| state["frames"] == 1_500);
    screen.until_shown(0);
    // The middle of the lane is frame 750; the clip has a keyframe every 120.
    screen.point(640, 660);
    screen.until_picture("the thumbnail of frame 720", |picture| {
        number_over_the_middle(picture) == Ok(720)
    });
    screen.close().expect(0);

    let mut screen = Screen::play(&[&args[..], &["--no-thumbnails"]].concat());
    screen.until("the whole index", |state| state["frames"] == 1_500);
    screen.until_shown(0);
    screen.point(640, 660);
    // The hair at the pointer tells that it was seen.
    let plain = screen.until_picture("where the pointer is", |picture| {
        picture.pixel(640, 655).iter().all(|code| *code > 100)
    });
    assert!(number_over_the_middle(&plain).is_err());
    screen.close().expect(0);
}

#[test]
fn what_is_kept_comes_back_while_play_holds_the_queue_up() {
    let clip = made::clip("h264-bframes.mp4");
    let source = source(&clip.path).unwrap().unwrap();
    let store: Arc<dyn ProductStore> = Arc::new(MemoryStore::new(32 << 20));
    let (made, _) = make(&source, scale(LARGE, 1_000), Some(Arc::clone(&store)));
    for (store, expected) in [(Some(store), made.len()), (None, 0)] {
        let queue = queue(Arc::new(|_| {}));
        queue.set_paused(true);
        let strip = Arc::new(ThumbnailStrip::new());
        let clock = Arc::new(RealClock::new());
        let wanted = scale(LARGE, 1_000);
        let request = StripRequest::new(source.clone(), wanted, Arc::clone(&strip), store, clock);
        let jobs = request.submit(&queue).unwrap();
        while queue.run_one().is_some() {}
        assert_eq!(strip.len(), expected);
        assert!(jobs[..LEVELS].iter().all(|job| !job.state().is_over()));
    }
    assert!(!made.is_empty());
}
